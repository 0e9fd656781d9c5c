// The sentences of the policies about slots, one test each: time limits, hours, grid, buffers, capacity, rooms, patients,
// limits, the order of reasons and of rows.
#include <gtest/gtest.h>

#include "support/clinic.hpp"

namespace pg_clinic::core::test {

namespace {

using Strings = std::vector<std::string>;
using Instants = std::vector<Instant>;

Instant june(int d, int h, int m = 0) { return utc(2026, 6, d, h, m); }

std::vector<Id> ids(std::initializer_list<std::uint32_t> numbers) {
    std::vector<Id> result;
    for (std::uint32_t n : numbers)
        result.push_back(id(n));
    return result;
}

} // namespace

TEST(Kernel, OffersTheWholeGridOfAFreeWindow) {
    Clinic c;
    EXPECT_EQ(c.starts(), (Instants{june(1, 9), june(1, 9, 30), june(1, 10), june(1, 10, 30), june(1, 11), june(1, 11, 30)}));
    EXPECT_EQ(c.find().front().remaining, 1);
    EXPECT_EQ(c.find().front().zone, &utc_zone());
    EXPECT_EQ(c.find().front().location, here);
}

TEST(Kernel, RangeSelectsByStart) {
    Clinic c;
    c.range = {june(1, 9, 30), june(1, 10, 30)};
    EXPECT_EQ(c.starts(), (Instants{june(1, 9, 30), june(1, 10)})) << "the start at the end of the range is outside";
    c.range = {june(1, 10, 30), june(1, 9)};
    EXPECT_TRUE(c.starts().empty());
}

// ---- Time

TEST(Kernel, ExactlyTheLeadTimeAheadIsAllowed) {
    Clinic c;
    c.service().lead_time = hm(24);
    c.diary.now = june(1, 9) - hm(24);
    EXPECT_EQ(c.why(june(1, 9)), "");
    c.diary.now = c.diary.now + Duration{1};
    EXPECT_EQ(c.why(june(1, 9)), "lead_time");
}

TEST(Kernel, StartEqualToNowHasNotBegun) {
    Clinic c;
    c.diary.now = june(1, 9);
    EXPECT_EQ(c.why(june(1, 9)), "");
    c.diary.now = june(1, 9) + Duration{1};
    EXPECT_EQ(c.why(june(1, 9)), "in_past");
    c.service().lead_time = hm(1);
    EXPECT_EQ(c.why(june(1, 9)), "in_past") << "what has begun is past, not too soon";
}

TEST(Kernel, LeadTimeIsElapsed) {
    Clinic c;
    c.only_location(new_york());
    c.provider().hours.rules = {hours(50, here, hm(9), hm(12), new_york())};
    c.range = {utc(2026, 3, 8), utc(2026, 3, 9)};
    c.service().lead_time = hm(24);
    c.diary.now = local(new_york(), 2026, 3, 7, 9); // 23 hours before 9:00, for the night is an hour short
    EXPECT_EQ(c.why(local(new_york(), 2026, 3, 8, 9)), "lead_time");
    EXPECT_EQ(c.why(local(new_york(), 2026, 3, 8, 10)), "");
}

TEST(Kernel, SameDayIsTheLocationsDate) {
    Clinic c;
    c.diary.locations = {{here, true, &tokyo()}};
    c.provider().hours.rules = {hours(50, here, hm(9), hm(12), tokyo())};
    c.service().same_day = false;
    c.range = {june(1, 0), june(4, 0)};
    c.diary.now = june(1, 15); // midnight of 2 June in Tokyo
    EXPECT_EQ(c.why(local(tokyo(), 2026, 6, 2, 9)), "lead_time");
    EXPECT_EQ(c.why(local(tokyo(), 2026, 6, 3, 9)), "");
    c.diary.now = c.diary.now - Duration{1};
    EXPECT_EQ(c.why(local(tokyo(), 2026, 6, 2, 9)), "");
}

TEST(Kernel, HorizonEndsWithTodayPlusNInclusiveInLocationDates) {
    Clinic c;
    c.diary.locations = {{here, true, &tokyo()}};
    c.provider().hours.rules = {hours(50, here, hm(0), hm(24), tokyo())};
    c.service().horizon_days = 2;
    c.range = {june(1, 0), june(9, 0)};
    c.diary.now = june(1, 15) - Duration{1}; // still 1 June in Tokyo
    EXPECT_EQ(c.why(local(tokyo(), 2026, 6, 3, 23, 30)), "");
    EXPECT_EQ(c.why(local(tokyo(), 2026, 6, 4)), "horizon");
    c.diary.now = june(1, 15);
    EXPECT_EQ(c.why(local(tokyo(), 2026, 6, 4, 23, 30)), "");
    EXPECT_EQ(c.why(local(tokyo(), 2026, 6, 5)), "horizon");
    c.service().horizon_days = 0;
    EXPECT_EQ(c.why(local(tokyo(), 2026, 6, 2, 23, 30)), "");
    EXPECT_EQ(c.why(local(tokyo(), 2026, 6, 3)), "horizon");
}

// ---- Hours

TEST(Kernel, HoursContainTheVisitNotItsBuffers) {
    Clinic c;
    c.service().buffers = {minutes(15), minutes(15)};
    EXPECT_EQ(c.why(june(1, 9)), "");
    EXPECT_EQ(c.why(june(1, 11, 30)), "");
    EXPECT_EQ(c.why(june(1, 12)), "outside_hours");
    EXPECT_EQ(c.why(june(1, 8, 30)), "outside_hours");
    EXPECT_EQ(c.why(june(1, 11, 45)), "outside_hours off_grid");
}

TEST(Kernel, BuffersInsideHoursWhereTheServiceSaysSo) {
    Clinic c;
    c.service().buffers = {minutes(30), minutes(15)};
    c.service().buffers_inside_hours = true;
    EXPECT_EQ(c.starts(), (Instants{june(1, 9, 30), june(1, 10), june(1, 10, 30), june(1, 11)}))
        << "the grid stays anchored at the window";
    EXPECT_EQ(c.why(june(1, 9)), "outside_hours");
}

TEST(Kernel, RoomHoursContainBuffersWhereTheServiceSaysSo) {
    Clinic c;
    c.service().required = {{"room", 1}};
    Resource &room = c.add_room(60);
    room.hours.rules = {hours(61, here, hm(9, 30), hm(11))};
    room.buffers = {minutes(0), minutes(15)};
    EXPECT_EQ(c.starts(), (Instants{june(1, 9, 30), june(1, 10), june(1, 10, 30)}));
    c.service().buffers_inside_hours = true;
    EXPECT_EQ(c.starts(), (Instants{june(1, 9, 30), june(1, 10)}));
}

TEST(Kernel, ClosedDateAndOutsideHours) {
    Clinic c;
    c.provider().hours.overrides = {closed_on(51, day(2026, 6, 1))};
    EXPECT_EQ(c.why(june(1, 9)), "closed_on_date") << "but for the override it would be open";
    EXPECT_EQ(c.why(june(1, 20)), "closed_on_date outside_hours") << "it would be closed anyway";
    EXPECT_EQ(c.why(june(1, 11, 45)), "closed_on_date outside_hours");
    EXPECT_EQ(c.judge(june(1, 9)).findings[0].source.id, id(51));
    c.range = {june(1, 0), june(3, 0)};
    EXPECT_EQ(c.why(june(2, 9)), "");
    c.provider().hours.overrides = {};
    c.provider().hours.holidays = {{id(52), here, day(2026, 6, 1)}};
    EXPECT_EQ(c.why(june(1, 9)), "closed_on_date");
    EXPECT_EQ(c.judge(june(1, 9)).findings[0].source.table, Source::Table::holidays);
    EXPECT_TRUE(c.judge(june(1, 9), here, 0, false).findings.size() == 1);
}

TEST(Kernel, VisitThatRunsIntoAClosedDate) {
    Clinic c;
    c.provider().hours.rules = {hours(50, here, hm(0), hm(24))};
    c.provider().hours.holidays = {{id(52), here, day(2026, 6, 2)}};
    c.service().step = minutes(15);
    EXPECT_EQ(c.why(june(1, 23, 30)), "");
    EXPECT_EQ(c.why(june(1, 23, 45)), "closed_on_date");
}

TEST(Kernel, WindowTooShort) {
    Clinic c;
    c.provider().hours.rules = {hours(50, here, hm(9), hm(9, 20))};
    EXPECT_EQ(c.why(june(1, 9)), "window_too_short");
    EXPECT_EQ(c.why(june(1, 9, 10)), "window_too_short off_grid");
    EXPECT_EQ(c.why(june(1, 8)), "outside_hours");
    c.provider().hours.rules = {hours(50, here, hm(9), hm(9, 30))};
    EXPECT_EQ(c.why(june(1, 9, 10)), "outside_hours off_grid") << "the window as such would do";
}

TEST(Kernel, Duration) {
    Clinic c;
    c.request.duration = minutes(45);
    EXPECT_EQ(c.why(june(1, 9)), "bad_duration");
    c.service().max_duration = minutes(60);
    EXPECT_EQ(c.why(june(1, 9)), "");
    EXPECT_EQ(c.find().front().visit.length(), minutes(45));
    c.request.duration = minutes(20);
    EXPECT_EQ(c.why(june(1, 9)), "bad_duration");
    c.request.duration = minutes(60) + Duration{1};
    EXPECT_EQ(c.why(june(1, 9)), "bad_duration");
    for (Duration d : {Duration{0}, minutes(-30)}) {
        c.request.duration = d;
        EXPECT_EQ(c.judge(june(1, 9), here, 0, false).findings.at(0).reason, Reason::bad_duration);
        EXPECT_TRUE(c.starts().empty());
    }
    c.request.duration.reset();
    c.provider().duration = minutes(90); // the provider's own length is always fine
    EXPECT_EQ(c.why(june(1, 9)), "");
    EXPECT_EQ(c.starts().size(), 4U);
}

TEST(Kernel, NamelessServiceIsServedByEveryWindow) {
    Clinic c;
    c.service().id = {};
    c.service().min_duration = c.service().max_duration = {};
    c.provider().hours.rules[0].services = {other_service};
    c.request.duration = minutes(180);
    EXPECT_EQ(c.starts(), Instants{june(1, 9)});
}

// ---- Grid

TEST(Kernel, TouchingWindowsAreMergedThenCut) {
    Clinic c;
    c.provider().hours.rules = {hours(50, here, hm(9), hm(9, 50)), hours(51, here, hm(9, 50), hm(11, 10))};
    EXPECT_EQ(c.starts(), (Instants{june(1, 9), june(1, 9, 30), june(1, 10), june(1, 10, 30)}));
    c.provider().hours.rules[1].window.start = hm(9, 55);
    EXPECT_EQ(c.starts(), (Instants{june(1, 9), june(1, 9, 55), june(1, 10, 25)}));
    c.provider().hours.rules[1].window.start = hm(9, 10);
    EXPECT_EQ(c.starts(), (Instants{june(1, 9), june(1, 9, 30), june(1, 10), june(1, 10, 30)}));
}

TEST(Kernel, WindowsOfAnotherServiceOrLocationAreNotMerged) {
    Clinic c;
    c.provider().hours.rules = {hours(50, here, hm(9), hm(9, 50)), hours(51, here, hm(9, 50), hm(11, 10))};
    c.provider().hours.rules[0].services = {other_service};
    EXPECT_EQ(c.starts(), (Instants{june(1, 9, 50), june(1, 10, 20)}));
    c.provider().hours.rules[0].services = {other_service, exam};
    EXPECT_EQ(c.starts().front(), june(1, 9));
    c.provider().hours.rules[0].location = there;
    EXPECT_EQ(c.starts(), (Instants{june(1, 9), june(1, 9, 50), june(1, 10, 20)}));
}

TEST(Kernel, GridFromMidnightWhereTheServiceSaysSo) {
    Clinic c;
    c.provider().hours.rules = {hours(50, here, hm(9, 10), hm(11))};
    EXPECT_EQ(c.starts(), (Instants{june(1, 9, 10), june(1, 9, 40), june(1, 10, 10)}));
    c.service().anchor = Anchor::midnight;
    EXPECT_EQ(c.starts(), (Instants{june(1, 9, 30), june(1, 10), june(1, 10, 30)}));
    c.service().step = minutes(50); // 0:00 + 11 * 50 minutes = 9:10
    EXPECT_EQ(c.starts(), (Instants{june(1, 9, 10), june(1, 10)}));
}

TEST(Kernel, MidnightIsLocal) {
    Clinic c;
    c.only_location(new_york());
    c.provider().hours.rules = {hours(50, here, hm(9), hm(12), new_york())};
    c.service().anchor = Anchor::midnight;
    c.service().step = hm(7);
    c.range = {utc(2026, 6, 1), utc(2026, 6, 3)};
    c.provider().hours.rules[0].window = {hm(6), hm(15)};
    EXPECT_EQ(c.starts().at(0), local(new_york(), 2026, 6, 1, 7));
    c.range = {utc(2026, 3, 8), utc(2026, 3, 9)}; // steps are elapsed time: an hour is missing
    EXPECT_EQ(c.starts().at(0), local(new_york(), 2026, 3, 8, 8));
}

TEST(Kernel, BookingsBlocksBuffersAndRangeNeverMoveTheGrid) {
    Clinic c;
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(20))});
    c.provider().blocks = {block_span(71, {june(1, 10), june(1, 10, 40)})};
    c.service().buffers = {minutes(0), minutes(5)};
    EXPECT_EQ(c.starts(), (Instants{june(1, 11), june(1, 11, 30)}));
    c.range.begin = june(1, 9, 7);
    EXPECT_EQ(c.starts(), (Instants{june(1, 11), june(1, 11, 30)}));
}

TEST(Kernel, RoundTheClockGridDoesNotDependOnTheRange) {
    Clinic c;
    c.only_location(new_york());
    c.provider().hours.rules = {hours(50, here, hm(0), hm(24), new_york())};
    c.provider().hours.rules[0].dtstart = c.provider().hours.rules[0].valid_from = day(2026, 2, 1);
    c.service().step = minutes(45);
    const Instant anchor = local(new_york(), 2026, 2, 1);
    for (const int days : {0, 1, 2, 5, 20, 40, 90, 200}) {
        c.range = {anchor + hm(24 * days, 10), anchor + hm(24 * days + 30)};
        EXPECT_GE(c.starts().size(), 26U) << days;
        for (Instant t : c.starts())
            EXPECT_EQ((t - anchor).micros % minutes(45).micros, 0) << days;
    }
}

TEST(Kernel, RepeatedHourGivesItsStartsTwiceAndMissingHourNone) {
    Clinic c;
    c.only_location(new_york());
    c.provider().hours.rules = {hours(50, here, hm(0), hm(3), new_york())};
    c.range = {utc(2026, 11, 1), utc(2026, 11, 2)};
    EXPECT_EQ(c.starts().size(), 8U) << "0:00 to 3:00 are four hours that night";
    EXPECT_TRUE(c.offers(utc(2026, 11, 1, 5, 30)) && c.offers(utc(2026, 11, 1, 6, 30))) << "1:30 twice";
    c.range = {utc(2026, 3, 8), utc(2026, 3, 9)};
    EXPECT_EQ(c.starts(), (Instants{utc(2026, 3, 8, 5), utc(2026, 3, 8, 5, 30), utc(2026, 3, 8, 6), utc(2026, 3, 8, 6, 30)}));
}

// ---- Buffers

TEST(Kernel, BuffersAreAdditiveAndTouchingIsFine) {
    Clinic c;
    Busy b = claim(70, june(1, 10), minutes(30));
    b.during.end = b.during.end + minutes(15); // the booking's own buffer, until 10:45
    c.provider().busy = BusyList({b});
    c.service().step = minutes(5);
    EXPECT_EQ(c.why(june(1, 10, 45)), "");
    EXPECT_EQ(c.why(june(1, 10, 40)), "slot_taken");
    c.service().buffers = {minutes(15), minutes(0)};
    EXPECT_EQ(c.why(june(1, 11)), "");
    EXPECT_EQ(c.why(june(1, 10, 55)), "slot_taken") << "15 after one and 15 before the next";
    EXPECT_EQ(c.why(june(1, 9, 30)), "");
    c.service().buffers = {minutes(0), minutes(10)};
    EXPECT_EQ(c.why(june(1, 9, 20)), "");
    EXPECT_EQ(c.why(june(1, 9, 25)), "slot_taken");
}

TEST(Kernel, LongestBufferUnlessSetExplicitly) {
    Clinic c;
    c.diary.tenant.buffers = {minutes(5), minutes(1)};
    c.service().buffers = {minutes(10), minutes(2)};
    c.provider().buffers = {minutes(7), minutes(3)};
    Resource room;
    room.buffers = {minutes(20), minutes(0)};
    const auto buffers = [&] {
        Work work;
        const Kernel k(c.diary, c.request, c.range, work);
        const Buffers p = k.provider_buffers(0), r = k.resource_buffers(room);
        return std::vector<Duration>{p.before, p.after, r.before, r.after};
    };
    EXPECT_EQ(buffers(), (std::vector<Duration>{minutes(10), minutes(3), minutes(20), minutes(2)}));
    c.provider().buffer_before = minutes(1);
    c.provider().buffer_after = minutes(0);
    EXPECT_EQ(buffers(), (std::vector<Duration>{minutes(1), minutes(0), minutes(20), minutes(2)}));
    c.request.buffer_before = minutes(4);
    EXPECT_EQ(buffers(), (std::vector<Duration>{minutes(4), minutes(0), minutes(4), minutes(2)}));
}

TEST(Kernel, BuffersReachIntoNoBlock) {
    Clinic c;
    c.provider().blocks = {block_span(71, {june(1, 10), june(1, 10, 30)})};
    EXPECT_EQ(c.why(june(1, 9, 30)), "");
    EXPECT_EQ(c.why(june(1, 10)), "blocked");
    c.service().buffers = {minutes(0), minutes(1)};
    EXPECT_EQ(c.why(june(1, 9, 30)), "blocked");
    EXPECT_EQ(c.why(june(1, 10, 30)), "");
    EXPECT_EQ(c.judge(june(1, 10)).findings[0].source.id, id(71));
}

TEST(Kernel, BlockKeptForAPatientOrForServices) {
    Clinic c;
    c.provider().blocks = {block_span(71, {june(1, 9), june(1, 12)})};
    c.provider().blocks[0].services = {other_service};
    EXPECT_EQ(c.why(june(1, 9)), "");
    c.provider().blocks[0].services = {other_service, exam};
    EXPECT_EQ(c.why(june(1, 9)), "blocked");
    c.provider().blocks[0].kept_for = pat;
    EXPECT_EQ(c.why(june(1, 9)), "blocked");
    c.diary.patient = Patient{pat, true, {}};
    EXPECT_EQ(c.why(june(1, 9)), "");
    c.diary.patient->id = id(41);
    EXPECT_EQ(c.why(june(1, 9)), "blocked");
    c.provider().blocks[0].location = there;
    EXPECT_EQ(c.why(june(1, 9)), "") << "a block of another location";
}

// ---- Driving

namespace {

Clinic two_locations() {
    Clinic c;
    c.diary.travel = {{{here, there}, minutes(40)}, {{there, here}, minutes(20)}};
    return c;
}

} // namespace

TEST(Kernel, DrivingTimeIsKeptBetweenVisitsNotAddedToBuffers) {
    Clinic c = two_locations();
    c.service().step = minutes(5);
    c.service().buffers = {minutes(10), minutes(10)};
    Busy away = claim(70, june(1, 10), minutes(30));
    away.during = {away.visit.begin - minutes(10), away.visit.end + minutes(10)};
    away.location = there;
    c.provider().busy = BusyList({away});
    EXPECT_EQ(c.why(june(1, 10, 50)), "") << "20 minutes of driving, within 10 + 10 of buffers";
    EXPECT_EQ(c.why(june(1, 10, 45)), "slot_taken") << "a claim that overlaps is taken, not out of reach";
    c.diary.travel[{there, here}] = minutes(25);
    EXPECT_EQ(c.why(june(1, 10, 50)), "blocked");
    EXPECT_EQ(c.why(june(1, 10, 55)), "");
    EXPECT_EQ(c.judge(june(1, 10, 50)).findings[0].source.table, Source::Table::travel_times);
    c.range.begin = june(1, 0);
    c.provider().hours.rules[0].window.start = hm(8);
    EXPECT_EQ(c.why(june(1, 8, 50)), "") << "40 minutes on the way there";
    EXPECT_EQ(c.why(june(1, 8, 55)), "blocked");
}

TEST(Kernel, SessionElsewhereWithFreeSeatsIsStillElsewhere) {
    Clinic c = two_locations();
    c.service().capacity = 5;
    Busy away = claim(70, june(1, 10), minutes(30), 5);
    away.location = there;
    c.provider().busy = BusyList({away});
    EXPECT_EQ(c.why(june(1, 10)), "blocked");
    EXPECT_EQ(c.why(june(1, 9)), "blocked");
    EXPECT_EQ(c.why(june(1, 11)), "");
}

TEST(Kernel, MovingTheVisitElsewhereFreesTheWay) {
    Clinic c = two_locations();
    Busy away = claim(70, june(1, 10), minutes(30));
    away.location = there;
    c.provider().busy = BusyList({away});
    EXPECT_EQ(c.why(june(1, 9, 30)), "blocked");
    c.request.ignored = {away.appointment};
    EXPECT_EQ(c.why(june(1, 9, 30)), "");
}

TEST(Kernel, DrivingTimeTrimsTheLaterWindow) {
    Clinic c = two_locations();
    c.provider().hours.rules.push_back(hours(51, there, hm(7), hm(9)));
    EXPECT_EQ(c.why(june(1, 9)), "blocked");
    EXPECT_EQ(c.starts().size(), 4U + 5U) << "the grid of the later window stays";
    c.service().buffers = {minutes(15), minutes(0)};
    EXPECT_EQ(c.why(june(1, 9, 30)), "") << "the buffer may lie on the way, as it may lie outside the hours";
    c.service().buffers_inside_hours = true;
    EXPECT_EQ(c.why(june(1, 9, 30)), "blocked");
    c.service().buffers_inside_hours = false;
    c.provider().hours.rules[1].window.end = hm(9, 5);
    EXPECT_EQ(c.why(june(1, 9)), "") << "windows that overlap say nothing about the way";
    c.provider().hours.rules[1].window.end = hm(8, 40);
    EXPECT_EQ(c.why(june(1, 9)), "");
}

TEST(Kernel, TrimmingDoesNotDependOnHowHoursAreCut) {
    Clinic c = two_locations();
    c.provider().hours.rules = {hours(50, here, hm(8), hm(10)), hours(51, here, hm(10), hm(12)),
                                hours(52, there, hm(9), hm(10))};
    EXPECT_EQ(c.why(june(1, 10)), "");
}

// ---- Capacity and holds

TEST(Kernel, SmallestCapacityHoldsWhereTheyMeet) {
    Clinic c;
    c.service().capacity = 3;
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(30), 3), claim(71, june(1, 9), minutes(30), 3)});
    EXPECT_EQ(c.why(june(1, 9)), "");
    EXPECT_EQ(c.judge(june(1, 9)).remaining, 1);
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(30), 1)});
    EXPECT_EQ(c.why(june(1, 9)), "slot_taken") << "the visit there tolerates nobody";
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(30), 3)});
    c.service().capacity = 1;
    EXPECT_EQ(c.why(june(1, 9)), "slot_taken") << "this visit tolerates nobody";
    c.service().capacity = 2;
    EXPECT_EQ(c.why(june(1, 9)), "");
    EXPECT_EQ(c.judge(june(1, 9)).remaining, 1);
}

TEST(Kernel, FullAndSlotTaken) {
    Clinic c;
    c.service().capacity = 2;
    c.service().duration = c.service().min_duration = c.service().max_duration = minutes(60);
    const Busy seat1 = claim(70, june(1, 9), minutes(30), 2), seat2 = claim(71, june(1, 9), minutes(30), 2);
    const Busy single = claim(72, june(1, 9, 30), minutes(30), 1);
    c.provider().busy = BusyList({seat1, seat2});
    EXPECT_EQ(c.why(june(1, 9)), "full");
    c.provider().busy = BusyList({single});
    EXPECT_EQ(c.why(june(1, 9)), "slot_taken");
    c.provider().busy = BusyList({seat1, seat2, single});
    EXPECT_EQ(c.why(june(1, 9)), "slot_taken full") << "both, in the order of reasons";
    EXPECT_EQ(c.judge(june(1, 9), here, 0, false).findings.at(0).reason, Reason::slot_taken);
}

TEST(Kernel, HeldWhereAHoldIsInTheWay) {
    Clinic c;
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(30), 1, ClaimKind::hold)});
    EXPECT_EQ(c.why(june(1, 9)), "held");
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(30), 1, ClaimKind::offer)});
    EXPECT_EQ(c.why(june(1, 9)), "held");
    EXPECT_EQ(c.judge(june(1, 9)).findings[0].source.id, id(70));
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(30), 1, ClaimKind::pending)});
    EXPECT_EQ(c.why(june(1, 9)), "slot_taken");
}

TEST(Kernel, HoldThatIsNotInTheWayIsNotNamed) {
    Clinic c;
    c.service().capacity = 3;
    c.service().duration = c.service().min_duration = c.service().max_duration = minutes(60);
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(30), 1),
                                  claim(71, june(1, 9, 30), minutes(30), 3, ClaimKind::hold)});
    EXPECT_EQ(c.why(june(1, 9)), "slot_taken") << "the seat is held elsewhere in the hour, where there is room";
}

TEST(Kernel, LastSeatHeld) {
    Clinic c;
    c.service().capacity = 2;
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(30), 2),
                                  claim(71, june(1, 9), minutes(30), 2, ClaimKind::hold)});
    EXPECT_EQ(c.why(june(1, 9)), "held");
    EXPECT_EQ(c.judge(june(1, 9)).findings[0].source.id, id(71));
}

TEST(Kernel, OverbookedClaimsCount) {
    Clinic c;
    Busy over = claim(70, june(1, 9), minutes(30));
    over.overbooked = true;
    c.provider().busy = BusyList({over});
    EXPECT_EQ(c.why(june(1, 9)), "slot_taken");
}

TEST(Kernel, WindowTakesItsMost) {
    Clinic c;
    HoursBook &book = c.provider().hours;
    book.rules[0].max_appointments = 2;
    c.service().capacity = 5;
    c.provider().visits = {{june(1, 9), exam, here, id(80)}};
    EXPECT_EQ(c.why(june(1, 9, 30)), "");
    EXPECT_EQ(c.judge(june(1, 9, 30)).remaining, 1) << "of five seats, one is left in the window";
    c.provider().visits.push_back({june(1, 11, 59), exam, here, id(81)});
    EXPECT_EQ(c.why(june(1, 9, 30)), "full");
    EXPECT_EQ(c.judge(june(1, 9, 30)).findings[0].source.id, id(50));
    c.request.ignored = {id(81)};
    EXPECT_EQ(c.why(june(1, 9, 30)), "") << "the visit being moved";
    c.request.ignored.clear();
    c.provider().visits[1].start = june(1, 12);
    EXPECT_EQ(c.why(june(1, 9, 30)), "") << "a start at the window's end is not within";
    c.provider().visits[1] = {june(1, 9), exam, there, id(81)};
    EXPECT_EQ(c.why(june(1, 9, 30)), "") << "elsewhere";
    c.provider().visits[1] = {june(1, 9), other_service, here, id(81)};
    EXPECT_EQ(c.why(june(1, 9, 30)), "full");
    book.rules[0].services = {exam};
    EXPECT_EQ(c.why(june(1, 9, 30)), "") << "a service that the window does not serve";
    c.provider().visits[1] = {june(1, 9), exam, here, id(81)};
    EXPECT_EQ(c.why(june(1, 9, 30)), "full");
    book.rules.push_back(hours(53, here, hm(9), hm(10)));
    EXPECT_EQ(c.why(june(1, 9, 30)), "") << "another window takes it";
    EXPECT_EQ(c.why(june(1, 10)), "full");
}

// ---- Rooms

TEST(Kernel, RoomsByClass) {
    Clinic c;
    c.service().required = {{"laser", 1}, {"room", 2}};
    c.add_room(60);
    c.add_room(61);
    c.add_room(62);
    c.add_room(63, "laser");
    EXPECT_EQ(c.judge(june(1, 9)).resources, ids({60, 61, 63}));
    c.diary.resources[0].busy = BusyList({claim(90, june(1, 9, 15), minutes(30))});
    EXPECT_EQ(c.judge(june(1, 9)).resources, ids({61, 62, 63}));
    c.diary.resources[1].active = false;
    EXPECT_EQ(c.why(june(1, 9)), "no_resource");
    EXPECT_EQ(c.judge(june(1, 9)).findings[0].resource_class, "room");
    EXPECT_EQ(c.why(june(1, 10)), "");
    c.diary.resources[3].location = there;
    EXPECT_EQ(c.why(june(1, 9)), "no_resource no_resource");
    EXPECT_EQ(c.judge(june(1, 9)).findings[0].resource_class, "laser");
    EXPECT_EQ(c.judge(june(1, 9), here, 0, false).findings.size(), 1U);
}

TEST(Kernel, NamedRoom) {
    Clinic c;
    c.service().required = {{"room", 1}};
    c.add_room(60);
    c.add_room(61);
    c.request.named_resources = ids({61});
    EXPECT_EQ(c.judge(june(1, 9)).resources, ids({61}));
    c.diary.resources[1].blocks = {block_span(91, {june(1, 9), june(1, 10)})};
    EXPECT_EQ(c.why(june(1, 9)), "no_resource");
    EXPECT_EQ(c.judge(june(1, 9)).findings[0].source.id, id(61));
    EXPECT_EQ(c.why(june(1, 10)), "");
    c.request.named_resources = ids({999});
    EXPECT_EQ(c.judge(june(1, 9)).resources, ids({60})) << "naming nothing of the class leaves it open";
}

TEST(Kernel, BuffersBelongToEachRoom) {
    Clinic c;
    c.service().required = {{"room", 1}};
    c.add_room(60).buffers = {minutes(0), minutes(30)};
    c.diary.resources[0].busy = BusyList({claim(90, june(1, 10), minutes(30))});
    EXPECT_EQ(c.why(june(1, 9, 30)), "no_resource");
    EXPECT_EQ(c.why(june(1, 9)), "");
    EXPECT_EQ(c.why(june(1, 10, 30)), "");
    c.diary.resources[0].busy = {};
    c.diary.resources[0].blocks = {block_span(91, {june(1, 10), june(1, 10, 30)})};
    c.diary.resources[0].blocks[0].location = there;
    EXPECT_EQ(c.why(june(1, 9, 30)), "") << "a block of another location";
    c.diary.resources[0].blocks[0].location = {};
    EXPECT_EQ(c.why(june(1, 9, 30)), "no_resource");
}

TEST(Kernel, RoomQuantityAndSharing) {
    Clinic c;
    c.service().required = {{"chair", 1}};
    c.add_room(60, "chair").quantity = 2;
    c.diary.resources[0].busy = BusyList({claim(90, june(1, 9), minutes(30), 2)});
    EXPECT_EQ(c.why(june(1, 9)), "");
    c.diary.resources[0].busy = BusyList({claim(90, june(1, 9), minutes(30), 2), claim(91, june(1, 9), minutes(30), 2)});
    EXPECT_EQ(c.why(june(1, 9)), "no_resource");
    c.add_room(61, "chair").quantity = 2;
    c.diary.resources[0].busy = BusyList({claim(90, june(1, 9), minutes(30), 2)});
    EXPECT_EQ(c.judge(june(1, 9)).resources, ids({61})) << "an empty one before a shared one";
}

namespace {

// A group of five with the provider and room 61, two seats taken at nine.
Clinic group() {
    Clinic c;
    c.service().capacity = 5;
    c.service().required = {{"room", 1}};
    c.add_room(60);
    c.add_room(61);
    std::vector<Busy> at_provider, in_room;
    for (std::uint32_t n : {70U, 71U}) {
        Busy b = claim(n, june(1, 9), minutes(30), 5);
        b.service = exam;
        b.location = here;
        at_provider.push_back(b);
        b.claim = id(n + 100);
        in_room.push_back(b);
    }
    c.provider().busy = BusyList(at_provider);
    c.diary.resources[1].busy = BusyList(in_room);
    return c;
}

} // namespace

TEST(Kernel, SessionStaysInItsRoom) {
    Clinic c = group();
    EXPECT_EQ(c.judge(june(1, 9)).resources, ids({61}));
    EXPECT_EQ(c.judge(june(1, 9)).remaining, 3);
    EXPECT_EQ(c.judge(june(1, 10)).resources, ids({60}));
    c.diary.resources[1].blocks = {block_span(92, {june(1, 9), june(1, 10)})};
    EXPECT_EQ(c.why(june(1, 9)), "no_resource") << "a seat in another room would be without the provider";
}

TEST(Kernel, RemainingCountsRoomsEachBookingNeeds) {
    Clinic c;
    c.service().capacity = 4;
    c.service().required = {{"room", 2}};
    c.add_room(60);
    c.add_room(61);
    EXPECT_EQ(c.judge(june(1, 9)).remaining, 4);
    c.diary.resources[1].busy = BusyList({claim(90, june(1, 9), minutes(30), 4), claim(91, june(1, 9), minutes(30), 4),
                                          claim(92, june(1, 9), minutes(30), 4)});
    EXPECT_EQ(c.judge(june(1, 9)).remaining, 1) << "each booking needs both rooms, and one has one place";
}

// ---- Patient

TEST(Kernel, PatientOverlap) {
    Clinic c;
    c.diary.patient = Patient{pat, true, BusyList({claim(70, june(1, 9), minutes(30))})};
    EXPECT_EQ(c.why(june(1, 9)), "patient_conflict");
    EXPECT_EQ(c.why(june(1, 9, 30)), "") << "touching is not overlap";
    c.request.ignored = {id(100'070)};
    EXPECT_EQ(c.why(june(1, 9)), "");
    c.request.ignored.clear();
    c.diary.tenant.patient_overlap = PatientOverlap::warn;
    EXPECT_EQ(c.why(june(1, 9)), "");
    EXPECT_TRUE(c.judge(june(1, 9)).patient_overlaps);
    EXPECT_FALSE(c.judge(june(1, 9, 30)).patient_overlaps);
    c.diary.tenant.patient_overlap = PatientOverlap::allow;
    EXPECT_EQ(c.why(june(1, 9)), "");
    EXPECT_FALSE(c.judge(june(1, 9)).patient_overlaps);
}

TEST(Kernel, PatientsTimeHasNoBuffers) {
    Clinic c;
    Busy b = claim(70, june(1, 9), minutes(30));
    b.during = {b.visit.begin - minutes(10), b.visit.end + minutes(10)};
    c.diary.patient = Patient{pat, true, BusyList({b})};
    c.service().buffers = {minutes(15), minutes(15)};
    EXPECT_EQ(c.why(june(1, 9, 30)), "");
}

TEST(Kernel, OneSeatForEachPatientAndSession) {
    Clinic c = group();
    Busy seat = c.provider().busy.claims().front();
    seat.claim = id(270);
    c.diary.patient = Patient{pat, true, BusyList({seat})};
    EXPECT_EQ(c.why(june(1, 9)), "duplicate");
    EXPECT_EQ(c.judge(june(1, 9)).findings[0].source.id, seat.appointment);
    c.diary.tenant.allow_several_seats = true;
    EXPECT_EQ(c.why(june(1, 9)), "");
    seat.appointment = id(999); // the same service at the same time, but elsewhere
    c.diary.patient->busy = BusyList({seat});
    EXPECT_EQ(c.why(june(1, 9)), "patient_conflict");
}

// ---- Limits

TEST(Kernel, LimitsCountTheProvidersLocalDay) {
    Clinic c;
    c.provider().zone = &tokyo();
    c.provider().hours.rules = {hours(50, here, hm(0), hm(24))};
    c.provider().max_per_day = 1;
    c.range = {june(1, 0), june(3, 0)};
    c.provider().visits = {{june(1, 14, 30), other_service, there, id(80)}}; // 23:30 of 1 June in Tokyo
    EXPECT_EQ(c.why(june(1, 12)), "limit");
    EXPECT_EQ(c.why(june(1, 15)), "");
    c.provider().max_per_day.reset();
    c.service().max_per_day = 1;
    EXPECT_EQ(c.why(june(1, 12)), "") << "a service's limit counts that service";
    c.provider().visits[0].service = exam;
    EXPECT_EQ(c.why(june(1, 12)), "limit");
    EXPECT_EQ(c.judge(june(1, 12)).findings[0].source.table, Source::Table::services);
    c.request.ignored = {id(80)};
    EXPECT_EQ(c.why(june(1, 12)), "") << "a move ignores the booking being moved";
}

TEST(Kernel, LimitsCountIsoWeeks) {
    Clinic c;
    c.provider().max_per_week = 2;
    c.range = {june(1, 0), june(9, 0)};
    c.provider().visits = {{june(1, 0), exam, here, id(80)}, {june(7, 23, 30), exam, here, id(81)}};
    EXPECT_EQ(c.why(june(3, 9)), "limit");
    EXPECT_EQ(c.why(june(8, 9)), "") << "Monday";
    c.provider().max_per_week = 3;
    EXPECT_EQ(c.why(june(3, 9)), "");
    c.service().max_per_week = 2;
    c.provider().max_per_week = 2;
    EXPECT_EQ(c.why(june(3, 9)), "limit limit");
}

TEST(Kernel, LimitsBoundWhatRemains) {
    Clinic c;
    c.service().capacity = 5;
    c.provider().max_per_day = 3;
    c.provider().visits = {{june(1, 9), exam, here, id(80)}};
    EXPECT_EQ(c.judge(june(1, 10)).remaining, 2);
}

TEST(Kernel, LimitOfNone) {
    Clinic c;
    c.service().max_per_day = 0;
    EXPECT_EQ(c.why(june(1, 9)), "limit");
}

TEST(Kernel, LimitsFollowAStay) {
    Clinic c;
    c.provider().zone = &new_york();
    c.provider().hours.rules = {hours(50, here, hm(9), hm(21), new_york())};
    c.provider().hours.stays = {{id(55), day(2026, 6, 3), day(2026, 6, 5), &tokyo()}};
    c.provider().max_per_day = 1;
    c.range = {june(1, 0), june(9, 0)};
    const auto in_tokyo = [](int d, int h) { return local(tokyo(), 2026, 6, d, h); };
    const auto at_home = [](int d, int h) { return local(new_york(), 2026, 6, d, h); };
    const auto limited_by = [&](Instant visit, Instant start) {
        c.provider().visits = {{visit, exam, here, id(80)}};
        return c.why(start);
    };
    EXPECT_EQ(limited_by(in_tokyo(4, 9), in_tokyo(4, 20)), "limit") << "one day in Tokyo, two in New York";
    EXPECT_EQ(limited_by(in_tokyo(4, 20), in_tokyo(5, 9)), "");
    EXPECT_EQ(limited_by(in_tokyo(3, 9), in_tokyo(3, 20)), "limit") << "the first day there";
    EXPECT_EQ(limited_by(in_tokyo(5, 9), in_tokyo(5, 20)), "limit") << "the last";
    EXPECT_EQ(limited_by(at_home(2, 9), at_home(2, 17)), "limit") << "the last day at home";
    EXPECT_EQ(limited_by(at_home(6, 9), at_home(6, 20)), "limit") << "the first again";
    EXPECT_EQ(limited_by(at_home(2, 9), in_tokyo(3, 9)), "");
}

// ---- Moves, permissions

TEST(Kernel, MoveIgnoresItself) {
    Clinic c;
    const Busy b = claim(70, june(1, 9), minutes(30));
    c.provider().busy = BusyList({b});
    c.service().required = {{"room", 1}};
    c.add_room(60).busy = BusyList({b});
    EXPECT_EQ(c.why(june(1, 9)), "slot_taken no_resource");
    c.request.ignored = {b.appointment};
    EXPECT_EQ(c.why(june(1, 9)), "");
    c.provider().busy = BusyList({claim(71, june(1, 9), minutes(30), 1, ClaimKind::hold)});
    c.request.ignored = {Id{}};
    EXPECT_EQ(c.why(june(1, 9)).substr(0, 4), "held") << "no appointment is not an appointment to ignore";
}

TEST(Kernel, OverrideLeavesWhatMayNotBeOverridden) {
    Clinic c;
    c.service().lead_time = hm(24 * 365);
    c.service().horizon_days = 1;
    c.service().max_per_day = 0;
    c.request.override_rules = true;
    EXPECT_EQ(c.why(june(1, 11, 45)), "lead_time horizon outside_hours off_grid limit");
    EXPECT_EQ(c.standing(june(1, 11, 45)), Strings{});
    c.provider().blocks = {block_span(71, {june(1, 9), june(1, 12)})};
    c.provider().busy = BusyList({claim(70, june(1, 11, 30), minutes(30))});
    EXPECT_EQ(c.standing(june(1, 11, 45)), (Strings{"blocked", "slot_taken"}));
    c.request.overbook = true;
    EXPECT_EQ(c.standing(june(1, 11, 45)), Strings{"blocked"}) << "overlap needs its own permission";
    c.request.override_rules = false;
    EXPECT_EQ(c.standing(june(1, 11, 30)), (Strings{"lead_time", "horizon", "blocked", "limit"}));
    c.request = {};
    c.request.override_rules = true;
    c.request.duration = minutes(10);
    EXPECT_EQ(c.standing(june(1, 9)), (Strings{"bad_duration", "blocked"}));
}

TEST(Kernel, OverrideOpensTheRoomToo) {
    Clinic c;
    c.service().required = {{"room", 1}};
    c.add_room(60).hours.rules = {hours(61, here, hm(9), hm(12))};
    c.request.override_rules = true;
    EXPECT_EQ(c.standing(june(1, 20)), Strings{});
    EXPECT_EQ(c.judge(june(1, 20)).resources, ids({60}));
    c.add_room(62);
    EXPECT_EQ(c.judge(june(1, 20)).resources, ids({62})) << "an open room first";
}

TEST(Kernel, OverbookingTakesTheRoomToo) {
    Clinic c;
    c.service().required = {{"room", 1}};
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(30))});
    c.add_room(60).busy = BusyList({claim(72, june(1, 9), minutes(30))});
    c.request.overbook = true;
    EXPECT_EQ(c.standing(june(1, 9)), Strings{});
    EXPECT_EQ(c.judge(june(1, 9)).resources, ids({60}));
    c.add_room(61);
    EXPECT_EQ(c.judge(june(1, 9)).resources, ids({61})) << "a free room first";
}

// ---- Order

TEST(Kernel, Inactive) {
    Clinic c;
    c.diary.tenant.active = c.diary.service.active = false;
    c.provider().active = c.diary.locations[0].active = false;
    c.diary.patient = Patient{pat, false, {}};
    c.provider().offers_service = false;
    EXPECT_EQ(c.why(june(1, 9)), "not_found inactive inactive inactive inactive inactive");
    EXPECT_EQ(c.judge(june(1, 9), here, 0, false).findings.size(), 1U);
    EXPECT_TRUE(c.starts().empty());
    EXPECT_EQ(c.why(june(1, 9), id(999)), "not_found inactive inactive inactive inactive outside_hours")
        << "a location without hours does not hide what comes before";
}

TEST(Kernel, WhatIsPastIsPastWhereNothingEverOpens) {
    Clinic c;
    c.diary.now = june(2, 9);
    EXPECT_EQ(c.why(june(1, 9), id(999)), "in_past outside_hours");
    EXPECT_EQ(c.judge(june(1, 9), id(999), 0, false).findings.size(), 1U);
    EXPECT_EQ(c.why(june(2, 9), id(999)), "outside_hours");
}

TEST(Kernel, ReasonsComeInTheirOrder) {
    Clinic c;
    c.diary.now = june(1, 10);
    c.service().horizon_days = -3;
    c.provider().active = false;
    c.provider().hours.holidays = {{id(52), there, day(2026, 6, 1)}};
    c.provider().hours.overrides = {open_on(51, day(2026, 6, 1), here, hm(9), hm(9, 20))};
    c.request.duration = minutes(31);
    c.service().capacity = 2;
    c.provider().blocks = {block_span(71, {june(1, 9), june(1, 12)})};
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(5), 1), claim(72, june(1, 9, 30), minutes(5), 2),
                                  claim(73, june(1, 9, 30), minutes(5), 2),
                                  claim(74, june(1, 9, 30), minutes(5), 2, ClaimKind::hold)});
    c.service().required = {{"room", 1}};
    c.diary.patient = Patient{pat, true, BusyList({claim(75, june(1, 9), minutes(30))})};
    c.service().max_per_day = 0;
    EXPECT_EQ(c.why(june(1, 9, 1)), "inactive in_past horizon window_too_short bad_duration off_grid blocked held "
                                    "slot_taken full no_resource patient_conflict limit");
    for (std::size_t i = 1; i < c.judge(june(1, 9, 1)).findings.size(); ++i)
        EXPECT_LE(c.judge(june(1, 9, 1)).findings[i - 1].reason, c.judge(june(1, 9, 1)).findings[i].reason);
    EXPECT_EQ(c.judge(june(1, 9, 1), here, 0, false).findings.size(), 1U);
}

TEST(Kernel, RowsByStartThenProviderThenLocation) {
    Clinic c;
    c.add_provider(boris).hours.rules = {hours(53, here, hm(9), hm(10)), hours(54, there, hm(9), hm(9, 30))};
    const std::vector<Slot> slots = c.find();
    ASSERT_EQ(slots.size(), 9U);
    EXPECT_EQ(slots[0].provider, anna);
    EXPECT_EQ(slots[1].provider, boris);
    EXPECT_EQ(slots[1].location, here);
    EXPECT_EQ(slots[2].location, there);
    EXPECT_EQ(slots[3].visit.begin, june(1, 9, 30));
    c.request.location = there;
    EXPECT_EQ(c.find().size(), 1U);
}

TEST(Kernel, FirstRowsAreThoseOfTheFullSearch) {
    Clinic c;
    c.range = {june(1, 0), june(29, 0)};
    c.provider().hours.rules = {hours(50, here, hm(9), hm(12), utc_zone(), weekly({Weekday::wednesday}, 2))};
    c.add_provider(boris).hours.rules = {hours(53, there, hm(10), hm(11), utc_zone(), weekly({Weekday::friday}))};
    c.add_provider(id(32));
    const std::vector<Slot> all = c.find();
    for (std::size_t n = 0; n <= all.size() + 1; ++n) {
        const std::vector<Slot> some = c.find(n);
        ASSERT_EQ(some.size(), std::min(n, all.size()));
        for (std::size_t i = 0; i < some.size(); ++i)
            EXPECT_TRUE(some[i].visit == all[i].visit && some[i].provider == all[i].provider);
    }
    Work work;
    const auto first = Kernel(c.diary, c.request, c.range, work).first_of_each();
    ASSERT_EQ(first.size(), 3U);
    EXPECT_EQ(first[0]->visit.begin, june(3, 9));
    EXPECT_EQ(first[1]->visit.begin, june(5, 10));
    EXPECT_FALSE(first[2]);
}

} // namespace pg_clinic::core::test
