-- One-time codes: asking, receiving, using. What concurrency and rollbacks do is in test/t/sign_in.sh.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE codes_visitor LOGIN IN ROLE clinic_anon;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set tenant '0c0de001-0000-7000-8000-000000000001'
\set ada '0c0de001-0100-7000-8000-000000000002'
SET ROLE clinic_admin;
SELECT clinic.create_signing_key() AS signing_key \gset
BEGIN;
SELECT clinic.create_tenant(slug => 'codes-test', name => 'Codes Test', tenant_id => :'tenant') \g /dev/null
SELECT clinic.create_user('staff', 'Ada', 'ada@example.org', '+49 30 555 0101', user_id => :'ada'),
       clinic.create_user('service', 'Robot', 'robot@example.org', user_id => '0c0de001-0100-7000-8000-000000000003') \g /dev/null
COMMIT;
RESET ROLE;
-- Messages as whoever sends them reads them.
CREATE VIEW pg_temp.messages AS
    SELECT o.tenant_id, o.message_id, o.topic, o.channel, clinic_private.open_kept_secret(o.destination, clinic_private.secret_place('outbox', o.message_id::text, 'destination')) AS destination,
           clinic_private.open_kept_secret(o.payload, clinic_private.secret_place('outbox', o.message_id::text, 'payload'))::jsonb AS payload, o.created_at, o.due_at, o.expires_at, o.status
    FROM clinic_data.outbox AS o;
-- The last code that was sent to an identifier, and a wrong one.
CREATE FUNCTION pg_temp.sent(destination text, OUT code text, OUT wrong text) LANGUAGE sql AS $$
    SELECT o.payload ->> 'code', CASE o.payload ->> 'code' WHEN '000000' THEN '000001' ELSE '000000' END
    FROM pg_temp.messages AS o
    WHERE o.tenant_id = '0c0de001-0000-7000-8000-000000000001' AND o.destination = sent.destination
    ORDER BY o.created_at DESC, o.message_id DESC LIMIT 1
$$;

-- Six digits, all of them drawn.
SELECT bool_and(c.code ~ '^[0-9]{6}$') AS six_digits, count(DISTINCT c.code) > 900 AS differ, count(DISTINCT left(c.code, 1)) AS first_digits
FROM (SELECT clinic_private.random_code() AS code FROM generate_series(1, 1000)) AS c;

-- Asking tells nothing: known, unknown, none at all, unknown tenant.
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.request_code('codes-test', 'ADA@example.org');
SELECT clinic.request_code('codes-test', 'nobody@example.org');
SELECT clinic.request_code('codes-test', 'nothing');
SELECT clinic.request_code('codes-nowhere', 'ada@example.org');
SELECT clinic.request_code('codes-test', 'robot@example.org');
SELECT w.tenant FROM clinic.whoami() AS w;
SELECT clinic.request_code('codes-test', 'ada@example.org', 'anything');
SELECT clinic.request_code('codes-test', NULL);
SELECT clinic.request_code('codes-test', 'ada@example.org', NULL);
RESET SESSION AUTHORIZATION;
SELECT o.topic, o.channel, o.destination, o.payload ->> 'purpose' AS purpose, o.payload ->> 'code' ~ '^[0-9]{6}$' AS six_digits,
       (o.payload ->> 'expires_at')::timestamptz AS until, o.due_at, o.expires_at, o.status
FROM pg_temp.messages AS o WHERE o.tenant_id = :'tenant';
SELECT count(*) AS sealed FROM clinic_data.outbox AS o WHERE o.tenant_id = :'tenant' AND o.destination LIKE 'sealed %' AND o.payload LIKE 'sealed %';
SELECT count(*), count(c.user_id) AS of_somebody, min(octet_length(c.code_hash)) AS least, max(c.expires_at) AS until, max(c.attempts) AS attempts
FROM clinic_data.one_time_codes AS c WHERE c.tenant_id = :'tenant';
-- What stands for an identifier is keyed: it is not to be had from the address, even with the tenant, and differs between tenants.
SELECT count(*) AS events, count(*) FILTER (WHERE e.identifier_hash IN (sha256(uuid_send(e.tenant_id) || convert_to(v.kind || ':' || v.value, 'UTF8')),
           sha256(convert_to(v.kind || ':' || v.value, 'UTF8')), sha256(convert_to(v.value, 'UTF8')))) AS guessed,
       count(*) FILTER (WHERE e.identifier_hash = clinic_private.identifier_hash(e.tenant_id, v.kind, v.value)) > 0 AS found_by_the_secret
FROM clinic_data.sign_in_events AS e, (VALUES ('email', 'ada@example.org'), ('email', 'nobody@example.org'), ('other', 'nothing')) AS v (kind, value)
WHERE e.tenant_id = :'tenant' AND e.identifier_hash IS NOT NULL;
SELECT count(DISTINCT clinic_private.identifier_hash(s.tenant_id, 'phone', '+4915112345678')) = count(*) AND count(*) > 1 AS of_each_tenant,
       bool_and(s.secret LIKE 'sealed %') AS sealed
FROM clinic_data.identifier_secrets AS s;
SELECT r.rolname AS reads_the_secrets FROM pg_roles AS r WHERE r.rolname ~ '^(clinic|pg)_' AND r.rolname NOT IN ('clinic_owner', 'pg_read_all_data')
   AND has_table_privilege(r.oid, 'clinic_data.identifier_secrets', 'SELECT');
-- The code is kept nowhere but in the message.
SELECT count(*) FILTER (WHERE strpos(c::text, m.code) > 0) AS codes, count(*) FILTER (WHERE e::text LIKE '%ada@%') AS identifiers
FROM pg_temp.sent('ada@example.org') AS m, clinic_data.one_time_codes AS c, clinic_data.sign_in_events AS e
WHERE c.tenant_id = :'tenant' AND e.tenant_id = :'tenant';

-- Three times a minute with one identifier, known or not; refused ones send nothing.
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.request_code('codes-test', 'ada@example.org', 'verify'), clinic.request_code('codes-test', 'ada@example.org', 'reset_password');
SELECT clinic.request_code('codes-test', 'ada@example.org');
SELECT clinic.request_code('codes-test', 'nobody@example.org'), clinic.request_code('codes-test', 'Nobody@example.org');
SELECT clinic.request_code('codes-test', 'nobody@example.org');
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-03-02T12:00:59.5Z';
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.request_code('codes-test', 'ada@example.org');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM clinic_data.outbox AS o WHERE o.tenant_id = :'tenant';
SET clinic.clock = '2026-03-02T12:01:00Z';
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.request_code('codes-test', 'ada@example.org');
RESET SESSION AUTHORIZATION;

-- A newer code replaces the older one of the same purpose only.
SELECT c.purpose, c.created_at, c.used_at FROM clinic_data.one_time_codes AS c
WHERE c.tenant_id = :'tenant' AND c.user_id = :'ada' ORDER BY c.created_at, c.purpose;

-- Using: the right one for its purpose, once.
SELECT s.code, s.wrong FROM pg_temp.sent('ada@example.org') AS s \gset
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.sign_in_with_code('codes-test', 'ada@example.org', :'wrong');
SELECT clinic.sign_in_with_code('codes-test', 'nobody@example.org', :'code');
SELECT clinic.sign_in_with_code('codes-nowhere', 'ada@example.org', :'code');
SELECT clinic.sign_in_with_code('codes-test', '+49305550101', :'code');
SELECT clinic.sign_in_with_code('codes-test', 'ada@example.org', NULL);
SELECT clinic.verify_identifier('codes-test', 'ada@example.org', :'code');
SELECT s.token_type, s.expires_in, s.refresh_expires_at, s.user_id = :'ada' AS ada, length(s.access_token) > 100 AS access
FROM clinic.sign_in_with_code('codes-test', 'ada@example.org', :'code') AS s;
SELECT clinic.sign_in_with_code('codes-test', 'ada@example.org', :'code');
RESET SESSION AUTHORIZATION;
SELECT i.kind, i.verified_at FROM clinic_data.user_identifiers AS i WHERE i.user_id = :'ada' ORDER BY i.kind;
SELECT s.method FROM clinic_data.sessions AS s WHERE s.user_id = :'ada';
UPDATE clinic_data.credentials SET failed_count = 0, locked_until = NULL WHERE tenant_id = :'tenant';

-- Five attempts: the fifth may be right, the sixth may not.
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.request_code('codes-test', '+49 30 555 0101');
RESET SESSION AUTHORIZATION;
SELECT o.channel, o.destination FROM pg_temp.messages AS o WHERE o.tenant_id = :'tenant' AND o.channel = 'sms';
SELECT s.code, s.wrong FROM pg_temp.sent('+49305550101') AS s \gset
UPDATE clinic_data.one_time_codes AS c SET attempts = 5 WHERE c.tenant_id = :'tenant' AND c.used_at IS NULL AND c.purpose = 'sign_in' AND c.user_id = :'ada';
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.sign_in_with_code('codes-test', '+49305550101', :'code');
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.one_time_codes AS c SET attempts = 4 WHERE c.tenant_id = :'tenant' AND c.used_at IS NULL AND c.purpose = 'sign_in' AND c.user_id = :'ada';
SET SESSION AUTHORIZATION codes_visitor;
SELECT s.user_id = :'ada' AS ada FROM clinic.sign_in_with_code('codes-test', '+49305550101', :'code') AS s;

-- Ten minutes.
SELECT clinic.request_code('codes-test', '+49 30 555 0101');
RESET SESSION AUTHORIZATION;
SELECT s.code, s.wrong FROM pg_temp.sent('+49305550101') AS s \gset
SET clinic.clock = '2026-03-02T12:11:00Z';
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.sign_in_with_code('codes-test', '+49305550101', :'code');
RESET SESSION AUTHORIZATION;

-- A locked account stays locked, by code too, and so does an inactive one.
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.request_code('codes-test', 'ada@example.org');
RESET SESSION AUTHORIZATION;
SELECT s.code, s.wrong FROM pg_temp.sent('ada@example.org') AS s \gset
INSERT INTO clinic_data.credentials (tenant_id, user_id, failed_count, locked_until) VALUES (:'tenant', :'ada', 5, '2026-03-02 12:12:00Z')
    ON CONFLICT ON CONSTRAINT credentials_pkey DO UPDATE SET failed_count = 5, locked_until = excluded.locked_until;
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.sign_in_with_code('codes-test', 'ada@example.org', :'code');
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.credentials SET locked_until = NULL, failed_count = 0 WHERE tenant_id = :'tenant';
UPDATE clinic_data.users SET status = 'inactive' WHERE user_id = :'ada';
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.sign_in_with_code('codes-test', 'ada@example.org', :'code');
RESET SESSION AUTHORIZATION;
UPDATE clinic_data.users SET status = 'active' WHERE user_id = :'ada';

-- A new password by code: ends all sessions; a poor password does not use the code up.
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.request_code('codes-test', 'ada@example.org', 'reset_password');
RESET SESSION AUTHORIZATION;
SELECT s.code, s.wrong FROM pg_temp.sent('ada@example.org') AS s \gset
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.reset_password('codes-test', 'ada@example.org', :'code', 'password123');
SELECT clinic.reset_password('codes-test', 'ada@example.org', :'code', 'Ada@Example.org');
SELECT clinic.reset_password('codes-test', 'ada@example.org', :'code', '+49305550101');
SELECT clinic.reset_password('codes-test', 'ada@example.org', :'wrong', 'violet harbour quilt');
SELECT clinic.reset_password('codes-test', 'nobody@example.org', :'code', 'violet harbour quilt');
SELECT clinic.reset_password('codes-test', 'ada@example.org', :'code', NULL);
SELECT clinic.reset_password('codes-test', 'ada@example.org', :'code', 'violet harbour quilt');
SELECT clinic.reset_password('codes-test', 'ada@example.org', :'code', 'another harbour quilt');
SELECT s.user_id = :'ada' AS ada FROM clinic.sign_in('codes-test', 'ada@example.org', 'violet harbour quilt') AS s;
RESET SESSION AUTHORIZATION;
SELECT s.method, s.revoke_reason, count(*) FROM clinic_data.sessions AS s WHERE s.user_id = :'ada' GROUP BY 1, 2 ORDER BY 1, 2;

-- What is older than a day goes with the next request.
SET clinic.clock = '2026-03-03T13:00:00Z';
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.request_code('codes-test', 'ada@example.org', 'verify');
RESET SESSION AUTHORIZATION;
SELECT s.code, s.wrong FROM pg_temp.sent('ada@example.org') AS s \gset
SELECT count(*) FROM clinic_data.one_time_codes AS c
WHERE c.tenant_id = :'tenant' AND c.identifier_hash = clinic_private.identifier_hash(:'tenant', 'email', 'ada@example.org');
UPDATE clinic_data.user_identifiers SET verified_at = NULL WHERE user_id = :'ada';
SET SESSION AUTHORIZATION codes_visitor;
SELECT clinic.verify_identifier('codes-test', 'ada@example.org', :'code');
RESET SESSION AUTHORIZATION;
SELECT i.kind, i.verified_at FROM clinic_data.user_identifiers AS i WHERE i.user_id = :'ada' ORDER BY i.kind;
SELECT e.kind, e.outcome, e.user_id IS NOT NULL AS somebody, count(*) FROM clinic_data.sign_in_events AS e
WHERE e.tenant_id = :'tenant' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
RESET clinic.clock;
SET ROLE clinic_admin;
SELECT clinic.remove_token_key(:'signing_key');
RESET ROLE;
