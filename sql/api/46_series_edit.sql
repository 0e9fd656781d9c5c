-- Moving series, and giving them another provider, place, length or rule.

-- One date alone: moved, or booked after all where it was skipped. What is meant for it by the series stays.
CREATE FUNCTION clinic_private.edit_date(arguments jsonb, series jsonb, target jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := jsonb_strip_nulls(edit_date.arguments);
    zone text := edit_date.series ->> 'time_zone';
    gap text := coalesce(a ->> 'gap', edit_date.series ->> 'gap');
    wishes jsonb := jsonb_strip_nulls(clinic_private.series_template(a) - '{service_id,patient_id}'::text[]);
    answer jsonb;
BEGIN
    IF edit_date.target ->> 'appointment_id' IS NULL THEN
        answer := clinic_private.series_call('book', clinic_private.series_template(edit_date.series) || '{"override": false, "overbook": false}' || wishes
            || jsonb_build_object('starts_at', clinic.local_instant(
                coalesce((a ->> 'local_starts_at')::timestamp, (edit_date.target ->> 'local_starts_at')::timestamp), zone, NULL, gap)));
        UPDATE clinic_data.series_appointments AS e
        SET outcome = 'booked', reason = NULL, alternatives = NULL,
            appointment_id = (answer ->> 'appointment_id')::uuid,
            ends_at = e.starts_at + ((answer ->> 'ends_at')::timestamptz - (answer ->> 'starts_at')::timestamptz),
            provider_id = (answer ->> 'provider_id')::uuid,
            location_id = (answer ->> 'location_id')::uuid,
            resource_ids = clinic_private.ids_of(answer -> 'resource_ids')
        WHERE e.tenant_id = clinic.current_tenant_id() AND e.entry_id = (edit_date.target ->> 'entry_id')::uuid;
    ELSE
        answer := clinic_private.series_call('reschedule', wishes || jsonb_build_object(
            'appointment_id', edit_date.target -> 'appointment_id',
            'starts_at', CASE WHEN a ? 'local_starts_at' THEN clinic.local_instant((a ->> 'local_starts_at')::timestamp, zone, NULL, gap)
                              ELSE (edit_date.target ->> 'actual_starts_at')::timestamptz END));
    END IF;
    RETURN (answer - '{replayed,time_zone}'::text[]) || jsonb_build_object(
        'local_original_start', edit_date.target -> 'local_original_start', 'local_starts_at', (answer ->> 'starts_at')::timestamptz AT TIME ZONE zone,
        'outcome', CASE WHEN edit_date.target ->> 'appointment_id' IS NULL THEN 'booked' ELSE 'moved' END);
END
$$;
COMMENT ON FUNCTION clinic_private.edit_date(jsonb, jsonb, jsonb) IS
    'Changes one date of a series, and returns its line. Errors: those of clinic.reschedule_appointment and clinic.book_appointment.';
REVOKE ALL ON FUNCTION clinic_private.edit_date FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.edit_date TO clinic_owner;

CREATE FUNCTION clinic_private.split_series(series jsonb, changes jsonb, from_original timestamp)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    new_id uuid := clinic.new_id();
    s jsonb := split_series.series || split_series.changes;
BEGIN
    INSERT INTO clinic_data.series
        (tenant_id, series_id, previous_series_id, status, service_id, patient_id, provider_id, location_id, duration, resource_ids, rule, local_first_starts_at,
         dates, time_zone, excluded_dates, shift, local_from, local_until, gap, mode, override, overbook, reason, endless, local_materialised_until,
         created_at, created_by, updated_at, updated_by)
    SELECT clinic.current_tenant_id(), new_id, (split_series.series ->> 'series_id')::uuid, n.status, n.service_id, n.patient_id, n.provider_id, n.location_id,
           n.duration, n.resource_ids, n.rule, n.local_first_starts_at, n.dates, n.time_zone, n.excluded_dates, n.shift, n.local_from, n.local_until,
           n.gap, n.mode, n.override, n.overbook, n.reason, n.endless, n.local_materialised_until,
           clinic.now(), clinic.current_user_id(), clinic.now(), clinic.current_user_id()
    FROM jsonb_populate_record(NULL::clinic_data.series, s) AS n;
    UPDATE clinic_data.series AS o
    SET status = 'ended', local_until = split_series.from_original
    WHERE o.tenant_id = clinic.current_tenant_id() AND o.series_id = (split_series.series ->> 'series_id')::uuid;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION clinic_private.split_series(jsonb, jsonb, timestamp) IS
    'Ends a series at one of its dates and makes the series that goes on from there, whose id it returns; the dates are not moved to it yet.
series: its row; changes: columns that differ in the new one.';
REVOKE ALL ON FUNCTION clinic_private.split_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.split_series TO clinic_owner;

-- The same rule: every date in scope lies as far from its old place as the named one.
CREATE FUNCTION clinic_private.shift_series(arguments jsonb, series jsonb, entries jsonb, anchor jsonb, from_original timestamp)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := jsonb_strip_nulls(shift_series.arguments);
    tenant uuid := clinic.current_tenant_id();
    id uuid := (shift_series.series ->> 'series_id')::uuid;
    old_shift interval := (shift_series.series ->> 'shift')::interval;
    distance interval := coalesce((a ->> 'local_starts_at')::timestamp - ((shift_series.anchor ->> 'local_original_start')::timestamp + old_shift), '0');
    gap text := coalesce(a ->> 'gap', shift_series.series ->> 'gap');
    changes jsonb;
    lines jsonb;
BEGIN
    changes := jsonb_strip_nulls(clinic_private.series_template(a) - '{service_id,patient_id,override,overbook,reason}'::text[])
        || jsonb_build_object('shift', old_shift + distance, 'gap', gap, 'mode', a -> 'mode');
    SELECT clinic_private.move_dates(
               coalesce(jsonb_agg(e.value || jsonb_build_object('to_original', e.value -> 'local_original_start',
                                                                'to_local', (e.value ->> 'local_original_start')::timestamp + old_shift + distance)
                                  -- Those that leave room for the others first.
                                  ORDER BY CASE WHEN distance > '0' THEN -e.place ELSE e.place END)
                        FILTER (WHERE e.value ->> 'state' = 'changeable'), '[]'),
               -- Rooms asked for by name stay so; others are chosen afresh.
               jsonb_build_object('resource_ids', shift_series.series -> 'resource_ids', 'location_id', shift_series.series -> 'location_id')
               || jsonb_strip_nulls(clinic_private.series_template(a) - '{service_id,patient_id}'::text[]),
               shift_series.series ->> 'time_zone', gap)
           || coalesce(jsonb_agg(clinic_private.kept_line(e.value)) FILTER (WHERE e.value ->> 'state' <> 'changeable'), '[]')
    INTO lines
    FROM jsonb_array_elements(shift_series.entries) WITH ORDINALITY AS e (value, place);
    PERFORM clinic_private.settle_change(lines, a ->> 'mode', '{}', 'moved');
    -- What is kept stays; but what the series means for that date is the new time, to which somebody may put it back.
    UPDATE clinic_data.series_appointments AS e
    SET local_starts_at = e.local_original_start + old_shift + distance,
        starts_at = w.wished,
        ends_at = w.wished + coalesce((a ->> 'duration')::interval, e.ends_at - e.starts_at),
        provider_id = coalesce((a ->> 'provider_id')::uuid, e.provider_id),
        location_id = coalesce((a ->> 'location_id')::uuid, e.location_id)
    FROM jsonb_to_recordset(shift_series.entries) AS k (entry_id uuid, local_original_start timestamp, state text)
    CROSS JOIN LATERAL clinic.local_instant(k.local_original_start + old_shift + distance, shift_series.series ->> 'time_zone', NULL, 'shift') AS w (wished)
    WHERE e.tenant_id = tenant AND e.entry_id = k.entry_id AND k.state NOT IN ('changeable', 'begun');

    IF EXISTS (SELECT FROM clinic_data.series_appointments AS e
               WHERE e.tenant_id = tenant AND e.series_id = id AND e.local_original_start < shift_series.from_original) THEN
        id := clinic_private.split_series(shift_series.series, changes || jsonb_build_object('local_from', shift_series.from_original), shift_series.from_original);
        UPDATE clinic_data.series_appointments AS e
        SET series_id = id
        WHERE e.tenant_id = tenant AND e.series_id = (shift_series.series ->> 'series_id')::uuid AND e.local_original_start >= shift_series.from_original;
    ELSE
        UPDATE clinic_data.series AS s
        SET provider_id = n.provider_id, location_id = n.location_id, duration = n.duration, resource_ids = n.resource_ids, shift = n.shift,
            gap = n.gap, mode = n.mode
        FROM jsonb_populate_record(NULL::clinic_data.series, shift_series.series || changes) AS n
        WHERE s.tenant_id = tenant AND s.series_id = id;
    END IF;
    RETURN jsonb_build_object('series_id', id, 'lines', lines);
END
$$;
COMMENT ON FUNCTION clinic_private.shift_series(jsonb, jsonb, jsonb, jsonb, timestamp) IS
    'Moves the dates in scope by one wall-clock distance, and gives them what else is asked for. anchor: the date that local_starts_at speaks of.';
REVOKE ALL ON FUNCTION clinic_private.shift_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.shift_series TO clinic_owner;

-- Which of the dates there are serves which date of a new rule: exceptions by their day, then what lies there already, then
-- what is nearest by order in the same week. The rest is cancelled, or booked.
CREATE FUNCTION clinic_private.match_dates(entries jsonb, dates jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH wanted AS (
        SELECT (d.value ->> 'local_starts_at')::timestamp AS local_time FROM jsonb_array_elements(match_dates.dates) AS d (value)
    ),
    there AS (
        SELECT e.value AS entry, e.value ->> 'state' = 'changeable' AS changeable, (e.value ->> 'local_starts_at')::timestamp AS local_time
        FROM jsonb_array_elements(match_dates.entries) AS e (value)
        WHERE e.value ->> 'state' NOT IN ('begun', 'skipped')
    ),
    exceptional AS (
        SELECT DISTINCT ON (w.local_time) t.entry, w.local_time
        FROM there AS t
        CROSS JOIN LATERAL (SELECT min(w.local_time) AS local_time FROM wanted AS w WHERE w.local_time::date = t.local_time::date) AS w
        WHERE NOT t.changeable AND w.local_time IS NOT NULL
        ORDER BY w.local_time, t.local_time
    ),
    exact AS (
        SELECT t.entry, t.local_time
        FROM there AS t
        JOIN wanted AS w ON w.local_time = t.local_time
        WHERE t.changeable AND NOT EXISTS (SELECT FROM exceptional AS x WHERE x.local_time = w.local_time)
    ),
    free_there AS (
        SELECT t.entry, date_trunc('week', t.local_time) AS week, row_number() OVER (PARTITION BY date_trunc('week', t.local_time) ORDER BY t.local_time) AS place
        FROM there AS t
        WHERE t.changeable AND NOT EXISTS (SELECT FROM exact AS x WHERE x.entry = t.entry)
    ),
    free_wanted AS (
        SELECT w.local_time, date_trunc('week', w.local_time) AS week, row_number() OVER (PARTITION BY date_trunc('week', w.local_time) ORDER BY w.local_time) AS place
        FROM wanted AS w
        WHERE NOT EXISTS (SELECT FROM exceptional AS x WHERE x.local_time = w.local_time) AND NOT EXISTS (SELECT FROM exact AS x WHERE x.local_time = w.local_time)
    ),
    moves AS (
        SELECT x.entry, x.local_time FROM exact AS x
        UNION ALL
        SELECT t.entry, w.local_time FROM free_there AS t JOIN free_wanted AS w ON w.week = t.week AND w.place = t.place
    )
    SELECT jsonb_build_object(
        'exceptions', (SELECT coalesce(jsonb_agg(x.entry || jsonb_build_object('to_original', x.local_time) ORDER BY x.local_time), '[]') FROM exceptional AS x),
        'moves', (SELECT coalesce(jsonb_agg(m.entry || jsonb_build_object('to_original', m.local_time, 'to_local', m.local_time) ORDER BY m.local_time DESC), '[]') FROM moves AS m),
        'cancel', (SELECT coalesce(jsonb_agg(t.entry ORDER BY t.entry ->> 'local_original_start'), '[]') FROM free_there AS t
                   WHERE NOT EXISTS (SELECT FROM moves AS m WHERE m.entry = t.entry)),
        'book', (SELECT coalesce(jsonb_agg(jsonb_build_object('local_original_start', w.local_time, 'local_starts_at', w.local_time) ORDER BY w.local_time), '[]')
                 FROM free_wanted AS w WHERE NOT EXISTS (SELECT FROM moves AS m WHERE m.local_time = w.local_time)))
$$;
COMMENT ON FUNCTION clinic_private.match_dates(jsonb, jsonb) IS
    'Pairs the dates of a series with those of another rule: {"exceptions", "moves", "cancel", "book"}. entries: as of clinic_private.series_scope.';
REVOKE ALL ON FUNCTION clinic_private.match_dates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.match_dates TO clinic_owner;

CREATE FUNCTION clinic_private.replace_rule(arguments jsonb, series jsonb, entries jsonb, anchor jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := jsonb_strip_nulls(replace_rule.arguments);
    tenant uuid := clinic.current_tenant_id();
    zone text := replace_rule.series ->> 'time_zone';
    gap text := coalesce(a ->> 'gap', replace_rule.series ->> 'gap');
    split timestamp := (replace_rule.anchor ->> 'local_original_start')::timestamp;
    first_local timestamp := coalesce((a ->> 'local_starts_at')::timestamp, split + (replace_rule.series ->> 'shift')::interval);
    wishes jsonb := jsonb_strip_nulls(clinic_private.series_template(a) - '{service_id,patient_id}'::text[]);
    changes jsonb;
    plan jsonb;
    pairs jsonb;
    lines jsonb;
    new_id uuid;
BEGIN
    plan := clinic_private.series_plan(jsonb_build_object('rule', a -> 'rule', 'local_starts_at', first_local, 'time_zone', zone,
        'service_id', replace_rule.series -> 'service_id', 'excluded_dates', replace_rule.series -> 'excluded_dates'));
    SELECT clinic_private.match_dates(coalesce(jsonb_agg(e.value), '[]'), plan -> 'dates') INTO pairs
    FROM jsonb_array_elements(replace_rule.entries) AS e (value)
    WHERE (e.value ->> 'local_original_start')::timestamp >= split;

    SELECT coalesce(jsonb_agg(l.value || jsonb_build_object('series_id', replace_rule.series -> 'series_id')), '[]') INTO lines
    FROM jsonb_array_elements(clinic_private.cancel_dates(pairs -> 'cancel', a ->> 'reason')) AS l (value);
    lines := lines || clinic_private.move_dates(pairs -> 'moves',
        jsonb_build_object('resource_ids', replace_rule.series -> 'resource_ids', 'location_id', replace_rule.series -> 'location_id') || wishes, zone, gap);
    lines := lines || clinic_private.book_dates(
        clinic_private.series_template(replace_rule.series) || '{"override": false, "overbook": false}' || wishes, zone, gap, pairs -> 'book');
    PERFORM clinic_private.settle_change(lines, a ->> 'mode', '{}', 'changed');

    changes := (wishes - '{override,overbook,reason}'::text[]) || jsonb_build_object(
        'status', 'active', 'rule', (a ->> 'rule')::clinic.rrule::text, 'dates', NULL, 'local_first_starts_at', first_local, 'shift', interval '0', 'local_from', NULL,
        'local_until', NULL, 'gap', gap, 'mode', a -> 'mode', 'endless', plan -> 'endless', 'local_materialised_until', plan -> 'bound');
    new_id := clinic_private.split_series(replace_rule.series, changes, split);
    UPDATE clinic_data.series_appointments AS e
    SET series_id = new_id, local_original_start = m.to_original
    FROM jsonb_to_recordset((pairs -> 'moves') || (pairs -> 'exceptions')) AS m (entry_id uuid, to_original timestamp)
    WHERE e.tenant_id = tenant AND e.entry_id = m.entry_id;
    UPDATE clinic_data.series_appointments AS e
    SET local_starts_at = x.to_original, starts_at = w.wished, ends_at = w.wished + coalesce((a ->> 'duration')::interval, e.ends_at - e.starts_at),
        provider_id = coalesce((a ->> 'provider_id')::uuid, e.provider_id), location_id = coalesce((a ->> 'location_id')::uuid, e.location_id)
    FROM jsonb_to_recordset(pairs -> 'exceptions') AS x (entry_id uuid, to_original timestamp)
    CROSS JOIN LATERAL clinic.local_instant(x.to_original, zone, NULL, 'shift') AS w (wished)
    WHERE e.tenant_id = tenant AND e.entry_id = x.entry_id;
    PERFORM clinic_private.add_series_dates(new_id, lines);
    UPDATE clinic_data.series_appointments AS e
    SET ordinal = n.place
    FROM (SELECT o.entry_id, row_number() OVER (ORDER BY o.local_original_start) AS place
          FROM clinic_data.series_appointments AS o WHERE o.tenant_id = tenant AND o.series_id = new_id) AS n
    WHERE e.tenant_id = tenant AND e.entry_id = n.entry_id AND e.ordinal <> n.place;

    -- Exceptions that the new rule has a day for go with it; what else is kept stays with the series there was.
    RETURN jsonb_build_object('series_id', new_id, 'lines', lines || (
        SELECT coalesce(jsonb_agg(clinic_private.kept_line(e.value) || jsonb_build_object('series_id', coalesce(moved.series_id, replace_rule.series ->> 'series_id'),
                                                                                         'local_original_start', coalesce(moved.to_original, e.value ->> 'local_original_start'))), '[]')
        FROM jsonb_array_elements(replace_rule.entries) AS e (value)
        LEFT JOIN (SELECT x.value ->> 'entry_id' AS entry_id, x.value ->> 'to_original' AS to_original, new_id::text AS series_id
                   FROM jsonb_array_elements(pairs -> 'exceptions') AS x (value)) AS moved ON moved.entry_id = e.value ->> 'entry_id'
        WHERE e.value ->> 'state' <> 'changeable'));
END
$$;
COMMENT ON FUNCTION clinic_private.replace_rule(jsonb, jsonb, jsonb, jsonb) IS
    'Goes on by another rule from one date on. anchor: that date.';
REVOKE ALL ON FUNCTION clinic_private.replace_rule FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.replace_rule TO clinic_owner;

CREATE FUNCTION clinic_private.edit_series(arguments jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := jsonb_strip_nulls(edit_series.arguments);
    id uuid := (a ->> 'series_id')::uuid;
    series jsonb;
    target jsonb;
    entries jsonb;
    anchor jsonb;
    from_original timestamp;
BEGIN
    PERFORM clinic_private.check_series_change(a);
    IF NOT a ?| '{local_starts_at,rule,provider_id,location_id,duration,resource_ids}' THEN
        PERFORM clinic_private.refuse_argument('local_starts_at', 'nothing is to be changed',
            'Of local_starts_at, rule, provider_id, location_id, duration and resource_ids none is given.');
    END IF;
    series := clinic_private.locked_series(a);
    IF a ?| '{appointment_id,local_original_start}' THEN
        target := clinic_private.series_target(id, (a ->> 'appointment_id')::uuid, (a ->> 'local_original_start')::timestamp);
    END IF;
    IF a ->> 'scope' = 'this' THEN
        RETURN jsonb_build_object('series_id', id, 'lines', jsonb_build_array(clinic_private.edit_date(a, series, target)));
    END IF;
    IF a ->> 'scope' = 'following' THEN
        from_original := (target ->> 'local_original_start')::timestamp;
    END IF;
    entries := clinic_private.series_scope(id, from_original);
    SELECT e.value INTO anchor
    FROM jsonb_array_elements(entries) WITH ORDINALITY AS e (value, place)
    WHERE e.value ->> 'state' <> 'begun'
      AND (a ? 'rule' OR target IS NULL OR e.value ->> 'entry_id' = target ->> 'entry_id')
      AND (target IS NULL OR (e.value ->> 'local_original_start')::timestamp >= (target ->> 'local_original_start')::timestamp)
    ORDER BY e.value ->> 'state' = 'changeable' DESC, e.place
    LIMIT 1;
    IF anchor IS NULL THEN
        PERFORM clinic_private.raise_error('bad_transition', 'no date of the series is to come', jsonb_build_object('series_id', id));
    END IF;
    IF a ? 'rule' THEN
        RETURN clinic_private.replace_rule(a, series, entries, anchor);
    END IF;
    RETURN clinic_private.shift_series(a, series, entries, anchor, from_original);
END
$$;
COMMENT ON FUNCTION clinic_private.edit_series(jsonb) IS 'Does what clinic.edit_series says. arguments: by name.';
REVOKE ALL ON FUNCTION clinic_private.edit_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.edit_series TO clinic_owner;

CREATE FUNCTION clinic.edit_series(
    series_id uuid,
    scope text,
    appointment_id uuid DEFAULT NULL,
    local_original_start timestamp DEFAULT NULL,
    local_starts_at timestamp DEFAULT NULL,
    rule text DEFAULT NULL,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    mode text DEFAULT 'all_or_nothing',
    gap text DEFAULT NULL,
    override boolean DEFAULT false,
    overbook boolean DEFAULT false,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        series_id uuid,
        local_original_start timestamp,
        local_starts_at timestamp,
        starts_at timestamptz,
        ends_at timestamptz,
        provider_id uuid,
        location_id uuid,
        resource_ids uuid[],
        appointment_id uuid,
        confirmation_code text,
        status text,
        outcome text,
        reason text,
        alternatives jsonb,
        warnings text[],
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 50
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.* FROM clinic_private.series_rows(clinic_private.series_once('edit_series', jsonb_build_object(
        'series_id', $1, 'scope', $2, 'appointment_id', $3, 'local_original_start', $4, 'local_starts_at', $5, 'rule', $6, 'provider_id', $7,
        'location_id', $8, 'duration', $9, 'resource_ids', $10, 'mode', $11, 'gap', $12, 'override', $13, 'overbook', $14, 'reason', $15,
        'version', $16), $17)) AS r
$$;
ALTER FUNCTION clinic.edit_series OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.edit_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.edit_series TO clinic_user;
COMMENT ON FUNCTION clinic.edit_series IS
    'Changes one date of a series, that and the following, or all that have not begun.
scope: this, following or all. appointment_id or local_original_start: which date; for all only where local_starts_at speaks of another than the first to come. local_starts_at: where that date moves to, in the series'' zone; the others move by the same wall-clock distance. rule: another rule, counted from that date (moved to local_starts_at if given); what lies on its dates stays, what lies in the same week moves, the rest is cancelled or booked. provider_id, location_id, duration, resource_ids: for all dates in scope. A date that was skipped is booked by scope this, at local_starts_at where that is given.
Dates that were moved, changed or cancelled singly are kept; ids, codes and versions change only where something changes. Following makes another series, linked by previous_series_id; so does a rule. mode: all_or_nothing: any conflict refuses all; skip: what cannot change stays and is told. gap: as in clinic.book_series; null: as the series has it. override, overbook, reason as in clinic.reschedule_appointment, for this change alone. version: refuse when the series has changed since.
One row a date. outcome: moved, unchanged, booked, cancelled; kept, with reason moved, changed, cancelled, expired, begun or skipped; refused or skipped, with reason and alternatives.
Errors: those of clinic.reschedule_appointment for the first date refused, with all in the DETAIL as "conflicts"; not_found, forbidden, stale_version, bad_transition (cancelled, or nothing to come), 22004, 22023, 22P02, 54000, no_context, busy, idempotency_conflict.';
