// The canonical text of a rule. One order, no defaults, no leading zeros or signs: equal rules have equal texts.
#include <array>
#include <cstddef>

#include "core/rrule.hpp"

namespace pg_clinic::core {

namespace {

constexpr std::array<const char *, 7> frequency_names{"SECONDLY", "MINUTELY", "HOURLY", "DAILY",
                                                      "WEEKLY",   "MONTHLY",  "YEARLY"};
constexpr std::array<const char *, 7> weekday_names{"MO", "TU", "WE", "TH", "FR", "SA", "SU"};

const char *name_of(Weekday day) { return weekday_names[static_cast<std::size_t>(day)]; }

std::string padded(std::int64_t value, std::size_t width) {
    const std::string digits = std::to_string(value);
    return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

std::string until_text(const Until &until) {
    const LocalTime t{until.micros};
    const CivilDate date = to_civil(date_of(t));
    std::string text = padded(date.year, 4) + padded(date.month, 2) + padded(date.day, 2);
    if (until.kind == Until::Kind::date)
        return text;
    const std::int64_t seconds = time_of_day(t).micros / micros_per_second;
    text += "T" + padded(seconds / 3600, 2) + padded(seconds / 60 % 60, 2) + padded(seconds % 60, 2);
    return until.kind == Until::Kind::instant ? text + "Z" : text;
}

void add_list(const char *name, const std::vector<std::int16_t> &values, std::string *text) {
    char separator = '=';
    if (!values.empty())
        text->append(";").append(name);
    for (const std::int16_t value : values) {
        text->append(1, separator).append(std::to_string(value));
        separator = ',';
    }
}

void add_by_day(const std::vector<WeekdayNum> &days, std::string *text) {
    char separator = '=';
    if (!days.empty())
        text->append(";BYDAY");
    for (const WeekdayNum &entry : days) {
        text->append(1, separator);
        if (entry.ordinal != 0)
            text->append(std::to_string(entry.ordinal));
        text->append(name_of(entry.day));
        separator = ',';
    }
}

} // namespace

std::string to_text(const RRule &rule) {
    std::string text = std::string("FREQ=") + frequency_names[static_cast<std::size_t>(rule.freq)];
    if (rule.rscale_gregorian)
        text += ";RSCALE=GREGORIAN";
    if (rule.skip != Skip::omit)
        text += rule.skip == Skip::backward ? ";SKIP=BACKWARD" : ";SKIP=FORWARD";
    if (rule.until)
        text += ";UNTIL=" + until_text(*rule.until);
    if (rule.count)
        text += ";COUNT=" + std::to_string(*rule.count);
    if (rule.interval != 1)
        text += ";INTERVAL=" + std::to_string(rule.interval);
    add_list("BYMONTH", rule.by_month, &text);
    add_list("BYWEEKNO", rule.by_week_no, &text);
    add_list("BYYEARDAY", rule.by_year_day, &text);
    add_list("BYMONTHDAY", rule.by_month_day, &text);
    add_by_day(rule.by_day, &text);
    add_list("BYHOUR", rule.by_hour, &text);
    add_list("BYMINUTE", rule.by_minute, &text);
    add_list("BYSECOND", rule.by_second, &text);
    add_list("BYSETPOS", rule.by_set_pos, &text);
    if (rule.wkst != Weekday::monday)
        text += std::string(";WKST=") + name_of(rule.wkst);
    return text;
}

} // namespace pg_clinic::core
