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

template <class Wanted> std::optional<Tenant> first_tenant(TableScan &scan, Wanted wanted) {
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

// The rows of one login, found by index: there may be many tenants, and each transaction of a mapped login asks.
class LoginRows {
  public:
    explicit LoginRows(std::string_view login) : name_(name_of(login)) {}

    bool next() {
        while (scan_.next())
            if (scan_.get<bool>(1).value_or(false) && scan_.name(0) == NameStr(name_))
                return true;
        return false;
    }
    const TableScan &row() const { return scan_; }

  private:
    static NameData name_of(std::string_view login) {
        NameData name{};
        login.copy(NameStr(name), NAMEDATALEN - 1);
        return name;
    }

    NameData name_;
    TableScan scan_{"logins", login_columns, "logins_login_idx", {KeyValue{NameGetDatum(&name_), NAMEOID}}};
};

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
    TableScan scan("tenants", tenant_columns, "tenants_pkey", {key_value(tenant_id)});
    return first_tenant(scan, [&](const Uuid &id, const std::string &) { return id == tenant_id; });
}

std::optional<Tenant> find_tenant(std::string_view slug_or_id) {
    if (const auto wanted_id = parse_uuid(slug_or_id))
        return find_tenant(*wanted_id);
    TableScan scan("tenants", tenant_columns);
    return first_tenant(scan, [&](const Uuid &, const std::string &slug) { return slug == slug_or_id; });
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
    std::optional<NewContext> found;
    {
        LoginRows rows(session_login());
        while (rows.next()) {
            if (found)
                return std::nullopt;
            found = read_login(rows.row());
        }
    }
    if (!found)
        return std::nullopt;
    const auto tenant = find_tenant(found->tenant_id);
    return tenant && tenant->active ? found : std::nullopt;
}

std::int32_t count_mappings(std::string_view login) {
    std::int32_t count = 0;
    LoginRows rows(login);
    while (rows.next())
        ++count;
    return count;
}

} // namespace pg_clinic::pg
