#!/usr/bin/env bash
# Installs the Debian packages that a command needs and this machine misses.
#
#   tools/install_packages.sh [build|check|bench|serve|matrix]
#
# Existing packages are not upgraded, and no database cluster is created or started.
set -euo pipefail
. "$(dirname "$0")/common.sh"

readonly set_name=${1:-build}

# The PostgreSQL to use: one that is installed with its headers, else any server that is installed, else the suite's own.
postgresql_major() {
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 'postgresql-[0-9]*' 'postgresql-server-dev-[0-9]*' 2>/dev/null |
        sed -n 's/^ii *postgresql-\(server-dev-\)\{0,1\}\([0-9][0-9]*\)$/\2/p' | sort -n | uniq -c |
        awk '$2 >= 15 && $1 >= most { most = $1; major = $2 } END { print major }')
    if [[ -z $installed ]]; then
        installed=$(apt-cache policy postgresql 2>/dev/null | sed -n 's/^ *Candidate: \([0-9][0-9]*\)[+].*/\1/p')
    fi
    printf '%s\n' "$installed"
}

# The packages of the set, one a line.
wanted_packages() { # major
    if [[ $set_name != matrix && (-z ${PG_CONFIG:-} || $PG_CONFIG == pg_config) ]]; then
        printf '%s\n' "postgresql-$1" "postgresql-server-dev-$1"
        if [[ $set_name == check ]]; then
            printf '%s\n' "postgresql-$1-pgtap" "postgresql-$1-cron"
        fi
    fi
    # From Debian 13 on the old names of time zones are in a package of their own; the tests use some.
    if [[ $set_name == check ]] && apt-cache show tzdata-legacy >/dev/null 2>&1; then
        echo tzdata-legacy
    fi
    case $set_name in
        build) printf '%s\n' g++ make libssl-dev tzdata ;;
        check) printf '%s\n' g++ make libssl-dev tzdata cmake libgtest-dev clang clang-format libclang-rt-dev valgrind \
            perl python3 python3-dateutil libpq-dev shellcheck libc6-dbg openssl curl pgbouncer ;;
        bench) printf '%s\n' g++ make libssl-dev tzdata openssl python3 python3-dateutil libical-dev "postgresql-$1-pgaudit" ;;
        serve) printf '%s\n' g++ make libssl-dev tzdata openssl curl ;;
        matrix) printf '%s\n' debootstrap ;;
        *) die "unknown set of packages \"$set_name\": build, check, bench, serve or matrix" ;;
    esac
    # PostgREST comes by npm, the tests over HTTP run in node; from wherever both are.
    if [[ $set_name == check || $set_name == bench || $set_name == serve ]] && ! { command -v node && command -v npm; } >/dev/null; then
        printf '%s\n' nodejs npm
    fi
}

missing_of() {
    local package
    for package in "$@"; do
        if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
            printf '%s\n' "$package"
        fi
    done
}

# Runs a command as root, one at a time on this machine, whichever checkout asks.
as_root_alone() {
    as_root mkdir -p /run/lock
    as_root flock /run/lock/pg_clinic.packages env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
}

read_lists() {
    if [[ -z ${lists_are_read:-} ]]; then
        say 'packages: reading the package lists'
        # A foreign archive out of order is no reason to stop: the installation will tell what is truly missing.
        as_root_alone apt-get -q update >build/log/apt-update.log 2>&1 || true
        lists_are_read=yes
    fi
}

# Debian creates and starts a cluster with each new server; a drop-in stops that during this one installation.
install_packages() {
    as_root_alone bash -euc '
        drop_in=/etc/postgresql-common/createcluster.d/pg_clinic.conf
        mkdir -p "${drop_in%/*}"
        trap "rm -f $drop_in" EXIT
        echo "create_main_cluster = false" >"$drop_in"
        apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends --no-upgrade "$@"' install "$@"
}

install_missing() {
    local major missing
    mkdir -p build/log

    major=$(postgresql_major)
    if [[ -z $major ]] && may_become_root; then
        read_lists
        major=$(postgresql_major)
    fi
    if [[ -z $major ]]; then
        die 'this Debian offers no PostgreSQL here: run apt-get update as root, then install postgresql and postgresql-server-dev-all'
    fi
    if ((major < 15)); then
        die "this Debian's PostgreSQL is $major, and pg_clinic needs 15 or newer: use Debian 12, or install postgresql-15 and postgresql-server-dev-15 from apt.postgresql.org"
    fi

    mapfile -t missing < <(mapfile -t wanted < <(wanted_packages "$major") && missing_of "${wanted[@]}")
    if ((${#missing[@]} == 0)); then
        return
    fi
    if ! may_become_root; then
        die "these Debian packages are missing, and only root may install them: apt-get install ${missing[*]}"
    fi
    read_lists
    say "packages: installing ${missing[*]}"
    quietly build/log/apt.log install_packages "${missing[@]}"
}

main() {
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        # A system of another kind that has what it takes.
        if (find_postgresql) 2>/dev/null && command -v g++ >/dev/null &&
            { [[ $set_name == build ]] || command -v cmake clang++ valgrind >/dev/null; }; then
            return
        fi
        die 'there is no apt here; install by hand: a C++20 compiler, make, PostgreSQL 15 or newer with its server headers and contrib (for the tests also cmake, GoogleTest, clang, valgrind, python3-dateutil, pgTAP), and set PG_CONFIG'
    fi
    install_missing
}

main
