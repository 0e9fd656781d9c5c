#!/usr/bin/env bash
# What the audit of reads costs a day view: pgbench of the same statement with the marks of the tables and without.
#
#   tools/cluster.sh run bench/audit_reads.sh [seconds]
set -euo pipefail

seconds=${1:-5}
database=audit_reads_bench
tenant=0be00000-0000-7000-8000-000000000001
work=$(mktemp -d /tmp/pg_clinic.XXXXXX)
clean_up() {
    dropdb --force --if-exists "$database" >/dev/null 2>&1 || true
    psql -Xqd postgres -c 'DROP ROLE IF EXISTS audit_bench' >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean_up EXIT

export PGOPTIONS='-c client_min_messages=warning'
createdb "$database"
psql -Xqd "$database" -v ON_ERROR_STOP=1 >/dev/null <<SQL
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE audit_bench LOGIN IN ROLE clinic_user;
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', tenant_id => '$tenant'), clinic.map_login('audit_bench', 'admin', '{*}');
SET LOCAL session_replication_role = replica;
INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone) VALUES ('$tenant', '$tenant', 'L', 'Etc/UTC');
INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, name) VALUES ('$tenant', '$tenant', 'provider', 'P');
INSERT INTO clinic_data.providers (tenant_id, provider_id, time_zone) VALUES ('$tenant', '$tenant', 'Etc/UTC');
INSERT INTO clinic_data.services (tenant_id, service_id, name, duration_minutes, step_minutes) VALUES ('$tenant', '$tenant', 'S', 30, 15);
INSERT INTO clinic_data.patients (tenant_id, patient_id, name) SELECT '$tenant', md5('p' || n)::uuid, 'N' || n FROM generate_series(1, 2000) n;
INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at, ends_at,
                                      local_starts_at, time_zone)
    SELECT '$tenant', md5('a' || n)::uuid, 'C' || n, '$tenant', '$tenant', '$tenant', md5('p' || 1 + n % 2000)::uuid, 'booked', s, s + '30 min', s AT TIME ZONE 'UTC', 'Etc/UTC'
      FROM generate_series(1, 10000) n CROSS JOIN LATERAL (SELECT '2026-01-01Z'::timestamptz + n * interval '30 minutes' AS s) t;
COMMIT;
VACUUM ANALYZE;
SQL
cat >"$work/day.sql" <<'SQL'
\set day random(1, 200)
SELECT confirmation_code, patient_name, starts_at FROM clinic.appointments
 WHERE starts_at >= '2026-01-01Z'::timestamptz + :day * interval '1 day' AND starts_at < '2026-01-02Z'::timestamptz + :day * interval '1 day' ORDER BY starts_at;
SQL
run() {
    pgbench -n -M prepared -U audit_bench -c 1 -T "$seconds" -f "$work/day.sql" "$database" 2>/dev/null | sed -n 's/^latency average = \(.*\) ms/\1/p'
}
marks() { # ENABLE or DROP
    psql -Xqd "$database" -v ON_ERROR_STOP=1 <<SQL
DO \$\$ DECLARE t record; BEGIN
    FOR t IN SELECT tgrelid::regclass AS name FROM pg_trigger WHERE tgname = 'zz_93_audit_reads' LOOP
        EXECUTE format('DROP TRIGGER zz_93_audit_reads ON %s', t.name);
    END LOOP;
END \$\$;
SQL
    if [[ $1 == ENABLE ]]; then
        psql -Xqd "$database" -v ON_ERROR_STOP=1 -c 'CALL clinic.install()'
    fi
}
# The best of several turns each: what else the machine does makes statements slower only.
for _ in 1 2 3 4 5; do
    marks ENABLE
    run >>"$work/with"
    marks DROP
    run >>"$work/without"
done
with=$(sort -g "$work/with" | head -n 1) without=$(sort -g "$work/without" | head -n 1)
printf '%s ms with, %s ms without, ratio %s\n' "$with" "$without" "$(awk -v a="$with" -v b="$without" 'BEGIN { printf "%.3f", a / b }')"
