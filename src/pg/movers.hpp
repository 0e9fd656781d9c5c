// What the kernel asks about claims that might make room, and the making room itself: see core/room_pool.hpp.
#pragma once

#include <memory>

#include "core/diary.hpp"
#include "core/verdict.hpp"
#include "pg/scan.hpp"
#include "pg/uuid.hpp"

namespace pg_clinic::pg {

// Looks appointments up when asked, past row security: whose they are is told to nobody.
std::shared_ptr<const core::Movers> stored_movers(const Uuid &tenant, Sight sight, core::Instant now);

// Gives other rooms to the claims of appointments, and writes that down beside them. The appointments themselves do not change:
// which room they have is bookkeeping, nobody was promised one. All resources of the class are locked.
void make_room(const Uuid &tenant, const std::vector<core::RoomMove> &moves, core::Instant now);

} // namespace pg_clinic::pg
