// The Merkle tree: see merkle.hpp.
#include "core/merkle.hpp"

#include "core/error.hpp"

#include <bit>

namespace pg_clinic::core {

namespace {

unsigned floor_log2(std::uint64_t number) { return static_cast<unsigned>(std::bit_width(number)) - 1; }

// The largest power of two below a number of 2 or more: how many leaves are to the left.
std::uint64_t left_leaves(std::uint64_t count) { return std::uint64_t{1} << floor_log2(count - 1); }

// Of complete subtrees, from left to right, the largest first.
Digest folded(std::span<const Digest> subtrees, TreeHash &hash) {
    Digest out = subtrees.back();
    for (std::size_t i = subtrees.size() - 1; i > 0; --i)
        out = hash.node(subtrees[i - 1], out);
    return out;
}

// The complete subtrees that leaves [begin, begin + count) are made of, begin being a multiple of the largest one.
std::vector<Digest> subtrees_of(std::uint64_t begin, std::uint64_t count, NodeSource &nodes) {
    std::vector<Digest> out;
    while (count > 0) {
        const unsigned level = floor_log2(count);
        out.push_back(nodes.node(level, begin >> level));
        begin += std::uint64_t{1} << level;
        count -= std::uint64_t{1} << level;
    }
    return out;
}

// MTH of leaves [begin, begin + count), a subtree of the tree.
Digest subtree(std::uint64_t begin, std::uint64_t count, NodeSource &nodes, TreeHash &hash) {
    return folded(subtrees_of(begin, count, nodes), hash);
}

void require(bool good, const char *message) {
    if (!good)
        throw Error(ErrorCode::invalid_parameter, message);
}

} // namespace

Frontier::Frontier(std::uint64_t size, NodeSource &nodes) : size_(size), subtrees_(subtrees_of(0, size, nodes)) {}

void Frontier::add(const Digest &leaf, TreeHash &hash, NodeVisitor *visitor) {
    Digest carried = leaf;
    unsigned level = 0;
    for (std::uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
        carried = hash.node(subtrees_.back(), carried);
        subtrees_.pop_back();
        ++level;
        if (visitor != nullptr)
            visitor->complete(level, rest >> 1, carried);
    }
    subtrees_.push_back(carried);
    ++size_;
}

Digest Frontier::root(TreeHash &hash) const { return size_ == 0 ? hash.empty() : folded(subtrees_, hash); }

Digest root_of(std::uint64_t size, NodeSource &nodes, TreeHash &hash) {
    return size == 0 ? hash.empty() : subtree(0, size, nodes, hash);
}

std::vector<Digest> inclusion_proof(std::uint64_t index, std::uint64_t size, NodeSource &nodes, TreeHash &hash) {
    require(index < size, "the position must lie within the tree");
    // From the root down; the path is told from the leaf up.
    std::vector<Digest> path;
    std::uint64_t begin = 0, count = size;
    while (count > 1) {
        const std::uint64_t left = left_leaves(count);
        if (index < begin + left) {
            path.push_back(subtree(begin + left, count - left, nodes, hash));
            count = left;
        } else {
            path.push_back(subtree(begin, left, nodes, hash));
            begin += left;
            count -= left;
        }
    }
    return {path.rbegin(), path.rend()};
}

std::vector<Digest> consistency_proof(std::uint64_t from, std::uint64_t to, NodeSource &nodes, TreeHash &hash) {
    require(from >= 1 && from <= to, "the earlier size must be at least 1, and at most the later size");
    std::vector<Digest> path;
    std::uint64_t begin = 0, count = to;
    bool whole = true; // whether what is left of the earlier tree is that tree itself, whose root is known
    while (from - begin < count) {
        const std::uint64_t left = left_leaves(count);
        if (from - begin <= left) {
            path.push_back(subtree(begin + left, count - left, nodes, hash));
            count = left;
        } else {
            path.push_back(subtree(begin, left, nodes, hash));
            begin += left;
            count -= left;
            whole = false;
        }
    }
    if (!whole)
        path.push_back(subtree(begin, count, nodes, hash));
    return {path.rbegin(), path.rend()};
}

std::optional<Digest> root_by_inclusion(std::uint64_t index, std::uint64_t size, const Digest &leaf,
                                        std::span<const Digest> proof, TreeHash &hash) {
    if (index >= size)
        return std::nullopt;
    std::uint64_t node = index, last = size - 1;
    Digest root = leaf;
    for (const Digest &sibling : proof) {
        if (last == 0)
            return std::nullopt;
        if ((node & 1) != 0 || node == last) {
            root = hash.node(sibling, root);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            root = hash.node(root, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 ? std::optional(root) : std::nullopt;
}

bool is_consistent(std::uint64_t from, std::uint64_t to, const Digest &root_from, const Digest &root_to,
                   std::span<const Digest> proof, TreeHash &hash) {
    if (from == 0 || from > to)
        return false;
    if (from == to)
        return proof.empty() && root_from == root_to;
    std::size_t next = 0;
    Digest begin = root_from;
    if (!std::has_single_bit(from)) {
        if (proof.empty())
            return false;
        begin = proof[next++];
    }
    std::uint64_t node = from - 1, last = to - 1;
    while ((node & 1) != 0) {
        node >>= 1;
        last >>= 1;
    }
    Digest earlier = begin, later = begin;
    for (; next < proof.size(); ++next) {
        const Digest &sibling = proof[next];
        if (last == 0)
            return false;
        if ((node & 1) != 0 || node == last) {
            earlier = hash.node(sibling, earlier);
            later = hash.node(sibling, later);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            later = hash.node(later, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && earlier == root_from && later == root_to;
}

} // namespace pg_clinic::core
