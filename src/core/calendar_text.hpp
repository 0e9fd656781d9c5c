// Internal: the small pieces of iCalendar text that rules and blocks share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/civil.hpp"

namespace pg_clinic::core::detail {

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept; // ASCII
bool all_digits(std::string_view text) noexcept;                           // and not empty

// Text of the caller's in quotes for a message: cut to a length, and without anything that is not printable ASCII.
std::string quoted(std::string_view text);

// A DATE or DATE-TIME of RFC 5545 §3.3.4 and §3.3.5. `valid` tells whether it exists; time holds it then.
struct DateTimeText {
    LocalTime time;
    bool is_date = false;
    bool is_utc = false;
    bool valid = false;
};

// Nothing when the text does not have the shape.
std::optional<DateTimeText> parse_date_time(std::string_view text) noexcept;

} // namespace pg_clinic::core::detail
