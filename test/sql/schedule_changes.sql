-- Changing hours over what is booked: what a change would affect, the flag, cancelling, what it gives and takes; the diary as known then.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_changes LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_changes_desk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_changes_planner LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_changes;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c0000c1-0010-7000-8000-000000000001\''
\set ann '\'5c0000c1-0020-7000-8000-0000000000a1\''
\set bob '\'5c0000c1-0020-7000-8000-0000000000b2\''
\set visit '\'5c0000c1-0040-7000-8000-000000000001\''
\set pat1 '\'5c0000c1-0090-7000-8000-000000000001\''
\set pat2 '\'5c0000c1-0090-7000-8000-000000000002\''
\set rule '\'5c0000c1-0070-7000-8000-000000000001\''
\set block '\'5c0000c1-00a0-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-changes', name => 'Test', tenant_id => '5c0000c1-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_changes', 'admin', '{*}'),
       clinic.map_login('regress_changes_desk', 'staff', '{appointments:read,appointments:write,patients:read}'),
       clinic.map_login('regress_changes_planner', 'staff', '{schedules:write}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 60, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(:ann, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01', rule_id => :rule),
       clinic.add_hours(:bob, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_changes;

CREATE FUNCTION pg_temp.attempt(command text) RETURNS TABLE (state text, message text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'done'; RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
    message := regexp_replace(message, '[0-9a-f]{8}-[0-9a-f-]{27}', '(id)', 'g');
    RETURN NEXT;
END $$;
CREATE FUNCTION pg_temp.preview(change jsonb) RETURNS TABLE (kind text, status text, "start" text, reasons text[], newly boolean) LANGUAGE sql AS $$
    SELECT p.kind, p.status, to_char(p.local_starts_at, 'MM-DD HH24:MI'), p.reasons, p.newly FROM clinic.preview_schedule_change(change) AS p
$$;
CREATE FUNCTION pg_temp.leave(first_on date, last_on date DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('kind', 'add_leave', 'resource_id', '5c0000c1-0020-7000-8000-0000000000a1', 'from_on', first_on,
                              'until_on', coalesce(last_on, first_on))
$$;
CREATE VIEW pg_temp.booked AS
    SELECT to_char(a.starts_at AT TIME ZONE 'America/New_York', 'MM-DD HH24:MI') AS "start", right(a.provider_id::text, 2) AS who, a.status, a.version,
           a.out_of_hours, (SELECT count(*) FROM clinic.events AS e WHERE e.subject_id = a.appointment_id) AS events
    FROM clinic.appointments AS a ORDER BY a.starts_at, a.provider_id;

SELECT appointment_id AS nine FROM clinic.book_appointment(:visit, :pat1, '2026-03-10 09:00-04', :ann) \gset
SELECT appointment_id AS eleven FROM clinic.book_appointment(:visit, :pat2, '2026-03-10 11:00-04', :ann) \gset
SELECT appointment_id AS next FROM clinic.book_appointment(:visit, :pat1, '2026-03-11 09:00-04', :ann) \gset
SELECT appointment_id AS bobs FROM clinic.book_appointment(:visit, :pat2, '2026-03-10 09:00-04', :bob) \gset
SELECT hold_token AS token FROM clinic.hold_slot(:visit, :pat2, '2026-03-10 10:00-04', :ann) \gset

-- A preview lists who does not lie within any more, and writes nothing.
SELECT * FROM pg_temp.preview(pg_temp.leave('2026-03-10'));
SELECT * FROM pg_temp.preview(jsonb_build_object('kind', 'change_hours', 'rule_id', :rule, 'from_on', '2026-03-10', 'start_time', '09:30'));
SELECT * FROM pg_temp.preview(jsonb_build_object('kind', 'close_date', 'resource_id', :ann, 'on_date', '2026-03-11'));
SELECT * FROM pg_temp.preview(jsonb_build_object('kind', 'open_date', 'resource_id', :ann, 'location_id', :ny, 'on_date', '2026-03-10',
                                                 'start_time', '13:00', 'end_time', '15:00'));
SELECT * FROM pg_temp.preview(jsonb_build_object('kind', 'add_holiday', 'location_id', :ny, 'on_date', '2026-03-10', 'name', 'Holiday'));
SELECT * FROM pg_temp.preview(jsonb_build_object('kind', 'add_block', 'resource_id', :ann, 'starts_at', '2026-03-10 11:30-04', 'ends_at', '2026-03-10 13:00-04'));
SELECT * FROM pg_temp.preview(jsonb_build_object('kind', 'remove_hours', 'rule_id', :rule));
SELECT * FROM pg_temp.preview(jsonb_build_object('kind', 'update_provider', 'provider_id', :ann, 'changes', '{"status": "inactive"}'::jsonb)) LIMIT 1;
SELECT * FROM pg_temp.preview('[]'::jsonb || pg_temp.leave('2026-03-10') || jsonb_build_object('kind', 'close_date', 'resource_id', :ann, 'on_date', '2026-03-11'));
SELECT * FROM pg_temp.booked;
SELECT count(*) AS blocks FROM clinic.blocks;

-- What a change would give and take.
SELECT effect, right(provider_id::text, 2) AS who, to_char(local_time, 'HH24:MI') AS time, remaining_before, remaining_after
FROM clinic.simulate(jsonb_build_object('kind', 'add_block', 'resource_id', :bob, 'starts_at', '2026-03-10 10:00-04', 'ends_at', '2026-03-10 11:00-04'),
                     :visit, '2026-03-10 00:00-04', '2026-03-11 00:00-04');
SELECT effect, right(provider_id::text, 2) AS who, to_char(local_time, 'HH24:MI') AS time, remaining_before, remaining_after
FROM clinic.simulate(jsonb_build_object('kind', 'change_hours', 'rule_id', :rule, 'from_on', '2026-03-12', 'start_time', '10:00', 'end_time', '13:00'),
                     :visit, '2026-03-12 00:00-04', '2026-03-13 00:00-04', :ann);
SELECT count(*) FROM clinic.availability_rules WHERE resource_id = :ann;

-- Where the visits of a provider who is away could go together: as many as can be, the nearest; nothing is written.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.moves(ids uuid[], days integer, same_time boolean)
    RETURNS TABLE (was text, who text, "start" text, minutes integer, cost integer, optimal boolean) LANGUAGE sql SECURITY DEFINER AS $$
    SELECT to_char(a.starts_at AT TIME ZONE 'America/New_York', 'MM-DD HH24:MI'), right(m.provider_id::text, 2),
           to_char(m.starts_at AT TIME ZONE 'America/New_York', 'MM-DD HH24:MI'), m.minutes_moved, m.cost, m.optimal
    FROM clinic_private.propose_moves(ids, '{5c0000c1-0020-7000-8000-0000000000a1}', NULL, days, same_time, '{}', '{}', '{}', false) AS m
    JOIN clinic_data.appointments AS a ON a.appointment_id = m.appointment_id
    ORDER BY a.starts_at
$$;
ALTER FUNCTION pg_temp.moves OWNER TO clinic_owner;
GRANT EXECUTE ON FUNCTION pg_temp.moves TO PUBLIC;
SET SESSION AUTHORIZATION regress_changes;
SELECT * FROM pg_temp.moves(ARRAY[:'nine', :'eleven']::uuid[], 0, true);
SELECT * FROM pg_temp.moves(ARRAY[:'nine', :'eleven']::uuid[], 0, false);
SELECT * FROM pg_temp.booked;

-- Keep flags what is affected and nothing else; taking the change back clears the flag.
SELECT change_ids AS ids, kept, cancelled, replayed, (SELECT array_agg(a ->> 'outcome') FROM jsonb_array_elements(affected) AS a) AS outcomes
FROM clinic.apply_schedule_change(pg_temp.leave('2026-03-10') || jsonb_build_object('block_id', :block), idempotency_key => 'leave-1');
SELECT kept, cancelled, replayed FROM clinic.apply_schedule_change(pg_temp.leave('2026-03-10') || jsonb_build_object('block_id', :block), idempotency_key => 'leave-1');
SELECT * FROM pg_temp.attempt($$SELECT * FROM clinic.apply_schedule_change(pg_temp.leave('2026-03-12'), idempotency_key => 'leave-1')$$);
SELECT * FROM pg_temp.booked;
SELECT kept, affected FROM clinic.apply_schedule_change(jsonb_build_object('kind', 'remove_block', 'block_id', :block));
SELECT * FROM pg_temp.booked;

-- Cancel: all but those to be kept; a hold stays with its holder; each patient is told once.
SET clinic.clock = '2026-03-02T12:05:00Z';
SELECT kept, cancelled FROM clinic.apply_schedule_change(pg_temp.leave('2026-03-10', '2026-03-11'), 'cancel', 'Ann is ill', ARRAY[:'next']::uuid[]);
SELECT * FROM pg_temp.booked;
SELECT appointment_id = :'nine' AS first_one, cancel_reason, late_cancellation FROM clinic.appointments WHERE status = 'cancelled' ORDER BY starts_at;
SELECT count(*) FILTER (WHERE n.appointment_id = :'nine') AS nine, count(*) FILTER (WHERE n.appointment_id = :'next') AS next
FROM clinic.notifications AS n WHERE n.kind = 'cancellation';

-- What is refused.
SELECT a.* FROM (VALUES
    ($$SELECT * FROM clinic.apply_schedule_change(pg_temp.leave('2026-03-10'), 'swap')$$),
    ($$SELECT * FROM clinic.apply_schedule_change(pg_temp.leave('2026-03-10'), 'cancel')$$),
    ($$SELECT * FROM clinic.apply_schedule_change(NULL)$$),
    ($$SELECT * FROM clinic.preview_schedule_change('[]')$$),
    ($$SELECT * FROM clinic.preview_schedule_change('"x"')$$),
    ($$SELECT * FROM clinic.preview_schedule_change('{"kind": "drop_table"}')$$),
    ($$SELECT * FROM clinic.preview_schedule_change('{"kind": "add_leave", "who": 1}')$$),
    ($$SELECT * FROM clinic.preview_schedule_change('{"kind": "add_leave"}')$$),
    ($$SELECT * FROM clinic.preview_schedule_change('{"kind": "remove_hours", "rule_id": "no uuid"}')$$),
    ($$SELECT * FROM clinic.preview_schedule_change('{"kind": "remove_block", "block_id": "5c0000c1-00a0-7000-8000-0000000000ff"}')$$),
    ($$SELECT * FROM clinic.diary_as_of(NULL, '2026-03-10', clinic.now())$$),
    ($$SELECT * FROM clinic.diary_as_of('5c0000c1-0020-7000-8000-0000000000ff', '2026-03-10', clinic.now())$$),
    ($$SELECT * FROM clinic.diary_as_of('5c0000c1-0020-7000-8000-0000000000a1', 'infinity', clinic.now())$$),
    ($$SELECT * FROM clinic.diary_as_of('5c0000c1-0020-7000-8000-0000000000a1', '2026-03-10', 'infinity')$$)) AS c (command)
CROSS JOIN LATERAL pg_temp.attempt(c.command) AS a;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_changes_desk;
\set leave '\'{"kind": "add_leave", "resource_id": "5c0000c1-0020-7000-8000-0000000000b2", "from_on": "2026-03-10", "until_on": "2026-03-10"}\''
SELECT * FROM clinic.preview_schedule_change(:leave);
SELECT * FROM clinic.apply_schedule_change(:leave);
SELECT * FROM clinic.simulate(:leave, :visit, '2026-03-10 00:00-04', '2026-03-11 00:00-04');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_changes_planner;
-- Who plans hours sees that something is affected, and not what; and cancels nothing unseen.
SELECT kind, appointment_id, patient_id, service_id, status, starts_at, reasons FROM clinic.preview_schedule_change(:leave);
SELECT * FROM clinic.apply_schedule_change(:leave, 'cancel', 'Bob is ill');
SELECT * FROM clinic.diary_as_of(:bob, '2026-03-10', '2026-03-02 13:00Z');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_changes;

-- The diary as it was known: after a move, a cancellation and hours that were changed.
SET clinic.clock = '2026-03-02T12:10:00Z';
SELECT provider_id = :bob AS bobs FROM clinic.reschedule_appointment(:'bobs', '2026-03-10 10:00-04') \g /dev/null
SET clinic.clock = '2026-03-02T12:20:00Z';
SELECT count(*) FROM (SELECT clinic.change_hours(:rule, '2026-03-10', start_time => '10:00')) AS c;
CREATE FUNCTION pg_temp.known(who uuid, at timestamptz) RETURNS TABLE (kind text, "from" text, "to" text, status text) LANGUAGE sql AS $$
    SELECT d.kind, to_char(d.local_start, 'HH24:MI'), to_char(d.local_end, 'HH24:MI'), d.status FROM clinic.diary_as_of(who, '2026-03-10', at) AS d
$$;
SELECT * FROM pg_temp.known(:ann, '2026-03-02 11:00Z');
SELECT * FROM pg_temp.known(:ann, '2026-03-02 12:00Z');
SELECT * FROM pg_temp.known(:ann, '2026-03-02 12:05Z');
SELECT * FROM pg_temp.known(:ann, '2026-03-02 12:20Z');
SELECT * FROM pg_temp.known(:bob, '2026-03-02 12:05Z');
SELECT * FROM pg_temp.known(:bob, '2026-03-02 12:10Z');
-- A hold that has run out was there until then.
SET clinic.clock = '2026-03-02T14:00:00Z';
SELECT count(*) FROM pg_temp.known(:ann, '2026-03-02 12:04Z') WHERE status = 'held';
SELECT count(*) FROM pg_temp.known(:ann, '2026-03-02 13:59Z') WHERE status = 'held';
-- And not beyond its deadline, whoever cleared it away when.
SELECT appointment_id AS held, expires_at AS deadline FROM clinic.hold_slot(:visit, :pat2, '2026-03-20 09:00-04', :bob) \gset
SET clinic.clock = '2026-03-02T15:00:00Z';
SELECT outcome FROM clinic.run_jobs('{sweep_claims}', '{5c0000c1-0000-7000-8000-000000000001}') WHERE tenant_id IS NOT NULL;
SELECT e.name, e.data FROM clinic.events AS e WHERE e.subject_id = :'held' ORDER BY e.sequence;
SELECT count(*) FILTER (WHERE d.known_at < :'deadline') AS before, count(*) FILTER (WHERE d.known_at >= :'deadline') AS after
FROM (SELECT k.known_at FROM (VALUES (timestamptz '2026-03-02 14:00Z'), (timestamptz :'deadline' - interval '1 microsecond'), (:'deadline'), ('2026-03-02 14:59Z')) AS k (known_at)
      CROSS JOIN LATERAL clinic.diary_as_of(:bob, '2026-03-20', k.known_at) AS b WHERE b.appointment_id = :'held') AS d;
-- A visit of days is seen on its last.
SELECT clinic.create_service('Camp', 7200) AS camp \gset
SELECT clinic.offer_service(:'camp', :bob) \g /dev/null
SELECT b.appointment_id AS long FROM clinic.book_appointment(:'camp', :pat2, '2026-03-21 09:00-04', :bob, :ny, override => true, reason => 'camp') AS b \gset
SELECT k.on_date, b.status FROM unnest(ARRAY[date '2026-03-20', '2026-03-21', '2026-03-25', '2026-03-26', '2026-03-27']) AS k (on_date)
LEFT JOIN LATERAL clinic.diary_as_of(:bob, k.on_date, '2026-03-02 15:00Z') AS b ON b.appointment_id = :'long';

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_changes;
DROP ROLE regress_changes, regress_changes_desk, regress_changes_planner;
