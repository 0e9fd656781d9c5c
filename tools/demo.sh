#!/usr/bin/env bash
# `make demo`: from a bare Debian machine to a clinic's week, in a cluster that vanishes afterwards.
set -euo pipefail
. "$(dirname "$0")/common.sh"

show() {
    say 'running examples/demo.sql'
    createdb demo
    PSQL_PAGER='' psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set VERBOSITY=default \
        --pset linestyle=unicode --pset border=2 --dbname demo --file examples/demo.sql
}

if [[ ${1:-} == --inside ]]; then
    show
else
    tools/install_packages.sh build
    tools/cluster.sh run tools/demo.sh --inside
    say 'done: the cluster is gone again. README.md tells how to install pg_clinic for good.'
fi
