-- Tokens: which keys are taken, which tokens are believed, and everything that is refused with one error.
SET client_min_messages = warning;
SELECT current_database() AS home \gset
-- What a broken run may have left.
DROP DATABASE IF EXISTS regress_clinic_tokens;
DROP ROLE IF EXISTS regress_clinic_admin, regress_clinic_gateway, regress_clinic_reader, regress_clinic_thief;
CREATE DATABASE regress_clinic_tokens;
\c regress_clinic_tokens
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET clinic.clock = '2026-03-02T12:00:00Z';
\set SHOW_CONTEXT never
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
BEGIN;
SELECT clinic.create_tenant('north', 'North', tenant_id => '70cec000-0000-7000-8000-000000000001');
SELECT clinic.create_tenant('south', 'South', tenant_id => '70cec000-0000-7000-8000-000000000002');
COMMIT;
CREATE ROLE regress_clinic_admin LOGIN IN ROLE clinic_admin;
CREATE ROLE regress_clinic_gateway LOGIN IN ROLE clinic_gateway;
CREATE ROLE regress_clinic_reader LOGIN IN ROLE clinic_user;

-- Keys and tokens that another library has made. All keys serve this test alone.
\set ECHO none
CREATE TABLE public.given (name text PRIMARY KEY, value text);
GRANT SELECT ON public.given TO PUBLIC;
INSERT INTO public.given VALUES
    ('der_token', 'eyJhbGciOiAiRVMyNTYiLCAia2lkIjogImVzIn0.eyJzdWIiOiAiNzBjZWMwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGFhIiwgInRlbmFudF9pZCI6ICI3MGNlYzAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCAiaXNzIjogImh0dHBzOi8vaWQuZXhhbXBsZSIsICJhdWQiOiAiY2xpbmljIiwgImlhdCI6IDE3NzI0NTI4MDAsICJleHAiOiAxNzcyNDUzNzAwLCAianRpIjogInQtMSJ9.MEUCIQDT2RJfWOIzp7bLeoHECyTJctg-f7g-S4FeIG6tv8m01gIgVepSHoT5jB8QnNmXoiBNyCql8Y1S1lBFcZ9kxFjYMJI'),
    ('es_key', '-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErGrXxFHtYdHxjOauWRqEZNw59Fhy
6kG3N6dbXiNRrmkC4/ofHO0iEVrbSj9BSwuM0skIvKu6txAeH8gR3swZDQ==
-----END PUBLIC KEY-----'),
    ('es_token', 'eyJhbGciOiJFUzI1NiIsImtpZCI6ImVzIiwidHlwIjoiSldUIn0.eyJzdWIiOiI3MGNlYzAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwYWEiLCJ0ZW5hbnRfaWQiOiI3MGNlYzAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJjbGluaWMiLCJpYXQiOjE3NzI0NTI4MDAsImV4cCI6MTc3MjQ1MzcwMCwianRpIjoidC0xIn0.7VOPJi-9rSohPf3IQhTYpoJhaKW2v3cDuj8C5jhtnuopB-fNVPcL54-WawfMuJP2fu6idXfg7oUX9zYfb4sp9A'),
    ('explicit_key', '-----BEGIN PUBLIC KEY-----
MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA
AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////
///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd
NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5
RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA
//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABKgofogx9xWOrQuCHxTcgBmr
DGogF+VRAS4EJV43z2MWw7il6KaDTsMQhUJJ9fuhDL60WU0XR/Da27vG8MK3PVw=
-----END PUBLIC KEY-----'),
    ('k256_key', '-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEUE/K5qWaS6x4ftcquzGJg5OvEw9Baf6k
D0OCNgu1j1jMFpMROOPUe9afstd9l0e07/dqUhkmJ7qHzYhaSNKjYg==
-----END PUBLIC KEY-----'),
    ('p384_key', '-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE88UuTNzZfhGhSJ/HRkMgQPc6N2ptapcm
UfjY4IiSnsWJb/DSlPTT3A59EWH8p5bDAaQ/Nm9V8fQ9VI4F1Mm8dKkSsHh28eYX
jZluRq8rUDzjmcQVCdqcImIhvZRydPLu
-----END PUBLIC KEY-----'),
    ('ps_token', 'eyJhbGciOiJQUzI1NiIsImtpZCI6InJzIiwidHlwIjoiSldUIn0.eyJzdWIiOiI3MGNlYzAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwYWEiLCJ0ZW5hbnRfaWQiOiI3MGNlYzAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJjbGluaWMiLCJpYXQiOjE3NzI0NTI4MDAsImV4cCI6MTc3MjQ1MzcwMCwianRpIjoidC0xIn0.MxKhDUKklGOFj8yCEVmH-LGEcvTAl-h3MXD67Zr031ggEN2YRFhKMIDeGj-_NEhG5wdfKdSeg2Ey2aE3GUMkZPo4UJRZ2mvNVnlwFPv-KSmXnz8j7acKyGjOR8-1h5vzu_surBsbjhKKopkVvdqdWBkUFVYTJVxN4Io78E7xi_DMT6sgWVmL2CZDXyP_o4NKb0Kg51S6-oPqo3uz1AKtRDHFAVxOvgWeqxvZN-2NwB0e0h1P8Dv-I6mvbnabKITobkTPThEQPhqy5hhnEM46kHHk9eoJUQqhmIggBK3LsvXlcVMfc5ilIC0aKlLYF_p5_ZMleNYDZGRZgoddUTOUPQ'),
    ('pss_token', 'eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInJzIn0.eyJzdWIiOiAiNzBjZWMwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGFhIiwgInRlbmFudF9pZCI6ICI3MGNlYzAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCAiaXNzIjogImh0dHBzOi8vaWQuZXhhbXBsZSIsICJhdWQiOiAiY2xpbmljIiwgImlhdCI6IDE3NzI0NTI4MDAsICJleHAiOiAxNzcyNDUzNzAwLCAianRpIjogInQtMSJ9.iBRmb2vDzZCuogu4HmcFp8PJ1uve8A95ig5ZaFA3UFe9f_nqB0fXU-0TSw4Hv6ClrRR_4OQZLOUU0LJuoECwrhSxIlZmqDZ37tDhV8VxRF_-egNS47Psb5fmwY0j60CtlYAhnBdpfLSZVoNDkacL0vMr1yhMOYXicwk8uH0YuBmbG5EqeOVj45AfL162FoIymxf_CokzvWEARaeO5Yl3qFuR4Fd2WMX9huxKXW54cOWfnUjkjwCTiE3MwNXoKqjJaWfxEGC44iD_jfnAunhz4Dt4UISk54UEuVNI49XoxCDDY09T_XgEytFVvMtF8xkAJuY-lXsaQwcKe9wRk4WWwQ'),
    ('rs_key', '-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0E75EC5WDZROJYtpHJPc
/6GnwDE8g8thSMv/0GpztI4iHZKtMb4lZ3ix94t05TntsT6aRe9rgJH1AJGRVnYR
YjjKVvlx8gGKoUxA76MIGkUEmkqGAG1y/h4jtW8RfV9bdxANsi6+zilwYhycJYw3
gjM03YJ4Gxe6L+/nBtEEUtSIlrtpb0jsTi6Pm0bLvpDG0KtpyNwO/kKiWkLpZfsz
HT1qD7j4PYcC4PIyOFBStnoRNL1NZ9dSHr9lfXfnYue1mp0gmRffs7+Oapz6nlr3
QeyLyG7Xi/kl/W3iH0s4iGshYNBwTj4uDrXlTpybfhjrDwCqPPcsF5Ts4U6mkvKl
lQIDAQAB
-----END PUBLIC KEY-----'),
    ('rs_token', 'eyJhbGciOiJSUzI1NiIsImtpZCI6InJzIiwidHlwIjoiSldUIn0.eyJzdWIiOiI3MGNlYzAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwYWEiLCJ0ZW5hbnRfaWQiOiI3MGNlYzAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJjbGluaWMiLCJpYXQiOjE3NzI0NTI4MDAsImV4cCI6MTc3MjQ1MzcwMCwianRpIjoidC0xIn0.LVpGoDH6OzSKb6Q_hEY2ctVmC283UVhkMFmm8AcwV5V9bPMOfLST8E78INvsIg3p79SevDgo1mjaLeMPtkGh0gtpXSNtQMyO0wanevTUvipW8NVBIfwJa320i_IEt9VIXt_SinmQd3gyoFjH2RKwoP8u1O9r86lJ5nAugH6eCJ6CPpmxHzEdVg55p1iniu9iyizcUfcDG9wRUBs1-pFN67FiY7GLkqgGyngwbcslEzCnvAOjuHqqBQQikYN9k4V3KAsQekX_z_v7N7yJWQ9U_rM7MfismWafosxKZRiOAV4CuJK546bbD823oZKOTA0kbYecjLFs82tgyT9HilRatw'),
    ('small_key', '-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCbwY9tHTnWmUB9dLRIVpHhTLR2
PcCpzKWg4GKhqa1bTE41PC482PH32+oiXlCXIyKuo7AyugKa3Qr89sm6kcNon6lk
naPosyQ0QiE9Sn3ZIoHLh+foAPyfCeiiaBxX5WrijAJEa5cwLTErls5HjB+Vv0ma
+v3W+xDBpzZSVXoHkQIDAQAB
-----END PUBLIC KEY-----');
INSERT INTO public.given SELECT 'private_key', k.signing_key FROM clinic_private.new_token_key('ES256') AS k;
\set ECHO all
CREATE FUNCTION public.given(name text) RETURNS text LANGUAGE sql STABLE AS 'SELECT g.value FROM public.given AS g WHERE g.name = $1';

-- ---------------------------------------------------------------------------------------------------------------------
-- Keys: by administrators, of the right kind and size.

SET SESSION AUTHORIZATION regress_clinic_admin;
SELECT clinic.add_token_key('es', 'ES256', given('es_key'), 'https://id.example', 'clinic');
SELECT clinic.add_token_key('rs', 'RS256', E'\n ' || given('rs_key') || E' \n', 'https://id.example', 'clinic');
-- The secret is 32 bytes: 00, 01, ... 1f.
SELECT clinic.add_token_key('hs', 'HS256', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', 'https://id.example', 'clinic', leeway_seconds => 10);
SELECT clinic.add_token_key('hs-south', 'HS256', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', 'https://id.example', 'clinic',
    tenant_id => '70cec000-0000-7000-8000-000000000002');
SELECT clinic.add_token_key('hs-old', 'HS256', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', 'https://id.example', 'clinic',
    expires_at => '2026-03-02T12:00:00Z');
SELECT clinic.add_token_key('hs-next', 'HS256', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', 'https://id.example', 'clinic',
    not_before => '2026-03-02T12:00:00.000001Z');
-- Secrets are not shown.
SELECT kid, tenant_id, algorithm, issuer, audience, leeway_seconds, not_before, expires_at, signs, left(public_key, 26) AS public_key, created_at
FROM clinic.token_keys() ORDER BY kid;
SELECT public_key = given('es_key') || E'\n' AS kept FROM clinic.token_keys() WHERE kid = 'es';
SELECT k ->> 'kid' AS kid, k ->> 'kty' AS kty, k ->> 'alg' AS alg, k ->> 'crv' AS crv, k ->> 'use' AS use,
    (SELECT array_agg(m ORDER BY m) FROM jsonb_object_keys(k) AS m) AS members
FROM jsonb_array_elements(clinic.jwks() -> 'keys') AS k ORDER BY 1;

-- What is no key of that kind. The words never show it.
SELECT clinic.add_token_key('x', 'none', 'x', 'i', 'a');
SELECT clinic.add_token_key('x', 'hs256', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', 'i', 'a');
SELECT clinic.add_token_key('x', 'HS256', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg', 'i', 'a');   -- 31 bytes
SELECT clinic.add_token_key('x', 'ES256', 'secret words', 'i', 'a');
\set VERBOSITY terse
SELECT clinic.add_token_key('x', 'HS256', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=', 'i', 'a');
SELECT clinic.add_token_key('x', 'HS256', 'not base64 at all, however long it may be, and it is long', 'i', 'a');
SELECT clinic.add_token_key('x', 'HS256', given('rs_key'), 'i', 'a');
SELECT clinic.add_token_key('x', 'ES256', given('rs_key'), 'i', 'a');
SELECT clinic.add_token_key('x', 'RS256', given('es_key'), 'i', 'a');
SELECT clinic.add_token_key('x', 'RS256', given('small_key'), 'i', 'a');
SELECT clinic.add_token_key('x', 'ES256', given('p384_key'), 'i', 'a');
SELECT clinic.add_token_key('x', 'ES256', given('k256_key'), 'i', 'a');
SELECT clinic.add_token_key('x', 'ES256', given('explicit_key'), 'i', 'a');
SELECT clinic.add_token_key('x', 'ES256', given('private_key'), 'i', 'a');
SELECT clinic.add_token_key('x', 'ES256', given('es_key') || E'\n' || given('es_key'), 'i', 'a');
SELECT clinic.add_token_key('x', 'ES256', replace(given('es_key'), 'MFkw', 'MFkx'), 'i', 'a');
SELECT clinic.add_token_key('x', 'ES256', 'x' || given('es_key'), 'i', 'a');
SELECT clinic.add_token_key('', 'ES256', given('es_key'), 'i', 'a');
SELECT clinic.add_token_key('a b', 'ES256', given('es_key'), 'i', 'a');
SELECT clinic.add_token_key(repeat('k', 65), 'ES256', given('es_key'), 'i', 'a');
SELECT clinic.add_token_key('x', 'ES256', given('es_key'), '', 'a');
SELECT clinic.add_token_key('x', 'ES256', given('es_key'), 'i', E'a\n');
SELECT clinic.add_token_key('x', 'ES256', given('es_key'), 'i', 'a', leeway_seconds => 61);
SELECT clinic.add_token_key('x', 'ES256', given('es_key'), 'i', 'a', leeway_seconds => -1);
SELECT clinic.add_token_key('x', 'ES256', given('es_key'), 'i', 'a', not_before => '2027-01-01', expires_at => '2027-01-01');
SELECT clinic.add_token_key('x', 'ES256', given('es_key'), 'i', 'a', tenant_id => '70cec000-0000-7000-8000-000000000009');
SELECT clinic.add_token_key('es', 'ES256', given('es_key'), 'i', 'a');
SELECT clinic.add_token_key(NULL, 'ES256', NULL, 'i', NULL);
SELECT clinic.create_signing_key('HS256');
SELECT clinic.create_signing_key(NULL);
SELECT clinic.create_signing_key(tenant_id => '70cec000-0000-7000-8000-000000000009');
SELECT clinic.remove_token_key('x');
SELECT clinic.remove_token_key(NULL);
\set VERBOSITY default
SELECT count(*) AS keys FROM clinic.token_keys();

-- Nobody else touches keys, and nobody sees the table.
\set VERBOSITY terse
SELECT * FROM clinic_data.token_keys;
SELECT * FROM clinic_private.verify_token('x');
SELECT clinic_private.sign_access_token('70cec000-0000-7000-8000-000000000001', '70cec000-0000-7000-8000-0000000000aa', '70cec000-0000-7000-8000-0000000000cc', '1 day');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_clinic_gateway;
SELECT jsonb_array_length(clinic.jwks() -> 'keys') AS public_keys;
SELECT * FROM clinic.token_keys();
SELECT clinic.create_signing_key();
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_clinic_reader;
SELECT clinic.jwks();
SELECT * FROM clinic.token_keys();
SELECT clinic.create_signing_key();
SELECT clinic.add_token_key('x', 'ES256', given('es_key'), 'i', 'a');
SELECT clinic.remove_token_key('es');
SELECT * FROM clinic_data.token_keys;
SELECT * FROM clinic_private.read_claims('{}');
RESET SESSION AUTHORIZATION;
-- A definer function of somebody else who may do all with the table still sees no row: the policy knows one role.
GRANT USAGE ON SCHEMA clinic_data TO regress_clinic_reader;
GRANT ALL ON clinic_data.token_keys TO regress_clinic_reader;
SET ROLE regress_clinic_reader;
SELECT count(*) FROM clinic_data.token_keys;
DELETE FROM clinic_data.token_keys RETURNING kid;
INSERT INTO clinic_data.token_keys (kid, algorithm, verify_key, issuer, audience) VALUES ('x', 'HS256', 'x', 'i', 'a');
RESET ROLE;
REVOKE ALL ON clinic_data.token_keys FROM regress_clinic_reader;
REVOKE USAGE ON SCHEMA clinic_data FROM regress_clinic_reader;
\set VERBOSITY default

-- ---------------------------------------------------------------------------------------------------------------------
-- Tokens. A judge says what verify_token does, and that an error says no more than its code.

CREATE FUNCTION public.judge(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    facts text;
    help text;
    found record;
BEGIN
    SELECT * INTO STRICT found FROM clinic_private.verify_token(token);
    RETURN 'verified';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL, help = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, facts, help);
END
$$;
CREATE FUNCTION public.base64url(bytes bytea) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT rtrim(translate(encode($1, 'base64'), E'+/\n', '-_'), '=') $$;
CREATE FUNCTION public.hmac_of(message text, key bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    inner_key bytea := decode(repeat('36', 64), 'hex');
    outer_key bytea := decode(repeat('5c', 64), 'hex');
BEGIN
    IF length(key) > 64 THEN
        key := sha256(key);
    END IF;
    FOR i IN 0 .. length(key) - 1 LOOP
        inner_key := set_byte(inner_key, i, 54 # get_byte(key, i));
        outer_key := set_byte(outer_key, i, 92 # get_byte(key, i));
    END LOOP;
    RETURN sha256(outer_key || sha256(inner_key || convert_to(message, 'UTF8')));
END
$$;
-- A token of an HS256 key, whatever header and payload say.
CREATE FUNCTION public.token(header text, payload text,
    key bytea DEFAULT '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f') RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT t.part || '.' || base64url(hmac_of(t.part, token.key))
    FROM (SELECT base64url(convert_to(header, 'UTF8')) || '.' || base64url(convert_to(payload, 'UTF8'))) AS t (part)
$$;
CREATE FUNCTION public.hs(kid text DEFAULT 'hs') RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT format('{"alg":"HS256","kid":"%s"}', kid) $$;
-- Good claims, some of them changed or, by null, left out.
CREATE FUNCTION public.claims(changes jsonb DEFAULT '{}') RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_strip_nulls('{"sub": "70cec000-0000-7000-8000-0000000000aa", "tenant_id": "70cec000-0000-7000-8000-000000000001",
        "iss": "https://id.example", "aud": "clinic", "iat": 1772452800, "exp": 1772453700}'::jsonb || changes)::text
$$;

SELECT * FROM clinic_private.verify_token(given('es_token'));
SELECT * FROM clinic_private.verify_token(given('rs_token'));
SELECT * FROM clinic_private.verify_token(token(hs(), claims('{"branch_id": "70cec000-0000-7000-8000-0000000000bb",
    "sid": "70cec000-0000-7000-8000-0000000000cc", "jti": "t-2", "role": "clinic_user", "iat": 1772452799.5}')));
-- Twice gives the same, whether or not its signature was seen before.
SELECT judge(t.value), judge(t.value) FROM given AS t WHERE t.name = 'es_token';

-- Claims.
SELECT c.what, judge(token(hs(), claims(c.changes::jsonb)))
FROM (VALUES
    (1, 'as it should be', '{}'),
    (2, 'without iat', '{"iat": null}'),
    (3, 'list of audiences', '{"aud": ["other", "clinic"]}'),
    (4, 'ends now', '{"exp": 1772452800}'),
    (5, 'ended within the leeway', '{"exp": 1772452790.000001}'),
    (6, 'ended', '{"exp": 1772452790}'),
    (7, 'ended long ago', '{"exp": 1}'),
    (8, 'not yet, within the leeway', '{"nbf": 1772452810}'),
    (9, 'not yet', '{"nbf": 1772452810.000001}'),
    (10, 'issued in the future, within the leeway', '{"iat": 1772452810}'),
    (11, 'issued in the future', '{"iat": 1772452811}'),
    (12, 'not yet and ended', '{"nbf": 1772452900, "exp": 1}'),
    (13, 'without end', '{"exp": null}'),
    (14, 'end as text', '{"exp": "1772453700"}'),
    (15, 'end in milliseconds', '{"exp": 1772453700000}'),
    (16, 'wrong issuer', '{"iss": "https://id.example/"}'),
    (17, 'without issuer', '{"iss": null}'),
    (18, 'list of issuers', '{"iss": ["https://id.example"]}'),
    (19, 'wrong audience', '{"aud": "Clinic"}'),
    (20, 'without audience', '{"aud": null}'),
    (21, 'wrong audiences', '{"aud": ["clinic2", "clini"]}'),
    (22, 'no audiences', '{"aud": []}'),
    (23, 'audiences of other types', '{"aud": ["clinic", 1]}'),
    (24, 'without user', '{"sub": null}'),
    (25, 'user that is no uuid', '{"sub": "ada"}'),
    (26, 'without tenant', '{"tenant_id": null}'),
    (27, 'tenant that is no uuid', '{"tenant_id": "1 or 1=1"}'),
    (28, 'nil tenant', '{"tenant_id": "00000000-0000-0000-0000-000000000000"}'),
    (29, 'branch that is no uuid', '{"branch_id": 7}'),
    (30, 'session that is no uuid', '{"sid": "x"}'),
    (31, 'id that is no text', '{"jti": 7}'),
    (32, 'wrong issuer and ended', '{"iss": "x", "exp": 1}'),
    (33, 'wrong audience and ended', '{"aud": "x", "exp": 1}')) AS c (n, what, changes) ORDER BY c.n;
SELECT c.what, judge(token(hs(), c.payload))
FROM (VALUES
    (1, 'repeated end', left(claims(), -1) || ', "exp": 1772453700}'),
    (2, 'repeated user', left(claims(), -1) || ', "s\u0075b": "70cec000-0000-7000-8000-0000000000ab"}'),
    (3, 'null branch', left(claims(), -1) || ', "branch_id": null}'),
    (4, 'list', '[' || claims() || ']'),
    (5, 'no JSON', 'x'),
    (6, 'nothing', ''),
    (7, 'two values', claims() || claims()),
    (8, 'below 8 KiB', left(claims(), -1) || ', "x": "' || repeat('x', 5500) || '"}'),
    (9, 'above 8 KiB', left(claims(), -1) || ', "x": "' || repeat('x', 6000) || '"}')) AS c (n, what, payload) ORDER BY c.n;

-- Keys: unknown, of another tenant, ended, not yet begun; one algorithm each.
SELECT c.what, judge(token(c.header, claims(c.changes), c.key))
FROM (VALUES
    (1, 'unknown key', hs('other'), '{}'::jsonb, decode('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex')),
    (2, 'wrong secret', hs(), '{}', decode('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e20', 'hex')),
    (3, 'wrong secret and ended', hs(), '{"exp": 1}', decode('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e20', 'hex')),
    (4, 'empty secret', hs(), '{}', ''),
    (5, 'the secret as it is written', hs(), '{}', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8')) AS c (n, what, header, changes, key) ORDER BY c.n;
SELECT judge(token(hs('hs-south'), claims())) AS tenant_of_another,
    judge(token(hs('hs-south'), claims('{"exp": 1}'))) AS ended_too,
    judge(token(hs('hs-south'), claims('{"tenant_id": "70cec000-0000-7000-8000-000000000002"}'))) AS its_tenant;
SELECT judge(token(hs('hs-old'), claims())) AS ended_key, judge(token(hs('hs-next'), claims())) AS key_to_come;
SET clinic.clock = '2026-03-02T11:59:59.999999Z';
SELECT judge(token(hs('hs-old'), claims())) AS ends_next;
SET clinic.clock = '2026-03-02T12:00:00.000001Z';
SELECT judge(token(hs('hs-next'), claims())) AS begins_now;
SET clinic.clock = '2026-03-02T12:00:00Z';
-- The public key as the secret: the header does not choose how the key is used.
SELECT judge(token(format('{"alg":"HS256","kid":"%s"}', k.kid), claims(), convert_to(k.public_key || e.ending, 'UTF8')))
FROM clinic.token_keys() AS k CROSS JOIN (VALUES (''), (E'\n')) AS e (ending) WHERE k.public_key IS NOT NULL ORDER BY k.kid;
SELECT judge(token('{"alg":"ES256","kid":"hs"}', claims())), judge(token('{"alg":"RS256","kid":"es"}', claims()));

-- Headers. Each is signed as it stands.
SELECT h.header, judge(token(h.header, claims()))
FROM unnest(ARRAY[
    '{"alg":"HS256","kid":"hs"}', '{"alg":"HS256","kid":"hs","typ":"JWT"}', '{"alg":"HS256","kid":"hs","typ":"at+jwt"}', '{"alg":"HS256","kid":"hs","x":1}',
    '{"alg":"HS256","kid":"hs","typ":"JWE"}', '{"alg":"HS256"}', '{"kid":"hs"}', '{"alg":"none","kid":"hs"}', '{"alg":"nOnE","kid":"hs"}', '{"alg":"","kid":"hs"}',
    '{"alg":"HS384","kid":"hs"}', '{"alg":"HS512","kid":"hs"}', '{"alg":"hs256","kid":"hs"}', '{"alg":["HS256"],"kid":"hs"}', '{"alg":"HS256","kid":["hs"]}',
    '{"alg":"HS256","kid":"hs","kid":"hs"}', '{"alg":"none","alg":"HS256","kid":"hs"}', '{"alg":"HS256","kid":"hs","crit":["exp"]}',
    '{"alg":"HS256","kid":"hs","crit":[]}', '{"alg":"HS256","kid":"hs","jku":"https://evil.example/jwks"}', '{"alg":"HS256","kid":"hs","x5u":"https://evil.example"}',
    '{"alg":"HS256","kid":"hs","jwk":{"kty":"oct","k":"AA"}}', '{"alg":"HS256","kid":"hs","x5c":["AA"]}', '{"alg":"HS256","kid":"hs","x5t":"AA"}',
    '{"alg":"HS256","kid":"hs","x5t#S256":"AA"}', '{"alg":"HS256","kid":"hs","b64":false,"crit":["b64"]}', '{"alg":"HS256","kid":"hs","zip":"DEF"}',
    '{"alg":"HS256","kid":"../hs"}', '{"alg":"HS256","kid":"hs''--"}', '{"alg":"HS256","kid":"hs\u0000"}', '["HS256","hs"]', '{}', 'null', '']) AS h (header);

-- Parts: every one must be there, and be what was signed.
SELECT c.what, judge(c.token)
FROM (SELECT given('es_token') AS es, given('rs_token') AS rs, token(hs(), claims()) AS hs) AS g
CROSS JOIN LATERAL (SELECT split_part(es, '.', 1) AS h, split_part(es, '.', 2) AS p, split_part(es, '.', 3) AS s) AS e
CROSS JOIN LATERAL (VALUES
    (1, 'as it is', es),
    (2, 'without signature', h || '.' || p || '.'),
    (3, 'two parts', h || '.' || p),
    (4, 'four parts', es || '.' || s),
    (5, 'empty', ''),
    (6, 'dots', '..'),
    (7, 'blank before', ' ' || es),
    (8, 'line end after', es || E'\n'),
    (9, 'padding', es || '=='),
    (10, 'Bearer', 'Bearer ' || es),
    (11, 'zero signature', h || '.' || p || '.' || base64url(decode(repeat('00', 64), 'hex'))),
    (12, 'zero r', h || '.' || p || '.' || base64url(decode(repeat('00', 32) || repeat('01', 32), 'hex'))),
    (13, 'zero s', h || '.' || p || '.' || base64url(decode(repeat('01', 32) || repeat('00', 32), 'hex'))),
    (14, 'order of the curve as r', h || '.' || p || '.' || base64url(decode('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551' || repeat('01', 32), 'hex'))),
    (15, 'order of the curve as both', h || '.' || p || '.' || base64url(decode(repeat('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 2), 'hex'))),
    (16, 'all ones', h || '.' || p || '.' || base64url(decode(repeat('ff', 64), 'hex'))),
    (17, 'signature cut', h || '.' || p || '.' || left(s, -4)),
    (18, 'signature with a byte more', h || '.' || p || '.' || base64url(decode(translate(s, '-_', '+/') || '==', 'base64') || '\x00')),
    (19, 'signature in DER', given('der_token')),
    (20, 'signature of another token', h || '.' || p || '.' || split_part(rs, '.', 3)),
    (21, 'payload of another token', h || '.' || base64url(convert_to(claims('{"sub": "70cec000-0000-7000-8000-0000000000ab"}'), 'UTF8')) || '.' || s),
    (22, 'header of another key', base64url('{"alg":"ES256","kid":"rs"}') || '.' || p || '.' || s),
    (23, 'header without type', base64url('{"alg":"ES256","kid":"es"}') || '.' || p || '.' || s),
    (24, 'RSA as it is', rs),
    (25, 'RSA-PSS', given('ps_token')),
    (26, 'RSA-PSS called RS256', given('pss_token')),
    (27, 'RSA signature of zeros', split_part(rs, '.', 1) || '.' || split_part(rs, '.', 2) || '.' || base64url(decode(repeat('00', 256), 'hex'))),
    (28, 'RSA signature with a zero before', split_part(rs, '.', 1) || '.' || split_part(rs, '.', 2) || '.' || base64url('\x00' || decode(translate(split_part(rs, '.', 3), '-_', '+/') || '==', 'base64'))),
    (29, 'HMAC as it is', hs),
    (30, 'HMAC cut', left(hs, -4)),
    (31, 'HMAC without signature', split_part(hs, '.', 1) || '.' || split_part(hs, '.', 2) || '.'),
    (32, 'stray bits in the last letter', left(hs, -1) || chr(ascii(right(hs, 1)) + 1))) AS c (n, what, token) ORDER BY c.n;
SELECT count(*) AS nothing_of_null FROM clinic_private.verify_token(NULL);

-- Claims of a gateway: signature, issuer, audience and end were its business.
SELECT * FROM clinic_private.read_claims('{"sub": "70cec000-0000-7000-8000-0000000000aa", "tenant_id": "70cec000-0000-7000-8000-000000000001", "role": "clinic_user"}');
SELECT user_id, session_id, token_id, issued_at, expires_at, kid FROM clinic_private.read_claims(claims('{"sid": "70cec000-0000-7000-8000-0000000000cc", "jti": "j"}'));
\set VERBOSITY terse
SELECT * FROM clinic_private.read_claims(claims('{"exp": 1772452770}'));
SELECT * FROM clinic_private.read_claims(claims('{"iat": 1772452831}'));
SELECT * FROM clinic_private.read_claims(claims('{"nbf": 1772452831}'));
SELECT * FROM clinic_private.read_claims(claims('{"sub": null}'));
SELECT * FROM clinic_private.read_claims(left(claims(), -1) || ', "exp": 1772453700}');
SELECT * FROM clinic_private.read_claims('{"role": "clinic_anon"}');
SELECT * FROM clinic_private.read_claims('');
SELECT * FROM clinic_private.read_claims(repeat('[', 8000));

-- ---------------------------------------------------------------------------------------------------------------------
-- Tokens of the engine's own.

CREATE FUNCTION public.signed(lifetime interval DEFAULT '15 minutes', tenant uuid DEFAULT '70cec000-0000-7000-8000-000000000001', branch uuid DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT clinic_private.sign_access_token(tenant, '70cec000-0000-7000-8000-0000000000aa', '70cec000-0000-7000-8000-0000000000cc', lifetime, branch)
$$;
CREATE FUNCTION public.part(token text, n int) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT convert_from(decode(rpad(translate(split_part(token, '.', n), '-_', '+/'), (length(split_part(token, '.', n)) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb
$$;
SELECT signed();
\set VERBOSITY default
SET SESSION AUTHORIZATION regress_clinic_admin;
SELECT length(clinic.create_signing_key()) AS length_of_kid;
RESET SESSION AUTHORIZATION;
SELECT kid AS first_kid FROM clinic.token_keys() WHERE signs \gset
-- Its name is its thumbprint (RFC 7638).
SELECT :'first_kid' = base64url(sha256(convert_to(format('{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}', k ->> 'x', k ->> 'y'), 'UTF8'))) AS thumbprint
FROM jsonb_array_elements(clinic.jwks() -> 'keys') AS k WHERE k ->> 'kid' = :'first_kid';
SELECT signed() AS token \gset
SELECT part(:'token', 1) - 'kid' AS header, part(:'token', 1) ->> 'kid' = :'first_kid' AS kid, part(:'token', 2) - 'jti' AS payload,
    part(:'token', 2) ->> 'jti' ~ '^[0-9a-f-]{36}$' AS jti, length(split_part(:'token', '.', 3)) AS signature;
SELECT tenant_id, user_id, branch_id, session_id, token_id = part(:'token', 2) ->> 'jti' AS token_id, issued_at, expires_at, kid = :'first_kid' AS kid
FROM clinic_private.verify_token(:'token');
SELECT branch_id, expires_at FROM clinic_private.verify_token(signed('90 seconds', branch => '70cec000-0000-7000-8000-0000000000bb'));
SELECT count(DISTINCT part(signed(), 2) ->> 'jti') AS ids FROM generate_series(1, 50);
-- A part of a second is cut off at the end, never added; the beginning is exact.
SET clinic.clock = '2026-03-02T12:00:00.000789Z';
SELECT issued_at, expires_at FROM clinic_private.verify_token(signed('1 second'));
-- It ends.
SET clinic.clock = '2026-03-02T12:15:29.999999Z';
SELECT judge(:'token');
SET clinic.clock = '2026-03-02T12:15:30Z';
SELECT judge(:'token');
SET clinic.clock = '2026-03-02T12:00:00Z';
\set VERBOSITY terse
SELECT signed('0');
SELECT signed('-1 second');
SELECT signed('24:00:01');
SELECT signed('1 month');
SELECT signed(NULL);
SELECT signed(tenant => NULL);
\set VERBOSITY default

-- The newest signs, of those that may for the tenant; the older stays good until it is removed.
SET clinic.clock = '2026-03-02T12:00:01Z';
SELECT clinic.create_signing_key('RS256', 'me', 'you', '70cec000-0000-7000-8000-000000000002') AS south_kid \gset
SELECT part(signed(), 1) ->> 'kid' = :'first_kid' AS north_by_the_first,
    part(signed(tenant => '70cec000-0000-7000-8000-000000000002'), 1) ->> 'kid' = :'south_kid' AS south_by_its_own,
    judge(signed(tenant => '70cec000-0000-7000-8000-000000000002')) AS south;
SET clinic.clock = '2026-03-02T12:00:02Z';
SELECT clinic.create_signing_key(issuer => 'pg "clinic" \', audience => 'ä') AS second_kid \gset
SELECT part(signed(), 1) ->> 'kid' = :'second_kid' AS by_the_second, judge(signed()), part(signed(), 2) ->> 'iss' AS iss, part(signed(), 2) ->> 'aud' AS aud,
    judge(:'token') AS the_old_token;
SELECT clinic.remove_token_key(:'first_kid');
SELECT judge(:'token') AS the_old_token, judge(signed()) AS a_new_one;

-- Removed or ended within the transaction: the same.
BEGIN;
SELECT signed() AS token \gset
SELECT judge(:'token');
UPDATE clinic_data.token_keys SET expires_at = clinic.now() WHERE kid = :'second_kid';
SELECT judge(:'token');
\set VERBOSITY terse
SELECT signed();
\set VERBOSITY default
ROLLBACK;
-- A key of the same name is another key, although its tokens were good before.
BEGIN;
SELECT judge(given('es_token'));
UPDATE clinic_data.token_keys SET verify_key = (SELECT k.verify_key FROM clinic_data.token_keys AS k WHERE k.kid = :'second_kid') WHERE kid = 'es';
SELECT judge(given('es_token'));
UPDATE clinic_data.token_keys SET verify_key = 'no key' WHERE kid IN ('es', 'rs', 'hs');
SELECT judge(given('es_token')), judge(given('rs_token')), judge(token(hs(), claims()));
ROLLBACK;
SELECT judge(given('es_token'));
-- Without its index the table tells nothing; nor does one that is not clinic_owner's.
BEGIN;
ALTER TABLE clinic_data.token_keys DROP CONSTRAINT token_keys_pkey;
SELECT judge(given('es_token'));
CREATE UNIQUE INDEX token_keys_pkey ON clinic_data.token_keys (kid) WHERE kid <> 'rs';
SELECT judge(given('es_token'));
ROLLBACK;
BEGIN;
ALTER TABLE clinic_data.token_keys OWNER TO regress_clinic_reader;
SELECT judge(given('es_token'));
ROLLBACK;
-- In a read-only transaction, in a parallel worker, in a savepoint that fails.
BEGIN READ ONLY;
SELECT judge(given('es_token')), judge(signed());
ROLLBACK;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT count(v.user_id) FROM public.given AS g, LATERAL clinic_private.verify_token(g.value) AS v WHERE g.name IN ('es_token', 'rs_token');
SAVEPOINT s;
SELECT * FROM clinic_private.verify_token('x');
ROLLBACK TO s;
SELECT judge(given('es_token'));
COMMIT;

\c :home
SET client_min_messages = warning;
DROP DATABASE regress_clinic_tokens;
DROP ROLE regress_clinic_admin, regress_clinic_gateway, regress_clinic_reader;

-- Without install(), a schema that somebody else has made holds no keys.
CREATE DATABASE regress_clinic_tokens;
\c regress_clinic_tokens
SET client_min_messages = warning;
CREATE EXTENSION pg_clinic CASCADE;
\set VERBOSITY terse
SELECT * FROM clinic_private.verify_token('e30.e30.AA');
SELECT * FROM clinic_private.verify_token('eyJhbGciOiJIUzI1NiIsImtpZCI6ImhzIn0.e30.AA');
CREATE ROLE regress_clinic_thief LOGIN;
CREATE SCHEMA clinic_data AUTHORIZATION regress_clinic_thief;
SET ROLE regress_clinic_thief;
CREATE TABLE clinic_data.token_keys (kid text CONSTRAINT token_keys_pkey PRIMARY KEY, tenant_id uuid, algorithm text, verify_key text, signing_key text,
    issuer text, audience text, leeway_seconds integer, not_before timestamptz, expires_at timestamptz, created_at timestamptz);
INSERT INTO clinic_data.token_keys VALUES ('hs', NULL, 'HS256', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', NULL, 'https://id.example', 'clinic', 0);
RESET ROLE;
SET clinic.clock = '2026-03-02T12:00:00Z';
\set stolen 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImhzIn0.eyJzdWIiOiI3MGNlYzAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwYWEiLCJ0ZW5hbnRfaWQiOiI3MGNlYzAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJjbGluaWMiLCJleHAiOjE3NzI0NTM3MDB9.QV30kOPQ8VJaize7qHHFEU69kAMwqVH-O7OU1m2NMwc'
SELECT * FROM clinic_private.verify_token(:'stolen');
ALTER TABLE clinic_data.token_keys OWNER TO clinic_owner;
SELECT user_id FROM clinic_private.verify_token(:'stolen');
\c :home
SET client_min_messages = warning;
DROP DATABASE regress_clinic_tokens;
DROP ROLE regress_clinic_thief;
