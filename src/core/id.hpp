// Identifiers: 16 bytes, compared bytewise as PostgreSQL compares uuid.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace pg_clinic::core {

struct Id {
    std::array<std::uint8_t, 16> bytes{};
    auto operator<=>(const Id &) const = default;

    // The nil id stands for "none".
    explicit operator bool() const noexcept { return *this != Id{}; }
};

} // namespace pg_clinic::core
