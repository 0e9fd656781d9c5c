-- Sending: what is due becomes a message of the outbox, once, in words; programs claim it there, say how it went, and what came back.

CREATE FUNCTION clinic_private.moment_variables(prefix text, locale text, at timestamptz, time_zone text)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN at IS NULL THEN '{}' ELSE jsonb_build_object(
    prefix || 'date', clinic_private.date_text(locale, (at AT TIME ZONE time_zone)::date),
    prefix || 'weekday', clinic_private.weekday_text(locale, (at AT TIME ZONE time_zone)::date),
    prefix || 'time', clinic_private.time_text(locale, (at AT TIME ZONE time_zone)::time)) END;
COMMENT ON FUNCTION clinic_private.moment_variables(text, text, timestamptz, text) IS
    'The variables prefix_date, prefix_weekday and prefix_time of an instant, in the wall clock of a zone; none for null. prefix: with its underscore.';

-- Variables of the data that modules hand over, by the form of their names and values.
CREATE FUNCTION clinic_private.data_variables(data jsonb, locale text, time_zone text)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_object_agg(v.key, v.value), '{}')
    FROM jsonb_each(coalesce(data_variables.data, '{}')) AS d
    CROSS JOIN LATERAL jsonb_each_text(CASE
        WHEN d.key LIKE '%\_at' AND jsonb_typeof(d.value) = 'string' THEN
            clinic_private.moment_variables(left(d.key, -2), data_variables.locale, (d.value #>> '{}')::timestamptz, data_variables.time_zone)
        WHEN d.key LIKE '%\_on' AND jsonb_typeof(d.value) = 'string' THEN jsonb_build_object(
            left(d.key, -2) || 'date', clinic_private.date_text(data_variables.locale, (d.value #>> '{}')::date),
            left(d.key, -2) || 'weekday', clinic_private.weekday_text(data_variables.locale, (d.value #>> '{}')::date))
        WHEN jsonb_typeof(d.value) = 'object' THEN jsonb_build_object(d.key, coalesce(
            clinic_private.money_text(data_variables.locale, d.value ->> 'amount', d.value ->> 'currency'), ''))
        WHEN jsonb_typeof(d.value) IN ('string', 'number') THEN jsonb_build_object(d.key, d.value)
        ELSE '{}' END) AS v
$$;
COMMENT ON FUNCTION clinic_private.data_variables(jsonb, text, text) IS 'The variables that the data of a message gives, as clinic_private.queue_notification says.';

CREATE FUNCTION clinic_private.visit_variables(tenant_id uuid, prefix text, service_id uuid, provider_id uuid, location_id uuid)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN jsonb_build_object(
        visit_variables.prefix || 'service', (SELECT s.name FROM clinic_data.services AS s
            WHERE s.tenant_id = visit_variables.tenant_id AND s.service_id = visit_variables.service_id),
        visit_variables.prefix || 'provider', (SELECT r.name FROM clinic_data.resources AS r
            WHERE r.tenant_id = visit_variables.tenant_id AND r.resource_id = visit_variables.provider_id),
        visit_variables.prefix || 'location', (SELECT l.name FROM clinic_data.locations AS l
            WHERE l.tenant_id = visit_variables.tenant_id AND l.location_id = visit_variables.location_id));
END
$$;
COMMENT ON FUNCTION clinic_private.visit_variables(uuid, text, uuid, uuid, uuid) IS 'The names of service, provider and location, as variables.';

CREATE FUNCTION clinic_private.words_of(tenant_id uuid, notification_id uuid, channel text)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    note record;
    template record;
    zone text;
    variables jsonb;
    names text[];
    texts text[];
BEGIN
    SELECT n.kind, n.appointment_id, coalesce(n.data, '{}') AS data, p.name AS patient_name, t.name AS clinic, t.language AS tenant_language,
           CASE n.recipient WHEN 'patient' THEN pref.language END AS language, a.confirmation_code,
           coalesce(a.service_id, (n.data ->> 'service_id')::uuid) AS service_id,
           coalesce(a.provider_id, (n.data ->> 'provider_id')::uuid) AS provider_id,
           coalesce(a.location_id, (n.data ->> 'location_id')::uuid) AS location_id,
           coalesce(a.starts_at, (n.data ->> 'starts_at')::timestamptz) AS starts_at,
           coalesce(a.time_zone::text, n.data ->> 'time_zone', l.time_zone::text, t.message_time_zone::text, 'Etc/UTC') AS time_zone
    INTO note
    FROM clinic_data.notifications AS n
    JOIN clinic_data.tenants AS t ON t.tenant_id = n.tenant_id
    JOIN clinic_data.patients AS p ON p.tenant_id = n.tenant_id AND p.patient_id = n.patient_id
    LEFT JOIN clinic_data.communication_preferences AS pref ON pref.tenant_id = n.tenant_id AND pref.patient_id = n.patient_id
    LEFT JOIN clinic_data.appointments AS a ON a.tenant_id = n.tenant_id AND a.appointment_id = n.appointment_id
    LEFT JOIN clinic_data.locations AS l ON l.tenant_id = n.tenant_id AND l.location_id = (n.data ->> 'location_id')::uuid
    WHERE n.tenant_id = words_of.tenant_id AND n.notification_id = words_of.notification_id;

    SELECT * INTO template
    FROM clinic_private.find_template(words_of.tenant_id, note.kind, words_of.channel, ARRAY[note.language, note.tenant_language]);
    zone := note.time_zone;
    variables := clinic_private.data_variables(note.data, template.locale, zone)
        || jsonb_build_object('patient_name', note.patient_name, 'clinic', note.clinic, 'code', note.confirmation_code)
        || clinic_private.visit_variables(words_of.tenant_id, '', note.service_id, note.provider_id, note.location_id)
        || clinic_private.moment_variables('', template.locale, note.starts_at, zone);
    IF note.data ? 'old_starts_at' THEN
        variables := variables
            || clinic_private.visit_variables(words_of.tenant_id, 'old_', (note.data ->> 'old_service_id')::uuid,
                   (note.data ->> 'old_provider_id')::uuid, (note.data ->> 'old_location_id')::uuid)
            || clinic_private.moment_variables('old_', template.locale, (note.data ->> 'old_starts_at')::timestamptz, note.data ->> 'old_time_zone');
    END IF;
    IF note.data ? 'also' THEN
        variables := variables || jsonb_build_object('also', (
            SELECT string_agg(concat(E'\n', m.value ->> 'date', ', ', m.value ->> 'time'), '' ORDER BY a.starts_at, a.appointment_id)
            FROM clinic_data.appointments AS a
            CROSS JOIN LATERAL clinic_private.moment_variables('', template.locale, a.starts_at, a.time_zone::text) AS m (value)
            WHERE a.tenant_id = words_of.tenant_id
              AND a.appointment_id IN (SELECT e.id::uuid FROM jsonb_array_elements_text(note.data -> 'also') AS e (id))
              AND (a.status = 'cancelled') = (note.kind = 'cancellation')));
    END IF;

    SELECT array_agg(v.key), array_agg(v.value) INTO names, texts
    FROM jsonb_each_text(variables) AS v WHERE v.value IS NOT NULL;
    RETURN jsonb_build_object(
        'kind', note.kind,
        'language', template.language,
        'subject', regexp_replace(clinic_private.message_text(coalesce(template.subject, '{{clinic}}'), names, texts), '[[:cntrl:]]+', ' ', 'g'),
        'body', clinic_private.message_text(template.body, names, texts),
        'notification_id', words_of.notification_id,
        'appointment_id', note.appointment_id);
END
$$;
COMMENT ON FUNCTION clinic_private.words_of(uuid, uuid, text) IS
    'A notification in words, as the payload of its message: kind, language, subject, body, notification_id and appointment_id.';

-- The last look before something goes out: the trigger has taken back what is no longer true, so this finds what came about without a change, by time.
CREATE FUNCTION clinic_private.is_still_true(tenant_id uuid, kind text, appointment_id uuid)
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    visit record;
BEGIN
    IF is_still_true.appointment_id IS NULL THEN
        RETURN true;
    END IF;
    SELECT a.status INTO visit
    FROM clinic_data.appointments AS a
    WHERE a.tenant_id = is_still_true.tenant_id AND a.appointment_id = is_still_true.appointment_id;
    RETURN coalesce(CASE
        WHEN is_still_true.kind IN ('reminder', 'confirmation', 'change', 'possible_no_show') THEN visit.status IN ('booked', 'confirmed')
        WHEN is_still_true.kind = 'running_late' THEN visit.status IN ('booked', 'confirmed', 'arrived')
        WHEN is_still_true.kind = 'cancellation' THEN visit.status = 'cancelled'
        ELSE true END, false);
END
$$;
COMMENT ON FUNCTION clinic_private.is_still_true(uuid, text, uuid) IS 'Whether a message of a kind still fits the state of its appointment.';

CREATE FUNCTION clinic_private.queue_due_notifications(tenant_id uuid, max_messages integer, channels text[])
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    saved text := clinic_private.saved_context();
    note record;
    reach record;
    new_id uuid;
    number integer := 0;
BEGIN
    PERFORM clinic_private.act_as_system(queue_due_notifications.tenant_id);
    PERFORM clinic_private.follow_waiting_changes(queue_due_notifications.tenant_id, 1000);
    WITH dead AS MATERIALIZED (
        SELECT d.notification_id
        FROM clinic_data.notifications AS d
        WHERE d.tenant_id = queue_due_notifications.tenant_id AND d.status = 'waiting' AND d.due_at <= clinic.now()
          AND (d.expires_at <= clinic.now() OR d.channel IS NULL)
        ORDER BY d.due_at
        LIMIT 1000
        FOR UPDATE SKIP LOCKED)
    UPDATE clinic_data.notifications AS n
    SET status = CASE WHEN n.expires_at <= clinic.now() THEN 'expired' ELSE 'skipped' END,
        status_reason = CASE WHEN coalesce(n.expires_at > clinic.now(), true) THEN 'no_contact' END,
        data = clinic_private.ids_of_data(n.data), done_at = clinic.now()
    FROM dead
    WHERE n.tenant_id = queue_due_notifications.tenant_id AND n.notification_id = dead.notification_id;

    FOR note IN
        SELECT n.notification_id, n.kind, n.recipient, n.patient_id, n.appointment_id, n.due_at, n.expires_at, n.wanted_channel, n.data
        FROM clinic_data.notifications AS n
        WHERE n.tenant_id = queue_due_notifications.tenant_id AND n.status = 'waiting' AND n.due_at <= clinic.now()
          AND coalesce(n.expires_at > clinic.now(), true)
          AND (n.channel = ANY (queue_due_notifications.channels) OR queue_due_notifications.channels IS NULL AND n.channel IS NOT NULL)
        ORDER BY n.due_at, n.notification_id
        LIMIT queue_due_notifications.max_messages
        FOR UPDATE SKIP LOCKED
    LOOP
        IF note.recipient = 'provider' THEN
            SELECT * INTO reach FROM clinic_private.reach_provider(queue_due_notifications.tenant_id, note.appointment_id);
        ELSE
            SELECT * INTO reach
            FROM clinic_private.reach_patient(queue_due_notifications.tenant_id, note.patient_id, note.kind, note.wanted_channel);
        END IF;
        IF NOT clinic_private.is_still_true(queue_due_notifications.tenant_id, note.kind, note.appointment_id) THEN
            UPDATE clinic_data.notifications AS n
            SET status = 'void', status_reason = 'past', data = clinic_private.ids_of_data(n.data), done_at = clinic.now()
            WHERE n.tenant_id = queue_due_notifications.tenant_id AND n.notification_id = note.notification_id;
        ELSIF reach.channel IS NULL THEN
            UPDATE clinic_data.notifications AS n
            SET status = 'skipped', status_reason = reach.reason, channel = NULL, data = clinic_private.ids_of_data(n.data), done_at = clinic.now()
            WHERE n.tenant_id = queue_due_notifications.tenant_id AND n.notification_id = note.notification_id;
        ELSIF reach.channel <> ALL (queue_due_notifications.channels) THEN
            -- For another program.
            UPDATE clinic_data.notifications AS n
            SET channel = reach.channel
            WHERE n.tenant_id = queue_due_notifications.tenant_id AND n.notification_id = note.notification_id;
        ELSE
            new_id := clinic.new_id();
            INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, destination, payload, created_at, due_at, expires_at)
            VALUES (queue_due_notifications.tenant_id, new_id, 'notification.' || note.kind, reach.channel,
                    clinic_private.keep_secret(reach.destination, clinic_private.secret_place('outbox', new_id::text, 'destination')),
                    clinic_private.keep_secret(
                        clinic_private.words_of(queue_due_notifications.tenant_id, note.notification_id, reach.channel)::text,
                        clinic_private.secret_place('outbox', new_id::text, 'payload')),
                    clinic.now(), note.due_at, note.expires_at);
            UPDATE clinic_data.notifications AS n
            SET status = 'queued', message_id = new_id, channel = reach.channel, contact_id = reach.contact_id,
                data = clinic_private.ids_of_data(note.data)
            WHERE n.tenant_id = queue_due_notifications.tenant_id AND n.notification_id = note.notification_id;
            number := number + 1;
        END IF;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
    RETURN number;
END
$$;
COMMENT ON FUNCTION clinic_private.queue_due_notifications(uuid, integer, text[]) IS
    'Puts notifications that are due into the outbox, in words, the oldest first, and returns how many. Whoever does it at the same time takes others; each becomes one message.';

CREATE FUNCTION clinic.claim_due_notifications(max_messages integer DEFAULT 10, lease_seconds integer DEFAULT 60, channels text[] DEFAULT NULL)
    RETURNS TABLE (message_id uuid, topic text, channel text, destination text, payload jsonb, created_at timestamptz,
                   expires_at timestamptz, claimed_until timestamptz, attempts integer)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('outbox:deliver');
BEGIN
    PERFORM clinic_private.require_message_claim(claim_due_notifications.max_messages, claim_due_notifications.lease_seconds,
        claim_due_notifications.channels);
    PERFORM clinic_private.queue_due_notifications(tenant, claim_due_notifications.max_messages, claim_due_notifications.channels);
    RETURN QUERY
    SELECT c.message_id, c.topic, c.channel, c.destination, c.payload, c.created_at, c.expires_at, c.claimed_until, c.attempts
    FROM clinic_private.claim_outbox(tenant, claim_due_notifications.max_messages, claim_due_notifications.lease_seconds,
        claim_due_notifications.channels, 'notification.%') AS c;
END
$$;
ALTER FUNCTION clinic.claim_due_notifications OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.claim_due_notifications FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.claim_due_notifications TO clinic_user;
COMMENT ON FUNCTION clinic.claim_due_notifications IS
    'Claims reminders and other messages to patients that are due, the oldest first, for sending, and nothing else of the outbox; else as clinic.claim_messages, which claims these
too. Needs outbox:deliver. Each notification becomes one message, whoever claims at once; a program that dies leaves its messages to the next one when the lease is over.
max_messages: 1 to 1000; lease_seconds: 1 to 3600; channels: of sms, email, push, voice and whatsapp, by default all. payload: kind, language, subject, body, notification_id,
appointment_id. Say with clinic.finish_message how it went, and with clinic.record_delivery what the channel said later.
Errors: no_context, forbidden, 22004, 22023.';

-- ----------------------------------------------------------------------------------------------------------------------
-- What became of it.

CREATE FUNCTION clinic_private.follow_message()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    saved constant text := clinic_private.saved_context();
BEGIN
    PERFORM clinic_private.act_as_system(NEW.tenant_id);
    UPDATE clinic_data.notifications AS n
    SET status = CASE NEW.status WHEN 'waiting' THEN 'queued'
                                 WHEN 'expired' THEN CASE WHEN n.status_reason IS NULL THEN 'expired' ELSE 'void' END
                                 ELSE NEW.status END,
        sent_at = CASE NEW.status WHEN 'sent' THEN coalesce(n.sent_at, NEW.done_at) ELSE n.sent_at END,
        done_at = NEW.done_at, delivery = NEW.delivery, delivery_at = NEW.delivery_at
    WHERE n.tenant_id = NEW.tenant_id AND n.message_id = NEW.message_id;
    PERFORM clinic_private.restore_context(saved);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.follow_message() IS 'Trigger: what becomes of a message of the outbox becomes of its notification.';

CREATE FUNCTION clinic.record_delivery(message_id uuid, status text, reference text DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('outbox:deliver');
    ranks constant text[] := ARRAY['failed', 'delivered', 'bounced', 'read'];
    message record;
    saved text;
    note record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('message_id', record_delivery.message_id, 'status', record_delivery.status));
    IF record_delivery.status <> ALL (ranks) THEN
        PERFORM clinic_private.refuse_argument('status', 'status must be delivered, bounced, failed or read');
    END IF;
    IF length(record_delivery.reference) NOT BETWEEN 1 AND 200 THEN
        PERFORM clinic_private.refuse_argument('reference', 'reference must have 1 to 200 characters');
    END IF;
    SELECT o.status, o.attempts, o.delivery, o.expires_at INTO message
    FROM clinic_data.outbox AS o
    WHERE o.tenant_id = tenant AND o.message_id = record_delivery.message_id
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('message "%s" does not exist', record_delivery.message_id),
            jsonb_build_object('message_id', record_delivery.message_id));
    END IF;
    IF message.attempts = 0 THEN
        PERFORM clinic_private.raise_error('bad_transition', format('message "%s" was never claimed', record_delivery.message_id),
            jsonb_build_object('message_id', record_delivery.message_id, 'status', message.status), 'Claim it with clinic.claim_messages.');
    END IF;
    -- Reports come late and in any order; what says more stays.
    IF array_position(ranks, message.delivery) >= array_position(ranks, record_delivery.status) THEN
        RETURN message.delivery;
    END IF;
    UPDATE clinic_data.outbox AS o
    SET delivery = record_delivery.status, delivery_at = clinic.now(), reference = coalesce(record_delivery.reference, o.reference)
    WHERE o.tenant_id = tenant AND o.message_id = record_delivery.message_id;

    IF record_delivery.status = 'bounced' THEN
        saved := clinic_private.saved_context();
        PERFORM clinic_private.act_as_system(tenant);
        UPDATE clinic_data.patient_contacts AS c
        SET bounced_at = clinic.now()
        FROM clinic_data.notifications AS n
        WHERE n.tenant_id = tenant AND n.message_id = record_delivery.message_id
          AND c.tenant_id = n.tenant_id AND c.contact_id = n.contact_id AND c.bounced_at IS NULL
        RETURNING n.kind, n.patient_id, c.patient_id AS reached_id, n.appointment_id, n.expires_at, n.data INTO note;
        IF FOUND THEN
            PERFORM clinic_private.choose_channels_again(note.reached_id);
            PERFORM clinic_private.send_another_way(tenant, note.kind, note.patient_id, note.appointment_id, note.expires_at);
        END IF;
        PERFORM clinic_private.restore_context(saved);
    END IF;
    RETURN record_delivery.status;
END
$$;
ALTER FUNCTION clinic.record_delivery OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.record_delivery FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.record_delivery TO clinic_user;
COMMENT ON FUNCTION clinic.record_delivery IS
    'Says what the channel reported of a message, and returns what is known now: reports come in any order, and read outweighs bounced, bounced delivered, delivered failed.
Needs outbox:deliver. status: delivered, bounced (nothing arrives there), failed or read; reference: the channel''s own id.
A bounced contact of a patient is not written to until it is set again; a reminder, confirmation or cancellation that bounced goes out once more another way, if there is one.
Errors: no_context, forbidden, not_found, bad_transition for a message that nobody has claimed, 22004, 22023.';

CREATE FUNCTION clinic_private.send_another_way(tenant_id uuid, kind text, patient_id uuid, appointment_id uuid, expires_at timestamptz)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    INSERT INTO clinic_data.notifications
        (tenant_id, notification_id, kind, patient_id, appointment_id, planned_at, due_at, expires_at, channel, created_at)
    -- Planned for now, and for no moment that a reminder of the visit is planned for already.
    SELECT send_another_way.tenant_id, clinic.new_id(), send_another_way.kind, send_another_way.patient_id, send_another_way.appointment_id,
           coalesce((SELECT max(o.planned_at) + interval '1 microsecond'
                     FROM clinic_data.notifications AS o
                     WHERE o.tenant_id = send_another_way.tenant_id AND o.appointment_id = send_another_way.appointment_id AND o.status <> 'void'
                       AND o.kind = send_another_way.kind AND o.planned_at >= clinic.now() AND o.planned_at < clinic.now() + interval '1 second'),
                    clinic.now()),
           clinic.now(), send_another_way.expires_at, r.channel, clinic.now()
    FROM clinic_private.reach_patient(send_another_way.tenant_id, send_another_way.patient_id, send_another_way.kind, NULL) AS r
    WHERE r.channel IS NOT NULL AND send_another_way.kind IN ('reminder', 'confirmation', 'cancellation')
      AND coalesce(send_another_way.expires_at > clinic.now(), true)
      -- Of several that bounce at once, one is enough.
      AND NOT EXISTS (SELECT FROM clinic_data.notifications AS o
                      WHERE o.tenant_id = send_another_way.tenant_id AND o.appointment_id = send_another_way.appointment_id
                        AND o.kind = send_another_way.kind AND o.status = 'waiting' AND o.due_at <= clinic.now())
      AND clinic_private.is_still_true(send_another_way.tenant_id, send_another_way.kind, send_another_way.appointment_id);
END
$$;
COMMENT ON FUNCTION clinic_private.send_another_way(uuid, text, uuid, uuid, timestamptz) IS
    'Plans again what did not arrive, by the next contact, where the words need nothing but the appointment.';

REVOKE ALL ON FUNCTION clinic_private.words_of, clinic_private.visit_variables, clinic_private.is_still_true, clinic_private.queue_due_notifications,
    clinic_private.follow_message, clinic_private.send_another_way FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.words_of, clinic_private.visit_variables, clinic_private.is_still_true, clinic_private.queue_due_notifications,
    clinic_private.follow_message, clinic_private.send_another_way TO clinic_owner;
