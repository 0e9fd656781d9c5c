-- The extension is made once for all tests of the schedule.
SET client_min_messages = warning;
CREATE EXTENSION pg_clinic CASCADE;

-- Roles of pg_clinic have no door of their own.
SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
FROM pg_roles WHERE rolname LIKE 'clinic\_%' ORDER BY rolname COLLATE "C";

SELECT pg_has_role('clinic_admin', 'clinic_user', 'MEMBER') AS admins_are_users;

-- Nobody outside looks into clinic_private, and nobody but the owner makes anything in clinic.
SELECT r.rolname, has_schema_privilege(r.rolname, n.nspname, 'USAGE') AS usage, n.nspname,
    has_schema_privilege(r.rolname, n.nspname, 'CREATE') AS may_create
FROM pg_roles r, pg_namespace n
WHERE r.rolname IN ('clinic_owner', 'clinic_user', 'clinic_anon', 'clinic_admin') AND n.nspname IN ('clinic', 'clinic_private')
ORDER BY n.nspname COLLATE "C", r.rolname COLLATE "C";
