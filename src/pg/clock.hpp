// The engine's clock. Nothing else in the engine reads the time.
#pragma once

#include "core/civil.hpp"

namespace pg_clinic::pg {

// The start of the running statement, or the instant that the setting clinic.clock freezes. Within one statement it
// does not move, so everything in it agrees on what is past, held or expired.
core::Instant now();

// True while clinic.clock freezes the clock.
bool clock_is_frozen();

// Defines the setting clinic.clock; for _PG_init.
void define_clock_setting();

} // namespace pg_clinic::pg
