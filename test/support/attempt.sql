-- For tests of refusals.
-- Runs a command and returns its error, with the argument it names.
CREATE FUNCTION pg_temp.attempt(command text, OUT state text, OUT argument text, OUT message text, OUT detail text)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    message := 'DONE';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, argument = COLUMN_NAME, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
END
$$;
