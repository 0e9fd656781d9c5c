// Functions for test/t/gates.sh: what the gates, SPI and the typed values promise, tried from inside.
#include "pg/datum.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"

extern "C" {
PG_MODULE_MAGIC;
}

namespace pg_clinic::pg {

namespace {

constinit int living = 0; // Counted objects alive now

// An object whose destructor must run.
struct Counted {
    Counted() { ++living; }
    ~Counted() { --living; }
    Counted(const Counted &) = delete;
    Counted &operator=(const Counted &) = delete;
};

[[noreturn]] void throw_by_name(std::string_view name) {
    if (name == "runtime_error")
        throw std::runtime_error("a standard exception");
    if (name == "int")
        throw 42;
    if (name == "bad_alloc")
        throw std::bad_alloc();
    if (name == "length_error")
        std::string().reserve(std::string().max_size() + 1);
    if (name == "core")
        throw core::Error(core::ErrorCode::invalid_parameter, "a core error", "Its detail.", "Its hint.");
    if (name == "domain")
        raise(Code::slot_taken, {}, Detail().add("a", std::int64_t{1}).add("b", "x\"\n"));
    if (name == "long")
        throw std::runtime_error(std::string(1'000'000, 'x'));
    throw core::Error(core::ErrorCode::internal, "unknown name");
}

constinit KeptPlan run_sql{"SELECT gates.run($1)"};
constinit KeptPlan insert_row{"INSERT INTO gates.rows VALUES ($1)"};
constinit KeptPlan count_rows{"SELECT count(*) FROM gates.rows"};
constinit KeptPlan numbers{"SELECT n, n::text, CASE WHEN n % 2 = 0 THEN n END FROM generate_series(1, $1) n"};

} // namespace

// Objects alive; after any error it must be 0.
CLINIC_FUNCTION(gates_living) { return Int32GetDatum(living); }

// Throws a C++ exception over a live object.
CLINIC_FUNCTION(gates_throw) {
    const Counted object;
    throw_by_name(Args(fcinfo).get<std::string>(0));
}

// Runs SQL by SPI, with a live object on each side; errors come back through both gates.
CLINIC_FUNCTION(gates_through_spi) {
    const Counted object;
    Spi spi;
    const Counted inner;
    spi.query(run_sql, Args(fcinfo).get<std::string>(0));
    return 0;
}

// Inserts 1, runs SQL in a subtransaction after inserting 2, inserts 3; returns the error's state, or 'ok'.
CLINIC_FUNCTION(gates_subtransaction) {
    const Counted object;
    const auto sql = Args(fcinfo).get<std::string>(0);
    Spi spi;
    spi.query(insert_row, 1);
    ErrorData *error = subtransaction([&] {
        const Counted inner;
        Spi nested;
        nested.query(insert_row, 2);
        if (sql == "throw")
            throw core::Error(core::ErrorCode::invalid_parameter, "thrown in a subtransaction");
        nested.query(run_sql, sql);
    });
    spi.query(insert_row, 3);
    return text_datum(error == nullptr ? "ok"
                                       : std::string(unpack_sql_state(error->sqlerrcode)) + " " + error->message);
}

// Passes an error on that a subtransaction has brought back.
CLINIC_FUNCTION(gates_rethrow) {
    const Counted object;
    const auto sql = Args(fcinfo).get<std::string>(0);
    Spi spi;
    if (ErrorData *error = subtransaction([&] { spi.query(run_sql, sql); }))
        rethrow(error);
    return 0;
}

// Rows of gates.rows as the three views see them.
CLINIC_FUNCTION(gates_count) {
    const auto name = Args(fcinfo).get<std::string>(0);
    const View view = name == "latest" ? View::latest : name == "active" ? View::active : View::transaction;
    Spi spi;
    return Int64GetDatum(spi.query_with(count_rows, {view, 0})[0].get<std::int64_t>(0));
}

// Reads many rows in batches, checking each; returns their number, stopping at the second argument.
CLINIC_FUNCTION(gates_each) {
    const Args args(fcinfo);
    const auto stop = args.get<std::int32_t>(1);
    std::int32_t seen = 0;
    Spi spi;
    spi.each(
        numbers, {},
        [&](const Row &row) {
            const auto n = row.get<std::int32_t>(0);
            const auto even = row.optional<std::int32_t>(2);
            if (n != ++seen || row.get<std::string>(1) != std::to_string(n) || even.has_value() != (n % 2 == 0) ||
                row.is_null(2) != (n % 2 != 0))
                throw core::Error(core::ErrorCode::internal, "wrong row");
            return n < stop;
        },
        args.get<std::int32_t>(0));
    return Int32GetDatum(seen);
}

// Asks a row for the wrong type, a null, or a missing column.
CLINIC_FUNCTION(gates_wrong_column) {
    const auto what = Args(fcinfo).get<std::string>(0);
    Spi spi;
    const Rows rows = spi.query(numbers, 1);
    if (what == "type")
        rows[0].get<std::string>(0);
    else if (what == "null")
        rows[0].get<std::int32_t>(2);
    else
        rows[0].get<std::int32_t>(3);
    return 0;
}

// Sends values there and back again.
CLINIC_FUNCTION(gates_values) {
    const Args args(fcinfo);
    ResultSet rows(fcinfo);
    rows.add(args.optional<Uuid>(0), args.optional<core::Instant>(1), args.optional<core::LocalTime>(2),
             args.optional<core::Day>(3), args.optional<TimeOfDay>(4), args.optional<core::Duration>(5),
             args.optional<std::vector<Uuid>>(6), args.optional<std::vector<std::string>>(7),
             args.optional<std::vector<core::Instant>>(8), args.optional<Json>(9));
    return rows.done();
}

// Ties an object to the memory of the statement.
CLINIC_FUNCTION(gates_in_context) {
    make_in_context<Counted>(fcinfo->flinfo->fn_mcxt);
    return Int32GetDatum(living);
}

} // namespace pg_clinic::pg
