-- The read views: who sees what.
SET client_min_messages = warning;
SELECT current_database() AS home \gset
-- What a broken run may have left.
DROP DATABASE IF EXISTS regress_clinic_views;
DROP ROLE IF EXISTS regress_clinic_desk, regress_clinic_patient, regress_clinic_hill, regress_clinic_nobody, regress_clinic_stranger;
CREATE DATABASE regress_clinic_views;
\c regress_clinic_views
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
\getenv abs_srcdir PG_ABS_SRCDIR
\set seed :abs_srcdir '/support/seed_small.sql'
\set ECHO none
\i :seed
\set ECHO all

CREATE ROLE regress_clinic_desk LOGIN IN ROLE clinic_user;
CREATE ROLE regress_clinic_patient LOGIN IN ROLE clinic_user;
CREATE ROLE regress_clinic_hill LOGIN IN ROLE clinic_user;
CREATE ROLE regress_clinic_nobody LOGIN IN ROLE clinic_user;
CREATE ROLE regress_clinic_stranger LOGIN;
INSERT INTO clinic_data.logins (tenant_id, login, actor, patient_id, permissions) VALUES
    ('00000001-0000-7000-8000-000000000001', 'regress_clinic_desk', 'staff', NULL, '{appointments:read,patients:read}'),
    ('00000001-0000-7000-8000-000000000001', 'regress_clinic_patient', 'patient', '00000001-0090-7000-8000-000000000001', '{}'),
    ('00000002-0000-7000-8000-000000000001', 'regress_clinic_hill', 'staff', NULL, '{appointments:read,patients:read}');

-- How many rows of each view, and of how many tenants.
CREATE FUNCTION public.look() RETURNS TABLE (view_name name, rows bigint, tenants bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR view_name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'clinic'::regnamespace AND c.relkind = 'v'
                     ORDER BY c.relname COLLATE "C" LOOP
        EXECUTE format('SELECT count(*), count(DISTINCT tenant_id) FROM clinic.%I', view_name) INTO rows, tenants;
        RETURN NEXT;
    END LOOP;
END
$$;

SET SESSION AUTHORIZATION regress_clinic_desk;
SELECT * FROM look();
SELECT confirmation_code, provider_name, service_name, location_name, patient_name, time_zone FROM clinic.appointments ORDER BY 1;
SELECT patient_id IS NOT NULL AS patient, title FROM clinic.blocks;
SELECT name, needs FROM clinic.services;
SELECT resource_kind, kind, busy_from, busy_until FROM clinic.busy_times ORDER BY 3;

SET SESSION AUTHORIZATION regress_clinic_patient;
SELECT * FROM look();
SELECT confirmation_code, provider_name, patient_name, overridden FROM clinic.appointments ORDER BY 1;
SELECT mrn FROM clinic.patients;
SELECT patient_id IS NOT NULL AS patient, title FROM clinic.blocks;
SELECT count(*) AS busy FROM clinic.busy_times;

SET SESSION AUTHORIZATION regress_clinic_hill;
SELECT * FROM look() WHERE rows > 0;

SET SESSION AUTHORIZATION regress_clinic_nobody;
SELECT sum(rows) AS rows FROM look();

-- Views are read, not written; tables are neither; strangers have nothing.
SET SESSION AUTHORIZATION regress_clinic_desk;
INSERT INTO clinic.locations (tenant_id, location_id, name, time_zone) VALUES (clinic.current_tenant_id(), clinic.new_id(), 'L', 'UTC');
UPDATE clinic.patients SET name = 'X';
DELETE FROM clinic.appointments;
SELECT count(*) FROM clinic_data.patients;
SET SESSION AUTHORIZATION regress_clinic_stranger;
SELECT count(*) FROM clinic.locations;

-- A function of the caller's sees no row that row security hides, however cheap it claims to be.
SET SESSION AUTHORIZATION regress_clinic_patient;
CREATE FUNCTION pg_temp.spy(name text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'saw %', name; RETURN true; END $$;
SET client_min_messages = notice;
SELECT name FROM clinic.patients WHERE pg_temp.spy(name);
SELECT confirmation_code FROM clinic.appointments WHERE pg_temp.spy(confirmation_code);
RESET client_min_messages;

\c :home
SET client_min_messages = warning;
DROP DATABASE regress_clinic_views;
DROP ROLE regress_clinic_desk, regress_clinic_patient, regress_clinic_hill, regress_clinic_nobody, regress_clinic_stranger;
