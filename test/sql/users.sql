-- Users of a tenant: what each function makes, changes, keeps and refuses. Who may do it to whom is in test/pgtap/delegation.sql.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE users_admin LOGIN IN ROLE clinic_admin;
CREATE ROLE users_reader LOGIN IN ROLE clinic_user;
CREATE ROLE users_nurse LOGIN IN ROLE clinic_user;
CREATE ROLE users_patient LOGIN IN ROLE clinic_user;
CREATE ROLE users_visitor LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set tenant '5e7000a1-0000-7000-8000-000000000001'
\set here '5e7000a1-0010-7000-8000-000000000001'
\set there '5e7000a1-0010-7000-8000-000000000002'
\set moss '5e7000a1-0020-7000-8000-000000000001'
\set lena '5e7000a1-0090-7000-8000-000000000001'
\set tim '5e7000a1-0090-7000-8000-000000000002'
\set root '5e7000a1-0100-7000-8000-000000000001'
\set ada '5e7000a1-0100-7000-8000-000000000002'
\set nina '5e7000a1-0100-7000-8000-000000000003'
\set robot '5e7000a1-0100-7000-8000-000000000004'
\set account '5e7000a1-0100-7000-8000-000000000005'

-- Runs a command and returns its error.
CREATE FUNCTION pg_temp.attempt(command text, OUT state text, OUT message text, OUT detail text, OUT hint text)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'DONE';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END
$$;

SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant(slug => 'users-test', name => 'Users Test', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_location('Here', 'Europe/Berlin', location_id => :'here'),
       clinic.create_location('There', 'Europe/Berlin', location_id => :'there'),
       clinic.create_provider('Dr. Ada Moss', 'Europe/Berlin', provider_id => :'moss'),
       clinic.create_patient('Lena Ortiz', patient_id => :'lena'), clinic.create_patient('Tim Ortiz', patient_id => :'tim') \g /dev/null
-- The first user of a tenant, made by an administrator of the database.
SELECT clinic.create_user('staff', ' Root ', email => ' ROOT@Example.org', roles => '{super_admin}', all_locations => true, user_id => :'root');
SELECT clinic.map_login('users_admin', 'admin', '{*}');
COMMIT;

SET SESSION AUTHORIZATION users_admin;
SELECT clinic.create_user('staff', 'Ada Moss', 'ada@example.org', '+49 (30) 555-0101', '{doctor,doctor}', ARRAY[:'there', :'here', :'there']::uuid[],
                          provider_id => :'moss', user_id => :'ada') \g /dev/null
SELECT clinic.create_user('staff', 'Nina Ruiz', roles => '{nurse}', location_ids => ARRAY[:'here']::uuid[], user_id => :'nina') \g /dev/null
SELECT clinic.create_user('service', 'Reminders', user_id => :'robot') \g /dev/null
SELECT clinic.create_user('patient', 'Lena Ortiz', phone => '+49305550102', patient_id => :'lena', user_id => :'account') \g /dev/null
SELECT u.name, u.kind, u.status, u.provider_id IS NOT NULL AS provider, u.patient_id IS NOT NULL AS patient, u.all_locations AS all,
       cardinality(u.location_ids) AS places, u.primary_location_id = :'there' AS at_home_there, u.roles, u.emails, u.phones, u.version
FROM clinic.users AS u ORDER BY u.user_id;

-- Changes.
SELECT clinic.update_user(:'nina', '{"name": " Nina Ruiz-Vega ", "version": 1}');
SELECT clinic.update_user(:'nina', '{"name": "Too late", "version": 1}');
SELECT clinic.update_user(:'nina', '{"all_locations": true}');
SELECT clinic.update_user(:'nina', '{"all_locations": false}');
SELECT clinic.assign_location(:'nina', :'there', is_primary => true);
SELECT clinic.assign_location(:'nina', :'here', is_primary => true);
SELECT u.name, u.location_ids = ARRAY[:'here', :'there']::uuid[] AS here_first, u.version FROM clinic.users AS u WHERE u.user_id = :'nina';
SELECT clinic.withdraw_location(:'nina', :'there');
SELECT clinic.withdraw_location(:'nina', :'there');
SELECT clinic.add_identifier(:'nina', 'email', 'Nina@Example.ORG');
SELECT clinic.add_identifier(:'nina', 'phone', '+1 212 555 0199');
SELECT clinic.remove_identifier(:'nina', 'email', ' NINA@example.org ');
SELECT clinic.remove_identifier(:'nina', 'email', 'nina@example.org');
SELECT u.emails, u.phones FROM clinic.users AS u WHERE u.user_id = :'nina';

-- Deactivating ends the sessions; roles and branches stay. Activating brings no session back.
RESET SESSION AUTHORIZATION;
INSERT INTO clinic_data.sessions (tenant_id, session_id, user_id, refresh_hash, created_at, refreshed_at, expires_at, method)
VALUES (:'tenant', :'nina', :'nina', '\x00', clinic.now(), clinic.now(), clinic.now() + interval '7 days', 'password'),
       (:'tenant', :'ada', :'ada', '\x00', clinic.now(), clinic.now(), clinic.now() + interval '7 days', 'password');
SET SESSION AUTHORIZATION users_admin;
SELECT clinic.deactivate_user(:'nina') > 0 AS deactivated;
SELECT clinic.deactivate_user(:'nina');
SELECT u.status, u.roles FROM clinic.users AS u WHERE u.user_id = :'nina';
SELECT clinic.activate_user(:'nina') > 0 AS activated;
SELECT clinic.activate_user(:'nina');
RESET SESSION AUTHORIZATION;
SELECT u.name, s.revoked_at, s.revoke_reason, u.signed_out_at
FROM clinic_data.sessions AS s JOIN clinic_data.users AS u USING (tenant_id, user_id)
WHERE s.tenant_id = :'tenant' ORDER BY u.name;
SET SESSION AUTHORIZATION users_admin;

-- Professional data.
SELECT clinic.set_staff_profile(:'ada', '{"registration_number": " MC-17 ", "registration_council": "Medical Council", "licence_number": "L1",
    "licence_expires_on": "2027-12-31", "npi": "1234567893", "hpr_id": " ", "qualification": "MD", "specialisations": [" Cardiology ", "Sports"],
    "languages": ["EN", "hi-in", "zh-hant-tw", "es-419"], "signature_ref": "s3://signatures/ada"}');
SELECT clinic.set_staff_profile(:'ada', '{"licence_number": null, "version": 2}');
SELECT clinic.set_staff_profile(:'ada', '{"licence_number": "L2", "version": 2}');
SELECT p.registration_number, p.licence_number, p.licence_expires_on, p.npi, p.hpr_id, p.specialisations, p.languages, p.version
FROM clinic.staff_profiles AS p WHERE p.user_id = :'ada';

-- Dependants.
SELECT clinic.add_dependant(:'lena', :'tim', 'mother', '2026-12-31');
SELECT clinic.add_dependant(:'lena', :'tim', 'child');
SELECT d.relationship, d.until_on FROM clinic.dependants AS d;

-- Bad input: each refused with a state, a message, facts and mostly a hint. No name, address or number is shown.
SELECT c.command AS "what was tried", a.state, a.message, a.detail, a.hint
FROM (VALUES
    ($$create_user('robot', 'X')$$),
    ($$create_user('staff', '  ')$$),
    ($$create_user('staff', NULL)$$),
    ($$create_user('staff', 'X', user_id => '5e7000a1-0100-7000-8000-000000000002')$$),
    ($$create_user('staff', 'X', email => 'ADA@example.org')$$),
    ($$create_user('staff', 'X', email => 'secret name')$$),
    ($$create_user('staff', 'X', phone => '030 555 0101')$$),
    ($$create_user('staff', 'X', roles => '{wizard}')$$),
    ($$create_user('staff', 'X', roles => '{NULL}')$$),
    ($$create_user('staff', 'X', location_ids => '{5e7000a1-0010-7000-8000-0000000000ff}')$$),
    ($$create_user('staff', 'X', location_ids => '{NULL}')$$),
    ($$create_user('staff', 'X', provider_id => '5e7000a1-0020-7000-8000-000000000001')$$),
    ($$create_user('staff', 'X', provider_id => '5e7000a1-0020-7000-8000-0000000000ff')$$),
    ($$create_user('staff', 'X', patient_id => '5e7000a1-0090-7000-8000-000000000002')$$),
    ($$create_user('service', 'X', provider_id => '5e7000a1-0020-7000-8000-000000000001')$$),
    ($$create_user('patient', 'X')$$),
    ($$create_user('patient', 'X', patient_id => '5e7000a1-0090-7000-8000-000000000001')$$),
    ($$create_user('patient', 'X', patient_id => '5e7000a1-0090-7000-8000-0000000000ff')$$),
    ($$create_user('patient', 'X', patient_id => '5e7000a1-0090-7000-8000-000000000002', roles => '{nurse}')$$),
    ($$create_user('patient', 'X', patient_id => '5e7000a1-0090-7000-8000-000000000002', all_locations => true)$$),
    ($$update_user('5e7000a1-0100-7000-8000-0000000000ff', '{"name": "X"}')$$),
    ($$update_user('5e7000a1-0100-7000-8000-000000000002', '{"status": "inactive"}')$$),
    ($$update_user('5e7000a1-0100-7000-8000-000000000002', '{"kind": "service"}')$$),
    ($$update_user('5e7000a1-0100-7000-8000-000000000002', '{"all_locations": "perhaps"}')$$),
    ($$update_user('5e7000a1-0100-7000-8000-000000000002', '{"provider_id": "5e7000a1-0020-7000-8000-0000000000ff"}')$$),
    ($$update_user('5e7000a1-0100-7000-8000-000000000005', '{"all_locations": true}')$$),
    ($$assign_location('5e7000a1-0100-7000-8000-000000000002', '5e7000a1-0010-7000-8000-0000000000ff')$$),
    ($$assign_location('5e7000a1-0100-7000-8000-000000000005', '5e7000a1-0010-7000-8000-000000000001')$$),
    ($$assign_location('5e7000a1-0100-7000-8000-000000000002', NULL)$$),
    ($$add_identifier('5e7000a1-0100-7000-8000-000000000003', 'email', 'ada@example.org')$$),
    ($$add_identifier('5e7000a1-0100-7000-8000-000000000003', 'fax', '+4930')$$),
    ($$add_identifier('5e7000a1-0100-7000-8000-000000000003', 'phone', '+0 12 34 56 78')$$),
    ($$remove_identifier('5e7000a1-0100-7000-8000-000000000003', 'email', 'ada@example.org')$$),
    ($$deactivate_user('5e7000a1-0100-7000-8000-000000000001')$$),
    ($$deactivate_user('5e7000a1-0100-7000-8000-0000000000ff')$$),
    ($$deactivate_user(NULL)$$),
    ($$set_staff_profile('5e7000a1-0100-7000-8000-000000000002', '{"npi": "1234567890"}')$$),
    ($$set_staff_profile('5e7000a1-0100-7000-8000-000000000002', '{"npi": 123}')$$),
    ($$set_staff_profile('5e7000a1-0100-7000-8000-000000000002', '{"languages": ["german"]}')$$),
    ($$set_staff_profile('5e7000a1-0100-7000-8000-000000000002', '{"languages": "en"}')$$),
    ($$set_staff_profile('5e7000a1-0100-7000-8000-000000000002', '{"languages": null}')$$),
    ($$set_staff_profile('5e7000a1-0100-7000-8000-000000000002', '{"specialisations": [""]}')$$),
    ($$set_staff_profile('5e7000a1-0100-7000-8000-000000000002', '{"licence_expires_on": "soon"}')$$),
    ($$set_staff_profile('5e7000a1-0100-7000-8000-000000000002', '{"licence_expires_on": "infinity"}')$$),
    ($$set_staff_profile('5e7000a1-0100-7000-8000-000000000002', '{"hpr_id": "0123456789012345678901234567890123456789012345678901"}')$$),
    ($$set_staff_profile('5e7000a1-0100-7000-8000-000000000004', '{"qualification": "MD"}')$$),
    ($$add_dependant('5e7000a1-0090-7000-8000-000000000001', '5e7000a1-0090-7000-8000-000000000001')$$),
    ($$add_dependant('5e7000a1-0090-7000-8000-000000000001', '5e7000a1-0090-7000-8000-0000000000ff')$$),
    ($$add_dependant('5e7000a1-0090-7000-8000-000000000001', '5e7000a1-0090-7000-8000-000000000002', until_on => 'infinity')$$),
    ($$remove_dependant('5e7000a1-0090-7000-8000-000000000002', '5e7000a1-0090-7000-8000-000000000001')$$)
) AS c (command), LATERAL pg_temp.attempt('SELECT clinic.' || c.command) AS a \gx

-- Numbers with a right and a wrong check digit.
RESET SESSION AUTHORIZATION;
SELECT n.npi, clinic_private.is_npi(n.npi) FROM (VALUES ('1234567893'), ('1245319599'), ('1234567894'), ('123456789'), ('12345678931'), ('123456789x')) AS n (npi);

-- Who sees whom. Each with a context of their own.
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.use_tenant('users-test');
SET client_min_messages = error;
SELECT clinic.map_login('users_reader', 'staff', '{users:read}');
SELECT clinic.map_login('users_nurse', 'staff', '{emergency:use}', user_id => :'nina');
SELECT clinic.map_login('users_patient', 'patient', '{patients:read:own}', user_id => :'account', patient_id => :'lena');
SELECT clinic.map_login('users_visitor', 'public');
RESET client_min_messages;
COMMIT;
RESET ROLE;
SET SESSION AUTHORIZATION users_reader;
SELECT u.name, u.emails, u.phones FROM clinic.users AS u ORDER BY u.user_id;
SELECT s.name, s.provider_id IS NOT NULL AS provider FROM clinic.staff AS s ORDER BY s.name;
SELECT count(*) FROM clinic.staff_profiles;
SELECT count(*) FROM clinic.dependants;
SET SESSION AUTHORIZATION users_nurse;
SELECT u.name, u.emails, u.phones FROM clinic.users AS u ORDER BY u.user_id;
SELECT s.name, s.provider_id IS NOT NULL AS provider FROM clinic.staff AS s ORDER BY s.name;
SELECT p.user_id = :'nina' AS own FROM clinic.staff_profiles AS p;
SET SESSION AUTHORIZATION users_patient;
SELECT u.name, u.phones FROM clinic.users AS u;
SELECT s.name, s.languages FROM clinic.staff AS s ORDER BY s.name;
SELECT count(*) FROM clinic.staff_profiles;
SELECT d.guardian_patient_id = :'lena' AS own, d.relationship FROM clinic.dependants AS d;
SET SESSION AUTHORIZATION users_visitor;
SELECT (SELECT count(*) FROM clinic.users) AS users, (SELECT count(*) FROM clinic.staff_profiles) AS profiles,
       (SELECT count(*) FROM clinic.roles) AS roles, (SELECT count(*) FROM clinic.dependants) AS dependants;
RESET SESSION AUTHORIZATION;

-- The same person in a second tenant: a membership of its own, which says nothing of the first.
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant('users-test-2', 'Users Test 2') \g /dev/null
SELECT clinic.create_user('staff', 'Ada M.', 'ada@example.org', user_id => :'ada') = :'ada' AS same;
SELECT u.name, u.roles, u.emails FROM clinic.users AS u;
ROLLBACK;
RESET ROLE;
