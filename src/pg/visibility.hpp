// What a context may see and change: the rules behind the row security of patients and appointments, in one place for the
// policies, the booking and the searches.
#pragma once

#include "pg/context.hpp"

namespace pg_clinic::pg {

// The branches: whether the caller acts at a location. Patients and visitors are not bound to branches.
bool sees_location(const Context &context, const Uuid &location) noexcept;

// Whether the permission holds at a location and for a provider's diary: without a scope at the caller's branches (everywhere for
// one who acts everywhere), with scope branch at the branches the caller is a member of, with scope own for the provider that
// the caller is. Without a location no branch is concerned.
bool may_at(const Context &context, std::string_view permission, const std::optional<Uuid> &provider,
            const std::optional<Uuid> &location);

// Patients that the caller is, or acts for.
bool is_own_patient(const Context &context, const Uuid &patient);

// A patient: oneself and dependants; all with patients:read (but for a provider those in care, or whose glass was broken);
// all with patients:read:limited.
bool sees_patient(const Context &context, const Uuid &patient);

// The same but for the scope limited: whether dates of birth may be shown.
bool sees_whole_patient(const Context &context, const Uuid &patient);

// An appointment: of an own patient, or with appointments:read where it holds.
bool sees_appointment(const Context &context, const Uuid &patient, const Uuid &provider, const Uuid &location);

// Whether the caller may book, move or cancel an appointment there.
bool may_write_appointment(const Context &context, const Uuid &patient, const Uuid &provider, const Uuid &location);

// Forgets what was looked up about patients: the context has changed, or the transaction is over.
void forget_visibility() noexcept;

} // namespace pg_clinic::pg
