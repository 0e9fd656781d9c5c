-- Rooms and devices: chosen of a class, named, several at once, in quantity; closed, blocked and inactive ones; overbooked ones.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_rooms LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_rooms;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000009-0010-7000-8000-000000000001\''
\set uptown '\'5c000009-0010-7000-8000-000000000002\''
\set ann '\'5c000009-0020-7000-8000-0000000000a1\''
\set bob '\'5c000009-0020-7000-8000-0000000000b2\''
\set cat '\'5c000009-0020-7000-8000-0000000000c3\''
\set room_visit '\'5c000009-0040-7000-8000-000000000001\''
\set two_rooms '\'5c000009-0040-7000-8000-000000000002\''
\set laser_visit '\'5c000009-0040-7000-8000-000000000003\''
\set scan '\'5c000009-0040-7000-8000-000000000004\''
\set room1 '\'5c000009-0030-7000-8000-000000000001\''
\set room2 '\'5c000009-0030-7000-8000-000000000002\''
\set laser '\'5c000009-0030-7000-8000-000000000003\''
\set pumps '\'5c000009-0030-7000-8000-000000000004\''
\set upper '\'5c000009-0030-7000-8000-000000000005\''
\set pat1 '\'5c000009-0090-7000-8000-000000000001\''
\set pat2 '\'5c000009-0090-7000-8000-000000000002\''
\set pat3 '\'5c000009-0090-7000-8000-000000000003\''
\set pat4 '\'5c000009-0090-7000-8000-000000000004\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-rooms', name => 'Test', tenant_id => '5c000009-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_rooms', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_location('Uptown', 'America/New_York', location_id => :uptown),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_provider('Cat', 'America/New_York', provider_id => :cat),
       clinic.create_resource('Room 1', 'room', 'room', :ny, resource_id => :room1),
       clinic.create_resource('Room 2', 'room', 'room', :ny, resource_id => :room2),
       clinic.create_resource('Laser', 'device', 'laser', :ny, resource_id => :laser),
       clinic.create_resource('Pumps', 'device', 'pump', :ny, quantity => 2, resource_id => :pumps),
       clinic.create_resource('Upper room', 'room', 'room', :uptown, resource_id => :upper),
       clinic.create_service('Room visit', 60, service_id => :room_visit),
       clinic.create_service('Two rooms', 60, service_id => :two_rooms),
       clinic.create_service('Laser', 60, service_id => :laser_visit),
       clinic.create_service('Pump', 60, service_id => :scan) \g /dev/null
SELECT clinic.create_patient('P' || n, patient_id => ('5c000009-0090-7000-8000-00000000000' || n)::uuid) FROM generate_series(1, 4) AS n \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:room_visit, :two_rooms, :laser_visit, :scan]::uuid[]) AS s, unnest(ARRAY[:ann, :bob, :cat]::uuid[]) AS p \g /dev/null
SELECT clinic.require_resource(:room_visit, 'room'), clinic.require_resource(:two_rooms, 'room', 2), clinic.require_resource(:laser_visit, 'room'),
       clinic.require_resource(:laser_visit, 'laser'), clinic.require_resource(:scan, 'pump') \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob, :cat]::uuid[]) AS p \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_rooms;

-- One of the class is chosen: the lowest id that is free.
SELECT b.resource_ids = ARRAY[:room1]::uuid[] AS room1 FROM clinic.book_appointment(:room_visit, :pat1, '2026-03-03 09:00-05', :ann) AS b;
SELECT b.resource_ids = ARRAY[:room2]::uuid[] AS room2 FROM clinic.book_appointment(:room_visit, :pat2, '2026-03-03 09:00-05', :bob) AS b;
-- Nothing of the class is free: the class is named, no id of a booking.
SELECT e.reason, e.source, e.source_id, e.message FROM clinic.explain_slot(:room_visit, '2026-03-03 09:00-05', :cat) AS e;
SELECT * FROM clinic.book_appointment(:room_visit, :pat3, '2026-03-03 09:00-05', :cat);
-- The room uptown is of no use here.
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS cat FROM clinic.available_slots(:room_visit, '2026-03-03 00:00-05', '2026-03-04 00:00-05', :cat) AS s;
-- Two of a class at once.
SELECT b.resource_ids = ARRAY[:room1, :room2]::uuid[] AS both FROM clinic.book_appointment(:two_rooms, :pat1, '2026-03-03 10:00-05', :ann) AS b;
SELECT e.reason, e.message FROM clinic.explain_slot(:room_visit, '2026-03-03 10:00-05', :bob) AS e;
SELECT count(*) FROM clinic.book_appointment(:room_visit, :pat1, '2026-03-03 11:00-05', :ann);
SELECT e.reason, e.message FROM clinic.explain_slot(:two_rooms, '2026-03-03 11:00-05', :bob) AS e;
-- Of two classes.
SELECT b.resource_ids = ARRAY[:room2, :laser]::uuid[] AS room2_and_laser FROM clinic.book_appointment(:laser_visit, :pat2, '2026-03-03 11:00-05', :bob) AS b;
SELECT e.step, e.reason, e.message FROM clinic.explain_slot(:laser_visit, '2026-03-03 11:00-05', :cat) AS e;

-- Named: this room and no other.
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS in_room1 FROM clinic.available_slots(:room_visit, '2026-03-04 00:00-05', '2026-03-05 00:00-05', :ann, resource_ids => ARRAY[:room1]::uuid[]) AS s;
SELECT b.resource_ids = ARRAY[:room2]::uuid[] AS room2 FROM clinic.book_appointment(:room_visit, :pat1, '2026-03-04 09:00-05', :ann, resource_ids => ARRAY[:room2]::uuid[]) AS b;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS in_room2 FROM clinic.available_slots(:room_visit, '2026-03-04 00:00-05', '2026-03-05 00:00-05', :bob, resource_ids => ARRAY[:room2]::uuid[]) AS s;
SELECT e.reason, e.source, e.source_id = :room2 AS room2 FROM clinic.explain_slot(:room_visit, '2026-03-04 09:00-05', :bob, resource_ids => ARRAY[:room2]::uuid[]) AS e;
-- The laser is named, the room is chosen.
SELECT b.resource_ids = ARRAY[:room1, :laser]::uuid[] AS room1_and_laser FROM clinic.book_appointment(:laser_visit, :pat2, '2026-03-04 09:00-05', :bob, resource_ids => ARRAY[:laser]::uuid[]) AS b;
-- A room that the service cannot use: of another class, or at another location.
SELECT * FROM clinic.available_slots(:scan, '2026-03-04', '2026-03-05', resource_ids => ARRAY[:room1]::uuid[]);
SELECT e.reason, e.source FROM clinic.explain_slot(:scan, '2026-03-04 10:00-05', :ann, resource_ids => ARRAY[:room1]::uuid[]) AS e;
SELECT count(*) FROM clinic.available_slots(:room_visit, '2026-03-04', '2026-03-05', resource_ids => ARRAY[:upper]::uuid[]);
SELECT e.reason, e.source FROM clinic.explain_slot(:room_visit, '2026-03-04 10:00-05', :ann, :ny, resource_ids => ARRAY[:upper]::uuid[]) AS e;
SELECT e.reason, e.source FROM clinic.explain_slot(:room_visit, '2026-03-04 10:00-05', :ann, resource_ids => ARRAY[:upper]::uuid[]) AS e;

-- A quantity of two: two visits at once.
SELECT count(b.*) FROM (VALUES (:ann, :pat1), (:bob, :pat2)) AS v (provider, patient), clinic.book_appointment(:scan, patient::uuid, '2026-03-05 09:00-05', provider::uuid) AS b;
SELECT e.reason, e.message FROM clinic.explain_slot(:scan, '2026-03-05 09:00-05', :cat) AS e;
SELECT s.remaining FROM clinic.available_slots(:scan, '2026-03-05 10:00-05', '2026-03-05 10:30-05', :cat) AS s;

SELECT clinic.update_resource(:pumps, '{"quantity": 3}') \g /dev/null
SELECT count(*) FROM clinic.book_appointment(:scan, :pat3, '2026-03-05 09:00-05', :cat);

-- Hours of a room; blocks; inactive ones.
SELECT clinic.add_hours(:laser, :ny, 'FREQ=DAILY', '10:00', '12:00', valid_from => '2026-03-01') \g /dev/null
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS laser FROM clinic.available_slots(:laser_visit, '2026-03-06 00:00-05', '2026-03-07 00:00-05', :ann) AS s;
SELECT clinic.add_block('2026-03-06 10:00-05', '2026-03-06 11:00-05', resource_id => :laser) \g /dev/null
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS laser FROM clinic.available_slots(:laser_visit, '2026-03-06 00:00-05', '2026-03-07 00:00-05', :ann) AS s;
SELECT clinic.update_resource(:laser, '{"status": "inactive"}') \g /dev/null
SELECT count(*) FROM clinic.available_slots(:laser_visit, '2026-03-06 00:00-05', '2026-03-07 00:00-05', :ann);
SELECT e.reason, e.message FROM clinic.explain_slot(:laser_visit, '2026-03-06 11:00-05', :ann) AS e;
SELECT clinic.update_resource(:laser, '{"status": "active"}') \g /dev/null
SELECT count(*) FROM clinic.check_integrity();

-- Overbooking a room, the provider being free: into a lane of its own, with the reason on record; busy for everybody after.
SELECT clinic.update_resource(:room2, '{"status": "inactive"}') \g /dev/null
SELECT count(*) FROM clinic.book_appointment(:room_visit, :pat1, '2026-03-09 09:00-04', :ann);
\set VERBOSITY terse
SELECT * FROM clinic.book_appointment(:room_visit, :pat2, '2026-03-09 09:00-04', :bob);
SELECT * FROM clinic.book_appointment(:room_visit, :pat2, '2026-03-09 09:00-04', :bob, override => true, reason => 'not enough');
\set VERBOSITY default
SELECT b.resource_ids = ARRAY[:room1]::uuid[] AS room1 FROM clinic.book_appointment(:room_visit, :pat2, '2026-03-09 09:00-04', :bob, overbook => true, reason => 'shared room') AS b;
SELECT a.overbooked, a.overridden, a.override_reason FROM clinic.appointments AS a WHERE a.starts_at = '2026-03-09 09:00-04' AND a.provider_id = :bob;
SELECT i.problem, i.source FROM clinic.check_integrity() AS i;
-- Overriding a device's hours: recorded as well.
SELECT clinic.add_hours(:cat, :ny, 'FREQ=DAILY', '08:00', '09:00', valid_from => '2026-03-10') \g /dev/null
SELECT count(*) FROM clinic.book_appointment(:laser_visit, :pat3, '2026-03-10 08:00-04', :cat, override => true, reason => 'early start');
SELECT a.overbooked, a.overridden, a.override_reason FROM clinic.appointments AS a WHERE a.provider_id = :cat AND a.starts_at = '2026-03-10 08:00-04';
SELECT i.problem, i.source FROM clinic.check_integrity() AS i;

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_rooms;
DROP ROLE regress_rooms;
