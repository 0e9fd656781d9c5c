// The keys of tokens, as clinic_data.token_keys has them.
#pragma once

#include "pg/crypto.hpp"
#include "pg/datum.hpp"

namespace pg_clinic::pg {

struct TokenKey {
    std::string kid;
    std::optional<Uuid> tenant_id; // the only one its tokens may name
    core::JwsAlgorithm algorithm;
    std::string verify_key; // HS256: the secret in base64url; else the public key in PEM
    std::string issuer;
    std::string audience;
    core::Duration leeway;
};

// The key of that name, when it may be used now.
std::optional<TokenKey> find_token_key(std::string_view kid);

// The newest key with which the engine may sign for a tenant now.
struct SigningKey {
    TokenKey key;
    crypto::Key private_key;
};
std::optional<SigningKey> find_signing_key(const Uuid &tenant_id);

// Whether the key, of the algorithm of the signature, made it. A key that cannot be read makes none.
bool is_signature(const TokenKey &key, std::string_view bytes, std::string_view signature);

// The secret of an HS256 key; nothing when it is not base64url of 32 to 1024 bytes.
std::optional<std::string> read_secret(std::string_view text);

} // namespace pg_clinic::pg
