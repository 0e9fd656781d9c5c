-- The arithmetic of hours and slots as pure functions over tstzmultirange, for anybody's own tables.

CREATE FUNCTION clinic.rule_hours(
    rule text,
    dtstart date,
    start_time time,
    end_time time,
    tz text,
    range_start timestamptz,
    range_end timestamptz
)
    RETURNS tstzmultirange
    LANGUAGE C STABLE PARALLEL SAFE
    COST 500
    AS 'MODULE_PATHNAME', 'clinic_rule_hours';
COMMENT ON FUNCTION clinic.rule_hours(text, date, time, time, text, timestamptz, timestamptz) IS
    'The open hours of a recurring wall-clock window: whole windows that overlap a range.
rule: an RRULE value of DAILY or coarser frequency (RFC 5545). dtstart: its first date and phase. start_time, end_time: wall clock in tz; an end not after the start lies on the next day. A bound inside a DST gap moves to where the clock resumes. range_start, range_end: at most 366 days. Combine several rules with range_agg.
Errors: 22P02 and 22023 for a bad rule, invalid_time_zone, 22004 for nulls.';

CREATE FUNCTION clinic.free_time(
    open tstzmultirange,
    busy tstzmultirange,
    buffer_before interval DEFAULT '0',
    buffer_after interval DEFAULT '0'
)
    RETURNS tstzmultirange
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    COST 50
    AS 'MODULE_PATHNAME', 'clinic_free_time';
COMMENT ON FUNCTION clinic.free_time(tstzmultirange, tstzmultirange, interval, interval) IS
    'Open time less busy time, the busy time widened by a buffer before and after each span.
Intervals may not have months; a day is 24 hours. Null when an argument is null. Errors: 22023 for a negative buffer.';

CREATE FUNCTION clinic.cut_slots(
    free tstzmultirange,
    duration interval,
    step interval DEFAULT NULL,
    open tstzmultirange DEFAULT NULL,
    anchor timestamptz DEFAULT NULL
)
    RETURNS SETOF tstzrange
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    COST 1000 ROWS 100
    AS 'MODULE_PATHNAME', 'clinic_cut_slots';
COMMENT ON FUNCTION clinic.cut_slots(tstzmultirange, interval, interval, tstzmultirange, timestamptz) IS
    'Cuts free time into slots of a duration on a grid, ascending.
step: distance of the starts, elapsed; null: the duration. open: the hours that the grid is anchored at, at the start of each of its ranges (null: free itself), so that busy time does not move the grid. anchor: one instant of the grid instead.
Errors: 22023 for a duration or step that is not positive and for unbounded ranges, 54000 for more than ten million starts.';

CREATE FUNCTION clinic.local_instant(
    local_time timestamp,
    time_zone text,
    utc_offset interval DEFAULT NULL,
    gap text DEFAULT 'refuse'
)
    RETURNS timestamptz
    LANGUAGE C STABLE PARALLEL SAFE
    COST 10
    AS 'MODULE_PATHNAME', 'clinic_local_instant';
COMMENT ON FUNCTION clinic.local_instant(timestamp, text, interval, text) IS
    'The instant of a local time in a zone: of an ambiguous one the first (as RFC 5545 says; AT TIME ZONE takes the second).
utc_offset: tells which of an ambiguous pair. gap: what a nonexistent local time becomes: refuse, or shift by the offset before the gap.
Errors: invalid_time_zone, nonexistent_local_time, 22023 for an offset that does not hold then, 22004 for nulls.';
