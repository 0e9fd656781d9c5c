-- Lists in pages, single rows, the booking page and what HTTP says of keeping it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_lists LOGIN IN ROLE clinic_user;
CREATE ROLE regress_lists_patient LOGIN IN ROLE clinic_user;
CREATE ROLE regress_lists_visitor LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set T '\'5c000061-0000-7000-8000-000000000001\''
\set ny '\'5c000061-0010-7000-8000-000000000001\''
\set ann '\'5c000061-0020-7000-8000-0000000000a1\''
\set bob '\'5c000061-0020-7000-8000-0000000000b2\''
\set visit '\'5c000061-0040-7000-8000-000000000001\''
\set check '\'5c000061-0040-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-lists', name => 'Lists', tenant_id => :T) \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann, specialty => 'dermatology'),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit), clinic.create_service('Check', 30, service_id => :check) \g /dev/null
SELECT clinic.create_patient(name, mrn => 'L-' || n, date_of_birth => date '2000-01-01' + number, patient_id => ('5c000061-0090-7000-8000-00000000000' || n)::uuid)
FROM unnest(ARRAY['Zoe', 'ada', 'Mia', 'Ada', 'Leo']) WITH ORDINALITY AS p (name, n), LATERAL (SELECT n::integer) AS i (number) \g /dev/null
SELECT clinic.offer_service(s, p), clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p, unnest(ARRAY[:visit]::uuid[]) AS s \g /dev/null
SELECT clinic.offer_service(:check, :bob) \g /dev/null
SELECT clinic.map_login('regress_lists', 'staff', '{*}'), clinic.map_login('regress_lists_visitor', 'public'),
       clinic.map_login('regress_lists_patient', 'patient', patient_id => '5c000061-0090-7000-8000-000000000002') \g /dev/null
SELECT count(b.*) FROM (VALUES (1, '2026-03-03 09:00-05', :ann), (2, '2026-03-03 09:00-05', :bob), (3, '2026-03-03 09:30-05', :ann),
                               (4, '2026-03-04 09:00-05', :bob), (2, '2026-03-20 09:00-04', :ann), (5, '2026-06-20 09:00-04', :ann)) AS v (p, t, r)
CROSS JOIN LATERAL clinic.book_appointment(:visit, ('5c000061-0090-7000-8000-00000000000' || p)::uuid, t::timestamptz, r::uuid) AS b;
COMMIT;
RESET ROLE;

CREATE FUNCTION pg_temp.attempt(command text) RETURNS TABLE (state text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'done'; RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END $$;

SET SESSION AUTHORIZATION regress_lists;
-- The next seven days, by start; and every column of a row.
SELECT patient_name, provider_name, local_starts_at, status, has_more FROM clinic.list_appointments();
SELECT to_jsonb(l) - '{appointment_id,confirmation_code,page_cursor,created_at,updated_at}'::text[] AS row FROM clinic.list_appointments(page_size => 1, provider_ids => ARRAY[:bob]::uuid[]) AS l;
-- Pages by the cursor, forwards and back.
SELECT l.patient_name, l.has_more FROM clinic.list_appointments(sort => 'patient_name', page_size => 2) AS l;
SELECT l.page_cursor AS second FROM clinic.list_appointments(sort => 'patient_name', page_size => 2) AS l OFFSET 1 \gset
SELECT l.patient_name, l.has_more FROM clinic.list_appointments(sort => 'patient_name', page_size => 2, after => :'second') AS l;
SELECT l.patient_name, l.has_more FROM clinic.list_appointments(sort => 'patient_name', page_size => 2, before => :'second') AS l;
SELECT l.page_cursor AS last FROM clinic.list_appointments(sort => 'patient_name') AS l OFFSET 3 \gset
SELECT l.patient_name, l.has_more FROM clinic.list_appointments(sort => 'patient_name', page_size => 2, after => :'last') AS l;
SELECT string_agg(l.patient_name, ' ') AS created FROM clinic.list_appointments(sort => '-created', range_end => '2026-03-21', range_start => '2026-03-01') AS l;
-- A range of 90 days, one more hour where the clock changes; the setting; a patient without limit.
SELECT count(*) FROM clinic.list_appointments('2026-03-01 00:00-05', '2026-05-30 00:00-04');
SELECT count(*) FROM clinic.list_appointments('2026-09-01 00:00-04', '2026-11-30 00:00-05');
SELECT * FROM pg_temp.attempt($$SELECT * FROM clinic.list_appointments('2026-03-01', '2026-06-30')$$) \gx
SELECT count(*) FROM clinic.list_appointments(patient_id => '5c000061-0090-7000-8000-000000000002');
SELECT count(*) FROM clinic.list_appointments('2000-01-01', '2100-01-01', patient_id => '5c000061-0090-7000-8000-000000000002');
RESET SESSION AUTHORIZATION;
SET clinic.max_list_days = 200;
SET SESSION AUTHORIZATION regress_lists;
SELECT count(*) FROM clinic.list_appointments('2026-03-01', '2026-06-30');
SET clinic.max_list_days = 300;
RESET SESSION AUTHORIZATION;
RESET clinic.max_list_days;
SET SESSION AUTHORIZATION regress_lists;
-- What is refused, and by which argument.
SELECT a.call, r.* FROM unnest(ARRAY[$$sort => 'name'$$, $$sort => '--start'$$, $$sort => NULL$$, $$page_size => 0$$, $$page_size => 101$$, $$page_size => NULL$$,
    $$after => 'x', before => 'x'$$, $$after => 'x'$$, $$before => ''$$, $$provider_ids => '{}'$$, $$statuses => '{}'$$, $$statuses => '{open}'$$, $$statuses => '{NULL}'$$,
    $$location_ids => '{NULL}'$$, $$service_ids => ARRAY['5c000061-ffff-7000-8000-000000000001']::uuid[]$$, $$patient_id => '5c000061-ffff-7000-8000-000000000001'$$,
    $$range_start => '2026-03-02', range_end => '2026-03-02'$$, $$range_start => '-infinity'$$, $$range_end => '20000-01-01'$$,
    $$location_ids => array_fill('5c000061-0010-7000-8000-000000000001'::uuid, ARRAY[501])$$]) AS a (call), pg_temp.attempt('SELECT * FROM clinic.list_appointments(' || a.call || ')') AS r;
-- Patients.
SELECT name, mrn, date_of_birth, has_more FROM clinic.list_patients(page_size => 3);
SELECT string_agg(name, ' ') FROM clinic.list_patients(sort => '-created');
SELECT clinic.update_patient('5c000061-0090-7000-8000-000000000003', '{"status": "inactive"}') AS version;
SELECT name, status FROM clinic.list_patients('{inactive,deceased}');
SELECT a.call, r.state, r.message FROM unnest(ARRAY[$$sort => 'start'$$, $$statuses => '{booked}'$$, $$after => repeat('A', 40)$$, $$page_size => 1000$$]) AS a (call), pg_temp.attempt('SELECT * FROM clinic.list_patients(' || a.call || ')') AS r;

-- One row as an object, with every column of the view; none is an error.
SELECT clinic.get_patient('5c000061-0090-7000-8000-000000000001') - '{created_at,updated_at}'::text[] AS patient;
SELECT clinic.get_appointment(a.appointment_id) = to_jsonb(a) AS same, clinic.get_appointment(a.appointment_id) ->> 'patient_name' AS patient FROM clinic.appointments AS a ORDER BY a.starts_at DESC LIMIT 1;
SELECT a.call, r.* FROM unnest(ARRAY['clinic.get_patient(''5c000061-ffff-7000-8000-000000000001'')', 'clinic.get_patient(NULL)',
    'clinic.get_appointment(''5c000061-ffff-7000-8000-000000000001'')', 'clinic.get_appointment(NULL)']) AS a (call), pg_temp.attempt('SELECT ' || a.call) AS r;
SET SESSION AUTHORIZATION regress_lists_patient;
SELECT patient_name, local_starts_at FROM clinic.list_appointments();
SELECT name FROM clinic.list_patients();

-- The booking page: nothing until published, then what is published.
SET SESSION AUTHORIZATION regress_lists_visitor;
SELECT * FROM pg_temp.attempt('SELECT clinic.booking_page()') \gx
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.tenants SET published = true WHERE tenant_id = :T;
SET SESSION AUTHORIZATION regress_lists_visitor;
SELECT clinic.booking_page();
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.locations SET published = true WHERE tenant_id = :T;
UPDATE clinic_data.resources SET published = true WHERE tenant_id = :T AND resource_id = :ann;
UPDATE clinic_data.services SET published = true WHERE tenant_id = :T;
SET SESSION AUTHORIZATION regress_lists_visitor;
SELECT jsonb_pretty(clinic.booking_page());
SET SESSION AUTHORIZATION regress_lists;
SELECT jsonb_array_length(clinic.booking_page() -> 'providers') AS providers;

-- Over HTTP: headers beside those that are there, 304 for whom has it, and no word to others.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.http(method text, request jsonb, present text DEFAULT '') RETURNS TABLE (body boolean, status text, headers jsonb) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.method', method, true), set_config('request.headers', request::text, true), set_config('response.headers', present, true),
            set_config('response.status', '', true);
    body := clinic.booking_page() IS NOT NULL;
    status := current_setting('response.status', true);
    headers := CASE WHEN current_setting('response.headers') LIKE '[%' THEN current_setting('response.headers')::jsonb END;
    RETURN NEXT;
    PERFORM set_config('request.method', '', true), set_config('response.headers', '', true);
END $$;
SET SESSION AUTHORIZATION regress_lists_visitor;
SELECT h.body, h.status, jsonb_pretty(h.headers) AS headers FROM pg_temp.http('GET', '{}', '[{"X-Request-Id": "7"}, {"cache-control": "no-store"}]') AS h;
SELECT h.headers -> 0 ->> 'ETag' AS etag FROM pg_temp.http('GET', '{}') AS h \gset
SELECT :'etag' ~ '^"[0-9a-f]{32}"$' AS strong;
SELECT w.place, h.body, h.status, h.headers -> 1 ->> 'Cache-Control' AS cache
FROM unnest(ARRAY[:'etag', 'W/' || :'etag', '*', ' "a,b" , ' || :'etag', '"a"', replace(:'etag', '"', ''), '"W/' || substr(:'etag', 2), '', NULL]) WITH ORDINALITY AS w (wanted, place)
CROSS JOIN LATERAL pg_temp.http('GET', jsonb_build_object('if-none-match', w.wanted)) AS h ORDER BY w.place;
SELECT r.request, h.headers -> 1 ->> 'Cache-Control' AS cache FROM unnest(ARRAY['{"authorization": "Bearer x"}', '{"x-api-key": "x"}', '{"cookie": "x"}']) AS r (request), pg_temp.http('GET', r.request::jsonb) AS h;
SELECT m.method, h.body, h.status, h.headers IS NULL AS unchanged FROM unnest(ARRAY['POST', '', 'HEAD']) AS m (method), pg_temp.http(m.method, jsonb_build_object('if-none-match', :'etag')) AS h;
SELECT h.body, h.status FROM pg_temp.http('GET', '[]') AS h UNION ALL SELECT h.body, h.status FROM pg_temp.http('GET', '{}', 'no json') AS h;
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.resources SET published = true WHERE tenant_id = :T AND resource_id = :bob;
SET SESSION AUTHORIZATION regress_lists_visitor;
SELECT h.body, h.status FROM pg_temp.http('GET', jsonb_build_object('if-none-match', :'etag')) AS h;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_lists, regress_lists_patient, regress_lists_visitor;
DROP ROLE regress_lists, regress_lists_patient, regress_lists_visitor;
