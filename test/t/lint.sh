#!/usr/bin/env bash
# Settings that clinic.lint() finds in the server's files: its statements run as they stand, and after a restart nothing is left.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

# shellcheck disable=SC2089 # lines of a file, not words of a shell
PG_CLINIC_SETTINGS="listen_addresses = '127.0.0.2'
shared_preload_libraries = 'auto_explain, pg_stat_statements'
auto_explain.log_min_duration = 0
clinic.clock = '2027-03-01 06:00Z'
log_statement = all
log_min_duration_statement = 100
log_parameter_max_length_on_error = -1
password_encryption = md5
session_replication_role = replica"
# shellcheck disable=SC2090
export PG_CLINIC_SETTINGS
# A client's own settings would hide the server's.
unset PGOPTIONS
new_cluster lint
installed_database diary >/dev/null 2>&1

# In a session of their own, since a superuser's plans would be there already.
sql diary 'CREATE ROLE plain_admin LOGIN IN ROLE clinic_admin'
is 'administrators may ask, who cannot look into the private schema' "$(psql -XAtU plain_admin -d diary -c 'SELECT count(*) > 0 FROM clinic.lint()' 2>&1)" t
sql diary 'DROP ROLE plain_admin'

findings="SELECT l.severity || ' ' || l.rule || ' ' || l.object FROM clinic.lint() l ORDER BY l.severity, l.rule, l.object COLLATE \"C\""
is 'every setting that the files give is found' "$(sql diary "$findings")" 'error frozen_clock clinic.clock
error setting_switches_off session_replication_role
info setting_leaks log_parameter_max_length
warning connection_open_text ssl
warning not_preloaded shared_preload_libraries
warning setting_leaks auto_explain.log_min_duration
warning setting_leaks log_error_verbosity
warning setting_leaks log_min_duration_statement
warning setting_leaks log_min_error_statement
warning setting_leaks log_parameter_max_length_on_error
warning setting_leaks log_statement
warning setting_leaks pg_stat_statements.track_utility
warning setting_loses_data fsync
warning setting_loses_data full_page_writes
warning setting_seal_key clinic.seal_key_file
warning setting_weak password_encryption'

# ssl needs a certificate, without which the server would not start again; the seal needs a key to be made.
sql diary "SELECT l.fix FROM clinic.lint() l WHERE l.object NOT IN ('ssl', 'clinic.seal_key_file')" >"$tap_work/fixes.sql"
ok 'what mends them runs as it stands' psql -Xqd diary -v ON_ERROR_STOP=1 -f "$tap_work/fixes.sql"
"$top/tools/cluster.sh" restart "${tap_clusters[0]}"
is 'after a restart only the missing certificate and key are left' "$(sql diary "$findings")" 'warning connection_open_text ssl
warning setting_seal_key clinic.seal_key_file'
is 'what was preloaded before still is' "$(sql diary 'SHOW shared_preload_libraries')" 'auto_explain, pg_stat_statements, pg_clinic'

createdb empty
sql empty 'CREATE EXTENSION pg_clinic CASCADE' >/dev/null 2>&1
is 'a database without the schema is told so' "$(sql empty "$findings")" 'error schema_not_installed clinic_data
warning connection_open_text ssl
warning setting_seal_key clinic.seal_key_file'
