# shellcheck shell=bash
# What the tests in test/t share: results in TAP, clusters of their own, comparing catalogs. Sourced in strict mode.

# shellcheck source=tools/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../tools/common.sh"

tap_number=0
tap_failures=0
tap_work=$(mktemp -d /tmp/pg_clinic.XXXXXX)
tap_clusters=()
chmod 755 "$tap_work"
export PSQLRC=/dev/null PGOPTIONS='-c client_min_messages=warning'

pass() { # description
    tap_number=$((tap_number + 1))
    printf 'ok %d - %s\n' "$tap_number" "$1"
}

# A failed test, with what is known about it on standard input or as further arguments.
fail() { # description, diagnosis...
    tap_number=$((tap_number + 1))
    tap_failures=$((tap_failures + 1))
    printf 'not ok %d - %s\n' "$tap_number" "$1"
    shift
    printf '%s\n' "$@" | head -n 40 | sed 's/^/# /'
}

# The command succeeds.
ok() { # description, command...
    local description=$1 output
    shift
    if output=$("$@" 2>&1 </dev/null); then
        pass "$description"
    else
        fail "$description" "$output"
    fi
}

is() { # description, got, expected
    if [[ $2 == "$3" ]]; then
        pass "$1"
    else
        fail "$1" "got:      $2" "expected: $3"
    fi
}

same_files() { # description, got, expected (files or pipes)
    local difference
    if difference=$(diff -u "$3" "$2"); then
        pass "$1"
    else
        fail "$1" "$difference"
    fi
}

# The SQL is refused with this SQLSTATE, and what it says matches the pattern.
refused() { # description, SQLSTATE, pattern, database, SQL...
    local description=$1 state=$2 pattern=$3 output
    shift 3
    if output=$(sql "$@" 2>&1); then
        fail "$description" 'it succeeded' "$output"
    elif [[ $output =~ ERROR:\ \ $state: && $output =~ $pattern ]]; then
        pass "$description"
    else
        fail "$description" "$output" "expected: $state, $pattern"
    fi
}

# A background job succeeds.
job_ok() { # description, process, file with its output
    if wait "$2"; then
        pass "$1"
    else
        fail "$1" "$(cat "$3")"
    fi
}

# Runs SQL commands one after the other, as separate transactions; prints bare values.
sql() { # database, command...
    local database=$1 command arguments=()
    shift
    for command in "$@"; do
        arguments+=(-c "$command")
    done
    psql -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -d "$database" "${arguments[@]}"
}

# Everything that is ours in a database, as text that is equal for equal schemas.
snapshot() { # database, file
    psql -XqAt -v ON_ERROR_STOP=1 -d "$1" -f "$top/test/support/catalog_snapshot.sql" >"$2"
}

# Every row of every table of clinic_data.
rows_of() { # database, file
    psql -XqAt -v ON_ERROR_STOP=1 -d "$1" -f "$top/test/support/all_rows.sql" >"$2"
}

# Starts another cluster (its directory is cluster_NAME), which knows nothing of pg_clinic's roles, and turns to it.
new_cluster() { # name
    if [[ -z ${PG_CLINIC_STAGE:-} ]]; then
        "$top/tools/stage.sh" "$tap_work/stage" >&2
        export PG_CLINIC_STAGE=$tap_work/stage
    fi
    tap_clusters+=("$tap_work/cluster_$1")
    "$top/tools/cluster.sh" start "$tap_work/cluster_$1" --owner $$
    use_cluster "$1"
}

use_cluster() { # name
    eval "$("$top/tools/cluster.sh" env "$tap_work/cluster_$1")"
}

# A database with the schema installed.
installed_database() { # name
    createdb "$1"
    sql "$1" 'CREATE EXTENSION pg_clinic CASCADE' 'CALL clinic.install()'
}

tap_end() {
    local status=$? cluster
    for cluster in ${tap_clusters[@]+"${tap_clusters[@]}"}; do
        "$top/tools/cluster.sh" stop "$cluster" || true
    done
    rm -rf "$tap_work"
    if ((status == 0)); then
        printf '1..%d\n' "$tap_number"
        ((tap_failures == 0)) || exit 1
    fi
    exit "$status"
}
trap tap_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
