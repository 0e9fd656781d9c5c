// Interval sets against a bitmap: every operation is done again instant by instant over a small universe.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "core/interval_set.hpp"

namespace pg_clinic::core::test {

namespace {

constexpr int universe = 64;
using Bitmap = std::array<bool, universe>;

Interval span(std::int64_t begin, std::int64_t end) { return {Instant{begin}, Instant{end}}; }

struct Sample {
    IntervalSet set;
    Bitmap bits{};
};

Sample sample(std::mt19937 &random) {
    std::vector<Interval> intervals;
    Sample s;
    for (unsigned n = random() % 8; n > 0; --n) {
        const int begin = static_cast<int>(random() % universe);
        const int end = std::min(universe, begin + static_cast<int>(random() % 12) - 2); // empty and inverted too
        intervals.push_back(span(begin, end));
        for (int t = begin; t < end; ++t)
            s.bits[static_cast<std::size_t>(t)] = true;
    }
    s.set = IntervalSet(std::move(intervals));
    return s;
}

Bitmap bits_of(const IntervalSet &set) {
    Bitmap bits{};
    for (std::size_t t = 0; t < universe; ++t)
        bits[t] = set.contains(Instant{static_cast<std::int64_t>(t)});
    return bits;
}

void expect_normal(const IntervalSet &set) {
    const auto &list = set.intervals();
    for (std::size_t i = 0; i < list.size(); ++i) {
        EXPECT_FALSE(list[i].empty());
        EXPECT_TRUE(i == 0 || list[i - 1].end < list[i].begin) << "neither overlapping nor touching";
    }
}

} // namespace

TEST(IntervalSet, AgreesWithABitmap) {
    std::mt19937 random(1);
    for (int round = 0; round < 3000; ++round) {
        const Sample a = sample(random), b = sample(random);
        Bitmap either{}, both{}, only_a{};
        for (std::size_t t = 0; t < universe; ++t) {
            either[t] = a.bits[t] || b.bits[t];
            both[t] = a.bits[t] && b.bits[t];
            only_a[t] = a.bits[t] && !b.bits[t];
        }
        ASSERT_EQ(bits_of(a.set), a.bits);
        ASSERT_EQ(bits_of(a.set.united(b.set)), either);
        ASSERT_EQ(bits_of(a.set.intersected(b.set)), both);
        ASSERT_EQ(bits_of(a.set.subtracted(b.set)), only_a);
        for (const IntervalSet &s : {a.set, a.set.united(b.set), a.set.intersected(b.set), a.set.subtracted(b.set)})
            expect_normal(s);
        ASSERT_EQ(a.set.united(b.set), b.set.united(a.set));
        ASSERT_EQ(a.set.intersected(b.set), b.set.intersected(a.set));
        ASSERT_EQ(a.set.subtracted(b.set).united(a.set.intersected(b.set)), a.set);
    }
}

TEST(IntervalSet, CoversAndOverlapsAgreeWithABitmap) {
    std::mt19937 random(2);
    for (int round = 0; round < 200; ++round) {
        const Sample a = sample(random);
        for (int begin = 0; begin < universe; ++begin)
            for (int end = begin; end <= universe; end += 3) {
                bool every = true, any = false;
                for (int t = begin; t < end; ++t) {
                    every = every && a.bits[static_cast<std::size_t>(t)];
                    any = any || a.bits[static_cast<std::size_t>(t)];
                }
                ASSERT_EQ(a.set.covers(span(begin, end)), every);
                ASSERT_EQ(a.set.overlaps(span(begin, end)), any);
            }
    }
}

TEST(IntervalSet, WidenedAgreesWithABitmap) {
    std::mt19937 random(3);
    for (int round = 0; round < 1000; ++round) {
        const Sample a = sample(random);
        const int before = static_cast<int>(random() % 5), after = static_cast<int>(random() % 5);
        const IntervalSet wide = a.set.widened(Duration{before}, Duration{after});
        expect_normal(wide);
        for (int t = -10; t < universe + 10; ++t) {
            bool near = false;
            for (int s = 0; s < universe; ++s)
                near = near || (a.bits[static_cast<std::size_t>(s)] && s - before <= t && t <= s + after);
            ASSERT_EQ(wide.contains(Instant{t}), near);
        }
    }
}

TEST(IntervalSet, WidenedStopsAtTheEndsOfTime) {
    const IntervalSet all({{instant_min, Instant{0}}, {Instant{10}, instant_max}});
    EXPECT_EQ(all.widened(Duration{3}, Duration{3}).intervals(),
              (std::vector<Interval>{{instant_min, Instant{3}}, {Instant{7}, instant_max}}));
}

TEST(Interval, EmptyOnesContainAndOverlapNothing) {
    EXPECT_TRUE(span(5, 5).empty());
    EXPECT_TRUE(span(6, 5).empty());
    EXPECT_FALSE(span(5, 5).contains(Instant{5}));
    EXPECT_FALSE(span(0, 5).overlaps(span(5, 9))) << "touching is not overlap";
    EXPECT_FALSE(IntervalSet({span(0, 9)}).overlaps(span(5, 5)));
    EXPECT_TRUE(IntervalSet().covers(span(5, 5)));
}

TEST(GridStarts, AgreesWithTryingEachInstant) {
    std::mt19937 random(4);
    const auto number = [&random](int least, int most) {
        return least + static_cast<int>(random() % static_cast<unsigned>(most - least + 1));
    };
    for (int round = 0; round < 20000; ++round) {
        const Interval window = span(number(-30, 30), number(-30, 60)), range = span(number(-30, 30), number(-30, 60));
        const Duration duration{number(1, 20)}, step{number(1, 15)};
        const Instant anchor{number(-50, 50)};
        std::vector<Instant> expected, found;
        for (std::int64_t t = -40; t < 70; ++t) {
            const bool on = ((t - anchor.micros) % step.micros) == 0;
            ASSERT_EQ(on_grid(Instant{t}, step, anchor), on);
            if (on && range.contains(Instant{t}) && window.begin.micros <= t &&
                t + duration.micros <= window.end.micros)
                expected.push_back(Instant{t});
        }
        EXPECT_TRUE(GridStarts(window, range, duration, step, anchor).each([&found](Instant t) {
            found.push_back(t);
            return true;
        }));
        ASSERT_EQ(found, expected);
    }
}

TEST(GridStarts, CountsToTheEndsOfTime) {
    const Instant early{instant_min.micros + 1}, late{instant_max.micros - 1};
    const auto count = [](const Interval &window, std::int64_t duration, std::int64_t step, Instant anchor) {
        int found = 0;
        GridStarts(window, window, Duration{duration}, Duration{step}, anchor).each([&found](Instant) {
            return ++found < 10;
        });
        return found;
    };
    constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(count({early, Instant{0}}, huge, 1, Instant{0}), 1); // fits exactly
    EXPECT_EQ(count({early, Instant{-1}}, huge, huge, Instant{0}), 0);
    EXPECT_EQ(count(span(0, 100), 1, huge, Instant{0}), 1);
    EXPECT_EQ(count({Instant{late.micros - 4}, late}, 1, 3, early), 2);
    EXPECT_EQ(count({early, Instant{early.micros + 5}}, 1, 2, late), 2);
    EXPECT_TRUE(on_grid(late, Duration{1}, early));
}

TEST(GridStarts, StopsWhenAsked) {
    int seen = 0;
    EXPECT_FALSE(GridStarts(span(0, 100), span(0, 100), Duration{1}, Duration{1}, Instant{0}).each([&seen](Instant) {
        return ++seen < 3;
    }));
    EXPECT_EQ(seen, 3);
}

} // namespace pg_clinic::core::test
