#!/usr/bin/env bash
# What the API reads at size: every function, and the views with the filters that are usual, on a hundred and twenty thousand appointments of four tenants, as
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
tools/generate.py --tenants 4 --providers 40 --appointments 120000 diary | sed 's/^/# /'
snapshot diary "$tap_work/after"
partitions='_20[0-9][0-9]_[01][0-9]'
same_files 'the generator leaves the schema as it was' <(grep -v "$partitions" "$tap_work/after") <(grep -v "$partitions" "$tap_work/before")
is 'the diary of every tenant is sound' \
    "$(for t in {1..4}; do sql diary BEGIN "DO \$\$ BEGIN PERFORM clinic.use_tenant('load-$t'); END \$\$" 'SELECT * FROM clinic.check_integrity()' COMMIT; done)" ''

sql postgres 'CREATE ROLE plans_root LOGIN IN ROLE clinic_user' 'CREATE ROLE plans_doctor LOGIN IN ROLE clinic_user' 'CREATE ROLE plans_patient LOGIN IN ROLE clinic_user'
# A copy of a database, the plans of whose statements are logged.
logged() { # name, template
    local setting
    createdb -T "$2" "$1"
    for setting in "session_preload_libraries = 'auto_explain'" 'auto_explain.log_min_duration = 0' 'auto_explain.log_nested_statements = on' \
        'auto_explain.log_analyze = on' 'auto_explain.log_timing = off' 'auto_explain.log_format = json'; do
        sql postgres "ALTER DATABASE $1 SET $setting"
    done
}
# Takes over what another program says in TAP.
take() { # command...
    local line
    while IFS= read -r line; do
        case $line in
            'ok - '*) pass "${line#ok - }" ;;
            'not ok - '*) fail "${line#not ok - }" ;;
            *) printf '%s\n' "$line" ;;
        esac
    done < <("$@" 2>&1 || printf '# ended with %d\n' $?)
}

logged plans diary
take "$top/test/support/plans.py" plans 4
dropdb plans

# What is looked at is seen: without its indexes a day of a branch is named.
logged blind diary
sql blind 'DROP INDEX clinic_data.appointments_starts_at_idx, clinic_data.appointments_location_id_idx'
seen=$("$top/test/support/plans.py" blind 4 'appointments of a day of a branch' get_appointment || true)
is 'without its indexes, a view that reads all of a tenant is named with its scan' \
    "$(grep -A 1 '^not ok - appointments of a day of a branch reads' <<<"$seen" | grep -cE 'Scan on appointments|rows of appointments' || true)" 1
is 'and what reads by the key is not' "$(grep -c '^not ok - get_appointment' <<<"$seen" || true)" 0
