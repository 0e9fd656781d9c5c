// Civil time: the day count of the proleptic Gregorian calendar and its inverse, without tables or loops.
#include "core/civil.hpp"

#include <array>
#include <cstddef>

namespace pg_clinic::core {

namespace {

// 2000-03-01 starts an era of 400 years, in which leap days come last: the arithmetic counts from there.
constexpr std::int32_t days_per_era = 146'097;
constexpr std::int32_t march_first_2000 = 60; // days since 2000-01-01

constexpr std::int32_t floor_div(std::int32_t a, std::int32_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }

constexpr Day first_supported{-730'119}; // 0001-01-01
constexpr Day end_supported{2'921'940};  // 10000-01-01

} // namespace

bool is_leap_year(std::int32_t year) noexcept { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

std::int32_t days_in_year(std::int32_t year) noexcept { return is_leap_year(year) ? 366 : 365; }

std::int32_t days_in_month(std::int32_t year, std::int32_t month) noexcept {
    constexpr std::array<std::int8_t, 12> common{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : common[static_cast<std::size_t>(month - 1)];
}

Day to_day(CivilDate date) noexcept {
    const std::int32_t year = date.year - (date.month <= 2 ? 1 : 0) - 2000; // years run from March
    const std::int32_t era = floor_div(year, 400);
    const std::int32_t year_of_era = year - era * 400;
    const std::int32_t month = (date.month + 9) % 12; // March is 0
    const std::int32_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    const std::int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return {era * days_per_era + day_of_era + march_first_2000};
}

CivilDate to_civil(Day day) noexcept {
    const std::int32_t days = day.days - march_first_2000;
    const std::int32_t era = floor_div(days, days_per_era);
    const std::int32_t day_of_era = days - era * days_per_era;
    const std::int32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const std::int32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int32_t month = (5 * day_of_year + 2) / 153; // March is 0
    const std::int32_t civil_month = month < 10 ? month + 3 : month - 9;
    return {2000 + era * 400 + year_of_era + (civil_month <= 2 ? 1 : 0), civil_month,
            day_of_year - (153 * month + 2) / 5 + 1};
}

Weekday weekday(Day day) noexcept {
    const std::int32_t rest = (day.days + 5) % 7; // 2000-01-01 was a Saturday
    return static_cast<Weekday>(rest < 0 ? rest + 7 : rest);
}

std::int32_t day_of_year(Day day) noexcept { return day - to_day({to_civil(day).year, 1, 1}) + 1; }

Day iso_week_start(Day day) noexcept { return day - static_cast<std::int32_t>(weekday(day)); }

Day date_of(LocalTime t) noexcept { return {static_cast<std::int32_t>(floor_div(t.micros, micros_per_day))}; }

Duration time_of_day(LocalTime t) noexcept { return t - at(date_of(t)); }

LocalTime at(Day day, Duration since_midnight) noexcept { return {day.days * micros_per_day + since_midnight.micros}; }

Instant months_before(Instant t, std::int32_t months) noexcept {
    const LocalTime utc{t.micros};
    const CivilDate date = to_civil(date_of(utc));
    const std::int32_t month = date.year * 12 + (date.month - 1) - months; // of all time
    const std::int32_t year = static_cast<std::int32_t>(floor_div(month, 12));
    const std::int32_t of_year = month - 12 * year + 1;
    const std::int32_t day = date.day < days_in_month(year, of_year) ? date.day : days_in_month(year, of_year);
    return Instant{at(to_day({year, of_year, day}), time_of_day(utc)).micros};
}

bool is_supported(Day day) noexcept { return first_supported <= day && day < end_supported; }

bool is_supported(LocalTime t) noexcept { return at(first_supported) <= t && t < at(end_supported); }

} // namespace pg_clinic::core
