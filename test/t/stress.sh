#!/usr/bin/env bash
# Many connections in each other's way: every scenario in every isolation level, and a server killed in mid-load.
#
# STRESS_SECONDS is the length of one run; STRESS_SEED another course of events.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

readonly seconds=${STRESS_SECONDS:-2} seed=${STRESS_SEED:-1}
export STRESS_DIR=$top/test/stress

build() {
    find_postgresql
    g++ -std=c++20 -O1 -Wall -Wextra -Wshadow -Werror -I"$("$PG_CONFIG" --includedir)" "$STRESS_DIR/stress.cpp" \
        -o "$tap_work/stress" -L"$("$PG_CONFIG" --libdir)" -lpq -pthread
}

stress() {
    "$tap_work/stress" "$@"
}

clinic() { # database
    createdb "$1" && psql -Xqd "$1" -f "$STRESS_DIR/setup.sql"
}

# Ends every process of the server at once, as a power failure would.
kill_server() { # directory of the cluster
    local postmaster children
    postmaster=$(head -n 1 "$1/data/postmaster.pid")
    children=$(ps -o pid= --ppid "$postmaster")
    # shellcheck disable=SC2086 # several numbers
    kill -9 "$postmaster" $children 2>/dev/null || true
    while kill -0 "$postmaster" 2>/dev/null; do sleep 0.05; done
}

ok 'the program compiles' build

new_cluster main
clinic template
export PGDATABASE=stress
for level in 'read committed' 'repeatable read' serializable; do
    for scenario in hot group random multi; do
        clients=16
        if [[ $scenario == hot ]]; then
            clients=100
        fi
        createdb -T template stress
        ok "$scenario, $level, $clients clients" stress run --scenario "$scenario" --isolation "$level" \
            --clients "$clients" --seconds "$seconds" --seed "$seed"
        dropdb stress
    done
done

# --- a server that is killed
export PG_CLINIC_DURABLE=1
new_cluster durable
export PGDATABASE=stress
clinic stress
for round in 1 2; do
    level='read committed'
    if ((round == 2)); then
        level=serializable
    fi
    : >"$tap_work/acks$round"
    stress run --scenario random --isolation "$level" --clients 8 --seconds 60 --seed $((seed + round)) --crash \
        --acks "$tap_work/acks$round" >"$tap_work/load" 2>&1 &
    load=$!
    # In mid-load: when some hundreds of changes have been acknowledged.
    until [[ $(wc -l <"$tap_work/acks$round") -ge 400 ]] || ! kill -0 "$load" 2>/dev/null; do sleep 0.1; done
    kill_server "$tap_work/cluster_durable"
    job_ok "$level: nothing unexpected happened before the server was killed" "$load" "$tap_work/load"
    "$top/tools/cluster.sh" start "$tap_work/cluster_durable"
    ok "$level: what was acknowledged has survived, and nothing else" stress check --acks "$tap_work/acks$round"
done
