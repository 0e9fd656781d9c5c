#!/usr/bin/env bash
# The first available, by many at once: everybody gets a slot while there are slots, nobody the same one, in whatever isolation level;
# turns are taken one after the other; visits in opposite orders neither deadlock nor book half.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

new_cluster main
createdb crowd
psql -XqAtd crowd -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE crowd LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO crowd;
ALTER ROLE crowd SET clinic.clock = '2026-03-02T12:00:00Z';
ALTER ROLE crowd SET timezone = 'UTC';
BEGIN;
SET LOCAL clinic.clock = '2026-03-02T12:00:00Z';
SET ROLE clinic_admin;
SELECT clinic.create_tenant('crowd', 'Crowd', tenant_id => '5c000083-0000-7000-8000-000000000001');
SELECT clinic.map_login('crowd', 'admin', '{*}');
SELECT clinic.create_location('Main', 'UTC', location_id => '5c000083-0010-7000-8000-000000000001');
SELECT clinic.create_service('Exam', 30, service_id => '5c000083-0040-7000-8000-000000000001'),
       clinic.create_service('Scan', 30, service_id => '5c000083-0040-7000-8000-000000000002');
SELECT clinic.create_provider('Provider ' || n, 'UTC', provider_id => ('5c000083-0020-7000-8000-00000000000' || n)::uuid) FROM generate_series(1, 4) AS n;
SELECT clinic.offer_service('5c000083-0040-7000-8000-000000000001', ('5c000083-0020-7000-8000-00000000000' || n)::uuid) FROM generate_series(1, 2) AS n;
SELECT clinic.offer_service('5c000083-0040-7000-8000-000000000002', ('5c000083-0020-7000-8000-00000000000' || n)::uuid) FROM generate_series(3, 4) AS n;
SELECT clinic.add_hours(('5c000083-0020-7000-8000-00000000000' || n)::uuid, '5c000083-0010-7000-8000-000000000001', 'FREQ=DAILY', '09:00', '14:00', valid_from => '2026-03-01')
FROM generate_series(1, 4) AS n;
SELECT clinic.create_patient('Patient ' || n, patient_id => ('5c000083-0090-7000-8000-' || lpad(n::text, 12, '0'))::uuid) FROM generate_series(1, 40) AS n;
COMMIT;
SQL

exam=5c000083-0040-7000-8000-000000000001 scan=5c000083-0040-7000-8000-000000000002
patient() { printf '5c000083-0090-7000-8000-%012d' "$1"; }
as_crowd() { psql -XqAtd crowd -U crowd -v ON_ERROR_STOP=1 "$@"; }

# book DAY PATIENTS ISOLATION: all at once; prints what each got.
book() {
    local day=$1 n=$2 level=$3 i
    for ((i = 1; i <= n; i++)); do
        as_crowd 2>&1 <<SQL &
BEGIN ISOLATION LEVEL $level;
SELECT 1 FROM clinic.services LIMIT 1 \g /dev/null
SELECT b.provider_id, b.starts_at, b.attempts FROM clinic.book_first_available('$exam', '$(patient "$i")', '$day', '$day'::date + 1) AS b;
COMMIT;
SQL
    done
    wait
}
integrity() { as_crowd -c 'SELECT * FROM clinic.check_integrity()'; }

# Two providers, ten slots each: twenty slots a day.
got=$(book 2026-03-03 20 'READ COMMITTED')
is 'twenty at once for twenty slots: everybody gets one' "$(grep -c '^5c000083' <<<"$got")" 20
is 'nobody the same as another' "$(grep '^5c000083' <<<"$got" | cut -d'|' -f1,2 | sort -u | wc -l)" 20
ok 'somebody had to try again' test "$(cut -d'|' -f3 <<<"$got" | sort -n | tail -1)" -gt 1
is 'the diary is in order' "$(integrity)" ''

got=$(book 2026-03-04 24 'READ COMMITTED')
is 'twenty-four for twenty slots: twenty get one' "$(grep -c '^5c000083' <<<"$got")" 20
is 'and four are told that nothing is left' "$(grep -c 'ERROR:  nothing is free in that range' <<<"$got")" 4

for level in 'REPEATABLE READ' 'SERIALIZABLE'; do
    day=$([[ $level == SERIALIZABLE ]] && echo 2026-03-05 || echo 2026-03-06)
    got=$(book "$day" 20 "$level")
    is "in $level everybody gets a slot too" "$(grep -c '^5c000083' <<<"$got")" 20
    is 'nobody the same as another' "$(grep '^5c000083' <<<"$got" | cut -d'|' -f1,2 | sort -u | wc -l)" 20
done
is 'the diary is in order' "$(integrity)" ''

# Turns.
as_crowd -c "SELECT clinic.set_assignment_rules('{round_robin}', '$exam')" >/dev/null
got=$(book 2026-03-07 20 'READ COMMITTED')
is 'in turn, both providers get the same' "$(cut -d'|' -f1 <<<"$got" | sort | uniq -c | awk '{print $1}' | tr '\n' ' ')" '10 10 '
as_crowd -c "SELECT clinic.remove_assignment_rules('$exam')" >/dev/null

# Visits of two services, the steps in opposite orders, at the same two times.
for ((i = 1; i <= 20; i++)); do
    first=$exam second=$scan
    if ((i % 2 == 0)); then first=$scan second=$exam; fi
    as_crowd 2>&1 <<SQL &
SELECT count(*) FROM clinic.book_visit('[{"service_id": "$first", "starts_at": "2026-03-08 10:00Z"}, {"service_id": "$second", "starts_at": "2026-03-08 10:30Z"}]', '$(patient "$i")');
SQL
done >"$tap_work/visits.out"
wait
is 'four visits fit: two providers for each service, two times' "$(grep -c '^2$' "$tap_work/visits.out")" 4
is 'the others are refused in words of the diary' "$(grep -ciE 'deadlock|serializ|busy' "$tap_work/visits.out")" 0
is 'nothing is booked half' "$(as_crowd -c "SELECT count(*) FROM clinic.appointments WHERE starts_at::date = '2026-03-08'")" 8
is 'the diary is in order' "$(integrity)" ''
is 'by any reckoning' "$(psql -XqAtd crowd -f "$top/test/stress/verify.sql")" ''
