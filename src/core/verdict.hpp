// Why a start is refused: the reasons in their documented order, each with the row that caused it.
#pragma once

#include <string>
#include <vector>

#include "core/hours.hpp"

namespace pg_clinic::core {

// In the order in which they are reported; book raises the first. The text of each is its name.
enum class Reason : std::uint8_t {
    not_found,
    forbidden,
    inactive,
    in_past,
    lead_time,
    horizon,
    closed_on_date,
    outside_hours,
    window_too_short,
    bad_duration,
    off_grid,
    blocked,
    held,
    slot_taken,
    full,
    no_resource,
    patient_conflict,
    duplicate,
    limit,
    no_show_policy
};

const char *name_of(Reason reason) noexcept;

// Staff with the permission may book in spite of it.
bool may_be_overridden(Reason reason) noexcept;

// The overbooking permission, and nothing else, gets over it.
bool is_overlap(Reason reason) noexcept;

struct Finding {
    Reason reason = Reason::not_found;
    Source source;              // the row that caused it, if one did
    std::string resource_class; // no_resource: the class, or the role
};

// A room or device that a booking gets instead of another, to make room for the one that is judged.
struct RoomMove {
    Id claim;
    Id appointment;
    Id from, to;
    Interval during; // on the new one
    std::int32_t capacity = 1;
};

// What the kernel says of one start at one provider and location.
struct Verdict {
    std::vector<Finding> findings;        // in order of reason; empty: free
    std::vector<Id> resources;            // rooms, devices and participants chosen, in order of id
    std::vector<Id> overbooked;           // those of them that are taken, by the overbooking permission
    std::vector<RoomMove> moves;          // what has to make room first
    bool resources_by_permission = false; // some are taken, or not open then: no_resource gave way
    std::int32_t remaining = 0;           // seats that are left, those asked for included
    std::vector<std::string> missing;     // roles of optional participants that cannot be filled then
    bool patient_overlaps = false;        // the patient has another visit then, and the tenant only warns

    bool free() const noexcept { return findings.empty(); }
};

} // namespace pg_clinic::core
