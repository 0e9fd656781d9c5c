// Writing rows past SQL: see table_writer.hpp.
#include "pg/table_writer.hpp"

#include "pg/errors.hpp"
#include "pg/names.hpp"
#include "pg/row_rules.hpp"
#include "pg/scan.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
#include "executor/nodeModifyTable.h"
}

namespace pg_clinic::pg {

struct TableWriter::State {
    Relation table;
    EState *estate;
    ResultRelInfo *target;
    EPQState recheck;
    TupleTableSlot *fresh;  // the row to be written
    TupleTableSlot *locked; // the row as it stands
    void **checks;          // by column, what domain_check keeps
    Bitmapset **changed;    // where the executor looks for the changed columns
    // Rows that wait to be stored together, all of one table or partition.
    TupleTableSlot **gathered; // made at first use
    int gathered_count;
    std::size_t gathered_bytes;
    ResultRelInfo *gathered_in;
    // Of a partitioned table, which takes rows only:
    ModifyTableState *statement;
    PartitionTupleRouting *routing;
};

namespace {

constexpr int most_gathered = 100;
constexpr std::size_t most_gathered_bytes = 256 * 1024;

Relation open_for_writing(const char *name, LOCKMODE mode) {
    Relation table = pg_call([name, mode]() -> Relation {
        const Oid oid = named_relation(name);
        return OidIsValid(oid) ? table_open(oid, mode) : nullptr;
    });
    if (table == nullptr)
        raise(Code::schema_version, std::string("clinic_data.") + name + " does not exist", {},
              "Run CALL clinic.install(); first.");
    return table;
}

// Whether a trigger that is none of the engine's may change a row before it is stored.
bool may_be_changed(const TriggerDesc *triggers) {
    const Oid ours = get_namespace_oid("clinic_private", true);
    for (int i = 0; i < triggers->numtriggers; ++i) {
        const Trigger &t = triggers->triggers[i];
        if (TRIGGER_FOR_ROW(t.tgtype) && TRIGGER_FOR_BEFORE(t.tgtype) && TRIGGER_FOR_INSERT(t.tgtype) &&
            t.tgenabled != TRIGGER_DISABLED && get_func_namespace(t.tgfoid) != ours)
            return true;
    }
    return false;
}

// Whether a foreign key refers to that table from columns that the writer itself gives.
bool is_key_of(Relation table, Oid constraint, Oid referenced, const std::vector<bool> &given) {
    ListCell *cell = nullptr;
    foreach (cell, RelationGetFKeyList(table)) {
        const auto *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        if (key->conoid != constraint)
            continue;
        bool is = key->confrelid == referenced;
        for (int i = 0; i < key->nkeys; ++i)
            is = is && given[static_cast<std::size_t>(key->conkey[i] - 1)];
        return is;
    }
    return false;
}

// Takes the checks of a foreign key out of this statement's triggers.
void leave_out_checks(Relation table, TriggerDesc *triggers, Oid referenced, const std::vector<bool> &given) {
    int kept = 0;
    for (int i = 0; i < triggers->numtriggers; ++i) {
        const Trigger &t = triggers->triggers[i];
        if (t.tgconstrrelid != referenced || RI_FKey_trigger_type(t.tgfoid) != RI_TRIGGER_FK ||
            !is_key_of(table, t.tgconstraint, referenced, given))
            triggers->triggers[kept++] = t;
    }
    triggers->numtriggers = kept;
}

[[noreturn]] void not_written(Relation table) {
    fail(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION,
         std::string("a trigger keeps a row of clinic_data.") + RelationGetRelationName(table) + " from being written",
         "The row is part of a change that is made whole or not at all.",
         "Let the trigger raise an error instead of returning null.");
}

// What the executor wants to know of a statement that writes one table.
void describe_target(EState *estate, Relation table, Bitmapset ***changed) {
    RangeTblEntry *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_RELATION;
    entry->relid = RelationGetRelid(table);
    entry->relkind = table->rd_rel->relkind;
    entry->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
    List *permissions = NIL;
    RTEPermissionInfo *permission = addRTEPermissionInfo(&permissions, entry);
    *changed = &permission->updatedCols;
#if PG_VERSION_NUM >= 180000
    ExecInitRangeTable(estate, list_make1(entry), permissions, bms_make_singleton(1));
#else
    ExecInitRangeTable(estate, list_make1(entry), permissions);
#endif
#else
    *changed = &entry->updatedCols;
    ExecInitRangeTable(estate, list_make1(entry));
#endif
}

// Finds the partition of each new row, as logical replication does.
void route_rows(ModifyTableState **statement, PartitionTupleRouting **routing, EState *estate, ResultRelInfo *target) {
    ModifyTableState *m = makeNode(ModifyTableState);
    m->ps.state = estate;
    m->operation = CMD_INSERT;
    m->resultRelInfo = m->rootResultRelInfo = target;
    *statement = m;
    *routing = ExecSetupPartitionTupleRouting(estate, target->ri_RelationDesc);
}

// The row in the shape of its partition.
TupleTableSlot *in_partition(ResultRelInfo *partition, [[maybe_unused]] EState *estate, TupleTableSlot *row) {
#if PG_VERSION_NUM >= 160000
    TupleConversionMap *map = ExecGetRootToChildMap(partition, estate);
#else
    TupleConversionMap *map = partition->ri_RootToPartitionMap;
#endif
    return map == nullptr ? row : execute_attr_map_slot(map->attrMap, row, partition->ri_PartitionTupleSlot);
}

void prepare_recheck(EPQState *recheck, EState *estate) {
#if PG_VERSION_NUM >= 160000
    EvalPlanQualInit(recheck, estate, nullptr, NIL, -1, NIL);
#else
    EvalPlanQualInit(recheck, estate, nullptr, NIL, -1);
#endif
}

} // namespace

// The executor does it for statements, and we do without.
void require_writable() {
    pg_call([] {
        PreventCommandIfReadOnly("UPDATE");
        PreventCommandIfParallelMode("UPDATE");
    });
}

TableWriter::TableWriter(const char *table, std::vector<const char *> proven) {
    require_writable();
    Relation target = open_for_writing(table, RowExclusiveLock);
    rules_ = row_rules(target);
    ExprState **const checks = rules_->checks();
    proven_ = std::move(proven);
    s_ = pg_call([=] {
        EState *estate = CreateExecutorState();
        MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
        auto *state = static_cast<State *>(palloc0(sizeof(State)));
        state->table = target;
        state->estate = estate;
        describe_target(estate, target, &state->changed);
        state->target = makeNode(ResultRelInfo);
        InitResultRelInfo(state->target, target, 1, nullptr, 0);
#if PG_VERSION_NUM >= 180000
        state->target->ri_CheckConstraintExprs = checks;
#else
        state->target->ri_ConstraintExprs = checks;
#endif
        estate->es_output_cid = GetCurrentCommandId(true);
        if (target->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
            route_rows(&state->statement, &state->routing, estate, state->target);
        else
            ExecOpenIndices(state->target, false);
        prepare_recheck(&state->recheck, estate);
        state->fresh = ExecInitExtraTupleSlot(estate, RelationGetDescr(target), &TTSOpsVirtual);
        state->locked = table_slot_create(target, &estate->es_tupleTable);
        const auto columns = static_cast<std::size_t>(target->rd_att->natts);
        state->checks = static_cast<void **>(palloc0(sizeof(void *) * columns));
        AfterTriggerBeginQuery();
        MemoryContextSwitchTo(caller);
        return state;
    });
}

// Left by an exception, the (sub)transaction's abort closes everything.
TableWriter::~TableWriter() {
    if (s_ != nullptr)
        discard_row_rules();
}

AttrNumber TableWriter::number(const ColumnValue &value) const {
    return column_number(s_->table, value.column, value.type);
}

NullableValue TableWriter::default_of(int column) {
    State *s = s_;
    ExprState *expression = rules_->default_of(s->table, column);
    if (expression == nullptr)
        return {};
    return pg_call([s, expression] {
        NullableValue v;
        v.value = ExecEvalExpr(expression, GetPerTupleExprContext(s->estate), &v.is_null);
        return v;
    });
}

TableWriter::Place TableWriter::place_of(const char *column, Oid type, AttrNumber guess) const {
    const TupleDesc row = RelationGetDescr(s_->table);
    if (guess > 0 && guess <= row->natts) {
        const Form_pg_attribute attribute = TupleDescAttr(row, guess - 1);
        if (!attribute->attisdropped && attribute->atttypid == type &&
            std::strcmp(NameStr(attribute->attname), column) == 0)
            return {guess, type};
    }
    return {column_number(s_->table, column, type), type};
}

// Puts a value into the fresh row. Columns may have become domains of their type.
void TableWriter::put(Place place, const NullableValue &value) {
    State *s = s_;
    const int i = place.number - 1;
    s->fresh->tts_values[i] = value.value;
    s->fresh->tts_isnull[i] = value.is_null;
    const Oid type = TupleDescAttr(s->table->rd_att, i)->atttypid;
    if (type != place.type)
        pg_call([s, &value, i, type] {
            domain_check(value.value, value.is_null, type, &s->checks[i], s->estate->es_query_cxt);
        });
}

void TableWriter::fill(const std::vector<ColumnValue> &values) {
    for (const ColumnValue &v : values)
        put({number(v), v.type}, v.value);
}

// What the caller has proven needs no check, as long as what is stored is what the caller gives.
void TableWriter::leave_out_proven(const std::vector<bool> &given) {
    TriggerDesc *triggers = s_->target->ri_TrigDesc;
    const std::vector<const char *> proven = std::exchange(proven_, {});
    if (proven.empty() || triggers == nullptr)
        return;
    const char *const *names = proven.data();
    const std::size_t count = proven.size();
    const std::vector<bool> *columns = &given;
    Relation table = s_->table;
    pg_call([=] {
        if (!may_be_changed(triggers))
            for (std::size_t i = 0; i < count; ++i)
                leave_out_checks(table, triggers, named_relation(names[i]), *columns);
    });
}

// Empties the fresh row but for defaults.
void TableWriter::clear_but(const std::vector<bool> &given) {
    leave_out_proven(given);
    State *s = s_;
    pg_call([s] { ExecClearTuple(s->fresh); });
    for (int i = 0; i < s->table->rd_att->natts; ++i)
        if (!given[static_cast<std::size_t>(i)]) {
            const NullableValue otherwise = default_of(i);
            s->fresh->tts_values[i] = otherwise.value;
            s->fresh->tts_isnull[i] = otherwise.is_null;
        }
}

namespace {

// ExecSimpleRelationInsert of a row that was routed to its partition: its bounds need no check any more.
void insert_routed(ResultRelInfo *part, EState *estate, TupleTableSlot *row) {
    const TriggerDesc *triggers = part->ri_TrigDesc;
    if (triggers != nullptr && triggers->trig_insert_before_row && !ExecBRInsertTriggers(estate, part, row))
        return;
    if (const TupleConstr *rules = part->ri_RelationDesc->rd_att->constr; rules != nullptr) {
        if (rules->has_generated_stored)
            ExecComputeStoredGenerated(part, estate, row, CMD_INSERT);
        ExecConstraints(part, row, estate);
    }
    table_tuple_insert(part->ri_RelationDesc, row, estate->es_output_cid, 0, nullptr);
    List *recheck = NIL;
    if (part->ri_NumIndices > 0)
        recheck = ExecInsertIndexTuples(part, row, estate, false, false, nullptr, NIL
#if PG_VERSION_NUM >= 160000
                                        ,
                                        false
#endif
        );
    ExecARInsertTriggers(estate, part, row, recheck, nullptr);
    list_free(recheck);
}

} // namespace

// Inserts the fresh row.
void TableWriter::store() {
    State *s = s_;
    pg_call([s] {
        ExecStoreVirtualTuple(s->fresh);
        if (s->routing != nullptr) {
            ResultRelInfo *part = ExecFindPartition(s->statement, s->target, s->routing, s->fresh, s->estate);
            insert_routed(part, s->estate, in_partition(part, s->estate, s->fresh));
        } else {
            ExecSimpleRelationInsert(s->target, s->estate, s->fresh);
        }
        ResetPerTupleExprContext(s->estate);
    });
    if (s->routing == nullptr && !ItemPointerIsValid(&s->fresh->tts_tid))
        not_written(s->table);
}

void TableWriter::insert(const std::vector<ColumnValue> &values) {
    std::vector<bool> given(static_cast<std::size_t>(s_->table->rd_att->natts));
    for (const ColumnValue &v : values)
        given[static_cast<std::size_t>(number(v) - 1)] = true;
    clear_but(given);
    fill(values);
    store();
}

void TableWriter::insert(const std::vector<Place> &places, const std::vector<NullableValue> &values) {
    std::vector<bool> given(static_cast<std::size_t>(s_->table->rd_att->natts));
    for (const Place &place : places)
        given[static_cast<std::size_t>(place.number - 1)] = true;
    clear_but(given);
    for (std::size_t i = 0; i < places.size(); ++i)
        put(places[i], values[i]);
    store();
}

namespace {

// Whether rows may be stored together: nothing is to happen before, after or instead of one.
bool takes_many(const ResultRelInfo *target) {
    const TriggerDesc *triggers = target->ri_TrigDesc;
    const TupleConstr *rules = target->ri_RelationDesc->rd_att->constr;
    return (triggers == nullptr || !(triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
                                     triggers->trig_insert_instead_row || triggers->trig_insert_new_table)) &&
           (rules == nullptr || !rules->has_generated_stored) && target->ri_FdwRoutine == nullptr;
}

void index_row(ResultRelInfo *target, EState *estate, TupleTableSlot *row) {
    if (target->ri_NumIndices > 0)
        list_free(ExecInsertIndexTuples(target, row, estate, false, false, nullptr, NIL
#if PG_VERSION_NUM >= 160000
                                        ,
                                        false
#endif
                                        ));
    ResetPerTupleExprContext(estate);
}

} // namespace

// Stores the rows that were gathered.
void TableWriter::store_gathered(State *s) {
    const int count = std::exchange(s->gathered_count, 0);
    s->gathered_bytes = 0;
    Relation table = s->gathered_in->ri_RelationDesc;
    if (count == 1)
        table_tuple_insert(table, s->gathered[0], s->estate->es_output_cid, 0, nullptr);
    else
        table_multi_insert(table, s->gathered, count, s->estate->es_output_cid, 0, nullptr);
    for (int i = 0; i < count; ++i) {
        index_row(s->gathered_in, s->estate, s->gathered[i]);
        ExecClearTuple(s->gathered[i]);
    }
}

// Keeps a copy of the fresh row, or stores it at once where that must be. Plain data only: it runs behind the gate.
void TableWriter::gather() {
    State *s = s_;
    pg_call([s] {
        ExecStoreVirtualTuple(s->fresh);
        ResultRelInfo *target = s->routing == nullptr
                                    ? s->target
                                    : ExecFindPartition(s->statement, s->target, s->routing, s->fresh, s->estate);
        if (s->gathered_count > 0 && (target != s->gathered_in || s->gathered_count == most_gathered ||
                                      s->gathered_bytes >= most_gathered_bytes))
            store_gathered(s);
        TupleTableSlot *row = s->routing == nullptr ? s->fresh : in_partition(target, s->estate, s->fresh);
        if (!takes_many(target)) {
            if (s->routing == nullptr)
                ExecSimpleRelationInsert(s->target, s->estate, row);
            else
                insert_routed(target, s->estate, row);
            ResetPerTupleExprContext(s->estate);
            return;
        }
        row->tts_tableOid = RelationGetRelid(target->ri_RelationDesc);
        if (target->ri_RelationDesc->rd_att->constr != nullptr)
            ExecConstraints(target, row, s->estate);
        if (target != s->gathered_in || s->gathered == nullptr) {
            // Rows of another partition need slots of their own.
            MemoryContext caller = MemoryContextSwitchTo(s->estate->es_query_cxt);
            s->gathered = static_cast<TupleTableSlot **>(palloc0(sizeof(TupleTableSlot *) * most_gathered));
            MemoryContextSwitchTo(caller);
            s->gathered_in = target;
        }
        TupleTableSlot *&copy = s->gathered[s->gathered_count];
        if (copy == nullptr) {
            MemoryContext caller = MemoryContextSwitchTo(s->estate->es_query_cxt);
            copy = table_slot_create(target->ri_RelationDesc, &s->estate->es_tupleTable);
            MemoryContextSwitchTo(caller);
        }
        ExecCopySlot(copy, row);
        copy->tts_tableOid = row->tts_tableOid;
        bool must_free = false;
        s->gathered_bytes += ExecFetchSlotHeapTuple(copy, false, &must_free)->t_len;
        ++s->gathered_count;
        ResetPerTupleExprContext(s->estate);
    });
}

TableWriter::Rows::Rows(TableWriter &writer, std::vector<Place> places)
    : writer_(writer), places_(std::move(places)),
      given_(static_cast<std::size_t>(RelationGetDescr(writer.s_->table)->natts)) {
    for (const Place &place : places_)
        given_[static_cast<std::size_t>(place.number - 1)] = true;
}

void TableWriter::Rows::add(const std::vector<NullableValue> &values) {
    writer_.clear_but(given_);
    for (std::size_t i = 0; i < places_.size(); ++i)
        writer_.put(places_[i], values[i]);
    writer_.gather();
}

void TableWriter::Rows::flush() {
    State *s = writer_.s_;
    if (s->gathered_count > 0)
        pg_call([s] { store_gathered(s); });
}

bool TableWriter::lock(const ItemPointerData &place) {
    State *s = s_;
    return pg_call([s, &place] {
        ItemPointerData at = place;
        TM_FailureData failure;
        return table_tuple_lock(s->table, &at, SnapshotSelf, s->locked, GetCurrentCommandId(false),
                                LockTupleNoKeyExclusive, LockWaitBlock, 0, &failure) == TM_Ok;
    });
}

void TableWriter::update(const std::vector<ColumnValue> &values) {
    State *s = s_;
    pg_call([s] {
        slot_getallattrs(s->locked);
        ExecClearTuple(s->fresh);
        const auto columns = static_cast<std::size_t>(s->table->rd_att->natts);
        std::memcpy(s->fresh->tts_values, s->locked->tts_values, columns * sizeof(Datum));
        std::memcpy(s->fresh->tts_isnull, s->locked->tts_isnull, columns * sizeof(bool));
    });
    fill(values);
    for (const ColumnValue &v : values) {
        const int bit = number(v) - FirstLowInvalidHeapAttributeNumber;
        pg_call([s, bit] {
            MemoryContext caller = MemoryContextSwitchTo(s->estate->es_query_cxt);
            *s->changed = bms_add_member(*s->changed, bit);
            MemoryContextSwitchTo(caller);
        });
    }
    pg_call([s] {
        ExecStoreVirtualTuple(s->fresh);
        ExecSimpleRelationUpdate(s->target, s->estate, &s->recheck, s->locked, s->fresh);
        ResetPerTupleExprContext(s->estate);
    });
    if (!ItemPointerIsValid(&s->fresh->tts_tid))
        not_written(s->table);
}

void TableWriter::remove() {
    State *s = s_;
    pg_call([s] { ExecSimpleRelationDelete(s->target, s->estate, &s->recheck, s->locked); });
}

void TableWriter::finish() {
    State *s = std::exchange(s_, nullptr);
    pg_call([s] {
        Relation table = s->table;
        EState *estate = s->estate;
        AfterTriggerEndQuery(estate);
        EvalPlanQualEnd(&s->recheck);
        if (s->routing != nullptr)
            ExecCleanupTupleRouting(s->statement, s->routing);
        ExecCloseIndices(s->target);
        ExecResetTupleTable(estate->es_tupleTable, false);
        ExecCloseResultRelations(estate);
        ExecCloseRangeTableRelations(estate);
        FreeExecutorState(estate);
        table_close(table, NoLock);
        CommandCounterIncrement();
    });
}

bool hold_row(const char *table, const ItemPointerData &place, LockTupleMode mode) {
    Relation referenced = open_for_writing(table, RowShareLock);
    return pg_call([referenced, &place, mode] {
        ItemPointerData at = place;
        TM_FailureData failure;
        TupleTableSlot *slot = table_slot_create(referenced, nullptr);
        const TM_Result result = table_tuple_lock(referenced, &at, SnapshotSelf, slot, GetCurrentCommandId(false), mode,
                                                  LockWaitBlock, 0, &failure);
        ExecDropSingleTupleTableSlot(slot);
        table_close(referenced, NoLock);
        // Invisible to the own command is what that command wrote: nobody else can touch it.
        return result == TM_Ok || result == TM_Invisible;
    });
}

bool is_in_snapshot(const char *table, const ItemPointerData &place) {
    Relation relation = open_for_writing(table, RowShareLock);
    return pg_call([relation, &place] {
        ItemPointerData at = place;
        TupleTableSlot *slot = table_slot_create(relation, nullptr);
        bool seen = table_tuple_fetch_row_version(relation, &at, GetActiveSnapshot(), slot);
        if (!seen && table_tuple_fetch_row_version(relation, &at, SnapshotSelf, slot)) {
            bool is_null = false;
            const Datum writer = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &is_null);
            seen = !is_null && TransactionIdIsCurrentTransactionId(DatumGetTransactionId(writer));
        }
        ExecDropSingleTupleTableSlot(slot);
        table_close(relation, NoLock);
        return seen;
    });
}

} // namespace pg_clinic::pg
