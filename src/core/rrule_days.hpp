// Internal: which days and which times of day a rule names. The date half of RFC 5545 §3.3.10's expand and limit table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/civil.hpp"
#include "core/rrule.hpp"
#include "core/work.hpp"

namespace pg_clinic::core::detail {

// Seconds of the wall clock since 2000-01-01T00:00:00. A fraction belongs to DTSTART and is the same everywhere.
using Wall = std::int64_t;

inline constexpr Wall wall_day = 86'400;
inline constexpr Day expansion_end{2'921'940}; // 10000-01-01: no instance lies there or later
inline constexpr std::int64_t calendar_cycle_days = 146'097;

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) noexcept { return a / b + (a % b > 0 ? 1 : 0); }
constexpr std::int64_t floor_mod(std::int64_t a, std::int64_t b) noexcept { return a - floor_div(a, b) * b; }

// The times of day that are the product of hours, minutes and seconds; never written out, there may be 86 400 of them.
class TimeSet {
  public:
    TimeSet(std::vector<std::int16_t> hours, std::vector<std::int16_t> minutes, std::vector<std::int16_t> seconds);

    std::int64_t size() const noexcept { return size_; }
    std::int64_t at(std::int64_t index) const noexcept;                  // seconds since midnight
    std::int64_t lower_bound(std::int64_t second_of_day) const noexcept; // the first index not before

  private:
    std::vector<std::int16_t> hours_, minutes_, seconds_;
    std::int64_t size_;
};

// The limits a rule puts on days one by one: BYMONTH, BYYEARDAY, BYMONTHDAY and weekdays without ordinals.
class DayFilter {
  public:
    explicit DayFilter(const RRule &rule);

    bool passes_all() const noexcept { return !by_date_ && weekdays_ == all_weekdays; }
    bool only_weekdays() const noexcept { return !by_date_; }
    std::uint8_t weekdays() const noexcept { return weekdays_; }
    void keep_weekdays(std::uint8_t mask) noexcept { weekdays_ = static_cast<std::uint8_t>(weekdays_ & mask); }

    bool month_passes(std::int32_t month) const noexcept { return (months_ >> month & 1U) != 0; }
    bool month_day_passes(CivilDate date) const noexcept;
    bool year_day_passes(Day day, std::int32_t year) const noexcept;
    bool weekday_passes(Day day) const noexcept;

    // The first day from `from` on that passes, or `end` when none does before it. Jumps over excluded months and
    // years; gives up after one cycle of the calendar, since what has not come by then never comes.
    Day next(Day from, Day end, Work &work) const;

    static constexpr std::uint8_t all_weekdays = 0x7F;

  private:
    Day next_month_day(Day day, CivilDate date) const noexcept;
    Day next_year_day(Day day, std::int32_t year) const noexcept;

    std::uint32_t months_ = ~0U;
    std::uint32_t month_days_ = ~0U;    // bit n: day n of the month
    std::uint32_t month_days_back_ = 0; // bit n: day -n
    std::vector<std::int16_t> year_days_;
    std::uint8_t weekdays_ = all_weekdays; // bit 0: Monday
    bool by_date_ = false;                 // anything but weekdays
};

// The days of one interval of a rule of DAILY or coarser frequency: all of BYMONTH to BYDAY, with SKIP.
// Intervals are numbered: days and weeks since the epoch, months since year 0, years (week-years with BYWEEKNO).
class PeriodDays {
  public:
    PeriodDays(const RRule &rule, Day dtstart);

    std::int64_t period_of(Day day) const noexcept;
    Day first_day(std::int64_t period) const noexcept;
    const DayFilter &filter() const noexcept { return filter_; }

    // Puts the days into *out, ascending and without duplicates. BYSETPOS is not applied here.
    void expand(std::int64_t period, std::vector<Day> *out, Work &work) const;

    // The number of intervals after which the calendar repeats.
    std::int64_t cycle() const noexcept;

    // True when every interval provably has the same number of days.
    bool constant_size() const noexcept;

  private:
    void expand_week(Day start, std::vector<Day> *out) const;
    void expand_month(std::int32_t year, std::int32_t month, std::vector<Day> *out) const;
    void expand_year(std::int32_t year, std::vector<Day> *out) const;
    void expand_weeks_of_year(std::int32_t year, std::vector<Day> *out) const;
    void expand_year_days(std::int32_t year, std::vector<Day> *out) const;
    void expand_month_days(std::int32_t year, std::int32_t month, std::vector<Day> *out) const;
    void expand_weekdays(Day first, Day last, std::vector<Day> *out) const;
    void add_nth_day(Day first, std::int32_t length, std::int32_t nth, std::vector<Day> *out) const;
    void add_limited(Day day, std::vector<Day> *out) const;
    bool by_day_passes(Day day) const noexcept;
    Day first_week_start(std::int32_t year) const noexcept;

    Frequency freq_;
    Weekday wkst_;
    Skip skip_;
    CivilDate start_;
    DayFilter filter_;
    std::uint8_t week_days_; // weekdays of a week: BYDAY's, else DTSTART's
    bool ordinals_in_month_;
    std::vector<WeekdayNum> by_day_;
    std::vector<std::int16_t> by_month_, by_month_day_, by_year_day_, by_week_no_;
};

} // namespace pg_clinic::core::detail
