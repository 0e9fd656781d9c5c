-- Errors: the stable codes, and how code in SQL raises them.

CREATE FUNCTION clinic.error_codes()
RETURNS TABLE (code text, sqlstate text, message text, hint text)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 37
AS 'MODULE_PATHNAME', 'clinic_error_codes';

COMMENT ON FUNCTION clinic.error_codes() IS
'Lists the error codes of the engine.
Every error of the domain carries its code as "reason" in a DETAIL that is a JSON object, and the SQLSTATE given here.
message and hint are the defaults; a particular error may say more. Codes and SQLSTATEs never change.';

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
