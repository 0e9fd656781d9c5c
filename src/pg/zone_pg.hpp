// Time zones for the core, out of the server's own tzdata.
#pragma once

#include "core/zone.hpp"
#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// The zone of an IANA name, in any case; aliases such as US/Eastern count, POSIX strings and abbreviations do not.
// Raises invalid_time_zone for every other text. The zone lives as long as the backend.
const core::Zone &zone_named(std::string_view name);

// The spelling of tzdata for a name ("asia/kolkata" -> "Asia/Kolkata"; aliases stay aliases). Raises like zone_named.
std::string canonical_zone_name(std::string_view name);

bool is_zone_name(std::string_view name);

} // namespace pg_clinic::pg
