"""What audit costs: changes of a table of twenty columns without it, with ours, with a trigger that keeps jsonb, and with pgaudit; sealing; reads."""
import pathlib

from harness.database import Failed, Pgbench, Session, psql
from harness.suite import Spread, duration, number

ONE = "00000001-0000-7000-8000-000000000001"


def run(suite, database):
    psql(database, pathlib.Path("bench/baselines/audit.sql").read_text())
    psql(database, f"""
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', tenant_id => '{ONE}');
COMMIT;
SELECT clinic.enable_audit('bench.ours', patient_column => 'patient_id');""")
    changes(suite, database)
    sealing(suite, database)
    reads(suite, database)


def changes(suite, database):
    rows, single = suite.size(20_000, 200), suite.size(2_000, 20)
    session = Session(database)
    tables = {"none": None, "ours": None, "trigger": None}
    logging = has_pgaudit(suite, database)
    if logging:
        tables["pgaudit"] = Session(database, settings="-c pgaudit.log=write -c pgaudit.log_relation=on -c session_preload_libraries=pgaudit")

    def insert(table):
        return (f"INSERT INTO bench.{table} SELECT '{ONE}', clinic.new_id(), clinic.uuid_floor(to_timestamp(n % 1000)), 'visit', 'booked', 'title ' || n, 'a note of some words ' || n, "
                f"'C-' || n, n * 1.25, 0, n, n % 7, n / 3.0, now(), now() + interval '1 hour', current_date, true, '{{a,b}}' FROM generate_series(1, {rows}) AS n")

    def measure(table, one):
        session.run(f"ALTER TABLE bench.{table} DISABLE TRIGGER ALL; TRUNCATE bench.{table}; TRUNCATE bench.trail; ALTER TABLE bench.{table} ENABLE TRIGGER ALL; CHECKPOINT")
        if table == "ours":  # ALTER ... ENABLE would let them fire in no replica
            session.run("SELECT clinic.enable_audit('bench.ours', patient_column => 'patient_id')")
        took = {"insert": one.time(insert(table))[0], "update": one.time(f"UPDATE bench.{table} SET status = 'done', version = version + 1, amount = amount + 1")[0]}
        session.run(f"DROP TABLE IF EXISTS bench.keys_{table}; CREATE TABLE bench.keys_{table} AS SELECT row_number() OVER () AS n, row_id FROM bench.{table} LIMIT {single}; "
                    f"CREATE UNIQUE INDEX ON bench.keys_{table} (n); ANALYZE bench.keys_{table}")
        session.run(f"VACUUM ANALYZE bench.{table}")
        took["single"] = one.time(f"UPDATE bench.{table} t SET status = 'again', version = version + 1 WHERE t.tenant_id = '{ONE}' AND t.row_id = "
                                  f"(SELECT k.row_id FROM bench.keys_{table} k WHERE k.n = i)", single, each=True)[0]
        return took
    before = session.number("SELECT count(*) FROM clinic_data.audit_records WHERE table_name = 'bench.ours' AND action IN ('create', 'update')")
    got = suite.interleave({table: (lambda t=table, s=one: measure(t, s or session)) for table, one in tables.items()}, 1 if suite.smoke else 3)
    rounds = len(got.got["ours"])
    written = session.number("SELECT count(*) FROM clinic_data.audit_records WHERE table_name = 'bench.ours' AND action IN ('create', 'update')") - before
    suite.same("records of ours, and changes", int(written), rounds * (2 * rows + min(single, rows)))

    def cost(what):
        return duration(got.spread("ours", what).median / (1 if what == "single" else rows)), \
            "none " + duration(got.spread("none", what).median / (1 if what == "single" else rows))
    suite.line("audit, batch INSERT: none", got.ratio("ours", "none", "insert"), "<= 4x", 4, "less", *cost("insert"))
    suite.fact("audit, single UPDATE: none's CPU over ours", got.ratio("none", "ours", "single"), *cost("single"))
    suite.fact("audit, batch UPDATE: none", got.ratio("ours", "none", "update"), *cost("update"))
    for other in list(tables)[2:]:
        for what in ("insert", "update", "single"):
            suite.fact(f"{other}, {what}: none", got.ratio(other, "none", what), theirs=duration(got.spread(other, what).median / (1 if what == "single" else rows)))
    scripts = {name: f"\\set n random(1, {min(single, rows)})\nUPDATE bench.{name} t SET status = 's' || :n, version = version + 1 WHERE t.tenant_id = '{ONE}' AND t.row_id = (SELECT k.row_id FROM bench.keys_{name} k WHERE k.n = :n);\n"
               for name in ("none", "ours")}
    runs = {name: Pgbench(database, name, script, user="postgres", clients=4) for name, script in scripts.items()}
    tps = suite.interleave({name: (lambda one=one: one.run(suite.seconds)) for name, one in runs.items()}, 1 if suite.smoke else 3)
    suite.line("audit, single UPDATE by 4 clients: TPS of none", tps.ratio("ours", "none", "tps"), ">= 0.5x", 0.5, "more", f"{number(tps.spread('ours', 'tps').median)} TPS, {number(tps.spread('ours', 'cpu_us').median)} us CPU",
               f"{number(tps.spread('none', 'tps').median)} TPS, {number(tps.spread('none', 'cpu_us').median)} us CPU")
    session.close()


def has_pgaudit(suite, database):
    if psql(database, "SELECT 1 FROM pg_available_extensions WHERE name = 'pgaudit'") == "":
        suite.skip("pgaudit", "the Debian package postgresql-NN-pgaudit is not installed")
        return False
    if "pgaudit" not in psql("postgres", "SHOW shared_preload_libraries"):
        suite.skip("pgaudit", "the server has not preloaded it")
        return False
    psql(database, "CREATE EXTENSION IF NOT EXISTS pgaudit")
    return True


def sealing(suite, database):
    """Writers without a sealer and with one; then the sealer alone."""
    session = Session(database)
    session.run("SELECT count(*) FROM clinic.seal_audit()")
    rows = suite.size(300_000, 2_000)
    session.run(f"INSERT INTO bench.ours (tenant_id, row_id, status) SELECT '{ONE}', clinic.new_id(), 'x' FROM generate_series(1, {rows})")
    waiting = session.number("SELECT count(*) FROM clinic_data.audit_records") - session.number(f"SELECT coalesce(max(tree_size), 0) FROM clinic_data.audit_heads WHERE tenant_id = '{ONE}'")
    suite.say(f"seals {int(waiting):,} records")
    cpu, clock = session.time("SELECT sum(sealed) FROM clinic.seal_audit(10000000)")
    suite.line("sealer, records a second on a processor", waiting / cpu * 1e9 / 1e3, ">= 400 k/s", 400, "more", f"{int(waiting):,} records in {duration(cpu)}", note=f"by the clock {duration(clock)}", unit="k/s")
    writer = Pgbench(database, "writer", f"INSERT INTO bench.ours (tenant_id, row_id, status) VALUES ('{ONE}', clinic.new_id(), 'x');\n", user="postgres", clients=4)

    def without():
        one = writer.run(suite.seconds)
        return {"cost": one["cpu_us"]}

    def sealed():
        before = session.number("SELECT count(*) FROM clinic_data.audit_records")
        one = writer.run(suite.seconds)
        new = session.number("SELECT count(*) FROM clinic_data.audit_records") - before
        cost = session.time("SELECT sum(sealed) FROM clinic.seal_audit(10000000)")[0] / 1000 / max(new, 1)
        return {"cost": one["cpu_us"] + cost}
    got = suite.interleave({"sealed": sealed}, 1 if suite.smoke else 3)
    plain = suite.interleave({"plain": without}, 1 if suite.smoke else 3)
    seal = cpu / waiting / 1000
    base = plain.spread("plain", "cost").median
    suite.line("sealing, of the CPU of an audited one-row INSERT", 100 * seal / base, "<= 3 %", 3, "less", f"{number(seal)} us a record", f"{number(base)} us an INSERT",
               f"sealed in batches as they come {number(got.spread('sealed', 'cost').median)} us an INSERT", unit="%")
    trouble = session.run("BEGIN; SELECT clinic.use_tenant('bench') \\g /dev/null\nSELECT problem, detail FROM clinic.verify_audit() WHERE NOT intact LIMIT 3; COMMIT")
    if trouble:
        raise Failed(f"the seal does not verify: {trouble}")
    session.close()


def reads(suite, database):
    """A day view with the marks of the tables, and without."""
    psql(database, f"""
BEGIN;
SELECT clinic.use_tenant('bench');
SELECT clinic.map_login('bench_desk', 'admin', '{{*}}');
SET LOCAL session_replication_role = replica;
INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone) VALUES ('{ONE}', '{ONE}', 'L', 'Etc/UTC');
INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, name) VALUES ('{ONE}', '{ONE}', 'provider', 'P');
INSERT INTO clinic_data.providers (tenant_id, provider_id, time_zone) VALUES ('{ONE}', '{ONE}', 'Etc/UTC');
INSERT INTO clinic_data.services (tenant_id, service_id, name, duration_minutes, step_minutes) VALUES ('{ONE}', '{ONE}', 'S', 30, 15);
INSERT INTO clinic_data.patients (tenant_id, patient_id, name) SELECT '{ONE}', md5('p' || n)::uuid, 'N' || n FROM generate_series(1, 2000) n;
INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at, ends_at, local_starts_at, time_zone)
    SELECT '{ONE}', md5('a' || n)::uuid, 'C' || n, '{ONE}', '{ONE}', '{ONE}', md5('p' || 1 + n % 2000)::uuid, 'booked', s, s + interval '30 min', s AT TIME ZONE 'UTC', 'Etc/UTC'
      FROM generate_series(1, 10000) n CROSS JOIN LATERAL (SELECT '2026-01-01Z'::timestamptz + n * interval '30 minutes' AS s) t;
COMMIT;
VACUUM ANALYZE;
CREATE TABLE bench.marks AS SELECT tgrelid::regclass::text AS name, pg_get_triggerdef(oid) AS definition, tgenabled FROM pg_trigger WHERE tgname = 'zz_93_audit_reads';
CREATE FUNCTION bench.mark(wanted boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE m record;
BEGIN
    FOR m IN SELECT * FROM bench.marks LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS zz_93_audit_reads ON %s', m.name);
        IF wanted THEN
            EXECUTE m.definition;
            EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER zz_93_audit_reads', m.name, CASE m.tgenabled WHEN 'A' THEN 'ALWAYS' ELSE '' END);
        END IF;
    END LOOP;
END $$;""")
    script = """\\set day random(1, 200)
SELECT confirmation_code, patient_name, starts_at FROM clinic.appointments
 WHERE starts_at >= '2026-01-01Z'::timestamptz + :day * interval '1 day' AND starts_at < '2026-01-02Z'::timestamptz + :day * interval '1 day' ORDER BY starts_at;
"""
    runs = {name: Pgbench(database, name, script, clients=1) for name in ("audited", "unmarked")}

    def turn(name):
        psql(database, f"SELECT bench.mark({name == 'audited'})")
        runs[name].start = None
        return runs[name].run(suite.seconds)
    got = suite.interleave({name: (lambda n=name: turn(n)) for name in runs})
    if int(psql(database, "SELECT clinic.ingest_audit()").split("|")[0] or 0) == 0 and psql(database, "SELECT count(*) FROM clinic_data.audit_records WHERE action = 'view'") == "0":
        raise Failed("the day views left no record")
    share = Spread([100 * (v - 1) for v in got.ratio("audited", "unmarked", "cpu_us").values])
    suite.line("audited reads: of the CPU of a day view", share, "<= 10 %", 10, "less", f"{number(got.spread('audited', 'cpu_us').median)} us", f"{number(got.spread('unmarked', 'cpu_us').median)} us without",
               f"by the clock {number(100 * (got.ratio('audited', 'unmarked', 'latency').median - 1))} %", unit="%")
