// The walk of HOURLY, MINUTELY and SECONDLY rules: a grid of equal steps from DTSTART, for ever, that the coarser BY
// parts only limit. Whole excluded days, hours and minutes are jumped over, never stepped through.
#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "core/rrule_iterate.hpp"

namespace pg_clinic::core::detail {

namespace {

constexpr Wall wall_week = 7 * wall_day;
constexpr std::int64_t patience = 512; // fruitless jumps before the question whether the rule can match at all

Wall unit_of(Frequency freq) noexcept {
    if (freq == Frequency::hourly)
        return 3600;
    return freq == Frequency::minutely ? 60 : 1;
}

std::vector<std::int16_t> all_below(std::int16_t end) {
    std::vector<std::int16_t> values(static_cast<std::size_t>(end));
    std::iota(values.begin(), values.end(), std::int16_t{0});
    return values;
}

// A part coarser than the interval limits; a finer one has no say in when an interval begins.
std::vector<std::int16_t> limit(const std::vector<std::int16_t> &values, std::int16_t end, bool coarser) {
    if (!coarser)
        return {0};
    return values.empty() ? all_below(end) : values;
}

class GridWalk final : public RuleWalk {
  public:
    GridWalk(const RRule &rule, Wall dtstart, Work &work);

    void seek(Wall from, Wall end) override;
    std::optional<Wall> next() override;
    std::size_t fill(std::span<Wall> out, Wall before) override { return fill_by_next(*this, out, before); }
    std::optional<std::int64_t> rank(Wall before) override;

  private:
    Wall on_grid(Wall t) const noexcept { return anchor_ + ceil_div(t - anchor_, step_) * step_; }
    bool find_interval(Wall from);
    Wall next_allowed(Wall t, Wall stop);
    void drop_unreachable_weekdays();
    bool day_reachable(std::int64_t weekday, Wall modulus) const;
    bool same_every_day() const noexcept;
    std::int64_t offsets_before(Wall t) const noexcept;
    std::int64_t members_before(Wall t);
    std::int64_t passing_days_before(std::int64_t day) const noexcept;

    Wall dtstart_, unit_, step_, anchor_;
    TimeSet allowed_;           // the times of day at which an interval may begin
    std::vector<Wall> offsets_; // of the members within an interval, BYSETPOS applied
    DayFilter days_;
    bool time_limits_; // BYHOUR or finer limits
    Work &work_;
    Wall end_ = 0;
    Wall interval_ = 0; // begin of the current interval
    std::size_t index_ = 0;
    bool found_ = false;
    bool checked_ = false;    // unreachable weekdays are dropped
    std::vector<Wall> daily_; // for rank: the begins of intervals within a day
};

GridWalk::GridWalk(const RRule &rule, Wall dtstart, Work &work)
    : dtstart_(dtstart), unit_(unit_of(rule.freq)), step_(rule.interval * unit_),
      anchor_(floor_div(dtstart, unit_) * unit_),
      allowed_(limit(rule.by_hour, 24, true), limit(rule.by_minute, 60, unit_ < 3600),
               limit(rule.by_second, 60, unit_ < 60)),
      days_(rule), time_limits_(!rule.by_hour.empty() || (unit_ < 3600 && !rule.by_minute.empty()) ||
                                (unit_ < 60 && !rule.by_second.empty())),
      work_(work) {
    const TimeSet within({0},
                         unit_ == 3600 ? values_or(rule.by_minute, floor_mod(dtstart, 3600) / 60) : limit({}, 0, false),
                         unit_ >= 60 ? values_or(rule.by_second, floor_mod(dtstart, 60)) : limit({}, 0, false));
    if (rule.by_set_pos.empty())
        for (std::int64_t i = 0; i < within.size(); ++i)
            offsets_.push_back(within.at(i));
    else
        for (const std::int64_t i : selected(rule.by_set_pos, within.size()))
            offsets_.push_back(within.at(i));
}

void GridWalk::seek(Wall from, Wall end) {
    from = std::max(from, dtstart_);
    end_ = std::min(end, expansion_end.days * wall_day);
    found_ = !offsets_.empty() && find_interval(anchor_ + floor_div(from - anchor_, step_) * step_);
    if (!found_)
        return;
    const auto first = std::lower_bound(offsets_.begin(), offsets_.end(), from - interval_);
    index_ = static_cast<std::size_t>(first - offsets_.begin());
}

std::optional<Wall> GridWalk::next() {
    while (found_) {
        work_.step();
        if (index_ < offsets_.size()) {
            const Wall t = interval_ + offsets_[index_++];
            if (t < end_)
                return t;
            found_ = false;
        } else {
            found_ = find_interval(interval_ + step_);
            index_ = 0;
        }
    }
    return std::nullopt;
}

// Finds the first interval from `from` on, a point of the grid, that passes every limit. Grid and limits take turns
// to move t on; after one common period of grid and calendar without a meeting there is none.
bool GridWalk::find_interval(Wall from) {
    Wall stop = end_;
    Wall period = 0;
    if (!__builtin_mul_overflow(step_, calendar_cycle_days * wall_day / std::gcd(step_, calendar_cycle_days * wall_day),
                                &period) &&
        period < stop - from)
        stop = from + period + 1;
    std::int64_t jumps = 0;
    for (Wall t = from; t < stop; t = on_grid(t)) {
        work_.step();
        const Wall passing = next_allowed(t, stop);
        if (passing == t) {
            interval_ = t;
            return true;
        }
        if (++jumps == patience)
            drop_unreachable_weekdays();
        t = passing;
    }
    return false;
}

// The first time from t on that passes every limit, or one not before stop.
Wall GridWalk::next_allowed(Wall t, Wall stop) {
    const Day today{static_cast<std::int32_t>(floor_div(t, wall_day))};
    const Day end_day{static_cast<std::int32_t>(ceil_div(stop, wall_day))};
    const Day day = days_.next(today, end_day, work_);
    const Wall midnight = day.days * wall_day;
    if (day != today)
        return day == end_day ? std::max(midnight, stop) : midnight + allowed_.at(0);
    const std::int64_t i = allowed_.lower_bound(t - midnight);
    return i < allowed_.size() ? midnight + allowed_.at(i) : midnight + wall_day;
}

// Strikes the weekdays on which no point of the grid can ever meet an allowed time of day. Points of the grid are all
// congruent modulo gcd(step, week), which decides it without walking through the years: FREQ=SECONDLY;INTERVAL=2;
// BYSECOND=1 from an even second, or FREQ=HOURLY;INTERVAL=168;BYDAY=TU from a Monday, end here.
void GridWalk::drop_unreachable_weekdays() {
    if (checked_)
        return;
    checked_ = true;
    const Wall modulus = std::gcd(step_, wall_week);
    std::uint8_t reachable = 0;
    for (std::int64_t weekday = 0; weekday < 7; ++weekday)
        if (day_reachable(weekday, modulus))
            reachable = static_cast<std::uint8_t>(reachable | 1U << weekday);
    days_.keep_weekdays(reachable);
}

bool GridWalk::day_reachable(std::int64_t weekday, Wall modulus) const {
    const Wall midnight = (weekday + 2) * wall_day; // 2000-01-03 was a Monday
    for (std::int64_t i = 0; i < allowed_.size(); ++i, work_.step())
        if (floor_mod(midnight + allowed_.at(i) - anchor_, modulus) == 0)
            return true;
    return false;
}

bool GridWalk::same_every_day() const noexcept { return wall_day % step_ == 0 && days_.only_weekdays(); }

// Known for an unlimited grid, and for one that is the same on every day but for the weekdays it leaves out.
std::optional<std::int64_t> GridWalk::rank(Wall before) {
    const bool unlimited = !time_limits_ && days_.passes_all();
    if (!unlimited && !same_every_day())
        return std::nullopt;
    before = std::min(before, expansion_end.days * wall_day);
    if (before <= dtstart_ || offsets_.empty())
        return 0;
    if (unlimited)
        return offsets_before(before) - offsets_before(dtstart_);
    return members_before(before) - members_before(dtstart_);
}

std::int64_t GridWalk::offsets_before(Wall t) const noexcept {
    const std::int64_t k = floor_div(t - anchor_, step_);
    const Wall rest = t - (anchor_ + k * step_);
    return k * std::ssize(offsets_) + (std::lower_bound(offsets_.begin(), offsets_.end(), rest) - offsets_.begin());
}

// Members since the epoch; only differences have a meaning.
std::int64_t GridWalk::members_before(Wall t) {
    if (daily_.empty())
        for (std::int64_t i = 0; i < allowed_.size(); ++i, work_.step())
            if (floor_mod(allowed_.at(i) - anchor_, step_) == 0)
                daily_.push_back(allowed_.at(i));
    if (daily_.empty())
        return 0;
    const std::int64_t day = floor_div(t, wall_day);
    const std::int64_t per_day = std::ssize(daily_) * std::ssize(offsets_);
    std::int64_t members = passing_days_before(day) * per_day;
    if (!days_.weekday_passes({static_cast<std::int32_t>(day)}))
        return members;
    const Wall time = t - day * wall_day;
    const auto after = std::upper_bound(daily_.begin(), daily_.end(), time);
    if (after == daily_.begin())
        return members;
    const auto offset = std::lower_bound(offsets_.begin(), offsets_.end(), time - *(after - 1));
    return members + (after - daily_.begin() - 1) * std::ssize(offsets_) + (offset - offsets_.begin());
}

std::int64_t GridWalk::passing_days_before(std::int64_t day) const noexcept {
    const std::int64_t weeks = floor_div(day, 7);
    std::int64_t in_week = 0;
    std::int64_t in_rest = 0;
    for (std::int64_t i = 0; i < 7; ++i) {
        if (!days_.weekday_passes({static_cast<std::int32_t>(i)}))
            continue;
        ++in_week;
        in_rest += i < day - weeks * 7 ? 1 : 0;
    }
    return weeks * in_week + in_rest;
}

} // namespace

std::unique_ptr<RuleWalk> make_grid_walk(const RRule &rule, Wall dtstart, Work &work) {
    return std::make_unique<GridWalk>(rule, dtstart, work);
}

} // namespace pg_clinic::core::detail
