-- The diary as it was known at an earlier time.

CREATE FUNCTION clinic_private.zone_as_of(tenant_id uuid, provider_id uuid, on_date date, as_of timestamptz)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (
        SELECT coalesce(s.time_zone, p.time_zone)::text
        FROM clinic_data.providers AS p
        LEFT JOIN clinic_data.stays AS s
          ON s.tenant_id = p.tenant_id AND s.resource_id = p.provider_id AND zone_as_of.on_date BETWEEN s.from_on AND s.until_on
         AND s.created_at <= zone_as_of.as_of AND (s.retired_at IS NULL OR s.retired_at > zone_as_of.as_of)
        WHERE p.tenant_id = zone_as_of.tenant_id AND p.provider_id = zone_as_of.provider_id
        ORDER BY s.created_at DESC NULLS LAST
        LIMIT 1);
END
$$;
COMMENT ON FUNCTION clinic_private.zone_as_of(uuid, uuid, date, timestamptz) IS
    'Returns the zone a provider is in on a date, by the stays as they were known at an instant.';
REVOKE ALL ON FUNCTION clinic_private.zone_as_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.zone_as_of TO clinic_owner;

-- The last event of each appointment that was ever planned at the provider on the day says where it was then, and of a hold or a
-- request when it was to die: whether somebody has cleared it away since, and when, changes nothing.
CREATE FUNCTION clinic_private.provider_day(tenant_id uuid, provider_id uuid, on_date date, as_of timestamptz,
    OUT time_zone text, OUT begins timestamptz, OUT ends timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    provider_day.time_zone := clinic_private.zone_as_of(provider_day.tenant_id, provider_day.provider_id, provider_day.on_date, provider_day.as_of);
    provider_day.begins := clinic_private.day_start(provider_day.on_date, provider_day.time_zone);
    provider_day.ends := clinic_private.day_start(provider_day.on_date + 1, provider_day.time_zone);
END
$$;
COMMENT ON FUNCTION clinic_private.provider_day(uuid, uuid, date, timestamptz) IS
    'Returns the zone a provider is in on a local date, and when that date begins and ends there, by the stays as they were known at an instant.';
REVOKE ALL ON FUNCTION clinic_private.provider_day FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.provider_day TO clinic_owner;

CREATE FUNCTION clinic.diary_as_of(provider_id uuid, on_date date, as_of timestamptz)
    RETURNS TABLE (
        kind text,
        starts_at timestamptz,
        ends_at timestamptz,
        local_start timestamp,
        local_end timestamp,
        time_zone text,
        location_id uuid,
        appointment_id uuid,
        status text,
        service_id uuid,
        patient_id uuid,
        source_id uuid)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission(
        CASE WHEN diary_as_of.provider_id = clinic.current_provider_id() THEN 'appointments:read:own' ELSE 'appointments:read' END);
    day record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'provider_id', diary_as_of.provider_id, 'on_date', diary_as_of.on_date, 'as_of', diary_as_of.as_of));
    PERFORM clinic_private.require_row('provider', diary_as_of.provider_id);
    IF NOT isfinite(diary_as_of.on_date) THEN
        PERFORM clinic_private.refuse_argument('on_date', 'on_date must be finite');
    END IF;
    SELECT d.* INTO day
    FROM clinic_private.provider_day(tenant, diary_as_of.provider_id, diary_as_of.on_date, diary_as_of.as_of) AS d;
    RETURN QUERY
    WITH planned AS (
        SELECT DISTINCT e.subject_id
        FROM clinic_data.events AS e
        WHERE e.tenant_id = tenant AND e.provider_id = diary_as_of.provider_id AND e.name LIKE 'appointment.%'
          -- No visit is longer than a week.
          AND e.starts_at > day.begins - interval '168 hours' AND e.starts_at < day.ends AND e.occurred_at <= diary_as_of.as_of
    ), known AS (
        SELECT l.*
        FROM planned AS p
        CROSS JOIN LATERAL (
            SELECT e.subject_id, e.status, e.service_id, e.provider_id, e.location_id, e.patient_id, e.starts_at, e.ends_at,
                   (e.data ->> 'expires_at')::timestamptz AS expires_at
            FROM clinic_data.events AS e
            WHERE e.tenant_id = tenant AND e.subject_id = p.subject_id AND e.name LIKE 'appointment.%'
              AND e.occurred_at <= diary_as_of.as_of
            ORDER BY e.sequence DESC, e.event_id DESC
            LIMIT 1) AS l
    ), entries AS (
        SELECT 'booked' AS kind, k.starts_at, k.ends_at, k.location_id, k.subject_id AS appointment_id, k.status, k.service_id,
               k.patient_id, NULL::uuid AS source_id, 2 AS place
        FROM known AS k
        WHERE k.provider_id = diary_as_of.provider_id AND k.starts_at < day.ends AND k.ends_at > day.begins
          AND k.status NOT IN ('cancelled', 'expired')
          AND coalesce(k.expires_at > diary_as_of.as_of, true)
          AND clinic_private.sees_appointment(k.patient_id, k.provider_id, k.location_id)
        UNION ALL
        SELECT h.kind, h.starts_at, h.ends_at, h.location_id, NULL, NULL, NULL, NULL, h.source_id, CASE h.kind WHEN 'hours' THEN 0 ELSE 1 END
        FROM clinic_private.hours_as_of(diary_as_of.provider_id, day.begins, day.ends, diary_as_of.as_of) AS h
        WHERE h.starts_at < day.ends AND h.ends_at > day.begins
    )
    SELECT n.kind, n.starts_at, n.ends_at, n.starts_at AT TIME ZONE day.time_zone, n.ends_at AT TIME ZONE day.time_zone, day.time_zone, n.location_id,
           n.appointment_id, n.status, n.service_id, n.patient_id, n.source_id
    FROM entries AS n
    ORDER BY n.place, n.starts_at, n.appointment_id, n.source_id;
END
$$;
ALTER FUNCTION clinic.diary_as_of OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.diary_as_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.diary_as_of TO clinic_user;
COMMENT ON FUNCTION clinic.diary_as_of IS
    'Returns what the hours, the blocks and the appointments of a provider on a local day were, as they were known at an instant. Needs appointments:read, or its scope own for the caller''s own provider.
on_date: a date in the zone where the provider was to be (time_zone, that of a stay known then, else the home zone); as_of: the instant; what was made then or before counts, what was retired, moved or cancelled by then does not.
kind: hours (an opening window), block or booked; status: of the appointment then; source_id: the rule or override of hours, the block of a block. Appointments that the caller may not see are left out. Ordered by kind (hours, blocks, booked) and start.
Errors: no_context, forbidden, not_found, 22004, 22008, 22023.';
