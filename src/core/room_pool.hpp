// Making room: when no room or device of a class is free, whether others can be given another one of it. Internal to the
// kernel.
//
// Only what the engine chose itself may be moved, within its class and location, and a session with all its seats. What begins
// or ends more than a day before or after the visit stays, and so does what shares a resource beyond its capacity.
#pragma once

#include <string>
#include <vector>

#include "core/kernel_state.hpp"
#include "core/pool.hpp"

namespace pg_clinic::core {

// Resources of one class at one location, wanted for one visit.
struct RoomWish {
    struct Choice {
        const ResourcePlan *plan = nullptr;
        PoolLoad load; // what the visit would be on it
    };
    std::string resource_class;
    Id location;
    Interval visit;
    std::int32_t needed = 1;     // so many different ones
    std::vector<Choice> choices; // those that would do if nobody were there, ordered by id
    std::vector<Id> staying;     // appointments whose resources stay theirs in any case
};

struct RoomsMade {
    std::vector<Id> resources; // for the visit
    std::vector<RoomMove> moves;
    std::int32_t remaining = 0; // seats that are left on all of them, the visit's own included
};

// Nothing when no assignment gives everybody a place.
std::optional<RoomsMade> make_room(const Kernel::State &state, const RoomWish &wish);

} // namespace pg_clinic::core
