-- The two gates: errors of every origin leave the server whole, and leave nothing behind.
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- An error of the core, one of the glue, one of the server below the glue: each keeps its state, and can be caught.
DO $$
DECLARE
    query text;
BEGIN
    FOREACH query IN ARRAY ARRAY[
        $q$SELECT 'FREQ=NEVER'::clinic.rrule$q$,
        $q$SELECT clinic.canonical_time_zone('EDT')$q$,
        $q$SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-13-01', 'UTC', '2026-01-01', '2027-01-01')$q$,
        $q$SELECT clinic.use_tenant('nobody')$q$
    ] LOOP
        BEGIN
            EXECUTE query;
        EXCEPTION WHEN OTHERS THEN
            RAISE INFO '% %', SQLSTATE, SQLERRM;
        END;
    END LOOP;
END
$$;

-- A timeout ends an expansion that would last till the end of the year 9999, wherever its work is done; the session goes on.
SET statement_timeout = '200ms';
SELECT count(*) FROM clinic.occurrences('FREQ=SECONDLY', '2026-01-01 00:00', 'UTC', range_end => '9999-12-31');
SELECT count(*) FROM (SELECT clinic.occurrences('FREQ=SECONDLY', '2026-01-01 00:00', 'UTC', NULL, '9999-12-31')) o;
RESET statement_timeout;
SELECT * FROM clinic.occurrences('FREQ=DAILY;COUNT=1', '2026-01-05 09:00', 'UTC');

-- Thirty thousand errors of three kinds in one session leave no memory behind, neither the server's nor C++'s.
CREATE FUNCTION pg_temp.fail_often(times int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..times LOOP
        BEGIN
            PERFORM ('FREQ=DAILY;BYDAY=' || repeat('MO,', 50) || 'XX')::clinic.rrule;
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
        BEGIN
            PERFORM clinic.next_occurrence('FREQ=DAILY;BYDAY=MO,TU,WE', '2026-01-05', 'Europe/Vienna', 'not a time at all');
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
        BEGIN
            PERFORM count(*) FROM clinic.occurrences('FREQ=DAILY', timestamp '2026-01-05', 'Europe/Vienna', max_count => 3) o
                WHERE 1 / (extract(day FROM o)::int - 6) > 5;
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
END
$$;
CREATE FUNCTION pg_temp.resident_kilobytes() RETURNS bigint LANGUAGE sql AS $$
    SELECT split_part(pg_read_file('/proc/self/statm'), ' ', 2)::bigint * 4
$$;
SELECT pg_temp.fail_often(1000);
SELECT pg_temp.resident_kilobytes() AS resident, sum(total_bytes) AS server FROM pg_backend_memory_contexts \gset before_
SELECT pg_temp.fail_often(10000);
SELECT pg_temp.resident_kilobytes() - :before_resident < 3000 AS process_stays_small,
    sum(total_bytes) - :before_server < 2000000 AS server_stays_small
FROM pg_backend_memory_contexts;

-- So do thirty thousand expansions that nobody reads to the end.
CREATE FUNCTION pg_temp.abandon_often(times int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ticks refcursor;
    t timestamptz;
BEGIN
    FOR i IN 1..times LOOP
        PERFORM clinic.occurrences('FREQ=DAILY', timestamp '2026-01-05', 'Europe/Vienna', max_count => 1000) LIMIT 1;
        OPEN ticks FOR SELECT clinic.occurrences('FREQ=DAILY', timestamp '2026-01-05', 'Europe/Vienna', max_count => 1000);
        FETCH ticks INTO t;
        CLOSE ticks;
    END LOOP;
END
$$;
SELECT pg_temp.abandon_often(1000);
SELECT pg_temp.resident_kilobytes() AS resident FROM pg_backend_memory_contexts LIMIT 1 \gset before_
SELECT pg_temp.abandon_often(15000);
SELECT pg_temp.resident_kilobytes() - :before_resident < 3000 AS process_stays_small;

RESET timezone;
RESET datestyle;
