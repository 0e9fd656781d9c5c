// A uuid as a plain value: the core's Id.
#pragma once

#include "core/id.hpp"
#include "pg/postgres.hpp"

namespace pg_clinic::pg {

using Uuid = core::Id;

// The 36 characters of RFC 9562, in lower case.
std::string to_text(const Uuid &id);

// Reads 36 characters of RFC 9562; nothing for any other text.
std::optional<Uuid> parse_uuid(std::string_view text) noexcept;

// A new time-ordered id (version 7). Ids of one backend ascend, unless the engine's clock is set back.
Uuid new_id();

// The same by the server's wall clock, whatever clinic.clock says: for records that tell when something really happened. Ids of one
// backend ascend, also when the wall clock is set back.
Uuid new_wall_id();

// Bytes that nobody can guess, drawn from the server's source in larger portions.
void take_random(std::uint8_t *bytes, std::size_t count);

// The smallest version 7 id of an instant's millisecond; instants before 1970 count as 1970.
Uuid uuid_floor(std::int64_t unix_millis) noexcept;

} // namespace pg_clinic::pg

template <> struct std::hash<pg_clinic::core::Id> {
    std::size_t operator()(const pg_clinic::core::Id &id) const noexcept {
        std::uint64_t high = 0, low = 0;
        std::memcpy(&high, id.bytes.data(), sizeof high);
        std::memcpy(&low, id.bytes.data() + 8, sizeof low);
        return static_cast<std::size_t>((high ^ (low * 0x9E3779B97F4A7C15ULL)) * 0xD6E8FEB86659FD93ULL);
    }
};
