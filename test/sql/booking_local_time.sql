-- Booking by a local time: ambiguous, told apart by the offset, nonexistent, shifted.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_booking_local_time LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_booking_local_time;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000014-0010-7000-8000-000000000001\''
\set howe '\'5c000014-0010-7000-8000-000000000002\''
\set pune '\'5c000014-0010-7000-8000-000000000003\''
\set ann '\'5c000014-0020-7000-8000-0000000000a1\''
\set lou '\'5c000014-0020-7000-8000-0000000000b2\''
\set rao '\'5c000014-0020-7000-8000-0000000000c3\''
\set visit '\'5c000014-0040-7000-8000-000000000001\''
\set pat1 '\'5c000014-0090-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-booking-local-time', name => 'Test', tenant_id => '5c000014-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_booking_local_time', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_location('Lord Howe', 'Australia/Lord_Howe', location_id => :howe),
       clinic.create_location('Pune', 'Asia/Kolkata', location_id => :pune),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Lou', 'Australia/Lord_Howe', provider_id => :lou),
       clinic.create_provider('Rao', 'Asia/Kolkata', provider_id => :rao),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('One', patient_id => :pat1) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :lou, :rao]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(:ann, :ny, 'FREQ=DAILY', '00:00', '24:00', valid_from => '2026-03-01'),
       clinic.add_hours(:lou, :howe, 'FREQ=DAILY', '00:00', '24:00', valid_from => '2026-03-01'),
       clinic.add_hours(:rao, :pune, 'FREQ=DAILY', '00:00', '24:00', valid_from => '2026-03-01') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_booking_local_time;

-- A local time of the location; of the provider's home zone when no location is given.
SELECT b.starts_at, b.local_starts_at FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, :ny, local_starts_at => '2026-03-03 09:00') AS b;
SELECT b.starts_at, b.local_starts_at FROM clinic.book_appointment(:visit, :pat1, NULL, :rao, local_starts_at => '2026-03-03 09:00') AS b;
-- Ambiguous: the first, unless the offset says which.
SELECT b.starts_at, b.local_starts_at FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, :ny, local_starts_at => '2026-11-01 01:30') AS b;
SELECT b.starts_at, b.local_starts_at FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, :ny, local_starts_at => '2026-11-01 01:30', utc_offset => '-05:00') AS b;
SELECT b.starts_at FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, :ny, local_starts_at => '2026-11-01 01:00', utc_offset => '-04:00') AS b;
SELECT * FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, :ny, local_starts_at => '2026-11-01 01:00', utc_offset => '-06:00');
SELECT b.starts_at, b.local_starts_at FROM clinic.book_appointment(:visit, :pat1, NULL, :lou, :howe, local_starts_at => '2026-04-05 01:30', utc_offset => '10:30') AS b;
-- Nonexistent: refused, or shifted by the offset before the gap.
SELECT * FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, :ny, local_starts_at => '2026-03-08 02:30');
SELECT b.starts_at, b.local_starts_at FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, :ny, local_starts_at => '2026-03-08 02:30', gap => 'shift') AS b;
SELECT * FROM clinic.book_appointment(:visit, :pat1, NULL, :lou, :howe, local_starts_at => '2026-10-04 02:00');
SELECT b.starts_at, b.local_starts_at FROM clinic.book_appointment(:visit, :pat1, NULL, :lou, :howe, local_starts_at => '2026-10-04 02:00', gap => 'shift') AS b;
-- Both, neither, no zone, unknown words and places.
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-04 09:00-05', :ann, :ny, local_starts_at => '2026-03-04 09:00');
SELECT * FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, :ny);
SELECT * FROM clinic.book_appointment(:visit, :pat1, NULL, local_starts_at => '2026-03-04 09:00');
SELECT * FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, :ny, local_starts_at => '2026-03-04 09:00', gap => 'skip');
SELECT * FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, '5c000014-ffff-7000-8000-000000000001', local_starts_at => '2026-03-04 09:00');
SELECT * FROM clinic.book_appointment(:visit, :pat1, NULL, :ann, :ny, local_starts_at => 'infinity');

-- The drift report: the local intent of coming appointments against the zone as it is now. Nothing moves by itself.
SELECT count(*) FROM clinic.time_zone_drift();
SELECT a.appointment_id AS id, a.confirmation_code AS code FROM clinic.appointments AS a WHERE a.starts_at = '2026-03-03 09:00-05' \gset
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.appointments SET local_starts_at = '2026-03-03 10:00' WHERE appointment_id = :'id';
SET SESSION AUTHORIZATION regress_booking_local_time;
SELECT d.appointment_id = :'id' AS id, d.confirmation_code = :'code' AS code, d.starts_at, d.intended_local, d.actual_local, d.time_zone, d.intended_at
FROM clinic.time_zone_drift() AS d;
-- Moved to where it was meant it is no longer on the list; nor when it is over or cancelled.
SET clinic.clock = '2026-03-03T14:00:00.000001Z';
SELECT count(*) FROM clinic.time_zone_drift();
SET clinic.clock = '2026-03-03T14:00:00Z';
SELECT count(*) FROM clinic.time_zone_drift();
SELECT r.starts_at, r.local_starts_at FROM clinic.reschedule_appointment(:'id', '2026-03-03 10:00-05') AS r;
SELECT count(*) FROM clinic.time_zone_drift();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_booking_local_time;
DROP ROLE regress_booking_local_time;
