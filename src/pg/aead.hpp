// Authenticated encryption (AES-256-GCM), key derivation and wiping, by OpenSSL. Plain C++ on bytes, as crypto.hpp is.
//
// Making a context of OpenSSL costs more than encrypting a field, so there is one for each direction, and it keeps the
// schedule of the key that it was last used with. It lives on OpenSSL's heap, which is not locked: at most two keys at a
// time are there in that form, and forget() wipes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pg_clinic::pg::crypto {

inline constexpr std::size_t aead_key_bytes = 32;
inline constexpr std::size_t aead_nonce_bytes = 12;
inline constexpr std::size_t aead_tag_bytes = 16;

// A key, where it lies. The serial tells keys apart without looking at them: two keys never have the same one; 0 is a key
// that is not remembered.
struct AeadKey {
    const unsigned char *bytes = nullptr;
    std::uint64_t serial = 0;
};

// Encrypts with a new random nonce: writes nonce, ciphertext and tag, text.size() + 28 bytes, to out, which must not overlap
// the text.
void seal(AeadKey key, std::string_view associated, std::string_view text, unsigned char *out);

// The same with a nonce that is given: for test vectors. Writes ciphertext and tag.
void seal_with_nonce(AeadKey key, std::string_view nonce, std::string_view associated, std::string_view text,
                     unsigned char *out);

// Decrypts into out, of ciphertext.size() bytes. False, and zeros there, when the tag is not that of all of this.
bool open(AeadKey key, std::string_view nonce, std::string_view associated, std::string_view ciphertext,
          std::string_view tag, unsigned char *out);

// The same for texts that are no keys: what seal writes, and the text of that; nothing when it was not sealed so.
std::string sealed_text(AeadKey key, std::string_view associated, std::string_view text);
std::optional<std::string> opened_text(AeadKey key, std::string_view associated, std::string_view sealed);

// Wipes the contexts and the keys in them.
void forget_aead_keys() noexcept;

// Fills with random bytes.
void random_fill(unsigned char *out, std::size_t count);

// HKDF with SHA-256 (RFC 5869), one block: 32 bytes.
void hkdf_sha256(std::string_view key, std::string_view salt, std::string_view info, unsigned char *out);

// HMAC with SHA-256 into 32 bytes that are given.
void hmac_sha256_into(std::string_view key, std::string_view bytes, unsigned char *out);

// Overwrites in a way that the compiler does not leave out.
void cleanse(void *memory, std::size_t size) noexcept;

} // namespace pg_clinic::pg::crypto
