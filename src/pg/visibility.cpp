// What a context may see and change: see visibility.hpp.
#include "pg/visibility.hpp"

#include "pg/clock.hpp"
#include "pg/scan.hpp"

namespace pg_clinic::pg {

namespace {

// What the context's permissions come to, found out once: row security asks at each row.
struct Powers {
    bool known;
    bool works_here; // is of the tenant, and the purpose is known where one is needed
    bool diary, branch_diary, own_diary;
    bool patients, own_patients, limited_patients;
};
constinit Powers powers{};

// What was looked up for the present context, in the memory of the transaction. Of patients in care only those found are kept:
// another may become one by the next booking.
struct Lookups {
    bool own_known = false, glass_known = false;
    std::vector<Uuid> own;   // sorted: the patient that the caller is, and those the patient acts for
    std::vector<Uuid> glass; // sorted: whose glass the caller broke
    std::vector<Uuid> care;  // sorted
};
constinit Lookups *lookups = nullptr;

Lookups &looked_up() {
    if (lookups == nullptr)
        lookups = make_in_context<Lookups>(TopTransactionContext);
    return *lookups;
}

const Powers &powers_of(const Context &context) noexcept {
    if (!powers.known) {
        const auto has = [&context](std::string_view permission) { return has_permission(context, permission); };
        powers = Powers{true,
                        context.actor != Actor::patient && context.actor != Actor::public_visitor &&
                            !(context.purpose_needed && *context.purpose == '\0'),
                        has("appointments:read"),
                        has("appointments:read:branch"),
                        has("appointments:read:own"),
                        has("patients:read"),
                        has("patients:read:own"),
                        has("patients:read:limited")};
    }
    return powers;
}

// The date in UTC.
core::Day today() {
    const std::int64_t micros = now().micros, remainder = micros % core::micros_per_day;
    return {static_cast<std::int32_t>((micros - remainder) / core::micros_per_day - (remainder < 0 ? 1 : 0))};
}

bool contains(const std::vector<Uuid> &sorted, const Uuid &id) {
    return std::binary_search(sorted.begin(), sorted.end(), id);
}

const std::vector<Uuid> &own_patients(const Context &context) {
    Lookups &known = looked_up();
    if (known.own_known)
        return known.own;
    known.own.clear();
    if (context.has_patient) {
        known.own.push_back(context.patient_id);
        const core::Day date = today();
        IndexScan scan("dependants", "dependants_pkey");
        scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
        scan.where("guardian_patient_id", BTEqualStrategyNumber, context.patient_id);
        scan.start(Sight::snapshot);
        while (scan.next()) {
            const auto until = scan.optional(scan.column<core::Day>("until_on"));
            if (!until || *until >= date)
                known.own.push_back(scan.get(scan.column<Uuid>("patient_id")));
        }
        std::sort(known.own.begin(), known.own.end());
    }
    known.own_known = true;
    return known.own;
}

// Whether the provider that the caller is has had, or will have, the patient; or the caller registered the patient.
bool is_in_care(const Context &context, const Uuid &patient) {
    {
        IndexScan scan("appointments", "appointments_patient_id_idx");
        scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
        scan.where("patient_id", BTEqualStrategyNumber, patient);
        scan.start(Sight::snapshot);
        while (scan.next())
            if (scan.get(scan.column<Uuid>("provider_id")) == context.provider_id &&
                scan.get(scan.column<std::string>("status")) != "cancelled")
                return true;
    }
    IndexScan scan("patients", "patients_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
    scan.where("patient_id", BTEqualStrategyNumber, patient);
    scan.start(Sight::snapshot);
    return scan.next() && context.has_user && scan.optional(scan.column<Uuid>("created_by")) == context.user_id;
}

bool broke_glass(const Context &context, const Uuid &patient) {
    Lookups &known = looked_up();
    if (!known.glass_known && context.has_user) {
        known.glass.clear();
        IndexScan scan("emergency_accesses", "emergency_accesses_user_id_idx");
        scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
        scan.where("user_id", BTEqualStrategyNumber, context.user_id);
        scan.where("expires_at", BTGreaterStrategyNumber, now());
        scan.start(Sight::snapshot);
        while (scan.next())
            if (!scan.optional(scan.column<core::Instant>("ended_at")))
                known.glass.push_back(scan.get(scan.column<Uuid>("patient_id")));
        std::sort(known.glass.begin(), known.glass.end());
    }
    known.glass_known = true;
    return contains(known.glass, patient);
}

bool in_care_or_broken(const Context &context, const Uuid &patient) {
    std::vector<Uuid> &care = looked_up().care;
    if (contains(care, patient) || broke_glass(context, patient))
        return true;
    if (!context.has_provider || !is_in_care(context, patient))
        return false;
    care.insert(std::upper_bound(care.begin(), care.end(), patient), patient);
    return true;
}

bool is_member(const Context &context, const Uuid &location) noexcept {
    return std::binary_search(context.locations, context.locations + context.location_count, location);
}

std::string scoped(std::string_view permission, const char *scope) { return std::string(permission) + scope; }

// Whether any patient may come into question, so that no bound by patient helps.
bool reads_others(const Context &context) { return powers_of(context).works_here; }

Uuid all_bits() noexcept {
    Uuid id;
    id.bytes.fill(decltype(id.bytes)::value_type{0xFF});
    return id;
}

} // namespace

bool sees_location(const Context &context, const Uuid &location) noexcept {
    return context.all_locations || context.actor == Actor::patient || context.actor == Actor::public_visitor ||
           is_member(context, location);
}

bool may_at(const Context &context, std::string_view permission, const std::optional<Uuid> &provider,
            const std::optional<Uuid> &location) {
    if (!powers_of(context).works_here)
        return false;
    if (has_permission(context, permission) && (!location || sees_location(context, *location)))
        return true;
    if (has_permission(context, scoped(permission, ":branch")) && location && is_member(context, *location))
        return true;
    return context.has_provider && context.provider_id == provider &&
           has_permission(context, scoped(permission, ":own"));
}

bool is_own_patient(const Context &context, const Uuid &patient) {
    return context.has_patient && (context.patient_id == patient || contains(own_patients(context), patient));
}

bool sees_whole_patient(const Context &context, const Uuid &patient) {
    if (is_own_patient(context, patient))
        return true;
    const Powers &p = powers_of(context);
    if (!p.works_here)
        return false;
    if (p.patients && !context.care_only)
        return true;
    return p.own_patients ? in_care_or_broken(context, patient) : broke_glass(context, patient);
}

bool sees_patient(const Context &context, const Uuid &patient) {
    // patients:read covers the scope limited too; where care holds it back, the scope does not give it all again.
    const Powers &p = powers_of(context);
    return (p.works_here && p.limited_patients && !p.patients) || sees_whole_patient(context, patient);
}

bool sees_appointment(const Context &context, const Uuid &patient, const Uuid &provider, const Uuid &location) {
    const Powers &p = powers_of(context);
    if (p.works_here &&
        ((p.diary && sees_location(context, location)) || (p.branch_diary && is_member(context, location)) ||
         (p.own_diary && context.has_provider && context.provider_id == provider)))
        return true;
    return is_own_patient(context, patient);
}

bool may_write_appointment(const Context &context, const Uuid &patient, const Uuid &provider, const Uuid &location) {
    if (is_own_patient(context, patient))
        return true;
    return may_at(context, "appointments:write", provider, location) &&
           sees_appointment(context, patient, provider, location);
}

void forget_visibility() noexcept {
    lookups = nullptr;
    powers.known = false;
}

namespace {

// Null without a context, else what decide says of it.
template <class Decide> Datum by_context(Decide decide) {
    const Context *context = current_context();
    return BoolGetDatum(context != nullptr && decide(*context));
}

// Least or greatest of the own patients; where there is none, a bound that nothing is within.
Uuid own_bound(const Context &context, bool greatest) {
    const std::vector<Uuid> &own = own_patients(context);
    if (own.empty())
        return greatest ? Uuid{} : all_bits();
    return greatest ? own.back() : own.front();
}

Datum patient_bound(bool greatest) {
    const Context *context = current_context();
    const Uuid bound = context == nullptr       ? (greatest ? Uuid{} : all_bits())
                       : reads_others(*context) ? (greatest ? all_bits() : Uuid{})
                                                : own_bound(*context, greatest);
    return Sql<Uuid>::to(bound);
}

// Of the providers whose appointments may come into question: the caller's own only, or any.
Datum provider_bound(bool greatest) {
    const Context *context = current_context();
    if (context != nullptr && context->has_provider && !context->has_patient && powers_of(*context).own_diary &&
        !powers_of(*context).diary && !powers_of(*context).branch_diary)
        return Sql<Uuid>::to(context->provider_id);
    return Sql<Uuid>::to(greatest ? all_bits() : Uuid{});
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;

// clinic.sees_all_locations()
CLINIC_FUNCTION(clinic_sees_all_locations) {
    return by_context([](const Context &context) { return context.all_locations; });
}

// clinic.sees_location(uuid)
CLINIC_FUNCTION(clinic_sees_location) {
    return by_context([fcinfo](const Context &c) { return sees_location(c, Args(fcinfo).get<Uuid>(0)); });
}

// clinic.sees_patient(uuid)
CLINIC_FUNCTION(clinic_sees_patient) {
    return by_context([fcinfo](const Context &c) { return sees_patient(c, Args(fcinfo).get<Uuid>(0)); });
}

// clinic_private.sees_whole_patient(uuid)
CLINIC_FUNCTION(clinic_sees_whole_patient) {
    return by_context([fcinfo](const Context &c) { return sees_whole_patient(c, Args(fcinfo).get<Uuid>(0)); });
}

// clinic_private.sees_appointment(patient_id, provider_id, location_id)
CLINIC_FUNCTION(clinic_sees_appointment) {
    return by_context([fcinfo](const Context &c) {
        const Args args(fcinfo);
        return sees_appointment(c, args.get<Uuid>(0), args.get<Uuid>(1), args.get<Uuid>(2));
    });
}

// clinic_private.may_write_appointment(patient_id, provider_id, location_id)
CLINIC_FUNCTION(clinic_may_write_appointment) {
    return by_context([fcinfo](const Context &c) {
        const Args args(fcinfo);
        return may_write_appointment(c, args.get<Uuid>(0), args.get<Uuid>(1), args.get<Uuid>(2));
    });
}

// clinic_private.may_at(permission, provider_id, location_id)
CLINIC_FUNCTION(clinic_may_at) {
    return by_context([fcinfo](const Context &c) {
        const Args args(fcinfo);
        return !args.is_null(0) &&
               may_at(c, args.get<std::string_view>(0), args.optional<Uuid>(1), args.optional<Uuid>(2));
    });
}

// clinic_private.is_public()
CLINIC_FUNCTION(clinic_is_public) {
    return by_context([](const Context &context) { return context.actor == Actor::public_visitor; });
}

CLINIC_FUNCTION(clinic_least_patient_id) { return patient_bound(false); }
CLINIC_FUNCTION(clinic_greatest_patient_id) { return patient_bound(true); }
CLINIC_FUNCTION(clinic_least_provider_id) { return provider_bound(false); }
CLINIC_FUNCTION(clinic_greatest_provider_id) { return provider_bound(true); }

// clinic_private.forget_visibility()
CLINIC_FUNCTION(clinic_forget_visibility) {
    forget_visibility();
    return returning_null(fcinfo);
}
