// Internal: the walk of rules that name at most one date for each step of an even stride, at one time of day. Most rules
// that people write are of this kind, and their dates are found by adding instead of by expanding intervals.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/rrule_iterate.hpp"

namespace pg_clinic::core::detail {

// DAILY with or without weekdays, WEEKLY, MONTHLY and YEARLY with one day of the month or one numbered weekday. Every
// other rule belongs to the general walk, which knows these as well and gives the same wall times and ranks.
class DateWalk final : public RuleWalk {
  public:
    static bool takes(const RRule &rule) noexcept;

    DateWalk(const RRule &rule, Wall dtstart, Work &work);

    void seek(Wall from, Wall end) override;
    std::optional<Wall> next() override;
    std::size_t fill(std::span<Wall> out, Wall before) override;
    std::optional<std::int64_t> rank(Wall before) override;

  private:
    void set_days(const RRule &rule, std::int64_t dtstart_day);
    void set_weeks(const RRule &rule, Day dtstart_day);
    void set_months(const RRule &rule, Day dtstart_day);

    void seek_cycle(std::int64_t day);
    std::size_t fill_cycle(std::span<Wall> out, Wall before);
    std::int64_t members_of_cycle_before(std::int64_t day) const noexcept;
    std::size_t offset_from(std::int64_t rest) const noexcept;

    void seek_month(std::int64_t day);
    std::size_t fill_months(std::span<Wall> out, Wall before);
    void next_month() noexcept;
    std::optional<Day> date_in(std::int32_t year, std::int32_t month) const noexcept;
    std::int64_t members_of_months_before(std::int64_t day) const noexcept;
    std::int64_t first_day_from(Wall t) const noexcept { return ceil_div(t - time_, wall_day); }

    Wall dtstart_;
    Wall time_ = 0;                                                   // of day
    static constexpr Wall nothing = std::numeric_limits<Wall>::min(); // no member lies before
    Wall end_ = nothing;
    Work &work_;
    bool monthly_ = false;

    // Days: the members are anchor + k * cycle + one of the offsets.
    std::int64_t anchor_ = 0, cycle_ = 1;
    std::array<std::int64_t, 7> offsets_{};
    std::size_t size_ = 0; // of offsets_; none when weekdays and interval never meet
    std::int64_t begin_of_cycle_ = 0;
    std::size_t index_ = 0;

    // Months: the origin's and every stride_th after it, counted from January of year 0.
    std::int64_t origin_ = 0, stride_ = 1;
    std::int32_t month_day_ = 0; // 0: the weekday instead
    WeekdayNum weekday_{};
    std::int32_t year_ = 0, month_ = 1; // where the walk is
};

} // namespace pg_clinic::core::detail
