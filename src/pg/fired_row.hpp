// The rows that a row trigger was fired for, by the names of their columns.
#pragma once

#include "pg/datum.hpp"
#include "pg/scan.hpp"

namespace pg_clinic::pg {

struct FiredRow {
    Relation table;
    HeapTuple tuple;
};

// The row that an AFTER ROW trigger of INSERT was fired for; name: of the function. Raises 39P01 when it was called otherwise.
inline FiredRow inserted_row(FunctionCallInfo fcinfo, const char *name) {
    const auto *trigger = CALLED_AS_TRIGGER(fcinfo) ? reinterpret_cast<const TriggerData *>(fcinfo->context) : nullptr;
    if (trigger == nullptr || !TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
        !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, std::string(name) + " must be an AFTER ROW trigger of INSERT");
    return {trigger->tg_relation, trigger->tg_trigtuple};
}

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
