-- Triggers. Those of one table and time fire in the order of their names.

DO $$
DECLARE
    target record;
    fixed_columns text;
    changed text;
BEGIN
    -- Identity: a row never moves to another tenant nor takes another id. Keys are whatever the primary key names, and
    -- tenant_id wherever it is; of the hours' versions everything but their retirement.
    FOR target IN
        SELECT c.relname AS name,
               array_agg(a.attname ORDER BY a.attnum) AS columns
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = 'clinic_data'::regnamespace
           AND c.relkind IN ('r', 'p')
           AND NOT c.relispartition
           AND (a.attnum = ANY (k.conkey)
                OR a.attname IN ('tenant_id', 'created_at', 'created_by')
                OR c.relname = 'availability_rules'
                   AND a.attname IN ('resource_id', 'location_id', 'rule', 'dtstart_on', 'start_time', 'end_time', 'time_zone',
                                     'valid_from', 'valid_until', 'service_ids', 'max_appointments', 'replaces_rule_id'))
         GROUP BY c.relname
         ORDER BY c.relname
    LOOP
        SELECT string_agg(pg_catalog.format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', name), ' OR ' ORDER BY place),
               string_agg(pg_catalog.quote_literal(name), ', ' ORDER BY place)
          INTO changed, fixed_columns
          FROM unnest(target.columns) WITH ORDINALITY AS u (name, place);
        EXECUTE pg_catalog.format(
            'CREATE OR REPLACE TRIGGER %1$I BEFORE UPDATE ON clinic_data.%2$I FOR EACH ROW WHEN (%3$s) EXECUTE FUNCTION clinic_private.refuse_change(%4$s)',
            target.name || '_10_identity', target.name, changed, fixed_columns);
        EXECUTE pg_catalog.format('COMMENT ON TRIGGER %I ON clinic_data.%I IS %L', target.name || '_10_identity', target.name,
                                  'What identifies a row does not change.');
    END LOOP;

    -- Version and stamps, wherever a table has them.
    FOR target IN
        SELECT c.relname AS name
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('version', 'updated_at', 'updated_by')
                                            AND NOT a.attisdropped
         WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         GROUP BY c.relname
        HAVING count(*) = 3
         ORDER BY c.relname
    LOOP
        EXECUTE pg_catalog.format(
            'CREATE OR REPLACE TRIGGER %1$I BEFORE UPDATE ON clinic_data.%2$I FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION clinic_private.stamp_change()',
            target.name || '_20_stamp', target.name);
        EXECUTE pg_catalog.format('COMMENT ON TRIGGER %I ON clinic_data.%I IS %L', target.name || '_20_stamp', target.name,
                                  'A changed row gets its next version, and who changed it when.');
    END LOOP;
END
$$;

CREATE OR REPLACE TRIGGER patients_30_resource
    AFTER INSERT ON clinic_data.patients
    FOR EACH ROW EXECUTE FUNCTION clinic_private.add_patient_resource();
COMMENT ON TRIGGER patients_30_resource ON clinic_data.patients IS 'A patient is a resource too.';

CREATE OR REPLACE TRIGGER resources_30_calendar
    AFTER INSERT ON clinic_data.resources
    FOR EACH ROW EXECUTE FUNCTION clinic_private.add_first_calendar();
COMMENT ON TRIGGER resources_30_calendar ON clinic_data.resources IS 'Every resource has a first lane.';

-- Whoever writes a claim takes its resource's lock first; ALWAYS, so that replication's apply does too.
DO $$
BEGIN
    IF pg_catalog.to_regprocedure('clinic_private.claims_guard()') IS NOT NULL THEN
        CREATE OR REPLACE TRIGGER claims_40_guard
            BEFORE INSERT OR UPDATE ON clinic_data.claims
            FOR EACH ROW EXECUTE FUNCTION clinic_private.claims_guard();
        COMMENT ON TRIGGER claims_40_guard ON clinic_data.claims IS
            'Takes the lock of the resource before the row is written, so that writers wait in order instead of deadlocking.';
        ALTER TABLE clinic_data.claims ENABLE ALWAYS TRIGGER claims_40_guard;
    END IF;
END
$$;
