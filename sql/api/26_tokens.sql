-- The keys of tokens, for administrators of the database. They belong to no tenant, so no context is needed; a key may be bound
-- to one tenant. Private keys are made in the server and never leave it; secrets come in and are never shown.

CREATE FUNCTION clinic_private.store_token_key(
    kid text,
    tenant_id uuid,
    algorithm text,
    verify_key text,
    signing_key text,
    issuer text,
    audience text,
    leeway_seconds integer,
    not_before timestamptz,
    expires_at timestamptz)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF store_token_key.kid !~ '^[A-Za-z0-9._-]{1,64}$' THEN
        PERFORM clinic_private.refuse_argument('kid', 'kid is not well formed',
            hint => 'Use 1 to 64 letters, digits, dots, dashes and underscores, as the issuer writes it into its tokens.');
    END IF;
    IF store_token_key.issuer !~ '^[[:print:]]{1,200}$' THEN
        PERFORM clinic_private.refuse_argument('issuer', 'issuer must be 1 to 200 printable characters');
    END IF;
    IF store_token_key.audience !~ '^[[:print:]]{1,200}$' THEN
        PERFORM clinic_private.refuse_argument('audience', 'audience must be 1 to 200 printable characters');
    END IF;
    IF store_token_key.leeway_seconds NOT BETWEEN 0 AND 60 THEN
        PERFORM clinic_private.refuse_argument('leeway_seconds', 'leeway_seconds must lie between 0 and 60');
    END IF;
    IF store_token_key.expires_at <= coalesce(store_token_key.not_before, '-infinity') THEN
        PERFORM clinic_private.refuse_argument('expires_at', 'expires_at must lie after not_before');
    END IF;

    INSERT INTO clinic_data.token_keys
        (kid, tenant_id, algorithm, verify_key, signing_key, issuer, audience, leeway_seconds, not_before, expires_at, created_at)
    VALUES
        (store_token_key.kid, store_token_key.tenant_id, store_token_key.algorithm,
         CASE WHEN store_token_key.algorithm = 'HS256' THEN clinic_private.keep_secret(store_token_key.verify_key,
                  clinic_private.secret_place('token_keys', store_token_key.kid, 'verify_key'))
              ELSE store_token_key.verify_key END,
         clinic_private.keep_secret(store_token_key.signing_key, clinic_private.secret_place('token_keys', store_token_key.kid, 'signing_key')),
         store_token_key.issuer, store_token_key.audience, store_token_key.leeway_seconds, store_token_key.not_before, store_token_key.expires_at,
         clinic.now());
EXCEPTION
    WHEN unique_violation THEN
        PERFORM clinic_private.raise_error('duplicate', format('a key named "%s" exists already', store_token_key.kid),
            jsonb_build_object('kid', store_token_key.kid), 'clinic.token_keys() lists the keys; remove the old one first.');
    WHEN foreign_key_violation THEN
        PERFORM clinic_private.raise_error('not_found', format('tenant "%s" does not exist', store_token_key.tenant_id),
            jsonb_build_object('object', 'tenant', 'tenant_id', store_token_key.tenant_id));
END
$$;
COMMENT ON FUNCTION clinic_private.store_token_key(text, uuid, text, text, text, text, text, integer, timestamptz, timestamptz) IS
    'Writes a key that has been checked into clinic_data.token_keys. Errors: 22023, duplicate, not_found.';
REVOKE ALL ON FUNCTION clinic_private.store_token_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.store_token_key TO clinic_owner;

CREATE FUNCTION clinic.create_signing_key(
    algorithm text DEFAULT 'ES256',
    issuer text DEFAULT 'pg_clinic',
    audience text DEFAULT 'pg_clinic',
    tenant_id uuid DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    made record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'algorithm', create_signing_key.algorithm, 'issuer', create_signing_key.issuer, 'audience', create_signing_key.audience));
    SELECT k.kid, k.verify_key, k.signing_key INTO made FROM clinic_private.new_token_key(create_signing_key.algorithm) AS k;
    PERFORM clinic_private.store_token_key(made.kid, create_signing_key.tenant_id, create_signing_key.algorithm, made.verify_key,
        made.signing_key, create_signing_key.issuer, create_signing_key.audience, 30, NULL, NULL);
    RETURN made.kid;
END
$$;
ALTER FUNCTION clinic.create_signing_key OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_signing_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_signing_key TO clinic_admin;
COMMENT ON FUNCTION clinic.create_signing_key(text, text, text, uuid) IS
    'Makes a key with which the engine signs its access tokens from now on, and returns its name (kid). For administrators.
algorithm: ES256 or RS256; issuer, audience: iss and aud of the tokens; tenant_id: the only tenant they may name, NULL for any.
The private key never leaves the server; a dump has it sealed by the master key, or in clear where there is none (clinic.lint tells). Tokens of older keys stay good until those are removed.
Errors: 22004, 22023, not_found.';

CREATE FUNCTION clinic.add_token_key(
    kid text,
    algorithm text,
    verify_key text,
    issuer text,
    audience text,
    tenant_id uuid DEFAULT NULL,
    leeway_seconds integer DEFAULT 30,
    not_before timestamptz DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'kid', add_token_key.kid, 'algorithm', add_token_key.algorithm, 'verify_key', left(add_token_key.verify_key, 0),
        'issuer', add_token_key.issuer, 'audience', add_token_key.audience, 'leeway_seconds', add_token_key.leeway_seconds));
    PERFORM clinic_private.store_token_key(add_token_key.kid, add_token_key.tenant_id, add_token_key.algorithm,
        clinic_private.checked_token_key(add_token_key.algorithm, add_token_key.verify_key), NULL, add_token_key.issuer,
        add_token_key.audience, add_token_key.leeway_seconds, add_token_key.not_before, add_token_key.expires_at);
END
$$;
ALTER FUNCTION clinic.add_token_key OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.add_token_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.add_token_key TO clinic_admin;
COMMENT ON FUNCTION clinic.add_token_key(text, text, text, text, text, uuid, integer, timestamptz, timestamptz) IS
    'Lets the database believe tokens that somebody else signs, such as an identity provider. For administrators.
kid: how their header names the key. algorithm: HS256, RS256 or ES256, and no other for this key. verify_key: the public key in PEM
(RSA of 2048 to 8192 bits, or P-256); for HS256 the secret, 32 to 1024 bytes in base64url without padding. issuer, audience: iss and
aud that tokens must have. tenant_id: the only tenant they may name, NULL for any. leeway_seconds: how far clocks may differ, 0 to 60.
not_before, expires_at: when the key is used. A secret passes through the server''s log where statements are logged: prefer public keys.
Errors: 22004, 22023, duplicate, not_found.';

CREATE FUNCTION clinic.remove_token_key(kid text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('kid', remove_token_key.kid));
    DELETE FROM clinic_data.token_keys AS k WHERE k.kid = remove_token_key.kid;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('key "%s" does not exist', remove_token_key.kid),
            jsonb_build_object('kid', remove_token_key.kid), 'clinic.token_keys() lists the keys.');
    END IF;
END
$$;
ALTER FUNCTION clinic.remove_token_key OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_token_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_token_key TO clinic_admin;
COMMENT ON FUNCTION clinic.remove_token_key(text) IS
    'Removes a key of tokens: all its tokens are refused from then on, and it signs no more. For administrators.
kid: its name. Errors: 22004, not_found.';

CREATE FUNCTION clinic.token_keys()
    RETURNS TABLE (
        kid text,
        tenant_id uuid,
        algorithm text,
        issuer text,
        audience text,
        leeway_seconds integer,
        not_before timestamptz,
        expires_at timestamptz,
        signs boolean,
        public_key text,
        created_at timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    RETURN QUERY
        SELECT k.kid, k.tenant_id, k.algorithm, k.issuer, k.audience, k.leeway_seconds, k.not_before, k.expires_at,
               k.signing_key IS NOT NULL, CASE WHEN k.algorithm IN ('ES256', 'RS256') THEN k.verify_key END, k.created_at
        FROM clinic_data.token_keys AS k
        ORDER BY k.created_at, k.kid;
END
$$;
ALTER FUNCTION clinic.token_keys OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.token_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.token_keys TO clinic_admin;
COMMENT ON FUNCTION clinic.token_keys() IS
    'Lists the keys of tokens, the oldest first. For administrators.
signs: the engine signs with it; of several that may, the newest. public_key: in PEM; NULL for HS256, whose key is a secret.';

CREATE FUNCTION clinic.jwks()
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    RETURN (
        SELECT jsonb_build_object('keys', coalesce(
                   jsonb_agg(clinic_private.public_jwk(k.kid, k.algorithm, k.verify_key) ORDER BY k.created_at DESC, k.kid), '[]'))
        FROM clinic_data.token_keys AS k
        WHERE k.algorithm IN ('ES256', 'RS256') AND (k.expires_at IS NULL OR k.expires_at > clinic.now()));
END
$$;
ALTER FUNCTION clinic.jwks OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.jwks FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.jwks TO clinic_admin, clinic_gateway;
COMMENT ON FUNCTION clinic.jwks() IS
    'The public keys of tokens as a JSON Web Key Set (RFC 7517), for gateways that verify tokens themselves, such as jwt-secret of
PostgREST. Keys that have ended and secrets (HS256) are left out. For administrators and gateways.';
