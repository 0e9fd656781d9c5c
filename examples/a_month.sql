-- A month of the front desks of Riverbend Health (examples/clinic.sql): four places in three zones, some four hundred patients, and
-- everything that happens to a diary, from Monday 2 March 2026 on. New York changes its clocks on the 8th, London on the 29th.
--
-- Run it with psql as a superuser, in a new database where CREATE EXTENSION pg_clinic CASCADE and CALL clinic.install() have been done:
--
--   psql -X -v ON_ERROR_STOP=1 -f examples/a_month.sql
--
--   -v days=31      how many days
--   -v pace=1       how much happens on each: 0.5 is half as much
--   -v seed=0.2026  another seed between -1 and 1 is another month; the same seed the same one
--
-- Every call is a transaction of its own, made as the clinic's software would make it, by a clock that is set. Refusals of the engine are part
-- of the day; any other error ends the script. At the end the counts are shown, and the invariants of test/stress/verify.sql,
-- which share no code with the engine. The script fails when one does not hold, or when, in a week or
-- more, something common, or in a whole month at full pace anything, never happened.

\set ON_ERROR_STOP on
\if :{?days} \else \set days 31 \endif
\if :{?pace} \else \set pace 1 \endif
\if :{?seed} \else \set seed 0.2026 \endif
SET client_min_messages = warning;
SET timezone = 'UTC';
\pset footer off
\pset pager off

\o /dev/null
\set empty_diary 1
\ir clinic.sql

-- How this clinic works.
SELECT clinic.update_tenant('{"hold_minutes": 20, "hold_cap_minutes": 60, "no_show_policy": "fee", "no_show_limit": 0,
                              "no_show_fee_amount": 25, "charge_currency": "USD"}');
SELECT clinic.update_service(s.service_id, '{"recall_days": 7}') FROM clinic.services AS s WHERE s.name = 'Procedure';
SELECT clinic.set_reminder_plan('[{"days_before": 1, "at": "18:00"}, {"before_minutes": 60}]', service_id => s.service_id)
FROM clinic.services AS s WHERE s.name = 'Telehealth';
SELECT clinic.create_subscription('Billing', 'https://hooks.example.org/riverbend', '{appointment.completed,appointment.no_show}');

-- Temporary tables: who the clinic deals with, and what was done.
CREATE TEMPORARY TABLE people AS
SELECT p.patient_id, p.mrn, '+1555' || right(p.mrn, 4) || '000' AS phone,
       CASE WHEN p.mrn < 'R1220' THEN 'America/New_York' WHEN p.mrn < 'R1311' THEN 'Europe/London' ELSE 'Asia/Kolkata' END AS region,
       row_number() OVER (PARTITION BY CASE WHEN p.mrn < 'R1220' THEN 1 WHEN p.mrn < 'R1311' THEN 2 ELSE 3 END ORDER BY p.mrn) AS n
FROM clinic.patients AS p;
CREATE TEMPORARY TABLE offered AS
SELECT s.service_id, s.name AS service, p.provider_id, p.name AS provider, p.time_zone::text AS region,
       row_number() OVER (PARTITION BY p.time_zone ORDER BY p.name, s.name) AS n
FROM clinic.service_providers AS o
JOIN clinic.services AS s ON s.service_id = o.service_id
JOIN clinic.providers AS p ON p.provider_id = o.provider_id;
CREATE TEMPORARY TABLE held (n serial, token text, fate text, due_at timestamptz, region text);
CREATE TEMPORARY TABLE late_patients (appointment_id uuid, comes_at timestamptz);
CREATE TEMPORARY TABLE mistakes (n serial, appointment_id uuid);
CREATE TEMPORARY TABLE did (at timestamptz, act text, outcome text, n integer DEFAULT 1);
ANALYZE people, offered;

SELECT clinic.set_patient_contact(p.patient_id, 'sms', p.phone, verified => true) FROM people AS p;
SELECT clinic.set_patient_contact(p.patient_id, 'email', lower(p.mrn) || '@patients.example', verified => true) FROM people AS p WHERE p.n % 3 = 0;
SELECT clinic.set_communication_preferences(p.patient_id, language => 'hi') FROM people AS p WHERE p.region = 'Asia/Kolkata' AND p.n % 2 = 0;
\o

-- Little helpers -------------------------------------------------------------------------------------------------------
CREATE FUNCTION pg_temp.pick(n bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT 1 + floor(random() * n)::bigint $$;

CREATE FUNCTION pg_temp.a_patient(region text) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    WITH dice AS MATERIALIZED (SELECT pg_temp.pick((SELECT count(*) FROM people AS o WHERE o.region = a_patient.region)) AS n)
    SELECT p.patient_id FROM people AS p, dice AS d WHERE p.region = a_patient.region AND p.n = d.n
$$;

-- One of the services that somebody offers there; by name where it is given.
CREATE FUNCTION pg_temp.an_offer(region text, service text DEFAULT NULL) RETURNS offered LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found offered;
BEGIN
    SELECT o.* INTO found FROM offered AS o
    WHERE o.region = an_offer.region AND coalesce(o.service = an_offer.service, o.service <> 'Group class')
    ORDER BY o.n
    OFFSET floor(random() * (SELECT count(*) FROM offered AS c
                             WHERE c.region = an_offer.region AND coalesce(c.service = an_offer.service, c.service <> 'Group class'))) LIMIT 1;
    RETURN found;
END
$$;

-- A free start on a day so many days from now or the days after it.
CREATE FUNCTION pg_temp.a_slot(service_id uuid, patient_id uuid, wanted_provider_id uuid, region text, in_days integer)
    RETURNS TABLE (provider_id uuid, location_id uuid, starts_at timestamptz) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    first timestamptz := ((clinic.now() AT TIME ZONE a_slot.region)::date + a_slot.in_days)::timestamp AT TIME ZONE a_slot.region;
    dice double precision := random();
BEGIN
    RETURN QUERY
    SELECT f.provider_id, f.location_id, f.starts_at
    FROM (SELECT s.*, row_number() OVER (ORDER BY s.starts_at, s.provider_id) AS place, count(*) OVER () AS places
          FROM clinic.available_slots(a_slot.service_id, first, first + interval '3 days', provider_id => a_slot.wanted_provider_id,
                                      patient_id => a_slot.patient_id, max_rows => 60) AS s) AS f
    WHERE f.place = 1 + floor(dice * f.places);
END
$$;

-- A visit to come, between so many hours from now.
CREATE FUNCTION pg_temp.a_visit(region text, from_hours integer, until_hours integer) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found uuid[];
BEGIN
    SELECT array_agg(a.appointment_id ORDER BY a.starts_at, p.mrn, a.appointment_id) INTO found
    FROM clinic.appointments AS a
    JOIN people AS p ON p.patient_id = a.patient_id
    WHERE a.status IN ('booked', 'confirmed') AND p.region = a_visit.region
      AND a.starts_at BETWEEN clinic.now() + make_interval(hours => from_hours) AND clinic.now() + make_interval(hours => until_hours);
    RETURN found[pg_temp.pick(cardinality(found))];
END
$$;

-- What people do: each function is one call or a few, returns how it ended, and may be refused ----------------------------
CREATE FUNCTION pg_temp.book(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wish offered := pg_temp.an_offer(book.region);
    patient uuid := pg_temp.a_patient(book.region);
    slot record;
    key text := md5(random()::text);
    booked record;
    again record;
BEGIN
    SELECT * INTO slot FROM pg_temp.a_slot(wish.service_id, patient, wish.provider_id, book.region, pg_temp.pick(16)::integer - 1);
    IF slot.starts_at IS NULL THEN RETURN 'nothing free'; END IF;
    SELECT b.* INTO booked FROM clinic.book_appointment(wish.service_id, patient, slot.starts_at, slot.provider_id, slot.location_id,
                                                        idempotency_key => key) AS b;
    IF random() < 0.1 THEN
        -- The answer was lost on the way, and the program asks again.
        SELECT b.* INTO again FROM clinic.book_appointment(wish.service_id, patient, slot.starts_at, slot.provider_id, slot.location_id,
                                                           idempotency_key => key) AS b;
        IF again.appointment_id <> booked.appointment_id OR NOT again.replayed THEN RAISE 'asked twice, booked twice'; END IF;
        RETURN 'done, asked twice';
    END IF;
    RETURN 'done';
END
$$;

-- Two at once for the same start: the second is told that it is gone.
CREATE FUNCTION pg_temp.book_too_late(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wanted uuid := pg_temp.a_visit(book_too_late.region, 24, 200);
    taken record;
BEGIN
    SELECT a.* INTO taken FROM clinic.appointments AS a WHERE a.appointment_id = wanted;
    IF taken.appointment_id IS NULL THEN RETURN 'nothing'; END IF;
    PERFORM clinic.book_appointment(taken.service_id, pg_temp.a_patient(book_too_late.region), taken.starts_at, taken.provider_id, taken.location_id);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.book_first_available(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wish offered := pg_temp.an_offer(book_first_available.region);
BEGIN
    PERFORM clinic.book_first_available(wish.service_id, pg_temp.a_patient(book_first_available.region), clinic.now() + interval '1 hour',
        clinic.now() + interval '9 days',
        provider_ids => (SELECT array_agg(o.provider_id ORDER BY o.n) FROM offered AS o WHERE o.region = book_first_available.region AND o.service_id = wish.service_id));
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.hold(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wish offered := pg_temp.an_offer(hold.region);
    patient uuid := pg_temp.a_patient(hold.region);
    slot record;
    dice double precision;
BEGIN
    SELECT * INTO slot FROM pg_temp.a_slot(wish.service_id, patient, wish.provider_id, hold.region, pg_temp.pick(14)::integer - 1);
    IF slot.starts_at IS NULL THEN RETURN 'nothing free'; END IF;
    dice := random();
    INSERT INTO held (token, fate, due_at, region)
    SELECT h.hold_token, f.fate, clinic.now() + CASE f.fate WHEN 'confirm too late' THEN interval '30 minutes' ELSE interval '15 minutes' END, hold.region
    FROM clinic.hold_slot(wish.service_id, patient, slot.starts_at, slot.provider_id, slot.location_id) AS h,
         (SELECT CASE WHEN dice < 0.55 THEN 'confirm' WHEN dice < 0.65 THEN 'extend' WHEN dice < 0.8 THEN 'release'
                      WHEN dice < 0.9 THEN 'confirm too late' ELSE 'forget' END AS fate) AS f;
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.settle_hold(hold json) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    h held := json_populate_record(NULL::held, hold);
BEGIN
    CASE h.fate
    WHEN 'confirm' THEN PERFORM clinic.confirm_hold(h.token); RETURN 'confirmed';
    WHEN 'release' THEN PERFORM clinic.release_hold(h.token); RETURN 'released';
    WHEN 'extend' THEN
        PERFORM clinic.extend_hold(h.token);
        INSERT INTO held (token, fate, due_at, region) VALUES (h.token, 'confirm', clinic.now() + interval '15 minutes', h.region);
        RETURN 'extended';
    WHEN 'confirm too late' THEN
        BEGIN
            PERFORM clinic.confirm_hold(h.token);
            RAISE 'a hold was confirmed after its end';
        EXCEPTION WHEN SQLSTATE 'CL020' THEN
            PERFORM clinic.confirm_hold(h.token, if_still_free => true);
            RETURN 'confirmed afresh';
        END;
    ELSE RETURN 'forgotten';
    END CASE;
END
$$;

CREATE FUNCTION pg_temp.reschedule(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wanted uuid := pg_temp.a_visit(reschedule.region, 3, 240);
    visit record;
    slot record;
BEGIN
    SELECT a.* INTO visit FROM clinic.appointments AS a WHERE a.appointment_id = wanted;
    IF visit.appointment_id IS NULL THEN RETURN 'nothing'; END IF;
    SELECT * INTO slot FROM pg_temp.a_slot(visit.service_id, NULL, CASE WHEN random() < 0.7 THEN visit.provider_id END, reschedule.region, pg_temp.pick(12)::integer - 1);
    IF slot.starts_at IS NULL THEN RETURN 'nothing free'; END IF;
    PERFORM clinic.reschedule_appointment(visit.appointment_id, slot.starts_at, slot.provider_id, slot.location_id, version => visit.version);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.cancel(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    visit uuid := pg_temp.a_visit(cancel.region, 3, CASE WHEN random() < 0.6 THEN 60 ELSE 400 END);
BEGIN
    IF visit IS NULL THEN RETURN 'nothing'; END IF;
    PERFORM clinic.cancel_appointment(visit, reason => 'cannot come');
    IF random() < 0.15 THEN INSERT INTO mistakes (appointment_id) VALUES (visit); END IF;
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.reinstate(visit uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.reinstate_appointment(reinstate.visit, 'cancelled by mistake');
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.swap(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    one uuid := pg_temp.a_visit(swap.region, 24, 400);
    other uuid;
BEGIN
    SELECT b.appointment_id INTO other
    FROM clinic.appointments AS a
    JOIN clinic.appointments AS b ON b.service_id = a.service_id AND b.patient_id <> a.patient_id AND b.location_id = a.location_id
    WHERE a.appointment_id = one AND b.status = 'booked' AND b.starts_at > clinic.now() + interval '1 day' AND b.session_id IS NULL
    ORDER BY b.starts_at, b.confirmation_code LIMIT 1;
    IF other IS NULL THEN RETURN 'nothing'; END IF;
    PERFORM clinic.swap_appointments(one, other);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.confirm(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    visit uuid := pg_temp.a_visit(confirm.region, 1, 72);
BEGIN
    IF visit IS NULL THEN RETURN 'nothing'; END IF;
    PERFORM clinic.confirm_appointment(visit);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.join_waitlist(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wish offered := pg_temp.an_offer(join_waitlist.region);
    today date := (clinic.now() AT TIME ZONE join_waitlist.region)::date;
    patient uuid := pg_temp.a_patient(join_waitlist.region);
    wanted uuid := pg_temp.a_visit(join_waitlist.region, 96, 400);
    later uuid;
BEGIN
    IF random() < 0.3 THEN
        -- Has an appointment, and would like an earlier one.
        SELECT a.service_id, a.patient_id, a.appointment_id INTO wish.service_id, patient, later
        FROM clinic.appointments AS a WHERE a.appointment_id = wanted AND a.session_id IS NULL;
        IF later IS NULL THEN RETURN 'nothing'; END IF;
        wish.provider_id := NULL;
    ELSIF random() < 0.4 THEN
        wish.provider_id := NULL;
    END IF;
    PERFORM clinic.join_waitlist(wish.service_id, patient, provider_id => wish.provider_id, from_on => today, until_on => today + 10,
        times_of_day => CASE WHEN random() < 0.2 THEN '{08:00-13:00}'::text[] END, urgency => CASE WHEN random() < 0.2 THEN 5 ELSE 0 END,
        releases_appointment_id => later);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.leave_waitlist(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    entry uuid;
BEGIN
    SELECT w.entry_id INTO entry FROM clinic.waitlist_entries AS w JOIN people AS p ON p.patient_id = w.patient_id
    WHERE p.region = leave_waitlist.region AND w.status = 'waiting' ORDER BY w.joined_at, p.mrn LIMIT 1;
    IF entry IS NULL THEN RETURN 'nothing'; END IF;
    PERFORM clinic.leave_waitlist(entry);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.offer_by_hand(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    entry record;
    slot record;
BEGIN
    SELECT w.entry_id, w.service_id, w.patient_id, w.provider_id INTO entry FROM clinic.waitlist_entries AS w JOIN people AS p ON p.patient_id = w.patient_id
    WHERE p.region = offer_by_hand.region AND w.status = 'waiting' ORDER BY w.joined_at DESC, p.mrn LIMIT 1;
    IF entry.entry_id IS NULL THEN RETURN 'nothing'; END IF;
    SELECT * INTO slot FROM pg_temp.a_slot(entry.service_id, entry.patient_id, entry.provider_id, offer_by_hand.region, 1);
    IF slot.starts_at IS NULL THEN RETURN 'nothing free'; END IF;
    PERFORM clinic.offer_slot(entry.entry_id, slot.starts_at, slot.provider_id, slot.location_id);
    RETURN 'done';
END
$$;

-- Half of the offers are accepted, some by answering the message, a quarter declined, the rest not noticed.
CREATE FUNCTION pg_temp.answer_offer(wanted uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    dice double precision := random();
    answer record;
BEGIN
    IF dice < 0.4 THEN
        PERFORM clinic.accept_offer(wanted);
        RETURN 'accepted';
    ELSIF dice < 0.55 THEN
        SELECT r.action, r.outcome, r.reason INTO answer
        FROM clinic.record_reply('sms', (SELECT p.phone FROM people AS p JOIN clinic.waitlist_offers AS o USING (patient_id) WHERE o.offer_id = wanted), 'YES') AS r;
        RETURN 'reply ' || answer.outcome || coalesce(' ' || answer.reason, '');
    ELSIF dice < 0.75 THEN
        PERFORM clinic.decline_offer(wanted);
        RETURN 'declined';
    END IF;
    RETURN 'not noticed';
END
$$;

CREATE FUNCTION pg_temp.walk_in(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    here record;
    squeezed boolean := random() < 0.15;
BEGIN
    -- Somebody who works now, and what they offer.
    SELECT o.service_id, o.provider_id, h.location_id INTO here
    FROM offered AS o
    CROSS JOIN LATERAL clinic.open_hours(ARRAY[o.provider_id], clinic.now(), clinic.now() + interval '30 minutes', NULL, o.service_id) AS h
    WHERE o.region = walk_in.region AND o.service IN ('Consultation', 'Follow-up', 'Telehealth')
    ORDER BY o.n, h.starts_at OFFSET pg_temp.pick(4) - 1 LIMIT 1;
    IF here.service_id IS NULL THEN RETURN 'closed'; END IF;
    PERFORM clinic.book_walk_in(here.service_id, pg_temp.a_patient(walk_in.region), here.location_id, here.provider_id, squeeze => squeezed,
        reason => CASE WHEN squeezed THEN 'in pain' END, urgency => CASE WHEN squeezed THEN 3 ELSE 0 END);
    RETURN CASE WHEN squeezed THEN 'squeezed in' ELSE 'done' END;
END
$$;

-- A question at the desk: a ticket without an appointment, called and done.
CREATE FUNCTION pg_temp.question(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    place uuid := (SELECT l.location_id FROM clinic.locations AS l WHERE l.time_zone::text = question.region ORDER BY l.name LIMIT 1);
    ticket record;
BEGIN
    PERFORM clinic.issue_ticket(place);
    SELECT c.ticket_id INTO ticket FROM clinic.call_next(place) AS c;
    IF random() < 0.1 THEN
        PERFORM clinic.change_ticket(ticket.ticket_id, 'leave');
        RETURN 'left';
    END IF;
    PERFORM clinic.change_ticket(ticket.ticket_id, 'serve'), clinic.change_ticket(ticket.ticket_id, 'finish');
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.book_series(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wish offered := pg_temp.an_offer(book_series.region, 'Consultation');
    patient uuid := pg_temp.a_patient(book_series.region);
    slot record;
BEGIN
    SELECT * INTO slot FROM pg_temp.a_slot(wish.service_id, patient, wish.provider_id, book_series.region, pg_temp.pick(5)::integer);
    IF slot.starts_at IS NULL THEN RETURN 'nothing free'; END IF;
    PERFORM clinic.book_series(wish.service_id, patient, CASE WHEN random() < 0.8 THEN 'FREQ=WEEKLY;COUNT=5' ELSE 'FREQ=WEEKLY' END,
        starts_at => slot.starts_at, provider_id => slot.provider_id, location_id => slot.location_id, mode => 'skip');
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.change_series(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a_date record;
    dice double precision := random();
BEGIN
    SELECT s.series_id, s.local_original_start, a.local_starts_at INTO a_date
    FROM clinic.series_appointments AS s
    JOIN clinic.appointments AS a ON a.appointment_id = s.appointment_id
    JOIN people AS p ON p.patient_id = a.patient_id
    WHERE p.region = change_series.region AND a.status IN ('booked', 'confirmed') AND a.starts_at > clinic.now() + interval '30 hours'
    ORDER BY a.starts_at, p.mrn OFFSET pg_temp.pick(10) - 1 LIMIT 1;
    IF a_date.series_id IS NULL THEN RETURN 'nothing'; END IF;
    IF dice < 0.4 THEN
        PERFORM clinic.edit_series(a_date.series_id, 'following', local_original_start => a_date.local_original_start,
            local_starts_at => a_date.local_starts_at + interval '30 minutes', mode => 'skip');
        RETURN 'moved';
    ELSIF dice < 0.7 THEN
        PERFORM clinic.edit_series(a_date.series_id, 'this', local_original_start => a_date.local_original_start,
            local_starts_at => a_date.local_starts_at + interval '60 minutes');
        RETURN 'one moved';
    END IF;
    PERFORM clinic.cancel_series(a_date.series_id, 'following', local_original_start => a_date.local_original_start, reason => 'feels better');
    RETURN 'cancelled';
END
$$;

CREATE FUNCTION pg_temp.create_session(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wish offered := pg_temp.an_offer(create_session.region, 'Group class');
    slot record;
BEGIN
    IF wish.service_id IS NULL THEN RETURN 'nothing'; END IF;
    SELECT * INTO slot FROM pg_temp.a_slot(wish.service_id, NULL, wish.provider_id, create_session.region, pg_temp.pick(12)::integer);
    IF slot.starts_at IS NULL THEN RETURN 'nothing free'; END IF;
    PERFORM clinic.create_session(wish.service_id, wish.provider_id, slot.starts_at, capacity => 4 + pg_temp.pick(4)::integer, title => 'Back school');
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.book_seat(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wanted uuid;
    dice double precision := random();
BEGIN
    SELECT g.session_id INTO wanted FROM clinic.group_sessions AS g
    WHERE g.status = 'scheduled' AND g.starts_at > clinic.now() AND g.time_zone::text = book_seat.region
    ORDER BY g.starts_at OFFSET pg_temp.pick(3) - 1 LIMIT 1;
    IF wanted IS NULL THEN RETURN pg_temp.create_session(book_seat.region); END IF;
    IF dice < 0.04 THEN
        PERFORM clinic.cancel_session(wanted, 'teacher is ill');
        RETURN 'session cancelled';
    ELSIF dice < 0.08 THEN
        PERFORM clinic.set_session_capacity(wanted, 10);
        RETURN 'session enlarged';
    END IF;
    PERFORM clinic.book_seat(wanted, pg_temp.a_patient(book_seat.region), seats => CASE WHEN random() < 0.2 THEN 2 ELSE 1 END);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.book_visit(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    patient uuid := pg_temp.a_patient(book_visit.region);
    provider uuid := (pg_temp.an_offer(book_visit.region, 'New patient')).provider_id;
    first timestamptz := clinic.now() + pg_temp.pick(10) * interval '1 day';
    steps jsonb;
BEGIN
    SELECT i.steps INTO steps
    FROM clinic.find_itineraries(jsonb_build_array(
             jsonb_build_object('service_id', (SELECT s.service_id FROM clinic.services AS s WHERE s.name = 'New patient'), 'provider_id', provider),
             jsonb_build_object('service_id', (SELECT s.service_id FROM clinic.services AS s WHERE s.name = 'Consultation'), 'max_gap_minutes', 180,
                                'min_gap_minutes', 10)),
         first, first + interval '2 days', patient_id => patient, one_location => true, max_rows => 5) AS i
    ORDER BY i.itinerary OFFSET pg_temp.pick(3) - 1 LIMIT 1;
    IF steps IS NULL THEN RETURN 'nothing free'; END IF;
    PERFORM clinic.book_visit(steps, patient);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.change_visit(region text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    visit uuid;
BEGIN
    SELECT v.visit_id INTO visit
    FROM clinic.visit_appointments AS v
    JOIN clinic.appointments AS a ON a.appointment_id = v.appointment_id
    JOIN people AS p ON p.patient_id = a.patient_id
    WHERE p.region = change_visit.region AND v.step = 1 AND a.status = 'booked' AND a.starts_at > clinic.now() + interval '1 day'
    ORDER BY a.starts_at, p.mrn OFFSET pg_temp.pick(3) - 1 LIMIT 1;
    IF visit IS NULL THEN RETURN 'nothing'; END IF;
    IF random() < 0.5 THEN
        PERFORM clinic.move_visit(visit, shift => interval '1 day');
        RETURN 'moved';
    END IF;
    PERFORM clinic.cancel_visit(visit, 'no time');
    RETURN 'cancelled';
END
$$;

-- The day at the desk --------------------------------------------------------------------------------------------------
CREATE FUNCTION pg_temp.receive(visit uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    dice double precision := random();
BEGIN
    IF dice < 0.84 THEN
        PERFORM clinic.check_in(visit, idempotency_key => 'in ' || visit);
        RETURN 'in time';
    ELSIF dice < 0.91 THEN
        INSERT INTO late_patients VALUES (visit, clinic.now() + pg_temp.pick(3) * interval '15 minutes');
        RETURN 'will be late';
    ELSIF dice < 0.94 THEN
        PERFORM clinic.cancel_appointment(visit, 'called at the last minute');
        RETURN 'cancelled late';
    END IF;
    RETURN 'does not come';
END
$$;

CREATE FUNCTION pg_temp.receive_late(visit uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.check_in(receive_late.visit);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.begin_visit(visit uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a record;
    next record;
BEGIN
    SELECT v.location_id, v.provider_id, v.status INTO a FROM clinic.appointments AS v WHERE v.appointment_id = visit;
    IF a.status <> 'arrived' THEN RETURN 'nothing'; END IF;
    IF random() < 0.05 THEN
        PERFORM clinic.undo_check_in(visit);
        PERFORM clinic.check_in(visit);
    END IF;
    SELECT c.ticket_id, c.appointment_id INTO next FROM clinic.call_next(a.location_id, a.provider_id) AS c;
    IF next.ticket_id IS NULL THEN
        PERFORM clinic.start_visit(visit);
        RETURN 'started';
    ELSIF next.appointment_id IS NOT NULL AND random() < 0.03 THEN
        PERFORM clinic.change_ticket(next.ticket_id, 'return');
        RETURN 'did not hear it';
    END IF;
    PERFORM clinic.change_ticket(next.ticket_id, 'serve');
    RETURN 'called and served';
END
$$;

CREATE FUNCTION pg_temp.end_visit(visit uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.complete_visit(visit);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.judge_missing(visit uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.1 THEN
        PERFORM clinic.clear_no_show_flag(visit);
        PERFORM clinic.check_in(visit);
        RETURN 'was there all the time';
    END IF;
    PERFORM clinic.mark_no_show(visit, 'did not come');
    IF random() < 0.1 THEN
        PERFORM clinic.reverse_no_show(visit, 'sat in the wrong room');
        PERFORM clinic.check_in(visit);
        RETURN 'reversed';
    END IF;
    RETURN 'no-show';
END
$$;

CREATE FUNCTION pg_temp.tell_of_delay(provider uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told bigint;
BEGIN
    SELECT count(*) INTO told FROM clinic.announce_delay(provider, late_minutes => 25);
    INSERT INTO did VALUES (clinic.now(), 'patients told of a delay', 'done', told);
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.settle_charge(charge uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.3 THEN
        PERFORM clinic.waive_charge(charge, 'first time');
        RETURN 'waived';
    END IF;
    PERFORM clinic.settle_charge(charge);
    RETURN 'paid';
END
$$;

-- The programs beside the desk: jobs, messages out, deliveries and answers in, events to the subscriber.
CREATE FUNCTION pg_temp.run_jobs(jobs text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wrong text;
BEGIN
    SELECT string_agg(j.job || ': ' || coalesce(j.error_message, j.outcome), '; ') INTO wrong FROM clinic.run_jobs(string_to_array(jobs, ',')) AS j WHERE j.outcome <> 'ok';
    IF wrong IS NOT NULL THEN RAISE 'jobs: %', wrong; END IF;
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.send_messages(at text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message record;
    sent integer := 0;
    answers jsonb := '[]';
    answer record;
BEGIN
    LOOP
        FOR message IN SELECT c.message_id, c.topic, c.channel, c.destination, c.attempts FROM clinic.claim_due_notifications(200, 600) AS c ORDER BY c.created_at, c.message_id LOOP
            sent := sent + 1;
            IF random() < 0.02 AND message.attempts < 2 THEN
                PERFORM clinic.finish_message(message.message_id, error => 'gateway timeout', retry_in_seconds => 60);
            ELSE
                PERFORM clinic.finish_message(message.message_id);
                PERFORM clinic.record_delivery(message.message_id, CASE WHEN random() < 0.005 THEN 'bounced' ELSE 'delivered' END);
                IF message.topic = 'notification.reminder' AND random() < 0.12 THEN
                    answers := answers || jsonb_build_object('channel', message.channel, 'destination', message.destination,
                        'text', CASE WHEN random() < 0.85 THEN 'CONFIRM' ELSE 'CANCEL' END);
                END IF;
            END IF;
        END LOOP;
        EXIT WHEN NOT FOUND;
    END LOOP;
    INSERT INTO did VALUES (clinic.now(), 'messages sent', 'done', sent);
    FOR answer IN SELECT a.value ->> 'channel' AS channel, a.value ->> 'destination' AS destination, a.value ->> 'text' AS text FROM jsonb_array_elements(answers) AS a LOOP
        INSERT INTO did SELECT clinic.now(), 'answer ' || r.action, r.outcome || coalesce(' ' || r.reason, '')
        FROM clinic.record_reply(answer.channel, answer.destination, answer.text) AS r;
    END LOOP;
    RETURN 'done';
END
$$;

CREATE FUNCTION pg_temp.deliver_events(at text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    delivered integer;
BEGIN
    LOOP
        SELECT count(clinic.finish_delivery(c.delivery_id, http_status => CASE WHEN random() < 0.02 THEN 503 ELSE 204 END, attempt => c.attempts)) INTO delivered
        FROM clinic.claim_deliveries(200, 300) AS c;
        EXIT WHEN delivered = 0;
        INSERT INTO did VALUES (clinic.now(), 'events delivered', 'done', delivered);
    END LOOP;
    RETURN 'done';
END
$$;

-- Two days that are different -------------------------------------------------------------------------------------------
-- New hours in the middle of the month: looked at first, then made; who is outside is cancelled and told.
CREATE FUNCTION pg_temp.change_hours(on_day text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    change jsonb;
    foreseen bigint;
    lost bigint;
    made record;
BEGIN
    SELECT jsonb_build_object('kind', 'change_hours', 'rule_id', r.rule_id, 'from_on', on_day::date + 1, 'rule', 'FREQ=WEEKLY;BYDAY=TU', 'start_time', '12:00', 'end_time', '18:00')
    INTO change
    FROM clinic.availability_rules AS r JOIN clinic.providers AS p ON p.provider_id = r.resource_id
    WHERE p.name = 'Dr. Clara Voss' AND r.rule ~ 'TU,TH';
    SELECT count(*) INTO foreseen FROM clinic.preview_schedule_change(change) AS v WHERE v.kind IN ('booking', 'pending') AND v.newly;
    SELECT count(*) FILTER (WHERE s.effect = 'lost') INTO lost
    FROM clinic.simulate(change, (SELECT s.service_id FROM clinic.services AS s WHERE s.name = 'Laser treatment'), clinic.now(), clinic.now() + interval '14 days') AS s;
    SELECT c.kept, c.cancelled INTO made FROM clinic.apply_schedule_change(change, 'cancel', 'new hours') AS c;
    IF made.cancelled < foreseen THEN RAISE '% were foreseen, % cancelled', foreseen, made.cancelled; END IF;
    INSERT INTO did VALUES (clinic.now(), 'cancelled for new hours', 'done', made.cancelled), (clinic.now(), 'slots lost by new hours', 'done', lost);
    RETURN 'done';
END
$$;

-- A provider is ill this morning: each patient gets another provider or day, or is called off.
CREATE FUNCTION pg_temp.sick_today(on_day text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ill uuid := (SELECT p.provider_id FROM clinic.providers AS p WHERE p.name = 'Dr. Ada Moss');
    visit record;
    slot record;
    leave jsonb;
BEGIN
    leave := jsonb_build_object('kind', 'add_leave', 'resource_id', ill, 'from_on', on_day, 'until_on', on_day, 'title', 'Ill');
    FOR visit IN
        SELECT (a.value ->> 'appointment_id')::uuid AS appointment_id, (a.value ->> 'service_id')::uuid AS service_id, (a.value ->> 'patient_id')::uuid AS patient_id
        FROM clinic.apply_schedule_change(leave, 'keep', 'ill') AS c CROSS JOIN LATERAL jsonb_array_elements(c.affected) WITH ORDINALITY AS a (value, place)
        WHERE a.value ->> 'kind' = 'booking' ORDER BY a.place
    LOOP
        BEGIN
            SELECT s.provider_id, s.location_id, s.starts_at INTO slot
            FROM clinic.available_slots(visit.service_id, clinic.now(), clinic.now() + interval '4 days', patient_id => visit.patient_id, max_rows => 200) AS s
            JOIN offered AS o ON o.provider_id = s.provider_id AND o.service_id = visit.service_id AND o.region = 'America/New_York'
            ORDER BY s.starts_at, s.provider_id LIMIT 1;
            IF slot.starts_at IS NULL THEN
                PERFORM clinic.cancel_appointment(visit.appointment_id, 'the doctor is ill');
                INSERT INTO did VALUES (clinic.now(), 'patient of the ill doctor', 'called off');
            ELSE
                PERFORM clinic.reschedule_appointment(visit.appointment_id, slot.starts_at, slot.provider_id, slot.location_id);
                INSERT INTO did VALUES (clinic.now(), 'patient of the ill doctor', 'moved');
            END IF;
        EXCEPTION WHEN SQLSTATE 'CL029' THEN
            NULL;   -- has begun
        END;
    END LOOP;
    RETURN 'done';
END
$$;

-- The clock ------------------------------------------------------------------------------------------------------------
-- One act, in its own transaction, with what came of it. What the engine refuses is an answer; anything else ends the script.
CREATE PROCEDURE pg_temp.act(act text, argument text) LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
    state text;
BEGIN
    BEGIN
        EXECUTE format('SELECT pg_temp.%I(%L)', act.act, act.argument) INTO outcome;
    EXCEPTION WHEN OTHERS THEN
        IF SQLSTATE NOT LIKE 'CL%' THEN RAISE; END IF;
        state := SQLSTATE;
        outcome := (SELECT 'refused: ' || c.code FROM clinic.error_codes() AS c WHERE c.sqlstate = state);
    END;
    INSERT INTO did VALUES (clinic.now(), act.act, outcome);
    COMMIT;
END
$$;

CREATE PROCEDURE pg_temp.acts(act text, arguments text[]) LANGUAGE plpgsql AS $$
DECLARE
    argument text;
BEGIN
    FOREACH argument IN ARRAY coalesce(arguments, '{}') LOOP
        CALL pg_temp.act(act, argument);
    END LOOP;
END
$$;

-- Calls of a region in a quarter of an hour.
CREATE PROCEDURE pg_temp.calls(region text, number integer) LANGUAGE plpgsql AS $$
DECLARE
    dice double precision;
BEGIN
    FOR i IN 1 .. number LOOP
        dice := random();
        CALL pg_temp.act(CASE
            WHEN dice < 0.36 THEN 'book'
            WHEN dice < 0.44 THEN 'book_first_available'
            WHEN dice < 0.54 THEN 'hold'
            WHEN dice < 0.62 THEN 'reschedule'
            WHEN dice < 0.72 THEN 'cancel'
            WHEN dice < 0.80 THEN 'join_waitlist'
            WHEN dice < 0.81 THEN 'leave_waitlist'
            WHEN dice < 0.82 THEN 'offer_by_hand'
            WHEN dice < 0.85 THEN 'walk_in'
            WHEN dice < 0.87 THEN 'question'
            WHEN dice < 0.885 THEN 'book_series'
            WHEN dice < 0.895 THEN 'change_series'
            WHEN dice < 0.93 THEN 'book_seat'
            WHEN dice < 0.945 THEN 'book_visit'
            WHEN dice < 0.95 THEN 'change_visit'
            WHEN dice < 0.96 THEN 'book_too_late'
            WHEN dice < 0.965 THEN 'swap'
            ELSE 'confirm' END, region);
    END LOOP;
END
$$;

CREATE PROCEDURE pg_temp.quarter(at timestamptz, pace double precision) LANGUAGE plpgsql AS $$
DECLARE
    visits text[];
    begun text[];
    ended text[];
    missing text[];
    late text[];
    list text[];
    place record;
    wall timestamp;
BEGIN
    PERFORM set_config('clinic.clock', at::text, false);
    -- The waiting room.
    WITH come AS (DELETE FROM late_patients AS l WHERE l.comes_at <= at RETURNING l.appointment_id, l.comes_at)
    SELECT array_agg(l.appointment_id ORDER BY l.comes_at, a.starts_at, p.mrn) INTO late
    FROM come AS l JOIN clinic.appointments AS a USING (appointment_id) JOIN people AS p USING (patient_id);
    SELECT array_agg(a.appointment_id ORDER BY a.starts_at, p.mrn, a.ends_at) FILTER (WHERE a.status IN ('booked', 'confirmed') AND a.starts_at >= at AND a.starts_at < at + interval '15 minutes'),
           array_agg(a.appointment_id ORDER BY a.starts_at, p.mrn, a.ends_at) FILTER (WHERE a.status = 'arrived' AND a.starts_at <= at),
           array_agg(a.appointment_id ORDER BY a.starts_at, p.mrn, a.ends_at) FILTER (WHERE a.status = 'in_progress' AND a.ends_at <= at),
           array_agg(a.appointment_id ORDER BY a.starts_at, p.mrn, a.ends_at) FILTER (WHERE a.status IN ('booked', 'confirmed') AND a.no_show_flagged_at IS NOT NULL AND a.starts_at < at - interval '50 minutes')
    INTO visits, begun, ended, missing
    FROM clinic.appointments AS a JOIN people AS p USING (patient_id)
    WHERE a.starts_at > at - interval '2 days' AND a.starts_at < at + interval '15 minutes' AND a.status IN ('booked', 'confirmed', 'arrived', 'in_progress');
    CALL pg_temp.acts('receive_late', late);
    CALL pg_temp.acts('end_visit', ended);
    CALL pg_temp.acts('begin_visit', begun);
    CALL pg_temp.acts('judge_missing', missing);
    CALL pg_temp.acts('receive', visits);

    -- What was left to be settled.
    WITH due AS (DELETE FROM held AS h WHERE h.due_at <= at RETURNING h.*)
    SELECT array_agg(row_to_json(d) ORDER BY d.due_at, d.fate, d.region, d.n) INTO list FROM due AS d;
    CALL pg_temp.acts('settle_hold', list);
    WITH made AS (DELETE FROM mistakes AS m RETURNING m.*)
    SELECT array_agg(m.appointment_id ORDER BY m.n) INTO list FROM made AS m;
    CALL pg_temp.acts('reinstate', list);
    list := (SELECT array_agg(o.offer_id ORDER BY o.starts_at, p.mrn) FROM clinic.waitlist_offers AS o JOIN people AS p USING (patient_id)
                                       WHERE o.status = 'open' AND o.offered_at > at - interval '20 minutes');
    CALL pg_temp.acts('answer_offer', list);

    -- The telephone, from eight to six.
    FOR place IN SELECT * FROM (VALUES ('America/New_York', 1.9), ('Europe/London', 0.9), ('Asia/Kolkata', 0.9)) AS v (region, weight) LOOP
        wall := at AT TIME ZONE place.region;
        IF wall::time >= '08:00' AND wall::time < '18:00' AND extract(isodow FROM wall) < 7 THEN
            CALL pg_temp.calls(place.region, floor(pace * place.weight * CASE WHEN extract(isodow FROM wall) = 6 THEN 0.3 ELSE 1 END + random())::integer);
        END IF;
    END LOOP;

    -- Every half hour, every hour, and once a day.
    IF extract(minute FROM at) IN (0, 30) THEN
        CALL pg_temp.act('send_messages', at::text);
    END IF;
    IF extract(minute FROM at) = 30 THEN
        CALL pg_temp.act('run_jobs', 'sweep_claims,expire_offers,flag_no_shows,plan_notifications,hours_opened');
        CALL pg_temp.act('deliver_events', at::text);
    END IF;
    IF at::time = '15:45' THEN
        list := (SELECT array_agg(p.provider_id) FROM clinic.providers AS p WHERE p.name = 'Dr. Ben Okafor');
        CALL pg_temp.acts('tell_of_delay', list);
    ELSIF at::time = '23:45' THEN
        CALL pg_temp.act('run_jobs', 'extend_series,daily_snapshot,retention,partitions');
        list := (SELECT array_agg(c.charge_id ORDER BY c.amount, a.starts_at, p.mrn) FILTER (WHERE a.starts_at < at - interval '1 day')
                                            FROM clinic.appointment_charges AS c JOIN clinic.appointments AS a USING (appointment_id) JOIN people AS p ON p.patient_id = a.patient_id
                                            WHERE c.state = 'due');
        CALL pg_temp.acts('settle_charge', list);
    END IF;
END
$$;

CREATE PROCEDURE pg_temp.a_day(on_day date, pace double precision, day_of_change date, day_of_illness date) LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := greatest(on_day::timestamptz, '2026-03-02 12:00Z');
BEGIN
    WHILE at < (on_day + 1)::timestamptz LOOP
        IF on_day = day_of_illness AND at::time = '11:00' THEN
            PERFORM set_config('clinic.clock', at::text, false);
            CALL pg_temp.act('sick_today', on_day::text);
        ELSIF on_day = day_of_change AND at::time = '13:00' THEN
            PERFORM set_config('clinic.clock', at::text, false);
            CALL pg_temp.act('change_hours', on_day::text);
        END IF;
        CALL pg_temp.quarter(at, pace);
        at := at + interval '15 minutes';
    END LOOP;
END
$$;

CREATE FUNCTION pg_temp.line_of(on_day date) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s   booked %s   moved %s   cancelled %s   refused %s   offers %s (%s accepted)   came %s   no-shows %s   messages %s',
        to_char(on_day, 'Dy DD Mon'),
        to_char(coalesce(sum(d.n) FILTER (WHERE d.act ~ '^(book|hold|walk_in|settle_hold)' AND d.outcome ~ '^(done|squeezed|confirmed)' AND d.act <> 'hold'), 0), '999'),
        to_char(coalesce(sum(d.n) FILTER (WHERE d.act ~ 'reschedule|swap|change_|ill doctor' AND d.outcome ~ 'done|moved'), 0), '999'),
        to_char(coalesce(sum(d.n) FILTER (WHERE d.act ~ 'cancel' AND d.outcome = 'done' OR d.outcome ~ 'cancelled|called off'), 0), '999'),
        to_char(coalesce(sum(d.n) FILTER (WHERE d.outcome ~ 'refused|nothing free'), 0), '999'),
        to_char(coalesce(sum(d.n) FILTER (WHERE d.act = 'answer_offer'), 0), '999'),
        coalesce(sum(d.n) FILTER (WHERE d.act = 'answer_offer' AND d.outcome IN ('accepted', 'reply done')), 0),
        to_char(coalesce(sum(d.n) FILTER (WHERE d.act IN ('receive', 'receive_late') AND d.outcome IN ('in time', 'done')), 0), '999'),
        to_char(coalesce(sum(d.n) FILTER (WHERE d.outcome = 'no-show'), 0), '999'),
        to_char(coalesce(sum(d.n) FILTER (WHERE d.act = 'messages sent'), 0), '9999'))
    FROM did AS d WHERE d.at >= on_day::timestamptz AND d.at < (on_day + 1)::timestamptz
$$;

-- The month ------------------------------------------------------------------------------------------------------------
SELECT setseed(:seed) \g /dev/null
SELECT date '2026-03-02' + :days / 2 AS day_of_change,
       (SELECT min(d)::date FROM generate_series(timestamp '2026-03-02' + :days / 3 * interval '1 day', '2026-06-01', '1 day') AS d
        WHERE extract(isodow FROM d) IN (1, 2, 4, 5)) AS day_of_illness \gset
\echo 'A month at the front desk of Riverbend Health'
\echo
-- A diary that is not empty on the first morning.
CALL pg_temp.calls('America/New_York', (120 * :pace)::integer);
CALL pg_temp.calls('Europe/London', (50 * :pace)::integer);
CALL pg_temp.calls('Asia/Kolkata', (50 * :pace)::integer);
\pset tuples_only on
\pset format unaligned
SELECT format('CALL pg_temp.a_day(%L, %s, %L, %L)', d::date, :pace, :'day_of_change', :'day_of_illness'), format('SELECT pg_temp.line_of(%L)', d::date)
FROM generate_series(timestamp '2026-03-02', timestamp '2026-03-02' + (:days - 1) * interval '1 day', '1 day') AS d \gexec
\pset tuples_only off
\pset format aligned

\echo
\echo 'What happened'
SELECT d.act, d.outcome, sum(d.n) AS times FROM did AS d GROUP BY d.act, d.outcome ORDER BY d.act, d.outcome;

CREATE TEMPORARY TABLE counts AS
SELECT v.what, v.number, v.must AND :days > 6 AS must
FROM (VALUES
    ('appointments booked', (SELECT count(*) FROM clinic.appointments AS a WHERE a.status <> 'held'), true),
    ('visits completed', (SELECT count(*) FROM clinic.appointments AS a WHERE a.status = 'completed'), true),
    ('cancelled', (SELECT count(*) FROM clinic.appointments AS a WHERE a.status = 'cancelled'), true),
    ('cancelled late', (SELECT count(*) FROM clinic.appointments AS a WHERE a.late_cancellation), true),
    ('no-shows', (SELECT count(*) FROM clinic.appointments AS a WHERE a.status = 'no_show'), true),
    ('no-shows reversed', (SELECT count(*) FROM did AS d WHERE d.act = 'judge_missing' AND d.outcome = 'reversed'), :days * :pace > 20),
    ('moved', (SELECT count(*) FROM clinic_data.events AS e WHERE e.name = 'appointment.rescheduled'), true),
    ('reinstated', (SELECT count(*) FROM clinic_data.events AS e WHERE e.name = 'appointment.reinstated'), :days * :pace > 20),
    ('holds confirmed', (SELECT count(*) FROM did AS d WHERE d.act = 'settle_hold' AND d.outcome = 'confirmed'), true),
    ('holds released', (SELECT count(*) FROM did AS d WHERE d.act = 'settle_hold' AND d.outcome = 'released'), :days * :pace > 20),
    ('holds expired', (SELECT count(*) FROM clinic_data.events AS e WHERE e.name = 'appointment.expired'), :days * :pace > 20),
    ('calls repeated with the same key', (SELECT count(*) FROM did AS d WHERE d.outcome = 'done, asked twice'), true),
    ('waitlist entries', (SELECT count(*) FROM clinic.waitlist_entries), true),
    ('offers accepted', (SELECT count(*) FROM clinic.waitlist_offers AS o WHERE o.status = 'accepted'), true),
    ('offers declined', (SELECT count(*) FROM clinic.waitlist_offers AS o WHERE o.status = 'declined'), true),
    ('offers expired', (SELECT count(*) FROM clinic.waitlist_offers AS o WHERE o.status = 'expired'), true),
    ('series', (SELECT count(*) FROM clinic.series), true),
    ('dates of series booked', (SELECT count(*) FROM clinic.series_appointments AS s WHERE s.outcome = 'booked'), true),
    ('group sessions', (SELECT count(*) FROM clinic.group_sessions), true),
    ('seats in sessions', (SELECT count(*) FROM clinic_data.session_seats), true),
    ('visits of several services', (SELECT count(*) FROM clinic.visits), true),
    ('walk-ins', (SELECT count(*) FROM did AS d WHERE d.act = 'walk_in' AND d.outcome IN ('done', 'squeezed in')), true),
    ('squeezed in', (SELECT count(*) FROM did AS d WHERE d.act = 'walk_in' AND d.outcome = 'squeezed in'), :days * :pace > 20),
    ('tickets', (SELECT count(*) FROM clinic_data.tickets), true),
    ('late arrivals', (SELECT count(*) FROM clinic_data.tickets AS t WHERE t.late_minutes > 0), true),
    ('patients told of a delay', (SELECT sum(d.n) FROM did AS d WHERE d.act = 'patients told of a delay'), :days * :pace > 20),
    ('reminders sent', (SELECT count(*) FROM clinic_data.notifications AS n WHERE n.kind = 'reminder' AND n.status = 'sent'), true),
    ('other messages sent', (SELECT count(*) FROM clinic_data.notifications AS n WHERE n.kind <> 'reminder' AND n.status = 'sent'), true),
    ('messages void', (SELECT count(*) FROM clinic_data.notifications AS n WHERE n.status = 'void'), true),
    ('visits confirmed by an answer', (SELECT count(*) FROM did AS d WHERE d.act = 'answer confirm' AND d.outcome = 'done'), true),
    ('visits cancelled by an answer', (SELECT count(*) FROM did AS d WHERE d.act = 'answer cancel' AND d.outcome = 'done'), :days * :pace > 20),
    ('charges for no-shows', (SELECT count(*) FROM clinic.appointment_charges), :days * :pace > 20),
    ('charges settled or waived', (SELECT count(*) FROM clinic.appointment_charges AS c WHERE c.state <> 'due'), :days * :pace > 20),
    ('cancelled for new hours', (SELECT sum(d.n) FROM did AS d WHERE d.act = 'cancelled for new hours'), :days * :pace > 20),
    ('patients of the ill doctor cared for', (SELECT count(*) FROM did AS d WHERE d.act = 'patient of the ill doctor'), :days * :pace > 20),
    ('events', (SELECT count(*) FROM clinic_data.events), true),
    ('events delivered to the subscriber', (SELECT count(*) FROM clinic_data.deliveries AS d WHERE d.status = 'delivered'), true),
    ('refusals', (SELECT count(*) FROM did AS d WHERE d.outcome ~ '^refused'), true),
    ('days in the reports', (SELECT count(DISTINCT c.on_date) FROM clinic.daily_counts AS c), true)
) AS v (what, number, must);
\echo
\echo 'In numbers'
SELECT c.what, c.number FROM counts AS c;

\o /dev/null
\ir ../test/stress/verify.sql
CREATE TEMPORARY TABLE invariants AS SELECT i.invariant, i.holds, i.broken FROM pg_temp.diary_invariants AS i;
\o
\echo
\echo 'What must hold, whatever happened'
SELECT i.invariant, i.holds FROM invariants AS i;

DO $$
DECLARE
    broken text;
BEGIN
    SELECT string_agg(i.invariant || ' (' || i.broken || ')', '; ') INTO broken FROM invariants AS i WHERE NOT i.holds;
    IF broken IS NOT NULL THEN RAISE 'the diary is not in order: %', broken; END IF;
    SELECT string_agg(c.problem || ' ' || c.source_id, '; ') INTO broken FROM clinic.check_integrity() AS c;
    IF broken IS NOT NULL THEN RAISE 'clinic.check_integrity(): %', broken; END IF;
    SELECT string_agg(j.job || ': ' || j.error_message, '; ') INTO broken FROM clinic.job_status() AS j WHERE j.failures > 0;
    IF broken IS NOT NULL THEN RAISE 'jobs failed: %', broken; END IF;
    SELECT string_agg(c.what, ', ') INTO broken FROM counts AS c WHERE c.must AND coalesce(c.number, 0) = 0;
    IF broken IS NOT NULL THEN RAISE 'it never happened: %', broken; END IF;
END
$$;
\echo
\echo 'A month without a complaint: every invariant holds.'
