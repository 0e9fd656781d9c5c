// Pools against brute force: whatever can be arranged is arranged, by as few moves as there are.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/pool.hpp"
#include "support/rounds.hpp"

namespace pg_clinic::core::test {

namespace {

constexpr std::size_t nowhere = PoolPiece::nowhere;
using Places = std::vector<std::size_t>;

Interval ticks(std::int64_t begin, std::int64_t end) { return {Instant{begin}, Instant{end}}; }

// A piece that may lie on some of the resources, at the same time on each, alone.
PoolPiece piece(std::size_t owner, std::int64_t begin, std::int64_t end, const std::vector<bool> &may,
                std::size_t home = nowhere) {
    PoolPiece p;
    for (const bool m : may)
        p.on.push_back(m ? std::optional(PoolLoad{ticks(begin, end), 1, 1}) : std::nullopt);
    p.home = home;
    p.owner = owner;
    return p;
}

// Every place of the lattice, one after the other; shares nothing with the core but the values.
bool valid(const Pool &pool, const Places &places) {
    for (std::size_t r = 0; r < pool.fixed.size(); ++r) {
        std::vector<PoolLoad> there = pool.fixed[r];
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (places[i] != r)
                continue;
            if (!pool.pieces[i].on[r])
                return false;
            there.push_back(*pool.pieces[i].on[r]);
            for (std::size_t j = 0; j < i; ++j)
                if (places[j] == r && pool.pieces[j].owner == pool.pieces[i].owner)
                    return false;
        }
        for (std::int64_t t = -5; t < 60; ++t) {
            int seats = 0, least = 1'000'000;
            for (const PoolLoad &l : there)
                if (l.during.begin.micros <= t && t < l.during.end.micros) {
                    seats += l.seats;
                    least = std::min(least, l.capacity);
                }
            if (seats > least)
                return false;
        }
    }
    return true;
}

std::size_t moved(const Pool &pool, const Places &places) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < places.size(); ++i)
        n += pool.pieces[i].home != nowhere && pool.pieces[i].home != places[i] ? 1 : 0;
    return n;
}

// The least number of moves of all assignments, all of them being tried; nothing when none is valid.
std::optional<std::size_t> brute_force(const Pool &pool) {
    std::optional<std::size_t> best;
    Places places(pool.pieces.size(), 0);
    for (;;) {
        if ((!best || moved(pool, places) < *best) && valid(pool, places))
            best = moved(pool, places);
        std::size_t i = 0;
        while (i < places.size() && ++places[i] == pool.fixed.size())
            places[i++] = 0;
        if (i == places.size())
            return best;
    }
}

class PoolGenerator {
  public:
    explicit PoolGenerator(unsigned seed) : random_(seed) {}

    Pool pool(bool with_capacity) {
        Pool pool;
        const std::size_t resources = 1 + below(4);
        pool.fixed.resize(resources);
        std::vector<std::int32_t> quantity;
        std::vector<std::int64_t> buffer;
        for (std::size_t r = 0; r < resources; ++r) {
            quantity.push_back(with_capacity ? static_cast<std::int32_t>(1 + below(3)) : 1);
            buffer.push_back(chance(30) ? 1 : 0);
            for (std::size_t n = below(3); n > 0; --n) {
                const auto begin = static_cast<std::int64_t>(below(20));
                const PoolLoad load{ticks(begin, begin + 1 + static_cast<std::int64_t>(below(4))), 1, quantity[r]};
                if (fits_among(pool.fixed[r], load))
                    pool.fixed[r].push_back(load);
            }
        }
        std::size_t owner = 0;
        // Those that lie there, laid one after the other wherever they fit; then what is new.
        for (std::size_t n = below(6); n > 0; --n)
            add(pool, owner++, 1 + (chance(15) ? 1 : 0), quantity, buffer, true);
        add(pool, owner, 1 + (chance(25) ? 1 : 0), quantity, buffer, false);
        return pool;
    }

  private:
    std::size_t below(std::size_t n) { return random_() % n; }
    bool chance(std::size_t percent) { return below(100) < percent; }

    void add(Pool &pool, std::size_t owner, std::size_t count, const std::vector<std::int32_t> &quantity,
             const std::vector<std::int64_t> &buffer, bool at_home) {
        const auto begin = static_cast<std::int64_t>(below(16));
        const auto end = begin + 1 + static_cast<std::int64_t>(below(6));
        const bool group = quantity.size() > 1 && *std::max_element(quantity.begin(), quantity.end()) > 1 && chance(30);
        const std::int32_t capacity = group ? 2 : 1;
        const auto seats = static_cast<std::int32_t>(group ? 1 + below(2) : 1);
        for (; count > 0; --count) {
            PoolPiece p;
            p.owner = owner;
            for (std::size_t r = 0; r < pool.fixed.size(); ++r)
                p.on.push_back(chance(20) ? std::nullopt
                                          : std::optional(PoolLoad{ticks(begin - buffer[r], end + buffer[r]), seats,
                                                                   capacity * quantity[r]}));
            if (at_home) {
                Places places;
                for (const PoolPiece &other : pool.pieces)
                    places.push_back(other.home);
                places.push_back(0);
                pool.pieces.push_back(p);
                const std::size_t first = below(pool.fixed.size());
                for (std::size_t k = 0; k < pool.fixed.size() && pool.pieces.back().home == nowhere; ++k) {
                    places.back() = (first + k) % pool.fixed.size();
                    if (valid(pool, places))
                        pool.pieces.back().home = places.back();
                }
                if (pool.pieces.back().home == nowhere)
                    pool.pieces.pop_back();
            } else {
                pool.pieces.push_back(p);
            }
        }
    }

    std::mt19937_64 random_;
};

} // namespace

TEST(Pool, AgreesWithBruteForce) {
    int arranged = 0, refused = 0, by_moves = 0, by_three = 0;
    for (unsigned seed = 1; seed <= static_cast<unsigned>(pg_clinic::test::rounds(6'000)); ++seed) {
        const Pool pool = PoolGenerator(seed).pool(seed % 2 == 0);
        const std::optional<std::size_t> best = brute_force(pool);
        Work work;
        const std::optional<Places> found = arrange(pool, work);
        ASSERT_EQ(found.has_value(), best.has_value()) << "seed " << seed;
        if (!found) {
            ++refused;
            continue;
        }
        ASSERT_TRUE(valid(pool, *found)) << "seed " << seed;
        ASSERT_EQ(moved(pool, *found), *best) << "seed " << seed;
        ++arranged;
        by_moves += *best > 0 ? 1 : 0;
        by_three += *best > 2 ? 1 : 0;
    }
    // Worth nothing if it never comes to a point.
    EXPECT_GT(arranged, 1'500);
    EXPECT_GT(refused, 500);
    EXPECT_GT(by_moves, 150);
    EXPECT_GT(by_three, 0);
}

TEST(Pool, OneMakesWayForAnother) {
    Pool pool;
    pool.fixed.resize(2);
    pool.fixed[1] = {{ticks(10, 20), 1, 1}};
    pool.pieces = {piece(0, 0, 10, {true, true}, 0), piece(1, 5, 15, {true, true})};
    Work work;
    EXPECT_EQ(arrange(pool, work), (Places{1, 0}));
    pool.pieces[0].on[1].reset();
    EXPECT_EQ(arrange(pool, work), std::nullopt);
}

TEST(Pool, TheSameAnswerEachTime) {
    for (unsigned seed = 1; seed <= 300; ++seed) {
        const Pool pool = PoolGenerator(seed).pool(true);
        Work work;
        ASSERT_EQ(arrange(pool, work), arrange(pool, work));
    }
}

TEST(Pool, AChainOfMovesThroughTheWholeDay) {
    // Resource r is free for piece r + 1 only: the new one pushes each to the next.
    constexpr std::size_t many = 12;
    Pool pool;
    pool.fixed.resize(many + 1);
    for (std::size_t i = 0; i < many; ++i) {
        std::vector<bool> may(many + 1, false);
        may[i] = may[i + 1] = true;
        pool.pieces.push_back(piece(i, 0, 10, may, i));
    }
    std::vector<bool> first(many + 1, false);
    first[0] = true;
    pool.pieces.push_back(piece(many, 0, 10, first));
    Work work;
    const auto found = arrange(pool, work);
    ASSERT_TRUE(found);
    EXPECT_EQ(moved(pool, *found), many);
    EXPECT_TRUE(valid(pool, *found));
    pool.fixed[many] = {{ticks(9, 11), 1, 1}};
    EXPECT_EQ(arrange(pool, work), std::nullopt);
}

// Twenty rooms and a day of visits laid where they were first free: what fits by number fits, and the work stays small.
TEST(Pool, ALargeDayIsQuick) {
    std::mt19937_64 random(5);
    std::uint64_t most = 0;
    int arranged = 0, refused = 0;
    for (int round = 0; round < 20; ++round) {
        constexpr std::size_t rooms = 20;
        Pool pool;
        pool.fixed.resize(rooms);
        const std::vector<bool> anywhere(rooms, true);
        const auto crowd = [&](std::int64_t begin, std::int64_t end) {
            std::size_t largest = 0;
            for (std::int64_t t = begin; t < end; ++t) {
                std::size_t there = 0;
                for (const PoolPiece &p : pool.pieces)
                    there += p.on[0]->during.contains(Instant{t}) ? 1 : 0;
                largest = std::max(largest, there);
            }
            return largest;
        };
        for (std::size_t n = 0; n < 400; ++n) {
            const auto begin = static_cast<std::int64_t>(random() % 48);
            const auto end = begin + 1 + static_cast<std::int64_t>(random() % 8);
            const bool fits = crowd(begin, end) < rooms;
            pool.pieces.push_back(piece(n, begin, end, anywhere));
            Work work;
            const auto found = arrange(pool, work);
            most = std::max(most, work.used());
            ASSERT_EQ(found.has_value(), fits);
            if (!found) {
                pool.pieces.pop_back();
                ++refused;
                continue;
            }
            ++arranged;
            for (std::size_t i = 0; i < found->size(); ++i)
                pool.pieces[i].home = (*found)[i];
        }
    }
    EXPECT_GT(arranged, 500);
    EXPECT_GT(refused, 500);
    EXPECT_LT(most, 20'000'000U);
}

TEST(Pool, ABudgetThatIsUsedUpIsAnError) {
    Pool pool = PoolGenerator(77).pool(false);
    Work work(1);
    for (int i = 0; i < 5000; ++i)
        pool.pieces.push_back(
            piece(static_cast<std::size_t>(1000 + i), i, i + 1, std::vector<bool>(pool.fixed.size(), true)));
    EXPECT_THROW(arrange(pool, work), Error);
}

} // namespace pg_clinic::core::test
