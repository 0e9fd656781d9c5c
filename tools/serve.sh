#!/usr/bin/env bash
# `make serve`: the demonstration's clinic over HTTP, by PostgREST, in a cluster that vanishes when you press Ctrl-C.
#
#   PORT=3000 tools/serve.sh
# shellcheck disable=SC2317 # some functions are called by name: by traps, by quietly
set -euo pipefail
. "$(dirname "$0")/common.sh"
. tools/http.sh

readonly port=${PORT:-3000}
readonly password='correct horse battery' # of every user of the demonstration

# The curl lines, ready to be pasted.
print_lines() {
    local url=http://127.0.0.1:$port json="-H 'Content-Type: application/json'"
    cat <<LINES

Riverbend Health answers at $url. In another terminal:

  # Without identity: what the clinic has published on its booking page, and free starts
  curl -s '$url/services?select=name,duration_minutes' -H 'X-Clinic-Tenant: riverbend'
  curl -s '$url/rpc/available_slots?service_id=$service&range_start=$day&range_end=$next_day&max_rows=3' -H 'X-Clinic-Tenant: riverbend'

  # Sign in at the front desk: a token for 15 minutes, and one to refresh it with
  TOKEN=\$(curl -s '$url/rpc/sign_in' $json -d '{"tenant": "riverbend", "identifier": "desk@riverbend.example", "password": "$password"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -s '$url/rpc/whoami' -H "Authorization: Bearer \$TOKEN"

  # Reads: filter, order, embed, count
  curl -s '$url/patients?select=patient_id,mrn,name&order=mrn&limit=3' -H "Authorization: Bearer \$TOKEN"
  curl -si '$url/appointments?starts_at=gte.2026-03-03T00:00Z&starts_at=lt.2026-03-04T00:00Z&select=starts_at,service_name,patients(name)&order=starts_at,appointment_id&limit=3' -H 'Prefer: count=exact' -H "Authorization: Bearer \$TOKEN"

  # Book a free start, and the same once more: 409, with alternatives
  curl -s '$url/rpc/book_appointment' $json -H "Authorization: Bearer \$TOKEN" -d '{"service_id": "$service", "patient_id": "$patient", "provider_id": "$provider", "starts_at": "$start"}'
  curl -si '$url/rpc/book_appointment' $json -H "Authorization: Bearer \$TOKEN" -d '{"service_id": "$service", "patient_id": "$other_patient", "provider_id": "$provider", "starts_at": "$start"}'

  # A booking in the name of nobody is refused: 401; and so is a patient of somebody else: 404
  curl -si '$url/rpc/book_appointment' $json -H 'X-Clinic-Tenant: riverbend' -d '{"service_id": "$service", "patient_id": "$patient", "starts_at": "$start"}'
  curl -si '$url/rpc/get_patient?patient_id=$service' -H "Authorization: Bearer \$TOKEN"

Others sign in alike: dr.moss@riverbend.example (a doctor: patients in care only), patient@riverbend.example (sees themselves), and
admin@riverbend.example (super_admin: sees patients only with the header X-Purpose-Of-Use: TREAT). Five wrong passwords lock an account for
a minute and more. POST /rpc/refresh {"refresh_token": ...} and /rpc/sign_out end what sign_in began. Ctrl-C stops it and removes every trace.
LINES
}

in_clinic() { # SQL
    psql -XqAtd clinic -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' -c "$1"
}

load_clinic() {
    createdb clinic
    psql -Xqd clinic -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION pg_clinic CASCADE' \
        -c 'CALL clinic.install()'
    psql -Xqd clinic -v ON_ERROR_STOP=1 -f examples/clinic.sql
    psql -Xqd clinic -v ON_ERROR_STOP=1 -f examples/authenticator.sql
    psql -Xqd clinic -v ON_ERROR_STOP=1 -v password="$password" -f examples/users.sql
}

# The day a week from now, on which the clinic is open unless it is a Sunday; and what is free on it, for the lines.
choose() {
    IFS='|' read -r day next_day service provider start patient other_patient < <(in_clinic "
        SET timezone = 'UTC'; SET datestyle = 'ISO';
        SELECT d.day, d.day + 1, v.service_id, s.provider_id, to_char(s.starts_at, 'YYYY-MM-DD\"T\"HH24:MI\"Z\"'), p.ids[1], p.ids[2]
        FROM (SELECT current_date + 7 + (extract(isodow FROM current_date) > 5)::integer * 2 AS day) AS d,
             clinic.services AS v,
             clinic.available_slots(service_id => v.service_id, range_start => d.day, range_end => d.day + 1) AS s,
             (SELECT array_agg(l.patient_id ORDER BY l.mrn DESC) AS ids FROM clinic.patients AS l) AS p
        WHERE v.name = 'Consultation'
        ORDER BY s.starts_at, s.provider_id LIMIT 1")
    [[ -n ${start:-} ]] || die 'the demonstration has no free start'
}

# Stops in its order what is running: PostgREST, the cluster.
stop_all() {
    trap '' INT TERM HUP
    if [[ -n ${postgrest_pid:-} ]]; then
        kill "$postgrest_pid" 2>/dev/null || true
        wait "$postgrest_pid" 2>/dev/null || true
    fi
    if [[ -d $work/pg ]]; then
        say 'stopping the cluster'
        tools/cluster.sh stop "$work/pg" 2>/dev/null || true
    fi
    rm -rf "$work"
}

main() {
    if [[ ! $port =~ ^[0-9]+$ ]] || ((port < 1 || port > 65535)); then
        die "PORT=$port is no port: give a number from 1 to 65535"
    fi
    if port_is_taken "$port"; then
        die "port $port is taken: choose another, as in make serve PORT=3001"
    fi
    tools/install_packages.sh serve
    find_postgrest

    work=$(mktemp -d /tmp/pg_clinic.XXXXXX)
    chmod 755 "$work"
    trap stop_all EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    say 'building pg_clinic'
    tools/stage.sh "$work/stage"
    say 'starting a throw-away cluster'
    PG_CLINIC_STAGE=$work/stage tools/cluster.sh start "$work/pg" --owner $$ "$work"
    eval "$(tools/cluster.sh env "$work/pg")"
    say 'loading the demonstration (examples/clinic.sql): a minute'
    quietly "$work/load.log" load_clinic
    choose
    (umask 077 && in_clinic 'SELECT clinic.jwks()' >"$work/jwks.json")
    start_postgrest clinic "$work/jwks.json" "$port" "$work/postgrest.log"
    print_lines
    # Interrupted by the signals above; ends by itself only when PostgREST does.
    wait "$postgrest_pid" || true
    tail -n 5 "$work/postgrest.log" >&2
    die 'PostgREST has ended'
}

main
