-- Batches: an outcome for each element, and nothing more than single calls allow; versions wherever something changes.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_batch LOGIN IN ROLE clinic_user;
CREATE ROLE regress_batch_reader LOGIN IN ROLE clinic_user;
CREATE ROLE regress_batch_patient LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set T '\'5c000062-0000-7000-8000-000000000001\''
\set other '\'5c000062-0000-7000-8000-000000000002\''
\set ny '\'5c000062-0010-7000-8000-000000000001\''
\set ann '\'5c000062-0020-7000-8000-0000000000a1\''
\set visit '\'5c000062-0040-7000-8000-000000000001\''
\set pat1 '\'5c000062-0090-7000-8000-000000000001\''
\set pat2 '\'5c000062-0090-7000-8000-000000000002\''
\set pat3 '\'5c000062-0090-7000-8000-000000000003\''

BEGIN;
SET ROLE clinic_admin;
-- Another tenant with a visit.
SELECT clinic.create_tenant(slug => 'regress-batch-other', name => 'Other', tenant_id => :other) \g /dev/null
SELECT clinic.create_location('Pune', 'Asia/Kolkata', location_id => '5c000062-0010-7000-8000-000000000009'), clinic.create_provider('Eve', 'Asia/Kolkata', provider_id => '5c000062-0020-7000-8000-000000000009'),
       clinic.create_service('Visit', 30, service_id => '5c000062-0040-7000-8000-000000000009'), clinic.create_patient('Secret', patient_id => :pat3) \g /dev/null
SELECT clinic.offer_service('5c000062-0040-7000-8000-000000000009', '5c000062-0020-7000-8000-000000000009'),
       clinic.add_hours('5c000062-0020-7000-8000-000000000009', '5c000062-0010-7000-8000-000000000009', 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') \g /dev/null
SELECT b.appointment_id AS foreign FROM clinic.book_appointment('5c000062-0040-7000-8000-000000000009', :pat3, '2026-03-05 09:00+05:30') AS b \gset
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'regress-batch', name => 'Batch', tenant_id => :T) \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny), clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_service('Visit', 30, service_id => :visit), clinic.create_patient('Secret One', patient_id => :pat1), clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, :ann), clinic.add_hours(:ann, :ny, 'FREQ=DAILY', '09:00', '17:00', valid_from => '2026-03-01') \g /dev/null
SELECT clinic.create_resource('Room', 'room', 'room', :ny, resource_id => '5c000062-0030-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_batch', 'staff', '{*}'), clinic.map_login('regress_batch_reader', 'staff', '{appointments:read,patients:read}'),
       clinic.map_login('regress_batch_patient', 'patient', patient_id => :pat1) \g /dev/null
COMMIT;
RESET ROLE;

-- Without what differs from run to run.
CREATE FUNCTION pg_temp.plain(facts jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT facts - '{appointment_id,confirmation_code,alternatives,patient_id,source_id}'::text[] $$;
CREATE FUNCTION pg_temp.attempt(command text) RETURNS TABLE (state text, message text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'done'; RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END $$;

SET SESSION AUTHORIZATION regress_batch;
-- Good ones, taken times, casts, missing and foreign things in one batch, in the order given.
SELECT b.item, b.appointment_id IS NOT NULL AS booked, b.outcome, b.status, b.message, pg_temp.plain(b.details) AS details
FROM clinic.book_appointments(jsonb_build_array(
    jsonb_build_object('service_id', :visit, 'patient_id', :pat1, 'starts_at', '2026-03-04 09:00-05'),
    jsonb_build_object('service_id', :visit, 'patient_id', :pat2, 'starts_at', '2026-03-04 09:00-05', 'provider_id', :ann),
    jsonb_build_object('service_id', :visit, 'patient_id', :pat2, 'starts_at', '2026-03-04 09:30-05', 'resource_ids', jsonb_build_array('5c000062-0030-7000-8000-000000000001'), 'duration', NULL, 'gap', NULL),
    jsonb_build_object('service_id', :visit, 'patient_id', :pat2, 'local_starts_at', '2026-03-04 10:00', 'location_id', :ny, 'utc_offset', '-5 hours'),
    jsonb_build_object('service_id', :visit, 'patient_id', :pat2, 'starts_at', '2026-03-04 20:00-05', 'override', true, 'reason', 'asked for'),
    jsonb_build_object('service_id', :visit, 'patient_id', :pat2, 'starts_at', '2026-03-04 20:00-05', 'override', 'perhaps'),
    jsonb_build_object('service_id', 'x', 'patient_id', :pat2, 'starts_at', '2026-03-04 11:00-05'),
    jsonb_build_object('service_id', :visit, 'patient_id', :pat2, 'starts_at', '2026-13-04 11:00-05'),
    jsonb_build_object('service_id', :visit, 'patient_id', :pat2, 'starts_at', '2026-03-04 11:00-05', 'resource_ids', 'all'),
    jsonb_build_object('service_id', :visit, 'patient_id', :pat3, 'starts_at', '2026-03-04 11:00-05'),
    jsonb_build_object('service_id', :visit, 'patient_id', '5c000062-ffff-7000-8000-000000000001', 'starts_at', '2026-03-04 11:00-05'),
    '{}'::jsonb,
    jsonb_build_object('service_id', :visit, 'patient_id', :pat1, 'starts_at', '2026-03-04 11:00-05'))) AS b;
SELECT a.local_starts_at, a.patient_name, a.overridden, a.resource_ids FROM clinic.appointments AS a ORDER BY a.starts_at;
-- Refused before anything is booked.
SELECT a.bookings, r.* FROM unnest(ARRAY['null', '{}', '[]', '[1]', '[{}, {"patient": "x"}]', '[{"limit": 1, "appointment_id": "x"}]', NULL]) AS a (bookings), pg_temp.attempt(format('SELECT * FROM clinic.book_appointments(%L)', a.bookings)) AS r;
SELECT r.* FROM pg_temp.attempt(format('SELECT * FROM clinic.book_appointments(%L)', (SELECT jsonb_agg('{}'::jsonb) FROM generate_series(1, 51)))) AS r;
SELECT count(*) FROM clinic.appointments;

-- Moves, one into the time that the one before has freed; versions are asked for.
SELECT a.appointment_id AS first FROM clinic.appointments AS a ORDER BY a.starts_at LIMIT 1 \gset
SELECT a.appointment_id AS second FROM clinic.appointments AS a ORDER BY a.starts_at OFFSET 1 LIMIT 1 \gset
SELECT a.appointment_id AS third FROM clinic.appointments AS a ORDER BY a.starts_at OFFSET 2 LIMIT 1 \gset
SELECT m.item, m.outcome, m.status, m.message, pg_temp.plain(m.details) AS details
FROM clinic.reschedule_appointments(jsonb_build_array(
    jsonb_build_object('appointment_id', :'first', 'starts_at', '2026-03-04 14:00-05', 'version', 1),
    jsonb_build_object('appointment_id', :'second', 'starts_at', '2026-03-04 09:00-05', 'version', 7),
    jsonb_build_object('appointment_id', :'third', 'starts_at', '2026-03-04 09:00-05'))) AS m;
SELECT m.item, m.appointment_id = :'foreign' AS given, m.outcome, m.message FROM clinic.reschedule_appointments(jsonb_build_array(
    jsonb_build_object('appointment_id', :'foreign', 'starts_at', '2026-03-04 16:00-05'),
    jsonb_build_object('appointment_id', '5c000062-ffff-7000-8000-000000000001', 'starts_at', '2026-03-04 16:00-05'), jsonb_build_object('appointment_id', 'x'))) AS m;
SELECT r.* FROM pg_temp.attempt(format($$SELECT * FROM clinic.reschedule_appointments('[{"appointment_id": "%s"}, {"appointment_id": "%s"}]')$$, :'first', upper(:'first'))) AS r;
SELECT a.local_starts_at, a.version FROM clinic.appointments AS a ORDER BY a.starts_at;

-- Cancelling.
SELECT c.item, c.appointment_id = :'foreign' AS given, c.outcome, c.status, c.message, pg_temp.plain(c.details) AS details
FROM clinic.cancel_appointments(ARRAY[:'second', :'foreign', '5c000062-ffff-7000-8000-000000000001', :'first', :'third']::uuid[], 'storm', ARRAY[NULL, NULL, NULL, 1, 2]) AS c;
SELECT a.status, a.cancel_reason, count(*) FROM clinic.appointments AS a GROUP BY 1, 2 ORDER BY 1;
SELECT c.outcome, c.details FROM clinic.cancel_appointments(ARRAY[:'second']::uuid[]) AS c \gset again_
SELECT :'again_outcome' AS outcome;
SELECT a.call, r.* FROM unnest(ARRAY['''{}''', 'NULL', '''{NULL}''', '(SELECT array_agg(clinic.new_id()) FROM generate_series(1, 51))',
    '(SELECT array_agg(''5c000062-ffff-7000-8000-000000000001''::uuid) FROM generate_series(1, 2))', 'ARRAY[clinic.new_id()], versions => ''{1,2}''']) AS a (call), pg_temp.attempt(format('SELECT * FROM clinic.cancel_appointments(%s)', a.call)) AS r;

-- No more than single calls: a reader books and cancels nothing, a patient their own.
SELECT a.appointment_id AS mine FROM clinic.appointments AS a WHERE a.status = 'booked' AND a.patient_id = :pat1 ORDER BY a.starts_at LIMIT 1 \gset
SELECT a.appointment_id AS theirs FROM clinic.appointments AS a WHERE a.status = 'booked' AND a.patient_id = :pat2 ORDER BY a.starts_at LIMIT 1 \gset
SET SESSION AUTHORIZATION regress_batch_reader;
SELECT c.outcome, c.message FROM clinic.cancel_appointments(ARRAY[:'mine', :'theirs']::uuid[]) AS c;
SELECT b.outcome, b.message FROM clinic.book_appointments(jsonb_build_array(jsonb_build_object('service_id', :visit, 'patient_id', :pat1, 'starts_at', '2026-03-06 09:00-05'))) AS b;
SET SESSION AUTHORIZATION regress_batch_patient;
SELECT c.outcome, c.status FROM clinic.cancel_appointments(ARRAY[:'theirs', :'mine']::uuid[]) AS c;
SELECT b.outcome, b.status FROM clinic.book_appointments(jsonb_build_array(
    jsonb_build_object('service_id', :visit, 'patient_id', :pat2, 'starts_at', '2026-03-06 09:00-05'), jsonb_build_object('service_id', :visit, 'patient_id', :pat1, 'starts_at', '2026-03-06 09:00-05'),
    jsonb_build_object('service_id', :visit, 'patient_id', :pat1, 'starts_at', '2026-03-06 20:00-05', 'override', true, 'reason', 'please'))) AS b;
RESET SESSION AUTHORIZATION;

-- What a trigger of the database's own refuses is an outcome; what would meet every element, or the whole transaction must hear of, is not.
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the house is full' USING ERRCODE = current_setting('regress.state'), DETAIL = NEW.status; END $$;
CREATE TRIGGER regress_refuse BEFORE INSERT ON clinic_data.appointments FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse();
CREATE FUNCTION pg_temp.refused(state text) RETURNS TABLE (outcome text, message text, details jsonb) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('regress.state', state, true);
    RETURN QUERY SELECT b.outcome, b.message, b.details FROM clinic.book_appointments(jsonb_build_array(jsonb_build_object(
        'service_id', '5c000062-0040-7000-8000-000000000001', 'patient_id', '5c000062-0090-7000-8000-000000000002', 'starts_at', '2026-03-07 09:00-05'))) AS b;
EXCEPTION WHEN OTHERS THEN
    outcome := 'raised ' || SQLSTATE; message := SQLERRM; RETURN NEXT;
END $$;
SET SESSION AUTHORIZATION regress_batch;
SELECT s.state, r.* FROM unnest(ARRAY['P0001', '23514', '22023', '42501', '40001', '40P01', '28000', '53200', '55P03', 'XX000', '58030']) AS s (state), pg_temp.refused(s.state) AS r;
SELECT r.* FROM pg_temp.refused('57014') AS r;
RESET SESSION AUTHORIZATION;
DROP TRIGGER regress_refuse ON clinic_data.appointments;
SET SESSION AUTHORIZATION regress_batch;

-- Versions: every function that changes a row with a version refuses one that is not the present one.
SELECT regexp_replace(c.call, '019c[0-9a-f-]{32}', '<id>', 'g') AS call, r.state FROM unnest(ARRAY[
    $$clinic.update_tenant('{"name": "New", "version": 99}')$$,
    $$clinic.update_location('5c000062-0010-7000-8000-000000000001', '{"name": "New", "version": 99}')$$,
    $$clinic.update_provider('5c000062-0020-7000-8000-0000000000a1', '{"name": "New", "version": 99}')$$,
    $$clinic.update_resource('5c000062-0030-7000-8000-000000000001', '{"name": "New", "version": 99}')$$,
    $$clinic.update_service('5c000062-0040-7000-8000-000000000001', '{"name": "New", "version": 99}')$$,
    $$clinic.update_patient('5c000062-0090-7000-8000-000000000002', '{"name": "New", "version": 99}')$$,
    format('clinic.cancel_appointment(%L, version => 99)', :'theirs'), format('clinic.reschedule_appointment(%L, ''2026-03-05 10:00-05'', version => 99)', :'theirs')]) AS c (call),
    pg_temp.attempt('SELECT ' || c.call) AS r;
SELECT count(*) FROM clinic.check_integrity();
RESET SESSION AUTHORIZATION;
DROP ROLE regress_batch, regress_batch_reader, regress_batch_patient;
