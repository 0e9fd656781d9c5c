// Expressions that can tell: see audit_reads_telling.hpp.
#include "pg/audit_reads_telling.hpp"

#include "pg/audit_reads_relations.hpp"
#include "pg/boundary.hpp"

extern "C" {
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "utils/syscache.h"
}

namespace pg_clinic::pg {

namespace {

// No cache of the server has this number, so that no change in a catalog is taken for one of this item.
constexpr int mark = -1;

bool is_ours(Oid schema) {
    return schema == get_namespace_oid("clinic", true) || schema == get_namespace_oid("clinic_private", true) ||
           schema == get_namespace_oid("clinic_data", true);
}

// C functions are a superuser's. Without arguments nothing is handed on.
bool function_tells(Oid function, void *) {
    const HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(row))
        return true;
    const auto &form = *reinterpret_cast<const FormData_pg_proc *>(GETSTRUCT(row));
    const bool acts = form.provolatile == PROVOLATILE_VOLATILE && form.pronargs > 0;
    const bool known =
        function < FirstNormalObjectId || is_ours(form.pronamespace) ||
        (form.prokind == PROKIND_FUNCTION && (form.prolang == INTERNALlanguageId || form.prolang == ClanguageId));
    ReleaseSysCache(row);
    return acts || !known;
}

// Constraints of a domain call functions, also within a row or an array.
bool type_tells(Oid type) {
    if (type < FirstNormalObjectId)
        return false;
    const HeapTuple row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(row))
        return true;
    const auto &form = *reinterpret_cast<const FormData_pg_type *>(GETSTRUCT(row));
    const bool checks = form.typtype != TYPTYPE_BASE && form.typtype != TYPTYPE_ENUM && !is_ours(form.typnamespace);
    const Oid element = form.typelem;
    ReleaseSysCache(row);
    return checks || (OidIsValid(element) && type_tells(element));
}

bool types_tell(const List *types) {
    ListCell *cell = nullptr;
    foreach (cell, types)
        if (type_tells(lfirst_oid(cell)))
            return true;
    return false;
}

#if PG_VERSION_NUM >= 160000
using Walker = tree_walker_callback;
#else
using Walker = bool (*)();
#endif
Walker walker(bool (*visit)(Node *, void *)) { return reinterpret_cast<Walker>(reinterpret_cast<void (*)()>(visit)); }

bool tells(Node *node, void *context) {
    if (node == nullptr)
        return false;
    switch (nodeTag(node)) {
    case T_Query:
        return query_tree_walker(reinterpret_cast<Query *>(node), walker(tells), context, 0);
    case T_FuncExpr:
    case T_CoerceToDomain:
    case T_CoerceViaIO:
    case T_ArrayCoerceExpr:
#if PG_VERSION_NUM >= 170000
    case T_JsonExpr:
#endif
        if (type_tells(exprType(node)))
            return true;
        break;
    case T_RangeTblFunction:
        if (types_tell(reinterpret_cast<RangeTblFunction *>(node)->funccoltypes))
            return true;
        break;
    case T_TableFunc:
        if (types_tell(reinterpret_cast<TableFunc *>(node)->coltypes))
            return true;
        break;
    default:
        break;
    }
    return check_functions_in_node(node, function_tells, context) ||
           expression_tree_walker(node, walker(tells), context);
}

bool reads(Node *node, void *context) {
    if (node == nullptr)
        return false;
    if (IsA(node, RangeTblEntry)) {
        const auto &entry = *reinterpret_cast<RangeTblEntry *>(node);
        return entry.rtekind == RTE_RELATION && entry.relkind != RELKIND_VIEW &&
               cpp_boundary([&entry] { return watched_relation(entry.relid) != nullptr; });
    }
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<Query *>(node), walker(reads), context, QTW_EXAMINE_RTES_BEFORE);
    return expression_tree_walker(node, walker(reads), context);
}

} // namespace

bool can_tell(const Query &query) {
    auto *node = reinterpret_cast<Node *>(const_cast<Query *>(&query));
    return pg_call([node] { return reads(node, nullptr) && tells(node, nullptr); });
}

bool can_tell(const List *expressions) {
    auto *node = reinterpret_cast<Node *>(const_cast<List *>(expressions));
    return pg_call([node] { return tells(node, nullptr); });
}

void mark_telling(PlannedStmt &plan) {
    pg_call([&plan] {
        auto *item = makeNode(PlanInvalItem);
        item->cacheId = mark;
        plan.invalItems = lappend(plan.invalItems, item);
    });
}

bool is_telling(const PlannedStmt &plan) {
    ListCell *cell = nullptr;
    foreach (cell, plan.invalItems)
        if (static_cast<const PlanInvalItem *>(lfirst(cell))->cacheId == mark)
            return true;
    return false;
}

} // namespace pg_clinic::pg
