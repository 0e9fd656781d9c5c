-- The front desk: checking in, queue tickets, who is next, walk-ins.

CREATE FUNCTION clinic_private.queue_day(location_id uuid)
    RETURNS TABLE (on_date date, day_starts_at timestamptz, day_ends_at timestamptz, time_zone text)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.on_date, d.on_date::timestamp AT TIME ZONE d.time_zone, (d.on_date + 1)::timestamp AT TIME ZONE d.time_zone, d.time_zone
    FROM (
        SELECT (clinic.now() AT TIME ZONE l.time_zone::text)::date AS on_date, l.time_zone::text AS time_zone
        FROM clinic_data.locations AS l
        WHERE l.tenant_id = clinic.current_tenant_id() AND l.location_id = queue_day.location_id
    ) AS d
$$;
COMMENT ON FUNCTION clinic_private.queue_day(uuid) IS 'Today at a location of the tenant: the local date, and when it begins and ends. No row for a location that does not exist.';
REVOKE ALL ON FUNCTION clinic_private.queue_day FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.queue_day TO clinic_owner;

CREATE FUNCTION clinic_private.require_desk_permission(permission text, provider_id uuid, location_id uuid)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF clinic_private.may_at(require_desk_permission.permission, require_desk_permission.provider_id,
                             require_desk_permission.location_id) IS NOT TRUE THEN
        RETURN clinic_private.refuse_permission(require_desk_permission.permission);
    END IF;
    RETURN clinic_private.require_tenant();
END
$$;
COMMENT ON FUNCTION clinic_private.require_desk_permission(text, uuid, uuid) IS
    'Returns the tenant of the context when the permission holds at a location, for a provider. Patients have none. Errors: no_context, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_desk_permission FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_desk_permission TO clinic_owner;

CREATE FUNCTION clinic_private.require_desk_right(patients boolean)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    needed text;
BEGIN
    IF clinic.current_patient_id() IS NOT NULL THEN
        RETURN CASE WHEN require_desk_right.patients THEN tenant ELSE clinic_private.refuse_permission('appointments:write') END;
    END IF;
    FOREACH needed IN ARRAY '{appointments:write,appointments:read}'::text[] LOOP
        IF NOT clinic.has_permission(needed || ':own') AND NOT clinic.has_permission(needed || ':branch') THEN
            PERFORM clinic_private.require_permission(needed);
        END IF;
    END LOOP;
    RETURN tenant;
END
$$;
COMMENT ON FUNCTION clinic_private.require_desk_right(boolean) IS
    'Returns the tenant of the context when it may change appointments at all, of whatever scope; where is seen when the row is known.
patients: whether patients may, for themselves. Errors: no_context, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_desk_right FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_desk_right TO clinic_owner;

CREATE FUNCTION clinic_private.add_ticket(
    location_id uuid,
    service_id uuid,
    provider_id uuid,
    patient_id uuid,
    appointment_id uuid,
    urgency integer,
    walk_in boolean,
    due_at timestamptz,
    late_minutes integer,
    expected_minutes integer)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    new_id uuid := clinic.new_id();
    today date;
    letters text;
    new_number integer;
BEGIN
    IF add_ticket.urgency IS NULL OR add_ticket.urgency NOT BETWEEN 0 AND 9 THEN
        PERFORM clinic_private.refuse_argument('urgency', 'urgency must be between 0 and 9');
    END IF;
    SELECT d.on_date INTO today FROM clinic_private.queue_day(add_ticket.location_id) AS d;
    letters := coalesce((SELECT s.ticket_prefix FROM clinic_data.services AS s
                         WHERE s.tenant_id = tenant AND s.service_id = add_ticket.service_id), '');
    -- The row of the counter stays locked to the end of the transaction: numbers are given in the order of commits, without gaps.
    INSERT INTO clinic_data.ticket_counters AS c (tenant_id, location_id, on_date, prefix, last_number)
    VALUES (tenant, add_ticket.location_id, today, letters, 1)
    ON CONFLICT ON CONSTRAINT ticket_counters_pkey DO UPDATE SET last_number = c.last_number + 1
    RETURNING c.last_number INTO new_number;
    INSERT INTO clinic_data.tickets (tenant_id, ticket_id, location_id, on_date, prefix, number, appointment_id, patient_id, service_id,
                                     provider_id, urgency, walk_in, due_at, late_minutes, expected_minutes, issued_at)
    VALUES (tenant, new_id, add_ticket.location_id, today, letters, new_number, add_ticket.appointment_id, add_ticket.patient_id,
            add_ticket.service_id, add_ticket.provider_id, add_ticket.urgency, add_ticket.walk_in, add_ticket.due_at,
            add_ticket.late_minutes, add_ticket.expected_minutes, clinic.now());
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION clinic_private.add_ticket(uuid, uuid, uuid, uuid, uuid, integer, boolean, timestamptz, integer, integer) IS
    'Gives out the next number of today at a location, for the prefix of the service. The caller has checked rights and ids.
Errors: no_context, 22023.';
REVOKE ALL ON FUNCTION clinic_private.add_ticket FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.add_ticket TO clinic_owner;

CREATE FUNCTION clinic_private.ticket_turn(ticket_id uuid)
    RETURNS TABLE (place integer, expected_at timestamptz)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT w.place, w.expected_at
    FROM clinic_data.tickets AS t
    JOIN clinic_data.tenants AS n ON n.tenant_id = t.tenant_id
    CROSS JOIN LATERAL clinic_private.queue_day(t.location_id) AS d
    CROSS JOIN LATERAL clinic_private.waiting_line(t.provider_id, t.location_id, t.prefix, t.on_date, d.day_starts_at, d.day_ends_at,
                                                   n.late_keeps_place_minutes) AS w
    WHERE t.tenant_id = clinic.current_tenant_id() AND t.ticket_id = ticket_turn.ticket_id AND t.on_date = d.on_date
      AND w.ticket_id = t.ticket_id
$$;
COMMENT ON FUNCTION clinic_private.ticket_turn(uuid) IS 'Which place a ticket has in its line, and when its turn is expected; no row for one that is not of today, done or left.';
REVOKE ALL ON FUNCTION clinic_private.ticket_turn FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.ticket_turn TO clinic_owner;

CREATE FUNCTION clinic_private.check_in_ticket(appointment_id uuid, urgency integer, walk_in boolean)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a record;
    late interval;
BEGIN
    SELECT v.location_id, v.service_id, v.provider_id, v.patient_id, v.starts_at, v.ends_at, n.late_keeps_place_minutes INTO a
    FROM clinic_data.appointments AS v
    JOIN clinic_data.tenants AS n ON n.tenant_id = v.tenant_id
    WHERE v.tenant_id = clinic.current_tenant_id() AND v.appointment_id = check_in_ticket.appointment_id;
    late := clinic.now() - a.starts_at;
    RETURN clinic_private.add_ticket(
        a.location_id, a.service_id, a.provider_id, a.patient_id, check_in_ticket.appointment_id, check_in_ticket.urgency,
        check_in_ticket.walk_in,
        CASE WHEN late <= make_interval(mins => a.late_keeps_place_minutes) THEN a.starts_at ELSE clinic.now() END,
        greatest(0, floor(extract(epoch FROM late) / 60)::integer),
        greatest(1, ceil(extract(epoch FROM a.ends_at - a.starts_at) / 60)::integer));
END
$$;
COMMENT ON FUNCTION clinic_private.check_in_ticket(uuid, integer, boolean) IS
    'Gives out the ticket of an appointment that has just arrived: due at its start, or from now on when it came too late to keep its place.';
REVOKE ALL ON FUNCTION clinic_private.check_in_ticket FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_in_ticket TO clinic_owner;

CREATE FUNCTION clinic_private.checked_in(appointment_id uuid, ticket_id uuid)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'appointment_id', a.appointment_id, 'status', a.status, 'version', a.version, 'arrived_at', a.arrived_at,
        'ticket_id', t.ticket_id, 'ticket', t.prefix || t.number, 'late_minutes', t.late_minutes,
        'keeps_place', t.due_at = a.starts_at, 'place', w.place, 'expected_at', w.expected_at,
        'confirmation_code', a.confirmation_code, 'provider_id', a.provider_id, 'location_id', a.location_id,
        'starts_at', a.starts_at, 'ends_at', a.ends_at)
    FROM clinic_data.appointments AS a
    JOIN clinic_data.tickets AS t ON t.tenant_id = a.tenant_id AND t.ticket_id = checked_in.ticket_id
    LEFT JOIN LATERAL clinic_private.ticket_turn(t.ticket_id) AS w ON true
    WHERE a.tenant_id = clinic.current_tenant_id() AND a.appointment_id = checked_in.appointment_id
$$;
COMMENT ON FUNCTION clinic_private.checked_in(uuid, uuid) IS 'What the functions that check in return, as an object.';
REVOKE ALL ON FUNCTION clinic_private.checked_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.checked_in TO clinic_owner;

CREATE FUNCTION clinic_private.check_in(appointment_id uuid, version integer, urgency integer, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_desk_right(patients => true);
    stored jsonb;
    a record;
    opens_at timestamptz;
    new_ticket uuid;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('appointment_id', check_in.appointment_id, 'urgency', check_in.urgency));
    stored := clinic_private.begin_once('check_in', check_in.idempotency_key, jsonb_build_object(
        'appointment_id', check_in.appointment_id, 'version', check_in.version, 'urgency', check_in.urgency));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    PERFORM clinic_private.lock_resources(tenant, ARRAY[check_in.appointment_id]);
    SELECT v.status, v.starts_at, v.provider_id, v.location_id,
           (v.starts_at AT TIME ZONE l.time_zone::text)::date::timestamp AT TIME ZONE l.time_zone::text AS day_starts_at
    INTO a
    FROM clinic_data.appointments AS v
    JOIN clinic_data.locations AS l ON l.tenant_id = v.tenant_id AND l.location_id = v.location_id
    WHERE v.tenant_id = tenant AND v.appointment_id = check_in.appointment_id;
    opens_at := least(a.day_starts_at, a.starts_at - interval '2 hours');
    IF a.status IN ('booked', 'confirmed') AND clinic.now() < opens_at THEN
        PERFORM clinic_private.raise_error('too_early', 'the visit is not today',
            jsonb_build_object('appointment_id', check_in.appointment_id, 'opens_at', opens_at),
            'Check in on the day of the visit, or two hours before it.');
    END IF;
    IF check_in.urgency > 0 AND a.status IS NOT NULL THEN
        PERFORM clinic_private.require_desk_permission('appointments:write', a.provider_id, a.location_id);
    END IF;
    PERFORM clinic_private.change_status(check_in.appointment_id, 'check_in', NULL, check_in.version);
    new_ticket := clinic_private.check_in_ticket(check_in.appointment_id, check_in.urgency, false);
    stored := clinic_private.checked_in(check_in.appointment_id, new_ticket);
    PERFORM clinic_private.end_once('check_in', check_in.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.check_in(uuid, integer, integer, text) IS 'Does what clinic.check_in says, and returns the row as an object.';
REVOKE ALL ON FUNCTION clinic_private.check_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_in TO clinic_owner;

CREATE FUNCTION clinic.check_in(
    appointment_id uuid,
    version integer DEFAULT NULL,
    urgency integer DEFAULT 0,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        appointment_id uuid,
        status text,
        version integer,
        arrived_at timestamptz,
        late_minutes integer,
        keeps_place boolean,
        ticket_id uuid,
        ticket text,
        place integer,
        expected_at timestamptz,
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.appointment_id, r.status, r.version, r.arrived_at, r.late_minutes, r.keeps_place, r.ticket_id, r.ticket,
           r.place, r.expected_at, r.replayed
    FROM clinic_private.check_in($1, $2, $3, $4) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (appointment_id uuid, status text, version integer, arrived_at
        timestamptz, late_minutes integer, keeps_place boolean, ticket_id uuid, ticket text, place integer, expected_at
        timestamptz, replayed boolean)
    WHERE c.result IS NOT NULL
$$;
ALTER FUNCTION clinic.check_in OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.check_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.check_in TO clinic_user;
COMMENT ON FUNCTION clinic.check_in IS
    'Checks a patient in, and gives out the queue ticket. Needs appointments:write, or the patient.
From the beginning of the local day of the visit, or two hours before it. late_minutes: how long after the start the patient came;
keeps_place: whether the ticket is due at the start, or only from now on because it is later than the tenant''s
late_keeps_place_minutes. urgency: 0 to 9, for staff; above 0 goes first. place, expected_at: as in clinic.queue.
version: refuse when the appointment has changed since. idempotency_key: the same call again gives the same ticket.
Errors: not_found, bad_transition, stale_version, too_early (with opens_at), forbidden, no_context, idempotency_conflict, 22004, 22023.';

CREATE FUNCTION clinic_private.undo_check_in(appointment_id uuid, version integer, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    stored jsonb;
BEGIN
    PERFORM clinic_private.require_desk_right(patients => false);
    PERFORM clinic_private.require_arguments(jsonb_build_object('appointment_id', undo_check_in.appointment_id));
    stored := clinic_private.begin_once('undo_check_in', undo_check_in.idempotency_key, jsonb_build_object(
        'appointment_id', undo_check_in.appointment_id, 'version', undo_check_in.version));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    SELECT to_jsonb(c) INTO stored
    FROM clinic_private.change_status(undo_check_in.appointment_id, 'undo_check_in', NULL, undo_check_in.version) AS c;
    PERFORM clinic_private.end_once('undo_check_in', undo_check_in.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.undo_check_in(uuid, integer, text) IS 'Does what clinic.undo_check_in says, and returns the row as an object.';
REVOKE ALL ON FUNCTION clinic_private.undo_check_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.undo_check_in TO clinic_owner;

CREATE FUNCTION clinic.undo_check_in(
    appointment_id uuid,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (appointment_id uuid, status text, version integer, replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.appointment_id, r.status, r.version, r.replayed
    FROM clinic_private.undo_check_in($1, $2, $3) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (appointment_id uuid, status text, version integer, replayed boolean)
    WHERE c.result IS NOT NULL
$$;
ALTER FUNCTION clinic.undo_check_in OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.undo_check_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.undo_check_in TO clinic_user;
COMMENT ON FUNCTION clinic.undo_check_in IS
    'Takes a check-in back: the appointment is what it was before, and its ticket has left the queue. Needs appointments:write.
Errors: not_found, bad_transition, stale_version, forbidden, no_context, idempotency_conflict, 22004.';

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
provider and patient are its own. urgency: 0 to 9; above 0 goes first. Numbers begin at 1 each local day and have no gap.
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

CREATE FUNCTION clinic_private.free_now(service_id uuid, location_id uuid)
    RETURNS uuid
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.provider_id
    FROM clinic_data.service_providers AS p
    JOIN clinic_data.resources AS r ON r.tenant_id = p.tenant_id AND r.resource_id = p.provider_id AND r.status = 'active'
    JOIN clinic_data.tenants AS n ON n.tenant_id = p.tenant_id
    CROSS JOIN LATERAL clinic_private.queue_day(free_now.location_id) AS d
    WHERE p.tenant_id = clinic.current_tenant_id() AND p.service_id = free_now.service_id
      AND EXISTS (SELECT FROM clinic_private.hours_windows(ARRAY[p.provider_id], clinic.now(), clinic.now() + interval '1 microsecond',
                                                           free_now.location_id, free_now.service_id))
    ORDER BY coalesce((SELECT max(w.expected_until)
                       FROM clinic_private.waiting_line(p.provider_id, free_now.location_id, '', d.on_date, d.day_starts_at, d.day_ends_at,
                                                        n.late_keeps_place_minutes) AS w
                       WHERE w.ticket_id IS NOT NULL OR w.expected_at <= clinic.now()), clinic.now()),
             p.provider_id
    LIMIT 1
$$;
COMMENT ON FUNCTION clinic_private.free_now(uuid, uuid) IS
    'Who offers a service and has hours at a location at this moment: the one whose waiting patients are expected to be served first, then the lowest id.';
REVOKE ALL ON FUNCTION clinic_private.free_now FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.free_now TO clinic_owner;

CREATE FUNCTION clinic_private.book_walk_in(service_id uuid, patient_id uuid, location_id uuid, provider_id uuid, squeeze boolean, reason text, urgency integer, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    stored jsonb;
    slot record;
    today record;
    placed uuid;
    new_ticket uuid;
    chosen uuid := book_walk_in.provider_id;
    from_at timestamptz := clinic.now();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('service_id', book_walk_in.service_id,
        'patient_id', book_walk_in.patient_id, 'location_id', book_walk_in.location_id, 'squeeze', book_walk_in.squeeze,
        'urgency', book_walk_in.urgency));
    PERFORM clinic_private.require_desk_permission('appointments:write', book_walk_in.provider_id, book_walk_in.location_id);
    stored := clinic_private.begin_once('book_walk_in', book_walk_in.idempotency_key, jsonb_build_object(
        'service_id', book_walk_in.service_id, 'patient_id', book_walk_in.patient_id, 'location_id', book_walk_in.location_id,
        'provider_id', book_walk_in.provider_id, 'squeeze', book_walk_in.squeeze, 'reason', book_walk_in.reason,
        'urgency', book_walk_in.urgency));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    PERFORM clinic_private.require_row('location', book_walk_in.location_id);
    SELECT d.* INTO today FROM clinic_private.queue_day(book_walk_in.location_id) AS d;
    IF book_walk_in.squeeze THEN
        IF chosen IS NULL THEN
            chosen := clinic_private.free_now(book_walk_in.service_id, book_walk_in.location_id);
            IF chosen IS NULL THEN
                PERFORM clinic_private.raise_error('outside_hours', 'nobody who offers the service has hours there now',
                    jsonb_build_object('service_id', book_walk_in.service_id, 'location_id', book_walk_in.location_id),
                    'Name the provider who will see the patient.');
            END IF;
        END IF;
        -- On the whole minute that comes: an instant that is past in a microsecond would be overridden as past.
        SELECT b.appointment_id INTO placed
        FROM clinic_private.place_appointment(
            book_walk_in.service_id, book_walk_in.patient_id,
            date_trunc('minute', clinic.now() + interval '59.999999 seconds'), chosen, book_walk_in.location_id,
            override => true, overbook => true, reason => book_walk_in.reason) AS b;
    ELSE
        -- Somebody else may take the start that was found: then the next one.
        FOR attempt IN 1..5 LOOP
            SELECT f.* INTO slot
            FROM clinic.first_available(book_walk_in.service_id, from_at, greatest(from_at, today.day_ends_at),
                                        book_walk_in.provider_id, book_walk_in.location_id, book_walk_in.patient_id) AS f;
            IF slot.starts_at IS NULL THEN
                PERFORM clinic_private.raise_error('full', 'no start is left today',
                    jsonb_build_object('service_id', book_walk_in.service_id, 'location_id', book_walk_in.location_id),
                    'Pass squeeze => true with a reason, or book another day.');
            END IF;
            BEGIN
                SELECT b.appointment_id INTO placed
                FROM clinic_private.place_appointment(book_walk_in.service_id, book_walk_in.patient_id, slot.starts_at,
                                                      slot.provider_id, book_walk_in.location_id) AS b;
                EXIT;
            EXCEPTION WHEN SQLSTATE 'CL003' OR SQLSTATE 'CL012' OR SQLSTATE 'CL013' OR SQLSTATE 'CL014' OR SQLSTATE 'CL015'
                OR SQLSTATE 'CL018' THEN
                IF attempt = 5 THEN
                    RAISE;
                END IF;
            END;
        END LOOP;
    END IF;
    PERFORM clinic_private.change_status(placed, 'check_in');
    new_ticket := clinic_private.check_in_ticket(placed, book_walk_in.urgency, true);
    stored := clinic_private.checked_in(placed, new_ticket);
    PERFORM clinic_private.end_once('book_walk_in', book_walk_in.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.book_walk_in(uuid, uuid, uuid, uuid, boolean, text, integer, text) IS 'Does what clinic.book_walk_in says, and returns the row as an object.';
REVOKE ALL ON FUNCTION clinic_private.book_walk_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.book_walk_in TO clinic_owner;

CREATE FUNCTION clinic.book_walk_in(
    service_id uuid,
    patient_id uuid,
    location_id uuid,
    provider_id uuid DEFAULT NULL,
    squeeze boolean DEFAULT false,
    reason text DEFAULT NULL,
    urgency integer DEFAULT 0,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        appointment_id uuid,
        confirmation_code text,
        status text,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        ticket_id uuid,
        ticket text,
        place integer,
        expected_at timestamptz,
        version integer,
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.appointment_id, r.confirmation_code, r.status, r.provider_id, r.location_id, r.starts_at, r.ends_at,
           r.ticket_id, r.ticket, r.place, r.expected_at, r.version, r.replayed
    FROM clinic_private.book_walk_in($1, $2, $3, $4, $5, $6, $7, $8) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (appointment_id uuid, confirmation_code text, status text, provider_id
        uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, ticket_id uuid, ticket text, place integer,
        expected_at timestamptz, version integer, replayed boolean)
    WHERE c.result IS NOT NULL
$$;
ALTER FUNCTION clinic.book_walk_in OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.book_walk_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.book_walk_in TO clinic_user;
COMMENT ON FUNCTION clinic.book_walk_in IS
    'Books a patient who is here without a booking, checks them in and gives out the ticket. For staff, with appointments:write and appointments:read there.
Takes the first free start of the rest of the local day, as clinic.first_available finds it (lead time, hours, limits and rooms count), of
provider_id or of any. squeeze: instead begins at the next whole minute, over other bookings and rules; needs appointments:override,
appointments:overbook and a reason, which is stored; without a provider the one with hours there now whose waiting patients will be
served first. urgency: 0 to 9; above 0 goes first.
Errors: full (no start is left today), the reasons of clinic.book_appointment, not_found, forbidden, no_context, idempotency_conflict, 22004, 22023.';
