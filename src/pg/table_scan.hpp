// Reads a table of clinic_data past the executor: for what must be known before anybody has a context.
//
// Who is calling is decided inside row security policies, so no SQL may run for it: the table is scanned by the server's own
// table access, which knows no policies and asks for no rights. It sees what is committed by now. A table that is missing,
// has other columns, or belongs to anybody but clinic_owner has no rows: whoever may create a schema must not be able
// to say who is calling.
#pragma once

#include "pg/datum.hpp"

namespace pg_clinic::pg {

// A column wanted by name and type.
struct TableColumn {
    const char *name;
    Oid type;
};

// A value that a column of an index must have.
struct KeyValue {
    Datum value;
    Oid type;
};

template <class T> KeyValue key_value(const T &value) { return {Sql<T>::to(value), Sql<T>::type}; }

class TableScan {
  public:
    // All rows.
    TableScan(const char *table, std::span<const TableColumn> columns) : TableScan(table, columns, nullptr, {}) {}

    // The rows that have these values in the first columns of a btree index; none when there is no such index of all rows.
    TableScan(const char *table, std::span<const TableColumn> columns, const char *index,
              std::initializer_list<KeyValue> values);
    TableScan(const TableScan &) = delete;
    TableScan &operator=(const TableScan &) = delete;

    // Left by an exception, the transaction's abort closes scan and table.
    ~TableScan();

    bool next();

    // A value of the present row, by the column's place in the list.
    template <class T> std::optional<T> get(std::size_t column) const {
        const NullableValue v = value(column);
        return v.is_null ? std::nullopt : std::optional<T>(Sql<T>::from(v.value));
    }

    // A value of type name.
    std::string name(std::size_t column) const;

  private:
    static constexpr std::size_t max_columns = 16;
    static constexpr std::size_t max_keys = 4;

    void open(const char *table, std::span<const TableColumn> columns, const char *index,
              std::span<const KeyValue> values);
    bool find_columns(Relation relation, std::span<const TableColumn> columns);
    Oid find_index(Relation relation, const char *index, std::span<const KeyValue> values);
    NullableValue value(std::size_t column) const;

    Relation relation_ = nullptr;
    SysScanDesc scan_ = nullptr;
    HeapTuple tuple_ = nullptr;
    AttrNumber numbers_[max_columns] = {};
    ScanKeyData keys_[max_keys];
    int exceptions_ = std::uncaught_exceptions();
};

} // namespace pg_clinic::pg
