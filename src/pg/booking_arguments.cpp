// Arguments of bookings: see booking_arguments.hpp.
#include "pg/booking_arguments.hpp"

#include "pg/search.hpp"
#include "pg/spi.hpp"

namespace pg_clinic::pg {

namespace {

KeptPlan approval_statement{"SELECT requires_approval, approval_minutes FROM clinic_data.services"
                            " WHERE tenant_id = $1 AND service_id = $2"};

} // namespace

Exceptions read_exceptions(const Args &args, const Context &context, int override_argument) {
    Exceptions e{args.get_or<bool>(override_argument, false), args.get_or<bool>(override_argument + 1, false),
                 args.optional<std::string>(override_argument + 2)};
    if (e.override_rules)
        require_permission(context, "appointments:override");
    if (e.overbook)
        require_permission(context, "appointments:overbook");
    if (e.override_rules || e.overbook)
        require_reason(e.reason);
    return e;
}

void require_reason(const std::optional<std::string> &reason) {
    if (!reason || reason->find_first_not_of(" \t\r\n") == std::string::npos)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "an override needs a reason", "The argument is reason.",
             "Pass reason => 'why the rules give way'.", "reason");
}

std::optional<std::string> recorded_reason(const Placement &placed, const Exceptions &e) {
    return placed.overridden.empty() ? std::nullopt : e.reason;
}

std::optional<core::Duration> buffer_argument(const Args &args, const Context &context, int argument,
                                              const char *name) {
    const auto n = args.optional<std::int32_t>(argument);
    if (!n)
        return std::nullopt;
    require_permission(context, "appointments:override");
    if (*n < 0 || *n > 1440)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, std::string(name) + " must lie between 0 and 1440",
             "It is " + std::to_string(*n) + ".", "Buffers are minutes, up to a day.", name);
    return core::minutes(*n);
}

Wish read_wish(const Args &args, const Context &context) {
    Wish wish;
    wish.query.tenant = context.tenant_id;
    wish.query.service = args.required<Uuid>(0, "service_id");
    wish.query.patient = permitted_patient(context, args.required<Uuid>(1, "patient_id"));
    wish.query.provider = args.optional<Uuid>(3);
    wish.query.location = args.optional<Uuid>(4);
    wish.request.duration = visit_duration(args, 5);
    wish.query.named_resources = wish.request.named_resources = args.get_or<std::vector<Uuid>>(6, {});
    return wish;
}

Beginning beginning_of(const Context &context, const Uuid &service, core::Instant start, core::Instant now) {
    Beginning beginning;
    if (context.actor != Actor::patient)
        return beginning;
    Spi spi;
    const Rows rows = spi.query(approval_statement, context.tenant_id, service);
    if (rows.empty() || !rows[0].get<bool>(0))
        return beginning;
    beginning.status = core::Status::pending;
    beginning.kind = core::ClaimKind::pending;
    const auto minutes = rows[0].optional<std::int32_t>(1);
    beginning.expires = minutes ? std::min(start, now + core::minutes(*minutes)) : start;
    return beginning;
}

Wish move_wish(const Context &context, const Standing &a, core::Instant start, std::optional<Uuid> provider,
               std::optional<Uuid> location) {
    Wish wish;
    wish.query.tenant = context.tenant_id;
    wish.query.service = a.service;
    wish.query.patient = a.patient;
    wish.query.provider = provider.value_or(a.provider);
    // Another provider may work elsewhere; the same one keeps the place.
    wish.query.location = location                              ? location
                          : provider && *provider != a.provider ? std::nullopt
                                                                : std::optional(a.location);
    wish.start = start;
    wish.request.duration = a.visit.length();
    wish.request.keeps_duration = true;
    wish.request.seats = a.seats;
    wish.request.ignored = {a.id};
    return wish;
}

} // namespace pg_clinic::pg
