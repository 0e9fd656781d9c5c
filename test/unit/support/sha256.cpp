// SHA-256 for tests: see sha256.hpp.
#include "support/sha256.hpp"

#include <bit>
#include <cmath>
#include <string>
#include <vector>

namespace pg_clinic::test {

namespace {

std::vector<std::uint32_t> primes(std::size_t count) {
    std::vector<std::uint32_t> out;
    for (std::uint32_t n = 2; out.size() < count; ++n) {
        bool prime = true;
        for (const std::uint32_t p : out)
            prime = prime && n % p != 0;
        if (prime)
            out.push_back(n);
    }
    return out;
}

// The first 32 bits of the fractional part.
std::uint32_t fraction(long double value) {
    return static_cast<std::uint32_t>((value - std::floor(value)) * 4294967296.0L);
}

struct Constants {
    std::array<std::uint32_t, 8> h{};
    std::array<std::uint32_t, 64> k{};
    Constants() {
        const std::vector<std::uint32_t> p = primes(64);
        for (std::size_t i = 0; i < 64; ++i)
            k[i] = fraction(std::cbrt(static_cast<long double>(p[i])));
        for (std::size_t i = 0; i < 8; ++i)
            h[i] = fraction(std::sqrt(static_cast<long double>(p[i])));
    }
};

} // namespace

core::Digest sha256(std::string_view bytes) {
    static const Constants constants;
    const std::array<std::uint32_t, 64> &k = constants.k;
    std::array<std::uint32_t, 8> h = constants.h;

    std::string text(bytes);
    text += '\x80';
    while (text.size() % 64 != 56)
        text += '\0';
    const std::uint64_t bits = 8 * static_cast<std::uint64_t>(bytes.size());
    for (int shift = 56; shift >= 0; shift -= 8)
        text += static_cast<char>(bits >> shift);

    for (std::size_t block = 0; block < text.size(); block += 64) {
        std::array<std::uint32_t, 64> w{};
        for (std::size_t i = 0; i < 16; ++i)
            for (std::size_t j = 0; j < 4; ++j)
                w[i] = w[i] << 8 | static_cast<std::uint8_t>(text[block + 4 * i + j]);
        for (std::size_t i = 16; i < 64; ++i) {
            const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
            const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
            w[i] = w[i - 16] + s0 + w[i - 7] + s1;
        }
        auto [a, b, c, d, e, f, g, hh] = h;
        for (std::size_t i = 0; i < 64; ++i) {
            const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
            const std::uint32_t t1 = hh + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i];
            const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
            const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
            hh = g;
            g = f;
            f = e;
            e = d + t1;
            d = c;
            c = b;
            b = a;
            a = t1 + t2;
        }
        const std::array<std::uint32_t, 8> sum{a, b, c, d, e, f, g, hh};
        for (std::size_t i = 0; i < 8; ++i)
            h[i] += sum[i];
    }
    core::Digest out{};
    for (std::size_t i = 0; i < 32; ++i)
        out[i] = static_cast<std::uint8_t>(h[i / 4] >> (24 - 8 * (i % 4)));
    return out;
}

core::Digest Sha256Tree::empty() { return sha256({}); }

core::Digest Sha256Tree::node(const core::Digest &left, const core::Digest &right) {
    std::string text(1, '\x01');
    text.append(reinterpret_cast<const char *>(left.data()), left.size());
    text.append(reinterpret_cast<const char *>(right.data()), right.size());
    return sha256(text);
}

core::Digest leaf_digest(std::string_view entry) { return sha256(std::string(1, '\0').append(entry)); }

core::Digest from_hex(std::string_view hex) {
    core::Digest out{};
    for (std::size_t i = 0; i < 32; ++i)
        out[i] = static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(2 * i, 2)), nullptr, 16));
    return out;
}

} // namespace pg_clinic::test
