// What the tables say of a user: see identity.hpp.
#include "pg/identity.hpp"

#include "core/base64url.hpp"
#include "pg/clock.hpp"
#include "pg/crypto.hpp"
#include "pg/scan.hpp"

namespace pg_clinic::pg {

namespace {

// A tenant, as far as deciding who comes in needs it.
struct TenantState {
    bool active;
    bool published;
    bool care_only;
};

std::optional<TenantState> read_tenant(const Uuid &id) {
    IndexScan scan("tenants", "tenants_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, id);
    scan.start(Sight::snapshot);
    if (!scan.next())
        return std::nullopt;
    return TenantState{scan.get(scan.column<std::string>("status")) == "active",
                       scan.get(scan.column<bool>("published")),
                       scan.get(scan.column<std::string>("patient_access")) == "care"};
}

struct User {
    std::string kind;
    bool active;
    bool all_locations;
    std::optional<Uuid> provider, patient;
    std::optional<core::Instant> signed_out_at;
};

std::optional<User> read_user(const Uuid &tenant, const Uuid &id) {
    IndexScan scan("users", "users_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("user_id", BTEqualStrategyNumber, id);
    scan.start(Sight::snapshot);
    if (!scan.next())
        return std::nullopt;
    return User{
        scan.get(scan.column<std::string>("kind")),     scan.get(scan.column<std::string>("status")) == "active",
        scan.get(scan.column<bool>("all_locations")),   scan.optional(scan.column<Uuid>("provider_id")),
        scan.optional(scan.column<Uuid>("patient_id")), scan.optional(scan.column<core::Instant>("signed_out_at"))};
}

std::vector<std::string> read_roles(const Uuid &tenant, const Uuid &user) {
    std::vector<std::string> roles;
    IndexScan scan("user_roles", "user_roles_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("user_id", BTEqualStrategyNumber, user);
    scan.start(Sight::snapshot);
    while (scan.next())
        roles.push_back(scan.get(scan.column<std::string>("role")));
    return roles;
}

// Adds what the roles permit, each permission once; what is not well formed permits nothing.
void add_permissions(const Uuid &tenant, const std::vector<std::string> &roles, std::vector<std::string> &permissions) {
    IndexScan scan("roles", "roles_pkey");
    for (const std::string &role : roles) {
        scan.where("tenant_id", BTEqualStrategyNumber, tenant);
        scan.where("role", BTEqualStrategyNumber, role);
        scan.start(Sight::snapshot);
        while (scan.next())
            for (std::string &p : scan.get(scan.column<std::vector<std::string>>("permissions")))
                if (is_permission(p) && std::find(permissions.begin(), permissions.end(), p) == permissions.end())
                    permissions.push_back(std::move(p));
    }
}

std::vector<Uuid> read_locations(const Uuid &tenant, const Uuid &user) {
    std::vector<Uuid> locations;
    IndexScan scan("user_locations", "user_locations_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("user_id", BTEqualStrategyNumber, user);
    scan.start(Sight::snapshot);
    while (scan.next())
        locations.push_back(scan.get(scan.column<Uuid>("location_id")));
    return locations;
}

bool location_exists(const Uuid &tenant, const Uuid &location) {
    IndexScan scan("locations", "locations_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("location_id", BTEqualStrategyNumber, location);
    scan.start(Sight::snapshot);
    return scan.next();
}

bool is_revoked(const Uuid &tenant, const std::string &token_id) {
    IndexScan scan("revoked_tokens", "revoked_tokens_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("jti", BTEqualStrategyNumber, token_id);
    scan.start(Sight::snapshot);
    return scan.next();
}

bool is_live_session(const Uuid &tenant, const Uuid &session, const Uuid &user) {
    IndexScan scan("sessions", "sessions_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("session_id", BTEqualStrategyNumber, session);
    scan.start(Sight::snapshot);
    return scan.next() && scan.get(scan.column<Uuid>("user_id")) == user &&
           !scan.optional(scan.column<core::Instant>("revoked_at"));
}

// Whether what the caller came with has been taken back.
bool is_dead(const Entry &entry, const User &user) {
    // Whoever signs out everywhere ends the sessions too; tokens without one are judged by their time.
    if (user.signed_out_at && !entry.session_id && entry.door != Door::api_key &&
        (!entry.issued_at || *entry.issued_at <= *user.signed_out_at))
        return true;
    if (!entry.token_id.empty() && is_revoked(entry.tenant_id, entry.token_id))
        return true;
    return entry.session_id && !is_live_session(entry.tenant_id, *entry.session_id, entry.user_id);
}

// Fills in what the user's rows say.
void fill(NewContext &context, const User &user, bool care_only) {
    context.actor = user.kind == "patient" ? Actor::patient : Actor::staff;
    context.patient_id = user.patient;
    context.provider_id = user.provider;
    context.all_locations = user.all_locations;
    context.locations = read_locations(context.tenant_id, *context.user_id);
    context.roles = read_roles(context.tenant_id, *context.user_id);
    add_permissions(context.tenant_id, context.roles, context.permissions);
    context.care_only = care_only && user.provider;
    if (std::find(context.roles.begin(), context.roles.end(), "super_admin") != context.roles.end())
        context.all_locations = context.purpose_needed = true;
}

// An API key taken apart: "clinic_" and, in base64url, tenant, key and secret.
struct ApiKey {
    Uuid tenant, key;
    std::string secret;
};

std::optional<ApiKey> parse_api_key(std::string_view text) {
    constexpr std::string_view prefix = "clinic_";
    constexpr std::size_t id_bytes = 16, secret_bytes = 32;
    if (!text.starts_with(prefix))
        return std::nullopt;
    const auto bytes = core::from_base64url(text.substr(prefix.size()));
    if (!bytes || bytes->size() != 2 * id_bytes + secret_bytes)
        return std::nullopt;
    ApiKey key;
    std::memcpy(key.tenant.bytes.data(), bytes->data(), id_bytes);
    std::memcpy(key.key.bytes.data(), bytes->data() + id_bytes, id_bytes);
    key.secret = bytes->substr(2 * id_bytes);
    return key;
}

// Leaves one branch of the user's; false when it is none.
bool narrow(NewContext &context, const Uuid &location) {
    const bool member =
        std::find(context.locations.begin(), context.locations.end(), location) != context.locations.end();
    if (!member && !(context.all_locations && location_exists(context.tenant_id, location)))
        return false;
    context.locations = {location};
    context.all_locations = false;
    return true;
}

} // namespace

std::optional<NewContext> user_context(const Entry &entry) {
    const auto tenant = read_tenant(entry.tenant_id);
    if (!tenant || !tenant->active)
        return std::nullopt;
    const auto user = read_user(entry.tenant_id, entry.user_id);
    if (!user || !user->active || is_dead(entry, *user))
        return std::nullopt;
    NewContext context{.tenant_id = entry.tenant_id, .door = entry.door};
    context.user_id = entry.user_id;
    context.session_id = entry.session_id;
    context.request = entry.request;
    context.purpose = entry.purpose;
    fill(context, *user, tenant->care_only);
    if (entry.location_id && !narrow(context, *entry.location_id))
        return std::nullopt;
    return context;
}

bool add_user(NewContext &context) {
    const auto user = read_user(context.tenant_id, *context.user_id);
    if (!user)
        return true;
    if (!user->active)
        return false;
    const auto tenant = read_tenant(context.tenant_id);
    const Actor actor = context.actor;
    const auto patient = context.patient_id;
    fill(context, *user, tenant && tenant->care_only);
    context.actor = actor;
    if (patient)
        context.patient_id = patient;
    return true;
}

std::optional<NewContext> key_context(std::string_view api_key, const RequestFacts &request,
                                      std::int32_t *calls_per_hour) {
    const auto parts = parse_api_key(api_key);
    if (!parts)
        return std::nullopt;
    Uuid user;
    std::vector<std::string> scope;
    {
        IndexScan scan("api_keys", "api_keys_pkey");
        scan.where("tenant_id", BTEqualStrategyNumber, parts->tenant);
        scan.where("key_id", BTEqualStrategyNumber, parts->key);
        scan.start(Sight::snapshot);
        if (!scan.next() ||
            !crypto::equal_secrets(scan.get(scan.column<Bytes>("key_hash")).bytes, crypto::sha256(parts->secret)))
            return std::nullopt;
        const auto expires_at = scan.optional(scan.column<core::Instant>("expires_at"));
        if (scan.optional(scan.column<core::Instant>("revoked_at")) || (expires_at && *expires_at <= now()))
            return std::nullopt;
        user = scan.get(scan.column<Uuid>("user_id"));
        scope = scan.get(scan.column<std::vector<std::string>>("permissions"));
        *calls_per_hour = scan.get(scan.column<std::int32_t>("calls_per_hour"));
    }
    auto context =
        user_context({.tenant_id = parts->tenant, .user_id = user, .door = Door::api_key, .request = request});
    if (!context)
        return std::nullopt;
    // Of what the account may, what the key was made for, and the other way round: whichever is narrower.
    std::vector<std::string> both;
    const auto add_covered = [&both](const std::vector<std::string> &granted, const std::vector<std::string> &wanted) {
        for (const std::string &w : wanted)
            if (is_permission(w) && std::find(both.begin(), both.end(), w) == both.end() &&
                std::any_of(granted.begin(), granted.end(), [&w](const std::string &g) { return covers(g, w); }))
                both.push_back(w);
    };
    add_covered(context->permissions, scope);
    add_covered(scope, context->permissions);
    context->permissions = std::move(both);
    return context;
}

std::optional<NewContext> public_context(std::string_view slug, const RequestFacts &request) {
    IndexScan scan("tenant_slugs", "tenant_slugs_pkey");
    scan.where("slug", BTEqualStrategyNumber, slug);
    scan.start(Sight::snapshot);
    if (!scan.next())
        return std::nullopt;
    const Uuid tenant_id = scan.get(scan.column<Uuid>("tenant_id"));
    const auto tenant = read_tenant(tenant_id);
    if (!tenant || !tenant->active || !tenant->published)
        return std::nullopt;
    NewContext context{.tenant_id = tenant_id, .actor = Actor::public_visitor, .door = Door::public_page};
    context.request = request;
    return context;
}

} // namespace pg_clinic::pg
