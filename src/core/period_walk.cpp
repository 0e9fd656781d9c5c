// The walk of DAILY, WEEKLY, MONTHLY and YEARLY rules: interval by interval, each a product of days and times of day.
#include <algorithm>
#include <numeric>
#include <utility>

#include "core/rrule_iterate.hpp"

namespace pg_clinic::core::detail {

namespace {

// One interval on the rule's grid: its days, and what BYSETPOS selects of days x times. Never written out in full: a
// yearly rule may have 31 million members.
struct Block {
    std::int64_t k = 0; // the interval's number on the grid, 0 is DTSTART's
    std::vector<Day> days;
    std::vector<std::int64_t> picks; // indexes into days x times; used with BYSETPOS only
    std::int64_t size = 0;
    std::int64_t index = 0; // the next member to be given out
};

class PeriodWalk final : public RuleWalk {
  public:
    PeriodWalk(const RRule &rule, Wall dtstart, Work &work);

    void seek(Wall from, Wall end) override;
    std::optional<Wall> next() override;
    std::size_t fill(std::span<Wall> out, Wall before) override { return fill_by_next(*this, out, before); }
    std::optional<std::int64_t> rank(Wall before) override;

  private:
    bool load(Block *block, std::int64_t k);
    std::int64_t next_candidate(std::int64_t k);
    void fill(Block *block, std::int64_t k);
    bool before_end(std::int64_t period) const noexcept;
    Wall member(const Block &block, std::int64_t index) const noexcept;
    std::int64_t lower_bound(const Block &block, Wall from) const noexcept;
    std::optional<Wall> take();
    std::int64_t interval_of(Wall t) const noexcept;
    std::int64_t members_before(Wall t);
    std::int64_t size_of_first(std::int64_t intervals);

    PeriodDays period_days_;
    TimeSet times_;
    std::vector<std::int16_t> by_set_pos_;
    Wall dtstart_;
    Wall end_ = 0;
    Wall last_ = 0; // the last one given out, to merge what SKIP makes equal
    std::int64_t interval_;
    std::int64_t origin_;      // number of DTSTART's interval
    std::int64_t last_period_; // of year 9999
    std::int64_t cycle_;       // after so many intervals of the grid the calendar repeats
    bool overlapping_;         // SKIP lets neighbouring intervals meet, and their members interleave
    bool daily_limits_;        // DAILY with BYMONTH, BYMONTHDAY or BYDAY: jump to the days that pass
    bool weekday_cycle_;       // DAILY with BYDAY alone: sizes repeat every seven intervals
    bool constant_size_;
    Work &work_;
    std::vector<std::int64_t> sizes_; // for rank: members of the first 0, 1, ... intervals of a cycle
    std::int64_t before_start_ = -1;  // for rank: members of DTSTART's interval before DTSTART
    Block current_, following_;
    bool has_current_ = false, has_following_ = false;
};

PeriodWalk::PeriodWalk(const RRule &rule, Wall dtstart, Work &work)
    : period_days_(rule, Day{static_cast<std::int32_t>(floor_div(dtstart, wall_day))}),
      times_(values_or(rule.by_hour, floor_mod(dtstart, wall_day) / 3600),
             values_or(rule.by_minute, floor_mod(dtstart, 3600) / 60),
             values_or(rule.by_second, floor_mod(dtstart, 60))),
      by_set_pos_(rule.by_set_pos), dtstart_(dtstart), interval_(rule.interval),
      origin_(period_days_.period_of({static_cast<std::int32_t>(floor_div(dtstart, wall_day))})),
      last_period_(period_days_.period_of(expansion_end)),
      cycle_(period_days_.cycle() / std::gcd(period_days_.cycle(), interval_)), overlapping_(rule.skip != Skip::omit),
      daily_limits_(rule.freq == Frequency::daily && !period_days_.filter().passes_all()),
      weekday_cycle_(daily_limits_ && period_days_.filter().only_weekdays()),
      constant_size_(period_days_.constant_size()), work_(work) {}

// Starts one interval early when SKIP may have moved a day of it into the wanted one.
void PeriodWalk::seek(Wall from, Wall end) {
    from = std::max(from, dtstart_);
    end_ = std::min(end, expansion_end.days * wall_day);
    last_ = from - 1;
    has_current_ = has_following_ = false;
    if (from >= end_)
        return;
    const std::int64_t k = interval_of(from);
    has_current_ = load(&current_, overlapping_ && k > 0 ? k - 1 : k);
    if (has_current_)
        current_.index = lower_bound(current_, from);
    if (has_current_ && overlapping_) {
        has_following_ = load(&following_, current_.k + 1);
        if (has_following_)
            following_.index = lower_bound(following_, from);
    }
}

std::optional<Wall> PeriodWalk::next() {
    while (const std::optional<Wall> t = take()) {
        work_.step();
        if (*t >= end_)
            break;
        if (*t > last_) {
            last_ = *t;
            return t;
        }
    }
    has_current_ = has_following_ = false;
    return std::nullopt;
}

// The next member in order; two neighbouring intervals are merged where SKIP lets them overlap.
std::optional<Wall> PeriodWalk::take() {
    while (has_current_) {
        const bool current_left = current_.index < current_.size;
        if (has_following_ && following_.index < following_.size) {
            const Wall t = member(following_, following_.index);
            if (!current_left) {
                // nothing to merge with any more: the branch below moves on
            } else if (t < member(current_, current_.index)) {
                ++following_.index;
                return t;
            }
        }
        if (current_left)
            return member(current_, current_.index++);
        if (overlapping_) {
            std::swap(current_, following_);
            has_current_ = has_following_;
            has_following_ = has_current_ && load(&following_, current_.k + 1);
        } else {
            has_current_ = load(&current_, current_.k + 1);
        }
    }
    return std::nullopt;
}

// Loads the first interval from k on that has members and begins before the end; false when there is none. After one
// whole cycle of the calendar without a member there will never be one.
bool PeriodWalk::load(Block *block, std::int64_t k) {
    for (const std::int64_t first = k; k - first <= cycle_; ++k) {
        work_.step();
        k = next_candidate(k);
        if (!before_end(origin_ + k * interval_))
            return false;
        fill(block, k);
        if (block->size > 0)
            return true;
    }
    return false;
}

// For DAILY with limits the first interval from k on whose day passes them.
std::int64_t PeriodWalk::next_candidate(std::int64_t k) {
    if (!daily_limits_)
        return k;
    for (const std::int64_t first = k; k - first <= cycle_;) {
        const std::int64_t period = origin_ + k * interval_;
        if (!before_end(period))
            break;
        const Day day{static_cast<std::int32_t>(period)};
        const Day passing = period_days_.filter().next(day, expansion_end, work_);
        if (passing == day)
            break;
        k = ceil_div(passing.days - origin_, interval_);
    }
    return k;
}

bool PeriodWalk::before_end(std::int64_t period) const noexcept {
    if (period > last_period_)
        return false;
    const Wall slack = overlapping_ ? wall_day : 0; // BACKWARD reaches the day before the interval
    return period_days_.first_day(period).days * wall_day - slack < end_;
}

void PeriodWalk::fill(Block *block, std::int64_t k) {
    block->k = k;
    block->index = 0;
    period_days_.expand(origin_ + k * interval_, &block->days, work_);
    block->size = std::ssize(block->days) * times_.size();
    if (!by_set_pos_.empty()) {
        block->picks = selected(by_set_pos_, block->size);
        block->size = std::ssize(block->picks);
    }
}

Wall PeriodWalk::member(const Block &block, std::int64_t index) const noexcept {
    const std::int64_t i = by_set_pos_.empty() ? index : block.picks[static_cast<std::size_t>(index)];
    const Day day = block.days[static_cast<std::size_t>(i / times_.size())];
    return day.days * wall_day + times_.at(i % times_.size());
}

std::int64_t PeriodWalk::lower_bound(const Block &block, Wall from) const noexcept {
    std::int64_t low = 0;
    std::int64_t high = block.size;
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        if (member(block, middle) < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// The last interval of the grid that begins at t or before.
std::int64_t PeriodWalk::interval_of(Wall t) const noexcept {
    const Day day{static_cast<std::int32_t>(floor_div(t, wall_day))};
    return floor_div(period_days_.period_of(day) - origin_, interval_);
}

// Known only where every interval has the same number of members, or seven intervals together have.
std::optional<std::int64_t> PeriodWalk::rank(Wall before) {
    if (!constant_size_ && !weekday_cycle_)
        return std::nullopt;
    if (before <= dtstart_)
        return 0;
    if (before_start_ < 0)
        before_start_ = members_before(dtstart_);
    return members_before(std::min(before, expansion_end.days * wall_day)) - before_start_;
}

std::int64_t PeriodWalk::members_before(Wall t) {
    const std::int64_t k = interval_of(t);
    Block block;
    fill(&block, k);
    return size_of_first(k) + lower_bound(block, t);
}

// The members of the intervals 0 to intervals - 1.
std::int64_t PeriodWalk::size_of_first(std::int64_t intervals) {
    const std::int64_t cycle = constant_size_ ? 1 : 7;
    if (sizes_.empty()) {
        sizes_.push_back(0);
        for (std::int64_t k = 0; k < cycle; ++k) {
            Block block;
            fill(&block, k);
            sizes_.push_back(sizes_.back() + block.size);
        }
    }
    return intervals / cycle * sizes_.back() + sizes_[static_cast<std::size_t>(intervals % cycle)];
}

} // namespace

std::unique_ptr<RuleWalk> make_period_walk(const RRule &rule, Wall dtstart, Work &work) {
    return std::make_unique<PeriodWalk>(rule, dtstart, work);
}

} // namespace pg_clinic::core::detail
