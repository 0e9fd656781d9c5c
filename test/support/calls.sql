-- Calls by other logins and at other times, for the pgTAP files that include this.

CREATE FUNCTION pg_temp.at(t timestamptz) RETURNS void LANGUAGE sql AS $$ SELECT set_config('clinic.clock', to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"Z"'), true) $$;
-- What a login's command ends in: its first value, or the reason why not.
CREATE FUNCTION pg_temp.answer(login text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    detail text;
    message text;
    state text;
BEGIN
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
    BEGIN
        EXECUTE command INTO result;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, message = MESSAGE_TEXT, state = RETURNED_SQLSTATE;
        result := coalesce(substring(detail FROM '"reason": "([a-z_]+)"'), state || ' ' || message);
    END;
    RESET SESSION AUTHORIZATION;
    RETURN result;
END
$$;
