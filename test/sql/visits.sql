-- Several resources and services: any k of a set, optional participants, itineraries, visits booked, moved and cancelled all or none.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_visits LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_visits_patient LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_visits, regress_visits_patient;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set main '\'5c000081-0010-7000-8000-000000000001\''
\set hill '\'5c000081-0010-7000-8000-000000000002\''
\set ann '\'5c000081-0020-7000-8000-0000000000a1\''
\set bob '\'5c000081-0020-7000-8000-0000000000b2\''
\set cat '\'5c000081-0020-7000-8000-0000000000c3\''
\set nora '\'5c000081-0020-7000-8000-0000000000d4\''
\set nick '\'5c000081-0020-7000-8000-0000000000e5\''
\set ivan '\'5c000081-0020-7000-8000-0000000000f6\''
\set exam '\'5c000081-0040-7000-8000-000000000001\''
\set surgery '\'5c000081-0040-7000-8000-000000000002\''
\set scan '\'5c000081-0040-7000-8000-000000000003\''
\set talk '\'5c000081-0040-7000-8000-000000000004\''
\set theatre '\'5c000081-0030-7000-8000-000000000001\''
\set scanner '\'5c000081-0030-7000-8000-000000000002\''
\set pat1 '\'5c000081-0090-7000-8000-000000000001\''
\set pat2 '\'5c000081-0090-7000-8000-000000000002\''
\set pat3 '\'5c000081-0090-7000-8000-000000000003\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-visits', name => 'Test', tenant_id => '5c000081-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_visits', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('Main', 'UTC', location_id => :main), clinic.create_location('Hill', 'UTC', location_id => :hill),
       clinic.set_travel_time(:main, :hill, 20), clinic.set_travel_time(:hill, :main, 20),
       clinic.create_provider('Ann', 'UTC', provider_id => :ann), clinic.create_provider('Bob', 'UTC', provider_id => :bob),
       clinic.create_provider('Cat', 'UTC', provider_id => :cat), clinic.create_provider('Nora', 'UTC', provider_id => :nora),
       clinic.create_provider('Nick', 'UTC', provider_id => :nick), clinic.create_provider('Ivan', 'UTC', provider_id => :ivan),
       clinic.create_resource('Theatre', 'room', 'theatre', :main, resource_id => :theatre),
       clinic.create_resource('Scanner', 'device', 'scanner', :hill, resource_id => :scanner),
       clinic.create_service('Exam', 30, service_id => :exam), clinic.create_service('Surgery', 60, service_id => :surgery),
       clinic.create_service('Scan', 30, service_id => :scan), clinic.create_service('Talk', 30, service_id => :talk) \g /dev/null
SELECT clinic.create_patient('P' || n, patient_id => ('5c000081-0090-7000-8000-00000000000' || n)::uuid) FROM generate_series(1, 3) AS n \g /dev/null
SELECT clinic.map_login('regress_visits_patient', 'patient', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:exam, :ann), clinic.offer_service(:exam, :bob), clinic.offer_service(:surgery, :ann), clinic.offer_service(:scan, :cat),
       clinic.offer_service(:talk, :ann), clinic.offer_service(:talk, :bob),
       clinic.require_resource(:surgery, 'theatre'), clinic.require_resource(:scan, 'scanner') \g /dev/null
SELECT clinic.add_hours(p, :main, 'FREQ=DAILY', '09:00', '13:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob, :nora, :nick]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(:cat, :hill, 'FREQ=DAILY', '09:00', '13:00', valid_from => '2026-03-01'),
       clinic.add_hours(:ivan, :main, 'FREQ=DAILY', '09:00', '11:00', valid_from => '2026-03-01') \g /dev/null
-- Any one of two nurses with the surgeon and the theatre; an interpreter when there is one.
SELECT clinic.set_participants(:surgery, 'nurse', ARRAY[:nora, :nick]::uuid[]), clinic.set_participants(:surgery, 'interpreter', ARRAY[:ivan]::uuid[], optional => true) \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_visits;

CREATE FUNCTION pg_temp.who(id uuid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT p.name FROM clinic.providers AS p WHERE p.provider_id = id), (SELECT r.name FROM clinic.resources AS r WHERE r.resource_id = id)) $$;
CREATE FUNCTION pg_temp.who(ids uuid[]) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(pg_temp.who(i.id), ' ' ORDER BY i.n) FROM unnest(ids) WITH ORDINALITY AS i (id, n) $$;
CREATE FUNCTION pg_temp.steps(s jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(to_char((e ->> 'starts_at')::timestamptz, 'HH24:MI') || ' ' || pg_temp.who((e ->> 'provider_id')::uuid), ', ' ORDER BY n)
    FROM jsonb_array_elements(s) WITH ORDINALITY AS j (e, n) $$;

SELECT role, quantity, optional, pg_temp.who(candidate_ids) AS candidates FROM clinic.service_participants WHERE service_id = :surgery ORDER BY role;

-- Who takes part is claimed in the same booking; slots say which optional participants are missing.
SELECT to_char(s.starts_at, 'HH24:MI') AS at, s.missing_participants FROM clinic.search_slots(:surgery, '2026-03-03', '2026-03-04') AS s ORDER BY s.starts_at;
SELECT pg_temp.who(b.resource_ids) AS resources, b.warnings FROM clinic.book_appointment(:surgery, :pat1, '2026-03-03 09:00Z', :ann) AS b;
SELECT pg_temp.who(b.resource_ids) AS resources, b.warnings FROM clinic.book_appointment(:surgery, :pat1, '2026-03-03 11:00Z', :ann) AS b;
SELECT * FROM clinic.check_integrity();
-- With one nurse ill the other is taken, with both there is no slot; the role is named.
SELECT clinic.add_block('2026-03-04 09:00Z', '2026-03-04 10:00Z', :nora), clinic.add_block('2026-03-04 09:00Z', '2026-03-04 13:00Z', :nick) \g /dev/null
SELECT to_char(s.starts_at, 'HH24:MI') AS at FROM clinic.available_slots(:surgery, '2026-03-04', '2026-03-05') AS s ORDER BY s.starts_at;
SELECT reason, message FROM clinic.explain_slot(:surgery, '2026-03-04 09:00Z', :ann);
\set VERBOSITY terse
SELECT clinic.book_appointment(:surgery, :pat1, '2026-03-04 09:00Z', :ann);
\set VERBOSITY default
-- By name: this nurse and no other.
SELECT pg_temp.who(b.resource_ids) AS resources FROM clinic.book_appointment(:surgery, :pat1, '2026-03-05 09:00Z', :ann, resource_ids => ARRAY[:nick]::uuid[]) AS b;
-- Two of two.
SELECT clinic.set_participants(:surgery, 'nurse', ARRAY[:nora, :nick]::uuid[], 2) \g /dev/null
SELECT pg_temp.who(b.resource_ids) AS resources FROM clinic.book_appointment(:surgery, :pat2, '2026-03-05 10:00Z', :ann) AS b;
SELECT clinic.set_participants(:surgery, 'nurse', ARRAY[:nora]::uuid[], 2);
SELECT clinic.set_participants(:surgery, '', ARRAY[:nora]::uuid[]);
SELECT clinic.set_participants(:surgery, 'nurse', ARRAY[:pat1]::uuid[]);
SELECT clinic.set_participants(:surgery, 'nurse', ARRAY[:nora, :nick]::uuid[]) \g /dev/null
-- A nurse who takes part elsewhere is not free to treat, and the other way round.
SELECT clinic.remove_participants(:surgery, 'surgeon');
SELECT pg_temp.who(a.resource_id) AS busy, to_char(a.starts_at, 'MM-DD HH24:MI') AS at FROM clinic.busy_times AS a WHERE a.resource_id = :nick ORDER BY a.starts_at;

-- An itinerary: exam, then the scan on the hill within two hours, then a talk with whoever did the exam or another.
\set visit '\'[{"service_id": "5c000081-0040-7000-8000-000000000001"}, {"service_id": "5c000081-0040-7000-8000-000000000003", "min_gap_minutes": 15, "max_gap_minutes": 120}, {"service_id": "5c000081-0040-7000-8000-000000000004"}]\''
SELECT itinerary, to_char(starts_at, 'HH24:MI') || '-' || to_char(ends_at, 'HH24:MI') AS time, pg_temp.steps(steps) FROM clinic.find_itineraries(:visit, '2026-03-06', '2026-03-07', :pat1, max_rows => 6);
SELECT pg_temp.steps(steps) FROM clinic.find_itineraries(:visit, '2026-03-06', '2026-03-07', :pat1, 'different', max_rows => 2);
SELECT count(*) FROM clinic.find_itineraries(:visit, '2026-03-06', '2026-03-07', :pat1, one_location => true);
SELECT count(*) FROM clinic.find_itineraries(:visit, '2026-03-06', '2026-03-07', max_rows => 1000);
-- The same rows in the same order.
SELECT (SELECT jsonb_agg(i) FROM clinic.find_itineraries(:visit, '2026-03-06', '2026-03-07', max_rows => 1000) AS i)
     = (SELECT jsonb_agg(i) FROM clinic.find_itineraries(:visit, '2026-03-06', '2026-03-07', max_rows => 1000) AS i) AS same;

-- Booked as found, all or none; each step in the view.
SELECT b.step, b.status, pg_temp.who(b.provider_id), to_char(b.starts_at, 'HH24:MI') AS at, pg_temp.who(b.resource_ids) AS resources, b.replayed
FROM (SELECT steps FROM clinic.find_itineraries(:visit, '2026-03-06', '2026-03-07', :pat1, max_rows => 1)) AS f,
     clinic.book_visit(f.steps, :pat1, idempotency_key => 'visit-1') AS b;
SELECT v.status, v.steps, to_char(v.starts_at, 'HH24:MI') || '-' || to_char(v.ends_at, 'HH24:MI') AS time, v.version FROM clinic.visits AS v;
SELECT v.visit_id AS visit_id FROM clinic.visits AS v \gset
SELECT p.step, a.status, p.min_gap_minutes, p.max_gap_minutes FROM clinic.visit_appointments AS p JOIN clinic.appointments AS a USING (appointment_id) ORDER BY p.step;
-- The same key gives the same visit; a second visit of the patient is found elsewhere.
SELECT count(DISTINCT b.visit_id), bool_and(b.replayed) AS replayed, bool_and(b.visit_id = :'visit_id') AS same
FROM clinic.book_visit((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('service_id', a.service_id, 'provider_id', a.provider_id, 'location_id', a.location_id, 'starts_at', a.starts_at, 'ends_at', a.ends_at,
                            'min_gap_minutes', nullif(p.min_gap_minutes, 0), 'max_gap_minutes', p.max_gap_minutes)) ORDER BY p.step)
                        FROM clinic.visit_appointments AS p JOIN clinic.appointments AS a USING (appointment_id)), :pat1, 'visit-1') AS b;
SELECT clinic.book_visit(:visit, :pat1, 'visit-1');

-- All or none: the last step is taken, so nothing is booked, and the error says which step.
SELECT count(*) AS before FROM clinic.appointments \gset
SELECT clinic.book_visit(jsonb_build_array(jsonb_build_object('service_id', :exam, 'starts_at', '2026-03-06 11:30Z', 'provider_id', :bob),
                                           jsonb_build_object('service_id', :talk, 'starts_at', '2026-03-06 12:00Z', 'provider_id', :bob),
                                           jsonb_build_object('service_id', :scan, 'starts_at', '2026-03-06 13:00Z', 'provider_id', :cat)), :pat3);
SELECT count(*) - :before AS more, (SELECT count(*) FROM clinic.visits) AS visits FROM clinic.appointments;
\set VERBOSITY terse
-- Steps that do not follow one another: on the way, too late, overlapping.
SELECT clinic.book_visit(jsonb_build_array(jsonb_build_object('service_id', :exam, 'starts_at', '2026-03-07 09:00Z', 'provider_id', :bob),
                                           jsonb_build_object('service_id', :scan, 'starts_at', '2026-03-07 09:30Z')), :pat3);
SELECT clinic.book_visit(jsonb_build_array(jsonb_build_object('service_id', :exam, 'starts_at', '2026-03-07 09:00Z'),
                                           jsonb_build_object('service_id', :talk, 'starts_at', '2026-03-07 12:00Z', 'max_gap_minutes', 60)), :pat3);
SELECT clinic.book_visit(jsonb_build_array(jsonb_build_object('service_id', :exam, 'starts_at', '2026-03-07 09:00Z', 'provider_id', :ann),
                                           jsonb_build_object('service_id', :talk, 'starts_at', '2026-03-07 09:00Z', 'provider_id', :ann)), :pat3);
SELECT count(*) - :before AS more FROM clinic.appointments;

-- Arguments.
SELECT clinic.find_itineraries('[]', '2026-03-06', '2026-03-07');
SELECT clinic.find_itineraries('[{"service_id": "x"}]', '2026-03-06', '2026-03-07');
SELECT clinic.find_itineraries('[{"service": "x"}]', '2026-03-06', '2026-03-07');
SELECT clinic.find_itineraries('[{}]', '2026-03-06', '2026-03-07');
SELECT clinic.find_itineraries(:visit, '2026-03-06', '2026-03-07', providers => 'both');
SELECT clinic.find_itineraries(jsonb_build_array(jsonb_build_object('service_id', :exam, 'min_gap_minutes', 5)), '2026-03-06', '2026-03-07');
SELECT clinic.find_itineraries(jsonb_build_array(jsonb_build_object('service_id', :exam), jsonb_build_object('service_id', :exam, 'min_gap_minutes', 5, 'max_gap_minutes', 4)), '2026-03-06', '2026-03-07');
SELECT clinic.find_itineraries(jsonb_build_array(jsonb_build_object('service_id', '5c000081-0040-7000-8000-0000000000ff')), '2026-03-06', '2026-03-07');
SELECT clinic.book_visit(jsonb_build_array(jsonb_build_object('service_id', :exam)), :pat1);

-- Moved by one shift: half an hour later the steps move into each other's places.
SELECT b.step, pg_temp.who(b.provider_id), to_char(b.starts_at, 'MM-DD HH24:MI') AS at FROM clinic.move_visit(:'visit_id', '30 minutes', idempotency_key => 'move-1') AS b;
SELECT b.step, to_char(b.starts_at, 'MM-DD HH24:MI') AS at, b.replayed FROM clinic.move_visit(:'visit_id', '30 minutes', idempotency_key => 'move-1') AS b;
SELECT b.step, to_char(b.starts_at, 'MM-DD HH24:MI') AS at FROM clinic.move_visit(:'visit_id', '1 day') AS b;
SELECT clinic.move_visit(:'visit_id', '12 hours');
-- To a new itinerary; with gaps that do not hold; and to other steps than its own.
SELECT pg_temp.steps(jsonb_agg(to_jsonb(b) ORDER BY b.step))
FROM (SELECT steps FROM clinic.find_itineraries(:visit, '2026-03-09', '2026-03-10', :pat1, 'different', max_rows => 1)) AS f, clinic.move_visit(:'visit_id', steps => f.steps) AS b;
SELECT clinic.move_visit(:'visit_id', steps => jsonb_build_array(jsonb_build_object('service_id', :exam, 'starts_at', '2026-03-09 09:00Z'),
    jsonb_build_object('service_id', :scan, 'starts_at', '2026-03-09 12:30Z'), jsonb_build_object('service_id', :talk, 'starts_at', '2026-03-09 11:00Z')));
SELECT clinic.move_visit(:'visit_id', steps => jsonb_build_array(jsonb_build_object('service_id', :exam, 'starts_at', '2026-03-09 09:00Z')));
SELECT clinic.move_visit(:'visit_id');
SELECT clinic.move_visit('5c000081-00f1-7000-8000-0000000000ff', '1 day');
SELECT v.status, v.version, to_char(v.starts_at, 'MM-DD HH24:MI') AS at FROM clinic.visits AS v;
SELECT * FROM clinic.check_integrity();

-- Patients book visits for themselves; others' are not there.
SET SESSION AUTHORIZATION regress_visits_patient;
SELECT count(*) FROM clinic.visits;
SELECT clinic.cancel_visit(:'visit_id');
SELECT clinic.book_visit(jsonb_build_array(jsonb_build_object('service_id', :exam, 'starts_at', '2026-03-10 09:00Z')), :pat1);
SELECT b.step, b.status FROM clinic.book_visit(jsonb_build_array(jsonb_build_object('service_id', :exam, 'starts_at', '2026-03-10 09:00Z'), jsonb_build_object('service_id', :talk, 'starts_at', '2026-03-10 10:00Z')), :pat2) AS b;
SELECT v.status, v.steps, v.patient_id = :pat2 AS own FROM clinic.visits AS v;
SET SESSION AUTHORIZATION regress_visits;

-- Cancelled: what is still to come, in one call.
SELECT c.step, c.status, c.late FROM clinic.cancel_visit(:'visit_id', 'ill', 'cancel-1') AS c;
SELECT c.step, c.replayed FROM clinic.cancel_visit(:'visit_id', 'ill', 'cancel-1') AS c;
SELECT clinic.cancel_visit(:'visit_id');
SELECT clinic.move_visit(:'visit_id', '1 day');
SELECT v.status, v.version FROM clinic.visits AS v WHERE v.visit_id = :'visit_id';
-- A step cancelled alone leaves the others.
SELECT b.visit_id AS second FROM clinic.book_visit(jsonb_build_array(jsonb_build_object('service_id', :exam, 'starts_at', '2026-03-11 09:00Z', 'provider_id', :bob), jsonb_build_object('service_id', :talk, 'starts_at', '2026-03-11 10:00Z')), :pat3) AS b LIMIT 1 \gset
SELECT c.status FROM clinic.visit_appointments AS p, clinic.cancel_appointment(p.appointment_id) AS c WHERE p.visit_id = :'second' AND p.step = 1;
SELECT v.status, to_char(v.starts_at, 'HH24:MI') AS starts FROM clinic.visits AS v WHERE v.visit_id = :'second';
SELECT c.step FROM clinic.cancel_visit(:'second') AS c;
SELECT * FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_visits, regress_visits_patient;
DROP ROLE regress_visits, regress_visits_patient;
