-- What a booking plans is what planning again gives, and what plain SQL says of it: random plans, quiet hours, preferences, zones, contacts,
-- around changes of the clock.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL timezone = 'UTC';
SET LOCAL clinic.clock = '2026-03-02 08:00Z';
SELECT no_plan();
SELECT setseed(0.25) \g /dev/null

CREATE FUNCTION pg_temp.id(kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('0000001e-00%s-7000-8000-%s', kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS
    $$ SELECT choices[1 + pg_catalog.floor(pg_catalog.random() * pg_catalog.cardinality(choices))::integer] $$;
CREATE FUNCTION pg_temp.some_time() RETURNS time LANGUAGE sql VOLATILE AS
    $$ SELECT time '00:00' + pg_catalog.make_interval(mins => 15 * pg_catalog.floor(pg_catalog.random() * 96)::integer) $$;
CREATE FUNCTION pg_temp.some_channels() RETURNS jsonb LANGUAGE sql VOLATILE AS
    $$ SELECT pg_temp.one_of('{}', '{}', '{}', '{"reminder": ["email", "sms"]}', '{"*": ["voice"]}', '{"confirmation": [], "*": ["sms"]}', '{"reminder": []}')::jsonb $$;
CREATE FUNCTION pg_temp.some_plan() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(jsonb_agg(CASE WHEN random() < 0.5 THEN jsonb_build_object('before_minutes', 60 * floor(random() * 100))
                                   ELSE jsonb_strip_nulls(jsonb_build_object('days_before', floor(random() * 4),
                                            'at', CASE WHEN random() < 0.7 THEN to_char(pg_temp.some_time(), 'HH24:MI') END)) END
                              || CASE WHEN random() < 0.3 THEN jsonb_build_object('channel', pg_temp.one_of('sms', 'email', 'push')) ELSE '{}' END), '[]')
    FROM generate_series(1, floor(random() * 5)::integer)
$$;

-- The times, said once more in SQL.
CREATE FUNCTION pg_temp.quiet_again(at timestamptz, before timestamptz, zone text, f time, u time) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT CASE WHEN NOT quiet.is OR ends.at <= quiet_again.at THEN quiet_again.at
                WHEN ends.at < before THEN ends.at
                ELSE clinic.local_instant(quiet.on_date + f, zone, gap => 'shift') - interval '1 minute' END
    FROM (SELECT quiet_again.at AT TIME ZONE zone AS t) AS l
    CROSS JOIN LATERAL (SELECT CASE WHEN f > u THEN l.t::time >= f OR l.t::time < u ELSE l.t::time >= f AND l.t::time < u END AS is,
                               l.t::date - (f > u AND l.t::time < u)::integer AS on_date) AS quiet
    CROSS JOIN LATERAL (SELECT clinic.local_instant(quiet.on_date + (f > u)::integer + u, zone, gap => 'shift') AS at) AS ends
$$;
CREATE FUNCTION pg_temp.times_again(appointment uuid) RETURNS TABLE (planned_at timestamptz, due_at timestamptz, wanted_channel text, reason text)
    LANGUAGE sql AS $$
    WITH visit AS (SELECT * FROM clinic_data.appointments AS a WHERE a.appointment_id = appointment),
    plan AS (
        SELECT coalesce((SELECT p.reminders FROM clinic_data.reminder_plans AS p
                         WHERE p.tenant_id = v.tenant_id AND coalesce(p.service_id = v.service_id, true) AND coalesce(p.patient_id = v.patient_id, true)
                         ORDER BY p.patient_id IS NULL, p.service_id IS NULL LIMIT 1),
                        '[{"before_minutes": 4320}, {"before_minutes": 1440}, {"before_minutes": 120}]') AS reminders FROM visit AS v),
    planned AS (
        SELECT DISTINCT ON (m.planned_at) m.planned_at, m.channel
        FROM (SELECT CASE WHEN r.value ? 'before_minutes' THEN v.starts_at - make_interval(mins => (r.value ->> 'before_minutes')::integer)
                          ELSE clinic.local_instant(v.local_starts_at::date - (r.value ->> 'days_before')::integer
                                   + coalesce((r.value ->> 'at')::time, v.local_starts_at::time), v.time_zone, gap => 'shift') END AS planned_at,
                     r.value ->> 'channel' AS channel, r.place
              FROM visit AS v, plan AS p, jsonb_array_elements(p.reminders) WITH ORDINALITY AS r (value, place)) AS m, visit AS v
        WHERE m.planned_at < v.starts_at
        ORDER BY m.planned_at, m.place),
    timed AS (
        SELECT p.planned_at, p.channel, pg_temp.quiet_again(p.planned_at, v.starts_at, coalesce(c.time_zone, t.message_time_zone, v.time_zone),
                   coalesce(c.quiet_from, t.quiet_from), coalesce(c.quiet_until, t.quiet_until)) AS due_at
        FROM planned AS p, visit AS v JOIN clinic_data.tenants AS t USING (tenant_id)
        LEFT JOIN clinic_data.communication_preferences AS c USING (tenant_id, patient_id))
    SELECT t.planned_at, t.due_at, t.channel,
           CASE WHEN t.due_at <= clinic.now() THEN 'overdue'
                WHEN row_number() OVER (PARTITION BY t.due_at ORDER BY t.planned_at DESC) > 1 THEN 'coincides' END
    FROM timed AS t
$$;
CREATE FUNCTION pg_temp.channel_again(patient uuid, kind text, wanted text) RETURNS TABLE (channel text, contact_id uuid) LANGUAGE sql AS $$
    SELECT CASE WHEN p.channels = '[]' THEN 'unwanted' ELSE coalesce(best.channel, 'nobody') END, best.contact_id
    FROM (SELECT coalesce(c.channels -> kind, c.channels -> '*', t.message_channels -> kind, t.message_channels -> '*',
                          '["sms", "whatsapp", "email", "push", "voice"]') AS channels
          FROM clinic_data.tenants AS t
          LEFT JOIN clinic_data.communication_preferences AS c ON c.tenant_id = t.tenant_id AND c.patient_id = patient
          WHERE t.tenant_id = pg_temp.id(10)) AS p
    LEFT JOIN LATERAL
        (SELECT c.channel, c.contact_id
         FROM (SELECT patient AS id, 0 AS distance
               UNION ALL
               SELECT d.guardian_patient_id, 1 FROM clinic_data.dependants AS d
               WHERE d.tenant_id = pg_temp.id(10) AND d.patient_id = patient
                 AND coalesce(d.until_on >= (clinic.now() AT TIME ZONE 'UTC')::date, true)) AS people
         JOIN clinic_data.patient_contacts AS c ON c.tenant_id = pg_temp.id(10) AND c.patient_id = people.id
         WHERE c.opted_out_at IS NULL AND c.bounced_at IS NULL AND (p.channels ? c.channel OR c.channel = wanted)
         ORDER BY people.distance, c.channel IS DISTINCT FROM wanted,
                  (SELECT e.place FROM jsonb_array_elements_text(p.channels) WITH ORDINALITY AS e (name, place) WHERE e.name = c.channel),
                  c.verified_at IS NULL, c.created_at DESC, c.contact_id DESC
         LIMIT 1) AS best ON p.channels <> '[]'
$$;

SELECT clinic.create_tenant('booking-messages', 'Bay', tenant_id => pg_temp.id(10)) \g /dev/null
SELECT clinic.create_location(z, z, location_id => pg_temp.id(20, n::integer)), clinic.create_provider(z, z, provider_id => pg_temp.id(30, n::integer)),
       clinic.create_service(z, 30, service_id => pg_temp.id(50, n::integer)), clinic.offer_service(pg_temp.id(50, n::integer), pg_temp.id(30, n::integer)),
       clinic.add_hours(pg_temp.id(30, n::integer), pg_temp.id(20, n::integer), 'FREQ=DAILY', '00:00', '24:00', '2026-03-01')
FROM unnest('{Europe/Berlin,America/New_York,Australia/Lord_Howe,Asia/Kolkata}'::text[]) WITH ORDINALITY AS u (z, n) \g /dev/null

CREATE TEMPORARY TABLE wrong (round integer, what text);
CREATE TEMPORARY TABLE seen (LIKE clinic_data.notifications);
DO $$
DECLARE
    -- Before, between and after what their clocks skip and repeat.
    days constant date[] := '{2026-03-07,2026-03-08,2026-03-28,2026-03-29,2026-03-30,2026-04-04,2026-04-05,2026-10-03,2026-10-24,2026-10-25,2026-11-01,2026-11-02}';
    tenant constant uuid := pg_temp.id(10);
    patient uuid;
    visit record;
    made record;
    saved text;
    place integer;
    by_patient boolean;
    first_rows jsonb;
    again jsonb;
BEGIN
    FOR round IN 1..120 LOOP
        PERFORM set_config('clinic.clock', '2026-03-02 08:00Z', true);
        UPDATE clinic_data.tenants AS t
        SET quiet_from = pg_temp.some_time(), quiet_until = pg_temp.some_time(), message_channels = pg_temp.some_channels(),
            message_time_zone = pg_temp.one_of(NULL, NULL, 'Asia/Tokyo', 'Europe/Lisbon'), message_delay_minutes = floor(random() * 3)::integer * 30
        WHERE t.tenant_id = tenant;
        patient := clinic.create_patient('Patient ' || round, patient_id => pg_temp.id(60, round));
        place := 1 + floor(random() * 4)::integer;
        IF random() < 0.6 THEN
            INSERT INTO clinic_data.communication_preferences (tenant_id, patient_id, time_zone, quiet_from, quiet_until, channels)
            SELECT tenant, patient, pg_temp.one_of(NULL, 'Europe/Berlin', 'America/New_York', 'Pacific/Apia'), CASE WHEN q.own THEN pg_temp.some_time() END,
                   CASE WHEN q.own THEN pg_temp.some_time() END, pg_temp.some_channels()
            FROM (SELECT random() < 0.5 AS own) AS q;
        END IF;
        DELETE FROM clinic_data.reminder_plans AS p WHERE p.tenant_id = tenant;
        INSERT INTO clinic_data.reminder_plans (tenant_id, plan_id, service_id, patient_id, reminders)
        SELECT tenant, clinic.new_id(), CASE WHEN s.own THEN pg_temp.id(50, place) END, CASE WHEN p.own THEN patient END, pg_temp.some_plan()
        FROM (VALUES (true), (false)) AS s (own), (VALUES (true), (false)) AS p (own) WHERE random() < 0.4;
        FOR n IN 1..floor(random() * 6)::integer LOOP
            PERFORM clinic.set_patient_contact(patient, c.channel, CASE c.channel WHEN 'email' THEN 'p' || n || '@example.org' ELSE '+1212555' || 1000 + n END,
                verified => random() < 0.5, opted_out => random() < 0.2)
            FROM pg_temp.one_of('sms', 'email', 'email', 'voice') AS c (channel);
        END LOOP;
        IF round > 1 AND random() < 0.4 THEN
            INSERT INTO clinic_data.dependants (tenant_id, guardian_patient_id, patient_id, relationship, until_on)
            VALUES (tenant, pg_temp.id(60, round - 1), patient, 'parent', pg_temp.one_of(NULL, '2026-03-03', '2027-01-01')::date);
        END IF;
        visit := NULL;
        by_patient := random() < 0.5;
        saved := clinic_private.saved_context();
        SELECT s.starts_at INTO visit
        FROM (SELECT days[1 + floor(random() * 12)::integer]::timestamptz AS at) AS d
        CROSS JOIN LATERAL clinic.available_slots(pg_temp.id(50, place), d.at, d.at + interval '2 days', pg_temp.id(30, place)) AS s
        OFFSET floor(random() * 40)::integer LIMIT 1;
        PERFORM set_config('clinic.clock', (visit.starts_at - make_interval(mins => 10 + floor(random() * 6000)::integer))::text, true);
        IF by_patient THEN
            PERFORM clinic_private.act_as_patient(patient);
        END IF;
        SELECT b.appointment_id INTO made FROM clinic.book_appointment(pg_temp.id(50, place), patient, visit.starts_at, pg_temp.id(30, place)) AS b;
        PERFORM clinic_private.restore_context(saved);
        INSERT INTO seen SELECT n.* FROM clinic_data.notifications AS n WHERE n.appointment_id = made.appointment_id;
        SELECT jsonb_agg(to_jsonb(n) ORDER BY n.notification_id) INTO first_rows FROM clinic_data.notifications AS n WHERE n.appointment_id = made.appointment_id;

        -- Planning again changes nothing at all.
        PERFORM clinic_private.act_as_system(tenant);
        PERFORM clinic_private.plan_reminders(tenant, made.appointment_id);
        SELECT jsonb_agg(to_jsonb(n) ORDER BY n.notification_id) INTO again FROM clinic_data.notifications AS n WHERE n.appointment_id = made.appointment_id;
        INSERT INTO wrong SELECT round, 'planned again' WHERE again IS DISTINCT FROM first_rows;

        -- Planned as a change would plan it: the same rows by other ids.
        DELETE FROM clinic_data.notifications AS n WHERE n.appointment_id = made.appointment_id;
        PERFORM clinic_private.follow_appointment(NULL, ROW(a.tenant_id, a.appointment_id, a.patient_id, a.status, a.starts_at, a.time_zone, a.service_id,
            a.provider_id, a.location_id), by_patient, false)
        FROM clinic_data.appointments AS a WHERE a.appointment_id = made.appointment_id;
        PERFORM clinic_private.restore_context(saved);
        SELECT jsonb_agg(to_jsonb(n) - 'notification_id' ORDER BY n.notification_id) INTO again
        FROM clinic_data.notifications AS n WHERE n.appointment_id = made.appointment_id;
        INSERT INTO wrong SELECT round, 'followed'
        WHERE again IS DISTINCT FROM (SELECT jsonb_agg(r.value - 'notification_id' ORDER BY r.place) FROM jsonb_array_elements(first_rows) WITH ORDINALITY AS r (value, place));

        -- And what SQL says.
        INSERT INTO wrong SELECT round, 'times: ' || to_jsonb(d)::text
        FROM ((SELECT t.planned_at, t.due_at, t.wanted_channel, CASE WHEN t.reason IS NOT NULL THEN t.reason WHEN c.channel = 'unwanted' THEN c.channel END,
                      CASE WHEN c.channel NOT IN ('unwanted', 'nobody') THEN c.channel END
               FROM pg_temp.times_again(made.appointment_id) AS t, pg_temp.channel_again(patient, 'reminder', t.wanted_channel) AS c
               EXCEPT
               SELECT n.planned_at, n.due_at, n.wanted_channel, n.status_reason, n.channel
               FROM clinic_data.notifications AS n WHERE n.appointment_id = made.appointment_id AND n.kind = 'reminder')
              UNION ALL
              (SELECT n.planned_at, n.due_at, n.wanted_channel, n.status_reason, n.channel
               FROM clinic_data.notifications AS n WHERE n.appointment_id = made.appointment_id AND n.kind = 'reminder'
               EXCEPT
               SELECT t.planned_at, t.due_at, t.wanted_channel, CASE WHEN t.reason IS NOT NULL THEN t.reason WHEN c.channel = 'unwanted' THEN c.channel END,
                      CASE WHEN c.channel NOT IN ('unwanted', 'nobody') THEN c.channel END
               FROM pg_temp.times_again(made.appointment_id) AS t, pg_temp.channel_again(patient, 'reminder', t.wanted_channel) AS c)) AS d;
        INSERT INTO wrong SELECT round, 'contact'
        FROM clinic_private.contact_of(tenant, patient, 'reminder', 'email') AS c, pg_temp.channel_again(patient, 'reminder', 'email') AS o
        WHERE c.contact_id IS DISTINCT FROM o.contact_id;
        INSERT INTO wrong SELECT round, 'confirmation'
        FROM clinic_data.notifications AS n, pg_temp.channel_again(patient, 'confirmation', NULL) AS c
        WHERE n.appointment_id = made.appointment_id AND n.kind = 'confirmation'
          AND coalesce(n.channel, n.status_reason, 'nobody') IS DISTINCT FROM c.channel;
    END LOOP;
END
$$;
SELECT is_empty('SELECT * FROM wrong', 'what a booking plans is what planning again gives, and what SQL says');
SELECT ok(count(*) FILTER (WHERE kind = 'confirmation') = 120 AND count(*) FILTER (WHERE kind = 'confirmation' AND due_at > planned_at) > 10
          AND count(*) FILTER (WHERE kind = 'confirmation' AND status_reason = 'unwanted') > 5
          AND count(*) FILTER (WHERE kind = 'reminder' AND status = 'waiting') > 50 AND count(*) FILTER (WHERE status_reason = 'overdue') > 20
          AND count(*) FILTER (WHERE status_reason = 'coincides') > 3 AND count(*) FILTER (WHERE kind = 'reminder' AND status_reason = 'unwanted') > 3
          AND count(*) FILTER (WHERE kind = 'reminder' AND due_at < planned_at) > 3 AND count(*) FILTER (WHERE kind = 'reminder' AND due_at > planned_at) > 20
          AND count(*) FILTER (WHERE channel IS NULL AND status = 'waiting') > 10 AND count(DISTINCT channel) = 3,
          'the random bookings have met every case') FROM seen;

-- Two bookings of one patient in one transaction are confirmed by one message; another patient's is their own.
SELECT set_config('clinic.clock', '2026-05-04 08:00Z', true) \g /dev/null
UPDATE clinic_data.tenants SET message_channels = '{}' WHERE tenant_id = pg_temp.id(10);
DELETE FROM clinic_data.reminder_plans WHERE tenant_id = pg_temp.id(10);
SELECT clinic.create_patient('Ida', patient_id => pg_temp.id(61, 1)), clinic.create_patient('Jon', patient_id => pg_temp.id(61, 2)) \g /dev/null
SELECT clinic.book_appointment(pg_temp.id(50), pg_temp.id(61, p), at, pg_temp.id(30))
FROM (VALUES (1, timestamptz '2026-05-11 09:00Z'), (1, '2026-05-12 09:00Z'), (2, '2026-05-13 09:00Z')) AS v (p, at) \g /dev/null
SELECT results_eq($$ SELECT n.patient_id, jsonb_array_length(n.data -> 'also') FROM clinic_data.notifications AS n
                     WHERE n.patient_id IN (pg_temp.id(61, 1), pg_temp.id(61, 2)) AND n.kind = 'confirmation' ORDER BY 1 $$,
                  $$ VALUES (pg_temp.id(61, 1), 1), (pg_temp.id(61, 2), NULL) $$, 'one message tells of all that one transaction booked');
SELECT is((SELECT count(*)::integer FROM clinic_data.notifications AS n WHERE n.patient_id = pg_temp.id(61, 1) AND n.kind = 'reminder'), 6,
          'each of them is reminded of');

-- What needs consent is no message of a booking: those are planned without asking for one.
SELECT is((SELECT count(*)::integer FROM unnest('{confirmation,reminder}'::text[]) AS k (kind) WHERE clinic_private.purpose_of_message(k.kind) IS NOT NULL), 0,
          'confirmations and reminders need no consent');
SELECT * FROM finish();
ROLLBACK;
