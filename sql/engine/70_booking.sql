-- Booking: each call locks, judges by the kernel, and writes in the caller's transaction.

CREATE FUNCTION clinic_private.claims_guard()
    RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_claims_guard';
REVOKE ALL ON FUNCTION clinic_private.claims_guard() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.claims_guard() TO clinic_owner;
COMMENT ON FUNCTION clinic_private.claims_guard() IS
    'BEFORE ROW trigger of clinic_data.claims, for whoever writes: takes the resource''s lock, then refuses what does not fit the capacities.
Errors: slot_taken, busy after a second deadlock.';

CREATE FUNCTION clinic_private.lock_resources(tenant_id uuid, resource_ids uuid[])
    RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_lock_resources';
REVOKE ALL ON FUNCTION clinic_private.lock_resources(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_resources(uuid, uuid[]) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.lock_resources(uuid, uuid[]) IS
    'Takes the locks that bookings of these resources take, in ascending order, to the end of the transaction: no booking judges hours that are being changed.
Errors: forbidden for another tenant than the context''s, busy after a second deadlock.';

CREATE FUNCTION clinic.book_appointment(
    service_id uuid,
    patient_id uuid,
    starts_at timestamptz,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    override boolean DEFAULT false,
    overbook boolean DEFAULT false,
    reason text DEFAULT NULL,
    buffer_before_minutes integer DEFAULT NULL,
    buffer_after_minutes integer DEFAULT NULL,
    local_starts_at timestamp DEFAULT NULL,
    utc_offset interval DEFAULT NULL,
    gap text DEFAULT 'refuse',
    seats integer DEFAULT 1,
    idempotency_key text DEFAULT NULL
)
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
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_book_appointment';
ALTER FUNCTION clinic.book_appointment(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], boolean, boolean, text, integer, integer, timestamp, interval, text, integer, text)
    OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.book_appointment(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], boolean, boolean, text, integer, integer, timestamp, interval, text, integer, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.book_appointment(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], boolean, boolean, text, integer, integer, timestamp, interval, text, integer, text)
    TO clinic_user;
COMMENT ON FUNCTION clinic.book_appointment(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], boolean, boolean, text, integer, integer, timestamp, interval, text, integer, text) IS
    'Books a visit: accepts exactly what clinic.available_slots offers, refuses the rest with the first reason of clinic.explain_slot.
provider_id, location_id, resource_ids: chosen when not given (fewest visits that day, then lowest id; rooms and devices of the classes that the service requires). duration: another length within the service''s bounds. Needs appointments:write and appointments:read, or the patient. override (permission appointments:override): lead time, horizon, grid, hours, limits and the past give way; overbook (appointments:overbook): other claims give way, in a lane of their own; both need a reason, which is stored. buffer_before_minutes, buffer_after_minutes (appointments:override): instead of the longest default. local_starts_at (with starts_at null): a local time of the location, or of the provider''s home zone without one; utc_offset tells which of an ambiguous pair, else it is the first; gap: refuse or shift a nonexistent one. seats: of a party, for services that several share: all or nothing, full otherwise. Where no room of a class is free, bookings whose room was chosen, not named, may get another one of the class to make room; nothing else about them changes. What patients book of a service that requires approval is pending until staff approve it. idempotency_key: the same call with the same key returns the same row, marked replayed, and writes nothing (see docs/booking_life.md).
Errors: the reasons, each with its own SQLSTATE; where another time may do, the DETAIL lists the next free alternatives. no_context, forbidden, busy, idempotency_conflict, 22004, 22023.';

CREATE FUNCTION clinic.cancel_appointment(
    appointment_id uuid,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL
)
    RETURNS TABLE (appointment_id uuid, status text, late boolean, cancelled_at timestamptz, replayed boolean)
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_cancel_appointment';
ALTER FUNCTION clinic.cancel_appointment(uuid, text, integer, text) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.cancel_appointment(uuid, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.cancel_appointment(uuid, text, integer, text) TO clinic_user;
COMMENT ON FUNCTION clinic.cancel_appointment(uuid, text, integer, text) IS
    'Cancels an appointment and frees its time.
late: true when less than the service''s cancellation window was left (exactly the window is on time); a tenant may refuse late cancellations. version: refuse when the appointment has changed since. Waiting patients get their offer in the same transaction. idempotency_key as in clinic.book_appointment.
Errors: not_found, bad_transition, stale_version, idempotency_conflict, forbidden, no_context.';

CREATE FUNCTION clinic.reschedule_appointment(
    appointment_id uuid,
    starts_at timestamptz,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    override boolean DEFAULT false,
    overbook boolean DEFAULT false,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL
)
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
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_reschedule_appointment';
ALTER FUNCTION clinic.reschedule_appointment(uuid, timestamptz, uuid, uuid, interval, uuid[], boolean, boolean, text, integer, text)
    OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.reschedule_appointment(uuid, timestamptz, uuid, uuid, interval, uuid[], boolean, boolean, text, integer, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.reschedule_appointment(uuid, timestamptz, uuid, uuid, interval, uuid[], boolean, boolean, text, integer, text)
    TO clinic_user;
COMMENT ON FUNCTION clinic.reschedule_appointment(uuid, timestamptz, uuid, uuid, interval, uuid[], boolean, boolean, text, integer, text) IS
    'Moves an appointment in one step; it keeps its id and code, and its own time does not stand in its way.
What is not given stays: provider, location, length; rooms and devices are chosen afresh. override, overbook, reason as in clinic.book_appointment. version: refuse when the appointment has changed since.
Errors: those of clinic.book_appointment; bad_transition, stale_version.';

CREATE FUNCTION clinic.swap_appointments(appointment_id uuid, other_appointment_id uuid, idempotency_key text DEFAULT NULL)
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
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 2
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_swap_appointments';
ALTER FUNCTION clinic.swap_appointments(uuid, uuid, text) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.swap_appointments(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.swap_appointments(uuid, uuid, text) TO clinic_user;
COMMENT ON FUNCTION clinic.swap_appointments(uuid, uuid, text) IS
    'Exchanges start, provider and location of two appointments, each keeping its service and length; both or neither.
Errors: as clinic.reschedule_appointment.';
