// Hours: rules, overrides, holidays and stays become windows; blocks become spans. Wall clocks across midnight
// and across the changes of the clock.
#include <gtest/gtest.h>

#include "core/rrule.hpp"
#include "support/clinic.hpp"

namespace pg_clinic::core::test {

namespace {

std::vector<Window> windows(const HoursBook &book, const Interval &range) {
    Work work;
    return expand_hours(book, range, work);
}

std::vector<Interval> open_spans(const HoursBook &book, const Interval &range) {
    std::vector<Interval> result;
    for (const Window &w : windows(book, range))
        if (!w.closed_by)
            result.push_back(w.span);
    return result;
}

std::vector<Interval> blocked(const std::vector<Block> &blocks, const Interval &range) {
    Work work;
    std::vector<Interval> result;
    for (const Blocked &b : expand_blocks(blocks, range, work))
        result.push_back(b.span);
    return result;
}

std::vector<Day> dates(const HoursBook &book, const Interval &range) {
    std::vector<Day> result;
    for (const Window &w : windows(book, range))
        if (!w.closed_by)
            result.push_back(w.date);
    return result;
}

HoursBook book_of(std::vector<HoursRule> rules) {
    HoursBook book;
    book.rules = std::move(rules);
    return book;
}

Interval june(int from_day, int from_hour, int to_day, int to_hour) {
    return {utc(2026, 6, from_day, from_hour), utc(2026, 6, to_day, to_hour)};
}

Day june_day(int d) { return day(2026, 6, d); }

using Intervals = std::vector<Interval>;
using Days = std::vector<Day>;

} // namespace

// ---- The wall clock

TEST(WallSpan, CrossesMidnightWhenTheEndIsNotAfterTheStart) {
    const Day d = june_day(1);
    EXPECT_EQ(wall_span(utc_zone(), d, {hm(22), hm(6)}), june(1, 22, 2, 6));
    EXPECT_EQ(wall_span(utc_zone(), d, {hm(22), hm(24)}), june(1, 22, 2, 0));
    EXPECT_EQ(wall_span(utc_zone(), d, {hm(22), hm(0)}), june(1, 22, 2, 0));
    EXPECT_EQ(wall_span(utc_zone(), d, {hm(8), hm(8)}), june(1, 8, 2, 8));
    EXPECT_EQ(wall_span(utc_zone(), d, {hm(0), hm(24)}), june(1, 0, 2, 0));
    EXPECT_EQ(wall_span(utc_zone(), d, {hm(0), hm(0)}), june(1, 0, 2, 0));
}

TEST(WallSpan, BoundInsideTheGapMovesToWhereTheClockResumes) {
    const Day d = day(2026, 3, 8); // 2:00 becomes 3:00 in New York, at 7:00Z
    EXPECT_EQ(wall_span(new_york(), d, {hm(2, 30), hm(5)}), (Interval{utc(2026, 3, 8, 7), utc(2026, 3, 8, 9)}));
    EXPECT_EQ(wall_span(new_york(), d, {hm(0), hm(2, 30)}), (Interval{utc(2026, 3, 8, 5), utc(2026, 3, 8, 7)}));
    EXPECT_EQ(wall_span(new_york(), d, {hm(0), hm(2)}), (Interval{utc(2026, 3, 8, 5), utc(2026, 3, 8, 7)}));
    EXPECT_EQ(wall_span(new_york(), d, {hm(3), hm(4)}), (Interval{utc(2026, 3, 8, 7), utc(2026, 3, 8, 8)}));
    EXPECT_TRUE(wall_span(new_york(), d, {hm(2, 10), hm(2, 50)}).empty()) << "there is no such time that night";
}

TEST(WallSpan, FirstOfAnAmbiguousPair) {
    const Day d = day(2026, 11, 1); // 2:00 becomes 1:00 in New York, at 6:00Z
    EXPECT_EQ(wall_span(new_york(), d, {hm(0), hm(3)}), (Interval{utc(2026, 11, 1, 4), utc(2026, 11, 1, 8)}));
    EXPECT_EQ(wall_span(new_york(), d, {hm(1, 30), hm(3)}), (Interval{utc(2026, 11, 1, 5, 30), utc(2026, 11, 1, 8)}));
    EXPECT_EQ(wall_span(new_york(), d, {hm(0), hm(1, 30)}), (Interval{utc(2026, 11, 1, 4), utc(2026, 11, 1, 5, 30)}));
}

TEST(WallSpan, HalfHourOfSummerTime) {
    // Lord Howe: on 5 April 2:00 becomes 1:30, on 4 October 2:00 becomes 2:30.
    EXPECT_EQ(wall_span(lord_howe(), day(2026, 4, 5), {hm(0), hm(3)}).length(), hm(3, 30));
    EXPECT_EQ(wall_span(lord_howe(), day(2026, 10, 4), {hm(0), hm(3)}).length(), hm(2, 30));
    EXPECT_EQ(wall_span(lord_howe(), day(2026, 10, 4), {hm(2, 15), hm(3)}),
              (Interval{utc(2026, 10, 3, 15, 30), utc(2026, 10, 3, 16)}));
    EXPECT_EQ(wall_span(lord_howe(), day(2026, 4, 5), {hm(1, 45), hm(2)}),
              (Interval{utc(2026, 4, 4, 14, 45), utc(2026, 4, 4, 15, 30)}));
}

TEST(WallSpan, DayThatDoesNotExist) {
    // Apia had no 30 December 2011.
    EXPECT_TRUE(day_span(apia(), day(2011, 12, 30)).empty());
    EXPECT_EQ(day_span(apia(), day(2011, 12, 29)).length(), hm(24));
    EXPECT_EQ(wall_span(apia(), day(2011, 12, 29), {hm(22), hm(6)}),
              (Interval{utc(2011, 12, 30, 8), utc(2011, 12, 30, 10)}));
    EXPECT_EQ(wall_span(apia(), day(2011, 12, 30), {hm(22), hm(6)}),
              (Interval{utc(2011, 12, 30, 10), utc(2011, 12, 30, 16)}));
}

TEST(DaySpan, IsTheLocalDayHoweverLong) {
    EXPECT_EQ(day_span(new_york(), day(2026, 3, 8)).length(), hm(23));
    EXPECT_EQ(day_span(new_york(), day(2026, 11, 1)).length(), hm(25));
    EXPECT_EQ(day_span(lord_howe(), day(2026, 4, 5)).length(), hm(24, 30));
}

// ---- Rules

TEST(Hours, WindowsOverlapTheRangeEvenWhenTheyBeginBefore) {
    const HoursBook book = book_of({hours(1, here, hm(22), hm(6))});
    EXPECT_EQ(open_spans(book, june(2, 3, 2, 4)), (Intervals{june(1, 22, 2, 6)}));
    EXPECT_EQ(open_spans(book, june(2, 6, 2, 22)), Intervals{}) << "touching is not overlap";
    EXPECT_EQ(open_spans(book, june(2, 5, 2, 23)), (Intervals{june(1, 22, 2, 6), june(2, 22, 3, 6)}));
}

TEST(Hours, FarthestZonesAreNotCutOff) {
    const FixedZone east(14 * 3600), west(-12 * 3600);
    for (const Zone *zone : {static_cast<const Zone *>(&east), static_cast<const Zone *>(&west)}) {
        const HoursBook book = book_of({hours(1, here, hm(0), hm(24), *zone)});
        EXPECT_EQ(IntervalSet(open_spans(book, june(5, 0, 7, 0))).covers(june(5, 0, 7, 0)), true);
    }
}

TEST(Hours, WindowOnEveryDateOfAChangeOfTheClock) {
    const HoursBook book = book_of({hours(1, here, hm(2, 30), hm(5), new_york())});
    EXPECT_EQ(open_spans(book, {utc(2026, 3, 7), utc(2026, 3, 10)}).size(), 3U) << "none vanishes in the gap";
}

TEST(Hours, ValidFromAndUntilAreInclusiveAndKeepThePhase) {
    HoursRule rule = hours(1, here, hm(9), hm(12), utc_zone(), daily(3));
    rule.dtstart = june_day(1); // 1, 4, 7, 10, ...
    rule.valid_from = june_day(3);
    rule.valid_until = june_day(10);
    EXPECT_EQ(dates(book_of({rule}), june(1, 0, 30, 0)), (Days{june_day(4), june_day(7), june_day(10)}));
    rule.valid_from = june_day(4);
    rule.valid_until = june_day(9);
    EXPECT_EQ(dates(book_of({rule}), june(1, 0, 30, 0)), (Days{june_day(4), june_day(7)}));
}

TEST(Hours, CountBeginsAtDtstart) {
    HoursRule rule = hours(1, here, hm(9), hm(12), utc_zone(), daily());
    rule.rule.count = 5;
    rule.dtstart = june_day(1);
    rule.valid_from = june_day(4);
    EXPECT_EQ(dates(book_of({rule}), june(1, 0, 30, 0)), (Days{june_day(4), june_day(5)}));
}

TEST(Hours, EveryOtherWeek) {
    HoursRule rule = hours(1, here, hm(9), hm(12), utc_zone(), weekly({Weekday::monday, Weekday::friday}, 2));
    rule.dtstart = day(2026, 5, 25);
    const Days expected{june_day(8), june_day(12), june_day(22), june_day(26)};
    EXPECT_EQ(dates(book_of({rule}), june(1, 0, 30, 0)), expected);
    EXPECT_EQ(dates(book_of({rule}), june(12, 11, 30, 0)), (Days{june_day(12), june_day(22), june_day(26)}))
        << "the range does not move the phase";
    rule.rule = parse_rrule("FREQ=MONTHLY;BYDAY=2MO,-1FR");
    EXPECT_EQ(dates(book_of({rule}), june(1, 0, 30, 0)), (Days{june_day(8), june_day(26)}));
}

TEST(Hours, OrderedByBeginThenLocationThenSource) {
    const HoursBook book = book_of({hours(3, there, hm(9), hm(12)), hours(2, here, hm(9), hm(12)),
                                    hours(1, here, hm(9), hm(12)), hours(4, here, hm(8), hm(12))});
    std::vector<Id> order;
    for (const Window &w : windows(book, june(1, 0, 2, 0)))
        order.push_back(w.made_by.id);
    EXPECT_EQ(order, (std::vector<Id>{id(4), id(1), id(2), id(3)}));
}

// ---- Overrides

TEST(Hours, OpenOverrideReplacesTheWindowsThatStartOnItsDateEverywhere) {
    HoursBook book =
        book_of({hours(1, here, hm(9), hm(12)), hours(2, there, hm(13), hm(17)), hours(3, here, hm(22), hm(6))});
    book.overrides = {open_on(9, june_day(2), here, hm(10), hm(11)), open_on(8, june_day(2), here, hm(14), hm(15))};
    EXPECT_EQ(open_spans(book, june(2, 0, 3, 9)),
              (Intervals{june(1, 22, 2, 6), june(2, 10, 2, 11), june(2, 14, 2, 15)}))
        << "the night before goes on, the night of the date does not begin";
    EXPECT_EQ(windows(book, june(2, 10, 2, 11))[0].made_by.table, Source::Table::date_overrides);
}

TEST(Hours, ClosedOverrideClosesItsLocationOrAll) {
    HoursBook book = book_of({hours(1, here, hm(9), hm(12)), hours(2, there, hm(13), hm(17))});
    book.overrides = {closed_on(9, june_day(2), here)};
    EXPECT_EQ(open_spans(book, june(2, 0, 3, 0)), (Intervals{june(2, 13, 2, 17)}));
    EXPECT_EQ(windows(book, june(2, 0, 3, 0))[0].closed_by->id, id(9)) << "closed windows are known";
    book.overrides = {closed_on(9, june_day(2))};
    EXPECT_EQ(open_spans(book, june(2, 0, 3, 0)), Intervals{});
    EXPECT_EQ(open_spans(book, june(1, 0, 4, 0)).size(), 4U);
}

TEST(Hours, OpenOverrideBesideAClosedOne) {
    HoursBook book = book_of({hours(1, here, hm(9), hm(12)), hours(2, there, hm(13), hm(17))});
    book.overrides = {closed_on(9, june_day(2), here), open_on(8, june_day(2), there, hm(8), hm(9))};
    EXPECT_EQ(open_spans(book, june(2, 0, 3, 0)), (Intervals{june(2, 8, 2, 9)}));
}

TEST(Hours, OverrideOverMidnight) {
    HoursBook book = book_of({hours(1, here, hm(9), hm(12))});
    book.overrides = {open_on(9, june_day(2), here, hm(20), hm(2))};
    EXPECT_EQ(open_spans(book, june(3, 0, 4, 0)), (Intervals{june(2, 20, 3, 2), june(3, 9, 3, 12)}));
}

TEST(Hours, OverrideCarriesServicesAndMost) {
    HoursBook book;
    book.overrides = {open_on(9, june_day(2), here, hm(20), hm(22))};
    book.overrides[0].services = {exam};
    book.overrides[0].max_appointments = 3;
    const Window w = windows(book, june(2, 0, 3, 0)).at(0);
    EXPECT_EQ(w.services, ServiceFilter{exam});
    EXPECT_EQ(w.max_appointments, 3);
    EXPECT_EQ(w.date, june_day(2));
    EXPECT_FALSE(book.empty());
}

// ---- Holidays

TEST(Hours, HolidayClosesWhatStartsOnItsDateAtItsLocation) {
    HoursBook book = book_of({hours(1, here, hm(22), hm(6)), hours(2, there, hm(13), hm(17))});
    book.holidays = {{id(7), here, june_day(2)}};
    EXPECT_EQ(open_spans(book, june(2, 0, 4, 0)),
              (Intervals{june(1, 22, 2, 6), june(2, 13, 2, 17), june(3, 13, 3, 17), june(3, 22, 4, 6)}));
}

TEST(Hours, HolidayBeatsAnOverrideUnlessItWorksOnHolidays) {
    HoursBook book;
    book.holidays = {{id(7), here, june_day(2)}};
    book.overrides = {open_on(9, june_day(2), here, hm(20), hm(22))};
    EXPECT_EQ(open_spans(book, june(2, 0, 3, 0)), Intervals{});
    EXPECT_EQ(windows(book, june(2, 0, 3, 0))[0].closed_by->table, Source::Table::holidays);
    book.overrides[0].works_on_holidays = true;
    EXPECT_EQ(open_spans(book, june(2, 0, 3, 0)), (Intervals{june(2, 20, 2, 22)}));
    book.overrides[0] = open_on(9, june_day(2), there, hm(20), hm(22));
    EXPECT_EQ(open_spans(book, june(2, 0, 3, 0)).size(), 1U) << "a holiday of another location";
}

// ---- Stays

TEST(Hours, StayMovesTheWallClockOnItsInclusiveDates) {
    HoursBook book = book_of({hours(1, here, hm(9), hm(12), new_york())});
    book.stays = {{id(5), june_day(2), june_day(3), &tokyo()}};
    EXPECT_EQ(open_spans(book, june(1, 0, 5, 0)),
              (Intervals{june(1, 13, 1, 16), june(2, 0, 2, 3), june(3, 0, 3, 3), june(4, 13, 4, 16)}));
    EXPECT_EQ(windows(book, june(2, 0, 2, 3))[0].zone, &tokyo());
    book.overrides = {open_on(9, june_day(3), here, hm(10), hm(11), new_york())};
    EXPECT_EQ(open_spans(book, june(3, 0, 4, 0)), (Intervals{june(3, 1, 3, 2)})) << "an override's wall clock, too";
}

TEST(Hours, StayOverMidnightFollowsTheDateOfTheStart) {
    HoursBook book = book_of({hours(1, here, hm(22), hm(2), utc_zone())});
    book.stays = {{id(5), june_day(2), june_day(2), &tokyo()}};
    EXPECT_EQ(
        open_spans(book, june(1, 0, 4, 0)),
        (Intervals{
            {utc(2026, 5, 31, 22), utc(2026, 6, 1, 2)}, june(1, 22, 2, 2), june(2, 13, 2, 17), june(3, 22, 4, 2)}));
}

TEST(Hours, DateInForce) {
    Provider p;
    p.zone = &berlin();
    p.hours.stays = {{id(5), june_day(2), june_day(4), &new_york()}};
    EXPECT_EQ(zone_on(p.hours, june_day(2), p.zone), &new_york());
    EXPECT_EQ(zone_on(p.hours, june_day(4), p.zone), &new_york());
    EXPECT_EQ(zone_on(p.hours, june_day(5), p.zone), &berlin());
}

// ---- Blocks

TEST(Blocks, ThreeForms) {
    Block dates;
    dates.id = id(2);
    dates.form = Block::Form::dates;
    dates.from = june_day(2);
    dates.until = june_day(3);
    dates.zone = &tokyo();
    Block lunch;
    lunch.id = id(1);
    lunch.form = Block::Form::recurring;
    lunch.from = june_day(1);
    lunch.rule = weekly({Weekday::monday, Weekday::thursday});
    lunch.window = {hm(12), hm(13)};
    lunch.zone = &utc_zone();
    const Block span = block_span(3, june(1, 15, 1, 17));
    EXPECT_EQ(
        blocked({dates, lunch, span}, june(1, 0, 9, 0)),
        (Intervals{june(1, 12, 1, 13), june(1, 15, 1, 17), june(1, 15, 3, 15), june(4, 12, 4, 13), june(8, 12, 8, 13)}))
        << "leave is whole local dates, both inclusive";
    lunch.until = june_day(4);
    EXPECT_EQ(blocked({lunch}, june(1, 0, 30, 0)), (Intervals{june(1, 12, 1, 13), june(4, 12, 4, 13)}))
        << "until is inclusive";
    EXPECT_EQ(blocked({lunch}, june(1, 13, 4, 12)), Intervals{});
}

TEST(Blocks, LeaveOverAChangeOfTheClock) {
    Block leave;
    leave.form = Block::Form::dates;
    leave.from = day(2026, 11, 1);
    leave.until = leave.from;
    leave.zone = &new_york();
    EXPECT_EQ(blocked({leave}, {utc(2026, 10, 1), utc(2026, 12, 1)}),
              (Intervals{{utc(2026, 11, 1, 4), utc(2026, 11, 2, 5)}}));
}

TEST(Blocks, RecurringOverMidnightReachesIntoTheRange) {
    Block night;
    night.form = Block::Form::recurring;
    night.from = june_day(1);
    night.rule = daily();
    night.window = {hm(22), hm(6)};
    night.zone = &utc_zone();
    EXPECT_EQ(blocked({night}, june(5, 1, 5, 2)), (Intervals{june(4, 22, 5, 6)}));
    night.window = {hm(0), hm(0)};
    EXPECT_EQ(blocked({night}, june(5, 1, 5, 2)), (Intervals{june(5, 0, 6, 0)})) << "the whole day";
}

TEST(Blocks, OverlappingOnesStandApart) {
    EXPECT_EQ(
        blocked({block_span(2, june(1, 9, 1, 11)), block_span(1, june(1, 9, 1, 11)), block_span(3, june(1, 12, 1, 12))},
                june(1, 0, 2, 0))
            .size(),
        2U);
}

} // namespace pg_clinic::core::test
