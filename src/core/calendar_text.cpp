// Dates, times and names of iCalendar text.
#include "core/calendar_text.hpp"

#include <algorithm>
#include <cstddef>

namespace pg_clinic::core::detail {

namespace {

char upper(char c) noexcept { return 'a' <= c && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::int32_t number(std::string_view digits) noexcept {
    std::int32_t value = 0;
    for (const char digit : digits)
        value = value * 10 + (digit - '0');
    return value;
}

} // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return upper(x) == upper(y); });
}

bool all_digits(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return '0' <= c && c <= '9'; });
}

std::string quoted(std::string_view text) {
    constexpr std::size_t longest = 40;
    std::string safe = "\"";
    for (const char c : text.substr(0, longest))
        safe += ' ' <= c && c <= '~' ? c : '?';
    if (text.size() > longest)
        safe += "...";
    return safe + "\"";
}

// A second of 60 is read as 59, for want of leap seconds (RFC 5545 §3.3.12).
std::optional<DateTimeText> parse_date_time(std::string_view text) noexcept {
    DateTimeText found;
    if (!all_digits(text.substr(0, 8)) || text.size() < 8)
        return std::nullopt;
    const CivilDate date{number(text.substr(0, 4)), number(text.substr(4, 2)), number(text.substr(6, 2))};
    found.valid = date.year >= 1 && 1 <= date.month && date.month <= 12 && 1 <= date.day &&
                  date.day <= days_in_month(date.year, date.month);
    found.is_date = text.size() == 8;
    std::int64_t seconds = 0;
    if (!found.is_date) {
        found.is_utc = text.size() == 16 && upper(text[15]) == 'Z';
        const bool shaped = (text.size() == 15 || found.is_utc) && upper(text[8]) == 'T';
        if (!shaped || !all_digits(text.substr(9, 6)))
            return std::nullopt;
        const std::int32_t hour = number(text.substr(9, 2));
        const std::int32_t minute = number(text.substr(11, 2));
        const std::int32_t second = number(text.substr(13, 2));
        found.valid = found.valid && hour <= 23 && minute <= 59 && second <= 60;
        seconds = hour * 3600 + minute * 60 + std::min(second, 59);
    }
    if (found.valid)
        found.time = at(to_day(date), {seconds * micros_per_second});
    return found;
}

} // namespace pg_clinic::core::detail
