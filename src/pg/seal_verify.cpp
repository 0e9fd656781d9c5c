// Verifying the sealed log of a tenant: every record against its leaf, the tree against every head, heads against their
// signatures, and all of it against heads that were kept elsewhere. Reads the log once, in order, and stops at the first bad position.
#include "core/audit_leaf.hpp"
#include "pg/crypto.hpp"
#include "pg/result.hpp"
#include "pg/seal_crypto.hpp"
#include "pg/seal_log.hpp"
#include "pg/seal_purges.hpp"

extern "C" {
#include "access/transam.h"
#include "access/xlog.h"
}

namespace pg_clinic::pg {

namespace {

constinit KeptPlan heads_plan{
    "SELECT h.tree_size, h.root_hash, h.sealed_at, h.signature, k.public_key FROM clinic_data.audit_heads AS h"
    " LEFT JOIN clinic_data.audit_seal_keys AS k ON k.tenant_id = h.tenant_id AND k.key_id = h.key_id"
    " WHERE h.tenant_id = $1 ORDER BY h.tree_size"};
constinit KeptPlan leaves_plan{
    "SELECT l.first_position, l.run_no, l.audit_ids, l.leaf_hashes FROM clinic_data.audit_leaves AS l"
    " WHERE l.tenant_id = $1 ORDER BY l.first_position"};
constinit KeptPlan node_plan{
    "SELECT n.hash FROM clinic_data.audit_nodes AS n WHERE n.tenant_id = $1 AND n.level = $2 AND n.node_no = $3"};
constinit KeptPlan records_plan{
    "SELECT r.audit_id, r.transaction_id, r.recorded_at, r.class, r.action, r.table_name, r.row_id, r.patient_id, "
    "r.user_id, r.actor,"
    " r.login, r.session_id, r.purpose, r.reason, r.request_id, r.client_address, r.peer_address, r.user_agent, "
    "r.application_name,"
    " r.before::text, r.after::text, r.row_ids, r.row_count, r.statement_id, r.salt, r.leaf_hash"
    " FROM clinic_data.audit_records AS r WHERE r.tenant_id = $1 AND r.audit_id = ANY ($2)"};
constinit KeptPlan count_plan{"SELECT count(*) FROM clinic_data.audit_records AS r WHERE r.tenant_id = $1"};
constinit KeptPlan state_plan{"SELECT g.system_identifier, g.after_transaction_id, g.after_audit_id, "
                              "g.pass_transaction_id FROM clinic_data.audit_logs AS g"
                              " WHERE g.tenant_id = $1"};
constinit KeptPlan after_plan{
    "SELECT r.transaction_id, r.audit_id, r.recorded_at FROM clinic_data.audit_records AS r WHERE r.tenant_id = $1"
    " AND (r.transaction_id, r.audit_id) > ($2, $3) ORDER BY r.transaction_id, r.audit_id"};

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

struct Checkpoint {
    std::uint64_t size;
    core::Digest root;
    core::Instant sealed_at; // instant_max: not known
    bool given;              // kept elsewhere
    bool is_evidence;        // of when it was sealed
    bool bad_signature = false;
};

// What a record says.
struct Found {
    core::Digest computed; // its leaf
    core::Digest stored;   // what it says its leaf is
    Xid8 transaction_id;
};

Found found_in(const Row &row, const Uuid &tenant, const Uuid &audit_id) {
    const auto text = [&row](int column) { return row.optional<std::string_view>(column); };
    const auto row_ids = row.optional<std::vector<Uuid>>(21);
    core::AuditLeaf leaf{.tenant_id = tenant,
                         .audit_id = audit_id,
                         .transaction_id = row.get<Xid8>(1).value,
                         .recorded_at = row.get<core::Instant>(2),
                         .audit_class = row.get<std::string_view>(3),
                         .action = row.get<std::string_view>(4),
                         .table_name = text(5),
                         .row_id = text(6),
                         .patient_id = row.optional<Uuid>(7),
                         .user_id = row.optional<Uuid>(8),
                         .actor = text(9),
                         .login = row.get<std::string_view>(10),
                         .session_id = row.optional<Uuid>(11),
                         .purpose = text(12),
                         .reason = text(13),
                         .request_id = text(14),
                         .client_address = text(15),
                         .peer_address = text(16),
                         .user_agent = text(17),
                         .application_name = text(18),
                         .before = text(19),
                         .after = text(20),
                         .row_count = row.optional<std::int64_t>(22),
                         .statement_id = row.optional<std::int64_t>(23),
                         .salt = row.get<BytesView>(24).bytes};
    if (row_ids)
        leaf.row_ids = std::span<const core::Id>(*row_ids);
    return {digest_of(core::leaf_hash(leaf, &crypto::sha256)),
            digest_of(row.get<BytesView>(25).bytes),
            {leaf.transaction_id}};
}

class Verifier final : public core::NodeVisitor {
  public:
    Verifier(Spi &spi, const Uuid &tenant, std::vector<Checkpoint> given)
        : spi_(spi), tenant_(tenant), heads_(std::move(given)) {
        row_memory_ =
            pg_call([] { return AllocSetContextCreate(CurrentMemoryContext, "rows", ALLOCSET_DEFAULT_SIZES); });
    }

    void verify();
    void complete(unsigned level, std::uint64_t index, const core::Digest &digest) override;

    std::optional<LogProblem> problem;
    std::uint64_t tree_size = 0, records = 0, purged = 0, unsealed = 0, unsigned_heads = 0;
    std::optional<core::Instant> unsealed_since;

  private:
    void read_heads();
    void check_times();
    std::vector<SizeAt> times(bool of_all) const;
    void check_row(const Row &row);
    void check_leaf(std::uint64_t position, std::int32_t run, const Uuid &id, const core::Digest &leaf,
                    std::string_view leaves);
    void check_order(std::uint64_t position, std::int32_t run, const SealOrder &record);
    void check_heads();
    void check_end();
    void check_unsealed();
    void report(LogProblem found) {
        if (!problem)
            problem = std::move(found);
    }

    Spi &spi_;
    Uuid tenant_;
    MemoryContext row_memory_;
    crypto::Sha256 hash_;
    std::vector<Checkpoint> heads_; // in ascending order of size
    std::size_t next_head_ = 0;
    std::uint64_t last_good_ = 0; // size of the last head that held
    std::optional<LogPurges> purges_;
    core::Frontier frontier_;
    std::unordered_map<Uuid, Found> found_;                          // the records of the present row of leaves
    std::optional<std::pair<std::uint64_t, std::uint64_t>> suspect_; // leaves whose stored node differs
    std::int32_t run_ = 0;
    std::optional<SealOrder> previous_, before_previous_;
};

void Verifier::verify() {
    read_heads();
    purges_.emplace(spi_, tenant_, times(false));
    check_heads();
    spi_.each(
        leaves_plan, {.view = View::active},
        [this](const Row &row) {
            MemoryContext caller = MemoryContextSwitchTo(row_memory_);
            check_row(row);
            MemoryContextSwitchTo(caller);
            MemoryContextReset(row_memory_);
            return !problem;
        },
        tenant_);
    tree_size = frontier_.size();
    purged = purges_->taken();
    if (!problem)
        check_end();
    if (!problem)
        check_unsealed();
    if (auto waiting = purges_->check_waiting())
        report(std::move(*waiting));
}

void Verifier::read_heads() {
    const Rows rows = spi_.query_with(heads_plan, {.view = View::active}, tenant_);
    for (const Row row : rows) {
        const auto signature = row.optional<Bytes>(3), key = row.optional<Bytes>(4);
        Checkpoint head{static_cast<std::uint64_t>(row.get<std::int64_t>(0)), digest_of(row.get<BytesView>(1).bytes),
                        row.get<core::Instant>(2), false, signature.has_value()};
        if (!signature)
            ++unsigned_heads;
        else
            head.bad_signature =
                !key || !crypto::seal_verifies(key->bytes,
                                               head_text({tenant_, head.size, head.root, row.get<core::Instant>(2)}),
                                               signature->bytes);
        heads_.push_back(head);
    }
    std::sort(heads_.begin(), heads_.end(), [](const Checkpoint &a, const Checkpoint &b) {
        return std::pair(a.size, a.sealed_at) < std::pair(b.size, b.sealed_at);
    });
}

// A log does not grow backwards in time: a head that was made older stands out beside one that was kept.
void Verifier::check_times() {
    const Checkpoint *before = nullptr;
    for (const Checkpoint &head : heads_) {
        if (head.sealed_at == core::instant_max)
            continue;
        if (before != nullptr && head.sealed_at < before->sealed_at)
            return report({"backdated", before->size, head.size, std::nullopt,
                           "the head of " + std::to_string(head.size) + " records is dated before that of " +
                               std::to_string(before->size)});
        before = &head;
    }
}

std::vector<SizeAt> Verifier::times(bool of_all) const {
    std::vector<SizeAt> out;
    for (const Checkpoint &head : heads_)
        if ((of_all || (head.is_evidence && !head.bad_signature)) && head.sealed_at != core::instant_max)
            out.push_back({head.sealed_at, head.size});
    return out;
}

void Verifier::check_row(const Row &row) {
    const auto first = static_cast<std::uint64_t>(row.get<std::int64_t>(0));
    const std::uint64_t expected = frontier_.size();
    if (first > expected)
        return report({"missing", expected, first, std::nullopt, "the leaves of these positions are gone"});
    if (first < expected)
        return report({"inserted", first, expected, std::nullopt, "there are two leaves for one position"});
    const std::string_view ids = row.get<BytesView>(2).bytes, leaves = row.get<BytesView>(3).bytes;
    if (ids.size() % id_bytes != 0 || ids.size() / id_bytes * digest_bytes != leaves.size())
        return report({"changed", first, first + 1, std::nullopt, "the row of leaves is malformed"});

    std::vector<Uuid> wanted(ids.size() / id_bytes);
    for (std::size_t i = 0; i < wanted.size(); ++i)
        std::memcpy(wanted[i].bytes.data(), ids.data() + i * id_bytes, id_bytes);
    found_.clear();
    {
        const Rows records_read = spi_.query_with(records_plan, {.view = View::active}, tenant_, wanted);
        for (const Row record : records_read) {
            const auto id = record.get<Uuid>(0);
            if (!found_.emplace(id, found_in(record, tenant_, id)).second)
                return report({"inserted", std::nullopt, std::nullopt, id, "there are two records of this id"});
        }
    }
    std::vector<Uuid> gone;
    for (const Uuid &id : wanted)
        if (!found_.contains(id))
            gone.push_back(id);
    purges_->read(gone);
    for (std::size_t i = 0; i < wanted.size() && !problem; ++i)
        check_leaf(first + i, row.get<std::int32_t>(1), wanted[i],
                   digest_of(leaves.substr(i * digest_bytes, digest_bytes)), leaves);
}

void Verifier::check_leaf(std::uint64_t position, std::int32_t run, const Uuid &id, const core::Digest &leaf,
                          std::string_view leaves) {
    const auto at = found_.find(id);
    if (at != found_.end()) {
        ++records;
        const Found &record = at->second;
        if (record.computed != leaf) {
            const auto is_another = [&](const core::Digest &digest) {
                for (std::size_t i = 0; i < leaves.size(); i += digest_bytes)
                    if (digest == digest_of(leaves.substr(i, digest_bytes)))
                        return digest != leaf;
                return false;
            };
            const bool swapped = is_another(record.computed) || is_another(record.stored);
            return report({swapped ? "swapped" : "changed", position, position + 1, id,
                           swapped ? "the record is the one sealed at another position"
                                   : "the record does not have the leaf that was sealed"});
        }
        check_order(position, run, {record.transaction_id, id});
        purges_->met(position, id);
    } else {
        auto [order, wrong] = purges_->take(position, id, leaf);
        if (wrong)
            return report(std::move(*wrong));
        check_order(position, run, *order);
    }
    if (problem)
        return;
    frontier_.add(leaf, hash_, this);
    check_heads();
}

void Verifier::check_order(std::uint64_t position, std::int32_t run, const SealOrder &record) {
    if (run != run_) {
        if (run < run_)
            return report({"swapped", position, position + 1, record.audit_id, "the runs are not in their order"});
        run_ = run;
        previous_ = before_previous_ = std::nullopt;
    }
    if (previous_ && record <= *previous_) {
        // Either the one before stands too early, or this one too late.
        const bool earlier = !before_previous_ || record > *before_previous_;
        const std::uint64_t at = earlier ? position - 1 : position;
        return report({"swapped", at, at + 1, earlier ? previous_->audit_id : record.audit_id,
                       "the records are not in the order they were sealed in"});
    }
    before_previous_ = std::exchange(previous_, record);
}

void Verifier::complete(unsigned level, std::uint64_t index, const core::Digest &digest) {
    if (level < least_stored_level || suspect_)
        return;
    const Rows rows =
        spi_.query_with(node_plan, {.view = View::active}, tenant_, static_cast<std::int32_t>(level), number(index));
    if (rows.empty() || digest_of(rows[0].get<BytesView>(0).bytes) != digest)
        suspect_ = {index << level, (index + 1) << level};
}

// The heads that the log has reached.
void Verifier::check_heads() {
    for (; !problem && next_head_ < heads_.size() && heads_[next_head_].size == frontier_.size(); ++next_head_) {
        const Checkpoint &head = heads_[next_head_];
        const std::string name =
            (head.given ? "the head given, of " : "the head of ") + std::to_string(head.size) + " records";
        if (head.bad_signature)
            return report(
                {"bad_signature", last_good_, head.size, std::nullopt, name + ", is not signed by the key it names"});
        if (frontier_.root(hash_) != head.root) {
            const auto [first, until] = suspect_.value_or(std::pair(last_good_, head.size));
            return report({"rewritten", std::max(first, last_good_), std::min(until, head.size), std::nullopt,
                           name + ", has another root"});
        }
        if (suspect_ && suspect_->second <= head.size)
            return report({"changed", suspect_->first, suspect_->second, std::nullopt,
                           "a stored hash of the tree over these positions"});
        last_good_ = head.size;
    }
}

void Verifier::check_end() {
    if (next_head_ < heads_.size())
        return report({"truncated", tree_size, heads_.back().size, std::nullopt,
                       "the log ends before the head" + std::string(heads_[next_head_].given ? " given" : "") + " of " +
                           std::to_string(heads_[next_head_].size) + " records"});
    if (last_good_ < tree_size)
        report({"inserted", last_good_, tree_size, std::nullopt, "no head tells of these positions"});
    check_times();
    if (auto wrong = purges_->check_end(times(true)))
        report(std::move(*wrong));
}

// Records without a position: those still to be sealed, and those that should have been.
void Verifier::check_unsealed() {
    SealOrder after;
    bool passing = true;
    {
        const Rows rows = spi_.query_with(state_plan, {.view = View::active}, tenant_);
        if (!rows.empty()) {
            passing = rows[0].get<std::string>(0) != std::to_string(GetSystemIdentifier()) || !rows[0].is_null(3);
            after = {rows[0].get<Xid8>(1), rows[0].get<Uuid>(2)};
        }
    }
    std::uint64_t total = 0;
    {
        const Rows rows = spi_.query_with(count_plan, {.view = View::active}, tenant_);
        total = static_cast<std::uint64_t>(rows[0].get<std::int64_t>(0));
    }
    const std::uint64_t next_transaction =
        pg_call([] { return U64FromFullTransactionId(ReadNextFullTransactionId()); });
    const core::Instant latest = core::Instant{pg_call([] { return GetCurrentTimestamp(); })} + clock_tolerance;
    const auto look = [&](const SealOrder &from, std::uint64_t most) {
        SealedPositions positions(spi_, View::active, tenant_, last_run(spi_, View::active, tenant_));
        unsealed = 0;
        unsealed_since = std::nullopt;
        spi_.each(
            after_plan, {.view = View::active},
            [&](const Row &row) {
                const SealOrder record{row.get<Xid8>(0), row.get<Uuid>(1)};
                if (positions.find(record))
                    return true;
                if (!passing && record <= after) {
                    report({"inserted", std::nullopt, std::nullopt, record.audit_id,
                            "the record was never sealed, and its transaction was"});
                    return false;
                }
                const auto at = row.get<core::Instant>(2);
                // Such a one would wait for its seal for ever, and nobody would miss it.
                const bool is_ahead = !passing && record.transaction_id.value >= next_transaction;
                if (is_ahead || at > latest) {
                    report({"inserted", std::nullopt, std::nullopt, record.audit_id,
                            is_ahead ? "the record is of a transaction that has not begun yet"
                                     : "the record is dated in the future"});
                    return false;
                }
                unsealed_since = std::min(unsealed_since.value_or(at), at);
                return ++unsealed < most;
            },
            tenant_, from.transaction_id, from.audit_id);
    };
    const std::uint64_t without = total - std::min(total, records);
    if (without == 0)
        return;
    if (!passing) {
        look(after, without);
        if (unsealed == without)
            return;
    }
    look({}, without);
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;
namespace core = pg_clinic::core;

// clinic_private.verify_log(tenant_id uuid, tree_sizes bigint[], root_hashes bytea[], sealed_at timestamptz[])
CLINIC_FUNCTION(clinic_verify_log) {
    const Args args(fcinfo);
    const Uuid tenant = args.required<Uuid>(0, "tenant_id");
    const auto sizes = args.required<std::vector<std::int64_t>>(1, "tree_sizes");
    const auto roots = args.required<std::vector<Bytes>>(2, "root_hashes");
    const auto times = args.required<std::vector<core::Instant>>(3, "sealed_at");
    std::vector<Checkpoint> given;
    for (std::size_t i = 0; i < sizes.size() && i < roots.size() && i < times.size(); ++i)
        given.push_back({static_cast<std::uint64_t>(sizes[i]), digest_of(roots[i].bytes), times[i], true, true});
    ResultSet rows(fcinfo);
    Spi spi;
    Verifier v(spi, tenant, std::move(given));
    v.verify();
    const auto place = [](const std::optional<std::uint64_t> &value) {
        return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
    };
    const auto count = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    const LogProblem none;
    const LogProblem &p = v.problem ? *v.problem : none;
    rows.add(v.problem ? std::optional(p.kind) : std::nullopt, place(p.first), place(p.until), p.audit_id,
             v.problem ? std::optional(p.detail) : std::nullopt, count(v.tree_size), count(v.records), count(v.purged),
             count(v.unsealed), v.unsealed_since, count(v.unsigned_heads));
    return rows.done();
}
