-- The life of a booking: holds, approval, changes of state; and what modules of the engine book and claim with.

CREATE FUNCTION clinic.hold_slot(
    service_id uuid,
    patient_id uuid,
    starts_at timestamptz,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    seats integer DEFAULT 1,
    idempotency_key text DEFAULT NULL
)
    RETURNS TABLE (
        appointment_id uuid,
        hold_token text,
        expires_at timestamptz,
        latest_expires_at timestamptz,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_starts_at timestamp,
        time_zone text,
        resource_ids uuid[],
        replayed boolean
    )
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_hold_slot';
ALTER FUNCTION clinic.hold_slot(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], integer, text) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.hold_slot(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.hold_slot(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], integer, text) TO clinic_user;
COMMENT ON FUNCTION clinic.hold_slot(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], integer, text) IS
    'Keeps a visit''s time for the caller until a deadline; accepts exactly what clinic.available_slots offers.
The arguments are those of clinic.book_appointment. hold_token: who has it, and is this caller, may extend, confirm and release; it is shown once and says nothing about what it holds. expires_at: from that microsecond on the time is free again, without any job; latest_expires_at: how far extending reaches (settings hold_minutes and hold_cap_minutes of the tenant).
Errors: those of clinic.book_appointment; hold_limit beyond holds_per_patient live holds of the patient.';

CREATE FUNCTION clinic.extend_hold(
    hold_token text
)
    RETURNS TABLE (appointment_id uuid, expires_at timestamptz, latest_expires_at timestamptz)
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_extend_hold';
ALTER FUNCTION clinic.extend_hold(text) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.extend_hold(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.extend_hold(text) TO clinic_user;
COMMENT ON FUNCTION clinic.extend_hold(text) IS
    'Begins the life of a hold again from now, while it is alive, at most to latest_expires_at.
Errors: not_holder for a token that is unknown or another caller''s, hold_expired, no_context.';

CREATE FUNCTION clinic.confirm_hold(
    hold_token text,
    if_still_free boolean DEFAULT false,
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
    AS 'MODULE_PATHNAME', 'clinic_confirm_hold';
ALTER FUNCTION clinic.confirm_hold(text, boolean, text) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.confirm_hold(text, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.confirm_hold(text, boolean, text) TO clinic_user;
COMMENT ON FUNCTION clinic.confirm_hold(text, boolean, text) IS
    'Books what is held: always while the hold is alive, whatever happened to hours or blocks meanwhile. Confirming twice returns the same appointment, whatever became of it, and writes nothing.
if_still_free: when the hold has expired (or was released), book its time afresh if nobody has taken it. The row is that of clinic.book_appointment; status is pending where the service requires approval of what patients book.
Errors: not_holder for a token that is unknown or another caller''s, hold_expired; with if_still_free those of clinic.book_appointment; forbidden, no_context.';

CREATE FUNCTION clinic.release_hold(
    hold_token text
)
    RETURNS boolean
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_release_hold';
ALTER FUNCTION clinic.release_hold(text) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.release_hold(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.release_hold(text) TO clinic_user;
COMMENT ON FUNCTION clinic.release_hold(text) IS
    'Gives a hold up. True when its time was freed, false when it was over already.
Errors: not_holder for a token that is unknown or another caller''s, bad_transition when it was confirmed, no_context.';

CREATE FUNCTION clinic.approve_appointment(
    appointment_id uuid,
    version integer DEFAULT NULL
)
    RETURNS TABLE (appointment_id uuid, status text, status_before text, version integer, changed_at timestamptz)
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_approve_appointment';
ALTER FUNCTION clinic.approve_appointment(uuid, integer) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.approve_appointment(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.approve_appointment(uuid, integer) TO clinic_user;
COMMENT ON FUNCTION clinic.approve_appointment(uuid, integer) IS
    'Books what waits for approval. Staff only.
version: refuse when the appointment has changed since. Needs appointments:write at its place.
Errors: not_found, stale_version, bad_transition with the changes that its state allows, forbidden, no_context.';

CREATE FUNCTION clinic.confirm_appointment(
    appointment_id uuid,
    version integer DEFAULT NULL
)
    RETURNS TABLE (appointment_id uuid, status text, status_before text, version integer, changed_at timestamptz)
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_confirm_appointment';
ALTER FUNCTION clinic.confirm_appointment(uuid, integer) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.confirm_appointment(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.confirm_appointment(uuid, integer) TO clinic_user;
COMMENT ON FUNCTION clinic.confirm_appointment(uuid, integer) IS
    'Records that the patient will come: from booked to confirmed. By staff, or by patients for themselves.
version: refuse when the appointment has changed since. Needs appointments:write at its place.
Errors: not_found, stale_version, bad_transition with the changes that its state allows, forbidden, no_context.';

CREATE FUNCTION clinic.start_visit(
    appointment_id uuid,
    version integer DEFAULT NULL
)
    RETURNS TABLE (appointment_id uuid, status text, status_before text, version integer, changed_at timestamptz)
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_start_visit';
ALTER FUNCTION clinic.start_visit(uuid, integer) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.start_visit(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.start_visit(uuid, integer) TO clinic_user;
COMMENT ON FUNCTION clinic.start_visit(uuid, integer) IS
    'Begins the visit of a patient who has arrived. Staff only.
version: refuse when the appointment has changed since. Needs appointments:write at its place.
Errors: not_found, stale_version, bad_transition with the changes that its state allows, forbidden, no_context.';

CREATE FUNCTION clinic.complete_visit(
    appointment_id uuid,
    version integer DEFAULT NULL
)
    RETURNS TABLE (appointment_id uuid, status text, status_before text, version integer, changed_at timestamptz)
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_complete_visit';
ALTER FUNCTION clinic.complete_visit(uuid, integer) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.complete_visit(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.complete_visit(uuid, integer) TO clinic_user;
COMMENT ON FUNCTION clinic.complete_visit(uuid, integer) IS
    'Ends a visit, begun or at least arrived. Staff only.
version: refuse when the appointment has changed since. Needs appointments:write at its place.
Errors: not_found, stale_version, bad_transition with the changes that its state allows, forbidden, no_context.';

CREATE FUNCTION clinic.decline_appointment(
    appointment_id uuid,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL
)
    RETURNS TABLE (appointment_id uuid, status text, status_before text, version integer, changed_at timestamptz)
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_decline_appointment';
ALTER FUNCTION clinic.decline_appointment(uuid, text, integer) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.decline_appointment(uuid, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.decline_appointment(uuid, text, integer) TO clinic_user;
COMMENT ON FUNCTION clinic.decline_appointment(uuid, text, integer) IS
    'Refuses what waits for approval, and frees its time. Staff only.
Errors: not_found, stale_version, bad_transition with the changes that its state allows, forbidden, no_context.';

CREATE FUNCTION clinic.reinstate_appointment(
    appointment_id uuid,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL,
    overbook boolean DEFAULT false
)
    RETURNS TABLE (appointment_id uuid, status text, status_before text, version integer, changed_at timestamptz)
    LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_reinstate_appointment';
ALTER FUNCTION clinic.reinstate_appointment(uuid, text, integer, boolean) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.reinstate_appointment(uuid, text, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.reinstate_appointment(uuid, text, integer, boolean) TO clinic_user;
COMMENT ON FUNCTION clinic.reinstate_appointment(uuid, text, integer, boolean) IS
    'Books a cancelled appointment again, before its start; its time is claimed afresh. Staff only.
What was judged when it was booked (lead time, grid, limits) is not judged again; hours that have changed flag it out_of_hours. overbook (appointments:overbook, with a reason): other claims give way.
Errors: not_found, stale_version, bad_transition, in_past, slot_taken and its kin, forbidden, no_context.';

CREATE FUNCTION clinic_private.record_appointment_event()
    RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_record_appointment_event';
REVOKE ALL ON FUNCTION clinic_private.record_appointment_event() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.record_appointment_event() TO clinic_owner;
COMMENT ON FUNCTION clinic_private.record_appointment_event() IS
    'AFTER ROW trigger of clinic_data.appointments, for whoever writes: one row of clinic_data.events for each change.';

CREATE FUNCTION clinic_private.distribute_event()
    RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_distribute_event';
REVOKE ALL ON FUNCTION clinic_private.distribute_event() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.distribute_event() TO clinic_owner;
COMMENT ON FUNCTION clinic_private.distribute_event() IS
    'AFTER ROW trigger of clinic_data.events: clinic_private.distribute_event_to for a tenant whose events anybody wants to know.';

CREATE FUNCTION clinic_private.change_status(
    appointment_id uuid,
    change text,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL
)
    RETURNS TABLE (appointment_id uuid, status text, status_before text, version integer, changed_at timestamptz)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_change_status';
REVOKE ALL ON FUNCTION clinic_private.change_status(uuid, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.change_status(uuid, text, text, integer) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.change_status(uuid, text, text, integer) IS
    'Makes one change of an appointment''s state, for modules; rights and the table of states are those of the public functions.
change: approve, decline, confirm, check_in, undo_check_in, start, complete, cancel, mark_no_show, reverse_no_show or reinstate.
Errors: not_found, stale_version, bad_transition, forbidden, no_context, 22023.';

CREATE FUNCTION clinic_private.place_appointment(
    service_id uuid,
    patient_id uuid,
    starts_at timestamptz,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    ignored uuid[] DEFAULT NULL,
    override boolean DEFAULT false,
    overbook boolean DEFAULT false,
    reason text DEFAULT NULL,
    seats integer DEFAULT 1
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
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_place_appointment';
REVOKE ALL ON FUNCTION clinic_private.place_appointment(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], uuid[], boolean, boolean, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.place_appointment(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], uuid[], boolean, boolean, text, integer) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.place_appointment(uuid, uuid, timestamptz, uuid, uuid, interval, uuid[], uuid[], boolean, boolean, text, integer) IS
    'Books for a module: as clinic.book_appointment, without keys.
ignored: appointments, and owners of claims, that do not count; the claims of those owners are deleted with the booking.
Errors: those of clinic.book_appointment.';

CREATE FUNCTION clinic_private.claim_for_owner(
    owner_id uuid,
    kind text,
    service_id uuid,
    patient_id uuid,
    provider_id uuid,
    location_id uuid,
    starts_at timestamptz,
    duration interval DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    override boolean DEFAULT false,
    ignored uuid[] DEFAULT NULL,
    seats integer DEFAULT 1
)
    RETURNS TABLE (provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, resource_ids uuid[])
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_claim_for_owner';
REVOKE ALL ON FUNCTION clinic_private.claim_for_owner(uuid, text, uuid, uuid, uuid, uuid, timestamptz, interval, timestamptz, uuid[], boolean, uuid[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.claim_for_owner(uuid, text, uuid, uuid, uuid, uuid, timestamptz, interval, timestamptz, uuid[], boolean, uuid[], integer) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.claim_for_owner(uuid, text, uuid, uuid, uuid, uuid, timestamptz, interval, timestamptz, uuid[], boolean, uuid[], integer) IS
    'Claims the provider and the rooms of a visit for something that is no appointment; never the patient''s time.
kind: offer (with expires_at) or session. patient_id: judge as for this patient; null for nobody. The visit is judged as clinic.book_appointment judges it, without the owner''s own earlier claims, which stay. ignored: others that do not count. seats: of a party.
Errors: the first reason, as clinic.book_appointment; 22023.';

CREATE FUNCTION clinic_private.release_owner(owner_id uuid)
    RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_release_owner';
REVOKE ALL ON FUNCTION clinic_private.release_owner(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.release_owner(uuid) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.release_owner(uuid) IS
    'Deletes the claims of an owner that is no appointment. Their resources should be locked. Errors: no_context.';

CREATE FUNCTION clinic_private.begin_once(call text, idempotency_key text, payload jsonb)
    RETURNS jsonb
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_begin_once';
REVOKE ALL ON FUNCTION clinic_private.begin_once(text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.begin_once(text, text, jsonb) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.begin_once(text, text, jsonb) IS
    'What an earlier call with this key returned; null when this is the first, which clinic_private.end_once must end, or when there is no key.
idempotency_key: null for that of the HTTP request, which only the first call that asks gets. payload: all arguments.
Errors: idempotency_conflict, 22023, no_context.';

CREATE FUNCTION clinic_private.end_once(call text, idempotency_key text, result jsonb)
    RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_end_once';
REVOKE ALL ON FUNCTION clinic_private.end_once(text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.end_once(text, text, jsonb) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.end_once(text, text, jsonb) IS
    'Keeps what a call returned under the key that clinic_private.begin_once was given; nothing without one.';
