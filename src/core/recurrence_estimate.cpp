// How many instances a window may hold, for the planner: densities multiplied, nothing expanded.
#include <algorithm>
#include <cmath>

#include "core/recurrence_set.hpp"

namespace pg_clinic::core {

namespace {

constexpr double days_a_year = 365.2425;
constexpr double days_a_month = days_a_year / 12;

// The share of values a list names, or everything when there is no list.
template <typename T> double share(const std::vector<T> &values, double of) noexcept {
    return values.empty() ? 1.0 : std::min(1.0, static_cast<double>(values.size()) / of);
}

// The share of days BYDAY names; an ordinal names one day of the month or year.
double weekday_share(const RRule &rule) noexcept {
    if (rule.by_day.empty())
        return 1.0;
    const bool of_month = !rule.by_month.empty() || rule.freq == Frequency::monthly;
    double days = 0;
    for (const WeekdayNum &entry : rule.by_day)
        days += entry.ordinal == 0 ? 1.0 / 7 : 1.0 / (of_month ? days_a_month : days_a_year);
    return std::min(1.0, days);
}

double interval_days(Frequency freq) noexcept {
    switch (freq) {
    case Frequency::secondly:
        return 1.0 / 86'400;
    case Frequency::minutely:
        return 1.0 / 1440;
    case Frequency::hourly:
        return 1.0 / 24;
    case Frequency::daily:
        return 1;
    case Frequency::weekly:
        return 7;
    case Frequency::monthly:
        return days_a_month;
    case Frequency::yearly:
        break;
    }
    return days_a_year;
}

// The mean number of days within one interval of a rule of DAILY or coarser frequency.
double days_per_interval(const RRule &rule) noexcept {
    const double days = interval_days(rule.freq);
    double passing = days * share(rule.by_month, 12) * weekday_share(rule) * share(rule.by_month_day, days_a_month) *
                     share(rule.by_year_day, days_a_year) * share(rule.by_week_no, days_a_year / 7);
    const bool days_named = !rule.by_day.empty() || !rule.by_month_day.empty() || !rule.by_year_day.empty();
    if (days_named || rule.freq == Frequency::daily)
        return passing;
    if (!rule.by_week_no.empty())
        return passing / 7;
    if (rule.freq == Frequency::yearly)
        return rule.by_month.empty() ? 1.0 : static_cast<double>(rule.by_month.size());
    return share(rule.by_month, 12);
}

double count_or_one(const std::vector<std::int16_t> &values) noexcept {
    return values.empty() ? 1.0 : static_cast<double>(values.size());
}

// The mean number of instances in one interval of the rule.
double instances_per_interval(const RRule &rule) noexcept {
    const bool grid = rule.freq < Frequency::daily;
    double passes = 1; // the probability that an interval passes the coarser limits
    double members = 1;
    if (grid) {
        passes = share(rule.by_month, 12) * weekday_share(rule) * share(rule.by_month_day, days_a_month) *
                 share(rule.by_year_day, days_a_year) * share(rule.by_hour, 24);
        passes *= rule.freq < Frequency::hourly ? share(rule.by_minute, 60) : 1.0;
        passes *= rule.freq < Frequency::minutely ? share(rule.by_second, 60) : 1.0;
        members *= rule.freq == Frequency::hourly ? count_or_one(rule.by_minute) : 1.0;
        members *= rule.freq >= Frequency::minutely ? count_or_one(rule.by_second) : 1.0;
    } else {
        const double days = days_per_interval(rule);
        passes = std::min(1.0, days);
        members = std::max(1.0, days) * count_or_one(rule.by_hour) * count_or_one(rule.by_minute) *
                  count_or_one(rule.by_second);
    }
    if (!rule.by_set_pos.empty())
        members = std::min(members, static_cast<double>(rule.by_set_pos.size()));
    return passes * members;
}

double estimate_rule(const RRule &rule, double begin, double end) noexcept {
    if (rule.until)
        end = std::min(end, static_cast<double>(rule.until->micros) +
                                (rule.until->kind == Until::Kind::date ? static_cast<double>(micros_per_day) : 1.0));
    if (end <= begin)
        return 0;
    const double intervals =
        (end - begin) / static_cast<double>(micros_per_day) / (interval_days(rule.freq) * rule.interval);
    const double instances = intervals * instances_per_interval(rule);
    return rule.count ? std::min(instances, static_cast<double>(*rule.count)) : instances;
}

} // namespace

double estimate_occurrences(const RecurrenceSpec &spec, InstantRange range) noexcept {
    constexpr double last = 2'921'940.0 * static_cast<double>(micros_per_day); // 10000-01-01
    const double begin = static_cast<double>(std::max(range.begin.micros, spec.dtstart.micros));
    const double end = std::min(static_cast<double>(range.end.micros), last);
    const auto in_range = [&](std::int64_t t) { return range.begin.micros <= t && t < range.end.micros; };
    double total = 0;
    for (const RRule &rule : spec.rules)
        total += estimate_rule(rule, begin, end);
    for (const LocalTime t : spec.rdates)
        total += in_range(t.micros) ? 1 : 0;
    for (const Instant t : spec.rdate_instants)
        total += in_range(t.micros) ? 1 : 0;
    if (spec.rules.empty())
        total += in_range(spec.dtstart.micros) ? 1 : 0;
    return total;
}

} // namespace pg_clinic::core
