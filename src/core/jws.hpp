// Signed tokens as text: the compact form of RFC 7515, and the claims of RFC 7519 that the engine understands.
//
// Everything here is about form and time; whether a signature is right is for whoever has the keys. What is not
// exactly of the documented form is refused, and nothing says why: whoever forges tokens learns nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/civil.hpp"
#include "core/id.hpp"

namespace pg_clinic::core {

// No token is longer, and no claims are.
inline constexpr std::size_t longest_token = 8 * 1024;

enum class JwsAlgorithm { hs256, rs256, es256 };

const char *algorithm_name(JwsAlgorithm algorithm) noexcept;
std::optional<JwsAlgorithm> algorithm_named(std::string_view name) noexcept;

// A token taken apart. Nothing in it has been proven.
struct Jws {
    JwsAlgorithm algorithm = JwsAlgorithm::es256;
    std::string key_id;
    std::string_view signed_part; // what the signature is over; lives as long as the token
    std::string payload;
    std::string signature;
};

// Takes a compact token apart. The header must have alg and kid, may have typ ("JWT" or "at+jwt"), and must have nothing
// that names another key or asks for an extension. Throws Error (invalid_text).
Jws parse_jws(std::string_view token);

struct Claims {
    Id user_id;                   // sub
    Id tenant_id;                 // tenant_id
    std::optional<Id> branch_id;  // branch_id
    std::optional<Id> session_id; // sid
    std::string token_id;         // jti; empty: none
    std::string issuer;           // iss; empty: none
    std::vector<std::string> audiences;
    std::optional<Instant> expires_at; // exp
    std::optional<Instant> not_before; // nbf
    std::optional<Instant> issued_at;  // iat
};

// Reads claims: sub and tenant_id must be there, and what is there must be of its type. Throws Error (invalid_text,
// limit_exceeded).
Claims parse_claims(std::string_view json);

enum class TimeVerdict { good, expired, early };

// Judges exp, nbf and iat; clocks may differ by the leeway. What is early is not called expired.
TimeVerdict check_times(const Claims &claims, Instant now, Duration leeway) noexcept;

// Makes the signed part of a token: header, dot, payload.
std::string signable(JwsAlgorithm algorithm, std::string_view key_id, std::string_view payload);

} // namespace pg_clinic::core
