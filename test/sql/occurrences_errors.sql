-- What clinic.occurrences and its kin refuse, and how they say it.
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- Errors as one line each: state, message, detail, hint.
CREATE FUNCTION pg_temp.attempt(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE query;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;

\pset tuples_only on
\pset format unaligned

-- Null is no rule, no start and no zone.
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences(NULL, '2026-01-05 09:00', 'UTC', max_count => 1)$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', NULL::timestamp, 'UTC', max_count => 1)$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', NULL, max_count => 1)$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences(icalendar => NULL)$$);
SELECT pg_temp.attempt($$SELECT clinic.next_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', NULL)$$);
SELECT pg_temp.attempt($$SELECT clinic.is_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', NULL::timestamptz)$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', exdates => ARRAY[NULL]::timestamp[], max_count => 1)$$);

-- Without an end.
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '2026-01-01', 'infinity')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY')$$);
SELECT pg_temp.attempt($$SELECT clinic.previous_occurrence('FREQ=DAILY', '2026-01-05 09:00', 'UTC', 'infinity')$$);

-- Rules.
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('', '2026-01-05 09:00', 'UTC')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=FORTNIGHTLY', '2026-01-05 09:00', 'UTC')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=MONTHLY;BYWEEKNO=3', '2026-01-05 09:00', 'UTC')$$);

-- Zones.
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY;COUNT=1', '2026-01-05 09:00', 'America/Miami')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY;COUNT=1', '2026-01-05 09:00', '')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY;COUNT=1', '2026-01-05 09:00', 'UTC+5')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences(E'DTSTART;TZID=Europe/Wien:20260105T090000\nRRULE:FREQ=DAILY;COUNT=1')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences(E'DTSTART:20260105T090000\nRRULE:FREQ=DAILY;COUNT=1')$$);

-- Other arguments.
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', max_count => 1, gap => 'resume')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', max_count => -1)$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', '2026-02-01', '2026-01-01')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', 'infinity', 'UTC', max_count => 1)$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '12000-01-01', 'UTC', max_count => 1)$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '0044-03-15 BC', 'UTC', max_count => 1)$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05 09:00', 'UTC', rdates => '{-infinity}', max_count => 1)$$);

-- Literals that are no times are refused as their types refuse them.
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', 'yesteryear', 'UTC', '2026-01-01', '2027-01-01')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05', 'UTC', '2026-02-30', '2027-01-01')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05', 'UTC', '2026-02-01', '2027-01-01', '{junk}')$$);

-- iCalendar.
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences('RRULE:FREQ=DAILY;COUNT=1')$$);
SELECT pg_temp.attempt($$SELECT * FROM clinic.occurrences(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=0')$$);

\pset format aligned
\pset tuples_only off
RESET timezone;
RESET datestyle;
