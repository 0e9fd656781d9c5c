// The setting clinic.max_list_days: how long a range of time a list may ask for.
#pragma once

namespace pg_clinic::pg {

// Defines the setting; for _PG_init.
void define_list_setting();

} // namespace pg_clinic::pg
