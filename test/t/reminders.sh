#!/usr/bin/env bash
# A thousand reminders that are due at once, and four programs that claim them, of which one dies: each is sent exactly once.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/support/tap.sh

new_cluster reminders
installed_database clinic
sql clinic 'CREATE ROLE sender LOGIN IN ROLE clinic_user' >/dev/null
psql -Xqd clinic -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant('many', 'Many', tenant_id => '00c2c001-0000-7000-8000-000000000001');
SELECT clinic.update_tenant('{"quiet_from": "00:00", "quiet_until": "00:00", "message_channels": {"confirmation": []}}'),
       clinic.set_reminder_plan('[{"before_minutes": 1440}]'),
       clinic.create_location('Here', 'UTC', location_id => '00c2c001-0010-7000-8000-000000000001'),
       clinic.create_provider('Doctor', 'UTC', provider_id => '00c2c001-0020-7000-8000-000000000001'),
       clinic.create_service('Visit', 5, service_id => '00c2c001-0040-7000-8000-000000000001'),
       clinic.map_login('sender', 'staff', '{outbox:deliver}');
SELECT clinic.set_patient_contact(clinic.create_patient('Patient ' || n), 'sms', '+1555' || 1000000 + n) FROM generate_series(1, 1000) AS n;
COMMIT;
RESET ROLE;
SET clinic.clock = '2026-03-01 00:00Z';
INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at,
                                      ends_at, local_starts_at, time_zone)
SELECT p.tenant_id, clinic.new_id(), 'C' || row_number() OVER (), '00c2c001-0040-7000-8000-000000000001', '00c2c001-0020-7000-8000-000000000001',
       '00c2c001-0010-7000-8000-000000000001', p.patient_id, 'booked', '2026-03-10 09:00Z', '2026-03-10 09:05Z', '2026-03-10 09:00', 'UTC'
FROM clinic_data.patients AS p;
SQL
is 'a thousand reminders wait' "$(sql clinic "SELECT count(*) FROM clinic_data.notifications WHERE status = 'waiting' AND kind = 'reminder'")" 1000

at="SET clinic.clock = '2026-03-09 09:30Z'; SET SESSION AUTHORIZATION sender"
mkdir "$tap_work/sent"
# One claims a batch and is killed before it says how it went; another dies inside its transaction.
claim="SELECT count(*) FROM clinic.claim_due_notifications(50, 600)"
is 'one claims fifty, and dies' "$(sql clinic "$at" "$claim")" 50
sql clinic "$at" "BEGIN" "$claim" 'SELECT pg_terminate_backend(pg_backend_pid())' >/dev/null 2>&1 && fail 'another dies before it commits' ||
    pass 'another dies before it commits'
# Claims and finishes until nothing is left, and writes down whom it wrote to.
finish_all() { # number
    psql -XqAtd clinic -v ON_ERROR_STOP=1 -f - >"$tap_work/sent/$1" 2>"$tap_work/err_$1" <<SQL
$at;
$(for _ in $(seq 30); do
        echo "SELECT c.destination || ' ' || clinic.finish_message(c.message_id) FROM clinic.claim_due_notifications(50, 600) AS c;"
    done)
SQL
}
jobs=()
for n in 1 2 3 4; do
    finish_all "$n" &
    jobs+=($!)
done
for n in 1 2 3 4; do
    job_ok "program $n sends" "${jobs[n - 1]}" "$tap_work/err_$n"
done
is 'the others sent all but those fifty' "$(cat "$tap_work"/sent/[1-4] | wc -l)" 950
is 'nobody was written to twice' "$(cat "$tap_work"/sent/[1-4] | sort | uniq -d | wc -l)" 0
is 'nothing more to claim before the lease is over' "$(sql clinic "$at" "$claim")" 0
at="SET clinic.clock = '2026-03-09 09:45Z'; SET SESSION AUTHORIZATION sender"
finish_all 5
is 'after the lease the fifty go out' "$(wc -l <"$tap_work/sent/5")" 50
is 'a thousand different patients were written to' "$(cat "$tap_work"/sent/* | sort -u | wc -l)" 1000
is 'each reminder became one message, and was sent' \
    "$(sql clinic "SELECT count(*), count(DISTINCT message_id), (SELECT count(*) FROM clinic_data.outbox) FROM clinic_data.notifications
                   WHERE kind = 'reminder' AND status = 'sent' AND sent_at IS NOT NULL")" '1000|1000|1000'
is 'nothing is left of where and what' \
    "$(sql clinic 'SELECT count(*) FROM clinic_data.outbox WHERE destination IS NOT NULL OR payload IS NOT NULL')" 0
