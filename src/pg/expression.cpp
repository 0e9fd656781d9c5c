// Expressions of the tenant: an SQL expression that ranks candidates, run with the rights of any caller of the API.
//
// Text becomes SQL only after the parser has read it as one expression and nothing else. It runs as clinic_user, may call no
// volatile function, and so neither writes nor reads what callers cannot.
#include "pg/as_role.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"

namespace pg_clinic::pg {

namespace {

constexpr const char *candidates_clause =
    "\n)::pg_catalog.float8 FROM pg_catalog.jsonb_to_recordset($1) AS candidate (place integer, service_id uuid, "
    "patient_id uuid,"
    " provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, bookings bigint, "
    "bookings_that_day integer,"
    " visits_with_patient bigint, is_established boolean, turn bigint, score integer) ORDER BY candidate.place";

Oid user_role() {
    return pg_call([] { return get_role_oid("clinic_user", false); });
}

[[noreturn]] void refuse(const std::string &why) {
    fail(ERRCODE_INVALID_PARAMETER_VALUE, "expression " + why, "The argument is expression.",
         "Write one expression over the columns of candidate, such as candidate.bookings * 2 - candidate.score.",
         "expression");
}

// Calls SPI and puts the memory context back, which SPI leaves at its own.
template <class Body> auto in_our_memory(Body body) {
    return pg_call([&body] {
        MemoryContext caller = CurrentMemoryContext;
        auto result = body();
        MemoryContextSwitchTo(caller);
        return result;
    });
}

// Whether the text is one expression: no clause, no label, no second statement. Raises the parser's own error for what is no SQL.
bool parses_as_expression(const char *expression) {
    return pg_call([expression] {
        List *parsed = raw_parser(expression, RAW_PARSE_PLPGSQL_EXPR);
        if (list_length(parsed) != 1)
            return false;
        auto *select = reinterpret_cast<SelectStmt *>(linitial_node(RawStmt, parsed)->stmt);
        if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 || select->distinctClause != NIL ||
            select->intoClause != nullptr || select->fromClause != NIL || select->whereClause != nullptr ||
            select->groupClause != NIL || select->havingClause != nullptr || select->windowClause != NIL ||
            select->valuesLists != NIL || select->sortClause != NIL || select->limitOffset != nullptr ||
            select->limitCount != nullptr || select->lockingClause != NIL || select->withClause != nullptr ||
            select->op != SETOP_NONE)
            return false;
        const auto *target = linitial_node(ResTarget, select->targetList);
        return target->name == nullptr && target->indirection == NIL;
    });
}

bool is_expression(const char *expression) {
    bool is = false;
    ErrorData *error = subtransaction([&] { is = parses_as_expression(expression); });
    if (error != nullptr && ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION)
        rethrow(error);
    return error == nullptr && is;
}

// Why the analysed query cannot rank candidates; null when it can.
const char *problem_of(SPIPlanPtr plan) {
    return pg_call([plan]() -> const char * {
        ListCell *lc;
        foreach (lc, SPI_plan_get_plan_sources(plan)) {
            const auto *source = static_cast<CachedPlanSource *>(lfirst(lc));
            ListCell *inner;
            foreach (inner, source->query_list) {
                auto *query = lfirst_node(Query, inner);
                if (query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs)
                    return "must give one value for each candidate";
                if (contain_volatile_functions(reinterpret_cast<Node *>(query)))
                    return "calls a volatile function";
            }
        }
        return nullptr;
    });
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.evaluate_expression(expression, candidates)
CLINIC_FUNCTION(clinic_evaluate_expression) {
    const Args args(fcinfo);
    const auto expression = args.required<std::string>(0, "expression");
    const auto candidates = args.required<Json>(1, "candidates");
    if (!is_expression(expression.c_str()))
        refuse("is not one expression");
    const std::string sql = "SELECT (" + expression + candidates_clause;
    ResultSet rows(fcinfo);
    const AsRole as_user(user_role());
    const Spi spi;
    Oid type = JSONBOID;
    const char *statement = sql.c_str();
    const SPIPlanPtr plan = in_our_memory([statement, &type] { return SPI_prepare(statement, 1, &type); });
    if (plan == nullptr)
        throw core::Error(core::ErrorCode::internal, "the expression cannot be prepared");
    if (const char *problem = problem_of(plan))
        refuse(problem);
    Datum value = Sql<Json>::to(candidates);
    if (in_our_memory([plan, &value] { return SPI_execute_plan(plan, &value, nullptr, true, 0); }) != SPI_OK_SELECT)
        throw core::Error(core::ErrorCode::internal, "the expression cannot be executed");
    const std::uint64_t count = SPI_processed;
    SPITupleTable *const table = SPI_tuptable;
    for (std::uint64_t i = 0; i < count; ++i) {
        const NullableValue v = pg_call([table, i] {
            NullableValue out;
            out.value = SPI_getbinval(table->vals[i], table->tupdesc, 1, &out.is_null);
            return out;
        });
        const std::array<NullableValue, 1> row{v};
        rows.add_datums(row);
    }
    return rows.done();
}
