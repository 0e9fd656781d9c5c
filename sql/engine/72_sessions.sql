-- Planned sessions: seats are booked, and sessions claimed, by the engine.

CREATE FUNCTION clinic.book_seat(
    session_id uuid,
    patient_id uuid,
    seats integer DEFAULT 1,
    override boolean DEFAULT false,
    reason text DEFAULT NULL,
    idempotency_key text DEFAULT NULL
)
    RETURNS TABLE (
        appointment_id uuid,
        confirmation_code text,
        status text,
        session_id uuid,
        seat_numbers integer[],
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_starts_at timestamp,
        time_zone text,
        warnings text[],
        replayed boolean
    )
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_book_seat';
ALTER FUNCTION clinic.book_seat(uuid, uuid, integer, boolean, text, text) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.book_seat(uuid, uuid, integer, boolean, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.book_seat(uuid, uuid, integer, boolean, text, text) TO clinic_user;
COMMENT ON FUNCTION clinic.book_seat(uuid, uuid, integer, boolean, text, text) IS
    'Books seats of a planned session for a patient: all of them or none.
One appointment with so many seats; one for each patient and session unless the tenant allows more. The patient''s own time is claimed and judged as by clinic.book_appointment; lead time and horizon are those of the service, hours and rooms the session''s. override (permission appointments:override): lead time, horizon and the past give way, with a reason, which is stored. seat_numbers: the lowest that were free. Cancelling the appointment frees its seats; moving it alone is refused. Where it is full, clinic.join_waitlist waits for seats of it. Needs appointments:write and appointments:read, or the patient.
Errors: not_found, inactive, in_past, lead_time, horizon, full with how many remain, duplicate, patient_conflict, forbidden, idempotency_conflict, no_context, 22023.';

CREATE FUNCTION clinic_private.place_seat(
    session_id uuid,
    patient_id uuid,
    seats integer DEFAULT 1,
    held_until timestamptz DEFAULT NULL,
    slot_id uuid DEFAULT NULL,
    override boolean DEFAULT false,
    reason text DEFAULT NULL
)
    RETURNS TABLE (
        appointment_id uuid,
        confirmation_code text,
        status text,
        session_id uuid,
        seat_numbers integer[],
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_starts_at timestamp,
        time_zone text,
        warnings text[],
        replayed boolean
    )
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_place_seat';
REVOKE ALL ON FUNCTION clinic_private.place_seat(uuid, uuid, integer, timestamptz, uuid, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.place_seat(uuid, uuid, integer, timestamptz, uuid, boolean, text) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.place_seat(uuid, uuid, integer, timestamptz, uuid, boolean, text) IS
    'Books seats for a module: as clinic.book_seat, without keys.
held_until: keep them only until then, as a hold. slot_id: those that a waitlist offers by this slot, whatever the capacity is by now. override,
reason: as in clinic.book_seat, without a permission. Errors: those of clinic.book_seat.';

CREATE FUNCTION clinic_private.offer_seats(
    slot_id uuid,
    session_id uuid,
    patient_id uuid,
    seats integer,
    expires_at timestamptz,
    ignored uuid[]
)
    RETURNS integer[]
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_offer_seats';
REVOKE ALL ON FUNCTION clinic_private.offer_seats(uuid, uuid, uuid, integer, timestamptz, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.offer_seats(uuid, uuid, uuid, integer, timestamptz, uuid[]) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.offer_seats(uuid, uuid, uuid, integer, timestamptz, uuid[]) IS
    'Keeps seats of a session for a slot of the waitlist until a deadline, judged for a patient as clinic.book_seat would; returns their numbers.
ignored: appointments that would be given up. Errors: those of clinic.book_seat.';

CREATE FUNCTION clinic_private.claim_session(
    session_id uuid,
    service_id uuid,
    provider_id uuid,
    location_id uuid,
    starts_at timestamptz,
    duration interval,
    resource_ids uuid[],
    buffer_before_minutes integer,
    buffer_after_minutes integer,
    override boolean
)
    RETURNS TABLE (location_id uuid, ends_at timestamptz, local_starts_at timestamp, time_zone text, resource_ids uuid[], overridden text[])
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_claim_session';
REVOKE ALL ON FUNCTION clinic_private.claim_session(uuid, uuid, uuid, uuid, timestamptz, interval, uuid[], integer, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.claim_session(uuid, uuid, uuid, uuid, timestamptz, interval, uuid[], integer, integer, boolean) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.claim_session(uuid, uuid, uuid, uuid, timestamptz, interval, uuid[], integer, integer, boolean) IS
    'Claims provider and rooms for a session, alone, instead of what it claimed before.
Lead time, horizon, grid and limits do not bind who plans; hours and the past do, unless override says so. Errors: the first reason, as clinic.book_appointment.';

CREATE FUNCTION clinic_private.cancel_seats(session_id uuid, reason text)
    RETURNS integer
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_cancel_seats';
REVOKE ALL ON FUNCTION clinic_private.cancel_seats(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.cancel_seats(uuid, text) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.cancel_seats(uuid, text) IS
    'Cancels the appointments of a session that are not over, none of them late; returns how many. Errors: forbidden, no_context.';

CREATE FUNCTION clinic_private.move_seats(session_id uuid, override boolean)
    RETURNS integer
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_move_seats';
REVOKE ALL ON FUNCTION clinic_private.move_seats(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.move_seats(uuid, boolean) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.move_seats(uuid, boolean) IS
    'Moves the appointments of a session to where it is now; returns how many. override: also those whose patient has another visit then, with a warning.
Errors: patient_conflict with the first such appointment, forbidden, no_context.';

CREATE FUNCTION clinic_private.session_seats_guard()
    RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_session_seats_guard';
REVOKE ALL ON FUNCTION clinic_private.session_seats_guard() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.session_seats_guard() TO clinic_owner;
COMMENT ON FUNCTION clinic_private.session_seats_guard() IS
    'BEFORE ROW trigger of clinic_data.session_seats, for whoever writes: takes the session''s lock, then refuses a seat beyond its capacity. Errors: full, busy.';

CREATE FUNCTION clinic_private.follow_seat()
    RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_follow_seat';
REVOKE ALL ON FUNCTION clinic_private.follow_seat() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.follow_seat() TO clinic_owner;
COMMENT ON FUNCTION clinic_private.follow_seat() IS
    'AFTER ROW trigger of clinic_data.appointments: the seats of one that is cancelled or a no-show are free again, offered to those who wait for them, and the deadline of others is the appointment''s.';
