// Who is calling: see context.hpp. The setting, its hooks, and the cache of the mapped login.
#include "pg/context.hpp"

#include "pg/context_text.hpp"
#include "pg/datum.hpp"
#include "pg/login_map.hpp"
#include "pg/result.hpp"
#include "pg/settings.hpp"

namespace pg_clinic::pg {

namespace {

constexpr const char *setting_name = "clinic.context";

constinit char *setting = nullptr;          // the server's copy of clinic.context
constinit const Context *entered = nullptr; // its meaning, or null
constinit bool gate_open = false;           // true while enter_context sets it

// What clinic_data.logins says about this session, looked up once per transaction.
struct MappedLogin {
    bool known;
    Oid session_user;
    const Context *context; // in TopTransactionContext, or null
};
constinit MappedLogin mapped{false, InvalidOid, nullptr};

// Holds the gate open for the length of a scope.
struct OpenGate {
    OpenGate() { gate_open = true; }
    ~OpenGate() { gate_open = false; }
    OpenGate(const OpenGate &) = delete;
    OpenGate &operator=(const OpenGate &) = delete;
};

// Lets a value in only from enter_context, and from the leader into a parallel worker. Files, databases, roles and
// SET, be it by a superuser, are refused: a context never outlives a transaction.
bool check_context(char **value, void **extra, GucSource source) {
    if (**value == '\0')
        return true;
    if (source != PGC_S_SESSION || !(gate_open || InitializingParallelWorker)) {
        refuse_setting(ERRCODE_CANT_CHANGE_RUNTIME_PARAM, "parameter \"clinic.context\" cannot be set directly",
                       "The context of a transaction is set by functions of the schema clinic only.",
                       "Call clinic.use_tenant, or have the login mapped with clinic.map_login.");
        return false;
    }
    *extra = parse_context(*value, &setting_extra);
    return *extra != nullptr;
}

void assign_context(const char *, void *extra) { entered = static_cast<const Context *>(extra); }

void forget_login() { mapped = MappedLogin{false, InvalidOid, nullptr}; }

void at_transaction_end(XactEvent, void *) { forget_login(); }

void at_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (event == SUBXACT_EVENT_ABORT_SUB)
        forget_login();
}

void *allocate_for_transaction(std::size_t size) {
    return MemoryContextAllocExtended(TopTransactionContext, size, MCXT_ALLOC_NO_OOM);
}

// The context of the session's login, or null.
const Context *login_context() {
    const Oid session_user = GetSessionUserId();
    if (mapped.known && mapped.session_user == session_user)
        return mapped.context;
    Context *context = nullptr;
    if (const auto login = mapped_login()) {
        context = parse_context(context_text(*login), &allocate_for_transaction);
        if (context == nullptr)
            throw std::bad_alloc();
        context->by_login = true;
    }
    mapped = MappedLogin{true, session_user, context};
    return context;
}

// True when the granted permission covers the wanted one: equal, or all before a final "*".
bool covers(std::string_view granted, std::string_view wanted) noexcept {
    if (!granted.empty() && granted.back() == '*')
        return wanted.starts_with(granted.substr(0, granted.size() - 1));
    return granted == wanted;
}

std::vector<std::string> permission_list(const Context &context) {
    std::vector<std::string> out;
    std::string_view rest = context.permissions;
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        out.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    return out;
}

std::optional<Uuid> when(bool has, const Uuid &id) { return has ? std::optional(id) : std::nullopt; }

} // namespace

const Context *current_context() { return entered != nullptr ? entered : login_context(); }

const Context &require_context() {
    if (const Context *context = current_context())
        return *context;
    if (count_mappings(session_login()) > 1)
        raise(Code::no_context, "the login acts for no tenant, because it is mapped in several", {},
              "Call clinic.use_tenant in the same transaction, or leave the login mapped in one tenant: call "
              "clinic.unmap_login in the others.");
    raise(Code::no_context);
}

bool has_permission(const Context &context, std::string_view permission) noexcept {
    std::string_view rest = context.permissions;
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        if (covers(rest.substr(0, comma), permission))
            return true;
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    return false;
}

void require_permission(const Context &context, std::string_view permission) {
    if (!has_permission(context, permission))
        raise(Code::forbidden, "permission \"" + std::string(permission) + "\" is required",
              Detail().add("permission", permission));
}

void enter_context(const NewContext &context) {
    const std::string text = context_text(context);
    const char *value = text.c_str();
    const OpenGate gate;
    pg_call([value] {
        (void)set_config_option(setting_name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
    });
}

void define_context_setting() {
    DefineCustomStringVariable(setting_name, "Who is calling, for the rest of the transaction. Set by the engine only.",
                               nullptr, &setting, "", PGC_SUSET,
                               GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE | GUC_SUPERUSER_ONLY,
                               check_context, assign_context, nullptr);
    RegisterXactCallback(at_transaction_end, nullptr);
    RegisterSubXactCallback(at_subtransaction_end, nullptr);
}

// clinic.use_tenant(text)
CLINIC_FUNCTION(clinic_use_tenant) {
    const auto name = Args(fcinfo).required<std::string>(0, "tenant");
    const auto tenant = find_tenant(std::string_view(name));
    if (!tenant)
        raise(Code::not_found, "tenant \"" + shown(name) + "\" does not exist", Detail().add("object", "tenant"),
              "Pass the slug or the id of an existing tenant.");
    if (!tenant->active)
        raise(Code::inactive, "tenant \"" + tenant->slug + "\" is not active", Detail().add("object", "tenant"));
    enter_context({tenant->tenant_id, Actor::admin, {}, {}, {"*"}, {}});
    return 0;
}

// clinic.current_tenant_id()
CLINIC_FUNCTION(clinic_current_tenant_id) {
    const Context *context = current_context();
    return context == nullptr ? returning_null(fcinfo) : Sql<Uuid>::to(context->tenant_id);
}

// clinic.current_user_id()
CLINIC_FUNCTION(clinic_current_user_id) {
    const Context *context = current_context();
    return context == nullptr ? returning_null(fcinfo) : returning(fcinfo, when(context->has_user, context->user_id));
}

// clinic.current_patient_id()
CLINIC_FUNCTION(clinic_current_patient_id) {
    const Context *context = current_context();
    return context == nullptr ? returning_null(fcinfo)
                              : returning(fcinfo, when(context->has_patient, context->patient_id));
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

// clinic.whoami()
CLINIC_FUNCTION(clinic_whoami) {
    ResultSet rows(fcinfo);
    const std::string login = session_login();
    const Context *context = current_context();
    if (context == nullptr) {
        rows.add(std::optional<Uuid>{}, std::optional<std::string>{}, std::optional<std::string>{},
                 std::optional<Uuid>{}, std::optional<Uuid>{}, std::optional<std::vector<std::string>>{},
                 std::optional<std::string>{}, login, std::optional<std::string>{});
        return rows.done();
    }
    const auto tenant = find_tenant(context->tenant_id);
    const std::string request = context->request_id;
    rows.add(std::optional(context->tenant_id), tenant ? std::optional(tenant->slug) : std::nullopt,
             std::optional<std::string>(actor_name(context->actor)), when(context->has_user, context->user_id),
             when(context->has_patient, context->patient_id), std::optional(permission_list(*context)),
             request.empty() ? std::nullopt : std::optional(request), login,
             std::optional<std::string>(context->by_login ? "login" : "context"));
    return rows.done();
}

} // namespace pg_clinic::pg
