-- The diary to look at: day sheets as rows and as text, and the calendar of several providers.

CREATE FUNCTION clinic_private.day_start(on_date date, time_zone text)
    RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- AT TIME ZONE would take the second of two midnights.
    SELECT clinic.local_instant(day_start.on_date::timestamp, day_start.time_zone, gap => 'shift')
$$;
COMMENT ON FUNCTION clinic_private.day_start(date, text) IS
    'Returns the first instant of a local date: midnight, or where the clock resumes when there is no midnight.';
REVOKE ALL ON FUNCTION clinic_private.day_start FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.day_start TO clinic_owner;

CREATE FUNCTION clinic_private.utc_offset(at timestamptz, time_zone text)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN o.seconds < 0 THEN '-' ELSE '+' END
           || to_char(abs(o.seconds) / 3600, 'FM00') || ':' || to_char(abs(o.seconds) % 3600 / 60, 'FM00')
    FROM (SELECT extract(epoch FROM (utc_offset.at AT TIME ZONE utc_offset.time_zone)
                                    - (utc_offset.at AT TIME ZONE 'Etc/UTC'))::integer AS seconds) AS o
$$;
COMMENT ON FUNCTION clinic_private.utc_offset(timestamptz, text) IS
    'Returns the zone''s offset from UTC at an instant, such as -04:00 or +05:30.';
REVOKE ALL ON FUNCTION clinic_private.utc_offset FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.utc_offset TO clinic_owner;

CREATE FUNCTION clinic_private.zone_on(provider_id uuid, on_date date)
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
          ON s.tenant_id = p.tenant_id AND s.resource_id = p.provider_id AND s.retired_at IS NULL
             AND zone_on.on_date BETWEEN s.from_on AND s.until_on
        WHERE p.tenant_id = clinic.current_tenant_id() AND p.provider_id = zone_on.provider_id
        ORDER BY s.stay_id LIMIT 1);
END
$$;
COMMENT ON FUNCTION clinic_private.zone_on(uuid, date) IS
    'Returns the zone a provider is in on a date: that of a stay, else the home zone.';
REVOKE ALL ON FUNCTION clinic_private.zone_on FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.zone_on TO clinic_owner;

CREATE FUNCTION clinic_private.palette_color(id uuid)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (ARRAY['#2f6fb0', '#c2571a', '#3d8b40', '#8e4aa8', '#b8336a', '#00838f',
                  '#7a6a00', '#5d4fc4', '#a23b2a', '#1f7a66', '#6b5b4b', '#44617b'])
           [1 + get_byte(uuid_send(palette_color.id), 15) % 12]
$$;
COMMENT ON FUNCTION clinic_private.palette_color(uuid) IS
    'Returns one of twelve colours that white text can be read on, always the same for an id.';
REVOKE ALL ON FUNCTION clinic_private.palette_color FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.palette_color TO clinic_owner;

CREATE FUNCTION clinic_private.require_diary_reader()
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF clinic.has_permission('schedules:write') OR clinic.has_permission('appointments:write')
       OR clinic.has_permission('setup:write') THEN
        RETURN clinic.current_tenant_id();
    END IF;
    RETURN clinic_private.require_permission('appointments:read');
END
$$;
COMMENT ON FUNCTION clinic_private.require_diary_reader() IS
    'Returns the tenant of the context for staff: whoever may read the diary, and whoever may change it, who see busy time only.
Errors: no_context, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_diary_reader FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_diary_reader TO clinic_owner;

-- What stands in the diary of some providers, each thing with its own extent. Appointments that the caller may not read
-- (row security decides) appear through their claims, as busy time without any identity.
CREATE FUNCTION clinic_private.diary_entries(
    tenant uuid,
    provider_ids uuid[],
    range_start timestamptz,
    range_end timestamptz)
    RETURNS TABLE (
        provider_id uuid,
        kind text,
        starts_at timestamptz,
        ends_at timestamptz,
        buffer_before interval,
        buffer_after interval,
        location_id uuid,
        service_id uuid,
        appointment_id uuid,
        confirmation_code text,
        patient_id uuid,
        status text,
        block_id uuid,
        title text,
        partial boolean)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN QUERY
    -- The windows of one location that overlap or touch are one.
    WITH windows AS MATERIALIZED (
        SELECT merged.resource_id, merged.location_id, span.span
        FROM (
            SELECT oh.resource_id, oh.location_id, range_agg(tstzrange(oh.starts_at, oh.ends_at)) AS spans
            FROM clinic.open_hours(
                resource_ids => diary_entries.provider_ids,
                range_start => diary_entries.range_start,
                range_end => diary_entries.range_end) AS oh
            GROUP BY oh.resource_id, oh.location_id
        ) AS merged
        CROSS JOIN LATERAL unnest(merged.spans) AS span (span)
    )
    SELECT w.resource_id, 'available'::text, lower(w.span), upper(w.span), interval '0', interval '0',
           w.location_id, NULL::uuid, NULL::uuid, NULL::text, NULL::uuid, NULL::text, NULL::uuid, NULL::text, false
    FROM windows AS w

    UNION ALL
    SELECT a.provider_id, 'booked', a.starts_at, a.ends_at,
           CASE WHEN occupying.yes THEN make_interval(mins => coalesce(ar.buffer_before_minutes, 0)) ELSE interval '0' END,
           CASE WHEN occupying.yes THEN make_interval(mins => coalesce(ar.buffer_after_minutes, 0)) ELSE interval '0' END,
           a.location_id, a.service_id, a.appointment_id, a.confirmation_code, a.patient_id, a.status, NULL, NULL, false
    FROM clinic_data.appointments AS a
    CROSS JOIN LATERAL (SELECT a.status NOT IN ('completed', 'no_show') AS yes) AS occupying
    LEFT JOIN clinic_data.appointment_resources AS ar
      ON ar.tenant_id = a.tenant_id AND ar.appointment_id = a.appointment_id AND ar.resource_id = a.provider_id
    WHERE a.tenant_id = diary_entries.tenant
      AND a.provider_id = ANY (diary_entries.provider_ids)
      AND a.status <> 'cancelled' AND coalesce(a.expires_at > clinic.now(), true)
      -- No claim is longer than ten days, buffers are up to one: the index is read from there on.
      AND a.starts_at > diary_entries.range_start - interval '264:00'
      AND a.starts_at < diary_entries.range_end + interval '24:00'
      AND a.ends_at + make_interval(mins => coalesce(ar.buffer_after_minutes, 0)) > diary_entries.range_start
      AND a.starts_at - make_interval(mins => coalesce(ar.buffer_before_minutes, 0)) < diary_entries.range_end

    UNION ALL
    SELECT c.resource_id, 'booked', c.starts_at, c.ends_at, c.starts_at - lower(c.during), upper(c.during) - c.ends_at,
           c.location_id, g.service_id, NULL, NULL, NULL,
           CASE WHEN c.appointment_id IS NULL THEN CASE c.kind WHEN 'pending' THEN 'pending' WHEN 'session' THEN 'session' ELSE 'held' END END,
           NULL, CASE WHEN g.session_id IS NOT NULL THEN
               format('%s: %s of %s seats taken', coalesce(g.title, s.name), clinic_private.taken_seats(g.session_id), g.capacity) END, false
    FROM clinic_data.claims AS c
    LEFT JOIN clinic_data.group_sessions AS g ON c.kind = 'session' AND g.tenant_id = c.tenant_id AND g.session_id = c.owner_id
    LEFT JOIN clinic_data.services AS s ON s.tenant_id = g.tenant_id AND s.service_id = g.service_id
    WHERE c.tenant_id = diary_entries.tenant
      AND c.resource_id = ANY (diary_entries.provider_ids)
      AND c.during && tstzrange(diary_entries.range_start, diary_entries.range_end)
      AND (c.expires_at IS NULL OR c.expires_at > clinic.now())
      AND NOT EXISTS (
          SELECT FROM clinic_data.appointments AS a
          WHERE a.tenant_id = c.tenant_id AND a.appointment_id = c.appointment_id)

    UNION ALL
    SELECT bt.resource_id, bt.kind, bt.starts_at, bt.ends_at, interval '0', interval '0', b.location_id, NULL, NULL, NULL,
           CASE WHEN clinic.has_permission('appointments:read') THEN bt.patient_id END,
           CASE WHEN b.patient_id IS NOT NULL THEN 'kept' END,
           bt.block_id, bt.title, b.service_ids IS NOT NULL
    FROM clinic.blocked_times(
        resource_ids => diary_entries.provider_ids,
        range_start => diary_entries.range_start,
        range_end => diary_entries.range_end) AS bt
    LEFT JOIN clinic_data.blocks AS b ON b.tenant_id = diary_entries.tenant AND b.block_id = bt.block_id
    -- A block for everybody at a location concerns those who are there.
    WHERE b.resource_id IS NOT NULL
       OR EXISTS (SELECT FROM windows AS w
                  WHERE w.resource_id = bt.resource_id AND w.location_id = b.location_id
                    AND w.span && tstzrange(bt.starts_at, bt.ends_at));
END
$$;
COMMENT ON FUNCTION clinic_private.diary_entries(uuid, uuid[], timestamptz, timestamptz) IS
    'Returns what touches a span of time in the diary of some providers: hours, bookings, blocks.
kind: available, booked, or the kind of the block; partial: the block counts for some services only.';
REVOKE ALL ON FUNCTION clinic_private.diary_entries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.diary_entries TO clinic_owner;

CREATE FUNCTION clinic_private.diary_providers(tenant uuid, provider_ids uuid[])
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF diary_providers.provider_ids IS NOT NULL THEN
        PERFORM clinic_private.require_arguments(jsonb_build_object('provider_ids', p.id)),
                clinic_private.require_row('provider', p.id)
        FROM unnest(diary_providers.provider_ids) AS p (id);
        RETURN ARRAY(SELECT DISTINCT p.id FROM unnest(diary_providers.provider_ids) AS p (id));
    END IF;
    RETURN ARRAY(
        SELECT r.resource_id
        FROM clinic_data.resources AS r
        WHERE r.tenant_id = diary_providers.tenant AND r.kind = 'provider' AND r.status = 'active'
        ORDER BY r.resource_id);
END
$$;
COMMENT ON FUNCTION clinic_private.diary_providers(uuid, uuid[]) IS
    'Returns the providers a diary is about: those given, each checked, or all active ones. Errors: not_found, 22004.';
REVOKE ALL ON FUNCTION clinic_private.diary_providers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.diary_providers TO clinic_owner;

CREATE FUNCTION clinic_private.day_sheet(tenant uuid, on_date date, for_provider uuid, for_location uuid)
    RETURNS TABLE (
        provider_id uuid,
        provider text,
        kind text,
        starts_at timestamptz,
        ends_at timestamptz,
        local_start timestamp,
        local_end timestamp,
        utc_offset text,
        time_zone text,
        location_id uuid,
        location text,
        label text,
        appointment_id uuid,
        confirmation_code text,
        service text,
        patient_id uuid,
        patient text,
        status text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    providers uuid[];
    first_at timestamptz;
    last_at timestamptz;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('on_date', day_sheet.on_date));
    IF day_sheet.on_date NOT BETWEEN '0002-01-01' AND '9998-12-31' THEN
        PERFORM clinic_private.refuse_argument('on_date', 'on_date must be a date of the years 2 to 9998');
    END IF;
    providers := clinic_private.diary_providers(tenant, CASE WHEN for_provider IS NOT NULL THEN ARRAY[for_provider] END);
    IF for_location IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', for_location);
    END IF;
    -- Wide enough for the date in every zone; each provider's own day is cut out below.
    first_at := day_sheet.on_date::timestamp AT TIME ZONE 'Etc/UTC' - interval '28:00';
    last_at := day_sheet.on_date::timestamp AT TIME ZONE 'Etc/UTC' + interval '56:00';

    RETURN QUERY
    WITH days AS MATERIALIZED (
        SELECT z.provider_id, z.name, z.zone,
               clinic_private.day_start(day_sheet.on_date, z.zone) AS opens,
               clinic_private.day_start(day_sheet.on_date + 1, z.zone) AS closes
        FROM (
            SELECT r.resource_id AS provider_id, r.name,
                   coalesce(clinic_private.time_zone_of_location(for_location),
                            clinic_private.zone_on(r.resource_id, day_sheet.on_date)) AS zone
            FROM clinic_data.resources AS r
            WHERE r.tenant_id = day_sheet.tenant AND r.resource_id = ANY (providers)
        ) AS z
    ),
    entries AS MATERIALIZED (
        SELECT e.*, d.opens, d.closes,
               tstzrange(e.starts_at - e.buffer_before, e.ends_at + e.buffer_after) AS taken,
               for_location IS NULL OR e.location_id = for_location AS here
        FROM clinic_private.diary_entries(tenant, providers, first_at, last_at) AS e
        JOIN days AS d ON d.provider_id = e.provider_id
        WHERE e.starts_at - e.buffer_before < d.closes AND e.ends_at + e.buffer_after > d.opens
    ),
    shown AS (
        SELECT d.*
        FROM days AS d
        WHERE for_provider IS NOT NULL
           OR EXISTS (SELECT FROM entries AS e
                      WHERE e.provider_id = d.provider_id AND e.here AND e.kind IN ('available', 'booked'))
    ),
    taken AS (
        SELECT d.provider_id,
               coalesce(range_agg(e.taken) FILTER (WHERE e.kind <> 'available'
                                                     AND NOT e.partial
                                                     AND (e.kind = 'booked' OR e.here OR e.location_id IS NULL)), '{}') AS busy,
               coalesce(range_agg(e.taken) FILTER (WHERE e.kind = 'available' AND e.here), '{}') AS open
        FROM days AS d
        LEFT JOIN entries AS e ON e.provider_id = d.provider_id
        GROUP BY d.provider_id
    ),
    lines AS (
        SELECT e.provider_id, 1 AS rank, 'hours'::text AS kind, e.starts_at, e.ends_at, e.location_id, NULL::text AS label,
               NULL::uuid AS appointment_id, NULL::text AS confirmation_code, NULL::uuid AS service_id,
               NULL::uuid AS patient_id, NULL::text AS status
        FROM entries AS e
        WHERE e.kind = 'available' AND e.here
        UNION ALL
        SELECT e.provider_id, 3, 'booked', e.starts_at, e.ends_at, e.location_id,
               CASE WHEN e.appointment_id IS NULL THEN coalesce(e.title, e.status, 'busy') END,
               e.appointment_id, e.confirmation_code, e.service_id, e.patient_id, coalesce(e.status, 'booked')
        FROM entries AS e
        WHERE e.kind = 'booked' AND e.here AND e.starts_at < e.closes AND e.ends_at > e.opens
        UNION ALL
        SELECT DISTINCT e.provider_id, 3, 'blocked', greatest(e.starts_at, e.opens), least(e.ends_at, e.closes), e.location_id,
               'elsewhere', NULL::uuid, NULL, NULL::uuid, NULL::uuid, NULL
        FROM entries AS e
        WHERE e.kind = 'booked' AND NOT e.here AND e.starts_at < e.closes AND e.ends_at > e.opens
        UNION ALL
        SELECT e.provider_id, side.rank, 'buffer', greatest(side.starts_at, e.opens), least(side.ends_at, e.closes),
               e.location_id, side.label, e.appointment_id, NULL, NULL, NULL, NULL
        FROM entries AS e
        CROSS JOIN LATERAL (VALUES (2, e.starts_at - e.buffer_before, e.starts_at, 'before'),
                                   (4, e.ends_at, e.ends_at + e.buffer_after, 'after'))
                           AS side (rank, starts_at, ends_at, label)
        WHERE e.kind = 'booked' AND side.starts_at < side.ends_at
          AND side.starts_at < e.closes AND side.ends_at > e.opens
        UNION ALL
        SELECT e.provider_id, 5, 'blocked', greatest(e.starts_at, e.opens), least(e.ends_at, e.closes), e.location_id,
               coalesce(e.title, CASE WHEN e.status = 'kept' THEN 'kept for a patient' ELSE e.kind END)
               || CASE WHEN e.partial THEN ' (some services)' ELSE '' END,
               NULL, NULL, NULL, e.patient_id, e.kind
        FROM entries AS e
        WHERE e.kind NOT IN ('available', 'booked') AND (e.here OR e.location_id IS NULL)
        UNION ALL
        SELECT free.provider_id, 6, 'free', lower(free.span), upper(free.span), free.location_id, NULL, NULL, NULL, NULL, NULL, NULL
        FROM (
            -- A block of one location leaves the hours at another alone; a visit does not.
            SELECT e.provider_id, e.location_id,
                   unnest(range_agg(tstzrange(greatest(e.starts_at, e.opens), least(e.ends_at, e.closes)))
                          - coalesce((SELECT range_agg(o.taken)
                                      FROM entries AS o
                                      WHERE o.provider_id = e.provider_id AND o.kind <> 'available' AND NOT o.partial
                                        AND (o.kind = 'booked' OR o.location_id IS NULL OR o.location_id = e.location_id)),
                                     '{}')) AS span
            FROM entries AS e
            WHERE e.kind = 'available' AND e.here AND e.starts_at < e.closes AND e.ends_at > e.opens
            GROUP BY e.provider_id, e.location_id
        ) AS free
        UNION ALL
        SELECT d.provider_id, 7, 'outside', lower(o.span), upper(o.span), NULL, NULL, NULL, NULL, NULL, NULL, NULL
        FROM shown AS d
        JOIN taken AS t ON t.provider_id = d.provider_id
        CROSS JOIN LATERAL unnest(tstzmultirange(tstzrange(d.opens, d.closes)) - t.busy - t.open) AS o (span)
    )
    SELECT d.provider_id, d.name, n.kind, n.starts_at, n.ends_at,
           n.starts_at AT TIME ZONE d.zone, n.ends_at AT TIME ZONE d.zone,
           clinic_private.utc_offset(n.starts_at, d.zone), d.zone,
           n.location_id, l.name, coalesce(n.label, s.name, CASE n.kind WHEN 'hours' THEN l.name END),
           n.appointment_id, n.confirmation_code, s.name, n.patient_id, p.name, n.status
    FROM shown AS d
    JOIN lines AS n ON n.provider_id = d.provider_id
    LEFT JOIN clinic_data.locations AS l ON l.tenant_id = day_sheet.tenant AND l.location_id = n.location_id
    LEFT JOIN clinic_data.services AS s ON s.tenant_id = day_sheet.tenant AND s.service_id = n.service_id
    LEFT JOIN clinic_data.patients AS p ON p.tenant_id = day_sheet.tenant AND p.patient_id = n.patient_id
    ORDER BY d.name, d.provider_id, n.kind <> 'hours', n.starts_at, n.rank, n.ends_at, n.appointment_id, n.location_id;
END
$$;
COMMENT ON FUNCTION clinic_private.day_sheet(uuid, date, uuid, uuid) IS
    'Returns the rows of clinic.day_sheet for a tenant.';
REVOKE ALL ON FUNCTION clinic_private.day_sheet FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.day_sheet TO clinic_owner;

CREATE FUNCTION clinic.day_sheet(
    on_date date,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL)
    RETURNS TABLE (
        provider_id uuid,
        provider text,
        kind text,
        starts_at timestamptz,
        ends_at timestamptz,
        local_start timestamp,
        local_end timestamp,
        utc_offset text,
        time_zone text,
        location_id uuid,
        location text,
        label text,
        appointment_id uuid,
        confirmation_code text,
        service text,
        patient_id uuid,
        patient text,
        status text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT s.*
    FROM clinic_private.day_sheet(clinic_private.require_diary_reader(), $1, $2, $3) AS s
$$;
ALTER FUNCTION clinic.day_sheet OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.day_sheet FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.day_sheet TO clinic_user;
COMMENT ON FUNCTION clinic.day_sheet IS
    'Returns a local day of the diary, by provider, hours first, then in order of time and without gaps. For staff.
on_date: the date; provider_id: one provider, null for all who have hours or visits that day; location_id: only what concerns a
location, null for all. The day is that of the location''s zone where one is given, else of the zone the provider is in.
kind: hours (an opening window, in full, also where it reaches into another day), booked (a visit, in full), buffer, blocked
(label says what: leave, a break, a visit elsewhere), free, outside (neither open nor taken); the last four end with the day.
Without appointments:read, visits appear as busy, without service, code or patient.
Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic_private.sheet_time(local_time timestamp, on_date date)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN sheet_time.local_time::date = sheet_time.on_date THEN to_char(sheet_time.local_time, 'HH24:MI')
        WHEN sheet_time.local_time = sheet_time.on_date + 1 THEN '24:00'
        ELSE to_char(sheet_time.local_time, 'HH24:MI Dy')
    END
$$;
COMMENT ON FUNCTION clinic_private.sheet_time(timestamp, date) IS
    'Returns a time of day for a day sheet, with the weekday where it is not that of the sheet.';
REVOKE ALL ON FUNCTION clinic_private.sheet_time FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.sheet_time TO clinic_owner;

CREATE FUNCTION clinic_private.day_sheet_text(on_date date, for_provider uuid, for_location uuid)
    RETURNS SETOF text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    sheet record;
    line record;
    first boolean := true;
BEGIN
    FOR sheet IN
        SELECT s.provider_id, s.provider, s.time_zone,
               string_agg(clinic_private.sheet_time(s.local_start, on_date) || '–' ||
                          clinic_private.sheet_time(s.local_end, on_date) || ' ' || coalesce(s.location, ''), ', '
                          ORDER BY s.starts_at) FILTER (WHERE s.kind = 'hours') AS hours,
               min(s.starts_at) FILTER (WHERE s.kind NOT IN ('hours', 'outside')) AS begins,
               max(s.ends_at) FILTER (WHERE s.kind NOT IN ('hours', 'outside')) AS ends,
               max(length(clinic_private.sheet_time(s.local_start, on_date))) FILTER (WHERE s.kind <> 'hours') AS start_width,
               max(length(clinic_private.sheet_time(s.local_end, on_date))) FILTER (WHERE s.kind <> 'hours') AS end_width,
               min(s.utc_offset) FILTER (WHERE s.kind <> 'hours') AS an_offset,
               count(DISTINCT s.utc_offset) FILTER (WHERE s.kind <> 'hours') > 1 AS shifts
        FROM clinic.day_sheet(day_sheet_text.on_date, for_provider, for_location) AS s
        GROUP BY s.provider_id, s.provider, s.time_zone
        ORDER BY s.provider, s.provider_id
    LOOP
        IF NOT first THEN
            RETURN NEXT '';
        END IF;
        first := false;
        RETURN NEXT format('%s · %s · %s%s', sheet.provider, to_char(day_sheet_text.on_date, 'FMDay FMDD FMMonth YYYY'),
                           sheet.time_zone, CASE WHEN sheet.shifts THEN ' · the clock changes' ELSE ' ' || sheet.an_offset END);
        RETURN NEXT format('hours: %s', coalesce(sheet.hours, 'none'));
        FOR line IN
            SELECT s.*
            FROM clinic.day_sheet(day_sheet_text.on_date, sheet.provider_id, for_location) AS s
            WHERE s.kind <> 'hours' AND s.starts_at < sheet.ends AND s.ends_at > sheet.begins
        LOOP
            RETURN NEXT rtrim(format('  %s – %s%s %s %s %s %s %s %s',
                rpad(clinic_private.sheet_time(line.local_start, on_date), sheet.start_width),
                rpad(clinic_private.sheet_time(line.local_end, on_date), sheet.end_width),
                CASE WHEN sheet.shifts THEN ' ' || line.utc_offset ELSE '' END,
                CASE line.kind WHEN 'booked' THEN '█' WHEN 'buffer' THEN '▒' WHEN 'blocked' THEN '░' WHEN 'free' THEN '·' ELSE ' ' END,
                rpad(CASE line.kind WHEN 'outside' THEN 'closed' ELSE line.kind END, 8),
                rpad(coalesce(line.label, ''), 24),
                rpad(coalesce(line.patient, ''), 22),
                rpad(coalesce(line.confirmation_code, ''), 9),
                CASE WHEN line.kind = 'booked' THEN line.status ELSE '' END));
        END LOOP;
    END LOOP;
    IF first THEN
        RETURN NEXT 'nobody has hours or visits on that date';
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.day_sheet_text(date, uuid, uuid) IS 'Returns the lines of clinic.day_sheet_text.';
REVOKE ALL ON FUNCTION clinic_private.day_sheet_text FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.day_sheet_text TO clinic_owner;

CREATE FUNCTION clinic.day_sheet_text(
    on_date date,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL)
    RETURNS SETOF text
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT t.line
    FROM clinic_private.day_sheet_text($1, $2, $3) AS t (line)
$$;
ALTER FUNCTION clinic.day_sheet_text OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.day_sheet_text FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.day_sheet_text TO clinic_user;
COMMENT ON FUNCTION clinic.day_sheet_text IS
    'Returns clinic.day_sheet as lines of text for a terminal, best shown by psql with \pset format unaligned and \pset tuples_only.
on_date, provider_id, location_id: as there. A time on another day carries its weekday; when the clock changes, every line its
offset from UTC. Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic_private.calendar(
    tenant uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_ids uuid[],
    for_location uuid)
    RETURNS TABLE (
        provider_id uuid,
        provider text,
        kind text,
        starts_at timestamptz,
        ends_at timestamptz,
        local_start timestamp,
        local_end timestamp,
        utc_offset text,
        time_zone text,
        location_id uuid,
        location text,
        title text,
        color text,
        status text,
        appointment_id uuid,
        confirmation_code text,
        service_id uuid,
        patient_id uuid,
        patient text,
        block_id uuid)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    providers uuid[];
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'range_start', calendar.range_start, 'range_end', calendar.range_end));
    IF NOT isfinite(calendar.range_start) OR NOT isfinite(calendar.range_end) THEN
        PERFORM clinic_private.refuse_argument('range_start, range_end', 'a range needs finite ends');
    END IF;
    IF calendar.range_start < '0002-01-01 00:00Z' OR calendar.range_end > '9999-01-01 00:00Z' THEN
        PERFORM clinic_private.refuse_argument('range_start, range_end', 'a range must lie in the years 2 to 9998');
    END IF;
    IF calendar.range_end <= calendar.range_start THEN
        PERFORM clinic_private.refuse_argument('range_end', 'the end of the range is not after its start');
    END IF;
    -- 92 local days, one of which may have 25 hours.
    IF calendar.range_end - calendar.range_start > interval '2209:00' THEN
        PERFORM clinic_private.refuse_argument('range_end', 'the range is longer than 92 days',
            format('It is %s days long.', ceil(extract(epoch FROM calendar.range_end - calendar.range_start) / 86400)),
            'Ask for a shorter range, several times if need be.', 'limit_exceeded');
    END IF;
    providers := clinic_private.diary_providers(tenant, calendar.provider_ids);
    IF for_location IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', for_location);
    END IF;

    RETURN QUERY
    WITH entries AS MATERIALIZED (
        SELECT d.*
        FROM clinic_private.diary_entries(tenant, providers, calendar.range_start, calendar.range_end) AS d
    )
    SELECT e.provider_id, r.name,
           CASE e.kind WHEN 'booked' THEN CASE WHEN e.appointment_id IS NULL THEN 'busy' ELSE 'appointment' END ELSE e.kind END,
           e.starts_at, e.ends_at, e.starts_at AT TIME ZONE z.zone, e.ends_at AT TIME ZONE z.zone,
           clinic_private.utc_offset(e.starts_at, z.zone), z.zone, e.location_id, l.name,
           coalesce(e.title, s.name, CASE WHEN e.status = 'kept' THEN 'kept for a patient' END),
           CASE e.kind
               WHEN 'available' THEN coalesce(r.color, clinic_private.palette_color(e.provider_id))
               WHEN 'booked' THEN coalesce(s.color, clinic_private.palette_color(e.service_id), '#757575')
               WHEN 'leave' THEN '#9e9e9e'
               WHEN 'break' THEN '#bcaaa4'
               WHEN 'external' THEN '#90a4ae'
               ELSE '#757575'
           END,
           CASE WHEN e.kind = 'booked' THEN e.status END,
           e.appointment_id, e.confirmation_code, e.service_id, e.patient_id, p.name, e.block_id
    FROM entries AS e
    JOIN clinic_data.resources AS r ON r.tenant_id = calendar.tenant AND r.resource_id = e.provider_id
    LEFT JOIN clinic_data.locations AS l ON l.tenant_id = calendar.tenant AND l.location_id = e.location_id
    LEFT JOIN clinic_data.services AS s ON s.tenant_id = calendar.tenant AND s.service_id = e.service_id
    LEFT JOIN clinic_data.patients AS p ON p.tenant_id = calendar.tenant AND p.patient_id = e.patient_id
    CROSS JOIN LATERAL (SELECT coalesce(l.time_zone::text, clinic_private.home_zone(e.provider_id)) AS zone) AS z
    WHERE (for_location IS NULL OR e.location_id = for_location
           -- What blocks a provider everywhere, for those who are to be seen at the location at all.
           OR (e.block_id IS NOT NULL AND e.location_id IS NULL
               AND EXISTS (SELECT FROM entries AS o
                           WHERE o.provider_id = e.provider_id AND o.location_id = for_location)))
      AND e.starts_at < calendar.range_end AND e.ends_at > calendar.range_start
    ORDER BY r.name, e.provider_id, e.starts_at, e.ends_at, e.kind, e.appointment_id, e.block_id, e.location_id;
END
$$;
COMMENT ON FUNCTION clinic_private.calendar(uuid, timestamptz, timestamptz, uuid[], uuid) IS
    'Returns the rows of clinic.calendar for a tenant.';
REVOKE ALL ON FUNCTION clinic_private.calendar FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.calendar TO clinic_owner;

CREATE FUNCTION clinic.calendar(
    range_start timestamptz,
    range_end timestamptz,
    provider_ids uuid[] DEFAULT NULL,
    location_id uuid DEFAULT NULL)
    RETURNS TABLE (
        provider_id uuid,
        provider text,
        kind text,
        starts_at timestamptz,
        ends_at timestamptz,
        local_start timestamp,
        local_end timestamp,
        utc_offset text,
        time_zone text,
        location_id uuid,
        location text,
        title text,
        color text,
        status text,
        appointment_id uuid,
        confirmation_code text,
        service_id uuid,
        patient_id uuid,
        patient text,
        block_id uuid)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT c.*
    FROM clinic_private.calendar(clinic_private.require_diary_reader(), $1, $2, $3, $4) AS c
$$;
ALTER FUNCTION clinic.calendar OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.calendar FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.calendar TO clinic_user;
COMMENT ON FUNCTION clinic.calendar IS
    'Returns what stands in the diary of several providers between two instants, in one call, for a calendar to draw. For staff.
range_start, range_end: half-open, at most 92 days; whatever touches the range comes in full; provider_ids: null for all active
providers; location_id: only what concerns a location, null for all.
kind: available (an opening window), appointment, busy (a visit the caller may not read, a hold, or a group session, with its seats in the title), block, leave, break, external.
local_start, local_end: in time_zone, which is the location''s, else the provider''s; color: #rrggbb of the service or provider,
else one of a palette, always the same. Ordered by provider and time. Without appointments:read, visits appear as busy.
Errors: no_context, forbidden, not_found, 22004, 22023, 54000 for a longer range.';
