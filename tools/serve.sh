#!/usr/bin/env bash
# `make serve`: the demonstration's clinic over HTTP, by PostgREST, in a cluster that vanishes when you press Ctrl-C.
#
#   PORT=3000 tools/serve.sh
# shellcheck disable=SC2317 # some functions are called by name: by traps, by quietly
set -euo pipefail
. "$(dirname "$0")/common.sh"
. tools/http.sh

readonly port=${PORT:-3000}
readonly now='2026-03-02T07:00:00-05:00' # the demonstration's clock stands still here

# The curl lines, ready to be pasted.
print_lines() {
    local url=http://127.0.0.1:$port token
    token=$(token_of staff)
    cat <<EOF

The demonstration's clinic answers at $url; its clock stands at $now. In another terminal:

  TOKEN='$token'

  # The description of the API, and some patients
  curl -s '$url/' -H "Authorization: Bearer \$TOKEN" | head -c 400
  curl -s '$url/patients?select=patient_id,mrn,name&order=mrn&limit=3' -H "Authorization: Bearer \$TOKEN"

  # The appointments of a day, with their patients, exactly counted
  curl -si '$url/appointments?starts_at=gte.2026-03-03T00:00Z&starts_at=lt.2026-03-04T00:00Z&select=starts_at,service_name,patients(name)&order=starts_at,appointment_id&limit=3' -H 'Prefer: count=exact' -H "Authorization: Bearer \$TOKEN"

  # Free starts, one of them booked, and the same once more: 409, with alternatives
  curl -s '$url/rpc/available_slots?service_id=$service&range_start=2026-03-10&range_end=2026-03-11&max_rows=3' -H "Authorization: Bearer \$TOKEN"
  curl -s '$url/rpc/book_appointment' -H 'Content-Type: application/json' -H "Authorization: Bearer \$TOKEN" -d '{"service_id": "$service", "patient_id": "$patient", "provider_id": "$provider", "starts_at": "$start"}'
  curl -si '$url/rpc/book_appointment' -H 'Content-Type: application/json' -H "Authorization: Bearer \$TOKEN" -d '{"service_id": "$service", "patient_id": "$other_patient", "provider_id": "$provider", "starts_at": "$start"}'

Ctrl-C stops it and removes every trace.
EOF
}

# Who the lines act as.
token_of() { # who
    case $1 in
        staff) sign_token "$work/secret" clinic_user ;;
    esac
}

in_clinic() { # SQL
    psql -XqAtd clinic -v ON_ERROR_STOP=1 -c "$1"
}

load_clinic() {
    createdb clinic
    psql -Xqd clinic -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION pg_clinic CASCADE' \
        -c 'CALL clinic.install()'
    psql -Xqd clinic -v ON_ERROR_STOP=1 -f examples/clinic.sql
    psql -Xqd clinic -v ON_ERROR_STOP=1 -f examples/authenticator.sql
    psql -Xqd clinic -v ON_ERROR_STOP=1 -c "ALTER ROLE clinic_authenticator SET clinic.clock = '$now'" \
        -c "SELECT clinic.map_login(login => 'clinic_authenticator', actor => 'staff', permissions => '{*}')"
}

# A start that is free, for the lines.
choose() {
    IFS='|' read -r service provider start patient other_patient < <(in_clinic "
        SET clinic.clock = '$now'; SET timezone = 'UTC'; SET datestyle = 'ISO';
        SELECT v.service_id, s.provider_id, to_char(s.starts_at, 'YYYY-MM-DD\"T\"HH24:MI\"Z\"'), p.ids[1], p.ids[2]
        FROM clinic.services AS v,
             clinic.available_slots(service_id => v.service_id, range_start => '2026-03-10', range_end => '2026-03-11') AS s,
             (SELECT array_agg(l.patient_id ORDER BY l.mrn DESC) AS ids FROM clinic.patients AS l) AS p
        WHERE v.name = 'Consultation'
        ORDER BY s.starts_at, s.provider_id LIMIT 1")
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
    new_secret "$work/secret"
    start_postgrest clinic "$work/secret" "$port" "$work/postgrest.log"
    print_lines
    # Interrupted by the signals above; ends by itself only when PostgREST does.
    wait "$postgrest_pid" || true
    tail -n 5 "$work/postgrest.log" >&2
    die 'PostgREST has ended'
}

main
