-- Changing hours over what is booked: making the change, and dealing with what it affects in the same transaction.

CREATE FUNCTION clinic_private.lockable_for_service(tenant_id uuid, service_id uuid)
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN ARRAY(
        SELECT sp.provider_id
        FROM clinic_data.service_providers AS sp
        WHERE sp.tenant_id = lockable_for_service.tenant_id AND sp.service_id = lockable_for_service.service_id
        UNION
        SELECT r.resource_id
        FROM clinic_data.service_resources AS sr
        JOIN clinic_data.resources AS r ON r.tenant_id = sr.tenant_id AND r.resource_class = sr.resource_class
        WHERE sr.tenant_id = lockable_for_service.tenant_id AND sr.service_id = lockable_for_service.service_id
        UNION
        SELECT c.resource_id
        FROM clinic_data.service_participant_candidates AS c
        WHERE c.tenant_id = lockable_for_service.tenant_id AND c.service_id = lockable_for_service.service_id);
END
$$;
COMMENT ON FUNCTION clinic_private.lockable_for_service(uuid, uuid) IS
    'Returns the providers who offer a service, the rooms and devices that it can use, and who can take part in it.';
REVOKE ALL ON FUNCTION clinic_private.lockable_for_service FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lockable_for_service TO clinic_owner;

CREATE FUNCTION clinic_private.lockable_for_visits(tenant_id uuid, visits jsonb)
    RETURNS uuid[]
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN ARRAY(
        WITH given AS MATERIALIZED (
            SELECT v.*
            FROM jsonb_to_recordset(lockable_for_visits.visits)
                AS v (appointment_id uuid, patient_id uuid, service_id uuid, provider_id uuid, location_id uuid, used_ids uuid[])
            WHERE v.appointment_id IS NOT NULL)
        SELECT u.id FROM given AS g, unnest(g.used_ids || g.patient_id || g.provider_id) AS u (id) WHERE u.id IS NOT NULL
        UNION
        SELECT l.id
        FROM (SELECT DISTINCT g.service_id FROM given AS g) AS services
        CROSS JOIN LATERAL unnest(clinic_private.lockable_for_service(lockable_for_visits.tenant_id, services.service_id)) AS l (id)
        UNION
        SELECT l.id
        FROM (SELECT DISTINCT g.provider_id, g.location_id FROM given AS g) AS places
        CROSS JOIN LATERAL clinic_private.lockable_for_offers(places.provider_id, places.location_id) AS l (id));
END
$$;
COMMENT ON FUNCTION clinic_private.lockable_for_visits(uuid, jsonb) IS
    'Returns what to lock before visits are moved or cancelled, beside them: their patients and resources, what their services can use, and what offers of their time may claim.
visits: an array of objects as clinic_private.standing_visits gives its rows.';
REVOKE ALL ON FUNCTION clinic_private.lockable_for_visits FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lockable_for_visits TO clinic_owner;

CREATE FUNCTION clinic_private.lock_visits_of(tenant_id uuid, resource_ids uuid[], range_start timestamptz, range_end timestamptz)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    appointments uuid[] := '{}';
    resources uuid[] := lock_visits_of.resource_ids;
    visits jsonb := '[]';
    settled boolean := false;
BEGIN
    -- First the visits, then all that they use, each in one call: that is the order in which every change of a visit locks. Where
    -- something was booked before the locks were had, they are given back, and more are taken.
    FOR attempt IN 1 .. 20 LOOP
        SELECT coalesce(jsonb_agg(to_jsonb(v.*)), '[]') INTO visits
        FROM clinic_private.standing_visits(lock_visits_of.resource_ids, lock_visits_of.range_start, lock_visits_of.range_end) AS v;
        appointments := appointments || ARRAY(
            SELECT v.appointment_id FROM jsonb_to_recordset(visits) AS v (appointment_id uuid) WHERE v.appointment_id IS NOT NULL);
        resources := resources || clinic_private.lockable_for_visits(lock_visits_of.tenant_id, visits);
        BEGIN
            PERFORM clinic_private.lock_resources(lock_visits_of.tenant_id, appointments);
            PERFORM clinic_private.lock_resources(lock_visits_of.tenant_id, resources);
            SELECT coalesce(jsonb_agg(to_jsonb(v.*)), '[]') INTO visits
            FROM clinic_private.standing_visits(lock_visits_of.resource_ids, lock_visits_of.range_start, lock_visits_of.range_end) AS v;
            settled := clinic_private.lockable_for_visits(lock_visits_of.tenant_id, visits) <@ resources
                   AND NOT EXISTS (SELECT FROM jsonb_to_recordset(visits) AS v (appointment_id uuid)
                                   WHERE v.appointment_id IS NOT NULL AND v.appointment_id <> ALL (appointments));
            IF NOT settled THEN
                RAISE EXCEPTION USING ERRCODE = 'CLZ00', MESSAGE = 'the locks are given back';
            END IF;
        EXCEPTION WHEN SQLSTATE 'CLZ00' THEN
            NULL;
        END;
        IF settled THEN
            RETURN;
        END IF;
    END LOOP;
    PERFORM clinic_private.raise_error('busy');
END
$$;
COMMENT ON FUNCTION clinic_private.lock_visits_of(uuid, uuid[], timestamptz, timestamptz) IS
    'Locks some resources, and all that moving or cancelling the visits needs that stand there in a range (nulls: no bound). Errors: busy.';
REVOKE ALL ON FUNCTION clinic_private.lock_visits_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_visits_of TO clinic_owner;

CREATE FUNCTION clinic_private.hidden_of_visit(visit jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN (hidden_of_visit.visit ->> 'visible')::boolean THEN '{}'
                ELSE '{"appointment_id": null, "patient_id": null, "service_id": null, "status": null}' END::jsonb
$$;
COMMENT ON FUNCTION clinic_private.hidden_of_visit(jsonb) IS
    'Returns what takes the place of a visit''s identity for a caller who may not see it; nothing for one who may. visit: an object with the member visible.';
REVOKE ALL ON FUNCTION clinic_private.hidden_of_visit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.hidden_of_visit TO clinic_owner;

CREATE FUNCTION clinic.apply_schedule_change(
    change jsonb,
    policy text DEFAULT 'keep',
    reason text DEFAULT NULL,
    keep_ids uuid[] DEFAULT NULL,
    days integer DEFAULT 0,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (change_ids uuid[], kept integer, cancelled integer, moved integer, affected jsonb, replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    changes jsonb := clinic_private.checked_schedule_changes(apply_schedule_change.change);
    keep uuid[] := coalesce(array_remove(apply_schedule_change.keep_ids, NULL), '{}');
    answer jsonb;
BEGIN
    IF (apply_schedule_change.policy = ANY (ARRAY['keep', 'cancel', 'reassign'])) IS NOT TRUE THEN
        PERFORM clinic_private.refuse_argument('policy', 'policy must be keep, cancel or reassign');
    END IF;
    PERFORM clinic_private.require_reassign_days(apply_schedule_change.days);
    IF apply_schedule_change.policy = 'cancel' AND coalesce(btrim(apply_schedule_change.reason), '') = '' THEN
        PERFORM clinic_private.refuse_argument('reason', 'cancelling needs a reason', hint => 'Pass reason => ''why the clinic is closed''.');
    END IF;
    answer := clinic_private.begin_once('apply_schedule_change', apply_schedule_change.idempotency_key, jsonb_build_object(
        'change', apply_schedule_change.change, 'policy', apply_schedule_change.policy, 'reason', apply_schedule_change.reason,
        'keep_ids', apply_schedule_change.keep_ids, 'days', apply_schedule_change.days));
    apply_schedule_change.replayed := answer IS NOT NULL;
    IF answer IS NULL THEN
        answer := clinic_private.apply_changes(tenant, changes, apply_schedule_change.policy, apply_schedule_change.reason, keep,
                                              apply_schedule_change.days);
        PERFORM clinic_private.end_once('apply_schedule_change', apply_schedule_change.idempotency_key, answer);
    END IF;
    RETURN QUERY
    SELECT ARRAY(SELECT i.id::uuid FROM jsonb_array_elements_text(answer -> 'change_ids') WITH ORDINALITY AS i (id, place) ORDER BY i.place),
           count(*) FILTER (WHERE a.value ->> 'outcome' = 'kept')::integer,
           count(*) FILTER (WHERE a.value ->> 'outcome' = 'cancelled')::integer,
           count(*) FILTER (WHERE a.value ->> 'outcome' = 'moved')::integer,
           answer -> 'affected', apply_schedule_change.replayed
    FROM jsonb_array_elements(answer -> 'affected') AS a;
END
$$;
ALTER FUNCTION clinic.apply_schedule_change OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.apply_schedule_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.apply_schedule_change TO clinic_user;
COMMENT ON FUNCTION clinic.apply_schedule_change IS
    'Makes a change of hours, and deals with what it affects in the same transaction. Needs what the change itself needs; cancel and reassign also appointments:read, and appointments:write where the visits are.
change: as in clinic.preview_schedule_change, which lists what will be affected. policy: keep (they stay, out_of_hours), cancel (they are cancelled with the reason, each patient gets one notice, and no one who waits is offered the time), reassign (as many as can be are moved to where the new hours have room, as clinic.reassign_day does; the rest stays, out_of_hours). Holds, offers, sessions, and visits that have begun always stay. reason: needed to cancel; with it and appointments:override moves may pass over lead time and horizon. keep_ids: appointments that stay in any case. days: how many days later a visit may be moved, 0 to 30. idempotency_key: the same call again gives the same answer, and does nothing.
change_ids: the ids that the changes returned, null where they return none; affected: an array of objects with kind, appointment_id, service_id, provider_id, location_id, patient_id, starts_at, ends_at, reasons, newly, outcome (kept, cancelled or moved); with reassign also reason (why it was not moved: as in clinic.reassign_day), or to_provider_id, to_location_id, to_starts_at, to_ends_at, to_resource_ids, disturbance and optimal.
Errors: those of the change, forbidden, busy, idempotency_conflict, no_context, 22004, 22023.';

CREATE FUNCTION clinic_private.apply_changes(tenant_id uuid, changes jsonb, policy text, reason text, keep_ids uuid[], days integer)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    scope record;
    scope_after record;
    before jsonb;
    affected jsonb;
    ids jsonb := '[]';
    outcomes jsonb := '{}';
    one record;
BEGIN
    SELECT s.* INTO scope FROM clinic_private.change_scope(apply_changes.changes) AS s;
    IF apply_changes.policy = 'keep' THEN
        PERFORM clinic_private.lock_resources(apply_changes.tenant_id, scope.resource_ids);
    ELSE
        PERFORM clinic_private.lock_visits_of(apply_changes.tenant_id, scope.resource_ids, scope.range_start, scope.range_end);
    END IF;
    before := clinic_private.standing_causes(scope.resource_ids, scope.range_start, scope.range_end);
    FOR one IN SELECT e.value FROM jsonb_array_elements(apply_changes.changes) WITH ORDINALITY AS e (value, place) ORDER BY e.place LOOP
        ids := ids || jsonb_build_array((SELECT r FROM clinic_private.run_change_unflagged(one.value) AS r));
    END LOOP;
    affected := clinic_private.affected_visits(apply_changes.changes, before, scope.resource_ids, scope.range_start, scope.range_end);

    IF apply_changes.policy <> 'keep' AND EXISTS (
        SELECT FROM jsonb_to_recordset(affected) AS v (appointment_id uuid, visible boolean)
        WHERE v.appointment_id IS NOT NULL AND NOT v.visible AND v.appointment_id <> ALL (apply_changes.keep_ids)) THEN
        PERFORM clinic_private.raise_error('forbidden', 'the change affects visits that you may not see', NULL,
            'Use policy keep, or ask somebody who may change these visits.');
    END IF;
    IF apply_changes.policy = 'cancel' THEN
        FOR one IN
            SELECT v.appointment_id
            FROM jsonb_to_recordset(affected) AS v (appointment_id uuid)
            WHERE v.appointment_id IS NOT NULL AND v.appointment_id <> ALL (apply_changes.keep_ids)
        LOOP
            IF clinic_private.cancel_for_closure(one.appointment_id, apply_changes.reason) THEN
                outcomes := outcomes || jsonb_build_object(one.appointment_id, '{"outcome": "cancelled"}'::jsonb);
            END IF;
        END LOOP;
    ELSIF apply_changes.policy = 'reassign' THEN
        outcomes := clinic_private.reassign_affected(affected, apply_changes.reason, apply_changes.keep_ids, apply_changes.days);
    END IF;
    -- What stays is flagged only now, so that each visit changes once.
    SELECT s.* INTO scope_after FROM clinic_private.change_scope(apply_changes.changes) AS s;
    PERFORM clinic_private.derive_out_of_hours(scope.resource_ids || scope_after.resource_ids, scope.range_start, scope.range_end);
    RETURN jsonb_build_object('change_ids', ids, 'affected', (
        SELECT coalesce(jsonb_agg((v.value - '{version,visible,causes,out_of_hours,owner_id,seat,pinned,used_ids}'::text[])
                   || clinic_private.hidden_of_visit(v.value)
                   || coalesce(outcomes -> (v.value ->> 'appointment_id'), '{"outcome": "kept"}') ORDER BY v.place), '[]')
        FROM jsonb_array_elements(affected) WITH ORDINALITY AS v (value, place)));
END
$$;
COMMENT ON FUNCTION clinic_private.apply_changes(uuid, jsonb, text, text, uuid[], integer) IS
    'Makes changes and deals with what they affect: an object of change_ids and affected, as clinic.apply_schedule_change returns them.';
REVOKE ALL ON FUNCTION clinic_private.apply_changes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.apply_changes TO clinic_owner;
