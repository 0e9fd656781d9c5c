// Rotating and destroying keys: what the functions of SQL cannot do themselves.
//
// Fields of a tenant's key are encrypted anew past row security, and no trigger fires: the values stay what they are, so there is
// nothing to stamp, audit or tell. Any role that may update the table would see the same. Only what decrypts at its place is
// touched; the rest is left as it is, and keeps the old key alive.
#include "core/encrypted_field.hpp"
#include "pg/as_role.hpp"
#include "pg/clock.hpp"
#include "pg/field_keys.hpp"
#include "pg/key_cache.hpp"
#include "pg/master_keys.hpp"
#include "pg/result.hpp"
#include "pg/secret_memory.hpp"
#include "pg/table_scan.hpp"

extern "C" {
#include "storage/bufmgr.h"
#include "storage/procarray.h"
}

namespace pg_clinic::pg {

namespace {

// A table with the columns that matter here, as the registry names them. Its bytes are those of one tenant and one key.
struct EncryptedColumn {
    Relation table;
    AttrNumber tenant_column, row_column, column;
    Oid row_output;
    std::string bound_table, bound_column;
    Uuid tenant;
    std::int32_t key_no;
};

AttrNumber number_of(Relation table, const std::string &name, Oid type) {
    const char *text = name.c_str();
    const AttrNumber number = pg_call([table, text] { return get_attnum(RelationGetRelid(table), text); });
    const Oid actual = number > 0 ? TupleDescAttr(RelationGetDescr(table), number - 1)->atttypid : InvalidOid;
    if (number <= 0 || (OidIsValid(type) && pg_call([actual] { return getBaseType(actual); }) != type))
        fail(ERRCODE_UNDEFINED_COLUMN, "an encrypted column's table is not what was registered",
             "Column " + name + " of " + std::string(RelationGetRelationName(table)) +
                 " is missing or has another type.",
             "Register it again with clinic.encrypt_column, or take it out with clinic.forget_encrypted_column.");
    return number;
}

// Arguments: tenant_id, key_no, relation, tenant_column, row_column, column_name, bound_table, bound_column.
EncryptedColumn open_column(const Args &args, LOCKMODE mode) {
    const Oid id = DatumGetObjectId(args.datum(2));
    EncryptedColumn out{};
    out.tenant = args.get<Uuid>(0);
    out.key_no = args.get<std::int32_t>(1);
    out.table = pg_call([id, mode] { return table_open(id, mode); });
    if (out.table->rd_rel->relkind != RELKIND_RELATION)
        fail(ERRCODE_WRONG_OBJECT_TYPE, "encrypted columns belong to tables");
    out.tenant_column = number_of(out.table, args.get<std::string>(3), UUIDOID);
    out.row_column = number_of(out.table, args.get<std::string>(4), InvalidOid);
    out.column = number_of(out.table, args.get<std::string>(5), BYTEAOID);
    out.bound_table = args.get<std::string>(6);
    out.bound_column = args.get<std::string>(7);
    const Oid row_type = TupleDescAttr(RelationGetDescr(out.table), out.row_column - 1)->atttypid;
    Oid *output = &out.row_output;
    pg_call([row_type, output] {
        bool varlena = false;
        getTypeOutputInfo(row_type, output, &varlena);
    });
    return out;
}

NullableValue attribute(TupleTableSlot *slot, AttrNumber number) {
    return pg_call([slot, number] {
        NullableValue v;
        v.value = slot_getattr(slot, number, &v.is_null);
        return v;
    });
}

// The value of a row when it is encrypted by that key of that tenant.
std::optional<std::string> old_value(const EncryptedColumn &c, TupleTableSlot *slot) {
    const NullableValue tenant = attribute(slot, c.tenant_column);
    if (tenant.is_null || Sql<Uuid>::from(tenant.value) != c.tenant)
        return std::nullopt;
    const NullableValue value = attribute(slot, c.column);
    if (value.is_null)
        return std::nullopt;
    std::string bytes(Sql<std::string_view>::from(value.value));
    const auto field = core::read_encrypted_field(bytes);
    if (!field || field->scope != core::KeyScope::tenant || field->key_no != c.key_no)
        return std::nullopt;
    return bytes;
}

// Goes through the rows of a table that are committed by now, from a block on.
class Walk {
  public:
    Walk(Relation table, BlockNumber from) : table_(table) {
        pg_call([this, from] {
            snapshot_ = RegisterSnapshot(GetLatestSnapshot());
            slot_ = table_slot_create(table_, nullptr);
            ItemPointerData first, last;
            ItemPointerSet(&first, from, FirstOffsetNumber);
            ItemPointerSet(&last, MaxBlockNumber, MaxOffsetNumber);
            scan_ = table_beginscan_tidrange(table_, snapshot_, &first, &last);
        });
    }
    ~Walk() {
        if (std::uncaught_exceptions() != exceptions_)
            return;
        table_endscan(scan_);
        ExecDropSingleTupleTableSlot(slot_);
        UnregisterSnapshot(snapshot_);
    }
    Walk(const Walk &) = delete;
    Walk &operator=(const Walk &) = delete;

    bool next() {
        return pg_call([this] {
            CHECK_FOR_INTERRUPTS();
            return table_scan_getnextslot_tidrange(scan_, ForwardScanDirection, slot_);
        });
    }
    TupleTableSlot *row() const { return slot_; }
    Snapshot snapshot() const { return snapshot_; }

  private:
    Relation table_;
    Snapshot snapshot_ = nullptr;
    TupleTableSlot *slot_ = nullptr;
    TableScanDesc scan_ = nullptr;
    int exceptions_ = std::uncaught_exceptions();
};

// Memory for what one row needs.
class RowMemory {
  public:
    RowMemory()
        : memory_(pg_call(
              [] { return AllocSetContextCreate(CurrentMemoryContext, "encrypted row", ALLOCSET_DEFAULT_SIZES); })),
          caller_(MemoryContextSwitchTo(memory_)) {}
    ~RowMemory() {
        MemoryContextSwitchTo(caller_);
        if (std::uncaught_exceptions() == exceptions_)
            MemoryContextDelete(memory_);
    }
    RowMemory(const RowMemory &) = delete;
    RowMemory &operator=(const RowMemory &) = delete;
    void reset() {
        MemoryContext memory = memory_;
        pg_call([memory] { MemoryContextReset(memory); });
    }

  private:
    MemoryContext memory_;
    MemoryContext caller_;
    int exceptions_ = std::uncaught_exceptions();
};

// Writes rows of any table, with its constraints and indexes, without its triggers.
class Rewriter {
  public:
    explicit Rewriter(Relation table) {
        pg_call([this, table] {
            estate_ = CreateExecutorState();
            MemoryContext caller = MemoryContextSwitchTo(estate_->es_query_cxt);
            RangeTblEntry *entry = makeNode(RangeTblEntry);
            entry->rtekind = RTE_RELATION;
            entry->relid = RelationGetRelid(table);
            entry->relkind = table->rd_rel->relkind;
            entry->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
            List *permissions = NIL;
            (void)addRTEPermissionInfo(&permissions, entry);
#if PG_VERSION_NUM >= 180000
            ExecInitRangeTable(estate_, list_make1(entry), permissions, bms_make_singleton(1));
#else
            ExecInitRangeTable(estate_, list_make1(entry), permissions);
#endif
#else
            ExecInitRangeTable(estate_, list_make1(entry));
#endif
            target_ = makeNode(ResultRelInfo);
            InitResultRelInfo(target_, table, 1, nullptr, 0);
            target_->ri_TrigDesc = nullptr;
            ExecOpenIndices(target_, false);
#if PG_VERSION_NUM >= 160000
            EvalPlanQualInit(&recheck_, estate_, nullptr, NIL, -1, NIL);
#else
            EvalPlanQualInit(&recheck_, estate_, nullptr, NIL, -1);
#endif
            fresh_ = ExecInitExtraTupleSlot(estate_, RelationGetDescr(table), &TTSOpsVirtual);
            locked_ = table_slot_create(table, &estate_->es_tupleTable);
            MemoryContextSwitchTo(caller);
        });
    }
    Rewriter(const Rewriter &) = delete;
    Rewriter &operator=(const Rewriter &) = delete;

    // Locks the newest version of a row; null when there is none any more.
    TupleTableSlot *lock(TupleTableSlot *row, Snapshot snapshot) {
        Relation table = target_->ri_RelationDesc;
        const bool locked = pg_call([this, table, row, snapshot] {
            estate_->es_output_cid = GetCurrentCommandId(true);
            ItemPointerData at = row->tts_tid;
            TM_FailureData failure;
            return table_tuple_lock(table, &at, snapshot, locked_, estate_->es_output_cid, LockTupleNoKeyExclusive,
                                    LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure) == TM_Ok;
        });
        return locked ? locked_ : nullptr;
    }

    void update(AttrNumber column, Datum value) {
        pg_call([this, column, value] {
            slot_getallattrs(locked_);
            ExecClearTuple(fresh_);
            const auto columns = static_cast<std::size_t>(target_->ri_RelationDesc->rd_att->natts);
            std::memcpy(fresh_->tts_values, locked_->tts_values, columns * sizeof(Datum));
            std::memcpy(fresh_->tts_isnull, locked_->tts_isnull, columns * sizeof(bool));
            fresh_->tts_values[column - 1] = value;
            ExecStoreVirtualTuple(fresh_);
            ExecSimpleRelationUpdate(target_, estate_, &recheck_, locked_, fresh_);
            ResetPerTupleExprContext(estate_);
        });
    }

    void finish() {
        pg_call([this] {
            EvalPlanQualEnd(&recheck_);
            ExecCloseIndices(target_);
            ExecResetTupleTable(estate_->es_tupleTable, false);
            ExecCloseRangeTableRelations(estate_);
            FreeExecutorState(estate_);
            CommandCounterIncrement();
        });
    }

  private:
    EState *estate_ = nullptr;
    ResultRelInfo *target_ = nullptr;
    EPQState recheck_ = {};
    TupleTableSlot *fresh_ = nullptr;
    TupleTableSlot *locked_ = nullptr;
};

std::string row_id_of(const EncryptedColumn &c, TupleTableSlot *slot) {
    const NullableValue id = attribute(slot, c.row_column);
    if (id.is_null)
        return {};
    const Oid output = c.row_output;
    const Datum value = id.value;
    return pg_call([output, value]() -> const char * { return OidOutputFunctionCall(output, value); });
}

// The same text by the new key; nothing when the old bytes do not decrypt there.
std::optional<std::string> anew(const EncryptedColumn &c, const std::string &row_id, const std::string &old_bytes,
                                crypto::AeadKey old_key, const FieldKey &fresh) {
    const core::FieldPlace place{c.tenant, Uuid{}, c.bound_table, c.bound_column, row_id};
    const auto field = core::read_encrypted_field(old_bytes);
    std::string text(field->ciphertext.size(), '\0');
    auto *bytes = reinterpret_cast<unsigned char *>(text.data());
    if (!crypto::open(old_key, field->nonce, core::FieldAssociatedData(field->scope, field->key_no, place).bytes(),
                      field->ciphertext, field->tag, bytes))
        return std::nullopt;
    std::string out = core::encrypted_field_header(core::KeyScope::tenant, fresh.key_no);
    out.resize(core::least_field_bytes + text.size());
    crypto::seal(fresh.key, core::FieldAssociatedData(core::KeyScope::tenant, fresh.key_no, place).bytes(), text,
                 reinterpret_cast<unsigned char *>(out.data()) + core::field_header_bytes);
    crypto::cleanse(text.data(), text.size());
    return out;
}

struct Batch {
    std::optional<std::int64_t> next_block; // none at the end of the table
    std::int64_t changed = 0;
};

// Whether the row was changed: the old key encrypts it, and it decrypts.
bool encrypt_row_anew(const EncryptedColumn &c, const Walk &walk, Rewriter &rewriter, crypto::AeadKey old_key,
                      const FieldKey &fresh) {
    if (!old_value(c, walk.row()))
        return false;
    TupleTableSlot *row = rewriter.lock(walk.row(), walk.snapshot());
    const auto old_bytes = row != nullptr ? old_value(c, row) : std::nullopt;
    if (!old_bytes)
        return false;
    const auto bytes = anew(c, row_id_of(c, row), *old_bytes, old_key, fresh);
    if (!bytes)
        return false;
    rewriter.update(c.column, text_datum(*bytes));
    return true;
}

// Stops at the first new block after so many rows were changed.
Batch encrypt_rows_anew(const EncryptedColumn &c, BlockNumber from, std::int64_t most_rows) {
    const auto old_key = tenant_key(c.tenant, field_kind, c.key_no);
    if (!old_key)
        raise(Code::key_unavailable, "the key that is to be replaced cannot be unwrapped");
    const FieldKey fresh = tenant_key_for_writing(c.tenant, field_kind);
    Batch batch;
    Rewriter rewriter(c.table);
    {
        Walk walk(c.table, from);
        RowMemory memory;
        BlockNumber block = from;
        while (walk.next()) {
            block = ItemPointerGetBlockNumber(&walk.row()->tts_tid);
            if (batch.changed >= most_rows) {
                batch.next_block = block;
                break;
            }
            batch.changed += encrypt_row_anew(c, walk, rewriter, *old_key, fresh) ? 1 : 0;
            memory.reset();
        }
    }
    rewriter.finish();
    return batch;
}

std::int64_t count_rows(const EncryptedColumn &c) {
    std::int64_t count = 0;
    Walk walk(c.table, 0);
    RowMemory memory;
    while (walk.next()) {
        count += old_value(c, walk.row()).has_value() ? 1 : 0;
        memory.reset();
    }
    return count;
}

constexpr TableColumn registry_columns[] = {
    {"schema_name", TEXTOID},  {"table_name", TEXTOID},     {"column_name", TEXTOID}, {"tenant_column", TEXTOID},
    {"row_column", TEXTOID},   {"patient_column", TEXTOID}, {"bound_table", TEXTOID}, {"bound_column", TEXTOID},
    {"index_column", TEXTOID}, {"index_form", TEXTOID}};

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.registered_columns()
CLINIC_FUNCTION(clinic_registered_columns) {
    ResultSet rows(fcinfo);
    if (!pg_call(
            [] { return OidIsValid(get_relname_relid("encrypted_columns", get_namespace_oid("clinic_data", true))); }))
        return rows.done(); // before clinic.install()
    TableScan scan("encrypted_columns", registry_columns);
    const auto text_of_column = [&scan](std::size_t i) { return scan.get<std::string>(i); };
    while (scan.next())
        rows.add(text_of_column(0), text_of_column(1), text_of_column(2), text_of_column(3), text_of_column(4),
                 text_of_column(5), text_of_column(6), text_of_column(7), text_of_column(8), text_of_column(9));
    return rows.done();
}

// clinic_private.add_tenant_key(tenant_id, kind)
CLINIC_FUNCTION(clinic_add_tenant_key) {
    const Args args(fcinfo);
    return Int32GetDatum(
        add_tenant_key(args.get<Uuid>(0), args.get<std::string>(1) == index_kind ? index_kind : field_kind));
}

// clinic_private.is_wrapped_tenant_key(tenant_id, kind, key_no, master_key_id, wrapped)
CLINIC_FUNCTION(clinic_is_wrapped_tenant_key) {
    const Args args(fcinfo);
    return BoolGetDatum(is_wrapped_tenant_key(args.get<Uuid>(0), args.get<std::string_view>(1),
                                              args.get<std::int32_t>(2), args.get<std::string_view>(3),
                                              args.get<std::string_view>(4)));
}

// clinic_private.rewrap_tenant_key(tenant_id, kind, key_no, master_key_id, wrapped)
CLINIC_FUNCTION(clinic_rewrap_tenant_key) {
    const Args args(fcinfo);
    return text_datum(rewrap_tenant_key(args.get<Uuid>(0), args.get<std::string_view>(1), args.get<std::int32_t>(2),
                                        args.get<std::string_view>(3), args.get<std::string_view>(4)));
}

// clinic_private.rewrap_patient_key(tenant_id, patient_id, key_no, wrapping_key_no, wrapped, new_wrapping_key_no)
CLINIC_FUNCTION(clinic_rewrap_patient_key) {
    const Args args(fcinfo);
    return text_datum(rewrap_patient_key(args.get<Uuid>(0), args.get<Uuid>(1), args.get<std::int32_t>(2),
                                         args.get<std::int32_t>(3), args.get<std::string_view>(4),
                                         args.get<std::int32_t>(5)));
}

// clinic_private.current_master_key()
CLINIC_FUNCTION(clinic_current_master_key) { return text_datum(current_master_key().id); }

// clinic_private.master_key_state(): the current key's id, or what is wrong; whether keys are locked in memory
CLINIC_FUNCTION(clinic_master_key_state) {
    std::optional<std::string> id, problem;
    try {
        id = current_master_key().id;
    } catch (const SqlError &error) {
        problem = error.what();
    }
    const std::array<NullableValue, 4> row{nullable(id), nullable(problem), nullable(secret_memory::is_locked()),
                                           nullable(static_cast<std::int32_t>(key_cache::size()))};
    return composite(fcinfo, row);
}

// clinic_private.has_master_key(id): false too when none can be read
CLINIC_FUNCTION(clinic_has_master_key) {
    try {
        return BoolGetDatum(has_master_key(Args(fcinfo).get<std::string_view>(0)));
    } catch (const SqlError &) {
        return BoolGetDatum(false);
    }
}

// clinic_private.try_key_lock(tenant_id, key_no)
CLINIC_FUNCTION(clinic_try_key_lock) {
    const Args args(fcinfo);
    return BoolGetDatum(try_key_lock(args.get<Uuid>(0), args.get<std::int32_t>(1)));
}

// clinic_private.is_seen_by_all(xid8)
CLINIC_FUNCTION(clinic_is_seen_by_all) {
    const FullTransactionId id = FullTransactionIdFromU64(DatumGetUInt64(Args(fcinfo).datum(0)));
    return BoolGetDatum(pg_call([id] {
        const FullTransactionId next = ReadNextFullTransactionId();
        // What is so old that its short number has come round is seen by all.
        if (U64FromFullTransactionId(next) - U64FromFullTransactionId(id) > 1'000'000'000)
            return true;
        return TransactionIdPrecedes(XidFromFullTransactionId(id), GetOldestNonRemovableTransactionId(nullptr));
    }));
}

// clinic_private.has_patient_keys_under(tenant_id, key_no), as it is by now
CLINIC_FUNCTION(clinic_has_patient_keys_under) {
    const Args args(fcinfo);
    constexpr TableColumn columns[] = {{"key_no", INT4OID}};
    TableScan scan("patient_keys", columns, "patient_keys_wrapping_key_no_idx",
                   {key_value(args.get<Uuid>(0)), key_value(args.get<std::int32_t>(1))});
    return BoolGetDatum(scan.next());
}

// clinic_private.encrypt_rows_anew(tenant_id, key_no, relation, tenant_column, row_column, column_name, bound_table, bound_column,
//                                  from_block, most_rows)
CLINIC_FUNCTION(clinic_encrypt_rows_anew) {
    const Args args(fcinfo);
    const EncryptedColumn column = open_column(args, RowExclusiveLock);
    Batch batch;
    {
        // Expressions of its indexes and checks are the owner's.
        const AsRole as_owner(column.table->rd_rel->relowner);
        batch =
            encrypt_rows_anew(column, static_cast<BlockNumber>(args.get<std::int64_t>(8)), args.get<std::int32_t>(9));
    }
    Relation table = column.table;
    pg_call([table] { table_close(table, NoLock); });
    const std::array<NullableValue, 2> row{nullable(batch.next_block), nullable(batch.changed)};
    return composite(fcinfo, row);
}

// clinic_private.count_old_rows(tenant_id, key_no, relation, tenant_column, row_column, column_name, bound_table, bound_column)
CLINIC_FUNCTION(clinic_count_old_rows) {
    const EncryptedColumn column = open_column(Args(fcinfo), AccessShareLock);
    const std::int64_t count = count_rows(column);
    Relation table = column.table;
    pg_call([table] { table_close(table, NoLock); });
    return Int64GetDatum(count);
}

// clinic_private.destroy_patient_keys(tenant_id, patient_id, shredded_at, shredded_by, reason)
CLINIC_FUNCTION(clinic_destroy_patient_keys) {
    const Args args(fcinfo);
    return Int32GetDatum(destroy_patient_keys(args.required<Uuid>(0, "tenant_id"), args.required<Uuid>(1, "patient_id"),
                                              args.required<core::Instant>(2, "shredded_at").micros,
                                              args.optional<Uuid>(3), args.required<std::string>(4, "reason")));
}
