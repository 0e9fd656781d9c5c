-- What EXPLAIN expects of clinic.occurrences.

CREATE FUNCTION pg_temp.expected_rows(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END
$$;

-- Estimate and truth, within a factor of two wherever the arguments are constants.
WITH calls(n, call) AS (VALUES
    (1, $$clinic.occurrences('FREQ=DAILY', '2026-01-01 09:00', 'UTC', '2026-01-01', '2027-01-01')$$),
    (2, $$clinic.occurrences('FREQ=DAILY', timestamp '2026-01-01 09:00', 'UTC', timestamptz '2026-01-01', timestamptz '2027-01-01')$$),
    (3, $$clinic.occurrences('FREQ=WEEKLY;BYDAY=MO,WE,FR', '2026-01-01 09:00', 'Europe/Vienna', '2026-01-01', '2036-01-01')$$),
    (4, $$clinic.occurrences('FREQ=MONTHLY;BYDAY=1MO', '2026-01-01 09:00', 'UTC', '2026-01-01', '2036-01-01')$$),
    (5, $$clinic.occurrences('FREQ=YEARLY;INTERVAL=2', '2026-01-01 09:00', 'UTC', '2026-01-01', '2126-01-01')$$),
    (6, $$clinic.occurrences('FREQ=MINUTELY;INTERVAL=15', '2026-01-01 09:00', 'UTC', '2026-01-01', '2026-02-01')$$),
    (7, $$clinic.occurrences('FREQ=DAILY;COUNT=5', '2026-01-01 09:00', 'UTC')$$),
    (8, $$clinic.occurrences('FREQ=DAILY;UNTIL=20260228T235959Z', '2026-01-01 09:00', 'UTC')$$),
    (9, $$clinic.occurrences('FREQ=DAILY', '2026-01-01 09:00', 'UTC', max_count => 7)$$),
    (10, $$clinic.occurrences('FREQ=DAILY', '2026-01-01 09:00', 'UTC', '2026-01-01', '2027-01-01', max_count => 7)$$),
    (11, $$clinic.occurrences('FREQ=DAILY', '2030-01-01 09:00', 'UTC', '2026-01-01', '2027-01-01')$$),
    (12, $$clinic.occurrences(E'DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY', range_end => '2027-01-01')$$),
    (13, $$clinic.occurrences('FREQ=DAILY', timestamp '2026-01-01' + interval '9 h', 'UTC', '2026-01-01', timestamptz '2026-01-01' + interval '90 days')$$)
)
SELECT n, estimate.rows AS estimated, truth.rows AS actual,
    estimate.rows BETWEEN greatest(truth.rows, 1) / 2.0 AND greatest(truth.rows, 1) * 2 AS believable
FROM calls,
    LATERAL (SELECT pg_temp.expected_rows('SELECT * FROM ' || call)) estimate(rows),
    LATERAL (SELECT (xpath('/row/count/text()', query_to_xml('SELECT count(*) FROM ' || call, false, true, '')))[1]::text::bigint)
        truth(rows)
ORDER BY n;

-- In the select list, too.
SELECT pg_temp.expected_rows($$SELECT clinic.occurrences('FREQ=DAILY', '2026-01-01 09:00', 'UTC', '2026-01-01', '2026-01-31')$$)
    BETWEEN 15 AND 60 AS believable;

-- Unknown arguments: a modest guess.
CREATE TEMP TABLE rules (rule text, dtstart timestamp, tz text);
INSERT INTO rules VALUES ('FREQ=DAILY', '2026-01-01 09:00', 'UTC');
ANALYZE rules;
SELECT pg_temp.expected_rows($$SELECT o FROM rules, clinic.occurrences(rule, dtstart, tz, '2026-01-01', '2027-01-01') o$$);
SELECT pg_temp.expected_rows($$SELECT o FROM rules, clinic.occurrences(rule, dtstart, tz, max_count => 3) o$$);

-- Wrong arguments are planned all the same: the error is the executor's.
SELECT pg_temp.expected_rows($$SELECT * FROM clinic.occurrences('FREQ=NEVER', '2026-01-01 09:00', 'UTC')$$);
SELECT pg_temp.expected_rows($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-01 09:00', 'UTC')$$);
SELECT pg_temp.expected_rows($$SELECT * FROM clinic.occurrences(E'DTSTART;TZID=No/Zone:20260101T090000\nRRULE:FREQ=DAILY')$$);
SELECT pg_temp.expected_rows($$SELECT * FROM clinic.occurrences('FREQ=DAILY', 'never', 'UTC', '2026-01-01', '2027-01-01')$$);
SELECT pg_temp.expected_rows($$SELECT * FROM clinic.occurrences(NULL, NULL::timestamp, NULL)$$);

-- An endless rule over all years is neither expanded while it is planned nor believed to have more rows than can be.
SET statement_timeout = '5s';
SELECT pg_temp.expected_rows($$SELECT * FROM clinic.occurrences('FREQ=SECONDLY', '2026-01-01 09:00', 'UTC', '-infinity', '9999-12-31')$$)
    > 1e11 AS many;
RESET statement_timeout;

-- A longer expansion costs more.
CREATE FUNCTION pg_temp.expected_cost(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Total Cost';
END
$$;
SELECT pg_temp.expected_cost($$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-01 09:00', 'UTC', '2026-01-01', '2027-01-01')$$)
    < pg_temp.expected_cost($$SELECT * FROM clinic.occurrences('FREQ=HOURLY', '2026-01-01 09:00', 'UTC', '2026-01-01', '2027-01-01')$$)
    AS dearer;
