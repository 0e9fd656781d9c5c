// The audit of reads: see audit_reads.hpp. Looking costs a call and a copy of some ids a row; the record is made when the run ends.
#include "pg/audit_reads.hpp"

#include "pg/audit_reads_batch.hpp"
#include "pg/audit_reads_copy.hpp"
#include "pg/audit_reads_keys.hpp"
#include "pg/audit_reads_plan.hpp"
#include "pg/audit_reads_refusals.hpp"
#include "pg/audit_reads_telling.hpp"
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

// ---- What has passed

Uuid id_at(TupleTableSlot *slot, AttrNumber column) {
    Uuid id{};
    bool is_null = true;
    const Datum value = column == 0 ? Datum{0} : slot_getattr(slot, column, &is_null);
    if (!is_null)
        std::memcpy(id.bytes.data(), DatumGetPointer(value), id.bytes.size());
    return id;
}

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
    Watch(QueryDesc *query, Taps found)
        : query_(query),
          action_(query->dest != nullptr && query->dest->mydest == DestCopyOut && access_action == action_view
                      ? action_export
                      : access_action),
          statement_(static_cast<std::int64_t>(query->plannedstmt->queryId)), next_(std::exchange(first, this)),
          scans_(std::move(found.scans)) {
        for (Tap &tap : found.taps) {
            Tapped &node = (*tapped)[tap.node];
            if (node.places.empty()) {
                node.original = tap.node->ExecProcNodeReal;
                node.watch = this;
                nodes_.push_back(tap.node);
            }
            node.places.push_back({&batch_of(tap.relation, Uuid{}), tap.source, tap.key, tap.patient, tap.tenant,
                                   tap.columns_unread ? most_told_counted : std::numeric_limits<std::int64_t>::max()});
            if (tap.drops_tell) {
                if (tap.node->instrument == nullptr) // it counts what the node's condition drops
                    tap.node->instrument = pg_call([query] {
                        const MemoryContext before = MemoryContextSwitchTo(query->estate->es_query_cxt);
                        Instrumentation *made = InstrAlloc(1, INSTRUMENT_ROWS, false);
                        MemoryContextSwitchTo(before);
                        return made;
                    });
                droppers_.push_back({tap.node, &batch_of(tap.relation, Uuid{}), 0});
            }
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

    // The statement fails, and its error may say what the rows hold that it was at: those are told as well.
    void note_failure() {
        for (const Scanned &scan : scans_) {
            Batch &batch = batch_of(scan.relation, Uuid{});
            TupleTableSlot *slot = reinterpret_cast<ScanState *>(scan.node)->ss_ScanTupleSlot;
            if (scan.key == 0 || TupIsNull(slot)) {
                batch.count();
                continue;
            }
            const Uuid row = pg_call([slot, &scan] { return id_at(slot, scan.key); });
            const Uuid patient = pg_call([slot, &scan] { return id_at(slot, scan.patient); });
            const Uuid tenant = pg_call([slot, &scan] { return id_at(slot, scan.tenant); });
            Batch &own = batch_of(batch, tenant);
            if (own.full())
                take_leave();
            own.add(row, patient);
        }
    }

    void flush() {
        for (Dropper &dropper : droppers_) {
            const auto dropped = static_cast<std::int64_t>(dropper.node->instrument->nfiltered1);
            dropper.batch->count(dropped - std::exchange(dropper.counted, dropped));
        }
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

    // A scan whose own condition can tell.
    struct Dropper {
        const PlanState *node;
        Batch *batch;
        std::int64_t counted;
    };

    QueryDesc *query_;
    int action_;
    std::int64_t statement_;
    Watch *next_;
    std::vector<std::unique_ptr<Batch>> batches_;
    std::vector<const PlanState *> nodes_;
    std::vector<Scanned> scans_;
    std::vector<Dropper> droppers_;
    AuditOrigin origin_;
    const Context *context_ = nullptr;
    bool known_ = false;
};

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
bool is_in_engine() {
    return InLocalUserIdChange() && pg_call([] { return is_engine(GetUserId()); });
}
bool is_own_statement() { return !record_own && is_in_engine(); }

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
    make_in_context<Watch>(memory, query, std::move(found))->know_origin();
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
    Asking what{cpp_boundary([query] { return names_of(*query->plannedstmt); }),
                static_cast<std::uint64_t>(query->plannedstmt->queryId), nullptr};
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
    const bool tells = cpp_boundary([query] {
        return query->utilityStmt == nullptr && IsTransactionState() && !is_in_engine() && can_tell(*query);
    });
    Asking what{cpp_boundary([query] {
                    List *names = IsTransactionState() ? watched_names(*query) : NIL;
                    if (names != NIL && is_own_statement())
                        names = NIL;
                    if (names != NIL)
                        add_hidden_keys(*query);
                    return names;
                }),
                static_cast<std::uint64_t>(query->queryId), nullptr};
    if (what.names == NIL)
        plan_plainly(&planning);
    else
        run_asking(what, plan_plainly, &planning);
    if (tells)
        cpp_boundary([&planning] { mark_telling(*planning.plan); });
    return planning.plan;
}

void flush_of(const QueryDesc *query) {
    if (Watch *watch = Watch::of(query))
        cpp_boundary([watch] { watch->flush(); });
}

// A run of a watched statement. On the stack of the hook; plain data.
struct Run {
    QueryDesc *query;
    ScanDirection direction;
    uint64 count;
    bool once;
    Run *outer;
};
constinit Run *running = nullptr;

void run_plainly(void *argument) {
    const auto &run = *static_cast<const Run *>(argument);
#if PG_VERSION_NUM >= 180000
    (next_run != nullptr ? next_run : standard_ExecutorRun)(run.query, run.direction, run.count);
#else
    (next_run != nullptr ? next_run : standard_ExecutorRun)(run.query, run.direction, run.count, run.once);
#endif
}

void note_failure(ErrorData &) {
    if (Watch *watch = Watch::of(std::exchange(running, running->outer)->query))
        watch->note_failure();
}

void run_watching(Run &run) {
    if (Watch::of(run.query) == nullptr) {
        run_plainly(&run);
        return;
    }
    run.outer = running;
    running = &run;
    detail::changing(
        run_plainly, &run, [] { return true; }, note_failure);
    running = run.outer;
    flush_of(run.query);
}

#if PG_VERSION_NUM >= 180000
void run_hook(QueryDesc *query, ScanDirection direction, uint64 count) {
    Run run{query, direction, count, false, nullptr};
    run_watching(run);
}
#else
void run_hook(QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once) {
    Run run{query, direction, count, execute_once, nullptr};
    run_watching(run);
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
