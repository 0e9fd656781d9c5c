-- Bad input of the set-up API: each refused with a state, a message, facts and mostly a hint; nothing changed; no row shown.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE setup_errors_admin LOGIN IN ROLE clinic_admin;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never

-- Runs a command and returns its error.
CREATE FUNCTION pg_temp.attempt(command text, OUT state text, OUT message text, OUT detail text, OUT hint text)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'DONE';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END
$$;

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'setup-errors', name => 'Setup Errors', tenant_id => '5e700002-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login(login => 'setup_errors_admin', actor => 'admin', permissions => '{*}') \g /dev/null
COMMIT;
SET SESSION AUTHORIZATION setup_errors_admin;
BEGIN;
SELECT clinic.create_location('Here', 'Europe/Berlin', location_id => '5e700002-0010-7000-8000-000000000001'),
       clinic.create_location('There', 'Asia/Kolkata', location_id => '5e700002-0010-7000-8000-000000000002'),
       clinic.create_provider('Dr. One', 'Europe/Berlin', provider_id => '5e700002-0020-7000-8000-000000000001'),
       clinic.create_service('Visit', 30, service_id => '5e700002-0040-7000-8000-000000000001'),
       clinic.create_patient('Secret Name', mrn => 'SECRET-1', patient_id => '5e700002-0090-7000-8000-000000000001')
\g /dev/null
SELECT clinic.create_resource('Room', 'room', 'treatment_room', '5e700002-0010-7000-8000-000000000001',
                              resource_id => '5e700002-0030-7000-8000-000000000001'),
       clinic.add_hours('5e700002-0020-7000-8000-000000000001', '5e700002-0010-7000-8000-000000000001', 'FREQ=DAILY', '09:00',
                        '17:00', valid_until => '2026-12-31', rule_id => '5e700002-0050-7000-8000-000000000001'),
       clinic.open_date('5e700002-0020-7000-8000-000000000001', '5e700002-0010-7000-8000-000000000001', '2026-05-01', '09:00',
                        '10:00', override_id => '5e700002-0060-7000-8000-000000000001'),
       clinic.add_stay('5e700002-0020-7000-8000-000000000001', '2026-06-01', '2026-06-10', 'Asia/Kolkata',
                       stay_id => '5e700002-0080-7000-8000-000000000001'),
       clinic.add_holiday('5e700002-0010-7000-8000-000000000001', '2026-12-25', 'Christmas')
\g /dev/null
COMMIT;
RESET SESSION AUTHORIZATION;

CREATE TEMP TABLE attempts (n serial, command text);
INSERT INTO attempts (command) VALUES
    -- Arguments that must be there.
    ('create_tenant(NULL, NULL)'),
    ('create_location(NULL, NULL)'),
    ('create_provider(''X'', ''Europe/Paris'', buffer_after_minutes => NULL)'),
    ('create_service(''X'', NULL)'),
    ('create_patient(NULL)'),
    ('add_hours(NULL, NULL, NULL, NULL, NULL)'),
    ('add_block(NULL, ''2026-03-03'')'),
    ('update_service(NULL, ''{}'')'),
    ('update_service(''5e700002-0040-7000-8000-000000000001'', NULL)'),
    ('remove_hours(NULL)'),
    ('map_login(NULL, ''staff'')'),
    ('affected_by_block(NULL)'),
    -- Ids that name nothing, or something of another kind.
    ('update_location(''00000000-0000-0000-0000-00000000dead'', ''{"name": "X"}'')'),
    ('update_provider(''5e700002-0030-7000-8000-000000000001'', ''{"name": "X"}'')'),
    ('update_resource(''5e700002-0020-7000-8000-000000000001'', ''{"name": "X"}'')'),
    ('update_resource(''5e700002-0090-7000-8000-000000000001'', ''{"name": "X"}'')'),
    ('create_resource(''X'', ''room'', ''c'', ''00000000-0000-0000-0000-00000000dead'')'),
    ('offer_service(''5e700002-0040-7000-8000-000000000001'', ''00000000-0000-0000-0000-00000000dead'')'),
    ('withdraw_service(''5e700002-0040-7000-8000-000000000001'', ''5e700002-0020-7000-8000-000000000001'')'),
    ('require_resource(''5e700002-0040-7000-8000-000000000001'', ''lazer'')'),
    ('release_requirement(''5e700002-0040-7000-8000-000000000001'', ''treatment_room'')'),
    ('add_hours(''5e700002-0090-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=DAILY'', ''09:00'', ''17:00'')'),
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=DAILY'', ''09:00'', ''17:00'', service_ids => ''{00000000-0000-0000-0000-00000000dead}'')'),
    ('remove_hours(''00000000-0000-0000-0000-00000000dead'')'),
    ('remove_override(''00000000-0000-0000-0000-00000000dead'')'),
    ('remove_holiday(''00000000-0000-0000-0000-00000000dead'')'),
    ('remove_stay(''00000000-0000-0000-0000-00000000dead'')'),
    ('remove_block(''00000000-0000-0000-0000-00000000dead'')'),
    ('affected_by_block(''00000000-0000-0000-0000-00000000dead'')'),
    ('add_block(''2026-03-03'', ''2026-03-04'', ''5e700002-0020-7000-8000-000000000001'', patient_id => ''00000000-0000-0000-0000-00000000dead'')'),
    ('map_login(''no_such_role'', ''staff'')'),
    ('unmap_login(''no_such_role'')'),
    -- Names and numbers taken.
    ('create_tenant(''setup-errors'', ''Again'')'),
    ('create_tenant(''setup-errors-2'', ''Again'', tenant_id => ''5e700002-0000-7000-8000-000000000001'')'),
    ('create_location('' Here '', ''Europe/Paris'')'),
    ('create_location(''Where'', ''Europe/Paris'', location_id => ''5e700002-0010-7000-8000-000000000001'')'),
    ('update_location(''5e700002-0010-7000-8000-000000000002'', ''{"name": "Here"}'')'),
    ('create_service(''Visit'', 20)'),
    ('create_patient(''Somebody'', mrn => ''SECRET-1'')'),
    ('create_patient(''Somebody'', patient_id => ''5e700002-0090-7000-8000-000000000001'')'),
    ('create_provider(''Somebody'', ''Europe/Paris'', provider_id => ''5e700002-0090-7000-8000-000000000001'')'),
    ('add_holiday(''5e700002-0010-7000-8000-000000000001'', ''2026-12-25'', ''Again'')'),
    ('close_date(''5e700002-0020-7000-8000-000000000001'', ''2026-05-01'')'),
    ('add_stay(''5e700002-0020-7000-8000-000000000001'', ''2026-06-10'', ''2026-06-12'', ''Europe/London'')'),
    -- Zones.
    ('create_location(''X'', ''America/Miami'')'),
    ('create_location(''X'', ''EDT'')'),
    ('create_location(''X'', ''UTC+5'')'),
    ('create_location(''X'', '''')'),
    ('update_location(''5e700002-0010-7000-8000-000000000001'', ''{"time_zone": "Mars/Olympus"}'')'),
    ('add_leave(''5e700002-0020-7000-8000-000000000001'', ''2026-03-03'', ''2026-03-04'', time_zone => ''Nowhere'')'),
    -- Values out of range.
    ('create_tenant(''Not A Slug'', ''X'')'),
    ('create_tenant(''x'', ''X'', patient_overlap => ''maybe'')'),
    ('create_location(''  '', ''Europe/Paris'')'),
    ('create_location(''X'', ''Europe/Paris'', ''Germany'')'),
    ('create_service(''X'', -30)'),
    ('create_service(''X'', 0)'),
    ('create_service(''X'', 30, step_minutes => 0)'),
    ('create_service(''X'', 30, min_duration_minutes => 40)'),
    ('create_service(''X'', 30, anchor => ''noon'')'),
    ('create_service(''X'', 30, lead_time_minutes => -1)'),
    ('create_service(''X'', 30, capacity => 0)'),
    ('create_service(''X'', 30, buffer_before_minutes => -5)'),
    ('create_service(''X'', 30, color => ''red'')'),
    ('create_provider(''X'', ''Europe/Paris'', max_per_day => -1)'),
    ('create_resource(''X'', ''provider'', ''c'', ''5e700002-0010-7000-8000-000000000001'')'),
    ('create_resource(''X'', ''room'', ''c'', ''5e700002-0010-7000-8000-000000000001'', quantity => 0)'),
    ('create_patient(''X'', date_of_birth => ''2030-01-01'')'),
    ('create_patient(''X'', sex => ''f'')'),
    ('set_travel_time(''5e700002-0010-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000002'', -1)'),
    ('set_travel_time(''5e700002-0010-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', 10)'),
    ('require_resource(''5e700002-0040-7000-8000-000000000001'', ''treatment_room'', 0)'),
    ('offer_service(''5e700002-0040-7000-8000-000000000001'', ''5e700002-0020-7000-8000-000000000001'', duration_minutes => -30)'),
    ('map_login(''setup_errors_admin'', ''boss'')'),
    ('map_login(''setup_errors_admin'', ''patient'')'),
    ('map_login(''setup_errors_admin'', ''staff'', ''{appointments:read,patients:read,Diary}'')'),
    ('map_login(''setup_errors_admin'', ''staff'', ''{diary:*:read}'')'),
    -- Changes.
    ('update_service(''5e700002-0040-7000-8000-000000000001'', ''{"durations": 20, "colour": 1}'')'),
    ('update_service(''5e700002-0040-7000-8000-000000000001'', ''{"service_id": "5e700002-0040-7000-8000-000000000009"}'')'),
    ('update_service(''5e700002-0040-7000-8000-000000000001'', ''[1]'')'),
    ('update_service(''5e700002-0040-7000-8000-000000000001'', ''{"duration_minutes": "long"}'')'),
    ('update_service(''5e700002-0040-7000-8000-000000000001'', ''{"duration_minutes": -1}'')'),
    ('update_service(''5e700002-0040-7000-8000-000000000001'', ''{"duration_minutes": null}'')'),
    ('update_service(''5e700002-0040-7000-8000-000000000001'', ''{"name": "Y", "version": 7}'')'),
    ('update_patient(''5e700002-0090-7000-8000-000000000001'', ''{"date_of_birth": "unreadable"}'')'),
    ('update_patient(''5e700002-0090-7000-8000-000000000001'', ''{"date_of_birth": "2999-01-01"}'')'),
    ('update_provider(''5e700002-0020-7000-8000-000000000001'', ''{"status": "gone"}'')'),
    -- Hours.
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''EVERY DAY'', ''09:00'', ''17:00'')'),
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=HOURLY'', ''09:00'', ''17:00'')'),
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'', ''09:00'', ''17:00'')'),
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=DAILY;COUNT=3'', ''09:00'', ''17:00'', dtstart_on => ''2020-01-01'')'),
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=YEARLY'', ''09:00'', ''17:00'', dtstart_on => ''2026-01-01'', valid_until => ''2026-06-30'')'),
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=DAILY'', ''09:00'', ''17:00'', valid_until => ''2026-03-01'')'),
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=DAILY'', ''24:00'', ''07:00'')'),
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=DAILY'', ''09:00'', ''17:00'', valid_from => ''infinity'')'),
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=DAILY'', ''09:00'', ''17:00'', service_ids => ''{}'')'),
    ('add_hours(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''FREQ=DAILY'', ''09:00'', ''17:00'', max_appointments => -1)'),
    ('change_hours(''5e700002-0050-7000-8000-000000000001'', ''2027-01-01'')'),
    ('change_hours(''5e700002-0050-7000-8000-000000000001'', ''2026-04-01'', clear => ''{rule}'')'),
    ('change_hours(''5e700002-0050-7000-8000-000000000001'', ''2026-04-01'', rule => ''FREQ=DAILY;UNTIL=20260331'')'),
    ('end_hours(''5e700002-0050-7000-8000-000000000001'', ''2026-01-01'')'),
    ('open_date(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''infinity'', ''09:00'', ''17:00'')'),
    ('open_date(''5e700002-0020-7000-8000-000000000001'', ''5e700002-0010-7000-8000-000000000001'', ''2026-04-01'', ''24:00'', ''17:00'')'),
    ('add_stay(''5e700002-0020-7000-8000-000000000001'', ''2026-04-10'', ''2026-04-01'', ''Europe/London'')'),
    -- Blocks.
    ('add_block(''2026-03-03 10:00+00'', ''2026-03-03 09:00+00'', ''5e700002-0020-7000-8000-000000000001'')'),
    ('add_block(''2026-03-03 10:00+00'', ''2026-03-03 10:00+00'', ''5e700002-0020-7000-8000-000000000001'')'),
    ('add_block(''2026-03-03 10:00+00'', ''infinity'', ''5e700002-0020-7000-8000-000000000001'')'),
    ('add_block(''2026-03-03 10:00+00'', ''12026-03-03 10:00+00'', ''5e700002-0020-7000-8000-000000000001'')'),
    ('add_block(''2026-03-03 10:00+00'', ''2026-03-03 11:00+00'')'),
    ('add_block(''2026-03-03 10:00+00'', ''2026-03-03 11:00+00'', ''5e700002-0020-7000-8000-000000000001'', kind => ''party'')'),
    ('add_leave(''5e700002-0020-7000-8000-000000000001'', ''2026-04-10'', ''2026-04-01'')'),
    ('add_break(''5e700002-0020-7000-8000-000000000001'', ''FREQ=DAILY;BYHOUR=3'', ''12:00'', ''13:00'')'),
    ('add_break(NULL, ''FREQ=DAILY'', ''12:00'', ''13:00'')');
CREATE TEMP VIEW everything AS
    SELECT sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM clinic_data.%I', c.relname),
                                                    false, true, '')))[1]::text::bigint) AS rows
    FROM pg_class AS c
    WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind = 'r';
SELECT e.rows AS rows_before FROM everything AS e \gset
GRANT SELECT ON attempts TO setup_errors_admin;
SET SESSION AUTHORIZATION setup_errors_admin;

\pset format unaligned
\pset fieldsep '\n    '
\pset null -
\pset footer off
SELECT a.command, r.state, r.message, r.detail, r.hint
FROM attempts AS a CROSS JOIN LATERAL pg_temp.attempt('SELECT clinic.' || a.command) AS r
ORDER BY a.n;

-- Nothing was done, nothing was changed, and no error shows a patient or a row.
SELECT a.command AS "what was done"
FROM attempts AS a CROSS JOIN LATERAL pg_temp.attempt('SELECT clinic.' || a.command) AS r
WHERE r.message = 'DONE' OR concat(r.message, r.detail, r.hint) ~ 'Failing row|SECRET|Secret|unreadable';
RESET SESSION AUTHORIZATION;
SELECT e.rows = :rows_before AS "nothing changed" FROM everything AS e;
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.use_tenant('setup-errors') \g /dev/null
SELECT clinic.unmap_login('setup_errors_admin') \g /dev/null
COMMIT;
RESET ROLE;
DROP OWNED BY setup_errors_admin;
DROP ROLE setup_errors_admin;
