-- Signing in with a password, going on with a refresh token, signing out.

CREATE FUNCTION clinic.sign_in(tenant text, identifier text, password text)
    RETURNS TABLE (access_token text, token_type text, expires_in integer, refresh_token text, refresh_expires_at timestamptz,
                   user_id uuid, tenant_id uuid)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    subject record;
    before record;
    after record;
    fits boolean;
    opened record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('password', sign_in.password));
    SELECT * INTO subject FROM clinic_private.enter_sign_in(sign_in.tenant, sign_in.identifier);
    SELECT * INTO before FROM clinic_private.account_state(subject.tenant_id, subject.user_id, clinic.now());
    fits := clinic_private.password_matches(sign_in.password, before.password_hash);
    -- Looked at again: while the password was compared, others may have locked the account or changed the password.
    SELECT * INTO after FROM clinic_private.account_state(subject.tenant_id, subject.user_id, clinic.now());
    IF NOT fits OR NOT after.active OR after.locked OR after.password_hash IS DISTINCT FROM before.password_hash THEN
        PERFORM clinic_private.refuse_sign_in('sign_in', subject.tenant_id, subject.user_id, subject.identifier_hash,
            NOT fits AND NOT after.locked, subject.facts);
    END IF;

    SELECT * INTO opened
    FROM clinic_private.open_session(subject.user_id, 'password', 'sign_in', subject.identifier_hash, subject.facts);
    PERFORM clinic_private.restore_context(subject.saved);
    RETURN QUERY SELECT opened.access_token, 'Bearer', 900, opened.refresh_token, opened.refresh_expires_at, subject.user_id,
                        subject.tenant_id;
END
$$;
ALTER FUNCTION clinic.sign_in OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.sign_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.sign_in TO clinic_anon, clinic_user;
COMMENT ON FUNCTION clinic.sign_in IS
    'Signs a user in with a password, and returns an access token for 15 minutes and a refresh token for 7 days.
tenant: its slug; identifier: an e-mail address, or a phone number with + and country code. expires_in: seconds that the access token
lives. The fifth wrong password locks the account for a minute, each further one for twice as long, up to an hour; where rate limits
are on, an identifier and an address have five attempts a minute. Every attempt is recorded.
Errors: invalid_credentials, whatever the reason: unknown tenant or user, wrong password, inactive or locked; rate_limited; busy when a
failure could not be recorded; key_unavailable, for all alike; 22004.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Going on.

-- A used token that comes back means that two hold it, the user and a thief: the session is ended, whatever becomes of the call.
-- Of calls that run at once with the same good token one goes on; the others found it good when they looked, so they are refused
-- without further consequence. One that was used before a call began is never taken for that.
CREATE FUNCTION clinic_private.rotate_session(given text)
    RETURNS TABLE (access_token text, refresh_token text, refresh_expires_at timestamptz, user_id uuid, tenant_id uuid)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    facts jsonb := clinic_private.request_facts();
    saved text := clinic_private.saved_context();
    old record;
    session record;
    fresh record;
    rotated boolean := false;
BEGIN
    SELECT * INTO old FROM clinic_private.read_refresh_token(rotate_session.given);
    IF old.tenant_id IS NULL OR NOT clinic_private.is_active_tenant(old.tenant_id) THEN
        PERFORM clinic_private.raise_error('invalid_token');
    END IF;
    PERFORM clinic_private.enter_visitor(old.tenant_id);

    SELECT s.user_id, s.generation, s.refresh_hash, s.revoked_at IS NULL AND s.expires_at > clinic.now() AS live,
           u.status = 'active' AND s.refreshed_at > coalesce(u.signed_out_at, '-infinity') AS welcome
    INTO session
    FROM clinic_data.sessions AS s
    JOIN clinic_data.users AS u ON u.tenant_id = s.tenant_id AND u.user_id = s.user_id
    WHERE s.tenant_id = old.tenant_id AND s.session_id = old.session_id;
    IF session.live AND session.generation > old.generation THEN
        PERFORM clinic_private.do_apart('session_stolen', facts || jsonb_build_object(
            'tenant_id', old.tenant_id, 'session_id', old.session_id, 'user_id', session.user_id, 'kind', 'refresh'));
        PERFORM clinic_private.raise_error('invalid_token');
    END IF;

    IF session.live AND session.welcome AND clinic_private.same_secret(old.refresh_hash, session.refresh_hash) THEN
        SELECT t.refresh_token, t.refresh_hash INTO fresh
        FROM clinic_private.new_refresh_token(old.tenant_id, old.session_id, old.generation + 1) AS t;
        UPDATE clinic_data.sessions AS s
        SET refresh_hash = fresh.refresh_hash, generation = old.generation + 1, refreshed_at = clinic.now(),
            expires_at = clinic.now() + interval '7 days'
        WHERE s.tenant_id = old.tenant_id AND s.session_id = old.session_id AND s.generation = old.generation
          AND s.refresh_hash = old.refresh_hash AND s.revoked_at IS NULL;
        rotated := FOUND;
    END IF;
    IF NOT rotated THEN
        PERFORM clinic_private.refuse_sign_in('refresh', CASE WHEN session.user_id IS NOT NULL THEN old.tenant_id END, session.user_id,
            NULL, false, facts || jsonb_build_object('session_id', old.session_id), 'invalid_token');
    END IF;

    PERFORM clinic_private.record_sign_in('refresh', session.user_id, facts, old.session_id);
    access_token := clinic_private.sign_access_token(old.tenant_id, session.user_id, old.session_id, interval '15 minutes');
    PERFORM clinic_private.restore_context(saved);
    RETURN QUERY SELECT rotate_session.access_token, fresh.refresh_token, clinic.now() + interval '7 days', session.user_id,
                        old.tenant_id;
END
$$;
COMMENT ON FUNCTION clinic_private.rotate_session(text) IS
    'What clinic.refresh does. given: the refresh token. Errors: invalid_token; busy when a refusal could not be recorded.';
REVOKE ALL ON FUNCTION clinic_private.rotate_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.rotate_session TO clinic_owner;

CREATE FUNCTION clinic.refresh(refresh_token text)
    RETURNS TABLE (access_token text, token_type text, expires_in integer, refresh_token text, refresh_expires_at timestamptz,
                   user_id uuid, tenant_id uuid)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 1 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT clinic_private.require_arguments(jsonb_build_object('refresh_token', $1));
    SELECT r.access_token, 'Bearer', 900, r.refresh_token, r.refresh_expires_at, r.user_id, r.tenant_id
    FROM clinic_private.rotate_session($1) AS r
$$;
ALTER FUNCTION clinic.refresh OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.refresh FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.refresh TO clinic_anon, clinic_user;
COMMENT ON FUNCTION clinic.refresh IS
    'Takes a refresh token, and returns a new access token and a new refresh token, good for 7 days from now; the old one is used up.
A used token that comes back ends the session for everybody who holds a token of it: sign in again. Of several calls at the same moment
with the same token one succeeds, and the session goes on with what that one returned.
Errors: invalid_token for a token that is unknown, used, expired or signed out, and when user or tenant are no longer active; busy when a
refusal could not be recorded; 22004.';

-- ----------------------------------------------------------------------------------------------------------------------
-- The end.

CREATE FUNCTION clinic.sign_out(refresh_token text DEFAULT NULL, everywhere boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    facts jsonb := clinic_private.request_facts();
    saved text := clinic_private.saved_context();
    session_user_id uuid;
    ending uuid;
    given record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('everywhere', sign_out.everywhere));
    IF sign_out.refresh_token IS NULL THEN
        session_user_id := clinic_private.require_user();
        ending := clinic_private.current_session_id();
        IF ending IS NULL AND NOT sign_out.everywhere THEN
            PERFORM clinic_private.raise_error('bad_transition', 'the caller did not come with a session', NULL,
                'Pass refresh_token, or everywhere => true.');
        END IF;
    ELSE
        SELECT * INTO given FROM clinic_private.read_refresh_token(sign_out.refresh_token);
        IF given.tenant_id IS NULL OR NOT clinic_private.is_active_tenant(given.tenant_id) THEN
            PERFORM clinic_private.raise_error('invalid_token');
        END IF;
        PERFORM clinic_private.enter_visitor(given.tenant_id);
        SELECT s.user_id, s.session_id INTO session_user_id, ending
        FROM clinic_data.sessions AS s
        WHERE s.tenant_id = given.tenant_id AND s.session_id = given.session_id
          AND clinic_private.same_secret(s.refresh_hash, given.refresh_hash);
        IF NOT FOUND THEN
            PERFORM clinic_private.raise_error('invalid_token');
        END IF;
        -- A token that is dead already says who it was, and ends nothing but itself.
        IF sign_out.everywhere AND NOT EXISTS (
            SELECT FROM clinic_data.sessions AS s
            WHERE s.tenant_id = given.tenant_id AND s.session_id = ending AND s.revoked_at IS NULL AND s.expires_at > clinic.now())
        THEN
            PERFORM clinic_private.raise_error('invalid_token');
        END IF;
    END IF;

    IF sign_out.everywhere THEN
        PERFORM clinic_private.end_sessions(session_user_id, 'signed_out');
        UPDATE clinic_data.users AS u
        SET signed_out_at = clinic.now()
        WHERE u.tenant_id = clinic.current_tenant_id() AND u.user_id = session_user_id;
    ELSE
        UPDATE clinic_data.sessions AS s
        SET revoked_at = clinic.now(), revoke_reason = 'signed_out'
        WHERE s.tenant_id = clinic.current_tenant_id() AND s.session_id = ending AND s.revoked_at IS NULL;
    END IF;
    PERFORM clinic_private.record_sign_in('sign_out', session_user_id, facts, ending);
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.sign_out OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.sign_out FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.sign_out TO clinic_anon, clinic_user;
COMMENT ON FUNCTION clinic.sign_out IS
    'Ends a session: its refresh token at once, its access tokens from the next transaction on. Ending an ended one is no error.
refresh_token: names the session; without it, that of the caller''s access token. everywhere: all sessions of the user, and every token
of any issuer that was issued until now.
Errors: no_context, forbidden without a user, bad_transition when the caller came without a session, invalid_token, 22004.';
