-- No-shows: flagged after the grace, confirmed or cleared by staff, reversed, counted; what the policies make of the count.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_missed LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_missed_clerk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_missed_biller LOGIN IN ROLE clinic_user;
CREATE ROLE regress_missed_patient LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_missed, regress_missed_clerk, regress_missed_biller, regress_missed_patient;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set VERBOSITY terse
\set ny '\'5c00004a-0010-7000-8000-000000000001\''
\set ann '\'5c00004a-0020-7000-8000-0000000000a1\''
\set visit '\'5c00004a-0040-7000-8000-000000000001\''
\set free '\'5c00004a-0040-7000-8000-000000000002\''
\set p1 '\'5c00004a-0090-7000-8000-000000000001\''
\set p2 '\'5c00004a-0090-7000-8000-000000000002\''
-- The job, as the scheduler runs it for this tenant.
CREATE FUNCTION pg_temp.flag() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    flagged bigint;
BEGIN
    PERFORM clinic.use_tenant('regress-missed');
    flagged := clinic_private.flag_no_shows_job();
    RETURN flagged;
END
$$;

-- The facts of a refusal, without the id.
CREATE FUNCTION pg_temp.refusal(id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    facts text;
BEGIN
    PERFORM clinic.mark_no_show(id);
    RETURN NULL;
EXCEPTION WHEN SQLSTATE 'CL024' THEN
    GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL;
    RETURN facts::jsonb - 'appointment_id';
END
$$;
GRANT EXECUTE ON FUNCTION pg_temp.refusal(uuid) TO PUBLIC;

SET clinic.clock = '2026-03-02T12:00:00Z';
BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-missed', name => 'Test', tenant_id => '5c00004a-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_missed', 'admin', '{*}'),
       clinic.map_login('regress_missed_clerk', 'staff', '{appointments:read,appointments:write,patients:read}'),
       clinic.map_login('regress_missed_biller', 'staff', '{appointments:read,billing:write}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_service('Visit', 30, service_id => :visit), clinic.create_service('Free', 30, service_id => :free),
       clinic.create_patient('One', patient_id => :p1), clinic.create_patient('Two', patient_id => :p2) \g /dev/null
SELECT clinic.map_login('regress_missed_patient', 'patient', patient_id => :p1),
       clinic.offer_service(:visit, :ann), clinic.offer_service(:free, :ann), clinic.update_service(:free, '{"prepayment_amount": 0, "no_show_fee_amount": 0}'),
       clinic.add_hours(:ann, :ny, 'FREQ=DAILY', '09:00', '17:00', valid_from => '2025-01-01') \g /dev/null
SELECT appointment_id AS a1 FROM clinic.book_appointment(:visit, :p1, '2026-03-02 09:00-05', :ann) \gset
SELECT appointment_id AS a2 FROM clinic.book_appointment(:visit, :p2, '2026-03-02 09:30-05', :ann) \gset
-- Three no-shows of the past, one of them exactly as old as the window is long.
SELECT b.appointment_id AS old1 FROM clinic.book_appointment(:visit, :p1, '2025-03-02 09:00-05', :ann, override => true, reason => 'past') AS b \gset
SELECT b.appointment_id AS old2 FROM clinic.book_appointment(:visit, :p1, '2025-12-02 09:00-05', :ann, override => true, reason => 'past') AS b \gset
SELECT b.appointment_id AS old3 FROM clinic.book_appointment(:visit, :p1, '2026-02-02 09:00-05', :ann, override => true, reason => 'past') AS b \gset
SELECT m.no_shows FROM unnest(ARRAY[:'old1', :'old2', :'old3']::uuid[]) WITH ORDINALITY AS o (id, n), clinic.mark_no_show(o.id) AS m ORDER BY o.n;
COMMIT;

-- Too early to the microsecond; staff only.
SET SESSION AUTHORIZATION regress_missed_clerk;
SET clinic.clock = '2026-03-02T14:14:59.999999Z';
SELECT pg_temp.refusal(:'a1');
RESET SESSION AUTHORIZATION;
SELECT pg_temp.flag();
SET SESSION AUTHORIZATION regress_missed_patient;
SET clinic.clock = '2026-03-02T14:15:00Z';
SELECT status FROM clinic.mark_no_show(:'a1');
-- Flagged once; the time stays taken; who arrives is no longer missing.
RESET SESSION AUTHORIZATION;
SELECT pg_temp.flag();
SELECT pg_temp.flag();
SELECT kind, recipient, patient_id = :p1 AS p1 FROM clinic_data.notifications WHERE kind = 'possible_no_show' AND tenant_id = '5c00004a-0000-7000-8000-000000000001';
SET SESSION AUTHORIZATION regress_missed_clerk;
SELECT status, no_show_flagged_at FROM clinic.appointments WHERE appointment_id = :'a1';
SELECT reason FROM clinic.explain_slot(:visit, '2026-03-02 09:00-05', :ann);
BEGIN;
SELECT status, late_minutes FROM clinic.check_in(:'a1');
SELECT status, no_show_flagged_at FROM clinic.appointments WHERE appointment_id = :'a1';
ROLLBACK;
-- Cleared: not flagged again, unless it is moved.
SELECT status, replayed FROM clinic.clear_no_show_flag(:'a1', idempotency_key => 'k');
SELECT status, replayed FROM clinic.clear_no_show_flag(:'a1', idempotency_key => 'k');
SELECT status FROM clinic.clear_no_show_flag(:'a1');
RESET SESSION AUTHORIZATION;
SELECT pg_temp.flag();
BEGIN;
SET LOCAL SESSION AUTHORIZATION regress_missed_clerk;
SELECT starts_at FROM clinic.reschedule_appointment(:'a1', '2026-03-02 10:00-05');
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SET LOCAL clinic.clock = '2026-03-02T15:15:00Z';
SELECT pg_temp.flag();
ROLLBACK;

-- Marked and reversed: the state of before, the count, and no flag. The window leaves out what is exactly twelve months old.
SET SESSION AUTHORIZATION regress_missed_clerk;
SELECT clinic.no_show_count(:p1);
SELECT status, no_shows, replayed FROM clinic.mark_no_show(:'a1', 'did not come', idempotency_key => 'm');
SELECT status, no_shows, replayed FROM clinic.mark_no_show(:'a1', 'did not come', idempotency_key => 'm');
SELECT status FROM clinic.check_in(:'a1');
SELECT status, no_shows FROM clinic.reverse_no_show(:'a1', 'was in the wrong room');
RESET SESSION AUTHORIZATION;
SELECT pg_temp.flag();
SET SESSION AUTHORIZATION regress_missed_clerk;
SELECT no_shows FROM clinic.mark_no_show(:'a1');

-- Policies: exactly the limit is tolerated, one more is not.
SET SESSION AUTHORIZATION regress_missed;
SELECT clinic.update_tenant('{"no_show_policy": "hang"}');
SELECT clinic.update_tenant('{"no_show_policy": "fee"}');
SELECT clinic.update_tenant('{"no_show_limit": 3, "no_show_policy": "block_online"}') \g /dev/null
SET SESSION AUTHORIZATION regress_missed_patient;
SELECT count(*) > 0 AS found FROM clinic.available_slots(:visit, '2026-03-03 09:00-05', '2026-03-03 12:00-05');
SET SESSION AUTHORIZATION regress_missed;
SELECT clinic.update_tenant('{"no_show_limit": 2}') \g /dev/null
SET SESSION AUTHORIZATION regress_missed_patient;
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-03 09:00-05', '2026-03-03 12:00-05');
SELECT step, reason, message FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05');
SELECT step, reason FROM clinic.explain_slot(:visit, '2026-03-03 09:07-05');
SELECT count(*) FROM clinic.book_appointment(:visit, :p1, '2026-03-03 09:00-05');
SELECT count(*) FROM clinic.hold_slot(:visit, :p1, '2026-03-03 09:00-05');
-- What staff book is no booking online, and the patient may move it.
SET SESSION AUTHORIZATION regress_missed_clerk;
SELECT appointment_id AS n1 FROM clinic.book_appointment(:visit, :p1, '2026-03-03 09:00-05', :ann) \gset
SET SESSION AUTHORIZATION regress_missed_patient;
SELECT starts_at FROM clinic.reschedule_appointment(:'n1', '2026-03-03 10:00-05');

-- Prepayment: due on each booking above the limit, unless the service costs nothing; cancelled with it.
SET SESSION AUTHORIZATION regress_missed;
SELECT clinic.update_tenant('{"no_show_policy": "prepayment", "prepayment_amount": 25, "charge_currency": "USD"}') \g /dev/null
SET SESSION AUTHORIZATION regress_missed_patient;
SELECT appointment_id AS n2 FROM clinic.book_appointment(:visit, :p1, '2026-03-04 09:00-05') \gset
SELECT appointment_id AS n3 FROM clinic.book_appointment(:free, :p1, '2026-03-04 10:00-05') \gset
SELECT kind, amount, currency, state FROM clinic.appointment_charges WHERE appointment_id IN (:'n2', :'n3', :'n1');
-- A hold is no booking yet.
SELECT appointment_id AS h, hold_token AS token FROM clinic.hold_slot(:visit, :p1, '2026-03-04 11:00-05') \gset
SELECT count(*) FROM clinic.appointment_charges WHERE appointment_id = :'h';
SELECT status FROM clinic.confirm_hold(:'token');
SELECT kind, state FROM clinic.appointment_charges WHERE appointment_id = :'h';
SELECT status FROM clinic.cancel_appointment(:'h');
SELECT kind, state, state_reason FROM clinic.appointment_charges WHERE appointment_id = :'h';
SET SESSION AUTHORIZATION regress_missed_clerk;
SELECT count(*) FROM clinic.book_appointment(:visit, :p2, '2026-03-04 12:00-05', :ann) \g /dev/null
SELECT count(*) AS of_others FROM clinic.appointment_charges WHERE patient_id = :p2;
SELECT charge_id AS c2 FROM clinic.appointment_charges WHERE appointment_id = :'n2' \gset
SELECT state FROM clinic.settle_charge(:'c2');
SET SESSION AUTHORIZATION regress_missed_patient;
SELECT state FROM clinic.waive_charge(:'c2', 'please');
SET SESSION AUTHORIZATION regress_missed_biller;
SELECT state FROM clinic.settle_charge('5c00004a-0000-7000-8000-000000000009');
SELECT state FROM clinic.waive_charge(:'c2', ' ');
SELECT amount, currency, state, replayed FROM clinic.settle_charge(:'c2', 'card', idempotency_key => 's');
SELECT amount, currency, state, replayed FROM clinic.settle_charge(:'c2', 'card', idempotency_key => 's');
SELECT state FROM clinic.waive_charge(:'c2', 'too late');
-- Paid stays paid when the visit is cancelled: giving back is the ledger's.
SET SESSION AUTHORIZATION regress_missed_clerk;
SELECT status FROM clinic.cancel_appointment(:'n2');
SELECT state, state_reason FROM clinic.appointment_charges WHERE charge_id = :'c2';

-- Fee: for the no-show above the limit, this one included; cancelled when it is reversed, due again when it is marked again.
SET SESSION AUTHORIZATION regress_missed;
SELECT clinic.update_tenant('{"no_show_policy": "fee", "no_show_fee_amount": 40.5, "no_show_limit": 3}') \g /dev/null
SET SESSION AUTHORIZATION regress_missed_clerk;
SET clinic.clock = '2026-03-03T15:15:00Z';
SELECT no_shows FROM clinic.mark_no_show(:'n1');
SELECT kind, amount, currency, state FROM clinic.appointment_charges WHERE appointment_id = :'n1';
SELECT no_shows FROM clinic.reverse_no_show(:'n1');
SELECT kind, state, state_reason FROM clinic.appointment_charges WHERE appointment_id = :'n1';
SELECT no_shows FROM clinic.mark_no_show(:'n1');
SELECT kind, state FROM clinic.appointment_charges WHERE appointment_id = :'n1' ORDER BY state;
SET clinic.clock = '2026-03-02T14:45:00Z';
SELECT no_shows FROM clinic.mark_no_show(:'a2');
SELECT count(*) AS below_the_limit FROM clinic.appointment_charges WHERE appointment_id = :'a2';

-- The rate: by the channel of the reminders that went out.
RESET SESSION AUTHORIZATION;
INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, created_at, due_at)
SELECT '5c00004a-0000-7000-8000-000000000001'::uuid, m.id::uuid, 'reminder', m.channel, clinic.now(), clinic.now()
FROM (VALUES ('5c00004a-00e5-7000-8000-000000000001', 'sms'), ('5c00004a-00e5-7000-8000-000000000002', 'email')) AS m (id, channel);
INSERT INTO clinic_data.notifications (tenant_id, notification_id, kind, patient_id, appointment_id, planned_at, due_at, channel, status, message_id)
VALUES ('5c00004a-0000-7000-8000-000000000001', clinic.new_id(), 'reminder', :p1, :'old2', '2025-12-01', '2025-12-01', 'sms', 'sent',
        '5c00004a-00e5-7000-8000-000000000001'),
       ('5c00004a-0000-7000-8000-000000000001', clinic.new_id(), 'reminder', :p1, :'old3', '2026-02-01', '2026-02-01', 'email', 'sent',
        '5c00004a-00e5-7000-8000-000000000002');
SET SESSION AUTHORIZATION regress_missed_clerk;
SELECT value, visits, no_shows, rate FROM clinic.no_show_rate('2025-01-01', '2027-01-01');
SELECT value, visits, no_shows, rate FROM clinic.no_show_rate('2025-06-01', '2027-01-01', 'month');
SELECT value FROM clinic.no_show_rate('2025-06-01', '2027-01-01', 'moon');
SET SESSION AUTHORIZATION regress_missed_patient;
SELECT value FROM clinic.no_show_rate('2025-06-01', '2027-01-01');
SELECT clinic.no_show_count(:p1), clinic.no_show_count(:p2);
SELECT clinic.no_show_count(:p1);
RESET SESSION AUTHORIZATION;

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_missed, regress_missed_clerk, regress_missed_biller, regress_missed_patient;
DROP ROLE regress_missed, regress_missed_clerk, regress_missed_biller, regress_missed_patient;
