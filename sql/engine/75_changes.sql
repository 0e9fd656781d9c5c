-- Changing hours over what is booked: what no longer lies within, where it could go, and what was known when.

CREATE FUNCTION clinic_private.standing_visits(resource_ids uuid[], range_start timestamptz, range_end timestamptz, with_idle boolean DEFAULT false)
    RETURNS TABLE (
        appointment_id uuid,
        owner_id uuid,
        kind text,
        status text,
        service_id uuid,
        provider_id uuid,
        location_id uuid,
        patient_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        version integer,
        out_of_hours boolean,
        seat boolean,
        pinned boolean,
        used_ids uuid[],
        visible boolean,
        reasons text[],
        causes text[]
    )
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000 ROWS 100
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_standing_visits';
REVOKE ALL ON FUNCTION clinic_private.standing_visits(uuid[], timestamptz, timestamptz, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.standing_visits(uuid[], timestamptz, timestamptz, boolean) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.standing_visits(uuid[], timestamptz, timestamptz, boolean) IS
    'Everything that takes time on some resources, is not over and overlaps a range (nulls: no bound), judged by hours, blocks, status and capacities as they are now.
with_idle: also what starts in the range at these resources as providers and takes none of their time: what is over, and seats of sessions; not judged.
appointment_id or owner_id: whose time; kind: booking, pending, hold, offer or session; seat: of a planned session; pinned: a room, device or participant was named by who booked; used_ids: rooms, devices and participants; visible: whether the caller may see it, for rows of all come back; reasons: what stands against the visit, but for what staff passed over when they booked it, empty when it lies within; causes: the same, with the rows that tell one block, holiday or inactive thing from another.
Errors: no_context.';

CREATE FUNCTION clinic_private.derive_out_of_hours(resource_ids uuid[], range_start timestamptz, range_end timestamptz)
    RETURNS integer
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_derive_out_of_hours';
REVOKE ALL ON FUNCTION clinic_private.derive_out_of_hours(uuid[], timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.derive_out_of_hours(uuid[], timestamptz, timestamptz) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.derive_out_of_hours(uuid[], timestamptz, timestamptz) IS
    'Sets out_of_hours of the appointments that clinic_private.standing_visits finds, and clears it where they lie within again; returns how many changed. The resources are locked.
Errors: busy when a foreign transaction holds a row crosswise, no_context.';

CREATE FUNCTION clinic_private.cancel_for_closure(appointment_id uuid, reason text)
    RETURNS boolean
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_cancel_for_closure';
REVOKE ALL ON FUNCTION clinic_private.cancel_for_closure(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.cancel_for_closure(uuid, text) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.cancel_for_closure(uuid, text) IS
    'Cancels an appointment because its time is closed: never late, and nobody who waits is offered the time. False for a hold, and for what has begun: they stay.
Errors: not_found, forbidden, no_context, busy.';

CREATE FUNCTION clinic_private.propose_moves(
    appointment_ids uuid[],
    away_ids uuid[],
    provider_ids uuid[],
    days integer,
    same_time boolean,
    banned_appointments uuid[],
    banned_providers uuid[],
    banned_starts timestamptz[],
    pass_over boolean
)
    RETURNS TABLE (
        appointment_id uuid,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        minutes_moved integer,
        cost integer,
        passes_over boolean,
        optimal boolean,
        choices integer
    )
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 100000 ROWS 20
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_propose_moves';
REVOKE ALL ON FUNCTION clinic_private.propose_moves(uuid[], uuid[], uuid[], integer, boolean, uuid[], uuid[], timestamptz[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.propose_moves(uuid[], uuid[], uuid[], integer, boolean, uuid[], uuid[], timestamptz[], boolean) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.propose_moves(uuid[], uuid[], uuid[], integer, boolean, uuid[], uuid[], timestamptz[], boolean) IS
    'Where some appointments could go together: as many as can be, at the least total cost; one row for each, with nulls where nothing is left.
away_ids: providers not to be used; provider_ids: only these, null for all who offer the service; days: how many days later at most; same_time: at the same start only, which holds for the steps of a visit in any case; banned_...: three arrays of one length, places not to be used; pass_over: lead time, horizon and "not on the same day" give way, for callers with appointments:override. cost: the minutes moved, 10 for another provider, 60 for another location. passes_over: one of them does give way. optimal: proven to be the best, for the whole answer. choices: how many places were looked at.
Errors: not_found, forbidden, no_context, 54000.';

CREATE FUNCTION clinic_private.try_moves(
    appointment_ids uuid[],
    starts timestamptz[],
    provider_ids uuid[],
    location_ids uuid[],
    absent_ids uuid[],
    passing_ids uuid[],
    reason text,
    keep boolean
)
    RETURNS TABLE (appointment_id uuid, resource_ids uuid[], refused text)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 100000 ROWS 20
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_try_moves';
REVOKE ALL ON FUNCTION clinic_private.try_moves(uuid[], timestamptz[], uuid[], uuid[], uuid[], uuid[], text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.try_moves(uuid[], timestamptz[], uuid[], uuid[], uuid[], uuid[], text, boolean) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.try_moves(uuid[], timestamptz[], uuid[], uuid[], uuid[], uuid[], text, boolean) IS
    'Moves appointments as clinic_private.move_appointments does. Where one does not fit, nothing is written and its row alone comes back, with the reason as refused; else a row for each, with its rooms and devices.
absent_ids: providers who take no part; passing_ids: appointments for which lead time and horizon give way, with the reason (appointments:override); keep: false takes everything back, and only tells.
Errors: forbidden, busy, no_context, 22023, 25006.';

CREATE FUNCTION clinic_private.run_change_unflagged(change jsonb)
    RETURNS SETOF uuid
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_run_change_unflagged';
REVOKE ALL ON FUNCTION clinic_private.run_change_unflagged(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.run_change_unflagged(jsonb) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.run_change_unflagged(jsonb) IS
    'Makes one change as clinic_private.run_schedule_change does, and leaves out_of_hours alone: the caller has clinic_private.schedule_changed derive it when all is done.
Errors: those of the change.';

CREATE FUNCTION clinic_private.hours_as_of(resource_id uuid, range_start timestamptz, range_end timestamptz, as_of timestamptz)
    RETURNS TABLE (kind text, starts_at timestamptz, ends_at timestamptz, location_id uuid, source_id uuid)
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 1000 ROWS 20
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_hours_as_of';
REVOKE ALL ON FUNCTION clinic_private.hours_as_of(uuid, timestamptz, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.hours_as_of(uuid, timestamptz, timestamptz, timestamptz) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.hours_as_of(uuid, timestamptz, timestamptz, timestamptz) IS
    'Windows and blocks of a provider, room or device as they were known at an instant: rules, overrides, holidays, stays and blocks made by then and not yet retired.
kind: hours or block; source_id: the rule or override, or the block. Errors: no_context, 22004, 22008, 22023.';
