-- What patients answer to messages: in both languages, for whom, and what comes of it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE replies_desk LOGIN IN ROLE clinic_user;
CREATE ROLE replies_sender LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set tenant '00c1c001-0000-7000-8000-000000000001'
\set place '00c1c001-0010-7000-8000-000000000001'
\set doctor '00c1c001-0020-7000-8000-000000000001'
\set visit '00c1c001-0040-7000-8000-000000000001'
\set lena '00c1c001-0090-7000-8000-000000000001'
\set ravi '00c1c001-0090-7000-8000-000000000002'
SET clinic.clock = '2026-03-02T15:00:00Z';
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant(slug => 'replies', name => 'River Clinic', refuse_late_cancellation => true, tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_location('Midtown', 'America/New_York', location_id => :'place'), clinic.create_provider('Dr. Moss', 'America/New_York', provider_id => :'doctor'),
       clinic.create_service('Checkup', duration_minutes => 30, cancel_window_minutes => 1440, service_id => :'visit'),
       clinic.create_patient('Lena Ortiz', patient_id => :'lena'), clinic.create_patient('Ravi Ortiz', patient_id => :'ravi') \g /dev/null
SELECT clinic.offer_service(:'visit', :'doctor'), clinic.add_hours(:'doctor', :'place', 'FREQ=DAILY', '00:00', '24:00', valid_from => '2026-01-01'),
       clinic.map_login('replies_desk', 'staff', '{appointments:*,patients:*}'), clinic.map_login('replies_sender', 'staff', '{outbox:deliver}'),
       -- A family with one phone.
       clinic.set_patient_contact(:'lena', 'sms', '+15550100199'), clinic.set_patient_contact(:'ravi', 'sms', '+15550100199') \g /dev/null
COMMIT;
RESET ROLE;
CREATE VIEW pg_temp.answers AS
    SELECT r.action, r.outcome, r.reason, r.appointment_id IS NOT NULL AS of_visit FROM clinic_data.message_replies AS r
    WHERE r.tenant_id = '00c1c001-0000-7000-8000-000000000001' ORDER BY r.reply_id;

-- One word, whatever its case and courtesy; a code picks the visit; anything else is not understood.
SELECT left(t.words, 24) AS words, a.action, a.code
FROM (VALUES ('CONFIRM'), (' confirm! '), ('Confirm, please'), ('C'), ('CANCEL'), ('cancel my appointment'), ('Cancel D94T-RZ5V.'), ('confirm d94trz5v'), ('YES'), ('No thanks'), ('STOP'), ('start'),
             ('पुष्टि'), ('पुष्टि करें'), ('रद्द'), ('कृपया रद्द करें'), ('हाँ'), ('हां'), ('जी हाँ'), ('जी'), ('नहीं'), ('बंद करो'), ('शुरू'), ('haan ji'), ('radd'), ('Nahi'),
             ('do not cancel'), ('yes D94TRZ5V'), ('cancel it? no'), ('I am late'), (''), ('  '), ('?'), (repeat('cancel ', 1000))) AS t (words)
CROSS JOIN LATERAL clinic_private.reply_action(t.words) AS a;

SET SESSION AUTHORIZATION replies_desk;
SELECT b.appointment_id AS a1, b.confirmation_code AS code1 FROM clinic.book_appointment(:'visit', :'lena', '2026-03-12 10:00-04', :'doctor') AS b \gset
SELECT b.appointment_id AS a2 FROM clinic.book_appointment(:'visit', :'ravi', '2026-03-12 11:00-04', :'doctor') AS b \gset
SET SESSION AUTHORIZATION replies_sender;
-- Nothing was written yet, and two visits are ahead: which one is meant cannot be known. A code tells.
SELECT r.action, r.outcome, r.reason, r.appointment_id FROM clinic.record_reply('sms', '+1 555 010 0199', 'Confirm') AS r;
SELECT r.action, r.outcome, r.reason, r.appointment_id = :'a1' AS first FROM clinic.record_reply('sms', '+15550100199', 'CONFIRM ' || :'code1') AS r;
-- The confirmations go out, hers and then his: the one last written of is meant. Twice is once.
SELECT clinic.finish_message(c.message_id) FROM clinic.claim_messages() AS c;
SELECT r.action, r.outcome, r.appointment_id = :'a2' AS second, r.patient_id = :'ravi' AS his FROM clinic.record_reply('sms', '+15550100199', 'पुष्टि') AS r;
SELECT r.action, r.outcome, r.appointment_id = :'a2' AS second FROM clinic.record_reply('sms', '+15550100199', 'CONFIRM') AS r;
RESET SESSION AUTHORIZATION;
SELECT a.status, a.starts_at, a.updated_by FROM clinic_data.appointments AS a WHERE a.tenant_id = :'tenant' ORDER BY 2;
-- Her reminder comes later: CANCEL is hers then, the cancellation is told, and the reminders are gone.
SET clinic.clock = '2026-03-09T14:00:00Z';
SET SESSION AUTHORIZATION replies_sender;
SELECT clinic.finish_message(c.message_id) FROM clinic.claim_messages() AS c;
SELECT r.action, r.outcome, r.reason, r.appointment_id = :'a1' AS hers, r.replayed FROM clinic.record_reply('sms', '+15550100199', 'Cancel!', 'carrier-1') AS r;
SELECT r.action, r.outcome, r.reason, r.appointment_id = :'a1' AS hers, r.replayed FROM clinic.record_reply('sms', '+15550100199', 'Cancel!', 'carrier-1') AS r;
SELECT r.action FROM clinic.record_reply('sms', '+15550100199', 'Confirm', 'carrier-1') AS r;
-- Who says it again means the same visit, and no other one; nor does a word of it bring the visit back.
SELECT r.action, r.outcome, r.reason, r.appointment_id = :'a1' AS hers FROM clinic.record_reply('sms', '+15550100199', 'CANCEL') AS r;
SELECT r.action, r.outcome, r.reason, r.appointment_id = :'a1' AS hers FROM clinic.record_reply('sms', '+15550100199', 'CONFIRM') AS r;
SELECT c.topic, c.payload ->> 'body' AS body FROM clinic.claim_messages() AS c;
RESET SESSION AUTHORIZATION;
SELECT a.status, a.starts_at FROM clinic_data.appointments AS a WHERE a.tenant_id = :'tenant' ORDER BY 2;
SELECT n.kind, n.status, count(*) FROM clinic_data.notifications AS n WHERE n.tenant_id = :'tenant' AND n.patient_id = :'lena' GROUP BY 1, 2 ORDER BY 1, 2;
-- What the clinic's rules refuse is an outcome: his visit can be cancelled until a day before.
SET clinic.clock = '2026-03-11T15:30:00Z';
SET SESSION AUTHORIZATION replies_sender;
SELECT clinic.finish_message(c.message_id) FROM clinic.claim_messages() AS c WHERE c.topic = 'notification.reminder';
SELECT r.action, r.outcome, r.reason, r.appointment_id = :'a2' AS his FROM clinic.record_reply('sms', '+15550100199', 'रद्द करें') AS r;
SELECT w.actor, w.permissions, w.patient_id FROM clinic.whoami() AS w;
-- YES without an offer confirms; NO without one does nothing; a stranger has nothing; words that are not understood neither.
SELECT r.action, r.outcome, r.appointment_id = :'a2' AS his FROM clinic.record_reply('sms', '+15550100199', 'Yes') AS r;
SELECT r.action, r.outcome FROM clinic.record_reply('sms', '+15550100199', 'No') AS r;
SELECT r.action, r.outcome FROM clinic.record_reply('sms', '+15550100100', 'Cancel') AS r;
SELECT r.action, r.outcome FROM clinic.record_reply('sms', '+15550100199', 'I will be five minutes late') AS r;
-- STOP is for everybody at that number, on that channel; START takes it back.
SELECT r.action, r.outcome FROM clinic.record_reply('sms', '+15550100199', 'STOP') AS r;
RESET SESSION AUTHORIZATION;
SELECT c.channel, c.opted_out_at FROM clinic_data.patient_contacts AS c WHERE c.tenant_id = :'tenant';
SELECT n.kind, n.channel, n.status FROM clinic_data.notifications AS n WHERE n.tenant_id = :'tenant' AND n.status = 'waiting' ORDER BY n.due_at;
SET SESSION AUTHORIZATION replies_sender;
SELECT r.action, r.outcome FROM clinic.record_reply('sms', '+15550100199', 'शुरू') AS r;
RESET SESSION AUTHORIZATION;
SELECT n.kind, n.channel, n.status FROM clinic_data.notifications AS n WHERE n.tenant_id = :'tenant' AND n.status = 'waiting' ORDER BY n.due_at;
SELECT * FROM pg_temp.answers;

-- YES and NO answer the offer of a waitlist, as the patient; this one is none that the waitlist knows.
BEGIN;
SELECT clinic.use_tenant('replies');
SELECT clinic_private.queue_notification('waitlist_offer', :'lena', NULL, jsonb_build_object('offer_id', '00c1c001-00f0-7000-8000-000000000001', 'service_id', :'visit', 'provider_id', :'doctor',
    'location_id', :'place', 'starts_at', '2026-03-13 10:00-04', 'expires_at', '2026-03-11 16:00Z')) IS NOT NULL AS queued;
COMMIT;
SET SESSION AUTHORIZATION replies_sender;
SELECT c.payload ->> 'body' AS body, clinic.finish_message(c.message_id) FROM clinic.claim_messages() AS c WHERE c.topic = 'notification.waitlist_offer';
SELECT r.action, r.outcome, r.appointment_id, r.patient_id = :'lena' AS hers FROM clinic.record_reply('sms', '+15550100199', 'No') AS r;
SELECT r.action, r.outcome, r.appointment_id, r.patient_id = :'lena' AS hers FROM clinic.record_reply('sms', '+15550100199', 'Yes') AS r;
SELECT count(*) FROM clinic.message_replies;
SET SESSION AUTHORIZATION replies_desk;
SELECT r.action, r.outcome, r.patient_id = :'lena' AS hers FROM clinic.message_replies AS r WHERE r.action IN ('accept', 'decline') AND r.notification_id IS NOT NULL ORDER BY r.reply_id;
RESET SESSION AUTHORIZATION;
RESET clinic.clock;
