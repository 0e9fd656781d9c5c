// The form of an encrypted value: see encrypted_field.hpp.
#include "core/encrypted_field.hpp"

#include <cstring>

namespace pg_clinic::core {

namespace {

constexpr unsigned char version = 0x01;

// These write at a place and give the place behind.

char *put_number(char *out, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8)
        *out++ = static_cast<char>(static_cast<unsigned char>(number >> shift));
    return out;
}

char *put_bytes(char *out, const void *bytes, std::size_t size) {
    if (size != 0)
        std::memcpy(out, bytes, size);
    return out + size;
}

char *put_text(char *out, std::string_view text) {
    return put_bytes(put_number(out, static_cast<std::uint32_t>(text.size())), text.data(), text.size());
}

char *put_id(char *out, const Id &id) { return put_bytes(out, id.bytes.data(), id.bytes.size()); }

char *put_header(char *out, KeyScope scope, std::int32_t key_no) {
    *out++ = static_cast<char>(version);
    *out++ = static_cast<char>(scope);
    return put_number(out, static_cast<std::uint32_t>(key_no));
}

} // namespace

std::optional<EncryptedField> read_encrypted_field(std::string_view bytes) noexcept {
    if (bytes.size() < least_field_bytes)
        return std::nullopt;
    const auto byte = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const auto scope = static_cast<KeyScope>(byte(1));
    if (byte(0) != version || (scope != KeyScope::patient && scope != KeyScope::tenant))
        return std::nullopt;
    std::uint32_t number = 0;
    for (std::size_t i = 2; i < field_header_bytes; ++i)
        number = number << 8 | byte(i);
    if (number == 0 || number > static_cast<std::uint32_t>(INT32_MAX))
        return std::nullopt;
    return EncryptedField{scope, static_cast<std::int32_t>(number), bytes.substr(field_header_bytes, field_nonce_bytes),
                          bytes.substr(field_header_bytes + field_nonce_bytes, bytes.size() - least_field_bytes),
                          bytes.substr(bytes.size() - field_tag_bytes)};
}

std::string encrypted_field_header(KeyScope scope, std::int32_t key_no) {
    char out[field_header_bytes];
    put_header(out, scope, key_no);
    return std::string(out, sizeof out);
}

FieldAssociatedData::FieldAssociatedData(KeyScope scope, std::int32_t key_no, const FieldPlace &place)
    : size_(field_header_bytes + 32 + 12 + place.table.size() + place.column.size() + place.row.size()) {
    char *out = near_.data();
    if (size_ > near_.size()) {
        far_.resize(size_);
        out = far_.data();
    }
    out = put_header(out, scope, key_no);
    out = put_id(out, place.tenant);
    out = put_id(out, scope == KeyScope::patient ? place.patient : Id{});
    out = put_text(out, place.table);
    out = put_text(out, place.column);
    put_text(out, place.row);
}

} // namespace pg_clinic::core
