-- Where patients are reached and how they want to be: contacts, preferences, quiet hours.

CREATE FUNCTION clinic_private.normal_destination(channel text, destination text, country text DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF normal_destination.channel = 'email' THEN
        RETURN clinic_private.normal_identifier('email', normal_destination.destination, 'destination');
    ELSIF normal_destination.channel = 'push' THEN
        IF (length(normal_destination.destination) BETWEEN 1 AND 4096 AND normal_destination.destination !~ '\s') IS NOT TRUE THEN
            PERFORM clinic_private.refuse_argument('destination', 'the token of the device is not well formed');
        END IF;
        RETURN normal_destination.destination;
    END IF;
    RETURN clinic_private.normal_identifier('phone', clinic_private.international_phone(normal_destination.destination, normal_destination.country), 'destination');
END
$$;
COMMENT ON FUNCTION clinic_private.normal_destination(text, text, text) IS
    'The form in which a destination is kept: phone numbers in E.164, addresses in lower case, tokens as they are. country: of phone numbers without a country code.
Errors: 22023; none shows the value.';

-- Both null: as the tenant has it. The visit's zone is that of its location.
-- In plpgsql, which keeps its plan: a function in SQL with settings of its own is planned anew by each call.
CREATE FUNCTION clinic_private.quiet_hours_of(tenant_id uuid, patient_id uuid, visit_zone text,
    OUT time_zone text, OUT quiet_from time, OUT quiet_until time)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    SELECT coalesce(p.time_zone::text, t.message_time_zone::text, quiet_hours_of.visit_zone, 'Etc/UTC'),
           coalesce(p.quiet_from, t.quiet_from), coalesce(p.quiet_until, t.quiet_until)
    INTO quiet_hours_of.time_zone, quiet_hours_of.quiet_from, quiet_hours_of.quiet_until
    FROM clinic_data.tenants AS t
    LEFT JOIN clinic_data.communication_preferences AS p ON p.tenant_id = t.tenant_id AND p.patient_id = quiet_hours_of.patient_id
    WHERE t.tenant_id = quiet_hours_of.tenant_id;
END
$$;
COMMENT ON FUNCTION clinic_private.quiet_hours_of(uuid, uuid, text) IS 'The zone and quiet hours of a patient, else of the tenant, else the zone of the visit.';

CREATE FUNCTION clinic_private.outside_quiet_hours(at timestamptz, before timestamptz, time_zone text, quiet_from time, quiet_until time)
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    local_at timestamp := outside_quiet_hours.at AT TIME ZONE outside_quiet_hours.time_zone;
    over_midnight boolean := outside_quiet_hours.quiet_from > outside_quiet_hours.quiet_until;
    from_on date := local_at::date;
    quiet_begin timestamptz;
    quiet_end timestamptz;
BEGIN
    IF over_midnight AND local_at::time < outside_quiet_hours.quiet_until THEN
        from_on := from_on - 1;
    ELSIF local_at::time < outside_quiet_hours.quiet_from
          OR NOT over_midnight AND local_at::time >= outside_quiet_hours.quiet_until THEN
        RETURN outside_quiet_hours.at;
    END IF;
    quiet_end := clinic.local_instant(from_on + over_midnight::integer + outside_quiet_hours.quiet_until, outside_quiet_hours.time_zone, gap => 'shift');
    -- An hour that comes twice: the first end of the quiet hours ends them.
    IF quiet_end <= outside_quiet_hours.at THEN
        RETURN outside_quiet_hours.at;
    END IF;
    IF coalesce(quiet_end < outside_quiet_hours.before, true) THEN
        RETURN quiet_end;
    END IF;
    quiet_begin := clinic.local_instant(from_on + outside_quiet_hours.quiet_from, outside_quiet_hours.time_zone, gap => 'shift');
    RETURN quiet_begin - interval '00:01:00';
END
$$;
COMMENT ON FUNCTION clinic_private.outside_quiet_hours(timestamptz, timestamptz, text, time, time) IS
    'When something due at a time goes out: at that time, or when the quiet hours around it end; or a minute before they begin, when it would come too late by their end.
before: what it must not come after, such as the start of the visit; null: there is nothing.';

-- Who is written to, and where. A patient without any contact of their own is reached by those who act for them.
CREATE FUNCTION clinic_private.reach_patient(tenant_id uuid, patient_id uuid, kind text, wanted_channel text,
    OUT channel text, OUT contact_id uuid, OUT destination text, OUT reason text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    sealed bytea;
    owner uuid;
    channels jsonb;
    order_of text[];
BEGIN
    SELECT coalesce(p.channels -> reach_patient.kind, p.channels -> '*', t.message_channels -> reach_patient.kind, t.message_channels -> '*',
                    to_jsonb(clinic_private.message_channels()))
    INTO channels
    FROM clinic_data.tenants AS t
    LEFT JOIN clinic_data.communication_preferences AS p ON p.tenant_id = t.tenant_id AND p.patient_id = reach_patient.patient_id
    WHERE t.tenant_id = reach_patient.tenant_id;
    IF jsonb_array_length(channels) = 0 THEN
        reach_patient.reason := 'unwanted';
        RETURN;
    END IF;
    IF clinic_private.purpose_of_message(reach_patient.kind) IS NOT NULL
       AND clinic_private.standing_consent(reach_patient.tenant_id, reach_patient.patient_id, clinic_private.purpose_of_message(reach_patient.kind)) IS NULL THEN
        reach_patient.reason := 'no_consent';
        RETURN;
    END IF;
    order_of := ARRAY(SELECT c.value FROM jsonb_array_elements_text(channels) WITH ORDINALITY AS c (value, place) ORDER BY c.place);
    SELECT c.channel, c.contact_id, c.destination, c.patient_id
    INTO reach_patient.channel, reach_patient.contact_id, sealed, owner
    FROM (SELECT reach_patient.patient_id AS patient_id, 0 AS distance
          UNION ALL
          SELECT d.guardian_patient_id, 1
          FROM clinic_data.dependants AS d
          WHERE d.tenant_id = reach_patient.tenant_id AND d.patient_id = reach_patient.patient_id
            AND coalesce(d.until_on >= clinic_private.today_in('Etc/UTC'), true)) AS people
    JOIN clinic_data.patient_contacts AS c ON c.tenant_id = reach_patient.tenant_id AND c.patient_id = people.patient_id
    -- Without its index the contact was shredded.
    WHERE c.opted_out_at IS NULL AND c.bounced_at IS NULL AND c.destination_index IS NOT NULL
      AND (c.channel = ANY (order_of) OR c.channel = reach_patient.wanted_channel)
    ORDER BY people.distance, c.channel IS DISTINCT FROM reach_patient.wanted_channel, array_position(order_of, c.channel),
             c.verified_at IS NULL, c.created_at DESC, c.contact_id DESC
    LIMIT 1;
    IF NOT FOUND THEN
        reach_patient.reason := 'no_contact';
        RETURN;
    END IF;
    reach_patient.destination := clinic_private.contact_text(reach_patient.tenant_id, owner, reach_patient.contact_id, sealed);
END
$$;
COMMENT ON FUNCTION clinic_private.reach_patient(uuid, uuid, text, text) IS
    'Where a patient is written to for a kind of message: by the wanted channel if there is a contact, else by the preferences of patient or tenant; verified contacts before others,
newer before older. A null channel with the reason: unwanted, no_consent or no_contact. Errors: key_unavailable.';

-- For messages to the provider: the phone or address by which the person signs in.
CREATE FUNCTION clinic_private.reach_provider(tenant_id uuid, appointment_id uuid,
    OUT channel text, OUT contact_id uuid, OUT destination text, OUT reason text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    SELECT CASE i.kind WHEN 'phone' THEN 'sms' ELSE 'email' END, i.value
    INTO reach_provider.channel, reach_provider.destination
    FROM clinic_data.appointments AS a
    JOIN clinic_data.users AS u ON u.tenant_id = a.tenant_id AND u.provider_id = a.provider_id
    JOIN clinic_data.user_identifiers AS i ON i.tenant_id = u.tenant_id AND i.user_id = u.user_id
    WHERE a.tenant_id = reach_provider.tenant_id AND a.appointment_id = reach_provider.appointment_id AND u.status = 'active'
    ORDER BY i.verified_at IS NULL, i.kind = 'phone' DESC, i.created_at, i.value
    LIMIT 1;
    IF NOT FOUND THEN
        reach_provider.reason := 'no_contact';
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.reach_provider(uuid, uuid) IS 'Where the provider of an appointment is written to. A null channel with the reason no_contact.';

CREATE FUNCTION clinic_private.require_own_or_written(patient_id uuid)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', require_own_or_written.patient_id));
    IF NOT clinic_private.is_own_patient(require_own_or_written.patient_id) THEN
        PERFORM clinic_private.require_permission('patients:write');
        PERFORM clinic_private.require_permission('patients:read');
    END IF;
    PERFORM clinic_private.require_row('patient', require_own_or_written.patient_id);
    RETURN tenant;
END
$$;
COMMENT ON FUNCTION clinic_private.require_own_or_written(uuid) IS
    'Returns the tenant when the caller is the patient, acts for them, or has patients:write and patients:read and sees them.
Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic_private.put_contact(patient_id uuid, channel text, destination text, verified boolean, opted_out boolean)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic.current_tenant_id();
    id constant uuid := clinic.new_id();
    normal text;
    contact uuid;
BEGIN
    PERFORM clinic_private.require_channel(put_contact.channel);
    normal := clinic_private.normal_destination(put_contact.channel, put_contact.destination,
                                                clinic_private.country_for_patient(tenant, put_contact.patient_id));
    INSERT INTO clinic_data.patient_contacts AS c
        (tenant_id, contact_id, patient_id, channel, destination, destination_index, verified_at, opted_out_at)
    VALUES (tenant, id, put_contact.patient_id, put_contact.channel,
            clinic_private.encrypt_field(tenant, put_contact.patient_id, 'clinic_data.patient_contacts', 'destination', id::text, normal),
            clinic_private.contact_index(tenant, normal),
            CASE WHEN put_contact.verified THEN clinic.now() END,
            CASE WHEN put_contact.opted_out THEN clinic.now() END)
    ON CONFLICT ON CONSTRAINT patient_contacts_tenant_id_patient_id_key DO UPDATE
        SET verified_at = CASE WHEN put_contact.verified THEN coalesce(c.verified_at, excluded.verified_at)
                               WHEN NOT put_contact.verified THEN NULL
                               ELSE c.verified_at END,
            opted_out_at = CASE WHEN put_contact.opted_out THEN coalesce(c.opted_out_at, excluded.opted_out_at)
                                WHEN NOT put_contact.opted_out THEN NULL
                                ELSE c.opted_out_at END,
            -- Whoever gives it again says that it works.
            bounced_at = NULL
    RETURNING c.contact_id INTO contact;
    RETURN contact;
END
$$;
COMMENT ON FUNCTION clinic_private.put_contact(uuid, text, text, boolean, boolean) IS
    'Adds a place where a patient is reached, or says anew what is known of it, and returns its id. Errors: 22023, key_unavailable, shredded.';

CREATE FUNCTION clinic.set_patient_contact(
    patient_id uuid,
    channel text,
    destination text,
    verified boolean DEFAULT NULL,
    opted_out boolean DEFAULT NULL,
    remove boolean DEFAULT false,
    welcome boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_own_or_written(set_patient_contact.patient_id);
    contact uuid;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'channel', set_patient_contact.channel, 'destination', set_patient_contact.destination, 'remove', set_patient_contact.remove,
        'welcome', set_patient_contact.welcome));
    PERFORM clinic_private.require_channel(set_patient_contact.channel);
    IF set_patient_contact.verified OR set_patient_contact.welcome THEN
        PERFORM clinic_private.require_permission('patients:write');
    END IF;
    PERFORM clinic_private.require_unmerged(set_patient_contact.patient_id);
    IF set_patient_contact.remove THEN
        DELETE FROM clinic_data.patient_contacts AS c
        WHERE c.tenant_id = tenant AND c.patient_id = set_patient_contact.patient_id AND c.channel = set_patient_contact.channel
          AND c.destination_index = clinic_private.contact_index(tenant, clinic_private.normal_destination(set_patient_contact.channel,
                  set_patient_contact.destination, clinic_private.country_for_patient(tenant, set_patient_contact.patient_id)))
        RETURNING c.contact_id INTO contact;
    ELSE
        contact := clinic_private.put_contact(set_patient_contact.patient_id, set_patient_contact.channel, set_patient_contact.destination,
                                              set_patient_contact.verified, set_patient_contact.opted_out);
    END IF;
    PERFORM clinic_private.choose_channels_again(set_patient_contact.patient_id);
    IF set_patient_contact.welcome AND NOT set_patient_contact.remove THEN
        PERFORM clinic_private.queue_notification('welcome', set_patient_contact.patient_id, NULL, NULL);
    END IF;
    RETURN contact;
END
$$;
ALTER FUNCTION clinic.set_patient_contact OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_patient_contact FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_patient_contact TO clinic_user;
COMMENT ON FUNCTION clinic.set_patient_contact IS
    'Adds a place where a patient is reached, or changes it, and returns its id; null when there was none to remove. What is waiting to be sent takes the new way.
For the patient and those who act for them, else needs patients:write and patients:read.
channel: sms, email, push, voice or whatsapp; destination: a phone number (without country code it is one of the country of the first location, or of all locations), an
e-mail address or the token of a device, kept encrypted; verified: whether the
patient proved it (needs patients:write); opted_out: whether they want nothing there; null leaves it; remove: takes it away; welcome: sends the welcome message (needs
patients:write). Errors: no_context, forbidden, not_found, inactive (a merged record), 22004, 22023, key_unavailable, shredded; none shows a number or address.';

CREATE FUNCTION clinic.set_communication_preferences(
    patient_id uuid,
    language text DEFAULT NULL,
    time_zone text DEFAULT NULL,
    quiet_from time DEFAULT NULL,
    quiet_until time DEFAULT NULL,
    channels jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_own_or_written(set_communication_preferences.patient_id);
BEGIN
    PERFORM clinic_private.require_language('language', set_communication_preferences.language);
    PERFORM clinic_private.require_channels_by_kind('channels', set_communication_preferences.channels);
    IF (set_communication_preferences.quiet_from IS NULL) <> (set_communication_preferences.quiet_until IS NULL)
       OR greatest(set_communication_preferences.quiet_from, set_communication_preferences.quiet_until) = '24:00' THEN
        PERFORM clinic_private.refuse_argument('quiet_from, quiet_until', 'quiet_from and quiet_until must both be times before 24:00, or both be null',
            hint => 'The same time twice means that there are no quiet hours.');
    END IF;
    INSERT INTO clinic_data.communication_preferences AS p (tenant_id, patient_id, language, time_zone, quiet_from, quiet_until, channels)
    VALUES (tenant, set_communication_preferences.patient_id, set_communication_preferences.language,
            clinic.canonical_time_zone(set_communication_preferences.time_zone),
            set_communication_preferences.quiet_from, set_communication_preferences.quiet_until,
            coalesce(set_communication_preferences.channels, '{}'))
    ON CONFLICT ON CONSTRAINT communication_preferences_pkey DO UPDATE
        SET language = excluded.language, time_zone = excluded.time_zone, quiet_from = excluded.quiet_from,
            quiet_until = excluded.quiet_until, channels = excluded.channels;
    PERFORM clinic_private.choose_channels_again(set_communication_preferences.patient_id);
    PERFORM clinic_private.plan_patient_again(set_communication_preferences.patient_id);
END
$$;
ALTER FUNCTION clinic.set_communication_preferences OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_communication_preferences FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_communication_preferences TO clinic_user;
COMMENT ON FUNCTION clinic.set_communication_preferences IS
    'Says how a patient wants to be written to; a second call replaces the first; reminders that wait are planned afresh, other messages keep their time. For the patient and those who act for them,
else needs patients:write and patients:read. What is null is as the tenant has it.
language: a tag such as hi-IN; time_zone: where the patient lives, for the quiet hours; quiet_from, quiet_until: no reminder goes out in between, the same twice means
never quiet; channels: by kind of message, or * for the others, a list of channels in order of preference, such as {"reminder": ["whatsapp", "sms"], "recall": []}; an
empty list: no such messages. Errors: no_context, forbidden, not_found, invalid_time_zone, 22004, 22023.';

REVOKE ALL ON FUNCTION clinic_private.normal_destination, clinic_private.quiet_hours_of, clinic_private.reach_patient, clinic_private.reach_provider,
    clinic_private.require_own_or_written, clinic_private.put_contact FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.normal_destination, clinic_private.quiet_hours_of, clinic_private.reach_patient, clinic_private.reach_provider,
    clinic_private.require_own_or_written, clinic_private.put_contact TO clinic_owner;
