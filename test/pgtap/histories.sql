-- Random histories: many changes to one small diary, each held against a model of the states that was written from
-- docs/booking_life.md and shares nothing with the engine, and the diary's invariants after every step.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL clinic.clock = '2027-03-01 06:00Z';
SELECT plan(6);

SELECT clinic.create_tenant('histories', 'Histories', tenant_id => '00000004-0010-7000-8000-000000000001') \g /dev/null
SELECT clinic.create_location('Place', 'Europe/Berlin', location_id => '00000004-0020-7000-8000-000000000001') \g /dev/null
SELECT clinic.create_provider('P' || n, 'Europe/Berlin', provider_id => ('00000004-0030-7000-8000-00000000000' || n)::uuid),
       clinic.create_patient('Q' || n, patient_id => ('00000004-0060-7000-8000-00000000000' || n)::uuid)
  FROM generate_series(1, 3) AS n \g /dev/null
SELECT clinic.create_resource('R' || n, 'room', 'room', '00000004-0020-7000-8000-000000000001') FROM generate_series(1, 2) AS n \g /dev/null
SELECT clinic.create_service('Visit', 30, service_id => '00000004-0050-7000-8000-000000000001'),
       clinic.create_service('Group', 60, capacity => 2, service_id => '00000004-0050-7000-8000-000000000002') \g /dev/null
SELECT clinic.require_resource('00000004-0050-7000-8000-000000000001', 'room', 1) \g /dev/null
SELECT clinic.offer_service(s.id::uuid, ('00000004-0030-7000-8000-00000000000' || n)::uuid)
  FROM generate_series(1, 3) AS n, (VALUES ('00000004-0050-7000-8000-000000000001'), ('00000004-0050-7000-8000-000000000002')) AS s (id) \g /dev/null
SELECT clinic.add_hours(('00000004-0030-7000-8000-00000000000' || n)::uuid, '00000004-0020-7000-8000-000000000001', 'FREQ=DAILY', '09:00', '13:00',
                        valid_from => '2027-01-01') FROM generate_series(1, 3) AS n \g /dev/null

-- The model: what each change makes of each state; null: what it was before.
CREATE TEMP TABLE model (change text, old text, new text);
INSERT INTO model VALUES
    ('approve', 'pending', 'booked'), ('decline', 'pending', 'cancelled'), ('confirm', 'booked', 'confirmed'),
    ('check_in', 'booked', 'arrived'), ('check_in', 'confirmed', 'arrived'), ('undo_check_in', 'arrived', NULL),
    ('start', 'arrived', 'in_progress'), ('complete', 'arrived', 'completed'), ('complete', 'in_progress', 'completed'),
    ('cancel', 'held', 'cancelled'), ('cancel', 'pending', 'cancelled'), ('cancel', 'booked', 'cancelled'),
    ('cancel', 'confirmed', 'cancelled'), ('cancel', 'arrived', 'cancelled'), ('mark_no_show', 'booked', 'no_show'),
    ('mark_no_show', 'confirmed', 'no_show'), ('reverse_no_show', 'no_show', NULL), ('reinstate', 'cancelled', 'booked');
CREATE TEMP TABLE changes AS SELECT DISTINCT change FROM model;
CREATE TEMP TABLE tokens (token text);
CREATE TEMP TABLE done (what text, outcome text);

-- Overlap, counted afresh from the claims: at no instant does a resource have more than it can bear.
CREATE FUNCTION pg_temp.overloads() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*)
      FROM clinic_data.claims AS c
     CROSS JOIN LATERAL (
         SELECT count(*) AS present, min(o.capacity) AS least
           FROM clinic_data.claims AS o
          WHERE o.tenant_id = c.tenant_id AND o.resource_id = c.resource_id AND o.during @> lower(c.during)
            AND NOT o.overbooked AND (o.expires_at IS NULL OR o.expires_at > clinic.now())) AS n
     WHERE c.tenant_id = '00000004-0010-7000-8000-000000000001' AND NOT c.overbooked
       AND (c.expires_at IS NULL OR c.expires_at > clinic.now()) AND n.present > n.least
$$;

-- One step: returns what broke, or null.
CREATE FUNCTION pg_temp.step() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    kind integer := floor(random() * 20);
    start timestamptz := date_trunc('day', clinic.now()) + interval '8 hours' + floor(random() * 3) * interval '1 day'
                         + floor(random() * 8) * interval '30 minutes';
    service uuid := '00000004-0050-7000-8000-000000000001';
    provider uuid := ('00000004-0030-7000-8000-00000000000' || 1 + floor(random() * 3))::uuid;
    patient uuid := ('00000004-0060-7000-8000-00000000000' || 1 + floor(random() * 3))::uuid;
    a record;
    b uuid;
    wanted text;
    expected text;
    allowed boolean;
    token text;
    state text;
    got text;
    free boolean;
BEGIN
    IF random() < 0.2 THEN
        service := '00000004-0050-7000-8000-000000000002';
    END IF;
    IF random() < 0.15 THEN
        PERFORM set_config('clinic.clock', (clinic.now() + floor(random() * 25) * interval '1 minute')::text, true);
    END IF;
    SELECT x.appointment_id, x.status, x.status_before, x.starts_at INTO a FROM clinic.appointments AS x
     WHERE x.starts_at > clinic.now() - interval '1 day' ORDER BY random() LIMIT 1;
    SELECT c.change INTO wanted FROM changes AS c ORDER BY random() LIMIT 1;
    BEGIN
        CASE
        WHEN kind < 4 THEN
            wanted := 'book';
            -- What is offered is what can be booked.
            free := EXISTS (SELECT FROM clinic.available_slots(service, start, start + interval '1 second', provider, patient_id => patient));
            PERFORM clinic.book_appointment(service, patient, start, provider);
            IF NOT free THEN RETURN 'booked what was not offered'; END IF;
        WHEN kind < 6 THEN
            wanted := 'hold';
            SELECT h.hold_token INTO token FROM clinic.hold_slot(service, patient, start, provider) AS h;
            INSERT INTO tokens VALUES (token);
        WHEN kind < 8 THEN
            wanted := 'confirm_hold';
            SELECT t.token INTO token FROM tokens AS t ORDER BY random() LIMIT 1;
            IF token IS NOT NULL THEN PERFORM clinic.confirm_hold(token, random() < 0.5); END IF;
        WHEN kind = 8 THEN
            wanted := 'extend or release';
            SELECT t.token INTO token FROM tokens AS t ORDER BY random() LIMIT 1;
            IF token IS NOT NULL AND random() < 0.7 THEN PERFORM clinic.extend_hold(token);
            ELSIF token IS NOT NULL THEN PERFORM clinic.release_hold(token); END IF;
        WHEN kind < 11 THEN
            wanted := 'move';
            IF a.appointment_id IS NOT NULL THEN PERFORM clinic.reschedule_appointment(a.appointment_id, start, provider); END IF;
        WHEN kind = 11 THEN
            wanted := 'swap';
            SELECT x.appointment_id INTO b FROM clinic.appointments AS x WHERE x.appointment_id <> a.appointment_id ORDER BY random() LIMIT 1;
            IF b IS NOT NULL THEN PERFORM clinic.swap_appointments(a.appointment_id, b); END IF;
        ELSE
            IF a.appointment_id IS NULL THEN RETURN NULL; END IF;
            SELECT coalesce(m.new, a.status_before) INTO expected FROM model AS m WHERE m.change = wanted AND m.old = a.status;
            allowed := FOUND;
            SELECT c.status INTO got FROM clinic_private.change_status(a.appointment_id, wanted, 'because') AS c;
            IF NOT allowed THEN RETURN format('%s from %s was allowed', wanted, a.status); END IF;
            IF got <> expected THEN RETURN format('%s from %s led to %s', wanted, a.status, got); END IF;
        END CASE;
        state := 'done';
    EXCEPTION WHEN OTHERS THEN
        state := SQLSTATE;
        IF state NOT LIKE 'CL%' THEN RETURN format('%s: %s %s', wanted, state, SQLERRM); END IF;
        IF wanted = 'book' AND free THEN RETURN format('offered, then refused: %s %s', state, SQLERRM); END IF;
        -- What takes time again may find it taken, or over; every other change that the model allows must succeed.
        IF allowed AND wanted NOT IN ('reinstate', 'reverse_no_show') THEN RETURN format('%s from %s was refused: %s', wanted, a.status, SQLERRM); END IF;
        IF allowed IS FALSE AND state <> 'CL029' THEN RETURN format('%s from %s was refused with %s', wanted, a.status, state); END IF;
    END;
    INSERT INTO done VALUES (wanted, state);
    IF EXISTS (SELECT FROM clinic.check_integrity()) THEN
        RETURN format('%s (%s): %s', wanted, state, (SELECT string_agg(i.problem || ' ' || i.detail, '; ') FROM clinic.check_integrity() AS i));
    END IF;
    RETURN CASE WHEN pg_temp.overloads() > 0 THEN wanted || ': more claims than the resource bears' END;
END
$$;

CREATE FUNCTION pg_temp.walk(steps integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    broken text;
BEGIN
    FOR n IN 1 .. steps LOOP
        broken := pg_temp.step();
        IF broken IS NOT NULL THEN RETURN format('step %s: %s', n, broken); END IF;
    END LOOP;
    RETURN NULL;
END
$$;

SELECT setseed(0.314) \g /dev/null
SELECT is(pg_temp.walk(800), NULL, 'eight hundred random changes break nothing');
SELECT ok((SELECT count(DISTINCT what) FROM done WHERE outcome = 'done') >= 12 AND (SELECT count(*) FROM done WHERE outcome = 'done') > 130,
          'and most kinds of change happened');
SELECT diag(string_agg(format('%s %s/%s', what, done, all_of_them), ', ' ORDER BY what))
  FROM (SELECT what, count(*) FILTER (WHERE outcome = 'done') AS done, count(*) AS all_of_them FROM done GROUP BY what) AS d;

-- The events tell the same history, without a gap.
CREATE TEMP VIEW told AS
SELECT e.*, lag(e.status) OVER w AS told_before, lag(e.sequence) OVER w AS sequence_before
  FROM clinic_data.events AS e
 WHERE e.tenant_id = '00000004-0010-7000-8000-000000000001' AND e.name LIKE 'appointment.%'
WINDOW w AS (PARTITION BY e.subject_id ORDER BY e.sequence);
SELECT is_empty('SELECT * FROM told WHERE sequence <> coalesce(sequence_before, 0) + 1', 'one event for each version, none missing');
SELECT is_empty('SELECT * FROM told WHERE status_before IS DISTINCT FROM told_before', 'each begins where the one before ended');
SELECT is_empty($$SELECT * FROM clinic_data.appointments AS a
                   WHERE a.tenant_id = '00000004-0010-7000-8000-000000000001'
                     AND NOT EXISTS (SELECT FROM told AS t WHERE t.subject_id = a.appointment_id AND t.sequence = a.version
                                                             AND t.status = a.status AND t.starts_at = a.starts_at AND t.provider_id = a.provider_id)$$,
                'and the last tells how the appointment stands');
SELECT is_empty($$SELECT * FROM told WHERE status IN ('booked', 'pending') AND status_before = 'held' AND name NOT IN ('appointment.scheduled', 'appointment.requested')$$,
                'a confirmed hold is told as scheduled');

SELECT * FROM finish();
ROLLBACK;
