// How a record lies in a spool file: its length (4 bytes), its CRC-32C (4 bytes), and that many bytes.
#pragma once

#include "pg/audit_spool.hpp"

namespace pg_clinic::pg {

// Appends a record.
void append_record(std::string &out, const SpoolRecord &record);

// Reads the record at the start of `bytes` and cuts it off.
enum class RecordState : std::uint8_t { whole, unfinished, damaged };
RecordState take_record(std::string_view &bytes, SpoolRecord &record);

} // namespace pg_clinic::pg
