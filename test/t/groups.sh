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

# Twenty at once give seats of a full session back, book, accept and decline, while 40 parties of one to three wait for it.
psql -XqU groups_desk -o /dev/null <<'SQL'
SELECT clinic.update_tenant('{"offers_per_entry_day": 1000, "offers_per_patient_day": 1000, "offers_per_slot": 1000}');
SELECT clinic.create_session('00000000-0040-7000-8000-000000000001', '00000000-0020-7000-8000-000000000002', '2035-03-06 10:00+01', session_id => '00000000-00f0-7000-8000-000000000002');
SELECT clinic.book_seat('00000000-00f0-7000-8000-000000000002', ('00000000-0050-7000-8000-' || lpad((50 + n)::text, 12, '0'))::uuid, seats => 2) FROM generate_series(1, 5) AS n;
SELECT clinic.join_waitlist(patient_id => ('00000000-0050-7000-8000-' || lpad((55 + n)::text, 12, '0'))::uuid, session_id => '00000000-00f0-7000-8000-000000000002', party_size => 1 + n % 3, urgency => n % 4) FROM generate_series(1, 40) AS n;
SQL
for client in $(seq 1 20); do
    for n in $(seq 1 12); do
        case $(((client + n) % 4)) in
        0) echo "SELECT c.status FROM (SELECT appointment_id FROM clinic.appointments WHERE status = 'booked' AND session_id = '00000000-00f0-7000-8000-000000000002' ORDER BY random() LIMIT 1) a, clinic.cancel_appointment(a.appointment_id) c;" ;;
        1 | 2) echo "SELECT 'accepted' FROM (SELECT offer_id FROM clinic.waitlist_offers WHERE status = 'open' ORDER BY random() LIMIT 1) o, clinic.accept_offer(o.offer_id) a;" ;;
        3) if ((client % 2)); then
            echo "SELECT d.status FROM (SELECT offer_id FROM clinic.waitlist_offers WHERE status = 'open' ORDER BY random() LIMIT 1) o, clinic.decline_offer(o.offer_id) d;"
        else
            echo "SELECT 'walked in' FROM clinic.book_seat('00000000-00f0-7000-8000-000000000002', '00000000-0050-7000-8000-$(printf %012d $((100 + RANDOM % 300)))');"
        fi ;;
        esac
    done | psql -XAtU groups_desk >"$tap_work/wait$client" 2>&1 &
done
wait
is 'nothing but refusals comes back from those who wait' "$(cat "$tap_work"/wait* | grep 'ERROR' | grep -cvE 'no place is left|the offer is over|was faster|the offer was|does not allow|already|everybody' || true)" 0
is 'seats were offered and taken' "$(cat "$tap_work"/wait* | grep -c '^accepted$' | awk '{ print ($1 > 5) }')" 1
is 'nobody got a seat that was offered to somebody else' "$(psql -XAtc "SELECT count(*) FROM clinic_data.waitlist_offers o JOIN clinic_data.appointments a USING (tenant_id, appointment_id) WHERE o.patient_id <> a.patient_id OR o.status <> 'accepted'")" 0
is 'parties are whole' "$(psql -XAtc "SELECT count(*) FROM clinic_data.waitlist_offers o JOIN clinic_data.waitlist_entries e USING (tenant_id, entry_id) JOIN clinic_data.appointments a ON a.tenant_id = o.tenant_id AND a.appointment_id = o.appointment_id WHERE a.seats <> e.party_size")" 0
is 'no more seats are taken than there are' "$(psql -XAtU groups_desk -c "SELECT count(*) FROM clinic.group_sessions WHERE over_capacity")" 0
is 'and whoever waits has been offered what fits' "$(psql -XAtU groups_desk -c "
    SELECT count(*) FROM clinic.group_sessions g JOIN clinic.waitlist_entries e USING (session_id)
     WHERE g.session_id = '00000000-00f0-7000-8000-000000000002' AND e.status = 'waiting' AND e.party_size <= g.remaining
       AND NOT EXISTS (SELECT FROM clinic.waitlist_offers o WHERE o.entry_id = e.entry_id)")" 0
is 'each offer ended once' "$(psql -XAtc "SELECT count(*) FROM (SELECT FROM clinic_data.events WHERE name ~ '^waitlist\.' GROUP BY subject_id, sequence HAVING count(*) > 1) AS twice")" 0
is 'nothing is wrong with the seats' "$(psql -XAtU groups_desk -c 'SELECT * FROM clinic.check_integrity()')" ''

# Visits of several lengths at random from eight connections; some are cancelled again. Until some visit had to change its room for another
# one: that is up to chance, and hardly ever takes more than two days.
rooms_changed() {
    psql -XAtc "SELECT count(*) > 0 FROM clinic_data.claims c JOIN clinic_data.appointments a USING (tenant_id, appointment_id) WHERE c.xmin <> a.xmin"
}
for day in 07 08 09 10 11 12; do
    for client in $(seq 1 8); do
        for n in $(seq 1 40); do
            echo "SELECT count(*) FROM clinic.book_appointment('00000000-0040-7000-8000-00000000001$((RANDOM % 3 + 1))',
                '00000000-0050-7000-8000-$(printf %012d $((100 + RANDOM % 300)))', '2035-03-$day 09:00+01'::timestamptz + interval '30 minutes' * $((RANDOM % 15)),
                '00000000-0020-7000-8000-$(printf %012d $((client * 3 - RANDOM % 3)))');"
            if ((n % 10 == 0)); then
                echo "SELECT count(c.*) FROM (SELECT appointment_id FROM clinic.appointments WHERE status = 'booked' AND session_id IS NULL ORDER BY random() LIMIT 1) a, clinic.cancel_appointment(a.appointment_id) c;"
            fi
        done | psql -XAtU groups_desk >>"$tap_work/pool$client" 2>&1 &
    done
    wait
    if [[ $(rooms_changed) == t ]]; then
        break
    fi
done
is 'nothing but refusals comes back' "$(cat "$tap_work"/pool* | grep 'ERROR' | grep -cvE 'taken|not free|another appointment|opening hours|does not allow|too short|everybody|busy|try' || true)" 0
is 'rooms were used by many' "$(psql -XAtc "SELECT count(*) > 20 FROM clinic_data.appointments WHERE status = 'booked' AND session_id IS NULL")" t
is 'some had to make room' "$(rooms_changed)" t
is 'nothing is wrong' "$(psql -XAtU groups_desk -c 'SELECT * FROM clinic.check_integrity()')" ''
is 'nor by any other reckoning' "$(psql -XqAtf "$top/test/stress/verify.sql")" ''
