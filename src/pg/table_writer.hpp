// Writing single rows of clinic_data past SQL, as logical replication applies them: constraints, indexes and row triggers are
// all served, but no statement is planned, no row is read by a snapshot, and triggers FOR EACH STATEMENT do not fire.
//
// That matters under SERIALIZABLE. An UPDATE by key, and the query behind a foreign key, read index pages, and
// with a page of recent ids every booking would read what every other one writes: false conflicts, 40001. Rows are found by
// IndexScan with Sight::truth instead. It bypasses row security, so callers verify the tenant first.
#pragma once

#include <memory>
#include <vector>

#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/postgres.hpp"

namespace pg_clinic::pg {

class RowRules; // row_rules.hpp

// A column and its new value.
struct ColumnValue {
    const char *column;
    NullableValue value;
    Oid type;
};

template <class T> ColumnValue column_value(const char *column, const T &value) {
    return {column, nullable(value), TypeOf<T>::oid};
}

// A table open for writing. After the last row comes finish(), which fires what fires after statements.
class TableWriter {
  public:
    // Calls require_writable(). Throws SqlError (schema_version) when the table is missing. Foreign keys that refer to a table
    // in `proven` are not checked by query, from columns that the caller gives: the caller wrote the referenced row in this
    // transaction, or locked it (hold_row). They are checked where somebody's own trigger may change the row.
    explicit TableWriter(const char *table, std::vector<const char *> proven = {});
    ~TableWriter();
    TableWriter(const TableWriter &) = delete;
    TableWriter &operator=(const TableWriter &) = delete;

    // Columns that are not named get their defaults. Raises 27000 when a trigger keeps the row from being written, as update() does.
    // Of a partitioned table, the row goes to its partition; such a table
    // takes new rows only.
    void insert(const std::vector<ColumnValue> &values);

    // The same for many rows of the same columns, which are looked up once.
    struct Place {
        AttrNumber number;
        Oid type;
    };
    Place place_of(const char *column, Oid type,
                   AttrNumber guess = InvalidAttrNumber) const; // guess: where it is likely to be
    void insert(const std::vector<Place> &places, const std::vector<NullableValue> &values);

    // New rows of the same columns, many at a time: a page and a record of the log for as many as fit. They are copied when they are
    // added, and stored by flush() at the latest, which comes before finish().
    class Rows {
      public:
        Rows(TableWriter &writer, std::vector<Place> places);
        void add(const std::vector<NullableValue> &values);
        void flush();

      private:
        TableWriter &writer_;
        std::vector<Place> places_;
        std::vector<bool> given_;
    };

    // Locks the row against other writers. False when it was changed or deleted in the meantime: look again.
    bool lock(const ItemPointerData &place);

    // Both concern the row that lock() was last true for.
    void update(const std::vector<ColumnValue> &values);
    void remove();

    void finish();

  private:
    AttrNumber number(const ColumnValue &value) const;
    NullableValue default_of(int column);
    void fill(const std::vector<ColumnValue> &values);
    void put(Place place, const NullableValue &value);
    void clear_but(const std::vector<bool> &given);
    void leave_out_proven(const std::vector<bool> &given);
    void store();
    void gather();

    struct State; // plain data, in the executor state's memory
    static void store_gathered(State *s);
    State *s_ = nullptr;
    std::shared_ptr<RowRules> rules_;
    std::vector<const char *> proven_;
};

// Raises 25006 in a read-only transaction, 25000 in a parallel worker.
void require_writable();

// Locks a row until the transaction ends; by itself against being deleted, for a foreign key that will refer to it. False when it
// is gone or was changed in the meantime.
bool hold_row(const char *table, const ItemPointerData &place, LockTupleMode mode = LockTupleKeyShare);

// Whether the version of a row at that place is one that this transaction's snapshot sees, or its own.
bool is_in_snapshot(const char *table, const ItemPointerData &place);

} // namespace pg_clinic::pg
