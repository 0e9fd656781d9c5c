// Civil dates, against a calendar that is walked day by day.
#include "core/civil.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace pg_clinic::core {
namespace {

// The types must not mix: a local date is no instant, and no time is made from a bare number.
static_assert(!std::is_convertible_v<Day, LocalTime>);
static_assert(!std::is_convertible_v<LocalTime, Instant>);
static_assert(!std::is_convertible_v<std::int64_t, Instant>);

// Walks 400 years and more from a date whose day number is known, so that every length of year is met.
void walk(CivilDate date, Day day, int weekday_number, int years) {
    const int last = date.year + years;
    int of_year = 1;
    for (; date.year < last; day = day + 1) {
        ASSERT_EQ(to_day(date), day);
        ASSERT_EQ(to_civil(day), date);
        ASSERT_EQ(static_cast<int>(weekday(day)), weekday_number);
        ASSERT_EQ(day_of_year(day), of_year);
        ASSERT_EQ(iso_week_start(day), day - weekday_number);
        weekday_number = (weekday_number + 1) % 7;
        ++of_year;
        const bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
        const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        ASSERT_EQ(days_in_month(date.year, date.month), lengths[date.month - 1]);
        ASSERT_EQ(days_in_year(date.year), leap ? 366 : 365);
        ASSERT_EQ(is_leap_year(date.year), leap);
        if (++date.day <= lengths[date.month - 1])
            continue;
        date.day = 1;
        if (++date.month <= 12)
            continue;
        date.month = 1;
        ++date.year;
        of_year = 1;
    }
}

TEST(Civil, FourHundredYearsAroundTheEpoch) { walk({1800, 1, 1}, {-73'048}, 2, 401); } // a Wednesday
TEST(Civil, FromYearOne) { walk({1, 1, 1}, {-730'119}, 0, 401); }                      // a Monday
TEST(Civil, UpToYear9999) { walk({9990, 1, 1}, {2'918'288}, 0, 10); }                  // a Monday

TEST(Civil, TheEpochIsSaturday) {
    EXPECT_EQ(to_day({2000, 1, 1}), Day{0});
    EXPECT_EQ(weekday({0}), Weekday::saturday);
}

TEST(Civil, TimesBeforeTheEpochRoundTowardsThePast) {
    const LocalTime t{-1};
    EXPECT_EQ(date_of(t), Day{-1});
    EXPECT_EQ(time_of_day(t).micros, micros_per_day - 1);
    EXPECT_EQ(at(date_of(t), time_of_day(t)), t);
    EXPECT_EQ(date_of({-micros_per_day}), Day{-1});
    EXPECT_EQ(date_of({micros_per_day}), Day{1});
}

TEST(Civil, MonthsBeforeKeepTheTimeAndEndWithTheMonth) {
    const auto at_nine = [](int y, int m, int d) { return Instant{at(to_day({y, m, d}), minutes(9 * 60)).micros}; };
    EXPECT_EQ(months_before(at_nine(2026, 6, 15), 12), at_nine(2025, 6, 15));
    EXPECT_EQ(months_before(at_nine(2026, 1, 31), 2), at_nine(2025, 11, 30));
    EXPECT_EQ(months_before(at_nine(2024, 3, 31), 1), at_nine(2024, 2, 29));
    EXPECT_EQ(months_before(at_nine(2026, 1, 1), 1), at_nine(2025, 12, 1));
    EXPECT_EQ(months_before(at_nine(2026, 12, 31), 120), at_nine(2016, 12, 31));
    EXPECT_EQ(months_before(at_nine(2026, 6, 15), 0), at_nine(2026, 6, 15));
}

TEST(Civil, SupportedRange) {
    EXPECT_TRUE(is_supported(to_day({1, 1, 1})));
    EXPECT_FALSE(is_supported(to_day({1, 1, 1}) - 1));
    EXPECT_TRUE(is_supported(to_day({9999, 12, 31})));
    EXPECT_FALSE(is_supported(to_day({9999, 12, 31}) + 1));
    EXPECT_TRUE(is_supported(LocalTime{at(to_day({9999, 12, 31})).micros + micros_per_day - 1}));
    EXPECT_FALSE(is_supported(LocalTime{at(to_day({9999, 12, 31})).micros + micros_per_day}));
    EXPECT_FALSE(is_supported(LocalTime{at(to_day({1, 1, 1})).micros - 1}));
}

} // namespace
} // namespace pg_clinic::core
