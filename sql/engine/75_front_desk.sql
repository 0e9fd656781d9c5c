-- The front desk: what is counted and foreseen past row security. Ids and times only leave.

CREATE FUNCTION clinic_private.count_no_shows(tenant_id uuid, patient_id uuid, months integer)
    RETURNS integer
    LANGUAGE C STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'clinic_count_no_shows';
REVOKE ALL ON FUNCTION clinic_private.count_no_shows(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.count_no_shows(uuid, uuid, integer) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.count_no_shows(uuid, uuid, integer) IS
    'How many no-shows a patient has had in the last so many months, at whatever branch: visits that began less than so long ago. Looks past row security; the caller answers for the tenant.';

CREATE FUNCTION clinic_private.charge_new_booking()
    RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_charge_new_booking';
REVOKE ALL ON FUNCTION clinic_private.charge_new_booking() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.charge_new_booking() TO clinic_owner;
COMMENT ON FUNCTION clinic_private.charge_new_booking() IS
    'Trigger: under the policy prepayment a new booking of a patient with more no-shows than the limit has its amount due (clinic_private.charge_for).';

CREATE FUNCTION clinic_private.waiting_line(
    provider_id uuid,
    location_id uuid,
    prefix text,
    on_date date,
    day_starts_at timestamptz,
    day_ends_at timestamptz,
    keeps_place_minutes integer)
    RETURNS TABLE (
        ticket_id uuid,
        appointment_id uuid,
        place integer,
        starts_at timestamptz,
        expected_at timestamptz,
        expected_until timestamptz)
    LANGUAGE C STABLE PARALLEL RESTRICTED
    COST 1000 ROWS 20
    AS 'MODULE_PATHNAME', 'clinic_waiting_line';
COMMENT ON FUNCTION clinic_private.waiting_line(uuid, uuid, text, date, timestamptz, timestamptz, integer) IS
    'The line of a provider on a local date, in its order; without a provider that of the tickets of a location and prefix which wait for nobody in particular.
Who is being served comes first, then who was called, then by urgency, due time and number those who wait and visits that are still expected (until keeps_place_minutes after their start). A turn begins when the one before is expected to end, but no visit before it is due, unless it is urgent; it lasts as long as planned, or until now where it already took longer. Seats of one session share their turn. Buffers and drives are not counted.
place: 1 for who is next among those who wait; starts_at: the start that was booked.';
