// Planned sessions: see sessions.hpp.
#include "pg/sessions.hpp"

#include "pg/clock.hpp"
#include "pg/search.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

constexpr const char *seats_table = "session_seats";
constexpr const char *seats_pkey = "session_seats_pkey";

// The taken seats of a session, by their rows; those whose time is over are not taken.
template <class Visit> void each_seat(const Uuid &tenant, const Uuid &session, Visit visit) {
    IndexScan scan(seats_table, seats_pkey);
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("session_id", BTEqualStrategyNumber, session);
    scan.start(Sight::truth);
    while (scan.next())
        visit(scan, scan.optional(scan.column<core::Instant>("expires_at")).value_or(core::instant_max) <= now());
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

} // namespace

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
    read_resources(tenant, s);
    return s;
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

std::vector<Uuid> seated(const Uuid &tenant, const Uuid &session) {
    std::vector<Uuid> ids;
    each_seat(tenant, session, [&ids](const IndexScan &scan, bool dead) {
        const auto id = scan.optional(scan.column<Uuid>("appointment_id"));
        if (!dead && id && std::find(ids.begin(), ids.end(), *id) == ids.end())
            ids.push_back(*id);
    });
    return ids;
}

void refuse_full(const Session &session, std::size_t taken) {
    const std::int64_t left = std::max<std::int64_t>(0, session.capacity - static_cast<std::int64_t>(taken));
    raise(Code::full, {}, Detail().add("session_id", session.id).add("remaining", left),
          "Wait for seats with clinic.join_waitlist(session_id => ...), or book another session.");
}

Session locked_session(const Context &context, const Uuid &id, const Uuid &patient) {
    lock_resources(context.tenant_id, {id, patient});
    std::optional<Session> session = read_session(context.tenant_id, id);
    if (!session)
        raise(Code::not_found, "the session does not exist", Detail().add("session_id", id));
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
    request.ignored.insert(request.ignored.end(), party.gives_up.begin(), party.gives_up.end());
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
    // The kernel takes who names what to ignore for somebody who moves; who takes seats anew is bound by the policy.
    if (!party.appointment && !party.promised && diary.patient && diary.patient->missed_too_many)
        refuse(context, session, party,
               {core::Reason::no_show_policy, {core::Source::Table::patients, diary.patient->id}, {}});
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
    const std::vector<Uuid> there = seated(context.tenant_id, session.id);
    if (std::find(there.begin(), there.end(), a.id) == there.end())
        (void)take_seats(context, session, {.appointment = a.id}, a.seats, std::nullopt);
    return placed;
}

std::vector<std::int32_t> take_seats(const Context &context, const Session &session, const SeatOwner &owner,
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
                       column_value("seat", n), column_value("appointment_id", owner.appointment),
                       column_value("slot_id", owner.slot), column_value("expires_at", expires)});
    writer.finish();
    return numbers;
}

std::vector<std::int32_t> take_offered_seats(const Context &context, const Session &session, const Uuid &slot,
                                             const Uuid &appointment, std::optional<core::Instant> expires) {
    std::vector<std::int32_t> numbers;
    TableWriter writer(seats_table, {"appointments"});
    {
        IndexScan scan(seats_table, "session_seats_slot_id_idx");
        for (bool again = true; again;) {
            again = false;
            scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
            scan.where("slot_id", BTEqualStrategyNumber, slot);
            scan.start(Sight::truth);
            while (scan.next()) {
                if (scan.get(scan.column<Uuid>("session_id")) != session.id ||
                    scan.optional(scan.column<core::Instant>("expires_at")).value_or(core::instant_max) <= now())
                    continue;
                const auto seat = scan.get(scan.column<std::int32_t>("seat"));
                if (!writer.lock(scan.place())) {
                    again = true; // somebody else wrote it while we waited for the row
                    continue;
                }
                writer.update({column_value("appointment_id", appointment),
                               column_value("slot_id", std::optional<Uuid>{}), column_value("expires_at", expires)});
                numbers.push_back(seat);
            }
        }
    }
    writer.finish();
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

} // namespace pg_clinic::pg
