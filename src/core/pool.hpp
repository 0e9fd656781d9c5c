// A pool: interchangeable resources, and what lies on which. Finds places for more, by moving what may be moved.
//
// The answer is exact: something new is refused only when no assignment of the movable pieces fits everybody, beside what is
// fixed. Pieces of one owner lie on different resources. As few pieces move as possible; where the search for the fewest would
// take too long, as few as were found, the same ones each time. A resource holds pieces when at every instant the places taken
// number at most the smallest capacity among those present (as fit_claim says).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "core/interval_set.hpp"
#include "core/work.hpp"

namespace pg_clinic::core {

// Time taken on a resource.
struct PoolLoad {
    Interval during;
    std::int32_t seats = 1;
    std::int32_t capacity = 1; // how many places it tolerates to be taken at one time, its own included
};

struct PoolPiece {
    static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

    // What the piece would be on a resource, or nothing where it may not lie.
    std::vector<std::optional<PoolLoad>> on; // by resource
    std::size_t home = nowhere;              // where it lies now; nowhere: it is new
    std::size_t owner = 0;
};

struct Pool {
    std::vector<std::vector<PoolLoad>> fixed; // by resource
    std::vector<PoolPiece> pieces;            // those that have a home fit there, beside one another and what is fixed
};

// Whether one more load fits among others.
bool fits_among(const std::vector<PoolLoad> &others, const PoolLoad &load);

// False when at some instant there are too many already. Says so for a part of a pool too; true says little.
bool may_be_arranged(const Pool &pool, Work &work);

// Where each piece lies when all have a place; nothing when there is no such assignment. Throws when the budget is used up.
std::optional<std::vector<std::size_t>> arrange(const Pool &pool, Work &work);

} // namespace pg_clinic::core
