#!/usr/bin/env bash
# Writes the reference of the errors from their catalogue, clinic.error_codes().
#
#   tools/error_reference.sh [FILE]             builds, installs into a throw-away cluster, writes FILE (docs/errors.md)
#   tools/error_reference.sh --print DATABASE   prints it for a database of the running server
set -euo pipefail
. "$(dirname "$0")/common.sh"

if [[ ${1:-} == --print ]]; then
    psql -XqAtd "${2:?a database}" -v ON_ERROR_STOP=1 -P pager=off -f tools/error_reference.sql
    exit
fi
file=${1:-docs/errors.md}
# shellcheck disable=SC2016 # for the shell in the cluster
tools/cluster.sh run bash -c '
    set -euo pipefail
    createdb errors
    psql -Xqd errors -v ON_ERROR_STOP=1 -c "SET client_min_messages = warning" -c "CREATE EXTENSION pg_clinic CASCADE"
    tools/error_reference.sh --print errors >"$1.new"
    mv "$1.new" "$1"
' bash "$file"
