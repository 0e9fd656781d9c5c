-- The integrity of the diary, proved by queries that share nothing with the code that keeps it.

CREATE FUNCTION clinic.check_integrity()
    RETURNS TABLE (problem text, source text, source_id uuid, detail jsonb)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
    -- Who may not read the diary sees claims without their appointments, and would take all of them for orphans.
    WITH tenant AS MATERIALIZED (
        SELECT CASE WHEN clinic.current_tenant_id() IS NOT NULL THEN clinic_private.require_permission('appointments:read') END AS id
    ),
    claims AS (
        SELECT c.*, r.kind AS resource_kind,
               coalesce(lower(c.during), '-infinity') AS begins,
               coalesce(upper(c.during), 'infinity') AS ends,
               lower_inf(c.during) OR upper_inf(c.during) OR NOT lower_inc(c.during) OR upper_inc(c.during) AS odd,
               row_number() OVER (PARTITION BY c.appointment_id, c.resource_id ORDER BY c.claim_id) > 1 AS is_twin
        FROM clinic_data.claims AS c
        LEFT JOIN clinic_data.resources AS r ON r.tenant_id = c.tenant_id AND r.resource_id = c.resource_id
        WHERE c.tenant_id = (SELECT t.id FROM tenant AS t) AND (c.expires_at IS NULL OR c.expires_at > clinic.now())
    ),
    appointments AS (
        SELECT a.*
        FROM clinic_data.appointments AS a
        WHERE a.tenant_id = (SELECT t.id FROM tenant AS t)
    ),
    -- Only what overlaps at all is compared pair by pair: everything else is settled by one sort.
    overlapping_lanes AS (
        SELECT o.calendar_no
        FROM (
            SELECT c.calendar_no, c.odd, c.begins < max(c.ends) OVER (
                PARTITION BY c.calendar_no ORDER BY c.begins, c.claim_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS overlaps
            FROM claims AS c
            WHERE NOT isempty(c.during)
        ) AS o
        WHERE o.overlaps OR o.odd
        GROUP BY o.calendar_no
    ),
    crowded AS (
        SELECT o.resource_id, o.begins
        FROM (
            SELECT c.resource_id, c.begins, c.odd, c.begins < max(c.ends) OVER (
                PARTITION BY c.resource_id ORDER BY c.begins, c.claim_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS overlaps
            FROM claims AS c
            WHERE NOT c.overbooked AND NOT isempty(c.during)
        ) AS o
        WHERE o.overlaps OR o.odd
        GROUP BY o.resource_id, o.begins
    )
    SELECT 'overlap', 'claims', a.claim_id, jsonb_build_object('other_claim_id', b.claim_id, 'resource_id', a.resource_id)
    FROM overlapping_lanes AS l
    JOIN claims AS a ON a.calendar_no = l.calendar_no
    JOIN claims AS b ON b.calendar_no = a.calendar_no AND b.claim_id > a.claim_id AND b.during && a.during
    UNION ALL
    SELECT 'malformed', 'claims', c.claim_id, '{}'
    FROM claims AS c
    WHERE isempty(c.during) OR c.odd
       OR c.starts_at >= c.ends_at OR c.starts_at < lower(c.during) OR c.ends_at > upper(c.during)
    UNION ALL
    SELECT 'over_capacity', 'claims', c.claim_id,
           jsonb_build_object('resource_id', c.resource_id, 'at', lower(c.during), 'claims', n.present, 'capacity', n.least)
    FROM claims AS c
    JOIN (
        -- What a patient tolerates is the tenant's policy of the day; a later and wider one holds for earlier visits too.
        SELECT k.resource_id, k.begins, sum(o.seats) AS present,
               CASE WHEN bool_or(o.resource_kind = 'patient') THEN max(o.capacity) ELSE min(o.capacity) END AS least
        FROM crowded AS k
        JOIN claims AS o ON o.resource_id = k.resource_id AND NOT o.overbooked AND o.during @> k.begins
        GROUP BY k.resource_id, k.begins
    ) AS n ON n.resource_id = c.resource_id AND n.begins = c.begins
    WHERE NOT c.overbooked AND NOT isempty(c.during) AND n.present > n.least
    UNION ALL
    SELECT 'foreign_lane', 'claims', c.claim_id, jsonb_build_object('calendar_no', c.calendar_no)
    FROM claims AS c
    WHERE NOT EXISTS (
        SELECT FROM clinic_data.calendars AS l
        WHERE l.tenant_id = c.tenant_id AND l.calendar_no = c.calendar_no AND l.resource_id = c.resource_id)
    UNION ALL
    SELECT 'orphaned', 'claims', c.claim_id, jsonb_build_object('appointment_id', c.appointment_id)
    FROM claims AS c
    LEFT JOIN appointments AS a
        ON a.appointment_id = c.appointment_id AND a.starts_at = c.starts_at AND a.ends_at = c.ends_at AND a.status NOT IN ('cancelled', 'no_show')
    LEFT JOIN clinic_data.appointment_resources AS u
        ON u.tenant_id = c.tenant_id AND u.appointment_id = c.appointment_id AND u.resource_id = c.resource_id
    WHERE c.appointment_id IS NOT NULL
      AND (c.is_twin OR a.appointment_id IS NULL OR (a.patient_id <> c.resource_id AND u.resource_id IS NULL))
    UNION ALL
    SELECT 'without_claim', 'appointments', a.appointment_id, jsonb_build_object('resource_id', u.resource_id)
    FROM appointments AS a
    CROSS JOIN LATERAL (
        -- Of a seat in a session, all but the patient's time is the session's.
        SELECT r.resource_id FROM clinic_data.appointment_resources AS r
        WHERE r.tenant_id = a.tenant_id AND r.appointment_id = a.appointment_id AND a.session_id IS NULL
        UNION
        SELECT v.id FROM (VALUES (a.provider_id), (a.patient_id)) AS v (id) WHERE a.session_id IS NULL OR v.id = a.patient_id
    ) AS u
    WHERE a.status IN ('held', 'pending', 'booked', 'confirmed', 'arrived', 'in_progress') AND a.ends_at > clinic.now()
      AND coalesce(a.expires_at > clinic.now(), true)
      AND NOT EXISTS (
          SELECT FROM claims AS c
          WHERE c.appointment_id = a.appointment_id AND c.resource_id = u.resource_id
            AND c.starts_at = a.starts_at AND c.ends_at = a.ends_at)
    UNION ALL
    SELECT 'without_claim', 'group_sessions', g.session_id, jsonb_build_object('resource_id', g.provider_id)
    FROM clinic_data.group_sessions AS g
    WHERE g.tenant_id = (SELECT t.id FROM tenant AS t) AND g.status = 'scheduled' AND g.ends_at > clinic.now()
      AND NOT EXISTS (
          SELECT FROM claims AS c
          WHERE c.owner_id = g.session_id AND c.resource_id = g.provider_id AND c.starts_at = g.starts_at AND c.ends_at = g.ends_at)
    UNION ALL
    SELECT 'orphaned', 'claims', c.claim_id, jsonb_build_object('session_id', c.owner_id)
    FROM claims AS c
    WHERE c.kind = 'session'
      AND NOT EXISTS (
          SELECT FROM clinic_data.group_sessions AS g
          WHERE g.tenant_id = c.tenant_id AND g.session_id = c.owner_id AND g.status = 'scheduled' AND g.starts_at = c.starts_at
            AND g.ends_at = c.ends_at)
    UNION ALL
    SELECT 'seats', 'appointments', a.appointment_id, jsonb_build_object('session_id', a.session_id, 'seats', a.seats, 'taken', n.taken)
    FROM appointments AS a
    CROSS JOIN LATERAL (
        SELECT count(*) AS taken FROM clinic_data.session_seats AS s
        WHERE s.tenant_id = a.tenant_id AND s.appointment_id = a.appointment_id AND s.session_id = a.session_id
          AND s.expires_at IS NOT DISTINCT FROM a.expires_at) AS n
    WHERE a.session_id IS NOT NULL AND (a.expires_at IS NULL OR a.expires_at > clinic.now())
      AND n.taken <> CASE WHEN a.status IN ('cancelled', 'no_show') THEN 0 ELSE a.seats END
      -- A no-show that is reversed after the end takes no seat any more.
      AND (a.ends_at > clinic.now() OR n.taken > 0)
    UNION ALL
    SELECT 'seats', 'waitlist_slots', w.slot_id, jsonb_build_object('session_id', w.session_id, 'seats', o.party_size, 'taken', n.taken)
    FROM clinic_data.waitlist_slots AS w
    CROSS JOIN LATERAL (
        SELECT max(e.party_size) AS party_size
        FROM clinic_data.waitlist_offers AS f
        JOIN clinic_data.waitlist_entries AS e ON e.tenant_id = f.tenant_id AND e.entry_id = f.entry_id
        WHERE f.tenant_id = w.tenant_id AND f.slot_id = w.slot_id AND f.status = 'open' AND f.expires_at > clinic.now()) AS o
    CROSS JOIN LATERAL (
        SELECT count(*) AS taken FROM clinic_data.session_seats AS s
        WHERE s.tenant_id = w.tenant_id AND s.slot_id = w.slot_id AND s.expires_at > clinic.now()) AS n
    WHERE w.tenant_id = (SELECT t.id FROM tenant AS t) AND w.session_id IS NOT NULL AND w.status = 'open' AND n.taken < o.party_size
$$;
ALTER FUNCTION clinic.check_integrity() OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.check_integrity() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.check_integrity() TO clinic_user;
COMMENT ON FUNCTION clinic.check_integrity() IS
    'Everything that is wrong in the tenant''s diary; no row exactly when nothing is.
problem: overlap (two live claims in one lane), malformed (a range that is empty, unbounded or not half-open), over_capacity (more claims at an instant than the least capacity among them, a patient''s than the largest; overbooked ones apart), foreign_lane (a lane of another resource), orphaned (a claim whose appointment is gone, cancelled, elsewhere, or has another claim for the same), without_claim (an appointment or session that occupies time but has no claim for it), seats (an appointment, or a standing offer, whose seats in a session are not as many as it says).
source, source_id: the row. Needs appointments:read; without a context no row. Errors: forbidden.';

CREATE FUNCTION clinic.time_zone_drift()
    RETURNS TABLE (
        appointment_id uuid,
        confirmation_code text,
        starts_at timestamptz,
        intended_local timestamp,
        actual_local timestamp,
        time_zone text,
        intended_at timestamptz
    )
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
    SELECT a.appointment_id, a.confirmation_code, a.starts_at, a.local_starts_at, a.starts_at AT TIME ZONE a.time_zone,
           a.time_zone::text, clinic.local_instant(a.local_starts_at, a.time_zone, NULL, 'shift')
    FROM clinic_data.appointments AS a
    WHERE a.tenant_id = clinic.current_tenant_id() AND a.starts_at >= clinic.now()
      AND a.status IN ('held', 'pending', 'booked', 'confirmed')
      AND a.local_starts_at <> a.starts_at AT TIME ZONE a.time_zone
    ORDER BY a.starts_at, a.appointment_id
$$;
ALTER FUNCTION clinic.time_zone_drift() OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.time_zone_drift() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.time_zone_drift() TO clinic_user;
COMMENT ON FUNCTION clinic.time_zone_drift() IS
    'Future appointments whose instant no longer shows the local time that was meant, because the zone''s rules changed since. Nothing moves by itself: reschedule to intended_at where that is wanted.
Errors: none; without a context no row.';

CREATE FUNCTION clinic.sweep_claims(older_than interval DEFAULT '30 days')
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
#variable_conflict error
DECLARE
    deleted bigint;
BEGIN
    PERFORM clinic_private.require_permission('schedules:write');
    IF sweep_claims.older_than IS NULL OR sweep_claims.older_than < interval '0' THEN
        PERFORM clinic_private.refuse_argument('older_than', 'older_than must not be negative or null',
            hint => 'Pass an interval such as ''30 days''.');
    END IF;
    DELETE FROM clinic_data.claims AS c
    WHERE c.tenant_id = clinic.current_tenant_id()
      AND (c.expires_at <= clinic.now() OR upper(c.during) <= clinic.now() - sweep_claims.older_than);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
ALTER FUNCTION clinic.sweep_claims(interval) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.sweep_claims(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.sweep_claims(interval) TO clinic_user;
COMMENT ON FUNCTION clinic.sweep_claims(interval) IS
    'Deletes the claims of the tenant that can no longer conflict: expired ones, and those of visits that ended long ago; returns how many. The appointments stay. Run it from time to time, so that booking does not slow down with history.
older_than: how long past visits still keep their claims, for bookings entered afterwards. Needs schedules:write.
Errors: forbidden, no_context, 22023.';
