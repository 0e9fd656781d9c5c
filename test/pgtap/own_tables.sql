-- clinic.enable_tenant_rls, clinic.protect and clinic.disable_tenant_rls: what they make, refuse and take back, and attacks on what they guard.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SELECT no_plan();

CREATE ROLE own_owner;
CREATE ROLE own_someone;
CREATE SCHEMA own AUTHORIZATION own_owner;
GRANT USAGE ON SCHEMA own TO clinic_user, own_someone;
GRANT clinic_admin TO own_owner, own_someone;

-- What can be seen of a table's guard.
CREATE FUNCTION pg_temp.guard(relation regclass) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(' ', CASE WHEN c.relrowsecurity THEN 'enabled' END, CASE WHEN c.relforcerowsecurity THEN 'forced' END,
                     (SELECT string_agg(p.polname, ',' ORDER BY p.polname) FROM pg_policy p WHERE p.polrelid = c.oid),
                     (SELECT string_agg(a.attname || '=' || pg_get_expr(d.adbin, d.adrelid), ',' ORDER BY a.attnum)
                        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = c.oid),
                     (SELECT string_agg(i.indexrelid::regclass::text, ',' ORDER BY i.indexrelid::regclass::text) FROM pg_index i WHERE i.indrelid = c.oid))
      FROM pg_class c WHERE c.oid = relation
$$;
-- The messages of a statement.
CREATE FUNCTION pg_temp.same_policies(relation regclass) RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT string_agg(p.oid::text, ',' ORDER BY p.polname) FROM pg_policy p WHERE p.polrelid = relation $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- What is made, and taken back.

SET LOCAL ROLE own_owner;
CREATE TABLE own.letters (tenant_id uuid NOT NULL, body text);
CREATE TABLE own.prepared (org uuid NOT NULL DEFAULT '00000001-0010-7000-8000-000000000001', code text, PRIMARY KEY (org, code));
ALTER TABLE own.prepared ENABLE ROW LEVEL SECURITY;
CREATE POLICY narrow ON own.prepared AS RESTRICTIVE USING (code <> 'x');
CREATE TABLE own.parts (tenant_id uuid NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
RESET ROLE;
SELECT set_config('own.before', pg_temp.guard('own.letters') || '|' || pg_temp.guard('own.prepared') || '|' || pg_temp.guard('own.parts'), true) \g /dev/null
SET LOCAL ROLE own_owner;
SELECT clinic.enable_tenant_rls('own.letters'), clinic.enable_tenant_rls('own.prepared', 'org'), clinic.enable_tenant_rls('own.parts') \g /dev/null
RESET ROLE;
SELECT is(pg_temp.guard('own.letters'),
          'enabled forced clinic_delete,clinic_insert,clinic_select,clinic_update tenant_id=clinic.current_tenant_id() own.letters_tenant_id_idx',
          'a bare table gets everything');
SELECT is(pg_temp.guard('own.prepared'),
          'enabled forced clinic_delete,clinic_insert,clinic_select,clinic_update,narrow '
          || 'org=''00000001-0010-7000-8000-000000000001''::uuid own.prepared_pkey', 'one with a default and an index keeps them');
SELECT matches(pg_temp.guard('own.parts'), '^enabled forced clinic_delete,.* tenant_id=clinic.current_tenant_id\(\) own.parts_tenant_id_idx$', 'a partitioned table too');
SELECT is((SELECT count(*) FROM pg_policy p WHERE p.polrelid = 'own.letters'::regclass AND p.polroles = '{0}' AND p.polpermissive
              AND coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) = '(tenant_id = clinic.current_tenant_id())'),
          4::bigint, 'the policies compare the tenant, for everybody');
SELECT set_config('own.policies', pg_temp.same_policies('own.letters'), true) \g /dev/null
SELECT clinic.enable_tenant_rls('own.letters') \g /dev/null
SELECT is(pg_temp.same_policies('own.letters'), current_setting('own.policies'), 'again, nothing is changed');
ALTER POLICY clinic_select ON own.letters USING (true);
SELECT clinic.enable_tenant_rls('own.letters') \g /dev/null
SELECT is((SELECT pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p WHERE p.polrelid = 'own.letters'::regclass AND p.polname = 'clinic_select'),
          '(tenant_id = clinic.current_tenant_id())', 'but what was altered is mended');
SET LOCAL ROLE own_owner;
SELECT clinic.disable_tenant_rls('own.letters'), clinic.disable_tenant_rls('own.prepared'), clinic.disable_tenant_rls('own.parts') \g /dev/null
SELECT lives_ok('SELECT clinic.disable_tenant_rls(''own.letters'')', 'taking back twice is no error');
RESET ROLE;
SELECT is(pg_temp.guard('own.letters') || '|' || pg_temp.guard('own.prepared') || '|' || pg_temp.guard('own.parts'), current_setting('own.before'),
          'exactly what was made is taken back');
-- The other call replaces, and what the first one made is not forgotten.
SELECT clinic.enable_tenant_rls('own.letters'), clinic.protect('own.letters', 'letters:read') \g /dev/null
SELECT throws_ok('SELECT clinic.enable_tenant_rls(''own.letters'')', '55000', NULL, 'the tenant''s rule alone does not replace permissions');
SELECT clinic.disable_tenant_rls('own.letters') \g /dev/null
SELECT is(pg_temp.guard('own.letters'), '', 'and all is taken back after both');

-- ---------------------------------------------------------------------------------------------------------------------
-- What is refused.

CREATE VIEW own.view AS SELECT 1 AS tenant_id;
CREATE TABLE own.nullable (tenant_id uuid);
CREATE TABLE own.typed (tenant_id text NOT NULL);
SELECT throws_ok(q, state, NULL, format('refused with %s: %s', state, q))
  FROM (VALUES ('SELECT clinic.enable_tenant_rls(NULL)', '22004'), ('SELECT clinic.enable_tenant_rls(''own.letters'', NULL)', '22004'),
               ('SELECT clinic.enable_tenant_rls(''own.nothing'')', '42P01'), ('SELECT clinic.enable_tenant_rls(''own.view'')', '42809'),
               ('SELECT clinic.enable_tenant_rls(''clinic_data.patients'')', '42809'), ('SELECT clinic.protect(''pg_catalog.pg_class'', ''x:read'')', '42809'),
               ('SELECT clinic.enable_tenant_rls(''own.letters'', ''org'')', '42703'), ('SELECT clinic.enable_tenant_rls(''own.letters'', ''ctid'')', '42703'),
               ('SELECT clinic.enable_tenant_rls(''own.typed'')', '42804'), ('SELECT clinic.enable_tenant_rls(''own.nullable'')', '55000'),
               ('SELECT clinic.protect(''own.letters'', ''letters:read'', patient_column => ''patient_id'')', '42703'),
               ('SELECT clinic.protect(''own.letters'', ''letters:read'', provider_column => ''body'')', '42804'),
               ('SELECT clinic.protect(''own.letters'', NULL)', '22004'), ('SELECT clinic.protect(''own.letters'', ''letters'')', '22023'),
               ('SELECT clinic.protect(''own.letters'', ''letters:*'')', '22023'), ('SELECT clinic.protect(''own.letters'', ''*'')', '22023'),
               ('SELECT clinic.protect(''own.letters'', ''letters:read:own'')', '22023'), ('SELECT clinic.protect(''own.letters'', ''Letters:read'')', '22023'),
               ('SELECT clinic.protect(''own.letters'', ''letters:read'', '''')', '22023'),
               ('SELECT clinic.protect(''own.letters'', ''x:read'''') OR true --'')', '22023'), ('SELECT clinic.disable_tenant_rls(NULL)', '22004')) v (q, state);
SELECT is(pg_temp.guard('own.letters'), '', 'what is refused makes nothing');
CREATE POLICY clinic_update ON own.letters USING (false);
SELECT throws_ok('SELECT clinic.enable_tenant_rls(''own.letters'')', '42710', NULL, 'a policy of that name that is not ours is not replaced');
SELECT clinic.disable_tenant_rls('own.letters') \g /dev/null
SELECT is(pg_temp.guard('own.letters'), 'clinic_update', 'nor dropped');
DROP POLICY clinic_update ON own.letters;
SET LOCAL ROLE own_someone;
SELECT throws_ok('SELECT clinic.enable_tenant_rls(''own.letters'')', '42501', NULL, 'who does not own the table may not');
RESET ROLE;
SELECT clinic.enable_tenant_rls('own.letters') \g /dev/null
SET LOCAL ROLE own_someone;
SELECT throws_ok('SELECT clinic.disable_tenant_rls(''own.letters'')', '42501', NULL, 'nor take back');
RESET ROLE;
SELECT is((SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'clinic'::regnamespace
              AND p.proname IN ('enable_tenant_rls', 'disable_tenant_rls', 'protect', 'lint') AND NOT p.prosecdef), 4::bigint, 'none has power of its own');
-- Names are quoted.
CREATE TABLE own."We ird" ("Te nant" uuid NOT NULL, "Pa tient" uuid, "x) OR (true" uuid);
SELECT lives_ok($$ SELECT clinic.protect('own."We ird"', 'weird:read', tenant_column => 'Te nant', patient_column => 'Pa tient', location_column => 'x) OR (true') $$,
                'odd names are names');
SELECT is((SELECT l.rule FROM clinic.lint() l WHERE l.object LIKE '%We ird%' AND l.severity = 'error'), NULL, 'and nothing is wrong with it');

-- ---------------------------------------------------------------------------------------------------------------------
-- Who sees and writes what. Two tenants; in the first two branches, two providers, patients and everybody's invoice.

CREATE FUNCTION pg_temp.id(tenant integer, kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('0000000%s-00%s-7000-8000-%s', tenant, kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.make_tenant(n integer, slug text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.create_tenant(slug, slug, tenant_id => pg_temp.id(n, 10));
    PERFORM clinic.create_location('Place ' || p, 'Europe/Berlin', location_id => pg_temp.id(n, 20, p)) FROM generate_series(1, 2) p;
    PERFORM clinic.create_provider('Doctor ' || p, 'Europe/Berlin', provider_id => pg_temp.id(n, 30, p)) FROM generate_series(1, 2) p;
    PERFORM clinic.create_patient('Patient ' || p, 'MRN-' || p, patient_id => pg_temp.id(n, 60, p)) FROM generate_series(1, 3) p;
END
$$;
SELECT pg_temp.make_tenant(2, 'own-hill'), pg_temp.make_tenant(1, 'own-lake') \g /dev/null

\set ON_ERROR_STOP 1
