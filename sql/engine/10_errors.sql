-- Errors: the stable codes, and how code in SQL raises them.

CREATE FUNCTION clinic.error_codes()
RETURNS TABLE (code text, sqlstate text, http_status integer, message text, hint text)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 35
AS 'MODULE_PATHNAME', 'clinic_error_codes';

COMMENT ON FUNCTION clinic.error_codes() IS
'Lists the error codes of the engine.
Every error of the domain carries its code as "reason" in a DETAIL that is a JSON object, and the SQLSTATE given here; an error
of one argument (invalid_argument, missing_argument, invalid_text, datetime_overflow, limit_exceeded) carries the argument''s name as COLUMN_NAME.
Over HTTP the code is "code" in the body, and http_status the status (401 for a forbidden request without identity).
message and hint are the defaults; a particular error may say more. Codes, SQLSTATEs and statuses never change.';

CREATE FUNCTION clinic_private.raise_error(code text, message text DEFAULT NULL, detail jsonb DEFAULT NULL,
    hint text DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_raise_error';

COMMENT ON FUNCTION clinic_private.raise_error(text, text, jsonb, text) IS
'Raises an error of the catalogue.
code: one of clinic.error_codes(). message, hint: NULL for the catalogue''s. detail: a JSON object of facts (ids and
the caller''s own input only); "reason" is added. Raises 22004 without code, 22023 for an unknown one or a detail that
is no object.';

REVOKE ALL ON FUNCTION clinic_private.raise_error(text, text, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.raise_error(text, text, jsonb, text) TO clinic_owner, clinic_system;

CREATE FUNCTION clinic_private.refuse_argument(argument text, message text, detail text DEFAULT NULL, hint text DEFAULT NULL,
    code text DEFAULT 'invalid_argument')
RETURNS void
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_refuse_argument';

COMMENT ON FUNCTION clinic_private.refuse_argument(text, text, text, text, text) IS
'Raises an error of one argument.
argument: its name, which travels as COLUMN_NAME; several between commas. detail: a sentence of facts, by default the name
alone. code: invalid_argument, missing_argument, invalid_text, datetime_overflow or limit_exceeded. Raises the code''s SQLSTATE.';

REVOKE ALL ON FUNCTION clinic_private.refuse_argument(text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_argument(text, text, text, text, text) TO clinic_owner;

CREATE FUNCTION clinic_private.require_arguments(arguments jsonb)
RETURNS void
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_require_arguments';

COMMENT ON FUNCTION clinic_private.require_arguments(jsonb) IS
'Refuses nulls among the named arguments.
arguments: an object of argument names and values. Raises 22004, which names them.';

REVOKE ALL ON FUNCTION clinic_private.require_arguments(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_arguments(jsonb) TO clinic_owner;
