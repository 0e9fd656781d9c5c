-- Providers, rooms and devices.

CREATE FUNCTION clinic.create_provider(
    name text,
    time_zone text,
    specialty text DEFAULT NULL,
    max_per_day integer DEFAULT NULL,
    max_per_week integer DEFAULT NULL,
    buffer_before_minutes integer DEFAULT 0,
    buffer_after_minutes integer DEFAULT 0,
    color text DEFAULT NULL,
    provider_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    new_id uuid := coalesce(create_provider.provider_id, clinic.new_id());
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'name', create_provider.name, 'time_zone', create_provider.time_zone,
        'buffer_before_minutes', create_provider.buffer_before_minutes,
        'buffer_after_minutes', create_provider.buffer_after_minutes));
    PERFORM clinic_private.insert_row('resources', jsonb_build_object(
        'resource_id', new_id,
        'kind', 'provider',
        'name', create_provider.name,
        'buffer_before_minutes', create_provider.buffer_before_minutes,
        'buffer_after_minutes', create_provider.buffer_after_minutes,
        'color', lower(create_provider.color)));
    PERFORM clinic_private.insert_row('providers', jsonb_build_object(
        'provider_id', new_id,
        'time_zone', clinic.canonical_time_zone(create_provider.time_zone),
        'specialty', create_provider.specialty,
        'max_per_day', create_provider.max_per_day,
        'max_per_week', create_provider.max_per_week));
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.create_provider OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_provider FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_provider TO clinic_user;
COMMENT ON FUNCTION clinic.create_provider IS
    'Makes a provider, and returns the id, which is also its resource id. Needs setup:write.
name: shown to people; time_zone: home zone, in which limits and leave count dates; specialty: in words;
max_per_day, max_per_week: most visits on a local day and in an ISO week, null for no limit;
buffer_before_minutes, buffer_after_minutes: least buffers around each visit, 0 to 1440; color: #rrggbb;
provider_id: for imports. Errors: no_context, forbidden, 22004, 22023, invalid_time_zone, duplicate.';

CREATE FUNCTION clinic.update_provider(provider_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    common text[] := ARRAY['name', 'buffer_before_minutes', 'buffer_after_minutes', 'color', 'status', 'published'];
    own text[] := ARRAY['time_zone', 'specialty', 'max_per_day', 'max_per_week'];
    checked jsonb;
    new_version integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('provider_id', update_provider.provider_id));
    PERFORM clinic_private.require_row('provider', update_provider.provider_id);
    checked := clinic_private.checked_changes(update_provider.changes, common || own);
    PERFORM clinic_private.lock_resources(tenant, ARRAY[update_provider.provider_id]);
    PERFORM clinic_private.update_row('providers', 'provider_id', update_provider.provider_id, checked, own);
    new_version := clinic_private.update_row('resources', 'resource_id', update_provider.provider_id, checked, common);
    IF checked ? 'status' THEN
        PERFORM clinic_private.schedule_changed(ARRAY[update_provider.provider_id], NULL, NULL);
    END IF;
    RETURN new_version;
END
$$;
ALTER FUNCTION clinic.update_provider OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_provider FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_provider TO clinic_user;
COMMENT ON FUNCTION clinic.update_provider IS
    'Changes a provider, and returns the new version. Needs setup:write.
changes: an object of columns and new values: name, time_zone, specialty, max_per_day, max_per_week, buffer_before_minutes,
buffer_after_minutes, color, status (active or inactive), published; with "version", only that version is changed. Bookings stay, and
keep the buffers they were made with.
Errors: no_context, forbidden, not_found, 22004, 22023, invalid_time_zone, stale_version.';

CREATE FUNCTION clinic.create_resource(
    name text,
    kind text,
    resource_class text,
    location_id uuid,
    quantity integer DEFAULT 1,
    buffer_before_minutes integer DEFAULT 0,
    buffer_after_minutes integer DEFAULT 0,
    color text DEFAULT NULL,
    resource_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    new_id uuid := coalesce(create_resource.resource_id, clinic.new_id());
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'name', create_resource.name, 'kind', create_resource.kind, 'resource_class', create_resource.resource_class,
        'location_id', create_resource.location_id, 'quantity', create_resource.quantity,
        'buffer_before_minutes', create_resource.buffer_before_minutes,
        'buffer_after_minutes', create_resource.buffer_after_minutes));
    IF create_resource.kind NOT IN ('room', 'device') THEN
        PERFORM clinic_private.refuse_argument('kind', 'kind must be room or device',
            hint => 'People are made with clinic.create_provider() and clinic.create_patient().');
    END IF;
    PERFORM clinic_private.require_row('location', create_resource.location_id);
    PERFORM clinic_private.insert_row('resources', jsonb_build_object(
        'resource_id', new_id,
        'kind', create_resource.kind,
        'name', create_resource.name,
        'resource_class', create_resource.resource_class,
        'location_id', create_resource.location_id,
        'quantity', create_resource.quantity,
        'buffer_before_minutes', create_resource.buffer_before_minutes,
        'buffer_after_minutes', create_resource.buffer_after_minutes,
        'color', lower(create_resource.color)));
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.create_resource OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_resource FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_resource TO clinic_user;
COMMENT ON FUNCTION clinic.create_resource IS
    'Makes a room or device, and returns its id. Needs setup:write.
kind: room or device; resource_class: what services ask for, such as treatment_room or laser; location_id: where it stands;
quantity: how many interchangeable units, 1 to 1000; buffer_before_minutes, buffer_after_minutes: least buffers around each
use, 0 to 1440; color: #rrggbb; resource_id: for imports. A room or device without hours is always open.
Errors: no_context, forbidden, not_found, 22004, 22023, duplicate.';

CREATE FUNCTION clinic.update_resource(resource_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    allowed text[] := ARRAY['name', 'resource_class', 'location_id', 'quantity', 'buffer_before_minutes',
                            'buffer_after_minutes', 'color', 'status'];
    checked jsonb;
    new_version integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('resource_id', update_resource.resource_id));
    PERFORM clinic_private.require_row('resource', update_resource.resource_id);
    IF EXISTS (SELECT FROM clinic_data.providers AS p
               WHERE p.tenant_id = tenant AND p.provider_id = update_resource.resource_id) THEN
        PERFORM clinic_private.refuse_argument('resource_id', 'this resource is a provider',
            hint => 'Use clinic.update_provider().');
    END IF;
    checked := clinic_private.checked_changes(update_resource.changes, allowed);
    PERFORM clinic_private.lock_resources(tenant, ARRAY[update_resource.resource_id]);
    new_version := clinic_private.update_row('resources', 'resource_id', update_resource.resource_id, checked, allowed);
    IF checked ? 'quantity' THEN
        PERFORM clinic_private.raise_claim_capacity(tenant, NULL, update_resource.resource_id);
    END IF;
    IF checked ?| ARRAY['status', 'quantity', 'resource_class', 'location_id'] THEN
        PERFORM clinic_private.schedule_changed(ARRAY[update_resource.resource_id], NULL, NULL);
    END IF;
    RETURN new_version;
END
$$;
ALTER FUNCTION clinic.update_resource OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_resource FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_resource TO clinic_user;
COMMENT ON FUNCTION clinic.update_resource IS
    'Changes a room or device, and returns its new version. Needs setup:write.
changes: an object of columns and new values: name, resource_class, location_id, quantity, buffer_before_minutes,
buffer_after_minutes, color, status (active or inactive); with "version", only that version is changed. Bookings stay.
Errors: no_context, forbidden, not_found, 22004, 22023, stale_version.';
