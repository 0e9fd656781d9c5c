-- The outbox: claimed, sent, tried again, given up, expired.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE outbox_sender LOGIN IN ROLE clinic_user;
CREATE ROLE outbox_nurse LOGIN IN ROLE clinic_user;
CREATE ROLE outbox_other LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\set tenant '00b0c001-0000-7000-8000-000000000001'
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant(slug => 'outbox-test', name => 'Outbox Test', tenant_id => :'tenant') \g /dev/null
SELECT clinic.map_login('outbox_sender', 'staff', '{outbox:deliver}'), clinic.map_login('outbox_nurse', 'staff', '{appointments:read}') \g /dev/null
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'outbox-other', name => 'Another') \g /dev/null
SELECT clinic.map_login('outbox_other', 'admin', '{*}') \g /dev/null
COMMIT;
RESET ROLE;
INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, destination, payload, created_at, due_at, expires_at)
SELECT :'tenant', ('00b0c001-0200-7000-8000-00000000000' || n)::uuid, 'test', channel, 'to ' || n, jsonb_build_object('n', n), clinic.now(), due::timestamptz, until::timestamptz
FROM (VALUES (1, 'sms', '2026-03-02 11:00Z', NULL), (2, 'email', '2026-03-02 10:00Z', '2026-03-02 12:10Z'), (3, 'sms', '2026-03-02 11:30Z', '2026-03-02 12:00Z'),
             (4, 'sms', '2026-03-02 12:00:01Z', NULL), (5, 'push', '2026-03-02 11:45Z', NULL)) AS m (n, channel, due, until);
CREATE VIEW pg_temp.state AS
    SELECT right(o.message_id::text, 1) AS n, o.status, o.destination, o.payload, o.due_at, o.claimed_until, o.attempts, o.done_at, o.last_error
    FROM clinic_data.outbox AS o WHERE o.tenant_id = '00b0c001-0000-7000-8000-000000000001' ORDER BY 1;

SET SESSION AUTHORIZATION outbox_sender;
SELECT right(c.message_id::text, 1) AS n, c.topic, c.channel, c.destination, c.payload, c.created_at, c.expires_at, c.claimed_until, c.attempts
FROM clinic.claim_messages(2) AS c;
SELECT right(c.message_id::text, 1) AS n FROM clinic.claim_messages(channels => '{sms,email}') AS c;
SELECT right(c.message_id::text, 1) AS n FROM clinic.claim_messages(lease_seconds => 3600) AS c;
SELECT count(*) FROM clinic.claim_messages();
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.state;

SET SESSION AUTHORIZATION outbox_sender;
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000001');
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000001');
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000004');
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000005', repeat('the gateway was asleep ', 50));
-- Its next attempt would come when it is of no use any more.
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000002', 'no answer', 600);
SELECT clinic.finish_message('00b0c001-0200-7000-8000-00000000000f');
RESET SESSION AUTHORIZATION;
SELECT s.n, s.status, s.destination, s.payload, s.due_at, s.claimed_until, s.attempts, s.done_at, length(s.last_error) AS error FROM pg_temp.state AS s;

-- A lease that ends leaves the message to the next one; half a minute, a minute, two, at most an hour.
SET clinic.clock = '2026-03-02T12:00:29Z';
SET SESSION AUTHORIZATION outbox_sender;
SELECT right(c.message_id::text, 1) AS n FROM clinic.claim_messages() AS c;
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-03-02T12:01:29Z';
SET SESSION AUTHORIZATION outbox_sender;
SELECT right(c.message_id::text, 1) AS n, c.attempts FROM clinic.claim_messages() AS c;
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000005', 'asleep'), clinic.finish_message('00b0c001-0200-7000-8000-000000000004', 'asleep', 0);
RESET SESSION AUTHORIZATION;
SELECT s.n, s.status, s.due_at, s.attempts FROM pg_temp.state AS s WHERE s.n IN ('4', '5');
UPDATE clinic_data.outbox SET attempts = 8 WHERE tenant_id = :'tenant' AND status = 'waiting' AND channel = 'push';
SET clinic.clock = '2026-03-02T13:00:00Z';
SET SESSION AUTHORIZATION outbox_sender;
SELECT right(c.message_id::text, 1) AS n, c.attempts FROM clinic.claim_messages(channels => '{push}') AS c;
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000005', 'asleep');
RESET SESSION AUTHORIZATION;
SELECT s.due_at FROM pg_temp.state AS s WHERE s.n = '5';

-- The tenth attempt is the last, whether it is reported or not.
UPDATE clinic_data.outbox SET attempts = 9 WHERE tenant_id = :'tenant' AND status = 'waiting';
SET clinic.clock = '2026-03-02T14:00:00Z';
SET SESSION AUTHORIZATION outbox_sender;
SELECT right(c.message_id::text, 1) AS n, c.attempts FROM clinic.claim_messages() AS c;
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000005', 'asleep');
RESET SESSION AUTHORIZATION;
SET clinic.clock = '2026-03-02T14:01:00Z';
SET SESSION AUTHORIZATION outbox_sender;
SELECT count(*) FROM clinic.claim_messages();
RESET SESSION AUTHORIZATION;
SELECT s.n, s.status, s.destination, s.payload, s.attempts, s.done_at FROM pg_temp.state AS s;

-- A message that does not open, for it was moved or damaged, fails alone, and those behind it go out.
INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, destination, payload, created_at, due_at)
SELECT :'tenant', m.id, 'test', 'sms', clinic_private.keep_secret('to ' || n, clinic_private.secret_place('outbox', m.id::text, 'destination')),
       clinic_private.keep_secret(jsonb_build_object('n', n)::text, clinic_private.secret_place('outbox', m.id::text, 'payload')), clinic.now(), clinic.now()
FROM generate_series(6, 9) AS n CROSS JOIN LATERAL (SELECT ('00b0c001-0200-7000-8000-00000000000' || n)::uuid) AS m (id);
UPDATE clinic_data.outbox AS o SET payload = (SELECT p.payload FROM clinic_data.outbox AS p WHERE p.message_id = '00b0c001-0200-7000-8000-000000000008')
WHERE o.message_id = '00b0c001-0200-7000-8000-000000000006';
UPDATE clinic_data.outbox AS o SET destination = o.payload WHERE o.message_id = '00b0c001-0200-7000-8000-000000000007';
SET SESSION AUTHORIZATION outbox_sender;
SELECT right(c.message_id::text, 1) AS n, c.destination, c.payload FROM clinic.claim_messages(1) AS c;
SELECT right(c.message_id::text, 1) AS n, c.destination, c.payload FROM clinic.claim_messages() AS c;
RESET SESSION AUTHORIZATION;
SELECT s.n, s.status, s.destination, s.payload, s.attempts, s.done_at, s.last_error FROM pg_temp.state AS s WHERE s.n IN ('6', '7');

-- Arguments and rights.
SET SESSION AUTHORIZATION outbox_sender;
SELECT clinic.claim_messages(0);
SELECT clinic.claim_messages(1001);
SELECT clinic.claim_messages(NULL);
SELECT clinic.claim_messages(lease_seconds => 0);
SELECT clinic.claim_messages(channels => '{pigeon}');
SELECT clinic.finish_message(NULL);
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000004', 'x', -1);
SET SESSION AUTHORIZATION outbox_nurse;
SELECT clinic.claim_messages();
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000004');
SET SESSION AUTHORIZATION outbox_other;
SELECT count(*) FROM clinic.claim_messages();
SELECT clinic.finish_message('00b0c001-0200-7000-8000-000000000004');
RESET SESSION AUTHORIZATION;
RESET clinic.clock;
