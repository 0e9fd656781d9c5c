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

// A table of clinic_data with one of its indexes, open for reading until the object dies.
class IndexScan {
  public:
    // Throws SqlError (schema_version) when the table or index is missing: install() has not run.
    IndexScan(const char *table, const char *index);
    ~IndexScan();
    IndexScan(const IndexScan &) = delete;
    IndexScan &operator=(const IndexScan &) = delete;

    // Number of a column, by name.
    AttrNumber column(const char *name) const;

    // One condition: index column (from 1), btree-style strategy number of its operator class, value of the given type.
    void where(int index_column, StrategyNumber strategy, Datum value, Oid type);

    // Begins (again) with the conditions given so far and forgets them.
    void start(Sight sight);

    // The next row, or null. The slot is the scan's own.
    TupleTableSlot *next();

  private:
    static constexpr int max_keys = 4;

    Relation table_ = nullptr;
    Relation index_ = nullptr;
    IndexScanDesc scan_ = nullptr;
    TupleTableSlot *slot_ = nullptr;
    ScanKeyData keys_[max_keys];
    int key_count_ = 0;
    int exceptions_ = std::uncaught_exceptions();
};

// A value of the row in a slot.
NullableValue slot_value(TupleTableSlot *slot, AttrNumber column);

} // namespace pg_clinic::pg
