// The purges of a sealed log, and whether verification believes them.
//
// A purge is believed about a record that is gone when all of this holds. What is left of the record has the leaf that was sealed, and
// so proves class and time. The purge is of that class, and of a time at which the record was old enough under the period that the
// audit itself tells of, twelve months at least. A head that counts as evidence of time was sealed that long before the purge too, and
// has the record's position. The purge's own record is sealed, not dated after its seal, and tells of just these leaves.
#pragma once

#include "pg/seal_crypto.hpp"
#include "pg/seal_log.hpp"

#include <unordered_map>

namespace pg_clinic::pg {

// What is wrong with a log, and where: in [first, until), when the place is known.
struct LogProblem {
    std::string kind;
    std::optional<std::uint64_t> first = std::nullopt;
    std::optional<std::uint64_t> until = std::nullopt;
    std::optional<Uuid> audit_id = std::nullopt;
    std::string detail = {};
};

// When a log had which size, by its heads; in ascending order of both.
struct SizeAt {
    core::Instant sealed_at;
    std::uint64_t size;
};

// A transaction that set a period had begun before the purge, and ended after it: no longer after than this.
inline constexpr core::Duration longest_transaction{24LL * 60 * 60 * 1'000'000};

// Clocks of servers that hand over to each other may differ by so much.
inline constexpr core::Duration clock_tolerance{5LL * 60 * 1'000'000};

class LogPurges {
  public:
    // evidence: of the heads that prove when they were sealed.
    LogPurges(Spi &spi, const Uuid &tenant, const std::vector<SizeAt> &evidence);

    // Reads what is left of records that are gone; forgets what it has read before.
    void read(const std::vector<Uuid> &gone);

    // What stood at the position of a record that was read and may be gone; else what is wrong.
    struct Taken {
        std::optional<SealOrder> order = std::nullopt;
        std::optional<LogProblem> problem = std::nullopt;
    };
    Taken take(std::uint64_t position, const Uuid &audit_id, const core::Digest &leaf);

    // A record that has the leaf sealed at its position: it may tell of a purge, or of how long a class is kept.
    void met(std::uint64_t position, const Uuid &audit_id);

    // Once all positions have been looked at: what is wrong with the purges as a whole, and that one waits for its seal. heads: all.
    std::optional<LogProblem> check_end(const std::vector<SizeAt> &heads) const;
    std::optional<LogProblem> check_waiting() const;

    std::uint64_t taken() const { return taken_; }

  private:
    struct Purge {
        Uuid audit_id; // of the record that tells of it
        std::string of_class;
        std::int64_t told_of; // how many records it explains
        std::int64_t left;    // how many of them are still to come
        std::string told;     // the digest of their leaves
        std::int32_t keep_months;
        std::int32_t default_months; // how long the class is kept where nobody said anything
        core::Instant recorded_at;
        core::Instant before;                                 // what it may have taken was recorded before
        std::uint64_t aged_size;                              // and has a smaller position
        std::optional<std::uint64_t> position = std::nullopt; // of its own record
        std::optional<crypto::RunningSha256> found = std::nullopt;
    };
    struct Stub {
        Purge *purge;
        Xid8 transaction_id;
        core::Instant recorded_at;
        std::string audit_class;
        core::Digest leaf;
    };
    struct Period { // that somebody gave a class
        std::string of_class;
        core::Instant recorded_at;
        std::optional<std::int32_t> keep_months; // null: none any more
        std::optional<std::uint64_t> position = std::nullopt;
    };

    void read_purges(const std::vector<SizeAt> &evidence);
    void read_periods();
    std::int32_t months_at(const Purge &purge) const;

    Spi &spi_;
    Uuid tenant_;
    std::uint64_t taken_ = 0;
    std::unordered_map<Uuid, Purge> purges_; // by their ids
    std::vector<Period> periods_;            // in the order they were set
    std::unordered_map<Uuid, Purge *> purges_told_;
    std::unordered_map<Uuid, std::size_t> periods_told_;
    std::unordered_map<Uuid, Stub> stubs_; // of what was read last
};

} // namespace pg_clinic::pg
