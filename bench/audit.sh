#!/usr/bin/env bash
# What the audit of changes costs: a table of 20 columns written without it, with ours, and with a plpgsql trigger that keeps to_jsonb of
# the rows; side by side and in turn, the
# best of some rounds each, in time on a processor.
#
#   bench/audit.sh [ROWS [ROUNDS]]         starts a cluster of its own; prints ratios to "none"
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ${1:-} != inside ]]; then
    exec tools/cluster.sh run "$0" inside "${1:-20000}" "${2:-5}"
fi
rows=$2 rounds=$3

psql -Xqd postgres -v ON_ERROR_STOP=1 <<'SQL' 2>/dev/null
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
CALL clinic.install();
SELECT FROM clinic.run_jobs('{partitions}') \g /dev/null
CREATE SCHEMA bench;
CREATE TABLE bench.none (
    tenant_id uuid NOT NULL, row_id uuid NOT NULL, patient_id uuid, kind text, status text, title text, note text, code text, amount numeric, paid numeric,
    quantity integer, size integer, weight double precision, starts_at timestamptz, ends_at timestamptz, on_date date, active boolean, tags text[],
    created_at timestamptz DEFAULT now(), version integer DEFAULT 1, PRIMARY KEY (tenant_id, row_id));
CREATE TABLE bench.ours (LIKE bench.none INCLUDING ALL);
CREATE TABLE bench.plain (LIKE bench.none INCLUDING ALL);
SELECT clinic.enable_audit('bench.ours', patient_column => 'patient_id');
CREATE TABLE bench.trail (id bigserial PRIMARY KEY, table_name text, op text, tenant_id uuid, row_id uuid, at timestamptz DEFAULT clock_timestamp(),
    who text DEFAULT session_user, app text DEFAULT current_setting('application_name'), before jsonb, after jsonb);
CREATE INDEX ON bench.trail (tenant_id, row_id);
CREATE FUNCTION bench.keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bench.trail (table_name, op, tenant_id, row_id, before, after)
    VALUES (TG_ARGV[0], TG_OP, coalesce(NEW.tenant_id, OLD.tenant_id), coalesce(NEW.row_id, OLD.row_id),
            CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END $$;
CREATE TRIGGER keep AFTER INSERT OR UPDATE OR DELETE ON bench.plain FOR EACH ROW EXECUTE FUNCTION bench.keep('plain');
SQL

# Time of the backend on a processor, so that others on the machine do not count.
psql -Xqd postgres -v ON_ERROR_STOP=1 <<'SQL'
CREATE FUNCTION bench.cpu() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT split_part(pg_read_file('/proc/self/schedstat', 0, 100), ' ', 1)::bigint $$;
CREATE PROCEDURE bench.run(statement text, times integer, each boolean) LANGUAGE plpgsql AS $$
DECLARE began bigint := bench.cpu();
BEGIN
    FOR i IN 1 .. times LOOP
        EXECUTE statement USING i;
        IF each THEN COMMIT; END IF;
    END LOOP;
    COMMIT;
    RAISE INFO 'ns %', bench.cpu() - began;
END $$;
SQL

nanoseconds() { # statement, times, whether each is a transaction
    psql -Xqd postgres -v ON_ERROR_STOP=1 -v statement="$1" 2>&1 <<<"CALL bench.run(:'statement', $2, $3);" | sed -n 's/.*ns //p'
}

declare -A best
keep_best() { # name, value; the smallest
    if [[ -z ${best[$1]:-} || $2 -lt ${best[$1]} ]]; then best[$1]=$2; fi
}

insert() {
    printf "INSERT INTO bench.%s SELECT '00000001-0000-7000-8000-000000000001', clinic.new_id(), clinic.uuid_floor(to_timestamp(n %% 1000)), 'visit', 'booked', 'title ' || n,
        'a note of some words ' || n, 'C-' || n, n * 1.25, 0, n, n %% 7, n / 3.0, now(), now() + interval '1 hour', current_date, true, '{a,b}'
        FROM generate_series(1, %d) AS n" "$1" "$rows"
}

for ((round = 1; round <= rounds; round++)); do
    for table in none ours plain; do
        PGOPTIONS='-c client_min_messages=warning' psql -Xqd postgres -o /dev/null -c "ALTER TABLE bench.$table DISABLE TRIGGER ALL" -c "TRUNCATE bench.$table, bench.trail" \
            -c "ALTER TABLE bench.$table ENABLE TRIGGER ALL" -c "DROP TABLE IF EXISTS bench.keys_$table" -c CHECKPOINT
        keep_best "insert $table" "$(nanoseconds "$(insert "$table")" 1 false)"
        keep_best "update $table" "$(nanoseconds "UPDATE bench.$table SET status = 'done', version = version + 1, amount = amount + 1" 1 false)"
        psql -Xqd postgres -c "CREATE TABLE bench.keys_$table AS SELECT row_number() OVER () AS n, row_id FROM bench.$table LIMIT 1000" \
            -c "CREATE UNIQUE INDEX ON bench.keys_$table (n)" -c "VACUUM ANALYZE bench.$table, bench.keys_$table"
        keep_best "single $table" "$(nanoseconds "UPDATE bench.$table t SET status = 'again', version = version + 1
            WHERE t.tenant_id = '00000001-0000-7000-8000-000000000001' AND t.row_id = (SELECT k.row_id FROM bench.keys_$table k WHERE k.n = \$1)" 1000 true)"
    done
done

# Booking, with the triggers of our own tables and without them.
psql -Xqd postgres -v ON_ERROR_STOP=1 -o /dev/null <<'SQL'
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', patient_overlap => 'allow');
SELECT clinic.map_login('postgres', 'staff', '{*}');
CREATE FUNCTION bench.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    AS $$ SELECT ('00000000-' || kind || '-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
SELECT clinic.create_location('Here', 'UTC', location_id => bench.id('0010', 1));
SELECT clinic.create_service('Visit', 30, service_id => bench.id('0040', 1));
SELECT clinic.create_provider('P' || n, 'UTC', provider_id => bench.id('0020', n)), clinic.offer_service(bench.id('0040', 1), bench.id('0020', n)),
       clinic.add_hours(bench.id('0020', n), bench.id('0010', 1), 'FREQ=DAILY', '08:00', '18:00', valid_from => '2035-01-01')
  FROM generate_series(1, 10) n;
SELECT clinic.create_patient('Patient', patient_id => bench.id('0050', n)) FROM generate_series(1, 100) n;
COMMIT;
CREATE SEQUENCE bench.slot;
CREATE FUNCTION bench.book() RETURNS void LANGUAGE sql AS $$
    SELECT FROM (SELECT nextval('bench.slot') AS n) s
     CROSS JOIN LATERAL clinic.book_appointment(bench.id('0040', 1), bench.id('0050', 1 + n % 100),
        '2035-01-01 08:00Z'::timestamptz + n / 200 * interval '1 day' + n / 10 % 20 * interval '30 minutes', provider_id => bench.id('0020', 1 + n % 10)) b
$$;
SQL
for ((round = 1; round <= rounds; round++)); do
    for state in 'none DISABLE' 'ours ENABLE ALWAYS'; do
        for table in appointments appointment_resources; do
            for trigger in zz_90_audit zz_91_audit_statement; do
                psql -Xqd postgres -c "ALTER TABLE clinic_data.$table ${state#* } TRIGGER $trigger"
            done
        done
        keep_best "booking ${state%% *}" "$(nanoseconds 'SELECT FROM bench.book()' 500 true)"
    done
done

printf '%-12s %8s %8s %8s\n' 'x of none' none ours to_jsonb
for what in insert update single; do
    count=$rows
    [[ $what = single ]] && count=1000
    printf '%-12s' "$what"
    for table in none ours plain; do
        awk "BEGIN {printf \" %8.2f\", ${best[$what $table]} / ${best[$what none]}}"
    done
    awk "BEGIN {printf \"   none: %.1f us a row\n\", ${best[$what none]} / 1000 / $count}"
done
awk "BEGIN {printf \"%-12s %8.2f %8.2f            none: %.0f us a booking\\n\", \"booking\", 1, ${best[booking ours]} / ${best[booking none]}, ${best[booking none]} / 1000 / 500}"
