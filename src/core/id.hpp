// Identifiers: 16 bytes, compared bytewise as PostgreSQL compares uuid.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pg_clinic::core {

struct Id {
    std::array<std::uint8_t, 16> bytes{};
    auto operator<=>(const Id &) const = default;

    // The nil id stands for "none".
    explicit operator bool() const noexcept { return *this != Id{}; }
};

// Reads the 36 characters of RFC 9562, in either case; nothing for any other text.
std::optional<Id> parse_id(std::string_view text) noexcept;

} // namespace pg_clinic::core
