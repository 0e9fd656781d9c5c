// The doors of identity: what a gateway says of the caller, a token, a key, a public page.
//
// A gateway is a login that is a member of clinic_gateway: PostgREST's, or a trusted application's. It has verified its caller's
// token, and hands over the claims in request.jwt.claims and the headers in request.headers, for one transaction; then it calls
// clinic.pre_request(). From any other login these settings are worth nothing.
#include "core/json.hpp"
#include "pg/clock.hpp"
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/http_errors.hpp"
#include "pg/idempotency.hpp"
#include "pg/identity.hpp"
#include "pg/login_map.hpp"
#include "pg/rate_limit.hpp"
#include "pg/request.hpp"
#include "pg/token.hpp"

extern "C" {
#include "utils/acl.h"
}

namespace pg_clinic::pg {

namespace {

constinit int trusted_proxies = 1;

// A setting of this transaction; empty where there is none.
std::string setting(const char *name) {
    const char *value = pg_call([name] { return GetConfigOption(name, true, false); });
    return value == nullptr ? std::string() : std::string(value);
}

void set_locally(const char *name, const std::string &value) {
    const char *text = value.c_str();
    pg_call([name, text] {
        (void)set_config_option(name, text, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
    });
}

// The headers of a request, by their names in lower case.
class Headers {
  public:
    Headers() {
        const std::string text = setting("request.headers");
        if (text.empty())
            return;
        try {
            headers_ = core::parse_json(text);
        } catch (const core::Error &) {
            // A gateway that hands over no JSON hands over no headers.
        }
    }

    std::string get(const char *name) const {
        const core::JsonValue *value = headers_.is_object() ? headers_.member(name) : nullptr;
        return value != nullptr && value->is_string() ? value->text : std::string();
    }

  private:
    core::JsonValue headers_;
};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

// The address that the outermost trusted proxy saw: counted from the right, since whoever calls writes the left.
std::string claimed_address(const std::string &forwarded_for) {
    if (trusted_proxies == 0 || forwarded_for.empty())
        return {};
    std::string_view rest = forwarded_for;
    for (int i = 1; i < trusted_proxies; ++i) {
        const std::size_t comma = rest.rfind(',');
        if (comma == std::string_view::npos)
            break;
        rest = rest.substr(0, comma);
    }
    const std::size_t comma = rest.rfind(',');
    return std::string(trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1)));
}

// Bytes that are no text of the database would break what is recorded.
std::string valid_text(const std::string &text) {
    const char *bytes = text.c_str();
    const int length = static_cast<int>(std::min<std::size_t>(text.size(), 200));
    const int valid =
        pg_call([bytes, length] { return pg_verify_mbstr_len(GetDatabaseEncoding(), bytes, length, true); });
    return valid < 0 ? std::string() : text.substr(0, static_cast<std::size_t>(length));
}

RequestFacts facts_of(const Headers &headers) {
    const std::string id = headers.get("x-request-id");
    return RequestFacts{is_request_id(id) ? id : to_text(new_id()),
                        valid_text(claimed_address(headers.get("x-forwarded-for"))), peer_address(),
                        valid_text(headers.get("user-agent"))};
}

// Whether the claims name somebody; PostgREST hands over {"role": ...} for a request without a token.
bool names_somebody(const std::string &claims) {
    if (claims.empty())
        return false;
    try {
        const core::JsonValue json = core::parse_json(claims);
        return json.is_object() && json.member("sub") != nullptr;
    } catch (const core::Error &) {
        return true; // read_claims will refuse it
    }
}

Entry entry_of(const VerifiedToken &token, Door door) {
    Entry entry{.tenant_id = token.tenant_id, .user_id = token.user_id, .door = door};
    entry.location_id = token.branch_id;
    entry.session_id = token.session_id;
    entry.token_id = token.jti;
    entry.issued_at = token.issued_at;
    return entry;
}

std::string purpose_of(const Headers &headers) {
    const std::string purpose = headers.get("x-purpose-of-use");
    if (!purpose.empty() && !is_purpose(purpose))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "invalid purpose", "The header is x-purpose-of-use.",
             "Use a code of HL7 PurposeOfUse in upper case, such as TREAT, HOPERAT, HPAYMT, ETREAT or PATRQT.");
    return purpose;
}

// Who calls, and by what the calls are counted.
struct Caller {
    std::optional<NewContext> context;
    CallClass call_class = CallClass::public_visitor;
    std::string key;
    std::optional<std::int32_t> limit;
};

bool grants(const NewContext &context, std::string_view permission) {
    return std::find(context.permissions.begin(), context.permissions.end(), permission) != context.permissions.end();
}

Caller known(NewContext context) {
    Caller caller;
    caller.call_class =
        grants(context, "*") || grants(context, "users:write") ? CallClass::admin : CallClass::signed_in;
    caller.key = "user " + to_text(context.tenant_id) + to_text(*context.user_id);
    caller.context = std::move(context);
    return caller;
}

Caller visitor(const RequestFacts &facts) {
    Caller caller;
    caller.key = "address " + (facts.client_address.empty() ? facts.peer_address : facts.client_address);
    return caller;
}

// Settles who calls. A wrong token or key is the caller nobody, as an error of its own.
Caller settle_caller(const Headers &headers, const std::string &claims, const RequestFacts &facts) {
    const std::string api_key = headers.get("x-api-key");
    const bool has_token = names_somebody(claims);
    if (has_token && !api_key.empty())
        raise(Code::invalid_token, "a request has either a token or an API key");
    if (has_token) {
        const VerifiedToken token = read_claims(claims);
        if (!token.expires_at)
            raise(Code::invalid_token);
        Entry entry = entry_of(token, Door::gateway);
        entry.request = facts;
        entry.purpose = purpose_of(headers);
        if (auto context = user_context(entry))
            return known(std::move(*context));
        raise(Code::invalid_token);
    }
    if (!api_key.empty()) {
        std::int32_t calls_per_hour = 0;
        auto context = key_context(api_key, facts, &calls_per_hour);
        if (!context)
            raise(Code::invalid_token);
        context->purpose = purpose_of(headers);
        Caller caller = known(std::move(*context));
        caller.call_class = CallClass::api_key;
        caller.key = "key " + api_key.substr(0, 50);
        caller.limit = calls_per_hour;
        return caller;
    }
    Caller caller = visitor(facts);
    const std::string slug = headers.get("x-clinic-tenant");
    if (!slug.empty()) {
        caller.context = public_context(slug, facts);
        if (!caller.context)
            raise(Code::not_found, "there is no such booking page", Detail().add("object", "tenant"),
                  "The header x-clinic-tenant names the slug of a tenant that has published its page.");
    }
    return caller;
}

// Counts the call; raises rate_limited beyond the limit.
std::string count(const Caller &caller) {
    const RateVerdict v = count_call(caller.call_class, caller.key, caller.limit);
    if (!v.counted)
        return {};
    if (!v.allowed)
        raise(Code::rate_limited, {},
              Detail()
                  .add("limit", std::int64_t{v.limit})
                  .add("remaining", std::int64_t{v.remaining})
                  .add("reset_seconds", std::int64_t{v.reset_seconds})
                  .add("retry_after_seconds", std::int64_t{v.retry_after_seconds}));
    return "{\"X-RateLimit-Limit\": \"" + std::to_string(v.limit) + "\"}, {\"X-RateLimit-Remaining\": \"" +
           std::to_string(v.remaining) + "\"}, {\"X-RateLimit-Reset\": \"" + std::to_string(v.reset_seconds) + "\"}, ";
}

void answer_with(const std::string &limits, const RequestFacts &facts, bool identified) {
    set_locally("response.headers", "[" + limits + "{\"X-Request-Id\": " + json_quoted(facts.request_id) + "}" +
                                        (identified ? ", {\"Cache-Control\": \"no-store\"}" : "") + "]");
}

// Whether PostgREST took the role of those without a token.
bool has_anonymous_role() {
    return pg_call([] { return GetUserId() == get_role_oid("clinic_anon", true); });
}

// PostgREST takes the database role from the token; a caller with an API key has none, and came in as a visitor.
void become_user() {
    const Oid user = pg_call([] { return get_role_oid("clinic_user", false); });
    if (pg_call([user] { return has_privs_of_role(GetUserId(), user); }))
        return;
    set_locally("role", "clinic_user");
}

void begin_request() {
    if (!session_is_gateway())
        raise(Code::forbidden, "only a gateway may say who calls", {},
              "Make the login a member of clinic_gateway, if it is one that callers cannot use themselves.");
    const std::string claims = setting("request.jwt.claims");
    const Headers headers;
    const RequestFacts facts = facts_of(headers);
    keep_request(facts);
    if (const std::string key = headers.get("idempotency-key"); !key.empty())
        keep_idempotency_key(key);
    if (!setting("request.method").empty())
        begin_http_request(has_anonymous_role() && headers.get("x-api-key").empty());
    Caller caller;
    try {
        caller = settle_caller(headers, claims, facts);
    } catch (const SqlError &) {
        // Guessing costs the address its calls.
        (void)count(visitor(facts));
        throw;
    }
    const std::string limits = count(caller);
    answer_with(limits, facts, caller.context && caller.context->user_id);
    if (!caller.context)
        return;
    enter_context(*caller.context);
    if (caller.context->door == Door::api_key)
        become_user();
}

} // namespace

void define_gateway_settings() {
    DefineCustomIntVariable(
        "clinic.trusted_proxies", "How many proxies stand before PostgREST.",
        "The caller's address is so many entries from the right of X-Forwarded-For; 0: the header is not "
        "looked at.",
        &trusted_proxies, 1, 0, 10, PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;

// clinic.pre_request()
CLINIC_FUNCTION(clinic_pre_request) {
    as_outermost_statement([] { begin_request(); });
    return returning_null(fcinfo);
}

// clinic_private.enter_by_token(token)
CLINIC_FUNCTION(clinic_enter_by_token) {
    const auto token = Args(fcinfo).required<std::string>(0, "token");
    Entry entry = entry_of(verify_token(token), Door::token);
    entry.request = present_request();
    const auto context = user_context(entry);
    if (!context)
        raise(Code::invalid_token);
    enter_context(*context);
    return returning_null(fcinfo);
}

// clinic_private.enter_by_key(api_key)
CLINIC_FUNCTION(clinic_enter_by_key) {
    const auto api_key = Args(fcinfo).required<std::string>(0, "api_key");
    std::int32_t calls_per_hour = 0;
    const auto context = key_context(api_key, present_request(), &calls_per_hour);
    if (!context)
        raise(Code::invalid_token);
    enter_context(*context);
    return returning_null(fcinfo);
}

// clinic.enter_public(slug)
CLINIC_FUNCTION(clinic_enter_public) {
    const auto slug = Args(fcinfo).required<std::string>(0, "slug");
    const auto context = public_context(slug, present_request());
    if (!context)
        raise(Code::not_found, "there is no such booking page", Detail().add("object", "tenant"));
    enter_context(*context);
    return returning_null(fcinfo);
}
