// Changes of an appointment's state, by the table in core/appointment_state.
#include "pg/booking_arguments.hpp"
#include "pg/clock.hpp"
#include "pg/sessions.hpp"

namespace pg_clinic::pg {

namespace {

// The state a change leads to.
core::Status target_of(const Standing &a, const core::Transition &t) {
    // What was never anything else, because its row was written by hand, was booked.
    return t.to ? *t.to : a.status_before.value_or(core::Status::booked);
}

void add_times(std::vector<ColumnValue> &values, core::Change change, core::Instant current) {
    const std::optional<core::Instant> none;
    switch (change) {
    case core::Change::check_in:
        values.push_back(column_value("arrived_at", current));
        values.push_back(column_value("no_show_flagged_at", none)); // who is here is not missing
        break;
    case core::Change::undo_check_in:
        values.push_back(column_value("arrived_at", none));
        break;
    case core::Change::start:
        values.push_back(column_value("started_at", current));
        break;
    case core::Change::complete:
        values.push_back(column_value("completed_at", current));
        break;
    case core::Change::mark_no_show:
    case core::Change::reverse_no_show:
        values.push_back(column_value("no_show_flagged_at", none));
        break;
    case core::Change::reinstate:
        values.push_back(column_value("cancelled_at", none));
        values.push_back(column_value("cancel_reason", std::optional<std::string>{}));
        values.push_back(column_value("late_cancellation", false));
        break;
    default:
        break;
    }
}

// Claims the time of a visit afresh, where it was. What was judged when it was first booked (lead time, grid, limits) is not
// judged again; what takes its time now is.
void take_again(const Context &context, const Standing &a, core::Status status, const Exceptions &exceptions,
                std::vector<ColumnValue> values) {
    Wish wish = move_wish(context, a, a.visit.begin, a.provider, a.location);
    wish.request.override_rules = true;
    wish.request.overbook = exceptions.overbook;
    wish.also_lock = used_resources(context, a);
    const Placement placed = a.session ? place_again_in_session(context, a) : place(context, wish);
    Beginning beginning;
    beginning.status = status;
    write_again(context, a, placed, beginning, std::move(values));
}

// As one whose time is over.
[[noreturn]] void refuse_dead(const Context &context, Standing a, core::Change change) {
    a.expires = core::instant_min;
    refuse_transition(context, a, core::name_of(change));
}

void change_status(const Context &context, const Standing &a, core::Change change,
                   const std::optional<std::string> &reason, const Exceptions &exceptions) {
    const core::Instant current = now();
    const core::Status status = target_of(a, *core::transition_of(change, a.status));
    std::vector<ColumnValue> values = status_values(a, status, reason);
    add_times(values, change, current);
    switch (change) {
    case core::Change::cancel:
    case core::Change::decline:
        write_cancellation(context, a, reason, change == core::Change::cancel && is_late(context, a, current));
        return;
    case core::Change::approve:
        if (!lock_alive(context, a))
            refuse_dead(context, a, change);
        change_claims(context.tenant_id, a.id, core::ClaimKind::booking, std::nullopt);
        break;
    case core::Change::mark_no_show:
        lock_resources(context.tenant_id, lockable_when_freed(context, a));
        delete_claims(context.tenant_id, a.id);
        update_appointment(context, a.id, values);
        tell_freed(a);
        return;
    case core::Change::reinstate:
        if (a.visit.begin <= current)
            raise(Code::in_past, "a cancelled appointment can be reinstated before its start only",
                  Detail().add("appointment_id", a.id));
        take_again(context, a, status, exceptions, std::move(values));
        return;
    case core::Change::reverse_no_show:
        if (a.visit.end > current) {
            take_again(context, a, status, exceptions, std::move(values));
            return;
        }
        break;
    default:
        break;
    }
    update_appointment(context, a.id, values);
}

Datum run(FunctionCallInfo fcinfo, core::Change change, int reason_argument, int version_argument,
          std::optional<int> overbook_argument) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    const auto id = args.required<Uuid>(0, "appointment_id");
    const auto reason = reason_argument < 0 ? std::nullopt : args.optional<std::string>(reason_argument);
    Exceptions exceptions;
    exceptions.reason = reason;
    if (overbook_argument && args.get_or<bool>(*overbook_argument, false)) {
        require_permission(context, "appointments:overbook");
        require_reason(reason);
        exceptions.overbook = true;
    }
    ResultSet rows(fcinfo);
    const Standing a = locked_for(context, id, args.optional<std::int32_t>(version_argument), change);
    require_right_at(context, a.patient, a.provider, a.location);
    change_status(context, a, change, reason, exceptions);
    const std::optional<Standing> after = read_standing(context, id);
    rows.add(id, core::name_of(after->status), core::name_of(a.status), after->version, now());
    return rows.done();
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.change_status(appointment_id, change, reason, version)
CLINIC_FUNCTION(clinic_change_status) {
    return in_our_words(fcinfo, [](FunctionCallInfo f) {
        const Args args(f);
        const auto change = core::change_named(args.required<std::string>(1, "change"));
        if (!change)
            fail(ERRCODE_INVALID_PARAMETER_VALUE, "there is no such change of an appointment",
                 "The argument is change.", "See docs/policies.md.", "change");
        return run(f, *change, 2, 3, std::nullopt);
    });
}

// clinic.approve_appointment(appointment_id, version), and the others alike
CLINIC_FUNCTION(clinic_approve_appointment) {
    return in_our_words(fcinfo, [](FunctionCallInfo f) { return run(f, core::Change::approve, -1, 1, {}); });
}

CLINIC_FUNCTION(clinic_confirm_appointment) {
    return in_our_words(fcinfo, [](FunctionCallInfo f) { return run(f, core::Change::confirm, -1, 1, {}); });
}

CLINIC_FUNCTION(clinic_start_visit) {
    return in_our_words(fcinfo, [](FunctionCallInfo f) { return run(f, core::Change::start, -1, 1, {}); });
}

CLINIC_FUNCTION(clinic_complete_visit) {
    return in_our_words(fcinfo, [](FunctionCallInfo f) { return run(f, core::Change::complete, -1, 1, {}); });
}

// clinic.decline_appointment(appointment_id, reason, version)
CLINIC_FUNCTION(clinic_decline_appointment) {
    return in_our_words(fcinfo, [](FunctionCallInfo f) { return run(f, core::Change::decline, 1, 2, {}); });
}

// clinic.reinstate_appointment(appointment_id, reason, version, overbook)
CLINIC_FUNCTION(clinic_reinstate_appointment) {
    return in_our_words(fcinfo, [](FunctionCallInfo f) { return run(f, core::Change::reinstate, 1, 2, 3); });
}
