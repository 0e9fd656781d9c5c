// Cryptography, by OpenSSL: digests, signatures, keys. Beside seal_crypto the only room that includes its headers.
//
// Plain C++ on bytes: nothing here calls PostgreSQL, so no error of the server jumps over an object of OpenSSL. What
// OpenSSL says about a failure is dropped: it could tell about keys. A key that cannot be read is no key; a signature
// that cannot be checked is wrong; only exhausted memory and a broken library throw.
#pragma once

#include "core/jws.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pg_clinic::pg::crypto {

inline constexpr std::size_t least_secret_bytes = 32; // of HS256 (RFC 7518 §3.2)
inline constexpr int least_rsa_bits = 2048;           // of RS256 (§3.3)
inline constexpr int most_rsa_bits = 8192;            // beyond, checking a signature takes too long

std::string random_bytes(std::size_t count);
std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

// Takes as long for equal bytes as for different ones; the lengths are no secret.
bool equal_secrets(std::string_view a, std::string_view b) noexcept;

// A key of RS256 or ES256: RSA of least_rsa_bits or more, or a point of P-256. Copies share the key.
class Key {
  public:
    // Reads one key in PEM ("PUBLIC KEY", or "PRIVATE KEY" without a passphrase) of the algorithm's kind; nothing for
    // any other text. Slow: some 50 microseconds.
    static std::optional<Key> read_public(core::JwsAlgorithm algorithm, std::string_view pem);
    static std::optional<Key> read_private(core::JwsAlgorithm algorithm, std::string_view pem);

    // Makes a new key: P-256, or RSA of 2048 bits.
    static Key generate(core::JwsAlgorithm algorithm);

    core::JwsAlgorithm algorithm() const noexcept { return algorithm_; }

    std::string public_pem() const;
    std::string private_pem() const; // of a private key

    // The members of its JSON Web Key (RFC 7517) that make the key, in the order of RFC 7638: what its thumbprint is of.
    std::string public_jwk() const;

    // The SHA-256 of public_jwk(), in base64url (RFC 7638).
    std::string thumbprint() const;

    // A signature in the form of RFC 7518 §3.3 and §3.4. Needs a private key.
    std::string sign(std::string_view bytes) const;

    // Whether the signature is of these bytes, by this key, in exactly that form.
    bool verifies(std::string_view bytes, std::string_view signature) const;

  private:
    using Handle = std::shared_ptr<void>; // EVP_PKEY
    Key(core::JwsAlgorithm algorithm, Handle handle) : algorithm_(algorithm), handle_(std::move(handle)) {}

    core::JwsAlgorithm algorithm_;
    Handle handle_;
};

} // namespace pg_clinic::pg::crypto
