"""Many calls of each class of public functions in one backend: its memory must stay flat."""
from harness.database import Session, psql
from harness.suite import duration, number

# What is called, and how many of a million calls' worth a full run makes: a class that takes milliseconds a call gets fewer.
CALLS = {
    "occurrences": ("PERFORM count(*) FROM clinic.occurrences('FREQ=WEEKLY;BYDAY=MO', timestamp '2030-01-07 09:00' + i * interval '1 minute', 'Europe/Berlin', NULL, NULL, max_count => 5)", 200_000),
    "rule as value": ("PERFORM ('FREQ=DAILY;COUNT=' || 1 + i % 1000)::clinic.rrule", 200_000),
    "ids and zones": ("PERFORM clinic.new_id(), clinic.canonical_time_zone('europe/berlin')", 200_000),
    "whoami": ("PERFORM * FROM clinic.whoami()", 100_000),
    "available_slots": ("PERFORM count(*) FROM clinic.available_slots(bench.id('0040', 1), '2035-03-05Z', '2035-03-12Z', bench.id('0020', 1 + i % 3))", 50_000),
    "first_available": ("PERFORM count(*) FROM clinic.first_available(bench.id('0040', 1), '2035-03-05Z', '2035-03-12Z')", 20_000),
    "explain_slot": ("PERFORM count(*) FROM clinic.explain_slot(bench.id('0040', 1), timestamptz '2035-03-05 09:00Z', bench.id('0020', 1 + i % 3))", 20_000),
    "a refusal caught": ("BEGIN PERFORM clinic.available_slots(bench.id('0040', 99), '2035-03-05Z', '2035-03-12Z'); EXCEPTION WHEN OTHERS THEN NULL; END", 20_000),
    "day view": ("PERFORM count(*) FROM clinic.appointments WHERE provider_id = bench.id('0020', 1) AND starts_at >= '2035-01-01Z' AND starts_at < '2035-01-02Z'", 20_000),
    "booking": ("PERFORM clinic.book_appointment(bench.id('0040', 1), bench.id('0050', 1 + i % 100), '2035-01-01 00:00Z'::timestamptz + i / 3 * interval '30 minutes', bench.id('0020', 1 + i % 3))", 5_000),
    "encrypt and decrypt": ("PERFORM clinic_private.decrypt_field(bench.id('0000', 1), bench.id('0050', 1), 't', 'c', 'r', clinic_private.encrypt_field(bench.id('0000', 1), bench.id('0050', 1), 't', 'c', 'r', 'text ' || i))", 100_000),
}


def run(suite, database):
    psql(database, """
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', tenant_id => bench.id('0000', 1), patient_overlap => 'allow');
SELECT clinic.map_login('bench_desk', 'staff', '{*}'), clinic.map_login('postgres', 'staff', '{*}');
SELECT clinic.create_location('Here', 'UTC', location_id => bench.id('0010', 1));
SELECT clinic.create_service('Visit', 30, service_id => bench.id('0040', 1));
SELECT clinic.create_provider('P' || n, 'UTC', provider_id => bench.id('0020', n)), clinic.offer_service(bench.id('0040', 1), bench.id('0020', n)),
       clinic.add_hours(bench.id('0020', n), bench.id('0010', 1), 'FREQ=DAILY', '00:00', '24:00', valid_from => '2035-01-01') FROM generate_series(1, 3) n;
SELECT clinic.create_patient('Patient', patient_id => bench.id('0050', n)) FROM generate_series(1, 100) n;
COMMIT;""")
    worst, grew, told = 0.0, [], []
    curves = {}
    for name, (statement, calls) in CALLS.items():
        calls = max(int(calls * suite.options.memory_calls / 1_000_000), 20) if not suite.smoke else 30
        session = Session(database, "postgres" if "crypt" in name else "bench_desk")
        session.run(f"""CREATE OR REPLACE PROCEDURE pg_temp.repeat(first bigint, last bigint) LANGUAGE plpgsql AS $repeat$
BEGIN
    FOR i IN first .. last LOOP
        {statement};
        IF i % 100 = 0 THEN COMMIT; END IF;
    END LOOP;
END $repeat$""")
        warm = max(calls // 10, 10)
        session.run(f"CALL pg_temp.repeat(1, {warm})")
        psql(database, "ANALYZE")
        points = [(warm, session.number("SELECT bench.memory()"))]
        for step in range(1, 4):
            upto = warm + (calls - warm) * step // 3
            session.run(f"CALL pg_temp.repeat({points[-1][0] + 1}, {upto})")
            points.append((upto, session.number("SELECT bench.memory()")))
        session.close()
        growth = (points[-1][1] - points[0][1]) / 1024
        per_call = growth * 1024 / max(points[-1][0] - points[0][0], 1)
        curves[name] = [(n, size / 2**20) for n, size in points]
        worst = max(worst, growth)
        if growth > 1024 and per_call > 1:
            grew.append(f"{name} {number(per_call)} bytes a call")
        told.append(f"{name} {number(growth)} KiB in {points[-1][0]:,} calls")
        suite.say(told[-1])
    suite.line("classes of functions whose backend grows by more than 1 MiB and a byte a call", len(grew), "0", 0, "less", "; ".join(grew), note="; ".join(told), unit="")
    suite.plot("memory", "A backend's memory, by calls", "calls", "MiB", curves)
