#!/usr/bin/env bash
# `make serve`: its lines work when pasted into a shell, a port that is taken is refused in one line, and however it ends, no
# process and no file is left.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"
. "$top/tools/http.sh"

# A test that is ended early ends the server with it.
serve_pid=
end() {
    local status=$?
    if [[ -n $serve_pid ]]; then
        kill "$serve_pid" 2>/dev/null || true
    fi
    if ((status != 0)); then
        rm -rf "$tap_work"
        exit "$status"
    fi
    tap_end
}
trap end EXIT

port=$((20000 + RANDOM % 10000))
while port_is_taken "$port"; do
    port=$((20000 + RANDOM % 10000))
done

# Starts the server in the background; sets serve_pid.
serve() { # log
    PORT=$port TMPDIR=/tmp "$top/tools/serve.sh" >"$1" 2>&1 </dev/null &
    serve_pid=$!
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        if grep -q 'Ctrl-C stops it' "$1"; then
            return
        fi
        if ! kill -0 "$serve_pid" 2>/dev/null; then
            break
        fi
        sleep 0.5
    done
    return 1
}

started() { # description, log
    if serve "$2"; then
        pass "$1"
    else
        fail "$1" "$(cat "$2")"
        exit 1
    fi
}

# The scratch directory of the server whose PostgREST that is.
scratch_of() { # process id
    tr '\0' '\n' <"/proc/$1/environ" | sed -n 's/^PGRST_JWT_SECRET=@\(.*\)\/[^/]*$/\1/p'
}

gone() { # scratch directory
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        if [[ ! -e $1 ]] && ! port_is_taken "$port" && ! pgrep -f "$1/pg/data" >/dev/null; then
            return
        fi
        sleep 0.2
    done
    ls -d "$1"
    pgrep -af "$1"
    return 1
}

started 'it starts and prints its lines' "$tap_work/log"
scratch=$(scratch_of "$(pgrep -P "$serve_pid" postgrest)")
{
    echo 'set -e'
    grep -E '^  (TOKEN=|curl )' "$tap_work/log" | sed -e 's/^  //' -e 's/^curl .*/&; echo/'
} >"$tap_work/lines"
ok 'every line runs' bash "$tap_work/lines"
bash "$tap_work/lines" >"$tap_work/answers" 2>&1 || true
for answer in 'a visitor sees services:"duration_minutes":' 'and free starts:"remaining":' 'the front desk signs in:"actor":"staff"' \
    'and reads patients:"mrn":' 'and appointments, counted:^Content-Range: 0-2/[0-9]+'; do
    ok "${answer%%:*}" grep -qE "${answer#*:}" "$tap_work/answers"
done
is 'a booked start is refused with 409, by the second line as by a repeated first' \
    "$(grep -cE '"code":"(slot_taken|patient_conflict)"' "$tap_work/answers")" 2
is 'a port that is taken is refused in one line' "$(PORT=$port "$top/tools/serve.sh" 2>&1 || true)" \
    "serve.sh: port $port is taken: choose another, as in make serve PORT=3001"
kill -TERM "$serve_pid"
wait "$serve_pid" || true
serve_pid=
ok 'after TERM nothing is left' gone "$scratch"

started 'it starts again' "$tap_work/log2"
scratch=$(scratch_of "$(pgrep -P "$serve_pid" postgrest)")
kill -KILL "$serve_pid"
serve_pid=
ok 'after KILL nothing is left' gone "$scratch"
