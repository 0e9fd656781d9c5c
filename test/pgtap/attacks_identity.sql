-- Attacks on who is calling and on what the identity of another gives: visitors who look behind the page, ids of another tenant given
-- to the functions of identity, governed users, titles of blocks, cursors that outlive their transaction, helpers as oracles.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL clinic.clock = '2027-03-01 06:00Z';
SELECT no_plan();

-- ---------------------------------------------------------------------------------------------------------------------
-- Two tenants with a page each. Ids tell what they are: 0000000T-00KK-..-NN: tenant T, kind KK, number NN.

CREATE FUNCTION pg_temp.id(tenant integer, kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS
    $$ SELECT pg_catalog.format('0000000%s-00%s-7000-8000-%s', tenant, kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.at(wall time) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT ('2027-03-02 ' || wall || '+01')::timestamptz $$;
CREATE TEMPORARY TABLE made (tenant integer, kind text, id uuid);
GRANT SELECT ON made TO PUBLIC;
CREATE FUNCTION pg_temp.made(tenant integer, kind text) RETURNS uuid LANGUAGE sql STABLE AS
    $$ SELECT m.id FROM pg_temp.made m WHERE m.tenant = made.tenant AND m.kind = made.kind $$;

-- User 1 is a service account, 2 a receptionist, 3 the user of patient 1, 4 administers; 5 does so with the scope own alone, as 6 has it.
CREATE FUNCTION pg_temp.make_tenant(n integer, slug text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.create_tenant(slug, slug, tenant_id => pg_temp.id(n, 10));
    PERFORM clinic.create_location('Place ' || l || ' of ' || slug, 'Europe/Berlin', location_id => pg_temp.id(n, 20, l)) FROM generate_series(1, 2) l;
    PERFORM clinic.set_travel_time(pg_temp.id(n, 20), pg_temp.id(n, 20, 2), 20);
    PERFORM clinic.create_provider('Doctor ' || p || ' of ' || slug, 'Europe/Berlin', provider_id => pg_temp.id(n, 30, p)) FROM generate_series(1, 2) p;
    PERFORM clinic.create_resource('Room of ' || slug, 'room', 'room', pg_temp.id(n, 20), quantity => 3, resource_id => pg_temp.id(n, 40));
    PERFORM clinic.create_service('Visit ' || s || ' of ' || slug, 30, service_id => pg_temp.id(n, 50, s)) FROM generate_series(1, 2) s;
    PERFORM clinic.require_resource(pg_temp.id(n, 50, x), 'room', 1) FROM generate_series(1, 2) x;
    PERFORM clinic.offer_service(pg_temp.id(n, 50, s), pg_temp.id(n, 30, p)) FROM generate_series(1, 2) p, generate_series(1, 2) s;
    PERFORM clinic.add_hours(pg_temp.id(n, 30, p), pg_temp.id(n, 20), 'FREQ=DAILY', '09:00', '17:00', '2027-01-01') FROM generate_series(1, 2) p;
    PERFORM clinic.create_patient('Patient ' || p || ' of ' || slug, 'MRN-' || p, patient_id => pg_temp.id(n, 60, p)) FROM generate_series(1, 3) p;
    PERFORM clinic.add_block(pg_temp.at('12:00'), pg_temp.at('13:00'), pg_temp.id(n, 30), title => 'Title of ' || slug);
    PERFORM clinic.add_leave(pg_temp.id(n, 30), '2027-04-01', '2027-04-09'), clinic.add_stay(pg_temp.id(n, 30), '2027-05-01', '2027-05-09', 'Asia/Kolkata'),
            clinic.add_holiday(pg_temp.id(n, 20), '2027-12-25', 'Holiday of ' || slug), clinic.close_date(pg_temp.id(n, 30), '2027-12-24');
    PERFORM clinic.create_role('keeper', '{users:write,appointments:read:own}'), clinic.create_role('own_diary', '{appointments:read:own}');
    PERFORM clinic.create_user(u.kind, 'User of ' || slug, email => u.number || '@' || slug || '.test', roles => u.roles, all_locations => u.number IN (4, 5),
                               location_ids => CASE WHEN u.number IN (1, 2, 6) THEN ARRAY[pg_temp.id(n, 20)] ELSE '{}' END,
                               provider_id => CASE u.number WHEN 6 THEN pg_temp.id(n, 30) END,
                               patient_id => CASE u.number WHEN 3 THEN pg_temp.id(n, 60) END, user_id => pg_temp.id(n, 90, u.number))
       FROM (VALUES (1, 'service', '{receptionist}'::text[]), (2, 'staff', '{receptionist}'), (3, 'patient', '{patient}'), (4, 'staff', '{super_admin}'),
                    (5, 'staff', '{keeper}'), (6, 'staff', '{own_diary}')) u (number, kind, roles);
    PERFORM clinic.add_dependant(pg_temp.id(n, 60, 1), pg_temp.id(n, 60, 2));
    INSERT INTO pg_temp.made SELECT n, 'key', k.key_id FROM clinic.create_api_key(pg_temp.id(n, 90), 'Key of ' || slug) k;
    PERFORM clinic.book_appointment(pg_temp.id(n, 50), pg_temp.id(n, 60, 2), pg_temp.at('09:00'), pg_temp.id(n, 30, 2), pg_temp.id(n, 20));
    INSERT INTO pg_temp.made SELECT n, 'visit', b.appointment_id
      FROM clinic.book_appointment(pg_temp.id(n, 50), pg_temp.id(n, 60), pg_temp.at('09:00'), pg_temp.id(n, 30)) b;
    PERFORM clinic.update_tenant('{"published": true}');
    PERFORM clinic.update_location(pg_temp.id(n, 20), '{"published": true}'), clinic.update_service(pg_temp.id(n, 50), '{"published": true}'),
            clinic.update_provider(pg_temp.id(n, 30, 2), '{"published": true}');
    INSERT INTO clinic_data.sessions (tenant_id, session_id, user_id, refresh_hash, created_at, refreshed_at, expires_at, method)
    VALUES (pg_temp.id(n, 10), pg_temp.id(n, 91), pg_temp.id(n, 90, 4), sha256('x'), clinic.now(), clinic.now(), '2028-01-01', 'code');
    INSERT INTO clinic_data.emergency_accesses (tenant_id, access_id, user_id, patient_id, reason, starts_at, expires_at)
    VALUES (pg_temp.id(n, 10), pg_temp.id(n, 92), pg_temp.id(n, 90, 2), pg_temp.id(n, 60), 'a reason to read', clinic.now(), clinic.now() + interval '1 hour');
    INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, destination, payload, created_at, due_at, status, claimed_until)
    VALUES (pg_temp.id(n, 10), pg_temp.id(n, 93), 'one_time_code', 'email', 'to@' || slug || '.test', '{}', clinic.now(), clinic.now(), 'waiting',
            clinic.now() + interval '1 hour');
END
$$;
SELECT pg_temp.make_tenant(2, 'thief-hill') \g /dev/null
SELECT pg_temp.make_tenant(1, 'thief-lake') \g /dev/null

CREATE ROLE thief_unmapped LOGIN IN ROLE clinic_user;
CREATE ROLE thief_super LOGIN IN ROLE clinic_user;
CREATE ROLE thief_desk LOGIN IN ROLE clinic_user;
CREATE ROLE thief_keeper LOGIN IN ROLE clinic_user;
CREATE ROLE thief_patient LOGIN IN ROLE clinic_user;
SELECT clinic.map_login('thief_super', 'staff', '{*}', user_id => pg_temp.id(1, 90, 4)), clinic.map_login('thief_desk', 'staff', user_id => pg_temp.id(1, 90, 2)),
       clinic.map_login('thief_keeper', 'staff', user_id => pg_temp.id(1, 90, 5)),
       clinic.map_login('thief_patient', 'patient', user_id => pg_temp.id(1, 90, 3), patient_id => pg_temp.id(1, 60)) \g /dev/null

-- What becomes of a query when a login runs it: 'ok' and its first value, or the SQLSTATE, message, detail and hint. Nothing stays.
CREATE FUNCTION pg_temp.outcome(login name, query text, before text DEFAULT 'SELECT 1') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    facts text;
    hint text;
BEGIN
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
    EXECUTE before;
    EXECUTE query INTO answer;
    RAISE EXCEPTION USING ERRCODE = 'UNDO0', MESSAGE = coalesce('ok ' || answer, 'ok');
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN SQLERRM;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RETURN concat_ws(' ', SQLSTATE, SQLERRM, facts, hint);
END
$$;
CREATE FUNCTION pg_temp.state(login name, query text, before text DEFAULT 'SELECT 1') RETURNS text LANGUAGE sql AS
    $$ SELECT pg_catalog.split_part(pg_temp.outcome(login, query, before), ' ', 1) $$;
RESET ALL;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL clinic.clock = '2027-03-01 06:00Z';

-- ---------------------------------------------------------------------------------------------------------------------
-- Whoever enters a booking page, whatever rights the login has, sees what is published of the tenant, and nothing else.

SELECT is(pg_temp.outcome(login, 'SELECT count(*) FROM clinic.' || v, 'SELECT clinic.enter_public(''thief-hill'')'), 'ok ' || seen,
          format('%s, as a visitor of another tenant, sees %s of %s', login, seen, v))
  FROM unnest(ARRAY['thief_unmapped', 'thief_super']::name[]) login,
       (SELECT c.relname, CASE WHEN c.relname IN ('tenants', 'locations', 'providers', 'services', 'service_providers') THEN 1 ELSE 0 END
          FROM pg_class c WHERE c.relnamespace = 'clinic'::regnamespace AND c.relkind = 'v') views (v, seen);
SELECT is(pg_temp.outcome('thief_unmapped', 'SELECT count(*) FROM ' || call, 'SELECT clinic.enter_public(''thief-hill'')'), 'ok 0', 'nor by ' || call)
  FROM unnest(ARRAY['clinic.blocked_times(ARRAY[pg_temp.id(2, 30, 1), pg_temp.id(2, 30, 2)], ''2027-03-01'', ''2027-05-01'')',
                    'clinic.open_hours(ARRAY[pg_temp.id(2, 30, 1), pg_temp.id(2, 30, 2)], ''2027-03-01'', ''2027-05-01'')']) call;
SELECT is(pg_temp.outcome('thief_unmapped', 'SELECT clinic.booking_page() -> ''services'' -> 0 -> ''provider_ids''', 'SELECT clinic.enter_public(''thief-hill'')'),
          format('ok ["%s"]', pg_temp.id(2, 30, 2)), 'the page itself says who offers what');
SELECT is(pg_temp.outcome('thief_unmapped', 'SELECT needs FROM clinic.services', 'SELECT clinic.enter_public(''thief-hill'')'), 'ok {"room": 1}',
          'and what a published service needs');
SELECT matches(pg_temp.outcome('thief_unmapped', 'SELECT count(*) FROM clinic.available_slots(pg_temp.id(2, 50), ''2027-03-02'', ''2027-03-03'')',
                               'SELECT clinic.enter_public(''thief-hill'')'), '^ok [1-9]', 'and finds slots by hours that it does not show');
SELECT is(pg_temp.state('thief_super', call, 'SELECT clinic.enter_public(''thief-hill'')'), '42501', 'a visitor has left their permissions behind: ' || call)
  FROM unnest(ARRAY['SELECT clinic.update_tenant(''{"name": "x"}'')', 'SELECT clinic.create_patient(''x'')', 'SELECT * FROM clinic.calendar(''2027-03-02'', ''2027-03-03'')',
                    'SELECT * FROM clinic.api_keys()', 'SELECT * FROM clinic.claim_messages()', 'SELECT clinic.set_password(''some long password'')']) call;
SELECT is(pg_temp.outcome('thief_super', 'SELECT count(*) FROM clinic.patients WHERE tenant_id <> pg_temp.id(1, 10)', 'SELECT clinic.enter_public(''thief-hill''); RESET ALL'),
          'ok 0', 'RESET ALL leads back to the login''s own tenant');

-- ---------------------------------------------------------------------------------------------------------------------
-- An id of another tenant gets the answer, hint included, of an id that nobody has: for every function with an id among its arguments.

CREATE TEMPORARY TABLE fitting (name text, value text);
INSERT INTO fitting VALUES
    ('user_id', 'pg_temp.id(1, 90, 2)'), ('location_id', 'pg_temp.id(1, 20)'), ('patient_id', 'pg_temp.id(1, 60, 3)'), ('guardian_patient_id', 'pg_temp.id(1, 60)'),
    ('provider_id', 'pg_temp.id(1, 30)'), ('role', '''own_diary'''), ('kind', '''email'''), ('value', '''new@thief.test'''), ('name', '''Somebody'''),
    ('reason', '''an emergency at night'''), ('minutes', '5'), ('note', '''looked at'''), ('changes', '''{"name": "New"}'''), ('session_id', 'pg_temp.id(1, 91)'),
    ('access_id', 'pg_temp.id(1, 92)'), ('message_id', 'pg_temp.id(1, 93)'), ('key_id', 'pg_temp.made(1, ''key'')'), ('appointment_id', 'pg_temp.made(1, ''visit'')'),
    ('other_appointment_id', 'pg_temp.made(1, ''visit'')'), ('appointment_ids', 'ARRAY[pg_temp.made(1, ''visit'')]'), ('service_id', 'pg_temp.id(1, 50)'),
    ('resource_id', 'pg_temp.id(1, 30)'), ('resource_ids', 'ARRAY[pg_temp.id(1, 30)]'), ('range_start', '''2027-03-02'''), ('range_end', '''2027-03-03'''),
    ('starts_at', 'pg_temp.at(''15:00'')'), ('ends_at', 'pg_temp.at(''16:00'')'), ('on_date', '''2027-03-02'''), ('day', '''2027-03-02'''),
    ('time_zone', '''Europe/Paris'''), ('duration_minutes', '30'), ('rule', '''FREQ=DAILY'''), ('start_time', '''18:00'''), ('end_time', '''19:00'''),
    ('from_on', '''2027-03-10'''), ('until_on', '''2027-03-11'''), ('last_on', '''2027-03-11'''), ('valid_from', '''2027-03-10'''), ('resource_class', '''room'''),
    ('from_location_id', 'pg_temp.id(1, 20)'), ('to_location_id', 'pg_temp.id(1, 20, 2)'), ('quantity', '1'), ('bookings', '''[{}]'''), ('moves', '''[{}]''');

CREATE TEMPORARY TABLE foreign_ids AS
    SELECT pg_temp.id(2, k, n) AS id FROM (VALUES (10, 1), (20, 1), (30, 1), (40, 1), (50, 1), (60, 1), (60, 2), (90, 1), (90, 2), (90, 3), (90, 4), (91, 1), (92, 1), (93, 1)) i (k, n)
    UNION ALL SELECT m.id FROM pg_temp.made m WHERE m.tenant = 2;
-- Functions and their arguments that are ids. Ids of which a caller chooses a new one are asked as well.
CREATE TEMPORARY TABLE takers AS
    SELECT p.oid AS function, a.name AS argument, a.type
      FROM pg_proc p
     CROSS JOIN LATERAL unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) AS a (name, type)
     WHERE p.pronamespace = 'clinic'::regnamespace AND p.prokind = 'f' AND a.type IN ('uuid'::regtype, 'uuid[]'::regtype)
       AND has_function_privilege('thief_super', p.oid, 'EXECUTE');
CREATE FUNCTION pg_temp.call(function oid, argument text, type oid, id uuid) RETURNS text LANGUAGE sql AS $$
    SELECT pg_catalog.format('SELECT pg_catalog.string_agg(r::text, '' '') FROM %s(%s) r', function::regproc,
           pg_catalog.string_agg(pg_catalog.format('%I => %s', a.name,
               CASE WHEN a.name = argument AND type = 'uuid'::regtype THEN pg_catalog.quote_literal(id)
                    WHEN a.name = argument THEN pg_catalog.quote_literal(ARRAY[id]) || '::uuid[]'
                    ELSE coalesce(f.value, 'NULL') END), ', ' ORDER BY a.place))
      FROM pg_catalog.pg_proc p
     CROSS JOIN LATERAL pg_catalog.unnest(p.proargnames[1:p.pronargs]) WITH ORDINALITY AS a (name, place)
      LEFT JOIN pg_temp.fitting f ON f.name = a.name
     WHERE p.oid = function AND (a.name = argument OR a.place <= p.pronargs - p.pronargdefaults)
$$;
-- Without ids, codes and secrets.
CREATE FUNCTION pg_temp.plain(answer text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_catalog.regexp_replace(answer, '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\m[2-9B-Z]{8}\M|clinic_[A-Za-z0-9_-]{80,}', '...', 'g')
$$;
CREATE TEMPORARY TABLE nobodys AS
    SELECT l.login, t.*, pg_temp.plain(pg_temp.outcome(l.login, pg_temp.call(t.function, t.argument, t.type, 'dddddddd-0000-7000-8000-000000000001'))) AS answer
      FROM takers t CROSS JOIN unnest(ARRAY['thief_super', 'thief_desk', 'thief_keeper', 'thief_patient', 'thief_unmapped']::name[]) l (login);
SELECT is_empty($$
    SELECT n.login, n.function::regprocedure, n.argument, f.id, n.answer, o.answer
      FROM nobodys n CROSS JOIN foreign_ids f
     CROSS JOIN LATERAL (SELECT pg_temp.plain(pg_temp.outcome(n.login, pg_temp.call(n.function, n.argument, n.type, f.id))) AS answer) o
     -- A place in the order of events is no row that is looked up.
     WHERE n.argument <> 'before_event_id' AND o.answer <> n.answer $$, 'every function answers to an id of another tenant as to one that nobody has');
SELECT is_empty($$
    SELECT t.function::regprocedure, t.argument FROM takers t
     WHERE t.argument IN ('user_id', 'session_id', 'access_id', 'key_id', 'message_id', 'guardian_patient_id')
       AND (SELECT p.proname FROM pg_proc p WHERE p.oid = t.function) NOT IN ('create_user', 'review_emergency_access', 'end_session')
       AND pg_temp.outcome('thief_super', pg_temp.call(t.function, t.argument, t.type,
               CASE t.argument WHEN 'user_id' THEN pg_temp.id(1, 90, 2) WHEN 'session_id' THEN pg_temp.id(1, 91) WHEN 'access_id' THEN pg_temp.id(1, 92)
                               WHEN 'key_id' THEN pg_temp.made(1, 'key') WHEN 'message_id' THEN pg_temp.id(1, 93) ELSE pg_temp.id(1, 60) END))
           ~ 'not_found.*(user|session|access|key|message)_id'
       AND pg_temp.outcome('thief_super', pg_temp.call(t.function, t.argument, t.type, 'dddddddd-0000-7000-8000-000000000001')) ~ '^ok' $$,
    'and those calls are not refused for what is the caller''s own');
SELECT cmp_ok((SELECT count(*) FROM takers t JOIN pg_proc p ON p.oid = t.function
                WHERE p.proname IN ('add_identifier', 'deactivate_user', 'update_user', 'grant_role', 'assign_location', 'create_api_key', 'revoke_api_key',
                                    'end_sessions_of', 'require_password_reset', 'break_glass', 'end_break_glass', 'finish_message', 'end_session', 'remove_dependant')
                  AND (SELECT n.answer FROM nobodys n WHERE n.login = 'thief_super' AND n.function = t.function AND n.argument = t.argument) ~ 'not_found'),
              '>=', 14::bigint, 'the functions of identity look for the id that they are given');

-- ---------------------------------------------------------------------------------------------------------------------
-- Helpers of row security judge by the caller's context, and know no other tenant.

SELECT is_empty($$
    SELECT l.login, q.call FROM unnest(ARRAY['thief_desk', 'thief_keeper', 'thief_patient', 'thief_unmapped', 'thief_super']::name[]) l (login),
           unnest(ARRAY['clinic.sees_patient(%L)', 'clinic_private.sees_whole_patient(%L)', 'clinic.sees_location(%L)', 'clinic_private.sees_appointment(%1$L, %1$L, %1$L)',
                        'clinic_private.may_write_appointment(%1$L, %1$L, %1$L)', 'clinic_private.may_at(''appointments:read'', %1$L, %1$L)',
                        'clinic_private.shown_contact(%1$L, %1$L, decode(''015000000001'' || repeat(''5e'', 40), ''hex''), ''\x01'')']) q (call),
           foreign_ids f
     WHERE pg_temp.outcome(l.login, 'SELECT ' || format(q.call, f.id)) <> pg_temp.outcome(l.login, 'SELECT ' || format(q.call, 'dddddddd-0000-7000-8000-000000000001')) $$,
    'helpers are no oracles of another tenant');
SELECT is_empty($$
    SELECT p.oid::regprocedure FROM pg_proc p
     -- Views show contacts and identifiers by the functions that decrypt them, for who sees the patient whole, or the row, and nobody else.
     WHERE p.pronamespace = 'clinic_private'::regnamespace AND p.prosecdef AND p.proname NOT IN ('shown_contact', 'shown_identifier')
       AND (has_function_privilege('thief_unmapped', p.oid, 'EXECUTE') OR has_function_privilege('clinic_anon', p.oid, 'EXECUTE')) $$,
    'callers execute no definer of clinic_private');
SELECT is(pg_temp.outcome('thief_desk', format('SELECT clinic.has_permission(%L)', p)), 'ok false', format('permission %s is nobody''s', to_json(left(p, 30))))
  FROM unnest(ARRAY['', '*', ':', 'patients', 'patients:', ':read', 'patients:read:', 'patients:rea', 'PATIENTS:READ', 'patients:read,x', 'users:write', E'users:write\n',
                    'appointments', '%', repeat('a:', 5000)]) p
 WHERE p NOT IN ('patients:read:'); -- a scope without a name: covered by patients:read, and asked for nowhere

-- ---------------------------------------------------------------------------------------------------------------------
-- Within the tenant.

SELECT unalike(pg_temp.outcome(login, 'SELECT string_agg(b::text, '' '') FROM clinic.blocked_times(ARRAY[pg_temp.id(1, 30)], ''2027-03-02'', ''2027-03-03'') b'),
               '%Title%', format('%s reads no title of a block', login))
  FROM unnest(ARRAY['thief_keeper', 'thief_patient']::name[]) login;
SELECT alike(pg_temp.outcome('thief_desk', 'SELECT string_agg(b::text, '' '') FROM clinic.blocked_times(ARRAY[pg_temp.id(1, 30)], ''2027-03-02'', ''2027-03-03'') b'),
             '%Title%', 'who reads the diary reads the title');

-- What is the caller's own by a permission is not what is somebody else's own by the same.
SELECT is(pg_temp.state('thief_keeper', call), '42501', 'the scope own governs nobody else: ' || call)
  FROM unnest(ARRAY['SELECT clinic.add_identifier(pg_temp.id(1, 90, 6), ''email'', ''mine@thief.test'')', 'SELECT clinic.grant_role(pg_temp.id(1, 90, 5), ''receptionist'')',
                    'SELECT clinic.require_password_reset(pg_temp.id(1, 90, 6))', 'SELECT clinic.add_identifier(pg_temp.id(1, 90, 3), ''email'', ''mine@thief.test'')']) call;
SELECT is(pg_temp.state('thief_keeper', 'SELECT clinic.add_identifier(pg_temp.id(1, 90, 5), ''email'', ''mine@thief.test'')'), 'ok', 'but oneself');
SELECT is(pg_temp.state('thief_super', 'SELECT clinic.add_identifier(pg_temp.id(1, 90, 6), ''email'', ''mine@thief.test'')'), 'ok', 'and who may do all governs all');

-- ---------------------------------------------------------------------------------------------------------------------
-- Contexts by other routes.

SELECT is(pg_temp.state('thief_unmapped', call, before), '42501', format('%s after %s', call, before))
  FROM unnest(ARRAY['SELECT clinic.pre_request()']) call,
       unnest(ARRAY['SELECT 1', 'SELECT set_config(''request.jwt.claims'', ''{"sub": "00000002-0090-7000-8000-000000000004", "tenant_id": "00000002-0010-7000-8000-000000000001", "exp": 9999999999}'', true)',
                    'SELECT set_config(''role'', ''clinic_user'', true)']) before;
SELECT is(pg_temp.outcome('thief_unmapped', 'SELECT count(*) FROM clinic.patients',
    format('SELECT set_config(''request.jwt.claims'', ''{"sub": "%s", "tenant_id": "%s", "exp": 9999999999}'', true)', pg_temp.id(2, 90, 4), pg_temp.id(2, 10))), 'ok 0',
    'claims in a setting are worth nothing');

-- One statement, prepared and planned once, in two contexts.
PREPARE everybody AS SELECT count(*) FROM clinic.patients WHERE name LIKE '%thief%';
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL SESSION AUTHORIZATION thief_super;
SELECT clinic.declare_purpose('TREAT') \g /dev/null
EXECUTE everybody \gset first_
SELECT clinic.enter_public('thief-hill') \g /dev/null
EXECUTE everybody \gset second_
RESET ALL;
RESET SESSION AUTHORIZATION;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL clinic.clock = '2027-03-01 06:00Z';
SELECT is(array[:first_count, :second_count]::bigint[], '{3,0}', 'a generic plan holds no context');

-- ---------------------------------------------------------------------------------------------------------------------
-- A cursor that outlives its transaction outlives its context: behind a pooler the next client could fetch from it.

CREATE VIEW public.thief_view AS SELECT patient_id FROM clinic.patients;
CREATE TABLE public.thief_table (tenant_id uuid NOT NULL);
SELECT clinic.enable_tenant_rls('public.thief_table') \g /dev/null
GRANT SELECT ON public.thief_view, public.thief_table TO PUBLIC;
CREATE FUNCTION pg_temp.declared(login name, query text, hold text DEFAULT 'WITH HOLD') RETURNS text LANGUAGE sql AS
    $$ SELECT pg_temp.state(login, 'SELECT 1', pg_catalog.format('DECLARE thief_cursor CURSOR %s FOR %s', hold, query)) $$;
SELECT is(pg_temp.declared('thief_desk', q), '0A000', 'no cursor WITH HOLD for ' || q)
  FROM unnest(ARRAY['SELECT * FROM clinic.patients', 'SELECT (SELECT count(*) FROM clinic.appointments)', 'WITH w AS (SELECT * FROM public.thief_view) SELECT 1 WHERE EXISTS (SELECT FROM w)',
                    'SELECT * FROM clinic.list_appointments()', 'SELECT * FROM public.thief_table', 'TABLE clinic.tenants', 'SELECT 1 FROM pg_class UNION SELECT 1 FROM clinic.staff',
                    'SELECT clinic.current_user_id()']) q;
SELECT is(pg_temp.declared('thief_desk', q), 'ok', 'a cursor WITH HOLD for ' || q)
  FROM unnest(ARRAY['SELECT * FROM pg_class', 'SELECT clinic.is_permission(''a:b'')', 'VALUES (1)']) q;
SELECT is(pg_temp.declared('thief_desk', 'SELECT * FROM clinic.patients', 'WITHOUT HOLD'), 'ok', 'a cursor of one transaction');

SELECT * FROM finish();
ROLLBACK;
