// The sentences of the policies about slots, one test each: capacity, holds, rooms, patients, limits,
// permissions, the order of reasons and of rows.
#include <gtest/gtest.h>

#include "support/clinic.hpp"

namespace pg_clinic::core::test {

namespace {

using Strings = std::vector<std::string>;

Instant june(int d, int h, int m = 0) { return utc(2026, 6, d, h, m); }

std::vector<Id> ids(std::initializer_list<std::uint32_t> numbers) {
    std::vector<Id> result;
    for (std::uint32_t n : numbers)
        result.push_back(id(n));
    return result;
}

} // namespace

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
    c.provider().busy =
        BusyList({claim(70, june(1, 9), minutes(30), 1), claim(71, june(1, 9, 30), minutes(30), 3, ClaimKind::hold)});
    EXPECT_EQ(c.why(june(1, 9)), "slot_taken") << "the seat is held elsewhere in the hour, where there is room";
}

TEST(Kernel, LastSeatHeld) {
    Clinic c;
    c.service().capacity = 2;
    c.provider().busy =
        BusyList({claim(70, june(1, 9), minutes(30), 2), claim(71, june(1, 9), minutes(30), 2, ClaimKind::hold)});
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
    c.diary.resources[0].busy =
        BusyList({claim(90, june(1, 9), minutes(30), 2), claim(91, june(1, 9), minutes(30), 2)});
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

TEST(Kernel, LimitsOfAStart) {
    Clinic c;
    c.range = {june(1, 0), june(9, 0)};
    c.provider().visits = {{june(1, 9), exam, here, id(80)}, {june(2, 9), other_service, here, id(81)}};
    c.request.ignored = {id(82)};
    Work work;
    EXPECT_TRUE(Kernel(c.diary, c.request, c.range, work).limits_at(0, june(1, 10)).empty());
    c.service().max_per_day = 3;
    c.provider().max_per_week = 2;
    c.provider().visits.push_back({june(3, 9), exam, here, id(82)});
    const Kernel kernel(c.diary, c.request, c.range, work);
    const std::vector<VisitLimit> limits = kernel.limits_at(0, june(1, 10));
    ASSERT_EQ(limits.size(), 2U);
    EXPECT_TRUE(limits[0].of_service && !limits[0].weekly);
    EXPECT_EQ(limits[0].left, 2) << "the visit of the service on that day";
    EXPECT_TRUE(!limits[1].of_service && limits[1].weekly);
    EXPECT_EQ(limits[1].left, 0) << "whatever the service; what is being moved does not count";
    EXPECT_EQ(kernel.limits_at(0, june(7, 10))[1].from, limits[1].from) << "Sunday is of the same week";
    EXPECT_EQ(kernel.limits_at(0, june(8, 10))[1].left, 2);
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

// ---- No-shows

TEST(Kernel, WhoMissedTooManyIsRefusedLast) {
    Clinic c;
    c.diary.patient = Patient{pat, true, {}};
    EXPECT_TRUE(c.offers(june(1, 9)));
    c.diary.patient->missed_too_many = true;
    EXPECT_TRUE(c.starts().empty()) << "what is found can be booked";
    EXPECT_EQ(c.why(june(1, 9)), "no_show_policy");
    EXPECT_EQ(c.judge(june(1, 9)).findings[0].source.table, Source::Table::patients);
    EXPECT_EQ(c.judge(june(1, 9)).findings[0].source.id, pat);
    EXPECT_EQ(c.judge(june(1, 9)).remaining, 0);
    c.service().max_per_day = 0;
    EXPECT_EQ(c.why(june(1, 9)), "limit no_show_policy");
    EXPECT_EQ(c.judge(june(1, 9), here, 0, false).findings.size(), 1U);
}

TEST(Kernel, NoShowPolicyGivesWayToAnOverrideAndNotToOverbooking) {
    Clinic c;
    c.diary.patient = Patient{pat, true, {}, true};
    EXPECT_EQ(c.standing(june(1, 9)), Strings{"no_show_policy"});
    c.request.overbook = true;
    EXPECT_EQ(c.standing(june(1, 9)), Strings{"no_show_policy"});
    c.request.override_rules = true;
    EXPECT_TRUE(c.standing(june(1, 9)).empty());
}

TEST(Kernel, NoShowPolicyLetsWhatIsBookedBeMoved) {
    Clinic c;
    c.diary.patient = Patient{pat, true, {}, true};
    c.request.ignored = {id(80)};
    EXPECT_EQ(c.why(june(1, 9)), "");
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
    c.provider().busy =
        BusyList({claim(70, june(1, 9), minutes(5), 1), claim(72, june(1, 9, 30), minutes(5), 2),
                  claim(73, june(1, 9, 30), minutes(5), 2), claim(74, june(1, 9, 30), minutes(5), 2, ClaimKind::hold)});
    c.service().required = {{"room", 1}};
    c.diary.patient = Patient{pat, true, BusyList({claim(75, june(1, 9), minutes(30))}), true};
    c.service().max_per_day = 0;
    EXPECT_EQ(c.why(june(1, 9, 1)), "inactive in_past horizon window_too_short bad_duration off_grid blocked held "
                                    "slot_taken full no_resource patient_conflict limit no_show_policy");
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
