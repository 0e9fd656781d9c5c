-- Sessions, dead tokens and the record of signing in, for users themselves and for those who administer users.

CREATE FUNCTION clinic.my_sessions()
    RETURNS TABLE (session_id uuid, created_at timestamptz, refreshed_at timestamptz, expires_at timestamptz, method text,
                   client_address text, user_agent text, is_current boolean)
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    caller uuid := clinic_private.require_user();
BEGIN
    RETURN QUERY
    SELECT s.session_id, s.created_at, s.refreshed_at, s.expires_at, s.method, s.client_address, s.user_agent,
           coalesce(s.session_id = clinic_private.current_session_id(), false)
    FROM clinic_data.sessions AS s
    WHERE s.tenant_id = clinic.current_tenant_id() AND s.user_id = caller AND s.revoked_at IS NULL AND s.expires_at > clinic.now()
    ORDER BY s.created_at DESC, s.session_id DESC;
END
$$;
ALTER FUNCTION clinic.my_sessions OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.my_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.my_sessions TO clinic_user;
COMMENT ON FUNCTION clinic.my_sessions IS
    'Lists the caller''s own live sessions, the newest first.
refreshed_at: when the last refresh token was made, expires_at: when it dies; method: password or code; client_address, user_agent: as
claimed at sign-in; is_current: the session that the caller comes with. Errors: no_context, forbidden without a user.';

CREATE FUNCTION clinic.end_session(session_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    caller uuid := clinic_private.require_user();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('session_id', end_session.session_id));
    UPDATE clinic_data.sessions AS s
    SET revoked_at = coalesce(s.revoked_at, clinic.now()), revoke_reason = coalesce(s.revoke_reason, 'signed_out')
    WHERE s.tenant_id = clinic.current_tenant_id() AND s.session_id = end_session.session_id AND s.user_id = caller;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('session "%s" does not exist', end_session.session_id),
            jsonb_build_object('session_id', end_session.session_id));
    END IF;
    PERFORM clinic_private.record_sign_in('sign_out', caller, clinic_private.request_facts(), end_session.session_id);
END
$$;
ALTER FUNCTION clinic.end_session OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.end_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.end_session TO clinic_user;
COMMENT ON FUNCTION clinic.end_session IS
    'Ends one of the caller''s own sessions, such as that of a lost phone; ending an ended one is no error.
session_id: from clinic.my_sessions. Errors: no_context, forbidden without a user, not_found, 22004.';

CREATE FUNCTION clinic.end_sessions_of(user_id uuid)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    number integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('user_id', end_sessions_of.user_id));
    PERFORM clinic_private.require_governed(end_sessions_of.user_id);
    number := clinic_private.end_sessions(end_sessions_of.user_id, 'administrator');
    UPDATE clinic_data.users AS u
    SET signed_out_at = clinic.now()
    WHERE u.tenant_id = clinic.current_tenant_id() AND u.user_id = end_sessions_of.user_id;
    PERFORM clinic_private.record_sign_in('sign_out', end_sessions_of.user_id, clinic_private.request_facts());
    RETURN number;
END
$$;
ALTER FUNCTION clinic.end_sessions_of OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.end_sessions_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.end_sessions_of TO clinic_user;
COMMENT ON FUNCTION clinic.end_sessions_of IS
    'Ends all sessions of a user and every token issued to them until now, and returns how many sessions those were. Needs users:write, or
users:write:branch for users of the caller''s own branches; never over a user who may do more than the caller.
Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic.revoke_token(jti text, expires_at timestamptz)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('users:write');
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('jti', revoke_token.jti, 'expires_at', revoke_token.expires_at));
    IF length(revoke_token.jti) NOT BETWEEN 1 AND 200 THEN
        PERFORM clinic_private.refuse_argument('jti', 'jti must have 1 to 200 characters');
    END IF;
    IF NOT isfinite(revoke_token.expires_at) THEN
        PERFORM clinic_private.refuse_argument('expires_at', 'expires_at must be finite', hint => 'Pass exp of the token.');
    END IF;
    -- What would be dead anyhow need not be remembered; a day is more than any clock may differ.
    DELETE FROM clinic_data.revoked_tokens AS r WHERE r.tenant_id = tenant AND r.expires_at < clinic.now() - interval '24:00:00';
    INSERT INTO clinic_data.revoked_tokens AS r (tenant_id, jti, expires_at, revoked_at, revoked_by)
    VALUES (tenant, revoke_token.jti, revoke_token.expires_at, clinic.now(), clinic.current_user_id())
    ON CONFLICT ON CONSTRAINT revoked_tokens_pkey DO UPDATE SET expires_at = greatest(r.expires_at, excluded.expires_at);
END
$$;
ALTER FUNCTION clinic.revoke_token OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.revoke_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.revoke_token TO clinic_user;
COMMENT ON FUNCTION clinic.revoke_token IS
    'Makes a token dead from the next transaction on. Needs users:write.
jti: id of the token, 1 to 200 characters; expires_at: when it would have died anyhow, after which it is forgotten.
Errors: no_context, forbidden, 22004, 22023.';

CREATE FUNCTION clinic.sign_in_events(user_id uuid DEFAULT NULL, before_event_id uuid DEFAULT NULL, max_events integer DEFAULT 100)
    RETURNS TABLE (event_id uuid, occurred_at timestamptz, kind text, outcome text, event_user_id uuid, session_id uuid, request_id text,
                   client_address text, peer_address text, user_agent text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    whose uuid := sign_in_events.user_id;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('max_events', sign_in_events.max_events));
    IF sign_in_events.max_events NOT BETWEEN 1 AND 1000 THEN
        PERFORM clinic_private.refuse_argument('max_events', 'max_events must be between 1 and 1000');
    END IF;
    IF NOT clinic.has_permission('users:read') THEN
        whose := clinic_private.require_user();
        IF sign_in_events.user_id <> whose THEN
            PERFORM clinic_private.require_permission('users:read');
        END IF;
    END IF;
    RETURN QUERY
    SELECT e.event_id, e.occurred_at, e.kind, e.outcome, e.user_id, e.session_id, e.request_id, e.client_address, e.peer_address, e.user_agent
    FROM clinic_data.sign_in_events AS e
    WHERE e.tenant_id = tenant AND (whose IS NULL OR e.user_id = whose)
      AND (sign_in_events.before_event_id IS NULL OR e.event_id < sign_in_events.before_event_id)
    ORDER BY e.event_id DESC
    LIMIT sign_in_events.max_events;
END
$$;
ALTER FUNCTION clinic.sign_in_events OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.sign_in_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.sign_in_events TO clinic_user;
COMMENT ON FUNCTION clinic.sign_in_events IS
    'Lists successes and failures of signing in, the newest first: the caller''s own, with users:read those of the whole tenant.
user_id: of one user; before_event_id: the last event_id of the page before; max_events: 1 to 1000.
event_user_id: null for an identifier that belongs to nobody; client_address and user_agent: as claimed; peer_address: who was connected.
Errors: no_context, forbidden, 22004, 22023.';
