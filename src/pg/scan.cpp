// Direct index scans: see scan.hpp.
#include "pg/scan.hpp"

#include "pg/errors.hpp"
#include "pg/names.hpp"

namespace pg_clinic::pg {

namespace {

Relation open_table(const char *name) {
    return pg_call([name]() -> Relation {
        const Oid table = named_relation(name);
        return OidIsValid(table) ? table_open(table, AccessShareLock) : nullptr;
    });
}

Relation open_index(const char *name) {
    return pg_call([name]() -> Relation {
        const Oid index = named_relation(name);
        return OidIsValid(index) ? index_open(index, AccessShareLock) : nullptr;
    });
}

[[noreturn]] void not_installed(const char *name) {
    raise(Code::schema_version, std::string("clinic_data.") + name + " does not exist", {},
          "Run CALL clinic.install(); first.");
}

// The table is there, but is not what the engine knows.
[[noreturn]] void altered(const std::string &what) {
    raise(Code::schema_version, what, {},
          "Restore the tables of clinic_data as pg_clinic made them; added columns and indexes may stay.");
}

std::string name_of(Relation table) { return std::string("clinic_data.") + RelationGetRelationName(table); }

// The column that must not be null for a row to be in a partial index; 0 for an index of all rows, -1 for one with another
// condition.
int present_column(Relation index) {
    return pg_call([index] {
        List *predicate = RelationGetIndexPredicate(index);
        if (predicate == NIL)
            return 0;
        const auto *test = list_length(predicate) == 1 && IsA(linitial(predicate), NullTest)
                               ? linitial_node(NullTest, predicate)
                               : nullptr;
        if (test == nullptr || test->nulltesttype != IS_NOT_NULL || !IsA(test->arg, Var))
            return -1;
        return static_cast<int>(reinterpret_cast<const Var *>(test->arg)->varattno);
    });
}

// Whether the index finds every row of the table, or every one with a value in one of its columns.
bool is_usable(Relation index, Relation table) {
    const Form_pg_index form = index->rd_index;
    return form->indrelid == RelationGetRelid(table) && form->indisvalid && index->rd_indam->amgettuple != nullptr &&
           present_column(index) >= 0;
}

} // namespace

AttrNumber column_number(Relation table, const char *name, Oid type) {
    const TupleDesc row = RelationGetDescr(table);
    AttrNumber number = 0;
    for (int i = 0; i < row->natts && number == 0; ++i)
        if (const Form_pg_attribute column = TupleDescAttr(row, i);
            std::strcmp(NameStr(column->attname), name) == 0 && !column->attisdropped)
            number = column->attnum;
    if (number == 0)
        altered(name_of(table) + " has no column " + name);
    const Oid actual = TupleDescAttr(RelationGetDescr(table), number - 1)->atttypid;
    if (actual != type && pg_call([actual] { return getBaseType(actual); }) != type) {
        const auto text = [](Oid t) {
            return std::string(pg_call([t] { return static_cast<const char *>(format_type_be(t)); }));
        };
        altered("column " + std::string(name) + " of " + name_of(table) + " has type " + text(actual) + ", not " +
                text(type));
    }
    return number;
}

IndexScan::IndexScan(const char *table, const char *index) : table_(open_table(table)) {
    if (table_ == nullptr)
        not_installed(table);
    // Whoever may make a schema could make tables of these names.
    if (table_->rd_rel->relowner != pg_call([] { return owner_role(); }))
        altered(name_of(table_) + " does not belong to clinic_owner");
    index_ = open_index(index);
    if (index_ == nullptr)
        not_installed(index);
    if (!is_usable(index_, table_))
        altered(std::string("clinic_data.") + index + " is not an index of all rows of " + name_of(table_));
    slot_ = pg_call([this] { return table_slot_create(table_, nullptr); });
}

IndexScan::~IndexScan() {
    // After an error the (sub)transaction's abort closes everything.
    if (std::uncaught_exceptions() != exceptions_)
        return;
    if (scan_ != nullptr)
        index_endscan(scan_);
    ExecDropSingleTupleTableSlot(slot_);
    // The lock of the table stays until the transaction ends, so that a place of a row keeps its meaning. That of the index
    // does not: a booking reads by some thirty, which with their tables are more than a backend can lock without going to
    // the table of locks that all share.
    index_close(index_, AccessShareLock);
    table_close(table_, NoLock);
}

// The column of the index that holds a column of the table, from 1.
int IndexScan::index_column(AttrNumber column) const {
    const Form_pg_index form = index_->rd_index;
    for (int i = 0; i < form->indnkeyatts; ++i)
        if (form->indkey.values[i] == column)
            return i + 1;
    return 0;
}

void IndexScan::add_key(const char *column, StrategyNumber strategy, Datum value, Oid type) {
    if (key_count_ == max_keys)
        throw core::Error(core::ErrorCode::internal, "too many scan keys");
    Condition &last = conditions_[key_count_];
    if (last.column == column && last.strategy == strategy && last.type == type) {
        keys_[key_count_] = last.key;
        keys_[key_count_++].sk_argument = value;
        return;
    }
    const int place = index_column(column_number(table_, column, type));
    ScanKeyData *key = &keys_[key_count_];
    Relation index = index_;
    const bool known = place > 0 && pg_call([=] {
                           const Oid family = index->rd_opfamily[place - 1];
                           const Oid input = index->rd_opcintype[place - 1];
                           Oid right = type;
                           Oid op = get_opfamily_member(family, input, right, static_cast<int16>(strategy));
                           if (!OidIsValid(op)) { // polymorphic classes, such as those of ranges
                               right = input;
                               op = get_opfamily_member(family, input, right, static_cast<int16>(strategy));
                           }
                           if (!OidIsValid(op))
                               return false;
                           ScanKeyEntryInitialize(key, 0, static_cast<AttrNumber>(place), strategy, right,
                                                  index->rd_indcollation[place - 1], get_opcode(op), value);
                           return true;
                       });
    if (!known)
        altered(std::string("clinic_data.") + RelationGetRelationName(index_) + " cannot be searched by " + column);
    last = {column, strategy, type, *key};
    ++key_count_;
}

void IndexScan::where_null(const char *column) {
    if (key_count_ == max_keys)
        throw core::Error(core::ErrorCode::internal, "too many scan keys");
    const Oid id = RelationGetRelid(table_);
    const int place = index_column(pg_call([id, column] { return get_attnum(id, column); }));
    if (place == 0 || !index_->rd_indam->amsearchnulls)
        altered(std::string("clinic_data.") + RelationGetRelationName(index_) + " cannot be searched for nulls of " +
                column);
    ScanKeyData *key = &keys_[key_count_++];
    pg_call([key, place] {
        ScanKeyEntryInitialize(key, SK_ISNULL | SK_SEARCHNULL, static_cast<AttrNumber>(place), InvalidStrategy,
                               InvalidOid, InvalidOid, InvalidOid, Datum{0});
    });
}

void IndexScan::start(Sight sight) {
    // Searches want their conditions in the order of the index's columns.
    std::stable_sort(keys_, keys_ + key_count_,
                     [](const ScanKeyData &a, const ScanKeyData &b) { return a.sk_attno < b.sk_attno; });
    if (const int column = present_column(index_); column > 0) {
        const int place = index_column(static_cast<AttrNumber>(column));
        if (std::none_of(keys_, keys_ + key_count_, [place](const ScanKeyData &key) {
                return key.sk_attno == place && (key.sk_flags & SK_SEARCHNULL) == 0;
            }))
            altered(std::string("clinic_data.") + RelationGetRelationName(index_) + " is not an index of all rows of " +
                    name_of(table_));
    }
    pg_call([this, sight] {
        Snapshot snapshot = sight == Sight::truth || IsolationIsSerializable() ? SnapshotSelf : GetActiveSnapshot();
        if (scan_ != nullptr && scan_->xs_snapshot == snapshot && scan_->numberOfKeys == key_count_) {
            index_rescan(scan_, keys_, key_count_, nullptr, 0);
            return;
        }
        if (scan_ != nullptr)
            index_endscan(scan_);
#if PG_VERSION_NUM >= 180000
        scan_ = index_beginscan(table_, index_, snapshot, nullptr, key_count_, 0);
#else
        scan_ = index_beginscan(table_, index_, snapshot, key_count_, 0);
#endif
        index_rescan(scan_, keys_, key_count_, nullptr, 0);
    });
    key_count_ = 0;
}

bool IndexScan::next() {
    return pg_call([this] {
        if (!index_getnext_slot(scan_, ForwardScanDirection, slot_))
            return false;
        slot_getallattrs(slot_);
        return true;
    });
}

// The row has been taken apart by next().
NullableValue IndexScan::value(AttrNumber column) const {
    return {slot_->tts_values[column - 1], slot_->tts_isnull[column - 1]};
}

void IndexScan::null_error(const char *column) const {
    altered("column " + std::string(column) + " of " + name_of(table_) + " is null");
}

} // namespace pg_clinic::pg
