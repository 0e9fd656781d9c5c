#!/usr/bin/env bash
# The server is killed in the middle of load, in three ways, while eight clients book, hold, confirm, cancel, move, check in, wait and accept with
# idempotency keys. After each restart: no acknowledged call is lost, a repeated one gives the same answer and never a second booking, and
# every invariant of the diary holds.
#
# STRESS_SEED is another course of events.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

readonly seed=${STRESS_SEED:-1}
export PG_CLINIC_DURABLE=1

# SIGKILL to the server: all its processes at once, as a power failure would; the postmaster alone; or one backend in mid-call.
kill_server() { # how
    local postmaster children backend
    postmaster=$(head -n 1 "$tap_work/cluster_kill/data/postmaster.pid")
    children=$(ps -o pid= --ppid "$postmaster")
    case $1 in
        everything)
            # shellcheck disable=SC2086 # several numbers
            kill -9 "$postmaster" $children 2>/dev/null || true
            ;;
        postmaster) kill -9 "$postmaster" ;;
        backend)
            backend=$(psql -XqAtc "SELECT pid FROM pg_stat_activity WHERE usename = 'stress_desk' ORDER BY state = 'active' DESC, pid LIMIT 1")
            kill -9 "$backend"
            return
            ;;
    esac
    # The others leave by themselves when they find the postmaster gone; nobody may start before.
    # shellcheck disable=SC2086
    while kill -0 "$postmaster" $children 2>/dev/null; do sleep 0.05; done
}

wait_for_server() {
    until psql -XqAtc 'SELECT 1' >/dev/null 2>&1; do sleep 0.1; done
}

new_cluster kill
export PGDATABASE=kill
createdb kill
psql -Xqd kill -f "$top/test/stress/setup.sql"
psql -Xqd kill -v ON_ERROR_STOP=1 -o /dev/null <<'SQL'
ALTER DATABASE kill SET clinic.clock = '2035-03-05T06:00:00Z';
SET clinic.clock = '2035-03-05T06:00:00Z';
BEGIN;
SELECT clinic.use_tenant('stress'), clinic.update_tenant('{"holds_per_patient": 5}');
SELECT clinic.create_session('00000000-0040-7000-8000-000000000003', '00000000-0020-7000-8000-000000000001', '2035-03-08 10:00+01', capacity => 60,
                             session_id => '00000000-00f0-7000-8000-000000000001');
COMMIT;
SQL

acks=()
number=0
for how in everything postmaster backend everything; do
    number=$((number + 1))
    acks+=("$tap_work/acks$number")
    : >"${acks[-1]}"
    python3 "$top/test/stress/life.py" run "${acks[-1]}" $((seed * 10 + number)) >"$tap_work/load" 2>&1 &
    load=$!
    # At a random moment, when a few hundred calls have been answered.
    until [[ $(grep -c '"answer"' "${acks[-1]}") -ge $((150 + RANDOM % 150)) ]] || ! kill -0 "$load" 2>/dev/null; do sleep 0.05; done
    kill_server "$how"
    job_ok "round $number ($how): nothing unexpected happened before" "$load" "$tap_work/load"
    if [[ $how != backend ]]; then
        "$top/tools/cluster.sh" start "$tap_work/cluster_kill" 2>/dev/null
    fi
    wait_for_server
    # All rounds so far: results outlive several deaths.
    ok "round $number: acknowledged is acknowledged, repeated is done once" python3 "$top/test/stress/life.py" check "${acks[@]}"
    is "round $number: every invariant holds" "$(psql -XqAtf "$top/test/stress/verify.sql")" ''
done
is 'every kind of call was answered' \
    "$(cat "${acks[@]}" | grep -c '"answer": \[{' | awk '{ print ($1 > 150) }') $(
        psql -XqAtc "SELECT string_agg(DISTINCT call, ' ' ORDER BY call) FROM clinic_data.idempotency_keys")" \
    '1 accept_offer book_appointment book_seat book_series cancel_appointment check_in confirm_hold hold_slot join_waitlist reschedule_appointment'
