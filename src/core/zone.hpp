// Time zones as the core sees them: which offset holds at an instant, and what follows from it.
//
// The core owns no zone data. The glue implements Zone over PostgreSQL's tzdata, the tests over tables of their own.
#pragma once

#include "core/civil.hpp"

namespace pg_clinic::core {

// A stretch of time with one offset: the half-open [begin, end); instant_min and instant_max where it has no end.
struct ZoneSpan {
    Instant begin;
    Instant end;
    std::int32_t offset_seconds = 0; // east of UTC
};

// What a nonexistent local time (inside a gap) becomes.
enum class Gap {
    skip,  // nothing
    shift, // the offset before the gap applies (02:30 becomes 03:30)
    resume // the instant at which the clock resumes (02:30 becomes 03:00); for the bounds of windows
};

// How a wall-clock reading maps to instants.
struct Resolution {
    enum class Kind { unique, ambiguous, nonexistent };
    Kind kind = Kind::unique;
    Instant first;  // unique: the instant; ambiguous: the earlier; nonexistent: by the offset before the gap (shift)
    Instant second; // ambiguous: the later; nonexistent: where the clock resumes; unique: same as first
};

class Zone {
  public:
    virtual ~Zone() = default;
    Zone() = default;
    Zone(const Zone &) = delete;
    Zone &operator=(const Zone &) = delete;

    // The span that holds at t. Consecutive spans may have equal offsets.
    virtual ZoneSpan span_at(Instant t) const = 0;
};

LocalTime to_local(const Zone &zone, Instant t);
Day local_date(const Zone &zone, Instant t);
std::int32_t offset_at(const Zone &zone, Instant t);
Resolution resolve(const Zone &zone, LocalTime t);

// The instant of a local time: the first of an ambiguous pair; for a nonexistent one what gap says.
// Returns false (and leaves *out) only for Gap::skip on a nonexistent time.
bool to_instant(const Zone &zone, LocalTime t, Gap gap, Instant *out);

// The bound of a window or a day: the first of an ambiguous pair, a bound inside a gap moves to where the clock
// resumes. Total and monotone in t.
Instant bound_instant(const Zone &zone, LocalTime t);

// A zone of one constant offset.
class FixedZone final : public Zone {
  public:
    explicit FixedZone(std::int32_t offset_seconds) : offset_seconds_(offset_seconds) {}
    ZoneSpan span_at(Instant) const override { return {instant_min, instant_max, offset_seconds_}; }

  private:
    std::int32_t offset_seconds_;
};

} // namespace pg_clinic::core
