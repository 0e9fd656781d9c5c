// The audit of changes: a trigger that leaves a record for each row that a statement adds, changes or deletes.
//
// Row triggers only gather: what they found is written in one go when the statement's own trigger fires after them, when there is a
// lot of it, or, for rows that were written past SQL and so have no statement, before the commit. Records belong to the savepoint that
// their change belongs to: they are written in it, pass to the one around it when it is released, and are forgotten with it.
#include "pg/audit_changes.hpp"

#include "pg/audit_record.hpp"
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/login_map.hpp"
#include "pg/request.hpp"
#include "pg/row_json.hpp"

extern "C" {
#include "utils/inval.h"
}

namespace pg_clinic::pg {

namespace {

constexpr std::size_t most_gathered = 500;

using Text = std::optional<std::string>;

// ---- What is gathered

struct Gathered {
    std::vector<AuditEntry> entries;
    std::vector<int> levels; // of savepoints; ascending
    // The present origin, while nothing it is made of has changed.
    std::shared_ptr<const AuditOrigin> origin;
    const Context *context = nullptr;
    const RequestFacts *request = nullptr;
    Oid session_user = InvalidOid;
};
constinit Gathered *gathered = nullptr; // in the memory of the transaction

Gathered &gathering() {
    if (gathered == nullptr)
        gathered = make_in_context<Gathered>(TopTransactionContext);
    return *gathered;
}

// Writes what was gathered in the present savepoint.
void write_gathered() {
    if (gathered == nullptr || gathered->entries.empty())
        return;
    const int level = GetCurrentTransactionNestLevel();
    std::vector<int> &levels = gathered->levels;
    const auto first = static_cast<std::size_t>(std::lower_bound(levels.begin(), levels.end(), level) - levels.begin());
    if (first == levels.size())
        return;
    std::vector<AuditEntry> now_written;
    const auto begin = gathered->entries.begin() + static_cast<std::ptrdiff_t>(first);
    now_written.assign(std::make_move_iterator(begin), std::make_move_iterator(gathered->entries.end()));
    gathered->entries.resize(first);
    levels.resize(first);
    write_audit_entries(now_written);
}

std::shared_ptr<const AuditOrigin> shared_origin(Gathered &g) {
    const Context *context = current_context();
    const RequestFacts *request = kept_request();
    const Oid session_user = GetSessionUserId();
    if (g.origin != nullptr && g.context == context && g.request == request && g.session_user == session_user &&
        g.origin->application_name.value_or("") == application_name)
        return g.origin;
    g.origin = std::make_shared<const AuditOrigin>(present_origin());
    g.context = context;
    g.request = request;
    g.session_user = session_user;
    return g.origin;
}

void gather(const std::optional<Uuid> &tenant, AuditRecord record) {
    Gathered &g = gathering();
    std::shared_ptr<const AuditOrigin> origin = shared_origin(g);
    const Uuid of_context = origin->tenant_id;
    record.audit_id = new_wall_id();
    g.entries.push_back({std::move(origin), tenant.value_or(of_context), std::move(record)});
    g.levels.push_back(GetCurrentTransactionNestLevel());
    if (g.entries.size() >= most_gathered)
        write_gathered();
}

// A transaction may have been declared READ ONLY after its changes.
class Writable {
  public:
    Writable() { XactReadOnly = false; }
    ~Writable() { XactReadOnly = read_only_; }
    Writable(const Writable &) = delete;
    Writable &operator=(const Writable &) = delete;

  private:
    bool read_only_ = XactReadOnly;
};

void before_commit() {
    const Writable writable;
    pg_call([] { PushActiveSnapshot(GetTransactionSnapshot()); });
    write_gathered();
    pg_call([] { PopActiveSnapshot(); });
}

void at_transaction_event(XactEvent event, void *) {
    if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE) {
        if (gathered != nullptr && !gathered->entries.empty())
            cpp_boundary([] { before_commit(); });
    } else if (event != XACT_EVENT_PARALLEL_PRE_COMMIT) {
        gathered = nullptr;
    }
}

void at_savepoint_event(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (gathered == nullptr || gathered->levels.empty() || gathered->levels.back() < GetCurrentTransactionNestLevel())
        return;
    const int level = GetCurrentTransactionNestLevel();
    std::vector<int> &levels = gathered->levels;
    const auto first = std::lower_bound(levels.begin(), levels.end(), level);
    if (event == SUBXACT_EVENT_COMMIT_SUB) {
        std::fill(first, levels.end(), level - 1);
    } else if (event == SUBXACT_EVENT_ABORT_SUB) {
        gathered->entries.resize(static_cast<std::size_t>(first - levels.begin()));
        levels.erase(first, levels.end());
    }
}

// ---- What a trigger is told, prepared

struct KeyPart {
    AttrNumber number;
    JsonType type;
};

struct Plan {
    Oid relation;
    std::string table;
    std::string audit_class;
    std::vector<KeyPart> key;
    AttrNumber tenant = InvalidAttrNumber;
    AttrNumber patient = InvalidAttrNumber;
    std::vector<AttrNumber> reasons;
    std::optional<RowJson> json;
    int columns = 0;
};

// Plans by trigger, for the life of the backend, until their table changes.
using Plans = std::unordered_map<Oid, std::unique_ptr<const Plan>>;
constinit Plans *plans = nullptr;
constinit Oid stale_relation = InvalidOid; // InvalidOid: none; otherwise plans are to be looked through
constinit bool all_stale = false;

// Nothing may be freed here: a plan may be in use. Forgotten at the next firing.
void at_change_of_relation(Datum, Oid relation) {
    if (!OidIsValid(relation) || (OidIsValid(stale_relation) && stale_relation != relation))
        all_stale = true;
    else
        stale_relation = relation;
}

Plans &known_plans() {
    if (plans == nullptr) {
        plans = new Plans;
        pg_call([] { CacheRegisterRelcacheCallback(at_change_of_relation, Datum{0}); });
    }
    if (all_stale)
        plans->clear();
    else if (OidIsValid(stale_relation))
        std::erase_if(*plans, [](const auto &entry) { return entry.second->relation == stale_relation; });
    all_stale = false;
    stale_relation = InvalidOid;
    return *plans;
}

std::vector<std::string> words_of(std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        std::string_view word = list.substr(0, comma);
        while (!word.empty() && word.front() == ' ')
            word.remove_prefix(1);
        while (!word.empty() && word.back() == ' ')
            word.remove_suffix(1);
        if (!word.empty())
            out.emplace_back(word);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return out;
}

AttrNumber find_column(TupleDesc row, std::string_view name) {
    for (int i = 0; i < row->natts; ++i)
        if (!TupleDescAttr(row, i)->attisdropped && name == NameStr(TupleDescAttr(row, i)->attname))
            return TupleDescAttr(row, i)->attnum;
    return InvalidAttrNumber;
}

[[noreturn]] void misused(const std::string &detail) {
    fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "audit_change is misused", detail,
         "Let clinic.enable_audit make the triggers.");
}

AttrNumber uuid_column(TupleDesc row, const std::string &name) {
    const AttrNumber number = find_column(row, name);
    return number != InvalidAttrNumber && TupleDescAttr(row, number - 1)->atttypid == UUIDOID ? number : AttrNumber{0};
}

std::unique_ptr<const Plan> make_plan(const Trigger &trigger, Relation relation) {
    TupleDesc row = RelationGetDescr(relation);
    auto plan = std::make_unique<Plan>();
    plan->relation = RelationGetRelid(relation);
    plan->columns = row->natts;
    plan->table = trigger.tgargs[0];
    plan->audit_class = trigger.tgargs[3];
    std::vector<AttrNumber> left_out;
    for (const std::string &name : words_of(trigger.tgargs[1])) {
        const AttrNumber number = find_column(row, name);
        if (number == InvalidAttrNumber)
            misused("The table has no column " + name + ".");
        plan->key.push_back({number, json_type(TupleDescAttr(row, number - 1)->atttypid)});
        left_out.push_back(number);
    }
    if (const std::string name = trigger.tgargs[2]; !name.empty()) {
        plan->patient = uuid_column(row, name);
        if (plan->patient == InvalidAttrNumber)
            misused("The table has no column " + name + " of type uuid.");
    }
    plan->tenant = uuid_column(row, "tenant_id");
    if (plan->tenant != InvalidAttrNumber)
        left_out.push_back(plan->tenant);
    const std::vector<std::string> secrets = words_of(trigger.tgargs[4]);
    for (const std::string &word : secrets)
        if (word != "*" && find_column(row, word.front() == '-' ? word.substr(1) : word) == InvalidAttrNumber)
            misused("The table has no column " + word + ".");
    for (const char *name : {"status_reason", "state_reason", "override_reason", "reason"})
        if (const AttrNumber number = find_column(row, name);
            number != InvalidAttrNumber && TupleDescAttr(row, number - 1)->atttypid == TEXTOID &&
            std::find(secrets.begin(), secrets.end(), name) == secrets.end())
            plan->reasons.push_back(number);
    plan->json.emplace(row, secrets, left_out);
    return plan;
}

const Plan &plan_of(const TriggerData &data) {
    const Trigger &trigger = *data.tg_trigger;
    if (trigger.tgnargs != 5)
        misused("It takes a table's name, key columns, patient column, class and secret columns.");
    Plans &known = known_plans();
    auto &plan = known[trigger.tgoid];
    if (plan == nullptr)
        plan = make_plan(trigger, data.tg_relation);
    return *plan;
}

// ---- One row

// A row taken apart.
class Row {
  public:
    Row(const Plan &plan, Relation relation, HeapTuple tuple)
        : values_(static_cast<std::size_t>(plan.columns)),
          nulls_(std::make_unique<bool[]>(static_cast<std::size_t>(plan.columns))) {
        pg_call([&, this] { heap_deform_tuple(tuple, RelationGetDescr(relation), values_.data(), nulls_.get()); });
    }
    const Datum *values() const { return values_.data(); }
    const bool *nulls() const { return nulls_.get(); }

    template <class T> std::optional<T> get(AttrNumber number) const {
        if (number == InvalidAttrNumber || nulls_[static_cast<std::size_t>(number - 1)])
            return std::nullopt;
        return Sql<T>::from(values_[static_cast<std::size_t>(number - 1)]);
    }

    // The parts of the key with "/" between them; in them "/" and "\" stand behind a "\".
    std::string key(const Plan &plan) const {
        std::string out;
        for (const KeyPart &part : plan.key) {
            const auto i = static_cast<std::size_t>(part.number - 1);
            if (&part != plan.key.data())
                out += '/';
            if (nulls_[i])
                continue;
            const std::string text = key_text(part.type, values_[i]);
            if (plan.key.size() == 1) {
                out = text;
                break;
            }
            for (const char c : text) {
                if (c == '/' || c == '\\')
                    out += '\\';
                out += c;
            }
        }
        return out;
    }

  private:
    std::vector<Datum> values_;
    std::unique_ptr<bool[]> nulls_;
};

void gather_row(const Plan &plan, const TriggerData &data) {
    const bool update = TRIGGER_FIRED_BY_UPDATE(data.tg_event), insert = TRIGGER_FIRED_BY_INSERT(data.tg_event);
    const Row old(plan, data.tg_relation, data.tg_trigtuple);
    std::optional<Row> changed;
    if (update)
        changed.emplace(plan, data.tg_relation, data.tg_newtuple);
    const Row &row = update ? *changed : old;

    AuditRecord record;
    if (update) {
        auto pair = plan.json->changes(old.values(), old.nulls(), row.values(), row.nulls());
        if (!pair)
            return;
        record.action = "update";
        record.before = std::move(pair->before.text);
        record.stored_before = std::move(pair->before.stored);
        record.after = std::move(pair->after.text);
        record.stored_after = std::move(pair->after.stored);
    } else {
        RowJson::Object whole = plan.json->whole(row.values(), row.nulls());
        record.action = insert ? "create" : "delete";
        (insert ? record.after : record.before) = std::move(whole.text);
        (insert ? record.stored_after : record.stored_before) = std::move(whole.stored);
    }
    record.audit_class = plan.audit_class;
    record.table_name = plan.table;
    record.row_id = row.key(plan);
    record.patient_id = row.get<Uuid>(plan.patient);
    for (const AttrNumber number : plan.reasons)
        if (Text reason = row.get<std::string>(number); !record.reason && reason &&
                                                        !TRIGGER_FIRED_BY_DELETE(data.tg_event) &&
                                                        (insert || reason != old.get<std::string>(number)))
            record.reason = std::move(reason);
    gather(row.get<Uuid>(plan.tenant), std::move(record));
}

void gather_truncation(const Plan &plan) {
    AuditRecord record;
    record.audit_class = plan.audit_class;
    record.action = "truncate";
    record.table_name = plan.table;
    gather(Uuid{}, std::move(record)); // whoever's rows they were
}

} // namespace

void define_audit_changes() {
    RegisterXactCallback(at_transaction_event, nullptr);
    RegisterSubXactCallback(at_savepoint_event, nullptr);
}

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// AFTER trigger: FOR EACH ROW it gathers, FOR EACH STATEMENT it writes; of TRUNCATE both.
CLINIC_FUNCTION(clinic_audit_change) {
    if (!CALLED_AS_TRIGGER(fcinfo))
        misused("It must be called as a trigger.");
    const auto &data = *reinterpret_cast<const TriggerData *>(fcinfo->context);
    if (!TRIGGER_FIRED_AFTER(data.tg_event))
        misused("It must be an AFTER trigger.");
    if (TRIGGER_FIRED_FOR_ROW(data.tg_event)) {
        gather_row(plan_of(data), data);
    } else {
        if (TRIGGER_FIRED_BY_TRUNCATE(data.tg_event))
            gather_truncation(plan_of(data));
        write_gathered();
    }
    return PointerGetDatum(nullptr);
}
