// The leaf of an audit record: the bytes that its hash is taken over, the same for ever and on every machine.
//
// A record has a stub, which is kept when retention purges it, and content, which is not. Content form: a version byte, then each
// column from the action up to the salt, in the order of the table. Stub form: the version byte, the columns before the action, and
// the SHA-256 of the content form. A null is one byte 0x00; anything else is 0x01, its length (4 bytes, big endian) and its bytes. Ids
// are 16 bytes; numbers and instants (microseconds since 2000-01-01 UTC) 8 bytes, big endian, two's complement; an array of ids is its
// count (4 bytes, big endian) and its elements; texts are UTF-8. No two different records have the same forms. The leaf is that of the
// stub: what is left of a purged record proves which class it was of and when it was recorded, and the salt keeps the rest a secret.
#pragma once

#include "core/civil.hpp"
#include "core/id.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pg_clinic::core {

inline constexpr char audit_leaf_version = 0x01;

// The columns of a record; views of what the caller holds.
struct AuditLeaf {
    using Text = std::optional<std::string_view>;

    Id tenant_id = {};
    Id audit_id = {};
    std::uint64_t transaction_id = 0;
    Instant recorded_at = {};
    std::string_view audit_class = {};
    std::string_view action = {};
    Text table_name = std::nullopt;
    Text row_id = std::nullopt;
    std::optional<Id> patient_id = std::nullopt;
    std::optional<Id> user_id = std::nullopt;
    Text actor = std::nullopt;
    std::string_view login = {};
    std::optional<Id> session_id = std::nullopt;
    Text purpose = std::nullopt;
    Text reason = std::nullopt;
    Text request_id = std::nullopt;
    Text client_address = std::nullopt;
    Text peer_address = std::nullopt;
    Text user_agent = std::nullopt;
    Text application_name = std::nullopt;
    Text before = std::nullopt; // as PostgreSQL prints the jsonb
    Text after = std::nullopt;
    std::optional<std::span<const Id>> row_ids = std::nullopt;
    std::optional<std::int64_t> row_count = std::nullopt;
    std::optional<std::int64_t> statement_id = std::nullopt;
    std::string_view salt = {};
};

// What stays of a record.
struct AuditStub {
    Id tenant_id = {};
    Id audit_id = {};
    std::uint64_t transaction_id = 0;
    Instant recorded_at = {};
    std::string_view audit_class = {};
    std::string_view content_digest = {};
};

// Append the forms. Throw Error (limit_exceeded) for a value whose length does not fit into 4 bytes.
void append_content_form(std::string &out, const AuditLeaf &leaf);
void append_stub_form(std::string &out, const AuditStub &stub);

// SHA-256 as a function: 32 bytes of a text.
using Sha256 = std::string (*)(std::string_view bytes);

// SHA-256 of the content form.
std::string content_digest(const AuditLeaf &leaf, Sha256 sha256);

// SHA-256 of 0x00 and the stub form: the hash of a leaf of RFC 6962.
std::string leaf_hash(const AuditStub &stub, Sha256 sha256);
std::string leaf_hash(const AuditLeaf &leaf, Sha256 sha256);

} // namespace pg_clinic::core
