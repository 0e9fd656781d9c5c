#!/usr/bin/env bash
# The demonstration: its clinic loads through the API alone, its story runs to the end and says the same each time, and the diary
# that it leaves behind holds what it promises.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

# Runs the demonstration as `make demo` does.
tell() { # database, file
    createdb "$1"
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --pset pager=off --dbname "$1" --file "$top/examples/demo.sql" >"$2" 2>&1
}

# Takes out what differs from run to run: ids and confirmation codes.
masked() { # file
    sed -E -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g' -e 's/\b[2-9A-Z]{8}\b/CODE/g' "$1"
}

in_clinic() { # query
    psql -XqAt -v ON_ERROR_STOP=1 -d first -c "SET clinic.clock = '2026-03-02T07:00:00-05:00'" -c "$1"
}

new_cluster demo
ok 'the demonstration runs to its end' tell first "$tap_work/first"
ok 'it runs again, in another database of the cluster' tell second "$tap_work/second"
same_files 'it tells the same story' <(masked "$tap_work/second") <(masked "$tap_work/first")

is 'one booking is refused, no more' "$(grep -c 'ERROR:' "$tap_work/first")" 1
is 'the refusal names its reason and offers others' \
    "$(grep -cE '"reason": "slot_taken".*"alternatives": \[\{"starts_at"' "$tap_work/first")" 1

is 'locations, zones, providers, services, patients, rooms and devices' \
    "$(in_clinic "SELECT (SELECT count(*) FROM clinic.locations), (SELECT count(DISTINCT time_zone) FROM clinic.locations),
                         (SELECT count(*) FROM clinic.providers), (SELECT count(*) FROM clinic.services),
                         (SELECT count(*) FROM clinic.patients), (SELECT count(*) FROM clinic.resources)")" '4|3|14|8|400|11'
is 'a few thousand appointments, in every location and of every service' \
    "$(in_clinic "SELECT count(*) > 2500, count(DISTINCT location_id), count(DISTINCT service_id), count(DISTINCT provider_id)
                    FROM clinic.appointments WHERE status = 'booked'")" 't|4|8|14'
is 'some visits run through the night, some share their hour' \
    "$(in_clinic "SELECT (SELECT count(*) > 10 FROM clinic.appointments WHERE local_starts_at::time > '20:59' AND ends_at - starts_at = '9 hours'),
                         (SELECT count(*) > 10 FROM (SELECT FROM clinic.appointments WHERE status = 'booked'
                                                      GROUP BY provider_id, service_id, starts_at HAVING count(*) > 1) AS shared)")" 't|t'
is 'the integrity check finds nothing' "$(in_clinic 'SELECT count(*) FROM clinic.check_integrity()')" 0
is 'no provider, room or device is in two visits at once, but in one session of a group' \
    "$(in_clinic "SELECT count(*)
                    FROM clinic_data.appointment_resources AS ua
                    JOIN clinic_data.appointments AS a USING (tenant_id, appointment_id)
                    JOIN clinic_data.appointment_resources AS ub USING (tenant_id, resource_id)
                    JOIN clinic_data.appointments AS b ON b.tenant_id = ub.tenant_id AND b.appointment_id = ub.appointment_id
                   WHERE a.appointment_id < b.appointment_id AND a.status = 'booked' AND b.status = 'booked'
                     AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
                     AND (a.service_id, a.starts_at) IS DISTINCT FROM (b.service_id, b.starts_at)")" 0
is 'no patient is in two visits at once' \
    "$(in_clinic "SELECT count(*) FROM clinic.appointments AS a JOIN clinic.appointments AS b USING (patient_id)
                   WHERE a.appointment_id < b.appointment_id AND a.status = 'booked' AND b.status = 'booked'
                     AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at")" 0
is 'every visit lies within hours that exist' \
    "$(in_clinic "SELECT count(*)
                    FROM clinic.appointments AS a
                   WHERE a.status = 'booked'
                     AND NOT EXISTS (SELECT FROM clinic.open_hours(ARRAY[a.provider_id], a.starts_at, a.ends_at, a.location_id, a.service_id) AS h
                                      WHERE h.starts_at <= a.starts_at AND h.ends_at >= a.ends_at)
                     AND NOT tstzmultirange(tstzrange(a.starts_at, a.ends_at)) <@
                             (SELECT range_agg(tstzrange(h.starts_at, h.ends_at))
                                FROM clinic.open_hours(ARRAY[a.provider_id], a.starts_at, a.ends_at, a.location_id, a.service_id) AS h)")" 0
