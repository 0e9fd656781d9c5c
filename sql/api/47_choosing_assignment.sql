-- Assignment: whom a booking gets that leaves the provider open, and booking the first that is free, whatever happens meanwhile.

CREATE FUNCTION clinic.set_assignment_rules(rules text[], service_id uuid DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    v_state text;
    v_column text;
    v_constraint text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('rules', set_assignment_rules.rules));
    IF set_assignment_rules.service_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('service', set_assignment_rules.service_id);
    END IF;
    IF (SELECT count(DISTINCT r.name) FROM unnest(set_assignment_rules.rules) AS r (name)) < cardinality(set_assignment_rules.rules) THEN
        PERFORM clinic_private.refuse_argument('rules', 'a rule is named twice, or null');
    END IF;
    -- An expression that is there stays.
    UPDATE clinic_data.assignment_rules AS a SET rules = set_assignment_rules.rules
    WHERE a.tenant_id = tenant AND a.service_id IS NOT DISTINCT FROM set_assignment_rules.service_id;
    IF NOT FOUND THEN
        INSERT INTO clinic_data.assignment_rules AS a (tenant_id, rule_id, service_id, rules)
        VALUES (tenant, clinic.new_id(), set_assignment_rules.service_id, set_assignment_rules.rules)
        ON CONFLICT ON CONSTRAINT assignment_rules_tenant_id_service_id_key DO UPDATE SET rules = excluded.rules;
    END IF;
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_column = COLUMN_NAME, v_constraint = CONSTRAINT_NAME;
        PERFORM clinic_private.raise_violation(v_state, 'assignment_rules', v_column, v_constraint);
END
$$;
ALTER FUNCTION clinic.set_assignment_rules OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_assignment_rules FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_assignment_rules TO clinic_user;
COMMENT ON FUNCTION clinic.set_assignment_rules IS
    'Says whom clinic.book_first_available prefers among the providers who match; a second call replaces the first. Needs setup:write.
rules: in order, each deciding what those before leave open: established_provider (whom the patient has seen last), round_robin (whose turn it is longest), fewest_bookings (in the range searched), shortest_wait (the earliest start), best_fit (the highest score of clinic.search_slots), expression (see clinic.set_assignment_expression). What they leave open goes to the earlier start, the fewest bookings that day, the lowest id. Empty: just that. service_id: for this service; null: for those without rules of their own.
Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.set_assignment_expression(expression text, service_id uuid DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    v_state text;
    v_column text;
    v_constraint text;
BEGIN
    IF set_assignment_expression.service_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('service', set_assignment_expression.service_id);
    END IF;
    IF set_assignment_expression.expression IS NOT NULL THEN
        PERFORM clinic_private.evaluate_expression(set_assignment_expression.expression, '[]');
    END IF;
    INSERT INTO clinic_data.assignment_rules AS a (tenant_id, rule_id, service_id, rules, expression)
    VALUES (tenant, clinic.new_id(), set_assignment_expression.service_id,
            CASE WHEN set_assignment_expression.expression IS NULL THEN '{}' ELSE '{expression}'::text[] END,
            set_assignment_expression.expression)
    ON CONFLICT ON CONSTRAINT assignment_rules_tenant_id_service_id_key DO UPDATE
        SET expression = excluded.expression,
            rules = CASE WHEN excluded.expression IS NULL THEN array_remove(a.rules, 'expression')
                         WHEN 'expression' = ANY (a.rules) THEN a.rules
                         ELSE a.rules || 'expression'::text END;
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_column = COLUMN_NAME, v_constraint = CONSTRAINT_NAME;
        PERFORM clinic_private.raise_violation(v_state, 'assignment_rules', v_column, v_constraint);
END
$$;
ALTER FUNCTION clinic.set_assignment_expression OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_assignment_expression FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_assignment_expression TO clinic_admin;
COMMENT ON FUNCTION clinic.set_assignment_expression IS
    'Sets the SQL expression of the rule expression, adding that rule as the last when it is not there; null takes it back. For administrators of the database, with setup:write.
expression: one expression whose value becomes a double precision; the lowest comes first, null last. It reads the columns of candidate: service_id, patient_id, provider_id, location_id, starts_at, ends_at, bookings (in the range), bookings_that_day, visits_with_patient, is_established, turn (of round_robin; 0: never), score; and, with names in full, what any caller may read, as the caller who books. It runs as clinic_user, read only; a volatile function is refused. service_id: as in clinic.set_assignment_rules.
Errors: no_context, forbidden, not_found, 22023 for what is not one expression with one value, those of the analysis.';

CREATE FUNCTION clinic.remove_assignment_rules(service_id uuid DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
BEGIN
    DELETE FROM clinic_data.assignment_rules AS a
    WHERE a.tenant_id = tenant AND a.service_id IS NOT DISTINCT FROM remove_assignment_rules.service_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'there are no such rules',
            jsonb_build_object('service_id', remove_assignment_rules.service_id), 'The view clinic.assignment_rules lists them.');
    END IF;
END
$$;
ALTER FUNCTION clinic.remove_assignment_rules OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_assignment_rules FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_assignment_rules TO clinic_user;
COMMENT ON FUNCTION clinic.remove_assignment_rules IS
    'Takes back what clinic.set_assignment_rules and clinic.set_assignment_expression said, for a service or (null) for all others. Needs setup:write.
Errors: no_context, forbidden, not_found.';

-- The rules for a service: its own, or the tenant's.
CREATE FUNCTION clinic_private.assignment_of(service_id uuid, OUT rules text[], OUT expression text)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.rules, a.expression
    FROM clinic_data.assignment_rules AS a
    WHERE a.tenant_id = clinic.current_tenant_id() AND (a.service_id = assignment_of.service_id OR a.service_id IS NULL)
    ORDER BY a.service_id NULLS LAST
    LIMIT 1
$$;
COMMENT ON FUNCTION clinic_private.assignment_of(uuid) IS 'The assignment rules that hold for a service; null without any.';
REVOKE ALL ON FUNCTION clinic_private.assignment_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.assignment_of TO clinic_owner;

CREATE FUNCTION clinic_private.ranked_slots(
    service_id uuid,
    patient_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    provider_ids uuid[],
    at_location_id uuid,
    duration interval,
    latest boolean)
    RETURNS TABLE (
        place bigint,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        is_established boolean,
        score integer,
        bookings bigint,
        bookings_that_day integer,
        keys double precision[])
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    given record;
    established uuid;
    candidates jsonb;
    costs double precision[];
BEGIN
    SELECT coalesce(a.rules, '{}') AS rules, a.expression INTO given FROM clinic_private.assignment_of(ranked_slots.service_id) AS a;
    given.rules := coalesce(given.rules, '{}');
    SELECT p.provider_id INTO established
    FROM clinic_private.seen_providers(ranked_slots.patient_id) AS p
    ORDER BY p.last_starts_at DESC, p.provider_id
    LIMIT 1;
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'place', c.place, 'service_id', ranked_slots.service_id, 'patient_id', ranked_slots.patient_id,
               'provider_id', c.provider_id, 'location_id', c.location_id, 'starts_at', c.starts_at, 'ends_at', c.ends_at,
               'bookings', c.bookings, 'bookings_that_day', c.bookings_that_day, 'visits_with_patient', c.visits_with_patient,
               'is_established', c.provider_id IS NOT DISTINCT FROM established, 'turn', c.turn, 'score', c.score) ORDER BY c.place), '[]')
    INTO candidates
    FROM (
        SELECT row_number() OVER (ORDER BY f.starts_at, f.bookings_that_day, f.provider_id, f.location_id) AS place, f.*,
               coalesce(p.visits, 0) AS visits_with_patient,
               coalesce((SELECT u.turn FROM clinic_data.assignment_turns AS u
                         WHERE u.tenant_id = tenant AND u.service_id = ranked_slots.service_id AND u.provider_id = f.provider_id), 0) AS turn
        FROM clinic_private.first_slots(ranked_slots.service_id, ranked_slots.range_start, ranked_slots.range_end,
                                        ranked_slots.provider_ids, ranked_slots.at_location_id, ranked_slots.patient_id,
                                        ranked_slots.duration, ranked_slots.latest, given.rules <> '{}') AS f
        LEFT JOIN clinic_private.seen_providers(ranked_slots.patient_id) AS p ON p.provider_id = f.provider_id
    ) AS c;
    IF 'expression' = ANY (given.rules) THEN
        costs := ARRAY(SELECT coalesce(e.value, 'infinity') FROM clinic_private.evaluate_expression(given.expression, candidates) WITH ORDINALITY AS e (value, n) ORDER BY e.n);
    END IF;
    RETURN QUERY
        SELECT row_number() OVER (ORDER BY k.keys, c.place), c.provider_id, c.location_id, c.starts_at, c.ends_at, c.is_established,
               c.score, c.bookings, c.bookings_that_day, k.keys
        FROM jsonb_to_recordset(candidates)
            AS c (place integer, provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, bookings bigint,
                  bookings_that_day integer, is_established boolean, turn bigint, score integer)
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(CASE r.name
                       WHEN 'established_provider' THEN CASE WHEN c.is_established THEN 0 ELSE 1 END
                       WHEN 'round_robin' THEN c.turn
                       WHEN 'fewest_bookings' THEN c.bookings
                       WHEN 'shortest_wait' THEN extract(epoch FROM c.starts_at)
                       WHEN 'best_fit' THEN -c.score
                       ELSE costs[c.place] END::double precision ORDER BY r.n), '{}') AS keys
            FROM unnest(given.rules) WITH ORDINALITY AS r (name, n)
        ) AS k
        ORDER BY k.keys, c.place;
END
$$;
COMMENT ON FUNCTION clinic_private.ranked_slots(uuid, uuid, timestamptz, timestamptz, uuid[], uuid, interval, boolean) IS
    'The first slot of each provider, best first by the assignment rules; latest: as the diary is committed now.';
REVOKE ALL ON FUNCTION clinic_private.ranked_slots FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.ranked_slots TO clinic_owner;

CREATE FUNCTION clinic.rank_providers(
    service_id uuid,
    patient_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    specialty text DEFAULT NULL,
    language text DEFAULT NULL,
    insurer text DEFAULT NULL,
    gender text DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    provider_ids uuid[] DEFAULT NULL,
    duration interval DEFAULT NULL)
    RETURNS TABLE (
        place bigint,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        is_established boolean,
        score integer,
        bookings bigint,
        bookings_that_day integer,
        keys double precision[])
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 10000 ROWS 10
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
    WITH asked AS MATERIALIZED (
        SELECT clinic_private.require_permission('appointments:read') AS tenant_id,
               clinic_private.matching_providers(rank_providers.service_id, rank_providers.specialty, rank_providers.language,
                   rank_providers.insurer, rank_providers.gender, rank_providers.location_id, rank_providers.provider_ids) AS providers
    )
    SELECT r.*
    FROM asked AS a
    CROSS JOIN LATERAL clinic_private.ranked_slots(rank_providers.service_id, rank_providers.patient_id, rank_providers.range_start,
        rank_providers.range_end, a.providers, rank_providers.location_id, rank_providers.duration, false) AS r
    ORDER BY r.place
$$;
ALTER FUNCTION clinic.rank_providers OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.rank_providers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.rank_providers TO clinic_user;
COMMENT ON FUNCTION clinic.rank_providers IS
    'Whom clinic.book_first_available would try, best first: the first slot of each provider who matches; without assignment rules only of those who have the earliest. Needs appointments:read. Arguments as there.
Columns: keys: what the rules gave, in their order; bookings: of the provider in the range; is_established: whom the patient has seen last.
Errors: no_context, forbidden, not_found, 22004, 22023, those of an expression.';

CREATE FUNCTION clinic_private.is_lost_slot(sqlstate text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM clinic.error_codes() AS c
        WHERE c.sqlstate = is_lost_slot.sqlstate
          AND c.code IN ('in_past', 'lead_time', 'closed_on_date', 'outside_hours', 'window_too_short', 'off_grid', 'blocked', 'held',
                         'slot_taken', 'full', 'no_resource', 'patient_conflict', 'duplicate', 'limit', 'busy'))
$$;
COMMENT ON FUNCTION clinic_private.is_lost_slot(text) IS 'Whether an error means that a slot found free went while it was being booked.';
REVOKE ALL ON FUNCTION clinic_private.is_lost_slot FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_lost_slot TO clinic_owner;

CREATE FUNCTION clinic_private.book_first(
    service_id uuid,
    patient_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    specialty text,
    language text,
    insurer text,
    gender text,
    location_id uuid,
    provider_ids uuid[],
    duration interval,
    idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    most_attempts constant integer := 100;
    tenant uuid := clinic_private.require_tenant();
    matching uuid[];
    rules text[];
    stored jsonb;
    result jsonb;
    tried integer := 0;
    best record;
    v_state text;
BEGIN
    PERFORM clinic_private.require_booking_right();
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'service_id', book_first.service_id, 'patient_id', book_first.patient_id));
    -- Times by value: as JSON they would show the session's zone and style.
    stored := clinic_private.begin_once('book_first_available', book_first.idempotency_key, jsonb_build_object(
        'service_id', book_first.service_id, 'patient_id', book_first.patient_id,
        'range_start', extract(epoch FROM book_first.range_start), 'range_end', extract(epoch FROM book_first.range_end),
        'specialty', book_first.specialty, 'language', book_first.language, 'insurer', book_first.insurer,
        'gender', book_first.gender, 'location_id', book_first.location_id,
        'provider_ids', book_first.provider_ids, 'duration', extract(epoch FROM book_first.duration)));
    IF stored IS NULL THEN
        matching := clinic_private.matching_providers(book_first.service_id, book_first.specialty,
            book_first.language, book_first.insurer, book_first.gender,
            book_first.location_id, book_first.provider_ids);
        SELECT coalesce(a.rules, '{}') INTO rules FROM clinic_private.assignment_of(book_first.service_id) AS a;
        IF 'round_robin' = ANY (rules) THEN
            -- Turns are taken one after the other.
            PERFORM clinic_private.lock_resources(tenant, ARRAY[book_first.service_id]);
        END IF;
        WHILE result IS NULL LOOP
            tried := tried + 1;
            SELECT r.* INTO best
            FROM clinic_private.ranked_slots(book_first.service_id, book_first.patient_id,
                book_first.range_start, book_first.range_end, matching, book_first.location_id,
                book_first.duration, true) AS r
            ORDER BY r.place
            LIMIT 1;
            IF NOT FOUND THEN
                PERFORM clinic_private.raise_error('not_found', 'nothing is free in that range',
                    jsonb_build_object('service_id', book_first.service_id), 'Search a wider range, or with fewer wishes.');
            END IF;
            BEGIN
                SELECT to_jsonb(p) INTO STRICT result
                FROM clinic_private.place_appointment(book_first.service_id, book_first.patient_id, best.starts_at,
                    best.provider_id, best.location_id, book_first.duration) AS p;
            EXCEPTION
                WHEN OTHERS THEN
                    GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE;
                    IF tried >= most_attempts OR NOT clinic_private.is_lost_slot(v_state) THEN
                        RAISE;
                    END IF;
            END;
        END LOOP;
        IF 'round_robin' = ANY (rules) THEN
            INSERT INTO clinic_data.assignment_turns AS t (tenant_id, service_id, provider_id, turn)
            SELECT tenant, book_first.service_id, best.provider_id, coalesce(max(o.turn), 0) + 1
            FROM clinic_data.assignment_turns AS o
            WHERE o.tenant_id = tenant AND o.service_id = book_first.service_id
            ON CONFLICT ON CONSTRAINT assignment_turns_pkey DO UPDATE SET turn = excluded.turn;
        END IF;
        result := result || jsonb_build_object('attempts', tried);
        PERFORM clinic_private.end_once('book_first_available', book_first.idempotency_key, result);
    END IF;
    RETURN coalesce(stored, result) || jsonb_build_object('replayed', stored IS NOT NULL);
END
$$;
COMMENT ON FUNCTION clinic_private.book_first(uuid, uuid, timestamptz, timestamptz, text, text, text, text, uuid, uuid[], interval, text) IS
    'What clinic.book_first_available does, its row as an object.';
REVOKE ALL ON FUNCTION clinic_private.book_first FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.book_first TO clinic_owner;

CREATE FUNCTION clinic.book_first_available(
    service_id uuid,
    patient_id uuid,
    range_start timestamptz,
    range_end timestamptz,
    specialty text DEFAULT NULL,
    language text DEFAULT NULL,
    insurer text DEFAULT NULL,
    gender text DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    provider_ids uuid[] DEFAULT NULL,
    duration interval DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        appointment_id uuid,
        confirmation_code text,
        status text,
        provider_id uuid,
        location_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_starts_at timestamp,
        time_zone text,
        resource_ids uuid[],
        warnings text[],
        attempts integer,
        replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 100000 ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
    SELECT r.appointment_id, r.confirmation_code, r.status, r.provider_id, r.location_id, r.starts_at, r.ends_at,
           r.local_starts_at, r.time_zone, r.resource_ids, r.warnings, r.attempts, r.replayed
    FROM jsonb_to_record(clinic_private.book_first(book_first_available.service_id, book_first_available.patient_id,
             book_first_available.range_start, book_first_available.range_end, book_first_available.specialty,
             book_first_available.language, book_first_available.insurer, book_first_available.gender,
             book_first_available.location_id, book_first_available.provider_ids, book_first_available.duration,
             book_first_available.idempotency_key))
        AS r (appointment_id uuid, confirmation_code text, status text, provider_id uuid, location_id uuid, starts_at timestamptz,
              ends_at timestamptz, local_starts_at timestamp, time_zone text, resource_ids uuid[], warnings text[], attempts integer,
              replayed boolean)
$$;
ALTER FUNCTION clinic.book_first_available OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.book_first_available FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.book_first_available TO clinic_user;
COMMENT ON FUNCTION clinic.book_first_available IS
    'Books the first slot of a service at the providers who match, the one that the assignment rules prefer (without rules the earliest; ties: fewest bookings that day, then the lowest id). When the slot goes while it is being booked, the next is tried, in the same call, up to 100 times. Rights as for clinic.book_appointment.
specialty, language, insurer, gender, location_id, provider_ids: as in clinic.search_slots; the range holds the start. attempts: how many slots were tried. idempotency_key: the same call again returns the same booking.
Errors: those of clinic.book_appointment; not_found when nothing is free in the range; idempotency_conflict.';
