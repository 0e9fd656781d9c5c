// Rows of set-returning functions: see result.hpp.
#include "pg/result.hpp"

namespace pg_clinic::pg {

namespace {

constexpr int max_columns = 128;

[[noreturn]] void shape_error(const std::string &what) {
    throw core::Error(core::ErrorCode::internal, "the result does not fit the function's columns: " + what);
}

// Null and value columns in the form tuples are made from.
struct Columns {
    Datum values[max_columns];
    bool nulls[max_columns];
};

Columns spread(const NullableValue *columns, int count) {
    if (count > max_columns)
        shape_error("too many columns");
    Columns out;
    for (int i = 0; i < count; ++i) {
        out.values[i] = columns[i].value;
        out.nulls[i] = columns[i].is_null;
    }
    return out;
}

} // namespace

ResultSet::ResultSet(FunctionCallInfo fcinfo)
    : fcinfo_(fcinfo), info_(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo)) {
    row_memory_ = pg_call([fcinfo] {
        Oid type = InvalidOid;
        const bool composite_rows = get_call_result_type(fcinfo, &type, nullptr) == TYPEFUNC_COMPOSITE;
        InitMaterializedSRF(fcinfo, composite_rows ? 0 : MAT_SRF_USE_EXPECTED_DESC);
        return AllocSetContextCreate(CurrentMemoryContext, "clinic result row", ALLOCSET_SMALL_SIZES);
    });
}

void ResultSet::check(const Oid *types, int count) {
    TupleDesc shape = info_->setDesc;
    if (shape->natts != count)
        shape_error(std::to_string(count) + " values for " + std::to_string(shape->natts) + " columns");
    for (int i = 0; i < count; ++i) {
        const Oid column = TupleDescAttr(shape, i)->atttypid;
        if (column != types[i] && pg_call([column] { return getBaseType(column); }) != types[i])
            shape_error("column " + std::to_string(i) + " has type " + std::to_string(column) + ", not " +
                        std::to_string(types[i]));
    }
    checked_ = true;
}

void ResultSet::put(const NullableValue *columns, int count) {
    if (count != info_->setDesc->natts)
        shape_error(std::to_string(count) + " values");
    for (int i = 0; i < count; ++i) {
        values_.push_back(columns[i].value);
        nulls_.push_back(columns[i].is_null);
    }
    ++size_;
    if (++waiting_ == most_waiting)
        flush();
}

void ResultSet::flush() {
    static_assert(sizeof(bool) == sizeof(char));
    const int rows = std::exchange(waiting_, 0);
    pg_call([this, rows] {
        const int columns = info_->setDesc->natts;
        for (int i = 0; i < rows; ++i)
            tuplestore_putvalues(info_->setResult, info_->setDesc, values_.data() + i * columns,
                                 reinterpret_cast<bool *>(nulls_.data()) + i * columns);
        MemoryContextReset(row_memory_);
    });
    values_.clear();
    nulls_.clear();
}

Datum ResultSet::done() {
    flush();
    MemoryContextDelete(row_memory_);
    fcinfo_->isnull = true;
    return 0;
}

Datum composite(FunctionCallInfo fcinfo, std::span<const NullableValue> columns) {
    Columns row = spread(columns.data(), static_cast<int>(columns.size()));
    Columns *r = &row;
    const auto count = static_cast<int>(columns.size());
    HeapTuple tuple = pg_call([fcinfo, r, count]() -> HeapTuple {
        TupleDesc shape = nullptr;
        if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE || shape->natts != count)
            return nullptr;
        return heap_form_tuple(BlessTupleDesc(shape), r->values, r->nulls);
    });
    if (tuple == nullptr)
        shape_error(std::to_string(count) + " values");
    return pg_call([tuple] { return HeapTupleGetDatum(tuple); });
}

} // namespace pg_clinic::pg
