// What a caller holds, for searches: the holder sees the time as held by them, everybody else as taken.
#pragma once

#include "core/kernel.hpp"
#include "pg/context.hpp"
#include "pg/diary_reader.hpp"

#include <vector>

namespace pg_clinic::pg {

struct OwnHold {
    Uuid provider;
    Uuid location;
    core::Interval visit;
    core::Instant expires_at; // dead from this microsecond on
};

// The live holds of the caller that a search asks for: of its service (none without one), its provider, location and
// patient where it names them, beginning in its range.
std::vector<OwnHold> own_holds(const Context &context, const DiaryQuery &query);

} // namespace pg_clinic::pg
