-- Trigger functions of the tables in clinic_data; sql/schema/repeatable/40_triggers.sql attaches them.
-- They run with the rights of whoever writes the row: as definers they would be held to the row security of clinic_owner,
-- and a superuser who loads rows of several tenants has no tenant.

CREATE FUNCTION clinic_private.add_patient_resource()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, created_by, updated_by)
         VALUES (NEW.tenant_id, NEW.patient_id, 'patient', NEW.created_by, NEW.updated_by);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.add_patient_resource() IS
    'Trigger: a new patient becomes a resource of the same id, so that the patient''s time can be claimed.';

CREATE FUNCTION clinic_private.add_first_calendar()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO clinic_data.calendars (tenant_id, resource_id, lane) VALUES (NEW.tenant_id, NEW.resource_id, 1);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.add_first_calendar() IS 'Trigger: a new resource gets its first lane.';

CREATE FUNCTION clinic_private.stamp_change()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := clinic.now();
    NEW.updated_by := clinic.current_user_id();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION clinic_private.stamp_change() IS
    'Trigger: a changed row gets the next version, and who changed it when. What the writer put there is overruled.';

CREATE FUNCTION clinic_private.refuse_change()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'fixed columns of "%" cannot be changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation',
              DETAIL = pg_catalog.format('They are: %s.', pg_catalog.array_to_string(TG_ARGV, ', ')),
              HINT = 'Retire or delete the row and add another.',
              SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_change() IS
    'Trigger: refuses the change that its condition has found; its arguments name the columns that are fixed.';

REVOKE ALL ON FUNCTION clinic_private.add_patient_resource(), clinic_private.add_first_calendar(),
    clinic_private.stamp_change(), clinic_private.refuse_change() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.add_patient_resource(), clinic_private.add_first_calendar(),
    clinic_private.stamp_change(), clinic_private.refuse_change() TO clinic_owner;
