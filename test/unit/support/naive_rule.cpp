// The naive evaluator and the generator of rules for it. It shares no arithmetic with the engine but civil dates.
#include "support/naive_rule.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace pg_clinic::test {

using core::CivilDate;
using core::Day;
using core::Frequency;
using core::RRule;
using core::Skip;
using core::Weekday;

namespace {

constexpr Wall day_seconds = 86'400;

Wall floor_div(Wall a, Wall b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

bool contains(const std::vector<std::int16_t> &values, int value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

// value counted from the front, or from the back when the whole has `size`.
bool contains_either(const std::vector<std::int16_t> &values, int value, int size) {
    return contains(values, value) || contains(values, value - size - 1);
}

struct Facts { // about DTSTART
    CivilDate date;
    Weekday weekday;
    int hour, minute, second;
};

Facts facts_of(Wall t) {
    const Day day{static_cast<std::int32_t>(floor_div(t, day_seconds))};
    const Wall s = t - day.days * day_seconds;
    return {core::to_civil(day), core::weekday(day), static_cast<int>(s / 3600), static_cast<int>(s / 60 % 60),
            static_cast<int>(s % 60)};
}

// The week-year and number of a day, by walking: a week belongs to the year of its fourth day.
struct Week {
    int year, number, of;
};

Week week_of(Day day, Weekday wkst) {
    Day start = day;
    while (core::weekday(start) != wkst)
        start = start - 1;
    const int year = core::to_civil(start + 3).year;
    const auto ordinal = [](Day week_start) { return (core::day_of_year(week_start + 3) - 1) / 7 + 1; };
    Day last = start;
    while (core::to_civil(last + 10).year == year)
        last = last + 7;
    return {year, ordinal(start), ordinal(last)};
}

bool weekday_matches(const RRule &rule, Day day) {
    const CivilDate date = core::to_civil(day);
    const bool in_month = rule.freq == Frequency::monthly || !rule.by_month.empty();
    int forth = 0;
    int back = 0;
    for (int i = 0;; ++i) { // count this weekday from here to both ends of the month or year
        const CivilDate d = core::to_civil(day - 7 * i);
        if (d.year != date.year || (in_month && d.month != date.month))
            break;
        ++forth;
    }
    for (int i = 0;; ++i) {
        const CivilDate d = core::to_civil(day + 7 * i);
        if (d.year != date.year || (in_month && d.month != date.month))
            break;
        --back;
    }
    for (const core::WeekdayNum &entry : rule.by_day)
        if (entry.day == core::weekday(day) && (entry.ordinal == 0 || entry.ordinal == forth || entry.ordinal == back))
            return true;
    return false;
}

// All date parts as one predicate on an existing day, with DTSTART's parts where the rule has none.
bool day_matches(const RRule &rule, Day day, const Facts &start) {
    const CivilDate date = core::to_civil(day);
    const int month_days = core::days_in_month(date.year, date.month);
    if (!rule.by_month.empty() && !contains(rule.by_month, date.month))
        return false;
    if (!rule.by_week_no.empty()) {
        const Week week = week_of(day, rule.wkst);
        if (!contains_either(rule.by_week_no, week.number, week.of))
            return false;
    }
    if (!rule.by_year_day.empty() &&
        !contains_either(rule.by_year_day, core::day_of_year(day), core::days_in_year(date.year)))
        return false;
    if (!rule.by_month_day.empty() && !contains_either(rule.by_month_day, date.day, month_days))
        return false;
    if (!rule.by_day.empty() && !weekday_matches(rule, day))
        return false;
    const bool no_days = rule.by_day.empty() && rule.by_month_day.empty() && rule.by_year_day.empty();
    if (!no_days)
        return true;
    switch (rule.freq) {
    case Frequency::weekly:
        return core::weekday(day) == start.weekday;
    case Frequency::monthly:
        return date.day == start.date.day;
    case Frequency::yearly:
        if (!rule.by_week_no.empty())
            return core::weekday(day) == start.weekday;
        return date.day == start.date.day && (!rule.by_month.empty() || date.month == start.date.month);
    default:
        return true;
    }
}

std::int64_t interval_of(const RRule &rule, Day day) {
    const CivilDate date = core::to_civil(day);
    switch (rule.freq) {
    case Frequency::weekly: {
        Day start = day;
        while (core::weekday(start) != rule.wkst)
            start = start - 1;
        return floor_div(start.days + 100 * 7, 7);
    }
    case Frequency::monthly:
        return date.year * 12 + date.month;
    case Frequency::yearly:
        return rule.by_week_no.empty() ? date.year : week_of(day, rule.wkst).year;
    default:
        return day.days;
    }
}

// The days SKIP makes of those that do not exist, with the interval they belong to.
void add_skipped(const RRule &rule, const Facts &start, Day begin, Day end,
                 std::map<std::int64_t, std::set<Day>> *intervals) {
    const bool by_months = rule.freq == Frequency::monthly || rule.freq == Frequency::yearly;
    if (rule.skip == Skip::omit || !by_months || !rule.by_week_no.empty())
        return;
    const auto add = [&](std::int64_t interval, Day hole_begin, bool limited) {
        const Day day = rule.skip == Skip::forward ? hole_begin : hole_begin - 1;
        if (limited && (rule.by_day.empty() || weekday_matches(rule, day)))
            (*intervals)[interval].insert(day);
    };
    const int first_year = core::to_civil(begin).year;
    for (int year = first_year; year <= core::to_civil(end).year; ++year) {
        if (!rule.by_year_day.empty()) {
            for (const int nth : rule.by_year_day) {
                if (std::abs(nth) <= core::days_in_year(year))
                    continue;
                const Day hole = nth > 0 ? core::to_day({year + 1, 1, 1}) : core::to_day({year, 1, 1});
                const CivilDate date = core::to_civil(rule.skip == Skip::forward ? hole : hole - 1);
                add(year, hole,
                    (rule.by_month.empty() || contains(rule.by_month, date.month)) &&
                        (rule.by_month_day.empty() ||
                         contains_either(rule.by_month_day, date.day, core::days_in_month(date.year, date.month))));
            }
            continue;
        }
        std::vector<std::int16_t> month_days = rule.by_month_day;
        if (month_days.empty() && rule.by_day.empty())
            month_days.push_back(static_cast<std::int16_t>(start.date.day));
        for (int month = 1; month <= 12; ++month) {
            const bool dtstart_month =
                rule.freq == Frequency::yearly && rule.by_month_day.empty() && rule.by_month.empty();
            if (!rule.by_month.empty() ? !contains(rule.by_month, month) : dtstart_month && month != start.date.month)
                continue;
            const int length = core::days_in_month(year, month);
            const Day first = core::to_day({year, month, 1});
            for (const int nth : month_days)
                if (std::abs(nth) > length)
                    add(rule.freq == Frequency::monthly ? year * 12 + month : year, nth > 0 ? first + length : first,
                        true);
        }
    }
}

bool time_matches(const std::vector<std::int16_t> &values, int value, bool from_dtstart, int of_dtstart) {
    if (values.empty())
        return !from_dtstart || value == of_dtstart;
    return contains(values, value);
}

void add_selected(const RRule &rule, const std::vector<Wall> &set, Wall dtstart, Wall end, std::vector<Wall> *out) {
    const int size = static_cast<int>(set.size());
    for (int i = 0; i < size; ++i) {
        const Wall t = set[static_cast<std::size_t>(i)];
        if (!rule.by_set_pos.empty() && !contains_either(rule.by_set_pos, i + 1, size))
            continue;
        if (t >= dtstart && t < end)
            out->push_back(t);
    }
}

std::vector<Wall> walls_by_day(const RRule &rule, Wall dtstart, Wall end) {
    const Facts start = facts_of(dtstart);
    std::vector<Wall> times;
    for (int s = 0; s < day_seconds; ++s)
        if (time_matches(rule.by_hour, s / 3600, true, start.hour) &&
            time_matches(rule.by_minute, s / 60 % 60, true, start.minute) &&
            time_matches(rule.by_second, s % 60, true, start.second))
            times.push_back(s);
    const Day today{static_cast<std::int32_t>(floor_div(dtstart, day_seconds))};
    const Day first = today - 400;
    const Day last{static_cast<std::int32_t>(floor_div(end, day_seconds)) + 400}; // sets are whole
    std::map<std::int64_t, std::set<Day>> intervals;
    for (Day day = first; day <= last; day = day + 1)
        if (day_matches(rule, day, start))
            intervals[interval_of(rule, day)].insert(day);
    add_skipped(rule, start, first, last, &intervals);
    std::vector<Wall> walls;
    const std::int64_t origin = interval_of(rule, today);
    for (const auto &[interval, days] : intervals) {
        if (interval < origin || (interval - origin) % rule.interval != 0)
            continue;
        std::vector<Wall> set;
        for (const Day day : days)
            for (const Wall time : times)
                set.push_back(day.days * day_seconds + time);
        add_selected(rule, set, dtstart, end, &walls);
    }
    return walls;
}

std::vector<Wall> walls_by_time(const RRule &rule, Wall dtstart, Wall end) {
    const Facts start = facts_of(dtstart);
    const Wall unit = rule.freq == Frequency::hourly ? 3600 : rule.freq == Frequency::minutely ? 60 : 1;
    std::vector<Wall> walls;
    Day known_day{std::numeric_limits<std::int32_t>::min()};
    bool known = false;
    for (Wall t = floor_div(dtstart, unit) * unit; t < end; t += unit * rule.interval) {
        const Day day{static_cast<std::int32_t>(floor_div(t, day_seconds))};
        if (day != known_day)
            known = day_matches(rule, day, start);
        known_day = day;
        const int s = static_cast<int>(t - day.days * day_seconds);
        if (!known || !time_matches(rule.by_hour, s / 3600, false, 0))
            continue;
        std::vector<Wall> set;
        for (int i = 0; i < unit; i += 60) {
            if (!time_matches(rule.by_minute, (s + i) / 60 % 60, unit == 3600, start.minute))
                continue;
            for (int j = 0; j < std::min<Wall>(unit, 60); ++j)
                if (time_matches(rule.by_second, (s + j) % 60, unit >= 60, start.second))
                    set.push_back(t + i + j);
        }
        add_selected(rule, set, dtstart, end, &walls);
    }
    return walls;
}

// The instants that show a wall time, by trial of all offsets near it; or what the gap policy says.
bool naive_instant(const core::Zone &zone, core::LocalTime wall, core::Gap gap, core::Instant *out) {
    constexpr std::int64_t reach = 3 * core::micros_per_day;
    std::vector<core::ZoneSpan> spans;
    for (core::ZoneSpan span = zone.span_at({wall.micros - reach});; span = zone.span_at(span.end)) {
        spans.push_back(span);
        if (span.end.micros > wall.micros + reach)
            break;
    }
    for (const core::ZoneSpan &span : spans) {
        const core::Instant t{wall.micros - span.offset_seconds * core::micros_per_second};
        if (span.begin <= t && t < span.end) {
            *out = t;
            return true;
        }
    }
    for (std::size_t i = 0; i + 1 < spans.size(); ++i) {
        const core::Instant t{wall.micros - spans[i].offset_seconds * core::micros_per_second};
        const core::Instant u{wall.micros - spans[i + 1].offset_seconds * core::micros_per_second};
        if (t >= spans[i].end && u < spans[i].end) {
            *out = t;
            return gap == core::Gap::shift;
        }
    }
    return false;
}

} // namespace

std::vector<Wall> naive_walls(const RRule &rule, Wall dtstart, Wall end) {
    if (rule.until && rule.until->kind != core::Until::Kind::instant) {
        const Wall until = floor_div(rule.until->micros, core::micros_per_second);
        end = std::min(end, rule.until->kind == core::Until::Kind::date ? until + day_seconds : until + 1);
    }
    std::vector<Wall> walls =
        rule.freq >= Frequency::daily ? walls_by_day(rule, dtstart, end) : walls_by_time(rule, dtstart, end);
    std::sort(walls.begin(), walls.end());
    walls.erase(std::unique(walls.begin(), walls.end()), walls.end());
    return walls;
}

std::vector<core::Instant> naive_instants(const RRule &rule, Wall dtstart, Wall end, const core::Zone &zone,
                                          core::Gap gap) {
    std::vector<core::Instant> instants;
    std::int64_t left = rule.count.value_or(std::numeric_limits<std::int64_t>::max());
    for (const Wall wall : naive_walls(rule, dtstart, end)) {
        core::Instant t;
        if (left == 0)
            break;
        if (!naive_instant(zone, {wall * core::micros_per_second}, gap, &t))
            continue;
        --left;
        if (!rule.until || rule.until->kind != core::Until::Kind::instant || t.micros <= rule.until->micros)
            instants.push_back(t);
    }
    std::sort(instants.begin(), instants.end());
    instants.erase(std::unique(instants.begin(), instants.end()), instants.end());
    return instants;
}

std::int64_t RuleGenerator::below(std::int64_t end) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(end));
}

Wall RuleGenerator::dtstart() {
    const Day begin = core::to_day({static_cast<std::int32_t>(1995 + below(35)), 1, 1});
    Day day = begin + static_cast<std::int32_t>(below(366));
    if (chance(25)) // ends of months and years, where the edges are
        day = core::to_day({core::to_civil(day).year, static_cast<std::int32_t>(1 + below(12)), 28}) +
              static_cast<std::int32_t>(below(5));
    Wall time = below(day_seconds);
    if (chance(40))
        time = below(24) * 3600;
    return day.days * day_seconds + time;
}

std::vector<std::int16_t> RuleGenerator::numbers(int most_values, int least, int most, bool is_signed) {
    std::set<std::int16_t> values;
    const std::int64_t wanted = 1 + below(most_values);
    for (std::int64_t i = 0; i < wanted; ++i) {
        int value = static_cast<int>(least + below(most - least + 1));
        if (chance(20))
            value = chance(50) ? most : std::max(least, most - static_cast<int>(below(4)));
        values.insert(static_cast<std::int16_t>(is_signed && chance(40) ? -value : value));
    }
    return {values.begin(), values.end()};
}

void RuleGenerator::add_by_day(RRule *rule) {
    const bool ordinals =
        (rule->freq == Frequency::monthly || rule->freq == Frequency::yearly) && rule->by_week_no.empty() && chance(60);
    std::set<core::WeekdayNum> days;
    const std::int64_t wanted = 1 + below(4);
    for (std::int64_t i = 0; i < wanted; ++i) {
        core::WeekdayNum entry{0, static_cast<Weekday>(below(7))};
        if (ordinals && chance(75)) {
            const bool in_month = rule->freq == Frequency::monthly || !rule->by_month.empty();
            entry.ordinal = static_cast<std::int16_t>(1 + below(in_month ? 6 : 53));
            entry.ordinal = static_cast<std::int16_t>(chance(40) ? -entry.ordinal : entry.ordinal);
        }
        days.insert(entry);
    }
    rule->by_day.assign(days.begin(), days.end());
}

void RuleGenerator::add_skip(RRule *rule) {
    rule->rscale_gregorian = true;
    rule->skip = static_cast<Skip>(below(3));
    if (rule->by_month_day.empty() && rule->by_day.empty() && chance(50) && rule->freq >= Frequency::monthly)
        rule->by_month_day = {static_cast<std::int16_t>(29 + below(3))};
}

void RuleGenerator::add_bounds(RRule *rule, Wall dtstart) {
    if (chance(50)) {
        rule->count = 1 + below(chance(50) ? 10 : 200);
        return;
    }
    const Wall length = naive_horizon(*rule, dtstart) - dtstart;
    core::Until until{static_cast<core::Until::Kind>(below(3)), 0};
    Wall t = dtstart + below(length) - length / 20;
    if (until.kind == core::Until::Kind::date)
        t = floor_div(t, day_seconds) * day_seconds;
    until.micros = t * core::micros_per_second;
    rule->until = until;
}

RRule RuleGenerator::rule(const RuleShape &shape, Wall dtstart) {
    RRule rule;
    const int least = shape.sub_daily ? 0 : 3;
    const int most = shape.day_or_coarser ? 6 : 2;
    rule.freq = static_cast<Frequency>(least + below(most - least + 1));
    const bool day_parts =
        rule.freq != Frequency::daily && rule.freq != Frequency::weekly && rule.freq != Frequency::monthly; // BYYEARDAY
    if (chance(50))
        rule.interval = static_cast<std::int32_t>(chance(70) ? 2 + below(6) : 1 + below(100));
    rule.wkst = chance(40) ? static_cast<Weekday>(below(7)) : Weekday::monday;
    if (chance(30))
        rule.by_month = numbers(5, 1, 12, false);
    if (rule.freq == Frequency::yearly && chance(25))
        rule.by_week_no = numbers(4, 1, 53, true);
    if (day_parts && chance(20))
        rule.by_year_day = numbers(rule.freq == Frequency::yearly ? 6 : 90, 1, 366, true);
    if (rule.freq != Frequency::weekly && chance(30))
        rule.by_month_day = numbers(7, 1, 31, true);
    if (chance(40))
        add_by_day(&rule);
    if (chance(25))
        rule.by_hour = numbers(5, 0, 23, false);
    if (chance(25))
        rule.by_minute = numbers(5, 0, 59, false);
    if (chance(25))
        rule.by_second = numbers(5, 0, 59, false);
    const bool has_by = !rule.by_month.empty() || !rule.by_week_no.empty() || !rule.by_year_day.empty() ||
                        !rule.by_month_day.empty() || !rule.by_day.empty() || !rule.by_hour.empty() ||
                        !rule.by_minute.empty() || !rule.by_second.empty();
    if (has_by && chance(30))
        rule.by_set_pos = numbers(4, 1, chance(50) ? 4 : 40, true);
    if (shape.skip && chance(25))
        add_skip(&rule);
    if (shape.bounds && chance(40))
        add_bounds(&rule, dtstart);
    return rule;
}

Wall naive_horizon(const RRule &rule, Wall dtstart) {
    switch (rule.freq) {
    case Frequency::secondly:
        return dtstart + 2 * day_seconds;
    case Frequency::minutely:
        return dtstart + 20 * day_seconds;
    case Frequency::hourly:
        return dtstart + 400 * day_seconds;
    case Frequency::daily:
        return dtstart + 800 * day_seconds;
    case Frequency::weekly:
        return dtstart + 1500 * day_seconds;
    default:
        return dtstart + 3000 * day_seconds;
    }
}

} // namespace pg_clinic::test
