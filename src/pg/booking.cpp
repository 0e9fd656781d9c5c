// Booking: book, cancel, reschedule, swap. Each locks, judges by the kernel, and writes in one transaction.
#include "pg/booking_arguments.hpp"
#include "pg/clock.hpp"
#include "pg/idempotency.hpp"
#include "pg/search.hpp"
#include "pg/spi.hpp"
#include "pg/visibility.hpp"
#include "pg/zone_pg.hpp"

namespace pg_clinic::pg {

namespace {

KeptPlan zone_statement{
    "SELECT time_zone::text FROM clinic_data.locations WHERE tenant_id = $1 AND location_id = $2 UNION ALL"
    " SELECT time_zone::text FROM clinic_data.providers WHERE tenant_id = $1 AND provider_id = $3 AND $2 IS NULL"};

// An appointment that may be moved, locked; raises not_found, stale_version, bad_transition.
Standing movable_appointment(const Context &context, const Uuid &id, std::optional<std::int32_t> version) {
    Standing a = locked_appointment(context, id, version);
    const bool movable = a.status == core::Status::held || a.status == core::Status::pending ||
                         a.status == core::Status::booked || a.status == core::Status::confirmed;
    if (!movable || a.is_dead(now()))
        refuse_transition(context, a, "move");
    return a;
}

// The start that the arguments of book_appointment wish for: an instant, or a local time at the location (without one, in
// the provider's home zone).
core::Instant wished_start(const Args &args, const Uuid &tenant) {
    if (args.is_null(12))
        return finite(args.required<core::Instant>(2, "starts_at"), "starts_at");
    if (!args.is_null(2))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "starts_at and local_starts_at exclude each other", "Both are given.",
             "Pass starts_at => NULL with a local time.", "local_starts_at");
    const auto local = finite(args.get<core::LocalTime>(12), "local_starts_at");
    const auto location = args.optional<Uuid>(4);
    const auto provider = args.optional<Uuid>(3);
    if (!location && !provider)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "a local time needs a location or a provider", "Both are null.",
             "Pass location_id, so that the local time has a zone.", "location_id");
    Spi spi;
    const Rows rows = spi.query(zone_statement, tenant, location, provider);
    if (rows.empty())
        raise(Code::not_found, {},
              location ? Detail().add("location_id", *location) : Detail().add("provider_id", *provider));
    return instant_of_local(zone_named(rows[0].get<std::string_view>(0)), local, args.optional<core::Duration>(13),
                            args.get_or<std::string>(14, "refuse"));
}

// clinic.book_appointment(service_id, patient_id, starts_at, provider_id, location_id, duration, resource_ids, override,
// overbook, reason, buffer_before_minutes, buffer_after_minutes, local_starts_at, utc_offset, gap, seats, idempotency_key)
Datum book(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    Wish wish = read_wish(args, context);
    wish.start = wished_start(args, context.tenant_id);
    const Exceptions exceptions = read_exceptions(args, context, 7);
    wish.request.override_rules = exceptions.override_rules;
    wish.request.overbook = exceptions.overbook;
    wish.request.buffer_before = buffer_argument(args, context, 10, "buffer_before_minutes");
    wish.request.buffer_after = buffer_argument(args, context, 11, "buffer_after_minutes");
    wish.request.seats = seats_argument(args, 15);
    ResultSet rows(fcinfo);
    const Placement placed = place(context, wish);
    require_right_at(context, placed.patient, placed.provider, placed.location);
    const Beginning beginning = beginning_of(context, placed.service, placed.visit.begin, placed.now);
    const Booked booked = write_booking(context, placed, recorded_reason(placed, exceptions), beginning);
    add_booking(rows, booked.appointment, booked.code, beginning.status, placed);
    return rows.done();
}

// clinic_private.place_appointment(service_id, patient_id, starts_at, provider_id, location_id, duration, resource_ids,
// ignored, override, overbook, reason, seats)
Datum place_for_module(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    Wish wish = read_wish(args, context);
    wish.start = finite(args.required<core::Instant>(2, "starts_at"), "starts_at");
    wish.request.ignored = args.get_or<std::vector<Uuid>>(7, {});
    wish.request.seats = seats_argument(args, 11);
    const Exceptions exceptions = read_exceptions(args, context, 8);
    wish.request.override_rules = exceptions.override_rules;
    wish.request.overbook = exceptions.overbook;
    ResultSet rows(fcinfo);
    const Placement placed = place(context, wish);
    require_right_at(context, placed.patient, placed.provider, placed.location);
    for (const Uuid &owner : wish.request.ignored)
        delete_claims_of_owner(context.tenant_id, owner);
    const Beginning beginning = beginning_of(context, placed.service, placed.visit.begin, placed.now);
    const Booked booked = write_booking(context, placed, recorded_reason(placed, exceptions), beginning);
    add_booking(rows, booked.appointment, booked.code, beginning.status, placed);
    return rows.done();
}

// clinic.cancel_appointment(appointment_id, reason, version, idempotency_key)
Datum cancel(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    const auto id = args.required<Uuid>(0, "appointment_id");
    ResultSet rows(fcinfo);
    const Standing a = locked_for(context, id, args.optional<std::int32_t>(2), core::Change::cancel);
    require_right_at(context, a.patient, a.provider, a.location);
    const core::Instant current = now();
    const bool late = is_late(context, a, current);
    write_cancellation(context, a, args.optional<std::string>(1), late);
    rows.add(id, std::string("cancelled"), late, current, false);
    return rows.done();
}

// clinic.reschedule_appointment(appointment_id, starts_at, provider_id, location_id, duration, resource_ids, override,
// overbook, reason, version, idempotency_key)
Datum reschedule(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    const auto id = args.required<Uuid>(0, "appointment_id");
    const core::Instant start = finite(args.required<core::Instant>(1, "starts_at"), "starts_at");
    const auto duration = visit_duration(args, 4);
    const Exceptions exceptions = read_exceptions(args, context, 6);
    ResultSet rows(fcinfo);
    const Standing a = movable_appointment(context, id, args.optional<std::int32_t>(9));
    require_right_at(context, a.patient, a.provider, a.location);
    Wish wish = move_wish(context, a, start, args.optional<Uuid>(2), args.optional<Uuid>(3));
    if (duration) {
        wish.request.duration = duration;
        wish.request.keeps_duration = false;
    }
    wish.query.named_resources = wish.request.named_resources = args.get_or<std::vector<Uuid>>(5, {});
    wish.request.override_rules = exceptions.override_rules;
    wish.request.overbook = exceptions.overbook;
    wish.also_lock = lockable_when_freed(context, a);
    const Placement placed = place(context, wish);
    require_right_at(context, a.patient, placed.provider, placed.location);
    delete_claims(context.tenant_id, id);
    write_move(context, a, placed, recorded_reason(placed, exceptions));
    tell_freed(a);
    add_booking(rows, id, a.code, a.status, placed);
    return rows.done();
}

// clinic.swap_appointments(appointment_id, other_appointment_id, idempotency_key)
Datum swap(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    if (context.actor == Actor::patient)
        require_permission(context, "appointments:write");
    require_booking_right(context);
    const auto first = args.required<Uuid>(0, "appointment_id");
    const auto second = args.required<Uuid>(1, "other_appointment_id");
    if (first == second)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "an appointment cannot be swapped with itself",
             "Both arguments name the same appointment.", "Pass two different appointments.", "other_appointment_id");
    ResultSet rows(fcinfo);
    lock_resources(context.tenant_id, {first, second});
    const Standing a = movable_appointment(context, first, std::nullopt);
    const Standing b = movable_appointment(context, second, std::nullopt);
    for (const Standing *one : {&a, &b}) {
        require_right_at(context, one->patient, a.provider, a.location);
        require_right_at(context, one->patient, b.provider, b.location);
    }
    Wish to_b = move_wish(context, a, b.visit.begin, b.provider, b.location);
    Wish to_a = move_wish(context, b, a.visit.begin, a.provider, a.location);
    // All at once, so that the order of the locks holds for both moves together.
    for (const std::vector<Uuid> &some :
         {lockable_when_freed(context, a), lockable_when_freed(context, b), claimable(to_a)})
        to_b.also_lock.insert(to_b.also_lock.end(), some.begin(), some.end());
    to_b.request.ignored = {first, second};
    const Placement a_placed = place(context, to_b);
    delete_claims(context.tenant_id, first);
    delete_claims(context.tenant_id, second);
    write_move(context, a, a_placed, std::nullopt);
    // The first one stands in its new place now, and its old claims are gone: the second is judged against that.
    const Placement b_placed = place(context, to_a);
    write_move(context, b, b_placed, std::nullopt);
    // What the shorter of the two leaves of the longer one's time.
    tell_freed(a);
    tell_freed(b);
    add_booking(rows, first, a.code, a.status, a_placed);
    add_booking(rows, second, b.code, b.status, b_placed);
    return rows.done();
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

CLINIC_FUNCTION(clinic_book_appointment) {
    return once(fcinfo, "book_appointment", 16, [](FunctionCallInfo f) { return in_our_words(f, book); });
}

CLINIC_FUNCTION(clinic_place_appointment) { return in_our_words(fcinfo, place_for_module); }

CLINIC_FUNCTION(clinic_cancel_appointment) {
    return once(fcinfo, "cancel_appointment", 3, [](FunctionCallInfo f) { return in_our_words(f, cancel); });
}

CLINIC_FUNCTION(clinic_reschedule_appointment) {
    return once(fcinfo, "reschedule_appointment", 10, [](FunctionCallInfo f) { return in_our_words(f, reschedule); });
}

CLINIC_FUNCTION(clinic_swap_appointments) {
    return once(fcinfo, "swap_appointments", 2, [](FunctionCallInfo f) { return in_our_words(f, swap); });
}

// clinic_private.lock_resources(tenant_id, resource_ids)
CLINIC_FUNCTION(clinic_lock_resources) {
    const Args args(fcinfo);
    const Context &context = require_context();
    const auto tenant = args.required<Uuid>(0, "tenant_id");
    if (tenant != context.tenant_id)
        raise(Code::forbidden);
    lock_resources(tenant, args.required<std::vector<Uuid>>(1, "resource_ids"));
    return returning_null(fcinfo);
}
