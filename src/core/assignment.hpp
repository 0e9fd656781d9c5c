// Assignment: several demands share candidates, and nobody serves two of them.
#pragma once

#include <cstdint>
#include <vector>

#include "core/id.hpp"

namespace pg_clinic::core {

struct Demand {
    std::int32_t needed = 1;
    std::vector<Id> candidates; // best first, each once
};

// Whom each demand gets: as many as it needs, or fewer. Demands are served in order: one that comes later never takes
// anything from one before it, which at most gets others. So a demand gets fewer than it needs only when no choice for all
// demands before it leaves enough; and every choice is the same for the same demands.
std::vector<std::vector<Id>> assign(const std::vector<Demand> &demands);

} // namespace pg_clinic::core
