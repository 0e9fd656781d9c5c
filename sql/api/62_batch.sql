-- Batches: up to fifty calls in one, each with an outcome of its own.

CREATE FUNCTION clinic_private.batch_call(call text, arguments jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    a constant jsonb := jsonb_strip_nulls(batch_call.arguments);
    resource_ids uuid[];
    answer jsonb;
BEGIN
    IF a ? 'resource_ids' THEN
        IF jsonb_typeof(a -> 'resource_ids') <> 'array' THEN
            PERFORM clinic_private.refuse_argument('resource_ids', 'resource_ids must be an array of ids');
        END IF;
        resource_ids := ARRAY(SELECT r.id::uuid FROM jsonb_array_elements_text(a -> 'resource_ids') AS r (id));
    END IF;
    CASE batch_call.call
        WHEN 'book' THEN
            SELECT to_jsonb(r.*) INTO answer
            FROM clinic.book_appointment(
                service_id => (a ->> 'service_id')::uuid,
                patient_id => (a ->> 'patient_id')::uuid,
                starts_at => (a ->> 'starts_at')::timestamptz,
                provider_id => (a ->> 'provider_id')::uuid,
                location_id => (a ->> 'location_id')::uuid,
                duration => (a ->> 'duration')::interval,
                resource_ids => resource_ids,
                override => coalesce((a ->> 'override')::boolean, false),
                overbook => coalesce((a ->> 'overbook')::boolean, false),
                reason => a ->> 'reason',
                buffer_before_minutes => (a ->> 'buffer_before_minutes')::integer,
                buffer_after_minutes => (a ->> 'buffer_after_minutes')::integer,
                local_starts_at => (a ->> 'local_starts_at')::timestamp,
                utc_offset => (a ->> 'utc_offset')::interval,
                gap => coalesce(a ->> 'gap', 'refuse')) AS r;
        WHEN 'reschedule' THEN
            SELECT to_jsonb(r.*) INTO answer
            FROM clinic.reschedule_appointment(
                appointment_id => (a ->> 'appointment_id')::uuid,
                starts_at => (a ->> 'starts_at')::timestamptz,
                provider_id => (a ->> 'provider_id')::uuid,
                location_id => (a ->> 'location_id')::uuid,
                duration => (a ->> 'duration')::interval,
                resource_ids => resource_ids,
                override => coalesce((a ->> 'override')::boolean, false),
                overbook => coalesce((a ->> 'overbook')::boolean, false),
                reason => a ->> 'reason',
                version => (a ->> 'version')::integer) AS r;
        WHEN 'cancel' THEN
            SELECT to_jsonb(r.*) INTO answer
            FROM clinic.cancel_appointment(
                appointment_id => (a ->> 'appointment_id')::uuid,
                reason => a ->> 'reason',
                version => (a ->> 'version')::integer) AS r;
    END CASE;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION clinic_private.batch_call(text, jsonb) IS
    'Makes one call of a batch, and returns the row it answers with.
call: book, reschedule or cancel; arguments: by name, nulls for the defaults. Errors: those of the function called, and of casts.';
REVOKE ALL ON FUNCTION clinic_private.batch_call FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.batch_call TO clinic_owner;

CREATE FUNCTION clinic_private.run_batch(call text, items jsonb, idempotency_key text)
    RETURNS TABLE (item integer, appointment_id uuid, outcome text, status text, message text, details jsonb)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    arguments jsonb;
    state text;
    facts text;
    answer jsonb;
    name constant text := run_batch.call || '_appointments';
    -- Taken here, so that no element takes the key of the whole call.
    stored jsonb := clinic_private.begin_once(name, run_batch.idempotency_key, run_batch.items);
    outcomes jsonb := '[]';
    keeps boolean;
BEGIN
    IF stored IS NOT NULL THEN
        RETURN QUERY
        SELECT r.item, r.appointment_id, r.outcome, r.status, r.message,
               r.details || CASE WHEN r.outcome = 'done' THEN '{"replayed": true}' ELSE '{}' END::jsonb
        FROM jsonb_to_recordset(stored) AS r (item integer, appointment_id uuid, outcome text, status text, message text, details jsonb);
        RETURN;
    END IF;
    -- One may move to where another was: what they leave is offered to others once all are done.
    keeps := clinic_private.keep_freed_time();
    run_batch.item := 0;
    FOR arguments IN SELECT i.value FROM jsonb_array_elements(run_batch.items) WITH ORDINALITY AS i (value, place) ORDER BY i.place LOOP
        run_batch.item := run_batch.item + 1;
        run_batch.appointment_id := NULL;
        run_batch.status := NULL;
        run_batch.message := NULL;
        BEGIN
            answer := clinic_private.batch_call(run_batch.call, arguments);
            run_batch.appointment_id := (answer ->> 'appointment_id')::uuid;
            run_batch.outcome := 'done';
            run_batch.status := answer ->> 'status';
            run_batch.details := answer;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, facts = PG_EXCEPTION_DETAIL, message = MESSAGE_TEXT;
            -- What concerns this item alone is its outcome: the rules of the domain, arguments, constraints, what a trigger
            -- of the database's own says. What would meet the next item too ends the batch, and so does what the whole
            -- transaction must hear of.
            IF NOT (state LIKE 'CL%' OR state = '42501' OR state LIKE '22%' OR state LIKE '23%' OR state = 'P0001') THEN
                RAISE;
            END IF;
            run_batch.details := clinic_private.error_facts(facts);
            run_batch.outcome := coalesce(run_batch.details ->> 'reason', state);
            IF run_batch.outcome IN ('schema_version', 'rate_limited', 'no_context') THEN
                RAISE;
            END IF;
            run_batch.message := left(run_batch.message, 500);
            -- A constraint's or a trigger's own words may repeat the row.
            IF state LIKE '23%' AND run_batch.details IS NULL THEN
                run_batch.message := 'the row does not fit a constraint of the database';
            END IF;
            -- Text that is no id is not one to answer with.
            IF lower(arguments ->> 'appointment_id') ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
                run_batch.appointment_id := (arguments ->> 'appointment_id')::uuid;
            END IF;
        END;
        outcomes := outcomes || jsonb_build_object('item', run_batch.item, 'appointment_id', run_batch.appointment_id,
            'outcome', run_batch.outcome, 'status', run_batch.status, 'message', run_batch.message, 'details', run_batch.details);
        RETURN NEXT;
    END LOOP;
    IF keeps THEN
        PERFORM clinic_private.tell_kept_time();
    END IF;
    PERFORM clinic_private.end_once(name, run_batch.idempotency_key, outcomes);
END
$$;
COMMENT ON FUNCTION clinic_private.run_batch(text, jsonb, text) IS
    'Makes the calls of a batch in order, each undone by itself when it is refused.
call: as in clinic_private.batch_call; items: an array of its arguments; idempotency_key: of the whole batch.
Errors: those that concern more than one item; idempotency_conflict.';
REVOKE ALL ON FUNCTION clinic_private.run_batch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.run_batch TO clinic_owner;

CREATE FUNCTION clinic_private.error_facts(detail text)
    RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    facts jsonb;
BEGIN
    IF NOT starts_with(error_facts.detail, '{') THEN
        RETURN NULL;
    END IF;
    facts := error_facts.detail::jsonb;
    RETURN CASE WHEN facts ->> 'reason' IS NOT NULL THEN facts END;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.error_facts(text) IS
    'Returns the DETAIL of an error of the catalogue as an object; null for any other text.';
REVOKE ALL ON FUNCTION clinic_private.error_facts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.error_facts TO clinic_owner;

CREATE FUNCTION clinic_private.check_batch_length(argument text, length integer)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF check_batch_length.length NOT BETWEEN 1 AND 50 THEN
        PERFORM clinic_private.refuse_argument(check_batch_length.argument,
            format('%s must have between 1 and 50 elements', check_batch_length.argument),
            format('It has %s.', check_batch_length.length), 'Send several batches.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.check_batch_length(text, integer) IS 'Refuses an empty batch and one of more than fifty. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.check_batch_length FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_batch_length TO clinic_owner;

CREATE FUNCTION clinic_private.check_batch(argument text, items jsonb, members text[], key text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    wrong record;
BEGIN
    PERFORM clinic_private.require_tenant();
    PERFORM clinic_private.require_arguments(jsonb_build_object(check_batch.argument, check_batch.items));
    IF jsonb_typeof(check_batch.items) <> 'array' THEN
        PERFORM clinic_private.refuse_argument(check_batch.argument, format('%s must be an array of objects', check_batch.argument));
    END IF;
    PERFORM clinic_private.check_batch_length(check_batch.argument, jsonb_array_length(check_batch.items));

    SELECT i.place INTO wrong
    FROM jsonb_array_elements(check_batch.items) WITH ORDINALITY AS i (value, place)
    WHERE jsonb_typeof(i.value) <> 'object' ORDER BY i.place LIMIT 1;
    IF FOUND THEN
        PERFORM clinic_private.refuse_argument(check_batch.argument, format('element %s of %s is no object', wrong.place, check_batch.argument));
    END IF;

    SELECT i.place, m.name INTO wrong
    FROM jsonb_array_elements(check_batch.items) WITH ORDINALITY AS i (value, place)
    CROSS JOIN LATERAL jsonb_object_keys(i.value) AS m (name)
    WHERE m.name <> ALL (check_batch.members) ORDER BY i.place, m.name LIMIT 1;
    IF FOUND THEN
        PERFORM clinic_private.refuse_argument(check_batch.argument,
            format('element %s of %s has a member that is no argument: "%s"', wrong.place, check_batch.argument, left(wrong.name, 63)),
            hint => format('Members are %s.', array_to_string(check_batch.members, ', ')));
    END IF;

    SELECT min(i.place) AS place INTO wrong
    FROM jsonb_array_elements(check_batch.items) WITH ORDINALITY AS i (value, place)
    WHERE i.value ->> check_batch.key IS NOT NULL
    GROUP BY lower(i.value ->> check_batch.key) HAVING count(*) > 1 ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        PERFORM clinic_private.refuse_argument(check_batch.argument,
            format('element %s of %s names an appointment that another one names too', wrong.place, check_batch.argument));
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.check_batch(text, jsonb, text[], text) IS
    'Refuses what is no batch, before anything is written.
argument: its name; items: up to fifty objects; members: their possible members; key: one that no two objects share, or null.
Errors: no_context, 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.check_batch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_batch TO clinic_owner;

CREATE FUNCTION clinic_private.cancel_appointments(appointment_ids uuid[], reason text, versions integer[], idempotency_key text)
    RETURNS TABLE (item integer, appointment_id uuid, outcome text, status text, message text, details jsonb)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_tenant();
    PERFORM clinic_private.require_arguments(jsonb_build_object('appointment_ids', cancel_appointments.appointment_ids));
    PERFORM clinic_private.check_batch_length('appointment_ids', cardinality(cancel_appointments.appointment_ids));
    PERFORM clinic_private.require_arguments(jsonb_build_object('appointment_ids', i.id))
    FROM unnest(cancel_appointments.appointment_ids) AS i (id);
    IF (SELECT count(DISTINCT i.id) FROM unnest(cancel_appointments.appointment_ids) AS i (id)) < cardinality(cancel_appointments.appointment_ids) THEN
        PERFORM clinic_private.refuse_argument('appointment_ids', 'appointment_ids names an appointment twice');
    END IF;
    IF cardinality(cancel_appointments.versions) <> cardinality(cancel_appointments.appointment_ids) THEN
        PERFORM clinic_private.refuse_argument('versions', 'versions must have as many elements as appointment_ids',
            hint => 'An element may be null, for an appointment whose version does not matter.');
    END IF;
    RETURN QUERY
    SELECT r.item, r.appointment_id, r.outcome, r.status, r.message, r.details
    FROM clinic_private.run_batch('cancel', (
        SELECT jsonb_agg(jsonb_build_object('appointment_id', u.id, 'reason', cancel_appointments.reason, 'version', u.version) ORDER BY u.place)
        FROM ROWS FROM (unnest(cancel_appointments.appointment_ids), unnest(cancel_appointments.versions)) WITH ORDINALITY AS u (id, version, place)),
        cancel_appointments.idempotency_key) AS r;
END
$$;
COMMENT ON FUNCTION clinic_private.cancel_appointments(uuid[], text, integer[], text) IS 'Returns the rows of clinic.cancel_appointments.';
REVOKE ALL ON FUNCTION clinic_private.cancel_appointments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.cancel_appointments TO clinic_owner;

CREATE FUNCTION clinic.cancel_appointments(appointment_ids uuid[], reason text DEFAULT NULL, versions integer[] DEFAULT NULL,
                                           idempotency_key text DEFAULT NULL)
    RETURNS TABLE (item integer, appointment_id uuid, outcome text, status text, message text, details jsonb)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 50
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT c.item, c.appointment_id, c.outcome, c.status, c.message, c.details
    FROM clinic_private.cancel_appointments($1, $2, $3, $4) AS c
    ORDER BY c.item
$$;
ALTER FUNCTION clinic.cancel_appointments OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.cancel_appointments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.cancel_appointments TO clinic_user;
COMMENT ON FUNCTION clinic.cancel_appointments IS
    'Cancels up to 50 appointments, each as clinic.cancel_appointment would; those refused stay as they are, the others are cancelled.
appointment_ids: each once. reason: the same for all. versions: of the same length; refuse those that have changed since, null
for any version. One row each, in the order given: outcome is done, or the code of the error (an SQLSTATE where it has none);
details: the row that the single call returns, or the facts of the error. idempotency_key: of the whole call; the same call again
returns the same outcomes, and writes nothing.
Errors of the whole call: no_context, idempotency_conflict, 22004, 22023, and what would meet every element, such as a timeout.';

CREATE FUNCTION clinic_private.book_appointments(bookings jsonb, idempotency_key text)
    RETURNS TABLE (item integer, appointment_id uuid, outcome text, status text, message text, details jsonb)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.check_batch('bookings', book_appointments.bookings,
        '{service_id,patient_id,starts_at,provider_id,location_id,duration,resource_ids,override,overbook,reason,buffer_before_minutes,buffer_after_minutes,local_starts_at,utc_offset,gap}',
        NULL);
    RETURN QUERY
    SELECT r.item, r.appointment_id, r.outcome, r.status, r.message, r.details
    FROM clinic_private.run_batch('book', book_appointments.bookings, book_appointments.idempotency_key) AS r;
END
$$;
COMMENT ON FUNCTION clinic_private.book_appointments(jsonb, text) IS 'Returns the rows of clinic.book_appointments.';
REVOKE ALL ON FUNCTION clinic_private.book_appointments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.book_appointments TO clinic_owner;

CREATE FUNCTION clinic.book_appointments(bookings jsonb, idempotency_key text DEFAULT NULL)
    RETURNS TABLE (item integer, appointment_id uuid, outcome text, status text, message text, details jsonb)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 50
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT b.item, b.appointment_id, b.outcome, b.status, b.message, b.details
    FROM clinic_private.book_appointments($1, $2) AS b
    ORDER BY b.item
$$;
ALTER FUNCTION clinic.book_appointments OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.book_appointments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.book_appointments TO clinic_user;
COMMENT ON FUNCTION clinic.book_appointments IS
    'Books up to 50 visits, one after the other, each as clinic.book_appointment would; those refused are left out, the others are booked.
bookings: an array of objects with the arguments of clinic.book_appointment by name; null is the default. An unknown member refuses
the batch before anything is booked; a value that does not fit is the outcome of its element. Rows: as in clinic.cancel_appointments;
appointment_id is null where nothing was booked.
Errors of the whole call: no_context, 22004, 22023, and what would meet every element, such as a timeout.';

CREATE FUNCTION clinic_private.reschedule_appointments(moves jsonb, idempotency_key text)
    RETURNS TABLE (item integer, appointment_id uuid, outcome text, status text, message text, details jsonb)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.check_batch('moves', reschedule_appointments.moves,
        '{appointment_id,starts_at,provider_id,location_id,duration,resource_ids,override,overbook,reason,version}', 'appointment_id');
    RETURN QUERY
    SELECT r.item, r.appointment_id, r.outcome, r.status, r.message, r.details
    FROM clinic_private.run_batch('reschedule', reschedule_appointments.moves, reschedule_appointments.idempotency_key) AS r;
END
$$;
COMMENT ON FUNCTION clinic_private.reschedule_appointments(jsonb, text) IS 'Returns the rows of clinic.reschedule_appointments.';
REVOKE ALL ON FUNCTION clinic_private.reschedule_appointments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.reschedule_appointments TO clinic_owner;

CREATE FUNCTION clinic.reschedule_appointments(moves jsonb, idempotency_key text DEFAULT NULL)
    RETURNS TABLE (item integer, appointment_id uuid, outcome text, status text, message text, details jsonb)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 50
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT m.item, m.appointment_id, m.outcome, m.status, m.message, m.details
    FROM clinic_private.reschedule_appointments($1, $2) AS m
    ORDER BY m.item
$$;
ALTER FUNCTION clinic.reschedule_appointments OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.reschedule_appointments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.reschedule_appointments TO clinic_user;
COMMENT ON FUNCTION clinic.reschedule_appointments IS
    'Moves up to 50 appointments, one after the other, each as clinic.reschedule_appointment would; those refused stay where they are.
moves: an array of objects with the arguments of clinic.reschedule_appointment by name, each appointment once. A move may take the
time that one before it has freed. Unknown members, rows and errors: as in clinic.book_appointments.';
