-- clinic.occurrences in FROM, where all rows are put down at once, and in a select list, where they come one by one: the same
-- rows, whatever the rule, zone, window and dates.
SET timezone = 'UTC';
SET datestyle = 'ISO';

CREATE TEMP TABLE calls AS
SELECT rule || CASE n % 4 WHEN 0 THEN ';COUNT=' || 1 + n % 300 WHEN 1 THEN ';UNTIL=' || 2027 + n % 5 || '0331T010000Z' ELSE '' END AS rule,
    timestamp '1996-01-29 01:00' + make_interval(days => n * 37 % 11000, mins => n * 30 % 180) AS dtstart,
    zones[1 + n % 5] AS tz,
    timestamptz '2026-01-01Z' + make_interval(days => n * 53 % 400) AS range_start,
    timestamptz '2026-01-01Z' + make_interval(days => n * 53 % 400 + n * 91 % 4000) AS range_end,
    CASE WHEN n % 3 = 0 THEN ARRAY[timestamp '2026-03-29 02:30', '2026-05-01 01:30'] ELSE '{}' END AS rdates,
    CASE WHEN n % 5 = 0 THEN ARRAY[timestamp '2026-05-04 01:00', '2026-06-01 02:30'] END AS exdates,
    CASE WHEN n % 7 = 0 THEN n % 150 END AS max_count,
    CASE n % 2 WHEN 0 THEN 'skip' ELSE 'shift' END AS gap
FROM unnest(ARRAY['FREQ=DAILY', 'FREQ=DAILY;INTERVAL=3;BYDAY=MO,TU,WE', 'FREQ=DAILY;INTERVAL=7;BYDAY=FR', 'FREQ=DAILY;BYMONTH=3',
        'FREQ=WEEKLY', 'FREQ=WEEKLY;BYDAY=MO,WE,SU;WKST=SU', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO', 'FREQ=WEEKLY;BYHOUR=1,2,3',
        'FREQ=MONTHLY', 'FREQ=MONTHLY;BYMONTHDAY=31', 'FREQ=MONTHLY;BYMONTHDAY=-30;INTERVAL=5', 'FREQ=MONTHLY;BYDAY=5SU',
        'FREQ=MONTHLY;BYDAY=-1SU', 'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', 'RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP=FORWARD',
        'FREQ=YEARLY', 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29', 'FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU', 'FREQ=YEARLY;BYWEEKNO=10,20;BYDAY=MO',
        'FREQ=HOURLY;INTERVAL=5', 'FREQ=MINUTELY;INTERVAL=45;BYMONTH=3,10']) WITH ORDINALITY AS rules (rule, nth),
    generate_series(1, 30) AS times (again),
    LATERAL (SELECT (nth * 31 + again * 17)::integer AS n) AS numbers,
    (SELECT ARRAY['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia'] AS zones) AS all_zones;

SELECT count(*) AS calls, sum(cardinality(in_from)) > 20000 AS many_rows, count(*) FILTER (WHERE in_from = '{}') > 20 AS some_without_rows,
    count(*) FILTER (WHERE in_from IS DISTINCT FROM in_list) AS differ
FROM (SELECT ARRAY(SELECT o FROM clinic.occurrences(c.rule, c.dtstart, c.tz, c.range_start, c.range_end, c.rdates, c.exdates, c.max_count, c.gap) o) AS in_from,
        ARRAY(SELECT clinic.occurrences(c.rule, c.dtstart, c.tz, c.range_start, c.range_end, c.rdates, c.exdates, c.max_count, c.gap)) AS in_list
    FROM calls c) both_ways;
-- From DTSTART on, as far as max_count.
SELECT count(*) FILTER (WHERE in_from IS DISTINCT FROM in_list) AS differ, max(cardinality(in_from)) AS most
FROM (SELECT ARRAY(SELECT o FROM clinic.occurrences(c.rule, c.dtstart, c.tz, max_count => 300, gap => c.gap) o) AS in_from,
        ARRAY(SELECT clinic.occurrences(c.rule, c.dtstart, c.tz, max_count => 300, gap => c.gap)) AS in_list
    FROM calls c) both_ways;
-- The same set as an iCalendar block, and as a value of the type.
SELECT count(*) FILTER (WHERE of_block IS DISTINCT FROM of_rule) AS differ_from_block,
    count(*) FILTER (WHERE of_value IS DISTINCT FROM of_rule) AS differ_from_value
FROM (SELECT ARRAY(SELECT o FROM clinic.occurrences(c.rule, c.dtstart, 'UTC', c.range_start, c.range_end) o) AS of_rule,
        ARRAY(SELECT o FROM clinic.occurrences('DTSTART:' || to_char(c.dtstart, 'YYYYMMDD"T"HH24MISS"Z"') || E'\nRRULE:' || c.rule, c.range_start,
            c.range_end) o) AS of_block,
        ARRAY(SELECT o FROM clinic.occurrences(c.rule::clinic.rrule, c.dtstart, 'UTC', c.range_start, c.range_end) o) AS of_value
    FROM calls c) three_ways;

-- Rows that do not fit into memory go to disk; a scrolling cursor goes back over them.
SET work_mem = '64kB';
SELECT count(*), min(o), max(o), count(*) = count(DISTINCT o) AS each_once
FROM clinic.occurrences('FREQ=MINUTELY;COUNT=100000', '2026-01-01 00:00', 'Europe/Berlin') o;
BEGIN;
DECLARE backwards SCROLL CURSOR FOR SELECT * FROM clinic.occurrences('FREQ=MINUTELY;COUNT=100000', '2026-01-01 00:00', 'UTC');
FETCH LAST FROM backwards;
FETCH BACKWARD 2 FROM backwards;
FETCH ABSOLUTE 1 FROM backwards;
COMMIT;
RESET work_mem;

-- Beside other functions, with numbers, without rows, and read twice.
SELECT * FROM ROWS FROM (clinic.occurrences('FREQ=DAILY;COUNT=3', '2026-01-01 00:00', 'UTC'),
    clinic.occurrences('FREQ=MONTHLY;COUNT=1', '2026-02-01 00:00', 'UTC'), generate_series(1, 2)) WITH ORDINALITY;
SELECT n, o FROM generate_series(0, 2) n LEFT JOIN LATERAL clinic.occurrences('FREQ=DAILY', '2026-01-01 00:00', 'UTC', max_count => n) o ON true;
SELECT count(*) FROM generate_series(1, 3) n, clinic.occurrences('FREQ=DAILY;COUNT=200', '2026-01-01 00:00', 'UTC') o WHERE extract(day FROM o) = n;

-- Only what is asked for is computed in a select list, of nine billion rows here.
SELECT clinic.occurrences('FREQ=SECONDLY;COUNT=9000000000', '2026-01-01 00:00', 'UTC') LIMIT 1;
-- All of it in FROM, until somebody interrupts.
SET statement_timeout = '150ms';
SELECT count(*) FROM clinic.occurrences('FREQ=SECONDLY', '2026-01-01 00:00', 'UTC', range_end => '9999-12-31Z');
RESET statement_timeout;
-- A rule without an end is refused both ways.
SELECT count(*) FROM clinic.occurrences('FREQ=DAILY', '2026-01-01 00:00', 'UTC');
SELECT clinic.occurrences('FREQ=DAILY', '2026-01-01 00:00', 'UTC') LIMIT 1;

-- A rule read before is not kept in place of another one, nor is one that was wrong.
SELECT rule, (SELECT count(*) FROM clinic.occurrences(rule, '2026-01-01 00:00', 'UTC', range_end => '2026-02-01Z'))
FROM unnest(ARRAY['FREQ=DAILY', 'FREQ=WEEKLY', 'freq=daily', 'FREQ=DAILY;INTERVAL=1', 'FREQ=DAILY;INTERVAL=2', 'FREQ=DAILY', 'RRULE:FREQ=DAILY']) rule;
SELECT count(*) FROM clinic.occurrences('FREQ=DAILY;X=1', timestamp '2026-01-01', 'UTC', range_end => '2026-02-01Z');
SELECT count(*) FROM clinic.occurrences('FREQ=DAILY;X=1', timestamp '2026-01-01', 'UTC', range_end => '2026-02-01Z');
SELECT sum((SELECT count(*) FROM clinic.occurrences('FREQ=DAILY;INTERVAL=' || n, '2026-01-01 00:00', 'UTC', range_end => '2026-02-01Z'))) AS found,
    sum(ceil(31.0 / n)) AS expected
FROM generate_series(1, 3000) n;

RESET timezone;
RESET datestyle;
