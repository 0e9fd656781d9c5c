-- The states of an appointment: which change leads where, by whom, and what is refused.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_states LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_states_desk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_states_patient LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_states;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000072-0010-7000-8000-000000000001\''
\set ann '\'5c000072-0020-7000-8000-0000000000a1\''
\set bob '\'5c000072-0020-7000-8000-0000000000b2\''
\set visit '\'5c000072-0040-7000-8000-000000000001\''
\set day '\'5c000072-0040-7000-8000-000000000002\''
\set pat1 '\'5c000072-0090-7000-8000-000000000001\''
\set pat2 '\'5c000072-0090-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-states', name => 'Test', tenant_id => '5c000072-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_states', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.create_service('A day ahead', 30, cancel_window_minutes => 1440, service_id => :day), clinic.offer_service(:day, :ann),
       clinic.map_login('regress_states_desk', 'staff', '{appointments:write,appointments:read,patients:read}'),
       clinic.map_login('regress_states_patient', 'patient', patient_id => :pat1) \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_states;

-- What a command says when it is refused; ids that differ from run to run are left out of the detail.
CREATE FUNCTION pg_temp.attempt(command text) RETURNS TABLE (state text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'done'; RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    detail := regexp_replace(detail, '019[0-9a-f]{5}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', '(id)', 'g');
    RETURN NEXT;
END $$;


CREATE FUNCTION pg_temp.book(start text) RETURNS uuid LANGUAGE sql AS $$
    SELECT b.appointment_id FROM clinic.book_appointment('5c000072-0040-7000-8000-000000000001', '5c000072-0090-7000-8000-000000000001',
        start::timestamptz, '5c000072-0020-7000-8000-0000000000a1') AS b
$$;
GRANT EXECUTE ON FUNCTION pg_temp.attempt TO PUBLIC;

-- The common way through a visit.
SELECT pg_temp.book('2026-03-04 09:00-05') AS one \gset
SELECT status, status_before, version, changed_at FROM clinic.confirm_appointment(:'one');
SELECT state, message, detail, hint FROM pg_temp.attempt(format('SELECT clinic.confirm_appointment(%L)', :'one')) \gx
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.start_visit(%L)', :'one'));
SELECT state, detail FROM pg_temp.attempt(format('SELECT clinic.confirm_appointment(%L, 1)', :'one'));
SELECT state FROM pg_temp.attempt('SELECT clinic.start_visit(clinic.new_id())');
SELECT state FROM pg_temp.attempt('SELECT clinic.start_visit(NULL)');

RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.history(id uuid) RETURNS TABLE (name text, sequence integer, status_before text, status text, reason text) LANGUAGE sql AS $$
    SELECT e.name, e.sequence, e.status_before, e.status, e.reason FROM clinic_data.events AS e WHERE e.subject_id = id ORDER BY e.sequence
$$;
SET clinic.clock = '2026-03-04T13:50:00Z';
BEGIN;
SELECT clinic.use_tenant('regress-states') \g /dev/null
SELECT status FROM clinic_private.change_status(:'one'::uuid, 'check_in');
SELECT status FROM clinic_private.change_status(:'one'::uuid, 'undo_check_in', 'the wrong Ann');
SELECT status, arrived_at FROM clinic.appointments;
SELECT status FROM clinic_private.change_status(:'one'::uuid, 'check_in');
SELECT arrived_at FROM clinic.appointments;
SELECT status FROM clinic.start_visit(:'one');
SELECT status FROM clinic.complete_visit(:'one');
SELECT arrived_at, started_at, completed_at FROM clinic.appointments;
SELECT state, detail FROM pg_temp.attempt(format('SELECT clinic.cancel_appointment(%L)', :'one'));
SELECT * FROM pg_temp.history(:'one'::uuid);

-- Missed: the time is free again; reversed: as before.
SELECT pg_temp.book('2026-03-04 09:30-05') AS two \gset
SELECT status FROM clinic_private.change_status(:'two', 'mark_no_show', 'not seen');
SELECT count(*) AS free FROM clinic.available_slots(:visit, '2026-03-04 09:30-05', '2026-03-04 10:00-05', :ann);
SELECT status FROM clinic_private.change_status(:'two', 'reverse_no_show', 'was in the other room');
SELECT count(*) AS free FROM clinic.available_slots(:visit, '2026-03-04 09:30-05', '2026-03-04 10:00-05', :ann);
SELECT count(*) AS wrong FROM clinic.check_integrity();

-- Reinstated before its start, when nobody has taken the time; lead time is not judged again.
SELECT clinic.update_service(:visit, '{"lead_time_minutes": 1440}') \g /dev/null
SELECT status FROM clinic.cancel_appointment(:'two');
SELECT status FROM clinic.reinstate_appointment(:'two', 'called back');
SELECT count(*) AS wrong FROM clinic.check_integrity();
SELECT status FROM clinic.cancel_appointment(:'two');
SELECT status FROM clinic.book_appointment(:visit, :pat2, '2026-03-04 09:30-05', :ann, override => true, reason => 'called first');
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.reinstate_appointment(%L)', :'two'));
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.reinstate_appointment(%L, overbook => true)', :'two'));
SELECT status FROM clinic.reinstate_appointment(:'two', 'both will come', overbook => true);
SELECT status, overbooked, cancelled_at, late_cancellation FROM clinic.appointments WHERE appointment_id = :'two';
SELECT count(*) AS wrong FROM clinic.check_integrity();
SELECT * FROM pg_temp.history(:'two'::uuid);
SELECT status FROM clinic.cancel_appointment(:'two');
SET LOCAL clinic.clock = '2026-03-04T14:30:00Z';
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.reinstate_appointment(%L)', :'two'));
COMMIT;

-- Patients confirm and cancel their own; the rest is the staff's.
SET SESSION AUTHORIZATION regress_states;
SELECT clinic.update_service(:visit, '{"lead_time_minutes": 0}') \g /dev/null
SELECT pg_temp.book('2026-03-05 09:00-05') AS three, b.appointment_id AS other FROM clinic.book_appointment(:visit, :pat2, '2026-03-05 09:30-05', :ann) AS b \gset
SET SESSION AUTHORIZATION regress_states_patient;
SELECT status FROM clinic.confirm_appointment(:'three');
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.start_visit(%L)', :'three'));
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.complete_visit(%L)', :'three'));
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.confirm_appointment(%L)', :'other'));
SELECT status FROM clinic.cancel_appointment(:'three');
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.reinstate_appointment(%L)', :'three'));
SET SESSION AUTHORIZATION regress_states;

-- Approval may be declined, or come too late.
SELECT clinic.update_service(:visit, '{"requires_approval": true}') \g /dev/null
SET SESSION AUTHORIZATION regress_states_patient;
SELECT appointment_id AS four, status FROM clinic.book_appointment(:visit, :pat1, '2026-03-06 09:00-05', :ann) \gset
SELECT appointment_id AS five FROM clinic.book_appointment(:visit, :pat1, '2026-03-06 09:30-05', :ann) \gset
SELECT status, expires_at FROM clinic.appointments WHERE starts_at > '2026-03-06' ORDER BY starts_at;
SET SESSION AUTHORIZATION regress_states;
SELECT status FROM clinic.decline_appointment(:'four', 'not this doctor');
SELECT count(*) AS free FROM clinic.available_slots(:visit, '2026-03-06 09:00-05', '2026-03-06 09:30-05', :ann);
SET clinic.clock = '2026-03-06T14:30:00Z';
SELECT state, detail FROM pg_temp.attempt(format('SELECT clinic.approve_appointment(%L)', :'five'));
SELECT count(*) AS wrong FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_states;
DROP ROLE regress_states, regress_states_desk, regress_states_patient;
