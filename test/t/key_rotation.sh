#!/usr/bin/env bash
# Replacing a tenant's key, again and again interrupted by kill -9, while others read and write: everything stays readable, nothing that was
# written is lost, and in the end nothing needs the old key, which is gone.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

tenant=5e7000c2-0000-7000-8000-000000000001
rows=12000
export PG_CLINIC_DURABLE=1
new_cluster main
installed_database clinic

sql clinic 'BEGIN' "SELECT clinic.create_tenant('rotation', 'Rotation', tenant_id => '$tenant'),
        clinic.create_patient('P' || n, patient_id => ('5e7000c2-0100-7000-8000-' || lpad(n::text, 12, '0'))::uuid) FROM (SELECT 0 AS n) AS n" \
    "SELECT clinic.create_patient('P' || n, patient_id => ('5e7000c2-0100-7000-8000-' || lpad(n::text, 12, '0'))::uuid) FROM generate_series(1, 6000) AS n" COMMIT >/dev/null
sql clinic 'CREATE TABLE own (tenant_id uuid, id bigint PRIMARY KEY, patient_id uuid, of_patient clinic_data.encrypted, of_tenant clinic_data.encrypted, number bigint)' \
    "SELECT clinic.encrypt_column('own', 'of_patient', 'id', 'patient_id'), clinic.encrypt_column('own', 'of_tenant', 'id')" \
    "CREATE FUNCTION of_tenant(id bigint, number bigint) RETURNS bytea LANGUAGE sql AS
        \$\$ SELECT clinic_private.encrypt_field('$tenant', NULL, 'public.own', 'of_tenant', id::text, 'number ' || number) \$\$" \
    "INSERT INTO own SELECT '$tenant', n, p, clinic_private.encrypt_field('$tenant', p, 'public.own', 'of_patient', n::text, 'patient ' || n), of_tenant(n, n), n
       FROM generate_series(1, $rows) AS n CROSS JOIN LATERAL (SELECT ('5e7000c2-0100-7000-8000-' || lpad((n % 6001)::text, 12, '0'))::uuid AS p) AS p" >/dev/null
good="SELECT count(*) FROM own WHERE clinic_private.decrypt_field(tenant_id, patient_id, 'public.own', 'of_patient', id::text, of_patient) = 'patient ' || id
      AND clinic_private.decrypt_field(tenant_id, NULL, 'public.own', 'of_tenant', id::text, of_tenant) = 'number ' || number"
step() {
    sql clinic "SELECT rotation_step FROM clinic.encryption_status() WHERE kind = 'field' AND key_no = 1"
}
run="SELECT sum(row_count) FROM clinic.run_jobs('{rotate_keys}') WHERE outcome = 'ok'"

is 'before it everything is readable' "$(sql clinic "$good")" "$rows"

# Somebody who has encrypted by the old key and does not commit.
open_session() { # name: commands come from descriptor
    mkfifo "$tap_work/$1.pipe"
    psql -XqAt -d clinic <"$tap_work/$1.pipe" >"$tap_work/$1.out" 2>&1 &
}
open_session writer
exec 5>"$tap_work/writer.pipe"
printf "BEGIN; INSERT INTO own SELECT '%s', 0, '5e7000c2-0100-7000-8000-000000000000', clinic_private.encrypt_field('%s', '5e7000c2-0100-7000-8000-000000000000', 'public.own', 'of_patient', '0', 'patient 0'), of_tenant(0, 0), 0;\n\\\\! touch %s\n" \
    "$tenant" "$tenant" "$tap_work/writes" >&5
until [[ -e $tap_work/writes ]]; do sleep 0.1; done

is 'the new key is made' "$(sql clinic "SELECT clinic.rotate_tenant_key('$tenant')")" 2
is 'nothing has changed for readers' "$(sql clinic "$good")" "$rows"

# Each runner is killed in the middle of its work, and with it the whole server goes through recovery; all but the writer's session end so.
kill_in_the_middle() {
    sql clinic "$run" >/dev/null 2>&1 &
    local runner=$! pid='' i
    for ((i = 0; i < 100; i++)); do
        pid=$(sql clinic "SELECT pid FROM pg_stat_activity WHERE query LIKE '%run_jobs%' AND pid <> pg_backend_pid() AND state = 'active' LIMIT 1" 2>/dev/null || true)
        [[ -z $pid ]] || break
        sleep 0.02
    done
    sleep "0.$1"
    kill -9 "$pid" 2>/dev/null || true
    wait "$runner" || true
    until sql clinic 'SELECT 1' >/dev/null 2>&1; do sleep 0.1; done
}
sql clinic "$run" >/dev/null # the first batch of patients' keys
is 'while somebody who uses the old key is at work it stays, and all can be read' "$(sql clinic "$good")" "$rows"
printf 'COMMIT;\n\\! touch %s\n' "$tap_work/written" >&5
until [[ -e $tap_work/written ]]; do sleep 0.1; done
kills=0
for delay in 05 15 30; do
    [[ $(step) != 'done' ]] || break
    kill_in_the_middle "$delay"
    kills=$((kills + 1))
    is "after kill -9 number $kills everything is readable" "$(sql clinic "$good")" $((rows + 1))
done
exec 5>&-
is 'it was interrupted before it was done' "$(step | grep -c -E '^(patient_keys|fields)$')" 1

# Writers go on during the rest, and a reader of an old snapshot.
open_session reader
exec 6>"$tap_work/reader.pipe"
printf 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM own;\n\\! touch %s\n' "$tap_work/reads" >&6
until [[ -e $tap_work/reads ]]; do sleep 0.1; done
cat >"$tap_work/write.sql" <<'SQL'
\set id random(1, 12000)
\set number random(1, 1000000)
UPDATE own SET of_tenant = of_tenant(:id, :number), number = :number WHERE id = :id;
SQL
pgbench -n -c 3 -T 6 -f "$tap_work/write.sql" clinic >"$tap_work/pgbench" 2>&1 &
bench=$!
while kill -0 "$bench" 2>/dev/null; do
    sql clinic "$run" "$good" | tail -n 1
    sleep 0.1
done >"$tap_work/reads_between" 2>&1
job_ok 'writers are not disturbed' "$bench" "$tap_work/pgbench"
is 'and lose nothing' "$(grep -c 'number of failed transactions: 0 ' "$tap_work/pgbench")" 1
is 'at every moment everything is readable' "$(sort -u "$tap_work/reads_between")" $((rows + 1))
for _ in {1..12}; do sql clinic "$run" >/dev/null; done
is 'the old key stays for who may still see old values' "$(step)" waiting
printf '%s;\nCOMMIT;\n\\! touch %s\n' "$good" "$tap_work/read" >&6
until [[ -e $tap_work/read ]]; do sleep 0.1; done
is 'and that reader reads them all' "$(tail -n 1 "$tap_work/reader.out")" $((rows + 1))
exec 6>&-
for _ in {1..10}; do
    [[ $(step) != 'done' ]] || break
    sql clinic "$run" >/dev/null
    sleep 0.2
done
is 'then it goes' "$(sql clinic "SELECT rotation_step, status, wrapped_patient_keys, stuck_fields FROM clinic.encryption_status() WHERE kind = 'field' AND key_no = 1" \
    "SELECT length(wrapped) FROM clinic_data.encryption_keys WHERE kind = 'field' AND key_no = 1")" "done|destroyed|0|0
0"
is 'and everything is readable, by the new one' "$(sql clinic "$good" "SELECT count(*) FROM own WHERE substr(of_tenant, 1, 6) <> '\\x015400000002'")" "$((rows + 1))
0"
is 'each patient has one key' "$(sql clinic 'SELECT count(*), count(DISTINCT patient_id), count(*) FILTER (WHERE wrapping_key_no = 2) FROM clinic_data.patient_keys')" '6001|6001|6001'

# Rows that are not changed need no memory: three hundred values of a megabyte, of the current key already.
sql clinic 'CREATE TABLE large (tenant_id uuid, id bigint PRIMARY KEY, of_tenant clinic_data.encrypted)' \
    "INSERT INTO large SELECT '$tenant', n, ('\\x015400000002' || repeat('00', 1000000))::bytea FROM generate_series(1, 300) AS n"
is 'going through rows that stay as they are takes no memory for each' "$(sql clinic \
    "CREATE FUNCTION pg_temp.most_memory() RETURNS bigint LANGUAGE sql AS \$\$ SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+)')::bigint \$\$" \
    "SELECT pg_temp.most_memory() AS before" \
    "SELECT a.changed FROM clinic_private.encrypt_rows_anew('$tenant', 2, 'large'::regclass, 'tenant_id', 'id', 'of_tenant', 'public.large', 'of_tenant', 0, 1000) AS a" \
    "SELECT pg_temp.most_memory()" | awk 'NR == 1 { before = $1 } NR == 2 { changed = $1 } END { print changed, ($1 - before < 50000 ? "flat" : $1 - before " kB") }')" '0 flat'
