#!/usr/bin/env bash
# clinic.install() and clinic.migrate(): what they make, that a second call changes nothing, what they refuse, what they mend.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

# What a second call must leave alone: the identity of every object.
identities() { # database, file
    sql "$1" "SELECT 'c', c.oid, c.relname, c.relfilenode FROM pg_class c WHERE c.relnamespace IN ('clinic'::regnamespace, 'clinic_data'::regnamespace)
              UNION ALL SELECT 'p', p.oid, p.polname, NULL FROM pg_policy p
              UNION ALL SELECT 'k', k.oid, k.conname, NULL FROM pg_constraint k WHERE k.connamespace = 'clinic_data'::regnamespace
              UNION ALL SELECT 'a', d.oid, d.adrelid::regclass || '.' || d.adnum, NULL FROM pg_attrdef d
              UNION ALL SELECT 't', t.oid, t.tgname, NULL FROM pg_trigger t
              UNION ALL SELECT 'r', r.oid, r.rulename, NULL FROM pg_rewrite r WHERE r.oid >= 16384
              ORDER BY 1, 2" >"$2"
}

# Adds a pending migration to the extension, as a later version would.
add_migration() { # database, number, body
    sql "$1" "CREATE PROCEDURE clinic_private.migration_$2() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS \$m\$ BEGIN $3 END \$m\$" \
        "GRANT EXECUTE ON PROCEDURE clinic_private.migration_$2() TO clinic_owner" \
        "DO \$d\$ BEGIN
             EXECUTE regexp_replace(pg_get_functiondef('clinic_private.migrations()'::regprocedure), 'VALUES ', 'VALUES ($2, ''later'', ''sum''), ');
         END \$d\$"
}

new_cluster main
createdb plain
sql plain 'CREATE EXTENSION pg_clinic CASCADE'

# --- before and first
refused 'migrate() before install() is refused' 3F000 'CALL clinic.install' plain 'CALL clinic.migrate()'
is 'nothing is installed yet' "$(sql plain 'SELECT installed, current_no, cardinality(pending) = newest_no FROM clinic.schema_status()')" 'f||t'
ok 'install() succeeds' sql plain 'CALL clinic.install()'
is 'everything is applied' \
    "$(sql plain 'SELECT installed, current_no = newest_no, pending, mismatched, unknown FROM clinic.schema_status()')" 't|t|{}|{}|{}'
is 'each migration is recorded with the version that applied it' \
    "$(sql plain "SELECT count(*) = (SELECT newest_no FROM clinic.schema_status()), bool_and(applied_by = 'postgres' AND engine_version = clinic.version() AND checksum ~ '^[0-9a-f]{64}\$') FROM clinic_data.schema_migrations")" 't|t'
is 'the schema belongs to the caller, everything in it to clinic_owner' \
    "$(sql plain "SELECT n.nspowner::regrole, (SELECT string_agg(DISTINCT c.relowner::regrole::text, ',') FROM pg_class c WHERE c.relnamespace = n.oid) FROM pg_namespace n WHERE n.nspname = 'clinic_data'")" \
    'postgres|clinic_owner'

# --- a second call
sql plain "\\i $top/test/support/seed_small.sql"
snapshot plain "$tap_work/first" && identities plain "$tap_work/first_ids" && rows_of plain "$tap_work/first_rows"
ok 'install() succeeds again' sql plain 'CALL clinic.install()'
ok 'migrate() succeeds with nothing to do' sql plain 'CALL clinic.migrate()'
snapshot plain "$tap_work/second" && identities plain "$tap_work/second_ids" && rows_of plain "$tap_work/second_rows"
same_files 'a second call changes no definition' "$tap_work/second" "$tap_work/first"
same_files 'a second call replaces no object' "$tap_work/second_ids" "$tap_work/first_ids"
same_files 'a second call touches no row' "$tap_work/second_rows" "$tap_work/first_rows"
is 'a second call makes no reader and no writer wait' \
    "$(sql plain 'BEGIN' 'CALL clinic.install()' "SELECT string_agg(DISTINCT c.relname || ' ' || l.mode, ', ') FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.pid = pg_backend_pid() AND c.relnamespace IN ('clinic'::regnamespace, 'clinic_data'::regnamespace) AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock')" 'ROLLBACK')" ''

# --- two at once
createdb twice
sql twice 'CREATE EXTENSION pg_clinic CASCADE'
sql twice 'BEGIN' 'CALL clinic.install()' 'SELECT pg_sleep(2)' 'COMMIT' >"$tap_work/one" 2>&1 &
one=$!
until [[ $(sql twice "SELECT count(*) FROM pg_stat_activity WHERE datname = 'twice' AND wait_event = 'PgSleep'") == 1 ]]; do sleep 0.1; done
sql twice 'CALL clinic.install()' >"$tap_work/two" 2>&1 &
two=$!
until [[ $(sql twice "SELECT count(*) FROM pg_stat_activity WHERE datname = 'twice' AND wait_event = 'advisory'") == 1 ]]; do sleep 0.1; done
pass 'the second of two at once waits'
job_ok 'the first of two at once succeeds' "$one" "$tap_work/one"
job_ok 'the second of two at once succeeds' "$two" "$tap_work/two"
is 'each migration ran once' "$(sql twice 'SELECT count(*) = max(migration_no) FROM clinic_data.schema_migrations')" t

# --- two databases of one server at once
sql postgres 'CREATE DATABASE left_hand' 'CREATE DATABASE right_hand'
for _ in 1 2 3; do
    for name in left_hand right_hand; do
        sql "$name" 'DROP EXTENSION IF EXISTS pg_clinic' 'CREATE EXTENSION pg_clinic CASCADE' >>"$tap_work/$name" 2>&1 &
    done
    wait
done
is 'two databases are given the extension at once' "$(sql left_hand "SELECT count(*) FROM pg_extension WHERE extname = 'pg_clinic'"; sql right_hand "SELECT count(*) FROM pg_extension WHERE extname = 'pg_clinic'"; grep -h ERROR "$tap_work/left_hand" "$tap_work/right_hand" || true)" $'1\n1'
sql postgres 'DROP DATABASE left_hand' 'DROP DATABASE right_hand'

# --- what users have added
sql plain 'CREATE SCHEMA mine' \
    'CREATE VIEW mine.names AS SELECT tenant_id, patient_name FROM clinic.appointments' \
    'CREATE ROLE reporter' 'GRANT SELECT ON clinic.services TO reporter' \
    'ALTER TABLE clinic_data.patients ADD COLUMN nickname text' \
    'CREATE INDEX patients_nickname_idx ON clinic_data.patients (tenant_id, nickname)'
ok 'install() bears views of users over ours' sql plain 'CALL clinic.install()'
is 'what users added stays' \
    "$(sql plain "SELECT has_table_privilege('reporter', 'clinic.services', 'SELECT'), to_regclass('clinic_data.patients_nickname_idx') IS NOT NULL, to_regclass('mine.names') IS NOT NULL")" 't|t|t'

# --- what is broken is mended
snapshot plain "$tap_work/whole"
sql plain 'DROP POLICY patients_select ON clinic_data.patients' \
    'ALTER POLICY claims_select ON clinic_data.claims USING (true)' \
    'ALTER POLICY appointments_insert ON clinic_data.appointments WITH CHECK (true)' \
    'DROP POLICY users_update ON clinic_data.users' 'CREATE POLICY users_update ON clinic_data.users FOR DELETE USING (true)' \
    'ALTER TABLE clinic_data.blocks NO FORCE ROW LEVEL SECURITY' \
    'ALTER TABLE clinic_data.stays DISABLE ROW LEVEL SECURITY' \
    'DROP TRIGGER patients_30_resource ON clinic_data.patients' \
    'ALTER TABLE clinic_data.resources DISABLE TRIGGER resources_30_calendar' \
    'ALTER DOMAIN clinic_data.time_zone_name DROP CONSTRAINT time_zone_name_check' \
    'ALTER TABLE clinic_data.availability_rules DROP CONSTRAINT availability_rules_rule_check' \
    'ALTER TABLE clinic_data.holidays OWNER TO postgres' 'ALTER SEQUENCE clinic_data.calendar_no_seq OWNER TO postgres' \
    'ALTER DOMAIN clinic_data.hours_rule OWNER TO postgres' 'ALTER VIEW clinic.patients OWNER TO postgres' \
    'ALTER TABLE clinic_data.claims ENABLE TRIGGER claims_40_guard' 'ALTER VIEW clinic.stays RESET (security_barrier)' \
    'REVOKE ALL ON clinic.locations FROM clinic_user' 'DROP VIEW clinic.busy_times' \
    'ALTER TABLE clinic_data.patients ALTER COLUMN created_at DROP DEFAULT'
ok 'install() runs over damage' sql plain 'CALL clinic.install()'
snapshot plain "$tap_work/mended"
same_files 'and mends it' "$tap_work/mended" "$tap_work/whole"

# --- what is refused
refused 'another isolation level is refused' 25001 'READ COMMITTED' plain 'BEGIN ISOLATION LEVEL REPEATABLE READ; CALL clinic.install()'
refused 'acting as clinic_owner is refused' 42501 'without SET ROLE' plain 'SET ROLE clinic_owner; CALL clinic.install()'
refused 'a changed migration is refused by name' 55000 '0002_diary' plain \
    "BEGIN; UPDATE clinic_data.schema_migrations SET checksum = 'other' WHERE migration_no = 2; CALL clinic.migrate()"
refused 'a schema newer than the code is refused' CL031 'ALTER EXTENSION pg_clinic UPDATE' plain \
    "BEGIN; INSERT INTO clinic_data.schema_migrations VALUES (9000, 'future', 'x', now(), 'postgres', '9.9'); CALL clinic.install()"
is 'schema_status() names what is unknown and what has changed' \
    "$(sql plain "BEGIN; INSERT INTO clinic_data.schema_migrations VALUES (9000, 'future', 'x', now(), 'postgres', '9.9'); UPDATE clinic_data.schema_migrations SET checksum = 'other' WHERE migration_no = 1; SELECT mismatched, unknown FROM clinic.schema_status(); ROLLBACK")" \
    '{0001_tenancy}|{9000_future}'

# --- a later migration
snapshot plain "$tap_work/before"
add_migration plain 8001 "CREATE TABLE clinic_data.extras (tenant_id uuid NOT NULL, CONSTRAINT extras_pkey PRIMARY KEY (tenant_id)); PERFORM 1 / 0;"
refused 'a migration that fails fails the call' 22012 'division by zero' plain 'CALL clinic.migrate()'
snapshot plain "$tap_work/after"
same_files 'and leaves nothing behind' <(grep -v ^member "$tap_work/after") <(grep -v ^member "$tap_work/before")
sql plain 'CREATE OR REPLACE PROCEDURE clinic_private.migration_8001() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $m$ BEGIN
               CREATE TABLE clinic_data.extras (tenant_id uuid NOT NULL, seen text, CONSTRAINT extras_pkey PRIMARY KEY (tenant_id));
               INSERT INTO clinic_data.extras SELECT t.tenant_id, pg_catalog.current_setting($$row_security$$) FROM clinic_data.tenants t;
           END $m$'
is 'schema_status() names what is pending' "$(sql plain 'SELECT pending FROM clinic.schema_status()')" '{8001_later}'
ok 'a pending migration is applied' sql plain 'CALL clinic.migrate()'
is 'it saw the rows of all tenants, with row security off' \
    "$(sql plain 'SELECT count(*), min(seen), max(seen) FROM clinic_data.extras')" '2|off|off'
is 'its table is secured without being named anywhere' \
    "$(sql plain "SELECT c.relowner::regrole, c.relrowsecurity, c.relforcerowsecurity, string_agg(p.polname, ',' ORDER BY p.polname) FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE c.oid = 'clinic_data.extras'::regclass GROUP BY c.oid")" \
    'clinic_owner|t|t|extras_delete,extras_insert,extras_select,extras_update'
is 'with the rule of the tenant for every command' \
    "$(sql plain "SELECT DISTINCT coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) FROM pg_policy p WHERE p.polrelid = 'clinic_data.extras'::regclass")" \
    '(tenant_id = clinic.current_tenant_id())'
is 'row security is on again in the same transaction' "$(sql plain 'BEGIN; CALL clinic.install(); SHOW row_security; COMMIT')" on

# --- no superuser
sql postgres 'CREATE ROLE dba LOGIN' 'CREATE ROLE stranger LOGIN' 'CREATE DATABASE other'
sql other 'CREATE EXTENSION pg_clinic CASCADE'
refused 'a stranger may not install' 42501 'permission denied' other 'SET SESSION AUTHORIZATION stranger; CALL clinic.install()'
sql other 'GRANT CREATE ON DATABASE other TO dba' 'GRANT clinic_owner TO dba'
ok 'a member of clinic_owner who may create schemas installs' sql other 'SET SESSION AUTHORIZATION dba; CALL clinic.install()'
ok 'and installs again' sql other 'SET SESSION AUTHORIZATION dba; CALL clinic.install()'
sql other 'REVOKE TEMPORARY ON DATABASE other FROM PUBLIC'
ok 'even where nobody may make temporary objects' sql other 'SET SESSION AUTHORIZATION dba; CALL clinic.install()'
snapshot other "$tap_work/by_dba"
snapshot twice "$tap_work/by_superuser"
same_files 'the result is the same, but for the owner of the schema' \
    <(sed -e 's/^schema|clinic_data|dba|{clinic_owner=UC\/dba,clinic_system=U\/dba,dba=UC\/dba}/schema|clinic_data|postgres|{clinic_owner=UC\/postgres,clinic_system=U\/postgres,postgres=UC\/postgres}/' "$tap_work/by_dba") \
    "$tap_work/by_superuser"
add_migration other 8001 'CREATE TABLE clinic_data.extras (tenant_id uuid NOT NULL, CONSTRAINT extras_pkey PRIMARY KEY (tenant_id));'
refused 'without BYPASSRLS a later migration is refused' 42501 'BYPASSRLS' other 'SET SESSION AUTHORIZATION dba; CALL clinic.migrate()'
sql other 'ALTER ROLE dba BYPASSRLS'
ok 'with BYPASSRLS it is applied' sql other 'SET SESSION AUTHORIZATION dba; CALL clinic.migrate()'
ok 'a superuser may take over' sql other 'CALL clinic.install()'

# --- and away again
ok 'uninstalling takes three commands' sql twice 'DROP SCHEMA clinic_data CASCADE' 'DROP EXTENSION pg_clinic' 'DROP SCHEMA clinic'
is 'and leaves nothing behind' \
    "$(sql twice "SELECT (SELECT string_agg(nspname, ',') FROM pg_namespace WHERE nspname ~ 'clinic'), (SELECT count(*) FROM pg_proc WHERE oid >= 16384 AND proname ~ 'clinic'), (SELECT count(*) FROM pg_event_trigger)")" '|0|0'
dropdb plain
dropdb other
ok 'without databases that use them, the roles can go' \
    sql postgres 'DROP ROLE clinic_anon, clinic_user, clinic_admin, clinic_gateway, clinic_owner, clinic_system'
