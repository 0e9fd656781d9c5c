-- A patient's own time: overlap forbidden, warned of or allowed; touching; one seat of a session.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_patient_overlap LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_patient_overlap;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000010-0010-7000-8000-000000000001\''
\set ann '\'5c000010-0020-7000-8000-0000000000a1\''
\set bob '\'5c000010-0020-7000-8000-0000000000b2\''
\set visit '\'5c000010-0040-7000-8000-000000000001\''
\set group '\'5c000010-0040-7000-8000-000000000002\''
\set pat1 '\'5c000010-0090-7000-8000-000000000001\''
\set pat2 '\'5c000010-0090-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-patient-overlap', name => 'Test', tenant_id => '5c000010-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_patient_overlap', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 60, step_minutes => 30, buffer_after_minutes => 30, service_id => :visit),
       clinic.create_service('Group', 60, capacity => 3, service_id => :group),
       clinic.create_patient('One', patient_id => :pat1),
       clinic.create_patient('Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:visit, :group]::uuid[]) AS s, unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_patient_overlap;

-- forbid is the default.
SELECT count(*) FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 10:00-05', :ann);
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS bob_for_one
FROM clinic.available_slots(:visit, '2026-03-03 00:00-05', '2026-03-04 00:00-05', :bob, patient_id => :pat1) AS s;
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 10:30-05', :bob, patient_id => :pat1) AS e;
SELECT e.reason, e.source FROM clinic.explain_slot(:visit, '2026-03-03 10:30-05', :bob) AS e;
\set VERBOSITY terse
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 10:30-05', :bob);
\set VERBOSITY default
-- Touching is not overlap, and a patient's time has no buffers.
SELECT b.warnings FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 11:00-05', :bob) AS b;
SELECT b.warnings FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 09:00-05', :bob) AS b;
-- Neither permission gets over it.
\set VERBOSITY terse
SELECT * FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 10:30-05', :bob, override => true, overbook => true, reason => 'x');
\set VERBOSITY default

-- warn books, and records a warning; the other visit has none.
SELECT clinic.update_tenant('{"patient_overlap": "warn"}') \g /dev/null
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS bob_for_one
FROM clinic.available_slots(:visit, '2026-03-04 00:00-05', '2026-03-05 00:00-05', :bob, patient_id => :pat1) AS s;
SELECT b.warnings FROM clinic.book_appointment(:visit, :pat1, '2026-03-04 10:00-05', :ann) AS b;
SELECT b.warnings FROM clinic.book_appointment(:visit, :pat1, '2026-03-04 10:30-05', :bob) AS b;
SELECT a.warnings FROM clinic.appointments AS a WHERE a.starts_at >= '2026-03-04' ORDER BY a.starts_at;
-- A move away takes the warning with it.
SELECT r.warnings FROM clinic.appointments AS a, clinic.reschedule_appointment(a.appointment_id, '2026-03-04 09:00-05') AS r WHERE a.starts_at = '2026-03-04 10:30-05';
-- allow says nothing.
SELECT clinic.update_tenant('{"patient_overlap": "allow"}') \g /dev/null
SELECT b.warnings FROM clinic.book_appointment(:visit, :pat1, '2026-03-05 10:00-05', :ann) AS b;
SELECT b.warnings FROM clinic.book_appointment(:visit, :pat1, '2026-03-05 10:00-05', :bob) AS b;
SELECT count(*) FROM clinic.check_integrity();
-- Back to forbid: what overlaps stays, nothing more is taken.
SELECT clinic.update_tenant('{"patient_overlap": "forbid"}') \g /dev/null
SELECT count(*) FROM clinic.check_integrity();
SELECT count(*) FROM clinic.available_slots(:visit, '2026-03-05 09:30-05', '2026-03-05 11:00-05', :ann, patient_id => :pat1);

-- One seat for a patient in a session, unless the tenant allows more.
SELECT count(*) FROM clinic.book_appointment(:group, :pat2, '2026-03-06 09:00-05', :ann);
SELECT e.reason, e.source FROM clinic.explain_slot(:group, '2026-03-06 09:00-05', :ann, patient_id => :pat2) AS e;
\set VERBOSITY terse
SELECT * FROM clinic.book_appointment(:group, :pat2, '2026-03-06 09:00-05', :ann);
-- A seat of the same class at another provider is another session: an overlap.
SELECT * FROM clinic.book_appointment(:group, :pat2, '2026-03-06 09:00-05', :bob);
\set VERBOSITY default
SELECT clinic.update_tenant('{"allow_several_seats": true}') \g /dev/null
SELECT s.remaining FROM clinic.available_slots(:group, '2026-03-06 09:00-05', '2026-03-06 09:30-05', :ann, patient_id => :pat2) AS s;
SELECT count(*) FROM clinic.book_appointment(:group, :pat2, '2026-03-06 09:00-05', :ann);
SELECT e.reason FROM clinic.explain_slot(:group, '2026-03-06 09:00-05', :bob, patient_id => :pat2) AS e;
SELECT count(*) FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_patient_overlap;
DROP ROLE regress_patient_overlap;
