// Claims of what is no appointment: a slot that a waitlist offers, a group session.
#include "pg/booking_arguments.hpp"
#include "pg/search.hpp"

namespace pg_clinic::pg {

namespace {

core::ClaimKind kind_argument(const Args &args) {
    const auto name = args.required<std::string>(1, "kind");
    if (name != "offer" && name != "session")
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "kind must be offer or session", "The argument is kind.",
             "Appointments have claims of their own.", "kind");
    return claim_kind(name);
}

// clinic_private.claim_for_owner(owner_id, kind, service_id, patient_id, provider_id, location_id, starts_at, duration,
// expires_at, resource_ids, override, ignored, seats)
Datum claim(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    ClaimOwner owner;
    owner.tenant = context.tenant_id;
    owner.owner = args.required<Uuid>(0, "owner_id");
    owner.kind = kind_argument(args);
    owner.user = context.user();
    owner.expires = args.optional<core::Instant>(8);
    Wish wish;
    wish.query.tenant = context.tenant_id;
    wish.query.service = args.required<Uuid>(2, "service_id");
    wish.query.patient = args.optional<Uuid>(3);
    wish.query.provider = args.optional<Uuid>(4);
    wish.query.location = args.optional<Uuid>(5);
    wish.start = finite(args.required<core::Instant>(6, "starts_at"), "starts_at");
    wish.request.duration = visit_duration(args, 7);
    wish.query.named_resources = wish.request.named_resources = args.get_or<std::vector<Uuid>>(9, {});
    wish.request.override_rules = args.get_or<bool>(10, false);
    wish.request.ignored = args.get_or<std::vector<Uuid>>(11, {});
    wish.request.ignored.push_back(*owner.owner);
    wish.request.seats = seats_argument(args, 12);
    ResultSet rows(fcinfo);
    const Placement placed = place(context, wish);
    owner.service = placed.service;
    owner.location = placed.location;
    std::vector<NewClaim> claims = placed.claims;
    if (wish.query.patient)
        std::erase_if(claims, [&wish](const NewClaim &c) { return c.resource == *wish.query.patient; });
    insert_claims(owner, claims, placed.now);
    rows.add(placed.provider, placed.location, placed.visit.begin, placed.visit.end, placed.other_resources());
    return rows.done();
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

CLINIC_FUNCTION(clinic_claim_for_owner) { return in_our_words(fcinfo, claim); }

// clinic_private.release_owner(owner_id)
CLINIC_FUNCTION(clinic_release_owner) {
    const Args args(fcinfo);
    delete_claims_of_owner(require_context().tenant_id, args.required<Uuid>(0, "owner_id"));
    return returning_null(fcinfo);
}
