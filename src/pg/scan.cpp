// Direct index scans: see scan.hpp.
#include "pg/scan.hpp"

#include "pg/errors.hpp"

namespace pg_clinic::pg {

namespace {

Relation open_table(const char *name) {
    return pg_call([name]() -> Relation {
        const Oid schema = get_namespace_oid("clinic_data", true);
        const Oid table = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
        return OidIsValid(table) ? table_open(table, AccessShareLock) : nullptr;
    });
}

Relation open_index(const char *name) {
    return pg_call([name]() -> Relation {
        const Oid index = get_relname_relid(name, get_namespace_oid("clinic_data", false));
        return OidIsValid(index) ? index_open(index, AccessShareLock) : nullptr;
    });
}

[[noreturn]] void not_installed(const char *name) {
    raise(Code::schema_version, std::string("clinic_data.") + name + " does not exist", {},
          "Run CALL clinic.install(); first.");
}

} // namespace

IndexScan::IndexScan(const char *table, const char *index) : table_(open_table(table)) {
    if (table_ == nullptr)
        not_installed(table);
    index_ = open_index(index);
    if (index_ == nullptr)
        not_installed(index);
    slot_ = pg_call([this] { return table_slot_create(table_, nullptr); });
}

IndexScan::~IndexScan() {
    // After an error the (sub)transaction's abort closes everything.
    if (std::uncaught_exceptions() != exceptions_)
        return;
    if (scan_ != nullptr)
        index_endscan(scan_);
    ExecDropSingleTupleTableSlot(slot_);
    index_close(index_, NoLock);
    table_close(table_, NoLock);
}

AttrNumber IndexScan::column(const char *name) const {
    const Oid table = RelationGetRelid(table_);
    const AttrNumber number = pg_call([table, name] { return get_attnum(table, name); });
    if (number == InvalidAttrNumber)
        throw core::Error(core::ErrorCode::internal, std::string("no column ") + name);
    return number;
}

void IndexScan::where(int index_column, StrategyNumber strategy, Datum value, Oid type) {
    if (key_count_ == max_keys)
        throw core::Error(core::ErrorCode::internal, "too many scan keys");
    ScanKeyData *key = &keys_[key_count_++];
    Relation index = index_;
    const bool known = pg_call([=] {
        const Oid family = index->rd_opfamily[index_column - 1];
        const Oid input = index->rd_opcintype[index_column - 1];
        Oid right = type;
        Oid op = get_opfamily_member(family, input, right, static_cast<int16>(strategy));
        if (!OidIsValid(op)) { // polymorphic classes, such as those of ranges
            right = input;
            op = get_opfamily_member(family, input, right, static_cast<int16>(strategy));
        }
        if (!OidIsValid(op))
            return false;
        ScanKeyEntryInitialize(key, 0, static_cast<AttrNumber>(index_column), strategy, right,
                               index->rd_indcollation[index_column - 1], get_opcode(op), value);
        return true;
    });
    if (!known)
        throw core::Error(core::ErrorCode::internal, "an index has no operator " + std::to_string(strategy) +
                                                         " for its column " + std::to_string(index_column));
}

void IndexScan::start(Sight sight) {
    pg_call([this, sight] {
        if (scan_ != nullptr)
            index_endscan(scan_);
        Snapshot snapshot =
            sight == Sight::truth || IsolationIsSerializable() ? SnapshotSelf : GetActiveSnapshot();
#if PG_VERSION_NUM >= 180000
        scan_ = index_beginscan(table_, index_, snapshot, nullptr, key_count_, 0);
#else
        scan_ = index_beginscan(table_, index_, snapshot, key_count_, 0);
#endif
        index_rescan(scan_, keys_, key_count_, nullptr, 0);
    });
    key_count_ = 0;
}

TupleTableSlot *IndexScan::next() {
    return pg_call([this]() -> TupleTableSlot * {
        return index_getnext_slot(scan_, ForwardScanDirection, slot_) ? slot_ : nullptr;
    });
}

NullableValue slot_value(TupleTableSlot *slot, AttrNumber column) {
    return pg_call([slot, column] {
        NullableValue v;
        v.value = slot_getattr(slot, column, &v.is_null);
        return v;
    });
}

} // namespace pg_clinic::pg
