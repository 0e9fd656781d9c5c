-- Consents: given in the words in force, by whom, withdrawn, expired; and what is not done without one.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE consents_desk LOGIN IN ROLE clinic_user;
CREATE ROLE consents_ann LOGIN IN ROLE clinic_user;
CREATE ROLE consents_other LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set tenant 'c0a5e001-0000-7000-8000-000000000001'
\set ann 'c0a5e001-0090-7000-8000-000000000001'
\set ben 'c0a5e001-0090-7000-8000-000000000002'
\set child 'c0a5e001-0090-7000-8000-000000000003'
\set nobody 'c0a5e001-0090-7000-8000-0000000000ff'
SET clinic.clock = '2026-03-02T15:00:00Z';
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant('consents-other', 'Other', tenant_id => 'c0a5e002-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('consents_other', 'staff', '{patients:*,setup:write}') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant('consents', 'River Clinic', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_patient('Ann Lee', patient_id => :'ann'), clinic.create_patient('Ben Ray', patient_id => :'ben'), clinic.create_patient('Kim Lee', patient_id => :'child') \g /dev/null
SELECT clinic.add_dependant(:'ann', :'child'), clinic.set_patient_contact(:'ann', 'email', 'ann@example.org') \g /dev/null
SELECT clinic.map_login('consents_desk', 'staff', '{patients:read,patients:write,setup:write}'), clinic.map_login('consents_ann', 'patient', patient_id => :'ann') \g /dev/null
COMMIT;
RESET ROLE;

-- Purposes are data; texts are versions.
SET SESSION AUTHORIZATION consents_desk;
SELECT purpose, valid_days, warn_days FROM clinic.consent_purposes ORDER BY purpose;
SELECT clinic.set_consent_purpose('newsletter', 'Our newsletter', 90, 10), clinic.set_consent_purpose('marketing', 'Invitations', NULL, 14);
SELECT clinic.set_consent_purpose('Newsletter', 'X');
SELECT clinic.set_consent_purpose('newsletter', 'X', 0);
SELECT purpose, description, valid_days, warn_days FROM clinic.consent_purposes WHERE purpose IN ('marketing', 'newsletter') ORDER BY purpose;
SELECT clinic.add_consent_text('marketing', 'en', 'You may write to me.', '2026-01-01 00:00Z') AS text1 \gset
SELECT clinic.add_consent_text('sharing', 'en', 'You may share my record.') AS share \gset
SELECT clinic.add_consent_text('recording', 'en', 'You may record.') AS record \gset
SELECT clinic.add_consent_text('newsletter', 'en', 'Send it.') AS letter \gset
SELECT clinic.add_consent_text('nonsense', 'en', 'X');
SELECT clinic.add_consent_text('marketing', 'English', 'X');
SELECT clinic.withdraw_consent(:'ann', 'nonsense');
SELECT clinic.give_consent(:'ann', 'nonsense', :'text1', evidence => 'scan 1');
SELECT clinic.add_consent_text('marketing', 'en', 'Older than the first', '2026-01-01 00:00Z');

-- Nothing is consented to by default.
SELECT clinic.has_consent(:'ann', 'marketing') AS by_default, (SELECT count(*) FROM clinic.consents) AS consents;

-- Staff record paper, with proof; only in the words in force, and of the purpose.
SELECT clinic.give_consent(:'ben', 'marketing', :'text1');
\set VERBOSITY terse
SELECT clinic.give_consent(:'ben', 'marketing', :'share', evidence => 'scan 7');
\set VERBOSITY default
SELECT clinic.give_consent(:'ben', 'marketing', :'text1', evidence => 'scan 7', given_at => '2025-12-31 00:00Z');
SELECT clinic.give_consent(:'ben', 'marketing', :'text1', evidence => 'scan 7', given_at => '2026-03-02 15:00:01Z');
SELECT clinic.give_consent(:'ben', 'marketing', :'text1', evidence => 'scan 7', expires_at => '2026-01-01');
SELECT clinic.give_consent(:'ben', 'marketing', :'text1', evidence => 'scan 7', guardian_patient_id => :'ann');
SELECT clinic.give_consent(:'nobody', 'marketing', :'text1', evidence => 'scan 7');
SELECT clinic.give_consent(:'ben', 'marketing', :'text1', evidence => 'scan 7', given_at => '2026-02-01 00:00Z') IS NOT NULL AS given;
SELECT clinic.has_consent(:'ben', 'marketing') AS ben, clinic.has_consent(:'ann', 'marketing') AS ann;
SELECT clinic.add_consent_text('marketing', 'en', 'You may write to me about news.') AS text2 \gset
SELECT clinic.give_consent(:'ben', 'marketing', :'text1', evidence => 'scan 8');
SELECT clinic.has_consent(:'ben', 'marketing') AS earlier_version_stays;

-- Patients for themselves and those they act for; nobody for somebody else.
SET SESSION AUTHORIZATION consents_ann;
SELECT clinic.give_consent(:'ann', 'marketing', :'text2') IS NOT NULL AS given, clinic.give_consent(:'child', 'recording', :'record') IS NOT NULL AS for_the_child;
SELECT clinic.give_consent(:'ann', 'marketing', :'text2', given_at => '2026-03-02');
SELECT clinic.give_consent(:'ben', 'marketing', :'text2');
SELECT clinic.withdraw_consent(:'ben', 'marketing');
SELECT clinic.has_consent(:'ben', 'marketing') AS of_a_stranger;
SELECT clinic.add_consent_text('marketing', 'en', 'X');
SELECT purpose, given_by, guardian_patient_id = :'ann' AS by_ann, state, expires_at FROM clinic.consents ORDER BY consent_id;

-- Another tenant: as if it were not there.
SET SESSION AUTHORIZATION consents_other;
SELECT clinic.has_consent(:'ann', 'marketing'), (SELECT count(*) FROM clinic.consents) AS consents, (SELECT count(*) FROM clinic.consent_texts) AS texts;
SELECT clinic.give_consent(:'ann', 'marketing', :'text2', evidence => 'x');
SELECT clinic.give_consent(:'nobody', 'marketing', :'text2', evidence => 'x');
SELECT clinic.withdraw_consent(:'ann', 'marketing');

-- Scopes; what needs a consent asks for it.
SET SESSION AUTHORIZATION consents_desk;
SELECT clinic.require_consent(:'ben', 'recording');
SELECT clinic.require_consent(:'child', 'recording');
SELECT clinic.give_consent(:'ben', 'sharing', :'share', scope => 'Hill Hospital', evidence => 'scan 9') IS NOT NULL AS given;
SELECT clinic.has_consent(:'ben', 'sharing') AS in_general, clinic.has_consent(:'ben', 'sharing', 'Hill Hospital') AS there,
       clinic.has_consent(:'ben', 'sharing', 'Valley Hospital') AS elsewhere, clinic.has_consent(:'child', 'recording', 'any scope') AS whole_covers_scope;
SELECT clinic.withdraw_consent(:'child', 'recording', 'one scope');
SELECT clinic.record_disclosure(:'ben', 'Valley Hospital', 'Discharge letter', 'Rehabilitation');
SELECT clinic.record_disclosure(:'ben', 'Hill Hospital', 'Discharge letter', 'Rehabilitation') IS NOT NULL AS with_consent;
SELECT clinic.record_disclosure(:'ben', 'Valley Hospital', 'Discharge letter', 'Rehabilitation', legal_basis => 'treatment') IS NOT NULL AS with_another_basis;
SELECT clinic.record_disclosure(:'ben', 'Valley Hospital', 'Discharge letter', 'Rehabilitation', legal_basis => 'because');
SELECT clinic.withdraw_consent(:'ben', 'sharing', 'Valley Hospital') AS other_scope, clinic.withdraw_consent(:'ben', 'sharing', 'Hill Hospital', reason => 'changed their mind') AS this_one,
       clinic.withdraw_consent(:'ben', 'sharing') AS again;
SELECT clinic.record_disclosure(:'ben', 'Hill Hospital', 'Discharge letter', 'Rehabilitation');
SELECT clinic.record_disclosure(:'ben', 'Hill Hospital', 'Discharge letter', 'Rehabilitation', disclosed_at => '2026-03-02 14:00Z');
-- What was signed before a withdrawal does not come back by being recorded after it, neither as it was nor as a whole.
SELECT clinic.give_consent(:'ben', 'sharing', :'share', scope => 'Hill Hospital', evidence => 'scan 9', given_at => clinic.now() - interval '1 second');
SELECT clinic.give_consent(:'ben', 'sharing', :'share', evidence => 'scan 9', given_at => clinic.now() - interval '1 second');
SELECT purpose, scope, state, withdrawn_by, withdrawal_reason FROM clinic.consents WHERE patient_id = :'ben' ORDER BY consent_id;
RESET SESSION AUTHORIZATION;

-- Marketing: a recall is not planned without consent, and not sent once it is withdrawn.
BEGIN;
SELECT clinic.use_tenant('consents');
SELECT clinic_private.queue_notification('recall', :'child', NULL, '{"service": "Checkup"}') IS NOT NULL AS planned,
       clinic_private.queue_notification('recall', :'ann', NULL, '{"service": "Checkup"}') IS NOT NULL AS planned,
       clinic_private.queue_notification('welcome', :'child', NULL, '{}') IS NOT NULL AS planned;
COMMIT;
SELECT kind, patient_id = :'ann' AS of_ann, status, status_reason, channel FROM clinic_data.notifications WHERE tenant_id = :'tenant' ORDER BY notification_id;
SET SESSION AUTHORIZATION consents_ann;
SELECT clinic.withdraw_consent(:'ann', 'marketing');
RESET SESSION AUTHORIZATION;
SELECT kind, patient_id = :'ann' AS of_ann, status, status_reason, data FROM clinic_data.notifications WHERE tenant_id = :'tenant' AND kind = 'recall' ORDER BY notification_id;
-- One that waits while nobody withdraws by the function: asked again when it is sent.
BEGIN;
SELECT clinic.use_tenant('consents');
INSERT INTO clinic_data.notifications (tenant_id, notification_id, kind, patient_id, planned_at, due_at, channel)
VALUES (:'tenant', clinic.new_id(), 'recall', :'ann', clinic.now(), clinic.now(), 'email');
SELECT count(*) AS recalls_sent FROM clinic.claim_due_notifications() AS c WHERE c.payload ->> 'kind' = 'recall' OR c.topic = 'notification.recall';
SELECT status, status_reason FROM clinic_data.notifications WHERE tenant_id = :'tenant' AND kind = 'recall' AND channel IS DISTINCT FROM 'x' ORDER BY notification_id DESC LIMIT 1;
COMMIT;

-- One that was claimed and not sent is not tried again once the consent is withdrawn.
BEGIN;
SELECT clinic.use_tenant('consents');
SELECT clinic.give_consent(:'ann', 'marketing', :'text2', evidence => 'scan 12') IS NOT NULL AS given;
SELECT clinic_private.queue_notification('recall', :'ann', NULL, '{"service": "Checkup"}') IS NOT NULL AS planned;
SELECT c.topic, clinic.finish_message(c.message_id, 'provider down', 0) FROM clinic.claim_messages() AS c WHERE c.topic = 'notification.recall';
SELECT clinic.withdraw_consent(:'ann', 'marketing');
SELECT count(*) AS tried_again FROM clinic.claim_messages() AS c WHERE c.topic = 'notification.recall';
SELECT n.status, n.status_reason FROM clinic_data.notifications AS n WHERE n.tenant_id = :'tenant' AND n.kind = 'recall' ORDER BY n.notification_id DESC LIMIT 1;
ROLLBACK;

-- Expiring: told once, in time, and not when it was renewed or withdrawn.
SET SESSION AUTHORIZATION consents_ann;
SELECT clinic.give_consent(:'ann', 'newsletter', :'letter') AS ending \gset
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.warn() RETURNS bigint LANGUAGE sql AS
    $$ SELECT j.row_count FROM clinic.run_jobs('{consent_expiring}', ARRAY['c0a5e001-0000-7000-8000-000000000001'::uuid]) AS j WHERE j.outcome = 'ok' $$;
SET clinic.clock = '2026-05-21T14:59:59Z';
SELECT pg_temp.warn() AS too_early;
SET clinic.clock = '2026-05-21T15:00:00Z';
SELECT pg_temp.warn() AS in_time;
SELECT pg_temp.warn() AS once;
SELECT count(*), min(channel) AS channel FROM clinic_data.notifications WHERE tenant_id = :'tenant' AND kind = 'consent_expiring';
SET clinic.clock = '2026-05-22T12:00:00Z';
BEGIN;
SELECT clinic.use_tenant('consents');
SELECT c.payload ->> 'body' AS body FROM clinic.claim_due_notifications() AS c WHERE c.topic = 'notification.consent_expiring';
COMMIT;
SET SESSION AUTHORIZATION consents_ann;
SELECT clinic.give_consent(:'child', 'newsletter', :'letter') AS first_one \gset
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-08-19T12:00:00Z';
SET SESSION AUTHORIZATION consents_ann;
SELECT clinic.give_consent(:'child', 'newsletter', :'letter') AS renewed \gset
SELECT clinic.has_consent(:'ann', 'newsletter') AS expired, clinic.has_consent(:'child', 'newsletter') AS renewed;
RESET SESSION AUTHORIZATION;
SELECT pg_temp.warn() AS renewed_so_nothing;
SET SESSION AUTHORIZATION consents_ann;
SELECT clinic.withdraw_consent(:'child', 'newsletter');
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-11-10T12:00:00Z';
SELECT pg_temp.warn() AS withdrawn_so_nothing;

-- History is never rewritten, whoever tries.
UPDATE clinic_data.consents SET expires_at = NULL WHERE consent_id = :'ending';
DELETE FROM clinic_data.consent_withdrawals WHERE tenant_id = :'tenant';
UPDATE clinic_data.consent_texts SET body = 'Anything goes' WHERE text_id = :'text1';
SET session_replication_role = replica;
DELETE FROM clinic_data.consents WHERE consent_id = :'ending';
TRUNCATE clinic_data.disclosures;
RESET session_replication_role;
-- And each step is in the audit.
SELECT table_name, action, class, count(*) FROM clinic_data.audit_records
 WHERE tenant_id = :'tenant' AND table_name IN ('consent_purposes', 'consent_texts', 'consents', 'consent_withdrawals', 'disclosures') GROUP BY 1, 2, 3 ORDER BY 1, 2;
SELECT count(*) AS texts_or_descriptions_in_clear FROM clinic_data.audit_records WHERE tenant_id = :'tenant' AND (before::text || after::text) ~ 'write to me|Discharge';

SET client_min_messages = warning;
DROP OWNED BY consents_desk, consents_ann, consents_other;
DROP ROLE consents_desk, consents_ann, consents_other;
