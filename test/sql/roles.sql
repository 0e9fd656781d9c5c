-- Roles of a tenant: what it begins with, what each function changes, keeps and refuses.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE roles_admin LOGIN IN ROLE clinic_admin;
CREATE ROLE roles_clerk LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\set tenant '5e7000a2-0000-7000-8000-000000000001'
\set root '5e7000a2-0100-7000-8000-000000000001'
\set clerk '5e7000a2-0100-7000-8000-000000000002'

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

SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant(slug => 'roles-test', name => 'Roles Test', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_user('staff', 'Root', roles => '{super_admin}', all_locations => true, user_id => :'root') \g /dev/null
SELECT clinic.map_login('roles_admin', 'admin', '{*}');
SET client_min_messages = error;
SELECT clinic.map_login('roles_clerk', 'staff', '{appointments:read}', user_id => :'clerk');
RESET client_min_messages;
COMMIT;
SET SESSION AUTHORIZATION roles_admin;

-- What a new tenant begins with.
SELECT r.role, array_to_string(r.permissions, ' ') AS permissions FROM clinic.roles AS r ORDER BY r.role;

-- A role of one's own: made, changed, given, taken, removed.
SELECT clinic.create_role('front_desk', '{appointments:*,patients:read,appointments:*}', 'Answers the phone.');
SELECT clinic.update_role('front_desk', '{"permissions": ["appointments:*", "patients:read", "queue:read"], "version": 1}');
SELECT clinic.update_role('front_desk', '{"description": null, "version": 1}');
SELECT clinic.update_role('front_desk', '{"description": null}');
SELECT r.permissions, r.description, r.version FROM clinic.roles AS r WHERE r.role = 'front_desk';
SELECT clinic.create_user('staff', 'Clerk', user_id => :'clerk') \g /dev/null
SELECT clinic.grant_role(:'clerk', 'front_desk');
SELECT clinic.grant_role(:'clerk', 'front_desk');
SELECT clinic.grant_role(:'clerk', 'nurse');
SELECT u.roles, u.version FROM clinic.users AS u WHERE u.user_id = :'clerk';
SELECT clinic.remove_role('front_desk');
-- Somebody without users:read sees their own roles.
SET SESSION AUTHORIZATION roles_clerk;
SELECT r.role FROM clinic.roles AS r ORDER BY r.role;
SET SESSION AUTHORIZATION roles_admin;
SELECT clinic.revoke_role(:'clerk', 'front_desk');
SELECT clinic.revoke_role(:'clerk', 'front_desk');
SELECT clinic.remove_role('front_desk');
SELECT clinic.remove_role('front_desk');

-- Restoring the shipped roles leaves other roles alone.
SELECT clinic.restore_shipped_roles();
SELECT clinic.create_role('own_role', '{queue:read}');
SELECT clinic.remove_role('accountant');
SELECT clinic.update_role('doctor', '{"permissions": []}');
SELECT clinic.update_role('nurse', '{"description": "Changed."}');
SELECT clinic.restore_shipped_roles();
SELECT r.role, r.description, cardinality(r.permissions) AS permissions, r.version
FROM clinic.roles AS r WHERE r.role IN ('accountant', 'doctor', 'nurse', 'own_role') ORDER BY r.role;

-- The last administrator: neither the role, nor the user, nor what the role permits can go.
SELECT c.command AS "what was tried", a.state, a.message, a.detail, a.hint
FROM (VALUES
    ($$revoke_role('5e7000a2-0100-7000-8000-000000000001', 'super_admin')$$),
    ($$deactivate_user('5e7000a2-0100-7000-8000-000000000001')$$),
    ($$update_role('super_admin', '{"permissions": ["patients:*"]}')$$),
    ($$remove_role('super_admin')$$)
) AS c (command), LATERAL pg_temp.attempt('SELECT clinic.' || c.command) AS a \gx
-- With a second one, it can.
BEGIN;
SELECT clinic.create_role('owner', '{*}');
SELECT clinic.grant_role(:'clerk', 'owner');
SELECT clinic.revoke_role(:'root', 'super_admin');
SELECT clinic.deactivate_user(:'clerk');
ROLLBACK;

-- Bad input.
SELECT c.command AS "what was tried", a.state, a.message, a.detail, a.hint
FROM (VALUES
    ($$create_role('Front Desk', '{queue:read}')$$),
    ($$create_role('doctor', '{queue:read}')$$),
    ($$create_role(NULL, '{queue:read}')$$),
    ($$create_role('x', NULL)$$),
    ($$create_role('x', '{queue:read,queue}')$$),
    ($$create_role('x', '{Queue:read}')$$),
    ($$create_role('x', '{queue:*:own}')$$),
    ($$create_role('x', '{*:read}')$$),
    ($$create_role('x', '{queue:read:own:mine}')$$),
    ($$create_role('x', '{queue:read*}')$$),
    ($$create_role('x', '{"queue:read,patients:read"}')$$),
    ($$create_role('x', '{NULL}')$$),
    ($$create_role('x', ARRAY[repeat('a', 100) || ':b'])$$),
    ($$update_role('wizard', '{"permissions": []}')$$),
    ($$update_role('nurse', '{"permissions": "queue:read"}')$$),
    ($$update_role('nurse', '{"permissions": [1]}')$$),
    ($$update_role('nurse', '{"permissions": null}')$$),
    ($$update_role('nurse', '{"permissions": ["queue"]}')$$),
    ($$update_role('nurse', '{"description": 7}')$$),
    ($$update_role('nurse', '{"role": "carer"}')$$),
    ($$update_role('nurse', '{}')$$),
    ($$update_role('nurse', NULL)$$),
    ($$grant_role('5e7000a2-0100-7000-8000-000000000002', 'wizard')$$),
    ($$grant_role('5e7000a2-0100-7000-8000-0000000000ff', 'nurse')$$),
    ($$revoke_role('5e7000a2-0100-7000-8000-000000000002', 'wizard')$$),
    ($$map_login('roles_clerk', 'staff', '{queue}')$$)
) AS c (command), LATERAL pg_temp.attempt('SELECT clinic.' || c.command) AS a \gx
SELECT clinic.create_role('most', '{queue:*,queue:read:*,a-b_9:c-d:e_f}');

-- What is a permission.
RESET SESSION AUTHORIZATION;
SELECT p.permission, clinic.is_permission(p.permission)
FROM (VALUES ('*'), ('a:*'), ('a:b'), ('a:b:c'), ('a:b:*'), ('a'), ('a:'), (':a'), ('a::b'), ('a:*:c'), ('*:a'), ('**'), ('a:b:c:d'), ('a:B'),
             ('a: b'), (E'a:b\n'), (''), ('a:b,c:d')) AS p (permission);
