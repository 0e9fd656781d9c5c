// Wall-clock readings and instants: every conversion follows the spans of the zone around the reading.
#include "core/zone.hpp"

namespace pg_clinic::core {

namespace {

// No zone is further from UTC than this (a POSIX zone may be 167 hours off), so a reading's instants lie within it.
constexpr std::int64_t furthest_offset = 8 * micros_per_day;

// a + b, stopping at the ends of the type: open spans begin and end there.
std::int64_t add_clamped(std::int64_t a, std::int64_t b) noexcept {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? instant_max.micros : instant_min.micros;
    return sum;
}

LocalTime local_at(Instant t, std::int32_t offset_seconds) noexcept {
    return {add_clamped(t.micros, offset_seconds * micros_per_second)};
}

Instant instant_of(LocalTime t, std::int32_t offset_seconds) noexcept {
    return {add_clamped(t.micros, -offset_seconds * micros_per_second)};
}

} // namespace

LocalTime to_local(const Zone &zone, Instant t) { return local_at(t, zone.span_at(t).offset_seconds); }

Day local_date(const Zone &zone, Instant t) { return date_of(to_local(zone, t)); }

std::int32_t offset_at(const Zone &zone, Instant t) { return zone.span_at(t).offset_seconds; }

// Asks each span around t whether it shows t. Looking at all of them rather than at one transition is what makes two
// transitions close together, and spans of equal offset, come out right.
Resolution resolve(const Zone &zone, LocalTime t) {
    Resolution result;
    result.kind = Resolution::Kind::nonexistent;
    bool gap_seen = false;
    const Instant last{add_clamped(t.micros, furthest_offset)};
    ZoneSpan span = zone.span_at({add_clamped(t.micros, -furthest_offset)});
    for (;;) {
        const Instant shown = instant_of(t, span.offset_seconds);
        if (span.begin <= shown && shown < span.end) {
            if (result.kind == Resolution::Kind::unique) {
                result.kind = Resolution::Kind::ambiguous;
                result.second = shown;
                return result;
            }
            result.kind = Resolution::Kind::unique;
            result.first = result.second = shown;
        }
        if (span.end > last || span.end == instant_max)
            return result;
        const ZoneSpan next = zone.span_at(span.end);
        const bool jumped_over =
            local_at(span.end, span.offset_seconds) <= t && t < local_at(span.end, next.offset_seconds);
        if (jumped_over && !gap_seen && result.kind == Resolution::Kind::nonexistent) {
            gap_seen = true;
            result.first = shown;
            result.second = span.end;
        }
        span = next;
    }
}

bool to_instant(const Zone &zone, LocalTime t, Gap gap, Instant *out) {
    const Resolution found = resolve(zone, t);
    if (found.kind == Resolution::Kind::nonexistent && gap == Gap::skip)
        return false;
    const bool resumes = found.kind == Resolution::Kind::nonexistent && gap == Gap::resume;
    *out = resumes ? found.second : found.first;
    return true;
}

// The first instant whose reading is t or later: for a reading that exists its first instant, for one inside a gap the
// end of the gap; and it cannot run backwards, even where a gap is undone within the hour.
Instant bound_instant(const Zone &zone, LocalTime t) {
    ZoneSpan span = zone.span_at({add_clamped(t.micros, -furthest_offset)});
    for (;;) {
        const Instant shown = instant_of(t, span.offset_seconds);
        if (shown < span.end || span.end == instant_max)
            return shown < span.begin ? span.begin : shown;
        span = zone.span_at(span.end);
    }
}

} // namespace pg_clinic::core
