// Refused attempts: errors forbidden, and not_found about something of a patient, leave a record denied in the spool when they are
// raised, which outlives the transaction that they end.
#pragma once

namespace pg_clinic::pg {

// For _PG_init.
void install_refusals();

} // namespace pg_clinic::pg
