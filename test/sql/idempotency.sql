-- The same call with the same key: the same row, nothing written; other arguments are refused.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_idempotency LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_idempotency_desk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_idempotency_patient LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_idempotency;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000073-0010-7000-8000-000000000001\''
\set ann '\'5c000073-0020-7000-8000-0000000000a1\''
\set bob '\'5c000073-0020-7000-8000-0000000000b2\''
\set visit '\'5c000073-0040-7000-8000-000000000001\''
\set day '\'5c000073-0040-7000-8000-000000000002\''
\set pat1 '\'5c000073-0090-7000-8000-000000000001\''
\set pat2 '\'5c000073-0090-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-idempotency', name => 'Test', tenant_id => '5c000073-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_idempotency', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.create_service('A day ahead', 30, cancel_window_minutes => 1440, service_id => :day), clinic.offer_service(:day, :ann),
       clinic.map_login('regress_idempotency_desk', 'staff', '{appointments:write,appointments:read,patients:read}'),
       clinic.map_login('regress_idempotency_patient', 'patient', patient_id => :pat1) \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_idempotency;

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


SELECT * FROM pg_temp.attempt($$SELECT clinic.book_appointment('5c000073-0040-7000-8000-000000000001', '5c000073-0090-7000-8000-000000000001', '2026-03-04 09:00-05', '5c000073-0020-7000-8000-0000000000a1', idempotency_key => '')$$) \gx
SELECT state FROM pg_temp.attempt(format($$SELECT clinic.book_appointment('5c000073-0040-7000-8000-000000000001', '5c000073-0090-7000-8000-000000000001', '2026-03-04 09:00-05', '5c000073-0020-7000-8000-0000000000a1', idempotency_key => %L)$$, repeat('ü', 256)));
PREPARE book (text, text) AS SELECT * FROM clinic.book_appointment('5c000073-0040-7000-8000-000000000001', '5c000073-0090-7000-8000-000000000001', $1::timestamptz, '5c000073-0020-7000-8000-0000000000a1', duration => interval '30 minutes', idempotency_key => $2);
CREATE TEMP TABLE answers AS EXECUTE book('2026-03-04 09:00-05', 'a key');
-- Asked again in another zone and another style of dates: the arguments are the same.
SET timezone = 'Asia/Kolkata'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'iso_8601';
CREATE TEMP TABLE again AS EXECUTE book('2026-03-04 14:00+00', 'a key');
INSERT INTO answers SELECT * FROM again;
SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres';
SELECT count(*), count(DISTINCT (appointment_id, confirmation_code, status, provider_id, location_id, starts_at, ends_at, local_starts_at, time_zone, resource_ids, warnings)) AS different,
    array_agg(replayed ORDER BY replayed) AS replayed FROM answers;
SELECT count(*) FROM clinic.appointments;
SELECT * FROM pg_temp.attempt($$SELECT clinic.book_appointment('5c000073-0040-7000-8000-000000000001', '5c000073-0090-7000-8000-000000000001', '2026-03-04 09:30-05', '5c000073-0020-7000-8000-0000000000a1', idempotency_key => 'a key')$$) \gx
SELECT state FROM pg_temp.attempt(format('SELECT clinic.cancel_appointment(%L, idempotency_key => %L)', (SELECT appointment_id FROM clinic.appointments), 'a key'));

-- A failure is not remembered: the key may be used again.
SELECT state FROM pg_temp.attempt($$SELECT clinic.book_appointment('5c000073-0040-7000-8000-000000000001', '5c000073-0090-7000-8000-000000000001', '2026-03-04 09:00-05', '5c000073-0020-7000-8000-0000000000a1', idempotency_key => 'other')$$);
SELECT status, replayed FROM clinic.book_appointment(:visit, :pat1, '2026-03-04 09:30-05', :ann, idempotency_key => 'other');

-- Another caller's key is another key.
SET SESSION AUTHORIZATION regress_idempotency_desk;
SELECT status, replayed FROM clinic.book_appointment(:visit, :pat1, '2026-03-04 10:00-05', :ann, idempotency_key => 'a key');
SET SESSION AUTHORIZATION regress_idempotency;

-- All the others.
SELECT appointment_id AS id FROM clinic.appointments WHERE starts_at = '2026-03-04 10:00-05' \gset
SELECT starts_at, replayed FROM clinic.reschedule_appointment(:'id', '2026-03-04 10:30-05', idempotency_key => 'move');
SELECT starts_at, replayed FROM clinic.reschedule_appointment(:'id', '2026-03-04 10:30-05', idempotency_key => 'move');
SELECT version FROM clinic.appointments WHERE appointment_id = :'id';
SELECT array_agg(replayed) FROM clinic.swap_appointments(:'id', (SELECT appointment_id FROM answers LIMIT 1), idempotency_key => 'swap');
SELECT array_agg(replayed) FROM clinic.swap_appointments(:'id', (SELECT appointment_id FROM answers LIMIT 1), idempotency_key => 'swap');
SELECT status, late, cancelled_at, replayed FROM clinic.cancel_appointment(:'id', 'no time', idempotency_key => 'cancel');
SET clinic.clock = '2026-03-02T13:00:00Z';
SELECT status, late, cancelled_at, replayed FROM clinic.cancel_appointment(:'id', 'no time', idempotency_key => 'cancel');
SELECT hold_token AS t1 FROM clinic.hold_slot(:visit, :pat1, '2026-03-05 09:00-05', :ann, idempotency_key => 'hold') \gset
SELECT hold_token = :'t1' AS same, replayed FROM clinic.hold_slot(:visit, :pat1, '2026-03-05 09:00-05', :ann, idempotency_key => 'hold');
SELECT status, replayed FROM clinic.confirm_hold(:'t1', idempotency_key => 'confirm');
SELECT status, replayed FROM clinic.confirm_hold(:'t1', idempotency_key => 'confirm');

-- Nor do zone and styles make another call of those that are written in SQL.
SELECT replayed FROM clinic.book_first_available(:visit, :pat2, '2026-03-05 00:00Z', '2026-03-06 00:00Z', duration => '30 minutes', idempotency_key => 'first');
SET timezone = 'Asia/Kolkata'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'iso_8601';
SELECT replayed FROM clinic.book_first_available(:visit, :pat2, timestamptz 'epoch' + interval '1772668800 s', timestamptz 'epoch' + interval '1772755200 s', duration => '30 minutes', idempotency_key => 'first');
SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres';

-- A batch is one call, whose header or key its items do not take.
SELECT item, outcome FROM clinic.book_appointments('[{"service_id": "5c000073-0040-7000-8000-000000000001", "patient_id": "5c000073-0090-7000-8000-000000000001", "starts_at": "2026-03-05 10:00-05"}]', idempotency_key => 'batch');
SELECT item, outcome, details -> 'replayed' AS replayed FROM clinic.book_appointments('[{"service_id": "5c000073-0040-7000-8000-000000000001", "patient_id": "5c000073-0090-7000-8000-000000000001", "starts_at": "2026-03-05 10:00-05"}]', idempotency_key => 'batch');

-- Kept for the tenant's time, to the microsecond.
SET clinic.clock = '2026-03-03T11:59:59.999999Z';
SELECT replayed FROM clinic.book_appointment(:visit, :pat1, '2026-03-04 09:00-05', :ann, duration => interval '30 minutes', idempotency_key => 'a key');
SET clinic.clock = '2026-03-03T12:00:00Z';
SELECT status, replayed FROM clinic.book_appointment(:visit, :pat1, '2026-03-05 11:00-05', :ann, idempotency_key => 'a key');
-- What is refused has written nothing, not even its key.
SELECT state, pg_current_xact_id_if_assigned() IS NULL AS nothing_written
FROM pg_temp.attempt($$SELECT clinic.book_appointment('5c000073-0040-7000-8000-000000000001', '5c000073-0090-7000-8000-000000000002', '2026-03-05 11:00-05', '5c000073-0020-7000-8000-0000000000a1', idempotency_key => 'refused')$$);
RESET SESSION AUTHORIZATION;
-- A key is in use while its call is under way, by a trigger of the clinic's too.
BEGIN;
CREATE FUNCTION pg_temp.once_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.book_appointment(NEW.service_id, NEW.patient_id, '2026-03-06 11:00-05', NEW.provider_id, idempotency_key => TG_ARGV[0]);
    RETURN NULL;
END $$;
CREATE TRIGGER same_key AFTER INSERT ON clinic_data.appointments FOR EACH ROW WHEN (NEW.starts_at = '2026-03-06 09:00-05') EXECUTE FUNCTION pg_temp.once_more('outer');
CREATE TRIGGER other_key AFTER INSERT ON clinic_data.appointments FOR EACH ROW WHEN (NEW.starts_at = '2026-03-06 10:00-05') EXECUTE FUNCTION pg_temp.once_more('inner');
SET SESSION AUTHORIZATION regress_idempotency;
SELECT state, message FROM pg_temp.attempt($$SELECT clinic.book_appointment('5c000073-0040-7000-8000-000000000001', '5c000073-0090-7000-8000-000000000001', '2026-03-06 09:00-05', '5c000073-0020-7000-8000-0000000000a1', idempotency_key => 'outer')$$);
SELECT status, replayed FROM clinic.book_appointment(:visit, :pat1, '2026-03-06 10:00-05', :ann, idempotency_key => 'outer');
SELECT local_starts_at, replayed FROM clinic.book_appointment(:visit, :pat1, '2026-03-06 11:00-05', :ann, idempotency_key => 'inner');
RESET SESSION AUTHORIZATION;
ROLLBACK;
-- Neither key nor payload is readable in what is kept.
SELECT count(*) FROM clinic_data.idempotency_keys WHERE idempotency_keys::text LIKE '%a key%';

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_idempotency;
DROP ROLE regress_idempotency, regress_idempotency_desk, regress_idempotency_patient;
