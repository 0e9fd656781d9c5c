-- Time, zones and ids.

CREATE FUNCTION clinic.now()
RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_now';

COMMENT ON FUNCTION clinic.now() IS
'The engine''s clock: the start of the running statement.
Everything the engine calls past, held or expired is so by this clock. The setting clinic.clock (an ISO 8601 time with
an offset; superusers) freezes it, for tests and demonstrations.';

CREATE FUNCTION clinic.is_time_zone(name text)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_is_time_zone';

COMMENT ON FUNCTION clinic.is_time_zone(text) IS
'Tells whether a text names a time zone.
Names of the server''s IANA database count, in any case, aliases such as US/Eastern too. Abbreviations that are no such
name (EDT), offsets and POSIX strings (UTC+5), and names that mean no zone in particular (localtime, Factory) do not.';

CREATE FUNCTION clinic.canonical_time_zone(name text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_canonical_time_zone';

COMMENT ON FUNCTION clinic.canonical_time_zone(text) IS
'Gives a time zone''s name in the spelling of the IANA database.
An alias stays the alias: asia/calcutta becomes Asia/Calcutta. Raises invalid_time_zone for anything that
clinic.is_time_zone does not accept.';

CREATE FUNCTION clinic.new_id()
RETURNS uuid
LANGUAGE c VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_new_id';

COMMENT ON FUNCTION clinic.new_id() IS
'Makes a new id: a time-ordered uuid (version 7, RFC 9562 §5.7).
Ids made by one session ascend. The time in them is the engine''s clock.';

CREATE FUNCTION clinic.uuid_floor(at timestamptz)
RETURNS uuid
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_uuid_floor';

COMMENT ON FUNCTION clinic.uuid_floor(timestamptz) IS
'The smallest id that clinic.new_id() can make in the millisecond of an instant.
For searches by time in tables whose key is such an id: id >= clinic.uuid_floor(since). Instants before 1970 count as
1970.';
