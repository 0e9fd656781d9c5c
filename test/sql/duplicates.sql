-- Duplicates: similarity, what counts how much, the work list, pairs that are two people; only among those whom the caller may see.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE dup_desk LOGIN IN ROLE clinic_user;
CREATE ROLE dup_limited LOGIN IN ROLE clinic_user;
CREATE ROLE dup_boss LOGIN IN ROLE clinic_user;
CREATE ROLE dup_other LOGIN IN ROLE clinic_user;
SET timezone = 'UTC';
SET clinic.clock = '2026-03-02T03:30:00Z';
\set SHOW_CONTEXT never
\set tenant '5e700a72-0000-7000-8000-000000000001'

\getenv abs_srcdir PG_ABS_SRCDIR
\set attempt :abs_srcdir '/support/attempt.sql'
\set ECHO none
\i :attempt
\set ECHO all
CREATE FUNCTION pg_temp.id(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT format('5e700a72-0090-7000-8000-%s', lpad(n::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.no(id uuid) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT right(id::text, 12)::integer $$;

-- Published values.
SELECT j.a, j.b, round(clinic_private.jaro_winkler(j.a, j.b)::numeric, 3) AS jaro_winkler
FROM (VALUES ('MARTHA', 'MARHTA'), ('DIXON', 'DICKSONX'), ('DWAYNE', 'DUANE'), ('JELLYFISH', 'SMELLYFISH'), ('', ''), ('a', ''), ('São', 'Sao'), ('abc', 'abc')) AS j (a, b);
SELECT s.name, clinic_private.fold_name(s.name) AS folded, clinic_private.sound_keys(s.name) AS sounds
FROM unnest(ARRAY['Mohammed', 'Muhammad', 'LAXMI', 'Lakshmi', 'Catherine', 'Katherine', 'Philip', 'Filip', 'Okonkwo', 'Ọkọnquọ', 'Straße', 'Ødegård-Łuczak', 'आशा', '  ', 'O''Brien', 'Wright']) AS s (name);

BEGIN;
SELECT clinic.create_tenant(slug => 'dup-other', name => 'Other', tenant_id => '5e700a72-0000-7000-8000-000000000002') \g /dev/null
SELECT clinic.map_login('dup_other', 'admin', '{*}') \g /dev/null
SELECT clinic.create_patient('Asha Rao', date_of_birth => '1984-05-01', details => '{"contacts": [{"channel": "sms", "destination": "+919820011111"}]}') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'dup-test', name => 'Duplicates', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_location('Mumbai', 'Asia/Kolkata', country => 'IN') \g /dev/null
SELECT clinic.create_patient(p.name, NULL, p.born, patient_id => pg_temp.id(p.n), details => coalesce(p.details, '{}')::jsonb)
FROM (VALUES
    (1, 'Asha Rao', '1984-05-01'::date, '{"contacts": [{"channel": "sms", "destination": "9820011111"}, {"channel": "email", "destination": "asha@example.org"}]}'),
    (2, 'Asha Rao', '1984-05-01', '{"contacts": [{"channel": "whatsapp", "destination": "9820011111"}, {"channel": "email", "destination": "asha@example.org"}]}'),
    (3, 'Aasha Rao', '1984-01-05', '{"contacts": [{"channel": "sms", "destination": "9820011111"}, {"channel": "email", "destination": "rao@example.org"}]}'),
    -- The same name and birthday, and nothing else.
    (4, 'Asha Rao', '1984-05-01', NULL),
    -- A family with one phone.
    (5, 'Arjun Rao', '2015-06-07', '{"contacts": [{"channel": "sms", "destination": "9820011111"}]}'),
    (6, 'Vikram Chaudhary', '1970-01-01', '{"identifiers": [{"system": "national:passport", "value": "Z1"}]}'),
    (7, 'Wikram Choudhury', '1970-01-01', '{"identifiers": [{"system": "national:passport", "value": "Z2"}]}'),
    (8, 'Wikram Choudhury', '1970-01-01', NULL),
    -- Another name since the wedding.
    (9, 'Meera Nair', '1991-02-03', '{"contacts": [{"channel": "email", "destination": "meera@example.org"}, {"channel": "sms", "destination": "9820022222"}]}'),
    (10, 'Meera Kapoor', '1991-02-03', '{"contacts": [{"channel": "email", "destination": "meera@example.org"}, {"channel": "sms", "destination": "9820022222"}]}'),
    (11, 'Someone Else', '1991-02-03', NULL)) AS p (n, name, born, details) \g /dev/null
SET client_min_messages = error;
SELECT clinic.map_login('dup_desk', 'admin', '{patients:read}'), clinic.map_login('dup_limited', 'admin', '{patients:read:limited}'),
       clinic.map_login('dup_boss', 'admin', '{patients:*}') \g /dev/null
RESET client_min_messages;
COMMIT;

SET SESSION AUTHORIZATION dup_desk;
SELECT p.n, pg_temp.no(d.other_patient_id) AS other, d.score, d.confidence, d.matched
FROM unnest('{1,6,9}'::integer[]) AS p (n), clinic.find_duplicates(pg_temp.id(p.n), threshold => 0.5) AS d ORDER BY p.n, d.score DESC, other;
SELECT pg_temp.no(d.other_patient_id) AS other, d.score, d.confidence FROM clinic.find_duplicates(pg_temp.id(1)) AS d ORDER BY d.score DESC, other;
-- Before somebody is added.
SELECT pg_temp.no(d.other_patient_id) AS other, d.score, d.confidence, d.matched
FROM clinic.find_duplicates(demographics => '{"name": "rao asha", "date_of_birth": "1984-05-01", "phone": "098200 11111"}') AS d ORDER BY d.score DESC, other;
SELECT pg_temp.no(d.other_patient_id) AS other, d.confidence, d.matched
FROM clinic.find_duplicates(demographics => '{"name": "Vikram Chaudhary", "identifiers": [{"system": "national:passport", "value": "z1"}]}') AS d;
SELECT count(*) FROM clinic.find_duplicates(demographics => '{"name": "Nobody Whatsoever"}', threshold => 0) AS d;
SELECT e.state, e.argument, e.message FROM unnest(ARRAY['', 'patient_id => pg_temp.id(1), demographics => ''{"name": "x"}''', 'demographics => ''{"phone": "9820011111"}''',
    'demographics => ''{"name": "x", "height": "9"}''', 'demographics => ''{"name": "x", "date_of_birth": "2030-01-01"}''', 'demographics => ''{"name": "x", "phone": "SECRET"}''',
    'pg_temp.id(1), threshold => 1.5', 'pg_temp.id(99)']) AS a (arguments), pg_temp.attempt(format('SELECT * FROM clinic.find_duplicates(%s)', a.arguments)) AS e;
SELECT e.state, e.message FROM pg_temp.attempt('SELECT clinic.list_duplicates()') AS e;
SELECT e.state, e.message FROM pg_temp.attempt('SELECT clinic.set_distinct_patients(pg_temp.id(1), pg_temp.id(2), ''x'')') AS e;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION dup_limited;
SELECT e.state, e.message FROM pg_temp.attempt('SELECT * FROM clinic.find_duplicates(pg_temp.id(1))') AS e;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION dup_other;
SELECT e.state, e.message FROM pg_temp.attempt('SELECT * FROM clinic.find_duplicates(pg_temp.id(1))') AS e;
SELECT count(*) FROM clinic.find_duplicates(demographics => '{"name": "Asha Rao", "date_of_birth": "1984-05-01", "phone": "+919820011111"}', threshold => 0) AS d;
SELECT jsonb_array_length(clinic.list_duplicates('low') -> 'pairs') AS pairs;
RESET SESSION AUTHORIZATION;

-- The work list, and the pages of it.
SET SESSION AUTHORIZATION dup_boss;
SELECT pg_temp.no((p.pair ->> 'patient_id')::uuid) AS one, pg_temp.no((p.pair ->> 'other_patient_id')::uuid) AS other, p.pair ->> 'confidence' AS confidence, p.pair -> 'matched' AS matched
FROM jsonb_array_elements(clinic.list_duplicates() -> 'pairs') AS p (pair) ORDER BY 1, 2;
SELECT l.list -> 'patients' AS patients, l.list -> 'after' = 'null' AS all_of_them FROM clinic.list_duplicates() AS l (list);
WITH RECURSIVE pages AS (
    SELECT 1 AS n, clinic.list_duplicates('medium', 1) AS list
    UNION ALL
    SELECT p.n + 1, clinic.list_duplicates('medium', 1, p.list ->> 'after') FROM pages AS p WHERE p.list ->> 'after' IS NOT NULL)
SELECT count(*) > 2 AS several, sum(jsonb_array_length(p.list -> 'pairs')) = (SELECT jsonb_array_length(clinic.list_duplicates() -> 'pairs')) AS same FROM pages AS p;
SELECT clinic.set_distinct_patients(pg_temp.id(2), pg_temp.id(1), 'twins'), clinic.set_distinct_patients(pg_temp.id(1), pg_temp.id(2), 'again');
SELECT count(*) FROM clinic.find_duplicates(pg_temp.id(1)) AS d WHERE d.other_patient_id = pg_temp.id(2);
SELECT count(*) FROM clinic.find_duplicates(pg_temp.id(2)) AS d WHERE d.other_patient_id = pg_temp.id(1);
SELECT clinic.set_distinct_patients(pg_temp.id(1), pg_temp.id(2), 'not twins', remove => true);
SELECT count(*) FROM clinic.find_duplicates(pg_temp.id(1)) AS d WHERE d.other_patient_id = pg_temp.id(2);
SELECT e.state, e.argument, e.message FROM unnest(ARRAY['pg_temp.id(1), pg_temp.id(1), ''x''', 'pg_temp.id(1), pg_temp.id(99), ''x''', 'pg_temp.id(1), pg_temp.id(2), '' ''']) AS a (arguments),
    pg_temp.attempt(format('SELECT clinic.set_distinct_patients(%s)', a.arguments)) AS e;
SELECT e.state, e.argument, e.message FROM unnest(ARRAY['''certain''', '''medium'', 0', '''medium'', 5, ''x''']) AS a (arguments), pg_temp.attempt(format('SELECT clinic.list_duplicates(%s)', a.arguments)) AS e;
RESET SESSION AUTHORIZATION;

-- Weights are data.
BEGIN;
SELECT clinic.use_tenant('dup-test') \g /dev/null
SELECT e.state, e.argument FROM unnest(ARRAY['{"height": 1}', '{"name": "1"}', '{"name": -1}', '[]']) AS w (weights),
    pg_temp.attempt(format('SELECT clinic.update_tenant(%L)', jsonb_build_object('duplicate_weights', w.weights::jsonb))) AS e;
SELECT d.score, d.confidence FROM clinic.find_duplicates(pg_temp.id(1), threshold => 0.5) AS d WHERE d.other_patient_id = pg_temp.id(4);
SELECT clinic.update_tenant('{"duplicate_weights": {"evidence": 0.45, "high": 0.9}}') > 0 AS changed;
SELECT d.score, d.confidence FROM clinic.find_duplicates(pg_temp.id(1), threshold => 0.5) AS d WHERE d.other_patient_id = pg_temp.id(4);
ROLLBACK;

SET client_min_messages = error;
DROP OWNED BY dup_desk, dup_limited, dup_boss, dup_other;
DROP ROLE dup_desk, dup_limited, dup_boss, dup_other;
