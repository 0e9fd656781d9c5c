-- Who sees and changes which patients and appointments: staff by branch, providers by care, patients by themselves, visitors by
-- what is published; and that what is taken away is gone at the next call.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL clinic.clock = '2027-03-01 06:00Z';
SELECT no_plan();

-- ---------------------------------------------------------------------------------------------------------------------
-- Two tenants of two branches. Ids tell what they are: 0000000T-00KK-..-NN: tenant T, kind KK, number NN.

CREATE FUNCTION pg_temp.id(tenant integer, kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS
    $$ SELECT pg_catalog.format('0000000%s-00%s-7000-8000-%s', tenant, kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.at(wall time) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT ('2027-03-02 ' || wall || '+01')::timestamptz $$;
CREATE TEMPORARY TABLE visits (tenant integer, number integer, appointment_id uuid);
CREATE TEMPORARY TABLE people (name text PRIMARY KEY, tenant integer, number integer);
GRANT SELECT ON visits, people TO PUBLIC;
CREATE FUNCTION pg_temp.visit(tenant integer, number integer) RETURNS uuid LANGUAGE sql STABLE AS
    $$ SELECT v.appointment_id FROM pg_temp.visits v WHERE v.tenant = visit.tenant AND v.number = visit.number $$;

-- Provider 1 works in both branches, 2 in the second, 3 in the first. Visit n is of patient n; patients 5 and 6 have none.
CREATE FUNCTION pg_temp.make_tenant(n integer, slug text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.create_tenant(slug, slug, tenant_id => pg_temp.id(n, 10));
    PERFORM clinic.create_location('Branch ' || l, 'Europe/Berlin', location_id => pg_temp.id(n, 20, l)) FROM generate_series(1, 2) l;
    PERFORM clinic.create_provider('Doctor ' || p, 'Europe/Berlin', provider_id => pg_temp.id(n, 30, p)) FROM generate_series(1, 3) p;
    PERFORM clinic.create_service('Visit', 30, service_id => pg_temp.id(n, 50));
    PERFORM clinic.offer_service(pg_temp.id(n, 50), pg_temp.id(n, 30, p)) FROM generate_series(1, 3) p;
    PERFORM clinic.add_hours(pg_temp.id(n, 30, p), pg_temp.id(n, 20, l), 'FREQ=DAILY', f, u, '2027-01-01')
       FROM (VALUES (1, 1, time '09:00', time '12:00'), (1, 2, '14:00', '17:00'), (2, 2, '09:00', '17:00'), (3, 1, '09:00', '17:00')) h (p, l, f, u);
    PERFORM clinic.create_patient('Patient ' || p, 'MRN-' || p, date_of_birth => '1990-01-01', patient_id => pg_temp.id(n, 60, p)) FROM generate_series(1, 6) p;
    INSERT INTO visits
    SELECT n, v.number, b.appointment_id
      FROM (VALUES (1, 1, time '09:00'), (2, 3, '09:00'), (3, 2, '09:00'), (4, 1, '14:00')) v (number, provider, wall)
     CROSS JOIN LATERAL clinic.book_appointment(pg_temp.id(n, 50), pg_temp.id(n, 60, v.number), pg_temp.at(v.wall), pg_temp.id(n, 30, v.provider)) b;
END
$$;
SELECT pg_temp.make_tenant(2, 'sight-hill') \g /dev/null
SELECT pg_temp.make_tenant(1, 'sight-lake') \g /dev/null

CREATE ROLE sight_gateway LOGIN IN ROLE clinic_user, clinic_gateway;
CREATE ROLE sight_plain LOGIN IN ROLE clinic_user;
CREATE ROLE sight_desk LOGIN IN ROLE clinic_user;
CREATE ROLE sight_patient LOGIN IN ROLE clinic_user;

CREATE FUNCTION pg_temp.hire(name text, number integer, roles text[], branches integer[], provider integer DEFAULT NULL, patient integer DEFAULT NULL)
    RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.create_user(CASE WHEN patient IS NULL THEN 'staff' ELSE 'patient' END, name, roles => roles,
        location_ids => ARRAY(SELECT pg_temp.id(1, 20, b) FROM unnest(branches) b), all_locations => roles = '{super_admin}',
        provider_id => pg_temp.id(1, 30, provider), patient_id => pg_temp.id(1, 60, patient), user_id => pg_temp.id(1, 90, number));
    INSERT INTO people VALUES (name, 1, number);
END
$$;
SELECT clinic.create_role('own_diary', '{appointments:read:own,appointments:write:own,patients:read}'),
       clinic.create_role('glass_reviewer', '{emergency:review}') \g /dev/null
SELECT pg_temp.hire('desk', 1, '{receptionist}', '{1}'), pg_temp.hire('doctor', 2, '{doctor}', '{1}', 1), pg_temp.hire('own', 3, '{own_diary}', '{1}', 3),
       pg_temp.hire('lab', 4, '{lab_tech}', '{1}'), pg_temp.hire('pharmacist', 5, '{pharmacist}', '{1}'), pg_temp.hire('accountant', 6, '{accountant}', '{1}'),
       pg_temp.hire('patient', 7, '{patient}', '{}', patient => 1), pg_temp.hire('super', 8, '{super_admin}', '{}'),
       pg_temp.hire('reviewer', 9, '{glass_reviewer}', '{1}'), pg_temp.hire('both', 10, '{receptionist}', '{1,2}') \g /dev/null
SELECT clinic.add_dependant(pg_temp.id(1, 60), pg_temp.id(1, 60, 3), 'child'),
       clinic.add_dependant(pg_temp.id(1, 60), pg_temp.id(1, 60, 6), 'parent', '2027-03-01'),
       clinic.map_login('sight_desk', 'staff', user_id => pg_temp.id(1, 90, 1)),
       clinic.map_login('sight_patient', 'patient', user_id => pg_temp.id(1, 90, 7), patient_id => pg_temp.id(1, 60)) \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- Calls. Each is a request of its own: it enters, runs, and is undone, unless it is made to stay.

-- What an administrator does stays; afterwards there is no context.
CREATE FUNCTION pg_temp.administer(query text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    clock text := current_setting('clinic.clock');
BEGIN
    PERFORM clinic.use_tenant('sight-lake');
    EXECUTE query;
    RESET ALL;
    PERFORM set_config('clinic.clock', clock, true), set_config('search_path', 'pg_catalog, public', true);
END
$$;

-- Enters as a person by the claims of a gateway.
CREATE FUNCTION pg_temp.enter(person text, more jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', (SELECT jsonb_build_object('sub', pg_temp.id(p.tenant, 90, p.number), 'tenant_id', pg_temp.id(p.tenant, 10),
        'iat', extract(epoch FROM clinic.now())::bigint, 'exp', extract(epoch FROM clinic.now())::bigint + 900) || more FROM pg_temp.people p WHERE p.name = person)::text, true);
    EXECUTE 'SET LOCAL SESSION AUTHORIZATION sight_gateway';
    EXECUTE 'SET LOCAL ROLE clinic_user';
    PERFORM clinic.pre_request();
END
$$;
-- What becomes of a query when somebody runs it, maybe after another one: 'ok' and its first value, or the SQLSTATE, message and
-- detail. Nothing stays. People come by claims, logins (sight_...) by themselves.
CREATE FUNCTION pg_temp.outcome(person text, query text, more jsonb DEFAULT '{}', before text DEFAULT 'SELECT 1') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    facts text;
BEGIN
    IF person LIKE 'sight\_%' THEN
        EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', person);
    ELSE
        PERFORM pg_temp.enter(person, more);
    END IF;
    EXECUTE before;
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
CREATE FUNCTION pg_temp.state(person text, query text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS
    $$ SELECT CASE WHEN o LIKE 'ok%' THEN 'ok' ELSE pg_catalog.split_part(o, ' ', 1) END FROM pg_temp.outcome(person, query, more) o $$;
-- The numbers of the visits and patients that somebody sees.
CREATE FUNCTION pg_temp.visits_of(person text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.outcome(person, 'SELECT string_agg(coalesce(v.tenant || ''.'' || v.number, ''?''), '' '' ORDER BY v.tenant, v.number)
                                      FROM clinic.appointments a LEFT JOIN pg_temp.visits v USING (appointment_id)', more) $$;
CREATE FUNCTION pg_temp.patients_of(person text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.outcome(person, 'SELECT string_agg(right(p.patient_id::text, 1), '' '' ORDER BY p.patient_id) FROM clinic.patients p', more) $$;
CREATE FUNCTION pg_temp.book(patient integer, wall time, provider integer, tenant integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT pg_catalog.format('SELECT status FROM clinic.book_appointment(%L, %L, %L, %L)',
        pg_temp.id(1, 50), pg_temp.id(tenant, 60, patient), pg_temp.at(wall), pg_temp.id(1, 30, provider)) $$;
CREATE FUNCTION pg_temp.cancel(number integer, tenant integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT pg_catalog.format('SELECT clinic.cancel_appointment(%L)', pg_temp.visit(tenant, number)) $$;
SELECT pg_temp.administer('SELECT 1') \g /dev/null
SELECT is(clinic.current_tenant_id(), NULL, 'there is no context but those that the calls enter');

-- ---------------------------------------------------------------------------------------------------------------------
-- What each sees: visits (tenant.number) and patients.

SELECT is(pg_temp.visits_of(w.person) || ' / ' || pg_temp.patients_of(w.person), w.wanted, w.what)
  FROM (VALUES
        ('desk', 'ok 1.1 1.2 / ok 1 2 3 4 5 6', 'a receptionist sees the visits of their branch, and all patients'),
        ('both', 'ok 1.1 1.2 1.3 1.4 / ok 1 2 3 4 5 6', 'of two branches, those of both'),
        ('sight_desk', 'ok 1.1 1.2 / ok 1 2 3 4 5 6', 'by a mapped login as by claims'),
        ('doctor', 'ok 1.1 1.2 1.4 / ok 1 4', 'a doctor sees the diary of the branch and the own one, and the patients they treat'),
        ('own', 'ok 1.2 / ok 2', 'appointments:read:own shows the own diary'),
        ('lab', 'ok / ok 1 2 3 4 5 6', 'a lab technician sees patients only'),
        ('pharmacist', 'ok / ok 1 2 3 4 5 6', 'so does a pharmacist'),
        ('accountant', 'ok / ok', 'an accountant sees neither'),
        ('patient', 'ok 1.1 1.3 / ok 1 3 6', 'a patient sees themselves and their dependants'),
        ('sight_patient', 'ok 1.1 1.3 / ok 1 3 6', 'by a mapped login, too'),
        ('super', 'ok / ok', 'a super_admin sees nothing of patients without a purpose'),
        ('reviewer', 'ok / ok', 'who reviews emergencies sees no patient for that'),
        ('sight_plain', 'ok / ok', 'a login that is nobody sees nothing')) w (person, wanted, what);
SELECT is(pg_temp.outcome('doctor', 'SELECT string_agg(coalesce(a.patient_name, ''-''), '', '' ORDER BY v.number) FROM clinic.appointments a JOIN pg_temp.visits v USING (appointment_id)'),
          'ok Patient 1, -, Patient 4', 'of a visit whose patient is not in care the name is missing');
SELECT is(pg_temp.outcome(person, 'SELECT count(date_of_birth) FROM clinic.patients'), 'ok ' || dates, format('%s: dates of birth', person))
  FROM (VALUES ('desk', 6), ('lab', 0), ('pharmacist', 0), ('doctor', 2), ('patient', 3)) w (person, dates);
SELECT is(pg_temp.outcome('super', 'SELECT (SELECT count(*) FROM clinic.patients) + (SELECT count(*) FROM clinic.appointments)', before => 'SELECT clinic.declare_purpose(''HOPERAT'')'),
          'ok 10', 'with a declared purpose a super_admin sees all of the tenant');
SELECT is(pg_temp.state('super', 'SELECT clinic.declare_purpose(''curious'')'), '22023', 'a purpose is a code');
SELECT is(pg_temp.state('super', 'SELECT clinic.declare_purpose(''NONSENSE'')'), '22023', 'and one that HL7 knows');
SELECT is(pg_temp.state('super', 'SELECT clinic.declare_purpose(''CLINTRCHNPC'')'), 'ok', 'such as this one');
SELECT is(pg_temp.outcome('super', $$ SELECT clinic.break_glass(pg_temp.id(1, 60, 5), 'Unconscious at the door') $$),
          '42501 a purpose must be declared first {"reason": "forbidden"}', 'who sees nobody without a purpose is told so, before the glass breaks');
SELECT is(pg_temp.outcome('super', 'SELECT count(*) FROM clinic.patients WHERE patient_id = pg_temp.id(1, 60, 5)',
              before => $$ SELECT clinic.declare_purpose('ETREAT'), clinic.break_glass(pg_temp.id(1, 60, 5), 'Unconscious at the door') $$), 'ok 1', 'with one it breaks');

-- Dependants end with their last day.
SET LOCAL clinic.clock = '2027-03-02 06:00Z';
SELECT is(pg_temp.patients_of('patient'), 'ok 1 3', 'after until_on a dependant is gone');
SELECT is(pg_temp.state('patient', pg_temp.book(6, '10:00', 3)), '42501', 'and is not booked for');
SET LOCAL clinic.clock = '2027-03-01 06:00Z';

-- ---------------------------------------------------------------------------------------------------------------------
-- What each changes.

SELECT is(pg_temp.state(w.person, pg_temp.cancel(w.number)), w.wanted, format('%s cancels visit %s: %s', w.person, w.number, w.wanted))
  FROM (VALUES ('desk', 1, 'ok'), ('desk', 2, 'ok'), ('desk', 3, 'CL001'), ('desk', 4, 'CL001'), ('both', 3, 'ok'),
               ('doctor', 1, 'ok'), ('doctor', 2, '42501'), ('doctor', 3, 'CL001'), ('doctor', 4, 'ok'),
               ('own', 1, 'CL001'), ('own', 2, 'ok'), ('own', 3, 'CL001'), ('lab', 1, '42501'), ('accountant', 1, '42501'), ('reviewer', 1, '42501'),
               ('patient', 1, 'ok'), ('patient', 2, 'CL001'), ('patient', 3, 'ok'), ('patient', 4, 'CL001'), ('super', 1, 'CL001')) w (person, number, wanted);
SELECT is(pg_temp.state(w.person, pg_temp.book(w.patient, w.wall, w.provider)), w.wanted,
          format('%s books provider %s at %s for patient %s: %s', w.person, w.provider, w.wall, w.patient, w.wanted))
  FROM (VALUES ('desk', 1, time '10:00', 1, 'ok'), ('desk', 3, '10:00', 2, '42501'), ('desk', 4, '15:00', 1, '42501'), ('both', 4, '15:00', 1, 'ok'),
               ('doctor', 1, '10:00', 1, 'ok'), ('doctor', 4, '15:00', 1, 'ok'), ('doctor', 1, '10:00', 3, '42501'), ('doctor', 1, '10:00', 2, '42501'), ('doctor', 2, '10:00', 1, 'CL001'),
               ('own', 2, '10:00', 3, 'ok'), ('own', 2, '10:00', 1, '42501'), ('own', 1, '10:00', 3, 'CL001'),
               ('lab', 1, '10:00', 1, '42501'), ('accountant', 1, '10:00', 1, '42501'), ('super', 1, '10:00', 1, 'CL001'),
               ('patient', 1, '10:00', 1, 'ok'), ('patient', 3, '10:00', 2, 'ok'), ('patient', 6, '10:00', 3, 'ok'), ('patient', 2, '10:00', 3, '42501')) w (person, patient, wall, provider, wanted);

-- ---------------------------------------------------------------------------------------------------------------------
-- Care: treated, registered, or in an emergency.

SELECT is(pg_temp.outcome('doctor', 'SELECT count(*) FROM clinic.patients WHERE patient_id = pg_temp.id(1, 60, 7)', before => 'SELECT clinic.create_patient(''New'', patient_id => pg_temp.id(1, 60, 7))'),
          'ok 1', 'a provider sees a patient whom they registered');
SELECT pg_temp.administer(pg_temp.cancel(4)) \g /dev/null
SELECT is(pg_temp.patients_of('doctor'), 'ok 1', 'a cancelled visit is no care');
SELECT pg_temp.administer('SELECT clinic.update_tenant(''{"patient_access": "tenant"}'')') \g /dev/null
SELECT is(pg_temp.patients_of('doctor'), 'ok 1 2 3 4 5 6', 'patient_access tenant shows providers all patients');
SELECT pg_temp.administer('SELECT clinic.update_tenant(''{"patient_access": "care"}'')') \g /dev/null
SELECT is(pg_temp.patients_of('doctor'), 'ok 1', 'and care those in care again');

CREATE TEMPORARY TABLE broken (access_id uuid);
GRANT SELECT, INSERT ON broken TO PUBLIC;
CREATE FUNCTION pg_temp.glass(patient uuid) RETURNS text LANGUAGE sql AS
    $$ SELECT pg_catalog.format('SELECT clinic.break_glass(%L, %L, 30)', patient, 'Unconscious at the door') $$;
SELECT is(pg_temp.state(w.person, pg_temp.glass(w.patient)), w.wanted, format('%s breaks the glass of %s: %s', w.person, w.patient, w.wanted))
  FROM (VALUES ('doctor', pg_temp.id(1, 60, 5), 'ok'), ('own', pg_temp.id(1, 60, 5), '42501'), ('desk', pg_temp.id(1, 60, 5), '42501'),
               ('doctor', pg_temp.id(1, 60, 99), 'CL001'), ('doctor', pg_temp.id(2, 60, 5), 'CL001')) w (person, patient, wanted);
SELECT is(pg_temp.outcome('doctor', 'SELECT count(*) FROM clinic.patients WHERE patient_id = pg_temp.id(1, 60, 5)', before => pg_temp.glass(pg_temp.id(1, 60, 5))),
          'ok 1', 'it holds at once');
-- One that stays: the doctor's own call, committed.
CREATE FUNCTION pg_temp.break_for_good() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    clock text := current_setting('clinic.clock');
BEGIN
    PERFORM pg_temp.enter('doctor', '{}');
    INSERT INTO pg_temp.broken SELECT clinic.break_glass(pg_temp.id(1, 60, 5), 'Unconscious at the door', 30);
    EXECUTE 'RESET SESSION AUTHORIZATION';
    RESET ALL;
    PERFORM set_config('clinic.clock', clock, true), set_config('search_path', 'pg_catalog, public', true);
END
$$;
SELECT pg_temp.break_for_good() \g /dev/null
SELECT is(pg_temp.patients_of('doctor'), 'ok 1 5', 'whoever broke the glass sees the patient');
SELECT is(pg_temp.patients_of('own'), 'ok 2', 'nobody else does for that');
SET LOCAL clinic.clock = '2027-03-01 06:29:59Z';
SELECT is(pg_temp.patients_of('doctor'), 'ok 1 5', 'to the end of its time');
SET LOCAL clinic.clock = '2027-03-01 06:30:00Z';
SELECT is(pg_temp.patients_of('doctor'), 'ok 1', 'and then no more');
SET LOCAL clinic.clock = '2027-03-01 06:10:00Z';
SELECT is(pg_temp.outcome('doctor', 'SELECT count(*) FROM clinic.patients WHERE patient_id = pg_temp.id(1, 60, 5)', before => 'SELECT clinic.end_break_glass(access_id) FROM pg_temp.broken'),
          'ok 0', 'ended early, it is over at once');
SELECT is(pg_temp.outcome(person, 'SELECT count(*) FROM clinic.emergency_accesses'), 'ok ' || n, format('%s sees accesses', person))
  FROM (VALUES ('doctor', 1), ('reviewer', 1), ('desk', 0), ('own', 0)) w (person, n);
SELECT is(pg_temp.state(person, 'SELECT clinic.review_emergency_access(access_id, ''Justified.'') FROM pg_temp.broken'), wanted, format('%s reviews: %s', person, wanted))
  FROM (VALUES ('reviewer', 'ok'), ('doctor', '42501'), ('desk', '42501')) w (person, wanted);
SELECT pg_temp.administer('SELECT clinic.create_role(''doctor_reviewer'', ''{emergency:review}''), clinic.grant_role(' || quote_literal(pg_temp.id(1, 90, 2)) || ', ''doctor_reviewer'')') \g /dev/null
SELECT is(pg_temp.state('doctor', 'SELECT clinic.review_emergency_access(access_id, ''Justified.'') FROM pg_temp.broken'), '42501', 'nobody reviews their own access, with the permission neither');
SELECT is(pg_temp.state('own', 'SELECT clinic.end_break_glass(access_id) FROM pg_temp.broken'), 'CL001', 'nor does anybody end another''s');

-- ---------------------------------------------------------------------------------------------------------------------
-- Claims: branch_id narrows, and what is not there is refused.

SELECT is(pg_temp.visits_of('both', jsonb_build_object('branch_id', pg_temp.id(1, 20, 2))), 'ok 1.3 1.4', 'branch_id leaves the visits of one branch');
SELECT is(pg_temp.state('desk', 'SELECT 1', m), '28000', 'refused: ' || m::text)
  FROM unnest(ARRAY[jsonb_build_object('branch_id', pg_temp.id(1, 20, 2)), jsonb_build_object('branch_id', pg_temp.id(2, 20)), jsonb_build_object('tenant_id', pg_temp.id(2, 10)),
                    jsonb_build_object('sub', pg_temp.id(1, 90, 99)), jsonb_build_object('sid', pg_temp.id(1, 99)), '{"sub": "x"}'::jsonb, '{"exp": null}']) m;
SELECT is(pg_temp.state('super', 'SELECT 1', jsonb_build_object('branch_id', pg_temp.id(1, 20, 2))), 'ok', 'who acts everywhere may narrow to any branch');
SELECT is(pg_temp.outcome('sight_desk', 'SELECT count(*) FROM (SELECT set_config(''request.jwt.claims'', ''{}'', true)) s, (SELECT clinic.pre_request()) p')::text ~ '^42501', true,
          'a login that is no gateway says nothing about who calls');

-- ---------------------------------------------------------------------------------------------------------------------
-- What is of another tenant is as what is nowhere: the same answer, but for the id.

CREATE FUNCTION pg_temp.same_for(person text, query text, theirs uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    nowhere constant uuid := '00000009-0000-7000-8000-000000000009';
    one text := replace(pg_temp.outcome(person, format(query, theirs)), theirs::text, '*');
    other text := replace(pg_temp.outcome(person, format(query, nowhere)), nowhere::text, '*');
BEGIN
    RETURN one = other AND one NOT LIKE 'ok%';
END
$$;
SELECT ok(pg_temp.same_for(person, query, theirs), format('%s: %s', person, query))
  FROM unnest('{desk,doctor,patient,sight_desk,sight_patient}'::text[]) person,
       (VALUES ('SELECT clinic.get_appointment(%L)', pg_temp.visit(2, 1)), ('SELECT clinic.cancel_appointment(%L)', pg_temp.visit(2, 1)),
               ('SELECT clinic.reschedule_appointment(%L, ''2027-03-02 11:00+01'')', pg_temp.visit(2, 1)),
               ('SELECT clinic.book_appointment(''00000001-0050-7000-8000-000000000001'', %L, ''2027-03-02 10:00+01'', ''00000001-0030-7000-8000-000000000001'')', pg_temp.id(2, 60, 1)),
               ('SELECT clinic.book_appointment(''00000001-0050-7000-8000-000000000001'', ''00000001-0060-7000-8000-000000000001'', ''2027-03-02 10:00+01'', %L)', pg_temp.id(2, 30, 1)),
               ('SELECT clinic.book_appointment(%L, ''00000001-0060-7000-8000-000000000001'', ''2027-03-02 10:00+01'', ''00000001-0030-7000-8000-000000000001'')', pg_temp.id(2, 50))) q (query, theirs);
SELECT ok(pg_temp.same_for('doctor', 'SELECT clinic.break_glass(%L, ''Unconscious at the door'')', pg_temp.id(2, 60)), 'doctor: break_glass');

-- ---------------------------------------------------------------------------------------------------------------------
-- In parallel workers the context is the same one.

-- Plans with workers: the workers do it all, and at least one was started, in which the rules held.
CREATE FUNCTION pg_temp.in_workers(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
    answer text;
BEGIN
    PERFORM set_config(s, v, true) FROM (VALUES ('parallel_setup_cost', '0'), ('parallel_tuple_cost', '0'), ('min_parallel_table_scan_size', '0'),
        ('min_parallel_index_scan_size', '0'), ('parallel_leader_participation', 'off'), ('max_parallel_workers_per_gather', '2'),
        (CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'on')) x (s, v);
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
    EXECUTE query INTO answer;
    RETURN (SELECT CASE WHEN max(w::text::integer) > 0 THEN 'parallel ' ELSE 'serial ' END FROM jsonb_path_query(plan, 'strict $.**."Workers Launched"') w) || coalesce(answer, 'nothing');
END
$$;
GRANT ALL ON FUNCTION pg_temp.in_workers(text) TO PUBLIC;
SELECT is(pg_temp.outcome(p.person, format('SELECT pg_temp.in_workers(%L)', q.query), p.more),
          regexp_replace(pg_temp.outcome(p.person, 'SELECT coalesce((' || q.query || ')::text, ''nothing'')', p.more), '^ok', 'ok parallel'),
          format('%s, in workers: %s', p.person, q.query))
  FROM (VALUES ('desk', '{}'::jsonb), ('doctor', '{}'), ('own', '{}'), ('lab', '{}'), ('patient', '{}'), ('super', '{}'), ('sight_desk', '{}'), ('sight_patient', '{}'),
               ('both', jsonb_build_object('branch_id', pg_temp.id(1, 20, 2)))) p (person, more),
       (VALUES ('SELECT string_agg(busy_from::text, '' '' ORDER BY busy_from) FROM clinic.busy_times'),
               ('SELECT string_agg(r.name || clinic.sees_patient(''00000001-0060-7000-8000-000000000001'') || clinic.sees_patient(''00000001-0060-7000-8000-000000000003'') || clinic.sees_patient(''00000001-0060-7000-8000-000000000005''), '' '' ORDER BY r.name) FROM clinic.providers r')) q (query);
-- Rows of patients whose reads workers would keep to themselves are read by one process, and are the same.
SELECT is(regexp_replace(pg_temp.outcome(p.person, format('SELECT pg_temp.in_workers(%L)', q.query), p.more), '^ok (serial|parallel)', 'ok'),
          pg_temp.outcome(p.person, 'SELECT coalesce((' || q.query || ')::text, ''nothing'')', p.more),
          format('%s, with workers for whoever wants them: %s', p.person, q.query))
  FROM (VALUES ('desk', '{}'::jsonb), ('doctor', '{}'), ('own', '{}'), ('lab', '{}'), ('patient', '{}'), ('super', '{}'), ('sight_desk', '{}'), ('sight_patient', '{}'),
               ('sight_plain', '{}'), ('both', jsonb_build_object('branch_id', pg_temp.id(1, 20, 2)))) p (person, more),
       (VALUES ('SELECT string_agg(appointment_id::text, '' '' ORDER BY appointment_id) FROM clinic.appointments'),
               ('SELECT string_agg(patient_id || '' '' || coalesce(date_of_birth::text, ''-''), '','' ORDER BY patient_id) FROM clinic.patients')) q (query);

-- ---------------------------------------------------------------------------------------------------------------------
-- Visitors see what is published.

CREATE FUNCTION pg_temp.visitor(query text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.outcome('sight_plain', query, before => 'SELECT clinic.enter_public(''sight-lake'')') $$;
SELECT is(split_part(pg_temp.visitor('SELECT 1'), ' ', 1), 'CL001', 'a tenant without a page is not there for visitors');
SELECT pg_temp.administer(format('SELECT clinic.update_tenant(''{"published": true}''), clinic.update_location(%L, ''{"published": true}''), clinic.update_provider(%L, ''{"published": true}''),
                                  clinic.update_service(%L, ''{"published": true}'')', pg_temp.id(1, 20), pg_temp.id(1, 30), pg_temp.id(1, 50))) \g /dev/null
SELECT is(pg_temp.visitor('SELECT count(*) FROM clinic.' || v), 'ok ' || n, format('a visitor: %s', v))
  FROM (VALUES ('locations', 1), ('providers', 1), ('services', 1), ('patients', 0), ('appointments', 0), ('users', 0), ('dependants', 0), ('emergency_accesses', 0)) w (v, n);

-- ---------------------------------------------------------------------------------------------------------------------
-- What is taken away is gone at the next call.

SELECT is(pg_temp.state('desk', 'SELECT 1', '{"jti": "one"}'), 'ok', 'a token that lives');
SELECT pg_temp.administer('SELECT clinic.revoke_token(''one'', ''2027-03-02'')') \g /dev/null
SELECT is(pg_temp.state('desk', 'SELECT 1', '{"jti": "one"}'), '28000', 'a revoked one');
SELECT is(pg_temp.state('desk', 'SELECT 1', '{"jti": "two"}'), 'ok', 'another one');

INSERT INTO clinic_data.sessions (tenant_id, session_id, user_id, refresh_hash, refreshed_at, expires_at, method)
    SELECT pg_temp.id(1, 10), pg_temp.id(1, 95, n), pg_temp.id(1, 90, n), '\x01', '2027-03-01 06:00Z', '2027-03-08 06:00Z', 'password' FROM generate_series(1, 2) n;
SELECT is(pg_temp.state('desk', 'SELECT 1', jsonb_build_object('sid', pg_temp.id(1, 95, 1))), 'ok', 'a session that lives');
SELECT is(pg_temp.state('desk', 'SELECT 1', jsonb_build_object('sid', pg_temp.id(1, 95, 2))), '28000', 'somebody else''s session');
SELECT pg_temp.administer(format('SELECT clinic.end_sessions_of(%L)', pg_temp.id(1, 90))) \g /dev/null
SELECT is(pg_temp.state('desk', 'SELECT 1', jsonb_build_object('sid', pg_temp.id(1, 95, 1))), '28000', 'a session that was ended');

SELECT pg_temp.administer(format('SELECT clinic.withdraw_location(%L, %L)', pg_temp.id(1, 90, 10), pg_temp.id(1, 20))) \g /dev/null
SELECT is(pg_temp.visits_of('both'), 'ok 1.3 1.4', 'a withdrawn branch');
SELECT is(pg_temp.state('both', 'SELECT 1', jsonb_build_object('branch_id', pg_temp.id(1, 20))), '28000', 'nor does a token narrow to it');
SELECT pg_temp.administer(format('SELECT clinic.revoke_role(%L, ''receptionist'')', pg_temp.id(1, 90, 10))) \g /dev/null
SELECT is(pg_temp.visits_of('both') || pg_temp.patients_of('both'), 'okok', 'a revoked role');
SELECT pg_temp.administer('SELECT clinic.update_role(''own_diary'', ''{"permissions": ["patients:read"]}'')') \g /dev/null
SELECT is(pg_temp.visits_of('own') || pg_temp.patients_of('own'), 'okok 2', 'a changed role');
SELECT pg_temp.administer(format('SELECT clinic.remove_dependant(%L, %L)', pg_temp.id(1, 60), pg_temp.id(1, 60, 3))) \g /dev/null
SELECT is(pg_temp.patients_of('patient') || pg_temp.visits_of('sight_patient'), 'ok 1 6ok 1.1', 'a dependant taken back');
SELECT pg_temp.administer(format('SELECT clinic.deactivate_user(%L), clinic.deactivate_user(%L)', pg_temp.id(1, 90, 2), pg_temp.id(1, 90, 7))) \g /dev/null
SELECT is(pg_temp.state('doctor', 'SELECT 1') || pg_temp.state('patient', 'SELECT 1'), '2800028000', 'deactivated users have no context');
SELECT is(pg_temp.patients_of('sight_patient') || pg_temp.visits_of('sight_patient'), 'okok', 'nor have their logins');
UPDATE clinic_data.tenants SET status = 'suspended' WHERE tenant_id = pg_temp.id(1, 10);
SELECT is(pg_temp.state('desk', 'SELECT 1') || pg_temp.visits_of('sight_desk'), '28000ok', 'nor has anybody of a suspended tenant');

SELECT * FROM finish();
ROLLBACK;
