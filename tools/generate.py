#!/usr/bin/env python3
"""Fills a database that has pg_clinic installed with a great many visits and all that belongs to them, as the engine would have left it.

    tools/generate.py [--tenants 20] [--providers 200] [--appointments 200000] [--seed 1] [--today DATE] [--audit 0.1] [--jobs N] [DATABASE]

Connects as a superuser by PGHOST, PGPORT and PGUSER. Makes tenants load-1, load-2 and so on, which must not be there; providers and
appointments are spread over them evenly. The same seed and date make the same rows, except for what is encrypted: patients' phone
numbers have random keys, and without a master key there are none. --audit: the share of visits that left records of the audit.

Meanwhile triggers are off and indexes that are no constraint are gone from the tables of history; nobody else should write. Whatever
happens, they are made again at the end; after a crash of this program --repair does that. Prints progress, and rows a second.
"""
import argparse
import collections
import concurrent.futures
import datetime
import os
import pathlib
import queue
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent
BIG = """patients resources calendars patient_search_keys patient_contacts patient_keys consents appointments appointment_resources claims
events notifications outbox tickets idempotency_keys sign_in_events waitlist_entries series series_appointments audit_records audit_read_patients""".split()

# What was taken away, as the statements that bring it back: triggers that fire always, and indexes.
PREPARE = """
CREATE TABLE generate.undo (number serial PRIMARY KEY, relation text, size bigint, command text NOT NULL);
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT format('clinic_data.%%I', c.relname) AS relation, t.tgname
                 FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                WHERE c.relnamespace = 'clinic_data'::regnamespace AND t.tgenabled = 'A' AND t.tgparentid = 0 AND c.relname = ANY ('{%(big)s}')
                  AND NOT t.tgisinternal AND t.tgname !~ '^00_|truncate$' LOOP
        EXECUTE format('ALTER TABLE %%s DISABLE TRIGGER %%I', one.relation, one.tgname);
        INSERT INTO generate.undo (command) VALUES (format('ALTER TABLE %%s ENABLE ALWAYS TRIGGER %%I', one.relation, one.tgname));
    END LOOP;
    FOR one IN SELECT format('clinic_data.%%I', c.relname) AS relation, i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
                 FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
                WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relname = ANY ('{%(big)s}') AND NOT c.relispartition AND k.oid IS NULL LOOP
        EXECUTE format('DROP INDEX %%s', one.name);
        INSERT INTO generate.undo (relation, command) VALUES (one.relation, replace(one.definition, ' ON ONLY ', ' ON '));
    END LOOP;
END
$$;
"""


class Failed(Exception):
    """A statement failed."""


class Session:
    """One psql, asked again and again."""

    def __init__(self, database):
        environment = dict(os.environ, PGOPTIONS="-c client_min_messages=warning -c timezone=UTC -c synchronous_commit=off")
        self.process = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, env=environment)

    def run(self, script):
        try:
            self.process.stdin.write(script.rstrip().rstrip(";") + ";\n\\echo :over:\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        said = []
        for line in self.process.stdout:
            if line == ":over:\n":
                return "".join(said).rstrip("\n")
            said.append(line)
        raise Failed("".join(said).strip() or "psql ended")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", nargs="?", default=os.environ.get("PGDATABASE", "postgres"))
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument("--providers", type=int, default=200)
    parser.add_argument("--appointments", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--today", type=datetime.date.fromisoformat, default=datetime.date.today())
    parser.add_argument("--audit", type=float, default=0.1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--repair", action="store_true")
    chosen = parser.parse_args()
    if not 1 <= chosen.tenants <= chosen.providers <= chosen.appointments or not 0 <= chosen.audit <= 1 or chosen.jobs < 1:
        parser.error("each tenant has a provider, each provider an appointment, and the share is between 0 and 1")
    return chosen


class Generator:
    def __init__(self, options):
        self.options = options
        self.began = time.monotonic()
        self.idle = queue.SimpleQueue()
        for _ in range(options.jobs):
            self.idle.put(Session(options.database))
        self.main = Session(options.database)

    def say(self, what):
        print(f"{time.monotonic() - self.began:7.1f} s  {what}", flush=True)

    def in_parallel(self, work, items):
        """Runs work(session, item) for each item, on as many sessions as there are."""
        def one(item):
            session = self.idle.get()
            result = work(session, item)
            self.idle.put(session)  # a session that failed has ended
            return result
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            tasks = [pool.submit(one, item) for item in items]
            for task in concurrent.futures.as_completed(tasks):
                if task.exception():
                    for other in tasks:
                        other.cancel()
                yield task.result()

    def settings(self):
        """What a tenant gets: visits are whole for each provider, eight a weekday, a tenth of the days ahead but no more than twenty."""
        o = self.options
        providers = max(round(o.providers / o.tenants), 1)
        visits = max(round(o.appointments / o.tenants / providers), 1)
        days = (visits + 7) // 8
        future = min(max(days // 10, 1), 20)
        patients = max(round(visits / 20), 8) * providers
        return providers, patients, visits, days, future

    def prepare(self):
        providers, patients, visits, days, future = self.settings()
        o = self.options
        self.main.run((TOP / "generate.sql").read_text())
        self.main.run(f"""
INSERT INTO generate.settings
SELECT {o.seed}, '{o.today}', coalesce(max(c.calendar_no), 0) + 1, {providers}, {patients}, {visits}, {days}, {future}, {o.audit},
       current_setting('clinic.master_key_file', true) <> '' FROM clinic_data.calendars c;
SELECT setval('clinic_data.calendar_no_seq', s.first_calendar_no + {o.tenants} * (2 * s.providers + s.patients)::bigint) FROM generate.settings s;
-- The partitions that the job would have made month by month.
DO $$
DECLARE
    of record;
    month date;
    first_month date := date_trunc('month', generate.first_monday() - 60);
BEGIN
    SET LOCAL ROLE clinic_owner;
    FOR of IN SELECT * FROM clinic_private.months_by_id() LOOP
        FOR month IN SELECT m::date FROM generate_series(first_month::timestamp, '{o.today}'::timestamp + interval '3 months', '1 month') m LOOP
            IF to_regclass(format('clinic_data.%I', format('%s_%s', of.table_name, to_char(month, 'YYYY_MM')))) IS NULL THEN
                PERFORM clinic_private.make_month(of.table_name, of.key_column, of.default_partition, month);
            END IF;
        END LOOP;
    END LOOP;
END
$$;""")
        self.main.run("BEGIN;" + PREPARE % {"big": ",".join(BIG)} + "COMMIT;")
        self.say(f"{o.tenants:,} tenants of {providers:,} providers, {patients:,} patients and {visits * providers:,} appointments: {days} weekdays, {future} of them ahead")

    def fill(self):
        visits = rows = done = 0
        began = told = time.monotonic()
        for _ in range(self.options.jobs):
            one = self.idle.get()
            one.run("SET session_replication_role = replica; SET work_mem = '64MB'")
            self.idle.put(one)
        for answer in self.in_parallel(lambda session, t: session.run(f"SELECT * FROM generate.fill({t})"), range(1, self.options.tenants + 1)):
            of_visits, of_rows = map(int, answer.split("\n")[-1].split("|"))
            visits, rows, done = visits + of_visits, rows + of_rows, done + 1
            if time.monotonic() - told > 5 or done == self.options.tenants:
                told = time.monotonic()
                self.say(f"{done:,} tenants, {visits:,} appointments, {rows:,} rows, {rows / (told - began):,.0f} rows/s")
        return visits, rows

    def undo(self):
        """Indexes first, those of big tables before others, as many at once as there are sessions; then the triggers."""
        commands = self.main.run("SELECT number, relation IS NULL, command FROM generate.undo WHERE relation IS NOT NULL ORDER BY pg_total_relation_size(relation::regclass) DESC, number")
        indexes = [line.split("|", 2) for line in commands.splitlines()]
        # Two indexes of one partitioned table get in each other's way.
        of_table = collections.defaultdict(list)
        for number, _, command in indexes:
            of_table[command.split(" USING ")[0].rsplit(" ", 1)[1] if ".events" in command or ".audit_records" in command else number].append((number, command))
        def make(session, group):
            for number, command in group:
                session.run(f"SET maintenance_work_mem = '512MB'; {command}; DELETE FROM generate.undo WHERE number = {number}")
            return group[-1][1]
        for _ in self.in_parallel(make, of_table.values()):
            pass
        self.say(f"{len(indexes)} indexes made again")
        self.main.run("DO $$ DECLARE one record; BEGIN FOR one IN SELECT command FROM generate.undo ORDER BY number LOOP EXECUTE one.command; END LOOP; END $$")
        self.main.run("DROP SCHEMA generate CASCADE")

    def analyse(self):
        tables = self.main.run("SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                               "WHERE n.nspname = 'clinic_data' AND c.relkind IN ('r', 'p') ORDER BY c.relkind, pg_relation_size(c.oid) DESC").splitlines()
        for _ in self.in_parallel(lambda session, table: session.run(f"VACUUM (ANALYZE) {table}"), tables):
            pass
        self.say("vacuumed and analysed")


def main():
    options = arguments()
    generator = Generator(options)
    if options.repair:
        generator.undo()
        return 0
    generator.prepare()
    try:
        visits, rows = generator.fill()
    except BaseException:
        generator = Generator(options)  # whose sessions are whole
        generator.undo()
        raise
    generator.undo()
    generator.analyse()
    took = time.monotonic() - generator.began
    size = generator.main.run("SELECT pg_size_pretty(pg_database_size(current_database()))")
    generator.say(f"{visits:,} appointments, {rows:,} rows in all: {visits / took:,.0f} appointments/s, {rows / took:,.0f} rows/s, {size}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as trouble:
        sys.exit(f"generate.py: {trouble}")
