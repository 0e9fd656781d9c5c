// Rate limits: see rate_limit.hpp. The settings, the table in shared memory, and the functions over them.
#include "pg/rate_limit.hpp"

#include "core/rate.hpp"
#include "core/siphash.hpp"
#include "pg/datum.hpp"
#include "pg/result.hpp"
#include "pg/settings.hpp"

extern "C" {
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
}

namespace pg_clinic::pg {

namespace {

// ---------------------------------------------------------------------------------------------------------------------
// Settings

// The classes in the order of CallClass, then the limit of bursts.
struct Limit {
    const char *call_class;
    const char *setting_name;
    const char *initially;
    const char *description;
};

constexpr Limit limits[] = {
    {"public", "clinic.rate_limit_public", "30/min", "How often a visitor without identity may call."},
    {"signed_in", "clinic.rate_limit_signed_in", "100/min", "How often an identified user may call."},
    {"admin", "clinic.rate_limit_admin", "500/min", "How often an administrator may call."},
    {"login", "clinic.rate_limit_login", "5/min", "How often one may try to sign in."},
    {"api_key", "clinic.rate_limit_api_key", "1000/hour", "How often a program with an API key may call."},
    {"burst", "clinic.rate_limit_burst", "10/s", "How often anybody may call at a stretch; not for signing in."},
};
constexpr std::size_t limit_count = std::size(limits);
constexpr std::size_t burst = limit_count - 1;
static_assert(burst == static_cast<std::size_t>(CallClass::api_key) + 1);

constexpr const char *explanation =
    "A number, a slash, and s, min, hour or day, such as 30/min; empty is off. Counted only when pg_clinic is in "
    "shared_preload_libraries.";

constinit char *settings[limit_count] = {};          // the server's copies
constinit const core::Rate *rates[limit_count] = {}; // their meaning, or null: off
constinit int slots = 65536;

bool check_rate(char **value, void **extra, GucSource) {
    if (**value == '\0')
        return true;
    const auto rate = core::parse_rate(*value);
    if (!rate) {
        refuse_setting(ERRCODE_INVALID_PARAMETER_VALUE, "invalid rate limit",
                       "A rate is a number from 1 to 1000000, a slash, and s, min, hour or day; empty is off.",
                       "For example: 30/min.");
        return false;
    }
    auto *kept = static_cast<core::Rate *>(setting_extra(sizeof(core::Rate)));
    if (kept == nullptr)
        return false;
    *kept = *rate;
    *extra = kept;
    return true;
}

template <std::size_t which> void assign_rate(const char *, void *extra) {
    rates[which] = static_cast<const core::Rate *>(extra);
}

template <std::size_t... which> void define_rates(std::index_sequence<which...>) {
    (DefineCustomStringVariable(limits[which].setting_name, limits[which].description, explanation, &settings[which],
                                limits[which].initially, PGC_SIGHUP, 0, check_rate, assign_rate<which>, nullptr),
     ...);
}

// ---------------------------------------------------------------------------------------------------------------------
// The table: sets of eight keys, each set under one of the locks

constexpr int ways = 8;
constexpr int lock_count = 128;
constexpr const char *table_name = "pg_clinic rate limits";

struct Entry {
    std::uint64_t tag; // hash of class and key; 0: free
    std::int64_t seen; // when it last called
    core::RateCounter calls;
    core::RateCounter bursts;
    std::uint8_t call_class;
};

struct Set {
    Entry entries[ways];
};

struct Table {
    core::SipKey seed;
    std::uint32_t set_count;
};

constinit Table *table = nullptr;
constinit Set *sets = nullptr;
constinit LWLockPadded *locks = nullptr;
constinit shmem_request_hook_type next_request_hook = nullptr;
constinit shmem_startup_hook_type next_startup_hook = nullptr;

Size table_header() { return MAXALIGN(sizeof(Table)); }

std::uint32_t wanted_sets() { return static_cast<std::uint32_t>((slots + ways - 1) / ways); }

Size table_size() { return add_size(table_header(), mul_size(wanted_sets(), sizeof(Set))); }

void request_memory() {
    if (next_request_hook != nullptr)
        next_request_hook();
    RequestAddinShmemSpace(table_size());
    RequestNamedLWLockTranche("pg_clinic", lock_count);
}

// Runs in the postmaster, at each start of the shared memory, thus after a crash too; and where processes are not
// forked, in each of them.
void attach_memory() {
    if (next_startup_hook != nullptr)
        next_startup_hook();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found = false;
    auto *memory = static_cast<char *>(ShmemInitStruct(table_name, table_size(), &found));
    table = reinterpret_cast<Table *>(memory);
    sets = reinterpret_cast<Set *>(memory + table_header());
    locks = GetNamedLWLockTranche("pg_clinic");
    bool seeded = true;
    if (!found) {
        std::memset(memory, 0, table_size());
        table->set_count = wanted_sets();
        seeded = pg_strong_random(&table->seed, sizeof(table->seed));
    }
    LWLockRelease(AddinShmemInitLock);
    if (!seeded)
        cpp_boundary([] { fail(ERRCODE_INTERNAL_ERROR, "no random number for the rate limits could be had"); });
}

std::uint64_t tag_of(CallClass call_class, std::string_view key) {
    core::SipKey seed = table->seed;
    seed.low ^= static_cast<std::uint64_t>(call_class) + 1; // the same key in another class is another caller
    const std::uint64_t hash = core::siphash(seed, key);
    return hash == 0 ? 1 : hash;
}

// Whether nothing of the entry counts any longer, by the limits of its class.
bool forgotten(const Entry &entry, std::int64_t now) {
    const core::Rate *calls = rates[entry.call_class];
    return (calls == nullptr || core::forgotten(entry.calls, *calls, now)) &&
           (rates[burst] == nullptr || core::forgotten(entry.bursts, *rates[burst], now));
}

// The key's entry; a new key takes a free one, else one that is forgotten, else the one seen longest ago.
Entry &entry_of(Set &set, std::uint64_t tag, CallClass call_class, std::int64_t now) {
    Entry *victim = nullptr;
    bool victim_forgotten = false;
    for (Entry &entry : set.entries) {
        if (entry.tag == tag)
            return entry;
        const bool unused = entry.tag == 0 || forgotten(entry, now);
        if (victim == nullptr || unused > victim_forgotten ||
            (unused == victim_forgotten && entry.seen < victim->seen)) {
            victim = &entry;
            victim_forgotten = unused;
        }
    }
    *victim = Entry{tag, now, {}, {}, static_cast<std::uint8_t>(call_class)};
    return *victim;
}

constexpr std::int32_t seconds_up(std::int64_t micros) {
    return static_cast<std::int32_t>((micros + core::micros_per_second - 1) / core::micros_per_second);
}

RateVerdict verdict(const core::Rate &rate, const core::RateState &state) {
    return {true,
            state.allowed,
            rate.calls,
            state.remaining,
            seconds_up(state.reset_micros),
            seconds_up(state.retry_micros)};
}

// Which class a name of SQL means.
CallClass class_named(std::string_view name) {
    for (std::size_t i = 0; i < burst; ++i)
        if (name == limits[i].call_class)
            return static_cast<CallClass>(i);
    fail(ERRCODE_INVALID_PARAMETER_VALUE, "invalid call_class \"" + shown(name) + "\"", {},
         "Use public, signed_in, admin, login or api_key.", "call_class");
}

} // namespace

RateVerdict count_call(CallClass call_class, std::string_view key, std::optional<std::int32_t> limit_override) {
    const core::Rate *setting = rates[static_cast<std::size_t>(call_class)];
    const core::Rate *burst_rate = call_class == CallClass::login ? nullptr : rates[burst];
    if (table == nullptr || (setting == nullptr && burst_rate == nullptr))
        return {false, true, 0, 0, 0, 0};
    core::Rate rate = setting != nullptr ? *setting : core::Rate{};
    if (limit_override)
        rate.calls = std::clamp(*limit_override, 1, core::max_rate_calls);

    const std::uint64_t tag = tag_of(call_class, key);
    const std::uint32_t set_no = static_cast<std::uint32_t>((tag >> 32) % table->set_count);
    LWLock *lock = &locks[set_no % lock_count].lock;
    core::RateState calls, bursts;
    pg_call([&] {
        LWLockAcquire(lock, LW_EXCLUSIVE);
        // Read under the lock, so that in one set the time does not run backwards.
        const std::int64_t now = GetCurrentTimestamp();
        Entry &entry = entry_of(sets[set_no], tag, call_class, now);
        entry.seen = now;
        if (setting != nullptr)
            calls = core::count(entry.calls, rate, now);
        if (burst_rate != nullptr)
            bursts = core::count(entry.bursts, *burst_rate, now);
        LWLockRelease(lock);
    });
    if (setting == nullptr || (burst_rate != nullptr && calls.allowed && !bursts.allowed))
        return verdict(*burst_rate, bursts);
    RateVerdict decision = verdict(rate, calls);
    // Refused by both: by the one that lasts longer, and the class's is the one that says more.
    decision.retry_after_seconds = std::max(decision.retry_after_seconds, seconds_up(bursts.retry_micros));
    return decision;
}

bool rate_limits_active() {
    return table != nullptr &&
           std::any_of(rates, rates + limit_count, [](const auto *rate) { return rate != nullptr; });
}

void define_rate_limit_settings() {
    define_rates(std::make_index_sequence<limit_count>());
    if (!process_shared_preload_libraries_in_progress)
        return;
    DefineCustomIntVariable("clinic.rate_limit_slots", "How many callers the rate limits tell apart at a time.",
                            "Each takes 64 bytes of shared memory.", &slots, 65536, 1024, 16 * 1024 * 1024,
                            PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
    next_request_hook = shmem_request_hook;
    shmem_request_hook = request_memory;
    next_startup_hook = shmem_startup_hook;
    shmem_startup_hook = attach_memory;
}

// clinic_private.count_call(text, text, integer)
CLINIC_FUNCTION(clinic_count_call) {
    const Args args(fcinfo);
    const auto call_class = class_named(args.required<std::string_view>(0, "call_class"));
    const auto key = args.required<std::string_view>(1, "key");
    const auto limit_override = args.optional<std::int32_t>(2);
    if (limit_override && (*limit_override < 1 || *limit_override > core::max_rate_calls))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "limit_override must be from 1 to 1000000", {}, {}, "limit_override");
    ResultSet rows(fcinfo);
    const RateVerdict v = count_call(call_class, key, limit_override);
    const auto number = [&v](std::int32_t value) { return v.counted ? std::optional(value) : std::nullopt; };
    rows.add(v.counted, v.allowed, number(v.limit), number(v.remaining), number(v.reset_seconds),
             number(v.retry_after_seconds));
    return rows.done();
}

// clinic.rate_limits()
CLINIC_FUNCTION(clinic_rate_limits) {
    ResultSet rows(fcinfo);
    for (std::size_t i = 0; i < limit_count; ++i) {
        const core::Rate *rate = rates[i];
        rows.add(limits[i].call_class, std::string_view(settings[i]),
                 rate != nullptr ? std::optional(rate->calls) : std::nullopt,
                 rate != nullptr ? std::optional(seconds_up(rate->micros)) : std::nullopt,
                 table != nullptr && rate != nullptr);
    }
    return rows.done();
}

} // namespace pg_clinic::pg
