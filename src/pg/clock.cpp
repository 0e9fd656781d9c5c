// The engine's clock: see clock.hpp.
#include "pg/clock.hpp"

#include "pg/datum.hpp"
#include "pg/iso_time.hpp"
#include "pg/settings.hpp"

namespace pg_clinic::pg {

namespace {

constinit char *setting = nullptr;               // the server's copy of clinic.clock
constinit const core::Instant *frozen = nullptr; // its meaning, or null: the real clock

// Accepts an empty text, or an ISO 8601 time with an offset; nothing that depends on the session's settings.
bool check_clock(char **value, void **extra, GucSource) {
    if (**value == '\0')
        return true;
    const auto time = parse_iso_time(*value);
    if (!time || !time->offset_seconds) {
        refuse_setting(ERRCODE_INVALID_PARAMETER_VALUE, "invalid value for parameter \"clinic.clock\"",
                       "The clock must be an ISO 8601 time with an offset, or empty for the real clock.",
                       "For example: SET clinic.clock = '2026-03-02 08:00:00Z'.");
        return false;
    }
    auto *instant = static_cast<core::Instant *>(setting_extra(sizeof(core::Instant)));
    if (instant == nullptr)
        return false;
    *instant = core::Instant{time->local.micros - *time->offset_seconds * core::micros_per_second};
    *extra = instant;
    return true;
}

void assign_clock(const char *, void *extra) { frozen = static_cast<const core::Instant *>(extra); }

} // namespace

bool clock_is_frozen() { return frozen != nullptr; }

core::Instant now() { return frozen != nullptr ? *frozen : core::Instant{GetCurrentStatementStartTimestamp()}; }

void define_clock_setting() {
    DefineCustomStringVariable("clinic.clock",
                               "Freezes the engine's clock at this instant; empty means the real clock.",
                               "For tests and demonstrations. An ISO 8601 time with an offset.", &setting, "",
                               PGC_SUSET, 0, check_clock, assign_clock, nullptr);
}

// clinic.now()
CLINIC_FUNCTION(clinic_now) { return Sql<core::Instant>::to(now()); }

} // namespace pg_clinic::pg
