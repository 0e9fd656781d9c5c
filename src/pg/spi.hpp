// SQL from C++: kept plans with typed arguments and typed rows.
//
//     static constinit KeptPlan hours{"SELECT starts_at, name FROM clinic_data.x WHERE tenant_id = $1 AND on_date = $2"};
//     Spi spi;
//     for (const Row row : spi.query(hours, tenant, day)) { auto at = row.get<core::Instant>(0); ... }
//
// A KeptPlan is prepared once per backend with the C++ types of its first use. Kept plans belong only into functions
// that are never SECURITY INVOKER. SPI never changes the caller's memory context.
#pragma once

#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/postgres.hpp"

namespace pg_clinic::pg {

struct KeptPlan {
    const char *sql;
    SPIPlanPtr plan = nullptr;
};

enum class View : std::uint8_t {
    transaction, // what an ordinary statement sees; sees what this function has done so far
    active,      // the caller's snapshot, read only: a STABLE function's view
    latest,      // everything committed by now, in every isolation level
    fresh        // the same for reading alone: begins no command, so that STABLE functions may
};

struct QueryOptions {
    View view = View::transaction;
    std::int64_t limit = 0; // rows; 0 is no limit
};

// One result row. Columns count from 0; asking for another type than the column's is an internal error.
class Row {
  public:
    Row(HeapTuple tuple, TupleDesc shape) : tuple_(tuple), shape_(shape) {}

    template <class T> T get(int column) const {
        const NullableValue v = value(column, Sql<T>::type);
        if (v.is_null)
            null_error(column);
        return Sql<T>::from(v.value);
    }

    template <class T> std::optional<T> optional(int column) const {
        const NullableValue v = value(column, Sql<T>::type);
        return v.is_null ? std::nullopt : std::optional<T>(Sql<T>::from(v.value));
    }

    bool is_null(int column) const { return value(column, InvalidOid).is_null; }

  private:
    NullableValue value(int column, Oid expected) const; // InvalidOid: any type
    [[noreturn]] void null_error(int column) const;

    HeapTuple tuple_;
    TupleDesc shape_;
};

// The rows of one query; freed with this object.
class Rows {
  public:
    Rows(SPITupleTable *table, std::uint64_t affected);
    Rows(Rows &&other) noexcept : table_(std::exchange(other.table_, nullptr)), affected_(other.affected_) {}
    Rows(const Rows &) = delete;
    Rows &operator=(const Rows &) = delete;
    ~Rows();

    std::size_t size() const { return table_ == nullptr ? 0 : static_cast<std::size_t>(table_->numvals); }
    bool empty() const { return size() == 0; }
    std::uint64_t affected() const { return affected_; } // rows read, or changed by INSERT, UPDATE, DELETE
    Row operator[](std::size_t i) const { return Row(table_->vals[i], table_->tupdesc); }

    class Iterator {
      public:
        Iterator(const Rows *rows, std::size_t i) : rows_(rows), i_(i) {}
        Row operator*() const { return (*rows_)[i_]; }
        Iterator &operator++() {
            ++i_;
            return *this;
        }
        bool operator!=(const Iterator &other) const { return i_ != other.i_; }

      private:
        const Rows *rows_;
        std::size_t i_;
    };
    Iterator begin() const { return {this, 0}; }
    Iterator end() const { return {this, size()}; }

  private:
    SPITupleTable *table_;
    std::uint64_t affected_;
    int exceptions_ = std::uncaught_exceptions();
};

// A connection to SPI for the length of a scope. Left by an exception it does nothing: the (sub)transaction's abort,
// which must follow, cleans up.
class Spi {
  public:
    Spi();
    ~Spi();
    Spi(const Spi &) = delete;
    Spi &operator=(const Spi &) = delete;

    template <class... T> Rows query(KeptPlan &plan, const T &...arguments) {
        return query_with(plan, QueryOptions{}, arguments...);
    }

    template <class... T> Rows query_with(KeptPlan &plan, QueryOptions options, const T &...arguments) {
        if (plan.plan == nullptr) {
            std::array<Oid, sizeof...(T) + 1> types{TypeOf<T>::oid..., InvalidOid};
            prepare(plan, types.data(), static_cast<int>(sizeof...(T)));
        }
        const std::array<NullableValue, sizeof...(T) + 1> values{nullable(arguments)..., NullableValue{}};
        return execute(plan, values.data(), static_cast<int>(sizeof...(T)), options);
    }

    // Hands the rows of a large result to visit, a batch at a time; visit returns false to stop.
    template <class Visit, class... T>
    void each(KeptPlan &plan, QueryOptions options, Visit visit, const T &...arguments) {
        if (plan.plan == nullptr) {
            std::array<Oid, sizeof...(T) + 1> types{TypeOf<T>::oid..., InvalidOid};
            prepare(plan, types.data(), static_cast<int>(sizeof...(T)));
        }
        const std::array<NullableValue, sizeof...(T) + 1> values{nullable(arguments)..., NullableValue{}};
        Portal portal = open(plan, values.data(), static_cast<int>(sizeof...(T)), options);
        for (bool wanted = true; wanted;) {
            const Rows rows = fetch(portal);
            wanted = !rows.empty();
            for (std::size_t i = 0; wanted && i < rows.size(); ++i)
                wanted = visit(rows[i]);
        }
        close(portal);
    }

  private:
    static void prepare(KeptPlan &plan, Oid *types, int count);
    static Rows execute(const KeptPlan &plan, const NullableValue *values, int count, QueryOptions options);
    static Portal open(const KeptPlan &plan, const NullableValue *values, int count, QueryOptions options);
    static Rows fetch(Portal portal);
    static void close(Portal portal);

    int exceptions_ = std::uncaught_exceptions();
};

} // namespace pg_clinic::pg
