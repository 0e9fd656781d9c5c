-- A transaction of its own, for what must be written even when the caller's is rolled back.

CREATE FUNCTION clinic_private.run_apart(task text, argument jsonb)
RETURNS boolean
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_run_apart';

COMMENT ON FUNCTION clinic_private.run_apart(text, jsonb) IS
'Runs a task in a transaction of its own, by a background worker, and tells whether it has committed.
task: sign_in_failed, session_stolen or code_tried: what clinic_private.apart_sign_in_failed, apart_session_stolen and apart_code_tried do. argument: an
object, handed to that function; 64 kB at most. The caller must hold no lock on the rows that the task writes: it would wait two
seconds for false. False also when no worker process is free for two seconds, in recovery, in a single-user server, or when the
task went wrong (the server''s log says why): then refuse what should have been recorded. Errors: 22004, 22023, 25000 in a parallel
operation; a cancel ends the waiting, not the task.';

REVOKE ALL ON FUNCTION clinic_private.run_apart(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.run_apart(text, jsonb) TO clinic_owner;
