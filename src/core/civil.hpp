// Civil time: dates and wall-clock times of the proleptic Gregorian calendar, and instants.
//
// Every count starts at 2000-01-01 (PostgreSQL's own epoch, a Saturday), so the glue converts nothing. The three
// time types cannot be mixed: a Day is a local date, a LocalTime a wall-clock reading without zone, an Instant a
// point of UTC. Microseconds throughout. Every function is total over the supported range, years 1 to 9999 and a
// margin around; callers that take input check it with is_supported.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace pg_clinic::core {

inline constexpr std::int64_t micros_per_second = 1'000'000;
inline constexpr std::int64_t micros_per_minute = 60 * micros_per_second;
inline constexpr std::int64_t micros_per_hour = 60 * micros_per_minute;
inline constexpr std::int64_t micros_per_day = 24 * micros_per_hour;

// A length of elapsed time, in microseconds; may be negative.
struct Duration {
    std::int64_t micros = 0;
    auto operator<=>(const Duration &) const = default;
};

// A local date: days since 2000-01-01.
struct Day {
    std::int32_t days = 0;
    auto operator<=>(const Day &) const = default;
};

// A wall-clock reading without zone: microseconds since 2000-01-01T00:00:00.
struct LocalTime {
    std::int64_t micros = 0;
    auto operator<=>(const LocalTime &) const = default;
};

// A point in time: microseconds since 2000-01-01T00:00:00Z.
struct Instant {
    std::int64_t micros = 0;
    auto operator<=>(const Instant &) const = default;
};

inline constexpr Instant instant_min{std::numeric_limits<std::int64_t>::min()};
inline constexpr Instant instant_max{std::numeric_limits<std::int64_t>::max()};

enum class Weekday : std::uint8_t { monday = 0, tuesday, wednesday, thursday, friday, saturday, sunday };

// Year, month 1-12, day 1-31. May be built from fields that are no date; days_in_month tells.
struct CivilDate {
    std::int32_t year = 2000;
    std::int32_t month = 1;
    std::int32_t day = 1;
    auto operator<=>(const CivilDate &) const = default;
};

constexpr Duration operator-(Instant a, Instant b) { return {a.micros - b.micros}; }
constexpr Instant operator+(Instant t, Duration d) { return {t.micros + d.micros}; }
constexpr Instant operator-(Instant t, Duration d) { return {t.micros - d.micros}; }
constexpr Duration operator-(LocalTime a, LocalTime b) { return {a.micros - b.micros}; }
constexpr LocalTime operator+(LocalTime t, Duration d) { return {t.micros + d.micros}; }
constexpr Duration operator+(Duration a, Duration b) { return {a.micros + b.micros}; }
constexpr Duration operator-(Duration a, Duration b) { return {a.micros - b.micros}; }
constexpr Day operator+(Day d, std::int32_t n) { return {d.days + n}; }
constexpr Day operator-(Day d, std::int32_t n) { return {d.days - n}; }
constexpr std::int32_t operator-(Day a, Day b) { return a.days - b.days; }
constexpr Duration minutes(std::int64_t n) { return {n * micros_per_minute}; }

bool is_leap_year(std::int32_t year) noexcept;
std::int32_t days_in_year(std::int32_t year) noexcept;
std::int32_t days_in_month(std::int32_t year, std::int32_t month) noexcept; // month 1-12
Day to_day(CivilDate date) noexcept;                                        // a valid date
CivilDate to_civil(Day day) noexcept;
Weekday weekday(Day day) noexcept;
std::int32_t day_of_year(Day day) noexcept; // 1-366

// The Monday-based ISO week: its first day, and a number that identifies it (days since epoch of that Monday).
Day iso_week_start(Day day) noexcept;

// The same time of UTC so many months before; the last day of a month that is too short.
Instant months_before(Instant t, std::int32_t months) noexcept;

Day date_of(LocalTime t) noexcept;          // the local date, rounding towards the past
Duration time_of_day(LocalTime t) noexcept; // since that date's midnight, in [0, 24 h)
LocalTime at(Day day, Duration since_midnight = {}) noexcept;

// True for years 1 to 9999.
bool is_supported(Day day) noexcept;
bool is_supported(LocalTime t) noexcept;

} // namespace pg_clinic::core
