-- Who may call what: tools/function_permissions.sql against the catalog, against real calls, and against docs/role_matrix.md.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL clinic.clock = '2027-03-01 06:00Z';
SELECT no_plan();
\ir ../../tools/role_matrix.sql

-- ---------------------------------------------------------------------------------------------------------------------
-- The table and the catalog.

CREATE TEMPORARY VIEW our_functions AS
    SELECT p.oid, p.proname::text AS name,
           ARRAY(SELECT coalesce(r.rolname, 'PUBLIC')::text
                   FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g LEFT JOIN pg_roles r ON r.oid = g.grantee
                  WHERE g.privilege_type = 'EXECUTE' AND g.grantee <> p.proowner AND coalesce(r.rolname, '') <> 'clinic_owner'
                  ORDER BY 1) AS grantees
      FROM pg_proc p
     WHERE p.pronamespace = 'clinic'::regnamespace AND p.prokind IN ('f', 'p');

SELECT is_empty($$ SELECT f.oid::regprocedure FROM our_functions f WHERE f.name NOT IN (SELECT t.function FROM pg_temp.function_permissions t) $$,
                'every function of schema clinic is in the table');
SELECT is_empty($$ SELECT t.function FROM pg_temp.function_permissions t WHERE t.function NOT IN (SELECT f.name FROM our_functions f) $$,
                'and the table names no other');
SELECT is_empty($$ SELECT f.oid::regprocedure, f.grantees, t.executes FROM our_functions f JOIN pg_temp.function_permissions t ON t.function = f.name
                    WHERE f.grantees <> CASE t.executes WHEN 'public' THEN '{PUBLIC}' WHEN 'anon' THEN '{clinic_anon,clinic_user}' WHEN 'user' THEN '{clinic_user}'
                                                        WHEN 'admin' THEN '{clinic_admin}' WHEN 'keys' THEN '{clinic_admin,clinic_gateway}' WHEN 'jobs' THEN '{clinic_admin,clinic_system}'
                                                        WHEN 'gateway' THEN '{clinic_anon,clinic_gateway,clinic_user}' WHEN 'owner' THEN '{}' END::text[] $$,
                'EXECUTE is granted as the table says');
SELECT is_empty($$ SELECT t.function FROM pg_temp.function_permissions t WHERE t.call IS NULL AND t.executes NOT IN ('public', 'owner')
                      AND NOT EXISTS (SELECT FROM our_functions f JOIN pg_proc p ON p.oid = f.oid WHERE f.name = t.function AND p.prorettype = 'trigger'::regtype) $$,
                'whatever can be refused is called below; a trigger cannot be called');
SELECT is_empty($$ SELECT t.function, w.permission FROM pg_temp.function_permissions t
                     CROSS JOIN LATERAL regexp_split_to_table(nullif(t.needs, ''), '[ |]') AS w (permission) WHERE NOT clinic.is_permission(w.permission) $$,
                'the table names permissions');
SELECT is_empty($$ SELECT r.role, p.permission FROM clinic_private.shipped_roles() r CROSS JOIN LATERAL unnest(r.permissions) p (permission)
                    WHERE NOT clinic.is_permission(p.permission) $$, 'so do the shipped roles');

-- ---------------------------------------------------------------------------------------------------------------------
-- A clinic, and for each role a user who has it and a login of theirs.

CREATE FUNCTION pg_temp.id(kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT pg_catalog.format('00000003-00%s-7000-8000-%s', kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
CREATE TEMPORARY TABLE things (name text, value text);
INSERT INTO things
SELECT n, quote_literal(v) || '::uuid'
  FROM (VALUES ('location', pg_temp.id(20)), ('other_location', pg_temp.id(20, 2)), ('provider', pg_temp.id(30)), ('room', pg_temp.id(40)),
               ('service', pg_temp.id(50)), ('patient', pg_temp.id(60)), ('other_patient', pg_temp.id(60, 2)), ('rule', pg_temp.id(73)),
               ('block', pg_temp.id(70)), ('holiday', pg_temp.id(71)), ('override', pg_temp.id(72)), ('stay', pg_temp.id(74)), ('user', pg_temp.id(91)),
               ('service_account', pg_temp.id(92)),
               ('nobody', pg_temp.id(99))) AS v (n, v)
UNION ALL VALUES ('at', 'timestamptz ''2027-03-02 09:00+01''');

SELECT clinic.create_tenant('role-matrix', 'Matrix', tenant_id => pg_temp.id(10)) \g /dev/null
SELECT clinic.create_location('Place', 'Europe/Berlin', location_id => pg_temp.id(20)), clinic.create_location('Other', 'Europe/Berlin', location_id => pg_temp.id(20, 2)),
       clinic.create_provider('Doctor', 'Europe/Berlin', provider_id => pg_temp.id(30)), clinic.create_resource('Room', 'room', 'room', pg_temp.id(20), resource_id => pg_temp.id(40)),
       clinic.create_service('Visit', 30, service_id => pg_temp.id(50)), clinic.create_patient('Patient 1', patient_id => pg_temp.id(60)),
       clinic.create_patient('Patient 2', patient_id => pg_temp.id(60, 2)) \g /dev/null
SELECT clinic.require_resource(pg_temp.id(50), 'room', 1), clinic.offer_service(pg_temp.id(50), pg_temp.id(30)),
       clinic.add_hours(pg_temp.id(30), pg_temp.id(20), 'FREQ=DAILY', '09:00', '17:00', '2027-01-01', rule_id => pg_temp.id(73)),
       clinic.add_block('2027-04-01 09:00Z', '2027-04-01 10:00Z', pg_temp.id(30), block_id => pg_temp.id(70)), clinic.add_holiday(pg_temp.id(20), '2027-12-25', 'X', holiday_id => pg_temp.id(71)),
       clinic.close_date(pg_temp.id(30), '2027-12-24', override_id => pg_temp.id(72)), clinic.add_stay(pg_temp.id(30), '2027-06-01', '2027-06-02', 'Asia/Kolkata', stay_id => pg_temp.id(74)),
       clinic.add_dependant(pg_temp.id(60, 2), pg_temp.id(60)), clinic.create_role('matrix_spare', '{users:read}') \g /dev/null
INSERT INTO things SELECT 'appointment', quote_literal(b.appointment_id) || '::uuid' FROM clinic.book_appointment(pg_temp.id(50), pg_temp.id(60), '2027-03-02 09:00+01', pg_temp.id(30)) b;
INSERT INTO things SELECT 'other_appointment', quote_literal(b.appointment_id) || '::uuid' FROM clinic.book_appointment(pg_temp.id(50), pg_temp.id(60, 2), '2027-03-02 10:00+01', pg_temp.id(30)) b;
INSERT INTO things SELECT 'entry', quote_literal(j.entry_id) || '::uuid'
  FROM clinic.join_waitlist(pg_temp.id(50), pg_temp.id(60), pg_temp.id(30), pg_temp.id(20), '2027-05-01', '2027-05-31') j;
INSERT INTO things SELECT 'other_entry', quote_literal(j.entry_id) || '::uuid'
  FROM clinic.join_waitlist(pg_temp.id(50), pg_temp.id(60, 2), pg_temp.id(30), pg_temp.id(20), '2027-05-01', '2027-05-31') j;
INSERT INTO things SELECT 'offer', quote_literal(o.offer_id) || '::uuid'
  FROM clinic.offer_slot((SELECT substr(t.value, 2, 36)::uuid FROM things t WHERE t.name = 'entry'), '2027-05-03 11:00+02') o;
INSERT INTO things SELECT 'visit', quote_literal(b.visit_id) || '::uuid' FROM clinic.book_visit(jsonb_build_array(jsonb_build_object('service_id', pg_temp.id(50), 'starts_at', '2027-03-03 09:00+01', 'provider_id', pg_temp.id(30))), pg_temp.id(60)) b;
INSERT INTO things SELECT 'series', quote_literal(b.series_id) || '::uuid'
  FROM clinic.book_series(pg_temp.id(50), pg_temp.id(60), 'FREQ=WEEKLY;COUNT=2', '2027-03-04 09:00', provider_id => pg_temp.id(30), location_id => pg_temp.id(20)) b LIMIT 1;
SELECT clinic.create_user('staff', 'Spare', location_ids => ARRAY[pg_temp.id(20)], user_id => pg_temp.id(91)),
       clinic.create_user('service', 'Account', roles => '{matrix_spare}', location_ids => ARRAY[pg_temp.id(20)], user_id => pg_temp.id(92)) \g /dev/null
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT s.role, row_number() OVER () + 100 AS number FROM clinic_private.shipped_roles() s LOOP
        EXECUTE format('CREATE ROLE %I LOGIN IN ROLE clinic_user', 'matrix_' || one.role);
        IF one.role = 'patient' THEN
            PERFORM clinic.create_user('patient', 'X', patient_id => pg_temp.id(60), user_id => pg_temp.id(90, one.number::integer));
            PERFORM clinic.map_login('matrix_patient', 'patient', user_id => pg_temp.id(90, one.number::integer), patient_id => pg_temp.id(60));
        ELSE
            PERFORM clinic.create_user('staff', one.role, roles => ARRAY[one.role], location_ids => ARRAY[pg_temp.id(20)],
                                       provider_id => CASE one.role WHEN 'doctor' THEN pg_temp.id(30) END, user_id => pg_temp.id(90, one.number::integer));
            PERFORM clinic.map_login(('matrix_' || one.role)::name, 'staff', user_id => pg_temp.id(90, one.number::integer));
        END IF;
    END LOOP;
END
$$;

-- How a call of a role's login ends: the SQLSTATE and message, or ok. Nothing stays.
CREATE FUNCTION pg_temp.outcome(role text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    thing record;
    query text := call;
BEGIN
    FOR thing IN SELECT t.name, t.value FROM pg_temp.things t LOOP
        query := replace(query, '{' || thing.name || '}', thing.value);
    END LOOP;
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', 'matrix_' || role);
    PERFORM clinic.declare_purpose('TREAT');
    EXECUTE 'SELECT * FROM ' || query;
    RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN 'ok';
    WHEN OTHERS THEN
        RETURN concat_ws(' ', SQLSTATE, SQLERRM);
END
$$;
RESET ALL;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL clinic.clock = '2027-03-01 06:00Z';

SELECT CASE m.may WHEN 'no' THEN matches(pg_temp.outcome(m.role, t.call), '^42501 ', format('%s may not %s', m.role, m.function))
                  ELSE doesnt_match(pg_temp.outcome(m.role, t.call), '^42501 ', format('%s may %s: %s', m.role, m.function, m.may)) END
  FROM pg_temp.role_matrix m JOIN pg_temp.function_permissions t ON t.function = m.function
 WHERE t.call IS NOT NULL
 ORDER BY m.function, m.role;

-- The calls are good calls: who may do all meets no other error than that a state does not fit, or that what lets in is wrong.
SELECT is_empty($$ SELECT t.function, o.outcome FROM pg_temp.function_permissions t CROSS JOIN LATERAL pg_temp.outcome('super_admin', t.call) AS o (outcome)
                    WHERE t.executes IN ('user', 'anon') AND o.outcome !~ CASE
                          WHEN t.function IN ('authenticate', 'authenticate_key', 'refresh') THEN '^28000 the token is not valid$'
                          WHEN t.function IN ('sign_in', 'sign_in_with_code', 'verify_identifier', 'reset_password') THEN '^28P01 '
                          WHEN t.function IN ('extend_hold', 'confirm_hold', 'release_hold') THEN '^CL022 '
                          WHEN t.function IN ('check_in', 'mark_no_show') THEN '^CL024 '
                          WHEN t.function = 'require_consent' THEN '^CL043 '
                          ELSE '^(ok$|CL001 |CL029 )' END $$, 'the calls are well formed');

-- ---------------------------------------------------------------------------------------------------------------------
-- The document.

\set document `cat docs/role_matrix.md`
SELECT is(pg_temp.role_matrix_text(), :'document', 'docs/role_matrix.md says the same; tools/role_matrix.sh writes it');

SELECT * FROM finish();
ROLLBACK;
