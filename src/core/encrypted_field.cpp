// The form of an encrypted value: see encrypted_field.hpp.
#include "core/encrypted_field.hpp"

namespace pg_clinic::core {

namespace {

constexpr unsigned char version = 0x01;

void append_number(std::string &out, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>(static_cast<unsigned char>(number >> shift));
}

void append_text(std::string &out, std::string_view text) {
    append_number(out, static_cast<std::uint32_t>(text.size()));
    out += text;
}

void append_id(std::string &out, const Id &id) {
    out.append(reinterpret_cast<const char *>(id.bytes.data()), id.bytes.size());
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
    std::string out{static_cast<char>(version), static_cast<char>(scope)};
    append_number(out, static_cast<std::uint32_t>(key_no));
    return out;
}

std::string field_associated_data(KeyScope scope, std::int32_t key_no, const FieldPlace &place) {
    std::string out;
    out.reserve(field_header_bytes + 32 + 12 + place.table.size() + place.column.size() + place.row.size());
    out += encrypted_field_header(scope, key_no);
    append_id(out, place.tenant);
    append_id(out, scope == KeyScope::patient ? place.patient : Id{});
    append_text(out, place.table);
    append_text(out, place.column);
    append_text(out, place.row);
    return out;
}

} // namespace pg_clinic::core
