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
permission: such as ''appointments:override''. A granted ''appointments:*'' covers it, and so does ''*''; a grant without a scope covers every
scope. False without a context.';

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
    source text,
    roles text[],
    provider_id uuid,
    location_ids uuid[],
    session_id uuid,
    purpose text
)
LANGUAGE c STABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'clinic_whoami';

COMMENT ON FUNCTION clinic.whoami() IS
'Shows the context of the caller, as one row.
tenant: the tenant''s slug. actor: admin, staff, patient, public or system. login: the session''s user. source: the door by
which the context came in: administrator, login (mapped), token, gateway, api_key or public; NULL without a context; then
everything but login is NULL. location_ids: the branches that bound the caller, NULL for every one. purpose: why patients are read.';

CREATE FUNCTION clinic.current_provider_id()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_current_provider_id';

COMMENT ON FUNCTION clinic.current_provider_id() IS
'The provider that the caller is; NULL without a context, and for one that is no provider.';

CREATE FUNCTION clinic.is_permission(permission text)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_is_permission';

COMMENT ON FUNCTION clinic.is_permission(text) IS
'Tells whether a text is a permission: resource:action or resource:action:scope, lower-case segments of letters, digits, _ and -,
none empty; * alone or as the last segment.';

CREATE FUNCTION clinic.sees_all_locations()
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_sees_all_locations';

COMMENT ON FUNCTION clinic.sees_all_locations() IS
'Tells whether the caller acts at every location of the tenant. False without a context.';

CREATE FUNCTION clinic.sees_location(location_id uuid)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_sees_location';

COMMENT ON FUNCTION clinic.sees_location(uuid) IS
'Tells whether the caller acts at a location; patients are not bound to any. For policies. False without a context.';

CREATE FUNCTION clinic.sees_patient(patient_id uuid)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_sees_patient';

COMMENT ON FUNCTION clinic.sees_patient(uuid) IS
'Tells whether the caller may see a patient: as that patient or acting for them, by patients:read (a provider those in their care),
or by clinic.break_glass. For policies. False without a context.';

CREATE FUNCTION clinic.declare_purpose(purpose text)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_declare_purpose';

COMMENT ON FUNCTION clinic.declare_purpose(text) IS
'Says why patients are read, for the rest of the transaction; a super_admin sees none before. Over HTTP the header x-purpose-of-use does.
purpose: one of the codes of HL7 PurposeOfUse, such as TREAT, HOPERAT, HPAYMT, ETREAT or PATRQT; others are refused. Raises no_context, 22004, 22023.';

CREATE FUNCTION clinic_private.lacks_purpose()
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_lacks_purpose';
COMMENT ON FUNCTION clinic_private.lacks_purpose() IS 'Whether the caller, a super_admin, reads nothing of patients before clinic.declare_purpose; false without a context.';
REVOKE ALL ON FUNCTION clinic_private.lacks_purpose() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lacks_purpose() TO clinic_owner;

REVOKE ALL ON FUNCTION clinic.declare_purpose(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.declare_purpose(text) TO clinic_user;

CREATE FUNCTION clinic_private.current_session_id()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_current_session_id';
COMMENT ON FUNCTION clinic_private.current_session_id() IS 'The session whose token the caller came with; NULL without.';

CREATE FUNCTION clinic_private.request_facts()
RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_request_facts';
COMMENT ON FUNCTION clinic_private.request_facts() IS
'What came with the request, for the record: request_id, client_address (claimed), peer_address, user_agent; members that are unknown are left out.';

CREATE FUNCTION clinic_private.enter_visitor(tenant_id uuid)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_enter_visitor';
COMMENT ON FUNCTION clinic_private.enter_visitor(uuid) IS
'Makes the caller a visitor of a tenant, published or not, for functions that let somebody in: they see the tables by the tenant''s rule.';

CREATE FUNCTION clinic_private.sees_whole_patient(patient_id uuid)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_sees_whole_patient';
COMMENT ON FUNCTION clinic_private.sees_whole_patient(uuid) IS
'As clinic.sees_patient, but for the scope limited: whether the date of birth may be shown.';

CREATE FUNCTION clinic_private.sees_appointment(patient_id uuid, provider_id uuid, location_id uuid)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_sees_appointment';
COMMENT ON FUNCTION clinic_private.sees_appointment(uuid, uuid, uuid) IS
'Whether the caller may see an appointment: of a patient that they are or act for, or by appointments:read where it holds.';

CREATE FUNCTION clinic_private.may_write_appointment(patient_id uuid, provider_id uuid, location_id uuid)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_may_write_appointment';
COMMENT ON FUNCTION clinic_private.may_write_appointment(uuid, uuid, uuid) IS
'Whether the caller may book, move or cancel such an appointment.';

CREATE FUNCTION clinic_private.may_at(permission text, provider_id uuid, location_id uuid)
RETURNS boolean
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_may_at';
COMMENT ON FUNCTION clinic_private.may_at(text, uuid, uuid) IS
'Whether a permission holds at a location for a provider''s diary: without scope at the caller''s branches, with scope branch, with scope own.';

CREATE FUNCTION clinic_private.is_public()
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_is_public';
COMMENT ON FUNCTION clinic_private.is_public() IS 'Whether the caller is a visitor without identity, who sees what is published.';

-- Bounds that make an index condition of "only my own": for a patient the least and greatest id of the own ones, for everybody else
-- the least and greatest of all ids. An index on (tenant_id, patient_id, ...) then reads the own rows only.

CREATE FUNCTION clinic_private.least_patient_id()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_least_patient_id';
COMMENT ON FUNCTION clinic_private.least_patient_id() IS 'No patient below this id comes into question for the caller.';

CREATE FUNCTION clinic_private.greatest_patient_id()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_greatest_patient_id';
COMMENT ON FUNCTION clinic_private.greatest_patient_id() IS 'No patient above this id comes into question for the caller.';

CREATE FUNCTION clinic_private.least_provider_id()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_least_provider_id';
COMMENT ON FUNCTION clinic_private.least_provider_id() IS 'No provider below this id comes into question for the caller''s diary.';

CREATE FUNCTION clinic_private.greatest_provider_id()
RETURNS uuid
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_greatest_provider_id';
COMMENT ON FUNCTION clinic_private.greatest_provider_id() IS 'No provider above this id comes into question for the caller''s diary.';

REVOKE ALL ON FUNCTION clinic_private.enter_visitor(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.enter_visitor(uuid) TO clinic_owner;

-- A tenant that is being made: row security lets nobody write its first row but that tenant itself.
CREATE FUNCTION clinic_private.enter_new_tenant(tenant_id uuid)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_enter_new_tenant';
COMMENT ON FUNCTION clinic_private.enter_new_tenant(uuid) IS
'Chooses, for the rest of the transaction, a tenant that has no row yet, so that its first row passes row security.
Errors: duplicate, when the tenant exists.';
REVOKE ALL ON FUNCTION clinic_private.enter_new_tenant(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.enter_new_tenant(uuid) TO clinic_owner;
