-- Users for the demonstration's clinic, who sign in over HTTP: run after clinic.sql, as the same superuser.
--
--   psql -v password='...' -f users.sql
--
-- Nobody sets a password for somebody else: each gets a one-time code by the outbox, as a real user would by e-mail, and sets it
-- with that.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
RESET clinic.clock;

-- The key that signs tokens; PostgREST verifies them by clinic.jwks(), and jwt-aud of postgrest.conf is its audience.
SELECT clinic.create_signing_key() \g /dev/null

-- What the public booking page shows.
SELECT clinic.update_tenant('{"published": true}') \g /dev/null
SELECT clinic.update_location(l.location_id, '{"published": true}') FROM clinic.locations AS l \g /dev/null
SELECT clinic.update_provider(p.provider_id, '{"published": true}') FROM clinic.providers AS p \g /dev/null
SELECT clinic.update_service(s.service_id, '{"published": true}') FROM clinic.services AS s \g /dev/null

SELECT p.provider_id AS moss FROM clinic.providers AS p WHERE p.name = 'Dr. Ada Moss' \gset
SELECT l.location_id AS midtown FROM clinic.locations AS l WHERE l.name = 'Midtown' \gset
SELECT l.location_id AS brooklyn FROM clinic.locations AS l WHERE l.name = 'Brooklyn' \gset
SELECT p.patient_id AS patient FROM clinic.patients AS p WHERE p.mrn = 'R1001' \gset
SELECT clinic.create_user('staff', 'Noor Haddad', email => 'admin@riverbend.example', roles => '{super_admin}', all_locations => true),
       clinic.create_user('staff', 'Front desk', email => 'desk@riverbend.example', roles => '{receptionist}', all_locations => true),
       clinic.create_user('staff', 'Dr. Ada Moss', email => 'dr.moss@riverbend.example', roles => '{doctor}',
                          location_ids => ARRAY[:'midtown', :'brooklyn']::uuid[], provider_id => :'moss'),
       clinic.create_user('patient', 'Patient', email => 'patient@riverbend.example', roles => '{patient}', patient_id => :'patient') \g /dev/null

CREATE TEMPORARY TABLE who AS
    SELECT unnest('{admin,desk,dr.moss,patient}'::text[]) || '@riverbend.example' AS email;
SELECT format('SELECT clinic.request_code(''riverbend'', %L, ''reset_password'')', w.email) FROM who AS w \gexec
SELECT format('SELECT clinic.reset_password(''riverbend'', %L, %L, %L)', w.email, clinic_private.open_kept_secret(o.payload, clinic_private.secret_place('outbox', o.message_id::text, 'payload'))::jsonb ->> 'code', :'password')
FROM who AS w JOIN clinic_data.outbox AS o ON clinic_private.open_kept_secret(o.destination, clinic_private.secret_place('outbox', o.message_id::text, 'destination')) = w.email \gexec
DROP TABLE who;
