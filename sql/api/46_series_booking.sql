-- Booking series: every date is tried before anything is settled; all of them are booked, or those that can be, or none.

-- The dates that a rule or a list asks for now: at most one call's worth, of an endless rule up to the horizon, but the first
-- one however far it lies.
CREATE FUNCTION clinic_private.series_plan(arguments jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := jsonb_strip_nulls(series_plan.arguments);
    zone text := CASE WHEN a ? 'time_zone' THEN a ->> 'time_zone' ELSE clinic_private.series_zone((a ->> 'location_id')::uuid, (a ->> 'provider_id')::uuid) END;
    given timestamp[] := ARRAY(SELECT d.local_time::timestamp FROM jsonb_array_elements_text(coalesce(a -> 'dates', '[]')) AS d (local_time) ORDER BY 1);
    first_local timestamp := coalesce((a ->> 'local_starts_at')::timestamp, (a ->> 'starts_at')::timestamptz AT TIME ZONE zone, given[1]);
    endless boolean := clinic_private.is_endless_rule(a ->> 'rule');
    excluded date[] := ARRAY(SELECT DISTINCT d.on_date::date FROM jsonb_array_elements_text(coalesce(a -> 'excluded_dates', '[]')) AS d (on_date) ORDER BY 1);
    most constant integer := clinic_private.series_limit();
    bound timestamp;
    locals timestamp[];
    unmatched date[];
BEGIN
    IF a ? 'starts_at' AND clinic.local_instant(first_local, zone, NULL, 'shift') <> (a ->> 'starts_at')::timestamptz THEN
        PERFORM clinic_private.refuse_argument('starts_at', 'a series cannot begin in the second pass of a repeated hour',
            'Its dates keep a local time, and of a repeated one the first counts.', 'Pass local_starts_at.');
    END IF;
    IF endless THEN
        bound := clinic_private.series_horizon((a ->> 'service_id')::uuid, zone);
    END IF;
    locals := ARRAY(SELECT i FROM clinic_private.series_instances(a ->> 'rule', first_local, given, zone, NULL, bound, most + 1) AS i);
    IF endless AND cardinality(locals) = 0 THEN
        locals := ARRAY(SELECT i FROM clinic_private.series_instances(a ->> 'rule', first_local, given, zone, NULL, NULL, 1) AS i);
        bound := locals[1] + interval '1 microsecond';
    END IF;
    IF cardinality(locals) = 0 THEN
        PERFORM clinic_private.refuse_argument(CASE WHEN a ? 'rule' THEN 'rule' ELSE 'dates' END,
            CASE WHEN a ? 'rule' THEN 'the rule never yields a date' ELSE 'dates names no date' END,
            hint => 'A series needs at least one date.');
    END IF;
    IF cardinality(locals) > most THEN
        IF NOT endless THEN
            PERFORM clinic_private.refuse_argument(CASE WHEN a ? 'rule' THEN 'rule' ELSE 'dates' END,
                format('a series has at most %s dates', most), hint => 'Leave COUNT and UNTIL out: a rule without end is booked further as time goes on.',
                code => 'limit_exceeded');
        END IF;
        bound := locals[most + 1];
        locals := locals[:most];
    END IF;
    -- An excluded date may lie beyond what is booked now: the rule itself is asked about each.
    unmatched := ARRAY(
        SELECT x.on_date
        FROM unnest(excluded) AS x (on_date)
        WHERE NOT EXISTS (SELECT FROM clinic_private.series_instances(a ->> 'rule', first_local, given, zone, x.on_date, x.on_date + 1, 1)));
    RETURN jsonb_build_object(
        'time_zone', zone, 'local_first_starts_at', first_local, 'endless', endless, 'bound', bound, 'excluded_dates', to_jsonb(excluded),
        'given', CASE WHEN a ? 'dates' THEN to_jsonb(given) END, 'unmatched', to_jsonb(unmatched),
        'left_out', (SELECT coalesce(jsonb_agg(l.local_time ORDER BY l.local_time), '[]') FROM unnest(locals) AS l (local_time) WHERE l.local_time::date = ANY (excluded)),
        'dates', (SELECT coalesce(jsonb_agg(jsonb_build_object('local_original_start', l.local_time, 'local_starts_at', l.local_time) ORDER BY l.local_time), '[]')
                  FROM unnest(locals) AS l (local_time) WHERE l.local_time::date <> ALL (excluded)));
END
$$;
COMMENT ON FUNCTION clinic_private.series_plan(jsonb) IS
    'What a series asks for: its zone, first local start, dates to book, dates left out, excluded dates that match nothing, and of an endless rule the bound of what is booked now.
arguments: those of clinic.book_series, and time_zone where it is known. Errors: 22023, 22P02, 54000, not_found, invalid_time_zone.';
REVOKE ALL ON FUNCTION clinic_private.series_plan FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_plan TO clinic_owner;

CREATE FUNCTION clinic_private.check_series_arguments(arguments jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := jsonb_strip_nulls(check_series_arguments.arguments);
BEGIN
    PERFORM clinic_private.require_series_permission();
    PERFORM clinic_private.require_arguments(jsonb_build_object('service_id', a -> 'service_id', 'patient_id', a -> 'patient_id'));
    IF coalesce(a ->> 'mode', '') NOT IN ('all_or_nothing', 'skip') THEN
        PERFORM clinic_private.refuse_argument('mode', 'mode must be all_or_nothing or skip');
    END IF;
    IF coalesce(a ->> 'gap', '') NOT IN ('refuse', 'shift') THEN
        PERFORM clinic_private.refuse_argument('gap', 'gap must be refuse or shift');
    END IF;
    IF a ? 'rule' = a ? 'dates' THEN
        PERFORM clinic_private.refuse_argument('rule', 'a series needs a rule or dates', 'Exactly one of rule and dates must be given.');
    END IF;
    IF a ? 'rule' AND (a ? 'starts_at') = (a ? 'local_starts_at') THEN
        PERFORM clinic_private.refuse_argument('local_starts_at', 'a rule needs the first start', 'Exactly one of local_starts_at and starts_at must be given.');
    END IF;
    IF a ? 'dates' AND (a ? 'starts_at' OR a ? 'local_starts_at') THEN
        PERFORM clinic_private.refuse_argument('local_starts_at', 'dates are whole local starts', 'The arguments are dates, and a first start beside them.',
            'Write each of dates with its time, as in ''2026-03-02 09:00''.');
    END IF;
    IF (a ->> 'starts_at')::timestamptz IN ('infinity', '-infinity') OR (a ->> 'local_starts_at')::timestamp IN ('infinity', '-infinity')
       OR EXISTS (SELECT FROM jsonb_array_elements_text(coalesce(a -> 'dates', '[]')) AS d (local_time)
                  WHERE NOT isfinite(d.local_time::timestamp) OR d.local_time IS NULL) THEN
        PERFORM clinic_private.refuse_argument('local_starts_at', 'a start must be finite', code => 'datetime_overflow');
    END IF;
    PERFORM clinic_private.require_date('excluded_dates', d.on_date::date)
    FROM jsonb_array_elements_text(coalesce(a -> 'excluded_dates', '[]')) AS d (on_date);
END
$$;
COMMENT ON FUNCTION clinic_private.check_series_arguments(jsonb) IS 'Refuses arguments of clinic.book_series that make no series. Errors: no_context, forbidden, 22004, 22008, 22023.';
REVOKE ALL ON FUNCTION clinic_private.check_series_arguments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_series_arguments TO clinic_owner;

CREATE FUNCTION clinic_private.try_series(arguments jsonb, plan jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    template jsonb := clinic_private.series_template(try_series.arguments);
BEGIN
    PERFORM clinic_private.lock_resources(clinic.current_tenant_id(), clinic_private.series_lockable(template));
    RETURN clinic_private.book_dates(template, try_series.plan ->> 'time_zone', try_series.arguments ->> 'gap', try_series.plan -> 'dates');
END
$$;
COMMENT ON FUNCTION clinic_private.try_series(jsonb, jsonb) IS 'Takes all locks, and books what can be booked of a plan; returns the lines of clinic_private.book_dates.';
REVOKE ALL ON FUNCTION clinic_private.try_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.try_series TO clinic_owner;

CREATE FUNCTION clinic_private.exclusion_lines(plan jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('local_original_start', x.local_time, 'local_starts_at', x.local_time, 'outcome', x.outcome)), '[]')
    FROM (
        SELECT l.local_time::timestamp, 'excluded' FROM jsonb_array_elements_text(exclusion_lines.plan -> 'left_out') AS l (local_time)
        UNION ALL
        SELECT u.on_date::timestamp, 'no_such_date' FROM jsonb_array_elements_text(exclusion_lines.plan -> 'unmatched') AS u (on_date)
    ) AS x (local_time, outcome)
$$;
COMMENT ON FUNCTION clinic_private.exclusion_lines(jsonb) IS 'What excluded dates did, as lines of the answer: excluded, or no_such_date.';
REVOKE ALL ON FUNCTION clinic_private.exclusion_lines FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.exclusion_lines TO clinic_owner;

CREATE FUNCTION clinic_private.book_series(arguments jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := book_series.arguments;
    plan jsonb;
    lines jsonb;
    booked integer;
    new_id uuid := clinic.new_id();
BEGIN
    PERFORM clinic_private.check_series_arguments(a);
    plan := clinic_private.series_plan(a);
    IF plan -> 'dates' = '[]' THEN
        PERFORM clinic_private.refuse_argument('excluded_dates', 'excluded_dates leaves no date of the series');
    END IF;
    lines := clinic_private.try_series(a, plan);
    SELECT count(*) FILTER (WHERE l.value ->> 'outcome' = 'booked') INTO booked FROM jsonb_array_elements(lines) AS l (value);
    IF booked = 0 OR booked < jsonb_array_length(lines) AND a ->> 'mode' = 'all_or_nothing' THEN
        PERFORM clinic_private.refuse_series(lines, jsonb_build_object('unmatched_exclusions', plan -> 'unmatched'), 'booked');
    END IF;
    INSERT INTO clinic_data.series
        (tenant_id, series_id, service_id, patient_id, provider_id, location_id, duration, resource_ids, rule, local_first_starts_at, dates,
         time_zone, excluded_dates, gap, mode, override, overbook, reason, endless, local_materialised_until, created_at, created_by, updated_at, updated_by)
    VALUES (clinic.current_tenant_id(), new_id, (a ->> 'service_id')::uuid, (a ->> 'patient_id')::uuid, (a ->> 'provider_id')::uuid,
            (a ->> 'location_id')::uuid, (a ->> 'duration')::interval, clinic_private.ids_of(a -> 'resource_ids'),
            (a ->> 'rule')::clinic.rrule::text, (plan ->> 'local_first_starts_at')::timestamp,
            CASE WHEN plan ->> 'given' IS NOT NULL THEN ARRAY(SELECT d::timestamp FROM jsonb_array_elements_text(plan -> 'given') AS d) END,
            plan ->> 'time_zone', ARRAY(SELECT d::date FROM jsonb_array_elements_text(plan -> 'excluded_dates') AS d), a ->> 'gap', a ->> 'mode',
            coalesce((a ->> 'override')::boolean, false), coalesce((a ->> 'overbook')::boolean, false), a ->> 'reason',
            (plan ->> 'endless')::boolean, (plan ->> 'bound')::timestamp, clinic.now(), clinic.current_user_id(), clinic.now(), clinic.current_user_id());
    PERFORM clinic_private.add_series_dates(new_id, lines);
    RETURN jsonb_build_object('series_id', new_id, 'lines', lines || clinic_private.exclusion_lines(plan));
END
$$;
COMMENT ON FUNCTION clinic_private.book_series(jsonb) IS 'Books a series, and returns {"series_id", "lines"}. arguments: those of clinic.book_series by name.';
REVOKE ALL ON FUNCTION clinic_private.book_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.book_series TO clinic_owner;

CREATE FUNCTION clinic_private.preview_series(arguments jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    plan jsonb;
    lines jsonb := '[]';
BEGIN
    PERFORM clinic_private.check_series_arguments(preview_series.arguments);
    plan := clinic_private.series_plan(preview_series.arguments);
    BEGIN
        lines := clinic_private.try_series(preview_series.arguments, plan);
        -- Takes everything back, locks too: what remains is what was learnt.
        RAISE EXCEPTION USING ERRCODE = 'triggered_action_exception';
    EXCEPTION WHEN triggered_action_exception THEN
        NULL;
    END;
    SELECT coalesce(jsonb_agg(CASE WHEN l.value ->> 'outcome' = 'booked'
                                   THEN l.value - '{appointment_id,confirmation_code,status}'::text[] || '{"outcome": "free"}' ELSE l.value END), '[]')
    INTO lines
    FROM jsonb_array_elements(lines) AS l (value);
    RETURN jsonb_build_object('lines', lines || clinic_private.exclusion_lines(plan));
END
$$;
COMMENT ON FUNCTION clinic_private.preview_series(jsonb) IS 'What clinic_private.book_series would do in mode skip, taken back: free instead of booked.';
REVOKE ALL ON FUNCTION clinic_private.preview_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.preview_series TO clinic_owner;

-- The rows of an answer, the same for all functions of series.
CREATE FUNCTION clinic_private.series_rows(answer jsonb)
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
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(l.series_id, (series_rows.answer ->> 'series_id')::uuid), l.local_original_start, l.local_starts_at, l.starts_at, l.ends_at, l.provider_id,
           l.location_id, l.resource_ids, l.appointment_id, l.confirmation_code, l.status, l.outcome, l.reason,
           CASE WHEN jsonb_typeof(l.alternatives) = 'array' THEN l.alternatives END, l.warnings, coalesce((series_rows.answer ->> 'replayed')::boolean, false)
    FROM jsonb_to_recordset(series_rows.answer -> 'lines') AS l (
        series_id uuid, local_original_start timestamp, local_starts_at timestamp, starts_at timestamptz, ends_at timestamptz, provider_id uuid,
        location_id uuid, resource_ids uuid[], appointment_id uuid, confirmation_code text, status text, outcome text, reason text,
        alternatives jsonb, warnings text[])
    ORDER BY l.local_original_start, l.outcome
$$;
COMMENT ON FUNCTION clinic_private.series_rows(jsonb) IS 'The lines of an answer {"series_id", "lines", "replayed"} as rows, by date.';
REVOKE ALL ON FUNCTION clinic_private.series_rows FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_rows TO clinic_owner;

CREATE FUNCTION clinic.book_series(
    service_id uuid,
    patient_id uuid,
    rule text DEFAULT NULL,
    local_starts_at timestamp DEFAULT NULL,
    starts_at timestamptz DEFAULT NULL,
    dates timestamp[] DEFAULT NULL,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    excluded_dates date[] DEFAULT NULL,
    mode text DEFAULT 'all_or_nothing',
    gap text DEFAULT 'refuse',
    override boolean DEFAULT false,
    overbook boolean DEFAULT false,
    reason text DEFAULT NULL,
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
    SELECT r.* FROM clinic_private.series_rows(clinic_private.series_once('book_series', jsonb_build_object(
        'service_id', $1, 'patient_id', $2, 'rule', $3, 'local_starts_at', $4, 'starts_at', $5, 'dates', $6, 'provider_id', $7, 'location_id', $8,
        'duration', $9, 'resource_ids', $10, 'excluded_dates', $11, 'mode', $12, 'gap', $13, 'override', $14, 'overbook', $15, 'reason', $16), $17)) AS r
$$;
ALTER FUNCTION clinic.book_series OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.book_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.book_series TO clinic_user;
COMMENT ON FUNCTION clinic.book_series IS
    'Books recurring appointments: every date is tried, with all locks held, before anything is settled.
rule: one RRULE value, counted from local_starts_at (or starts_at, read as local time); or dates: local starts one by one. Local times are those of the location, or without one of the provider''s home zone, and stay the same over changes of daylight saving: of a repeated one the first, and one that the clock skips is a conflict, or with gap shift moved by the offset before. A rule without end is booked up to the service''s horizon, or the tenant''s series_days, and further by the job. excluded_dates: local dates left out; COUNT counts them. At most 366 dates. The other arguments as in clinic.book_appointment, for every date.
mode all_or_nothing: any conflict refuses all; skip: the rest is booked, unless nothing is left. One row a date. outcome: booked; skipped, with reason and up to three alternatives; excluded; no_such_date for an excluded date of which the rule knows nothing (local_original_start is its midnight). local_original_start: the local start by the rule, which names the date for ever.
Errors: the reason of the first conflict, with all of them in the DETAIL as "conflicts" (local_original_start, reason, message, alternatives) and "unmatched_exclusions"; 22023 for a rule without any date, 54000 for more than 366, 22P02, 22004, no_context, forbidden, busy, idempotency_conflict.';

CREATE FUNCTION clinic.preview_series(
    service_id uuid,
    patient_id uuid,
    rule text DEFAULT NULL,
    local_starts_at timestamp DEFAULT NULL,
    starts_at timestamptz DEFAULT NULL,
    dates timestamp[] DEFAULT NULL,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    duration interval DEFAULT NULL,
    resource_ids uuid[] DEFAULT NULL,
    excluded_dates date[] DEFAULT NULL,
    gap text DEFAULT 'refuse',
    override boolean DEFAULT false,
    overbook boolean DEFAULT false,
    reason text DEFAULT NULL)
    RETURNS TABLE (
        local_original_start timestamp,
        local_starts_at timestamp,
        starts_at timestamptz,
        ends_at timestamptz,
        provider_id uuid,
        location_id uuid,
        outcome text,
        reason text,
        alternatives jsonb,
        warnings text[])
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 50
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.local_original_start, r.local_starts_at, r.starts_at, r.ends_at, r.provider_id, r.location_id, r.outcome, r.reason, r.alternatives, r.warnings
    FROM clinic_private.series_rows(clinic_private.preview_series(jsonb_build_object(
        'service_id', $1, 'patient_id', $2, 'rule', $3, 'local_starts_at', $4, 'starts_at', $5, 'dates', $6, 'provider_id', $7, 'location_id', $8,
        'duration', $9, 'resource_ids', $10, 'excluded_dates', $11, 'mode', 'skip', 'gap', $12, 'override', $13, 'overbook', $14, 'reason', $15))) AS r
$$;
ALTER FUNCTION clinic.preview_series OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.preview_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.preview_series TO clinic_user;
COMMENT ON FUNCTION clinic.preview_series IS
    'What clinic.book_series would do with each date, by the same judgement: free, skipped (with reason and alternatives), excluded or no_such_date. Nothing is written and no lock is kept.
Arguments and errors as there. It tries and takes back, so it needs a transaction that may write.';
