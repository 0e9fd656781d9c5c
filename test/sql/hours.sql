-- Hours: block over holiday over date override over rule; stays in another zone; valid dates; versions.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_hours LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_hours;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000005-0010-7000-8000-000000000001\''
\set uptown '\'5c000005-0010-7000-8000-000000000002\''
\set london '\'5c000005-0010-7000-8000-000000000003\''
\set ann '\'5c000005-0020-7000-8000-0000000000a1\''
\set bob '\'5c000005-0020-7000-8000-0000000000b2\''
\set visit '\'5c000005-0040-7000-8000-000000000001\''
\set other '\'5c000005-0040-7000-8000-000000000002\''
\set r1 '\'5c000005-0050-7000-8000-000000000001\''
\set r2 '\'5c000005-0050-7000-8000-000000000002\''
\set r3 '\'5c000005-0050-7000-8000-000000000003\''
\set o1 '\'5c000005-0060-7000-8000-000000000001\''
\set o2 '\'5c000005-0060-7000-8000-000000000002\''
\set o3 '\'5c000005-0060-7000-8000-000000000003\''
\set o4 '\'5c000005-0060-7000-8000-000000000004\''
\set h1 '\'5c000005-0070-7000-8000-000000000001\''
\set h2 '\'5c000005-0070-7000-8000-000000000002\''
\set s1 '\'5c000005-0080-7000-8000-000000000001\''
\set pat1 '\'5c000005-0090-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-hours', name => 'Test', tenant_id => '5c000005-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_hours', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_location('Uptown', 'America/New_York', location_id => :uptown),
       clinic.create_location('London', 'Europe/London', location_id => :london),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 60, service_id => :visit),
       clinic.create_service('Other', 60, service_id => :other),
       clinic.create_patient('One', patient_id => :pat1) \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:visit, :other]::uuid[]) AS s, unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(:ann, :ny, 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '09:00', '11:00', valid_from => '2026-03-01', rule_id => :r1) \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_hours;

-- What a week offers: date, place, starts by the wall clock of the location.
CREATE VIEW pg_temp.week AS
    SELECT s.local_date AS date, right(s.provider_id::text, 2) AS who, right(s.location_id::text, 1) AS place,
           string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS starts
    FROM clinic.available_slots('5c000005-0040-7000-8000-000000000001', '2026-03-09 00:00-04', '2026-03-14 00:00-04') AS s
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT * FROM pg_temp.week;

-- A date override replaces the windows that start on its date; a closed date has none.
SELECT clinic.open_date(:ann, :ny, '2026-03-10', '14:00', '15:00', override_id => :o1),
       clinic.open_date(:ann, :uptown, '2026-03-10', '17:00', '18:00', override_id => :o2),
       clinic.close_date(:ann, '2026-03-11', override_id => :o3) \g /dev/null
SELECT * FROM pg_temp.week WHERE date BETWEEN '2026-03-10' AND '2026-03-11';
SELECT e.reason, e.source, e.source_id = :o3 AS the_override FROM clinic.explain_slot(:visit, '2026-03-11 09:00-04', :ann, :ny) AS e;
SELECT e.reason FROM clinic.explain_slot(:visit, '2026-03-10 09:00-04', :ann, :ny) AS e;

-- A holiday closes the location, overrides included, unless the override says it works on holidays. Elsewhere is open.
SELECT clinic.add_holiday(:ny, '2026-03-12', 'Founders'' Day', holiday_id => :h1),
       clinic.open_date(:bob, :ny, '2026-03-12', '09:00', '10:00', works_on_holidays => true, override_id => :o4),
       clinic.open_date(:bob, :ny, '2026-03-12', '12:00', '13:00') \g /dev/null
SELECT * FROM pg_temp.week WHERE date = '2026-03-12';
SELECT e.reason, e.source, e.source_id = :h1 AS the_holiday FROM clinic.explain_slot(:visit, '2026-03-12 09:00-04', :ann, :ny) AS e;
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-12 12:00-04', :bob, :ny) AS e;
-- Outside what would have been open both are true, in their order.
SELECT e.step, e.reason FROM clinic.explain_slot(:visit, '2026-03-12 15:00-04', :ann, :ny) AS e;
-- A block is stronger than an override that works on holidays.
SELECT clinic.add_block('2026-03-12 09:30-04', '2026-03-12 09:40-04', resource_id => :bob) \g /dev/null
SELECT * FROM pg_temp.week WHERE date = '2026-03-12';
SELECT clinic.remove_holiday(:h1) \g /dev/null
SELECT * FROM pg_temp.week WHERE date = '2026-03-12';

-- An override replaces what starts on the date: the night that began the evening before goes on.
SELECT clinic.add_hours(:bob, :uptown, 'FREQ=WEEKLY;BYDAY=MO,TU', '23:00', '01:00', valid_from => '2026-03-01', rule_id => :r2) \g /dev/null
SELECT clinic.close_date(:bob, '2026-03-10', location_id => :uptown) \g /dev/null
SELECT s.local_date, s.local_time FROM clinic.available_slots(:visit, '2026-03-09 00:00-04', '2026-03-12 00:00-04', provider_id => :bob) AS s;

-- Valid dates are inclusive at both ends.
SELECT clinic.remove_hours(:r2) \g /dev/null
SELECT clinic.add_hours(:bob, :ny, 'FREQ=DAILY', '20:00', '21:00', valid_from => '2026-03-10', valid_until => '2026-03-11', rule_id => :r3) \g /dev/null
SELECT * FROM pg_temp.week WHERE who = 'b2' AND starts ~ '20:00';

-- change_hours makes a new version from a date on; bookings stay; every other Tuesday stays the same Tuesday.
SELECT clinic.add_hours(:bob, :london, 'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU', '09:00', '10:00', valid_from => '2026-03-01') AS fortnight \gset
SELECT s.starts_at, s.local_time FROM clinic.available_slots(:visit, '2026-03-01', '2026-04-20', location_id => :london) AS s;
SELECT clinic.change_hours(:'fortnight', '2026-03-25', start_time => '10:00', end_time => '11:00') AS changed \gset
SELECT s.starts_at, s.local_time FROM clinic.available_slots(:visit, '2026-03-01', '2026-04-20', location_id => :london) AS s;
SELECT a.valid_from, a.valid_until, a.start_time, a.replaces_rule_id IS NOT NULL AS replaces
FROM clinic.availability_rules AS a WHERE a.location_id = :london ORDER BY 1, 2;
SELECT clinic.end_hours(:'changed', '2026-04-10') IS NOT NULL AS ended;
SELECT s.starts_at, s.local_time FROM clinic.available_slots(:visit, '2026-03-01', '2026-04-20', location_id => :london) AS s;

-- A stay in another zone moves the wall-clock hours on its home dates, inclusive; what is booked stays where it was.
SELECT count(*) FROM clinic.book_appointment(:visit, :pat1, '2026-03-17 09:00-04', :ann, :ny);
SELECT clinic.add_stay(:ann, '2026-03-17', '2026-03-18', 'Europe/London', stay_id => :s1) \g /dev/null
SELECT oh.starts_at, oh.ends_at, oh.time_zone
FROM clinic.open_hours(ARRAY[:ann]::uuid[], '2026-03-16 00:00-04', '2026-03-20 00:00-04') AS oh;
SELECT s.local_date, s.local_time FROM clinic.available_slots(:visit, '2026-03-16 00:00-04', '2026-03-20 00:00-04', provider_id => :ann) AS s;
SELECT a.starts_at, a.local_starts_at, a.status FROM clinic.appointments AS a WHERE a.provider_id = :ann;
SELECT clinic.remove_stay(:s1) \g /dev/null
SELECT s.local_date, s.local_time FROM clinic.available_slots(:visit, '2026-03-16 00:00-04', '2026-03-18 00:00-04', provider_id => :ann) AS s;

-- Monthly, by position, and hours in another zone than the location's.
SELECT clinic.add_hours(:bob, :london, 'FREQ=MONTHLY;BYDAY=1MO', '09:00', '10:00', valid_from => '2026-04-05', time_zone => 'America/New_York') \g /dev/null
SELECT s.starts_at, s.local_date, s.local_time, s.utc_offset FROM clinic.available_slots(:visit, '2026-04-05', '2026-07-01', location_id => :london) AS s;
SELECT oh.starts_at, oh.time_zone FROM clinic.open_hours(ARRAY[:bob]::uuid[], '2026-04-05', '2026-05-01', location_id => :london) AS oh;
-- Not active: no slots.
SELECT clinic.update_location(:london, '{"status": "inactive"}') \g /dev/null
SELECT count(*) FROM clinic.available_slots(:visit, '2026-04-05', '2026-07-01', location_id => :london);
SELECT clinic.update_provider(:ann, '{"status": "inactive"}') \g /dev/null
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-09', '2026-03-14', provider_id => :ann);
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-09 09:00-04', :ann, :ny) AS e;

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_hours;
DROP ROLE regress_hours;
