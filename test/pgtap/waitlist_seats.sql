-- Seats of sessions for those who wait: to whom freed seats are offered, as whole parties only, and what becomes of them.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL timezone = 'Europe/Berlin';
SET LOCAL clinic.clock = '2026-03-02 08:00Z';
SELECT no_plan();

-- Ids tell what they are: 00000008-00KK-..-NN: kind KK, number NN.
CREATE FUNCTION pg_temp.id(kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('00000008-00%s-7000-8000-%s', kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
\ir ../support/waiting.sql

-- Another tenant, to reach for.
SELECT clinic.create_tenant('seats-hill', 'Hill', tenant_id => pg_temp.id(11)) \g /dev/null
SELECT clinic.create_location('Place', 'Europe/Berlin') AS hill_location, clinic.create_provider('Doctor', 'Europe/Berlin') AS hill_provider,
       clinic.create_service('Class', 60, capacity => 5) AS hill_service \gset
SELECT clinic.offer_service(:'hill_service', :'hill_provider'),
       clinic.add_hours(:'hill_provider', :'hill_location', 'FREQ=DAILY', '09:00', '17:00') \g /dev/null
SELECT session_id AS hill_session FROM clinic.create_session(:'hill_service', :'hill_provider', '2026-03-05 09:00') \gset

SELECT clinic.create_tenant('seats-lake', 'Lake', tenant_id => pg_temp.id(10)) \g /dev/null
SELECT clinic.create_location('East', 'Europe/Berlin', location_id => pg_temp.id(20)),
       clinic.create_provider('Ann', 'Europe/Berlin', provider_id => pg_temp.id(30)), clinic.create_provider('Bob', 'Europe/Berlin', provider_id => pg_temp.id(30, 2)),
       clinic.create_service('Class', 60, capacity => 4, lead_time_minutes => 60, service_id => pg_temp.id(50)),
       clinic.create_service('Visit', 30, service_id => pg_temp.id(50, 2)) \g /dev/null
SELECT clinic.create_patient('Patient ' || n, patient_id => pg_temp.pat(n)) FROM regexp_split_to_table('abcdefghij', '') AS n \g /dev/null
SELECT clinic.offer_service(pg_temp.id(50, s), pg_temp.id(30, p)) FROM generate_series(1, 2) AS s, generate_series(1, 2) AS p \g /dev/null
SELECT clinic.add_hours(pg_temp.id(30, p), pg_temp.id(20), 'FREQ=DAILY', '09:00', '17:00', '2026-03-01') FROM generate_series(1, 2) AS p \g /dev/null
DO $$
DECLARE
    n text;
BEGIN
    CREATE ROLE wl_desk LOGIN IN ROLE clinic_user;
    CREATE ROLE wl_chief LOGIN IN ROLE clinic_user;
    PERFORM clinic.map_login('wl_desk', 'staff', '{appointments:read,appointments:write,patients:read}');
    PERFORM clinic.map_login('wl_chief', 'admin', '{*}');
    FOREACH n IN ARRAY '{a,b,c,d,e,f,g,h,i,j}'::text[] LOOP
        EXECUTE format('CREATE ROLE %I LOGIN IN ROLE clinic_user', 'wl_' || n);
        PERFORM clinic.map_login(('wl_' || n)::name, 'patient', patient_id => pg_temp.pat(n));
    END LOOP;
    PERFORM clinic_private.restore_context('');
END
$$;

-- Standing offers by the clock: who, when, and how many seats are kept for them.
CREATE FUNCTION pg_temp.offers() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(pg_temp.name_of(o.patient_id) || ' ' || to_char(o.starts_at, 'DD HH24:MI') || ' ' || (
               SELECT count(*) FROM clinic_data.session_seats s WHERE s.tenant_id = o.tenant_id AND s.slot_id = o.slot_id AND s.expires_at > clinic.now()),
               ', ' ORDER BY o.patient_id), 'none')
      FROM clinic_data.waitlist_offers o WHERE o.tenant_id = pg_temp.id(10) AND o.status = 'open' AND o.expires_at > clinic.now()
$$;
CREATE FUNCTION pg_temp.session(n integer, t text, seats integer) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.as('chief', format('SELECT capacity FROM clinic.create_session(%L, %L, %L, capacity => %s, session_id => %L)', pg_temp.id(50), pg_temp.id(30), t, seats, pg_temp.id(70, n)))
$$;
CREATE FUNCTION pg_temp.resize(n integer, seats integer) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_temp.as('chief', format('SELECT taken || '' of '' || capacity FROM clinic.set_session_capacity(%L, %s)', pg_temp.id(70, n), seats)) $$;
CREATE FUNCTION pg_temp.seat(who text, n integer, seats integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.as('desk', format('SELECT appointment_id FROM clinic.book_seat(%L, %L, seats => %s)', pg_temp.id(70, n), pg_temp.pat(who), seats))
$$;
CREATE FUNCTION pg_temp.visit(who text, t text, provider integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.as('chief', format('SELECT appointment_id FROM clinic.book_appointment(%L, %L, %L, %L)', pg_temp.id(50, 2), pg_temp.pat(who), t, pg_temp.id(30, provider)))
$$;
CREATE FUNCTION pg_temp.wait(who text, n integer, more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.as('desk', format('SELECT status FROM clinic.join_waitlist(patient_id => %L, session_id => %L%s)', pg_temp.pat(who), pg_temp.id(70, n), more))
$$;
-- For the service instead of a session.
CREATE FUNCTION pg_temp.wait_for(who text, service integer, more text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.as('desk', format('SELECT status FROM clinic.join_waitlist(%L, %L, %s)', pg_temp.id(50, service), pg_temp.pat(who), more))
$$;
CREATE FUNCTION pg_temp.cancel(appointment text) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_temp.as('desk', format('SELECT status FROM clinic.cancel_appointment(%L)', appointment)) $$;
CREATE FUNCTION pg_temp.accept(who text) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_temp.as(who, format('SELECT status || CASE WHEN replayed THEN '' again'' ELSE '''' END FROM clinic.accept_offer(%L)', pg_temp.offer_of(who))) $$;
CREATE FUNCTION pg_temp.would_accept(who text) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_temp.would(who, format('SELECT status FROM clinic.accept_offer(%L)', pg_temp.offer_of(who))) $$;
CREATE FUNCTION pg_temp.decline(who text) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_temp.as(who, format('SELECT status FROM clinic.decline_offer(%L)', pg_temp.offer_of(who))) $$;
CREATE FUNCTION pg_temp.seats(n integer) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_temp.as('desk', format('SELECT taken || '' of '' || capacity || CASE WHEN over_capacity THEN '' over'' ELSE '''' END FROM clinic.group_sessions WHERE session_id = %L', pg_temp.id(70, n))) $$;
CREATE FUNCTION pg_temp.wrong() RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.as('desk', 'SELECT string_agg(problem, '','') FROM clinic.check_integrity()') $$;
CREATE FUNCTION pg_temp.set_tenant(changes text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.as('chief', format('SELECT clinic.update_tenant(%L) > 0', changes)) $$;
-- Everybody goes home, so that each part of the test begins with an empty waitlist.
CREATE FUNCTION pg_temp.clear() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.as('desk', format('SELECT status FROM clinic.leave_waitlist(%L)', w.entry_id))
       FROM clinic_data.waitlist_entries w WHERE w.tenant_id = pg_temp.id(10) AND w.status = 'waiting' ORDER BY w.urgency, w.joined_at DESC, w.entry_id DESC;
    IF EXISTS (SELECT FROM clinic_data.waitlist_entries w WHERE w.tenant_id = pg_temp.id(10) AND w.status = 'waiting') THEN
        RAISE EXCEPTION 'somebody still waits';
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Joining: the session says service, provider, place and date.

SELECT is(pg_temp.session(1, '2026-03-10 10:00', 3), '3', 'a session');
SELECT pg_temp.seat('a', 1) AS seat_a, pg_temp.seat('b', 1, 2) AS seat_b \gset
SELECT is(pg_temp.as('c', format('SELECT status FROM clinic.book_seat(%L, %L)', pg_temp.id(70), pg_temp.pat('c'))), 'full', 'it is full');
SELECT is(pg_temp.as('c', format('SELECT status || position FROM clinic.join_waitlist(patient_id => %L, session_id => %L, party_size => 2)', pg_temp.pat('c'), pg_temp.id(70))),
          'waiting1', 'so a patient waits for seats of it');
SELECT is(pg_temp.as('c', format('SELECT format(''%%s %%s %%s'', service_id = %L, from_on, until_on) FROM clinic.waitlist_entries WHERE session_id = %L', pg_temp.id(50), pg_temp.id(70))),
          't 2026-03-10 2026-03-10', 'on its date');
SELECT is(pg_temp.wait('c', 1), 'duplicate', 'once');
SELECT is(pg_temp.as('c', format('SELECT status FROM clinic.join_waitlist(patient_id => %L, session_id => %L)', pg_temp.pat('d'), pg_temp.id(70))), 'forbidden', 'for nobody else');
SELECT is(pg_temp.wait('d', 9), 'not_found', 'a session that is not there');
SELECT is(pg_temp.as('desk', format('SELECT status FROM clinic.join_waitlist(patient_id => %L, session_id => %L)', pg_temp.pat('d'), :'hill_session')), 'not_found', 'is like another tenant''s');
SELECT matches(pg_temp.wait('d', 1, ', party_size => 4'), '^22023 the session has fewer seats', 'a party has to fit');
SELECT matches(pg_temp.wait('d', 1, ', until_on => ''2026-03-20'''), '^22023 a session has its', 'dates are the session''s');
SELECT matches(pg_temp.wait('d', 1, format(', service_id => %L', pg_temp.id(50, 2))), '^22023 the session is of another', 'so is the service');
SELECT matches(pg_temp.as('desk', 'SELECT status FROM clinic.join_waitlist()'), '^22004', 'somebody has to wait for something');
SELECT is(pg_temp.wait('d', 1, ', idempotency_key => ''w1'''), 'waiting', 'd waits for one') UNION ALL SELECT is(pg_temp.wait('d', 1, ', idempotency_key => ''w1'''), 'waiting', 'once');
SELECT is((SELECT count(*) FROM clinic_data.waitlist_entries w WHERE w.tenant_id = pg_temp.id(10)), 2::bigint, 'two wait');
SELECT matches(pg_temp.as('desk', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"until_on": "2026-03-20"}'')', pg_temp.entry_of('d'))), '^22023 a session has its', 'an entry keeps its session');
SELECT is(pg_temp.as('desk', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"note": "by the door"}'')', pg_temp.entry_of('d'))), '2', 'but changes');

-- ---------------------------------------------------------------------------------------------------------------------
-- Freed seats go to the first whose whole party fits, in the same step.

SELECT is(pg_temp.cancel(:'seat_a'), 'cancelled', 'one seat is freed') UNION ALL SELECT is(pg_temp.offers(), 'd 10 10:00 1', 'the party of two is passed over, and nothing is split');
SELECT is(pg_temp.seats(1), '3 of 3', 'the offered seat is taken');
SELECT is(pg_temp.would('desk', format('SELECT status FROM clinic.book_seat(%L, %L)', pg_temp.id(70), pg_temp.pat('e'))), 'full', 'for everybody else');
SELECT is(pg_temp.as('d', format('SELECT status FROM clinic.waitlist_offers WHERE session_id = %L', pg_temp.id(70))), 'open', 'the patient sees it');
SELECT is(pg_temp.as('c', 'SELECT count(*) FROM clinic.waitlist_offers'), '0', 'nobody else does');
SELECT is(pg_temp.wrong(), NULL, 'all is sound');
SELECT is(pg_temp.decline('d'), 'declined', 'declined') UNION ALL SELECT is(pg_temp.offers(), 'none', 'nobody else fits') UNION ALL SELECT is(pg_temp.seats(1), '2 of 3', 'so it is everybody''s');
SELECT is(pg_temp.decline('d'), 'declined', 'twice is once');
SELECT is(pg_temp.cancel(:'seat_b'), 'cancelled', 'two more are freed') UNION ALL SELECT is(pg_temp.offers(), 'c 10 10:00 2, d 10 10:00 1', 'all that is free is offered, in order');
SELECT is(pg_temp.accept('d'), 'booked', 'd accepts') UNION ALL SELECT is(pg_temp.accept('d'), 'booked again', 'twice is once') UNION ALL SELECT is(pg_temp.seats(1), '3 of 3', 'a seat stays a seat');
SELECT is((SELECT format('%s %s %s', w.status, a.status, a.session_id = pg_temp.id(70)) FROM clinic_data.waitlist_entries w JOIN clinic_data.appointments a USING (tenant_id, appointment_id)
            WHERE w.entry_id = pg_temp.entry_of('d')), 'booked booked t', 'the entry is served');
-- What was offered is promised: a smaller session takes nothing back.
SELECT is(pg_temp.resize(1, 1), '3 of 1', 'the session gets smaller') UNION ALL SELECT is(pg_temp.accept('c'), 'booked', 'the offer stands') UNION ALL SELECT is(pg_temp.seats(1), '3 of 1 over', 'and everybody stays');
SELECT is(pg_temp.wrong(), NULL, 'all is sound');

-- ---------------------------------------------------------------------------------------------------------------------
-- Expiry by the reader's clock, then the next; more seats; who waits for the service waits for its sessions.

SELECT is(pg_temp.resize(1, 3), '3 of 3', 'the session is as large as it was');
SELECT is(pg_temp.wait_for('e', 1, $$from_on => '2026-03-09', until_on => '2026-03-12', times_of_day => '{10:00-11:00}'$$), 'waiting', 'e wants any class')
UNION ALL SELECT is(pg_temp.wait_for('f', 1, $$until_on => '2026-03-09', urgency => 9$$), 'waiting', 'f on other dates')
UNION ALL SELECT is(pg_temp.wait_for('g', 1, $$until_on => '2026-03-31', urgency => 9, times_of_day => '{12:00-14:00}'$$), 'waiting', 'g at other times')
UNION ALL SELECT is(pg_temp.wait_for('h', 1, format($$until_on => '2026-03-31', urgency => 9, provider_id => %L$$, pg_temp.id(30, 2))), 'waiting', 'h with Bob')
UNION ALL SELECT is(pg_temp.wait('i', 1, ', urgency => 5'), 'waiting', 'i is urgent');
SELECT is(pg_temp.resize(1, 4), '4 of 4', 'one seat more') UNION ALL SELECT is(pg_temp.offers(), 'i 10 10:00 1', 'is offered by urgency');
SELECT pg_temp.at('2026-03-02 08:29:59.999999Z') \g /dev/null
SELECT is(pg_temp.would_accept('i'), 'booked', 'good in the last microsecond');
SELECT pg_temp.at('2026-03-02 08:30Z') \g /dev/null
SELECT is(pg_temp.would_accept('i'), 'offer_expired', 'dead in the next');
SELECT is(pg_temp.would('desk', format('SELECT status FROM clinic.book_seat(%L, %L)', pg_temp.id(70), pg_temp.pat('j'))), 'booked', 'and the seat is free without any job');
SELECT is(pg_temp.job('expire_offers_job'), 1::bigint, 'the job passes it on') UNION ALL SELECT is(pg_temp.offers(), 'e 10 10:00 1', 'to who waits for the service')
UNION ALL SELECT is(pg_temp.job('expire_offers_job'), 0::bigint, 'once');
SELECT is(pg_temp.as('e', format('SELECT status FROM clinic.leave_waitlist(%L)', pg_temp.entry_of('e'))), 'left', 'e leaves') UNION ALL SELECT is(pg_temp.seats(1), '3 of 4', 'everybody was asked');
SELECT is(pg_temp.cancel(pg_temp.visit('a', '2026-03-10 09:00')), 'cancelled', 'time is freed') UNION ALL SELECT is(pg_temp.offers(), 'none', 'which concerns nobody who waits for a session');
SELECT pg_temp.clear() \g /dev/null

-- Limits: as many offers a day as an entry may get; nobody who has another visit then, or a seat.
SELECT is(pg_temp.set_tenant('{"offers_per_entry_day": 1}'), 'true', 'one offer a day');
SELECT is(pg_temp.wait('e', 1, ', urgency => 9'), 'waiting', 'e') UNION ALL SELECT is(pg_temp.wait('d', 1, ', urgency => 8'), 'waiting', 'd has a seat') UNION ALL
       SELECT is(pg_temp.wait('f', 1, ', urgency => 7'), 'waiting', 'f has a visit') UNION ALL SELECT is(pg_temp.wait('g', 1), 'waiting', 'g');
SELECT matches(pg_temp.visit('f', '2026-03-10 10:30', 2), '^[0-9a-f-]{36}$', 'at that time');
SELECT pg_temp.seat('j', 1) AS seat_j \gset
SELECT is(pg_temp.cancel(:'seat_j'), 'cancelled', 'a seat is freed') UNION ALL SELECT is(pg_temp.offers(), 'e 10 10:00 1', 'e is first') UNION ALL SELECT is(pg_temp.decline('e'), 'declined', 'and declines')
UNION ALL SELECT is(pg_temp.offers(), 'g 10 10:00 1', 'those who cannot take it are passed over') UNION ALL SELECT is(pg_temp.decline('g'), 'declined', 'no');
SELECT pg_temp.seat('j', 1) AS seat_j \gset
SELECT is(pg_temp.cancel(:'seat_j'), 'cancelled', 'freed again') UNION ALL SELECT is(pg_temp.offers(), 'none', 'nobody is asked twice a day');
SELECT is(pg_temp.set_tenant('{"offers_per_entry_day": 5}'), 'true', 'five offers a day');

-- By hand: past the queue.
SELECT is(pg_temp.as('e', format('SELECT offer_id FROM clinic.offer_slot(%L)', pg_temp.entry_of('e'))), 'forbidden', 'staff offer by hand');
SELECT is(pg_temp.as('desk', format('SELECT starts_at::text FROM clinic.offer_slot(%L)', pg_temp.entry_of('g'))), '2026-03-10 10:00:00+01', 'seats of the session that is waited for');
SELECT is(pg_temp.offers(), 'g 10 10:00 1', 'which are kept') UNION ALL SELECT is(pg_temp.decline('g'), 'declined', 'declined') UNION ALL SELECT is(pg_temp.offers(), 'none', 'they are everybody''s again');
SELECT matches(pg_temp.as('desk', format('SELECT offer_id FROM clinic.offer_slot(%L, ''2026-03-10 12:00'')', pg_temp.entry_of('g'))), '^22023 a session has its', 'a session has its time');
SELECT pg_temp.clear() \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- Patients whom the policy on no-shows keeps from booking get no automatic offer; staff may offer by hand.

SELECT is(pg_temp.set_tenant('{"no_show_policy": "block_online", "no_show_limit": 0}'), 'true', 'one no-show is too many');
SELECT is(pg_temp.wait('h', 1, ', urgency => 9'), 'waiting', 'h waits for a seat') UNION ALL SELECT is(pg_temp.wait_for('h', 2, $$until_on => '2026-03-31'$$), 'waiting', 'and for a visit')
UNION ALL SELECT is(pg_temp.wait('i', 1), 'waiting', 'i, too');
SELECT pg_temp.visit('h', '2026-03-02 10:30') AS missed, pg_temp.seat('j', 1) AS seat_j \gset
SELECT pg_temp.at('2026-03-02 12:00+01') \g /dev/null
SELECT is(pg_temp.as('chief', format('SELECT status FROM clinic.mark_no_show(%L)', :'missed')), 'no_show', 'h does not come');
SELECT is(pg_temp.cancel(:'seat_j'), 'cancelled', 'a seat is freed') UNION ALL SELECT is(pg_temp.offers(), 'i 10 10:00 1', 'and not offered to who could not accept') UNION ALL SELECT is(pg_temp.decline('i'), 'declined', 'no');
SELECT is(pg_temp.cancel(pg_temp.visit('a', '2026-03-11 09:00')), 'cancelled', 'time is freed') UNION ALL SELECT is(pg_temp.offers(), 'none', 'and not offered either');
SELECT is(pg_temp.would('h', format('SELECT status FROM clinic.book_seat(%L, %L)', pg_temp.id(70), pg_temp.pat('h'))), 'no_show_policy', 'h may not book');
SELECT is(pg_temp.as('desk', format('SELECT w.status FROM clinic.waitlist_entries w, clinic.offer_slot(w.entry_id) WHERE w.patient_id = %L AND w.session_id IS NOT NULL', pg_temp.pat('h'))), 'waiting', 'staff offer a seat');
SELECT is(pg_temp.would_accept('h'), 'booked', 'and mean it') UNION ALL SELECT is(pg_temp.decline('h'), 'declined', 'no');
SELECT pg_temp.at('2026-03-02 12:01+01') \g /dev/null
SELECT is(pg_temp.as('desk', format('SELECT w.status FROM clinic.waitlist_entries w, clinic.offer_slot(w.entry_id, ''2026-03-11 09:00'', %L) WHERE w.patient_id = %L AND w.session_id IS NULL AND w.status = ''waiting''', pg_temp.id(30), pg_temp.pat('h'))),
          'waiting', 'staff offer time');
SELECT is(pg_temp.would_accept('h'), 'booked', 'and mean it, too');
SELECT is(pg_temp.set_tenant('{"no_show_policy": "none", "no_show_limit": 3}'), 'true', 'no policy');
SELECT pg_temp.clear() \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- Several at once: whoever accepts first has the seats.

SELECT is(pg_temp.as('chief', format('SELECT clinic.update_service(%L, ''{"waitlist_mode": "broadcast"}'') > 0', pg_temp.id(50))), 'true', 'classes are offered to several');
SELECT is(pg_temp.wait('e', 1), 'waiting', 'e') UNION ALL SELECT is(pg_temp.wait('g', 1), 'waiting', 'g') UNION ALL SELECT is(pg_temp.wait('i', 1, ', party_size => 2'), 'waiting', 'i');
SELECT pg_temp.seat('j', 1) AS seat_j \gset
SELECT is(pg_temp.cancel(:'seat_j'), 'cancelled', 'a seat is freed') UNION ALL SELECT is(pg_temp.offers(), 'e 10 10:00 1, g 10 10:00 1', 'one seat for both')
UNION ALL SELECT is(pg_temp.seats(1), '4 of 4', 'is one seat');
SELECT is(pg_temp.accept('g'), 'booked', 'g is faster') UNION ALL SELECT is(pg_temp.accept('e'), 'slot_taken', 'than e') UNION ALL SELECT is(pg_temp.offers(), 'none', 'it is over')
UNION ALL SELECT is(pg_temp.seats(1), '4 of 4', 'with one seat taken');
SELECT is(pg_temp.wrong(), NULL, 'all is sound');
SELECT is(pg_temp.as('chief', format('SELECT clinic.update_service(%L, ''{"waitlist_mode": "single"}'') > 0', pg_temp.id(50))), 'true', 'one after the other again');
SELECT pg_temp.clear() \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- An earlier seat for a later one: the later one goes on in the same step, by its session's own queue.

SELECT is(pg_temp.session(2, '2026-03-17 10:00', 1), '1', 'a session a week later');
SELECT pg_temp.seat('i', 2) AS later \gset
SELECT is(pg_temp.wait('i', 1, format(', releases_appointment_id => %L', :'later')), 'waiting', 'i would rather come earlier') UNION ALL SELECT is(pg_temp.wait('j', 2), 'waiting', 'j wants the later one');
SELECT is(pg_temp.cancel(a.appointment_id::text), 'cancelled', 'g gives it back') FROM clinic_data.appointments a WHERE a.tenant_id = pg_temp.id(10) AND a.patient_id = pg_temp.pat('g') AND a.status = 'booked';
SELECT is(pg_temp.offers(), 'i 10 10:00 1', 'i is offered it') UNION ALL SELECT is(pg_temp.accept('i'), 'booked', 'and takes it') UNION ALL SELECT is(pg_temp.offers(), 'j 17 10:00 1', 'j has the other in the same step');
SELECT is(pg_temp.wrong(), NULL, 'all is sound');

-- ---------------------------------------------------------------------------------------------------------------------
-- Moving and cancelling a session; planning one.

SELECT is(pg_temp.as('chief', format('SELECT starts_at::text FROM clinic.move_session(%L, ''2026-03-18 11:00'')', pg_temp.id(70, 2))), '2026-03-18 11:00:00+01', 'the session moves');
SELECT is(pg_temp.offers(), 'j 18 11:00 1', 'its seats are offered anew') UNION ALL
SELECT is((SELECT string_agg(o.status, ',' ORDER BY o.offer_id) FROM clinic_data.waitlist_offers o WHERE o.tenant_id = pg_temp.id(10) AND o.session_id = pg_temp.id(70, 2)), 'withdrawn,open', 'and no more as they were')
UNION ALL SELECT is((SELECT format('%s %s', w.from_on, w.lapses_at) FROM clinic_data.waitlist_entries w WHERE w.entry_id = pg_temp.entry_of('j')), '2026-03-18 2026-03-19 00:00:00+01', 'who waits, waits on the new date');
SELECT is(pg_temp.as('chief', format('SELECT status FROM clinic.cancel_session(%L)', pg_temp.id(70, 2))), 'cancelled', 'the session is cancelled') UNION ALL SELECT is(pg_temp.offers(), 'none', 'and nothing is offered')
UNION ALL SELECT is(pg_temp.accept('j'), 'offer_expired', 'or to be had');
SELECT is((SELECT w.status FROM clinic_data.waitlist_entries w WHERE w.entry_id = pg_temp.entry_of('j')), 'removed', 'who waited for it waits no more');
SELECT is((SELECT count(*) FROM clinic_data.session_seats s WHERE s.session_id = pg_temp.id(70, 2)), 0::bigint, 'it has no seats');
SELECT is(pg_temp.wait('j', 2), 'inactive', 'nobody waits for a cancelled session');
SELECT is(pg_temp.wait_for('e', 1, $$until_on => '2026-03-31', party_size => 2$$), 'waiting', 'e waits for any class');
SELECT is(pg_temp.session(3, '2026-03-20 10:00', 2), '2', 'a session is planned') UNION ALL SELECT is(pg_temp.offers(), 'e 20 10:00 2', 'its seats are offered, like hours that are opened');
SELECT is(pg_temp.accept('e'), 'booked', 'and taken');
SELECT is(pg_temp.wrong(), NULL, 'all is sound');

-- ---------------------------------------------------------------------------------------------------------------------
-- No-shows: their seats are free, and theirs again when that was wrong and the session is not over.

SELECT a.appointment_id AS seat_e FROM clinic_data.appointments a WHERE a.tenant_id = pg_temp.id(10) AND a.patient_id = pg_temp.pat('e') AND a.status = 'booked' \gset
SELECT pg_temp.at('2026-03-20 10:20+01') \g /dev/null
SELECT is(pg_temp.as('chief', format('SELECT status FROM clinic.mark_no_show(%L)', :'seat_e')), 'no_show', 'e does not come') UNION ALL SELECT is(pg_temp.seats(3), '0 of 2', 'the seats are free')
UNION ALL SELECT is(pg_temp.offers(), 'none', 'and offered to nobody, since the session has begun') UNION ALL SELECT is(pg_temp.wrong(), NULL, 'all is sound');
SELECT is(pg_temp.as('chief', format('SELECT status FROM clinic.reverse_no_show(%L)', :'seat_e')), 'booked', 'it was wrong') UNION ALL SELECT is(pg_temp.seats(3), '2 of 2', 'the seats are e''s again')
UNION ALL SELECT is(pg_temp.wrong(), NULL, 'all is sound');
SELECT is(pg_temp.as('chief', format('SELECT status FROM clinic.mark_no_show(%L)', :'seat_e')), 'no_show', 'e has not come after all');
SELECT pg_temp.at('2026-03-20 11:00+01') \g /dev/null
SELECT is(pg_temp.as('chief', format('SELECT status FROM clinic.reverse_no_show(%L)', :'seat_e')), 'booked', 'reversed after the end') UNION ALL SELECT is(pg_temp.wrong(), NULL, 'which is sound without seats');

-- A held seat that dies is offered by the job that sweeps.
SELECT pg_temp.at('2026-03-20 12:00+01') \g /dev/null
SELECT is(pg_temp.session(4, '2026-03-25 10:00', 1), '1', 'a session');
DO $$
BEGIN
    PERFORM clinic.use_tenant('seats-lake');
    PERFORM clinic_private.place_seat(pg_temp.id(70, 4), pg_temp.pat('a'), 1, '2026-03-20 12:10+01');
    PERFORM clinic_private.restore_context('');
END
$$;
SELECT is(pg_temp.wait('b', 4), 'waiting', 'b waits') UNION ALL SELECT is(pg_temp.offers(), 'none', 'while it is held');
SELECT pg_temp.at('2026-03-20 12:10+01') \g /dev/null
SELECT cmp_ok(pg_temp.job('sweep_claims_job'), '>', 0::bigint, 'the sweep') UNION ALL SELECT is(pg_temp.offers(), 'b 25 10:00 1', 'offers it on');
SELECT is(pg_temp.wrong(), NULL, 'all is sound');

-- Each step was one event, in order.
SELECT is((SELECT count(*) FROM clinic_data.events e WHERE e.tenant_id = pg_temp.id(10) AND e.name NOT IN (SELECT n.name FROM clinic.event_names() n)), 0::bigint, 'events have known names');
SELECT is((SELECT count(*) FROM (SELECT FROM clinic_data.events e WHERE e.tenant_id = pg_temp.id(10) GROUP BY e.subject_id, e.sequence HAVING count(*) > 1) AS twice), 0::bigint, 'each change is one event');
SELECT is((SELECT string_agg(e.name, ' ' ORDER BY e.sequence) FROM clinic_data.events e WHERE e.subject_id = pg_temp.id(70, 2)), 'session.created session.rescheduled session.cancelled', 'a session''s are in order');

SELECT * FROM finish();
ROLLBACK;
