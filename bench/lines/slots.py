"""Free slots: the kernel and the public API beside multiranges and anti-joins in SQL, and beside the least that SQL can cost.

The floor reads the busy rows and makes as many rows as there are slots; no search can be faster in SQL. The baselines know open hours and
busy rows; ours also judge zones, buffers, limits, blocks, holidays and rooms, as a login under row security.
"""
import os
import pathlib
import re
import subprocess

from harness.database import Failed, Session, psql
from harness.suite import Spread, duration, number

from .recurrence import compare

TENANT = "bench.id('0000', 1)"


def identifier(kind, n):
    return f"00000000-{kind}-7000-8000-{n:012d}"


def run(suite, database):
    providers = suite.size(50, 3)
    prepare(database, providers, suite.size(1_000, 10), suite.size(5_000, 30))
    desk, owner = Session(database, "bench_desk"), Session(database)
    eight_weeks(suite, desk, owner, providers)
    one_week(suite, desk, owner)
    many_providers(suite, desk, owner, suite.size(1_000, 10))
    first(suite, desk, suite.size(5_000, 30))
    desk.close()
    owner.close()


def prepare(database, providers, many, crowd):
    psql(database, f"""
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', patient_overlap => 'allow', tenant_id => {TENANT});
SELECT clinic.map_login('bench_desk', 'staff', '{{*}}');
SELECT clinic.create_location('Here', 'UTC', location_id => bench.id('0010', 1));
SELECT clinic.create_service(s.name, 30, service_id => bench.id('0040', s.n)) FROM (VALUES (1, 'Visit'), (2, 'Of many'), (3, 'Of a crowd')) s (n, name);
SELECT count(*) FROM generate_series(1, {providers}) n, LATERAL clinic.create_provider('P' || n, 'UTC', provider_id => bench.id('0020', n)) p,
       LATERAL (SELECT clinic.offer_service(bench.id('0040', 1), p)) o,
       LATERAL clinic.add_hours(p, bench.id('0010', 1), 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '09:00', '15:00', valid_from => '2035-01-01') h;
-- Many providers with eight hours on each working day, and a crowd: one by the API, the others as copies of its rows.
SELECT clinic.create_provider('M', 'UTC', provider_id => bench.id('0020', 10001)), clinic.offer_service(bench.id('0040', 2), bench.id('0020', 10001)),
       clinic.offer_service(bench.id('0040', 3), bench.id('0020', 10001)),
       clinic.add_hours(bench.id('0020', 10001), bench.id('0010', 1), 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '09:00', '17:00', valid_from => '2035-01-01');
SET LOCAL session_replication_role = replica;
CREATE FUNCTION bench.copy_rows(name text, key text, below bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE columns text; expressions text;
BEGIN
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
           string_agg(CASE a.attname WHEN key THEN $q$bench.id('0020', n)$q$ WHEN 'rule_id' THEN $q$bench.id('0030', n)$q$ WHEN 'name' THEN $q$'M' || n$q$
                           WHEN 'calendar_no' THEN $q$nextval('clinic_data.calendar_no_seq')$q$ ELSE format('r.%I', a.attname) END, ', ' ORDER BY a.attnum)
      INTO columns, expressions
      FROM pg_attribute a WHERE a.attrelid = ('clinic_data.' || name)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a';
    EXECUTE format($q$INSERT INTO clinic_data.%1$I (%2$s) SELECT %3$s FROM clinic_data.%1$I r, generate_series(10002, %5$s) n WHERE r.%4$I = bench.id('0020', 10001) %6$s$q$,
                   name, columns, expressions, key, below, CASE WHEN name = 'service_providers' THEN $q$AND (n <= {10000 + many} OR r.service_id <> bench.id('0040', 2))$q$ END);
END $$;
SELECT bench.copy_rows(t, k, {10000 + max(many, crowd)})
  FROM (VALUES ('resources', 'resource_id'), ('providers', 'provider_id'), ('service_providers', 'provider_id'), ('calendars', 'resource_id'), ('availability_rules', 'resource_id')) v (t, k);
SET LOCAL session_replication_role = origin;
SELECT clinic.create_patient('Patient', patient_id => bench.id('0050', 1));
SELECT setseed(0.5);
CREATE TABLE bench.busy AS
    SELECT p::bigint AS resource, s AS starts_at, s + interval '30 min' AS ends_at
      FROM generate_series(1, {providers}) p, generate_series(timestamptz '2035-03-05 00:00Z', '2035-04-29', '30 min') s
     WHERE extract(isodow FROM s) < 6 AND s::time >= '09:00' AND s::time < '15:00' AND random() < 0.5125;
-- One visit of each provider is booked, so that its calendar is there; the others are rows like it.
SELECT count(*) FROM (SELECT DISTINCT ON (resource) * FROM bench.busy ORDER BY resource, starts_at) b, clinic.book_appointment(bench.id('0040', 1), bench.id('0050', 1), b.starts_at, bench.id('0020', b.resource));
SET LOCAL session_replication_role = replica;
CREATE TABLE bench.others AS SELECT row_number() OVER () AS n, bench.id('0020', b.resource) AS provider, b.starts_at, b.ends_at FROM bench.busy b
    WHERE NOT EXISTS (SELECT FROM clinic_data.appointments a WHERE a.provider_id = bench.id('0020', b.resource) AND a.starts_at = b.starts_at);
INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at, ends_at, local_starts_at, time_zone)
    SELECT {TENANT}, bench.id('0060', n), 'C' || n, bench.id('0040', 1), provider, bench.id('0010', 1), bench.id('0050', 1), 'booked', starts_at, ends_at, starts_at AT TIME ZONE 'UTC', 'UTC' FROM bench.others;
INSERT INTO clinic_data.appointment_resources (tenant_id, appointment_id, resource_id) SELECT {TENANT}, bench.id('0060', n), provider FROM bench.others;
INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, service_id, location_id, appointment_id)
    SELECT {TENANT}, bench.id('0070', o.n), o.provider, c.calendar_no, tstzrange(o.starts_at, o.ends_at), o.starts_at, o.ends_at, 'booking', bench.id('0040', 1), bench.id('0010', 1), bench.id('0060', o.n)
      FROM bench.others o JOIN clinic_data.calendars c ON c.tenant_id = {TENANT} AND c.resource_id = o.provider AND c.lane = 1;
SET LOCAL session_replication_role = origin;
COMMIT;
CREATE INDEX ON bench.busy (resource, starts_at);
CREATE INDEX ON bench.busy USING gist (resource, tstzrange(starts_at, ends_at));
CREATE TABLE bench.open AS
    SELECT p::bigint AS resource, d + interval '9 hours' AS opens_at, tstzrange(d + interval '9 hours', d + interval '15 hours') AS hours
      FROM generate_series(1, {providers}) p, generate_series(timestamptz '2035-03-05 00:00Z', '2035-04-29', '1 day') d
     WHERE extract(isodow FROM d) < 6;
CREATE INDEX ON bench.open (resource, opens_at);
GRANT SELECT ON ALL TABLES IN SCHEMA bench TO PUBLIC;
VACUUM ANALYZE;
""")
    psql(database, pathlib.Path("bench/baselines/slots.sql").read_text())


def check(suite, desk, owner, what, mine, baselines):
    """The same starts of the same providers by ours and by each baseline."""
    ours = desk.run(f"SELECT count(*), md5(string_agg(provider_id || ' ' || extract(epoch FROM starts_at), ',' ORDER BY provider_id, starts_at)) FROM {mine}")
    for name, theirs in baselines.items():
        suite.same(f"{what}: {name}", ours, owner.run(
            f"SELECT count(*), md5(string_agg(bench.id('0020', resource) || ' ' || extract(epoch FROM starts_at), ',' ORDER BY bench.id('0020', resource), starts_at)) FROM {theirs}"))
    return int(ours.split("|")[0])


def eight_weeks(suite, desk, owner, providers):
    window = "timestamptz '2035-03-05 00:00Z', timestamptz '2035-04-30 00:00Z'"
    resources = f"ARRAY(SELECT n::bigint FROM generate_series(1, {providers}) n)"
    mine = f"clinic.available_slots(bench.id('0040', 1), {window})"
    multirange, anti_join = f"bench.multirange_slots({resources}, {window})", f"bench.anti_join_slots({resources}, {window})"
    slots = check(suite, desk, owner, "eight weeks", mine, {"multirange": multirange, "anti-join": anti_join})
    floor = (f"SELECT (SELECT count(*) FROM bench.busy WHERE resource = ANY ({resources}) AND starts_at >= '2035-03-05 00:00Z' AND starts_at < '2035-04-30 00:00Z')"
             f" + (SELECT count(*) FROM generate_series(1, {slots}))")
    got = compare(suite, desk, {"floor": floor, "ours": f"SELECT count(*) FROM {mine}", "multirange": f"SELECT count(*) FROM {multirange}"})
    slow = suite.interleave({"anti-join": lambda: dict(zip(("cpu", "clock"), desk.time(f"SELECT count(*) FROM {anti_join}")))}, 1 if suite.smoke else 3)
    figures = {name: got.spread(name) for name in ("floor", "ours", "multirange")}
    kernel = kernel_time(suite, providers)
    what = f"{providers} providers x 8 weeks ({slots:,} slots)"
    if kernel is not None:
        nanoseconds, count, claims = kernel
        text = f"{duration(nanoseconds)} ({claims:,} claims, {count:,} slots)"
        multi = figures["multirange"].median
        suite.line(f"kernel, {what}: the best multirange SQL", multi / nanoseconds, ">= 10x", 10, "more", text, duration(multi))
        suite.line("kernel: the anti-join", slow.spread("anti-join").median / nanoseconds, ">= 400x", 400, "more", text, duration(slow.spread("anti-join").median))
        suite.line("kernel: the floor", nanoseconds / figures["floor"].median, "<= 4.5x", 4.5, "less", text, duration(figures["floor"].median))
    suite.fact(f"available_slots, {what}: the best multirange SQL", got.ratio("multirange", "ours"), duration(figures["ours"].median), duration(figures["multirange"].median))
    suite.fact("available_slots: the anti-join", Spread([v["cpu"] / figures["ours"].median for v in slow.got["anti-join"]]), duration(figures["ours"].median),
               duration(slow.spread("anti-join").median))
    suite.fact("available_slots: the floor", got.ratio("ours", "floor"), duration(figures["ours"].median), duration(figures["floor"].median))
    curves = {}
    for weeks in suite.size([1, 2, 4, 8], [1]):
        span = f"timestamptz '2035-03-05 00:00Z', timestamptz '2035-03-05 00:00Z' + interval '{weeks} weeks'"
        got = compare(suite, desk, {"available_slots": f"SELECT count(*) FROM clinic.available_slots(bench.id('0040', 1), {span})",
                                    "multirange SQL": f"SELECT count(*) FROM bench.multirange_slots({resources}, {span})"})
        for label in got.got:
            curves.setdefault(label, []).append((weeks, got.spread(label).median / 1e6))
    suite.plot("slots", f"{providers} providers, by weeks", "weeks", "ms on a processor", curves)


def kernel_time(suite, providers):
    """Nanoseconds, slots and claims of the kernel alone, without a server."""
    objects = sorted(str(path) for path in pathlib.Path("build").glob("pg*/core/*.o"))
    if not objects:
        suite.skip("the kernel alone", "build/pg*/core has no objects")
        return None
    folder = max(pathlib.Path(o).parent.parent for o in objects)
    objects = [o for o in objects if o.startswith(str(folder) + os.sep)]
    program = pathlib.Path("build/bench/kernel_bench")
    program.parent.mkdir(parents=True, exist_ok=True)
    newest = max(os.path.getmtime(name) for name in ["bench/kernel_bench.cpp", *objects])
    if program.exists() and os.path.getmtime(program) > newest:
        made = None
    else:
        made = subprocess.run(["g++", "-std=c++20", "-O2", "-Isrc", "-o", str(program), "bench/kernel_bench.cpp", *objects, "-lcrypto"], capture_output=True, text=True, check=False)
    if made is not None and made.returncode:
        raise Failed("kernel_bench.cpp does not compile: " + made.stderr[-2000:])
    said = subprocess.run([str(program), "1" if suite.smoke else "40", str(providers)], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    claims, slots, median = re.search(r"(\d+) claims +(\d+) slots +median +([0-9.]+) ms", said).groups()
    return float(median) * 1e6, int(slots), int(claims)


def one_week(suite, desk, owner):
    window = "timestamptz '2035-03-12 00:00Z', timestamptz '2035-03-19 00:00Z'"
    mine = f"clinic.available_slots('{identifier('0040', 1)}', {window}, '{identifier('0020', 2)}')"  # literals, as a client sends them
    theirs = f"bench.multirange_slots(ARRAY[2::bigint], {window})"
    slots = check(suite, desk, owner, "one week", mine, {"multirange": theirs, "anti-join": f"bench.anti_join_slots(ARRAY[2::bigint], {window})"})
    floor = f"SELECT (SELECT count(*) FROM bench.busy WHERE resource = 2 AND starts_at >= '2035-03-12 00:00Z' AND starts_at < '2035-03-19 00:00Z') + (SELECT count(*) FROM generate_series(1, {slots}))"
    got = compare(suite, desk, {"floor": floor, "ours": f"SELECT count(*) FROM {mine}", "multirange": f"SELECT count(*) FROM {theirs}"})
    suite.line(f"available_slots, one provider-week ({slots} slots), against multirange SQL", got.ratio("ours", "multirange"), "<= 1x", 1, "less",
               duration(got.spread("ours").median), duration(got.spread("multirange").median), f"floor {duration(got.spread('floor').median)}")


def many_providers(suite, desk, owner, providers):
    window = "timestamptz '2035-03-05 00:00Z', timestamptz '2035-03-19 00:00Z'"
    mine = f"SELECT count(*) FROM clinic.available_slots(bench.id('0040', 2), {window})"
    rows = int(desk.number(mine))
    suite.same("slots of many providers", rows, providers * 160)
    emit = f"SELECT count(e) FROM bench.emit({rows}) e"
    owner.run("""CREATE OR REPLACE FUNCTION bench.emit(n bigint) RETURNS TABLE (a uuid, b uuid, c timestamptz, d timestamptz, e text, f integer)
        LANGUAGE sql STABLE AS $$ SELECT '00000000-0020-7000-8000-000000000001'::uuid, '00000000-0010-7000-8000-000000000001'::uuid, timestamptz '2035-03-05Z' + make_interval(mins => s),
        timestamptz '2035-03-05Z' + make_interval(mins => s + 30), 'UTC'::text, s FROM generate_series(1, n::integer) s OFFSET 0 $$""")
    got = compare(suite, desk, {"ours": mine, "six columns": emit})
    suite.line(f"{providers:,} providers x 2 weeks ({rows:,} rows), against as many rows of six columns from generate_series", got.ratio("ours", "six columns"), "<= 2.5x", 2.5,
               "less", f"{number(got.spread('ours').median / rows)} ns a row", f"{number(got.spread('six columns').median / rows)} ns a row", "ours have ten columns")


def first(suite, desk, providers):
    window = "timestamptz '2035-03-05 00:00Z', timestamptz '2035-03-19 00:00Z'"
    suite.same("the first slot", desk.run(f"SELECT starts_at FROM clinic.first_available(bench.id('0040', 3), {window})"),
               desk.run(f"SELECT min(starts_at) FROM clinic.available_slots(bench.id('0040', 3), {window})"))
    got = compare(suite, desk, {"first": f"SELECT count(*) FROM clinic.first_available(bench.id('0040', 3), {window})",
                                "all": f"SELECT count(*) FROM clinic.available_slots(bench.id('0040', 3), {window})"})
    share = Spread([100 * v for v in got.ratio("first", "all").values])
    suite.line(f"first_available over {providers:,} providers, of the full expansion of 2 weeks", share, "<= 5 %", 5, "less", duration(got.spread("first").median),
               duration(got.spread("all").median), unit="%")
