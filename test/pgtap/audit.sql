-- The audit of changes: every table of patients is covered, nobody can change what was recorded, nothing of patients is in clear, and records
-- go when their time is over, are sealed and no hold keeps them; not before.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SELECT no_plan();

-- ---------------------------------------------------------------------------------------------------------------------
-- Coverage.

SELECT is_empty($$
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname ~ 'patient_id$' AND NOT a.attisdropped
     WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relname NOT IN (SELECT e.table_name FROM clinic_private.audit_exemptions() e)
       AND (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = 'clinic_private.audit_change()'::regprocedure AND t.tgenabled = 'A') <> 3
$$, 'each table with a patient is audited, or is in clinic_private.audit_exemptions() with the reason why not');
SELECT is_empty($$
    SELECT e.table_name FROM clinic_private.audit_exemptions() e
     WHERE to_regclass('clinic_data.' || e.table_name) IS NULL OR length(e.reason) < 10
        OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = to_regclass('clinic_data.' || e.table_name)
                                              AND t.tgfoid = 'clinic_private.audit_change()'::regprocedure)
$$, 'and each exemption is one');
SELECT is_empty($$
    SELECT t.tgrelid::regclass, convert_from(t.tgargs, 'UTF8') FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE t.tgfoid = 'clinic_private.audit_change()'::regprocedure AND split_part(encode(t.tgargs, 'escape'), '\000', 1) <> c.relname
$$, 'triggers are told the name of their table');
SELECT set_eq($$ SELECT u.name FROM unnest('{users,user_roles,roles,logins,api_keys,token_keys,credentials,tenants,locations,services,availability_rules,blocks,
        emergency_accesses,retention_classes,legal_holds,subscriptions}'::text[]) AS u (name) $$,
    $$ SELECT c.relname::text FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = 'zz_90_audit'
        WHERE c.relname = ANY ('{users,user_roles,roles,logins,api_keys,token_keys,credentials,tenants,locations,services,availability_rules,blocks,
        emergency_accesses,retention_classes,legal_holds,subscriptions}') $$, 'identity, permissions and configuration are audited');

-- ---------------------------------------------------------------------------------------------------------------------
-- A tenant, its people, and what they change.

CREATE ROLE audit_test_root LOGIN IN ROLE clinic_user;
CREATE ROLE audit_test_auditor LOGIN IN ROLE clinic_user;
CREATE ROLE audit_test_doctor LOGIN IN ROLE clinic_user;
CREATE ROLE audit_test_other LOGIN IN ROLE clinic_user;
CREATE ROLE audit_test_admin LOGIN IN ROLE clinic_admin;
SELECT clinic.create_tenant('audit-other', 'Other', tenant_id => 'a0d17002-0000-7000-8000-000000000001');
SELECT clinic.map_login('audit_test_other', 'staff', '{*}');
SELECT clinic.create_tenant('audit-one', 'One', tenant_id => 'a0d17001-0000-7000-8000-000000000001');
SELECT clinic.map_login('audit_test_root', 'staff', '{*}');
SELECT clinic.map_login('audit_test_auditor', 'staff', (SELECT r.permissions FROM clinic.roles r WHERE r.role = 'auditor'));
SELECT clinic.map_login('audit_test_doctor', 'staff', (SELECT r.permissions FROM clinic.roles r WHERE r.role = 'doctor'));
SELECT clinic.create_patient('Sentinela Quixote', 'SENTINEL-MRN-4711', '1931-07-13', patient_id => 'a0d17001-0090-7000-8000-000000000001');
SELECT clinic.create_patient('Other Person', patient_id => 'a0d17001-0090-7000-8000-000000000002');
SELECT clinic.update_patient('a0d17001-0090-7000-8000-000000000001', '{"name": "Sentinela Panza", "date_of_birth": "1932-07-14"}');
SELECT clinic.set_patient_contact('a0d17001-0090-7000-8000-000000000001', 'sms', '+15550107777');
SELECT clinic.create_user('staff', 'Sentinelo Dulcinea', user_id => 'a0d17001-0100-7000-8000-000000000001');
SELECT clinic.add_identifier('a0d17001-0100-7000-8000-000000000001', 'email', 'sentinel@example.org');
SELECT clinic.set_staff_profile('a0d17001-0100-7000-8000-000000000001', '{"registration_number": "SENTINEL-REG"}');

SELECT is((SELECT a.after - 'updated_at' FROM clinic_data.audit_records a
            WHERE a.table_name = 'patients' AND a.row_id = 'a0d17001-0090-7000-8000-000000000001' AND a.action = 'update'),
    '{"name": {"hidden": true}, "version": 2, "name_key": {"hidden": true}, "date_of_birth": {"hidden": true}}'::jsonb, 'a changed name and date of birth are recorded as changed');
SELECT is((SELECT count(*) FROM clinic_data.audit_records a
            WHERE a::text ~* 'sentinel|quixote|panza|dulcinea|1931-07-13|1932-07-14|5550107777|sentinel@example.org'), 0::bigint,
    'and neither they nor a number, a phone or an address are in the audit');
SELECT ok(count(*) > 20 AND bool_and(clinic_private.audit_leaf(a) = a.leaf_hash), 'every record is whole') FROM clinic_data.audit_records a;

-- ---------------------------------------------------------------------------------------------------------------------
-- Who reads it.

RESET clinic.context;
SET LOCAL SESSION AUTHORIZATION audit_test_auditor;
SELECT ok(count(*) > 5 AND bool_and(a.tenant_id = 'a0d17001-0000-7000-8000-000000000001'), 'the auditor reads the trail of the tenant') FROM clinic.audit_records a;
SELECT is_empty('SELECT p.patient_id FROM clinic.patients p', 'and no patient');
SELECT throws_ok('SELECT clinic.purge_audit(''access'')', '42501', NULL, 'and purges nothing');
SELECT throws_ok('SELECT clinic.place_legal_hold(NULL, ''A reason of its own'')', '42501', NULL, 'nor holds');
SELECT throws_ok('SELECT clinic.set_retention(''medical'', 12)', '42501', NULL, 'nor decides how long');
RESET SESSION AUTHORIZATION;
-- A class is what is shipped, or what the tenant has declared.
SAVEPOINT classes;
SELECT clinic.use_tenant('a0d17001-0000-7000-8000-000000000001') \g /dev/null
SELECT throws_ok('SELECT clinic.purge_audit(''laboratory'')', '22023', 'there is no such class of audit records', 'nothing is purged of a class that is none');
SELECT lives_ok('SELECT clinic.set_retention(''laboratory'', 120)', 'until it is declared');
SELECT is(clinic.purge_audit('laboratory'), 0::bigint, 'then it is one');
SELECT clinic.use_tenant('a0d17002-0000-7000-8000-000000000001') \g /dev/null
SELECT throws_ok('SELECT clinic.purge_audit(''laboratory'')', '22023', 'there is no such class of audit records', 'of that tenant alone');
ROLLBACK TO classes;
SET LOCAL SESSION AUTHORIZATION audit_test_doctor;
SELECT is_empty('SELECT a.audit_id FROM clinic.audit_records a', 'a doctor does not read it');
SELECT is_empty('SELECT r.class FROM clinic.retention_classes r', 'nor how long it is kept');
SET LOCAL SESSION AUTHORIZATION audit_test_other;
SELECT ok(count(*) > 0 AND bool_and(a.tenant_id = 'a0d17002-0000-7000-8000-000000000001'), 'another tenant reads its own') FROM clinic.audit_records a;
RESET SESSION AUTHORIZATION;

-- ---------------------------------------------------------------------------------------------------------------------
-- Attacks: no role, no way.

CREATE FUNCTION pg_temp.refused(who name, attack text, state text DEFAULT '42501') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', who);
    RETURN QUERY SELECT public.throws_ok(attack, state, NULL, format('%s: %s', who, attack));
    RESET SESSION AUTHORIZATION;
END
$$;
SELECT pg_temp.refused(r.who::name, a.attack)
  FROM unnest('{audit_test_root,audit_test_auditor,audit_test_admin}'::text[]) AS r (who)
 CROSS JOIN unnest(ARRAY[
    'UPDATE clinic_data.audit_records SET reason = ''x''', 'DELETE FROM clinic_data.audit_records', 'TRUNCATE clinic_data.audit_records',
    'INSERT INTO clinic_data.audit_records SELECT * FROM clinic_data.audit_records', 'DELETE FROM clinic_data.audit_records_default',
    'UPDATE clinic.audit_records SET reason = ''x''', 'DELETE FROM clinic.audit_records', 'DELETE FROM clinic.legal_holds',
    'DELETE FROM clinic_data.retention_classes',
    'ALTER TABLE clinic_data.audit_records DISABLE TRIGGER ALL', 'DROP TRIGGER "00_append_only" ON clinic_data.audit_records',
    'ALTER TABLE clinic_data.patients DISABLE TRIGGER zz_90_audit', 'DROP TABLE clinic_data.audit_records_default',
    'ALTER TABLE clinic_data.audit_records DETACH PARTITION clinic_data.audit_records_default',
    'ALTER TABLE clinic_data.audit_records NO FORCE ROW LEVEL SECURITY', 'SET session_replication_role = replica',
    'SELECT clinic_private.write_audit(''medical'', ''view'')', 'CALL clinic_private.open_append_only(''clinic_data.audit_records_default'', true)',
    'SELECT clinic_private.purge_class(NULL, ''medical'', 1)', 'DELETE FROM clinic_data.audit_purges', 'SET ROLE clinic_owner']) AS a (attack);
-- The owner and superusers meet the triggers, whatever session_replication_role says.
SET LOCAL ROLE clinic_owner;
SELECT throws_ok('TRUNCATE clinic_data.audit_records', '42501', 'TRUNCATE of audit_records is refused: the audit only grows', 'the owner empties nothing');
SELECT throws_ok('TRUNCATE clinic_data.audit_records_default', '42501', 'TRUNCATE of audit_records is refused: the audit only grows', 'nor a part of it');
SELECT lives_ok('DELETE FROM clinic_data.audit_records', 'to the owner row security shows no row to delete');
RESET ROLE;
SET LOCAL session_replication_role = replica;
SELECT throws_ok(a.attack, '42501', a.verb || ' of audit_records is refused: the audit only grows', 'a superuser: ' || a.attack)
  FROM (VALUES ('UPDATE', 'UPDATE clinic_data.audit_records SET reason = ''x'''), ('DELETE', 'DELETE FROM clinic_data.audit_records'),
               ('TRUNCATE', 'TRUNCATE clinic_data.audit_records CASCADE'), ('DELETE', 'DELETE FROM ONLY clinic_data.audit_records_default')) AS a (verb, attack);
SET LOCAL session_replication_role = origin;
SELECT is_empty($$ SELECT p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
                    WHERE c.relname ~ '^(audit_records|audit_purges|purged_audit_records)' AND p.polcmd NOT IN ('r', 'a') $$, 'no policy lets rows change or go');

-- ---------------------------------------------------------------------------------------------------------------------
-- Partitions: the job moves rows out of the default one, and what it makes refuses too.

SELECT count(*) AS before FROM clinic_data.audit_records \gset
SELECT is(r.outcome, 'ok', 'the job makes the months') FROM clinic.run_jobs('{partitions}') r;
SELECT is((SELECT count(*) FROM clinic_data.audit_records), :before::bigint, 'no record is lost');
SELECT is_empty('SELECT audit_id FROM clinic_data.audit_records_default', 'and none is left in the default partition');
SELECT is_empty($$ SELECT c.relname FROM pg_class c WHERE c.relname ~ '^audit_records' AND c.relkind IN ('r', 'p') AND c.relnamespace = 'clinic_data'::regnamespace
        AND (NOT c.relforcerowsecurity OR NOT c.relrowsecurity
             OR 2 <> (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'A' AND t.tgname ~ '^00_append_only')) $$,
    'every month refuses changes, and holds its owner to row security');
SELECT throws_ok(format('TRUNCATE clinic_data.%I', c.relname), '42501', NULL, 'a month is not emptied: ' || c.relname)
  FROM pg_class c WHERE c.relname ~ '^audit_records_2' AND c.relkind = 'r' ORDER BY c.relname LIMIT 1;

-- ---------------------------------------------------------------------------------------------------------------------
-- Retention. Records of long ago, as they would have been written then; one is of nobody, one of a patient, one of rows of a patient.

CREATE FUNCTION pg_temp.old(n integer, class text, months integer, patient uuid, rows uuid[] DEFAULT NULL, transaction text DEFAULT '1') RETURNS void LANGUAGE sql AS $$
    INSERT INTO clinic_data.audit_records
    SELECT (jsonb_populate_record(r, jsonb_build_object('leaf_hash', clinic_private.audit_leaf(r)))).*
      FROM (SELECT now() - make_interval(months => months) - interval '1 day' AS at) o
     CROSS JOIN LATERAL jsonb_populate_record(NULL::clinic_data.audit_records, jsonb_build_object(
               'tenant_id', 'a0d17001-0000-7000-8000-000000000001', 'audit_id', left(clinic.uuid_floor(o.at)::text, 24) || lpad(n::text, 12, '0'),
               'transaction_id', transaction, 'recorded_at', o.at, 'class', class, 'action', 'view', 'patient_id', patient, 'row_ids', rows, 'login', 'x',
               'salt', '\x00')) r
$$;
SELECT pg_temp.old(1, 'access', 13, NULL), pg_temp.old(2, 'access', 11, NULL), pg_temp.old(3, 'security', 71, NULL), pg_temp.old(4, 'security', 73, NULL),
       pg_temp.old(5, 'medical', 83, NULL), pg_temp.old(6, 'medical', 85, 'a0d17001-0090-7000-8000-000000000001'), pg_temp.old(7, 'odd', 80, NULL),
       pg_temp.old(8, 'access', 14, NULL, '{a0d17001-0090-7000-8000-000000000001}');
CREATE FUNCTION pg_temp.left_over() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(right(a.audit_id::text, 1), '' ORDER BY right(a.audit_id::text, 1)) FROM clinic_data.audit_records a
     WHERE a.tenant_id = 'a0d17001-0000-7000-8000-000000000001' AND a.login = 'x'
$$;
CREATE FUNCTION pg_temp.purge(class text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE done bigint;
BEGIN
    SET LOCAL SESSION AUTHORIZATION audit_test_root;
    done := clinic.purge_audit(class);
    RESET SESSION AUTHORIZATION;
    RETURN done;
END
$$;
SELECT is(pg_temp.purge('access'), 0::bigint, 'nothing goes before it is sealed');
\ir ../support/old_heads.sql
SELECT is(s.sealed, (SELECT count(*) FROM clinic_data.audit_records a WHERE a.tenant_id = s.tenant_id), 'all that there is is sealed')
  FROM clinic.seal_audit(tenant_ids => '{a0d17001-0000-7000-8000-000000000001}') s;
SELECT is(pg_temp.purge('access'), 0::bigint, 'nor before that is long ago');
SELECT pg_temp.age_log('a0d17001-0000-7000-8000-000000000001', '11 months 27 days');
SELECT is(pg_temp.purge('access'), 0::bigint, 'long enough');
SELECT pg_temp.age_log('a0d17001-0000-7000-8000-000000000001', '1 month');
-- One more, of a transaction that is not over: this one.
SELECT pg_temp.old(9, 'access', 15, 'a0d17001-0090-7000-8000-000000000002', transaction => pg_current_xact_id()::text);
SELECT is(s.sealed, 0::bigint, 'what is not over is not') FROM clinic.seal_audit(tenant_ids => '{a0d17001-0000-7000-8000-000000000001}') s;
CREATE TEMPORARY TABLE old_leaves AS SELECT right(a.audit_id::text, 1) AS n, a.leaf_hash FROM clinic_data.audit_records a WHERE a.login = 'x';
CREATE FUNCTION pg_temp.verdict() RETURNS text LANGUAGE plpgsql AS $$
DECLARE said text;
BEGIN
    SET LOCAL SESSION AUTHORIZATION audit_test_auditor;
    SELECT concat_ws(' ', CASE WHEN v.intact THEN 'intact' ELSE v.problem END, v.tree_size - v.records, v.purged) INTO said FROM clinic.verify_audit(max_lag => '10 years') v; -- record 9 is old, and waits
    RESET SESSION AUTHORIZATION;
    RETURN said;
END
$$;
SELECT is(pg_temp.verdict(), 'intact 0 0', 'and the log holds');
SET LOCAL clinic.clock = '2126-01-01 00:00Z';
SELECT is(pg_temp.purge('odd'), 0::bigint, 'a class of no period is kept as long as the longest, whatever clinic.clock says');
RESET clinic.clock;
SET LOCAL SESSION AUTHORIZATION audit_test_root;
SELECT clinic.place_legal_hold('a0d17001-0090-7000-8000-000000000001', 'A claim is pending') AS hold \gset
SELECT clinic.place_legal_hold(NULL, 'Everything, for the court') AS whole_hold \gset
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.purge('access') + pg_temp.purge('security'), 0::bigint, 'a hold on everything keeps everything');
SET LOCAL SESSION AUTHORIZATION audit_test_root;
SELECT clinic.release_legal_hold(:'whole_hold');
SELECT throws_ok(format('SELECT clinic.release_legal_hold(%L)', :'whole_hold'), 'CL001', NULL, 'a hold is released once');
SELECT throws_ok($$ SELECT clinic.place_legal_hold('a0d17001-0090-7000-8000-000000000009', 'A claim is pending') $$, 'CL001', NULL, 'of a patient there is');
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.purge('access'), 1::bigint, 'then what is old, sealed and of nobody held goes');
SELECT is(pg_temp.purge('security'), 0::bigint, 'but of each class only what was sealed as long as that class is kept');
SELECT pg_temp.age_log('a0d17001-0000-7000-8000-000000000001', '7 years');
SELECT is(pg_temp.purge('security'), 1::bigint, 'of each class');
SELECT is(pg_temp.purge('medical'), 0::bigint, 'but not what a hold on the patient keeps');
SELECT is(pg_temp.left_over(), '2356789', 'the rest stays');
SET LOCAL SESSION AUTHORIZATION audit_test_root;
SELECT clinic.release_legal_hold(:'hold');
SELECT clinic.set_retention('access', 240);
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.purge('medical'), 1::bigint, 'until it is released');
SELECT is(pg_temp.purge('access'), 0::bigint, 'what the tenant keeps longer stays');
SELECT is(pg_temp.left_over(), '235789', 'the rest stays still');
SELECT results_eq($$ SELECT right(r.audit_id::text, 1), p.class, p.record_count, p.leaves_digest = sha256(o.leaf_hash)
                       FROM clinic_data.purged_audit_records r JOIN clinic_data.audit_purges p USING (tenant_id, purge_id)
                       JOIN old_leaves o ON o.n = right(r.audit_id::text, 1)
                      WHERE r.tenant_id = 'a0d17001-0000-7000-8000-000000000001' ORDER BY 1 $$,
    $$ VALUES ('1', 'access', 1::bigint, true), ('4', 'security', 1, true), ('6', 'medical', 1, true) $$, 'what went is noted, with a digest of its leaves');
SELECT is((SELECT count(*) FROM clinic_data.audit_records a WHERE a.action = 'purge' AND a.tenant_id = 'a0d17001-0000-7000-8000-000000000001'), 3::bigint,
    'and each purge is a record itself');
SELECT is(pg_temp.verdict(), 'unsealed 3 3', 'they are told of, once the purges are sealed themselves');
SELECT audit_id AS purge_record FROM clinic_data.audit_records WHERE action = 'purge' AND tenant_id = 'a0d17001-0000-7000-8000-000000000001' LIMIT 1 \gset
SELECT audit_id AS no_purge FROM clinic_data.audit_records WHERE class = 'retention' AND action <> 'purge' AND tenant_id = 'a0d17001-0000-7000-8000-000000000001' LIMIT 1 \gset
SET LOCAL SESSION AUTHORIZATION audit_test_auditor;
SELECT throws_ok(format('SELECT clinic.audit_purge_proof(%L)', :'purge_record'), 'CL024', NULL, 'nor is there a proof of it before');
SELECT throws_ok(format('SELECT clinic.audit_purge_proof(%L)', :'no_purge'), 'CL001', NULL, 'nor of what is no purge');
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.purge('retention'), 0::bigint, 'of the records of purges and periods none goes');
SELECT is(count(*), 4::bigint, 'they have a class of their own') FROM clinic_data.audit_records a
 WHERE a.tenant_id = 'a0d17001-0000-7000-8000-000000000001' AND a.class = 'retention' AND (a.action = 'purge' OR a.table_name = 'retention_classes');
SET LOCAL SESSION AUTHORIZATION audit_test_root;
SELECT throws_ok('SELECT clinic.set_retention(''retention'', 12)', '22023', 'records of class retention are kept for ever', 'whose period nobody sets');
RESET SESSION AUTHORIZATION;
SELECT throws_ok('DELETE FROM clinic_data.audit_records', '42501', NULL, 'the refusal stands again');
SELECT is_empty($$ SELECT c.relname FROM pg_class c WHERE c.relname ~ '^audit_records' AND c.relkind = 'r' AND NOT c.relforcerowsecurity $$,
    'and so does row security');
SELECT is(r.outcome, 'ok', 'the job runs: ' || coalesce(r.error_message, '')) FROM clinic.run_jobs('{purge_audit}') r;

-- ---------------------------------------------------------------------------------------------------------------------
-- What clinic.lint() finds.

CREATE FUNCTION pg_temp.cycle(unsafe text, wanted_rule text, wanted_object text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    fixes text[];
BEGIN
    RETURN NEXT public.ok(NOT EXISTS (SELECT FROM clinic.lint() l WHERE l.rule = wanted_rule AND l.object = wanted_object), 'not before: ' || unsafe);
    EXECUTE unsafe;
    fixes := ARRAY(SELECT l.fix FROM clinic.lint() l WHERE l.rule = wanted_rule AND l.object = wanted_object);
    RETURN NEXT public.is(cardinality(fixes), 1, format('%s after: %s', wanted_rule, unsafe));
    EXECUTE fixes[1];
    RETURN NEXT public.ok(NOT EXISTS (SELECT FROM clinic.lint() l WHERE l.rule = wanted_rule AND l.object = wanted_object), 'gone after: ' || fixes[1]);
END
$$;
CREATE SCHEMA audit_test;
SELECT pg_temp.cycle('CREATE TABLE audit_test.notes (tenant_id uuid NOT NULL, note_id uuid, patient_id uuid, PRIMARY KEY (tenant_id, note_id))', 'not_audited', 'audit_test.notes');
SELECT is((SELECT split_part(encode(t.tgargs, 'escape'), '\000', 3) FROM pg_trigger t WHERE t.tgrelid = 'audit_test.notes'::regclass AND t.tgname = 'zz_90_audit'),
          'patient_id', 'the mended table names its patients in the audit');
SELECT l.fix AS fix FROM clinic.lint() l WHERE l.rule = 'reads_not_audited' AND l.object = 'audit_test.notes' \gset
:fix
SELECT is((SELECT split_part(encode(t.tgargs, 'escape'), '\000', 3) FROM pg_trigger t WHERE t.tgrelid = 'audit_test.notes'::regclass AND t.tgname = 'zz_93_audit_reads'),
          'patient_id', 'and so it does once its reads are recorded');
SELECT is_empty($$ SELECT l.fix FROM clinic.lint() l WHERE l.object = 'audit_test.notes' AND l.rule ~ 'audit' $$, 'which is all that there was to mend');
-- Of two columns that refer to patients, whose row it is, is patient_id.
SELECT pg_temp.cycle('CREATE TABLE audit_test.referrals (tenant_id uuid NOT NULL, referral_id uuid PRIMARY KEY, by_patient_id uuid, patient_id uuid,
    FOREIGN KEY (tenant_id, by_patient_id) REFERENCES clinic_data.patients, FOREIGN KEY (tenant_id, patient_id) REFERENCES clinic_data.patients)', 'not_audited', 'audit_test.referrals');
SELECT is((SELECT split_part(encode(t.tgargs, 'escape'), '\000', 3) FROM pg_trigger t WHERE t.tgrelid = 'audit_test.referrals'::regclass AND t.tgname = 'zz_90_audit'), 'patient_id');
SELECT pg_temp.cycle('ALTER TABLE audit_test.notes DISABLE TRIGGER zz_90_audit', 'audit_disabled', 'audit_test.notes.zz_90_audit');
SELECT pg_temp.cycle('ALTER TABLE audit_test.notes ENABLE TRIGGER zz_90_audit', 'audit_disabled', 'audit_test.notes.zz_90_audit');
SELECT pg_temp.cycle('ALTER TABLE clinic_data.patients DISABLE TRIGGER zz_90_audit', 'trigger_disabled', 'clinic_data.patients.zz_90_audit');
SELECT pg_temp.cycle('ALTER TABLE clinic_data.patients ENABLE TRIGGER zz_90_audit', 'trigger_disabled', 'clinic_data.patients.zz_90_audit');
SELECT pg_temp.cycle('DROP TRIGGER zz_90_audit ON clinic_data.patients', 'not_audited', 'clinic_data.patients');
SELECT pg_temp.cycle('DROP TRIGGER "00_append_only_truncate" ON clinic_data.audit_records_default', 'audit_not_append_only', 'clinic_data.audit_records_default');
SELECT pg_temp.cycle('ALTER TABLE clinic_data.audit_records DISABLE TRIGGER "00_append_only"', 'trigger_disabled', 'clinic_data.audit_records."00_append_only"');
SELECT pg_temp.cycle('ALTER ROLE audit_test_root SET session_replication_role = replica', 'triggers_passed_over', 'audit_test_root');

SELECT * FROM finish();
ROLLBACK;
