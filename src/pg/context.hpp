// Who is calling: the context every decision comes from.
//
// A context lasts until the end of the transaction. It travels in the setting clinic.context, which only enter_context
// can set; savepoints restore it, RESET ALL clears it, parallel workers inherit it. Without one, a login that
// clinic_data.logins maps to a tenant has the context of that row. Where there is neither, no row is visible.
#pragma once

#include "pg/errors.hpp"
#include "pg/uuid.hpp"

namespace pg_clinic::pg {

enum class Actor : std::uint8_t { admin, staff, patient, public_visitor, system };

// By which door the context came in.
enum class Door : std::uint8_t { administrator, login, token, gateway, api_key, public_page };

// Plain data: it lives in the setting's own memory, and its lists and texts right behind it.
struct Context {
    Uuid tenant_id;
    Uuid user_id;     // only where has_user
    Uuid patient_id;  // only where has_patient: the patient that the caller is
    Uuid provider_id; // only where has_provider: the provider that the caller is
    Uuid session_id;  // only where has_session
    bool has_user;
    bool has_patient;
    bool has_provider;
    bool has_session;
    bool all_locations;  // acts at every location
    bool care_only;      // patients:read reaches the patients that the provider treats
    bool purpose_needed; // reads nothing of patients before a purpose is declared
    Actor actor;
    Door door;
    const Uuid *locations; // sorted: where the user is a member
    std::uint32_t location_count;
    const char *permissions; // separated by commas
    const char *roles;       // separated by commas
    const char *request_id;  // empty for none; so are the next ones
    const char *purpose;
    const char *client_address; // as claimed
    const char *peer_address;
    const char *user_agent; // as claimed

    std::optional<Uuid> user() const { return has_user ? std::optional(user_id) : std::nullopt; }
    std::optional<Uuid> patient() const { return has_patient ? std::optional(patient_id) : std::nullopt; }
    std::optional<Uuid> provider() const { return has_provider ? std::optional(provider_id) : std::nullopt; }
    std::optional<Uuid> session() const { return has_session ? std::optional(session_id) : std::nullopt; }
};

// What came with the request, for the record.
struct RequestFacts {
    std::string request_id = {}; // up to 100 printable ASCII characters without blanks
    std::string client_address = {};
    std::string peer_address = {};
    std::string user_agent = {};
};

struct NewContext {
    Uuid tenant_id;
    Actor actor = Actor::staff;
    Door door = Door::administrator;
    std::optional<Uuid> user_id = std::nullopt;
    std::optional<Uuid> patient_id = std::nullopt;
    std::optional<Uuid> provider_id = std::nullopt;
    std::optional<Uuid> session_id = std::nullopt;
    bool all_locations = true;
    bool care_only = false;
    bool purpose_needed = false;
    std::vector<Uuid> locations = {};
    std::vector<std::string> permissions = {};
    std::vector<std::string> roles = {};
    std::string purpose = {};
    RequestFacts request = {};
};

// The present context, or null. It stays valid until the end of the transaction, whoever acts in between.
const Context *current_context();

// The present context; raises no_context when there is none.
const Context &require_context();

// The engine itself in a tenant, with every permission there: for what follows from a change whoever made it, and for jobs.
NewContext system_context(const Uuid &tenant);

// The context as it could be entered again, changed.
NewContext copy_of(const Context &context);

// True when the granted permission covers the wanted one: it is the same, or the same without a scope, or ends in "*" and
// all before that agrees.
bool covers(std::string_view granted, std::string_view wanted) noexcept;

// True when a granted permission covers `permission`.
bool has_permission(const Context &context, std::string_view permission) noexcept;

// Raises forbidden unless the context has the permission.
void require_permission(const Context &context, std::string_view permission);

// True for "resource:action" and "resource:action:scope" in lower case, none empty, and for "*" alone or as the last one.
bool is_permission(std::string_view text) noexcept;

// True for what may be a request's id: 1 to 100 printable ASCII characters, no blanks.
bool is_request_id(std::string_view text) noexcept;

// True for what may be a purpose of use: 1 to 40 capitals and underscores, as the codes of HL7 are.
bool is_purpose(std::string_view text) noexcept;

// Sets the context for the rest of the transaction (or of the savepoint that is rolled back).
void enter_context(const NewContext &context);

// Enters the system in a tenant, with the request and the door of who is calling. Put the saved context back afterwards.
void act_as_system(const Uuid &tenant);

// The context that was entered, as text for restore_context; empty when none was.
std::string saved_context();

// Puts a saved context back, for functions that act as somebody else in between.
void restore_context(const std::string &saved);

const char *actor_name(Actor actor) noexcept;
std::optional<Actor> actor_named(std::string_view name) noexcept;
const char *door_name(Door door) noexcept;

// Defines the setting clinic.context; for _PG_init.
void define_context_setting();

} // namespace pg_clinic::pg
