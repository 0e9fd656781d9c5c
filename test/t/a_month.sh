#!/usr/bin/env bash
# A week and more at a clinic's front desk (examples/a_month.sql, shortened), over the weekend when New York changes its clocks: it ends
# without an error, with every invariant true, and the same seed makes the same week. Breaking that diary in every
# way shows that the invariants can fail.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

live() { # database, file, psql's options...
    local database=$1 file=$2
    shift 2
    installed_database "$database"
    if ! psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$database" "$@" --file "$top/examples/a_month.sql" >"$file" 2>&1; then
        tail -n 40 "$file"
        return 1
    fi
}

new_cluster month
ok 'eight days pass' live month "$tap_work/first" -v days=8 -v pace=0.5
is 'with every invariant true' "$(tail -n 1 "$tap_work/first")" 'A month without a complaint: every invariant holds.'
is 'none of them is missing in the table' "$(grep -c '| t$' "$tap_work/first")" \
    "$(sed -nE "s/^SELECT ('.*')( AS invariant|, ).*/\1/p" "$top/test/stress/verify.sql" | cut -d"'" -f2 | sort -u | wc -l)"
is 'some visits fell on the morning after the clocks changed' \
    "$(sql month "SELECT count(*) > 0 FROM clinic_data.appointments WHERE time_zone = 'America/New_York' AND local_starts_at::date = '2026-03-09'
                                                                   AND starts_at - (local_starts_at AT TIME ZONE 'UTC') = '4 hours'")" t

is 'each invariant notices when it is broken' \
    "$(psql -XqAtd month -c "SET clinic.clock = '2026-03-09 23:45Z'" -f "$top/test/stress/verify.sql" -f "$top/test/stress/mutations.sql")" ''

ok 'a day passes' live one "$tap_work/one" -v days=1 -v pace=0.3
live two "$tap_work/two" -v days=1 -v pace=0.3 || true
same_files 'the same seed makes the same day' "$tap_work/two" "$tap_work/one"
