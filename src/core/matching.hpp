// Matching: who takes which place, at the least total cost.
//
// min_cost_matching() answers where places exclude each other only by being the same one. best_reassignment() answers where
// what is chosen takes time on resources: its choices may overlap in part, so it branches on the overlaps, with the matching
// as the bound. Both are exact, deterministic (the same input gives the same answer), and count their steps.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/interval_set.hpp"
#include "core/work.hpp"

namespace pg_clinic::core {

struct MatchingEdge {
    std::size_t row = 0;
    std::size_t column = 0;
    std::int64_t cost = 0; // 0 to 2^40
};

struct Matching {
    std::vector<std::optional<std::size_t>> column_of; // by row
    std::size_t size = 0;
    std::int64_t cost = 0;
};

// Matches as many rows as can be, and among such matchings takes one of the least total cost. A column takes as many rows as
// its capacity says. Throws Error invalid_parameter for a cost out of range or an edge to nowhere.
Matching min_cost_matching(std::size_t rows, const std::vector<std::int32_t> &capacities,
                           const std::vector<MatchingEdge> &edges, Work &work);

// Time that an option takes on a resource. Those with the same share (not 0) count once: the seats of one session.
struct Use {
    std::size_t resource = 0; // into Reassignment::capacities
    Interval during;          // not empty
    std::size_t share = 0;
};

struct Option {
    std::int64_t cost = 0;
    std::vector<Use> uses; // the first one is the place that the matching is about
};

struct Reassignment {
    std::vector<std::int32_t> capacities;   // of the resources: how many may be there at one instant
    std::vector<Use> present;               // what is there already
    std::vector<std::vector<Option>> items; // what each item may take
};

struct Reassigned {
    std::vector<std::optional<std::size_t>> option_of; // by item
    std::size_t placed = 0;
    std::int64_t cost = 0;
    bool proven = false; // nothing places more, nor as many for less
};

// Chooses at most one option for each item so that no resource is taken more often than its capacity: as many items as
// can be, at the least total cost. When it takes more than most_steps, the best found so far, not proven.
Reassigned best_reassignment(const Reassignment &problem, Work &work, std::uint64_t most_steps = 100'000'000);

// True when the uses together stay within the capacities.
bool fit_together(const std::vector<Use> &uses, const std::vector<std::int32_t> &capacities);

} // namespace pg_clinic::core
