// The Merkle tree of RFC 6962 and RFC 9162: a log that is only appended to, its root, and proofs about it.
//
// A tree of n leaves is made of complete subtrees: node (level, index) is over the leaves [index * 2^level, (index + 1) * 2^level).
// Appending needs the frontier alone: the complete subtrees that n is the sum of. Proofs need single nodes, which a NodeSource
// hands over: O(log n) of them. The hash function is the caller's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace pg_clinic::core {

using Digest = std::array<std::uint8_t, 32>;

// SHA-256, as the tree uses it.
class TreeHash {
  public:
    virtual ~TreeHash() = default;
    virtual Digest empty() = 0;                                       // of nothing
    virtual Digest node(const Digest &left, const Digest &right) = 0; // of 0x01, left, right
};

// Complete subtrees of a log.
class NodeSource {
  public:
    virtual ~NodeSource() = default;
    virtual Digest node(unsigned level, std::uint64_t index) = 0;
};

// What is told of each complete subtree of level 1 and higher when its last leaf arrives, the lower ones first.
class NodeVisitor {
  public:
    virtual ~NodeVisitor() = default;
    virtual void complete(unsigned level, std::uint64_t index, const Digest &digest) = 0;
};

// A log's right edge. Adding a leaf hashes once on the average.
class Frontier {
  public:
    Frontier() = default;

    // The frontier of a log of that size.
    Frontier(std::uint64_t size, NodeSource &nodes);

    std::uint64_t size() const noexcept { return size_; }
    void add(const Digest &leaf, TreeHash &hash, NodeVisitor *visitor = nullptr);
    Digest root(TreeHash &hash) const;

  private:
    std::uint64_t size_ = 0;
    std::vector<Digest> subtrees_; // from left to right, the largest first
};

// The root of the first `size` leaves.
Digest root_of(std::uint64_t size, NodeSource &nodes, TreeHash &hash);

// The audit path of a leaf in the tree of the first `size` leaves (RFC 6962 §2.1.1). Throws Error (invalid_parameter) unless
// index < size.
std::vector<Digest> inclusion_proof(std::uint64_t index, std::uint64_t size, NodeSource &nodes, TreeHash &hash);

// That the tree of `to` leaves begins with the tree of `from` leaves (§2.1.2). Throws Error (invalid_parameter) unless
// 1 <= from <= to.
std::vector<Digest> consistency_proof(std::uint64_t from, std::uint64_t to, NodeSource &nodes, TreeHash &hash);

// The root that an audit path leads to (RFC 9162 §2.1.3.2); nothing for a path of another length.
std::optional<Digest> root_by_inclusion(std::uint64_t index, std::uint64_t size, const Digest &leaf,
                                        std::span<const Digest> proof, TreeHash &hash);

// Whether the proof shows that the log of root_from became the log of root_to (RFC 9162 §2.1.4.2).
bool is_consistent(std::uint64_t from, std::uint64_t to, const Digest &root_from, const Digest &root_to,
                   std::span<const Digest> proof, TreeHash &hash);

} // namespace pg_clinic::core
