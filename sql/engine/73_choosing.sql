-- Visits of several services, and choosing among providers: what the core computes, for the functions of sql/api/47_*.

CREATE FUNCTION clinic_private.scored_slots(
    service_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_ids uuid[],
    location_id uuid,
    patient_id uuid,
    duration interval,
    max_rows integer
)
    RETURNS TABLE (
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_date date,
        local_time time,
        utc_offset text,
        time_zone text,
        remaining integer,
        score integer,
        unusable_minutes integer,
        missing_participants text[]
    )
    LANGUAGE C STABLE PARALLEL RESTRICTED
    COST 10000 ROWS 200
    AS 'MODULE_PATHNAME', 'clinic_scored_slots';
REVOKE ALL ON FUNCTION clinic_private.scored_slots(uuid, timestamptz, timestamptz, uuid[], uuid, uuid, interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.scored_slots(uuid, timestamptz, timestamptz, uuid[], uuid, uuid, interval, integer) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.scored_slots(uuid, timestamptz, timestamptz, uuid[], uuid, uuid, interval, integer) IS
    'The slots behind clinic.search_slots, of these providers (null: of all), with their scores; keeps plans, so it is only for functions of clinic_owner.';

CREATE FUNCTION clinic_private.first_slots(
    service_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_ids uuid[],
    location_id uuid,
    patient_id uuid,
    duration interval,
    latest boolean,
    of_each boolean
)
    RETURNS TABLE (
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        bookings bigint,
        bookings_that_day integer,
        score integer
    )
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000 ROWS 10
    AS 'MODULE_PATHNAME', 'clinic_first_slots';
REVOKE ALL ON FUNCTION clinic_private.first_slots(uuid, timestamptz, timestamptz, uuid[], uuid, uuid, interval, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.first_slots(uuid, timestamptz, timestamptz, uuid[], uuid, uuid, interval, boolean, boolean)
    TO clinic_owner;
COMMENT ON FUNCTION clinic_private.first_slots(uuid, timestamptz, timestamptz, uuid[], uuid, uuid, interval, boolean, boolean) IS
    'The first slot of each provider in the range; without of_each only of those who are free in the part of it that has the earliest.
latest: as the diary is committed now, whatever the transaction''s snapshot says.';

CREATE FUNCTION clinic_private.seen_providers(patient_id uuid)
    RETURNS TABLE (provider_id uuid, visits bigint, last_starts_at timestamptz)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 1000 ROWS 5
    AS 'MODULE_PATHNAME', 'clinic_seen_providers';
REVOKE ALL ON FUNCTION clinic_private.seen_providers(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.seen_providers(uuid) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.seen_providers(uuid) IS
    'Whom a patient has seen or is going to see, as far as the caller may know: no holds, no cancelled and no missed visits.';

CREATE FUNCTION clinic_private.itineraries(
    service_ids uuid[],
    provider_ids uuid[],
    location_ids uuid[],
    durations integer[],
    least_gaps integer[],
    most_gaps integer[],
    range_start timestamptz,
    range_end timestamptz,
    patient_id uuid,
    providers text,
    one_location boolean,
    max_rows integer
)
    RETURNS TABLE (
        itinerary integer,
        step integer,
        service_id uuid,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        missing_participants text[]
    )
    LANGUAGE C STABLE PARALLEL RESTRICTED
    COST 100000 ROWS 30
    AS 'MODULE_PATHNAME', 'clinic_itineraries';
REVOKE ALL ON FUNCTION clinic_private.itineraries(uuid[], uuid[], uuid[], integer[], integer[], integer[], timestamptz, timestamptz, uuid, text, boolean, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.itineraries(uuid[], uuid[], uuid[], integer[], integer[], integer[], timestamptz, timestamptz, uuid, text, boolean, integer)
    TO clinic_owner;
COMMENT ON FUNCTION clinic_private.itineraries(uuid[], uuid[], uuid[], integer[], integer[], integer[], timestamptz, timestamptz, uuid, text, boolean, integer) IS
    'The itineraries behind clinic.find_itineraries, a row for each stop. The arrays have an element for each step: the nil id for any provider or location, 0 for the usual duration, -1 for a gap without an upper bound; minutes.';

CREATE FUNCTION clinic_private.evaluate_expression(expression text, candidates jsonb)
    RETURNS SETOF double precision
    LANGUAGE C STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'clinic_evaluate_expression';
REVOKE ALL ON FUNCTION clinic_private.evaluate_expression(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.evaluate_expression(text, jsonb) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.evaluate_expression(text, jsonb) IS
    'The value of an SQL expression for each candidate, in their order. It runs as clinic_user, reads what any caller reads, calls no volatile function and writes nothing.
candidates: an array of objects with the columns that clinic.set_assignment_expression describes, and place.
Errors: 22023 for what is not one expression with one value, those of the expression.';

CREATE FUNCTION clinic_private.require_booking_right()
    RETURNS void
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'clinic_require_booking_right';
REVOKE ALL ON FUNCTION clinic_private.require_booking_right() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_booking_right() TO clinic_owner;
COMMENT ON FUNCTION clinic_private.require_booking_right() IS
    'Refuses who may book nothing at all: staff need appointments:write and appointments:read, in whatever scope. Errors: no_context, forbidden.';

CREATE FUNCTION clinic_private.move_appointments(appointment_ids uuid[], starts timestamptz[], provider_ids uuid[], location_ids uuid[])
    RETURNS TABLE (
        appointment_id uuid,
        confirmation_code text,
        status text,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_starts_at timestamp,
        time_zone text,
        resource_ids uuid[],
        warnings text[],
        replayed boolean
    )
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000 ROWS 3
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_move_appointments';
REVOKE ALL ON FUNCTION clinic_private.move_appointments(uuid[], timestamptz[], uuid[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.move_appointments(uuid[], timestamptz[], uuid[], uuid[]) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.move_appointments(uuid[], timestamptz[], uuid[], uuid[]) IS
    'Moves several appointments, in order, so that none of their old times stands in the way of a new one; all or none. The nil id keeps provider or location.
Errors: as clinic.reschedule_appointment.';
