CREATE EXTENSION pg_clinic CASCADE;

CALL clinic.install();

CREATE FUNCTION public.id(kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT format('00000001-00%s-7000-8000-%s', kind, lpad(number::text, 12, '0'))::uuid $$;

DO $$
BEGIN
    PERFORM clinic.create_tenant('lake', 'Lake', tenant_id => id(10), patient_overlap => 'warn');
    PERFORM clinic.create_location('North', 'Europe/Berlin', location_id => id(20)), clinic.create_location('South', 'Asia/Kolkata', location_id => id(20, 2));
    PERFORM clinic.set_travel_time(id(20), id(20, 2), 30);
    PERFORM clinic.create_provider('Doctor ' || p, 'Europe/Berlin', max_per_day => 9, provider_id => id(30, p)) FROM generate_series(1, 2) p;
    PERFORM clinic.create_resource('Room', 'room', 'room', id(20), quantity => 2, resource_id => id(40));
    PERFORM clinic.create_service('Visit', 30, buffer_after_minutes => 5, service_id => id(50)), clinic.require_resource(id(50), 'room', 1);
    PERFORM clinic.offer_service(id(50), id(30, p)), clinic.add_hours(id(30, p), id(20), 'FREQ=WEEKLY;BYDAY=MO,TU,WE', '09:00', '17:00', '2027-01-01') FROM generate_series(1, 2) p;
    PERFORM clinic.create_patient('Patient ' || p, patient_id => id(60, p)) FROM generate_series(1, 3) p;
    PERFORM clinic.add_break(id(30), 'FREQ=DAILY', '12:00', '13:00', '2027-01-01'), clinic.add_leave(id(30, 2), '2027-03-10', '2027-03-11'), clinic.add_stay(id(30), '2027-06-01', '2027-06-07', 'Asia/Kolkata');
    PERFORM clinic.map_login('postgres', 'staff', '{*}', id(80));
END
$$;

ALTER TABLE clinic_data.claims ADD COLUMN extra bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN gone text DEFAULT repeat('x', 5000);

ALTER TABLE clinic_data.appointments ADD COLUMN gone text DEFAULT repeat('x', 5000);

SET clinic.clock = '2027-03-01 06:00Z';

SELECT count(*) FROM clinic.available_slots(id(50), '2027-03-01', '2027-03-20', patient_id => id(60));

SELECT * FROM clinic.book_appointment(id(50), id(60), '2027-03-02 08:00Z', id(30));

SELECT * FROM clinic.book_appointment(id(50), id(60, 2), NULL, local_starts_at => '2027-03-02 10:00', location_id => id(20));

SELECT * FROM clinic.book_appointment(id(50), id(60, 3), '2027-03-02 08:00Z', id(30), override => true, overbook => true, reason => 'valgrind');

ALTER TABLE clinic_data.claims DROP COLUMN gone;

ALTER TABLE clinic_data.appointments DROP COLUMN gone;

DO $$ BEGIN PERFORM clinic.book_appointment(id(50), id(60), '2027-03-02 08:00Z', id(30)); RAISE EXCEPTION 'booked twice'; EXCEPTION WHEN SQLSTATE 'CL013' OR SQLSTATE 'CL014' OR SQLSTATE 'CL016' OR SQLSTATE 'CL017' THEN NULL; END $$;

DO $$ BEGIN PERFORM clinic.book_appointment(id(50), id(60), '2027-03-05 08:00Z'); EXCEPTION WHEN SQLSTATE 'CL007' THEN NULL; END $$;

DO $$ BEGIN PERFORM clinic.cancel_appointment(clinic.new_id()); EXCEPTION WHEN SQLSTATE 'CL001' THEN NULL; END $$;

DO $$ BEGIN PERFORM clinic.use_tenant('x' || repeat('ä', 60)); EXCEPTION WHEN SQLSTATE 'CL001' THEN NULL; END $$;

DO $$ BEGIN INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, expires_at) SELECT tenant_id, clinic.new_id(), resource_id, calendar_no, tstzrange('2027-03-02 08:00Z', '2027-03-02 08:30Z'), '2027-03-02 08:00Z', '2027-03-02 08:30Z', 'hold', 'infinity' FROM clinic_data.calendars WHERE resource_id = id(30) AND lane = 1; EXCEPTION WHEN SQLSTATE 'CL013' THEN NULL; END $$;

SELECT * FROM clinic.explain_slot(id(50), '2027-03-02 08:00Z'), clinic.find_conflicts(id(50), '2027-03-02 08:00Z', id(30), id(60));

SELECT r.* FROM clinic.appointments a, clinic.reschedule_appointment(a.appointment_id, '2027-03-03 09:00Z') r WHERE a.patient_id = id(60);

SELECT s.* FROM clinic.appointments a, clinic.appointments b, clinic.swap_appointments(a.appointment_id, b.appointment_id) s WHERE a.patient_id = id(60) AND b.patient_id = id(60, 2);

SELECT * FROM clinic.day_sheet('2027-03-02');

SELECT * FROM clinic.calendar('2027-03-01', '2027-03-08'), clinic.open_hours(ARRAY[id(30)], '2027-03-01', '2027-03-08'), clinic.blocked_times(ARRAY[id(30)], '2027-03-01', '2027-03-08') LIMIT 10;

SELECT c.* FROM clinic.appointments a, clinic.cancel_appointment(a.appointment_id, 'valgrind') c;

SELECT * FROM clinic.check_integrity();

SELECT clinic.sweep_claims('0'), clinic.cut_slots('{[2027-01-01,2027-01-02)}', '6 hours'), clinic.free_time('{[2027-01-01,infinity]}', '{[2027-01-02,2027-01-03)}', '1 hour'), clinic.rule_hours('FREQ=DAILY', '2027-01-01', '09:00', '10:00', 'Europe/Berlin', '2027-03-01', '2027-04-01');

SELECT length(clinic.create_signing_key('RS256')), length(clinic.create_signing_key('ES256'));

SELECT v.user_id, v.expires_at FROM clinic_private.sign_access_token(id(10), id(80), id(90), '1 hour') AS t (token), clinic_private.verify_token(t.token) AS v;

SELECT v.user_id FROM clinic_private.read_claims(format('{"sub": "%s", "tenant_id": "%s", "aud": ["a"], "exp": 1893456000.5}', id(80), id(10))) AS v;

SELECT jsonb_array_length(clinic.jwks() -> 'keys'), clinic.remove_token_key(k.kid) FROM clinic.token_keys() AS k;

DROP SCHEMA clinic_data CASCADE;

DROP EXTENSION pg_clinic CASCADE;

DROP FUNCTION public.id(integer, integer);
