// Who is calling: see context.hpp. The setting, its hooks, and the cache of the mapped login.
#include "pg/context.hpp"

#include "pg/context_text.hpp"
#include "pg/datum.hpp"
#include "pg/identity.hpp"
#include "pg/login_map.hpp"
#include "pg/settings.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

constexpr const char *setting_name = "clinic.context";

constinit char *setting = nullptr;          // the server's copy of clinic.context
constinit const Context *entered = nullptr; // its meaning, or null
constinit const Context *present = nullptr; // the same, kept until the transaction ends; null: to be looked up
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

void assign_context(const char *, void *extra) {
    entered = static_cast<const Context *>(extra);
    present = nullptr;
    forget_visibility();
}

void forget_login() {
    mapped = MappedLogin{false, InvalidOid, nullptr};
    forget_visibility();
}

// The contexts that this transaction has been in, in its own memory: who holds one keeps it while functions that act as
// somebody else in between come and go. There are few.
struct Kept {
    std::vector<std::pair<std::string, const Context *>> contexts;
};
constinit Kept *kept = nullptr;

void at_transaction_end(XactEvent, void *) {
    forget_login();
    kept = nullptr;
    present = nullptr;
}

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
    auto login = mapped_login();
    if (login && (!login->user_id || add_user(*login))) {
        context = parse_context(context_text(*login), &allocate_for_transaction);
        if (context == nullptr)
            throw std::bad_alloc();
    }
    forget_visibility();
    mapped = MappedLogin{true, session_user, context};
    return context;
}

// The context that was entered, in memory of the transaction.
const Context *kept_context() {
    if (kept == nullptr)
        kept = make_in_context<Kept>(TopTransactionContext);
    const std::string_view text = setting;
    for (const auto &[known, context] : kept->contexts)
        if (known == text)
            return context;
    const Context *context = parse_context(text, &allocate_for_transaction);
    if (context == nullptr)
        throw std::bad_alloc();
    kept->contexts.emplace_back(text, context);
    return context;
}

// Puts the parts of a list between commas into `out`.
std::vector<std::string> parts_of(std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        out.emplace_back(list.substr(0, comma));
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return out;
}

} // namespace

const Context *current_context() {
    if (entered == nullptr)
        return login_context();
    if (present == nullptr)
        present = kept_context();
    return present;
}

const Context &require_context() {
    if (const Context *context = current_context())
        return *context;
    if (count_mappings(session_login()) > 1)
        raise(Code::no_context, "the login acts for no tenant, because it is mapped in several", {},
              "Call clinic.use_tenant in the same transaction, or leave the login mapped in one tenant: call "
              "clinic.unmap_login in the others.");
    raise(Code::no_context);
}

bool covers(std::string_view granted, std::string_view wanted) noexcept {
    if (granted == wanted || granted == "*")
        return true;
    if (!granted.empty() && granted.back() == '*') {
        // "a:b:*" is all scopes of "a:b", and so "a:b" itself.
        granted.remove_suffix(1);
        return wanted.starts_with(granted) ||
               (wanted.find(':') != std::string_view::npos && wanted == granted.substr(0, granted.size() - 1));
    }
    // Without a scope: with any.
    return wanted.size() > granted.size() && wanted[granted.size()] == ':' && wanted.starts_with(granted) &&
           granted.find(':') != std::string_view::npos;
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

NewContext system_context(const Uuid &tenant) {
    NewContext context{.tenant_id = tenant, .actor = Actor::system};
    context.permissions = {"*"};
    return context;
}

NewContext copy_of(const Context &c) {
    NewContext copy{.tenant_id = c.tenant_id, .actor = c.actor, .door = c.door};
    copy.user_id = c.user();
    copy.patient_id = c.patient();
    copy.provider_id = c.provider();
    copy.session_id = c.session();
    copy.all_locations = c.all_locations;
    copy.care_only = c.care_only;
    copy.purpose_needed = c.purpose_needed;
    copy.locations.assign(c.locations, c.locations + c.location_count);
    copy.permissions = parts_of(c.permissions);
    copy.roles = parts_of(c.roles);
    copy.purpose = c.purpose;
    copy.request = {c.request_id, c.client_address, c.peer_address, c.user_agent};
    return copy;
}

void enter_context(const NewContext &context) { restore_context(context_text(context)); }

void act_as_system(const Uuid &tenant) {
    NewContext context = system_context(tenant);
    if (const Context *present = current_context()) {
        context.door = present->door;
        context.request = copy_of(*present).request;
    }
    enter_context(context);
}

std::string saved_context() { return setting == nullptr ? "" : setting; }

void restore_context(const std::string &saved) {
    const char *value = saved.c_str();
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

} // namespace pg_clinic::pg
