-- What is to be told when: reminders by plan, the messages of a booking's life by triggers of appointments (of a new one by
-- src/pg/booking_messages.cpp, which writes what plan_reminders and add_notification would write at first), others by whoever
-- has something to say. Everything here acts as the system: what a change brings about does not depend on who made it.

CREATE FUNCTION clinic_private.checked_reminders(reminders jsonb)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    entry jsonb;
    checked jsonb := '[]';
    minutes integer;
    days integer;
    at time;
BEGIN
    IF jsonb_typeof(checked_reminders.reminders) <> 'array' OR jsonb_array_length(CASE jsonb_typeof(checked_reminders.reminders)
           WHEN 'array' THEN checked_reminders.reminders ELSE '[]' END) > 20 THEN
        PERFORM clinic_private.refuse_argument('reminders', 'reminders must be a list of at most 20 objects',
            hint => 'Write it like [{"before_minutes": 1440}, {"days_before": 1, "at": "18:00"}].');
    END IF;
    FOR entry IN SELECT e.value FROM jsonb_array_elements(checked_reminders.reminders) AS e (value) LOOP
        IF jsonb_typeof(entry) = 'object' AND (entry ? 'before_minutes') <> (entry ? 'days_before')
           AND NOT EXISTS (SELECT FROM jsonb_object_keys(CASE jsonb_typeof(entry) WHEN 'object' THEN entry ELSE '{}' END) AS k (name)
                           WHERE k.name NOT IN ('before_minutes', 'days_before', 'at', 'channel')) THEN
            minutes := CASE WHEN entry ->> 'before_minutes' ~ '^[0-9]{1,6}$' THEN (entry ->> 'before_minutes')::integer END;
            days := CASE WHEN entry ->> 'days_before' ~ '^[0-9]{1,3}$' THEN (entry ->> 'days_before')::integer END;
            at := CASE WHEN entry ->> 'at' ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' THEN (entry ->> 'at')::time END;
        ELSE
            minutes := NULL;
            days := NULL;
        END IF;
        IF (minutes BETWEEN 0 AND 527040 AND NOT entry ? 'at' OR days BETWEEN 0 AND 366 AND (at IS NOT NULL) = (entry ? 'at')) IS NOT TRUE THEN
            PERFORM clinic_private.refuse_argument('reminders',
                'each reminder must have before_minutes (0 to 527040), or days_before (0 to 366) and perhaps at, a time like 18:00',
                hint => 'Write it like [{"before_minutes": 1440}, {"days_before": 1, "at": "18:00"}].');
        END IF;
        PERFORM clinic_private.require_channel(entry ->> 'channel');
        checked := checked || jsonb_strip_nulls(jsonb_build_object('before_minutes', minutes, 'days_before', days,
            'at', to_char(at, 'HH24:MI'), 'channel', entry ->> 'channel'));
    END LOOP;
    RETURN checked;
END
$$;
COMMENT ON FUNCTION clinic_private.checked_reminders(jsonb) IS 'The reminders of a plan, checked, in one form. Errors: 22023.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Taking back.

CREATE FUNCTION clinic_private.stop_queued(tenant_id uuid, notification_id uuid, reason text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    -- What nobody is sending is not sent any more; what somebody is sending now, by nobody else.
    WITH stopped AS (
        UPDATE clinic_data.outbox AS o
        SET expires_at = greatest(clinic.now(), o.claimed_until)
        FROM clinic_data.notifications AS n
        WHERE n.tenant_id = stop_queued.tenant_id AND n.notification_id = stop_queued.notification_id AND n.status = 'queued'
          AND o.tenant_id = n.tenant_id AND o.message_id = n.message_id AND o.status = 'waiting'
        RETURNING n.notification_id)
    UPDATE clinic_data.notifications AS n
    SET status_reason = stop_queued.reason
    FROM stopped AS s
    WHERE n.tenant_id = stop_queued.tenant_id AND n.notification_id = s.notification_id;
END
$$;
COMMENT ON FUNCTION clinic_private.stop_queued(uuid, uuid, text) IS 'Takes back a notification that lies in the outbox.';

CREATE FUNCTION clinic_private.void_notifications(tenant_id uuid, appointment_id uuid, kinds text[], reason text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    -- One message may tell of several visits: it goes on for the others that it is still true of.
    UPDATE clinic_data.notifications AS n
    SET appointment_id = next.id,
        data = jsonb_set(n.data, '{also}', next.others)
    FROM (SELECT o.notification_id, (array_agg(e.id::uuid ORDER BY e.place))[1] AS id, to_jsonb((array_agg(e.id ORDER BY e.place))[2:]) AS others
          FROM clinic_data.notifications AS o
          CROSS JOIN LATERAL jsonb_array_elements_text(o.data -> 'also') WITH ORDINALITY AS e (id, place)
          WHERE o.tenant_id = void_notifications.tenant_id AND o.appointment_id = void_notifications.appointment_id
            AND o.status = 'waiting' AND o.kind = ANY (void_notifications.kinds)
            AND clinic_private.is_still_true(o.tenant_id, o.kind, e.id::uuid)
          GROUP BY o.notification_id) AS next
    WHERE n.tenant_id = void_notifications.tenant_id AND n.notification_id = next.notification_id;
    UPDATE clinic_data.notifications AS n
    SET status = 'void', status_reason = void_notifications.reason, data = NULL, done_at = clinic.now()
    WHERE n.tenant_id = void_notifications.tenant_id AND n.appointment_id = void_notifications.appointment_id
      AND n.status = 'waiting' AND n.kind = ANY (void_notifications.kinds);
    PERFORM clinic_private.stop_queued(n.tenant_id, n.notification_id, void_notifications.reason)
    FROM clinic_data.notifications AS n
    WHERE n.tenant_id = void_notifications.tenant_id AND n.appointment_id = void_notifications.appointment_id
      AND n.status = 'queued' AND n.kind = ANY (void_notifications.kinds);
END
$$;
COMMENT ON FUNCTION clinic_private.void_notifications(uuid, uuid, text[], text) IS 'Takes back what is not sent yet of some kinds for an appointment.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Planning.

CREATE FUNCTION clinic_private.plan_reminders(tenant_id uuid, appointment_id uuid, reason text DEFAULT 'plan_changed')
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column -- the columns of the partial index would be read as arguments
DECLARE
    visit record;
    planned timestamptz[];
BEGIN
    SELECT a.service_id, a.patient_id, a.status, a.starts_at, a.local_starts_at, a.time_zone::text AS time_zone INTO visit
    FROM clinic_data.appointments AS a
    WHERE a.tenant_id = plan_reminders.tenant_id AND a.appointment_id = plan_reminders.appointment_id;
    IF NOT FOUND OR visit.status NOT IN ('booked', 'confirmed') OR visit.starts_at <= clinic.now() THEN
        PERFORM clinic_private.void_notifications(plan_reminders.tenant_id, plan_reminders.appointment_id, '{reminder}', 'past');
        RETURN;
    END IF;

    WITH wanted AS (
        SELECT r.planned_at, r.due_at, r.wanted_channel, r.channel, r.skipped
        FROM clinic_private.planned_reminders(plan_reminders.tenant_id, visit.service_id, visit.patient_id, visit.starts_at, visit.local_starts_at,
                                              visit.time_zone) AS r),
    written AS (
        INSERT INTO clinic_data.notifications AS n
            (tenant_id, notification_id, kind, patient_id, appointment_id, planned_at, due_at, expires_at, wanted_channel, channel, status,
             status_reason, done_at, created_at)
        SELECT plan_reminders.tenant_id, clinic.new_id(), 'reminder', visit.patient_id, plan_reminders.appointment_id, w.planned_at, w.due_at,
               visit.starts_at, w.wanted_channel, w.channel, CASE WHEN w.skipped IS NULL THEN 'waiting' ELSE 'skipped' END, w.skipped,
               CASE WHEN w.skipped IS NOT NULL THEN clinic.now() END, clinic.now()
        FROM wanted AS w
        ORDER BY w.planned_at
        ON CONFLICT (tenant_id, appointment_id, planned_at) WHERE kind = 'reminder' AND status <> 'void' DO UPDATE
            SET due_at = excluded.due_at, expires_at = excluded.expires_at, wanted_channel = excluded.wanted_channel,
                channel = excluded.channel, status = excluded.status, status_reason = excluded.status_reason, done_at = excluded.done_at
            -- What has gone out stays; and what is due and was not claimed yet is not overdue.
            WHERE n.status IN ('waiting', 'skipped') AND NOT (n.status = 'waiting' AND n.due_at = excluded.due_at AND excluded.status_reason IS NOT DISTINCT FROM 'overdue')
              AND (n.due_at, n.expires_at, n.wanted_channel, n.channel, n.status, n.status_reason) IS DISTINCT FROM
                  (excluded.due_at, excluded.expires_at, excluded.wanted_channel, excluded.channel, excluded.status, excluded.status_reason))
    SELECT array_agg(w.planned_at) INTO planned FROM wanted AS w;

    UPDATE clinic_data.notifications AS n
    SET status = 'void', status_reason = plan_reminders.reason, done_at = clinic.now()
    WHERE n.tenant_id = plan_reminders.tenant_id AND n.appointment_id = plan_reminders.appointment_id AND n.kind = 'reminder'
      AND n.status = 'waiting' AND n.planned_at <> ALL (coalesce(planned, '{}'));
END
$$;
COMMENT ON FUNCTION clinic_private.plan_reminders(uuid, uuid, text) IS
    'Plans the reminders of an appointment afresh: what was sent stays and is not sent again for the same time, what is not claimed yet is moved or taken back, what is overdue is
recorded as skipped. reason: why others are taken back.';

CREATE FUNCTION clinic_private.ids_of_data(data jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_object_agg(d.key, d.value) FROM jsonb_each(ids_of_data.data) AS d WHERE d.key LIKE '%\_id' OR d.key = 'expires_at'
$$;
COMMENT ON FUNCTION clinic_private.ids_of_data(jsonb) IS
    'What stays of a message''s data when it is on its way or nothing comes of it: ids, for which replies ask, and recalls, which are planned once.';

-- Messages that are not reminders. Those of one patient and transaction become one, so that a series is told of once.
CREATE FUNCTION clinic_private.add_notification(tenant_id uuid, kind text, patient_id uuid, appointment_id uuid, data jsonb,
    due_at timestamptz, quiet boolean)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    merging constant boolean := add_notification.kind IN ('confirmation', 'change', 'cancellation');
    replacing constant boolean := add_notification.kind IN ('running_late', 'possible_no_show');
    recipient constant text := CASE add_notification.kind WHEN 'possible_no_show' THEN 'provider' ELSE 'patient' END;
    contents jsonb := nullif(jsonb_strip_nulls(coalesce(add_notification.data, '{}')), '{}');
    visit record;
    hours record;
    reach record;
    last_at timestamptz;
    due timestamptz := add_notification.due_at;
    found_id uuid;
    unwanted text;
BEGIN
    SELECT a.starts_at, a.ends_at, a.time_zone::text AS time_zone INTO visit
    FROM clinic_data.appointments AS a
    WHERE a.tenant_id = add_notification.tenant_id AND a.appointment_id = add_notification.appointment_id;
    IF merging THEN
        contents := coalesce(contents, '{}') || jsonb_build_object('transaction', pg_current_xact_id()::text);
        UPDATE clinic_data.notifications AS n
        SET data = jsonb_set(n.data, '{also}', coalesce(n.data -> 'also', '[]') || to_jsonb(add_notification.appointment_id))
        WHERE n.tenant_id = add_notification.tenant_id AND n.patient_id = add_notification.patient_id AND n.status = 'waiting'
          AND n.kind = add_notification.kind AND n.data ->> 'transaction' = contents ->> 'transaction'
        RETURNING n.notification_id INTO found_id;
    ELSIF replacing THEN
        UPDATE clinic_data.notifications AS n
        SET data = contents
        WHERE n.tenant_id = add_notification.tenant_id AND n.appointment_id = add_notification.appointment_id AND n.status = 'waiting'
          AND n.kind = add_notification.kind
        RETURNING n.notification_id INTO found_id;
    END IF;
    IF found_id IS NOT NULL THEN
        RETURN found_id;
    END IF;

    last_at := CASE
        WHEN contents ? 'expires_at' THEN (contents ->> 'expires_at')::timestamptz
        WHEN replacing THEN visit.ends_at
        ELSE visit.starts_at END;
    IF add_notification.quiet THEN
        SELECT * INTO hours FROM clinic_private.quiet_hours_of(add_notification.tenant_id, add_notification.patient_id, visit.time_zone);
        due := greatest(add_notification.due_at,
            clinic_private.outside_quiet_hours(add_notification.due_at, last_at, hours.time_zone, hours.quiet_from, hours.quiet_until));
    END IF;
    IF recipient = 'provider' THEN
        SELECT * INTO reach FROM clinic_private.reach_provider(add_notification.tenant_id, add_notification.appointment_id);
    ELSE
        SELECT * INTO reach
        FROM clinic_private.choose_contact(add_notification.tenant_id, add_notification.patient_id, add_notification.kind, NULL);
    END IF;
    unwanted := CASE WHEN reach.reason IN ('unwanted', 'no_consent') THEN reach.reason END;
    INSERT INTO clinic_data.notifications
        (tenant_id, notification_id, kind, recipient, patient_id, appointment_id, planned_at, due_at, expires_at, channel, status, status_reason,
         data, done_at, created_at)
    VALUES (add_notification.tenant_id, clinic.new_id(), add_notification.kind, recipient, add_notification.patient_id,
            add_notification.appointment_id, add_notification.due_at, due, last_at, reach.channel,
            CASE WHEN unwanted IS NULL THEN 'waiting' ELSE 'skipped' END, unwanted,
            CASE WHEN unwanted IS NULL THEN contents ELSE clinic_private.ids_of_data(contents) END,
            CASE WHEN unwanted IS NOT NULL THEN clinic.now() END, clinic.now())
    RETURNING notification_id INTO found_id;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION clinic_private.add_notification(uuid, text, uuid, uuid, jsonb, timestamptz, boolean) IS
    'Plans one message. quiet: whether quiet hours put it off; it comes after them, but at once where that would be too late. Confirmations, changes and cancellations of one patient in
one transaction become one message; of running late and possible no-show the newest counts.';

CREATE FUNCTION clinic_private.queue_notification(kind text, patient_id uuid, appointment_id uuid, data jsonb, due_at timestamptz DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    saved text := clinic_private.saved_context();
    new_id uuid;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('kind', queue_notification.kind, 'patient_id', queue_notification.patient_id));
    PERFORM clinic_private.require_kind(queue_notification.kind);
    -- What cannot be put into words is found here, and not by the sender.
    PERFORM CASE WHEN d.key LIKE '%\_at' THEN (d.value)::timestamptz END, CASE WHEN d.key LIKE '%\_on' THEN (d.value)::date END,
            CASE WHEN d.key LIKE '%\_id' THEN (d.value)::uuid END
    FROM jsonb_each_text(queue_notification.data) AS d;
    PERFORM clinic_private.act_as_system(tenant);
    new_id := clinic_private.add_notification(tenant, queue_notification.kind, queue_notification.patient_id, queue_notification.appointment_id,
        queue_notification.data, greatest(clinic.now(), queue_notification.due_at),
        queue_notification.kind IN ('reminder', 'recall', 'consent_expiring', 'welcome'));
    PERFORM clinic_private.restore_context(saved);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION clinic_private.queue_notification(text, uuid, uuid, jsonb, timestamptz) IS
    'Plans a message for other modules, whatever the caller may see, and returns its id. Recalls, expiring consents and welcomes keep quiet hours; the others go out at once.
data: what the words need: texts and numbers are variables by their names; x_at (an instant) is x_date, x_weekday and x_time; x_on (a date) is x_date and x_weekday; an object of
amount and currency is money. Without an appointment service_id, provider_id, location_id and starts_at (with time_zone) tell of the visit; expires_at: of no use from then on;
offer_id: what YES and NO answer to. due_at: not before; null: now. Errors: no_context, 22004, 22023; 22007 and 22P02 for what is no time or id.';

-- ----------------------------------------------------------------------------------------------------------------------
-- The life of a booking.

CREATE TYPE clinic_private.appointment_facts AS (
    tenant_id uuid,
    appointment_id uuid,
    patient_id uuid,
    status text,
    starts_at timestamptz,
    time_zone text,
    service_id uuid,
    provider_id uuid,
    location_id uuid
);
COMMENT ON TYPE clinic_private.appointment_facts IS 'What messages depend on, of a row of clinic_data.appointments.';

CREATE FUNCTION clinic_private.follow_appointment(before clinic_private.appointment_facts, after clinic_private.appointment_facts, by_patient boolean, by_system boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := after.tenant_id;
    id constant uuid := after.appointment_id;
    was_on constant boolean := coalesce(before.status IN ('booked', 'confirmed'), false);
    is_on constant boolean := after.status IN ('booked', 'confirmed');
    ahead constant boolean := after.starts_at > clinic.now();
    moved constant boolean := coalesce((before.starts_at, before.provider_id, before.location_id, before.service_id)
                                       IS DISTINCT FROM (after.starts_at, after.provider_id, after.location_id, after.service_id), false);
    due timestamptz;
    told boolean := false;
    waiting record;
BEGIN
    SELECT clinic.now() + make_interval(mins => t.message_delay_minutes) INTO due
    FROM clinic_data.tenants AS t WHERE t.tenant_id = tenant;

    IF is_on AND NOT was_on THEN
        IF before.status IS NULL OR before.status IN ('held', 'pending', 'cancelled') THEN
            -- Reinstated before anybody was told: nothing has happened.
            SELECT n.notification_id INTO waiting
            FROM clinic_data.notifications AS n
            WHERE n.tenant_id = tenant AND n.appointment_id = id AND n.kind = 'cancellation' AND n.status = 'waiting';
            IF FOUND THEN
                PERFORM clinic_private.void_notifications(tenant, id, '{cancellation}', 'undone');
                told := EXISTS (
                    SELECT FROM clinic_data.notifications AS n
                    LEFT JOIN clinic_data.outbox AS o ON o.tenant_id = n.tenant_id AND o.message_id = n.message_id
                    WHERE n.tenant_id = tenant AND n.appointment_id = id AND n.kind IN ('confirmation', 'change')
                      AND (n.status = 'sent' OR n.status = 'queued' AND o.claimed_until > clinic.now()));
            END IF;
            IF ahead AND NOT by_system AND NOT told THEN
                PERFORM clinic_private.add_notification(tenant, 'confirmation', after.patient_id, id, NULL, due, NOT by_patient);
            END IF;
        END IF;
        PERFORM clinic_private.plan_reminders(tenant, id);
    ELSIF is_on AND moved THEN
        PERFORM clinic_private.void_notifications(tenant, id, '{running_late,possible_no_show}', 'moved');
        SELECT n.notification_id, n.kind, n.appointment_id, n.data INTO waiting
        FROM clinic_data.notifications AS n
        WHERE n.tenant_id = tenant AND n.patient_id = after.patient_id AND n.status = 'waiting' AND n.kind IN ('confirmation', 'change')
          AND (n.appointment_id = id OR n.data -> 'also' ? id::text)
        ORDER BY n.kind DESC
        LIMIT 1;
        IF NOT ahead THEN
            PERFORM clinic_private.void_notifications(tenant, id, '{confirmation,change}', 'past');
        ELSIF NOT FOUND THEN
            PERFORM clinic_private.add_notification(tenant, 'change', after.patient_id, id,
                jsonb_build_object('old_starts_at', before.starts_at, 'old_time_zone', before.time_zone, 'old_service_id', before.service_id,
                                   'old_provider_id', before.provider_id, 'old_location_id', before.location_id), due, NOT by_patient);
        ELSIF waiting.kind = 'change' AND waiting.appointment_id = id
              AND (waiting.data ->> 'old_starts_at')::timestamptz = after.starts_at
              AND (waiting.data ->> 'old_service_id')::uuid = after.service_id
              AND (waiting.data ->> 'old_provider_id')::uuid = after.provider_id
              AND (waiting.data ->> 'old_location_id')::uuid = after.location_id THEN
            -- Back where the patient believes it to be. What waits already tells of the newest time otherwise.
            PERFORM clinic_private.void_notifications(tenant, id, '{change}', 'undone');
        END IF;
        PERFORM clinic_private.plan_reminders(tenant, id, 'moved');
    ELSIF was_on AND NOT is_on THEN
        PERFORM clinic_private.void_notifications(tenant, id,
            CASE after.status WHEN 'cancelled' THEN clinic_private.notification_kinds() ELSE '{reminder,confirmation,change}' END,
            CASE after.status WHEN 'cancelled' THEN 'cancelled' ELSE 'arrived' END);
    END IF;
    IF after.status = 'cancelled' AND (was_on OR before.status = 'pending') AND ahead THEN
        PERFORM clinic_private.add_notification(tenant, 'cancellation', after.patient_id, id, NULL, due, NOT by_patient);
    END IF;
END
$$;

COMMENT ON FUNCTION clinic_private.follow_appointment(clinic_private.appointment_facts, clinic_private.appointment_facts, boolean, boolean) IS
    'Plans and takes back the messages that follow from a change of an appointment. before: null for a new one; by_patient, by_system: who made it.';

CREATE FUNCTION clinic_private.follow_appointment_change()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    saved constant text := clinic_private.saved_context();
    by_patient constant boolean := clinic_private.is_own_patient(NEW.patient_id);
    by_system constant boolean := clinic_private.is_system();
    before constant clinic_private.appointment_facts := ROW(OLD.tenant_id, OLD.appointment_id, OLD.patient_id, OLD.status, OLD.starts_at,
        OLD.time_zone, OLD.service_id, OLD.provider_id, OLD.location_id);
    after constant clinic_private.appointment_facts := ROW(NEW.tenant_id, NEW.appointment_id, NEW.patient_id, NEW.status, NEW.starts_at,
        NEW.time_zone, NEW.service_id, NEW.provider_id, NEW.location_id);
BEGIN
    PERFORM clinic_private.act_as_system(NEW.tenant_id);
    IF pg_catalog.current_setting('transaction_isolation') = 'read committed' THEN
        PERFORM clinic_private.follow_appointment(before, after, by_patient, by_system);
    ELSE
        -- With an old snapshot one does not see what was claimed meanwhile, and reading here would set bookings against each other: it waits.
        INSERT INTO clinic_data.notification_tasks (tenant_id, task_id, before, after, by_patient, by_system, created_at)
        VALUES (NEW.tenant_id, clinic.new_id(), pg_catalog.to_jsonb(before), pg_catalog.to_jsonb(after), by_patient, by_system, clinic.now());
    END IF;
    PERFORM clinic_private.restore_context(saved);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.follow_appointment_change() IS
    'Trigger: plans and takes back the messages that follow from a changed appointment, whoever writes it; in transactions of a higher isolation than READ COMMITTED the job, or
whoever claims messages next, does so. New ones: clinic_private.follow_new_appointment().';

-- One session at a time, so that the changes of one appointment are followed in their order.
CREATE FUNCTION clinic_private.follow_waiting_changes(tenant_id uuid, batch integer)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    task record;
    number integer := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM clinic_data.notification_tasks AS t WHERE t.tenant_id = follow_waiting_changes.tenant_id)
       OR NOT pg_try_advisory_xact_lock(hashtextextended('clinic.notification_tasks:' || follow_waiting_changes.tenant_id, 0)) THEN
        RETURN 0;
    END IF;
    FOR task IN
        WITH taken AS (
            DELETE FROM clinic_data.notification_tasks AS t
            WHERE t.tenant_id = follow_waiting_changes.tenant_id
              AND t.task_id IN (SELECT o.task_id FROM clinic_data.notification_tasks AS o
                                WHERE o.tenant_id = follow_waiting_changes.tenant_id
                                ORDER BY o.task_id
                                LIMIT follow_waiting_changes.batch)
            RETURNING t.task_id, t.before, t.after, t.by_patient, t.by_system)
        SELECT k.before, k.after, k.by_patient, k.by_system FROM taken AS k ORDER BY k.task_id
    LOOP
        PERFORM clinic_private.follow_appointment(jsonb_populate_record(NULL::clinic_private.appointment_facts, task.before),
            jsonb_populate_record(NULL::clinic_private.appointment_facts, task.after), task.by_patient, task.by_system);
        number := number + 1;
    END LOOP;
    RETURN number;
END
$$;
COMMENT ON FUNCTION clinic_private.follow_waiting_changes(uuid, integer) IS
    'Does what transactions of a higher isolation left to be done for appointments, in order, and returns how many changes there were.';

-- A setting of the tenant that counts for what is planned already.
CREATE FUNCTION clinic_private.follow_tenant_change()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO clinic_data.notification_replans (tenant_id, replan_id, created_at) VALUES (NEW.tenant_id, clinic.new_id(), clinic.now());
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.follow_tenant_change() IS 'Trigger: lets reminders be planned afresh when the tenant''s quiet hours, zone or channels change.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Planning again.

CREATE FUNCTION clinic_private.plan_patient_again(patient_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    saved text := clinic_private.saved_context();
BEGIN
    PERFORM clinic_private.act_as_system(tenant);
    PERFORM clinic_private.plan_reminders(tenant, a.appointment_id)
    FROM clinic_data.appointments AS a
    WHERE a.tenant_id = tenant AND a.patient_id = plan_patient_again.patient_id AND a.starts_at > clinic.now()
      AND a.status IN ('booked', 'confirmed');
    PERFORM clinic_private.restore_context(saved);
END
$$;
COMMENT ON FUNCTION clinic_private.plan_patient_again(uuid) IS 'Plans the reminders of all visits of a patient that are ahead.';

CREATE FUNCTION clinic_private.choose_channels_again(patient_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    saved text := clinic_private.saved_context();
    people uuid[];
BEGIN
    PERFORM clinic_private.act_as_system(tenant);
    people := ARRAY(SELECT choose_channels_again.patient_id
                    UNION ALL
                    SELECT d.patient_id FROM clinic_data.dependants AS d
                    WHERE d.tenant_id = tenant AND d.guardian_patient_id = choose_channels_again.patient_id);
    UPDATE clinic_data.notifications AS n
    SET channel = chosen.channel,
        status = CASE WHEN chosen.reason IN ('unwanted', 'no_consent') THEN 'skipped' ELSE n.status END,
        status_reason = CASE WHEN chosen.reason IN ('unwanted', 'no_consent') THEN chosen.reason ELSE n.status_reason END,
        done_at = CASE WHEN chosen.reason IN ('unwanted', 'no_consent') THEN clinic.now() ELSE n.done_at END
    FROM (SELECT w.notification_id, r.channel, r.reason
          FROM clinic_data.notifications AS w
          CROSS JOIN LATERAL clinic_private.choose_contact(tenant, w.patient_id, w.kind, w.wanted_channel) AS r
          WHERE w.tenant_id = tenant AND w.status = 'waiting' AND w.recipient = 'patient'
            AND w.patient_id = ANY (people)) AS chosen
    WHERE n.tenant_id = tenant AND n.notification_id = chosen.notification_id AND n.status = 'waiting'
      AND (n.channel IS DISTINCT FROM chosen.channel OR chosen.reason IN ('unwanted', 'no_consent'));
    PERFORM clinic_private.stop_queued(tenant, w.notification_id, r.reason)
    FROM clinic_data.notifications AS w
    CROSS JOIN LATERAL clinic_private.choose_contact(tenant, w.patient_id, w.kind, w.wanted_channel) AS r
    WHERE w.tenant_id = tenant AND w.status = 'queued' AND w.recipient = 'patient' AND w.patient_id = ANY (people)
      AND r.reason IN ('unwanted', 'no_consent');
    PERFORM clinic_private.restore_context(saved);
END
$$;
COMMENT ON FUNCTION clinic_private.choose_channels_again(uuid) IS 'Gives what waits for a patient, and for those whom the patient acts for, the channel that now comes first.';

-- A batch of one task. A transaction that planned by the old rules may commit after the first round has passed its place: so there is a second,
-- when all that were running at the end of the first are over.
CREATE FUNCTION clinic_private.plan_batch_again(tenant_id uuid, batch integer)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    task record;
    visit record;
    number integer := 0;
    last_id uuid;
BEGIN
    SELECT t.replan_id, t.service_id, t.after_id, t.seen_before INTO task
    FROM clinic_data.notification_replans AS t
    WHERE t.tenant_id = plan_batch_again.tenant_id
      AND (t.seen_before IS NULL OR t.seen_before <= pg_snapshot_xmin(pg_current_snapshot()))
    ORDER BY t.replan_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    FOR visit IN
        SELECT a.appointment_id
        FROM clinic_data.appointments AS a
        WHERE a.tenant_id = plan_batch_again.tenant_id AND a.starts_at > clinic.now() AND a.status IN ('booked', 'confirmed')
          AND coalesce(a.service_id = task.service_id, task.service_id IS NULL)
          AND coalesce(a.appointment_id > task.after_id, true)
        ORDER BY a.appointment_id
        LIMIT plan_batch_again.batch
    LOOP
        PERFORM clinic_private.plan_reminders(plan_batch_again.tenant_id, visit.appointment_id);
        number := number + 1;
        last_id := visit.appointment_id;
    END LOOP;
    IF number = plan_batch_again.batch THEN
        UPDATE clinic_data.notification_replans AS t
        SET after_id = last_id
        WHERE t.tenant_id = plan_batch_again.tenant_id AND t.replan_id = task.replan_id;
    ELSIF task.seen_before IS NULL THEN
        UPDATE clinic_data.notification_replans AS t
        SET after_id = NULL, seen_before = pg_snapshot_xmax(pg_current_snapshot())
        WHERE t.tenant_id = plan_batch_again.tenant_id AND t.replan_id = task.replan_id;
    ELSE
        DELETE FROM clinic_data.notification_replans AS t
        WHERE t.tenant_id = plan_batch_again.tenant_id AND t.replan_id = task.replan_id;
    END IF;
    RETURN number;
END
$$;
COMMENT ON FUNCTION clinic_private.plan_batch_again(uuid, integer) IS
    'Plans the next appointments of the oldest task afresh, and returns how many; null when there is no task, or another session does it.';

-- Patients who are due to come again and have no visit ahead.
CREATE FUNCTION clinic_private.recall_batch(tenant_id uuid, batch integer)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    visit record;
    number integer := 0;
BEGIN
    FOR visit IN
        SELECT a.appointment_id, a.patient_id, a.service_id, a.starts_at
        FROM clinic_data.services AS s
        -- What was missed for a month is not caught up.
        JOIN clinic_data.appointments AS a
          ON a.tenant_id = s.tenant_id AND a.service_id = s.service_id AND a.status = 'completed'
             AND a.starts_at <= clinic.now() - make_interval(days => s.recall_days)
             AND a.starts_at > clinic.now() - make_interval(days => s.recall_days + 30)
        JOIN clinic_data.patients AS p ON p.tenant_id = a.tenant_id AND p.patient_id = a.patient_id AND p.status = 'active'
        WHERE s.tenant_id = recall_batch.tenant_id AND s.recall_days IS NOT NULL AND s.status = 'active'
          AND NOT EXISTS (SELECT FROM clinic_data.appointments AS later
                          WHERE later.tenant_id = a.tenant_id AND later.patient_id = a.patient_id AND later.service_id = a.service_id
                            AND later.starts_at > a.starts_at AND later.status NOT IN ('cancelled', 'no_show'))
          AND NOT EXISTS (SELECT FROM clinic_data.notifications AS n
                          WHERE n.tenant_id = a.tenant_id AND n.patient_id = a.patient_id AND n.kind = 'recall'
                            AND n.data ->> 'recalled_service_id' = a.service_id::text AND n.created_at > a.starts_at)
        ORDER BY a.starts_at, a.appointment_id
        LIMIT recall_batch.batch
        FOR UPDATE OF p SKIP LOCKED
    LOOP
        PERFORM clinic_private.add_notification(recall_batch.tenant_id, 'recall', visit.patient_id, NULL,
            jsonb_build_object('service_id', visit.service_id, 'recalled_service_id', visit.service_id), clinic.now(), true);
        number := number + 1;
    END LOOP;
    RETURN number;
END
$$;
COMMENT ON FUNCTION clinic_private.recall_batch(uuid, integer) IS 'Plans messages to patients whose service asks them back, and returns how many.';

CREATE FUNCTION clinic_private.plan_notifications_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    batch constant integer := 500;
    tenant uuid := clinic_private.require_tenant();
    saved text := clinic_private.saved_context();
    number bigint;
BEGIN
    PERFORM clinic_private.act_as_system(tenant);
    number := clinic_private.follow_waiting_changes(tenant, batch) + coalesce(clinic_private.plan_batch_again(tenant, batch), 0) + clinic_private.recall_batch(tenant, batch);
    PERFORM clinic_private.restore_context(saved);
    RETURN number;
END
$$;
COMMENT ON FUNCTION clinic_private.plan_notifications_job() IS
    'Job: plans afresh what a changed plan or setting concerns, 500 appointments at a time, and asks patients back. Returns how many it dealt with. Safe twice and at once.';

CREATE FUNCTION clinic.set_reminder_plan(reminders jsonb, service_id uuid DEFAULT NULL, patient_id uuid DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid;
    checked jsonb;
    saved text;
BEGIN
    IF set_reminder_plan.patient_id IS NULL THEN
        tenant := clinic_private.require_permission('setup:write');
    ELSE
        tenant := clinic_private.require_own_or_written(set_reminder_plan.patient_id);
    END IF;
    IF set_reminder_plan.service_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('service', set_reminder_plan.service_id);
    END IF;
    checked := clinic_private.checked_reminders(set_reminder_plan.reminders);
    IF set_reminder_plan.reminders IS NULL THEN
        DELETE FROM clinic_data.reminder_plans AS p
        WHERE p.tenant_id = tenant AND p.service_id IS NOT DISTINCT FROM set_reminder_plan.service_id
          AND p.patient_id IS NOT DISTINCT FROM set_reminder_plan.patient_id;
    ELSE
        INSERT INTO clinic_data.reminder_plans AS p (tenant_id, plan_id, service_id, patient_id, reminders)
        VALUES (tenant, clinic.new_id(), set_reminder_plan.service_id, set_reminder_plan.patient_id, checked)
        ON CONFLICT ON CONSTRAINT reminder_plans_tenant_id_service_id_patient_id_key DO UPDATE SET reminders = excluded.reminders;
    END IF;
    IF set_reminder_plan.patient_id IS NOT NULL THEN
        PERFORM clinic_private.plan_patient_again(set_reminder_plan.patient_id);
    ELSE
        saved := clinic_private.saved_context();
        PERFORM clinic_private.act_as_system(tenant);
        INSERT INTO clinic_data.notification_replans (tenant_id, replan_id, service_id, created_at)
        VALUES (tenant, clinic.new_id(), set_reminder_plan.service_id, clinic.now());
        PERFORM clinic_private.plan_batch_again(tenant, 500);
        PERFORM clinic_private.restore_context(saved);
    END IF;
END
$$;
ALTER FUNCTION clinic.set_reminder_plan OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_reminder_plan FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_reminder_plan TO clinic_user;
COMMENT ON FUNCTION clinic.set_reminder_plan IS
    'Says when patients are reminded; a second call replaces the first, and null takes the plan back. Of a service, of a patient, of both, or without either of the tenant; the most
particular one counts: patient and service, patient, service, tenant, else 72, 24 and 2 hours before. What is not sent yet is planned afresh, at once for a patient and for up to 500
visits, the rest by the job.
For a patient: the patient and those who act for them, else patients:write and patients:read; without one: setup:write.
reminders: a list of at most 20 objects: {"before_minutes": 1440} is elapsed time; {"days_before": 1} the day before at the local time of the visit; {"days_before": 1, "at": "18:00"}
at that time on the wall clock of the visit''s location; each may have "channel" (sms, email, push, voice, whatsapp). An empty list: no reminder.
Errors: no_context, forbidden, not_found, 22004, 22023.';

REVOKE ALL ON FUNCTION clinic_private.void_notifications, clinic_private.stop_queued, clinic_private.plan_reminders, clinic_private.ids_of_data, clinic_private.add_notification, clinic_private.queue_notification,
    clinic_private.follow_appointment, clinic_private.follow_appointment_change, clinic_private.follow_waiting_changes, clinic_private.follow_tenant_change, clinic_private.plan_patient_again,
    clinic_private.choose_channels_again, clinic_private.plan_batch_again, clinic_private.recall_batch, clinic_private.plan_notifications_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.void_notifications, clinic_private.stop_queued, clinic_private.plan_reminders, clinic_private.ids_of_data, clinic_private.add_notification, clinic_private.queue_notification,
    clinic_private.follow_appointment, clinic_private.follow_appointment_change, clinic_private.follow_waiting_changes, clinic_private.follow_tenant_change, clinic_private.plan_patient_again,
    clinic_private.choose_channels_again, clinic_private.plan_batch_again, clinic_private.recall_batch, clinic_private.plan_notifications_job TO clinic_owner;
