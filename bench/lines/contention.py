"""Thirty-two clients on eight hot slots, fsync on: ours beside a unique index that decides the race."""
import pathlib

from harness.database import Failed, Pgbench, psql, settle
from harness.suite import Spread, number


def run(suite, database):
    clients = suite.size(32, 8)
    psql(database, """
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', patient_overlap => 'allow', tenant_id => bench.id('0000', 1));
SELECT clinic.map_login('bench_desk', 'staff', '{*}');
SELECT clinic.create_location('Here', 'UTC', location_id => bench.id('0010', 1));
SELECT clinic.create_service('Visit', 30, service_id => bench.id('0040', 1));
SELECT clinic.create_provider('P' || n, 'UTC', provider_id => bench.id('0020', n)), clinic.offer_service(bench.id('0040', 1), bench.id('0020', n)),
       clinic.add_hours(bench.id('0020', n), bench.id('0010', 1), 'FREQ=DAILY', '00:00', '24:00', valid_from => '2035-01-01')
  FROM generate_series(1, 8) n;
SELECT clinic.create_patient('Patient', patient_id => bench.id('0050', n)) FROM generate_series(1, 64) n;
COMMIT;""")
    psql(database, pathlib.Path("bench/baselines/contention.sql").read_text())
    psql(database, "GRANT ALL ON ALL TABLES IN SCHEMA bench TO bench_desk; GRANT ALL ON ALL SEQUENCES IN SCHEMA bench TO bench_desk; VACUUM ANALYZE;")
    runs = {"ours": Pgbench(database, "ours", f"SELECT bench.try_ours({clients}, 1 + :client_id);\n", clients=clients),
            "race": Pgbench(database, "race", f"SELECT bench.try_race({clients});\n", clients=clients)}
    settle(database, runs.values(), suite.size(1_000, 50))
    before = deadlocks(database)
    durable(True)
    try:
        got = suite.interleave({name: (lambda one=one: one.run(suite.seconds, log=True)) for name, one in runs.items()})
    finally:
        durable(False)
    offered = {name: int(psql(database, f"SELECT last_value / (8 * {clients}) * 8 + least(last_value % (8 * {clients}) + 1, 8) FROM bench.{sequence}"))
               for name, sequence in (("ours", "our_attempt"), ("race", "race_attempt"))}
    won = {"ours": int(psql(database, "SELECT count(*) FROM clinic_data.appointments")), "race": int(psql(database, "SELECT count(*) FROM bench.race"))}
    found = deadlocks(database) - before

    def figures(name):
        return f"{number(got.spread(name, 'tps').median)} attempts/s, {number(got.spread(name, 'cpu_us').median)} us CPU, worst {number(max(got.spread(name, 'worst_ms').values))} ms"
    what = f"{clients} clients on 8 hot slots"
    suite.line(f"{what}: deadlocks", found, "0", 0, "less", unit="")
    suite.line(f"{what}: attempts/s of the unique-index race", got.ratio("ours", "race", "tps"), ">= 0.9x", 0.9, "more", figures("ours"), figures("race"))
    suite.line(f"{what}: offered slots won", 100 * won["ours"] / max(offered["ours"], 1), ">= 97 %", 97, "more", f"{won['ours']:,} of {offered['ours']:,}",
               f"{won['race']:,} of {offered['race']:,}", unit="%")
    suite.line(f"{what}: worst latency", Spread(got.spread("ours", "worst_ms").values), "< 100 ms", 100, "less", "99th percentile " + number(got.spread("ours", "p99_ms").median) + " ms",
               "worst " + number(got.spread("race", "worst_ms").median) + " ms", unit="ms")
    twice = psql(database, "SELECT count(*) FROM clinic_data.appointments a JOIN clinic_data.appointments b ON b.provider_id = a.provider_id AND b.starts_at = a.starts_at AND b.appointment_id > a.appointment_id")
    if twice != "0":
        raise Failed(f"{twice} slots were won twice")


def deadlocks(database):
    return int(psql(database, f"SELECT pg_stat_get_db_deadlocks(oid) FROM pg_database WHERE datname = '{database}'"))


def durable(on):
    for setting, value in (("fsync", on), ("full_page_writes", on), ("synchronous_commit", on)):
        psql("postgres", f"ALTER SYSTEM SET {setting} = {'on' if value else 'off'}")
    psql("postgres", "SELECT pg_reload_conf(); SELECT pg_sleep(0.3); CHECKPOINT")
