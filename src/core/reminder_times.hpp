// When a patient is told: the moments of a plan of reminders, and what quiet hours make of them.
//
// Pure arithmetic over the zones of the visit and of the patient: whoever plans a booking's reminders, for the first time or again,
// asks here, so that both come to the same.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/zone.hpp"

namespace pg_clinic::core {

// One reminder of a plan: elapsed time before the visit, or days before it at a time of the visit's wall clock.
struct ReminderRule {
    std::optional<std::int32_t> before_minutes;
    std::int32_t days_before = 0;       // where there are no before_minutes
    std::optional<Duration> at;         // since midnight; none: the time of the visit
    std::optional<std::string> channel; // the one it asks for
};

// Reads a plan as it is stored, a JSON array of objects. What names neither minutes nor days is passed over. Throws Error: invalid_text
// for what is no JSON.
std::vector<ReminderRule> read_reminders(std::string_view json);

// On the patient's wall clock, over midnight where `from` is not before `until`; none where they are the same.
struct QuietHours {
    const Zone *zone;
    Duration from;
    Duration until;
};

// When something due at `at` goes out: then, or when the quiet hours around it end; or a minute before they begin, when it would come
// too late by their end. before: what it must come before, such as the start of the visit.
Instant outside_quiet_hours(Instant at, std::optional<Instant> before, const QuietHours &quiet);

struct RemindedVisit {
    Instant starts;
    LocalTime local_starts;
    const Zone *zone;
};

enum class NotReminded : std::uint8_t {
    no,
    overdue,  // the moment has passed
    coincides // a later one goes out at the same moment
};

struct Reminder {
    Instant planned; // without quiet hours
    Instant due;
    std::optional<std::string> channel;
    NotReminded skipped = NotReminded::no;
};

// The reminders of a visit in the order of their planned moments, each of which comes once (the first rule of it counts) and before the
// visit.
std::vector<Reminder> planned_reminders(const std::vector<ReminderRule> &rules, const RemindedVisit &visit,
                                        const QuietHours &quiet, Instant now);

} // namespace pg_clinic::core
