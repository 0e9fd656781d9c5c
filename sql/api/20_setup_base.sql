-- What all set-up functions share: who may call them, which arguments must be there, one place that inserts rows, one that
-- changes them, and the words for every table constraint, so that no caller ever sees another row's content in an error.

CREATE FUNCTION clinic_private.refuse_permission(permission text)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_tenant();
    PERFORM clinic_private.raise_error('forbidden',
        format('permission "%s" is required', refuse_permission.permission),
        jsonb_build_object('permission', refuse_permission.permission),
        CASE WHEN clinic.has_permission(refuse_permission.permission)
             THEN 'The caller has it, but not here: it counts at the own branches, and for a super_admin once a purpose is declared (clinic.declare_purpose).'
             ELSE 'Roles grant permissions: an administrator grants the role.' END);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_permission(text) IS
    'Raises no_context without a context, else forbidden for the permission, which is missing or does not reach as far.';
REVOKE ALL ON FUNCTION clinic_private.refuse_permission FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_permission TO clinic_owner;

CREATE FUNCTION clinic_private.require_permission(permission text)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
BEGIN
    IF clinic.has_permission(require_permission.permission) IS NOT TRUE THEN
        RETURN clinic_private.refuse_permission(require_permission.permission);
    END IF;
    RETURN tenant;
END
$$;
COMMENT ON FUNCTION clinic_private.require_permission(text) IS
    'Returns the tenant of the context when it holds the permission.
Errors: no_context without a context, forbidden without the permission.';
REVOKE ALL ON FUNCTION clinic_private.require_permission FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_permission TO clinic_owner;

CREATE FUNCTION clinic_private.require_schedule_permission(resource_id uuid, location_id uuid)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF clinic_private.may_at('schedules:write', require_schedule_permission.resource_id, require_schedule_permission.location_id) IS NOT TRUE THEN
        RETURN clinic_private.refuse_permission('schedules:write');
    END IF;
    RETURN clinic_private.require_tenant();
END
$$;
COMMENT ON FUNCTION clinic_private.require_schedule_permission(uuid, uuid) IS
    'Returns the tenant of the context when it may change hours there: schedules:write at one of the caller''s branches, or with the
scope own the caller''s own as a provider. A null location concerns no branch. Errors: no_context, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_schedule_permission(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_schedule_permission(uuid, uuid) TO clinic_owner;

CREATE FUNCTION clinic_private.require_schedule_permission_of(table_name text, id uuid)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    resource uuid;
    place uuid;
BEGIN
    CASE require_schedule_permission_of.table_name
        WHEN 'availability_rules' THEN
            SELECT a.resource_id, a.location_id INTO resource, place
            FROM clinic_data.availability_rules AS a WHERE a.tenant_id = tenant AND a.rule_id = require_schedule_permission_of.id;
        WHEN 'date_overrides' THEN
            SELECT o.resource_id, o.location_id INTO resource, place
            FROM clinic_data.date_overrides AS o WHERE o.tenant_id = tenant AND o.override_id = require_schedule_permission_of.id;
        WHEN 'stays' THEN
            SELECT s.resource_id INTO resource
            FROM clinic_data.stays AS s WHERE s.tenant_id = tenant AND s.stay_id = require_schedule_permission_of.id;
        WHEN 'blocks' THEN
            SELECT b.resource_id, b.location_id INTO resource, place
            FROM clinic_data.blocks AS b WHERE b.tenant_id = tenant AND b.block_id = require_schedule_permission_of.id;
        WHEN 'holidays' THEN
            SELECT h.location_id INTO place
            FROM clinic_data.holidays AS h WHERE h.tenant_id = tenant AND h.holiday_id = require_schedule_permission_of.id;
    END CASE;
    RETURN clinic_private.require_schedule_permission(resource, place);
END
$$;
COMMENT ON FUNCTION clinic_private.require_schedule_permission_of(text, uuid) IS
    'The same for the row that is to be changed. table_name: availability_rules, date_overrides, stays, blocks or holidays.';
REVOKE ALL ON FUNCTION clinic_private.require_schedule_permission_of(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_schedule_permission_of(text, uuid) TO clinic_owner;

CREATE FUNCTION clinic_private.require_row(kind text, id uuid)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic.current_tenant_id();
    found boolean;
    retired boolean;
BEGIN
    found := CASE require_row.kind
        WHEN 'location' THEN EXISTS (
            SELECT FROM clinic_data.locations AS l WHERE l.tenant_id = tenant AND l.location_id = require_row.id)
        WHEN 'provider' THEN EXISTS (
            SELECT FROM clinic_data.providers AS p WHERE p.tenant_id = tenant AND p.provider_id = require_row.id)
        WHEN 'resource' THEN EXISTS (
            SELECT FROM clinic_data.resources AS r
            WHERE r.tenant_id = tenant AND r.resource_id = require_row.id AND r.kind <> 'patient')
        WHEN 'service' THEN EXISTS (
            SELECT FROM clinic_data.services AS s WHERE s.tenant_id = tenant AND s.service_id = require_row.id)
        WHEN 'patient' THEN EXISTS (
            SELECT FROM clinic_data.patients AS p WHERE p.tenant_id = tenant AND p.patient_id = require_row.id)
        WHEN 'rule' THEN EXISTS (
            SELECT FROM clinic_data.availability_rules AS a
            WHERE a.tenant_id = tenant AND a.rule_id = require_row.id AND a.retired_at IS NULL)
        WHEN 'override' THEN EXISTS (
            SELECT FROM clinic_data.date_overrides AS o
            WHERE o.tenant_id = tenant AND o.override_id = require_row.id AND o.retired_at IS NULL)
        WHEN 'holiday' THEN EXISTS (
            SELECT FROM clinic_data.holidays AS h
            WHERE h.tenant_id = tenant AND h.holiday_id = require_row.id AND h.retired_at IS NULL)
        WHEN 'stay' THEN EXISTS (
            SELECT FROM clinic_data.stays AS s
            WHERE s.tenant_id = tenant AND s.stay_id = require_row.id AND s.retired_at IS NULL)
        WHEN 'block' THEN EXISTS (
            SELECT FROM clinic_data.blocks AS b
            WHERE b.tenant_id = tenant AND b.block_id = require_row.id AND b.retired_at IS NULL)
    END;
    IF found IS TRUE THEN
        RETURN;
    END IF;

    -- What has been changed or taken back is still there, retired: say so, since the id itself is right.
    retired := CASE require_row.kind
        WHEN 'rule' THEN EXISTS (
            SELECT FROM clinic_data.availability_rules AS a WHERE a.tenant_id = tenant AND a.rule_id = require_row.id)
        WHEN 'override' THEN EXISTS (
            SELECT FROM clinic_data.date_overrides AS o WHERE o.tenant_id = tenant AND o.override_id = require_row.id)
        WHEN 'holiday' THEN EXISTS (
            SELECT FROM clinic_data.holidays AS h WHERE h.tenant_id = tenant AND h.holiday_id = require_row.id)
        WHEN 'stay' THEN EXISTS (
            SELECT FROM clinic_data.stays AS s WHERE s.tenant_id = tenant AND s.stay_id = require_row.id)
        WHEN 'block' THEN EXISTS (
            SELECT FROM clinic_data.blocks AS b WHERE b.tenant_id = tenant AND b.block_id = require_row.id)
    END;
    IF retired THEN
        PERFORM clinic_private.raise_error('not_found',
            format('%s "%s" no longer holds', require_row.kind, require_row.id),
            jsonb_build_object(require_row.kind || '_id', require_row.id),
            CASE require_row.kind
                WHEN 'rule' THEN 'It was changed, ended or removed; change_hours and end_hours return the id of the new version.'
                ELSE 'It was taken back already.'
            END);
    END IF;
    PERFORM clinic_private.raise_error('not_found',
        format('%s "%s" does not exist', require_row.kind, require_row.id),
        jsonb_build_object(require_row.kind || '_id', require_row.id), NULL);
END
$$;
COMMENT ON FUNCTION clinic_private.require_row(text, uuid) IS
    'Refuses an id that names no live row of the tenant.
kind: location, provider, resource (provider, room or device), service, patient, rule, override, holiday, stay or block.
Errors: not_found, with the id.';
REVOKE ALL ON FUNCTION clinic_private.require_row FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_row TO clinic_owner;

CREATE FUNCTION clinic_private.require_services(service_ids uuid[])
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    service_id uuid;
BEGIN
    IF cardinality(require_services.service_ids) = 0 THEN
        PERFORM clinic_private.refuse_argument('service_ids', 'service_ids is empty',
            hint => 'Leave service_ids out for all services.');
    END IF;
    FOREACH service_id IN ARRAY coalesce(require_services.service_ids, '{}') LOOP
        PERFORM clinic_private.require_row('service', service_id);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.require_services(uuid[]) IS
    'Refuses an empty list and ids of services that do not exist; null stands for all services.
Errors: 22023, not_found.';
REVOKE ALL ON FUNCTION clinic_private.require_services FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_services TO clinic_owner;

CREATE FUNCTION clinic_private.time_zone_of_location(location_id uuid)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (
        SELECT l.time_zone::text
        FROM clinic_data.locations AS l
        WHERE l.tenant_id = clinic.current_tenant_id() AND l.location_id = time_zone_of_location.location_id);
END
$$;
COMMENT ON FUNCTION clinic_private.time_zone_of_location(uuid) IS 'Returns the time zone of a location of the tenant.';
REVOKE ALL ON FUNCTION clinic_private.time_zone_of_location FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.time_zone_of_location TO clinic_owner;

CREATE FUNCTION clinic_private.today_in(time_zone text)
    RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (clinic.now() AT TIME ZONE today_in.time_zone)::date
$$;
COMMENT ON FUNCTION clinic_private.today_in(text) IS 'Returns the local date of the engine''s clock in a zone.';
REVOKE ALL ON FUNCTION clinic_private.today_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.today_in TO clinic_owner;

-- The words for a constraint of our tables: which argument broke which rule.
CREATE FUNCTION clinic_private.constraint_words(
    constraint_name text,
    OUT code text,
    OUT argument text,
    OUT message text,
    OUT hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT words.code, words.argument, words.message, words.hint
    FROM (VALUES
        ('tenants_pkey', 'duplicate', 'tenant_id', 'this tenant_id is taken', NULL),
        ('tenants_slug_check', 'invalid', 'slug',
         'slug must have 1 to 63 lower-case letters, digits and hyphens, no hyphen first or last', 'Write it like lakeside-clinic.'),
        ('tenants_name_check', 'invalid', 'name', 'name must have 1 to 200 characters', NULL),
        ('tenants_status_check', 'invalid', 'status', 'status must be active or suspended', NULL),
        ('tenants_patient_overlap_check', 'invalid', 'patient_overlap',
         'patient_overlap must be forbid, warn or allow', NULL),
        ('tenants_series_days_check', 'invalid', 'series_days', 'series_days must be between 1 and 3660', NULL),
        ('tenants_buffers_check', 'invalid', 'buffer_before_minutes, buffer_after_minutes',
         'a buffer must be between 0 and 1440 minutes', NULL),
        ('tenants_hold_check', 'invalid', 'hold_minutes, hold_cap_minutes',
         'hold_minutes must be between 1 and 1440, and hold_cap_minutes between hold_minutes and 1440', NULL),
        ('tenants_holds_per_patient_check', 'invalid', 'holds_per_patient', 'holds_per_patient must be between 0 and 100', NULL),
        ('tenants_idempotency_check', 'invalid', 'idempotency_hours', 'idempotency_hours must be between 1 and 8784 (a leap year)', NULL),
        ('tenants_waitlist_mode_check', 'invalid', 'waitlist_mode', 'waitlist_mode must be single, broadcast or off', NULL),
        ('tenants_offer_minutes_check', 'invalid', 'offer_minutes', 'offer_minutes must be between 1 and 10080 (a week)', NULL),
        ('tenants_broadcast_size_check', 'invalid', 'broadcast_size', 'broadcast_size must be between 1 and 100', NULL),
        ('tenants_offer_limits_check', 'invalid', 'offers_per_slot, offers_per_entry_day, offers_per_patient_day',
         'a limit of offers must be between 1 and 1000', NULL),
        ('services_waitlist_mode_check', 'invalid', 'waitlist_mode', 'waitlist_mode must be single, broadcast or off',
         'Leave it null for the tenant''s.'),
        ('waitlist_entries_no_duplicate_excl', 'duplicate', 'from_on, until_on',
         'the patient waits for this service on some of these dates already', 'Change that entry with clinic.update_waitlist_entry().'),
        ('waitlist_entries_dates_check', 'invalid', 'from_on, until_on',
         'until_on must not be before from_on, nor more than ten years after it', NULL),
        ('waitlist_entries_weekdays_check', 'invalid', 'weekdays', 'weekdays must be of 1 (Monday) to 7', 'Leave it null for any day.'),
        ('waitlist_entries_times_check', 'invalid', 'times_of_day', 'times_of_day must hold 1 to 20 spans', 'Leave it null for any time.'),
        ('waitlist_entries_urgency_check', 'invalid', 'urgency', 'urgency must be between 0 and 100', NULL),
        ('waitlist_entries_party_check', 'invalid', 'party_size', 'party_size must be between 1 and 1000', NULL),
        ('waitlist_entries_note_check', 'invalid', 'note', 'note must have 1 to 500 characters', NULL),
        ('services_approval_check', 'invalid', 'approval_minutes', 'approval_minutes must be between 1 and 527040 (a leap year)',
         'Leave it null: it waits until its start.'),
        ('group_sessions_pkey', 'duplicate', 'session_id', 'this session_id is taken', NULL),
        ('group_sessions_capacity_check', 'invalid', 'capacity', 'capacity must be between 0 and 1000', NULL),
        ('group_sessions_title_check', 'invalid', 'title', 'title must have 1 to 200 characters', NULL),
        ('group_sessions_buffers_check', 'invalid', 'buffer_before_minutes, buffer_after_minutes',
         'a buffer must be between 0 and 1440 minutes', NULL),
        ('group_sessions_times_check', 'invalid', 'starts_at', 'a session must end after its start', NULL),
        ('tenants_keep_check', 'invalid',
         'keep_deliveries_days, keep_messages_days, keep_sign_in_events_days, keep_holds_days, keep_claims_days',
         'what is kept is kept 1 to 3660 days', NULL),
        ('tenants_language_check', 'invalid', 'language', 'language must be a language tag of BCP 47', 'Write it like en-IN.'),
        ('tenants_quiet_check', 'invalid', 'quiet_from, quiet_until', 'quiet_from and quiet_until must be before 24:00', NULL),
        ('tenants_message_channels_check', 'invalid', 'message_channels', 'message_channels must be an object',
         'Write it like {"reminder": ["whatsapp", "sms"], "*": ["email"]}.'),
        ('tenants_message_delay_check', 'invalid', 'message_delay_minutes', 'message_delay_minutes must be between 0 and 1440', NULL),
        ('services_recall_days_check', 'invalid', 'recall_days', 'recall_days must be between 1 and 3660', 'Leave it null for never.'),
        ('tenants_late_keeps_place_check', 'invalid', 'late_keeps_place_minutes',
         'late_keeps_place_minutes must be between 0 and 1440', NULL),
        ('tenants_no_show_grace_check', 'invalid', 'no_show_grace_minutes', 'no_show_grace_minutes must be between 0 and 1440', NULL),
        ('tenants_no_show_policy_check', 'invalid', 'no_show_policy',
         'no_show_policy must be none, block_online, prepayment or fee', NULL),
        ('tenants_no_show_limit_check', 'invalid', 'no_show_limit', 'no_show_limit must be between 0 and 1000', NULL),
        ('tenants_no_show_window_check', 'invalid', 'no_show_window_months', 'no_show_window_months must be between 1 and 120', NULL),
        ('tenants_charge_amounts_check', 'invalid', 'prepayment_amount, no_show_fee_amount',
         'an amount must be between 0 and 1000000, with at most three decimals', NULL),
        ('tenants_charge_currency_check', 'invalid', 'charge_currency', 'charge_currency must be an ISO 4217 code of three letters',
         'Write it like USD or INR.'),
        ('tenants_no_show_charge_check', 'invalid', 'no_show_policy', 'the policy needs an amount and charge_currency',
         'Set prepayment_amount or no_show_fee_amount, and charge_currency, in the same call.'),
        ('services_ticket_prefix_check', 'invalid', 'ticket_prefix', 'ticket_prefix must have at most three capital letters', NULL),
        ('services_charge_amounts_check', 'invalid', 'prepayment_amount, no_show_fee_amount',
         'an amount must be between 0 and 1000000, with at most three decimals', NULL),
        ('tenant_slugs_pkey', 'duplicate', 'slug', 'this slug is taken', 'Choose another slug.'),
        ('logins_actor_check', 'invalid', 'actor', 'actor must be admin, staff, patient or public', NULL),
        ('logins_patient_check', 'invalid', 'patient_id', 'actor patient needs patient_id', NULL),
        ('locations_pkey', 'duplicate', 'location_id', 'this location_id is taken', NULL),
        ('locations_tenant_id_name_key', 'duplicate', 'name', 'a location of this name exists already',
         'Choose another name, or update that location.'),
        ('locations_name_check', 'invalid', 'name', 'name must have 1 to 200 characters', NULL),
        ('locations_country_check', 'invalid', 'country',
         'country must be an ISO 3166-1 code of two letters', 'Write it like US or IN.'),
        ('locations_status_check', 'invalid', 'status', 'status must be active or inactive', NULL),
        ('travel_times_minutes_check', 'invalid', 'minutes', 'minutes must be between 0 and 1440', NULL),
        ('travel_times_distinct_check', 'invalid', 'to_location_id',
         'a travel time needs two different locations', NULL),
        ('resources_pkey', 'duplicate', 'resource_id', 'this id is taken', NULL),
        ('resources_kind_check', 'invalid', 'kind', 'kind must be room or device', NULL),
        ('resources_name_check', 'invalid', 'name', 'name must have 1 to 200 characters', NULL),
        ('resources_class_check', 'invalid', 'resource_class',
         'a room or device needs a resource_class of 1 to 60 characters', 'Write it like treatment_room or laser.'),
        ('resources_location_check', 'invalid', 'location_id', 'a room or device needs a location', NULL),
        ('resources_quantity_check', 'invalid', 'quantity', 'quantity must be between 1 and 1000', NULL),
        ('resources_buffers_check', 'invalid', 'buffer_before_minutes, buffer_after_minutes',
         'a buffer must be between 0 and 1440 minutes', NULL),
        ('resources_color_check', 'invalid', 'color', 'color must be # and six hexadecimal digits',
         'Write it like #2f6fb0.'),
        ('resources_status_check', 'invalid', 'status', 'status must be active or inactive', NULL),
        ('providers_pkey', 'duplicate', 'provider_id', 'this provider_id is taken', NULL),
        ('providers_limits_check', 'invalid', 'max_per_day, max_per_week', 'a limit cannot be negative',
         'Leave it null for no limit.'),
        ('patients_pkey', 'duplicate', 'patient_id', 'this patient_id is taken', NULL),
        ('patients_tenant_id_mrn_key', 'duplicate', 'mrn', 'this medical record number is taken',
         'Look the patient up before adding a second record.'),
        ('patients_name_check', 'invalid', 'name', 'name must have 1 to 200 characters', NULL),
        ('patients_sex_check', 'invalid', 'sex', 'sex must be female, male, other or unknown', NULL),
        ('patients_status_check', 'invalid', 'status', 'status must be active, inactive or deceased', NULL),
        ('patients_merged_check', 'invalid', 'status', 'a merged record stays as it is', NULL),
        ('patients_deleted_check', 'invalid', 'status', 'a record that is put away cannot be active', 'Take it back with clinic.restore_patient().'),
        ('patients_preferred_name_check', 'invalid', 'preferred_name', 'preferred_name must have 1 to 100 characters', NULL),
        ('patients_photo_reference_check', 'invalid', 'photo_reference', 'photo_reference must have 1 to 500 characters', NULL),
        ('patients_mrn_check', 'invalid', 'mrn', 'mrn must have 1 to 60 characters', NULL),
        ('tenants_mrn_format_check', 'invalid', 'mrn_format',
         'mrn_format must have letters, digits and . / _ -, perhaps {YYYY}, and then the place of the number', 'Write it like MRN-{YYYY}-{000000}.'),
        ('tenants_duplicate_weights_check', 'invalid', 'duplicate_weights', 'duplicate_weights must be an object', NULL),
        ('services_pkey', 'duplicate', 'service_id', 'this service_id is taken', NULL),
        ('services_tenant_id_name_key', 'duplicate', 'name', 'a service of this name exists already',
         'Choose another name, or update that service.'),
        ('services_name_check', 'invalid', 'name', 'name must have 1 to 200 characters', NULL),
        ('services_duration_check', 'invalid', 'duration_minutes',
         'duration_minutes must be between 1 and 10080 (a week)', NULL),
        ('services_duration_range_check', 'invalid', 'min_duration_minutes, max_duration_minutes',
         'min_duration_minutes must be between 1 and duration_minutes, max_duration_minutes between duration_minutes and 10080',
         NULL),
        ('services_step_check', 'invalid', 'step_minutes', 'step_minutes must be between 1 and 1440 (a day)', NULL),
        ('services_anchor_check', 'invalid', 'anchor', 'anchor must be window or midnight', NULL),
        ('services_buffers_check', 'invalid', 'buffer_before_minutes, buffer_after_minutes',
         'a buffer must be between 0 and 1440 minutes', NULL),
        ('services_lead_time_check', 'invalid', 'lead_time_minutes',
         'lead_time_minutes must be between 0 and 527040 (a leap year)', NULL),
        ('services_horizon_check', 'invalid', 'horizon_days', 'horizon_days must be between 0 and 3660',
         'Leave it null for no limit.'),
        ('services_cancel_window_check', 'invalid', 'cancel_window_minutes',
         'cancel_window_minutes must be between 0 and 527040 (a leap year)', NULL),
        ('services_capacity_check', 'invalid', 'capacity', 'capacity must be between 1 and 1000', NULL),
        ('services_limits_check', 'invalid', 'max_per_day, max_per_week', 'a limit cannot be negative',
         'Leave it null for no limit.'),
        ('services_color_check', 'invalid', 'color', 'color must be # and six hexadecimal digits',
         'Write it like #2f6fb0.'),
        ('services_status_check', 'invalid', 'status', 'status must be active or inactive', NULL),
        ('service_providers_duration_check', 'invalid', 'duration_minutes',
         'duration_minutes must be between 1 and 10080 (a week)', NULL),
        ('service_providers_buffers_check', 'invalid', 'buffer_before_minutes, buffer_after_minutes',
         'a buffer must be between 0 and 1440 minutes', NULL),
        ('service_resources_quantity_check', 'invalid', 'quantity', 'quantity must be between 1 and 20', NULL),
        ('service_participants_role_check', 'invalid', 'role', 'role must have 1 to 60 characters', NULL),
        ('service_participants_quantity_check', 'invalid', 'quantity', 'quantity must be between 1 and 20', NULL),
        ('providers_gender_check', 'invalid', 'gender', 'gender must be female, male, other or unknown', NULL),
        ('provider_languages_language_check', 'invalid', 'languages', 'a language must be a BCP 47 tag', 'Write it like en or hi-IN.'),
        ('provider_insurers_insurer_check', 'invalid', 'insurers', 'an insurer''s name must have 1 to 100 characters', NULL),
        ('assignment_rules_rules_check', 'invalid', 'rules',
         'rules must be established_provider, round_robin, fewest_bookings, shortest_wait, best_fit or expression', NULL),
        ('assignment_rules_expression_check', 'invalid', 'rules, expression',
         'the rule expression needs an expression of 1 to 10000 characters', 'Set it first with clinic.set_assignment_expression().'),
        ('availability_rules_pkey', 'duplicate', 'rule_id', 'this rule_id is taken', NULL),
        ('availability_rules_start_check', 'invalid', 'start_time', 'start_time must be before 24:00',
         'A window that begins at the end of a day begins at 00:00 of the next.'),
        ('availability_rules_valid_check', 'invalid', 'valid_until', 'valid_until is before valid_from', NULL),
        ('availability_rules_max_check', 'invalid', 'max_appointments', 'max_appointments cannot be negative',
         'Leave it null for no limit.'),
        ('date_overrides_pkey', 'duplicate', 'override_id', 'this override_id is taken', NULL),
        ('date_overrides_window_check', 'invalid', 'start_time', 'start_time must be before 24:00', NULL),
        ('date_overrides_max_check', 'invalid', 'max_appointments', 'max_appointments cannot be negative',
         'Leave it null for no limit.'),
        ('holidays_pkey', 'duplicate', 'holiday_id', 'this holiday_id is taken', NULL),
        ('stays_pkey', 'duplicate', 'stay_id', 'this stay_id is taken', NULL),
        ('stays_dates_check', 'invalid', 'until_on', 'until_on is before from_on', NULL),
        ('blocks_pkey', 'duplicate', 'block_id', 'this block_id is taken', NULL),
        ('blocks_owner_check', 'invalid', 'resource_id', 'a block needs a resource or a location', NULL),
        ('blocks_kind_check', 'invalid', 'kind', 'kind must be block, leave, break or external', NULL),
        ('blocks_form_check', 'invalid', 'starts_at, ends_at',
         'a block needs finite times, and a break starts before 24:00', NULL),
        ('blocks_order_check', 'invalid', 'ends_at', 'the end is not after the start', NULL),
        ('users_pkey', 'duplicate', 'user_id', 'this user_id is taken', 'The person is a user of this tenant already.'),
        ('users_tenant_id_patient_id_key', 'duplicate', 'patient_id', 'the patient has a user already', NULL),
        ('users_tenant_id_provider_id_key', 'duplicate', 'provider_id', 'the provider is a user already', NULL),
        ('users_kind_check', 'invalid', 'kind', 'kind must be staff, patient or service', NULL),
        ('users_name_check', 'invalid', 'name', 'name must have 1 to 200 characters', NULL),
        ('users_status_check', 'invalid', 'status', 'status must be active or inactive', NULL),
        ('users_patient_check', 'invalid', 'patient_id', 'kind patient needs patient_id, and no other kind has one', NULL),
        ('users_provider_check', 'invalid', 'provider_id', 'only staff can be a provider', NULL),
        ('roles_pkey', 'duplicate', 'role', 'a role of this name exists already', 'Choose another name, or update that role.'),
        ('roles_role_check', 'invalid', 'role',
         'role must begin with a lower-case letter and have up to 63 lower-case letters, digits and underscores', 'Write it like front_desk.'),
        ('staff_profiles_npi_check', 'invalid', 'npi', 'npi must be ten digits with a valid check digit', NULL),
        ('staff_profiles_texts_check', 'invalid',
         'registration_number, registration_council, licence_number, hpr_id, qualification, signature_ref',
         'registration_number, licence_number and hpr_id have at most 50 characters, registration_council 100, qualification 255, signature_ref 500',
         NULL),
        ('dependants_distinct_check', 'invalid', 'patient_id', 'nobody is their own dependant', NULL),
        ('dependants_relationship_check', 'invalid', 'relationship', 'relationship must have 1 to 60 characters', NULL),
        ('user_identifiers_pkey', 'duplicate', 'value', 'somebody signs in by this already', 'An e-mail address or phone number belongs to one user.'),
        ('subscriptions_name_check', 'invalid', 'name', 'name must have 1 to 200 characters', NULL),
        ('consent_purposes_pkey', 'duplicate', 'purpose', 'somebody else added this purpose', 'Call it again.'),
        ('consent_purposes_purpose_check', 'invalid', 'purpose', 'purpose must be a word in lower case of 1 to 40 characters', 'Write it like marketing.'),
        ('consent_purposes_description_check', 'invalid', 'description', 'description must have 1 to 200 characters', NULL),
        ('consent_purposes_days_check', 'invalid', 'valid_days, warn_days', 'valid_days must be between 1 and 3660, and warn_days between 0 and 365', NULL),
        ('consent_texts_tenant_id_purpose_key', 'duplicate', 'purpose, language', 'somebody else added this version', 'Read what is there, and add again if need be.'),
        ('consent_texts_body_check', 'invalid', 'body', 'body must have 1 to 100000 characters', NULL),
        ('consents_scope_check', 'invalid', 'scope', 'scope must have 1 to 200 characters', NULL),
        ('consents_evidence_check', 'invalid', 'evidence', 'evidence must have 1 to 200 characters', NULL),
        ('consents_expires_at_check', 'invalid', 'expires_at', 'expires_at must be after the consent was given', NULL),
        ('disclosures_recipient_check', 'invalid', 'recipient, recipient_address',
         'recipient must have 1 to 200 characters, and recipient_address up to 500', NULL),
        ('disclosures_purpose_check', 'invalid', 'purpose', 'purpose must have 1 to 200 characters', NULL),
        ('disclosures_legal_basis_check', 'invalid', 'legal_basis',
         'legal_basis must be consent, treatment, payment, operations, required_by_law, public_health, oversight, court_order or emergency', NULL)
    ) AS words (name, code, argument, message, hint)
    WHERE words.name = constraint_words.constraint_name
$$;
COMMENT ON FUNCTION clinic_private.constraint_words(text) IS
    'Says in words which argument broke which rule of our tables; null for a constraint that is not ours.';
REVOKE ALL ON FUNCTION clinic_private.constraint_words FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.constraint_words TO clinic_owner;

CREATE FUNCTION clinic_private.raise_violation(sqlstate text, table_name text, column_name text, constraint_name text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    words record;
BEGIN
    IF raise_violation.sqlstate = '23502' THEN
        PERFORM clinic_private.require_arguments(jsonb_build_object(raise_violation.column_name, NULL));
    END IF;
    SELECT w.* INTO words FROM clinic_private.constraint_words(raise_violation.constraint_name) AS w;
    IF words.code = 'duplicate' THEN
        PERFORM clinic_private.raise_error('duplicate', words.message,
            jsonb_build_object('argument', words.argument), words.hint);
    END IF;
    PERFORM clinic_private.refuse_argument(
        coalesce(words.argument, raise_violation.table_name),
        coalesce(words.message, format('the row breaks constraint "%s" of table "%s"',
                                       raise_violation.constraint_name, raise_violation.table_name)),
        CASE WHEN words.argument IS NULL THEN format('The table is clinic_data.%s.', raise_violation.table_name) END,
        words.hint);
END
$$;
COMMENT ON FUNCTION clinic_private.raise_violation(text, text, text, text) IS
    'Raises a broken table constraint again in words, without the row.
Errors: 22004, 22023, duplicate.';
REVOKE ALL ON FUNCTION clinic_private.raise_violation FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.raise_violation TO clinic_owner;

-- The one place that inserts set-up rows: it adds the tenant, leaves columns without a value to their defaults, and turns
-- a broken constraint into words. Table and columns come from our own functions, never from a caller.
CREATE FUNCTION clinic_private.insert_row(table_name text, row_values jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    full_row jsonb := jsonb_strip_nulls(insert_row.row_values || jsonb_build_object('tenant_id', clinic.current_tenant_id()));
    column_list text;
    v_state text;
    v_column text;
    v_constraint text;
BEGIN
    IF full_row ? 'name' THEN
        full_row := jsonb_set(full_row, '{name}', to_jsonb(btrim(full_row ->> 'name')));
    END IF;
    SELECT string_agg(quote_ident(k.name), ', ' ORDER BY k.name) INTO column_list
    FROM jsonb_object_keys(full_row) AS k (name);

    EXECUTE format('INSERT INTO clinic_data.%1$I (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::clinic_data.%1$I, $1)',
                   insert_row.table_name, column_list)
        USING full_row;
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_column = COLUMN_NAME, v_constraint = CONSTRAINT_NAME;
        PERFORM clinic_private.raise_violation(v_state, insert_row.table_name, v_column, v_constraint);
END
$$;
COMMENT ON FUNCTION clinic_private.insert_row(text, jsonb) IS
    'Inserts a row of the tenant into a table of clinic_data.
table_name: without schema; row_values: column names and values, null for the default.
Errors: those of clinic_private.raise_violation.';
REVOKE ALL ON FUNCTION clinic_private.insert_row FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.insert_row TO clinic_owner;

CREATE FUNCTION clinic_private.checked_changes(changes jsonb, allowed text[])
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    unknown text;
    checked jsonb := checked_changes.changes;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('changes', checked));
    IF jsonb_typeof(checked) <> 'object' OR checked = '{}' THEN
        PERFORM clinic_private.refuse_argument('changes', 'changes must be an object with at least one column',
            hint => format('Write it like {"%s": ...}.', checked_changes.allowed[1]));
    END IF;

    SELECT string_agg(k.name, ', ' ORDER BY k.name) INTO unknown
    FROM jsonb_object_keys(checked) AS k (name)
    WHERE k.name <> ALL (checked_changes.allowed || 'version'::text);
    IF unknown IS NOT NULL THEN
        PERFORM clinic_private.refuse_argument('changes', format('unknown column: %s', unknown),
            format('These can be changed: %s.', array_to_string(checked_changes.allowed, ', ')),
            'Add "version" to refuse the change when somebody else came first.');
    END IF;

    IF checked ->> 'time_zone' IS NOT NULL THEN
        checked := jsonb_set(checked, '{time_zone}', to_jsonb(clinic.canonical_time_zone(checked ->> 'time_zone')));
    END IF;
    IF checked ->> 'name' IS NOT NULL THEN
        checked := jsonb_set(checked, '{name}', to_jsonb(btrim(checked ->> 'name')));
    END IF;
    IF checked ->> 'color' IS NOT NULL THEN
        checked := jsonb_set(checked, '{color}', to_jsonb(lower(checked ->> 'color')));
    END IF;
    RETURN checked;
END
$$;
COMMENT ON FUNCTION clinic_private.checked_changes(jsonb, text[]) IS
    'Returns the changes of an update_ function, checked and normalised.
changes: an object of columns and new values, and optionally "version", the version it was made for;
allowed: the columns that may change. Errors: 22004, 22023 for unknown columns, invalid_time_zone.';
REVOKE ALL ON FUNCTION clinic_private.checked_changes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.checked_changes TO clinic_owner;

-- The one place that changes set-up rows, for every update_ function.
CREATE FUNCTION clinic_private.update_row(
    table_name text,
    key_column text,
    id uuid,
    changes jsonb,
    allowed text[])
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    relation regclass := format('clinic_data.%I', update_row.table_name)::regclass;
    versioned boolean := EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = 'version');
    mine jsonb;
    assignments text;
    new_version integer;
    v_state text;
    v_column text;
    v_constraint text;
BEGIN
    SELECT coalesce(jsonb_object_agg(c.key, c.value), '{}'),
           string_agg(format('%1$I = changed.%1$I', c.key), ', ' ORDER BY c.key)
    INTO mine, assignments
    FROM jsonb_each(update_row.changes) AS c
    WHERE c.key = ANY (update_row.allowed);

    IF versioned THEN
        -- Also where all changes lie in another table: the version counts for both.
        assignments := concat_ws(', ', assignments, 'version = target.version + 1');
    ELSIF assignments IS NULL THEN
        RETURN NULL;
    END IF;

    EXECUTE format('UPDATE %1$s AS target SET %2$s FROM jsonb_populate_record(NULL::%1$s, $1) AS changed '
                   'WHERE target.tenant_id = $2%3$s%4$s RETURNING %5$s',
                   relation, assignments,
                   CASE WHEN update_row.key_column <> 'tenant_id'
                        THEN format(' AND target.%I = $3', update_row.key_column) END,
                   CASE WHEN versioned AND update_row.changes ->> 'version' IS NOT NULL
                        THEN ' AND target.version::text = $4' END,
                   CASE WHEN versioned THEN 'target.version' ELSE 'NULL::integer' END)
        INTO new_version
        USING mine, clinic.current_tenant_id(), update_row.id, update_row.changes ->> 'version';
    IF versioned AND new_version IS NULL THEN
        PERFORM clinic_private.raise_error('stale_version', 'the row was changed by somebody else',
            jsonb_build_object(update_row.key_column, update_row.id), NULL);
    END IF;
    RETURN new_version;
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_column = COLUMN_NAME, v_constraint = CONSTRAINT_NAME;
        PERFORM clinic_private.raise_violation(v_state, update_row.table_name, v_column, v_constraint);
    WHEN data_exception THEN
        PERFORM clinic_private.raise_unfit(update_row.table_name, mine);
        RAISE;
END
$$;
COMMENT ON FUNCTION clinic_private.update_row(text, text, uuid, jsonb, text[]) IS
    'Writes those of the changes that are columns of one table, and returns the new version (null where the table has none).
table_name: without schema; key_column: the id''s column beside tenant_id; changes: from clinic_private.checked_changes;
allowed: the columns of this table that may change.
Errors: stale_version, and those of clinic_private.raise_violation and raise_unfit.';
REVOKE ALL ON FUNCTION clinic_private.update_row FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.update_row TO clinic_owner;

CREATE FUNCTION clinic_private.raise_unfit(table_name text, changes jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    key text;
    column_type text;
    unfit text;
BEGIN
    FOR key, column_type IN
        SELECT k.name, format_type(a.atttypid, NULL)
        FROM jsonb_object_keys(raise_unfit.changes) AS k (name)
        JOIN pg_attribute AS a
          ON a.attrelid = format('clinic_data.%I', raise_unfit.table_name)::regclass AND a.attname = k.name
        ORDER BY k.name
    LOOP
        BEGIN
            EXECUTE format('SELECT r.%1$I FROM jsonb_populate_record(NULL::clinic_data.%2$I, $1) AS r',
                           key, raise_unfit.table_name)
                INTO unfit USING jsonb_build_object(key, raise_unfit.changes -> key);
        EXCEPTION
            WHEN data_exception THEN
                PERFORM clinic_private.refuse_argument(key, format('the value of %s is not of type %s', key, column_type));
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.raise_unfit(text, jsonb) IS
    'Names the first change whose value does not fit its column, without showing the value.
Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.raise_unfit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.raise_unfit TO clinic_owner;

CREATE FUNCTION clinic_private.require_date(argument text, given date)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF require_date.given NOT BETWEEN '0001-01-01' AND '9999-12-31' THEN
        PERFORM clinic_private.refuse_argument(require_date.argument,
            format('%s must be a date of the years 1 to 9999', require_date.argument));
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_date(text, date) IS
    'Refuses infinite and far dates; null passes. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_date FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_date TO clinic_owner;

CREATE FUNCTION clinic_private.require_dates(from_on date, until_on date)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_date('from_on', require_dates.from_on);
    PERFORM clinic_private.require_date('until_on', require_dates.until_on);
    IF require_dates.until_on < require_dates.from_on THEN
        PERFORM clinic_private.refuse_argument('until_on', 'until_on is before from_on',
            hint => 'Both dates are inclusive: one day has the same date twice.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_dates(date, date) IS
    'Refuses dates out of order and those of clinic_private.require_date; nulls pass. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_dates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_dates TO clinic_owner;

CREATE FUNCTION clinic_private.lock_locations(tenant_id uuid, location_ids uuid[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.lock_resources(lock_locations.tenant_id, array_agg(present.resource_id))
    FROM (
        SELECT a.resource_id
        FROM clinic_data.availability_rules AS a
        WHERE a.tenant_id = lock_locations.tenant_id AND a.location_id = ANY (lock_locations.location_ids) AND a.retired_at IS NULL
        UNION
        SELECT o.resource_id
        FROM clinic_data.date_overrides AS o
        WHERE o.tenant_id = lock_locations.tenant_id AND o.location_id = ANY (lock_locations.location_ids) AND o.retired_at IS NULL
        UNION
        SELECT r.resource_id
        FROM clinic_data.resources AS r
        WHERE r.tenant_id = lock_locations.tenant_id AND r.location_id = ANY (lock_locations.location_ids)
    ) AS present
    HAVING count(*) > 0;
END
$$;
COMMENT ON FUNCTION clinic_private.lock_locations(uuid, uuid[]) IS
    'Takes the booking''s locks on every provider, room and device with hours at some locations.';
REVOKE ALL ON FUNCTION clinic_private.lock_locations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_locations TO clinic_owner;

CREATE FUNCTION clinic_private.lock_service(tenant_id uuid, service_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.lock_resources(lock_service.tenant_id, array_agg(busy.resource_id))
    FROM (
        SELECT sp.provider_id AS resource_id
        FROM clinic_data.service_providers AS sp
        WHERE sp.tenant_id = lock_service.tenant_id AND sp.service_id = lock_service.service_id
        UNION
        SELECT r.resource_id
        FROM clinic_data.service_resources AS sr
        JOIN clinic_data.resources AS r ON r.tenant_id = sr.tenant_id AND r.resource_class = sr.resource_class
        WHERE sr.tenant_id = lock_service.tenant_id AND sr.service_id = lock_service.service_id
        UNION
        SELECT c.resource_id
        FROM clinic_data.service_participant_candidates AS c
        WHERE c.tenant_id = lock_service.tenant_id AND c.service_id = lock_service.service_id
    ) AS busy
    HAVING count(*) > 0;
END
$$;
COMMENT ON FUNCTION clinic_private.lock_service(uuid, uuid) IS
    'Takes the booking''s locks on every provider who offers a service, on the rooms and devices it can use, and on who can take part.';
REVOKE ALL ON FUNCTION clinic_private.lock_service FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_service TO clinic_owner;

CREATE FUNCTION clinic_private.raise_claim_capacity(tenant_id uuid, service_id uuid, resource_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    UPDATE clinic_data.claims AS c
    SET capacity = CASE c.kind WHEN 'session' THEN 1 ELSE s.capacity END * r.quantity
    FROM clinic_data.services AS s, clinic_data.resources AS r
    WHERE c.tenant_id = raise_claim_capacity.tenant_id
      AND (c.service_id = raise_claim_capacity.service_id OR c.resource_id = raise_claim_capacity.resource_id)
      AND s.tenant_id = c.tenant_id AND s.service_id = c.service_id
      AND r.tenant_id = c.tenant_id AND r.resource_id = c.resource_id AND r.kind <> 'patient'
      AND c.capacity < CASE c.kind WHEN 'session' THEN 1 ELSE s.capacity END * r.quantity;
END
$$;
COMMENT ON FUNCTION clinic_private.raise_claim_capacity(uuid, uuid, uuid) IS
    'Lets what is booked tolerate as many beside it as its service''s capacity and its room''s quantity now allow; never fewer than before. The caller holds the booking''s locks.
service_id: of this service, or resource_id: on this room or device.';
REVOKE ALL ON FUNCTION clinic_private.raise_claim_capacity FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.raise_claim_capacity TO clinic_owner;
