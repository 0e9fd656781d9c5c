// The audit of changes: see audit_changes.cpp.
#pragma once

namespace pg_clinic::pg {

// Registers what happens at the end of transactions and savepoints; for _PG_init.
void define_audit_changes();

} // namespace pg_clinic::pg
