-- Everything that is kept of one patient, in one document: by the catalog, so that a table which comes later is in it too.

CREATE FUNCTION clinic_private.export_exemptions()
    RETURNS TABLE (table_name text, reason text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 10
    SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('patient_keys', 'Keys.'),
           ('audit_records', 'Who did what is told by clinic.patient_access_report.'),
           ('audit_read_patients', 'An index of the audit.'),
           ('shredded_patients', 'Tells only that nothing is left.'),
           ('logins', 'Names of database logins.'),
           ('legal_holds', 'Telling of a claim that is prepared would prejudice it.'),
           ('events', 'Notices of changes of the rows that are in the document.'),
           ('patient_search_keys', 'Made of the name, for the search.')
$$;
COMMENT ON FUNCTION clinic_private.export_exemptions() IS 'Tables with a column patient_id that clinic.export_patient leaves out, and why.';

-- Which tables tell of a patient, and how their rows are found. Of t, tenant $1 and the patient's records $2.
CREATE FUNCTION clinic_private.export_tables()
    RETURNS TABLE (relation regclass, table_name text, condition text)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 40
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH ours AS (
        SELECT c.oid, c.relname::text AS relname, p.attnum AS patient_attnum, coalesce(p.attnotnull, false) AS always
        FROM pg_class AS c
        LEFT JOIN pg_attribute AS p ON p.attrelid = c.oid AND p.attname = 'patient_id' AND p.atttypid = 'uuid'::regtype AND NOT p.attisdropped
        WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relname NOT IN (SELECT e.table_name FROM clinic_private.export_exemptions() AS e)
          AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
    SELECT o.oid::regclass, o.relname,
           CASE o.relname WHEN 'dependants' THEN '(t.patient_id = ANY ($2) OR t.guardian_patient_id = ANY ($2))' ELSE 't.patient_id = ANY ($2)' END
    FROM ours AS o
    WHERE o.patient_attnum IS NOT NULL
    UNION ALL
    -- What belongs to such a row: an appointment's charges, a series' dates.
    SELECT o.oid::regclass, o.relname,
           '(' || string_agg(format('EXISTS (SELECT FROM %s AS p WHERE p.tenant_id = $1 AND p.%I = t.%I AND p.patient_id = ANY ($2))', k.confrelid::regclass, b.attname, a.attname),
                             ' OR ' ORDER BY k.conname) || ')'
    FROM ours AS o
    JOIN pg_constraint AS k ON k.conrelid = o.oid AND k.contype = 'f' AND cardinality(k.conkey) = 2
    JOIN ours AS p ON p.oid = k.confrelid AND p.always
    JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[2]
    JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[2]
    WHERE o.patient_attnum IS NULL AND p.relname <> 'patients'
    GROUP BY o.oid, o.relname
$$;
COMMENT ON FUNCTION clinic_private.export_tables() IS
    'Tables that tell of a patient: those with a column patient_id, and those whose rows belong to a row of such a table. condition: SQL about t, of tenant $1 and the records $2.';

CREATE FUNCTION clinic_private.export_table(relation regclass, condition text, tenant uuid, records uuid[])
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
#variable_conflict error
DECLARE
    hidden text;
    plain text;
    keys text;
    result jsonb;
BEGIN
    -- Bytes are hashes, blind indexes and ciphertexts: of those what was encrypted is shown, and nothing else.
    SELECT string_agg(format(' - %L', a.attname), '' ORDER BY a.attnum),
           string_agg(format(' || jsonb_build_object(%L, %s)', a.attname,
               CASE WHEN e.patient_column IS NULL
                    THEN format('clinic_private.decrypt_field(t.%I, NULL, %L, %L, t.%I::text, t.%I)', e.tenant_column, e.bound_table, e.bound_column, e.row_column, a.attname)
                    ELSE format('clinic_private.field_text(t.%I, t.%I, %L, %L, t.%I::text, t.%I)', e.tenant_column, e.patient_column, e.bound_table, e.bound_column,
                                e.row_column, a.attname) END), '' ORDER BY a.attnum) FILTER (WHERE e.column_name IS NOT NULL)
    INTO hidden, plain
    FROM pg_attribute AS a
    JOIN pg_type AS y ON y.oid = a.atttypid
    JOIN pg_class AS c ON c.oid = a.attrelid
    LEFT JOIN clinic_private.encrypted_columns() AS e ON e.schema_name = 'clinic_data' AND e.table_name = c.relname AND e.column_name = a.attname
    WHERE a.attrelid = export_table.relation AND a.attnum > 0 AND NOT a.attisdropped
      AND 'bytea'::regtype IN (y.oid, y.typbasetype);
    SELECT string_agg(format('t.%I', a.attname), ', ' ORDER BY u.place)
    INTO keys
    FROM pg_index AS i
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS u (number, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.number
    WHERE i.indrelid = export_table.relation AND i.indisprimary;
    EXECUTE format('SELECT jsonb_agg(to_jsonb(t)%s - ''tenant_id''%s ORDER BY %s) FROM %s AS t WHERE t.tenant_id = $1 AND %s',
                   hidden, plain, keys, export_table.relation, export_table.condition)
        INTO result USING export_table.tenant, export_table.records;
    RETURN result;
END
$$;
COMMENT ON FUNCTION clinic_private.export_table(regclass, text, uuid, uuid[]) IS
    'The rows of a table that tell of a patient, as JSON: encrypted columns decrypted, other bytes left out, instants in UTC; null: none. For the context of the system.';

REVOKE ALL ON FUNCTION clinic_private.export_exemptions, clinic_private.export_tables, clinic_private.export_table FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.export_exemptions, clinic_private.export_tables, clinic_private.export_table TO clinic_owner;

CREATE FUNCTION clinic.export_patient(patient_id uuid)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on SET timezone = 'UTC'
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_own_or_whole(export_patient.patient_id, 'patients:export');
    saved constant text := clinic_private.saved_context();
    records uuid[];
    source record;
    found_rows jsonb;
    tables jsonb := '{}';
    total bigint := 0;
BEGIN
    -- Who may have it has been judged; what it holds does not depend on the branches that the caller sees.
    PERFORM clinic_private.act_as_system(tenant);
    records := clinic_private.records_of(tenant, export_patient.patient_id);
    FOR source IN SELECT e.relation, e.table_name, e.condition FROM clinic_private.export_tables() AS e ORDER BY e.table_name LOOP
        found_rows := clinic_private.export_table(source.relation, source.condition, tenant, records);
        IF found_rows IS NOT NULL THEN
            tables := tables || jsonb_build_object(source.table_name, found_rows);
            total := total + jsonb_array_length(found_rows);
        END IF;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
    PERFORM clinic_private.write_audit('security', 'export', 'patients', export_patient.patient_id::text, export_patient.patient_id,
        after => jsonb_build_object('rows', total), row_ids => records);
    RETURN jsonb_build_object('patient_id', export_patient.patient_id, 'tenant_id', tenant, 'exported_at', clinic.now(),
        'erased', clinic_private.is_erased(tenant, export_patient.patient_id), 'tables', tables);
END
$$;
ALTER FUNCTION clinic.export_patient OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.export_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.export_patient TO clinic_user;
COMMENT ON FUNCTION clinic.export_patient IS
    'Everything that is kept of a patient, as one JSON document: {"patient_id", "tenant_id", "exported_at", "erased", "tables": {"appointments": [{...}], ...}}, all tables that have the patient
or belong to a row that does, at all branches, instants in UTC, encrypted fields in clear; keys, hashes and the audit are left out. Records that were merged into the
patient''s are in it. Recorded as export.
For the patient, who acts for them, and staff with patients:export and patients:read who see the patient. Tables of your own are not in it.
Errors: no_context, forbidden, not_found, key_unavailable, decryption_failed, 22004, 25006.';
