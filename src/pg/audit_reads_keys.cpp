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

// ---- Which columns of its entries a query uses

// Up to version 15 the server's walkers take a function without a prototype.
#if PG_VERSION_NUM >= 160000
using Walker = tree_walker_callback;
#else
using Walker = bool (*)();
#endif

// Columns of a query's result that what is around it uses; a whole row uses all. Plain data, in the present memory context.
struct Wanted {
    bool all = true;
    const Bitmapset *columns = nullptr;

    bool has(const TargetEntry &target) const {
        return all || target.resjunk || target.ressortgroupref != 0 || bms_is_member(target.resno, columns);
    }
};

struct Uses {
    const List *entries; // of the query
    Bitmapset **columns; // by entry, counted from 0; bit 0 is the whole row
    int level;           // of queries below that one
};

bool note_uses(Node *node, void *uses);

Walker noting() { return reinterpret_cast<Walker>(reinterpret_cast<void (*)()>(&note_uses)); }

void note_variable(const Var &variable, Uses &uses) {
    if (static_cast<int>(variable.varlevelsup) != uses.level || IS_SPECIAL_VARNO(variable.varno) ||
        variable.varattno < 0)
        return;
    const auto &entry =
        *static_cast<const RangeTblEntry *>(list_nth(uses.entries, static_cast<int>(variable.varno) - 1));
    if (entry.rtekind != RTE_JOIN) {
        Bitmapset *&columns = uses.columns[variable.varno - 1];
        columns = bms_add_member(columns, variable.varattno);
        return;
    }
    // A column of a join stands for one of what is joined.
    Uses here{uses.entries, uses.columns, 0};
    ListCell *cell = nullptr;
    foreach (cell, entry.joinaliasvars)
        if (variable.varattno == 0 || foreach_current_index(cell) + 1 == variable.varattno)
            (void)note_uses(static_cast<Node *>(lfirst(cell)), &here);
}

bool note_uses(Node *node, void *argument) {
    auto &uses = *static_cast<Uses *>(argument);
    if (node == nullptr)
        return false;
    if (IsA(node, Var)) {
        note_variable(*reinterpret_cast<const Var *>(node), uses);
        return false;
    }
    if (!IsA(node, Query))
        return expression_tree_walker(node, noting(), argument);
    ++uses.level;
    (void)query_tree_walker(reinterpret_cast<Query *>(node), noting(), argument, QTW_IGNORE_JOINALIASES);
    --uses.level;
    return false;
}

// By entry of the query, of which `wanted` is used in turn.
Wanted *uses_of(const Query &query, const Wanted &wanted) {
    return pg_call([&query, &wanted] {
        const auto count = static_cast<std::size_t>(list_length(query.rtable));
        Uses uses{query.rtable, static_cast<Bitmapset **>(palloc0(sizeof(Bitmapset *) * (count + 1))), 0};
        Query rest = query;
        rest.targetList = NIL;
        (void)query_tree_walker(&rest, noting(), &uses, QTW_IGNORE_JOINALIASES);
        ListCell *cell = nullptr;
        foreach (cell, query.targetList)
            if (const auto *target = static_cast<const TargetEntry *>(lfirst(cell)); wanted.has(*target))
                (void)note_uses(reinterpret_cast<Node *>(target->expr), &uses);
        auto *out = static_cast<Wanted *>(palloc0(sizeof(Wanted) * (count + 1)));
        for (std::size_t i = 0; i < count; ++i)
            out[i] = {query.setOperations != nullptr || bms_is_member(0, uses.columns[i]), uses.columns[i]};
        return out;
    });
}

// ---- Which keys entries offer

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

// A column of the result that is this variable as it is, and is used: what is not is computed as null.
bool emits(const Query &query, const Wanted &wanted, int number, AttrNumber column) {
    ListCell *cell = nullptr;
    foreach (cell, query.targetList) {
        const auto &target = *static_cast<const TargetEntry *>(lfirst(cell));
        if (!IsA(target.expr, Var) || !wanted.has(target))
            continue;
        const auto &variable = *reinterpret_cast<const Var *>(target.expr);
        if (variable.varno == number && variable.varattno == column && variable.varlevelsup == 0)
            return true;
    }
    return false;
}

// `like`: a variable of the same entry in the result, nullable by the same joins. Rights are not asked for it: it leaves nothing.
void add_column(Query &query, const Wanted &wanted, const Var *like, AttrNumber column) {
    if (column == 0 || emits(query, wanted, like->varno, column))
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

// Variables of the query's own entries; what queries around it lend to a lateral one is theirs.
bool note_own_variable(Node *node, void *found) {
    if (node == nullptr)
        return false;
    if (!IsA(node, Var))
        return expression_tree_walker(node, reinterpret_cast<Walker>(reinterpret_cast<void (*)()>(&note_own_variable)),
                                      found);
    if (reinterpret_cast<const Var *>(node)->varlevelsup == 0)
        *static_cast<List **>(found) = lappend(*static_cast<List **>(found), node);
    return false;
}

// Of the tables and subqueries that the used columns of the result come from: with no others would an unused join be kept.
void add_own_keys(Query &query, const Wanted &wanted) {
    const List *variables = pg_call([&query, &wanted] {
        List *used = NIL;
        ListCell *cell = nullptr;
        foreach (cell, query.targetList)
            if (const auto *target = static_cast<const TargetEntry *>(lfirst(cell)); wanted.has(*target))
                used = lappend(used, target->expr);
        List *found = NIL;
        (void)note_own_variable(reinterpret_cast<Node *>(used), &found);
        return static_cast<const List *>(found);
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
            add_column(query, wanted, variable, offer.columns.key);
            add_column(query, wanted, variable, offer.columns.patient);
            add_column(query, wanted, variable, offer.columns.tenant);
        }
    }
}

void add_below(Query &query, const Wanted &wanted);

// Queries below lose their rows' keys only where they are cut or computed apart; others are joined with what is above them. Views with
// security_barrier are computed apart: of what they join, the rows count that come out.
void add_to(Query &query, bool apart, const Wanted &wanted) {
    pg_call([] { check_stack_depth(); });
    if (is_plain(query) &&
        (apart || query.limitCount != nullptr || query.limitOffset != nullptr || query.sortClause != nullptr))
        add_own_keys(query, wanted);
    add_below(query, wanted);
}

void add_below(Query &query, const Wanted &wanted) {
    const Wanted *used = nullptr;
    ListCell *cell = nullptr;
    foreach (cell, query.rtable)
        if (const auto &entry = *static_cast<const RangeTblEntry *>(lfirst(cell)); entry.rtekind == RTE_SUBQUERY) {
            if (used == nullptr)
                used = uses_of(query, wanted);
            add_to(*entry.subquery, entry.security_barrier, used[foreach_current_index(cell)]);
        }
    foreach (cell, query.cteList)
        if (const auto &cte = *static_cast<const CommonTableExpr *>(lfirst(cell));
            IsA(cte.ctequery, Query) && !cte.cterecursive)
            add_to(*reinterpret_cast<Query *>(cte.ctequery), true, Wanted{});
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

void add_hidden_keys(Query &query) { add_to(query, true, Wanted{}); }

} // namespace pg_clinic::pg
