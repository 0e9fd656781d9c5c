// The arguments of the recurrence functions, as the core takes them.
#pragma once

#include "core/recurrence_set.hpp"
#include "pg/datum.hpp"

namespace pg_clinic::pg {

// A recurrence set and the zone its local times are in.
struct Recurrence {
    core::RecurrenceSpec spec;
    const core::Zone *zone;
};

// How the time arguments come: as timestamps, or as text because the caller wrote untyped literals.
enum class Form : std::uint8_t { typed, literal };

// A rule and what belongs to it, not yet put together. The rule lives until the next one is read.
struct RuleArguments {
    const core::RRule *rule;
    const core::Zone *zone;
    core::LocalTime dtstart;
    std::vector<core::LocalTime> rdates, exdates;
    core::Gap gap;

    bool alone() const { return rdates.empty() && exdates.empty(); }
};

// Reads a rule, its DTSTART, zone, RDATEs and EXDATEs: arguments 0, 1, 2, and those named by position.
RuleArguments read_rule(const Args &args, Form form, int rdates, int exdates, int gap);
Recurrence recurrence(RuleArguments &&arguments);
Recurrence rule_argument(const Args &args, Form form, int rdates, int exdates, int gap);

// Reads an iCalendar block in argument 0; tz is the zone of floating times.
Recurrence icalendar_argument(const Args &args, int gap, int tz);

std::optional<core::Instant> instant_argument(const Args &args, Form form, int i);
core::Instant required_instant(const Args &args, Form form, int i, const char *name);

// "skip" or "shift"; null means skip.
core::Gap gap_argument(const Args &args, int i);

} // namespace pg_clinic::pg
