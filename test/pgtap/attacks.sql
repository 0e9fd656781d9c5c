-- Attacks that must fail: callers without rights, callers of another tenant, hostile SQL, altered tables, direct writes.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL clinic.clock = '2027-03-01 06:00Z';
SELECT no_plan();

-- ---------------------------------------------------------------------------------------------------------------------
-- Two tenants. Ids tell what they are: 0000000T-00KK-..-NN: tenant T, kind KK, number NN.

CREATE FUNCTION pg_temp.id(tenant integer, kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('0000000%s-00%s-7000-8000-%s', tenant, kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;

CREATE FUNCTION pg_temp.make_tenant(n integer, slug text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.create_tenant(slug, slug, tenant_id => pg_temp.id(n, 10));
    PERFORM clinic.create_location('Place', 'Europe/Berlin', location_id => pg_temp.id(n, 20));
    PERFORM clinic.create_location('Other place', 'Europe/Berlin', location_id => pg_temp.id(n, 20, 2));
    PERFORM clinic.create_provider('Doctor ' || p, 'Europe/Berlin', provider_id => pg_temp.id(n, 30, p)) FROM generate_series(1, 2) p;
    PERFORM clinic.create_resource('Room', 'room', 'room', pg_temp.id(n, 20), resource_id => pg_temp.id(n, 40));
    PERFORM clinic.create_service('Visit', 30, service_id => pg_temp.id(n, 50));
    PERFORM clinic.require_resource(pg_temp.id(n, 50), 'room', 1);
    PERFORM clinic.offer_service(pg_temp.id(n, 50), pg_temp.id(n, 30, p)) FROM generate_series(1, 2) p;
    PERFORM clinic.add_hours(pg_temp.id(n, 30, p), pg_temp.id(n, 20), 'FREQ=DAILY', '09:00', '17:00', '2027-01-01')
       FROM generate_series(1, 2) p;
    PERFORM clinic.create_patient('Patient ' || p || ' of ' || slug, 'MRN-' || p, patient_id => pg_temp.id(n, 60, p)) FROM generate_series(1, 3) p;
    PERFORM clinic.add_block(pg_temp.at('12:00'), pg_temp.at('13:00'), pg_temp.id(n, 30), block_id => pg_temp.id(n, 70),
                             patient_id => pg_temp.id(n, 60, 2), title => 'Title of ' || slug);
    PERFORM clinic.add_holiday(pg_temp.id(n, 20), '2027-12-25', 'Holiday', holiday_id => pg_temp.id(n, 71));
    PERFORM clinic.close_date(pg_temp.id(n, 30), '2027-12-24', override_id => pg_temp.id(n, 72));
    PERFORM clinic.book_appointment(pg_temp.id(n, 50), pg_temp.id(n, 60, p), pg_temp.at('08:00') + p * interval '1 hour', pg_temp.id(n, 30))
       FROM generate_series(1, 2) p;
END
$$;
CREATE FUNCTION pg_temp.at(wall time) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT ('2027-03-02 ' || wall || '+01')::timestamptz $$;

CREATE ROLE attack_plain LOGIN;
CREATE ROLE attack_admin LOGIN IN ROLE clinic_user;
CREATE ROLE attack_desk LOGIN IN ROLE clinic_user;
CREATE ROLE attack_patient LOGIN IN ROLE clinic_user;
CREATE ROLE attack_public LOGIN IN ROLE clinic_user;
CREATE ROLE attack_unmapped LOGIN IN ROLE clinic_user;

SELECT pg_temp.make_tenant(2, 'attack-hill') \g /dev/null
SELECT pg_temp.make_tenant(1, 'attack-lake') \g /dev/null
SELECT clinic.map_login('attack_admin', 'staff', '{*}'), clinic.map_login('attack_desk', 'staff', '{appointments:write}'),
       clinic.map_login('attack_patient', 'patient', patient_id => pg_temp.id(1, 60)), clinic.map_login('attack_public', 'public') \g /dev/null

-- What becomes of a query when a login runs it: 'ok' and its first value, or the SQLSTATE, message and detail. Nothing stays.
CREATE FUNCTION pg_temp.outcome(login name, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    facts text;
BEGIN
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
    EXECUTE query INTO answer;
    RAISE EXCEPTION USING ERRCODE = 'UNDO0', MESSAGE = coalesce('ok ' || answer, 'ok');
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN SQLERRM;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL;
        RETURN concat_ws(' ', SQLSTATE, SQLERRM, facts);
END
$$;
CREATE FUNCTION pg_temp.state(login name, query text) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_catalog.split_part(pg_temp.outcome(login, query), ' ', 1) $$;

-- From here on the contexts of the transaction are those of the logins.
RESET ALL;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL clinic.clock = '2027-03-01 06:00Z';
SELECT is(clinic.current_tenant_id(), NULL, 'RESET ALL leaves no context');

-- ---------------------------------------------------------------------------------------------------------------------
-- Who has no rights has nothing.

SELECT is(pg_temp.state('attack_plain', q), '42501', 'without rights: ' || left(q, 60))
  FROM unnest(ARRAY['SELECT * FROM clinic.appointments', 'SELECT * FROM clinic_data.patients', 'SELECT clinic.use_tenant(''attack-lake'')',
                    'SELECT * FROM clinic.available_slots(pg_temp.id(1, 50), ''2027-03-02'', ''2027-03-03'')',
                    'SELECT clinic_private.require_permission(''setup:write'')', 'SET ROLE clinic_owner', 'SET ROLE clinic_user',
                    'CREATE FUNCTION clinic.x() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'TRUNCATE clinic_data.claims',
                    'LOCK TABLE clinic_data.claims IN ACCESS EXCLUSIVE MODE', 'SET session_replication_role = replica',
                    'CREATE TEMPORARY TABLE x (a uuid REFERENCES clinic_data.tenants)']) q;
SELECT is(pg_temp.state('attack_admin', q), '42501', 'with all permissions, but no right: ' || left(q, 60))
  FROM unnest(ARRAY['SELECT * FROM clinic_data.patients', 'INSERT INTO clinic_data.claims DEFAULT VALUES', 'SELECT clinic.use_tenant(''attack-hill'')',
                    'SELECT clinic.map_login(''attack_plain'', ''staff'', ''{*}'')', 'SELECT clinic_private.lock_resources(pg_temp.id(1, 10), ''{}'')',
                    'LOCK TABLE clinic.appointments IN SHARE MODE', 'SELECT clinic.create_tenant(''x'', ''x'')',
                    'SELECT clinic_private.raise_error(''full'')', 'SELECT clinic_private.enter_new_tenant(pg_temp.id(3, 10))']) q;
SELECT is(pg_temp.outcome('attack_unmapped', 'SELECT count(*) FROM ' || v), 'ok 0', 'a login without mapping sees nothing of ' || v)
  FROM unnest(ARRAY['clinic.appointments', 'clinic.patients', 'clinic.tenants', 'clinic.busy_times', 'clinic.check_integrity()']) v;

-- ---------------------------------------------------------------------------------------------------------------------
-- Nobody sets a context but the functions that may.

SELECT is(pg_temp.state(login, replace(q, '%v', 'v1 tenant=' || pg_temp.id(2, 10) || ' actor=admin permissions=*')),
          CASE login WHEN 'postgres' THEN '55P02' ELSE '42501' END, format('%s cannot: %s', login, q))
  FROM unnest(ARRAY['attack_plain', 'attack_admin', 'postgres']::name[]) login,
       unnest(ARRAY['SET clinic.context = ''%v''', 'SELECT set_config(''clinic.context'', ''%v'', true)', 'ALTER ROLE attack_plain SET clinic.context = ''%v''',
                    'CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET clinic.context = ''%v'' AS ''SELECT 1''']) q;
SELECT is(pg_temp.state('attack_admin', 'SET clinic.clock = ''2020-01-01 00:00Z'''), '42501', 'the clock is not for callers');
SELECT is(pg_temp.state('attack_admin', 'SET clinic.other = 1'), '42602', 'there are no other settings of this prefix');
SELECT is(pg_temp.outcome('attack_admin', 'SELECT count(*) FROM pg_settings WHERE name = ''clinic.context'''), 'ok 0', 'nor can it be read');
SELECT is(pg_temp.outcome('attack_public', 'SELECT actor FROM (SELECT set_config(''role'', ''clinic_user'', true)) r, clinic.whoami()'), 'ok public',
          'SET ROLE changes nothing about who calls');

-- ---------------------------------------------------------------------------------------------------------------------
-- Within the tenant: those who may not read the diary see themselves, whatever functions they bring along.

CREATE FUNCTION pg_temp.seen(row_text text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
    PERFORM set_config('attack.seen', current_setting('attack.seen', true) || row_text, true);
    RETURN true;
END
$$;
CREATE FUNCTION pg_temp.leaked(login name, source text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('attack.seen', ' ', true);
    RETURN pg_temp.outcome(login, format('SELECT max(current_setting(''attack.seen'', true)) FROM (SELECT count(*) FROM %s AS t WHERE pg_temp.seen(t::text)) c', source));
END
$$;
SELECT unalike(pg_temp.leaked(login, v), '%attack-hill%', format('%s sees no other tenant in %s', login, v))
  FROM unnest(ARRAY['attack_admin', 'attack_desk', 'attack_patient', 'attack_public']::name[]) login,
       (SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'clinic'::regnamespace AND c.relkind = 'v') views (v);
SELECT unalike(pg_temp.leaked(login, v), '%Patient 2%', format('%s sees no other patient in %s', login, v))
  FROM unnest(ARRAY['attack_desk', 'attack_patient', 'attack_public']::name[]) login,
       (SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'clinic'::regnamespace AND c.relkind = 'v') views (v);
SELECT unalike(pg_temp.leaked(login, v), '%' || pg_temp.id(1, 60, 2) || '%', format('%s sees no other patient''s id in %s', login, v))
  FROM unnest(ARRAY['attack_desk', 'attack_patient', 'attack_public']::name[]) login,
       unnest(ARRAY['clinic.appointments', 'clinic.blocks', 'clinic.busy_times', 'clinic.resources',
                    'clinic.find_conflicts(pg_temp.id(1, 50), pg_temp.at(''10:00''), pg_temp.id(1, 30))',
                    'clinic.blocked_times(ARRAY[pg_temp.id(1, 30)], ''2027-03-02'', ''2027-03-03'')',
                    'clinic.explain_slot(pg_temp.id(1, 50), pg_temp.at(''10:00''))']) v;
SELECT is(pg_temp.state(login, 'SELECT * FROM clinic.check_integrity()'), '42501', 'the integrity report, with its ids, is not for ' || login)
  FROM unnest(ARRAY['attack_desk', 'attack_patient', 'attack_public']::name[]) login;
SELECT is(pg_temp.outcome('attack_admin', 'SELECT count(*) FROM clinic.check_integrity()'), 'ok 0', 'and finds nothing wrong so far');

-- Objects of the caller do not shadow ours.
CREATE TEMPORARY TABLE logins AS SELECT 'attack_public'::name AS login;
CREATE TEMPORARY TABLE patients AS SELECT 1 AS patient_id;
CREATE FUNCTION pg_temp.jsonb_build_object(VARIADIC "any") RETURNS jsonb LANGUAGE internal AS 'jsonb_build_array';
CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz 'infinity' $$;
GRANT ALL ON pg_temp.logins, pg_temp.patients TO PUBLIC;
SELECT is(pg_temp.outcome('attack_admin', 'SELECT count(*) FROM (SELECT set_config(''search_path'', ''pg_temp, clinic, pg_catalog'', true)) p, ' || call), 'ok ' || expected,
          'temporary objects do not shadow ours: ' || call)
  FROM (VALUES ('clinic.book_appointment(pg_temp.id(1, 50), pg_temp.id(1, 60, 3), pg_temp.at(''15:00''))', '1'), ('clinic.check_integrity()', '0'),
               ('clinic.create_location(''Third'', ''Europe/Berlin'')', '1')) AS calls (call, expected);
DROP TABLE pg_temp.logins, pg_temp.patients;

-- ---------------------------------------------------------------------------------------------------------------------
-- An id of another tenant gets the answer that an id gets which nobody has, from every function a caller may call.

CREATE TEMPORARY TABLE own (name text, value text);
INSERT INTO own VALUES
    ('service_id', 'pg_temp.id(1, 50)'), ('patient_id', 'pg_temp.id(1, 60, 3)'), ('provider_id', 'pg_temp.id(1, 30)'), ('location_id', 'pg_temp.id(1, 20)'),
    ('resource_id', 'pg_temp.id(1, 30)'), ('appointment_id', 'pg_temp.first(1)'), ('other_appointment_id', 'pg_temp.first(1)'),
    ('starts_at', 'pg_temp.at(''15:00'')'), ('ends_at', 'pg_temp.at(''16:00'')'), ('range_start', '''2027-03-02'''), ('range_end', '''2027-03-03'''),
    ('resource_ids', 'ARRAY[pg_temp.id(1, 30)]'), ('provider_ids', 'ARRAY[pg_temp.id(1, 30)]'), ('from_location_id', 'pg_temp.id(1, 20)'),
    ('to_location_id', 'pg_temp.id(1, 20, 2)'), ('block_id', 'pg_temp.id(1, 70)'), ('holiday_id', 'pg_temp.id(1, 71)'), ('override_id', 'pg_temp.id(1, 72)'),
    ('changes', '''{"status": "inactive"}'''), ('rule', '''FREQ=DAILY'''), ('start_time', '''18:00'''), ('end_time', '''19:00'''), ('minutes', '5'),
    ('on_date', '''2027-03-02'''), ('from_on', '''2027-03-10'''), ('until_on', '''2027-03-11'''), ('valid_from', '''2027-03-10'''), ('time_zone', '''Europe/Paris'''),
    ('name', '''Somebody'''), ('kind', '''room'''), ('resource_class', '''room'''), ('duration_minutes', '30');

CREATE TEMPORARY TABLE first_appointments AS
    SELECT DISTINCT ON (tenant_id) tenant_id, appointment_id FROM clinic_data.appointments ORDER BY tenant_id, starts_at;
GRANT SELECT ON pg_temp.first_appointments TO PUBLIC;
CREATE FUNCTION pg_temp.first(tenant integer) RETURNS uuid LANGUAGE sql STABLE AS
    $$ SELECT a.appointment_id FROM pg_temp.first_appointments a WHERE a.tenant_id = pg_temp.id(tenant, 10) $$;
CREATE TEMPORARY TABLE foreign_ids AS
    SELECT pg_temp.id(2, kind) AS id FROM unnest(ARRAY[10, 20, 30, 40, 50, 60, 70, 71, 72]) kind
    UNION ALL SELECT appointment_id FROM pg_temp.first_appointments WHERE tenant_id = pg_temp.id(2, 10)
    UNION ALL SELECT rule_id FROM clinic_data.availability_rules WHERE tenant_id = pg_temp.id(2, 10)
    UNION ALL SELECT claim_id FROM clinic_data.claims WHERE tenant_id = pg_temp.id(2, 10);

-- A call of the function with one argument set, and the required ones as they fit.
CREATE FUNCTION pg_temp.call(function oid, argument text, type oid, id uuid) RETURNS text LANGUAGE sql AS $$
    SELECT pg_catalog.format('SELECT pg_catalog.string_agg(r::text, '' '') FROM %s(%s) r', function::regproc,
           pg_catalog.string_agg(pg_catalog.format('%I => %s', a.name,
               CASE WHEN a.name = argument AND type = 'uuid'::regtype THEN quote_literal(id)
                    WHEN a.name = argument THEN pg_catalog.quote_literal(ARRAY[id]) || '::uuid[]'
                    ELSE coalesce(o.value, 'NULL') END), ', ' ORDER BY a.place))
      FROM pg_catalog.pg_proc p
     CROSS JOIN LATERAL pg_catalog.unnest(p.proargnames[1:p.pronargs]) WITH ORDINALITY AS a (name, place)
      LEFT JOIN pg_temp.own o ON o.name = a.name
     WHERE p.oid = function AND (a.name = argument OR a.place <= p.pronargs - p.pronargdefaults)
$$;
-- Without ids, codes and what comes from the clock.
CREATE FUNCTION pg_temp.plain(answer text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_catalog.regexp_replace(answer, '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\m[2-9B-Z]{8}\M', '...', 'g')
$$;

SELECT is_empty($$
    SELECT login, p.oid::regprocedure, a.name, f.id, pg_temp.outcome(login, pg_temp.call(p.oid, a.name, a.type, f.id)),
           pg_temp.outcome(login, pg_temp.call(p.oid, a.name, a.type, 'dddddddd-0000-7000-8000-000000000001'))
      FROM pg_proc p
     CROSS JOIN LATERAL unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) AS a (name, type)
     CROSS JOIN unnest(ARRAY['attack_admin', 'attack_desk', 'attack_patient', 'attack_public']::name[]) login
     CROSS JOIN foreign_ids f
     WHERE p.pronamespace = 'clinic'::regnamespace AND p.prokind = 'f' AND a.type IN ('uuid'::regtype, 'uuid[]'::regtype)
       AND has_function_privilege('attack_admin', p.oid, 'EXECUTE')
       AND pg_temp.plain(pg_temp.outcome(login, pg_temp.call(p.oid, a.name, a.type, f.id)))
           <> pg_temp.plain(pg_temp.outcome(login, pg_temp.call(p.oid, a.name, a.type, 'dddddddd-0000-7000-8000-000000000001'))) $$,
    'every function answers to an id of another tenant as to one that nobody has');
SELECT cmp_ok((SELECT count(*) FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) AS a (name, type)
                WHERE p.pronamespace = 'clinic'::regnamespace AND p.prokind = 'f' AND a.type IN ('uuid'::regtype, 'uuid[]'::regtype)
                  AND has_function_privilege('attack_admin', p.oid, 'EXECUTE')
                  AND pg_temp.outcome('attack_admin', pg_temp.call(p.oid, a.name, a.type, pg_temp.id(1, 30))) ~ '^(ok|CL|23|22023)'),
              '>', 40::bigint, 'and those calls get past their other arguments');

-- ---------------------------------------------------------------------------------------------------------------------
-- The tables are the user's: what is added is served, what is broken is said, and nothing crashes.

CREATE FUNCTION pg_temp.after(change text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    SET LOCAL client_min_messages = error;
    EXECUTE change;
    answer := pg_temp.outcome('attack_admin', call);
    RAISE EXCEPTION USING ERRCODE = 'UNDO1', MESSAGE = answer;
EXCEPTION
    WHEN SQLSTATE 'UNDO1' THEN
        RETURN SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.whole_booking() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    booked uuid;
BEGIN
    SELECT b.appointment_id INTO STRICT booked
      FROM clinic.book_appointment(pg_temp.id(1, 50), pg_temp.id(1, 60, 3), pg_temp.at('15:00'), pg_temp.id(1, 30)) b;
    PERFORM clinic.reschedule_appointment(booked, pg_temp.at('16:00'));
    PERFORM clinic.swap_appointments(booked, pg_temp.first(1));
    PERFORM clinic.cancel_appointment(booked, 'reason');
    RETURN (SELECT count(*) FROM clinic.check_integrity()) + (SELECT count(*) FROM clinic.busy_times WHERE starts_at = pg_temp.at('09:00'));
END
$$;

SELECT is(pg_temp.after(change, 'SELECT pg_temp.whole_booking()'), 'ok 0', 'book, move, swap and cancel after ' || change)
  FROM unnest(ARRAY[
    'SELECT 1',
    'ALTER TABLE clinic_data.claims ADD COLUMN a bigint GENERATED ALWAYS AS IDENTITY',
    'CREATE DOMAIN public.seven AS integer DEFAULT 7 NOT NULL; ALTER TABLE clinic_data.claims ADD COLUMN a public.seven; ALTER TABLE clinic_data.appointments ADD COLUMN a public.seven',
    'ALTER TABLE clinic_data.claims ADD COLUMN a text GENERATED ALWAYS AS (kind || capacity) STORED, ADD COLUMN b text DEFAULT repeat(''x'', 5000), ADD COLUMN c integer NOT NULL DEFAULT 1; ALTER TABLE clinic_data.claims DROP COLUMN b',
    'ALTER TABLE clinic_data.appointments ADD COLUMN a text GENERATED ALWAYS AS (status || ''!'') STORED, ADD COLUMN b text DEFAULT repeat(''x'', 5000); ALTER TABLE clinic_data.appointments DROP COLUMN b',
    'DROP VIEW clinic.busy_times; ALTER TABLE clinic_data.claims RENAME COLUMN kind TO old_kind; ALTER TABLE clinic_data.claims ADD COLUMN kind text NOT NULL DEFAULT ''booking''; ALTER TABLE clinic_data.claims DROP COLUMN old_kind; CREATE VIEW clinic.busy_times AS SELECT starts_at FROM clinic_data.claims; GRANT SELECT ON clinic.busy_times TO PUBLIC; ALTER VIEW clinic.busy_times OWNER TO clinic_owner',
    'DROP INDEX clinic_data.claims_appointment_id_idx; CREATE INDEX claims_appointment_id_idx ON clinic_data.claims (appointment_id, tenant_id) INCLUDE (kind)',
    'DROP INDEX clinic_data.appointments_provider_id_idx; CREATE INDEX appointments_provider_id_idx ON clinic_data.appointments (starts_at DESC, provider_id, tenant_id)',
    'CREATE POLICY a ON clinic_data.claims AS PERMISSIVE USING (true); CREATE UNIQUE INDEX ON clinic_data.claims (claim_id)']) change;
SELECT matches(pg_temp.after(change, 'SELECT pg_temp.whole_booking()'), expected, 'refused, not misread, after ' || change)
  FROM (VALUES
    ('ALTER TABLE clinic_data.claims ALTER COLUMN service_id TYPE text USING ''x''', '^CL031 column service_id .* has type text'),
    ('ALTER TABLE clinic_data.claims ALTER COLUMN capacity TYPE bigint', '^CL031 column capacity .* has type bigint'),
    ('ALTER TABLE clinic_data.claims DROP COLUMN capacity CASCADE', '^CL031 .* has no column capacity'),
    ('ALTER TABLE clinic_data.claims ALTER COLUMN kind DROP NOT NULL; UPDATE clinic_data.claims SET kind = NULL', '^CL031 column kind .* is null'),
    ('ALTER TABLE clinic_data.claims DROP CONSTRAINT claims_calendar_no_during_excl', '^CL031 .* does not exist'),
    ('ALTER TABLE clinic_data.claims DROP CONSTRAINT claims_calendar_no_during_excl; CREATE INDEX claims_calendar_no_during_excl ON clinic_data.claims (calendar_no)',
     '^CL031 .* cannot be searched by during'),
    ('ALTER TABLE clinic_data.claims DROP CONSTRAINT claims_calendar_no_during_excl; CREATE INDEX claims_calendar_no_during_excl ON clinic_data.appointments (tenant_id)',
     '^CL031 .* is not an index of all rows'),
    ('DROP INDEX clinic_data.claims_appointment_id_idx; CREATE INDEX claims_appointment_id_idx ON clinic_data.claims (tenant_id, appointment_id) WHERE kind = ''hold''',
     '^CL031 .* is not an index of all rows'),
    ('DROP INDEX clinic_data.claims_appointment_id_idx; CREATE INDEX claims_appointment_id_idx ON clinic_data.claims USING brin (tenant_id, appointment_id)',
     '^CL031 .* is not an index of all rows'),
    ('CREATE DOMAIN public.never AS integer NOT NULL; SET LOCAL session_replication_role = replica; DELETE FROM clinic_data.claims; SET LOCAL session_replication_role = origin; ALTER TABLE clinic_data.claims ADD COLUMN a public.never',
     '^23502 domain .* does not allow null'),
    ('DROP VIEW clinic.appointments; CREATE DOMAIN public.other_text AS text CHECK (VALUE <> ''reason''); ALTER TABLE clinic_data.appointments ALTER COLUMN cancel_reason TYPE public.other_text',
     '^23514 value for domain'),
    ('ALTER TABLE clinic_data.claims RENAME TO claims_before', '^(CL031|42P01)')) AS changes (change, expected);

-- ---------------------------------------------------------------------------------------------------------------------
-- Direct writes: triggers off, awkward values.

CREATE FUNCTION pg_temp.claim(place text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_catalog.format('SET LOCAL session_replication_role = replica; ALTER TABLE clinic_data.claims DISABLE TRIGGER ALL;'
        'INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, expires_at) %s;'
        'SET LOCAL session_replication_role = origin; ALTER TABLE clinic_data.claims ENABLE TRIGGER ALL', place)
$$;
SELECT matches(pg_temp.after(pg_temp.claim(place), 'SELECT pg_temp.whole_booking()'), expected, 'bookings live with ' || what)
  FROM (VALUES
    ('a claim of one tenant in the lane of another', '^CL013 ', $$SELECT pg_temp.id(2, 10), clinic.new_id(), pg_temp.id(1, 30), c.calendar_no,
        tstzrange(pg_temp.at('15:00'), pg_temp.at('15:30')), pg_temp.at('15:00'), pg_temp.at('15:30'), 'hold', '2028-01-01'
        FROM clinic_data.calendars c WHERE c.resource_id = pg_temp.id(1, 30)$$),
    ('a claim at the end of time', '^ok ', $$SELECT tenant_id, clinic.new_id(), resource_id, calendar_no, tstzrange('294276-12-30', '294276-12-31'),
        '294276-12-30', '294276-12-31', 'hold', 'infinity' FROM clinic_data.calendars WHERE resource_id = pg_temp.id(1, 30)$$),
    ('a claim that expired at the beginning of time', '^ok 0', $$SELECT tenant_id, clinic.new_id(), resource_id, calendar_no,
        tstzrange(pg_temp.at('15:00'), pg_temp.at('15:30')), pg_temp.at('15:00'), pg_temp.at('15:30'), 'hold', '-infinity'
        FROM clinic_data.calendars WHERE resource_id = pg_temp.id(1, 30)$$)) AS claims (what, expected, place);
SELECT is(pg_temp.after(pg_temp.claim(replace($$SELECT tenant_id, clinic.new_id(), resource_id, calendar_no, %s, pg_temp.at('15:00'), pg_temp.at('15:30'), 'hold',
    'infinity' FROM clinic_data.calendars WHERE resource_id = pg_temp.id(1, 30)$$, '%s', during)), 'SELECT 1'), 'ok 1', 'refused with triggers off: ' || during)
  FROM (SELECT 'tstzrange(pg_temp.at(''15:00''), pg_temp.at(''15:30''))') AS fits (during);
SELECT throws_ok(pg_temp.claim(replace($$SELECT tenant_id, clinic.new_id(), resource_id, calendar_no, %s, pg_temp.at('15:00'), pg_temp.at('15:30'), 'hold', 'infinity'
    FROM clinic_data.calendars WHERE resource_id = pg_temp.id(1, 30)$$, '%s', during)), '23514', NULL, 'refused with triggers off: ' || during)
  FROM unnest(ARRAY['tstzrange(NULL, NULL)', '''empty''', '''[2027-03-02 14:00Z,2027-03-02 14:30Z]''', '''(2027-03-02 13:59Z,2027-03-02 14:30Z)''',
                    '''[-infinity,infinity)''', 'tstzrange(pg_temp.at(''15:00''), NULL)', '''[2027-03-02 14:10Z,2027-03-02 14:30Z)''',
                    '''[2027-01-02 14:00Z,2027-03-02 14:30Z)''']) during;

SELECT matches(pg_temp.after(format('INSERT INTO clinic_data.%s', insertion), 'SELECT (SELECT count(*) FROM clinic.available_slots(pg_temp.id(1, 50), ''2027-03-02'', ''2027-03-03''))
    + (SELECT count(*) FROM clinic.blocked_times(ARRAY[pg_temp.id(1, 30)], ''2027-03-02'', ''2027-03-03''))'), expected, 'dates without end: ' || left(insertion, 40))
  FROM (VALUES
    ($$blocks (tenant_id, block_id, resource_id, kind, from_on, until_on, time_zone)
       VALUES (pg_temp.id(1, 10), clinic.new_id(), pg_temp.id(1, 30), 'leave', '-infinity', 'infinity', 'Asia/Kolkata')$$, '^ok 16$'),
    ($$blocks (tenant_id, block_id, resource_id, kind, from_on, until_on, time_zone)
       VALUES (pg_temp.id(1, 10), clinic.new_id(), pg_temp.id(1, 30), 'leave', '4713-01-01 BC', '5874897-12-31', 'Asia/Kolkata')$$, '^ok 16$'),
    ($$stays (tenant_id, stay_id, resource_id, from_on, until_on, time_zone)
       VALUES (pg_temp.id(1, 10), clinic.new_id(), pg_temp.id(1, 30), '-infinity', 'infinity', 'Europe/Berlin')$$, '^ok [1-9]'),
    ($$holidays (tenant_id, holiday_id, location_id, on_date, name) SELECT pg_temp.id(1, 10), clinic.new_id(), pg_temp.id(1, 20), d, 'x'
       FROM unnest('{infinity,-infinity,4713-01-01 BC,5874897-12-31}'::date[]) d$$, '^ok [1-9]'),
    ($$date_overrides (tenant_id, override_id, resource_id, location_id, on_date, kind, start_time, end_time, time_zone)
       SELECT pg_temp.id(1, 10), clinic.new_id(), pg_temp.id(1, 30), pg_temp.id(1, 20), d, 'open', '00:00', '24:00', 'Europe/Berlin'
       FROM unnest('{infinity,-infinity,4713-01-01 BC,5874897-12-31}'::date[]) d$$, '^ok [1-9]'),
    ($$availability_rules (tenant_id, rule_id, resource_id, location_id, rule, dtstart_on, start_time, end_time, time_zone, valid_from, valid_until)
       VALUES (pg_temp.id(1, 10), clinic.new_id(), pg_temp.id(1, 30), pg_temp.id(1, 20), 'FREQ=DAILY', '2027-01-01', '18:00', '19:00', 'Europe/Berlin',
       '-infinity', 'infinity')$$, '^ok [1-9]')) AS insertions (insertion, expected);

-- ---------------------------------------------------------------------------------------------------------------------
-- Extremes.

CREATE FUNCTION pg_temp.ids_at(clock text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[];
BEGIN
    PERFORM set_config('clinic.clock', clock, true);
    FOR i IN 1..100 LOOP
        ids := ids || clinic.new_id();
    END LOOP;
    PERFORM set_config('clinic.clock', '2027-03-01 06:00Z', true);
    RETURN (SELECT format('%s %s', string_agg(DISTINCT substr(i::text, 15, 1), ''), count(DISTINCT i)) FROM unnest(ids) i)
           || CASE WHEN ids = (SELECT array_agg(i ORDER BY i) FROM unnest(ids) i) THEN ' ascending' ELSE '' END;
END
$$;
SELECT is(pg_temp.ids_at(clock), '7 100 ascending', 'ids ascend and are of version 7 at ' || clock)
  FROM unnest(ARRAY['0001-01-01 00:00Z', '1969-12-31 23:59:59.999999Z', '1970-01-01 00:00Z', '2262-04-11 23:47:16Z', '9999-12-31 23:59:59Z', '']) clock;
SELECT ok(clinic.uuid_floor('294276-12-31 23:59:59') >= clinic.uuid_floor('294000-01-01'), 'the floors of the last instants do not fall');
SELECT is(convert_from(convert_to(substring(pg_temp.outcome('postgres', format(q, 'x' || repeat('ä', 60))) from '"(x[^"]*)'), 'UTF8'), 'UTF8'), 'x' || repeat('ä', 31),
          'a message cuts text between characters: ' || left(q, 50))
  FROM unnest(ARRAY['SELECT clinic.use_tenant(%L)', 'SELECT clinic.canonical_time_zone(%L)',
                    'SELECT clinic.next_occurrence(''FREQ=DAILY'', ''2027-01-01'', ''UTC'', ''2027-01-01'', gap => %L)']) q;
SELECT is(pg_temp.outcome('attack_plain', q), expected, left(q, 80))
  FROM (VALUES
    ('SELECT count(*) FROM clinic.cut_slots(''{[2027-01-01,2027-01-02)}'', make_interval(secs => 9223372036854))', 'ok 0'),
    ('SELECT count(*) FROM clinic.cut_slots(''{[2027-01-01,2027-01-02)}'', ''1 hour'', make_interval(secs => 9223372036854))', 'ok 1'),
    ('SELECT count(*) FROM clinic.cut_slots(''{["4713-01-01 BC","4713-01-02 BC"),[294276-12-30,294276-12-31)}'', ''12 hours'')', 'ok 4'),
    ('SELECT clinic.free_time(''{[2027-01-01,infinity]}'', ''{}'', make_interval(secs => 9223372036854)) IS NOT NULL', 'ok true'),
    ('SELECT clinic.is_time_zone(''ABC5'')', 'ok false'), ('SELECT clinic.is_time_zone(''Etc/GMT+12'')', 'ok true'),
    ('SELECT clinic.is_time_zone(''etc/gmt0'')', 'ok true'), ('SELECT clinic.is_time_zone(''Etc/GMT+123'')', 'ok false'),
    ('SELECT clinic.is_time_zone(''est5edt'')', 'ok true'), ('SELECT clinic.is_time_zone(''Foo/Bar7'')', 'ok false')) AS calls (q, expected);

SELECT * FROM finish();
ROLLBACK;
