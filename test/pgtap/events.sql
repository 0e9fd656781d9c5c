-- Events: which are written, who is told of them, in which order and with which signature; and where requests may not go.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL timezone = 'Asia/Kolkata';
SET LOCAL clinic.clock = '2027-03-01 06:00Z';
SELECT no_plan();

CREATE FUNCTION pg_temp.id(tenant integer, kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS
    $$ SELECT pg_catalog.format('0000000%s-00%s-7000-8000-%s', tenant, kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
CREATE ROLE events_sender LOGIN IN ROLE clinic_user;
CREATE ROLE events_setup LOGIN IN ROLE clinic_user;
CREATE ROLE events_nurse LOGIN IN ROLE clinic_user;
CREATE ROLE events_patient LOGIN IN ROLE clinic_user;

CREATE FUNCTION pg_temp.make_tenant(n integer, slug text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.create_tenant(slug, slug, tenant_id => pg_temp.id(n, 10));
    PERFORM clinic.create_location('Place', 'Europe/Berlin', location_id => pg_temp.id(n, 20));
    PERFORM clinic.create_provider('Doctor', 'Europe/Berlin', provider_id => pg_temp.id(n, 30));
    PERFORM clinic.create_service('Visit', 30, service_id => pg_temp.id(n, 50));
    PERFORM clinic.offer_service(pg_temp.id(n, 50), pg_temp.id(n, 30));
    PERFORM clinic.add_hours(pg_temp.id(n, 30), pg_temp.id(n, 20), 'FREQ=DAILY', '09:00', '17:00', '2027-01-01');
    PERFORM clinic.create_patient('Patient ' || p, patient_id => pg_temp.id(n, 60, p)) FROM generate_series(1, 3) p;
END
$$;
SELECT pg_temp.make_tenant(2, 'events-hill') \g /dev/null
SELECT pg_temp.make_tenant(1, 'events-lake') \g /dev/null
SELECT clinic.map_login('events_sender', 'staff', '{outbox:deliver}'), clinic.map_login('events_setup', 'staff', '{setup:write}'),
       clinic.map_login('events_nurse', 'staff', '{appointments:read,patients:read}'),
       clinic.map_login('events_patient', 'patient', patient_id => pg_temp.id(1, 60)) \g /dev/null

-- What a login's call comes to: its first column, or SQLSTATE and message. Nothing stays.
CREATE FUNCTION pg_temp.outcome(login text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    RESET ALL;
    SET LOCAL clinic.clock = '2027-03-03 06:00Z';
    SET LOCAL search_path = pg_catalog, public;
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
    EXECUTE query INTO answer;
    RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN coalesce(answer, 'null');
    WHEN OTHERS THEN
        RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Which events there are.

SELECT set_eq($$ SELECT name FROM clinic.event_names() WHERE name !~ '^(appointment|waitlist|session|series|ticket)\.' OR name IN ('appointment.scheduled', 'appointment.cancelled', 'appointment.completed') $$,
              ARRAY['audit.sealed', 'patient.created', 'patient.updated', 'medical_record.created', 'medical_record.shared', 'prescription.created', 'prescription.refill_requested',
                    'appointment.scheduled', 'appointment.cancelled', 'appointment.completed', 'digital_program.enrollment_completed'],
              'the names that the API promises are there');
SELECT set_eq($$ SELECT name FROM clinic.event_names() WHERE written AND name !~ '^(appointment|waitlist|session|series|ticket)\.' $$, ARRAY['audit.sealed', 'patient.created', 'patient.updated'], 'some are reserved');

SELECT results_eq($$ SELECT name, sequence, occurred_at, patient_id, data FROM clinic_data.events WHERE subject_id = pg_temp.id(1, 60) ORDER BY sequence $$,
                  $$ VALUES ('patient.created', 1, timestamptz '2027-03-01 06:00Z', pg_temp.id(1, 60), NULL::jsonb) $$, 'a new patient is an event');
SELECT clinic.update_patient(pg_temp.id(1, 60), '{"name": "Somebody Else"}') \g /dev/null
UPDATE clinic_data.patients SET name = name WHERE tenant_id = pg_temp.id(1, 10);
SELECT results_eq($$ SELECT name, sequence FROM clinic_data.events WHERE subject_id = pg_temp.id(1, 60) ORDER BY sequence $$,
                  $$ VALUES ('patient.created', 1), ('patient.updated', 2) $$, 'a changed patient is one; an update that changes nothing is none');
SELECT is((SELECT count(*) FROM clinic_data.deliveries) + (SELECT count(*) FROM clinic_data.queued_events), 0::bigint, 'nobody is told where nobody asked');

-- ---------------------------------------------------------------------------------------------------------------------
-- Where requests may go.

CREATE TEMPORARY TABLE urls (url text, form text);
INSERT INTO urls VALUES
    ('https://hooks.clinic-receiver.com/a?b=c', 'https://hooks.clinic-receiver.com/a?b=c'),
    ('HTTPS://Hooks.Receiver.COM', 'https://hooks.receiver.com'),
    ('https://hooks.receiver.com:443/x', 'https://hooks.receiver.com/x'),
    ('https://hooks.receiver.com:8443/x', 'https://hooks.receiver.com:8443/x'),
    ('https://xn--bcher-kva.de/p@th', 'https://xn--bcher-kva.de/p@th'),
    ('https://8.8.8.8/x', 'https://8.8.8.8/x'),
    ('https://[2606:4700::1111]/x', 'https://[2606:4700::1111]/x'),
    ('', NULL), ('hooks.receiver.com', NULL), ('http://hooks.receiver.com', NULL), ('ftp://hooks.receiver.com', NULL),
    ('https:/hooks.receiver.com', NULL), ('https:\\hooks.receiver.com', NULL), (' https://hooks.receiver.com', NULL),
    ('https://user@hooks.receiver.com', NULL), ('https://user:secret@hooks.receiver.com/', NULL), ('https://hooks.receiver.com@127.0.0.1/', NULL),
    ('https://127.0.0.1\@hooks.receiver.com/', NULL), ('https://hooks.receiver.com#@127.0.0.1/', NULL),
    ('https://hooks.receiver.com:80/', NULL), ('https://hooks.receiver.com:22', NULL), ('https://hooks.receiver.com:8080', NULL),
    ('https://hooks.receiver.com:/', NULL), ('https://hooks.receiver.com:99999', NULL), ('https://hooks.receiver.com:0443x', NULL),
    ('https://localhost/', NULL), ('https://localhost./', NULL), ('https://a.localhost/', NULL), ('https://intern/', NULL), ('https://db.internal/', NULL),
    ('https://printer.local/', NULL), ('https://router.home.arpa/', NULL), ('https://nas.lan/', NULL), ('https://x.test/', NULL), ('https://x.onion/', NULL),
    ('https://127.0.0.1/', NULL), ('https://127.1/', NULL), ('https://2130706433/', NULL), ('https://0x7f000001/', NULL), ('https://0177.0.0.1/', NULL),
    ('https://127.0.0.1./', NULL), ('https://0.0.0.0/', NULL), ('https://10.1.2.3/', NULL), ('https://172.16.0.1/', NULL), ('https://172.31.255.255/', NULL),
    ('https://192.168.1.1/', NULL), ('https://169.254.169.254/latest/meta-data', NULL), ('https://100.64.0.1/', NULL), ('https://198.18.0.1/', NULL),
    ('https://224.0.0.1/', NULL), ('https://255.255.255.255/', NULL), ('https://300.1.1.1/', NULL), ('https://8.8.8.8.8/', NULL), ('https://1.2.3.0x4/', NULL),
    ('https://[::1]/', NULL), ('https://[::]/', NULL), ('https://[fe80::1]/', NULL), ('https://[fd00:ec2::254]/', NULL), ('https://[::ffff:127.0.0.1]/', NULL),
    ('https://[::ffff:10.0.0.1]/', NULL), ('https://[64:ff9b::a00:1]/', NULL), ('https://[2002:7f00:1::]/', NULL), ('https://[2001:0:7f00:1::]/', NULL),
    ('https://[ff02::1]/', NULL), ('https://[fe80::1%25eth0]/', NULL), ('https://[2606:4700::1111/', NULL), ('https://[8.8.8.8]/', 'https://[8.8.8.8]/'),
    ('https://-a.receiver.com/', NULL), ('https://a..receiver.com/', NULL), ('https://under_score.receiver.com/', NULL), ('https://ünicode.com/', NULL),
    ('https://hooks.receiver.com/ x', NULL), (E'https://hooks.receiver.com/\r\nHost: x', NULL), ('https://hooks.receiver.com/"x"', NULL),
    ('https://hooks.receiver.com/' || repeat('x', 2000), NULL);
DELETE FROM urls WHERE url = 'https://[8.8.8.8]/';
CREATE FUNCTION pg_temp.form(url text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN clinic_private.webhook_url(url);
EXCEPTION WHEN invalid_parameter_value THEN
    IF SQLERRM LIKE '%' || url || '%' AND length(url) > 5 THEN
        RAISE EXCEPTION 'the message shows the url';
    END IF;
    RETURN NULL;
END
$$;
SELECT is(pg_temp.form(url), form, format('%s is %s', to_json(left(url, 60)), CASE WHEN form IS NULL THEN 'refused' ELSE 'taken' END)) FROM urls;
SELECT set_eq($$ SELECT a FROM unnest('{8.8.8.8,127.0.0.1,10.0.0.0/8,8.8.8.0/24,0.0.0.0,172.15.255.255,172.32.0.0,192.0.0.1,::1,2a00:1450::1,2001:4860::8888,2001:db8::1,fec0::1}'::inet[]) AS a
                   WHERE clinic.is_public_address(a) $$,
              '{8.8.8.8,172.15.255.255,172.32.0.0,2a00:1450::1,2001:4860::8888}'::inet[], 'which addresses are of the public internet');

-- ---------------------------------------------------------------------------------------------------------------------
-- Subscriptions.

CREATE TEMPORARY TABLE made AS
SELECT 'all' AS what, s.* FROM clinic.create_subscription('All', 'https://hooks.receiver.com/all') s
UNION ALL SELECT 'visits', s.* FROM clinic.create_subscription('Visits', 'https://hooks.receiver.com/visits', '{appointment.scheduled,appointment.cancelled,appointment.scheduled}') s
UNION ALL SELECT 'patients', s.* FROM clinic.create_subscription('Patients', 'https://hooks.receiver.com/patients', '{patient.*}') s;
GRANT SELECT ON made TO PUBLIC;
CREATE FUNCTION pg_temp.made(wanted text) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT m.subscription_id FROM pg_temp.made m WHERE m.what = wanted $$;

SELECT is((SELECT count(DISTINCT secret) FROM made WHERE secret ~ '^whsec_[A-Za-z0-9_-]{43}$'), 3::bigint, 'each has a secret of its own');
SELECT results_eq($$ SELECT name, url, events, status, version FROM clinic.subscriptions ORDER BY name $$,
    $$ VALUES ('All', 'https://hooks.receiver.com/all', '{*}'::text[], 'active', 1), ('Patients', 'https://hooks.receiver.com/patients', '{patient.*}', 'active', 1),
              ('Visits', 'https://hooks.receiver.com/visits', '{appointment.scheduled,appointment.cancelled}', 'active', 1) $$, 'they are listed, without their secrets');
SELECT throws_ok($$ SELECT clinic.create_subscription('X', 'https://hooks.receiver.com', '{appointment.schedulled}') $$, '22023', 'there is no event "appointment.schedulled"');
SELECT throws_ok($$ SELECT clinic.create_subscription('X', 'https://hooks.receiver.com', '{nothing.*}') $$, '22023', 'there is no event "nothing.*"');
SELECT throws_ok($$ SELECT clinic.create_subscription('X', 'https://hooks.receiver.com', '{}') $$, '22023', 'events must name 1 to 100 events');
SELECT throws_ok($$ SELECT clinic.create_subscription('', 'https://hooks.receiver.com') $$, '22023', 'name must have 1 to 200 characters');
SELECT throws_ok($$ SELECT clinic.create_subscription('X', NULL) $$, '22004');
SELECT throws_ok($$ SELECT clinic.create_subscription('X', 'https://10.0.0.1') $$, '22023', 'the address in url must be one of the public internet');
SELECT is(clinic.update_subscription(pg_temp.made('patients'), '{"name": "People", "events": ["patient.created", "patient.updated"]}'), 2, 'one can be changed');
SELECT throws_ok($$ SELECT clinic.update_subscription(pg_temp.made('patients'), '{"url": "http://hooks.receiver.com"}') $$, '22023', 'url must begin with https://');
SELECT throws_ok($$ SELECT clinic.update_subscription(pg_temp.made('patients'), '{"url": null}') $$, '22023', 'url must begin with https://');
SELECT throws_ok($$ SELECT clinic.update_subscription(pg_temp.made('patients'), '{"events": "*"}') $$, '22023', 'events must be an array of names');
SELECT throws_ok($$ SELECT clinic.update_subscription(pg_temp.made('patients'), '{"events": [null]}') $$, '22023', 'there is no event "null"');
SELECT throws_ok($$ SELECT clinic.update_subscription(pg_temp.made('patients'), '{"secret": "x"}') $$, '22023', 'unknown column: secret');
SELECT throws_ok($$ SELECT clinic.update_subscription(pg_temp.made('patients'), '{"name": "X", "version": 1}') $$, 'CL025');
SELECT throws_ok($$ SELECT clinic.update_subscription(pg_temp.id(9, 99), '{"name": "X"}') $$, 'CL001');

-- ---------------------------------------------------------------------------------------------------------------------
-- Deliveries: written with the event, signed, in order.

CREATE TEMPORARY TABLE visit AS SELECT b.appointment_id FROM clinic.book_appointment(pg_temp.id(1, 50), pg_temp.id(1, 60), '2027-03-02 09:00+01', pg_temp.id(1, 30)) b;
GRANT SELECT ON visit TO PUBLIC;
SELECT results_eq($$ SELECT s.name, d.event, d.sequence, d.status FROM clinic.deliveries d JOIN clinic.subscriptions s USING (subscription_id) ORDER BY 1, 3 $$,
    $$ VALUES ('All', 'appointment.scheduled', 1, 'waiting'), ('Visits', 'appointment.scheduled', 1, 'waiting') $$, 'a booking is written for those who want it');
SAVEPOINT undone;
SELECT clinic.cancel_appointment(appointment_id, 'a reason of a personal kind') FROM visit \g /dev/null
SELECT is((SELECT count(*) FROM clinic.deliveries), 4::bigint, 'and so is the cancellation');
ROLLBACK TO undone;
SELECT is((SELECT count(*) FROM clinic.deliveries), 2::bigint, 'unless it is undone');
SELECT clinic.cancel_appointment(appointment_id, 'a reason of a personal kind') FROM visit \g /dev/null
SELECT clinic.update_patient(pg_temp.id(1, 60, 2), '{"name": "A secret name"}') \g /dev/null

CREATE TEMPORARY TABLE claimed AS SELECT c.*, s.name AS what FROM clinic.claim_deliveries() c JOIN clinic.subscriptions s USING (subscription_id);
SELECT results_eq($$ SELECT what, event, url, attempts, claimed_until FROM claimed ORDER BY 1, 2 $$,
    $$ VALUES ('All', 'appointment.scheduled', 'https://hooks.receiver.com/all', 1, timestamptz '2027-03-01 06:01Z'),
              ('All', 'patient.updated', 'https://hooks.receiver.com/all', 1, '2027-03-01 06:01Z'),
              ('People', 'patient.updated', 'https://hooks.receiver.com/patients', 1, '2027-03-01 06:01Z'),
              ('Visits', 'appointment.scheduled', 'https://hooks.receiver.com/visits', 1, '2027-03-01 06:01Z') $$, 'the first of each subject and subscriber goes first');
SELECT is(c.body::jsonb, jsonb_build_object('event', 'appointment.scheduled', 'timestamp', '2027-03-01T06:00:00Z', 'data', jsonb_build_object(
              'appointment_id', v.appointment_id, 'patient_id', pg_temp.id(1, 60), 'provider_id', pg_temp.id(1, 30), 'location_id', pg_temp.id(1, 20),
              'service_id', pg_temp.id(1, 50), 'scheduled_time', '2027-03-02T08:00:00Z', 'end_time', '2027-03-02T08:30:00Z')), 'the body has ids and times only')
  FROM claimed c, visit v WHERE c.what = 'Visits';
SELECT is(c.body::jsonb, jsonb_build_object('event', 'patient.updated', 'timestamp', '2027-03-01T06:00:00Z', 'data', jsonb_build_object('patient_id', pg_temp.id(1, 60, 2))),
          'that of a patient the id only')
  FROM claimed c WHERE c.what = 'People';
SELECT is(c.headers ->> 'X-Clinic-Signature',
          't=' || extract(epoch FROM timestamptz '2027-03-01 06:00Z')::bigint || ',v1=' ||
          encode(public.hmac(convert_to(extract(epoch FROM timestamptz '2027-03-01 06:00Z')::bigint || '.' || c.body, 'UTF8'), convert_to(m.secret, 'UTF8'), 'sha256'), 'hex'),
          format('the signature of %s is that of its secret', m.what))
  FROM claimed c JOIN made m USING (subscription_id) ORDER BY c.delivery_id;
SELECT is(c.headers - 'X-Clinic-Signature', jsonb_build_object('Content-Type', 'application/json', 'User-Agent', 'pg_clinic', 'X-Clinic-Event', c.event,
              'X-Clinic-Event-Id', d.event_id, 'X-Clinic-Sequence', '1', 'X-Clinic-Delivery', c.delivery_id), 'what else the headers say')
  FROM claimed c JOIN clinic.deliveries d USING (delivery_id) WHERE c.what = 'Visits';
SELECT is_empty($$ SELECT * FROM clinic.claim_deliveries() $$, 'what is claimed is not claimed twice, and nothing behind it');
SELECT is(encode(clinic_private.hmac_sha256('Jefe', 'what do ya want for nothing?'), 'hex'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'HMAC as in RFC 4231');

-- What is delivered lets the next one go; what failed does not.
SELECT is(clinic.finish_delivery(c.delivery_id, 204), 'delivered') FROM claimed c WHERE c.what = 'Visits';
SELECT is(clinic.finish_delivery(c.delivery_id, 302), 'waiting', 'a redirect is no answer') FROM claimed c WHERE c.what = 'All' AND c.event = 'appointment.scheduled';
SELECT is(clinic.finish_delivery(c.delivery_id, error => 'no route'), 'waiting') FROM claimed c WHERE c.what = 'All' AND c.event = 'patient.updated';
SELECT is(clinic.finish_delivery(c.delivery_id, 410), 'dead', 'a receiver who wants no more is not asked again') FROM claimed c WHERE c.what = 'People';
SELECT results_eq($$ SELECT s.name, c.event FROM clinic.claim_deliveries() c JOIN clinic.subscriptions s USING (subscription_id) $$,
                  $$ VALUES ('Visits', 'appointment.cancelled') $$, 'the cancellation goes to whom has had the booking');
SELECT results_eq($$ SELECT s.name, d.event, d.status, d.http_status, d.last_error, d.due_at FROM clinic.deliveries d JOIN clinic.subscriptions s USING (subscription_id)
                      WHERE d.claimed_until IS NULL AND d.attempts > 0 ORDER BY 1, 2 $$,
    $$ VALUES ('All', 'appointment.scheduled', 'waiting', 302, 'status 302', timestamptz '2027-03-01 06:00:30Z'), ('All', 'patient.updated', 'waiting', NULL, 'no route', '2027-03-01 06:00:30Z'),
              ('People', 'patient.updated', 'dead', 410, 'status 410', '2027-03-01 06:00Z'), ('Visits', 'appointment.scheduled', 'delivered', 204, NULL, '2027-03-01 06:00Z') $$,
    'how each went is on record');
SELECT throws_ok(format('SELECT clinic.finish_delivery(%L, 200)', c.delivery_id), 'CL029', format('delivery "%s" is not claimed', c.delivery_id)) FROM claimed c WHERE c.what IN ('Visits', 'People');
SELECT throws_ok($$ SELECT clinic.finish_delivery(pg_temp.id(9, 99), 200) $$, 'CL001');
SELECT throws_ok($$ SELECT clinic.finish_delivery(pg_temp.id(9, 99), 99) $$, '22023');
SELECT throws_ok($$ SELECT clinic.finish_delivery(pg_temp.id(9, 99)) $$, '22023', 'either http_status or error is needed');
SELECT throws_ok($$ SELECT clinic.finish_delivery(NULL, 200) $$, '22004');
SELECT throws_ok($$ SELECT clinic.claim_deliveries(0) $$, '22023', 'max_deliveries must be between 1 and 1000');
SELECT throws_ok($$ SELECT clinic.claim_deliveries(lease_seconds => 3601) $$, '22023');
SELECT throws_ok($$ SELECT clinic.claim_deliveries(NULL) $$, '22004');

-- The schedule of attempts, and the end of them.
SELECT results_eq($$ SELECT clinic_private.delivery_pause(n) FROM generate_series(1, 12) n $$,
    ARRAY['30 s', '1 min', '2 min', '4 min', '8 min', '16 min', '32 min', '64 min', '128 min', '256 min', '6 h', '6 h']::interval[], 'the pauses double up to six hours');
CREATE FUNCTION pg_temp.try_until_dead(wanted text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    one record;
    at timestamptz;
BEGIN
    FOR i IN 1..20 LOOP
        SELECT min(d.due_at) INTO at FROM clinic.deliveries d JOIN clinic.subscriptions s USING (subscription_id)
         WHERE s.name = wanted AND d.status = 'waiting' AND d.event = 'patient.updated';
        EXIT WHEN at IS NULL;
        PERFORM set_config('clinic.clock', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"'), true);
        FOR one IN SELECT c.* FROM clinic.claim_deliveries(1000) c JOIN clinic.subscriptions s USING (subscription_id) WHERE s.name = wanted AND c.event = 'patient.updated' LOOP
            RETURN NEXT one.attempts || ' ' || clinic.finish_delivery(one.delivery_id, 500, attempt => one.attempts);
        END LOOP;
    END LOOP;
END
$$;
SAVEPOINT attempts;
SELECT results_eq($$ SELECT pg_temp.try_until_dead('All') $$, $$ SELECT n || CASE n WHEN 12 THEN ' dead' ELSE ' waiting' END FROM generate_series(2, 12) n $$,
                  'twelve attempts, and it is dead');
SELECT is((SELECT max(done_at) FROM clinic.deliveries WHERE status = 'dead') - timestamptz '2027-03-01 06:00Z', interval '30 s' * (2 ^ 10 - 1) + interval '6 h', 'after fourteen and a half hours');
SELECT lives_ok(format('SELECT clinic.retry_delivery(%L)', d.delivery_id), 'and can be tried again') FROM clinic.deliveries d JOIN clinic.subscriptions s USING (subscription_id)
 WHERE s.name = 'All' AND d.event = 'patient.updated';
SELECT results_eq($$ SELECT c.event, c.attempts FROM clinic.claim_deliveries() c JOIN clinic.subscriptions s USING (subscription_id) WHERE s.name = 'All' AND c.event = 'patient.updated' $$,
                  $$ VALUES ('patient.updated', 1) $$, 'with all attempts before it');
ROLLBACK TO attempts;
SELECT throws_ok(format('SELECT clinic.retry_delivery(%L)', c.delivery_id), 'CL029', format('delivery "%s" is delivered', c.delivery_id)) FROM claimed c WHERE c.what = 'Visits';
SELECT throws_ok($$ SELECT clinic.retry_delivery(d.delivery_id) FROM clinic.deliveries d WHERE d.claimed_until > clinic.now() $$, 'CL029');
SELECT throws_ok($$ SELECT clinic.retry_delivery(pg_temp.id(9, 99)) $$, 'CL001');

-- A lease that ends leaves the delivery to the next one, and the first one has nothing more to say about it.
SET LOCAL clinic.clock = '2027-03-01 06:00:59.999999Z';
SELECT is_empty($$ SELECT * FROM clinic.claim_deliveries() c WHERE c.event = 'appointment.cancelled' $$, 'until the lease ends it is nobody else''s');
SET LOCAL clinic.clock = '2027-03-01 06:01Z';
CREATE TEMPORARY TABLE again AS SELECT * FROM clinic.claim_deliveries() c WHERE c.event = 'appointment.cancelled';
SELECT results_eq('SELECT attempts FROM again', ARRAY[2], 'then it is');
SELECT throws_ok(format('SELECT clinic.finish_delivery(%L, 200, attempt => 1)', delivery_id), 'CL029') FROM again;
SELECT is(clinic.finish_delivery(delivery_id, 200, attempt => 2), 'delivered') FROM again;
SELECT ok((SELECT c.headers ->> 'X-Clinic-Signature' LIKE 't=' || extract(epoch FROM timestamptz '2027-03-01 06:01Z')::bigint || ',%' FROM again c), 'each attempt is signed anew');

-- A program that dies each time.
SAVEPOINT lost;
UPDATE clinic_data.deliveries SET attempts = 12, due_at = '2027-03-01 05:00Z', claimed_until = '2027-03-01 06:00Z' WHERE status = 'waiting';
SELECT is_empty('SELECT * FROM clinic.claim_deliveries()', 'what was claimed twelve times is not claimed again');
SELECT is((SELECT count(*) FROM clinic.deliveries WHERE status = 'waiting' AND attempts = 12), 0::bigint, 'it is dead');
ROLLBACK TO lost;

-- Two secrets while one replaces the other.
CREATE TEMPORARY TABLE rotated AS SELECT clinic.rotate_subscription_secret(pg_temp.made('patients'), 24) AS secret;
SELECT clinic.update_patient(pg_temp.id(1, 60, 3), '{"name": "Another"}') \g /dev/null
CREATE TEMPORARY TABLE twice AS SELECT c.* FROM clinic.claim_deliveries() c WHERE c.subscription_id = pg_temp.made('patients');
SELECT is(regexp_replace(t.headers ->> 'X-Clinic-Signature', '^t=\d+,', ''),
          (SELECT string_agg('v1=' || encode(clinic_private.hmac_sha256(s.secret, extract(epoch FROM clinic.now())::bigint || '.' || t.body), 'hex'), ',' ORDER BY s.place)
             FROM (SELECT 1 AS place, r.secret FROM rotated r UNION ALL SELECT 2, m.secret FROM made m WHERE m.what = 'patients') s), 'the new secret signs, and the old one beside it')
  FROM twice t;
SELECT is((SELECT signs_twice_until FROM clinic.subscriptions WHERE subscription_id = pg_temp.made('patients')), timestamptz '2027-03-02 06:01Z');
SET LOCAL clinic.clock = '2027-03-02 06:01Z';
SELECT is((SELECT count(*) FROM regexp_matches((SELECT c.headers ->> 'X-Clinic-Signature' FROM clinic.claim_deliveries() c WHERE c.subscription_id = pg_temp.made('patients')), 'v1=', 'g')),
          1::bigint, 'when its time is over it does not');
SELECT throws_ok($$ SELECT clinic.rotate_subscription_secret(pg_temp.made('patients'), 169) $$, '22023');
SELECT lives_ok($$ SELECT clinic.rotate_subscription_secret(pg_temp.made('patients'), 0) $$);
SELECT is((SELECT count(*) FROM clinic_data.subscriptions WHERE previous_secret IS NOT NULL), 0::bigint, 'a secret that leaked ends at once');

-- A secret that does not open, for it is another row's, keeps no other subscriber waiting.
SAVEPOINT damaged;
SELECT clinic.create_patient('New') \g /dev/null
UPDATE clinic_data.subscriptions SET secret = (SELECT o.secret FROM clinic_data.subscriptions o WHERE o.subscription_id = pg_temp.made('all'))
 WHERE subscription_id = pg_temp.made('patients');
SELECT results_eq($$ SELECT count(*) FILTER (WHERE c.subscription_id = pg_temp.made('patients')), count(*) FILTER (WHERE c.subscription_id = pg_temp.made('all')) > 0
                       FROM clinic.claim_deliveries(100) c $$, $$ VALUES (0::bigint, true) $$, 'what can be signed is claimed, and nothing else');
SELECT results_eq($$ SELECT DISTINCT d.status, d.last_error FROM clinic_data.deliveries d WHERE d.subscription_id = pg_temp.made('patients') AND d.done_at = clinic.now() $$,
                  $$ VALUES ('dead', 'decryption_failed') $$, 'the rest is dead, and says why');
SELECT lives_ok($$ SELECT clinic.rotate_subscription_secret(pg_temp.made('patients')) $$, 'a new secret mends it');
SELECT lives_ok($$ SELECT clinic.retry_delivery(d.delivery_id) FROM clinic_data.deliveries d WHERE d.last_error = 'decryption_failed' $$);
SELECT isnt_empty($$ SELECT * FROM clinic.claim_deliveries(100) c WHERE c.subscription_id = pg_temp.made('patients') $$, 'and it is sent, signed by the new secret alone');
ROLLBACK TO damaged;

-- Paused, resumed, deleted.
SET LOCAL clinic.clock = '2027-03-02 06:10Z';
SELECT clinic.pause_subscription(pg_temp.made('all')), clinic.pause_subscription(pg_temp.made('patients')) \g /dev/null
SELECT clinic.update_patient(pg_temp.id(1, 60, 3), '{"name": "And another"}') \g /dev/null
SELECT is_empty($$ SELECT * FROM clinic.claim_deliveries() c $$, 'what is paused gets nothing');
SELECT is((SELECT count(*) FROM clinic.deliveries d WHERE d.created_at = clinic.now()), 2::bigint, 'and misses nothing');
SELECT clinic.resume_subscription(pg_temp.made('all')) \g /dev/null
SELECT ok((SELECT count(*) FROM clinic.claim_deliveries(lease_seconds => 1) c) > 0, 'resumed, it goes on');
SELECT clinic.delete_subscription(pg_temp.made('patients')) \g /dev/null
SELECT is_empty($$ SELECT FROM clinic.deliveries WHERE subscription_id = pg_temp.made('patients') AND status = 'waiting' $$, 'deleted, nothing waits for it');
SELECT is((SELECT secret FROM clinic_data.subscriptions WHERE subscription_id = pg_temp.made('patients')), '', 'and its secret is gone');
SELECT clinic.update_patient(pg_temp.id(1, 60, 3), '{"name": "One more"}') \g /dev/null
SELECT is_empty($$ SELECT FROM clinic.deliveries WHERE subscription_id = pg_temp.made('patients') AND status = 'waiting' $$, 'nor is anything written for it');
SELECT throws_ok($$ SELECT clinic.resume_subscription(pg_temp.made('patients')) $$, 'CL001');
SELECT throws_ok($$ SELECT clinic.delete_subscription(pg_temp.made('patients')) $$, 'CL001');
SELECT throws_ok($$ SELECT clinic.retry_delivery(d.delivery_id) FROM clinic_data.deliveries d WHERE d.subscription_id = pg_temp.made('patients') AND d.status = 'dead' $$, 'CL029');
SAVEPOINT many;
SELECT clinic.create_subscription('Many', 'https://hooks.receiver.com') FROM generate_series(1, 18) \g /dev/null
SELECT throws_ok($$ SELECT clinic.create_subscription('Many', 'https://hooks.receiver.com') $$, '54000', 'there are 20 subscriptions already');
ROLLBACK TO many;

-- ---------------------------------------------------------------------------------------------------------------------
-- What modules write, and what of it leaves.

SELECT lives_ok($$ SELECT clinic_private.record_event('waitlist.offered', pg_temp.id(1, 77), 1,
    '{"slot_id": "00000001-0077-7000-8000-000000000002", "until_at": "2027-03-03T10:00:00Z", "on_date": "2027-03-03", "name": "A secret name", "phone": "+49301234567", "count": 49301234567,
      "nested": {"name": "A secret name"}, "ids": ["00000001-0077-7000-8000-000000000003"], "mixed": ["00000001-0077-7000-8000-000000000003", "A secret name"], "Odd Key": "2027-03-03"}',
    pg_temp.id(1, 60)) $$, 'a module records an event');
SELECT is((SELECT c.body::jsonb -> 'data' FROM clinic.claim_deliveries() c WHERE c.event = 'waitlist.offered'),
    '{"waitlist_id": "00000001-0077-7000-8000-000000000001", "slot_id": "00000001-0077-7000-8000-000000000002", "until_at": "2027-03-03T10:00:00Z", "on_date": "2027-03-03",
      "ids": ["00000001-0077-7000-8000-000000000003"], "patient_id": "00000001-0060-7000-8000-000000000001"}'::jsonb, 'of its data ids and times go out');
SELECT throws_ok($$ SELECT clinic_private.record_event(NULL, pg_temp.id(1, 77), 1) $$, '22004');
SELECT throws_ok($$ SELECT clinic_private.record_event('not a name', pg_temp.id(1, 77), 1) $$, '23514');

-- ---------------------------------------------------------------------------------------------------------------------
-- The consumer inside.

SELECT is_empty('SELECT * FROM clinic.claim_events()', 'a tenant without consumer queues nothing');
SELECT clinic.update_tenant('{"consumes_events": true}') \g /dev/null
CREATE TEMPORARY TABLE other AS SELECT b.appointment_id FROM clinic.book_appointment(pg_temp.id(1, 50), pg_temp.id(1, 60, 2), '2027-03-03 10:00+01', pg_temp.id(1, 30)) b;
SELECT clinic.update_patient(pg_temp.id(1, 60, 3), '{"name": "Yet another"}') \g /dev/null
SELECT clinic.confirm_appointment(appointment_id) FROM other \g /dev/null
SELECT clinic.cancel_appointment(appointment_id, 'a personal reason') FROM other \g /dev/null
SAVEPOINT consumer;
SELECT results_eq($$ SELECT e.name, e.sequence, e.status, e.attempts, e.claimed_until FROM clinic.claim_events() e $$,
    $$ VALUES ('appointment.scheduled', 1, 'booked', 1, timestamptz '2027-03-02 06:11Z'), ('appointment.confirmed', 2, 'confirmed', 1, '2027-03-02 06:11Z'),
              ('appointment.cancelled', 3, 'cancelled', 1, '2027-03-02 06:11Z'), ('patient.updated', (SELECT version FROM clinic.patients WHERE patient_id = pg_temp.id(1, 60, 3)), NULL, 1, '2027-03-02 06:11Z') $$,
    'the events of one subject come together, in order');
SELECT is_empty('SELECT * FROM clinic.claim_events()', 'and once');
ROLLBACK TO consumer;
CREATE TEMPORARY TABLE first_two AS SELECT e.* FROM clinic.claim_events(2) e;
SELECT results_eq('SELECT name FROM first_two', ARRAY['appointment.scheduled', 'appointment.confirmed'], 'a small claim takes the first');
SELECT results_eq('SELECT name FROM clinic.claim_events()', ARRAY['patient.updated'], 'another claim takes nothing behind them');
SELECT is(clinic.finish_events(ARRAY(SELECT event_id FROM first_two)), 2, 'two are finished');
SELECT is(clinic.finish_events(ARRAY(SELECT event_id FROM first_two)), 0, 'once');
SELECT results_eq('SELECT name FROM clinic.claim_events()', ARRAY['appointment.cancelled'], 'then the rest goes');
SELECT is(clinic.finish_events(ARRAY[pg_temp.id(9, 99), NULL]), 0, 'unknown ones are passed over');
SELECT throws_ok('SELECT clinic.finish_events(NULL)', '22004');
SELECT throws_ok('SELECT clinic.claim_events(0)', '22023', 'max_events must be between 1 and 1000');
SELECT is((SELECT count(*) FROM information_schema.columns WHERE table_schema = 'clinic' AND table_name = 'events' AND column_name = 'reason'), 0::bigint, 'no reason in the view');

-- ---------------------------------------------------------------------------------------------------------------------
-- Rights, and other tenants.

SELECT alike(pg_temp.outcome('events_nurse', q), '42501 permission "setup:write" is required', 'setup:write is needed: ' || q)
  FROM unnest(ARRAY[$$ SELECT clinic.create_subscription('X', 'https://hooks.receiver.com') $$, $$ SELECT clinic.update_subscription(pg_temp.made('all'), '{"name": "X"}') $$,
                    $$ SELECT clinic.pause_subscription(pg_temp.made('all')) $$, $$ SELECT clinic.resume_subscription(pg_temp.made('all')) $$,
                    $$ SELECT clinic.delete_subscription(pg_temp.made('all')) $$, $$ SELECT clinic.rotate_subscription_secret(pg_temp.made('all')) $$,
                    $$ SELECT clinic.retry_delivery('00000009-0099-7000-8000-000000000001') $$]) AS q;
SELECT alike(pg_temp.outcome('events_setup', q), '42501 permission "outbox:deliver" is required', 'outbox:deliver is needed: ' || q)
  FROM unnest(ARRAY['SELECT clinic.claim_deliveries()', $$ SELECT clinic.finish_delivery('00000009-0099-7000-8000-000000000001', 200) $$, 'SELECT clinic.claim_events()',
                    $$ SELECT clinic.finish_events('{}') $$]) AS q;
SELECT is(pg_temp.outcome('events_sender', 'SELECT count(*) > 0 FROM clinic.claim_deliveries()'), 'true');
SELECT is(pg_temp.outcome('events_sender', 'SELECT count(*) FROM clinic.subscriptions'), '2', 'who sends sees the subscriptions');
SELECT is(pg_temp.outcome('events_nurse', 'SELECT count(*) FROM clinic.subscriptions'), '0', 'who does neither does not');
SELECT is(pg_temp.outcome('events_nurse', 'SELECT count(*) FROM clinic.deliveries'), '0');
SELECT is(pg_temp.outcome('events_nurse', $$ SELECT count(*) FROM clinic.events WHERE name LIKE 'appointment.%' $$), '5', 'who reads the diary reads what happened');
SELECT is(pg_temp.outcome('events_sender', 'SELECT count(*) FROM clinic.events'), '0', 'who only sends does not');
SELECT is(pg_temp.outcome('events_patient', $$ SELECT string_agg(DISTINCT patient_id::text, ' ') FROM clinic.events $$), pg_temp.id(1, 60)::text, 'a patient reads what concerns them');
SELECT alike(pg_temp.outcome('events_patient', 'SELECT secret FROM clinic_data.subscriptions'), '42501%', 'nobody reads the tables');
SELECT is(clinic.use_tenant('events-hill')::text, '', 'in another tenant');
SELECT is((SELECT count(*) FROM clinic.claim_deliveries()), 0::bigint, 'nothing can be claimed');
SELECT is((SELECT count(*) FROM clinic.subscriptions) + (SELECT count(*) FROM clinic.deliveries), 0::bigint, 'nothing can be seen');
SELECT throws_ok($$ SELECT clinic.pause_subscription(pg_temp.made('all')) $$, 'CL001', format('subscription "%s" does not exist', pg_temp.made('all')), 'nor touched');
SELECT throws_ok(format('SELECT clinic.finish_delivery(%L, 200)', delivery_id), 'CL001', format('delivery "%s" does not exist', delivery_id)) FROM claimed LIMIT 1;
SELECT is(clinic.finish_events(ARRAY(SELECT q.event_id FROM clinic_data.queued_events q)), 0);

SELECT * FROM finish();
ROLLBACK;
