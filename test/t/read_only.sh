#!/usr/bin/env bash
# A read-only transaction changes no row, not even past the executor. The rows must be committed ones: those of the same
# transaction have their foreign keys looked at again, which would refuse the change for another reason.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

new_cluster read_only
installed_database diary >/dev/null 2>&1
psql -Xqd diary -v ON_ERROR_STOP=1 -f "$top/test/support/seed_small.sql"
sql diary 'CREATE ROLE lake_admin LOGIN IN ROLE clinic_user' \
    "INSERT INTO clinic_data.logins (tenant_id, login, actor, permissions)
     SELECT tenant_id, 'lake_admin', 'staff', '{*}' FROM clinic_data.tenants WHERE slug = 'lake'"
rows_of diary "$tap_work/before"

readonly first="'00000001-00b0-7000-8000-000000000001'" second="'00000001-00b0-7000-8000-000000000002'"
for call in "cancel_appointment($first)" "swap_appointments($first, $second)" \
    "reschedule_appointment($first, '2027-03-02 08:00Z')" \
    "book_appointment('00000001-0040-7000-8000-000000000001', '00000001-0090-7000-8000-000000000001', '2027-03-02 08:00Z')" \
    "sweep_claims('0')" "create_patient('Somebody')" \
    "update_location('00000001-0010-7000-8000-000000000001', '{\"name\": \"Elsewhere\"}')"; do
    PGUSER=lake_admin PGOPTIONS="$PGOPTIONS -c default_transaction_read_only=on" \
        refused "read only: $call" 25006 'read-only' diary "SELECT * FROM clinic.$call"
done

rows_of diary "$tap_work/after"
same_files 'nothing has changed' "$tap_work/after" "$tap_work/before"
