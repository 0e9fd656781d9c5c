// Changing hours over what is booked: which visits no longer lie within, their flag, and cancelling them.
#include "pg/appointments.hpp"
#include "pg/clock.hpp"
#include "pg/spi.hpp"
#include "pg/standing_visits.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

// What distinguishes one cause from another: the row, where it says more than the reason.
std::string cause_of(const core::Finding &f) {
    const char *table = core::name_of(f.source.table);
    const bool by_row = f.reason != core::Reason::outside_hours && f.reason != core::Reason::window_too_short;
    std::string cause = core::name_of(f.reason);
    if (!by_row || f.source.table == core::Source::Table::none)
        return cause;
    return cause + ":" + table + ":" + to_text(f.source.id);
}

template <class Text> std::vector<std::string> distinct(const std::vector<core::Finding> &findings, Text text) {
    std::vector<std::string> words;
    for (const core::Finding &f : findings)
        if (std::string word = text(f); std::find(words.begin(), words.end(), word) == words.end())
            words.push_back(std::move(word));
    return words;
}

core::Interval range_argument(const Args &args, int first) {
    return {args.optional<core::Instant>(first).value_or(core::instant_min),
            args.optional<core::Instant>(first + 1).value_or(core::instant_max)};
}

std::optional<Uuid> unless_nil(const Uuid &id) { return id ? std::optional(id) : std::nullopt; }

bool may_see(const Context &context, const StandingVisit &v) {
    return v.appointment ? sees_appointment(context, v.patient, v.provider, v.location)
                         : may_at(context, "appointments:read", v.provider, v.location);
}

// While it lives, changes of hours leave the flags to whoever makes them: several changes, and what is done about the visits
// that they affect, are one change of each visit.
class FlagsWait {
  public:
    FlagsWait() { ++alive; }
    ~FlagsWait() { --alive; }
    FlagsWait(const FlagsWait &) = delete;
    FlagsWait &operator=(const FlagsWait &) = delete;
    static inline int alive = 0;
};

KeptPlan change_statement{"SELECT clinic_private.run_schedule_change($1)"};

// clinic_private.run_change_unflagged(change)
Datum run_unflagged(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const FlagsWait wait;
    Spi spi;
    const Rows rows = spi.query(change_statement, args.required<Json>(0, "change"));
    ResultSet answer(fcinfo);
    answer.add(rows[0].optional<Uuid>(0));
    return answer.done();
}

// clinic_private.derive_out_of_hours(resource_ids, range_start, range_end)
Datum derive(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    if (FlagsWait::alive > 0)
        return Int32GetDatum(0);
    std::int32_t changed = 0;
    for (const StandingVisit &v :
         standing_visits(context, args.get_or<std::vector<Uuid>>(0, {}), range_argument(args, 1)))
        if (v.appointment && v.flagged == v.findings.empty()) {
            update_appointment(context, v.appointment, {column_value("out_of_hours", !v.findings.empty())});
            ++changed;
        }
    return Int32GetDatum(changed);
}

// clinic_private.cancel_for_closure(appointment_id, reason)
Datum cancel(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    const auto id = args.required<Uuid>(0, "appointment_id");
    const Standing a = locked_appointment(context, id, std::nullopt);
    // A hold is its holder's; what has begun is not cancelled.
    if (a.status == core::Status::held || a.is_dead(now()) ||
        core::transition_of(core::Change::cancel, a.status) == nullptr)
        return BoolGetDatum(false);
    require_right_at(context, a.patient, a.provider, a.location);
    const auto reason = args.optional<std::string>(1);
    lock_resources(context.tenant_id, used_resources(context, a));
    delete_claims(context.tenant_id, id);
    std::vector<ColumnValue> values = status_values(a, core::Status::cancelled, reason);
    values.push_back(column_value("cancelled_at", now()));
    values.push_back(column_value("cancel_reason", reason));
    values.push_back(column_value("late_cancellation", false));
    values.push_back(column_value("out_of_hours", false));
    update_appointment(context, id, values);
    return BoolGetDatum(true);
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.standing_visits(resource_ids, range_start, range_end, with_idle)
CLINIC_FUNCTION(clinic_standing_visits) {
    const Args args(fcinfo);
    const Context &context = require_context();
    ResultSet rows(fcinfo);
    for (const StandingVisit &v : standing_visits(context, args.get_or<std::vector<Uuid>>(0, {}),
                                                  range_argument(args, 1), args.get_or<bool>(3, false)))
        rows.add(unless_nil(v.appointment), unless_nil(v.owner), std::string(name_of(v.kind)),
                 v.appointment ? std::optional(v.status) : std::nullopt, v.service, v.provider, v.location,
                 unless_nil(v.patient), v.visit.begin, v.visit.end, v.version, v.flagged, v.seat, v.pinned, v.rooms,
                 may_see(context, v),
                 distinct(v.findings, [](const core::Finding &f) { return std::string(core::name_of(f.reason)); }),
                 distinct(v.findings, cause_of));
    return rows.done();
}

CLINIC_FUNCTION(clinic_run_change_unflagged) { return run_unflagged(fcinfo); }

CLINIC_FUNCTION(clinic_derive_out_of_hours) { return in_our_words(fcinfo, derive); }

CLINIC_FUNCTION(clinic_cancel_for_closure) { return in_our_words(fcinfo, cancel); }
