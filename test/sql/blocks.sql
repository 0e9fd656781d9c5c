-- Blocks, leave and breaks: spans, inclusive local dates, recurring; for one service, one place, kept for a patient; driving time.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_blocks LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_blocks;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000006-0010-7000-8000-000000000001\''
\set uptown '\'5c000006-0010-7000-8000-000000000002\''
\set pune '\'5c000006-0010-7000-8000-000000000003\''
\set ann '\'5c000006-0020-7000-8000-0000000000a1\''
\set bob '\'5c000006-0020-7000-8000-0000000000b2\''
\set visit '\'5c000006-0040-7000-8000-000000000001\''
\set other '\'5c000006-0040-7000-8000-000000000002\''
\set b1 '\'5c000006-00a0-7000-8000-000000000001\''
\set b2 '\'5c000006-00a0-7000-8000-000000000002\''
\set b3 '\'5c000006-00a0-7000-8000-000000000003\''
\set b4 '\'5c000006-00a0-7000-8000-000000000004\''
\set b5 '\'5c000006-00a0-7000-8000-000000000005\''
\set b6 '\'5c000006-00a0-7000-8000-000000000006\''
\set b7 '\'5c000006-00a0-7000-8000-000000000007\''
\set pat1 '\'5c000006-0090-7000-8000-000000000001\''
\set pat2 '\'5c000006-0090-7000-8000-000000000002\''
\set room '\'5c000006-0030-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-blocks', name => 'Test', tenant_id => '5c000006-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_blocks', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_location('Uptown', 'America/New_York', location_id => :uptown),
       clinic.create_location('Pune', 'Asia/Kolkata', location_id => :pune),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_resource('Room', 'room', 'room', :ny, resource_id => :room),
       clinic.create_service('Visit', 60, service_id => :visit),
       clinic.create_service('Other', 60, service_id => :other),
       clinic.create_patient('One', patient_id => :pat1),
       clinic.create_patient('Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:visit, :other]::uuid[]) AS s, unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(:ann, :ny, 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '09:00', '12:00', valid_from => '2026-03-01'),
       clinic.add_hours(:bob, :uptown, 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '09:00', '12:00', valid_from => '2026-03-01') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_blocks;

CREATE VIEW pg_temp.week AS
    SELECT s.local_date AS date, right(s.provider_id::text, 2) AS who, string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS starts
    FROM clinic.available_slots('5c000006-0040-7000-8000-000000000001', '2026-03-09 00:00-04', '2026-03-14 00:00-04') AS s
    GROUP BY 1, 2 ORDER BY 1, 2;

-- A block between two instants; touching it is free.
SELECT clinic.add_block('2026-03-09 10:00-04', '2026-03-09 10:00:00.000001-04', resource_id => :ann, block_id => :b1) \g /dev/null
SELECT * FROM pg_temp.week WHERE date = '2026-03-09' AND who = 'a1';
SELECT e.reason, e.source, e.source_id = :b1 AS the_block FROM clinic.explain_slot(:visit, '2026-03-09 10:00-04', :ann) AS e;

-- Leave: inclusive local dates of the provider's home zone; overlapping leaves are independent.
SELECT clinic.add_leave(:ann, '2026-03-10', '2026-03-11', block_id => :b2),
       clinic.add_leave(:ann, '2026-03-11', '2026-03-12', block_id => :b3) \g /dev/null
SELECT * FROM pg_temp.week WHERE who = 'a1';
SELECT clinic.remove_block(:b2) \g /dev/null
SELECT * FROM pg_temp.week WHERE who = 'a1';
SELECT bt.starts_at, bt.ends_at, bt.kind FROM clinic.blocked_times(ARRAY[:ann]::uuid[], '2026-03-09', '2026-03-14') AS bt;

-- For one service only.
SELECT clinic.add_leave(:bob, '2026-03-09', '2026-03-09', service_ids => ARRAY[:other]::uuid[]) \g /dev/null
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-09 00:00-04', '2026-03-10 00:00-04', provider_id => :bob);
SELECT count(*) FROM clinic.available_slots(:other, '2026-03-09 00:00-04', '2026-03-10 00:00-04', provider_id => :bob);

-- Time kept for a patient is blocked for all others, and for those who do not say who they are.
SELECT clinic.add_block('2026-03-10 10:00-04', '2026-03-10 11:00-04', resource_id => :bob, patient_id => :pat1, block_id => :b4) \g /dev/null
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS nobody FROM clinic.available_slots(:visit, '2026-03-10 00:00-04', '2026-03-11 00:00-04', :bob) AS s;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS two FROM clinic.available_slots(:visit, '2026-03-10 00:00-04', '2026-03-11 00:00-04', :bob, patient_id => :pat2) AS s;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS one FROM clinic.available_slots(:visit, '2026-03-10 00:00-04', '2026-03-11 00:00-04', :bob, patient_id => :pat1) AS s;
\set VERBOSITY terse
SELECT * FROM clinic.book_appointment(:visit, :pat2, '2026-03-10 10:00-04', :bob);
\set VERBOSITY default
SELECT b.status FROM clinic.book_appointment(:visit, :pat1, '2026-03-10 10:00-04', :bob) AS b;

-- A recurring break by the wall clock, before and after the clocks change on 8 March.
SELECT clinic.add_break(:bob, 'FREQ=WEEKLY;BYDAY=WE,TH', '10:00', '10:30', from_on => '2026-03-01', block_id => :b5) \g /dev/null
SELECT bt.starts_at, bt.ends_at, bt.kind FROM clinic.blocked_times(ARRAY[:bob]::uuid[], '2026-03-04', '2026-03-13') AS bt WHERE bt.block_id = :b5;
SELECT * FROM pg_temp.week WHERE who = 'b2' AND date >= '2026-03-11';

-- A block of a whole location holds for everybody while there, and for nobody elsewhere.
SELECT clinic.add_block('2026-03-13 09:00-04', '2026-03-13 11:00-04', location_id => :uptown, block_id => :b6) \g /dev/null
SELECT * FROM pg_temp.week WHERE date = '2026-03-13';
SELECT right(bt.resource_id::text, 2) AS whose, bt.starts_at
FROM clinic.blocked_times(ARRAY[:ann, :bob, :room]::uuid[], '2026-03-13', '2026-03-14', location_id => :uptown) AS bt;
-- Without a location: what concerns each of them. A room stands where it stands, a provider is where the hours are.
SELECT right(bt.resource_id::text, 2) AS whose, bt.starts_at
FROM clinic.blocked_times(ARRAY[:ann, :bob, :room]::uuid[], '2026-03-13', '2026-03-14') AS bt;
SELECT c.kind, c.source FROM clinic.find_conflicts(:visit, '2026-03-13 09:00-04', :ann) AS c;
SELECT c.kind, c.source, c.source_id = :b6 AS the_block FROM clinic.find_conflicts(:visit, '2026-03-13 09:00-04', :bob) AS c;
-- A provider's block at one location does not hold at another.
SELECT clinic.add_hours(:bob, :ny, 'FREQ=WEEKLY;BYDAY=SA', '09:00', '12:00', valid_from => '2026-03-01') \g /dev/null
SELECT clinic.add_block('2026-03-14 09:00-04', '2026-03-14 11:00-04', resource_id => :bob, location_id => :uptown) \g /dev/null
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-14 00:00-04', '2026-03-15 00:00-04', :bob);

-- Blocks lie over bookings, which stay and are listed.
SELECT clinic.add_leave(:bob, '2026-03-10', '2026-03-10', block_id => :b7) \g /dev/null
SELECT a.starts_at, a.local_starts_at, a.status FROM clinic.affected_by_block(:b7) AS a;
SELECT a.starts_at FROM clinic.affected_by_block(:b6) AS a;

-- Driving time between a provider's hours and visits at different locations is kept free.
SELECT clinic.set_travel_time(:ny, :uptown, 45) \g /dev/null
SELECT clinic.add_hours(:ann, :uptown, 'FREQ=DAILY;COUNT=1', '12:00', '15:00', valid_from => '2026-03-13') \g /dev/null
SELECT right(s.location_id::text, 1) AS place, string_agg(to_char(s.local_time, 'HH24:MI'), ' ' ORDER BY s.starts_at) AS starts
FROM clinic.available_slots(:visit, '2026-03-13 00:00-04', '2026-03-14 00:00-04', :ann) AS s GROUP BY 1 ORDER BY 1;
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-13 12:00-04', :ann, :uptown) AS e;

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_blocks;
DROP ROLE regress_blocks;
