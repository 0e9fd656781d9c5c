-- What several moves in one call free is offered to those who wait once all of them are made; no move loses its place to an offer.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL timezone = 'Europe/Berlin';
SET LOCAL clinic.clock = '2026-03-02 08:00Z';
SELECT no_plan();

CREATE FUNCTION pg_temp.id(kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('00000009-00%s-7000-8000-%s', kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.pat(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.id(60, n) $$;
\ir ../support/calls.sql
-- At the desk.
CREATE FUNCTION pg_temp.say(command text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.answer('moves_desk', command) $$;
-- All appointments that stand, and all offers: which patient, when.
CREATE FUNCTION pg_temp.diary() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(right(a.patient_id::text, 1) || ' ' || to_char(a.local_starts_at, 'DD HH24:MI'), ', ' ORDER BY a.starts_at, a.patient_id)
      FROM clinic_data.appointments a WHERE a.tenant_id = pg_temp.id(10) AND a.status = 'booked'
$$;
CREATE FUNCTION pg_temp.offers() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(right(o.patient_id::text, 1) || ' ' || to_char(o.starts_at, 'DD HH24:MI'), ', ' ORDER BY o.starts_at, o.patient_id), 'none')
      FROM clinic_data.waitlist_offers o WHERE o.tenant_id = pg_temp.id(10) AND o.status = 'open'
$$;
-- Patients 8 and 9 wait for anything.
CREATE FUNCTION pg_temp.begin_again() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM clinic_data.waitlist_offers WHERE tenant_id = pg_temp.id(10);
    DELETE FROM clinic_data.waitlist_slots WHERE tenant_id = pg_temp.id(10);
    DELETE FROM clinic_data.waitlist_entries WHERE tenant_id = pg_temp.id(10);
    DELETE FROM clinic_data.claims WHERE tenant_id = pg_temp.id(10) AND kind = 'offer';
    UPDATE clinic_data.series SET status = 'cancelled' WHERE tenant_id = pg_temp.id(10);
    UPDATE clinic_data.appointments SET status = 'cancelled', cancelled_at = clinic.now() WHERE tenant_id = pg_temp.id(10);
    DELETE FROM clinic_data.claims WHERE tenant_id = pg_temp.id(10);
END
$$;
CREATE FUNCTION pg_temp.they_wait() RETURNS void LANGUAGE sql AS $$
    SELECT pg_temp.say(format('SELECT status FROM clinic.join_waitlist(%L, %L, until_on => ''2026-03-31'')', pg_temp.id(50), pg_temp.pat(n))) FROM generate_series(8, 9) n
$$;
CREATE FUNCTION pg_temp.visit(who integer, t text, service integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.say(format('SELECT appointment_id FROM clinic.book_appointment(%L, %L, %L, %L)', pg_temp.id(50, service), pg_temp.pat(who), t, pg_temp.id(30)))
$$;

SELECT clinic.create_tenant('moves', 'Moves', tenant_id => pg_temp.id(10)) \g /dev/null
SELECT clinic.create_location('East', 'Europe/Berlin', location_id => pg_temp.id(20)), clinic.create_provider('Ann', 'Europe/Berlin', provider_id => pg_temp.id(30)),
       clinic.create_service('Visit', 30, service_id => pg_temp.id(50)), clinic.create_service('Long', 60, service_id => pg_temp.id(50, 2)) \g /dev/null
SELECT clinic.create_patient('Patient ' || n, patient_id => pg_temp.pat(n)), clinic.offer_service(pg_temp.id(50, n), pg_temp.id(30)) FROM generate_series(1, 2) AS n \g /dev/null
SELECT clinic.create_patient('Patient ' || n, patient_id => pg_temp.pat(n)) FROM generate_series(3, 9) AS n \g /dev/null
SELECT clinic.add_hours(pg_temp.id(30), pg_temp.id(20), 'FREQ=DAILY', '09:00', '12:00', '2026-03-01') \g /dev/null
DO $$
BEGIN
    CREATE ROLE moves_desk LOGIN IN ROLE clinic_user;
    PERFORM clinic.map_login('moves_desk', 'staff', '{appointments:read,appointments:write,patients:read}');
    PERFORM clinic_private.restore_context('');
END
$$;

-- A series that moves by a day, onto its own dates: all of them move, and what is left is offered.
SELECT pg_temp.say(format('SELECT series_id FROM clinic.book_series(%L, %L, ''FREQ=DAILY;COUNT=3'', ''2026-03-10 09:00'', provider_id => %L, location_id => %L) LIMIT 1',
                   pg_temp.id(50), pg_temp.pat(1), pg_temp.id(30), pg_temp.id(20))) AS series \gset
SELECT pg_temp.they_wait() \g /dev/null
SELECT is(pg_temp.say(format('SELECT string_agg(outcome, '','') FROM clinic.edit_series(%L, ''all'', local_starts_at => ''2026-03-11 09:00'')', :'series')), 'moved,moved,moved', 'every date moves');
SELECT is(pg_temp.diary(), '1 11 09:00, 1 12 09:00, 1 13 09:00', 'to where another was') UNION ALL SELECT is(pg_temp.offers(), '8 10 09:00', 'what none of them needs is offered');
SELECT pg_temp.begin_again() \g /dev/null
SELECT pg_temp.say(format('SELECT series_id FROM clinic.book_series(%L, %L, ''FREQ=DAILY;COUNT=3'', ''2026-03-10 09:00'', provider_id => %L, location_id => %L) LIMIT 1',
                   pg_temp.id(50), pg_temp.pat(1), pg_temp.id(30), pg_temp.id(20))) AS series \gset
SELECT pg_temp.visit(2, '2026-03-13 09:00') AS other \gset
SELECT pg_temp.they_wait() \g /dev/null
SELECT is(pg_temp.say(format('SELECT string_agg(outcome, '','' ORDER BY local_original_start) FROM clinic.edit_series(%L, ''all'', local_starts_at => ''2026-03-11 09:00'', mode => ''skip'')', :'series')), 'slot_taken', 'nothing can move')
UNION ALL SELECT is(pg_temp.offers(), 'none', 'and nothing is offered that was not freed');
SELECT is(pg_temp.say(format('SELECT string_agg(outcome, '','' ORDER BY local_original_start) FROM clinic.edit_series(%L, ''all'', rule => ''FREQ=DAILY;COUNT=2'', local_original_start => ''2026-03-10 09:00'', local_starts_at => ''2026-03-11 09:00'')', :'series')),
          'cancelled,unchanged,unchanged', 'another rule');
SELECT is(pg_temp.diary(), '1 11 09:00, 1 12 09:00, 2 13 09:00', 'leaves the other dates') UNION ALL SELECT is(pg_temp.offers(), '8 10 09:00', 'and offers the first');

-- A batch of moves: the second goes where the first was.
SELECT pg_temp.begin_again() \g /dev/null
SELECT pg_temp.visit(1, '2026-03-10 09:30') AS first, pg_temp.visit(2, '2026-03-10 10:00') AS second \gset
SELECT pg_temp.they_wait() \g /dev/null
SELECT is(pg_temp.say(format('SELECT string_agg(outcome, '','') FROM clinic.reschedule_appointments(%L)', jsonb_build_array(
              jsonb_build_object('appointment_id', :'second', 'starts_at', '2026-03-10 11:00+01'), jsonb_build_object('appointment_id', :'first', 'starts_at', '2026-03-10 10:00+01')))), 'done,done', 'a batch');
SELECT is(pg_temp.diary(), '1 10 10:00, 2 10 11:00', 'moves both') UNION ALL SELECT is(pg_temp.offers(), '8 10 09:30', 'and what is left is offered');

-- Two that change places: what the shorter leaves of the longer one's time.
SELECT pg_temp.begin_again() \g /dev/null
SELECT pg_temp.visit(1, '2026-03-10 09:00') AS short, pg_temp.visit(2, '2026-03-10 11:00', 2) AS long \gset
SELECT pg_temp.visit(3, '2026-03-10 10:00') AS between \gset
SELECT is(pg_temp.say(format('SELECT clinic.cancel_appointment(%L) IS NULL', :'between')), 'false', 'somebody was between');
SELECT pg_temp.they_wait() \g /dev/null
SELECT is(pg_temp.say(format('SELECT count(*) FROM clinic.swap_appointments(%L, %L)', :'short', :'long')), '2', 'they change places');
SELECT is(pg_temp.diary(), '2 10 09:00, 1 10 11:00', 'the long one is early') UNION ALL SELECT is(pg_temp.offers(), '8 10 11:30', 'and the rest of its time is offered');

-- What is undone was not freed; what fails keeps nothing.
SELECT pg_temp.begin_again() \g /dev/null
SELECT pg_temp.visit(1, '2026-03-10 09:00') AS first \gset
SELECT pg_temp.they_wait() \g /dev/null
CREATE FUNCTION pg_temp.kept(what text, id text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told text;
BEGIN
    PERFORM clinic.use_tenant('moves');
    IF what = 'undone' THEN
        PERFORM clinic_private.keep_freed_time();
        BEGIN
            PERFORM clinic.cancel_appointment(id::uuid);
            RAISE EXCEPTION 'no';
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
        told := pg_temp.offers();
        PERFORM clinic_private.tell_kept_time();
    ELSIF what = 'failed' THEN
        BEGIN
            PERFORM clinic_private.keep_freed_time();
            RAISE EXCEPTION 'no';
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
        told := clinic_private.keep_freed_time()::text;
        PERFORM clinic_private.tell_kept_time();
    ELSE
        told := clinic_private.keep_freed_time() || ' ' || clinic_private.keep_freed_time();
        BEGIN
            PERFORM clinic.cancel_appointment(id::uuid);
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
        told := told || ' ' || pg_temp.offers();
        PERFORM clinic_private.tell_kept_time();
    END IF;
    PERFORM clinic_private.restore_context('');
    RETURN told;
END
$$;
SELECT is(pg_temp.kept('undone', :'first'), 'none', 'an undone cancellation') UNION ALL SELECT is(pg_temp.offers(), 'none', 'frees nothing');
SELECT is(pg_temp.kept('failed', :'first'), 'true', 'a call that fails keeps no longer');
SELECT is(pg_temp.kept('kept', :'first'), 'true false none', 'one call keeps at a time') UNION ALL SELECT is(pg_temp.offers(), '8 10 09:00', 'and tells at its end');
SELECT is(pg_temp.say('SELECT string_agg(problem, '','') FROM clinic.check_integrity()'), NULL, 'all is sound');

SELECT * FROM finish();
ROLLBACK;
