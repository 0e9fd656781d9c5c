-- The doors of identity.

CREATE FUNCTION clinic.pre_request()
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_pre_request';

COMMENT ON FUNCTION clinic.pre_request() IS
'Settles who calls, for a request through PostgREST (db-pre-request) or another gateway.
For logins that are members of clinic_gateway only. From request.jwt.claims (sub, tenant_id, branch_id, sid, jti, exp) comes a user,
from the header x-api-key a service account, from x-clinic-tenant a visitor of a published booking page; x-request-id, x-forwarded-for,
user-agent and x-purpose-of-use go along. Counts the call where rate limits are on, and sets X-RateLimit-*, X-Request-Id and
Cache-Control in the answer. Raises invalid_token, token_expired, rate_limited, not_found for an unknown page, forbidden for other logins.';

REVOKE ALL ON FUNCTION clinic.pre_request() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.pre_request() TO clinic_anon, clinic_user, clinic_gateway;

CREATE FUNCTION clinic.enter_public(slug text)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_enter_public';

COMMENT ON FUNCTION clinic.enter_public(text) IS
'Makes the caller a visitor of a tenant''s public booking page, for the rest of the transaction; over HTTP the header x-clinic-tenant does.
slug: of a tenant that has published its page. What is published is visible, nothing else. Raises not_found, 22004.';

REVOKE ALL ON FUNCTION clinic.enter_public(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.enter_public(text) TO clinic_anon, clinic_user;

CREATE FUNCTION clinic_private.enter_by_token(token text)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_enter_by_token';
COMMENT ON FUNCTION clinic_private.enter_by_token(text) IS
'Enters the context of the user whom a verified token names. Raises invalid_token, token_expired.';
REVOKE ALL ON FUNCTION clinic_private.enter_by_token(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.enter_by_token(text) TO clinic_owner;

CREATE FUNCTION clinic_private.enter_by_key(api_key text)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_enter_by_key';
COMMENT ON FUNCTION clinic_private.enter_by_key(text) IS
'Enters the context of the service account that an API key acts for. Raises invalid_token.';
REVOKE ALL ON FUNCTION clinic_private.enter_by_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.enter_by_key(text) TO clinic_owner;
