// The cryptography of the seal: see seal_crypto.hpp. Written for OpenSSL 3.
#include "pg/seal_crypto.hpp"

#include "core/error.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace pg_clinic::pg::crypto {

namespace {

constexpr std::size_t key_bytes = 32, signature_bytes = 64;

// Leaves no word of OpenSSL behind: the server's TLS would take it for its own.
struct QuietErrors {
    QuietErrors() = default;
    QuietErrors(const QuietErrors &) = delete;
    QuietErrors &operator=(const QuietErrors &) = delete;
    ~QuietErrors() { ERR_clear_error(); }
};

void must(bool good) {
    if (!good)
        throw core::Error(core::ErrorCode::internal, "cryptography is not available");
}

const unsigned char *bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char *>(text.data()); }
unsigned char *bytes_of(std::string &text) { return reinterpret_cast<unsigned char *>(text.data()); }

// OpenSSL would ask at the terminal.
int no_passphrase(char *, int, int, void *) { return -1; }

std::shared_ptr<void> shared(EVP_PKEY *key) {
    return std::shared_ptr<void>(key, [](void *object) { EVP_PKEY_free(static_cast<EVP_PKEY *>(object)); });
}

EVP_PKEY *raw(const std::shared_ptr<void> &handle) { return static_cast<EVP_PKEY *>(handle.get()); }

std::shared_ptr<void> digest_context() {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != nullptr);
    return std::shared_ptr<void>(context, [](void *object) { EVP_MD_CTX_free(static_cast<EVP_MD_CTX *>(object)); });
}

EVP_MD_CTX *raw_context(const std::shared_ptr<void> &handle) { return static_cast<EVP_MD_CTX *>(handle.get()); }

} // namespace

Sha256::Sha256() : context_(digest_context()) {
    const QuietErrors quiet;
    EVP_MD *method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    must(method != nullptr);
    method_ = std::shared_ptr<void>(method, [](void *object) { EVP_MD_free(static_cast<EVP_MD *>(object)); });
}

core::Digest Sha256::of(std::string_view bytes) {
    core::Digest out;
    unsigned int length = 0;
    EVP_MD_CTX *context = raw_context(context_);
    must(EVP_DigestInit_ex2(context, static_cast<EVP_MD *>(method_.get()), nullptr) == 1 &&
         EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1 &&
         EVP_DigestFinal_ex(context, out.data(), &length) == 1 && length == out.size());
    return out;
}

core::Digest Sha256::node(const core::Digest &left, const core::Digest &right) {
    std::array<char, 1 + 2 * sizeof(core::Digest)> bytes;
    bytes[0] = '\x01';
    std::copy(left.begin(), left.end(), bytes.begin() + 1);
    std::copy(right.begin(), right.end(), bytes.begin() + 1 + sizeof(core::Digest));
    return of({bytes.data(), bytes.size()});
}

RunningSha256::RunningSha256() : context_(digest_context()) {
    must(EVP_DigestInit_ex2(raw_context(context_), EVP_sha256(), nullptr) == 1);
}

void RunningSha256::add(std::string_view bytes) {
    must(EVP_DigestUpdate(raw_context(context_), bytes.data(), bytes.size()) == 1);
}

core::Digest RunningSha256::finish() {
    core::Digest out;
    unsigned int length = 0;
    must(EVP_DigestFinal_ex(raw_context(context_), out.data(), &length) == 1 && length == out.size());
    return out;
}

std::optional<SealKey> SealKey::read_private(std::string_view pem) {
    const QuietErrors quiet;
    if (pem.size() > 16 * 1024)
        return std::nullopt;
    const std::unique_ptr<BIO, int (*)(BIO *)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    must(bio != nullptr);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr);
    if (key == nullptr)
        return std::nullopt;
    SealKey out(shared(key));
    return EVP_PKEY_is_a(key, "ED25519") == 1 ? std::optional(std::move(out)) : std::nullopt;
}

std::string SealKey::public_key() const {
    const QuietErrors quiet;
    std::string out(key_bytes, '\0');
    std::size_t length = out.size();
    must(EVP_PKEY_get_raw_public_key(raw(handle_), bytes_of(out), &length) == 1 && length == key_bytes);
    return out;
}

std::string SealKey::sign(std::string_view bytes) const {
    const QuietErrors quiet;
    const std::shared_ptr<void> context = digest_context();
    std::string out(signature_bytes, '\0');
    std::size_t length = out.size();
    must(EVP_DigestSignInit(raw_context(context), nullptr, nullptr, nullptr, raw(handle_)) == 1 &&
         EVP_DigestSign(raw_context(context), bytes_of(out), &length, bytes_of(bytes), bytes.size()) == 1 &&
         length == signature_bytes);
    return out;
}

bool seal_verifies(std::string_view public_key, std::string_view bytes, std::string_view signature) {
    const QuietErrors quiet;
    if (public_key.size() != key_bytes || signature.size() != signature_bytes)
        return false;
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(public_key), public_key.size());
    if (key == nullptr)
        return false;
    const std::shared_ptr<void> owner = shared(key);
    const std::shared_ptr<void> context = digest_context();
    must(EVP_DigestVerifyInit(raw_context(context), nullptr, nullptr, nullptr, key) == 1);
    return EVP_DigestVerify(raw_context(context), bytes_of(signature), signature.size(), bytes_of(bytes),
                            bytes.size()) == 1;
}

void cleanse(std::string &secret) noexcept { OPENSSL_cleanse(secret.data(), secret.size()); }

} // namespace pg_clinic::pg::crypto
