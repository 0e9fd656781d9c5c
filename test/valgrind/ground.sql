CREATE EXTENSION pg_clinic CASCADE;

SELECT count(*) FROM clinic.occurrences('FREQ=WEEKLY;BYDAY=MO,WE', '2026-01-05 09:00', 'Europe/Vienna', '2026-03-20', '2027-04-05');

SELECT clinic.occurrences('FREQ=DAILY', timestamp '2026-01-05', 'Asia/Kolkata', max_count => 100) LIMIT 3;

SELECT count(*) FROM clinic.occurrences(E'DTSTART;TZID=Europe/Vienna:20260105T090000\nRRULE:FREQ=DAILY;COUNT=20\nEXDATE;TZID=Europe/Vienna:20260106T090000');

DO $$ BEGIN PERFORM 'FREQ=NEVER'::clinic.rrule; EXCEPTION WHEN OTHERS THEN NULL; END $$;

DO $$ BEGIN PERFORM clinic.next_occurrence('FREQ=DAILY', 'nope', 'UTC', 'nope'); EXCEPTION WHEN OTHERS THEN NULL; END $$;

DO $$ BEGIN PERFORM clinic_private.raise_error('full', 'x', '{"a": 1}', 'y'); EXCEPTION WHEN OTHERS THEN NULL; END $$;

SELECT '{"freq": "WEEKLY", "byday": ["MO", "TH"], "until": "2026-01-01"}'::jsonb::clinic.rrule, 'byday=mo;freq=weekly'::clinic.rrule::jsonb;

SELECT clinic.describe_rrule('FREQ=WEEKLY;BYDAY=MO'), clinic.new_id(), clinic.uuid_floor(now()), clinic.now();

CREATE SCHEMA clinic_data;

CREATE TABLE clinic_data.tenants (tenant_id uuid, slug text, status text);

CREATE TABLE clinic_data.logins (tenant_id uuid, login name, actor text, user_id uuid, patient_id uuid, permissions text[], active boolean);

INSERT INTO clinic_data.tenants VALUES (clinic.new_id(), 'north', 'active');

INSERT INTO clinic_data.logins SELECT tenant_id, 'postgres', 'staff', NULL, NULL, '{a:*,b}', true FROM clinic_data.tenants;

ALTER TABLE clinic_data.tenants OWNER TO clinic_owner;

ALTER TABLE clinic_data.logins OWNER TO clinic_owner;

SELECT * FROM clinic.whoami();

SELECT clinic.use_tenant('north'), clinic.current_tenant_id(), clinic.has_permission('a');

SET clinic.clock = '2026-01-01 00:00Z';

SELECT * FROM clinic.error_codes();

EXPLAIN SELECT * FROM clinic.occurrences('FREQ=DAILY', '2026-01-05', 'UTC', '2026-01-01', '2027-01-01');

RESET clinic.clock;

DROP SCHEMA clinic_data CASCADE;

DROP EXTENSION pg_clinic CASCADE;
