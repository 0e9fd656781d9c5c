-- Merging two records and taking it back: every reference moves, encrypted fields under the other's key; conflicts before anything moves.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE merge_boss LOGIN IN ROLE clinic_user;
CREATE ROLE merge_desk LOGIN IN ROLE clinic_user;
CREATE ROLE merge_other LOGIN IN ROLE clinic_user;
CREATE ROLE merge_self LOGIN IN ROLE clinic_user;
SET timezone = 'UTC';
SET clinic.clock = '2026-03-02T03:30:00Z';
\set SHOW_CONTEXT never
\set tenant '5e700a73-0000-7000-8000-000000000001'
\set place '5e700a73-0010-7000-8000-000000000001'
\set ann '5e700a73-0020-7000-8000-000000000001'
\set bob '5e700a73-0020-7000-8000-000000000002'
\set visit '5e700a73-0040-7000-8000-000000000001'

\getenv abs_srcdir PG_ABS_SRCDIR
\set attempt :abs_srcdir '/support/attempt.sql'
\set ECHO none
\i :attempt
\set ECHO all
CREATE FUNCTION pg_temp.id(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT format('5e700a73-0090-7000-8000-%s', lpad(n::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.no(id uuid) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT right(id::text, 12)::integer $$;
-- How many rows of each table are whose.
CREATE FUNCTION pg_temp.rows_of(n integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    part record;
    number bigint;
    result jsonb := '{}';
BEGIN
    FOR part IN SELECT r.table_name, r.column_name FROM clinic_private.patient_references() AS r WHERE r.handling <> 'stay' ORDER BY 1, 2 LOOP
        EXECUTE format('SELECT count(*) FROM clinic_data.%I AS t WHERE t.%I = $1', part.table_name, part.column_name) INTO number USING pg_temp.id(n);
        IF number > 0 THEN
            result := result || jsonb_build_object(part.table_name || CASE part.column_name WHEN 'patient_id' THEN '' ELSE '.' || part.column_name END, number);
        END IF;
    END LOOP;
    SELECT count(*) INTO number FROM clinic_data.claims AS c WHERE c.resource_id = pg_temp.id(n);
    RETURN result || CASE WHEN number > 0 THEN jsonb_build_object('claims', number) ELSE '{}' END;
END
$$;

-- The list of references is whole: every foreign key on patients, and every column named after one.
SELECT r.table_name, r.column_name, 'not there' AS wrong FROM clinic_private.patient_references() AS r
WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = to_regclass('clinic_data.' || r.table_name) AND a.attname = r.column_name AND NOT a.attisdropped)
UNION ALL
SELECT c.relname, a.attname, 'not handled' FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND (a.attname ~ 'patient_id$' OR EXISTS (
      SELECT FROM pg_constraint AS k WHERE k.contype = 'f' AND k.conrelid = c.oid AND k.confrelid = 'clinic_data.patients'::regclass
         AND k.conkey[array_position(k.confkey, (SELECT p.attnum FROM pg_attribute AS p WHERE p.attrelid = k.confrelid AND p.attname = 'patient_id'))] = a.attnum))
  AND NOT (c.relname = 'patients' AND a.attname = 'patient_id')
  AND NOT EXISTS (SELECT FROM clinic_private.patient_references() AS r WHERE r.table_name = c.relname AND r.column_name = a.attname);

BEGIN;
SELECT clinic.create_tenant(slug => 'merge-other', name => 'Other', tenant_id => '5e700a73-0000-7000-8000-000000000002') \g /dev/null
SELECT clinic.map_login('merge_other', 'admin', '{*}') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'merge-test', name => 'Merge', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_location('Mumbai', 'Asia/Kolkata', country => 'IN', location_id => :'place'), clinic.create_provider('Ann', 'Asia/Kolkata', provider_id => :'ann'),
       clinic.create_provider('Bob', 'Asia/Kolkata', provider_id => :'bob'), clinic.create_service('Visit', 30, service_id => :'visit') \g /dev/null
SELECT clinic.offer_service(:'visit', p), clinic.add_hours(p, :'place', 'FREQ=DAILY', '09:00', '17:00', valid_from => '2026-03-01')
FROM unnest(ARRAY[:'ann', :'bob']::uuid[]) AS p \g /dev/null
SELECT clinic.create_patient(p.name, NULL, p.born, p.sex, patient_id => pg_temp.id(p.n), details => coalesce(p.details, '{}')::jsonb)
FROM (VALUES
    (1, 'Asha Rao', NULL::date, NULL, '{"blood_group": "O+", "contacts": [{"channel": "sms", "destination": "9820011111"}], "allergies": [{"allergen": "Latex", "severity": "mild"}]}'),
    (2, 'Asha R.', '1984-05-01', 'female', '{"blood_group": "A+", "address": {"line1": "7 Marine Drive"}, "preferred_name": "Asha", "language": "hi-IN",
        "contacts": [{"channel": "sms", "destination": "9820011111"}, {"channel": "email", "destination": "asha@example.org"}],
        "allergies": [{"allergen": "Penicillin", "severity": "severe"}], "identifiers": [{"system": "national:passport", "value": "Z1"}]}'),
    (3, 'Child', '2015-01-01', NULL, NULL), (4, 'Mother', NULL, NULL, NULL), (5, 'Else', NULL, NULL, NULL)) AS p (n, name, born, sex, details) \g /dev/null
SELECT clinic.set_patient_contact(pg_temp.id(2), 'sms', '9820011111', opted_out => true) IS NOT NULL AS opted_out;
SELECT clinic.add_dependant(pg_temp.id(2), pg_temp.id(3), 'mother'), clinic.add_dependant(pg_temp.id(4), pg_temp.id(2), 'mother'), clinic.add_dependant(pg_temp.id(1), pg_temp.id(2), 'self') \g /dev/null
SELECT b.status FROM clinic.book_appointment(:'visit', pg_temp.id(2), '2026-03-03 09:00+05:30', :'ann') AS b;
SELECT b.status FROM clinic.book_appointment(:'visit', pg_temp.id(2), '2026-03-04 09:00+05:30', :'ann') AS b;
SELECT b.status FROM clinic.book_appointment(:'visit', pg_temp.id(1), '2026-03-03 09:00+05:30', :'bob') AS b;
SELECT clinic.join_waitlist(:'visit', pg_temp.id(2), until_on => '2026-03-20') IS NOT NULL AS waits;
SELECT clinic.join_waitlist(:'visit', pg_temp.id(1), from_on => '2026-03-20', until_on => '2026-03-30') IS NOT NULL AS waits;
SELECT clinic.place_legal_hold(pg_temp.id(2), 'A court has asked for it') IS NOT NULL AS held;
SELECT clinic.set_reminder_plan('[{"before_minutes": 30}]', patient_id => pg_temp.id(2)) IS NOT NULL AS plan;
SET client_min_messages = error;
SELECT clinic.map_login('merge_boss', 'admin', '{patients:*,appointments:*}'), clinic.map_login('merge_desk', 'admin', '{patients:read,patients:write}'),
       clinic.map_login('merge_self', 'patient', '{}', patient_id => pg_temp.id(2)) \g /dev/null
RESET client_min_messages;
COMMIT;
SELECT jsonb_pretty(pg_temp.rows_of(2)) AS duplicate;
SELECT jsonb_pretty(pg_temp.rows_of(1)) AS master;

-- Who may, and of what.
SET SESSION AUTHORIZATION merge_desk;
SELECT e.state, e.message FROM pg_temp.attempt('SELECT clinic.merge_patients(pg_temp.id(1), pg_temp.id(2), ''same'')') AS e;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION merge_self;
SELECT e.state, e.message FROM pg_temp.attempt('SELECT clinic.merge_patients(pg_temp.id(1), pg_temp.id(2), ''same'')') AS e;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION merge_other;
SELECT e.state, e.message FROM pg_temp.attempt('SELECT clinic.merge_patients(pg_temp.id(1), pg_temp.id(2), ''same'')') AS e;
SELECT e.state, e.message FROM pg_temp.attempt('SELECT * FROM clinic.merge_conflicts(pg_temp.id(1), pg_temp.id(2))') AS e;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION merge_boss;
SELECT e.state, e.argument, e.message FROM unnest(ARRAY['pg_temp.id(1), pg_temp.id(1), ''x''', 'pg_temp.id(1), pg_temp.id(99), ''x''', 'pg_temp.id(1), pg_temp.id(2), '' ''',
    'pg_temp.id(1), NULL, ''x''']) AS a (arguments), pg_temp.attempt(format('SELECT clinic.merge_patients(%s)', a.arguments)) AS e;

-- Conflicts are told before anything moves.
SELECT c.kind, c.master_row IS NOT NULL AS master_row, c.duplicate_row IS NOT NULL AS duplicate_row FROM clinic.merge_conflicts(pg_temp.id(1), pg_temp.id(2)) AS c;
SELECT e.state, e.message, jsonb_array_length(e.detail::jsonb -> 'conflicts') AS conflicts FROM pg_temp.attempt('SELECT clinic.merge_patients(pg_temp.id(1), pg_temp.id(2), ''same'')') AS e;
SELECT b.status FROM clinic.appointments AS a, clinic.cancel_appointment(a.appointment_id) AS b WHERE a.patient_id = pg_temp.id(1) AND a.status = 'booked';
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT clinic.use_tenant('merge-test') \g /dev/null
SELECT clinic.leave_waitlist(e.entry_id) FROM clinic.waitlist_entries AS e WHERE e.patient_id = pg_temp.id(1) \g /dev/null
COMMIT;
CREATE TEMPORARY TABLE before AS SELECT n, pg_temp.rows_of(n) AS rows FROM generate_series(1, 5) AS n;

SET SESSION AUTHORIZATION merge_boss;
SELECT count(*) FROM clinic.merge_conflicts(pg_temp.id(1), pg_temp.id(2)) AS c;
SELECT clinic.merge_patients(pg_temp.id(1), pg_temp.id(2), 'Same person, registered twice') AS merged \gset
SELECT jsonb_pretty(:'merged'::jsonb - 'merge_id');
SELECT p.mrn, p.status, pg_temp.no(p.merged_into_id) AS merged_into, p.sex, p.date_of_birth FROM clinic.patients AS p WHERE p.patient_id IN (pg_temp.id(1), pg_temp.id(2)) ORDER BY p.patient_id;
-- What was encrypted reads under the master's key; the duplicate's id leads to it.
SELECT p.of -> 'name' AS name, p.of -> 'details' AS details, p.of -> 'preferred_name' AS preferred, p.of -> 'language' AS language, jsonb_array_length(p.of -> 'replaces') AS replaces,
       (SELECT jsonb_agg(a.item ->> 'allergen' ORDER BY a.item ->> 'allergen') FROM jsonb_array_elements(p.of -> 'allergies') AS a (item)) AS allergies,
       (SELECT jsonb_agg(c.item ->> 'destination' ORDER BY c.item ->> 'destination') FROM jsonb_array_elements(p.of -> 'contacts') AS c (item)) AS contacts,
       p.of -> 'identifiers' -> 0 -> 'value' AS passport
FROM clinic.patient_profile(pg_temp.id(2)) AS p (of);
SELECT pg_temp.no((clinic.get_patient(pg_temp.id(2)) ->> 'patient_id')::uuid) AS read_as;
SELECT pg_temp.no(s.patient_id) AS found FROM clinic.search_patients(identifier_system => 'national:passport', identifier => 'Z1') AS s;
SELECT pg_temp.no(s.patient_id) AS found, s.status FROM clinic.search_patients('Asha') AS s;
-- The duplicate is no longer what one works with.
SELECT e.state, e.message FROM unnest(ARRAY['clinic.update_patient(pg_temp.id(2), ''{"sex": "male"}'')', 'clinic.set_patient_contact(pg_temp.id(2), ''sms'', ''9820099999'')',
    'clinic.set_patient_details(pg_temp.id(2), ''{"blood_group": "B+"}'')', 'clinic.delete_patient(pg_temp.id(2))', 'clinic.merge_patients(pg_temp.id(5), pg_temp.id(2), ''x'')',
    'clinic.merge_patients(pg_temp.id(2), pg_temp.id(5), ''x'')']) AS a (call), pg_temp.attempt('SELECT ' || a.call) AS e;
SELECT e.state, e.message FROM pg_temp.attempt(format('SELECT clinic.book_appointment(%L, pg_temp.id(2), ''2026-03-05 09:00+05:30'', %L)', :'visit', :'ann')) AS e;
RESET SESSION AUTHORIZATION;
SELECT pg_temp.rows_of(2) AS left_behind;
SELECT jsonb_pretty(pg_temp.rows_of(1)) AS master;
SELECT c.opted_out_at IS NOT NULL AS still_opted_out FROM clinic_data.patient_contacts AS c WHERE c.patient_id = pg_temp.id(1) AND c.channel = 'sms';
SELECT pg_temp.no(d.guardian_patient_id) AS guardian, pg_temp.no(d.patient_id) AS dependant FROM clinic_data.dependants AS d WHERE d.tenant_id = :'tenant' ORDER BY 1, 2;
-- The login of the patient is now of the master, and sees no more than that.
SET SESSION AUTHORIZATION merge_self;
SELECT pg_temp.no(p.patient_id) AS sees, p.name FROM clinic.patients AS p ORDER BY 1;
RESET SESSION AUTHORIZATION;
-- The time is the master's: nothing else is booked over it.
SET SESSION AUTHORIZATION merge_boss;
SELECT e.state FROM pg_temp.attempt(format('SELECT clinic.book_appointment(%L, pg_temp.id(1), ''2026-03-03 09:00+05:30'', %L)', :'visit', :'bob')) AS e;
RESET SESSION AUTHORIZATION;
SELECT a.action, a.reason, pg_temp.no(a.patient_id) AS patient, a.after - 'merge_id' AS after FROM clinic_data.audit_records AS a WHERE a.tenant_id = :'tenant' AND a.action ~ 'merge';
SELECT count(*) FROM clinic_data.patient_merges AS m WHERE m::text ~* 'asha|marine|98200|penic';
BEGIN;
SELECT clinic.use_tenant('merge-test') \g /dev/null
SELECT count(*) FROM clinic.check_integrity() AS c;
COMMIT;

-- Undone, everything is as it was.
SELECT :'merged'::jsonb ->> 'merge_id' AS merge \gset
SET SESSION AUTHORIZATION merge_desk;
SELECT e.state, e.message FROM pg_temp.attempt(format('SELECT clinic.unmerge_patients(%L, ''x'')', :'merge')) AS e;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION merge_other;
SELECT e.state, e.message = format('merge "%s" does not exist', :'merge') AS same_as_any FROM pg_temp.attempt(format('SELECT clinic.unmerge_patients(%L, ''x'')', :'merge')) AS e;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION merge_boss;
BEGIN;
-- Not after a change, which is named.
SELECT clinic.set_patient_condition(pg_temp.id(1), '{"name": "Asthma"}') IS NOT NULL AS added;
SELECT clinic.update_patient(pg_temp.id(1), '{"name": "Asha Rao-Iyer"}') > 0 AS changed;
SELECT b.status FROM clinic.appointments AS a, clinic.cancel_appointment(a.appointment_id) AS b WHERE a.patient_id = pg_temp.id(1) AND a.starts_at = '2026-03-04 09:00+05:30';
SELECT e.state, e.message, c.change - 'row' AS change
FROM pg_temp.attempt(format('SELECT clinic.unmerge_patients(%L, ''x'')', :'merge')) AS e, jsonb_array_elements(e.detail::jsonb -> 'changes') AS c (change) ORDER BY 3;
ROLLBACK;
SELECT clinic.unmerge_patients(:'merge', 'Two people after all') - 'merge_id' AS undone;
SELECT p.status, p.merged_into_id, p.sex, p.date_of_birth, p.preferred_name FROM clinic.patients AS p WHERE p.patient_id IN (pg_temp.id(1), pg_temp.id(2)) ORDER BY p.patient_id;
SELECT p.of -> 'name' AS name, p.of -> 'details' AS details, p.of -> 'language' AS language, jsonb_array_length(p.of -> 'replaces') AS replaces,
       (SELECT jsonb_agg(a.item ->> 'allergen' ORDER BY a.item ->> 'allergen') FROM jsonb_array_elements(p.of -> 'allergies') AS a (item)) AS allergies,
       (SELECT jsonb_agg(c.item ->> 'destination' ORDER BY c.item ->> 'destination') FROM jsonb_array_elements(p.of -> 'contacts') AS c (item)) AS contacts,
       p.of -> 'identifiers' -> 0 -> 'value' AS passport
FROM unnest('{1,2}'::integer[]) AS n, clinic.patient_profile(pg_temp.id(n)) AS p (of) ORDER BY n;
SELECT e.state, e.message = format('merge "%s" was undone already', :'merge') AS once FROM pg_temp.attempt(format('SELECT clinic.unmerge_patients(%L, ''x'')', :'merge')) AS e;
RESET SESSION AUTHORIZATION;
-- But for what is kept on purpose: an empty row of details or preferences, the released hold.
SELECT b.n, pg_temp.rows_of(b.n) AS after, b.rows AS before FROM before AS b WHERE pg_temp.rows_of(b.n) <> b.rows ORDER BY b.n;
SELECT h.released_at IS NOT NULL AS released FROM clinic_data.legal_holds AS h WHERE h.patient_id = pg_temp.id(1);
BEGIN;
SELECT clinic.use_tenant('merge-test') \g /dev/null
SELECT count(*) FROM clinic.check_integrity() AS c;
COMMIT;
-- And merged again, the other way round; a chain leads to its end.
SET SESSION AUTHORIZATION merge_boss;
SELECT clinic.merge_patients(pg_temp.id(2), pg_temp.id(1), 'After all') ->> 'patient_id' = pg_temp.id(2)::text AS merged;
SELECT clinic.merge_patients(pg_temp.id(5), pg_temp.id(2), 'And again') ->> 'patient_id' = pg_temp.id(5)::text AS merged;
SELECT pg_temp.no((clinic.get_patient(pg_temp.id(1)) ->> 'patient_id')::uuid) AS read_as;
RESET SESSION AUTHORIZATION;

-- What was said as one record is said as both: a withdrawal that came later counts, and so does a consent, until the merge is undone.
BEGIN;
SELECT clinic.use_tenant('merge-test') \g /dev/null
SELECT clinic.create_patient('Ira Sen', patient_id => pg_temp.id(21)), clinic.create_patient('Ira Sen', patient_id => pg_temp.id(22)) \g /dev/null
SELECT clinic.add_consent_text(p.purpose, 'en', 'You may.', '2026-01-01 00:00Z') AS text_id, p.purpose FROM unnest('{marketing,recording,research,photography,sharing}'::text[]) AS p (purpose) \g /dev/null
CREATE FUNCTION pg_temp.consent(n integer, purpose text, given timestamptz, scope text DEFAULT NULL) RETURNS void LANGUAGE sql AS
    $$ SELECT clinic.give_consent(pg_temp.id(n), consent.purpose, (SELECT t.text_id FROM clinic.consent_texts AS t WHERE t.purpose = consent.purpose), consent.scope, evidence => 'scan', given_at => given) $$;
CREATE FUNCTION pg_temp.standing(n integer) RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT string_agg(u.purpose, ' ' ORDER BY u.purpose) FROM unnest('{marketing,recording,research,photography}'::text[]) AS u (purpose) WHERE clinic.has_consent(pg_temp.id(n), u.purpose) $$;
-- Marketing: consented to as 21, withdrawn as 22 after that. Recording: given as 22 alone. Research: withdrawn as 22, consented to later as 21.
-- Photography: withdrawn as 21 after it was given as 22.
SELECT pg_temp.consent(21, 'marketing', '2026-01-10Z'), pg_temp.consent(22, 'marketing', '2026-01-05Z'), pg_temp.consent(22, 'recording', '2026-01-05Z'),
       pg_temp.consent(22, 'research', '2026-01-05Z'), pg_temp.consent(22, 'photography', '2026-01-05Z'), pg_temp.consent(21, 'photography', '2026-01-04Z'),
       pg_temp.consent(22, 'sharing', '2026-01-05Z', 'Hill Hospital') \g /dev/null
SELECT clinic.withdraw_consent(pg_temp.id(22), 'marketing') + clinic.withdraw_consent(pg_temp.id(22), 'research') + clinic.withdraw_consent(pg_temp.id(21), 'photography') AS withdrawn;
SET LOCAL clinic.clock = '2026-03-02T04:30:00Z';
SELECT pg_temp.consent(21, 'research', '2026-03-02 04:00Z') \g /dev/null
SELECT clinic.record_disclosure(pg_temp.id(22), 'County registry', 'Letter', 'Notifiable disease', 'required_by_law') IS NOT NULL AS disclosed, clinic.request_correction(pg_temp.id(22), 'Born in May') IS NOT NULL AS asked;
SELECT pg_temp.standing(21) AS "21", pg_temp.standing(22) AS "22";
SELECT clinic.merge_patients(pg_temp.id(21), pg_temp.id(22), 'One person') AS merged \gset
SELECT pg_temp.standing(21) AS "21", clinic.has_consent(pg_temp.id(21), 'sharing', 'Hill Hospital') AS hill, clinic.has_consent(pg_temp.id(21), 'sharing') AS in_general;
SELECT d.recipient, d.description FROM clinic.accounting_of_disclosures(pg_temp.id(21)) AS d;
SELECT pg_temp.no(r.patient_id) AS asked_by, (SELECT c.request FROM clinic.read_correction(r.request_id) AS c) AS request FROM clinic.correction_requests AS r WHERE r.patient_id IN (pg_temp.id(21), pg_temp.id(22));
-- One document, whichever record things were kept under.
SELECT e.key AS table_name, jsonb_array_length(e.value) AS rows FROM jsonb_each(clinic.export_patient(pg_temp.id(21)) -> 'tables') AS e WHERE e.key IN ('patients', 'disclosures', 'correction_requests', 'consents');
SAVEPOINT merged;
SELECT clinic.unmerge_patients((:'merged'::jsonb ->> 'merge_id')::uuid, 'Two after all') - 'merge_id' AS undone;
-- What was withdrawn stays so; what came from the other does not stand.
SELECT pg_temp.standing(21) AS "21", pg_temp.standing(22) AS "22";
SELECT pg_temp.no(r.patient_id) AS asked_by, (SELECT c.request FROM clinic.read_correction(r.request_id) AS c) AS request FROM clinic.correction_requests AS r WHERE r.patient_id IN (pg_temp.id(21), pg_temp.id(22));
ROLLBACK TO merged;
-- Not after another consent.
SELECT pg_temp.consent(21, 'photography', '2026-03-02 04:15Z') \g /dev/null
SELECT e.state, e.detail::jsonb -> 'changes' -> 0 ->> 'table' AS changed FROM pg_temp.attempt(format('SELECT clinic.unmerge_patients(%L, ''x'')', :'merged'::jsonb ->> 'merge_id')) AS e;
-- Erased, the person is erased, under both; a record that was merged leads to the other.
SELECT e.state, pg_temp.no((e.detail::jsonb ->> 'merged_into_id')::uuid) AS into_id FROM pg_temp.attempt('SELECT clinic.erase_patient(pg_temp.id(22), ''They asked for it'')') AS e;
SELECT clinic.erase_patient(pg_temp.id(21), 'They asked for it') AS erased, clinic.erase_patient(pg_temp.id(21), 'They asked for it') AS again;
SELECT pg_temp.no(p.patient_id) AS patient, p.name, p.status FROM clinic.patients AS p WHERE p.patient_id IN (pg_temp.id(21), pg_temp.id(22)) ORDER BY 1;
SELECT m.state, m.completed FROM clinic_data.patient_merges AS m WHERE m.master_patient_id = pg_temp.id(21);
SELECT e.state FROM pg_temp.attempt(format('SELECT clinic.unmerge_patients(%L, ''x'')', :'merged'::jsonb ->> 'merge_id')) AS e;
COMMIT;

-- A table of one's own moves too, when clinic_owner may; else nothing does.
CREATE ROLE merge_owner NOLOGIN;
CREATE SCHEMA merge_own AUTHORIZATION merge_owner;
CREATE TABLE merge_own.notes (tenant_id uuid, note_id integer PRIMARY KEY, patient_id uuid, body clinic_data.encrypted, body_index bytea,
    FOREIGN KEY (tenant_id, patient_id) REFERENCES clinic_data.patients (tenant_id, patient_id));
ALTER TABLE merge_own.notes OWNER TO merge_owner;
CREATE TABLE merge_own.fired (as_whom name, is_engine boolean, path text);
ALTER TABLE merge_own.fired OWNER TO merge_owner;
GRANT clinic_admin TO merge_owner;
SELECT clinic.encrypt_column('merge_own.notes', 'body', 'note_id', patient_column => 'patient_id', index_column => 'body_index', index_form => 'text');
BEGIN;
SELECT clinic.use_tenant('merge-test') \g /dev/null
INSERT INTO merge_own.notes SELECT :'tenant', 1, pg_temp.id(3), clinic_private.encrypt_field(:'tenant', pg_temp.id(3), 'merge_own.notes', 'body', '1', 'Likes tea'), '\x01';
COMMIT;
SET SESSION AUTHORIZATION merge_boss;
SELECT e.state, e.detail::jsonb -> 'conflicts' -> 0 ->> 'master_row' AS own_table FROM pg_temp.attempt('SELECT clinic.merge_patients(pg_temp.id(4), pg_temp.id(3), ''x'')') AS e;
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA merge_own TO clinic_owner;
GRANT SELECT, UPDATE ON merge_own.notes TO clinic_owner;
-- Its triggers run as its owner and as nobody else, and leave no setting behind.
CREATE FUNCTION merge_own.fire() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO merge_own.fired VALUES (current_user, pg_has_role('clinic_owner', 'USAGE'), current_setting('search_path'));
    PERFORM set_config('search_path', 'merge_own, pg_catalog', false);
    RETURN NEW;
END
$$;
CREATE TRIGGER fire BEFORE UPDATE ON merge_own.notes FOR EACH ROW EXECUTE FUNCTION merge_own.fire();
-- What would fire later, with other rights, is refused before anything moves.
CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON merge_own.notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION merge_own.fire();
SET SESSION AUTHORIZATION merge_boss;
SELECT e.state, e.detail::jsonb -> 'conflicts' -> 0 ->> 'master_row' AS own_table FROM pg_temp.attempt('SELECT clinic.merge_patients(pg_temp.id(4), pg_temp.id(3), ''x'')') AS e;
RESET SESSION AUTHORIZATION;
DROP TRIGGER later ON merge_own.notes;
SET SESSION AUTHORIZATION merge_boss;
SELECT m.of -> 'moved' -> 'merge_own.notes' AS own_rows, m.of ->> 'merge_id' AS own_merge FROM (SELECT clinic.merge_patients(pg_temp.id(4), pg_temp.id(3), 'x') AS of) AS m \gset
\echo :own_rows
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT clinic.use_tenant('merge-test') \g /dev/null
SELECT n.note_id, pg_temp.no(n.patient_id) AS patient, clinic_private.decrypt_field(n.tenant_id, n.patient_id, 'merge_own.notes', 'body', n.note_id::text, n.body) AS body FROM merge_own.notes AS n;
SELECT clinic.unmerge_patients(:'own_merge', 'x') ->> 'restored' = pg_temp.id(3)::text AS restored;
SELECT n.note_id, pg_temp.no(n.patient_id) AS patient, clinic_private.decrypt_field(n.tenant_id, n.patient_id, 'merge_own.notes', 'body', n.note_id::text, n.body) AS body FROM merge_own.notes AS n;
SELECT clinic.erase_patient(pg_temp.id(3), 'They asked for it') AS erased;
SELECT n.note_id, n.body_index FROM merge_own.notes AS n;
COMMIT;
SELECT f.as_whom, f.is_engine, count(*) FROM merge_own.fired AS f GROUP BY 1, 2;

-- Of the kinds that either record does not want, none is wanted after it.
SELECT v.own, v.others, clinic_private.stricter_channels(v.own::jsonb, v.others::jsonb) AS stricter
FROM (VALUES ('{}', '{}'), ('{}', '{"recall": []}'), ('{"recall": ["sms"], "reminder": ["email"]}', '{"recall": [], "reminder": ["sms"]}'),
             ('{"recall": []}', '{"recall": ["sms"]}'), ('{"*": ["sms"]}', '{"recall": []}'), ('{"recall": ["sms"]}', '{"*": []}'),
             ('{"*": []}', '{"recall": []}'), ('{"*": ["sms"]}', '{"*": [], "reminder": ["email"]}'), ('{"*": ["sms"]}', '{"*": ["email"]}')) AS v (own, others);
BEGIN;
SELECT clinic.use_tenant('merge-test'), clinic.create_patient('One', patient_id => pg_temp.id(8)), clinic.create_patient('Two', patient_id => pg_temp.id(9)) \g /dev/null
SELECT clinic.set_communication_preferences(pg_temp.id(8), channels => '{"reminder": ["sms"], "recall": ["sms"]}'),
       clinic.set_communication_preferences(pg_temp.id(9), channels => '{"recall": []}') \g /dev/null
SELECT clinic.merge_patients(pg_temp.id(8), pg_temp.id(9), 'x') ->> 'merge_id' AS merge \gset
SELECT p.channels AS merged FROM clinic_data.communication_preferences AS p WHERE p.patient_id = pg_temp.id(8);
SELECT clinic.unmerge_patients(:'merge', 'x') - 'merge_id' - 'patient_id' - 'restored' AS undone;
SELECT p.channels AS undone FROM clinic_data.communication_preferences AS p WHERE p.patient_id = pg_temp.id(8);
ROLLBACK;

SET client_min_messages = error;
SELECT clinic.forget_encrypted_column('merge_own.notes', 'body') \g /dev/null
DROP SCHEMA merge_own CASCADE;
DROP OWNED BY merge_boss, merge_desk, merge_other, merge_self, merge_owner;
DROP ROLE merge_boss, merge_desk, merge_other, merge_self, merge_owner;
