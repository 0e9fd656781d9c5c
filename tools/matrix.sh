#!/usr/bin/env bash
# Builds without a warning and runs the regression and isolation tests against other PostgreSQL versions, each in a
# chroot of the Debian release that carries it:
#
#   tools/matrix.sh [17] [18]
#
# The chroots are kept in CLINIC_MATRIX_CACHE (default: ~/.cache/pg_clinic); remove them with rm -rf. They come from
# CLINIC_MIRROR (default: http://deb.debian.org/debian). Needs root, or sudo, and the right to mount.
set -euo pipefail
. "$(dirname "$0")/common.sh"

readonly cache=${CLINIC_MATRIX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pg_clinic}
readonly mirror=${CLINIC_MIRROR:-http://deb.debian.org/debian}

suite_of() {
    case $1 in
        15) echo bookworm ;;
        17) echo trixie ;;
        18) echo forky ;;
        *) die "no Debian release carries PostgreSQL $1: 15, 17 or 18" ;;
    esac
}

# Runs a command inside a chroot, in namespaces of its own: its mounts and its processes end with it.
inside() { # root, command...
    local root=$1
    shift
    as_root unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
        bash -c 'mount --rbind /dev "$0/dev" && exec chroot "$0" env -i HOME=/root TERM="${TERM:-dumb}" LC_ALL=C.UTF-8 \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' "$root" "$@"
}

# The packages of a build and test. The server headers are unpacked, not installed: their package would bring a
# gigabyte of clang and LLVM, which serves bitcode only.
make_root() { # root, suite, major
    local root=$1 suite=$2 major=$3 script=$2
    # An older debootstrap does not know the newest names; they are all built like sid.
    if [[ ! -e /usr/share/debootstrap/scripts/$script ]]; then
        script=sid
    fi
    as_root rm -rf --one-file-system "$root"
    as_root debootstrap --variant=minbase "$suite" "$root" "$mirror" "$script"
    # A kept or mirrored suite may be older than its index's date of expiry; the signature is checked all the same.
    echo 'Acquire::Check-Valid-Until "false";' | as_root tee "$root/etc/apt/apt.conf.d/90-kept" >/dev/null
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$root/usr/sbin/policy-rc.d" >/dev/null
    as_root chmod 755 "$root/usr/sbin/policy-rc.d"
    as_root mkdir -p "$root/etc/postgresql-common/createcluster.d"
    echo 'create_main_cluster = false' |
        as_root tee "$root/etc/postgresql-common/createcluster.d/pg_clinic.conf" >/dev/null
    inside "$root" env DEBIAN_FRONTEND=noninteractive bash -euxc '
        apt-get -q update
        apt-get -q -y install --no-install-recommends g++ make libssl-dev perl tzdata "postgresql-$0"
        # Where the old names of time zones are in a package of their own, the tests need it.
        if apt-cache show tzdata-legacy; then apt-get -q -y install --no-install-recommends tzdata-legacy; fi
        cd /tmp
        apt-get -q -o APT::Sandbox::User=root download "postgresql-server-dev-$0"
        dpkg-deb -x postgresql-server-dev-*.deb /
        rm postgresql-server-dev-*.deb
        apt-get clean' "$major"
    as_root touch "$root/.ready"
}

# Brings the checkout into the chroot and keeps what was built there last time.
copy_sources() { # root, directory
    as_root mkdir -p "$1$2"
    as_root find "$1$2" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    tar --exclude=./build --exclude=./.git --exclude='./*.so' -cf - . | as_root tar --no-same-owner -xf - -C "$1$2"
}

test_version() { # major
    local major=$1 suite root where log
    suite=$(suite_of "$major")
    root=$cache/$suite
    where=/src/$(printf '%s' "$top" | sha256sum | cut -c1-12)
    log=build/log/matrix-$major
    mkdir -p build/log

    exec 7>"$root.lock"
    flock 7
    if [[ ! -f $root/.ready ]]; then
        say "PostgreSQL $major: making a chroot of Debian $suite in $root"
        quietly "$log-chroot.log" make_root "$root" "$suite" "$major"
    fi
    say "PostgreSQL $major: building and testing"
    copy_sources "$root" "$where"
    if inside "$root" env PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" bash -c \
        'cd "$0" && tools/cluster.sh run tools/matrix.sh --inside' "$where" >"$log.log" 2>&1; then
        say "PostgreSQL $major: built without a warning; $(grep -cE '^ok |\.\.\. ok' "$log.log") tests passed"
    else
        tail -n 40 "$log.log" >&2
        say "PostgreSQL $major: FAILED; the whole output is in $log.log"
        return 1
    fi
    exec 7>&-
}

# What runs in the chroot, with a cluster started: the schema installs, then the tests.
test_inside() {
    createdb matrix
    psql -Xqd matrix -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION pg_clinic CASCADE' -c 'CALL clinic.install()' \
        -c 'SELECT clinic.version()'
    make --no-print-directory PG_CONFIG="$PG_CONFIG" installcheck
}

main() {
    local major status=0
    if ! may_become_root; then
        die 'chroots need root: run as root, or with sudo'
    fi
    if ! command -v debootstrap >/dev/null; then
        tools/install_packages.sh matrix
    fi
    if ! as_root unshare --mount true 2>/dev/null; then
        die 'this machine does not let even root mount inside a namespace; chroots need that'
    fi
    mkdir -p "$cache"
    for major in "$@"; do
        test_version "$major" || status=1
    done
    return "$status"
}

if [[ ${1:-} == --inside ]]; then
    test_inside
elif (($# == 0)); then
    main 17 18
else
    main "$@"
fi
