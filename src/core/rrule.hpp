// The recurrence rule of RFC 5545 §3.3.10 with RFC 7529's RSCALE=GREGORIAN and SKIP: the value, its text, its meaning.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/civil.hpp"

namespace pg_clinic::core {

enum class Frequency : std::uint8_t { secondly, minutely, hourly, daily, weekly, monthly, yearly };

enum class Skip : std::uint8_t { omit, backward, forward };

// One BYDAY entry: a weekday, with an ordinal (+2, -1) or 0 for every one.
struct WeekdayNum {
    std::int16_t ordinal = 0;
    Weekday day = Weekday::monday;
    auto operator<=>(const WeekdayNum &) const = default;
};

// UNTIL: an instant (with Z), a local time, or a local date (which means the end of that day).
struct Until {
    enum class Kind : std::uint8_t { instant, local, date };
    Kind kind = Kind::date;
    std::int64_t micros = 0; // since 2000-01-01T00:00:00, UTC for instant, local otherwise; midnight for date
    auto operator<=>(const Until &) const = default;
};

// A valid rule. Lists are sorted and without duplicates; parse_rrule is the only maker outside tests.
struct RRule {
    Frequency freq = Frequency::daily;
    std::int32_t interval = 1;
    std::optional<std::int64_t> count;
    std::optional<Until> until;
    Weekday wkst = Weekday::monday;
    bool rscale_gregorian = false;
    Skip skip = Skip::omit;
    std::vector<std::int16_t> by_second, by_minute, by_hour;
    std::vector<WeekdayNum> by_day;
    std::vector<std::int16_t> by_month_day, by_year_day, by_week_no, by_month, by_set_pos;

    bool operator==(const RRule &) const = default;
};

// Parses exactly one RRULE value (a leading "RRULE:" is accepted, line breaks are not). Throws Error invalid_text
// (malformed, unknown part, duplicate), invalid_parameter (out of range, forbidden combination) or limit_exceeded (longer
// than 8 KiB); the message names the part and its position (1-based character of the text).
RRule parse_rrule(std::string_view text);

// The canonical text: FREQ first, then RSCALE, SKIP, UNTIL or COUNT, INTERVAL (when not 1), BY parts from BYMONTH down to
// BYSECOND, BYSETPOS, WKST (when not MO). parse(to_text(r)) == r, and two rules are equal exactly when their texts are.
std::string to_text(const RRule &rule);

// A sentence for people, e.g. "every 2 weeks on Monday and Wednesday until 31 December 2026". Locales: "en".
// Throws Error invalid_parameter for an unknown locale.
std::string describe(const RRule &rule, std::string_view locale);

} // namespace pg_clinic::core
