// Rates and counters: see rate.hpp.
#include "core/rate.hpp"

#include <algorithm>
#include <charconv>

namespace pg_clinic::core {

namespace {

constexpr std::int64_t second = 1'000'000;

// Where counts stop growing: beyond every rate, and small enough that count times window fits into 64 bits.
constexpr std::int32_t highest_count = 10 * max_rate_calls;

struct Unit {
    std::string_view name;
    std::int64_t micros;
};

constexpr Unit units[] = {{"s", second}, {"min", 60 * second}, {"hour", 3600 * second}, {"day", 86400 * second}};

static_assert(2 * static_cast<__int128>(highest_count + 1) * units[3].micros < INT64_MAX);

// Brings the windows up to now.
void roll(RateCounter &counter, std::int64_t micros, std::int64_t now) noexcept {
    const std::int64_t elapsed = now - counter.started;
    if (elapsed < 0) {
        counter.started = now;
    } else if (elapsed >= 2 * micros || counter.current + counter.previous == 0) {
        counter = {now, 0, 0};
    } else if (elapsed >= micros) {
        counter = {counter.started + micros, 0, counter.current};
    }
}

// How long until one more call fits, when elapsed of the present window is over.
std::int64_t wait(const RateCounter &counter, const Rate &rate, std::int64_t elapsed) noexcept {
    const std::int64_t spare = static_cast<std::int64_t>(rate.calls) - counter.current - 1;
    if (spare >= 0 && counter.previous > 0) {
        // In this window, once what is left of the previous one weighs no more than what is spare.
        const std::int64_t until = rate.micros - spare * rate.micros / counter.previous;
        return std::max<std::int64_t>(until - elapsed, 0);
    }
    if (spare >= 0)
        return 0;
    // In the next window, in which the present one is the previous.
    const std::int64_t into_next = rate.micros - (rate.calls - 1) * rate.micros / counter.current;
    return rate.micros - elapsed + into_next;
}

} // namespace

std::optional<Rate> parse_rate(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos || text.front() < '0' || text.front() > '9')
        return std::nullopt;
    Rate rate;
    const char *end = text.data() + slash;
    const auto [stopped, error] = std::from_chars(text.data(), end, rate.calls);
    if (error != std::errc{} || stopped != end || rate.calls < 1 || rate.calls > max_rate_calls)
        return std::nullopt;
    for (const Unit &unit : units)
        if (text.substr(slash + 1) == unit.name) {
            rate.micros = unit.micros;
            return rate;
        }
    return std::nullopt;
}

RateState count(RateCounter &counter, const Rate &rate, std::int64_t now) noexcept {
    roll(counter, rate.micros, now);
    counter.current = std::min(counter.current + 1, highest_count);
    const std::int64_t elapsed = now - counter.started;
    const std::int64_t left = rate.micros - elapsed;
    const std::int64_t used = counter.current * rate.micros + counter.previous * left;
    const std::int64_t whole = rate.calls * rate.micros;
    RateState state;
    state.allowed = used <= whole;
    state.remaining = state.allowed ? static_cast<std::int32_t>((whole - used) / rate.micros) : 0;
    state.reset_micros = left;
    state.retry_micros = state.allowed ? 0 : wait(counter, rate, elapsed);
    return state;
}

bool forgotten(const RateCounter &counter, const Rate &rate, std::int64_t now) noexcept {
    return now - counter.started >= 2 * rate.micros || counter.current + counter.previous == 0;
}

} // namespace pg_clinic::core
