// The context as SQL sees it: choosing one, and asking what it holds.
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/identity.hpp"
#include "pg/login_map.hpp"
#include "pg/request.hpp"
#include "pg/result.hpp"

namespace pg_clinic::pg {

namespace {

std::optional<std::string> unless_empty(const std::string &text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

// What `ask` finds in the context; null without one.
template <class Ask> Datum from_context(FunctionCallInfo fcinfo, Ask ask) {
    const Context *context = current_context();
    return context == nullptr ? returning_null(fcinfo) : returning(fcinfo, ask(*context));
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;

// clinic.use_tenant(text)
CLINIC_FUNCTION(clinic_use_tenant) {
    const auto name = Args(fcinfo).required<std::string>(0, "tenant");
    const auto tenant = find_tenant(std::string_view(name));
    if (!tenant)
        raise(Code::not_found, "tenant \"" + shown(name) + "\" does not exist", Detail().add("object", "tenant"),
              "Pass the slug or the id of an existing tenant.");
    if (!tenant->active)
        raise(Code::inactive, "tenant \"" + tenant->slug + "\" is not active", Detail().add("object", "tenant"));
    NewContext context{.tenant_id = tenant->tenant_id, .actor = Actor::admin};
    context.permissions = {"*"};
    enter_context(context);
    return 0;
}

// clinic_private.enter_new_tenant(uuid): row security lets nobody write a tenant's rows but that tenant itself
CLINIC_FUNCTION(clinic_enter_new_tenant) {
    const Uuid tenant_id = Args(fcinfo).required<Uuid>(0, "tenant_id");
    if (find_tenant(tenant_id))
        raise(Code::duplicate, "this tenant_id is taken", Detail().add("tenant_id", tenant_id));
    NewContext context{.tenant_id = tenant_id, .actor = Actor::admin};
    context.permissions = {"*"};
    enter_context(context);
    return 0;
}

// clinic_private.enter_public(uuid): a visitor of the tenant, published or not, for functions that let somebody in
CLINIC_FUNCTION(clinic_enter_visitor) {
    NewContext context{.tenant_id = Args(fcinfo).required<Uuid>(0, "tenant_id"),
                       .actor = Actor::public_visitor,
                       .door = Door::public_page};
    context.request = present_request();
    enter_context(context);
    return 0;
}

// clinic.declare_purpose(text)
CLINIC_FUNCTION(clinic_declare_purpose) {
    const auto purpose = Args(fcinfo).required<std::string>(0, "purpose");
    NewContext context = copy_of(require_context());
    if (!is_purpose(purpose))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "invalid purpose", "The argument is purpose.",
             "Use a code of HL7 PurposeOfUse in upper case, such as TREAT, HOPERAT, HPAYMT, ETREAT or PATRQT.",
             "purpose");
    context.purpose = purpose;
    enter_context(context);
    return 0;
}

// clinic_private.lacks_purpose(): whether the caller reads nothing of patients before a purpose is declared
CLINIC_FUNCTION(clinic_lacks_purpose) {
    const Context *context = current_context();
    return BoolGetDatum(context != nullptr && context->purpose_needed && *context->purpose == '\0');
}

// clinic.current_tenant_id()
CLINIC_FUNCTION(clinic_current_tenant_id) {
    return from_context(fcinfo, [](const Context &c) { return c.tenant_id; });
}

// clinic.current_user_id()
CLINIC_FUNCTION(clinic_current_user_id) {
    return from_context(fcinfo, [](const Context &c) { return c.user(); });
}

// clinic.current_patient_id()
CLINIC_FUNCTION(clinic_current_patient_id) {
    return from_context(fcinfo, [](const Context &c) { return c.patient(); });
}

// clinic.current_provider_id()
CLINIC_FUNCTION(clinic_current_provider_id) {
    return from_context(fcinfo, [](const Context &c) { return c.provider(); });
}

// clinic_private.current_session_id()
CLINIC_FUNCTION(clinic_current_session_id) {
    return from_context(fcinfo, [](const Context &c) { return c.session(); });
}

// clinic_private.require_tenant()
CLINIC_FUNCTION(clinic_require_tenant) { return returning(fcinfo, require_context().tenant_id); }

// clinic_private.count_mappings(text)
CLINIC_FUNCTION(clinic_count_mappings) {
    return returning(fcinfo, count_mappings(Args(fcinfo).get<std::string_view>(0)));
}

// clinic.has_permission(text)
CLINIC_FUNCTION(clinic_has_permission) {
    const Context *context = current_context();
    return BoolGetDatum(context != nullptr && has_permission(*context, Args(fcinfo).get<std::string_view>(0)));
}

// clinic.is_permission(text)
CLINIC_FUNCTION(clinic_is_permission) { return BoolGetDatum(is_permission(Args(fcinfo).get<std::string_view>(0))); }

// clinic.whoami()
CLINIC_FUNCTION(clinic_whoami) {
    ResultSet rows(fcinfo);
    const std::string login = session_login();
    const Context *context = current_context();
    if (context == nullptr) {
        const std::optional<Uuid> no_id;
        const std::optional<std::string> no_text;
        const std::optional<std::vector<std::string>> no_list;
        rows.add(no_id, no_text, no_text, no_id, no_id, no_list, no_text, login, no_text, no_list, no_id,
                 std::optional<std::vector<Uuid>>{}, no_id, no_text);
        return rows.done();
    }
    const NewContext c = copy_of(*context);
    const auto tenant = find_tenant(c.tenant_id);
    rows.add(std::optional(c.tenant_id), tenant ? std::optional(tenant->slug) : std::nullopt,
             std::optional<std::string>(actor_name(c.actor)), c.user_id, c.patient_id, std::optional(c.permissions),
             unless_empty(c.request.request_id), login, std::optional<std::string>(door_name(c.door)),
             std::optional(c.roles), c.provider_id, c.all_locations ? std::nullopt : std::optional(c.locations),
             c.session_id, unless_empty(c.purpose));
    return rows.done();
}
