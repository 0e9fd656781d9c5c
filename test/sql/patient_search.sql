-- Searching patients: names with accents and typos, numbers by blind index, pages, and only those whom the caller may see.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE find_desk LOGIN IN ROLE clinic_user;
CREATE ROLE find_limited LOGIN IN ROLE clinic_user;
CREATE ROLE find_doctor LOGIN IN ROLE clinic_user;
CREATE ROLE find_self LOGIN IN ROLE clinic_user;
CREATE ROLE find_other LOGIN IN ROLE clinic_user;
SET timezone = 'UTC';
SET clinic.clock = '2026-03-02T03:30:00Z';
\set SHOW_CONTEXT never
\set tenant '5e700a71-0000-7000-8000-000000000001'
\set place '5e700a71-0010-7000-8000-000000000001'
\set ann '5e700a71-0020-7000-8000-000000000001'
\set visit '5e700a71-0040-7000-8000-000000000001'

\getenv abs_srcdir PG_ABS_SRCDIR
\set attempt :abs_srcdir '/support/attempt.sql'
\set ECHO none
\i :attempt
\set ECHO all
CREATE FUNCTION pg_temp.id(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT format('5e700a71-0090-7000-8000-%s', lpad(n::text, 12, '0'))::uuid $$;

BEGIN;
SELECT clinic.create_tenant(slug => 'search-other', name => 'Other', tenant_id => '5e700a71-0000-7000-8000-000000000002') \g /dev/null
SELECT clinic.map_login('find_other', 'admin', '{*}') \g /dev/null
SELECT clinic.create_patient('Mohammed Khan', details => '{"contacts": [{"channel": "sms", "destination": "+919820011111"}]}') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'search-test', name => 'Search', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_location('Mumbai', 'Asia/Kolkata', country => 'IN', location_id => :'place'), clinic.create_provider('Ann', 'Asia/Kolkata', provider_id => :'ann'),
       clinic.create_service('Visit', 30, service_id => :'visit'), clinic.offer_service(:'visit', :'ann'),
       clinic.add_hours(:'ann', :'place', 'FREQ=DAILY', '09:00', '17:00', valid_from => '2026-03-01') \g /dev/null
SELECT clinic.create_patient(p.name, p.mrn, p.born, patient_id => pg_temp.id(p.n), details => coalesce(p.details, '{}')::jsonb)
FROM (VALUES
    (1, 'Mohammed Khan', 'A1', '1980-01-02'::date, '{"contacts": [{"channel": "sms", "destination": "9820011111"}, {"channel": "email", "destination": "khan@example.org"}]}'),
    (2, 'Muhammad Khaan', 'A2', '1981-01-02', '{"contacts": [{"channel": "whatsapp", "destination": "9820011111"}]}'),
    (3, 'Lakshmi Venkataraman', 'A3', '1990-12-31', '{"identifiers": [{"system": "national:passport", "value": "Z 1234567"}]}'),
    (4, 'Laxmi Venkatraman', 'A4', NULL, NULL),
    (5, 'José Núñez-Ferrão', 'A5', '1975-05-05', '{"preferred_name": "Pepe"}'),
    (6, 'Jöhn Smîth', 'A6', '1975-05-05', NULL), (7, 'Jon Smyth', 'A7', NULL, NULL), (8, 'Okonkwo Chinwe', 'A8', NULL, NULL),
    (9, 'Nguyễn Thị Minh', 'A9', NULL, NULL), (10, 'आशा राव', 'A10', NULL, NULL), (11, 'Catherine O''Brien', 'A11', NULL, NULL),
    (12, 'Vikram Chaudhary', 'A12', NULL, NULL), (13, 'Zoltán Kovács', 'A13', NULL, NULL)) AS p (n, name, mrn, born, details) \g /dev/null
SELECT clinic.create_patient('Same Name', patient_id => pg_temp.id(100 + n)) FROM generate_series(1, 45) AS n \g /dev/null
SELECT clinic.delete_patient(pg_temp.id(101)) \g /dev/null
SELECT clinic.create_user('staff', 'Ann', user_id => '5e700a71-0080-7000-8000-000000000001', roles => '{doctor}', provider_id => :'ann', location_ids => ARRAY[:'place'::uuid]) \g /dev/null
SELECT a.status FROM clinic.book_appointment(:'visit', pg_temp.id(1), '2026-03-03 09:00+05:30', :'ann') AS a;
SET client_min_messages = error;
SELECT clinic.map_login('find_desk', 'admin', '{patients:read}'), clinic.map_login('find_limited', 'admin', '{patients:read:limited}'),
       clinic.map_login('find_doctor', 'staff', user_id => '5e700a71-0080-7000-8000-000000000001'),
       clinic.map_login('find_self', 'patient', '{}', patient_id => pg_temp.id(2)) \g /dev/null
RESET client_min_messages;
COMMIT;

SET SESSION AUTHORIZATION find_desk;
SELECT q.query, array_agg(s.mrn ORDER BY s.fit DESC, s.patient_id) AS found
FROM unnest(ARRAY['Mohammed Khan', 'mohamad kahn', 'Lakshmi', 'laxmi venkataramn', 'jose nunez', 'FERRAO', 'pepe', 'john smith', 'Smith John', 'smiht', 'okonquo', 'nguyen thi',
                  'आशा', 'katherine obrien', 'O’Brien', 'Wikram', 'choudhury', 'kovacs zoltan', 'zol', 'A5', '1975-05-05', 'khan@EXAMPLE.org', '098200 11111', '+91 98200-11111',
                  'xyzzy']) WITH ORDINALITY AS q (query, n)
LEFT JOIN LATERAL clinic.search_patients(q.query) AS s ON true GROUP BY q.n, q.query ORDER BY q.n;
-- All that is given must match.
SELECT s.mrn, s.date_of_birth FROM clinic.search_patients(name => 'khan', date_of_birth => '1981-01-02') AS s;
SELECT s.mrn FROM clinic.search_patients(phone => '9820011111', email => 'khan@example.org') AS s;
SELECT s.mrn FROM clinic.search_patients(identifier_system => 'national:passport', identifier => 'z1234567') AS s;
SELECT s.mrn FROM clinic.search_patients(name => 'jon', date_of_birth => '1975-05-05', statuses => '{active}') AS s;
SELECT count(*) FROM clinic.search_patients(name => 'jon', statuses => '{inactive}') AS s;

-- Pages: each row once, also where all fit alike; one that is put away in none.
DO $$
DECLARE
    page record;
    place text;
    seen uuid[] := '{}';
    pages integer := 0;
BEGIN
    LOOP
        SELECT array_agg(s.patient_id ORDER BY s.fit DESC, s.patient_id) AS ids, (array_agg(s.page_cursor ORDER BY s.fit DESC, s.patient_id))[count(*)] AS last, bool_or(s.has_more) AS more
        INTO page FROM clinic.search_patients(name => 'Same Name', page_size => 10, after => place) AS s;
        EXIT WHEN page.ids IS NULL;
        ASSERT page.ids = ARRAY(SELECT u.id FROM unnest(page.ids) AS u (id) ORDER BY u.id), 'in order';
        seen := seen || page.ids;
        pages := pages + 1;
        place := page.last;
        EXIT WHEN NOT page.more;
    END LOOP;
    ASSERT pages = 5 AND cardinality(seen) = 44 AND (SELECT count(DISTINCT u) FROM unnest(seen) AS u) = 44, 'all, once';
END
$$;
SELECT s.page_cursor AS cursor FROM clinic.search_patients(name => 'Same Name', page_size => 1) AS s \gset
SELECT e.state, e.argument, e.message FROM pg_temp.attempt(format('SELECT * FROM clinic.search_patients(name => ''Same Names'', after => %L)', :'cursor')) AS e;

-- Bad input.
SELECT e.state, e.argument, e.message FROM unnest(ARRAY['', 'query => ''  ''', 'name => ''...''', 'query => ''a@b.org'', email => ''c@d.org''', 'phone => ''12''', 'email => ''SECRET''',
    'identifier => ''1''', 'identifier_system => ''ssn'', identifier => ''SECRET''', 'name => ''x'', page_size => 0', 'name => ''x'', after => ''x''', 'name => ''x'', statuses => ''{merged}''',
    'name => repeat(''x'', 201)']) AS a (arguments),
    pg_temp.attempt(format('SELECT * FROM clinic.search_patients(%s)', a.arguments)) AS e;
RESET SESSION AUTHORIZATION;

-- Limited: names, and no way to try numbers and dates out.
SET SESSION AUTHORIZATION find_limited;
SELECT s.mrn, s.date_of_birth FROM clinic.search_patients('mohammed khan') AS s;
SELECT count(*) FROM clinic.search_patients(phone => '9820011111') AS s;
SELECT count(*) FROM clinic.search_patients(email => 'khan@example.org') AS s;
SELECT count(*) FROM clinic.search_patients(date_of_birth => '1980-01-02') AS s;
SELECT count(*) FROM clinic.search_patients(identifier_system => 'national:passport', identifier => 'z1234567') AS s;
RESET SESSION AUTHORIZATION;
-- A provider finds those in care, by whatever is looked for; a patient oneself.
SET SESSION AUTHORIZATION find_doctor;
SELECT s.mrn, s.has_more FROM clinic.search_patients('khan') AS s;
SELECT s.mrn FROM clinic.search_patients(phone => '9820011111') AS s;
SELECT count(*) FROM clinic.search_patients(mrn => 'A3') AS s;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION find_self;
SELECT s.mrn FROM clinic.search_patients('khan') AS s;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION find_other;
SELECT s.name, s.mrn FROM clinic.search_patients('khan') AS s;
SELECT s.name, s.mrn FROM clinic.search_patients(phone => '+919820011111') AS s;
SELECT count(*) FROM clinic.search_patients(mrn => 'A1') AS s;
RESET SESSION AUTHORIZATION;

-- Over HTTP a function that is VOLATILE takes POST only. (That it reads by index: test/pgtap/view_plans.sql.)
SELECT p.provolatile FROM pg_proc AS p WHERE p.oid = 'clinic.search_patients'::regproc;
