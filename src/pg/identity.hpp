// What the tables say of a user: the context that the user acts with, read afresh in each transaction.
//
// Tokens, keys and mapped logins name a user; roles, branches, status and revocation come from here. Everything is read past
// row security, by the tenant given.
#pragma once

#include "core/civil.hpp"
#include "pg/context.hpp"

namespace pg_clinic::pg {

// How a user comes in.
struct Entry {
    Uuid tenant_id;
    Uuid user_id;
    Door door = Door::token;
    std::optional<Uuid> location_id = std::nullopt; // narrows the context to this branch of the user's
    std::optional<Uuid> session_id = std::nullopt;
    std::string token_id = {};                             // jti; empty for none
    std::optional<core::Instant> issued_at = std::nullopt; // of the token
    RequestFacts request = {};
    std::string purpose = {};
};

// The context of an active user of an active tenant, unless the session, the token or all tokens of that time are revoked;
// nothing otherwise.
std::optional<NewContext> user_context(const Entry &entry);

// Adds to a mapped login's context what the tables say of its user, if the user is in them. False when the user is inactive.
bool add_user(NewContext &context);

// The context of a service account, by an API key; nothing unless key, account and tenant are good. The secret is compared as a
// hash, in constant time.
// calls_per_hour is what the key may call.
std::optional<NewContext> key_context(std::string_view api_key, const RequestFacts &request,
                                      std::int32_t *calls_per_hour);

// The context of a visitor of a published booking page; nothing unless the tenant is active and published.
std::optional<NewContext> public_context(std::string_view slug, const RequestFacts &request);

} // namespace pg_clinic::pg
