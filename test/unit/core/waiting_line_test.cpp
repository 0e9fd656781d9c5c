// The line in front of a provider: its order, and when each turn is expected.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/waiting_line.hpp"
#include "support/clinic.hpp"

namespace pg_clinic::core::test {

namespace {

Instant june(int h, int m = 0) { return utc(2026, 6, 1, h, m); }

Waiting here_since(std::uint32_t n, Instant due, int minutes_long = 30, int urgency = 0) {
    Waiting w;
    w.id = id(n);
    w.number = n;
    w.due = due;
    w.length = minutes(minutes_long);
    w.urgency = urgency;
    return w;
}

Waiting expected(std::uint32_t n, Instant due, int minutes_long = 30) {
    Waiting w = here_since(n, due, minutes_long);
    w.stage = Waiting::Stage::expected;
    return w;
}

Waiting served(std::uint32_t n, Instant since, int minutes_long = 30) {
    Waiting w = here_since(n, since, minutes_long);
    w.stage = Waiting::Stage::served;
    w.started = since;
    return w;
}

// Each turn as "id place hh:mm".
std::string text(Instant now, std::vector<Waiting> line) {
    std::string out;
    for (const Turn &t : turns_of(now, std::move(line))) {
        const auto of_day = (t.begin - utc(2026, 6, 1)).micros / micros_per_minute;
        char one[64];
        std::snprintf(one, sizeof one, "%s%d %d %02d:%02d", out.empty() ? "" : ", ", t.id.bytes[15], t.place,
                      static_cast<int>(of_day / 60), static_cast<int>(of_day % 60));
        out += one;
    }
    return out;
}

} // namespace

TEST(WaitingLine, NobodyWaits) { EXPECT_TRUE(turns_of(june(9), {}).empty()); }

TEST(WaitingLine, OrderIsByDueTimeThenNumber) {
    EXPECT_EQ(text(june(10), {here_since(3, june(9, 30)), here_since(2, june(9)), here_since(1, june(9, 30))}),
              "2 1 10:00, 1 2 10:30, 3 3 11:00");
}

TEST(WaitingLine, UrgencyComesFirstAndWaitsForNoStart) {
    EXPECT_EQ(text(june(10), {here_since(1, june(9)), here_since(2, june(15), 10, 1), here_since(3, june(12), 10, 5)}),
              "3 1 10:00, 2 2 10:10, 1 3 10:20");
}

TEST(WaitingLine, WhoWasCalledIsNext) {
    Waiting called = here_since(2, june(11));
    called.stage = Waiting::Stage::called;
    EXPECT_EQ(text(june(10), {here_since(1, june(9), 30, 9), called}), "2 0 10:00, 1 1 10:30");
}

TEST(WaitingLine, AVisitThatRunsOverDelaysWhatFollows) {
    EXPECT_EQ(text(june(10), {served(1, june(9, 15)), here_since(2, june(9, 45))}), "1 0 09:15, 2 1 10:00")
        << "planned to 9:45, still going on: it ends now";
    EXPECT_EQ(text(june(10), {served(1, june(9, 50)), here_since(2, june(10)), expected(3, june(10, 30))}),
              "1 0 09:50, 2 1 10:20, 3 0 10:50");
}

TEST(WaitingLine, AFreeProviderCatchesUp) {
    EXPECT_EQ(text(june(10), {served(1, june(9, 50)), expected(2, june(10, 15)), expected(3, june(12))}),
              "1 0 09:50, 2 0 10:20, 3 0 12:00");
}

TEST(WaitingLine, WhoIsExpectedHoldsNoNumberInTheRoom) {
    EXPECT_EQ(text(june(10), {expected(1, june(10)), here_since(2, june(10, 5))}), "1 0 10:00, 2 1 10:30");
}

TEST(WaitingLine, SeatsOfASessionShareTheirTurn) {
    Waiting a = here_since(1, june(10), 60), b = here_since(2, june(10), 60), c = expected(3, june(10), 60);
    a.session = b.session = c.session = id(99);
    EXPECT_EQ(text(june(10, 10), {a, b, c, here_since(4, june(11))}), "1 1 10:10, 2 2 10:10, 3 0 10:10, 4 3 11:10");
    a.stage = Waiting::Stage::served;
    a.started = june(10, 5);
    EXPECT_EQ(text(june(10, 10), {a, b}), "1 0 10:05, 2 1 10:05") << "a late seat joins what is going on";
}

TEST(WaitingLine, SeveralAreServedAtOnce) {
    EXPECT_EQ(text(june(10), {served(2, june(9, 58), 5), served(1, june(9, 50), 60), here_since(3, june(9))}),
              "1 0 09:50, 2 0 09:58, 3 1 10:50");
}

// Whatever the line: turns are as long as planned, none begins before the one before it ends or before it may, nobody waits
// for no reason, and the order of arguments does not matter.
TEST(WaitingLine, PropertiesOfAnyLine) {
    std::mt19937 random(49);
    const auto below = [&random](std::uint32_t n) { return static_cast<int>(random() % n); };
    for (int round = 0; round < 3000; ++round) {
        const Instant now = june(10);
        std::vector<Waiting> line;
        const int people = below(9);
        for (int n = 0; n < people; ++n) {
            Waiting w = here_since(static_cast<std::uint32_t>(n + 1), june(9) + minutes(5 * below(36)),
                                   5 * (1 + below(8)), below(4) == 0 ? 1 + below(3) : 0);
            w.stage = static_cast<Waiting::Stage>(below(4));
            w.started = now - minutes(below(90));
            line.push_back(w);
        }
        const std::vector<Turn> turns = turns_of(now, line);
        std::vector<Waiting> shuffled = line;
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        const std::vector<Turn> again = turns_of(now, shuffled);
        ASSERT_EQ(turns.size(), line.size());
        Instant free = now;
        std::int32_t place = 0;
        for (std::size_t i = 0; i < turns.size(); ++i) {
            ASSERT_EQ(turns[i].id, again[i].id);
            const auto it =
                std::find_if(line.begin(), line.end(), [&](const Waiting &w) { return w.id == turns[i].id; });
            if (it->stage == Waiting::Stage::served) {
                ASSERT_EQ(turns[i].begin, it->started);
                ASSERT_GE(turns[i].end, now);
            } else {
                const bool at_once = it->stage == Waiting::Stage::called || it->urgency > 0;
                ASSERT_EQ(turns[i].begin, at_once ? free : std::max(free, it->due));
                ASSERT_EQ(turns[i].end - turns[i].begin, it->length);
            }
            if (it->stage == Waiting::Stage::here) {
                ASSERT_EQ(turns[i].place, ++place);
            }
            free = std::max(free, turns[i].end);
        }
    }
}

} // namespace pg_clinic::core::test
