#!/usr/bin/env bash
# `make bench`: installs what the comparisons need, and runs the benchmarks.
#
#   tools/bench.sh [OPTION...]       options of bench/run
#
# Peers are Debian packages and, under build/bench/npm, packages of npm with a lock file. What cannot be had is left out of the run with
# a line.
set -euo pipefail
. "$(dirname "$0")/common.sh"

install_peers() {
    # Not npm ci, which wants builds of every platform in the lock file. One chain: within `||` the shell does not stop at a command that fails.
    rm -rf build/bench/npm && mkdir -p build/bench/npm &&
        cp bench/peers/package.json bench/peers/package-lock.json build/bench/npm/ &&
        npm install --prefix build/bench/npm --no-audit --no-fund && touch build/bench/npm/complete
}

main() {
    tools/install_packages.sh check
    (tools/install_packages.sh bench) || say 'some packages of the comparisons are missing; what needs them is left out'
    if command -v npm >/dev/null && ! { [[ -f build/bench/npm/complete ]] && cmp -s bench/peers/package-lock.json build/bench/npm/package-lock.json; }; then
        say 'installing the libraries to compare with from npm, under build/bench'
        (quietly build/log/bench-npm.log install_peers) || say 'npm does not bring them; they are left out'
    fi
    exec bench/run "$@"
}

main "$@"
