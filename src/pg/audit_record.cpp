// Records of the audit: see audit_record.hpp.
#include "pg/audit_record.hpp"

#include "core/audit_leaf.hpp"
#include "pg/context.hpp"
#include "pg/crypto.hpp"
#include "pg/login_map.hpp"
#include "pg/request.hpp"
#include "pg/table_writer.hpp"

namespace pg_clinic::pg {

namespace {

constexpr std::size_t salt_bytes = 16, hash_bytes = 32;

using Text = std::optional<std::string>;

Text given(const char *text) { return text == nullptr || *text == '\0' ? Text{} : Text(text); }
Text given(const std::string &text) { return text.empty() ? Text{} : Text(text); }

core::AuditLeaf::Text view(const Text &text) {
    return text ? core::AuditLeaf::Text(*text) : core::AuditLeaf::Text(std::nullopt);
}

// The columns of a record in the order of its canonical form.
constexpr std::array<std::pair<const char *, Oid>, 27> columns{{
    {"tenant_id", UUIDOID},      {"audit_id", UUIDOID},
    {"transaction_id", XID8OID}, {"recorded_at", TIMESTAMPTZOID},
    {"class", TEXTOID},          {"action", TEXTOID},
    {"table_name", TEXTOID},     {"row_id", TEXTOID},
    {"patient_id", UUIDOID},     {"user_id", UUIDOID},
    {"actor", TEXTOID},          {"login", TEXTOID},
    {"session_id", UUIDOID},     {"purpose", TEXTOID},
    {"reason", TEXTOID},         {"request_id", TEXTOID},
    {"client_address", TEXTOID}, {"peer_address", TEXTOID},
    {"user_agent", TEXTOID},     {"application_name", TEXTOID},
    {"before", JSONBOID},        {"after", JSONBOID},
    {"row_ids", UUIDARRAYOID},   {"row_count", INT8OID},
    {"statement_id", INT8OID},   {"salt", BYTEAOID},
    {"leaf_hash", BYTEAOID},
}};

// A jsonb value, and the text that PostgreSQL prints of it: what is hashed.
struct Document {
    NullableValue value = {};
    std::string found = {}; // the text, where it had to be found out
    core::AuditLeaf::Text text = std::nullopt;
};

void read_document(Document &out, const Text &json, const std::string &stored) {
    if (!json)
        return;
    if (!stored.empty()) {
        out.value = {PointerGetDatum(stored.data()), false};
        out.text = *json;
        return;
    }
    const char *text = json->c_str();
    out.value = {pg_call([text] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); }), false};
    out.found = Sql<Json>::from(out.value.value).text;
    out.text = out.found;
}

// An id where it lies.
NullableValue value_at(const Uuid &id) { return {PointerGetDatum(id.bytes.data()), false}; }
NullableValue value_at(const std::optional<Uuid> &id) { return id ? value_at(*id) : NullableValue{}; }

// A value of some bytes, of type bytea.
template <std::size_t size> struct StoredBytes {
    StoredBytes() { SET_VARSIZE(this, sizeof *this); }
    std::string_view view() const { return {bytes, size}; }
    NullableValue value() const { return {PointerGetDatum(this), false}; }

    std::int32_t header = 0;
    char bytes[size] = {};
};

// Writes records into the open table.
class RecordWriter {
  public:
    RecordWriter()
        : memory_(CurrentMemoryContext),
          transaction_(pg_call([] { return U64FromFullTransactionId(GetTopFullTransactionId()); })),
          recorded_at_{pg_call([] { return GetCurrentTimestamp(); })}, rows_(writer_, places()) {}

    void write(const AuditOrigin &origin, const Uuid &tenant, const AuditRecord &record) {
        core::AuditLeaf leaf;
        leaf.tenant_id = tenant;
        leaf.audit_id = record.audit_id ? *record.audit_id : new_wall_id();
        leaf.transaction_id = transaction_;
        leaf.recorded_at = record.recorded_at.value_or(recorded_at_);
        leaf.audit_class = record.audit_class;
        leaf.action = record.action;
        leaf.table_name = view(record.table_name);
        leaf.row_id = view(record.row_id);
        leaf.patient_id = record.patient_id;
        leaf.user_id = origin.user_id;
        leaf.actor = view(origin.actor);
        leaf.login = origin.login;
        leaf.session_id = origin.session_id;
        leaf.purpose = view(origin.purpose);
        leaf.reason = view(record.reason ? record.reason : origin.reason);
        leaf.request_id = view(origin.request_id);
        leaf.client_address = view(origin.client_address);
        leaf.peer_address = view(origin.peer_address);
        leaf.user_agent = view(origin.user_agent);
        leaf.application_name = view(origin.application_name);
        Document before, after;
        read_document(before, record.before, record.stored_before);
        read_document(after, record.after, record.stored_after);
        leaf.before = before.text;
        leaf.after = after.text;
        if (!record.row_ids.empty())
            leaf.row_ids = record.row_ids;
        leaf.row_count = record.row_count;
        leaf.statement_id = record.statement_id;
        StoredBytes<salt_bytes> salt;
        take_random(reinterpret_cast<std::uint8_t *>(salt.bytes), salt_bytes);
        leaf.salt = salt.view();
        StoredBytes<hash_bytes> hash;
        core::leaf_hash(leaf, &crypto::sha256).copy(hash.bytes, hash_bytes);

        if (origin_ != &origin)
            keep(origin);
        values_[0] = value_at(leaf.tenant_id);
        values_[1] = value_at(leaf.audit_id);
        values_[2] = {UInt64GetDatum(transaction_), false};
        values_[3] = nullable(leaf.recorded_at);
        values_[4] = nullable(leaf.audit_class);
        values_[5] = nullable(leaf.action);
        values_[6] = nullable(leaf.table_name);
        values_[7] = nullable(leaf.row_id);
        values_[8] = value_at(leaf.patient_id);
        values_[14] = record.reason ? nullable(*leaf.reason) : reason_;
        values_[20] = before.value;
        values_[21] = after.value;
        values_[22] = leaf.row_ids ? nullable(record.row_ids) : NullableValue{};
        values_[23] = nullable(leaf.row_count);
        values_[24] = nullable(leaf.statement_id);
        values_[25] = salt.value();
        values_[26] = hash.value();
        rows_.add(values_);
    }

    void finish() {
        rows_.flush();
        writer_.finish();
    }

  private:
    std::vector<TableWriter::Place> places() const {
        std::vector<TableWriter::Place> out;
        out.reserve(columns.size());
        for (const auto &[name, type] : columns)
            out.push_back(writer_.place_of(name, type, static_cast<AttrNumber>(out.size() + 1)));
        return out;
    }

    // The values of an origin, which the records of a statement share.
    void keep(const AuditOrigin &origin) {
        MemoryContext caller = MemoryContextSwitchTo(memory_);
        values_[9] = value_at(origin.user_id);
        values_[10] = nullable(origin.actor);
        values_[11] = nullable(origin.login);
        values_[12] = value_at(origin.session_id);
        values_[13] = nullable(origin.purpose);
        reason_ = nullable(origin.reason);
        values_[15] = nullable(origin.request_id);
        values_[16] = nullable(origin.client_address);
        values_[17] = nullable(origin.peer_address);
        values_[18] = nullable(origin.user_agent);
        values_[19] = nullable(origin.application_name);
        MemoryContextSwitchTo(caller);
        origin_ = &origin;
    }

    MemoryContext memory_;
    TableWriter writer_{"audit_records"};
    std::uint64_t transaction_;
    core::Instant recorded_at_;
    TableWriter::Rows rows_;
    const AuditOrigin *origin_ = nullptr;
    NullableValue reason_;
    std::vector<NullableValue> values_ = std::vector<NullableValue>(columns.size());
};

} // namespace

AuditOrigin present_origin() {
    AuditOrigin origin;
    if (const Context *context = current_context()) {
        origin.tenant_id = context->tenant_id;
        origin.user_id = context->user();
        origin.actor = actor_name(context->actor);
        origin.session_id = context->session();
        origin.purpose = given(context->purpose);
    }
    const RequestFacts request = present_request();
    origin.request_id = given(request.request_id);
    origin.client_address = given(request.client_address);
    origin.peer_address = given(request.peer_address);
    origin.user_agent = given(request.user_agent);
    origin.login = session_login();
    origin.application_name = given(application_name);
    return origin;
}

namespace {

// Writes one record for each index.
template <class Write> void write_each(std::size_t count, Write write) {
    // What one record needs in the server's memory goes before the next.
    MemoryContext caller = CurrentMemoryContext;
    MemoryContext each =
        pg_call([] { return AllocSetContextCreate(CurrentMemoryContext, "audit record", ALLOCSET_DEFAULT_SIZES); });
    RecordWriter writer;
    for (std::size_t i = 0; i < count; ++i) {
        MemoryContextSwitchTo(each);
        write(writer, i);
        MemoryContextSwitchTo(caller);
        pg_call([each] { MemoryContextReset(each); });
    }
    writer.finish();
    pg_call([each] { MemoryContextDelete(each); });
}

} // namespace

void write_audit_records(const AuditOrigin &origin, const std::vector<AuditRecord> &records) {
    if (!records.empty())
        write_each(records.size(),
                   [&](RecordWriter &writer, std::size_t i) { writer.write(origin, origin.tenant_id, records[i]); });
}

void write_audit_entries(std::span<const AuditEntry> entries) {
    if (!entries.empty())
        write_each(entries.size(), [&](RecordWriter &writer, std::size_t i) {
            writer.write(*entries[i].origin, entries[i].tenant_id, entries[i].record);
        });
}

} // namespace pg_clinic::pg
