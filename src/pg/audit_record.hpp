// One record of the audit: who did what to which row of whom, when, why, from where. The one place that writes them.
//
// A record is a row of clinic_data.audit_records, written past SQL (TableWriter) with its salt and leaf hash; the present
// transaction's id and the server's wall clock are filled in here. Form and meaning: docs/audit.md.
#pragma once

#include "core/civil.hpp"
#include "pg/uuid.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pg_clinic::pg {

// Who, why and from where: the same for all records of a statement.
struct AuditOrigin {
    Uuid tenant_id = {}; // nil: no tenant
    std::optional<Uuid> user_id = std::nullopt;
    std::optional<std::string> actor = std::nullopt;
    std::string login = {};
    std::optional<Uuid> session_id = std::nullopt;
    std::optional<std::string> purpose = std::nullopt;
    std::optional<std::string> reason = std::nullopt;
    std::optional<std::string> request_id = std::nullopt;
    std::optional<std::string> client_address = std::nullopt;
    std::optional<std::string> peer_address = std::nullopt;
    std::optional<std::string> user_agent = std::nullopt;
    std::optional<std::string> application_name = std::nullopt;
};

// Of the present context, request and connection.
AuditOrigin present_origin();

struct AuditRecord {
    std::string audit_class = {}; // medical, security, access
    std::string action = {};
    std::optional<std::string> table_name = std::nullopt;
    std::optional<std::string> row_id = std::nullopt;
    std::optional<Uuid> patient_id = std::nullopt;
    std::optional<std::string> reason = std::nullopt; // without: that of the origin
    std::optional<std::string> before = std::nullopt; // text of a JSON object
    std::optional<std::string> after = std::nullopt;
    // The same as it is stored (RowJson::Object), where the text is just as PostgreSQL prints it; empty: both are found out.
    std::string stored_before = {};
    std::string stored_after = {};
    std::vector<Uuid> row_ids = {}; // null when empty
    std::optional<std::int64_t> row_count = std::nullopt;
    std::optional<std::int64_t> statement_id = std::nullopt;
    std::optional<core::Instant> recorded_at = std::nullopt; // without: now, by the wall clock
    std::optional<Uuid> audit_id = std::nullopt; // without: a new one; given for what is ingested exactly once
};

// A record of its own tenant and origin, for what comes together from several.
struct AuditEntry {
    std::shared_ptr<const AuditOrigin> origin;
    Uuid tenant_id;
    AuditRecord record;
};

void write_audit_entries(std::span<const AuditEntry> entries);

// Writes the records, in order, at once: they are gone when the transaction or savepoint is rolled back. Raises 25006 in a
// read-only transaction, 25000 in a parallel worker.
void write_audit_records(const AuditOrigin &origin, const std::vector<AuditRecord> &records);

} // namespace pg_clinic::pg
