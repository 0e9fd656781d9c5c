-- Slots when the clocks change, over midnight, and on whole days: steps are elapsed time, windows never vanish.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_slots_dst LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_slots_dst;
RESET client_min_messages;
SET clinic.clock = '2026-01-05T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000002-0010-7000-8000-000000000001\''
\set howe '\'5c000002-0010-7000-8000-000000000002\''
\set pune '\'5c000002-0010-7000-8000-000000000003\''
\set havana '\'5c000002-0010-7000-8000-000000000004\''
\set ann '\'5c000002-0020-7000-8000-0000000000a1\''
\set lou '\'5c000002-0020-7000-8000-0000000000b2\''
\set rao '\'5c000002-0020-7000-8000-0000000000c3\''
\set hav '\'5c000002-0020-7000-8000-0000000000d4\''
\set half '\'5c000002-0040-7000-8000-000000000001\''
\set hour '\'5c000002-0040-7000-8000-000000000002\''
\set midnight '\'5c000002-0040-7000-8000-000000000003\''
\set night '\'5c000002-0040-7000-8000-000000000004\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-slots-dst', name => 'Test', tenant_id => '5c000002-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_slots_dst', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_location('Lord Howe', 'Australia/Lord_Howe', location_id => :howe),
       clinic.create_location('Pune', 'Asia/Kolkata', location_id => :pune),
       clinic.create_location('Havana', 'America/Havana', location_id => :havana),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Lou', 'Australia/Lord_Howe', provider_id => :lou),
       clinic.create_provider('Rao', 'Asia/Kolkata', provider_id => :rao),
       clinic.create_provider('Hav', 'America/Havana', provider_id => :hav),
       clinic.create_service('Half an hour', 30, service_id => :half),
       clinic.create_service('Hour', 60, service_id => :hour),
       clinic.create_service('From midnight', 60, step_minutes => 90, anchor => 'midnight', service_id => :midnight),
       clinic.create_service('Night', 540, step_minutes => 30, service_id => :night) \g /dev/null
SELECT clinic.offer_service(s, p)
FROM unnest(ARRAY[:half, :hour, :midnight, :night]::uuid[]) AS s, unnest(ARRAY[:ann, :lou, :rao, :hav]::uuid[]) AS p \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_slots_dst;

-- New York, the night in which clocks go forward (Sunday, 8 March 2026, 02:00 to 03:00): a missing hour gives no start.
SELECT clinic.add_hours(:ann, :ny, 'FREQ=WEEKLY;BYDAY=SU', '01:00', '05:00', valid_from => '2026-01-01') \g /dev/null
SELECT s.starts_at, s.local_time, s.utc_offset
FROM clinic.available_slots(:half, '2026-03-08 00:00-05', '2026-03-09 00:00-04', provider_id => :ann) AS s;
-- ... and back (1 November 2026, 02:00 to 01:00): a repeated hour gives its starts twice, told apart by the offset.
SELECT s.starts_at, s.local_time, s.utc_offset
FROM clinic.available_slots(:half, '2026-11-01 00:00-04', '2026-11-02 00:00-05', provider_id => :ann) AS s;
-- A grid from midnight counts elapsed time too: 00:00, 01:30, then 04:00 by the wall clock, since an hour is missing.
SELECT s.starts_at, s.local_time, s.utc_offset
FROM clinic.available_slots(:midnight, '2026-03-08 00:00-05', '2026-03-09 00:00-04', provider_id => :ann) AS s;

-- A window whose bound lies in the gap moves to where the clock resumes.
SELECT clinic.open_date(:ann, :ny, '2026-03-08', '02:30', '04:00'),
       clinic.open_date(:ann, :ny, '2026-03-08', '00:30', '02:15') \g /dev/null
SELECT oh.starts_at, oh.ends_at FROM clinic.open_hours(ARRAY[:ann]::uuid[], '2026-03-08 00:00-05', '2026-03-09 00:00-04') AS oh;
-- They meet at 03:00, so they are one window and one grid.
SELECT s.local_time, s.utc_offset
FROM clinic.available_slots(:half, '2026-03-08 00:00-05', '2026-03-09 00:00-04', provider_id => :ann) AS s;

-- Overnight: an end not after the start lies on the next day. The night is 7, 8 or 9 hours long.
SELECT clinic.add_hours(:ann, :ny, 'FREQ=WEEKLY;BYDAY=SA', '22:00', '06:00', valid_from => '2026-01-01', service_ids => ARRAY[:night, :hour]::uuid[]) \g /dev/null
SELECT oh.starts_at, oh.ends_at, oh.ends_at - oh.starts_at AS length
FROM clinic.open_hours(ARRAY[:ann]::uuid[], '2026-01-10', '2026-12-01', service_id => :night) AS oh
WHERE oh.starts_at::date IN ('2026-01-11', '2026-03-08', '2026-11-01') AND oh.rule_id IS NOT NULL AND oh.ends_at - oh.starts_at > '4 hours';
SELECT s.starts_at, s.local_date, s.local_time, s.utc_offset
FROM clinic.available_slots(:night, '2026-10-31 00:00-04', '2026-11-02 00:00-05', provider_id => :ann) AS s;
-- A range that begins after midnight sees the grid of the evening before.
SELECT string_agg(s.local_time::text || s.utc_offset, ' ' ORDER BY s.starts_at) AS starts
FROM clinic.available_slots(:hour, '2026-01-11 00:30-05', '2026-01-11 12:00-05', provider_id => :ann) AS s;

-- Lord Howe: half an hour. Forward on 4 October 2026, 02:00 to 02:30; back on 5 April 2026, 02:00 to 01:30.
SELECT clinic.add_hours(:lou, :howe, 'FREQ=WEEKLY;BYDAY=SU', '01:00', '03:30', valid_from => '2026-01-01') \g /dev/null
SELECT s.starts_at, s.local_time, s.utc_offset
FROM clinic.available_slots(:half, '2026-10-04 00:00+10:30', '2026-10-05 00:00+11', provider_id => :lou) AS s;
SELECT s.starts_at, s.local_time, s.utc_offset
FROM clinic.available_slots(:half, '2026-04-05 00:00+11', '2026-04-06 00:00+10:30', provider_id => :lou) AS s;

-- Kolkata: no clock change, a half-hour offset; 24:00 is a valid end; the next window touches it at midnight.
SELECT clinic.add_hours(:rao, :pune, 'FREQ=WEEKLY;BYDAY=MO', '22:30', '24:00', valid_from => '2026-01-01'),
       clinic.add_hours(:rao, :pune, 'FREQ=WEEKLY;BYDAY=TU', '00:00', '01:00', valid_from => '2026-01-01') \g /dev/null
SELECT s.starts_at, s.local_date, s.local_time, s.utc_offset
FROM clinic.available_slots(:hour, '2026-01-12 00:00+05:30', '2026-01-14 00:00+05:30', provider_id => :rao) AS s;

-- All day is the local day, however long: 23, 24 or 25 hours (in a year that no new release of tzdata
-- can change). Midnight itself is missing in Havana on 8 March 2026.
SELECT clinic.add_hours(:hav, :havana, 'FREQ=WEEKLY;BYDAY=SU', '00:00', '24:00', valid_from => '2024-01-01') \g /dev/null
SELECT oh.starts_at, oh.ends_at, oh.ends_at - oh.starts_at AS length
FROM clinic.open_hours(ARRAY[:hav]::uuid[], '2024-01-01', '2024-12-01') AS oh
WHERE oh.starts_at::date IN ('2024-01-14', '2024-03-10', '2024-11-03');
SELECT count(*), min(s.local_time), min(s.starts_at)
FROM clinic.available_slots(:hour, '2026-03-07 12:00Z', '2026-03-09 12:00Z', provider_id => :hav) AS s;

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_slots_dst;
DROP ROLE regress_slots_dst;
