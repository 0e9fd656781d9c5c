// Tokens: which are believed, and the engine's own.
//
// The keys are in clinic_data.token_keys, read past row security: the caller neither chooses nor sees one. Whatever is wrong
// with a token is one error, invalid_token, that says nothing more; a token that is right in everything but its end
// is token_expired. Whether its user, session or id still count is for the caller to find out.
#pragma once

#include "core/jws.hpp"
#include "pg/errors.hpp"

namespace pg_clinic::pg {

struct VerifiedToken {
    Uuid tenant_id;
    Uuid user_id;
    std::optional<Uuid> branch_id;
    std::optional<Uuid> session_id;
    std::string jti; // empty: none
    std::optional<core::Instant> issued_at;
    std::optional<core::Instant> expires_at; // always there in a token; claims of a gateway may lack it
    std::string kid;                         // empty: claims of a gateway
};

// Verifies a token in compact form: key, algorithm, signature, issuer, audience, tenant of the key, times by the engine's
// clock. Raises invalid_token, token_expired.
VerifiedToken verify_token(std::string_view token);

// Reads the claims of a token that a gateway has verified: signature, issuer and audience were its business; form and times
// are judged as in a token, with 30 seconds of leeway, and exp may be missing. Raises invalid_token, token_expired.
VerifiedToken read_claims(std::string_view claims);

struct NewToken {
    Uuid tenant_id;
    Uuid user_id;
    Uuid session_id;
    std::optional<Uuid> branch_id = std::nullopt;
    core::Duration lifetime{15 * core::micros_per_minute}; // a second to a day
    std::string role = "clinic_user";                      // the database role, for PostgREST
};

// Signs a token with the newest key that signs for the tenant. Raises 55000 when there is none, 22023 for another lifetime.
std::string sign_access_token(const NewToken &token);

} // namespace pg_clinic::pg
