-- Cancelling: on time or late, refused late, once, by version.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_cancel LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_cancel_desk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_cancel_patient LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_cancel;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000016-0010-7000-8000-000000000001\''
\set ann '\'5c000016-0020-7000-8000-0000000000a1\''
\set bob '\'5c000016-0020-7000-8000-0000000000b2\''
\set visit '\'5c000016-0040-7000-8000-000000000001\''
\set day '\'5c000016-0040-7000-8000-000000000002\''
\set pat1 '\'5c000016-0090-7000-8000-000000000001\''
\set pat2 '\'5c000016-0090-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-cancel', name => 'Test', tenant_id => '5c000016-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_cancel', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.create_service('A day ahead', 30, cancel_window_minutes => 1440, service_id => :day), clinic.offer_service(:day, :ann),
       clinic.map_login('regress_cancel_desk', 'staff', '{appointments:write,appointments:read,patients:read}'),
       clinic.map_login('regress_cancel_patient', 'patient', patient_id => :pat1) \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_cancel;

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

CREATE TEMP TABLE visits (name text, id uuid);
INSERT INTO visits SELECT n, b.appointment_id
FROM (VALUES ('edge', '2026-03-04 09:00-05'), ('late', '2026-03-04 09:30-05'), ('dst', '2026-03-08 11:00-04'), ('refused', '2026-03-04 10:00-05'),
             ('allowed', '2026-03-04 10:30-05'), ('own', '2026-03-05 09:00-05')) AS v (n, t),
    clinic.book_appointment(:day, :pat1, t::timestamptz, :ann) AS b;
INSERT INTO visits SELECT 'other', b.appointment_id FROM clinic.book_appointment(:day, :pat2, '2026-03-05 09:30-05', :ann) AS b;
GRANT SELECT ON visits TO PUBLIC;
SELECT v.id AS edge FROM visits AS v WHERE name = 'edge' \gset
SELECT v.id AS late FROM visits AS v WHERE name = 'late' \gset
SELECT v.id AS dst FROM visits AS v WHERE name = 'dst' \gset
SELECT v.id AS refused FROM visits AS v WHERE name = 'refused' \gset
SELECT v.id AS allowed FROM visits AS v WHERE name = 'allowed' \gset
SELECT v.id AS own FROM visits AS v WHERE name = 'own' \gset
SELECT v.id AS other FROM visits AS v WHERE name = 'other' \gset

-- Exactly at the window's edge is on time; a microsecond later is late, and succeeds.
SET clinic.clock = '2026-03-03T14:00:00Z';
SELECT c.appointment_id = :'edge' AS id, c.status, c.late, c.cancelled_at FROM clinic.cancel_appointment(:'edge', reason => 'on time') AS c;
SET clinic.clock = '2026-03-03T14:30:00.000001Z';
SELECT c.status, c.late, c.cancelled_at FROM clinic.cancel_appointment(:'late', reason => 'too late') AS c;
SELECT a.status, a.cancelled_at, a.cancel_reason, a.late_cancellation, a.version FROM clinic.appointments AS a WHERE a.status = 'cancelled' ORDER BY a.starts_at;
-- The window is elapsed time, also where a day has 23 hours.
SET clinic.clock = '2026-03-07T15:00:00Z';
BEGIN;
SELECT c.late FROM clinic.cancel_appointment(:'dst') AS c;
ROLLBACK;
SET clinic.clock = '2026-03-07T15:00:00.000001Z';
SELECT c.late FROM clinic.cancel_appointment(:'dst') AS c;
SET clinic.clock = '2026-03-03T16:00:00Z';
-- The time is free again; the appointment stays on record with what it used.
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS free FROM clinic.available_slots(:day, '2026-03-04 00:00-05', '2026-03-05 00:00-05', :ann) AS s;
-- Not twice, not unknown, not an older version.
SELECT * FROM pg_temp.attempt(format('SELECT clinic.cancel_appointment(%L)', :'edge')) \gx
SELECT * FROM pg_temp.attempt($$SELECT clinic.cancel_appointment('5c000016-ffff-7000-8000-000000000001')$$) \gx
SELECT * FROM pg_temp.attempt(format('SELECT clinic.cancel_appointment(%L, version => 7)', :'own')) \gx
SELECT * FROM pg_temp.attempt($$SELECT clinic.cancel_appointment(NULL)$$) \gx

-- A tenant may refuse late ones: for the desk, not for those who may override.
SELECT clinic.update_tenant('{"refuse_late_cancellation": true}') \g /dev/null
SET SESSION AUTHORIZATION regress_cancel_desk;
\set VERBOSITY terse
SELECT * FROM clinic.cancel_appointment(:'refused');
\set VERBOSITY default
SET SESSION AUTHORIZATION regress_cancel;
SELECT c.status, c.late FROM clinic.cancel_appointment(:'allowed', version => 1) AS c;
SELECT a.status, count(*) FROM clinic.appointments AS a GROUP BY 1 ORDER BY 1;
-- A patient cancels their own; another's does not exist for them.
SET SESSION AUTHORIZATION regress_cancel_patient;
SELECT c.status, c.late FROM clinic.cancel_appointment(:'own') AS c;
\set VERBOSITY terse
SELECT * FROM clinic.cancel_appointment(:'other');
\set VERBOSITY default
SET SESSION AUTHORIZATION regress_cancel;
SELECT count(*) FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_cancel;
DROP ROLE regress_cancel, regress_cancel_desk, regress_cancel_patient;
