-- What clinic.install() and clinic.migrate() say. test/t/install_migrate.sh looks at what they do.
SET client_min_messages = warning;
SELECT current_database() AS home \gset
-- What a broken run may have left.
DROP DATABASE IF EXISTS regress_clinic_install;
DROP ROLE IF EXISTS regress_clinic_dba;
CREATE DATABASE regress_clinic_install;
\c regress_clinic_install
SET client_min_messages = warning;
\set SHOW_CONTEXT never

-- A schema that somebody else has prepared, with or without the extension's name on it.
CREATE ROLE regress_clinic_dba LOGIN;
CREATE SCHEMA clinic AUTHORIZATION regress_clinic_dba;
CREATE EXTENSION pg_clinic CASCADE;
DROP SCHEMA clinic;
CREATE EXTENSION pg_clinic CASCADE;
CREATE SCHEMA clinic_data AUTHORIZATION regress_clinic_dba;
CALL clinic.install();
DROP SCHEMA clinic_data;

-- Before the first install.
CALL clinic.migrate();
SELECT installed, current_no, newest_no, pending, mismatched, unknown FROM clinic.schema_status();

-- Who may not.
SET SESSION AUTHORIZATION regress_clinic_dba;
CALL clinic.install();
CALL clinic.migrate();
SELECT installed FROM clinic.schema_status();
RESET SESSION AUTHORIZATION;
SET ROLE clinic_owner;
CALL clinic.install();
RESET ROLE;
GRANT clinic_owner TO regress_clinic_dba;
SET SESSION AUTHORIZATION regress_clinic_dba;
CALL clinic.install();
RESET SESSION AUTHORIZATION;

-- The first install, and one more.
BEGIN ISOLATION LEVEL SERIALIZABLE;
CALL clinic.install();
ROLLBACK;
CALL clinic.install();
CALL clinic.install();
CALL clinic.migrate();
SELECT installed, current_no = newest_no AS current, pending, mismatched, unknown FROM clinic.schema_status();
SELECT clinic.version() = extversion AS version FROM pg_extension WHERE extname = 'pg_clinic';

-- A schema that is not what this version knows.
BEGIN;
UPDATE clinic_data.schema_migrations SET checksum = 'another' WHERE migration_no IN (1, 2);
CALL clinic.install();
ROLLBACK;
BEGIN;
INSERT INTO clinic_data.schema_migrations (migration_no, name, checksum, engine_version) VALUES (9001, 'to_come', '', '9.9');
CALL clinic.migrate();
ROLLBACK;

-- The extension is not lost by mistake.
\set VERBOSITY terse
DROP EXTENSION pg_clinic;
\set VERBOSITY default

-- Rows that the schema refuses, whoever writes them.
INSERT INTO clinic_data.tenants (tenant_id, slug, name) VALUES ('00000001-0000-7000-8000-000000000001', 'lake', 'Lake');
INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone)
    SELECT '00000001-0000-7000-8000-000000000001', clinic.new_id(), zone, zone
      FROM unnest('{Europe/Berlin, asia/kolkata, US/Eastern}'::text[]) zone;
INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone)
    VALUES ('00000001-0000-7000-8000-000000000001', clinic.new_id(), 'L', 'America/Miami');
INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone)
    VALUES ('00000001-0000-7000-8000-000000000001', clinic.new_id(), 'L', 'EDT');
INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone)
    VALUES ('00000001-0000-7000-8000-000000000001', clinic.new_id(), 'L', 'UTC+5');
INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone)
    VALUES ('00000001-0000-7000-8000-000000000001', clinic.new_id(), 'L', '');

INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, name)
    VALUES ('00000001-0000-7000-8000-000000000001', '00000001-0020-7000-8000-000000000001', 'provider', 'Dr Ada');
CREATE FUNCTION pg_temp.hours(rule text, dtstart date DEFAULT '2026-01-05') RETURNS void LANGUAGE sql AS $$
    INSERT INTO clinic_data.availability_rules
        (tenant_id, rule_id, resource_id, location_id, rule, dtstart_on, start_time, end_time, time_zone, valid_from)
    SELECT l.tenant_id, clinic.new_id(), '00000001-0020-7000-8000-000000000001', l.location_id, rule, dtstart, '09:00', '17:00',
           'Europe/Berlin', dtstart
      FROM clinic_data.locations l WHERE l.name = 'Europe/Berlin'
$$;
SELECT pg_temp.hours('FREQ=WEEKLY;BYDAY=MO');
SELECT pg_temp.hours('FREQ=HOURLY');
SELECT pg_temp.hours('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30');
SELECT pg_temp.hours('FREQ=WEEKLY;UNTIL=20251231');
SELECT pg_temp.hours('FREQ=SOMETIMES');
INSERT INTO clinic_data.blocks (tenant_id, block_id, resource_id, kind, from_on, rule, start_time, end_time, time_zone)
    VALUES ('00000001-0000-7000-8000-000000000001', clinic.new_id(), '00000001-0020-7000-8000-000000000001', 'break',
            '2026-01-05', 'FREQ=DAILY;UNTIL=20260101', '12:00', '13:00', 'Europe/Berlin');

-- Identity and versions.
UPDATE clinic_data.tenants SET tenant_id = clinic.new_id();
UPDATE clinic_data.locations SET location_id = clinic.new_id();
UPDATE clinic_data.availability_rules SET start_time = '08:00';
UPDATE clinic_data.availability_rules SET retired_at = clinic.now();
UPDATE clinic_data.tenants SET name = name;
SELECT version FROM clinic_data.tenants;
UPDATE clinic_data.tenants SET name = 'Lake Clinics', version = 17;
SELECT version FROM clinic_data.tenants;
SELECT kind, lane FROM clinic_data.resources JOIN clinic_data.calendars USING (tenant_id, resource_id);

DROP EXTENSION pg_clinic CASCADE;
SELECT count(*) FROM clinic_data.tenants;
CREATE EXTENSION pg_clinic;
CALL clinic.install();
SELECT count(*) FROM clinic_data.tenants;

\c :home
SET client_min_messages = warning;
DROP DATABASE regress_clinic_install;
DROP ROLE regress_clinic_dba;
