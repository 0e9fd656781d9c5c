-- Signing in: passwords, refresh tokens, sessions, who may end what. What concurrency and rollbacks do is in test/t/sign_in.sh.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE sign_in_admin LOGIN IN ROLE clinic_user;
CREATE ROLE sign_in_ada LOGIN IN ROLE clinic_user;
CREATE ROLE sign_in_robot LOGIN IN ROLE clinic_user;
CREATE ROLE sign_in_other LOGIN IN ROLE clinic_user;
CREATE ROLE sign_in_app LOGIN IN ROLE clinic_user;
CREATE ROLE sign_in_visitor LOGIN IN ROLE clinic_anon;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set tenant '516e0001-0000-7000-8000-000000000001'
\set root '516e0001-0100-7000-8000-000000000001'
\set ada '516e0001-0100-7000-8000-000000000002'
\set robot '516e0001-0100-7000-8000-000000000003'
\set other '516e0001-0100-7000-8000-000000000004'

SET ROLE clinic_admin;
SELECT clinic.create_signing_key() AS signing_key \gset
BEGIN;
SELECT clinic.create_tenant(slug => 'sign-in-test', name => 'Sign-in Test', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_user('staff', 'Root', email => 'root@example.org', roles => '{super_admin}', all_locations => true, user_id => :'root'),
       clinic.create_user('staff', 'Ada', 'ada.moss@example.org', '+49 30 555 0101', user_id => :'ada'),
       clinic.create_user('service', 'Robot', user_id => :'robot') \g /dev/null
SELECT clinic.map_login('sign_in_admin', 'admin', '{*}', :'root'), clinic.map_login('sign_in_ada', 'staff', '{}', :'ada'),
       clinic.map_login('sign_in_robot', 'staff', '{}', :'robot') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'sign-in-other', name => 'Another', tenant_id => '516e0002-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.create_user('staff', 'Other', 'ada.moss@example.org', roles => '{super_admin}', all_locations => true, user_id => :'other') \g /dev/null
SELECT clinic.map_login('sign_in_other', 'admin', '{*}', :'other') \g /dev/null
COMMIT;
RESET ROLE;

-- ----------------------------------------------------------------------------------------------------------------------
-- Passwords.

-- Bytes count, not characters; bcrypt would ignore what follows 72.
SELECT p.password, clinic_private.password_fault(p.password)
FROM (VALUES ('nine chars'), ('nine char'), (''), ('ten äöü'), ('tenx äöü'), ('qwertyuiop'), ('PassWord123'), ('aaaaaaaaaaaa'), ('ääääääääää'),
             ('aaaaaaaaaaab'), (repeat('long ', 14) || 'ab'), (repeat('long ', 14) || 'abc')) AS p (password);

SET SESSION AUTHORIZATION sign_in_ada;
SELECT clinic.set_password('too short');
SELECT clinic.set_password('Ada.Moss@Example.Org');
SELECT clinic.set_password('+49 (30) 555-0101');
SELECT clinic.set_password(NULL);
SELECT clinic.set_password('violet harbour quilt');
-- With an old one, the new one needs it.
SELECT clinic.set_password('another harbour quilt');
SELECT clinic.set_password('another harbour quilt', 'violet harbour quilT');
SET SESSION AUTHORIZATION sign_in_robot;
SELECT clinic.set_password('violet harbour quilt');
SET SESSION AUTHORIZATION sign_in_visitor;
SELECT clinic.set_password('violet harbour quilt');
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT clinic.use_tenant('sign-in-test');
SELECT clinic.set_password('violet harbour quilt');
ROLLBACK;
SELECT left(c.password_hash, 7) AS algorithm, length(c.password_hash), c.password_changed_at, c.failed_count
FROM clinic_data.credentials AS c WHERE c.user_id = :'ada';

-- ----------------------------------------------------------------------------------------------------------------------
-- Signing in. Whatever is wrong, the answer is one.

SET SESSION AUTHORIZATION sign_in_visitor;
SELECT clinic.sign_in('sign-in-test', 'ada.moss@example.org', 'Violet harbour quilt');
SELECT clinic.sign_in('sign-in-test', 'nobody@example.org', 'violet harbour quilt');
SELECT clinic.sign_in('sign-in-nowhere', 'ada.moss@example.org', 'violet harbour quilt');
SELECT clinic.sign_in('sign-in-other', 'ada.moss@example.org', 'violet harbour quilt');
SELECT clinic.sign_in('sign-in-test', 'neither one nor the other', '');
SELECT clinic.sign_in('sign-in-test', 'ada.moss@example.org', NULL);
SELECT clinic.sign_in(NULL, NULL, 'x');

-- By e-mail address or phone number, however written. The caller does not stay who the function was.
BEGIN;
SELECT s.token_type, s.expires_in, s.refresh_expires_at, s.user_id = :'ada' AS is_ada, s.tenant_id = :'tenant' AS is_tenant,
       length(s.access_token) > 100 AS access, s.refresh_token ~ '^clinic_refresh_[A-Za-z0-9_-]{91}$' AS refresh, s.refresh_token AS first
FROM clinic.sign_in('sign-in-test', ' ADA.Moss@Example.org ', 'violet harbour quilt') AS s \gset
SELECT :'token_type', :expires_in, :'refresh_expires_at', :'is_ada'::boolean AS ada, :'is_tenant'::boolean AS tenant, :'access'::boolean AS access, :'refresh'::boolean AS refresh;
SELECT w.tenant, w.actor FROM clinic.whoami() AS w;
COMMIT;
SELECT s.refresh_token AS second FROM clinic.sign_in('sign-in-test', '+49 (30) 555-0101', 'violet harbour quilt') AS s \gset
RESET SESSION AUTHORIZATION;
SELECT s.generation, s.created_at, s.refreshed_at, s.expires_at, s.method, s.revoked_at, octet_length(s.refresh_hash)
FROM clinic_data.sessions AS s WHERE s.user_id = :'ada';
SELECT u.last_login_at FROM clinic_data.users AS u WHERE u.user_id = :'ada';

-- A locked account and an inactive one: the right password does not help.
UPDATE clinic_data.credentials SET failed_count = 5, locked_until = '2026-03-02 12:01:00Z' WHERE user_id = :'ada';
SET SESSION AUTHORIZATION sign_in_visitor;
SELECT clinic.sign_in('sign-in-test', 'ada.moss@example.org', 'violet harbour quilt');
SET SESSION AUTHORIZATION sign_in_ada;
SELECT clinic.set_password('another harbour quilt', 'violet harbour quilt');
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-03-02T12:01:00Z';
SET SESSION AUTHORIZATION sign_in_visitor;
SELECT s.user_id = :'ada' AS unlocked FROM clinic.sign_in('sign-in-test', 'ada.moss@example.org', 'violet harbour quilt') AS s;
RESET SESSION AUTHORIZATION;
SELECT c.failed_count, c.locked_until FROM clinic_data.credentials AS c WHERE c.user_id = :'ada';
UPDATE clinic_data.users SET status = 'inactive' WHERE user_id = :'ada';
SET SESSION AUTHORIZATION sign_in_visitor;
SELECT clinic.sign_in('sign-in-test', 'ada.moss@example.org', 'violet harbour quilt');
SELECT clinic.refresh(:'second');
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.users SET status = 'active' WHERE user_id = :'ada';
UPDATE clinic_data.tenants SET status = 'suspended' WHERE tenant_id = :'tenant';
SET SESSION AUTHORIZATION sign_in_visitor;
SELECT clinic.sign_in('sign-in-test', 'ada.moss@example.org', 'violet harbour quilt');
SELECT clinic.refresh(:'second');
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.tenants SET status = 'active' WHERE tenant_id = :'tenant';

-- ----------------------------------------------------------------------------------------------------------------------
-- Refreshing: each token once, for seven days; a used one that comes back ends the session.

SET clinic.clock = '2026-03-05T12:00:00Z';
SET SESSION AUTHORIZATION sign_in_visitor;
SELECT r.refresh_token AS third, r.refresh_expires_at FROM clinic.refresh(:'second') AS r \gset
SELECT :'refresh_expires_at' AS refresh_expires_at, :'third' <> :'second' AS differs;
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-03-12T11:59:59Z';
SET SESSION AUTHORIZATION sign_in_visitor;
SELECT r.refresh_token AS fourth, r.user_id = :'ada' AS is_ada FROM clinic.refresh(:'third') AS r \gset
SELECT :'is_ada'::boolean AS ada;
SELECT w.tenant FROM clinic.whoami() AS w;
-- The first session has not been refreshed for seven days.
SELECT clinic.refresh(:'first');
-- Texts that are no token, and tokens of nobody.
SELECT clinic.refresh('');
SELECT clinic.refresh('clinic_refresh_' || repeat('A', 91));
SELECT clinic.refresh(:'fourth' || E'\n');
SELECT clinic.refresh(:'fourth' || '=');
SELECT clinic.refresh(left(:'fourth', -1) || CASE right(:'fourth', 1) WHEN 'B' THEN 'C' ELSE 'B' END);
SELECT clinic.refresh(NULL);
-- The good token with another secret is none, and ends nothing.
SELECT clinic.refresh(overlay(:'fourth' PLACING repeat('A', 20) FROM 80));
SELECT r.refresh_token AS fifth FROM clinic.refresh(:'fourth') AS r \gset
-- Theft.
SELECT clinic.refresh(:'third');
SELECT clinic.refresh(:'fifth');
RESET SESSION AUTHORIZATION;
SELECT s.generation, s.revoke_reason, s.revoked_at FROM clinic_data.sessions AS s WHERE s.user_id = :'ada' ORDER BY s.generation DESC, s.session_id LIMIT 1;

-- ----------------------------------------------------------------------------------------------------------------------
-- Signing out, and sessions.

SET SESSION AUTHORIZATION sign_in_visitor;
SELECT s.refresh_token AS one FROM clinic.sign_in('sign-in-test', 'ada.moss@example.org', 'violet harbour quilt') AS s \gset
SELECT clinic.sign_out(:'one'), clinic.sign_out(:'one');
SELECT clinic.refresh(:'one');
SELECT clinic.sign_out(:'one', everywhere => true);
SELECT clinic.sign_out('clinic_refresh_nothing');
SELECT clinic.sign_out();
SELECT clinic.my_sessions();
RESET SESSION AUTHORIZATION;

-- Sessions without passwords, for what follows.
CREATE FUNCTION pg_temp.more_sessions() RETURNS void LANGUAGE sql AS $$
    INSERT INTO clinic_data.sessions (tenant_id, session_id, user_id, refresh_hash, created_at, refreshed_at, expires_at, method, client_address, user_agent)
    SELECT '516e0001-0000-7000-8000-000000000001', ('516e0001-0110-7000-8000-00000000000' || n)::uuid,
           '516e0001-0100-7000-8000-000000000002', sha256('x'), clinic.now() + n * interval '1 second', clinic.now() + interval '10 seconds',
           clinic.now() + interval '7 days', 'code', '192.0.2.' || n, 'test/' || n
    FROM generate_series(1, 4) AS n
    ON CONFLICT ON CONSTRAINT sessions_pkey DO UPDATE SET revoked_at = NULL, revoke_reason = NULL
$$;
SELECT pg_temp.more_sessions();
SET SESSION AUTHORIZATION sign_in_ada;
SELECT right(m.session_id::text, 1) AS session, m.created_at, m.refreshed_at, m.expires_at, m.method, m.client_address, m.user_agent, m.is_current
FROM clinic.my_sessions() AS m;
SELECT clinic.end_session('516e0001-0110-7000-8000-000000000002'), clinic.end_session('516e0001-0110-7000-8000-000000000002');
SELECT clinic.end_session('516e0001-0110-7000-8000-00000000000f');
SELECT clinic.end_session(NULL);
SELECT clinic.sign_out();
SELECT array_agg(right(m.session_id::text, 1) ORDER BY 1) FROM clinic.my_sessions() AS m;
-- Those of others do not exist, nor are they anybody else's to end.
SET SESSION AUTHORIZATION sign_in_other;
SELECT clinic.end_session('516e0001-0110-7000-8000-000000000001');
SELECT clinic.end_sessions_of(:'ada');
SELECT clinic.require_password_reset(:'ada');
SET SESSION AUTHORIZATION sign_in_robot;
SELECT clinic.end_sessions_of(:'ada');
SELECT clinic.require_password_reset(:'ada');
SELECT clinic.revoke_token('x', '2026-04-01');
SET SESSION AUTHORIZATION sign_in_ada;
SELECT clinic.sign_out(everywhere => true);
SELECT count(*) FROM clinic.my_sessions();
RESET SESSION AUTHORIZATION;
SELECT u.signed_out_at FROM clinic_data.users AS u WHERE u.user_id = :'ada';
SELECT pg_temp.more_sessions();
SET SESSION AUTHORIZATION sign_in_admin;
SELECT clinic.end_sessions_of(:'ada');
SELECT clinic.end_sessions_of('516e0001-0100-7000-8000-00000000000f');
SELECT clinic.end_sessions_of(NULL);

-- Administrators take a password away; nobody sets that of another.
SELECT clinic.require_password_reset(:'ada');
RESET SESSION AUTHORIZATION;
SELECT c.password_hash, c.password_changed_at FROM clinic_data.credentials AS c WHERE c.user_id = :'ada';
SELECT DISTINCT s.revoke_reason FROM clinic_data.sessions AS s WHERE s.user_id = :'ada' ORDER BY 1;
SET SESSION AUTHORIZATION sign_in_visitor;
SELECT clinic.sign_in('sign-in-test', 'ada.moss@example.org', 'violet harbour quilt');

-- A new password ends the other sessions.
RESET SESSION AUTHORIZATION;
SELECT pg_temp.more_sessions();
SET SESSION AUTHORIZATION sign_in_ada;
SELECT clinic.set_password('another harbour quilt');
SELECT count(*) FROM clinic.my_sessions();

-- ----------------------------------------------------------------------------------------------------------------------
-- Dead tokens, and the record.

SET SESSION AUTHORIZATION sign_in_admin;
SELECT clinic.revoke_token('token-1', '2026-03-12 13:00Z'), clinic.revoke_token('token-1', '2026-03-12 12:30Z'), clinic.revoke_token('token-2', '2026-03-20Z');
SELECT clinic.revoke_token('', '2026-03-20Z');
SELECT clinic.revoke_token(repeat('x', 201), '2026-03-20Z');
SELECT clinic.revoke_token('token-3', 'infinity');
SELECT clinic.revoke_token('token-3', NULL);
RESET SESSION AUTHORIZATION;
SELECT r.jti, r.expires_at, r.revoked_by = :'root' AS by_root FROM clinic_data.revoked_tokens AS r WHERE r.tenant_id = :'tenant' ORDER BY r.jti;
SET clinic.clock = '2026-03-14T12:00:00Z';
SET SESSION AUTHORIZATION sign_in_admin;
SELECT clinic.revoke_token('token-4', '2026-03-20Z');
RESET SESSION AUTHORIZATION;
SELECT array_agg(r.jti ORDER BY r.jti) FROM clinic_data.revoked_tokens AS r WHERE r.tenant_id = :'tenant';

SET SESSION AUTHORIZATION sign_in_ada;
SELECT e.kind, e.outcome, count(*), bool_and(e.event_user_id = :'ada') AS own FROM clinic.sign_in_events() AS e GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) > 0 AS some FROM clinic.sign_in_events(:'ada');
SELECT clinic.sign_in_events(:'root');
SELECT clinic.sign_in_events(max_events => 1001);
SET SESSION AUTHORIZATION sign_in_admin;
SELECT e.kind, e.outcome, count(*) FROM clinic.sign_in_events() AS e WHERE e.event_user_id IS NULL GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM clinic.sign_in_events(max_events => 3);
SELECT count(*) FROM clinic.sign_in_events(before_event_id => (SELECT min(e.event_id::text)::uuid FROM clinic.sign_in_events(max_events => 1000) AS e));
SET SESSION AUTHORIZATION sign_in_other;
SELECT count(*) FROM clinic.sign_in_events(:'ada');
SET SESSION AUTHORIZATION sign_in_visitor;
SELECT clinic.sign_in_events();
RESET SESSION AUTHORIZATION;

-- With the access token the session is the current one: a new password leaves it alone, and signing out ends it.
SET SESSION AUTHORIZATION sign_in_visitor;
SELECT s.access_token AS mine FROM clinic.sign_in('sign-in-test', 'ada.moss@example.org', 'another harbour quilt') AS s \gset
RESET SESSION AUTHORIZATION;
SELECT pg_temp.more_sessions();
SET SESSION AUTHORIZATION sign_in_app;
BEGIN;
SELECT clinic.authenticate(:'mine') \g /dev/null
SELECT count(*), count(*) FILTER (WHERE m.is_current) AS current FROM clinic.my_sessions() AS m;
SELECT clinic.set_password('crimson harbour quilt', 'another harbour quilt');
SELECT count(*), count(*) FILTER (WHERE m.is_current) AS current FROM clinic.my_sessions() AS m;
COMMIT;
BEGIN;
SELECT clinic.authenticate(:'mine') \g /dev/null
SELECT clinic.sign_out();
COMMIT;
BEGIN;
SELECT clinic.authenticate(:'mine');
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- Who may call what: visitors what lets them in or out, nobody but the owner what does the work.
SELECT p.oid::regprocedure AS function, has_function_privilege('clinic_anon', p.oid, 'EXECUTE') AS anon,
       has_function_privilege('clinic_user', p.oid, 'EXECUTE') AS "user", has_function_privilege('clinic_gateway', p.oid, 'EXECUTE') AS gateway
FROM pg_proc AS p
WHERE p.pronamespace = 'clinic'::regnamespace
  AND p.proname IN ('sign_in', 'sign_in_with_code', 'refresh', 'sign_out', 'request_code', 'reset_password', 'verify_identifier', 'set_password',
                    'require_password_reset', 'my_sessions', 'end_session', 'end_sessions_of', 'revoke_token', 'sign_in_events',
                    'create_api_key', 'revoke_api_key', 'api_keys', 'claim_messages', 'finish_message')
ORDER BY p.proname;
SELECT p.oid::regprocedure AS open_to_callers
FROM pg_proc AS p
WHERE p.pronamespace = 'clinic_private'::regnamespace
  AND p.proname IN ('hash_password', 'password_matches', 'random_bytes', 'random_code', 'account_state', 'live_code', 'codes_since', 'open_session',
                    'restore_context', 'saved_context', 'use_code', 'code_fits', 'put_password', 'rotate_session', 'enter_sign_in', 'end_sessions')
  AND (has_function_privilege('clinic_user', p.oid, 'EXECUTE') OR has_function_privilege('clinic_anon', p.oid, 'EXECUTE')
       OR has_function_privilege('clinic_admin', p.oid, 'EXECUTE'));
RESET clinic.clock;
SET ROLE clinic_admin;
SELECT clinic.remove_token_key(:'signing_key');
RESET ROLE;
