-- The audit of changes: what a record says, for every kind of column, statement and way of writing, on a table of one's own and on ours.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE audit_admin LOGIN IN ROLE clinic_admin;
CREATE ROLE audit_owner;
GRANT audit_owner TO audit_admin;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'America/New_York';
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'postgres_verbose';
SET extra_float_digits = 0;
SET application_name = 'audit test';
\set SHOW_CONTEXT never
\set tenant 'a0d17000-0000-7000-8000-000000000001'
\set patient 'a0d17000-0090-7000-8000-000000000001'

CREATE SCHEMA audited AUTHORIZATION audit_owner;
SET ROLE audit_owner;
CREATE TYPE audited.colour AS ENUM ('red', 'green');
CREATE DOMAIN audited.percent AS numeric CHECK (VALUE <= 100);
CREATE TABLE audited.things (
    tenant_id uuid NOT NULL, a text NOT NULL, b integer NOT NULL, patient_id uuid,
    flag boolean, small smallint, big bigint, share audited.percent, single real, double double precision, exact numeric,
    words text, short varchar(10), code char(4), label name, ref uuid, day date, at timestamptz, local_at timestamp, hour time, zoned timetz, span interval,
    colour audited.colour, numbers integer[], names text[], days date[], grid integer[], document jsonb, raw json, during tstzrange, key bytea,
    secret text, PRIMARY KEY (tenant_id, a, b));
CREATE TABLE audited.other (id integer PRIMARY KEY, note text);
RESET ROLE;

-- Who may: the owner that is a member of clinic_admin.
SET ROLE audit_owner;
SELECT clinic.enable_audit('audited.things');
RESET ROLE;
SET SESSION AUTHORIZATION audit_admin;
SELECT clinic.enable_audit('audited.things', secret_columns => '{nothing}');
SELECT clinic.enable_audit('audited.things', key_columns => '{a,nothing}');
SELECT clinic.enable_audit('audited.things', patient_column => 'a');
SELECT clinic.enable_audit('audited.things', secret_columns => '{*,-nothing}');
SELECT clinic.enable_audit('audited.things', class => 'Medical');
SELECT clinic.enable_audit('audited.things', class => 'nonsense');
SELECT clinic.enable_audit('clinic_data.patients');
SELECT clinic.enable_audit(NULL);
SELECT clinic.enable_audit('audited.things', patient_column => 'patient_id', secret_columns => '{secret}');
SELECT clinic.enable_audit('audited.things', patient_column => 'patient_id', secret_columns => '{secret}');
SELECT clinic.enable_audit('audited.other', class => 'security');
RESET SESSION AUTHORIZATION;
SELECT tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'audited.things'::regclass ORDER BY 1;

-- What the present transaction left.
CREATE VIEW audited.trail AS
    SELECT a.* FROM clinic_data.audit_records a WHERE a.transaction_id = pg_current_xact_id() ORDER BY a.audit_id;

-- Every kind of column.
BEGIN;
INSERT INTO audited.things VALUES
    (:'tenant', 'x/y', 1, :'patient', true, -1, 9007199254740993, 12.50, 0.1, 1e300, 'NaN', E'a "quote" \\ and\ttab é', 'short', 'ab', 'label',
     :'patient', '2026-02-28', '2026-02-28 23:30:00.123456+00', '2026-02-28 23:30', '24:00', '12:00+05:30', '1 day 02:00', 'green',
     '{1,NULL,3}', '{a,"b c"}', '{2026-02-28}', '{{1,2},{3,4}}', '{"z": 1, "a": [1.0, null]}', '{"kept": 1}', '[2026-02-28 00:00+00,infinity)',
     '\xdeadbeef', 'sesame');
SELECT jsonb_pretty(after) FROM audited.trail;
SELECT tenant_id, class, action, table_name, row_id, patient_id, user_id, actor, login, application_name, before IS NULL AS nothing_before,
       recorded_at > now() - interval '1 minute' AS by_the_wall_clock, clinic_private.audit_leaf(t) = leaf_hash AS whole FROM audited.trail t;
COMMIT;

-- Changed fields only; nothing for nothing; null is told from hidden.
BEGIN;
UPDATE audited.things SET words = words, flag = flag;
SELECT count(*) AS nothing FROM audited.trail;
UPDATE audited.things SET flag = false, secret = NULL, key = '\x00', colour = 'red', single = 'Infinity', double = '-0', words = NULL;
SELECT row_id, before, after FROM audited.trail;
DELETE FROM audited.things;
SELECT action, before ->> 'flag' AS flag, before -> 'secret' AS secret, before -> 'key' AS key, after FROM audited.trail WHERE action = 'delete';
COMMIT;

-- What is stored is the jsonb of its text, byte for byte: of more columns than jsonb counts in one go, of scalars, and of arrays, whose
-- elements are compared one and all.
BEGIN;
SELECT format('CREATE TABLE audited.wide (id integer PRIMARY KEY, ids uuid[], flags boolean[], bare jsonb, counted jsonb, nothing jsonb, said jsonb, none integer[],
    %s)', string_agg(format('column_%s %s', n, (ARRAY['text', 'numeric', 'boolean'])[1 + n % 3]), ', ')) FROM generate_series(1, 60) n \gexec
SELECT clinic.enable_audit('audited.wide');
INSERT INTO audited.wide (id, ids, flags, bare, counted, nothing, said, none) VALUES
    (1, ARRAY[:'tenant', :'patient']::uuid[], '{t,NULL,f}', '"a \"word\""', '-12.50', 'null', 'true', '{}');
SELECT format('UPDATE audited.wide SET %s', string_agg(format('column_%s = %L', n, CASE n % 3 WHEN 0 THEN repeat('x', n) WHEN 1 THEN n * 1.5 || '' ELSE 't' END), ', '))
  FROM generate_series(1, 60) n \gexec
UPDATE audited.wide SET ids = ARRAY[:'tenant', :'tenant']::uuid[], flags = '{t,NULL,t}';
UPDATE audited.wide SET ids = ids || '{}', flags = '{t,NULL,t}', column_3 = 'xxx';
DELETE FROM audited.wide;
SELECT action, after ->> 'ids' AS ids, after ->> 'flags' AS flags, after ->> 'column_60' AS last, after -> 'bare' AS bare, after -> 'counted' AS counted,
       (SELECT count(*) FROM jsonb_object_keys(coalesce(after, before))) AS columns, clinic_private.audit_leaf(t) = leaf_hash AS whole,
       jsonb_send(before) IS NOT DISTINCT FROM jsonb_send(before::text::jsonb) AND jsonb_hash(after) IS NOT DISTINCT FROM jsonb_hash(after::text::jsonb)
       AND before IS NOT DISTINCT FROM before::text::jsonb AND after IS NOT DISTINCT FROM after::text::jsonb AS same
  FROM audited.trail t WHERE table_name = 'audited.wide' ORDER BY audit_id;
COMMIT;

-- Savepoints: what is rolled back leaves nothing, what is released stays, in the order it happened.
BEGIN;
INSERT INTO audited.other VALUES (1);
SAVEPOINT a;
INSERT INTO audited.other VALUES (2);
SAVEPOINT b;
INSERT INTO audited.other VALUES (3);
RELEASE b;
ROLLBACK TO a;
INSERT INTO audited.other VALUES (4);
SAVEPOINT c;
INSERT INTO audited.other VALUES (5);
RELEASE c;
DO $$ BEGIN INSERT INTO audited.other VALUES (6); RAISE EXCEPTION 'x'; EXCEPTION WHEN raise_exception THEN INSERT INTO audited.other VALUES (7); END $$;
SELECT string_agg(row_id, ' ' ORDER BY audit_id) FROM audited.trail;
COMMIT;
BEGIN;
TRUNCATE audited.other;
SELECT tenant_id, action, table_name, row_id FROM audited.trail;
COMMIT;
BEGIN;
INSERT INTO audited.other VALUES (1);
ROLLBACK;
SELECT count(*) AS nothing FROM clinic_data.audit_records WHERE table_name = 'audited.other' AND transaction_id = pg_current_xact_id_if_assigned();

-- Many rows: one statement, COPY, MERGE-like upsert, a writable CTE, a cascade.
BEGIN;
INSERT INTO audited.other SELECT n FROM generate_series(1, 1203) n;
SELECT count(*), count(DISTINCT audit_id), count(DISTINCT salt), count(DISTINCT row_id), bool_and(clinic_private.audit_leaf(t) = leaf_hash) FROM audited.trail t;
COPY audited.other FROM stdin;
2001	one
2002	two
\.
SELECT row_id, after FROM audited.trail WHERE row_id IN ('2001', '2002');
INSERT INTO audited.other VALUES (2002, 'three'), (2003, 'four') ON CONFLICT (id) DO UPDATE SET note = excluded.note;
WITH gone AS (DELETE FROM audited.other WHERE id = 2001 RETURNING id) INSERT INTO audited.other SELECT id + 1000 FROM gone;
SELECT action, row_id, before, after FROM audited.trail WHERE row_id ~ '^[23]00' ORDER BY audit_id;
COMMIT;

-- Whatever turns other triggers off.
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE audited.other SET note = 'quietly' WHERE id = 1;
SELECT action, row_id, after FROM audited.trail;
COMMIT;

-- A table that changes while its trigger is known.
BEGIN;
ALTER TABLE audited.other ADD COLUMN later date DEFAULT '2026-01-01';
UPDATE audited.other SET later = '2026-01-02' WHERE id = 1;
SELECT before, after FROM audited.trail;
ROLLBACK;

-- What the engine writes past SQL, with who and from where.
BEGIN;
SELECT clinic.create_tenant('audit-changes', 'Audit', tenant_id => :'tenant') IS NOT NULL AS made;
SELECT clinic.create_location('Here', 'UTC', location_id => 'a0d17000-0010-7000-8000-000000000001') IS NOT NULL AS made;
SELECT clinic.create_service('Visit', 30, service_id => 'a0d17000-0040-7000-8000-000000000001') IS NOT NULL AS made;
SELECT clinic.create_provider('Doctor', 'UTC', provider_id => 'a0d17000-0020-7000-8000-000000000001') IS NOT NULL AS made;
SELECT clinic.offer_service('a0d17000-0040-7000-8000-000000000001', 'a0d17000-0020-7000-8000-000000000001');
SELECT clinic.add_hours('a0d17000-0020-7000-8000-000000000001', 'a0d17000-0010-7000-8000-000000000001', 'FREQ=DAILY', '09:00', '17:00', '2026-01-01') IS NOT NULL AS made;
SELECT clinic.create_patient('Sentinel Zebedee', 'MRN-77', '1971-05-05', patient_id => :'patient') IS NOT NULL AS made;
COMMIT;
SELECT action, table_name, row_id, actor, after - 'created_at' - 'updated_at' AS after FROM clinic_data.audit_records
 WHERE tenant_id = :'tenant' AND patient_id = :'patient' AND table_name = 'patients';
BEGIN;
SELECT clinic.use_tenant('audit-changes');
SELECT clinic.declare_purpose('TREAT');
SELECT appointment_id AS booked FROM clinic.book_appointment('a0d17000-0040-7000-8000-000000000001', :'patient', '2026-03-03 10:00Z') \gset
SET TRANSACTION READ ONLY;
COMMIT;
SELECT action, table_name, row_id = :'booked' AS of_the_visit, actor, purpose, after ->> 'status' AS status, after -> 'confirmation_code' AS code FROM clinic_data.audit_records
 WHERE tenant_id = :'tenant' AND table_name ~ '^appointment' AND table_name <> 'appointment_resources' ORDER BY audit_id;
BEGIN;
SELECT clinic.use_tenant('audit-changes');
SELECT FROM clinic.cancel_appointment(:'booked', reason => 'Zebedee is in Spain');
SELECT FROM clinic.book_appointment('a0d17000-0040-7000-8000-000000000001', :'patient', '2026-03-03 20:00Z', override => true, reason => 'Asked by the surgeon');
COMMIT;
-- Why staff went past a rule is told; what was said to a cancellation may be the patient's own words, and stays with the visit.
SELECT action, reason, before ->> 'status' AS before, after ->> 'status' AS after, after ? 'cancel_reason' AS told_that_there_is_one, after ->> 'cancel_reason' AS told
  FROM clinic_data.audit_records WHERE tenant_id = :'tenant' AND table_name = 'appointments' AND row_id <> :'booked' OR tenant_id = :'tenant' AND table_name = 'appointments' AND action = 'update' ORDER BY audit_id;
SELECT count(*) AS in_clear FROM clinic_data.audit_records a WHERE a::text ~* 'zebedee|MRN-77|1971-05-05';

-- A plain table again.
SET SESSION AUTHORIZATION audit_admin;
SELECT clinic.disable_audit('clinic_data.patients');
SELECT clinic.disable_audit('audited.things');
SELECT clinic.disable_audit('audited.other');
RESET SESSION AUTHORIZATION;
SELECT action, table_name, login FROM clinic_data.audit_records WHERE action ~ '_audit$' AND table_name ~ '^audited' ORDER BY audit_id;
INSERT INTO audited.other VALUES (9999);
SELECT count(*) AS nothing FROM clinic_data.audit_records WHERE row_id = '9999';

DROP SCHEMA audited CASCADE;
DROP ROLE audit_admin, audit_owner;
