// A rule in English words. One phrase says which days, the others when in the day, within which months, how often and
// how long; what only limits says so, so that the sentence means what the rule does.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

#include "core/error.hpp"
#include "core/rrule.hpp"

namespace pg_clinic::core {

namespace {

constexpr std::array<const char *, 7> unit_names{"second", "minute", "hour", "day", "week", "month", "year"};
constexpr std::array<const char *, 7> weekday_names{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};
constexpr std::array<const char *, 12> month_names{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
constexpr std::array<const char *, 5> small_ordinals{"first", "second", "third", "fourth", "fifth"};

using Words = std::vector<std::string>;

// "a", "a and b", "a, b and c".
std::string joined(const Words &words, const char *last = " and ") {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0)
            text += i + 1 == words.size() ? last : ", ";
        text += words[i];
    }
    return text;
}

std::string two_digits(std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); }

// 1st, 2nd, 3rd, 4th, 11th, 21st.
std::string ordinal_number(int n) {
    const int ten = n / 10 % 10;
    const char *suffix = "th";
    if (ten != 1 && n % 10 == 1)
        suffix = "st";
    else if (ten != 1 && n % 10 == 2)
        suffix = "nd";
    else if (ten != 1 && n % 10 == 3)
        suffix = "rd";
    return std::to_string(n) + suffix;
}

// "first", "20th", "last", "second to last".
std::string ordinal_word(int n) {
    if (n == -1)
        return "last";
    const int size = std::abs(n);
    const std::string word = size <= 5 ? small_ordinals[static_cast<std::size_t>(size - 1)] : ordinal_number(size);
    return n > 0 ? word : word + " to last";
}

// Sorted numbers as words; three and more in a row become "9 to 16".
template <typename Name> Words runs(const std::vector<std::int16_t> &values, Name name) {
    Words words;
    for (std::size_t i = 0; i < values.size();) {
        std::size_t j = i;
        while (j + 1 < values.size() && values[j + 1] == values[j] + 1)
            ++j;
        if (j - i >= 2) {
            words.push_back(name(values[i]) + " to " + name(values[j]));
        } else {
            j = i;
            words.push_back(name(values[i]));
        }
        i = j + 1;
    }
    return words;
}

std::string plain_number(std::int16_t n) { return std::to_string(n); }

std::vector<std::int16_t> with_sign(const std::vector<std::int16_t> &values, bool negative) {
    std::vector<std::int16_t> kept;
    std::copy_if(values.begin(), values.end(), std::back_inserter(kept),
                 [negative](std::int16_t value) { return (value < 0) == negative; });
    if (negative)
        std::reverse(kept.begin(), kept.end()); // from the last backwards
    return kept;
}

bool is_days(const std::vector<WeekdayNum> &days, std::size_t first, std::size_t last) {
    if (days.size() != last - first + 1)
        return false;
    for (std::size_t i = 0; i < days.size(); ++i)
        if (days[i] != WeekdayNum{0, static_cast<Weekday>(first + i)})
            return false;
    return true;
}

Words plain_weekdays(const std::vector<WeekdayNum> &days) {
    Words words;
    for (const WeekdayNum &entry : days)
        if (entry.ordinal == 0)
            words.emplace_back(weekday_names[static_cast<std::size_t>(entry.day)]);
    return words;
}

Words numbered_weekdays(const std::vector<WeekdayNum> &days) {
    Words words;
    for (const bool negative : {false, true})
        for (const WeekdayNum &entry : days)
            if (entry.ordinal != 0 && (entry.ordinal < 0) == negative)
                words.push_back("the " + ordinal_word(entry.ordinal) + " " +
                                weekday_names[static_cast<std::size_t>(entry.day)]);
    return words;
}

std::string months(const RRule &rule) {
    return joined(
        runs(rule.by_month, [](std::int16_t m) { return std::string(month_names[static_cast<std::size_t>(m - 1)]); }));
}

std::string in_months(const RRule &rule) { return rule.by_month.empty() ? "" : " in " + months(rule); }

// "every day", "every 2 weeks".
std::string every(const RRule &rule) {
    const std::string unit = unit_names[static_cast<std::size_t>(rule.freq)];
    return rule.interval == 1 ? "every " + unit : "every " + std::to_string(rule.interval) + " " + unit + "s";
}

// "the 1st, the 15th and the last day".
std::string month_days(const RRule &rule) {
    Words words = runs(with_sign(rule.by_month_day, false), [](std::int16_t d) { return "the " + ordinal_number(d); });
    for (const std::int16_t day : with_sign(rule.by_month_day, true))
        words.push_back("the " + ordinal_word(day) + " day");
    return joined(words);
}

std::string year_days(const RRule &rule) {
    Words words = runs(with_sign(rule.by_year_day, false), [](std::int16_t d) { return "the " + ordinal_number(d); });
    if (!words.empty())
        words.back() += " day";
    for (const std::int16_t day : with_sign(rule.by_year_day, true))
        words.push_back("the " + ordinal_word(day) + " day");
    return joined(words);
}

// BYDAY as what the rule names: "the first Monday and every Friday".
std::string named_weekdays(const RRule &rule) {
    if (is_days(rule.by_day, 0, 4))
        return "every weekday";
    if (is_days(rule.by_day, 0, 6))
        return "every day";
    Words words = numbered_weekdays(rule.by_day);
    const Words plain = plain_weekdays(rule.by_day);
    if (!plain.empty())
        words.push_back("every " + joined(plain));
    return joined(words);
}

// BYDAY as a limit: " if it is a Monday or Friday".
std::string if_weekday(const RRule &rule) {
    if (rule.by_day.empty())
        return "";
    if (is_days(rule.by_day, 0, 4))
        return " if it is a weekday";
    Words words = numbered_weekdays(rule.by_day);
    const Words plain = plain_weekdays(rule.by_day);
    if (!plain.empty())
        words.push_back("a " + joined(plain, " or "));
    return " if it is " + joined(words, " or ");
}

std::string on_weekdays(const RRule &rule) {
    if (rule.by_day.empty())
        return "";
    return is_days(rule.by_day, 0, 4) ? " on weekdays" : " on " + joined(plain_weekdays(rule.by_day));
}

bool has_times(const RRule &rule) {
    return !rule.by_hour.empty() || !rule.by_minute.empty() || !rule.by_second.empty();
}

bool only_plain_weekdays(const RRule &rule) {
    return !rule.by_day.empty() && numbered_weekdays(rule.by_day).empty() && rule.by_month_day.empty() &&
           rule.by_year_day.empty() && rule.by_week_no.empty() && !has_times(rule);
}

std::string positions(const RRule &rule) {
    Words words;
    for (const bool negative : {false, true})
        for (const std::int16_t position : with_sign(rule.by_set_pos, negative))
            words.push_back(ordinal_word(position));
    return joined(words);
}

// BYSETPOS over plain weekdays: "the last weekday", "the first Monday or Tuesday".
std::string picked_weekdays(const RRule &rule) {
    std::string noun = joined(plain_weekdays(rule.by_day), " or ");
    if (is_days(rule.by_day, 0, 4))
        noun = "weekday";
    else if (is_days(rule.by_day, 5, 6))
        noun = "weekend day";
    else if (is_days(rule.by_day, 0, 6))
        noun = "day";
    return "the " + positions(rule) + " " + noun;
}

bool picks_weekdays(const RRule &rule) {
    return !rule.by_set_pos.empty() && rule.freq >= Frequency::monthly && only_plain_weekdays(rule) &&
           (rule.freq == Frequency::monthly || rule.by_month.size() <= 1);
}

// The days within a month, or nothing when they come from DTSTART.
std::string days_of_month(const RRule &rule) {
    if (picks_weekdays(rule))
        return picked_weekdays(rule);
    return rule.by_month_day.empty() ? named_weekdays(rule) : month_days(rule);
}

// True when the days are every so-named weekday, which needs no "of every month".
bool every_such_weekday(const RRule &rule) {
    return rule.by_month_day.empty() && numbered_weekdays(rule.by_day).empty() && !picks_weekdays(rule);
}

std::string monthly(const RRule &rule) {
    const std::string days = days_of_month(rule);
    const std::string limit = rule.by_month_day.empty() ? "" : if_weekday(rule);
    if (days.empty())
        return every(rule) + in_months(rule);
    if (rule.interval != 1)
        return every(rule) + " on " + days + in_months(rule) + limit;
    if (every_such_weekday(rule))
        return days + in_months(rule);
    return days + " of every " + (rule.by_month.empty() ? "month" : months(rule)) + limit;
}

Words week_words(const RRule &rule) {
    Words words;
    const std::vector<std::int16_t> counted = with_sign(rule.by_week_no, false);
    if (!counted.empty())
        words.push_back((counted.size() == 1 ? "week " : "weeks ") + joined(runs(counted, plain_number)));
    for (const std::int16_t week : with_sign(rule.by_week_no, true))
        words.push_back("the " + ordinal_word(week) + " week");
    return words;
}

std::string in_weeks(const RRule &rule) {
    std::string text = every(rule);
    if (!rule.by_month_day.empty())
        text += " on " + month_days(rule);
    if (!rule.by_year_day.empty())
        text += (rule.by_month_day.empty() ? " on " : " and ") + year_days(rule);
    return text + on_weekdays(rule) + " in " + joined(week_words(rule)) + in_months(rule);
}

std::string yearly(const RRule &rule) {
    const std::string each = rule.interval == 1 ? "" : every(rule) + " on ";
    if (!rule.by_week_no.empty())
        return in_weeks(rule);
    if (!rule.by_year_day.empty()) {
        const std::string limit = rule.by_month_day.empty() ? "" : " if it is " + month_days(rule) + " of the month";
        return each + year_days(rule) + (rule.interval == 1 ? " of every year" : "") + in_months(rule) + limit +
               if_weekday(rule);
    }
    const std::string days = days_of_month(rule);
    if (days.empty())
        return every(rule) + in_months(rule);
    const std::string limit = rule.by_month_day.empty() ? "" : if_weekday(rule);
    if (every_such_weekday(rule))
        return each + days + in_months(rule);
    if (!rule.by_month.empty())
        return each + days + (rule.interval == 1 ? " of every " : " of ") + months(rule) + limit;
    if (!rule.by_month_day.empty())
        return each + days + " of every month" + limit;
    return each + days + (rule.interval == 1 ? " of every year" : "");
}

std::string weekly(const RRule &rule) {
    if (rule.interval == 1 && is_days(rule.by_day, 0, 4))
        return "every weekday" + in_months(rule);
    return every(rule) + on_weekdays(rule) + in_months(rule);
}

std::string daily(const RRule &rule) {
    if (rule.interval == 1 && !rule.by_month_day.empty())
        return month_days(rule) + " of every " + (rule.by_month.empty() ? "month" : months(rule)) + if_weekday(rule);
    if (rule.interval == 1 && !rule.by_day.empty())
        return named_weekdays(rule) + in_months(rule);
    const std::string limit = rule.by_month_day.empty() ? "" : " if it is " + month_days(rule) + " of the month";
    return every(rule) + in_months(rule) + limit + if_weekday(rule);
}

// HOURLY and finer: everything but the steps limits.
std::string below_a_day(const RRule &rule) {
    std::string text = every(rule) + on_weekdays(rule);
    if (!rule.by_month_day.empty())
        text += " on " + month_days(rule) + " of the month";
    if (!rule.by_year_day.empty())
        text += (rule.by_month_day.empty() ? " on " : " and ") + year_days(rule) + " of the year";
    return text + in_months(rule);
}

std::string clock_times(const RRule &rule) {
    Words words;
    const std::vector<std::int16_t> no_seconds{-1};
    for (const std::int16_t hour : rule.by_hour)
        for (const std::int16_t minute : rule.by_minute)
            for (const std::int16_t second : rule.by_second.empty() ? no_seconds : rule.by_second)
                words.push_back(two_digits(hour) + ":" + two_digits(minute) +
                                (second < 0 ? "" : ":" + two_digits(second)));
    return " at " + joined(words);
}

// Times of day. Without BYMINUTE the minutes are DTSTART's, which a rule alone does not know, so only hours are named.
std::string times(const RRule &rule) {
    constexpr std::size_t most_times = 8;
    const std::size_t count =
        rule.by_hour.size() * rule.by_minute.size() * std::max<std::size_t>(rule.by_second.size(), 1);
    if (rule.freq >= Frequency::daily && 0 < count && count <= most_times)
        return clock_times(rule);
    const auto named = [](const char *preposition, const char *unit, const std::vector<std::int16_t> &values) {
        if (values.empty())
            return std::string();
        return std::string(preposition) + unit + (values.size() > 1 ? "s " : " ") + joined(runs(values, plain_number));
    };
    return named(" during ", "hour", rule.by_hour) + named(" at ", "minute", rule.by_minute) +
           named(" at ", "second", rule.by_second);
}

std::string set_positions(const RRule &rule) {
    if (rule.by_set_pos.empty() || picks_weekdays(rule))
        return "";
    return ", only the " + positions(rule) + " of each " + (rule.interval == 1 ? "" : "such ") +
           unit_names[static_cast<std::size_t>(rule.freq)];
}

std::string skipped(const RRule &rule) {
    if (rule.skip == Skip::omit)
        return "";
    return rule.skip == Skip::backward ? ", moved back where there is no such day"
                                       : ", moved forward where there is no such day";
}

// Where the week's first day decides which days are meant: every second week, numbered weeks.
std::string week_start(const RRule &rule) {
    const bool every_other_week = rule.freq == Frequency::weekly && rule.interval > 1 && !rule.by_day.empty();
    const bool picked_of_week = rule.freq == Frequency::weekly && !rule.by_set_pos.empty();
    if (rule.wkst == Weekday::monday || !(every_other_week || picked_of_week || !rule.by_week_no.empty()))
        return "";
    return std::string(" (weeks start on ") + weekday_names[static_cast<std::size_t>(rule.wkst)] + ")";
}

std::string bound(const RRule &rule) {
    if (rule.count)
        return *rule.count == 1 ? ", once" : ", " + std::to_string(*rule.count) + " times";
    if (!rule.until)
        return "";
    const LocalTime t{rule.until->micros};
    const CivilDate date = to_civil(date_of(t));
    std::string text = " until " + std::to_string(date.day) + " " +
                       month_names[static_cast<std::size_t>(date.month - 1)] + " " + std::to_string(date.year);
    if (rule.until->kind == Until::Kind::date)
        return text;
    const std::int64_t seconds = time_of_day(t).micros / micros_per_second;
    text += " at " + two_digits(seconds / 3600) + ":" + two_digits(seconds / 60 % 60);
    if (seconds % 60 != 0)
        text += ":" + two_digits(seconds % 60);
    return rule.until->kind == Until::Kind::instant ? text + " UTC" : text;
}

std::string days(const RRule &rule) {
    switch (rule.freq) {
    case Frequency::yearly:
        return yearly(rule);
    case Frequency::monthly:
        return monthly(rule);
    case Frequency::weekly:
        return weekly(rule);
    case Frequency::daily:
        return daily(rule);
    default:
        return below_a_day(rule);
    }
}

} // namespace

std::string describe(const RRule &rule, std::string_view locale) {
    if (locale != "en")
        throw Error(ErrorCode::invalid_parameter, "unknown locale", "Rules are described in English.", "Use \"en\".");
    const std::string clauses = set_positions(rule) + skipped(rule);
    const char *comma = rule.until && !clauses.empty() ? "," : "";
    return days(rule) + times(rule) + clauses + comma + bound(rule) + week_start(rule);
}

} // namespace pg_clinic::core
