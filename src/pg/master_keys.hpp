// The master keys: read from a file or a command that settings name, once for each backend, and again after a reload of the
// configuration. They never pass through SQL, and lie in secret memory.
//
// The text has lines "<id> <64 hexadecimal digits>"; empty lines and those that begin with # say nothing. The first key wraps,
// all unwrap. Whatever is wrong raises key_unavailable, which says what, and nothing of what was read.
#pragma once

#include "pg/aead.hpp"

#include <string>
#include <string_view>

namespace pg_clinic::pg {

struct MasterKey {
    std::string id;
    crypto::AeadKey key;
};

// Whether the settings name a file or a command, be it readable or not.
bool is_master_key_configured();

// The key that wraps. It and what the next one returns stay where they are until the configuration is reloaded, which
// happens between statements only.
const MasterKey &current_master_key();

// The key of that name; raises key_unavailable, with the name, when there is none.
const MasterKey &master_key_named(std::string_view id);

// Whether there is one; raises key_unavailable only when nothing can be read.
bool has_master_key(std::string_view id);

// Defines clinic.master_key_file and clinic.master_key_command; for _PG_init.
void define_master_key_settings();

} // namespace pg_clinic::pg
