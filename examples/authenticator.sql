-- The login of PostgREST. Run it as a superuser in the database of pg_clinic, and give the role a password, or a rule of its
-- own in pg_hba.conf: whoever logs in as it is believed about who is calling.
--
-- NOINHERIT: the login by itself may do nothing; each request takes the role of its token, clinic_user, or clinic_anon without
-- one. It is a member of neither clinic_admin nor clinic_owner, so no token can take those.

CREATE ROLE clinic_authenticator LOGIN NOINHERIT NOCREATEDB NOCREATEROLE NOBYPASSRLS CONNECTION LIMIT 50;
GRANT clinic_gateway, clinic_anon, clinic_user TO clinic_authenticator;
COMMENT ON ROLE clinic_authenticator IS 'The login of PostgREST in front of pg_clinic.';

-- No request runs for ever, nor waits for a lock for ever.
ALTER ROLE clinic_authenticator SET statement_timeout = '30s';
ALTER ROLE clinic_authenticator SET lock_timeout = '10s';
ALTER ROLE clinic_authenticator SET idle_in_transaction_session_timeout = '30s';
-- Optional: the library is there before the first request of a connection, not in its midst.
ALTER ROLE clinic_authenticator SET session_preload_libraries = 'pg_clinic';
