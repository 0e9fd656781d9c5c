-- Who is calling.

CREATE FUNCTION clinic.use_tenant(tenant text)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_use_tenant';

COMMENT ON FUNCTION clinic.use_tenant(text) IS
'Makes the caller an administrator of a tenant, for the rest of the transaction.
tenant: the slug or id of an active tenant. Outside BEGIN ... COMMIT the transaction is the statement itself, so the next
statement has no context again. A rolled back savepoint restores the context of before; RESET ALL ends it. For members of
clinic_admin. Raises not_found, inactive; 22004 for NULL.';

REVOKE ALL ON FUNCTION clinic.use_tenant(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.use_tenant(text) TO clinic_admin;

CREATE FUNCTION clinic.current_tenant_id()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_current_tenant_id';

COMMENT ON FUNCTION clinic.current_tenant_id() IS
'The tenant of the context; NULL without one, so that row security shows no row.';

CREATE FUNCTION clinic.current_user_id()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_current_user_id';

COMMENT ON FUNCTION clinic.current_user_id() IS
'The user of the context; NULL without a context, and for one that is no user.';

CREATE FUNCTION clinic.current_patient_id()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_current_patient_id';

COMMENT ON FUNCTION clinic.current_patient_id() IS
'The patient of the context; NULL without a context, and for one that is no patient.';

CREATE FUNCTION clinic.has_permission(permission text)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_has_permission';

COMMENT ON FUNCTION clinic.has_permission(text) IS
'Tells whether the context has a permission.
permission: such as ''appointments:override''. A granted ''appointments:*'' covers it, and so does ''*''. False without a context.';

CREATE FUNCTION clinic_private.require_tenant()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_require_tenant';

COMMENT ON FUNCTION clinic_private.require_tenant() IS
'The tenant of the context. Raises no_context without one, and says why.';

CREATE FUNCTION clinic_private.count_mappings(login text)
RETURNS integer
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_count_mappings';

COMMENT ON FUNCTION clinic_private.count_mappings(text) IS
'In how many tenants a login is mapped and active, whatever the context; more than one makes no context.';

REVOKE ALL ON FUNCTION clinic_private.count_mappings(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.count_mappings(text) TO clinic_owner;

CREATE FUNCTION clinic.whoami()
RETURNS TABLE (
    tenant_id uuid,
    tenant text,
    actor text,
    user_id uuid,
    patient_id uuid,
    permissions text[],
    request_id text,
    login text,
    source text
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'clinic_whoami';

COMMENT ON FUNCTION clinic.whoami() IS
'Shows the context of the caller, as one row.
tenant: the tenant''s slug. actor: admin, staff, patient, public or system. login: the session''s user. source: ''context''
when a function such as clinic.use_tenant set it, ''login'' when clinic_data.logins maps the login, NULL without a
context; then everything but login is NULL.';
