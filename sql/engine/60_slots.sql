-- Searching: slots, the first of them, why one is refused, hours and blocks as rows. The kernel in src/core decides.

CREATE FUNCTION clinic.available_slots(
    service_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    max_rows integer DEFAULT NULL,
    seats integer DEFAULT 1
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
        held_until timestamptz
    )
    LANGUAGE C STABLE PARALLEL RESTRICTED SECURITY DEFINER
    COST 10000 ROWS 200
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_available_slots';
ALTER FUNCTION clinic.available_slots(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], integer, integer) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.available_slots(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.available_slots(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], integer, integer)
    TO clinic_user, clinic_anon;
COMMENT ON FUNCTION clinic.available_slots(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], integer, integer) IS
    'Free slots of a service whose start lies in a range, ordered by start, then provider, then location.
service_id: the service; null with a duration: free time of that length at any provider. range_start, range_end: half-open, at most 366 days. provider_id, location_id: only there. patient_id: only what this patient can take (overlap, one seat in a session). duration: another length than the service''s, within its bounds. resource_ids: these rooms or devices instead of any of their class. max_rows: the first so many. seats: only what a party of so many can take together.
Columns: local_date, local_time, utc_offset and time_zone are those of the location; remaining counts the seats that are left (where a limit of visits leaves fewer, those; a party is one visit). held_until: null for a free start; else the time is no longer free but held by the caller, until then (remaining is 0): others do not see it.
Errors: no_context, not_found, 22023 for a bad range or duration, 22004 without service and duration.';

CREATE FUNCTION clinic_private.free_slots(
    service_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    max_rows integer DEFAULT NULL,
    seats integer DEFAULT 1
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
        remaining integer
    )
    LANGUAGE C STABLE PARALLEL RESTRICTED
    COST 10000 ROWS 200
    AS 'MODULE_PATHNAME', 'clinic_free_slots';
REVOKE ALL ON FUNCTION clinic_private.free_slots(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.free_slots(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], integer, integer)
    TO clinic_owner;
COMMENT ON FUNCTION clinic_private.free_slots(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], integer, integer) IS
    'What clinic.available_slots finds free, without what the caller holds. For definer functions.';

CREATE FUNCTION clinic.first_available(
    service_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    per_provider boolean DEFAULT false,
    seats integer DEFAULT 1
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
        remaining integer
    )
    LANGUAGE C STABLE PARALLEL RESTRICTED SECURITY DEFINER
    COST 10000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_first_available';
ALTER FUNCTION clinic.first_available(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], boolean, integer) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.first_available(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.first_available(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], boolean, integer)
    TO clinic_user, clinic_anon;
COMMENT ON FUNCTION clinic.first_available(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval, uuid[], boolean, integer) IS
    'The earliest free slot, or with per_provider the earliest of each provider.
Arguments and columns as in clinic.available_slots. Ties go to the provider with the fewest visits that local day, then to the lowest id. The search stops as soon as the answer is known.
Errors: as clinic.available_slots.';

CREATE FUNCTION clinic.available_days(
    service_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL
)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
#variable_conflict error
BEGIN
    -- Free time changes with every booking, and may be one patient's: a client asks each time, and is told when it has the answer.
    RETURN clinic_private.answer_cached((
        SELECT coalesce(jsonb_agg(jsonb_build_object('date', d.local_date, 'slots', d.slots) ORDER BY d.local_date), '[]')
        FROM (
            SELECT s.local_date,
                   jsonb_agg(jsonb_build_object('starts_at', s.starts_at, 'ends_at', s.ends_at, 'local_time', s.local_time,
                                                'utc_offset', s.utc_offset, 'provider_id', s.provider_id,
                                                'location_id', s.location_id, 'remaining', s.remaining, 'held_until', s.held_until)
                             ORDER BY s.starts_at, s.provider_id, s.location_id) AS slots
            FROM clinic.available_slots(available_days.service_id, available_days.range_start, available_days.range_end,
                                        available_days.provider_id, available_days.location_id, available_days.patient_id,
                                        available_days.duration) AS s
            GROUP BY s.local_date
        ) AS d), 0, shared => false);
END
$$;
ALTER FUNCTION clinic.available_days(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.available_days(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.available_days(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval) TO clinic_user, clinic_anon;
COMMENT ON FUNCTION clinic.available_days(uuid, timestamptz, timestamptz, uuid, uuid, uuid, interval) IS
    'The free slots of clinic.available_slots grouped by local date, as a JSON array of {"date", "slots"}.
Arguments and errors as in clinic.available_slots; days without a slot are left out. Over HTTP by GET the answer has an ETag.';

CREATE FUNCTION clinic.explain_slot(
    service_id uuid,
    starts_at timestamptz,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    seats integer DEFAULT 1
)
    RETURNS TABLE (
        provider_id uuid,
        location_id uuid,
        step integer,
        reason text,
        source text,
        source_id uuid,
        message text
    )
    LANGUAGE C STABLE PARALLEL RESTRICTED SECURITY DEFINER
    COST 10000 ROWS 5
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_explain_slot';
ALTER FUNCTION clinic.explain_slot(uuid, timestamptz, uuid, uuid, uuid, interval, uuid[], integer) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.explain_slot(uuid, timestamptz, uuid, uuid, uuid, interval, uuid[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.explain_slot(uuid, timestamptz, uuid, uuid, uuid, interval, uuid[], integer) TO clinic_user, clinic_anon;
COMMENT ON FUNCTION clinic.explain_slot(uuid, timestamptz, uuid, uuid, uuid, interval, uuid[], integer) IS
    'Every rule that refuses a start, for each provider and location, in the order in which booking would raise them; no row for a place where the start is free.
starts_at may be any instant. reason: a code of clinic.error_codes(). source and source_id: the table and row that caused it, for those who may read the diary; never another patient''s identity. step counts the reasons of one place.
Errors: no_context, 22004 for nulls, 22023 for a bad duration. Unknown ids give the reason not_found.';

CREATE FUNCTION clinic.find_conflicts(
    service_id uuid,
    starts_at timestamptz,
    provider_id uuid,
    patient_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL
)
    RETURNS TABLE (
        kind text,
        resource_id uuid,
        source text,
        source_id uuid,
        appointment_id uuid,
        busy_from timestamptz,
        busy_until timestamptz,
        overlap_from timestamptz,
        overlap_until timestamptz
    )
    LANGUAGE C STABLE PARALLEL RESTRICTED SECURITY DEFINER
    COST 10000 ROWS 5
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    AS 'MODULE_PATHNAME', 'clinic_find_conflicts';
ALTER FUNCTION clinic.find_conflicts(uuid, timestamptz, uuid, uuid, interval, uuid[]) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.find_conflicts(uuid, timestamptz, uuid, uuid, interval, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.find_conflicts(uuid, timestamptz, uuid, uuid, interval, uuid[]) TO clinic_user;
COMMENT ON FUNCTION clinic.find_conflicts(uuid, timestamptz, uuid, uuid, interval, uuid[]) IS
    'What a wished time collides with at a provider, for the named rooms and devices and for the patient: claims and blocks, one row each.
A block of one location counts when the provider has hours there then. kind: hard when the visits themselves overlap, buffer when only a buffer is in the way. busy_from, busy_until: the claim with its buffers, or the block; overlap_from, overlap_until: the part shared with the wished time and its buffers. Ids of rows only for those who may read the diary.
Errors: no_context, not_found, 22004 for nulls, 22023 for a bad duration.';

CREATE FUNCTION clinic_private.hours_windows(
    resource_ids uuid[],
    range_start timestamptz,
    range_end timestamptz,
    location_id uuid,
    service_id uuid
)
    RETURNS TABLE (resource_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, rule_id uuid, override_id uuid)
    LANGUAGE C STABLE PARALLEL RESTRICTED
    COST 1000 ROWS 100
    AS 'MODULE_PATHNAME', 'clinic_open_hours';
REVOKE ALL ON FUNCTION clinic_private.hours_windows(uuid[], timestamptz, timestamptz, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.hours_windows(uuid[], timestamptz, timestamptz, uuid, uuid) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.hours_windows(uuid[], timestamptz, timestamptz, uuid, uuid) IS
    'The windows behind clinic.open_hours; keeps plans, so it is only for functions of clinic_owner.';

CREATE FUNCTION clinic.open_hours(
    resource_ids uuid[],
    range_start timestamptz,
    range_end timestamptz,
    location_id uuid DEFAULT NULL,
    service_id uuid DEFAULT NULL
)
    RETURNS TABLE (
        resource_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        time_zone text,
        rule_id uuid,
        override_id uuid
    )
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    ROWS 100
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
    SELECT w.resource_id, w.location_id, w.starts_at, w.ends_at, l.time_zone::text, w.rule_id, w.override_id
    FROM clinic_private.hours_windows($1, $2, $3, $4, $5) AS w
    -- From the left, so that what is wrong with the call is said whatever the tables hold.
    LEFT JOIN clinic_data.locations AS l ON l.tenant_id = clinic.current_tenant_id() AND l.location_id = w.location_id
    WHERE NOT clinic_private.is_public()
    ORDER BY w.resource_id, w.starts_at, w.location_id
$$;
ALTER FUNCTION clinic.open_hours(uuid[], timestamptz, timestamptz, uuid, uuid) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.open_hours(uuid[], timestamptz, timestamptz, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.open_hours(uuid[], timestamptz, timestamptz, uuid, uuid) TO clinic_user;
COMMENT ON FUNCTION clinic.open_hours(uuid[], timestamptz, timestamptz, uuid, uuid) IS
    'The hours of providers, rooms or devices as windows: rules, with date overrides and holidays applied; not merged, blocks not taken out.
resource_ids: whose. range_start, range_end: windows that overlap this range, at most 366 days. location_id, service_id: only those there, or serving it. time_zone: the location''s. rule_id or override_id: the row that made the window.
Errors: no_context, 22004, 22023.';

CREATE FUNCTION clinic_private.block_spans(resource_ids uuid[], range_start timestamptz, range_end timestamptz, location_id uuid)
    RETURNS TABLE (resource_id uuid, block_id uuid, starts_at timestamptz, ends_at timestamptz, patient_id uuid)
    LANGUAGE C STABLE PARALLEL RESTRICTED
    COST 1000 ROWS 100
    AS 'MODULE_PATHNAME', 'clinic_blocked_times';
REVOKE ALL ON FUNCTION clinic_private.block_spans(uuid[], timestamptz, timestamptz, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.block_spans(uuid[], timestamptz, timestamptz, uuid) TO clinic_owner;
COMMENT ON FUNCTION clinic_private.block_spans(uuid[], timestamptz, timestamptz, uuid) IS
    'The spans behind clinic.blocked_times; keeps plans, so it is only for functions of clinic_owner.';

CREATE FUNCTION clinic.blocked_times(
    resource_ids uuid[],
    range_start timestamptz,
    range_end timestamptz,
    location_id uuid DEFAULT NULL
)
    RETURNS TABLE (
        resource_id uuid,
        block_id uuid,
        kind text,
        starts_at timestamptz,
        ends_at timestamptz,
        title text,
        patient_id uuid
    )
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    ROWS 100
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
    SELECT s.resource_id, s.block_id, b.kind, s.starts_at, s.ends_at,
           CASE WHEN clinic.has_permission('appointments:read') OR clinic.has_permission('appointments:write')
                  OR clinic.has_permission('schedules:write') OR clinic.has_permission('setup:write') THEN b.title END,
           s.patient_id
    FROM clinic_private.block_spans($1, $2, $3, $4) AS s
    LEFT JOIN clinic_data.blocks AS b ON b.tenant_id = clinic.current_tenant_id() AND b.block_id = s.block_id
    WHERE NOT clinic_private.is_public()
    ORDER BY s.resource_id, s.starts_at, s.block_id
$$;
ALTER FUNCTION clinic.blocked_times(uuid[], timestamptz, timestamptz, uuid) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.blocked_times(uuid[], timestamptz, timestamptz, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.blocked_times(uuid[], timestamptz, timestamptz, uuid) TO clinic_user;
COMMENT ON FUNCTION clinic.blocked_times(uuid[], timestamptz, timestamptz, uuid) IS
    'Blocks, leave, breaks and external busy time of providers, rooms or devices, as spans between instants; those of whole locations included.
resource_ids: whose. range_start, range_end: spans that overlap this range, at most 366 days. location_id: what holds there, whoever comes; without it, the block of a whole location counts for rooms and devices that stand there and for providers who have hours there then. title: for those who may read the diary, or change it; patient_id: the patient the time is kept for, for those who may read the diary.
Errors: no_context, 22004, 22023.';

-- What backends keep of the diary's setup: see src/pg/diary_setup.hpp.
CREATE TYPE clinic_private.setup_changed AS ();
COMMENT ON TYPE clinic_private.setup_changed IS
    'Has no values: its invalidation tells all backends that what they keep of how clinics are set up has changed.';

CREATE FUNCTION clinic_private.setup_changed()
    RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_setup_changed';
REVOKE ALL ON FUNCTION clinic_private.setup_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.setup_changed() TO clinic_owner;
COMMENT ON FUNCTION clinic_private.setup_changed() IS
    'Trigger: tells this backend at once, and all others when the change commits, that how a clinic is set up has changed.';
