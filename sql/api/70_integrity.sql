-- The integrity of the diary, proved by queries that share nothing with the code that keeps it.

CREATE FUNCTION clinic.check_integrity()
    RETURNS TABLE (problem text, source text, source_id uuid, detail jsonb)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
    -- Who may not read the diary sees claims without their appointments: every one would be reported, with its ids.
    WITH caller AS (
        SELECT CASE WHEN clinic.current_tenant_id() IS NOT NULL THEN clinic_private.require_permission('diary:read') END AS tenant_id
    ),
    claims AS (
        SELECT c.*, r.kind AS resource_kind
        FROM clinic_data.claims AS c
        LEFT JOIN clinic_data.resources AS r ON r.tenant_id = c.tenant_id AND r.resource_id = c.resource_id
        WHERE c.tenant_id = (SELECT u.tenant_id FROM caller AS u) AND (c.expires_at IS NULL OR c.expires_at > clinic.now())
    ),
    appointments AS (
        SELECT a.*
        FROM clinic_data.appointments AS a
        WHERE a.tenant_id = (SELECT u.tenant_id FROM caller AS u)
    )
    SELECT 'overlap', 'claims', a.claim_id, jsonb_build_object('other_claim_id', b.claim_id, 'resource_id', a.resource_id)
    FROM claims AS a
    JOIN claims AS b ON b.calendar_no = a.calendar_no AND b.claim_id > a.claim_id AND b.during && a.during
    UNION ALL
    SELECT 'malformed', 'claims', c.claim_id, '{}'
    FROM claims AS c
    WHERE isempty(c.during) OR lower_inf(c.during) OR upper_inf(c.during) OR NOT lower_inc(c.during) OR upper_inc(c.during)
       OR c.starts_at >= c.ends_at OR c.starts_at < lower(c.during) OR c.ends_at > upper(c.during)
    UNION ALL
    SELECT 'over_capacity', 'claims', c.claim_id,
           jsonb_build_object('resource_id', c.resource_id, 'at', lower(c.during), 'claims', n.present, 'capacity', n.least)
    FROM claims AS c
    CROSS JOIN LATERAL (
        SELECT count(*) AS present, min(o.capacity) AS least
        FROM claims AS o
        WHERE o.resource_id = c.resource_id AND NOT o.overbooked AND o.during @> lower(c.during)
    ) AS n
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
    WHERE c.appointment_id IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM appointments AS a
          WHERE a.appointment_id = c.appointment_id AND a.starts_at = c.starts_at AND a.ends_at = c.ends_at
            AND a.status <> 'cancelled'
            AND (a.patient_id = c.resource_id OR EXISTS (
                SELECT FROM clinic_data.appointment_resources AS u
                WHERE u.tenant_id = c.tenant_id AND u.appointment_id = a.appointment_id AND u.resource_id = c.resource_id)))
    UNION ALL
    SELECT 'without_claim', 'appointments', a.appointment_id, jsonb_build_object('resource_id', u.resource_id)
    FROM appointments AS a
    CROSS JOIN LATERAL (
        SELECT r.resource_id FROM clinic_data.appointment_resources AS r
        WHERE r.tenant_id = a.tenant_id AND r.appointment_id = a.appointment_id
        UNION
        VALUES (a.provider_id), (a.patient_id)
    ) AS u
    WHERE a.status IN ('held', 'pending', 'booked', 'confirmed', 'arrived', 'in_progress') AND a.ends_at > clinic.now()
      AND NOT EXISTS (
          SELECT FROM claims AS c
          WHERE c.appointment_id = a.appointment_id AND c.resource_id = u.resource_id
            AND c.starts_at = a.starts_at AND c.ends_at = a.ends_at)
$$;
ALTER FUNCTION clinic.check_integrity() OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.check_integrity() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.check_integrity() TO clinic_user;
COMMENT ON FUNCTION clinic.check_integrity() IS
    'Everything that is wrong in the tenant''s diary; no row exactly when nothing is. Needs diary:read.
problem: overlap (two live claims in one lane), malformed (a range that is empty, unbounded or not half-open), over_capacity (more claims at an instant than the least capacity among them, overbooked ones apart), foreign_lane (a lane of another resource), orphaned (a claim whose appointment is gone, cancelled or elsewhere), without_claim (an appointment that occupies time but has no claim for it).
source, source_id: the row. Errors: forbidden; without a context no row.';

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
    PERFORM clinic_private.require_permission('schedule:write');
    IF sweep_claims.older_than IS NULL OR sweep_claims.older_than < interval '0' THEN
        RAISE EXCEPTION 'older_than must not be negative or null'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass an interval such as ''30 days''.';
    END IF;
    DELETE FROM clinic_data.claims AS c
    WHERE c.tenant_id = clinic.current_tenant_id()
      AND (c.expires_at <= clinic.now() OR c.ends_at < clinic.now() - sweep_claims.older_than);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
ALTER FUNCTION clinic.sweep_claims(interval) OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.sweep_claims(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.sweep_claims(interval) TO clinic_user;
COMMENT ON FUNCTION clinic.sweep_claims(interval) IS
    'Deletes the claims of the tenant that can no longer conflict: expired ones, and those of visits that ended long ago; returns how many. The appointments stay. Run it from time to time, so that booking does not slow down with history.
older_than: how long past visits still keep their claims, for bookings entered afterwards. Needs schedule:write.
Errors: forbidden, no_context, 22023.';
