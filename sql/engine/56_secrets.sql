-- Secrets: passwords, random values, and what signing in must know as it is by now. Nobody but the functions that let
-- somebody in may call these.

CREATE FUNCTION clinic_private.hash_password(password text)
RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_hash_password';
COMMENT ON FUNCTION clinic_private.hash_password(text) IS
'A new bcrypt hash, cost 12, of a password of up to 72 bytes, else 22023. Raises 55000 when pgcrypto is missing.';

CREATE FUNCTION clinic_private.password_matches(password text, hash text)
RETURNS boolean
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_password_matches';
COMMENT ON FUNCTION clinic_private.password_matches(text, text) IS
'Whether a password has a bcrypt hash. Without a hash false, after the same work. Raises 55000 when pgcrypto is missing.';

CREATE FUNCTION clinic_private.password_fault(password text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_password_fault';
COMMENT ON FUNCTION clinic_private.password_fault(text) IS
'What is wrong with a new password, as the rest of a sentence: its length (10 to 72 bytes), or being one of the commonest. NULL: nothing.';

CREATE FUNCTION clinic_private.random_bytes(count integer)
RETURNS bytea
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_random_bytes';
COMMENT ON FUNCTION clinic_private.random_bytes(integer) IS 'Bytes of the server''s cryptographic source. count: 1 to 1024. Raises 22023, XX000.';

CREATE FUNCTION clinic_private.random_code()
RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_random_code';
COMMENT ON FUNCTION clinic_private.random_code() IS 'Six random digits, each sequence equally likely.';

CREATE FUNCTION clinic_private.same_secret(a bytea, b bytea)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_same_secret';
COMMENT ON FUNCTION clinic_private.same_secret(bytea, bytea) IS 'Whether two secrets are equal, in a time that depends on their lengths alone.';

CREATE FUNCTION clinic_private.hmac_sha256(key text, message text)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_hmac_sha256';
COMMENT ON FUNCTION clinic_private.hmac_sha256(text, text) IS 'HMAC with SHA-256 (RFC 2104) of the bytes of a message, as the database encodes it.';

CREATE FUNCTION clinic_private.active_tenant(tenant text)
RETURNS uuid
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_active_tenant';
COMMENT ON FUNCTION clinic_private.active_tenant(text) IS 'The active tenant of a slug or id, whatever the context; NULL when there is none.';

CREATE FUNCTION clinic_private.is_active_tenant(tenant_id uuid)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_is_active_tenant';
COMMENT ON FUNCTION clinic_private.is_active_tenant(uuid) IS 'Whether a tenant exists and is active, whatever the context.';

CREATE FUNCTION clinic_private.saved_context()
RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_saved_context';
COMMENT ON FUNCTION clinic_private.saved_context() IS 'The context that was entered, for restore_context; empty when none was.';

CREATE FUNCTION clinic_private.restore_context(saved text)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_restore_context';
COMMENT ON FUNCTION clinic_private.restore_context(text) IS
'Puts a saved context back at the end of a function that acted as somebody else, so that its caller does not stay who the function was.';

CREATE FUNCTION clinic_private.account_state(tenant_id uuid, user_id uuid, at timestamptz)
RETURNS TABLE (active boolean, locked boolean, password_hash text)
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'clinic_account_state';
COMMENT ON FUNCTION clinic_private.account_state(uuid, uuid, timestamptz) IS
'An account as it is by now, as one row, for a context of its tenant: whether a person may sign in with it, whether it is locked at that time,
and the hash of its password, NULL without. NULL for any argument gives a row of nobody.';

CREATE FUNCTION clinic_private.live_code(tenant_id uuid, identifier_hash text, purpose text, at timestamptz)
RETURNS TABLE (code_id uuid, user_id uuid, code_hash text, attempts integer)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'clinic_live_code';
COMMENT ON FUNCTION clinic_private.live_code(uuid, text, text, timestamptz) IS
'The newest code that is good at that time, as it is by now; no row without one. Hashes in hexadecimal.';

CREATE FUNCTION clinic_private.codes_since(tenant_id uuid, identifier_hash text, since timestamptz)
RETURNS TABLE (number bigint, first_at timestamptz)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'clinic_codes_since';
COMMENT ON FUNCTION clinic_private.codes_since(uuid, text, timestamptz) IS
'How many codes were asked for with an identifier after that time, and when the first was, as it is by now. identifier_hash: in hexadecimal.';

REVOKE ALL ON FUNCTION clinic_private.hash_password(text), clinic_private.password_matches(text, text),
    clinic_private.password_fault(text), clinic_private.random_bytes(integer), clinic_private.random_code(),
    clinic_private.same_secret(bytea, bytea), clinic_private.hmac_sha256(text, text), clinic_private.active_tenant(text), clinic_private.is_active_tenant(uuid),
    clinic_private.saved_context(), clinic_private.restore_context(text),
    clinic_private.account_state(uuid, uuid, timestamptz), clinic_private.live_code(uuid, text, text, timestamptz),
    clinic_private.codes_since(uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.hash_password(text), clinic_private.password_matches(text, text),
    clinic_private.password_fault(text), clinic_private.random_bytes(integer), clinic_private.random_code(),
    clinic_private.same_secret(bytea, bytea), clinic_private.hmac_sha256(text, text), clinic_private.active_tenant(text), clinic_private.is_active_tenant(uuid),
    clinic_private.saved_context(), clinic_private.restore_context(text),
    clinic_private.account_state(uuid, uuid, timestamptz), clinic_private.live_code(uuid, text, text, timestamptz),
    clinic_private.codes_since(uuid, text, timestamptz) TO clinic_owner;
