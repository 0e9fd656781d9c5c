// Assignment: the examples of its promise, and random demands against every possible choice.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "core/assignment.hpp"
#include "support/clinic.hpp"

namespace pg_clinic::core::test {

namespace {

std::vector<Id> ids(std::initializer_list<std::uint32_t> numbers) {
    std::vector<Id> result;
    for (std::uint32_t n : numbers)
        result.push_back(id(n));
    return result;
}

using Chosen = std::vector<std::vector<Id>>;

// How many each demand can have at most, in order: the greatest sequence that some choice gives. Tries them all.
std::vector<std::size_t> best_counts(const std::vector<Demand> &demands) {
    std::vector<std::size_t> best(demands.size(), 0), counts;
    std::set<Id> taken;
    const auto choose = [&](auto &self, std::size_t d, std::size_t from, std::size_t got) -> void {
        if (d == demands.size()) {
            best = std::max(best, counts);
            return;
        }
        counts.push_back(got);
        self(self, d + 1, 0, 0);
        counts.pop_back();
        if (static_cast<std::int32_t>(got) == demands[d].needed)
            return;
        for (std::size_t i = from; i < demands[d].candidates.size(); ++i)
            if (taken.insert(demands[d].candidates[i]).second) {
                self(self, d, i + 1, got + 1);
                taken.erase(demands[d].candidates[i]);
            }
    };
    choose(choose, 0, 0, 0);
    return best;
}

} // namespace

TEST(Assignment, TakesTheBest) {
    EXPECT_EQ(assign({{2, ids({5, 3, 4})}}), (Chosen{ids({3, 5})}));
    EXPECT_EQ(assign({{1, {}}}), Chosen{{}});
    EXPECT_EQ(assign({}), Chosen{});
}

TEST(Assignment, FirstTakesAnotherWhereTheSecondHasNoChoice) {
    EXPECT_EQ(assign({{1, ids({1, 2})}, {1, ids({1})}}), (Chosen{ids({2}), ids({1})}));
    EXPECT_EQ(assign({{1, ids({1, 2})}, {1, ids({1, 3})}}), (Chosen{ids({1}), ids({3})})) << "who is free comes first";
}

TEST(Assignment, TheSecondGoesWithout) { EXPECT_EQ(assign({{1, ids({1})}, {1, ids({1})}}), (Chosen{ids({1}), {}})); }

TEST(Assignment, AgreesWithEveryChoiceOnRandomDemands) {
    std::mt19937 random(7);
    const auto below = [&random](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    int short_ones = 0;
    for (int round = 0; round < 3000; ++round) {
        std::vector<Demand> demands(1 + below(4));
        for (Demand &d : demands) {
            d.needed = static_cast<std::int32_t>(1 + below(2));
            for (std::uint32_t n = 1; n <= 6; ++n)
                if (below(2) == 0)
                    d.candidates.insert(
                        d.candidates.begin() + below(static_cast<std::uint32_t>(d.candidates.size()) + 1), id(n));
        }
        const Chosen chosen = assign(demands);
        std::set<Id> all;
        std::vector<std::size_t> counts;
        for (std::size_t d = 0; d < demands.size(); ++d) {
            for (const Id &who : chosen[d]) {
                EXPECT_TRUE(all.insert(who).second) << "nobody twice";
                EXPECT_TRUE(std::count(demands[d].candidates.begin(), demands[d].candidates.end(), who));
            }
            counts.push_back(chosen[d].size());
            short_ones += static_cast<std::int32_t>(chosen[d].size()) < demands[d].needed;
        }
        ASSERT_EQ(counts, best_counts(demands)) << "round " << round;
        ASSERT_EQ(chosen, assign(demands));
    }
    EXPECT_GT(short_ones, 300);
}

} // namespace pg_clinic::core::test
