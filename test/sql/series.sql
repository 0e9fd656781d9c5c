-- Booking series: local time over changes of daylight saving, all or nothing, skip, excluded dates, previews, endless rules.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_series LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_series_reader LOGIN IN ROLE clinic_user;
CREATE ROLE regress_series_patient LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_series, regress_series_reader, regress_series_patient;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'America/New_York';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000074-0010-7000-8000-000000000001\''
\set ann '\'5c000074-0020-7000-8000-0000000000a1\''
\set bob '\'5c000074-0020-7000-8000-0000000000b2\''
\set visit '\'5c000074-0040-7000-8000-000000000001\''
\set near '\'5c000074-0040-7000-8000-000000000002\''
\set weekly '\'5c000074-0040-7000-8000-000000000003\''
\set pat1 '\'5c000074-0090-7000-8000-000000000001\''
\set pat2 '\'5c000074-0090-7000-8000-000000000002\''
\set pat3 '\'5c000074-0090-7000-8000-000000000003\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-series', name => 'Test', tenant_id => '5c000074-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_series', 'admin', '{*}'),
       clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_service('Near', 30, horizon_days => 21, service_id => :near),
       clinic.create_service('Weekly', 30, max_per_week => 2, service_id => :weekly),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2),
       clinic.create_patient('Secret Three', patient_id => :pat3),
       clinic.map_login('regress_series_reader', 'staff', '{appointments:read,patients:read}'),
       clinic.map_login('regress_series_patient', 'patient', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p, unnest(ARRAY[:visit, :near, :weekly]::uuid[]) AS s \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '00:00', '12:00', valid_from => '2026-01-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_series;

-- What a command says when it is refused, without the alternatives.
CREATE FUNCTION pg_temp.attempt(command text) RETURNS TABLE (state text, message text, reason text, conflicts text, argument text, hint text) LANGUAGE plpgsql AS $$
DECLARE facts text;
BEGIN
    EXECUTE command;
    message := 'done'; RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, facts = PG_EXCEPTION_DETAIL, argument = COLUMN_NAME, hint = PG_EXCEPTION_HINT;
    IF facts LIKE '{%' THEN
        reason := facts::jsonb ->> 'reason';
        conflicts := (SELECT string_agg(concat_ws(' ', c.value ->> 'local_original_start', c.value ->> 'reason',
                                                  (SELECT string_agg(a.value ->> 'starts_at', ', ' ORDER BY a.place) FROM jsonb_array_elements(c.value -> 'alternatives') WITH ORDINALITY AS a (value, place))),
                                        '; ' ORDER BY c.place) FROM jsonb_array_elements(facts::jsonb -> 'conflicts') WITH ORDINALITY AS c (value, place));
        hint := CASE WHEN conflicts IS NULL THEN hint END;
    END IF;
    RETURN NEXT;
END $$;
CREATE FUNCTION pg_temp.free_at(alternatives jsonb) RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(a.value ->> 'starts_at', ', ' ORDER BY a.place) FROM jsonb_array_elements(alternatives) WITH ORDINALITY AS a (value, place) $$;

-- A weekly series over the weekend on which the clocks go forward: 09:00 stays 09:00, and the instants move.
SELECT b.local_original_start, b.local_starts_at, b.starts_at, b.ends_at - b.starts_at AS length, b.outcome, b.status, b.confirmation_code IS NOT NULL AS coded, b.replayed
  FROM clinic.book_series(:visit, :pat1, 'FREQ=WEEKLY;COUNT=3', '2026-03-03 09:00', provider_id => :ann, location_id => :ny) AS b;
SELECT s.rule, s.local_first_starts_at, s.time_zone, s.endless, s.status, s.mode, s.gap, s.version FROM clinic.series AS s;
SELECT v.ordinal, v.local_original_start, v.starts_at, v.outcome, v.exception, v.status, v.version FROM clinic.series_appointments AS v ORDER BY 1;

-- The first start as an instant, read as local time; in autumn, on the other side of the change, too.
SELECT b.local_original_start, b.starts_at FROM clinic.book_series(:visit, :pat1, 'FREQ=WEEKLY;COUNT=3', starts_at => '2026-10-20 08:00-04', provider_id => :ann) AS b;

-- A local time that the clock skips is a conflict; shifted, it moves by the offset before.
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.book_series(%L, %L, 'FREQ=DAILY;COUNT=3', '2026-03-07 02:30', provider_id => %L, location_id => %L) $$, :visit, :pat2, :ann, :ny));
BEGIN;
SELECT b.local_original_start, b.local_starts_at, b.starts_at, b.outcome, b.reason FROM clinic.book_series(:visit, :pat2, 'FREQ=DAILY;COUNT=3', '2026-03-07 02:30', provider_id => :ann, location_id => :ny, mode => 'skip') AS b;
ROLLBACK;
BEGIN;
SELECT b.local_original_start, b.local_starts_at, b.starts_at, b.outcome FROM clinic.book_series(:visit, :pat2, 'FREQ=DAILY;COUNT=3', '2026-03-07 02:30', provider_id => :ann, location_id => :ny, gap => 'shift') AS b;
ROLLBACK;
-- Of a repeated local time the first is taken; an instant of the second pass cannot begin a series.
BEGIN;
SELECT b.local_original_start, b.starts_at, b.starts_at AT TIME ZONE 'UTC' AS utc FROM clinic.book_series(:visit, :pat2, 'FREQ=DAILY;COUNT=3', '2026-10-31 01:30', provider_id => :ann, location_id => :ny) AS b;
ROLLBACK;
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.book_series(%L, %L, 'FREQ=DAILY;COUNT=2', starts_at => '2026-11-01 01:30-05', provider_id => %L, location_id => %L) $$, :visit, :pat2, :ann, :ny));

-- All or nothing: all conflicts in one error, each with its reason and what is free that day, and nothing is written.
SELECT b.appointment_id FROM clinic.book_appointment(:visit, :pat3, '2026-03-12 09:00-04', :ann) AS b \gset
SELECT clinic.close_date(:ann, '2026-03-13') \g /dev/null
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.book_series(%L, %L, 'FREQ=DAILY;COUNT=5', '2026-03-09 09:00', provider_id => %L, location_id => %L) $$, :visit, :pat2, :ann, :ny));
SELECT count(*) AS appointments FROM clinic.appointments AS a WHERE a.patient_id = :pat2;
SELECT count(*) AS series FROM clinic.series AS s WHERE s.patient_id = :pat2;
-- A date is free, and not offered to another date, when the series itself takes it.
BEGIN;
SELECT clinic.close_date(:ann, '2026-03-10'), clinic.open_date(:ann, :ny, '2026-03-11', '09:00', '10:00'), clinic.open_date(:ann, :ny, '2026-03-14', '09:00', '09:30') \g /dev/null
SELECT p.local_original_start, p.outcome, p.reason, pg_temp.free_at(p.alternatives) FROM clinic.preview_series(:visit, :pat2, dates => '{2026-03-14 09:00,2026-03-10 09:00,2026-03-11 09:00}', provider_id => :ann, location_id => :ny) AS p;
ROLLBACK;
-- Skip: the rest is booked, and the view keeps what was not.
SELECT b.local_original_start, b.outcome, b.reason, pg_temp.free_at(b.alternatives) AS free FROM clinic.book_series(:visit, :pat2, 'FREQ=DAILY;COUNT=5', '2026-03-09 09:00', provider_id => :ann, location_id => :ny, mode => 'skip') AS b;
SELECT v.ordinal, v.local_original_start, v.outcome, v.reason, jsonb_array_length(v.alternatives) AS alternatives, v.status
  FROM clinic.series_appointments AS v JOIN clinic.series AS s USING (tenant_id, series_id) WHERE s.patient_id = :pat2 ORDER BY 1;
-- Unless nothing is left.
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.book_series(%L, %L, 'FREQ=DAILY;COUNT=2', '2026-03-09 13:00', provider_id => %L, location_id => %L, mode => 'skip') $$, :visit, :pat2, :ann, :ny));
-- Dates are judged together: the third of a week breaks the limit that the first two reach.
SELECT p.local_original_start, p.outcome, p.reason FROM clinic.preview_series(:weekly, :pat3, 'FREQ=DAILY;COUNT=4', '2026-03-16 09:00', provider_id => :ann, location_id => :ny) AS p;
-- Any provider: whoever is free on the date.
BEGIN;
SELECT clinic.close_date(:ann, '2026-04-07') \g /dev/null
SELECT b.local_original_start, b.outcome, b.provider_id FROM clinic.book_series(:visit, :pat3, 'FREQ=WEEKLY;COUNT=2', '2026-04-07 09:00', location_id => :ny) AS b;
ROLLBACK;

-- Excluded dates are left out after COUNT; those that match nothing are told, in the error too.
BEGIN;
SELECT b.local_original_start, b.outcome FROM clinic.book_series(:visit, :pat3, 'FREQ=WEEKLY;COUNT=3', '2026-05-05 09:00', provider_id => :ann, location_id => :ny, excluded_dates => '{2026-05-12,2026-05-13,2026-06-02}') AS b;
ROLLBACK;
SELECT * FROM pg_temp.attempt(format($$ SELECT * FROM clinic.book_series(%L, %L, 'FREQ=WEEKLY;COUNT=1', '2026-05-05 09:00', provider_id => %L, location_id => %L, excluded_dates => '{2026-05-05}') $$, :visit, :pat3, :ann, :ny));
DO $$
DECLARE facts text;
BEGIN
    PERFORM clinic.book_series('5c000074-0040-7000-8000-000000000001', '5c000074-0090-7000-8000-000000000003', 'FREQ=DAILY;COUNT=2', '2026-03-12 09:00',
                               provider_id => '5c000074-0020-7000-8000-0000000000a1', excluded_dates => '{2027-01-01}');
EXCEPTION WHEN SQLSTATE 'CL013' OR SQLSTATE 'CL016' THEN
    GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL;
    RAISE NOTICE '% %', facts::jsonb -> 'reason', facts::jsonb -> 'unmatched_exclusions';
END $$;

-- What is no series.
SELECT t.arguments, a.state, a.message, a.argument
  FROM unnest(ARRAY[
    $$'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', '2026-05-05 09:00', location_id => '5c000074-0010-7000-8000-000000000001'$$,
    $$'FREQ=WEEKLY;UNTIL=20260101', '2026-05-05 09:00', location_id => '5c000074-0010-7000-8000-000000000001'$$,
    $$'FREQ=DAILY;COUNT=367', '2026-05-05 09:00', location_id => '5c000074-0010-7000-8000-000000000001'$$,
    $$'FREQ=WEEKLY', '2026-05-05 09:00'$$,
    $$'FREQ=WEEKLY', '2026-05-05 09:00', location_id => '5c000074-0010-7000-8000-0000000000ff'$$,
    $$'FREQ=WEEKLY', location_id => '5c000074-0010-7000-8000-000000000001'$$,
    $$'FREQ=WEEKLY', '2026-05-05 09:00', '2026-05-05 09:00Z', location_id => '5c000074-0010-7000-8000-000000000001'$$,
    $$'FREQ=WEEKLY', '2026-05-05 09:00', dates => '{2026-05-05 09:00}', location_id => '5c000074-0010-7000-8000-000000000001'$$,
    $$dates => '{}', location_id => '5c000074-0010-7000-8000-000000000001'$$,
    $$dates => '{2026-05-05 09:00}', local_starts_at => '2026-05-05 09:00', location_id => '5c000074-0010-7000-8000-000000000001'$$,
    $$dates => '{2026-05-05 09:00,infinity}', location_id => '5c000074-0010-7000-8000-000000000001'$$,
    $$'FREQ=SOMETIMES', '2026-05-05 09:00', location_id => '5c000074-0010-7000-8000-000000000001'$$,
    $$'FREQ=WEEKLY', '2026-05-05 09:00', location_id => '5c000074-0010-7000-8000-000000000001', mode => 'most'$$,
    $$'FREQ=WEEKLY', '2026-05-05 09:00', location_id => '5c000074-0010-7000-8000-000000000001', gap => 'skip'$$,
    $$'FREQ=WEEKLY', '2026-05-05 09:00', location_id => '5c000074-0010-7000-8000-000000000001', override => true$$,
    $$'FREQ=WEEKLY;COUNT=2', '2026-05-05 09:00', location_id => '5c000074-0010-7000-8000-000000000001', duration => '3 hours'$$]) WITH ORDINALITY AS t (arguments, place)
 CROSS JOIN LATERAL pg_temp.attempt(format('SELECT * FROM clinic.book_series(%L, %L, %s)', :visit, :pat3, t.arguments)) AS a
 ORDER BY t.place;
SELECT a.state, a.message FROM pg_temp.attempt(format('SELECT * FROM clinic.book_series(%L, %L, %L, %L, location_id => %L)', '5c000074-0040-7000-8000-0000000000ff', :pat3, 'FREQ=WEEKLY;COUNT=2', '2026-05-05 09:00', :ny)) AS a;
SELECT a.state, a.message FROM pg_temp.attempt(format('SELECT * FROM clinic.book_series(%L, %L, %L, %L, location_id => %L)', :visit, '5c000074-0090-7000-8000-0000000000ff', 'FREQ=WEEKLY;COUNT=2', '2026-05-05 09:00', :ny)) AS a;

-- A preview judges as booking does, and writes nothing.
SELECT p.local_original_start, p.outcome, p.reason FROM clinic.preview_series(:visit, :pat3, 'FREQ=DAILY;COUNT=3', '2026-03-11 09:00', provider_id => :ann, location_id => :ny) AS p;
SELECT count(*) AS appointments FROM clinic.appointments AS a WHERE a.patient_id = :pat3;
SELECT count(*) AS locks FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.pid = pg_backend_pid();

-- With the right and a reason the rules give way on every date.
BEGIN;
SELECT b.local_original_start, b.outcome FROM clinic.book_series(:visit, :pat3, 'FREQ=WEEKLY;COUNT=2', '2026-05-05 20:00', provider_id => :ann, location_id => :ny, override => true, reason => 'evening course') AS b;
SELECT DISTINCT a.overridden, a.override_reason FROM clinic.appointments AS a WHERE a.patient_id = :pat3 AND a.starts_at > '2026-05-01';
ROLLBACK;

-- A rule without end is booked to the service's horizon, today and 21 days inclusive, or the tenant's.
SELECT b.local_original_start, b.outcome FROM clinic.book_series(:near, :pat3, 'FREQ=WEEKLY', '2026-03-02 08:30', provider_id => :bob, location_id => :ny) AS b;
SELECT s.endless, s.local_materialised_until FROM clinic.series AS s WHERE s.service_id = :near;
BEGIN;
SELECT clinic.update_tenant('{"series_days": 30}') > 0 AS changed;
SELECT count(*), max(b.local_original_start) FROM clinic.book_series(:visit, :pat1, 'FREQ=WEEKLY', '2026-03-03 07:00', provider_id => :bob, location_id => :ny) AS b;
-- The first date however far it lies.
SELECT b.local_original_start, b.outcome FROM clinic.book_series(:visit, :pat1, 'FREQ=YEARLY', '2026-12-24 07:00', provider_id => :bob, location_id => :ny) AS b;
ROLLBACK;
SELECT * FROM pg_temp.attempt($$ SELECT clinic.update_tenant('{"series_days": 0}') $$);
-- A rule with an end is checked to its end.
SELECT a.message, a.reason, a.conflicts FROM pg_temp.attempt(format('SELECT * FROM clinic.book_series(%L, %L, %L, %L, provider_id => %L, location_id => %L)', :near, :pat1, 'FREQ=WEEKLY;COUNT=5', '2026-03-03 07:00', :bob, :ny)) AS a;

-- Who may not book books no series either, and sees what they may see.
SET SESSION AUTHORIZATION regress_series_reader;
SELECT a.state, a.message FROM pg_temp.attempt(format('SELECT * FROM clinic.book_series(%L, %L, %L, %L, provider_id => %L)', :visit, :pat3, 'FREQ=WEEKLY;COUNT=2', '2026-05-05 09:00', :ann)) AS a;
SELECT a.state, a.message FROM pg_temp.attempt(format('SELECT * FROM clinic.preview_series(%L, %L, %L, %L, provider_id => %L)', :visit, :pat3, 'FREQ=WEEKLY;COUNT=2', '2026-05-05 09:00', :ann)) AS a;
SELECT count(*) AS series FROM clinic.series AS s;
-- A patient for themselves.
SET SESSION AUTHORIZATION regress_series_patient;
SELECT DISTINCT s.patient_id = :pat2 AS mine FROM clinic.series AS s;
SELECT count(*) AS dates FROM clinic.series_appointments AS v;
BEGIN;
SELECT b.local_original_start, b.outcome FROM clinic.book_series(:visit, :pat2, 'FREQ=WEEKLY;COUNT=2', '2026-06-02 09:00', provider_id => :ann, location_id => :ny) AS b;
ROLLBACK;
SELECT a.state, a.message, a.reason FROM pg_temp.attempt(format('SELECT * FROM clinic.book_series(%L, %L, %L, %L, provider_id => %L)', :visit, :pat3, 'FREQ=WEEKLY;COUNT=2', '2026-06-02 09:00', :ann)) AS a;

SET SESSION AUTHORIZATION regress_series;
SELECT i.problem FROM clinic.check_integrity() AS i;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_series, regress_series_reader, regress_series_patient;
DROP ROLE regress_series, regress_series_reader, regress_series_patient;
