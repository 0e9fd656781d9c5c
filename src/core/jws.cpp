// Tokens and their claims: see jws.hpp.
#include "core/jws.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "core/base64url.hpp"
#include "core/error.hpp"
#include "core/json.hpp"

namespace pg_clinic::core {

namespace {

constexpr std::size_t longest_string = 1000;
constexpr std::size_t most_audiences = 100;
constexpr std::int64_t unix_epoch = 946'684'800;      // seconds from 1970 to 2000
constexpr std::int64_t last_second = 253'402'300'799; // of the year 9999, since 1970

[[noreturn]] void refuse() { throw Error(ErrorCode::invalid_text, "invalid token"); }

std::string decoded(std::string_view part) {
    auto bytes = from_base64url(part);
    if (!bytes || bytes->empty())
        refuse();
    return std::move(*bytes);
}

JsonValue object_of(std::string_view text) {
    JsonValue out = parse_json(text, 8);
    if (!out.is_object())
        refuse();
    return out;
}

// A string that may stand in the database and in a log: not empty, no control character, not too long.
const std::string &plain_text(const JsonValue &value) {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    if (!value.is_string() || value.text.empty() || value.text.size() > longest_string ||
        std::any_of(value.text.begin(), value.text.end(), control))
        refuse();
    return value.text;
}

const JsonValue &required(const JsonValue &object, std::string_view name) {
    const JsonValue *found = object.member(name);
    if (found == nullptr)
        refuse();
    return *found;
}

Id id_of(const JsonValue &value) {
    const auto id = value.is_string() ? parse_id(value.text) : std::nullopt;
    if (!id || !*id)
        refuse();
    return *id;
}

std::optional<Id> optional_id(const JsonValue &object, std::string_view name) {
    const JsonValue *found = object.member(name);
    return found == nullptr ? std::nullopt : std::optional(id_of(*found));
}

std::string optional_text(const JsonValue &object, std::string_view name) {
    const JsonValue *found = object.member(name);
    return found == nullptr ? std::string() : plain_text(*found);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A JSON number in decimal: digits, times ten to the power.
struct Decimal {
    std::string digits;
    std::int64_t power = 0;
};

Decimal decimal_of(std::string_view number) {
    Decimal out;
    std::size_t i = 0;
    bool after_point = false;
    for (; i < number.size() && (is_digit(number[i]) || number[i] == '.'); ++i) {
        if (number[i] == '.') {
            after_point = true;
            continue;
        }
        out.digits += number[i];
        out.power -= after_point;
    }
    if (i < number.size()) { // an exponent
        const std::size_t begin = number[i + 1] == '+' ? i + 2 : i + 1;
        std::int64_t exponent = 0;
        const char *end = number.data() + number.size();
        if (std::from_chars(number.data() + begin, end, exponent).ec != std::errc() || exponent > 1000 ||
            exponent < -1000)
            refuse();
        out.power += exponent;
    }
    return out;
}

// A NumericDate (RFC 7519 §2): seconds since 1970, whole or not, up to the year 9999; what is below a microsecond is cut off.
Instant instant_of(const JsonValue &value) {
    if (value.kind != JsonValue::Kind::number || value.text.size() > 40 || value.text.front() == '-')
        refuse();
    const Decimal decimal = decimal_of(value.text);
    std::int64_t micros = 0;
    const auto places =
        static_cast<std::int64_t>(decimal.digits.size()) + decimal.power + 6; // of the whole microseconds
    for (std::int64_t i = 0; i < places; ++i) {
        const auto at = static_cast<std::size_t>(i);
        micros = micros * 10 + (at < decimal.digits.size() ? decimal.digits[at] - '0' : 0);
        if (micros > last_second * micros_per_second)
            refuse();
    }
    return {micros - unix_epoch * micros_per_second};
}

std::optional<Instant> optional_instant(const JsonValue &object, std::string_view name) {
    const JsonValue *found = object.member(name);
    return found == nullptr ? std::nullopt : std::optional(instant_of(*found));
}

std::vector<std::string> audiences_of(const JsonValue &object) {
    std::vector<std::string> out;
    const JsonValue *found = object.member("aud");
    if (found == nullptr)
        return out;
    if (found->kind != JsonValue::Kind::array) {
        out.push_back(plain_text(*found));
        return out;
    }
    if (found->items.size() > most_audiences)
        refuse();
    for (const JsonValue &item : found->items)
        out.push_back(plain_text(item));
    return out;
}

bool is_key_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
    });
}

void read_header(Jws &out, const JsonValue &header) {
    // Each of these names a key that the sender chose, or changes what is signed or how it is to be understood.
    constexpr std::array<std::string_view, 12> forbidden{"crit",     "jku", "jwk", "x5u", "x5c", "x5t",
                                                         "x5t#S256", "b64", "zip", "enc", "cty", "epk"};
    for (const std::string_view name : forbidden)
        if (header.member(name) != nullptr)
            refuse();
    const JsonValue *type = header.member("typ");
    if (type != nullptr && (!type->is_string() || (type->text != "JWT" && type->text != "at+jwt")))
        refuse();
    const auto algorithm = algorithm_named(plain_text(required(header, "alg")));
    const std::string &key_id = plain_text(required(header, "kid"));
    if (!algorithm || !is_key_id(key_id))
        refuse();
    out.algorithm = *algorithm;
    out.key_id = key_id;
}

constexpr std::pair<JwsAlgorithm, const char *> algorithms[] = {
    {JwsAlgorithm::hs256, "HS256"}, {JwsAlgorithm::rs256, "RS256"}, {JwsAlgorithm::es256, "ES256"}};

} // namespace

const char *algorithm_name(JwsAlgorithm algorithm) noexcept {
    return algorithms[static_cast<std::size_t>(algorithm)].second;
}

// Exactly as registered: "none" in any spelling is none of them.
std::optional<JwsAlgorithm> algorithm_named(std::string_view name) noexcept {
    for (const auto &[algorithm, text] : algorithms)
        if (name == text)
            return algorithm;
    return std::nullopt;
}

Jws parse_jws(std::string_view token) {
    if (token.size() > longest_token)
        refuse();
    const std::size_t first = token.find('.');
    const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
        refuse();
    Jws out;
    read_header(out, object_of(decoded(token.substr(0, first))));
    out.signed_part = token.substr(0, second);
    out.payload = decoded(token.substr(first + 1, second - first - 1));
    out.signature = decoded(token.substr(second + 1));
    return out;
}

Claims parse_claims(std::string_view json) {
    if (json.size() > longest_token)
        refuse();
    const JsonValue object = object_of(json);
    Claims out;
    out.user_id = id_of(required(object, "sub"));
    out.tenant_id = id_of(required(object, "tenant_id"));
    out.branch_id = optional_id(object, "branch_id");
    out.session_id = optional_id(object, "sid");
    out.token_id = optional_text(object, "jti");
    out.issuer = optional_text(object, "iss");
    out.audiences = audiences_of(object);
    out.expires_at = optional_instant(object, "exp");
    out.not_before = optional_instant(object, "nbf");
    out.issued_at = optional_instant(object, "iat");
    if (out.token_id.size() > 200)
        refuse();
    return out;
}

TimeVerdict check_times(const Claims &claims, Instant now, Duration leeway) noexcept {
    const auto is_future = [&](const std::optional<Instant> &t) { return t && *t > now + leeway; };
    if (is_future(claims.not_before) || is_future(claims.issued_at))
        return TimeVerdict::early;
    return claims.expires_at && *claims.expires_at <= now - leeway ? TimeVerdict::expired : TimeVerdict::good;
}

std::string signable(JwsAlgorithm algorithm, std::string_view key_id, std::string_view payload) {
    const std::string header = "{\"alg\":\"" + std::string(algorithm_name(algorithm)) + "\",\"kid\":\"" +
                               std::string(key_id) + "\",\"typ\":\"JWT\"}";
    return to_base64url(header) + "." + to_base64url(payload);
}

} // namespace pg_clinic::core
