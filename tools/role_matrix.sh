#!/usr/bin/env bash
# Writes the matrix of shipped roles and functions from tools/function_permissions.sql.
#
#   tools/role_matrix.sh [FILE]             builds, installs into a throw-away cluster, writes FILE (docs/role_matrix.md)
#   tools/role_matrix.sh --print DATABASE   prints it for a database of the running server
set -euo pipefail
. "$(dirname "$0")/common.sh"

if [[ ${1:-} == --print ]]; then
    psql -XqAtd "${2:?a database}" -v ON_ERROR_STOP=1 -P pager=off -f tools/role_matrix.sql -c 'SELECT pg_temp.role_matrix_text()'
    exit
fi
file=${1:-docs/role_matrix.md}
# shellcheck disable=SC2016 # for the shell in the cluster
tools/cluster.sh run bash -c '
    set -euo pipefail
    createdb matrix
    psql -Xqd matrix -v ON_ERROR_STOP=1 -c "SET client_min_messages = warning" -c "CREATE EXTENSION pg_clinic CASCADE" -c "CALL clinic.install()"
    tools/role_matrix.sh --print matrix >"$1.new"
    mv "$1.new" "$1"
' bash "$file"
