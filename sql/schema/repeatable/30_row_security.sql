-- Row security: forced on every table of clinic_data, whoever owns it; without a policy nobody sees a row.
-- A policy that is there and says the same is left alone, so that a second install takes no lock that readers feel.

DO $$
DECLARE
    target record;
BEGIN
    FOR target IN
        SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p')
         ORDER BY c.relname
    LOOP
        IF NOT target.enabled THEN
            EXECUTE pg_catalog.format('ALTER TABLE clinic_data.%I ENABLE ROW LEVEL SECURITY', target.name);
        END IF;
        IF NOT target.forced THEN
            EXECUTE pg_catalog.format('ALTER TABLE clinic_data.%I FORCE ROW LEVEL SECURITY', target.name);
        END IF;
    END LOOP;
END
$$;

-- One policy a table, written as the server prints it back, so that it can be compared.
-- It holds for every command: what a caller may not see, no function acting for that caller may write.
DO $$
DECLARE
    own_tenant constant text := '(tenant_id = clinic.current_tenant_id())';
    own_or_staff constant text :=
        '((tenant_id = clinic.current_tenant_id()) AND (clinic.has_permission(''diary:read''::text) OR (patient_id = clinic.current_patient_id())))';
    own_visit_or_staff constant text :=
        '((tenant_id = clinic.current_tenant_id()) AND (clinic.has_permission(''diary:read''::text) OR (EXISTS ( SELECT FROM clinic_data.appointments a WHERE ((a.tenant_id = appointment_resources.tenant_id) AND (a.appointment_id = appointment_resources.appointment_id) AND (a.patient_id = clinic.current_patient_id()))))))';
    wanted record;
    existing record;
BEGIN
    FOR wanted IN
        SELECT c.oid AS table_oid, c.relname AS table_name, policy.name AS policy_name, policy.using_text,
               policy.using_text = 'true' AS read_only, policy.remark
          FROM pg_catalog.pg_class c
         CROSS JOIN LATERAL
               (SELECT 'schema_migrations_read' AS name, 'true' AS using_text, 'Everybody with rights on the table may read it.' AS remark
                 WHERE c.relname = 'schema_migrations'
                UNION ALL
                SELECT c.relname || '_visible', own_or_staff,
                       'Rows of the caller''s tenant: all for those who may read the diary, else the patient''s own.'
                 WHERE c.relname IN ('patients', 'appointments')
                UNION ALL
                SELECT c.relname || '_visible', own_visit_or_staff,
                       'Rows of the caller''s tenant: all for those who may read the diary, else of the patient''s own visits.'
                 WHERE c.relname = 'appointment_resources'
                UNION ALL
                SELECT 'token_keys_owner', '(CURRENT_USER = ''clinic_owner''::name)',
                       'Keys belong to the database: only functions for administrators touch them.'
                 WHERE c.relname = 'token_keys'
                UNION ALL
                SELECT c.relname || '_tenant', own_tenant, 'Rows of the caller''s tenant.'
                 WHERE c.relname NOT IN ('schema_migrations', 'token_keys', 'patients', 'appointments', 'appointment_resources')
                   AND EXISTS (SELECT FROM pg_catalog.pg_attribute a
                                WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)) policy
         WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p')
         ORDER BY c.relname
    LOOP
        SELECT p.polcmd, p.polpermissive, p.polroles,
               pg_catalog.regexp_replace(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '\s+', ' ', 'g') AS using_text,
               p.polwithcheck IS NULL AS no_check
          INTO existing
          FROM pg_catalog.pg_policy p
         WHERE p.polrelid = wanted.table_oid AND p.polname = wanted.policy_name;

        CONTINUE WHEN FOUND AND existing.polpermissive AND existing.polroles = '{0}' AND existing.no_check
                      AND existing.polcmd = CASE WHEN wanted.read_only THEN 'r' ELSE '*' END
                      AND existing.using_text = wanted.using_text;
        IF FOUND THEN
            EXECUTE pg_catalog.format('DROP POLICY %I ON clinic_data.%I', wanted.policy_name, wanted.table_name);
        END IF;
        EXECUTE pg_catalog.format('CREATE POLICY %I ON clinic_data.%I FOR %s TO PUBLIC USING (%s)', wanted.policy_name,
                                  wanted.table_name, CASE WHEN wanted.read_only THEN 'SELECT' ELSE 'ALL' END,
                                  wanted.using_text);
        EXECUTE pg_catalog.format('COMMENT ON POLICY %I ON clinic_data.%I IS %L', wanted.policy_name, wanted.table_name,
                                  wanted.remark);
    END LOOP;
END
$$;
