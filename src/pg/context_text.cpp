// The text form of a context: see context_text.hpp.
#include "pg/context_text.hpp"

namespace pg_clinic::pg {

namespace {

constexpr std::string_view version = "v2";
constexpr std::size_t longest_fact = 200;
constexpr std::size_t uuid_length = 36;
constexpr const char *actor_names[] = {"admin", "staff", "patient", "public", "system"};
constexpr const char *door_names[] = {"administrator", "login", "token", "gateway", "api_key", "public"};

// Calls visit with each part between commas, until it returns false; true when it never did.
template <class Visit> bool each_part(std::string_view list, Visit visit) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (!visit(list.substr(0, comma)))
            return false;
        if (comma == std::string_view::npos)
            return true;
        list.remove_prefix(comma + 1);
        if (list.empty())
            return false;
    }
    return true;
}

bool is_role(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

// Free text as one word: everything but letters, digits and a few signs becomes %XX.
std::string encoded(std::string_view text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text.substr(0, longest_fact)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > ' ' && byte < 127 && c != '%') {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out;
}

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// True when each % is followed by two digits of a byte that is not zero.
bool is_encoded(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%')
            continue;
        if (i + 2 >= text.size())
            return false;
        const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0 || high + low == 0)
            return false;
        i += 2;
    }
    return true;
}

// Writes encoded text, decoded, and a zero byte to `to`, which has room for the encoded form; returns what follows.
char *decode(std::string_view text, char *to) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            *to++ = static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            *to++ = text[i];
        }
    }
    *to = '\0';
    return to + 1;
}

// Takes the next word off the text; words are separated by single blanks.
std::string_view take_word(std::string_view &text) noexcept {
    const std::size_t blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
    return word;
}

// What the words of the text say; the texts still encoded.
struct Parsed {
    std::optional<Uuid> tenant, user, patient, provider, session;
    std::optional<Actor> actor;
    std::optional<Door> door;
    bool all_locations = false, care_only = false, purpose_needed = false;
    std::size_t location_count = 0;
    std::string_view locations, permissions, roles, request, purpose, client, peer, agent;
};

std::optional<Door> door_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < std::size(door_names); ++i)
        if (name == door_names[i])
            return static_cast<Door>(i);
    return std::nullopt;
}

bool read_flags(std::string_view value, Parsed &out) noexcept {
    return each_part(value, [&out](std::string_view flag) {
        bool &field = flag == "all_locations" ? out.all_locations
                      : flag == "care_only"   ? out.care_only
                                              : out.purpose_needed;
        field = true;
        return flag == "all_locations" || flag == "care_only" || flag == "purpose_needed";
    });
}

bool read_word(std::string_view word, Parsed &out) noexcept {
    const std::size_t sign = word.find('=');
    if (sign == std::string_view::npos)
        return false;
    const std::string_view key = word.substr(0, sign), value = word.substr(sign + 1);
    const auto id = [value](std::optional<Uuid> &field) { return (field = parse_uuid(value)).has_value(); };
    const auto text = [value](std::string_view &field) {
        field = value;
        return true;
    };
    if (key == "tenant")
        return id(out.tenant);
    if (key == "user")
        return id(out.user);
    if (key == "patient")
        return id(out.patient);
    if (key == "provider")
        return id(out.provider);
    if (key == "session")
        return id(out.session);
    if (key == "actor")
        return (out.actor = actor_named(value)).has_value();
    if (key == "door")
        return (out.door = door_named(value)).has_value();
    if (key == "flags")
        return read_flags(value, out);
    if (key == "locations")
        return text(out.locations) && each_part(value, [&out](std::string_view part) {
                   ++out.location_count;
                   return parse_uuid(part).has_value();
               });
    if (key == "permissions")
        return text(out.permissions) && each_part(value, is_permission);
    if (key == "roles")
        return text(out.roles) && each_part(value, is_role);
    if (key == "request")
        return text(out.request) && is_request_id(value);
    if (!is_encoded(value))
        return false;
    if (key == "purpose")
        return text(out.purpose);
    if (key == "client")
        return text(out.client);
    if (key == "peer")
        return text(out.peer);
    return key == "agent" && text(out.agent);
}

template <class List, class Text> void add_list(std::string &text, const char *key, const List &list, Text to_word) {
    const char *separator = key;
    for (const auto &entry : list) {
        text += separator + to_word(entry);
        separator = ",";
    }
}

void add_id(std::string &text, const char *key, const std::optional<Uuid> &id) {
    if (id)
        text += key + to_text(*id);
}

void add_fact(std::string &text, const char *key, const std::string &fact) {
    if (!fact.empty())
        text += key + encoded(fact);
}

std::string checked_permission(const std::string &permission) {
    if (!is_permission(permission))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "invalid permission \"" + permission + "\"",
             "A permission is resource:action or resource:action:scope in lower case; \"*\" stands alone or last.",
             "For example: appointments:override, schedules:*.", "permissions");
    return permission;
}

} // namespace

const char *actor_name(Actor actor) noexcept { return actor_names[static_cast<std::size_t>(actor)]; }

const char *door_name(Door door) noexcept { return door_names[static_cast<std::size_t>(door)]; }

std::optional<Actor> actor_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < std::size(actor_names); ++i)
        if (name == actor_names[i])
            return static_cast<Actor>(i);
    return std::nullopt;
}

bool is_permission(std::string_view text) noexcept {
    if (text == "*")
        return true;
    int segments = 0;
    for (;;) {
        const std::size_t colon = text.find(':');
        const std::string_view segment = text.substr(0, colon);
        const bool last = colon == std::string_view::npos;
        ++segments;
        if (segment == "*" ? !last || segments == 1
                           : segment.empty() || !std::all_of(segment.begin(), segment.end(), [](char c) {
                                 return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
                             }))
            return false;
        if (last)
            return segments == 2 || segments == 3;
        text.remove_prefix(colon + 1);
    }
}

bool is_request_id(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 100 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

bool is_purpose(std::string_view text) noexcept {
    // The codes of HL7 PurposeOfUse.
    constexpr std::string_view codes[] = {
        "BIORCH",  "BTG",      "CAREMGT",  "CLINTRCH", "CLINTRCHNPC", "CLINTRCHPC", "CLINTRL",  "CLMATTCH", "COC",
        "COVAUTH", "COVERAGE", "DISASTER", "DONAT",    "DSRCH",       "ELIGDTRM",   "ELIGVER",  "ENROLLM",  "ERTREAT",
        "ETREAT",  "FAMRQT",   "FRAUD",    "GOV",      "HACCRED",     "HCOMPL",     "HDECD",    "HDIRECT",  "HDM",
        "HLEGAL",  "HMARKT",   "HOPERAT",  "HOUTCOMS", "HPAYMT",      "HPRGRP",     "HQUALIMP", "HRESCH",   "HSYSADMIN",
        "HTEST",   "LABELING", "MEMADMIN", "METAMGT",  "MILCDM",      "MILDCRG",    "PATADMIN", "PATRQT",   "PATSFTY",
        "PERFMSR", "POARCH",   "POPHLTH",  "PUBHLTH",  "PWATRNY",     "RECORDMGT",  "REMITADV", "SUPNWK",   "SYSDEV",
        "THREAT",  "TRAIN",    "TRANSRCH", "TREAT",    "PRECLINTRCH"};
    return std::find(std::begin(codes), std::end(codes), text) != std::end(codes);
}

std::string context_text(const NewContext &context) {
    std::string text = std::string(version) + " tenant=" + to_text(context.tenant_id) +
                       " actor=" + actor_name(context.actor) + " door=" + door_name(context.door);
    add_id(text, " user=", context.user_id);
    add_id(text, " patient=", context.patient_id);
    add_id(text, " provider=", context.provider_id);
    add_id(text, " session=", context.session_id);
    const std::string &request = context.request.request_id;
    if (!request.empty() && !is_request_id(request))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "invalid request id",
             "A request id has up to 100 printable ASCII characters, without blanks.");
    if (!request.empty())
        text += " request=" + request;
    std::vector<std::string> flags;
    if (context.all_locations)
        flags.emplace_back("all_locations");
    if (context.care_only)
        flags.emplace_back("care_only");
    if (context.purpose_needed)
        flags.emplace_back("purpose_needed");
    const auto same = [](const std::string &word) { return word; };
    add_list(text, " flags=", flags, same);
    std::vector<Uuid> locations = context.locations;
    std::sort(locations.begin(), locations.end());
    add_list(text, " locations=", locations, [](const Uuid &id) { return to_text(id); });
    add_list(text, " permissions=", context.permissions, checked_permission);
    add_list(text, " roles=", context.roles, same);
    add_fact(text, " purpose=", context.purpose);
    add_fact(text, " client=", context.request.client_address);
    add_fact(text, " peer=", context.request.peer_address);
    add_fact(text, " agent=", context.request.user_agent);
    return text;
}

Context *parse_context(std::string_view text, void *(*allocate)(std::size_t)) noexcept {
    Parsed parsed;
    if (take_word(text) != version)
        return nullptr;
    while (!text.empty())
        if (!read_word(take_word(text), parsed))
            return nullptr;
    if (!parsed.tenant || !parsed.actor || !parsed.door)
        return nullptr;
    static_assert(sizeof(Context) % alignof(Uuid) == 0 && alignof(Context) >= alignof(Uuid));
    const std::string_view texts[] = {parsed.permissions, parsed.roles, parsed.request, parsed.purpose,
                                      parsed.client,      parsed.peer,  parsed.agent};
    std::size_t size = sizeof(Context) + parsed.location_count * sizeof(Uuid);
    for (const std::string_view part : texts)
        size += part.size() + 1;
    auto *context = static_cast<Context *>(allocate(size));
    if (context == nullptr)
        return nullptr;
    auto *locations = reinterpret_cast<Uuid *>(context + 1);
    std::size_t n = 0;
    (void)each_part(parsed.locations, [&](std::string_view part) {
        ::new (static_cast<void *>(locations + n++)) Uuid(*parse_uuid(part));
        return true;
    });
    char *to = reinterpret_cast<char *>(locations + parsed.location_count);
    const char *places[std::size(texts)];
    for (std::size_t i = 0; i < std::size(texts); ++i) {
        places[i] = to;
        to = decode(texts[i], to);
    }
    *context = Context{*parsed.tenant,
                       parsed.user.value_or(Uuid{}),
                       parsed.patient.value_or(Uuid{}),
                       parsed.provider.value_or(Uuid{}),
                       parsed.session.value_or(Uuid{}),
                       parsed.user.has_value(),
                       parsed.patient.has_value(),
                       parsed.provider.has_value(),
                       parsed.session.has_value(),
                       parsed.all_locations,
                       parsed.care_only,
                       parsed.purpose_needed,
                       *parsed.actor,
                       *parsed.door,
                       locations,
                       static_cast<std::uint32_t>(parsed.location_count),
                       places[0],
                       places[1],
                       places[2],
                       places[3],
                       places[4],
                       places[5],
                       places[6]};
    return context;
}

} // namespace pg_clinic::pg
