-- Explaining: every reason, in the documented order, with the row that caused it for those who may read the diary.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_explain LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_explain_desk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_explain_patient LOGIN IN ROLE clinic_user;
CREATE ROLE regress_explain_public LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_explain;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T14:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000011-0010-7000-8000-000000000001\''
\set uptown '\'5c000011-0010-7000-8000-000000000002\''
\set london '\'5c000011-0010-7000-8000-000000000003\''
\set ann '\'5c000011-0020-7000-8000-0000000000a1\''
\set bob '\'5c000011-0020-7000-8000-0000000000b2\''
\set cat '\'5c000011-0020-7000-8000-0000000000c3\''
\set visit '\'5c000011-0040-7000-8000-000000000001\''
\set strict '\'5c000011-0040-7000-8000-000000000002\''
\set group '\'5c000011-0040-7000-8000-000000000003\''
\set roomed '\'5c000011-0040-7000-8000-000000000004\''
\set room '\'5c000011-0030-7000-8000-000000000001\''
\set pat1 '\'5c000011-0090-7000-8000-000000000001\''
\set pat2 '\'5c000011-0090-7000-8000-000000000002\''
\set gone '\'5c000011-0090-7000-8000-000000000003\''
\set r1 '\'5c000011-0050-7000-8000-000000000001\''
\set r2 '\'5c000011-0050-7000-8000-000000000002\''
\set h1 '\'5c000011-0070-7000-8000-000000000001\''
\set b1 '\'5c000011-00a0-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-explain', name => 'Test', tenant_id => '5c000011-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_explain', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.create_location('Uptown', 'America/New_York', location_id => :uptown),
       clinic.create_location('London', 'Europe/London', location_id => :london),
       clinic.create_provider('Cat', 'America/New_York', provider_id => :cat),
       clinic.create_resource('Room', 'room', 'room', :ny, resource_id => :room),
       clinic.create_service('Strict', 30, lead_time_minutes => 120, horizon_days => 7, max_per_day => 1, service_id => :strict),
       clinic.create_service('Group', 30, capacity => 2, service_id => :group),
       clinic.create_service('Roomed', 30, service_id => :roomed),
       clinic.create_patient('Gone', patient_id => :gone) \g /dev/null
SELECT clinic.require_resource(:roomed, 'room') \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:strict, :group, :roomed]::uuid[]) AS s, unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.update_patient(:gone, '{"status": "deceased"}') \g /dev/null
SELECT clinic.map_login('regress_explain_desk', 'staff', '{appointments:write}'),
       clinic.map_login('regress_explain_patient', 'patient', patient_id => :pat1),
       clinic.map_login('regress_explain_public', 'public'),
       clinic.update_location(:ny, '{"published": true}'), clinic.update_service(:visit, '{"published": true}'),
       clinic.update_service(:roomed, '{"published": true}'), clinic.update_service(:group, '{"published": true}'),
       clinic.update_provider(:ann, '{"published": true}'), clinic.update_provider(:bob, '{"published": true}') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_explain;

\set unknown '\'5c000011-ffff-7000-8000-000000000001\''
-- Free: no row.
SELECT * FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :ann);

-- not_found: ids that are unknown, and a provider who does not offer the service. No error.
SELECT right(e.provider_id::text, 2) AS provider, e.step, e.reason, e.source, e.source_id, e.message FROM clinic.explain_slot(:unknown, '2026-03-03 09:00-05', :ann) AS e;
SELECT e.reason, e.source, e.source_id FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :unknown) AS e;
SELECT e.reason, e.source, e.source_id FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :ann, :unknown) AS e;
SELECT e.reason, e.source, e.source_id FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :ann, patient_id => :unknown) AS e;
SELECT e.reason, e.source, e.source_id FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :ann, resource_ids => ARRAY[:unknown]::uuid[]) AS e;
SELECT e.step, e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :cat) AS e;
-- inactive.
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :ann, patient_id => :gone) AS e;
SELECT clinic.update_service(:group, '{"status": "inactive"}') \g /dev/null
SELECT e.reason, e.source FROM clinic.explain_slot(:group, '2026-03-03 09:00-05', :ann) AS e;
SELECT clinic.update_service(:group, '{"status": "active"}') \g /dev/null
-- in_past, lead_time, horizon.
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-01 09:00-05', :ann) AS e;
SELECT e.reason, e.source FROM clinic.explain_slot(:strict, '2026-03-02 10:30-05', :ann) AS e;
SELECT e.reason, e.source FROM clinic.explain_slot(:strict, '2026-03-10 09:00-04', :ann) AS e;
-- closed_on_date, outside_hours, window_too_short.
SELECT clinic.add_holiday(:ny, '2026-03-05', 'Holiday', holiday_id => :h1) \g /dev/null
SELECT e.reason, e.source, e.source_id = :h1 AS the_holiday FROM clinic.explain_slot(:visit, '2026-03-05 09:00-05', :ann) AS e;
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 08:30-05', :ann) AS e;
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 11:45-05', :ann, :ny) AS e;
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :ann, :uptown) AS e;
SELECT clinic.add_hours(:bob, :uptown, 'FREQ=DAILY', '18:00', '18:20', valid_from => '2026-03-01', rule_id => :r1) \g /dev/null
SELECT e.reason, e.source, e.source_id = :r1 AS the_window FROM clinic.explain_slot(:visit, '2026-03-03 18:00-05', :bob, :uptown) AS e;
-- bad_duration, off_grid.
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :ann, duration => '40 minutes') AS e;
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 09:10-05', :ann) AS e;
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 09:00:00.000001-05', :ann) AS e;
-- blocked.
SELECT clinic.add_block('2026-03-03 11:00-05', '2026-03-03 11:30-05', resource_id => :ann, block_id => :b1) \g /dev/null
SELECT e.reason, e.source, e.source_id = :b1 AS the_block FROM clinic.explain_slot(:visit, '2026-03-03 11:00-05', :ann) AS e;
-- slot_taken, full, no_resource, patient_conflict, duplicate, limit.
SELECT count(*) FROM clinic.book_appointment(:roomed, :pat1, '2026-03-03 09:00-05', :ann);
SELECT count(b.*) FROM unnest(ARRAY[:pat1, :pat2]::uuid[]) AS p, clinic.book_appointment(:group, p, '2026-03-03 10:00-05', :ann) AS b;
SELECT e.step, e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :ann) AS e;
SELECT e.step, e.reason, e.source FROM clinic.explain_slot(:group, '2026-03-03 10:00-05', :ann) AS e;
SELECT e.step, e.reason, e.source, e.message FROM clinic.explain_slot(:roomed, '2026-03-03 09:00-05', :bob) AS e;
SELECT e.step, e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :bob, patient_id => :pat1) AS e;
SELECT e.step, e.reason, e.source FROM clinic.explain_slot(:group, '2026-03-03 10:00-05', :ann, patient_id => :pat2) AS e;
SELECT count(*) FROM clinic.book_appointment(:strict, :pat2, '2026-03-04 09:00-05', :ann);
SELECT e.step, e.reason, e.source FROM clinic.explain_slot(:strict, '2026-03-04 10:00-05', :ann) AS e;
-- held: a live hold of somebody else; dead at the very microsecond at which it expires.
RESET SESSION AUTHORIZATION;
INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, expires_at)
    SELECT c.tenant_id, '5c000011-00c0-7000-8000-000000000001', c.resource_id, c.calendar_no, '[2026-03-04 09:00-05, 2026-03-04 09:30-05)',
           '2026-03-04 09:00-05', '2026-03-04 09:30-05', 'hold', '2026-03-02T14:10:00Z'
    FROM clinic_data.calendars AS c WHERE c.resource_id = :bob AND c.lane = 1;
SET SESSION AUTHORIZATION regress_explain;
SELECT e.reason, e.source, e.source_id FROM clinic.explain_slot(:visit, '2026-03-04 09:00-05', :bob) AS e;
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-04 09:00-05', '2026-03-04 09:30-05', :bob);
SET clinic.clock = '2026-03-02T14:09:59.999999Z';
SELECT e.reason FROM clinic.explain_slot(:visit, '2026-03-04 09:00-05', :bob) AS e;
SET clinic.clock = '2026-03-02T14:10:00Z';
SELECT e.reason FROM clinic.explain_slot(:visit, '2026-03-04 09:00-05', :bob) AS e;
SELECT count(*) FROM clinic.book_appointment(:visit, :pat1, '2026-03-04 09:00-05', :bob);
SET clinic.clock = '2026-03-02T14:00:00Z';

-- Many at once, in the documented order: past, closed or outside hours, length, grid, block, overlap, room, patient, limit.
SELECT count(*) FROM clinic.book_appointment(:roomed, :pat2, '2026-03-06 09:30-05', :bob);
SELECT count(*) FROM clinic.book_appointment(:strict, :pat1, '2026-03-06 09:00-05', :ann);
SELECT clinic.add_block('2026-03-06 09:10-05', '2026-03-06 09:40-05', resource_id => :ann) \g /dev/null
SELECT clinic.require_resource(:strict, 'room') \g /dev/null
SET clinic.clock = '2026-03-06T14:15:00Z';
SELECT e.step, e.reason, e.source FROM clinic.explain_slot(:strict, '2026-03-06 09:20-05', :ann, patient_id => :pat1, duration => '20 minutes') AS e;
SET clinic.clock = '2026-03-06T14:25:00Z';
SELECT e.step, e.reason, e.source FROM clinic.explain_slot(:strict, '2026-03-06 09:20-05', :ann, patient_id => :pat1, duration => '20 minutes') AS e;
SET clinic.clock = '2026-03-02T14:00:00Z';
-- Without a provider: each place that refuses, the one that comes closest first.
SELECT right(e.provider_id::text, 2) AS provider, right(e.location_id::text, 1) AS place, e.step, e.reason FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', patient_id => :pat1) AS e;

-- Staff who may not read the diary, a patient and the public get the classes of the reasons only; and no name is in any of them.
SET SESSION AUTHORIZATION regress_explain_desk;
SELECT e.step, e.reason, e.source, e.source_id FROM clinic.explain_slot(:roomed, '2026-03-03 09:00-05', :ann) AS e;
SET SESSION AUTHORIZATION regress_explain_patient;
SELECT e.step, e.reason, e.source, e.source_id FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', :bob) AS e;
SELECT e.step, e.reason, e.source, e.source_id FROM clinic.explain_slot(:visit, '2026-03-03 11:00-05', :ann) AS e;
-- A patient asks for themselves only.
SELECT e.step, e.reason, e.source, e.source_id FROM clinic.explain_slot(:visit, '2026-03-03 09:30-05', :bob, patient_id => :pat2) AS e;
SET SESSION AUTHORIZATION regress_explain_public;
SELECT e.step, e.reason, e.source, e.source_id FROM clinic.explain_slot(:roomed, '2026-03-03 09:00-05', :bob) AS e;
SELECT e.step, e.reason, e.source, e.source_id FROM clinic.explain_slot(:unknown, '2026-03-03 09:00-05', :bob) AS e;
SELECT s.local_time, s.remaining FROM clinic.available_slots(:visit, '2026-03-03', '2026-03-04', :bob, max_rows => 1) AS s;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_explain;
SELECT count(*) AS names FROM clinic.explain_slot(:visit, '2026-03-03 09:00-05', patient_id => :pat1) AS e WHERE e.message ~ 'Secret|Ann|Bob|Room';

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_explain;
DROP ROLE regress_explain, regress_explain_desk, regress_explain_patient, regress_explain_public;
