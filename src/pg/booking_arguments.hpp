// What the functions that place a visit have in common among their arguments.
#pragma once

#include "pg/appointments.hpp"

namespace pg_clinic::pg {

// What staff may ask for beyond the rules.
struct Exceptions {
    bool override_rules = false;
    bool overbook = false;
    std::optional<std::string> reason;
};

// Reads override, overbook and reason, which follow one another; raises forbidden, 22023 without a reason.
Exceptions read_exceptions(const Args &args, const Context &context, int override_argument);

// Raises 22023 where the permission to go beyond the rules is used without a reason.
void require_reason(const std::optional<std::string> &reason);

// Overridden rules are recorded with the reason, and only then is the reason part of the record.
std::optional<std::string> recorded_reason(const Placement &placed, const Exceptions &e);

// A buffer in minutes, which needs the permission to override.
std::optional<core::Duration> buffer_argument(const Args &args, const Context &context, int argument, const char *name);

// The wish of a caller: arguments 0 to 6 are service_id, patient_id, starts_at, provider_id, location_id, duration,
// resource_ids. The start is left to the caller of this where it may be a local time.
Wish read_wish(const Args &args, const Context &context);

// How a new booking begins: as pending where a patient books what needs approval.
Beginning beginning_of(const Context &context, const Uuid &service, core::Instant start, core::Instant now);

// The wish to move an appointment elsewhere: what is not given stays as it is.
Wish move_wish(const Context &context, const Standing &a, core::Instant start, std::optional<Uuid> provider,
               std::optional<Uuid> location);

} // namespace pg_clinic::pg
