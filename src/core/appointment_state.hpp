// The states of an appointment, and which change leads from one to another. Anything that is not in the table is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace pg_clinic::core {

enum class Status : std::uint8_t {
    held,        // by somebody with a token, until a deadline
    pending,     // waits for approval by staff
    booked,      // stands
    confirmed,   // the patient said they will come
    arrived,     // checked in
    in_progress, // the visit has begun
    completed,
    cancelled,
    no_show
};

enum class Change : std::uint8_t {
    approve,
    decline,
    confirm,
    check_in,
    undo_check_in,
    start,
    complete,
    cancel,
    mark_no_show,
    reverse_no_show,
    reinstate
};

struct Transition {
    Change change;
    Status from;
    std::optional<Status> to; // nothing: what it was before
    bool by_patient = false;  // patients may do it for themselves and their dependants; staff may do all
};

// Every change there is, in the order of the states it leads from.
std::span<const Transition> transitions() noexcept;

// The transition of a change from a state, or null.
const Transition *transition_of(Change change, Status from) noexcept;

// Whether it takes time: its claims count. A held or pending one does so only until its deadline.
bool occupies(Status status) noexcept;

std::string_view name_of(Status status) noexcept;
std::string_view name_of(Change change) noexcept;
std::optional<Status> status_named(std::string_view name) noexcept;
std::optional<Change> change_named(std::string_view name) noexcept;

} // namespace pg_clinic::core
