-- Proving who one is, for SQL clients without a gateway.

-- A context that replaces another one leaves a record: one transaction that acts for two people is worth knowing of.
CREATE FUNCTION clinic_private.record_replacement(former_tenant uuid, former_user uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF record_replacement.former_tenant IS NULL THEN
        RETURN;
    END IF;
    IF record_replacement.former_tenant = clinic.current_tenant_id() AND record_replacement.former_user = clinic.current_user_id() THEN
        RETURN;
    END IF;
    INSERT INTO clinic_data.sign_in_events
        (tenant_id, event_id, occurred_at, kind, outcome, user_id, request_id, client_address, peer_address, user_agent)
    SELECT clinic.current_tenant_id(), clinic.new_id(), clinic.now(), 'authenticate', 'success', clinic.current_user_id(),
           f.request_id, f.client_address, f.peer_address, f.user_agent
    FROM jsonb_to_record(clinic_private.request_facts())
         AS f (request_id text, client_address text, peer_address text, user_agent text);
END
$$;
COMMENT ON FUNCTION clinic_private.record_replacement(uuid, uuid) IS
    'Records that the present context has replaced another one in this transaction; nothing for the same user.';
REVOKE ALL ON FUNCTION clinic_private.record_replacement FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.record_replacement TO clinic_owner;

CREATE FUNCTION clinic.authenticate(jwt text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    former_tenant uuid := clinic.current_tenant_id();
    former_user uuid := clinic.current_user_id();
BEGIN
    PERFORM clinic_private.enter_by_token(authenticate.jwt);
    PERFORM clinic_private.record_replacement(former_tenant, former_user);
END
$$;
ALTER FUNCTION clinic.authenticate OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.authenticate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.authenticate TO clinic_anon, clinic_user;
COMMENT ON FUNCTION clinic.authenticate IS
    'Makes the caller the user whom a signed token names, for the rest of the transaction.
jwt: a token (HS256, RS256 or ES256) of a key in clinic.token_keys(); its claims name user and tenant, what they may do comes from
the tables. A second call replaces the first wholly, and is recorded. Errors: invalid_token, token_expired, 22004.';

CREATE FUNCTION clinic.authenticate_key(api_key text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    former_tenant uuid := clinic.current_tenant_id();
    former_user uuid := clinic.current_user_id();
BEGIN
    PERFORM clinic_private.enter_by_key(authenticate_key.api_key);
    PERFORM clinic_private.record_replacement(former_tenant, former_user);
END
$$;
ALTER FUNCTION clinic.authenticate_key OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.authenticate_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.authenticate_key TO clinic_anon, clinic_user;
COMMENT ON FUNCTION clinic.authenticate_key IS
    'Makes the caller the service account that an API key acts for, for the rest of the transaction.
api_key: as clinic.create_api_key showed it once. Errors: invalid_token, 22004.';
