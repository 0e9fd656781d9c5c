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

-- Who is written to, and where. clinic_private.contact_of chooses; what a message needs the patient's consent for is asked here.
CREATE FUNCTION clinic_private.choose_contact(tenant_id uuid, patient_id uuid, kind text, wanted_channel text,
    OUT channel text, OUT contact_id uuid, OUT owner_patient_id uuid, OUT destination bytea, OUT reason text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    SELECT c.channel, c.contact_id, c.owner_patient_id, c.destination, c.reason
    INTO choose_contact.channel, choose_contact.contact_id, choose_contact.owner_patient_id, choose_contact.destination, choose_contact.reason
    FROM clinic_private.contact_of(choose_contact.tenant_id, choose_contact.patient_id, choose_contact.kind, choose_contact.wanted_channel) AS c;
    IF choose_contact.reason IS DISTINCT FROM 'unwanted' AND clinic_private.purpose_of_message(choose_contact.kind) IS NOT NULL
       AND clinic_private.standing_consent(choose_contact.tenant_id, choose_contact.patient_id,
                                           clinic_private.purpose_of_message(choose_contact.kind)) IS NULL THEN
        choose_contact.channel := NULL;
        choose_contact.contact_id := NULL;
        choose_contact.owner_patient_id := NULL;
        choose_contact.destination := NULL;
        choose_contact.reason := 'no_consent';
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.choose_contact(uuid, uuid, text, text) IS
    'By which contact a patient is reached for a kind of message, as clinic_private.contact_of, and whether they have consented to it. A null channel with the reason: unwanted,
no_consent or no_contact.';

CREATE FUNCTION clinic_private.reach_patient(tenant_id uuid, patient_id uuid, kind text, wanted_channel text,
    OUT channel text, OUT contact_id uuid, OUT destination text, OUT reason text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    chosen record;
BEGIN
    SELECT c.channel, c.contact_id, c.owner_patient_id, c.destination, c.reason INTO chosen
    FROM clinic_private.choose_contact(reach_patient.tenant_id, reach_patient.patient_id, reach_patient.kind, reach_patient.wanted_channel) AS c;
    reach_patient.channel := chosen.channel;
    reach_patient.contact_id := chosen.contact_id;
    reach_patient.reason := chosen.reason;
    IF chosen.channel IS NOT NULL THEN
        reach_patient.destination := clinic_private.readable_contact_text(reach_patient.tenant_id, chosen.owner_patient_id, chosen.contact_id,
            chosen.destination);
        IF reach_patient.destination IS NULL THEN
            reach_patient.channel := NULL;
            reach_patient.reason := 'unreadable';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.reach_patient(uuid, uuid, text, text) IS
    'Where a patient is written to for a kind of message: what clinic_private.choose_contact finds, with the destination in clear. A null channel with its reason,
or unreadable when the destination does not decrypt. Errors: key_unavailable.';

-- For messages to the provider: the phone or address by which the person signs in.
CREATE FUNCTION clinic_private.reach_provider(tenant_id uuid, appointment_id uuid,
    OUT channel text, OUT contact_id uuid, OUT destination text, OUT reason text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    SELECT CASE i.kind WHEN 'phone' THEN 'sms' ELSE 'email' END,
           clinic_private.opened_kept_secret(i.value, clinic_private.identifier_place(i.identifier_hash))
    INTO reach_provider.channel, reach_provider.destination
    FROM clinic_data.appointments AS a
    JOIN clinic_data.users AS u ON u.tenant_id = a.tenant_id AND u.provider_id = a.provider_id
    JOIN clinic_data.user_identifiers AS i ON i.tenant_id = u.tenant_id AND i.user_id = u.user_id
    WHERE a.tenant_id = reach_provider.tenant_id AND a.appointment_id = reach_provider.appointment_id AND u.status = 'active'
    ORDER BY i.verified_at IS NULL, i.kind = 'phone' DESC, i.created_at, i.identifier_hash
    LIMIT 1;
    IF NOT FOUND THEN
        reach_provider.reason := 'no_contact';
    ELSIF reach_provider.destination IS NULL THEN
        reach_provider.channel := NULL;
        reach_provider.reason := 'unreadable';
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.reach_provider(uuid, uuid) IS 'Where the provider of an appointment is written to. A null channel with the reason: no_contact, or
unreadable when what the provider signs in by does not open. Errors: key_unavailable.';

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
    PERFORM clinic_private.require_whole_record(set_patient_contact.patient_id);
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
    PERFORM clinic_private.require_whole_record(set_communication_preferences.patient_id);
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

REVOKE ALL ON FUNCTION clinic_private.normal_destination, clinic_private.choose_contact, clinic_private.reach_patient, clinic_private.reach_provider,
    clinic_private.require_own_or_written, clinic_private.put_contact FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.normal_destination, clinic_private.choose_contact, clinic_private.reach_patient, clinic_private.reach_provider,
    clinic_private.require_own_or_written, clinic_private.put_contact TO clinic_owner;
