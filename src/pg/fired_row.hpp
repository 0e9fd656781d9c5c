// The rows that a row trigger was fired for, by the names of their columns.
#pragma once

#include "pg/datum.hpp"
#include "pg/scan.hpp"

namespace pg_clinic::pg {

struct FiredRow {
    Relation table;
    HeapTuple tuple;
};

// A column of the row, null or not. Throws SqlError (schema_version) when the table has no such column of that type.
template <class T> std::optional<T> value_of(const FiredRow &row, const char *column) {
    const AttrNumber number = column_number(row.table, column, Sql<T>::type);
    const NullableValue v = pg_call([&row, number] {
        NullableValue out;
        out.value = heap_getattr(row.tuple, number, RelationGetDescr(row.table), &out.is_null);
        return out;
    });
    return v.is_null ? std::nullopt : std::optional<T>(Sql<T>::from(v.value));
}

} // namespace pg_clinic::pg
