// What the waitlist needs of the server: acting as the engine for those whom a change concerns, whoever made it.
//
// Who cancels sets off offers to patients whom they may not see. So that neither their rights nor the policies of row
// security have to give way, the engine makes the offers as itself, and is who it was before when it is done.
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/result.hpp"
#include "pg/scan.hpp"

using namespace pg_clinic::pg;

// clinic_private.become_system(uuid)
CLINIC_FUNCTION(clinic_become_system) {
    const std::optional<Uuid> user = Args(fcinfo).optional<Uuid>(0);
    const NewContext caller = copy_of(require_context());
    const std::string before = saved_context();
    NewContext context{.tenant_id = caller.tenant_id, .actor = Actor::system, .user_id = user};
    context.permissions = {"*"};
    context.request = caller.request;
    enter_context(context);
    return returning(fcinfo, before);
}

// clinic_private.anybody_waits(): asked with every cancellation, whoever cancels, so it looks past row security
CLINIC_FUNCTION(clinic_anybody_waits) {
    const Context &context = require_context();
    pg_clinic::pg::IndexScan scan("waitlist_entries", "waitlist_entries_queue_idx");
    scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
    scan.where("status", BTEqualStrategyNumber, std::string("waiting"));
    scan.start(Sight::truth);
    return BoolGetDatum(scan.next());
}
