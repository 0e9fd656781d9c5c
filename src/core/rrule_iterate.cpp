// What both kinds of general walk share.
#include "core/rrule_iterate.hpp"

#include <algorithm>

namespace pg_clinic::core::detail {

std::unique_ptr<RuleWalk> make_general_walk(const RRule &rule, Wall dtstart, Work &work) {
    return rule.freq >= Frequency::daily ? make_period_walk(rule, dtstart, work) : make_grid_walk(rule, dtstart, work);
}

std::vector<std::int16_t> values_or(const std::vector<std::int16_t> &values, std::int64_t of_dtstart) {
    return values.empty() ? std::vector<std::int16_t>{static_cast<std::int16_t>(of_dtstart)} : values;
}

std::vector<std::int64_t> selected(const std::vector<std::int16_t> &by_set_pos, std::int64_t size) {
    std::vector<std::int64_t> indexes;
    for (const std::int16_t position : by_set_pos) {
        const std::int64_t index = position > 0 ? position - 1 : size + position;
        if (0 <= index && index < size)
            indexes.push_back(index);
    }
    std::sort(indexes.begin(), indexes.end());
    indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
    return indexes;
}

} // namespace pg_clinic::core::detail
