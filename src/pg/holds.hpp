// What a caller holds, for searches: the holder sees the time as held by them, everybody else as taken.
#pragma once

#include "core/kernel.hpp"
#include "pg/context.hpp"
#include "pg/diary_reader.hpp"

#include <vector>

namespace pg_clinic::pg {

struct OwnHold {
    core::Slot slot;          // nothing of it remains for others
    core::Instant expires_at; // dead from this microsecond on
};

// The live holds of the caller that a search asks for: of its service (none without one), its provider, location and
// patient where it names them, beginning in its range. Ordered as slots are: by start, then provider, then location.
std::vector<OwnHold> own_holds(const Context &context, const DiaryQuery &query);

} // namespace pg_clinic::pg
