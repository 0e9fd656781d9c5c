#!/usr/bin/env bash
# The tests over HTTP, against the real PostgREST and a database of their own in the cluster of PGHOST:
#
#   tools/cluster.sh run test/http/run.sh [node's test options...]
#
# HTTP_TESTS names another folder of tests than test/http.
#
# Prints TAP, one test a line. The tests learn where everything is from test/http/support/api.mjs.
# shellcheck disable=SC2317 # some functions are called by name: by traps, by quietly
set -euo pipefail
. "$(dirname "$0")/../../tools/common.sh"
. tools/http.sh

readonly now='2026-03-01T12:00:00Z'
database=http_$$

clean_up() {
    local status=$?
    if [[ -n ${postgrest_pid:-} ]]; then
        kill "$postgrest_pid" 2>/dev/null || true
        wait "$postgrest_pid" 2>/dev/null || true
    fi
    {
        dropdb --force --if-exists "$database"
        psql -Xqc 'DROP ROLE IF EXISTS clinic_authenticator'
    } >/dev/null 2>&1 || true
    rm -rf "$work"
    exit "$status"
}

free_port() {
    local port
    while true; do
        port=$((20000 + RANDOM % 10000))
        if ! port_is_taken "$port"; then
            echo "$port"
            return
        fi
    done
}

prepare() {
    createdb "$database"
    psql -Xqd "$database" -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' \
        -c 'CREATE EXTENSION pg_clinic CASCADE' -c 'CALL clinic.install()'
    psql -Xqd "$database" -v ON_ERROR_STOP=1 -f test/support/seed_small.sql
    psql -Xqd "$database" -v ON_ERROR_STOP=1 -f test/http/support/seed.sql
    psql -Xqd "$database" -v ON_ERROR_STOP=1 -f examples/authenticator.sql
    psql -Xqd "$database" -v ON_ERROR_STOP=1 -c "ALTER ROLE clinic_authenticator SET clinic.clock = '$now'" \
        -c "ALTER ROLE clinic_authenticator SET lock_timeout = '1s'"
}

main() {
    find_postgrest
    work=$(mktemp -d /tmp/pg_clinic.XXXXXX)
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    quietly "$work/prepare.log" prepare
    new_secret "$work/secret"
    local port
    port=$(free_port)
    start_postgrest "$database" "$work/secret" "$port" "$work/postgrest.log"
    CLINIC_URL=http://127.0.0.1:$port CLINIC_SECRET_FILE=$work/secret PGDATABASE=$database \
        node --test --test-concurrency=1 --test-reporter=tap "$@" "${HTTP_TESTS:-test/http}"/*.test.mjs
}

main "$@"
