-- API keys: made, listed and revoked, and never beyond what creator or account may do.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE keys_admin LOGIN IN ROLE clinic_user;
CREATE ROLE keys_clerk LOGIN IN ROLE clinic_user;
CREATE ROLE keys_nurse LOGIN IN ROLE clinic_user;
CREATE ROLE keys_other LOGIN IN ROLE clinic_user;
CREATE ROLE keys_app LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set tenant '0a91c001-0000-7000-8000-000000000001'
\set here '0a91c001-0010-7000-8000-000000000001'
\set there '0a91c001-0010-7000-8000-000000000002'
\set root '0a91c001-0100-7000-8000-000000000001'
\set clerk '0a91c001-0100-7000-8000-000000000002'
\set robot '0a91c001-0100-7000-8000-000000000003'
\set wide '0a91c001-0100-7000-8000-000000000004'
\set bare '0a91c001-0100-7000-8000-000000000005'
\set far '0a91c001-0100-7000-8000-000000000006'
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant(slug => 'keys-test', name => 'Keys Test', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_location('Here', 'Europe/Berlin', location_id => :'here'), clinic.create_location('There', 'Europe/Berlin', location_id => :'there') \g /dev/null
SELECT clinic.create_role('sender', '{outbox:deliver,appointments:read}'), clinic.create_role('clerk', '{tokens:write,appointments:read,outbox:*}'),
       clinic.create_role('booker', '{appointments:*,outbox:deliver}') \g /dev/null
SELECT clinic.create_user('staff', 'Root', roles => '{super_admin}', all_locations => true, user_id => :'root'),
       clinic.create_user('staff', 'Clerk', roles => '{clerk}', location_ids => ARRAY[:'here']::uuid[], user_id => :'clerk'),
       clinic.create_user('service', 'Robot', roles => '{sender}', location_ids => ARRAY[:'here']::uuid[], user_id => :'robot'),
       clinic.create_user('service', 'Wide', roles => '{booker}', all_locations => true, user_id => :'wide'),
       clinic.create_user('service', 'Bare', location_ids => ARRAY[:'here']::uuid[], user_id => :'bare'),
       clinic.create_user('service', 'Far', roles => '{sender}', location_ids => ARRAY[:'here', :'there']::uuid[], user_id => :'far') \g /dev/null
SELECT clinic.map_login('keys_admin', 'admin', '{*}'), clinic.map_login('keys_clerk', 'staff', '{}', :'clerk'),
       clinic.map_login('keys_nurse', 'staff', '{appointments:read}') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'keys-other', name => 'Another', tenant_id => '0a91c002-0000-7000-8000-000000000001') \g /dev/null
SELECT clinic.map_login('keys_other', 'admin', '{*}') \g /dev/null
COMMIT;

SET SESSION AUTHORIZATION keys_clerk;
-- By default all that the account may; shown once, kept as a hash of the secret.
SELECT k.key_id, k.api_key FROM clinic.create_api_key(:'robot', ' Reminders ') AS k \gset
SELECT :'api_key' ~ '^clinic_[A-Za-z0-9_-]{86}$' AS shape;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.parts(api_key text) RETURNS bytea LANGUAGE sql AS
    $$ SELECT decode(translate(substr($1, 8), '-_', '+/') || '==', 'base64') $$;
SELECT k.name, k.permissions, k.calls_per_hour, k.expires_at, k.revoked_at, k.created_at, k.created_by = :'clerk' AS by_clerk,
       k.key_hash = sha256(substr(p.bytes, 33)) AS hash, octet_length(p.bytes), encode(substr(p.bytes, 1, 16), 'hex')::uuid = k.tenant_id AS tenant,
       encode(substr(p.bytes, 17, 16), 'hex')::uuid = k.key_id AS key
FROM clinic_data.api_keys AS k CROSS JOIN pg_temp.parts(:'api_key') AS p (bytes) WHERE k.key_id = :'key_id';

-- It lets its holder in as the account, with what the key may.
SET SESSION AUTHORIZATION keys_app;
BEGIN;
SELECT clinic.authenticate_key(:'api_key') \g /dev/null
SELECT w.user_id = :'robot' AS robot, w.permissions, w.location_ids = ARRAY[:'here']::uuid[] AS here FROM clinic.whoami() AS w;
COMMIT;
BEGIN;
SELECT clinic.authenticate_key(left(:'api_key', -3) || CASE right(:'api_key', 3) WHEN 'AAA' THEN 'BAA' ELSE 'AAA' END);
ROLLBACK;

SET SESSION AUTHORIZATION keys_clerk;
SELECT count(*) FROM clinic.create_api_key(:'robot', 'Outbox', '{outbox:deliver}', 20, '2026-04-01Z');
-- Beyond the account, beyond the creator, ill-formed, nothing at all.
SELECT clinic.create_api_key(:'robot', 'x', '{outbox:deliver,patients:read}');
SELECT clinic.create_api_key(:'robot', 'x', '{outbox:*}');
SELECT clinic.create_api_key(:'robot', 'x', '{*}');
SELECT clinic.create_api_key(:'robot', 'x', '{Outbox}');
SELECT clinic.create_api_key(:'robot', 'x', ARRAY[NULL]::text[]);
SELECT clinic.create_api_key(:'robot', 'x', '{}');
SELECT clinic.create_api_key(:'bare', 'x');
-- Beyond the creator's branches, or no service account, or none of this tenant: the same as no account at all.
SELECT clinic.create_api_key(:'wide', 'x', '{appointments:read}');
SELECT clinic.create_api_key(:'far', 'x', '{outbox:deliver}');
SELECT clinic.create_api_key(:'clerk', 'x', '{outbox:deliver}');
SELECT clinic.create_api_key('0a91c001-0100-7000-8000-00000000000f', 'x', '{outbox:deliver}');
-- The rest of the arguments.
SELECT clinic.create_api_key(:'robot', ' ');
SELECT clinic.create_api_key(:'robot', repeat('x', 101));
SELECT clinic.create_api_key(:'robot', 'x', calls_per_hour => 0);
SELECT clinic.create_api_key(:'robot', 'x', calls_per_hour => 1000001);
SELECT clinic.create_api_key(:'robot', 'x', calls_per_hour => NULL);
SELECT clinic.create_api_key(:'robot', 'x', expires_at => '2026-03-02 12:00Z');
SELECT clinic.create_api_key(:'robot', 'x', expires_at => 'infinity');
SELECT clinic.create_api_key(NULL, NULL);
-- Without tokens:write, and from another tenant.
SET SESSION AUTHORIZATION keys_nurse;
SELECT clinic.create_api_key(:'robot', 'x', '{appointments:read}');
SELECT clinic.revoke_api_key(:'key_id');
SELECT * FROM clinic.api_keys();
SET SESSION AUTHORIZATION keys_other;
SELECT clinic.create_api_key(:'robot', 'x', '{appointments:read}');
SELECT clinic.revoke_api_key('0a91c001-0100-7000-8000-00000000000f');
\set VERBOSITY sqlstate
SELECT clinic.revoke_api_key(:'key_id');
\set VERBOSITY default
SELECT count(*) FROM clinic.api_keys();

SET SESSION AUTHORIZATION keys_admin;
-- A wildcard of the account covers what begins so, and itself.
SELECT count(*) FROM clinic.create_api_key(:'wide', 'Wide', '{appointments:*}') AS a, clinic.create_api_key(:'wide', 'Own', '{appointments:write:own}') AS b;
SELECT clinic.create_api_key(:'wide', 'x', '{patients:read}');
SELECT k.name, k.user_id = :'robot' AS robot, k.permissions, k.calls_per_hour, k.expires_at, k.revoked_at FROM clinic.api_keys() AS k;
SELECT clinic.revoke_api_key(:'key_id');
SET SESSION AUTHORIZATION keys_app;
BEGIN;
SELECT clinic.authenticate_key(:'api_key');
ROLLBACK;
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-03-02T13:00:00Z';
SET SESSION AUTHORIZATION keys_admin;
SELECT clinic.revoke_api_key(:'key_id');
SELECT k.name, k.revoked_at FROM clinic.api_keys() AS k WHERE k.revoked_at IS NOT NULL;
SELECT clinic.revoke_api_key('0a91c001-0100-7000-8000-00000000000f');
SELECT clinic.revoke_api_key(NULL);
SELECT clinic.deactivate_user(:'robot') \g /dev/null
SELECT clinic.create_api_key(:'robot', 'x');
SELECT e.kind, e.outcome, count(*) FROM clinic.sign_in_events() AS e GROUP BY 1, 2 ORDER BY 1;
RESET SESSION AUTHORIZATION;
RESET clinic.clock;
