// The keys of tokens: see token_keys.hpp.
#include "pg/token_keys.hpp"

#include "core/base64url.hpp"
#include "pg/clock.hpp"
#include "pg/kept_secret.hpp"
#include "pg/table_scan.hpp"

namespace pg_clinic::pg {

namespace {

enum : std::size_t {
    kid_column,
    tenant_column,
    algorithm_column,
    verify_column,
    signing_column,
    issuer_column,
    audience_column,
    leeway_column,
    not_before_column,
    expires_column,
    created_column
};
constexpr TableColumn columns[] = {{"kid", TEXTOID},
                                   {"tenant_id", UUIDOID},
                                   {"algorithm", TEXTOID},
                                   {"verify_key", TEXTOID},
                                   {"signing_key", TEXTOID},
                                   {"issuer", TEXTOID},
                                   {"audience", TEXTOID},
                                   {"leeway_seconds", INT4OID},
                                   {"not_before", TIMESTAMPTZOID},
                                   {"expires_at", TIMESTAMPTZOID},
                                   {"created_at", TIMESTAMPTZOID}};

bool is_usable(const TableScan &scan) {
    const core::Instant t = now();
    return scan.get<core::Instant>(not_before_column).value_or(core::instant_min) <= t &&
           t < scan.get<core::Instant>(expires_column).value_or(core::instant_max);
}

// Where a key's secret is kept, as clinic_private.secret_place writes it.
std::string secret_place(const std::string &kid, const char *column) { return "token_keys " + kid + " " + column; }

// The key of the present row; nothing when it is not one.
std::optional<TokenKey> read_key(const TableScan &scan) {
    auto kid = scan.get<std::string>(kid_column);
    const auto algorithm = core::algorithm_named(scan.get<std::string>(algorithm_column).value_or(""));
    auto verify_key = scan.get<std::string>(verify_column);
    auto issuer = scan.get<std::string>(issuer_column);
    auto audience = scan.get<std::string>(audience_column);
    if (!kid || !algorithm || !verify_key || !issuer || issuer->empty() || !audience || audience->empty())
        return std::nullopt;
    if (*algorithm == core::JwsAlgorithm::hs256)
        verify_key = open_kept_secret(*verify_key, secret_place(*kid, "verify_key"));
    const std::int64_t leeway = std::clamp(scan.get<std::int32_t>(leeway_column).value_or(0), 0, 60);
    return TokenKey{
        std::move(*kid),      scan.get<Uuid>(tenant_column),     *algorithm, std::move(*verify_key), std::move(*issuer),
        std::move(*audience), {leeway * core::micros_per_second}};
}

using Reader = std::optional<crypto::Key> (*)(core::JwsAlgorithm, std::string_view);

// Keys that this backend has read: reading one takes longer than using it. Found by their whole text, so a key that was
// changed in the table is another one, and one that was removed is asked for by nobody.
struct ReadKey {
    Reader reader;
    core::JwsAlgorithm algorithm;
    std::string pem;
    std::optional<crypto::Key> key;
};
struct ReadKeys {
    std::array<std::unique_ptr<ReadKey>, 16> keys;
    std::size_t next = 0; // which one is replaced next
};
constinit ReadKeys *read_keys = nullptr; // lives as long as the backend

std::optional<crypto::Key> read_once(Reader reader, core::JwsAlgorithm algorithm, const std::string &pem) {
    if (read_keys == nullptr)
        read_keys = std::make_unique<ReadKeys>().release();
    for (const auto &known : read_keys->keys)
        if (known && known->reader == reader && known->algorithm == algorithm && known->pem == pem)
            return known->key;
    auto &place = read_keys->keys[read_keys->next];
    place = std::make_unique<ReadKey>(ReadKey{reader, algorithm, pem, reader(algorithm, pem)});
    read_keys->next = (read_keys->next + 1) % read_keys->keys.size();
    return place->key;
}

// Signatures that this backend has found right, as SHA-256 over algorithm, key, signature and text. The same token comes with
// each transaction of its user, and checking ES256 takes some hundred microseconds. Only the arithmetic is spared: everything
// about key and claims is judged each time.
using Proof = std::array<char, 32>;
constinit std::array<Proof, 256> proofs{};

Proof proof_of(const TokenKey &key, std::string_view bytes, std::string_view signature) {
    std::string all = core::algorithm_name(key.algorithm);
    for (const std::string_view part : {std::string_view(key.verify_key), signature, bytes}) {
        all += std::to_string(part.size()) + ":";
        all += part;
    }
    Proof out;
    crypto::sha256(all).copy(out.data(), out.size());
    return out;
}

} // namespace

std::optional<TokenKey> find_token_key(std::string_view kid) {
    TableScan scan("token_keys", columns, "token_keys_pkey", {key_value(kid)});
    if (!scan.next() || !is_usable(scan))
        return std::nullopt;
    return read_key(scan);
}

std::optional<SigningKey> find_signing_key(const Uuid &tenant_id) {
    std::optional<TokenKey> best;
    std::string pem;
    {
        core::Instant newest = core::instant_min;
        TableScan scan("token_keys", columns);
        while (scan.next()) {
            const auto signing_key = scan.get<std::string>(signing_column);
            if (!signing_key || !is_usable(scan))
                continue;
            auto key = read_key(scan);
            if (!key || (key->tenant_id && *key->tenant_id != tenant_id))
                continue;
            const auto created = scan.get<core::Instant>(created_column).value_or(core::instant_min);
            if (best && std::tie(created, key->kid) < std::tie(newest, best->kid))
                continue;
            newest = created;
            best = std::move(key);
            pem = *signing_key;
        }
    }
    if (!best)
        return std::nullopt;
    auto private_key = read_once(&crypto::Key::read_private, best->algorithm,
                                 open_kept_secret(pem, secret_place(best->kid, "signing_key")));
    if (!private_key)
        return std::nullopt;
    return SigningKey{std::move(*best), std::move(*private_key)};
}

bool is_signature(const TokenKey &key, std::string_view bytes, std::string_view signature) {
    if (key.algorithm == core::JwsAlgorithm::hs256) {
        const auto secret = read_secret(key.verify_key);
        return secret && crypto::equal_secrets(crypto::hmac_sha256(*secret, bytes), signature);
    }
    const Proof proof = proof_of(key, bytes, signature);
    Proof &known = proofs[static_cast<unsigned char>(proof[0])];
    if (known == proof)
        return true;
    const auto reader = read_once(&crypto::Key::read_public, key.algorithm, key.verify_key);
    if (!reader || !reader->verifies(bytes, signature))
        return false;
    known = proof;
    return true;
}

std::optional<std::string> read_secret(std::string_view text) {
    auto secret = core::from_base64url(text);
    if (!secret || secret->size() < crypto::least_secret_bytes || secret->size() > 1024)
        return std::nullopt;
    return secret;
}

} // namespace pg_clinic::pg
