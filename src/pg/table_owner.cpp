// Statements of the engine on tables that are not its own: they run with the rights of the table's owner, since its triggers, policies,
// checks and index expressions are the owner's.
#include "pg/as_role.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"

namespace pg_clinic::pg {

namespace {

Oid owner_of(Oid relation) {
    return pg_call([relation] {
        HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
        if (!HeapTupleIsValid(tuple))
            return InvalidOid;
        const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
        ReleaseSysCache(tuple);
        return owner;
    });
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.query_as_owner(relation, statement, parameters): the one value that the statement gives
CLINIC_FUNCTION(clinic_query_as_owner) {
    const Args args(fcinfo);
    const Oid owner = owner_of(DatumGetObjectId(args.datum(0)));
    if (!OidIsValid(owner))
        fail(ERRCODE_UNDEFINED_TABLE, "there is no such table");
    const auto statement = args.get<std::string>(1);
    const Datum parameters = args.datum(2);
    std::optional<Json> value;
    {
        const AsRole as_owner(owner);
        const Spi spi;
        NullableValue found;
        const bool is_one = pg_call([&statement, parameters, &found] {
            MemoryContext caller = CurrentMemoryContext;
            Oid type = JSONBOID;
            Datum given = parameters;
            const bool one =
                SPI_execute_with_args(statement.c_str(), 1, &type, &given, nullptr, false, 2) == SPI_OK_SELECT &&
                SPI_processed == 1;
            if (one)
                found.value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &found.is_null);
            MemoryContextSwitchTo(caller);
            return one;
        });
        if (!is_one)
            throw core::Error(core::ErrorCode::internal, "the statement gives no single value");
        if (!found.is_null)
            value = Sql<Json>::from(found.value);
    }
    return value ? returning(fcinfo, *value) : returning_null(fcinfo);
}
