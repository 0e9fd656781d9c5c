#!/usr/bin/env bash
# Installs the Debian packages that a command needs and this machine misses.
#
#   tools/install_packages.sh [build|check|matrix]
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
            printf '%s\n' "postgresql-$1-pgtap"
        fi
    fi
    case $set_name in
        build) printf '%s\n' g++ make libssl-dev tzdata ;;
        check) printf '%s\n' g++ make libssl-dev tzdata cmake libgtest-dev clang clang-format libclang-rt-dev valgrind \
            perl python3 python3-dateutil libpq-dev shellcheck libc6-dbg ;;
        matrix) printf '%s\n' debootstrap ;;
        *) die "unknown set of packages \"$set_name\": build, check or matrix" ;;
    esac
}

missing_of() {
    local package
    for package in "$@"; do
        if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
            printf '%s\n' "$package"
        fi
    done
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o DPkg::Lock::Timeout=600 "$@"
}

# Debian creates and starts a cluster with each new server; a drop-in stops that for this one installation.
readonly drop_in=/etc/postgresql-common/createcluster.d/pg_clinic.conf

forbid_clusters() {
    as_root mkdir -p "$(dirname "$drop_in")"
    echo 'create_main_cluster = false' | as_root tee "$drop_in" >/dev/null
}

allow_clusters() {
    as_root rm -f "$drop_in"
}

install_missing() {
    local major missing log=build/log/apt.log
    mkdir -p build/log

    major=$(postgresql_major)
    if [[ -z $major ]]; then
        say 'packages: reading the package lists'
        quietly "$log" apt_get update
        lists_are_new=yes
        major=$(postgresql_major)
    fi
    if [[ -z $major || $major -lt 15 ]]; then
        die "this machine's Debian has no PostgreSQL 15 or newer: use Debian 12 or newer, or the packages of apt.postgresql.org"
    fi

    mapfile -t missing < <(mapfile -t wanted < <(wanted_packages "$major") && missing_of "${wanted[@]}")
    if ((${#missing[@]} == 0)); then
        return
    fi
    if ! may_become_root; then
        die "these Debian packages are missing and only root may install them: apt-get install ${missing[*]}"
    fi
    if [[ -z ${lists_are_new:-} ]]; then
        say 'packages: reading the package lists'
        quietly "$log" apt_get update
    fi
    say "packages: installing ${missing[*]}"
    trap allow_clusters EXIT
    forbid_clusters
    quietly "$log" apt_get install --no-install-recommends "${missing[@]}"
    allow_clusters
    trap - EXIT
}

main() {
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        if [[ $set_name == build ]] && (find_postgresql) 2>/dev/null && command -v g++ >/dev/null; then
            return
        fi
        die 'there is no apt here; install by hand: a C++20 compiler, make, PostgreSQL 15 or newer with its server headers and contrib (for the tests also cmake, GoogleTest, clang, valgrind, python3-dateutil, pgTAP), and set PG_CONFIG'
    fi
    # One installation at a time on this machine, whichever checkout asks.
    local lock=/tmp/pg_clinic.packages.lock
    if is_root; then
        lock=/run/lock/pg_clinic.packages.lock
        mkdir -p /run/lock
    fi
    exec 8>"$lock"
    flock 8
    install_missing
}

main
