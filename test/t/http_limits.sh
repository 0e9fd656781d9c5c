#!/usr/bin/env bash
# Rate limits over HTTP: the tests of test/http/preloaded in a server that has preloaded the library.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(mktemp -d /tmp/pg_clinic.XXXXXX)
PG_CLINIC_SETTINGS="shared_preload_libraries = 'pg_clinic'
clinic.rate_limit_burst = ''" tools/cluster.sh start "$dir" --owner $$
eval "$(tools/cluster.sh env "$dir")"
status=0
HTTP_TESTS=test/http/preloaded test/http/run.sh || status=$?
tools/cluster.sh stop "$dir"
exit "$status"
