-- HTTP: what a gateway such as PostgREST calls before each request.

CREATE FUNCTION clinic.pre_request()
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_pre_request';

COMMENT ON FUNCTION clinic.pre_request() IS
'Prepares the transaction of an HTTP request; PostgREST calls it first (db-pre-request).
For logins that are members of clinic_gateway: from then on errors carry HTTP status, headers and a body of code, message, details
and hint (docs/errors.md). For every other login it does nothing.';

REVOKE ALL ON FUNCTION clinic.pre_request() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.pre_request() TO clinic_anon, clinic_user;
