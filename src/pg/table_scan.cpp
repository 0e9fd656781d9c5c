// Reading tables past the executor: see table_scan.hpp.
#include "pg/table_scan.hpp"

extern "C" {
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "utils/acl.h"
#include "utils/rel.h"
}

namespace pg_clinic::pg {

TableScan::TableScan(const char *table, std::span<const TableColumn> columns, const char *index,
                     std::initializer_list<KeyValue> values) {
    if (columns.size() > max_columns || values.size() > max_keys)
        throw core::Error(core::ErrorCode::internal, "too many columns");
    const std::span<const KeyValue> wanted(values.begin(), values.size());
    pg_call([=, this] { open(table, columns, index, wanted); });
}

TableScan::~TableScan() {
    if (relation_ == nullptr || std::uncaught_exceptions() != exceptions_)
        return;
    systable_endscan(scan_);
    table_close(relation_, AccessShareLock);
}

// Runs behind the gate: no C++ object with a destructor in here.
void TableScan::open(const char *table, std::span<const TableColumn> columns, const char *index,
                     std::span<const KeyValue> values) {
    const Oid schema = get_namespace_oid("clinic_data", true);
    const Oid id = OidIsValid(schema) ? get_relname_relid(table, schema) : InvalidOid;
    if (!OidIsValid(id) || get_rel_relkind(id) != RELKIND_RELATION)
        return;
    Relation relation = table_open(id, AccessShareLock);
    const bool ours =
        relation->rd_rel->relowner == get_role_oid("clinic_owner", true) && find_columns(relation, columns);
    const Oid index_id = ours && index != nullptr ? find_index(relation, index, values) : InvalidOid;
    if (!ours || (index != nullptr && !OidIsValid(index_id))) {
        table_close(relation, AccessShareLock);
        return;
    }
    scan_ =
        systable_beginscan(relation, index_id, OidIsValid(index_id), nullptr, static_cast<int>(values.size()), keys_);
    relation_ = relation;
}

bool TableScan::find_columns(Relation relation, std::span<const TableColumn> columns) {
    const TupleDesc row = RelationGetDescr(relation);
    for (std::size_t i = 0; i < columns.size(); ++i) {
        numbers_[i] = InvalidAttrNumber;
        for (int at = 0; at < row->natts && numbers_[i] == InvalidAttrNumber; ++at)
            if (const Form_pg_attribute attribute = TupleDescAttr(row, at);
                !attribute->attisdropped && std::strcmp(NameStr(attribute->attname), columns[i].name) == 0)
                numbers_[i] = attribute->attnum;
        if (numbers_[i] == InvalidAttrNumber || TupleDescAttr(row, numbers_[i] - 1)->atttypid != columns[i].type)
            return false;
    }
    return true;
}

// The index, with the scan keys made for it; InvalidOid when it does not find every row by such values.
Oid TableScan::find_index(Relation relation, const char *name, std::span<const KeyValue> values) {
    const Oid id = get_relname_relid(name, RelationGetNamespace(relation));
    if (!OidIsValid(id) || get_rel_relkind(id) != RELKIND_INDEX)
        return InvalidOid;
    Relation index = index_open(id, AccessShareLock);
    const Form_pg_index form = index->rd_index;
    bool good = form->indrelid == RelationGetRelid(relation) && form->indisvalid &&
                index->rd_rel->relam == BTREE_AM_OID && RelationGetIndexPredicate(index) == NIL &&
                static_cast<int>(values.size()) <= form->indnkeyatts;
    for (std::size_t i = 0; good && i < values.size(); ++i) {
        const Oid type = values[i].type;
        const Oid op = get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);
        good = form->indkey.values[i] > 0 && index->rd_opcintype[i] == type && OidIsValid(op);
        if (good)
            ScanKeyEntryInitialize(&keys_[i], 0, form->indkey.values[i], BTEqualStrategyNumber, type,
                                   index->rd_indcollation[i], get_opcode(op), values[i].value);
    }
    index_close(index, AccessShareLock);
    return good ? id : InvalidOid;
}

bool TableScan::next() {
    if (relation_ == nullptr)
        return false;
    tuple_ = pg_call([this] { return systable_getnext(scan_); });
    return tuple_ != nullptr;
}

std::string TableScan::name(std::size_t column) const {
    const NullableValue v = value(column);
    return v.is_null ? std::string() : std::string(NameStr(*DatumGetName(v.value)));
}

NullableValue TableScan::value(std::size_t column) const {
    return pg_call([this, column] {
        NullableValue v;
        v.value = heap_getattr(tuple_, numbers_[column], RelationGetDescr(relation_), &v.is_null);
        return v;
    });
}

} // namespace pg_clinic::pg
