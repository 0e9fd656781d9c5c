// Logins that a table maps to a clinic user: see login_map.hpp.
#include "pg/login_map.hpp"

#include "pg/datum.hpp"

extern "C" {
#include "utils/acl.h"
}
#include "pg/table_scan.hpp"

namespace pg_clinic::pg {

namespace {

constexpr TableColumn tenant_columns[] = {{"tenant_id", UUIDOID}, {"slug", TEXTOID}, {"status", TEXTOID}};

template <class Wanted> std::optional<Tenant> scan_tenants(Wanted wanted) {
    TableScan scan("tenants", tenant_columns);
    while (scan.next()) {
        const auto id = scan.get<Uuid>(0);
        const auto slug = scan.get<std::string>(1);
        if (id && slug && wanted(*id, *slug))
            return Tenant{*id, *slug, scan.get<std::string>(2) == "active"};
    }
    return std::nullopt;
}

constexpr TableColumn login_columns[] = {{"login", NAMEOID},           {"active", BOOLOID},  {"tenant_id", UUIDOID},
                                         {"actor", TEXTOID},           {"user_id", UUIDOID}, {"patient_id", UUIDOID},
                                         {"permissions", TEXTARRAYOID}};

// The mapping of one row, or nothing when the row does not make a context.
std::optional<NewContext> read_login(const TableScan &scan) {
    const auto tenant_id = scan.get<Uuid>(2);
    const auto actor = actor_named(scan.get<std::string>(3).value_or(""));
    if (!tenant_id || !actor)
        return std::nullopt;
    NewContext context{.tenant_id = *tenant_id, .actor = *actor, .door = Door::login};
    context.user_id = scan.get<Uuid>(4);
    context.patient_id = scan.get<Uuid>(5);
    for (std::string &permission : scan.get<std::vector<std::string>>(6).value_or(std::vector<std::string>{}))
        if (is_permission(permission))
            context.permissions.push_back(std::move(permission));
    return context;
}

} // namespace

std::optional<Tenant> find_tenant(const Uuid &tenant_id) {
    return scan_tenants([&](const Uuid &id, const std::string &) { return id == tenant_id; });
}

std::optional<Tenant> find_tenant(std::string_view slug_or_id) {
    const auto wanted_id = parse_uuid(slug_or_id);
    return scan_tenants(
        [&](const Uuid &id, const std::string &slug) { return wanted_id ? id == *wanted_id : slug == slug_or_id; });
}

std::string session_login() {
    return pg_call([] { return static_cast<const char *>(GetUserNameFromId(GetSessionUserId(), false)); });
}

bool session_is_gateway() {
    return pg_call([] {
        const Oid gateway = get_role_oid("clinic_gateway", true);
        return OidIsValid(gateway) && is_member_of_role_nosuper(GetSessionUserId(), gateway);
    });
}

std::optional<NewContext> mapped_login() {
    // A gateway speaks for others: a request without identity must not act as the gateway itself.
    if (session_is_gateway())
        return std::nullopt;
    const std::string login = session_login();
    std::optional<NewContext> found;
    {
        TableScan scan("logins", login_columns);
        while (scan.next()) {
            if (scan.name(0) != login || !scan.get<bool>(1).value_or(false))
                continue;
            if (found)
                return std::nullopt;
            found = read_login(scan);
        }
    }
    if (!found)
        return std::nullopt;
    const auto tenant = find_tenant(found->tenant_id);
    return tenant && tenant->active ? found : std::nullopt;
}

std::int32_t count_mappings(std::string_view login) {
    std::int32_t count = 0;
    TableScan scan("logins", login_columns);
    while (scan.next())
        count += scan.name(0) == login && scan.get<bool>(1).value_or(false);
    return count;
}

} // namespace pg_clinic::pg
