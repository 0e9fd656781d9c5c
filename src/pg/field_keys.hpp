// The keys of encrypted fields: of tenants, wrapped by the master key, and of patients, wrapped by the tenant's.
//
// Rows of keys are read as they are by now, in every isolation level, anew for each command: a key whose row is gone works
// nowhere, though this backend has unwrapped it before. Only within one command, such as a SELECT over many rows, a key that
// was found is used again without looking. None of this checks permissions.
//
// Who encrypts keeps the key until the transaction ends: a tenant's by a lock that the end of its rotation waits for, a
// patient's by its row, which shredding waits for. So nothing is encrypted by a key that is being destroyed.
#pragma once

#include "pg/aead.hpp"
#include "pg/uuid.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pg_clinic::pg {

inline constexpr const char *field_kind = "field"; // encrypts the tenant's fields, and wraps patients' keys
inline constexpr const char *index_kind = "index"; // blind indexes

struct FieldKey {
    std::int32_t key_no;
    crypto::AeadKey key;
};

// The current key, to encrypt with; made when there is none. Raises key_unavailable, not_found, shredded; 25006 in a
// read-only transaction.
FieldKey tenant_key_for_writing(const Uuid &tenant, const char *kind);
FieldKey patient_key_for_writing(const Uuid &tenant, const Uuid &patient);

// A key to decrypt with; nothing when there is none, it was destroyed, or cannot be unwrapped. Raises key_unavailable.
std::optional<crypto::AeadKey> tenant_key(const Uuid &tenant, const char *kind, std::int32_t key_no);
std::optional<crypto::AeadKey> patient_key(const Uuid &tenant, const Uuid &patient, std::int32_t key_no);

// The current key; nothing when the tenant has none. Raises key_unavailable.
std::optional<FieldKey> current_tenant_key(const Uuid &tenant, const char *kind);

// Makes a new current key, and the present one a previous one.
std::int32_t add_tenant_key(const Uuid &tenant, const char *kind);

// Whether the master key of that id unwraps a tenant's key. Raises key_unavailable when it is not there.
bool is_wrapped_tenant_key(const Uuid &tenant, std::string_view kind, std::int32_t key_no,
                           std::string_view master_key_id, std::string_view wrapped);

// The key, wrapped by the current master key, or by another key of the tenant. Raises key_unavailable.
std::string rewrap_tenant_key(const Uuid &tenant, std::string_view kind, std::int32_t key_no,
                              std::string_view master_key_id, std::string_view wrapped);
std::string rewrap_patient_key(const Uuid &tenant, const Uuid &patient, std::int32_t key_no,
                               std::int32_t wrapping_key_no, std::string_view wrapped,
                               std::int32_t new_wrapping_key_no);

// Whether nobody who encrypts with a tenant's field key is still to end; if so, nobody will before our transaction ends.
bool try_key_lock(const Uuid &tenant, std::int32_t key_no);

// Deletes a patient's keys and writes the tombstone, unless there is one; tells how many keys there were. The patient need
// not be there.
std::int32_t destroy_patient_keys(const Uuid &tenant, const Uuid &patient, std::int64_t at_micros,
                                  const std::optional<Uuid> &by, const std::string &reason);

} // namespace pg_clinic::pg
