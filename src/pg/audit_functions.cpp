// Records of the audit from SQL: writing one, and computing the hash of one again.
#include "core/audit_leaf.hpp"
#include "pg/audit_record.hpp"
#include "pg/crypto.hpp"
#include "pg/datum.hpp"

namespace pg_clinic::pg {

namespace {

// A row of audit_records, by the names of its columns.
class StoredRecord {
  public:
    explicit StoredRecord(Datum row) {
        pg_call([this, row] {
            header_ = DatumGetHeapTupleHeader(row);
            description_ =
                lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(header_), HeapTupleHeaderGetTypMod(header_));
            tuple_.t_len = HeapTupleHeaderGetDatumLength(header_);
            tuple_.t_data = header_;
            values_ = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<std::size_t>(description_->natts)));
            nulls_ = static_cast<bool *>(palloc(sizeof(bool) * static_cast<std::size_t>(description_->natts)));
            heap_deform_tuple(&tuple_, description_, values_, nulls_);
        });
    }

    // A column; the columns are mostly asked for in their order.
    template <class T> std::optional<T> get(const char *name) {
        const int i = column(name, Sql<T>::type);
        return nulls_[i] ? std::nullopt : std::optional<T>(Sql<T>::from(values_[i]));
    }
    std::optional<std::string_view> text(const char *name, Oid type = TEXTOID) {
        const int i = column(name, type);
        return nulls_[i] ? std::nullopt : std::optional(text_view(values_[i]));
    }
    std::optional<std::uint64_t> transaction(const char *name) {
        const int i = column(name, XID8OID);
        return nulls_[i] ? std::nullopt : std::optional(static_cast<std::uint64_t>(values_[i]));
    }

  private:
    int column(const char *name, Oid type) {
        for (int tried = 0; tried < description_->natts; ++tried, next_ = (next_ + 1) % description_->natts) {
            const Form_pg_attribute attribute = TupleDescAttr(description_, next_);
            if (!attribute->attisdropped && std::strcmp(NameStr(attribute->attname), name) == 0) {
                if (attribute->atttypid != type)
                    break;
                return std::exchange(next_, (next_ + 1) % description_->natts);
            }
        }
        fail(ERRCODE_DATATYPE_MISMATCH,
             std::string("the row is no audit record: column ") + name + " is missing or has another type", {},
             "Pass a row of clinic_data.audit_records.");
    }

    HeapTupleHeader header_ = nullptr;
    HeapTupleData tuple_{};
    TupleDesc description_ = nullptr;
    Datum *values_ = nullptr;
    bool *nulls_ = nullptr;
    int next_ = 0;
};

// What cannot be null in the table counts as empty where a changed table lets it be.
std::string hash_of(StoredRecord &row, std::string (*of)(const core::AuditLeaf &, core::Sha256)) {
    core::AuditLeaf leaf;
    leaf.tenant_id = row.get<Uuid>("tenant_id").value_or(Uuid{});
    leaf.audit_id = row.get<Uuid>("audit_id").value_or(Uuid{});
    leaf.transaction_id = row.transaction("transaction_id").value_or(0);
    leaf.recorded_at = row.get<core::Instant>("recorded_at").value_or(core::Instant{});
    leaf.audit_class = row.text("class").value_or("");
    leaf.action = row.text("action").value_or("");
    leaf.table_name = row.text("table_name");
    leaf.row_id = row.text("row_id");
    leaf.patient_id = row.get<Uuid>("patient_id");
    leaf.user_id = row.get<Uuid>("user_id");
    leaf.actor = row.text("actor");
    leaf.login = row.text("login").value_or("");
    leaf.session_id = row.get<Uuid>("session_id");
    leaf.purpose = row.text("purpose");
    leaf.reason = row.text("reason");
    leaf.request_id = row.text("request_id");
    leaf.client_address = row.text("client_address");
    leaf.peer_address = row.text("peer_address");
    leaf.user_agent = row.text("user_agent");
    leaf.application_name = row.text("application_name");
    const auto before = row.get<Json>("before"), after = row.get<Json>("after");
    if (before)
        leaf.before = before->text;
    if (after)
        leaf.after = after->text;
    const auto row_ids = row.get<std::vector<Uuid>>("row_ids");
    if (row_ids)
        leaf.row_ids = *row_ids;
    leaf.row_count = row.get<std::int64_t>("row_count");
    leaf.statement_id = row.get<std::int64_t>("statement_id");
    leaf.salt = row.text("salt", BYTEAOID).value_or("");
    return of(leaf, &crypto::sha256);
}

} // namespace

// clinic_private.audit_leaf(record)
CLINIC_FUNCTION(clinic_audit_leaf) {
    StoredRecord row(fcinfo->args[0].value);
    return returning(fcinfo, Bytes{hash_of(row, &core::leaf_hash)});
}

// clinic_private.audit_content_digest(record)
CLINIC_FUNCTION(clinic_audit_content_digest) {
    StoredRecord row(fcinfo->args[0].value);
    return returning(fcinfo, Bytes{hash_of(row, &core::content_digest)});
}

// clinic_private.write_audit(class, action, table_name, row_id, patient_id, reason, before, after, row_ids, tenant_id)
CLINIC_FUNCTION(clinic_write_audit) {
    const Args args(fcinfo);
    AuditOrigin origin = present_origin();
    AuditRecord record;
    record.audit_class = args.required<std::string>(0, "class");
    record.action = args.required<std::string>(1, "action");
    record.table_name = args.optional<std::string>(2);
    record.row_id = args.optional<std::string>(3);
    record.patient_id = args.optional<Uuid>(4);
    record.reason = args.optional<std::string>(5);
    if (const auto before = args.optional<Json>(6))
        record.before = before->text;
    if (const auto after = args.optional<Json>(7))
        record.after = after->text;
    record.row_ids = args.get_or(8, std::vector<Uuid>{});
    if (!record.row_ids.empty())
        record.row_count = static_cast<std::int64_t>(record.row_ids.size());
    record.audit_id = new_wall_id();
    origin.tenant_id = args.get_or(9, origin.tenant_id);
    write_audit_records(origin, {record});
    return Sql<Uuid>::to(*record.audit_id);
}

} // namespace pg_clinic::pg
