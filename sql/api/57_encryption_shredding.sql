-- Shredding: a patient's keys are destroyed, and with them what they encrypted, wherever copies of it are. The tombstone stays, outside of what
-- is deleted, and is applied again to a database that is restored from a backup of before.

CREATE FUNCTION clinic_private.null_blind_indexes(tenant_id uuid, patient_id uuid)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    part record;
    total bigint := 0;
BEGIN
    FOR part IN
        SELECT DISTINCT t.root::regclass::text AS name, t.tenant_column, t.patient_column, t.index_column
        FROM clinic_private.encrypted_tables() AS t
        WHERE t.patient_column IS NOT NULL AND t.index_column IS NOT NULL
        ORDER BY 1, 4
    LOOP
        total := total + clinic_private.query_as_owner(part.name::regclass,
            format('WITH changed AS (UPDATE %1$s SET %2$I = NULL WHERE %3$I = ($1 ->> ''tenant'')::uuid AND %4$I = ($1 ->> ''patient'')::uuid AND %2$I IS NOT NULL RETURNING 1)'
                   ' SELECT to_jsonb(count(*)) FROM changed', part.name, part.index_column, part.tenant_column, part.patient_column),
            jsonb_build_object('tenant', null_blind_indexes.tenant_id, 'patient', null_blind_indexes.patient_id))::bigint;
    END LOOP;
    RETURN total;
END
$$;
ALTER FUNCTION clinic_private.null_blind_indexes OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic_private.null_blind_indexes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.null_blind_indexes TO clinic_owner;
COMMENT ON FUNCTION clinic_private.null_blind_indexes(uuid, uuid) IS
    'Empties the registered blind indexes of a patient, and returns how many rows that were. For the context of the system.';

CREATE FUNCTION clinic_private.shred_patient(tenant_id uuid, patient_id uuid, reason text)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    who constant uuid := clinic.current_user_id();
    keys integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'tenant_id', shred_patient.tenant_id, 'patient_id', shred_patient.patient_id, 'reason', shred_patient.reason));
    IF length(btrim(shred_patient.reason)) NOT BETWEEN 1 AND 1000 THEN
        PERFORM clinic_private.refuse_argument('reason', 'reason must have 1 to 1000 characters', hint => 'Name no patient in it: it stays.');
    END IF;
    PERFORM clinic_private.enter_system(shred_patient.tenant_id);
    keys := clinic_private.destroy_patient_keys(shred_patient.tenant_id, shred_patient.patient_id, clinic.now(), who, btrim(shred_patient.reason));
    PERFORM clinic_private.null_blind_indexes(shred_patient.tenant_id, shred_patient.patient_id);
    PERFORM clinic_private.restore_context(saved);
    RETURN keys;
END
$$;
ALTER FUNCTION clinic_private.shred_patient OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic_private.shred_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.shred_patient TO clinic_owner;
COMMENT ON FUNCTION clinic_private.shred_patient(uuid, uuid, text) IS
    'Destroys the keys of a patient, writes the tombstone, and empties the registered blind indexes; returns how many keys there were, 0 the second time. Checks no
permission, and whether there is such a patient neither: a restored database may not have all. Waits for transactions that are encrypting for the patient.
reason: 1 to 1000 characters that name nobody. Errors: 22004, 22023, not_found (the tenant), busy, 25006.';

CREATE FUNCTION clinic.shred_list()
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    tenant record;
    list jsonb := '[]';
BEGIN
    FOR tenant IN SELECT k.tenant_id FROM clinic_private.known_tenants() AS k ORDER BY k.tenant_id LOOP
        PERFORM clinic_private.enter_system(tenant.tenant_id);
        list := list || (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                    'tenant_id', s.tenant_id, 'patient_id', s.patient_id, 'shredded_at', s.shredded_at, 'shredded_by', s.shredded_by,
                                    'reason', s.reason) ORDER BY s.shredded_at, s.patient_id), '[]')
                         FROM clinic_data.shredded_patients AS s WHERE s.tenant_id = tenant.tenant_id);
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
    RETURN list;
END
$$;
ALTER FUNCTION clinic.shred_list OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.shred_list() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.shred_list() TO clinic_admin;
COMMENT ON FUNCTION clinic.shred_list() IS
    'Whose keys were destroyed, in all tenants: an array of objects with tenant_id, patient_id, shredded_at, shredded_by and reason. Keep it outside of the database, with each
backup or after each shredding, and give it to clinic.apply_shred_list after a restore. For administrators.';

CREATE FUNCTION clinic.apply_shred_list(list jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    entry record;
    keys integer;
    total integer := 0;
BEGIN
    IF jsonb_typeof(apply_shred_list.list) IS DISTINCT FROM 'array'
       OR EXISTS (SELECT FROM jsonb_array_elements(apply_shred_list.list) AS e (item)
                  WHERE jsonb_typeof(e.item) <> 'object' OR e.item ->> 'tenant_id' IS NULL OR e.item ->> 'patient_id' IS NULL
                     OR e.item ->> 'shredded_at' IS NULL OR coalesce(length(e.item ->> 'reason'), 0) NOT BETWEEN 1 AND 1000) THEN
        PERFORM clinic_private.refuse_argument('list', 'this is not what clinic.shred_list() returned');
    END IF;
    FOR entry IN
        SELECT e.*
        FROM jsonb_to_recordset(apply_shred_list.list)
             AS e (tenant_id uuid, patient_id uuid, shredded_at timestamptz, shredded_by uuid, reason text)
        JOIN clinic_private.known_tenants() AS k ON k.tenant_id = e.tenant_id
        ORDER BY e.tenant_id, e.patient_id
    LOOP
        PERFORM clinic_private.enter_system(entry.tenant_id);
        keys := clinic_private.destroy_patient_keys(entry.tenant_id, entry.patient_id, entry.shredded_at, entry.shredded_by, entry.reason);
        total := total + sign(keys)::integer;
        PERFORM clinic_private.null_blind_indexes(entry.tenant_id, entry.patient_id);
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
    RETURN total;
END
$$;
ALTER FUNCTION clinic.apply_shred_list OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.apply_shred_list(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.apply_shred_list(jsonb) TO clinic_admin;
COMMENT ON FUNCTION clinic.apply_shred_list(jsonb) IS
    'Shreds again, in a restored database, whom clinic.shred_list() names, and returns how many patients still had keys; again, it finds none. Tenants that are not there are
left out; a patient who is not gets the tombstone alone. For administrators. Errors: 22023, busy.';
