// fit_claim against a count instant by instant, and the promise behind it: what it accepts can be laid in lanes.
#include <gtest/gtest.h>

#include <random>

#include "core/kernel.hpp"

namespace pg_clinic::core::test {

namespace {

constexpr std::int64_t universe = 40;

Id small_id(std::uint32_t n) {
    Id i;
    i.bytes[14] = static_cast<std::uint8_t>(n >> 8);
    i.bytes[15] = static_cast<std::uint8_t>(n);
    return i;
}

Busy random_claim(std::mt19937 &random, std::uint32_t n, int most_capacity) {
    Busy b;
    b.during.begin = Instant{static_cast<std::int64_t>(random() % universe)};
    b.during.end = b.during.begin + Duration{1 + static_cast<std::int64_t>(random() % 12)};
    b.visit = b.during;
    b.capacity = 1 + static_cast<std::int32_t>(random() % static_cast<unsigned>(most_capacity));
    b.kind = static_cast<ClaimKind>(random() % 4);
    b.claim = small_id(n);
    b.appointment = b.kind == ClaimKind::booking ? small_id(500 + n) : Id{};
    return b;
}

bool timed(const Busy &b) { return b.kind == ClaimKind::hold || b.kind == ClaimKind::offer; }

struct NaiveFit {
    bool fits = true, smaller = false, counted = false, held = false;
    std::int32_t remaining = 0;
    Instant first_full = instant_max;
};

NaiveFit naive_fit(const std::vector<Busy> &claims, const Interval &during, std::int32_t capacity) {
    NaiveFit fit;
    fit.remaining = capacity;
    for (Instant t = during.begin; t < during.end; t = t + Duration{1}) {
        std::int32_t present = 0, least = capacity;
        bool held = false;
        for (const Busy &b : claims) {
            if (!b.during.contains(t))
                continue;
            ++present;
            least = std::min(least, b.capacity);
            held = held || timed(b);
        }
        fit.remaining = std::min(fit.remaining, std::max(0, least - present));
        if (present + 1 <= least)
            continue;
        fit.fits = false;
        fit.first_full = std::min(fit.first_full, t);
        fit.held = fit.held || held;
        (least < capacity ? fit.smaller : fit.counted) = true;
    }
    return fit;
}

} // namespace

TEST(Fit, AgreesWithACountInstantByInstant) {
    std::mt19937 random(11);
    for (int round = 0; round < 20000; ++round) {
        std::vector<Busy> claims;
        const int most_capacity = round % 3 == 0 ? 1 : 5;
        for (std::uint32_t n = random() % 10; n > 0; --n)
            claims.push_back(random_claim(random, n, most_capacity));
        std::vector<Id> ignored;
        for (const Busy &b : claims)
            if (random() % 6 == 0)
                ignored.push_back(b.appointment); // a nil one, too: it ignores nothing
        const bool count_holds = random() % 2 == 0;
        const Busy asked = random_claim(random, 99, 6);
        std::vector<Busy> counted;
        for (const Busy &b : claims)
            if ((count_holds || !timed(b)) &&
                !(b.appointment && std::find(ignored.begin(), ignored.end(), b.appointment) != ignored.end()))
                counted.push_back(b);
        const NaiveFit naive = naive_fit(counted, asked.during, asked.capacity);
        const BusyList list(claims);
        const Fit fit = fit_claim(list, asked.during, asked.capacity, ignored, count_holds);
        ASSERT_EQ(fit.fits, naive.fits);
        ASSERT_EQ(fit.remaining, naive.remaining);
        ASSERT_EQ(fit.remaining > 0, fit.fits);
        ASSERT_EQ(fit.smaller != nullptr, naive.smaller);
        ASSERT_EQ(fit.counted != nullptr, naive.counted);
        ASSERT_EQ(fit.held != nullptr, naive.held);
        ASSERT_EQ(fit.obstacle != nullptr, !naive.fits);
        EXPECT_TRUE(fit.held == nullptr || timed(*fit.held));
        if (fit.obstacle == nullptr)
            continue;
        ASSERT_TRUE(fit.obstacle->during.contains(naive.first_full));
        for (const Busy &b : counted)
            ASSERT_TRUE(!b.during.contains(naive.first_full) || fit.obstacle->during.begin <= b.during.begin)
                << "the earliest there";
    }
}

TEST(Fit, NothingThereLeavesTheWholeCapacity) {
    const Fit fit = fit_claim(BusyList(), {Instant{0}, Instant{1}}, 7, {}, true);
    EXPECT_TRUE(fit.fits);
    EXPECT_EQ(fit.remaining, 7);
    EXPECT_EQ(fit.obstacle, nullptr);
}

TEST(Fit, RemainingIsHowManyFollowOneAnother) {
    std::mt19937 random(12);
    for (int round = 0; round < 3000; ++round) {
        std::vector<Busy> claims;
        for (std::uint32_t n = random() % 8; n > 0; --n)
            claims.push_back(random_claim(random, n, 5));
        Busy asked = random_claim(random, 99, 6);
        const std::int32_t remaining = fit_claim(BusyList(claims), asked.during, asked.capacity, {}, true).remaining;
        std::int32_t taken = 0;
        while (taken < 10 && fit_claim(BusyList(claims), asked.during, asked.capacity, {}, true).fits) {
            claims.push_back(asked);
            ++taken;
        }
        ASSERT_EQ(taken, remaining);
    }
}

// Lanes are bookkeeping: claims accepted one by one never need more lanes than the largest capacity among them,
// and at no instant stand more than the smallest capacity present, in whatever order they came.
TEST(Fit, AcceptedClaimsCanBeLaidInLanes) {
    std::mt19937 random(13);
    for (int round = 0; round < 3000; ++round) {
        const int most_capacity = 1 + static_cast<int>(random() % 5);
        std::vector<Busy> accepted;
        for (std::uint32_t n = 0; n < 30; ++n) {
            const Busy b = random_claim(random, n, most_capacity);
            if (fit_claim(BusyList(accepted), b.during, b.capacity, {}, true).fits)
                accepted.push_back(b);
        }
        std::sort(accepted.begin(), accepted.end(),
                  [](const Busy &a, const Busy &b) { return a.during.begin < b.during.begin; });
        std::vector<Instant> lane_free(static_cast<std::size_t>(most_capacity), instant_min);
        for (const Busy &b : accepted) {
            const auto lane =
                std::find_if(lane_free.begin(), lane_free.end(), [&](Instant t) { return t <= b.during.begin; });
            ASSERT_NE(lane, lane_free.end());
            *lane = b.during.end;
        }
        for (Instant t{0}; t.micros < universe + 12; t = t + Duration{1}) {
            std::int32_t present = 0, least = most_capacity;
            for (const Busy &b : accepted)
                if (b.during.contains(t)) {
                    ++present;
                    least = std::min(least, b.capacity);
                }
            ASSERT_LE(present, least);
        }
    }
}

TEST(BusyList, FindsWhatOverlapsInDescendingOrder) {
    std::mt19937 random(14);
    for (int round = 0; round < 3000; ++round) {
        std::vector<Busy> claims;
        for (std::uint32_t n = random() % 20; n > 0; --n)
            claims.push_back(random_claim(random, n, 3));
        if (!claims.empty())
            claims.push_back(claims.front());
        const Interval asked = random_claim(random, 99, 1).during;
        std::size_t expected = 0, found = 0;
        for (const Busy &b : claims)
            expected += b.during.overlaps(asked) ? 1U : 0U;
        Instant latest = instant_max;
        BusyList(claims).each_overlapping(asked, [&](const Busy &b) {
            EXPECT_TRUE(b.during.overlaps(asked));
            EXPECT_LE(b.during.begin, latest);
            latest = b.during.begin;
            ++found;
            return true;
        });
        ASSERT_EQ(found, expected);
    }
}

} // namespace pg_clinic::core::test
