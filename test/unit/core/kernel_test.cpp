// The sentences of the policies about slots, one test each: time limits, hours, grid, buffers, driving.
#include <gtest/gtest.h>

#include "support/clinic.hpp"

namespace pg_clinic::core::test {

namespace {

using Instants = std::vector<Instant>;

Instant june(int d, int h, int m = 0) { return utc(2026, 6, d, h, m); }

} // namespace

TEST(Kernel, OffersTheWholeGridOfAFreeWindow) {
    Clinic c;
    EXPECT_EQ(c.starts(),
              (Instants{june(1, 9), june(1, 9, 30), june(1, 10), june(1, 10, 30), june(1, 11), june(1, 11, 30)}));
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
    EXPECT_EQ(c.starts(),
              (Instants{utc(2026, 3, 8, 5), utc(2026, 3, 8, 5, 30), utc(2026, 3, 8, 6), utc(2026, 3, 8, 6, 30)}));
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

TEST(Kernel, BuffersReachOutOfTheRange) {
    Clinic c;
    c.range = {june(1, 9), june(1, 12)};
    c.service().buffers = {minutes(30), minutes(0)};
    const std::vector<Block> just_before{block_span(71, {june(1, 8, 30), june(1, 9)})};
    c.provider().blocks = just_before;
    EXPECT_EQ(c.why(june(1, 9)), "blocked");
    c.provider().blocks = {};
    c.service().required = {{"room", 1}};
    c.add_room(60).blocks = just_before;
    EXPECT_EQ(c.why(june(1, 9)), "no_resource");
    c.diary.resources[0].blocks = {};
    c.diary.resources[0].hours.rules = {hours(61, here, hm(8), hm(9)), hours(62, here, hm(9), hm(12))};
    c.service().buffers_inside_hours = true;
    c.provider().hours.rules[0].window.start = hm(8);
    EXPECT_EQ(c.why(june(1, 9)), "") << "room hours that end where the range begins hold the buffer";
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

TEST(Kernel, WhatIsPastIsPastWhereNothingEverOpens) {
    Clinic c;
    c.diary.now = june(2, 9);
    EXPECT_EQ(c.why(june(1, 9), id(999)), "in_past outside_hours");
    EXPECT_EQ(c.judge(june(1, 9), id(999), 0, false).findings.size(), 1U);
    EXPECT_EQ(c.why(june(2, 9), id(999)), "outside_hours");
}

} // namespace pg_clinic::core::test
