-- Rate limits: how often a caller may call, counted in shared memory.

CREATE FUNCTION clinic_private.count_call(call_class text, key text, limit_override integer DEFAULT NULL)
RETURNS TABLE (
    counted boolean,
    allowed boolean,
    call_limit integer,
    remaining integer,
    reset_seconds integer,
    retry_after_seconds integer
)
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'clinic_count_call';

COMMENT ON FUNCTION clinic_private.count_call(text, text, integer) IS
'Counts a call and judges it, as one row. What is counted stays counted when the transaction is rolled back.
call_class: public, signed_in, admin, login or api_key; each has a limit of its own in clinic.rate_limit_..., and all but
login one for bursts. key: any text that identifies the caller; its hash is kept, in memory. limit_override: calls, 1 to 1000000, in
place of those of the setting; a class that is off stays off.
counted: false when nothing is in force (the library is not in shared_preload_libraries, or the limits are off); then allowed is
true and the rest NULL. call_limit: calls in a window of the limit that decides. remaining: calls that would be allowed now.
reset_seconds: until the window ends. retry_after_seconds: until a call would be allowed, 0 for an allowed one. Refused calls
count too. Errors: 22004, 22023.';

REVOKE ALL ON FUNCTION clinic_private.count_call(text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.count_call(text, text, integer) TO clinic_owner;

CREATE FUNCTION clinic.rate_limits()
RETURNS TABLE (call_class text, setting text, calls integer, per_seconds integer, active boolean)
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE ROWS 6
AS 'MODULE_PATHNAME', 'clinic_rate_limits';

COMMENT ON FUNCTION clinic.rate_limits() IS
'Lists the rate limits: one row a class of calls, and one for bursts of any class but login. For administrators.
setting: the value of clinic.rate_limit_ and the class, such as 30/min; empty is off. calls, per_seconds: what it means; NULL when
off. active: whether it is in force: not off, and pg_clinic in shared_preload_libraries.';

REVOKE ALL ON FUNCTION clinic.rate_limits() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.rate_limits() TO clinic_admin;
