-- Conflicts of a wished time: hard ones apart from those of buffers only.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_conflicts LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_conflicts_desk LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_conflicts;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000012-0010-7000-8000-000000000001\''
\set ann '\'5c000012-0020-7000-8000-0000000000a1\''
\set bob '\'5c000012-0020-7000-8000-0000000000b2\''
\set visit '\'5c000012-0040-7000-8000-000000000001\''
\set roomed '\'5c000012-0040-7000-8000-000000000002\''
\set room '\'5c000012-0030-7000-8000-000000000001\''
\set pat1 '\'5c000012-0090-7000-8000-000000000001\''
\set pat2 '\'5c000012-0090-7000-8000-000000000002\''
\set b1 '\'5c000012-00a0-7000-8000-000000000001\''
\set b2 '\'5c000012-00a0-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-conflicts', name => 'Test', tenant_id => '5c000012-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_conflicts', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.update_service(:visit, '{"step_minutes": 5, "buffer_before_minutes": 5, "buffer_after_minutes": 10}'),
       clinic.create_resource('Room', 'room', 'room', :ny, buffer_after_minutes => 20, resource_id => :room),
       clinic.create_service('Roomed', 30, step_minutes => 5, service_id => :roomed),
       clinic.require_resource(:roomed, 'room'),
       clinic.offer_service(:roomed, :ann), clinic.offer_service(:roomed, :bob),
       clinic.map_login('regress_conflicts_desk', 'staff', '{appointments:write}') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_conflicts;

SELECT count(*) FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 10:00-05', :ann);
SELECT count(*) FROM clinic.book_appointment(:roomed, :pat2, '2026-03-03 11:00-05', :bob);
\set columns 'c.kind, right(c.resource_id::text, 2) AS whose, c.source, c.source_id IS NOT NULL AS row, c.appointment_id IS NOT NULL AS appointment, c.busy_from, c.busy_until, c.overlap_from, c.overlap_until'
-- Nothing in the way.
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-03 09:15-05', :ann) AS c;
-- The visits overlap.
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-03 09:40-05', :ann) AS c;
-- Only the buffers meet, before and after; touching buffers do not.
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-03 09:30-05', :ann) AS c;
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-03 10:40-05', :ann) AS c;
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-03 10:45-05', :ann) AS c;
-- Another length.
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-03 09:15-05', :ann, duration => '45 minutes') AS c;
-- The patient's other visit; no buffers there.
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-03 10:15-05', :bob, patient_id => :pat1) AS c;
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-03 09:30-05', :bob, patient_id => :pat1) AS c;
-- A named room, with its own buffers.
SELECT :columns FROM clinic.find_conflicts(:roomed, '2026-03-03 11:40-05', :ann, resource_ids => ARRAY[:room]::uuid[]) AS c;
SELECT :columns FROM clinic.find_conflicts(:roomed, '2026-03-03 11:50-05', :ann, resource_ids => ARRAY[:room]::uuid[]) AS c;
-- Blocks: in the way of the visit, of its buffers; one kept for the very patient is not.
SELECT clinic.add_block('2026-03-04 10:00-05', '2026-03-04 10:30-05', resource_id => :ann, block_id => :b1),
       clinic.add_block('2026-03-04 11:00-05', '2026-03-04 11:30-05', resource_id => :ann, patient_id => :pat1, block_id => :b2) \g /dev/null
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-04 09:45-05', :ann) AS c;
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-04 09:30-05', :ann) AS c;
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-04 11:00-05', :ann, patient_id => :pat2) AS c;
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-04 11:00-05', :ann, patient_id => :pat1) AS c;
-- Several at once, provider first, claims before blocks.
SELECT c.kind, right(c.resource_id::text, 2) AS whose, c.source FROM clinic.find_conflicts(:visit, '2026-03-03 09:50-05', :ann, patient_id => :pat1, duration => '2 hours') AS c;
-- Ids of rows only for those who may read the diary.
SET SESSION AUTHORIZATION regress_conflicts_desk;
SELECT :columns FROM clinic.find_conflicts(:visit, '2026-03-03 09:40-05', :ann) AS c;
SET SESSION AUTHORIZATION regress_conflicts;
-- Bad input.
SELECT * FROM clinic.find_conflicts(NULL, '2026-03-03 09:40-05', :ann);
SELECT * FROM clinic.find_conflicts(:visit, NULL, :ann);
SELECT * FROM clinic.find_conflicts(:visit, '2026-03-03 09:40-05', NULL);
SELECT * FROM clinic.find_conflicts(:visit, 'infinity', :ann);
SELECT * FROM clinic.find_conflicts(:visit, '2026-03-03 09:40-05', '5c000012-ffff-7000-8000-000000000001');
SELECT * FROM clinic.find_conflicts(:visit, '2026-03-03 09:40-05', :ann, duration => '-1 minute');

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_conflicts;
DROP ROLE regress_conflicts, regress_conflicts_desk;
