#include "core/verdict.hpp"

namespace pg_clinic::core {

const char *name_of(Reason reason) noexcept {
    switch (reason) {
    case Reason::not_found:
        return "not_found";
    case Reason::forbidden:
        return "forbidden";
    case Reason::inactive:
        return "inactive";
    case Reason::in_past:
        return "in_past";
    case Reason::lead_time:
        return "lead_time";
    case Reason::horizon:
        return "horizon";
    case Reason::closed_on_date:
        return "closed_on_date";
    case Reason::outside_hours:
        return "outside_hours";
    case Reason::window_too_short:
        return "window_too_short";
    case Reason::bad_duration:
        return "bad_duration";
    case Reason::off_grid:
        return "off_grid";
    case Reason::blocked:
        return "blocked";
    case Reason::held:
        return "held";
    case Reason::slot_taken:
        return "slot_taken";
    case Reason::full:
        return "full";
    case Reason::no_resource:
        return "no_resource";
    case Reason::patient_conflict:
        return "patient_conflict";
    case Reason::duplicate:
        return "duplicate";
    case Reason::limit:
        return "limit";
    case Reason::no_show_policy:
        return "no_show_policy";
    }
    return "";
}

bool may_be_overridden(Reason reason) noexcept {
    switch (reason) {
    case Reason::in_past:
    case Reason::lead_time:
    case Reason::horizon:
    case Reason::closed_on_date:
    case Reason::outside_hours:
    case Reason::window_too_short:
    case Reason::off_grid:
    case Reason::limit:
    case Reason::no_show_policy:
        return true;
    default:
        return false;
    }
}

bool is_overlap(Reason reason) noexcept {
    return reason == Reason::held || reason == Reason::slot_taken || reason == Reason::full;
}

} // namespace pg_clinic::core
