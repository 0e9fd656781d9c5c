#!/usr/bin/env bash
# Many at once for the seats of one session, and for the rooms of one pool: as many win as there are places, and nothing is wrong after.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

new_cluster main
createdb groups
psql -Xqd groups -o /dev/null <<'SQL'
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE groups_desk LOGIN IN ROLE clinic_user;
BEGIN;
SELECT clinic.create_tenant('groups', 'Groups', tenant_id => '00000000-0000-7000-8000-000000000001');
SELECT clinic.map_login('groups_desk', 'staff', '{*}');
SELECT clinic.create_location('Centre', 'Europe/Berlin', location_id => '00000000-0010-7000-8000-000000000001');
SELECT clinic.create_provider('Provider ' || n, 'Europe/Berlin', provider_id => ('00000000-0020-7000-8000-' || lpad(n::text, 12, '0'))::uuid) FROM generate_series(1, 24) AS n;
SELECT clinic.create_resource('Room ' || n, 'room', 'room', '00000000-0010-7000-8000-000000000001') FROM generate_series(1, 4) AS n;
SELECT clinic.create_service('Class', 60, capacity => 10, service_id => '00000000-0040-7000-8000-000000000001');
SELECT clinic.create_service('Visit ' || n, 30 * n, 30, service_id => ('00000000-0040-7000-8000-00000000001' || n)::uuid) FROM generate_series(1, 3) AS n;
SELECT clinic.require_resource(('00000000-0040-7000-8000-00000000001' || n)::uuid, 'room') FROM generate_series(1, 3) AS n;
SELECT clinic.offer_service(s.id, ('00000000-0020-7000-8000-' || lpad(p::text, 12, '0'))::uuid)
  FROM unnest('{00000000-0040-7000-8000-000000000001,00000000-0040-7000-8000-000000000011,00000000-0040-7000-8000-000000000012,00000000-0040-7000-8000-000000000013}'::uuid[]) AS s (id), generate_series(1, 24) AS p;
SELECT clinic.add_hours(('00000000-0020-7000-8000-' || lpad(p::text, 12, '0'))::uuid, '00000000-0010-7000-8000-000000000001', 'FREQ=DAILY', '09:00', '17:00', valid_from => '2035-03-05') FROM generate_series(1, 24) AS p;
SELECT clinic.create_patient('Patient ' || n, patient_id => ('00000000-0050-7000-8000-' || lpad(n::text, 12, '0'))::uuid) FROM generate_series(1, 400) AS n;
SELECT clinic.create_session('00000000-0040-7000-8000-000000000001', '00000000-0020-7000-8000-000000000001', '2035-03-06 10:00+01', session_id => '00000000-00f0-7000-8000-000000000001');
COMMIT;
SQL
export PGDATABASE=groups

# 50 at once for 10 seats.
for n in $(seq 1 50); do
    psql -XAtU groups_desk -c "SELECT 'won' FROM clinic.book_seat('00000000-00f0-7000-8000-000000000001', '00000000-0050-7000-8000-$(printf %012d "$n")')" \
        >"$tap_work/seat$n" 2>&1 &
done
wait
is 'ten of fifty get a seat' "$(cat "$tap_work"/seat* | grep -c '^won$')" 10
is 'the others are told that it is full' "$(cat "$tap_work"/seat* | grep -c 'no place is left')" 40
is 'ten seats are taken' "$(psql -XAtU groups_desk -c 'SELECT taken, remaining FROM clinic.group_sessions')" '10|0'

# Visits of several lengths at random from eight connections; some are cancelled again.
for client in $(seq 1 8); do
    for n in $(seq 1 40); do
        echo "SELECT count(*) FROM clinic.book_appointment('00000000-0040-7000-8000-00000000001$((RANDOM % 3 + 1))',
            '00000000-0050-7000-8000-$(printf %012d $((100 + RANDOM % 300)))', '2035-03-07 09:00+01'::timestamptz + interval '30 minutes' * $((RANDOM % 15)),
            '00000000-0020-7000-8000-$(printf %012d $((client * 3 - RANDOM % 3)))');"
        if ((n % 10 == 0)); then
            echo "SELECT count(c.*) FROM (SELECT appointment_id FROM clinic.appointments WHERE status = 'booked' AND session_id IS NULL ORDER BY random() LIMIT 1) a, clinic.cancel_appointment(a.appointment_id) c;"
        fi
    done | psql -XAtU groups_desk >"$tap_work/pool$client" 2>&1 &
done
wait
is 'nothing but refusals comes back' "$(cat "$tap_work"/pool* | grep 'ERROR' | grep -cvE 'taken|not free|another appointment|opening hours|does not allow|too short|everybody|busy|try' || true)" 0
is 'rooms were used by many' "$(psql -XAtc "SELECT count(*) > 20 FROM clinic_data.appointments WHERE status = 'booked' AND session_id IS NULL")" t
is 'some had to make room' "$(psql -XAtc "SELECT count(*) > 0 FROM clinic_data.claims c JOIN clinic_data.appointments a USING (tenant_id, appointment_id) WHERE c.xmin <> a.xmin")" t
is 'nothing is wrong' "$(psql -XAtU groups_desk -c 'SELECT * FROM clinic.check_integrity()')" ''
is 'nor by any other reckoning' "$(psql -XqAtf "$top/test/stress/verify.sql")" ''
