"""A whole booking beside one function of PL/pgSQL that keeps the same rows, the same statements sent one by one, and a plain insert.

Providers with hours every day; each attempt goes to a random provider, start and patient, so that nearly all succeed. Ours also judges
hours, blocks, limits and rights, as a login under row security.
"""
import pathlib

from harness.database import Failed, Pgbench, Session, psql, settle
from harness.suite import number

# 1000 days of 20 half hours from 2035-01-01 08:00 on.
AT = "\\set s 2051222400 + 86400 * random(0, 999) + 28800 + 1800 * random(0, 19)\n"
PICK = "\\set p random(1, {providers})\n\\set n random(1, {patients})\n\\set k random(1, 9000000000000000)\n" + AT
IDS = "bench.id('0000', 1), bench.id('0040', 1), bench.id('0050', :n), to_timestamp(:s), bench.id('0020', :p), bench.id('0010', 1)"


def run(suite, database):
    providers, patients = suite.size(200, 5), suite.size(20_000, 200)
    prepare(database, providers, patients)
    same_rows(suite, database)
    pick = PICK.format(providers=providers, patients=patients)
    clients = suite.size(8, 2)
    scripts = {
        "ours": pick + "SELECT bench.book(:p, :n, to_timestamp(:s), 'k' || :k);\n",
        "function": pick + f"SELECT bench.book_by_hand({IDS}, 'k' || :k);\n",
        "statements": pick + statements(),
        "plain": pick + "INSERT INTO bench.plain (tenant_id, resource_id, starts_at, ends_at) VALUES (bench.id('0000', 1), bench.id('0020', :p), to_timestamp(:s), to_timestamp(:s + 1800));\n",
    }
    runs = {name: Pgbench(database, name, script, clients=clients) for name, script in scripts.items()}
    settle(database, runs.values(), suite.size(2_000, 50))
    got = suite.interleave({name: (lambda one=one: one.run(suite.seconds)) for name, one in runs.items()})

    def figures(name):
        return f"{number(got.spread(name, 'tps').median)} TPS, {number(got.spread(name, 'cpu_us').median)} us CPU"
    share = profile(database)
    suite.line("whole booking: TPS of one PL/pgSQL function with the same rows", got.ratio("ours", "function", "tps"), ">= 1.75x", 1.75, "more", figures("ours"), figures("function"), share)
    suite.line("whole booking: TPS of the multi-statement transaction", got.ratio("ours", "statements", "tps"), ">= 2.5x", 2.5, "more", figures("ours"), figures("statements"))
    suite.line("whole booking: CPU of a plain one-row insert", got.ratio("ours", "plain", "cpu_us"), "<= 4x", 4, "less", figures("ours"), figures("plain"))
    suite.fact("whole booking: the function's CPU over ours", got.ratio("function", "ours", "cpu_us"), figures("ours"), figures("function"))
    suite.fact("whole booking: the statements' CPU over ours", got.ratio("statements", "ours", "cpu_us"), figures("ours"), figures("statements"))
    suite.fact("the function: CPU of a plain one-row insert", got.ratio("function", "plain", "cpu_us"), figures("function"), figures("plain"))
    trouble = psql(database, "SELECT * FROM clinic.check_integrity() LIMIT 3")
    if trouble:
        raise Failed(f"the diary is not in order after the run: {trouble}")


def prepare(database, providers, patients):
    psql(database, f"""
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', tenant_id => bench.id('0000', 1));
SELECT clinic.map_login('bench_desk', 'staff', '{{*}}'), clinic.map_login('postgres', 'staff', '{{*}}');
SELECT clinic.create_location('Here', 'UTC', location_id => bench.id('0010', 1));
SELECT clinic.create_service('Visit', 30, service_id => bench.id('0040', 1));
SELECT clinic.create_provider('P' || n, 'UTC', provider_id => bench.id('0020', n)), clinic.offer_service(bench.id('0040', 1), bench.id('0020', n)),
       clinic.add_hours(bench.id('0020', n), bench.id('0010', 1), 'FREQ=DAILY', '08:00', '18:00', valid_from => '2035-01-01')
  FROM generate_series(1, {providers}) n;
SET LOCAL session_replication_role = replica;
INSERT INTO clinic_data.resources (tenant_id, resource_id, kind) SELECT bench.id('0000', 1), bench.id('0050', n), 'patient' FROM generate_series(1, {patients}) n;
INSERT INTO clinic_data.calendars (tenant_id, resource_id, lane) SELECT bench.id('0000', 1), bench.id('0050', n), 1 FROM generate_series(1, {patients}) n;
INSERT INTO clinic_data.patients (tenant_id, patient_id, name) SELECT bench.id('0000', 1), bench.id('0050', n), 'Patient ' || n FROM generate_series(1, {patients}) n;
COMMIT;
-- A time that is taken ends neither script.
CREATE FUNCTION bench.book(p bigint, n bigint, s timestamptz, k text) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT b.appointment_id FROM clinic.book_appointment(bench.id('0040', 1), bench.id('0050', n), s, bench.id('0020', p), idempotency_key => k) b);
EXCEPTION WHEN SQLSTATE 'CL013' OR SQLSTATE 'CL016' THEN
    RETURN NULL;
END $$;
""")
    psql(database, pathlib.Path("bench/baselines/booking.sql").read_text())
    psql(database, "GRANT ALL ON ALL TABLES IN SCHEMA bench TO bench_desk; GRANT ALL ON ALL SEQUENCES IN SCHEMA bench TO bench_desk; VACUUM ANALYZE;")


def statements():
    """The body of the function as a client sends it, statement by statement."""
    tenant, service, patient, at, provider, location = "bench.id('0000', 1)", "bench.id('0040', 1)", "bench.id('0050', :n)", "to_timestamp(:s)", "bench.id('0020', :p)", "bench.id('0010', 1)"
    during = "tstzrange(to_timestamp(:s), to_timestamp(:s + 1800))"
    return f"""BEGIN;
INSERT INTO bench.idempotency (tenant_id, key, request, expires_at) VALUES ({tenant}, 'k' || :k, sha256('x'), now() + interval '1 day') ON CONFLICT DO NOTHING;
SELECT pg_advisory_xact_lock(hashtextextended(r::text, 0)) FROM unnest(ARRAY[least({provider}, {patient}), greatest({provider}, {patient})]) r;
SELECT (EXISTS (SELECT FROM bench.allocations a WHERE a.resource_id = {provider} AND a.during && {during})
     OR EXISTS (SELECT FROM bench.allocations a WHERE a.resource_id = {patient} AND a.during && {during}))::integer AS taken \\gset
\\if :taken
ROLLBACK;
\\else
INSERT INTO bench.appointments (tenant_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at, ends_at, local_starts_at, time_zone)
    VALUES ({tenant}, upper(substr(md5(gen_random_uuid()::text), 1, 10)), {service}, {provider}, {location}, {patient}, 'booked', {at}, to_timestamp(:s + 1800), {at} AT TIME ZONE 'UTC', 'UTC')
    RETURNING appointment_id AS a \\gset
INSERT INTO bench.appointment_resources VALUES ({tenant}, :a::uuid, {provider});
INSERT INTO bench.allocations (tenant_id, appointment_id, resource_id, during) VALUES ({tenant}, :a::uuid, {provider}, {during}), ({tenant}, :a::uuid, {patient}, {during});
INSERT INTO bench.reminders (tenant_id, kind, patient_id, appointment_id, due_at)
    SELECT {tenant}, 'reminder', {patient}, :a::uuid, {at} - b FROM unnest('{{72 hours,24 hours,2 hours}}'::interval[]) b
    UNION ALL SELECT {tenant}, 'confirmation', {patient}, :a::uuid, now();
INSERT INTO bench.outbox (tenant_id, name, subject_id, payload) SELECT {tenant}, 'appointment.booked', a.appointment_id, to_jsonb(a) FROM bench.appointments a WHERE a.tenant_id = {tenant} AND a.appointment_id = :a::uuid;
INSERT INTO bench.audit (tenant_id, action, table_name, row_id, patient_id, after) SELECT {tenant}, 'create', 'appointments', a.appointment_id, a.patient_id, to_jsonb(a)
    FROM bench.appointments a WHERE a.tenant_id = {tenant} AND a.appointment_id = :a::uuid;
INSERT INTO bench.audit (tenant_id, action, table_name, row_id, patient_id, after) VALUES ({tenant}, 'create', 'appointment_resources', :a::text || '/' || {provider}, {patient}, '{{}}');
UPDATE bench.idempotency i SET result = jsonb_build_object('appointment_id', :a::uuid) WHERE i.tenant_id = {tenant} AND i.key = 'k' || :k;
COMMIT;
\\endif
"""


def same_rows(suite, database):
    """One booking each, at a time whose reminders fall in no quiet hours: as many rows of each kind, and the same."""
    session = Session(database)
    session.run("SELECT bench.book(1, 1, '2035-06-01 14:00Z', 'first')")
    session.run("SELECT bench.book_by_hand(bench.id('0000', 1), bench.id('0040', 1), bench.id('0050', 1), '2035-06-01 14:00Z', bench.id('0020', 1), bench.id('0010', 1), 'first')")
    kinds = [("appointments", "appointments"), ("appointment_resources", "appointment_resources"), ("claims", "allocations"), ("notifications", "reminders"), ("events WHERE name LIKE 'appointment.%'", "outbox"),
             ("idempotency_keys", "idempotency")]
    for mine, theirs in kinds:
        suite.same(f"rows of {mine} and {theirs}", session.run(f"SELECT count(*) FROM clinic_data.{mine}"), session.run(f"SELECT count(*) FROM bench.{theirs}"))
    suite.same("audit records of the appointment", session.run("SELECT count(*) FROM clinic_data.audit_records WHERE table_name LIKE '%appointment%' AND action = 'create'"),
               session.run("SELECT count(*) FROM bench.audit"))
    suite.same("the visits", session.run("SELECT starts_at, ends_at, provider_id, patient_id, status FROM clinic_data.appointments"),
               session.run("SELECT starts_at, ends_at, provider_id, patient_id, status FROM bench.appointments"))
    suite.same("the claims", session.run("SELECT during, count(*) FROM clinic_data.claims GROUP BY 1"), session.run("SELECT during, count(*) FROM bench.allocations GROUP BY 1"))
    suite.same("the reminders", session.run("SELECT due_at FROM clinic_data.notifications WHERE kind = 'reminder' ORDER BY 1"),
               session.run("SELECT due_at FROM bench.reminders WHERE kind = 'reminder' ORDER BY 1"))
    session.close()


def profile(database):
    """What one booking costs within the server, without client and connection, and which functions take the time."""
    psql(database, "ALTER ROLE bench_desk SET track_functions = 'all'")
    session = Session(database, "bench_desk")
    statement = "SELECT bench.book(1 + i % 5, 1 + i % 150, '{}'::timestamptz + i / 20 * interval '1 day' + i % 20 * interval '30 minutes', '{}' || i)"
    session.time(statement.format("2037-10-01 08:00Z", "p"), 20, each=True)
    session.run("SELECT pg_stat_force_next_flush()")
    psql(database, "SELECT pg_stat_reset()")
    cpu, _ = session.time(statement.format("2038-06-01 08:00Z", "q"), 200, each=True)
    session.run("SELECT pg_stat_force_next_flush()")
    session.close()
    psql(database, "ALTER ROLE bench_desk RESET track_functions")
    shares = psql(database, """SELECT string_agg(funcname || ' ' || round(100 * self_time / whole) || ' %', ', ' ORDER BY self_time DESC)
        FROM (SELECT funcname, self_time, sum(self_time) OVER () AS whole FROM pg_stat_user_functions ORDER BY self_time DESC LIMIT 8) f""")
    return f"in a loop within the server a booking takes {number(cpu / 1000)} us CPU; of its time are in functions themselves: {shares}"
