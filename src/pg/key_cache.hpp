// Keys that this backend has unwrapped, in secret memory: unwrapping takes longer than using one.
//
// A key is found by all it was unwrapped from: what wraps it, whose it is, its number and its wrapped bytes. So a key whose
// row was deleted, or wrapped anew, is asked for by nobody.
#pragma once

#include "pg/aead.hpp"

#include <optional>
#include <string>

namespace pg_clinic::pg::key_cache {

// How many keys are kept; then the one that was not used for longest goes.
inline constexpr std::size_t most_keys = 512;

std::optional<crypto::AeadKey> find(const std::string &name) noexcept;

// Where the bytes of a new key are to be written; it counts from keep() on.
unsigned char *place();
crypto::AeadKey keep(std::string name, unsigned char *bytes);
void drop(unsigned char *bytes) noexcept; // a place that was not filled

// A number that no other key of this process has.
std::uint64_t new_serial() noexcept;

std::size_t size() noexcept;

// Changes whenever a key is forgotten: until then, keys stay where they are.
std::uint64_t generation() noexcept;

// Forgets and wipes them all.
void clear() noexcept;

} // namespace pg_clinic::pg::key_cache
