\echo Use "CREATE EXTENSION pg_clinic CASCADE" to load this file. \quit

-- Roles. They belong to the cluster, so they may be here already, from another database or from a restore. An existing
-- role with a door of its own (a login, superuser, a way round row security) is refused: it would own or enter
-- everything. The lock, on a catalog that all databases share, lets several of them be given the extension at once.
LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE;
DO $roles$
DECLARE
    name text;
    existing pg_catalog.pg_roles;
BEGIN
    FOREACH name IN ARRAY ARRAY['clinic_owner', 'clinic_gateway', 'clinic_anon', 'clinic_user', 'clinic_admin',
                                'clinic_system'] LOOP
        SELECT r.* INTO existing FROM pg_catalog.pg_roles r WHERE r.rolname = name;
        IF NOT FOUND THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', name);
        ELSIF existing.rolcanlogin OR existing.rolsuper OR (existing.rolbypassrls AND name <> 'clinic_system') THEN
            RAISE EXCEPTION 'role "%" exists and is not fit for pg_clinic', name
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      DETAIL = 'The roles of pg_clinic cannot log in, are no superusers and do not bypass row security.',
                      HINT = 'Rename that role, or take LOGIN, SUPERUSER and BYPASSRLS from it.';
        END IF;
    END LOOP;
END
$roles$;

-- The jobs over all tenants run as this role, in a short list of functions.
ALTER ROLE clinic_system BYPASSRLS;
GRANT clinic_user TO clinic_admin;

COMMENT ON ROLE clinic_owner IS 'Owns the tables, views and definer functions of pg_clinic; nobody logs in as it.';
COMMENT ON ROLE clinic_gateway IS 'Members are logins whose claims about the caller pg_clinic believes.';
COMMENT ON ROLE clinic_anon IS 'What a visitor without identity may do in pg_clinic.';
COMMENT ON ROLE clinic_user IS 'What every identified caller may do in pg_clinic, within the caller''s permissions.';
COMMENT ON ROLE clinic_admin IS 'Members choose a tenant and administer it.';
COMMENT ON ROLE clinic_system IS 'Runs the jobs of pg_clinic over all tenants; nobody logs in as it.';

-- The schema clinic may be here already too: left by an earlier extension, or by a restore. One that belongs to somebody
-- else is refused: its owner could add functions beside ours.
DO $schema$
DECLARE
    schema_owner pg_catalog.pg_roles;
BEGIN
    SELECT r.* INTO schema_owner
      FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner
     WHERE n.nspname = 'clinic';
    IF NOT schema_owner.rolsuper AND schema_owner.rolname <> CURRENT_USER THEN
        RAISE EXCEPTION 'the schema "clinic" exists and belongs to "%"', schema_owner.rolname
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'The schema of pg_clinic belongs to a superuser.',
                  HINT = 'Drop or rename the schema, or give it to a superuser when you know what stands in it.';
    END IF;
END
$schema$;

-- Schemas. Names in clinic are open to everybody, the rights are on the objects; nobody outside looks into
-- clinic_private.
CREATE SCHEMA clinic_private;
REVOKE ALL ON SCHEMA clinic_private FROM PUBLIC;
GRANT USAGE ON SCHEMA clinic TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA clinic TO clinic_owner;
GRANT USAGE ON SCHEMA clinic_private TO clinic_owner, clinic_system;

COMMENT ON SCHEMA clinic IS 'pg_clinic: what applications use';
COMMENT ON SCHEMA clinic_private IS 'pg_clinic: helpers that nobody calls from outside';
