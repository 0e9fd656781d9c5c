-- Time that is not open whatever the hours say: blocks, leave, breaks; and the bookings that lie under them.

-- The one place that adds a block; the three functions below say which form it has.
CREATE FUNCTION clinic_private.insert_block(tenant_id uuid, block jsonb)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    new_id uuid := coalesce((insert_block.block ->> 'block_id')::uuid, clinic.new_id());
    resource uuid := (insert_block.block ->> 'resource_id')::uuid;
    location uuid := (insert_block.block ->> 'location_id')::uuid;
BEGIN
    IF resource IS NULL AND location IS NULL THEN
        PERFORM clinic_private.refuse_argument('resource_id', 'a block needs a resource or a location',
            hint => 'Pass resource_id, or location_id for everybody there.');
    END IF;
    IF resource IS NOT NULL THEN
        PERFORM clinic_private.require_row('resource', resource);
        PERFORM clinic_private.lock_resources(insert_block.tenant_id, ARRAY[resource]);
    END IF;
    IF location IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', location);
        IF resource IS NULL THEN
            PERFORM clinic_private.lock_locations(insert_block.tenant_id, ARRAY[location]);
        END IF;
    END IF;
    IF jsonb_typeof(insert_block.block -> 'service_ids') = 'array' THEN
        PERFORM clinic_private.require_services(ARRAY(
            SELECT s.id::uuid FROM jsonb_array_elements_text(insert_block.block -> 'service_ids') AS s (id)));
    END IF;
    IF length(insert_block.block ->> 'title') > 200 THEN
        PERFORM clinic_private.refuse_argument('title', 'title must have at most 200 characters');
    END IF;
    PERFORM clinic_private.insert_row('blocks', insert_block.block || jsonb_build_object('block_id', new_id));
    PERFORM clinic_private.block_changed(insert_block.tenant_id, new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION clinic_private.insert_block(uuid, jsonb) IS
    'Checks owner and services of a block, takes the booking''s locks, and inserts it.
block: columns of clinic_data.blocks. Errors: not_found, duplicate, 22023.';
REVOKE ALL ON FUNCTION clinic_private.insert_block FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.insert_block TO clinic_owner;

CREATE FUNCTION clinic.add_block(
    starts_at timestamptz,
    ends_at timestamptz,
    resource_id uuid DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    kind text DEFAULT 'block',
    service_ids uuid[] DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    title text DEFAULT NULL,
    block_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission(add_block.resource_id, add_block.location_id);
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'starts_at', add_block.starts_at, 'ends_at', add_block.ends_at, 'kind', add_block.kind));
    IF add_block.starts_at < '0001-01-01 00:00Z' OR add_block.ends_at > '9999-12-31 00:00Z' THEN
        PERFORM clinic_private.refuse_argument('starts_at, ends_at', 'a block must lie in the years 1 to 9999');
    END IF;
    IF add_block.patient_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('patient', add_block.patient_id);
    END IF;
    RETURN clinic_private.insert_block(tenant, jsonb_build_object(
        'block_id', add_block.block_id,
        'resource_id', add_block.resource_id,
        'location_id', add_block.location_id,
        'kind', add_block.kind,
        'starts_at', add_block.starts_at,
        'ends_at', add_block.ends_at,
        'service_ids', add_block.service_ids,
        'patient_id', add_block.patient_id,
        'title', add_block.title));
END
$$;
ALTER FUNCTION clinic.add_block OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.add_block FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.add_block TO clinic_user;
COMMENT ON FUNCTION clinic.add_block IS
    'Blocks the time between two instants, and returns the block''s id. Needs schedules:write.
starts_at, ends_at: half-open; resource_id: whose time, null for everybody at the location; location_id: only there, null for
everywhere; kind: block, external, leave or break; service_ids: only for these services, null for all; patient_id: keep the time
for this patient, blocked for all others; title: for staff, without personal data, at most 200 characters; block_id: for imports.
Bookings under it stay: clinic.affected_by_block lists them.
Errors: no_context, forbidden, not_found, duplicate, 22004, 22023.';

CREATE FUNCTION clinic.add_leave(
    resource_id uuid,
    from_on date,
    until_on date,
    service_ids uuid[] DEFAULT NULL,
    time_zone text DEFAULT NULL,
    title text DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    block_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission(add_leave.resource_id, add_leave.location_id);
    zone text := add_leave.time_zone;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'resource_id', add_leave.resource_id, 'from_on', add_leave.from_on, 'until_on', add_leave.until_on));
    PERFORM clinic_private.require_dates(add_leave.from_on, add_leave.until_on);
    PERFORM clinic_private.require_row('resource', add_leave.resource_id);
    IF zone IS NULL THEN
        zone := clinic_private.home_zone(add_leave.resource_id);
    END IF;
    RETURN clinic_private.insert_block(tenant, jsonb_build_object(
        'block_id', add_leave.block_id,
        'resource_id', add_leave.resource_id,
        'location_id', add_leave.location_id,
        'kind', 'leave',
        'from_on', add_leave.from_on,
        'until_on', add_leave.until_on,
        'time_zone', clinic.canonical_time_zone(zone),
        'service_ids', add_leave.service_ids,
        'title', add_leave.title));
END
$$;
ALTER FUNCTION clinic.add_leave OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.add_leave FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.add_leave TO clinic_user;
COMMENT ON FUNCTION clinic.add_leave IS
    'Takes whole local days out, and returns the block''s id. Needs schedules:write.
resource_id: a provider, room or device; from_on, until_on: first and last local date, inclusive; service_ids: only for these
services, null for all; time_zone: of the dates, by default the provider''s home zone or the room''s location''s; title: for staff,
without personal data; location_id: only there, null for everywhere; block_id: for imports. Overlapping leaves are independent.
Bookings under it stay: clinic.affected_by_block lists them.
Errors: no_context, forbidden, not_found, invalid_time_zone, duplicate, 22004, 22023.';

CREATE FUNCTION clinic_private.home_zone(resource_id uuid)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (
        SELECT coalesce(p.time_zone, l.time_zone)::text
        FROM clinic_data.resources AS r
        LEFT JOIN clinic_data.providers AS p ON p.tenant_id = r.tenant_id AND p.provider_id = r.resource_id
        LEFT JOIN clinic_data.locations AS l ON l.tenant_id = r.tenant_id AND l.location_id = r.location_id
        WHERE r.tenant_id = clinic.current_tenant_id() AND r.resource_id = home_zone.resource_id);
END
$$;
COMMENT ON FUNCTION clinic_private.home_zone(uuid) IS
    'Returns the zone in which a resource counts dates: a provider''s home zone, a room''s or device''s location''s.';
REVOKE ALL ON FUNCTION clinic_private.home_zone FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.home_zone TO clinic_owner;

CREATE FUNCTION clinic.add_break(
    resource_id uuid,
    rule text,
    start_time time,
    end_time time,
    from_on date DEFAULT NULL,
    until_on date DEFAULT NULL,
    time_zone text DEFAULT NULL,
    location_id uuid DEFAULT NULL,
    service_ids uuid[] DEFAULT NULL,
    title text DEFAULT NULL,
    block_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission(add_break.resource_id, add_break.location_id);
    zone text := add_break.time_zone;
    first_on date;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'rule', add_break.rule, 'start_time', add_break.start_time, 'end_time', add_break.end_time));
    IF add_break.resource_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('resource', add_break.resource_id);
    END IF;
    IF add_break.location_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', add_break.location_id);
    END IF;
    IF zone IS NULL THEN
        zone := coalesce(clinic_private.time_zone_of_location(add_break.location_id),
                         clinic_private.home_zone(add_break.resource_id));
    END IF;
    IF zone IS NOT NULL THEN
        zone := clinic.canonical_time_zone(zone);
        first_on := coalesce(add_break.from_on, clinic_private.today_in(zone));
        PERFORM clinic_private.require_dates(first_on, add_break.until_on);
        PERFORM clinic_private.require_hours(add_break.rule, first_on, first_on, add_break.until_on);
    END IF;
    RETURN clinic_private.insert_block(tenant, jsonb_build_object(
        'block_id', add_break.block_id,
        'resource_id', add_break.resource_id,
        'location_id', add_break.location_id,
        'kind', 'break',
        'rule', add_break.rule,
        'from_on', first_on,
        'until_on', add_break.until_on,
        'start_time', add_break.start_time,
        'end_time', add_break.end_time,
        'time_zone', zone,
        'service_ids', add_break.service_ids,
        'title', add_break.title));
END
$$;
ALTER FUNCTION clinic.add_break OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.add_break FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.add_break TO clinic_user;
COMMENT ON FUNCTION clinic.add_break IS
    'Adds a recurring break such as lunch, and returns the block''s id. Needs schedules:write.
resource_id: whose, null for everybody at the location; rule: on which dates, an RRULE value; start_time, end_time: by the wall
clock, an end not after the start lies on the next day; from_on: first date and the rule''s DTSTART, by default today there;
until_on: last date, inclusive, null for ever; time_zone: by default the location''s, else the provider''s home zone;
location_id: only there, null for everywhere; service_ids: only for these services, null for all; title: for staff, without
personal data; block_id: for imports.
Errors: no_context, forbidden, not_found, invalid_time_zone, duplicate, 22004, 22P02 and 22023 of the rule.';

CREATE FUNCTION clinic.remove_block(block_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_schedule_permission_of('blocks', remove_block.block_id);
    block record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('block_id', remove_block.block_id));
    PERFORM clinic_private.require_row('block', remove_block.block_id);
    SELECT b.resource_id, b.location_id INTO block
    FROM clinic_data.blocks AS b
    WHERE b.tenant_id = tenant AND b.block_id = remove_block.block_id;
    IF block.resource_id IS NOT NULL THEN
        PERFORM clinic_private.lock_resources(tenant, ARRAY[block.resource_id]);
    ELSE
        PERFORM clinic_private.lock_locations(tenant, ARRAY[block.location_id]);
    END IF;
    UPDATE clinic_data.blocks AS b
    SET retired_at = clinic.now(), retired_by = clinic.current_user_id()
    WHERE b.tenant_id = tenant AND b.block_id = remove_block.block_id AND b.retired_at IS NULL;
    PERFORM clinic_private.block_changed(tenant, remove_block.block_id);
END
$$;
ALTER FUNCTION clinic.remove_block OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_block FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_block TO clinic_user;
COMMENT ON FUNCTION clinic.remove_block IS
    'Takes back a block, leave or break; the row stays, retired. Needs schedules:write.
block_id: what clinic.add_block, add_leave or add_break returned. Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic.affected_by_block(block_id uuid)
    RETURNS TABLE (
        appointment_id uuid,
        confirmation_code text,
        status text,
        service_id uuid,
        provider_id uuid,
        location_id uuid,
        patient_id uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        local_starts_at timestamp,
        time_zone text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('appointments:read');
    block record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('block_id', affected_by_block.block_id));
    PERFORM clinic_private.require_row('block', affected_by_block.block_id);
    SELECT b.* INTO block
    FROM clinic_data.blocks AS b
    WHERE b.tenant_id = tenant AND b.block_id = affected_by_block.block_id;

    RETURN QUERY
    SELECT DISTINCT ON (a.starts_at, a.appointment_id)
           a.appointment_id, a.confirmation_code, a.status, a.service_id, a.provider_id, a.location_id, a.patient_id,
           a.starts_at, a.ends_at, a.local_starts_at, a.time_zone::text
    FROM clinic_data.appointments AS a
    JOIN clinic_data.appointment_resources AS ar
      ON ar.tenant_id = a.tenant_id AND ar.appointment_id = a.appointment_id
    WHERE a.tenant_id = tenant
      AND a.status IN ('held', 'pending', 'booked', 'confirmed', 'arrived', 'in_progress')
      -- No visit is longer than a week, and the start is what there is an index on.
      AND a.ends_at > clinic.now() AND a.starts_at > clinic.now() - interval '169:00'
      AND (block.resource_id IS NULL OR ar.resource_id = block.resource_id)
      AND (block.location_id IS NULL OR a.location_id = block.location_id)
      AND (block.service_ids IS NULL OR a.service_id = ANY (block.service_ids))
      AND (block.patient_id IS NULL OR a.patient_id <> block.patient_id)
      -- A day more on either side holds for every zone; the exact times come from the engine.
      AND (block.starts_at IS NULL OR (a.starts_at < block.ends_at AND a.ends_at > block.starts_at))
      AND (block.from_on IS NULL OR a.ends_at > block.from_on::timestamp AT TIME ZONE 'Etc/UTC' - interval '24:00')
      AND (block.until_on IS NULL OR a.starts_at < block.until_on::timestamp AT TIME ZONE 'Etc/UTC' + interval '72:00')
      AND EXISTS (
          SELECT FROM clinic.blocked_times(
              resource_ids => ARRAY[ar.resource_id],
              range_start => a.starts_at,
              range_end => a.ends_at,
              location_id => a.location_id) AS bt
          WHERE bt.block_id = affected_by_block.block_id)
    ORDER BY a.starts_at, a.appointment_id;
END
$$;
ALTER FUNCTION clinic.affected_by_block OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.affected_by_block FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.affected_by_block TO clinic_user;
COMMENT ON FUNCTION clinic.affected_by_block IS
    'Lists the coming appointments that lie under a block, leave or break; they stay booked. Needs appointments:read.
block_id: what clinic.add_block, add_leave or add_break returned. Ordered by start; local_starts_at is in time_zone.
Errors: no_context, forbidden, not_found, 22004.';
