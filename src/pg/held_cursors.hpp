// Cursors that outlive their transaction, refused where they would hold what row security has let through.
//
// A context lasts one transaction; what DECLARE ... WITH HOLD has read stays in the session, and behind a pooler the next client's
// transaction could fetch it. So such a cursor is refused (0A000) when its query, as row security and views make it, reads a relation
// of the schemas clinic and clinic_data, or calls one of our functions whose answer is not the same for everybody (IMMUTABLE):
// the policies that protect tables of the database's own call those. What a function of somebody else's reads inside is not seen.
#pragma once

#include "pg/boundary.hpp"

namespace pg_clinic::pg {

// Installs the hook; for _PG_init.
void install_held_cursors();

} // namespace pg_clinic::pg
