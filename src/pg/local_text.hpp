// Instants as people and JSON read them: local time with its offset.
#pragma once

#include <string>

#include "core/zone.hpp"

namespace pg_clinic::pg {

// "+05:30"; with seconds where the zone has them.
std::string offset_text(std::int32_t offset_seconds);

// "2026-11-23T09:30:00-05:00", with a fraction only where there is one.
std::string iso_text(const core::Zone &zone, core::Instant t);

} // namespace pg_clinic::pg
