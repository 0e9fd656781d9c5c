-- Changing and cancelling series: this date, this and the following, or all. What somebody did to a single date is kept, and
-- what does not change is not written.

CREATE FUNCTION clinic_private.series_once(call text, arguments jsonb, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    -- An instant is the same in every zone in which it is written, a length in every style.
    payload jsonb := series_once.arguments
        || jsonb_build_object('starts_at', extract(epoch FROM (series_once.arguments ->> 'starts_at')::timestamptz),
                              'duration', extract(epoch FROM (series_once.arguments ->> 'duration')::interval));
    answer jsonb := clinic_private.begin_once(series_once.call, series_once.idempotency_key, payload);
    keeps boolean;
BEGIN
    IF answer IS NOT NULL THEN
        RETURN answer || '{"replayed": true}';
    END IF;
    -- One date may move to where another was: what they leave is offered to others once all are where they shall be.
    keeps := clinic_private.keep_freed_time();
    answer := CASE series_once.call
        WHEN 'book_series' THEN clinic_private.book_series(series_once.arguments)
        WHEN 'edit_series' THEN clinic_private.edit_series(series_once.arguments)
        WHEN 'cancel_series' THEN clinic_private.cancel_series(series_once.arguments)
    END;
    IF keeps THEN
        PERFORM clinic_private.tell_kept_time();
    END IF;
    PERFORM clinic_private.end_once(series_once.call, series_once.idempotency_key, answer);
    RETURN answer;
END
$$;
COMMENT ON FUNCTION clinic_private.series_once(text, jsonb, text) IS
    'Makes a call, or returns what it answered the first time, marked as replayed. call: book_series, edit_series or cancel_series.';
REVOKE ALL ON FUNCTION clinic_private.series_once FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_once TO clinic_owner;

CREATE FUNCTION clinic_private.check_series_change(arguments jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := jsonb_strip_nulls(check_series_change.arguments);
BEGIN
    PERFORM clinic_private.require_series_permission();
    PERFORM clinic_private.require_arguments(jsonb_build_object('series_id', a -> 'series_id', 'scope', a -> 'scope'));
    IF a ->> 'scope' NOT IN ('this', 'following', 'all') THEN
        PERFORM clinic_private.refuse_argument('scope', 'scope must be this, following or all');
    END IF;
    IF coalesce(a ->> 'mode', '') NOT IN ('all_or_nothing', 'skip') THEN
        PERFORM clinic_private.refuse_argument('mode', 'mode must be all_or_nothing or skip');
    END IF;
    IF coalesce(a ->> 'gap', 'refuse') NOT IN ('refuse', 'shift') THEN
        PERFORM clinic_private.refuse_argument('gap', 'gap must be refuse or shift');
    END IF;
    IF a ? 'appointment_id' AND a ? 'local_original_start' THEN
        PERFORM clinic_private.refuse_argument('local_original_start', 'a date is named once', 'Both appointment_id and local_original_start are given.');
    END IF;
    IF a ->> 'scope' <> 'all' AND NOT a ? 'appointment_id' AND NOT a ? 'local_original_start' THEN
        PERFORM clinic_private.refuse_argument('appointment_id', format('scope %s needs a date', a ->> 'scope'), 'Neither appointment_id nor local_original_start is given.');
    END IF;
    IF a ? 'rule' AND a ->> 'scope' = 'this' THEN
        PERFORM clinic_private.refuse_argument('rule', 'one date has no rule', hint => 'Pass scope => ''following'' or ''all''.');
    END IF;
    IF (a ->> 'local_starts_at')::timestamp IN ('infinity', '-infinity') THEN
        PERFORM clinic_private.refuse_argument('local_starts_at', 'a start must be finite', code => 'datetime_overflow');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.check_series_change(jsonb) IS
    'Refuses arguments of clinic.edit_series and clinic.cancel_series that do not fit together. Errors: no_context, forbidden, 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.check_series_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_series_change TO clinic_owner;

-- Locks a series with all that its change may touch, and returns it as it is then.
CREATE FUNCTION clinic_private.locked_series(arguments jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := locked_series.arguments;
    tenant uuid := clinic.current_tenant_id();
    wanted uuid := (a ->> 'series_id')::uuid;
    found jsonb;
    visits uuid[];
BEGIN
    -- The series, then its appointments, then what they claim: as whoever changes a single one takes its lock before the
    -- resources'. Under the first lock no date is added, under the second none is moved.
    PERFORM clinic_private.lock_resources(tenant, ARRAY[wanted]);
    SELECT to_jsonb(s.*) INTO found FROM clinic_data.series AS s WHERE s.tenant_id = tenant AND s.series_id = wanted;
    IF found IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', 'the series does not exist', jsonb_build_object('series_id', wanted));
    END IF;
    SELECT coalesce(array_agg(e.appointment_id), '{}') INTO visits
    FROM clinic_data.series_appointments AS e
    JOIN clinic_data.appointments AS p ON p.tenant_id = e.tenant_id AND p.appointment_id = e.appointment_id
    WHERE e.tenant_id = tenant AND e.series_id = wanted AND p.ends_at > clinic.now();
    PERFORM clinic_private.lock_resources(tenant, visits);
    PERFORM clinic_private.lock_resources(tenant, ARRAY(
        SELECT l.id FROM unnest(clinic_private.series_lockable(found || jsonb_strip_nulls(clinic_private.series_template(a) - '{service_id,patient_id}'::text[]))) AS l (id)
        UNION
        SELECT p.provider_id FROM clinic_data.appointments AS p WHERE p.tenant_id = tenant AND p.appointment_id = ANY (visits)
        UNION
        SELECT r.resource_id FROM clinic_data.appointment_resources AS r WHERE r.tenant_id = tenant AND r.appointment_id = ANY (visits)
        UNION
        -- Freed time may be offered to somebody else at once.
        SELECT o.id
        FROM (SELECT DISTINCT p.provider_id, p.location_id FROM clinic_data.appointments AS p WHERE p.tenant_id = tenant AND p.appointment_id = ANY (visits)) AS place
        CROSS JOIN LATERAL clinic_private.lockable_for_offers(place.provider_id, place.location_id) AS o (id)));
    SELECT to_jsonb(s.*) INTO found FROM clinic_data.series AS s WHERE s.tenant_id = tenant AND s.series_id = wanted FOR UPDATE;
    IF (a ->> 'version')::integer <> (found ->> 'version')::integer THEN
        PERFORM clinic_private.raise_error('stale_version', NULL, jsonb_build_object('series_id', wanted, 'version', found -> 'version'));
    END IF;
    IF a ->> 'scope' <> 'this' AND found ->> 'status' = 'cancelled' THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the series is cancelled', jsonb_build_object('series_id', wanted, 'status', found -> 'status'),
            'Dates that it kept are changed and cancelled one by one: scope => ''this''.');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION clinic_private.locked_series(jsonb) IS
    'Takes all locks that changing a series needs, and returns its row. Errors: not_found, stale_version, bad_transition, busy.';
REVOKE ALL ON FUNCTION clinic_private.locked_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.locked_series TO clinic_owner;

CREATE FUNCTION clinic_private.series_target(series_id uuid, appointment_id uuid, local_original_start timestamp)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    found jsonb;
BEGIN
    SELECT to_jsonb(v.*) INTO found
    FROM clinic.series_appointments AS v
    WHERE v.tenant_id = clinic.current_tenant_id() AND v.series_id = series_target.series_id
      AND (v.appointment_id = series_target.appointment_id OR v.local_original_start = series_target.local_original_start);
    IF found IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', 'the series has no such date',
            jsonb_strip_nulls(jsonb_build_object('series_id', series_target.series_id, 'appointment_id', series_target.appointment_id,
                                                 'local_original_start', series_target.local_original_start)),
            'clinic.series_appointments lists the dates; later ones may have gone to another series (previous_series_id in clinic.series).');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION clinic_private.series_target(uuid, uuid, timestamp) IS 'The date of a series that a change names. Errors: not_found.';
REVOKE ALL ON FUNCTION clinic_private.series_target FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_target TO clinic_owner;

-- The dates of a series from one on. state: changeable, or why the date stays as it is.
CREATE FUNCTION clinic_private.series_scope(series_id uuid, from_original timestamp)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    entries jsonb;
BEGIN
    SELECT coalesce(jsonb_agg(to_jsonb(v.*) || jsonb_build_object('state',
               CASE WHEN v.appointment_id IS NULL THEN 'skipped'
                    WHEN v.exception IS NOT NULL THEN v.exception
                    WHEN v.status NOT IN ('held', 'pending', 'booked', 'confirmed') OR v.actual_starts_at < clinic.now() THEN 'begun'
                    ELSE 'changeable' END) ORDER BY v.local_original_start), '[]')
    INTO entries
    FROM clinic.series_appointments AS v
    WHERE v.tenant_id = tenant AND v.series_id = series_scope.series_id AND v.local_original_start >= coalesce(series_scope.from_original, '-infinity');
    IF jsonb_array_length(entries) < (
        SELECT count(*) FROM clinic_data.series_appointments AS e
        WHERE e.tenant_id = tenant AND e.series_id = series_scope.series_id AND e.local_original_start >= coalesce(series_scope.from_original, '-infinity')) THEN
        PERFORM clinic_private.raise_error('forbidden', 'some dates of the series lie where you may not change them', jsonb_build_object('series_id', series_scope.series_id));
    END IF;
    RETURN entries;
END
$$;
COMMENT ON FUNCTION clinic_private.series_scope(uuid, timestamp) IS
    'The dates of a series from one on, as rows of clinic.series_appointments with a member state. Errors: forbidden when the caller does not see all of them.';
REVOKE ALL ON FUNCTION clinic_private.series_scope FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.series_scope TO clinic_owner;

CREATE FUNCTION clinic_private.kept_line(entry jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN jsonb_build_object(
    'local_original_start', kept_line.entry -> 'local_original_start', 'appointment_id', kept_line.entry -> 'appointment_id', 'status', kept_line.entry -> 'status',
    'local_starts_at', kept_line.entry -> 'local_starts_at',
    'starts_at', coalesce(nullif(kept_line.entry -> 'actual_starts_at', 'null'), kept_line.entry -> 'starts_at'),
    'ends_at', coalesce(nullif(kept_line.entry -> 'actual_ends_at', 'null'), kept_line.entry -> 'ends_at'),
    'provider_id', coalesce(nullif(kept_line.entry -> 'actual_provider_id', 'null'), kept_line.entry -> 'provider_id'),
    'location_id', coalesce(nullif(kept_line.entry -> 'actual_location_id', 'null'), kept_line.entry -> 'location_id'),
    'outcome', CASE WHEN kept_line.entry ->> 'state' = 'changeable' THEN 'unchanged' ELSE 'kept' END,
    'reason', nullif(kept_line.entry ->> 'state', 'changeable'));
COMMENT ON FUNCTION clinic_private.kept_line(jsonb) IS 'The line of a date that stays as it is: kept with its state as reason, or unchanged.';
REVOKE ALL ON FUNCTION clinic_private.kept_line FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.kept_line TO clinic_owner;

-- Moves dates; what one of them frees may be what another needs, so those refused are tried again as long as that helps.
-- moves: entries with to_local (where to) and to_original (their name afterwards).
CREATE FUNCTION clinic_private.move_dates(moves jsonb, wishes jsonb, time_zone text, gap text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    w constant jsonb := jsonb_strip_nulls(move_dates.wishes);
    waiting jsonb[] := ARRAY(SELECT m.value FROM jsonb_array_elements(move_dates.moves) WITH ORDINALITY AS m (value, place) ORDER BY m.place);
    refused jsonb[];
    lines jsonb := '[]';
    entry jsonb;
    line jsonb;
    answer jsonb;
    wished timestamptz;
    progress boolean;
BEGIN
    LOOP
        progress := false;
        refused := '{}';
        FOREACH entry IN ARRAY waiting LOOP
            wished := clinic.local_instant((entry ->> 'to_local')::timestamp, move_dates.time_zone, NULL, 'shift');
            line := clinic_private.kept_line(entry) || jsonb_build_object('local_original_start', entry -> 'to_original');
            IF move_dates.gap = 'refuse' AND wished AT TIME ZONE move_dates.time_zone <> (entry ->> 'to_local')::timestamp THEN
                answer := jsonb_build_object('refusal', 'nonexistent_local_time', 'message', 'the local time does not exist in that zone', 'alternatives', '[]'::jsonb);
            ELSIF wished = (entry ->> 'actual_starts_at')::timestamptz
                  AND coalesce((w ->> 'provider_id')::uuid = (entry ->> 'actual_provider_id')::uuid, true)
                  AND coalesce((w ->> 'location_id')::uuid = (entry ->> 'actual_location_id')::uuid, true)
                  AND coalesce((w ->> 'duration')::interval = (entry ->> 'actual_ends_at')::timestamptz - (entry ->> 'actual_starts_at')::timestamptz, true)
                  AND coalesce(clinic_private.ids_of(w -> 'resource_ids') <@ clinic_private.ids_of(entry -> 'resource_ids'), true) THEN
                lines := lines || line;
                CONTINUE;
            ELSE
                answer := clinic_private.series_attempt('reschedule', w || jsonb_build_object(
                    'appointment_id', entry -> 'appointment_id', 'starts_at', wished, 'version', entry -> 'version'));
            END IF;
            IF answer ? 'refusal' THEN
                refused := refused || (entry || jsonb_build_object('line', line || jsonb_build_object(
                    'outcome', 'refused', 'reason', answer ->> 'refusal', 'message', answer ->> 'message', 'alternatives', answer -> 'alternatives')));
            ELSE
                progress := true;
                lines := lines || (line || (answer - '{replayed,local_starts_at,time_zone}'::text[]) || jsonb_build_object(
                    'outcome', 'moved', 'entry_id', entry -> 'entry_id', 'local_starts_at', wished AT TIME ZONE move_dates.time_zone));
            END IF;
        END LOOP;
        waiting := refused;
        EXIT WHEN NOT progress OR cardinality(waiting) = 0;
    END LOOP;
    FOREACH entry IN ARRAY waiting LOOP
        lines := lines || (entry -> 'line');
    END LOOP;
    -- What is meant for the date now is what was booked for it.
    UPDATE clinic_data.series_appointments AS e
    SET local_starts_at = l.local_starts_at, starts_at = l.starts_at, ends_at = l.ends_at, provider_id = l.provider_id, location_id = l.location_id,
        resource_ids = l.resource_ids
    FROM jsonb_to_recordset(lines) AS l (
        entry_id uuid, local_starts_at timestamp, starts_at timestamptz, ends_at timestamptz, provider_id uuid, location_id uuid, resource_ids uuid[], outcome text)
    WHERE e.tenant_id = clinic.current_tenant_id() AND e.entry_id = l.entry_id AND l.outcome = 'moved';
    RETURN lines;
END
$$;
COMMENT ON FUNCTION clinic_private.move_dates(jsonb, jsonb, text, text) IS
    'Moves appointments of a series to new local starts, and with wishes to another provider, location, length or rooms; returns a line for each: moved, unchanged or refused.';
REVOKE ALL ON FUNCTION clinic_private.move_dates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.move_dates TO clinic_owner;

CREATE FUNCTION clinic_private.cancel_dates(entries jsonb, reason text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    lines jsonb := '[]';
    entry jsonb;
    answer jsonb;
BEGIN
    FOR entry IN SELECT e.value FROM jsonb_array_elements(cancel_dates.entries) WITH ORDINALITY AS e (value, place) ORDER BY e.place LOOP
        answer := clinic_private.series_attempt('cancel', jsonb_build_object(
            'appointment_id', entry -> 'appointment_id', 'reason', cancel_dates.reason, 'version', entry -> 'version'));
        lines := lines || (clinic_private.kept_line(entry) || CASE
            WHEN answer ? 'refusal' THEN jsonb_build_object('outcome', 'refused', 'reason', answer ->> 'refusal', 'message', answer ->> 'message')
            ELSE jsonb_build_object('outcome', 'cancelled', 'status', answer -> 'status', 'reason', NULL) END);
    END LOOP;
    RETURN lines;
END
$$;
COMMENT ON FUNCTION clinic_private.cancel_dates(jsonb, text) IS 'Cancels appointments of a series; returns a line for each: cancelled or refused.';
REVOKE ALL ON FUNCTION clinic_private.cancel_dates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.cancel_dates TO clinic_owner;

-- Whether a change stands: in mode all_or_nothing without a refusal, in mode skip when anything came of it.
CREATE FUNCTION clinic_private.settle_change(lines jsonb, mode text, facts jsonb, done text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    refused integer;
    wanted integer;
BEGIN
    SELECT count(*) FILTER (WHERE l.value ->> 'outcome' IN ('refused', 'skipped')),
           count(*) FILTER (WHERE l.value ->> 'outcome' IN ('refused', 'skipped', 'moved', 'cancelled', 'booked'))
    INTO refused, wanted
    FROM jsonb_array_elements(settle_change.lines) AS l (value);
    IF refused > 0 AND (settle_change.mode = 'all_or_nothing' OR refused = wanted) THEN
        PERFORM clinic_private.refuse_series(settle_change.lines, settle_change.facts, settle_change.done);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.settle_change(jsonb, text, jsonb, text) IS
    'Raises the conflicts of a change when its mode, or that nothing came of it, takes all of it back.';
REVOKE ALL ON FUNCTION clinic_private.settle_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.settle_change TO clinic_owner;

CREATE FUNCTION clinic_private.cancel_series(arguments jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := jsonb_strip_nulls(cancel_series.arguments);
    series jsonb;
    target jsonb;
    entries jsonb;
    lines jsonb;
    from_original timestamp;
    whole boolean;
BEGIN
    PERFORM clinic_private.check_series_change(a);
    series := clinic_private.locked_series(a);
    IF a ->> 'scope' <> 'all' THEN
        target := clinic_private.series_target((a ->> 'series_id')::uuid, (a ->> 'appointment_id')::uuid, (a ->> 'local_original_start')::timestamp);
        from_original := (target ->> 'local_original_start')::timestamp;
    END IF;
    IF a ->> 'scope' = 'this' THEN
        IF target ->> 'appointment_id' IS NULL THEN
            PERFORM clinic_private.raise_error('bad_transition', 'the date was never booked',
                jsonb_build_object('series_id', series -> 'series_id', 'local_original_start', target -> 'local_original_start', 'outcome', target -> 'outcome'));
        END IF;
        PERFORM clinic_private.series_call('cancel', jsonb_build_object('appointment_id', target -> 'appointment_id', 'reason', a -> 'reason'));
        RETURN jsonb_build_object('series_id', series -> 'series_id', 'lines', jsonb_build_array(
            clinic_private.kept_line(target) || jsonb_build_object('outcome', 'cancelled', 'status', 'cancelled', 'reason', NULL)));
    END IF;
    entries := clinic_private.series_scope((a ->> 'series_id')::uuid, from_original);
    SELECT clinic_private.cancel_dates(coalesce(jsonb_agg(e.value ORDER BY e.place) FILTER (WHERE e.is_due), '[]'), a ->> 'reason')
           || coalesce(jsonb_agg(clinic_private.kept_line(e.value)) FILTER (WHERE NOT e.is_due), '[]')
    INTO lines
    FROM (
        SELECT i.value, i.place,
               i.value ->> 'state' = 'changeable'
               OR coalesce((a ->> 'include_exceptions')::boolean, false) AND i.value ->> 'state' IN ('moved', 'changed')
                  AND i.value ->> 'status' IN ('held', 'pending', 'booked', 'confirmed')
                  AND (i.value ->> 'actual_starts_at')::timestamptz >= clinic.now() AS is_due
        FROM jsonb_array_elements(entries) WITH ORDINALITY AS i (value, place)
    ) AS e;
    PERFORM clinic_private.settle_change(lines, a ->> 'mode', '{}', 'cancelled');
    whole := from_original IS NULL OR NOT EXISTS (
        SELECT FROM clinic_data.series_appointments AS e
        WHERE e.tenant_id = clinic.current_tenant_id() AND e.series_id = (a ->> 'series_id')::uuid AND e.local_original_start < from_original);
    UPDATE clinic_data.series AS s
    SET status = CASE WHEN whole THEN 'cancelled' ELSE 'ended' END,
        local_until = least(s.local_until, coalesce(from_original, s.local_from, s.local_first_starts_at))
    WHERE s.tenant_id = clinic.current_tenant_id() AND s.series_id = (a ->> 'series_id')::uuid;
    RETURN jsonb_build_object('series_id', series -> 'series_id', 'lines', lines);
END
$$;
COMMENT ON FUNCTION clinic_private.cancel_series(jsonb) IS 'Does what clinic.cancel_series says. arguments: by name.';
REVOKE ALL ON FUNCTION clinic_private.cancel_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.cancel_series TO clinic_owner;

CREATE FUNCTION clinic.cancel_series(
    series_id uuid,
    scope text,
    appointment_id uuid DEFAULT NULL,
    local_original_start timestamp DEFAULT NULL,
    reason text DEFAULT NULL,
    include_exceptions boolean DEFAULT false,
    mode text DEFAULT 'all_or_nothing',
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
        appointment_id uuid,
        status text,
        outcome text,
        reason text,
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 50
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.series_id, r.local_original_start, r.local_starts_at, r.starts_at, r.ends_at, r.provider_id, r.location_id, r.appointment_id, r.status,
           r.outcome, r.reason, r.replayed
    FROM clinic_private.series_rows(clinic_private.series_once('cancel_series', jsonb_build_object(
        'series_id', $1, 'scope', $2, 'appointment_id', $3, 'local_original_start', $4, 'reason', $5, 'include_exceptions', $6, 'mode', $7, 'version', $8), $9)) AS r
$$;
ALTER FUNCTION clinic.cancel_series OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.cancel_series FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.cancel_series TO clinic_user;
COMMENT ON FUNCTION clinic.cancel_series IS
    'Cancels one date of a series, that and the following, or all that have not begun; each as clinic.cancel_appointment would, late ones marked late.
scope: this, following or all. appointment_id or local_original_start: which date (not for all). include_exceptions: cancel also dates that were moved or changed singly; without it they are kept, and told. mode: all_or_nothing, or skip: what cannot be cancelled stays and is told. version: refuse when the series has changed since.
One row a date. outcome: cancelled; kept, with reason moved, changed, cancelled, expired, begun or skipped; refused, with reason. No further date is made.
Errors: those of clinic.cancel_appointment for the first date refused, with all in the DETAIL as "conflicts"; not_found, forbidden, stale_version, bad_transition (cancelled already), 22004, 22023, no_context, busy, idempotency_conflict.';
