#!/usr/bin/env bash
# Backups by the real tools come back whole in a cluster that has never heard of pg_clinic, and losing the extension loses no row.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

# An ordinary user sees no row without a context, whatever the state of the extension.
sees_nothing() { # description, database
    is "$1" "$(sql "$2" 'BEGIN' 'CREATE ROLE ordinary' 'GRANT USAGE ON SCHEMA clinic_data TO ordinary' \
        'GRANT SELECT ON ALL TABLES IN SCHEMA clinic_data TO ordinary' 'SET ROLE ordinary' \
        'SELECT (SELECT count(*) FROM clinic_data.patients) + (SELECT count(*) FROM clinic_data.claims) + (SELECT count(*) FROM clinic_data.tenants)' \
        'ROLLBACK')" 0
}

same_database() { # description, database
    snapshot "$2" "$tap_work/got" && rows_of "$2" "$tap_work/got_rows"
    same_files "$1: the same definitions, owners and rights" "$tap_work/got" "$tap_work/expected"
    same_files "$1: the same rows" "$tap_work/got_rows" "$tap_work/expected_rows"
    sql "$2" 'CALL clinic.install()'
    snapshot "$2" "$tap_work/got"
    same_files "$1: nothing is left for install() to mend" "$tap_work/got" "$tap_work/expected"
}

# --- the source
new_cluster source
installed_database diary
psql -Xq -v ON_ERROR_STOP=1 -d diary -f "$top/test/support/seed_small.sql"
sql diary 'ALTER TABLE clinic_data.patients ADD COLUMN nickname text' \
    "COMMENT ON COLUMN clinic_data.patients.nickname IS 'added by a user'" \
    "UPDATE clinic_data.patients SET nickname = 'n' WHERE mrn = 'L-1'" \
    'CREATE INDEX patients_nickname_idx ON clinic_data.patients (tenant_id, nickname)' \
    'CREATE POLICY mine ON clinic_data.blocks AS RESTRICTIVE FOR SELECT TO clinic_anon USING (false)' \
    'GRANT SELECT ON clinic.services TO clinic_anon' \
    'CREATE SCHEMA mine' 'CREATE VIEW mine.names AS SELECT tenant_id, patient_name FROM clinic.appointments'
snapshot diary "$tap_work/expected" && rows_of diary "$tap_work/expected_rows"
is 'every table has rows to compare' "$(grep -o '^clinic_data\.[a-z_]*' "$tap_work/expected_rows" | sort -u | wc -l)" \
    "$(sql diary "SELECT count(*) FROM pg_class WHERE relnamespace = 'clinic_data'::regnamespace AND relkind IN ('r', 'p', 'S')")"

ok 'pg_dump as SQL' pg_dump -f "$tap_work/diary.sql" diary
ok 'pg_dump as an archive' pg_dump -Fc -f "$tap_work/diary.dump" diary
ok 'pg_dump -n clinic_data' pg_dump -n clinic_data -f "$tap_work/data.sql" diary
is 'the dump carries no code' "$(grep -c '^CREATE FUNCTION\|^CREATE PROCEDURE' "$tap_work/diary.sql")" 0

sql diary 'CREATE ROLE backup LOGIN IN ROLE pg_read_all_data'
if pg_dump -U backup -f "$tap_work/partial.sql" diary 2>"$tap_work/partial.log"; then
    fail 'a backup that row security would thin out is refused' "$(wc -l "$tap_work/partial.sql")"
else
    pass 'a backup that row security would thin out is refused'
fi
sql diary 'ALTER ROLE backup BYPASSRLS'
ok 'a role with pg_read_all_data and BYPASSRLS may back up' pg_dump -U backup -f "$tap_work/backup.sql" diary
same_files 'and its backup is the same' <(grep -v '^.\(un\)\?restrict' "$tap_work/backup.sql") \
    <(grep -v '^.\(un\)\?restrict' "$tap_work/diary.sql")

# --- the whole database
new_cluster plain
createdb diary
ok 'psql -1 restores into a cluster without our roles' psql -Xq -1 -v ON_ERROR_STOP=1 -d diary -f "$tap_work/diary.sql"
same_database 'psql -1' diary
sees_nothing 'psql -1: an ordinary user sees nothing' diary
ok 'psql -1: the views of users work' sql diary 'SELECT * FROM mine.names'

new_cluster archive
createdb diary
ok 'pg_restore -e -j4 restores into a cluster without our roles' pg_restore -e -j4 -d diary "$tap_work/diary.dump"
same_database 'pg_restore -j4' diary

# --- the data alone
new_cluster data
createdb without
if psql -Xq -1 -v ON_ERROR_STOP=1 -d without -f "$tap_work/data.sql" >/dev/null 2>&1; then
    fail 'the data alone does not restore without the extension' 'it did'
else
    pass 'the data alone does not restore without the extension'
fi
createdb diary
sql diary 'CREATE EXTENSION pg_clinic CASCADE'
ok 'the data alone restores after CREATE EXTENSION' psql -Xq -1 -v ON_ERROR_STOP=1 -d diary -f "$tap_work/data.sql"
ok 'install() adds what the data alone lacks' sql diary 'CALL clinic.install()'
sql diary 'GRANT SELECT ON clinic.services TO clinic_anon'
same_database 'the data alone' diary

# A dump without owners and rights, as hosted services like them.
use_cluster source
pg_dump -n clinic_data --no-owner --no-privileges -f "$tap_work/bare.sql" diary
use_cluster data
createdb bare
sql bare 'CREATE EXTENSION pg_clinic CASCADE'
ok 'the data alone, without owners and rights, restores' psql -Xq -1 -v ON_ERROR_STOP=1 -d bare -f "$tap_work/bare.sql"
ok 'install() gives owners and rights back' sql bare 'CALL clinic.install()'
sql bare 'GRANT SELECT ON clinic.services TO clinic_anon'
same_database 'the bare data' bare

# Rows alone, into an installed schema.
use_cluster source
pg_dump --data-only --disable-triggers -n clinic_data -T clinic_data.schema_migrations -f "$tap_work/rows.sql" diary 2>"$tap_work/rows.log"
use_cluster data
installed_database rows
sql rows 'ALTER TABLE clinic_data.patients ADD COLUMN nickname text'
ok 'rows alone restore into an installed schema' psql -Xq -1 -v ON_ERROR_STOP=1 -d rows -f "$tap_work/rows.sql"
rows_of rows "$tap_work/got_rows"
same_files 'and are the same' <(grep -v '^clinic_data.schema_migrations' "$tap_work/got_rows") \
    <(grep -v '^clinic_data.schema_migrations' "$tap_work/expected_rows")

# --- a schema owned by a role of its own
use_cluster source
createdb owned
sql owned 'CREATE EXTENSION pg_clinic CASCADE' 'CREATE ROLE dba LOGIN' 'GRANT clinic_owner TO dba' \
    'GRANT CREATE ON DATABASE owned TO dba' 'SET SESSION AUTHORIZATION dba' 'CALL clinic.install()'
psql -Xq -v ON_ERROR_STOP=1 -d owned -f "$top/test/support/seed_small.sql"
snapshot owned "$tap_work/expected" && rows_of owned "$tap_work/expected_rows"
pg_dumpall --roles-only -f "$tap_work/roles.sql"
pg_dump -f "$tap_work/owned.sql" owned
new_cluster owned
createdb owned
psql -Xq -d postgres -f "$tap_work/roles.sql" >/dev/null 2>&1
ok 'with the roles restored first, a schema of another owner restores' \
    psql -Xq -1 -v ON_ERROR_STOP=1 -d owned -f "$tap_work/owned.sql"
same_database 'a schema of another owner' owned

# --- losing the extension
use_cluster source
sql diary 'DROP SCHEMA mine CASCADE'
snapshot diary "$tap_work/expected" && rows_of diary "$tap_work/expected_rows"
refused 'DROP EXTENSION is refused while there is a schema' 2BP01 'other objects depend on it' diary 'DROP EXTENSION pg_clinic'
ok 'DROP EXTENSION ... CASCADE is not' sql diary 'DROP EXTENSION pg_clinic CASCADE'
rows_of diary "$tap_work/got_rows"
same_files 'every row is still there' "$tap_work/got_rows" "$tap_work/expected_rows"
sees_nothing 'and nobody can read one' diary
is 'row security is still forced on every table' \
    "$(sql diary "SELECT bool_and(relrowsecurity AND relforcerowsecurity) FROM pg_class WHERE relnamespace = 'clinic_data'::regnamespace AND relkind = 'r'")" t
ok 'CREATE EXTENSION again' sql diary 'CREATE EXTENSION pg_clinic'
ok 'install() again' sql diary 'CALL clinic.install()'
same_database 'after the loss' diary
ok 'a database without our schema lets the extension go' \
    sql postgres 'CREATE EXTENSION pg_clinic CASCADE' 'DROP EXTENSION pg_clinic'
