-- Planned group sessions: seats, parties, capacity, moving and cancelling.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_groups LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_groups_patient LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_groups, regress_groups_patient;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000024-0010-7000-8000-000000000001\''
\set ann '\'5c000024-0020-7000-8000-0000000000a1\''
\set bob '\'5c000024-0020-7000-8000-0000000000b2\''
\set yoga '\'5c000024-0040-7000-8000-000000000001\''
\set talk '\'5c000024-0040-7000-8000-000000000002\''
\set hall '\'5c000024-0030-7000-8000-000000000001\''
\set den '\'5c000024-0030-7000-8000-000000000002\''
\set monday '\'5c000024-00f0-7000-8000-000000000001\''
\set tuesday '\'5c000024-00f0-7000-8000-000000000002\''
\set pat1 '\'5c000024-0090-7000-8000-000000000001\''
\set pat2 '\'5c000024-0090-7000-8000-000000000002\''
\set pat3 '\'5c000024-0090-7000-8000-000000000003\''
\set pat4 '\'5c000024-0090-7000-8000-000000000004\''
\set pat5 '\'5c000024-0090-7000-8000-000000000005\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-groups', name => 'Test', tenant_id => '5c000024-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_groups', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_resource('Hall', 'room', 'hall', :ny, resource_id => :hall),
       clinic.create_resource('Den', 'room', 'hall', :ny, resource_id => :den),
       clinic.create_service('Yoga', 60, capacity => 10, lead_time_minutes => 60, service_id => :yoga),
       clinic.create_service('Talk', 60, service_id => :talk) \g /dev/null
SELECT clinic.create_patient('P' || n, patient_id => ('5c000024-0090-7000-8000-00000000000' || n)::uuid) FROM generate_series(1, 5) AS n \g /dev/null
SELECT clinic.map_login('regress_groups_patient', 'patient', '{}', patient_id => :pat5) \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:yoga, :talk]::uuid[]) AS s, unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.require_resource(:yoga, 'hall') \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '17:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
COMMIT;
RESET ROLE;
CREATE FUNCTION public.regress_change(id uuid, change text) RETURNS text
    LANGUAGE sql SECURITY DEFINER AS 'SELECT c.status FROM clinic_private.change_status(id, change) AS c';
SET SESSION AUTHORIZATION regress_groups;

-- A session takes the provider and a room, alone, off the grid if it likes, with buffers of its own.
SELECT c.location_id = :ny AS ny, c.starts_at, c.ends_at, c.capacity, c.resource_ids = ARRAY[:hall]::uuid[] AS hall, c.version, c.replayed
FROM clinic.create_session(:yoga, :ann, '2026-03-03 10:10-05', capacity => 4, title => 'Morning yoga', buffer_after_minutes => 20,
                           session_id => :monday, idempotency_key => 'monday') AS c;
SELECT c.version, c.replayed FROM clinic.create_session(:yoga, :ann, '2026-03-03 10:10-05', capacity => 4, title => 'Morning yoga',
                           buffer_after_minutes => 20, session_id => :monday, idempotency_key => 'monday') AS c;
SELECT g.title, g.starts_at, g.capacity, g.taken, g.remaining, g.over_capacity, g.status FROM clinic.group_sessions AS g;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS ann FROM clinic.available_slots(:talk, '2026-03-03 00:00-05', '2026-03-04 00:00-05', :ann) AS s;
SELECT e.reason FROM clinic.explain_slot(:yoga, '2026-03-03 10:00-05', :ann) AS e;
\set VERBOSITY terse
SELECT * FROM clinic.create_session(:yoga, :ann, '2026-03-03 11:00-05');
SELECT * FROM clinic.create_session(:yoga, :ann, '2026-03-03 17:00-05');
SELECT * FROM clinic.create_session(:yoga, :ann, '2026-03-01 10:00-05');
SELECT * FROM clinic.create_session(:yoga, :ann, '2026-03-03 17:00-05', override => true);
SELECT * FROM clinic.create_session(:yoga, :ann, '2026-03-04 10:00-05', capacity => 1001);
SELECT * FROM clinic.create_session(:yoga, :ann, '2026-03-04 10:00-05', session_id => :monday);
\set VERBOSITY default
BEGIN;
SELECT c.ends_at FROM clinic.create_session(:yoga, :ann, '2026-03-03 17:00-05', override => true, reason => 'open evening') AS c;
SELECT g.overridden, g.reason FROM clinic.group_sessions AS g WHERE g.starts_at = '2026-03-03 17:00-05';
ROLLBACK;
SELECT count(*) FROM clinic.check_integrity();

-- Seats: the lowest free ones, all or none, one for each patient, not beside another visit.
SELECT b.status, b.seat_numbers, b.starts_at, b.local_starts_at, b.time_zone, b.replayed FROM clinic.book_seat(:monday, :pat1, idempotency_key => 'a') AS b;
SELECT b.seat_numbers, b.replayed FROM clinic.book_seat(:monday, :pat1, idempotency_key => 'a') AS b;
SELECT b.seat_numbers FROM clinic.book_seat(:monday, :pat2, seats => 2) AS b;
\set VERBOSITY terse
SELECT * FROM clinic.book_seat(:monday, :pat1);
SELECT * FROM clinic.book_seat(:monday, :pat3, seats => 2);
SELECT * FROM clinic.book_seat(:monday, :pat3, seats => 0);
SELECT * FROM clinic.book_seat(:tuesday, :pat3);
SELECT * FROM clinic.book_seat(:monday, :tuesday);
\set VERBOSITY default
SELECT count(*) FROM clinic.book_appointment(:talk, :pat3, '2026-03-03 11:00-05', :bob);
\set VERBOSITY terse
SELECT * FROM clinic.book_seat(:monday, :pat3);
\set VERBOSITY default
SELECT g.taken, g.remaining, g.over_capacity FROM clinic.group_sessions AS g;
SELECT a.seats, a.session_id = :monday AS in_session, a.resource_ids = ARRAY[:hall]::uuid[] AS hall FROM clinic.appointments AS a WHERE a.session_id IS NOT NULL ORDER BY a.seats;
SELECT e.reason FROM clinic.explain_slot(:talk, '2026-03-03 10:00-05', :bob, patient_id => :pat1) AS e;
SELECT count(*) FROM clinic.check_integrity();

-- Lead time and the past count for seats, unless staff override with a reason.
BEGIN;
SET LOCAL clinic.clock = '2026-03-03T14:10:01Z';
\set VERBOSITY terse
SAVEPOINT s;
SELECT * FROM clinic.book_seat(:monday, :pat4);
ROLLBACK TO s;
SELECT b.seat_numbers FROM clinic.book_seat(:monday, :pat4, override => true, reason => 'at the door') AS b;
\set VERBOSITY default
SELECT a.overridden, a.override_reason FROM clinic.appointments AS a WHERE a.patient_id = :pat4;
ROLLBACK;

-- Patients book for themselves.
SET SESSION AUTHORIZATION regress_groups_patient;
SELECT g.title, g.taken, g.remaining FROM clinic.group_sessions AS g;
BEGIN;
SELECT b.seat_numbers FROM clinic.book_seat(:monday, :pat5) AS b;
SELECT count(*) FROM clinic.appointments;
SELECT g.taken FROM clinic.group_sessions AS g;
ROLLBACK;
\set VERBOSITY terse
SELECT * FROM clinic.book_seat(:monday, :pat4);
SELECT * FROM clinic.book_seat(:monday, :pat5, override => true, reason => 'me');
SELECT * FROM clinic.create_session(:yoga, :ann, '2026-03-04 10:00-05');
SELECT * FROM clinic.cancel_session(:monday);
SELECT * FROM clinic.set_session_capacity(:monday, 1);
\set VERBOSITY default
SET SESSION AUTHORIZATION regress_groups;

-- A seat stays with its session. Cancelling frees it; it can be taken back while there is room.
\set VERBOSITY terse
SELECT * FROM clinic.appointments AS a, clinic.reschedule_appointment(a.appointment_id, '2026-03-04 10:00-05') WHERE a.patient_id = :pat1;
\set VERBOSITY default
SELECT c.status FROM clinic.appointments AS a, clinic.cancel_appointment(a.appointment_id) AS c WHERE a.patient_id = :pat1;
SELECT g.taken, g.remaining FROM clinic.group_sessions AS g;
SELECT r.status FROM clinic.appointments AS a, clinic.reinstate_appointment(a.appointment_id) AS r WHERE a.patient_id = :pat1;
SELECT g.taken, g.remaining FROM clinic.group_sessions AS g;
SELECT count(*) FROM clinic.check_integrity();

-- No writer takes a seat that is not there.
RESET SESSION AUTHORIZATION;
\set VERBOSITY terse
INSERT INTO clinic_data.session_seats (tenant_id, session_id, seat, appointment_id)
SELECT a.tenant_id, a.session_id, 5, a.appointment_id FROM clinic_data.appointments AS a WHERE a.patient_id = :pat1;
UPDATE clinic_data.session_seats SET seat = 9 WHERE session_id = :monday AND seat = 1;
INSERT INTO clinic_data.session_seats (tenant_id, session_id, seat, appointment_id)
SELECT a.tenant_id, a.session_id, 1, a.appointment_id FROM clinic_data.appointments AS a WHERE a.patient_id = :pat1;
UPDATE clinic_data.appointments SET starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour' WHERE patient_id = :pat1;
\set VERBOSITY default
SET SESSION AUTHORIZATION regress_groups;

-- Capacity lowered below what is taken keeps everyone, says so, and offers no seat until fewer are taken.
SELECT s.capacity, s.taken, s.over_capacity, s.version, s.replayed FROM clinic.set_session_capacity(:monday, 2) AS s;
SELECT g.taken, g.remaining, g.over_capacity FROM clinic.group_sessions AS g;
\set VERBOSITY terse
SELECT * FROM clinic.book_seat(:monday, :pat4);
\set VERBOSITY default
SELECT c.status FROM clinic.appointments AS a, clinic.cancel_appointment(a.appointment_id) AS c WHERE a.patient_id = :pat2;
SELECT g.taken, g.remaining, g.over_capacity FROM clinic.group_sessions AS g;
SELECT b.seat_numbers FROM clinic.book_seat(:monday, :pat4) AS b;
\set VERBOSITY terse
SELECT * FROM clinic.set_session_capacity(:monday, 3, version => 1);
SELECT * FROM clinic.set_session_capacity(:monday, -1);
SELECT * FROM clinic.set_session_capacity(:tuesday, 3);
\set VERBOSITY default
SELECT s.taken, s.over_capacity FROM clinic.set_session_capacity(:monday, 6, version => 2) AS s;
SELECT count(*) FROM clinic.check_integrity();

-- Another capacity of the service is not that of sessions.
SELECT clinic.update_service(:yoga, '{"capacity": 20}') \g /dev/null
SELECT e.reason FROM clinic.explain_slot(:yoga, '2026-03-03 10:00-05', :ann) AS e;

-- Moving: everybody moves along, or nobody.
SELECT count(*) FROM clinic.book_appointment(:talk, :pat4, '2026-03-04 10:00-05', :bob);
\set VERBOSITY terse
SELECT * FROM clinic.move_session(:monday, '2026-03-04 10:00-05');
\set VERBOSITY default
SELECT g.starts_at FROM clinic.group_sessions AS g;
SELECT m.starts_at, m.ends_at, m.moved, m.resource_ids = ARRAY[:den]::uuid[] AS den, m.replayed
FROM clinic.move_session(:monday, '2026-03-04 11:00-05', duration => '90 minutes', provider_id => :bob, resource_ids => ARRAY[:den]::uuid[], idempotency_key => 'move') AS m;
SELECT m.moved, m.replayed
FROM clinic.move_session(:monday, '2026-03-04 11:00-05', duration => '90 minutes', provider_id => :bob, resource_ids => ARRAY[:den]::uuid[], idempotency_key => 'move') AS m;
SELECT a.starts_at, a.ends_at, a.provider_id = :bob AS bob, a.resource_ids = ARRAY[:den]::uuid[] AS den, a.status, a.version FROM clinic.appointments AS a
WHERE a.session_id = :monday AND a.status = 'booked' ORDER BY a.appointment_id;
SELECT count(*) FROM clinic.available_slots(:talk, '2026-03-03 10:00-05', '2026-03-03 12:00-05', :ann);
SELECT m.moved FROM clinic.move_session(:monday, '2026-03-04 10:30-05', provider_id => :ann, override => true, reason => 'Bob is ill') AS m;
SELECT a.warnings, a.patient_id = :pat4 AS pat4 FROM clinic.appointments AS a WHERE a.session_id = :monday AND a.status = 'booked' ORDER BY a.appointment_id;
SELECT count(*) FROM clinic.check_integrity();

-- A request that waits for approval, and a hold, take seats until they are over.
SELECT clinic.update_service(:yoga, '{"requires_approval": true, "approval_minutes": 30}') \g /dev/null
SET SESSION AUTHORIZATION regress_groups_patient;
SELECT b.status, b.seat_numbers FROM clinic.book_seat(:monday, :pat5) AS b;
SET SESSION AUTHORIZATION regress_groups;
SELECT g.taken FROM clinic.group_sessions AS g;
BEGIN;
SET LOCAL clinic.clock = '2026-03-02T12:30:00Z';
SELECT g.taken FROM clinic.group_sessions AS g;
SELECT b.seat_numbers FROM clinic.book_seat(:monday, :pat3) AS b;
SELECT count(*) FROM clinic.check_integrity();
ROLLBACK;
SELECT r.status FROM clinic.appointments AS a, clinic.approve_appointment(a.appointment_id) AS r WHERE a.patient_id = :pat5;
BEGIN;
SET LOCAL clinic.clock = '2026-03-02T12:30:00Z';
SELECT g.taken FROM clinic.group_sessions AS g;
ROLLBACK;
SELECT count(*) FROM clinic.check_integrity();

-- The seat of a missing patient is free; taking that back takes it and the patient's time again.
BEGIN;
SET LOCAL clinic.clock = '2026-03-04T16:00:00Z';
SELECT public.regress_change(a.appointment_id, 'mark_no_show') FROM clinic.appointments AS a WHERE a.patient_id = :pat1;
SELECT g.taken FROM clinic.group_sessions AS g;
SELECT count(*) FROM clinic.check_integrity();
SELECT public.regress_change(a.appointment_id, 'reverse_no_show') FROM clinic.appointments AS a WHERE a.patient_id = :pat1;
SELECT g.taken FROM clinic.group_sessions AS g;
SELECT count(*) FROM clinic.check_integrity();
ROLLBACK;

-- Cancelling a session cancels all, with one reason; its time is free.
SELECT c.status, c.cancelled, c.version FROM clinic.cancel_session(:monday, 'flood') AS c;
SELECT a.status, a.cancel_reason, a.late_cancellation, count(*) FROM clinic.appointments AS a WHERE a.session_id = :monday GROUP BY 1, 2, 3 ORDER BY 2;
SELECT g.status, g.taken, g.remaining, g.reason, g.resource_ids FROM clinic.group_sessions AS g;
SELECT string_agg(to_char(s.local_time, 'HH24:MI'), ' ') AS ann FROM clinic.available_slots(:talk, '2026-03-04 00:00-05', '2026-03-05 00:00-05', :ann) AS s;
\set VERBOSITY terse
SELECT * FROM clinic.book_seat(:monday, :pat3);
SELECT * FROM clinic.cancel_session(:monday);
SELECT * FROM clinic.move_session(:monday, '2026-03-05 10:00-05');
SELECT r.status FROM clinic.appointments AS a, clinic.reinstate_appointment(a.appointment_id) AS r WHERE a.patient_id = :pat1;
\set VERBOSITY default
SELECT count(*) FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP FUNCTION public.regress_change;
DROP OWNED BY regress_groups, regress_groups_patient;
DROP ROLE regress_groups, regress_groups_patient;
