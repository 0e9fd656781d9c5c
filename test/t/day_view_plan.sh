#!/usr/bin/env bash
# Row security at size: among hundreds of thousands of appointments (a million of fifty tenants with CLINIC_TEST_DEPTH=4), the day of one provider, the diary of a doctor who sees the
# own one only, and what a patient sees read their own rows by index, and hardly any other.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

export PG_CLINIC_SETTINGS='shared_buffers = 256MB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 8GB
wal_level = minimal
max_wal_senders = 0
autovacuum = off'
new_cluster main
installed_database diary >/dev/null 2>&1

# Fifteen tenants, or fifty, of three branches, ten providers and two thousand patients; two thousand visits of each provider, sixteen a day.
# Triggers and foreign keys are off while they are loaded, and the indexes are made afterwards.
readonly first=$((${CLINIC_TEST_DEPTH:-1} >= 4 ? 1 : 23)) last=$((${CLINIC_TEST_DEPTH:-1} >= 4 ? 50 : 37))
readonly id="CREATE FUNCTION id(tenant integer, kind integer, number integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    \$\$ SELECT (lpad(tenant::text, 8, '0') || '-' || lpad(kind::text, 4, '0') || '-7000-8000-' || lpad(number::text, 12, '0'))::uuid \$\$"
sql diary "$id" "CREATE TABLE made AS SELECT c.conname, i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
                   FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
                  WHERE i.indrelid = 'clinic_data.appointments'::regclass AND c.oid IS NULL" \
    "DO \$\$ BEGIN EXECUTE (SELECT string_agg('DROP INDEX ' || name, '; ') FROM made); END \$\$" \
    "SET session_replication_role = replica;
     INSERT INTO clinic_data.tenants (tenant_id, slug, name) SELECT id(t, 0, 0), 'plan-' || t, 'T' FROM generate_series($first, $last) t;
     INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone)
         SELECT id(t, 0, 0), id(t, 1, n), 'L' || n, 'Europe/Berlin' FROM generate_series($first, $last) t, generate_series(0, 2) n;
     INSERT INTO clinic_data.services (tenant_id, service_id, name, duration_minutes, step_minutes)
         SELECT id(t, 0, 0), id(t, 4, 1), 'S', 30, 15 FROM generate_series($first, $last) t;
     INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, name)
         SELECT id(t, 0, 0), id(t, 2, n), 'provider', 'P' || n FROM generate_series($first, $last) t, generate_series(1, 10) n;
     INSERT INTO clinic_data.providers (tenant_id, provider_id, time_zone)
         SELECT id(t, 0, 0), id(t, 2, n), 'Europe/Berlin' FROM generate_series($first, $last) t, generate_series(1, 10) n;
     INSERT INTO clinic_data.patients (tenant_id, patient_id, name)
         SELECT id(t, 0, 0), id(t, 9, n), 'Pat ' || n FROM generate_series($first, $last) t, generate_series(0, 1999) n;
     INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id,
                                           status, starts_at, ends_at, local_starts_at, time_zone)
         SELECT ids.tenant, (ids.base || lpad((p * 10000 + n)::text, 12, '0'))::uuid, 'C' || p * 10000 + n, ids.service, ids.provider,
                ids.branches[1 + p % 3], ids.patients[1 + (n * 7919 + p) % 2000], 'booked', x.starts_at, x.starts_at + interval '30 minutes',
                x.starts_at AT TIME ZONE 'UTC', 'Europe/Berlin'
           FROM generate_series($first, $last) t
          CROSS JOIN generate_series(1, 10) p
          CROSS JOIN LATERAL (SELECT id(t, 0, 0) AS tenant, left(id(t, 11, 0)::text, 24) AS base, id(t, 4, 1) AS service, id(t, 2, p) AS provider,
                                     ARRAY(SELECT id(t, 1, l) FROM generate_series(0, 2) l ORDER BY l) AS branches,
                                     ARRAY(SELECT id(t, 9, k) FROM generate_series(0, 1999) k ORDER BY k) AS patients OFFSET 0) ids
          CROSS JOIN generate_series(0, 1999) n
          CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01 08:00+00' + n / 16 * interval '1 day' + n % 16 * interval '30 minutes') x (starts_at);
     SET session_replication_role = origin" \
    "DO \$\$ BEGIN EXECUTE (SELECT string_agg(definition, '; ') FROM made); END \$\$" \
    'VACUUM ANALYZE clinic_data.appointments, clinic_data.patients, clinic_data.resources, clinic_data.providers, clinic_data.locations'
is 'the appointments are there' "$(sql diary 'SELECT count(*), count(DISTINCT tenant_id) FROM clinic_data.appointments')" "$(((last - first + 1) * 20000))|$((last - first + 1))"

# A receptionist of one branch, a doctor who sees the own diary only, a doctor of the shipped role, a patient with a dependant.
sql diary 'CREATE ROLE desk LOGIN IN ROLE clinic_user' 'CREATE ROLE own LOGIN IN ROLE clinic_user' 'CREATE ROLE doctor LOGIN IN ROLE clinic_user' \
    'CREATE ROLE patient LOGIN IN ROLE clinic_user' \
    "SELECT clinic.use_tenant('plan-30');
     SELECT clinic.restore_shipped_roles();
     SELECT clinic.create_role('own_diary', '{appointments:read:own,patients:read}');
     SELECT clinic.create_user('staff', 'A', roles => '{receptionist}', location_ids => ARRAY[id(30, 1, 1)], user_id => id(30, 5, 1)),
            clinic.create_user('staff', 'B', roles => '{own_diary}', provider_id => id(30, 2, 7), user_id => id(30, 5, 2)),
            clinic.create_user('staff', 'C', roles => '{doctor}', location_ids => ARRAY[id(30, 1, 1)], provider_id => id(30, 2, 4), user_id => id(30, 5, 3)),
            clinic.create_user('patient', 'D', patient_id => id(30, 9, 100), user_id => id(30, 5, 4));
     SELECT clinic.add_dependant(id(30, 9, 100), id(30, 9, 104), 'child');
     SELECT clinic.map_login('desk', 'staff', user_id => id(30, 5, 1)), clinic.map_login('own', 'staff', user_id => id(30, 5, 2)),
            clinic.map_login('doctor', 'staff', user_id => id(30, 5, 3)), clinic.map_login('patient', 'patient', user_id => id(30, 5, 4), patient_id => id(30, 9, 100))" >/dev/null

# Of each scan of appointments in a plan: that it is by index, on which columns the index conditions are, what it returns, what
# its filters threw away; and the blocks that the statement read.
sql diary "CREATE FUNCTION facts(statement text, OUT scan text, OUT conditions text, OUT fetched numeric, OUT removed numeric, OUT blocks bigint)
    LANGUAGE plpgsql AS \$\$
    DECLARE
        plan jsonb;
    BEGIN
        EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ' || statement INTO plan;
        SELECT string_agg(DISTINCT CASE WHEN s.node ? 'Index Cond' OR s.node -> 'Plans' -> 0 ? 'Index Cond' THEN 'index' ELSE s.node ->> 'Node Type' END, ' '),
               string_agg(DISTINCT coalesce(s.node ->> 'Index Cond', s.node -> 'Plans' -> 0 ->> 'Index Cond'), ' '),
               sum((s.node ->> 'Actual Rows')::numeric * (s.node ->> 'Actual Loops')::numeric),
               sum((coalesce((s.node ->> 'Rows Removed by Filter')::numeric, 0) + coalesce((s.node ->> 'Rows Removed by Index Recheck')::numeric, 0))
                   * (s.node ->> 'Actual Loops')::numeric)
          INTO facts.scan, facts.conditions, facts.fetched, facts.removed
          FROM jsonb_path_query(plan, 'strict \$.** ? (@.\"Relation Name\" == \"appointments\")') AS s (node);
        facts.blocks := (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
    END
    \$\$"
# The statement, run by a login, returns so many rows, and reads at most so many more and so many blocks.
reads() { # description, login, rows, removed at most, blocks at most, column, statement
    local got
    got=$(PGUSER=$2 sql diary "SELECT scan || ' ' || (conditions LIKE '%tenant_id = %' AND conditions LIKE '%$6%') || ' ' || round(fetched) || ' '
                                      || CASE WHEN removed <= $4 THEN '' ELSE 'removed ' || removed END
                                      || CASE WHEN blocks <= $5 THEN '' ELSE 'blocks ' || blocks END FROM facts(\$q\$$7\$q\$)" 2>&1)
    is "$1" "$got" "index true $3 "
    if [[ $got != "index true $3 " || ${CLINIC_SHOW_PLANS:-} == 1 ]]; then
        PGUSER=$2 sql diary "SELECT * FROM facts(\$q\$$7\$q\$)" "EXPLAIN (ANALYZE, BUFFERS) $7" 2>&1 | sed 's/^/# /'
    fi
}
day() { # provider
    printf "SELECT * FROM clinic.appointments WHERE provider_id = id(30, 2, %d) AND starts_at >= '2026-03-02' AND starts_at < '2026-03-03' ORDER BY starts_at" "$1"
}
reads 'a receptionist: a provider'"'"'s day reads that day' desk 16 0 700 provider_id "$(day 7)"
reads 'a receptionist: of a provider elsewhere it shows nothing, and reads no more' desk 0 16 700 provider_id "$(day 8)"
reads 'a doctor of the own diary: the day' own 16 0 700 provider_id "$(day 7)"
reads 'a doctor of the own diary: somebody else'"'"'s day' own 0 16 700 provider_id "$(day 8)"
reads 'a doctor of the own diary: everything is the own diary' own 2000 0 30000 provider_id 'SELECT appointment_id FROM clinic.appointments'
reads 'a doctor with a branch: the own day' doctor 16 0 1500 provider_id "$(day 4)"
reads 'a patient: all visits are the own ones and those of the dependant' patient \
    "$(sql diary 'SELECT count(*) FROM clinic_data.appointments WHERE patient_id IN (id(30, 9, 100), id(30, 9, 104))')" 40 700 patient_id 'SELECT * FROM clinic.appointments'
reads 'a patient: a provider'"'"'s day is that patient'"'"'s' patient \
    "$(sql diary "SELECT count(*) FROM clinic_data.appointments WHERE patient_id IN (id(30, 9, 100), id(30, 9, 104)) AND provider_id = id(30, 2, 7)
                                                                  AND starts_at >= '2026-03-02' AND starts_at < '2026-03-03'")" 40 700 tenant_id "$(day 7)"
