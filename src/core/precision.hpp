// Precision scheduling: what a slot leaves of the provider's free time, and how well that can still be used.
//
// The score orders slots, it never hides one.
#pragma once

#include <cstdint>

#include "core/civil.hpp"

namespace pg_clinic::core {

// Free time of the provider directly before and after a visit (with its buffers), up to the next claim, block, or end of the
// window. None where the visit joins others at the same time: it takes no time that was free.
struct Gaps {
    Duration before;
    Duration after;
};

struct Precision {
    std::int32_t score = 100; // 0 to 100
    Duration unusable;        // free time that becomes too short for any visit
};

// Each side gives half: 50 where nothing is left, 40 where a visit of `shortest` still fits; else from 19 down to 0, the
// more time is lost.
Precision precision_of(const Gaps &gaps, Duration shortest) noexcept;

} // namespace pg_clinic::core
