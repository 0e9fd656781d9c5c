// Half-open intervals of instants and sorted, disjoint sets of them.
#pragma once

#include <span>
#include <vector>

#include "core/civil.hpp"

namespace pg_clinic::core {

// The instants t with begin <= t < end; empty when begin >= end.
struct Interval {
    Instant begin;
    Instant end;
    auto operator<=>(const Interval &) const = default;

    bool empty() const noexcept { return begin >= end; }
    bool contains(Instant t) const noexcept { return begin <= t && t < end; }
    bool contains(const Interval &other) const noexcept { return begin <= other.begin && other.end <= end; }
    bool overlaps(const Interval &other) const noexcept { return begin < other.end && other.begin < end; }
    Duration length() const noexcept { return end - begin; }
};

// Sorted, disjoint, not touching, none empty. Every function that makes one keeps that.
class IntervalSet {
  public:
    IntervalSet() = default;

    // From intervals in any order, overlapping or touching or empty.
    explicit IntervalSet(std::vector<Interval> intervals);

    const std::vector<Interval> &intervals() const noexcept { return intervals_; }
    bool empty() const noexcept { return intervals_.empty(); }

    bool contains(Instant t) const noexcept;
    bool covers(const Interval &interval) const noexcept;   // an empty interval is covered
    bool overlaps(const Interval &interval) const noexcept; // an empty interval overlaps nothing

    IntervalSet united(const IntervalSet &other) const;
    IntervalSet intersected(const IntervalSet &other) const;
    IntervalSet subtracted(const IntervalSet &other) const;

    // Every interval longer by `before` at its begin and `after` at its end (both >= 0), merged where they meet. Bounds
    // beyond the range of instants stay at its ends.
    IntervalSet widened(Duration before, Duration after) const;

    bool operator==(const IntervalSet &) const = default;

  private:
    std::vector<Interval> intervals_;
};

// Starts s with [s, s + duration) inside `window`, within `range`, on the grid anchor + k * step. Duration and
// step are positive. The anchor may lie anywhere.
class GridStarts {
  public:
    GridStarts(const Interval &window, const Interval &range, Duration duration, Duration step, Instant anchor);

    // Calls visit(Instant) for each start in ascending order until it returns false.
    template <class Visit> bool each(Visit visit) const {
        std::int64_t t = first_.micros;
        while (t <= last_.micros) {
            if (!visit(Instant{t}))
                return false;
            if (__builtin_add_overflow(t, step_.micros, &t))
                break;
        }
        return true;
    }

  private:
    Instant first_;
    Instant last_;
    Duration step_;
};

// True when t lies on the grid.
bool on_grid(Instant t, Duration step, Instant anchor) noexcept;

} // namespace pg_clinic::core
