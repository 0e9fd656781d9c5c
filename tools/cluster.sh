#!/usr/bin/env bash
# Throw-away clusters: their own directory, their own socket, no network, run by the user postgres.
#
#   tools/cluster.sh run COMMAND...          builds and stages the extension, starts a cluster, runs the command with PGHOST,
#                                            PGPORT, PGUSER and PATH set, stops the cluster and removes every trace
#   tools/cluster.sh start DIR [--owner PID [SCRATCH]]
#                                            makes and starts a cluster in DIR, or starts the one that is there; when the
#                                            process PID ends, it is stopped and removed, and SCRATCH with it
#   tools/cluster.sh restart DIR             stops it fast and starts it again
#   tools/cluster.sh halt DIR                stops it fast and keeps the data; start starts it again
#   tools/cluster.sh crash DIR               stops it as a power failure would, and keeps the data
#   tools/cluster.sh stop DIR                stops it and removes DIR
#   tools/cluster.sh env DIR                 prints the settings for `eval`
#
# PG_CLINIC_STAGE names a stage to use (tools/stage.sh); without it, the PostgreSQL of PG_CONFIG runs as it is.
# PG_CLINIC_DURABLE=1 keeps fsync on. PG_CLINIC_SETTINGS holds further lines for postgresql.conf.
set -euo pipefail
. "$(dirname "$0")/common.sh"

programs() {
    if [[ -n ${PG_CLINIC_STAGE:-} ]]; then
        printf '%s\n' "$PG_CLINIC_STAGE/bin"
    else
        find_postgresql
        "$PG_CONFIG" --bindir
    fi
}

# A socket's path may not be longer than about a hundred bytes, hence /tmp and not TMPDIR.
new_directory() {
    mktemp -d /tmp/pg_clinic.XXXXXX
}

start() { # DIR [--owner PID [SCRATCH]]
    local dir=$1 bin port
    mkdir -p "$dir"
    # A cluster that is there starts again with the programs that made it.
    if [[ -z ${PG_CLINIC_STAGE:-} && -f $dir/programs ]]; then
        bin=$(cat "$dir/programs")
    else
        bin=$(programs)
    fi
    if [[ ! -d $dir/data ]]; then
        if is_root; then
            chown postgres: "$dir"
            as_server_user test -w "$dir" ||
                die "the user postgres cannot reach $dir: let everyone search its parent directories (chmod 711)"
        fi
        # A master key of its own, for encrypted fields.
        as_server_user sh -c 'umask 077 && printf "test %s\n" "$(od -An -v -tx1 -N32 /dev/urandom | tr -d " \n")" >"$1"' sh "$dir/master.keys"
        # The port only names the socket, which no other cluster shares.
        port=$((20000 + RANDOM))
        as_server_user "$bin/initdb" --pgdata "$dir/data" --username postgres --encoding UTF8 --locale C.UTF-8 \
            --auth trust --no-sync >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; die "initdb in $dir went wrong"; }
        {
            printf "listen_addresses = ''\nunix_socket_directories = '%s'\nport = %d\n" "$dir" "$port"
            printf "log_line_prefix = '%%m [%%p] %%q%%u@%%d '\nmax_connections = 200\njit = off\n"
            # What runs in the background by chance would be in the way of what tests look at.
            printf 'autovacuum_naptime = 1h\n'
            printf "clinic.master_key_file = '%s'\n" "$dir/master.keys"
            if [[ ${PG_CLINIC_DURABLE:-} != 1 ]]; then
                printf 'fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n'
            fi
            printf '%s\n' "${PG_CLINIC_SETTINGS:-}"
        } | as_server_user tee -a "$dir/data/postgresql.conf" >/dev/null
        echo "$bin" >"$dir/programs"
    fi
    if [[ ${2:-} == --owner ]]; then
        watch_owner "$dir" "$3" "${4:-$dir}"
    fi
    as_server_user "$bin/pg_ctl" --pgdata "$dir/data" --wait --silent --log "$dir/server.log" start ||
        { tail -n 20 "$dir/server.log" >&2; die "the server in $dir did not start"; }
}

# Stops the cluster when the owner is gone, even if it was killed and its traps never ran.
watch_owner() { # DIR, PID, SCRATCH
    (
        exec </dev/null >/dev/null 2>&1 8>&- 9>&-
        tail --pid="$2" -f /dev/null
        if [[ -d $1/data ]]; then
            stop "$1"
        fi
        rm -rf "$3"
    ) &
    disown
}

halt() { # DIR, mode
    local dir=$1
    if [[ -f $dir/data/postmaster.pid ]]; then
        as_server_user "$(cat "$dir/programs")/pg_ctl" --pgdata "$dir/data" --wait --silent --mode "$2" stop || true
    fi
}

stop() { # DIR
    halt "$1" fast
    rm -rf "$1"
}

environment() { # DIR
    printf 'export PGHOST=%q PGPORT=%q PGUSER=postgres PGDATABASE=postgres PATH=%q:"$PATH"\n' "$1" \
        "$(sed -n 's/^port = //p' "$1/data/postgresql.conf" | tail -n 1)" "$(cat "$1/programs")"
}

run() { # COMMAND...
    local status=0
    work=$(new_directory)
    chmod 755 "$work"
    trap 'stop "$work/pg" 2>/dev/null || true; rm -rf "$work"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    if [[ -z ${PG_CLINIC_STAGE:-} ]]; then
        say "building pg_clinic ($(find src -name '*.cpp' | wc -l) source files; nothing to do when they are unchanged)"
        tools/stage.sh "$work/stage"
        export PG_CLINIC_STAGE=$work/stage
    fi
    say "starting a throw-away cluster in $work/pg"
    start "$work/pg" --owner $$ "$work"
    eval "$(environment "$work/pg")"
    export PG_CLINIC_CLUSTER=$work/pg
    "$@" || status=$?
    say 'stopping the cluster'
    return "$status"
}

main() {
    local action=${1:-help} dir
    shift || true
    if [[ $action != run && $# -gt 0 ]]; then
        dir=$(absolute "$1")
        set -- "$dir" "${@:2}"
    fi
    case $action in
        run) run "$@" ;;
        start) start "$@" ;;
        restart) halt "$1" fast && start "$1" ;;
        halt) halt "$1" fast ;;
        crash) halt "$1" immediate ;;
        stop) stop "$1" ;;
        env) environment "$1" ;;
        *) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" ;;
    esac
}

main "$@"
