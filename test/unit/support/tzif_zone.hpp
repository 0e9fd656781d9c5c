// Tests only: a Zone over a TZif file (RFC 8536) of the system's zoneinfo, with the POSIX rule at its end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/zone.hpp"

namespace pg_clinic::test {

// One end of daylight saving in a POSIX TZ rule: a date of the year and a local time.
struct PosixDate {
    enum class Kind { month_week_day, julian, zero_based } kind = Kind::month_week_day;
    int month = 0, week = 0, day = 0;
    int seconds = 2 * 3600;
};

struct PosixRule {
    int standard_offset = 0, daylight_offset = 0; // seconds east of UTC
    bool has_daylight = false;
    PosixDate daylight_begins, daylight_ends;
};

class TzifZone final : public core::Zone {
  public:
    struct Transition {
        core::Instant at;
        std::int32_t before, after; // offsets in seconds
    };

    // Throws std::runtime_error when there is no such file.
    explicit TzifZone(std::string_view name);

    core::ZoneSpan span_at(core::Instant t) const override;

    // The raw table of the file, without what its rule says of later times.
    const std::vector<Transition> &transitions() const { return transitions_; }

  private:
    core::ZoneSpan span_by_rule(core::Instant t) const;

    std::vector<Transition> transitions_;
    std::int32_t first_offset_ = 0;
    PosixRule rule_;
    bool has_rule_ = false;
};

PosixRule parse_posix_rule(const std::string &text);

} // namespace pg_clinic::test
