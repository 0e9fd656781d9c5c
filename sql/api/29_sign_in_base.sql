-- What all ways of signing in share: whom the caller says to be, how failures are refused and recorded, and how a session begins.
--
-- A caller who signs in has no context, so each function takes the tenant by its slug, acts as a visitor of that tenant, and puts
-- the caller's own context back at its end. Unknown tenant, unknown identifier, wrong password, inactive or locked account:
-- one answer, after the same work. What must outlive the refusal (the event, the count, the lock) is written apart, in a
-- transaction of its own; when that cannot be done, nobody gets in (busy).
--
-- A refresh token is clinic_refresh_ and the base64url (no padding) of tenant id (16 bytes), session id (16), generation (4, most
-- significant byte first) and 32 random bytes. Kept is the SHA-256 of these 68 bytes.

CREATE FUNCTION clinic_private.to_base64url(bytes bytea)
    RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN translate(encode(bytes, 'base64'), E'+/=\n', '-_');
COMMENT ON FUNCTION clinic_private.to_base64url(bytea) IS 'Bytes in base64url without padding (RFC 4648, section 5).';
REVOKE ALL ON FUNCTION clinic_private.to_base64url FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.to_base64url TO clinic_owner;

CREATE FUNCTION clinic_private.to_uuid(bytes bytea)
    RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN encode(bytes, 'hex')::uuid;
COMMENT ON FUNCTION clinic_private.to_uuid(bytea) IS 'The uuid of 16 bytes.';
REVOKE ALL ON FUNCTION clinic_private.to_uuid FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.to_uuid TO clinic_owner;

CREATE FUNCTION clinic_private.new_identifier_secret(tenant_id uuid)
    RETURNS text
    LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
RETURN clinic_private.keep_secret(encode(clinic_private.random_bytes(32), 'hex'),
                                  clinic_private.secret_place('identifier_secrets', new_identifier_secret.tenant_id::text, 'secret'));
COMMENT ON FUNCTION clinic_private.new_identifier_secret(uuid) IS 'A new secret for clinic_data.identifier_secrets, as it is kept. Errors: key_unavailable.';
REVOKE ALL ON FUNCTION clinic_private.new_identifier_secret FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.new_identifier_secret TO clinic_owner;

-- Keyed, for there are few phone numbers: whoever has the hashes alone cannot find the numbers by trying all.
CREATE FUNCTION clinic_private.identifier_hash(tenant_id uuid, kind text, value text)
    RETURNS bytea
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    kept text;
BEGIN
    SELECT s.secret INTO kept FROM clinic_data.identifier_secrets AS s WHERE s.tenant_id = identifier_hash.tenant_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'the tenant has no secret for identifiers', jsonb_build_object('tenant_id', identifier_hash.tenant_id),
            'Make tenants with clinic.create_tenant().');
    END IF;
    RETURN clinic_private.hmac_sha256(
        clinic_private.open_kept_secret(kept, clinic_private.secret_place('identifier_secrets', identifier_hash.tenant_id::text, 'secret')),
        identifier_hash.kind || ':' || identifier_hash.value);
END
$$;
COMMENT ON FUNCTION clinic_private.identifier_hash(uuid, text, text) IS
    'HMAC-SHA256 of a normal identifier under a secret of the tenant, which is that of the context: what is recorded instead of the identifier. Errors: key_unavailable, decryption_failed,
not_found.';
REVOKE ALL ON FUNCTION clinic_private.identifier_hash FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.identifier_hash TO clinic_owner;

-- Identifiers are found by their hash, and kept sealed: see clinic_private.keep_secret.
CREATE FUNCTION clinic_private.identifier_place(identifier_hash bytea)
    RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN clinic_private.secret_place('user_identifiers', encode(identifier_hash, 'hex'), 'value');
COMMENT ON FUNCTION clinic_private.identifier_place(bytea) IS 'What a kept identifier is bound to.';
REVOKE ALL ON FUNCTION clinic_private.identifier_place FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.identifier_place TO clinic_owner;

CREATE FUNCTION clinic_private.identifier_row(user_id uuid, kind text, value text)
    RETURNS jsonb
    LANGUAGE sql VOLATILE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT jsonb_build_object('user_id', identifier_row.user_id, 'kind', identifier_row.kind, 'identifier_hash', h.hash,
               'value', clinic_private.keep_secret(identifier_row.value, clinic_private.identifier_place(h.hash)))
    FROM (SELECT clinic_private.identifier_hash(clinic.current_tenant_id(), identifier_row.kind, identifier_row.value)) AS h (hash);
END;
COMMENT ON FUNCTION clinic_private.identifier_row(uuid, text, text) IS
    'The row of user_identifiers, for insert_row, of a normal identifier in the context''s tenant. Errors: key_unavailable.';
REVOKE ALL ON FUNCTION clinic_private.identifier_row FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.identifier_row TO clinic_owner;

CREATE FUNCTION clinic_private.shown_identifier(value text, identifier_hash bytea)
    RETURNS text
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    -- Only of a row that is there for the caller.
    PERFORM FROM clinic_data.user_identifiers AS i
    WHERE i.tenant_id = clinic.current_tenant_id() AND i.kind IN ('email', 'phone') AND i.identifier_hash = shown_identifier.identifier_hash
      AND i.value = shown_identifier.value;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN clinic_private.open_kept_secret(shown_identifier.value, clinic_private.identifier_place(shown_identifier.identifier_hash));
END
$$;
ALTER FUNCTION clinic_private.shown_identifier OWNER TO clinic_owner;
COMMENT ON FUNCTION clinic_private.shown_identifier(text, bytea) IS
    'The identifier of a row of user_identifiers, for who may read the row; null for anything else. Errors: key_unavailable, decryption_failed.';
REVOKE ALL ON FUNCTION clinic_private.shown_identifier FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.shown_identifier TO clinic_owner, clinic_user;

CREATE FUNCTION clinic_private.parsed_identifier(identifier text, OUT kind text, OUT value text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    kind := CASE WHEN strpos(parsed_identifier.identifier, '@') > 0 THEN 'email' ELSE 'phone' END;
    value := clinic_private.normal_identifier(kind, parsed_identifier.identifier);
EXCEPTION WHEN invalid_parameter_value THEN
    kind := 'other';
    value := left(parsed_identifier.identifier, 254);
END
$$;
COMMENT ON FUNCTION clinic_private.parsed_identifier(text) IS
    'An e-mail address or phone number in its normal form; kind other for what is neither, so that it meets nobody.';
REVOKE ALL ON FUNCTION clinic_private.parsed_identifier FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.parsed_identifier TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- Limits, records and refusals.

CREATE FUNCTION clinic_private.require_login_calls(key text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    verdict record;
BEGIN
    SELECT c.allowed, c.retry_after_seconds INTO verdict
    FROM clinic_private.count_call('login', require_login_calls.key, NULL) AS c;
    IF verdict.allowed IS FALSE THEN
        PERFORM clinic_private.raise_error('rate_limited', NULL,
            jsonb_build_object('retry_after_seconds', verdict.retry_after_seconds));
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_login_calls(text) IS
    'Counts one attempt to sign in, where rate limits are on. key: by what attempts are counted. Errors: rate_limited.';
REVOKE ALL ON FUNCTION clinic_private.require_login_calls FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_login_calls TO clinic_owner;

CREATE FUNCTION clinic_private.record_sign_in(kind text, user_id uuid, facts jsonb, session_id uuid DEFAULT NULL,
    identifier_hash bytea DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    INSERT INTO clinic_data.sign_in_events (tenant_id, event_id, occurred_at, kind, outcome, user_id, identifier_hash, session_id,
        request_id, client_address, peer_address, user_agent)
    VALUES (clinic.current_tenant_id(), clinic.new_id(), clinic.now(), record_sign_in.kind, 'success', record_sign_in.user_id,
        record_sign_in.identifier_hash, record_sign_in.session_id, record_sign_in.facts ->> 'request_id',
        record_sign_in.facts ->> 'client_address', record_sign_in.facts ->> 'peer_address', record_sign_in.facts ->> 'user_agent');
END
$$;
COMMENT ON FUNCTION clinic_private.record_sign_in(text, uuid, jsonb, uuid, bytea) IS
    'Records a success in the tenant of the context, with the transaction. facts: as clinic_private.request_facts gives them.';
REVOKE ALL ON FUNCTION clinic_private.record_sign_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.record_sign_in TO clinic_owner;

CREATE FUNCTION clinic_private.do_apart(task text, argument jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF clinic_private.run_apart(do_apart.task, do_apart.argument) IS NOT TRUE THEN
        PERFORM clinic_private.raise_error('busy', 'the attempt could not be recorded at this moment');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.do_apart(text, jsonb) IS
    'Writes what must outlive this transaction, in one of its own. Errors: busy, when that cannot be done.';
REVOKE ALL ON FUNCTION clinic_private.do_apart FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.do_apart TO clinic_owner;

CREATE FUNCTION clinic_private.refuse_sign_in(kind text, tenant_id uuid, user_id uuid, identifier_hash bytea, count boolean, facts jsonb,
    code text DEFAULT 'invalid_credentials')
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF refuse_sign_in.tenant_id IS NOT NULL THEN
        PERFORM clinic_private.do_apart('sign_in_failed', refuse_sign_in.facts || jsonb_build_object(
            'tenant_id', refuse_sign_in.tenant_id,
            'user_id', refuse_sign_in.user_id,
            'identifier_hash', encode(refuse_sign_in.identifier_hash, 'hex'),
            'kind', refuse_sign_in.kind,
            'count', refuse_sign_in.count AND refuse_sign_in.user_id IS NOT NULL));
    END IF;
    PERFORM clinic_private.raise_error(refuse_sign_in.code);
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_sign_in(text, uuid, uuid, bytea, boolean, jsonb, text) IS
    'Records a failure apart, and refuses. count: whether it counts towards locking the account; failures while it is locked do not.
tenant_id: null for an unknown one, where there is nothing to record. code: of the error. Errors: always; busy when it cannot be recorded.';
REVOKE ALL ON FUNCTION clinic_private.refuse_sign_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_sign_in TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- Whom the caller says to be.

CREATE FUNCTION clinic_private.enter_sign_in(tenant text, identifier text, OUT tenant_id uuid, OUT user_id uuid, OUT kind text,
    OUT value text, OUT identifier_hash bytea, OUT facts jsonb, OUT saved text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    parsed record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('tenant', enter_sign_in.tenant, 'identifier', enter_sign_in.identifier));
    saved := clinic_private.saved_context();
    facts := clinic_private.request_facts();
    SELECT p.kind, p.value INTO parsed FROM clinic_private.parsed_identifier(enter_sign_in.identifier) AS p;
    kind := parsed.kind;
    value := parsed.value;
    tenant_id := clinic_private.active_tenant(enter_sign_in.tenant);
    -- One answer for all while nothing can be sealed.
    PERFORM clinic_private.keep_secret('', '');
    IF enter_sign_in.tenant_id IS NOT NULL THEN
        PERFORM clinic_private.enter_visitor(enter_sign_in.tenant_id);
        identifier_hash := clinic_private.identifier_hash(enter_sign_in.tenant_id, enter_sign_in.kind, enter_sign_in.value);
    ELSE
        -- To count the attempt by; it is kept nowhere.
        identifier_hash := sha256(convert_to(enter_sign_in.kind || ':' || enter_sign_in.value, 'UTF8'));
    END IF;

    PERFORM clinic_private.require_login_calls('identifier:' || encode(enter_sign_in.identifier_hash, 'hex'));
    IF enter_sign_in.facts ->> 'client_address' IS NOT NULL THEN
        PERFORM clinic_private.require_login_calls('address:' || (enter_sign_in.facts ->> 'client_address'));
    END IF;

    IF enter_sign_in.tenant_id IS NOT NULL THEN
        SELECT i.user_id INTO user_id
        FROM clinic_data.user_identifiers AS i
        WHERE i.tenant_id = enter_sign_in.tenant_id AND i.kind = enter_sign_in.kind AND i.identifier_hash = enter_sign_in.identifier_hash;
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.enter_sign_in(text, text) IS
    'Finds whom an identifier means, and makes the caller a visitor of the tenant; saved is for restore_context. Counts the attempt where
rate limits are on. Errors: 22004, rate_limited, key_unavailable.';
REVOKE ALL ON FUNCTION clinic_private.enter_sign_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.enter_sign_in TO clinic_owner;

CREATE FUNCTION clinic_private.require_user()
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
BEGIN
    IF NOT EXISTS (SELECT FROM clinic_data.users AS u WHERE u.tenant_id = tenant AND u.user_id = clinic.current_user_id()) THEN
        PERFORM clinic_private.raise_error('forbidden', 'only a user of the tenant can do this', NULL,
            'Sign in as a user first.');
    END IF;
    RETURN clinic.current_user_id();
END
$$;
COMMENT ON FUNCTION clinic_private.require_user() IS 'The user of the context, who is one of the tenant. Errors: no_context, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_user FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_user TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- Sessions and their refresh tokens.

CREATE FUNCTION clinic_private.new_refresh_token(tenant_id uuid, session_id uuid, generation integer, OUT refresh_token text, OUT refresh_hash bytea)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    content bytea := uuid_send(new_refresh_token.tenant_id) || uuid_send(new_refresh_token.session_id)
                     || int4send(new_refresh_token.generation) || clinic_private.random_bytes(32);
BEGIN
    refresh_token := 'clinic_refresh_' || clinic_private.to_base64url(content);
    refresh_hash := sha256(content);
END
$$;
COMMENT ON FUNCTION clinic_private.new_refresh_token(uuid, uuid, integer) IS 'A new refresh token, and the hash that is kept of it.';
REVOKE ALL ON FUNCTION clinic_private.new_refresh_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.new_refresh_token TO clinic_owner;

CREATE FUNCTION clinic_private.read_refresh_token(refresh_token text, OUT tenant_id uuid, OUT session_id uuid, OUT generation integer,
    OUT refresh_hash bytea)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    content bytea;
BEGIN
    -- Whole refers to the text: no further line, no padding.
    IF read_refresh_token.refresh_token ~ '\Aclinic_refresh_[A-Za-z0-9_-]{91}\Z' THEN
        content := decode(translate(substr(read_refresh_token.refresh_token, 16), '-_', '+/') || '=', 'base64');
        -- Bits that belong to no byte would make several texts one token.
        IF 'clinic_refresh_' || clinic_private.to_base64url(content) = read_refresh_token.refresh_token THEN
            tenant_id := clinic_private.to_uuid(substr(content, 1, 16));
            session_id := clinic_private.to_uuid(substr(content, 17, 16));
            generation := ('x' || encode(substr(content, 33, 4), 'hex'))::bit(32)::integer;
            refresh_hash := sha256(content);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.read_refresh_token(text) IS 'What a refresh token says, and its hash; nulls for a text that is none.';
REVOKE ALL ON FUNCTION clinic_private.read_refresh_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.read_refresh_token TO clinic_owner;

CREATE FUNCTION clinic_private.open_session(user_id uuid, method text, kind text, identifier_hash bytea, facts jsonb,
    OUT access_token text, OUT refresh_token text, OUT refresh_expires_at timestamptz)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    new_session uuid := clinic.new_id();
    fresh record;
BEGIN
    SELECT t.refresh_token, t.refresh_hash INTO fresh FROM clinic_private.new_refresh_token(tenant, new_session, 1) AS t;
    refresh_token := fresh.refresh_token;
    refresh_expires_at := clinic.now() + interval '7 days';
    INSERT INTO clinic_data.sessions (tenant_id, session_id, user_id, refresh_hash, created_at, refreshed_at, expires_at, method,
        client_address, user_agent)
    VALUES (tenant, new_session, open_session.user_id, fresh.refresh_hash, clinic.now(), clinic.now(), open_session.refresh_expires_at,
        open_session.method, open_session.facts ->> 'client_address', open_session.facts ->> 'user_agent');
    access_token := clinic_private.sign_access_token(tenant, open_session.user_id, new_session, interval '15 minutes');

    UPDATE clinic_data.credentials AS c
    SET failed_count = 0, locked_until = NULL
    WHERE c.tenant_id = tenant AND c.user_id = open_session.user_id AND (c.failed_count > 0 OR c.locked_until IS NOT NULL);
    UPDATE clinic_data.users AS u
    SET last_login_at = clinic.now()
    WHERE u.tenant_id = tenant AND u.user_id = open_session.user_id;
    PERFORM clinic_private.record_sign_in(open_session.kind, open_session.user_id, open_session.facts, new_session,
        open_session.identifier_hash);
END
$$;
COMMENT ON FUNCTION clinic_private.open_session(uuid, text, text, bytea, jsonb) IS
    'Lets a user of the context''s tenant in: a session of 7 days with its refresh token, an access token of 15 minutes, the record; the
failures of before are forgotten. method: password or code; kind: of the event.';
REVOKE ALL ON FUNCTION clinic_private.open_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.open_session TO clinic_owner;

CREATE FUNCTION clinic_private.end_sessions(user_id uuid, reason text, except_session_id uuid DEFAULT NULL)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    number integer;
BEGIN
    UPDATE clinic_data.sessions AS s
    SET revoked_at = clinic.now(), revoke_reason = end_sessions.reason
    WHERE s.tenant_id = clinic.current_tenant_id() AND s.user_id = end_sessions.user_id AND s.revoked_at IS NULL
      AND s.session_id IS DISTINCT FROM end_sessions.except_session_id;
    GET DIAGNOSTICS number = ROW_COUNT;
    RETURN number;
END
$$;
COMMENT ON FUNCTION clinic_private.end_sessions(uuid, text, uuid) IS
    'Ends the sessions of a user, and returns how many. reason: as in clinic_data.sessions; except_session_id: one that goes on.';
REVOKE ALL ON FUNCTION clinic_private.end_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.end_sessions TO clinic_owner;
