// Unwrapped keys: see key_cache.hpp.
#include "pg/key_cache.hpp"

#include "core/error.hpp"
#include "pg/secret_memory.hpp"

#include <list>
#include <memory>
#include <unordered_map>
#include <utility>

namespace pg_clinic::pg::key_cache {

namespace {

struct Kept {
    std::string name;
    crypto::AeadKey key;
    unsigned char *bytes;
};

struct Cache {
    std::list<Kept> by_use; // the one used last in front
    std::unordered_map<std::string, std::list<Kept>::iterator> by_name;
};
constinit Cache *cache = nullptr; // lives as long as the process
constinit std::uint64_t last_serial = 0;
constinit std::uint64_t forgotten = 0;

void forget_oldest() noexcept {
    const Kept &oldest = cache->by_use.back();
    secret_memory::give_back(oldest.bytes);
    cache->by_name.erase(oldest.name);
    cache->by_use.pop_back();
    ++forgotten;
}

} // namespace

std::uint64_t new_serial() noexcept { return ++last_serial; }

std::optional<crypto::AeadKey> find(const std::string &name) noexcept {
    if (cache == nullptr)
        return std::nullopt;
    const auto found = cache->by_name.find(name);
    if (found == cache->by_name.end())
        return std::nullopt;
    cache->by_use.splice(cache->by_use.begin(), cache->by_use, found->second);
    return found->second->key;
}

unsigned char *place() {
    if (cache == nullptr)
        cache = std::make_unique<Cache>().release();
    while (cache->by_use.size() >= most_keys)
        forget_oldest();
    unsigned char *bytes = secret_memory::take();
    if (bytes == nullptr)
        throw core::Error(core::ErrorCode::internal, "there is no memory for keys");
    return bytes;
}

crypto::AeadKey keep(std::string name, unsigned char *bytes) {
    const crypto::AeadKey key{bytes, new_serial()};
    cache->by_use.push_front(Kept{std::move(name), key, bytes});
    cache->by_name.insert_or_assign(cache->by_use.front().name, cache->by_use.begin());
    return key;
}

void drop(unsigned char *bytes) noexcept { secret_memory::give_back(bytes); }

std::size_t size() noexcept { return cache == nullptr ? 0 : cache->by_use.size(); }

std::uint64_t generation() noexcept { return forgotten; }

void clear() noexcept {
    while (size() > 0)
        forget_oldest();
}

} // namespace pg_clinic::pg::key_cache
