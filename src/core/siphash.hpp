// SipHash-2-4: a keyed hash of 64 bits. Without the key nobody can make two texts of one hash, or choose one.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

namespace pg_clinic::core {

// 128 secret bits.
struct SipKey {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

namespace sip_detail {

struct State {
    std::uint64_t v0, v1, v2, v3;

    constexpr void round() noexcept {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }

    constexpr void take(std::uint64_t word) noexcept {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }
};

// Up to eight bytes as a little-endian number.
constexpr std::uint64_t word_of(std::string_view bytes) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
        word = word << 8 | static_cast<unsigned char>(bytes[i]);
    return word;
}

} // namespace sip_detail

constexpr std::uint64_t siphash(const SipKey &key, std::string_view text) noexcept {
    sip_detail::State s{key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d, key.low ^ 0x6c7967656e657261,
                        key.high ^ 0x7465646279746573};
    const std::uint64_t length = text.size();
    for (; text.size() >= 8; text.remove_prefix(8))
        s.take(sip_detail::word_of(text.substr(0, 8)));
    s.take(sip_detail::word_of(text) | length << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i)
        s.round();
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

} // namespace pg_clinic::core
