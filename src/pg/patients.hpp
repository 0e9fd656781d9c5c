// Locks on the rows of patients, past row security.
#pragma once

#include "pg/postgres.hpp"
#include "pg/uuid.hpp"

namespace pg_clinic::pg {

enum class PatientLock : std::uint8_t { nowhere, locked, changed, outdated };

// Locks the patient's row as it is by now, until the transaction ends; waits for who has it. changed: somebody changed it
// meanwhile, look again; outdated: it is locked, but the transaction's snapshot, which is one for all its commands, has not seen
// the last change.
PatientLock lock_patient(const Uuid &tenant, const Uuid &patient, LockTupleMode mode);

} // namespace pg_clinic::pg
