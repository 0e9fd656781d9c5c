-- The tasks of clinic_private.run_apart(): each runs in a worker, as clinic_system, for the tenant that its argument names.
-- They are no definers, and only clinic_system executes them. What they may touch is granted column by column.

CREATE FUNCTION clinic_private.apart_event(argument jsonb, kind text, user_id uuid, session_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    -- Before the server says so, which would put the row into its log.
    IF apart_event.argument ->> 'tenant_id' IS NULL THEN
        RAISE EXCEPTION 'the event is of no tenant' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    INSERT INTO clinic_data.sign_in_events (tenant_id, event_id, occurred_at, kind, outcome, user_id, identifier_hash, session_id, request_id,
                                            client_address, peer_address, user_agent)
    VALUES ((apart_event.argument ->> 'tenant_id')::uuid, clinic.new_id(), clinic.now(), apart_event.kind, 'refused',
            apart_event.user_id, decode(apart_event.argument ->> 'identifier_hash', 'hex'), apart_event.session_id,
            left(apart_event.argument ->> 'request_id', 200), left(apart_event.argument ->> 'client_address', 200),
            left(apart_event.argument ->> 'peer_address', 200), left(apart_event.argument ->> 'user_agent', 500));
END
$$;
REVOKE ALL ON FUNCTION clinic_private.apart_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.apart_event TO clinic_system;
COMMENT ON FUNCTION clinic_private.apart_event IS
    'Records a refusal in clinic_data.sign_in_events; for the tasks of clinic_private.run_apart().
argument: the task''s; read are tenant_id, identifier_hash (hexadecimal), request_id, client_address, peer_address and
user_agent; texts beyond 200 (user_agent: 500) characters are cut. kind, user_id, session_id: of the event.';

CREATE FUNCTION clinic_private.apart_sign_in_failed(argument jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    v_tenant uuid := (apart_sign_in_failed.argument ->> 'tenant_id')::uuid;
    v_user uuid := (apart_sign_in_failed.argument ->> 'user_id')::uuid;
    v_now timestamptz := clinic.now();
BEGIN
    PERFORM clinic_private.apart_event(apart_sign_in_failed.argument, coalesce(apart_sign_in_failed.argument ->> 'kind', 'sign_in'),
                                       v_user, (apart_sign_in_failed.argument ->> 'session_id')::uuid);
    IF v_user IS NULL OR (apart_sign_in_failed.argument ->> 'count')::boolean IS NOT TRUE THEN
        RETURN;
    END IF;

    INSERT INTO clinic_data.credentials AS c (tenant_id, user_id, failed_count, last_failed_at)
    VALUES (v_tenant, v_user, 1, v_now)
        ON CONFLICT (tenant_id, user_id) DO UPDATE
       SET failed_count = least(c.failed_count, 1000000) + 1,
           last_failed_at = v_now,
           -- From the fifth failure on: 1, 2, 4 ... 60 minutes. A longer lock stays.
           locked_until = CASE WHEN c.failed_count >= 4 THEN
               greatest(c.locked_until, v_now + least(2 ^ least(c.failed_count - 4, 6), 60) * interval '1 minute')
               ELSE c.locked_until END;
END
$$;
REVOKE ALL ON FUNCTION clinic_private.apart_sign_in_failed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.apart_sign_in_failed TO clinic_system;
COMMENT ON FUNCTION clinic_private.apart_sign_in_failed IS
    'Task sign_in_failed of clinic_private.run_apart(): records a refused attempt, and counts it.
argument: tenant_id; user_id, where the identifier is somebody''s; kind of event (sign_in); identifier_hash in hexadecimal; session_id,
request_id, client_address, peer_address, user_agent; count: true adds one to the failures of user_id in clinic_data.credentials
and locks from the fifth on, for 2 ^ (failures - 5) minutes, 60 at most.';

CREATE FUNCTION clinic_private.apart_session_stolen(argument jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    v_tenant uuid := (apart_session_stolen.argument ->> 'tenant_id')::uuid;
    v_session uuid := (apart_session_stolen.argument ->> 'session_id')::uuid;
    v_user uuid;
BEGIN
    SELECT s.user_id INTO STRICT v_user FROM clinic_data.sessions s WHERE s.tenant_id = v_tenant AND s.session_id = v_session;
    UPDATE clinic_data.sessions AS s
       SET revoked_at = clinic.now(), revoke_reason = 'reused'
     WHERE s.tenant_id = v_tenant AND s.session_id = v_session AND s.revoked_at IS NULL;
    PERFORM clinic_private.apart_event(apart_session_stolen.argument, 'refresh', v_user, v_session);
END
$$;
REVOKE ALL ON FUNCTION clinic_private.apart_session_stolen FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.apart_session_stolen TO clinic_system;
COMMENT ON FUNCTION clinic_private.apart_session_stolen IS
    'Task session_stolen of clinic_private.run_apart(): a used refresh token came back. Revokes the session, unless it is revoked
already, and records the refusal.
argument: tenant_id, session_id; identifier_hash in hexadecimal, request_id, client_address, peer_address, user_agent. Errors: P0002
for a session that is not there.';
