// Logins that a table maps to a clinic user: reads clinic_data.logins and clinic_data.tenants directly.
//
// current_tenant_id() runs inside row security policies, so no SQL may run here: the tables are scanned by the
// server's own table access, which knows no policies.
#pragma once

#include "pg/context.hpp"

namespace pg_clinic::pg {

struct Tenant {
    Uuid tenant_id;
    std::string slug;
    bool active;
};

std::optional<Tenant> find_tenant(const Uuid &tenant_id);
std::optional<Tenant> find_tenant(std::string_view slug_or_id);

// The name of the session's user, whatever SET ROLE says.
std::string session_login();

// The context of the session's login: nothing when the login is not mapped, inactive, mapped to more than one
// tenant, or its tenant is not active.
std::optional<NewContext> mapped_login();

// In how many tenants a login is mapped and active; more than one makes no context.
std::int32_t count_mappings(std::string_view login);

// Whether the session's login is a member of clinic_gateway, other than by being a superuser: its claims are believed, and no
// mapping counts for it.
bool session_is_gateway();

} // namespace pg_clinic::pg
