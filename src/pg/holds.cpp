// Holds: time that is kept for a caller with a token, until a deadline.
//
// A hold is an appointment in the state held, with claims that end by themselves: from the microsecond of its deadline on
// nothing counts it any more, whether somebody has cleared it away or not. The token is 256 random bits, of which only the
// SHA-256 is kept; a token that is unknown, or another caller's, gets one answer.
#include "pg/holds.hpp"

#include "core/base64url.hpp"
#include "pg/booking_arguments.hpp"
#include "pg/clock.hpp"
#include "pg/crypto.hpp"
#include "pg/idempotency.hpp"
#include "pg/search.hpp"
#include "pg/spi.hpp"

namespace pg_clinic::pg {

namespace {

KeptPlan rules_statement{"SELECT hold_minutes, hold_cap_minutes, holds_per_patient FROM clinic_data.tenants"
                         " WHERE tenant_id = $1"};
KeptPlan insert_hold{"INSERT INTO clinic_data.holds (tenant_id, appointment_id, token_hash, caller_id, first_held_at)"
                     " VALUES ($1, $2, $3, $4, $5)"};
KeptPlan find_hold{"SELECT appointment_id, first_held_at FROM clinic_data.holds"
                   " WHERE tenant_id = $1 AND token_hash = $2 AND caller_id = $3"};
KeptPlan find_own{
    "SELECT a.provider_id, a.location_id, a.starts_at, a.ends_at, a.expires_at FROM clinic_data.appointments a"
    " JOIN clinic_data.holds h ON h.tenant_id = a.tenant_id AND h.appointment_id = a.appointment_id"
    " WHERE a.tenant_id = $1 AND a.expires_at > $2 AND a.status = 'held' AND a.service_id = $3"
    " AND a.starts_at >= $4 AND a.starts_at < $5 AND h.caller_id = $6"
    " AND ($7 IS NULL OR a.provider_id = $7) AND ($8 IS NULL OR a.location_id = $8)"
    " AND ($9 IS NULL OR a.patient_id = $9) ORDER BY a.starts_at, a.provider_id, a.location_id"};

constexpr QueryOptions latest{View::latest, 0};

struct HoldRules {
    core::Duration life, cap;
    std::int32_t per_patient = 0;
};

HoldRules read_rules(const Context &context) {
    Spi spi;
    const Rows rows = spi.query_with(rules_statement, latest, context.tenant_id);
    if (rows.empty())
        raise(Code::not_found, "the tenant does not exist");
    return {core::minutes(rows[0].get<std::int32_t>(0)), core::minutes(rows[0].get<std::int32_t>(1)),
            rows[0].get<std::int32_t>(2)};
}

// How many live holds the patient has; the patient is locked.
std::int32_t live_holds(const Context &context, const Uuid &patient, core::Instant current) {
    IndexScan scan("appointments", "appointments_patient_id_idx");
    const auto status = scan.column<std::string_view>("status");
    const auto expires = scan.column<core::Instant>("expires_at");
    scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
    scan.where("patient_id", BTEqualStrategyNumber, patient);
    scan.start(Sight::truth);
    std::int32_t count = 0;
    while (scan.next())
        if (scan.get(status) == "held" && scan.optional(expires).value_or(current) > current)
            ++count;
    return count;
}

std::string new_token() { return core::to_base64url(crypto::random_bytes(32)); }

struct Hold {
    Standing appointment;
    core::Instant first_held;
};

// The appointment that the token is for, locked; raises not_holder for a token that is not one of the caller's.
Hold hold_of(const Args &args, const Context &context) {
    const auto token = args.required<std::string>(0, "hold_token");
    Uuid id;
    core::Instant first_held;
    {
        Spi spi;
        const Rows rows =
            spi.query_with(find_hold, latest, context.tenant_id, Bytes{crypto::sha256(token)}, caller_id(context));
        if (rows.empty())
            raise(Code::not_holder);
        id = rows[0].get<Uuid>(0);
        first_held = rows[0].get<core::Instant>(1);
    }
    lock_resources(context.tenant_id, {id});
    std::optional<Standing> a = read_standing(context, id);
    if (!a)
        raise(Code::not_holder);
    return {std::move(*a), first_held};
}

[[noreturn]] void raise_expired(const Standing &a) {
    raise(Code::hold_expired, {}, Detail().add("appointment_id", a.id));
}

bool is_alive(const Standing &a) { return a.status == core::Status::held && !a.is_dead(now()); }

// Whether the hold became a booking or a request, whatever became of that since.
bool was_confirmed(const Standing &a) {
    return a.status != core::Status::held &&
           (a.status != core::Status::cancelled || a.status_before != core::Status::held);
}

// The row of an appointment as it stands.
void add_standing(ResultSet &rows, const Context &context, const Standing &a, core::Status status) {
    std::vector<Uuid> rooms;
    for (const Uuid &id : used_resources(context, a))
        if (id != a.patient && id != a.provider)
            rooms.push_back(id);
    std::sort(rooms.begin(), rooms.end());
    rows.add(a.id, a.code, core::name_of(status), a.provider, a.location, a.visit.begin, a.visit.end, a.local_start,
             a.zone_name, rooms, a.warnings, false);
}

// clinic.hold_slot(service_id, patient_id, starts_at, provider_id, location_id, duration, resource_ids, seats,
// idempotency_key)
Datum hold(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    Wish wish = read_wish(args, context);
    wish.start = finite(args.required<core::Instant>(2, "starts_at"), "starts_at");
    wish.request.seats = seats_argument(args, 7);
    ResultSet rows(fcinfo);
    const HoldRules rules = read_rules(context);
    const Placement placed = place(context, wish);
    require_right_at(context, placed.patient, placed.provider, placed.location);
    if (live_holds(context, placed.patient, placed.now) >= rules.per_patient)
        raise(Code::hold_limit, {}, Detail().add("holds_per_patient", std::int64_t{rules.per_patient}));
    Beginning beginning;
    beginning.status = core::Status::held;
    beginning.kind = core::ClaimKind::hold;
    beginning.expires = placed.now + rules.life;
    const Booked booked = write_booking(context, placed, std::nullopt, beginning);
    const std::string token = new_token();
    {
        Spi spi;
        (void)spi.query(insert_hold, context.tenant_id, booked.appointment, Bytes{crypto::sha256(token)},
                        caller_id(context), placed.now);
    }
    rows.add(booked.appointment, token, *beginning.expires, placed.now + rules.cap, placed.provider, placed.location,
             placed.visit.begin, placed.visit.end, placed.local_start, placed.zone_name, placed.other_resources(),
             false);
    return rows.done();
}

// clinic.extend_hold(hold_token)
Datum extend(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    ResultSet rows(fcinfo);
    const Hold h = hold_of(args, context);
    if (!is_alive(h.appointment))
        raise_expired(h.appointment);
    const HoldRules rules = read_rules(context);
    const core::Instant cap = h.first_held + rules.cap;
    // Never shorter than it was: the rules may have changed meanwhile.
    const core::Instant expires = std::max(*h.appointment.expires, std::min(now() + rules.life, cap));
    if (expires != *h.appointment.expires) {
        if (!lock_alive(context, h.appointment))
            raise_expired(h.appointment);
        change_claims(context.tenant_id, h.appointment.id, core::ClaimKind::hold, expires);
        update_appointment(context, h.appointment.id, {column_value("expires_at", expires)});
    }
    rows.add(h.appointment.id, expires, cap);
    return rows.done();
}

// clinic.confirm_hold(hold_token, if_still_free, idempotency_key)
Datum confirm(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    ResultSet rows(fcinfo);
    const Hold h = hold_of(args, context);
    const Standing &a = h.appointment;
    if (was_confirmed(a)) {
        // Confirmed already, and gone on from there perhaps: a cancelled appointment is for staff to reinstate.
        add_standing(rows, context, a, a.status);
        return rows.done();
    }
    require_right_at(context, a.patient, a.provider, a.location);
    const Beginning beginning = beginning_of(context, a.service, a.visit.begin, now());
    std::vector<ColumnValue> values = status_values(a, beginning.status, std::nullopt);
    values.push_back(column_value("expires_at", beginning.expires));
    if (is_alive(a) && lock_alive(context, a)) {
        change_claims(context.tenant_id, a.id, beginning.kind, beginning.expires);
        update_appointment(context, a.id, values);
        add_standing(rows, context, a, beginning.status);
        return rows.done();
    }
    if (!args.get_or<bool>(1, false))
        raise_expired(a);
    Wish wish = move_wish(context, a, a.visit.begin, a.provider, a.location);
    wish.also_lock = used_resources(context, a);
    const Placement placed = place(context, wish);
    delete_claims(context.tenant_id, a.id);
    if (a.status == core::Status::cancelled) {
        values.push_back(column_value("cancelled_at", std::optional<core::Instant>{}));
        values.push_back(column_value("cancel_reason", std::optional<std::string>{}));
    }
    write_again(context, a, placed, beginning, values);
    add_booking(rows, a.id, a.code, beginning.status, placed);
    return rows.done();
}

// clinic.release_hold(hold_token)
Datum release(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    const Hold h = hold_of(args, context);
    const Standing &a = h.appointment;
    if (was_confirmed(a))
        refuse_transition(context, a, "release");
    const bool alive = is_alive(a);
    if (alive)
        write_cancellation(context, a, "hold_released", false);
    return returning(fcinfo, alive);
}

// Whether the tenant has anything for a while only: mostly there is nothing, which an index tells at once. What is there now is
// looked for, and what the snapshot shows: a row that is being extended meanwhile may be missed by the first.
bool holds_anything(const Uuid &tenant) {
    IndexScan scan("appointments", "appointments_expires_idx");
    for (const Sight sight : {Sight::truth, Sight::snapshot}) {
        scan.where("tenant_id", BTEqualStrategyNumber, tenant);
        scan.where("expires_at", BTGreaterStrategyNumber, now());
        scan.start(sight);
        if (scan.next())
            return true;
    }
    return false;
}

} // namespace

std::vector<OwnHold> own_holds(const Context &context, const DiaryQuery &query) {
    std::vector<OwnHold> found;
    if (!query.service || !holds_anything(context.tenant_id))
        return found;
    Spi spi;
    const Rows rows =
        spi.query_with(find_own, latest, context.tenant_id, now(), *query.service, query.range.begin, query.range.end,
                       caller_id(context), query.provider, query.location, query.patient);
    for (const Row row : rows) {
        OwnHold &hold = found.emplace_back();
        hold.slot.provider = row.get<Uuid>(0);
        hold.slot.location = row.get<Uuid>(1);
        hold.slot.visit = {row.get<core::Instant>(2), row.get<core::Instant>(3)};
        hold.expires_at = row.get<core::Instant>(4);
    }
    return found;
}

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

CLINIC_FUNCTION(clinic_hold_slot) {
    return once(fcinfo, "hold_slot", 8, [](FunctionCallInfo f) { return in_our_words(f, hold); });
}

CLINIC_FUNCTION(clinic_extend_hold) { return in_our_words(fcinfo, extend); }

CLINIC_FUNCTION(clinic_confirm_hold) {
    return once(fcinfo, "confirm_hold", 2, [](FunctionCallInfo f) { return in_our_words(f, confirm); });
}

CLINIC_FUNCTION(clinic_release_hold) { return in_our_words(fcinfo, release); }
