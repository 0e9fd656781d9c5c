// The audit of reads: every row of a marked table (audit_reads_relations.hpp) that leaves a statement leaves a record.
//
// Hooks of the executor look where the rows pass (audit_reads_plan.hpp) and keep their ids; the records are in the spool
// (audit_spool.hpp) before each run of the statement ends, a large result's a piece at a time while it runs, and also when the statement
// fails. When they cannot be written, the statement fails. Statements that our own functions run as clinic_owner or clinic_system
// are not looked at, unless clinic.record_own_reads is on, which those functions have set that return rows of patients from SQL; what
// others return they say with record_reads.
#pragma once

#include "pg/uuid.hpp"

#include <span>
#include <string>

namespace pg_clinic::pg {

// Records that the rows leave; patients: of whom they are, in any order. action: view, export, print, or empty for what the client said
// (clinic.access_action). Raises what write_spool raises.
void record_reads(const std::string &table, std::span<const Uuid> rows, std::span<const Uuid> patients,
                  const std::string &action = {});

// Settings and hooks; for _PG_init.
void install_audit_reads();

} // namespace pg_clinic::pg
