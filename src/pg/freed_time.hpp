// Time that has become free, and telling the waitlist of it.
//
// A single change tells at once, in its own transaction. A call of several changes, of which one may move to where another was,
// keeps what they free until all are made: offered is only what none of them has taken. What was freed in a subtransaction
// is forgotten when that is rolled back, and a call that fails keeps nothing.
#pragma once

#include "core/interval_set.hpp"
#include "pg/uuid.hpp"

namespace pg_clinic::pg {

// Whose time it was.
struct FreedTime {
    Uuid appointment, service, provider, location;
    core::Interval visit;
};

// Tells the waitlist, or keeps it for the end of a call that keeps.
void tell_freed(const FreedTime &freed);

// Forgets what is kept when the transaction ends, or a subtransaction fails; for _PG_init.
void define_freed_time();

} // namespace pg_clinic::pg
