// The spool of the audit: where records go that must outlive whatever becomes of the transaction that they tell of.
//
// Each backend appends to a file of its own below the data directory (pg_clinic_spool/<database>-<process>-<start>-<n>.spool, mode
// 0600), with one write() for a batch; write_spool returns when the records are in the file: they survive ROLLBACK, READ ONLY
// transactions and the death of the backend or the server, and with clinic.audit_durability = disk also that of the machine.
// The file's lock says whether its backend lives. clinic.ingest_audit() brings the records into the audit, each exactly once.
// The spool holds ids, never a value of a patient.
#pragma once

#include "pg/audit_record.hpp"

#include <span>
#include <string>
#include <vector>

namespace pg_clinic::pg {

struct SpoolRecord {
    AuditOrigin origin = {};
    Uuid audit_id = {};
    core::Instant recorded_at = {};
    std::string audit_class = {};
    std::string action = {};
    std::optional<std::string> table_name = std::nullopt;
    std::optional<std::string> row_id = std::nullopt;
    std::vector<Uuid> row_ids = {};
    std::vector<Uuid> patient_ids = {}; // of the rows, each once
    std::optional<std::int64_t> row_count = std::nullopt;
    std::optional<std::int64_t> statement_id = std::nullopt;
};

// Appends the records. audit_id and recorded_at are filled in here. Raises 53100 (disk full), 58030 (other errors of files),
// or 25006 on a standby that may not keep records (clinic.audit_standby).
void write_spool(std::span<SpoolRecord> records);

// The same where no error may be raised, since the statement has ended already: a failure is written to the server's log.
void write_spool_quietly(std::span<SpoolRecord> records) noexcept;

// What one file holds from a position on.
struct SpoolPart {
    std::vector<SpoolRecord> records = {};
    std::uint64_t end = 0; // behind the last whole record
    enum class State : std::uint8_t {
        whole,  // nothing is left but perhaps a record that is being written, or never was to the end
        partly, // there is more to read
        damaged // a record's sum is wrong: what follows cannot be trusted
    } state = State::whole;
    bool writer_lives = true;
};

struct SpoolFile {
    std::string name;
    Oid database;
    std::uint64_t bytes;
    core::Instant changed_at;
};

// The files of all databases, by name.
std::vector<SpoolFile> spool_files();

// Up to `most` records behind a position. Nothing when the file is gone.
std::optional<SpoolPart> read_spool(const std::string &name, std::uint64_t from, std::size_t most);

// Takes the file away, or, where it is damaged, out of the way (<name>.damaged). It must have been read to its end.
void remove_spool(const std::string &name);
void set_spool_aside(const std::string &name);

// What an administrator should know of the directory: nothing, or what is wrong with it.
std::optional<std::string> spool_trouble();

// Defines the settings; for _PG_init.
void define_audit_spool();

} // namespace pg_clinic::pg
