#!/usr/bin/env python3
"""What the audit says of reads is what was read, whatever the query and the plan are like.

Makes random queries over patients and appointments under random planner settings, and holds the rows that the audit knows of against
those of the same query asked for its keys. Speaks TAP. READS_QUERIES is how many, READS_SEED where the randomness begins. Needs a
server at PGHOST and PGPORT.
"""
import os
import random
import subprocess

QUERIES = int(os.environ.get("READS_QUERIES", "300"))
SEED = int(os.environ.get("READS_SEED", "1"))
DATABASE = "audit_reads_property"
ROLE = "reads_property"
TENANT = "5ead0000-0000-7000-8000-000000000001"

SETUP = f"""
SET client_min_messages = warning;
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE {ROLE} LOGIN IN ROLE clinic_user;
BEGIN;
SELECT clinic.create_tenant('reads', 'Reads', tenant_id => '{TENANT}'), clinic.map_login('{ROLE}', 'admin', '{{*}}');
SET LOCAL session_replication_role = replica;
CREATE FUNCTION pg_temp.id(kind integer, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('5ead0000-%s-7000-8000-%s', pg_catalog.lpad(kind::text, 4, '0'), pg_catalog.lpad(n::text, 12, '0'))::uuid $$;
INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone) VALUES ('{TENANT}', pg_temp.id(1, 1), 'L', 'Etc/UTC');
INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, name) SELECT '{TENANT}', pg_temp.id(2, n), 'provider', 'P' || n FROM generate_series(1, 3) n;
INSERT INTO clinic_data.providers (tenant_id, provider_id, time_zone) SELECT '{TENANT}', pg_temp.id(2, n), 'Etc/UTC' FROM generate_series(1, 3) n;
INSERT INTO clinic_data.services (tenant_id, service_id, name, duration_minutes, step_minutes) VALUES ('{TENANT}', pg_temp.id(4, 1), 'S', 30, 15);
INSERT INTO clinic_data.patients (tenant_id, patient_id, name) SELECT '{TENANT}', pg_temp.id(9, n), 'N' || n % 17 FROM generate_series(1, 60) n;
INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at,
                                      ends_at, local_starts_at, time_zone)
    SELECT '{TENANT}', pg_temp.id(11, n), 'C' || n, pg_temp.id(4, 1), pg_temp.id(2, 1 + n % 3), pg_temp.id(1, 1), pg_temp.id(9, 1 + n * 7 % 50), 'booked', s, s + '30 min',
           s AT TIME ZONE 'UTC', 'Etc/UTC'
      FROM generate_series(1, 150) n CROSS JOIN LATERAL (SELECT '2026-01-01Z'::timestamptz + n * interval '1 hour' AS s) t;
COMMIT;
ANALYZE;
"""


def psql(text, user=None, stop=True):
    """The output of a script."""
    command = ["psql", "-XqAt", "-v", f"ON_ERROR_STOP={int(stop)}", "-d", DATABASE]
    if user:
        command += ["-U", user]
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if stop and done.returncode != 0:
        raise SystemExit(f"Bail out! psql: {done.stderr}")
    return done.stdout


class Query:
    """A random query, and the one that asks for its keys. exact: the audit must know these rows and no others; else at least these."""

    def __init__(self, number):
        chance = random.Random(SEED * 100_003 + number)
        self.name = f"q{number}"
        self.settings = [f"SET enable_{what} = off;" for what in
                         ("hashjoin", "mergejoin", "nestloop", "indexscan", "bitmapscan", "seqscan", "material", "sort", "incremental_sort")
                         if chance.random() < 0.3]
        joined = chance.random() < 0.5
        kind = chance.choice(["LEFT JOIN", "JOIN", "FULL JOIN"]) if joined else ""
        source = "clinic.patients p"
        if joined:
            source += f" {kind} clinic.appointments a ON a.patient_id = p.patient_id"
        tests = [f"p.name < 'N{chance.randrange(20)}'", f"p.patient_id > '5ead0000-0009-7000-8000-0000000000{chance.randrange(10, 60)}'", "p.name IS NOT NULL"]
        if joined:
            tests += [f"a.starts_at > '2026-01-0{chance.randrange(1, 7)}Z'", "a.provider_id = '5ead0000-0002-7000-8000-000000000001'"]
        where = " AND ".join(chance.sample(tests, chance.randrange(len(tests))))
        body = f"FROM {source}" + (f" WHERE {where}" if where else "")
        ordered = chance.random() < 0.7
        tail = f" ORDER BY p.name {chance.choice(['ASC', 'DESC'])}, p.patient_id" + (", a.appointment_id" if joined else "") if ordered else ""
        cut = ordered and chance.random() < 0.7
        if cut:
            tail += f" LIMIT {chance.randrange(0, 30)}" + (f" OFFSET {chance.randrange(20)}" if chance.random() < 0.3 else "")
        columns = chance.choice(["p.name", "p.name, 1 AS one", "p.patient_id, p.name", "p.mrn, upper(p.name) AS u"])
        if joined:
            columns += chance.choice(["", ", a.status", ", a.starts_at, a.appointment_id"])
        plain = f"SELECT {columns} {body}{tail}"
        shown = "a." in columns
        self.keys = f"SELECT p.patient_id AS p, {'a.appointment_id' if joined and shown else 'NULL::uuid'} AS a {body}{tail}"
        self.exact = shown or not joined
        shape = chance.choice(["plain", "json", "cte", "union", "cursor", "exists", "count", "parallel"])
        self.text = plain + ";"
        if shape == "json":
            self.text = f"SELECT json_agg(t) FROM ({plain}) AS t;"
            self.exact = self.exact and (ordered or not joined)
        elif shape == "cte":
            self.text = f"WITH w AS MATERIALIZED ({plain}) SELECT * FROM w;"
        elif shape == "union":
            self.text = f"SELECT 1 FROM ({plain}) AS t UNION ALL SELECT 2 FROM clinic.patients WHERE false;"
            self.exact = False
        elif shape == "cursor":
            count = chance.randrange(1, 20)
            self.text = f"BEGIN READ ONLY; DECLARE c CURSOR FOR {plain}; FETCH {count} FROM c; ROLLBACK;"
            self.keys = f"SELECT * FROM ({self.keys}) AS t LIMIT {count}"
            # Without an order the other query may begin elsewhere.
            if not ordered:
                self.keys = "SELECT NULL::uuid AS p, NULL::uuid AS a"
                self.exact = False
        elif shape == "exists":
            self.text = f"SELECT 1 WHERE EXISTS (SELECT FROM ({plain}) AS t OFFSET 0) OR true;"
            self.keys = "SELECT NULL::uuid AS p, NULL::uuid AS a"
            self.exact = False
        elif shape == "count":
            self.text = f"SELECT count(t) FROM ({plain}) AS t;"
            self.exact = self.exact and (ordered or not joined)
        elif shape == "parallel":
            self.settings += ["SET parallel_setup_cost = 0;", "SET parallel_tuple_cost = 0;", "SET min_parallel_table_scan_size = 0;",
                              "SET min_parallel_index_scan_size = 0;"]


def main():
    queries = [Query(n) for n in range(QUERIES)]
    subprocess.run(["dropdb", "--force", "--if-exists", DATABASE], check=True, capture_output=True)
    subprocess.run(["createdb", DATABASE], check=True)
    try:
        psql(SETUP)
        psql("".join(f"{' '.join(q.settings)} SET application_name = '{q.name}'; {q.text} RESET ALL;\n" for q in queries), ROLE)
        wanted = {}
        for line in psql("".join(f"SELECT '{q.name}', string_agg(concat(t.p, '/', t.a), ',') FROM ({q.keys}) AS t;\n" for q in queries), ROLE).splitlines():
            name, rows = line.split("|", 1)
            found = {"patients": set(), "appointments": set()}
            for row in filter(None, rows.split(",")):
                for table, key in zip(("patients", "appointments"), row.split("/")):
                    if key:
                        found[table].add(key)
            wanted[name] = found
        psql("SELECT clinic.ingest_audit();")
        told = {q.name: {"patients": set(), "appointments": set()} for q in queries}
        owner = {}
        for line in psql(f"SELECT application_name, table_name, patient_id, array_to_string(row_ids, ',') FROM clinic_data.audit_records "
                         f"WHERE login = '{ROLE}' AND application_name LIKE 'q%' AND action = 'view';").splitlines():
            name, table, patient, rows = line.split("|")
            told[name][table].update(rows.split(",") if rows else [])
            if patient and table == "patients":
                owner[rows] = patient
        missing = [q for q in queries for t in ("patients", "appointments") if not wanted[q.name][t] <= told[q.name][t]]
        surplus = [q for q in queries if q.exact for t in ("patients", "appointments") if not told[q.name][t] <= wanted[q.name][t]]
        seen = sum(1 for q in queries if told[q.name]["patients"])
        exact = sum(1 for q in queries if q.exact)
        print("1..4")
        for number, (good, words, wrong) in enumerate([
                (not missing, f"of {QUERIES} queries no row went untold", missing),
                (not surplus, f"of {exact} of them no row was told that did not leave", surplus),
                (seen > QUERIES / 3 and exact > QUERIES / 3, "most queries read something, and can be told exactly", []),
                (all(rows == patient for rows, patient in owner.items()), "a record of one patient names the patient", [])], 1):
            print(f"{'ok' if good else 'not ok'} {number} - {words}")
            for query in wrong[:3]:
                print(f"# {query.name}: {' '.join(query.settings)} {query.text}")
                for table in ("patients", "appointments"):
                    print(f"#   {table}: wanted {len(wanted[query.name][table])}, told {len(told[query.name][table])}")
    finally:
        subprocess.run(["dropdb", "--force", "--if-exists", DATABASE], check=False, capture_output=True)
        subprocess.run(["psql", "-Xqd", "postgres", "-c", f"DROP ROLE IF EXISTS {ROLE}"], check=False, capture_output=True)


main()
