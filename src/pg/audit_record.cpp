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

constexpr std::size_t salt_bytes = 16;

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
    NullableValue value;
    std::string text;
};

Document document_of(const Text &json, bool printed) {
    if (!json)
        return {};
    const char *text = json->c_str();
    const Datum value = pg_call([text] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); });
    return {{value, false}, printed ? *json : Sql<Json>::from(value).text};
}

// Writes records into the open table.
class RecordWriter {
  public:
    RecordWriter()
        : transaction_(pg_call([] { return U64FromFullTransactionId(GetTopFullTransactionId()); })),
          recorded_at_{pg_call([] { return GetCurrentTimestamp(); })} {
        places_.reserve(columns.size());
        for (const auto &[name, type] : columns)
            places_.push_back(writer_.place_of(name, type));
    }

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
        const Document before = document_of(record.before, record.printed),
                       after = document_of(record.after, record.printed);
        if (record.before)
            leaf.before = before.text;
        if (record.after)
            leaf.after = after.text;
        if (!record.row_ids.empty())
            leaf.row_ids = record.row_ids;
        leaf.row_count = record.row_count;
        leaf.statement_id = record.statement_id;
        std::array<std::uint8_t, salt_bytes> salt{};
        take_random(salt.data(), salt.size());
        leaf.salt = {reinterpret_cast<const char *>(salt.data()), salt.size()};
        const std::string hash = core::leaf_hash(leaf, &crypto::sha256);

        values_.assign({nullable(leaf.tenant_id),
                        nullable(leaf.audit_id),
                        {UInt64GetDatum(transaction_), false},
                        nullable(leaf.recorded_at),
                        nullable(leaf.audit_class),
                        nullable(leaf.action),
                        nullable(leaf.table_name),
                        nullable(leaf.row_id),
                        nullable(leaf.patient_id),
                        nullable(leaf.user_id),
                        nullable(leaf.actor),
                        nullable(leaf.login),
                        nullable(leaf.session_id),
                        nullable(leaf.purpose),
                        nullable(leaf.reason),
                        nullable(leaf.request_id),
                        nullable(leaf.client_address),
                        nullable(leaf.peer_address),
                        nullable(leaf.user_agent),
                        nullable(leaf.application_name),
                        before.value,
                        after.value,
                        leaf.row_ids ? nullable(record.row_ids) : NullableValue{},
                        nullable(leaf.row_count),
                        nullable(leaf.statement_id),
                        nullable(leaf.salt), // a bytea is stored as a text is
                        nullable(std::string_view(hash))});
        writer_.insert(places_, values_);
    }

    void finish() { writer_.finish(); }

  private:
    TableWriter writer_{"audit_records"};
    std::uint64_t transaction_;
    core::Instant recorded_at_;
    std::vector<TableWriter::Place> places_;
    std::vector<NullableValue> values_;
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
