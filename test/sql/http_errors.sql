-- Errors in PostgREST's form: in an HTTP request, at the outermost statement, and nowhere else.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
-- What PostgREST sets for each request.
SET request.method = 'POST';
CREATE ROLE regress_http_gateway LOGIN NOINHERIT;
GRANT clinic_gateway, clinic_anon, clinic_user TO regress_http_gateway;
CREATE ROLE regress_http_plain LOGIN IN ROLE clinic_user;
CREATE TABLE public.ranges (during int4range, EXCLUDE USING gist (during WITH &&));
INSERT INTO public.ranges VALUES ('[1,5)');
GRANT INSERT, SELECT ON public.ranges TO PUBLIC;

-- What PostgREST's pre-request does not begin stays as it is: another login, a gateway before it, a superuser.
SET SESSION AUTHORIZATION regress_http_plain;
BEGIN;
SELECT clinic.pre_request();
SELECT clinic.describe_rrule('FREQ=NEVER');
ROLLBACK;
SET SESSION AUTHORIZATION regress_http_gateway;
SET ROLE clinic_user;
SELECT clinic.describe_rrule('FREQ=NEVER');
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT clinic.pre_request();
SELECT clinic.describe_rrule('FREQ=NEVER');
ROLLBACK;

-- In a request: an argument, a time zone, no identity.
SET SESSION AUTHORIZATION regress_http_gateway;
SET ROLE clinic_user;
BEGIN;
SELECT clinic.pre_request();
SELECT clinic.describe_rrule('FREQ=NEVER');
ROLLBACK;
BEGIN;
SELECT clinic.pre_request();
SELECT clinic.next_occurrence('FREQ=DAILY', now()::timestamp, 'Mars/Olympus', now());
ROLLBACK;
BEGIN;
SELECT clinic.pre_request();
SELECT * FROM clinic.available_slots(NULL, now(), now(), duration => '1 hour');
ROLLBACK;

-- The next transaction is none any more.
SELECT clinic.describe_rrule('FREQ=NEVER');

-- What a caller's own code catches has the form that SQL clients know; raised again, it leaves in HTTP form.
BEGIN;
SELECT clinic.pre_request();
CREATE FUNCTION pg_temp.caught(again boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM * FROM clinic.describe_rrule('FREQ=NEVER');
EXCEPTION WHEN invalid_text_representation THEN
    IF again THEN
        RAISE;
    END IF;
    RETURN format('caught %s', SQLSTATE);
END
$$;
SELECT pg_temp.caught(false);
SELECT pg_temp.caught(true);
ROLLBACK;

-- SQL cannot pretend to be the engine: an equal state, message and detail stay what they are.
BEGIN;
SELECT clinic.pre_request();
DO $$ BEGIN RAISE EXCEPTION 'that time is taken' USING ERRCODE = 'CL013', DETAIL = '{"reason": "slot_taken"}', COLUMN = 'x'; END $$;
ROLLBACK;
BEGIN;
SELECT clinic.pre_request();
CREATE FUNCTION pg_temp.forged() RETURNS void LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'that time is taken' USING ERRCODE = 'CL013', DETAIL = '{"reason": "slot_taken"}', COLUMN = 'x'; END $$;
SELECT pg_temp.forged();
ROLLBACK;

-- What is in PostgREST's form already passes unchanged.
BEGIN;
SELECT clinic.pre_request();
CREATE FUNCTION pg_temp.own_form() RETURNS void LANGUAGE plpgsql AS
$$ BEGIN RAISE SQLSTATE 'PGRST' USING MESSAGE = '{"code":"mine","message":"m"}', DETAIL = '{"status":418,"headers":{}}'; END $$;
SELECT pg_temp.own_form();
ROLLBACK;

-- The server's own errors: those that PostgREST would answer wrongly, without the other row; the rest as they are.
BEGIN;
SELECT clinic.pre_request();
INSERT INTO public.ranges VALUES ('[2,3)');
ROLLBACK;
BEGIN;
SELECT clinic.pre_request();
CREATE FUNCTION pg_temp.one() RETURNS int LANGUAGE plpgsql AS
$$ DECLARE n int; BEGIN SELECT 1 INTO STRICT n WHERE false; RETURN n; END $$;
SELECT pg_temp.one();
ROLLBACK;
BEGIN;
SELECT clinic.pre_request();
CREATE FUNCTION pg_temp.state(state text) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'of state %', state USING ERRCODE = state; END $$;
SAVEPOINT s;
\set VERBOSITY sqlstate
SELECT pg_temp.state('40P01');
ROLLBACK TO s;
SELECT pg_temp.state('55P03');
ROLLBACK TO s;
SELECT pg_temp.state('40001');
ROLLBACK TO s;
SELECT pg_temp.state('42501');
ROLLBACK TO s;
SELECT pg_temp.state('25006');
ROLLBACK TO s;
SELECT pg_temp.state('57014');
ROLLBACK TO s;
SELECT 'x'::uuid;
ROLLBACK TO s;
SELECT 1 / 0;
ROLLBACK TO s;
-- Raised while planning, where a constant is folded.
\set VERBOSITY default
SELECT clinic.describe_rrule('FREQ=NEVER') FROM generate_series(1, 2);
ROLLBACK;

-- Raised in a parallel worker, it is still the engine's.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.rules AS SELECT 'FREQ=NEVER'::text AS rule;
GRANT SELECT ON public.rules TO PUBLIC;
SELECT set_config(s.name, 'on', false) FROM pg_settings AS s WHERE s.name IN ('force_parallel_mode', 'debug_parallel_query');
SET SESSION AUTHORIZATION regress_http_gateway;
SET ROLE clinic_user;
BEGIN;
SELECT clinic.pre_request();
SELECT clinic.describe_rrule(r.rule) FROM public.rules AS r;
ROLLBACK;
RESET SESSION AUTHORIZATION;
SELECT set_config(s.name, 'off', false) FROM pg_settings AS s WHERE s.name IN ('force_parallel_mode', 'debug_parallel_query');

-- Anonymous: what is forbidden asks for an identity.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.refused(code text, detail jsonb) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$ SELECT clinic_private.raise_error(code, NULL, detail) $$;
SET SESSION AUTHORIZATION regress_http_gateway;
SET ROLE clinic_anon;
BEGIN;
SELECT clinic.pre_request();
SELECT public.refused('forbidden', '{"permission": "a:b"}');
ROLLBACK;
SET ROLE clinic_user;
BEGIN;
SELECT clinic.pre_request();
SELECT public.refused('forbidden', '{"permission": "a:b"}');
ROLLBACK;

-- Headers of a rate limit; texts with line breaks and quotes stay within the body.
BEGIN;
SELECT clinic.pre_request();
SELECT public.refused('rate_limited', '{"retry_after_seconds": 7, "limit": 30, "remaining": 0, "reset_seconds": 41}');
ROLLBACK;
BEGIN;
SELECT clinic.pre_request();
SELECT public.refused('not_found', jsonb_build_object('id', E'a"\r\nSet-Cookie: x=1\r\n\\ é'));
ROLLBACK;
BEGIN;
SELECT clinic.pre_request();
SELECT clinic.next_occurrence('FREQ=DAILY', now()::timestamp, E'a"\r\nSet-Cookie: x=1\r\n\\ é', now());
ROLLBACK;

-- Every code: its word, its status, four texts.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.answers (code text, answer jsonb, response jsonb);
CREATE EXTENSION IF NOT EXISTS dblink;
SELECT 1 AS connected FROM (SELECT dblink_connect('gate', format('dbname=%s port=%s host=%s user=regress_http_gateway', current_database(),
    current_setting('port'), split_part(current_setting('unix_socket_directories'), ',', 1)))) AS c;
SELECT 1 AS request FROM (SELECT dblink_exec('gate', 'SET request.method = ''POST''')) AS c;
SELECT 1 AS role FROM (SELECT dblink_exec('gate', 'SET ROLE clinic_user')) AS c;
DO $$
DECLARE
    entry record;
    body text;
    response text;
BEGIN
    FOR entry IN SELECT * FROM clinic.error_codes() LOOP
        BEGIN
            PERFORM dblink_exec('gate', 'BEGIN');
            PERFORM * FROM dblink('gate', 'SELECT clinic.pre_request()::text') AS r (x text);
            PERFORM * FROM dblink('gate', format('SELECT public.refused(%L, NULL)::text', entry.code)) AS r (x text);
        EXCEPTION WHEN SQLSTATE 'PGRST' THEN
            GET STACKED DIAGNOSTICS body = MESSAGE_TEXT, response = PG_EXCEPTION_DETAIL;
            INSERT INTO public.answers VALUES (entry.code, body::jsonb, response::jsonb);
        END;
        PERFORM dblink_exec('gate', 'ROLLBACK');
    END LOOP;
END
$$;
SELECT count(*) = (SELECT count(*) FROM clinic.error_codes()) AS every_code,
    bool_and(a.answer ->> 'code' = c.code AND a.answer ->> 'message' = c.message AND a.answer ->> 'hint' = c.hint
             AND (a.answer ->> 'details')::jsonb ->> 'reason' = c.code
             AND (a.response ->> 'status')::int = c.http_status) AS as_the_catalogue_says,
    bool_and((a.response #>> '{headers,WWW-Authenticate}' = 'Bearer') IS NOT DISTINCT FROM nullif(c.http_status = 401, false)) AS authenticate
FROM public.answers AS a JOIN clinic.error_codes() AS c USING (code);
SELECT 1 AS gone FROM (SELECT dblink_disconnect('gate')) AS c;

DROP EXTENSION dblink;
DROP TABLE public.answers, public.ranges, public.rules;
DROP FUNCTION public.refused;
DROP ROLE regress_http_gateway, regress_http_plain;
