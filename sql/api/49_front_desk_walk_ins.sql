-- Walk-ins: patients who are booked as they stand at the desk.

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
