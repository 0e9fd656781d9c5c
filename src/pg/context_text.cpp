// The text form of a context: see context_text.hpp.
#include "pg/context_text.hpp"

namespace pg_clinic::pg {

namespace {

constexpr std::string_view version = "v1";
constexpr std::size_t longest_request = 100;
constexpr const char *actor_names[] = {"admin", "staff", "patient", "public", "system"};

bool is_request_id(std::string_view text) noexcept {
    return text.size() <= longest_request &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

bool is_permission_list(std::string_view list) noexcept {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (!is_permission(list.substr(0, comma)))
            return false;
        if (comma == std::string_view::npos)
            return true;
        list.remove_prefix(comma + 1);
        if (list.empty())
            return false;
    }
    return true;
}

// Takes the next word off the text; words are separated by single blanks.
std::string_view take_word(std::string_view &text) noexcept {
    const std::size_t blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
    return word;
}

// What the words of the text say.
struct Parsed {
    std::optional<Uuid> tenant, user, patient;
    std::optional<Actor> actor;
    std::string_view permissions, request;
};

bool read_word(std::string_view word, Parsed &out) noexcept {
    const std::size_t sign = word.find('=');
    if (sign == std::string_view::npos)
        return false;
    const std::string_view key = word.substr(0, sign), value = word.substr(sign + 1);
    if (key == "tenant")
        return (out.tenant = parse_uuid(value)).has_value();
    if (key == "user")
        return (out.user = parse_uuid(value)).has_value();
    if (key == "patient")
        return (out.patient = parse_uuid(value)).has_value();
    if (key == "actor")
        return (out.actor = actor_named(value)).has_value();
    if (key == "request")
        return is_request_id(out.request = value);
    return key == "permissions" && is_permission_list(out.permissions = value);
}

char *append(char *to, std::string_view text) noexcept {
    text.copy(to, text.size());
    to[text.size()] = '\0';
    return to + text.size() + 1;
}

} // namespace

const char *actor_name(Actor actor) noexcept { return actor_names[static_cast<std::size_t>(actor)]; }

std::optional<Actor> actor_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < std::size(actor_names); ++i)
        if (name == actor_names[i])
            return static_cast<Actor>(i);
    return std::nullopt;
}

bool is_permission(std::string_view text) noexcept {
    bool at_start = true;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '*' && at_start)
            return i + 1 == text.size();
        if (c == ':') {
            if (at_start)
                return false;
            at_start = true;
        } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-') {
            at_start = false;
        } else {
            return false;
        }
    }
    return !at_start;
}

std::string context_text(const NewContext &context) {
    std::string text =
        std::string(version) + " tenant=" + to_text(context.tenant_id) + " actor=" + actor_name(context.actor);
    if (context.user_id)
        text += " user=" + to_text(*context.user_id);
    if (context.patient_id)
        text += " patient=" + to_text(*context.patient_id);
    if (!is_request_id(context.request_id))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "invalid request id",
             "A request id has up to 100 printable ASCII characters, "
             "without blanks.");
    if (!context.request_id.empty())
        text += " request=" + context.request_id;
    const char *separator = " permissions=";
    for (const std::string &permission : context.permissions) {
        if (!is_permission(permission))
            fail(ERRCODE_INVALID_PARAMETER_VALUE, "invalid permission \"" + permission + "\"",
                 "A permission is made of lower-case segments between colons; \"*\" may stand alone or last.",
                 "For example: appointments:override, schedules:*.");
        text += separator + permission;
        separator = ",";
    }
    return text;
}

Context *parse_context(std::string_view text, void *(*allocate)(std::size_t)) noexcept {
    Parsed parsed;
    if (take_word(text) != version)
        return nullptr;
    while (!text.empty())
        if (!read_word(take_word(text), parsed))
            return nullptr;
    if (!parsed.tenant || !parsed.actor)
        return nullptr;
    const std::size_t size = sizeof(Context) + parsed.permissions.size() + parsed.request.size() + 2;
    auto *context = static_cast<Context *>(allocate(size));
    if (context == nullptr)
        return nullptr;
    char *permissions = reinterpret_cast<char *>(context + 1);
    char *request = append(permissions, parsed.permissions);
    append(request, parsed.request);
    *context = Context{*parsed.tenant,
                       parsed.user.value_or(Uuid{}),
                       parsed.patient.value_or(Uuid{}),
                       parsed.user.has_value(),
                       parsed.patient.has_value(),
                       false,
                       *parsed.actor,
                       permissions,
                       request};
    return context;
}

} // namespace pg_clinic::pg
