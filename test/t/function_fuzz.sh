#!/usr/bin/env bash
# Calls every function of the extension with arguments drawn from a pool of awkward values, as whoever may do most: no
# crash, no internal error, nothing that outlives its statement_timeout, no memory that stays. FUZZ_SEED repeats a run,
# FUZZ_CALLS makes a longer one.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

seed=${FUZZ_SEED:-$((RANDOM % 1000))}
calls=${FUZZ_CALLS:-4800}
printf '# FUZZ_SEED=%s FUZZ_CALLS=%s\n' "$seed" "$calls"

# What a statement_timeout of three seconds has not stopped after twelve is written into the server's log.
export PG_CLINIC_SETTINGS="log_min_duration_statement = '12s'"
new_cluster fuzz
installed_database fuzz >/dev/null 2>&1
cd "$top"
psql -Xqd fuzz -v ON_ERROR_STOP=1 -f test/support/seed_small.sql
sql fuzz 'CREATE ROLE lake_admin LOGIN IN ROLE clinic_user' \
    "INSERT INTO clinic_data.logins (tenant_id, login, actor, permissions)
     SELECT tenant_id, 'lake_admin', 'staff', '{*}' FROM clinic_data.tenants WHERE slug = 'lake'"

# Prints the calls, each in a transaction of its own that leaves nothing behind.
print_calls() { # schemas, seed, number of calls, what stands before each call
    psql -XqAt -d fuzz -v ON_ERROR_STOP=1 -v schemas="$1" -v seed="$2" -v calls="$3" -v first="$4" <<'SQL'
SELECT setseed(:seed / 1000.0) \g /dev/null
CREATE TEMPORARY TABLE pool (type text, value text);

INSERT INTO pool
SELECT 'uuid', quote_literal(i.id) FROM (
    SELECT tenant_id AS id FROM clinic_data.tenants UNION SELECT location_id FROM clinic_data.locations
    UNION SELECT resource_id FROM clinic_data.resources UNION SELECT service_id FROM clinic_data.services
    UNION SELECT rule_id FROM clinic_data.availability_rules UNION SELECT block_id FROM clinic_data.blocks
    UNION SELECT appointment_id FROM clinic_data.appointments UNION SELECT override_id FROM clinic_data.date_overrides
    UNION SELECT holiday_id FROM clinic_data.holidays UNION SELECT stay_id FROM clinic_data.stays
    UNION VALUES ('00000000-0000-0000-0000-000000000000'::uuid), ('ffffffff-ffff-ffff-ffff-ffffffffffff')) AS i
UNION ALL
SELECT 'uuid[]', v FROM unnest(ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{{00000001-0030-7000-8000-000000000001},{00000001-0030-7000-8000-000000000002}}'$$,
    $$array_fill('00000001-0020-7000-8000-000000000001'::uuid, ARRAY[3])$$,
    $$array_fill('00000001-0030-7000-8000-000000000001'::uuid, ARRAY[20000], ARRAY[-5])$$,
    $$(SELECT array_agg(gen_random_uuid()) FROM generate_series(1, 20000))$$,
    $$(SELECT array_agg(service_id) FROM clinic.services)$$, $$(SELECT array_agg(provider_id) FROM clinic.providers)$$]) v
UNION ALL
SELECT 'text', v FROM unnest(ARRAY[$$''$$, $$' '$$, $$repeat('x', 1000000)$$, $$'x' || repeat('ä', 100)$$, $$E'\n\t\\'$$, $$'lake'$$, $$'%s%n%I'$$,
    $$'FREQ=DAILY'$$, $$'FREQ=SECONDLY;INTERVAL=2147483647'$$, $$'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'$$, $$'FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;COUNT=3'$$,
    $$'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYSETPOS=-1'$$, $$'FREQ=DAILY;UNTIL=99991231T235959Z;BYHOUR=' || array_to_string(ARRAY(SELECT generate_series(0, 23)), ',')$$,
    $$'FREQ=DAILY;BYDAY=' || repeat('MO,', 200000) || 'MO'$$, $$repeat('FREQ=DAILY;', 1000)$$, $$'FREQ=DAILY;COUNT=99999999999999999999'$$,
    $$'DTSTART:00010101T000000' || E'\nRRULE:FREQ=HOURLY'$$, $$'DTSTART;TZID=Europe/Vienna:20260105T090000' || E'\n' || repeat(E'RRULE:FREQ=DAILY\n', 2000)$$,
    $$'Europe/Berlin'$$, $$'utc'$$, $$'Nowhere/Else'$$, $$'ABC5'$$, $$'/etc/passwd'$$, $$'active'$$, $$'room'$$, $$'open'$$, $$'shift'$$, $$'staff'$$,
    $$'clinic_data'$$, $$'tenants'$$, $$'tenant_id'$$, $$'{}'$$, $$'"'$$, $$'infinity'$$, $$'not_found'$$, $$'{"a": 1}'$$]) v
UNION ALL
SELECT 'timestamp with time zone', v FROM unnest(ARRAY[$$'infinity'$$, $$'-infinity'$$, $$'0001-01-01 00:00Z'$$, $$'4713-01-01 00:00Z BC'$$, $$'294276-12-31 23:59:59.999999Z'$$,
    $$'9999-12-31 23:59:59.999999Z'$$, $$'2027-03-02 08:00Z'$$, $$'2027-03-01 08:15Z'$$, $$'2026-03-03 08:00Z'$$, $$'2027-03-28 01:30Z'$$, $$now()$$]) v
UNION ALL
SELECT 'timestamp without time zone', v FROM unnest(ARRAY[$$'infinity'$$, $$'-infinity'$$, $$'0001-01-01'$$, $$'4713-01-01 BC'$$, $$'294276-12-31 23:59:59.999999'$$,
    $$'9999-12-31 23:59:59.999999'$$, $$'2027-03-28 02:30'$$, $$'2026-10-25 02:30'$$, $$'2027-03-02 09:00'$$]) v
UNION ALL
SELECT 'timestamp without time zone[]', v FROM unnest(ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{infinity}'$$, $$'{2026-01-05,2026-01-06 09:00}'$$,
    $$array_fill('2026-01-05'::timestamp, ARRAY[50000])$$, $$'{{2026-01-05},{9999-12-31}}'$$]) v
UNION ALL
SELECT 'date', v FROM unnest(ARRAY[$$'infinity'$$, $$'-infinity'$$, $$'0001-01-01'$$, $$'4713-01-01 BC'$$, $$'5874897-12-31'$$, $$'9999-12-31'$$, $$'2026-03-03'$$,
    $$'2027-03-02'$$, $$'2024-02-29'$$]) v
UNION ALL
SELECT 'interval', v FROM unnest(ARRAY[$$'0'$$, $$'-1 day'$$, $$'30 minutes'$$, $$'1 month'$$, $$'1 microsecond'$$, $$'178000000 years'$$, $$'-178000000 years'$$,
    $$'2147483647 days'$$, $$'106751990 days 24:00'$$, $$make_interval(secs => 9223372036854)$$, $$'240:00:00'$$]) v
UNION ALL
SELECT 'integer', v FROM unnest(ARRAY['0', '1', '-1', '15', '1440', '1000', '2147483647', '(-2147483648)']) v
UNION ALL
SELECT 'bigint', v FROM unnest(ARRAY['0', '-1', '9223372036854775807', '(-9223372036854775808)']) v
UNION ALL
SELECT 'boolean', v FROM unnest(ARRAY['true', 'false']) v
UNION ALL
SELECT '"char"', v FROM unnest(ARRAY[$$'A'$$, $$''$$]) v
UNION ALL
SELECT 'name', v FROM unnest(ARRAY[$$'lake_desk'$$, $$'nobody'$$, $$''$$, $$'clinic_owner'$$]) v
UNION ALL
SELECT 'text[]', v FROM unnest(ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{*}'$$, $$'{appointments:read,patients:read,a:*}'$$, $$array_fill('a'::text, ARRAY[100000])$$, $$'{{name},{status}}'$$]) v
UNION ALL
SELECT 'time without time zone', v FROM unnest(ARRAY[$$'00:00'$$, $$'24:00'$$, $$'09:00'$$, $$'23:59:59.999999'$$]) v
UNION ALL
SELECT 'jsonb', v FROM unnest(ARRAY[$$'{}'$$, $$'[]'$$, $$'null'$$, $$'"x"'$$, $$'{"name": null}'$$, $$'{"name": "\u0001"}'$$, $$'{"version": 1e400, "status": {}}'$$,
    $$'{"time_zone": []}'$$, $$'{"freq": "DAILY", "interval": 1e300}'$$, $$'{"freq": [["DAILY"]]}'$$, $$'{"freq": "WEEKLY", "byday": ["MO", {}]}'$$,
    $$(repeat('[', 5000) || repeat(']', 5000))::jsonb$$, $$jsonb_build_object('name', repeat('x', 1000000))$$, $$'{"duration_minutes": 1.5}'$$,
    $$(SELECT jsonb_object_agg(g, g) FROM generate_series(1, 20000) g)$$, $$'{"treatment_room": -1}'$$, $$'{"laser": 1}'$$]) v
UNION ALL
SELECT 'tstzmultirange', v FROM unnest(ARRAY[$$'{}'$$, $$'{(,)}'$$, $$'{[2026-01-01,2026-01-02)}'$$, $$'{(,2026-01-01),[2027-01-01,)}'$$, $$'{[-infinity,infinity]}'$$,
    $$'{["4713-01-01 BC","294276-12-31")}'$$,
    $$(SELECT range_agg(tstzrange(timestamptz '2026-01-01' + g * interval '1 h', timestamptz '2026-01-01 00:30' + g * interval '1 h')) FROM generate_series(1, 5000) g)$$]) v
UNION ALL
SELECT 'regclass', v FROM unnest(ARRAY[$$'clinic_data.claims'$$, '0']) v
UNION ALL
SELECT 'cstring', v FROM unnest(ARRAY[$$'FREQ=DAILY'$$, $$''$$]) v;

-- A call with too many arguments that are wrong tells little: most of the time an argument gets what fits its name.
CREATE TEMPORARY TABLE fitting (name text, value text);
INSERT INTO fitting VALUES
    ('service_id', $$'00000001-0040-7000-8000-000000000001'$$), ('patient_id', $$'00000001-0090-7000-8000-000000000001'$$),
    ('provider_id', $$'00000001-0020-7000-8000-000000000001'$$), ('location_id', $$'00000001-0010-7000-8000-000000000001'$$),
    ('appointment_id', $$'00000001-00b0-7000-8000-000000000001'$$), ('other_appointment_id', $$'00000001-00b0-7000-8000-000000000002'$$),
    ('resource_id', $$'00000001-0030-7000-8000-000000000001'$$), ('block_id', $$'00000001-00a0-7000-8000-000000000001'$$),
    ('rule_id', $$'00000001-0050-7000-8000-000000000001'$$), ('override_id', $$'00000001-0060-7000-8000-000000000001'$$),
    ('holiday_id', $$'00000001-0070-7000-8000-000000000001'$$), ('stay_id', $$'00000001-0080-7000-8000-000000000001'$$),
    ('tenant', $$'00000001-0000-7000-8000-000000000001'$$), ('tenant_id', $$'00000001-0000-7000-8000-000000000001'$$),
    ('starts_at', $$'2027-03-02 08:00Z'$$), ('range_start', $$'2027-03-01'$$), ('range_end', $$'2027-03-09'$$), ('rule', $$'FREQ=WEEKLY;BYDAY=TU'$$),
    ('dtstart', $$'2026-01-05'$$), ('tz', $$'Europe/Berlin'$$), ('time_zone', $$'Europe/Berlin'$$), ('name', $$'Somebody'$$),
    ('changes', $$'{"name": "Other"}'$$), ('reason', $$'because'$$), ('gap', $$'shift'$$), ('on_date', $$'2027-03-02'$$),
    ('from_on', $$'2027-03-02'$$), ('until_on', $$'2027-03-05'$$), ('start_time', $$'09:00'$$), ('end_time', $$'17:00'$$), ('version', '1'),
    ('provider_ids', $$'{00000001-0020-7000-8000-000000000001}'$$), ('resource_ids', $$'{00000001-0020-7000-8000-000000000001}'$$),
    ('duration', $$'30 minutes'$$);

CREATE TEMPORARY VIEW functions AS
SELECT p.oid, row_number() OVER (ORDER BY p.oid::regprocedure::text COLLATE "C") - 1 AS no, count(*) OVER () AS all, p.prokind,
       p.oid::regproc::text AS name, p.pronargs, p.pronargdefaults, p.proargnames,
       ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u (t, place) ORDER BY place) AS types
  FROM pg_proc p
 WHERE p.pronamespace::regnamespace::text = ANY (string_to_array(:'schemas', ','))
   AND NOT 'internal'::regtype = ANY (p.proargtypes) AND p.prorettype <> 'event_trigger'::regtype
   -- Installing takes a second each time, and has tests of its own.
   AND p.proname !~ '^(install|migrate|bring_up_to_date|migration_|repeatable_)';

CREATE FUNCTION pg_temp.argument(type text, name text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    chance float := random();
    picked text;
BEGIN
    IF chance < 0.08 THEN
        RETURN 'NULL::' || type;
    END IF;
    IF chance < 0.65 THEN
        SELECT f.value INTO picked FROM pg_temp.fitting f WHERE f.name = argument.name;
    END IF;
    IF picked IS NULL THEN
        SELECT p.value INTO picked FROM pg_temp.pool p
         WHERE p.type = CASE argument.type WHEN 'clinic.rrule' THEN 'text' ELSE argument.type END ORDER BY random() LIMIT 1;
    END IF;
    RETURN pg_catalog.format('(%s)::%s', coalesce(picked, 'NULL'), type);
END
$$;

-- Every function in turn, with as many of its arguments as it pleases.
SELECT format(E'BEGIN;\n%s\n%s %s(%s)%s;\nROLLBACK;', :'first', CASE f.prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT count(x::text) FROM (SELECT' END, f.name, a.list,
              CASE f.prokind WHEN 'p' THEN '' ELSE ' LIMIT 1000) AS c (x)' END)
  FROM generate_series(0, :calls - 1) AS call (no)
  JOIN functions f ON f.no = call.no % f.all
 CROSS JOIN LATERAL (SELECT f.pronargs - floor(random() * (f.pronargdefaults + 1) * (call.no * 0 + 1))::int AS used) AS n
 CROSS JOIN LATERAL (SELECT string_agg(pg_temp.argument(f.types[place], f.proargnames[place]), ', ' ORDER BY place) AS list
                       FROM generate_series(1, n.used + call.no * 0) AS place) AS a;
SQL
}

# Runs the calls in one session and leaves their errors in a file.
run_calls() { # file with calls, file for errors, psql arguments...
    local calls_file=$1 errors=$2
    shift 2
    {
        printf '%s\n' "SET statement_timeout = '3s';" "SET client_min_messages = error;" '\set VERBOSITY verbose'
        cat "$calls_file"
    } >"$calls_file.sql"
    psql -XqAt -d fuzz "$@" -f "$calls_file.sql" >/dev/null 2>"$errors" || true
    # After a crash the next session waits for the recovery.
    for _ in {1..50}; do
        if pg_isready -q; then
            return
        fi
        sleep 0.2
    done
}

# What must never come out of a call: internal errors, system errors, out of memory.
bad_errors() { # file with errors
    grep -aE 'ERROR:  (XX|58|53200|53100)|PANIC|FATAL|server closed|connection to server' "$1" || true
}

judge() { # description, file with errors
    local bad
    bad=$(bad_errors "$2")
    if [[ -z $bad ]]; then
        pass "$1"
    else
        fail "$1" "$bad"
    fi
}

run() { # description, name, schemas, what stands before each call, psql arguments...
    local description=$1 name=$2 schemas=$3 first=$4
    shift 4
    seed=$(((seed + 1) % 1000))
    print_calls "$schemas" "$seed" "$((calls / 4))" "$first" >"$tap_work/$name"
    run_calls "$tap_work/$name" "$tap_work/$name.errors" "$@"
    judge "$description" "$tap_work/$name.errors"
}

context="SELECT clinic.use_tenant('lake');"
run 'every function of the API, as staff with all permissions' api clinic '' -U lake_admin
run 'every function of both schemas, as superuser' all clinic,clinic_private "$context"
run 'at the beginning of time' begin clinic "SET LOCAL clinic.clock = '0001-01-01 00:00:00Z'; $context"
run 'at the end of time' end clinic "SET LOCAL clinic.clock = '9999-12-31 23:59:59.999999Z'; $context"

# Only private functions run text that they are given.
is 'the calls are what they should be: none was malformed' \
    "$(grep -aE 'ERROR:  (42601|42883|42725|42804)' "$tap_work"/{api,begin,end}.errors | head -n 5 || true)" ''

# The same calls over and over, each caught: after the first hundreds a session needs no more memory.
grown=$(psql -XqAt -d fuzz -v ON_ERROR_STOP=1 <<'SQL'
SET client_min_messages = error;
CREATE FUNCTION pg_temp.repeat(times integer) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    call text;
BEGIN
    PERFORM clinic.use_tenant('lake');
    FOR i IN 1..times LOOP
        FOREACH call IN ARRAY ARRAY[
            'clinic.canonical_time_zone(''Nowhere'' || $1)', 'clinic.is_time_zone(''XY'' || chr(65 + $1 % 26) || chr(65 + $1 / 26 % 26) || 1)',
            'clinic.next_occurrence(''FREQ=DAILY;NONE='' || $1, ''2026-01-01'', ''UTC'', ''2026-01-01'')',
            'clinic.occurrences(''FREQ=DAILY;COUNT=5'', ''2026-01-01'', ''UTC'')',
            'clinic.available_slots(''00000001-0040-7000-8000-000000000001'', ''2027-03-01'', ''2027-03-02'')',
            'clinic.book_appointment(''00000001-0040-7000-8000-000000000001'', ''00000001-0090-7000-8000-000000000001'', ''2027-03-01 09:01Z'')',
            'clinic.cancel_appointment(clinic.new_id())', 'clinic.create_location(''Place '' || $1, ''Nowhere'')', 'clinic.day_sheet(''infinity'')'] LOOP
            BEGIN
                EXECUTE 'SELECT count(*) FROM ' || call USING i;
            EXCEPTION
                WHEN OTHERS THEN NULL;
            END;
        END LOOP;
    END LOOP;
    RETURN (SELECT sum(c.total_bytes) FROM pg_backend_memory_contexts c);
END
$$;
SELECT pg_temp.repeat(300) AS before \gset
SELECT pg_temp.repeat(1200) - :before;
SQL
)
ok "10,800 calls leave less than a megabyte behind ($grown bytes)" test "$grown" -lt 1048576

is 'no statement outlived its timeout' "$(grep -aE 'duration: [0-9.]+ ms' "$tap_work/cluster_fuzz/server.log" | grep -av 'pg_temp\.repeat(' | head -n 5 | cut -c 1-500)" ''
is 'no server process died' "$(grep -c 'terminated by signal' "$tap_work/cluster_fuzz/server.log" || true)" 0
if [[ -n ${FUZZ_KEEP:-} ]]; then
    cp "$tap_work"/*.errors "$tap_work"/*.sql "$FUZZ_KEEP"
fi
