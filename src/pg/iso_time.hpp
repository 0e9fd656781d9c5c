// ISO 8601 times, read without the session's settings and without ereport, for places where neither is welcome.
#pragma once

#include <optional>
#include <string_view>

#include "core/civil.hpp"

namespace pg_clinic::pg {

struct IsoTime {
    core::LocalTime local;
    std::optional<std::int32_t> offset_seconds; // none when the text has neither Z nor an offset
};

// Reads "2026-03-29", "2026-03-29 09:30", "2026-03-29T09:30:15.5+05:30", "...Z"; nothing for any other text.
std::optional<IsoTime> parse_iso_time(std::string_view text) noexcept;

} // namespace pg_clinic::pg
