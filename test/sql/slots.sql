-- Slots: one grid for each merged window, starts chosen by the range, local columns of the location, order, and what is left.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_slots LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_slots;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set midtown '\'5c000001-0010-7000-8000-000000000001\''
\set uptown '\'5c000001-0010-7000-8000-000000000002\''
\set pune '\'5c000001-0010-7000-8000-000000000003\''
\set ann '\'5c000001-0020-7000-8000-0000000000a1\''
\set bob '\'5c000001-0020-7000-8000-0000000000b2\''
\set rao '\'5c000001-0020-7000-8000-0000000000c3\''
\set visit '\'5c000001-0040-7000-8000-000000000001\''
\set long '\'5c000001-0040-7000-8000-000000000002\''
\set clock '\'5c000001-0040-7000-8000-000000000003\''
\set class '\'5c000001-0040-7000-8000-000000000004\''
\set other '\'5c000001-0040-7000-8000-000000000005\''
\set pat1 '\'5c000001-0090-7000-8000-000000000001\''
\set pat2 '\'5c000001-0090-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-slots', name => 'Slots', tenant_id => '5c000001-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_slots', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('Midtown', 'America/New_York', location_id => :midtown),
       clinic.create_location('Uptown', 'America/New_York', location_id => :uptown),
       clinic.create_location('Pune', 'Asia/Kolkata', location_id => :pune),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_provider('Rao', 'Asia/Kolkata', provider_id => :rao),
       clinic.create_patient('One', patient_id => :pat1),
       clinic.create_patient('Two', patient_id => :pat2),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_service('Long visit', 45, step_minutes => 20, min_duration_minutes => 30, max_duration_minutes => 60,
                             service_id => :long),
       clinic.create_service('By the clock', 30, step_minutes => 60, anchor => 'midnight', service_id => :clock),
       clinic.create_service('Class', 60, capacity => 3, service_id => :class),
       clinic.create_service('Other', 30, service_id => :other) \g /dev/null
SELECT clinic.offer_service(s, p)
FROM unnest(ARRAY[:visit, :long, :clock, :class]::uuid[]) AS s, unnest(ARRAY[:ann, :bob, :rao]::uuid[]) AS p \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_slots;

-- Hours: Ann on Mondays from 09:10 to 11:00; Bob on Tuesdays in two windows that touch and one that overlaps.
SELECT clinic.add_hours(:ann, :midtown, 'FREQ=WEEKLY;BYDAY=MO', '09:10', '11:00', valid_from => '2026-03-01'),
       clinic.add_hours(:bob, :midtown, 'FREQ=WEEKLY;BYDAY=TU', '09:00', '09:50', valid_from => '2026-03-01'),
       clinic.add_hours(:bob, :midtown, 'FREQ=WEEKLY;BYDAY=TU', '09:50', '10:40', valid_from => '2026-03-01'),
       clinic.add_hours(:bob, :midtown, 'FREQ=WEEKLY;BYDAY=TU', '10:30', '11:15', valid_from => '2026-03-01'),
       clinic.add_hours(:bob, :uptown, 'FREQ=WEEKLY;BYDAY=TU', '11:15', '12:00', valid_from => '2026-03-01'),
       clinic.add_hours(:rao, :pune, 'FREQ=WEEKLY;BYDAY=MO,TU', '10:00', '11:00', valid_from => '2026-03-01') \g /dev/null

-- Every column. The grid is anchored at the window's start, and a visit must end inside the window.
SELECT right(s.provider_id::text, 2) AS provider, right(s.location_id::text, 1) AS place, s.starts_at, s.ends_at, s.local_date,
       s.local_time, s.utc_offset, s.time_zone, s.remaining
FROM clinic.available_slots(:visit, '2026-03-02 00:00-05', '2026-03-03 00:00-05') AS s;

-- Windows of one location that overlap or touch are merged and cut as one; those of another location are not.
SELECT right(s.location_id::text, 1) AS place, string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS starts
FROM clinic.available_slots(:visit, '2026-03-03 00:00-05', '2026-03-04 00:00-05', provider_id => :bob) AS s GROUP BY 1 ORDER BY 1;

-- The step is not the length; the grid may also begin at local midnight.
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS every_20_minutes
FROM clinic.available_slots(:long, '2026-03-02 00:00-05', '2026-03-03 00:00-05', provider_id => :ann) AS s;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS on_the_hour
FROM clinic.available_slots(:clock, '2026-03-02 00:00-05', '2026-03-03 00:00-05', provider_id => :ann) AS s;

-- The range selects by the start, half-open, and never moves the grid.
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS starts
FROM clinic.available_slots(:visit, '2026-03-02 09:11-05', '2026-03-02 10:10-05', provider_id => :ann) AS s;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS starts
FROM clinic.available_slots(:visit, '2026-03-02 09:40-05', '2026-03-02 10:10:00.000001-05', provider_id => :ann) AS s;
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-02 09:40-05', '2026-03-02 09:40-05', provider_id => :ann);

-- Ordered by start, then provider; Rao's are earlier on the same date.
SELECT right(s.provider_id::text, 2) AS provider, s.starts_at, s.local_date, s.local_time, s.utc_offset
FROM clinic.available_slots(:visit, '2026-03-03 00:00Z', '2026-03-03 15:00Z', max_rows => 4) AS s;
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-03 00:00Z', '2026-03-03 15:00Z', max_rows => 0);
-- max_rows cuts the same list.
SELECT bool_and(first.starts_at = every.starts_at AND first.provider_id = every.provider_id) AS same, count(*)
FROM clinic.available_slots(:visit, '2026-03-03', '2026-05-03', max_rows => 25) WITH ORDINALITY AS first
JOIN clinic.available_slots(:visit, '2026-03-03', '2026-05-03') WITH ORDINALITY AS every USING (ordinality);
-- By location.
SELECT DISTINCT right(s.location_id::text, 1) AS place
FROM clinic.available_slots(:visit, '2026-03-03', '2026-03-10', location_id => :uptown) AS s;

-- A booking takes its time and does not move the grid; touching is not overlap.
SELECT b.starts_at, b.status FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 09:30-05', provider_id => :bob) AS b;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS starts
FROM clinic.available_slots(:visit, '2026-03-03 00:00-05', '2026-03-04 00:00-05', provider_id => :bob, location_id => :midtown) AS s;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS every_20_minutes
FROM clinic.available_slots(:long, '2026-03-03 00:00-05', '2026-03-04 00:00-05', provider_id => :bob, location_id => :midtown) AS s;

-- With a patient: only what that patient can take.
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS for_one
FROM clinic.available_slots(:visit, '2026-03-02 00:00-05', '2026-03-03 00:00-05', provider_id => :ann, patient_id => :pat1) AS s;
SELECT count(*) FROM clinic.book_appointment(:visit, :pat1, '2026-03-02 09:40-05', provider_id => :ann);
SELECT clinic.add_hours(:bob, :midtown, 'FREQ=DAILY;COUNT=1', '09:00', '11:00', valid_from => '2026-03-02') \g /dev/null
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS for_one
FROM clinic.available_slots(:visit, '2026-03-02 00:00-05', '2026-03-03 00:00-05', provider_id => :bob, patient_id => :pat1) AS s;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS for_two
FROM clinic.available_slots(:visit, '2026-03-02 00:00-05', '2026-03-03 00:00-05', provider_id => :bob, patient_id => :pat2) AS s;

-- Another length, within the service's bounds; the provider's own length where none is asked for.
SELECT s.local_time, s.ends_at - s.starts_at AS length
FROM clinic.available_slots(:long, '2026-03-09 00:00-04', '2026-03-10 00:00-04', provider_id => :ann, duration => '60 minutes') AS s;
SELECT clinic.offer_service(:long, :ann, duration_minutes => 90);
SELECT s.local_time, s.ends_at - s.starts_at AS length
FROM clinic.available_slots(:long, '2026-03-09 00:00-04', '2026-03-10 00:00-04', provider_id => :ann) AS s;
SELECT count(*) AS too_long
FROM clinic.available_slots(:long, '2026-03-09 00:00-04', '2026-03-10 00:00-04', provider_id => :bob, duration => '61 minutes');

-- Hours for some services only serve only those; they do not merge with the others' grid.
SELECT clinic.add_hours(:ann, :midtown, 'FREQ=WEEKLY;BYDAY=WE', '09:00', '09:50', valid_from => '2026-03-01', service_ids => ARRAY[:other]::uuid[]),
       clinic.add_hours(:ann, :midtown, 'FREQ=WEEKLY;BYDAY=WE', '09:40', '10:40', valid_from => '2026-03-01') \g /dev/null
SELECT clinic.offer_service(:other, :ann);
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS visit
FROM clinic.available_slots(:visit, '2026-03-04 00:00-05', '2026-03-05 00:00-05', provider_id => :ann) AS s;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS other
FROM clinic.available_slots(:other, '2026-03-04 00:00-05', '2026-03-05 00:00-05', provider_id => :ann) AS s;

-- Free time of a bare length, at whoever has it.
SELECT right(s.provider_id::text, 2) AS provider, string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS starts
FROM clinic.available_slots(NULL, '2026-03-03 00:00-05', '2026-03-04 00:00-05', duration => '40 minutes') AS s GROUP BY 1 ORDER BY 1;

-- Seats: remaining counts the bookings that still fit.
SELECT count(*) FROM clinic.book_appointment(:class, :pat1, '2026-03-10 09:00-04', provider_id => :bob);
SELECT s.local_time, s.remaining
FROM clinic.available_slots(:class, '2026-03-10 00:00-04', '2026-03-11 00:00-04', provider_id => :bob) AS s;
SELECT s.local_time, s.remaining
FROM clinic.available_slots(:class, '2026-03-10 00:00-04', '2026-03-11 00:00-04', provider_id => :bob, patient_id => :pat1) AS s;

-- Grouped by day for clients that want it.
SELECT jsonb_pretty(clinic.available_days(:visit, '2026-03-09 00:00-04', '2026-03-16 00:00-04', provider_id => :ann,
                                          location_id => :midtown) -> 0 -> 'slots' -> 0) AS first_slot;
SELECT d ->> 'date' AS date, jsonb_array_length(d -> 'slots') AS slots
FROM jsonb_array_elements(clinic.available_days(:visit, '2026-03-09 00:00-04', '2026-03-16 00:00-04', provider_id => :ann)) AS d;
SELECT clinic.available_days(:visit, '2026-03-05 00:00-05', '2026-03-06 00:00-05');

-- In a join: the argument may come from another table.
SELECT sv.name, count(s.starts_at) AS slots, min(s.starts_at) AS first
FROM clinic.services AS sv
LEFT JOIN LATERAL clinic.available_slots(sv.service_id, '2026-03-09', '2026-03-16', provider_id => :ann) AS s ON true
WHERE sv.name IN ('Visit', 'By the clock', 'Class') GROUP BY 1 ORDER BY 1;
-- The session's zone has no say.
SET timezone = 'Asia/Tokyo';
SELECT s.local_time, s.utc_offset, s.starts_at AT TIME ZONE 'UTC' AS utc
FROM clinic.available_slots(:visit, '2026-03-09 00:00-04', '2026-03-10 00:00-04', provider_id => :ann, max_rows => 1) AS s;
SET timezone = 'UTC';

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_slots;
DROP ROLE regress_slots;
