-- Visits: several services of one patient, one after the other, found as itineraries and booked all or none.

CREATE FUNCTION clinic_private.visit_steps(steps jsonb, with_starts boolean)
    RETURNS TABLE (
        step integer,
        service_id uuid,
        provider_id uuid,
        location_id uuid,
        duration_minutes integer,
        min_gap_minutes integer,
        max_gap_minutes integer,
        resource_ids uuid[],
        starts_at timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    known constant text[] := '{service_id,provider_id,location_id,duration_minutes,min_gap_minutes,max_gap_minutes,resource_ids,starts_at,ends_at,missing_participants}';
    element jsonb;
    number integer := 0;
    unknown text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('steps', visit_steps.steps));
    IF jsonb_typeof(visit_steps.steps) <> 'array' OR jsonb_array_length(visit_steps.steps) NOT BETWEEN 1 AND 10 THEN
        PERFORM clinic_private.refuse_argument('steps', 'steps must be an array of 1 to 10 objects',
            hint => 'Write it like [{"service_id": "..."}, {"service_id": "...", "min_gap_minutes": 10, "max_gap_minutes": 60}].');
    END IF;
    FOR element IN SELECT e.value FROM jsonb_array_elements(visit_steps.steps) WITH ORDINALITY AS e (value, n) ORDER BY e.n LOOP
        number := number + 1;
        IF jsonb_typeof(element) <> 'object' THEN
            PERFORM clinic_private.refuse_argument('steps', format('step %s is no object', number));
        END IF;
        SELECT string_agg(k.name, ', ' ORDER BY k.name) INTO unknown
        FROM jsonb_object_keys(element) AS k (name) WHERE k.name <> ALL (known);
        IF unknown IS NOT NULL THEN
            PERFORM clinic_private.refuse_argument('steps', format('step %s has unknown members: %s', number, unknown),
                format('A step has %s.', array_to_string(known, ', ')));
        END IF;
        step := number;
        BEGIN
            service_id := (element ->> 'service_id')::uuid;
            provider_id := (element ->> 'provider_id')::uuid;
            location_id := (element ->> 'location_id')::uuid;
            duration_minutes := (element ->> 'duration_minutes')::integer;
            min_gap_minutes := coalesce((element ->> 'min_gap_minutes')::integer, 0);
            max_gap_minutes := (element ->> 'max_gap_minutes')::integer;
            resource_ids := (SELECT array_agg(r.id::uuid) FROM jsonb_array_elements_text(nullif(element -> 'resource_ids', 'null')) AS r (id));
            starts_at := (element ->> 'starts_at')::timestamptz;
        EXCEPTION
            WHEN data_exception THEN
                PERFORM clinic_private.refuse_argument('steps', format('step %s has a value of the wrong type', number));
        END;
        IF service_id IS NULL OR visit_steps.with_starts AND starts_at IS NULL THEN
            PERFORM clinic_private.refuse_argument('steps',
                format('step %s has no %s', number, CASE WHEN service_id IS NULL THEN 'service_id' ELSE 'starts_at' END));
        END IF;
        IF min_gap_minutes NOT BETWEEN 0 AND 527040 OR max_gap_minutes NOT BETWEEN min_gap_minutes AND 527040 THEN
            PERFORM clinic_private.refuse_argument('steps', format('the gap before step %s is not between 0 and 527040 minutes, or its bounds are out of order', number));
        END IF;
        IF number = 1 AND (min_gap_minutes > 0 OR max_gap_minutes IS NOT NULL) THEN
            PERFORM clinic_private.refuse_argument('steps', 'the first step has no gap before it',
                hint => 'min_gap_minutes and max_gap_minutes bound the time after the step before.');
        END IF;
        IF duration_minutes NOT BETWEEN 1 AND 10080 THEN
            PERFORM clinic_private.refuse_argument('steps', format('the duration of step %s is not between 1 and 10080 minutes', number));
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.visit_steps(jsonb, boolean) IS
    'The steps of a visit as rows, checked. with_starts: each must say when it starts. Errors: 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.visit_steps FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.visit_steps TO clinic_owner;

CREATE FUNCTION clinic.find_itineraries(
    steps jsonb,
    range_start timestamptz,
    range_end timestamptz,
    patient_id uuid DEFAULT NULL,
    providers text DEFAULT 'any',
    one_location boolean DEFAULT false,
    max_rows integer DEFAULT 10)
    RETURNS TABLE (itinerary integer, starts_at timestamptz, ends_at timestamptz, steps jsonb)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    COST 100000 ROWS 10
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
    WITH wanted AS MATERIALIZED (
        SELECT array_agg(s.service_id ORDER BY s.step) AS services,
               array_agg(coalesce(s.provider_id, '00000000-0000-0000-0000-000000000000') ORDER BY s.step) AS providers,
               array_agg(coalesce(s.location_id, '00000000-0000-0000-0000-000000000000') ORDER BY s.step) AS locations,
               array_agg(coalesce(s.duration_minutes, 0) ORDER BY s.step) AS durations,
               array_agg(s.min_gap_minutes ORDER BY s.step) AS least_gaps,
               array_agg(coalesce(s.max_gap_minutes, -1) ORDER BY s.step) AS most_gaps
        FROM clinic_private.visit_steps(find_itineraries.steps, false) AS s
    )
    SELECT i.itinerary, min(i.starts_at), max(i.ends_at),
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'service_id', i.service_id, 'provider_id', i.provider_id, 'location_id', i.location_id,
               'starts_at', i.starts_at, 'ends_at', i.ends_at,
               'duration_minutes', nullif(w.durations[i.step], 0),
               'min_gap_minutes', nullif(w.least_gaps[i.step], 0),
               'max_gap_minutes', nullif(w.most_gaps[i.step], -1),
               'missing_participants', CASE WHEN i.missing_participants <> '{}' THEN to_jsonb(i.missing_participants) END))
                     ORDER BY i.step)
    FROM wanted AS w
    CROSS JOIN LATERAL clinic_private.itineraries(w.services, w.providers, w.locations, w.durations, w.least_gaps, w.most_gaps,
        find_itineraries.range_start, find_itineraries.range_end, find_itineraries.patient_id, find_itineraries.providers,
        find_itineraries.one_location, find_itineraries.max_rows) AS i
    GROUP BY i.itinerary
    ORDER BY i.itinerary
$$;
ALTER FUNCTION clinic.find_itineraries OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.find_itineraries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.find_itineraries TO clinic_user, clinic_anon;
COMMENT ON FUNCTION clinic.find_itineraries IS
    'How several services can follow one another: the first itineraries, by the start of the first step, the end of the last, then providers and locations step by step.
steps: an array of objects in order, each with service_id and, where that matters, provider_id, location_id, duration_minutes, min_gap_minutes and max_gap_minutes (between the end of the step before and this start). range_start, range_end: all starts lie within. patient_id: only what this patient can take. providers: any, same (one for all steps) or different (another for each). one_location: all at the same. The way between locations (travel times) is kept free for the patient. Each step is free with those before it in place.
Columns: steps is what clinic.book_visit takes; missing_participants are the optional roles that nobody can fill then.
Errors: no_context, not_found, 22004, 22023, 22008; 54000 where there is too much to look through.';

CREATE FUNCTION clinic_private.require_gaps(visit_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    s record;
BEGIN
    FOR s IN
        SELECT n.step, n.gap, n.min_gap_minutes, n.max_gap_minutes,
               coalesce((SELECT t.minutes FROM clinic_data.travel_times AS t
                         WHERE t.tenant_id = tenant AND t.from_location_id = n.location_before AND t.to_location_id = n.location_id), 0) AS way
        FROM (
            SELECT v.step, v.min_gap_minutes, v.max_gap_minutes, a.location_id, lag(a.location_id) OVER w AS location_before,
                   a.starts_at - lag(a.ends_at) OVER w AS gap
            FROM clinic_data.visit_appointments AS v
            JOIN clinic_data.appointments AS a ON a.tenant_id = v.tenant_id AND a.appointment_id = v.appointment_id
            WHERE v.tenant_id = tenant AND v.visit_id = require_gaps.visit_id AND a.status NOT IN ('cancelled', 'no_show')
            WINDOW w AS (ORDER BY v.step)
        ) AS n
        WHERE n.gap IS NOT NULL
        ORDER BY n.step
    LOOP
        IF s.gap < make_interval(mins => greatest(s.min_gap_minutes, s.way)) THEN
            PERFORM clinic_private.refuse_argument('steps', format('step %s begins too early after the one before', s.step),
                format('At least %s minutes must lie between them.', greatest(s.min_gap_minutes, s.way)),
                'clinic.find_itineraries() gives starts that fit.');
        END IF;
        IF s.gap > make_interval(mins => s.max_gap_minutes) THEN
            PERFORM clinic_private.refuse_argument('steps', format('step %s begins too late after the one before', s.step),
                format('At most %s minutes may lie between them.', s.max_gap_minutes),
                'clinic.find_itineraries() gives starts that fit.');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.require_gaps(uuid) IS
    'Refuses a visit whose steps do not follow one another in order, with their gaps and the way between locations. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_gaps FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_gaps TO clinic_owner;

CREATE FUNCTION clinic_private.raise_at_step(step integer, sqlstate text, message text, detail text, hint text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    code text := (SELECT c.code FROM clinic.error_codes() AS c WHERE c.sqlstate = raise_at_step.sqlstate ORDER BY c.code LIMIT 1);
BEGIN
    IF code IS NOT NULL AND raise_at_step.detail LIKE '{%' THEN
        PERFORM clinic_private.raise_error(code, raise_at_step.message,
            (raise_at_step.detail::jsonb - 'reason') || jsonb_build_object('step', raise_at_step.step), raise_at_step.hint);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.raise_at_step(integer, text, text, text, text) IS
    'Raises an error of the domain again, with the step of the visit in its detail; returns for other errors.';
REVOKE ALL ON FUNCTION clinic_private.raise_at_step FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.raise_at_step TO clinic_owner;

CREATE FUNCTION clinic_private.lock_steps(steps jsonb, patient_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
BEGIN
    PERFORM clinic_private.lock_resources(tenant, array_agg(busy.id))
    FROM (
        SELECT lock_steps.patient_id AS id
        UNION
        SELECT coalesce(s.provider_id, p.provider_id)
        FROM clinic_private.visit_steps(lock_steps.steps, true) AS s
        LEFT JOIN clinic_data.service_providers AS p ON p.tenant_id = tenant AND p.service_id = s.service_id AND s.provider_id IS NULL
        UNION
        SELECT r.resource_id
        FROM clinic_private.visit_steps(lock_steps.steps, true) AS s
        JOIN clinic_data.service_resources AS n ON n.tenant_id = tenant AND n.service_id = s.service_id
        JOIN clinic_data.resources AS r ON r.tenant_id = n.tenant_id AND r.kind <> 'patient' AND r.resource_class = n.resource_class
                                       AND r.location_id = coalesce(s.location_id, r.location_id)
        UNION
        SELECT c.resource_id
        FROM clinic_private.visit_steps(lock_steps.steps, true) AS s
        JOIN clinic_data.service_participant_candidates AS c ON c.tenant_id = tenant AND c.service_id = s.service_id
    ) AS busy
    WHERE busy.id IS NOT NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.lock_steps(jsonb, uuid) IS
    'Takes, in one call, the booking''s locks on all that the steps of a visit may come to claim.';
REVOKE ALL ON FUNCTION clinic_private.lock_steps FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_steps TO clinic_owner;

CREATE FUNCTION clinic.book_visit(steps jsonb, patient_id uuid, idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        visit_id uuid,
        step integer,
        appointment_id uuid,
        confirmation_code text,
        status text,
        service_id uuid,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        resource_ids uuid[],
        warnings text[],
        replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 100000 ROWS 3
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    new_id uuid := clinic.new_id();
    stored jsonb;
    booked jsonb := '[]';
    s record;
    b record;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
BEGIN
    PERFORM clinic_private.require_booking_right();
    PERFORM clinic_private.require_arguments(jsonb_build_object('steps', book_visit.steps, 'patient_id', book_visit.patient_id));
    stored := clinic_private.begin_once('book_visit', book_visit.idempotency_key,
        jsonb_build_object('steps', book_visit.steps, 'patient_id', book_visit.patient_id));
    IF stored IS NULL THEN
        PERFORM clinic_private.lock_steps(book_visit.steps, book_visit.patient_id);
        FOR s IN SELECT v.* FROM clinic_private.visit_steps(book_visit.steps, true) AS v ORDER BY v.step LOOP
            BEGIN
                SELECT p.* INTO STRICT b
                FROM clinic_private.place_appointment(s.service_id, book_visit.patient_id, s.starts_at, s.provider_id, s.location_id,
                    make_interval(mins => s.duration_minutes), s.resource_ids) AS p;
            EXCEPTION
                WHEN OTHERS THEN
                    GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL,
                                            v_hint = PG_EXCEPTION_HINT;
                    PERFORM clinic_private.raise_at_step(s.step, v_state, v_message, v_detail, v_hint);
                    RAISE;
            END;
            IF s.step = 1 THEN
                INSERT INTO clinic_data.visits (tenant_id, visit_id, patient_id) VALUES (tenant, new_id, book_visit.patient_id);
            END IF;
            INSERT INTO clinic_data.visit_appointments (tenant_id, visit_id, step, appointment_id, min_gap_minutes, max_gap_minutes)
            VALUES (tenant, new_id, s.step, b.appointment_id, s.min_gap_minutes, s.max_gap_minutes);
            booked := booked || (to_jsonb(b) || jsonb_build_object('visit_id', new_id, 'step', s.step, 'service_id', s.service_id));
        END LOOP;
        PERFORM clinic_private.require_gaps(new_id);
        PERFORM clinic_private.end_once('book_visit', book_visit.idempotency_key, booked);
    END IF;
    RETURN QUERY
        SELECT r.visit_id, r.step, r.appointment_id, r.confirmation_code, r.status, r.service_id, r.provider_id, r.location_id,
               r.starts_at, r.ends_at, r.resource_ids, r.warnings, stored IS NOT NULL
        FROM jsonb_to_recordset(coalesce(stored, booked))
            AS r (visit_id uuid, step integer, appointment_id uuid, confirmation_code text, status text, service_id uuid,
                  provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, resource_ids uuid[], warnings text[])
        ORDER BY r.step;
END
$$;
ALTER FUNCTION clinic.book_visit OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.book_visit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.book_visit TO clinic_user;
COMMENT ON FUNCTION clinic.book_visit IS
    'Books several services for a patient, all or none: a row for each step. Rights as for clinic.book_appointment.
steps: as clinic.find_itineraries takes and gives them, each with starts_at; without provider_id or location_id they are chosen as clinic.book_appointment does. All locks are taken first; each step is judged with those before it in place, and gaps and the way between locations must hold. idempotency_key: the same call again returns the same visit.
Errors: those of clinic.book_appointment, with the step in the DETAIL; 22023 for steps that do not follow one another; idempotency_conflict.';

CREATE FUNCTION clinic_private.require_visit(visit_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('visit_id', require_visit.visit_id));
    -- One change of a visit at a time; its appointments, and what offers of their time may claim, in one call.
    PERFORM clinic_private.lock_resources(clinic.current_tenant_id(), ARRAY[require_visit.visit_id]);
    IF NOT EXISTS (SELECT FROM clinic_data.visits AS v
                   WHERE v.tenant_id = clinic.current_tenant_id() AND v.visit_id = require_visit.visit_id) THEN
        PERFORM clinic_private.raise_error('not_found', 'the visit does not exist',
            jsonb_build_object('visit_id', require_visit.visit_id), NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_visit(uuid) IS 'Locks a visit that the caller may see. Errors: not_found, 22004.';
REVOKE ALL ON FUNCTION clinic_private.require_visit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_visit TO clinic_owner;

CREATE FUNCTION clinic_private.open_steps(visit_id uuid)
    RETURNS TABLE (step integer, appointment_id uuid, service_id uuid, starts_at timestamptz, time_zone text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 3
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.step, a.appointment_id, a.service_id, a.starts_at, a.time_zone::text
    FROM clinic_data.visit_appointments AS v
    JOIN clinic_data.appointments AS a ON a.tenant_id = v.tenant_id AND a.appointment_id = v.appointment_id
    WHERE v.tenant_id = clinic.current_tenant_id() AND v.visit_id = open_steps.visit_id
      AND a.status IN ('held', 'pending', 'booked', 'confirmed') AND (a.expires_at IS NULL OR a.expires_at > clinic.now())
    ORDER BY v.step
$$;
COMMENT ON FUNCTION clinic_private.open_steps(uuid) IS 'The steps of a visit that can still be moved or cancelled.';
REVOKE ALL ON FUNCTION clinic_private.open_steps FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.open_steps TO clinic_owner;

CREATE FUNCTION clinic.cancel_visit(visit_id uuid, reason text DEFAULT NULL, idempotency_key text DEFAULT NULL)
    RETURNS TABLE (step integer, appointment_id uuid, status text, late boolean, cancelled_at timestamptz, replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 100000 ROWS 3
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    stored jsonb;
    done jsonb := '[]';
    s record;
    c record;
BEGIN
    PERFORM clinic_private.require_booking_right();
    stored := clinic_private.begin_once('cancel_visit', cancel_visit.idempotency_key,
        jsonb_build_object('visit_id', cancel_visit.visit_id, 'reason', cancel_visit.reason));
    IF stored IS NULL THEN
        PERFORM clinic_private.require_visit(cancel_visit.visit_id);
        PERFORM clinic_private.lock_resources(tenant, array_agg(busy.id))
        FROM (
            SELECT o.appointment_id AS id FROM clinic_private.open_steps(cancel_visit.visit_id) AS o
            UNION
            SELECT v.patient_id FROM clinic_data.visits AS v WHERE v.tenant_id = tenant AND v.visit_id = cancel_visit.visit_id
            UNION
            SELECT u.resource_id
            FROM clinic_private.open_steps(cancel_visit.visit_id) AS o
            JOIN clinic_data.appointment_resources AS u ON u.tenant_id = tenant AND u.appointment_id = o.appointment_id
            UNION
            SELECT r.resource_id
            FROM clinic_private.open_steps(cancel_visit.visit_id) AS o
            JOIN clinic_data.appointments AS a ON a.tenant_id = tenant AND a.appointment_id = o.appointment_id
            JOIN clinic_data.resources AS r ON r.tenant_id = tenant AND r.location_id = a.location_id
        ) AS busy;
        FOR s IN SELECT o.* FROM clinic_private.open_steps(cancel_visit.visit_id) AS o ORDER BY o.step LOOP
            SELECT x.* INTO STRICT c FROM clinic.cancel_appointment(s.appointment_id, cancel_visit.reason) AS x;
            done := done || jsonb_build_object('step', s.step, 'appointment_id', s.appointment_id, 'status', c.status,
                                               'late', c.late, 'cancelled_at', c.cancelled_at);
        END LOOP;
        IF done = '[]' THEN
            PERFORM clinic_private.raise_error('bad_transition', 'the visit cannot be cancelled',
                jsonb_build_object('visit_id', cancel_visit.visit_id), 'None of its steps is still to come.');
        END IF;
        UPDATE clinic_data.visits AS v SET version = v.version + 1 WHERE v.tenant_id = tenant AND v.visit_id = cancel_visit.visit_id;
        PERFORM clinic_private.end_once('cancel_visit', cancel_visit.idempotency_key, done);
    END IF;
    RETURN QUERY
        SELECT r.step, r.appointment_id, r.status, r.late, r.cancelled_at, stored IS NOT NULL
        FROM jsonb_to_recordset(coalesce(stored, done))
            AS r (step integer, appointment_id uuid, status text, late boolean, cancelled_at timestamptz)
        ORDER BY r.step;
END
$$;
ALTER FUNCTION clinic.cancel_visit OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.cancel_visit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.cancel_visit TO clinic_user;
COMMENT ON FUNCTION clinic.cancel_visit IS
    'Cancels all steps of a visit that are still to come, or none: a row for each. Rights and late cancellation as for clinic.cancel_appointment; a step alone is cancelled there.
Errors: not_found, bad_transition when there is nothing left to cancel, forbidden, idempotency_conflict.';

CREATE FUNCTION clinic_private.shifted(at timestamptz, shift interval, time_zone text)
    RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    -- Days move the calendar, hours the clock.
    RETURN ((shifted.at AT TIME ZONE shifted.time_zone + date_trunc('day', shifted.shift)) AT TIME ZONE shifted.time_zone)
           + (shifted.shift - date_trunc('day', shifted.shift));
COMMENT ON FUNCTION clinic_private.shifted(timestamptz, interval, text) IS
    'An instant some days (by the local calendar) and hours (elapsed) later.';
REVOKE ALL ON FUNCTION clinic_private.shifted FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.shifted TO clinic_owner;

CREATE FUNCTION clinic.move_visit(
    visit_id uuid,
    shift interval DEFAULT NULL,
    steps jsonb DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        step integer,
        appointment_id uuid,
        confirmation_code text,
        status text,
        service_id uuid,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        resource_ids uuid[],
        warnings text[],
        replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 100000 ROWS 3
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    nothing constant uuid := '00000000-0000-0000-0000-000000000000';
    stored jsonb;
    moved jsonb;
    a record;
    places integer[];
    services uuid[];
BEGIN
    PERFORM clinic_private.require_booking_right();
    IF (move_visit.shift IS NULL) = (move_visit.steps IS NULL) THEN
        PERFORM clinic_private.refuse_argument('shift, steps', 'a visit is moved either by a shift or to new steps',
            CASE WHEN move_visit.shift IS NULL THEN 'Both are null.' ELSE 'Both are given.' END,
            'Pass shift => ''1 day'', or steps as clinic.find_itineraries() gives them.');
    END IF;
    stored := clinic_private.begin_once('move_visit', move_visit.idempotency_key,
        jsonb_build_object('visit_id', move_visit.visit_id, 'shift', extract(epoch FROM move_visit.shift),
                           'steps', move_visit.steps));
    IF stored IS NULL THEN
        PERFORM clinic_private.require_visit(move_visit.visit_id);
        SELECT array_agg(o.step ORDER BY o.step), array_agg(o.service_id ORDER BY o.step) INTO places, services
        FROM clinic_private.open_steps(move_visit.visit_id) AS o;
        IF places IS NULL THEN
            PERFORM clinic_private.raise_error('bad_transition', 'the visit cannot be moved',
                jsonb_build_object('visit_id', move_visit.visit_id), 'None of its steps is still to come.');
        END IF;
        IF move_visit.steps IS NULL THEN
            SELECT array_agg(o.appointment_id ORDER BY o.step) AS ids,
                   array_agg(clinic_private.shifted(o.starts_at, move_visit.shift, o.time_zone) ORDER BY o.step) AS starts,
                   array_agg(nothing ORDER BY o.step) AS providers, array_agg(nothing ORDER BY o.step) AS locations
            INTO a
            FROM clinic_private.open_steps(move_visit.visit_id) AS o;
        ELSE
            IF services IS DISTINCT FROM (SELECT array_agg(s.service_id ORDER BY s.step) FROM clinic_private.visit_steps(move_visit.steps, true) AS s) THEN
                PERFORM clinic_private.refuse_argument('steps', 'the steps are not those of the visit',
                    format('The visit has %s steps that can be moved.', cardinality(services)),
                    'Give the same services in the same order, each with starts_at.');
            END IF;
            SELECT array_agg(o.appointment_id ORDER BY o.step) AS ids, array_agg(s.starts_at ORDER BY o.step) AS starts,
                   array_agg(coalesce(s.provider_id, nothing) ORDER BY o.step) AS providers,
                   array_agg(coalesce(s.location_id, nothing) ORDER BY o.step) AS locations
            INTO a
            FROM clinic_private.open_steps(move_visit.visit_id) AS o
            JOIN clinic_private.visit_steps(move_visit.steps, true) AS s ON s.step = array_position(places, o.step);
        END IF;
        SELECT jsonb_agg(to_jsonb(m) || jsonb_build_object('step', v.step,
                                                           'service_id', services[array_position(places, v.step)]))
        INTO moved
        FROM clinic_private.move_appointments(a.ids, a.starts, a.providers, a.locations) AS m
        JOIN clinic_data.visit_appointments AS v ON v.tenant_id = tenant AND v.appointment_id = m.appointment_id;
        PERFORM clinic_private.require_gaps(move_visit.visit_id);
        UPDATE clinic_data.visits AS v SET version = v.version + 1 WHERE v.tenant_id = tenant AND v.visit_id = move_visit.visit_id;
        PERFORM clinic_private.end_once('move_visit', move_visit.idempotency_key, moved);
    END IF;
    RETURN QUERY
        SELECT r.step, r.appointment_id, r.confirmation_code, r.status, r.service_id, r.provider_id, r.location_id,
               r.starts_at, r.ends_at, r.resource_ids, r.warnings, stored IS NOT NULL
        FROM jsonb_to_recordset(coalesce(stored, moved))
            AS r (step integer, appointment_id uuid, confirmation_code text, status text, service_id uuid,
                  provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, resource_ids uuid[], warnings text[])
        ORDER BY r.step;
END
$$;
ALTER FUNCTION clinic.move_visit OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.move_visit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.move_visit TO clinic_user;
COMMENT ON FUNCTION clinic.move_visit IS
    'Moves all steps of a visit that are still to come, or none: a row for each. The visit''s own old times stand in its way nowhere.
shift: all by the same time, days by the local calendar and hours elapsed; steps: to a new itinerary of the same services, as clinic.find_itineraries gives it. Providers and locations stay where steps names none. Gaps and the way between locations must hold. Rights as for clinic.reschedule_appointment; a step alone is moved there.
Errors: those of clinic.reschedule_appointment; not_found, bad_transition, 22023, idempotency_conflict.';
