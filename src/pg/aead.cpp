// Authenticated encryption: see aead.hpp. Written for OpenSSL 3.
#include "pg/aead.hpp"

#include "core/error.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <sys/mman.h>
#include <unistd.h>

#include <climits>
#include <cstring>

namespace pg_clinic::pg::crypto {

namespace {

// OpenSSL's words stay here: they could tell about keys, and the server's TLS would take them for its own.
[[noreturn]] void broken() {
    ERR_clear_error();
    throw core::Error(core::ErrorCode::internal, "cryptography is not available");
}

void must(bool good) {
    if (!good)
        broken();
}

const unsigned char *bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char *>(text.data()); }

// Lengths are int in OpenSSL; no value of the server comes near.
int length_of(std::string_view text) {
    must(text.size() <= INT_MAX);
    return static_cast<int>(text.size());
}

// A context for one direction, with the key it was last used with. Lives as long as the process.
struct Context {
    EVP_CIPHER_CTX *context;
    std::uint64_t serial; // of the key that is set; 0 for none
};
constinit Context sealing{nullptr, 0};
constinit Context opening{nullptr, 0};
constinit EVP_CIPHER *cipher = nullptr; // fetching it takes longer than encrypting a field

// Makes the context ready for a key, a nonce, and what else is known of the value.
void prepare(Context &c, bool encrypting, AeadKey key, std::string_view nonce, const OSSL_PARAM *known_of_value) {
    must(nonce.size() == aead_nonce_bytes && key.bytes != nullptr);
    if (c.context == nullptr) {
        if (cipher == nullptr)
            cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
        must(cipher != nullptr);
        c.context = EVP_CIPHER_CTX_new();
        must(c.context != nullptr && EVP_CipherInit_ex2(c.context, cipher, nullptr, nullptr, encrypting, nullptr) == 1);
        c.serial = 0;
    }
    const bool known = key.serial != 0 && key.serial == c.serial;
    c.serial = 0; // until it has worked
    must(EVP_CipherInit_ex2(c.context, nullptr, known ? nullptr : key.bytes, bytes_of(nonce), encrypting,
                            known_of_value) == 1);
    c.serial = key.serial;
}

// The tag as a parameter of OpenSSL: what EVP_CIPHER_CTX_ctrl would make of it, without the way there.
struct Tag {
    explicit Tag(unsigned char *bytes)
        : parameters{OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, bytes, aead_tag_bytes),
                     OSSL_PARAM_construct_end()} {}

    OSSL_PARAM parameters[2];
};

void wipe(Context &c) noexcept {
    EVP_CIPHER_CTX_free(c.context); // which cleanses
    c = Context{nullptr, 0};
}

// Random bytes for nonces, drawn in advance: asking for twelve costs as much as for thousands. They lie where a process that
// was forked finds zeros, which say that nothing is left: it has none of its parent's. Where the system cannot do that, the
// process asks for its own number each time.
struct NoncePool {
    std::size_t left; // of the bytes, at their end
    unsigned char bytes[aead_nonce_bytes * 256];
};
constinit NoncePool *pool = nullptr; // lives as long as the process
constinit bool wiped_by_fork = false;
constinit pid_t owner = 0;

void make_pool() {
    void *memory = mmap(nullptr, sizeof(NoncePool), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED);
#ifdef MADV_WIPEONFORK
    wiped_by_fork = madvise(memory, sizeof(NoncePool), MADV_WIPEONFORK) == 0;
#endif
    pool = static_cast<NoncePool *>(memory);
}

void draw_nonce(unsigned char *out) {
    if (pool == nullptr)
        make_pool();
    if (pool->left == 0 || (!wiped_by_fork && owner != getpid())) {
        pool->left = 0;
        random_fill(pool->bytes, sizeof pool->bytes);
        pool->left = sizeof pool->bytes;
        owner = getpid();
    }
    unsigned char *next = pool->bytes + (sizeof pool->bytes - pool->left);
    std::memcpy(out, next, aead_nonce_bytes);
    cleanse(next, aead_nonce_bytes);
    pool->left -= aead_nonce_bytes;
}

} // namespace

void seal_with_nonce(AeadKey key, std::string_view nonce, std::string_view associated, std::string_view text,
                     unsigned char *out) {
    prepare(sealing, true, key, nonce, nullptr);
    int length = 0;
    Tag tag(out + text.size());
    unsigned char rest[16]; // GCM has none
    const bool good =
        (associated.empty() ||
         EVP_EncryptUpdate(sealing.context, nullptr, &length, bytes_of(associated), length_of(associated)) == 1) &&
        (text.empty() || EVP_EncryptUpdate(sealing.context, out, &length, bytes_of(text), length_of(text)) == 1) &&
        EVP_EncryptFinal_ex(sealing.context, rest, &length) == 1 &&
        EVP_CIPHER_CTX_get_params(sealing.context, tag.parameters) == 1;
    if (!good) {
        wipe(sealing);
        broken();
    }
}

void seal(AeadKey key, std::string_view associated, std::string_view text, unsigned char *out) {
    draw_nonce(out);
    seal_with_nonce(key, std::string_view(reinterpret_cast<const char *>(out), aead_nonce_bytes), associated, text,
                    out + aead_nonce_bytes);
}

bool open(AeadKey key, std::string_view nonce, std::string_view associated, std::string_view ciphertext,
          std::string_view tag, unsigned char *out) {
    if (nonce.size() != aead_nonce_bytes || tag.size() != aead_tag_bytes)
        return false;
    unsigned char wanted[aead_tag_bytes]; // OpenSSL takes it as if it would write there
    std::memcpy(wanted, tag.data(), aead_tag_bytes);
    prepare(opening, false, key, nonce, Tag(wanted).parameters);
    int length = 0;
    unsigned char rest[16];
    const bool good = (associated.empty() || EVP_DecryptUpdate(opening.context, nullptr, &length, bytes_of(associated),
                                                               length_of(associated)) == 1) &&
                      (ciphertext.empty() || EVP_DecryptUpdate(opening.context, out, &length, bytes_of(ciphertext),
                                                               length_of(ciphertext)) == 1) &&
                      EVP_DecryptFinal_ex(opening.context, rest, &length) == 1;
    if (!good) {
        cleanse(out, ciphertext.size());
        ERR_clear_error();
    }
    return good;
}

std::string sealed_text(AeadKey key, std::string_view associated, std::string_view text) {
    std::string out(aead_nonce_bytes + text.size() + aead_tag_bytes, '\0');
    seal(key, associated, text, reinterpret_cast<unsigned char *>(out.data()));
    return out;
}

std::optional<std::string> opened_text(AeadKey key, std::string_view associated, std::string_view sealed) {
    constexpr std::size_t around = aead_nonce_bytes + aead_tag_bytes;
    if (sealed.size() < around)
        return std::nullopt;
    std::string text(sealed.size() - around, '\0');
    if (!open(key, sealed.substr(0, aead_nonce_bytes), associated, sealed.substr(aead_nonce_bytes, text.size()),
              sealed.substr(aead_nonce_bytes + text.size()), reinterpret_cast<unsigned char *>(text.data())))
        return std::nullopt;
    return text;
}

void forget_aead_keys() noexcept {
    wipe(sealing);
    wipe(opening);
}

void random_fill(unsigned char *out, std::size_t count) { must(RAND_bytes(out, static_cast<int>(count)) == 1); }

void hmac_sha256_into(std::string_view key, std::string_view bytes, unsigned char *out) {
    unsigned int length = 0;
    must(HMAC(EVP_sha256(), key.data(), length_of(key), bytes_of(bytes), bytes.size(), out, &length) != nullptr &&
         length == 32);
}

void hkdf_sha256(std::string_view key, std::string_view salt, std::string_view info, unsigned char *out) {
    unsigned char extracted[32];
    hmac_sha256_into(salt, key, extracted);
    std::string expanding(info);
    expanding += '\x01';
    hmac_sha256_into(std::string_view(reinterpret_cast<const char *>(extracted), sizeof extracted), expanding, out);
    cleanse(extracted, sizeof extracted);
}

void cleanse(void *memory, std::size_t size) noexcept { OPENSSL_cleanse(memory, size); }

} // namespace pg_clinic::pg::crypto
