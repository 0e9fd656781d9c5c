#!/usr/bin/env bash
# What the API reads at size: every function, and the views with the filters that are usual, on a hundred thousand appointments of ten tenants, as
# ordinary logins under row security. No scan of a table that grows with history is sequential, or reads more than it needs.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

export PG_CLINIC_SETTINGS="shared_buffers = 256MB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 8GB
wal_level = minimal
max_wal_senders = 0
autovacuum = off
logging_collector = on
log_destination = jsonlog
log_rotation_size = 0"
new_cluster main
installed_database diary >/dev/null 2>&1
snapshot diary "$tap_work/before"
tools/generate.py --tenants 10 --providers 50 --appointments 100000 diary | sed 's/^/# /'
snapshot diary "$tap_work/after"
partitions='_20[0-9][0-9]_[01][0-9]'
same_files 'the generator leaves the schema as it was' <(grep -v "$partitions" "$tap_work/after") <(grep -v "$partitions" "$tap_work/before")
is 'the diary of every tenant is sound' \
    "$(for t in {1..10}; do sql diary BEGIN "DO \$\$ BEGIN PERFORM clinic.use_tenant('load-$t'); END \$\$" 'SELECT * FROM clinic.check_integrity()' COMMIT; done)" ''

sql postgres 'CREATE ROLE plans_root LOGIN IN ROLE clinic_user' 'CREATE ROLE plans_doctor LOGIN IN ROLE clinic_user' 'CREATE ROLE plans_patient LOGIN IN ROLE clinic_user'
sql postgres "ALTER DATABASE diary SET session_preload_libraries = 'auto_explain'" 'ALTER DATABASE diary SET auto_explain.log_min_duration = 0' \
    'ALTER DATABASE diary SET auto_explain.log_nested_statements = on' 'ALTER DATABASE diary SET auto_explain.log_analyze = on' \
    'ALTER DATABASE diary SET auto_explain.log_timing = off' "ALTER DATABASE diary SET auto_explain.log_format = 'json'"
