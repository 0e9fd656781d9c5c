// The oids behind the engine's names, kept by the backend until the catalog changes: a booking asks for some hundred.
#pragma once

#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// A table or index of schema clinic_data, InvalidOid when there is none. Behind the gate (pg_call) only.
Oid named_relation(const char *name);

// The role clinic_owner, InvalidOid when there is none. Behind the gate only.
Oid owner_role();

} // namespace pg_clinic::pg
