-- What the runner of jobs needs of the server.

CREATE FUNCTION clinic_private.known_tenants()
RETURNS TABLE (tenant_id uuid, active boolean)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'clinic_known_tenants';
COMMENT ON FUNCTION clinic_private.known_tenants() IS
'Every tenant as it is by now, in the order of the ids, whatever the context.';

CREATE FUNCTION clinic_private.enter_system(tenant_id uuid)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_enter_system';
COMMENT ON FUNCTION clinic_private.enter_system(uuid) IS
'Acts for a tenant as the engine itself, for the rest of the transaction: actor system, every permission, no user.
tenant_id: of any tenant, suspended ones too; the nil uuid stands for the database itself, whose rows are no tenant''s.
Raises not_found, 22004.';

CREATE FUNCTION clinic_private.try_job_lock(tenant_id uuid, job text)
RETURNS boolean
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_try_job_lock';
COMMENT ON FUNCTION clinic_private.try_job_lock(uuid, text) IS
'Takes the lock of a job in a tenant until the end of the transaction, and tells whether it was free. In a lock space of its own: no other
SQL can hold it. Raises 22004.';

REVOKE ALL ON FUNCTION clinic_private.known_tenants(), clinic_private.enter_system(uuid), clinic_private.try_job_lock(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.known_tenants(), clinic_private.enter_system(uuid), clinic_private.try_job_lock(uuid, text)
    TO clinic_owner;
