// Compiled checks and defaults: see row_rules.hpp.
#include "pg/row_rules.hpp"

#include <unordered_map>

#include "pg/boundary.hpp"

extern "C" {
#include "utils/inval.h"
}

namespace pg_clinic::pg {

namespace {

using Rules = std::unordered_map<Oid, std::shared_ptr<RowRules>>;

constinit Rules *kept = nullptr; // lives as long as the process
// Set by invalidations, which may come while a row is written: what is changed is forgotten before the next lookup.
constinit bool is_stale = false;

void at_change_of_relation(Datum, Oid relation) noexcept {
    is_stale = is_stale || !OidIsValid(relation) || kept->contains(relation);
}
void at_change_of_object(Datum, int, uint32) noexcept { is_stale = true; }

void watch() {
    pg_call([] {
        CacheRegisterRelcacheCallback(at_change_of_relation, Datum{0});
        for (const int objects : {static_cast<int>(CONSTROID), static_cast<int>(PROCOID), static_cast<int>(TYPEOID)})
            CacheRegisterSyscacheCallback(objects, at_change_of_object, Datum{0});
    });
}

// The null of a column, refused by a domain that does not allow it.
Node *null_of(Form_pg_attribute attribute) {
    return coerce_null_to_domain(attribute->atttypid, attribute->atttypmod, attribute->attcollation, attribute->attlen,
                                 attribute->attbyval);
}

ExprState *compiled(Node *expression) {
    return ExecInitExpr(expression_planner(reinterpret_cast<Expr *>(expression)), nullptr);
}

// ExecRelCheck's, in memory that outlives the statement.
ExprState **compiled_checks(const TupleConstr *rules) {
    const int count = rules == nullptr ? 0 : rules->num_check;
    if (count == 0)
        return nullptr;
    auto **checks = static_cast<ExprState **>(palloc0(sizeof(ExprState *) * static_cast<std::size_t>(count)));
    for (int i = 0; i < count; ++i) {
#if PG_VERSION_NUM >= 180000
        if (!rules->check[i].ccenforced)
            continue;
#endif
        checks[i] = compiled(static_cast<Node *>(stringToNode(rules->check[i].ccbin)));
    }
    return checks;
}

} // namespace

RowRules::RowRules(Relation table)
    : memory_(pg_call(
          [] { return AllocSetContextCreate(TopMemoryContext, "pg_clinic rules of a table", ALLOCSET_SMALL_SIZES); })) {
    pg_call([this, table] {
        MemoryContext caller = MemoryContextSwitchTo(memory_);
        checks_ = compiled_checks(RelationGetDescr(table)->constr);
        defaults_ = static_cast<ExprState **>(
            palloc0(sizeof(ExprState *) * static_cast<std::size_t>(RelationGetDescr(table)->natts)));
        MemoryContextSwitchTo(caller);
    });
}

RowRules::~RowRules() { MemoryContextDelete(memory_); }

ExprState *RowRules::default_of(Relation table, int column) {
    if (defaults_[column] == nullptr)
        pg_call([this, table, column] {
            const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), column);
            if (attribute->attisdropped || attribute->attgenerated != '\0')
                return;
            MemoryContext caller = MemoryContextSwitchTo(memory_);
            Node *expression = build_column_default(table, column + 1);
            defaults_[column] = compiled(expression == nullptr ? null_of(attribute) : expression);
            MemoryContextSwitchTo(caller);
        });
    return defaults_[column];
}

std::shared_ptr<RowRules> row_rules(Relation table) {
    if (kept == nullptr) {
        kept = new Rules;
        watch();
    }
    if (is_stale) {
        kept->clear();
        is_stale = false;
    }
    const Oid id = RelationGetRelid(table);
    if (const auto known = kept->find(id); known != kept->end())
        return known->second;
    auto rules = std::make_shared<RowRules>(table);
    return kept->emplace(id, std::move(rules)).first->second;
}

void discard_row_rules() noexcept { is_stale = true; }

} // namespace pg_clinic::pg
