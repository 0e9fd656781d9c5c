// Hidden key columns: see audit_reads_keys.hpp.
#include "pg/audit_reads_keys.hpp"

#include "pg/audit_reads_relations.hpp"
#include "pg/boundary.hpp"

extern "C" {
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
}

namespace pg_clinic::pg {

namespace {

struct Columns {
    AttrNumber key = 0, patient = 0, tenant = 0;
};

bool is_plain(const Query &query) {
    return query.commandType == CMD_SELECT && query.utilityStmt == nullptr && query.setOperations == nullptr &&
           query.groupClause == nullptr && query.groupingSets == nullptr && !query.hasAggs &&
           query.havingQual == nullptr && query.distinctClause == nullptr && !query.hasTargetSRFs;
}

const RangeTblEntry &entry_of(const Query &query, int number) {
    return *static_cast<const RangeTblEntry *>(list_nth(query.rtable, number - 1));
}

// Which columns of a range table entry are the keys of which marked table: of a subquery, those that it passes on as they are.
struct Offer {
    Oid root = InvalidOid;
    Columns columns;
};

std::vector<Offer> offers_of(const RangeTblEntry &entry, const Query &around);

// What a query below passes on as it is.
void add_passed_on(std::vector<Offer> &offers, const Query &query);

// The query of an entry that has one: a subquery, or a CTE of the query around it.
const Query *query_of(const RangeTblEntry &entry, const Query &around) {
    if (entry.rtekind == RTE_SUBQUERY)
        return entry.subquery;
    if (entry.rtekind != RTE_CTE || entry.ctelevelsup != 0 || entry.self_reference)
        return nullptr;
    ListCell *cell = nullptr;
    foreach (cell, around.cteList)
        if (const auto &cte = *static_cast<const CommonTableExpr *>(lfirst(cell));
            std::strcmp(cte.ctename, entry.ctename) == 0 && !cte.cterecursive && IsA(cte.ctequery, Query))
            return reinterpret_cast<const Query *>(cte.ctequery);
    return nullptr;
}

std::vector<Offer> offers_of(const RangeTblEntry &entry, const Query &around) {
    std::vector<Offer> offers;
    if (entry.rtekind == RTE_RELATION && entry.relkind != RELKIND_VIEW) {
        if (const auto relation = watched_relation(entry.relid); relation != nullptr && relation->key != 0)
            offers.push_back({relation->root, {relation->key, relation->patient, relation->tenant}});
        return offers;
    }
    if (const Query *query = query_of(entry, around); query != nullptr && query->commandType == CMD_SELECT &&
                                                      query->setOperations == nullptr && query->groupingSets == nullptr)
        add_passed_on(offers, *query);
    return offers;
}

void add_passed_on(std::vector<Offer> &offers, const Query &query) {
    ListCell *cell = nullptr;
    int number = 0;
    foreach (cell, query.rtable) {
        ++number;
        for (const Offer &inner : offers_of(*static_cast<const RangeTblEntry *>(lfirst(cell)), query)) {
            Offer outer{inner.root, {}};
            ListCell *column = nullptr;
            foreach (column, query.targetList) {
                const auto &target = *static_cast<const TargetEntry *>(lfirst(column));
                if (target.resjunk || !IsA(target.expr, Var))
                    continue;
                const auto &variable = *reinterpret_cast<const Var *>(target.expr);
                if (variable.varno != number || variable.varlevelsup != 0 || variable.varattno <= 0)
                    continue;
                if (variable.varattno == inner.columns.key)
                    outer.columns.key = target.resno;
                if (variable.varattno == inner.columns.patient)
                    outer.columns.patient = target.resno;
                if (variable.varattno == inner.columns.tenant)
                    outer.columns.tenant = target.resno;
            }
            if (outer.columns.key != 0)
                offers.push_back(outer);
        }
    }
}

// A column of the result that is this variable as it is.
bool emits(const Query &query, int number, AttrNumber column) {
    ListCell *cell = nullptr;
    foreach (cell, query.targetList) {
        const auto &target = *static_cast<const TargetEntry *>(lfirst(cell));
        if (!IsA(target.expr, Var))
            continue;
        const auto &variable = *reinterpret_cast<const Var *>(target.expr);
        if (variable.varno == number && variable.varattno == column && variable.varlevelsup == 0)
            return true;
    }
    return false;
}

// `like`: a variable of the same entry in the result, nullable by the same joins. Rights are not asked for it: it leaves nothing.
void add_column(Query &query, const Var *like, AttrNumber column) {
    if (column == 0 || emits(query, like->varno, column))
        return;
    pg_call([&query, like, column] {
        auto *variable = static_cast<Var *>(copyObjectImpl(like));
        variable->varattno = column;
        variable->vartype = UUIDOID;
        variable->vartypmod = -1;
        variable->varcollid = InvalidOid;
        variable->varnosyn = static_cast<Index>(like->varno);
        variable->varattnosyn = column;
        const auto resno = static_cast<AttrNumber>(list_length(query.targetList) + 1);
        query.targetList = lappend(
            query.targetList, makeTargetEntry(reinterpret_cast<Expr *>(variable), resno, pstrdup("clinic_key"), true));
    });
}

void add_own_keys(Query &query) {
    const List *variables = pg_call([&query] {
        return pull_var_clause(reinterpret_cast<Node *>(query.targetList),
                               PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS | PVC_RECURSE_PLACEHOLDERS);
    });
    std::vector<int> seen;
    ListCell *cell = nullptr;
    foreach (cell, variables) {
        const auto *variable = static_cast<const Var *>(lfirst(cell));
        if (variable->varlevelsup != 0 || IS_SPECIAL_VARNO(variable->varno) ||
            std::find(seen.begin(), seen.end(), variable->varno) != seen.end())
            continue;
        seen.push_back(variable->varno);
        for (const Offer &offer : offers_of(entry_of(query, static_cast<int>(variable->varno)), query)) {
            add_column(query, variable, offer.columns.key);
            add_column(query, variable, offer.columns.patient);
            add_column(query, variable, offer.columns.tenant);
        }
    }
}

void add_below(Query &query);

// Queries below lose their rows' keys only where they are cut or computed apart; others are joined with what is above them.
void add_to(Query &query, bool apart) {
    pg_call([] { check_stack_depth(); });
    if (is_plain(query) &&
        (apart || query.limitCount != nullptr || query.limitOffset != nullptr || query.sortClause != nullptr))
        add_own_keys(query);
    add_below(query);
}

void add_below(Query &query) {
    ListCell *cell = nullptr;
    foreach (cell, query.rtable)
        if (const auto &entry = *static_cast<const RangeTblEntry *>(lfirst(cell)); entry.rtekind == RTE_SUBQUERY)
            add_to(*entry.subquery, false);
    foreach (cell, query.cteList)
        if (const auto &cte = *static_cast<const CommonTableExpr *>(lfirst(cell));
            IsA(cte.ctequery, Query) && !cte.cterecursive)
            add_to(*reinterpret_cast<Query *>(cte.ctequery), true);
}

void add_name(List *&names, const std::string &name) {
    ListCell *cell = nullptr;
    foreach (cell, names)
        if (name == static_cast<const char *>(lfirst(cell)))
            return;
    const char *text = name.c_str();
    names = pg_call([names, text] { return lappend(names, pstrdup(text)); });
}

void add_names(List *&names, const Query &query) {
    pg_call([] { check_stack_depth(); });
    ListCell *cell = nullptr;
    foreach (cell, query.rtable) {
        const auto &entry = *static_cast<const RangeTblEntry *>(lfirst(cell));
        if (entry.rtekind == RTE_SUBQUERY)
            add_names(names, *entry.subquery);
        else if (entry.rtekind == RTE_RELATION && entry.relkind != RELKIND_VIEW)
            if (const auto relation = watched_relation(entry.relid); relation != nullptr)
                add_name(names, relation->name);
    }
    foreach (cell, query.cteList)
        if (const auto &cte = *static_cast<const CommonTableExpr *>(lfirst(cell)); IsA(cte.ctequery, Query))
            add_names(names, *reinterpret_cast<const Query *>(cte.ctequery));
}

} // namespace

List *watched_names(const Query &query) {
    List *names = NIL;
    if (query.utilityStmt == nullptr)
        add_names(names, query);
    return names;
}

void add_hidden_keys(Query &query) { add_to(query, true); }

} // namespace pg_clinic::pg
