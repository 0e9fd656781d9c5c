-- What patients answer: CONFIRM, CANCEL, YES, NO, STOP and START, in English and Hindi.

CREATE FUNCTION clinic_private.reply_action(text text, OUT action text, OUT code text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    -- Punctuation goes; a hyphen stands inside confirmation codes.
    plain text := replace(translate(lower(left(reply_action.text, 200)), '.,;:!?"''()[]{}<>*#।“”‘’', ' '), '-', '');
    -- Courtesy says nothing about what is wanted.
    words text[] := ARRAY(
        SELECT w.word FROM regexp_split_to_table(plain, '\s+') WITH ORDINALITY AS w (word, place)
        WHERE w.word <> '' AND w.word <> ALL ('{please,pls,thanks,thank,you,sir,madam,ji,it,my,the,appointment,कृपया,धन्यवाद,जी,करें,करे,करो,दें,kripya,kare,karen,karo}')
        ORDER BY w.place);
BEGIN
    -- "जी" alone is a yes.
    IF cardinality(words) = 0 AND btrim(plain) = ANY ('{जी,ji}') THEN
        words := '{yes}';
    END IF;
    reply_action.action := 'unknown';
    IF cardinality(words) = 2 AND words[2] ~ '^[a-z0-9]{6,16}$' THEN
        reply_action.code := upper(words[2]);
    ELSIF cardinality(words) IS DISTINCT FROM 1 THEN
        RETURN;
    END IF;
    reply_action.action := CASE
        WHEN words[1] = ANY ('{confirm,confirmed,c,पुष्टि,कन्फर्म,पक्का,pushti,pakka}') THEN 'confirm'
        WHEN words[1] = ANY ('{cancel,cancelled,canceled,x,रद्द,रद,कैंसिल,कैंसल,radd,rad}') THEN 'cancel'
        WHEN words[1] = ANY ('{yes,y,हाँ,हां,हा,haan,han,ha}') THEN 'accept'
        WHEN words[1] = ANY ('{no,n,नहीं,नही,ना,nahi,nahin}') THEN 'decline'
        WHEN words[1] = ANY ('{stop,stopall,unsubscribe,end,quit,बंद,बन्द,रोकें,रोको,band,roko}') THEN 'stop'
        WHEN words[1] = ANY ('{start,unstop,subscribe,शुरू,चालू,shuru,chalu}') THEN 'start'
        ELSE 'unknown' END;
    IF reply_action.code IS NOT NULL AND reply_action.action NOT IN ('confirm', 'cancel') THEN
        reply_action.action := 'unknown';
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.reply_action(text) IS
    'What a reply asks for: confirm, cancel, accept, decline, stop, start, or unknown for everything that is not just one of those words (and courtesy). code: a confirmation code behind
confirm or cancel, without hyphens.';

-- The message that a reply is about: the last one written to one of the contacts that is still of use for the action.
CREATE FUNCTION clinic_private.answered_message(tenant_id uuid, contact_ids uuid[], action text, code text,
    OUT action_meant text, OUT notification_id uuid, OUT contact_id uuid, OUT patient_id uuid, OUT appointment_id uuid, OUT offer_id uuid)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    is_open boolean := false;
    visit record;
    number integer;
BEGIN
    action_meant := answered_message.action;
    IF answered_message.action IN ('accept', 'decline') THEN
        SELECT n.notification_id, n.contact_id, n.patient_id, (n.data ->> 'offer_id')::uuid, coalesce(n.expires_at > clinic.now(), true)
        INTO answered_message.notification_id, answered_message.contact_id, answered_message.patient_id, answered_message.offer_id, is_open
        FROM clinic_data.notifications AS n
        WHERE n.tenant_id = answered_message.tenant_id AND n.contact_id = ANY (answered_message.contact_ids) AND n.kind = 'waitlist_offer'
          AND n.status IN ('queued', 'sent', 'expired') AND n.data ? 'offer_id'
        ORDER BY n.due_at DESC, n.notification_id DESC
        LIMIT 1;
    END IF;
    IF answered_message.action IN ('confirm', 'cancel') OR answered_message.action = 'accept' AND is_open IS NOT TRUE THEN
        SELECT n.notification_id, n.contact_id, n.patient_id, n.appointment_id, coalesce(n.sent_at, n.due_at) AS written_at INTO visit
        FROM clinic_data.notifications AS n
        JOIN clinic_data.appointments AS a ON a.tenant_id = n.tenant_id AND a.appointment_id = n.appointment_id
        WHERE n.tenant_id = answered_message.tenant_id AND n.contact_id = ANY (answered_message.contact_ids)
          AND n.kind IN ('reminder', 'confirmation', 'change', 'running_late') AND n.status IN ('queued', 'sent')
          -- One that is cancelled is what the reply is about all the same: who says so twice does not mean another visit.
          AND a.status IN ('booked', 'confirmed', 'cancelled') AND a.starts_at > clinic.now()
          AND coalesce(replace(a.confirmation_code, '-', '') = answered_message.code, true)
        ORDER BY coalesce(n.sent_at, n.due_at) DESC, n.notification_id DESC
        LIMIT 1;
        IF NOT FOUND THEN
            -- Nothing was written: then only what cannot be mistaken.
            SELECT count(*) OVER () AS number, NULL::uuid AS notification_id, c.contact_id, a.patient_id, a.appointment_id INTO visit
            FROM clinic_data.patient_contacts AS c
            JOIN clinic_data.appointments AS a ON a.tenant_id = c.tenant_id AND a.patient_id = c.patient_id
            WHERE c.tenant_id = answered_message.tenant_id AND c.contact_id = ANY (answered_message.contact_ids)
              AND answered_message.action <> 'accept'
              AND a.status IN ('booked', 'confirmed') AND a.starts_at > clinic.now()
              AND coalesce(replace(a.confirmation_code, '-', '') = answered_message.code, true)
            LIMIT 1;
            number := coalesce(visit.number, 0);
        END IF;
        IF coalesce(number, 1) = 1 AND visit.appointment_id IS NOT NULL THEN
            answered_message.notification_id := visit.notification_id;
            answered_message.contact_id := visit.contact_id;
            answered_message.patient_id := visit.patient_id;
            answered_message.appointment_id := visit.appointment_id;
            answered_message.offer_id := NULL;
            IF answered_message.action = 'accept' THEN
                action_meant := 'confirm';
            END IF;
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.answered_message(uuid, uuid[], text, text) IS
    'Which message, patient, appointment or offer a reply from some contacts is about; nulls when there is none. A yes without an open offer confirms the visit last written of.';

-- Does as the patient what the reply asks for. An error of the domain is an outcome: the patient's program cannot handle it.
CREATE FUNCTION clinic_private.do_as_patient(action text, patient_id uuid, appointment_id uuid, offer_id uuid)
    RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    v_state text;
    v_detail text;
BEGIN
    PERFORM clinic_private.act_as_patient(do_as_patient.patient_id);
    CASE do_as_patient.action
        WHEN 'confirm' THEN
            -- Twice is once.
            IF NOT EXISTS (SELECT FROM clinic_data.appointments AS a
                           WHERE a.tenant_id = clinic.current_tenant_id() AND a.appointment_id = do_as_patient.appointment_id
                             AND a.status = 'confirmed') THEN
                PERFORM clinic_private.change_status(do_as_patient.appointment_id, 'confirm');
            END IF;
        WHEN 'cancel' THEN
            IF NOT EXISTS (SELECT FROM clinic_data.appointments AS a
                           WHERE a.tenant_id = clinic.current_tenant_id() AND a.appointment_id = do_as_patient.appointment_id
                             AND a.status = 'cancelled') THEN
                PERFORM clinic_private.change_status(do_as_patient.appointment_id, 'cancel');
            END IF;
        WHEN 'accept' THEN
            PERFORM clinic.accept_offer(offer_id => do_as_patient.offer_id);
        WHEN 'decline' THEN
            PERFORM clinic.decline_offer(offer_id => do_as_patient.offer_id);
    END CASE;
    RETURN NULL;
EXCEPTION
    WHEN transaction_rollback OR insufficient_resources OR operator_intervention OR system_error OR internal_error THEN
        RAISE;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_detail = PG_EXCEPTION_DETAIL;
        RETURN coalesce(substring(v_detail FROM '^\{"reason": "([a-z_]+)"'), v_state);
END
$$;
COMMENT ON FUNCTION clinic_private.do_as_patient(text, uuid, uuid, uuid) IS
    'Confirms, cancels, accepts or declines as a patient, and returns null, or the code of the error that refused it.';

CREATE FUNCTION clinic.record_reply(channel text, destination text, text text, idempotency_key text DEFAULT NULL)
    RETURNS TABLE (reply_id uuid, action text, outcome text, reason text, patient_id uuid, appointment_id uuid, replayed boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('outbox:deliver');
    saved text := clinic_private.saved_context();
    stored jsonb;
    normal text;
    asked record;
    about record;
    wanted_index bytea;
    contacts uuid[];
    people uuid[];
    meant text;
    result text := 'nothing';
    refusal text;
    new_id uuid := clinic.new_id();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('channel', record_reply.channel, 'destination', record_reply.destination,
        'text', record_reply.text));
    PERFORM clinic_private.require_channel(record_reply.channel);
    normal := clinic_private.normal_destination(record_reply.channel, record_reply.destination,
        clinic_private.country_for_patient(tenant, NULL));
    stored := clinic_private.begin_once('record_reply', record_reply.idempotency_key,
        jsonb_build_object('channel', record_reply.channel, 'destination', normal, 'text', record_reply.text));
    IF stored IS NOT NULL THEN
        RETURN QUERY
        SELECT r.reply_id, r.action, r.outcome, r.reason, r.patient_id, r.appointment_id, true
        FROM jsonb_to_record(stored) AS r (reply_id uuid, action text, outcome text, reason text, patient_id uuid, appointment_id uuid);
        RETURN;
    END IF;

    PERFORM clinic_private.act_as_system(tenant);
    -- Computed once: a volatile function in the condition would be called for every contact there is.
    wanted_index := clinic_private.contact_index(tenant, normal);
    SELECT array_agg(c.contact_id ORDER BY c.contact_id), array_agg(DISTINCT c.patient_id) INTO contacts, people
    FROM clinic_data.patient_contacts AS c
    WHERE c.tenant_id = tenant AND c.channel = record_reply.channel AND c.destination_index = wanted_index
      AND clinic_private.contact_text(tenant, c.patient_id, c.contact_id, c.destination) = normal;
    SELECT * INTO asked FROM clinic_private.reply_action(record_reply.text);
    SELECT * INTO about FROM clinic_private.answered_message(tenant, contacts, asked.action, asked.code);
    meant := about.action_meant;
    IF meant IN ('stop', 'start') AND cardinality(contacts) > 0 THEN
        UPDATE clinic_data.patient_contacts AS c
        SET opted_out_at = CASE meant WHEN 'stop' THEN coalesce(c.opted_out_at, clinic.now()) END
        WHERE c.tenant_id = tenant AND c.contact_id = ANY (contacts);
        PERFORM clinic_private.choose_channels_again(p.id) FROM unnest(people) AS p (id);
        result := 'done';
    ELSIF about.appointment_id IS NOT NULL OR about.offer_id IS NOT NULL THEN
        refusal := clinic_private.do_as_patient(meant, about.patient_id, about.appointment_id, about.offer_id);
        result := CASE WHEN refusal IS NULL THEN 'done' ELSE 'refused' END;
        PERFORM clinic_private.act_as_system(tenant);
    END IF;
    INSERT INTO clinic_data.message_replies
        (tenant_id, reply_id, channel, contact_id, notification_id, appointment_id, action, outcome, reason, received_at)
    VALUES (tenant, new_id, record_reply.channel, coalesce(about.contact_id, contacts[1]), about.notification_id, about.appointment_id, meant,
            result, refusal, clinic.now());
    PERFORM clinic_private.restore_context(saved);
    PERFORM clinic_private.end_once('record_reply', record_reply.idempotency_key, jsonb_build_object('reply_id', new_id, 'action', meant,
        'outcome', result, 'reason', refusal, 'patient_id', about.patient_id, 'appointment_id', about.appointment_id));
    RETURN QUERY SELECT new_id, meant, result, refusal, about.patient_id, about.appointment_id, false;
END
$$;
ALTER FUNCTION clinic.record_reply OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.record_reply FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.record_reply TO clinic_user;
COMMENT ON FUNCTION clinic.record_reply IS
    'Takes what a patient answered to a message, does it as that patient, and tells what came of it. Needs outbox:deliver.
CONFIRM and CANCEL, perhaps with the confirmation code, concern the coming visit last written of to that destination, be it cancelled meanwhile; YES and NO the offer of a waitlist that was last made there, and YES
without an open offer confirms the visit; STOP and START end and begin writing there, for everybody who is reached there. The same in Hindi; any other words are action unknown, and
nobody''s words are kept.
channel: sms, email, push, voice or whatsapp; destination: whence it came; text: as it came; idempotency_key: the channel''s id of the reply: the same key gives the same result.
outcome: done, refused (reason: the error''s code), or nothing (no message or visit that it could be about).
Errors: no_context, forbidden, idempotency_conflict, 22004, 22023; none shows text or destination.';

REVOKE ALL ON FUNCTION clinic_private.answered_message, clinic_private.do_as_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.answered_message, clinic_private.do_as_patient TO clinic_owner;
