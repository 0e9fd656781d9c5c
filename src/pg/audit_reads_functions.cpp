// The audit of reads from SQL: the mark of tables, recording, and bringing the spool into the audit.
#include "pg/audit_reads.hpp"
#include "pg/audit_spool.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/result.hpp"
#include "pg/table_writer.hpp"

namespace pg_clinic::pg {

namespace {

std::string list_of(const std::vector<Uuid> &patients) {
    std::string json = "{\"patient_ids\": [";
    for (const Uuid &patient : patients)
        json += (patient == patients.front() ? "\"" : ", \"") + to_text(patient) + "\"";
    return json + "]}";
}

AuditEntry entry_of(const SpoolRecord &kept) {
    AuditRecord record;
    record.audit_class = kept.audit_class;
    record.action = kept.action;
    record.table_name = kept.table_name;
    record.row_id = kept.row_id;
    if (kept.patient_ids.size() == 1)
        record.patient_id = kept.patient_ids.front();
    else if (!kept.patient_ids.empty() && kept.patient_ids != kept.row_ids)
        record.after = list_of(kept.patient_ids);
    record.row_ids = kept.row_ids;
    record.row_count = kept.row_count;
    record.statement_id = kept.statement_id;
    record.recorded_at = kept.recorded_at;
    record.audit_id = kept.audit_id;
    return {std::make_shared<const AuditOrigin>(kept.origin), kept.origin.tenant_id, std::move(record)};
}

// Which patients the records of reads are about, so that one finds them by patient.
void write_patients(std::span<const SpoolRecord> records) {
    TableWriter writer("audit_read_patients");
    const std::vector<TableWriter::Place> places{writer.place_of("tenant_id", UUIDOID),
                                                 writer.place_of("patient_id", UUIDOID),
                                                 writer.place_of("audit_id", UUIDOID)};
    std::vector<NullableValue> values;
    for (const SpoolRecord &record : records)
        for (const Uuid &patient : record.patient_ids) {
            values.assign({nullable(record.origin.tenant_id), nullable(patient), nullable(record.audit_id)});
            writer.insert(places, values);
        }
    writer.finish();
}

void write(std::span<const SpoolRecord> records) {
    std::vector<AuditEntry> entries;
    for (const SpoolRecord &record : records)
        entries.push_back(entry_of(record));
    write_audit_entries(entries);
    write_patients(records);
}

// Writes the records but for those that the audit has already: a restored base backup may bring back a file that was ingested.
std::int64_t write_missing(std::span<const SpoolRecord> records) {
    ErrorData *error = subtransaction([records] { write(records); });
    if (error == nullptr)
        return static_cast<std::int64_t>(records.size());
    if (error->sqlerrcode != ERRCODE_UNIQUE_VIOLATION)
        rethrow(error);
    if (records.size() == 1)
        return 0;
    const std::size_t half = records.size() / 2;
    return write_missing(records.first(half)) + write_missing(records.subspan(half));
}

const char *state_word(SpoolPart::State state) {
    switch (state) {
    case SpoolPart::State::whole:
        return "whole";
    case SpoolPart::State::partly:
        return "partly";
    default:
        return "damaged";
    }
}

void require_name(const std::string &name) {
    if (name.find('/') != std::string::npos || !name.ends_with(".spool"))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "that is no file of the spool", {}, {}, "spool");
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// The mark of a table: it does nothing, and is looked for.
CLINIC_FUNCTION(clinic_audit_reads) { return PointerGetDatum(nullptr); }

// clinic_private.record_reads(table_name text, row_ids uuid[], patient_ids uuid[], action text)
CLINIC_FUNCTION(clinic_record_reads) {
    const Args args(fcinfo);
    const auto table = args.required<std::string>(0, "table_name");
    const auto rows = args.get_or<std::vector<Uuid>>(1, {}), patients = args.get_or<std::vector<Uuid>>(2, {});
    record_reads(table, rows, patients, args.get_or<std::string>(3, {}));
    return returning_null(fcinfo);
}

// clinic_private.spool_files()
CLINIC_FUNCTION(clinic_spool_files) {
    ResultSet result(fcinfo);
    for (const SpoolFile &file : spool_files())
        result.add(file.name, file.database == MyDatabaseId, static_cast<std::int64_t>(file.bytes), file.changed_at);
    return result.done();
}

// clinic_private.spool_trouble()
CLINIC_FUNCTION(clinic_spool_trouble) { return returning(fcinfo, spool_trouble()); }

// clinic_private.ingest_spool(spool text, begins_at bigint, most integer)
CLINIC_FUNCTION(clinic_ingest_spool) {
    const Args args(fcinfo);
    const auto name = args.get<std::string>(0);
    require_name(name);
    ResultSet result(fcinfo);
    if (const auto part = read_spool(name, static_cast<std::uint64_t>(args.get<std::int64_t>(1)),
                                     static_cast<std::size_t>(args.get<std::int32_t>(2)))) {
        const std::int64_t written = part->records.empty() ? 0 : write_missing(part->records);
        // The file may go once this is committed, so the commit must be on the disk even where the session's own need not.
        pg_call([] { ForceSyncCommit(); });
        result.add(static_cast<std::int64_t>(part->end), static_cast<std::int64_t>(part->records.size()), written,
                   std::string(state_word(part->state)), part->writer_lives);
    }
    return result.done();
}

// clinic_private.remove_spool(spool text, damaged boolean)
CLINIC_FUNCTION(clinic_remove_spool) {
    const Args args(fcinfo);
    const auto name = args.get<std::string>(0);
    require_name(name);
    if (args.get<bool>(1))
        set_spool_aside(name);
    else
        remove_spool(name);
    return returning_null(fcinfo);
}
