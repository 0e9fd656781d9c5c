CREATE EXTENSION pg_clinic CASCADE;

CALL clinic.install();

SELECT clinic.version();

DO $$ BEGIN IF clinic_private.run_apart('sign_in_failed', '{}') OR (SELECT counted OR NOT allowed FROM clinic_private.count_call('login', 'x')) THEN RAISE EXCEPTION 'a single-user server has neither workers nor limits'; END IF; END $$;

SELECT * FROM clinic.rate_limits();
