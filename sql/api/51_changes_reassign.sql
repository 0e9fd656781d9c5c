-- Visits of a provider who is away, or whose hours are gone: where they can go together, and moving them there.
--
-- The planner (clinic_private.propose_moves) looks for the best places of all visits at once. Its answer is tried in a
-- subtransaction, where the kernel judges each step as it judges a move. A place that it refuses is struck out, and the planner
-- asked again. A proposal takes the trial back.

CREATE FUNCTION clinic_private.require_reassign_days(days integer)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF (require_reassign_days.days BETWEEN 0 AND 30) IS NOT TRUE THEN
        PERFORM clinic_private.refuse_argument('days', 'days must lie between 0 and 30',
            hint => '0 keeps every visit on its day.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_reassign_days(integer) IS
    'Refuses a number of days that visits may not be moved. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_reassign_days FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_reassign_days TO clinic_owner;

CREATE FUNCTION clinic_private.why_it_stays(visit jsonb, keep_ids uuid[])
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    v record;
BEGIN
    SELECT r.* INTO v
    FROM jsonb_to_record(why_it_stays.visit) AS r (
        appointment_id uuid, kind text, status text, provider_id uuid, location_id uuid, starts_at timestamptz, seat boolean, pinned boolean,
        visible boolean);
    RETURN CASE
        WHEN v.appointment_id IS NULL THEN v.kind
        WHEN v.appointment_id = ANY (why_it_stays.keep_ids) THEN 'keep_ids'
        WHEN NOT v.visible THEN 'forbidden'
        WHEN v.status NOT IN ('pending', 'booked', 'confirmed') THEN v.status
        WHEN v.starts_at < clinic.now() THEN 'begun'
        WHEN NOT clinic_private.may_at('appointments:write', v.provider_id, v.location_id) THEN 'forbidden'
        WHEN v.seat THEN 'seat'
        WHEN v.pinned THEN 'pinned'
    END;
END
$$;
COMMENT ON FUNCTION clinic_private.why_it_stays(jsonb, uuid[]) IS
    'Returns why a visit is not to be moved elsewhere, null when it is: keep_ids (asked for); offer or session; held (a promise), arrived, in_progress, completed or begun; forbidden; seat (of a planned session); pinned (a room, device or participant was named).
visit: an object as clinic_private.standing_visits gives its rows.';
REVOKE ALL ON FUNCTION clinic_private.why_it_stays FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.why_it_stays TO clinic_owner;

CREATE FUNCTION clinic_private.reassign_visits(
    appointment_ids uuid[],
    away_ids uuid[],
    provider_ids uuid[],
    days integer,
    same_time boolean,
    reason text,
    keep boolean,
    only_all boolean)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    -- So many places are struck out; from then on a visit that is refused is left where it is, so that this ends.
    most_strikes constant integer := 30;
    passing boolean := btrim(coalesce(reassign_visits.reason, '')) <> '' AND clinic.has_permission('appointments:override');
    remaining uuid[] := reassign_visits.appointment_ids;
    banned jsonb := '[]';
    refusals jsonb := '{}';
    outcomes jsonb := '{}';
    proven boolean := true;
    strikes integer := 0;
    m record;
    refused record;
    plan jsonb;
    tried jsonb;
BEGIN
    LOOP
        SELECT coalesce(jsonb_agg(to_jsonb(p.*)), '[]') INTO plan
        FROM clinic_private.propose_moves(
            remaining, reassign_visits.away_ids, reassign_visits.provider_ids, reassign_visits.days, reassign_visits.same_time,
            ARRAY(SELECT (b.value ->> 'appointment_id')::uuid FROM jsonb_array_elements(banned) WITH ORDINALITY AS b (value, place) ORDER BY b.place),
            ARRAY(SELECT (b.value ->> 'provider_id')::uuid FROM jsonb_array_elements(banned) WITH ORDINALITY AS b (value, place) ORDER BY b.place),
            ARRAY(SELECT (b.value ->> 'starts_at')::timestamptz FROM jsonb_array_elements(banned) WITH ORDINALITY AS b (value, place) ORDER BY b.place),
            passing) AS p;
        SELECT array_agg(p.appointment_id ORDER BY p.starts_at, p.appointment_id) AS ids,
               array_agg(p.starts_at ORDER BY p.starts_at, p.appointment_id) AS starts,
               array_agg(p.provider_id ORDER BY p.starts_at, p.appointment_id) AS providers,
               array_agg(p.location_id ORDER BY p.starts_at, p.appointment_id) AS locations,
               array_agg(p.appointment_id) FILTER (WHERE p.passes_over) AS passing_ids
        INTO m
        FROM jsonb_to_recordset(plan) AS p (
            appointment_id uuid, starts_at timestamptz, provider_id uuid, location_id uuid, passes_over boolean)
        WHERE p.starts_at IS NOT NULL;
        tried := '[]';
        -- The caller refuses an answer that leaves one out; nothing needs to be moved for that.
        EXIT WHEN m.ids IS NULL
               OR reassign_visits.only_all AND cardinality(m.ids) < cardinality(reassign_visits.appointment_ids);
        SELECT coalesce(jsonb_agg(to_jsonb(t.*)), '[]') INTO tried
        FROM clinic_private.try_moves(m.ids, m.starts, m.providers, m.locations, reassign_visits.away_ids, m.passing_ids,
                                      reassign_visits.reason, reassign_visits.keep) AS t;
        SELECT t.* INTO refused
        FROM jsonb_to_recordset(tried) AS t (appointment_id uuid, refused text)
        WHERE t.refused IS NOT NULL;
        EXIT WHEN NOT FOUND;
        proven := false;
        strikes := strikes + 1;
        refusals := refusals || jsonb_build_object(refused.appointment_id, refused.refused);
        IF strikes > most_strikes THEN
            remaining := array_remove(remaining, refused.appointment_id);
            EXIT WHEN remaining = '{}';
        ELSE
            banned := banned || (SELECT p.value FROM jsonb_array_elements(plan) AS p
                                 WHERE (p.value ->> 'appointment_id')::uuid = refused.appointment_id);
        END IF;
    END LOOP;
    SELECT jsonb_object_agg(i.id, CASE
               WHEN p.starts_at IS NOT NULL AND p.appointment_id = ANY (remaining) THEN jsonb_build_object(
                   'to_provider_id', p.provider_id, 'to_location_id', p.location_id, 'to_starts_at', p.starts_at, 'to_ends_at', p.ends_at,
                   'to_resource_ids', t.resource_ids, 'disturbance', p.cost, 'optimal', p.optimal AND proven)
               ELSE jsonb_build_object('reason', coalesce(refusals ->> i.id::text,
                                                          CASE WHEN p.choices > 0 THEN 'others_first' ELSE 'nothing_free' END),
                                       'optimal', p.optimal AND proven)
               END)
    INTO outcomes
    FROM unnest(reassign_visits.appointment_ids) AS i (id)
    LEFT JOIN jsonb_to_recordset(plan) AS p (
        appointment_id uuid, provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, cost integer,
        optimal boolean, choices integer) ON p.appointment_id = i.id
    LEFT JOIN jsonb_to_recordset(tried) AS t (appointment_id uuid, resource_ids uuid[]) ON t.appointment_id = i.id;
    RETURN coalesce(outcomes, '{}');
END
$$;
COMMENT ON FUNCTION clinic_private.reassign_visits(uuid[], uuid[], uuid[], integer, boolean, text, boolean, boolean) IS
    'Moves as many of some appointments as can be, at the least total disturbance: an object by appointment_id, of to_provider_id, to_location_id, to_starts_at, to_ends_at, to_resource_ids, disturbance and optimal, or of the reason why not (nothing_free, others_first, or what refused its last place).
away_ids: providers who take no part. keep: false takes the moves back and only tells. only_all: moves nothing where not all can be. The caller has locked what clinic_private.lockable_for_visits says, where moves are kept.
Errors: not_found, forbidden, busy, no_context, 25006, 54000.';
REVOKE ALL ON FUNCTION clinic_private.reassign_visits FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.reassign_visits TO clinic_owner;

CREATE FUNCTION clinic_private.reassign_affected(visits jsonb, reason text, keep_ids uuid[], days integer)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    stay jsonb;
    movable uuid[];
    outcomes jsonb;
BEGIN
    SELECT coalesce(jsonb_object_agg(v.value ->> 'appointment_id', w.why) FILTER (WHERE w.why IS NOT NULL), '{}'),
           coalesce(array_agg((v.value ->> 'appointment_id')::uuid) FILTER (WHERE w.why IS NULL), '{}')
    INTO stay, movable
    FROM jsonb_array_elements(reassign_affected.visits) AS v
    CROSS JOIN LATERAL (
        SELECT clinic_private.why_it_stays(v.value, reassign_affected.keep_ids) AS why) AS w
    WHERE v.value ->> 'appointment_id' IS NOT NULL;
    outcomes := CASE WHEN movable = '{}' THEN '{}'::jsonb ELSE clinic_private.reassign_visits(
        movable, '{}', NULL, reassign_affected.days, false, reassign_affected.reason, true, false) END;
    RETURN (
        SELECT coalesce(jsonb_object_agg(o.id, o.outcome), '{}')
        FROM (
            SELECT s.key AS id, jsonb_build_object('outcome', 'kept', 'reason', s.value) AS outcome FROM jsonb_each_text(stay) AS s
            UNION ALL
            SELECT m.key, jsonb_build_object('outcome', CASE WHEN m.value ? 'to_starts_at' THEN 'moved' ELSE 'kept' END) || m.value
            FROM jsonb_each(outcomes) AS m) AS o);
END
$$;
COMMENT ON FUNCTION clinic_private.reassign_affected(jsonb, text, uuid[], integer) IS
    'Moves what a change of hours affects to where the new hours have room: an object by appointment_id, of outcome (moved or kept) and what clinic_private.reassign_visits says.
visits: as clinic_private.affected_visits returns them. Errors: as clinic_private.reassign_visits.';
REVOKE ALL ON FUNCTION clinic_private.reassign_affected FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.reassign_affected TO clinic_owner;

CREATE FUNCTION clinic_private.reassign_of_day(
    tenant_id uuid,
    provider_id uuid,
    on_date date,
    mode text,
    reason text,
    days integer,
    same_time boolean,
    provider_ids uuid[],
    keep_ids uuid[])
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    commits constant boolean := reassign_of_day.mode <> 'propose';
    only_all constant boolean := reassign_of_day.mode = 'all_or_nothing';
    day record;
    visits jsonb;
    movable uuid[];
    left_out boolean;
    outcomes jsonb := '{}';
BEGIN
    SELECT d.* INTO day
    FROM clinic_private.provider_day(reassign_of_day.tenant_id, reassign_of_day.provider_id, reassign_of_day.on_date, clinic.now()) AS d;
    IF commits THEN
        PERFORM clinic_private.lock_visits_of(reassign_of_day.tenant_id, ARRAY[reassign_of_day.provider_id], day.begins, day.ends);
    END IF;
    SELECT coalesce(jsonb_agg(to_jsonb(v.*) || jsonb_build_object('reason', w.why)), '[]'),
           coalesce(array_agg(v.appointment_id) FILTER (WHERE w.why IS NULL), '{}'),
           coalesce(bool_or(w.why IN ('forbidden', 'seat', 'pinned')), false)
    INTO visits, movable, left_out
    FROM clinic_private.standing_visits(ARRAY[reassign_of_day.provider_id], day.begins, day.ends, true) AS v
    CROSS JOIN LATERAL (
        SELECT clinic_private.why_it_stays(to_jsonb(v.*), coalesce(reassign_of_day.keep_ids, '{}')) AS why) AS w
    WHERE v.starts_at >= day.begins AND v.starts_at < day.ends;
    IF movable <> '{}' THEN
        outcomes := clinic_private.reassign_visits(
            movable, ARRAY[reassign_of_day.provider_id], reassign_of_day.provider_ids, reassign_of_day.days, reassign_of_day.same_time,
            reassign_of_day.reason, commits AND NOT (only_all AND left_out), only_all);
    END IF;
    RETURN (
        SELECT coalesce(jsonb_agg(v.value || coalesce(o.outcome, '{}') || jsonb_build_object('outcome', CASE
                   WHEN o.outcome ? 'to_starts_at' THEN CASE WHEN commits THEN 'moved' ELSE 'proposed' END
                   WHEN o.outcome IS NOT NULL OR v.value ->> 'reason' IN ('forbidden', 'seat', 'pinned') THEN 'refused'
                   ELSE 'kept' END)
                   || clinic_private.hidden_of_visit(v.value)
                   ORDER BY (v.value ->> 'starts_at')::timestamptz, v.value ->> 'appointment_id', v.value ->> 'owner_id'), '[]')
        FROM jsonb_array_elements(visits) AS v
        LEFT JOIN LATERAL (SELECT outcomes -> (v.value ->> 'appointment_id') AS outcome) AS o ON true);
END
$$;
COMMENT ON FUNCTION clinic_private.reassign_of_day(uuid, uuid, date, text, text, integer, boolean, uuid[], uuid[]) IS
    'What clinic.reassign_day returns, as an array, when its arguments are in order.';
REVOKE ALL ON FUNCTION clinic_private.reassign_of_day FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.reassign_of_day TO clinic_owner;

CREATE FUNCTION clinic_private.refuse_reassignment(visits jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    conflicts jsonb;
    wanted integer;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('appointment_id', v.value -> 'appointment_id', 'starts_at', v.value -> 'starts_at',
                                        'reason', v.value -> 'reason') ORDER BY v.place)
               FILTER (WHERE v.value ->> 'outcome' = 'refused'),
           count(*) FILTER (WHERE v.value ->> 'outcome' <> 'kept')
    INTO conflicts, wanted
    FROM jsonb_array_elements(refuse_reassignment.visits) WITH ORDINALITY AS v (value, place);
    IF conflicts IS NOT NULL THEN
        PERFORM clinic_private.raise_error('full', format('%s of %s visits cannot be moved', jsonb_array_length(conflicts), wanted),
            jsonb_build_object('conflicts', conflicts),
            'Pass days for later days, keep_ids for visits that stay, or mode => ''skip'' to move the others alone.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_reassignment(jsonb) IS
    'Refuses a reassignment that leaves a visit out: full, with those visits in the DETAIL as conflicts.';
REVOKE ALL ON FUNCTION clinic_private.refuse_reassignment FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_reassignment TO clinic_owner;

CREATE FUNCTION clinic.reassign_day(
    provider_id uuid,
    on_date date,
    mode text DEFAULT 'propose',
    reason text DEFAULT NULL,
    days integer DEFAULT 0,
    same_time boolean DEFAULT false,
    provider_ids uuid[] DEFAULT NULL,
    keep_ids uuid[] DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (
        kind text,
        appointment_id uuid,
        status text,
        service_id uuid,
        patient_id uuid,
        outcome text,
        why text,
        from_provider_id uuid,
        from_location_id uuid,
        from_starts_at timestamptz,
        from_ends_at timestamptz,
        local_from_starts_at timestamp,
        to_provider_id uuid,
        to_location_id uuid,
        to_starts_at timestamptz,
        to_ends_at timestamptz,
        local_to_starts_at timestamp,
        to_time_zone text,
        to_resource_ids uuid[],
        disturbance integer,
        optimal boolean,
        replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    COST 1000000 ROWS 20
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid;
    commits constant boolean := reassign_day.mode <> 'propose';
    answer jsonb;
    stored jsonb;
BEGIN
    tenant := clinic_private.require_schedule_permission(reassign_day.provider_id, NULL);
    PERFORM clinic_private.require_booking_right();
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'provider_id', reassign_day.provider_id, 'on_date', reassign_day.on_date, 'mode', reassign_day.mode,
        'same_time', reassign_day.same_time));
    PERFORM clinic_private.require_row('provider', reassign_day.provider_id);
    PERFORM clinic_private.require_date('on_date', reassign_day.on_date);
    PERFORM clinic_private.require_reassign_days(reassign_day.days);
    IF reassign_day.mode <> ALL (ARRAY['propose', 'all_or_nothing', 'skip']) THEN
        PERFORM clinic_private.refuse_argument('mode', 'mode must be propose, all_or_nothing or skip');
    END IF;
    IF commits THEN
        stored := clinic_private.begin_once('reassign_day', reassign_day.idempotency_key, jsonb_build_object(
            'provider_id', reassign_day.provider_id, 'on_date', reassign_day.on_date, 'mode', reassign_day.mode,
            'reason', reassign_day.reason, 'days', reassign_day.days, 'same_time', reassign_day.same_time,
            'provider_ids', reassign_day.provider_ids, 'keep_ids', reassign_day.keep_ids));
    END IF;
    answer := stored;
    IF answer IS NULL THEN
        answer := clinic_private.reassign_of_day(tenant, reassign_day.provider_id, reassign_day.on_date, reassign_day.mode, reassign_day.reason,
                                                 reassign_day.days, reassign_day.same_time, reassign_day.provider_ids, reassign_day.keep_ids);
        IF reassign_day.mode = 'all_or_nothing' THEN
            PERFORM clinic_private.refuse_reassignment(answer);
        END IF;
        IF commits THEN
            PERFORM clinic_private.end_once('reassign_day', reassign_day.idempotency_key, answer);
        END IF;
    END IF;
    RETURN QUERY
    SELECT v.kind, v.appointment_id, v.status, v.service_id, v.patient_id, v.outcome, v.reason,
           v.provider_id, v.location_id, v.starts_at, v.ends_at, v.starts_at AT TIME ZONE f.time_zone,
           v.to_provider_id, v.to_location_id, v.to_starts_at, v.to_ends_at, v.to_starts_at AT TIME ZONE t.time_zone, t.time_zone::text,
           v.to_resource_ids, v.disturbance, v.optimal, stored IS NOT NULL
    FROM ROWS FROM (jsonb_to_recordset(answer) AS (
        kind text, appointment_id uuid, status text, service_id uuid, patient_id uuid, outcome text, reason text, provider_id uuid,
        location_id uuid, starts_at timestamptz, ends_at timestamptz, to_provider_id uuid, to_location_id uuid, to_starts_at timestamptz,
        to_ends_at timestamptz, to_resource_ids uuid[], disturbance integer, optimal boolean)) WITH ORDINALITY
        AS v (kind, appointment_id, status, service_id, patient_id, outcome, reason, provider_id, location_id, starts_at, ends_at,
              to_provider_id, to_location_id, to_starts_at, to_ends_at, to_resource_ids, disturbance, optimal, place)
    LEFT JOIN clinic_data.locations AS f ON f.tenant_id = tenant AND f.location_id = v.location_id
    LEFT JOIN clinic_data.locations AS t ON t.tenant_id = tenant AND t.location_id = v.to_location_id
    ORDER BY v.place;
END
$$;
ALTER FUNCTION clinic.reassign_day OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.reassign_day FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.reassign_day TO clinic_user;
COMMENT ON FUNCTION clinic.reassign_day IS
    'Finds other places for all visits of a provider on a day: as many as can be, at the least total disturbance; and moves them there. Needs schedules:write for the provider, appointments:read, and appointments:write at the old and the new places.
on_date: local, where the provider is then. mode: propose (nothing is written), all_or_nothing (all that are to be moved, or none), skip (those that can be). days: how many days later a visit may go, 0 to 30; same_time: only at the same start; provider_ids: only to these, null for all who offer the service; keep_ids: appointments that stay. reason: with it and appointments:override, lead time, horizon and "not on the same day" give way, and the reason is stored where they do. The hours of the provider do not change: take leave first, or do both at once by clinic.apply_schedule_change with policy reassign; else the time that becomes free can be booked and is offered to who waits. idempotency_key: the same call with the same key returns the same rows, marked replayed, and moves nothing.
One row for each visit, also where the provider only takes part, ordered by start. kind: booking, pending, hold, offer or session. outcome: proposed, moved, kept or refused. why it was kept: offer, session, held, arrived, in_progress, completed, begun (the start has passed), keep_ids; why it was refused: seat (of a planned session), pinned (a room, device or participant was named by who booked), forbidden (ids are null where the visit may not be seen), nothing_free, others_first (each place it could have is better used for another one), or the reason of clinic.explain_slot that stood against the last place tried. Steps of a visit of several services keep their start and location. disturbance: the minutes moved, 10 for another provider, 60 for another location. optimal: proven that no other answer moves more, nor as many with less disturbance; limits of windows, travel and shared participants are judged only when a place is tried, and an answer that had to be changed for them is not called optimal. Everything that moving does, clinic.reschedule_appointment does too.
Errors: full when mode is all_or_nothing and a visit is refused, with those as conflicts in the DETAIL; not_found, forbidden, busy, idempotency_conflict, no_context, 22004, 22023; 25006 in a read-only transaction, for a proposal is tried and taken back.';
