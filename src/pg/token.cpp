// Tokens: see token.hpp.
#include "pg/token.hpp"

#include "core/base64url.hpp"
#include "pg/clock.hpp"
#include "pg/datum.hpp"
#include "pg/result.hpp"
#include "pg/token_keys.hpp"

namespace pg_clinic::pg {

namespace {

constexpr core::Duration gateway_leeway{30 * core::micros_per_second};
constexpr core::Instant unix_epoch{-946'684'800 * core::micros_per_second};
constexpr core::Duration longest_lifetime{core::micros_per_day};

// Runs a reader of the core; what it refuses is the one error that says nothing.
template <class Read> auto read_or_refuse(Read read) {
    try {
        return read();
    } catch (const core::Error &error) {
        if (error.code() == core::ErrorCode::internal)
            throw;
    }
    raise(Code::invalid_token);
}

void require(bool good) {
    if (!good)
        raise(Code::invalid_token);
}

void require_times(const core::Claims &claims, core::Duration leeway) {
    const core::TimeVerdict verdict = core::check_times(claims, now(), leeway);
    require(verdict != core::TimeVerdict::early);
    if (verdict == core::TimeVerdict::expired)
        raise(Code::token_expired);
}

VerifiedToken verified(core::Claims &&claims, std::string kid) {
    return {claims.tenant_id,           claims.user_id,   claims.branch_id,  claims.session_id,
            std::move(claims.token_id), claims.issued_at, claims.expires_at, std::move(kid)};
}

std::string seconds_text(core::Instant t) { return std::to_string((t - unix_epoch).micros / core::micros_per_second); }

// To the microsecond: a sign-out ends what was issued up to then, and a new sign-in may follow in the same second.
std::string micros_text(core::Instant t) {
    std::string fraction = std::to_string((t - unix_epoch).micros % core::micros_per_second);
    fraction.insert(0, 6 - fraction.size(), '0');
    return seconds_text(t) + "." + fraction;
}

std::string payload_of(const NewToken &token, const TokenKey &key) {
    const core::Instant issued = now();
    const auto member = [](const char *name, std::string_view text) {
        return "\"" + std::string(name) + "\":" + json_quoted(text) + ",";
    };
    return "{" + member("iss", key.issuer) + member("aud", key.audience) + member("sub", to_text(token.user_id)) +
           member("tenant_id", to_text(token.tenant_id)) +
           (token.branch_id ? member("branch_id", to_text(*token.branch_id)) : std::string()) +
           member("sid", to_text(token.session_id)) + member("jti", to_text(new_id())) + member("role", token.role) +
           "\"iat\":" + micros_text(issued) + ",\"exp\":" + seconds_text(issued + token.lifetime) + "}";
}

void add_row(ResultSet &rows, const VerifiedToken &token) {
    const auto text = [](const std::string &value) { return value.empty() ? std::nullopt : std::optional(value); };
    rows.add(token.tenant_id, token.user_id, token.branch_id, token.session_id, text(token.jti), token.issued_at,
             token.expires_at, text(token.kid));
}

} // namespace

VerifiedToken verify_token(std::string_view token) {
    const core::Jws jws = read_or_refuse([&] { return core::parse_jws(token); });
    const auto key = find_token_key(jws.key_id);
    require(key && key->algorithm == jws.algorithm && is_signature(*key, jws.signed_part, jws.signature));
    core::Claims claims = read_or_refuse([&] { return core::parse_claims(jws.payload); });
    const auto &audiences = claims.audiences;
    require(claims.expires_at && claims.issuer == key->issuer &&
            std::find(audiences.begin(), audiences.end(), key->audience) != audiences.end() &&
            (!key->tenant_id || *key->tenant_id == claims.tenant_id));
    require_times(claims, key->leeway);
    return verified(std::move(claims), key->kid);
}

VerifiedToken read_claims(std::string_view text) {
    core::Claims claims = read_or_refuse([&] { return core::parse_claims(text); });
    require_times(claims, gateway_leeway);
    return verified(std::move(claims), {});
}

std::string sign_access_token(const NewToken &token) {
    if (token.lifetime.micros < core::micros_per_second || token.lifetime > longest_lifetime)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "lifetime of a token is out of range",
             "It is a second at least, a day at most.");
    const auto key = find_signing_key(token.tenant_id);
    if (!key)
        fail(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "no key signs tokens of this tenant", {},
             "An administrator makes one with clinic.create_signing_key().");
    const std::string part = core::signable(key->key.algorithm, key->key.kid, payload_of(token, key->key));
    return part + "." + core::to_base64url(key->private_key.sign(part));
}

// clinic_private.verify_token(text)
CLINIC_FUNCTION(clinic_verify_token) {
    ResultSet rows(fcinfo);
    add_row(rows, verify_token(Args(fcinfo).get<std::string_view>(0)));
    return rows.done();
}

// clinic_private.read_claims(text)
CLINIC_FUNCTION(clinic_read_claims) {
    ResultSet rows(fcinfo);
    add_row(rows, read_claims(Args(fcinfo).get<std::string_view>(0)));
    return rows.done();
}

// clinic_private.sign_access_token(tenant_id uuid, user_id uuid, session_id uuid, lifetime interval, branch_id uuid)
CLINIC_FUNCTION(clinic_sign_access_token) {
    const Args args(fcinfo);
    NewToken token{args.required<Uuid>(0, "tenant_id"), args.required<Uuid>(1, "user_id"),
                   args.required<Uuid>(2, "session_id"), args.optional<Uuid>(4)};
    token.lifetime = args.required<core::Duration>(3, "lifetime");
    return Sql<std::string>::to(sign_access_token(token));
}

namespace {

core::JwsAlgorithm algorithm_argument(const Args &args, int i, bool with_secrets) {
    const auto name = args.required<std::string>(i, "algorithm");
    const auto algorithm = core::algorithm_named(name);
    if (!algorithm || (!with_secrets && *algorithm == core::JwsAlgorithm::hs256))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "algorithm \"" + shown(name) + "\" is not supported here",
             "The argument is algorithm.", with_secrets ? "Use ES256, RS256 or HS256." : "Use ES256 or RS256.");
    return *algorithm;
}

} // namespace

// clinic_private.new_token_key(algorithm text, OUT kid text, OUT verify_key text, OUT signing_key text)
CLINIC_FUNCTION(clinic_new_token_key) {
    const auto key = crypto::Key::generate(algorithm_argument(Args(fcinfo), 0, false));
    const std::array<NullableValue, 3> columns{nullable(key.thumbprint()), nullable(key.public_pem()),
                                               nullable(key.private_pem())};
    return composite(fcinfo, columns);
}

// clinic_private.checked_token_key(algorithm text, verify_key text)
CLINIC_FUNCTION(clinic_checked_token_key) {
    const Args args(fcinfo);
    const auto algorithm = algorithm_argument(args, 0, true);
    const auto text = args.required<std::string>(1, "verify_key");
    if (algorithm == core::JwsAlgorithm::hs256) {
        if (read_secret(text))
            return Sql<std::string>::to(text);
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "verify_key is not a secret that fits HS256",
             "The argument is verify_key.", "Pass 32 to 1024 random bytes in base64url, without padding.");
    }
    if (const auto key = crypto::Key::read_public(algorithm, text))
        return Sql<std::string>::to(key->public_pem());
    fail(ERRCODE_INVALID_PARAMETER_VALUE,
         std::string("verify_key is not a public key that fits ") + core::algorithm_name(algorithm),
         "The argument is verify_key.",
         algorithm == core::JwsAlgorithm::es256
             ? "Pass a key on the curve P-256 in PEM, beginning with -----BEGIN PUBLIC KEY-----."
             : "Pass an RSA key of 2048 to 8192 bits in PEM, beginning with -----BEGIN PUBLIC KEY-----.");
}

// clinic_private.public_jwk(kid text, algorithm text, verify_key text)
CLINIC_FUNCTION(clinic_public_jwk) {
    const Args args(fcinfo);
    const auto algorithm = core::algorithm_named(args.get<std::string>(1));
    const auto key =
        algorithm ? crypto::Key::read_public(*algorithm, args.get<std::string_view>(2)) : std::optional<crypto::Key>{};
    if (!key)
        return returning_null(fcinfo);
    const std::string members = key->public_jwk();
    return Sql<Json>::to({"{\"kid\": " + json_quoted(args.get<std::string>(0)) + ", \"use\": \"sig\", \"alg\": " +
                          json_quoted(core::algorithm_name(*algorithm)) + ", " + members.substr(1)});
}

} // namespace pg_clinic::pg
