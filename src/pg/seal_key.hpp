// The key that signs heads of the audit: read from the file that the setting clinic.seal_key_file names, each time it is wanted.
//
// It never passes through SQL. A file that is open to others than its owner, belongs to a stranger or holds no Ed25519 key is not used.
#pragma once

#include "pg/seal_crypto.hpp"

namespace pg_clinic::pg {

struct SealKeyFile {
    bool configured = false;                           // whether the setting names a file
    std::optional<crypto::SealKey> key = std::nullopt; // when it is there and good
    std::string problem = {};                          // else what is wrong; empty without a file
};

SealKeyFile read_seal_key();

// The file to which heads are appended; empty for none.
std::string seal_export_file();

// Appends a line to that file, which is made with mode 0600 where there is none, and makes it durable. Returns what is wrong, or
// an empty text.
std::string append_to_export(const std::string &file, const std::string &lines);

// Defines clinic.seal_key_file and clinic.seal_export_file; for _PG_init.
void define_seal_settings();

} // namespace pg_clinic::pg
