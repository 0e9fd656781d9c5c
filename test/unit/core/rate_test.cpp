// Rates and their counters: what is exact in the first window, the weighing of the second, and the promise of retry_micros, held
// against random traffic.
#include <gtest/gtest.h>

#include <random>

#include "core/rate.hpp"
#include "core/siphash.hpp"

namespace pg_clinic::core::test {

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t begin = 800'000'000 * second;

std::int32_t allowed_of(RateCounter &counter, const Rate &rate, std::int64_t at, int calls) {
    std::int32_t allowed = 0;
    for (int i = 0; i < calls; ++i)
        allowed += count(counter, rate, at).allowed;
    return allowed;
}

} // namespace

TEST(Rate, ReadsWhatIsDocumented) {
    const auto a = parse_rate("30/min");
    ASSERT_TRUE(a);
    EXPECT_EQ(a->calls, 30);
    EXPECT_EQ(a->micros, 60 * second);
    EXPECT_EQ(parse_rate("10/s")->micros, second);
    EXPECT_EQ(parse_rate("1000/hour")->micros, 3600 * second);
    EXPECT_EQ(parse_rate("1000000/day")->calls, 1'000'000);
    for (const char *bad : {"",        "/",       "/min",    "30",      "30/",    "30/m", "30/mins",   "30 /min",
                            "30/ min", " 30/min", "30/min ", "+30/min", "-1/min", "0/s",  "1000001/s", "99999999999/s",
                            "1.5/s",   "3e1/s",   "30/MIN",  "30//min", "0x10/s"})
        EXPECT_FALSE(parse_rate(bad)) << bad;
}

TEST(Rate, FirstWindowIsExact) {
    const Rate rate{5, 60 * second};
    RateCounter counter;
    for (int i = 1; i <= 5; ++i) {
        const RateState state = count(counter, rate, begin + i);
        EXPECT_TRUE(state.allowed);
        EXPECT_EQ(state.remaining, 5 - i);
        EXPECT_EQ(state.retry_micros, 0);
    }
    const RateState refused = count(counter, rate, begin + 10 * second);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.remaining, 0);
    EXPECT_EQ(refused.reset_micros, 50 * second + 1);
    // Six of the previous window may weigh four at most: one third of the next window must be over.
    EXPECT_EQ(refused.retry_micros, 50 * second + 1 + 20 * second);
}

TEST(Rate, PreviousWindowFadesAway) {
    const Rate rate{10, 60 * second};
    RateCounter counter;
    EXPECT_EQ(allowed_of(counter, rate, begin, 10), 10);
    RateCounter still = counter;
    EXPECT_EQ(allowed_of(still, rate, begin + 59 * second, 3), 0);
    RateCounter half = counter;
    EXPECT_EQ(allowed_of(half, rate, begin + 90 * second, 10), 5);
    RateCounter over = counter;
    EXPECT_EQ(allowed_of(over, rate, begin + 120 * second, 20), 10);
    EXPECT_TRUE(forgotten(counter, rate, begin + 120 * second));
    EXPECT_FALSE(forgotten(counter, rate, begin + 119 * second));
}

TEST(Rate, RefusedCallsCount) {
    const Rate rate{10, 60 * second};
    RateCounter counter;
    EXPECT_EQ(allowed_of(counter, rate, begin, 1000), 10);
    EXPECT_EQ(allowed_of(counter, rate, begin + 110 * second, 20), 0)
        << "a thousand calls weigh too much even at a sixth";
}

TEST(Rate, CountsStayFinite) {
    const Rate rate{max_rate_calls, 86400 * second};
    RateCounter counter{begin, 10 * max_rate_calls, 10 * max_rate_calls};
    const RateState state = count(counter, rate, begin);
    EXPECT_FALSE(state.allowed);
    EXPECT_EQ(counter.current, 10 * max_rate_calls);
    EXPECT_GT(state.retry_micros, 0);
    EXPECT_LE(state.retry_micros, 2 * rate.micros);
}

TEST(Rate, ClockSetBackKeepsCounts) {
    const Rate rate{5, 60 * second};
    RateCounter counter;
    EXPECT_EQ(allowed_of(counter, rate, begin, 5), 5);
    EXPECT_EQ(allowed_of(counter, rate, begin - 86400 * second, 1), 0);
    EXPECT_EQ(allowed_of(counter, rate, begin - 86400 * second + 120 * second, 6), 5);
}

// Whoever waits as long as told is let in, and nobody earlier; no window of one length sees more than twice the rate, and
// remaining calls are indeed allowed.
TEST(Rate, RandomTrafficKeepsThePromises) {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        const Rate rate{1 + static_cast<std::int32_t>(random() % 40),
                        second * (1 + static_cast<std::int64_t>(random() % 100))};
        RateCounter counter;
        std::int64_t now = begin;
        std::vector<std::int64_t> allowed;
        for (int call = 0; call < 300; ++call) {
            now += static_cast<std::int64_t>(
                random() % static_cast<std::uint64_t>(random() % 3 == 0 ? rate.micros : rate.micros / 30));
            const RateState state = count(counter, rate, now);
            if (state.allowed) {
                allowed.push_back(now);
                RateCounter more = counter;
                EXPECT_EQ(allowed_of(more, rate, now, state.remaining + 3), state.remaining);
            } else {
                ASSERT_GT(state.retry_micros, 0);
                RateCounter early = counter, in_time = counter;
                EXPECT_FALSE(count(early, rate, now + state.retry_micros - 1).allowed);
                EXPECT_TRUE(count(in_time, rate, now + state.retry_micros).allowed);
            }
            EXPECT_GT(state.reset_micros, 0);
            EXPECT_LE(state.reset_micros, rate.micros);
        }
        for (std::size_t i = 0, j = 0; j < allowed.size(); ++j) {
            while (allowed[j] - allowed[i] >= rate.micros)
                ++i;
            EXPECT_LT(j - i + 1, 2 * static_cast<std::size_t>(rate.calls) + 1);
        }
    }
}

// The vectors that come with SipHash's definition: key 00 01 ... 0f, texts 00 01 02 ...
TEST(SipHash, KnowsTheVectors) {
    const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    std::string text;
    const std::uint64_t expected[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a};
    for (int n = 0; n < 3; ++n) {
        EXPECT_EQ(siphash(key, text), expected[n]);
        text += static_cast<char>(n);
    }
    for (int n = 3; n < 15; ++n)
        text += static_cast<char>(n);
    EXPECT_EQ(siphash(key, text), 0xa129ca6149be45e5);
}

} // namespace pg_clinic::core::test
