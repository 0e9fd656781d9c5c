-- Choosing the provider: the search, slots with scores, assignment rules and expressions, the first available.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_choosing LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_choosing_patient LOGIN IN ROLE clinic_user;
CREATE ROLE regress_choosing_desk LOGIN IN ROLE clinic_user;
GRANT SET ON PARAMETER clinic.clock TO regress_choosing, regress_choosing_patient, regress_choosing_desk;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set VERBOSITY terse
\set main '\'5c000082-0010-7000-8000-000000000001\''
\set hill '\'5c000082-0010-7000-8000-000000000002\''
\set ann '\'5c000082-0020-7000-8000-0000000000a1\''
\set bob '\'5c000082-0020-7000-8000-0000000000b2\''
\set cat '\'5c000082-0020-7000-8000-0000000000c3\''
\set dan '\'5c000082-0020-7000-8000-0000000000d4\''
\set exam '\'5c000082-0040-7000-8000-000000000001\''
\set long '\'5c000082-0040-7000-8000-000000000002\''
\set pat1 '\'5c000082-0090-7000-8000-000000000001\''
\set pat2 '\'5c000082-0090-7000-8000-000000000002\''
\set pat3 '\'5c000082-0090-7000-8000-000000000003\''
\set pat4 '\'5c000082-0090-7000-8000-000000000004\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-choosing', name => 'Test', tenant_id => '5c000082-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_choosing', 'admin', '{*}'), clinic.map_login('regress_choosing_desk', 'staff', '{setup:write,appointments:read,appointments:write,patients:read}') \g /dev/null
SELECT clinic.create_location('Main', 'UTC', location_id => :main), clinic.create_location('Hill', 'UTC', location_id => :hill),
       clinic.create_provider('Ann', 'UTC', 'Cardiology', provider_id => :ann), clinic.create_provider('Bob', 'UTC', 'Paediatric cardiology', provider_id => :bob),
       clinic.create_provider('Cat', 'UTC', 'Dermatology', provider_id => :cat), clinic.create_provider('Dan', 'UTC', provider_id => :dan),
       clinic.create_service('Exam', 30, step_minutes => 10, service_id => :exam), clinic.create_service('Long', 60, service_id => :long) \g /dev/null
SELECT clinic.create_patient('P' || n, patient_id => ('5c000082-0090-7000-8000-00000000000' || n)::uuid) FROM generate_series(1, 4) AS n \g /dev/null
SELECT clinic.map_login('regress_choosing_patient', 'patient', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:exam, p) FROM unnest(ARRAY[:ann, :bob, :cat]::uuid[]) AS p \g /dev/null
SELECT clinic.offer_service(:long, :dan) \g /dev/null
SELECT clinic.add_hours(:ann, :main, 'FREQ=DAILY', '09:00', '11:00', valid_from => '2026-03-01'), clinic.add_hours(:bob, :main, 'FREQ=DAILY', '09:00', '11:00', valid_from => '2026-03-01'),
       clinic.add_hours(:cat, :hill, 'FREQ=DAILY', '08:00', '11:00', valid_from => '2026-03-01'), clinic.add_hours(:dan, :hill, 'FREQ=DAILY', '08:00', '11:00', valid_from => '2026-03-01') \g /dev/null
SELECT clinic.create_user('staff', 'Cat', provider_id => :cat, user_id => '5c000082-00d0-7000-8000-000000000001') \g /dev/null
SELECT clinic.set_staff_profile('5c000082-00d0-7000-8000-000000000001', '{"languages": ["fr"], "specialisations": ["Allergies"]}') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION regress_choosing;
CREATE FUNCTION pg_temp.who(id uuid) RETURNS text LANGUAGE sql AS $$ SELECT p.name FROM clinic.providers AS p WHERE p.provider_id = id $$;

-- Described and found.
SELECT clinic.describe_provider(:ann, 'female', '{en,hi-IN}', '{Lakeside Health,Union}'), clinic.describe_provider(:bob, 'male', '{en}', '{Union}'), clinic.describe_provider(:cat, languages => '{en}') \g /dev/null
SELECT name, specialty, specialisations, gender, languages, insurers, cardinality(location_ids) AS locations FROM clinic.search_providers();
SELECT string_agg(name, ' ') FROM clinic.search_providers(specialty => 'cardio');
SELECT string_agg(name, ' ') FROM clinic.search_providers(specialty => 'allerg');
SELECT string_agg(name, ' ') FROM clinic.search_providers(language => 'HI');
SELECT string_agg(name, ' ') FROM clinic.search_providers(language => 'h');
SELECT string_agg(name, ' ') FROM clinic.search_providers(language => 'fr');
SELECT string_agg(name, ' ') FROM clinic.search_providers(insurer => 'union');
SELECT string_agg(name, ' ') FROM clinic.search_providers(gender => 'female', insurer => 'Union');
SELECT string_agg(name, ' ') FROM clinic.search_providers(location_id => :hill);
SELECT string_agg(name, ' ') FROM clinic.search_providers(service_id => :exam, name => 'A');
SELECT clinic.describe_provider(:ann, 'woman');
SELECT clinic.describe_provider(:ann, languages => '{english!}');
SELECT clinic.describe_provider(:ann, insurers => '{""}');
SELECT clinic.describe_provider(:pat1, 'female');

-- Slots of all who match, in one call.
SELECT pg_temp.who(provider_id), count(*), min(starts_at) FROM clinic.search_slots(:exam, '2026-03-03', '2026-03-04', specialty => 'cardio') GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM clinic.search_slots(:exam, '2026-03-03', '2026-03-04', language => 'xx');
SELECT (SELECT jsonb_agg(jsonb_build_array(s.starts_at, s.provider_id, s.remaining)) FROM clinic.search_slots(:exam, '2026-03-03', '2026-03-04') AS s)
     = (SELECT jsonb_agg(jsonb_build_array(s.starts_at, s.provider_id, s.remaining)) FROM clinic.available_slots(:exam, '2026-03-03', '2026-03-04') AS s) AS same_as_available_slots;

-- Scores: a booking from 9:50 to 10:20 leaves 50 minutes before and 40 after it.
SELECT clinic.book_appointment(:exam, :pat4, '2026-03-03 09:50Z', :ann) \g /dev/null
SELECT to_char(s.starts_at, 'HH24:MI') AS at, s.score, s.unusable_minutes FROM clinic.search_slots(:exam, '2026-03-03', '2026-03-04', provider_ids => ARRAY[:ann]::uuid[]) AS s;
SELECT to_char(s.starts_at, 'HH24:MI') AS at, s.score FROM clinic.search_slots(:exam, '2026-03-03', '2026-03-04', provider_ids => ARRAY[:ann]::uuid[], sort => 'score', max_rows => 3) AS s;
SELECT count(*) FROM clinic.search_slots(:exam, '2026-03-03', '2026-03-04', sort => 'score');
SELECT clinic.search_slots(:exam, '2026-03-03', '2026-03-04', sort => 'price');
SELECT clinic.search_slots(:exam, '2026-03-03', '2026-03-04', max_rows => -1);

-- The first available, without rules: earliest, then fewest bookings that day, then the lowest id.
SELECT pg_temp.who(b.provider_id), b.starts_at, b.attempts, b.replayed FROM clinic.book_first_available(:exam, :pat1, '2026-03-03', '2026-03-05', location_id => :main, idempotency_key => 'first') AS b;
SELECT pg_temp.who(b.provider_id), b.starts_at, b.attempts, b.replayed FROM clinic.book_first_available(:exam, :pat1, '2026-03-03', '2026-03-05', location_id => :main, idempotency_key => 'first') AS b;
SELECT pg_temp.who(b.provider_id), b.starts_at FROM clinic.book_first_available(:exam, :pat2, '2026-03-03', '2026-03-05', location_id => :main) AS b;
SELECT pg_temp.who(b.provider_id), b.starts_at FROM clinic.book_first_available(:exam, :pat3, '2026-03-03', '2026-03-05', specialty => 'derma') AS b;
-- The patient's own time is no obstacle twice: what stands in the way is passed over.
SELECT pg_temp.who(b.provider_id), b.starts_at FROM clinic.book_first_available(:exam, :pat3, '2026-03-03', '2026-03-05', language => 'en') AS b;
SELECT clinic.book_first_available(:exam, :pat3, '2026-03-03', '2026-03-03 07:00Z');
SELECT clinic.book_first_available(:exam, :pat3, '2026-03-03', '2026-03-05', language => 'xx');

-- Rules. Whom the patient saw last.
SELECT clinic.set_assignment_rules('{established_provider}', :exam) \g /dev/null
SELECT pg_temp.who(provider_id), starts_at, is_established, keys FROM clinic.rank_providers(:exam, :pat3, '2026-03-06', '2026-03-07');
SELECT pg_temp.who(b.provider_id), b.starts_at FROM clinic.book_first_available(:exam, :pat2, '2026-03-06', '2026-03-07') AS b;
-- In turn: first those who never had one, by their starts; then who has waited longest.
SELECT clinic.set_assignment_rules('{round_robin}', :exam) \g /dev/null
SELECT string_agg(pg_temp.who(b.provider_id), ' ' ORDER BY n) FROM generate_series(1, 5) AS n, LATERAL clinic.book_first_available(:exam, ('5c000082-0090-7000-8000-00000000000' || 1 + n % 4)::uuid, '2026-03-07', '2026-03-08') AS b;
-- Fewest bookings in the range; shortest wait; best fit.
SELECT clinic.set_assignment_rules('{fewest_bookings}') \g /dev/null
SELECT clinic.remove_assignment_rules(:exam) \g /dev/null
SELECT pg_temp.who(provider_id), bookings FROM clinic.rank_providers(:exam, :pat3, '2026-03-03', '2026-03-04') ORDER BY place;
SELECT clinic.set_assignment_rules('{shortest_wait,best_fit}') \g /dev/null
SELECT pg_temp.who(provider_id), starts_at, score FROM clinic.rank_providers(:exam, :pat3, '2026-03-03 09:00', '2026-03-04') ORDER BY place;
-- An expression: numbers decide, null comes last, ties by the lowest id.
SELECT clinic.set_assignment_expression('CASE WHEN candidate.bookings > 0 THEN candidate.bookings END', :exam) \g /dev/null
SELECT rules, expression FROM clinic.assignment_rules WHERE service_id = :exam;
SELECT pg_temp.who(provider_id), keys FROM clinic.rank_providers(:exam, :pat3, '2026-03-03', '2026-03-04') ORDER BY place;
-- What any caller may read, by its full name, as the caller.
SELECT clinic.set_assignment_expression('(SELECT count(*) FROM clinic.appointments AS a WHERE a.provider_id = candidate.provider_id) - candidate.score', :exam) \g /dev/null
SELECT pg_temp.who(provider_id), keys FROM clinic.rank_providers(:exam, :pat3, '2026-03-03', '2026-03-04') ORDER BY place;
-- No second statement, clause or label; no table of ours; nothing that writes; one value for each candidate.
SELECT clinic.set_assignment_expression('1; DROP TABLE clinic_data.claims', :exam);
SELECT clinic.set_assignment_expression('1) FROM clinic_data.claims --', :exam);
SELECT clinic.set_assignment_expression('1 FROM clinic.patients', :exam);
SELECT clinic.set_assignment_expression('1, 2', :exam);
SELECT clinic.set_assignment_expression('1 AS cost', :exam);
SELECT clinic.set_assignment_expression('count(*)', :exam);
SELECT clinic.set_assignment_expression('random()', :exam);
SELECT clinic.set_assignment_expression('(SELECT c.appointment_id IS NULL FROM clinic.cancel_appointment(candidate.patient_id) AS c)::integer', :exam);
SELECT clinic.set_assignment_expression('(SELECT count(*) FROM clinic_data.token_keys)', :exam);
SELECT clinic.set_assignment_expression('clinic_private.lock_locations(candidate.patient_id, NULL)::text::integer', :exam);
SELECT clinic.set_assignment_expression('candidate.phone', :exam);
SELECT clinic.set_assignment_expression('''x''', :exam);
SELECT clinic.set_assignment_expression('generate_series(1, 2)', :exam);
SELECT clinic.set_assignment_expression('1 -- a comment', :exam) \g /dev/null
SELECT count(*) FROM clinic.rank_providers(:exam, :pat3, '2026-03-03', '2026-03-04');
-- Only administrators of the database set one; the desk names the rules.
SET SESSION AUTHORIZATION regress_choosing_desk;
SELECT clinic.set_assignment_expression('1', :exam);
SELECT clinic.set_assignment_rules('{expression}', :exam) \g /dev/null
SELECT clinic.set_assignment_rules('{expression}', :long);
SELECT clinic.set_assignment_rules('{random}', :exam);
SELECT clinic.set_assignment_rules('{round_robin,round_robin}', :exam);
SELECT clinic.remove_assignment_rules(:long);
SET SESSION AUTHORIZATION regress_choosing;
SELECT clinic.set_assignment_expression(NULL, :exam) \g /dev/null
SELECT rules, expression FROM clinic.assignment_rules WHERE service_id = :exam;
SELECT clinic.remove_assignment_rules(:exam), clinic.remove_assignment_rules() \g /dev/null

-- Patients book for themselves, and see no ranking.
SET SESSION AUTHORIZATION regress_choosing_patient;
SELECT b.status FROM clinic.book_first_available(:exam, :pat2, '2026-03-10', '2026-03-11', insurer => 'Lakeside Health') AS b;
SELECT clinic.book_first_available(:exam, :pat1, '2026-03-10', '2026-03-11');
SELECT clinic.rank_providers(:exam, :pat2, '2026-03-10', '2026-03-11');
SELECT count(*) FROM clinic.assignment_rules;
SELECT count(*) > 0 AS found FROM clinic.search_providers();
SET SESSION AUTHORIZATION regress_choosing;
SELECT * FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_choosing, regress_choosing_patient, regress_choosing_desk;
DROP ROLE regress_choosing, regress_choosing_patient, regress_choosing_desk;
