// Rate limits: how often a caller may call, counted in shared memory, where no rollback reaches.
//
// They need the library in shared_preload_libraries, because shared memory is given out when the server starts; without
// that nothing is counted and everything is allowed. The table is of a fixed size: whatever keys somebody invents, it
// neither grows nor fails, and forgets the key that was seen longest ago among the eight of its set. Keys are kept as
// hashes under a random seed of the server's, made anew at each start.
//
// Like the clock, this room reads the real time: a clock that clinic.clock freezes must not stop the counting.
#pragma once

#include "pg/postgres.hpp"

namespace pg_clinic::pg {

enum class CallClass : std::uint8_t { public_visitor, signed_in, admin, login, api_key };

struct RateVerdict {
    bool counted;                     // false: no limit is in force, and the numbers mean nothing
    bool allowed;                     //
    std::int32_t limit;               // calls in a window of the limit that decides
    std::int32_t remaining;           // calls that would be allowed now
    std::int32_t reset_seconds;       // until the present window ends; rounded up
    std::int32_t retry_after_seconds; // until a call would be allowed again; rounded up, 0 for an allowed one
};

// Counts one call of key, which is any text: a user, a key, an address. Calls count when they are refused, and when their
// transaction is rolled back. limit_override takes the place of the number of calls in the class's setting; a class that
// is off stays off. The limit that decides is the class's, or the burst's where that refuses or stands alone.
RateVerdict count_call(CallClass call_class, std::string_view key,
                       std::optional<std::int32_t> limit_override = std::nullopt);

// True when calls of any class are counted: the library is preloaded, and not every limit is off.
bool rate_limits_active();

// Defines the settings clinic.rate_limit_..., and asks for shared memory when the library is being preloaded; for
// _PG_init.
void define_rate_limit_settings();

} // namespace pg_clinic::pg
