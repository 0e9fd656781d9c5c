// How often something may happen: a rate, and a counter in a sliding window.
//
// A counter knows two windows of the rate's length, of which the present one begins with the first call counted. The
// calls of the window before weigh as much as of it still lies within one length of now. So no stretch of one length
// sees more than about the rate, the first one exactly the rate, and a counter costs three numbers. Refused calls
// count as well: who does not stop calling is not let in.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pg_clinic::core {

struct Rate {
    std::int32_t calls = 0; // 1 to max_rate_calls
    std::int64_t micros = 0;
};

constexpr std::int32_t max_rate_calls = 1'000'000;

// Reads "30/min": a number from 1 to max_rate_calls, a slash, and s, min, hour or day. Nothing else, not even a space.
std::optional<Rate> parse_rate(std::string_view text) noexcept;

// Plain data, all zero at first, so that it can lie in shared memory.
struct RateCounter {
    std::int64_t started = 0; // when the present window began
    std::int32_t current = 0;
    std::int32_t previous = 0;
};

// What a counter says about a call.
struct RateState {
    bool allowed = true;
    std::int32_t remaining = 0;    // calls that would be allowed now
    std::int64_t reset_micros = 0; // until the present window ends
    std::int64_t retry_micros = 0; // until a call would be allowed, if there is none before; 0 for an allowed call
};

// Counts one call. A clock that was set back keeps the counts and begins the window anew.
RateState count(RateCounter &counter, const Rate &rate, std::int64_t now) noexcept;

// True when nothing that was counted weighs any longer.
bool forgotten(const RateCounter &counter, const Rate &rate, std::int64_t now) noexcept;

} // namespace pg_clinic::core
