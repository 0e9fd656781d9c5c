// SQL from C++: see spi.hpp.
#include "pg/spi.hpp"

namespace pg_clinic::pg {

namespace {

constexpr int max_arguments = 64;
constexpr long batch_size = 1000;

// Arguments in the form SPI takes them.
struct Arguments {
    Datum values[max_arguments];
    char nulls[max_arguments + 1];
};

Arguments spread(const NullableValue *values, int count) {
    if (count > max_arguments)
        throw core::Error(core::ErrorCode::internal, "too many arguments for one statement");
    Arguments out{};
    for (int i = 0; i < count; ++i) {
        out.values[i] = values[i].value;
        out.nulls[i] = values[i].is_null ? 'n' : ' ';
    }
    return out;
}

// Calls SPI and puts the memory context back, which SPI leaves at its own.
template <class Body> detail::ResultOf<Body> spi_call(Body body) {
    return pg_call([&body] {
        MemoryContext caller = CurrentMemoryContext;
        if constexpr (std::is_void_v<detail::ResultOf<Body>>) {
            body();
            MemoryContextSwitchTo(caller);
        } else {
            auto result = body();
            MemoryContextSwitchTo(caller);
            return result;
        }
    });
}

[[noreturn]] void spi_error(const char *what, int code) {
    throw core::Error(core::ErrorCode::internal, std::string(what) + ": " + SPI_result_code_string(code));
}

bool same_type(Oid actual, Oid expected) {
    if (actual == expected)
        return true;
    return pg_call([actual] { return getBaseType(actual); }) == expected;
}

} // namespace

NullableValue Row::value(int column, Oid expected) const {
    if (column < 0 || column >= shape_->natts)
        throw core::Error(core::ErrorCode::internal, "no result column " + std::to_string(column));
    const Oid actual = TupleDescAttr(shape_, column)->atttypid;
    if (expected != InvalidOid && !same_type(actual, expected))
        throw core::Error(core::ErrorCode::internal, "result column " + std::to_string(column) + " has type " +
                                                         std::to_string(actual) + ", not " + std::to_string(expected));
    // Not behind the gate, which costs more: taking a column that is there out of a row raises nothing.
    NullableValue v;
    v.value = heap_getattr(tuple_, column + 1, shape_, &v.is_null);
    return v;
}

void Row::null_error(int column) const {
    throw core::Error(core::ErrorCode::internal, "result column " + std::to_string(column) + " is null");
}

Rows::Rows(SPITupleTable *table, std::uint64_t affected) : table_(table), affected_(affected) {}

Rows::~Rows() {
    if (table_ != nullptr && std::uncaught_exceptions() == exceptions_)
        SPI_freetuptable(table_);
}

Spi::Spi() {
    const int code = spi_call([] { return SPI_connect(); });
    if (code != SPI_OK_CONNECT)
        spi_error("could not connect to SPI", code);
}

Spi::~Spi() {
    if (std::uncaught_exceptions() != exceptions_)
        return;
    MemoryContext caller = CurrentMemoryContext;
    SPI_finish();
    MemoryContextSwitchTo(caller);
}

void Spi::prepare(KeptPlan &plan, Oid *types, int count) {
    const char *sql = plan.sql;
    SPIPlanPtr prepared = spi_call([sql, types, count] { return SPI_prepare(sql, count, types); });
    if (prepared == nullptr)
        spi_error("could not prepare a statement", SPI_result);
    if (const int code = spi_call([prepared] { return SPI_keepplan(prepared); }); code != 0)
        spi_error("could not keep a plan", code);
    plan.plan = prepared;
}

Rows Spi::execute(const KeptPlan &plan, const NullableValue *values, int count, QueryOptions options) {
    Arguments arguments = spread(values, count);
    Arguments *a = &arguments;
    SPIPlanPtr prepared = plan.plan;
    const int code = spi_call([prepared, a, options] {
        const auto limit = static_cast<long>(options.limit);
        if (options.view == View::latest || options.view == View::fresh)
            return SPI_execute_snapshot(prepared, a->values, a->nulls, GetLatestSnapshot(), InvalidSnapshot,
                                        options.view == View::fresh, true, limit);
        return SPI_execute_plan(prepared, a->values, a->nulls, options.view == View::active, limit);
    });
    if (code < 0)
        spi_error("could not execute a statement", code);
    return Rows(SPI_tuptable, SPI_processed);
}

Portal Spi::open(const KeptPlan &plan, const NullableValue *values, int count, QueryOptions options) {
    Arguments arguments = spread(values, count);
    Arguments *a = &arguments;
    SPIPlanPtr prepared = plan.plan;
    if (options.view == View::latest || options.view == View::fresh || options.limit != 0)
        throw core::Error(core::ErrorCode::internal, "a cursor has neither the latest view nor a limit");
    const bool read_only = options.view == View::active;
    return spi_call(
        [prepared, a, read_only] { return SPI_cursor_open(nullptr, prepared, a->values, a->nulls, read_only); });
}

Rows Spi::fetch(Portal portal) {
    spi_call([portal] { SPI_cursor_fetch(portal, true, batch_size); });
    return Rows(SPI_tuptable, SPI_processed);
}

void Spi::close(Portal portal) {
    spi_call([portal] { SPI_cursor_close(portal); });
}

} // namespace pg_clinic::pg
