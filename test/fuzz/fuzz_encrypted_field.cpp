// Encrypted values from any bytes: what is read is within the bytes, and is the same when it is put together again.
#include "core/encrypted_field.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace pg_clinic::core;
    const std::string bytes(reinterpret_cast<const char *>(data), size);
    const auto field = read_encrypted_field(bytes);
    if (!field)
        return 0;
    if (encrypted_field_header(field->scope, field->key_no) + std::string(field->nonce) +
            std::string(field->ciphertext) + std::string(field->tag) !=
        bytes)
        std::abort();
    const std::string_view rest = field->ciphertext;
    const FieldPlace place{Id{}, Id{}, rest.substr(0, rest.size() / 3), rest.substr(rest.size() / 3), "row"};
    if (FieldAssociatedData(field->scope, field->key_no, place).bytes().size() != 6 + 32 + 12 + rest.size() + 3)
        std::abort();
    return 0;
}
