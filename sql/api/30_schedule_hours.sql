-- Hours: recurring windows, what differs on a date, and stays in another zone.

CREATE FUNCTION clinic_private.require_hours(
    rule text,
    dtstart_on date,
    valid_from date,
    valid_until date)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_date('valid_from', require_hours.valid_from);
    PERFORM clinic_private.require_date('valid_until', require_hours.valid_until);
    PERFORM clinic_private.require_date('dtstart_on', require_hours.dtstart_on);
    IF require_hours.valid_until < require_hours.valid_from THEN
        PERFORM clinic_private.refuse_argument('valid_until', 'valid_until is before valid_from');
    END IF;
    PERFORM clinic_private.check_hours_rule(require_hours.rule, require_hours.dtstart_on);
    IF NOT clinic_private.falls_within(require_hours.rule, require_hours.dtstart_on,
                                       require_hours.valid_from, require_hours.valid_until) THEN
        PERFORM clinic_private.refuse_argument('rule', 'the rule gives no date in the time for which it is valid',
            format('The rule begins on %s and is valid from %s to %s.', to_char(require_hours.dtstart_on, 'YYYY-MM-DD'),
                   to_char(require_hours.valid_from, 'YYYY-MM-DD'),
                   coalesce(to_char(require_hours.valid_until, 'YYYY-MM-DD'), 'any later date')),
            'Check COUNT and UNTIL of the rule, and the dates.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_hours(text, date, date, date) IS
    'Refuses a rule that is not one for hours, and one that gives no date between valid_from and valid_until (null: for ever).
Errors: 22P02 and 22023 of the rule.';
REVOKE ALL ON FUNCTION clinic_private.require_hours FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_hours TO clinic_owner;

CREATE FUNCTION clinic_private.falls_within(rule text, dtstart_on date, from_on date, until_on date)
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM clinic.occurrences(
            rule => falls_within.rule,
            dtstart => falls_within.dtstart_on::timestamp,
            tz => 'Etc/UTC',
            range_start => falls_within.from_on::timestamp AT TIME ZONE 'Etc/UTC',
            range_end => (falls_within.until_on + 1)::timestamp AT TIME ZONE 'Etc/UTC',
            max_count => 1))
$$;
COMMENT ON FUNCTION clinic_private.falls_within(text, date, date, date) IS
    'Says whether a rule gives a date between two dates, inclusive; until_on null: ever after from_on.';
REVOKE ALL ON FUNCTION clinic_private.falls_within FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.falls_within TO clinic_owner;

CREATE FUNCTION clinic.add_hours(
    resource_id uuid,
    location_id uuid,
    rule text,
    start_time time,
    end_time time,
    valid_from date DEFAULT NULL,
    valid_until date DEFAULT NULL,
    time_zone text DEFAULT NULL,
    service_ids uuid[] DEFAULT NULL,
    max_appointments integer DEFAULT NULL,
    dtstart_on date DEFAULT NULL,
    rule_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission(add_hours.resource_id, add_hours.location_id);
    new_id uuid := coalesce(add_hours.rule_id, clinic.new_id());
    zone text;
    first_on date;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'resource_id', add_hours.resource_id, 'location_id', add_hours.location_id, 'rule', add_hours.rule,
        'start_time', add_hours.start_time, 'end_time', add_hours.end_time));
    PERFORM clinic_private.require_row('resource', add_hours.resource_id);
    PERFORM clinic_private.require_row('location', add_hours.location_id);
    PERFORM clinic_private.require_services(add_hours.service_ids);
    zone := clinic.canonical_time_zone(
        coalesce(add_hours.time_zone, clinic_private.time_zone_of_location(add_hours.location_id)));
    first_on := coalesce(add_hours.valid_from, clinic_private.today_in(zone));
    PERFORM clinic_private.require_hours(add_hours.rule, coalesce(add_hours.dtstart_on, first_on),
                                         first_on, add_hours.valid_until);

    PERFORM clinic_private.lock_resources(tenant, ARRAY[add_hours.resource_id]);
    PERFORM clinic_private.insert_row('availability_rules', jsonb_build_object(
        'rule_id', new_id,
        'resource_id', add_hours.resource_id,
        'location_id', add_hours.location_id,
        'rule', add_hours.rule,
        'dtstart_on', coalesce(add_hours.dtstart_on, first_on),
        'start_time', add_hours.start_time,
        'end_time', add_hours.end_time,
        'time_zone', zone,
        'valid_from', first_on,
        'valid_until', add_hours.valid_until,
        'service_ids', add_hours.service_ids,
        'max_appointments', add_hours.max_appointments));
    PERFORM clinic_private.schedule_changed(ARRAY[add_hours.resource_id], first_on, add_hours.valid_until);
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.add_hours OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.add_hours FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.add_hours TO clinic_user;
COMMENT ON FUNCTION clinic.add_hours IS
    'Adds recurring hours of a provider, room or device at a location, and returns their id. Needs schedules:write.
rule: on which dates, an RRULE value such as FREQ=WEEKLY;INTERVAL=2;BYDAY=MO or FREQ=MONTHLY;BYDAY=1MO; start_time, end_time: the
window by the wall clock, an end not after the start lies on the next day, 24:00 is the end of the day; valid_from: first date,
by default today there; valid_until: last date, inclusive, null for ever; time_zone: of the wall clock, by default the
location''s; service_ids: only these services, null for all; max_appointments: most visits that start in one window, null for no
limit; dtstart_on: where the rule begins to count (its fortnight, its COUNT), by default valid_from; rule_id: for imports.
Errors: no_context, forbidden, not_found, invalid_time_zone, 22004, 22P02 and 22023 of the rule, also when it never gives a date.';

CREATE FUNCTION clinic_private.retire_hours(tenant_id uuid, rule_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    UPDATE clinic_data.availability_rules AS a
    SET retired_at = clinic.now(), retired_by = clinic.current_user_id()
    WHERE a.tenant_id = retire_hours.tenant_id AND a.rule_id = retire_hours.rule_id AND a.retired_at IS NULL;
    IF NOT FOUND THEN
        PERFORM clinic_private.require_row('rule', retire_hours.rule_id);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.retire_hours(uuid, uuid) IS
    'Retires hours; the row stays, as history. The caller holds the resource''s lock. Errors: not_found.';
REVOKE ALL ON FUNCTION clinic_private.retire_hours FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.retire_hours TO clinic_owner;

CREATE FUNCTION clinic_private.lock_hours(tenant_id uuid, rule_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_row('rule', lock_hours.rule_id);
    PERFORM clinic_private.lock_resources(lock_hours.tenant_id, ARRAY[a.resource_id])
    FROM clinic_data.availability_rules AS a
    WHERE a.tenant_id = lock_hours.tenant_id AND a.rule_id = lock_hours.rule_id;
    -- Somebody may have changed the hours while we waited.
    PERFORM clinic_private.require_row('rule', lock_hours.rule_id);
END
$$;
COMMENT ON FUNCTION clinic_private.lock_hours(uuid, uuid) IS
    'Takes the booking''s lock on the resource of live hours. Errors: not_found.';
REVOKE ALL ON FUNCTION clinic_private.lock_hours FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_hours TO clinic_owner;

CREATE FUNCTION clinic.change_hours(
    rule_id uuid,
    from_on date,
    rule text DEFAULT NULL,
    start_time time DEFAULT NULL,
    end_time time DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    time_zone text DEFAULT NULL,
    valid_until date DEFAULT NULL,
    service_ids uuid[] DEFAULT NULL,
    max_appointments integer DEFAULT NULL,
    dtstart_on date DEFAULT NULL,
    clear text[] DEFAULT '{}')
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission_of('availability_rules', change_hours.rule_id);
    old jsonb;
    new jsonb;
    new_id uuid := clinic.new_id();
    wrong text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'rule_id', change_hours.rule_id, 'from_on', change_hours.from_on, 'clear', change_hours.clear));
    PERFORM clinic_private.require_date('from_on', change_hours.from_on);
    SELECT c.name INTO wrong
    FROM unnest(change_hours.clear) AS c (name)
    WHERE (c.name = ANY (ARRAY['valid_until', 'service_ids', 'max_appointments'])) IS NOT TRUE;
    IF FOUND THEN
        PERFORM clinic_private.refuse_argument('clear', format('%s cannot be cleared', coalesce(wrong, 'null')),
            'These can: valid_until, service_ids, max_appointments.');
    END IF;
    IF change_hours.location_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', change_hours.location_id);
    END IF;
    PERFORM clinic_private.require_services(change_hours.service_ids);

    PERFORM clinic_private.lock_hours(tenant, change_hours.rule_id);
    SELECT to_jsonb(a) - '{tenant_id,created_at,created_by,retired_at,retired_by}'::text[] INTO old
    FROM clinic_data.availability_rules AS a
    WHERE a.tenant_id = tenant AND a.rule_id = change_hours.rule_id;
    IF change_hours.from_on < (old ->> 'valid_from')::date OR change_hours.from_on > (old ->> 'valid_until')::date THEN
        PERFORM clinic_private.refuse_argument('from_on', 'these hours are not valid on from_on',
            format('They are valid from %s to %s.', old ->> 'valid_from', coalesce(old ->> 'valid_until', 'any later date')));
    END IF;

    new := (old - change_hours.clear) || jsonb_strip_nulls(jsonb_build_object(
        'rule_id', new_id,
        'replaces_rule_id', change_hours.rule_id,
        'valid_from', change_hours.from_on,
        'rule', change_hours.rule,
        'start_time', change_hours.start_time,
        'end_time', change_hours.end_time,
        'location_id', change_hours.location_id,
        'time_zone', CASE WHEN change_hours.time_zone IS NOT NULL
                          THEN clinic.canonical_time_zone(change_hours.time_zone) END,
        'valid_until', change_hours.valid_until,
        'service_ids', change_hours.service_ids,
        'max_appointments', change_hours.max_appointments,
        'dtstart_on', change_hours.dtstart_on));
    PERFORM clinic_private.require_hours(new ->> 'rule', (new ->> 'dtstart_on')::date,
                                         change_hours.from_on, (new ->> 'valid_until')::date);

    PERFORM clinic_private.retire_hours(tenant, change_hours.rule_id);
    -- Where the rule gave no date before from_on there is nothing to keep.
    IF change_hours.from_on > (old ->> 'valid_from')::date
       AND clinic_private.falls_within(old ->> 'rule', (old ->> 'dtstart_on')::date,
                                       (old ->> 'valid_from')::date, change_hours.from_on - 1) THEN
        PERFORM clinic_private.insert_row('availability_rules', old || jsonb_build_object(
            'rule_id', clinic.new_id(),
            'replaces_rule_id', change_hours.rule_id,
            'valid_until', change_hours.from_on - 1));
    END IF;
    PERFORM clinic_private.insert_row('availability_rules', new);
    PERFORM clinic_private.schedule_changed(ARRAY[(old ->> 'resource_id')::uuid], change_hours.from_on, NULL);
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.change_hours OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.change_hours FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.change_hours TO clinic_user;
COMMENT ON FUNCTION clinic.change_hours IS
    'Changes recurring hours from a date on, and returns the id of the new version. Needs schedules:write.
The old version is retired and kept; until the day before from_on everything stays as it was. An argument left out keeps its value,
and the rule keeps its phase (dtstart_on), so that every other Monday stays the same Monday.
rule_id: from clinic.add_hours; from_on: first date of the new version, within the old one''s validity; the others: as in
clinic.add_hours; clear: which of valid_until, service_ids, max_appointments to take away. Bookings stay.
Errors: no_context, forbidden, not_found, invalid_time_zone, 22004, 22P02, 22023.';

CREATE FUNCTION clinic.end_hours(rule_id uuid, last_on date)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission_of('availability_rules', end_hours.rule_id);
    old jsonb;
    new_id uuid := clinic.new_id();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'rule_id', end_hours.rule_id, 'last_on', end_hours.last_on));
    PERFORM clinic_private.require_date('last_on', end_hours.last_on);
    PERFORM clinic_private.lock_hours(tenant, end_hours.rule_id);
    SELECT to_jsonb(a) - '{tenant_id,created_at,created_by,retired_at,retired_by}'::text[] INTO old
    FROM clinic_data.availability_rules AS a
    WHERE a.tenant_id = tenant AND a.rule_id = end_hours.rule_id;
    IF end_hours.last_on < (old ->> 'valid_from')::date THEN
        PERFORM clinic_private.refuse_argument('last_on', 'last_on is before these hours begin',
            format('They are valid from %s.', old ->> 'valid_from'), 'Use clinic.remove_hours() to take them away wholly.');
    END IF;
    PERFORM clinic_private.require_hours(old ->> 'rule', (old ->> 'dtstart_on')::date,
                                         (old ->> 'valid_from')::date, end_hours.last_on);
    PERFORM clinic_private.retire_hours(tenant, end_hours.rule_id);
    PERFORM clinic_private.insert_row('availability_rules', old || jsonb_build_object(
        'rule_id', new_id,
        'replaces_rule_id', end_hours.rule_id,
        'valid_until', end_hours.last_on));
    PERFORM clinic_private.schedule_changed(ARRAY[(old ->> 'resource_id')::uuid], end_hours.last_on, NULL);
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.end_hours OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.end_hours FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.end_hours TO clinic_user;
COMMENT ON FUNCTION clinic.end_hours IS
    'Lets recurring hours end after a date, and returns the id of the new version. Needs schedules:write.
rule_id: from clinic.add_hours; last_on: last date on which a window may start. The old version is retired and kept. Bookings stay.
Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.remove_hours(rule_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission_of('availability_rules', remove_hours.rule_id);
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('rule_id', remove_hours.rule_id));
    PERFORM clinic_private.lock_hours(tenant, remove_hours.rule_id);
    PERFORM clinic_private.retire_hours(tenant, remove_hours.rule_id);
    PERFORM clinic_private.schedule_changed(ARRAY[a.resource_id], a.valid_from, a.valid_until)
    FROM clinic_data.availability_rules AS a
    WHERE a.tenant_id = tenant AND a.rule_id = remove_hours.rule_id;
END
$$;
ALTER FUNCTION clinic.remove_hours OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_hours FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_hours TO clinic_user;
COMMENT ON FUNCTION clinic.remove_hours IS
    'Takes recurring hours away on all dates; the row stays, retired. Needs schedules:write.
rule_id: from clinic.add_hours. Bookings stay. To end hours on a date, use clinic.end_hours.
Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic.open_date(
    resource_id uuid,
    location_id uuid,
    on_date date,
    start_time time,
    end_time time,
    works_on_holidays boolean DEFAULT false,
    service_ids uuid[] DEFAULT NULL,
    max_appointments integer DEFAULT NULL,
    time_zone text DEFAULT NULL,
    override_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission(open_date.resource_id, open_date.location_id);
    new_id uuid := coalesce(open_date.override_id, clinic.new_id());
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'resource_id', open_date.resource_id, 'location_id', open_date.location_id, 'on_date', open_date.on_date,
        'start_time', open_date.start_time, 'end_time', open_date.end_time,
        'works_on_holidays', open_date.works_on_holidays));
    PERFORM clinic_private.require_date('on_date', open_date.on_date);
    PERFORM clinic_private.require_row('resource', open_date.resource_id);
    PERFORM clinic_private.require_row('location', open_date.location_id);
    PERFORM clinic_private.require_services(open_date.service_ids);
    PERFORM clinic_private.lock_resources(tenant, ARRAY[open_date.resource_id]);
    PERFORM clinic_private.refuse_other_override(tenant, open_date.resource_id, open_date.on_date, 'closed',
                                                 open_date.location_id);
    PERFORM clinic_private.insert_row('date_overrides', jsonb_build_object(
        'override_id', new_id,
        'resource_id', open_date.resource_id,
        'location_id', open_date.location_id,
        'on_date', open_date.on_date,
        'kind', 'open',
        'start_time', open_date.start_time,
        'end_time', open_date.end_time,
        'time_zone', clinic.canonical_time_zone(
            coalesce(open_date.time_zone, clinic_private.time_zone_of_location(open_date.location_id))),
        'works_on_holidays', open_date.works_on_holidays,
        'service_ids', open_date.service_ids,
        'max_appointments', open_date.max_appointments));
    PERFORM clinic_private.schedule_changed(ARRAY[open_date.resource_id], open_date.on_date, open_date.on_date);
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.open_date OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.open_date FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.open_date TO clinic_user;
COMMENT ON FUNCTION clinic.open_date IS
    'Sets the hours of one date instead of the rules'' windows that start on it, and returns the override''s id. Needs schedules:write.
Several calls for one date add up. on_date: the local date on which the window starts; start_time, end_time: as in
clinic.add_hours; works_on_holidays: does the window hold on a holiday of the location; service_ids, max_appointments, time_zone:
as in clinic.add_hours; override_id: for imports.
Errors: no_context, forbidden, not_found, invalid_time_zone, duplicate (the date is closed already), 22004, 22023.';

CREATE FUNCTION clinic_private.refuse_other_override(
    tenant_id uuid,
    resource_id uuid,
    on_date date,
    kind text,
    location_id uuid)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    other uuid;
BEGIN
    SELECT o.override_id INTO other
    FROM clinic_data.date_overrides AS o
    WHERE o.tenant_id = refuse_other_override.tenant_id
      AND o.resource_id = refuse_other_override.resource_id
      AND o.on_date = refuse_other_override.on_date
      AND o.kind = refuse_other_override.kind
      AND (o.location_id = refuse_other_override.location_id
           OR o.location_id IS NULL OR refuse_other_override.location_id IS NULL)
      AND o.retired_at IS NULL
    ORDER BY o.override_id LIMIT 1;
    IF FOUND THEN
        PERFORM clinic_private.raise_error('duplicate',
            CASE refuse_other_override.kind WHEN 'closed' THEN 'the date is closed already'
                                            ELSE 'the date has hours of its own already' END,
            jsonb_build_object('override_id', other, 'on_date', refuse_other_override.on_date),
            'Take it back first with clinic.remove_override().');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_other_override(uuid, uuid, date, text, uuid) IS
    'Refuses when a date has a live override of a kind that covers the location (null: any). Errors: duplicate, with its id.';
REVOKE ALL ON FUNCTION clinic_private.refuse_other_override FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_other_override TO clinic_owner;

CREATE FUNCTION clinic.close_date(
    resource_id uuid,
    on_date date,
    location_id uuid DEFAULT NULL,
    override_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission(close_date.resource_id, close_date.location_id);
    new_id uuid := coalesce(close_date.override_id, clinic.new_id());
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'resource_id', close_date.resource_id, 'on_date', close_date.on_date));
    PERFORM clinic_private.require_date('on_date', close_date.on_date);
    PERFORM clinic_private.require_row('resource', close_date.resource_id);
    IF close_date.location_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', close_date.location_id);
    END IF;
    PERFORM clinic_private.lock_resources(tenant, ARRAY[close_date.resource_id]);
    PERFORM clinic_private.refuse_other_override(tenant, close_date.resource_id, close_date.on_date, k.kind,
                                                 close_date.location_id)
    FROM unnest(ARRAY['closed', 'open']) AS k (kind);
    PERFORM clinic_private.insert_row('date_overrides', jsonb_build_object(
        'override_id', new_id,
        'resource_id', close_date.resource_id,
        'location_id', close_date.location_id,
        'on_date', close_date.on_date,
        'kind', 'closed'));
    PERFORM clinic_private.schedule_changed(ARRAY[close_date.resource_id], close_date.on_date, close_date.on_date);
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.close_date OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.close_date FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.close_date TO clinic_user;
COMMENT ON FUNCTION clinic.close_date IS
    'Takes away the windows that start on one date, and returns the override''s id. Needs schedules:write.
on_date: the local date; location_id: only there, null for everywhere; override_id: for imports. Bookings stay.
Errors: no_context, forbidden, not_found, duplicate (closed already, or with hours of its own), 22004, 22023.';

CREATE FUNCTION clinic.remove_override(override_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission_of('date_overrides', remove_override.override_id);
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('override_id', remove_override.override_id));
    PERFORM clinic_private.require_row('override', remove_override.override_id);
    PERFORM clinic_private.lock_resources(tenant, ARRAY[o.resource_id])
    FROM clinic_data.date_overrides AS o
    WHERE o.tenant_id = tenant AND o.override_id = remove_override.override_id;
    UPDATE clinic_data.date_overrides AS o
    SET retired_at = clinic.now(), retired_by = clinic.current_user_id()
    WHERE o.tenant_id = tenant AND o.override_id = remove_override.override_id AND o.retired_at IS NULL;
    PERFORM clinic_private.schedule_changed(ARRAY[o.resource_id], o.on_date, o.on_date)
    FROM clinic_data.date_overrides AS o
    WHERE o.tenant_id = tenant AND o.override_id = remove_override.override_id;
END
$$;
ALTER FUNCTION clinic.remove_override OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_override FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_override TO clinic_user;
COMMENT ON FUNCTION clinic.remove_override IS
    'Takes back clinic.open_date or clinic.close_date; the row stays, retired. Needs schedules:write.
override_id: what they returned. Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic.add_stay(
    resource_id uuid,
    from_on date,
    until_on date,
    time_zone text,
    stay_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission(add_stay.resource_id, NULL);
    new_id uuid := coalesce(add_stay.stay_id, clinic.new_id());
    other uuid;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'resource_id', add_stay.resource_id, 'from_on', add_stay.from_on, 'until_on', add_stay.until_on,
        'time_zone', add_stay.time_zone));
    PERFORM clinic_private.require_dates(add_stay.from_on, add_stay.until_on);
    PERFORM clinic_private.require_row('provider', add_stay.resource_id);
    PERFORM clinic_private.lock_resources(tenant, ARRAY[add_stay.resource_id]);
    SELECT s.stay_id INTO other
    FROM clinic_data.stays AS s
    WHERE s.tenant_id = tenant AND s.resource_id = add_stay.resource_id AND s.retired_at IS NULL
      AND s.from_on <= add_stay.until_on AND s.until_on >= add_stay.from_on
    ORDER BY s.from_on LIMIT 1;
    IF FOUND THEN
        PERFORM clinic_private.raise_error('duplicate', 'another stay covers some of these dates',
            jsonb_build_object('stay_id', other), 'Take it back first with clinic.remove_stay().');
    END IF;
    PERFORM clinic_private.insert_row('stays', jsonb_build_object(
        'stay_id', new_id,
        'resource_id', add_stay.resource_id,
        'from_on', add_stay.from_on,
        'until_on', add_stay.until_on,
        'time_zone', clinic.canonical_time_zone(add_stay.time_zone)));
    PERFORM clinic_private.schedule_changed(ARRAY[add_stay.resource_id], add_stay.from_on, add_stay.until_on);
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.add_stay OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.add_stay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.add_stay TO clinic_user;
COMMENT ON FUNCTION clinic.add_stay IS
    'Puts a provider into another zone for some dates, and returns the stay''s id. Needs schedules:write.
On those home dates the wall-clock hours are read in the zone of the stay; booked instants stay. resource_id: the provider;
from_on, until_on: first and last home date, inclusive; time_zone: IANA name; stay_id: for imports.
Errors: no_context, forbidden, not_found, invalid_time_zone, duplicate (stays overlap), 22004, 22023.';

CREATE FUNCTION clinic.remove_stay(stay_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission_of('stays', remove_stay.stay_id);
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('stay_id', remove_stay.stay_id));
    PERFORM clinic_private.require_row('stay', remove_stay.stay_id);
    PERFORM clinic_private.lock_resources(tenant, ARRAY[s.resource_id])
    FROM clinic_data.stays AS s
    WHERE s.tenant_id = tenant AND s.stay_id = remove_stay.stay_id;
    UPDATE clinic_data.stays AS s
    SET retired_at = clinic.now(), retired_by = clinic.current_user_id()
    WHERE s.tenant_id = tenant AND s.stay_id = remove_stay.stay_id AND s.retired_at IS NULL;
    PERFORM clinic_private.schedule_changed(ARRAY[s.resource_id], s.from_on, s.until_on)
    FROM clinic_data.stays AS s
    WHERE s.tenant_id = tenant AND s.stay_id = remove_stay.stay_id;
END
$$;
ALTER FUNCTION clinic.remove_stay OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_stay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_stay TO clinic_user;
COMMENT ON FUNCTION clinic.remove_stay IS
    'Takes back clinic.add_stay; the row stays, retired. Needs schedules:write.
stay_id: what it returned. Errors: no_context, forbidden, not_found, 22004.';
