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

// Plain data: it lives in the setting's own memory, and its texts right behind it.
struct Context {
    Uuid tenant_id;
    Uuid user_id;    // only where has_user
    Uuid patient_id; // only where has_patient
    bool has_user;
    bool has_patient;
    bool by_login; // came from clinic_data.logins
    Actor actor;
    const char *permissions; // separated by commas
    const char *request_id;  // empty for none
};

struct NewContext {
    Uuid tenant_id;
    Actor actor = Actor::staff;
    std::optional<Uuid> user_id = std::nullopt;
    std::optional<Uuid> patient_id = std::nullopt;
    std::vector<std::string> permissions = {};
    std::string request_id = {}; // up to 100 printable ASCII characters without blanks
};

// The present context, or null. Valid until the next change of context or the end of the transaction.
const Context *current_context();

// The present context; raises no_context when there is none.
const Context &require_context();

// True when a granted permission is `permission`, or ends in "*" and covers it.
bool has_permission(const Context &context, std::string_view permission) noexcept;

// Raises forbidden unless the context has the permission.
void require_permission(const Context &context, std::string_view permission);

// True for lower-case segments between colons, none empty, "*" only as the last one.
bool is_permission(std::string_view text) noexcept;

// Sets the context for the rest of the transaction (or of the savepoint that is rolled back).
void enter_context(const NewContext &context);

const char *actor_name(Actor actor) noexcept;
std::optional<Actor> actor_named(std::string_view name) noexcept;

// Defines the setting clinic.context; for _PG_init.
void define_context_setting();

} // namespace pg_clinic::pg
