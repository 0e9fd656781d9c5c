-- The context: who is calling, for one transaction.
SET timezone = 'UTC';

SET client_min_messages = warning;
CREATE ROLE regress_clinic_login LOGIN;
CREATE ROLE regress_clinic_twice LOGIN;
CREATE ROLE regress_clinic_other LOGIN;
GRANT clinic_admin TO regress_clinic_other;
RESET client_min_messages;

-- Tables that are not clinic_owner's count for nothing: whoever may create a schema could otherwise map a login.
CREATE SCHEMA clinic_data;
CREATE TABLE clinic_data.tenants (tenant_id uuid PRIMARY KEY, slug text, name text, status text);
INSERT INTO clinic_data.tenants VALUES ('0197a000-0000-7000-8000-000000000001', 'north', 'North', 'active');
SELECT clinic.use_tenant('north');
SET client_min_messages = warning;
DROP SCHEMA clinic_data CASCADE;
CALL clinic.install();
RESET client_min_messages;

INSERT INTO clinic_data.tenants (tenant_id, slug, name, status) VALUES
    ('0197a000-0000-7000-8000-000000000001', 'north', 'North', 'active'),
    ('0197a000-0000-7000-8000-000000000002', 'south', 'South', 'active'),
    ('0197a000-0000-7000-8000-000000000003', 'shut', 'Shut', 'suspended');
INSERT INTO clinic_data.logins (tenant_id, login, actor, user_id, patient_id, permissions, active) VALUES
    ('0197a000-0000-7000-8000-000000000002', 'regress_clinic_login', 'staff', '0197a000-0000-7000-8000-0000000000aa', NULL,
        '{appointments:*, patients:read, Not A Permission, alone, a:b:c:d, *:read, a::b}', true),
    ('0197a000-0000-7000-8000-000000000001', 'regress_clinic_twice', 'staff', NULL, NULL, '{*}', true),
    ('0197a000-0000-7000-8000-000000000002', 'regress_clinic_twice', 'staff', NULL, NULL, '{*}', true);

-- No context: nothing.
SELECT tenant_id, tenant, actor, permissions, source, login = session_user AS own_login FROM clinic.whoami();
SELECT clinic.current_tenant_id(), clinic.current_user_id(), clinic.current_patient_id(), clinic.has_permission('appointments:read');

-- An administrator chooses a tenant by slug or id, for the transaction.
BEGIN;
SELECT clinic.use_tenant('north');
SELECT tenant_id, tenant, actor, permissions, source, login = session_user AS own_login FROM clinic.whoami();
SELECT clinic.use_tenant('0197A000-0000-7000-8000-000000000002');
SELECT clinic.current_tenant_id(), clinic.current_user_id(), clinic.has_permission('anything:at:all');
COMMIT;
SELECT clinic.current_tenant_id();
SELECT clinic.use_tenant('north');
SELECT clinic.current_tenant_id() AS gone_with_the_statement;

-- Refused: unknown, suspended, null.
SELECT clinic.use_tenant('nowhere');
SELECT clinic.use_tenant('shut');
SELECT clinic.use_tenant(NULL);
SELECT clinic.use_tenant('0197a000-0000-7000-8000-00000000000f');

-- A savepoint restores the context of before; RESET ALL and DISCARD ALL end it.
BEGIN;
SELECT clinic.use_tenant('north');
SAVEPOINT s;
SELECT clinic.use_tenant('south');
SELECT tenant FROM clinic.whoami();
ROLLBACK TO s;
SELECT tenant FROM clinic.whoami();
SAVEPOINT s;
SELECT clinic.use_tenant('south');
RELEASE s;
SELECT tenant FROM clinic.whoami();
RESET ALL;
SELECT clinic.current_tenant_id() AS after_reset_all;
ROLLBACK;
BEGIN;
SELECT clinic.use_tenant('north');
SELECT 1 / 0;
ROLLBACK;
SELECT clinic.current_tenant_id() AS after_abort;

-- It survives functions with settings of their own, in both directions.
CREATE FUNCTION pg_temp.choose(tenant text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog SET work_mem = '8MB' AS $$
BEGIN
    PERFORM clinic.use_tenant(tenant);
END
$$;
CREATE FUNCTION pg_temp.look() RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RETURN (SELECT w.tenant FROM clinic.whoami() w);
END
$$;
BEGIN;
SELECT pg_temp.choose('north');
SELECT tenant, pg_temp.look() FROM clinic.whoami();
SELECT pg_temp.choose('south');
SELECT tenant, pg_temp.look() FROM clinic.whoami();
COMMIT;
SELECT clinic.current_tenant_id();

-- SET ROLE does not change it.
BEGIN;
SELECT clinic.use_tenant('north');
SET LOCAL ROLE clinic_anon;
SELECT tenant, login = session_user AS own_login FROM clinic.whoami();
COMMIT;

-- Nobody sets it directly: not a superuser, not a file, a database, a role, a function.
SET clinic.context = 'v2 tenant=0197a000-0000-7000-8000-000000000001 actor=admin door=administrator permissions=*';
SELECT set_config('clinic.context', 'v2 tenant=0197a000-0000-7000-8000-000000000001 actor=admin door=administrator permissions=*', true);
\set VERBOSITY terse
ALTER ROLE regress_clinic_login SET clinic.context = 'v2 tenant=0197a000-0000-7000-8000-000000000001 actor=admin door=administrator';
ALTER DATABASE :DBNAME SET clinic.context = 'v2 tenant=0197a000-0000-7000-8000-000000000001 actor=admin door=administrator';
ALTER SYSTEM SET clinic.context = 'v2 tenant=0197a000-0000-7000-8000-000000000001 actor=admin door=administrator';
CREATE FUNCTION pg_temp.keep() RETURNS void LANGUAGE sql SET clinic.context = 'v2 tenant=0197a000-0000-7000-8000-000000000001 actor=admin door=administrator' AS '';
BEGIN;
SELECT clinic.use_tenant('north');
CREATE FUNCTION pg_temp.keep() RETURNS void LANGUAGE sql SET clinic.context FROM CURRENT AS '';
ROLLBACK;
SET clinic.context = '';
GRANT SET ON PARAMETER clinic.context TO regress_clinic_login;
SET ROLE regress_clinic_login;
SET clinic.context = 'v2 tenant=0197a000-0000-7000-8000-000000000001 actor=admin door=administrator';
RESET ROLE;
REVOKE SET ON PARAMETER clinic.context FROM regress_clinic_login;
SET ROLE clinic_user;
SET clinic.context = 'v2 tenant=0197a000-0000-7000-8000-000000000001 actor=admin door=administrator';
SELECT set_config('clinic.context', '', false);
SELECT clinic.use_tenant('north');
\set VERBOSITY sqlstate
SHOW clinic.context;
RESET ROLE;
\set VERBOSITY default
SELECT clinic.current_tenant_id();

-- Members of clinic_admin may choose a tenant.
SET ROLE regress_clinic_other;
BEGIN;
SELECT clinic.use_tenant('north');
SELECT clinic.current_tenant_id();
COMMIT;
RESET ROLE;

-- A mapped login has the context of its row, without a call, in any transaction. What is no permission is none.
SET SESSION AUTHORIZATION regress_clinic_login;
SELECT * FROM clinic.whoami();
SELECT permission, clinic.has_permission(permission)
FROM unnest(ARRAY['appointments', 'appointments:override', 'appointments:read:own', 'patients:read', 'patients:read:limited', 'patients:write', 'alone', '*', '', 'appointmentsx:read']) permission;
SELECT clinic.use_tenant('north');
RESET SESSION AUTHORIZATION;
-- Chosen beats mapped; to the end of the transaction.
GRANT clinic_admin TO regress_clinic_login;
SET SESSION AUTHORIZATION regress_clinic_login;
BEGIN;
SELECT tenant, source FROM clinic.whoami();
SELECT clinic.use_tenant('north');
SELECT tenant, source FROM clinic.whoami();
COMMIT;
SELECT tenant, source FROM clinic.whoami();
RESET SESSION AUTHORIZATION;
-- A row that ends takes effect with the next transaction; so does a suspended tenant.
UPDATE clinic_data.logins SET active = false WHERE login = 'regress_clinic_login';
SET SESSION AUTHORIZATION regress_clinic_login;
SELECT clinic.current_tenant_id() AS inactive;
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.logins SET active = true WHERE login = 'regress_clinic_login';
UPDATE clinic_data.tenants SET status = 'suspended' WHERE slug = 'south';
SET SESSION AUTHORIZATION regress_clinic_login;
SELECT clinic.current_tenant_id() AS suspended;
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.tenants SET status = 'active' WHERE slug = 'south';
-- A login mapped to two tenants belongs to neither.
SET SESSION AUTHORIZATION regress_clinic_twice;
SELECT clinic.current_tenant_id() AS ambiguous;
RESET SESSION AUTHORIZATION;

-- Row security by the context; in parallel workers, too.
CREATE TABLE public.notes (tenant_id uuid, note int);
INSERT INTO public.notes SELECT ('0197a000-0000-7000-8000-00000000000' || 1 + n % 2)::uuid, n FROM generate_series(1, 20000) n;
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY notes_tenant ON public.notes USING (tenant_id = clinic.current_tenant_id());
GRANT SELECT ON public.notes TO regress_clinic_login, regress_clinic_twice, regress_clinic_other;
ANALYZE public.notes;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SET SESSION AUTHORIZATION regress_clinic_other;
EXPLAIN (COSTS OFF) SELECT count(*) FROM public.notes;
BEGIN;
SELECT clinic.use_tenant('north');
SELECT count(*), min(tenant_id::text), max(tenant_id::text) FROM public.notes;
ROLLBACK;
SELECT count(*) AS without_context FROM public.notes;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_clinic_login;
SELECT count(*), min(tenant_id::text), max(tenant_id::text) FROM public.notes;
RESET SESSION AUTHORIZATION;
RESET parallel_leader_participation;
RESET min_parallel_table_scan_size;
RESET parallel_tuple_cost;
RESET parallel_setup_cost;

-- The function is an index condition, evaluated once.
CREATE INDEX notes_tenant_id ON public.notes (tenant_id, note);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;
SET SESSION AUTHORIZATION regress_clinic_other;
EXPLAIN (COSTS OFF) SELECT note FROM public.notes WHERE note < 10;
RESET SESSION AUTHORIZATION;
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET enable_indexonlyscan;

-- A setting of that name from before the library was loaded is dropped when it loads.
\c -
SET SESSION AUTHORIZATION regress_clinic_other;
SET clinic.context = 'v2 tenant=0197a000-0000-7000-8000-000000000001 actor=admin door=administrator permissions=*';
SELECT clinic.current_tenant_id();
RESET SESSION AUTHORIZATION;
\c -
SET clinic.context = 'v2 tenant=0197a000-0000-7000-8000-000000000001 actor=admin door=administrator permissions=*';
SELECT clinic.current_tenant_id();

SET client_min_messages = warning;
DROP TABLE public.notes;
DROP SCHEMA clinic_data CASCADE;
DROP ROLE regress_clinic_login, regress_clinic_twice, regress_clinic_other;
