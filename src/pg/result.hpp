// Writes the rows of a set-returning function into a tuplestore, row by row, with typed columns.
//
//     ResultSet rows(fcinfo);
//     rows.add(provider_id, starts_at, std::optional<std::string>{});
//     return rows.done();
#pragma once

#include "pg/datum.hpp"

namespace pg_clinic::pg {

class ResultSet {
  public:
    // For a function that RETURNS TABLE (...) or SETOF a composite, or SETOF one plain type.
    explicit ResultSet(FunctionCallInfo fcinfo);
    ResultSet(const ResultSet &) = delete;
    ResultSet &operator=(const ResultSet &) = delete;

    // Adds a row; values of T or std::optional<T> in the order of the columns. Types are checked against them.
    template <class... T> void add(const T &...values) {
        if (!checked_) {
            constexpr std::array<Oid, sizeof...(T)> types{TypeOf<T>::oid...};
            check(types.data(), static_cast<int>(sizeof...(T)));
        }
        MemoryContext caller = MemoryContextSwitchTo(row_memory_);
        const std::array<NullableValue, sizeof...(T)> columns{nullable(values)...};
        put(columns.data(), static_cast<int>(sizeof...(T)));
        MemoryContextSwitchTo(caller);
    }

    // Adds a row of Datums made by the caller, for shapes known only at run time. Types are the caller's business.
    void add_datums(std::span<const NullableValue> columns) { put(columns.data(), static_cast<int>(columns.size())); }

    std::uint64_t size() const { return size_; }
    Datum done();

  private:
    void check(const Oid *types, int count);
    void put(const NullableValue *columns, int count);
    void flush();

    // Rows wait until there are some, since crossing into the server costs as much as a row.
    static constexpr int most_waiting = 32;

    FunctionCallInfo fcinfo_;
    ReturnSetInfo *info_;
    MemoryContext row_memory_; // of the rows that wait
    bool checked_ = false;
    std::uint64_t size_ = 0;
    int waiting_ = 0;
    std::vector<Datum> values_;
    std::vector<char> nulls_;
};

// Makes the one row a function RETURNS TABLE-less composite returns: the Datum of a tuple of the function's row type.
Datum composite(FunctionCallInfo fcinfo, std::span<const NullableValue> columns);

} // namespace pg_clinic::pg
