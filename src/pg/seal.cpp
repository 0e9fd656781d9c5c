// Sealing: numbers the records of finished transactions, extends the tree, signs its head.
//
// What may be sealed is what can no longer get company: records of transactions below the oldest that still runs. In their order
// (transaction_id, audit_id) nothing will ever come before them, so a position is for ever, in whatever order transactions commit.
// The ids of transactions mean something in one cluster only. In another one (after a restore, an upgrade) everything is looked
// at once, the "pass": whatever is visible and has no position gets one. What is not visible when the pass begins belongs
// to a transaction that was running then, and is found after it.
//
// One transaction, one lock a log, held to its end: two sealers wait for each other, and a crash leaves all or nothing.
#include "pg/errors.hpp"
#include "pg/result.hpp"
#include "pg/seal_key.hpp"
#include "pg/seal_log.hpp"
#include "pg/table_writer.hpp"

extern "C" {
#include "access/xlog.h"
}

namespace pg_clinic::pg {

namespace {

constexpr std::size_t leaves_a_row = 160;

struct LogState {
    std::uint64_t tree_size = 0;
    std::int32_t head_no = 0;
    std::int32_t run_no = 1;
    std::string system = {};
    SealOrder after = {};
    std::optional<Xid8> pass = std::nullopt;
    Xid8 foreign = {};
    bool operator==(const LogState &) const = default;
};

constinit KeptPlan state_plan{"SELECT g.tree_size, g.head_no, g.run_no, g.system_identifier, g.after_transaction_id, "
                              "g.after_audit_id, g.pass_transaction_id,"
                              " g.foreign_transaction_id FROM clinic_data.audit_logs AS g WHERE g.tenant_id = $1"};
constinit KeptPlan last_head_plan{
    "SELECT h.tree_size, h.head_no, h.root_hash, h.sealed_at FROM clinic_data.audit_heads AS h WHERE h.tenant_id = $1"
    " ORDER BY h.tree_size DESC LIMIT 1"};
constinit KeptPlan add_state_plan{"INSERT INTO clinic_data.audit_logs (tenant_id, tree_size, head_no, run_no, "
                                  "system_identifier) VALUES ($1, $2, $3, $4, '')"};
constinit KeptPlan save_state_plan{
    "UPDATE clinic_data.audit_logs AS g SET tree_size = $2, head_no = $3, run_no = $4, system_identifier = $5, "
    "after_transaction_id = $6,"
    " after_audit_id = $7, pass_transaction_id = $8, foreign_transaction_id = $9 WHERE g.tenant_id = $1"};
constinit KeptPlan oldest_plan{"SELECT pg_snapshot_xmin(pg_current_snapshot())"};
constinit KeptPlan finished_plan{
    "SELECT r.transaction_id, r.audit_id, r.leaf_hash FROM clinic_data.audit_records AS r WHERE r.tenant_id = $1"
    " AND (r.transaction_id, r.audit_id) > ($2, $3) AND r.transaction_id < $4 ORDER BY r.transaction_id, r.audit_id "
    "LIMIT $5"};
constinit KeptPlan visible_plan{
    "SELECT r.transaction_id, r.audit_id, r.leaf_hash FROM clinic_data.audit_records AS r WHERE r.tenant_id = $1"
    " AND (r.transaction_id, r.audit_id) > ($2, $3) ORDER BY r.transaction_id, r.audit_id LIMIT $4"};
constinit KeptPlan add_key_plan{"INSERT INTO clinic_data.audit_seal_keys (tenant_id, key_id, public_key, first_used_at)"
                                " VALUES ($1, $2, $3, $4) ON CONFLICT ON CONSTRAINT audit_seal_keys_pkey DO NOTHING"};
constinit KeptPlan add_head_plan{"INSERT INTO clinic_data.audit_heads (tenant_id, tree_size, head_no, root_hash, "
                                 "previous_tree_size, sealed_at, sealed_transaction_id,"
                                 " key_id, signature) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

// Our own lock space beside SQL's advisory locks, those of resources and of jobs: the fourth field of the tag.
bool lock_log(const Uuid &tenant, bool wait) {
    const std::uint64_t key = std::hash<Uuid>{}(tenant);
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, static_cast<uint32>(key >> 32), static_cast<uint32>(key), 5);
    const LOCKTAG *wanted = &tag;
    return pg_call(
        [wanted, wait] { return LockAcquire(wanted, ExclusiveLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL; });
}

std::string hex(std::string_view bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

// The rows that a seal adds, past SQL: there are many, and all for a tenant whose records row security let through.
class LogRows {
  public:
    template <class... T> void add_leaves(const T &...values) { add(leaves_, values...); }
    template <class... T> void add_node(const T &...values) { add(nodes_, values...); }

    void finish() {
        nodes_.rows.flush();
        nodes_.table.finish();
        leaves_.rows.flush();
        leaves_.table.finish();
    }

  private:
    struct Target {
        Target(const char *name, std::initializer_list<std::pair<const char *, Oid>> columns)
            : table(name), rows(table, places(table, columns)) {}

        static std::vector<TableWriter::Place> places(const TableWriter &table,
                                                      std::initializer_list<std::pair<const char *, Oid>> columns) {
            std::vector<TableWriter::Place> out;
            for (const auto &[name, type] : columns)
                out.push_back(table.place_of(name, type, static_cast<AttrNumber>(out.size() + 1)));
            return out;
        }

        TableWriter table;
        TableWriter::Rows rows;
    };

    template <class... T> void add(Target &target, const T &...values) {
        values_.assign({nullable(values)...});
        target.rows.add(values_);
    }

    Target leaves_{"audit_leaves",
                   {{"tenant_id", UUIDOID},
                    {"first_position", INT8OID},
                    {"leaf_count", INT4OID},
                    {"run_no", INT4OID},
                    {"first_transaction_id", XID8OID},
                    {"first_audit_id", UUIDOID},
                    {"last_transaction_id", XID8OID},
                    {"last_audit_id", UUIDOID},
                    {"audit_ids", BYTEAOID},
                    {"leaf_hashes", BYTEAOID}}};
    Target nodes_{"audit_nodes",
                  {{"tenant_id", UUIDOID}, {"level", INT4OID}, {"node_no", INT8OID}, {"hash", BYTEAOID}}};
    std::vector<NullableValue> values_;
};

class Sealer final : public core::NodeVisitor {
  public:
    Sealer(Spi &spi, const Uuid &tenant) : spi_(spi), tenant_(tenant) {
        row_memory_ =
            pg_call([] { return AllocSetContextCreate(CurrentMemoryContext, "rows", ALLOCSET_DEFAULT_SIZES); });
        read_state();
    }

    // Seals up to that many records more; returns how many it did.
    std::uint64_t seal(std::int64_t most);

    const LogState &state() const { return state_; }
    bool is_complete() const { return complete_; } // nothing that may be sealed is left
    const std::string &warning() const { return warning_; }

    void complete(unsigned level, std::uint64_t index, const core::Digest &digest) override {
        if (level >= least_stored_level)
            in_row_memory([&] {
                rows_->add_node(tenant_, static_cast<std::int32_t>(level), number(index), Bytes{bytes_of(digest)});
            });
    }

  private:
    // A call may seal millions of records: what rows are made of is freed with each row.
    template <class Body> void in_row_memory(Body body) {
        MemoryContext caller = MemoryContextSwitchTo(row_memory_);
        body();
        MemoryContextSwitchTo(caller);
        MemoryContextReset(row_memory_);
    }
    void read_state();
    void begin_pass(Xid8 oldest);
    void open_tree();
    void take(const SealOrder &record, std::string_view leaf_hash);
    void flush();
    void finish(std::uint64_t read, std::int64_t most, Xid8 oldest, const SealOrder &last);
    void write_head(Xid8 oldest, std::uint64_t previous);

    Spi &spi_;
    Uuid tenant_;
    MemoryContext row_memory_;
    crypto::Sha256 hash_;
    LogState state_;
    bool complete_ = false;
    std::string warning_;
    std::optional<core::Frontier> frontier_;
    core::Instant last_sealed_at_ = core::instant_min;
    std::optional<LogRows> rows_;
    std::uint64_t sealed_ = 0;
    // The row of leaves that is being filled.
    SealOrder first_, last_;
    std::string audit_ids_, leaf_hashes_;
};

void Sealer::read_state() {
    const auto read = [this] {
        const Rows rows = spi_.query_with(state_plan, {.view = View::latest}, tenant_);
        if (rows.empty())
            return false;
        const Row row = rows[0];
        state_ = {static_cast<std::uint64_t>(row.get<std::int64_t>(0)),
                  row.get<std::int32_t>(1),
                  row.get<std::int32_t>(2),
                  row.get<std::string>(3),
                  {row.get<Xid8>(4), row.get<Uuid>(5)},
                  row.optional<Xid8>(6),
                  row.get<Xid8>(7)};
        return true;
    };
    if (read())
        return;
    // A new log, or one that has lost this row.
    std::int64_t size = 0;
    std::int32_t head_no = 0;
    {
        const Rows rows = spi_.query_with(last_head_plan, {.view = View::latest}, tenant_);
        if (!rows.empty()) {
            size = rows[0].get<std::int64_t>(0);
            head_no = rows[0].get<std::int32_t>(1);
        }
    }
    spi_.query(add_state_plan, tenant_, size, head_no, last_run(spi_, View::latest, tenant_) + 1);
    state_ = {static_cast<std::uint64_t>(size), head_no, last_run(spi_, View::latest, tenant_) + 1};
}

void Sealer::begin_pass(Xid8 oldest) {
    const std::string system = std::to_string(GetSystemIdentifier());
    if (state_.system == system)
        return;
    state_.system = system;
    state_.pass = oldest;
    state_.after = {};
    state_.run_no = last_run(spi_, View::latest, tenant_) + 1;
}

// What the next leaf is appended to must be what the last head says.
void Sealer::open_tree() {
    LogNodes nodes(spi_, View::latest, tenant_, hash_);
    const Rows rows = spi_.query_with(last_head_plan, {.view = View::latest}, tenant_);
    const std::uint64_t size = rows.empty() ? 0 : static_cast<std::uint64_t>(rows[0].get<std::int64_t>(0));
    if (size != state_.tree_size)
        log_is_corrupt(tenant_, "the last head is of " + std::to_string(size) + " records, and " +
                                    std::to_string(state_.tree_size) + " are sealed");
    if (size > 0)
        last_sealed_at_ = rows[0].get<core::Instant>(3);
    frontier_.emplace(size, nodes);
    if (size > 0 && frontier_->root(hash_) != digest_of(rows[0].get<BytesView>(2).bytes))
        log_is_corrupt(tenant_, "the tree of " + std::to_string(size) + " records does not have the root of its head");
}

void Sealer::take(const SealOrder &record, std::string_view leaf_hash) {
    if (!frontier_) {
        open_tree();
        rows_.emplace();
    }
    if (audit_ids_.empty())
        first_ = record;
    last_ = record;
    const core::Digest leaf = digest_of(leaf_hash);
    audit_ids_.append(reinterpret_cast<const char *>(record.audit_id.bytes.data()), id_bytes);
    leaf_hashes_.append(reinterpret_cast<const char *>(leaf.data()), digest_bytes);
    frontier_->add(leaf, hash_, this);
    ++sealed_;
    if (audit_ids_.size() == leaves_a_row * id_bytes)
        flush();
}

void Sealer::flush() {
    if (audit_ids_.empty())
        return;
    const std::uint64_t count = audit_ids_.size() / id_bytes;
    in_row_memory([&] {
        rows_->add_leaves(tenant_, number(frontier_->size() - count), static_cast<std::int32_t>(count), state_.run_no,
                          first_.transaction_id, first_.audit_id, last_.transaction_id, last_.audit_id,
                          BytesView{audit_ids_}, BytesView{leaf_hashes_});
    });
    audit_ids_.clear();
    leaf_hashes_.clear();
}

std::uint64_t Sealer::seal(std::int64_t most) {
    const LogState before = state_;
    Xid8 oldest;
    {
        const Rows rows = spi_.query(oldest_plan);
        oldest = rows[0].get<Xid8>(0);
    }
    begin_pass(oldest);
    SealedPositions earlier(spi_, View::latest, tenant_, state_.run_no - 1);
    std::uint64_t read = 0;
    SealOrder last = state_.after;
    const bool in_pass = state_.pass.has_value();
    const auto visit = [&](const Row &row) {
        const SealOrder record{row.get<Xid8>(0), row.get<Uuid>(1)};
        ++read;
        last = record;
        if ((in_pass || record.transaction_id <= state_.foreign) && earlier.find(record))
            return true;
        if (in_pass)
            state_.foreign = std::max(state_.foreign, record.transaction_id);
        take(record, row.get<BytesView>(2).bytes);
        return true;
    };
    if (in_pass)
        spi_.each(visible_plan, {}, visit, tenant_, state_.after.transaction_id, state_.after.audit_id, most);
    else if (state_.after.transaction_id < oldest)
        spi_.each(finished_plan, {}, visit, tenant_, state_.after.transaction_id, state_.after.audit_id, oldest, most);
    flush();
    if (rows_)
        rows_->finish();
    finish(read, most, oldest, last);
    // That nothing happened up to the present is not worth a row version.
    if (read > 0 || state_.system != before.system || state_.pass != before.pass)
        spi_.query(save_state_plan, tenant_, number(state_.tree_size), state_.head_no, state_.run_no, state_.system,
                   state_.after.transaction_id, state_.after.audit_id, state_.pass, state_.foreign);
    return sealed_;
}

void Sealer::finish(std::uint64_t read, std::int64_t most, Xid8 oldest, const SealOrder &last) {
    complete_ = read < static_cast<std::uint64_t>(most);
    if (!complete_) {
        state_.after = last;
    } else if (state_.pass) {
        state_.after = {*state_.pass, Uuid{}};
        state_.pass = std::nullopt;
        state_.run_no = last_run(spi_, View::latest, tenant_) + 1;
    } else if (state_.after.transaction_id < oldest) {
        state_.after = {oldest, Uuid{}};
    }
    if (sealed_ > 0)
        write_head(oldest, std::exchange(state_.tree_size, frontier_->size()));
}

void Sealer::write_head(Xid8 oldest, std::uint64_t previous) {
    // Where the clock went back, the log did not.
    const core::Instant now = std::max(core::Instant{pg_call([] { return GetCurrentTimestamp(); })}, last_sealed_at_);
    const SealHead head{tenant_, state_.tree_size, frontier_->root(hash_), now};
    std::optional<std::string> key_id;
    std::optional<Bytes> signature;
    const SealKeyFile file = read_seal_key();
    if (file.key) {
        const std::string public_key = file.key->public_key();
        key_id = hex(bytes_of(hash_.of(public_key)));
        signature = Bytes{file.key->sign(head_text(head))};
        spi_.query(add_key_plan, tenant_, *key_id, BytesView{public_key}, now);
    } else if (file.configured) {
        warning_ = file.problem;
    }
    ++state_.head_no;
    spi_.query(add_head_plan, tenant_, number(head.tree_size), state_.head_no, Bytes{bytes_of(head.root_hash)},
               number(previous), now, oldest, key_id, signature);
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;

// clinic_private.lock_seal(tenant_id uuid, wait boolean)
CLINIC_FUNCTION(clinic_lock_seal) {
    const Args args(fcinfo);
    return BoolGetDatum(lock_log(args.required<Uuid>(0, "tenant_id"), args.required<bool>(1, "wait")));
}

// clinic_private.seal_log(tenant_id uuid, max_records bigint)
CLINIC_FUNCTION(clinic_seal_log) {
    const Args args(fcinfo);
    const Uuid tenant = args.required<Uuid>(0, "tenant_id");
    const auto most = args.required<std::int64_t>(1, "max_records");
    if (most < 1)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "max_records must be at least 1", {}, {}, "max_records");
    ResultSet rows(fcinfo);
    (void)lock_log(tenant, true);
    Spi spi;
    Sealer sealer(spi, tenant);
    const std::uint64_t sealed = sealer.seal(most);
    rows.add(static_cast<std::int64_t>(sealed), static_cast<std::int64_t>(sealer.state().tree_size),
             sealer.is_complete(),
             sealer.warning().empty() ? std::optional<std::string>{} : std::optional(sealer.warning()));
    return rows.done();
}

// clinic_private.seal_key_problem(): null when heads are signed
CLINIC_FUNCTION(clinic_seal_key_problem) {
    const SealKeyFile file = read_seal_key();
    if (file.key)
        return returning_null(fcinfo);
    return returning(fcinfo, file.configured ? file.problem : std::string("clinic.seal_key_file is not set"));
}

// clinic_private.append_seal_export(lines text): null when they were written, else what is wrong
CLINIC_FUNCTION(clinic_append_seal_export) {
    const std::string problem = append_to_export(seal_export_file(), Args(fcinfo).required<std::string>(0, "lines"));
    return returning(fcinfo, problem.empty() ? std::optional<std::string>{} : std::optional(problem));
}

// clinic_private.has_seal_export()
CLINIC_FUNCTION(clinic_has_seal_export) { return BoolGetDatum(!seal_export_file().empty()); }
