// The Merkle tree: against the vectors of Certificate Transparency and against the definitions of RFC 6962, read literally.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/merkle.hpp"
#include "support/sha256.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>

namespace pg_clinic::test {
namespace {

using namespace core;
using Leaves = std::vector<Digest>;

// The definitions of §2.1 to §2.1.2, as they stand there.
std::size_t split(std::size_t n) {
    std::size_t k = 1;
    while (2 * k < n)
        k *= 2;
    return k;
}

Digest mth(std::span<const Digest> d) {
    Sha256Tree hash;
    if (d.empty())
        return hash.empty();
    if (d.size() == 1)
        return d[0];
    const std::size_t k = split(d.size());
    return hash.node(mth(d.first(k)), mth(d.subspan(k)));
}

Leaves path(std::size_t m, std::span<const Digest> d) {
    if (d.size() <= 1)
        return {};
    const std::size_t k = split(d.size());
    Leaves out = m < k ? path(m, d.first(k)) : path(m - k, d.subspan(k));
    out.push_back(m < k ? mth(d.subspan(k)) : mth(d.first(k)));
    return out;
}

Leaves subproof(std::size_t m, std::span<const Digest> d, bool b) {
    if (m == d.size())
        return b ? Leaves{} : Leaves{mth(d)};
    const std::size_t k = split(d.size());
    Leaves out = m <= k ? subproof(m, d.first(k), b) : subproof(m - k, d.subspan(k), false);
    out.push_back(m <= k ? mth(d.subspan(k)) : mth(d.first(k)));
    return out;
}

// Complete subtrees as a log stores them: what add() told, and the leaves.
class Log : public NodeSource, public NodeVisitor {
  public:
    void append(const Digest &leaf) {
        nodes_[{0, frontier_.size()}] = leaf;
        frontier_.add(leaf, hash_, this);
    }
    void complete(unsigned level, std::uint64_t index, const Digest &digest) override {
        EXPECT_TRUE(nodes_.emplace(std::pair(level, index), digest).second);
    }
    Digest node(unsigned level, std::uint64_t index) override {
        ++reads;
        return nodes_.at({level, index});
    }
    const Frontier &frontier() const { return frontier_; }
    int reads = 0;

  private:
    std::map<std::pair<unsigned, std::uint64_t>, Digest> nodes_;
    Frontier frontier_;
    Sha256Tree hash_;
};

Leaves random_leaves(std::size_t count, unsigned seed) {
    std::mt19937_64 random(seed);
    Leaves out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(leaf_digest(std::to_string(random())));
    return out;
}

Log log_of(std::span<const Digest> leaves) {
    Log log;
    for (const Digest &leaf : leaves)
        log.append(leaf);
    return log;
}

// The inputs and answers of Certificate Transparency's reference tests.
Leaves vector_leaves() {
    using namespace std::string_literals;
    const std::string inputs[] = {""s,
                                  "\x00"s,
                                  "\x10"s,
                                  "\x20\x21"s,
                                  "\x30\x31"s,
                                  "\x40\x41\x42\x43"s,
                                  "\x50\x51\x52\x53\x54\x55\x56\x57"s,
                                  "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"s};
    Leaves out;
    for (const std::string &input : inputs)
        out.push_back(leaf_digest(input));
    return out;
}

constexpr const char *vector_roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

TEST(Merkle, RootsOfTheVectors) {
    const Leaves leaves = vector_leaves();
    Sha256Tree hash;
    Log log;
    EXPECT_EQ(log.frontier().root(hash), from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    for (std::size_t n = 0; n < leaves.size(); ++n) {
        log.append(leaves[n]);
        EXPECT_EQ(log.frontier().root(hash), from_hex(vector_roots[n])) << n;
        EXPECT_EQ(root_of(n + 1, log, hash), from_hex(vector_roots[n])) << n;
    }
}

TEST(Merkle, ProofsOfTheVectors) {
    const Leaves leaves = vector_leaves();
    Sha256Tree hash;
    Log log = log_of(leaves);
    const auto digests = [](std::initializer_list<const char *> texts) {
        Leaves out;
        for (const char *text : texts)
            out.push_back(from_hex(text));
        return out;
    };
    EXPECT_EQ(inclusion_proof(0, 1, log, hash), Leaves{});
    EXPECT_EQ(inclusion_proof(0, 8, log, hash),
              digests({"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                       "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                       "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
    EXPECT_EQ(inclusion_proof(5, 8, log, hash),
              digests({"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                       "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                       "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
    EXPECT_EQ(inclusion_proof(2, 3, log, hash),
              digests({"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}));
    EXPECT_EQ(inclusion_proof(1, 5, log, hash),
              digests({"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                       "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                       "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
    EXPECT_EQ(consistency_proof(1, 1, log, hash), Leaves{});
    EXPECT_EQ(consistency_proof(1, 8, log, hash),
              digests({"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                       "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                       "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
    EXPECT_EQ(consistency_proof(6, 8, log, hash),
              digests({"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                       "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                       "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
    EXPECT_EQ(consistency_proof(2, 5, log, hash),
              digests({"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                       "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
}

TEST(Merkle, EverySmallTreeIsAsTheDefinitionsSay) {
    constexpr std::size_t most = 50;
    const Leaves leaves = random_leaves(most, 1);
    const std::span<const Digest> all(leaves);
    Sha256Tree hash;
    Log log = log_of(leaves);
    for (std::size_t n = 1; n <= most; ++n) {
        const Digest root = mth(all.first(n));
        ASSERT_EQ(root_of(n, log, hash), root);
        ASSERT_EQ(Frontier(n, log).root(hash), root);
        for (std::size_t m = 0; m < n; ++m) {
            const Leaves proof = inclusion_proof(m, n, log, hash);
            ASSERT_EQ(proof, path(m, all.first(n)));
            ASSERT_EQ(root_by_inclusion(m, n, leaves[m], proof, hash), root);
        }
        for (std::size_t m = 1; m <= n; ++m) {
            const Leaves proof = consistency_proof(m, n, log, hash);
            ASSERT_EQ(proof, subproof(m, all.first(n), true));
            ASSERT_TRUE(is_consistent(m, n, mth(all.first(m)), root, proof, hash));
        }
    }
}

TEST(Merkle, WrongProofsAreRefused) {
    constexpr std::size_t n = 23;
    const Leaves leaves = random_leaves(n, 2);
    const std::span<const Digest> all(leaves);
    Sha256Tree hash;
    Log log = log_of(leaves);
    const Digest root = mth(all);
    const auto changed = [](Leaves proof, std::size_t i) {
        proof[i][i % 32] ^= 1;
        return proof;
    };
    for (std::size_t m = 0; m < n; ++m) {
        const Leaves proof = inclusion_proof(m, n, log, hash);
        for (std::size_t i = 0; i < proof.size(); ++i)
            EXPECT_NE(root_by_inclusion(m, n, leaves[m], changed(proof, i), hash), root);
        for (std::size_t other = 0; other < n; ++other) {
            const auto led_to = root_by_inclusion(other, n, leaves[m], proof, hash);
            EXPECT_TRUE(other == m || led_to != root);
        }
        EXPECT_NE(root_by_inclusion(m, n, leaves[(m + 1) % n], proof, hash), root);
        Leaves longer = proof;
        longer.push_back(root);
        EXPECT_EQ(root_by_inclusion(m, n, leaves[m], longer, hash), std::nullopt);
        EXPECT_EQ(root_by_inclusion(m, n, leaves[m], std::span(proof).first(proof.size() - 1), hash), std::nullopt);
    }
    EXPECT_EQ(root_by_inclusion(n, n, leaves[0], {}, hash), std::nullopt);
    for (std::size_t m = 1; m < n; ++m) {
        const Digest earlier = mth(all.first(m));
        const Leaves proof = consistency_proof(m, n, log, hash);
        for (std::size_t i = 0; i < proof.size(); ++i)
            EXPECT_FALSE(is_consistent(m, n, earlier, root, changed(proof, i), hash));
        EXPECT_FALSE(is_consistent(m, n, root, root, proof, hash));
        EXPECT_FALSE(is_consistent(m, n, earlier, earlier, proof, hash));
        EXPECT_FALSE(is_consistent(m, n, earlier, root, std::span(proof).first(proof.size() - 1), hash));
        Leaves longer = proof;
        longer.push_back(root);
        EXPECT_FALSE(is_consistent(m, n, earlier, root, longer, hash));
    }
    EXPECT_FALSE(is_consistent(0, n, hash.empty(), root, {}, hash));
    EXPECT_FALSE(is_consistent(n, n - 1, root, root, {}, hash));
    EXPECT_TRUE(is_consistent(n, n, root, root, {}, hash));
    EXPECT_THROW(inclusion_proof(n, n, log, hash), Error);
    EXPECT_THROW(consistency_proof(0, n, log, hash), Error);
    EXPECT_THROW(consistency_proof(n + 1, n, log, hash), Error);
}

TEST(Merkle, BatchesGoOnFromTheFrontierAlone) {
    std::mt19937_64 random(3);
    const Leaves leaves = random_leaves(3000, 4);
    Sha256Tree hash;
    Log whole = log_of(leaves);
    for (int round = 0; round < 20; ++round) {
        const std::size_t cut = random() % leaves.size();
        Frontier frontier(cut, whole);
        EXPECT_EQ(frontier.size(), cut);
        for (std::size_t i = cut; i < leaves.size(); ++i)
            frontier.add(leaves[i], hash);
        EXPECT_EQ(frontier.root(hash), mth(leaves));
    }
}

// Node (level, index) of a log too large to hold.
class Endless : public NodeSource {
  public:
    Digest node(unsigned level, std::uint64_t index) override {
        ++reads;
        return leaf_digest(std::to_string(level) + "/" + std::to_string(index));
    }
    int reads = 0;
};

TEST(Merkle, ProofsOfLargeLogsReadFewNodes) {
    Endless log;
    Sha256Tree hash;
    for (const std::uint64_t n : {std::uint64_t{100'000'000}, (std::uint64_t{1} << 40) + 12345}) {
        log.reads = 0;
        EXPECT_LE(inclusion_proof(n / 3, n, log, hash).size(), 41U);
        EXPECT_LE(log.reads, 100);
        log.reads = 0;
        EXPECT_LE(consistency_proof(n / 3, n, log, hash).size(), 42U);
        EXPECT_LE(log.reads, 100);
    }
}

} // namespace
} // namespace pg_clinic::test
