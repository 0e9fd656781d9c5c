// Direct index scans, past the executor: for what must be seen as the constraints see it.
//
// A booking under the resources' locks must see everything committed by now, in every isolation level, and must
// not take part in serialisable conflict detection: it proves its own safety. That is a scan with SnapshotSelf. It bypasses
// row security, so callers verify the tenant first.
#pragma once

#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// With which eyes the diary is read.
enum class Sight : std::uint8_t {
    snapshot, // the statement's snapshot: for searches. In a SERIALIZABLE transaction the truth too: a search that is
              // followed by a booking must not make the two look like a conflict with every other booking
    truth     // all that is committed by now, and the own changes: for writers
};

// Number of a table's column. Throws SqlError (schema_version) when it is missing or has another type than the engine knows:
// the tables are the user's, who may have altered them.
AttrNumber column_number(Relation table, const char *name, Oid type);

// A column of a table that is scanned, known to hold values of T.
template <class T> struct Column {
    AttrNumber number;
    const char *name;
};

// A table of clinic_data with one of its indexes, open for reading until the object dies.
class IndexScan {
  public:
    // Throws SqlError (schema_version) when the table or index is missing (install() has not run), or the index is not one
    // that finds every row. An index of the rows that have a value in a column finds every row as long as there is a
    // condition on that column.
    IndexScan(const char *table, const char *index);
    ~IndexScan();
    IndexScan(const IndexScan &) = delete;
    IndexScan &operator=(const IndexScan &) = delete;

    template <class T> Column<T> column(const char *name) const {
        return {column_number(table_, name, Sql<T>::type), name};
    }

    // One condition on a column that the index has, with the btree-style strategy number of its operator class.
    template <class T> void where(const char *column, StrategyNumber strategy, const T &value) {
        add_key(column, strategy, Sql<T>::to(value), Sql<T>::type);
    }

    // The condition that a column of the index, a btree, is null.
    void where_null(const char *column);

    // Begins (again) with the conditions given so far and forgets them.
    void start(Sight sight);

    // Goes to the next row; false when there is none.
    bool next();

    // Where the row is.
    const ItemPointerData &place() const { return slot_->tts_tid; }

    // A value of the row. One that cannot be null is an error when it is.
    template <class T> std::optional<T> optional(const Column<T> &column) const {
        const NullableValue v = value(column.number);
        return v.is_null ? std::nullopt : std::optional<T>(Sql<T>::from(v.value));
    }
    template <class T> T get(const Column<T> &column) const {
        const NullableValue v = value(column.number);
        if (v.is_null)
            null_error(column.name);
        return Sql<T>::from(v.value);
    }

  private:
    static constexpr int max_keys = 4;

    void add_key(const char *column, StrategyNumber strategy, Datum value, Oid type);
    int index_column(AttrNumber column) const;
    NullableValue value(AttrNumber column) const;
    [[noreturn]] void null_error(const char *column) const;

    Relation table_ = nullptr;
    Relation index_ = nullptr;
    IndexScanDesc scan_ = nullptr;
    TupleTableSlot *slot_ = nullptr;
    ScanKeyData keys_[max_keys];
    int key_count_ = 0;
    // The condition that was given last at each place, which the next scan mostly repeats with another value.
    struct Condition {
        const char *column = nullptr;
        StrategyNumber strategy = InvalidStrategy;
        Oid type = InvalidOid;
        ScanKeyData key;
    };
    Condition conditions_[max_keys];
    int exceptions_ = std::uncaught_exceptions();
};

} // namespace pg_clinic::pg
