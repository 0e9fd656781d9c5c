#!/usr/bin/env bash
# An older schema, migrated in place or restored from a backup and then migrated, equals a fresh one.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

# Installs only the first migrations, as an old version did: its tables, none of today's repeatable part.
install_old() { # database, newest migration
    createdb "$1"
    sql "$1" 'CREATE EXTENSION pg_clinic CASCADE' \
        'CREATE TABLE public.today AS
             SELECT pg_get_functiondef(o) AS definition
               FROM unnest(ARRAY[$$clinic_private.migrations()$$, $$clinic_private.repeatables()$$]::regprocedure[]) o' \
        'ALTER FUNCTION clinic_private.migrations() RENAME TO all_migrations' \
        "CREATE FUNCTION clinic_private.migrations() RETURNS TABLE (migration_no int, name text, checksum text) LANGUAGE sql
             AS 'SELECT * FROM clinic_private.all_migrations() WHERE migration_no <= $2'" \
        "CREATE OR REPLACE FUNCTION clinic_private.repeatables() RETURNS TABLE (name text, checksum text) LANGUAGE sql
             AS 'SELECT NULL::text, NULL::text WHERE false'" \
        'CALL clinic.install()' \
        'DROP FUNCTION clinic_private.migrations()' \
        'ALTER FUNCTION clinic_private.all_migrations() RENAME TO migrations' \
        "DO \$\$ DECLARE today record; BEGIN FOR today IN SELECT * FROM public.today LOOP EXECUTE today.definition; END LOOP; END \$\$" \
        'DROP TABLE public.today'
}

# Rows an old version could have: only tables of the first migration.
add_old_rows() { # database
    sql "$1" "INSERT INTO clinic_data.tenants (tenant_id, slug, name) VALUES ('00000001-0000-7000-8000-000000000001', 'lake', 'Lake')" \
        "INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone) VALUES
             ('00000001-0000-7000-8000-000000000001', '00000001-0010-7000-8000-000000000001', 'North', 'Europe/Berlin')"
}

new_cluster main
installed_database baseline
snapshot baseline "$tap_work/baseline"
newest=$(sql baseline 'SELECT newest_no FROM clinic.schema_status()')

# The first, the last but one, and some in between.
olds=("$((newest - 1))")
for ((old = 1; old < newest - 1; old += 4)); do
    olds+=("$old")
done

for old in "${olds[@]}"; do
    install_old "updated_$old" "$old"
    add_old_rows "updated_$old"
    is "from $old: the rest is pending" "$(sql "updated_$old" 'SELECT current_no, cardinality(pending) FROM clinic.schema_status()')" \
        "$old|$((newest - old))"
    pg_dump -f "$tap_work/old_$old.sql" "updated_$old"

    ok "from $old: migrate() in place" sql "updated_$old" 'CALL clinic.migrate()'
    snapshot "updated_$old" "$tap_work/updated"
    same_files "from $old: the result is a fresh install's" "$tap_work/updated" "$tap_work/baseline"
    is "from $old: the rows are still there" "$(sql "updated_$old" 'SELECT name, time_zone FROM clinic_data.locations')" \
        'North|Europe/Berlin'
    sql "updated_$old" "\\i $top/test/support/forget_rows.sql"
    ok "from $old: it takes today's rows" psql -Xq -v ON_ERROR_STOP=1 -d "updated_$old" -f "$top/test/support/seed_small.sql"
done

# Backups of old schemas, restored into a cluster that has only the new version.
new_cluster restored
for old in "${olds[@]}"; do
    createdb "restored_$old"
    ok "from $old: an old backup restores" psql -Xq -1 -v ON_ERROR_STOP=1 -d "restored_$old" -f "$tap_work/old_$old.sql"
    ok "from $old: migrate() after the restore" sql "restored_$old" 'CALL clinic.migrate()'
    snapshot "restored_$old" "$tap_work/restored"
    same_files "from $old: restored and migrated, it is a fresh install's" "$tap_work/restored" "$tap_work/baseline"
    is "from $old: its rows came along" "$(sql "restored_$old" 'SELECT name FROM clinic_data.locations')" North
done

