-- Planned group sessions: making, moving, resizing and cancelling them. Their seats are booked by clinic.book_seat.

CREATE FUNCTION clinic_private.keep_seat_with_session()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.session_id IS NOT DISTINCT FROM OLD.session_id
       AND EXISTS (
           SELECT FROM clinic_data.group_sessions AS g
           WHERE g.tenant_id = NEW.tenant_id AND g.session_id = NEW.session_id AND g.starts_at = NEW.starts_at
             AND g.ends_at = NEW.ends_at AND g.provider_id = NEW.provider_id AND g.location_id = NEW.location_id) THEN
        RETURN NEW;
    END IF;
    PERFORM clinic_private.raise_error('bad_transition', 'a seat moves with its session only',
        jsonb_build_object('appointment_id', OLD.appointment_id, 'session_id', OLD.session_id),
        'Cancel it and book a seat of another session, or move the session.');
END
$$;
COMMENT ON FUNCTION clinic_private.keep_seat_with_session() IS
    'Trigger: an appointment with seats in a session stays where the session is. Errors: bad_transition.';
REVOKE ALL ON FUNCTION clinic_private.keep_seat_with_session() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.keep_seat_with_session() TO clinic_owner;

-- Takes the locks of a session and of all who have a seat in it, and checks who asks and what for.
CREATE FUNCTION clinic_private.lock_session(session_id uuid, version integer)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    found record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('session_id', lock_session.session_id));
    PERFORM clinic_private.lock_resources(tenant, ARRAY(
        SELECT lock_session.session_id
        UNION SELECT a.appointment_id FROM clinic_data.appointments AS a
        WHERE a.tenant_id = tenant AND a.session_id = lock_session.session_id AND a.status <> 'cancelled'
        UNION SELECT a.patient_id FROM clinic_data.appointments AS a
        WHERE a.tenant_id = tenant AND a.session_id = lock_session.session_id AND a.status <> 'cancelled'));
    SELECT g.provider_id, g.location_id, g.status, g.version INTO found
    FROM clinic_data.group_sessions AS g
    WHERE g.tenant_id = tenant AND g.session_id = lock_session.session_id;
    PERFORM clinic_private.require_schedule_permission(found.provider_id, found.location_id);
    IF found.status IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', 'the session does not exist',
            jsonb_build_object('session_id', lock_session.session_id), NULL);
    END IF;
    IF found.version <> lock_session.version THEN
        PERFORM clinic_private.raise_error('stale_version', NULL,
            jsonb_build_object('session_id', lock_session.session_id, 'version', found.version), NULL);
    END IF;
    IF found.status = 'cancelled' THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the session is cancelled',
            jsonb_build_object('session_id', lock_session.session_id), NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.lock_session(uuid, integer) IS
    'Takes the locks of a session and of all who have a seat in it, for who may change it. version: the one it was seen in; null for any.
Errors: forbidden, not_found, stale_version, bad_transition, no_context, 22004.';
REVOKE ALL ON FUNCTION clinic_private.lock_session(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_session(uuid, integer) TO clinic_owner;

CREATE FUNCTION clinic_private.taken_seats(session_id uuid)
    RETURNS integer
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*)::integer
    FROM clinic_data.session_seats AS s
    WHERE s.tenant_id = clinic.current_tenant_id() AND s.session_id = taken_seats.session_id
      AND (s.expires_at IS NULL OR s.expires_at > clinic.now())
$$;
COMMENT ON FUNCTION clinic_private.taken_seats(uuid) IS 'How many seats of a session are taken, or offered to those who wait.';
REVOKE ALL ON FUNCTION clinic_private.taken_seats(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.taken_seats(uuid) TO clinic_owner;

CREATE FUNCTION clinic_private.require_override(override boolean, reason text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF NOT require_override.override THEN
        RETURN;
    END IF;
    PERFORM clinic_private.require_permission('appointments:override');
    IF require_override.reason IS NULL OR require_override.reason !~ '\S' THEN
        PERFORM clinic_private.refuse_argument('reason', 'an override needs a reason',
            hint => 'Pass reason => ''why the rules give way''.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_override(boolean, text) IS
    'Checks that who overrides rules may, and says why. Errors: forbidden, 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_override(boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_override(boolean, text) TO clinic_owner;

CREATE FUNCTION clinic_private.create_session(
    service_id uuid,
    provider_id uuid,
    starts_at timestamptz,
    location_id uuid,
    duration interval,
    capacity integer,
    title text,
    resource_ids uuid[],
    buffer_before_minutes integer,
    buffer_after_minutes integer,
    override boolean,
    reason text,
    session_id uuid,
    idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission(create_session.provider_id, create_session.location_id);
    stored jsonb;
    new_id uuid := coalesce(create_session.session_id, clinic.new_id());
    seats integer;
    place record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('service_id', create_session.service_id,
        'provider_id', create_session.provider_id, 'starts_at', create_session.starts_at));
    PERFORM clinic_private.require_override(create_session.override, create_session.reason);
    IF create_session.buffer_before_minutes NOT BETWEEN 0 AND 1440 OR create_session.buffer_after_minutes NOT BETWEEN 0 AND 1440 THEN
        PERFORM clinic_private.refuse_argument('buffer_before_minutes, buffer_after_minutes',
            'a buffer must be between 0 and 1440 minutes');
    END IF;
    stored := clinic_private.begin_once('create_session', create_session.idempotency_key, jsonb_build_array(
        create_session.service_id, create_session.provider_id, extract(epoch FROM create_session.starts_at), create_session.location_id,
        extract(epoch FROM create_session.duration), create_session.capacity, create_session.title, create_session.resource_ids,
        create_session.buffer_before_minutes, create_session.buffer_after_minutes, create_session.override,
        create_session.reason, create_session.session_id));
    IF stored IS NULL THEN
        PERFORM clinic_private.require_row('service', create_session.service_id);
        PERFORM clinic_private.require_row('provider', create_session.provider_id);
        SELECT c.* INTO place
        FROM clinic_private.claim_session(new_id, create_session.service_id, create_session.provider_id,
            create_session.location_id, create_session.starts_at, create_session.duration, create_session.resource_ids,
            create_session.buffer_before_minutes, create_session.buffer_after_minutes, create_session.override) AS c;
        IF create_session.location_id IS NULL THEN
            PERFORM clinic_private.require_schedule_permission(create_session.provider_id, place.location_id);
        END IF;
        SELECT coalesce(create_session.capacity, s.capacity) INTO seats
        FROM clinic_data.services AS s
        WHERE s.tenant_id = tenant AND s.service_id = create_session.service_id;
        PERFORM clinic_private.insert_row('group_sessions', jsonb_build_object(
            'session_id', new_id, 'service_id', create_session.service_id, 'provider_id', create_session.provider_id,
            'location_id', place.location_id, 'title', create_session.title, 'starts_at', create_session.starts_at,
            'ends_at', place.ends_at, 'local_starts_at', place.local_starts_at, 'time_zone', place.time_zone,
            'capacity', seats, 'buffer_before_minutes', create_session.buffer_before_minutes,
            'buffer_after_minutes', create_session.buffer_after_minutes,
            'named_resource_ids', coalesce(create_session.resource_ids, '{}'), 'overridden', place.overridden,
            'reason', CASE WHEN cardinality(place.overridden) > 0 THEN create_session.reason END));
        PERFORM clinic_private.lock_resources(tenant, ARRAY[new_id]);
        PERFORM clinic_private.offer_session_seats(new_id, 'opened');
        stored := jsonb_build_object('session_id', new_id, 'provider_id', create_session.provider_id,
            'location_id', place.location_id, 'starts_at', create_session.starts_at, 'ends_at', place.ends_at,
            'capacity', seats, 'resource_ids', place.resource_ids, 'version', 1, 'replayed', true);
        PERFORM clinic_private.end_once('create_session', create_session.idempotency_key, stored);
        stored := stored || '{"replayed": false}';
    END IF;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION clinic_private.create_session IS 'The work of clinic.create_session; its row.';
REVOKE ALL ON FUNCTION clinic_private.create_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.create_session TO clinic_owner;

CREATE FUNCTION clinic.create_session(
    service_id uuid,
    provider_id uuid,
    starts_at timestamptz,
    location_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    capacity integer DEFAULT NULL,
    title text DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    buffer_before_minutes integer DEFAULT NULL,
    buffer_after_minutes integer DEFAULT NULL,
    override boolean DEFAULT false,
    reason text DEFAULT NULL,
    session_id uuid DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        session_id uuid,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        capacity integer,
        resource_ids uuid[],
        version integer,
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.*
    FROM jsonb_to_record(clinic_private.create_session(create_session.service_id, create_session.provider_id,
        create_session.starts_at, create_session.location_id, create_session.duration, create_session.capacity,
        create_session.title, create_session.resource_ids, create_session.buffer_before_minutes,
        create_session.buffer_after_minutes, create_session.override, create_session.reason, create_session.session_id,
        create_session.idempotency_key)) AS r (
        session_id uuid, provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz,
        capacity integer, resource_ids uuid[], version integer, replayed boolean)
$$;
ALTER FUNCTION clinic.create_session OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_session TO clinic_user;
COMMENT ON FUNCTION clinic.create_session IS
    'Plans a group session: its time is claimed at the provider and in rooms, and its seats can be booked by clinic.book_seat.
service_id: what is done; provider_id: who offers it; starts_at; location_id: where, by default where the provider has hours then;
duration: by default the service''s; capacity: seats, 0 to 1000, by default the service''s; title: for people, without personal
data; resource_ids: these rooms or devices instead of any of their class; buffer_before_minutes, buffer_after_minutes: 0 to 1440,
by default the longest of tenant, service and resource; session_id: for imports. Nobody else can be booked at the provider then,
whatever the service''s capacity. Lead time, horizon, grid and limits do not bind who plans; override (permission
appointments:override, with a reason) passes over hours and the past too. Needs schedules:write.
Errors: no_context, forbidden, not_found, in_past, closed_on_date, outside_hours, blocked, held, slot_taken, no_resource,
duplicate, idempotency_conflict, 22004, 22023.';

CREATE FUNCTION clinic_private.move_session(
    session_id uuid,
    starts_at timestamptz,
    provider_id uuid,
    location_id uuid,
    duration interval,
    resource_ids uuid[],
    override boolean,
    reason text,
    version integer,
    idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    stored jsonb;
    session record;
    place record;
    wanted_provider uuid;
    wanted_location uuid;
    wanted_start timestamptz;
    new_version integer;
    moved_seats integer;
BEGIN
    PERFORM clinic_private.require_override(move_session.override, move_session.reason);
    stored := clinic_private.begin_once('move_session', move_session.idempotency_key, jsonb_build_array(
        move_session.session_id, extract(epoch FROM move_session.starts_at), move_session.provider_id, move_session.location_id,
        extract(epoch FROM move_session.duration), move_session.resource_ids, move_session.override, move_session.reason, move_session.version));
    IF stored IS NULL THEN
        PERFORM clinic_private.lock_session(move_session.session_id, move_session.version);
        SELECT g.* INTO session FROM clinic_data.group_sessions AS g
        WHERE g.tenant_id = tenant AND g.session_id = move_session.session_id;
        wanted_provider := coalesce(move_session.provider_id, session.provider_id);
        -- Another provider may work elsewhere; the same one keeps the place.
        wanted_location := CASE WHEN move_session.location_id IS NOT NULL OR wanted_provider <> session.provider_id
                                THEN move_session.location_id ELSE session.location_id END;
        wanted_start := coalesce(move_session.starts_at, session.starts_at);
        PERFORM clinic_private.require_row('provider', wanted_provider);
        SELECT c.* INTO place
        FROM clinic_private.claim_session(move_session.session_id, session.service_id, wanted_provider, wanted_location,
            wanted_start, coalesce(move_session.duration, session.ends_at - session.starts_at),
            coalesce(move_session.resource_ids, CASE WHEN wanted_location = session.location_id THEN session.named_resource_ids END),
            session.buffer_before_minutes, session.buffer_after_minutes, move_session.override) AS c;
        PERFORM clinic_private.require_schedule_permission(wanted_provider, place.location_id);
        UPDATE clinic_data.group_sessions AS g
        SET provider_id = wanted_provider, location_id = place.location_id, starts_at = wanted_start, ends_at = place.ends_at,
            local_starts_at = place.local_starts_at, time_zone = place.time_zone, overridden = place.overridden,
            named_resource_ids = coalesce(move_session.resource_ids,
                CASE WHEN wanted_location = session.location_id THEN session.named_resource_ids ELSE '{}' END),
            reason = CASE WHEN cardinality(place.overridden) > 0 THEN move_session.reason END
        WHERE g.tenant_id = tenant AND g.session_id = move_session.session_id
        RETURNING g.version INTO new_version;
        moved_seats := clinic_private.move_seats(move_session.session_id, move_session.override);
        IF (wanted_provider, place.location_id, wanted_start, place.ends_at)
           IS DISTINCT FROM (session.provider_id, session.location_id, session.starts_at, session.ends_at) THEN
            PERFORM clinic_private.follow_session(move_session.session_id);
            PERFORM clinic_private.offer_session_seats(move_session.session_id, 'opened');
        END IF;
        stored := jsonb_build_object('session_id', move_session.session_id, 'provider_id', wanted_provider,
            'location_id', place.location_id, 'starts_at', wanted_start, 'ends_at', place.ends_at, 'moved', moved_seats,
            'resource_ids', place.resource_ids, 'version', new_version, 'replayed', true);
        PERFORM clinic_private.end_once('move_session', move_session.idempotency_key, stored);
        stored := stored || '{"replayed": false}';
    END IF;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION clinic_private.move_session IS 'The work of clinic.move_session; its row.';
REVOKE ALL ON FUNCTION clinic_private.move_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.move_session TO clinic_owner;

CREATE FUNCTION clinic.move_session(
    session_id uuid,
    starts_at timestamptz DEFAULT NULL,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    override boolean DEFAULT false,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        session_id uuid,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        moved integer,
        resource_ids uuid[],
        version integer,
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.*
    FROM jsonb_to_record(clinic_private.move_session(move_session.session_id, move_session.starts_at,
        move_session.provider_id, move_session.location_id, move_session.duration, move_session.resource_ids,
        move_session.override, move_session.reason, move_session.version, move_session.idempotency_key)) AS r (
        session_id uuid, provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, moved integer,
        resource_ids uuid[], version integer, replayed boolean)
$$;
ALTER FUNCTION clinic.move_session OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.move_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.move_session TO clinic_user;
COMMENT ON FUNCTION clinic.move_session IS
    'Moves a session and everybody who has a seat in it, all or nothing.
What is not given stays; rooms that were named stay at the same location, others are chosen afresh. moved: how many appointments
moved along. A patient who has another visit then refuses the move; override (permission appointments:override, with a reason)
moves them all the same, with a warning, and passes over hours and the past. version: refuse when it has changed since. Needs
schedules:write, and appointments:write for the seats.
Errors: those of clinic.create_session; patient_conflict with the first such appointment, stale_version, bad_transition.';

CREATE FUNCTION clinic_private.set_session_capacity(
    session_id uuid,
    capacity integer,
    version integer,
    idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    stored jsonb;
    before integer;
    new_version integer;
    seats integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('capacity', set_session_capacity.capacity));
    stored := clinic_private.begin_once('set_session_capacity', set_session_capacity.idempotency_key, jsonb_build_array(
        set_session_capacity.session_id, set_session_capacity.capacity, set_session_capacity.version));
    IF stored IS NULL THEN
        PERFORM clinic_private.lock_session(set_session_capacity.session_id, set_session_capacity.version);
        SELECT g.capacity INTO before FROM clinic_data.group_sessions AS g
        WHERE g.tenant_id = clinic.current_tenant_id() AND g.session_id = set_session_capacity.session_id;
        new_version := clinic_private.update_row('group_sessions', 'session_id', set_session_capacity.session_id,
            jsonb_build_object('capacity', set_session_capacity.capacity), ARRAY['capacity']);
        seats := clinic_private.taken_seats(set_session_capacity.session_id);
        IF set_session_capacity.capacity > greatest(before, seats) THEN
            PERFORM clinic_private.offer_session_seats(set_session_capacity.session_id, 'opened');
            seats := clinic_private.taken_seats(set_session_capacity.session_id);
        END IF;
        stored := jsonb_build_object('session_id', set_session_capacity.session_id, 'capacity', set_session_capacity.capacity,
            'taken', seats, 'over_capacity', seats > set_session_capacity.capacity, 'version', new_version, 'replayed', true);
        PERFORM clinic_private.end_once('set_session_capacity', set_session_capacity.idempotency_key, stored);
        stored := stored || '{"replayed": false}';
    END IF;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION clinic_private.set_session_capacity IS 'The work of clinic.set_session_capacity; its row.';
REVOKE ALL ON FUNCTION clinic_private.set_session_capacity FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.set_session_capacity TO clinic_owner;

CREATE FUNCTION clinic.set_session_capacity(
    session_id uuid,
    capacity integer,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (session_id uuid, capacity integer, taken integer, over_capacity boolean, version integer,
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.*
    FROM jsonb_to_record(clinic_private.set_session_capacity(set_session_capacity.session_id,
        set_session_capacity.capacity, set_session_capacity.version, set_session_capacity.idempotency_key)) AS r (
        session_id uuid, capacity integer, taken integer, over_capacity boolean, version integer, replayed boolean)
$$;
ALTER FUNCTION clinic.set_session_capacity OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_session_capacity FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_session_capacity TO clinic_user;
COMMENT ON FUNCTION clinic.set_session_capacity IS
    'Changes how many seats a session has, 0 to 1000. Below what is taken everybody stays, over_capacity says so here and in
clinic.group_sessions, and no seat can be booked until fewer are taken than there are. version: refuse when it has changed since.
Needs schedules:write. Errors: no_context, forbidden, not_found, stale_version, bad_transition, idempotency_conflict, 22004, 22023.';

CREATE FUNCTION clinic_private.cancel_session(
    session_id uuid,
    reason text,
    version integer,
    idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    stored jsonb;
    new_version integer;
    seats integer;
BEGIN
    stored := clinic_private.begin_once('cancel_session', cancel_session.idempotency_key, jsonb_build_array(
        cancel_session.session_id, cancel_session.reason, cancel_session.version));
    IF stored IS NULL THEN
        PERFORM clinic_private.lock_session(cancel_session.session_id, cancel_session.version);
        -- First the session, so that none of its seats is offered to anybody.
        UPDATE clinic_data.group_sessions AS g
        SET status = 'cancelled', reason = cancel_session.reason
        WHERE g.tenant_id = clinic.current_tenant_id() AND g.session_id = cancel_session.session_id
        RETURNING g.version INTO new_version;
        seats := clinic_private.cancel_seats(cancel_session.session_id, cancel_session.reason);
        PERFORM clinic_private.release_owner(cancel_session.session_id);
        PERFORM clinic_private.follow_session(cancel_session.session_id);
        stored := jsonb_build_object('session_id', cancel_session.session_id, 'status', 'cancelled', 'cancelled', seats,
            'version', new_version, 'replayed', true);
        PERFORM clinic_private.end_once('cancel_session', cancel_session.idempotency_key, stored);
        stored := stored || '{"replayed": false}';
    END IF;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION clinic_private.cancel_session IS 'The work of clinic.cancel_session; its row.';
REVOKE ALL ON FUNCTION clinic_private.cancel_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.cancel_session TO clinic_owner;

CREATE FUNCTION clinic.cancel_session(
    session_id uuid,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (session_id uuid, status text, cancelled integer, version integer, replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.*
    FROM jsonb_to_record(clinic_private.cancel_session(cancel_session.session_id, cancel_session.reason,
        cancel_session.version, cancel_session.idempotency_key)) AS r (
        session_id uuid, status text, cancelled integer, version integer, replayed boolean)
$$;
ALTER FUNCTION clinic.cancel_session OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.cancel_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.cancel_session TO clinic_user;
COMMENT ON FUNCTION clinic.cancel_session IS
    'Cancels a session and all appointments in it that are not over or going on, with one reason, none of them late; frees its time.
cancelled: how many appointments. version: refuse when it has changed since. Needs schedules:write, and appointments:write for
the seats. Errors: no_context, forbidden, not_found, stale_version, bad_transition, idempotency_conflict.';
