// Cursors WITH HOLD over what is protected: see held_cursors.hpp.
#include "pg/held_cursors.hpp"

#include "pg/errors.hpp"

extern "C" {
#include "catalog/pg_proc.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/portal.h"
}

namespace pg_clinic::pg {

namespace {

constinit ProcessUtility_hook_type next_utility = nullptr;
constinit ExecutorRun_hook_type next_run = nullptr;

// The schemas that hold what is protected; InvalidOid where there is none yet.
struct Schemas {
    Oid views = get_namespace_oid("clinic", true), tables = get_namespace_oid("clinic_data", true),
        helpers = get_namespace_oid("clinic_private", true);

    bool has_relation(Oid relation) const {
        const Oid schema = get_rel_namespace(relation);
        return OidIsValid(schema) && (schema == views || schema == tables);
    }
    bool has_function(Oid function) const {
        const Oid schema = get_func_namespace(function);
        return OidIsValid(schema) && (schema == views || schema == helpers) &&
               func_volatile(function) != PROVOLATILE_IMMUTABLE;
    }
};

bool calls_ours(Oid function, void *schemas) { return static_cast<const Schemas *>(schemas)->has_function(function); }

// Up to version 15 the server's walkers take a function without a prototype.
#if PG_VERSION_NUM >= 160000
using Walker = tree_walker_callback;
#else
using Walker = bool (*)();
#endif

bool reads_protected(Node *node, void *schemas);

Walker walker() { return reinterpret_cast<Walker>(reinterpret_cast<void (*)()>(&reads_protected)); }

// True once something protected is met. What the server calls: nothing of C++ may be alive in it.
bool reads_protected(Node *node, void *schemas) {
    if (node == nullptr)
        return false;
    if (IsA(node, RangeTblEntry)) {
        const auto *entry = reinterpret_cast<const RangeTblEntry *>(node);
        return OidIsValid(entry->relid) && static_cast<const Schemas *>(schemas)->has_relation(entry->relid);
    }
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<Query *>(node), walker(), schemas, QTW_EXAMINE_RTES_BEFORE);
    return check_functions_in_node(node, calls_ours, schemas) || expression_tree_walker(node, walker(), schemas);
}

// Judges a copy of the query the way that opening the cursor would rewrite it.
bool holds_protected(const DeclareCursorStmt &statement) {
    Schemas schemas;
    auto *query = static_cast<Query *>(copyObjectImpl(statement.query));
    AcquireRewriteLocks(query, true, false);
    ListCell *cell = nullptr;
    foreach (cell, QueryRewrite(query))
        if (reads_protected(static_cast<Node *>(lfirst(cell)), &schemas))
            return true;
    return false;
}

[[noreturn]] void refuse() {
    fail(ERRCODE_FEATURE_NOT_SUPPORTED, "a cursor over protected rows cannot be declared WITH HOLD",
         "It would outlive the transaction whose context may see the rows.",
         "Declare it WITHOUT HOLD and read it in one transaction, or page through clinic.list_appointments.");
}

void judge(const PlannedStmt &statement) {
    if (statement.utilityStmt == nullptr || !IsA(statement.utilityStmt, DeclareCursorStmt))
        return;
    const auto &declare = *reinterpret_cast<const DeclareCursorStmt *>(statement.utilityStmt);
    if ((declare.options & CURSOR_OPT_HOLD) == 0 || declare.query == nullptr || !IsA(declare.query, Query))
        return;
    if (pg_call([&declare] { return holds_protected(declare); }))
        refuse();
}

void utility_hook(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
                  ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *receiver,
                  QueryCompletion *completion) {
    cpp_boundary([statement] { judge(*statement); });
    (next_utility != nullptr ? next_utility : standard_ProcessUtility)(statement, text, read_only_tree, context,
                                                                       parameters, environment, receiver, completion);
}

// The library may be loaded only by the planning of the first such query, which no hook saw declared: then the cursor is refused when
// the commit comes to keep its rows. Of a plan the tables are known, those of views too.
bool keeps_protected(const PlannedStmt &plan) {
    const Portal portal = ActivePortal;
    if (portal == nullptr || (portal->cursorOptions & CURSOR_OPT_HOLD) == 0 || portal->holdStore == nullptr)
        return false;
    const Schemas schemas;
    ListCell *cell = nullptr;
    foreach (cell, plan.relationOids)
        if (schemas.has_relation(lfirst_oid(cell)))
            return true;
    return false;
}

void judge_run(const QueryDesc &query) {
    if (pg_call([&query] { return keeps_protected(*query.plannedstmt); }))
        refuse();
}

bool is_keeping() noexcept { return ActivePortal != nullptr && ActivePortal->holdStore != nullptr; }

#if PG_VERSION_NUM >= 180000
void run_hook(QueryDesc *query, ScanDirection direction, uint64 count) {
    if (is_keeping())
        cpp_boundary([query] { judge_run(*query); });
    (next_run != nullptr ? next_run : standard_ExecutorRun)(query, direction, count);
}
#else
void run_hook(QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once) {
    if (is_keeping())
        cpp_boundary([query] { judge_run(*query); });
    (next_run != nullptr ? next_run : standard_ExecutorRun)(query, direction, count, execute_once);
}
#endif

} // namespace

void install_held_cursors() {
    next_utility = ProcessUtility_hook;
    ProcessUtility_hook = utility_hook;
    next_run = ExecutorRun_hook;
    ExecutorRun_hook = run_hook;
}

} // namespace pg_clinic::pg
