// What the waitlist needs of the server: acting as the engine for those whom a change concerns, whoever made it, and counting
// those who wait ahead of somebody who does not see them.
//
// Who cancels sets off offers to patients whom they may not see. So that neither their rights nor the policies of row
// security have to give way, the engine makes the offers as itself, and is who it was before when it is done.
#include "pg/clock.hpp"
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/result.hpp"
#include "pg/scan.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

constexpr const char *entries_table = "waitlist_entries";

// A waitlist entry that waits.
struct Waiting {
    Uuid entry, service, patient;
    std::optional<Uuid> provider, location, session;
    core::Day from, until;
    std::int32_t urgency = 0;
    core::Instant joined;

    bool comes_before(const Waiting &other) const {
        return std::tie(other.urgency, joined, entry) < std::tie(urgency, other.joined, other.entry);
    }

    // Whether both could be offered the same.
    bool competes_with(const Waiting &other) const {
        const auto agree = [](const std::optional<Uuid> &a, const std::optional<Uuid> &b) {
            return !a || !b || a == b;
        };
        return agree(provider, other.provider) && agree(location, other.location) && agree(session, other.session) &&
               from <= other.until && other.from <= until;
    }
};

// The row under the scan, unless it waits no more.
std::optional<Waiting> waiting_row(const IndexScan &scan, core::Instant current) {
    if (scan.get(scan.column<std::string_view>("status")) != "waiting" ||
        scan.get(scan.column<core::Instant>("lapses_at")) <= current)
        return std::nullopt;
    Waiting w;
    w.entry = scan.get(scan.column<Uuid>("entry_id"));
    w.service = scan.get(scan.column<Uuid>("service_id"));
    w.patient = scan.get(scan.column<Uuid>("patient_id"));
    w.provider = scan.optional(scan.column<Uuid>("provider_id"));
    w.location = scan.optional(scan.column<Uuid>("location_id"));
    w.session = scan.optional(scan.column<Uuid>("session_id"));
    w.from = scan.get(scan.column<core::Day>("from_on"));
    w.until = scan.get(scan.column<core::Day>("until_on"));
    w.urgency = scan.get(scan.column<std::int32_t>("urgency"));
    w.joined = scan.get(scan.column<core::Instant>("joined_at"));
    return w;
}

std::optional<Waiting> find_waiting(const Context &context, const Uuid &entry, core::Instant current) {
    IndexScan scan(entries_table, "waitlist_entries_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
    scan.where("entry_id", BTEqualStrategyNumber, entry);
    scan.start(Sight::snapshot);
    return scan.next() ? waiting_row(scan, current) : std::nullopt;
}

std::int32_t count_ahead(const Context &context, const Waiting &mine, core::Instant current) {
    IndexScan scan(entries_table, "waitlist_entries_service_id_idx");
    scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
    scan.where("service_id", BTEqualStrategyNumber, mine.service);
    scan.where("status", BTEqualStrategyNumber, std::string("waiting"));
    scan.start(Sight::snapshot);
    std::int32_t ahead = 0;
    while (scan.next()) {
        const std::optional<Waiting> other = waiting_row(scan, current);
        if (other && other->comes_before(mine) && other->competes_with(mine))
            ++ahead;
    }
    return ahead;
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.become_system(uuid)
CLINIC_FUNCTION(clinic_become_system) {
    const std::optional<Uuid> user = Args(fcinfo).optional<Uuid>(0);
    const NewContext caller = copy_of(require_context());
    const std::string before = saved_context();
    NewContext context = system_context(caller.tenant_id);
    context.user_id = user;
    context.request = caller.request;
    enter_context(context);
    return returning(fcinfo, before);
}

// clinic_private.anybody_waits(): asked with every cancellation, whoever cancels, so it looks past row security
CLINIC_FUNCTION(clinic_anybody_waits) {
    const Context &context = require_context();
    pg_clinic::pg::IndexScan scan(entries_table, "waitlist_entries_queue_idx");
    scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
    scan.where("status", BTEqualStrategyNumber, std::string("waiting"));
    scan.start(Sight::truth);
    return BoolGetDatum(scan.next());
}

// clinic_private.waitlist_position(uuid)
CLINIC_FUNCTION(clinic_waitlist_position) {
    const Context *context = current_context();
    if (context == nullptr)
        return returning_null(fcinfo);
    const core::Instant current = now();
    const std::optional<Waiting> mine = find_waiting(*context, Args(fcinfo).get<Uuid>(0), current);
    // What the policy of the entries says: who sees one, sees its place.
    const auto anywhere = [](const std::optional<Uuid> &id) { return id.value_or(Uuid{}); };
    if (!mine || !(sees_appointment(*context, mine->patient, anywhere(mine->provider), anywhere(mine->location)) ||
                   (!mine->location && (may_at(*context, "appointments:read", mine->provider, std::nullopt) ||
                                        may_at(*context, "appointments:read:branch", std::nullopt, std::nullopt)))))
        return returning_null(fcinfo);
    return returning(fcinfo, count_ahead(*context, *mine, current) + 1);
}
