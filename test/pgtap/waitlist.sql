-- The waitlist: who is offered what, until when, and what becomes of it.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL timezone = 'Europe/Berlin';
SET LOCAL clinic.clock = '2026-03-02 08:00Z';
SELECT no_plan();

-- Ids tell what they are: 00000007-00KK-..-NN: kind KK, number NN.
CREATE FUNCTION pg_temp.id(kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('00000007-00%s-7000-8000-%s', kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
\ir ../support/waiting.sql

-- Another tenant, to reach for.
SELECT clinic.create_tenant('waitlist-hill', 'Hill', tenant_id => pg_temp.id(11)) \g /dev/null
SELECT clinic.create_location('Place', 'Europe/Berlin') AS hill_location, clinic.create_provider('Doctor', 'Europe/Berlin') AS hill_provider,
       clinic.create_service('Visit', 30) AS hill_service, clinic.create_patient('Patient') AS hill_patient \gset
SELECT clinic.offer_service(:'hill_service', :'hill_provider'),
       clinic.add_hours(:'hill_provider', :'hill_location', 'FREQ=DAILY', '09:00', '17:00') \g /dev/null
SELECT entry_id AS hill_entry FROM clinic.join_waitlist(:'hill_service', :'hill_patient', until_on => '2026-03-31') \gset
SELECT offer_id AS hill_offer FROM clinic.offer_slot(:'hill_entry', '2026-03-05 09:00', :'hill_provider', :'hill_location') \gset

SELECT clinic.create_tenant('waitlist-lake', 'Lake', tenant_id => pg_temp.id(10)) \g /dev/null
SELECT clinic.create_location('East', 'Europe/Berlin', location_id => pg_temp.id(20)), clinic.create_location('West', 'Europe/Berlin', location_id => pg_temp.id(20, 2)),
       clinic.create_provider('Ann', 'Europe/Berlin', provider_id => pg_temp.id(30)), clinic.create_provider('Bob', 'Europe/Berlin', provider_id => pg_temp.id(30, 2)),
       clinic.create_provider('Cy', 'Europe/Berlin', provider_id => pg_temp.id(30, 3)),
       clinic.create_service('Visit', 30, service_id => pg_temp.id(50)), clinic.create_service('Long', 60, service_id => pg_temp.id(50, 2)),
       clinic.create_service('Group', 60, capacity => 2, service_id => pg_temp.id(50, 3)),
       clinic.create_service('Ahead', 30, lead_time_minutes => 120, service_id => pg_temp.id(50, 4)),
       clinic.create_service('Roomy', 30, service_id => pg_temp.id(50, 5)),
       clinic.create_resource('Room', 'room', 'room', pg_temp.id(20), resource_id => pg_temp.id(40)) \g /dev/null
SELECT clinic.create_patient('Patient ' || n, patient_id => pg_temp.pat(n)) FROM regexp_split_to_table('abcdefghijkl', '') AS n \g /dev/null
SELECT clinic.require_resource(pg_temp.id(50, 5), 'room', 1) \g /dev/null
SELECT clinic.offer_service(pg_temp.id(50, s), pg_temp.id(30, p)) FROM generate_series(1, 5) AS s, generate_series(1, 2) AS p \g /dev/null
SELECT clinic.offer_service(pg_temp.id(50), pg_temp.id(30, 3)) \g /dev/null
SELECT clinic.add_hours(pg_temp.id(30), pg_temp.id(20), 'FREQ=DAILY', '09:00', '12:00', '2026-03-01'),
       clinic.add_hours(pg_temp.id(30, 2), pg_temp.id(20, 2), 'FREQ=DAILY', '09:00', '12:00', '2026-03-01', rule_id => pg_temp.id(73)) \g /dev/null
DO $$
DECLARE
    n text;
BEGIN
    CREATE ROLE wl_desk LOGIN IN ROLE clinic_user;
    CREATE ROLE wl_chief LOGIN IN ROLE clinic_user;
    CREATE ROLE wl_reader LOGIN IN ROLE clinic_user;
    CREATE ROLE wl_west LOGIN IN ROLE clinic_user;
    CREATE ROLE wl_hill LOGIN IN ROLE clinic_user;
    PERFORM clinic.map_login('wl_desk', 'staff', '{appointments:read,appointments:write,patients:read}');
    PERFORM clinic.map_login('wl_chief', 'admin', '{*}');
    PERFORM clinic.map_login('wl_reader', 'staff', '{appointments:read,patients:read}');
    PERFORM clinic.create_role('wl_west', '{appointments:read,appointments:write,patients:read}');
    PERFORM clinic.create_user('staff', 'West', roles => '{wl_west}', location_ids => ARRAY[pg_temp.id(20, 2)], user_id => pg_temp.id(90));
    PERFORM clinic.map_login('wl_west', 'staff', user_id => pg_temp.id(90));
    FOREACH n IN ARRAY '{a,b,c,d,e,f,g,h,i,j,k,l}'::text[] LOOP
        EXECUTE format('CREATE ROLE %I LOGIN IN ROLE clinic_user', 'wl_' || n);
        PERFORM clinic.map_login(('wl_' || n)::name, 'patient', patient_id => pg_temp.pat(n));
    END LOOP;
    PERFORM clinic_private.restore_context('');
END
$$;

-- Standing offers by the clock: who, when, how long.
CREATE FUNCTION pg_temp.offers() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(pg_temp.name_of(o.patient_id) || ' ' || to_char(o.starts_at, 'DD HH24:MI'), ', ' ORDER BY o.starts_at, o.patient_id), 'none')
      FROM clinic_data.waitlist_offers o WHERE o.tenant_id = pg_temp.id(10) AND o.status = 'open' AND o.expires_at > clinic.now()
$$;
CREATE FUNCTION pg_temp.join(who text, more text DEFAULT '', service integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.as('desk', format('SELECT status FROM clinic.join_waitlist(%L, %L, until_on => ''2026-03-31''%s)', pg_temp.id(50, service), pg_temp.pat(who), more))
$$;
CREATE FUNCTION pg_temp.book(who text, t text, provider integer DEFAULT 1, service integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.as('desk', format('SELECT appointment_id FROM clinic.book_appointment(%L, %L, %L, %L)', pg_temp.id(50, service), pg_temp.pat(who), t, pg_temp.id(30, provider)))
$$;
CREATE FUNCTION pg_temp.cancel(appointment text) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_temp.as('desk', format('SELECT status FROM clinic.cancel_appointment(%L)', appointment)) $$;
CREATE FUNCTION pg_temp.accept(who text) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_temp.as(who, format('SELECT status FROM clinic.accept_offer(%L)', pg_temp.offer_of(who))) $$;
CREATE FUNCTION pg_temp.decline(who text) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_temp.as(who, format('SELECT status FROM clinic.decline_offer(%L)', pg_temp.offer_of(who))) $$;
CREATE FUNCTION pg_temp.free(t text, provider integer DEFAULT 1, service integer DEFAULT 1) RETURNS boolean LANGUAGE sql AS $$
    SELECT pg_temp.as('desk', format('SELECT count(*) FROM clinic.available_slots(%L, %L, %L::timestamptz + interval ''1 minute'', %L)', pg_temp.id(50, service), t, t,
                                     pg_temp.id(30, provider))) <> '0'
$$;
-- Everybody goes home, so that each part of the test begins with an empty waitlist.
CREATE FUNCTION pg_temp.clear() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.as('desk', format('SELECT status FROM clinic.leave_waitlist(%L)', w.entry_id))
       FROM clinic_data.waitlist_entries w WHERE w.tenant_id = pg_temp.id(10) AND w.status = 'waiting';
    IF EXISTS (SELECT FROM clinic_data.waitlist_entries w WHERE w.tenant_id = pg_temp.id(10) AND w.status = 'waiting') THEN
        RAISE EXCEPTION 'somebody still waits';
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Joining.

SELECT is(pg_temp.as('a', format('SELECT status || position FROM clinic.join_waitlist(%L, %L, until_on => ''2026-03-31'')', pg_temp.id(50), pg_temp.pat('a'))), 'waiting1',
          'a patient joins');
SELECT is(pg_temp.as('a', format('SELECT status FROM clinic.join_waitlist(%L, %L, until_on => ''2026-04-30'')', pg_temp.id(50), pg_temp.pat('a'))), 'duplicate',
          'once for the same dates');
SELECT is(pg_temp.would('a', format('SELECT status FROM clinic.join_waitlist(%L, %L, from_on => ''2026-04-01'', until_on => ''2026-04-30'')', pg_temp.id(50), pg_temp.pat('a'))),
          'waiting', 'not for others');
SELECT is(pg_temp.as('b', format('SELECT status FROM clinic.join_waitlist(%L, %L, until_on => ''2026-03-31'')', pg_temp.id(50), pg_temp.pat('a'))), 'forbidden',
          'nobody joins for somebody else');
SELECT is(pg_temp.as('b', format('SELECT status FROM clinic.join_waitlist(%L, %L, until_on => ''2026-03-31'', urgency => 5)', pg_temp.id(50), pg_temp.pat('b'))), 'forbidden',
          'patients do not say how urgent it is');
SELECT is(pg_temp.as('reader', format('SELECT status FROM clinic.join_waitlist(%L, %L, until_on => ''2026-03-31'')', pg_temp.id(50), pg_temp.pat('b'))), 'forbidden',
          'nor does who only reads put somebody on the list');
SELECT is(pg_temp.as('desk', format('SELECT status || position FROM clinic.join_waitlist(%L, %L, until_on => ''2026-03-31'', urgency => 5)', pg_temp.id(50), pg_temp.pat('b'))),
          'waiting1', 'urgency comes before time');
SELECT is(pg_temp.as('a', 'SELECT position FROM clinic.waitlist_entries'), '2', 'and moves the others back');
SELECT is(pg_temp.as('a', 'SELECT count(*) FROM clinic.waitlist_entries'), '1', 'patients see themselves');
SELECT is(pg_temp.as('reader', 'SELECT count(*) FROM clinic.waitlist_entries'), '2', 'staff see all');
SELECT is(pg_temp.as('west', 'SELECT count(*) FROM clinic.waitlist_entries'), '2', 'an entry for any place concerns every branch');
SELECT is(pg_temp.as('desk', format('SELECT version FROM clinic.update_waitlist_entry(%L, jsonb_build_object(''location_id'', %L))', pg_temp.entry_of('a'), pg_temp.id(20))), '2',
          'an entry is changed');
SELECT is(pg_temp.as('west', 'SELECT count(*) FROM clinic.waitlist_entries'), '1', 'one for another place does not');
SELECT is(pg_temp.as('west', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"note": "x"}'')', pg_temp.entry_of('a'))), 'not_found', 'and cannot be touched from there');
SELECT is(pg_temp.as('a', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"urgency": 9}'')', pg_temp.entry_of('a'))), 'forbidden', 'urgency stays with the staff');
SELECT is(pg_temp.as('b', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"note": "x"}'')', pg_temp.entry_of('a'))), 'not_found', 'a foreign entry is not there');
SELECT is(pg_temp.as('b', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"note": "x"}'')', :'hill_entry'::uuid)), 'not_found', 'nor is one of another tenant');
SELECT is(pg_temp.as('a', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"times_of_day": ["9:00-12:00", "22:00-02:00"], "version": 2}'')', pg_temp.entry_of('a'))), '3',
          'times of day are spans');
SELECT is((SELECT w.times_of_day FROM clinic_data.waitlist_entries w WHERE w.entry_id = pg_temp.entry_of('a')), '{09:00-12:00,22:00-02:00}', 'in one form');
SELECT matches(pg_temp.as('a', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"times_of_day": ["noon"]}'')', pg_temp.entry_of('a'))), '^22023 ', 'and nothing else');
SELECT is(pg_temp.as('a', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"note": "x", "version": 1}'')', pg_temp.entry_of('a'))), 'stale_version', 'an old version is refused');
SELECT matches(pg_temp.as('desk', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"weekdays": [8]}'')', pg_temp.entry_of('a'))), '^22023 weekdays', 'weekdays are 1 to 7');
SELECT matches(pg_temp.as('desk', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"until_on": "2026-03-01"}'')', pg_temp.entry_of('a'))), '^22023 until_on', 'nobody waits for yesterday');
SELECT matches(pg_temp.as('desk', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"until_on": "soon"}'')', pg_temp.entry_of('a'))), '^22023 the value of until_on', 'a date is a date');
SELECT matches(pg_temp.join('c', ', party_size => 2'), '^22023 the service has fewer seats', 'a party needs a service with seats');
SELECT matches(pg_temp.join('c', format(', releases_appointment_id => %L', pg_temp.id(99))), 'not_found', 'only what is there can be given up');
SELECT is(pg_temp.join('c', format(', provider_id => %L', pg_temp.id(30, 3)), 2), 'not_found', 'a provider who does not offer the service cannot be waited for');
SELECT is(clinic_private.is_wanted_time('{1}', '{09:00-12:00,22:00-02:00}', '2026-03-02', t), w, 'times of day: ' || t)
  FROM (VALUES ('08:59'::time, false), ('09:00', true), ('12:00', false), ('23:00', true), ('01:59', true), ('02:00', false)) AS v (t, w);
SELECT is(clinic_private.is_wanted_time('{1}', NULL, '2026-03-03', '10:00'), false, 'weekdays count');
SELECT is(pg_temp.as('a', format('SELECT replayed FROM clinic.leave_waitlist(%L)', pg_temp.entry_of('a'))), 'false', 'a patient leaves');
SELECT is(pg_temp.as('a', format('SELECT status FROM clinic.leave_waitlist(%L)', pg_temp.entry_of('a'))), 'left', 'twice is once');
SELECT is(pg_temp.as('a', format('SELECT version FROM clinic.update_waitlist_entry(%L, ''{"note": "x"}'')', pg_temp.entry_of('a'))), 'bad_transition', 'and changes nothing any more');
SELECT is(pg_temp.as('desk', format('SELECT count(DISTINCT j.entry_id) || max(j.replayed::text) FROM generate_series(1, 2) AS g, LATERAL clinic.join_waitlist(%L, %L,
          until_on => (''2026-03-31''::date + g - g), idempotency_key => ''k1'') AS j', pg_temp.id(50), pg_temp.pat('a'))), '1true', 'the same call with its key joins once');
SELECT is(pg_temp.as('desk', format('SELECT status FROM clinic.join_waitlist(%L, %L, until_on => ''2026-03-30'', idempotency_key => ''k1'')', pg_temp.id(50), pg_temp.pat('a'))),
          'idempotency_conflict', 'and another call with it is refused');
SELECT pg_temp.at('2026-03-31 21:59:59.999999Z') \g /dev/null
SELECT is(pg_temp.as('a', format('SELECT status || coalesce(position, 0) FROM clinic.waitlist_entries WHERE entry_id = %L', pg_temp.entry_of('a'))), 'waiting2', 'an entry waits to the end of its last day');
SELECT pg_temp.at('2026-03-31 22:00Z') \g /dev/null
SELECT is(pg_temp.as('a', format('SELECT status || coalesce(position, 0) FROM clinic.waitlist_entries WHERE entry_id = %L', pg_temp.entry_of('a'))), 'lapsed0', 'and lapses by the reader''s clock');
SELECT pg_temp.at('2026-03-02 08:00Z') \g /dev/null
SELECT pg_temp.clear() \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- Freed time is offered in the same step, in order; declined or expired it goes to the next.

SELECT pg_temp.at('2026-03-02 08:01Z') \g /dev/null
SELECT is(pg_temp.join('b'), 'waiting', 'b waits') UNION ALL SELECT is(pg_temp.join('c', ', urgency => 5'), 'waiting', 'c is urgent');
SELECT pg_temp.at('2026-03-02 08:02Z') \g /dev/null
SELECT is(pg_temp.join('d', ', urgency => 5'), 'waiting', 'd is as urgent, and later');
SELECT pg_temp.book('a', '2026-03-03 10:00') AS first \gset
SELECT is(pg_temp.as('a', format('SELECT status FROM clinic.cancel_appointment(%L)', :'first')), 'cancelled', 'a patient cancels, who sees nobody of the others');
SELECT is(pg_temp.offers(), 'c 03 10:00', 'the most urgent, and among them the first, is offered the time');
SELECT is((SELECT o.expires_at FROM clinic_data.waitlist_offers o WHERE o.offer_id = pg_temp.offer_of('c')), '2026-03-02 08:32Z', 'for half an hour');
SELECT ok(NOT pg_temp.free('2026-03-03 10:00'), 'the time is not public');
SELECT is(pg_temp.would('desk', format('SELECT status FROM clinic.book_appointment(%L, %L, ''2026-03-03 10:00'', %L)', pg_temp.id(50), pg_temp.pat('e'), pg_temp.id(30))), 'held', 'and not to be booked');
SELECT is(pg_temp.as('c', 'SELECT status || '' '' || coalesce(mode, ''-'') FROM clinic.waitlist_offers'), 'open -', 'the patient sees the offer');
SELECT is(pg_temp.as('b', 'SELECT count(*) FROM clinic.waitlist_offers'), '0', 'nobody else does');
SELECT is(pg_temp.as('reader', 'SELECT status || '' '' || mode FROM clinic.waitlist_offers'), 'open single', 'but staff');
SELECT is(pg_temp.as('west', 'SELECT count(*) FROM clinic.waitlist_offers'), '0', 'of that branch');
SELECT is(pg_temp.as('b', format('SELECT status FROM clinic.accept_offer(%L)', pg_temp.offer_of('c'))), 'not_found', 'a foreign offer is not there');
SELECT is(pg_temp.as('b', format('SELECT status FROM clinic.accept_offer(%L)', pg_temp.id(99))), 'not_found', 'as one that never was');
SELECT is(pg_temp.as('b', format('SELECT status FROM clinic.decline_offer(%L)', :'hill_offer'::uuid)), 'not_found', 'or another tenant''s');
SELECT is(pg_temp.as('reader', format('SELECT status FROM clinic.accept_offer(%L)', pg_temp.offer_of('c'))), 'forbidden', 'reading does not answer');
SELECT is(pg_temp.decline('c'), 'declined', 'c declines');
SELECT is(pg_temp.offers(), 'd 03 10:00', 'and the next is offered it at once');
SELECT is(pg_temp.decline('c'), 'declined', 'declining twice is once');
SELECT is(pg_temp.accept('c'), 'bad_transition', 'an answer is final');
SELECT is(pg_temp.as('c', 'SELECT position FROM clinic.waitlist_entries WHERE status = ''waiting'''), '1', 'who declined keeps the place');
SELECT pg_temp.at('2026-03-02 08:31:59.999999Z') \g /dev/null
SELECT is(pg_temp.would('d', format('SELECT status FROM clinic.accept_offer(%L)', pg_temp.offer_of('d'))), 'booked', 'an offer is good in its last microsecond');
SELECT ok(NOT pg_temp.free('2026-03-03 10:00'), 'and keeps the time');
SELECT pg_temp.at('2026-03-02 08:32Z') \g /dev/null
SELECT is(pg_temp.would('d', format('SELECT status FROM clinic.accept_offer(%L)', pg_temp.offer_of('d'))), 'offer_expired', 'and dead in the next');
SELECT ok(pg_temp.free('2026-03-03 10:00'), 'the time is free then, without any job');
SELECT is(pg_temp.as('d', 'SELECT status FROM clinic.waitlist_offers'), 'expired', 'and the offer says so');
SELECT is(pg_temp.job('expire_offers_job'), 1::bigint, 'the job passes it on');
SELECT is(pg_temp.offers(), 'b 03 10:00', 'to the third');
SELECT is(pg_temp.job('expire_offers_job'), 0::bigint, 'once');
SELECT is((SELECT o.status FROM clinic_data.waitlist_offers o WHERE o.offer_id = pg_temp.offer_of('d')), 'expired', 'and records what has expired');
SELECT is(pg_temp.as('b', format('SELECT status || replayed FROM clinic.accept_offer(%L)', pg_temp.offer_of('b'))), 'bookedfalse', 'b accepts');
SELECT is(pg_temp.as('b', format('SELECT status || replayed FROM clinic.accept_offer(%L)', pg_temp.offer_of('b'))), 'bookedtrue', 'accepting twice returns the same');
SELECT is(pg_temp.as('b', 'SELECT string_agg(status, '','') FROM clinic.waitlist_entries WHERE appointment_id IS NOT NULL'), 'booked', 'the entry is served');
SELECT is((SELECT count(*) FROM clinic_data.appointments a WHERE a.tenant_id = pg_temp.id(10) AND a.patient_id = pg_temp.pat('b') AND a.status = 'booked'), 1::bigint, 'by one appointment');
SELECT is((SELECT count(*) FROM clinic_data.claims c WHERE c.tenant_id = pg_temp.id(10) AND c.kind = 'offer' AND c.expires_at > clinic.now()), 0::bigint, 'and nothing is kept any more');
SELECT is((SELECT string_agg(s.status, ',') FROM clinic_data.waitlist_slots s WHERE s.tenant_id = pg_temp.id(10)), 'booked', 'the slot is over');

-- When all have been asked, the time is everybody's.
SELECT pg_temp.book('a', '2026-03-03 11:00') AS second \gset
SELECT is(pg_temp.cancel(:'second'), 'cancelled', 'another one is cancelled') UNION ALL SELECT is(pg_temp.offers(), 'c 03 11:00', 'declining costs no place')
UNION ALL SELECT is(pg_temp.decline('c'), 'declined', 'no') UNION ALL SELECT is(pg_temp.offers(), 'd 03 11:00', 'nor does an expired offer')
UNION ALL SELECT is(pg_temp.decline('d'), 'declined', 'no') UNION ALL SELECT is(pg_temp.offers(), 'none', 'each was asked once');
SELECT ok(pg_temp.free('2026-03-03 11:00'), 'now it is public');
SELECT is(pg_temp.job('expire_offers_job'), 0::bigint, 'and nobody is asked again');

-- Leaving passes an offer on.
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-03 11:00')), 'cancelled', 'it is freed again') UNION ALL SELECT is(pg_temp.offers(), 'c 03 11:00', 'another time, another offer');
SELECT is(pg_temp.as('c', format('SELECT status FROM clinic.leave_waitlist(%L)', pg_temp.entry_of('c'))), 'left', 'c leaves') UNION ALL SELECT is(pg_temp.offers(), 'd 03 11:00', 'the next has it');
SELECT is(pg_temp.accept('c'), 'offer_expired', 'a withdrawn offer is over');
SELECT pg_temp.clear() \g /dev/null
SELECT ok(pg_temp.free('2026-03-03 11:00'), 'nobody is left');

-- ---------------------------------------------------------------------------------------------------------------------
-- Candidates are those who could book it.

SELECT pg_temp.book('e', '2026-03-04 10:00', 2) \g /dev/null
SELECT is(pg_temp.join('e', ', urgency => 9'), 'waiting', 'e has an appointment at that time') UNION ALL
       SELECT is(pg_temp.join('f', ', urgency => 8, weekdays => ''{1,2}'''), 'waiting', 'f wants Monday or Tuesday') UNION ALL
       SELECT is(pg_temp.join('g', ', urgency => 7, times_of_day => ''{08:00-10:00}'''), 'waiting', 'g comes before ten') UNION ALL
       SELECT is(pg_temp.join('h', format(', urgency => 6, provider_id => %L', pg_temp.id(30, 2))), 'waiting', 'h wants Bob') UNION ALL
       SELECT is(pg_temp.join('i', format(', urgency => 5, location_id => %L', pg_temp.id(20, 2))), 'waiting', 'i wants West') UNION ALL
       SELECT is(pg_temp.join('j', ', urgency => 4, from_on => ''2026-03-05'''), 'waiting', 'j comes from Thursday on') UNION ALL
       SELECT is(pg_temp.join('a', ', urgency => 3'), 'waiting', 'a cancels it') UNION ALL
       SELECT is(pg_temp.join('k', ', urgency => 2'), 'waiting', 'k is inactive by then') UNION ALL
       SELECT is(pg_temp.join('l'), 'waiting', 'l can');
SELECT is(pg_temp.as('chief', format('SELECT clinic.update_patient(%L, ''{"status": "inactive"}'') > 0', pg_temp.pat('k'))), 'true', 'k becomes inactive');
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-04 10:00')), 'cancelled', 'Ann is free on Wednesday') UNION ALL
SELECT is(pg_temp.offers(), 'l 04 10:00', 'those who cannot take it are passed over, and the queue does not stall');
SELECT is(pg_temp.as('chief', format('SELECT clinic.update_patient(%L, ''{"status": "active"}'') > 0', pg_temp.pat('k'))), 'true', 'k becomes active');
SELECT pg_temp.clear() \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- The lead time bounds an offer; no offer is made beyond it, nor for what is past.

SELECT is(pg_temp.join('b', '', 4), 'waiting', 'b waits') UNION ALL SELECT is(pg_temp.join('c', '', 4), 'waiting', 'c too');
SELECT pg_temp.book('a', '2026-03-03 11:00', 1, 4) AS soon \gset
SELECT pg_temp.at('2026-03-03 11:00+01'::timestamptz - interval '130 minutes') \g /dev/null
SELECT is(pg_temp.cancel(:'soon'), 'cancelled', 'ten minutes before the lead time') UNION ALL SELECT is(pg_temp.offers(), 'b 03 11:00', 'there is an offer');
SELECT is((SELECT o.expires_at FROM clinic_data.waitlist_offers o WHERE o.offer_id = pg_temp.offer_of('b')), '2026-03-03 09:00+01', 'until the lead time begins');
SELECT pg_temp.at('2026-03-03 09:00+01') \g /dev/null
SELECT is(pg_temp.accept('b'), 'offer_expired', 'and no longer') UNION ALL SELECT is(pg_temp.job('expire_offers_job')::text, '1', 'the job ends it')
UNION ALL SELECT is(pg_temp.offers(), 'none', 'none is made later');
SELECT pg_temp.clear() \g /dev/null
SELECT is(pg_temp.as('chief', format('SELECT clinic.update_service(%L, ''{"lead_time_minutes": 0, "same_day": false}'') > 0', pg_temp.id(50, 4))), 'true', 'no same-day bookings');
SELECT is(pg_temp.as('chief', 'SELECT clinic.update_tenant(''{"offer_minutes": 1440}'') > 0'), 'true', 'offers stand for a day');
SELECT is(pg_temp.join('b', '', 4), 'waiting', 'b waits') UNION ALL SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-04 11:00', 1, 4)), 'cancelled', 'tomorrow is freed');
SELECT is((SELECT o.expires_at FROM clinic_data.waitlist_offers o WHERE o.offer_id = pg_temp.offer_of('b')), '2026-03-04 00:00+01', 'an offer ends with the day before');
SELECT is(pg_temp.as('chief', 'SELECT clinic.update_tenant(''{"offer_minutes": 30}'') > 0'), 'true', 'half an hour again');
SELECT pg_temp.clear() \g /dev/null
SELECT pg_temp.at('2026-03-03 09:00Z') \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- The later appointment is given up, and its time goes on; each step lies later, so it ends.

SELECT pg_temp.book('b', '2026-03-10 10:00') AS b_later \gset
SELECT pg_temp.book('c', '2026-03-12 10:00') AS c_later \gset
SELECT is(pg_temp.join('b', format(', releases_appointment_id => %L', :'b_later')), 'waiting', 'b would come earlier') UNION ALL
       SELECT is(pg_temp.join('c', format(', releases_appointment_id => %L', :'c_later')), 'waiting', 'c too') UNION ALL SELECT is(pg_temp.join('d', ', from_on => ''2026-03-11'''), 'waiting', 'd waits for any');
SELECT matches(pg_temp.join('e', format(', releases_appointment_id => %L', :'b_later')), '^22023 only a coming appointment of the same patient', 'nobody gives up what is not theirs');
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-20 10:00')), 'cancelled', 'a later one is freed') UNION ALL
SELECT is(pg_temp.offers(), 'd 20 10:00', 'who would come earlier is not offered what is later') UNION ALL SELECT is(pg_temp.decline('d'), 'declined', 'no');
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-06 10:00')), 'cancelled', 'an early one is freed') UNION ALL SELECT is(pg_temp.offers(), 'b 06 10:00', 'b is first');
SELECT is(pg_temp.as('b', format('SELECT released_appointment_id FROM clinic.accept_offer(%L)', pg_temp.offer_of('b'))), :'b_later', 'b accepts and gives the later one up') UNION ALL
SELECT is(pg_temp.offers(), 'c 10 10:00', 'which c is offered') UNION ALL SELECT is(pg_temp.accept('c'), 'booked', 'and accepts') UNION ALL
SELECT is(pg_temp.offers(), 'd 12 10:00', 'so that d is offered the one of c') UNION ALL SELECT is(pg_temp.accept('d'), 'booked', 'where the chain ends') UNION ALL
SELECT is(pg_temp.offers(), 'none', 'at nobody');
SELECT is((SELECT string_agg(pg_temp.name_of(a.patient_id) || to_char(a.starts_at, ' DD'), ', ' ORDER BY a.starts_at) FROM clinic_data.appointments a
            WHERE a.tenant_id = pg_temp.id(10) AND a.status = 'booked' AND a.starts_at BETWEEN '2026-03-05' AND '2026-03-31'), 'b 06, c 10, d 12', 'everybody has one');
SELECT pg_temp.book('e', '2026-03-10 09:00') AS e_later \gset
SELECT is(pg_temp.join('e', format(', releases_appointment_id => %L', :'e_later')), 'waiting', 'e waits') UNION ALL SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-06 11:00')), 'cancelled', 'freed');
SELECT is(pg_temp.as('e', format('SELECT coalesce(released_appointment_id::text, ''kept'') FROM clinic.accept_offer(%L, give_up_later => false)', pg_temp.offer_of('e'))), 'kept', 'a patient may keep both');
-- The one to be given up stands in nobody's own way: not in a limit of the day.
SELECT is(pg_temp.as('chief', format('SELECT clinic.update_service(%L, ''{"max_per_day": 1}'') > 0', pg_temp.id(50))), 'true', 'one visit a day');
SELECT pg_temp.book('f', '2026-03-16 11:00') AS f_later \gset
SELECT is(pg_temp.as('chief', format('SELECT clinic.update_service(%L, ''{"max_per_day": null}'') > 0', pg_temp.id(50))), 'true', 'more for a moment');
SELECT pg_temp.book('a', '2026-03-16 09:00') AS early \gset
SELECT is(pg_temp.as('chief', format('SELECT clinic.update_service(%L, ''{"max_per_day": 1}'') > 0', pg_temp.id(50))), 'true', 'and one again');
SELECT is(pg_temp.join('g'), 'waiting', 'g waits') UNION ALL SELECT is(pg_temp.join('f', format(', releases_appointment_id => %L', :'f_later')), 'waiting', 'f would come earlier that day');
SELECT is(pg_temp.cancel(:'early'), 'cancelled', 'nine is freed') UNION ALL SELECT is(pg_temp.offers(), 'f 16 09:00', 'g would be a second visit that day; f would not, who gives the other one up') UNION ALL SELECT is(pg_temp.accept('f'), 'booked', 'as it turns out');
SELECT is(pg_temp.as('chief', format('SELECT clinic.update_service(%L, ''{"max_per_day": null}'') > 0', pg_temp.id(50))), 'true', 'no limit');
SELECT pg_temp.clear() \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- Broadcast: one time, several offers, one winner.

SELECT is(pg_temp.as('chief', format('SELECT clinic.update_service(%L, ''{"waitlist_mode": "broadcast"}'') > 0', pg_temp.id(50))), 'true', 'a service is broadcast') UNION ALL
       SELECT is(pg_temp.as('chief', 'SELECT clinic.update_tenant(''{"broadcast_size": 3}'') > 0'), 'true', 'to three');
SELECT pg_temp.book('e', '2026-03-18 10:00', 2) \g /dev/null
SELECT is(pg_temp.join('b'), 'waiting', 'b') UNION ALL SELECT is(pg_temp.join('e'), 'waiting', 'e, who is busy then') UNION ALL SELECT is(pg_temp.join('c'), 'waiting', 'c') UNION ALL SELECT is(pg_temp.join('d'), 'waiting', 'd') UNION ALL SELECT is(pg_temp.join('f'), 'waiting', 'f');
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-18 10:00')), 'cancelled', 'freed') UNION ALL SELECT is(pg_temp.offers(), 'b 18 10:00, c 18 10:00, d 18 10:00', 'the first three who can are asked together');
SELECT is((SELECT count(*) FROM clinic_data.claims c WHERE c.tenant_id = pg_temp.id(10) AND c.kind = 'offer' AND c.expires_at > clinic.now()), 1::bigint, 'one claim keeps the time for all');
SELECT is(pg_temp.decline('b'), 'declined', 'one declines') UNION ALL SELECT is(pg_temp.offers(), 'c 18 10:00, d 18 10:00', 'the others still have it');
SELECT is(pg_temp.accept('d'), 'booked', 'the first to accept has it') UNION ALL SELECT is(pg_temp.accept('c'), 'slot_taken', 'the other is told why') UNION ALL
SELECT is(pg_temp.as('c', 'SELECT status FROM clinic.waitlist_offers ORDER BY offered_at DESC, offer_id DESC LIMIT 1'), 'taken', 'and sees it') UNION ALL
SELECT is(pg_temp.as('c', 'SELECT status FROM clinic.waitlist_entries WHERE status = ''waiting'''), 'waiting', 'and keeps the place');
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-18 11:00')), 'cancelled', 'freed') UNION ALL SELECT is(pg_temp.offers(), 'b 18 11:00, c 18 11:00, e 18 11:00', 'three again');
SELECT pg_temp.at('2026-03-03 09:30Z') \g /dev/null
SELECT is(pg_temp.job('expire_offers_job')::text, '1', 'nobody answers') UNION ALL SELECT is(pg_temp.offers(), 'f 18 11:00', 'the rest are asked');
SELECT is(pg_temp.as('chief', format('SELECT clinic.update_service(%L, ''{"waitlist_mode": "off"}'') > 0', pg_temp.id(50))), 'true', 'a service is off the waitlist') UNION ALL
SELECT is(pg_temp.decline('f'), 'declined', 'no') UNION ALL SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-19 11:00')), 'cancelled', 'freed') UNION ALL SELECT is(pg_temp.offers(), 'none', 'nobody is asked');
SELECT is(pg_temp.as('chief', format('SELECT clinic.update_service(%L, ''{"waitlist_mode": null}'') > 0', pg_temp.id(50))), 'true', 'as the tenant has it');
SELECT pg_temp.clear() \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- By hand.

SELECT is(pg_temp.join('b', ', from_on => ''2026-03-25'''), 'waiting', 'b waits') UNION ALL SELECT is(pg_temp.join('c', ', urgency => 5'), 'waiting', 'c is before');
SELECT is(pg_temp.as('b', format('SELECT offer_id FROM clinic.offer_slot(%L, ''2026-03-25 09:00'', %L, %L)', pg_temp.entry_of('b'), pg_temp.id(30), pg_temp.id(20))), 'forbidden', 'patients offer themselves nothing');
SELECT is(pg_temp.as('reader', format('SELECT offer_id FROM clinic.offer_slot(%L, ''2026-03-25 09:00'', %L, %L)', pg_temp.entry_of('b'), pg_temp.id(30), pg_temp.id(20))), 'forbidden', 'nor do readers');
SELECT is(pg_temp.as('west', format('SELECT offer_id FROM clinic.offer_slot(%L, ''2026-03-25 09:00'', %L, %L)', pg_temp.entry_of('b'), pg_temp.id(30), pg_temp.id(20))), 'forbidden', 'nor does another branch');
SELECT is(pg_temp.as('desk', format('SELECT offer_id FROM clinic.offer_slot(%L, ''2026-03-25 09:10'', %L, %L)', pg_temp.entry_of('b'), pg_temp.id(30), pg_temp.id(20))), 'off_grid', 'only what could be booked');
SELECT is(pg_temp.as('desk', format('SELECT starts_at || '' '' || expires_at FROM clinic.offer_slot(%L, ''2026-03-24 09:00'', minutes => 45)', pg_temp.entry_of('b'))),
          '2026-03-24 09:00:00+01 2026-03-03 11:15:00+01', 'staff offer past the queue and the dates') UNION ALL SELECT is(pg_temp.offers(), 'b 24 09:00', 'to whom they say');
SELECT is(pg_temp.as('desk', format('SELECT offer_id FROM clinic.offer_slot(%L, ''2026-03-25 09:00'')', pg_temp.entry_of('b'))), 'duplicate', 'one at a time');
SELECT is(pg_temp.as('desk', format('SELECT offer_id FROM clinic.offer_slot(%L, (SELECT min(starts_at) FROM clinic.waitlist_offers WHERE status = ''open''), %L)', pg_temp.entry_of('c'), (SELECT o.provider_id FROM clinic_data.waitlist_offers o WHERE o.offer_id = pg_temp.offer_of('b')))), 'held', 'a time to one');
SELECT is(pg_temp.decline('b'), 'declined', 'no') UNION ALL SELECT is(pg_temp.offers(), 'none', 'what staff offer goes to nobody else');
SELECT is(pg_temp.as('desk', format('SELECT count(DISTINCT o.offer_id) || max(o.replayed::text) FROM generate_series(1, 2) AS g, LATERAL clinic.offer_slot(%L, ''2026-03-25 10:00''::timestamptz + (g - g) * interval ''1 hour'',
          idempotency_key => ''o1'') AS o', pg_temp.entry_of('b'))), '1true', 'the same call with its key offers once');
SELECT is(pg_temp.as('desk', format('SELECT status FROM clinic.accept_offer(%L)', pg_temp.offer_of('b'))), 'booked', 'staff may accept for the patient');
SELECT pg_temp.clear() \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- Nobody is asked too often, and no time is offered for ever.

SELECT is(pg_temp.as('chief', 'SELECT clinic.update_tenant(''{"offers_per_entry_day": 2, "offers_per_slot": 2}'') > 0'), 'true', 'twice a day, twice a slot');
SELECT pg_temp.at('2026-03-05 06:00Z') \g /dev/null
SELECT is(pg_temp.join('g'), 'waiting', 'g') UNION ALL SELECT is(pg_temp.join('h'), 'waiting', 'h') UNION ALL SELECT is(pg_temp.join('i'), 'waiting', 'i');
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-26 09:00')), 'cancelled', 'freed') UNION ALL SELECT is(pg_temp.decline('g'), 'declined', 'g') UNION ALL SELECT is(pg_temp.decline('h'), 'declined', 'h') UNION ALL
SELECT is(pg_temp.offers(), 'none', 'after two the time is left to everybody');
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-26 10:00')), 'cancelled', 'freed') UNION ALL SELECT is(pg_temp.offers(), 'g 26 10:00', 'g is asked a second time') UNION ALL SELECT is(pg_temp.decline('g'), 'declined', 'g') UNION ALL
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-26 11:00')), 'cancelled', 'freed') UNION ALL SELECT is(pg_temp.offers(), 'h 26 10:00, i 26 11:00', 'and not a third time that day');
SELECT pg_temp.at('2026-03-05 23:00Z') \g /dev/null
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-26 09:30')), 'cancelled', 'freed') UNION ALL SELECT is(pg_temp.offers(), 'g 26 09:30', 'but on the next local day');
SELECT is(pg_temp.as('chief', 'SELECT clinic.update_tenant(''{"offers_per_entry_day": 5, "offers_per_slot": 10, "offers_per_patient_day": 1}'') > 0'), 'true', 'once a day for a patient');
SELECT is(pg_temp.decline('g'), 'declined', 'g') UNION ALL SELECT is(pg_temp.offers(), 'h 26 09:30', 'h has had none that day');
SELECT is(pg_temp.as('chief', 'SELECT clinic.update_tenant(''{"offers_per_patient_day": 10}'') > 0'), 'true', 'as before');
SELECT pg_temp.clear() \g /dev/null
SELECT pg_temp.at('2026-03-06 06:00Z') \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- Seats: one offer for each. Other lengths: what fits into the time.

SELECT pg_temp.book('a', '2026-03-27 09:00', 1, 3) AS seat \gset
SELECT pg_temp.book('b', '2026-03-27 09:00', 1, 3) \g /dev/null
SELECT is(pg_temp.join('c', '', 3), 'waiting', 'c') UNION ALL SELECT is(pg_temp.join('d', '', 3), 'waiting', 'd');
SELECT is(pg_temp.cancel(:'seat'), 'cancelled', 'a seat is freed') UNION ALL SELECT is(pg_temp.offers(), 'c 27 09:00', 'one offer for one seat') UNION ALL SELECT is(pg_temp.accept('c'), 'booked', 'c has it');
SELECT pg_temp.clear() \g /dev/null
-- A party has all its seats or none.
SELECT pg_temp.book('a', '2026-03-28 11:00', 1, 3) AS one_seat \gset
SELECT pg_temp.book('b', '2026-03-28 11:00', 1, 3) AS other_seat \gset
SELECT is(pg_temp.join('c', ', party_size => 2', 3), 'waiting', 'c comes with somebody') UNION ALL SELECT is(pg_temp.cancel(:'one_seat'), 'cancelled', 'one seat is freed') UNION ALL
SELECT is(pg_temp.offers(), 'none', 'which is not enough') UNION ALL SELECT is(pg_temp.cancel(:'other_seat'), 'cancelled', 'the other too') UNION ALL
SELECT is(pg_temp.offers(), 'c 28 11:00', 'now it is') UNION ALL SELECT ok(NOT pg_temp.free('2026-03-28 11:00', 1, 3), 'both seats are kept') UNION ALL SELECT is(pg_temp.accept('c'), 'booked', 'and booked');
SELECT is((SELECT a.seats FROM clinic_data.appointments a JOIN clinic_data.waitlist_offers o ON o.appointment_id = a.appointment_id WHERE o.offer_id = pg_temp.offer_of('c')), 2, 'as one appointment of two seats');
SELECT pg_temp.clear() \g /dev/null
SELECT is(pg_temp.join('c', ', urgency => 9'), 'waiting', 'c waits for a short visit') UNION ALL SELECT is(pg_temp.join('d', ', urgency => 8'), 'waiting', 'd too') UNION ALL SELECT is(pg_temp.join('e', '', 2), 'waiting', 'e for a long one');
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-27 10:00', 1, 2)), 'cancelled', 'a long one is freed') UNION ALL SELECT is(pg_temp.offers(), 'e 27 10:00', 'who waits for the same comes first') UNION ALL
SELECT is(pg_temp.decline('e'), 'declined', 'no') UNION ALL SELECT is(pg_temp.offers(), 'c 27 10:00', 'then the others');
SELECT is(pg_temp.as('e', format('SELECT status FROM clinic.leave_waitlist(%L)', pg_temp.entry_of('e'))), 'left', 'e leaves') UNION ALL SELECT is(pg_temp.decline('c'), 'declined', 'no') UNION ALL
SELECT is(pg_temp.offers(), 'd 27 10:00', 'and so on') UNION ALL SELECT is(pg_temp.accept('d'), 'booked', 'd has half of it');
SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-28 10:00', 1, 2)), 'cancelled', 'another long one is freed') UNION ALL SELECT is(pg_temp.join('d', ', from_on => ''2026-03-28'''), 'waiting', 'd waits again') UNION ALL
SELECT is(pg_temp.offers(), 'c 28 10:00', 'c alone waited');
SELECT pg_temp.clear() \g /dev/null

-- Moved away, released and missed visits free time too.
SELECT is(pg_temp.join('c'), 'waiting', 'c waits');
SELECT is(pg_temp.as('desk', format('SELECT status FROM clinic.reschedule_appointment(%L, ''2026-03-29 11:00'')', pg_temp.book('a', '2026-03-29 09:00'))), 'booked', 'a visit is moved') UNION ALL
SELECT is(pg_temp.offers(), 'c 29 09:00', 'its old time is offered') UNION ALL SELECT is(pg_temp.decline('c'), 'declined', 'no');
SELECT is(pg_temp.as('desk', format('WITH h AS MATERIALIZED (SELECT hold_token FROM clinic.hold_slot(%L, %L, ''2026-03-29 10:00'', %L)) SELECT clinic.release_hold(h.hold_token) FROM h',
          pg_temp.id(50), pg_temp.pat('a'), pg_temp.id(30))), 'true', 'a hold is released') UNION ALL SELECT is(pg_temp.offers(), 'c 29 10:00', 'its time is offered');
SELECT pg_temp.clear() \g /dev/null

-- Rooms are claimed with the provider.
SELECT is(pg_temp.join('c', '', 5), 'waiting', 'c waits') UNION ALL SELECT is(pg_temp.cancel(pg_temp.book('a', '2026-03-30 09:00', 1, 5)), 'cancelled', 'a visit in a room is freed') UNION ALL SELECT is(pg_temp.offers(), 'c 30 09:00', 'offered');
SELECT is((SELECT count(*) FROM clinic_data.claims c WHERE c.tenant_id = pg_temp.id(10) AND c.kind = 'offer' AND c.starts_at = '2026-03-30 09:00'), 2::bigint, 'with its room');

-- A block over a standing offer leaves it; accepting books, flagged.
SELECT is(pg_temp.as('chief', format('SELECT clinic.close_date(%L, ''2026-03-30'') IS NOT NULL', pg_temp.id(30))), 'true', 'the day is closed') UNION ALL SELECT is(pg_temp.offers(), 'c 30 09:00', 'the offer stands') UNION ALL
SELECT is(pg_temp.accept('c'), 'booked', 'and is good');
SELECT is((SELECT a.out_of_hours::text FROM clinic_data.appointments a JOIN clinic_data.waitlist_offers o ON o.appointment_id = a.appointment_id
   WHERE o.offer_id = pg_temp.offer_of('c')), 'true', 'flagged out of hours');
-- Who was served, or cancels because the day is closed, sets off nothing.
SELECT is(pg_temp.join('d', '', 5), 'waiting', 'd waits');
SELECT is(pg_temp.cancel((SELECT o.appointment_id::text FROM clinic_data.waitlist_offers o WHERE o.offer_id = pg_temp.offer_of('c'))), 'cancelled', 'cancelled for the closure') UNION ALL
       SELECT is(pg_temp.offers(), 'none', 'closures make no offers');
SELECT pg_temp.clear() \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- Opened hours feed the waitlist; closures do not.

SELECT pg_temp.at('2026-03-09 06:00Z') \g /dev/null
SELECT is((SELECT count(*) FROM clinic_data.waitlist_openings o WHERE o.tenant_id = pg_temp.id(10)), 0::bigint, 'hours of days without a waitlist were not noted');
SELECT is(pg_temp.join('c', format(', provider_id => %L', pg_temp.id(30, 3))), 'waiting', 'c waits for Cy') UNION ALL SELECT is(pg_temp.join('d', format(', provider_id => %L, urgency => 3', pg_temp.id(30, 3))), 'waiting', 'd too') UNION ALL
       SELECT is(pg_temp.join('e', format(', provider_id => %L, times_of_day => ''{10:00-10:30}''', pg_temp.id(30, 3))), 'waiting', 'e only at ten');
SELECT is(pg_temp.as('chief', format('SELECT clinic.add_hours(%L, %L, ''FREQ=WEEKLY;BYDAY=TU'', ''09:00'', ''10:00'', ''2026-03-10'', rule_id => %L) IS NOT NULL', pg_temp.id(30, 3), pg_temp.id(20), pg_temp.id(73, 3))), 'true', 'Cy works on Tuesdays');
SELECT is(pg_temp.job('hours_opened_job')::text, '1', 'the job offers that') UNION ALL SELECT is(pg_temp.offers(), 'd 10 09:00, c 10 09:30', 'in order, one start to each') UNION ALL SELECT is(pg_temp.job('hours_opened_job')::text, '0', 'once');
SELECT is(pg_temp.decline('d'), 'declined', 'no') UNION ALL SELECT is(pg_temp.decline('c'), 'declined', 'no') UNION ALL SELECT is(pg_temp.offers(), 'd 10 09:30', 'what c did not want goes to d: another time, another offer') UNION ALL SELECT is(pg_temp.decline('d'), 'declined', 'no') UNION ALL SELECT is(pg_temp.offers(), 'none', 'nobody else can');
SELECT is(pg_temp.as('chief', format('SELECT clinic.change_hours(%L, ''2026-03-10'', end_time => ''10:30'') IS NOT NULL', pg_temp.id(73, 3))), 'true', 'Cy stays longer') UNION ALL SELECT is(pg_temp.job('hours_opened_job')::text, '1', 'noted')
UNION ALL SELECT is(pg_temp.offers(), 'd 10 10:00, c 17 10:00, e 24 10:00', 'only what is new is offered');
SELECT pg_temp.clear() \g /dev/null
SELECT is(pg_temp.join('c', format(', provider_id => %L', pg_temp.id(30, 3))), 'waiting', 'c waits for Cy');
SELECT is(pg_temp.as('chief', format('SELECT clinic.end_hours((SELECT rule_id FROM clinic.availability_rules WHERE resource_id = %L), ''2026-03-24'') IS NOT NULL', pg_temp.id(30, 3))), 'true', 'hours end') UNION ALL
SELECT is(pg_temp.job('hours_opened_job')::text, '0', 'nothing was opened') UNION ALL SELECT is(pg_temp.offers(), 'none', 'closures make no offers');
SELECT is(pg_temp.as('chief', format('SELECT clinic.add_block(''2026-03-17 09:00'', ''2026-03-17 09:30'', %L, block_id => %L) IS NOT NULL', pg_temp.id(30, 3), pg_temp.id(70))), 'true', 'a block') UNION ALL
SELECT is(pg_temp.job('hours_opened_job')::text, '0', 'opens nothing') UNION ALL SELECT is(pg_temp.as('chief', format('SELECT clinic.remove_block(%L)::text', pg_temp.id(70))), '', 'it is taken back') UNION ALL
SELECT is(pg_temp.job('hours_opened_job')::text, '1', 'which opens its time') UNION ALL SELECT is(pg_temp.offers(), 'c 17 09:00', 'for c') UNION ALL SELECT is(pg_temp.decline('c'), 'declined', 'no');
SELECT is(pg_temp.as('chief', format('SELECT clinic.close_date(%L, ''2026-03-24'', override_id => %L) IS NOT NULL', pg_temp.id(30, 3), pg_temp.id(72))), 'true', 'a closed date') UNION ALL
SELECT is(pg_temp.job('hours_opened_job')::text, '0', 'opens nothing') UNION ALL SELECT is(pg_temp.as('chief', format('SELECT clinic.remove_override(%L)::text', pg_temp.id(72))), '', 'it is taken back') UNION ALL
SELECT is(pg_temp.job('hours_opened_job')::text, '1', 'which opens the date') UNION ALL SELECT is(pg_temp.offers(), 'c 24 09:00', 'for c') UNION ALL SELECT is(pg_temp.decline('c'), 'declined', 'no');
SELECT is(pg_temp.as('chief', format('SELECT clinic.open_date(%L, %L, ''2026-03-25'', ''11:00'', ''12:00'') IS NOT NULL', pg_temp.id(30, 3), pg_temp.id(20))), 'true', 'a date is opened') UNION ALL
SELECT is(pg_temp.job('hours_opened_job')::text, '1', 'noted') UNION ALL SELECT is(pg_temp.offers(), 'c 25 11:00', 'and offered') UNION ALL SELECT is(pg_temp.decline('c'), 'declined', 'no');
SELECT is(pg_temp.as('chief', format('SELECT clinic.add_holiday(%L, ''2026-03-25'', ''Day'', holiday_id => %L) IS NOT NULL', pg_temp.id(20), pg_temp.id(71))), 'true', 'a holiday') UNION ALL
SELECT is(pg_temp.job('hours_opened_job')::text, '0', 'opens nothing') UNION ALL SELECT is(pg_temp.as('chief', format('SELECT clinic.remove_holiday(%L)::text', pg_temp.id(71))), '', 'it is taken back') UNION ALL
SELECT is(pg_temp.job('hours_opened_job')::text, '1', 'which opens the date') UNION ALL SELECT is(pg_temp.offers(), 'c 25 11:00', 'for c');
SELECT pg_temp.clear() \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- The sum of it.

SELECT is((SELECT count(*) FROM clinic_data.waitlist_offers o WHERE o.tenant_id = pg_temp.id(10) AND 1 <> (SELECT count(*) FROM clinic_data.events e
            WHERE e.tenant_id = o.tenant_id AND e.subject_id = o.offer_id AND e.name = 'waitlist.offered')), 0::bigint, 'each offer is one event');
SELECT is((SELECT count(*) FROM clinic_data.waitlist_offers o WHERE o.tenant_id = pg_temp.id(10) AND o.status <> 'open' AND 1 <> (SELECT count(*) FROM clinic_data.events e
            WHERE e.tenant_id = o.tenant_id AND e.subject_id = o.offer_id AND e.name = 'waitlist.' || o.status)), 0::bigint, 'and its end is another');
SELECT is((SELECT count(*) FROM clinic_data.waitlist_entries w WHERE w.tenant_id = pg_temp.id(10) AND 1 <> (SELECT count(*) FROM clinic_data.events e
            WHERE e.tenant_id = w.tenant_id AND e.subject_id = w.entry_id AND e.name = 'waitlist.joined')), 0::bigint, 'so is each joining');
SELECT is((SELECT count(*) FROM clinic_data.events e WHERE e.tenant_id = pg_temp.id(10) AND e.name LIKE 'waitlist.%' AND e.name NOT IN (SELECT n.name FROM clinic.event_names() n)),
          0::bigint, 'their names are known');

SELECT is(pg_temp.as('chief', 'SELECT string_agg(problem, '','') FROM clinic.check_integrity()'), NULL, 'the diary is whole');
SELECT is((SELECT count(*) FROM clinic_data.claims c WHERE c.tenant_id = pg_temp.id(10) AND c.owner_id IS NOT NULL AND c.expires_at > clinic.now()
            AND NOT EXISTS (SELECT FROM clinic_data.waitlist_slots s WHERE s.tenant_id = c.tenant_id AND s.slot_id = c.owner_id AND s.status = 'open')), 0::bigint, 'no claim outlives its slot');
SELECT is((SELECT count(*) FROM clinic_data.waitlist_offers o JOIN clinic_data.waitlist_slots s USING (tenant_id, slot_id)
            WHERE o.status = 'open' AND o.expires_at > clinic.now() AND s.status <> 'open'), 0::bigint, 'no offer does');
SELECT is((SELECT count(*) FROM clinic_data.waitlist_entries w WHERE w.tenant_id = pg_temp.id(10) AND (w.status = 'booked') <> (w.appointment_id IS NOT NULL)), 0::bigint, 'who is served has an appointment');
SELECT is((SELECT count(*) FROM clinic_data.waitlist_offers o WHERE o.tenant_id = pg_temp.id(10) AND (o.status = 'accepted') <> (o.appointment_id IS NOT NULL)), 0::bigint, 'so has who accepted');
SELECT throws_ok($$ INSERT INTO clinic_data.waitlist_entries (tenant_id, entry_id, service_id, patient_id, from_on, until_on, lapses_at, joined_at)
    SELECT pg_temp.id(10), clinic.new_id(), pg_temp.id(50), pg_temp.pat('a'), '2026-05-01', '2026-05-02', '2026-05-03', clinic.now() FROM generate_series(1, 2) $$, '23P01', NULL,
    'nobody waits twice for the same, whoever writes');
SELECT ok(NOT has_function_privilege('clinic_user', p.oid, 'EXECUTE') OR p.proname IN ('sees_waitlist', 'may_write_waitlist', 'waitlist_position'), p.proname || ' is not for callers')
  FROM pg_proc p WHERE p.pronamespace = 'clinic_private'::regnamespace AND p.prosrc ~ 'waitlist_(entries|offers|slots|openings)';

SELECT * FROM finish();
ROLLBACK;
