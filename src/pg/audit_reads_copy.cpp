// COPY of marked tables: see audit_reads_copy.hpp.
#include "pg/audit_reads_copy.hpp"

#include "pg/audit_reads_relations.hpp"
#include "pg/boundary.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "tcop/utility.h"
}

namespace pg_clinic::pg {

namespace {

constinit ProcessUtility_hook_type next_utility = nullptr;

List *own_columns(Oid relation) {
    const Relation table = table_open(relation, NoLock);
    List *names = NIL;
    for (int i = 0; i < RelationGetDescr(table)->natts; ++i)
        if (const FormData_pg_attribute *column = TupleDescAttr(RelationGetDescr(table), i);
            !column->attisdropped && column->attgenerated == '\0')
            names = lappend(names, makeString(pstrdup(NameStr(column->attname))));
    table_close(table, NoLock);
    return names;
}

Node *query_of(const CopyStmt &copy, Oid relation) {
    const List *names = copy.attlist != NIL ? copy.attlist : own_columns(relation);
    auto *select = makeNode(SelectStmt);
    ListCell *cell = nullptr;
    foreach (cell, names) {
        auto *column = makeNode(ColumnRef);
        column->fields = list_make1(copyObjectImpl(lfirst(cell)));
        column->location = -1;
        auto *target = makeNode(ResTarget);
        target->val = reinterpret_cast<Node *>(column);
        target->location = -1;
        select->targetList = lappend(select->targetList, target);
    }
    auto *from = makeRangeVar(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation), -1);
    from->inh = false;
    select->fromClause = list_make1(from);
    return reinterpret_cast<Node *>(select);
}

// The statement to run instead; the same where the table is not marked.
PlannedStmt *judged(PlannedStmt *statement) {
    if (statement->utilityStmt == nullptr || !IsA(statement->utilityStmt, CopyStmt))
        return statement;
    const auto &given = *reinterpret_cast<const CopyStmt *>(statement->utilityStmt);
    if (given.is_from || given.relation == nullptr || !IsTransactionState())
        return statement;
    const Oid relation = pg_call([&given] { return RangeVarGetRelid(given.relation, AccessShareLock, true); });
    if (!OidIsValid(relation) || pg_call([relation] { return get_rel_relkind(relation); }) != RELKIND_RELATION ||
        watched_relation(relation) == nullptr)
        return statement;
    return pg_call([statement, relation] {
        auto *copy = static_cast<PlannedStmt *>(copyObjectImpl(statement));
        auto *made = reinterpret_cast<CopyStmt *>(copy->utilityStmt);
        made->query = query_of(*made, relation);
        made->relation = nullptr;
        made->attlist = NIL;
        return copy;
    });
}

void utility_hook(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
                  ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *receiver,
                  QueryCompletion *completion) {
    statement = cpp_boundary([statement] { return judged(statement); });
    (next_utility != nullptr ? next_utility : standard_ProcessUtility)(statement, text, read_only_tree, context,
                                                                       parameters, environment, receiver, completion);
}

} // namespace

void install_copied_tables() {
    next_utility = ProcessUtility_hook;
    ProcessUtility_hook = utility_hook;
}

} // namespace pg_clinic::pg
