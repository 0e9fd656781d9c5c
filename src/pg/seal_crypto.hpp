// The cryptography of the seal, by OpenSSL: a SHA-256 that is asked often, and Ed25519. Plain C++ on bytes, with the rules of crypto.hpp.
#pragma once

#include "core/merkle.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pg_clinic::pg::crypto {

// SHA-256 for trees: keeps what OpenSSL would look up anew for every hash.
class Sha256 final : public core::TreeHash {
  public:
    Sha256();
    Sha256(const Sha256 &) = delete;
    Sha256 &operator=(const Sha256 &) = delete;

    core::Digest empty() override { return of({}); }
    core::Digest node(const core::Digest &left, const core::Digest &right) override;
    core::Digest of(std::string_view bytes);

  private:
    std::shared_ptr<void> method_;  // EVP_MD
    std::shared_ptr<void> context_; // EVP_MD_CTX
};

// SHA-256 of bytes that come one after the other.
class RunningSha256 {
  public:
    RunningSha256();

    void add(std::string_view bytes);
    core::Digest finish(); // once

  private:
    std::shared_ptr<void> context_; // EVP_MD_CTX
};

// A private key of Ed25519 (RFC 8032).
class SealKey {
  public:
    // Reads one key in PEM ("PRIVATE KEY", without a passphrase); nothing for any other text.
    static std::optional<SealKey> read_private(std::string_view pem);

    std::string public_key() const;                 // 32 bytes
    std::string sign(std::string_view bytes) const; // 64 bytes

  private:
    explicit SealKey(std::shared_ptr<void> handle) : handle_(std::move(handle)) {}
    std::shared_ptr<void> handle_; // EVP_PKEY
};

// Whether the signature is of these bytes, by the private half of the key of 32 bytes.
bool seal_verifies(std::string_view public_key, std::string_view bytes, std::string_view signature);

// Overwrites a secret that is no longer needed.
void cleanse(std::string &secret) noexcept;

} // namespace pg_clinic::pg::crypto
