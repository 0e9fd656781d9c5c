-- Triggers and constraints that somebody adds to the engine's tables hold for what the engine writes past SQL: what they refuse is not
-- booked, and nothing is booked by halves.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL timezone = 'UTC';
SET LOCAL clinic.clock = '2026-03-02 08:00Z';
SELECT plan(12);

CREATE FUNCTION pg_temp.id(kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('00000023-00%s-7000-8000-%s', kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
SELECT clinic.create_tenant('own-triggers', 'Own triggers', tenant_id => pg_temp.id(10)) \g /dev/null
SELECT clinic.use_tenant('own-triggers') \g /dev/null
SELECT clinic.create_location('Here', 'UTC', location_id => pg_temp.id(20)) \g /dev/null
SELECT clinic.create_provider('P', 'UTC', provider_id => pg_temp.id(30)) \g /dev/null
SELECT clinic.add_hours(pg_temp.id(30), pg_temp.id(20), 'FREQ=DAILY', '08:00', '18:00', valid_from => '2026-01-01') \g /dev/null
SELECT clinic.create_service('S', 30, service_id => pg_temp.id(40)) \g /dev/null
SELECT clinic.offer_service(pg_temp.id(40), pg_temp.id(30)) \g /dev/null
SELECT clinic.create_patient('Patient ' || n, patient_id => pg_temp.id(50, n)) FROM generate_series(1, 9) n \g /dev/null

-- What booking a patient at a full hour comes to: booked, or the SQLSTATE; a refusal is rolled back alone.
CREATE FUNCTION pg_temp.book(patient integer, hour integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM clinic.book_appointment(pg_temp.id(40), pg_temp.id(50, patient), timestamptz '2026-03-04Z' + make_interval(hours => hour), pg_temp.id(30));
    RETURN 'booked';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
CREATE FUNCTION pg_temp.left_over() RETURNS bigint LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM clinic_data.claims c WHERE c.tenant_id = pg_temp.id(10) AND NOT EXISTS
               (SELECT FROM clinic_data.appointments a WHERE a.tenant_id = c.tenant_id AND a.appointment_id = c.appointment_id))
         + (SELECT count(*) FROM clinic_data.appointment_resources r WHERE r.tenant_id = pg_temp.id(10) AND NOT EXISTS
               (SELECT FROM clinic_data.appointments a WHERE a.tenant_id = r.tenant_id AND a.appointment_id = r.appointment_id)) $$;
SELECT is(pg_temp.book(1, 8), 'booked', 'a booking');

-- Vetoes.
CREATE FUNCTION pg_temp.veto() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
SAVEPOINT veto;
CREATE TRIGGER own_veto BEFORE INSERT ON clinic_data.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.veto();
SELECT is(pg_temp.book(2, 9), '27000', 'a trigger that keeps the appointment from being written ends the booking');
SELECT is(pg_temp.left_over(), 0::bigint, 'and nothing of it is left');
ROLLBACK TO veto;
CREATE TRIGGER own_veto BEFORE UPDATE ON clinic_data.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.veto();
SELECT throws_ok($$SELECT clinic.cancel_appointment(appointment_id) FROM clinic.appointments$$, '27000', NULL, 'a veto of a change ends the change');
SELECT is(pg_temp.book(3, 8), 'CL013', 'and the time is as taken as before');
ROLLBACK TO veto;

-- Foreign keys, where a trigger changes what the engine wrote.
CREATE FUNCTION pg_temp.elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.location_id := pg_temp.id(99); RETURN NEW; END $$;
CREATE TRIGGER own_place BEFORE INSERT ON clinic_data.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.elsewhere();
SELECT is(pg_temp.book(2, 9), '23503', 'a location that a trigger puts there must exist');
ROLLBACK TO veto;
ALTER TABLE clinic_data.appointments ADD COLUMN referrer_id uuid;
ALTER TABLE clinic_data.appointments ADD FOREIGN KEY (tenant_id, referrer_id) REFERENCES clinic_data.providers (tenant_id, provider_id);
SELECT is(pg_temp.book(2, 9), 'booked', 'a foreign key of somebody else''s, with nothing in it');
DO $$ BEGIN EXECUTE format('ALTER TABLE clinic_data.appointments ALTER COLUMN referrer_id SET DEFAULT %L', pg_temp.id(98)); END $$;
SELECT is(pg_temp.book(3, 10), '23503', 'its default must exist');
ROLLBACK TO veto;

-- A check that fails half-way through a function begins anew for the next row.
CREATE FUNCTION public.own_check(hour integer) RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT bool_and(CASE WHEN hour > 12 THEN 1 / (hour - hour) IS NULL ELSE true END) FROM (SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid ORDER BY a.attname) x $$;
ALTER TABLE clinic_data.appointments ADD CONSTRAINT own_check CHECK (public.own_check(extract(hour FROM starts_at AT TIME ZONE 'UTC')::integer));
SELECT is(pg_temp.book(2, 9), 'booked', 'a check with a function of one''s own');
SELECT is(pg_temp.book(3, 15), '22012', 'that fails for a row');
SELECT is(pg_temp.book(3, 10), 'booked', 'is asked of the next row as if nothing had been');
SELECT is(pg_temp.left_over(), 0::bigint, 'nothing is left over');
SELECT * FROM finish();
ROLLBACK;
