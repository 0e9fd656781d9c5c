-- Pools: a visit is accepted when some assignment of the rooms that the engine chose fits everybody. Parties.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_pools LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_pools;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000023-0010-7000-8000-000000000001\''
\set ann '\'5c000023-0020-7000-8000-0000000000a1\''
\set bob '\'5c000023-0020-7000-8000-0000000000b2\''
\set cat '\'5c000023-0020-7000-8000-0000000000c3\''
\set long '\'5c000023-0040-7000-8000-000000000001\''
\set short '\'5c000023-0040-7000-8000-000000000002\''
\set class '\'5c000023-0040-7000-8000-000000000003\''
\set room1 '\'5c000023-0030-7000-8000-000000000001\''
\set room2 '\'5c000023-0030-7000-8000-000000000002\''
\set pat1 '\'5c000023-0090-7000-8000-000000000001\''
\set pat2 '\'5c000023-0090-7000-8000-000000000002\''
\set pat3 '\'5c000023-0090-7000-8000-000000000003\''
\set pat4 '\'5c000023-0090-7000-8000-000000000004\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-pools', name => 'Test', tenant_id => '5c000023-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_pools', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_provider('Cat', 'America/New_York', provider_id => :cat),
       clinic.create_resource('Room 1', 'room', 'room', :ny, resource_id => :room1),
       clinic.create_resource('Room 2', 'room', 'room', :ny, resource_id => :room2, buffer_after_minutes => 10),
       clinic.create_service('Long', 120, 30, service_id => :long),
       clinic.create_service('Short', 60, 30, service_id => :short),
       clinic.create_service('Class', 60, capacity => 5, service_id => :class) \g /dev/null
SELECT clinic.create_patient('P' || n, patient_id => ('5c000023-0090-7000-8000-00000000000' || n)::uuid) FROM generate_series(1, 4) AS n \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:long, :short, :class]::uuid[]) AS s, unnest(ARRAY[:ann, :bob, :cat]::uuid[]) AS p \g /dev/null
SELECT clinic.require_resource(:long, 'room'), clinic.require_resource(:short, 'room') \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '14:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob, :cat]::uuid[]) AS p \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_pools;
CREATE FUNCTION pg_temp.rooms(day date) RETURNS TABLE (patient text, starts text, room text, version integer)
    LANGUAGE sql AS $$
    SELECT right(a.patient_id::text, 1), to_char(a.local_starts_at, 'HH24:MI'), right(r::text, 1), a.version
      FROM clinic.appointments AS a, unnest(a.resource_ids) AS r
     WHERE a.local_starts_at::date = day AND a.status = 'booked' AND r <> a.provider_id
     ORDER BY a.local_starts_at, a.patient_id, r
$$;

-- Two short visits, the first in room 1, the second in room 2: a long one over both fits when one of them moves.
SELECT count(*) FROM clinic.book_appointment(:short, :pat1, '2026-03-03 10:00-05', :ann);
SELECT count(*) FROM clinic.book_appointment(:short, :pat2, '2026-03-03 11:30-05', :ann, resource_ids => ARRAY[:room2]::uuid[]);
SELECT * FROM pg_temp.rooms('2026-03-03');
-- The one in room 2 was named: the other moves. Find, explain and book say the same.
SELECT string_agg(to_char(s.local_time, 'HH24:MI') || ' ' || s.remaining, ', ') AS bob FROM clinic.available_slots(:long, '2026-03-03 00:00-05', '2026-03-04 00:00-05', :bob) AS s;
SELECT count(*) FROM clinic.explain_slot(:long, '2026-03-03 10:00-05', :bob);
SELECT b.resource_ids = ARRAY[:room1]::uuid[] AS room1 FROM clinic.book_appointment(:long, :pat3, '2026-03-03 10:00-05', :bob) AS b;
SELECT * FROM pg_temp.rooms('2026-03-03');
SELECT count(*) FROM clinic.check_integrity();
-- What moved is no event: nothing about the appointment has changed.
RESET SESSION AUTHORIZATION;
SELECT e.name, e.sequence FROM clinic_data.events AS e JOIN clinic_data.appointments AS a USING (tenant_id)
 WHERE e.subject_id = a.appointment_id AND a.starts_at = '2026-03-03 10:00-05' AND a.patient_id = :pat1;
SET SESSION AUTHORIZATION regress_pools;
-- Now two are in the way, of which none can make room.
SELECT e.reason, e.message FROM clinic.explain_slot(:long, '2026-03-03 10:00-05', :cat) AS e;
\set VERBOSITY terse
SELECT * FROM clinic.book_appointment(:long, :pat4, '2026-03-03 10:00-05', :cat);
\set VERBOSITY default

-- The buffer of the room that one is moved to is kept: ten minutes after use of room 2.
SELECT count(*) FROM clinic.book_appointment(:short, :pat1, '2026-03-04 09:00-05', :ann);
SELECT count(*) FROM clinic.book_appointment(:short, :pat2, '2026-03-04 10:00-05', :ann, resource_ids => ARRAY[:room2]::uuid[]);
SELECT e.reason FROM clinic.explain_slot(:long, '2026-03-04 09:00-05', :bob) AS e;
SELECT count(*) FROM clinic.cancel_appointment((SELECT a.appointment_id FROM clinic.appointments AS a WHERE a.starts_at = '2026-03-04 10:00-05'));
SELECT count(*) FROM clinic.book_appointment(:short, :pat2, '2026-03-04 10:30-05', :ann, resource_ids => ARRAY[:room2]::uuid[], override => true, reason => 'off the grid');
SELECT e.reason FROM clinic.explain_slot(:long, '2026-03-04 09:00-05', :bob) AS e;
-- Room 1 is named, so what the engine put there has to go.
SELECT b.resource_ids = ARRAY[:room1]::uuid[] AS room1 FROM clinic.book_appointment(:long, :pat3, '2026-03-04 09:00-05', :bob, resource_ids => ARRAY[:room1]::uuid[]) AS b;
SELECT * FROM pg_temp.rooms('2026-03-04');
SELECT count(*) FROM clinic.check_integrity();

-- Who has arrived, or is in the room already, is not moved.
SELECT count(*) FROM clinic.book_appointment(:short, :pat1, '2026-03-05 09:00-05', :ann);
SELECT count(*) FROM clinic.explain_slot(:short, '2026-03-05 09:00-05', :bob, resource_ids => ARRAY[:room1]::uuid[]);
BEGIN;
SET LOCAL clinic.clock = '2026-03-05T13:55:00Z';
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.appointments SET status = 'arrived' WHERE tenant_id = '5c000023-0000-7000-8000-000000000001' AND starts_at = '2026-03-05 09:00-05';
SET SESSION AUTHORIZATION regress_pools;
SELECT e.reason FROM clinic.explain_slot(:short, '2026-03-05 09:00-05', :bob, resource_ids => ARRAY[:room1]::uuid[]) AS e;
ROLLBACK;
BEGIN;
SET LOCAL clinic.clock = '2026-03-05T14:00:01Z';
SELECT e.reason FROM clinic.explain_slot(:short, '2026-03-05 10:00-05', :bob, resource_ids => ARRAY[:room1]::uuid[]) AS e;
SELECT e.reason FROM clinic.explain_slot(:long, '2026-03-05 09:00-05', :bob, resource_ids => ARRAY[:room1]::uuid[]) AS e;
ROLLBACK;

-- A hold has rooms too; what moves keeps its deadline.
SELECT clinic.require_resource(:class, 'room') \g /dev/null
SELECT h.resource_ids = ARRAY[:room1]::uuid[] AS room1 FROM clinic.hold_slot(:short, :pat1, '2026-03-06 09:00-05', :ann) AS h;
SELECT b.resource_ids = ARRAY[:room1]::uuid[] AS room1 FROM clinic.book_appointment(:short, :pat2, '2026-03-06 09:00-05', :bob, resource_ids => ARRAY[:room1]::uuid[]) AS b;
RESET SESSION AUTHORIZATION;
SELECT right(c.resource_id::text, 1) AS room, c.kind, c.expires_at FROM clinic_data.claims AS c JOIN clinic_data.resources AS r USING (tenant_id, resource_id)
 WHERE c.tenant_id = '5c000023-0000-7000-8000-000000000001' AND c.starts_at = '2026-03-06 09:00-05' AND r.kind = 'room' ORDER BY c.kind;
SELECT right(u.resource_id::text, 2) AS resource, u.buffer_before_minutes, u.buffer_after_minutes, u.pinned
  FROM clinic_data.appointment_resources AS u JOIN clinic_data.appointments AS a USING (tenant_id, appointment_id)
 WHERE a.tenant_id = '5c000023-0000-7000-8000-000000000001' AND a.starts_at = '2026-03-06 09:00-05' ORDER BY a.status, u.pinned, u.resource_id;
SET SESSION AUTHORIZATION regress_pools;
SELECT count(*) FROM clinic.check_integrity();

-- Parties: all or nothing, so many seats at once, in one session and room.
SELECT s.local_time, s.remaining FROM clinic.available_slots(:class, '2026-03-07 09:00-05', '2026-03-07 09:30-05', :ann, seats => 3) AS s;
SELECT count(*) FROM clinic.book_appointment(:class, :pat1, '2026-03-07 09:00-05', :ann, seats => 3);
SELECT s.local_time, s.remaining FROM clinic.available_slots(:class, '2026-03-07 09:00-05', '2026-03-07 09:30-05', :ann) AS s;
SELECT count(*) FROM clinic.available_slots(:class, '2026-03-07 09:00-05', '2026-03-07 09:30-05', :ann, seats => 3);
SELECT e.reason FROM clinic.explain_slot(:class, '2026-03-07 09:00-05', :ann, seats => 3) AS e;
\set VERBOSITY terse
SELECT * FROM clinic.book_appointment(:class, :pat2, '2026-03-07 09:00-05', :ann, seats => 3);
SELECT * FROM clinic.book_appointment(:class, :pat2, '2026-03-07 10:00-05', :ann, seats => 6);
SELECT * FROM clinic.book_appointment(:class, :pat2, '2026-03-07 10:00-05', :ann, seats => 0);
SELECT * FROM clinic.book_appointment(:short, :pat2, '2026-03-07 10:00-05', :ann, seats => 2);
\set VERBOSITY default
SELECT count(*) FROM clinic.hold_slot(:class, :pat2, '2026-03-07 09:00-05', :ann, seats => 2);
SELECT e.reason FROM clinic.explain_slot(:class, '2026-03-07 09:00-05', :ann) AS e;
SELECT count(*) FROM clinic.check_integrity();
-- A party moves as a whole, to where there is room for it.
SELECT r.status FROM clinic.appointments AS a, clinic.reschedule_appointment(a.appointment_id, '2026-03-07 11:00-05') AS r
 WHERE a.starts_at = '2026-03-07 09:00-05' AND a.patient_id = :pat1;
SELECT s.local_time, s.remaining FROM clinic.available_slots(:class, '2026-03-07 09:00-05', '2026-03-07 12:00-05', :ann) AS s;
SELECT count(*) FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_pools;
DROP ROLE regress_pools;
