// Rules in date space, for hours and blocks: no zone, so nothing vanishes in a gap.
#include <algorithm>
#include <limits>

#include "core/date_walk.hpp"
#include "core/recurrence_set.hpp"

namespace pg_clinic::core {

namespace {

void check_date_rule(const RRule &rule) {
    if (rule.freq < Frequency::daily)
        throw Error(ErrorCode::invalid_parameter, "rule for dates has a frequency below a day",
                    "Dates repeat daily, weekly, monthly or yearly.", "Use FREQ=DAILY or a coarser frequency.");
    if (!rule.by_hour.empty() || !rule.by_minute.empty() || !rule.by_second.empty())
        throw Error(ErrorCode::invalid_parameter, "rule for dates has BYHOUR, BYMINUTE or BYSECOND",
                    "A rule for dates has no times of day.", "Leave the time parts out.");
}

// The day after the last one that UNTIL allows.
Day end_of_until(const RRule &rule, Day none) { return rule.until ? date_of(LocalTime{rule.until->micros}) + 1 : none; }

} // namespace

std::vector<Day> rule_dates(const RRule &rule, Day anchor, Day begin, Day end, Work &work) {
    using detail::wall_day;
    check_date_rule(rule);
    if (!is_supported(anchor))
        throw Error(ErrorCode::datetime_overflow, "anchor of rule out of range",
                    "A rule starts in the years 1 to 9999.");
    std::vector<Day> dates;
    const Day first = std::max(begin, anchor);
    const Day stop = std::min(end_of_until(rule, detail::expansion_end),
                              end < detail::expansion_end ? end + 1 : detail::expansion_end);
    if (first >= stop)
        return dates;
    std::optional<detail::DateWalk> plain;
    std::unique_ptr<detail::RuleWalk> general;
    detail::RuleWalk *walk = nullptr;
    if (detail::DateWalk::takes(rule))
        walk = &plain.emplace(rule, anchor.days * wall_day, work);
    else
        walk = (general = detail::make_period_walk(rule, anchor.days * wall_day, work)).get();
    std::int64_t left = rule.count.value_or(std::numeric_limits<std::int64_t>::max());
    Day from = first;
    if (rule.count) {
        if (const auto before = walk->rank(first.days * wall_day))
            left -= *before;
        else
            from = anchor;
    }
    walk->seek(from.days * wall_day, stop.days * wall_day);
    for (; left > 0; --left) {
        const auto wall = walk->next();
        if (!wall)
            break;
        const Day day{static_cast<std::int32_t>(detail::floor_div(*wall, wall_day))};
        if (day >= first)
            dates.push_back(day);
    }
    return dates;
}

} // namespace pg_clinic::core
