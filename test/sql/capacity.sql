-- Capacity: seats of one session, the smallest capacity where services meet, what remains.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_capacity LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_capacity;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000008-0010-7000-8000-000000000001\''
\set ann '\'5c000008-0020-7000-8000-0000000000a1\''
\set bob '\'5c000008-0020-7000-8000-0000000000b2\''
\set group '\'5c000008-0040-7000-8000-000000000001\''
\set pair '\'5c000008-0040-7000-8000-000000000002\''
\set single '\'5c000008-0040-7000-8000-000000000003\''
\set half '\'5c000008-0040-7000-8000-000000000004\''
\set hall '\'5c000008-0030-7000-8000-000000000001\''
\set den '\'5c000008-0030-7000-8000-000000000002\''
\set pat1 '\'5c000008-0090-7000-8000-000000000001\''
\set pat2 '\'5c000008-0090-7000-8000-000000000002\''
\set pat3 '\'5c000008-0090-7000-8000-000000000003\''
\set pat4 '\'5c000008-0090-7000-8000-000000000004\''
\set pat5 '\'5c000008-0090-7000-8000-000000000005\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-capacity', name => 'Test', tenant_id => '5c000008-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_capacity', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_resource('Hall', 'room', 'hall', :ny, resource_id => :hall),
       clinic.create_resource('Den', 'room', 'hall', :ny, resource_id => :den),
       clinic.create_service('Group', 60, capacity => 3, service_id => :group),
       clinic.create_service('Pair', 60, capacity => 2, service_id => :pair),
       clinic.create_service('Single', 60, service_id => :single),
       clinic.create_service('Half hours', 60, step_minutes => 30, capacity => 3, service_id => :half) \g /dev/null
SELECT clinic.create_patient('P' || n, patient_id => ('5c000008-0090-7000-8000-00000000000' || n)::uuid) FROM generate_series(1, 5) AS n \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:group, :pair, :single, :half]::uuid[]) AS s, unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_capacity;

\set day '\'2026-03-03 00:00-05\', \'2026-03-04 00:00-05\''
-- Seats of a session, one for each patient, until it is full.
SELECT count(b.*) FROM unnest(ARRAY[:pat1, :pat2]::uuid[]) AS p, clinic.book_appointment(:group, p, '2026-03-03 09:00-05', :ann) AS b;
SELECT s.local_time, s.remaining FROM clinic.available_slots(:group, :day, :ann) AS s;
SELECT e.reason, e.source FROM clinic.explain_slot(:group, '2026-03-03 09:00-05', :ann, patient_id => :pat1) AS e;
SELECT count(*) FROM clinic.book_appointment(:group, :pat3, '2026-03-03 09:00-05', :ann);
SELECT s.local_time, s.remaining FROM clinic.available_slots(:group, :day, :ann) AS s;
SELECT e.reason, e.source FROM clinic.explain_slot(:group, '2026-03-03 09:00-05', :ann) AS e;
\set VERBOSITY terse
SELECT * FROM clinic.book_appointment(:group, :pat4, '2026-03-03 09:00-05', :ann);
\set VERBOSITY default
-- A cancelled seat is free again.
SELECT c.status FROM clinic.appointments AS a, clinic.cancel_appointment(a.appointment_id) AS c WHERE a.patient_id = :pat3;
SELECT s.local_time, s.remaining FROM clinic.available_slots(:group, :day, :ann) AS s;
SELECT count(*) FROM clinic.check_integrity();

-- Where services of different capacity meet, the smallest holds, in any order. Two seats of three are taken: none for a pair.
SELECT string_agg(to_char(s.local_time, 'HH24:MI') || ' ' || s.remaining, ', ') AS pair FROM clinic.available_slots(:pair, :day, :ann) AS s;
SELECT e.reason FROM clinic.explain_slot(:pair, '2026-03-03 09:00-05', :ann) AS e;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS single FROM clinic.available_slots(:single, :day, :ann) AS s;
SELECT e.reason FROM clinic.explain_slot(:single, '2026-03-03 09:00-05', :ann) AS e;
-- One seat of a group, one of a pair: the pair's two is the most now, for the group as well.
SELECT count(*) FROM clinic.book_appointment(:group, :pat3, '2026-03-03 10:00-05', :ann);
SELECT count(*) FROM clinic.book_appointment(:pair, :pat4, '2026-03-03 10:00-05', :ann);
SELECT count(*) FROM clinic.available_slots(:group, '2026-03-03 10:00-05', '2026-03-03 11:00-05', :ann);
SELECT e.reason FROM clinic.explain_slot(:group, '2026-03-03 10:00-05', :ann) AS e;
-- The other way round.
SELECT count(*) FROM clinic.book_appointment(:pair, :pat3, '2026-03-03 11:00-05', :ann);
SELECT s.remaining FROM clinic.available_slots(:group, '2026-03-03 11:00-05', '2026-03-03 12:00-05', :ann) AS s;
SELECT count(*) FROM clinic.book_appointment(:group, :pat4, '2026-03-03 11:00-05', :ann);
SELECT count(*) FROM clinic.available_slots(:pair, '2026-03-03 11:00-05', '2026-03-03 12:00-05', :ann);
-- A single visit tolerates nobody.
SELECT count(*) FROM clinic.book_appointment(:single, :pat5, '2026-03-03 09:00-05', :bob);
SELECT e.reason FROM clinic.explain_slot(:group, '2026-03-03 09:00-05', :bob) AS e;
SELECT count(*) FROM clinic.check_integrity();

-- Seats that overlap in part count at each instant: 09:00 twice, 10:00 twice, so one more at 09:30.
SELECT count(b.*) FROM (VALUES (:pat1, '2026-03-04 09:00-05'), (:pat2, '2026-03-04 09:00-05'), (:pat3, '2026-03-04 10:00-05'), (:pat4, '2026-03-04 10:00-05')) AS v (p, t),
    clinic.book_appointment(:half, p::uuid, t::timestamptz, :bob) AS b;
SELECT s.local_time, s.remaining FROM clinic.available_slots(:half, '2026-03-04 00:00-05', '2026-03-05 00:00-05', :bob) AS s;
SELECT count(*) FROM clinic.book_appointment(:half, :pat5, '2026-03-04 09:30-05', :bob);
SELECT s.local_time, s.remaining FROM clinic.available_slots(:half, '2026-03-04 00:00-05', '2026-03-05 00:00-05', :bob) AS s;
SELECT count(*) FROM clinic.check_integrity();

-- A session stays in its room; another session at another provider takes the other room.
SELECT clinic.require_resource(:group, 'hall') \g /dev/null
SELECT b.resource_ids = ARRAY[:hall]::uuid[] AS hall FROM unnest(ARRAY[:pat1, :pat2]::uuid[]) AS p, clinic.book_appointment(:group, p, '2026-03-05 09:00-05', :ann) AS b;
SELECT b.resource_ids = ARRAY[:den]::uuid[] AS den FROM clinic.book_appointment(:group, :pat3, '2026-03-05 09:00-05', :bob) AS b;
SELECT b.resource_ids = ARRAY[:hall]::uuid[] AS hall FROM clinic.book_appointment(:group, :pat4, '2026-03-05 09:00-05', :ann) AS b;
SELECT right(s.provider_id::text, 2) AS provider, s.remaining FROM clinic.available_slots(:group, '2026-03-05 09:00-05', '2026-03-05 09:30-05') AS s;

-- Capacity lowered below what is taken keeps everyone, and offers no seat until below.
SELECT clinic.update_service(:group, '{"capacity": 2}') \g /dev/null
SELECT count(*) FROM clinic.appointments AS a WHERE a.starts_at = '2026-03-05 09:00-05' AND a.provider_id = :ann AND a.status = 'booked';
SELECT e.reason FROM clinic.explain_slot(:group, '2026-03-05 09:00-05', :ann) AS e;
SELECT count(c.*) FROM clinic.appointments AS a, clinic.cancel_appointment(a.appointment_id) AS c
WHERE a.starts_at = '2026-03-05 09:00-05' AND a.provider_id = :ann AND a.patient_id IN (:pat1, :pat2);
SELECT s.remaining FROM clinic.available_slots(:group, '2026-03-05 09:00-05', '2026-03-05 09:30-05', :ann) AS s;
SELECT count(*) FROM clinic.check_integrity();
-- Raised above what was taken it opens seats in sessions that are booked already, in their rooms too.
SELECT count(*) FROM clinic.book_appointment(:group, :pat1, '2026-03-05 09:00-05', :ann);
SELECT count(*) FROM clinic.available_slots(:group, '2026-03-05 09:00-05', '2026-03-05 09:30-05', :ann);
SELECT clinic.update_service(:group, '{"capacity": 4}') \g /dev/null
SELECT s.remaining FROM clinic.available_slots(:group, '2026-03-05 09:00-05', '2026-03-05 09:30-05', :ann) AS s;
SELECT b.resource_ids = ARRAY[:hall]::uuid[] AS hall FROM clinic.book_appointment(:group, :pat2, '2026-03-05 09:00-05', :ann) AS b;
SELECT count(*) FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_capacity;
DROP ROLE regress_capacity;
