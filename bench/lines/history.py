"""What a booking and a search cost as history and tenants grow: they must not.

Past appointments with their resources are loaded in bulk; then clients book in a few of the tenants. Each size is measured again with the
smallest beside it in turn, in a database of its own, so that both meet the same machine.
"""
from harness.database import Pgbench, Session, make_database, psql, settle
from harness.suite import Spread, number



def run(suite, database):
    small, large = suite.size(100_000, 1_000), suite.options.scale if not suite.smoke else 5_000
    few, many = 1, suite.size(1_000, 10)
    history(suite, database, small, large)
    tenants(suite, database, few, many)


def history(suite, database, small, large):
    other = database + "_large"
    make_database(other)
    load(suite, database, 1, small)
    load(suite, other, 1, large)
    compare(suite, {"small": database, "large": other}, f"{small:,} to {large:,} past appointments", f"{small:,}", f"{large:,}", plot=[small, large])
    scans(suite, other, large)
    psql("postgres", f"DROP DATABASE {other} WITH (FORCE)")


def tenants(suite, database, few, many):
    other = database + "_tenants"
    make_database(other)
    load(suite, other, many, suite.size(100_000, 1_000))
    compare(suite, {"small": database, "large": other}, f"{few:,} to {many:,} tenants", f"{few:,}", f"{many:,}")
    psql("postgres", f"DROP DATABASE {other} WITH (FORCE)")


def load(suite, database, tenants, appointments):
    """Tenants of one service, ten providers with hours every day and 200 patients each, and past visits spread over them; the login acts for the first."""
    suite.say(f"loads {appointments:,} appointments of {tenants:,} tenants")
    each = max(appointments // tenants, 1)
    psql(database, f"""
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', tenant_id => bench.id('0001', 0));
SELECT clinic.map_login('bench_desk', 'staff', '{{*}}');
SELECT clinic.create_location('L', 'UTC', location_id => bench.id('0001', 1));
SELECT clinic.create_service('S', 30, service_id => bench.id('0001', 2));
SELECT clinic.create_provider('P' || n, 'UTC', provider_id => bench.id('0001', 10 + n)), clinic.offer_service(bench.id('0001', 2), bench.id('0001', 10 + n)),
       clinic.add_hours(bench.id('0001', 10 + n), bench.id('0001', 1), 'FREQ=DAILY', '08:00', '18:00', valid_from => '2035-01-01') FROM generate_series(1, 10) n;
SELECT clinic.create_patient('Patient', patient_id => bench.id('0001', 1000 + n)) FROM generate_series(1, 200) n;
COMMIT;
SET session_replication_role = replica;
-- The rows of the first tenant that configure it, for each further one.
CREATE FUNCTION bench.of(tenant bigint, id uuid) RETURNS uuid LANGUAGE plpgsql IMMUTABLE
    AS $$ BEGIN RETURN bench.id(lpad(to_hex(tenant), 4, '0'), right(id::text, 12)::bigint); END $$;
CREATE FUNCTION bench.copy_rows(name text, tenants integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE columns text; expressions text;
BEGIN
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
           string_agg(CASE WHEN a.atttypid = 'uuid'::regtype THEN format('CASE WHEN r.%1$I IS NULL THEN NULL WHEN r.%1$I::text LIKE ''00000000-0001-%%'' THEN bench.of(t, r.%1$I) ELSE gen_random_uuid() END', a.attname)
                           WHEN a.attname = 'slug' THEN '''bench-'' || t' WHEN a.attname = 'calendar_no' THEN 'nextval(''clinic_data.calendar_no_seq'')'
                           ELSE format('r.%I', a.attname) END, ', ' ORDER BY a.attnum)
      INTO columns, expressions
      FROM pg_attribute a WHERE a.attrelid = ('clinic_data.' || name)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a';
    EXECUTE format('INSERT INTO clinic_data.%1$I (%2$s) SELECT %3$s FROM clinic_data.%1$I r, generate_series(2, %4$s) t WHERE r.tenant_id = bench.id(''0001'', 0)', name, columns, expressions, tenants);
END $$;
SELECT bench.copy_rows(name, {tenants}) FROM unnest('{{tenants,locations,services,resources,providers,service_providers,availability_rules,calendars,patients}}'::text[]) name;
-- Indexes that are no constraint are made after the rows.
CREATE TABLE bench.made AS
    SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
     WHERE i.indrelid IN ('clinic_data.appointments'::regclass, 'clinic_data.appointment_resources'::regclass) AND c.oid IS NULL;
DO $$ DECLARE d text; BEGIN FOR d IN SELECT 'DROP INDEX ' || name FROM bench.made LOOP EXECUTE d; END LOOP; END $$;
CREATE TABLE bench.ids AS
    SELECT '00000001-' || lpad(to_hex(t), 4, '0') || '-7000-8000-' AS base, bench.of(t, bench.id('0001', 0)) AS tenant, bench.of(t, bench.id('0001', 1)) AS location,
           bench.of(t, bench.id('0001', 2)) AS service, (SELECT array_agg(bench.of(t, bench.id('0001', 10 + k))) FROM generate_series(1, 10) k) AS providers,
           (SELECT array_agg(bench.of(t, bench.id('0001', 1000 + k))) FROM generate_series(1, 200) k) AS patients
      FROM generate_series(1, {tenants}) t;
INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at, ends_at, local_starts_at, time_zone)
    SELECT x.tenant, (x.base || lpad(to_hex(n), 12, '0'))::uuid, 'C' || n, x.service, x.providers[1 + n % 10], x.location, x.patients[1 + n * 7 % 200], 'completed',
           s.at, s.at + interval '30 minutes', s.at AT TIME ZONE 'UTC', 'UTC'
      FROM bench.ids x
     CROSS JOIN generate_series(1, {each}) n
     CROSS JOIN LATERAL (SELECT timestamptz '2025-01-01 08:00Z' - n / 200 * interval '1 day' + n / 10 % 20 * interval '30 minutes' AS at) s;
INSERT INTO clinic_data.appointment_resources (tenant_id, appointment_id, resource_id) SELECT tenant_id, appointment_id, provider_id FROM clinic_data.appointments;
DO $$ DECLARE d text; BEGIN FOR d IN SELECT definition FROM bench.made LOOP EXECUTE d; END LOOP; END $$;
SET session_replication_role = origin;
CREATE FUNCTION bench.book(p bigint, n bigint, s timestamptz) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT b.appointment_id FROM clinic.book_appointment(bench.id('0001', 2), bench.id('0001', 1000 + n), s, bench.id('0001', 10 + p)) b);
EXCEPTION WHEN SQLSTATE 'CL013' OR SQLSTATE 'CL016' THEN
    RETURN NULL;
END $$;
VACUUM ANALYZE;
""")


def compare(suite, databases, what, below, above, plot=None):
    script = ("\\set p random(1, 10)\n\\set n random(1, 200)\n\\set s 2051222400 + 86400 * random(0, 2999) + 28800 + 1800 * random(0, 19)\n"
              "SELECT bench.book(:p, :n, to_timestamp(:s));\n")
    runs = {name: Pgbench(database, name, script, clients=1) for name, database in databases.items()}
    for one in runs.values():
        settle(one.database, [one], suite.size(500, 20))
    got = suite.interleave({name: (lambda one=one: one.run(suite.seconds)) for name, one in runs.items()})
    suite.line(f"booking, {what}: CPU", got.ratio("large", "small", "cpu_us"), "<= 1.1x", 1.1, "less", f"{number(got.spread('large', 'cpu_us').median)} us with {above}",
               f"{number(got.spread('small', 'cpu_us').median)} us with {below}", f"by the clock {number(got.ratio('large', 'small', 'latency').median)}x")
    if plot:
        suite.plot("history", "A booking, by past appointments", "past appointments", "us on a processor",
                   {"clinic.book_appointment": [(size, got.spread(name, "cpu_us").median) for size, name in zip(plot, ("small", "large"))]})


CALLS = {
    "available_slots": "SELECT count(*) FROM clinic.available_slots(bench.id('0001', 2), '2035-03-05Z', '2035-03-12Z')",
    "first_available": "SELECT count(*) FROM clinic.first_available(bench.id('0001', 2), '2035-03-05Z', '2035-03-12Z')",
    "explain_slot": "SELECT count(*) FROM clinic.explain_slot(bench.id('0001', 2), '2035-03-05 09:00Z', bench.id('0001', 11))",
    "book_appointment": "SELECT count(*) FROM clinic.book_appointment(bench.id('0001', 2), bench.id('0001', 1001), '2047-03-05 09:00Z', bench.id('0001', 11))",
    "reschedule_appointment": "SELECT count(*) FROM clinic.reschedule_appointment((SELECT appointment_id FROM clinic.appointments WHERE patient_id = bench.id('0001', 1001) AND starts_at = '2047-03-05 09:00Z'), '2047-03-05 10:00Z')",
    "cancel_appointment": "SELECT count(*) FROM clinic.cancel_appointment((SELECT appointment_id FROM clinic.appointments WHERE patient_id = bench.id('0001', 1001) AND starts_at = '2047-03-05 10:00Z'))",
    "hold_slot": "SELECT count(*) FROM clinic.hold_slot(bench.id('0001', 2), bench.id('0001', 1001), '2047-03-06 09:00Z', bench.id('0001', 11))",
    "find_conflicts": "SELECT count(*) FROM clinic.find_conflicts(bench.id('0001', 2), '2047-03-06 09:00Z', bench.id('0001', 11))",
    "day view": "SELECT count(*) FROM clinic.appointments WHERE provider_id = bench.id('0001', 11) AND starts_at >= '2024-12-31' AND starts_at < '2025-01-01'",
    "patient's visits": "SELECT count(*) FROM clinic.appointments WHERE patient_id = bench.id('0001', 1007) AND starts_at >= '2024-12-01'",
    "list_appointments": "SELECT count(*) FROM clinic.list_appointments('2024-12-25Z', '2025-01-01Z')",
    "day_sheet": "SELECT count(*) FROM clinic.day_sheet('2024-12-31', bench.id('0001', 11))",
    "get_appointment": "SELECT clinic.get_appointment((SELECT appointment_id FROM clinic.appointments WHERE provider_id = bench.id('0001', 11) AND starts_at > '2024-12-30' LIMIT 1))",
}


def scans(suite, database, rows):
    """Every call once, as a login under row security: what it read of the tables that grow with history."""
    session, owner = Session(database, "bench_desk"), Session(database)
    counters = """SELECT pg_stat_force_next_flush(); SELECT pg_sleep(0.02); SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_all_tables
        WHERE schemaname = 'clinic_data' AND (relname IN ('appointments', 'appointment_resources', 'patients') OR relname LIKE 'events%' OR relname LIKE 'audit%' OR relname LIKE 'notifications%')"""
    worst, guilty, failed = 0, [], []
    for name, statement in CALLS.items():
        before = owner.run(counters).split("\n")[-1]
        try:
            session.run(statement + "; SELECT pg_stat_force_next_flush()")
        except Exception as trouble:  # a call that is refused shows nothing
            failed.append(f"{name}: {str(trouble).splitlines()[0]}")
            session = Session(database, "bench_desk")
            continue
        session.run("SELECT 1")
        read = int(owner.run(counters).split("\n")[-1]) - int(before)
        if read > worst:
            worst = read
        if read > 1_000:
            guilty.append(f"{name} {read:,}")
    session.close()
    owner.close()
    if failed:
        from harness.database import Failed
        raise Failed("; ".join(failed))
    suite.line(f"calls that scan a table of history ({len(CALLS)} calls on {rows:,} appointments)", len(guilty), "0", 0, "less", "; ".join(guilty),
               note=f"rows read by sequential scans, at most: {worst:,}", unit="")
