-- Encrypted fields: what decrypts where, one error for everything else, keys made on demand, rotation, shredding, own tables.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE crypto_admin LOGIN IN ROLE clinic_admin;
CREATE ROLE crypto_limited LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\set tenant '5e7000c0-0000-7000-8000-000000000001'
\set other '5e7000c0-0000-7000-8000-000000000002'
\set ann '5e7000c0-0100-7000-8000-000000000001'
\set ben '5e7000c0-0100-7000-8000-000000000002'

-- Runs a command and returns its error.
CREATE FUNCTION pg_temp.attempt(command text, OUT state text, OUT message text, OUT detail text)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'DONE';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
END
$$;

BEGIN;
SELECT clinic.create_tenant(slug => 'crypto-other', name => 'Other', tenant_id => :'other') \g /dev/null
SELECT clinic.create_patient('Zoe', patient_id => :'ann') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'crypto-test', name => 'Crypto', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_patient('Ann', patient_id => :'ann') \g /dev/null
SELECT clinic.create_patient('Ben', patient_id => :'ben') \g /dev/null
SELECT clinic.map_login('crypto_admin', 'admin', '{*}');
SET client_min_messages = error;
SELECT clinic.map_login('crypto_limited', 'admin', '{patients:read:limited}');
RESET client_min_messages;
COMMIT;

-- Keys are made when they are needed.
SELECT count(*) FROM clinic_data.encryption_keys WHERE tenant_id = :'tenant';
SELECT clinic_private.encrypt_field(:'tenant', :'ann', 'tab', 'note', '1', 'Streptokokken, seit März') AS note \gset
SELECT clinic_private.encrypt_field(:'tenant', NULL, 'tab', 'bank', '1', 'AT61 1904 3002 3457 3201') AS bank \gset
SELECT kind, key_no, status FROM clinic_data.encryption_keys WHERE tenant_id = :'tenant';
SELECT patient_id = :'ann' AS of_ann, key_no, wrapping_key_no FROM clinic_data.patient_keys WHERE tenant_id = :'tenant';
SELECT length(:'note'::bytea) - octet_length('Streptokokken, seit März') AS overhead, substr(:'note'::bytea, 1, 6) AS header,
       substr(:'bank'::bytea, 1, 6) AS of_tenant, clinic.is_encrypted(:'note');
SELECT clinic_private.decrypt_field(:'tenant', :'ann', 'tab', 'note', '1', :'note') AS note,
       clinic_private.decrypt_field(:'tenant', NULL, 'tab', 'bank', '1', :'bank') AS bank;
-- The same text never gives the same bytes; nothing and null are two things.
SELECT count(DISTINCT clinic_private.encrypt_field(:'tenant', :'ann', 'tab', 'note', '1', 'x')) FROM generate_series(1, 100);
SELECT clinic_private.encrypt_field(:'tenant', :'ann', 'tab', 'note', '1', NULL) IS NULL AS null_is_null,
       clinic_private.decrypt_field(:'tenant', :'ann', 'tab', 'note', '1', NULL) IS NULL AS null_stays,
       clinic_private.decrypt_field(:'tenant', :'ann', 'tab', 'note', '1', clinic_private.encrypt_field(:'tenant', :'ann', 'tab', 'note', '1', '')) = '' AS empty;
SELECT length(clinic_private.decrypt_field(:'tenant', :'ann', 't', 'c', 'r', clinic_private.encrypt_field(:'tenant', :'ann', 't', 'c', 'r', repeat('ü', 1000000))));

-- Somewhere else, of somebody else, under another name: one error.
SELECT a.tried, e.*
FROM (VALUES ('row', format('%L, %L, ''tab'', ''note'', ''2''', :'tenant', :'ann')), ('column', format('%L, %L, ''tab'', ''memo'', ''1''', :'tenant', :'ann')),
             ('table', format('%L, %L, ''table'', ''note'', ''1''', :'tenant', :'ann')), ('patient', format('%L, %L, ''tab'', ''note'', ''1''', :'tenant', :'ben')),
             ('no patient', format('%L, NULL, ''tab'', ''note'', ''1''', :'tenant')), ('tenant', format('%L, %L, ''tab'', ''note'', ''1''', :'other', :'ann')),
             ('shifted names', format('%L, %L, ''tabn'', ''ote'', ''1''', :'tenant', :'ann')),
             ('unknown tenant', format('%L, %L, ''tab'', ''note'', ''1''', clinic.new_id(), :'ann'))) AS a (tried, place)
CROSS JOIN LATERAL pg_temp.attempt(format('SELECT clinic_private.decrypt_field(%s, %L)', a.place, :'note')) AS e;
-- The same patient id in another tenant has another key.
SELECT (pg_temp.attempt(format('SELECT clinic_private.decrypt_field(%L, %L, ''tab'', ''note'', ''1'', %L)', :'tenant', :'ann',
    clinic_private.encrypt_field(:'other', :'ann', 'tab', 'note', '1', 'x')))).message;
-- Every byte changed, cut off or added: the same error each time.
SELECT e.state, e.message, count(*) = 6 * length(:'note'::bytea) AS each_of_them
FROM generate_series(0, length(:'note'::bytea) - 1) AS at, unnest('{1,2,4,32,128,255}'::integer[]) AS flip
CROSS JOIN LATERAL pg_temp.attempt(format('SELECT clinic_private.decrypt_field(%L, %L, ''tab'', ''note'', ''1'', %L)', :'tenant', :'ann',
    set_byte(:'note', at, get_byte(:'note', at) # flip))) AS e
GROUP BY 1, 2;
SELECT e.state, e.message, count(*)
FROM (SELECT substr(:'note'::bytea, 1, n) FROM generate_series(0, length(:'note'::bytea) - 1) AS n UNION ALL SELECT :'note'::bytea || '\x00') AS bad (bytes)
CROSS JOIN LATERAL pg_temp.attempt(format('SELECT clinic_private.decrypt_field(%L, %L, ''tab'', ''note'', ''1'', %L)', :'tenant', :'ann', bad.bytes)) AS e
GROUP BY 1, 2;
SELECT (pg_temp.attempt(format('SELECT clinic_private.encrypt_field(%L, %L, ''t'', ''c'', ''r'', ''x'')', :'tenant', '5e7000c0-0100-7000-8000-00000000dead'))).*;
SELECT (pg_temp.attempt('SELECT clinic_private.encrypt_field(NULL, NULL, ''t'', ''c'', ''r'', ''x'')')).*;
SELECT (pg_temp.attempt(format('SELECT clinic_private.encrypt_field(%L, NULL, ''t'', NULL, ''r'', ''x'')', :'tenant'))).*;

-- The domain knows the form.
SELECT (pg_temp.attempt(format('SELECT %L::clinic_data.encrypted', v.bytes))).message
FROM (VALUES ('\x'::bytea), ('plain text'), (substr(:'note'::bytea, 1, 33)), (set_byte(:'note', 0, 2)), (set_byte(:'note', 1, 81)), (substr(:'note'::bytea, 1, 34))) AS v (bytes);

-- A key made in what is rolled back never was; nothing of it is used afterwards. One row is one key, and a deleted one works nowhere.
BEGIN;
SELECT clinic_private.encrypt_field(:'tenant', :'ben', 'tab', 'note', '1', 'lost') AS lost \gset
SELECT clinic_private.decrypt_field(:'tenant', :'ben', 'tab', 'note', '1', :'lost');
ROLLBACK;
SELECT (pg_temp.attempt(format('SELECT clinic_private.decrypt_field(%L, %L, ''tab'', ''note'', ''1'', %L)', :'tenant', :'ben', :'lost'))).message;
SELECT clinic_private.encrypt_field(:'tenant', :'ben', 'tab', 'note', '1', 'kept') AS kept \gset
BEGIN;
DELETE FROM clinic_data.patient_keys WHERE tenant_id = :'tenant' AND patient_id = :'ben';
SELECT (pg_temp.attempt(format('SELECT clinic_private.decrypt_field(%L, %L, ''tab'', ''note'', ''1'', %L)', :'tenant', :'ben', :'kept'))).message;
ROLLBACK;
BEGIN;
UPDATE clinic_data.encryption_keys SET status = 'destroyed', wrapped = '' WHERE tenant_id = :'tenant' AND kind = 'field';
SELECT (pg_temp.attempt(format('SELECT clinic_private.decrypt_field(%L, %L, ''tab'', ''note'', ''1'', %L)', :'tenant', :'ben', :'kept'))).message;
ROLLBACK;
-- A wrapped key belongs to its row alone.
BEGIN;
UPDATE clinic_data.patient_keys AS k SET wrapped = (SELECT a.wrapped FROM clinic_data.patient_keys AS a WHERE a.tenant_id = k.tenant_id AND a.patient_id = :'ann')
 WHERE k.tenant_id = :'tenant' AND k.patient_id = :'ben';
SELECT (pg_temp.attempt(format('SELECT clinic_private.decrypt_field(%L, %L, ''tab'', ''note'', ''1'', %L)', :'tenant', :'ben', :'kept'))).message;
SELECT (pg_temp.attempt(format('SELECT clinic_private.encrypt_field(%L, %L, ''tab'', ''note'', ''1'', ''x'')', :'tenant', :'ben'))).*;
ROLLBACK;
SELECT clinic_private.decrypt_field(:'tenant', :'ben', 'tab', 'note', '1', :'kept');

-- Reading works where nothing can be written, and in every isolation level.
BEGIN TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE;
SELECT clinic_private.decrypt_field(:'tenant', :'ben', 'tab', 'note', '1', :'kept');
SELECT (pg_temp.attempt(format('SELECT clinic_private.encrypt_field(%L, %L, ''tab'', ''note'', ''1'', ''x'')', :'tenant', :'ben'))).state;
SELECT clinic_private.blind_index(:'tenant', 'tab.note', 'x') IS NULL AS no_key_yet;
COMMIT;

-- Blind indexes: equal within one index of one tenant, and nowhere else.
SELECT length(clinic_private.blind_index(:'tenant', 'a', 'x')) AS bytes,
       clinic_private.blind_index(:'tenant', 'a', 'x') = clinic_private.blind_index(:'tenant', 'a', 'x') AS equal,
       clinic_private.blind_index(:'tenant', 'a', 'x') = clinic_private.blind_index(:'tenant', 'a', 'y') AS values,
       clinic_private.blind_index(:'tenant', 'a', 'x') = clinic_private.blind_index(:'tenant', 'b', 'x') AS names,
       clinic_private.blind_index(:'tenant', 'a', 'x') = clinic_private.blind_index(:'other', 'a', 'x') AS tenants,
       clinic_private.blind_index(:'tenant', 'a', NULL) IS NULL AS null_is_null;
SELECT count(DISTINCT clinic_private.blind_index(:'tenant', 'a', n::text)) FROM generate_series(1, 10000) AS n;

-- Tables of one's own.
CREATE TABLE crypto_own (tenant_id uuid NOT NULL, id bigint, patient_id uuid NOT NULL, phone clinic_data.encrypted, phone_index bytea,
                         remark clinic_data.encrypted, changes integer NOT NULL DEFAULT 0, PRIMARY KEY (tenant_id, id)) PARTITION BY HASH (id);
CREATE TABLE crypto_own_0 PARTITION OF crypto_own FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE crypto_own_1 PARTITION OF crypto_own FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE FUNCTION crypto_count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.changes := old.changes + 1; RETURN new; END $$;
CREATE TRIGGER crypto_count BEFORE UPDATE ON crypto_own FOR EACH ROW EXECUTE FUNCTION crypto_count();
ALTER TABLE crypto_own OWNER TO crypto_admin;
GRANT CREATE ON SCHEMA public TO crypto_admin;
SELECT (pg_temp.attempt('SELECT clinic.encrypt_column(''crypto_own_0'', ''phone'', ''id'')')).*;
SELECT (pg_temp.attempt('SELECT clinic.encrypt_column(''crypto_own'', ''changes'', ''id'')')).*;
SELECT (pg_temp.attempt('SELECT clinic.encrypt_column(''crypto_own'', ''fax'', ''id'')')).*;
SET SESSION AUTHORIZATION crypto_limited;
SELECT (pg_temp.attempt('SELECT clinic.encrypt_column(''crypto_own'', ''phone'', ''id'')')).state;
SET SESSION AUTHORIZATION crypto_admin;
SELECT (pg_temp.attempt('SELECT clinic.encrypt_column(''pg_catalog.pg_class'', ''relname'', ''oid'')')).*;
SELECT (pg_temp.attempt('SELECT clinic.encrypt(''crypto_own'', ''phone'', ''1'', ''x'')')).*;
SELECT clinic.encrypt_column('crypto_own', 'phone', 'id', 'patient_id', index_column => 'phone_index', index_form => 'phone');
SELECT clinic.encrypt_column('crypto_own', 'remark', 'id');
SELECT clinic.encrypt_column('crypto_own', 'remark', 'id');
INSERT INTO crypto_own
    SELECT :'tenant', n, :'ann', clinic.encrypt('crypto_own', 'phone', n::text, '+43 1 ' || n, :'ann'), clinic.blind_index('crypto_own', 'phone', '+43 1 ' || n),
           clinic.encrypt('crypto_own', 'remark', n::text, 'remark ' || n)
    FROM generate_series(1, 300) AS n;
SELECT id, clinic.decrypt('crypto_own', 'phone', id::text, phone, patient_id), clinic.decrypt('crypto_own', 'remark', id::text, remark)
FROM crypto_own WHERE phone_index = clinic.blind_index('crypto_own', 'phone', '+43-1-77');
SELECT (pg_temp.attempt(format('SELECT clinic.decrypt(''crypto_own'', ''phone'', ''2'', %L, %L)', phone, patient_id))).* FROM crypto_own WHERE id = 1;
SELECT (pg_temp.attempt(format('SELECT clinic.decrypt(''crypto_own'', ''phone'', ''1'', %L)', phone))).* FROM crypto_own WHERE id = 1;
SELECT (pg_temp.attempt('SELECT clinic.encrypt(''crypto_own'', ''remark'', ''1'', ''x'', ''' || :'ann' || ''')')).*;
SELECT (pg_temp.attempt('SELECT clinic.encrypt(''crypto_own'', ''phone'', ''1'', ''x'', ''5e7000c0-0100-7000-8000-00000000dead'')')).*;
-- Renamed: registered again under its new name, for the values of the old one.
RESET SESSION AUTHORIZATION;
BEGIN;
ALTER TABLE crypto_own RENAME COLUMN remark TO note;
SET LOCAL SESSION AUTHORIZATION crypto_admin;
SELECT (pg_temp.attempt('SELECT clinic.encrypt(''crypto_own'', ''note'', ''1'', ''x'')')).state;
SELECT clinic.encrypt_column('crypto_own', 'note', 'id', bound_table => 'public.crypto_own', bound_column => 'remark');
SELECT clinic.decrypt('crypto_own', 'note', id::text, note) FROM crypto_own WHERE id = 77;
ROLLBACK;
SET SESSION AUTHORIZATION crypto_admin;
SELECT (pg_temp.attempt('SELECT clinic.encrypt_column(''crypto_own'', ''remark'', ''id'', index_form => ''phone'')')).*;
SELECT (pg_temp.attempt('SELECT clinic.encrypt_column(''crypto_own'', ''remark'', ''id'', index_column => ''phone_index'', index_form => ''fax'')')).*;
SELECT (pg_temp.attempt('SELECT clinic.encrypt_column(''crypto_own'', ''remark'', ''id'', index_column => ''changes'', index_form => ''phone'')')).*;
SELECT clinic.blind_index('crypto_own', 'phone', '0043 1 77') = clinic.blind_index('crypto_own', 'phone', '+43 1 77') AS two_zeros_are_a_plus;
GRANT SELECT ON crypto_own TO crypto_limited;
SET SESSION AUTHORIZATION crypto_limited;
SELECT (pg_temp.attempt(format('SELECT clinic.decrypt(''crypto_own'', ''phone'', ''1'', %L, %L)', phone, patient_id))).* FROM crypto_own WHERE id = 1;
SELECT clinic.decrypt('crypto_own', 'phone', id::text, phone, patient_id, mask_as => 'phone') FROM crypto_own WHERE id = 277;
SELECT (pg_temp.attempt('SELECT clinic.blind_index(''crypto_own'', ''phone'', ''+43 1 77'')')).state;
RESET SESSION AUTHORIZATION;
SELECT kind, value, clinic.mask(kind, value)
FROM (VALUES ('phone', '+43 660 1234567'), ('phone', '133'), ('email', 'ann@example.org'), ('email', 'ab@c.de'), ('email', 'nonsense'), ('name', 'Ann'), ('name', ''),
             ('id', '1234-5678-9012'), ('id', '12'), ('date', '1980-02-03'), ('note', 'long text'), (NULL, 'x'), ('phone', NULL)) AS v (kind, value);

-- Rotation of a tenant's key: everything stays readable, triggers do not fire, the old key goes in the end.
SELECT count(*) FROM clinic_data.patient_keys WHERE tenant_id = :'tenant' AND wrapping_key_no = 1;
SELECT wrapped AS before FROM clinic_data.patient_keys WHERE tenant_id = :'tenant' AND patient_id = :'ann' \gset
SELECT clinic.rotate_tenant_key(:'tenant');
SELECT key_no, status, wrapped_patient_keys, rotation_step FROM clinic.encryption_status() WHERE tenant_id = :'tenant' AND kind = 'field';
SELECT clinic_private.decrypt_field(:'tenant', NULL, 'tab', 'bank', '1', :'bank');
SELECT substr(clinic_private.encrypt_field(:'tenant', NULL, 'tab', 'bank', '1', 'x'), 1, 6);
SELECT sum(row_count) FROM clinic.run_jobs('{rotate_keys}', ARRAY[:'tenant']::uuid[]) WHERE outcome = 'ok';
SELECT sum(row_count) FROM clinic.run_jobs('{rotate_keys}', ARRAY[:'tenant']::uuid[]) WHERE outcome = 'ok';
SELECT rotation_step, wrapped_patient_keys, fields_done FROM clinic.encryption_status() WHERE tenant_id = :'tenant' AND kind = 'field' AND key_no = 1;
SELECT sum(row_count) FROM clinic.run_jobs('{rotate_keys}', ARRAY[:'tenant']::uuid[]) WHERE outcome = 'ok';
SELECT rotation_step, stuck_fields, status FROM clinic.encryption_status() WHERE tenant_id = :'tenant' AND kind = 'field' AND key_no = 1;
SELECT sum(row_count) >= 0 AS went_on FROM clinic.run_jobs('{rotate_keys}', ARRAY[:'tenant']::uuid[]) WHERE outcome = 'ok';
SELECT wrapped <> :'before' AS wrapped_anew FROM clinic_data.patient_keys WHERE tenant_id = :'tenant' AND patient_id = :'ann';
SELECT count(*), bool_and(clinic_private.decrypt_field(tenant_id, patient_id, 'public.crypto_own', 'phone', id::text, phone) = '+43 1 ' || id) AS phones,
       bool_and(clinic_private.decrypt_field(tenant_id, NULL, 'public.crypto_own', 'remark', id::text, remark) = 'remark ' || id) AS remarks,
       max(changes) AS changes, bool_and(substr(remark, 1, 6) = '\x015400000002') AS by_new_key FROM crypto_own;

-- The master key: no key to wrap anew under the same one.
SELECT (SELECT r.complete FROM clinic.rotate_master_key() AS r) AS complete, bool_and(k.xmin::text <> pg_current_xact_id()::xid::text) AS untouched
FROM clinic_data.encryption_keys AS k WHERE k.tenant_id = :'tenant';

-- Shredding.
SELECT clinic_private.shred_patient(:'tenant', :'ann', 'asked to be forgotten');
SELECT (pg_temp.attempt(format('SELECT clinic_private.decrypt_field(%L, %L, ''tab'', ''note'', ''1'', %L)', :'tenant', :'ann', :'note'))).*;
SELECT (pg_temp.attempt(format('SELECT clinic_private.encrypt_field(%L, %L, ''tab'', ''note'', ''1'', ''x'')', :'tenant', :'ann'))).*;
SELECT count(*), count(phone_index), bool_and(clinic_private.decrypt_field(tenant_id, NULL, 'public.crypto_own', 'remark', id::text, remark) = 'remark ' || id) AS remarks
FROM crypto_own;
SELECT clinic_private.decrypt_field(:'tenant', :'ben', 'tab', 'note', '1', :'kept');
SELECT clinic_private.decrypt_field(:'other', :'ann', 't', 'c', 'r', clinic_private.encrypt_field(:'other', :'ann', 't', 'c', 'r', 'of the other tenant'));
SELECT clinic_private.shred_patient(:'tenant', :'ann', 'again');
SELECT patient_id = :'ann' AS ann, reason FROM clinic_data.shredded_patients WHERE tenant_id = :'tenant';
SELECT (pg_temp.attempt(format('SELECT clinic_private.shred_patient(%L, %L, '' '')', :'tenant', :'ben'))).*;
-- A database restored from before: the keys are there again, the tombstone is not.
SELECT clinic.shred_list() AS list \gset
SELECT count(*) FROM jsonb_array_elements(:'list') AS e WHERE e ->> 'tenant_id' = :'tenant';
DELETE FROM clinic_data.shredded_patients WHERE tenant_id = :'tenant';
SELECT clinic_private.encrypt_field(:'tenant', :'ann', 'tab', 'note', '1', 'back') AS back \gset
SELECT clinic.apply_shred_list(:'list');
SELECT (pg_temp.attempt(format('SELECT clinic_private.decrypt_field(%L, %L, ''tab'', ''note'', ''1'', %L)', :'tenant', :'ann', :'back'))).message;
SELECT clinic.apply_shred_list(:'list');
SELECT (pg_temp.attempt(format('SELECT clinic.apply_shred_list(%L)', v.list))).message FROM (VALUES ('{}'), ('[1]'), ('[{"tenant_id": "x"}]'), (NULL)) AS v (list);

-- The settings are nobody's to set or see.
SELECT clinic.forget_encrypted_column('crypto_own', 'phone'), clinic.forget_encrypted_column('crypto_own', 'phone'), clinic.forget_encrypted_column('crypto_own', 'remark');
SELECT (pg_temp.attempt('SET clinic.master_key_file = ''/tmp/x''')).*;
SELECT count(*) FROM pg_settings WHERE name LIKE 'clinic.master_key%';
SET SESSION AUTHORIZATION crypto_limited;
SELECT (pg_temp.attempt('SHOW clinic.master_key_file')).state, (pg_temp.attempt('SELECT clinic_private.encrypt_field(NULL, NULL, NULL, NULL, NULL, NULL)')).state,
       (pg_temp.attempt('SELECT clinic.encryption_status()')).state, (pg_temp.attempt('SELECT clinic.shred_list()')).state;
RESET SESSION AUTHORIZATION;

DROP TABLE crypto_own;
DROP FUNCTION crypto_count();
DROP OWNED BY crypto_admin, crypto_limited;
BEGIN;
SELECT clinic.use_tenant('crypto-test') \g /dev/null
SELECT clinic.unmap_login('crypto_admin'), clinic.unmap_login('crypto_limited') \g /dev/null
COMMIT;
DROP ROLE crypto_admin, crypto_limited;
