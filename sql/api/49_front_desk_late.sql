-- How late a provider runs, and telling the patients.

CREATE FUNCTION clinic_private.visits_to_come(provider_id uuid, location_id uuid)
    RETURNS TABLE (
        appointment_id uuid,
        ticket_id uuid,
        status text,
        patient_id uuid,
        location_id uuid,
        starts_at timestamptz,
        expected_at timestamptz,
        expected_until timestamptz,
        late_minutes integer,
        place integer)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.appointment_id, w.ticket_id, a.status, a.patient_id, a.location_id, a.starts_at, w.expected_at, w.expected_until,
           greatest(0, floor(extract(epoch FROM w.expected_at - a.starts_at) / 60)::integer), w.place
    FROM (
        -- Today where the location is, or where the provider is at home.
        SELECT t.tenant_id, t.late_keeps_place_minutes, z.time_zone,
               (clinic.now() AT TIME ZONE z.time_zone)::date AS on_date
        FROM clinic_data.tenants AS t
        CROSS JOIN LATERAL (
            SELECT coalesce((SELECT l.time_zone::text FROM clinic_data.locations AS l
                             WHERE l.tenant_id = t.tenant_id AND l.location_id = $2),
                            (SELECT p.time_zone::text FROM clinic_data.providers AS p
                             WHERE p.tenant_id = t.tenant_id AND p.provider_id = $1)) AS time_zone
        ) AS z
        WHERE t.tenant_id = clinic.current_tenant_id()
    ) AS d
    CROSS JOIN LATERAL clinic_private.waiting_line(
        $1, coalesce($2, $1), '', d.on_date, d.on_date::timestamp AT TIME ZONE d.time_zone,
        (d.on_date + 1)::timestamp AT TIME ZONE d.time_zone, d.late_keeps_place_minutes) WITH ORDINALITY
        AS w (ticket_id, appointment_id, place, starts_at, expected_at, expected_until, turn)
    JOIN clinic_data.appointments AS a ON a.tenant_id = d.tenant_id AND a.appointment_id = w.appointment_id
    WHERE $2 IS NULL OR a.location_id = $2
    ORDER BY w.turn
$$;
COMMENT ON FUNCTION clinic_private.visits_to_come(uuid, uuid) IS
    'The visits of a provider that go on or are still to come today, as far as the caller sees them, in the order of their turns; of one location, or of all.';
REVOKE ALL ON FUNCTION clinic_private.visits_to_come FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.visits_to_come TO clinic_owner;

CREATE FUNCTION clinic.running_late(provider_id uuid, location_id uuid DEFAULT NULL)
    RETURNS TABLE (
        appointment_id uuid,
        ticket_id uuid,
        status text,
        starts_at timestamptz,
        expected_at timestamptz,
        expected_until timestamptz,
        late_minutes integer,
        place integer)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    ROWS 20
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('provider_id', running_late.provider_id));
    PERFORM clinic_private.require_desk_permission('appointments:read', running_late.provider_id, running_late.location_id);
    PERFORM clinic_private.require_row('provider', running_late.provider_id);
    IF running_late.location_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', running_late.location_id);
    END IF;
    RETURN QUERY
        SELECT v.appointment_id, v.ticket_id, v.status, v.starts_at, v.expected_at, v.expected_until, v.late_minutes, v.place
        FROM clinic_private.visits_to_come(running_late.provider_id, running_late.location_id) AS v;
END
$$;
ALTER FUNCTION clinic.running_late OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.running_late FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.running_late TO clinic_user;
COMMENT ON FUNCTION clinic.running_late IS
    'When the visits of a provider that go on or are still to come today will probably begin and end, in the order of their turns. Needs appointments:read.
The rule: who is being served comes first, then who was called, then by urgency, due time and number those who wait, together with visits
still expected (a patient who has not come is waited for until the tenant''s late_keeps_place_minutes after the start). A turn begins when
the one before is expected to end, but no visit before its start, unless it is urgent; it lasts as long as booked, or until now where it
already took longer. Seats of one session share their turn. Buffers and drives are not counted.
late_minutes: whole minutes between starts_at and expected_at. place: 1 for who is next among those who wait. Visits that the caller
does not see count, but are not shown. Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic_private.announce_delay(
    provider_id uuid,
    late_minutes integer,
    at_least_minutes integer,
    location_id uuid,
    idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    stored jsonb;
    visit record;
    told integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('provider_id', announce_delay.provider_id,
        'at_least_minutes', announce_delay.at_least_minutes));
    PERFORM clinic_private.require_desk_permission('appointments:write', announce_delay.provider_id, announce_delay.location_id);
    PERFORM clinic_private.require_desk_permission('appointments:read', announce_delay.provider_id, announce_delay.location_id);
    IF announce_delay.late_minutes NOT BETWEEN 1 AND 1440 THEN
        PERFORM clinic_private.refuse_argument('late_minutes', 'late_minutes must be between 1 and 1440');
    END IF;
    IF announce_delay.at_least_minutes NOT BETWEEN 1 AND 1440 THEN
        PERFORM clinic_private.refuse_argument('at_least_minutes', 'at_least_minutes must be between 1 and 1440');
    END IF;
    stored := clinic_private.begin_once('announce_delay', announce_delay.idempotency_key, jsonb_build_object(
        'provider_id', announce_delay.provider_id, 'late_minutes', announce_delay.late_minutes,
        'at_least_minutes', announce_delay.at_least_minutes, 'location_id', announce_delay.location_id));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    PERFORM clinic_private.require_row('provider', announce_delay.provider_id);
    IF announce_delay.location_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', announce_delay.location_id);
    END IF;
    -- One announcement at a time: the second sees what the first told.
    PERFORM clinic_private.lock_resources(tenant, ARRAY[announce_delay.provider_id]);
    stored := '[]';
    FOR visit IN
        SELECT v.appointment_id, v.patient_id, v.starts_at,
               greatest(v.expected_at, v.starts_at + make_interval(mins => announce_delay.late_minutes)) AS expected_at,
               greatest(v.late_minutes, announce_delay.late_minutes) AS late_minutes
        FROM clinic_private.visits_to_come(announce_delay.provider_id, announce_delay.location_id) AS v
        WHERE v.status IN ('booked', 'confirmed', 'arrived')
    LOOP
        told := (SELECT n.late_minutes FROM clinic_data.delay_notices AS n
                 WHERE n.tenant_id = tenant AND n.appointment_id = visit.appointment_id
                   -- What was said of a start that has been moved is no longer said.
                   AND n.expected_at = visit.starts_at + make_interval(mins => n.late_minutes)
                 ORDER BY n.announced_at DESC LIMIT 1);
        IF visit.late_minutes >= announce_delay.at_least_minutes
           AND (told IS NULL OR abs(visit.late_minutes - told) >= announce_delay.at_least_minutes) THEN
            INSERT INTO clinic_data.delay_notices AS n
                (tenant_id, appointment_id, announced_at, late_minutes, expected_at, announced_by)
            VALUES (tenant, visit.appointment_id, clinic.now(), visit.late_minutes,
                    visit.starts_at + make_interval(mins => visit.late_minutes), clinic.current_user_id())
            ON CONFLICT ON CONSTRAINT delay_notices_pkey DO UPDATE
                SET late_minutes = excluded.late_minutes, expected_at = excluded.expected_at;
            PERFORM clinic_private.queue_notification('running_late', visit.patient_id, visit.appointment_id,
                jsonb_build_object('late_minutes', visit.late_minutes, 'expected_at', visit.expected_at));
            stored := stored || jsonb_build_object('appointment_id', visit.appointment_id, 'late_minutes', visit.late_minutes,
                                                   'expected_at', visit.expected_at);
        END IF;
    END LOOP;
    stored := jsonb_build_object('told', stored);
    PERFORM clinic_private.end_once('announce_delay', announce_delay.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.announce_delay(uuid, integer, integer, uuid, text) IS 'Does what clinic.announce_delay says, and returns the rows as an object.';
REVOKE ALL ON FUNCTION clinic_private.announce_delay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.announce_delay TO clinic_owner;

CREATE FUNCTION clinic.announce_delay(
    provider_id uuid,
    late_minutes integer DEFAULT NULL,
    at_least_minutes integer DEFAULT 10,
    location_id uuid DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (appointment_id uuid, late_minutes integer, expected_at timestamptz, replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 20
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.appointment_id, r.late_minutes, r.expected_at, (c.result ->> 'replayed')::boolean
    FROM clinic_private.announce_delay($1, $2, $3, $4, $5) AS c (result)
    CROSS JOIN LATERAL jsonb_to_recordset(c.result -> 'told') AS r (appointment_id uuid, late_minutes integer, expected_at timestamptz)
$$;
ALTER FUNCTION clinic.announce_delay OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.announce_delay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.announce_delay TO clinic_user;
COMMENT ON FUNCTION clinic.announce_delay IS
    'Tells the patients of a provider''s visits still to come today how late they will begin, by a notification each, and returns whom it told.
Needs appointments:write and appointments:read. late_minutes: the least delay, as the provider says; without it what clinic.running_late
foresees. at_least_minutes: smaller delays are not worth a message, nor is a delay that differs by less from what the patient was told.
location_id: only visits there. Errors: no_context, forbidden, not_found, idempotency_conflict, 22004, 22023.';
