-- Buffers: the longest of tenant, service and resource unless set explicitly; of each resource; additive; stamped on the claim.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_buffers LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_buffers;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000007-0010-7000-8000-000000000001\''
\set ann '\'5c000007-0020-7000-8000-0000000000a1\''
\set bob '\'5c000007-0020-7000-8000-0000000000b2\''
\set cat '\'5c000007-0020-7000-8000-0000000000c3\''
\set plain '\'5c000007-0040-7000-8000-000000000001\''
\set wide '\'5c000007-0040-7000-8000-000000000002\''
\set inside '\'5c000007-0040-7000-8000-000000000003\''
\set room '\'5c000007-0030-7000-8000-000000000001\''
\set pat1 '\'5c000007-0090-7000-8000-000000000001\''
\set pat2 '\'5c000007-0090-7000-8000-000000000002\''
\set pat3 '\'5c000007-0090-7000-8000-000000000003\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-buffers', name => 'Test', tenant_id => '5c000007-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_buffers', 'admin', '{*}') \g /dev/null
SELECT clinic.update_tenant('{"buffer_after_minutes": 5}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', buffer_before_minutes => 10, provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_provider('Cat', 'America/New_York', provider_id => :cat),
       clinic.create_resource('Room', 'room', 'room', :ny, buffer_after_minutes => 30, resource_id => :room),
       clinic.create_service('Plain', 30, step_minutes => 5, service_id => :plain),
       clinic.create_service('Wide', 30, step_minutes => 5, buffer_before_minutes => 5, buffer_after_minutes => 15, service_id => :wide),
       clinic.create_service('Inside', 30, step_minutes => 5, buffer_before_minutes => 15, buffer_after_minutes => 20,
                             buffers_inside_hours => true, service_id => :inside),
       clinic.create_patient('One', patient_id => :pat1),
       clinic.create_patient('Two', patient_id => :pat2),
       clinic.create_patient('Three', patient_id => :pat3) \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:plain, :wide, :inside]::uuid[]) AS s, unnest(ARRAY[:ann, :bob, :cat]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob, :cat]::uuid[]) AS p \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_buffers;

CREATE VIEW pg_temp.busy AS
    SELECT coalesce(p.name, r.name, 'patient') AS whose, to_char(c.starts_at AT TIME ZONE 'America/New_York', 'DD HH24:MI') AS visit,
           to_char(c.busy_from AT TIME ZONE 'America/New_York', 'HH24:MI') AS busy_from,
           to_char(c.busy_until AT TIME ZONE 'America/New_York', 'HH24:MI') AS busy_until
    FROM clinic.busy_times AS c LEFT JOIN clinic.resources AS r ON r.resource_id = c.resource_id
    LEFT JOIN clinic.providers AS p ON p.provider_id = c.resource_id ORDER BY 2, 1;
-- The longest of tenant (0, 5), service (0, 0) and provider (10, 0) stands on the claim; hours contain the visit, not its buffers.
SELECT b.starts_at FROM clinic.book_appointment(:plain, :pat1, '2026-03-03 09:00-05', :ann) AS b;
-- (5, 15) of the service against (10, 0) of the provider: 10 and 15.
SELECT b.starts_at FROM clinic.book_appointment(:wide, :pat2, '2026-03-03 11:30-05', :ann) AS b;
SELECT * FROM pg_temp.busy WHERE whose = 'Ann';
-- Buffers add up: a plain visit may start 5 + 10 minutes after the first one's end, and end 10 + 5 before the second one's start.
SELECT min(s.local_time), max(s.local_time) FROM clinic.available_slots(:plain, '2026-03-03 00:00-05', '2026-03-04 00:00-05', :ann) AS s;
SELECT e.reason FROM clinic.explain_slot(:plain, '2026-03-03 09:40-05', :ann) AS e;
SELECT min(s.local_time), max(s.local_time) FROM clinic.available_slots(:wide, '2026-03-03 00:00-05', '2026-03-04 00:00-05', :ann) AS s;

-- Explicit for one provider, shorter than the defaults: none at all.
SELECT clinic.offer_service(:wide, :bob, buffer_before_minutes => 0, buffer_after_minutes => 0) \g /dev/null
SELECT b.starts_at FROM clinic.book_appointment(:wide, :pat1, '2026-03-03 10:00-05', :bob) AS b;
SELECT count(*) FILTER (WHERE s.local_time = '09:30') AS before, count(*) FILTER (WHERE s.local_time = '10:30') AS after
FROM clinic.available_slots(:wide, '2026-03-03 00:00-05', '2026-03-04 00:00-05', :bob) AS s;
-- Bob's plain visits still have the tenant's 5 minutes after, which would reach into the one at 10:00.
SELECT max(s.local_time) FILTER (WHERE s.local_time < '10:00') AS before, min(s.local_time) FILTER (WHERE s.local_time > '10:00') AS after
FROM clinic.available_slots(:plain, '2026-03-03 00:00-05', '2026-03-04 00:00-05', :bob) AS s;
-- Buffers do not reach into a block either.
SELECT clinic.add_block('2026-03-04 10:00-05', '2026-03-04 10:30-05', resource_id => :cat) \g /dev/null
SELECT max(s.local_time) FILTER (WHERE s.local_time < '10:00') AS before, min(s.local_time) FILTER (WHERE s.local_time > '10:00') AS after
FROM clinic.available_slots(:wide, '2026-03-04 00:00-05', '2026-03-05 00:00-05', :cat) AS s;

-- Hours that must contain the buffers too: 15 after the opening, 20 before the end.
SELECT min(s.local_time), max(s.local_time) FROM clinic.available_slots(:inside, '2026-03-03 00:00-05', '2026-03-04 00:00-05', :cat) AS s;
SELECT e.reason FROM clinic.explain_slot(:inside, '2026-03-03 09:00-05', :cat) AS e;
SELECT b.starts_at FROM clinic.book_appointment(:inside, :pat3, '2026-03-03 11:10-05', :cat) AS b;

-- Buffers belong to each resource: the room's are its own, and a patient has none.
SELECT clinic.require_resource(:plain, 'room') \g /dev/null
SELECT b.starts_at FROM clinic.book_appointment(:plain, :pat2, '2026-03-05 09:00-05', :bob) AS b;
SELECT * FROM pg_temp.busy WHERE visit ~ '^05';
-- The room is free again at 10:00, the provider at 09:35.
SELECT min(s.local_time) FROM clinic.available_slots(:plain, '2026-03-05 09:00-05', '2026-03-06 00:00-05', :bob) AS s;
SELECT e.reason FROM clinic.explain_slot(:plain, '2026-03-05 09:35-05', :bob) AS e;
SELECT min(s.local_time) FROM clinic.available_slots(:wide, '2026-03-05 09:00-05', '2026-03-06 00:00-05', :bob) AS s;
-- The patient may be seen elsewhere at the very moment the visit ends.
SELECT b.starts_at FROM clinic.book_appointment(:wide, :pat2, '2026-03-05 09:30-05', :cat) AS b;

-- What is stamped stays, though the settings change later.
SELECT clinic.update_service(:wide, '{"buffer_after_minutes": 60}') \g /dev/null
SELECT * FROM pg_temp.busy WHERE whose = 'Bob';
-- Explicit for one booking, by permission.
SELECT b.starts_at FROM clinic.book_appointment(:wide, :pat1, '2026-03-06 09:00-05', :cat, buffer_before_minutes => 0, buffer_after_minutes => 2) AS b;
SELECT * FROM pg_temp.busy WHERE visit ~ '^06';

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_buffers;
DROP ROLE regress_buffers;
