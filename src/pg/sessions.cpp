// Planned sessions: see sessions.hpp.
#include "pg/sessions.hpp"

#include "pg/booking_arguments.hpp"
#include "pg/clock.hpp"
#include "pg/fired_row.hpp"
#include "pg/idempotency.hpp"
#include "pg/search.hpp"
#include "pg/spi.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

constexpr const char *seats_table = "session_seats";
constexpr const char *seats_pkey = "session_seats_pkey";

KeptPlan freed_statement{"SELECT clinic_private.seats_freed($1)"};

// The taken seats of a session, by their rows; those whose time is over are not taken.
template <class Visit> void each_seat(const Uuid &tenant, const Uuid &session, Visit visit) {
    IndexScan scan(seats_table, seats_pkey);
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("session_id", BTEqualStrategyNumber, session);
    scan.start(Sight::truth);
    while (scan.next())
        visit(scan, scan.optional(scan.column<core::Instant>("expires_at")).value_or(core::instant_max) <= now());
}

std::vector<std::int32_t> taken_seats(const Uuid &tenant, const Uuid &session) {
    std::vector<std::int32_t> taken;
    each_seat(tenant, session, [&taken](const IndexScan &scan, bool dead) {
        if (!dead)
            taken.push_back(scan.get(scan.column<std::int32_t>("seat")));
    });
    std::sort(taken.begin(), taken.end());
    return taken;
}

// Calls visit(writer) for each seat of an appointment, its row locked; how many there were.
template <class Visit>
std::int32_t each_seat_of(const Uuid &tenant, const Uuid &appointment, std::optional<Uuid> &session, Visit visit) {
    std::int32_t count = 0;
    TableWriter writer(seats_table);
    {
        IndexScan scan(seats_table, "session_seats_appointment_id_idx");
        for (bool again = true; again;) {
            again = false;
            scan.where("tenant_id", BTEqualStrategyNumber, tenant);
            scan.where("appointment_id", BTEqualStrategyNumber, appointment);
            scan.start(Sight::truth);
            while (scan.next()) {
                session = scan.get(scan.column<Uuid>("session_id"));
                if (!writer.lock(scan.place())) {
                    again = true;
                    continue;
                }
                count += visit(writer, scan) ? 1 : 0;
            }
        }
    }
    writer.finish();
    return count;
}

// Removes the seats of holds and requests that are over: nobody counts them, but the key does not know the time.
void sweep_seats(const Uuid &tenant, const Uuid &session) {
    TableWriter writer(seats_table);
    each_seat(tenant, session, [&writer](const IndexScan &scan, bool dead) {
        if (dead && writer.lock(scan.place()))
            writer.remove();
    });
    writer.finish();
}

std::optional<Session> read_session(const Uuid &tenant, const Uuid &id) {
    IndexScan scan("group_sessions", "group_sessions_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("session_id", BTEqualStrategyNumber, id);
    scan.start(Sight::truth);
    if (!scan.next())
        return std::nullopt;
    Session s;
    s.id = id;
    s.service = scan.get(scan.column<Uuid>("service_id"));
    s.provider = scan.get(scan.column<Uuid>("provider_id"));
    s.location = scan.get(scan.column<Uuid>("location_id"));
    s.visit = {scan.get(scan.column<core::Instant>("starts_at")), scan.get(scan.column<core::Instant>("ends_at"))};
    s.local_start = scan.get(scan.column<core::LocalTime>("local_starts_at"));
    s.zone_name = scan.get(scan.column<std::string>("time_zone"));
    s.capacity = scan.get(scan.column<std::int32_t>("capacity"));
    s.scheduled = scan.get(scan.column<std::string>("status")) == "scheduled";
    return s;
}

void read_resources(const Uuid &tenant, Session &session) {
    IndexScan scan("claims", "claims_owner_id_idx");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("owner_id", BTEqualStrategyNumber, session.id);
    scan.start(Sight::truth);
    session.resources = {{session.provider, {}, true}};
    while (scan.next()) {
        const auto resource = scan.get(scan.column<Uuid>("resource_id"));
        const auto during = scan.get(scan.column<core::Interval>("during"));
        const core::Buffers buffers{session.visit.begin - during.begin, during.end - session.visit.end};
        if (resource == session.provider)
            session.resources.front().buffers = buffers;
        else
            session.resources.push_back({resource, buffers, true});
    }
    std::sort(session.resources.begin() + 1, session.resources.end(),
              [](const UsedResource &a, const UsedResource &b) { return a.resource < b.resource; });
}

// The patient's other live appointments in the session.
std::vector<Uuid> seats_of_patient(const Uuid &tenant, const Session &session, const Party &party) {
    std::vector<Uuid> found;
    IndexScan scan("appointments", "appointments_patient_id_idx");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("patient_id", BTEqualStrategyNumber, party.patient);
    scan.where("starts_at", BTEqualStrategyNumber, session.visit.begin);
    scan.start(Sight::truth);
    while (scan.next()) {
        const auto id = scan.get(scan.column<Uuid>("appointment_id"));
        const bool dead = scan.optional(scan.column<core::Instant>("expires_at")).value_or(core::instant_max) <= now();
        const auto status = scan.get(scan.column<std::string>("status"));
        if (scan.optional(scan.column<Uuid>("session_id")) == session.id && !dead && status != "cancelled" &&
            id != party.appointment)
            found.push_back(id);
    }
    return found;
}

// What does not concern a seat: its provider and rooms are the session's, planned already.
bool is_the_sessions(core::Reason reason) {
    switch (reason) {
    case core::Reason::closed_on_date:
    case core::Reason::outside_hours:
    case core::Reason::window_too_short:
    case core::Reason::bad_duration:
    case core::Reason::off_grid:
    case core::Reason::blocked:
    case core::Reason::held:
    case core::Reason::slot_taken:
    case core::Reason::full:
    case core::Reason::no_resource:
    case core::Reason::limit:
        return true;
    default:
        return false;
    }
}

[[noreturn]] void refuse(const Context &context, const Session &session, const Party &party,
                         const core::Finding &finding) {
    Detail detail;
    detail.add("session_id", session.id);
    if (party.appointment)
        detail.add("appointment_id", *party.appointment);
    if (finding.source.table != core::Source::Table::none && finding.source.id &&
        may_at(context, "appointments:read", session.provider, session.location))
        detail.add("source", core::name_of(finding.source.table)).add("source_id", finding.source.id);
    raise(code_of(finding.reason), {}, detail);
}

[[noreturn]] void refuse_full(const Session &session, std::size_t taken) {
    const std::int64_t left = std::max<std::int64_t>(0, session.capacity - static_cast<std::int64_t>(taken));
    raise(Code::full, {}, Detail().add("session_id", session.id).add("remaining", left));
}

} // namespace

Session locked_session(const Context &context, const Uuid &id, const Uuid &patient) {
    lock_resources(context.tenant_id, {id, patient});
    std::optional<Session> session = read_session(context.tenant_id, id);
    if (!session)
        raise(Code::not_found, "the session does not exist", Detail().add("session_id", id));
    read_resources(context.tenant_id, *session);
    return std::move(*session);
}

Placement place_in_session(const Context &context, const Session &session, const Party &party) {
    DiaryQuery query;
    query.tenant = context.tenant_id;
    query.service = session.service;
    query.provider = session.provider;
    query.location = session.location;
    query.patient = party.patient;
    query.sight = Sight::truth;
    query.range = {session.visit.begin, session.visit.begin + core::Duration{1}};
    core::Request request;
    request.duration = session.visit.length();
    request.keeps_duration = true;
    request.location = session.location;
    request.ignored = seats_of_patient(context.tenant_id, session, party);
    const Uuid other_seat = request.ignored.empty() ? Uuid{} : request.ignored.front();
    request.ignored.push_back(session.id);
    if (party.appointment)
        request.ignored.push_back(*party.appointment);
    const core::Diary diary = read_diary(query);
    core::Work work = interruptible_work();
    const core::Kernel kernel(diary, request, query.range, work);
    const core::Verdict verdict = kernel.judge(0, session.location, session.visit.begin, true);
    if (!session.scheduled)
        raise(Code::inactive, "the session is cancelled", Detail().add("session_id", session.id));
    Placement placed;
    bool conflict = false;
    for (const core::Finding &f : verdict.findings) {
        if (is_the_sessions(f.reason) || (party.moved && f.reason != core::Reason::patient_conflict))
            continue;
        conflict = conflict || f.reason == core::Reason::patient_conflict;
        if (f.reason == core::Reason::patient_conflict && party.in_any_case)
            continue;
        if (!party.override_rules || !core::may_be_overridden(f.reason))
            refuse(context, session, party, f);
        placed.overridden.emplace_back(core::name_of(f.reason));
    }
    if (other_seat && !diary.tenant.allow_several_seats && !party.moved)
        refuse(context, session, party, {core::Reason::duplicate, {core::Source::Table::appointments, other_seat}, {}});
    placed.service = session.service;
    placed.provider = session.provider;
    placed.location = session.location;
    placed.patient = party.patient;
    placed.session = session.id;
    placed.zone_name = session.zone_name;
    placed.local_start = session.local_start;
    placed.visit = session.visit;
    placed.now = diary.now;
    placed.capacity = std::max(1, session.capacity);
    placed.seats = party.seats;
    placed.resources = session.resources;
    if (verdict.patient_overlaps || conflict)
        placed.warnings.emplace_back(core::name_of(core::Reason::patient_conflict));
    placed.claims = {patient_claim(diary, session.visit)};
    placed.claims.front().overbooked = conflict;
    return placed;
}

Placement place_again_in_session(const Context &context, const Standing &a) {
    const Session session = locked_session(context, *a.session, a.patient);
    Party party;
    party.patient = a.patient;
    party.seats = a.seats;
    party.appointment = a.id;
    party.override_rules = true;
    Placement placed = place_in_session(context, session, party);
    std::int32_t there = 0;
    each_seat(context.tenant_id, session.id, [&](const IndexScan &scan, bool) {
        there += scan.get(scan.column<Uuid>("appointment_id")) == a.id ? 1 : 0;
    });
    if (there == 0)
        (void)take_seats(context, session, a.id, a.seats, std::nullopt);
    return placed;
}

std::vector<std::int32_t> take_seats(const Context &context, const Session &session, const Uuid &appointment,
                                     std::int32_t seats, std::optional<core::Instant> expires) {
    sweep_seats(context.tenant_id, session.id);
    const std::vector<std::int32_t> taken = taken_seats(context.tenant_id, session.id);
    if (static_cast<std::int64_t>(taken.size()) + seats > session.capacity)
        refuse_full(session, taken.size());
    std::vector<std::int32_t> numbers;
    for (std::int32_t n = 1; static_cast<std::int32_t>(numbers.size()) < seats; ++n)
        if (!std::binary_search(taken.begin(), taken.end(), n))
            numbers.push_back(n);
    TableWriter writer(seats_table, {"appointments"});
    for (const std::int32_t n : numbers)
        writer.insert({column_value("tenant_id", context.tenant_id), column_value("session_id", session.id),
                       column_value("seat", n), column_value("appointment_id", appointment),
                       column_value("expires_at", expires)});
    writer.finish();
    return numbers;
}

namespace {

struct SeatWish {
    Uuid session;
    Party party;
    std::optional<std::string> reason;
    std::optional<core::Instant> held_until;
};

void add_seats(ResultSet &rows, const Context &context, const SeatWish &wish) {
    require_booking_right(context);
    const Session session = locked_session(context, wish.session, wish.party.patient);
    const Placement placed = place_in_session(context, session, wish.party);
    require_right_at(context, placed.patient, placed.provider, placed.location);
    // Said before anything is written; taking them says it again.
    const std::size_t taken = taken_seats(context.tenant_id, session.id).size();
    if (static_cast<std::int64_t>(taken) + wish.party.seats > session.capacity)
        refuse_full(session, taken);
    Beginning beginning = beginning_of(context, placed);
    if (wish.held_until) {
        beginning.status = core::Status::held;
        beginning.kind = core::ClaimKind::hold;
        beginning.expires = wish.held_until;
    }
    const Booked booked =
        write_booking(context, placed, placed.overridden.empty() ? std::nullopt : wish.reason, beginning);
    const std::vector<std::int32_t> seats =
        take_seats(context, session, booked.appointment, wish.party.seats, beginning.expires);
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
        if (!wish.reason || wish.reason->find_first_not_of(" \t\r\n") == std::string::npos)
            fail(ERRCODE_INVALID_PARAMETER_VALUE, "an override needs a reason", "The argument is reason.",
                 "Pass reason => 'why the rules give way'.", "reason");
    }
    ResultSet rows(fcinfo);
    add_seats(rows, context, wish);
    return rows.done();
}

// clinic_private.place_seat(session_id, patient_id, seats, held_until)
Datum place_seat(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    SeatWish wish;
    wish.session = args.required<Uuid>(0, "session_id");
    wish.party.patient = args.required<Uuid>(1, "patient_id");
    wish.party.seats = seats_argument(args, 2);
    wish.held_until = args.optional<core::Instant>(3);
    ResultSet rows(fcinfo);
    add_seats(rows, require_context(), wish);
    return rows.done();
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
    std::vector<Uuid> rooms;
    for (std::size_t i = 1; i < placed.resources.size(); ++i)
        rooms.push_back(placed.resources[i].resource);
    rows.add(placed.location, placed.visit.end, placed.local_start, placed.zone_name, rooms, overridden);
    return rows.done();
}

// The live appointments of a session, locked.
std::vector<Standing> locked_seats(const Context &context, const Uuid &session) {
    std::vector<Uuid> ids;
    each_seat(context.tenant_id, session, [&ids](const IndexScan &scan, bool dead) {
        const auto id = scan.get(scan.column<Uuid>("appointment_id"));
        if (!dead && std::find(ids.begin(), ids.end(), id) == ids.end())
            ids.push_back(id);
    });
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
    std::optional<Session> session = read_session(context.tenant_id, id);
    if (!session)
        raise(Code::not_found, "the session does not exist", Detail().add("session_id", id));
    read_resources(context.tenant_id, *session);
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

// Frees the seats of an appointment that is cancelled, and keeps their deadline that of the appointment.
void follow_appointment(const FiredRow &row) {
    const auto tenant = value_of<Uuid>(row, "tenant_id").value();
    const auto appointment = value_of<Uuid>(row, "appointment_id").value();
    const bool cancelled = value_of<std::string>(row, "status") == "cancelled";
    const auto expires = value_of<core::Instant>(row, "expires_at");
    std::optional<Uuid> session;
    const std::int32_t freed =
        each_seat_of(tenant, appointment, session, [&](TableWriter &writer, const IndexScan &scan) {
            if (cancelled)
                writer.remove();
            else if (scan.optional(scan.column<core::Instant>("expires_at")) != expires)
                writer.update({column_value("expires_at", expires)});
            return cancelled;
        });
    if (freed > 0) {
        Spi spi;
        (void)spi.query(freed_statement, *session);
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
CLINIC_FUNCTION(clinic_follow_appointment) {
    if (!CALLED_AS_TRIGGER(fcinfo))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "follow_appointment must be called as a trigger");
    auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ||
        !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "follow_appointment must be an AFTER ROW trigger of UPDATE");
    follow_appointment({trigger->tg_relation, trigger->tg_newtuple});
    return PointerGetDatum(nullptr);
}
