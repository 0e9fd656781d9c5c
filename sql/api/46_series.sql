-- Series: what booking, changing and extending them share. Dates are walked by clinic.occurrences, each is judged by the
-- engine that books single appointments, in a subtransaction of its own; what that refuses is told with its reason.

CREATE FUNCTION clinic_private.series_limit()
    RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN 366;
COMMENT ON FUNCTION clinic_private.series_limit() IS 'How many dates one call books at most.';
REVOKE ALL ON FUNCTION clinic_private.series_limit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_limit TO clinic_owner;

CREATE FUNCTION clinic_private.require_series_permission()
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    wanted text;
BEGIN
    PERFORM clinic_private.require_tenant();
    IF clinic.current_patient_id() IS NOT NULL THEN
        RETURN;
    END IF;
    FOREACH wanted IN ARRAY ARRAY['appointments:write', 'appointments:read'] LOOP
        IF NOT (clinic.has_permission(wanted) OR clinic.has_permission(wanted || ':branch') OR clinic.has_permission(wanted || ':own')) THEN
            PERFORM clinic_private.refuse_permission(wanted);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.require_series_permission() IS
    'Refuses who may book nowhere; where, and for whom, is judged with each date. Errors: no_context, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_series_permission FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_series_permission TO clinic_owner;

CREATE FUNCTION clinic_private.series_instances(
    rule text,
    local_first_starts_at timestamp,
    dates timestamp[],
    time_zone text,
    local_from timestamp,
    local_until timestamp,
    max_count integer)
    RETURNS SETOF timestamp
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    from_at timestamptz := CASE WHEN series_instances.local_from IS NOT NULL
        THEN clinic.local_instant(series_instances.local_from, series_instances.time_zone, NULL, 'shift') END;
    -- Where the clock skips local_from itself, what comes after it may lie before its instant: look from there on.
    skipped interval := coalesce(from_at AT TIME ZONE series_instances.time_zone - series_instances.local_from, '0');
    until_at timestamptz := CASE WHEN series_instances.local_until IS NOT NULL
        THEN clinic.local_instant(series_instances.local_until, series_instances.time_zone, NULL, 'shift') + interval '1 day' END;
    most integer := series_instances.max_count + CASE WHEN skipped > '0' THEN 10000 ELSE 100 END;
BEGIN
    IF series_instances.rule IS NULL THEN
        RETURN QUERY
        SELECT DISTINCT d.local_time
        FROM unnest(series_instances.dates) AS d (local_time)
        WHERE d.local_time >= coalesce(series_instances.local_from, '-infinity') AND d.local_time < coalesce(series_instances.local_until, 'infinity')
        ORDER BY 1
        LIMIT series_instances.max_count;
        RETURN;
    END IF;
    -- Instances that are there when shifted and not when skipped are local times that the clock skips: they take back the
    -- offset of before, which held a day earlier.
    RETURN QUERY
    SELECT DISTINCT i.local_time
    FROM (
        SELECT CASE WHEN there.at IS NOT NULL THEN shifted.at AT TIME ZONE series_instances.time_zone
                    ELSE shifted.at AT TIME ZONE 'UTC' + ((shifted.at - interval '24 hours') AT TIME ZONE series_instances.time_zone
                                                          - (shifted.at - interval '24 hours') AT TIME ZONE 'UTC') END AS local_time
        FROM clinic.occurrences(rule => series_instances.rule, dtstart => series_instances.local_first_starts_at,
                                tz => series_instances.time_zone, range_start => from_at - skipped, range_end => until_at, max_count => most,
                                gap => 'shift') AS shifted (at)
        LEFT JOIN clinic.occurrences(rule => series_instances.rule, dtstart => series_instances.local_first_starts_at,
                                     tz => series_instances.time_zone, range_start => from_at - skipped, range_end => until_at, max_count => most,
                                     gap => 'skip') AS there (at) ON there.at = shifted.at
    ) AS i
    WHERE i.local_time >= coalesce(series_instances.local_from, '-infinity') AND i.local_time < coalesce(series_instances.local_until, 'infinity')
    ORDER BY 1
    LIMIT series_instances.max_count;
END
$$;
COMMENT ON FUNCTION clinic_private.series_instances(text, timestamp, timestamp[], text, timestamp, timestamp, integer) IS
    'The local starts of a rule, or of dates, in ascending order, those included that the clock skips.
local_from, local_until: half-open; null is no bound. max_count: at most so many.
Errors: those of clinic.occurrences.';
REVOKE ALL ON FUNCTION clinic_private.series_instances FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_instances TO clinic_owner;

CREATE FUNCTION clinic_private.is_endless_rule(rule text)
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN coalesce(is_endless_rule.rule::clinic.rrule::text !~ '(^|;)(COUNT|UNTIL)=', false);
COMMENT ON FUNCTION clinic_private.is_endless_rule(text) IS
    'Whether a rule has neither COUNT nor UNTIL; false for null. Errors: 22P02, 22023 for a rule that is not legal.';
REVOKE ALL ON FUNCTION clinic_private.is_endless_rule FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_endless_rule TO clinic_owner;

CREATE FUNCTION clinic_private.series_horizon(service_id uuid, time_zone text)
    RETURNS timestamp
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (
        SELECT clinic_private.today_in(series_horizon.time_zone) + coalesce(s.horizon_days, t.series_days) + 1
        FROM clinic_data.tenants AS t
        LEFT JOIN clinic_data.services AS s ON s.tenant_id = t.tenant_id AND s.service_id = series_horizon.service_id
        WHERE t.tenant_id = clinic.current_tenant_id());
END
$$;
COMMENT ON FUNCTION clinic_private.series_horizon(uuid, text) IS
    'The local time up to which (exclusive) a series without end is booked today: the service''s horizon, or the tenant''s series_days.';
REVOKE ALL ON FUNCTION clinic_private.series_horizon FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_horizon TO clinic_owner;

CREATE FUNCTION clinic_private.series_zone(location_id uuid, provider_id uuid)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF series_zone.location_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', series_zone.location_id);
        RETURN clinic_private.time_zone_of_location(series_zone.location_id);
    END IF;
    IF series_zone.provider_id IS NULL THEN
        PERFORM clinic_private.refuse_argument('location_id', 'a series needs a location or a provider', 'Both are null.',
            'Pass location_id, so that the local times have a zone.');
    END IF;
    PERFORM clinic_private.require_row('provider', series_zone.provider_id);
    RETURN (
        SELECT p.time_zone::text
        FROM clinic_data.providers AS p
        WHERE p.tenant_id = clinic.current_tenant_id() AND p.provider_id = series_zone.provider_id);
END
$$;
COMMENT ON FUNCTION clinic_private.series_zone(uuid, uuid) IS
    'The zone of a series'' local times: the location''s, or without one the provider''s home zone. Errors: 22023, not_found.';
REVOKE ALL ON FUNCTION clinic_private.series_zone FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_zone TO clinic_owner;

CREATE FUNCTION clinic_private.series_template(arguments jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_object_agg(m.name, series_template.arguments -> m.name)
    FROM unnest('{service_id,patient_id,provider_id,location_id,duration,resource_ids,override,overbook,reason}'::text[]) AS m (name)
$$;
COMMENT ON FUNCTION clinic_private.series_template(jsonb) IS 'What every date of a series is booked with: the arguments of clinic.book_appointment but the start.';
REVOKE ALL ON FUNCTION clinic_private.series_template FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_template TO clinic_owner;

CREATE FUNCTION clinic_private.ids_of(list jsonb)
    RETURNS uuid[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN jsonb_typeof(ids_of.list) = 'array' THEN ARRAY(SELECT i.id::uuid FROM jsonb_array_elements_text(ids_of.list) AS i (id)) END;
COMMENT ON FUNCTION clinic_private.ids_of(jsonb) IS 'An array of ids from JSON; null for anything that is no array.';
REVOKE ALL ON FUNCTION clinic_private.ids_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.ids_of TO clinic_owner;

-- Everything that the dates may come to claim, so that all locks are taken at once and in one order: whoever books a
-- single appointment, or another series, waits or is waited for, and no two wait for each other.
CREATE FUNCTION clinic_private.series_lockable(template jsonb)
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    service uuid := (series_lockable.template ->> 'service_id')::uuid;
    provider uuid := (series_lockable.template ->> 'provider_id')::uuid;
    place uuid := (series_lockable.template ->> 'location_id')::uuid;
BEGIN
    RETURN ARRAY(
        SELECT i.id FROM unnest(clinic_private.ids_of(series_lockable.template -> 'resource_ids')) AS i (id)
        UNION
        SELECT p.id FROM (VALUES (provider), ((series_lockable.template ->> 'patient_id')::uuid)) AS p (id) WHERE p.id IS NOT NULL
        UNION
        SELECT sp.provider_id
        FROM clinic_data.service_providers AS sp
        WHERE provider IS NULL AND sp.tenant_id = tenant AND sp.service_id = service
        UNION
        SELECT r.resource_id
        FROM clinic_data.service_resources AS sr
        JOIN clinic_data.resources AS r ON r.tenant_id = sr.tenant_id AND r.resource_class = sr.resource_class
        WHERE sr.tenant_id = tenant AND sr.service_id = service AND (place IS NULL OR r.location_id = place));
END
$$;
COMMENT ON FUNCTION clinic_private.series_lockable(jsonb) IS 'The resources that booking by a template may lock.';
REVOKE ALL ON FUNCTION clinic_private.series_lockable FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_lockable TO clinic_owner;

CREATE FUNCTION clinic_private.series_call(change text, arguments jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := jsonb_strip_nulls(series_call.arguments);
    answer jsonb;
BEGIN
    IF series_call.change <> 'book' THEN
        RETURN clinic_private.batch_call(series_call.change, a);
    END IF;
    SELECT to_jsonb(r.*) INTO answer
    FROM clinic_private.place_appointment(
        service_id => (a ->> 'service_id')::uuid,
        patient_id => (a ->> 'patient_id')::uuid,
        starts_at => (a ->> 'starts_at')::timestamptz,
        provider_id => (a ->> 'provider_id')::uuid,
        location_id => (a ->> 'location_id')::uuid,
        duration => (a ->> 'duration')::interval,
        resource_ids => clinic_private.ids_of(a -> 'resource_ids'),
        override => coalesce((a ->> 'override')::boolean, false),
        overbook => coalesce((a ->> 'overbook')::boolean, false),
        reason => a ->> 'reason') AS r;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION clinic_private.series_call(text, jsonb) IS
    'Books, moves or cancels one appointment, and returns its row. change: book, reschedule or cancel; arguments: by name. Errors: those of the engine.';
REVOKE ALL ON FUNCTION clinic_private.series_call FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_call TO clinic_owner;

CREATE FUNCTION clinic_private.series_attempt(change text, arguments jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    state text;
    words text;
    facts text;
    refusal jsonb;
BEGIN
    RETURN clinic_private.series_call(series_attempt.change, series_attempt.arguments);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, words = MESSAGE_TEXT, facts = PG_EXCEPTION_DETAIL;
    refusal := clinic_private.error_facts(facts);
    -- What the rules say of this date is its outcome; what would meet every date, or passes by itself, is an error of the call.
    IF NOT (state LIKE 'CL%' OR state = '42501')
       OR coalesce(refusal ->> 'reason', 'busy') IN ('busy', 'schema_version', 'rate_limited', 'no_context', 'idempotency_conflict') THEN
        RAISE;
    END IF;
    RETURN jsonb_build_object('refusal', refusal ->> 'reason', 'message', words, 'alternatives', refusal -> 'alternatives');
END
$$;
COMMENT ON FUNCTION clinic_private.series_attempt(text, jsonb) IS
    'Books, moves or cancels one appointment, and returns its row; undone and told as {"refusal", "message", "alternatives"} when the rules refuse it.
change: book, reschedule or cancel. Errors: those that concern more than this date.';
REVOKE ALL ON FUNCTION clinic_private.series_attempt FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_attempt TO clinic_owner;

CREATE FUNCTION clinic_private.series_alternatives(template jsonb, starts_at timestamptz, time_zone text)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    this_day timestamp := date_trunc('day', series_alternatives.starts_at AT TIME ZONE series_alternatives.time_zone);
    day_start timestamptz := greatest(clinic.local_instant(this_day, series_alternatives.time_zone, NULL, 'shift'), clinic.now());
    day_end timestamptz := greatest(clinic.local_instant(this_day + interval '1 day', series_alternatives.time_zone, NULL, 'shift'), day_start);
    found_slots jsonb;
BEGIN
    -- The nearest of the same day first, then what follows within two weeks.
    SELECT coalesce(jsonb_agg(to_jsonb(best) - 'place' ORDER BY best.place), '[]') INTO found_slots
    FROM (
        SELECT slot.starts_at, slot.provider_id, slot.location_id, row_number() OVER (ORDER BY slot.later, slot.distance, slot.starts_at, slot.provider_id, slot.location_id) AS place
        FROM (
            SELECT today.starts_at, today.provider_id, today.location_id, false AS later,
                   greatest(today.starts_at - series_alternatives.starts_at, series_alternatives.starts_at - today.starts_at) AS distance
            FROM clinic_private.free_slots(
                service_id => (series_alternatives.template ->> 'service_id')::uuid, range_start => day_start, range_end => day_end,
                provider_id => (series_alternatives.template ->> 'provider_id')::uuid, location_id => (series_alternatives.template ->> 'location_id')::uuid,
                patient_id => (series_alternatives.template ->> 'patient_id')::uuid, duration => (series_alternatives.template ->> 'duration')::interval,
                resource_ids => clinic_private.ids_of(series_alternatives.template -> 'resource_ids')) AS today
            UNION ALL
            SELECT next.starts_at, next.provider_id, next.location_id, true, next.starts_at - series_alternatives.starts_at
            FROM clinic_private.free_slots(
                service_id => (series_alternatives.template ->> 'service_id')::uuid, range_start => day_end, range_end => day_end + interval '14 days',
                provider_id => (series_alternatives.template ->> 'provider_id')::uuid, location_id => (series_alternatives.template ->> 'location_id')::uuid,
                patient_id => (series_alternatives.template ->> 'patient_id')::uuid, duration => (series_alternatives.template ->> 'duration')::interval,
                resource_ids => clinic_private.ids_of(series_alternatives.template -> 'resource_ids'), max_rows => 3) AS next
        ) AS slot
        ORDER BY place
        LIMIT 3
    ) AS best;
    RETURN found_slots;
END
$$;
COMMENT ON FUNCTION clinic_private.series_alternatives(jsonb, timestamptz, text) IS
    'Up to three free starts for a date that is refused: the nearest of its local day, then the next within two weeks, as {"starts_at", "provider_id", "location_id"}.';
REVOKE ALL ON FUNCTION clinic_private.series_alternatives FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_alternatives TO clinic_owner;

CREATE FUNCTION clinic_private.book_dates(template jsonb, time_zone text, gap text, dates jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    lines jsonb[] := '{}';
    line jsonb;
    answer jsonb;
    wished timestamptz;
BEGIN
    FOR line IN SELECT d.value FROM jsonb_array_elements(book_dates.dates) WITH ORDINALITY AS d (value, place) ORDER BY d.place LOOP
        wished := clinic.local_instant((line ->> 'local_starts_at')::timestamp, book_dates.time_zone, NULL, 'shift');
        line := line || jsonb_build_object('starts_at', wished, 'outcome', 'booked');
        IF book_dates.gap = 'refuse' AND wished AT TIME ZONE book_dates.time_zone <> (line ->> 'local_starts_at')::timestamp THEN
            answer := jsonb_build_object('refusal', 'nonexistent_local_time', 'message', 'the local time does not exist in that zone', 'alternatives', '[]'::jsonb);
        ELSE
            answer := clinic_private.series_attempt('book', book_dates.template || jsonb_build_object('starts_at', wished));
        END IF;
        IF answer ? 'refusal' THEN
            line := line || jsonb_build_object('outcome', 'skipped', 'reason', answer ->> 'refusal', 'message', answer ->> 'message', 'alternatives', answer -> 'alternatives');
        ELSE
            -- The place may lie in another zone than the series: local times are the series' own.
            line := line || (answer - '{replayed,local_starts_at,time_zone}'::text[])
                 || jsonb_build_object('local_starts_at', wished AT TIME ZONE book_dates.time_zone);
        END IF;
        lines := lines || line;
    END LOOP;
    -- What is free instead is looked for when all dates are placed, so that none is offered to another of them.
    FOR i IN 1 .. cardinality(lines) LOOP
        IF jsonb_typeof(lines[i] -> 'alternatives') = 'array' THEN
            lines[i] := lines[i] || jsonb_build_object('alternatives',
                clinic_private.series_alternatives(book_dates.template, (lines[i] ->> 'starts_at')::timestamptz, book_dates.time_zone));
        END IF;
    END LOOP;
    RETURN to_jsonb(lines);
END
$$;
COMMENT ON FUNCTION clinic_private.book_dates(jsonb, text, text, jsonb) IS
    'Books what can be booked of some dates, and tells of the others why not and what is free instead; the caller holds the locks.
dates: an array of {"local_original_start", "local_starts_at"}; returns the same with outcome booked or skipped and the row of the booking, or reason, message and alternatives.';
REVOKE ALL ON FUNCTION clinic_private.book_dates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.book_dates TO clinic_owner;

CREATE FUNCTION clinic_private.add_series_dates(series_id uuid, lines jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    before integer := coalesce((SELECT max(e.ordinal) FROM clinic_data.series_appointments AS e
                                WHERE e.tenant_id = tenant AND e.series_id = add_series_dates.series_id), 0);
BEGIN
    INSERT INTO clinic_data.series_appointments
        (tenant_id, entry_id, series_id, ordinal, local_original_start, local_starts_at, starts_at, ends_at, provider_id, location_id,
         resource_ids, outcome, reason, alternatives, appointment_id)
    SELECT tenant, clinic.new_id(), add_series_dates.series_id, before + row_number() OVER (ORDER BY l.local_original_start), l.local_original_start,
           l.local_starts_at, l.starts_at, l.ends_at, l.provider_id, l.location_id, l.resource_ids, l.outcome, l.reason,
           l.alternatives, l.appointment_id
    FROM jsonb_to_recordset(add_series_dates.lines) AS l (
        local_original_start timestamp, local_starts_at timestamp, starts_at timestamptz, ends_at timestamptz, provider_id uuid,
        location_id uuid, resource_ids uuid[], outcome text, reason text, alternatives jsonb, appointment_id uuid)
    WHERE l.outcome IN ('booked', 'skipped');
END
$$;
COMMENT ON FUNCTION clinic_private.add_series_dates(uuid, jsonb) IS 'Keeps the dates of clinic_private.book_dates in their series.';
REVOKE ALL ON FUNCTION clinic_private.add_series_dates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.add_series_dates TO clinic_owner;

CREATE FUNCTION clinic_private.refuse_series(lines jsonb, facts jsonb, done text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    conflicts jsonb;
    reasons integer;
    wanted integer;
BEGIN
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                         'local_original_start', l.value -> 'local_original_start', 'local_starts_at', l.value -> 'local_starts_at', 'starts_at', l.value -> 'starts_at',
                         'appointment_id', l.value -> 'appointment_id', 'reason', l.value -> 'reason', 'message', l.value -> 'message',
                         'alternatives', l.value -> 'alternatives')) ORDER BY l.value ->> 'local_original_start'),
           count(DISTINCT l.value ->> 'reason')
    INTO conflicts, reasons
    FROM jsonb_array_elements(refuse_series.lines) AS l (value)
    WHERE l.value ->> 'outcome' IN ('skipped', 'refused');
    SELECT count(*) INTO wanted
    FROM jsonb_array_elements(refuse_series.lines) AS l (value)
    WHERE l.value ->> 'outcome' IN ('booked', 'moved', 'cancelled', 'skipped', 'refused');
    PERFORM clinic_private.raise_error(conflicts -> 0 ->> 'reason',
        CASE WHEN reasons = 1 AND jsonb_array_length(conflicts) = wanted THEN conflicts -> 0 ->> 'message'
             ELSE format('%s of %s dates cannot be %s', jsonb_array_length(conflicts), wanted, refuse_series.done) END,
        refuse_series.facts || jsonb_build_object('conflicts', conflicts),
        -- Nothing would be left to do without the refused dates.
        CASE WHEN jsonb_array_length(conflicts) = wanted THEN 'The detail says for each date what is in the way, and what is free instead.'
             WHEN refuse_series.done = 'booked' THEN 'Take the alternatives of those dates, exclude the dates, or pass mode => ''skip'' for the others alone.'
             ELSE 'Mend what the detail says of those dates, or pass mode => ''skip'' for the others alone.' END);
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_series(jsonb, jsonb, text) IS
    'Raises the reason of the first date that is refused, with all of them in the DETAIL as conflicts: reason, message and alternatives by date.
facts: further members of the DETAIL; done: booked, moved or cancelled, for the message.';
REVOKE ALL ON FUNCTION clinic_private.refuse_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_series TO clinic_owner;
