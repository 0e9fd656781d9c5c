#!/usr/bin/env bash
# Nothing leaks sideways: what is encrypted or secret, and what names a patient, is looked for in every place that is not its own: logs, errors,
# pg_stat_statements, pg_stat_activity, notifications, planner statistics, the audit, dumps, the server's files. See test/support/leaks.py.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

# The log is as loud as it can be, but for the parameters. Statistics are gathered by hand.
# shellcheck disable=SC2089
PG_CLINIC_SETTINGS="shared_preload_libraries = 'pg_stat_statements, pg_clinic'
pg_stat_statements.track = all
pg_stat_statements.track_utility = off
log_statement = none
log_min_error_statement = error
log_min_duration_statement = 0
log_error_verbosity = verbose
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
track_activities = on
track_activity_query_size = 16kB
autovacuum = off
clinic.seal_export_file = '$tap_work/heads.jsonl'
clinic.seal_key_file = '$tap_work/seal.pem'"
# shellcheck disable=SC2090
export PG_CLINIC_SETTINGS
openssl genpkey -algorithm ed25519 -out "$tap_work/seal.pem" 2>/dev/null
chmod 600 "$tap_work/seal.pem"
touch "$tap_work/heads.jsonl"
if is_root; then
    chown postgres: "$tap_work/seal.pem" "$tap_work/heads.jsonl"
fi
new_cluster main
installed_database clinic
sql clinic 'CREATE EXTENSION pg_stat_statements' 'ALTER DATABASE clinic SET default_statistics_target = 1000'

python=/usr/bin/python3
[[ -x $python ]] || python=python3
while IFS=$'\t' read -r verdict description found; do
    case $verdict in
        ok) pass "$description" ;;
        'not ok') fail "$description" "$found" ;;
        *) fail "$verdict" "$description" ;;
    esac
done < <("$python" "$top/test/support/leaks.py" clinic "$tap_work/cluster_main" "$tap_work/heads.jsonl" 2>&1 || echo "the search did not come to its end")
