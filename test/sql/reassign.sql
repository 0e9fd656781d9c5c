-- "Provider sick today": other places for all visits of a day, proposed, moved all or none or as many as can be; the same for what a
-- change of hours affects; and the best answer against trying everything.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_reassign LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_reassign_desk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_reassign_planner LOGIN IN ROLE clinic_user;
CREATE ROLE regress_reassign_strict LOGIN IN ROLE clinic_user;
CREATE ROLE regress_reassign_uptown LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_reassign;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c0000ea-0010-7000-8000-000000000001\''
\set uptown '\'5c0000ea-0010-7000-8000-000000000002\''
\set ann '\'5c0000ea-0020-7000-8000-0000000000a1\''
\set bob '\'5c0000ea-0020-7000-8000-0000000000b2\''
\set cid '\'5c0000ea-0020-7000-8000-0000000000c3\''
\set dan '\'5c0000ea-0020-7000-8000-0000000000d4\''
\set daily '\'5c0000ea-0040-7000-8000-000000000006\''
\set visit '\'5c0000ea-0040-7000-8000-000000000001\''
\set roomed '\'5c0000ea-0040-7000-8000-000000000002\''
\set yoga '\'5c0000ea-0040-7000-8000-000000000003\''
\set early '\'5c0000ea-0040-7000-8000-000000000004\''
\set surgery '\'5c0000ea-0040-7000-8000-000000000005\''
\set room1 '\'5c0000ea-0030-7000-8000-000000000001\''
\set room2 '\'5c0000ea-0030-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-reassign', name => 'Test', tenant_id => '5c0000ea-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_reassign', 'admin', '{*}'),
       clinic.map_login('regress_reassign_desk', 'staff', '{appointments:read,appointments:write,patients:read}'),
       clinic.map_login('regress_reassign_planner', 'staff', '{schedules:write}'),
       clinic.map_login('regress_reassign_strict', 'staff', '{schedules:write,appointments:read,appointments:write,patients:read}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_location('Uptown', 'America/New_York', location_id => :uptown),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_provider('Cid', 'America/New_York', provider_id => :cid),
       clinic.create_resource('Room 1', 'room', 'room', :ny, resource_id => :room1),
       clinic.create_resource('Room 2', 'room', 'room', :ny, resource_id => :room2),
       clinic.create_service('Visit', 60, service_id => :visit),
       clinic.create_service('Roomed', 60, service_id => :roomed), clinic.require_resource(:roomed, 'room'),
       clinic.create_service('Yoga', 60, capacity => 4, service_id => :yoga),
       clinic.create_service('Early', 60, lead_time_minutes => 1440, service_id => :early),
       clinic.create_service('Surgery', 60, service_id => :surgery) \g /dev/null
SELECT clinic.create_user('staff', 'Uma', location_ids => ARRAY[:uptown]::uuid[], user_id => '5c0000ea-00b0-7000-8000-000000000001'),
       clinic.map_login('regress_reassign_uptown', 'staff', '{schedules:write,appointments:read,appointments:write,patients:read}',
                        user_id => '5c0000ea-00b0-7000-8000-000000000001') \g /dev/null
SELECT clinic.create_patient('Secret ' || n, patient_id => ('5c0000ea-0090-7000-8000-00000000000' || n)::uuid) FROM generate_series(1, 9) AS n \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest(ARRAY[:visit, :roomed, :yoga, :early]::uuid[]) AS s, unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.offer_service(:surgery, :cid), clinic.set_participants(:surgery, 'nurse', ARRAY[:ann, :bob]::uuid[]) \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '13:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob, :cid]::uuid[]) AS p \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_reassign;

CREATE FUNCTION pg_temp.attempt(command text) RETURNS TABLE (state text, message text, detail text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'done'; RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    detail := regexp_replace(detail, '[0-9a-f]{8}-[0-9a-f-]{27}', '(id)', 'g');
    RETURN NEXT;
END $$;
CREATE FUNCTION pg_temp.pat(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('5c0000ea-0090-7000-8000-00000000000' || n)::uuid $$;
CREATE FUNCTION pg_temp.at(clock text, on_date date DEFAULT '2026-03-10') RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT (on_date + clock::time) AT TIME ZONE 'America/New_York'
$$;
CREATE FUNCTION pg_temp.book(service uuid, patient integer, clock text, provider uuid, on_date date DEFAULT '2026-03-10') RETURNS uuid LANGUAGE sql AS $$
    SELECT appointment_id FROM clinic.book_appointment(service, pg_temp.pat(patient), pg_temp.at(clock, on_date), provider)
$$;
-- A reassignment in short.
CREATE FUNCTION pg_temp.reassign(mode text DEFAULT 'propose', days integer DEFAULT 0, same_time boolean DEFAULT false, key text DEFAULT NULL,
                                 reason text DEFAULT NULL, keep uuid[] DEFAULT NULL, whom uuid[] DEFAULT NULL, day date DEFAULT '2026-03-10')
    RETURNS TABLE ("from" text, kind text, patient text, outcome text, why text, who text, "to" text, disturbance integer, optimal boolean, replayed boolean)
    LANGUAGE sql AS $$
    SELECT to_char(r.local_from_starts_at, 'MM-DD HH24:MI'), r.kind, right(r.patient_id::text, 1), r.outcome, r.why,
           right(r.to_provider_id::text, 2), to_char(r.local_to_starts_at, 'MM-DD HH24:MI'), r.disturbance, r.optimal, r.replayed
    FROM clinic.reassign_day('5c0000ea-0020-7000-8000-0000000000a1', day, mode, reason, days, same_time, whom, keep, key) AS r
$$;
CREATE VIEW pg_temp.booked AS
    SELECT to_char(a.starts_at AT TIME ZONE 'America/New_York', 'MM-DD HH24:MI') AS "start", right(a.provider_id::text, 2) AS who,
           right(a.patient_id::text, 1) AS patient, a.status, a.version, a.out_of_hours,
           (SELECT array_agg(regexp_replace(e.name, '.*\.', '') ORDER BY e.sequence) FROM clinic.events AS e WHERE e.subject_id = a.appointment_id) AS events
    FROM clinic.appointments AS a WHERE a.status <> 'cancelled' ORDER BY a.starts_at, a.provider_id;
-- Ends the diary of one case.
CREATE FUNCTION pg_temp.clear() RETURNS void LANGUAGE sql AS $$
    SELECT clinic.remove_block(b.block_id) FROM clinic.blocks AS b;
    SELECT clinic.cancel_appointment(a.appointment_id) FROM clinic.appointments AS a WHERE a.status IN ('pending', 'booked', 'confirmed');
$$;

-- Bob has one hour taken: as few minutes as can be, for all together.
SELECT pg_temp.book(:visit, 1, '09:00', :ann) AS nine, pg_temp.book(:visit, 2, '10:00', :ann) AS ten, pg_temp.book(:visit, 3, '11:00', :ann) AS eleven,
       pg_temp.book(:visit, 4, '09:00', :bob) AS bobs \gset
SELECT * FROM pg_temp.reassign();
SELECT * FROM pg_temp.booked;
SELECT * FROM pg_temp.reassign(same_time => true);
SELECT * FROM pg_temp.reassign(days => 1, keep => ARRAY[:'ten']::uuid[]);
SELECT * FROM pg_temp.reassign(whom => ARRAY[:cid]::uuid[]);
-- All or none, once. Who was told of the old time is told of the new one.
RESET SESSION AUTHORIZATION;
SELECT clinic_private.void_notifications(n.tenant_id, n.appointment_id, '{confirmation}', 'told') FROM clinic_data.notifications AS n
WHERE n.appointment_id IN (:'nine', :'ten', :'eleven') AND n.kind = 'confirmation' \g /dev/null
SET SESSION AUTHORIZATION regress_reassign;
SELECT count(*) AS waiting FROM clinic.join_waitlist(:visit, pg_temp.pat(5), :ann, until_on => '2026-03-10');
SELECT clinic.add_leave(:ann, '2026-03-10', '2026-03-10') \g /dev/null
SELECT * FROM pg_temp.reassign('all_or_nothing', key => 'sick');
SELECT * FROM pg_temp.reassign('all_or_nothing', key => 'sick');
SELECT * FROM pg_temp.attempt($$SELECT * FROM pg_temp.reassign('skip', key => 'sick')$$);
SELECT * FROM pg_temp.booked;
SELECT n.kind, count(*) FROM clinic.notifications AS n WHERE n.appointment_id IN (:'nine', :'ten', :'eleven') AND n.kind <> 'reminder' AND n.status <> 'void' GROUP BY n.kind ORDER BY n.kind;
-- Who is away is offered to nobody; and the day is empty.
SELECT count(*) AS offers FROM clinic.waitlist_offers;
SELECT * FROM pg_temp.reassign();
SELECT pg_temp.clear() \g /dev/null

-- Without leave, freed time is free time: it is offered to who waits.
SELECT pg_temp.book(:visit, 1, '09:00', :ann) AS nine \gset
SELECT * FROM pg_temp.reassign('skip');
SELECT to_char(o.starts_at AT TIME ZONE 'America/New_York', 'MM-DD HH24:MI') AS offered, o.status FROM clinic.waitlist_offers AS o;
SELECT * FROM pg_temp.reassign('skip');
SELECT clinic.leave_waitlist(w.entry_id) FROM clinic.waitlist_entries AS w \g /dev/null
SELECT pg_temp.clear() \g /dev/null

-- Too many for one: all or none refuses and tells; skip moves as many as can be.
SELECT pg_temp.book(:visit, n, (8 + n) || ':00', :ann), pg_temp.book(:visit, 4 + n, (8 + n) || ':00', :bob) FROM generate_series(1, 3) AS n \g /dev/null
SELECT pg_temp.book(:visit, 4, '12:00', :ann) \g /dev/null
SELECT * FROM pg_temp.reassign();
SELECT * FROM pg_temp.attempt($$SELECT * FROM pg_temp.reassign('all_or_nothing')$$);
SELECT count(*) FROM pg_temp.booked WHERE version > 1;
SELECT * FROM pg_temp.reassign('all_or_nothing', days => 2);
SELECT * FROM pg_temp.booked;
SELECT * FROM clinic.check_integrity();
SELECT pg_temp.clear() \g /dev/null

-- What stays, and why.
SELECT pg_temp.book(:visit, 1, '09:00', :ann) AS done, pg_temp.book(:visit, 2, '10:00', :ann) AS late \gset
SELECT appointment_id AS pinned FROM clinic.book_appointment(:roomed, pg_temp.pat(3), pg_temp.at('12:00'), :ann, resource_ids => ARRAY[:room1]::uuid[]) \gset
SELECT count(*) AS held FROM clinic.hold_slot(:visit, pg_temp.pat(4), pg_temp.at('11:00'), :ann);
SET clinic.clock = '2026-03-10T13:05:00Z';
SELECT * FROM pg_temp.reassign();
SELECT c.status FROM clinic.check_in(:'done') AS c;
SELECT "from", patient, outcome, why FROM pg_temp.reassign() WHERE patient = '1';
SELECT s.status FROM clinic.start_visit(:'done') AS s;
SELECT "from", patient, outcome, why FROM pg_temp.reassign() WHERE patient = '1';
SELECT s.status FROM clinic.complete_visit(:'done') AS s;
SET clinic.clock = '2026-03-10T14:10:00Z';
SELECT * FROM pg_temp.reassign();
SELECT * FROM pg_temp.attempt($$SELECT * FROM pg_temp.reassign('all_or_nothing')$$);
SELECT outcome, count(*) FROM pg_temp.reassign('skip', keep => ARRAY[:'pinned']::uuid[]) GROUP BY outcome;
SET clinic.clock = '2026-03-02T12:00:00Z';
SELECT pg_temp.clear() \g /dev/null

-- Lead time gives way with the permission and a reason, and only then; the reason is kept.
SELECT appointment_id AS soon FROM clinic.book_appointment(:early, pg_temp.pat(5), pg_temp.at('12:00'), :ann) \gset
SET clinic.clock = '2026-03-10T12:00:00Z';
SELECT * FROM pg_temp.reassign() WHERE patient = '5';
SELECT * FROM pg_temp.reassign(reason => 'Ann is ill') WHERE patient = '5';
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_reassign_strict;
SELECT outcome, why FROM clinic.reassign_day(:ann, '2026-03-10', 'propose', 'Ann is ill') WHERE appointment_id = :'soon';
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_reassign;
SELECT * FROM pg_temp.reassign('skip', reason => 'Ann is ill') WHERE patient = '5';
SELECT a.overridden, a.override_reason FROM clinic.appointments AS a WHERE a.appointment_id = :'soon';
SET clinic.clock = '2026-03-02T12:00:00Z';
SELECT pg_temp.clear() \g /dev/null

-- Sessions and their seats stay; a group without a session goes seat by seat; who only takes part is replaced.
SELECT session_id AS class FROM clinic.create_session(:yoga, :ann, pg_temp.at('09:00', '2026-03-12')) \gset
SELECT count(*) AS seats FROM clinic.book_seat(:'class', pg_temp.pat(1));
SELECT appointment_id AS party FROM clinic.book_appointment(:yoga, pg_temp.pat(2), pg_temp.at('10:00', '2026-03-12'), :ann, seats => 3) \gset
SELECT pg_temp.book(:yoga, 3, '10:00', :ann, '2026-03-12') AS one \gset
SELECT pg_temp.book(:yoga, 4, '10:00', :bob, '2026-03-12') AS other \gset
SELECT appointment_id AS operation FROM clinic.book_appointment(:surgery, pg_temp.pat(5), pg_temp.at('12:00', '2026-03-12'), :cid) \gset
SELECT ARRAY(SELECT right(r::text, 2) FROM unnest(a.resource_ids) AS r ORDER BY 1) AS with FROM clinic.appointments AS a WHERE a.appointment_id = :'operation';
SELECT to_char(local_from_starts_at, 'HH24:MI') AS "from", kind, right(patient_id::text, 1) AS patient, outcome, why, right(to_provider_id::text, 2) AS who,
       to_char(local_to_starts_at, 'HH24:MI') AS "to", ARRAY(SELECT right(i::text, 2) FROM unnest(to_resource_ids) AS i) AS "with", disturbance, optimal
FROM clinic.reassign_day(:ann, '2026-03-12', 'skip');
SELECT ARRAY(SELECT right(r::text, 2) FROM unnest(a.resource_ids) AS r ORDER BY 1) AS with FROM clinic.appointments AS a WHERE a.appointment_id = :'operation';
SELECT * FROM clinic.check_integrity();

-- The steps of a visit keep their time and place.
SELECT b.visit_id IS NOT NULL AS booked, b.step FROM clinic.book_visit(jsonb_build_array(
    jsonb_build_object('service_id', :visit, 'starts_at', pg_temp.at('10:00', '2026-03-16'), 'provider_id', :ann, 'location_id', :ny),
    jsonb_build_object('service_id', :early, 'starts_at', pg_temp.at('11:00', '2026-03-16'), 'provider_id', :ann, 'location_id', :ny, 'max_gap_minutes', 0)), pg_temp.pat(1)) AS b;
SELECT pg_temp.book(:visit, 2, '11:00', :bob, '2026-03-16') \g /dev/null
SELECT * FROM pg_temp.reassign('skip', day => '2026-03-16');

-- Limits: of a day at each provider they are part of the plan; of hours they are seen when a place is tried, and the next best is taken.
SELECT clinic.create_service('One a day', 60, max_per_day => 1, service_id => :daily), clinic.offer_service(:daily, :bob), clinic.offer_service(:daily, :cid) \g /dev/null
SELECT pg_temp.book(:daily, 1, '09:00', :bob, '2026-03-19'), pg_temp.book(:daily, 2, '11:00', :cid, '2026-03-19') \g /dev/null
SELECT outcome, why, disturbance, optimal FROM clinic.reassign_day(:bob, '2026-03-19');
SELECT clinic.cancel_appointment(a.appointment_id) FROM clinic.appointments AS a WHERE a.service_id = :daily AND a.provider_id = :cid \g /dev/null
SELECT outcome, why, right(to_provider_id::text, 2) AS who, disturbance, optimal FROM clinic.reassign_day(:bob, '2026-03-19');
SELECT clinic.create_provider('Dan', 'America/New_York', provider_id => :dan), clinic.offer_service(:visit, :dan),
       clinic.add_hours(:dan, :ny, 'FREQ=DAILY', '09:00', '13:00', valid_from => '2026-03-21', valid_until => '2026-03-21', max_appointments => 1) \g /dev/null
SELECT clinic.add_leave(:bob, '2026-03-21', '2026-03-21'), pg_temp.book(:visit, 1, '09:00', :ann, '2026-03-21'), pg_temp.book(:visit, 2, '11:00', :ann, '2026-03-21') \g /dev/null
SELECT * FROM pg_temp.reassign('skip', day => '2026-03-21');

-- Hours over what is booked: moved where the new hours have room, once; the rest is flagged. Promises stay.
SELECT pg_temp.book(:visit, 1, '09:00', :ann, '2026-03-17') AS nine, pg_temp.book(:visit, 2, '11:00', :ann, '2026-03-17') AS eleven,
       pg_temp.book(:visit, 3, '09:00', :bob, '2026-03-17') AS b9, pg_temp.book(:visit, 6, '10:00', :bob, '2026-03-17') AS b10,
       pg_temp.book(:visit, 7, '12:00', :bob, '2026-03-17') AS b12 \gset
SELECT count(*) AS held FROM clinic.hold_slot(:visit, pg_temp.pat(4), pg_temp.at('10:00', '2026-03-17'), :ann);
SELECT w.entry_id AS entry FROM clinic.join_waitlist(:visit, pg_temp.pat(8), until_on => '2026-03-31') AS w \gset
SELECT count(*) AS offered FROM clinic.offer_slot(:'entry', pg_temp.at('12:00', '2026-03-17'), :ann);
SELECT s.session_id AS class FROM clinic.create_session(:yoga, :ann, pg_temp.at('09:00', '2026-03-18')) AS s \gset
SELECT count(*) AS seats FROM clinic.book_seat(:'class', pg_temp.pat(5));
\set leave '\'{"kind": "add_leave", "resource_id": "5c0000ea-0020-7000-8000-0000000000a1", "from_on": "2026-03-17", "until_on": "2026-03-18"}\''
SELECT kept, cancelled, moved, replayed FROM clinic.apply_schedule_change(:leave, 'reassign', idempotency_key => 'leave-1');
SELECT kept, cancelled, moved, replayed,
       (SELECT array_agg(concat_ws(' ', a ->> 'kind', right(a ->> 'patient_id', 1), a ->> 'outcome', a ->> 'reason', right(a ->> 'to_provider_id', 2), a ->> 'disturbance', a ->> 'optimal'))
        FROM jsonb_array_elements(affected) AS a) AS affected
FROM clinic.apply_schedule_change(:leave, 'reassign', idempotency_key => 'leave-1');
SELECT * FROM pg_temp.booked WHERE "start" > '03-17';
SELECT o.status, count(*) FROM clinic.waitlist_offers AS o WHERE o.starts_at > '2026-03-17' GROUP BY o.status;
SELECT clinic.leave_waitlist(:'entry') \g /dev/null
-- What stayed can go when there is room; a hold can be confirmed all the same.
SELECT status FROM clinic.cancel_appointment(:'b9');
SELECT * FROM pg_temp.reassign('skip', day => '2026-03-17');
SELECT clinic.remove_block(b.block_id) FROM clinic.blocks AS b \g /dev/null
SELECT count(*) FROM pg_temp.booked WHERE out_of_hours;
SELECT * FROM pg_temp.reassign(day => '2026-03-18');
-- A room that closes: the same time in another one disturbs nobody.
SELECT clinic.offer_service(:roomed, :cid) \g /dev/null
SELECT a.resource_ids[1] = :room1 AS in_room1 FROM clinic.book_appointment(:roomed, pg_temp.pat(9), pg_temp.at('10:00', '2026-03-13'), :cid) AS a;
SELECT moved, (SELECT array_agg(concat_ws(' ', a ->> 'outcome', right(a ->> 'to_provider_id', 2), a -> 'to_resource_ids' ->> 0 = :room2, a ->> 'disturbance')) FROM jsonb_array_elements(affected) AS a) AS affected
FROM clinic.apply_schedule_change(jsonb_build_object('kind', 'add_leave', 'resource_id', :room1, 'from_on', '2026-03-13', 'until_on', '2026-03-13'), 'reassign');
SELECT * FROM clinic.check_integrity();

-- What is refused.
SELECT a.* FROM (VALUES
    ($$SELECT * FROM pg_temp.reassign('now')$$),
    ($$SELECT * FROM pg_temp.reassign(NULL)$$),
    ($$SELECT * FROM pg_temp.reassign(days => 31)$$),
    ($$SELECT * FROM pg_temp.reassign(days => NULL)$$),
    ($$SELECT * FROM pg_temp.reassign(same_time => NULL)$$),
    ($$SELECT * FROM clinic.reassign_day(NULL, '2026-03-10')$$),
    ($$SELECT * FROM clinic.reassign_day('5c0000ea-0020-7000-8000-0000000000ff', '2026-03-10')$$),
    ($$SELECT * FROM clinic.reassign_day('5c0000ea-0020-7000-8000-0000000000a1', 'infinity')$$),
    ($$SELECT * FROM clinic.reassign_day('5c0000ea-0020-7000-8000-0000000000a1', NULL)$$),
    ($$SELECT * FROM clinic.apply_schedule_change('{"kind": "add_leave", "resource_id": "5c0000ea-0020-7000-8000-0000000000a1", "from_on": "2026-03-20", "until_on": "2026-03-20"}', 'reassign', days => -1)$$)) AS c (command)
CROSS JOIN LATERAL pg_temp.attempt(c.command) AS a;
SELECT pg_temp.book(:visit, 1, '09:00', :ann, '2026-03-20') \g /dev/null
BEGIN READ ONLY;
SELECT * FROM clinic.reassign_day(:ann, '2026-03-20');
ROLLBACK;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_reassign_desk;
SELECT * FROM clinic.reassign_day(:ann, '2026-03-10');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_reassign_planner;
SELECT * FROM clinic.reassign_day(:ann, '2026-03-10');
SELECT * FROM clinic.apply_schedule_change('{"kind": "add_leave", "resource_id": "5c0000ea-0020-7000-8000-0000000000a1", "from_on": "2026-03-20", "until_on": "2026-03-20"}', 'reassign');
RESET SESSION AUTHORIZATION;
-- Of another branch one learns that there is something, and moves nothing.
SET SESSION AUTHORIZATION regress_reassign_uptown;
SELECT kind, appointment_id, status, patient_id, outcome, why, from_starts_at FROM clinic.reassign_day(:ann, '2026-03-20', 'skip');
SELECT a.message FROM pg_temp.attempt($$SELECT * FROM clinic.reassign_day('5c0000ea-0020-7000-8000-0000000000a1', '2026-03-20', 'all_or_nothing')$$) AS a;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_reassign;

-- The oracle: small days at random, every way tried by plain SQL over the free slots. Long and short visits, a fine grid, so that places
-- overlap in part.
SELECT pg_temp.clear() \g /dev/null
SELECT clinic.create_service('Short', 30, 30, 15, service_id => '5c0000ea-0040-7000-8000-000000000011'),
       clinic.create_service('Long', 45, 45, 15, service_id => '5c0000ea-0040-7000-8000-000000000012') \g /dev/null
SELECT clinic.offer_service(s, p) FROM unnest('{5c0000ea-0040-7000-8000-000000000011,5c0000ea-0040-7000-8000-000000000012}'::uuid[]) AS s,
                                       unnest(ARRAY[:ann, :bob, :cid]::uuid[]) AS p \g /dev/null
CREATE FUNCTION pg_temp.best(on_date date) RETURNS TABLE (placed integer, cost integer) LANGUAGE sql AS $$
    WITH RECURSIVE visits AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY a.appointment_id) AS n, a.appointment_id, a.service_id, a.starts_at
        FROM clinic.appointments AS a
        WHERE a.provider_id = '5c0000ea-0020-7000-8000-0000000000a1' AND a.status = 'booked' AND a.local_starts_at::date = on_date
    ), places AS MATERIALIZED (
        SELECT v.n, s.provider_id, tstzrange(s.starts_at, s.ends_at) AS during,
               (abs(extract(epoch FROM s.starts_at - v.starts_at)) / 60 + 10)::integer AS cost
        FROM visits AS v
        CROSS JOIN LATERAL clinic.available_slots(v.service_id, pg_temp.at('00:00', on_date), pg_temp.at('00:00', on_date + 1)) AS s
        WHERE s.provider_id <> '5c0000ea-0020-7000-8000-0000000000a1'
    ), ways (n, placed, cost, taken) AS (
        SELECT 0::bigint, 0, 0, '{}'::jsonb[]
        UNION ALL
        SELECT w.n + 1, w.placed + (p.n IS NOT NULL)::integer, w.cost + coalesce(p.cost, 0),
               CASE WHEN p.n IS NULL THEN w.taken ELSE w.taken || jsonb_build_object('who', p.provider_id, 'during', p.during) END
        FROM ways AS w
        JOIN visits AS v ON v.n = w.n + 1
        CROSS JOIN LATERAL (
            SELECT q.n, q.provider_id, q.during, q.cost FROM places AS q
            WHERE q.n = v.n AND NOT EXISTS (SELECT FROM unnest(w.taken) AS t
                                            WHERE (t ->> 'who')::uuid = q.provider_id AND (t ->> 'during')::tstzrange && q.during)
            UNION ALL
            SELECT NULL, NULL, NULL, NULL) AS p
    )
    SELECT w.placed, w.cost FROM ways AS w WHERE w.n = (SELECT count(*) FROM visits) ORDER BY w.placed DESC, w.cost LIMIT 1
$$;
CREATE TABLE pg_temp.cases (n integer, visits integer, placed integer, cost integer, best_placed integer, best_cost integer, proven boolean, moved integer);
DO $$
DECLARE
    ann constant uuid := '5c0000ea-0020-7000-8000-0000000000a1';
    day date;
    pick record;
BEGIN
    PERFORM setseed(0.25);
    FOR n IN 1 .. 25 LOOP
        day := '2026-04-01'::date + n;
        -- The others are free for a part of the day only.
        FOR pick IN SELECT p FROM unnest('{5c0000ea-0020-7000-8000-0000000000b2,5c0000ea-0020-7000-8000-0000000000c3}'::uuid[]) AS p LOOP
            PERFORM clinic.add_block(pg_temp.at('09:00', day) + make_interval(mins => 15 * (4 + floor(random() * 6))::integer), pg_temp.at('13:00', day), pick.p);
        END LOOP;
        FOR i IN 1 .. 4 LOOP
            SELECT s.starts_at, v.id INTO pick
            FROM (SELECT ('5c0000ea-0040-7000-8000-00000000001' || 1 + (random() < 0.5)::integer)::uuid AS id) AS v
            CROSS JOIN LATERAL clinic.available_slots(v.id, pg_temp.at('00:00', day), pg_temp.at('00:00', day + 1), ann) AS s
            ORDER BY random() LIMIT 1;
            IF FOUND THEN
                PERFORM clinic.book_appointment(pick.id, pg_temp.pat(i), pick.starts_at, ann);
            END IF;
        END LOOP;
        INSERT INTO pg_temp.cases
        SELECT n, count(*), count(*) FILTER (WHERE r.outcome = 'proposed'), coalesce(sum(r.disturbance), 0), min(b.placed), min(b.cost), bool_and(r.optimal)
        FROM clinic.reassign_day(ann, day) AS r, pg_temp.best(day) AS b;
        UPDATE pg_temp.cases AS c
        SET moved = (SELECT count(*) FROM clinic.reassign_day(ann, day, 'skip') AS r WHERE r.outcome = 'moved')
        WHERE c.n = (SELECT max(d.n) FROM pg_temp.cases AS d);
    END LOOP;
END $$;
SELECT count(*) AS cases, count(*) FILTER (WHERE visits > 2) AS of_some_size, count(*) FILTER (WHERE placed < visits) AS with_some_left,
       count(*) FILTER (WHERE placed <> best_placed OR cost <> best_cost) AS not_the_best, count(*) FILTER (WHERE NOT proven) AS not_proven,
       count(*) FILTER (WHERE moved <> placed) AS not_as_proposed
FROM pg_temp.cases;
SELECT * FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_reassign;
DROP ROLE regress_reassign, regress_reassign_desk, regress_reassign_planner, regress_reassign_strict, regress_reassign_uptown;
