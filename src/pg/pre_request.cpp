// What a gateway calls first in the transaction of each request.
#include "pg/http_errors.hpp"

namespace pg_clinic::pg {

namespace {

bool session_is_gateway() {
    return pg_call([] {
        const Oid gateway = get_role_oid("clinic_gateway", true);
        return OidIsValid(gateway) && is_member_of_role_nosuper(GetSessionUserId(), gateway);
    });
}

bool is_anonymous() {
    return pg_call([] { return GetUserId() == get_role_oid("clinic_anon", true); });
}

} // namespace

// clinic.pre_request()
CLINIC_FUNCTION(clinic_pre_request) {
    if (session_is_gateway()) {
        begin_http_request(is_anonymous());
        as_outermost_statement([] {});
    }
    return 0;
}

} // namespace pg_clinic::pg
