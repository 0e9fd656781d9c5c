#include "core/appointment_state.hpp"

#include <array>

namespace pg_clinic::core {

namespace {

constexpr std::array<std::string_view, 9> status_names{"held",        "pending",   "booked",    "confirmed", "arrived",
                                                       "in_progress", "completed", "cancelled", "no_show"};
constexpr std::array<std::string_view, 11> change_names{"approve",       "decline",         "confirm",  "check_in",
                                                        "undo_check_in", "start",           "complete", "cancel",
                                                        "mark_no_show",  "reverse_no_show", "reinstate"};

constexpr std::array table{
    Transition{Change::cancel, Status::held, Status::cancelled, true},
    Transition{Change::approve, Status::pending, Status::booked},
    Transition{Change::decline, Status::pending, Status::cancelled},
    Transition{Change::cancel, Status::pending, Status::cancelled, true},
    Transition{Change::confirm, Status::booked, Status::confirmed, true},
    Transition{Change::check_in, Status::booked, Status::arrived, true},
    Transition{Change::cancel, Status::booked, Status::cancelled, true},
    Transition{Change::mark_no_show, Status::booked, Status::no_show},
    Transition{Change::check_in, Status::confirmed, Status::arrived, true},
    Transition{Change::cancel, Status::confirmed, Status::cancelled, true},
    Transition{Change::mark_no_show, Status::confirmed, Status::no_show},
    Transition{Change::undo_check_in, Status::arrived, std::nullopt},
    Transition{Change::start, Status::arrived, Status::in_progress},
    Transition{Change::complete, Status::arrived, Status::completed},
    Transition{Change::cancel, Status::arrived, Status::cancelled},
    Transition{Change::complete, Status::in_progress, Status::completed},
    Transition{Change::reinstate, Status::cancelled, Status::booked},
    Transition{Change::reverse_no_show, Status::no_show, std::nullopt},
};

template <class Value, std::size_t count>
std::optional<Value> named(const std::array<std::string_view, count> &names, std::string_view name) noexcept {
    for (std::size_t i = 0; i < count; ++i)
        if (names[i] == name)
            return static_cast<Value>(i);
    return std::nullopt;
}

} // namespace

std::span<const Transition> transitions() noexcept { return table; }

const Transition *transition_of(Change change, Status from) noexcept {
    for (const Transition &t : table)
        if (t.change == change && t.from == from)
            return &t;
    return nullptr;
}

bool occupies(Status status) noexcept {
    return status != Status::completed && status != Status::cancelled && status != Status::no_show;
}

std::string_view name_of(Status status) noexcept { return status_names[static_cast<std::size_t>(status)]; }
std::string_view name_of(Change change) noexcept { return change_names[static_cast<std::size_t>(change)]; }

std::optional<Status> status_named(std::string_view name) noexcept { return named<Status>(status_names, name); }
std::optional<Change> change_named(std::string_view name) noexcept { return named<Change>(change_names, name); }

} // namespace pg_clinic::core
