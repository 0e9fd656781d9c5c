-- No-shows: flagging who did not come, marking, reversing, counting.

CREATE FUNCTION clinic_private.flag_no_shows_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    grace interval;
    flagged record;
    count bigint := 0;
BEGIN
    grace := (SELECT make_interval(mins => t.no_show_grace_minutes) FROM clinic_data.tenants AS t WHERE t.tenant_id = tenant);
    -- A row that somebody is checking in right now is looked at again by the next run; one that has just been checked in no longer
    -- fits the condition when its lock is had.
    FOR flagged IN
        UPDATE clinic_data.appointments AS a
        SET no_show_flagged_at = clinic.now()
        FROM (
            SELECT v.appointment_id
            FROM clinic_data.locations AS l
            JOIN clinic_data.appointments AS v ON v.tenant_id = l.tenant_id AND v.location_id = l.location_id
            WHERE l.tenant_id = tenant
              AND v.starts_at > clinic.now() - interval '7 days'
              AND v.starts_at <= clinic.now() - grace
              AND v.status IN ('booked', 'confirmed')
              AND v.no_show_flagged_at IS NULL
              AND v.no_show_cleared_at IS NULL
            ORDER BY v.starts_at, v.appointment_id
            LIMIT 500
            FOR UPDATE OF v SKIP LOCKED
        ) AS missing
        WHERE a.tenant_id = tenant AND a.appointment_id = missing.appointment_id
        RETURNING a.appointment_id, a.patient_id, a.provider_id
    LOOP
        count := count + 1;
        PERFORM clinic_private.queue_notification('possible_no_show', flagged.patient_id, flagged.appointment_id,
            jsonb_build_object('provider_id', flagged.provider_id));
    END LOOP;
    RETURN count;
END
$$;
COMMENT ON FUNCTION clinic_private.flag_no_shows_job() IS
    'Flags visits of the context''s tenant whose patients did not check in by the end of the grace after the start, and notifies their providers; up to 500 at a time. Returns how many.
Never who has arrived, and no visit twice for the same start. Safe to run twice and at once. Visits that began more than a week ago stay as they are.';
REVOKE ALL ON FUNCTION clinic_private.flag_no_shows_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.flag_no_shows_job TO clinic_owner;

-- Trigger: a flag belongs to a start, and whom staff say to have come is not flagged again.
CREATE FUNCTION clinic_private.renew_no_show_flag()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.starts_at IS DISTINCT FROM OLD.starts_at THEN
        NEW.no_show_flagged_at := NULL;
        NEW.no_show_cleared_at := NULL;
    ELSE
        NEW.no_show_cleared_at := clinic.now();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION clinic_private.renew_no_show_flag() IS
    'Trigger: a visit that is moved may be flagged afresh; one whose no-show is reversed is not flagged again.';
REVOKE ALL ON FUNCTION clinic_private.renew_no_show_flag() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.renew_no_show_flag() TO clinic_owner;

CREATE FUNCTION clinic_private.mark_no_show(appointment_id uuid, reason text, version integer, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_desk_right(patients => false);
    stored jsonb;
    a record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('appointment_id', mark_no_show.appointment_id));
    stored := clinic_private.begin_once('mark_no_show', mark_no_show.idempotency_key, jsonb_build_object(
        'appointment_id', mark_no_show.appointment_id, 'reason', mark_no_show.reason, 'version', mark_no_show.version));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    PERFORM clinic_private.lock_resources(tenant, ARRAY[mark_no_show.appointment_id]);
    SELECT v.status, v.patient_id, v.provider_id, v.location_id, v.starts_at + make_interval(mins => t.no_show_grace_minutes) AS earliest
    INTO a
    FROM clinic_data.appointments AS v
    JOIN clinic_data.tenants AS t ON t.tenant_id = v.tenant_id
    WHERE v.tenant_id = tenant AND v.appointment_id = mark_no_show.appointment_id;
    IF a.status IS NOT NULL THEN
        PERFORM clinic_private.require_desk_permission('appointments:write', a.provider_id, a.location_id);
    END IF;
    IF a.status IN ('booked', 'confirmed') AND clinic.now() < a.earliest THEN
        PERFORM clinic_private.raise_error('too_early', 'the patient may still come',
            jsonb_build_object('appointment_id', mark_no_show.appointment_id, 'earliest', a.earliest),
            'Mark a no-show from the end of the grace on.');
    END IF;
    SELECT to_jsonb(c) INTO stored
    FROM clinic_private.change_status(mark_no_show.appointment_id, 'mark_no_show', mark_no_show.reason, mark_no_show.version) AS c;
    stored := stored || jsonb_build_object('no_shows', clinic_private.counted_no_shows(a.patient_id));
    PERFORM clinic_private.end_once('mark_no_show', mark_no_show.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.mark_no_show(uuid, text, integer, text) IS 'Does what clinic.mark_no_show says, and returns the row as an object.';
REVOKE ALL ON FUNCTION clinic_private.mark_no_show FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.mark_no_show TO clinic_owner;

CREATE FUNCTION clinic_private.counted_no_shows(patient_id uuid)
    RETURNS integer
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clinic_private.count_no_shows(t.tenant_id, counted_no_shows.patient_id, t.no_show_window_months)
    FROM clinic_data.tenants AS t
    WHERE t.tenant_id = clinic.current_tenant_id()
$$;
COMMENT ON FUNCTION clinic_private.counted_no_shows(uuid) IS 'How many no-shows of a patient count by the tenant''s policy, at whatever branch.';
REVOKE ALL ON FUNCTION clinic_private.counted_no_shows FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.counted_no_shows TO clinic_owner;

CREATE FUNCTION clinic_private.may_not_book_online(patient_id uuid)
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.no_show_policy = 'block_online'
           AND clinic_private.count_no_shows(t.tenant_id, may_not_book_online.patient_id, t.no_show_window_months) > t.no_show_limit
    FROM clinic_data.tenants AS t
    WHERE t.tenant_id = clinic.current_tenant_id()
$$;
COMMENT ON FUNCTION clinic_private.may_not_book_online(uuid) IS 'Whether the policy on no-shows keeps a patient from booking for themselves; what is not to be offered to them.';
REVOKE ALL ON FUNCTION clinic_private.may_not_book_online FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.may_not_book_online TO clinic_owner;

CREATE FUNCTION clinic.mark_no_show(
    appointment_id uuid,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (appointment_id uuid, status text, version integer, changed_at timestamptz, no_shows integer, replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.appointment_id, r.status, r.version, r.changed_at, r.no_shows, r.replayed
    FROM clinic_private.mark_no_show($1, $2, $3, $4) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (appointment_id uuid, status text, version integer, changed_at timestamptz,
                                                       no_shows integer, replayed boolean)
$$;
ALTER FUNCTION clinic.mark_no_show OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.mark_no_show FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.mark_no_show TO clinic_user;
COMMENT ON FUNCTION clinic.mark_no_show IS
    'Marks a patient as not having come, from the end of the tenant''s no_show_grace_minutes after the start on, and frees what is left of the
time. For staff, with appointments:write there. no_shows: how many now count for the patient. Under the tenant''s policy fee a fee is due
when they are more than the limit. Errors: too_early (with earliest), not_found, bad_transition, stale_version, forbidden, no_context,
idempotency_conflict, 22004.';

CREATE FUNCTION clinic_private.reverse_no_show(appointment_id uuid, reason text, version integer, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_desk_right(patients => false);
    stored jsonb;
    patient uuid;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('appointment_id', reverse_no_show.appointment_id));
    stored := clinic_private.begin_once('reverse_no_show', reverse_no_show.idempotency_key, jsonb_build_object(
        'appointment_id', reverse_no_show.appointment_id, 'reason', reverse_no_show.reason, 'version', reverse_no_show.version));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    SELECT to_jsonb(c) INTO stored
    FROM clinic_private.change_status(reverse_no_show.appointment_id, 'reverse_no_show', reverse_no_show.reason, reverse_no_show.version) AS c;
    patient := (SELECT a.patient_id FROM clinic_data.appointments AS a
                WHERE a.tenant_id = tenant AND a.appointment_id = reverse_no_show.appointment_id);
    stored := stored || jsonb_build_object('no_shows', clinic_private.counted_no_shows(patient));
    PERFORM clinic_private.end_once('reverse_no_show', reverse_no_show.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.reverse_no_show(uuid, text, integer, text) IS 'Does what clinic.reverse_no_show says, and returns the row as an object.';
REVOKE ALL ON FUNCTION clinic_private.reverse_no_show FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.reverse_no_show TO clinic_owner;

CREATE FUNCTION clinic.reverse_no_show(
    appointment_id uuid,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (appointment_id uuid, status text, version integer, changed_at timestamptz, no_shows integer, replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.appointment_id, r.status, r.version, r.changed_at, r.no_shows, r.replayed
    FROM clinic_private.reverse_no_show($1, $2, $3, $4) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (appointment_id uuid, status text, version integer, changed_at timestamptz,
                                                       no_shows integer, replayed boolean)
$$;
ALTER FUNCTION clinic.reverse_no_show OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.reverse_no_show FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.reverse_no_show TO clinic_user;
COMMENT ON FUNCTION clinic.reverse_no_show IS
    'Takes a no-show back: the appointment is what it was before, the count is one less, a fee that is due is cancelled, and it is not flagged
again. For staff, with appointments:write there. Where the visit is not over its time is claimed again, and refused when somebody else has it.
Errors: not_found, bad_transition, stale_version, forbidden, no_context, slot_taken and its kin, idempotency_conflict, 22004.';

CREATE FUNCTION clinic_private.clear_no_show_flag(appointment_id uuid, version integer, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_desk_right(patients => false);
    stored jsonb;
    a record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('appointment_id', clear_no_show_flag.appointment_id));
    stored := clinic_private.begin_once('clear_no_show_flag', clear_no_show_flag.idempotency_key, jsonb_build_object(
        'appointment_id', clear_no_show_flag.appointment_id, 'version', clear_no_show_flag.version));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    PERFORM clinic_private.lock_resources(tenant, ARRAY[clear_no_show_flag.appointment_id]);
    SELECT v.status, v.version, v.provider_id, v.location_id, v.no_show_flagged_at INTO a
    FROM clinic_data.appointments AS v
    WHERE v.tenant_id = tenant AND v.appointment_id = clear_no_show_flag.appointment_id;
    IF a.status IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', 'the appointment does not exist',
            jsonb_build_object('appointment_id', clear_no_show_flag.appointment_id), NULL);
    END IF;
    PERFORM clinic_private.require_desk_permission('appointments:write', a.provider_id, a.location_id);
    IF a.version <> clear_no_show_flag.version THEN
        PERFORM clinic_private.raise_error('stale_version', 'the row was changed by somebody else',
            jsonb_build_object('appointment_id', clear_no_show_flag.appointment_id, 'version', a.version), NULL);
    END IF;
    IF a.no_show_flagged_at IS NULL THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the appointment is not flagged',
            jsonb_build_object('appointment_id', clear_no_show_flag.appointment_id, 'status', a.status), NULL);
    END IF;
    UPDATE clinic_data.appointments AS v
    SET no_show_flagged_at = NULL, no_show_cleared_at = clinic.now()
    WHERE v.tenant_id = tenant AND v.appointment_id = clear_no_show_flag.appointment_id
    RETURNING jsonb_build_object('appointment_id', v.appointment_id, 'status', v.status, 'version', v.version) INTO stored;
    PERFORM clinic_private.end_once('clear_no_show_flag', clear_no_show_flag.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.clear_no_show_flag(uuid, integer, text) IS 'Does what clinic.clear_no_show_flag says, and returns the row as an object.';
REVOKE ALL ON FUNCTION clinic_private.clear_no_show_flag FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.clear_no_show_flag TO clinic_owner;

CREATE FUNCTION clinic.clear_no_show_flag(
    appointment_id uuid,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (appointment_id uuid, status text, version integer, replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.appointment_id, r.status, r.version, r.replayed
    FROM clinic_private.clear_no_show_flag($1, $2, $3) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (appointment_id uuid, status text, version integer, replayed boolean)
$$;
ALTER FUNCTION clinic.clear_no_show_flag OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.clear_no_show_flag FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.clear_no_show_flag TO clinic_user;
COMMENT ON FUNCTION clinic.clear_no_show_flag IS
    'Takes the flag of a possible no-show away; the visit is not flagged again unless it is moved. For staff, with appointments:write there.
Errors: not_found, bad_transition when it is not flagged, stale_version, forbidden, no_context, idempotency_conflict, 22004.';

CREATE FUNCTION clinic.no_show_count(patient_id uuid)
    RETURNS integer
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_tenant();
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', no_show_count.patient_id));
    PERFORM clinic_private.require_row('patient', no_show_count.patient_id);
    RETURN clinic_private.counted_no_shows(no_show_count.patient_id);
END
$$;
ALTER FUNCTION clinic.no_show_count OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.no_show_count FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.no_show_count TO clinic_user;
COMMENT ON FUNCTION clinic.no_show_count IS
    'How many no-shows a patient whom the caller sees has had, at whatever branch: visits that began within the tenant''s
no_show_window_months up to now. Errors: no_context, not_found, 22004.';

CREATE FUNCTION clinic_private.reminder_channels(appointment_id uuid)
    RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    channels text[];
BEGIN
    IF to_regclass('clinic_data.notifications') IS NOT NULL THEN
        channels := ARRAY(
            SELECT DISTINCT n.channel
            FROM clinic_data.notifications AS n
            WHERE n.tenant_id = clinic.current_tenant_id() AND n.appointment_id = reminder_channels.appointment_id
              AND n.kind = 'reminder' AND n.status = 'sent' AND n.channel IS NOT NULL
            ORDER BY n.channel);
    END IF;
    RETURN coalesce(nullif(channels, '{}'), '{none}');
END
$$;
COMMENT ON FUNCTION clinic_private.reminder_channels(uuid) IS
    'By which channels reminders of an appointment went out; none where there was no reminder, or where there are no notifications.';
REVOKE ALL ON FUNCTION clinic_private.reminder_channels FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.reminder_channels TO clinic_owner;

CREATE FUNCTION clinic.no_show_rate(range_start timestamptz, range_end timestamptz, by text DEFAULT 'channel')
    RETURNS TABLE (value text, visits bigint, no_shows bigint, rate numeric)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    ROWS 20
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('range_start', no_show_rate.range_start,
        'range_end', no_show_rate.range_end, 'by', no_show_rate.by));
    IF no_show_rate.by NOT IN ('channel', 'provider', 'service', 'location', 'month', 'weekday', 'hour') THEN
        PERFORM clinic_private.refuse_argument('by', 'by must be channel, provider, service, location, month, weekday or hour');
    END IF;
    IF no_show_rate.range_end < no_show_rate.range_start OR no_show_rate.range_end > no_show_rate.range_start + interval '3660 days' THEN
        PERFORM clinic_private.refuse_argument('range_end', 'range_end must not lie before range_start, nor more than 3660 days after it');
    END IF;
    IF clinic_private.may_at('appointments:read', NULL, NULL) IS NOT TRUE
       AND clinic_private.may_at('appointments:read', clinic.current_provider_id(), NULL) IS NOT TRUE
       AND NOT clinic.has_permission('appointments:read:branch') THEN
        PERFORM clinic_private.refuse_permission('appointments:read');
    END IF;
    RETURN QUERY
        SELECT g.value, count(*), count(*) FILTER (WHERE g.status = 'no_show'),
               round(count(*) FILTER (WHERE g.status = 'no_show')::numeric / count(*), 4)
        FROM (
            SELECT a.status, u.value
            FROM clinic_data.appointments AS a
            CROSS JOIN LATERAL unnest(CASE no_show_rate.by
                WHEN 'channel' THEN clinic_private.reminder_channels(a.appointment_id)
                WHEN 'provider' THEN ARRAY[a.provider_id::text]
                WHEN 'service' THEN ARRAY[a.service_id::text]
                WHEN 'location' THEN ARRAY[a.location_id::text]
                WHEN 'month' THEN ARRAY[to_char(a.local_starts_at, 'YYYY-MM')]
                WHEN 'weekday' THEN ARRAY[to_char(a.local_starts_at, 'ID')]
                ELSE ARRAY[to_char(a.local_starts_at, 'HH24')] END) AS u (value)
            WHERE a.tenant_id = tenant
              AND a.starts_at >= no_show_rate.range_start AND a.starts_at < no_show_rate.range_end
              AND a.status IN ('arrived', 'in_progress', 'completed', 'no_show')
        ) AS g
        GROUP BY g.value
        ORDER BY g.value;
END
$$;
ALTER FUNCTION clinic.no_show_rate OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.no_show_rate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.no_show_rate TO clinic_user;
COMMENT ON FUNCTION clinic.no_show_rate IS
    'How many of the visits that began within [range_start, range_end) were no-shows, of those the caller sees. Needs appointments:read.
by: channel (email, sms ... by which a reminder went out; none; a visit with several counts in each), provider, service, location (ids),
month (YYYY-MM), weekday (1 is Monday) or hour of the local start. visits: whose patients came or did not; cancelled ones are not counted.
rate: no_shows / visits, to four places. Errors: no_context, forbidden, 22004, 22023.';
