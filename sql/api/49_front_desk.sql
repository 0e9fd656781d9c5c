-- The front desk: rights at the desk, and checking in, which gives a ticket.

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
