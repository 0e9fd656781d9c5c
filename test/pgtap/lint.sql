-- clinic.lint(): for each rule the unsafe thing is made, found, mended by the statement that the finding names, and not found again.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SELECT no_plan();
-- Roles that other tests of this server have left are no members here.
SELECT format('REVOKE clinic_admin FROM %s', m.member::regrole) FROM pg_auth_members AS m WHERE m.roleid = 'clinic_admin'::regrole
\gexec

-- ---------------------------------------------------------------------------------------------------------------------
-- A fresh install.

SELECT is_empty($$ SELECT l.* FROM clinic.lint() l WHERE l.severity = 'error' $$, 'a fresh install has no error');
SELECT is_empty($$ SELECT l.* FROM clinic.lint() l WHERE l.object ~ 'clinic' AND l.rule <> 'setting_seal_key' $$, 'and nothing to say about our own objects');
SELECT is_empty($$ SELECT l.* FROM clinic.lint() l WHERE l.severity NOT IN ('error', 'warning', 'info') OR l.rule !~ '^[a-z_]+$'
                      OR concat(l.object, l.finding, l.fix) = '' OR num_nulls(l.severity, l.rule, l.object, l.finding, l.fix) > 0 $$,
                'every column of a finding is filled');
SELECT is_empty($$ SELECT l.rule FROM clinic.lint() l WHERE l.rule NOT LIKE 'setting\_%' AND l.rule <> 'not_preloaded' $$,
                'what a bare server leaves to be said is about its settings');

-- ---------------------------------------------------------------------------------------------------------------------
-- The cycle.

CREATE FUNCTION pg_temp.findings(severity text, rule text, object text) RETURNS SETOF text LANGUAGE sql AS
    $$ SELECT l.fix FROM clinic.lint() l WHERE (l.severity, l.rule, l.object) = ($1, $2, $3) $$;

CREATE FUNCTION pg_temp.cycle(unsafe text, severity text, rule text, object text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    fixes text[];
BEGIN
    IF EXISTS (SELECT pg_temp.findings(severity, rule, object)) THEN
        RETURN NEXT fail(format('%s %s is not there before: %s', rule, object, unsafe));
    END IF;
    EXECUTE unsafe;
    fixes := ARRAY(SELECT pg_temp.findings(severity, rule, object));
    RETURN NEXT is(cardinality(fixes), 1, format('%s %s is found after: %s', rule, object, left(unsafe, 100)));
    IF cardinality(fixes) = 1 THEN
        BEGIN
            EXECUTE fixes[1];
            RETURN NEXT is_empty(format('SELECT pg_temp.findings(%L, %L, %L)', severity, rule, object),
                                 format('%s %s is gone after: %s', rule, object, left(fixes[1], 150)));
        EXCEPTION WHEN OTHERS THEN
            RETURN NEXT fail(format('%s is mended by: %s (%s)', rule, fixes[1], SQLERRM));
        END;
    END IF;
END
$$;

CREATE ROLE lint_owner;
CREATE ROLE lint_someone;
CREATE ROLE lint_login LOGIN;
CREATE ROLE lint_gate LOGIN;
CREATE SCHEMA lintly AUTHORIZATION lint_owner;
GRANT USAGE ON SCHEMA lintly TO lint_someone;

-- Tables of clinic_data.
SELECT pg_temp.cycle('ALTER TABLE clinic_data.patients DISABLE ROW LEVEL SECURITY', 'error', 'table_without_row_security', 'clinic_data.patients');
SELECT pg_temp.cycle('ALTER TABLE clinic_data.patients NO FORCE ROW LEVEL SECURITY', 'error', 'row_security_not_forced', 'clinic_data.patients');
SELECT pg_temp.cycle('DROP POLICY patients_select ON clinic_data.patients', 'error', 'policy_missing', 'clinic_data.patients');
SELECT pg_temp.cycle('ALTER POLICY patients_select ON clinic_data.patients USING (tenant_id = clinic.current_tenant_id() OR true)',
                     'error', 'policy_altered', 'clinic_data.patients.patients_select');
SELECT pg_temp.cycle('ALTER POLICY patients_update ON clinic_data.patients WITH CHECK (true)',
                     'error', 'policy_altered', 'clinic_data.patients.patients_update');
SELECT pg_temp.cycle('ALTER POLICY claims_select ON clinic_data.claims TO lint_someone', 'error', 'policy_altered', 'clinic_data.claims.claims_select');
SELECT pg_temp.cycle('CREATE POLICY wide ON clinic_data.patients USING (true)', 'error', 'policy_always_true', 'clinic_data.patients.wide');
SELECT pg_temp.cycle('CREATE POLICY wide ON clinic_data.patients USING (tenant_id = clinic.current_tenant_id())', 'error', 'policy_beside', 'clinic_data.patients.wide');
-- One that takes the name and the words of ours is not ours.
SELECT pg_temp.cycle($$ DROP POLICY patients_select ON clinic_data.patients; CREATE POLICY patients_select ON clinic_data.patients FOR SELECT USING (true) $$,
                     'error', 'policy_always_true', 'clinic_data.patients.patients_select');
CALL clinic.install();
SELECT lives_ok('CREATE POLICY narrow ON clinic_data.patients AS RESTRICTIVE USING (version < 1000)', 'a policy that narrows is made');
SELECT is_empty($$ SELECT l.* FROM clinic.lint() l WHERE l.object ~ 'clinic_data' $$, 'and is no finding');
SELECT pg_temp.cycle('ALTER TABLE clinic_data.claims OWNER TO lint_owner', 'error', 'owner_changed', 'clinic_data.claims');
SELECT pg_temp.cycle('ALTER TABLE clinic_data.patients DISABLE TRIGGER patients_30_resource', 'error', 'trigger_disabled', 'clinic_data.patients.patients_30_resource');
SELECT pg_temp.cycle('ALTER TABLE clinic_data.claims ENABLE TRIGGER claims_40_guard', 'error', 'trigger_disabled', 'clinic_data.claims.claims_40_guard');
SELECT pg_temp.cycle(format('ALTER TABLE clinic_data.users DISABLE TRIGGER %I', g.tgname), 'error', 'trigger_disabled', format('clinic_data.users.%I', g.tgname))
  FROM (SELECT t.tgname FROM pg_trigger t WHERE t.tgrelid = 'clinic_data.users'::regclass AND t.tgisinternal ORDER BY t.tgname LIMIT 1) g;
SELECT pg_temp.cycle('CREATE FUNCTION lintly.spy() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN new; END'';
                      ALTER FUNCTION lintly.spy() OWNER TO lint_owner;
                      CREATE TRIGGER spy BEFORE INSERT ON clinic_data.patients FOR EACH ROW EXECUTE FUNCTION lintly.spy()',
                     'error', 'trigger_beside', 'clinic_data.patients.spy');
SELECT pg_temp.cycle('CREATE FUNCTION lintly.watch() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN new; END'';
                      CREATE TRIGGER watch BEFORE INSERT ON clinic_data.patients FOR EACH ROW EXECUTE FUNCTION lintly.watch()',
                     'info', 'trigger_beside', 'clinic_data.patients.watch');
SELECT pg_temp.cycle('CREATE RULE nothing AS ON DELETE TO clinic_data.patients DO INSTEAD NOTHING', 'error', 'rule_beside', 'clinic_data.patients.nothing');
SELECT pg_temp.cycle('CREATE PUBLICATION lint_all FOR ALL TABLES', 'warning', 'table_published', 'lint_all: clinic_data.patients');
SELECT pg_temp.cycle('CREATE PUBLICATION lint_one FOR TABLE clinic_data.patients', 'warning', 'table_published', 'lint_one: clinic_data.patients');
SELECT pg_temp.cycle('CREATE PUBLICATION lint_schema FOR TABLES IN SCHEMA clinic_data', 'warning', 'table_published', 'lint_schema: clinic_data.patients');
SELECT pg_temp.cycle('ALTER TABLE clinic_data.patients ADD CONSTRAINT patients_mrn_key UNIQUE (mrn)', 'warning', 'key_without_tenant', 'clinic_data.patients_mrn_key');

-- Statistics that keep values, and those that were there before.
SELECT pg_temp.cycle('ALTER TABLE clinic_data.patients ALTER COLUMN name SET STATISTICS 50', 'warning', 'statistics_hold_values', 'clinic_data.patients.name');
SELECT pg_temp.cycle('ALTER TABLE clinic_data.outbox ALTER COLUMN destination SET STATISTICS 50;
                      INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, destination, created_at, due_at)
                          SELECT clinic.new_id(), clinic.new_id(), ''lint'', ''sms'', ''+4930'' || n, now(), now() FROM generate_series(1000, 1010) AS n;
                      ANALYZE clinic_data.outbox; ALTER TABLE clinic_data.outbox ALTER COLUMN destination SET STATISTICS 0',
                     'warning', 'statistics_hold_values', 'clinic_data.outbox.destination');

-- Rights.
SELECT pg_temp.cycle('GRANT SELECT ON clinic_data.patients TO PUBLIC', 'error', 'grant_on_table', 'clinic_data.patients: PUBLIC');
SELECT pg_temp.cycle('GRANT SELECT (name) ON clinic_data.patients TO lint_someone', 'error', 'grant_on_table', 'clinic_data.patients: lint_someone');
SELECT pg_temp.cycle('GRANT INSERT ON clinic_data.patients TO clinic_user', 'error', 'grant_on_table', 'clinic_data.patients: clinic_user');
SELECT pg_temp.cycle(format('GRANT %s ON clinic_data.patients TO lint_someone', p), 'error', 'grant_past_row_security', 'clinic_data.patients: lint_someone')
  FROM unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER', 'REFERENCES (patient_id)']) p;
SELECT pg_temp.cycle('GRANT SELECT ON clinic.patients TO PUBLIC', 'warning', 'grant_on_view', 'clinic.patients: PUBLIC');
SELECT pg_temp.cycle('GRANT UPDATE ON clinic.patients TO clinic_user', 'error', 'grant_on_view', 'clinic.patients: clinic_user');
SELECT ok(has_table_privilege('clinic_user', 'clinic.patients', 'SELECT'), 'the mend leaves the right to read');
SELECT pg_temp.cycle('GRANT EXECUTE ON PROCEDURE clinic.install() TO PUBLIC', 'error', 'function_open_to_public', 'clinic.install()');
SELECT pg_temp.cycle('GRANT EXECUTE ON FUNCTION clinic.use_tenant(text) TO PUBLIC', 'error', 'function_open_to_public', 'clinic.use_tenant(text)');
SELECT pg_temp.cycle('ALTER FUNCTION clinic.schema_status() OWNER TO CURRENT_USER', 'error', 'function_altered', 'clinic.schema_status()');
SELECT pg_temp.cycle('ALTER FUNCTION clinic.schema_status() RESET search_path', 'error', 'function_search_path', 'clinic.schema_status()');
SELECT pg_temp.cycle('CREATE FUNCTION clinic.use_tenant(character varying) RETURNS int LANGUAGE sql AS ''SELECT 1''', 'error', 'function_beside',
                     'clinic.use_tenant(character varying)');
SELECT pg_temp.cycle('GRANT CREATE ON SCHEMA public TO PUBLIC', 'warning', 'create_in_schema', 'public: PUBLIC');
SELECT pg_temp.cycle('GRANT CREATE ON SCHEMA clinic TO lint_someone', 'error', 'create_in_schema', 'clinic: lint_someone');
SELECT pg_temp.cycle('GRANT USAGE ON SCHEMA clinic_data TO clinic_user', 'warning', 'usage_of_schema', 'clinic_data: clinic_user');

-- What others made.
SELECT pg_temp.cycle('CREATE FUNCTION lintly.all_patients() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
                      AS ''SELECT count(*) FROM clinic_data.patients''', 'error', 'definer_passes_row_security', 'lintly.all_patients()');
SELECT pg_temp.cycle('CREATE FUNCTION lintly.as_owner() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ''SELECT 1'';
                      ALTER FUNCTION lintly.as_owner() OWNER TO clinic_owner', 'error', 'definer_passes_row_security', 'lintly.as_owner()');
SELECT pg_temp.cycle(format('CREATE FUNCTION lintly.path_%s() RETURNS int LANGUAGE sql SECURITY DEFINER %s AS ''SELECT 1'';
                             ALTER FUNCTION lintly.path_%1$s() OWNER TO lint_owner', n, p), 'warning', 'definer_search_path', format('lintly.path_%s()', n))
  FROM unnest(ARRAY['', 'SET search_path = pg_catalog, lintly', 'SET search_path = pg_temp, pg_catalog', 'SET search_path = pg_temp']) WITH ORDINALITY AS u (p, n);
SELECT is((SELECT string_agg(array_to_string(p.proconfig, ' '), '; ' ORDER BY p.proname) FROM pg_proc p
            WHERE p.pronamespace = 'lintly'::regnamespace AND p.proname LIKE 'path%'),
          'search_path=pg_catalog, lintly, pg_temp; search_path=pg_catalog, lintly, pg_temp; search_path=pg_catalog, pg_temp; search_path=pg_catalog, pg_temp',
          'the mended paths are those that were meant');
SELECT pg_temp.cycle('CREATE VIEW lintly.everyone WITH (security_barrier) AS SELECT p.name FROM clinic_data.patients p', 'error', 'view_passes_row_security', 'lintly.everyone');
SELECT pg_temp.cycle('CREATE VIEW lintly.leaky WITH (security_invoker) AS SELECT p.name FROM clinic_data.patients p', 'warning', 'view_without_barrier', 'lintly.leaky');
SELECT lives_ok('CREATE VIEW lintly.over_views AS SELECT p.name FROM clinic.patients p', 'a view over a view of ours is made');
SELECT is_empty($$ SELECT l.* FROM clinic.lint() l WHERE l.object = 'lintly.over_views' $$, 'and is no finding');
SELECT pg_temp.cycle('ALTER VIEW clinic.patients SET (security_barrier = false)', 'error', 'view_altered', 'clinic.patients');
SELECT pg_temp.cycle('ALTER VIEW clinic.patients OWNER TO CURRENT_USER', 'error', 'view_altered', 'clinic.patients');
SELECT pg_temp.cycle('CREATE MATERIALIZED VIEW lintly.kept AS SELECT * FROM clinic_data.patients', 'error', 'materialized_view', 'lintly.kept');
SELECT pg_temp.cycle('CREATE MATERIALIZED VIEW lintly.kept AS SELECT * FROM lintly.over_views', 'error', 'materialized_view', 'lintly.kept');
SELECT pg_temp.cycle('CREATE FUNCTION lintly.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS ''BEGIN END'';
                      CREATE EVENT TRIGGER lint_ddl ON ddl_command_end EXECUTE FUNCTION lintly.on_ddl()', 'info', 'event_trigger', 'lint_ddl');
SELECT pg_temp.cycle('CREATE EXTENSION dblink SCHEMA public', 'warning', 'extension_reads_around', 'dblink');
SELECT pg_temp.cycle('CREATE EXTENSION pageinspect SCHEMA public', 'info', 'extension_reads_around', 'pageinspect');
SELECT pg_temp.cycle('CREATE EXTENSION postgres_fdw SCHEMA public; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO PUBLIC', 'warning', 'foreign_data_open', 'postgres_fdw: PUBLIC');

-- Tables of one's own.
SET LOCAL ROLE lint_owner;
CREATE TABLE lintly.visits (tenant_id uuid NOT NULL, visit_id uuid PRIMARY KEY, code text, room int, slot int4range, UNIQUE (tenant_id, visit_id, code));
CREATE TABLE lintly.notes (tenant_id uuid NOT NULL, note_id uuid, visit_id uuid CONSTRAINT notes_visit_fkey REFERENCES lintly.visits ON DELETE SET NULL,
                           PRIMARY KEY (tenant_id, note_id));
CREATE TABLE lintly.loose (tenant_id uuid, note text);
CREATE TABLE lintly.parts (tenant_id uuid NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE lintly.parts_1 PARTITION OF lintly.parts FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
RESET ROLE;
SELECT set_eq($$ SELECT l.object FROM clinic.lint() l WHERE l.rule = 'table_without_row_security' $$,
              ARRAY['lintly.visits', 'lintly.notes', 'lintly.loose', 'lintly.parts'], 'tables with a tenant and without row security are found; partitions without rights are not');
SELECT pg_temp.cycle('GRANT SELECT ON lintly.parts_1 TO lint_someone', 'error', 'table_without_row_security', 'lintly.parts_1');
CREATE FUNCTION pg_temp.run_fix(rule text, object text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN EXECUTE (SELECT l.fix FROM clinic.lint() l WHERE (l.rule, l.object) = ($1, $2)); END $$;
SELECT pg_temp.run_fix('table_without_row_security', t) FROM unnest(ARRAY['lintly.visits', 'lintly.notes', 'lintly.loose', 'lintly.parts']) t \g /dev/null
SELECT is_empty($$ SELECT l.* FROM clinic.lint() l WHERE l.rule = 'table_without_row_security' $$, 'what mends them runs as it stands');
SELECT is((SELECT string_agg(t.relname || ' ' || (SELECT count(*) FROM pg_policy p WHERE p.polrelid = t.oid), ', ' ORDER BY t.relname)
             FROM pg_class t
            WHERE t.relnamespace = 'lintly'::regnamespace AND t.relkind IN ('r', 'p') AND t.relrowsecurity AND t.relforcerowsecurity),
          'loose 0, notes 4, parts 4, parts_1 4, visits 4', 'with the tenant''s policies, or closed where the column does not serve');
SELECT pg_temp.cycle('ALTER TABLE lintly.visits NO FORCE ROW LEVEL SECURITY', 'warning', 'row_security_not_forced', 'lintly.visits');
SELECT pg_temp.cycle('CREATE POLICY wide ON lintly.visits USING (true)', 'error', 'policy_always_true', 'lintly.visits.wide');
SELECT pg_temp.cycle('CREATE POLICY wide ON lintly.visits FOR INSERT WITH CHECK (true)', 'error', 'policy_always_true', 'lintly.visits.wide');
SELECT pg_temp.cycle('CREATE POLICY wide ON lintly.visits USING (tenant_id::text = current_setting(''app.tenant'', true))', 'error', 'policy_without_tenant', 'lintly.visits.wide');
SELECT pg_temp.cycle('CREATE POLICY wide ON lintly.visits FOR SELECT USING (tenant_id = clinic.current_tenant_id())', 'warning', 'policy_beside', 'lintly.visits.wide');
SELECT pg_temp.cycle('ALTER POLICY clinic_select ON lintly.visits USING (tenant_id = clinic.current_tenant_id() OR true)', 'error', 'policy_altered', 'lintly.visits.clinic_select');
SELECT clinic.enable_tenant_rls('lintly.visits') \g /dev/null
SELECT lives_ok($$ CREATE POLICY tenant ON lintly.loose AS RESTRICTIVE USING (tenant_id = clinic.current_tenant_id());
                   CREATE POLICY all_of_it ON lintly.loose USING (note IS NOT NULL) $$, 'a restrictive policy of the tenant is made');
SELECT is_empty($$ SELECT l.* FROM clinic.lint() l WHERE l.object ~ 'loose' $$, 'and makes up for one that ignores the tenant');
SELECT pg_temp.cycle('ALTER TABLE lintly.visits OWNER TO CURRENT_USER', 'warning', 'owner_passes_row_security', 'lintly.visits');
SELECT is((SELECT c.relowner::regrole::text FROM pg_class c WHERE c.oid = 'lintly.visits'::regclass), 'lintly_owner', 'and has an owner without login');
ALTER TABLE lintly.visits OWNER TO lint_owner;
SELECT pg_temp.cycle('GRANT TRUNCATE, REFERENCES ON lintly.visits TO lint_someone', 'warning', 'grant_past_row_security', 'lintly.visits');

-- Keys: in the order of the report, for a foreign key needs a key of two columns before the old one can go.
SELECT isnt_empty($$ SELECT pg_temp.findings('warning', 'key_without_tenant', 'lintly.visits_pkey') $$, 'a primary key without the tenant is found');
SELECT isnt_empty($$ SELECT pg_temp.findings('warning', 'foreign_key_without_tenant', 'lintly.notes.notes_visit_fkey') $$, 'and the foreign key to it');
SELECT pg_temp.run_fix('foreign_key_without_tenant', 'lintly.notes.notes_visit_fkey'), pg_temp.run_fix('key_without_tenant', 'lintly.visits_pkey') \g /dev/null
SELECT is_empty($$ SELECT l.* FROM clinic.lint() l WHERE l.rule IN ('key_without_tenant', 'foreign_key_without_tenant') $$, 'both are gone');
SELECT results_eq($$ SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
                      WHERE k.conname IN ('visits_pkey', 'notes_visit_fkey') AND k.connamespace = 'lintly'::regnamespace ORDER BY k.conname $$,
                  ARRAY['FOREIGN KEY (tenant_id, visit_id) REFERENCES lintly.visits(tenant_id, visit_id) ON DELETE SET NULL (visit_id)',
                        'PRIMARY KEY (tenant_id, visit_id)'], 'and hold the tenant');
SELECT pg_temp.cycle('ALTER TABLE lintly.visits ADD CONSTRAINT visits_code_key UNIQUE (code) DEFERRABLE', 'warning', 'key_without_tenant', 'lintly.visits_code_key');
SELECT pg_temp.cycle('CREATE UNIQUE INDEX visits_lower_idx ON lintly.visits (lower(code)) WHERE room > 0', 'warning', 'key_without_tenant', 'lintly.visits_lower_idx');
SELECT pg_temp.cycle('ALTER TABLE lintly.visits ADD CONSTRAINT visits_room_excl EXCLUDE USING gist (room WITH =, slot WITH &&)', 'warning', 'key_without_tenant',
                     'lintly.visits_room_excl');
SELECT is((SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conname = 'visits_room_excl'),
          'EXCLUDE USING gist (tenant_id WITH =, room WITH =, slot WITH &&)', 'an exclusion gets the tenant too');

-- Roles.
SELECT pg_temp.cycle(format('ALTER ROLE %I %s', r, a), 'error', 'role_unfit', r)
  FROM (VALUES ('clinic_anon', 'LOGIN'), ('clinic_user', 'BYPASSRLS'), ('clinic_owner', 'CREATEROLE'), ('clinic_system', 'LOGIN')) v (r, a);
SELECT pg_temp.cycle('ALTER ROLE clinic_system NOBYPASSRLS', 'warning', 'role_unfit', 'clinic_system');
SELECT pg_temp.cycle('GRANT clinic_system TO lint_someone', 'error', 'member_of_system', 'lint_someone');
SELECT pg_temp.cycle('GRANT clinic_owner TO lint_someone', 'warning', 'member_of_owner', 'lint_someone');
SELECT pg_temp.cycle('GRANT clinic_owner TO clinic_user', 'error', 'member_of_owner', 'clinic_user');
SELECT pg_temp.cycle('GRANT clinic_admin TO lint_someone', 'info', 'member_of_admin', 'lint_someone');
SELECT pg_temp.cycle('GRANT clinic_gateway TO lint_gate', 'info', 'member_of_gateway', 'lint_gate');
SELECT pg_temp.cycle('GRANT clinic_gateway, clinic_admin TO lint_gate', 'error', 'gateway_too_strong', 'lint_gate');
-- Through a group too; the one who takes the gateway from the group mends it.
SELECT pg_temp.cycle('GRANT clinic_gateway TO lint_someone; GRANT lint_someone TO lint_login; GRANT clinic_owner TO lint_login', 'error', 'gateway_too_strong', 'lint_login');
REVOKE clinic_admin FROM lint_gate;
REVOKE clinic_owner FROM lint_login;
SELECT pg_temp.cycle('GRANT clinic_gateway TO lint_gate; ALTER ROLE lint_gate SUPERUSER', 'error', 'gateway_too_strong', 'lint_gate');
SELECT pg_temp.cycle('ALTER ROLE lint_gate BYPASSRLS', 'error', 'gateway_too_strong', 'lint_gate');
SELECT pg_temp.cycle('ALTER ROLE lint_login BYPASSRLS', 'info', 'passes_row_security', 'lint_login');
SELECT pg_temp.cycle('GRANT pg_read_server_files TO lint_someone', 'warning', 'reads_server_files', 'lint_someone');
SELECT pg_temp.cycle('GRANT SET ON PARAMETER clinic.clock TO lint_someone', 'error', 'parameter_granted', 'clinic.clock: lint_someone');
SELECT pg_temp.cycle('GRANT SET ON PARAMETER session_replication_role TO PUBLIC', 'error', 'parameter_granted', 'session_replication_role: PUBLIC');
SELECT clinic.create_tenant('lint-hill', 'Hill', tenant_id => '0000000a-0010-7000-8000-000000000001') \g /dev/null
SELECT pg_temp.cycle('SELECT clinic.map_login(''lint_login'', ''staff'', ''{patients:read}'')', 'warning', 'login_mapping', '0000000a-0010-7000-8000-000000000001: lint_login');
SELECT pg_temp.cycle('GRANT clinic_user TO lint_login; ALTER ROLE lint_login BYPASSRLS; SELECT clinic.map_login(''lint_login'', ''staff'', ''{patients:read}'')', 'error', 'login_mapping',
                     '0000000a-0010-7000-8000-000000000001: lint_login');
ALTER ROLE lint_login NOBYPASSRLS;

-- Settings. What the server's files give is mended by ALTER SYSTEM, outside of a transaction: test/t/lint.sh does.
SELECT pg_temp.cycle(format('SET LOCAL %s = %L', n, v), 'warning', 'setting_leaks', n)
  FROM (VALUES ('log_statement', 'all'), ('log_min_duration_statement', '0'), ('log_min_duration_sample', '100'), ('log_transaction_sample_rate', '0.5'),
               ('log_parameter_max_length_on_error', '-1'), ('log_min_messages', 'debug1'), ('debug_print_plan', 'on'), ('debug_print_parse', 'on'),
               ('debug_print_rewritten', 'on')) v (n, v);
SELECT pg_temp.cycle('SET LOCAL password_encryption = ''md5''', 'warning', 'setting_weak', 'password_encryption');
SELECT pg_temp.cycle('SET LOCAL session_replication_role = replica', 'error', 'setting_switches_off', 'session_replication_role');
SELECT pg_temp.cycle('SET LOCAL clinic.clock = ''2027-03-01 06:00Z''', 'error', 'frozen_clock', 'clinic.clock');
SELECT pg_temp.cycle('LOAD ''auto_explain''; SET LOCAL auto_explain.log_min_duration = 0', 'warning', 'setting_leaks', 'auto_explain.log_min_duration');
SELECT pg_temp.cycle('ALTER ROLE lint_login SET log_statement = ''all''', 'warning', 'setting_leaks', 'log_statement of role lint_login');
SELECT pg_temp.cycle(format('ALTER DATABASE %I SET log_statement = ''mod''', current_database()), 'warning', 'setting_leaks', format('log_statement of database %I', current_database()));
SELECT pg_temp.cycle(format('ALTER ROLE lint_login IN DATABASE %I SET clinic.clock = ''2027-03-01 06:00Z''', current_database()), 'error', 'frozen_clock',
                     format('clinic.clock of role lint_login IN DATABASE %I', current_database()));

-- The schema's version: what mends it is a matter of files, so that it is only seen here.
SAVEPOINT version;
INSERT INTO clinic_data.schema_migrations (migration_no, name, checksum, engine_version) VALUES (9999, 'future', 'x', 'x');
UPDATE clinic_data.schema_migrations SET checksum = 'x' WHERE migration_no = 1;
DELETE FROM clinic_data.schema_migrations WHERE migration_no = 2;
SELECT results_eq($$ SELECT concat_ws(' ', l.rule, l.object, l.fix) FROM clinic.lint() l WHERE l.rule LIKE 'schema\_%' $$,
                  ARRAY['schema_pending 0002_diary CALL clinic.migrate();', 'schema_unknown 9999_future ALTER EXTENSION pg_clinic UPDATE;',
                        'schema_mismatched 0001_tenancy ALTER EXTENSION pg_clinic UPDATE;'], 'where the schema stands is told');
ROLLBACK TO version;
SELECT pg_temp.cycle('DROP SCHEMA clinic_data CASCADE', 'error', 'schema_not_installed', 'clinic_data');

-- ---------------------------------------------------------------------------------------------------------------------
-- Who may ask, and what they see.

CREATE ROLE lint_admin LOGIN IN ROLE clinic_admin;
RESET ALL;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL SESSION AUTHORIZATION lint_login;
SELECT throws_ok('SELECT * FROM clinic.lint()', '42501', NULL, 'who is no administrator may not ask');
SET LOCAL SESSION AUTHORIZATION lint_admin;
SELECT results_eq($$ SELECT concat_ws(' ', l.object, l.fix) FROM clinic.lint() l WHERE l.rule = 'not_seen' $$,
                  ARRAY['clinic_data.logins Call clinic.lint() as a superuser, or in each tenant',
                        'shared_preload_libraries GRANT pg_read_all_settings TO lint_admin'], 'an administrator is told what was not seen');
SELECT is(clinic.current_tenant_id(), NULL, 'without any tenant');
SELECT throws_ok('SELECT * FROM clinic_private.lint_tables()', '42501', NULL, 'what stands in clinic_private is not called from outside');
RESET SESSION AUTHORIZATION;
SELECT is(string_agg(l::text, ' '),
          (SELECT string_agg(s::text, ' ' ORDER BY array_position(ARRAY['error', 'warning', 'info'], s.severity), s.rule COLLATE "C",
                                                 s.object COLLATE "C", s.finding COLLATE "C") FROM clinic.lint() s), 'the order is the same each time')
  FROM clinic.lint() l;

SELECT * FROM finish();
ROLLBACK;
