#!/usr/bin/env bash
# What was read and acknowledged is in the audit exactly once, whoever is killed: readers, the server, whoever ingests.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

tenant=0000000a-0000-7000-8000-000000000001
new_cluster main
installed_database diary
sql diary "CREATE ROLE desk LOGIN IN ROLE clinic_user" >/dev/null
sql diary "SELECT clinic.create_tenant('clinic', 'Clinic', tenant_id => '$tenant'), clinic.map_login('desk', 'admin', '{*}')" >/dev/null
sql diary "SELECT clinic.use_tenant('clinic'); SELECT count(clinic.create_patient('Patient ' || n)) FROM generate_series(1, 40) n" >/dev/null

ready() {
    local i
    for ((i = 0; i < 100; i++)); do
        if sql diary 'SELECT 1' >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.2
    done
    return 1
}
spool() { # pattern
    find "$(dirname "$(sql diary 'SHOW config_file')")/pg_clinic_spool" -name "$1" 2>/dev/null
}
# Statements of a reader, each with a name of its own; what came back is what was acknowledged.
read_for() { # reader, output
    local n
    for ((n = 1; n <= 20000; n++)); do
        printf "SET application_name = 'r%s-%d';\nSELECT 'r%s-%d ' || string_agg(patient_id::text, ',' ORDER BY patient_id) FROM (SELECT patient_id FROM clinic.patients ORDER BY name LIMIT %d) t;\n" \
            "$1" "$n" "$1" "$n" $((n % 9 + 1))
    done | psql -XqAtd 'dbname=diary user=desk' >"$2" 2>/dev/null || true
}

for round in 1 2; do
    for reader in 1 2 3; do
        read_for "$round$reader" "$tap_work/read-$round$reader" &
    done
    sleep 1
    # The ingester runs beside, and dies in the middle with everybody else.
    (while sql diary 'SELECT clinic.ingest_audit()'; do :; done) >/dev/null 2>&1 &
    sleep 1
    kill -KILL "$(sql diary "SELECT pid FROM pg_stat_activity WHERE usename = 'desk' LIMIT 1")"
    wait
    ready || fail "the server comes back in round $round"
done
cat "$tap_work"/read-* | grep -E '^r[0-9]+-[0-9]+ [0-9a-f,-]+$' | sort >"$tap_work/acknowledged"

# Twice at once, as often as it takes.
for i in 1 2 3; do
    sql diary 'SELECT clinic.ingest_audit()' >/dev/null &
    sql diary 'SELECT clinic.ingest_audit()' >/dev/null &
    wait
done
sql diary "SELECT application_name || ' ' || string_agg(u.id::text, ',' ORDER BY u.id) FROM clinic_data.audit_records a CROSS JOIN unnest(a.row_ids) AS u (id)
            WHERE a.login = 'desk' AND a.action = 'view' GROUP BY a.audit_id, application_name" | sort >"$tap_work/told"
if (($(wc -l <"$tap_work/acknowledged") > 200)); then
    pass 'many reads were acknowledged before the kills'
else
    fail 'many reads were acknowledged before the kills' "$(wc -l <"$tap_work/acknowledged")"
fi
is 'each acknowledged read is in the audit' "$(comm -23 "$tap_work/acknowledged" "$tap_work/told" | wc -l)" 0
is 'and once' "$(cut -d' ' -f1 "$tap_work/told" | uniq -d | wc -l)" 0
is 'the files of the dead are gone' "$(sql diary 'SELECT clinic.ingest_audit()' >/dev/null; spool '*.spool' | wc -l | awk '{ print ($1 <= 2) }')" 1
is 'nothing waits' "$(sql diary 'SELECT waiting_bytes FROM clinic.read_audit_status()')" 0
is 'the leaves are right' "$(sql diary 'SELECT count(*) FROM clinic_data.audit_records a WHERE clinic_private.audit_leaf(a) <> a.leaf_hash')" 0

# A record that was cut off by the end of a machine is dropped; a wrong byte is not passed over in silence.
sql 'dbname=diary user=desk' "SELECT count(*) FROM (SELECT patient_id FROM clinic.patients LIMIT 3) t" >/dev/null
torn=$(spool '*.spool' | sort -t- -k3 | tail -n 1)
printf 'xy\001\000' | as_server_user tee -a "$torn" >/dev/null
is 'a torn record takes none before it along' "$(sql diary 'SELECT clinic.ingest_audit() > 0')" t
sql diary 'SELECT clinic.ingest_audit()' >/dev/null
if [[ ! -e $torn ]]; then
    pass 'and its file goes'
else
    fail 'and its file goes' "$torn"
fi
sql 'dbname=diary user=desk' "SELECT count(*) FROM (SELECT patient_id FROM clinic.patients LIMIT 3) t" "SELECT count(*) FROM (SELECT patient_id FROM clinic.patients LIMIT 4) t" >/dev/null
bent=$(spool '*.spool' | sort -t- -k3 | tail -n 1)
printf 'zz' | as_server_user dd of="$bent" bs=1 seek=60 conv=notrunc status=none
sql diary 'SELECT clinic.ingest_audit()' >/dev/null 2>&1
if [[ -e $bent.damaged && $(sql diary "SELECT count(*) FROM clinic.lint() WHERE rule = 'spool_unsafe'") == 1 ]]; then
    pass 'a damaged file is kept, and found by lint'
else
    fail 'a damaged file is kept, and found by lint' "$(spool '*')"
fi

# Reads that cannot be recorded are refused.
as_server_user rm "$bent.damaged"
directory=$(dirname "$bent")
as_server_user mv "$directory" "$directory.away"
as_server_user touch "$directory"
refused 'without a spool nothing of patients is read' '58030' 'cannot be recorded' 'dbname=diary user=desk' 'SELECT name FROM clinic.patients'
as_server_user rm "$directory"
as_server_user mv "$directory.away" "$directory"
ok 'with it again it is' sql 'dbname=diary user=desk' 'SELECT name FROM clinic.patients'
