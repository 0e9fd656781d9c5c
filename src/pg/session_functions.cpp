// Planned sessions, as functions and triggers: booking seats, claiming, moving and cancelling sessions, guarding seats.
#include "pg/booking_arguments.hpp"
#include "pg/clock.hpp"
#include "pg/fired_row.hpp"
#include "pg/idempotency.hpp"
#include "pg/search.hpp"
#include "pg/sessions.hpp"
#include "pg/spi.hpp"

namespace pg_clinic::pg {

namespace {

constexpr const char *seats_table = "session_seats";

KeptPlan freed_statement{"SELECT clinic_private.offer_session_seats($1, 'freed', $2)"};

struct SeatWish {
    Uuid session;
    Party party;
    std::optional<std::string> reason;
    std::optional<core::Instant> held_until;
    std::optional<Uuid> slot; // of the waitlist, which offers the seats
};

void add_seats(ResultSet &rows, const Context &context, const SeatWish &wish) {
    require_booking_right(context);
    const Session session = locked_session(context, wish.session, wish.party.patient);
    const Placement placed = place_in_session(context, session, wish.party);
    require_right_at(context, placed.patient, placed.provider, placed.location);
    // Said before anything is written; taking them says it again.
    const std::size_t taken = taken_seats(context.tenant_id, session.id).size();
    if (!wish.slot && static_cast<std::int64_t>(taken) + wish.party.seats > session.capacity)
        refuse_full(session, taken);
    Beginning beginning = beginning_of(context, placed.service, placed.visit.begin, placed.now);
    if (wish.held_until) {
        beginning.status = core::Status::held;
        beginning.kind = core::ClaimKind::hold;
        beginning.expires = wish.held_until;
    }
    const Booked booked =
        write_booking(context, placed, placed.overridden.empty() ? std::nullopt : wish.reason, beginning);
    const std::vector<std::int32_t> seats =
        wish.slot
            ? take_offered_seats(context, session, *wish.slot, booked.appointment, beginning.expires)
            : take_seats(context, session, {.appointment = booked.appointment}, wish.party.seats, beginning.expires);
    if (static_cast<std::int32_t>(seats.size()) != wish.party.seats)
        refuse_full(session, taken);
    rows.add(booked.appointment, booked.code, core::name_of(beginning.status), session.id, seats, placed.provider,
             placed.location, placed.visit.begin, placed.visit.end, placed.local_start, placed.zone_name,
             placed.warnings, false);
}

// clinic.book_seat(session_id, patient_id, seats, override, reason, idempotency_key)
Datum book_seat(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    SeatWish wish;
    wish.session = args.required<Uuid>(0, "session_id");
    wish.party.patient = *permitted_patient(context, args.required<Uuid>(1, "patient_id"));
    wish.party.seats = seats_argument(args, 2);
    wish.party.override_rules = args.get_or<bool>(3, false);
    wish.reason = args.optional<std::string>(4);
    if (wish.party.override_rules) {
        require_permission(context, "appointments:override");
        require_reason(wish.reason);
    }
    ResultSet rows(fcinfo);
    add_seats(rows, context, wish);
    return rows.done();
}

// clinic_private.place_seat(session_id, patient_id, seats, held_until, slot_id, override, reason)
Datum place_seat(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    SeatWish wish;
    wish.session = args.required<Uuid>(0, "session_id");
    wish.party.patient = args.required<Uuid>(1, "patient_id");
    wish.party.seats = seats_argument(args, 2);
    wish.held_until = args.optional<core::Instant>(3);
    wish.slot = args.optional<Uuid>(4);
    wish.party.promised = wish.slot.has_value();
    wish.party.override_rules = args.get_or<bool>(5, false);
    wish.reason = args.optional<std::string>(6);
    ResultSet rows(fcinfo);
    add_seats(rows, require_context(), wish);
    return rows.done();
}

// clinic_private.offer_seats(slot_id, session_id, patient_id, seats, expires_at, ignored)
Datum offer_seats(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    const auto id = args.required<Uuid>(1, "session_id");
    Party party;
    party.patient = args.required<Uuid>(2, "patient_id");
    party.seats = seats_argument(args, 3);
    party.gives_up = args.get_or<std::vector<Uuid>>(5, {});
    // The patient's time is not claimed, so it is not locked: who frees seats waits for nobody but the session.
    lock_resources(context.tenant_id, {id});
    const std::optional<Session> session = read_session(context.tenant_id, id);
    if (!session)
        raise(Code::not_found, "the session does not exist", Detail().add("session_id", id));
    (void)place_in_session(context, *session, party);
    return returning(fcinfo, take_seats(context, *session, {.slot = args.required<Uuid>(0, "slot_id")}, party.seats,
                                        args.required<core::Instant>(4, "expires_at")));
}

std::optional<core::Duration> minutes_argument(const Args &args, int argument) {
    const auto n = args.optional<std::int32_t>(argument);
    return n ? std::optional(core::minutes(*n)) : std::nullopt;
}

// clinic_private.claim_session(session_id, service_id, provider_id, location_id, starts_at, duration, resource_ids,
// buffer_before_minutes, buffer_after_minutes, override)
Datum claim_session(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    ClaimOwner owner;
    owner.tenant = context.tenant_id;
    owner.owner = args.required<Uuid>(0, "session_id");
    owner.kind = core::ClaimKind::session;
    owner.user = context.user();
    Wish wish;
    wish.query.tenant = context.tenant_id;
    wish.query.service = args.required<Uuid>(1, "service_id");
    wish.query.provider = args.required<Uuid>(2, "provider_id");
    wish.query.location = args.optional<Uuid>(3);
    wish.start = finite(args.required<core::Instant>(4, "starts_at"), "starts_at");
    wish.request.duration = visit_duration(args, 5);
    wish.request.keeps_duration = true;
    wish.query.named_resources = wish.request.named_resources = args.get_or<std::vector<Uuid>>(6, {});
    wish.request.buffer_before = minutes_argument(args, 7);
    wish.request.buffer_after = minutes_argument(args, 8);
    wish.request.ignored = {*owner.owner};
    // Who plans is bound by neither lead time, horizon, grid nor limits; by hours and the past unless they override.
    wish.request.override_rules = true;
    wish.alone = true;
    ResultSet rows(fcinfo);
    const Placement placed = place(context, wish);
    std::vector<std::string> overridden;
    for (const std::string &name : placed.overridden)
        if (name == "in_past" || name == "closed_on_date" || name == "outside_hours" || name == "window_too_short" ||
            name == "no_resource") {
            if (!args.get_or<bool>(9, false))
                raise(code_named(name).value(), {}, Detail().add("provider_id", placed.provider));
            overridden.push_back(name);
        }
    owner.service = placed.service;
    owner.location = placed.location;
    delete_claims_of_owner(context.tenant_id, *owner.owner);
    insert_claims(owner, placed.claims, placed.now);
    rows.add(placed.location, placed.visit.end, placed.local_start, placed.zone_name, placed.other_resources(),
             overridden);
    return rows.done();
}

// The live appointments of a session, locked.
std::vector<Standing> locked_seats(const Context &context, const Uuid &session) {
    const std::vector<Uuid> ids = seated(context.tenant_id, session);
    lock_resources(context.tenant_id, ids);
    std::vector<Standing> found;
    for (const Uuid &id : ids)
        if (std::optional<Standing> a = read_standing(context, id))
            found.push_back(std::move(*a));
        else
            raise(Code::forbidden, {}, Detail().add("session_id", session));
    std::sort(found.begin(), found.end(), [](const Standing &a, const Standing &b) { return a.id < b.id; });
    return found;
}

// clinic_private.cancel_seats(session_id, reason)
Datum cancel_seats(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    std::int32_t count = 0;
    for (const Standing &a : locked_seats(context, args.required<Uuid>(0, "session_id"))) {
        if (core::transition_of(core::Change::cancel, a.status) == nullptr)
            continue; // it is over, or going on
        require_right_at(context, a.patient, a.provider, a.location);
        write_cancellation(context, a, args.optional<std::string>(1), false);
        ++count;
    }
    return returning(fcinfo, count);
}

// clinic_private.move_seats(session_id, override)
Datum move_seats(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    const auto id = args.required<Uuid>(0, "session_id");
    const bool force = args.get_or<bool>(1, false);
    const std::vector<Standing> seats = locked_seats(context, id);
    const std::optional<Session> session = read_session(context.tenant_id, id);
    if (!session)
        raise(Code::not_found, "the session does not exist", Detail().add("session_id", id));
    std::vector<Uuid> patients;
    for (const Standing &a : seats)
        patients.push_back(a.patient);
    lock_resources(context.tenant_id, patients);
    std::int32_t count = 0;
    for (const Standing &a : seats) {
        require_right_at(context, a.patient, a.provider, a.location);
        require_right_at(context, a.patient, session->provider, session->location);
        if (a.status == core::Status::completed || a.status == core::Status::no_show)
            continue;
        Party party;
        party.patient = a.patient;
        party.seats = a.seats;
        party.appointment = a.id;
        party.moved = true;
        party.in_any_case = force;
        const Placement placed = place_in_session(context, *session, party);
        delete_claims(context.tenant_id, a.id);
        write_move(context, a, placed,
                   placed.overridden.empty() ? std::nullopt : std::optional<std::string>("session moved"));
        ++count;
    }
    return returning(fcinfo, count);
}

// Frees the seats of an appointment that is cancelled or a no-show, and keeps their deadline that of the appointment.
void follow_seat(const FiredRow &row) {
    const auto tenant = value_of<Uuid>(row, "tenant_id").value();
    const auto appointment = value_of<Uuid>(row, "appointment_id").value();
    const auto status = value_of<std::string>(row, "status");
    const bool given_up = status == "cancelled" || status == "no_show";
    const auto expires = value_of<core::Instant>(row, "expires_at");
    std::optional<Uuid> freed;
    TableWriter writer(seats_table);
    {
        IndexScan scan(seats_table, "session_seats_appointment_id_idx");
        for (bool again = true; again;) {
            again = false;
            scan.where("tenant_id", BTEqualStrategyNumber, tenant);
            scan.where("appointment_id", BTEqualStrategyNumber, appointment);
            scan.start(Sight::truth);
            while (scan.next()) {
                // The scan meets the rows that were changed by it again; those must be left alone.
                if (!given_up && scan.optional(scan.column<core::Instant>("expires_at")) == expires)
                    continue;
                const auto session = scan.get(scan.column<Uuid>("session_id"));
                if (!writer.lock(scan.place())) {
                    again = true;
                } else if (given_up) {
                    writer.remove();
                    freed = session;
                } else {
                    writer.update({column_value("expires_at", expires)});
                }
            }
        }
    }
    writer.finish();
    if (freed) {
        Spi spi;
        (void)spi.query(freed_statement, *freed, appointment);
    }
}

// Refuses a seat beyond the capacity, whoever writes it.
void guard_seat(const FiredRow &row) {
    const auto tenant = value_of<Uuid>(row, "tenant_id");
    const auto id = value_of<Uuid>(row, "session_id");
    const auto seat = value_of<std::int32_t>(row, "seat");
    if (!tenant || !id || !seat)
        return;
    lock_resources(*tenant, {*id});
    const std::optional<Session> session = read_session(*tenant, *id);
    if (!session)
        return; // the foreign key says so
    const std::vector<std::int32_t> taken = taken_seats(*tenant, *id);
    if (!session->scheduled || *seat > session->capacity ||
        static_cast<std::int64_t>(taken.size()) >= session->capacity)
        refuse_full(*session, taken.size());
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

CLINIC_FUNCTION(clinic_book_seat) {
    return once(fcinfo, "book_seat", 5, [](FunctionCallInfo f) { return in_our_words(f, book_seat); });
}

CLINIC_FUNCTION(clinic_place_seat) { return in_our_words(fcinfo, place_seat); }

CLINIC_FUNCTION(clinic_offer_seats) { return in_our_words(fcinfo, offer_seats); }

CLINIC_FUNCTION(clinic_claim_session) { return in_our_words(fcinfo, claim_session); }

CLINIC_FUNCTION(clinic_cancel_seats) { return in_our_words(fcinfo, cancel_seats); }

CLINIC_FUNCTION(clinic_move_seats) { return in_our_words(fcinfo, move_seats); }

// BEFORE ROW trigger of clinic_data.session_seats: INSERT, and UPDATE of what says which seat it is.
CLINIC_FUNCTION(clinic_session_seats_guard) {
    if (!CALLED_AS_TRIGGER(fcinfo))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "session_seats_guard must be called as a trigger");
    auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!TRIGGER_FIRED_BEFORE(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "session_seats_guard must be a BEFORE ROW trigger");
    const FiredRow row{trigger->tg_relation,
                       TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple};
    guard_seat(row);
    return PointerGetDatum(row.tuple);
}

// AFTER ROW trigger of clinic_data.appointments.
CLINIC_FUNCTION(clinic_follow_seat) {
    if (!CALLED_AS_TRIGGER(fcinfo))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "follow_seat must be called as a trigger");
    auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ||
        !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "follow_seat must be an AFTER ROW trigger of UPDATE");
    follow_seat({trigger->tg_relation, trigger->tg_newtuple});
    return PointerGetDatum(nullptr);
}
