-- Moving and swapping: in one step, over itself, keeping id and code; limits ignore what is moved; both or neither.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_reschedule LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_reschedule;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000017-0010-7000-8000-000000000001\''
\set uptown '\'5c000017-0010-7000-8000-000000000002\''
\set ann '\'5c000017-0020-7000-8000-0000000000a1\''
\set bob '\'5c000017-0020-7000-8000-0000000000b2\''
\set visit '\'5c000017-0040-7000-8000-000000000001\''
\set one_a_day '\'5c000017-0040-7000-8000-000000000002\''
\set roomed '\'5c000017-0040-7000-8000-000000000003\''
\set pat1 '\'5c000017-0090-7000-8000-000000000001\''
\set pat2 '\'5c000017-0090-7000-8000-000000000002\''
\set pat3 '\'5c000017-0090-7000-8000-000000000003\''
\set room '\'5c000017-0030-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-reschedule', name => 'Test', tenant_id => '5c000017-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_reschedule', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.update_service(:visit, '{"step_minutes": 15}'),
       clinic.create_location('Uptown', 'America/New_York', location_id => :uptown),
       clinic.create_patient('Secret Three', patient_id => :pat3),
       clinic.create_service('One a day', 30, max_per_day => 1, service_id => :one_a_day), clinic.offer_service(:one_a_day, :ann),
       clinic.create_resource('Room', 'room', 'room', :ny, resource_id => :room),
       clinic.create_service('Roomed', 60, step_minutes => 30, service_id => :roomed), clinic.offer_service(:roomed, :ann), clinic.offer_service(:roomed, :bob),
       clinic.require_resource(:roomed, 'room') \g /dev/null
SELECT clinic.add_hours(:bob, :uptown, 'FREQ=DAILY', '13:00', '17:00', valid_from => '2026-03-01') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_reschedule;

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

SELECT b.appointment_id AS a, b.confirmation_code AS code FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 09:00-05', :ann) AS b \gset
SELECT b.appointment_id AS b FROM clinic.book_appointment(:visit, :pat2, '2026-03-03 10:00-05', :ann) AS b \gset
-- Over itself: a quarter of an hour later. Id, code and status stay, the version grows.
SELECT r.appointment_id = :'a' AS same_id, r.confirmation_code = :'code' AS same_code, r.status, r.starts_at, r.ends_at, r.local_starts_at, r.provider_id = :ann AS ann
FROM clinic.reschedule_appointment(:'a', '2026-03-03 09:15-05') AS r;
SELECT a.starts_at, a.status, a.version FROM clinic.appointments AS a WHERE a.appointment_id = :'a';
-- To the place where it stands: nothing in the way.
SELECT r.starts_at FROM clinic.reschedule_appointment(:'a', '2026-03-03 09:15-05') AS r;
-- What was left is free, what is taken is not.
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS free FROM clinic.available_slots(:visit, '2026-03-03 00:00-05', '2026-03-04 00:00-05', :ann) AS s;
-- Refused like a booking, and nothing has changed.
SELECT * FROM pg_temp.attempt(format('SELECT clinic.reschedule_appointment(%L, %L)', :'a', '2026-03-03 09:45-05')) \gx
SELECT a.starts_at, a.version FROM clinic.appointments AS a WHERE a.appointment_id = :'a';
-- Another provider, who may work elsewhere; the location is kept otherwise.
SELECT r.starts_at, r.provider_id = :bob AS bob, r.location_id = :uptown AS uptown FROM clinic.reschedule_appointment(:'a', '2026-03-03 13:00-05', :bob) AS r;
\set VERBOSITY terse
SELECT * FROM clinic.reschedule_appointment(:'a', '2026-03-03 09:00-05');
\set VERBOSITY default
SELECT r.starts_at, r.location_id = :ny AS ny FROM clinic.reschedule_appointment(:'a', '2026-03-03 09:00-05', location_id => :ny) AS r;
-- Versions; cancelled ones; unknown ones.
SELECT * FROM pg_temp.attempt(format('SELECT clinic.reschedule_appointment(%L, %L, version => 1)', :'a', '2026-03-03 09:30-05')) \gx
SELECT r.starts_at FROM clinic.reschedule_appointment(:'a', '2026-03-03 09:30-05', version => 4) AS r;
SELECT * FROM pg_temp.attempt($$SELECT clinic.reschedule_appointment('5c000017-ffff-7000-8000-000000000001', '2026-03-03 09:30-05')$$) \gx
SELECT * FROM pg_temp.attempt(format('SELECT clinic.reschedule_appointment(%L, NULL)', :'a')) \gx
SELECT c.status FROM clinic.cancel_appointment(:'b') AS c;
SELECT * FROM pg_temp.attempt(format('SELECT clinic.reschedule_appointment(%L, %L)', :'b', '2026-03-03 11:00-05')) \gx

-- Limits do not count what is moved: on its own day, yes; to another full day, no.
SELECT b.appointment_id AS c FROM clinic.book_appointment(:one_a_day, :pat1, '2026-03-04 09:00-05', :ann) AS b \gset
SELECT b.appointment_id AS d FROM clinic.book_appointment(:one_a_day, :pat1, '2026-03-05 09:00-05', :ann) AS b \gset
SELECT r.starts_at FROM clinic.reschedule_appointment(:'c', '2026-03-04 11:00-05') AS r;
\set VERBOSITY terse
SELECT * FROM clinic.reschedule_appointment(:'c', '2026-03-05 10:00-05');
\set VERBOSITY default
-- The length stays as it was booked, though the service has changed since; asked for, it must be one that the service allows.
SELECT clinic.update_service(:one_a_day, '{"duration_minutes": 60, "step_minutes": 30}') \g /dev/null
SELECT r.ends_at - r.starts_at AS length FROM clinic.reschedule_appointment(:'c', '2026-03-04 11:30-05') AS r;
\set VERBOSITY terse
SELECT * FROM clinic.reschedule_appointment(:'c', '2026-03-04 10:00-05', duration => '30 minutes');
\set VERBOSITY default
SELECT r.ends_at - r.starts_at AS length FROM clinic.reschedule_appointment(:'c', '2026-03-04 10:00-05', duration => '60 minutes') AS r;
-- The room comes along, over itself.
SELECT b.appointment_id AS e FROM clinic.book_appointment(:roomed, :pat2, '2026-03-06 09:00-05', :ann) AS b \gset
SELECT r.resource_ids = ARRAY[:room]::uuid[] AS room FROM clinic.reschedule_appointment(:'e', '2026-03-06 09:30-05') AS r;
SELECT count(*) FROM clinic.available_slots(:roomed, '2026-03-06 09:00-05', '2026-03-06 10:30-05', :bob);
SELECT count(*) FROM clinic.check_integrity();

-- Swap: start, provider and location are exchanged; each keeps its own code, service and length.
SELECT b.appointment_id AS f FROM clinic.book_appointment(:visit, :pat1, '2026-03-09 09:00-04', :ann) AS b \gset
SELECT b.appointment_id AS g FROM clinic.book_appointment(:visit, :pat2, '2026-03-09 10:00-04', :bob, :ny) AS b \gset
SELECT s.appointment_id = :'f' AS first, s.status, s.starts_at, right(s.provider_id::text, 2) AS provider FROM clinic.swap_appointments(:'f', :'g') AS s;
SELECT right(a.patient_id::text, 1) AS patient, a.starts_at, right(a.provider_id::text, 2) AS provider, a.version FROM clinic.appointments AS a WHERE a.appointment_id IN (:'f', :'g') ORDER BY 1;
-- Neighbours of one provider, of different length: the longer one does not fit in the shorter one's place, and both stay.
SELECT b.appointment_id AS h FROM clinic.book_appointment(:roomed, :pat1, '2026-03-10 09:00-04', :ann) AS b \gset
SELECT b.appointment_id AS i FROM clinic.book_appointment(:visit, :pat2, '2026-03-10 10:00-04', :ann) AS b \gset
SELECT b.appointment_id AS j FROM clinic.book_appointment(:visit, :pat3, '2026-03-10 10:30-04', :ann) AS b \gset
SELECT * FROM pg_temp.attempt(format('SELECT clinic.swap_appointments(%L, %L)', :'h', :'i')) \gx
SELECT a.starts_at, a.version FROM clinic.appointments AS a WHERE a.appointment_id IN (:'h', :'i', :'j') ORDER BY 1;
SELECT s.starts_at, s.ends_at FROM clinic.swap_appointments(:'i', :'j') AS s;
-- Of one patient.
SELECT b.appointment_id AS k FROM clinic.book_appointment(:visit, :pat3, '2026-03-10 11:00-04', :bob) AS b \gset
SELECT s.starts_at, right(s.provider_id::text, 2) AS provider FROM clinic.swap_appointments(:'j', :'k') AS s;
SELECT * FROM pg_temp.attempt(format('SELECT clinic.swap_appointments(%1$L, %1$L)', :'f')) \gx
SELECT * FROM pg_temp.attempt(format('SELECT clinic.swap_appointments(%L, %L)', :'f', :'b')) \gx
SELECT * FROM pg_temp.attempt(format('SELECT clinic.swap_appointments(%L, NULL)', :'f')) \gx
SELECT count(*) FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_reschedule;
DROP ROLE regress_reschedule;
