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
               ('SELECT clinic.protect(''own.letters'', ''letters:read'', '''')', '22023'), ('SELECT clinic.protect(''own.letters'', ''letters:read'', patient_column => '''')', '42703'),
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

CREATE FUNCTION pg_temp.id(tenant integer, kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS
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


CREATE TABLE own.invoices (tenant_id uuid NOT NULL, invoice_id integer NOT NULL, location_id uuid, patient_id uuid, provider_id uuid, amount integer NOT NULL,
                           PRIMARY KEY (tenant_id, invoice_id));
ALTER TABLE own.invoices OWNER TO own_owner;
INSERT INTO own.invoices VALUES
    (pg_temp.id(1, 10), 1, pg_temp.id(1, 20, 1), pg_temp.id(1, 60, 1), pg_temp.id(1, 30, 1), 100),
    (pg_temp.id(1, 10), 2, pg_temp.id(1, 20, 2), pg_temp.id(1, 60, 2), pg_temp.id(1, 30, 2), 200),
    (pg_temp.id(1, 10), 3, pg_temp.id(1, 20, 1), pg_temp.id(1, 60, 3), NULL, 300),
    (pg_temp.id(1, 10), 4, NULL, pg_temp.id(1, 60, 1), NULL, 400),
    (pg_temp.id(1, 10), 5, pg_temp.id(1, 20, 1), NULL, NULL, 500),
    (pg_temp.id(2, 10), 1, pg_temp.id(2, 20, 1), pg_temp.id(2, 60, 1), pg_temp.id(2, 30, 1), 666),
    -- A row of the second tenant with the ids of the first, as a careless import would leave it.
    (pg_temp.id(2, 10), 9, pg_temp.id(1, 20, 1), pg_temp.id(1, 60, 1), pg_temp.id(1, 30, 1), 999);
SELECT clinic.protect('own.invoices', 'invoices:read', location_column => 'location_id', patient_column => 'patient_id', provider_column => 'provider_id') \g /dev/null
SELECT set_config('own.policies', pg_temp.same_policies('own.invoices'), true) \g /dev/null
SELECT clinic.protect('own.invoices', 'invoices:read', NULL, 'tenant_id', 'location_id', 'patient_id', 'provider_id') \g /dev/null
SELECT is(pg_temp.same_policies('own.invoices'), current_setting('own.policies'), 'protecting again changes nothing');
GRANT SELECT, INSERT, UPDATE, DELETE ON own.invoices TO clinic_user;
SELECT clinic.enable_audit('own.invoices', patient_column => 'patient_id') \g /dev/null
SELECT is_empty($$ SELECT l.* FROM clinic.lint() l WHERE l.object ~ '^own\.invoices' $$, 'a protected table has no finding');

CREATE FUNCTION pg_temp.make_login(login name, number integer, actor text, permissions text[], provider integer DEFAULT NULL, branch integer DEFAULT NULL)
    RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE ROLE %I LOGIN IN ROLE clinic_user', login);
    IF actor = 'patient' THEN
        PERFORM clinic.map_login(login, actor, permissions, patient_id => pg_temp.id(1, 60, number));
        RETURN;
    END IF;
    INSERT INTO clinic_data.users (tenant_id, user_id, kind, name, provider_id, all_locations)
         VALUES (pg_temp.id(1, 10), pg_temp.id(1, 90, number), 'staff', login, pg_temp.id(1, 30, provider), branch IS NULL);
    INSERT INTO clinic_data.user_locations (tenant_id, user_id, location_id)
         SELECT pg_temp.id(1, 10), pg_temp.id(1, 90, number), pg_temp.id(1, 20, branch) WHERE branch IS NOT NULL;
    PERFORM clinic.map_login(login, actor, permissions, user_id => pg_temp.id(1, 90, number));
END
$$;
INSERT INTO clinic_data.dependants (tenant_id, guardian_patient_id, patient_id) VALUES (pg_temp.id(1, 10), pg_temp.id(1, 60, 1), pg_temp.id(1, 60, 3));
SELECT pg_temp.make_login('own_all', 1, 'staff', '{invoices:*,patients:read}'),
       pg_temp.make_login('own_branch', 2, 'staff', '{invoices:read,invoices:write,patients:read}', branch => 1),
       pg_temp.make_login('own_blind', 3, 'staff', '{invoices:read}'),
       pg_temp.make_login('own_doctor', 4, 'staff', '{invoices:read:own,invoices:write:own}', provider => 2, branch => 1),
       pg_temp.make_login('own_care', 5, 'staff', '{invoices:read,patients:read}', provider => 1),
       pg_temp.make_login('own_scope', 6, 'staff', '{invoices:read:branch,patients:read}', branch => 1),
       pg_temp.make_login('own_writer', 7, 'staff', '{invoices:write,patients:read}'),
       pg_temp.make_login('own_none', 8, 'staff', '{patients:read,letters:*}'),
       pg_temp.make_login('own_patient', 1, 'patient', '{}'),
       pg_temp.make_login('own_payer', 2, 'patient', '{invoices:write}') \g /dev/null
CREATE ROLE own_public LOGIN IN ROLE clinic_user;
CREATE ROLE own_unmapped LOGIN IN ROLE clinic_user;
CREATE ROLE own_plain LOGIN;
SELECT clinic.map_login('own_public', 'public') \g /dev/null
RESET ALL;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;

-- What becomes of a query when a login runs it: its first value, or the SQLSTATE. Nothing stays.
CREATE FUNCTION pg_temp.outcome(login name, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
    EXECUTE query INTO answer;
    RAISE EXCEPTION USING ERRCODE = 'UNDO0', MESSAGE = coalesce(answer, 'nothing');
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN SQLERRM;
    WHEN OTHERS THEN
        RETURN SQLSTATE;
END
$$;
SELECT is(pg_temp.outcome(login, $$ SELECT string_agg(i.invoice_id || ':' || i.amount, ' ' ORDER BY i.amount) FROM own.invoices i $$), expected, format('%s sees %s', login, expected))
  FROM (VALUES ('own_all'::name, '1:100 2:200 3:300 4:400 5:500'), ('own_branch', '1:100 3:300 5:500'), ('own_blind', '5:500'), ('own_doctor', '2:200'),
               ('own_care', '1:100 5:500'), ('own_scope', '1:100 3:300 5:500'), ('own_writer', 'nothing'), ('own_none', 'nothing'),
               ('own_patient', '1:100 3:300 4:400'), ('own_payer', '2:200'), ('own_public', 'nothing'), ('own_unmapped', 'nothing'), ('own_plain', '42501'),
               ('own_owner', 'nothing')) v (login, expected);

-- Writing: what is allowed, and what moves no row.
SELECT is(pg_temp.outcome(login, replace(replace(q, ':T1', quote_literal(pg_temp.id(1, 10))), ':T2', quote_literal(pg_temp.id(2, 10)))), expected,
          format('%s: %s: %s', login, expected, q))
  FROM (VALUES
    ('own_branch'::name, 'INSERT INTO own.invoices VALUES (:T1, 10, pg_temp.id(1, 20, 1), pg_temp.id(1, 60, 2), NULL, 1) RETURNING invoice_id', '10'),
    ('own_branch', 'INSERT INTO own.invoices (invoice_id, location_id, amount) VALUES (10, pg_temp.id(1, 20, 1), 1) RETURNING tenant_id = :T1', 'true'),
    ('own_branch', 'INSERT INTO own.invoices VALUES (:T1, 10, pg_temp.id(1, 20, 2), pg_temp.id(1, 60, 2), NULL, 1)', '42501'),
    ('own_branch', 'INSERT INTO own.invoices VALUES (:T1, 10, NULL, pg_temp.id(1, 60, 2), NULL, 1)', '42501'),
    ('own_branch', 'INSERT INTO own.invoices VALUES (:T2, 10, pg_temp.id(1, 20, 1), NULL, NULL, 1)', '42501'),
    ('own_branch', 'INSERT INTO own.invoices VALUES (:T1, 10, pg_temp.id(2, 20, 1), NULL, NULL, 1)', '42501'),
    ('own_branch', 'INSERT INTO own.invoices VALUES (:T1, 2, pg_temp.id(1, 20, 1), NULL, NULL, 1) ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET amount = 0', '42501'),
    ('own_branch', 'UPDATE own.invoices SET amount = 1 WHERE invoice_id = 1 RETURNING amount', '1'),
    ('own_branch', 'WITH w AS (UPDATE own.invoices SET amount = 1 RETURNING 1) SELECT count(*) FROM w', '3'),
    ('own_branch', 'UPDATE own.invoices SET location_id = pg_temp.id(1, 20, 2) WHERE invoice_id = 1', '42501'),
    ('own_branch', 'UPDATE own.invoices SET tenant_id = :T2 WHERE invoice_id = 1', '42501'),
    ('own_branch', 'UPDATE own.invoices SET amount = 1 WHERE tenant_id = :T2 RETURNING 1', 'nothing'),
    ('own_branch', 'WITH w AS (DELETE FROM own.invoices RETURNING 1) SELECT count(*) FROM w', '3'),
    ('own_branch', 'MERGE INTO own.invoices i USING (VALUES (2)) v (id) ON i.invoice_id = v.id WHEN MATCHED THEN UPDATE SET amount = 0
                    WHEN NOT MATCHED THEN INSERT VALUES (:T2, 11, NULL, NULL, NULL, 0)', '42501'),
    ('own_branch', 'TRUNCATE own.invoices', '42501'),
    ('own_doctor', 'UPDATE own.invoices SET amount = 1 WHERE invoice_id = 2 RETURNING amount', '1'),
    ('own_doctor', 'UPDATE own.invoices SET provider_id = pg_temp.id(1, 30, 1) WHERE invoice_id = 2', '42501'),
    ('own_doctor', 'INSERT INTO own.invoices VALUES (:T1, 10, pg_temp.id(1, 20, 1), NULL, pg_temp.id(1, 30, 1), 1)', '42501'),
    ('own_care', 'UPDATE own.invoices SET amount = 1 RETURNING amount', 'nothing'),
    ('own_writer', 'WITH w AS (DELETE FROM own.invoices RETURNING 1) SELECT count(*) FROM w', '0'),
    ('own_patient', 'INSERT INTO own.invoices VALUES (:T1, 10, pg_temp.id(1, 20, 1), pg_temp.id(1, 60, 1), NULL, 1)', '42501'),
    ('own_patient', 'UPDATE own.invoices SET amount = 1 RETURNING 1', 'nothing'),
    ('own_payer', 'UPDATE own.invoices SET amount = 1 RETURNING invoice_id', '2'),
    ('own_payer', 'UPDATE own.invoices SET patient_id = pg_temp.id(1, 60, 1)', '42501'),
    ('own_public', 'INSERT INTO own.invoices VALUES (:T1, 10, NULL, NULL, NULL, 1)', '42501'),
    ('own_unmapped', 'INSERT INTO own.invoices VALUES (:T1, 10, NULL, NULL, NULL, 1)', '42501'),
    ('own_unmapped', 'INSERT INTO own.invoices (invoice_id, amount) VALUES (10, 1)', '42501'),
    ('own_owner', 'UPDATE own.invoices SET amount = 1 RETURNING 1', 'nothing')) v (login, q, expected);
-- A blind statement, which reads nothing, is held to what its caller may read all the same.
CREATE FUNCTION pg_temp.touched(login name, query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
    EXECUTE query;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RAISE EXCEPTION USING ERRCODE = 'UNDO0', MESSAGE = rows;
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN SQLERRM;
END
$$;
SELECT is(pg_temp.touched(login, q), expected, format('%s touches %s: %s', login, expected, q))
  FROM (VALUES ('own_writer'::name, 'INSERT INTO own.invoices (invoice_id, amount) VALUES (10, 1)', 1::bigint), ('own_writer', 'UPDATE own.invoices SET amount = 1', 0),
               ('own_writer', 'DELETE FROM own.invoices', 0), ('own_branch', 'UPDATE own.invoices SET amount = 1', 3), ('own_branch', 'DELETE FROM own.invoices', 3),
               ('own_doctor', 'DELETE FROM own.invoices', 1), ('own_patient', 'DELETE FROM own.invoices', 0), ('own_unmapped', 'UPDATE own.invoices SET amount = 1', 0))
       v (login, q, expected);
SELECT is((SELECT string_agg(i.amount::text, ' ' ORDER BY i.amount) FROM own.invoices i), '100 200 300 400 500 666 999', 'no row has moved');

-- Attacks by what the caller brings along.
CREATE SCHEMA own_evil;
CREATE FUNCTION own_evil.yes(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR own_evil.= (FUNCTION = own_evil.yes, LEFTARG = uuid, RIGHTARG = uuid);
CREATE FUNCTION own_evil.has_permission(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION own_evil.leak(id integer, amount integer) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
    IF amount NOT IN (100, 300, 500) THEN
        RAISE EXCEPTION 'saw %', amount USING ERRCODE = 'LEAK0';
    END IF;
    RETURN true;
END
$$;
GRANT USAGE ON SCHEMA own_evil TO PUBLIC;
SELECT is(pg_temp.outcome('own_branch', q), expected, q)
  FROM (VALUES ('SELECT count(*) FROM own.invoices i WHERE own_evil.leak(i.invoice_id, i.amount)', '3'),
               ('SELECT count(*) FROM own.invoices i WHERE 1000 / (i.amount - 200) IS NOT NULL', '3'),
               ('SELECT count(*) FROM own.invoices i WHERE i.tenant_id OPERATOR(own_evil.=) i.tenant_id OR true', '3'),
               ('SELECT count(*) FROM (SELECT set_config(''search_path'', ''own_evil, pg_catalog'', true)) s, own.invoices i', '3'),
               ('SELECT count(*) FROM (SELECT set_config(''row_security'', ''off'', true) OFFSET 0) s, pg_class', (SELECT count(*)::text FROM pg_class)),
               ('SELECT set_config(''clinic.context'', ''v1 tenant=x'', true)', '42501'),
               ('SELECT sum(amount) FROM own.invoices FOR UPDATE', '0A000'),
               ('ALTER TABLE own.invoices DISABLE ROW LEVEL SECURITY', '42501'), ('SELECT clinic.disable_tenant_rls(''own.invoices'')', '42501'),
               ('SELECT clinic_private.unguard_own_table(''own.invoices'')', '42501'), ('CREATE POLICY x ON own.invoices USING (true)', '42501')) v (q, expected);
SET LOCAL row_security = off;
SELECT is(pg_temp.outcome('own_branch', 'SELECT count(*) FROM own.invoices'), '42501', 'row security cannot be switched off');
SET LOCAL row_security = on;
SET LOCAL search_path = own_evil, pg_catalog, public;
SELECT is(pg_temp.outcome('own_branch', 'SELECT pg_catalog.count(*) FROM own.invoices'), '3', 'operators in front of the server''s change no policy');
SELECT clinic.protect('own.letters', 'letters:read') FROM (SELECT clinic.disable_tenant_rls('own.letters')) d \g /dev/null
SET LOCAL search_path = pg_catalog, public;
SELECT is((SELECT pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p WHERE p.polrelid = 'own.letters'::regclass AND p.polname = 'clinic_select'),
          '((tenant_id = clinic.current_tenant_id()) AND clinic.has_permission(''letters:read''::text))', 'nor what a policy is made of');
SELECT is(pg_temp.outcome('own_scope', 'SELECT count(*) FROM own.letters'), '42501', 'without a right on the table there is nothing to see');

-- ---------------------------------------------------------------------------------------------------------------------
-- What the manual shows.

\set block `sh test/support/sql_blocks.sh docs/own_tables.md 1`
\o /dev/null
:block
\o
SELECT is((SELECT string_agg(c.relname || ' ' || (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid), ', ' ORDER BY c.relname) FROM pg_class c
            WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r' AND c.relrowsecurity AND c.relforcerowsecurity),
          'invoice_lines 4, invoices 4', 'the block of the manual protects its tables');
SELECT is_empty($$ SELECT l.* FROM clinic.lint() l WHERE l.object ~ '^app\.' $$, 'and leaves nothing to find');

SELECT * FROM finish();
ROLLBACK;
