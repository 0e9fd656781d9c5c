-- Overriding and overbooking: by permission, with a stored reason; what no permission gets over.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_override LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_override_desk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_override_lead LOGIN IN ROLE clinic_user;
CREATE ROLE regress_override_head LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_override;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T14:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000015-0010-7000-8000-000000000001\''
\set ann '\'5c000015-0020-7000-8000-0000000000a1\''
\set bob '\'5c000015-0020-7000-8000-0000000000b2\''
\set visit '\'5c000015-0040-7000-8000-000000000001\''
\set strict '\'5c000015-0040-7000-8000-000000000002\''
\set pat1 '\'5c000015-0090-7000-8000-000000000001\''
\set pat2 '\'5c000015-0090-7000-8000-000000000002\''
\set b1 '\'5c000015-00a0-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-override', name => 'Test', tenant_id => '5c000015-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_override', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.create_service('Strict', 30, lead_time_minutes => 120, horizon_days => 7, max_per_day => 1, service_id => :strict),
       clinic.offer_service(:strict, :ann) \g /dev/null
SELECT clinic.map_login('regress_override_desk', 'staff', '{appointments:write,appointments:read,patients:read}'),
       clinic.map_login('regress_override_lead', 'staff', '{appointments:write,appointments:override,appointments:read,patients:read}'),
       clinic.map_login('regress_override_head', 'staff', '{appointments:*,appointments:read,patients:read}') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_override;

\set VERBOSITY terse
-- Needs the permission and a reason.
SET SESSION AUTHORIZATION regress_override_desk;
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 08:00-05', :ann, :ny, override => true, reason => 'early');
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 09:00-05', :ann, :ny, overbook => true, reason => 'early');
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 09:00-05', :ann, :ny, buffer_after_minutes => 0);
SET SESSION AUTHORIZATION regress_override_lead;
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 08:00-05', :ann, :ny, override => true);
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 08:00-05', :ann, :ny, override => true, reason => ' ');
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 08:00-05', :ann, :ny, overbook => true, reason => 'early');

-- Hours, grid, lead time, horizon, limits and the past give way; what gave way is recorded with the reason.
SELECT count(*) FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 08:00-05', :ann, :ny, override => true, reason => 'before hours');
SELECT count(*) FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 09:10-05', :ann, override => true, reason => 'off the grid');
SELECT count(*) FROM clinic.book_appointment(:strict, :pat1, '2026-03-02 10:00-05', :ann, override => true, reason => 'too soon');
SELECT count(*) FROM clinic.book_appointment(:strict, :pat2, '2026-03-02 11:30-05', :ann, override => true, reason => 'a second one');
SELECT count(*) FROM clinic.book_appointment(:strict, :pat1, '2026-03-20 09:00-04', :ann, override => true, reason => 'far ahead');
SELECT count(*) FROM clinic.book_appointment(:visit, :pat2, '2026-02-27 09:15-05', :ann, :ny, override => true, reason => 'entered afterwards');
SELECT count(*) FROM clinic.book_appointment(:visit, :pat2, '2026-03-04 09:00-05', :ann, override => true, reason => 'nothing gave way');
SELECT a.starts_at, a.overridden, a.overbooked, a.override_reason FROM clinic.appointments AS a ORDER BY 1;
-- Length, block, overlap and the patient's other visit do not.
SELECT * FROM clinic.book_appointment(:visit, :pat2, '2026-03-05 09:00-05', :ann, duration => '31 minutes', override => true, reason => 'x');
SELECT * FROM clinic.book_appointment(:visit, :pat2, '2026-03-03 08:00-05', :ann, :ny, override => true, reason => 'x');
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 08:00-05', :bob, :ny, override => true, reason => 'x');
SET SESSION AUTHORIZATION regress_override;
SELECT clinic.add_block('2026-03-05 10:00-05', '2026-03-05 11:00-05', resource_id => :ann, block_id => :b1) \g /dev/null
SET SESSION AUTHORIZATION regress_override_head;
SELECT * FROM clinic.book_appointment(:visit, :pat2, '2026-03-05 10:00-05', :ann, override => true, overbook => true, reason => 'x');

-- Overbooking goes into a lane of its own, and counts as busy; each needs the permission again.
SELECT b.status FROM clinic.book_appointment(:visit, :pat1, '2026-03-04 09:00-05', :ann, overbook => true, reason => 'urgent') AS b;
SELECT a.starts_at, a.overbooked, a.overridden, a.override_reason FROM clinic.appointments AS a WHERE a.starts_at = '2026-03-04 09:00-05' AND a.patient_id = :pat1;
-- The ordinary one is cancelled: the overbooked one still stands in the way.
SELECT c.status FROM clinic.appointments AS a, clinic.cancel_appointment(a.appointment_id) AS c WHERE a.starts_at = '2026-03-04 09:00-05' AND NOT a.overbooked;
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-04 09:00-05', '2026-03-04 09:30-05', :ann);
SELECT * FROM clinic.book_appointment(:visit, :pat2, '2026-03-04 09:00-05', :ann);
-- Overbooking alone does not override the rules.
SELECT * FROM clinic.book_appointment(:visit, :pat2, '2026-03-03 08:00-05', :ann, :ny, overbook => true, reason => 'x');
SELECT b.status FROM clinic.book_appointment(:visit, :pat2, '2026-03-03 08:00-05', :ann, :ny, override => true, overbook => true, reason => 'both') AS b;
SELECT a.overbooked, a.overridden, a.override_reason FROM clinic.appointments AS a WHERE a.starts_at = '2026-03-03 08:00-05' AND a.patient_id = :pat2;
SELECT count(*) FROM clinic.check_integrity();
-- Rescheduling: the same permissions; what was overridden before is not inherited.
SELECT r.starts_at FROM clinic.appointments AS a, clinic.reschedule_appointment(a.appointment_id, '2026-03-06 09:00-05') AS r WHERE a.override_reason = 'both';
SELECT a.overbooked, a.overridden, a.override_reason FROM clinic.appointments AS a WHERE a.starts_at = '2026-03-06 09:00-05';
SELECT r.starts_at FROM clinic.appointments AS a, clinic.reschedule_appointment(a.appointment_id, '2026-03-06 08:40-05', override => true, reason => 'moved early') AS r WHERE a.starts_at = '2026-03-06 09:00-05';
SELECT a.overbooked, a.overridden, a.override_reason FROM clinic.appointments AS a WHERE a.starts_at = '2026-03-06 08:40-05';
SELECT count(*) FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_override;
DROP ROLE regress_override, regress_override_desk, regress_override_lead, regress_override_head;
