// Matchings and reassignments against trying everything.
#include <gtest/gtest.h>

#include <random>

#include "core/matching.hpp"
#include "support/rounds.hpp"

namespace pg_clinic::core::test {

namespace {

struct Best {
    std::size_t placed = 0;
    std::int64_t cost = 0;
    bool better(std::size_t n, std::int64_t c) const { return n > placed || (n == placed && c < cost); }
};

// Every way to give rows columns.
void try_matchings(const std::vector<std::vector<std::int64_t>> &cost, std::vector<std::int32_t> &left, std::size_t row,
                   std::size_t placed, std::int64_t spent, Best &best) {
    if (row == cost.size()) {
        if (best.better(placed, spent))
            best = {placed, spent};
        return;
    }
    try_matchings(cost, left, row + 1, placed, spent, best);
    for (std::size_t c = 0; c < left.size(); ++c)
        if (cost[row][c] >= 0 && left[c] > 0) {
            --left[c];
            try_matchings(cost, left, row + 1, placed + 1, spent + cost[row][c], best);
            ++left[c];
        }
}

// Counts instant by instant.
bool naive_fit(const std::vector<Use> &uses, const std::vector<std::int32_t> &capacities) {
    for (std::size_t r = 0; r < capacities.size(); ++r)
        for (Instant t{0}; t < Instant{64}; t = t + Duration{1}) {
            std::int32_t count = 0;
            std::vector<std::size_t> shares;
            for (const Use &u : uses) {
                if (u.resource != r || !u.during.contains(t))
                    continue;
                if (u.share != 0 && std::find(shares.begin(), shares.end(), u.share) != shares.end())
                    continue;
                if (u.share != 0)
                    shares.push_back(u.share);
                ++count;
            }
            if (count > capacities[r])
                return false;
        }
    return true;
}

void try_reassignments(const Reassignment &problem, std::vector<Use> &uses, std::size_t item, std::size_t placed,
                       std::int64_t spent, Best &best) {
    if (item == problem.items.size()) {
        if (best.better(placed, spent))
            best = {placed, spent};
        return;
    }
    try_reassignments(problem, uses, item + 1, placed, spent, best);
    for (const Option &o : problem.items[item]) {
        const std::size_t before = uses.size();
        uses.insert(uses.end(), o.uses.begin(), o.uses.end());
        if (naive_fit(uses, problem.capacities))
            try_reassignments(problem, uses, item + 1, placed + 1, spent + o.cost, best);
        uses.resize(before);
    }
}

// Some providers with their days, a few rooms of one kind, patients with one thing or two, sessions with seats.
Reassignment random_problem(std::mt19937 &random) {
    Reassignment p;
    const std::size_t providers = 1 + random() % 3;
    p.capacities.assign(providers, 1);
    const std::size_t rooms = p.capacities.size();
    p.capacities.push_back(1 + static_cast<std::int32_t>(random() % 3));
    const std::size_t day = p.capacities.size();
    p.capacities.push_back(1 + static_cast<std::int32_t>(random() % 5));
    const std::size_t seats = p.capacities.size();
    p.capacities.push_back(2);
    const bool fine_grid = random() % 2 == 0;
    if (random() % 3 == 0)
        p.present.push_back({random() % p.capacities.size(), {Instant{8}, Instant{14}}, 0});
    for (std::size_t n = 1 + random() % 5; n > 0; --n) {
        std::vector<Option> options;
        const std::int64_t length = fine_grid ? 3 + static_cast<std::int64_t>(random() % 5) : 6;
        const auto wish = static_cast<std::int64_t>(random() % 30);
        for (std::size_t k = random() % 7; k > 0; --k) {
            const std::size_t provider = random() % providers;
            const std::int64_t at = static_cast<std::int64_t>(random() % 10) * (fine_grid ? 2 : 6);
            const Interval during{Instant{at}, Instant{at + length}};
            Option o;
            o.cost = std::abs(at - wish) + static_cast<std::int64_t>(random() % 3);
            const bool session = !fine_grid && provider == 0 && random() % 2 == 0;
            const std::size_t share = session ? 1 + static_cast<std::size_t>(at) : 0;
            o.uses.push_back({provider, during, share});
            if (session)
                o.uses.push_back({seats, during, 0});
            else if (random() % 2 == 0)
                o.uses.push_back({rooms, during, 0});
            if (random() % 3 == 0)
                o.uses.push_back({day, {Instant{0}, Instant{64}}, 0});
            options.push_back(std::move(o));
        }
        p.items.push_back(std::move(options));
    }
    return p;
}

std::vector<Use> chosen_uses(const Reassignment &p, const Reassigned &r) {
    std::vector<Use> uses = p.present;
    for (std::size_t i = 0; i < p.items.size(); ++i)
        if (r.option_of[i])
            uses.insert(uses.end(), p.items[i][*r.option_of[i]].uses.begin(), p.items[i][*r.option_of[i]].uses.end());
    return uses;
}

} // namespace

TEST(Matching, AgreesWithTryingEverything) {
    std::mt19937 random(3);
    for (int round = 0; round < 5000; ++round) {
        const std::size_t rows = random() % 6, columns = random() % 6;
        std::vector<std::int32_t> capacities;
        for (std::size_t c = 0; c < columns; ++c)
            capacities.push_back(static_cast<std::int32_t>(random() % 4) - (random() % 8 == 0 ? 1 : 0));
        std::vector<std::vector<std::int64_t>> cost(rows, std::vector<std::int64_t>(columns, -1));
        std::vector<MatchingEdge> edges;
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < columns; ++c)
                if (random() % 3 != 0) {
                    cost[r][c] = static_cast<std::int64_t>(random() % 20);
                    edges.push_back({r, c, cost[r][c]});
                }
        Best best;
        std::vector<std::int32_t> left = capacities;
        try_matchings(cost, left, 0, 0, 0, best);
        Work work;
        const Matching found = min_cost_matching(rows, capacities, edges, work);
        ASSERT_EQ(found.size, best.placed) << round;
        ASSERT_EQ(found.cost, best.cost) << round;
        std::vector<std::int32_t> used(columns, 0);
        std::int64_t spent = 0;
        std::size_t matched = 0;
        for (std::size_t r = 0; r < rows; ++r)
            if (found.column_of[r]) {
                ++matched;
                ASSERT_GE(cost[r][*found.column_of[r]], 0);
                spent += cost[r][*found.column_of[r]];
                ASSERT_LE(++used[*found.column_of[r]], capacities[*found.column_of[r]]);
            }
        ASSERT_EQ(matched, found.size);
        ASSERT_EQ(spent, found.cost);
    }
}

TEST(Matching, PrefersMoreToCheaper) {
    // Row 0 would take column 0 for nothing, and leave row 1 without any.
    Work work;
    const Matching m = min_cost_matching(2, {1, 1}, {{0, 0, 0}, {0, 1, 1000}, {1, 0, 500}}, work);
    EXPECT_EQ(m.size, 2U);
    EXPECT_EQ(m.cost, 1500);
}

TEST(Matching, RefusesWhatIsOutOfRange) {
    Work work;
    EXPECT_THROW(min_cost_matching(1, {1}, {{0, 0, -1}}, work), Error);
    EXPECT_THROW(min_cost_matching(1, {1}, {{0, 0, (std::int64_t{1} << 40) + 1}}, work), Error);
    EXPECT_THROW(min_cost_matching(1, {1}, {{1, 0, 0}}, work), Error);
    EXPECT_THROW(min_cost_matching(1, {1}, {{0, 1, 0}}, work), Error);
    EXPECT_EQ(min_cost_matching(0, {}, {}, work).size, 0U);
}

TEST(Reassignment, AgreesWithTryingEverything) {
    std::mt19937 random(17);
    for (int round = 0; round < pg_clinic::test::rounds(500); ++round) {
        const Reassignment p = random_problem(random);
        Best best;
        std::vector<Use> uses = p.present;
        if (!naive_fit(uses, p.capacities))
            continue;
        try_reassignments(p, uses, 0, 0, 0, best);
        Work work;
        const Reassigned found = best_reassignment(p, work);
        ASSERT_TRUE(found.proven) << round;
        ASSERT_EQ(found.placed, best.placed) << round;
        ASSERT_EQ(found.cost, best.cost) << round;
        ASSERT_TRUE(naive_fit(chosen_uses(p, found), p.capacities)) << round;
        Work again;
        ASSERT_EQ(best_reassignment(p, again).option_of, found.option_of) << round;
    }
}

TEST(Reassignment, SolvesAFullDay) {
    // Twenty visits of half an hour to three others with half their day taken, starts every quarter of an hour.
    std::mt19937 random(5);
    Reassignment p;
    p.capacities.assign(3, 1);
    std::vector<std::vector<Interval>> taken(3);
    for (std::size_t provider = 0; provider < 3; ++provider)
        for (std::int64_t at = 0; at < 480; at += 30)
            if (random() % 2 == 0)
                taken[provider].push_back({Instant{at}, Instant{at + 30}});
    for (std::int64_t n = 0; n < 16; ++n) {
        std::vector<Option> options;
        const std::int64_t wish = 30 * n;
        for (std::size_t provider = 0; provider < 3; ++provider)
            for (std::int64_t at = 0; at + 30 <= 480; at += 15) {
                const Interval during{Instant{at}, Instant{at + 30}};
                if (std::none_of(taken[provider].begin(), taken[provider].end(),
                                 [&](const Interval &t) { return t.overlaps(during); }))
                    options.push_back({std::abs(at - wish), {{provider, during, 0}}});
            }
        p.items.push_back(std::move(options));
    }
    Work work;
    const Reassigned found = best_reassignment(p, work);
    EXPECT_TRUE(found.proven);
    EXPECT_TRUE(fit_together(chosen_uses(p, found), p.capacities));
    EXPECT_EQ(found.placed, 16U);
    EXPECT_LT(work.used(), 20'000'000U);
}

TEST(Reassignment, GivesTheBestFoundWhenStepsRunOut) {
    Reassignment p;
    p.capacities.assign(1, 1);
    for (std::int64_t n = 0; n < 12; ++n) {
        std::vector<Option> options;
        for (std::int64_t at = 0; at < 60; ++at)
            options.push_back({std::abs(at - n), {{0, {Instant{at}, Instant{at + 7 + n % 3}}, 0}}});
        p.items.push_back(std::move(options));
    }
    Work work;
    const Reassigned found = best_reassignment(p, work, 1000);
    EXPECT_FALSE(found.proven);
    EXPECT_GT(found.placed, 0U);
    EXPECT_TRUE(fit_together(chosen_uses(p, found), p.capacities));
}

TEST(Reassignment, StopsForACancel) {
    Reassignment p;
    p.capacities.assign(1, 1);
    for (std::int64_t n = 0; n < 40; ++n)
        p.items.push_back(
            {{n, {{0, {Instant{n}, Instant{n + 30}}, 0}}}, {n + 1, {{0, {Instant{n + 3}, Instant{n + 33}}, 0}}}});
    Work work(200'000'000, [] { throw Error(ErrorCode::limit_exceeded, "stopped"); });
    EXPECT_THROW(best_reassignment(p, work), Error);
}

} // namespace pg_clinic::core::test
