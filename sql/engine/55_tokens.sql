-- Tokens: verifying and signing them, and the keys for it. Nobody outside reaches these functions.

CREATE FUNCTION clinic_private.verify_token(token text)
RETURNS TABLE (
    tenant_id uuid,
    user_id uuid,
    branch_id uuid,
    session_id uuid,
    token_id text,
    issued_at timestamptz,
    expires_at timestamptz,
    kid text
)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'clinic_verify_token';

COMMENT ON FUNCTION clinic_private.verify_token(text) IS
'Verifies a signed token in compact form by the keys of the database, and returns what it says, as one row.
Checked are its form, the key of its kid, the algorithm of that key, the signature, iss, aud, the tenant of the key, exp, nbf and
iat by the engine''s clock. Not checked is whether user, session (sid) and token_id (jti) still count. Raises invalid_token for
whatever is wrong, and token_expired when nothing is wrong but exp.';

CREATE FUNCTION clinic_private.read_claims(claims text)
RETURNS TABLE (
    tenant_id uuid,
    user_id uuid,
    branch_id uuid,
    session_id uuid,
    token_id text,
    issued_at timestamptz,
    expires_at timestamptz,
    kid text
)
LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'clinic_read_claims';

COMMENT ON FUNCTION clinic_private.read_claims(text) IS
'Reads the claims, as JSON, of a token that a gateway has verified, and returns them as clinic_private.verify_token does.
Signature, iss and aud were the gateway''s business; exp may be missing. kid is NULL. Raises invalid_token, token_expired.';

CREATE FUNCTION clinic_private.sign_access_token(tenant_id uuid, user_id uuid, session_id uuid, lifetime interval,
    branch_id uuid DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_sign_access_token';

COMMENT ON FUNCTION clinic_private.sign_access_token(uuid, uuid, uuid, interval, uuid) IS
'Signs a token for a user''s session, with the newest key that signs for the tenant; returns it in compact form.
lifetime: a second to a day. branch_id: the one branch it is good for; NULL: all of the user''s. Its jti is new, its database role
clinic_user. Raises 55000 when no key signs for the tenant, 22004, 22023.';

CREATE FUNCTION clinic_private.new_token_key(algorithm text, OUT kid text, OUT verify_key text, OUT signing_key text)
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_new_token_key';

COMMENT ON FUNCTION clinic_private.new_token_key(text) IS
'Makes a pair of keys: PEM of the public and of the private one, and the thumbprint of RFC 7638 as name.
algorithm: ES256 (P-256) or RS256 (2048 bits). Raises 22004, 22023.';

CREATE FUNCTION clinic_private.checked_token_key(algorithm text, verify_key text)
RETURNS text
LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_checked_token_key';

COMMENT ON FUNCTION clinic_private.checked_token_key(text, text) IS
'Returns the key as the table wants it, when it fits the algorithm.
algorithm: HS256, RS256 or ES256. verify_key: a secret of 32 to 1024 bytes in base64url without padding; a public key in PEM, RSA of
2048 to 8192 bits or on P-256. Raises 22004, 22023, which name the argument and never show the key.';

CREATE FUNCTION clinic_private.public_jwk(kid text, algorithm text, verify_key text)
RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_public_jwk';

COMMENT ON FUNCTION clinic_private.public_jwk(text, text, text) IS
'The JSON Web Key of a public key in PEM; NULL for a secret, or what is no key of the algorithm.';

REVOKE ALL ON FUNCTION clinic_private.verify_token(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION clinic_private.read_claims(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION clinic_private.sign_access_token(uuid, uuid, uuid, interval, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION clinic_private.new_token_key(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION clinic_private.checked_token_key(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION clinic_private.public_jwk(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.verify_token(text) TO clinic_owner;
GRANT EXECUTE ON FUNCTION clinic_private.read_claims(text) TO clinic_owner;
GRANT EXECUTE ON FUNCTION clinic_private.sign_access_token(uuid, uuid, uuid, interval, uuid) TO clinic_owner;
GRANT EXECUTE ON FUNCTION clinic_private.new_token_key(text) TO clinic_owner;
GRANT EXECUTE ON FUNCTION clinic_private.checked_token_key(text, text) TO clinic_owner;
GRANT EXECUTE ON FUNCTION clinic_private.public_jwk(text, text, text) TO clinic_owner;
