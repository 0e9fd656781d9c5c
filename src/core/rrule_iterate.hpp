// Internal: the expansion of one rule in wall time, with seek. COUNT, UNTIL and the zone belong to the callers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/rrule_days.hpp"

namespace pg_clinic::core::detail {

// Walks the wall times of one rule in ascending order, without duplicates, none before DTSTART or after year 9999.
class RuleWalk {
  public:
    virtual ~RuleWalk() = default;
    RuleWalk() = default;
    RuleWalk(const RuleWalk &) = delete;
    RuleWalk &operator=(const RuleWalk &) = delete;

    // Positions before the first wall time in [from, end). Its cost does not depend on the distance.
    virtual void seek(Wall from, Wall end) = 0;

    // The next wall time, or nothing at the end.
    virtual std::optional<Wall> next() = 0;

    // Puts the next wall times into out until it is full or one at `before` or later was put; returns how many. Fewer
    // than fit, the last of them earlier than `before`, means the end.
    virtual std::size_t fill(std::span<Wall> out, Wall before) = 0;

    // How many wall times lie in [DTSTART, before), where arithmetic can tell. Does not move the walk.
    virtual std::optional<std::int64_t> rank(Wall before) = 0;
};

// The fill of a walk whose next() is known when it is compiled.
template <class Walk> std::size_t fill_by_next(Walk &walk, std::span<Wall> out, Wall before) {
    std::size_t count = 0;
    while (count < out.size()) {
        const std::optional<Wall> t = walk.next();
        if (!t)
            break;
        out[count++] = *t;
        if (*t >= before)
            break;
    }
    return count;
}

// dtstart in whole seconds. The walk keeps a reference to work, but none to the rule.
// Knows every rule; date_walk.hpp is a shorter way for plain ones.
std::unique_ptr<RuleWalk> make_general_walk(const RRule &rule, Wall dtstart, Work &work);

// The two kinds: intervals of a day and more, which expand to days and times, and intervals below a day, a grid
// that everything coarser only limits. period_walk.cpp and grid_walk.cpp make them.
std::unique_ptr<RuleWalk> make_period_walk(const RRule &rule, Wall dtstart, Work &work);
std::unique_ptr<RuleWalk> make_grid_walk(const RRule &rule, Wall dtstart, Work &work);

// What a rule leaves out: the one value that DTSTART has.
std::vector<std::int16_t> values_or(const std::vector<std::int16_t> &values, std::int64_t of_dtstart);

// The indexes BYSETPOS selects from a set of `size`, ascending; positions beyond the set select nothing.
std::vector<std::int64_t> selected(const std::vector<std::int16_t> &by_set_pos, std::int64_t size);

} // namespace pg_clinic::core::detail
