// The form of an encrypted value: what stands in its bytes, and what it is bound to. No cryptography.
//
//     1 byte  version, 0x01
//     1 byte  scope: 0x50 a patient's key, 0x54 a tenant's key
//     4 bytes number of the key, from 1, big endian
//    12 bytes nonce
//     n bytes ciphertext
//    16 bytes tag
#pragma once

#include "core/id.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pg_clinic::core {

enum class KeyScope : unsigned char { patient = 0x50, tenant = 0x54 };

inline constexpr std::size_t field_header_bytes = 6;
inline constexpr std::size_t field_nonce_bytes = 12;
inline constexpr std::size_t field_tag_bytes = 16;
inline constexpr std::size_t least_field_bytes = field_header_bytes + field_nonce_bytes + field_tag_bytes;

// The parts of an encrypted value; the views are into its bytes.
struct EncryptedField {
    KeyScope scope;
    std::int32_t key_no;
    std::string_view nonce;
    std::string_view ciphertext;
    std::string_view tag;
};

// Takes the bytes apart; nothing for bytes that are no encrypted value. Says nothing about their being genuine.
std::optional<EncryptedField> read_encrypted_field(std::string_view bytes) noexcept;

// The first bytes of an encrypted value.
std::string encrypted_field_header(KeyScope scope, std::int32_t key_no);

// Where a value belongs. It can be decrypted nowhere else.
struct FieldPlace {
    Id tenant;
    Id patient; // nil for the tenant's key
    std::string_view table;
    std::string_view column;
    std::string_view row;
};

// What is authenticated beside the value: the header, the ids, and the names, each with its length before it. Built for each
// value: within the object itself where it fits, as names and ids of rows nearly always do.
class FieldAssociatedData {
  public:
    FieldAssociatedData(KeyScope scope, std::int32_t key_no, const FieldPlace &place);

    // Lives as long as the object.
    std::string_view bytes() const noexcept {
        return size_ <= near_.size() ? std::string_view(near_.data(), size_) : std::string_view(far_);
    }

  private:
    std::size_t size_;
    std::array<char, 256> near_;
    std::string far_; // all of it, where it is longer
};

} // namespace pg_clinic::core
