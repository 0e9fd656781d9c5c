// The audit of reads: see audit_reads.hpp. Looking costs a call and a copy of some ids a row; the record is made when the run ends.
#include "pg/audit_reads.hpp"

#include "pg/audit_reads_copy.hpp"
#include "pg/audit_reads_keys.hpp"
#include "pg/audit_reads_plan.hpp"
#include "pg/audit_reads_refusals.hpp"
#include "pg/audit_spool.hpp"
#include "pg/boundary.hpp"
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/errors.hpp"

extern "C" {
#include "executor/execdesc.h"
#include "nodes/execnodes.h"
#include "tcop/dest.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#else
#include "utils/queryjumble.h"
#endif
}

namespace pg_clinic::pg {

namespace {

constexpr std::size_t piece = 256;              // ids in one record
constexpr std::int64_t most_told_counted = 100; // of rows of which nothing is emitted, so many are told

constinit bool record_own = false;
enum Action : int { action_view, action_export, action_print };
constexpr config_enum_entry actions[] = {{"view", action_view, false},
                                         {"export", action_export, false},
                                         {"print", action_print, false},
                                         {nullptr, 0, false}};
constinit int access_action = action_view;

constinit ExecutorStart_hook_type next_start = nullptr;
constinit ExecutorRun_hook_type next_run = nullptr;
constinit ExecutorFinish_hook_type next_finish = nullptr;
constinit planner_hook_type next_planner = nullptr;

const char *action_word(int action) { return actions[action].name; }

std::vector<Uuid> each_once(std::vector<Uuid> ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
}

// ---- What has passed

// The ids of one marked table and tenant that passed and are not in the spool yet.
class Batch {
  public:
    Batch(std::shared_ptr<const WatchedRelation> relation, const Uuid &tenant)
        : relation_(std::move(relation)), tenant_(tenant) {}

    const WatchedRelation &relation() const { return *relation_; }
    const std::shared_ptr<const WatchedRelation> &shared_relation() const { return relation_; }
    const Uuid &tenant() const { return tenant_; }
    bool full() const { return count_ == piece; }
    bool empty() const { return count_ == 0 && counted_ == 0; }

    void add(const Uuid &row, const Uuid &patient) noexcept {
        // A row that a join repeats is told once, as long as it is remembered.
        const std::size_t place = (std::hash<Uuid>()(row) >> 48) % recent_.size();
        if (recent_[place] == row)
            return;
        recent_[place] = row;
        rows_[count_] = row;
        patients_[count_] = patient;
        ++count_;
    }
    void count() noexcept { ++counted_; }

    // Appends what there is as records, and forgets it.
    void take(std::vector<SpoolRecord> &out, const AuditOrigin &origin, const char *action, std::int64_t statement) {
        SpoolRecord record;
        record.origin = origin;
        record.audit_class = "access";
        record.action = action;
        record.table_name = relation_->name;
        record.statement_id = statement != 0 ? std::optional(statement) : std::nullopt;
        if (count_ > 0) {
            SpoolRecord told = record;
            if (tenant_)
                told.origin.tenant_id = tenant_;
            told.row_ids.assign(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(count_));
            told.row_count = static_cast<std::int64_t>(count_);
            for (std::size_t i = 0; i < count_; ++i)
                if (patients_[i])
                    told.patient_ids.push_back(patients_[i]);
            told.patient_ids = each_once(std::move(told.patient_ids));
            out.push_back(std::move(told));
        }
        if (counted_ > 0) {
            record.row_count = counted_;
            out.push_back(std::move(record));
        }
        count_ = 0;
        counted_ = 0;
    }

  private:
    std::shared_ptr<const WatchedRelation> relation_;
    std::array<Uuid, piece> rows_{}, patients_{};
    std::array<Uuid, 512> recent_{};
    Uuid tenant_;
    std::size_t count_ = 0;
    std::int64_t counted_ = 0;
};

class Watch;

// A tapped node, and what it did before.
struct Tapped {
    ExecProcNodeMtd original;
    Watch *watch;
    struct Place {
        Batch *batch; // that of the last row's tenant
        Tap::Source source;
        AttrNumber key, patient, tenant;
        std::int64_t left; // how many rows are told before they are only counted
    };
    std::vector<Place> places;
};
using TappedNodes = std::unordered_map<const PlanState *, Tapped>;
constinit TappedNodes *tapped = nullptr; // lives as long as the backend

TupleTableSlot *watching(PlanState *node);

// One statement whose plan reads marked tables, from its start until its memory goes.
class Watch {
  public:
    Watch(QueryDesc *query, std::vector<Tap> taps)
        : query_(query),
          action_(query->dest != nullptr && query->dest->mydest == DestCopyOut && access_action == action_view
                      ? action_export
                      : access_action),
          statement_(static_cast<std::int64_t>(query->plannedstmt->queryId)), next_(std::exchange(first, this)) {
        for (Tap &tap : taps) {
            Tapped &node = (*tapped)[tap.node];
            if (node.places.empty()) {
                node.original = tap.node->ExecProcNodeReal;
                node.watch = this;
                nodes_.push_back(tap.node);
            }
            node.places.push_back({&batch_of(tap.relation, Uuid{}), tap.source, tap.key, tap.patient, tap.tenant,
                                   tap.columns_unread ? most_told_counted : std::numeric_limits<std::int64_t>::max()});
            // What the node runs when it is called, the first time as later.
            tap.node->ExecProcNodeReal = watching;
            if (tap.node->ExecProcNode == node.original)
                tap.node->ExecProcNode = watching;
        }
    }
    ~Watch() {
        for (Watch **place = &first; *place != nullptr; place = &(*place)->next_)
            if (*place == this) {
                *place = next_;
                break;
            }
        for (const PlanState *node : nodes_)
            tapped->erase(node);
        take_leave();
    }
    Watch(const Watch &) = delete;
    Watch &operator=(const Watch &) = delete;

    static Watch *of(const QueryDesc *query) noexcept {
        Watch *watch = first;
        while (watch != nullptr && watch->query_ != query)
            watch = watch->next_;
        return watch;
    }

    // Who reads; asked while that can be, since a failed transaction cannot say any more.
    void know_origin() {
        if (const Context *context = current_context(); !known_ || context != context_) {
            origin_ = present_origin();
            context_ = context;
            known_ = true;
        }
    }

    void flush() {
        if (std::all_of(batches_.begin(), batches_.end(), [](const auto &batch) { return batch->empty(); }))
            return;
        know_origin();
        std::vector<SpoolRecord> records = take();
        write_spool(records);
    }

    // Of a table and tenant; the nil id where rows do not tell theirs.
    Batch &batch_of(const std::shared_ptr<const WatchedRelation> &relation, const Uuid &tenant) {
        for (const auto &batch : batches_)
            if (batch->relation().root == relation->root && batch->tenant() == tenant)
                return *batch;
        return *batches_.emplace_back(std::make_unique<Batch>(relation, tenant));
    }
    Batch &batch_of(const Batch &like, const Uuid &tenant) { return batch_of(like.shared_relation(), tenant); }

  private:
    // What passed and is not in the spool, since the statement failed.
    void take_leave() noexcept {
        try {
            std::vector<SpoolRecord> records = take();
            write_spool_quietly(records);
        } catch (const std::bad_alloc &) {
            std::fputs("pg_clinic: out of memory: reads of a failed statement left no record\n", stderr);
        }
    }

    std::vector<SpoolRecord> take() {
        std::vector<SpoolRecord> records;
        for (const auto &batch : batches_)
            if (!batch->empty())
                batch->take(records, origin_, action_word(action_), statement_);
        return records;
    }

    inline static constinit Watch *first = nullptr;

    QueryDesc *query_;
    int action_;
    std::int64_t statement_;
    Watch *next_;
    std::vector<std::unique_ptr<Batch>> batches_;
    std::vector<const PlanState *> nodes_;
    AuditOrigin origin_;
    const Context *context_ = nullptr;
    bool known_ = false;
};

Uuid id_at(TupleTableSlot *slot, AttrNumber column) {
    Uuid id{};
    bool is_null = true;
    const Datum value = column == 0 ? Datum{0} : slot_getattr(slot, column, &is_null);
    if (!is_null)
        std::memcpy(id.bytes.data(), DatumGetPointer(value), id.bytes.size());
    return id;
}

// Keeps what passes. Only plain data is alive where the server may raise.
void note(Tapped &node, PlanState *state, TupleTableSlot *slot) {
    for (Tapped::Place &place : node.places) {
        if (place.source == Tap::Source::none || place.left == 0) {
            place.batch->count();
            continue;
        }
        TupleTableSlot *from =
            place.source == Tap::Source::output ? slot : reinterpret_cast<ScanState *>(state)->ss_ScanTupleSlot;
        const Uuid row = id_at(from, place.key);
        if (!row)
            continue; // the empty side of an outer join
        const Uuid patient = id_at(from, place.patient), tenant = id_at(from, place.tenant);
        if (place.batch->tenant() != tenant)
            cpp_boundary([&node, &place, &tenant] { place.batch = &node.watch->batch_of(*place.batch, tenant); });
        if (place.batch->full())
            cpp_boundary([&node] { node.watch->flush(); });
        place.batch->add(row, patient);
        --place.left;
    }
}

TupleTableSlot *watching(PlanState *state) {
    Tapped &node = tapped->find(state)->second;
    TupleTableSlot *slot = node.original(state);
    if (!TupIsNull(slot))
        note(node, state, slot);
    return slot;
}

// ---- Which statements

bool is_engine(Oid role) {
    return role == get_role_oid("clinic_owner", true) || role == get_role_oid("clinic_system", true);
}

// Inside one of our own definer functions: nobody else can be made to run as their owner.
bool is_own_statement() {
    return !record_own && InLocalUserIdChange() && pg_call([] { return is_engine(GetUserId()); });
}

// The part of a plan that a leader gave to a parallel worker: the leader sees its rows.
bool is_fragment(const PlannedStmt &plan) noexcept {
    return IsParallelWorker() && plan.stmt_location == -1 && plan.stmt_len == -1;
}

bool reads_watched(const PlannedStmt &plan) {
    ListCell *cell = nullptr;
    foreach (cell, plan.relationOids)
        if (watched_relation(lfirst_oid(cell)) != nullptr)
            return true;
    return false;
}

bool is_watched(const QueryDesc &query, int flags) {
    return (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0 && !IsBootstrapProcessingMode() && IsTransactionState() &&
           query.plannedstmt->utilityStmt == nullptr && !is_fragment(*query.plannedstmt) &&
           reads_watched(*query.plannedstmt) && !is_own_statement();
}

void begin(QueryDesc *query) {
    Taps found = find_taps(*query, current_context() == nullptr);
    if (found.taps.empty())
        return;
    if (tapped == nullptr)
        tapped = new TappedNodes;
    const MemoryContext memory = query->estate->es_query_cxt;
    if (found.in_workers)
        // Workers would run nodes that only this process looks at; it runs them all itself. The plan may be a kept one: a copy says so.
        query->plannedstmt = pg_call([query, memory] {
            auto *plan = static_cast<PlannedStmt *>(MemoryContextAlloc(memory, sizeof(PlannedStmt)));
            *plan = *query->plannedstmt;
            plan->parallelModeNeeded = false;
            return plan;
        });
    make_in_context<Watch>(memory, query, std::move(found.taps))->know_origin();
}

// ---- Refused attempts

// A part of a statement that asks for rights on marked tables. On the stack of the hooks; plain data.
struct Asking {
    List *names; // of the tables
    std::uint64_t statement;
    Asking *outer;
};
constinit Asking *asking = nullptr;

std::vector<SpoolRecord> refusals(const Asking &refused) {
    std::vector<SpoolRecord> records;
    SpoolRecord record;
    record.origin = present_origin();
    record.origin.reason = "permission denied";
    record.audit_class = "security";
    record.action = "denied";
    if (refused.statement != 0)
        record.statement_id = static_cast<std::int64_t>(refused.statement);
    ListCell *cell = nullptr;
    foreach (cell, refused.names) {
        record.table_name = static_cast<const char *>(lfirst(cell));
        records.push_back(record);
    }
    return records;
}

// An error is leaving; the transaction is as it was, so that it may still be asked who is there.
void note_refusal(ErrorData &) {
    std::vector<SpoolRecord> records = refusals(*std::exchange(asking, asking->outer));
    write_spool_quietly(records);
}
bool is_refusal() {
    if (geterrcode() == ERRCODE_INSUFFICIENT_PRIVILEGE)
        return true;
    asking = asking->outer;
    return false;
}

// Runs what the server does; when it is refused, that is told.
void run_asking(Asking &what, detail::Thunk thunk, void *argument) {
    what.outer = asking;
    asking = &what;
    detail::changing(thunk, argument, is_refusal, note_refusal);
    asking = what.outer;
}

List *names_of(const PlannedStmt &plan) {
    List *names = NIL;
    ListCell *cell = nullptr;
    foreach (cell, plan.relationOids)
        if (const auto relation = watched_relation(lfirst_oid(cell)); relation != nullptr) {
            const char *name = relation->name.c_str();
            names = pg_call([names, name] { return lappend(names, pstrdup(name)); });
        }
    return names;
}

struct Start {
    QueryDesc *query;
    int flags;
};

void start_plainly(void *argument) {
    const auto &start = *static_cast<const Start *>(argument);
    (next_start != nullptr ? next_start : standard_ExecutorStart)(start.query, start.flags);
}

void start_hook(QueryDesc *query, int flags) {
    Start start{query, flags};
    if (!cpp_boundary([query, flags] { return is_watched(*query, flags); })) {
        start_plainly(&start);
        return;
    }
    Asking what{cpp_boundary([query] { return names_of(*query->plannedstmt); }), query->plannedstmt->queryId, nullptr};
    run_asking(what, start_plainly, &start);
    cpp_boundary([query] { begin(query); });
}

struct Planning {
    Query *query;
    const char *text;
    int options;
    ParamListInfo parameters;
    PlannedStmt *plan;
};

void plan_plainly(void *argument) {
    auto &p = *static_cast<Planning *>(argument);
    p.plan = (next_planner != nullptr ? next_planner : standard_planner)(p.query, p.text, p.options, p.parameters);
}

// The planner asks for rights too, on what views with security_barrier read.
PlannedStmt *planning_hook(Query *query, const char *text, int options, ParamListInfo parameters) {
    Planning planning{query, text, options, parameters, nullptr};
    Asking what{cpp_boundary([query] {
                    List *names = IsTransactionState() ? watched_names(*query) : NIL;
                    if (names != NIL && is_own_statement())
                        names = NIL;
                    if (names != NIL)
                        add_hidden_keys(*query);
                    return names;
                }),
                query->queryId, nullptr};
    if (what.names == NIL)
        plan_plainly(&planning);
    else
        run_asking(what, plan_plainly, &planning);
    return planning.plan;
}

void flush_of(const QueryDesc *query) {
    if (Watch *watch = Watch::of(query))
        cpp_boundary([watch] { watch->flush(); });
}

#if PG_VERSION_NUM >= 180000
void run_hook(QueryDesc *query, ScanDirection direction, uint64 count) {
    (next_run != nullptr ? next_run : standard_ExecutorRun)(query, direction, count);
    flush_of(query);
}
#else
void run_hook(QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once) {
    (next_run != nullptr ? next_run : standard_ExecutorRun)(query, direction, count, execute_once);
    flush_of(query);
}
#endif

void finish_hook(QueryDesc *query) {
    (next_finish != nullptr ? next_finish : standard_ExecutorFinish)(query);
    flush_of(query);
}

} // namespace

void record_reads(const std::string &table, std::span<const Uuid> rows, std::span<const Uuid> patients,
                  const std::string &action) {
    if (rows.empty())
        return;
    SpoolRecord record;
    record.origin = present_origin();
    record.audit_class = "access";
    record.action = action.empty() ? action_word(access_action) : action;
    record.table_name = table;
    record.row_ids = each_once({rows.begin(), rows.end()});
    record.patient_ids = each_once({patients.begin(), patients.end()});
    record.row_count = static_cast<std::int64_t>(record.row_ids.size());
    write_spool({&record, 1});
}

void install_audit_reads() {
    define_audit_spool();
    define_watched_relations();
    DefineCustomEnumVariable("clinic.access_action", "What the client does with the rows of patients that it reads.",
                             "view, export or print; what COPY reads is an export in any case.", &access_action,
                             action_view, actions, PGC_USERSET, 0, nullptr, nullptr, nullptr);
    DefineCustomBoolVariable(
        "clinic.record_own_reads", "Whether statements of the engine's own functions are watched.",
        "Functions that return rows of patients have it set; turning it on elsewhere only adds records.", &record_own,
        false, PGC_USERSET, 0, nullptr, nullptr, nullptr);
    next_start = ExecutorStart_hook;
    ExecutorStart_hook = start_hook;
    next_run = ExecutorRun_hook;
    ExecutorRun_hook = run_hook;
    next_finish = ExecutorFinish_hook;
    ExecutorFinish_hook = finish_hook;
    next_planner = planner_hook;
    planner_hook = planning_hook;
    install_copied_tables();
    install_refusals();
    EnableQueryId(); // the fingerprint of a statement, unless compute_query_id is off
}

} // namespace pg_clinic::pg
