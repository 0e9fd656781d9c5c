// Participants: any k of a set, rooms or people, in one visit with the provider; and what a slot leaves of free time.
#include <gtest/gtest.h>

#include "support/clinic.hpp"

namespace pg_clinic::core::test {

namespace {

const Id carla = id(32), dora = id(33), emil = id(34);

Instant june(int d, int h, int m = 0) { return utc(2026, 6, d, h, m); }

struct Theatre : Clinic {
    Theatre() {
        for (const Id &who : {carla, dora, emil})
            add_assistant(who).hours.rules = {hours(60, here, hm(9), hm(11))};
    }
    Provider &add_assistant(Id who) {
        Provider p;
        p.id = who;
        p.zone = &utc_zone();
        diary.assistants.push_back(p);
        return diary.assistants.back();
    }
    Provider &assistant(std::size_t i) { return diary.assistants[i]; }
    void role(const std::string &name, std::int32_t needed, std::vector<Id> candidates, bool optional = false) {
        service().participants.push_back({name, needed, optional, std::move(candidates)});
    }
    std::string missing_class(Instant t) const {
        for (const Finding &f : judge(t).findings)
            if (f.reason == Reason::no_resource)
                return f.resource_class;
        return "";
    }
};

using Ids = std::vector<Id>;
using Strings = std::vector<std::string>;

} // namespace

TEST(Participants, AnyOfThem) {
    Theatre c;
    c.role("assistant", 1, {carla, dora});
    EXPECT_EQ(c.judge(june(1, 9)).resources, Ids{carla});
    c.assistant(0).busy = BusyList({claim(70, june(1, 9), minutes(30))});
    EXPECT_EQ(c.judge(june(1, 9)).resources, Ids{dora});
    c.assistant(1).busy = BusyList({claim(71, june(1, 9), minutes(30))});
    EXPECT_EQ(c.why(june(1, 9)), "no_resource");
    EXPECT_EQ(c.missing_class(june(1, 9)), "assistant");
    EXPECT_EQ(c.why(june(1, 9, 30)), "");
    EXPECT_EQ(c.why(june(1, 11)), "no_resource") << "the assistants have gone";
    EXPECT_EQ(c.starts().size(), 3U) << "9:30, 10:00, 10:30";
}

TEST(Participants, TwoOfThree) {
    Theatre c;
    c.role("assistant", 2, {carla, dora, emil});
    EXPECT_EQ(c.judge(june(1, 9)).resources, (Ids{carla, dora}));
    c.assistant(0).busy = BusyList({claim(70, june(1, 9), minutes(30))});
    EXPECT_EQ(c.judge(june(1, 9)).resources, (Ids{dora, emil}));
    c.assistant(2).active = false;
    EXPECT_EQ(c.why(june(1, 9)), "no_resource");
}

TEST(Participants, TheProviderIsNoAssistantOfTheirs) {
    Theatre c;
    c.add_assistant(anna).hours.rules = {hours(61, here, hm(9), hm(11))};
    c.role("assistant", 1, {anna});
    EXPECT_EQ(c.why(june(1, 9)), "no_resource");
}

TEST(Participants, NobodyFillsTwoRoles) {
    Theatre c;
    c.role("nurse", 1, {carla, dora});
    c.role("scribe", 1, {carla});
    const Verdict v = c.judge(june(1, 9));
    EXPECT_TRUE(v.free()) << "the nurse is the one who cannot be the scribe";
    EXPECT_EQ(v.resources, (Ids{carla, dora}));
    c.assistant(1).busy = BusyList({claim(70, june(1, 9), minutes(30))});
    EXPECT_EQ(c.missing_class(june(1, 9)), "scribe");
}

TEST(Participants, RoomsOfARoleAndOfAClassAreDifferent) {
    Theatre c;
    c.add_room(80, "room");
    c.add_room(81, "room");
    c.service().required = {{"room", 1}};
    c.role("recovery", 1, {id(80)});
    EXPECT_EQ(c.judge(june(1, 9)).resources, (Ids{id(80), id(81)}));
    c.diary.resources[1].active = false;
    EXPECT_EQ(c.missing_class(june(1, 9)), "recovery");
}

TEST(Participants, OptionalOnesHideNothing) {
    Theatre c;
    c.role("interpreter", 1, {carla}, true);
    EXPECT_EQ(c.starts().size(), 6U);
    EXPECT_EQ(c.judge(june(1, 9)).resources, Ids{carla});
    EXPECT_EQ(c.judge(june(1, 9)).missing, Strings{});
    EXPECT_EQ(c.judge(june(1, 11)).missing, Strings{"interpreter"});
    const std::vector<Slot> slots = c.find();
    EXPECT_EQ(slots.front().missing, Strings{});
    EXPECT_EQ(slots.back().missing, Strings{"interpreter"});
    EXPECT_EQ(slots.back().resources, Ids{});
}

TEST(Participants, OptionalOnesTakeNothingFromOthers) {
    Theatre c;
    c.role("interpreter", 1, {carla}, true);
    c.role("nurse", 1, {carla});
    EXPECT_EQ(c.judge(june(1, 9)).missing, Strings{"interpreter"});
    EXPECT_EQ(c.judge(june(1, 9)).resources, Ids{carla});
}

TEST(Participants, MustBeAtTheLocationAndComeInTime) {
    Theatre c;
    c.role("assistant", 1, {carla});
    c.assistant(0).hours.rules = {hours(62, there, hm(9), hm(12))};
    EXPECT_EQ(c.why(june(1, 9)), "no_resource") << "elsewhere";
    c.assistant(0).hours.rules = {hours(62, here, hm(9), hm(12))};
    Busy away = claim(70, june(1, 9), minutes(30));
    away.location = there;
    c.assistant(0).busy = BusyList({away});
    EXPECT_EQ(c.why(june(1, 9, 30)), "");
    c.diary.travel = {{{there, here}, minutes(20)}};
    EXPECT_EQ(c.why(june(1, 9, 30)), "no_resource") << "still on the way";
    EXPECT_EQ(c.why(june(1, 10)), "");
}

TEST(Participants, BlocksAndBuffersOfTheirOwn) {
    Theatre c;
    c.role("assistant", 1, {carla});
    c.assistant(0).buffers = {minutes(10), minutes(10)};
    c.assistant(0).blocks = {block_span(90, {june(1, 10), june(1, 10, 5)})};
    EXPECT_EQ(c.why(june(1, 9)), "");
    EXPECT_EQ(c.why(june(1, 9, 30)), "no_resource") << "the buffer reaches into the block";
    EXPECT_EQ(c.why(june(1, 10)), "no_resource");
    EXPECT_EQ(c.why(june(1, 10, 30)), "");
}

TEST(Participants, OfASessionStayWithIt) {
    Theatre c;
    c.service().capacity = 2;
    c.role("assistant", 1, {carla, dora});
    Busy seat = claim(70, june(1, 9), minutes(30), 2);
    seat.service = exam;
    c.provider().busy = BusyList({seat});
    seat.claim = id(71);
    c.assistant(1).busy = BusyList({seat});
    EXPECT_EQ(c.judge(june(1, 9)).resources, Ids{dora});
    EXPECT_EQ(c.judge(june(1, 9)).remaining, 1);
}

TEST(Precision, GapsEndAtClaimsBlocksAndHours) {
    Clinic c; // open from 9 to 12, visits of 30 minutes
    c.provider().busy = BusyList({claim(70, june(1, 9, 45), minutes(15))});
    c.provider().blocks = {block_span(90, {june(1, 11, 10), june(1, 11, 30)})};
    Work work;
    const Kernel kernel(c.diary, c.request, c.range, work);
    const Gaps before = kernel.gaps_around(0, here, june(1, 9));
    EXPECT_EQ(before.before, minutes(0));
    EXPECT_EQ(before.after, minutes(15));
    const Gaps between = kernel.gaps_around(0, here, june(1, 10, 30));
    EXPECT_EQ(between.before, minutes(30));
    EXPECT_EQ(between.after, minutes(10));
    const Gaps last = kernel.gaps_around(0, here, june(1, 11, 30));
    EXPECT_EQ(last.before, minutes(0));
    EXPECT_EQ(last.after, minutes(0));
}

TEST(Precision, BuffersAreNotFree) {
    Clinic c;
    c.service().buffers = {minutes(5), minutes(10)};
    c.provider().busy = BusyList({claim(70, june(1, 9), minutes(20))});
    Work work;
    const Gaps gaps = Kernel(c.diary, c.request, c.range, work).gaps_around(0, here, june(1, 10));
    EXPECT_EQ(gaps.before, minutes(35));
    EXPECT_EQ(gaps.after, minutes(80));
}

TEST(Precision, JoiningOthersTakesNothing) {
    Clinic c;
    c.service().capacity = 2;
    c.provider().busy = BusyList({claim(70, june(1, 9, 30), minutes(30), 2)});
    Work work;
    const Gaps gaps = Kernel(c.diary, c.request, c.range, work).gaps_around(0, here, june(1, 9, 30));
    EXPECT_EQ(precision_of(gaps, minutes(20)).score, 100);
}

TEST(Precision, Scores) {
    const auto score = [](int before, int after) {
        return precision_of({minutes(before), minutes(after)}, minutes(20));
    };
    EXPECT_EQ(score(0, 0).score, 100);
    EXPECT_EQ(score(0, 20).score, 90);
    EXPECT_EQ(score(60, 20).score, 80);
    EXPECT_EQ(score(0, 1).score, 69);
    EXPECT_EQ(score(0, 19).score, 51);
    EXPECT_EQ(score(19, 19).score, 2);
    EXPECT_EQ(score(19, 5).unusable, minutes(24));
    EXPECT_EQ(score(0, 20).unusable, minutes(0));
}

} // namespace pg_clinic::core::test
