-- The front desk: checking in, queue tickets, who is next, walk-ins, how late a provider runs.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_desk LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_desk_clerk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_desk_patient LOGIN IN ROLE clinic_user;
CREATE ROLE regress_desk_other LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_desk, regress_desk_clerk, regress_desk_patient, regress_desk_other;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set VERBOSITY terse
\set ny '\'5c000049-0010-7000-8000-000000000001\''
\set ann '\'5c000049-0020-7000-8000-0000000000a1\''
\set bob '\'5c000049-0020-7000-8000-0000000000b2\''
\set visit '\'5c000049-0040-7000-8000-000000000001\''
\set lab '\'5c000049-0040-7000-8000-000000000002\''
\set room '\'5c000049-0030-7000-8000-000000000001\''
\set p1 '\'5c000049-0090-7000-8000-000000000001\''
\set p2 '\'5c000049-0090-7000-8000-000000000002\''
\set p3 '\'5c000049-0090-7000-8000-000000000003\''
\set p4 '\'5c000049-0090-7000-8000-000000000004\''

SET clinic.clock = '2026-03-02T12:00:00Z';
BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-desk', name => 'Test', tenant_id => '5c000049-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_desk', 'admin', '{*}'),
       clinic.map_login('regress_desk_clerk', 'staff', '{appointments:read,appointments:write,patients:read}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_resource('Room 1', 'room', 'exam_room', :ny, resource_id => :room),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_service('Lab', 10, service_id => :lab),
       clinic.create_patient('One', patient_id => :p1), clinic.create_patient('Two', patient_id => :p2),
       clinic.create_patient('Three', patient_id => :p3), clinic.create_patient('Four', patient_id => :p4) \g /dev/null
SELECT clinic.map_login('regress_desk_patient', 'patient', patient_id => :p2),
       clinic.update_service(:lab, '{"ticket_prefix": "L"}'),
       clinic.offer_service(:visit, :ann), clinic.offer_service(:visit, :bob),
       clinic.add_hours(:ann, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01'),
       clinic.add_hours(:bob, :ny, 'FREQ=DAILY', '09:00', '10:00', valid_from => '2026-03-01') \g /dev/null
SELECT appointment_id AS a1 FROM clinic.book_appointment(:visit, :p1, '2026-03-02 09:00-05', :ann) \gset
SELECT appointment_id AS a2 FROM clinic.book_appointment(:visit, :p2, '2026-03-02 09:30-05', :ann) \gset
SELECT appointment_id AS a3 FROM clinic.book_appointment(:visit, :p3, '2026-03-02 10:00-05', :ann) \gset
SELECT appointment_id AS b4 FROM clinic.book_appointment(:visit, :p4, '2026-03-04 09:00-05', :bob) \gset
COMMIT;

-- Early, on another day, twice, by somebody else.
SET SESSION AUTHORIZATION regress_desk_clerk;
SELECT status FROM clinic.check_in(:'b4');
SET clinic.clock = '2026-03-04T04:59:59Z';
SELECT status FROM clinic.check_in(:'b4');
SET clinic.clock = '2026-03-04T05:00:00Z';
BEGIN;
SELECT status, ticket, late_minutes, keeps_place FROM clinic.check_in(:'b4');
ROLLBACK;
SET clinic.clock = '2026-03-02T13:50:00Z';
SET SESSION AUTHORIZATION regress_desk_patient;
SELECT status FROM clinic.check_in(:'a1');
SELECT status FROM clinic.check_in(:'a2', urgency => 3);
SELECT status, ticket, place, expected_at FROM clinic.check_in(:'a2');
SELECT status FROM clinic.check_in(:'a2');
SELECT ticket, state, place, wait_minutes, patient_name FROM clinic.queue;

-- Late: exactly the tolerance keeps the place, a microsecond more does not. The same key gives the same ticket.
SET SESSION AUTHORIZATION regress_desk_clerk;
SET clinic.clock = '2026-03-02T14:15:00Z';
SELECT ticket, late_minutes, keeps_place, place, expected_at, replayed FROM clinic.check_in(:'a1', idempotency_key => 'k1');
SELECT ticket, late_minutes, keeps_place, place, expected_at, replayed FROM clinic.check_in(:'a1', idempotency_key => 'k1');
SELECT ticket FROM clinic.check_in(:'a3', idempotency_key => 'k1');
SELECT status FROM clinic.undo_check_in(:'a1');
SELECT ticket, state, place, expected_at FROM clinic.queue ORDER BY number;
SET clinic.clock = '2026-03-02T14:15:00.000001Z';
SELECT ticket, late_minutes, keeps_place, place, expected_at FROM clinic.check_in(:'a1');
-- The patient who came early sees the own ticket and place only: Ann begins with her, and the visit at 10:00 follows.
SET SESSION AUTHORIZATION regress_desk_patient;
SELECT ticket, state, place, wait_minutes, patient_name FROM clinic.queue;
SELECT * FROM clinic.running_late(:ann);
SELECT * FROM clinic.call_next(:ny, :ann);
SELECT * FROM clinic.issue_ticket(:ny);
SET SESSION AUTHORIZATION regress_desk_clerk;
SELECT status, starts_at, expected_at, expected_until, late_minutes, place FROM clinic.running_late(:ann);

-- Tickets without a booking: numbers of their own for each prefix; a rolled back one leaves no gap.
SELECT ticket, state, place FROM clinic.issue_ticket(:ny, :lab);
BEGIN;
SELECT ticket FROM clinic.issue_ticket(:ny, :lab);
ROLLBACK;
SELECT ticket, place, expected_at FROM clinic.issue_ticket(:ny, :lab, expected_minutes => 20);
SELECT ticket, place FROM clinic.issue_ticket(:ny, :lab, urgency => 9);
SELECT ticket FROM clinic.issue_ticket(:ny);
SELECT ticket FROM clinic.issue_ticket(:ny, urgency => 10);
SELECT ticket FROM clinic.issue_ticket(:ny, appointment_id => :'a1');
SELECT ticket FROM clinic.issue_ticket(:ny, appointment_id => :'a3');
SELECT ticket FROM clinic.issue_ticket('5c000049-0010-7000-8000-000000000009');

-- Who is next: for Ann the one who is due first, for the desk the urgent one; nobody is called twice.
SELECT ticket, state, provider_id, room_id FROM clinic.call_next(:ny, :ann, room_id => :room, idempotency_key => 'c1');
SELECT ticket, replayed FROM clinic.call_next(:ny, :ann, room_id => :room, idempotency_key => 'c1');
SELECT ticket FROM clinic.call_next(:ny, prefix => 'L');
SELECT ticket FROM clinic.call_next(:ny, prefix => 'L');
SELECT ticket FROM clinic.call_next(:ny, :bob);
SELECT count(*) FROM clinic.call_next(:ny, :bob, prefix => 'X');
SELECT ticket FROM clinic.call_next(:ny, :ann, room_id => :ann);

-- A ticket and its visit go together.
SELECT ticket_id AS t2, version AS v2 FROM clinic.queue WHERE appointment_id = :'a2' \gset
SELECT state FROM clinic.change_ticket(:'t2', 'return');
SELECT state, place FROM clinic.queue WHERE ticket_id = :'t2';
SELECT state FROM clinic.change_ticket(:'t2', 'call', version => :v2);
SELECT state FROM clinic.change_ticket(:'t2', 'finish');
SELECT state FROM clinic.change_ticket(:'t2', 'dance');
SELECT state FROM clinic.change_ticket(:'t2', 'serve');
SELECT status FROM clinic.appointments WHERE appointment_id = :'a2';
SET clinic.clock = '2026-03-02T14:50:00Z';
-- Over time: from now on the next ones are late.
SELECT status, starts_at, expected_at, late_minutes, place FROM clinic.running_late(:ann);
SELECT late_minutes, expected_at FROM clinic.announce_delay(:ann, idempotency_key => 'd1');
SELECT late_minutes, replayed FROM clinic.announce_delay(:ann, idempotency_key => 'd1');
SELECT count(*) AS told_again FROM clinic.announce_delay(:ann);
SELECT late_minutes FROM clinic.announce_delay(:ann, late_minutes => 60);
RESET SESSION AUTHORIZATION;
SELECT kind, recipient, data - 'expected_at' AS data FROM clinic_data.notifications WHERE kind = 'running_late' AND tenant_id = '5c000049-0000-7000-8000-000000000001' ORDER BY notification_id;
SET SESSION AUTHORIZATION regress_desk_clerk;
SELECT status FROM clinic.complete_visit(:'a2');
SELECT ticket, state, place, ended_at FROM clinic.queue WHERE ticket_id = :'t2';
SELECT status FROM clinic.check_in(:'a3') \g /dev/null
-- Gone without having been served, and come back.
SELECT state FROM clinic.change_ticket((SELECT ticket_id FROM clinic.queue WHERE appointment_id = :'a3'), 'leave');
SELECT status, place FROM clinic.running_late(:ann);
SELECT ticket, state, place FROM clinic.issue_ticket(:ny, appointment_id => :'a3');

-- Walk-ins: the first free start of today; none left; squeezed in by permission and with a reason only.
SELECT starts_at, ticket, provider_id = :ann AS ann, status FROM clinic.book_walk_in(:visit, :p4, :ny, idempotency_key => 'w1');
SELECT starts_at, ticket, replayed FROM clinic.book_walk_in(:visit, :p4, :ny, idempotency_key => 'w1');
SELECT starts_at FROM clinic.book_walk_in(:visit, :p2, :ny, squeeze => true, reason => 'fever');
SET clinic.clock = '2026-03-02T16:45:00Z';
SELECT starts_at FROM clinic.book_walk_in(:visit, :p2, :ny);
SET SESSION AUTHORIZATION regress_desk;
SELECT starts_at FROM clinic.book_walk_in(:visit, :p2, :ny, squeeze => true);
SET clinic.clock = '2026-03-02T15:35:10Z';
SELECT starts_at, provider_id = :ann AS ann, place FROM clinic.book_walk_in(:visit, :p2, :ny, squeeze => true, reason => 'fever', urgency => 5);
SELECT overbooked, override_reason, overridden FROM clinic.appointments WHERE starts_at = '2026-03-02T15:36:00Z';
-- Overlap never gives way silently: not to a booking, a walk-in, a move or a staff override.
SELECT count(*) FROM clinic.book_appointment(:visit, :p3, '2026-03-02 10:45-05', :ann, override => true, reason => 'x');
SELECT a.overbooked, count(*) FROM clinic.appointments AS a WHERE a.starts_at >= '2026-03-02' GROUP BY 1 ORDER BY 1;
SELECT * FROM clinic.check_integrity();

-- Numbers have no gap, and begin again the next local day.
SELECT prefix, min(number), max(number), count(*) FROM clinic.queue GROUP BY prefix ORDER BY prefix;
SET clinic.clock = '2026-03-03T04:59:00Z';
SELECT ticket = (SELECT max(number) + 1 FROM clinic.queue WHERE prefix = '')::text AS goes_on FROM clinic.issue_ticket(:ny);
SET clinic.clock = '2026-03-03T05:00:00Z';
SELECT count(*) FROM clinic.queue;
SELECT ticket FROM clinic.issue_ticket(:ny);

-- Another tenant.
BEGIN;
SET LOCAL ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-desk-2', name => 'Test', tenant_id => '5c000049-0000-7000-8000-000000000002') \g /dev/null
SELECT count(*) FROM clinic.queue;
SELECT clinic.check_in(:'a1');
ROLLBACK;
BEGIN;
SET LOCAL ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-desk-2', name => 'Test', tenant_id => '5c000049-0000-7000-8000-000000000002') \g /dev/null
SELECT clinic.change_ticket(:'t2', 'call');
ROLLBACK;
RESET SESSION AUTHORIZATION;

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_desk, regress_desk_clerk, regress_desk_patient, regress_desk_other;
DROP ROLE regress_desk, regress_desk_clerk, regress_desk_patient, regress_desk_other;
