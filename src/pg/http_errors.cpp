// Errors in PostgREST's form: see http_errors.hpp.
//
// PostgREST takes status and headers from an error with SQLSTATE PGRST: MESSAGE is the body, DETAIL the status and the
// headers, both JSON. Nothing else makes it answer 409 for an exclusion constraint or add Retry-After, and it needs no
// text of ours in the status line, where a line break would be a header of the attacker's.
#include "pg/http_errors.hpp"

#include "core/json.hpp"
#include "pg/errors.hpp"

namespace pg_clinic::pg {

namespace {

struct Request {
    bool open;
    bool anonymous;
};
constinit Request request{false, false};

constinit bool inside = false; // an outermost statement is running, and will see what leaves it

constinit planner_hook_type next_planner = nullptr;
constinit ExecutorRun_hook_type next_run = nullptr;
constinit ExecutorFinish_hook_type next_finish = nullptr;

constexpr int http_state = MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T');

// What the client gets.
struct Answer {
    int status;
    std::string code, message, details, hint;
    Detail headers;
};

std::string text_or(const char *text, const char *otherwise) { return text != nullptr ? text : otherwise; }

// The details of an error of the catalogue: a JSON object with "reason" first, and "field" where an argument is named.
std::string details_of(const ErrorData &error, const CodeInfo &entry) {
    const std::string detail = text_or(error.detail, "");
    Detail out;
    if (detail.size() > 2 && detail.front() == '{' && detail.back() == '}')
        out.add_members(std::string_view(detail).substr(1, detail.size() - 2));
    else
        out.add("reason", entry.name);
    if (error.column_name != nullptr) {
        const std::string_view names = error.column_name;
        out.add("field", names.substr(0, names.find(',')));
    }
    if (!detail.empty() && detail.front() != '{')
        out.add("explanation", detail);
    return "{" + out.members() + "}";
}

// The seconds and counts that a rate limit's detail gives become headers.
void add_limit_headers(Detail &headers, const std::string &details) {
    constexpr std::array<std::array<const char *, 2>, 4> pairs{{{"retry_after_seconds", "Retry-After"},
                                                                {"limit", "X-RateLimit-Limit"},
                                                                {"remaining", "X-RateLimit-Remaining"},
                                                                {"reset_seconds", "X-RateLimit-Reset"}}};
    try {
        const core::JsonValue facts = core::parse_json(details);
        for (const auto &[member, header] : pairs)
            if (const core::JsonValue *value = facts.member(member);
                value != nullptr && value->kind == core::JsonValue::Kind::number)
                headers.add(header, value->text);
    } catch (const core::Error &) {
        // Details cut short: the answer goes out without these headers.
    }
}

Answer answer_of(const ErrorData &error, const CodeInfo &entry) {
    Answer out{entry.http_status,
               entry.name,
               text_or(error.message, entry.message),
               details_of(error, entry),
               text_or(error.hint, entry.hint),
               {}};
    if (entry.code == Code::forbidden && request.anonymous)
        out.status = 401;
    if (out.status == 401)
        out.headers.add("WWW-Authenticate", "Bearer");
    if (entry.code == Code::rate_limited)
        add_limit_headers(out.headers, out.details);
    return out;
}

// Errors of the server that PostgREST answers with the wrong status. Their details can show other rows, so they stay here.
// What another transaction stopped is a conflict like busy, and not 503: for that PostgREST 12 reads its whole schema again,
// and adds a Retry-After of its own.
std::optional<Answer> answer_of(const ErrorData &error) {
    const auto answer = [&error](int status, const char *hint) {
        return Answer{status, unpack_sql_state(error.sqlerrcode), text_or(error.message, ""), "", hint, {}};
    };
    switch (error.sqlerrcode) {
    case ERRCODE_EXCLUSION_VIOLATION:
        return answer(409, "Another row is in the way.");
    case ERRCODE_NO_DATA_FOUND:
        return answer(404, "Check the id.");
    case ERRCODE_T_R_DEADLOCK_DETECTED:
    case ERRCODE_LOCK_NOT_AVAILABLE: {
        Answer busy = answer(409, "Try again.");
        busy.headers.add("Retry-After", "1");
        return busy;
    }
    default:
        return std::nullopt;
    }
}

std::optional<Answer> answer_to(const ErrorData &error) {
    if (const char *word = engine_word(error))
        if (const auto code = code_named(word))
            return answer_of(error, info(*code));
    return answer_of(error);
}

char *copied(const std::string &text) {
    const char *value = text.c_str();
    return pg_call([value] { return pstrdup(value); });
}

void put_into_http_form(ErrorData &error) {
    const auto answer = answer_to(error);
    if (!answer)
        return;
    Detail body;
    body.add("code", answer->code).add("message", answer->message);
    body.add("details", answer->details).add("hint", answer->hint);
    Detail response;
    response.add("status", answer->status).add_json("headers", "{" + answer->headers.members() + "}");
    error.message = copied("{" + body.members() + "}");
    error.detail = copied("{" + response.members() + "}");
    error.hint = nullptr;
    error.sqlerrcode = http_state;
}

// What the server calls: nothing of C++ may be alive in these.

PlannedStmt *plan(Query *parse, const char *query, int options, ParamListInfo params) {
    return next_planner != nullptr ? next_planner(parse, query, options, params)
                                   : standard_planner(parse, query, options, params);
}

PlannedStmt *plan_hook(Query *parse, const char *query, int options, ParamListInfo params) {
    PlannedStmt *result = nullptr;
    auto body = [&] { result = plan(parse, query, options, params); };
    detail::run_outermost([](void *argument) { (*static_cast<decltype(body) *>(argument))(); }, &body);
    return result;
}

#if PG_VERSION_NUM >= 180000
void run_hook(QueryDesc *query, ScanDirection direction, uint64 count) {
    auto body = [&] { (next_run != nullptr ? next_run : standard_ExecutorRun)(query, direction, count); };
#else
void run_hook(QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once) {
    auto body = [&] { (next_run != nullptr ? next_run : standard_ExecutorRun)(query, direction, count, execute_once); };
#endif
    detail::run_outermost([](void *argument) { (*static_cast<decltype(body) *>(argument))(); }, &body);
}

void finish_hook(QueryDesc *query) {
    auto body = [&] { (next_finish != nullptr ? next_finish : standard_ExecutorFinish)(query); };
    detail::run_outermost([](void *argument) { (*static_cast<decltype(body) *>(argument))(); }, &body);
}

void at_transaction_end(XactEvent event, void *) {
    switch (event) {
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PREPARE:
    case XACT_EVENT_PARALLEL_COMMIT:
    case XACT_EVENT_PARALLEL_ABORT:
        request = Request{false, false};
        break;
    default:
        break;
    }
}

} // namespace

void begin_http_request(bool anonymous) { request = Request{true, anonymous}; }

bool in_http_request() noexcept { return request.open; }

namespace detail {

// An error leaves `inside` as it is until wanted() is asked, which happens once for each error that gets this far out.
void run_outermost(Thunk thunk, void *argument) {
    if (inside) {
        thunk(argument);
        return;
    }
    inside = true;
    changing(
        thunk, argument,
        [] {
            inside = false;
            return request.open;
        },
        put_into_http_form);
    inside = false;
}

} // namespace detail

void install_http_errors() {
    next_planner = planner_hook;
    planner_hook = plan_hook;
    next_run = ExecutorRun_hook;
    ExecutorRun_hook = run_hook;
    next_finish = ExecutorFinish_hook;
    ExecutorFinish_hook = finish_hook;
    RegisterXactCallback(at_transaction_end, nullptr);
}

} // namespace pg_clinic::pg
