-- Which rows of patients left which statement is in the audit, and no others are.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE reads_admin LOGIN IN ROLE clinic_admin;
CREATE ROLE reads_clerk LOGIN IN ROLE clinic_user;
CREATE ROLE reads_nobody LOGIN;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T08:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set T '\'5e7000a8-0000-7000-8000-000000000001\''
\set room '\'5e7000a8-0010-7000-8000-000000000001\''
\set doc '\'5e7000a8-0020-7000-8000-000000000001\''
\set visit '\'5e7000a8-0040-7000-8000-000000000001\''
\set p '\'5e7000a8-0090-7000-8000-0000000000\''

BEGIN;
SET LOCAL ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'reads-test', name => 'Reads', tenant_id => :T),
       clinic.map_login('reads_admin', 'admin', '{*}'),
       clinic.map_login('reads_clerk', 'staff', '{patients:read,appointments:*}') \g /dev/null
SELECT clinic.create_location('House', 'Etc/UTC', location_id => :room),
       clinic.create_provider('Dr. Doe', 'Etc/UTC', provider_id => :doc),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.add_hours(:doc, :room, 'FREQ=DAILY', '08:00', '18:00') \g /dev/null
SELECT clinic.offer_service(:visit, :doc),
       clinic.create_patient('Ann', patient_id => (:p || '01')::uuid),
       clinic.create_patient('Ben', patient_id => (:p || '02')::uuid),
       clinic.create_patient('Cid', patient_id => (:p || '03')::uuid),
       clinic.create_patient('Dan', patient_id => (:p || '04')::uuid),
       clinic.create_patient('Eve', patient_id => (:p || '05')::uuid) \g /dev/null
SELECT clinic.book_appointment(:visit, (:p || '0' || n)::uuid, '2026-03-03T09:00Z'::timestamptz + n * interval '1 hour', :doc)
  FROM generate_series(1, 4) AS n \g /dev/null
COMMIT;

-- What the audit knows of since the last look. Of appointments the patient is shown.
CREATE TABLE public.reads_seen (audit_id uuid PRIMARY KEY);
CREATE FUNCTION public.reads(OUT action text, OUT relation text, OUT rows text, OUT row_count bigint)
    RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET application_name = 'looking' AS $$
#variable_conflict use_column
BEGIN
    PERFORM clinic.ingest_audit();
    RETURN QUERY
    WITH fresh AS (
        SELECT a.* FROM clinic_data.audit_records AS a
         WHERE a.application_name = 'reads' AND a.action IN ('view', 'export', 'print', 'denied')
           AND a.audit_id NOT IN (SELECT s.audit_id FROM public.reads_seen AS s)),
    seen AS (INSERT INTO public.reads_seen SELECT f.audit_id FROM fresh AS f)
    SELECT f.action, f.table_name,
           coalesce((SELECT string_agg(right(coalesce(a.patient_id, u.id)::text, 1), '' ORDER BY coalesce(a.patient_id, u.id))
                       FROM unnest(f.row_ids) AS u (id) LEFT JOIN clinic_data.appointments AS a ON a.appointment_id = u.id), f.reason),
           f.row_count
      FROM fresh AS f ORDER BY f.audit_id;
END
$$;
GRANT EXECUTE ON FUNCTION public.reads TO PUBLIC;
SET application_name = 'reads';
SELECT * FROM public.reads() \g /dev/null
SET SESSION AUTHORIZATION reads_clerk;

-- Whole rows, and single columns.
SELECT name FROM clinic.patients WHERE name IN ('Ben', 'Dan') ORDER BY patient_id;
SELECT * FROM public.reads();
SELECT 1 AS one FROM clinic.patients WHERE patient_id = (:p || '03')::uuid;
SELECT * FROM public.reads();
SELECT name FROM clinic.patients WHERE name = 'Nobody';
SELECT * FROM public.reads();

-- What a sort and a limit hold back has not left.
SELECT name FROM clinic.patients ORDER BY name DESC LIMIT 2;
SELECT * FROM public.reads();
SELECT name FROM clinic.patients ORDER BY name OFFSET 3;
SELECT * FROM public.reads();
SELECT n.name FROM (SELECT name FROM clinic.patients ORDER BY name LIMIT 1) AS n;
SELECT * FROM public.reads();

-- Joins: of each table the rows that the result is made of.
SELECT p.name, a.starts_at FROM clinic.patients p JOIN clinic.appointments a ON a.patient_id = p.patient_id WHERE p.name < 'C' ORDER BY 2;
SELECT * FROM public.reads();
SELECT p.name, a.starts_at FROM clinic.patients p LEFT JOIN clinic.appointments a USING (patient_id) WHERE p.name > 'D' ORDER BY 1 DESC LIMIT 1;
SELECT * FROM public.reads();
SET enable_hashjoin = off; SET enable_nestloop = off;
SELECT p.name FROM clinic.patients p JOIN clinic.appointments a ON a.patient_id = p.patient_id ORDER BY a.starts_at DESC LIMIT 1;
SELECT * FROM public.reads();
RESET enable_hashjoin; RESET enable_nestloop;
-- A view joins apart from what is around it: of patients that its join read ahead, those have left whose appointment did.
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT patient_name FROM clinic.appointments WHERE starts_at = '2026-03-03T11:00Z';
SELECT * FROM public.reads();
RESET enable_mergejoin; RESET enable_nestloop;
-- Whose names nobody asked for were not read.
SELECT a.local_starts_at FROM clinic.appointments a JOIN (VALUES (1)) v (n) ON true WHERE a.starts_at = '2026-03-03T12:00Z';
SELECT * FROM public.reads();

-- Queries in queries.
WITH w AS MATERIALIZED (SELECT patient_id, name FROM clinic.patients) SELECT name FROM w WHERE name = 'Cid';
SELECT * FROM public.reads();
WITH w AS (SELECT name FROM clinic.patients ORDER BY name LIMIT 2) SELECT name FROM w;
SELECT * FROM public.reads();
SELECT (SELECT name FROM clinic.patients WHERE name = 'Eve') AS name;
SELECT * FROM public.reads();
SELECT 'there' AS eve WHERE EXISTS (SELECT FROM clinic.patients WHERE name = 'Eve');
SELECT * FROM public.reads();
SELECT name FROM clinic.patients WHERE name = 'Ann' UNION SELECT name FROM clinic.patients WHERE name = 'Ben' ORDER BY 1;
SELECT * FROM public.reads();
SELECT name FROM clinic.patients UNION ALL SELECT confirmation_code FROM clinic.appointments WHERE starts_at < '2026-03-03T10:30Z' ORDER BY 1 DESC LIMIT 0;
SELECT * FROM public.reads();

-- Sums are made of rows; groups by the key are rows.
SELECT count(*) FROM clinic.appointments WHERE starts_at > '2026-03-03T11:30Z';
SELECT * FROM public.reads();
SELECT json_agg(name ORDER BY name) FROM clinic.patients WHERE name < 'C';
SELECT * FROM public.reads();
SELECT json_agg(t) FROM (SELECT name FROM clinic.patients ORDER BY name DESC LIMIT 2) AS t;
SELECT * FROM public.reads();
SELECT patient_id IS NULL AS none, count(*) FROM clinic.patients GROUP BY patient_id HAVING min(name) = 'Dan';
SELECT * FROM public.reads();

-- Cursors: what was fetched.
BEGIN;
DECLARE c CURSOR FOR SELECT name FROM clinic.patients ORDER BY name;
FETCH 3 FROM c;
COMMIT;
SELECT * FROM public.reads();

-- Whatever becomes of the transaction.
BEGIN READ ONLY;
SELECT name FROM clinic.patients WHERE name = 'Ann';
COMMIT;
SELECT * FROM public.reads();
BEGIN;
SAVEPOINT s;
SELECT name FROM clinic.patients WHERE name = 'Ben';
ROLLBACK TO s;
SELECT name FROM clinic.patients WHERE name = 'Cid';
ROLLBACK;
SELECT * FROM public.reads();
SELECT 1 / (name <> 'Dan')::integer AS one FROM (SELECT name FROM clinic.patients ORDER BY name OFFSET 0) AS t;
SELECT * FROM public.reads();

-- Prepared statements, functions, blocks.
PREPARE q (text) AS SELECT name FROM clinic.patients WHERE name = $1;
EXECUTE q('Ann');
EXECUTE q('Eve');
SELECT * FROM public.reads();
CREATE FUNCTION pg_temp.names(text) RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT name FROM clinic.patients WHERE name > $1; END';
SELECT * FROM pg_temp.names('D');
SELECT * FROM public.reads();
DO $$ DECLARE n text; BEGIN FOR n IN SELECT name FROM clinic.patients ORDER BY name LOOP EXIT; END LOOP; END $$;
SELECT * FROM public.reads();

-- Into tables and files. COPY is an export; the client says what else it does.
CREATE TEMPORARY TABLE kept AS SELECT name FROM clinic.patients WHERE name = 'Ann';
INSERT INTO kept SELECT name FROM clinic.patients WHERE name = 'Ben';
SELECT * FROM public.reads();
COPY (SELECT name FROM clinic.patients WHERE name > 'D' ORDER BY 1) TO STDOUT;
SELECT * FROM public.reads();
SET clinic.access_action = 'print';
SELECT name FROM clinic.patients WHERE name = 'Cid';
SET clinic.access_action = 'steal';
RESET clinic.access_action;
SELECT * FROM public.reads();

-- Functions that return rows of patients say so.
SELECT count(*) FROM clinic.list_patients() WHERE name = 'Ann';
SELECT * FROM public.reads();
SELECT patient_name FROM clinic.list_appointments('2026-03-03T00:00Z', '2026-03-03T10:30Z');
SELECT * FROM public.reads();
SELECT patient FROM clinic.day_sheet('2026-03-03') WHERE kind = 'booked' ORDER BY starts_at;
SELECT * FROM public.reads();
SELECT clinic.get_patient((:p || '02')::uuid) ->> 'name' AS name;
SELECT * FROM public.reads();
-- What finds free time reads appointments of others, and returns none.
SELECT count(*) > 0 AS free FROM clinic.available_slots(:visit, '2026-03-03T09:00Z', '2026-03-03T12:00Z');
SELECT * FROM public.reads();

-- What a function of one's own sees has been read, whatever WHERE, LIMIT, OFFSET and HAVING drop afterwards.
CREATE TEMPORARY TABLE told (seen text);
CREATE FUNCTION pg_temp.tell(seen text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN INSERT INTO told VALUES (seen); RETURN false; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
SELECT patient_id FROM clinic.patients WHERE pg_temp.tell(name);
SELECT * FROM public.reads();
SELECT pg_temp.tell(name) FROM clinic.patients OFFSET 5;
SELECT * FROM public.reads();
SELECT 1 AS one FROM clinic.patients ORDER BY pg_temp.tell(name) LIMIT 1;
SELECT * FROM public.reads();
SELECT name FROM clinic.patients GROUP BY name, patient_id HAVING pg_temp.tell(name);
SELECT * FROM public.reads();
SELECT p.patient_id FROM clinic.patients p, LATERAL pg_temp.tell(p.name) AS t WHERE t;
SELECT * FROM public.reads();
SELECT 1 AS one WHERE (SELECT count(*) FROM clinic.patients WHERE pg_temp.tell(name)) > 0;
SELECT * FROM public.reads();
CREATE DOMAIN pg_temp.telling AS text CHECK (NOT pg_temp.tell(VALUE));
SELECT name::pg_temp.telling FROM clinic.patients OFFSET 5;
SELECT * FROM public.reads();
SELECT set_config('reads.seen', name, false) FROM clinic.patients OFFSET 5;
SELECT * FROM public.reads();
PREPARE dropped AS SELECT pg_temp.tell(name) FROM clinic.patients OFFSET 5;
EXECUTE dropped;
EXECUTE dropped;
SELECT * FROM public.reads();
-- An error says what it stumbled over.
DO $$ BEGIN PERFORM name::integer FROM clinic.patients WHERE name = 'Cid'; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', SQLERRM; END $$;
SELECT * FROM public.reads();
-- What says which records look alike says so itself.
SELECT matched FROM clinic.find_duplicates(demographics => '{"name": "Cid"}', threshold => 0.1);
SELECT * FROM public.reads();
SELECT count(*) FROM clinic.find_duplicates((:p || '01')::uuid);
SELECT * FROM public.reads();

-- Refused attempts, though they end their transaction.
SELECT clinic.get_patient('5e7000a8-0090-7000-8000-00000000000f');
SELECT clinic.create_patient('Fay');
SELECT * FROM public.reads();
SET SESSION AUTHORIZATION reads_nobody;
SELECT name FROM clinic.patients;
SELECT * FROM public.reads();
RESET SESSION AUTHORIZATION;

-- Who passes row security is seen at the tables themselves, and each row is told to its tenant.
SELECT name FROM clinic_data.patients WHERE tenant_id = :T AND name = 'Eve';
SELECT * FROM public.reads();
SELECT count(*) FROM clinic_data.audit_records a
 WHERE a.tenant_id = :T AND a.actor IS NULL AND a.login = current_user AND a.application_name = 'reads' AND a.action = 'view';
COPY clinic_data.communication_preferences TO '/dev/null';
CREATE TABLE public.reads_own (tenant_id uuid, note_id uuid PRIMARY KEY, patient_id uuid, words text);
INSERT INTO public.reads_own VALUES (:T, '5e7000a8-00aa-7000-8000-000000000007', (:p || '03')::uuid, 'x');
SELECT clinic.enable_read_audit('public.reads_own', patient_column => 'patient_id');
SELECT * FROM public.reads() \g /dev/null
COPY public.reads_own (words) TO STDOUT;
SELECT words FROM public.reads_own;
SELECT * FROM public.reads();
SELECT clinic.disable_read_audit('public.reads_own');
SELECT words FROM public.reads_own;
SELECT * FROM public.reads();
SELECT clinic.enable_read_audit('public.reads_own', 'words');
SELECT clinic.enable_read_audit('clinic_data.users');

-- Parallel workers: the rows that pass, or a plan that this session runs alone.
CREATE TABLE public.reads_many (tenant_id uuid, note_id uuid PRIMARY KEY, n integer);
INSERT INTO public.reads_many SELECT :T, ('5e7000a8-00ab-7000-8000-' || lpad(n::text, 12, '0'))::uuid, n FROM generate_series(1, 20000) AS n;
ANALYZE public.reads_many;
SELECT clinic.enable_read_audit('public.reads_many') \g /dev/null
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT n FROM public.reads_many WHERE n % 5000 = 1;
SELECT count(*) FROM (SELECT n FROM public.reads_many WHERE n % 5000 = 1 OFFSET 0) AS t;
SELECT n FROM public.reads_many WHERE n % 5000 = 1 ORDER BY n;
SELECT action, relation, length(rows) AS told, row_count FROM public.reads();
SELECT sum(n) FROM public.reads_many;
SELECT relation, sum(row_count) FROM public.reads() GROUP BY 1;
SELECT count(*) FROM public.reads_many;
SELECT relation, length(rows) AS told, row_count FROM public.reads();
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;

-- So it is there, where a function in the condition sees rows before they are counted.
CREATE FUNCTION pg_temp.tell_all(seen text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN false; END $$;
SELECT name FROM clinic_data.patients WHERE tenant_id = :T AND pg_temp.tell_all(name);
SELECT action, relation, rows, row_count >= 5 AS enough FROM public.reads();

-- Finding records by patient.
SELECT count(*) > 5 AS several, bool_and(a.tenant_id = r.tenant_id) AS sound
  FROM clinic_data.audit_read_patients r JOIN clinic_data.audit_records a USING (tenant_id, audit_id)
 WHERE r.patient_id = (:p || '03')::uuid;
SELECT clinic.ingest_audit() >= 0 AS ingested;
SELECT files > 0 AS files, waiting_bytes, trouble FROM clinic.read_audit_status();

DROP TABLE public.reads_own, public.reads_many, public.reads_seen;
DROP FUNCTION public.reads;
BEGIN;
SELECT clinic.use_tenant(:T), clinic.unmap_login('reads_admin'), clinic.unmap_login('reads_clerk') \g /dev/null
COMMIT;
DROP OWNED BY reads_admin, reads_clerk, reads_nobody;
DROP ROLE reads_admin, reads_clerk, reads_nobody;
