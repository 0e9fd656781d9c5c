-- Patients: numbers, details under encryption, identifiers, contacts, the profile, putting away; what is refused, and by whom.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE pat_desk LOGIN IN ROLE clinic_user;
CREATE ROLE pat_limited LOGIN IN ROLE clinic_user;
CREATE ROLE pat_self LOGIN IN ROLE clinic_user;
CREATE ROLE pat_other LOGIN IN ROLE clinic_user;
SET timezone = 'UTC';
SET clinic.clock = '2026-03-02T03:30:00Z';
\set SHOW_CONTEXT never
\set tenant '5e700a70-0000-7000-8000-000000000001'
\set other '5e700a70-0000-7000-8000-000000000002'
\set mumbai '5e700a70-0010-7000-8000-000000000001'
\set asha '5e700a70-0090-7000-8000-000000000001'
\set ravi '5e700a70-0090-7000-8000-000000000002'

-- Runs a command and returns its error, with the argument it names.
CREATE FUNCTION pg_temp.attempt(command text, OUT state text, OUT argument text, OUT message text)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'DONE';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, argument = COLUMN_NAME, message = MESSAGE_TEXT;
END
$$;

BEGIN;
SELECT clinic.create_tenant(slug => 'patients-other', name => 'Other', tenant_id => :'other') \g /dev/null
SELECT clinic.map_login('pat_other', 'admin', '{*}');
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'patients-test', name => 'Patients', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_location('Mumbai', 'Asia/Kolkata', country => 'IN', location_id => :'mumbai') \g /dev/null
SELECT clinic.map_login('pat_desk', 'admin', '{patients:read,patients:write}');
SELECT clinic.map_login('pat_limited', 'admin', '{patients:read:limited}');
SELECT clinic.update_tenant('{"mrn_format": "MRN-{YYYY}-{000000}"}');

-- Numbers: given in turn, checked when given by hand, passed over when taken.
SELECT clinic.create_patient('Asha Rao', patient_id => :'asha', date_of_birth => '1984-05-01', sex => 'female', details => '{
    "preferred_name": "Asha", "first_location_id": "5e700a70-0010-7000-8000-000000000001",
    "address": {"line1": "7 Marine Drive", "city": "Mumbai", "postal_code": "400020", "country": "in"},
    "emergency_contact": {"name": "Kiran Rao", "relationship": "brother", "phone": "098200 12345"},
    "blood_group": "ab-", "language": "hi-IN",
    "contacts": [{"channel": "sms", "destination": "098200-54321"}, {"channel": "email", "destination": " Asha@Example.ORG "}],
    "identifiers": [{"system": "abha_number", "value": "91-1234-5678-9010"}, {"system": "insurance:star", "value": "P-778"}],
    "allergies": [{"allergen": "Penicillin", "reaction": "hives", "severity": "life_threatening"}],
    "conditions": [{"name": "Asthma", "code": "J45", "code_system": "ICD-10", "onset_on": "1990-01-01"}],
    "medications": [{"name": "Salbutamol", "dosage": "100 ug", "frequency": "as needed"}]}') \g /dev/null
SELECT clinic.create_patient('Ravi Iyer', 'MRN-2026-000003', patient_id => :'ravi') \g /dev/null
SELECT clinic.create_patient('C') \g /dev/null
SELECT clinic.create_patient('D') \g /dev/null
SELECT p.name, p.mrn, p.preferred_name FROM clinic.patients AS p ORDER BY p.mrn;
SELECT e.* FROM pg_temp.attempt($$ SELECT clinic.create_patient('X', '4711') $$) AS e;
-- Nothing is worked at that is refused for its length.
SELECT e.* FROM pg_temp.attempt($$ SELECT clinic.create_patient('X', details => jsonb_build_object('allergies', (SELECT jsonb_agg('{"allergen": "a", "severity": "mild"}'::jsonb) FROM generate_series(1, 201)))) $$) AS e;
SELECT e.* FROM pg_temp.attempt($$ SELECT clinic.create_patient(repeat('x y ', 1000000)) $$) AS e;
SELECT e.* FROM pg_temp.attempt($$ SELECT clinic.create_patient('X', 'MRN-2026-000003') $$) AS e;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.update_patient(%L, ''{"mrn": "12"}'')', :'asha')) AS e;
SELECT f.form, f.mrn ~ clinic_private.mrn_pattern(f.form) AS fits
FROM (VALUES ('P.{0000}', 'P.0012'), ('P.{0000}', 'Px0012'), ('P.{0000}', 'P.00012'), ('P.{0000}', 'P.012'), ('{YYYY}/{000}-B', '2026/001-B'), ('{}', '7')) AS f (form, mrn);
SELECT e.* FROM unnest(ARRAY['MRN', '{000}{000}', 'M{YYYY}', 'a b{000}']) AS f (form),
    pg_temp.attempt(format('SELECT clinic.update_tenant(%L)', jsonb_build_object('mrn_format', f.form))) AS e;
COMMIT;

-- The profile, whole.
BEGIN;
SELECT clinic.use_tenant('patients-test') \g /dev/null
SELECT jsonb_pretty(regexp_replace((clinic.patient_profile(:'asha') - 'created_at' - 'updated_at')::text, '"(contact_id|item_id|verified_at)": [^,}]*, |, "identifier_id": [^,}]*', '', 'g')::jsonb);

-- Nothing of it is in clear in a table, nor in the audit.
SELECT count(*) FILTER (WHERE d::text ~* 'marine|kiran|98200|AB-') AS details, (SELECT count(*) FROM clinic_data.patient_health_items AS h WHERE h::text ~* 'penic|asthma|salbut') AS items,
       (SELECT count(*) FROM clinic_data.patient_identifiers AS i WHERE i::text ~ '91123456789010|P778') AS identifiers,
       (SELECT count(*) FROM clinic_data.patient_contacts AS c WHERE c::text ~* '98200|asha@') AS contacts,
       (SELECT count(*) FROM clinic_data.audit_records AS a WHERE a.tenant_id = :'tenant' AND a::text ~* 'marine|kiran|98200|penic|asthma|salbut|asha|91123456789010') AS audit
FROM clinic_data.patient_details AS d;
SELECT count(*) > 0 FROM clinic_data.audit_records AS a WHERE a.tenant_id = :'tenant' AND a.table_name = 'patient_health_items' AND a.patient_id = :'asha';
SELECT c.channel, c.destination FROM clinic.patient_contacts AS c WHERE c.patient_id = :'asha' ORDER BY c.channel;

-- Parts, one by one, with versions.
SELECT clinic.set_patient_details(:'asha', '{"blood_group": "O+", "version": 1}');
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.set_patient_details(%L, ''{"blood_group": "A+", "version": 1}'')', :'asha')) AS e;
SELECT clinic.set_patient_details(:'asha', '{"address": null}');
SELECT clinic.patient_profile(:'asha') -> 'details' #- '{emergency_contact}' AS details;
SELECT clinic.set_patient_allergy(:'asha', '{"allergen": "Latex", "severity": "mild"}') AS latex \gset
SELECT clinic.set_patient_allergy(:'asha', '{"allergen": "Latex", "severity": "moderate"}', :'latex', 1) = :'latex' AS changed;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.set_patient_allergy(%L, ''{"allergen": "Latex", "severity": "mild"}'', %L, 1)', :'asha', :'latex')) AS e;
SELECT e.state, e.argument, replace(e.message, :'latex', 'the id') AS message FROM pg_temp.attempt(format('SELECT clinic.set_patient_condition(%L, ''{"name": "Latex"}'', %L)', :'asha', :'latex')) AS e;
SELECT a.item ->> 'allergen' AS allergen, a.item ->> 'severity' AS severity FROM jsonb_array_elements(clinic.patient_profile(:'asha') -> 'allergies') AS a (item) ORDER BY 1;
SELECT clinic.set_patient_allergy(:'asha', item_id => :'latex', remove => true) = :'latex' AS removed;
SELECT e.state, e.argument, replace(e.message, :'latex', 'the id') AS message FROM pg_temp.attempt(format('SELECT clinic.set_patient_allergy(%L, item_id => %L, remove => true)', :'asha', :'latex')) AS e;

-- Identifiers: unique where the system says so.
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.set_patient_identifier(%L, ''abha_number'', ''91 1234 5678 9010'')', :'ravi')) AS e;
SELECT clinic.set_patient_identifier(:'ravi', 'insurance:star', 'p 778') IS NOT NULL AS shared_policy;
SELECT clinic.set_patient_identifier(:'ravi', 'abha_address', 'Ravi.Iyer84@abdm') IS NOT NULL AS address;
SELECT clinic.set_patient_identifier(:'ravi', 'abha_address', 'ravi.iyer84@ABDM') = clinic.set_patient_identifier(:'ravi', 'abha_address', 'ravi.iyer84@abdm') AS same_again;
SELECT clinic.set_patient_identifier(:'ravi', 'abha_address', 'ravi.iyer84@abdm', remove => true) IS NOT NULL AS removed;
SELECT clinic.set_patient_identifier(:'ravi', 'abha_address', 'ravi.iyer84@abdm', remove => true) IS NULL AS gone;
COMMIT;

-- Bad input: the field is named, and no value shown.
BEGIN;
SELECT clinic.use_tenant('patients-test') \g /dev/null
SELECT b.details, e.state, e.argument, e.message
FROM (VALUES
    ('{"shoe_size": "9"}'), ('[]'), ('{"allergies": {}}'), ('{"allergies": [{"allergen": "SECRET", "severity": "deadly"}]}'), ('{"allergies": [{"severity": "mild"}]}'),
    ('{"allergies": [{"allergen": "SECRET", "severity": "mild", "onset_on": "2027-01-01"}]}'), ('{"allergies": [{"allergen": "SECRET", "severity": "mild", "colour": "x"}]}'),
    ('{"allergies": [7]}'), ('{"conditions": [{"name": "SECRET", "onset_on": "2024-02-30"}]}'), ('{"conditions": [{"name": "SECRET", "onset_on": "2024-02-10", "ended_on": "2024-02-09"}]}'),
    ('{"medications": [{"name": ""}]}'), ('{"medications": [{"name": "SECRET", "from_on": "2024-02-10", "until_on": "2024-02-09"}]}'),
    ('{"blood_group": "C+"}'), ('{"blood_group": 7}'), ('{"address": {"planet": "SECRET"}}'), ('{"address": {"country": "SECRET"}}'), ('{"emergency_contact": {"name": "SECRET"}}'),
    ('{"emergency_contact": {"name": "SECRET", "phone": "SECRET"}}'), ('{"contacts": [{"channel": "fax", "destination": "SECRET"}]}'),
    ('{"contacts": [{"channel": "sms", "destination": "12"}]}'), ('{"identifiers": [{"system": "abha_number", "value": "91-1234-5678-9011"}]}'),
    ('{"identifiers": [{"system": "abha_address", "value": "x@abdm"}]}'), ('{"identifiers": [{"system": "ssn", "value": "SECRET"}]}'), ('{"language": "no language"}'),
    ('{"first_location_id": "here"}'), ('{"first_location_id": "5e700a70-0010-7000-8000-00000000ffff"}')) AS b (details),
    pg_temp.attempt(format('SELECT clinic.create_patient(''X'', details => %L)', b.details)) AS e;
SELECT b.born, e.state, e.argument, e.message
FROM (VALUES ('2026-03-03'), ('2026-03-04'), ('1876-03-02'), ('1876-03-01')) AS b (born), pg_temp.attempt(format('SELECT clinic.create_patient(''X'', date_of_birth => %L)', b.born)) AS e;
-- Dates that are none, in every JSON that has some: never quoted, for errors are logged.
SELECT count(*) AS tried, count(*) FILTER (WHERE e.state = '22023' AND e.argument ~ '_on$|date_of_birth$') AS named, count(*) FILTER (WHERE concat(e.*) ~ '1931|9999') AS shown
FROM unnest(ARRAY['"1931-13-77"', '"1931-07-13T25:61"', '"1931-07-13 Mars"', '"99999-07-13"', '19317713', '["1931-13-77"]', '{"1931-13-77": 1}']) AS b (bad)
CROSS JOIN unnest(ARRAY['clinic.update_patient($1, ''{"date_of_birth": %s}'')', 'clinic.update_patient($1, ''{"deceased_on": %s}'')',
    'clinic.update_patient($1, ''{"date_of_birth": %s, "preferred_name": "X"}'')', 'clinic.create_patient(''X'', details => ''{"allergies": [{"allergen": "x", "severity": "mild", "onset_on": %s}]}'')',
    'clinic.create_patient(''X'', details => ''{"conditions": [{"name": "x", "onset_on": %s}]}'')', 'clinic.create_patient(''X'', details => ''{"medications": [{"name": "x", "from_on": %s}]}'')',
    'clinic.set_patient_allergy($1, ''{"allergen": "x", "severity": "mild", "onset_on": %s}'')', 'clinic.set_patient_condition($1, ''{"name": "x", "ended_on": %s}'')',
    'clinic.set_patient_medication($1, ''{"name": "x", "until_on": %s}'')', 'clinic.find_duplicates(demographics => ''{"name": "x", "date_of_birth": %s}'')',
    'clinic.decide_correction((SELECT clinic.request_correction($1, ''x'')), true, changes => ''{"date_of_birth": %s}'')']) AS c (call)
CROSS JOIN LATERAL pg_temp.attempt('SELECT ' || replace(replace(c.call, '$1', quote_literal(:'asha')), '%s', b.bad)) AS e;
SELECT e.* FROM unnest(ARRAY['{"status": "merged"}', '{"deceased_on": "2026-03-05"}', '{"deceased_on": "1984-04-30"}', '{"deceased_on": "2026-03-01", "status": "active"}',
                             '{"deleted_at": "2026-01-01"}', '{"merged_into_id": null}', '{"name_key": "x"}', '{"first_location_id": 7}']) AS c (changes),
    pg_temp.attempt(format('SELECT clinic.update_patient(%L, %L)', :'asha', c.changes)) AS e;
ROLLBACK;

-- Phones, in the country of the location.
SELECT p.country, p.given, clinic_private.international_phone(p.given, p.country)
FROM (VALUES ('IN', '098200 54321'), ('IN', '+1 (555) 010-0199'), ('IN', '0044 20 7946 0018'), ('GB', '020 7946 0018'), ('IT', '06 1234 567'), ('US', '1 555 010 0199'),
             ('US', '(555) 010-0199'), ('HU', '06 1 234 5678'), ('RU', '8 912 345 67 89'), ('KE', '0712 345678'), (NULL, '0712 345678'), ('ZZ', '123')) AS p (country, given);
-- The check digit of Verhoeff finds every single wrong digit and every exchange of neighbours.
SELECT clinic_private.is_verhoeff('2363') AS published, count(*) FILTER (WHERE clinic_private.is_verhoeff(overlay('91123456789010' PLACING d.digit::text FROM p.place FOR 1))) AS valid
FROM generate_series(1, 14) AS p (place), generate_series(0, 9) AS d (digit);

-- Who may: nobody of another tenant, limited masked, the patient their own.
BEGIN;
SELECT clinic.use_tenant('patients-test') \g /dev/null
SELECT clinic.map_login('pat_self', 'patient', '{}', patient_id => :'asha');
COMMIT;
SET SESSION AUTHORIZATION pat_other;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.patient_profile(%L)', :'asha')) AS e;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.patient_profile(%L)', '5e700a70-0090-7000-8000-00000000ffff')) AS e;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.set_patient_allergy(%L, ''{"allergen": "Latex", "severity": "mild"}'')', :'asha')) AS e;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.set_patient_identifier(%L, ''external:x'', ''1'')', :'asha')) AS e;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.set_patient_details(%L, ''{"blood_group": "A+"}'')', :'asha')) AS e;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.delete_patient(%L)', :'asha')) AS e;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION pat_limited;
SELECT jsonb_pretty(regexp_replace((clinic.patient_profile(:'asha') - 'created_at' - 'updated_at' - 'guardians' - 'dependants' - 'replaces')::text,
    '"(contact_id|item_id|verified_at)": [^,}]*, |, "identifier_id": [^,}]*', '', 'g')::jsonb);
SELECT count(*) FROM clinic.patient_contacts;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.set_patient_details(%L, ''{"blood_group": "A+"}'')', :'asha')) AS e;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION pat_self;
SELECT clinic.patient_profile(:'asha') -> 'masked' AS masked, jsonb_array_length(clinic.patient_profile(:'asha') -> 'allergies') AS allergies;
SELECT clinic.set_patient_details(:'asha', '{"address": {"line1": "8 Marine Drive"}}') AS own_address;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.set_patient_details(%L, ''{"blood_group": "A+"}'')', :'asha')) AS e;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.set_patient_allergy(%L, ''{"allergen": "Latex", "severity": "mild"}'')', :'asha')) AS e;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.patient_profile(%L)', :'ravi')) AS e;
RESET SESSION AUTHORIZATION;

-- Putting away and taking back.
SET SESSION AUTHORIZATION pat_desk;
SELECT clinic.delete_patient(:'ravi');
SELECT count(*) FROM clinic.patients AS p WHERE p.patient_id = :'ravi';
SELECT count(*) FROM clinic.list_patients() AS p WHERE p.patient_id = :'ravi';
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.get_patient(%L)', :'ravi')) AS e;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.patient_profile(%L)', :'ravi')) AS e;
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.update_patient(%L, ''{"status": "active"}'')', :'ravi')) AS e;
SELECT clinic.restore_patient(:'ravi');
SELECT clinic.update_patient(:'ravi', '{"status": "active"}');
SELECT clinic.update_patient(:'ravi', '{"deceased_on": "2026-03-01"}');
SELECT p.status, p.deceased_on FROM clinic.patients AS p WHERE p.patient_id = :'ravi';
RESET SESSION AUTHORIZATION;

-- Shredded: the profile says so, contacts are shown to nobody, nothing else breaks.
BEGIN;
SELECT clinic.use_tenant('patients-test') \g /dev/null
SELECT clinic_private.shred_patient(:'tenant', :'asha', 'asked for it');
SAVEPOINT erased;
SELECT clinic.patient_profile(:'asha');
ROLLBACK TO erased;
SELECT c.channel, c.destination FROM clinic.patient_contacts AS c WHERE c.patient_id = :'asha' ORDER BY c.channel;
SELECT count(*) FROM clinic_data.patient_contacts AS c WHERE c.destination_index IS NOT NULL AND c.tenant_id = :'tenant';
SELECT e.* FROM pg_temp.attempt(format('SELECT clinic.set_patient_contact(%L, ''sms'', ''+919820012345'')', :'asha')) AS e;
ROLLBACK;

SET client_min_messages = error;
DROP OWNED BY pat_desk, pat_limited, pat_self, pat_other;
DROP ROLE pat_desk, pat_limited, pat_self, pat_other;
