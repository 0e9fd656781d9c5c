-- Patients, with the demographics that booking needs.

CREATE FUNCTION clinic_private.require_birth_date(date_of_birth date)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    -- Somewhere on Earth it is already tomorrow.
    IF require_birth_date.date_of_birth NOT BETWEEN '1800-01-01' AND clinic_private.today_in('Etc/UTC') + 1 THEN
        PERFORM clinic_private.refuse_argument('date_of_birth', 'date_of_birth must lie between 1800 and today');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_birth_date(date) IS
    'Refuses dates of birth in the future or before 1800; null passes. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_birth_date FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_birth_date TO clinic_owner;

CREATE FUNCTION clinic.create_patient(
    name text,
    mrn text DEFAULT NULL,
    date_of_birth date DEFAULT NULL,
    sex text DEFAULT NULL,
    patient_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:write');
    new_id uuid := coalesce(create_patient.patient_id, clinic.new_id());
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('name', create_patient.name));
    PERFORM clinic_private.require_birth_date(create_patient.date_of_birth);
    PERFORM clinic_private.insert_row('patients', jsonb_build_object(
        'patient_id', new_id,
        'name', create_patient.name,
        'mrn', nullif(btrim(create_patient.mrn), ''),
        'date_of_birth', create_patient.date_of_birth,
        'sex', create_patient.sex));
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.create_patient OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_patient TO clinic_user;
COMMENT ON FUNCTION clinic.create_patient IS
    'Makes a patient, and returns the id. Needs patients:write and patients:read.
mrn: medical record number, unique in the tenant; sex: female, male, other or unknown; patient_id: for imports.
Errors: no_context, forbidden, 22004, 22023, duplicate; none shows a name, date or number.';

CREATE FUNCTION clinic.update_patient(patient_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:write');
    allowed text[] := ARRAY['name', 'mrn', 'date_of_birth', 'sex', 'status'];
    new_version integer;
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', update_patient.patient_id));
    PERFORM clinic_private.require_row('patient', update_patient.patient_id);
    new_version := clinic_private.update_row('patients', 'patient_id', update_patient.patient_id,
        clinic_private.checked_changes(update_patient.changes, allowed), allowed);
    PERFORM clinic_private.require_birth_date(p.date_of_birth)
    FROM clinic_data.patients AS p
    WHERE p.tenant_id = tenant AND p.patient_id = update_patient.patient_id;
    RETURN new_version;
END
$$;
ALTER FUNCTION clinic.update_patient OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_patient TO clinic_user;
COMMENT ON FUNCTION clinic.update_patient IS
    'Changes a patient, and returns the new version. Needs patients:write and patients:read.
changes: an object of columns and new values: name, mrn, date_of_birth, sex, status (active, inactive or deceased; only active
patients can be booked); with "version", only that version is changed.
Errors: no_context, forbidden, not_found, 22004, 22023, duplicate, stale_version; none shows a name, date or number.';
