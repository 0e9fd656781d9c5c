-- The first free slot: overall or of each provider, ties by fewest visits that local day, then the lowest id.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_first_available LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_first_available;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000003-0010-7000-8000-000000000001\''
\set uptown '\'5c000003-0010-7000-8000-000000000002\''
\set ann '\'5c000003-0020-7000-8000-0000000000a1\''
\set bob '\'5c000003-0020-7000-8000-0000000000b2\''
\set cat '\'5c000003-0020-7000-8000-0000000000c3\''
\set visit '\'5c000003-0040-7000-8000-000000000001\''
\set other '\'5c000003-0040-7000-8000-000000000002\''
\set pat1 '\'5c000003-0090-7000-8000-000000000001\''
\set pat2 '\'5c000003-0090-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-first-available', name => 'Test', tenant_id => '5c000003-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_first_available', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_location('Uptown', 'America/New_York', location_id => :uptown),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_provider('Cat', 'America/New_York', provider_id => :cat),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_service('Other', 30, service_id => :other),
       clinic.create_patient('One', patient_id => :pat1),
       clinic.create_patient('Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:visit, :other]::uuid[]) AS s, unnest(ARRAY[:ann, :bob, :cat]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(:ann, :ny, 'FREQ=WEEKLY;BYDAY=MO,TU', '09:00', '12:00', valid_from => '2026-03-01'),
       clinic.add_hours(:bob, :ny, 'FREQ=WEEKLY;BYDAY=MO,TU', '09:00', '12:00', valid_from => '2026-03-01'),
       clinic.add_hours(:cat, :ny, 'FREQ=WEEKLY;BYDAY=TU', '08:00', '09:00', valid_from => '2026-03-01') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_first_available;

\set monday '\'2026-03-02 00:00-05\', \'2026-03-03 00:00-05\''
\set week '\'2026-03-02 00:00-05\', \'2026-03-09 00:00-04\''
-- Nobody has a visit: the lowest id.
SELECT right(f.provider_id::text, 2) AS provider, right(f.location_id::text, 1) AS place, f.starts_at, f.ends_at, f.local_date,
       f.local_time, f.utc_offset, f.time_zone, f.remaining
FROM clinic.first_available(:visit, :week) AS f;
-- Of each provider, earliest first.
SELECT right(f.provider_id::text, 2) AS provider, f.local_date, f.local_time FROM clinic.first_available(:visit, :week, per_provider => true) AS f;
-- The earlier start comes first, however busy the provider is that day.
SELECT right(f.provider_id::text, 2) AS provider, f.local_time FROM clinic.first_available(:visit, '2026-03-03 00:00-05', '2026-03-04 00:00-05') AS f;

-- A visit of any service that day makes Ann the second; one on another day would not.
SELECT count(*) FROM clinic.book_appointment(:other, :pat1, '2026-03-03 11:30-05', provider_id => :bob);
SELECT right(f.provider_id::text, 2) AS provider, f.local_time FROM clinic.first_available(:visit, :monday) AS f;
SELECT count(*) FROM clinic.book_appointment(:other, :pat1, '2026-03-02 11:30-05', provider_id => :ann);
SELECT right(f.provider_id::text, 2) AS provider, f.local_time FROM clinic.first_available(:visit, :monday) AS f;
SELECT right(f.provider_id::text, 2) AS provider, f.local_time FROM clinic.first_available(:visit, :monday, per_provider => true) AS f;
-- Booking without a provider chooses the same one.
SELECT right(b.provider_id::text, 2) AS provider FROM clinic.book_appointment(:visit, :pat1, '2026-03-02 09:00-05') AS b;
-- One visit each: the lowest id again. Cancelled visits do not count.
SELECT right(f.provider_id::text, 2) AS provider, f.local_time FROM clinic.first_available(:visit, :monday) AS f;
SELECT right(f.provider_id::text, 2) AS provider, f.local_time FROM clinic.first_available(:visit, '2026-03-02 09:30-05', '2026-03-03 00:00-05') AS f;
SELECT c.status FROM clinic.appointments AS a, clinic.cancel_appointment(a.appointment_id) AS c
WHERE a.provider_id = :bob AND a.starts_at = '2026-03-02 09:00-05';
SELECT right(f.provider_id::text, 2) AS provider, f.local_time FROM clinic.first_available(:visit, :monday) AS f;

-- Narrowed down: a provider, a patient who is busy then, a length, a location where nobody is.
SELECT right(f.provider_id::text, 2) AS provider, f.local_time FROM clinic.first_available(:visit, :monday, provider_id => :ann) AS f;
SELECT count(*) FROM clinic.book_appointment(:visit, :pat1, '2026-03-02 09:00-05', provider_id => :bob);
SELECT right(f.provider_id::text, 2) AS provider, f.local_time FROM clinic.first_available(:visit, :monday, patient_id => :pat1) AS f;
SELECT right(f.provider_id::text, 2) AS provider, f.local_time FROM clinic.first_available(:visit, :monday, patient_id => :pat2) AS f;
SELECT right(f.provider_id::text, 2) AS provider, f.local_time, f.ends_at - f.starts_at AS length
FROM clinic.first_available(NULL, :monday, duration => '2 hours 30 minutes') AS f;
SELECT count(*) FROM clinic.first_available(:visit, :week, location_id => :uptown);
-- Far away: the search goes on to the end of the range, and not beyond.
SELECT clinic.add_leave(p, '2026-03-02', '2026-12-31') FROM unnest(ARRAY[:ann, :bob, :cat]::uuid[]) AS p \g /dev/null
SELECT right(f.provider_id::text, 2) AS provider, f.starts_at FROM clinic.first_available(:visit, '2026-03-02', '2027-03-02', per_provider => true) AS f;
SELECT count(*) FROM clinic.first_available(:visit, '2026-03-02', '2027-01-01');
-- first_available is the first of available_slots when nobody has visits.
SELECT f.starts_at = s.starts_at AND f.provider_id = s.provider_id AS same
FROM clinic.first_available(:visit, '2026-03-02', '2027-03-02') AS f, clinic.available_slots(:visit, '2026-03-02', '2027-03-02', max_rows => 1) AS s;

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_first_available;
DROP ROLE regress_first_available;
