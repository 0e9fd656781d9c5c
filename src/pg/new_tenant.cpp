// The context of a tenant that is being made: row security lets nobody write a tenant's rows but that tenant itself.
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/login_map.hpp"

namespace pg_clinic::pg {

// clinic_private.enter_new_tenant(uuid)
CLINIC_FUNCTION(clinic_enter_new_tenant) {
    const Uuid tenant_id = Args(fcinfo).required<Uuid>(0, "tenant_id");
    if (find_tenant(tenant_id))
        raise(Code::duplicate, "this tenant_id is taken", Detail().add("tenant_id", tenant_id));
    enter_context({tenant_id, Actor::admin, {}, {}, {"*"}, {}});
    return 0;
}

} // namespace pg_clinic::pg
