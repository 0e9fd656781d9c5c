-- The type rrule: a recurrence rule of RFC 5545 §3.3.10. Its support functions live in clinic_private, so that the
-- schema clinic shows what people call.

CREATE TYPE clinic.rrule;

CREATE FUNCTION clinic_private.rrule_in(cstring)
RETURNS clinic.rrule
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_in';

COMMENT ON FUNCTION clinic_private.rrule_in(cstring) IS 'Reads a rule from text.';

CREATE FUNCTION clinic_private.rrule_out(clinic.rrule)
RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_out';

COMMENT ON FUNCTION clinic_private.rrule_out(clinic.rrule) IS 'Writes a rule as canonical text.';

CREATE FUNCTION clinic_private.rrule_recv(internal)
RETURNS clinic.rrule
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_recv';

COMMENT ON FUNCTION clinic_private.rrule_recv(internal) IS 'Reads a rule from its binary form, which is its text.';

CREATE FUNCTION clinic_private.rrule_send(clinic.rrule)
RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_send';

COMMENT ON FUNCTION clinic_private.rrule_send(clinic.rrule) IS 'Writes a rule in its binary form, which is its canonical text.';

CREATE TYPE clinic.rrule (
    INPUT = clinic_private.rrule_in,
    OUTPUT = clinic_private.rrule_out,
    RECEIVE = clinic_private.rrule_recv,
    SEND = clinic_private.rrule_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);

COMMENT ON TYPE clinic.rrule IS
'A recurrence rule: the value of an RRULE (RFC 5545 §3.3.10; RSCALE=GREGORIAN and SKIP of RFC 7529).
Reads any legal text, in any case and order of parts; writes the canonical text, so that equal rules are equal. For
computing: store rules as text, since DROP EXTENSION CASCADE drops columns of this type.';

-- Comparison: by the bytes of the canonical text.

CREATE FUNCTION clinic_private.rrule_eq(clinic.rrule, clinic.rrule)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_eq';

COMMENT ON FUNCTION clinic_private.rrule_eq(clinic.rrule, clinic.rrule) IS 'Implements the operator =.';

CREATE FUNCTION clinic_private.rrule_ne(clinic.rrule, clinic.rrule)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_ne';

COMMENT ON FUNCTION clinic_private.rrule_ne(clinic.rrule, clinic.rrule) IS 'Implements the operator <>.';

CREATE FUNCTION clinic_private.rrule_lt(clinic.rrule, clinic.rrule)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_lt';

COMMENT ON FUNCTION clinic_private.rrule_lt(clinic.rrule, clinic.rrule) IS 'Implements the operator <.';

CREATE FUNCTION clinic_private.rrule_le(clinic.rrule, clinic.rrule)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_le';

COMMENT ON FUNCTION clinic_private.rrule_le(clinic.rrule, clinic.rrule) IS 'Implements the operator <=.';

CREATE FUNCTION clinic_private.rrule_gt(clinic.rrule, clinic.rrule)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_gt';

COMMENT ON FUNCTION clinic_private.rrule_gt(clinic.rrule, clinic.rrule) IS 'Implements the operator >.';

CREATE FUNCTION clinic_private.rrule_ge(clinic.rrule, clinic.rrule)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_ge';

COMMENT ON FUNCTION clinic_private.rrule_ge(clinic.rrule, clinic.rrule) IS 'Implements the operator >=.';

CREATE FUNCTION clinic_private.rrule_cmp(clinic.rrule, clinic.rrule)
RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_cmp';

COMMENT ON FUNCTION clinic_private.rrule_cmp(clinic.rrule, clinic.rrule) IS 'Compares two rules for btree indexes: -1, 0 or 1.';

CREATE FUNCTION clinic_private.rrule_hash(clinic.rrule)
RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_hash';

COMMENT ON FUNCTION clinic_private.rrule_hash(clinic.rrule) IS 'Hashes a rule.';

CREATE FUNCTION clinic_private.rrule_hash_extended(clinic.rrule, bigint)
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_hash_extended';

COMMENT ON FUNCTION clinic_private.rrule_hash_extended(clinic.rrule, bigint) IS 'Hashes a rule with a seed.';

CREATE OPERATOR clinic.= (
    FUNCTION = clinic_private.rrule_eq,
    LEFTARG = clinic.rrule,
    RIGHTARG = clinic.rrule,
    COMMUTATOR = OPERATOR(clinic.=),
    NEGATOR = OPERATOR(clinic.<>),
    RESTRICT = eqsel,
    JOIN = eqjoinsel,
    HASHES,
    MERGES
);

COMMENT ON OPERATOR clinic.= (clinic.rrule, clinic.rrule) IS 'A rule equals another one, by canonical text.';

CREATE OPERATOR clinic.<> (
    FUNCTION = clinic_private.rrule_ne,
    LEFTARG = clinic.rrule,
    RIGHTARG = clinic.rrule,
    COMMUTATOR = OPERATOR(clinic.<>),
    NEGATOR = OPERATOR(clinic.=),
    RESTRICT = neqsel,
    JOIN = neqjoinsel
);

COMMENT ON OPERATOR clinic.<> (clinic.rrule, clinic.rrule) IS 'A rule differs another one, by canonical text.';

CREATE OPERATOR clinic.< (
    FUNCTION = clinic_private.rrule_lt,
    LEFTARG = clinic.rrule,
    RIGHTARG = clinic.rrule,
    COMMUTATOR = OPERATOR(clinic.>),
    NEGATOR = OPERATOR(clinic.>=),
    RESTRICT = scalarltsel,
    JOIN = scalarltjoinsel
);

COMMENT ON OPERATOR clinic.< (clinic.rrule, clinic.rrule) IS 'A rule sorts before another one, by canonical text.';

CREATE OPERATOR clinic.<= (
    FUNCTION = clinic_private.rrule_le,
    LEFTARG = clinic.rrule,
    RIGHTARG = clinic.rrule,
    COMMUTATOR = OPERATOR(clinic.>=),
    NEGATOR = OPERATOR(clinic.>),
    RESTRICT = scalarlesel,
    JOIN = scalarlejoinsel
);

COMMENT ON OPERATOR clinic.<= (clinic.rrule, clinic.rrule) IS 'A rule sorts before or equals another one, by canonical text.';

CREATE OPERATOR clinic.> (
    FUNCTION = clinic_private.rrule_gt,
    LEFTARG = clinic.rrule,
    RIGHTARG = clinic.rrule,
    COMMUTATOR = OPERATOR(clinic.<),
    NEGATOR = OPERATOR(clinic.<=),
    RESTRICT = scalargtsel,
    JOIN = scalargtjoinsel
);

COMMENT ON OPERATOR clinic.> (clinic.rrule, clinic.rrule) IS 'A rule sorts after another one, by canonical text.';

CREATE OPERATOR clinic.>= (
    FUNCTION = clinic_private.rrule_ge,
    LEFTARG = clinic.rrule,
    RIGHTARG = clinic.rrule,
    COMMUTATOR = OPERATOR(clinic.<=),
    NEGATOR = OPERATOR(clinic.<),
    RESTRICT = scalargesel,
    JOIN = scalargejoinsel
);

COMMENT ON OPERATOR clinic.>= (clinic.rrule, clinic.rrule) IS 'A rule sorts after or equals another one, by canonical text.';

CREATE OPERATOR FAMILY clinic.rrule_btree_ops USING btree;
COMMENT ON OPERATOR FAMILY clinic.rrule_btree_ops USING btree IS 'Orders rules by their canonical text.';

CREATE OPERATOR CLASS clinic.rrule_btree_ops
DEFAULT FOR TYPE clinic.rrule USING btree FAMILY clinic.rrule_btree_ops AS
    OPERATOR 1 clinic.<,
    OPERATOR 2 clinic.<=,
    OPERATOR 3 clinic.=,
    OPERATOR 4 clinic.>=,
    OPERATOR 5 clinic.>,
    FUNCTION 1 clinic_private.rrule_cmp(clinic.rrule, clinic.rrule),
    FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS clinic.rrule_btree_ops USING btree IS 'Orders rules by their canonical text.';

CREATE OPERATOR FAMILY clinic.rrule_hash_ops USING hash;
COMMENT ON OPERATOR FAMILY clinic.rrule_hash_ops USING hash IS 'Hashes rules by their canonical text.';

CREATE OPERATOR CLASS clinic.rrule_hash_ops
DEFAULT FOR TYPE clinic.rrule USING hash FAMILY clinic.rrule_hash_ops AS
    OPERATOR 1 clinic.=,
    FUNCTION 1 clinic_private.rrule_hash(clinic.rrule),
    FUNCTION 2 clinic_private.rrule_hash_extended(clinic.rrule, bigint);
COMMENT ON OPERATOR CLASS clinic.rrule_hash_ops USING hash IS 'Hashes rules by their canonical text.';

-- Casts.

CREATE FUNCTION clinic_private.rrule_from_text(text)
RETURNS clinic.rrule
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_from_text';

COMMENT ON FUNCTION clinic_private.rrule_from_text(text) IS 'Implements the cast from text.';

CREATE FUNCTION clinic_private.rrule_to_jsonb(clinic.rrule)
RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_to_jsonb';

COMMENT ON FUNCTION clinic_private.rrule_to_jsonb(clinic.rrule) IS 'Implements the cast to jsonb.';

CREATE FUNCTION clinic_private.rrule_from_jsonb(jsonb)
RETURNS clinic.rrule
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_rrule_from_jsonb';

COMMENT ON FUNCTION clinic_private.rrule_from_jsonb(jsonb) IS 'Implements the cast from jsonb.';

CREATE CAST (text AS clinic.rrule) WITH FUNCTION clinic_private.rrule_from_text(text) AS ASSIGNMENT;
COMMENT ON CAST (text AS clinic.rrule) IS 'Reads a rule; raises 22P02 or 22023 for one that is not legal.';

-- A rule is stored as its text, so nothing needs to be done.
CREATE CAST (clinic.rrule AS text) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (clinic.rrule AS text) IS 'The canonical text.';

CREATE CAST (clinic.rrule AS jsonb) WITH FUNCTION clinic_private.rrule_to_jsonb(clinic.rrule) AS ASSIGNMENT;
COMMENT ON CAST (clinic.rrule AS jsonb) IS 'The "recur" object of jCal (RFC 7265 §3.6.10); a list of one is a plain value.';

CREATE CAST (jsonb AS clinic.rrule) WITH FUNCTION clinic_private.rrule_from_jsonb(jsonb) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS clinic.rrule) IS 'Reads the "recur" object of jCal (RFC 7265 §3.6.10).';

-- Functions.

CREATE FUNCTION clinic.is_rrule(rule text)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_is_rrule';

COMMENT ON FUNCTION clinic.is_rrule(text) IS
'Tells whether a text is a legal recurrence rule (RFC 5545 §3.3.10).
rule: exactly one RRULE value; a leading "RRULE:" is accepted. Raises nothing.';

CREATE FUNCTION clinic.is_hours_rule(rule text)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_is_hours_rule';

COMMENT ON FUNCTION clinic.is_hours_rule(text) IS
'Tells whether a text is a rule that may be stored as opening hours.
That is a legal rule of DAILY or coarser frequency, without BYHOUR, BYMINUTE and BYSECOND, that matches some day. Raises
nothing; clinic_private.check_hours_rule says what is wrong.';

CREATE FUNCTION clinic_private.check_hours_rule(rule text, dtstart date)
RETURNS boolean
LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_check_hours_rule';

COMMENT ON FUNCTION clinic_private.check_hours_rule(text, date) IS
'Refuses a rule that may not be stored as opening hours, and says why; true for every other.
rule: the text; dtstart: the first day the rule counts from. Raises 22004 for NULL, 22P02 for text that is no rule, 22023
for a rule with times of the day and for one that never matches.';

CREATE FUNCTION clinic.describe_rrule(rrule clinic.rrule, locale text DEFAULT 'en')
RETURNS text
LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_describe_rrule';

COMMENT ON FUNCTION clinic.describe_rrule(clinic.rrule, text) IS
'Describes a recurrence rule in words for people.
rrule: the rule; locale: ''en''. Raises 22004 for a NULL rule, 22023 for an unknown locale.';

CREATE FUNCTION clinic.describe_rrule(rule text, locale text DEFAULT 'en')
RETURNS text
LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_describe_rrule';

COMMENT ON FUNCTION clinic.describe_rrule(text, text) IS
'Describes a recurrence rule in words for people.
rule: the text of an RRULE; locale: ''en''. Raises 22004 for a NULL rule, 22P02 or 22023 for one that is not legal, 22023
for an unknown locale.';
