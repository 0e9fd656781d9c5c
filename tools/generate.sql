-- What tools/generate.py fills a database with, tenant by tenant; that program makes the schema "generate", runs this in it, and drops it.
--
-- Everything follows from the seed, the date and the number of the tenant, so that any number of sessions make the same rows. A provider works
-- on weekdays from 8 to 12 and from 13 to 17 and has eight visits of half an hour, one in each hour: visit k of every provider lies in the same
-- hour, and their patients differ, so that nobody is in two places at once.

CREATE SCHEMA generate;

CREATE TABLE generate.settings (
    seed bigint NOT NULL,
    today date NOT NULL,
    first_calendar_no bigint NOT NULL,
    providers integer NOT NULL,        -- of each tenant, as are the following
    patients integer NOT NULL,         -- a multiple of providers
    visits integer NOT NULL,           -- of each provider
    days integer NOT NULL,             -- weekdays with visits
    future_days integer NOT NULL,      -- of these so many after today
    audit double precision NOT NULL,   -- share of visits that left records of the audit
    contacts boolean NOT NULL          -- whether a master key is there to encrypt addresses by
);

CREATE TABLE generate.names (number integer PRIMARY KEY, name text NOT NULL, key text NOT NULL, search_keys text[] NOT NULL);
INSERT INTO generate.names
SELECT n.number, n.name, clinic_private.fold_name(n.name), ARRAY(SELECT DISTINCT s.search_key FROM clinic_private.search_keys(n.name) AS s (search_key))
FROM (SELECT row_number() OVER (ORDER BY f.place, l.place)::integer - 1, f.word || ' ' || l.word
      FROM regexp_split_to_table('Ada Amir Anna Asha Ben Chen Clara Dana David Elif Emma Farid Greta Hana Hugo Ines Ivan Jana Joao Karin Lena Li Luca Maria Mei Mohan Nadia Noah Olga Omar Paula Priya Rafael Rosa Sara Sofia Tariq Tomas Vera Yusuf', ' ') WITH ORDINALITY AS f (word, place),
           regexp_split_to_table('Abe Adler Ahmed Baker Bauer Berg Castro Cohen Costa Das Diaz Dubois Evans Fischer Garcia Gupta Haddad Hansen Ito Ivanov Jones Kaya Keller Khan Kim Kovacs Lang Lopez Meyer Moss Nair Nowak Okafor Ortiz Patel Petrov Rao Reyes Rossi Sato Schmidt Silva Singh Smith Tanaka Weber Wong Yilmaz', ' ') WITH ORDINALITY AS l (word, place)) AS n (number, name);

-- Ids that tell tenant, kind and number, and ids of a time, by which events and audit are partitioned.
CREATE FUNCTION generate.id(tenant integer, kind integer, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN encode(int8send((tenant::bigint << 32) | (kind << 16) | 28672) || int8send((-9223372036854775807 - 1) | number), 'hex')::uuid;
CREATE FUNCTION generate.id_at(at timestamptz, kind integer, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN encode(int8send(((date_part('epoch', at) * 1000)::bigint << 16) | 28672 | kind) || int8send((-9223372036854775807 - 1) | number), 'hex')::uuid;
-- A whole number below another, by chance, the same for the same arguments.
CREATE FUNCTION generate.chance(seed bigint, number bigint, below bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (hashint8extended(number, seed) & 9007199254740991) % below;
-- Weekday n after a Monday.
CREATE FUNCTION generate.weekday(monday date, n integer) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN monday + n / 5 * 7 + n % 5;

-- The zone, and the first Monday of a tenant's history.
CREATE FUNCTION generate.zone(tenant integer) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN ('{Europe/Berlin,Asia/Kolkata,America/New_York,Australia/Sydney,UTC}'::text[])[1 + tenant % 5];
CREATE FUNCTION generate.first_monday() RETURNS date LANGUAGE sql STABLE
    RETURN (SELECT date_trunc('week', s.today)::date - 7 * ((s.days - s.future_days) / 5) FROM generate.settings s);

-- One tenant and all that belongs to it; returns how many rows of appointments and of anything.
CREATE FUNCTION generate.fill(t integer, OUT visit_count bigint, OUT row_count bigint) LANGUAGE plpgsql AS $$
#variable_conflict error
DECLARE
    s generate.settings;
    tenant constant uuid := generate.id(t, 1, 0);
    zone constant clinic_data.time_zone_name := generate.zone(t);
    zone_name constant text := zone;
    monday constant date := generate.first_monday();
    seed bigint;
    now_at timestamptz;
    opened_at timestamptz;
    text_id constant uuid := generate.id(t, 11, 1);
    first_calendar bigint;
    service_ids constant uuid[] := ARRAY(SELECT generate.id(t, 3, v) FROM generate_series(0, 2) v ORDER BY v);
    location_ids constant uuid[] := ARRAY(SELECT generate.id(t, 2, l) FROM generate_series(0, 2) l ORDER BY l);
    provider_ids uuid[];
    patient_ids uuid[];
    n bigint;
BEGIN
    SELECT * INTO STRICT s FROM generate.settings;
    seed := s.seed * 1000003 + t;
    now_at := (s.today + time '07:00') AT TIME ZONE zone_name;
    opened_at := (monday - 30)::timestamp AT TIME ZONE zone_name;
    first_calendar := s.first_calendar_no + (t - 1) * (2 * s.providers + s.patients)::bigint;
    provider_ids := ARRAY(SELECT generate.id(t, 4, p) FROM generate_series(0, s.providers - 1) p ORDER BY p);
    patient_ids := ARRAY(SELECT generate.id(t, 12, i) FROM generate_series(0, s.patients - 1) i ORDER BY i);
    row_count := 0;

    -- The organisation, by the functions that set it up: a few rows.
    PERFORM clinic.create_tenant('load-' || t, 'Load ' || t, tenant_id => tenant);
    INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone, created_at, updated_at)
    SELECT tenant, generate.id(t, 2, l), 'Branch ' || l, zone, opened_at, opened_at FROM generate_series(0, 2) l;
    INSERT INTO clinic_data.services (tenant_id, service_id, name, duration_minutes, step_minutes, created_at, updated_at)
    SELECT tenant, generate.id(t, 3, v.n), v.name, 30, 15, opened_at, opened_at
    FROM (VALUES (0, 'Consultation'), (1, 'Follow-up'), (2, 'Treatment')) AS v (n, name);
    INSERT INTO clinic_data.service_resources (tenant_id, service_id, resource_class) VALUES (tenant, generate.id(t, 3, 2), 'treatment_room');
    INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, name, resource_class, location_id, created_at, updated_at)
    SELECT tenant, generate.id(t, v.kind, p), v.name, CASE v.kind WHEN 4 THEN 'Dr. ' || m.name ELSE 'Room ' || p END,
           CASE v.kind WHEN 5 THEN 'treatment_room' END, CASE v.kind WHEN 5 THEN generate.id(t, 2, p % 3) END, opened_at, opened_at
    FROM generate_series(0, s.providers - 1) p
    CROSS JOIN (VALUES (4, 'provider'), (5, 'room')) AS v (kind, name)
    JOIN generate.names AS m ON m.number = generate.chance(seed, p, 1920);
    INSERT INTO clinic_data.providers (tenant_id, provider_id, time_zone)
    SELECT tenant, generate.id(t, 4, p), zone FROM generate_series(0, s.providers - 1) p;
    INSERT INTO clinic_data.service_providers (tenant_id, service_id, provider_id)
    SELECT tenant, generate.id(t, 3, v), generate.id(t, 4, p) FROM generate_series(0, 2) v, generate_series(0, s.providers - 1) p;
    INSERT INTO clinic_data.availability_rules (tenant_id, rule_id, resource_id, location_id, rule, dtstart_on, start_time, end_time, time_zone, valid_from, created_at)
    SELECT tenant, generate.id(t, 6, 2 * p + w), generate.id(t, 4, p), generate.id(t, 2, p % 3), 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', monday,
           make_time(8 + 5 * w, 0, 0), make_time(12 + 5 * w, 0, 0), zone, monday, opened_at
    FROM generate_series(0, s.providers - 1) p, generate_series(0, 1) w;
    -- Leave, closed and open dates, holidays and meetings: past ones, and ahead beyond the last visit.
    INSERT INTO clinic_data.blocks (tenant_id, block_id, resource_id, kind, from_on, until_on, time_zone, created_at)
    SELECT tenant, generate.id(t, 7, 3 * p), generate.id(t, 4, p), 'leave', d.from_on, d.from_on + 6, zone, now_at - interval '20 days'
    FROM generate_series(0, s.providers - 1) p
    CROSS JOIN LATERAL (SELECT s.today + 100 + generate.chance(seed, 7 * p, 60)::integer) AS d (from_on);
    INSERT INTO clinic_data.blocks (tenant_id, block_id, resource_id, kind, starts_at, ends_at, title, created_at)
    SELECT tenant, generate.id(t, 7, 3 * p + w), generate.id(t, 4, p), 'block', b.at, b.at + interval '30 minutes', 'Meeting', opened_at
    FROM generate_series(0, s.providers - 1) p, generate_series(1, 2) w
    CROSS JOIN LATERAL (SELECT (monday - 7 * w + time '12:15') AT TIME ZONE zone_name) AS b (at);
    INSERT INTO clinic_data.date_overrides (tenant_id, override_id, resource_id, on_date, kind, created_at)
    SELECT tenant, generate.id(t, 8, p), generate.id(t, 4, p), s.today + 97, 'closed', opened_at FROM generate_series(0, s.providers - 1) p;
    INSERT INTO clinic_data.holidays (tenant_id, holiday_id, location_id, on_date, name, created_at)
    SELECT tenant, generate.id(t, 9, 10 * l + y), generate.id(t, 2, l), s.today + 95 - 400 * y, 'Holiday', opened_at FROM generate_series(0, 2) l, generate_series(0, 1) y;
    INSERT INTO clinic_data.users (tenant_id, user_id, kind, name, provider_id, created_at, updated_at)
    SELECT tenant, generate.id(t, 10, p), 'staff', 'Dr. ' || m.name, generate.id(t, 4, p), opened_at, opened_at
    FROM generate_series(0, s.providers - 1) p JOIN generate.names AS m ON m.number = generate.chance(seed, p, 1920);
    INSERT INTO clinic_data.user_roles (tenant_id, user_id, role) SELECT tenant, generate.id(t, 10, p), 'doctor' FROM generate_series(0, s.providers - 1) p;
    INSERT INTO clinic_data.user_locations (tenant_id, user_id, location_id, is_primary)
    SELECT tenant, generate.id(t, 10, p), generate.id(t, 2, p % 3), true FROM generate_series(0, s.providers - 1) p;

    -- Patients, with what a search finds them by, where they are reached and what they consented to.
    INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, created_at, updated_at)
    SELECT tenant, generate.id(t, 12, i), 'patient', opened_at, opened_at FROM generate_series(0, s.patients - 1) i;
    INSERT INTO clinic_data.patients (tenant_id, patient_id, mrn, name, date_of_birth, sex, first_location_id, name_key, created_at, updated_at)
    SELECT tenant, generate.id(t, 12, i), 'MRN-' || lpad(i::text, 6, '0'), m.name, date '1935-01-01' + generate.chance(seed, -1 - i, 31000)::integer,
           ('{female,male}'::text[])[1 + i % 2], generate.id(t, 2, i % 3), m.key, opened_at, opened_at
    FROM generate_series(0, s.patients - 1) i JOIN generate.names AS m ON m.number = generate.chance(seed, 1000000 + i, 1920);
    INSERT INTO clinic_data.patient_search_keys (tenant_id, search_key, patient_id)
    SELECT tenant, k.search_key, generate.id(t, 12, i)
    FROM generate_series(0, s.patients - 1) i JOIN generate.names AS m ON m.number = generate.chance(seed, 1000000 + i, 1920)
    CROSS JOIN LATERAL unnest(m.search_keys) AS k (search_key);
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + n;
    INSERT INTO clinic_data.calendars (tenant_id, resource_id, lane, calendar_no)
    SELECT tenant, CASE WHEN i < s.providers THEN generate.id(t, 4, i) WHEN i < 2 * s.providers THEN generate.id(t, 5, i - s.providers)
                        ELSE generate.id(t, 12, i - 2 * s.providers) END, 1, first_calendar + i
    FROM generate_series(0, 2 * s.providers + s.patients - 1) i;
    INSERT INTO clinic_data.events (tenant_id, event_id, name, subject_id, sequence, occurred_at, patient_id)
    SELECT tenant, generate.id_at(opened_at, 1, i), 'patient.created', generate.id(t, 12, i), 1, opened_at, generate.id(t, 12, i) FROM generate_series(0, s.patients - 1) i;
    INSERT INTO clinic_data.consent_texts (tenant_id, text_id, purpose, language, version_no, body, valid_from_at, created_at)
    VALUES (tenant, text_id, 'marketing', 'en', 1, 'You may write to me about offers.', opened_at, opened_at);
    INSERT INTO clinic_data.consents (tenant_id, consent_id, patient_id, purpose, text_id, given_by, evidence, given_at, expires_at, recorded_at)
    SELECT tenant, generate.id(t, 13, i), generate.id(t, 12, i), 'marketing', text_id, 'paper', 'scan ' || i, now_at - interval '100 days', now_at + interval '600 days',
           now_at - interval '100 days'
    FROM generate_series(0, s.patients - 1) i WHERE i % 3 = 0;
    row_count := row_count + 4 * s.patients + s.patients / 3;
    IF s.contacts THEN
        INSERT INTO clinic_data.patient_contacts (tenant_id, contact_id, patient_id, channel, destination, destination_index, created_at, updated_at)
        SELECT tenant, generate.id(t, 14, i), generate.id(t, 12, i), 'sms',
               clinic_private.encrypt_field(tenant, generate.id(t, 12, i), 'clinic_data.patient_contacts', 'destination', generate.id(t, 14, i)::text, c.phone),
               clinic_private.contact_index(tenant, c.phone), opened_at, opened_at
        FROM generate_series(0, s.patients - 1) i
        CROSS JOIN LATERAL (SELECT '+1555' || lpad(i::text, 7, '0')) AS c (phone);
        row_count := row_count + 2 * s.patients;
    END IF;

    -- The visits, once, for all that is about them.
    CREATE TEMPORARY TABLE IF NOT EXISTS made_visits (
        number bigint, p integer, k integer, on_date date, dice integer, appointment_id uuid, service integer, patient integer, status text,
        starts_at timestamptz, ends_at timestamptz, local_starts_at timestamp, booked_at timestamptz, done_at timestamptz,
        service_id uuid, provider_id uuid, location_id uuid, patient_id uuid
    ) ON COMMIT DELETE ROWS;
    INSERT INTO made_visits
    SELECT v.number, v.p, v.k, d.on_date, v.dice, generate.id_at(b.booked_at, 2, v.number), v.dice % 3,
           w.patient,
           CASE WHEN x.starts_at < now_at THEN CASE WHEN v.dice < 850 THEN 'completed' WHEN v.dice < 950 THEN 'cancelled' ELSE 'no_show' END
                ELSE CASE WHEN v.dice < 700 THEN 'booked' WHEN v.dice < 950 THEN 'confirmed' ELSE 'cancelled' END END,
           x.starts_at, x.starts_at + interval '30 minutes', l.local_starts_at, b.booked_at,
           CASE WHEN x.starts_at < now_at THEN CASE WHEN v.dice < 850 THEN x.starts_at + interval '35 minutes' WHEN v.dice < 950 THEN x.starts_at - interval '3 hours'
                                                    ELSE x.starts_at + interval '1 hour' END
                WHEN v.dice >= 700 THEN least(b.booked_at + interval '1 hour', now_at) END,
           service_ids[1 + v.dice % 3], provider_ids[1 + v.p], location_ids[1 + v.p % 3], patient_ids[1 + w.patient]
    FROM (SELECT k::bigint * s.providers + p, p, k, generate.chance(seed, 2 * (k::bigint * s.providers + p), 1000)::integer
          FROM generate_series(0, s.visits - 1) k, generate_series(0, s.providers - 1) p) AS v (number, p, k, dice)
    CROSS JOIN LATERAL (SELECT generate.weekday(monday, v.k / 8)) AS d (on_date)
    CROSS JOIN LATERAL (SELECT d.on_date + make_interval(hours => CASE WHEN v.k % 8 < 4 THEN 8 ELSE 9 END + v.k % 8, mins => v.dice % 2 * 30)) AS l (local_starts_at)
    CROSS JOIN LATERAL (SELECT l.local_starts_at AT TIME ZONE zone_name) AS x (starts_at)
    CROSS JOIN LATERAL (SELECT least(x.starts_at, now_at) - make_interval(mins => 10 + generate.chance(seed, -v.number, 20000)::integer)) AS b (booked_at)
    -- Patients of the same hour are of different classes.
    CROSS JOIN LATERAL (SELECT (v.p + v.k) % s.providers + s.providers * generate.chance(seed, 2 * v.number + 1, s.patients / s.providers)::integer) AS w (patient);
    GET DIAGNOSTICS visit_count = ROW_COUNT;

    INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at, ends_at,
                                          local_starts_at, time_zone, cancelled_at, cancel_reason, version, created_at, updated_at, status_before, arrived_at,
                                          started_at, completed_at)
    SELECT tenant, m.appointment_id, 'L' || upper(lpad(to_hex(m.number), 7, '0')), m.service_id, m.provider_id,
           m.location_id, m.patient_id, m.status, m.starts_at, m.ends_at, m.local_starts_at, zone,
           CASE m.status WHEN 'cancelled' THEN m.done_at END, CASE m.status WHEN 'cancelled' THEN 'other plans' END,
           CASE m.status WHEN 'booked' THEN 1 WHEN 'completed' THEN 4 ELSE 2 END, m.booked_at, coalesce(m.done_at, m.booked_at),
           CASE m.status WHEN 'completed' THEN 'in_progress' WHEN 'booked' THEN NULL ELSE 'booked' END,
           CASE m.status WHEN 'completed' THEN m.starts_at - interval '5 minutes' END, CASE m.status WHEN 'completed' THEN m.starts_at + interval '2 minutes' END,
           CASE m.status WHEN 'completed' THEN m.done_at END
    FROM made_visits AS m;
    INSERT INTO clinic_data.appointment_resources (tenant_id, appointment_id, resource_id)
    SELECT tenant, m.appointment_id, CASE w.kind WHEN 4 THEN m.provider_id ELSE generate.id(t, 5, m.p) END FROM made_visits AS m CROSS JOIN (VALUES (4), (5)) AS w (kind) WHERE w.kind = 4 OR m.service = 2;
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + visit_count + n;
    -- Claims go thirty days after the visit.
    INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, service_id, location_id, appointment_id, created_at)
    SELECT tenant, generate.id_at(m.booked_at, 10 + w.kind, m.number),
           CASE w.kind WHEN 1 THEN m.provider_id WHEN 2 THEN m.patient_id ELSE generate.id(t, 5, m.p) END,
           first_calendar + CASE w.kind WHEN 1 THEN m.p WHEN 2 THEN 2 * s.providers + m.patient ELSE s.providers + m.p END,
           tstzrange(m.starts_at, m.ends_at), m.starts_at, m.ends_at, 'booking', m.service_id, m.location_id, m.appointment_id, m.booked_at
    FROM made_visits AS m CROSS JOIN (VALUES (1), (2), (3)) AS w (kind)
    WHERE m.status IN ('completed', 'booked', 'confirmed') AND m.ends_at > now_at - interval '30 days' AND (w.kind < 3 OR m.service = 2);
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + n;

    INSERT INTO clinic_data.events (tenant_id, event_id, name, subject_id, sequence, occurred_at, status, status_before, service_id, provider_id, location_id, patient_id,
                                    starts_at, ends_at)
    SELECT tenant, generate.id_at(CASE w.n WHEN 1 THEN m.booked_at ELSE m.done_at END, 10 + w.n, m.number),
           'appointment.' || CASE w.n WHEN 1 THEN 'scheduled' ELSE m.status END, m.appointment_id, CASE WHEN w.n = 2 AND m.status = 'completed' THEN 4 ELSE w.n END,
           CASE w.n WHEN 1 THEN m.booked_at ELSE m.done_at END, CASE w.n WHEN 1 THEN 'booked' ELSE m.status END,
           CASE WHEN w.n = 2 THEN CASE m.status WHEN 'completed' THEN 'in_progress' ELSE 'booked' END END, m.service_id, m.provider_id,
           m.location_id, m.patient_id, m.starts_at, m.ends_at
    FROM made_visits AS m CROSS JOIN (VALUES (1), (2)) AS w (n) WHERE w.n = 1 OR m.done_at IS NOT NULL;
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + n;
    INSERT INTO clinic_data.notifications (tenant_id, notification_id, kind, patient_id, appointment_id, planned_at, due_at, expires_at, channel, contact_id, status,
                                           status_reason, message_id, sent_at, delivery, delivery_at, done_at, created_at)
    SELECT tenant, generate.id_at(m.booked_at, 20, m.number), 'reminder', m.patient_id, m.appointment_id, r.at, r.at, m.starts_at,
           CASE WHEN r.sent THEN 'sms' END, CASE WHEN r.sent AND s.contacts THEN generate.id(t, 14, m.patient) END,
           CASE WHEN m.status = 'cancelled' THEN 'void' WHEN r.sent THEN 'sent' WHEN r.at < now_at THEN 'expired' ELSE 'waiting' END,
           CASE WHEN m.status = 'cancelled' THEN 'cancelled' END, CASE WHEN r.sent THEN generate.id_at(r.at, 21, m.number) END,
           CASE WHEN r.sent THEN r.at END, CASE WHEN r.sent THEN 'delivered' END, CASE WHEN r.sent THEN r.at END,
           CASE WHEN m.status = 'cancelled' THEN m.done_at WHEN r.at < now_at THEN r.at END, m.booked_at
    FROM made_visits AS m
    CROSS JOIN LATERAL (SELECT q.at, q.at < now_at AND q.at > m.booked_at AND m.status <> 'cancelled' FROM (SELECT m.starts_at - interval '24 hours') AS q (at)) AS r (at, sent)
    WHERE m.dice % 2 = 0;
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + n;
    -- Messages go thirty days after they were sent.
    INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, created_at, due_at, expires_at, attempts, status, done_at, delivery, delivery_at)
    SELECT tenant, generate.id_at(r.at, 21, m.number), 'reminder', 'sms', r.at, r.at, m.starts_at, 1, 'sent', r.at, 'delivered', r.at
    FROM made_visits AS m CROSS JOIN LATERAL (SELECT m.starts_at - interval '24 hours') AS r (at)
    WHERE m.dice % 2 = 0 AND r.at < now_at AND r.at > greatest(m.booked_at, now_at - interval '30 days') AND m.status <> 'cancelled';
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + n;

    INSERT INTO clinic_data.tickets (tenant_id, ticket_id, location_id, on_date, number, state, appointment_id, patient_id, service_id, provider_id, due_at,
                                     expected_minutes, calls, issued_at, called_at, served_at, ended_at, created_at, updated_at)
    SELECT tenant, generate.id_at(m.starts_at - interval '5 minutes', 30, m.number), m.location_id, m.on_date, m.p / 3 * 8 + m.k % 8 + 1, 'done',
           m.appointment_id, m.patient_id, m.service_id, m.provider_id, m.starts_at, 30, 1,
           m.starts_at - interval '5 minutes', m.starts_at, m.starts_at + interval '2 minutes', m.done_at, m.starts_at - interval '5 minutes', m.done_at
    FROM made_visits AS m WHERE m.status = 'completed' AND m.dice % 3 = 0;
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + n;
    INSERT INTO clinic_data.ticket_counters (tenant_id, location_id, on_date, prefix, last_number)
    SELECT tenant, generate.id(t, 2, l), generate.weekday(monday, d), '', s.providers / 3 * 8 + 8
    FROM generate_series(0, least(2, s.providers - 1)) l, generate_series(0, s.days - 1) d WHERE generate.weekday(monday, d) <= s.today;
    INSERT INTO clinic_data.idempotency_keys (tenant_id, caller_id, key_hash, call, payload_hash, result, created_at, expires_at)
    SELECT tenant, generate.id(t, 15, 1), sha256(int8send(m.number)), 'book_appointment', sha256(int8send(-m.number)), sha256(int8send(m.number)) || sha256(int8send(m.number)),
           m.booked_at, m.booked_at + interval '24 hours'
    FROM made_visits AS m WHERE m.booked_at > now_at - interval '24 hours';
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + n;
    INSERT INTO clinic_data.sign_in_events (tenant_id, event_id, occurred_at, kind, outcome, user_id)
    SELECT tenant, generate.id_at(m.starts_at - interval '1 hour', 31, m.number), m.starts_at - interval '1 hour', 'sign_in', 'success', generate.id(t, 10, m.p)
    FROM made_visits AS m WHERE m.k % 8 = 0 AND m.starts_at < now_at;
    -- Who waited: most were booked or left, some wait for a date beyond the last visit.
    INSERT INTO clinic_data.waitlist_entries (tenant_id, entry_id, service_id, patient_id, provider_id, location_id, from_on, until_on, status, lapses_at, joined_at, closed_at,
                                              appointment_id, created_at, updated_at)
    SELECT tenant, generate.id_at(m.booked_at, 32, m.number), m.service_id, m.patient_id, m.provider_id, m.location_id,
           m.on_date, m.on_date + 7, CASE WHEN m.dice < 5 THEN 'booked' ELSE 'left' END, (m.on_date + 8)::timestamp AT TIME ZONE zone_name,
           m.booked_at - interval '3 days', m.booked_at, CASE WHEN m.dice < 5 THEN m.appointment_id END, m.booked_at - interval '3 days', m.booked_at
    FROM made_visits AS m WHERE m.dice < 10;
    INSERT INTO clinic_data.waitlist_entries (tenant_id, entry_id, service_id, patient_id, from_on, until_on, lapses_at, joined_at, created_at, updated_at)
    SELECT tenant, generate.id_at(j.at, 33, i), generate.id(t, 3, 0), generate.id(t, 12, i), s.today + 60, s.today + 74,
           (s.today + 75)::timestamp AT TIME ZONE zone_name, j.at, j.at, j.at
    FROM generate_series(0, s.patients - 1, 20) i CROSS JOIN LATERAL (SELECT now_at - make_interval(mins => i)) AS j (at);
    -- Of some patients the next visits are the dates of one series.
    INSERT INTO clinic_data.series (tenant_id, series_id, service_id, patient_id, rule, local_first_starts_at, dates, time_zone, gap, mode, endless, created_at, updated_at)
    SELECT tenant, generate.id(t, 16, v.patient), generate.id(t, 3, 0), v.patient_id, NULL, min(v.local_starts_at),
           array_agg(v.local_starts_at ORDER BY v.local_starts_at), zone, 'refuse', 'skip', false, min(v.booked_at), min(v.booked_at)
    FROM made_visits AS v WHERE v.patient % 10 = 0 AND v.service = 0 GROUP BY v.patient, v.patient_id;
    INSERT INTO clinic_data.series_appointments (tenant_id, entry_id, series_id, ordinal, local_original_start, local_starts_at, starts_at, ends_at, provider_id, location_id,
                                                 resource_ids, outcome, appointment_id, created_at)
    SELECT tenant, generate.id_at(v.booked_at, 34, v.number), generate.id(t, 16, v.patient), row_number() OVER (PARTITION BY v.patient ORDER BY v.local_starts_at),
           v.local_starts_at, v.local_starts_at, v.starts_at, v.ends_at, v.provider_id, v.location_id, '{}', 'booked', v.appointment_id, v.booked_at
    FROM made_visits AS v WHERE v.patient % 10 = 0 AND v.service = 0;
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + n;

    -- The audit: of a share of visits that they were made, and that somebody read the patient. Their leaves are whole, so that they can be sealed.
    INSERT INTO clinic_data.audit_records (tenant_id, audit_id, transaction_id, recorded_at, class, action, table_name, row_id, patient_id, user_id, actor, login, after,
                                           row_ids, row_count, salt, leaf_hash)
    SELECT (r.whole).tenant_id, (r.whole).audit_id, (r.whole).transaction_id, (r.whole).recorded_at, (r.whole).class, (r.whole).action, (r.whole).table_name,
           (r.whole).row_id, (r.whole).patient_id, (r.whole).user_id, (r.whole).actor, (r.whole).login, (r.whole).after, (r.whole).row_ids, (r.whole).row_count,
           (r.whole).salt, clinic_private.audit_leaf(r.whole)
    FROM (SELECT ROW(tenant, generate.id_at(m.booked_at, 40 + w.n, m.number), pg_current_xact_id(), m.booked_at, CASE w.n WHEN 1 THEN 'medical' ELSE 'access' END,
                     CASE w.n WHEN 1 THEN 'create' ELSE 'read' END, CASE w.n WHEN 1 THEN 'appointments' ELSE 'patients' END,
                     CASE w.n WHEN 1 THEN m.appointment_id::text END, CASE w.n WHEN 1 THEN m.patient_id END, generate.id(t, 10, m.p), 'staff', 'load',
                     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                     CASE w.n WHEN 1 THEN jsonb_build_object('status', 'booked', 'starts_at', m.starts_at, 'ends_at', m.ends_at, 'patient_id', m.patient_id,
                                                             'provider_id', m.provider_id, 'service_id', m.service_id) END,
                     CASE w.n WHEN 2 THEN ARRAY[m.patient_id] END, CASE w.n WHEN 2 THEN 1 END, NULL,
                     substr(sha256(int8send(seed) || int8send(2 * m.number + w.n)), 1, 16), ''::bytea)::clinic_data.audit_records
          FROM made_visits AS m CROSS JOIN (VALUES (1), (2)) AS w (n) WHERE (m.dice * 7919 + 13) % 1000 < 1000 * s.audit) AS r (whole);
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + n;
    INSERT INTO clinic_data.audit_read_patients (tenant_id, patient_id, audit_id)
    SELECT tenant, m.patient_id, generate.id_at(m.booked_at, 42, m.number)
    FROM made_visits AS m WHERE (m.dice * 7919 + 13) % 1000 < 1000 * s.audit;
    GET DIAGNOSTICS n = ROW_COUNT;
    row_count := row_count + n;
END
$$;
