#include "pg/aead.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <unistd.h>
#include <unordered_set>

namespace pg_clinic::pg::crypto {
namespace {

std::string from_hex(const std::string &hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return out;
}

unsigned char *bytes(std::string &text) { return reinterpret_cast<unsigned char *>(text.data()); }

AeadKey key_of(const std::string &bytes_of_key, std::uint64_t serial = 0) {
    return {reinterpret_cast<const unsigned char *>(bytes_of_key.data()), serial};
}

struct Vector {
    std::string name, key, nonce, associated, text, ciphertext, tag;
    bool valid;
};

// Lines of name, key, nonce, associated data, text, ciphertext, tag, all in hexadecimal or "-", and valid or invalid.
std::vector<Vector> vectors() {
    std::ifstream file("test/unit/data/aes_256_gcm.txt");
    std::vector<Vector> out;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line[0] == '#')
            continue;
        std::istringstream words(line);
        std::string name, parts[6], verdict;
        words >> name;
        for (std::string &part : parts) {
            words >> part;
            part = part == "-" ? std::string() : from_hex(part);
        }
        words >> verdict;
        out.push_back({name, parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], verdict == "valid"});
    }
    return out;
}

TEST(Aead, AgreesWithPublishedVectors) {
    const auto all = vectors();
    ASSERT_GE(all.size(), 10u);
    for (const Vector &v : all) {
        std::string opened(v.ciphertext.size(), '?');
        EXPECT_EQ(open(key_of(v.key), v.nonce, v.associated, v.ciphertext, v.tag, bytes(opened)), v.valid) << v.name;
        EXPECT_EQ(opened, v.valid ? v.text : std::string(v.ciphertext.size(), '\0')) << v.name;
        if (!v.valid)
            continue;
        std::string sealed(v.text.size() + aead_tag_bytes, '?');
        seal_with_nonce(key_of(v.key), v.nonce, v.associated, v.text, bytes(sealed));
        EXPECT_EQ(sealed, v.ciphertext + v.tag) << v.name;
    }
}

std::string sealed(const std::string &key, const std::string &associated, const std::string &text,
                   std::uint64_t serial = 0) {
    std::string out(text.size() + aead_nonce_bytes + aead_tag_bytes, '\0');
    seal(key_of(key, serial), associated, text, bytes(out));
    return out;
}

bool opens(const std::string &key, const std::string &associated, const std::string &all, std::uint64_t serial = 0) {
    const std::string_view view = all;
    std::string text(all.size() - aead_nonce_bytes - aead_tag_bytes, '?');
    return open(key_of(key, serial), view.substr(0, aead_nonce_bytes), associated,
                view.substr(aead_nonce_bytes, text.size()), view.substr(all.size() - aead_tag_bytes), bytes(text));
}

TEST(Aead, EveryByteCounts) {
    const std::string key(aead_key_bytes, 'k'), associated = "what it is bound to", text = "some text of a note";
    const std::string good = sealed(key, associated, text);
    ASSERT_TRUE(opens(key, associated, good));
    for (std::size_t i = 0; i < good.size(); ++i)
        for (int bit = 0; bit < 8; ++bit) {
            std::string bad = good;
            bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
            EXPECT_FALSE(opens(key, associated, bad)) << i;
        }
    for (std::size_t i = 0; i < associated.size(); ++i) {
        std::string other = associated;
        other[i] = static_cast<char>(other[i] ^ 1);
        EXPECT_FALSE(opens(key, other, good)) << i;
    }
    EXPECT_FALSE(opens(key, "", good));
    EXPECT_FALSE(opens(std::string(aead_key_bytes, 'l'), associated, good));
    EXPECT_FALSE(opens(key, associated, good.substr(0, good.size() - 1)));
}

// The context is kept with its key from one call to the next.
TEST(Aead, RemembersTheRightKey) {
    const std::string one(aead_key_bytes, '1'), two(aead_key_bytes, '2');
    const std::string by_one = sealed(one, "a", "text", 1), by_two = sealed(two, "a", "text", 2);
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(opens(one, "a", by_one, 1));
        EXPECT_TRUE(opens(two, "a", by_two, 2));
        EXPECT_FALSE(opens(one, "a", by_two, 1));
        EXPECT_FALSE(opens(two, "a", by_one, 2));
        EXPECT_TRUE(opens(two, "a", by_two, 2)) << "after a failure";
        forget_aead_keys();
    }
    // Without a serial nothing is remembered.
    EXPECT_TRUE(opens(one, "a", by_one));
    EXPECT_TRUE(opens(two, "a", by_two));
}

TEST(Aead, AMillionNoncesAreDistinct) {
    const std::string key(aead_key_bytes, 'k');
    std::unordered_set<std::string> seen;
    seen.reserve(1'000'000);
    std::string out(aead_nonce_bytes + aead_tag_bytes, '\0');
    for (int i = 0; i < 1'000'000; ++i) {
        seal(key_of(key, 7), "", "", bytes(out));
        seen.insert(out.substr(0, aead_nonce_bytes));
    }
    EXPECT_EQ(seen.size(), 1'000'000u);
}

// Nonces are drawn in advance: a child must not go on with its parent's.
TEST(Aead, AForkedProcessDrawsItsOwnNonces) {
    const std::string key(aead_key_bytes, 'k');
    (void)sealed(key, "", "");
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        const std::string its = sealed(key, "", "").substr(0, aead_nonce_bytes);
        _exit(write(ends[1], its.data(), its.size()) == static_cast<ssize_t>(its.size()) ? 0 : 1);
    }
    std::string its(aead_nonce_bytes, '\0');
    ASSERT_EQ(read(ends[0], its.data(), its.size()), static_cast<ssize_t>(its.size()));
    EXPECT_NE(its, sealed(key, "", "").substr(0, aead_nonce_bytes));
    close(ends[0]);
    close(ends[1]);
}

TEST(Aead, HkdfAgreesWithRfc5869) {
    std::string out(32, '\0');
    hkdf_sha256(std::string(22, '\x0b'), from_hex("000102030405060708090a0b0c"), from_hex("f0f1f2f3f4f5f6f7f8f9"),
                bytes(out));
    EXPECT_EQ(out, from_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"));
}

} // namespace
} // namespace pg_clinic::pg::crypto
