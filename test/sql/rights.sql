-- Patients' rights: the account of disclosures, corrections, one export of everything, erasure.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE rights_desk LOGIN IN ROLE clinic_user;
CREATE ROLE rights_manager LOGIN IN ROLE clinic_user;
CREATE ROLE rights_keeper LOGIN IN ROLE clinic_user;
CREATE ROLE rights_ann LOGIN IN ROLE clinic_user;
CREATE ROLE rights_ben LOGIN IN ROLE clinic_user;
CREATE ROLE rights_other LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET timezone = 'America/New_York';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set tenant '4164c001-0000-7000-8000-000000000001'
\set place '4164c001-0010-7000-8000-000000000001'
\set doctor '4164c001-0020-7000-8000-000000000001'
\set visit '4164c001-0040-7000-8000-000000000001'
\set ann '4164c001-0090-7000-8000-000000000001'
\set ben '4164c001-0090-7000-8000-000000000002'
\set account '4164c001-0100-7000-8000-000000000001'
\set nobody '4164c001-0090-7000-8000-0000000000ff'
SET clinic.clock = '2026-03-02T15:00:00Z';
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant('rights-other', 'Other', tenant_id => '4164c002-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('rights_other', 'staff', '{patients:*}') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant('rights', 'River Clinic', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_location('Midtown', 'Europe/Berlin', location_id => :'place'), clinic.create_provider('Dr. Moss', 'Europe/Berlin', provider_id => :'doctor'),
       clinic.create_service('Checkup', 30, service_id => :'visit'),
       clinic.create_patient('Sentinel Annabella', 'SENTINEL-77', '1971-07-13', 'female', patient_id => :'ann'), clinic.create_patient('Ben Ray', patient_id => :'ben') \g /dev/null
SELECT clinic.offer_service(:'visit', :'doctor'), clinic.add_hours(:'doctor', :'place', 'FREQ=DAILY', '09:00', '17:00', '2026-01-01') \g /dev/null
SELECT clinic.add_dependant(:'ann', :'ben'), clinic.set_patient_contact(:'ann', 'email', 'sentinel@example.org'), clinic.set_communication_preferences(:'ann', 'hi-IN'),
       clinic.set_reminder_plan('[]', patient_id => :'ann') \g /dev/null
SELECT clinic.create_user('patient', 'Sentinel Annabella', user_id => :'account', patient_id => :'ann') \g /dev/null
SELECT clinic.add_identifier(:'account', 'email', 'sentinel@example.org') \g /dev/null
SELECT b.appointment_id AS past FROM clinic.book_appointment(:'visit', :'ann', '2026-03-03 09:00+01', :'doctor') AS b \gset
SELECT b.appointment_id AS coming FROM clinic.book_appointment(:'visit', :'ann', '2026-03-05 09:00+01', :'doctor') AS b \gset
SELECT b.appointment_id AS bens FROM clinic.book_appointment(:'visit', :'ben', '2026-03-05 10:00+01', :'doctor') AS b \gset
SELECT clinic.map_login('rights_desk', 'staff', (SELECT r.permissions FROM clinic.roles AS r WHERE r.role = 'receptionist')),
       clinic.map_login('rights_manager', 'staff', '{patients:*}'), clinic.map_login('rights_keeper', 'staff', '{audit:*}'),
       clinic.map_login('rights_ann', 'patient', patient_id => :'ann'), clinic.map_login('rights_ben', 'patient', patient_id => :'ben') \g /dev/null
COMMIT;
RESET ROLE;

-- Disclosures and their account.
SET SESSION AUTHORIZATION rights_desk;
SELECT clinic.record_disclosure(:'ann', 'County registry', 'Sentinel diagnosis', 'Notifiable disease', 'required_by_law', disclosed_at => '2021-01-01') IS NOT NULL AS one,
       clinic.record_disclosure(:'ann', 'Old registry', 'Sentinel diagnosis', 'Notifiable disease', 'public_health', disclosed_at => '2020-03-01') IS NOT NULL AS before_six_years,
       clinic.record_disclosure(:'ann', 'Insurer', 'Sentinel bill', 'Payment', 'payment') IS NOT NULL AS for_payment;
SELECT clinic.record_disclosure(:'nobody', 'X', 'X', 'X', 'treatment');
SELECT clinic.record_disclosure(:'ann', 'X', 'X', 'X', 'treatment', disclosed_at => '2026-03-03');
SET SESSION AUTHORIZATION rights_ann;
SELECT recipient, description, legal_basis FROM clinic.accounting_of_disclosures(:'ann');
SELECT recipient, description, legal_basis FROM clinic.accounting_of_disclosures(:'ann', '2000-01-01', complete => true);
SELECT clinic.record_disclosure(:'ann', 'X', 'X', 'X', 'treatment');
SET SESSION AUTHORIZATION rights_ben;
SELECT count(*) FROM clinic.accounting_of_disclosures(:'ann');
SELECT count(*) AS not_mine FROM clinic.disclosures;
SET SESSION AUTHORIZATION rights_other;
SELECT count(*) FROM clinic.accounting_of_disclosures(:'ann');
SELECT count(*) FROM clinic.accounting_of_disclosures(:'nobody');
RESET SESSION AUTHORIZATION;
SELECT count(*) AS encrypted FROM clinic_data.disclosures WHERE tenant_id = :'tenant' AND clinic.is_encrypted(description);

\set VERBOSITY terse
-- Corrections: asked, decided once, applied or disagreed with.
SET SESSION AUTHORIZATION rights_ann;
SELECT clinic.request_correction(:'ann', 'Sentinel: I was born in 1972') AS wish1 \gset
SELECT clinic.request_correction(:'ann', 'Sentinel: I never smoked') AS wish2 \gset
SELECT clinic.request_correction(:'ann', ' ');
SELECT clinic.decide_correction(:'wish1', true);
SELECT clinic.note_disagreement(:'wish2', 'Too early');
SELECT status, due_at - requested_at AS due FROM clinic.correction_requests ORDER BY request_id;
SET SESSION AUTHORIZATION rights_ben;
SELECT clinic.request_correction(:'ann', 'X');
SELECT * FROM clinic.read_correction(:'wish1');
SET SESSION AUTHORIZATION rights_other;
SELECT * FROM clinic.read_correction(:'wish1');
SELECT clinic.decide_correction(:'wish1', true);
SET SESSION AUTHORIZATION rights_desk;
SELECT request FROM clinic.read_correction(:'wish1');
SELECT clinic.decide_correction(:'wish1', true, changes => '{"date_of_birth": "1972-07-13"}');
SELECT clinic.decide_correction(:'wish1', false, 'Once more');
SELECT clinic.decide_correction(:'wish2', false);
SELECT clinic.decide_correction(:'wish2', false, 'X', '{"sex": "other"}');
SELECT clinic.decide_correction(:'wish2', false, 'The record says otherwise');
SELECT date_of_birth AS applied FROM clinic.patients WHERE patient_id = :'ann';
SET SESSION AUTHORIZATION rights_ann;
SELECT clinic.note_disagreement(:'wish2', 'Sentinel: I disagree');
SELECT clinic.note_disagreement(:'wish2', 'Again');
SELECT status, decision_reason, disagreement FROM clinic.read_correction(:'wish2');
RESET SESSION AUTHORIZATION;

\set VERBOSITY default
-- The export: every table with the patient is in it or is named as left out; own rows only, decrypted, without bytes.
SELECT c.relname AS neither_exported_nor_left_out FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'patient_id' AND NOT a.attisdropped
 WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND c.relname NOT IN (SELECT e.table_name FROM clinic_private.export_exemptions() AS e)
   AND c.oid NOT IN (SELECT t.relation FROM clinic_private.export_tables() AS t);
SET SESSION AUTHORIZATION rights_desk;
SELECT clinic.export_patient(:'ann');
SET SESSION AUTHORIZATION rights_ben;
SELECT clinic.export_patient(:'ann');
SET SESSION AUTHORIZATION rights_other;
SELECT clinic.export_patient(:'ann');
SELECT clinic.export_patient(:'nobody');
SET SESSION AUTHORIZATION rights_manager;
SELECT clinic.export_patient(:'ann') AS document \gset
SET SESSION AUTHORIZATION rights_ann;
SELECT clinic.export_patient(:'ann') -> 'tables' = :'document'::jsonb -> 'tables' AS the_same_for_the_patient;
RESET SESSION AUTHORIZATION;
SELECT e.key AS table_name, jsonb_array_length(e.value) AS rows FROM jsonb_each(:'document'::jsonb -> 'tables') AS e ORDER BY 1;
SELECT d #>> '{tables,patients,0,name}' AS name, d #>> '{tables,patients,0,date_of_birth}' AS born, d #>> '{tables,disclosures,0,description}' AS disclosed,
       d #>> '{tables,correction_requests,1,disagreement}' AS disagreement, d #>> '{tables,appointments,0,starts_at}' AS starts_at, d ->> 'erased' AS erased
FROM (SELECT :'document'::jsonb AS d) AS x;
SELECT :'document' !~ '\\\\x' AS no_bytes, :'document' !~ :'bens' AS no_visit_of_others, :'document' !~ 'confirmation_hash' AS no_hash;
SELECT action, class, row_id = :'ann' AS of_ann, row_ids = ARRAY[:'ann'::uuid] AS whose, login FROM clinic_data.audit_records WHERE tenant_id = :'tenant' AND action = 'export' ORDER BY audit_id;

-- Erasure: who may not, and what keeps it.
SET SESSION AUTHORIZATION rights_desk;
SELECT clinic.erase_patient(:'ann', 'They asked for it in writing');
SET SESSION AUTHORIZATION rights_ann;
SELECT clinic.erase_patient(:'ann', 'They asked for it in writing');
SET SESSION AUTHORIZATION rights_other;
SELECT clinic.erase_patient(:'ann', 'They asked for it in writing');
SELECT clinic.erase_patient(:'nobody', 'They asked for it in writing');
SET SESSION AUTHORIZATION rights_keeper;
SELECT clinic.place_legal_hold(:'ann', 'A claim is pending') AS hold \gset
SET SESSION AUTHORIZATION rights_manager;
SELECT clinic.erase_patient(:'ann', 'short');
SELECT clinic.erase_patient(:'ann', 'They asked for it in writing', despite_retention => true);
SET SESSION AUTHORIZATION rights_keeper;
SELECT clinic.release_legal_hold(:'hold');
SET SESSION AUTHORIZATION rights_manager;
SELECT clinic.erase_patient(:'ann', 'They asked for it in writing', despite_retention => true);
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT clinic.use_tenant('rights');
SELECT clinic.cancel_appointment(:'coming', reason => 'Sentinel is in Spain') \g /dev/null
SET clinic.clock = '2026-03-03T08:05:00Z';
SELECT clinic.check_in(:'past') \g /dev/null
SELECT clinic.start_visit(:'past'), clinic.complete_visit(:'past') \g /dev/null
COMMIT;
SET clinic.clock = '2026-03-06T08:00:00Z';
SET SESSION AUTHORIZATION rights_manager;
SELECT clinic.erase_patient(:'ann', 'They asked for it in writing');
RESET SESSION AUTHORIZATION;
SELECT count(*) AS still_there FROM clinic_data.patients WHERE tenant_id = :'tenant' AND name = 'Sentinel Annabella' AND patient_id NOT IN (SELECT patient_id FROM clinic_data.shredded_patients);
SELECT c.relname AS without_rule FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'patient_id' AND NOT a.attisdropped
 WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND c.relname NOT IN (SELECT e.table_name FROM clinic_private.erasure_rules() AS e);
-- A code that is on its way.
SELECT clinic.request_code('rights', 'sentinel@example.org', 'verify');
SELECT (SELECT count(*) FROM clinic_data.one_time_codes WHERE user_id = :'account') AS codes,
       (SELECT count(*) FROM clinic_data.sign_in_events WHERE user_id = :'account' AND identifier_hash IS NOT NULL) AS hashes,
       (SELECT count(*) FROM clinic_data.outbox WHERE tenant_id = :'tenant' AND topic = 'one_time_code' AND status = 'waiting') AS messages;
SET SESSION AUTHORIZATION rights_manager;
SELECT clinic.erase_patient(:'ann', 'They asked for it in writing', despite_retention => true) AS erased, clinic.erase_patient(:'ann', 'They asked for it in writing') AS again;
SELECT patient_id = :'ann' AS ann, name, mrn, date_of_birth, sex, status FROM clinic.patients WHERE patient_id = :'ann';
RESET SESSION AUTHORIZATION;
-- Neither the code nor what it was sent to stays, not even as a hash.
SELECT (SELECT count(*) FROM clinic_data.one_time_codes WHERE user_id = :'account') AS codes,
       (SELECT count(*) FROM clinic_data.one_time_codes WHERE identifier_hash = clinic_private.identifier_hash(:'tenant', 'email', 'sentinel@example.org')) AS codes_by_hash,
       (SELECT count(*) FROM clinic_data.sign_in_events WHERE user_id = :'account' AND identifier_hash IS NOT NULL) AS hashes,
       (SELECT count(*) FROM clinic_data.sign_in_events WHERE identifier_hash = clinic_private.identifier_hash(:'tenant', 'email', 'sentinel@example.org')) AS events_by_hash;
SELECT status, destination, payload FROM clinic_data.outbox WHERE tenant_id = :'tenant' AND topic = 'one_time_code';
-- Nothing names them any more, in no table; the visits, disclosures and decisions stay.
DO $$
DECLARE
    target regclass;
    hits bigint;
BEGIN
    FOR target IN SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname LOOP
        EXECUTE format('SELECT count(*) FROM %s AS t WHERE t::text ~* ''sentinel|annabella|197[12]-07-13'' AND t::text ~ ''4164c001''', target) INTO hits;
        IF hits > 0 THEN
            RAISE NOTICE '% row(s) of % name the patient', hits, target;
        END IF;
    END LOOP;
END
$$;
SELECT status, cancel_reason, patient_id = :'ann' AS of_ann FROM clinic_data.appointments WHERE tenant_id = :'tenant' AND patient_id = :'ann' ORDER BY starts_at;
SELECT (SELECT count(*) FROM clinic_data.disclosures WHERE patient_id = :'ann') AS disclosures, (SELECT count(*) FROM clinic_data.correction_requests WHERE patient_id = :'ann') AS corrections,
       (SELECT count(*) FROM clinic_data.patient_contacts WHERE patient_id = :'ann') AS contacts, (SELECT count(*) FROM clinic_data.patient_keys WHERE patient_id = :'ann') AS keys,
       (SELECT count(*) FROM clinic_data.dependants WHERE guardian_patient_id = :'ann') AS dependants, (SELECT status FROM clinic_data.users WHERE user_id = :'account') AS account,
       (SELECT count(*) FROM clinic_data.user_identifiers WHERE user_id = :'account') AS identifiers, (SELECT active FROM clinic_data.logins WHERE login = 'rights_ann') AS login;
SELECT action, class, reason, after FROM clinic_data.audit_records WHERE tenant_id = :'tenant' AND action = 'erase';
SET SESSION AUTHORIZATION rights_manager;
SELECT recipient, description FROM clinic.accounting_of_disclosures(:'ann');
SELECT d ->> 'erased' AS erased, d #>> '{tables,disclosures,0,description}' AS disclosed, d #>> '{tables,patients,0,name}' AS name FROM clinic.export_patient(:'ann') AS d;
SELECT clinic.request_correction(:'ann', 'Back again');
SELECT clinic.update_patient(:'ann', '{"name": "Back again"}');
SELECT clinic.give_consent(:'ann', 'marketing', :'nobody', evidence => 'x');
SET SESSION AUTHORIZATION rights_ann;
SELECT count(*) FROM clinic.patients;
RESET SESSION AUTHORIZATION;
-- A restored backup brings the name back, until the erasures are applied.
UPDATE clinic_data.patients SET name = 'Sentinel Annabella', mrn = 'SENTINEL-77', status = 'active' WHERE tenant_id = :'tenant' AND patient_id = :'ann';
SELECT clinic.apply_erasures() AS applied, clinic.apply_erasures() AS again;
SELECT name, mrn, status FROM clinic_data.patients WHERE tenant_id = :'tenant' AND patient_id = :'ann';
SET SESSION AUTHORIZATION rights_manager;
SELECT clinic.apply_erasures();
RESET SESSION AUTHORIZATION;

SET client_min_messages = warning;
DROP OWNED BY rights_desk, rights_manager, rights_keeper, rights_ann, rights_ben, rights_other;
DROP ROLE rights_desk, rights_manager, rights_keeper, rights_ann, rights_ben, rights_other;
