-- The arithmetic for anybody's own tables: open hours of a rule, free time, slots, local times.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_intervals LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_intervals;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-intervals', name => 'Test', tenant_id => '5c000019-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_intervals', 'admin', '{*}') \g /dev/null

COMMIT;
SET SESSION AUTHORIZATION regress_intervals;

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

-- Hours of a rule: whole windows that overlap the range.
SELECT clinic.rule_hours('FREQ=WEEKLY;BYDAY=MO,WE', '2026-03-02', '09:00', '17:00', 'America/New_York', '2026-03-02', '2026-03-12');
SELECT clinic.rule_hours('FREQ=DAILY', '2026-03-02', '22:00', '06:00', 'America/New_York', '2026-03-08 04:00Z', '2026-03-08 12:00Z');
SELECT clinic.rule_hours('FREQ=DAILY', '2026-03-02', '02:30', '04:00', 'America/New_York', '2026-03-08', '2026-03-09');
SELECT clinic.rule_hours('FREQ=DAILY', '2026-03-02', '00:00', '24:00', 'Asia/Kolkata', '2026-03-02 20:00Z', '2026-03-03 20:00Z');
SELECT clinic.rule_hours('FREQ=DAILY', '2026-03-02', '09:00', '10:00', 'UTC', '2026-01-01', '2026-02-01') AS before_it_begins;
-- Several rules together.
SELECT range_agg(h) FROM (SELECT unnest(clinic.rule_hours(r, '2026-03-02', s, e, 'UTC', '2026-03-02', '2026-03-04'))
    FROM (VALUES ('FREQ=DAILY', '09:00'::time, '12:00'::time), ('FREQ=WEEKLY;BYDAY=TU', '12:00', '15:00')) AS v (r, s, e)) AS t (h);
-- Free time: open less busy, with buffers.
SELECT clinic.free_time('{[2026-03-02 09:00,2026-03-02 17:00)}', '{[2026-03-02 10:00,2026-03-02 11:00), [2026-03-02 16:30,2026-03-02 18:00)}');
SELECT clinic.free_time('{[2026-03-02 09:00,2026-03-02 17:00)}', '{[2026-03-02 10:00,2026-03-02 11:00)}', '5 minutes', '10 minutes');
SELECT clinic.free_time('{[2026-03-02 09:00,2026-03-02 17:00)}', '{}'), clinic.free_time('{}', '{[2026-03-02 10:00,2026-03-02 11:00)}'),
       clinic.free_time('{[2026-03-02 09:00,2026-03-02 10:00)}', '{[2026-03-02 08:00,2026-03-02 11:00)}') AS nothing;
SELECT clinic.free_time('{(,)}', '{[2026-03-02 10:00,2026-03-02 11:00)}', '1 hour'), clinic.free_time('{[2026-03-02 09:00,)}', '{(,2026-03-02 10:00)}');
SELECT clinic.free_time(NULL, '{}') IS NULL AS null_open, clinic.free_time('{}', NULL) IS NULL AS null_busy;
-- Bounds of any kind mean what they say.
SELECT clinic.free_time('{[2026-03-02 09:00,2026-03-02 10:00]}', '{(2026-03-02 09:30,2026-03-02 09:40]}');
-- Slots: on a grid from the start of the open hours, which busy time does not move.
SELECT s FROM clinic.cut_slots('{[2026-03-02 09:00,2026-03-02 10:40)}', '30 minutes') AS s;
SELECT lower(s) FROM clinic.cut_slots('{[2026-03-02 09:10,2026-03-02 10:40)}', '30 minutes', '15 minutes', open => '{[2026-03-02 09:00,2026-03-02 10:40)}') AS s;
SELECT lower(s) FROM clinic.cut_slots('{[2026-03-02 09:10,2026-03-02 10:40)}', '30 minutes', '30 minutes', anchor => '2026-03-02 00:00') AS s;
SELECT count(*) FROM clinic.cut_slots('{[2026-03-02 09:00,2026-03-02 10:40)}', '2 hours');
SELECT count(*) FROM clinic.cut_slots('{}', '30 minutes');
SELECT count(*) FROM clinic.cut_slots(NULL, '30 minutes');
-- In one query on one's own tables.
SELECT lower(s) AT TIME ZONE 'Europe/Berlin' AS start
FROM clinic.rule_hours('FREQ=WEEKLY;BYDAY=MO', '2026-03-02', '09:00', '11:00', 'Europe/Berlin', '2026-03-02', '2026-03-03') AS open,
     clinic.cut_slots(clinic.free_time(open, '{[2026-03-02 09:00+01,2026-03-02 09:10+01)}'), '30 minutes', open => open) AS s;
-- Local times: the first of an ambiguous pair, unless the offset tells.
SELECT clinic.local_instant('2026-03-02 09:00', 'America/New_York'), clinic.local_instant('2026-11-01 01:30', 'America/New_York') AS first,
       clinic.local_instant('2026-11-01 01:30', 'America/New_York', '-05:00') AS second, clinic.local_instant('2026-03-08 02:30', 'America/New_York', gap => 'shift') AS shifted,
       clinic.local_instant('2026-03-02 09:00', 'America/New_York', '-5 hours') AS told;

-- Bad input.
\pset format unaligned
\pset fieldsep '\n    '
\pset null -
\pset footer off
SELECT c AS command, a.state, a.message, a.detail, a.hint FROM unnest(ARRAY[
    $$rule_hours(NULL, '2026-03-02', '09:00', '17:00', 'UTC', '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=DAILY', NULL, '09:00', '17:00', 'UTC', '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=DAILY', '2026-03-02', NULL, '17:00', 'UTC', '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=DAILY', '2026-03-02', '09:00', '17:00', NULL, '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=DAILY', '2026-03-02', '09:00', '17:00', 'UTC+5', '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=DAILY', '2026-03-02', '09:00', '17:00', 'EDT', '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=DAILY', '2026-03-02', '24:00', '17:00', 'UTC', '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=DAILY', 'infinity', '09:00', '17:00', 'UTC', '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=HOURLY', '2026-03-02', '09:00', '17:00', 'UTC', '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=DAILY;BYHOUR=3', '2026-03-02', '09:00', '17:00', 'UTC', '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=NEVER', '2026-03-02', '09:00', '17:00', 'UTC', '2026-03-02', '2026-03-03')$$,
    $$rule_hours('FREQ=DAILY', '2026-03-02', '09:00', '17:00', 'UTC', '2026-03-02', '2027-03-04')$$,
    $$rule_hours('FREQ=DAILY', '2026-03-02', '09:00', '17:00', 'UTC', '2026-03-03', '2026-03-02')$$,
    $$rule_hours('FREQ=DAILY', '2026-03-02', '09:00', '17:00', 'UTC', '2026-03-02', 'infinity')$$,
    $$free_time('{}', '{}', '-1 minute')$$,
    $$free_time('{}', '{}', '0', '1 month')$$,
    $$cut_slots('{[2026-03-02,2026-03-03)}', NULL)$$,
    $$cut_slots('{[2026-03-02,2026-03-03)}', '0')$$,
    $$cut_slots('{[2026-03-02,2026-03-03)}', '-1 minute')$$,
    $$cut_slots('{[2026-03-02,2026-03-03)}', '1 hour', '0')$$,
    $$cut_slots('{[2026-03-02,)}', '1 hour')$$,
    $$cut_slots('{[2026-03-02,2026-03-03)}', '1 hour', open => '{(,2026-03-03)}')$$,
    $$cut_slots('{[2026-03-02,2026-03-03)}', '1 hour', anchor => 'infinity')$$,
    $$cut_slots('{[2026-03-02,2026-03-03)}', '1 microsecond')$$,
    $$local_instant(NULL, 'UTC')$$,
    $$local_instant('2026-03-02 09:00', NULL)$$,
    $$local_instant('2026-03-02 09:00', 'America/Miami')$$,
    $$local_instant('2026-03-02 09:00', '')$$,
    $$local_instant('2026-03-08 02:30', 'America/New_York')$$,
    $$local_instant('2026-03-02 09:00', 'America/New_York', '-04:00')$$,
    $$local_instant('2026-03-02 09:00', 'America/New_York', gap => 'skip')$$,
    $$local_instant('-infinity', 'UTC')$$]) AS c CROSS JOIN LATERAL pg_temp.attempt('SELECT clinic.' || c) AS a;

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_intervals;
DROP ROLE regress_intervals;
