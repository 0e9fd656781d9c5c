-- Holds: kept for a token's holder until a deadline that needs no job; extended, confirmed, released.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_holds LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_holds_desk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_holds_patient LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_holds;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000071-0010-7000-8000-000000000001\''
\set ann '\'5c000071-0020-7000-8000-0000000000a1\''
\set bob '\'5c000071-0020-7000-8000-0000000000b2\''
\set visit '\'5c000071-0040-7000-8000-000000000001\''
\set day '\'5c000071-0040-7000-8000-000000000002\''
\set pat1 '\'5c000071-0090-7000-8000-000000000001\''
\set pat2 '\'5c000071-0090-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-holds', name => 'Test', tenant_id => '5c000071-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_holds', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.create_service('A day ahead', 30, cancel_window_minutes => 1440, service_id => :day), clinic.offer_service(:day, :ann),
       clinic.map_login('regress_holds_desk', 'staff', '{appointments:write,appointments:read,patients:read}'),
       clinic.map_login('regress_holds_patient', 'patient', patient_id => :pat1) \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_holds;

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


CREATE FUNCTION pg_temp.hold(start text, patient uuid DEFAULT '5c000071-0090-7000-8000-000000000001') RETURNS text LANGUAGE sql AS $$
    SELECT h.hold_token FROM clinic.hold_slot('5c000071-0040-7000-8000-000000000001', patient, start::timestamptz, '5c000071-0020-7000-8000-0000000000a1') AS h
$$;

-- A hold takes the time for everybody, and its token says nothing.
SELECT length(hold_token), hold_token ~ '^[A-Za-z0-9_-]+$' AS plain, expires_at, latest_expires_at, starts_at, resource_ids, replayed, hold_token AS token1
FROM clinic.hold_slot(:visit, :pat1, '2026-03-04 09:00-05', :ann) \gset
SELECT :'length', :'plain', :'expires_at', :'latest_expires_at', :'starts_at', :'replayed';
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-04 09:00-05', '2026-03-04 09:30-05', :ann);
-- Its holder sees it as held, at the place in the order; nobody else sees it.
SELECT starts_at, remaining, held_until FROM clinic.available_slots(:visit, '2026-03-04 09:00-05', '2026-03-04 10:00-05', :ann);
SELECT starts_at, held_until FROM clinic.available_slots(:visit, '2026-03-04 09:00-05', '2026-03-04 10:00-05', :ann, max_rows => 1);
SELECT starts_at, provider_id, held_until IS NOT NULL AS held FROM clinic.available_slots(:visit, '2026-03-04 09:00-05', '2026-03-04 10:00-05');
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-04 09:00-05', '2026-03-04 09:30-05', :ann, patient_id => :pat2);
SELECT starts_at FROM clinic.first_available(:visit, '2026-03-04 09:00-05', '2026-03-04 10:00-05', :ann);
SELECT d -> 'slots' -> 0 ->> 'held_until' FROM jsonb_array_elements(clinic.available_days(:visit, '2026-03-04 09:00-05', '2026-03-04 10:00-05', :ann)) AS d;
SET SESSION AUTHORIZATION regress_holds_desk;
SELECT starts_at, held_until FROM clinic.available_slots(:visit, '2026-03-04 09:00-05', '2026-03-04 10:00-05', :ann);
SET SESSION AUTHORIZATION regress_holds;
SELECT * FROM pg_temp.attempt($$SELECT clinic.book_appointment('5c000071-0040-7000-8000-000000000001', '5c000071-0090-7000-8000-000000000002', '2026-03-04 09:00-05', '5c000071-0020-7000-8000-0000000000a1')$$) \gx
SELECT status, expires_at FROM clinic.appointments;
SELECT count(*) AS wrong FROM clinic.check_integrity();

-- The microsecond before its deadline it lives, at its deadline it is dead, and nobody had to clear it away.
BEGIN;
SET LOCAL clinic.clock = '2026-03-02T12:09:59.999999Z';
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-04 09:00-05', '2026-03-04 09:30-05', :ann);
SELECT status FROM clinic.confirm_hold(:'token1');
ROLLBACK;
BEGIN;
SET LOCAL clinic.clock = '2026-03-02T12:10:00Z';
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-04 09:00-05', '2026-03-04 09:30-05', :ann);
SELECT status, expires_at FROM clinic.appointments;
SELECT status FROM clinic.list_appointments(statuses => '{expired}');
SELECT status FROM clinic.list_appointments(statuses => '{held}');
SELECT count(*) FROM clinic.day_sheet('2026-03-04') WHERE appointment_id IS NOT NULL;
SELECT * FROM pg_temp.attempt(format('SELECT clinic.confirm_hold(%L)', :'token1')) \gx
SELECT * FROM pg_temp.attempt(format('SELECT clinic.extend_hold(%L)', :'token1')) \gx
SELECT clinic.release_hold(:'token1');
SELECT count(*) AS wrong FROM clinic.check_integrity();
-- Somebody else takes it; then "if still free" finds it taken.
SAVEPOINT before;
SELECT status FROM clinic.book_appointment(:visit, :pat2, '2026-03-04 09:00-05', :ann);
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.confirm_hold(%L, true)', :'token1'));
SELECT count(*) AS wrong FROM clinic.check_integrity();
ROLLBACK TO before;
-- Else the holder gets it, under the same id.
SELECT c.status, c.appointment_id = a.appointment_id AS same_id FROM clinic.confirm_hold(:'token1', if_still_free => true) AS c, clinic.appointments AS a;
SELECT count(*) AS wrong FROM clinic.check_integrity();
ROLLBACK;

-- Extending begins again from now, up to the cap from the first moment.
SET clinic.clock = '2026-03-02T12:08:00Z';
SELECT expires_at, latest_expires_at FROM clinic.extend_hold(:'token1');
SET clinic.clock = '2026-03-02T12:16:00Z';
SELECT expires_at FROM clinic.extend_hold(:'token1');
SET clinic.clock = '2026-03-02T12:25:00Z';
SELECT expires_at FROM clinic.extend_hold(:'token1');
SELECT expires_at FROM clinic.extend_hold(:'token1');
SET clinic.clock = '2026-03-02T12:30:00Z';
SELECT state FROM pg_temp.attempt(format('SELECT clinic.extend_hold(%L)', :'token1'));
SET clinic.clock = '2026-03-02T12:29:59.999999Z';

-- A closed day laid over a live hold leaves it; confirming books it. Twice is once.
SELECT clinic.close_date(:ann, '2026-03-04') \g /dev/null
SELECT status, replayed FROM clinic.confirm_hold(:'token1');
SELECT version FROM clinic.appointments;
SELECT status, starts_at FROM clinic.confirm_hold(:'token1');
SELECT version, status, expires_at FROM clinic.appointments;
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.release_hold(%L)', :'token1'));
-- Cancelled later, it is brought back by staff and not by its token.
BEGIN;
SELECT c.status FROM clinic.appointments AS a CROSS JOIN LATERAL clinic.cancel_appointment(a.appointment_id, 'asked') AS c;
SELECT status FROM clinic.confirm_hold(:'token1');
SELECT status FROM clinic.confirm_hold(:'token1', if_still_free => true);
SELECT status, cancel_reason FROM clinic.appointments;
SELECT state FROM pg_temp.attempt(format('SELECT clinic.release_hold(%L)', :'token1'));
ROLLBACK;
SELECT kind, expires_at FROM clinic.busy_times ORDER BY 1 LIMIT 1;

-- A foreign token and an unknown one get the same answer.
SELECT pg_temp.hold('2026-03-05 09:00-05') AS token2 \gset
GRANT EXECUTE ON FUNCTION pg_temp.attempt, pg_temp.hold TO PUBLIC;
SET SESSION AUTHORIZATION regress_holds_desk;
SELECT * FROM pg_temp.attempt(format('SELECT clinic.confirm_hold(%L)', :'token2')) \gx
SELECT * FROM pg_temp.attempt(format('SELECT clinic.confirm_hold(%L)', 'unknown')) \gx
SELECT state FROM pg_temp.attempt(format('SELECT clinic.release_hold(%L)', :'token2'));
SET SESSION AUTHORIZATION regress_holds;

-- At most so many live ones for a patient; dead and confirmed ones do not count.
SELECT pg_temp.hold('2026-03-05 09:30-05') AS token3 \gset
SELECT * FROM pg_temp.attempt($$SELECT pg_temp.hold('2026-03-05 10:00-05')$$) \gx
SELECT clinic.release_hold(:'token3');
SELECT clinic.release_hold(:'token3');
SELECT count(*) FROM (SELECT pg_temp.hold('2026-03-05 10:00-05')) AS h;
SELECT status, cancel_reason FROM clinic.appointments WHERE cancel_reason IS NOT NULL;

-- A patient holds for themselves, and what needs approval waits for it.
SET clinic.clock = '2026-03-02T15:00:00Z';
SELECT clinic.update_service(:visit, '{"requires_approval": true, "approval_minutes": 60}') \g /dev/null
SET SESSION AUTHORIZATION regress_holds_patient;
SELECT pg_temp.hold('2026-03-06 09:00-05') AS token4 \gset
SELECT state FROM pg_temp.attempt($$SELECT pg_temp.hold('2026-03-06 09:30-05', '5c000071-0090-7000-8000-000000000002')$$);
SELECT status, appointment_id AS waiting FROM clinic.confirm_hold(:'token4') \gset
SELECT :'status';
SELECT status, expires_at FROM clinic.appointments WHERE starts_at = '2026-03-06 09:00-05';
SELECT state, message FROM pg_temp.attempt(format('SELECT clinic.approve_appointment(%L)', :'waiting'));
SET SESSION AUTHORIZATION regress_holds;
SELECT status, status_before, version FROM clinic.approve_appointment(:'waiting');
SELECT status, expires_at FROM clinic.appointments WHERE starts_at = '2026-03-06 09:00-05';

-- What happened, event by event.
SELECT count(*) AS wrong FROM clinic.check_integrity();
RESET SESSION AUTHORIZATION;
SELECT e.name, e.sequence, e.status_before, e.status FROM clinic_data.events AS e WHERE e.subject_id = :'waiting' ORDER BY e.sequence;

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_holds;
DROP ROLE regress_holds, regress_holds_desk, regress_holds_patient;
