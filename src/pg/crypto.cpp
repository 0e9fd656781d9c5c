// Cryptography: see crypto.hpp. Written for OpenSSL 3.
#include "pg/crypto.hpp"

#include "core/base64url.hpp"
#include "core/error.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace pg_clinic::pg::crypto {

namespace {

using core::JwsAlgorithm;

constexpr std::size_t p256_bytes = 32;

template <auto free> struct Freed {
    template <class T> void operator()(T *object) const noexcept { free(object); }
};
using Bio = std::unique_ptr<BIO, Freed<&BIO_free_all>>;
using Bignum = std::unique_ptr<BIGNUM, Freed<&BN_clear_free>>;
using EcdsaSig = std::unique_ptr<ECDSA_SIG, Freed<&ECDSA_SIG_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<&EVP_MD_CTX_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<&EVP_PKEY_CTX_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;

// Leaves no word of OpenSSL behind: the server's TLS would take it for its own.
struct QuietErrors {
    QuietErrors() = default;
    QuietErrors(const QuietErrors &) = delete;
    QuietErrors &operator=(const QuietErrors &) = delete;
    ~QuietErrors() { ERR_clear_error(); }
};

// What can only go wrong when memory or the library is broken.
void must(bool good) {
    if (!good)
        throw core::Error(core::ErrorCode::internal, "cryptography is not available");
}

const unsigned char *bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char *>(text.data()); }
unsigned char *bytes_of(std::string &text) { return reinterpret_cast<unsigned char *>(text.data()); }

// OpenSSL would ask at the terminal.
int no_passphrase(char *, int, int, void *) { return -1; }

bool is_p256(EVP_PKEY *key) {
    std::array<char, 64> name{};
    std::size_t length = 0;
    int is_explicit = 1; // a curve spelled out by its numbers may lie about its base point
    return EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name.data(), name.size(), &length) == 1 &&
           std::string_view(name.data(), length) == SN_X9_62_prime256v1 &&
           EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) == 1 &&
           is_explicit == 0;
}

bool is_rsa(EVP_PKEY *key) {
    const int bits = EVP_PKEY_get_bits(key);
    return EVP_PKEY_is_a(key, "RSA") == 1 && bits >= least_rsa_bits && bits <= most_rsa_bits;
}

bool fits(JwsAlgorithm algorithm, EVP_PKEY *key) {
    return algorithm == JwsAlgorithm::es256 ? is_p256(key) : algorithm == JwsAlgorithm::rs256 && is_rsa(key);
}

// The text without white space around it, when it is one PEM block of that label.
std::optional<std::string_view> one_block(std::string_view pem, std::string_view label) {
    constexpr std::string_view space = " \t\r\n";
    const std::string begin = "-----BEGIN " + std::string(label) + "-----";
    const std::string end = "-----END " + std::string(label) + "-----";
    const std::size_t first = pem.find_first_not_of(space);
    if (pem.size() > 16 * 1024 || first == std::string_view::npos)
        return std::nullopt;
    pem = pem.substr(first, pem.find_last_not_of(space) - first + 1);
    if (!pem.starts_with(begin) || pem.find(end) != pem.size() - end.size())
        return std::nullopt;
    return pem;
}

Bio reading(std::string_view text) {
    Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    must(bio != nullptr);
    return bio;
}

Bio writing() {
    Bio bio(BIO_new(BIO_s_secmem()));
    must(bio != nullptr);
    return bio;
}

std::string written(const Bio &bio) {
    char *data = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &data);
    must(length > 0);
    return std::string(data, static_cast<std::size_t>(length));
}

Bignum number_of(EVP_PKEY *key, const char *name) {
    BIGNUM *out = nullptr;
    must(EVP_PKEY_get_bn_param(key, name, &out) == 1);
    return Bignum(out);
}

std::string bytes_of_number(const BIGNUM *number, std::size_t length) {
    std::string out(length, '\0');
    must(BN_bn2binpad(number, bytes_of(out), static_cast<int>(length)) == static_cast<int>(length));
    return out;
}

std::string jwk_number(EVP_PKEY *key, const char *name, std::size_t length = 0) {
    const Bignum number = number_of(key, name);
    return core::to_base64url(
        bytes_of_number(number.get(), length > 0 ? length : static_cast<std::size_t>(BN_num_bytes(number.get()))));
}

// Whether a number of 32 bytes lies in [1, n-1], n the order of P-256: with 0 or n in a signature, a careless verifier
// accepts it for any text (CVE-2022-21449).
bool is_scalar(std::string_view bytes) {
    constexpr unsigned char order[p256_bytes] = {0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
                                                 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17,
                                                 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51};
    const unsigned char *number = bytes_of(bytes);
    return std::any_of(number, number + p256_bytes, [](unsigned char byte) { return byte != 0; }) &&
           std::lexicographical_compare(number, number + p256_bytes, order, order + p256_bytes);
}

// r and s of exactly 32 bytes each as the DER that OpenSSL takes; nothing for anything else.
std::optional<std::string> der_of_raw(std::string_view raw) {
    if (raw.size() != 2 * p256_bytes || !is_scalar(raw.substr(0, p256_bytes)) || !is_scalar(raw.substr(p256_bytes)))
        return std::nullopt;
    EcdsaSig signature(ECDSA_SIG_new());
    Bignum r(BN_bin2bn(bytes_of(raw), p256_bytes, nullptr));
    Bignum s(BN_bin2bn(bytes_of(raw) + p256_bytes, p256_bytes, nullptr));
    must(signature && r && s && ECDSA_SIG_set0(signature.get(), r.get(), s.get()) == 1);
    (void)r.release(); // they are the signature's now
    (void)s.release();
    const int length = i2d_ECDSA_SIG(signature.get(), nullptr);
    must(length > 0);
    std::string der(static_cast<std::size_t>(length), '\0');
    unsigned char *out = bytes_of(der);
    must(i2d_ECDSA_SIG(signature.get(), &out) == length);
    return der;
}

std::string raw_of_der(std::string_view der) {
    const unsigned char *in = bytes_of(der);
    const EcdsaSig signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
    must(signature != nullptr);
    return bytes_of_number(ECDSA_SIG_get0_r(signature.get()), p256_bytes) +
           bytes_of_number(ECDSA_SIG_get0_s(signature.get()), p256_bytes);
}

DigestContext digest_context() {
    DigestContext context(EVP_MD_CTX_new());
    must(context != nullptr);
    return context;
}

// RS256 is PKCS #1 v1.5; said aloud, because nothing else is ever to be accepted.
bool set_padding(JwsAlgorithm algorithm, EVP_PKEY_CTX *context) {
    return algorithm != JwsAlgorithm::rs256 || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
}

EVP_PKEY *raw(const std::shared_ptr<void> &handle) { return static_cast<EVP_PKEY *>(handle.get()); }

// Without memory the shared pointer frees the key itself.
std::shared_ptr<void> shared(KeyHandle key) {
    return std::shared_ptr<void>(key.release(), [](void *object) { EVP_PKEY_free(static_cast<EVP_PKEY *>(object)); });
}

} // namespace

std::string random_bytes(std::size_t count) {
    const QuietErrors quiet;
    std::string out(count, '\0');
    must(RAND_bytes(bytes_of(out), static_cast<int>(count)) == 1);
    return out;
}

std::string sha256(std::string_view bytes) {
    const QuietErrors quiet;
    std::string out(SHA256_DIGEST_LENGTH, '\0');
    // Found once for the life of the process: looking for it costs as much as hashing some hundred bytes.
    static EVP_MD *const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    static EVP_MD_CTX *const context = EVP_MD_CTX_new();
    must(found != nullptr && context != nullptr && EVP_DigestInit_ex2(context, found, nullptr) == 1 &&
         EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1 &&
         EVP_DigestFinal_ex(context, bytes_of(out), nullptr) == 1);
    return out;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    const QuietErrors quiet;
    std::string out(SHA256_DIGEST_LENGTH, '\0');
    unsigned int length = 0;
    must(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(), bytes_of(out),
              &length) != nullptr &&
         length == out.size());
    return out;
}

bool equal_secrets(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<Key> Key::read_public(core::JwsAlgorithm algorithm, std::string_view pem) {
    const QuietErrors quiet;
    const auto block = one_block(pem, "PUBLIC KEY");
    if (!block)
        return std::nullopt;
    KeyHandle key(PEM_read_bio_PUBKEY(reading(*block).get(), nullptr, no_passphrase, nullptr));
    if (key == nullptr || !fits(algorithm, key.get()))
        return std::nullopt;
    const KeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr));
    must(context != nullptr);
    if (EVP_PKEY_public_check(context.get()) != 1)
        return std::nullopt;
    return Key(algorithm, shared(std::move(key)));
}

std::optional<Key> Key::read_private(core::JwsAlgorithm algorithm, std::string_view pem) {
    const QuietErrors quiet;
    const auto block = one_block(pem, "PRIVATE KEY");
    if (!block)
        return std::nullopt;
    KeyHandle key(PEM_read_bio_PrivateKey(reading(*block).get(), nullptr, no_passphrase, nullptr));
    if (key == nullptr || !fits(algorithm, key.get()))
        return std::nullopt;
    return Key(algorithm, shared(std::move(key)));
}

Key Key::generate(core::JwsAlgorithm algorithm) {
    const QuietErrors quiet;
    must(algorithm != JwsAlgorithm::hs256);
    KeyHandle key(algorithm == JwsAlgorithm::es256 ? EVP_EC_gen(SN_X9_62_prime256v1)
                                                   : EVP_RSA_gen(static_cast<unsigned int>(least_rsa_bits)));
    must(key != nullptr && fits(algorithm, key.get()));
    return Key(algorithm, shared(std::move(key)));
}

std::string Key::public_pem() const {
    const QuietErrors quiet;
    const Bio bio = writing();
    must(PEM_write_bio_PUBKEY(bio.get(), raw(handle_)) == 1);
    return written(bio);
}

std::string Key::private_pem() const {
    const QuietErrors quiet;
    const Bio bio = writing();
    must(PEM_write_bio_PKCS8PrivateKey(bio.get(), raw(handle_), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return written(bio);
}

std::string Key::public_jwk() const {
    const QuietErrors quiet;
    EVP_PKEY *key = raw(handle_);
    if (algorithm_ == JwsAlgorithm::es256)
        return "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" + jwk_number(key, OSSL_PKEY_PARAM_EC_PUB_X, p256_bytes) +
               "\",\"y\":\"" + jwk_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, p256_bytes) + "\"}";
    return "{\"e\":\"" + jwk_number(key, OSSL_PKEY_PARAM_RSA_E) + "\",\"kty\":\"RSA\",\"n\":\"" +
           jwk_number(key, OSSL_PKEY_PARAM_RSA_N) + "\"}";
}

std::string Key::thumbprint() const { return core::to_base64url(sha256(public_jwk())); }

std::string Key::sign(std::string_view bytes) const {
    const QuietErrors quiet;
    const DigestContext context = digest_context();
    EVP_PKEY_CTX *key_context = nullptr;
    must(EVP_DigestSignInit(context.get(), &key_context, EVP_sha256(), nullptr, raw(handle_)) == 1 &&
         set_padding(algorithm_, key_context));
    std::size_t length = 0;
    must(EVP_DigestSign(context.get(), nullptr, &length, bytes_of(bytes), bytes.size()) == 1);
    std::string out(length, '\0');
    must(EVP_DigestSign(context.get(), bytes_of(out), &length, bytes_of(bytes), bytes.size()) == 1);
    out.resize(length);
    return algorithm_ == JwsAlgorithm::es256 ? raw_of_der(out) : out;
}

bool Key::verifies(std::string_view bytes, std::string_view signature) const {
    const QuietErrors quiet;
    std::optional<std::string> der;
    if (algorithm_ == JwsAlgorithm::es256) {
        der = der_of_raw(signature);
        if (!der)
            return false;
        signature = *der;
    } else if (signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(raw(handle_)))) {
        return false;
    }
    const DigestContext context = digest_context();
    EVP_PKEY_CTX *key_context = nullptr;
    must(EVP_DigestVerifyInit(context.get(), &key_context, EVP_sha256(), nullptr, raw(handle_)) == 1 &&
         set_padding(algorithm_, key_context));
    return EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(bytes), bytes.size()) == 1;
}

} // namespace pg_clinic::pg::crypto
