-- Sessions, series and queue tickets: each call that changes one writes one event of it, in order, with ids and times only.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL timezone = 'Europe/Berlin';
SET LOCAL clinic.clock = '2026-03-02 08:00Z';
SELECT no_plan();

CREATE FUNCTION pg_temp.id(kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('0000000a-00%s-7000-8000-%s', kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.pat(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.id(60, n) $$;
\ir ../support/calls.sql
-- At the desk.
CREATE FUNCTION pg_temp.say(command text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.answer('told_desk', command) $$;
-- Which events of sessions, series and tickets a command at the desk writes, after what it ends in.
CREATE TABLE pg_temp.seen AS SELECT e.event_id FROM clinic_data.events e WHERE false;
CREATE FUNCTION pg_temp.told(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text := pg_temp.say(command);
    names text;
BEGIN
    SELECT string_agg(e.name, ' ' ORDER BY e.name) INTO names
      FROM clinic_data.events e
     WHERE e.tenant_id = pg_temp.id(10) AND e.name ~ '^(session|series|ticket)\.' AND e.event_id NOT IN (SELECT s.event_id FROM pg_temp.seen s);
    INSERT INTO pg_temp.seen SELECT e.event_id FROM clinic_data.events e WHERE e.tenant_id = pg_temp.id(10);
    RETURN coalesce(result || ': ', '') || coalesce(names, 'nothing');
END
$$;

SELECT clinic.create_tenant('told', 'Told', tenant_id => pg_temp.id(10)) \g /dev/null
SELECT clinic.create_location('East', 'Europe/Berlin', location_id => pg_temp.id(20)), clinic.create_provider('Ann', 'Europe/Berlin', provider_id => pg_temp.id(30)),
       clinic.create_service('Visit', 30, horizon_days => 30, service_id => pg_temp.id(50)), clinic.create_service('Class', 60, capacity => 4, service_id => pg_temp.id(50, 2)),
       clinic.create_resource('Room', 'room', 'room', pg_temp.id(20), resource_id => pg_temp.id(40)) \g /dev/null
SELECT clinic.create_patient('Patient ' || n, patient_id => pg_temp.pat(n)), clinic.offer_service(pg_temp.id(50, n), pg_temp.id(30)) FROM generate_series(1, 2) AS n \g /dev/null
SELECT clinic.add_hours(pg_temp.id(30), pg_temp.id(20), 'FREQ=DAILY', '09:00', '17:00', '2026-03-01') \g /dev/null
DO $$
BEGIN
    CREATE ROLE told_desk LOGIN IN ROLE clinic_user;
    PERFORM clinic.map_login('told_desk', 'admin', '{*}');
    PERFORM clinic_private.restore_context('');
END
$$;
CREATE FUNCTION pg_temp.call(pattern text, VARIADIC ids text[]) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.told(format(pattern, VARIADIC ids)) $$;

-- Sessions.
SELECT is(pg_temp.call('SELECT version FROM clinic.create_session(%L, %L, ''2026-03-10 10:00'', session_id => %L, idempotency_key => ''k'')', pg_temp.id(50, 2)::text, pg_temp.id(30)::text, pg_temp.id(70)::text), '1: session.created', 'planned');
SELECT is(pg_temp.call('SELECT version FROM clinic.create_session(%L, %L, ''2026-03-10 10:00'', session_id => %L, idempotency_key => ''k'')', pg_temp.id(50, 2)::text, pg_temp.id(30)::text, pg_temp.id(70)::text), '1: nothing', 'the same call again');
SELECT is(pg_temp.call('SELECT status FROM clinic.book_seat(%L, %L)', pg_temp.id(70)::text, pg_temp.pat(1)::text), 'booked: nothing', 'a seat is its appointment''s event');
SELECT is(pg_temp.call('SELECT version FROM clinic.move_session(%L, ''2026-03-11 10:00'')', pg_temp.id(70)::text), '2: session.rescheduled', 'moved');
SELECT is(pg_temp.call('SELECT version FROM clinic.set_session_capacity(%L, 3)', pg_temp.id(70)::text), '3: session.updated', 'resized');
SELECT is(pg_temp.call('SELECT version FROM clinic.set_session_capacity(%L, 3)', pg_temp.id(70)::text), '4: session.updated', 'a new version is told, even if it says the same');
SELECT is(pg_temp.call('SELECT version FROM clinic.set_session_capacity(%L, 9, version => 1)', pg_temp.id(70)::text), 'stale_version: nothing', 'refused');
SELECT is(pg_temp.call('SELECT status FROM clinic.cancel_session(%L)', pg_temp.id(70)::text), 'cancelled: session.cancelled', 'cancelled');
SELECT results_eq($$ SELECT e.name, e.sequence, (e.data ->> 'starts_at')::timestamptz FROM clinic_data.events e WHERE e.subject_id = pg_temp.id(70) ORDER BY e.sequence $$,
    $$ VALUES ('session.created', 1, timestamptz '2026-03-10 10:00'), ('session.rescheduled', 2, '2026-03-11 10:00'), ('session.updated', 3, '2026-03-11 10:00'), ('session.updated', 4, '2026-03-11 10:00'), ('session.cancelled', 5, '2026-03-11 10:00') $$, 'in order');

-- Series.
SELECT is(pg_temp.call('SELECT count(*) FROM clinic.book_series(%L, %L, ''FREQ=DAILY'', ''2026-03-10 09:00'', provider_id => %L, location_id => %L)', pg_temp.id(50)::text, pg_temp.pat(1)::text, pg_temp.id(30)::text, pg_temp.id(20)::text),
          '23: series.created', 'a series without end');
SELECT s.series_id AS first FROM clinic_data.series s WHERE s.tenant_id = pg_temp.id(10) \gset
SELECT is(pg_temp.call('SELECT count(*) FROM clinic.edit_series(%L, ''this'', local_original_start => ''2026-03-10 09:00'', local_starts_at => ''2026-03-10 10:00'')', :'first'), '1: nothing', 'one date is its appointment''s event');
SELECT is(pg_temp.call('SELECT count(*) > 1 FROM clinic.edit_series(%L, ''all'', local_starts_at => ''2026-03-11 11:00'', local_original_start => ''2026-03-11 09:00'')', :'first'), 'true: series.updated', 'all are moved');
SELECT is(pg_temp.call('SELECT count(*) > 1 FROM clinic.edit_series(%L, ''following'', local_starts_at => ''2026-03-20 12:00'', local_original_start => ''2026-03-20 09:00'')', :'first'), 'true: series.created series.ended', 'it goes on in another way');
SELECT s.series_id AS second FROM clinic_data.series s WHERE s.tenant_id = pg_temp.id(10) AND s.previous_series_id IS NOT NULL \gset
-- The job runs as the system, for every tenant.
SELECT pg_temp.at('2026-03-05 08:00Z') \g /dev/null
SELECT is((SELECT j.rows::text FROM (SELECT row_count AS rows FROM clinic.run_jobs('{extend_series}') AS r WHERE r.tenant_id = pg_temp.id(10)) AS j), '3', 'three days later the job goes on for three days');
SELECT is(pg_temp.told('SELECT 1'), '1: series.extended', 'which is an event') UNION ALL SELECT is((SELECT e.actor_id FROM clinic_data.events e WHERE e.name = 'series.extended' AND e.tenant_id = pg_temp.id(10)), NULL, 'of the system');
SELECT is((SELECT max(a.local_starts_at) FROM clinic_data.appointments a WHERE a.tenant_id = pg_temp.id(10) AND a.status = 'booked'), '2026-04-04 12:00'::timestamp, 'what it books is booked as the series means it now');
SELECT is((SELECT count(*) FROM clinic_data.series_appointments e JOIN clinic_data.appointments a USING (tenant_id, appointment_id) WHERE e.series_id = :'second' AND e.local_original_start >= '2026-04-02' AND a.created_by IS NULL AND a.patient_id = pg_temp.pat(1)), 3::bigint,
          'for the patient, by nobody in particular');
SELECT is((SELECT row_count::text FROM clinic.run_jobs('{extend_series}') AS r WHERE r.tenant_id = pg_temp.id(10)), '0', 'again it has nothing to do') UNION ALL SELECT is(pg_temp.told('SELECT 1'), '1: nothing', 'and tells nothing');
SELECT is(pg_temp.call('SELECT count(*) > 1 FROM clinic.cancel_series(%L, ''following'', local_original_start => ''2026-03-25 09:00'')', :'second'), 'true: series.ended', 'its later part is cancelled');
SELECT is(pg_temp.call('SELECT count(*) > 1 FROM clinic.cancel_series(%L, ''all'')', :'second'), 'true: series.cancelled', 'all of it is');
SELECT is((SELECT string_agg(e.name || ' ' || e.sequence, ', ' ORDER BY e.sequence) FROM clinic_data.events e WHERE e.subject_id = :'second'), 'series.created 1, series.extended 2, series.ended 3, series.cancelled 4', 'in order');
SELECT is((SELECT DISTINCT e.patient_id FROM clinic_data.events e WHERE e.subject_id = :'second'), pg_temp.pat(1), 'the patient''s');

-- Tickets.
SELECT is(pg_temp.call('SELECT ticket FROM clinic.issue_ticket(%L)', pg_temp.id(20)::text), '1: ticket.issued', 'a ticket');
SELECT t.ticket_id AS ticket FROM clinic_data.tickets t WHERE t.tenant_id = pg_temp.id(10) \gset
SELECT is(pg_temp.call('SELECT ticket FROM clinic.call_next(%L)', pg_temp.id(20)::text), '1: ticket.called', 'called');
SELECT is(pg_temp.call('SELECT state FROM clinic.change_ticket(%L, ''call'')', :'ticket'), 'called: ticket.called', 'once more');
SELECT is(pg_temp.call('SELECT state FROM clinic.change_ticket(%L, ''return'')', :'ticket'), 'waiting: ticket.returned', 'sent back');
SELECT is(pg_temp.call('SELECT state FROM clinic.change_ticket(%L, ''serve'')', :'ticket'), 'serving: ticket.served', 'served');
SELECT is(pg_temp.call('SELECT state FROM clinic.change_ticket(%L, ''return'')', :'ticket'), 'bad_transition: nothing', 'refused');
SELECT is(pg_temp.call('SELECT state FROM clinic.change_ticket(%L, ''finish'')', :'ticket'), 'done: ticket.done', 'done');
SELECT is((SELECT string_agg(e.name || ' ' || e.sequence, ', ' ORDER BY e.sequence) FROM clinic_data.events e WHERE e.subject_id = :'ticket'),
          'ticket.issued 1, ticket.called 2, ticket.called 3, ticket.returned 4, ticket.served 5, ticket.done 6', 'in order');
SELECT pg_temp.say(format('SELECT appointment_id FROM clinic.book_appointment(%L, %L, ''2026-03-05 10:00'', %L)', pg_temp.id(50), pg_temp.pat(2), pg_temp.id(30))) AS visit \gset
SELECT pg_temp.at('2026-03-05 09:00Z') \g /dev/null
SELECT is(pg_temp.call('SELECT status FROM clinic.check_in(%L)', :'visit'), 'arrived: ticket.issued', 'checking in gives one');
SELECT is(pg_temp.call('SELECT status FROM clinic.undo_check_in(%L)', :'visit'), 'booked: ticket.left', 'which goes when that is undone');
SELECT is(pg_temp.call('SELECT status FROM clinic.check_in(%L)', :'visit'), 'arrived: ticket.issued', 'another one');
SELECT t.ticket_id AS ticket FROM clinic_data.tickets t WHERE t.appointment_id = :'visit' AND t.state = 'waiting' \gset
SELECT is(pg_temp.call('SELECT state FROM clinic.change_ticket(%L, ''serve'')', :'ticket'), 'serving: ticket.served', 'with its visit');
SELECT is(pg_temp.call('SELECT status FROM clinic.complete_visit(%L)', :'visit'), 'completed: ticket.done', 'to its end');
SELECT is((SELECT string_agg(e.name, ' ' ORDER BY e.sequence) FROM clinic_data.events e WHERE e.subject_id = :'visit'),
          'appointment.scheduled appointment.checked_in appointment.updated appointment.checked_in appointment.started appointment.completed', 'whose events are its own');

-- All names are known; of one subject each number comes once, from 1, and nothing but ids and times leaves.
SELECT is((SELECT count(*) FROM clinic_data.events e WHERE e.tenant_id = pg_temp.id(10) AND e.name NOT IN (SELECT n.name FROM clinic.event_names() n WHERE n.written)), 0::bigint, 'known names');
SELECT is((SELECT count(*) FROM (SELECT FROM clinic_data.events e WHERE e.tenant_id = pg_temp.id(10) GROUP BY e.subject_id HAVING count(*) <> max(e.sequence) OR min(e.sequence) <> 1 OR count(DISTINCT e.sequence) <> count(*)) AS odd), 0::bigint, 'without gaps');
SELECT is((SELECT count(*) FROM clinic_data.events e WHERE e.tenant_id = pg_temp.id(10) AND e.name ~ '^(session|series|ticket)\.' AND clinic_private.only_ids_and_times(e.data) <> e.data), 0::bigint, 'ids and times');

SELECT * FROM finish();
ROLLBACK;
