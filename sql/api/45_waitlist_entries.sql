-- The waitlist's entries: joining, changing, leaving.

CREATE FUNCTION clinic_private.checked_times_of_day(times_of_day text[])
    RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    span text;
    parts text[];
    checked text[] := '{}';
BEGIN
    IF checked_times_of_day.times_of_day IS NULL THEN
        RETURN NULL;
    END IF;
    FOREACH span IN ARRAY checked_times_of_day.times_of_day LOOP
        parts := regexp_match(span, '^\s*(\d{1,2}:[0-5]\d)\s*-\s*(\d{1,2}:[0-5]\d)\s*$');
        IF parts IS NULL OR lpad(parts[1], 5, '0') > '23:59' OR lpad(parts[2], 5, '0') > '24:00'
           OR lpad(parts[1], 5, '0') = lpad(parts[2], 5, '0') THEN
            PERFORM clinic_private.refuse_argument('times_of_day', 'times_of_day must hold spans of local time',
                hint => 'Write each like 09:00-12:00; the end is exclusive, 24:00 is the end of the day, an earlier end lies on the next day.');
        END IF;
        checked := checked || (lpad(parts[1], 5, '0') || '-' || lpad(parts[2], 5, '0'));
    END LOOP;
    RETURN checked;
END
$$;
COMMENT ON FUNCTION clinic_private.checked_times_of_day(text[]) IS
    'Spans of local time in one form, such as 09:00-12:00; null stays null. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.checked_times_of_day FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.checked_times_of_day TO clinic_owner;

CREATE FUNCTION clinic_private.lapse_of(location_id uuid, until_on date)
    RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(max((lapse_of.until_on + 1)::timestamp AT TIME ZONE l.time_zone),
                    (lapse_of.until_on + 1)::timestamp AT TIME ZONE 'Etc/UTC')
    FROM clinic_data.locations AS l
    WHERE l.tenant_id = clinic.current_tenant_id() AND (lapse_of.location_id IS NULL OR l.location_id = lapse_of.location_id)
$$;
COMMENT ON FUNCTION clinic_private.lapse_of(uuid, date) IS
    'When a local date is over at a location, or at the last of all.';
REVOKE ALL ON FUNCTION clinic_private.lapse_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lapse_of TO clinic_owner;

-- What joining and changing check alike: the entry as it would be.
CREATE FUNCTION clinic_private.check_waitlist_entry(entry jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    service uuid := (check_waitlist_entry.entry ->> 'service_id')::uuid;
    provider uuid := (check_waitlist_entry.entry ->> 'provider_id')::uuid;
    location uuid := (check_waitlist_entry.entry ->> 'location_id')::uuid;
    patient uuid := (check_waitlist_entry.entry ->> 'patient_id')::uuid;
    released uuid := (check_waitlist_entry.entry ->> 'releases_appointment_id')::uuid;
    from_on date := (check_waitlist_entry.entry ->> 'from_on')::date;
    until_on date := (check_waitlist_entry.entry ->> 'until_on')::date;
    session uuid := (check_waitlist_entry.entry ->> 'session_id')::uuid;
    seats integer;
    appointment record;
    other uuid;
BEGIN
    IF provider IS NOT NULL THEN
        PERFORM clinic_private.require_row('provider', provider);
        IF NOT EXISTS (SELECT FROM clinic_data.service_providers AS sp
                       WHERE sp.tenant_id = tenant AND sp.service_id = service AND sp.provider_id = provider) THEN
            PERFORM clinic_private.raise_error('not_found', 'the provider does not offer the service',
                jsonb_build_object('provider_id', provider, 'service_id', service), NULL);
        END IF;
    END IF;
    IF location IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', location);
    END IF;
    PERFORM clinic_private.require_dates(from_on, until_on);
    IF clinic_private.lapse_of(location, until_on) <= clinic.now() THEN
        PERFORM clinic_private.refuse_argument('until_on', 'until_on is past');
    END IF;
    IF session IS NOT NULL THEN
        SELECT g.capacity INTO seats
        FROM clinic_data.group_sessions AS g WHERE g.tenant_id = tenant AND g.session_id = session;
    ELSE
        SELECT s.capacity INTO seats
        FROM clinic_data.services AS s WHERE s.tenant_id = tenant AND s.service_id = service;
    END IF;
    IF (check_waitlist_entry.entry ->> 'party_size')::integer > seats THEN
        PERFORM clinic_private.refuse_argument('party_size',
            format('the %s has fewer seats than the party needs', CASE WHEN session IS NULL THEN 'service' ELSE 'session' END),
            format('It has %s.', seats));
    END IF;
    IF released IS NOT NULL THEN
        SELECT a.patient_id, a.status, a.starts_at, a.expires_at INTO appointment
        FROM clinic_data.appointments AS a WHERE a.tenant_id = tenant AND a.appointment_id = released;
        IF NOT FOUND THEN
            PERFORM clinic_private.raise_error('not_found', 'the appointment does not exist', jsonb_build_object('appointment_id', released), NULL);
        END IF;
        IF appointment.patient_id <> patient OR appointment.status NOT IN ('pending', 'booked', 'confirmed')
           OR appointment.starts_at <= clinic.now() OR appointment.expires_at <= clinic.now() THEN
            PERFORM clinic_private.refuse_argument('releases_appointment_id',
                'only a coming appointment of the same patient can be given up', format('It is appointment %s.', released));
        END IF;
    END IF;
    SELECT w.entry_id INTO other
    FROM clinic_data.waitlist_entries AS w
    WHERE w.tenant_id = tenant AND w.patient_id = patient AND w.service_id = service AND w.status = 'waiting'
      AND w.from_on <= (check_waitlist_entry.entry ->> 'until_on')::date AND w.until_on >= (check_waitlist_entry.entry ->> 'from_on')::date
      AND w.entry_id IS DISTINCT FROM (check_waitlist_entry.entry ->> 'entry_id')::uuid
    ORDER BY w.joined_at LIMIT 1;
    IF FOUND THEN
        PERFORM clinic_private.raise_error('duplicate', 'the patient waits for this service on some of these dates already',
            jsonb_build_object('entry_id', other), 'Change that entry with clinic.update_waitlist_entry().');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.check_waitlist_entry(jsonb) IS
    'Refuses what cannot be waited for. entry: columns of clinic_data.waitlist_entries.
Errors: not_found, duplicate, 22023.';
REVOKE ALL ON FUNCTION clinic_private.check_waitlist_entry FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_waitlist_entry TO clinic_owner;

CREATE FUNCTION clinic_private.require_waitlist_right(patient_id uuid, provider_id uuid, location_id uuid)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
BEGIN
    IF clinic_private.may_write_waitlist(require_waitlist_right.patient_id, require_waitlist_right.provider_id,
                                         require_waitlist_right.location_id) IS NOT TRUE THEN
        RETURN clinic_private.refuse_permission('appointments:write');
    END IF;
    RETURN tenant;
END
$$;
COMMENT ON FUNCTION clinic_private.require_waitlist_right(uuid, uuid, uuid) IS
    'Returns the tenant of the context when it may deal with such an entry: the patient, or appointments:write with appointments:read there.
Errors: no_context, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_waitlist_right FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_waitlist_right TO clinic_owner;

CREATE FUNCTION clinic_private.is_staff_at(provider_id uuid, location_id uuid)
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN clinic_private.may_at('appointments:write', is_staff_at.provider_id, is_staff_at.location_id)
    OR is_staff_at.location_id IS NULL AND clinic_private.may_at('appointments:write:branch', NULL, NULL);
COMMENT ON FUNCTION clinic_private.is_staff_at(uuid, uuid) IS
    'Whether the caller may book there for others; null without a context.';
REVOKE ALL ON FUNCTION clinic_private.is_staff_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_staff_at TO clinic_owner;

-- The session that is waited for, locked so that it is neither moved nor cancelled before the entry is there.
CREATE FUNCTION clinic_private.lock_waited_session(session_id uuid, service_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    session record;
BEGIN
    PERFORM clinic_private.lock_resources(tenant, ARRAY[lock_waited_session.session_id]);
    SELECT g.service_id, g.status, g.starts_at INTO session
    FROM clinic_data.group_sessions AS g WHERE g.tenant_id = tenant AND g.session_id = lock_waited_session.session_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'the session does not exist',
            jsonb_build_object('session_id', lock_waited_session.session_id), NULL);
    END IF;
    IF session.service_id <> lock_waited_session.service_id THEN
        PERFORM clinic_private.refuse_argument('service_id', 'the session is of another service',
            hint => 'Leave service_id null: the session says it.');
    END IF;
    IF session.status <> 'scheduled' THEN
        PERFORM clinic_private.raise_error('inactive', 'the session is cancelled',
            jsonb_build_object('session_id', lock_waited_session.session_id), NULL);
    END IF;
    IF session.starts_at <= clinic.now() THEN
        PERFORM clinic_private.raise_error('in_past', 'the session has begun',
            jsonb_build_object('session_id', lock_waited_session.session_id), NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.lock_waited_session(uuid, uuid) IS
    'Takes the lock of a session that somebody wants to wait for. service_id: what it must be of; null for any.
Errors: no_context, not_found, inactive, in_past, 22023.';
REVOKE ALL ON FUNCTION clinic_private.lock_waited_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_waited_session TO clinic_owner;

CREATE FUNCTION clinic.join_waitlist(
    service_id uuid DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    provider_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    from_on date DEFAULT NULL,
    until_on date DEFAULT NULL,
    weekdays integer[] DEFAULT NULL,
    times_of_day text[] DEFAULT NULL,
    urgency integer DEFAULT 0,
    party_size integer DEFAULT 1,
    releases_appointment_id uuid DEFAULT NULL,
    note text DEFAULT NULL,
    session_id uuid DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (entry_id uuid, status text, "position" integer, joined_at timestamptz, replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid;
    stored jsonb;
    entry jsonb;
    new_id uuid := clinic.new_id();
    first_on date;
    session record;
    -- What is waited for: a session says it all.
    service uuid := join_waitlist.service_id;
    provider uuid := join_waitlist.provider_id;
    location uuid := join_waitlist.location_id;
    from_date date := join_waitlist.from_on;
    until_date date := join_waitlist.until_on;
BEGIN
    IF join_waitlist.session_id IS NOT NULL THEN
        PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', join_waitlist.patient_id, 'urgency', join_waitlist.urgency,
            'party_size', join_waitlist.party_size));
        IF num_nonnulls(provider, location, from_date, until_date, join_waitlist.weekdays, join_waitlist.times_of_day) > 0 THEN
            PERFORM clinic_private.refuse_argument('session_id', 'a session has its provider, its place and its time',
                hint => 'Leave provider_id, location_id, from_on, until_on, weekdays and times_of_day out.');
        END IF;
        PERFORM clinic_private.require_waitlist_caller();
        SELECT g.provider_id, g.location_id INTO provider, location
        FROM clinic_data.group_sessions AS g
        WHERE g.tenant_id = clinic.current_tenant_id() AND g.session_id = join_waitlist.session_id;
        IF NOT FOUND THEN
            PERFORM clinic_private.raise_error('not_found', 'the session does not exist',
                jsonb_build_object('session_id', join_waitlist.session_id), NULL);
        END IF;
    ELSE
        PERFORM clinic_private.require_arguments(jsonb_build_object('service_id', service, 'patient_id', join_waitlist.patient_id,
            'until_on', until_date, 'urgency', join_waitlist.urgency, 'party_size', join_waitlist.party_size));
    END IF;
    tenant := clinic_private.require_waitlist_right(join_waitlist.patient_id, provider, location);
    IF join_waitlist.urgency <> 0 AND clinic_private.is_staff_at(provider, location) IS NOT TRUE THEN
        PERFORM clinic_private.raise_error('forbidden', 'how urgent it is, is for staff to say', '{}',
            'Leave urgency out.');
    END IF;
    stored := clinic_private.begin_once('join_waitlist', join_waitlist.idempotency_key, jsonb_build_array(join_waitlist.service_id,
        join_waitlist.patient_id, join_waitlist.provider_id, join_waitlist.location_id, join_waitlist.from_on, join_waitlist.until_on,
        join_waitlist.weekdays, join_waitlist.times_of_day, join_waitlist.urgency, join_waitlist.party_size,
        join_waitlist.releases_appointment_id, join_waitlist.note, join_waitlist.session_id));
    IF stored IS NOT NULL THEN
        RETURN QUERY SELECT (stored ->> 'entry_id')::uuid, stored ->> 'status', (stored ->> 'position')::integer,
                            (stored ->> 'joined_at')::timestamptz, true;
        RETURN;
    END IF;

    IF join_waitlist.session_id IS NOT NULL THEN
        PERFORM clinic_private.lock_waited_session(join_waitlist.session_id, service);
        SELECT g.service_id, g.provider_id, g.location_id, g.local_starts_at INTO session
        FROM clinic_data.group_sessions AS g WHERE g.tenant_id = tenant AND g.session_id = join_waitlist.session_id;
        service := session.service_id;
        provider := session.provider_id;
        location := session.location_id;
        from_date := session.local_starts_at::date;
        until_date := from_date;
    END IF;
    PERFORM clinic_private.require_row('service', service);
    PERFORM clinic_private.require_row('patient', join_waitlist.patient_id);
    first_on := clinic_private.today_in(coalesce(clinic_private.time_zone_of_location(location), 'Etc/UTC'));
    entry := jsonb_build_object(
        'entry_id', new_id,
        'service_id', service,
        'patient_id', join_waitlist.patient_id,
        'provider_id', provider,
        'location_id', location,
        'from_on', greatest(first_on, from_date),
        'until_on', until_date,
        'weekdays', join_waitlist.weekdays,
        'times_of_day', clinic_private.checked_times_of_day(join_waitlist.times_of_day),
        'urgency', join_waitlist.urgency,
        'party_size', join_waitlist.party_size,
        'releases_appointment_id', join_waitlist.releases_appointment_id,
        'note', join_waitlist.note,
        'session_id', join_waitlist.session_id,
        'lapses_at', clinic_private.lapse_of(location, until_date),
        'joined_at', clinic.now());
    -- Nobody waits for what has never been possible.
    IF from_date > until_date THEN
        PERFORM clinic_private.require_dates(from_date, until_date);
    END IF;
    PERFORM clinic_private.check_waitlist_entry(entry);
    PERFORM clinic_private.insert_row('waitlist_entries', entry);
    PERFORM clinic_private.tell_waitlist('waitlist.joined', new_id, 1, jsonb_build_object('service_id', service,
        'provider_id', provider, 'location_id', location)
        || jsonb_strip_nulls(jsonb_build_object('session_id', join_waitlist.session_id)), join_waitlist.patient_id);

    stored := jsonb_build_object('entry_id', new_id, 'status', 'waiting', 'position', clinic_private.waitlist_position(new_id),
                                 'joined_at', clinic.now());
    PERFORM clinic_private.end_once('join_waitlist', join_waitlist.idempotency_key, stored);
    RETURN QUERY SELECT new_id, 'waiting'::text, (stored ->> 'position')::integer, clinic.now(), false;
END
$$;
ALTER FUNCTION clinic.join_waitlist OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.join_waitlist FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.join_waitlist TO clinic_user;
COMMENT ON FUNCTION clinic.join_waitlist IS
    'Puts a patient on the waitlist, and returns the entry with its place. By the patient, or with appointments:write and appointments:read there.
service_id: what is wanted; provider_id, location_id: where, null for any; from_on, until_on: first and last local date that will do, inclusive;
from_on is today when it is not given, until_on must be given; weekdays: 1 (Monday) to 7; times_of_day: spans of local time in which the visit may begin, such as {09:00-12:00,17:00-20:00};
urgency: 0 to 100, set by staff, the higher is served first, then who joined first; party_size: seats wanted, all or none; releases_appointment_id: the
later appointment that is given up when an earlier offer is accepted; note: for staff, at most 500 characters; session_id: wait for seats of this planned
session, which says service, provider, place and date, so that these are left out; an entry without it is offered seats of sessions, too, that fit it;
idempotency_key: the same call again returns the same entry. Joining offers nothing: what is free can be booked, and what becomes free is offered.
Errors: no_context, forbidden, not_found, inactive and in_past for the session, duplicate (same patient and service on overlapping dates), idempotency_conflict, 22004, 22023.';

CREATE FUNCTION clinic_private.require_waitlist_caller()
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    wanted text;
BEGIN
    IF clinic.current_patient_id() IS NULL THEN
        FOREACH wanted IN ARRAY ARRAY['appointments:write', 'appointments:read'] LOOP
            IF NOT clinic.has_permission(wanted || ':own') AND NOT clinic.has_permission(wanted || ':branch') THEN
                RETURN clinic_private.refuse_permission(wanted);
            END IF;
        END LOOP;
    END IF;
    RETURN tenant;
END
$$;
COMMENT ON FUNCTION clinic_private.require_waitlist_caller() IS
    'Returns the tenant of a caller who may deal with some entries at all: a patient, or appointments:write with appointments:read in any scope.
Errors: no_context, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_waitlist_caller FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_waitlist_caller TO clinic_owner;

CREATE FUNCTION clinic_private.visible_entry(entry_id uuid)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_waitlist_caller();
    entry record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('entry_id', visible_entry.entry_id));
    SELECT w.patient_id, w.provider_id, w.location_id INTO entry
    FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = visible_entry.entry_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'the waitlist entry does not exist',
            jsonb_build_object('entry_id', visible_entry.entry_id), NULL);
    END IF;
    RETURN clinic_private.require_waitlist_right(entry.patient_id, entry.provider_id, entry.location_id);
END
$$;
COMMENT ON FUNCTION clinic_private.visible_entry(uuid) IS
    'Returns the tenant when the caller sees an entry and may deal with it. Errors: no_context, not_found, forbidden, 22004.';
REVOKE ALL ON FUNCTION clinic_private.visible_entry FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.visible_entry TO clinic_owner;

CREATE FUNCTION clinic.update_waitlist_entry(entry_id uuid, changes jsonb, idempotency_key text DEFAULT NULL)
    RETURNS TABLE (version integer, "position" integer, replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.visible_entry(update_waitlist_entry.entry_id);
    allowed text[] := ARRAY['provider_id', 'location_id', 'from_on', 'until_on', 'weekdays', 'times_of_day', 'urgency', 'party_size',
                            'releases_appointment_id', 'note'];
    stored jsonb;
    checked jsonb;
    entry jsonb;
    wanted jsonb;
    new_version integer;
BEGIN
    stored := clinic_private.begin_once('update_waitlist_entry', update_waitlist_entry.idempotency_key,
        jsonb_build_array(update_waitlist_entry.entry_id, update_waitlist_entry.changes));
    IF stored IS NOT NULL THEN
        RETURN QUERY SELECT (stored ->> 'version')::integer, (stored ->> 'position')::integer, true;
        RETURN;
    END IF;
    checked := clinic_private.checked_changes(update_waitlist_entry.changes, allowed);
    SELECT to_jsonb(w) INTO entry
    FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = update_waitlist_entry.entry_id
    FOR NO KEY UPDATE;
    IF entry ->> 'status' <> 'waiting' OR (entry ->> 'lapses_at')::timestamptz <= clinic.now() THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the waitlist entry waits no more',
            jsonb_build_object('entry_id', update_waitlist_entry.entry_id, 'status', entry ->> 'status'), 'Join the waitlist again.');
    END IF;
    -- A value that does not fit its column is refused in words before it is looked at.
    PERFORM clinic_private.raise_unfit('waitlist_entries', checked - 'version');
    IF jsonb_typeof(checked -> 'times_of_day') = 'array' THEN
        checked := checked || jsonb_build_object('times_of_day', clinic_private.checked_times_of_day(
            ARRAY(SELECT t.span FROM jsonb_array_elements_text(checked -> 'times_of_day') WITH ORDINALITY AS t (span, place) ORDER BY t.place)));
    END IF;
    IF entry ->> 'session_id' IS NOT NULL
       AND checked ?| '{provider_id,location_id,from_on,until_on,weekdays,times_of_day}' THEN
        PERFORM clinic_private.refuse_argument('changes', 'a session has its provider, its place and its time',
            hint => 'Leave the waitlist, and join it for something else.');
    END IF;
    wanted := entry || checked;
    IF wanted ->> 'location_id' IS DISTINCT FROM entry ->> 'location_id' OR wanted ->> 'provider_id' IS DISTINCT FROM entry ->> 'provider_id' THEN
        PERFORM clinic_private.require_waitlist_right((wanted ->> 'patient_id')::uuid, (wanted ->> 'provider_id')::uuid,
                                                      (wanted ->> 'location_id')::uuid);
    END IF;
    IF wanted ->> 'urgency' IS DISTINCT FROM entry ->> 'urgency'
       AND clinic_private.is_staff_at((wanted ->> 'provider_id')::uuid, (wanted ->> 'location_id')::uuid) IS NOT TRUE THEN
        PERFORM clinic_private.raise_error('forbidden', 'how urgent it is, is for staff to say', '{}', 'Leave urgency out.');
    END IF;
    PERFORM clinic_private.require_arguments(jsonb_build_object('from_on', wanted ->> 'from_on', 'until_on', wanted ->> 'until_on',
        'urgency', wanted ->> 'urgency', 'party_size', wanted ->> 'party_size'));
    -- What was given up earlier, and is no longer to be had, stays named as long as nobody changes it.
    PERFORM clinic_private.check_waitlist_entry(CASE WHEN checked ? 'releases_appointment_id' THEN wanted
                                                     ELSE wanted - 'releases_appointment_id' END);
    checked := checked || jsonb_build_object('lapses_at',
        clinic_private.lapse_of((wanted ->> 'location_id')::uuid, (wanted ->> 'until_on')::date));
    new_version := clinic_private.update_row('waitlist_entries', 'entry_id', update_waitlist_entry.entry_id, checked, allowed || 'lapses_at'::text);
    PERFORM clinic_private.tell_waitlist('waitlist.updated', update_waitlist_entry.entry_id, new_version, NULL, (entry ->> 'patient_id')::uuid);

    stored := jsonb_build_object('version', new_version, 'position', clinic_private.waitlist_position(update_waitlist_entry.entry_id));
    PERFORM clinic_private.end_once('update_waitlist_entry', update_waitlist_entry.idempotency_key, stored);
    RETURN QUERY SELECT new_version, (stored ->> 'position')::integer, false;
END
$$;
ALTER FUNCTION clinic.update_waitlist_entry OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_waitlist_entry FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_waitlist_entry TO clinic_user;
COMMENT ON FUNCTION clinic.update_waitlist_entry IS
    'Changes an entry that waits, and returns its new version and place; since when it waits stays, and so do its offers. By the patient, or with
appointments:write and appointments:read there.
changes: an object of columns and new values: provider_id, location_id, from_on, until_on, weekdays, times_of_day, urgency (staff only), party_size,
releases_appointment_id, note; of one for a session urgency, party_size, releases_appointment_id and note; with "version", only that version is changed; idempotency_key: the same call again changes nothing.
Errors: no_context, forbidden, not_found, duplicate, bad_transition (it waits no more), stale_version, idempotency_conflict, 22004, 22023.';

CREATE FUNCTION clinic.leave_waitlist(entry_id uuid, idempotency_key text DEFAULT NULL)
    RETURNS TABLE (status text, closed_at timestamptz, replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.visible_entry(leave_waitlist.entry_id);
    stored jsonb;
    saved text;
    entry record;
    offer record;
BEGIN
    stored := clinic_private.begin_once('leave_waitlist', leave_waitlist.idempotency_key, jsonb_build_array(leave_waitlist.entry_id));
    IF stored IS NOT NULL THEN
        RETURN QUERY SELECT stored ->> 'status', (stored ->> 'closed_at')::timestamptz, true;
        RETURN;
    END IF;
    saved := clinic_private.become_system(clinic.current_user_id());
    -- The entry's row first: who makes offers passes over it from here on.
    SELECT w.* INTO entry
    FROM clinic_data.waitlist_entries AS w WHERE w.tenant_id = tenant AND w.entry_id = leave_waitlist.entry_id
    FOR NO KEY UPDATE;
    IF entry.status NOT IN ('waiting', 'left') THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the waitlist entry waits no more',
            jsonb_build_object('entry_id', leave_waitlist.entry_id, 'status', entry.status), 'There is nothing to leave.');
    END IF;
    IF entry.status = 'waiting' THEN
        SELECT o.offer_id, o.slot_id INTO offer
        FROM clinic_data.waitlist_offers AS o
        WHERE o.tenant_id = tenant AND o.entry_id = leave_waitlist.entry_id AND o.status = 'open';
        IF FOUND THEN
            PERFORM clinic_private.lock_slots(ARRAY[offer.slot_id]);
        END IF;
        UPDATE clinic_data.waitlist_entries AS w
        SET status = 'left', closed_at = clinic.now()
        WHERE w.tenant_id = tenant AND w.entry_id = leave_waitlist.entry_id
        RETURNING w.* INTO entry;
        PERFORM clinic_private.tell_waitlist('waitlist.left', entry.entry_id, entry.version, NULL, entry.patient_id);
        IF offer.offer_id IS NOT NULL AND clinic_private.end_offer(offer.offer_id, 'withdrawn') THEN
            PERFORM clinic_private.pass_on(offer.slot_id);
        END IF;
    END IF;
    PERFORM clinic_private.restore_context(saved);

    PERFORM clinic_private.end_once('leave_waitlist', leave_waitlist.idempotency_key,
        jsonb_build_object('status', entry.status, 'closed_at', entry.closed_at));
    RETURN QUERY SELECT entry.status::text, entry.closed_at::timestamptz, false;
END
$$;
ALTER FUNCTION clinic.leave_waitlist OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.leave_waitlist FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.leave_waitlist TO clinic_user;
COMMENT ON FUNCTION clinic.leave_waitlist IS
    'Takes an entry off the waitlist; an offer that it had goes to the next. Leaving twice changes nothing. By the patient, or with appointments:write
and appointments:read there.
idempotency_key: the same call again changes nothing.
Errors: no_context, forbidden, not_found, bad_transition (it was served), busy, idempotency_conflict, 22004.';
