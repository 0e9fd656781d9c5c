// Fuzzes tokens: the compact form, and claims. The input is a token, or "claims:" and a payload, or "header:" and a header, so
// that the fuzzer need not learn base64 to come further. Nothing but core::Error may escape; a token that is read has exactly
// one text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/base64url.hpp"
#include "core/error.hpp"
#include "core/jws.hpp"

namespace {

using namespace pg_clinic::core;

void require(bool promise) {
    if (!promise)
        std::abort();
}

void read_claims(std::string_view json) {
    const Claims claims = parse_claims(json);
    require(bool(claims.user_id) && bool(claims.tenant_id));
    require(claims.token_id.size() <= 200 && claims.token_id.find('\0') == std::string::npos);
    for (const auto &t : {claims.expires_at, claims.not_before, claims.issued_at})
        require(!t ||
                (t->micros >= -946'684'800 * micros_per_second && t->micros <= 253'402'300'799 * micros_per_second));
    check_times(claims, Instant{825'000'000 * micros_per_second}, Duration{30 * micros_per_second});
}

void read_token(std::string_view token) {
    const Jws jws = parse_jws(token);
    require(token.size() <= longest_token);
    require(algorithm_named(algorithm_name(jws.algorithm)) == jws.algorithm);
    require(!jws.key_id.empty() && jws.key_id.size() <= 64);
    const std::size_t dot = jws.signed_part.find('.');
    const auto header = from_base64url(jws.signed_part.substr(0, dot));
    require(header.has_value());
    require(to_base64url(*header) + "." + to_base64url(jws.payload) + "." + to_base64url(jws.signature) == token);
    read_claims(jws.payload);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    try {
        if (text.starts_with("claims:"))
            read_claims(text.substr(7));
        else if (text.starts_with("header:"))
            read_token(to_base64url(text.substr(7)) + ".e30.AA");
        else
            read_token(text);
    } catch (const Error &error) {
        require(error.code() != ErrorCode::internal);
    }
    return 0;
}
