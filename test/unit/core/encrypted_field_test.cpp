#include "core/encrypted_field.hpp"

#include <gtest/gtest.h>

namespace pg_clinic::core {
namespace {

std::string value(KeyScope scope, std::int32_t key_no, const std::string &text) {
    return encrypted_field_header(scope, key_no) + std::string(field_nonce_bytes, 'n') + text +
           std::string(field_tag_bytes, 't');
}

Id id_of(unsigned char byte) {
    Id id;
    id.bytes.fill(byte);
    return id;
}

std::string bound_to(KeyScope scope, std::int32_t key_no, const FieldPlace &place) {
    return std::string(FieldAssociatedData(scope, key_no, place).bytes());
}

TEST(EncryptedField, TakesApartWhatItPutsTogether) {
    for (const KeyScope scope : {KeyScope::patient, KeyScope::tenant})
        for (const std::int32_t key_no : {1, 255, 256, 0x01020304, INT32_MAX})
            for (const std::string &text : {std::string(), std::string("x"), std::string(1000, 'y')}) {
                const std::string bytes = value(scope, key_no, text);
                const auto field = read_encrypted_field(bytes);
                ASSERT_TRUE(field);
                EXPECT_EQ(field->scope, scope);
                EXPECT_EQ(field->key_no, key_no);
                EXPECT_EQ(field->nonce, std::string(field_nonce_bytes, 'n'));
                EXPECT_EQ(field->ciphertext, text);
                EXPECT_EQ(field->tag, std::string(field_tag_bytes, 't'));
            }
}

TEST(EncryptedField, KnowsItsHeaderByteByByte) {
    EXPECT_EQ(encrypted_field_header(KeyScope::patient, 0x01020304), std::string("\x01\x50\x01\x02\x03\x04", 6));
    EXPECT_EQ(encrypted_field_header(KeyScope::tenant, 1), std::string("\x01\x54\x00\x00\x00\x01", 6));
}

TEST(EncryptedField, RefusesWhatIsNone) {
    const std::string good = value(KeyScope::patient, 1, "");
    EXPECT_TRUE(read_encrypted_field(good));
    EXPECT_FALSE(read_encrypted_field(""));
    EXPECT_FALSE(read_encrypted_field(std::string_view(good).substr(0, good.size() - 1)));
    for (int byte = 0; byte < 256; ++byte) {
        std::string other = good;
        other[0] = static_cast<char>(byte);
        EXPECT_EQ(read_encrypted_field(other).has_value(), byte == 0x01);
        other = good;
        other[1] = static_cast<char>(byte);
        EXPECT_EQ(read_encrypted_field(other).has_value(), byte == 0x50 || byte == 0x54);
    }
    std::string zero = good;
    zero[5] = 0;
    EXPECT_FALSE(read_encrypted_field(zero)) << "key numbers begin with 1";
    std::string negative = good;
    negative[2] = '\x80';
    EXPECT_FALSE(read_encrypted_field(negative));
}

// Every part of the place has to tell: were a name's end not marked, "ab" + "c" would be "a" + "bc".
TEST(EncryptedField, NoTwoPlacesAreBoundAlike) {
    const Id a = id_of(1), b = id_of(2);
    const std::vector<std::string> all{
        bound_to(KeyScope::patient, 1, {a, b, "t", "c", "r"}), bound_to(KeyScope::patient, 2, {a, b, "t", "c", "r"}),
        bound_to(KeyScope::tenant, 1, {a, b, "t", "c", "r"}),  bound_to(KeyScope::patient, 1, {b, b, "t", "c", "r"}),
        bound_to(KeyScope::patient, 1, {a, a, "t", "c", "r"}), bound_to(KeyScope::patient, 1, {a, b, "tc", "", "r"}),
        bound_to(KeyScope::patient, 1, {a, b, "", "tc", "r"}), bound_to(KeyScope::patient, 1, {a, b, "t", "cr", ""}),
        bound_to(KeyScope::patient, 1, {a, b, "t", "", "cr"}), bound_to(KeyScope::patient, 1, {a, b, "t", "c", "s"})};
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t j = i + 1; j < all.size(); ++j)
            EXPECT_NE(all[i], all[j]) << i << " and " << j;
    EXPECT_EQ(all[0].substr(0, 6), encrypted_field_header(KeyScope::patient, 1));
    EXPECT_EQ(all[2].substr(22, 16), std::string(16, '\0')) << "a tenant's value names no patient";
    EXPECT_EQ(all[0].substr(38), std::string("\0\0\0\1t\0\0\0\1c\0\0\0\1r", 15));
}

// Short ones lie elsewhere than long ones; they are made of the same parts.
TEST(EncryptedField, NamesOfAnyLengthAreBoundWhole) {
    const Id a = id_of(1), b = id_of(2);
    for (const std::size_t length : {0, 1, 100, 203, 204, 205, 206, 207, 300, 70'000}) {
        const std::string row(length, 'r');
        std::string wanted = encrypted_field_header(KeyScope::patient, 7) + std::string(16, '\1') +
                             std::string(16, '\2') + std::string("\0\0\0\1t\0\0\0\1c\0", 11);
        for (const int shift : {16, 8, 0})
            wanted += static_cast<char>(static_cast<unsigned char>(length >> shift));
        EXPECT_EQ(bound_to(KeyScope::patient, 7, {a, b, "t", "c", row}), wanted + row) << length;
    }
}

} // namespace
} // namespace pg_clinic::core
