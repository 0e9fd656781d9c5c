-- clinic.occurrences and its kin, as SQL sees them. What rules mean is tested in the core; here it is the arguments, the
-- zones and the forms of calling.
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- RFC 5545 §3.8.5.3, in its zone: daily until December 24, 1997, over the end of summer time (9:00 stays 9:00).
SELECT count(*), min(o AT TIME ZONE 'America/New_York'), max(o AT TIME ZONE 'America/New_York'), min(o), max(o)
FROM clinic.occurrences('FREQ=DAILY;UNTIL=19971224T000000Z', '1997-09-02 09:00', 'America/New_York') o;
-- The same section: the first Friday of each month, ten times.
SELECT (o AT TIME ZONE 'America/New_York')::date AS day FROM clinic.occurrences('FREQ=MONTHLY;COUNT=10;BYDAY=1FR', '1997-09-05 09:00',
    'America/New_York') o;

-- The window is half-open.
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '2026-01-06 09:00Z', '2026-01-08 09:00Z');
SELECT count(*) FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '2026-01-06 09:00Z', '2026-01-06 09:00Z');
-- Bounds at infinity are none.
SELECT * FROM clinic.occurrences('FREQ=DAILY;COUNT=2', '2026-01-05 09:00', 'UTC', '-infinity', 'infinity');
SELECT count(*) FROM clinic.occurrences('FREQ=DAILY;COUNT=2', '2026-01-05 09:00', 'UTC', 'infinity', 'infinity');
SELECT count(*) FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '-infinity', '-infinity');
-- max_count counts what is returned; COUNT counts from DTSTART, EXDATE or not.
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', range_start => '2026-02-01', max_count => 2);
SELECT * FROM clinic.occurrences('FREQ=DAILY;COUNT=4', '2026-01-05 09:00', 'UTC', exdates => '{2026-01-05 09:00}', max_count => 2);
SELECT count(*) FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', max_count => 0);
-- RDATE adds, EXDATE takes away and beats RDATE; each instant comes once, in order.
SELECT * FROM clinic.occurrences('FREQ=WEEKLY;COUNT=3', '2026-01-05 09:00', 'Europe/Vienna',
    rdates => ARRAY['2026-01-13 10:00', '2026-01-12 09:00', '2025-12-31 09:00', '2026-01-14 10:00']::timestamp[],
    exdates => ARRAY['2026-01-19 09:00', '2026-01-14 10:00', '2026-02-02 09:00']::timestamp[]);
-- DTSTART is an instance only if the rule yields it.
SELECT * FROM clinic.occurrences('FREQ=WEEKLY;BYDAY=TU;COUNT=2', '2026-01-05 09:00', 'UTC');
-- A rule without any instance gives no row.
SELECT count(*) FROM clinic.occurrences('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', '2026-01-05 09:00', 'UTC', range_end => '9999-12-31');

-- Vienna's clock skips 02:00-03:00 on 29 March 2026: such an instance is left out and not counted, or shifted.
SELECT o, o AT TIME ZONE 'Europe/Vienna' AS local
FROM clinic.occurrences('FREQ=DAILY;COUNT=3', '2026-03-28 02:30', 'Europe/Vienna') o;
SELECT o, o AT TIME ZONE 'Europe/Vienna' AS local
FROM clinic.occurrences('FREQ=DAILY;COUNT=3', '2026-03-28 02:30', 'Europe/Vienna', gap => 'shift') o;
-- It repeats 02:00-03:00 on 25 October 2026: the first counts (00:30Z, summer time).
SELECT o FROM clinic.occurrences('FREQ=DAILY;COUNT=3', '2026-10-24 02:30', 'Europe/Vienna') o;

-- Forms of calling by position: quoted literals, typed values, columns, parameters; by name; and mixed.
SELECT * FROM clinic.occurrences('FREQ=DAILY;COUNT=1', '2026-01-05 09:00', 'Asia/Kolkata');
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'Asia/Kolkata', '2026-01-06', '2026-01-07');
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'Asia/Kolkata', '2026-01-06', '2026-01-08', '{}',
    '{2026-01-06 09:00}');
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'Asia/Kolkata', NULL, NULL, NULL, NULL, 1, NULL);
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-03-29 02:30', 'Europe/Vienna', NULL, NULL, '{}', '{}', 1, 'shift');
SELECT * FROM clinic.occurrences('FREQ=DAILY', timestamp '2026-01-05 09:00', 'Asia/Kolkata', '2026-01-06', '2026-01-07');
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'Asia/Kolkata', timestamptz '2026-01-06Z', timestamptz '2026-01-07Z');
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'Asia/Kolkata', max_count => 1);
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'Asia/Kolkata', max_count => 1, gap => 'shift');
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'Asia/Kolkata', range_end => '2026-01-06');
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'Asia/Kolkata', range_start => '2026-01-06', max_count => 1);
SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'Asia/Kolkata', exdates => '{2026-01-05 09:00}', max_count => 1);
SELECT * FROM clinic.occurrences(tz => 'Asia/Kolkata', dtstart => '2026-01-05 09:00', rule => 'FREQ=DAILY', max_count => 1);
PREPARE expand AS SELECT * FROM clinic.occurrences($1, $2, $3, $4, $5);
EXECUTE expand('FREQ=DAILY', '2026-01-05 09:00', 'Asia/Kolkata', '2026-01-06', '2026-01-07');
DEALLOCATE expand;
SELECT name, o FROM (VALUES ('a', 'FREQ=DAILY;COUNT=1', timestamp '2026-01-05 09:00', 'UTC'),
    ('b', 'FREQ=WEEKLY;COUNT=2', '2026-01-06 10:00', 'Asia/Kolkata')) v(name, rule, dtstart, tz),
    clinic.occurrences(rule, dtstart, tz) o;
SELECT * FROM clinic.occurrences('FREQ=DAILY;COUNT=1'::varchar, '2026-01-05 09:00', 'UTC'::varchar);
SELECT * FROM clinic.occurrences('FREQ=DAILY;COUNT=1'::clinic.rrule::text, '2026-01-05 09:00', 'UTC');
SELECT clinic.next_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '2026-02-01'),
    clinic.previous_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '2026-02-01'),
    clinic.is_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '2026-02-01 09:00Z'),
    clinic.next_occurrence('FREQ=DAILY', timestamp '2026-01-05 09:00', 'UTC', timestamptz '2026-02-01Z');
SELECT clinic.next_occurrence(rule => 'FREQ=DAILY', dtstart => '2026-01-05 09:00', tz => 'UTC', after => '2026-02-01',
    exdates => '{2026-02-01 09:00}');

-- The session's zone and style do not matter.
SET timezone = 'Pacific/Auckland';
SET datestyle = 'SQL, DMY';
SELECT min(extract(epoch FROM o)), max(extract(epoch FROM o)), count(*) FROM clinic.occurrences('FREQ=DAILY;COUNT=3',
    '2026-01-05 09:00', 'Europe/Vienna') o;
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- iCalendar blocks.
SELECT * FROM clinic.occurrences(E'BEGIN:VEVENT\r\nDTSTART;TZID=Europe/Vienna:20260105T090000\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,\r\n WE;COUNT=4\r\n'
    'EXDATE;TZID=Europe/Vienna:20260107T090000\r\nRDATE:20260201T100000Z\r\nEND:VEVENT\r\n');
SELECT * FROM clinic.occurrences(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY', range_start => '2026-02-01', max_count => 1);
SELECT * FROM clinic.occurrences(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY', timestamptz '2026-02-01Z', timestamptz '2026-02-02Z');
SELECT * FROM clinic.occurrences(icalendar => E'DTSTART:20260105T090000\nRRULE:FREQ=DAILY;COUNT=1', tz => 'Asia/Kolkata');
-- Two rules make one set.
SELECT * FROM clinic.occurrences(E'DTSTART;TZID=UTC:20260105T090000\nRRULE:FREQ=WEEKLY;COUNT=2\nRRULE:FREQ=DAILY;COUNT=3');
SELECT clinic.next_occurrence(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY', '2026-02-01Z'),
    clinic.previous_occurrence(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY', '2026-02-01Z'),
    clinic.is_occurrence(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY', '2026-02-01 09:00Z'),
    clinic.next_occurrence(icalendar => E'DTSTART:20260329T023000\nRRULE:FREQ=DAILY', after => '2026-01-01Z', gap => 'shift',
        tz => 'Europe/Vienna');

-- Next and previous are exclusive; nothing before the first and after the last.
SELECT clinic.next_occurrence('FREQ=DAILY;COUNT=2', '2026-01-05 09:00', 'UTC', '2026-01-05 09:00Z') AS after_first,
    clinic.next_occurrence('FREQ=DAILY;COUNT=2', '2026-01-05 09:00', 'UTC', '2026-01-06 09:00Z') AS after_last,
    clinic.previous_occurrence('FREQ=DAILY;COUNT=2', '2026-01-05 09:00', 'UTC', '2026-01-05 09:00Z') AS before_first,
    clinic.next_occurrence('FREQ=DAILY;COUNT=2', '2026-01-05 09:00', 'UTC', '-infinity') AS first,
    clinic.previous_occurrence('FREQ=DAILY;COUNT=2', '2026-01-05 09:00', 'UTC', 'infinity') AS last,
    clinic.next_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', 'infinity') AS after_all,
    clinic.previous_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '-infinity') AS before_all;
SELECT clinic.is_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '2026-01-05 09:00:00.000001Z') AS a_microsecond_off,
    clinic.is_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '2026-01-04 09:00Z') AS before_dtstart,
    clinic.is_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', 'infinity') AS at_infinity;

-- Far from DTSTART, and to the end of the supported years.
SELECT * FROM clinic.occurrences('FREQ=SECONDLY', '1900-01-01 00:00', 'UTC', '2026-01-01 00:00:00Z', '2026-01-01 00:00:02Z');
SELECT max(o) FROM clinic.occurrences('FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31', '2026-12-31 09:00', 'UTC', range_end => 'infinity',
    max_count => 20000) o;

-- A LIMIT in the select list ends the expansion; a cursor may be left half read.
SELECT clinic.occurrences('FREQ=SECONDLY', '2026-01-01 00:00', 'UTC', NULL, '9999-12-31') LIMIT 2;
BEGIN;
DECLARE ticks CURSOR FOR SELECT clinic.occurrences('FREQ=SECONDLY', '2026-01-01 00:00', 'UTC', NULL, '9999-12-31');
FETCH 2 FROM ticks;
CLOSE ticks;
COMMIT;
-- Two expansions side by side in one select list.
SELECT clinic.occurrences('FREQ=DAILY;COUNT=3', '2026-01-01 00:00', 'UTC') AS a, clinic.occurrences('FREQ=DAILY;COUNT=2', '2026-02-01 00:00',
    'UTC') AS b;

RESET timezone;
RESET datestyle;
