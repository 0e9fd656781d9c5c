-- Access reviews: what auditors find in the trail, and that they are shown no name. Records of reads are written as the recorder of reads does.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE reviews_auditor LOGIN IN ROLE clinic_user;
CREATE ROLE reviews_other LOGIN IN ROLE clinic_user;
CREATE ROLE reviews_desk LOGIN IN ROLE clinic_user;
CREATE ROLE reviews_ann LOGIN IN ROLE clinic_user;
CREATE ROLE reviews_moss LOGIN IN ROLE clinic_user;
CREATE ROLE reviews_nurse LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set tenant '4e71e001-0000-7000-8000-000000000001'
\set berlin '4e71e001-0010-7000-8000-000000000001'
\set doctor '4e71e001-0020-7000-8000-000000000001'
\set moss '4e71e001-0100-7000-8000-000000000001'
\set nurse '4e71e001-0100-7000-8000-000000000002'
\set ann '4e71e001-0090-7000-8000-000000000001'
\set ben '4e71e001-0090-7000-8000-000000000002'
\set self '4e71e001-0090-7000-8000-000000000003'
\set nobody '4e71e001-0090-7000-8000-0000000000ff'
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant('reviews-other', 'Other', tenant_id => '4e71e002-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('reviews_other', 'staff', '{audit:read}') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant('reviews', 'River Clinic', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_location('Berlin', 'Europe/Berlin', location_id => :'berlin'), clinic.create_provider('Dr. Moss', 'Europe/Berlin', provider_id => :'doctor') \g /dev/null
-- One branch is always open, the other never.
SELECT clinic.create_location('Pune', 'Asia/Kolkata', location_id => '4e71e001-0010-7000-8000-000000000002') \g /dev/null
SELECT clinic.add_hours(:'doctor', :'berlin', 'FREQ=DAILY', '00:00', '24:00', (now() - interval '3 days')::date, rule_id => '4e71e001-0030-7000-8000-000000000001') \g /dev/null
SELECT clinic.create_patient('Ann Lee', patient_id => :'ann'), clinic.create_patient('Ben MOSS', patient_id => :'ben'), clinic.create_patient('Moss, Eva', patient_id => '4e71e001-0090-7000-8000-000000000004'),
       clinic.create_patient('Nora Quist', patient_id => :'self') \g /dev/null
SELECT clinic.create_patient('Patient ' || n || ' X' || n, patient_id => ('4e71e001-0091-7000-8000-' || lpad(n::text, 12, '0'))::uuid) FROM generate_series(1, 40) AS n \g /dev/null
SELECT clinic.create_user('staff', 'Dr. Adam Moss', user_id => :'moss', location_ids => ARRAY[:'berlin'::uuid]), clinic.create_user('staff', 'Nora  Quist', user_id => :'nurse', location_ids => '{4e71e001-0010-7000-8000-000000000002}') \g /dev/null
SELECT clinic.map_login('reviews_moss', 'staff', '{patients:read,emergency:use}', user_id => :'moss'), clinic.map_login('reviews_nurse', 'staff', '{patients:read,emergency:use}', user_id => :'nurse') \g /dev/null
SELECT clinic.map_login('reviews_auditor', 'staff', (SELECT r.permissions FROM clinic.roles AS r WHERE r.role = 'auditor')), clinic.map_login('reviews_ann', 'patient', patient_id => :'ann'),
       clinic.map_login('reviews_desk', 'staff', (SELECT r.permissions FROM clinic.roles AS r WHERE r.role = 'receptionist')) \g /dev/null
COMMIT;
RESET ROLE;
SELECT clock_timestamp() AS began \gset


CREATE FUNCTION public.reviews_note(action text, table_name text, patient_id uuid DEFAULT NULL, row_ids uuid[] DEFAULT NULL, after jsonb DEFAULT NULL, class text DEFAULT 'access')
    RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ SELECT clinic_private.write_audit(class, action, table_name, NULL, patient_id, row_ids => row_ids, after => after) $$;
SET SESSION AUTHORIZATION reviews_moss;
SELECT reviews_note('view', 'patients', row_ids => ARRAY(SELECT ('4e71e001-0091-7000-8000-' || lpad(n::text, 12, '0'))::uuid FROM generate_series(1, 20) AS n));
SELECT reviews_note('export', 'appointments', row_ids => '{4e71e001-0099-7000-8000-000000000001}',
    after => jsonb_build_object('patient_ids', ARRAY(SELECT ('4e71e001-0091-7000-8000-' || lpad(n::text, 12, '0'))::uuid FROM generate_series(16, 35) AS n) || :'ann'::uuid));
SELECT reviews_note('view', 'patients', :'ben', ARRAY[:'ben'::uuid]), reviews_note('view', 'patients', '4e71e001-0090-7000-8000-000000000004'),
       reviews_note('denied', 'patients', :'self', class => 'security');
SELECT clinic.break_glass(:'ann', 'Unconscious in the waiting room') AS glass \gset
SELECT reviews_note('view', 'patients', :'ann'), reviews_note('print', 'appointments', :'ann');
SET SESSION AUTHORIZATION reviews_nurse;
SELECT reviews_note('view', 'patients', :'self'), reviews_note('view', 'patients', :'ann');
RESET SESSION AUTHORIZATION;
SELECT clock_timestamp() + interval '1 second' AS ended \gset

-- The auditor: who saw Ann, also among others and under broken glass; nothing of patients otherwise.
SET SESSION AUTHORIZATION reviews_auditor;
SELECT count(*) AS patients FROM clinic.patients;
SELECT r.action, r.table_name, r.user_id = :'moss' AS by_moss, r.emergency_access_id = :'glass' AS under_glass, r.login FROM clinic.patient_access_report(:'ann', :'began', :'ended') AS r;
SELECT count(*) AS earlier FROM clinic.patient_access_report(:'ann', :'began'::timestamptz - interval '1 day', :'began') AS r WHERE r.action = 'view';
SELECT count(*) AS nobody FROM clinic.patient_access_report(:'nobody', :'began', :'ended');
SELECT r.action, r.table_name, r.records, r.patients FROM clinic.user_activity_report(:'moss', :'began', :'ended') AS r;
SELECT r.patient_id = :'ann' AS ann, r.user_id = :'moss' AS by_moss, r.saw, r.changed, r.actions, r.tables, r.records FROM clinic.breach_report(:'began', :'ended', patient_ids => ARRAY[:'ann', :'self']::uuid[]) AS r;
SELECT count(*) AS patients_of_moss, bool_and(r.user_id = :'moss') AS by_moss FROM clinic.breach_report(:'began', :'ended', ARRAY[:'moss'::uuid]) AS r;
SELECT r.access_id = :'glass' AS glass, r.patient_id = :'ann' AS ann, r.reviewed_at, r.records, r.actions, r.tables FROM clinic.emergency_access_report(:'began', :'ended') AS r;
SELECT r.kind, CASE r.user_id WHEN :'moss' THEN 'moss' WHEN :'nurse' THEN 'nurse' END AS who, r.patient_id, r.records, r.patients, r.access_id = :'glass' AS glass
FROM clinic.unusual_accesses(:'began', :'ended') AS r;
-- The bound counts: 38 different patients and not one more.
SELECT r.kind, r.patients FROM clinic.unusual_accesses(:'began', :'ended', many_patients => 38) AS r WHERE r.kind = 'many_patients';
SELECT r.kind, r.patients FROM clinic.unusual_accesses(:'began', :'ended', many_patients => 39) AS r WHERE r.kind = 'many_patients';
SELECT count(*) AS names_shown FROM clinic.unusual_accesses(:'began', :'ended') AS r WHERE r::text ~* 'moss|quist|lee|patient ';
SELECT count(*) AS before FROM clinic.unusual_accesses(:'began'::timestamptz - interval '2 days', :'began'::timestamptz - interval '1 day');
SELECT clinic.unusual_accesses(:'ended', :'began');
SELECT clinic.unusual_accesses(:'began', :'ended', many_patients => 1);
SELECT clinic.breach_report('-infinity', 'infinity');
SELECT clinic.review_emergency_access(:'glass', 'Justified.');
RESET SESSION AUTHORIZATION;
-- Reviewed by somebody else, it is listed no more.
BEGIN;
SELECT clinic.use_tenant('reviews');
SELECT clinic.review_emergency_access(:'glass', 'Justified.');
COMMIT;
SET SESSION AUTHORIZATION reviews_auditor;
SELECT r.kind FROM clinic.unusual_accesses(:'began', :'ended') AS r WHERE r.kind = 'unreviewed_emergency';
SELECT r.review_note, r.records FROM clinic.emergency_access_report(:'began', :'ended') AS r;
-- The context of the system that the comparison needs has ended with it.
SELECT count(*) AS patients, clinic.current_user_id() AS nobody FROM clinic.patients;

-- Nobody else.
SET SESSION AUTHORIZATION reviews_desk;
SELECT clinic.patient_access_report(:'ann', :'began', :'ended');
SELECT clinic.user_activity_report(:'moss', :'began', :'ended');
SELECT clinic.breach_report(:'began', :'ended');
SELECT clinic.emergency_access_report(:'began', :'ended');
SELECT clinic.unusual_accesses(:'began', :'ended');
SET SESSION AUTHORIZATION reviews_ann;
SELECT clinic.patient_access_report(:'ann', :'began', :'ended');
-- Another tenant's auditor finds nothing of this one.
SET SESSION AUTHORIZATION reviews_other;
SELECT (SELECT count(*) FROM clinic.patient_access_report(:'ann', :'began', :'ended')) AS accesses, (SELECT count(*) FROM clinic.user_activity_report(:'moss', :'began', :'ended')) AS activity,
       (SELECT count(*) FROM clinic.breach_report(:'began', :'ended', ARRAY[:'moss'::uuid])) AS breach, (SELECT count(*) FROM clinic.emergency_access_report(:'began', :'ended')) AS emergencies,
       (SELECT count(*) FROM clinic.unusual_accesses(:'began', :'ended')) AS unusual;
RESET SESSION AUTHORIZATION;

SET client_min_messages = warning;
DROP FUNCTION public.reviews_note;
DROP OWNED BY reviews_auditor, reviews_other, reviews_desk, reviews_ann, reviews_moss, reviews_nurse;
DROP ROLE reviews_auditor, reviews_other, reviews_desk, reviews_ann, reviews_moss, reviews_nurse;
