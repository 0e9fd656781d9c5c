-- The seal of the audit: order, heads, proofs, what waits, what is refused. test/t/audit_tampering.sh tampers with it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE sealing_auditor LOGIN IN ROLE clinic_user;
CREATE ROLE sealing_nurse LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set VERBOSITY default
\set SHOW_CONTEXT never
\set tenant '00b0e001-0000-7000-8000-000000000001'
\set other '00b0e002-0000-7000-8000-000000000001'
-- Until no transaction of anybody else, such as of autovacuum, holds up the seal.
CREATE FUNCTION pg_temp.quiet() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..1000 LOOP
        EXIT WHEN pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot());
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;
\getenv abs_srcdir PG_ABS_SRCDIR
\set old_heads :abs_srcdir '/support/old_heads.sql'
\set ECHO none
\i :old_heads
\set ECHO all
BEGIN;
SELECT clinic.create_tenant(slug => 'sealing', name => 'Sealing', tenant_id => :'tenant') \g /dev/null
SELECT clinic.map_login('sealing_auditor', 'staff', '{audit:read}'), clinic.map_login('sealing_nurse', 'staff', '{appointments:read}') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'sealing-other', name => 'Another', tenant_id => :'other') \g /dev/null
COMMIT;
SELECT pg_temp.quiet() \g /dev/null
SELECT tenant_id, sealed > 0 AS sealed, complete FROM clinic.seal_audit(tenant_ids => ARRAY[:'tenant', :'other']::uuid[]);
SELECT tree_size AS base FROM clinic_data.audit_logs WHERE tenant_id = :'tenant' \gset

-- Nothing new: no new head.
SELECT pg_temp.quiet() \g /dev/null
SELECT sealed, tree_size = :base AS same, complete FROM clinic.seal_audit(tenant_ids => ARRAY[:'tenant']::uuid[]);
SELECT count(*) AS heads FROM clinic_data.audit_heads WHERE tenant_id = :'tenant';

-- In the order of transactions and ids, a few at a time.
SELECT count(clinic_private.write_audit('medical', 'update', 'patients', n::text, tenant_id => :'tenant')) FROM generate_series(1, 500) AS n;
SELECT count(clinic_private.write_audit('access', 'view', 'patients', n::text, tenant_id => :'tenant')) FROM generate_series(1, 200) AS n;
SELECT pg_temp.quiet() \g /dev/null
SELECT sealed, tree_size - :base AS tree_size, complete FROM clinic.seal_audit(100, ARRAY[:'tenant']::uuid[]);
SELECT pg_temp.quiet() \g /dev/null
SELECT sealed, tree_size - :base AS tree_size, complete FROM clinic.seal_audit(tenant_ids => ARRAY[:'tenant']::uuid[]);
SELECT unsealed, lag, signed FROM clinic.audit_status() WHERE tenant_id = :'tenant';
CREATE VIEW pg_temp.positions AS
    SELECT l.first_position + i AS position, encode(substr(l.audit_ids, 16 * i + 1, 16), 'hex')::uuid AS audit_id, substr(l.leaf_hashes, 32 * i + 1, 32) AS leaf_hash
    FROM clinic_data.audit_leaves AS l, generate_series(0, l.leaf_count - 1) AS i WHERE l.tenant_id = '00b0e001-0000-7000-8000-000000000001';
SELECT count(*) AS wrong
FROM (SELECT r.audit_id, r.leaf_hash, row_number() OVER (ORDER BY r.transaction_id, r.audit_id) - 1 AS position FROM clinic_data.audit_records AS r WHERE r.tenant_id = :'tenant') AS r
FULL JOIN pg_temp.positions AS p USING (audit_id)
WHERE (r.position, r.leaf_hash) IS DISTINCT FROM (p.position, p.leaf_hash);
-- The tree, by its definition.
CREATE FUNCTION pg_temp.mth(leaves bytea[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    k integer := 1;
BEGIN
    IF cardinality(leaves) = 1 THEN
        RETURN leaves[1];
    END IF;
    WHILE 2 * k < cardinality(leaves) LOOP
        k := 2 * k;
    END LOOP;
    RETURN sha256('\x01' || pg_temp.mth(leaves[:k]) || pg_temp.mth(leaves[k + 1:]));
END $$;
SELECT h.head_no, h.root_hash = pg_temp.mth((SELECT array_agg(p.leaf_hash ORDER BY p.position) FROM pg_temp.positions AS p WHERE p.position < h.tree_size)) AS right_root
FROM clinic_data.audit_heads AS h WHERE h.tenant_id = :'tenant' ORDER BY h.head_no;
SELECT level, count(*) FROM clinic_data.audit_nodes WHERE tenant_id = :'tenant' GROUP BY level ORDER BY level;

-- What its own transaction has written is not finished.
BEGIN;
SELECT count(clinic_private.write_audit('medical', 'update', 'patients', 'own', tenant_id => :'tenant'));
SELECT sealed FROM clinic.seal_audit(tenant_ids => ARRAY[:'tenant']::uuid[]);
SELECT unsealed, waits_for_transaction = pg_current_xact_id() AS waits_for_this, waits_for_pid = pg_backend_pid() AS by_this FROM clinic.audit_status() WHERE tenant_id = :'tenant';
COMMIT;
SELECT pg_temp.quiet() \g /dev/null
SELECT sealed FROM clinic.seal_audit(tenant_ids => ARRAY[:'tenant']::uuid[]);

-- Heads and proofs, for who may read the audit.
SET SESSION AUTHORIZATION sealing_auditor;
SELECT head ->> 'tenant_id' AS tenant_id, (head ->> 'head_no')::integer AS head_no, head ->> 'signature' AS signature,
       split_part(head ->> 'checkpoint', E'\n', 1) AS origin, split_part(head ->> 'checkpoint', E'\n', 2) = head ->> 'tree_size' AS size,
       split_part(head ->> 'checkpoint', E'\n', 3) = encode(decode(head ->> 'root_hash', 'hex'), 'base64') AS root,
       split_part(head ->> 'checkpoint', E'\n', 4) = 'sealed_at ' || (head ->> 'sealed_at') AS sealed_at
FROM clinic.audit_head() AS h (head);
SELECT clinic.audit_head() AS head \gset
SELECT clinic.audit_head(1234567);
SELECT intact, problem, tree_size = records AS all_there, purged, unsealed, unsigned_heads FROM clinic.verify_audit();
SELECT intact, problem FROM clinic.verify_audit(:'head');
SELECT intact, problem FROM clinic.verify_audit(jsonb_build_array(:'head'::jsonb, :'head'::jsonb));
SELECT intact, problem FROM clinic.verify_audit(:'head'::jsonb || jsonb_build_object('root_hash', repeat('0', 64)));
SELECT intact, problem FROM clinic.verify_audit(:'head'::jsonb || jsonb_build_object('tree_size', 100000));
SELECT intact, problem FROM clinic.verify_audit(:'head'::jsonb || jsonb_build_object('signature', repeat('0', 128), 'public_key', repeat('0', 64)));
SELECT intact, problem FROM clinic.verify_audit(:'head'::jsonb || jsonb_build_object('tenant_id', :'other', 'tree_size', 100000));
SELECT intact, problem, detail ~ 'is dated before that of' AS why FROM clinic.verify_audit(:'head'::jsonb || '{"sealed_at": "2001-01-01T00:00:00.000000Z"}');
SELECT intact, problem FROM clinic.verify_audit(:'head'::jsonb - 'sealed_at');
SELECT clinic.verify_audit(:'head'::jsonb || '{"sealed_at": "yesterday"}');
SELECT clinic.verify_audit('{"tree_size": 1}');
SELECT clinic.verify_audit('[1]');
SELECT clinic.verify_audit('{"tree_size": -1, "root_hash": "00"}');
SELECT clinic.verify_audit(max_lag => NULL);
SELECT clinic.audit_inclusion_proof(NULL);
SELECT clinic.audit_inclusion_proof('00b0e001-0000-7000-8000-00000000000f');
SELECT clinic.audit_purge_proof(NULL);
SELECT clinic.audit_purge_proof('00b0e001-0000-7000-8000-00000000000f');
SELECT clinic.audit_consistency_proof(0);
SELECT clinic.audit_consistency_proof(1000000);
SELECT clinic.audit_consistency_proof(1, 3);
SELECT clinic.audit_consistency_proof(NULL);
SELECT jsonb_array_length(clinic.audit_consistency_proof((:'head'::jsonb ->> 'tree_size')::bigint) -> 'path') AS nothing_to_prove;
SELECT clinic.seal_audit();
SELECT clinic.audit_status();
SELECT clinic.audit_heads();
SELECT clinic.verify_audits();
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION sealing_nurse;
SELECT clinic.audit_head();
SELECT clinic.verify_audit();
SELECT clinic.audit_inclusion_proof('00b0e001-0000-7000-8000-00000000000f');
SELECT clinic.audit_purge_proof('00b0e001-0000-7000-8000-00000000000f');
SELECT clinic.audit_consistency_proof(1);
RESET SESSION AUTHORIZATION;
-- A record of another tenant is none.
SELECT clinic_private.write_audit('medical', 'update', 'patients', 'other', tenant_id => :'other') AS others \gset
SELECT clinic_private.write_audit('medical', 'update', 'patients', 'new', tenant_id => :'tenant') AS fresh \gset
\set ON_ERROR_STOP 0
\set VERBOSITY sqlstate
SET SESSION AUTHORIZATION sealing_auditor;
SELECT clinic.audit_inclusion_proof(:'others');
SELECT clinic.audit_inclusion_proof(:'fresh');
RESET SESSION AUTHORIZATION;
\set VERBOSITY default

-- For administrators: every log.
SET ROLE clinic_admin;
SELECT tenant_id, sealed, complete FROM clinic.seal_audit() WHERE tenant_id IN (:'tenant', :'other');
SELECT count(*) FROM clinic.audit_heads() WHERE tenant_id IN (:'tenant', :'other');
SELECT intact, problem FROM clinic.verify_audits((SELECT jsonb_agg(h.head) FROM clinic.audit_heads() AS h)) WHERE tenant_id IN (:'tenant', :'other');
SELECT clinic.seal_audit(0);
SELECT clinic.seal_audit(NULL);
\set VERBOSITY sqlstate
SHOW clinic.seal_key_file;
\set VERBOSITY default
SELECT clinic_private.seal_log(:'tenant', 1);
RESET ROLE;
SELECT severity, rule, finding FROM clinic_private.lint_seal();
SET ROLE clinic_user;
\set VERBOSITY sqlstate
SHOW clinic.seal_key_file;
\set VERBOSITY default
SET clinic.seal_key_file = '/etc/passwd';
RESET ROLE;
SET clinic.seal_key_file = '/etc/passwd';

-- By the job, in a tenant that is suspended too; and an event for who asked for it.
UPDATE clinic_data.tenants SET status = 'suspended' WHERE tenant_id = :'other';
INSERT INTO clinic_data.subscriptions (tenant_id, subscription_id, name, url, events, secret)
VALUES (:'other', '00b0e002-0001-7000-8000-000000000001', 'Witness', 'https://witness.example.org/x', '{audit.sealed}', 'secret');
SELECT count(clinic_private.write_audit('medical', 'update', 'patients', 'job', tenant_id => :'other'));
SELECT pg_temp.quiet() \g /dev/null
SELECT job, outcome, row_count > 0 AS sealed FROM clinic.run_jobs('{seal_audit}', ARRAY[:'other']::uuid[]);
SELECT name, subject_id, data ->> 'tree_size' = (SELECT max(tree_size)::text FROM clinic_data.audit_heads WHERE tenant_id = :'other') AS latest
FROM clinic_data.events WHERE tenant_id = :'other' AND name = 'audit.sealed';

-- What was sealed stays as it is, even for a superuser who goes by the rules.
UPDATE clinic_data.audit_heads SET signature = NULL WHERE tenant_id = :'tenant';
DELETE FROM clinic_data.audit_leaves WHERE tenant_id = :'tenant';
TRUNCATE clinic_data.audit_nodes;
DELETE FROM clinic_data.audit_seal_keys;
SELECT bool_and(clinic_private.is_sealed(:'tenant', r.audit_id)) AS all_sealed FROM clinic_data.audit_records AS r WHERE r.tenant_id = :'tenant';
SELECT clinic_private.is_sealed(:'tenant', :'others'), clinic_private.is_sealed(:'tenant', '00b0e001-0000-7000-8000-00000000000f');

-- What retention has deleted is counted apart, and its leaves hold.
INSERT INTO clinic_data.audit_records
SELECT (jsonb_populate_record(r, jsonb_build_object('audit_id', overlay(r.audit_id::text PLACING '015a0000' FROM 1), 'recorded_at', '2017-02-01', 'transaction_id', pg_current_xact_id()::text))).*
FROM clinic_data.audit_records AS r WHERE r.tenant_id = :'tenant' AND r.action = 'view' ORDER BY r.audit_id LIMIT 50;
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT c.oid FROM pg_class AS c WHERE c.relname ~ '^audit_records' AND c.relkind IN ('r', 'p') ORDER BY c.relname LOOP
        EXECUTE format('ALTER TABLE ONLY %s DISABLE TRIGGER "00_append_only"', part);
    END LOOP;
END $$;
UPDATE clinic_data.audit_records AS r SET leaf_hash = clinic_private.audit_leaf(r) WHERE r.tenant_id = :'tenant' AND r.recorded_at = '2017-02-01';
SELECT pg_temp.quiet() \g /dev/null
SELECT sealed FROM clinic.seal_audit(tenant_ids => ARRAY[:'tenant']::uuid[]);
-- So that a head proves it.
SELECT pg_temp.age_log(:'tenant', '10 years') > 2 AS aged;
-- As clinic.purge_audit() does.
\set purge '00b0e001-0002-7000-8000-000000000001'
INSERT INTO clinic_data.audit_purges (tenant_id, purge_id, class, recorded_before, keep_months, purged_at, record_count, leaves_digest)
SELECT :'tenant', :'purge', 'access', '2018-01-01', 12, now(), count(*), sha256(string_agg(o.leaf_hash, ''::bytea ORDER BY o.place))
FROM (SELECT r.leaf_hash, clinic_private.sealed_position(r.tenant_id, r.transaction_id, r.audit_id) AS place
      FROM clinic_data.audit_records AS r WHERE r.tenant_id = :'tenant' AND r.recorded_at = '2017-02-01' ORDER BY r.audit_id LIMIT 40) AS o;
INSERT INTO clinic_data.purged_audit_records (tenant_id, audit_id, purge_id, transaction_id, recorded_at, class, content_digest)
SELECT r.tenant_id, r.audit_id, :'purge', r.transaction_id, r.recorded_at, r.class, clinic_private.audit_content_digest(r)
FROM clinic_data.audit_records AS r WHERE r.tenant_id = :'tenant' AND r.recorded_at = '2017-02-01' ORDER BY r.audit_id LIMIT 40;
CREATE TEMPORARY TABLE gone AS SELECT r.* FROM clinic_data.audit_records AS r JOIN clinic_data.purged_audit_records AS p USING (tenant_id, audit_id) WHERE p.tenant_id = :'tenant';
DELETE FROM clinic_data.audit_records AS r USING clinic_data.purged_audit_records AS p
WHERE p.tenant_id = :'tenant' AND r.tenant_id = p.tenant_id AND r.audit_id = p.audit_id;
SELECT intact, problem, first_position - :base AS first_position, purged FROM clinic.verify_audits() WHERE tenant_id = :'tenant';
-- The record of the purge makes the difference, as far as it tells.
BEGIN;
SELECT count(clinic_private.write_audit('retention', 'purge', 'audit_records', :'purge',
    after => jsonb_build_object('class', 'access', 'keep_months', 12, 'record_count', 40, 'leaves_digest', encode(sha256('others'), 'hex')), tenant_id => :'tenant'));
SELECT intact, problem FROM clinic.verify_audits() WHERE tenant_id = :'tenant';
-- Nor where the purge has been made to fit it: the leaves are others.
ALTER TABLE clinic_data.audit_purges DISABLE TRIGGER "00_append_only";
UPDATE clinic_data.audit_purges SET leaves_digest = sha256('others') WHERE tenant_id = :'tenant' AND purge_id = :'purge';
SELECT intact, problem, detail FROM clinic.verify_audits() WHERE tenant_id = :'tenant';
ROLLBACK;
SELECT count(clinic_private.write_audit('retention', 'purge', 'audit_records', p.purge_id::text,
    after => jsonb_build_object('class', p.class, 'keep_months', p.keep_months, 'record_count', p.record_count, 'leaves_digest', encode(p.leaves_digest, 'hex')), tenant_id => p.tenant_id))
FROM clinic_data.audit_purges AS p WHERE p.tenant_id = :'tenant';
-- As long as that is not sealed, nothing holds it.
SELECT intact, problem, detail, purged, tree_size - records AS gone, unsealed FROM clinic.verify_audits() WHERE tenant_id = :'tenant';
SELECT pg_temp.quiet() \g /dev/null
SELECT sealed FROM clinic.seal_audit(tenant_ids => ARRAY[:'tenant']::uuid[]);
SELECT intact, problem, purged, tree_size - records AS gone, unsealed FROM clinic.verify_audits() WHERE tenant_id = :'tenant';
BEGIN;
INSERT INTO clinic_data.purged_audit_records (tenant_id, audit_id, purge_id, transaction_id, recorded_at, class, content_digest)
SELECT r.tenant_id, r.audit_id, :'purge', r.transaction_id, r.recorded_at, r.class, clinic_private.audit_content_digest(r)
FROM clinic_data.audit_records AS r WHERE r.tenant_id = :'tenant' AND r.recorded_at = '2017-02-01' ORDER BY r.audit_id LIMIT 1;
DELETE FROM clinic_data.audit_records AS r USING clinic_data.purged_audit_records AS p
WHERE p.tenant_id = :'tenant' AND r.tenant_id = p.tenant_id AND r.audit_id = p.audit_id;
SELECT intact, problem, detail, purged FROM clinic.verify_audits() WHERE tenant_id = :'tenant';
ROLLBACK;
-- A purge that took fewer than it tells of, and one that took nothing.
BEGIN;
INSERT INTO clinic_data.audit_records SELECT g.* FROM gone AS g ORDER BY g.audit_id LIMIT 1;
SELECT intact, problem, detail, purged FROM clinic.verify_audits() WHERE tenant_id = :'tenant';
INSERT INTO clinic_data.audit_records SELECT g.* FROM gone AS g ORDER BY g.audit_id OFFSET 1;
SELECT intact, problem, detail, purged FROM clinic.verify_audits() WHERE tenant_id = :'tenant';
ROLLBACK;
-- A record that would wait for its seal for ever.
BEGIN;
INSERT INTO clinic_data.audit_records
SELECT (jsonb_populate_record(g, jsonb_build_object('audit_id', clinic.new_id(), 'transaction_id', pg_current_xact_id()::text::bigint + 1000))).* FROM gone AS g LIMIT 1;
SELECT intact, problem, detail FROM clinic.verify_audits(max_lag => '20 years') WHERE tenant_id = :'tenant';
ROLLBACK;
BEGIN;
INSERT INTO clinic_data.audit_records
SELECT (jsonb_populate_record(g, jsonb_build_object('audit_id', clinic.new_id(), 'transaction_id', pg_current_xact_id()::text, 'recorded_at', clock_timestamp() + interval '1 day'))).* FROM gone AS g LIMIT 1;
SELECT intact, problem, detail FROM clinic.verify_audits(max_lag => '20 years') WHERE tenant_id = :'tenant';
ROLLBACK;
CALL clinic.install();
SELECT bool_and(t.tgenabled = 'A') AS closed_again FROM pg_trigger AS t WHERE t.tgname = '00_append_only';
