-- Services: what can be booked, who offers it, and what it needs.

CREATE FUNCTION clinic.create_service(
    name text,
    duration_minutes integer,
    step_minutes integer DEFAULT NULL,
    min_duration_minutes integer DEFAULT NULL,
    max_duration_minutes integer DEFAULT NULL,
    anchor text DEFAULT 'window',
    buffer_before_minutes integer DEFAULT 0,
    buffer_after_minutes integer DEFAULT 0,
    buffers_inside_hours boolean DEFAULT false,
    lead_time_minutes integer DEFAULT 0,
    same_day boolean DEFAULT true,
    horizon_days integer DEFAULT NULL,
    cancel_window_minutes integer DEFAULT 0,
    capacity integer DEFAULT 1,
    max_per_day integer DEFAULT NULL,
    max_per_week integer DEFAULT NULL,
    color text DEFAULT NULL,
    service_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    new_id uuid := coalesce(create_service.service_id, clinic.new_id());
    given jsonb;
BEGIN
    given := jsonb_build_object(
        'name', create_service.name,
        'duration_minutes', create_service.duration_minutes,
        'anchor', create_service.anchor,
        'buffer_before_minutes', create_service.buffer_before_minutes,
        'buffer_after_minutes', create_service.buffer_after_minutes,
        'buffers_inside_hours', create_service.buffers_inside_hours,
        'lead_time_minutes', create_service.lead_time_minutes,
        'same_day', create_service.same_day,
        'cancel_window_minutes', create_service.cancel_window_minutes,
        'capacity', create_service.capacity);
    PERFORM clinic_private.require_arguments(given);
    PERFORM clinic_private.insert_row('services', given || jsonb_build_object(
        'service_id', new_id,
        -- The grid never has steps of more than a day; a negative duration is refused as such, not as a step.
        'step_minutes', coalesce(create_service.step_minutes, greatest(1, least(create_service.duration_minutes, 1440))),
        'min_duration_minutes', create_service.min_duration_minutes,
        'max_duration_minutes', create_service.max_duration_minutes,
        'horizon_days', create_service.horizon_days,
        'max_per_day', create_service.max_per_day,
        'max_per_week', create_service.max_per_week,
        'color', lower(create_service.color)));
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.create_service OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_service FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_service TO clinic_user;
COMMENT ON FUNCTION clinic.create_service IS
    'Makes a service, that is a type of appointment, and returns its id. Needs setup:write.
name: unique in the tenant; duration_minutes: length of a visit, 1 to 10080; step_minutes: distance of the starts on the grid, 1
to 1440, by default the duration; min_duration_minutes, max_duration_minutes: what may be asked for instead of the duration;
anchor: the grid begins at the window''s start (window) or at local midnight (midnight); buffer_before_minutes,
buffer_after_minutes: kept free around the visit, 0 to 1440; buffers_inside_hours: must the hours contain them;
lead_time_minutes: least elapsed time between booking and start; same_day: false refuses today''s date; horizon_days: today plus
so many local days, null for no limit; cancel_window_minutes: a cancellation nearer to the start is late; capacity: how many
bookings share one time; max_per_day, max_per_week: most visits of this service at one provider, null for no limit;
color: #rrggbb; service_id: for imports. Errors: no_context, forbidden, 22004, 22023, duplicate.';

CREATE FUNCTION clinic.update_service(service_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    allowed text[] := ARRAY['name', 'duration_minutes', 'min_duration_minutes', 'max_duration_minutes', 'step_minutes', 'anchor',
                            'buffer_before_minutes', 'buffer_after_minutes', 'buffers_inside_hours', 'lead_time_minutes',
                            'same_day', 'horizon_days', 'cancel_window_minutes', 'capacity', 'max_per_day', 'max_per_week',
                            'color', 'status', 'published',
        'requires_approval', 'approval_minutes', 'waitlist_mode',
        'recall_days',
        'ticket_prefix', 'prepayment_amount', 'no_show_fee_amount'];
    checked jsonb;
    new_version integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('service_id', update_service.service_id));
    PERFORM clinic_private.require_row('service', update_service.service_id);
    checked := clinic_private.checked_changes(update_service.changes, allowed);
    PERFORM clinic_private.lock_service(tenant, update_service.service_id);
    new_version := clinic_private.update_row('services', 'service_id', update_service.service_id, checked, allowed);
    IF checked ? 'capacity' THEN
        PERFORM clinic_private.raise_claim_capacity(tenant, update_service.service_id, NULL);
    END IF;
    IF checked ?| ARRAY['status', 'capacity'] THEN
        PERFORM clinic_private.schedule_changed(clinic_private.resources_of_service(tenant, update_service.service_id), NULL, NULL);
    END IF;
    RETURN new_version;
END
$$;
ALTER FUNCTION clinic.update_service OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_service FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_service TO clinic_user;
COMMENT ON FUNCTION clinic.update_service IS
    'Changes a service, and returns its new version. Needs setup:write.
changes: an object of columns and new values: any argument of clinic.create_service but service_id; status (active or inactive); published;
requires_approval (what patients book waits for approval) and approval_minutes (how long, null: until the start); waitlist_mode (single, broadcast or off, null: as
the tenant has it); recall_days (patients are asked back so many days after a completed visit); ticket_prefix (up to three capitals before the numbers of queue tickets);
prepayment_amount, no_show_fee_amount (null: the tenant''s); with "version", only that version is changed. Bookings stay as they were made; a larger capacity opens
seats beside them, a smaller one keeps everybody and offers no seat until fewer are taken.
Errors: no_context, forbidden, not_found, 22004, 22023, duplicate, stale_version.';

CREATE FUNCTION clinic.offer_service(
    service_id uuid,
    provider_id uuid,
    duration_minutes integer DEFAULT NULL,
    buffer_before_minutes integer DEFAULT NULL,
    buffer_after_minutes integer DEFAULT NULL)
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
        'service_id', offer_service.service_id, 'provider_id', offer_service.provider_id));
    PERFORM clinic_private.require_row('service', offer_service.service_id);
    PERFORM clinic_private.require_row('provider', offer_service.provider_id);
    PERFORM clinic_private.lock_resources(tenant, ARRAY[offer_service.provider_id]);
    INSERT INTO clinic_data.service_providers AS sp
        (tenant_id, service_id, provider_id, duration_minutes, buffer_before_minutes, buffer_after_minutes)
    VALUES
        (tenant, offer_service.service_id, offer_service.provider_id, offer_service.duration_minutes,
         offer_service.buffer_before_minutes, offer_service.buffer_after_minutes)
    ON CONFLICT ON CONSTRAINT service_providers_pkey DO UPDATE
        SET duration_minutes = excluded.duration_minutes,
            buffer_before_minutes = excluded.buffer_before_minutes,
            buffer_after_minutes = excluded.buffer_after_minutes;
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_column = COLUMN_NAME, v_constraint = CONSTRAINT_NAME;
        PERFORM clinic_private.raise_violation(v_state, 'service_providers', v_column, v_constraint);
END
$$;
ALTER FUNCTION clinic.offer_service OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.offer_service FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.offer_service TO clinic_user;
COMMENT ON FUNCTION clinic.offer_service IS
    'Says that a provider offers a service; a second call replaces the first. Needs setup:write.
duration_minutes: the visit''s length at this provider, null for the service''s; buffer_before_minutes, buffer_after_minutes:
explicit buffers on the provider, null for the longest of tenant, service and provider.
Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.withdraw_service(service_id uuid, provider_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'service_id', withdraw_service.service_id, 'provider_id', withdraw_service.provider_id));
    PERFORM clinic_private.require_row('service', withdraw_service.service_id);
    PERFORM clinic_private.require_row('provider', withdraw_service.provider_id);
    PERFORM clinic_private.lock_resources(tenant, ARRAY[withdraw_service.provider_id]);
    DELETE FROM clinic_data.service_providers AS sp
    WHERE sp.tenant_id = tenant AND sp.service_id = withdraw_service.service_id
      AND sp.provider_id = withdraw_service.provider_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'this provider does not offer this service',
            jsonb_build_object('service_id', withdraw_service.service_id, 'provider_id', withdraw_service.provider_id),
            'The view clinic.service_providers lists who offers what.');
    END IF;
END
$$;
ALTER FUNCTION clinic.withdraw_service OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.withdraw_service FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.withdraw_service TO clinic_user;
COMMENT ON FUNCTION clinic.withdraw_service IS
    'Ends a provider''s offer of a service. Bookings stay. Needs setup:write.
Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic.require_resource(service_id uuid, resource_class text, quantity integer DEFAULT 1)
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
        'service_id', require_resource.service_id, 'resource_class', require_resource.resource_class,
        'quantity', require_resource.quantity));
    PERFORM clinic_private.require_row('service', require_resource.service_id);
    IF NOT EXISTS (SELECT FROM clinic_data.resources AS r
                   WHERE r.tenant_id = tenant AND r.kind <> 'patient' AND r.resource_class = require_resource.resource_class) THEN
        PERFORM clinic_private.raise_error('not_found',
            format('no room or device is of class "%s"', require_resource.resource_class),
            jsonb_build_object('resource_class', require_resource.resource_class),
            'Make one first with clinic.create_resource().');
    END IF;
    PERFORM clinic_private.lock_service(tenant, require_resource.service_id);
    INSERT INTO clinic_data.service_resources AS sr (tenant_id, service_id, resource_class, quantity)
    VALUES (tenant, require_resource.service_id, require_resource.resource_class, require_resource.quantity)
    ON CONFLICT ON CONSTRAINT service_resources_pkey DO UPDATE SET quantity = excluded.quantity;
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_column = COLUMN_NAME, v_constraint = CONSTRAINT_NAME;
        PERFORM clinic_private.raise_violation(v_state, 'service_resources', v_column, v_constraint);
END
$$;
ALTER FUNCTION clinic.require_resource OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.require_resource FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.require_resource TO clinic_user;
COMMENT ON FUNCTION clinic.require_resource IS
    'Says that a service needs rooms or devices of a class; a second call replaces the first. Needs setup:write.
resource_class: as in clinic.create_resource; quantity: how many different ones, 1 to 20.
Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.release_requirement(service_id uuid, resource_class text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'service_id', release_requirement.service_id, 'resource_class', release_requirement.resource_class));
    PERFORM clinic_private.require_row('service', release_requirement.service_id);
    PERFORM clinic_private.lock_service(tenant, release_requirement.service_id);
    DELETE FROM clinic_data.service_resources AS sr
    WHERE sr.tenant_id = tenant AND sr.service_id = release_requirement.service_id
      AND sr.resource_class = release_requirement.resource_class;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found',
            format('this service does not need class "%s"', release_requirement.resource_class),
            jsonb_build_object('service_id', release_requirement.service_id,
                               'resource_class', release_requirement.resource_class),
            'The column needs of the view clinic.services says what each service requires.');
    END IF;
END
$$;
ALTER FUNCTION clinic.release_requirement OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.release_requirement FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.release_requirement TO clinic_user;
COMMENT ON FUNCTION clinic.release_requirement IS
    'Takes back what clinic.require_resource said. Bookings keep what they hold. Needs setup:write.
Errors: no_context, forbidden, not_found, 22004.';
