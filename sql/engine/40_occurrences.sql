-- The instances of recurrence sets.
--
-- Each function has four forms: for a rule with typed times, for an iCalendar block, and for a rule whose times are
-- untyped literals. The third exists for the parser's sake: without it, occurrences('FREQ=DAILY', '2026-01-05 09:00',
-- 'UTC', '2026-01-01', '2027-01-01') would be ambiguous between the first two. It reads the literals as those types
-- do. Its arguments have names of their own, so that named notation always means one of the other two. A fourth form
-- takes a value of the type rrule, which is stored as its text, and is the first form otherwise.

CREATE FUNCTION clinic_private.occurrences_support(internal)
RETURNS internal
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_occurrences_support';

COMMENT ON FUNCTION clinic_private.occurrences_support(internal) IS 'Tells the planner how many rows clinic.occurrences returns.';

CREATE FUNCTION clinic.occurrences(
    rule text,
    dtstart timestamp,
    tz text,
    range_start timestamptz DEFAULT NULL,
    range_end timestamptz DEFAULT NULL,
    rdates timestamp[] DEFAULT '{}',
    exdates timestamp[] DEFAULT '{}',
    max_count integer DEFAULT NULL,
    gap text DEFAULT 'skip'
)
RETURNS SETOF timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE ROWS 100
SUPPORT clinic_private.occurrences_support
AS 'MODULE_PATHNAME', 'clinic_occurrences';

COMMENT ON FUNCTION clinic.occurrences(text, timestamp, text, timestamptz, timestamptz, timestamp[], timestamp[], integer, text) IS
'Expands a recurrence rule: its instances in ascending order, each once (RFC 5545 §3.3.10, §3.8.5).
rule: one RRULE value. dtstart: the first local time the rule counts from; an instance only if the rule yields it. tz:
the zone of all local times. range_start, range_end: only instances in the half-open [range_start, range_end); NULL and
the infinities are no bound. rdates, exdates: local times added, and taken away (which beats adding). max_count: at most
so many rows, counted after everything else. gap: what becomes of local times that the clock skips: ''skip'' leaves
them out, ''shift'' applies the offset before the gap; of a repeated local time the first is taken.
The cost does not grow with the distance between dtstart and the range. Raises 22004 for a NULL rule, dtstart or tz;
22P02 and 22023 for a rule that is not legal; 22023 for a rule without end when neither range_end nor max_count is given;
invalid_time_zone; 54000 when the expansion exceeds its budget.';

CREATE FUNCTION clinic.occurrences(
    icalendar text,
    range_start timestamptz DEFAULT NULL,
    range_end timestamptz DEFAULT NULL,
    max_count integer DEFAULT NULL,
    gap text DEFAULT 'skip',
    tz text DEFAULT NULL
)
RETURNS SETOF timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE ROWS 100
SUPPORT clinic_private.occurrences_support
AS 'MODULE_PATHNAME', 'clinic_occurrences_icalendar';

COMMENT ON FUNCTION clinic.occurrences(text, timestamptz, timestamptz, integer, text, text) IS
'Expands an iCalendar block: the instances of its recurrence set in ascending order, each once (RFC 5545 §3.8.5).
icalendar: the lines DTSTART, RRULE, RDATE and EXDATE, within BEGIN:VEVENT and END:VEVENT or bare; several of each but
DTSTART. tz: the zone of times that have neither TZID nor Z; required when DTSTART is such a time. The other arguments,
and the errors, are those of clinic.occurrences of a rule.';

CREATE FUNCTION clinic.occurrences(
    rule_literal text,
    dtstart_literal text,
    tz_literal text,
    range_start_literal text DEFAULT NULL,
    range_end_literal text DEFAULT NULL,
    rdates_literal text DEFAULT '{}',
    exdates_literal text DEFAULT '{}',
    max_count integer DEFAULT NULL,
    gap text DEFAULT 'skip'
)
RETURNS SETOF timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE ROWS 100
SUPPORT clinic_private.occurrences_support
AS 'MODULE_PATHNAME', 'clinic_occurrences_literal';

COMMENT ON FUNCTION clinic.occurrences(text, text, text, text, text, text, text, integer, text) IS
'Expands a recurrence rule given by untyped literals.
As clinic.occurrences of a rule with typed times, for calls by position whose times are quoted and not typed.';

CREATE FUNCTION clinic.occurrences(
    rrule clinic.rrule,
    dtstart timestamp,
    tz text,
    range_start timestamptz DEFAULT NULL,
    range_end timestamptz DEFAULT NULL,
    rdates timestamp[] DEFAULT '{}',
    exdates timestamp[] DEFAULT '{}',
    max_count integer DEFAULT NULL,
    gap text DEFAULT 'skip'
)
RETURNS SETOF timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE ROWS 100
SUPPORT clinic_private.occurrences_support
AS 'MODULE_PATHNAME', 'clinic_occurrences';

COMMENT ON FUNCTION clinic.occurrences(clinic.rrule, timestamp, text, timestamptz, timestamptz, timestamp[], timestamp[], integer, text) IS
'As clinic.occurrences of a rule in text, for a value of the type rrule.';

CREATE FUNCTION clinic.next_occurrence(
    rule text,
    dtstart timestamp,
    tz text,
    after timestamptz,
    rdates timestamp[] DEFAULT '{}',
    exdates timestamp[] DEFAULT '{}',
    gap text DEFAULT 'skip'
)
RETURNS timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_next_occurrence';

COMMENT ON FUNCTION clinic.next_occurrence(text, timestamp, text, timestamptz, timestamp[], timestamp[], text) IS
'The first instance of a recurrence rule after an instant. NULL when there is none.
after: exclusive; ''-infinity'' gives the first instance. The other arguments, and the errors, are those of
clinic.occurrences.';

CREATE FUNCTION clinic.next_occurrence(
    icalendar text,
    after timestamptz,
    gap text DEFAULT 'skip',
    tz text DEFAULT NULL
)
RETURNS timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_next_occurrence_icalendar';

COMMENT ON FUNCTION clinic.next_occurrence(text, timestamptz, text, text) IS
'The first instance of an iCalendar block after an instant. NULL when there is none.
after: exclusive; ''-infinity'' gives the first instance. The other arguments, and the errors, are those of
clinic.occurrences of an iCalendar block.';

CREATE FUNCTION clinic.next_occurrence(
    rule_literal text,
    dtstart_literal text,
    tz_literal text,
    after_literal text,
    rdates_literal text DEFAULT '{}',
    exdates_literal text DEFAULT '{}',
    gap text DEFAULT 'skip'
)
RETURNS timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_next_occurrence_literal';

COMMENT ON FUNCTION clinic.next_occurrence(text, text, text, text, text, text, text) IS
'The first instance of a recurrence rule after an instant, given by untyped literals.
As clinic.next_occurrence of a rule with typed times, for calls by position whose times are quoted and not typed.';

CREATE FUNCTION clinic.next_occurrence(
    rrule clinic.rrule,
    dtstart timestamp,
    tz text,
    after timestamptz,
    rdates timestamp[] DEFAULT '{}',
    exdates timestamp[] DEFAULT '{}',
    gap text DEFAULT 'skip'
)
RETURNS timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_next_occurrence';

COMMENT ON FUNCTION clinic.next_occurrence(clinic.rrule, timestamp, text, timestamptz, timestamp[], timestamp[], text) IS
'As clinic.next_occurrence of a rule in text, for a value of the type rrule.';

CREATE FUNCTION clinic.previous_occurrence(
    rule text,
    dtstart timestamp,
    tz text,
    before timestamptz,
    rdates timestamp[] DEFAULT '{}',
    exdates timestamp[] DEFAULT '{}',
    gap text DEFAULT 'skip'
)
RETURNS timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_previous_occurrence';

COMMENT ON FUNCTION clinic.previous_occurrence(text, timestamp, text, timestamptz, timestamp[], timestamp[], text) IS
'The last instance of a recurrence rule before an instant. NULL when there is none.
before: exclusive; ''infinity'' gives the last instance, and raises 22023 when the rule has no end. The other arguments, and the errors, are those of
clinic.occurrences.';

CREATE FUNCTION clinic.previous_occurrence(
    icalendar text,
    before timestamptz,
    gap text DEFAULT 'skip',
    tz text DEFAULT NULL
)
RETURNS timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_previous_occurrence_icalendar';

COMMENT ON FUNCTION clinic.previous_occurrence(text, timestamptz, text, text) IS
'The last instance of an iCalendar block before an instant. NULL when there is none.
before: exclusive; ''infinity'' gives the last instance, and raises 22023 when the rule has no end. The other arguments, and the errors, are those of
clinic.occurrences of an iCalendar block.';

CREATE FUNCTION clinic.previous_occurrence(
    rule_literal text,
    dtstart_literal text,
    tz_literal text,
    before_literal text,
    rdates_literal text DEFAULT '{}',
    exdates_literal text DEFAULT '{}',
    gap text DEFAULT 'skip'
)
RETURNS timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_previous_occurrence_literal';

COMMENT ON FUNCTION clinic.previous_occurrence(text, text, text, text, text, text, text) IS
'The last instance of a recurrence rule before an instant, given by untyped literals.
As clinic.previous_occurrence of a rule with typed times, for calls by position whose times are quoted and not typed.';

CREATE FUNCTION clinic.previous_occurrence(
    rrule clinic.rrule,
    dtstart timestamp,
    tz text,
    before timestamptz,
    rdates timestamp[] DEFAULT '{}',
    exdates timestamp[] DEFAULT '{}',
    gap text DEFAULT 'skip'
)
RETURNS timestamptz
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_previous_occurrence';

COMMENT ON FUNCTION clinic.previous_occurrence(clinic.rrule, timestamp, text, timestamptz, timestamp[], timestamp[], text) IS
'As clinic.previous_occurrence of a rule in text, for a value of the type rrule.';

CREATE FUNCTION clinic.is_occurrence(
    rule text,
    dtstart timestamp,
    tz text,
    at timestamptz,
    rdates timestamp[] DEFAULT '{}',
    exdates timestamp[] DEFAULT '{}',
    gap text DEFAULT 'skip'
)
RETURNS boolean
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_is_occurrence';

COMMENT ON FUNCTION clinic.is_occurrence(text, timestamp, text, timestamptz, timestamp[], timestamp[], text) IS
'Tells whether an instant is an instance of a recurrence rule.
at: the instant; false for the infinities. The other arguments, and the errors, are those of
clinic.occurrences.';

CREATE FUNCTION clinic.is_occurrence(
    icalendar text,
    at timestamptz,
    gap text DEFAULT 'skip',
    tz text DEFAULT NULL
)
RETURNS boolean
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_is_occurrence_icalendar';

COMMENT ON FUNCTION clinic.is_occurrence(text, timestamptz, text, text) IS
'Tells whether an instant is an instance of an iCalendar block.
at: the instant; false for the infinities. The other arguments, and the errors, are those of
clinic.occurrences of an iCalendar block.';

CREATE FUNCTION clinic.is_occurrence(
    rule_literal text,
    dtstart_literal text,
    tz_literal text,
    at_literal text,
    rdates_literal text DEFAULT '{}',
    exdates_literal text DEFAULT '{}',
    gap text DEFAULT 'skip'
)
RETURNS boolean
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_is_occurrence_literal';

COMMENT ON FUNCTION clinic.is_occurrence(text, text, text, text, text, text, text) IS
'Tells whether an instant is an instance of a recurrence rule, given by untyped literals.
As clinic.is_occurrence of a rule with typed times, for calls by position whose times are quoted and not typed.';

CREATE FUNCTION clinic.is_occurrence(
    rrule clinic.rrule,
    dtstart timestamp,
    tz text,
    at timestamptz,
    rdates timestamp[] DEFAULT '{}',
    exdates timestamp[] DEFAULT '{}',
    gap text DEFAULT 'skip'
)
RETURNS boolean
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'clinic_is_occurrence';

COMMENT ON FUNCTION clinic.is_occurrence(clinic.rrule, timestamp, text, timestamptz, timestamp[], timestamp[], text) IS
'As clinic.is_occurrence of a rule in text, for a value of the type rrule.';
