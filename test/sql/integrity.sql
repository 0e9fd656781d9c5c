-- The integrity check finds each kind of damage, and nothing when nothing is wrong; the sweep removes what can no longer conflict.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_integrity LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_integrity_desk LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_integrity;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000020-0010-7000-8000-000000000001\''
\set ann '\'5c000020-0020-7000-8000-0000000000a1\''
\set bob '\'5c000020-0020-7000-8000-0000000000b2\''
\set visit '\'5c000020-0040-7000-8000-000000000001\''
\set group '\'5c000020-0040-7000-8000-000000000002\''
\set pat1 '\'5c000020-0090-7000-8000-000000000001\''
\set pat2 '\'5c000020-0090-7000-8000-000000000002\''
\set pat3 '\'5c000020-0090-7000-8000-000000000003\''
\set room '\'5c000020-0030-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-integrity', name => 'Test', tenant_id => '5c000020-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_integrity', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.create_patient('Three', patient_id => :pat3),
       clinic.create_service('Group', 30, capacity => 2, buffer_after_minutes => 15, service_id => :group), clinic.offer_service(:group, :bob),
       clinic.create_resource('Room', 'room', 'room', :ny, resource_id => :room), clinic.require_resource(:group, 'room'),
       clinic.map_login('regress_integrity_desk', 'staff', '{appointments:write}') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_integrity;

SELECT b.appointment_id AS a FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 09:00-05', :ann) AS b \gset
SELECT b.appointment_id AS b FROM clinic.book_appointment(:visit, :pat2, '2026-03-03 10:00-05', :ann) AS b \gset
SELECT b.appointment_id AS c FROM clinic.book_appointment(:group, :pat1, '2026-03-03 10:00-05', :bob) AS b \gset
SELECT b.appointment_id AS d FROM clinic.book_appointment(:group, :pat3, '2026-03-03 10:00-05', :bob) AS b \gset
SELECT * FROM clinic.check_integrity();
RESET SESSION AUTHORIZATION;
-- Damage is done by a superuser, past triggers and constraints, and taken back each time.
CREATE FUNCTION pg_temp.look() RETURNS TABLE (problem text, source text, whose text, count bigint) LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC SELECT i.problem, i.source, (SELECT right(c.resource_id::text, 2) FROM clinic_data.claims AS c WHERE c.claim_id = i.source_id), count(*)
FROM clinic.check_integrity() AS i GROUP BY 1, 2, 3 ORDER BY 1, 2, 3; END;
\set damage 'BEGIN; SELECT clinic.use_tenant(\'regress-integrity\'); SET LOCAL session_replication_role = replica; ALTER TABLE clinic_data.claims DISABLE TRIGGER USER, DROP CONSTRAINT claims_calendar_no_during_excl;'
-- overlap: two claims in one lane.
:damage
UPDATE clinic_data.claims SET during = '[2026-03-03 09:15-05, 2026-03-03 10:30-05)' WHERE appointment_id = :'b' AND resource_id = :ann;
SELECT * FROM pg_temp.look();
ROLLBACK;
-- malformed: empty, unbounded, closed, not around its visit.
:damage
ALTER TABLE clinic_data.claims DROP CONSTRAINT claims_during_check, DROP CONSTRAINT claims_visit_check, DROP CONSTRAINT claims_length_check;
UPDATE clinic_data.claims SET during = 'empty' WHERE appointment_id = :'a' AND resource_id = :ann;
UPDATE clinic_data.claims SET during = '[2026-03-03 10:00-05,)' WHERE appointment_id = :'b' AND resource_id = :ann;
UPDATE clinic_data.claims SET during = '[2026-03-03 10:00-05,2026-03-03 10:30-05]' WHERE appointment_id = :'b' AND resource_id = :pat2;
UPDATE clinic_data.claims SET during = '[2026-03-03 09:10-05,2026-03-03 09:30-05)' WHERE appointment_id = :'a' AND resource_id = :pat1;
SELECT * FROM pg_temp.look() WHERE problem = 'malformed';
ROLLBACK;
-- over_capacity: each in a lane of its own, but more than they tolerate.
:damage
UPDATE clinic_data.claims SET capacity = 1 WHERE appointment_id = :'d' AND resource_id = :bob;
SELECT * FROM pg_temp.look();
ROLLBACK;
-- foreign_lane: the lane of another resource.
:damage
ALTER TABLE clinic_data.claims DROP CONSTRAINT claims_calendar_no_fkey;
UPDATE clinic_data.claims AS c SET calendar_no = l.calendar_no FROM clinic_data.calendars AS l WHERE c.appointment_id = :'b' AND c.resource_id = :ann AND l.resource_id = :room AND l.lane = 1 AND l.tenant_id = c.tenant_id;
SELECT * FROM pg_temp.look() WHERE problem = 'foreign_lane';
ROLLBACK;
-- orphaned: the appointment is cancelled, elsewhere in time, with another provider, or gone.
:damage
UPDATE clinic_data.appointments SET status = 'cancelled', cancelled_at = '2026-03-02' WHERE appointment_id = :'a';
SELECT * FROM pg_temp.look();
ROLLBACK;
:damage
UPDATE clinic_data.appointments SET starts_at = starts_at + interval '5 minutes' WHERE appointment_id = :'a';
SELECT * FROM pg_temp.look();
ROLLBACK;
:damage
DELETE FROM clinic_data.appointment_resources WHERE appointment_id = :'c' AND resource_id = :room;
SELECT * FROM pg_temp.look();
ROLLBACK;
:damage
DELETE FROM clinic_data.appointments WHERE appointment_id = :'a';
SELECT * FROM pg_temp.look();
ROLLBACK;
-- without_claim: of the provider, of the room, of the patient; what is over needs none.
:damage
DELETE FROM clinic_data.claims WHERE appointment_id = :'a' AND resource_id = :ann;
DELETE FROM clinic_data.claims WHERE appointment_id = :'c' AND resource_id = :room;
DELETE FROM clinic_data.claims WHERE appointment_id = :'b' AND resource_id = :pat2;
SELECT * FROM pg_temp.look();
SET LOCAL clinic.clock = '2026-03-03T15:30:00Z';
SELECT * FROM pg_temp.look();
ROLLBACK;
-- Nothing stays behind, and other tenants see nothing of it.
SET SESSION AUTHORIZATION regress_integrity;
SELECT * FROM clinic.check_integrity();
-- Not for those who cannot see the appointments.
SET SESSION AUTHORIZATION regress_integrity_desk;
SELECT * FROM clinic.check_integrity();

-- The sweep: claims of what ended long ago, buffers included, and expired holds; needs schedules:write.
SELECT clinic.sweep_claims();
SET SESSION AUTHORIZATION regress_integrity;
SELECT clinic.sweep_claims();
SET clinic.clock = '2026-03-03T15:40:00Z';
-- At 10:40 Ann's two visits and their patients' claims are over, but the class keeps its buffer until 10:45.
SELECT clinic.sweep_claims('0');
SELECT DISTINCT right(b.resource_id::text, 2) AS whose, b.busy_until FROM clinic.busy_times AS b ORDER BY 1;
SET clinic.clock = '2026-03-03T15:45:00Z';
SELECT clinic.sweep_claims('0');
SELECT count(*) FROM clinic.busy_times;
SELECT * FROM clinic.check_integrity();
SELECT count(*) FROM clinic.appointments;
SELECT clinic.sweep_claims('-1 day');
SELECT clinic.sweep_claims(NULL);

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_integrity;
DROP ROLE regress_integrity, regress_integrity_desk;
