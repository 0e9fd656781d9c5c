// Passwords: bcrypt of cost 12, by pgcrypto.
//
// pgcrypto's functions are found by belonging to that extension, never by search_path, so that nobody can put one of
// their own in between. Comparing takes as long for a missing hash as for a wrong password, and never looks at the
// bytes of a hash faster or slower for what they are.
#pragma once

#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// bcrypt looks at 72 bytes and ignores the rest, so longer passwords are refused.
inline constexpr std::size_t shortest_password = 10, longest_password = 72;

// A new hash of the password, of up to longest_password bytes, with a salt of its own.
std::string hash_password(std::string_view password);

// Whether the password has this hash; false without one, after the same work.
bool password_matches(std::string_view password, const std::optional<std::string> &hash);

// Whether a password is among the commonest of the permitted length, or one character repeated.
bool is_common_password(std::string_view password) noexcept;

// Whether two secrets are equal, in a time that depends on their lengths alone.
bool same_secret(std::string_view a, std::string_view b) noexcept;

} // namespace pg_clinic::pg
