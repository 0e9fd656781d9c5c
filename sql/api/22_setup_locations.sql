-- Locations, the driving times between them, and their holidays.

CREATE FUNCTION clinic.create_location(
    name text,
    time_zone text,
    country text DEFAULT NULL,
    location_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    new_id uuid := coalesce(create_location.location_id, clinic.new_id());
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'name', create_location.name, 'time_zone', create_location.time_zone));
    PERFORM clinic_private.insert_row('locations', jsonb_build_object(
        'location_id', new_id,
        'name', create_location.name,
        'time_zone', clinic.canonical_time_zone(create_location.time_zone),
        'country', upper(create_location.country)));
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.create_location OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_location FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_location TO clinic_user;
COMMENT ON FUNCTION clinic.create_location IS
    'Makes a location, and returns its id. Needs setup:write.
name: unique in the tenant; time_zone: IANA name such as America/New_York; country: ISO 3166-1 code of two letters;
location_id: for imports. Errors: no_context, forbidden, 22004, 22023, invalid_time_zone, duplicate.';

CREATE FUNCTION clinic.update_location(location_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    allowed text[] := ARRAY['name', 'time_zone', 'country', 'status', 'published'];
    checked jsonb;
    new_version integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('location_id', update_location.location_id));
    PERFORM clinic_private.require_row('location', update_location.location_id);
    checked := clinic_private.checked_changes(update_location.changes, allowed);
    PERFORM clinic_private.lock_locations(tenant, ARRAY[update_location.location_id]);
    new_version := clinic_private.update_row('locations', 'location_id', update_location.location_id, checked, allowed);
    IF checked ? 'status' THEN
        PERFORM clinic_private.schedule_changed(clinic_private.resources_at(tenant, update_location.location_id), NULL, NULL);
    END IF;
    RETURN new_version;
END
$$;
ALTER FUNCTION clinic.update_location OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_location FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_location TO clinic_user;
COMMENT ON FUNCTION clinic.update_location IS
    'Changes a location, and returns its new version. Needs setup:write.
changes: an object of columns and new values: name, time_zone, country, status (active or inactive), published; with "version", only that
version is changed. Hours keep the zone they were made with. Bookings stay, whatever the change.
Errors: no_context, forbidden, not_found, 22004, 22023, invalid_time_zone, duplicate, stale_version.';

CREATE FUNCTION clinic.set_travel_time(
    from_location_id uuid,
    to_location_id uuid,
    minutes integer,
    both_ways boolean DEFAULT true)
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
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'from_location_id', set_travel_time.from_location_id, 'to_location_id', set_travel_time.to_location_id,
        'minutes', set_travel_time.minutes, 'both_ways', set_travel_time.both_ways));
    PERFORM clinic_private.require_row('location', set_travel_time.from_location_id);
    PERFORM clinic_private.require_row('location', set_travel_time.to_location_id);
    IF set_travel_time.from_location_id = set_travel_time.to_location_id THEN
        PERFORM clinic_private.refuse_argument('to_location_id', 'a travel time needs two different locations');
    END IF;

    PERFORM clinic_private.lock_locations(tenant, ARRAY[set_travel_time.from_location_id, set_travel_time.to_location_id]);
    INSERT INTO clinic_data.travel_times AS t (tenant_id, from_location_id, to_location_id, minutes)
    SELECT tenant, way.from_id, way.to_id, set_travel_time.minutes
    FROM (VALUES (set_travel_time.from_location_id, set_travel_time.to_location_id, true),
                 (set_travel_time.to_location_id, set_travel_time.from_location_id, set_travel_time.both_ways))
         AS way (from_id, to_id, wanted)
    WHERE way.wanted
    ON CONFLICT ON CONSTRAINT travel_times_pkey DO UPDATE SET minutes = excluded.minutes;
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_column = COLUMN_NAME, v_constraint = CONSTRAINT_NAME;
        PERFORM clinic_private.raise_violation(v_state, 'travel_times', v_column, v_constraint);
END
$$;
ALTER FUNCTION clinic.set_travel_time OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_travel_time FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_travel_time TO clinic_user;
COMMENT ON FUNCTION clinic.set_travel_time IS
    'Sets how long the way between two locations takes; providers get that time free between them. Needs setup:write.
minutes: 0 to 1440; both_ways: also for the way back. Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.add_holiday(
    location_id uuid,
    on_date date,
    name text,
    holiday_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission(NULL, add_holiday.location_id);
    new_id uuid := coalesce(add_holiday.holiday_id, clinic.new_id());
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'location_id', add_holiday.location_id, 'on_date', add_holiday.on_date, 'name', add_holiday.name));
    PERFORM clinic_private.require_date('on_date', add_holiday.on_date);
    PERFORM clinic_private.require_row('location', add_holiday.location_id);
    IF btrim(add_holiday.name) = '' THEN
        PERFORM clinic_private.refuse_argument('name', 'name must not be empty');
    END IF;
    PERFORM clinic_private.lock_locations(tenant, ARRAY[add_holiday.location_id]);
    IF EXISTS (SELECT FROM clinic_data.holidays AS h
               WHERE h.tenant_id = tenant AND h.location_id = add_holiday.location_id
                 AND h.on_date = add_holiday.on_date AND h.retired_at IS NULL) THEN
        PERFORM clinic_private.raise_error('duplicate',
            format('%s is a holiday of this location already', to_char(add_holiday.on_date, 'YYYY-MM-DD')),
            jsonb_build_object('location_id', add_holiday.location_id, 'on_date', add_holiday.on_date), NULL);
    END IF;
    PERFORM clinic_private.insert_row('holidays', jsonb_build_object(
        'holiday_id', new_id,
        'location_id', add_holiday.location_id,
        'on_date', add_holiday.on_date,
        'name', add_holiday.name));
    PERFORM clinic_private.schedule_changed(clinic_private.resources_at(tenant, add_holiday.location_id),
                                            add_holiday.on_date, add_holiday.on_date);
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.add_holiday OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.add_holiday FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.add_holiday TO clinic_user;
COMMENT ON FUNCTION clinic.add_holiday IS
    'Closes a location for one local date, and returns the holiday''s id. Needs schedules:write.
No window starts on the date, but those of clinic.open_date(works_on_holidays => true). Bookings stay.
holiday_id: for imports. Errors: no_context, forbidden, not_found, 22004, 22023, duplicate.';

CREATE FUNCTION clinic.remove_holiday(holiday_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission_of('holidays', remove_holiday.holiday_id);
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('holiday_id', remove_holiday.holiday_id));
    PERFORM clinic_private.require_row('holiday', remove_holiday.holiday_id);
    PERFORM clinic_private.lock_locations(tenant, ARRAY[h.location_id])
    FROM clinic_data.holidays AS h
    WHERE h.tenant_id = tenant AND h.holiday_id = remove_holiday.holiday_id;
    UPDATE clinic_data.holidays AS h
    SET retired_at = clinic.now(), retired_by = clinic.current_user_id()
    WHERE h.tenant_id = tenant AND h.holiday_id = remove_holiday.holiday_id;
    PERFORM clinic_private.schedule_changed(clinic_private.resources_at(tenant, h.location_id), h.on_date, h.on_date)
    FROM clinic_data.holidays AS h
    WHERE h.tenant_id = tenant AND h.holiday_id = remove_holiday.holiday_id;
END
$$;
ALTER FUNCTION clinic.remove_holiday OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_holiday FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_holiday TO clinic_user;
COMMENT ON FUNCTION clinic.remove_holiday IS
    'Takes a holiday back; the row stays, retired. Needs schedules:write.
holiday_id: from clinic.add_holiday. Errors: no_context, forbidden, not_found, 22004.';
