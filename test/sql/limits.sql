-- Limits: lead time, same day, horizon, most visits a day and week of a service and of a provider, most visits in a window.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_limits LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_limits;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T14:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000004-0010-7000-8000-000000000001\''
\set sydney '\'5c000004-0010-7000-8000-000000000002\''
\set ann '\'5c000004-0020-7000-8000-0000000000a1\''
\set bob '\'5c000004-0020-7000-8000-0000000000b2\''
\set cat '\'5c000004-0020-7000-8000-0000000000c3\''
\set dan '\'5c000004-0020-7000-8000-0000000000d4\''
\set lead '\'5c000004-0040-7000-8000-000000000001\''
\set nosame '\'5c000004-0040-7000-8000-000000000002\''
\set horizon '\'5c000004-0040-7000-8000-000000000003\''
\set day '\'5c000004-0040-7000-8000-000000000004\''
\set week '\'5c000004-0040-7000-8000-000000000005\''
\set plain '\'5c000004-0040-7000-8000-000000000006\''
\set pat1 '\'5c000004-0090-7000-8000-000000000001\''
\set pat2 '\'5c000004-0090-7000-8000-000000000002\''
\set pat3 '\'5c000004-0090-7000-8000-000000000003\''
\set window '\'5c000004-0050-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-limits', name => 'Test', tenant_id => '5c000004-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_limits', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_location('Sydney', 'Australia/Sydney', location_id => :sydney),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', max_per_day => 2, max_per_week => 3, provider_id => :bob),
       clinic.create_provider('Cat', 'America/New_York', max_per_day => 1, provider_id => :cat),
       clinic.create_provider('Dan', 'America/New_York', provider_id => :dan),
       clinic.create_service('Lead time', 30, lead_time_minutes => 90, service_id => :lead),
       clinic.create_service('Not the same day', 30, same_day => false, service_id => :nosame),
       clinic.create_service('Horizon', 60, horizon_days => 2, service_id => :horizon),
       clinic.create_service('Two a day', 30, max_per_day => 2, service_id => :day),
       clinic.create_service('Two a week', 30, max_per_week => 2, service_id => :week),
       clinic.create_service('Plain', 30, service_id => :plain),
       clinic.create_patient('One', patient_id => :pat1),
       clinic.create_patient('Two', patient_id => :pat2),
       clinic.create_patient('Three', patient_id => :pat3) \g /dev/null
SELECT clinic.offer_service(s, p)
FROM unnest(ARRAY[:lead, :nosame, :horizon, :day, :week, :plain]::uuid[]) AS s, unnest(ARRAY[:ann, :bob, :cat, :dan]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(:ann, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01'),
       clinic.add_hours(:bob, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01'),
       clinic.add_hours(:cat, :sydney, 'FREQ=DAILY', '00:00', '24:00', valid_from => '2026-03-01'),
       clinic.add_hours(:dan, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01', max_appointments => 2, rule_id => :window) \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_limits;

-- It is Monday, 2 March 2026, 09:00 in New York. Exactly the lead time ahead is allowed, a microsecond less is not.
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS starts
FROM clinic.available_slots(:lead, '2026-03-02', '2026-03-03', provider_id => :ann) AS s;
SET clinic.clock = '2026-03-02T14:00:00.000001Z';
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS starts
FROM clinic.available_slots(:lead, '2026-03-02', '2026-03-03', provider_id => :ann) AS s;
SELECT e.reason, e.source FROM clinic.explain_slot(:lead, '2026-03-02 10:30-05', :ann) AS e;
SELECT * FROM clinic.book_appointment(:lead, :pat1, '2026-03-02 10:30-05', :ann);
-- A start equal to now has not begun; one before now is past, and not also too soon.
SELECT e.reason FROM clinic.explain_slot(:plain, '2026-03-02 09:00-05', :ann) AS e;
SELECT e.reason FROM clinic.explain_slot(:lead, '2026-03-02 09:00-05', :ann) AS e;
SET clinic.clock = '2026-03-02T14:00:00Z';
SELECT e.reason FROM clinic.explain_slot(:plain, '2026-03-02 09:00-05', :ann) AS e;
SELECT e.reason FROM clinic.explain_slot(:lead, '2026-03-02 09:00-05', :ann) AS e;

-- The lead time is elapsed time, over the night in which an hour is missing as well: 8 March 2026, 23 hours.
SELECT clinic.update_service(:lead, '{"lead_time_minutes": 1440}');
SET clinic.clock = '2026-03-07T14:30:00Z';
SELECT min(s.local_date + s.local_time) AS first FROM clinic.available_slots(:lead, '2026-03-07', '2026-03-10', provider_id => :ann) AS s;

-- Not the same day: the local date of the location. In Sydney it is Tuesday already.
SET clinic.clock = '2026-03-02T14:00:00Z';
SELECT min(s.local_date + s.local_time) AS first FROM clinic.available_slots(:nosame, '2026-03-02', '2026-03-10', provider_id => :ann) AS s;
SELECT min(s.local_date + s.local_time) AS first FROM clinic.available_slots(:nosame, '2026-03-02', '2026-03-10', provider_id => :cat) AS s;
SELECT e.reason FROM clinic.explain_slot(:nosame, '2026-03-02 10:30-05', :ann) AS e;

-- The horizon ends with today + 2, inclusive: the last start of Wednesday in New York, of Thursday in Sydney.
SELECT max(s.local_date + s.local_time) AS last FROM clinic.available_slots(:horizon, '2026-03-02', '2026-03-10', provider_id => :ann) AS s;
SELECT max(s.local_date + s.local_time) AS last FROM clinic.available_slots(:horizon, '2026-03-02', '2026-03-10', provider_id => :cat) AS s;
SELECT e.reason FROM clinic.explain_slot(:horizon, '2026-03-05 09:00-05', :ann) AS e;
SELECT clinic.update_service(:horizon, '{"horizon_days": 0}');
SELECT max(s.local_date + s.local_time) AS last FROM clinic.available_slots(:horizon, '2026-03-02', '2026-03-10', provider_id => :ann) AS s;

-- A service's daily limit counts that service at that provider.
SELECT count(*) FROM clinic.book_appointment(:day, :pat1, '2026-03-03 09:00-05', :ann);
SELECT s.remaining, count(*) FROM clinic.available_slots(:day, '2026-03-03 00:00-05', '2026-03-04 00:00-05', provider_id => :ann) AS s GROUP BY 1;
SELECT count(*) FROM clinic.book_appointment(:plain, :pat1, '2026-03-03 09:30-05', :ann);
SELECT count(*) FROM clinic.book_appointment(:day, :pat1, '2026-03-03 10:00-05', :ann);
SELECT count(*) FROM clinic.available_slots(:day, '2026-03-03 00:00-05', '2026-03-04 00:00-05', provider_id => :ann);
SELECT e.reason, e.source, e.source_id = :day AS the_service FROM clinic.explain_slot(:day, '2026-03-03 11:00-05', :ann) AS e;
SELECT * FROM clinic.book_appointment(:day, :pat2, '2026-03-03 11:00-05', :ann);
SELECT count(*) AS next_day FROM clinic.available_slots(:day, '2026-03-04 00:00-05', '2026-03-05 00:00-05', provider_id => :ann);
SELECT count(*) AS other_service FROM clinic.available_slots(:plain, '2026-03-03 00:00-05', '2026-03-04 00:00-05', provider_id => :ann);
-- What is cancelled no longer counts; a move ignores itself.
SELECT a.appointment_id AS second FROM clinic.appointments AS a WHERE a.service_id = :day AND a.starts_at = '2026-03-03 10:00-05' \gset
SELECT r.starts_at FROM clinic.reschedule_appointment(:'second', '2026-03-03 11:00-05') AS r;
SELECT c.status FROM clinic.cancel_appointment(:'second') AS c;
SELECT count(*) FROM clinic.available_slots(:day, '2026-03-03 00:00-05', '2026-03-04 00:00-05', provider_id => :ann);

-- A weekly limit counts the ISO week, Monday to Sunday.
SELECT count(b.*) FROM unnest(ARRAY['2026-03-04 09:00-05', '2026-03-08 11:00-04']::timestamptz[]) AS t,
    clinic.book_appointment(:week, :pat2, t, :ann) AS b;
SELECT s.local_date, count(*) FROM clinic.available_slots(:week, '2026-03-02 00:00-05', '2026-03-11 00:00-04', provider_id => :ann) AS s GROUP BY 1 ORDER BY 1;

-- A provider's limits count everything.
SELECT count(*) FROM clinic.book_appointment(:plain, :pat1, '2026-03-03 10:30-05', :bob);
SELECT count(*) FROM clinic.book_appointment(:day, :pat2, '2026-03-03 09:30-05', :bob);
SELECT e.reason, e.source, e.source_id = :bob AS the_provider FROM clinic.explain_slot(:plain, '2026-03-03 11:00-05', :bob) AS e;
SELECT count(*) FROM clinic.book_appointment(:plain, :pat1, '2026-03-04 09:00-05', :bob);
SELECT s.local_date, count(*) FROM clinic.available_slots(:plain, '2026-03-02 00:00-05', '2026-03-11 00:00-04', provider_id => :bob) AS s GROUP BY 1 ORDER BY 1;
-- Both the service's and the provider's limit refuse: both are said.
SELECT count(*) FROM clinic.book_appointment(:day, :pat2, '2026-03-10 09:30-04', :bob);
SELECT count(*) FROM clinic.book_appointment(:day, :pat2, '2026-03-10 10:30-04', :bob);
SELECT e.step, e.reason, e.source FROM clinic.explain_slot(:day, '2026-03-10 11:00-04', :bob) AS e;

-- Limits count days in the provider's zone, also where the location is elsewhere: Cat's Tuesday ends at 16:00 on Wednesday in Sydney.
SELECT count(*) FROM clinic.book_appointment(:plain, :pat1, '2026-03-04 15:30+11', :cat);
SELECT min(s.local_date + s.local_time) AS first FROM clinic.available_slots(:plain, '2026-03-03 00:00-05', '2026-03-06', provider_id => :cat) AS s;
SELECT max(s.local_date + s.local_time) AS before FROM clinic.available_slots(:plain, '2026-03-02 14:00Z', '2026-03-04 04:00Z', provider_id => :cat) AS s;

-- A window's maximum counts the visits that start in it.
SELECT count(*) FROM clinic.book_appointment(:plain, :pat1, '2026-03-05 09:00-05', :dan);
SELECT s.remaining, count(*) FROM clinic.available_slots(:plain, '2026-03-05 00:00-05', '2026-03-06 00:00-05', provider_id => :dan) AS s GROUP BY 1;
SELECT count(*) FROM clinic.book_appointment(:day, :pat1, '2026-03-05 10:00-05', :dan);
SELECT count(*) FROM clinic.available_slots(:plain, '2026-03-05 00:00-05', '2026-03-06 00:00-05', provider_id => :dan);
SELECT e.reason, e.source, e.source_id = :window AS the_window FROM clinic.explain_slot(:plain, '2026-03-05 11:00-05', :dan) AS e;
SELECT * FROM clinic.book_appointment(:plain, :pat2, '2026-03-05 11:00-05', :dan);
-- A move within the window ignores itself.
SELECT r.starts_at FROM clinic.appointments AS a, clinic.reschedule_appointment(a.appointment_id, '2026-03-05 11:00-05') AS r
WHERE a.provider_id = :dan AND a.starts_at = '2026-03-05 10:00-05';

-- A limit of nothing offers nothing.
SELECT clinic.update_provider(:dan, '{"max_per_day": 0}');
SELECT count(*) FROM clinic.available_slots(:plain, '2026-03-02', '2026-04-02', provider_id => :dan);

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_limits;
DROP ROLE regress_limits;
