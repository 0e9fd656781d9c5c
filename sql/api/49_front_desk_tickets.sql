-- The queue: tickets, who is next, and tickets that go with their visits.

CREATE FUNCTION clinic_private.ticket_object(ticket_id uuid)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'ticket_id', t.ticket_id, 'ticket', t.prefix || t.number, 'state', t.state, 'location_id', t.location_id,
        'provider_id', t.provider_id, 'room_id', t.room_id, 'appointment_id', t.appointment_id, 'patient_id', t.patient_id,
        'version', t.version, 'place', w.place, 'expected_at', w.expected_at)
    FROM clinic_data.tickets AS t
    LEFT JOIN LATERAL clinic_private.ticket_turn(t.ticket_id) AS w ON true
    WHERE t.tenant_id = clinic.current_tenant_id() AND t.ticket_id = ticket_object.ticket_id
$$;
COMMENT ON FUNCTION clinic_private.ticket_object(uuid) IS 'What the functions on tickets return, as an object.';
REVOKE ALL ON FUNCTION clinic_private.ticket_object FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.ticket_object TO clinic_owner;

CREATE FUNCTION clinic_private.issue_ticket(location_id uuid, service_id uuid, patient_id uuid, provider_id uuid, appointment_id uuid, urgency integer, expected_minutes integer, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    stored jsonb;
    a record;
    minutes integer;
    new_ticket uuid;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('location_id', issue_ticket.location_id, 'urgency', issue_ticket.urgency));
    PERFORM clinic_private.require_desk_permission('appointments:write', issue_ticket.provider_id, issue_ticket.location_id);
    PERFORM clinic_private.require_desk_permission('appointments:read', issue_ticket.provider_id, issue_ticket.location_id);
    stored := clinic_private.begin_once('issue_ticket', issue_ticket.idempotency_key, jsonb_build_object(
        'location_id', issue_ticket.location_id, 'service_id', issue_ticket.service_id, 'patient_id', issue_ticket.patient_id,
        'provider_id', issue_ticket.provider_id, 'appointment_id', issue_ticket.appointment_id, 'urgency', issue_ticket.urgency,
        'expected_minutes', issue_ticket.expected_minutes));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    IF issue_ticket.appointment_id IS NOT NULL THEN
        PERFORM clinic_private.lock_resources(tenant, ARRAY[issue_ticket.appointment_id]);
        SELECT v.status, v.location_id,
               EXISTS (SELECT FROM clinic_data.tickets AS t
                       WHERE t.tenant_id = tenant AND t.appointment_id = v.appointment_id AND t.state IN ('waiting', 'called', 'serving')) AS waits
        INTO a
        FROM clinic_data.appointments AS v
        WHERE v.tenant_id = tenant AND v.appointment_id = issue_ticket.appointment_id AND v.location_id = issue_ticket.location_id;
        IF a.status IS NULL THEN
            PERFORM clinic_private.raise_error('not_found', 'the appointment does not exist there',
                jsonb_build_object('appointment_id', issue_ticket.appointment_id, 'location_id', issue_ticket.location_id), NULL);
        ELSIF a.status <> 'arrived' THEN
            PERFORM clinic_private.raise_error('bad_transition', 'the patient of the appointment has not arrived',
                jsonb_build_object('appointment_id', issue_ticket.appointment_id, 'status', a.status),
                'clinic.check_in gives out the ticket.');
        ELSIF a.waits THEN
            PERFORM clinic_private.raise_error('duplicate', 'the appointment has a ticket already',
                jsonb_build_object('appointment_id', issue_ticket.appointment_id), NULL);
        END IF;
        new_ticket := clinic_private.check_in_ticket(issue_ticket.appointment_id, issue_ticket.urgency, false);
    ELSE
        PERFORM clinic_private.require_row('location', issue_ticket.location_id);
        IF issue_ticket.service_id IS NOT NULL THEN
            PERFORM clinic_private.require_row('service', issue_ticket.service_id);
        END IF;
        IF issue_ticket.patient_id IS NOT NULL THEN
            PERFORM clinic_private.require_row('patient', issue_ticket.patient_id);
        END IF;
        IF issue_ticket.provider_id IS NOT NULL THEN
            PERFORM clinic_private.require_row('provider', issue_ticket.provider_id);
        END IF;
        minutes := coalesce(issue_ticket.expected_minutes,
            (SELECT s.duration_minutes FROM clinic_data.services AS s WHERE s.tenant_id = tenant AND s.service_id = issue_ticket.service_id),
            10);
        IF minutes NOT BETWEEN 1 AND 10080 THEN
            PERFORM clinic_private.refuse_argument('expected_minutes', 'expected_minutes must be between 1 and 10080 (a week)');
        END IF;
        new_ticket := clinic_private.add_ticket(
            issue_ticket.location_id, issue_ticket.service_id, issue_ticket.provider_id, issue_ticket.patient_id, NULL,
            issue_ticket.urgency, true, clinic.now(), 0, minutes);
    END IF;
    stored := clinic_private.ticket_object(new_ticket);
    PERFORM clinic_private.end_once('issue_ticket', issue_ticket.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.issue_ticket(uuid, uuid, uuid, uuid, uuid, integer, integer, text) IS 'Does what clinic.issue_ticket says, and returns the row as an object.';
REVOKE ALL ON FUNCTION clinic_private.issue_ticket FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.issue_ticket TO clinic_owner;

CREATE FUNCTION clinic.issue_ticket(
    location_id uuid,
    service_id uuid DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    provider_id uuid DEFAULT NULL,
    appointment_id uuid DEFAULT NULL,
    urgency integer DEFAULT 0,
    expected_minutes integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (ticket_id uuid, ticket text, state text, place integer, expected_at timestamptz, version integer, replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.ticket_id, r.ticket, r.state, r.place, r.expected_at, r.version, r.replayed
    FROM clinic_private.issue_ticket($1, $2, $3, $4, $5, $6, $7, $8) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (ticket_id uuid, ticket text, state text, place integer, expected_at
        timestamptz, version integer, replayed boolean)
    WHERE c.result IS NOT NULL
$$;
ALTER FUNCTION clinic.issue_ticket OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.issue_ticket FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.issue_ticket TO clinic_user;
COMMENT ON FUNCTION clinic.issue_ticket IS
    'Gives out the next number of today at a location, to somebody who waits for a desk, a service or a provider without a booking, or
again to an appointment that has arrived and whose ticket has left. Needs appointments:write and appointments:read there.
service_id: its ticket_prefix stands before the number, and its duration is expected; without one 10 minutes, or expected_minutes.
patient_id, provider_id: as far as known; without a provider the ticket waits for whoever calls it. appointment_id: then service,
provider and patient are its own. urgency: 0 to 9; above 0 goes first. Numbers begin at 1 each local day, for each prefix by itself, and have no gap.
Errors: not_found, bad_transition, duplicate, forbidden, no_context, idempotency_conflict, 22004, 22023.';

CREATE FUNCTION clinic_private.call_next(location_id uuid, provider_id uuid, room_id uuid, prefix text, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    stored jsonb;
    chosen uuid;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('location_id', call_next.location_id));
    PERFORM clinic_private.require_desk_permission('appointments:write', call_next.provider_id, call_next.location_id);
    PERFORM clinic_private.require_desk_permission('appointments:read', call_next.provider_id, call_next.location_id);
    stored := clinic_private.begin_once('call_next', call_next.idempotency_key, jsonb_build_object(
        'location_id', call_next.location_id, 'provider_id', call_next.provider_id, 'room_id', call_next.room_id,
        'prefix', call_next.prefix));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    PERFORM clinic_private.require_row('location', call_next.location_id);
    IF call_next.provider_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('provider', call_next.provider_id);
    END IF;
    PERFORM clinic_private.require_room_at(call_next.room_id, call_next.location_id);
    -- Two who call at once: the second passes over the row that the first has locked.
    SELECT t.ticket_id INTO chosen
    FROM clinic_data.tickets AS t
    WHERE t.tenant_id = tenant
      AND t.location_id = call_next.location_id
      AND t.on_date = (SELECT d.on_date FROM clinic_private.queue_day(call_next.location_id) AS d)
      AND t.state = 'waiting'
      AND (t.provider_id = call_next.provider_id
           OR t.provider_id IS NULL
              AND (call_next.provider_id IS NULL OR t.service_id IS NULL
                   OR EXISTS (SELECT FROM clinic_data.service_providers AS sp
                              WHERE sp.tenant_id = tenant AND sp.service_id = t.service_id AND sp.provider_id = call_next.provider_id)))
      AND (call_next.prefix IS NULL OR t.prefix = call_next.prefix)
    ORDER BY t.urgency DESC, t.due_at, t.number, t.ticket_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF chosen IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE clinic_data.tickets AS t
    SET state = 'called',
        calls = t.calls + 1,
        called_at = clinic.now(),
        provider_id = coalesce(t.provider_id, call_next.provider_id),
        room_id = coalesce(call_next.room_id, t.room_id)
    WHERE t.tenant_id = tenant AND t.ticket_id = chosen;
    stored := clinic_private.ticket_object(chosen);
    PERFORM clinic_private.end_once('call_next', call_next.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.call_next(uuid, uuid, uuid, text, text) IS 'Does what clinic.call_next says, and returns the row as an object.';
REVOKE ALL ON FUNCTION clinic_private.call_next FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.call_next TO clinic_owner;

CREATE FUNCTION clinic.call_next(
    location_id uuid,
    provider_id uuid DEFAULT NULL,
    room_id uuid DEFAULT NULL,
    prefix text DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        ticket_id uuid,
        ticket text,
        state text,
        provider_id uuid,
        room_id uuid,
        appointment_id uuid,
        patient_id uuid,
        version integer,
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.ticket_id, r.ticket, r.state, r.provider_id, r.room_id, r.appointment_id, r.patient_id, r.version,
           r.replayed
    FROM clinic_private.call_next($1, $2, $3, $4, $5) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (ticket_id uuid, ticket text, state text, provider_id uuid, room_id
        uuid, appointment_id uuid, patient_id uuid, version integer, replayed boolean)
    WHERE c.result IS NOT NULL
$$;
ALTER FUNCTION clinic.call_next OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.call_next FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.call_next TO clinic_user;
COMMENT ON FUNCTION clinic.call_next IS
    'Calls who is next today at a location, and returns the ticket; no row when nobody waits. Needs appointments:write and appointments:read there.
provider_id: calls those who wait for this provider, and those who wait for any and want a service of this provider; without it only
those who wait for nobody in particular. room_id: the room they are called to. prefix: only tickets with these letters.
The order: urgency (higher first), then due time (the start of who came in time, the arrival of everybody else), then number. Two
desks that call at once get different tickets. idempotency_key: a repeated call gives the same ticket, and calls nobody else.
Errors: not_found, forbidden, no_context, idempotency_conflict, 22004.';

CREATE FUNCTION clinic_private.require_room_at(room_id uuid, location_id uuid)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF require_room_at.room_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM clinic_data.resources AS r
            WHERE r.tenant_id = clinic.current_tenant_id() AND r.resource_id = require_room_at.room_id AND r.kind = 'room'
              AND r.location_id = require_room_at.location_id) THEN
        PERFORM clinic_private.raise_error('not_found', 'the room does not exist there',
            jsonb_build_object('room_id', require_room_at.room_id, 'location_id', require_room_at.location_id), NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_room_at(uuid, uuid) IS 'Refuses a room that does not stand at a location; null passes. Errors: not_found.';
REVOKE ALL ON FUNCTION clinic_private.require_room_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_room_at TO clinic_owner;

CREATE FUNCTION clinic_private.change_ticket(ticket_id uuid, change text, room_id uuid, version integer, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_desk_right(patients => false);
    stored jsonb;
    t record;
    allowed text[];
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('ticket_id', change_ticket.ticket_id, 'change', change_ticket.change));
    IF change_ticket.change NOT IN ('call', 'return', 'serve', 'finish', 'leave') THEN
        PERFORM clinic_private.refuse_argument('change', 'change must be call, return, serve, finish or leave');
    END IF;
    stored := clinic_private.begin_once('change_ticket', change_ticket.idempotency_key, jsonb_build_object(
        'ticket_id', change_ticket.ticket_id, 'change', change_ticket.change, 'room_id', change_ticket.room_id,
        'version', change_ticket.version));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    -- The visit first, then its ticket: in the order in which a change of the visit takes them.
    SELECT k.appointment_id INTO t
    FROM clinic_data.tickets AS k WHERE k.tenant_id = tenant AND k.ticket_id = change_ticket.ticket_id;
    IF t.appointment_id IS NOT NULL THEN
        PERFORM clinic_private.lock_resources(tenant, ARRAY[t.appointment_id]);
    END IF;
    SELECT k.state, k.version, k.location_id, k.provider_id, k.appointment_id, v.status INTO t
    FROM clinic_data.tickets AS k
    LEFT JOIN clinic_data.appointments AS v ON v.tenant_id = k.tenant_id AND v.appointment_id = k.appointment_id
    WHERE k.tenant_id = tenant AND k.ticket_id = change_ticket.ticket_id
    FOR UPDATE OF k;
    IF t.state IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', 'the ticket does not exist',
            jsonb_build_object('ticket_id', change_ticket.ticket_id), NULL);
    END IF;
    PERFORM clinic_private.require_desk_permission('appointments:write', t.provider_id, t.location_id);
    IF t.version <> change_ticket.version THEN
        PERFORM clinic_private.raise_error('stale_version', 'the row was changed by somebody else',
            jsonb_build_object('ticket_id', change_ticket.ticket_id, 'version', t.version), NULL);
    END IF;
    allowed := CASE t.state WHEN 'waiting' THEN '{call,serve,leave}' WHEN 'called' THEN '{call,return,serve,leave}'
                            WHEN 'serving' THEN '{finish}' ELSE '{}' END;
    IF change_ticket.change <> ALL (allowed) THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the ticket cannot be changed so',
            jsonb_build_object('ticket_id', change_ticket.ticket_id, 'state', t.state, 'change', change_ticket.change, 'allowed', allowed),
            'What can be done is in the detail.');
    END IF;
    PERFORM clinic_private.require_room_at(change_ticket.room_id, t.location_id);
    UPDATE clinic_data.tickets AS k
    SET state = CASE change_ticket.change WHEN 'call' THEN 'called' WHEN 'return' THEN 'waiting' WHEN 'serve' THEN 'serving'
                                          WHEN 'finish' THEN 'done' ELSE 'left' END,
        calls = k.calls + (change_ticket.change = 'call')::integer,
        called_at = CASE WHEN change_ticket.change = 'call' THEN clinic.now() ELSE k.called_at END,
        served_at = CASE WHEN change_ticket.change = 'serve' THEN clinic.now() ELSE k.served_at END,
        ended_at = CASE WHEN change_ticket.change IN ('finish', 'leave') THEN clinic.now() END,
        room_id = coalesce(change_ticket.room_id, k.room_id)
    WHERE k.tenant_id = tenant AND k.ticket_id = change_ticket.ticket_id;
    -- The visit goes with its ticket.
    IF change_ticket.change = 'serve' AND t.status = 'arrived' THEN
        PERFORM clinic_private.change_status(t.appointment_id, 'start');
    ELSIF change_ticket.change = 'finish' AND t.status = 'in_progress' THEN
        PERFORM clinic_private.change_status(t.appointment_id, 'complete');
    END IF;
    stored := clinic_private.ticket_object(change_ticket.ticket_id);
    PERFORM clinic_private.end_once('change_ticket', change_ticket.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.change_ticket(uuid, text, uuid, integer, text) IS 'Does what clinic.change_ticket says, and returns the row as an object.';
REVOKE ALL ON FUNCTION clinic_private.change_ticket FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.change_ticket TO clinic_owner;

CREATE FUNCTION clinic.change_ticket(
    ticket_id uuid,
    change text,
    room_id uuid DEFAULT NULL,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        ticket_id uuid,
        ticket text,
        state text,
        provider_id uuid,
        room_id uuid,
        appointment_id uuid,
        patient_id uuid,
        version integer,
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.ticket_id, r.ticket, r.state, r.provider_id, r.room_id, r.appointment_id, r.patient_id, r.version,
           r.replayed
    FROM clinic_private.change_ticket($1, $2, $3, $4, $5) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (ticket_id uuid, ticket text, state text, provider_id uuid, room_id
        uuid, appointment_id uuid, patient_id uuid, version integer, replayed boolean)
    WHERE c.result IS NOT NULL
$$;
ALTER FUNCTION clinic.change_ticket OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.change_ticket FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.change_ticket TO clinic_user;
COMMENT ON FUNCTION clinic.change_ticket IS
    'Changes the state of a queue ticket. Needs appointments:write there.
change: call (again, or out of order), return (the patient did not answer: back to waiting, in the old place), serve (the visit begins),
finish (it is over), leave (gone without having been served; a visit stays arrived until it is undone or cancelled). serve and finish
start and complete the visit of the ticket; starting, completing, cancelling a visit or undoing its check-in changes its ticket.
room_id: where it is called to. version: refuse when the ticket has changed since.
Errors: not_found, bad_transition (with what is allowed), stale_version, forbidden, no_context, idempotency_conflict, 22004, 22023.';

-- Trigger: a ticket goes with its visit, by whichever way the visit is changed.
CREATE FUNCTION clinic_private.follow_visit()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE clinic_data.tickets AS t
       SET state = CASE NEW.status WHEN 'in_progress' THEN 'serving' WHEN 'completed' THEN 'done' ELSE 'left' END,
           served_at = CASE WHEN NEW.status IN ('in_progress', 'completed') THEN coalesce(t.served_at, clinic.now()) ELSE t.served_at END,
           ended_at = CASE WHEN NEW.status <> 'in_progress' THEN clinic.now() END
     WHERE t.tenant_id = NEW.tenant_id AND t.appointment_id = NEW.appointment_id
       AND (t.state IN ('waiting', 'called') OR t.state = 'serving' AND NEW.status <> 'in_progress');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.follow_visit() IS
    'Trigger: the ticket of a visit that leaves arrived or in_progress is served, done, or has left the queue.';
REVOKE ALL ON FUNCTION clinic_private.follow_visit() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.follow_visit() TO clinic_owner;
