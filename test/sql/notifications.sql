-- Reminders and the messages of a booking's life: when they are due, what takes them back, in which words they go out.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE notices_desk LOGIN IN ROLE clinic_user;
CREATE ROLE notices_sender LOGIN IN ROLE clinic_user;
CREATE ROLE notices_lena LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set tenant '00c0c001-0000-7000-8000-000000000001'
\set place '00c0c001-0010-7000-8000-000000000001'
\set doctor '00c0c001-0020-7000-8000-000000000001'
\set other_doctor '00c0c001-0020-7000-8000-000000000002'
\set visit '00c0c001-0040-7000-8000-000000000001'
\set lena '00c0c001-0090-7000-8000-000000000001'
\set ravi '00c0c001-0090-7000-8000-000000000002'
\set child '00c0c001-0090-7000-8000-000000000003'
SET clinic.clock = '2026-03-02T15:00:00Z';
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant(slug => 'notices', name => 'River Clinic', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_location('Midtown', 'America/New_York', country => 'US', location_id => :'place'),
       clinic.create_provider('Dr. Moss', 'America/New_York', provider_id => :'doctor'), clinic.create_provider('Dr. Rao', 'America/New_York', provider_id => :'other_doctor'),
       clinic.create_service('Checkup', duration_minutes => 30, step_minutes => 15, service_id => :'visit'),
       clinic.create_patient('Lena Ortiz', patient_id => :'lena'), clinic.create_patient('Ravi Kumar', patient_id => :'ravi'),
       clinic.create_patient('Tia Ortiz', patient_id => :'child') \g /dev/null
SELECT clinic.offer_service(:'visit', p.id), clinic.add_hours(p.id, :'place', 'FREQ=DAILY', '00:00', '24:00', valid_from => '2026-01-01')
FROM (VALUES (:'doctor'::uuid), (:'other_doctor')) AS p (id) \g /dev/null
SELECT clinic.map_login('notices_desk', 'staff', '{appointments:*,patients:*,setup:write}'), clinic.map_login('notices_sender', 'staff', '{outbox:deliver}'),
       clinic.map_login('notices_lena', 'patient', patient_id => :'lena') \g /dev/null
COMMIT;
RESET ROLE;
-- What is planned, in New York.
CREATE VIEW pg_temp.notes AS
    SELECT n.kind, p.name AS patient, n.planned_at AT TIME ZONE 'America/New_York' AS planned, n.due_at AT TIME ZONE 'America/New_York' AS due, n.channel,
           n.status, n.status_reason AS reason
    FROM clinic_data.notifications AS n JOIN clinic_data.patients AS p USING (tenant_id, patient_id)
    WHERE n.tenant_id = '00c0c001-0000-7000-8000-000000000001'
    ORDER BY p.name, n.appointment_id, n.planned_at, n.kind, n.notification_id;
CREATE PROCEDURE pg_temp.forget() LANGUAGE sql AS $$
    DELETE FROM clinic_data.appointments WHERE tenant_id = '00c0c001-0000-7000-8000-000000000001';
    DELETE FROM clinic_data.notifications WHERE tenant_id = '00c0c001-0000-7000-8000-000000000001';
    DELETE FROM clinic_data.outbox WHERE tenant_id = '00c0c001-0000-7000-8000-000000000001';
$$;
CREATE PROCEDURE pg_temp.free() LANGUAGE sql AS $$
    DELETE FROM clinic_data.claims WHERE tenant_id = '00c0c001-0000-7000-8000-000000000001';
    DELETE FROM clinic_data.holds WHERE tenant_id = '00c0c001-0000-7000-8000-000000000001';
    DELETE FROM clinic_data.appointment_resources WHERE tenant_id = '00c0c001-0000-7000-8000-000000000001';
    CALL pg_temp.forget();
$$;
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_patient_contact(:'lena', 'sms', '+1 (555) 010-0199', verified => true) IS NOT NULL AS added,
       clinic.set_patient_contact(:'lena', 'email', ' Lena@Example.org ') IS NOT NULL AS mail;
SELECT c.channel, c.destination, c.verified_at, c.opted_out_at FROM clinic.patient_contacts AS c ORDER BY c.channel;

-- 72, 24 and 2 hours before; over the weekend on which the clock springs forward 24 hours is elapsed time, and one hour earlier on the wall clock.
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'lena', '2026-03-08 14:00-04', :'doctor') AS b \gset
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes;

-- "The day before" is the same local time, or a time of its own; a time that the clock skips moves on, one in the past of the visit is none.
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_reminder_plan('[{"days_before": 1}, {"before_minutes": 1440}, {"days_before": 2, "at": "18:00", "channel": "email"}, {"days_before": 0, "at": "02:30"}, {"days_before": 0, "at": "20:00"}]',
    service_id => :'visit');
SELECT clinic.set_communication_preferences(:'lena', quiet_from => '00:00', quiet_until => '00:00');
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes WHERE status <> 'void';
SELECT * FROM pg_temp.notes WHERE status = 'void';
SELECT p.service_id = :'visit' AS of_service, p.patient_id, p.reminders FROM clinic_data.reminder_plans AS p WHERE p.tenant_id = :'tenant';

-- The most particular plan counts; an empty one is a plan; null takes it back.
SET SESSION AUTHORIZATION notices_lena;
SELECT clinic.set_reminder_plan('[{"before_minutes": 60}]', patient_id => :'lena');
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes WHERE status = 'waiting';
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_reminder_plan('[]', service_id => :'visit', patient_id => :'lena');
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes WHERE status = 'waiting';
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_reminder_plan(NULL, service_id => :'visit', patient_id => :'lena'), clinic.set_reminder_plan(NULL, patient_id => :'lena'),
       clinic.set_reminder_plan(NULL, service_id => :'visit');
SELECT clinic.set_communication_preferences(:'lena');
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes WHERE status = 'waiting';
CALL pg_temp.free();

-- Quiet hours (21:00 to 08:00): due in them waits for their end; where the visit would have begun by then, it goes a minute before they begin. Two that meet become one.
SET SESSION AUTHORIZATION notices_desk;
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'lena', '2026-03-20 07:30-04', :'doctor') AS b \gset
SELECT b.appointment_id AS a2 FROM clinic.book_appointment(:'visit', :'lena', '2026-03-21 23:30-04', :'doctor') AS b \gset
SELECT b.appointment_id AS a3 FROM clinic.book_appointment(:'visit', :'lena', '2026-03-23 08:00-04', :'doctor') AS b \gset
SELECT b.appointment_id AS a4 FROM clinic.book_appointment(:'visit', :'lena', '2026-03-25 08:15-04', :'doctor') AS b \gset
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes WHERE kind = 'reminder';
-- Two that come to go out at once are one.
SET SESSION AUTHORIZATION notices_lena;
SELECT clinic.set_reminder_plan('[{"before_minutes": 600}, {"before_minutes": 720}]', patient_id => :'lena');
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes WHERE kind = 'reminder' AND status <> 'void';
SET SESSION AUTHORIZATION notices_lena;
SELECT clinic.set_reminder_plan(NULL, patient_id => :'lena');
-- In the patient's own zone, which is half a day away; and by day.
SELECT clinic.set_communication_preferences(:'lena', time_zone => 'asia/kolkata', quiet_from => '16:30', quiet_until => '17:40');
RESET SESSION AUTHORIZATION;
SELECT n.planned_at AT TIME ZONE 'Asia/Kolkata' AS planned, n.due_at AT TIME ZONE 'Asia/Kolkata' AS due, n.status, n.status_reason
FROM clinic_data.notifications AS n WHERE n.tenant_id = :'tenant' AND n.kind = 'reminder' AND n.status <> 'void' ORDER BY n.planned_at;
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_communication_preferences(:'lena');
RESET SESSION AUTHORIZATION;
-- Straight: in, out, at the edges, over midnight and within a day, across both changes of the clock.
SELECT q.at, clinic_private.outside_quiet_hours(q.at, q.before, 'America/New_York', q.f, q.u) AS due
FROM (VALUES (timestamptz '2026-03-02 20:59:59-05', NULL::timestamptz, time '21:00', time '08:00'), ('2026-03-02 21:00-05', NULL, '21:00', '08:00'),
             ('2026-03-03 07:59-05', NULL, '21:00', '08:00'), ('2026-03-03 08:00-05', NULL, '21:00', '08:00'),
             ('2026-03-03 02:00-05', '2026-03-03 08:00-05', '21:00', '08:00'), ('2026-03-03 02:00-05', '2026-03-03 08:01-05', '21:00', '08:00'),
             ('2026-03-03 14:00-05', '2026-03-03 14:30-05', '13:00', '15:00'), ('2026-03-03 14:00-05', NULL, '13:00', '15:00'), ('2026-03-03 14:00-05', NULL, '09:00', '09:00'),
             ('2026-03-08 01:30-05', NULL, '01:00', '02:30'), ('2026-03-08 03:10-04', NULL, '01:00', '02:30'), ('2026-11-01 01:15-04', NULL, '00:00', '01:30'),
             ('2026-11-01 01:15-05', NULL, '00:00', '01:30'), ('2026-11-01 00:30-04', '2026-11-01 01:00-04', '22:00', '03:00')) AS q (at, before, f, u);
CALL pg_temp.free();

-- Overdue when planned: recorded as skipped. Nothing for what lies in the past, or is only held.
SET SESSION AUTHORIZATION notices_desk;
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'lena', '2026-03-03 09:00-05', :'doctor') AS b \gset
SELECT h.appointment_id AS a2, h.hold_token FROM clinic.hold_slot(:'visit', :'lena', '2026-03-09 09:00-04', :'doctor') AS h \gset
SELECT b.status FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-01 09:00-05', :'doctor', override => true, reason => 'was forgotten') AS b;
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes;
SET SESSION AUTHORIZATION notices_desk;
SELECT c.status FROM clinic.confirm_hold(:'hold_token') AS c;
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM pg_temp.notes WHERE status = 'waiting' AND kind = 'reminder' AND due > '2026-03-05';
CALL pg_temp.free();

-- A move voids and plans afresh. The patient is told of the change against what they were told before; back at the old time there is nothing to tell.
SET SESSION AUTHORIZATION notices_desk;
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'lena', '2026-03-12 10:00-04', :'doctor') AS b \gset
SET SESSION AUTHORIZATION notices_sender;
SELECT c.topic, c.channel, c.destination, regexp_replace(c.payload ->> 'body', '[A-Z0-9]{8}', 'CODE') AS body FROM clinic.claim_messages() AS c;
SELECT count(*) AS again FROM clinic.claim_due_notifications();
RESET SESSION AUTHORIZATION;
SELECT clinic.finish_message(o.message_id) FROM clinic_data.outbox AS o, clinic.use_tenant('notices') WHERE o.tenant_id = :'tenant' AND o.status = 'waiting';
SET clinic.clock = '2026-03-09T14:00:00Z';
SET SESSION AUTHORIZATION notices_sender;
SELECT c.topic, c.payload ->> 'body' AS body FROM clinic.claim_due_notifications() AS c;
RESET SESSION AUTHORIZATION;
SELECT clinic.finish_message(o.message_id) FROM clinic_data.outbox AS o, clinic.use_tenant('notices') WHERE o.tenant_id = :'tenant' AND o.status = 'waiting';
SET SESSION AUTHORIZATION notices_desk;
SELECT r.local_starts_at FROM clinic.reschedule_appointment(:'a1', '2026-03-13 11:00-04') AS r;
SELECT r.local_starts_at FROM clinic.reschedule_appointment(:'a1', '2026-03-13 12:00-04', :'other_doctor') AS r;
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes;
SET SESSION AUTHORIZATION notices_desk;
SELECT r.local_starts_at FROM clinic.reschedule_appointment(:'a1', '2026-03-12 10:00-04', :'doctor') AS r;
RESET SESSION AUTHORIZATION;
-- What was sent for that time is not sent again; what was taken back is there again.
SELECT * FROM pg_temp.notes WHERE status <> 'void';
SET SESSION AUTHORIZATION notices_sender;
SELECT count(*) AS nothing FROM clinic.claim_messages() AS c;
SET SESSION AUTHORIZATION notices_desk;
SELECT r.local_starts_at FROM clinic.reschedule_appointment(:'a1', '2026-03-13 12:00-04', :'other_doctor') AS r;
SET SESSION AUTHORIZATION notices_sender;
SELECT c.topic, c.payload ->> 'subject' AS subject, c.payload ->> 'body' AS body FROM clinic.claim_messages() AS c;
RESET SESSION AUTHORIZATION;
-- Cancelled while somebody is sending the change: the reminders are void, the cancellation goes out; whoever claims after the lease does not get the change.
SET SESSION AUTHORIZATION notices_desk;
SELECT c.status FROM clinic.cancel_appointment(:'a1', 'flood') AS c;
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-03-09T14:02:00Z';
SET SESSION AUTHORIZATION notices_sender;
SELECT c.topic, c.payload ->> 'body' AS body FROM clinic.claim_messages() AS c;
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes WHERE status <> 'void' OR kind = 'change';
CALL pg_temp.free();

-- With a delay, what is undone meanwhile is not told; a cancellation that is taken back neither.
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.update_tenant('{"message_delay_minutes": 5}') IS NOT NULL AS changed;
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'lena', '2026-03-20 10:00-04', :'doctor') AS b \gset
SET SESSION AUTHORIZATION notices_sender;
SELECT count(*) AS too_early FROM clinic.claim_messages() AS c;
SET SESSION AUTHORIZATION notices_desk;
SELECT r.local_starts_at FROM clinic.reschedule_appointment(:'a1', '2026-03-20 11:00-04') AS r;
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-03-09T14:07:00Z';
SET SESSION AUTHORIZATION notices_sender;
SELECT c.topic, regexp_replace(c.payload ->> 'body', '[A-Z0-9]{8}', 'CODE') AS body FROM clinic.claim_messages() AS c;
SET SESSION AUTHORIZATION notices_desk;
SELECT c.status FROM clinic.cancel_appointment(:'a1', 'wrong one') AS c;
SELECT r.status FROM clinic.reinstate_appointment(:'a1') AS r;
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes;
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.update_tenant('{"message_delay_minutes": 0}') IS NOT NULL AS changed;
RESET SESSION AUTHORIZATION;
-- Whoever has arrived is not reminded; undone, they are. Nobody is told of either.
BEGIN;
SELECT clinic.use_tenant('notices');
SELECT s.status FROM clinic_private.change_status(:'a1', 'check_in') AS s;
SELECT count(*) FROM pg_temp.notes WHERE status = 'waiting';
SELECT s.status FROM clinic_private.change_status(:'a1', 'undo_check_in') AS s;
SELECT kind, count(*) FROM pg_temp.notes WHERE status = 'waiting' GROUP BY 1;
COMMIT;
CALL pg_temp.free();

-- Languages and forms: the patient's own, else the tenant's, else English; the tenant's words before those that are shipped, of the same language.
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_patient_contact(:'ravi', 'whatsapp', '+91 98765-43210') IS NOT NULL AS added;
SELECT clinic.set_communication_preferences(:'ravi', language => 'hi-IN');
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-17 14:30-04', :'doctor') AS b \gset
SET SESSION AUTHORIZATION notices_sender;
SELECT c.channel, c.destination, c.payload ->> 'language' AS language, c.payload ->> 'subject' AS subject, replace(c.payload ->> 'body', a.code, 'CODE') AS body
FROM clinic.claim_messages() AS c, LATERAL (SELECT substring(c.payload ->> 'body' FROM '[A-Z0-9]{8}') AS code) AS a;
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_message_template('reminder', 'en', 'Own words: {{weekday}}, {{date}}, {{time}}'), clinic.set_message_template('reminder', 'ta', '{{ time }} {{clinic}}', channel => 'sms');
RESET SESSION AUTHORIZATION;
SELECT l.wanted, l.channel, t.locale, t.language, left(t.body, 12) AS body
FROM (VALUES ('{hi-IN,en}'::text[], 'sms'), ('{ta-IN,en-IN}', 'sms'), ('{ta-IN,en-IN}', 'email'), ('{de-DE,fr}', 'sms'), ('{NULL,hi}', 'sms'), ('{EN-gb}', 'sms')) AS l (wanted, channel)
CROSS JOIN LATERAL clinic_private.find_template(:'tenant', 'reminder', l.channel, l.wanted) AS t;
SELECT t.kind, t.language, t.channel, t.shipped FROM clinic.use_tenant('notices'), clinic.message_templates AS t WHERE t.kind IN ('reminder', 'welcome') ORDER BY 1, 2, 3;
SELECT count(*) AS incomplete FROM clinic_private.shipped_templates() AS s
WHERE clinic_private.message_names(s.body) IS NULL OR NOT clinic_private.message_names(s.subject || s.body) <@ clinic_private.message_variables(s.kind);
SELECT k.kind FROM unnest(clinic_private.notification_kinds()) AS k (kind) WHERE (SELECT count(*) FROM clinic_private.shipped_templates() AS s WHERE s.kind = k.kind AND s.language IN ('en', 'hi')) <> 2;
SELECT l.locale, clinic_private.date_text(l.locale, '2026-03-10') AS on_date, clinic_private.time_text(l.locale, '14:30') AS at, clinic_private.money_text(l.locale, '1234567.5', 'INR') AS amount
FROM (VALUES ('en-US'), ('en-GB'), ('en-IN'), ('hi-IN'), ('de-DE')) AS l (locale);
CALL pg_temp.free();

-- What other modules say: texts, numbers, times, dates and money; a value is never a template, and a subject is one line.
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_message_template('consent_expiring', 'en', '{{consent}} / {{expires_date}} / {{amount}} / {{patient_name}}', subject => 'About {{consent}}');
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT clinic.use_tenant('notices');
SELECT clinic_private.queue_notification('consent_expiring', :'lena', NULL, jsonb_build_object('consent', E'{{clinic}}\nBcc: x', 'expires_on', '2026-04-01',
    'amount', jsonb_build_object('amount', 1234.5, 'currency', 'USD'))) IS NOT NULL AS queued;
SELECT clinic_private.queue_notification('waitlist_offer', :'ravi', NULL, jsonb_build_object('offer_id', clinic.new_id(), 'service_id', :'visit', 'provider_id', :'doctor', 'location_id', :'place',
    'starts_at', '2026-03-10 09:00-04', 'expires_at', '2026-03-09 14:37Z')) IS NOT NULL AS queued;
SELECT payload - 'notification_id' AS payload FROM clinic.claim_due_notifications() AS c ORDER BY c.topic;
COMMIT;
\set VERBOSITY verbose
BEGIN;
SELECT clinic.use_tenant('notices');
SELECT clinic_private.queue_notification('birthday', :'lena', NULL, NULL);
ROLLBACK;
\set VERBOSITY default
CALL pg_temp.free();

-- Channels: by kind of message, of the patient before the tenant; nobody who opted out, bounced, or wants none of that kind. A child is reached by those who act for them.
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.update_tenant('{"message_channels": {"*": ["email", "sms"]}}') IS NOT NULL AS changed;
SELECT clinic.add_dependant(:'lena', :'child');
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'child', '2026-03-12 15:00-04', :'doctor') AS b \gset
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes WHERE status = 'waiting';
SET SESSION AUTHORIZATION notices_lena;
SELECT clinic.set_patient_contact(:'lena', 'email', 'lena@example.org', opted_out => true) IS NOT NULL AS changed;
SELECT clinic.set_communication_preferences(:'child', channels => '{"confirmation": []}');
SELECT clinic.set_patient_contact(:'child', 'push', 'device-1') IS NOT NULL AS added;
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes WHERE status = 'waiting';
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.update_tenant('{"message_channels": {}}') IS NOT NULL AS changed;
SELECT clinic.set_patient_contact(:'child', 'push', 'device-1', remove => true) IS NOT NULL AS removed, clinic.set_patient_contact(:'lena', 'sms', '+15550100199', opted_out => true) IS NOT NULL AS out;
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-03-10T20:00:00Z';
SET SESSION AUTHORIZATION notices_sender;
SELECT count(*) AS unreachable FROM clinic.claim_messages();
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes;
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_patient_contact(:'lena', 'sms', '+15550100199', opted_out => false) IS NOT NULL AS back;
SELECT r.channel, r.planned_at, r.status FROM clinic.notifications AS r WHERE r.status = 'waiting' ORDER BY 2;
RESET SESSION AUTHORIZATION;
CALL pg_temp.free();

-- Delivery: what says more stays; a contact that bounced is not used again, and what bounced goes another way.
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_patient_contact(:'lena', 'email', 'lena@example.org', opted_out => false) IS NOT NULL AS back;
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'lena', '2026-03-13 10:00-04', :'doctor') AS b \gset
SET SESSION AUTHORIZATION notices_sender;
SELECT c.message_id AS m1, c.channel FROM clinic.claim_messages() AS c \gset
SELECT clinic.record_delivery(:'m1', 'failed', 'carrier-7'), clinic.record_delivery(:'m1', 'delivered'), clinic.finish_message(:'m1'), clinic.record_delivery(:'m1', 'failed');
SELECT clinic.record_delivery(:'m1', 'bounced');
SELECT c.message_id AS m2, c.channel FROM clinic.claim_messages() AS c \gset
SELECT :'channel' AS another_way, clinic.finish_message(:'m2'), clinic.record_delivery(:'m2', 'read'), clinic.record_delivery(:'m2', 'bounced');
RESET SESSION AUTHORIZATION;
SELECT n.kind, n.channel, n.status, n.delivery, n.sent_at, n.data FROM clinic_data.notifications AS n WHERE n.tenant_id = :'tenant' AND n.kind = 'confirmation' ORDER BY n.notification_id;
SELECT o.channel, o.destination, o.payload, o.status, o.delivery, o.reference FROM clinic_data.outbox AS o WHERE o.tenant_id = :'tenant' ORDER BY o.message_id;
SELECT c.channel, c.bounced_at FROM clinic_data.patient_contacts AS c WHERE c.tenant_id = :'tenant' AND c.patient_id = :'lena' ORDER BY 1;
CALL pg_temp.free();

-- Bounces of the very moment that a reminder was planned for, and several at once: one goes another way.
BEGIN;
SELECT clinic.use_tenant('notices') \g /dev/null
SELECT clinic.set_patient_contact(:'ravi', 'sms', '+15550100777', verified => true) IS NOT NULL AS sms, clinic.set_patient_contact(:'ravi', 'email', 'ravi@example.org') IS NOT NULL AS email;
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-14 15:00-04', :'doctor') AS b \gset
SELECT c.topic, clinic.finish_message(c.message_id) FROM clinic.claim_due_notifications() AS c;
SET LOCAL clinic.clock = '2026-03-14T17:00:00Z';
SELECT c.topic, count(*), max(clinic.record_delivery(c.message_id, 'bounced')) FROM clinic.claim_due_notifications() AS c GROUP BY 1 ORDER BY 1;
SELECT n.kind, n.planned_at, n.channel, n.status, n.delivery FROM clinic_data.notifications AS n WHERE n.appointment_id = :'a1' ORDER BY n.kind, n.planned_at;
SELECT c.topic, c.channel FROM clinic.claim_due_notifications() AS c;
ROLLBACK;

-- One transaction, one message: a series is told of once, and goes on for the others when one is cancelled.
SET SESSION AUTHORIZATION notices_desk;
BEGIN;
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-17 10:00-04', :'doctor') AS b \gset
SELECT b.appointment_id AS a2 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-24 10:00-04', :'doctor') AS b \gset
SELECT b.appointment_id AS a3 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-31 10:00-04', :'doctor') AS b \gset
COMMIT;
SELECT c.status FROM clinic.cancel_appointment(:'a1') AS c;
SET SESSION AUTHORIZATION notices_sender;
SELECT c.topic, c.payload ->> 'appointment_id' = :'a2' AS of_second, regexp_replace(c.payload ->> 'body', '[A-Z0-9]{8}', 'CODE') AS body FROM clinic.claim_messages() AS c;
RESET SESSION AUTHORIZATION;
CALL pg_temp.free();

-- It goes on for those alone that stand: the second is off before the first is.
SET SESSION AUTHORIZATION notices_desk;
BEGIN;
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-17 10:00-04', :'doctor') AS b \gset
SELECT b.appointment_id AS a2 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-24 10:00-04', :'doctor') AS b \gset
SELECT b.appointment_id AS a3 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-31 10:00-04', :'doctor') AS b \gset
COMMIT;
SELECT c.status FROM clinic.cancel_appointment(:'a2') AS c;
SELECT c.status FROM clinic.cancel_appointment(:'a1') AS c;
SET SESSION AUTHORIZATION notices_sender;
SELECT c.topic, c.payload ->> 'appointment_id' = :'a3' AS of_third, regexp_replace(c.payload ->> 'body', '[A-Z0-9]{8}', 'CODE') AS body FROM clinic.claim_messages() AS c;
RESET SESSION AUTHORIZATION;
CALL pg_temp.free();

-- In transactions that see an old snapshot nothing is read: the change waits, and is followed before anything is sent.
SET SESSION AUTHORIZATION notices_desk;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-17 10:00-04', :'doctor') AS b \gset
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT r.local_starts_at FROM clinic.reschedule_appointment(:'a1', '2026-03-18 10:00-04') AS r;
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT count(*) AS planned, (SELECT count(*) FROM clinic_data.notification_tasks AS t WHERE t.tenant_id = :'tenant') AS waiting FROM pg_temp.notes;
SET SESSION AUTHORIZATION notices_sender;
SELECT c.topic, regexp_replace(c.payload ->> 'body', '[A-Z0-9]{8}', 'CODE') AS body FROM clinic.claim_messages() AS c;
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.notes;
SELECT count(*) AS waiting FROM clinic_data.notification_tasks AS t WHERE t.tenant_id = :'tenant';
CALL pg_temp.free();

-- The job: what a setting changes for everybody, in batches and two rounds; and patients who are due to come again.
SET SESSION AUTHORIZATION notices_desk;
SELECT b.appointment_id AS a1 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-17 08:30-04', :'doctor') AS b \gset
SELECT clinic.update_tenant('{"quiet_until": "05:00"}') IS NOT NULL AS changed;
RESET SESSION AUTHORIZATION;
SELECT planned, due FROM pg_temp.notes WHERE kind = 'reminder' AND status = 'waiting';
BEGIN;
SELECT clinic.use_tenant('notices');
SELECT clinic_private.plan_notifications_job();
COMMIT;
SELECT planned, due FROM pg_temp.notes WHERE kind = 'reminder' AND status = 'waiting';
DO $$
BEGIN
    -- The second round of this task, and of those that earlier settings left; sessions of other tests may still be running.
    FOR i IN 1 .. 100 LOOP
        PERFORM clinic.use_tenant('notices');
        PERFORM clinic_private.plan_notifications_job();
        COMMIT;
        EXIT WHEN NOT EXISTS (SELECT FROM clinic_data.notification_replans AS t WHERE t.tenant_id = '00c0c001-0000-7000-8000-000000000001');
        PERFORM pg_sleep(0.1);
    END LOOP;
END
$$;
SELECT count(*) AS left_over FROM clinic_data.notification_replans AS t WHERE t.tenant_id = :'tenant';
UPDATE clinic_data.appointments SET status = 'completed', completed_at = starts_at WHERE tenant_id = :'tenant' AND appointment_id = :'a1';
SET clinic.clock = '2026-09-13T12:29:00Z';
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.update_service(:'visit', '{"recall_days": 180}') IS NOT NULL AS changed;
-- A recall is marketing: without consent it is not sent (test/sql/consents.sql).
SELECT clinic.add_consent_text('marketing', 'en', 'You may write to me.') AS words \gset
SELECT clinic.give_consent(:'ravi', 'marketing', :'words', evidence => 'scan 1') IS NOT NULL AS consented;
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT clinic.use_tenant('notices');
SELECT clinic_private.plan_notifications_job() AS too_early;
SET clinic.clock = '2026-09-13T12:30:00Z';
-- Whom it is not wanted for is not thought of again and again.
SAVEPOINT without_consent;
SELECT clinic.withdraw_consent(:'ravi', 'marketing') AS withdrawn;
SELECT clinic_private.plan_notifications_job() AS recalled, clinic_private.plan_notifications_job() AS again;
SELECT n.status, n.status_reason FROM clinic_data.notifications AS n WHERE n.tenant_id = clinic.current_tenant_id() AND n.kind = 'recall';
ROLLBACK TO without_consent;
-- Whom nobody can write to any more, for what is kept of the way does not decrypt, keeps nobody from their messages.
UPDATE clinic_data.patient_contacts AS c SET destination = (SELECT o.destination FROM clinic_data.patient_contacts AS o WHERE o.tenant_id = c.tenant_id AND o.patient_id = :'lena' LIMIT 1)
WHERE c.tenant_id = clinic.current_tenant_id() AND c.patient_id = :'ravi';
SELECT clinic_private.plan_notifications_job() AS recalled;
SELECT count(*) FROM clinic.claim_messages() AS c;
SELECT n.status, n.status_reason, n.message_id IS NULL AS nothing_sent FROM clinic_data.notifications AS n WHERE n.tenant_id = clinic.current_tenant_id() AND n.kind = 'recall';
ROLLBACK TO without_consent;
SELECT clinic_private.plan_notifications_job() AS recalled, clinic_private.plan_notifications_job() AS again;
SELECT c.payload ->> 'body' AS body FROM clinic.claim_due_notifications() AS c;
SELECT clinic_private.plan_notifications_job() AS once;
COMMIT;
CALL pg_temp.free();
SET clinic.clock = '2026-03-10T20:00:00Z';

-- Who may do what, and bad arguments; no text and no destination is in any error.
SET SESSION AUTHORIZATION notices_lena;
SELECT clinic.set_reminder_plan('[]');
SELECT clinic.set_patient_contact(:'ravi', 'sms', '+15550100200');
SELECT clinic.set_patient_contact(:'lena', 'sms', '+15550100200', verified => true);
SELECT clinic.set_communication_preferences(:'ravi');
SELECT clinic.claim_due_notifications();
SELECT clinic.record_reply('sms', '+15550100199', 'CONFIRM');
SELECT count(*) FROM clinic.patient_contacts WHERE patient_id <> :'lena' AND patient_id <> :'child';
SET SESSION AUTHORIZATION notices_sender;
SELECT count(*) FROM clinic.notifications;
SELECT count(*) FROM clinic.patient_contacts;
SELECT clinic.claim_due_notifications(0);
SELECT clinic.claim_due_notifications(channels => '{pigeon}');
SELECT clinic.record_delivery('00c0c001-0200-7000-8000-00000000000f', 'delivered');
SELECT clinic.record_delivery('00c0c001-0200-7000-8000-00000000000f', 'eaten');
SELECT clinic.record_reply('sms', 'lena', 'CONFIRM');
SET SESSION AUTHORIZATION notices_desk;
SELECT clinic.set_patient_contact(:'lena', 'fax', '+15550100200');
SELECT clinic.set_patient_contact(:'lena', 'sms', '0100');
SELECT clinic.set_patient_contact(:'lena', 'email', 'nobody');
SELECT clinic.set_patient_contact('00c0c001-0090-7000-8000-0000000000ff', 'sms', '+15550100200');
SELECT clinic.set_communication_preferences(:'lena', language => 'en_US');
SELECT clinic.set_communication_preferences(:'lena', time_zone => 'Mars/Olympus');
SELECT clinic.set_communication_preferences(:'lena', quiet_from => '21:00');
SELECT clinic.set_communication_preferences(:'lena', channels => '{"reminder": ["pigeon"]}');
SELECT clinic.set_communication_preferences(:'lena', channels => '["sms"]');
SELECT clinic.set_message_template('greeting', 'en', 'x');
SELECT clinic.set_message_template('reminder', 'en', 'secret {{minutes}}');
SELECT clinic.set_message_template('reminder', 'en', 'secret {{date');
SELECT clinic.set_message_template('reminder', 'en', 'x', subject => E'a\nb');
SELECT clinic.set_message_template('reminder', 'not a tag', 'x');
SELECT clinic.update_tenant('{"message_channels": {"reminder": "sms"}}');
SELECT clinic.update_tenant('{"language": "english please"}');
SELECT p.reminders, clinic.set_reminder_plan(p.reminders) FROM (VALUES (jsonb '{}')) AS p (reminders);
SELECT clinic.set_reminder_plan('[{"before_minutes": -1}]');
SELECT clinic.set_reminder_plan('[{"before_minutes": 10, "days_before": 1}]');
SELECT clinic.set_reminder_plan('[{"before_minutes": 10, "at": "18:00"}]');
SELECT clinic.set_reminder_plan('[{"days_before": 1, "at": "25:00"}]');
SELECT clinic.set_reminder_plan('[{"days_before": 1, "channel": "pigeon"}]');
SELECT clinic.set_reminder_plan('[1]');
SELECT clinic.set_reminder_plan((SELECT jsonb_agg('{"before_minutes": 1}'::jsonb) FROM generate_series(1, 21)));
RESET SESSION AUTHORIZATION;
RESET clinic.clock;
