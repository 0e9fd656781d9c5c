-- Changing series: this, following, all; exceptions stay, what does not change is not written; cancelling; endless rules and the job;
-- idempotent calls.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_change LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_change_own LOGIN IN ROLE clinic_user;
CREATE ROLE regress_change_reader LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_change, regress_change_own, regress_change_reader;
RESET client_min_messages;
SET clinic.clock = '2026-03-01T12:00:00Z';
SET timezone = 'America/New_York';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c00001a-0010-7000-8000-000000000001\''
\set ann '\'5c00001a-0020-7000-8000-0000000000a1\''
\set bob '\'5c00001a-0020-7000-8000-0000000000b2\''
\set visit '\'5c00001a-0040-7000-8000-000000000001\''
\set roomed '\'5c00001a-0040-7000-8000-000000000002\''
\set ended '\'5c00001a-0040-7000-8000-000000000003\''
\set red '\'5c00001a-0030-7000-8000-000000000001\''
\set blue '\'5c00001a-0030-7000-8000-000000000002\''
\set pat1 '\'5c00001a-0090-7000-8000-000000000001\''
\set pat2 '\'5c00001a-0090-7000-8000-000000000002\''
\set pat3 '\'5c00001a-0090-7000-8000-000000000003\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-change', name => 'Test', tenant_id => '5c00001a-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_change', 'admin', '{*}'),
       clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_resource('Red', 'room', 'room', :ny, resource_id => :red), clinic.create_resource('Blue', 'room', 'room', :ny, resource_id => :blue),
       clinic.create_service('Visit', 30, min_duration_minutes => 30, max_duration_minutes => 60, cancel_window_minutes => 1440, service_id => :visit),
       clinic.create_service('Roomed', 30, service_id => :roomed),
       clinic.create_service('Near', 30, horizon_days => 14, service_id => :ended),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2),
       clinic.create_patient('Secret Three', patient_id => :pat3) \g /dev/null
SELECT clinic.require_resource(:roomed, 'room'),
       clinic.create_user('staff', 'Ann', provider_id => :ann, location_ids => ARRAY[:ny]::uuid[], user_id => '5c00001a-00a0-7000-8000-000000000001'),
       clinic.map_login('regress_change_own', 'staff', '{appointments:read:own,appointments:write:own,patients:read}', user_id => '5c00001a-00a0-7000-8000-000000000001'),
       clinic.map_login('regress_change_reader', 'staff', '{appointments:read,patients:read}') \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p, unnest(ARRAY[:visit, :roomed, :ended]::uuid[]) AS s \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '00:00', '18:00', valid_from => '2026-01-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_change;

CREATE FUNCTION pg_temp.attempt(command text) RETURNS TABLE (state text, message text, reason text, conflicts text, argument text) LANGUAGE plpgsql AS $$
DECLARE facts text;
BEGIN
    EXECUTE command;
    message := 'done'; RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, facts = PG_EXCEPTION_DETAIL, argument = COLUMN_NAME;
    IF facts LIKE '{%' THEN
        reason := facts::jsonb ->> 'reason';
        conflicts := (SELECT string_agg(concat_ws(' ', c.value ->> 'local_original_start', c.value ->> 'reason'), '; ' ORDER BY c.place)
                        FROM jsonb_array_elements(facts::jsonb -> 'conflicts') WITH ORDINALITY AS c (value, place));
    END IF;
    RETURN NEXT;
END $$;
-- Series by the order in which they were made, and the dates of one.
CREATE TEMPORARY TABLE made (number integer, series_id uuid);
CREATE FUNCTION pg_temp.series(number integer) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_temp.made SELECT (SELECT count(*) FROM pg_temp.made) + row_number() OVER (ORDER BY s.series_id), s.series_id
      FROM clinic.series AS s WHERE s.series_id NOT IN (SELECT m.series_id FROM pg_temp.made AS m);
    RETURN (SELECT m.series_id FROM pg_temp.made AS m WHERE m.number = series.number);
END $$;
CREATE FUNCTION pg_temp.dates(number integer) RETURNS TABLE (ordinal integer, local_original_start timestamp, local_starts_at timestamp, actual timestamp, doctor text, exception text, status text, version integer)
    LANGUAGE sql AS $$
    SELECT v.ordinal, v.local_original_start, v.local_starts_at, v.actual_starts_at AT TIME ZONE 'America/New_York', right(v.actual_provider_id::text, 2), v.exception, coalesce(v.status, v.outcome), v.version
      FROM clinic.series_appointments AS v WHERE v.series_id = pg_temp.series(number) ORDER BY v.local_original_start $$;
CREATE FUNCTION pg_temp.appointment(number integer, local_original_start timestamp) RETURNS uuid LANGUAGE sql AS
    $$ SELECT v.appointment_id FROM clinic.series_appointments AS v WHERE v.series_id = pg_temp.series(number) AND v.local_original_start = appointment.local_original_start $$;

-- Tuesdays at nine over the change of March.
SELECT count(*) FROM clinic.book_series(:visit, :pat1, 'FREQ=WEEKLY;COUNT=6', '2026-03-03 09:00', provider_id => :ann, location_id => :ny);
-- Three are changed singly, one through the series: moved, given to Bob, cancelled, moved.
SELECT r.status FROM clinic.reschedule_appointment(pg_temp.appointment(1, '2026-03-10 09:00'), '2026-03-11 15:00-04') AS r;
SELECT r.status FROM clinic.reschedule_appointment(pg_temp.appointment(1, '2026-03-17 09:00'), '2026-03-17 09:00-04', provider_id => :bob) AS r;
SELECT c.status FROM clinic.cancel_appointment(pg_temp.appointment(1, '2026-03-24 09:00')) AS c;
SELECT e.local_original_start, e.local_starts_at, e.outcome FROM clinic.edit_series(pg_temp.series(1), 'this', local_original_start => '2026-04-07 09:00', local_starts_at => '2026-04-07 16:00') AS e;
SELECT * FROM pg_temp.dates(1);
-- All by half an hour: exceptions stay, and so do their versions; wall-clock time on both sides of the change.
SELECT e.local_original_start, e.local_starts_at, e.starts_at, e.outcome, e.reason FROM clinic.edit_series(pg_temp.series(1), 'all', local_starts_at => '2026-03-03 09:30') AS e;
SELECT * FROM pg_temp.dates(1);
SELECT s.shift, s.version FROM clinic.series AS s;
-- The same again changes nothing.
SELECT e.local_original_start, e.outcome, e.reason FROM clinic.edit_series(pg_temp.series(1), 'all', local_starts_at => '2026-03-03 09:30') AS e;
SELECT sum(d.version) AS versions FROM pg_temp.dates(1) AS d;
-- What is put back is no exception any more.
SELECT e.outcome FROM clinic.edit_series(pg_temp.series(1), 'this', appointment_id => pg_temp.appointment(1, '2026-04-07 09:00'), local_starts_at => '2026-04-07 09:30') AS e;
SELECT d.exception FROM pg_temp.dates(1) AS d WHERE d.local_original_start = '2026-04-07 09:00';

-- This and the following: another series goes on; the earlier dates are not touched.
SELECT e.series_id = pg_temp.series(2) AS new, e.local_original_start, e.local_starts_at, e.provider_id = :bob AS bob, e.outcome, e.reason
  FROM clinic.edit_series(pg_temp.series(1), 'following', local_original_start => '2026-03-31 09:00', local_starts_at => '2026-04-01 10:00', provider_id => :bob) AS e;
SELECT s.status, s.previous_series_id = pg_temp.series(1) AS of_first, s.provider_id = :bob AS bob, s.shift, s.local_from, s.local_until FROM clinic.series AS s ORDER BY s.series_id;
SELECT * FROM pg_temp.dates(1);
SELECT * FROM pg_temp.dates(2);

-- In the way of nothing but itself: every date moves to where the next one stands.
SELECT count(*) FROM clinic.book_series(:visit, :pat2, 'FREQ=DAILY;COUNT=4', '2026-05-04 09:00', provider_id => :ann, location_id => :ny);
SELECT pg_temp.series(3) IS NOT NULL AS made;
SELECT e.local_original_start, e.local_starts_at, e.outcome FROM clinic.edit_series(pg_temp.series(3), 'all', local_starts_at => '2026-05-05 09:00') AS e;
SELECT e.local_original_start, e.local_starts_at, e.outcome FROM clinic.edit_series(pg_temp.series(3), 'all', local_starts_at => '2026-05-04 09:00', duration => '45 minutes') AS e;
-- A conflict refuses all of a change, and tells of each; skip changes the others, and what stays can be moved later.
SELECT b.status FROM clinic.book_appointment(:visit, :pat3, '2026-05-05 10:00-04', :ann) AS b;
SELECT b.status FROM clinic.book_appointment(:visit, :pat2, '2026-05-07 10:30-04', :bob) AS b;
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.edit_series(%L, 'all', local_starts_at => '2026-05-04 10:00') $$, pg_temp.series(3)));
SELECT d.local_original_start, d.actual, d.version FROM pg_temp.dates(3) AS d;
SELECT e.local_original_start, e.local_starts_at, e.outcome, e.reason, e.alternatives -> 0 ->> 'starts_at' AS free FROM clinic.edit_series(pg_temp.series(3), 'all', local_starts_at => '2026-05-04 10:00', mode => 'skip') AS e;
SELECT d.local_original_start, d.local_starts_at, d.actual, d.exception, d.version FROM pg_temp.dates(3) AS d;
SELECT e.local_original_start, e.local_starts_at, e.outcome FROM clinic.edit_series(pg_temp.series(3), 'all', local_starts_at => '2026-05-04 09:00') AS e;
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.edit_series(%L, 'following', local_original_start => '2026-05-05 09:00', local_starts_at => '2026-05-05 20:00', mode => 'skip') $$, pg_temp.series(3)));
-- Into the missing hour.
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.edit_series(%L, 'all', local_starts_at => '2027-03-11 02:30') $$, pg_temp.series(3)));
BEGIN;
SELECT e.local_original_start, e.local_starts_at, e.starts_at, e.outcome FROM clinic.edit_series(pg_temp.series(3), 'all', local_starts_at => '2027-03-11 02:30', gap => 'shift') AS e;
ROLLBACK;

-- Another rule: what lies on it stays, what lies in the same week moves, the rest is booked or cancelled; exceptions keep their day.
SELECT count(*) FROM clinic.book_series(:visit, :pat3, 'FREQ=WEEKLY;BYDAY=MO,WE;COUNT=8', '2026-06-01 09:00', provider_id => :ann, location_id => :ny);
SELECT c.status FROM clinic.cancel_appointment(pg_temp.appointment(4, '2026-06-15 09:00')) AS c;
SELECT e.outcome FROM clinic.edit_series(pg_temp.series(4), 'this', local_original_start => '2026-06-17 09:00', local_starts_at => '2026-06-18 13:00') AS e;
SELECT e.series_id = pg_temp.series(5) AS new, e.local_original_start, e.local_starts_at, e.outcome, e.reason
  FROM clinic.edit_series(pg_temp.series(4), 'following', local_original_start => '2026-06-08 09:00', rule => 'FREQ=WEEKLY;BYDAY=MO,TH;COUNT=8') AS e ORDER BY e.local_starts_at;
SELECT * FROM pg_temp.dates(4);
SELECT * FROM pg_temp.dates(5);
SELECT e.local_starts_at, e.outcome, e.reason FROM clinic.edit_series(pg_temp.series(5), 'all', rule => 'FREQ=MONTHLY;COUNT=2') AS e ORDER BY e.local_starts_at;
SELECT * FROM pg_temp.dates(6);
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.edit_series(%L, 'all', rule => 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30') $$, pg_temp.series(6)));

-- Rooms asked for by name stay, others are chosen afresh.
SELECT DISTINCT b.resource_ids FROM clinic.book_series(:roomed, :pat1, 'FREQ=DAILY;COUNT=2', '2026-07-01 09:00', provider_id => :ann, location_id => :ny, resource_ids => ARRAY[:blue]::uuid[]) AS b;
SELECT e.local_starts_at, e.resource_ids = ARRAY[:blue]::uuid[] AS blue, e.outcome FROM clinic.edit_series(pg_temp.series(7), 'all', local_starts_at => '2026-07-01 10:00') AS e;
SELECT e.outcome FROM clinic.edit_series(pg_temp.series(7), 'this', local_original_start => '2026-07-02 09:00', resource_ids => ARRAY[:red]::uuid[]) AS e;
SELECT d.local_original_start, d.exception FROM pg_temp.dates(7) AS d;

-- A date that was skipped is booked after all, at an alternative.
SELECT b.local_original_start, b.outcome, b.reason, b.alternatives -> 0 ->> 'starts_at' AS free FROM clinic.book_series(:visit, :pat3, dates => '{2026-07-02 10:00,2026-07-03 10:00}', provider_id => :ann, location_id => :ny, mode => 'skip') AS b;
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.edit_series(%L, 'this', local_original_start => '2026-07-02 10:00', local_starts_at => '2026-07-02 10:00') $$, pg_temp.series(8)));
SELECT e.local_original_start, e.local_starts_at, e.outcome FROM clinic.edit_series(pg_temp.series(8), 'this', local_original_start => '2026-07-02 10:00', local_starts_at => '2026-07-02 09:30') AS e;
SELECT * FROM pg_temp.dates(8);

-- Begun dates are out of reach of every change.
SET clinic.clock = '2026-04-01T16:30:00Z';
SELECT e.local_original_start, e.local_starts_at, e.outcome, e.reason FROM clinic.edit_series(pg_temp.series(2), 'all', local_starts_at => '2026-04-08 12:30') AS e;
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.edit_series(%L, 'all', local_starts_at => '2026-04-08 12:30') $$, pg_temp.series(1)));
SET clinic.clock = '2026-03-01T12:00:00Z';

-- Cancelling. A single date.
SELECT c.local_original_start, c.status, c.outcome FROM clinic.cancel_series(pg_temp.series(3), 'this', local_original_start => '2026-05-05 09:00') AS c;
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.cancel_series(%L, 'this', local_original_start => '2026-05-05 09:00') $$, pg_temp.series(3)));
-- The following; exceptions are kept, and told.
SELECT e.outcome FROM clinic.edit_series(pg_temp.series(3), 'this', local_original_start => '2026-05-07 09:00', local_starts_at => '2026-05-08 15:00') AS e;
BEGIN;
SELECT c.local_original_start, c.status, c.outcome, c.reason FROM clinic.cancel_series(pg_temp.series(3), 'following', local_original_start => '2026-05-06 09:00', reason => 'moved house') AS c;
SELECT s.status, s.local_until FROM clinic.series AS s WHERE s.series_id = pg_temp.series(3);
ROLLBACK;
-- All, exceptions too; afterwards it is over.
SELECT c.local_original_start, c.status, c.outcome, c.reason FROM clinic.cancel_series(pg_temp.series(3), 'all', include_exceptions => true) AS c;
SELECT s.status, s.local_until FROM clinic.series AS s WHERE s.series_id = pg_temp.series(3);
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.cancel_series(%L, 'all') $$, pg_temp.series(3)));
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.edit_series(%L, 'all', duration => '30 minutes') $$, pg_temp.series(3)));
SELECT pg_temp.series(8) AS eighth \gset
-- Late ones are refused where the tenant refuses them to those who may not override.
SELECT clinic.update_tenant('{"refuse_late_cancellation": true}') > 0 AS changed;
SET SESSION AUTHORIZATION regress_change_own;
BEGIN;
SET LOCAL clinic.clock = '2026-07-01T14:00:00Z';
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.cancel_series(%L, 'all', include_exceptions => true) $$, :'eighth'));
SELECT c.local_original_start, c.outcome, c.reason FROM clinic.cancel_series(:'eighth', 'all', include_exceptions => true, mode => 'skip') AS c;
ROLLBACK;
SET SESSION AUTHORIZATION regress_change;
SELECT clinic.update_tenant('{"refuse_late_cancellation": false}') > 0 AS changed;

-- What is no change, and who may not.
SELECT regexp_replace(t.call, '''[0-9a-f]{8}-[0-9a-f-]{27}''', '(id)') AS call, a.state, a.message, a.argument
  FROM unnest(ARRAY[
    $$edit_series('5c00001a-0001-7000-8000-000000000001', 'all', duration => '30 minutes')$$,
    format($$edit_series(%L, 'some', duration => '30 minutes')$$, pg_temp.series(1)),
    format($$edit_series(%L, 'all')$$, pg_temp.series(1)),
    format($$edit_series(%L, 'this', duration => '30 minutes')$$, pg_temp.series(1)),
    format($$edit_series(%L, 'this', local_original_start => '2026-03-04 09:00', duration => '30 minutes')$$, pg_temp.series(1)),
    format($$edit_series(%L, 'this', local_original_start => '2026-03-03 09:00', rule => 'FREQ=DAILY')$$, pg_temp.series(1)),
    format($$edit_series(%L, 'all', duration => '30 minutes', version => 77)$$, pg_temp.series(1)),
    format($$edit_series(%L, 'all', duration => '30 minutes', mode => 'x')$$, pg_temp.series(1)),
    format($$edit_series(%L, 'all', duration => '30 minutes', gap => 'x')$$, pg_temp.series(1)),
    format($$cancel_series(%L, 'following')$$, pg_temp.series(1)),
    format($$cancel_series(%L, NULL)$$, pg_temp.series(1)),
    $$cancel_series(NULL, 'all')$$]) WITH ORDINALITY AS t (call, place)
 CROSS JOIN LATERAL pg_temp.attempt('SELECT * FROM clinic.' || t.call) AS a
 ORDER BY t.place;
SELECT pg_temp.series(1) AS first, pg_temp.series(2) AS second \gset
SET SESSION AUTHORIZATION regress_change_reader;
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.edit_series(%L, 'all', duration => '30 minutes') $$, :'first'));
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.cancel_series(%L, 'all') $$, :'first'));
-- Ann sees her own dates, and may not change a series of which she does not see all.
SET SESSION AUTHORIZATION regress_change_own;
SELECT v.local_original_start FROM clinic.series_appointments AS v WHERE v.series_id = :'first' ORDER BY 1;
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.cancel_series(%L, 'all') $$, :'first'));
SELECT a.state, a.message FROM pg_temp.attempt(format($$ SELECT * FROM clinic.cancel_series(%L, 'all') $$, :'second')) AS a;
SET SESSION AUTHORIZATION regress_change;

-- A series without end is booked to the horizon, and further by the job; twice makes nothing twice.
SELECT count(*), max(b.local_original_start) FROM clinic.book_series(:ended, :pat1, 'FREQ=DAILY;INTERVAL=3', '2026-03-02 17:00', provider_id => :bob, location_id => :ny, excluded_dates => '{2026-03-20}') AS b;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.extend(clock text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('clinic.clock', clock, false);
    PERFORM clinic.use_tenant('regress-change');
    RETURN clinic_private.extend_series_job();
END $$;
SELECT pg_temp.extend('2026-03-01T12:00:00Z') AS same_day, pg_temp.extend('2026-03-09T12:00:00Z') AS later, pg_temp.extend('2026-03-09T12:00:00Z') AS again;
SET SESSION AUTHORIZATION regress_change;
SELECT d.ordinal, d.local_original_start, d.status FROM pg_temp.dates(9) AS d;
SELECT s.local_materialised_until FROM clinic.series AS s WHERE s.series_id = pg_temp.series(9);
-- Dates that cannot be booked are kept with the reason, and staff see them. The rest goes on, and so does a moved series.
SELECT e.outcome FROM clinic.edit_series(pg_temp.series(9), 'following', local_original_start => '2026-03-17 17:00', local_starts_at => '2026-03-17 16:00') AS e LIMIT 1;
SELECT clinic.close_date(:bob, '2026-03-29') \g /dev/null
RESET SESSION AUTHORIZATION;
SELECT pg_temp.extend('2026-03-17T12:00:00Z') AS made;
SET SESSION AUTHORIZATION regress_change;
SELECT d.ordinal, d.local_original_start, d.local_starts_at, d.status FROM pg_temp.dates(10) AS d;
SELECT v.local_original_start, v.reason, v.alternatives -> 0 ->> 'starts_at' AS free FROM clinic.series_appointments AS v WHERE v.outcome = 'skipped' AND v.series_id = pg_temp.series(10);
-- A cancelled one goes on no more.
SELECT count(*) FROM clinic.cancel_series(pg_temp.series(10), 'following', local_original_start => '2026-03-29 17:00');
RESET SESSION AUTHORIZATION;
SELECT pg_temp.extend('2026-04-17T12:00:00Z') AS made;
SET clinic.clock = '2026-03-01T12:00:00Z';
SET SESSION AUTHORIZATION regress_change;

-- The same call again is the same call: one series, one move, one cancellation.
SELECT count(*), bool_or(b.replayed) AS replayed FROM clinic.book_series(:visit, :pat2, 'FREQ=DAILY;COUNT=2', '2026-08-03 09:00', provider_id => :ann, location_id => :ny, idempotency_key => 'series-1') AS b;
SELECT count(*), bool_and(b.replayed) AS replayed, bool_and(b.series_id = pg_temp.series(11)) AS same FROM clinic.book_series(:visit, :pat2, 'FREQ=DAILY;COUNT=2', '2026-08-03 09:00', provider_id => :ann, location_id => :ny, idempotency_key => 'series-1') AS b;
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.book_series(%L, %L, 'FREQ=DAILY;COUNT=3', '2026-08-03 09:00', provider_id => %L, location_id => %L, idempotency_key => 'series-1') $$, :visit, :pat2, :ann, :ny));
SELECT e.outcome, e.replayed FROM clinic.edit_series(pg_temp.series(11), 'all', local_starts_at => '2026-08-03 10:00', idempotency_key => 'edit-1') AS e;
SELECT e.outcome, e.replayed FROM clinic.edit_series(pg_temp.series(11), 'all', local_starts_at => '2026-08-03 10:00', idempotency_key => 'edit-1') AS e;
SELECT c.outcome, c.replayed FROM clinic.cancel_series(pg_temp.series(11), 'all', idempotency_key => 'cancel-1') AS c;
SELECT c.outcome, c.replayed FROM clinic.cancel_series(pg_temp.series(11), 'all', idempotency_key => 'cancel-1') AS c;
SELECT count(*) AS series FROM clinic.series AS s;

-- Each change of an appointment is one event, and there is none for what stayed.
RESET SESSION AUTHORIZATION;
SELECT e.name, count(*) FROM clinic_data.events AS e JOIN clinic_data.series_appointments AS a ON a.tenant_id = e.tenant_id AND a.appointment_id = e.subject_id
 WHERE a.series_id = :'first' GROUP BY 1 ORDER BY 1;
SELECT count(*) AS uneven FROM clinic_data.appointments AS a
 WHERE a.tenant_id = '5c00001a-0000-7000-8000-000000000001' AND a.version <> (SELECT count(*) FROM clinic_data.events AS e WHERE e.tenant_id = a.tenant_id AND e.subject_id = a.appointment_id);
SET SESSION AUTHORIZATION regress_change;
SELECT i.problem FROM clinic.check_integrity() AS i;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_change, regress_change_own, regress_change_reader;
DROP ROLE regress_change, regress_change_own, regress_change_reader;
