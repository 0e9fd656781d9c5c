-- Changing hours over what is booked: the flag, and what a change would affect.
--
-- A change is judged by making it: in a subtransaction the very functions of the API are called, the kernel judges every visit
-- concerned, and all is rolled back. So a preview refuses what the change would refuse and lists what the change will flag,
-- whatever rules are added later. It costs the locks of the resources concerned for as long as it computes.

CREATE FUNCTION clinic_private.resources_at(tenant_id uuid, location_id uuid)
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN ARRAY(
        SELECT a.resource_id
        FROM clinic_data.availability_rules AS a
        WHERE a.tenant_id = resources_at.tenant_id AND a.location_id = resources_at.location_id AND a.retired_at IS NULL
        UNION
        SELECT o.resource_id
        FROM clinic_data.date_overrides AS o
        WHERE o.tenant_id = resources_at.tenant_id AND o.location_id = resources_at.location_id AND o.retired_at IS NULL
        UNION
        SELECT r.resource_id
        FROM clinic_data.resources AS r
        WHERE r.tenant_id = resources_at.tenant_id AND r.location_id = resources_at.location_id
        UNION
        SELECT c.resource_id
        FROM clinic_data.claims AS c
        JOIN clinic_data.resources AS r ON r.tenant_id = c.tenant_id AND r.resource_id = c.resource_id AND r.kind <> 'patient'
        WHERE c.tenant_id = resources_at.tenant_id AND c.location_id = resources_at.location_id AND c.ends_at > clinic.now());
END
$$;
COMMENT ON FUNCTION clinic_private.resources_at(uuid, uuid) IS
    'Returns the providers, rooms and devices with hours or visits at a location.';
REVOKE ALL ON FUNCTION clinic_private.resources_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.resources_at TO clinic_owner;

CREATE FUNCTION clinic_private.resources_of_service(tenant_id uuid, service_id uuid)
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN ARRAY(
        SELECT sp.provider_id
        FROM clinic_data.service_providers AS sp
        WHERE sp.tenant_id = resources_of_service.tenant_id AND sp.service_id = resources_of_service.service_id
        UNION
        SELECT c.resource_id
        FROM clinic_data.claims AS c
        JOIN clinic_data.resources AS r ON r.tenant_id = c.tenant_id AND r.resource_id = c.resource_id AND r.kind = 'provider'
        WHERE c.tenant_id = resources_of_service.tenant_id AND c.service_id = resources_of_service.service_id
          AND c.ends_at > clinic.now());
END
$$;
COMMENT ON FUNCTION clinic_private.resources_of_service(uuid, uuid) IS
    'Returns the providers who offer a service or have visits of it.';
REVOKE ALL ON FUNCTION clinic_private.resources_of_service FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.resources_of_service TO clinic_owner;

CREATE FUNCTION clinic_private.date_bound(on_date date, days integer)
    RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT date_bound.on_date::timestamp AT TIME ZONE 'Etc/UTC' + make_interval(hours => 24 * date_bound.days)
$$;
COMMENT ON FUNCTION clinic_private.date_bound(date, integer) IS
    'Returns an instant some days from a date, for a range that holds the date in every zone; null for null.';
REVOKE ALL ON FUNCTION clinic_private.date_bound FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.date_bound TO clinic_owner;

CREATE FUNCTION clinic_private.schedule_changed(resource_ids uuid[], from_on date, until_on date)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.derive_out_of_hours(schedule_changed.resource_ids,
                                               clinic_private.date_bound(schedule_changed.from_on, -2),
                                               clinic_private.date_bound(schedule_changed.until_on, 3));
END
$$;
COMMENT ON FUNCTION clinic_private.schedule_changed(uuid[], date, date) IS
    'Called by whatever changes hours, blocks, status or capacities, when it has: derives again which visits lie outside.
from_on, until_on: the dates that the change concerns, inclusive; nulls for no bound. Errors: busy.';
REVOKE ALL ON FUNCTION clinic_private.schedule_changed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.schedule_changed TO clinic_owner;

CREATE FUNCTION clinic_private.block_scope(tenant_id uuid, block_id uuid, OUT resource_ids uuid[], OUT from_on date, OUT until_on date)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    SELECT CASE WHEN b.resource_id IS NOT NULL THEN ARRAY[b.resource_id]
                ELSE clinic_private.resources_at(b.tenant_id, b.location_id) END,
           coalesce(b.from_on, (b.starts_at AT TIME ZONE 'Etc/UTC')::date),
           coalesce(b.until_on, (b.ends_at AT TIME ZONE 'Etc/UTC')::date)
    INTO block_scope.resource_ids, block_scope.from_on, block_scope.until_on
    FROM clinic_data.blocks AS b
    WHERE b.tenant_id = block_scope.tenant_id AND b.block_id = block_scope.block_id;
END
$$;
COMMENT ON FUNCTION clinic_private.block_scope(uuid, uuid) IS 'Returns whose time a block concerns, and on which dates.';
REVOKE ALL ON FUNCTION clinic_private.block_scope FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.block_scope TO clinic_owner;

CREATE FUNCTION clinic_private.block_changed(tenant_id uuid, block_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.schedule_changed(s.resource_ids, s.from_on, s.until_on)
    FROM clinic_private.block_scope(block_changed.tenant_id, block_changed.block_id) AS s;
END
$$;
COMMENT ON FUNCTION clinic_private.block_changed(uuid, uuid) IS 'The same for a block that was added or taken back.';
REVOKE ALL ON FUNCTION clinic_private.block_changed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.block_changed TO clinic_owner;

CREATE FUNCTION clinic_private.checked_schedule_changes(change jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    kinds constant text[] := ARRAY[
        'add_hours', 'change_hours', 'end_hours', 'remove_hours', 'open_date', 'close_date', 'remove_override', 'add_stay',
        'remove_stay', 'add_block', 'add_leave', 'add_break', 'remove_block', 'add_holiday', 'remove_holiday',
        'update_provider', 'update_resource', 'update_service', 'update_location'];
    changes jsonb := CASE jsonb_typeof(checked_schedule_changes.change)
                         WHEN 'array' THEN checked_schedule_changes.change
                         ELSE jsonb_build_array(checked_schedule_changes.change) END;
    one jsonb;
    unknown text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('change', checked_schedule_changes.change));
    IF jsonb_array_length(changes) NOT BETWEEN 1 AND 100 THEN
        PERFORM clinic_private.refuse_argument('change', 'an array must have 1 to 100 changes');
    END IF;
    FOR one IN SELECT e.value FROM jsonb_array_elements(changes) AS e LOOP
        IF jsonb_typeof(one) <> 'object' OR (one ->> 'kind' = ANY (kinds)) IS NOT TRUE THEN
            PERFORM clinic_private.refuse_argument('change',
                CASE WHEN one ->> 'kind' IS NULL THEN 'a change must be an object with a kind'
                     ELSE format('there is no kind of change "%s"', left(one ->> 'kind', 60)) END,
                format('These are kinds: %s.', array_to_string(kinds, ', ')),
                'Write it like {"kind": "add_leave", "resource_id": ..., "from_on": ..., "until_on": ...}.');
        END IF;
        SELECT string_agg(k.name, ', ' ORDER BY k.name) INTO unknown
        FROM jsonb_object_keys(one) AS k (name)
        WHERE k.name <> 'kind'
          AND NOT EXISTS (SELECT FROM pg_proc AS p
                          WHERE p.pronamespace = 'clinic'::regnamespace AND p.proname = one ->> 'kind'
                            AND k.name = ANY (p.proargnames));
        IF unknown IS NOT NULL THEN
            PERFORM clinic_private.refuse_argument('change', format('clinic.%s has no argument %s', one ->> 'kind', unknown));
        END IF;
    END LOOP;
    RETURN changes;
END
$$;
COMMENT ON FUNCTION clinic_private.checked_schedule_changes(jsonb) IS
    'Returns a change as an array of changes, each an object of kind and arguments. Errors: 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.checked_schedule_changes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.checked_schedule_changes TO clinic_owner;

CREATE FUNCTION clinic_private.run_schedule_change(change jsonb)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    kind constant text := run_schedule_change.change ->> 'kind';
    arguments jsonb := jsonb_strip_nulls(run_schedule_change.change - 'kind');
    returns_id boolean;
    passed text;
    columns text;
    answer uuid;
BEGIN
    -- What has no default is passed in any case, so that the function says itself what is missing.
    SELECT p.prorettype = 'uuid'::regtype,
           string_agg(format('%1$I => r.%1$I', a.name), ', ' ORDER BY a.place),
           string_agg(format('%I %s', a.name, format_type(a.type, NULL)), ', ' ORDER BY a.place)
    INTO returns_id, passed, columns
    FROM pg_proc AS p
    CROSS JOIN LATERAL unnest(p.proargnames::text[], p.proargtypes::oid[]) WITH ORDINALITY AS a (name, type, place)
    WHERE p.pronamespace = 'clinic'::regnamespace AND p.proname = kind
      AND (arguments ? a.name OR a.place <= p.pronargs - p.pronargdefaults)
    GROUP BY p.oid;
    IF returns_id THEN
        EXECUTE format('SELECT clinic.%I(%s) FROM jsonb_to_record($1) AS r (%s)', kind, passed, columns)
            INTO answer USING arguments;
    ELSE
        EXECUTE format('SELECT clinic.%I(%s) FROM jsonb_to_record($1) AS r (%s)', kind, passed, columns) USING arguments;
    END IF;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION clinic_private.run_schedule_change(jsonb) IS
    'Makes one change by the function of the API that its kind names, and returns the id that this returns, if it does.
Errors: those of the function, and of casts.';
REVOKE ALL ON FUNCTION clinic_private.run_schedule_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.run_schedule_change TO clinic_owner;

CREATE FUNCTION clinic_private.change_scope(changes jsonb, OUT resource_ids uuid[], OUT range_start timestamptz, OUT range_end timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    c jsonb;
    resources uuid[];
    first_on date;
    last_on date;
    whose uuid;
    place uuid;
    unbounded_start boolean := false;
    unbounded_end boolean := false;
BEGIN
    change_scope.resource_ids := '{}';
    FOR c IN SELECT e.value FROM jsonb_array_elements(change_scope.changes) AS e LOOP
        resources := NULL; first_on := NULL; last_on := NULL; whose := NULL; place := NULL;
        CASE
            WHEN c ->> 'kind' IN ('change_hours', 'end_hours', 'remove_hours') THEN
                SELECT a.resource_id, coalesce((c ->> 'from_on')::date, (c ->> 'last_on')::date, a.valid_from) INTO whose, first_on
                FROM clinic_data.availability_rules AS a
                WHERE a.tenant_id = tenant AND a.rule_id = (c ->> 'rule_id')::uuid;
            WHEN c ->> 'kind' = 'remove_override' THEN
                SELECT o.resource_id, o.on_date, o.on_date INTO whose, first_on, last_on
                FROM clinic_data.date_overrides AS o
                WHERE o.tenant_id = tenant AND o.override_id = (c ->> 'override_id')::uuid;
            WHEN c ->> 'kind' = 'remove_stay' THEN
                SELECT s.resource_id, s.from_on, s.until_on INTO whose, first_on, last_on
                FROM clinic_data.stays AS s
                WHERE s.tenant_id = tenant AND s.stay_id = (c ->> 'stay_id')::uuid;
            WHEN c ->> 'kind' = 'remove_block' THEN
                SELECT s.resource_ids, s.from_on, s.until_on INTO resources, first_on, last_on
                FROM clinic_private.block_scope(tenant, (c ->> 'block_id')::uuid) AS s;
            WHEN c ->> 'kind' = 'remove_holiday' THEN
                SELECT h.location_id, h.on_date, h.on_date INTO place, first_on, last_on
                FROM clinic_data.holidays AS h
                WHERE h.tenant_id = tenant AND h.holiday_id = (c ->> 'holiday_id')::uuid;
            WHEN c ->> 'kind' = 'update_provider' THEN
                whose := (c ->> 'provider_id')::uuid;
            WHEN c ->> 'kind' = 'update_service' THEN
                resources := clinic_private.resources_of_service(tenant, (c ->> 'service_id')::uuid);
            ELSE
                whose := (c ->> 'resource_id')::uuid;
                place := CASE WHEN whose IS NULL THEN (c ->> 'location_id')::uuid END;
                first_on := coalesce((c ->> 'on_date')::date, (c ->> 'from_on')::date, (c ->> 'valid_from')::date,
                                     ((c ->> 'starts_at')::timestamptz AT TIME ZONE 'Etc/UTC')::date);
                last_on := coalesce((c ->> 'on_date')::date, (c ->> 'until_on')::date, (c ->> 'valid_until')::date,
                                    ((c ->> 'ends_at')::timestamptz AT TIME ZONE 'Etc/UTC')::date);
        END CASE;
        resources := CASE WHEN resources IS NOT NULL THEN resources
                          WHEN whose IS NOT NULL THEN ARRAY[whose]
                          WHEN place IS NOT NULL THEN clinic_private.resources_at(tenant, place) END;
        change_scope.resource_ids := change_scope.resource_ids || resources;
        unbounded_start := unbounded_start OR first_on IS NULL OR NOT isfinite(first_on);
        unbounded_end := unbounded_end OR last_on IS NULL OR NOT isfinite(last_on);
        change_scope.range_start := least(change_scope.range_start, clinic_private.date_bound(first_on, -2));
        change_scope.range_end := greatest(change_scope.range_end, clinic_private.date_bound(last_on, 3));
    END LOOP;
    change_scope.resource_ids := ARRAY(SELECT DISTINCT r.id FROM unnest(change_scope.resource_ids) AS r (id) WHERE r.id IS NOT NULL);
    change_scope.range_start := CASE WHEN NOT unbounded_start THEN change_scope.range_start END;
    change_scope.range_end := CASE WHEN NOT unbounded_end THEN change_scope.range_end END;
END
$$;
COMMENT ON FUNCTION clinic_private.change_scope(jsonb) IS
    'Returns whose visits, between which instants (nulls: no bound), some changes can concern at all. Errors: no_context, and of casts.';
REVOKE ALL ON FUNCTION clinic_private.change_scope FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.change_scope TO clinic_owner;

CREATE FUNCTION clinic_private.standing_causes(resource_ids uuid[], range_start timestamptz, range_end timestamptz)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (
        SELECT coalesce(jsonb_object_agg(coalesce(v.appointment_id, v.owner_id), to_jsonb(v.causes)), '{}')
        FROM clinic_private.standing_visits(standing_causes.resource_ids, standing_causes.range_start, standing_causes.range_end) AS v);
END
$$;
COMMENT ON FUNCTION clinic_private.standing_causes(uuid[], timestamptz, timestamptz) IS
    'Returns what stands against each visit now: an object of its id and the causes.';
REVOKE ALL ON FUNCTION clinic_private.standing_causes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.standing_causes TO clinic_owner;

CREATE FUNCTION clinic_private.affected_visits(
    changes jsonb,
    causes_before jsonb,
    resource_ids uuid[],
    range_start timestamptz,
    range_end timestamptz)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    -- A change of recurring hours affects whatever is not inside the new hours, whether the old ones held it or not.
    of_hours boolean := EXISTS (SELECT FROM jsonb_array_elements(affected_visits.changes) AS c
                                WHERE c.value ->> 'kind' IN ('change_hours', 'end_hours', 'remove_hours'));
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(to_jsonb(v.*) || jsonb_build_object('newly', before.causes = '[]')
                                  ORDER BY v.starts_at, v.appointment_id, v.owner_id), '[]')
        FROM clinic_private.standing_visits(affected_visits.resource_ids, affected_visits.range_start, affected_visits.range_end) AS v
        CROSS JOIN LATERAL (
            SELECT coalesce(affected_visits.causes_before -> coalesce(v.appointment_id, v.owner_id)::text, '[]') AS causes
        ) AS before
        WHERE EXISTS (SELECT FROM unnest(v.causes) AS cause (text)
                      WHERE NOT before.causes ? cause.text
                         OR of_hours AND cause.text IN ('outside_hours', 'window_too_short')));
END
$$;
COMMENT ON FUNCTION clinic_private.affected_visits(jsonb, jsonb, uuid[], timestamptz, timestamptz) IS
    'Returns the visits that changes just made affect: those not wholly inside the new hours by a cause that the changes brought.
causes_before: what clinic_private.standing_causes said before; newly: nothing stood against the visit before.';
REVOKE ALL ON FUNCTION clinic_private.affected_visits FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.affected_visits TO clinic_owner;

CREATE FUNCTION clinic_private.preview_changes(changes jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    scope record;
    before jsonb;
    affected jsonb;
BEGIN
    SELECT s.* INTO scope FROM clinic_private.change_scope(preview_changes.changes) AS s;
    before := clinic_private.standing_causes(scope.resource_ids, scope.range_start, scope.range_end);
    BEGIN
        PERFORM clinic_private.run_schedule_change(e.value)
        FROM jsonb_array_elements(preview_changes.changes) WITH ORDINALITY AS e (value, place)
        ORDER BY e.place;
        affected := clinic_private.affected_visits(preview_changes.changes, before, scope.resource_ids, scope.range_start, scope.range_end);
        -- Takes everything back; what was computed stays.
        RAISE EXCEPTION USING ERRCODE = 'CLZ00', MESSAGE = 'the change is taken back';
    EXCEPTION WHEN SQLSTATE 'CLZ00' THEN
        NULL;
    END;
    RETURN affected;
END
$$;
COMMENT ON FUNCTION clinic_private.preview_changes(jsonb) IS
    'Makes changes, sees what they affect, and takes them back. Errors: those of the changes.';
REVOKE ALL ON FUNCTION clinic_private.preview_changes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.preview_changes TO clinic_owner;

CREATE FUNCTION clinic.preview_schedule_change(change jsonb)
    RETURNS TABLE (
        kind text,
        appointment_id uuid,
        status text,
        service_id uuid,
        provider_id uuid,
        location_id uuid,
        patient_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_starts_at timestamp,
        time_zone text,
        reasons text[],
        newly boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    affected jsonb := clinic_private.preview_changes(clinic_private.checked_schedule_changes(preview_schedule_change.change));
BEGIN
    RETURN QUERY
    SELECT v.kind,
           CASE WHEN v.visible THEN v.appointment_id END,
           CASE WHEN v.visible THEN v.status END,
           CASE WHEN v.visible THEN v.service_id END,
           v.provider_id, v.location_id,
           CASE WHEN v.visible THEN v.patient_id END,
           v.starts_at, v.ends_at, v.starts_at AT TIME ZONE l.time_zone, l.time_zone::text, v.reasons, v.newly
    FROM jsonb_to_recordset(affected) AS v (
        kind text, appointment_id uuid, status text, service_id uuid, provider_id uuid, location_id uuid, patient_id uuid,
        starts_at timestamptz, ends_at timestamptz, visible boolean, reasons text[], newly boolean)
    JOIN clinic_data.locations AS l ON l.tenant_id = tenant AND l.location_id = v.location_id
    ORDER BY v.starts_at, v.appointment_id;
END
$$;
ALTER FUNCTION clinic.preview_schedule_change OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.preview_schedule_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.preview_schedule_change TO clinic_user;
COMMENT ON FUNCTION clinic.preview_schedule_change IS
    'Lists the bookings, holds and offers that a change of hours would affect: those whose visit is not wholly inside the new hours. Nothing is written. Needs what the change itself needs, such as schedules:write or setup:write.
change: an object of kind, the name of a function (add_hours, change_hours, end_hours, remove_hours, open_date, close_date, remove_override, add_stay, remove_stay, add_block, add_leave, add_break, remove_block, add_holiday, remove_holiday, update_provider, update_resource, update_service, update_location), and its arguments by name; or an array of up to 100 of them, made in order.
kind: booking, pending, hold, offer or session; ids are null where the caller may not see the visit; reasons: what stands against it, as in clinic.explain_slot (inactive, closed_on_date, outside_hours, window_too_short, blocked, full, no_resource); newly: nothing stood against it before. What staff booked in spite of a reason is not affected by that reason.
Errors: those of the function named, no_context, 22004, 22023, 22P02; 25006 in a read-only transaction, for the change is made and taken back.';
