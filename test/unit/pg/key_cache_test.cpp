#include "pg/key_cache.hpp"
#include "pg/secret_memory.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

namespace pg_clinic::pg {
namespace {

crypto::AeadKey kept(const std::string &name, char byte) {
    unsigned char *place = key_cache::place();
    std::memset(place, byte, crypto::aead_key_bytes);
    return key_cache::keep(name, place);
}

TEST(KeyCache, FindsByTheWholeName) {
    key_cache::clear();
    const crypto::AeadKey a = kept("tenant wrapped", 'a');
    EXPECT_EQ(key_cache::find("tenant wrapped")->bytes, a.bytes);
    EXPECT_FALSE(key_cache::find("tenant wrappe"));
    EXPECT_FALSE(key_cache::find("tenant wrapped anew"));
    EXPECT_NE(kept("other", 'b').serial, a.serial);
}

TEST(KeyCache, KeepsSoManyAndForgetsTheOldest) {
    key_cache::clear();
    for (std::size_t i = 0; i < 3 * key_cache::most_keys; ++i) {
        (void)kept(std::to_string(i), 'x');
        EXPECT_TRUE(key_cache::find("0")) << "it is used each time";
        EXPECT_LE(key_cache::size(), key_cache::most_keys);
    }
    EXPECT_FALSE(key_cache::find("1"));
    EXPECT_TRUE(key_cache::find(std::to_string(3 * key_cache::most_keys - 1)));
}

TEST(KeyCache, WipesWhatItForgets) {
    key_cache::clear();
    const unsigned char *bytes = kept("secret", 's').bytes;
    EXPECT_EQ(bytes[31], 's');
    key_cache::clear();
    EXPECT_EQ(std::string(reinterpret_cast<const char *>(bytes), 32), std::string(32, '\0'));
    EXPECT_FALSE(key_cache::find("secret"));
}

TEST(SecretMemory, GivesBackAndRunsOutInTheEnd) {
    key_cache::clear();
    secret_memory::wipe();
    std::vector<unsigned char *> all;
    while (unsigned char *slot = secret_memory::take())
        all.push_back(slot);
    EXPECT_EQ(all.size(), secret_memory::slot_count);
    std::sort(all.begin(), all.end());
    for (std::size_t i = 1; i < all.size(); ++i)
        EXPECT_EQ(all[i] - all[i - 1], static_cast<std::ptrdiff_t>(secret_memory::slot_bytes));
    secret_memory::give_back(all[5]);
    EXPECT_EQ(secret_memory::take(), all[5]);
    for (unsigned char *slot : all)
        secret_memory::give_back(slot);
}

TEST(SecretMemory, AForkedProcessFindsItEmpty) {
    unsigned char *slot = secret_memory::take();
    std::memset(slot, 'k', secret_memory::slot_bytes);
    const pid_t child = fork();
    if (child == 0)
        _exit(slot[0] == 0 ? 0 : 1);
    int status = 1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    secret_memory::give_back(slot);
}

} // namespace
} // namespace pg_clinic::pg
