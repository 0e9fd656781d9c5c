-- Bad input of searching and booking: said clearly, and nothing changed. Other tenants' ids are like ids of nobody.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE regress_search_errors LOGIN IN ROLE clinic_admin;
GRANT SET ON PARAMETER clinic.clock TO regress_search_errors;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set ny '\'5c000018-0010-7000-8000-000000000001\''
\set ann '\'5c000018-0020-7000-8000-0000000000a1\''
\set bob '\'5c000018-0020-7000-8000-0000000000b2\''
\set visit '\'5c000018-0040-7000-8000-000000000001\''
\set pat1 '\'5c000018-0090-7000-8000-000000000001\''
\set pat2 '\'5c000018-0090-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'regress-search-errors', name => 'Test', tenant_id => '5c000018-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('regress_search_errors', 'admin', '{*}') \g /dev/null
SELECT clinic.create_location('New York', 'America/New_York', location_id => :ny),
       clinic.create_provider('Ann', 'America/New_York', provider_id => :ann),
       clinic.create_provider('Bob', 'America/New_York', provider_id => :bob),
       clinic.create_service('Visit', 30, service_id => :visit),
       clinic.create_patient('Secret One', patient_id => :pat1),
       clinic.create_patient('Secret Two', patient_id => :pat2) \g /dev/null
SELECT clinic.offer_service(:visit, p) FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.add_hours(p, :ny, 'FREQ=DAILY', '09:00', '12:00', valid_from => '2026-03-01') FROM unnest(ARRAY[:ann, :bob]::uuid[]) AS p \g /dev/null
SELECT clinic.create_tenant(slug => 'regress-foreign', name => 'Foreign', tenant_id => '5c0000f8-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.create_location('Foreign', 'Europe/London', location_id => '5c0000f8-0010-7000-8000-000000000001'),
       clinic.create_provider('Foreign', 'Europe/London', provider_id => '5c0000f8-0020-7000-8000-000000000001'),
       clinic.create_service('Foreign', 30, service_id => '5c0000f8-0040-7000-8000-000000000001'),
       clinic.create_patient('Foreign', patient_id => '5c0000f8-0090-7000-8000-000000000001'),
       clinic.create_resource('Foreign', 'room', 'room', '5c0000f8-0010-7000-8000-000000000001', resource_id => '5c0000f8-0030-7000-8000-000000000001') \g /dev/null
SELECT clinic.offer_service('5c0000f8-0040-7000-8000-000000000001', '5c0000f8-0020-7000-8000-000000000001'),
       clinic.add_hours('5c0000f8-0020-7000-8000-000000000001', '5c0000f8-0010-7000-8000-000000000001', 'FREQ=DAILY', '09:00', '17:00', valid_from => '2026-03-01') \g /dev/null
SELECT b.appointment_id AS foreign FROM clinic.book_appointment('5c0000f8-0040-7000-8000-000000000001', '5c0000f8-0090-7000-8000-000000000001', '2026-03-03 09:00Z') AS b \gset
COMMIT;
SET SESSION AUTHORIZATION regress_search_errors;

-- What a command says when it is refused; ids that differ from run to run are left out of the detail.
CREATE FUNCTION pg_temp.attempt(command text) RETURNS TABLE (state text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'done'; RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    detail := regexp_replace(detail, '019[0-9a-f]{5}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', '(id)', 'g');
    RETURN NEXT;
END $$;

SELECT b.appointment_id AS id FROM clinic.book_appointment(:visit, :pat1, '2026-03-03 09:00-05', :ann) AS b \gset
CREATE TEMP TABLE commands (n serial, command text);
INSERT INTO commands (command) VALUES
    -- nulls
    ($$available_slots(NULL, '2026-03-03', '2026-03-04')$$),
    ($$available_slots(:visit, NULL, '2026-03-04')$$),
    ($$available_slots(:visit, '2026-03-03', NULL)$$),
    ($$available_slots(:visit, '2026-03-03', '2026-03-04', resource_ids => ARRAY[NULL]::uuid[])$$),
    ($$first_available(:visit, NULL, NULL)$$),
    ($$explain_slot(NULL, '2026-03-03')$$),
    ($$explain_slot(:visit, NULL)$$),
    ($$book_appointment(NULL, :pat1, '2026-03-03 10:00-05')$$),
    ($$book_appointment(:visit, NULL, '2026-03-03 10:00-05')$$),
    ($$book_appointment(:visit, :pat1, NULL)$$),
    ($$open_hours(NULL, '2026-03-03', '2026-03-04')$$),
    ($$blocked_times(NULL, '2026-03-03', '2026-03-04')$$),
    -- ranges
    ($$available_slots(:visit, '2026-03-04', '2026-03-03')$$),
    ($$available_slots(:visit, '2026-03-03', 'infinity')$$),
    ($$available_slots(:visit, '-infinity', '2026-03-03')$$),
    ($$available_slots(:visit, '2026-03-03', '2027-03-04 00:00:00.000001')$$),
    ($$first_available(:visit, '2026-03-03', '2036-03-03')$$),
    ($$available_days(:visit, '2026-03-04', '2026-03-03')$$),
    ($$open_hours(ARRAY[:ann]::uuid[], '2026-03-03', '2036-03-03')$$),
    ($$blocked_times(ARRAY[:ann]::uuid[], '2026-03-04', '2026-03-03')$$),
    ($$explain_slot(:visit, 'infinity')$$),
    ($$book_appointment(:visit, :pat1, '-infinity')$$),
    -- lengths and numbers
    ($$available_slots(:visit, '2026-03-03', '2026-03-04', duration => '0')$$),
    ($$available_slots(:visit, '2026-03-03', '2026-03-04', duration => '-30 minutes')$$),
    ($$available_slots(:visit, '2026-03-03', '2026-03-04', duration => '1 month')$$),
    ($$available_slots(:visit, '2026-03-03', '2026-03-04', duration => '7 days 1 microsecond')$$),
    ($$available_slots(:visit, '2026-03-03', '2026-03-04', max_rows => -1)$$),
    ($$book_appointment(:visit, :pat1, '2026-03-03 10:00-05', duration => '-1 minute')$$),
    ($$book_appointment(:visit, :pat1, '2026-03-03 10:00-05', buffer_after_minutes => -1)$$),
    ($$book_appointment(:visit, :pat1, '2026-03-03 10:00-05', buffer_before_minutes => 1441)$$),
    ($$book_appointment(:visit, :pat1, '2026-03-03 10:00-05', override => true)$$),
    -- in the past, off the grid, outside hours
    ($$book_appointment(:visit, :pat1, '2026-03-01 10:00-05', :ann)$$),
    ($$book_appointment(:visit, :pat1, '2026-03-03 10:01-05', :ann)$$),
    ($$book_appointment(:visit, :pat1, '2026-03-03 20:00-05', :ann)$$),
    -- unknown ids
    ($$available_slots(:nobody, '2026-03-03', '2026-03-04')$$),
    ($$available_slots(:visit, '2026-03-03', '2026-03-04', provider_id => :nobody)$$),
    ($$available_slots(:visit, '2026-03-03', '2026-03-04', location_id => :nobody)$$),
    ($$available_slots(:visit, '2026-03-03', '2026-03-04', patient_id => :nobody)$$),
    ($$available_slots(:visit, '2026-03-03', '2026-03-04', resource_ids => ARRAY[:nobody]::uuid[])$$),
    ($$book_appointment(:nobody, :pat1, '2026-03-03 10:00-05')$$),
    ($$book_appointment(:visit, :nobody, '2026-03-03 10:00-05')$$),
    ($$book_appointment(:visit, :pat1, '2026-03-03 10:00-05', :nobody)$$),
    ($$book_appointment(:visit, :pat1, '2026-03-03 10:00-05', location_id => :nobody)$$),
    ($$reschedule_appointment(:nobody, '2026-03-03 10:00-05')$$),
    ($$cancel_appointment(:nobody)$$),
    ($$swap_appointments(:'id', :nobody)$$);
UPDATE commands SET command = replace(replace(replace(replace(replace(command, ':visit', quote_literal(:visit)), ':pat1', quote_literal(:pat1)), ':ann', quote_literal(:ann)),
    ':nobody', quote_literal('5c000018-ffff-7000-8000-00000000000f')), ':''id''', quote_literal(:'id'));
\pset format unaligned
\pset fieldsep '\n    '
\pset null -
\pset footer off
SELECT replace(regexp_replace(c.command, '019[0-9a-f-]{33}', '(id)'), '5c000018-', '') AS command, a.state, a.message, regexp_replace(a.detail, '"alternatives": \[\{.*\}\]', '"alternatives": [...]') AS detail, a.hint
FROM commands AS c CROSS JOIN LATERAL pg_temp.attempt('SELECT * FROM clinic.' || c.command) AS a ORDER BY c.n;
-- What was done, and errors that show a name.
SELECT c.command FROM commands AS c CROSS JOIN LATERAL pg_temp.attempt('SELECT * FROM clinic.' || c.command) AS a WHERE a.message = 'done' OR concat(a.message, a.detail, a.hint) ~ 'Secret|Ann|Foreign';
-- The hours of nobody are no error, but empty.
SELECT count(*) FROM clinic.open_hours(ARRAY['5c000018-ffff-7000-8000-00000000000f']::uuid[], '2026-03-03', '2026-03-04');
-- Another tenant's ids say word for word what ids of nobody say.
SELECT c.command FROM commands AS c, (VALUES ('0010'), ('0020'), ('0030'), ('0040'), ('0090')) AS k (kind),
    LATERAL (SELECT format('5c0000f8-%s-7000-8000-000000000001', kind) AS id) AS f,
    LATERAL pg_temp.attempt('SELECT * FROM clinic.' || c.command) AS own,
    LATERAL pg_temp.attempt('SELECT * FROM clinic.' || replace(c.command, '5c000018-ffff-7000-8000-00000000000f', f.id)) AS theirs
WHERE c.command ~ 'ffff' AND (own.state, own.message, replace(own.detail, '5c000018-ffff-7000-8000-00000000000f', f.id), own.hint) IS DISTINCT FROM (theirs.state, theirs.message, theirs.detail, theirs.hint);
SELECT own.message, own.hint, own.message = theirs.message AND own.hint = theirs.hint AS same
FROM pg_temp.attempt($$SELECT clinic.cancel_appointment('5c000018-ffff-7000-8000-00000000000f')$$) AS own, pg_temp.attempt(format('SELECT clinic.cancel_appointment(%L)', :'foreign')) AS theirs;
SELECT e.reason, e.source FROM clinic.explain_slot('5c0000f8-0040-7000-8000-000000000001', '2026-03-03 09:00Z') AS e;
-- Nothing of theirs is to be seen.
SELECT count(*) FROM clinic.open_hours(ARRAY['5c0000f8-0020-7000-8000-000000000001']::uuid[], '2026-03-03', '2026-03-10');
SELECT count(*) FROM clinic.appointments AS a WHERE a.service_id <> :visit;
SELECT count(*) FROM clinic.check_integrity();
-- Nothing changed.
SELECT a.starts_at, a.status, a.version FROM clinic.appointments AS a;
-- Without a context.
RESET SESSION AUTHORIZATION;
SELECT DISTINCT a.state, a.message, a.hint FROM commands AS c CROSS JOIN LATERAL pg_temp.attempt('SELECT * FROM clinic.' || c.command) AS a;
SELECT count(*) FROM clinic.check_integrity();

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_search_errors;
DROP ROLE regress_search_errors;
