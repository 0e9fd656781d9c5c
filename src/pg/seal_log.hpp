// The sealed log of a tenant as its tables hold it: leaves in order, nodes of the tree, where a record stands, what a head says.
//
// Reads clinic_data.audit_leaves and audit_nodes by SQL, held to the row security of the caller: definer functions of clinic_owner,
// with the tenant as the context's.
#pragma once

#include "core/merkle.hpp"
#include "pg/spi.hpp"

#include <compare>

namespace pg_clinic::pg {

// The id of a transaction, epoch included.
struct Xid8 {
    std::uint64_t value = 0;
    auto operator<=>(const Xid8 &) const = default;
};

template <> struct Sql<Xid8> {
    static constexpr Oid type = XID8OID;
    static Xid8 from(Datum value) { return {static_cast<std::uint64_t>(value)}; }
    static Datum to(Xid8 value) { return static_cast<Datum>(value.value); }
};

// A bytea that is only looked at.
struct BytesView {
    std::string_view bytes;
};

template <> struct Sql<BytesView> {
    static constexpr Oid type = BYTEAOID;
    static BytesView from(Datum value) { return {text_view(value)}; }
    static Datum to(BytesView value) { return text_datum(value.bytes); }
};

// What positions are ordered by, within a run.
struct SealOrder {
    Xid8 transaction_id;
    Uuid audit_id;
    auto operator<=>(const SealOrder &) const = default;
};

inline constexpr unsigned least_stored_level = 8; // of audit_nodes
inline constexpr std::size_t id_bytes = 16, digest_bytes = 32;

core::Digest digest_of(std::string_view bytes); // zeros for anything but 32 bytes
std::string bytes_of(const core::Digest &digest);

// The leaf hashes at [begin, end), or up to the first that is missing.
std::vector<core::Digest> sealed_leaves(Spi &spi, View view, const Uuid &tenant, std::uint64_t begin,
                                        std::uint64_t end);

// Complete subtrees of a log. What is missing raises data_corrupted.
class LogNodes final : public core::NodeSource {
  public:
    LogNodes(Spi &spi, View view, const Uuid &tenant, core::TreeHash &hash)
        : spi_(spi), view_(view), tenant_(tenant), hash_(hash) {}
    core::Digest node(unsigned level, std::uint64_t index) override;

  private:
    Spi &spi_;
    View view_;
    Uuid tenant_;
    core::TreeHash &hash_;
    std::optional<std::uint64_t> block_ = std::nullopt; // of 2^least_stored_level leaves, the one that leaves_ are of
    std::vector<core::Digest> leaves_;
};

// Finds records in the runs of a log. Asked in ascending order, it reads each row once.
class SealedPositions {
  public:
    // Looks into the runs 1 to last_run.
    SealedPositions(Spi &spi, View view, const Uuid &tenant, std::int32_t last_run);

    std::optional<std::uint64_t> find(const SealOrder &record);

  private:
    struct Stretch { // keys from `first` up to, but not including, `next`: in one row, or in none
        bool known = false;
        std::optional<SealOrder> first = std::nullopt;
        std::optional<SealOrder> next = std::nullopt;
        std::uint64_t first_position = 0;
        std::string audit_ids = {};
    };
    void load(Stretch &stretch, std::int32_t run, const SealOrder &record);

    Spi &spi_;
    View view_;
    Uuid tenant_;
    std::vector<Stretch> runs_;
};

// The last run of a log; 0 without one.
std::int32_t last_run(Spi &spi, View view, const Uuid &tenant);

// A head as text, which is what is signed: a checkpoint in the form of c2sp.org/tlog-checkpoint.
struct SealHead {
    Uuid tenant_id;
    std::uint64_t tree_size = 0;
    core::Digest root_hash = {};
    core::Instant sealed_at = {};
};

std::string head_text(const SealHead &head);

[[noreturn]] void log_is_corrupt(const Uuid &tenant, const std::string &what);

} // namespace pg_clinic::pg
