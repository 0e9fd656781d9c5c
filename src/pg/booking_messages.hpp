// The messages of a new booking: its confirmation and its reminders.
#pragma once

#include "pg/uuid.hpp"

namespace pg_clinic::pg {

// Acts as the system in a tenant, with the request and the door of who is calling, until restore_context.
void act_as_system(const Uuid &tenant);

} // namespace pg_clinic::pg
