-- Jobs: that each runs in every tenant as the system and nothing else, that one's failure is its own, and what each does.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL client_min_messages = error;
SET LOCAL timezone = 'Asia/Kolkata';
SET LOCAL clinic.clock = '2027-03-01 06:00Z';
-- An autovacuum in the way would have the job of partitions give up until its next run.
LOCK TABLE clinic_data.events, clinic_data.deliveries, clinic_data.audit_records IN SHARE UPDATE EXCLUSIVE MODE;
SELECT no_plan();

CREATE FUNCTION pg_temp.id(tenant integer, kind integer, number integer DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS
    $$ SELECT pg_catalog.format('0000000%s-00%s-7000-8000-%s', tenant, kind, pg_catalog.lpad(number::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.at(wall time) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT ('2027-03-02 ' || wall || '+01')::timestamptz $$;
CREATE ROLE jobs_admin LOGIN IN ROLE clinic_admin;
CREATE ROLE jobs_everything LOGIN IN ROLE clinic_user;
CREATE ROLE jobs_reports LOGIN IN ROLE clinic_user;
CREATE ROLE jobs_patient LOGIN IN ROLE clinic_user;

CREATE FUNCTION pg_temp.make_tenant(n integer, slug text, zone text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.create_tenant(slug, slug, tenant_id => pg_temp.id(n, 10));
    PERFORM clinic.create_location('Place', zone, location_id => pg_temp.id(n, 20));
    PERFORM clinic.create_provider('Doctor', zone, provider_id => pg_temp.id(n, 30));
    PERFORM clinic.create_service('Visit', 30, service_id => pg_temp.id(n, 50));
    PERFORM clinic.create_service('Request', 30, service_id => pg_temp.id(n, 50, 2));
    PERFORM clinic.update_service(pg_temp.id(n, 50, 2), '{"requires_approval": true, "approval_minutes": 60}');
    PERFORM clinic.offer_service(pg_temp.id(n, 50, s), pg_temp.id(n, 30)) FROM generate_series(1, 2) s;
    PERFORM clinic.add_hours(pg_temp.id(n, 30), pg_temp.id(n, 20), 'FREQ=DAILY', '00:00', '24:00', '2027-01-01');
    PERFORM clinic.create_patient('Patient ' || p, patient_id => pg_temp.id(n, 60, p)) FROM generate_series(1, 4) p;
END
$$;
SELECT pg_temp.make_tenant(3, 'jobs-sleepy', 'Europe/Berlin') \g /dev/null
SELECT pg_temp.make_tenant(2, 'jobs-hill', 'America/New_York') \g /dev/null
SELECT pg_temp.make_tenant(1, 'jobs-lake', 'Europe/Berlin') \g /dev/null
SELECT clinic.map_login('jobs_everything', 'admin', '{*}'), clinic.map_login('jobs_reports', 'staff', '{reports:read}'),
       clinic.map_login('jobs_patient', 'patient', patient_id => pg_temp.id(1, 60)) \g /dev/null

-- As a login, or for a tenant as its administrator; then the context of before.
CREATE FUNCTION pg_temp.outcome(login text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    clock text := current_setting('clinic.clock');
BEGIN
    RESET ALL;
    PERFORM set_config('clinic.clock', clock, true), set_config('search_path', 'pg_catalog, public', true), set_config('client_min_messages', 'error', true);
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
    EXECUTE query INTO answer;
    RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN coalesce(answer, 'null');
    WHEN OTHERS THEN
        RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.for_tenant(slug text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    PERFORM clinic.use_tenant(slug);
    EXECUTE query INTO answer;
    PERFORM clinic.use_tenant('jobs-lake');
    RETURN answer;
END
$$;
CREATE FUNCTION pg_temp.set_clock(at timestamptz) RETURNS void LANGUAGE sql AS
    $$ SELECT set_config('clinic.clock', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"Z"'), true) $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Who may.

SELECT set_eq($$ SELECT g.grantee::regrole::text FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) g WHERE p.oid = 'clinic.run_jobs(text[], uuid[])'::regprocedure $$,
              ARRAY['clinic_owner', 'clinic_admin', 'clinic_system'], 'who may run jobs');
SELECT set_eq($$ SELECT DISTINCT g.grantee::regrole::text FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) g
                  WHERE p.oid IN ('clinic_private.enter_system(uuid)'::regprocedure, 'clinic_private.try_job_lock(uuid, text)'::regprocedure, 'clinic_private.known_tenants()'::regprocedure) AND g.grantee <> 10 $$,
              ARRAY['clinic_owner'], 'who may act as the system');
SELECT alike(pg_temp.outcome('jobs_everything', q), '42501%', 'all permissions of a tenant are not enough: ' || q)
  FROM unnest(ARRAY['SELECT clinic.run_jobs()', 'SELECT clinic.job_status()', 'SELECT clinic.schedule_jobs()', 'SELECT clinic.unschedule_jobs()',
                    'SELECT clinic_private.enter_system(clinic.current_tenant_id())', 'SELECT clinic_private.retention_job()']) AS q;
SELECT throws_ok($$ SELECT clinic.run_jobs('{sweep_claims,nonsense}') $$, '22023', 'there is no job nonsense');
SELECT throws_ok($$ SELECT clinic_private.enter_system(pg_temp.id(9, 99)) $$, 'CL001');
SELECT throws_ok('SELECT clinic_private.enter_system(NULL)', '22004');
SELECT throws_ok('SELECT clinic.schedule_jobs()', '55000', 'pg_cron is not installed in this database') WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron');

-- ---------------------------------------------------------------------------------------------------------------------
-- Running: every tenant, once, by the rhythm; the context of the caller is the same afterwards.

CREATE FUNCTION pg_temp.expected(active boolean) RETURNS SETOF text LANGUAGE sql STABLE AS
    $$ SELECT j.job FROM clinic_private.jobs() j WHERE NOT j.of_database AND (active OR j.in_suspended) $$;
SELECT pg_temp.for_tenant('jobs-sleepy', $$ SELECT clinic.update_tenant('{"status": "suspended"}') $$) \g /dev/null
CREATE TEMPORARY TABLE first_run AS SELECT * FROM clinic.run_jobs();
SELECT is((SELECT actor || ' ' || tenant FROM clinic.whoami()), 'admin jobs-lake', 'the caller is who they were');
SELECT set_eq($$ SELECT job FROM first_run WHERE tenant_id = pg_temp.id(1, 10) $$, 'SELECT pg_temp.expected(true)', 'every job runs in an active tenant');
SELECT set_eq($$ SELECT job FROM first_run WHERE tenant_id = pg_temp.id(2, 10) $$, 'SELECT pg_temp.expected(true)', 'in each');
SELECT set_eq($$ SELECT job FROM first_run WHERE tenant_id = pg_temp.id(3, 10) $$, 'SELECT pg_temp.expected(false)', 'in a suspended one what must go on');
SELECT set_eq($$ SELECT job FROM first_run WHERE tenant_id IS NULL $$, ARRAY['partitions', 'ingest_reads', 'seal_database_audit'], 'and those of the database');
SELECT is_empty($$ SELECT * FROM first_run WHERE outcome <> CASE WHEN to_regprocedure(format('clinic_private.%s_job()', job)) IS NULL THEN 'missing' ELSE 'ok' END $$,
                'all end well but those that this version does not have');
SELECT is_empty($$ SELECT * FROM clinic.run_jobs() WHERE outcome <> 'missing' $$, 'nothing is due at once again');
SELECT set_eq($$ SELECT DISTINCT job FROM clinic.run_jobs('{retention,sweep_claims}') $$, ARRAY['sweep_claims', 'retention'], 'what is asked for by name runs all the same');
SELECT set_eq($$ SELECT DISTINCT tenant_id FROM clinic.run_jobs('{retention}', ARRAY[pg_temp.id(2, 10), pg_temp.id(9, 99)]) $$, ARRAY[pg_temp.id(2, 10)], 'where it is asked for');
SET LOCAL clinic.clock = '2027-03-01 06:00:53Z';
SELECT is_empty($$ SELECT * FROM clinic.run_jobs() WHERE outcome <> 'missing' $$, 'before nine tenths of a rhythm nothing is due');
SET LOCAL clinic.clock = '2027-03-01 06:00:54Z';
SELECT set_has($$ SELECT DISTINCT job FROM clinic.run_jobs() $$, $$ SELECT unnest('{sweep_claims}'::text[]) $$, 'then it is');
SELECT is((SELECT count(*) FROM clinic_data.job_states s WHERE s.job = 'retention' AND s.started_at > '2027-03-01 06:00Z'), 0::bigint, 'not what has a longer one');
SET LOCAL clinic.clock = '2027-02-28 06:00Z';
SELECT set_has($$ SELECT DISTINCT job FROM clinic.run_jobs() WHERE tenant_id = pg_temp.id(1, 10) $$, $$ SELECT unnest('{sweep_claims,retention,daily_snapshot}'::text[]) $$, 'a clock that was set back stops nothing');

-- One that fails.
SET LOCAL clinic.clock = '2027-03-01 07:00Z';
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE invalid_text_representation USING MESSAGE = 'the name "A secret name" is bad'; END $$;
INSERT INTO clinic_data.revoked_tokens (tenant_id, jti, expires_at) SELECT pg_temp.id(n, 10), 'old', '2020-01-01Z' FROM generate_series(1, 3) n;
INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, created_at, due_at, status, done_at)
SELECT pg_temp.id(n, 10), pg_temp.id(n, 70), 'x', 'sms', '2020-01-01Z', '2020-01-01Z', 'sent', '2020-01-01Z' FROM generate_series(1, 3) n;
CREATE TRIGGER refuse BEFORE DELETE ON clinic_data.revoked_tokens FOR EACH ROW WHEN (old.tenant_id = '00000002-0010-7000-8000-000000000001') EXECUTE FUNCTION pg_temp.refuse();
SELECT results_eq($$ SELECT job, tenant_id, outcome, row_count, error_message FROM clinic.run_jobs('{retention,daily_snapshot}') WHERE tenant_id IN (SELECT pg_temp.id(n, 10) FROM generate_series(1, 3) n) $$,
    $$ VALUES ('daily_snapshot', pg_temp.id(1, 10), 'ok', 0::bigint, NULL), ('retention', pg_temp.id(1, 10), 'ok', 2, NULL),
              ('daily_snapshot', pg_temp.id(2, 10), 'ok', 0, NULL), ('retention', pg_temp.id(2, 10), 'failed', NULL, 'the name "..." is bad'),
              ('retention', pg_temp.id(3, 10), 'ok', 2, NULL) $$, 'one that fails is told, and nothing else is touched');
SELECT is((SELECT count(*) FROM clinic_data.outbox WHERE tenant_id IN (SELECT pg_temp.id(n, 10) FROM generate_series(1, 3) n)), 1::bigint, 'what the failed one did is undone');
SELECT results_eq($$ SELECT tenant_id, state, failures_in_a_row, error_state, error_message FROM clinic.job_status() WHERE job = 'retention' AND tenant_id IN (SELECT pg_temp.id(n, 10) FROM generate_series(1, 2) n) $$,
    $$ VALUES (pg_temp.id(1, 10), 'ok', 0, NULL, NULL), (pg_temp.id(2, 10), 'failed', 1, '22P02', 'the name "..." is bad') $$, 'the status says so, without the value');
DROP TRIGGER refuse ON clinic_data.revoked_tokens;
SELECT is((SELECT outcome || ' ' || row_count FROM clinic.run_jobs('{retention}', ARRAY[pg_temp.id(2, 10)])), 'ok 2', 'the next run makes up for it');
SELECT results_eq($$ SELECT state, failures, failures_in_a_row, failed_at, error_state FROM clinic.job_status() WHERE job = 'retention' AND tenant_id = pg_temp.id(2, 10) $$,
    $$ VALUES ('ok', 1::bigint, 0, timestamptz '2027-03-01 07:00Z', '22P02') $$, 'and the failure stays on record');
SELECT is((SELECT actor || ' ' || tenant FROM clinic.whoami()), 'admin jobs-lake', 'the caller is who they were');

-- What a job sees of itself.
CREATE TEMPORARY TABLE seen (tenant uuid, actor text, everything boolean, usr text);
GRANT INSERT ON seen TO PUBLIC;
CREATE FUNCTION pg_temp.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO pg_temp.seen SELECT w.tenant_id, w.actor, clinic.has_permission('anything:at_all'), CURRENT_USER FROM clinic.whoami() w; RETURN OLD; END $$;
INSERT INTO clinic_data.revoked_tokens (tenant_id, jti, expires_at) SELECT pg_temp.id(n, 10), 'old', '2020-01-01Z' FROM generate_series(1, 2) n;
CREATE TRIGGER look BEFORE DELETE ON clinic_data.revoked_tokens FOR EACH ROW EXECUTE FUNCTION pg_temp.look();
SELECT clinic.run_jobs('{retention}') \g /dev/null
DROP TRIGGER look ON clinic_data.revoked_tokens;
SELECT results_eq('SELECT tenant, actor, everything, usr FROM seen ORDER BY 1', $$ VALUES (pg_temp.id(1, 10), 'system', true, 'clinic_owner'), (pg_temp.id(2, 10), 'system', true, 'clinic_owner') $$,
                  'a job is the system in one tenant, with no right but those of the owner of the tables');

-- ---------------------------------------------------------------------------------------------------------------------
-- sweep_claims

CREATE TEMPORARY TABLE held AS SELECT h.* FROM clinic.hold_slot(pg_temp.id(1, 50), pg_temp.id(1, 60, 2), pg_temp.at('10:00'), pg_temp.id(1, 30)) h;
CREATE TEMPORARY TABLE kept AS SELECT h.* FROM clinic.hold_slot(pg_temp.id(1, 50), pg_temp.id(1, 60, 3), pg_temp.at('11:00'), pg_temp.id(1, 30)) h;
CREATE TEMPORARY TABLE wanted (appointment_id uuid);
GRANT INSERT ON wanted TO PUBLIC;
DO $$
DECLARE
    clock text := current_setting('clinic.clock');
BEGIN
    RESET ALL;
    PERFORM set_config('clinic.clock', clock, true), set_config('search_path', 'pg_catalog, public', true), set_config('client_min_messages', 'error', true);
    SET LOCAL SESSION AUTHORIZATION jobs_patient;
    INSERT INTO pg_temp.wanted SELECT b.appointment_id FROM clinic.book_appointment(pg_temp.id(1, 50, 2), pg_temp.id(1, 60), pg_temp.at('12:00'), pg_temp.id(1, 30)) b;
    SET LOCAL SESSION AUTHORIZATION DEFAULT;
END
$$;
SELECT clinic.use_tenant('jobs-lake') \g /dev/null
SELECT set_eq('SELECT status FROM clinic_data.appointments WHERE expires_at IS NOT NULL', ARRAY['held', 'pending'], 'two are held and one is requested');
SELECT is((SELECT row_count FROM clinic.run_jobs('{sweep_claims}', ARRAY[pg_temp.id(1, 10)])), 0::bigint, 'what lives stays');
SELECT pg_temp.set_clock(expires_at - interval '1 microsecond') FROM held \g /dev/null
SELECT expires_at FROM clinic.extend_hold((SELECT hold_token FROM kept)) \g /dev/null
SELECT is((SELECT row_count FROM clinic.run_jobs('{sweep_claims}', ARRAY[pg_temp.id(1, 10)])), 0::bigint, 'to the last microsecond');
SELECT pg_temp.set_clock(expires_at) FROM held \g /dev/null
SELECT is((SELECT row_count FROM clinic.run_jobs('{sweep_claims}')  WHERE tenant_id = pg_temp.id(1, 10)), 1::bigint, 'then it is swept');
SELECT is((SELECT row_count FROM clinic.run_jobs('{sweep_claims}')  WHERE tenant_id = pg_temp.id(1, 10)), 0::bigint, 'once');
SELECT results_eq($$ SELECT a.status, a.status_before, a.status_reason, a.cancel_reason, a.cancelled_at, a.expires_at, (SELECT count(*) FROM clinic_data.claims c WHERE c.appointment_id = a.appointment_id)
                       FROM clinic_data.appointments a JOIN held USING (appointment_id) $$,
    $$ VALUES ('cancelled', 'held', 'hold_expired', 'hold_expired', clinic.now(), NULL::timestamptz, 0::bigint) $$, 'as a cancellation for that reason, without claims');
SELECT results_eq($$ SELECT e.name, e.status, e.status_before, e.actor_id FROM clinic_data.events e JOIN held h ON h.appointment_id = e.subject_id ORDER BY e.sequence $$,
    $$ VALUES ('appointment.held', 'held', NULL, NULL::uuid), ('appointment.expired', 'cancelled', 'held', NULL) $$, 'and as an event of its own name');
SELECT throws_ok($$ SELECT clinic.confirm_hold((SELECT hold_token FROM held)) $$, 'CL020');
SELECT lives_ok($$ SELECT clinic.confirm_hold((SELECT hold_token FROM kept)) $$, 'what was extended lives');
SET LOCAL clinic.clock = '2027-03-01 08:00Z';
SELECT is((SELECT row_count FROM clinic.run_jobs('{sweep_claims}')  WHERE tenant_id = pg_temp.id(1, 10)), 1::bigint, 'a request whose hour is over');
SELECT results_eq($$ SELECT a.status, a.status_before, a.cancel_reason FROM clinic_data.appointments a JOIN wanted USING (appointment_id) $$,
    $$ VALUES ('cancelled', 'pending', 'approval_expired') $$, 'is swept for its reason');
SELECT is_empty('SELECT * FROM clinic.check_integrity()', 'the diary is whole');
SELECT is((SELECT count(*) FROM clinic.book_appointment(pg_temp.id(1, 50), pg_temp.id(1, 60, 2), pg_temp.at('10:00'), pg_temp.id(1, 30))), 1::bigint, 'the time is free');
SET LOCAL clinic.clock = '2027-04-01 07:59Z';
SELECT is((SELECT row_count FROM clinic.run_jobs('{sweep_claims}')  WHERE tenant_id = pg_temp.id(1, 10)), 0::bigint, 'claims of the past are kept');
SELECT clinic.update_tenant('{"keep_claims_days": 10}') \g /dev/null
SELECT ok((SELECT row_count FROM clinic.run_jobs('{sweep_claims}')  WHERE tenant_id = pg_temp.id(1, 10)) > 0, 'as long as the tenant says');
SELECT is((SELECT count(*) FROM clinic_data.claims WHERE tenant_id = pg_temp.id(1, 10)), 0::bigint);

-- ---------------------------------------------------------------------------------------------------------------------
-- retention: each kind at its limit.

SET LOCAL clinic.clock = '2027-06-01 06:00Z';
SELECT clinic.run_jobs('{retention}') \g /dev/null
SELECT clinic.update_tenant('{"keep_deliveries_days": 3, "keep_messages_days": 5, "keep_sign_in_events_days": 90, "keep_holds_days": 7}') \g /dev/null
SELECT throws_ok($$ SELECT clinic.update_tenant('{"keep_holds_days": 0}') $$, '22023', 'what is kept is kept 1 to 3660 days');
SELECT throws_ok($$ SELECT clinic.update_tenant('{"keep_messages_days": 3661}') $$, '22023');
CREATE FUNCTION pg_temp.v7(at timestamptz, n integer) RETURNS uuid LANGUAGE sql AS $$ SELECT (left(clinic.uuid_floor(at)::text, 24) || lpad(n::text, 12, '0'))::uuid $$;
INSERT INTO clinic_data.idempotency_keys (tenant_id, caller_id, key_hash, call, payload_hash, created_at, expires_at)
SELECT pg_temp.id(1, 10), pg_temp.id(1, 90), sha256(t::bytea), 'x', sha256('x'), '2027-01-01Z', t::timestamptz FROM unnest(ARRAY['2027-06-01 06:00Z', '2027-06-01 06:00:00.000001Z']) t;
INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, created_at, due_at, status, done_at)
SELECT pg_temp.id(1, 10), pg_temp.id(1, 70, n), 'x', 'sms', '2027-05-01Z', '2027-05-01Z', s, t::timestamptz
  FROM (VALUES (1, 'sent', '2027-05-27 06:00Z'), (2, 'sent', '2027-05-27 06:00:01Z'), (3, 'waiting', NULL)) v (n, s, t);
INSERT INTO clinic_data.sign_in_events (tenant_id, event_id, occurred_at, kind, outcome)
SELECT pg_temp.id(1, 10), pg_temp.v7(t::timestamptz, n), t::timestamptz, 'sign_in', 'refused' FROM (VALUES (1, '2027-03-03 05:59:59Z'), (2, '2027-03-03 06:00:01Z')) v (n, t);
INSERT INTO clinic_data.subscriptions (tenant_id, subscription_id, name, url, events, secret) VALUES (pg_temp.id(1, 10), pg_temp.id(1, 80), 'x', 'https://x.org', '{*}', 'x');
INSERT INTO clinic_data.deliveries (tenant_id, delivery_id, subscription_id, event_id, subject_id, sequence, status, due_at, created_at, done_at, claimed_until)
SELECT pg_temp.id(1, 10), pg_temp.v7('2027-05-01', n), pg_temp.id(1, 80), pg_temp.id(1, 81, n), pg_temp.id(1, 82, n), 1, s, '2027-05-01Z', c::timestamptz, d::timestamptz, l::timestamptz
  FROM (VALUES (1, 'delivered', '2027-05-01Z', '2027-05-29 06:00Z', NULL), (2, 'delivered', '2027-05-01Z', '2027-05-29 06:00:01Z', NULL), (3, 'dead', '2027-05-01Z', '2027-05-29 06:00Z', NULL),
               (4, 'waiting', '2027-05-29 06:00Z', NULL, NULL), (5, 'waiting', '2027-05-29 06:00Z', NULL, '2027-06-01 06:01Z')) v (n, s, c, d, l);
INSERT INTO clinic_data.one_time_codes (tenant_id, code_id, identifier_hash, purpose, code_hash, created_at, expires_at)
SELECT pg_temp.id(1, 10), pg_temp.id(1, 83, n), '\x01', 'sign_in', '\x02', '2027-05-01Z', t::timestamptz FROM (VALUES (1, '2027-05-31 06:00Z'), (2, '2027-05-31 06:00:01Z')) v (n, t);
INSERT INTO clinic_data.revoked_tokens (tenant_id, jti, expires_at) VALUES (pg_temp.id(1, 10), 'gone', '2027-05-31 06:00Z'), (pg_temp.id(1, 10), 'kept', '2027-05-31 06:00:01Z');
INSERT INTO clinic_data.queued_events (tenant_id, event_id, subject_id, sequence) VALUES (pg_temp.id(1, 10), pg_temp.id(1, 84), pg_temp.id(1, 84), 1);
INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, created_at, due_at, status, done_at) VALUES (pg_temp.id(2, 10), pg_temp.id(2, 70), 'x', 'sms', '2027-05-01Z', '2027-05-01Z', 'sent', '2027-05-27 06:00Z');
DELETE FROM clinic_data.holds WHERE tenant_id = pg_temp.id(1, 10);
INSERT INTO clinic_data.holds (tenant_id, appointment_id, token_hash, caller_id, first_held_at)
SELECT pg_temp.id(1, 10), a.appointment_id, sha256(v.t::bytea), pg_temp.id(1, 90), v.t::timestamptz
  FROM (SELECT appointment_id, row_number() OVER (ORDER BY appointment_id) AS n FROM clinic_data.appointments WHERE tenant_id = pg_temp.id(1, 10)) a
  JOIN (VALUES (1, '2027-05-25 06:00Z'), (2, '2027-05-25 06:00:01Z')) v (n, t) USING (n);
SELECT results_eq($$ SELECT tenant_id, outcome, row_count FROM clinic.run_jobs('{retention}', ARRAY[pg_temp.id(1, 10), pg_temp.id(2, 10)]) $$,
                  $$ VALUES (pg_temp.id(1, 10), 'ok', 10::bigint), (pg_temp.id(2, 10), 'ok', 0) $$, 'what is kept no longer goes, of each tenant by its own time');
SELECT results_eq($$ SELECT (SELECT count(*) FROM clinic_data.idempotency_keys), (SELECT string_agg(right(message_id::text, 1), '' ORDER BY message_id) FROM clinic_data.outbox WHERE tenant_id = pg_temp.id(1, 10)),
                            (SELECT count(*) FROM clinic_data.sign_in_events WHERE tenant_id = pg_temp.id(1, 10)), (SELECT string_agg(right(delivery_id::text, 1), '' ORDER BY delivery_id) FROM clinic_data.deliveries WHERE subscription_id = pg_temp.id(1, 80)),
                            (SELECT string_agg(right(code_id::text, 1), '') FROM clinic_data.one_time_codes WHERE tenant_id = pg_temp.id(1, 10)), (SELECT string_agg(jti, '') FROM clinic_data.revoked_tokens WHERE tenant_id = pg_temp.id(1, 10)),
                            (SELECT count(*) FROM clinic_data.queued_events), (SELECT count(*) FROM clinic_data.holds WHERE tenant_id = pg_temp.id(1, 10)) $$,
    $$ VALUES (1::bigint, '23', 1::bigint, '25', '2', 'kept', 0::bigint, 1::bigint) $$, 'to the microsecond, and what waits or is being sent stays');
SELECT is((SELECT sum(row_count) FROM clinic.run_jobs('{retention}', ARRAY[pg_temp.id(1, 10), pg_temp.id(2, 10)])), 0::numeric, 'again there is nothing to do');

-- ---------------------------------------------------------------------------------------------------------------------
-- daily_snapshot: by the local day of each place.

SET LOCAL clinic.clock = '2027-06-10 22:30Z';
CREATE FUNCTION pg_temp.visit(n integer, at text, patient integer) RETURNS uuid LANGUAGE sql AS
    $$ SELECT b.appointment_id FROM clinic.book_appointment(pg_temp.id(n, 50), pg_temp.id(n, 60, patient), at::timestamptz, pg_temp.id(n, 30)) b $$;
CREATE TEMPORARY TABLE visits AS SELECT pg_temp.visit(1, at, p) AS appointment_id, at
  FROM (VALUES ('2027-06-11 23:30+02', 1), ('2027-06-12 00:00+02', 2), ('2027-06-12 23:30+02', 3), ('2027-06-13 00:00+02', 4), ('2027-06-12 10:00+02', 1)) v (at, p);
SELECT pg_temp.for_tenant('jobs-hill', $$ SELECT pg_temp.visit(2, '2027-06-12 23:30-04', 1) $$) \g /dev/null
SELECT clinic.run_jobs('{daily_snapshot}') \g /dev/null
SELECT is((SELECT count(*) FROM clinic_data.daily_counts WHERE on_date > '2027-06-01'), 0::bigint, 'days to come are not counted');
SELECT clinic.cancel_appointment(appointment_id) FROM visits WHERE at = '2027-06-12 10:00+02' \g /dev/null
SET LOCAL clinic.clock = '2027-06-12 21:59:59Z';
SELECT clinic.run_jobs('{daily_snapshot}') \g /dev/null
SELECT results_eq($$ SELECT on_date, status, appointments FROM clinic_data.daily_counts WHERE tenant_id = pg_temp.id(1, 10) AND on_date > '2027-06-01' ORDER BY 1, 2 $$,
    $$ VALUES (date '2027-06-11', 'booked', 1) $$, 'nor is a day before it is over');
SET LOCAL clinic.clock = '2027-06-12 22:00Z';
SELECT is((SELECT row_count FROM clinic.run_jobs('{daily_snapshot}') WHERE tenant_id = pg_temp.id(1, 10)), 2::bigint);
SELECT results_eq($$ SELECT on_date, location_id, provider_id, service_id, status, appointments, minutes, taken_at FROM clinic_data.daily_counts WHERE tenant_id = pg_temp.id(1, 10) AND on_date > '2027-06-01' ORDER BY 1, 5 $$,
    $$ SELECT v.on_date::date, pg_temp.id(1, 20), pg_temp.id(1, 30), pg_temp.id(1, 50), v.status, v.n, v.minutes, v.taken::timestamptz
         FROM (VALUES ('2027-06-11', 'booked', 1, 30, '2027-06-12 21:59:59Z'), ('2027-06-12', 'booked', 2, 60, '2027-06-12 22:00Z'), ('2027-06-12', 'cancelled', 1, 30, '2027-06-12 22:00Z')) v (on_date, status, n, minutes, taken) $$,
    'a day that is over is counted, from midnight to midnight there');
SELECT is((SELECT count(*) FROM clinic_data.daily_counts WHERE tenant_id = pg_temp.id(2, 10) AND on_date > '2027-06-01'), 0::bigint, 'in another zone it is still going on');
SELECT is((SELECT sum(row_count) FROM clinic.run_jobs('{daily_snapshot}')), 0::numeric, 'counting again changes nothing');
UPDATE clinic_data.appointments SET status = 'completed' WHERE appointment_id = (SELECT appointment_id FROM visits WHERE at = '2027-06-12 00:00+02');
SET LOCAL clinic.clock = '2027-06-13 04:00Z';
SELECT is((SELECT row_count FROM clinic.run_jobs('{daily_snapshot}') WHERE tenant_id = pg_temp.id(1, 10)), 2::bigint, 'what is completed afterwards is counted again');
SELECT results_eq($$ SELECT status, appointments FROM clinic_data.daily_counts WHERE tenant_id = pg_temp.id(1, 10) AND on_date = '2027-06-12' ORDER BY 1 $$,
    $$ VALUES ('booked', 1), ('cancelled', 1), ('completed', 1) $$);
SELECT results_eq($$ SELECT on_date, appointments FROM clinic_data.daily_counts WHERE tenant_id = pg_temp.id(2, 10) AND on_date > '2027-06-01' $$, $$ VALUES (date '2027-06-12', 1) $$, 'then it is over there too');
UPDATE clinic_data.appointments SET status = 'no_show' WHERE appointment_id = (SELECT appointment_id FROM visits WHERE at = '2027-06-12 00:00+02');
SET LOCAL clinic.clock = '2027-06-19 22:00Z';
SELECT clinic.run_jobs('{daily_snapshot}') \g /dev/null
SELECT is((SELECT count(*) FROM clinic_data.daily_counts WHERE tenant_id = pg_temp.id(1, 10) AND status = 'completed' AND on_date = '2027-06-12'), 1::bigint, 'after a week a day stays as it is');
DELETE FROM clinic_data.daily_counts WHERE tenant_id = pg_temp.id(1, 10);
SELECT clinic.run_jobs('{daily_snapshot}') FROM generate_series(1, 3) \g /dev/null
SELECT results_eq($$ SELECT on_date, status, sum(appointments) FROM clinic_data.daily_counts WHERE tenant_id = pg_temp.id(1, 10) GROUP BY 1, 2 ORDER BY 1, 2 $$,
    $$ SELECT (a.starts_at AT TIME ZONE 'Europe/Berlin')::date, a.status, count(*) FROM clinic_data.appointments a WHERE a.tenant_id = pg_temp.id(1, 10) AND a.starts_at < clinic.now() GROUP BY 1, 2 ORDER BY 1, 2 $$,
    'what was never counted is caught up with, from the first visit on');
SELECT is(pg_temp.outcome('jobs_reports', 'SELECT sum(appointments) FROM clinic.daily_counts'), (SELECT sum(appointments)::text FROM clinic_data.daily_counts WHERE tenant_id = pg_temp.id(1, 10)), 'reports:read reads the counts');
SELECT is(pg_temp.outcome('jobs_patient', 'SELECT count(*) FROM clinic.daily_counts'), '0', 'nobody else does');
SELECT is(pg_temp.outcome('jobs_reports', 'SELECT count(*) FROM clinic.job_runs'), '0', 'job_runs needs setup:write');
SELECT is(pg_temp.outcome('jobs_everything', $$ SELECT string_agg(DISTINCT tenant_id::text, ' ') FROM clinic.job_runs $$), pg_temp.id(1, 10)::text, 'and shows the own tenant');

-- ---------------------------------------------------------------------------------------------------------------------
-- partitions

CREATE TEMPORARY VIEW parts AS
SELECT p.relname AS parent, c.relname AS part, c.oid, c.relrowsecurity AND c.relforcerowsecurity AS guarded, pg_get_userbyid(c.relowner) AS owner,
       (SELECT count(*) FROM pg_policy y WHERE y.polrelid = c.oid) AS policies
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
 WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind = 'r';
SELECT is((SELECT count(*) FROM parts WHERE parent = 'events' AND part <> 'events_default'), 5::bigint, 'February to June, as the first runs went');
CREATE TEMPORARY TABLE before AS SELECT e.tableoid::regclass AS part, e.* FROM clinic_data.events e;
INSERT INTO clinic_data.events (tenant_id, event_id, name, subject_id, sequence, occurred_at)
SELECT pg_temp.id(n, 10), pg_temp.v7(t::timestamptz, 900 + n), 'x.y', pg_temp.id(n, 99), m, t::timestamptz
  FROM generate_series(1, 3) n, unnest(ARRAY['2026-11-30 23:59:59.999Z', '2026-12-01 00:00Z', '2027-07-31 23:59:59.999Z']) WITH ORDINALITY u (t, m);
INSERT INTO clinic_data.events (tenant_id, event_id, name, subject_id, sequence, occurred_at) VALUES (pg_temp.id(1, 10), pg_temp.id(1, 99), 'x.y', pg_temp.id(1, 99), 9, '1970-01-01Z');
CREATE TEMPORARY TABLE all_events AS SELECT * FROM clinic_data.events;
SELECT is((SELECT count(*) FROM clinic_data.events_default), 10::bigint, 'rows lie in the default partition');
CREATE TEMPORARY TABLE told AS SELECT count(*) AS n FROM clinic_data.deliveries;
SET LOCAL clinic.clock = '2027-07-15 00:00Z';
SELECT is((SELECT outcome || ' ' || coalesce(error_message, '') FROM clinic.run_jobs('{partitions}')), 'ok ', 'the job runs');
SELECT set_eq($$ SELECT part FROM parts WHERE parent = 'events' $$, ARRAY['events_2026_11', 'events_2026_12', 'events_2027_02', 'events_2027_03', 'events_2027_04', 'events_2027_05', 'events_2027_06', 'events_2027_07', 'events_2027_08',
              'events_2027_09', 'events_2027_10', 'events_default'], 'three months ahead, and those whose rows lay in the default partition');
SELECT results_eq($$ SELECT e.tableoid::regclass::text, count(*) FROM clinic_data.events e WHERE e.name = 'x.y' GROUP BY 1 ORDER BY 1 $$,
    $$ VALUES ('clinic_data.events_2026_11', 3::bigint), ('clinic_data.events_2026_12', 3), ('clinic_data.events_2027_07', 3), ('clinic_data.events_default', 1) $$, 'every row of every tenant is in its month; an id that is no time stays');
SELECT set_eq('SELECT * FROM clinic_data.events', 'SELECT * FROM all_events', 'none is lost or changed');
SELECT is((SELECT count(*) FROM clinic_data.deliveries), (SELECT n FROM told), 'nobody is told twice');
SELECT is_empty($$ SELECT part FROM parts WHERE NOT guarded OR owner <> 'clinic_owner' OR policies <> CASE WHEN part ~ '^audit_records' THEN 2 ELSE 4 END $$, 'each is guarded as its parent is');
SELECT is_empty($$ SELECT part FROM parts WHERE obj_description(oid, 'pg_class') IS NULL $$, 'and has a comment');
SELECT is((SELECT row_count FROM clinic.run_jobs('{partitions}')), 0::bigint, 'again there is nothing to do');
SELECT clinic_private.record_event('x.y', pg_temp.id(1, 99), 10) AS newest \gset
SELECT is((SELECT e.tableoid::regclass::text FROM clinic_data.events e WHERE e.event_id = :'newest'), 'clinic_data.events_2027_07', 'a new event goes into its month');
SELECT is(clinic_private.month_of(clinic.uuid_floor('2027-07-31 23:59:59.999Z')), date '2027-07-01');
SELECT is(clinic_private.month_of(clinic.uuid_floor('2027-08-01 00:00Z')), date '2027-08-01');
-- Deliveries of long ago.
SELECT set_has($$ SELECT part FROM parts WHERE parent = 'deliveries' $$, $$ SELECT unnest('{deliveries_2027_05,deliveries_2027_07}'::name[]) $$, 'deliveries have months too');
SELECT set_hasnt($$ SELECT part FROM parts WHERE parent = 'deliveries' $$, $$ SELECT unnest('{deliveries_2027_02,deliveries_2027_03,deliveries_2027_04}'::name[]) $$, 'empty ones are dropped');
SET LOCAL clinic.clock = '2027-08-15 00:00Z';
SELECT clinic.run_jobs('{retention}'), clinic.run_jobs('{partitions}') \g /dev/null
SELECT set_hasnt($$ SELECT part FROM parts WHERE parent = 'deliveries' $$, $$ SELECT unnest('{deliveries_2027_05,deliveries_2027_06}'::name[]) $$, 'and others when nothing is kept of them any more');
SELECT set_has($$ SELECT part FROM parts WHERE parent = 'events' $$, $$ SELECT unnest('{events_2026_11}'::name[]) $$, 'events stay');

SELECT * FROM finish();
ROLLBACK;
