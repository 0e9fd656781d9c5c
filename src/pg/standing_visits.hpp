// Visits that stand, against the hours and blocks as they are now: which of them no longer lie within.
#pragma once

#include <string>
#include <vector>

#include "core/kernel.hpp"
#include "pg/context.hpp"

namespace pg_clinic::pg {

// What takes time on some resource: an appointment, or what a waitlist offers, or a group's session.
struct StandingVisit {
    Uuid appointment; // nil: it is an owner's
    Uuid owner;
    core::ClaimKind kind = core::ClaimKind::booking;
    std::string status{}; // of the appointment
    Uuid service, provider, location;
    Uuid patient; // nil: nobody
    core::Interval visit;
    std::int32_t version = 0;
    bool flagged = false;                  // as out of hours, in its row
    bool seat = false;                     // of a planned session
    bool pinned = false;                   // some room, device or participant was named by who booked
    std::vector<Uuid> rooms{};             // and devices
    std::vector<std::string> overridden{}; // the reasons that staff passed over when it was booked
    std::vector<core::Finding> findings{}; // what stands against it, but for those
};

// The visits that take time on some resources, are not over, and overlap the range, judged; ordered by start, then id. They
// are read as they are now, whatever the caller may see of them. with_idle: also those of the resources as providers that are
// over, or seats of a session, and start in the range; they are not judged.
std::vector<StandingVisit> standing_visits(const Context &context, const std::vector<Uuid> &resources,
                                           const core::Interval &range, bool with_idle = false);

} // namespace pg_clinic::pg
