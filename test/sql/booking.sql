-- Booking: takes what is offered, refuses the rest with the first reason of explain_slot, offers alternatives.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_booking LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_booking_desk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_booking_writer LOGIN IN ROLE clinic_user;
CREATE ROLE regress_booking_reader LOGIN IN ROLE clinic_user;
CREATE ROLE regress_booking_patient LOGIN IN ROLE clinic_user;
CREATE ROLE regress_booking_public LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_booking;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000013-0010-7000-8000-000000000001\''
\set ann '\'5c000013-0020-7000-8000-0000000000a1\''
\set bob '\'5c000013-0020-7000-8000-0000000000b2\''
\set visit '\'5c000013-0040-7000-8000-000000000001\''
\set flex '\'5c000013-0040-7000-8000-000000000002\''
\set pat1 '\'5c000013-0090-7000-8000-000000000001\''
\set pat2 '\'5c000013-0090-7000-8000-000000000002\''
\set pat3 '\'5c000013-0090-7000-8000-000000000003\''
\set room '\'5c000013-0030-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-booking', name => 'Test', tenant_id => '5c000013-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_booking', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.create_patient('Secret Three', patient_id => :pat3),
       clinic.create_service('Flexible', 30, min_duration_minutes => 15, max_duration_minutes => 60, service_id => :flex),
       clinic.create_resource('Secret Room', 'room', 'room', :ny, resource_id => :room),
       clinic.require_resource(:flex, 'room'), clinic.offer_service(:flex, :bob, duration_minutes => 45) \g /dev/null
SELECT clinic.map_login('regress_booking_desk', 'staff', '{appointments:write,appointments:read,patients:read}'),
       clinic.map_login('regress_booking_writer', 'staff', '{appointments:write}'),
       clinic.map_login('regress_booking_reader', 'staff', '{appointments:read,patients:read}'),
       clinic.map_login('regress_booking_patient', 'patient', patient_id => :pat2),
       clinic.map_login('regress_booking_public', 'public') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_booking;

-- What a command says when it is refused; ids that differ from run to run are left out of the detail.
CREATE FUNCTION pg_temp.attempt(command text) RETURNS TABLE (state text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'done'; RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    detail := regexp_replace(detail, '019[0-9a-f]{5}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', '(id)', 'g');
    RETURN NEXT;
END $$;

-- Everything is written: the row returned, the appointment, the resources used.
SELECT b.confirmation_code ~ '^[2-9B-DF-HJ-NP-TV-XZ]{8}$' AS code, b.status, b.provider_id = :ann AS ann, b.location_id = :ny AS ny, b.starts_at,
       b.ends_at, b.local_starts_at, b.time_zone, b.resource_ids, b.warnings
FROM clinic.book_appointment(service_id => :visit, patient_id => :pat1, starts_at => '2026-03-03 09:00-05', provider_id => :ann) AS b;
SELECT a.status, a.starts_at, a.local_starts_at, a.time_zone, a.overbooked, a.overridden, a.override_reason, a.version, a.created_at
FROM clinic.appointments AS a;
-- Codes differ.
SELECT count(DISTINCT b.confirmation_code) FROM unnest(ARRAY['09:30', '10:00', '10:30']) AS t,
    clinic.book_appointment(:visit, :pat1, ('2026-03-03 ' || t || '-05')::timestamptz, :ann) AS b;
-- The provider's own length; another one within the bounds; the room is chosen.
SELECT b.ends_at - b.starts_at AS length, b.resource_ids = ARRAY[:room]::uuid[] AS room FROM clinic.book_appointment(:flex, :pat1, '2026-03-04 09:00-05', :bob) AS b;
SELECT b.ends_at - b.starts_at AS length FROM clinic.book_appointment(:flex, :pat1, '2026-03-04 10:00-05', :bob, duration => '1 hour') AS b;
-- Whoever is free, when the provider is left open: fewest visits that day, then the lowest id.
SELECT b.provider_id = :bob AS bob FROM clinic.book_appointment(:visit, :pat2, '2026-03-03 11:00-05') AS b;
SELECT b.provider_id = :ann AS ann FROM clinic.book_appointment(:visit, :pat3, '2026-03-03 11:00-05') AS b;

-- Refused: SQLSTATE of the reason, facts as JSON with the next free alternatives, a hint; ids only.
SELECT * FROM pg_temp.attempt($$SELECT clinic.book_appointment('5c000013-0040-7000-8000-000000000001', '5c000013-0090-7000-8000-000000000003', '2026-03-03 09:00-05', '5c000013-0020-7000-8000-0000000000a1')$$) \gx
-- With the provider left open, everybody's.
SELECT * FROM pg_temp.attempt($$SELECT clinic.book_appointment('5c000013-0040-7000-8000-000000000001', '5c000013-0090-7000-8000-000000000001', '2026-03-03 11:00-05')$$) \gx
-- Nobody else's time can do when the length is wrong.
SELECT * FROM pg_temp.attempt($$SELECT clinic.book_appointment('5c000013-0040-7000-8000-000000000001', '5c000013-0090-7000-8000-000000000001', '2026-03-05 09:00-05', duration => '31 minutes')$$) \gx

-- What is offered is accepted, what is not is refused with the first reason of explain_slot: every quarter of an hour of two days.
CREATE TEMP TABLE tries AS
    SELECT t AS starts_at, p AS provider_id, coalesce(e.reason, 'free') AS explained,
           EXISTS (SELECT FROM clinic.available_slots(:visit, t, t + interval '1 microsecond', p, patient_id => :pat3)) AS offered
    FROM generate_series('2026-03-02 08:00-05'::timestamptz, '2026-03-03 13:00-05', '15 minutes') AS t, unnest(ARRAY[:ann, :bob]::uuid[]) AS p
    LEFT JOIN LATERAL (SELECT * FROM clinic.explain_slot(:visit, t, p, patient_id => :pat3) AS x WHERE x.step = 1) AS e ON true;
SELECT t.explained, t.offered, a.state, count(*)
FROM tries AS t, pg_temp.attempt(format('SELECT clinic.book_appointment(%L, %L, %L, %L); SELECT clinic.cancel_appointment(a.appointment_id) FROM clinic.appointments AS a WHERE a.patient_id = %2$L AND a.starts_at = %3$L AND a.status = ''booked''',
    :visit, :pat3, t.starts_at, t.provider_id)) AS a
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- Who may book: staff with appointments:write, a patient for themselves.
SET SESSION AUTHORIZATION regress_booking_desk;
SELECT b.status FROM clinic.book_appointment(:visit, :pat1, '2026-03-10 09:00-04', :ann) AS b;
SET SESSION AUTHORIZATION regress_booking_writer;
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-10 09:30-04', :ann);
SET SESSION AUTHORIZATION regress_booking_reader;
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-10 09:30-04', :ann);
SET SESSION AUTHORIZATION regress_booking_public;
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-10 09:30-04', :ann);
SET SESSION AUTHORIZATION regress_booking_patient;
SELECT b.status FROM clinic.book_appointment(:visit, :pat2, '2026-03-10 09:30-04', :ann) AS b;
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-10 10:00-04', :ann);
\set VERBOSITY terse
SELECT * FROM clinic.book_appointment(:visit, :pat2, '2026-03-10 09:00-04', :ann);
\set VERBOSITY default
SELECT a.starts_at, a.status FROM clinic.appointments AS a ORDER BY 1;
SET SESSION AUTHORIZATION regress_booking;
-- Nothing was changed by what was refused.
SELECT a.status, count(*) FROM clinic.appointments AS a GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_booking;
DROP ROLE regress_booking, regress_booking_desk, regress_booking_writer, regress_booking_reader, regress_booking_patient, regress_booking_public;
