#include "core/interval_set.hpp"

#include <algorithm>

namespace pg_clinic::core {

namespace {

// The first interval that ends after t.
auto first_ending_after(const std::vector<Interval> &sorted, Instant t) {
    return std::partition_point(sorted.begin(), sorted.end(), [t](const Interval &i) { return i.end <= t; });
}

std::int64_t floor_mod(std::int64_t a, std::int64_t n) {
    const std::int64_t r = a % n;
    return r < 0 ? r + n : r;
}

// How far t lies behind the last instant of the grid. The distance to the anchor itself may be too long to count.
std::int64_t past_grid(Instant t, Duration step, Instant anchor) {
    return floor_mod(floor_mod(t.micros, step.micros) - floor_mod(anchor.micros, step.micros), step.micros);
}

Instant saturating_add(Instant t, std::int64_t micros) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(t.micros, micros, &sum))
        return micros < 0 ? instant_min : instant_max;
    return {sum};
}

} // namespace

IntervalSet::IntervalSet(std::vector<Interval> intervals) {
    std::erase_if(intervals, [](const Interval &i) { return i.empty(); });
    std::sort(intervals.begin(), intervals.end());
    for (const Interval &next : intervals) {
        if (!intervals_.empty() && next.begin <= intervals_.back().end)
            intervals_.back().end = std::max(intervals_.back().end, next.end);
        else
            intervals_.push_back(next);
    }
}

bool IntervalSet::contains(Instant t) const noexcept {
    const auto it = first_ending_after(intervals_, t);
    return it != intervals_.end() && it->begin <= t;
}

bool IntervalSet::covers(const Interval &interval) const noexcept {
    if (interval.empty())
        return true;
    const auto it = first_ending_after(intervals_, interval.begin);
    return it != intervals_.end() && it->contains(interval);
}

bool IntervalSet::overlaps(const Interval &interval) const noexcept {
    if (interval.empty())
        return false;
    const auto it = first_ending_after(intervals_, interval.begin);
    return it != intervals_.end() && it->begin < interval.end;
}

IntervalSet IntervalSet::united(const IntervalSet &other) const {
    std::vector<Interval> all = intervals_;
    all.insert(all.end(), other.intervals_.begin(), other.intervals_.end());
    return IntervalSet(std::move(all));
}

IntervalSet IntervalSet::intersected(const IntervalSet &other) const {
    IntervalSet result;
    auto a = intervals_.begin();
    auto b = other.intervals_.begin();
    while (a != intervals_.end() && b != other.intervals_.end()) {
        const Interval both{std::max(a->begin, b->begin), std::min(a->end, b->end)};
        if (!both.empty())
            result.intervals_.push_back(both);
        if (a->end < b->end)
            ++a;
        else
            ++b;
    }
    return result;
}

IntervalSet IntervalSet::subtracted(const IntervalSet &other) const {
    IntervalSet result;
    auto hole = other.intervals_.begin();
    for (const Interval &interval : intervals_) {
        Instant from = interval.begin;
        while (hole != other.intervals_.end() && hole->end <= from)
            ++hole;
        for (auto h = hole; h != other.intervals_.end() && h->begin < interval.end; ++h) {
            if (from < h->begin)
                result.intervals_.push_back({from, h->begin});
            from = std::max(from, h->end);
        }
        if (from < interval.end)
            result.intervals_.push_back({from, interval.end});
    }
    return result;
}

IntervalSet IntervalSet::widened(Duration before, Duration after) const {
    std::vector<Interval> wide = intervals_;
    for (Interval &i : wide)
        i = {saturating_add(i.begin, -before.micros), saturating_add(i.end, after.micros)};
    return IntervalSet(std::move(wide));
}

GridStarts::GridStarts(const Interval &window, const Interval &range, Duration duration, Duration step, Instant anchor)
    : last_(std::min(saturating_add(window.end, -duration.micros), Instant{range.end.micros - 1})), step_(step) {
    const Instant low = std::max(window.begin, range.begin);
    const std::int64_t past = past_grid(low, step, anchor);
    first_ = past == 0 ? low : saturating_add(low, step.micros - past);
}

bool on_grid(Instant t, Duration step, Instant anchor) noexcept { return past_grid(t, step, anchor) == 0; }

} // namespace pg_clinic::core
