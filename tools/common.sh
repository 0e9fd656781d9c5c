# shellcheck shell=bash
# What the tools share: messages, rights, and the PostgreSQL in use. Sourced, from any directory, by bash in strict mode.

# The checkout's top directory; tools run from there.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
invoked_from=$PWD
cd "$top" || exit
export LC_ALL=C.UTF-8

# One line of progress, with the seconds since the tool began.
say() {
    printf '== %4ds  %s\n' "$SECONDS" "$*"
}

# One line that says what is wrong and what to do, and the end.
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# A path as the caller meant it, relative to where the tool was called.
absolute() {
    case $1 in
        /*) printf '%s\n' "$1" ;;
        *) printf '%s\n' "$invoked_from/$1" ;;
    esac
}

is_root() {
    [[ $(id -u) -eq 0 ]]
}

# Runs a command with root's rights. sudo may ask for a password when somebody sits at a terminal.
as_root() {
    if is_root; then
        "$@"
    elif [[ -t 0 ]]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

may_become_root() {
    is_root || { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; }
}

# Runs a command as the user who may run servers: PostgreSQL refuses to be root. That user may be unable to search this
# directory, so the command starts in the root directory.
as_server_user() {
    if is_root; then
        runuser -u postgres -- env -C / "$@"
    else
        "$@"
    fi
}

# Runs a command quietly: its output goes to the log, and to the terminal only when it goes wrong.
quietly() { # log, command...
    local log=$1 status=0
    shift
    mkdir -p "$(dirname "$log")"
    # Not `if ! command`: a condition would switch off errexit inside the command.
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1
    status=$?
    set -e
    if ((status != 0)); then
        tail -n 40 "$log" >&2
        die "this went wrong: $* (the whole output is in $log)"
    fi
}

# Runs a command while no other tool of this checkout builds.
while_building_alone() {
    mkdir -p build
    (
        flock 9
        "$@"
    ) 9>build/.lock
}

# The major version of a pg_config, or nothing.
major_of() {
    "$1" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9][0-9]*\).*/\1/p'
}

# Sets PG_CONFIG and pg_major: the caller's choice, or the newest PostgreSQL of this machine whose server headers and
# server are both there.
find_postgresql() {
    local candidate candidates
    if [[ -n ${PG_CONFIG:-} && $PG_CONFIG != pg_config ]]; then
        candidates=("$PG_CONFIG")
    else
        mapfile -t candidates < <(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV)
        candidates+=(pg_config)
    fi
    for candidate in "${candidates[@]}"; do
        pg_major=$(major_of "$candidate")
        if [[ -n $pg_major && $pg_major -ge 15 && -f $("$candidate" --pgxs) && -x $("$candidate" --bindir)/postgres ]]; then
            PG_CONFIG=$(command -v "$candidate")
            export PG_CONFIG
            return
        fi
    done
    if [[ -n ${PG_CONFIG:-} && $PG_CONFIG != pg_config ]]; then
        die "PG_CONFIG=$PG_CONFIG is not the pg_config of a PostgreSQL 15 or newer with server and server headers: install the Debian packages postgresql-15 and postgresql-server-dev-15 (or newer), or set PG_CONFIG otherwise"
    fi
    die "no PostgreSQL 15 or newer with its server headers here: install the Debian packages postgresql-15 and postgresql-server-dev-15 (or newer), or set PG_CONFIG"
}
