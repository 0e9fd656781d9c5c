// Booking: book, cancel, reschedule, swap. Each locks, judges by the kernel, and writes in one transaction.
#include "pg/clock.hpp"
#include "pg/placing.hpp"
#include "pg/result.hpp"
#include "pg/search.hpp"
#include "pg/spi.hpp"
#include "pg/table_writer.hpp"
#include "pg/visibility.hpp"
#include "pg/zone_pg.hpp"

namespace pg_clinic::pg {

namespace {

KeptPlan insert_appointment{
    "INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id,"
    " location_id, patient_id, status, starts_at, ends_at, local_starts_at, time_zone, capacity, overbooked, "
    "overridden,"
    " override_reason, warnings, created_by, updated_by)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, 'booked', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)"
    " ON CONFLICT ON CONSTRAINT appointments_tenant_id_confirmation_code_key DO NOTHING"};

KeptPlan zone_statement{
    "SELECT time_zone::text FROM clinic_data.locations WHERE tenant_id = $1 AND location_id = $2 UNION ALL"
    " SELECT time_zone::text FROM clinic_data.providers WHERE tenant_id = $1 AND provider_id = $3 AND $2 IS NULL"};

KeptPlan read_cancel_rules{"SELECT s.cancel_window_minutes, t.refuse_late_cancellation FROM clinic_data.services s"
                           " JOIN clinic_data.tenants t ON t.tenant_id = s.tenant_id"
                           " WHERE s.tenant_id = $1 AND s.service_id = $2"};

constexpr QueryOptions with_latest_view{View::latest, 0};

// Eight characters that can be told apart when read out: no vowels, so no words; no 0, 1.
std::string new_confirmation_code() {
    static constexpr std::string_view letters = "23456789BCDFGHJKLMNPQRSTVWXZ";
    std::string code;
    while (code.size() < 8) {
        std::uint8_t byte = 0;
        if (!pg_strong_random(&byte, 1))
            fail(ERRCODE_INTERNAL_ERROR, "could not get random bytes");
        if (byte < 252) // the largest multiple of 28, so that every letter is as likely
            code += letters[byte % letters.size()];
    }
    return code;
}

// Minutes for the record; buffers are whole minutes wherever they come from.
std::int32_t in_minutes(core::Duration d) { return static_cast<std::int32_t>(d.micros / core::micros_per_minute); }

void write_resources(const Uuid &tenant, const Uuid &appointment, const Placement &placed) {
    TableWriter writer("appointment_resources", {"appointments"});
    for (const UsedResource &r : placed.resources)
        writer.insert({column_value("tenant_id", tenant), column_value("appointment_id", appointment),
                       column_value("resource_id", r.resource),
                       column_value("buffer_before_minutes", in_minutes(r.buffers.before)),
                       column_value("buffer_after_minutes", in_minutes(r.buffers.after))});
    writer.finish();
}

void write_claims(const Context &context, const Uuid &appointment, const Placement &placed) {
    insert_claims({context.tenant_id, appointment, placed.service, placed.location, context.user()}, placed.claims,
                  placed.now);
}

struct Booked {
    Uuid appointment;
    std::string code;
};

Booked write_booking(const Context &context, const Placement &placed, const std::optional<std::string> &reason) {
    Booked booked{new_id(), {}};
    Spi spi;
    for (bool written = false; !written;) {
        booked.code = new_confirmation_code();
        written = spi.query(insert_appointment, context.tenant_id, booked.appointment, booked.code, placed.service,
                            placed.provider, placed.location, placed.patient, placed.visit.begin, placed.visit.end,
                            placed.local_start, placed.zone_name, placed.capacity, placed.overbooked, placed.overridden,
                            reason, placed.warnings, context.user())
                      .affected() == 1;
    }
    write_resources(context.tenant_id, booked.appointment, placed);
    write_claims(context, booked.appointment, placed);
    return booked;
}

// An appointment as it stands, under its own lock.
struct Standing {
    Uuid id, service, provider, location, patient;
    std::string status, code;
    core::Interval visit;
    std::int32_t version = 0;
};

bool may_still_change(std::string_view status) {
    return status == "held" || status == "pending" || status == "booked" || status == "confirmed";
}

// Reads an appointment as it is now, in every isolation level, if it is there and the caller may see it.
std::optional<Standing> read_standing(const Context &context, const Uuid &id) {
    IndexScan scan("appointments", "appointments_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
    scan.where("appointment_id", BTEqualStrategyNumber, id);
    scan.start(Sight::truth);
    if (!scan.next())
        return std::nullopt;
    const auto uuid = [&scan](const char *column) { return scan.get(scan.column<Uuid>(column)); };
    const auto text = [&scan](const char *column) { return scan.get(scan.column<std::string>(column)); };
    const auto instant = [&scan](const char *column) { return scan.get(scan.column<core::Instant>(column)); };
    Standing a;
    a.id = id;
    a.service = uuid("service_id");
    a.provider = uuid("provider_id");
    a.location = uuid("location_id");
    a.patient = uuid("patient_id");
    a.status = text("status");
    a.visit = {instant("starts_at"), instant("ends_at")};
    a.version = scan.get(scan.column<std::int32_t>("version"));
    a.code = text("confirmation_code");
    // What the policies of appointments say.
    if (!sees_appointment(context, a.patient, a.provider, a.location))
        return std::nullopt;
    return a;
}

// Locks and reads an appointment that the caller may change; raises not_found, stale_version, bad_transition.
Standing standing_appointment(const Context &context, const Uuid &id, std::optional<std::int32_t> version,
                              const char *change) {
    lock_resources(context.tenant_id, {id});
    const std::optional<Standing> found = read_standing(context, id);
    if (!found)
        raise(Code::not_found, "the appointment does not exist", Detail().add("appointment_id", id));
    if (version && *version != found->version)
        raise(Code::stale_version, {}, Detail().add("appointment_id", id).add("version", found->version));
    if (!may_still_change(found->status))
        raise(Code::bad_transition, std::string("the appointment cannot be ") + change,
              Detail().add("appointment_id", id).add("status", found->status),
              "Only held, pending, booked and confirmed appointments can.");
    return *found;
}

// Calls visit with each row of an appointment, found by an index on tenant and appointment, as it is now. A row that
// visit could not get hold of, because somebody else wrote it meanwhile, is looked for again.
template <class Visit>
void each_row_of(const char *table, const char *index, const Context &context, const Uuid &id, Visit visit) {
    IndexScan scan(table, index);
    for (bool again = true; again;) {
        again = false;
        scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
        scan.where("appointment_id", BTEqualStrategyNumber, id);
        scan.start(Sight::truth);
        while (scan.next())
            again = !visit(scan) || again;
    }
}

std::vector<Uuid> used_resources(const Context &context, const Standing &a) {
    std::vector<Uuid> ids{a.patient};
    each_row_of("appointment_resources", "appointment_resources_pkey", context, a.id, [&ids](const IndexScan &scan) {
        ids.push_back(scan.get(scan.column<Uuid>("resource_id")));
        return true;
    });
    return ids;
}

void delete_resources(const Context &context, const Uuid &id) {
    TableWriter writer("appointment_resources");
    each_row_of("appointment_resources", "appointment_resources_pkey", context, id, [&writer](const IndexScan &scan) {
        const bool locked = writer.lock(scan.place());
        if (locked)
            writer.remove();
        return locked;
    });
    writer.finish();
}

void update_appointment(const Context &context, const Uuid &id, const std::vector<ColumnValue> &values) {
    TableWriter writer("appointments");
    bool done = false;
    each_row_of("appointments", "appointments_pkey", context, id, [&](const IndexScan &scan) {
        if (done)
            return true;
        done = writer.lock(scan.place());
        if (done)
            writer.update(values);
        return done;
    });
    writer.finish();
}

// Whether a cancellation comes inside the window; raises bad_transition where the tenant refuses those.
bool is_late(const Context &context, const Standing &a, core::Instant current) {
    Spi spi;
    const Rows rows = spi.query_with(read_cancel_rules, with_latest_view, context.tenant_id, a.service);
    const core::Duration window = core::minutes(rows[0].get<std::int32_t>(0));
    const bool late = a.visit.begin - current < window;
    if (late && rows[0].get<bool>(1) && !has_permission(context, "appointments:override"))
        raise(Code::bad_transition, "the appointment can no longer be cancelled",
              Detail().add("appointment_id", a.id).add("cancel_window_minutes", in_minutes(window)),
              "Cancel before the cancellation window begins, or ask the staff.");
    return late;
}

void write_move(const Context &context, const Standing &a, const Placement &placed,
                const std::optional<std::string> &reason) {
    update_appointment(context, a.id,
                       {column_value("provider_id", placed.provider), column_value("location_id", placed.location),
                        column_value("starts_at", placed.visit.begin), column_value("ends_at", placed.visit.end),
                        column_value("local_starts_at", placed.local_start),
                        column_value("time_zone", placed.zone_name), column_value("capacity", placed.capacity),
                        column_value("overbooked", placed.overbooked), column_value("overridden", placed.overridden),
                        column_value("override_reason", reason), column_value("warnings", placed.warnings)});
    delete_resources(context, a.id);
    write_resources(context.tenant_id, a.id, placed);
    write_claims(context, a.id, placed);
}

// What staff may ask for beyond the rules.
struct Exceptions {
    bool override_rules = false;
    bool overbook = false;
    std::optional<std::string> reason;
};

Exceptions read_exceptions(const Args &args, const Context &context, int override_argument) {
    Exceptions e{args.get_or<bool>(override_argument, false), args.get_or<bool>(override_argument + 1, false),
                 args.optional<std::string>(override_argument + 2)};
    if (e.override_rules)
        require_permission(context, "appointments:override");
    if (e.overbook)
        require_permission(context, "appointments:overbook");
    if ((e.override_rules || e.overbook) && (!e.reason || e.reason->find_first_not_of(" \t\r\n") == std::string::npos))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "an override needs a reason", "The argument is reason.",
             "Pass reason => 'why the rules give way'.", "reason");
    return e;
}

// Overridden rules are recorded with the reason, and only then is the reason part of the record.
std::optional<std::string> recorded_reason(const Placement &placed, const Exceptions &e) {
    return placed.overridden.empty() ? std::nullopt : e.reason;
}

std::optional<core::Duration> buffer_argument(const Args &args, const Context &context, int argument,
                                              const char *name) {
    const auto n = args.optional<std::int32_t>(argument);
    if (!n)
        return std::nullopt;
    require_permission(context, "appointments:override");
    if (*n < 0 || *n > 1440)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, std::string(name) + " must lie between 0 and 1440",
             "It is " + std::to_string(*n) + ".", "Buffers are minutes, up to a day.", name);
    return core::minutes(*n);
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

// Runs one change. What a writer past the engine can do to it in mid-writing is said in the engine's words: neither a
// deadlock nor a violated constraint reaches the caller.
template <class Body> Datum in_our_words(Body body) {
    require_writable();
    try {
        return body();
    } catch (const PgError &error) {
        if (error.data != nullptr && error.data->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
            raise(Code::busy);
        if (error.data != nullptr && error.data->sqlerrcode == ERRCODE_EXCLUSION_VIOLATION)
            raise(Code::slot_taken);
        throw;
    }
}

// Whether the caller may book, move or cancel at all; where, and for whom, is seen when the place is known.
void require_booking_right(const Context &context) {
    if (context.actor == Actor::patient)
        return;
    const auto require = [&context](const std::string &permission) {
        if (!has_permission(context, permission + ":own") && !has_permission(context, permission + ":branch"))
            require_permission(context, permission);
    };
    require("appointments:write");
    // Without it appointments are out of sight, and what cannot be seen cannot be moved.
    require("appointments:read");
}

// Whether the caller may write an appointment there; raises forbidden.
void require_right_at(const Context &context, const Uuid &patient, const Uuid &provider, const Uuid &location) {
    if (!may_write_appointment(context, patient, provider, location))
        raise(
            Code::forbidden, "permission \"appointments:write\" is required there",
            Detail().add("permission", "appointments:write").add("provider_id", provider).add("location_id", location));
}

void add_booking(ResultSet &rows, const Uuid &appointment, const std::string &code, const std::string &status,
                 const Placement &placed) {
    std::vector<Uuid> resources;
    for (std::size_t i = 1; i < placed.resources.size(); ++i)
        resources.push_back(placed.resources[i].resource);
    rows.add(appointment, code, status, placed.provider, placed.location, placed.visit.begin, placed.visit.end,
             placed.local_start, placed.zone_name, resources, placed.warnings);
}

// clinic.book_appointment(service_id, patient_id, starts_at, provider_id, location_id, duration, resource_ids, override,
// overbook, reason, buffer_before_minutes, buffer_after_minutes, local_starts_at, utc_offset, gap)
Datum book(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    Wish wish;
    wish.query.tenant = context.tenant_id;
    wish.query.service = args.required<Uuid>(0, "service_id");
    wish.query.patient = permitted_patient(context, args.required<Uuid>(1, "patient_id"));
    wish.start = wished_start(args, context.tenant_id);
    wish.query.provider = args.optional<Uuid>(3);
    wish.query.location = args.optional<Uuid>(4);
    wish.request.duration = visit_duration(args, 5);
    wish.query.named_resources = wish.request.named_resources = args.get_or<std::vector<Uuid>>(6, {});
    const Exceptions exceptions = read_exceptions(args, context, 7);
    wish.request.override_rules = exceptions.override_rules;
    wish.request.overbook = exceptions.overbook;
    wish.request.buffer_before = buffer_argument(args, context, 10, "buffer_before_minutes");
    wish.request.buffer_after = buffer_argument(args, context, 11, "buffer_after_minutes");
    ResultSet rows(fcinfo);
    const Placement placed = place(context, wish);
    require_right_at(context, placed.patient, placed.provider, placed.location);
    const Booked booked = write_booking(context, placed, recorded_reason(placed, exceptions));
    add_booking(rows, booked.appointment, booked.code, "booked", placed);
    return rows.done();
}

// clinic.cancel_appointment(appointment_id, reason, version)
Datum cancel(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    const auto id = args.required<Uuid>(0, "appointment_id");
    const auto reason = args.optional<std::string>(1);
    ResultSet rows(fcinfo);
    const Standing a = standing_appointment(context, id, args.optional<std::int32_t>(2), "cancelled");
    require_right_at(context, a.patient, a.provider, a.location);
    const core::Instant current = now();
    const bool late = is_late(context, a, current);
    lock_resources(context.tenant_id, used_resources(context, a));
    delete_claims(context.tenant_id, id);
    update_appointment(context, id,
                       {column_value("status", std::string_view("cancelled")), column_value("cancelled_at", current),
                        column_value("cancel_reason", reason), column_value("late_cancellation", late)});
    rows.add(id, std::string("cancelled"), late, current);
    return rows.done();
}

// The wish to move an appointment elsewhere: what is not given stays as it is.
Wish move_wish(const Context &context, const Standing &a, core::Instant start, std::optional<Uuid> provider,
               std::optional<Uuid> location) {
    Wish wish;
    wish.query.tenant = context.tenant_id;
    wish.query.service = a.service;
    wish.query.patient = a.patient;
    wish.query.provider = provider.value_or(a.provider);
    // Another provider may work elsewhere; the same one keeps the place.
    wish.query.location = location                              ? location
                          : provider && *provider != a.provider ? std::nullopt
                                                                : std::optional(a.location);
    wish.start = start;
    wish.request.duration = a.visit.length();
    wish.request.keeps_duration = true;
    wish.request.ignored = {a.id};
    return wish;
}

// clinic.reschedule_appointment(appointment_id, starts_at, provider_id, location_id, duration, resource_ids, override,
// overbook, reason, version)
Datum reschedule(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    const auto id = args.required<Uuid>(0, "appointment_id");
    const core::Instant start = finite(args.required<core::Instant>(1, "starts_at"), "starts_at");
    const auto duration = visit_duration(args, 4);
    const Exceptions exceptions = read_exceptions(args, context, 6);
    ResultSet rows(fcinfo);
    const Standing a = standing_appointment(context, id, args.optional<std::int32_t>(9), "moved");
    require_right_at(context, a.patient, a.provider, a.location);
    Wish wish = move_wish(context, a, start, args.optional<Uuid>(2), args.optional<Uuid>(3));
    if (duration) {
        wish.request.duration = duration;
        wish.request.keeps_duration = false;
    }
    wish.query.named_resources = wish.request.named_resources = args.get_or<std::vector<Uuid>>(5, {});
    wish.request.override_rules = exceptions.override_rules;
    wish.request.overbook = exceptions.overbook;
    wish.also_lock = used_resources(context, a);
    const Placement placed = place(context, wish);
    require_right_at(context, a.patient, placed.provider, placed.location);
    delete_claims(context.tenant_id, id);
    write_move(context, a, placed, recorded_reason(placed, exceptions));
    add_booking(rows, id, a.code, a.status, placed);
    return rows.done();
}

// clinic.swap_appointments(appointment_id, other_appointment_id)
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
    const Standing a = standing_appointment(context, first, std::nullopt, "moved");
    const Standing b = standing_appointment(context, second, std::nullopt, "moved");
    for (const Standing *one : {&a, &b}) {
        require_right_at(context, one->patient, a.provider, a.location);
        require_right_at(context, one->patient, b.provider, b.location);
    }
    Wish to_b = move_wish(context, a, b.visit.begin, b.provider, b.location);
    Wish to_a = move_wish(context, b, a.visit.begin, a.provider, a.location);
    // All at once, so that the order of the locks holds for both moves together.
    for (const std::vector<Uuid> &some : {used_resources(context, a), used_resources(context, b), claimable(to_a)})
        to_b.also_lock.insert(to_b.also_lock.end(), some.begin(), some.end());
    to_b.request.ignored = {first, second};
    const Placement a_placed = place(context, to_b);
    delete_claims(context.tenant_id, first);
    delete_claims(context.tenant_id, second);
    write_move(context, a, a_placed, std::nullopt);
    // The first one stands in its new place now, and its old claims are gone: the second is judged against that.
    const Placement b_placed = place(context, to_a);
    write_move(context, b, b_placed, std::nullopt);
    add_booking(rows, first, a.code, a.status, a_placed);
    add_booking(rows, second, b.code, b.status, b_placed);
    return rows.done();
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

CLINIC_FUNCTION(clinic_book_appointment) {
    return in_our_words([fcinfo] { return book(fcinfo); });
}

CLINIC_FUNCTION(clinic_cancel_appointment) {
    return in_our_words([fcinfo] { return cancel(fcinfo); });
}

CLINIC_FUNCTION(clinic_reschedule_appointment) {
    return in_our_words([fcinfo] { return reschedule(fcinfo); });
}

CLINIC_FUNCTION(clinic_swap_appointments) {
    return in_our_words([fcinfo] { return swap(fcinfo); });
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
