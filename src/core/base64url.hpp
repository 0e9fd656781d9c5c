// base64url without padding (RFC 4648 §5, RFC 7515 §2): one text for each sequence of bytes, and no other.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pg_clinic::core {

std::string to_base64url(std::string_view bytes);

// The bytes; nothing for a text with padding, white space, other characters, or bits that belong to no byte.
std::optional<std::string> from_base64url(std::string_view text);

} // namespace pg_clinic::core
