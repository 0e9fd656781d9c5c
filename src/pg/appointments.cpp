// Appointments as rows: see appointments.hpp.
#include "pg/appointments.hpp"

#include "pg/clock.hpp"
#include "pg/freed_time.hpp"
#include "pg/spi.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

KeptPlan read_cancel_rules{"SELECT s.cancel_window_minutes, t.refuse_late_cancellation FROM clinic_data.services s"
                           " JOIN clinic_data.tenants t ON t.tenant_id = s.tenant_id"
                           " WHERE s.tenant_id = $1 AND s.service_id = $2"};

KeptPlan seats_statement{"SELECT count(*) FROM clinic_data.session_seats WHERE tenant_id = $1 AND appointment_id = $2"};

KeptPlan lockable_statement{"SELECT l FROM clinic_private.lockable_for_offers($1, $2) AS l"};

constexpr QueryOptions with_latest_view{View::latest, 0};

constexpr const char *pkey = "appointments_pkey";
constexpr const char *resources_table = "appointment_resources";
constexpr const char *resources_pkey = "appointment_resources_pkey";

// Eight characters that can be told apart when read out: no vowels, so no words; no 0, 1.
std::string new_confirmation_code() {
    static constexpr std::string_view letters = "23456789BCDFGHJKLMNPQRSTVWXZ";
    std::string code;
    while (code.size() < 8) {
        std::uint8_t byte = 0;
        take_random(&byte, 1);
        if (byte < 252) // the largest multiple of 28, so that every letter is as likely
            code += letters[byte % letters.size()];
    }
    return code;
}

// Minutes for the record; buffers are whole minutes wherever they come from.
std::int32_t in_minutes(core::Duration d) { return static_cast<std::int32_t>(d.micros / core::micros_per_minute); }

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

// Locks a row that a foreign key will refer to against being deleted; false when it is gone or was changed in the meantime.
bool hold(IndexScan &scan, const char *table, const char *key, const Uuid &tenant, const Uuid &id) {
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where(key, BTEqualStrategyNumber, id);
    scan.start(Sight::truth);
    return scan.next() && hold_row(table, scan.place());
}

// The same of all that an appointment uses.
bool hold_resources(const Uuid &tenant, const Placement &placed) {
    IndexScan scan("resources", "resources_pkey");
    return std::all_of(placed.resources.begin(), placed.resources.end(), [&](const UsedResource &r) {
        return hold(scan, "resources", "resource_id", tenant, r.resource);
    });
}

// What an appointment refers to, held; what could not be is left to the foreign key's own check.
std::vector<const char *> hold_references(const Uuid &tenant, const Placement &placed) {
    struct Reference {
        const char *table, *index, *key;
        std::optional<Uuid> id;
    };
    std::vector<const char *> held;
    for (const Reference &r : {Reference{"services", "services_pkey", "service_id", placed.service},
                               {"providers", "providers_pkey", "provider_id", placed.provider},
                               {"locations", "locations_pkey", "location_id", placed.location},
                               {"patients", "patients_pkey", "patient_id", placed.patient},
                               {"group_sessions", "group_sessions_pkey", "session_id", placed.session}}) {
        if (!r.id)
            continue;
        IndexScan scan(r.table, r.index);
        if (hold(scan, r.table, r.key, tenant, *r.id))
            held.push_back(r.table);
    }
    return held;
}

bool is_code_taken(const Uuid &tenant, const std::string &code) {
    IndexScan scan("appointments", "appointments_tenant_id_confirmation_code_key");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("confirmation_code", BTEqualStrategyNumber, code);
    scan.start(Sight::truth);
    return scan.next();
}

void write_resources(const Uuid &tenant, const Uuid &appointment, const Placement &placed) {
    std::vector<const char *> proven{"appointments"};
    if (hold_resources(tenant, placed))
        proven.push_back("resources");
    TableWriter writer(resources_table, std::move(proven));
    for (const UsedResource &r : placed.resources)
        writer.insert({column_value("tenant_id", tenant), column_value("appointment_id", appointment),
                       column_value("resource_id", r.resource),
                       column_value("buffer_before_minutes", in_minutes(r.buffers.before)),
                       column_value("buffer_after_minutes", in_minutes(r.buffers.after)),
                       column_value("pinned", r.pinned)});
    writer.finish();
}

void delete_resources(const Context &context, const Uuid &id) {
    TableWriter writer(resources_table);
    each_row_of(resources_table, resources_pkey, context, id, [&writer](const IndexScan &scan) {
        const bool locked = writer.lock(scan.place());
        if (locked)
            writer.remove();
        return locked;
    });
    writer.finish();
}

core::Status status_of(const std::string &name) {
    const auto status = core::status_named(name);
    if (!status)
        throw core::Error(core::ErrorCode::internal, "an appointment with an unknown status");
    return *status;
}

} // namespace

std::optional<Standing> read_standing(const Context &context, const Uuid &id) {
    IndexScan scan("appointments", pkey);
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
    // What the policies of appointments say.
    if (!sees_appointment(context, a.patient, a.provider, a.location))
        return std::nullopt;
    a.status = status_of(text("status"));
    if (const auto before = scan.optional(scan.column<std::string>("status_before")))
        a.status_before = core::status_named(*before);
    a.visit = {instant("starts_at"), instant("ends_at")};
    a.local_start = scan.get(scan.column<core::LocalTime>("local_starts_at"));
    a.zone_name = text("time_zone");
    a.expires = scan.optional(scan.column<core::Instant>("expires_at"));
    a.warnings = scan.get(scan.column<std::vector<std::string>>("warnings"));
    a.session = scan.optional(scan.column<Uuid>("session_id"));
    a.seats = scan.get(scan.column<std::int32_t>("seats"));
    a.version = scan.get(scan.column<std::int32_t>("version"));
    a.code = text("confirmation_code");
    return a;
}

Standing locked_appointment(const Context &context, const Uuid &id, std::optional<std::int32_t> version) {
    lock_resources(context.tenant_id, {id});
    std::optional<Standing> found = read_standing(context, id);
    if (!found)
        raise(Code::not_found, "the appointment does not exist", Detail().add("appointment_id", id));
    if (version && *version != found->version)
        raise(Code::stale_version, {}, Detail().add("appointment_id", id).add("version", found->version));
    return std::move(*found);
}

void refuse_transition(const Context &context, const Standing &a, std::string_view wanted) {
    std::string allowed;
    for (const core::Transition &t : core::transitions())
        if (t.from == a.status && !a.is_dead(now()) && (t.by_patient || context.actor != Actor::patient))
            allowed += (allowed.empty() ? "\"" : ",\"") + std::string(core::name_of(t.change)) + "\"";
    raise(Code::bad_transition, "the appointment is in a state that does not allow \"" + std::string(wanted) + "\"",
          Detail()
              .add("appointment_id", a.id)
              .add("status", a.is_dead(now()) ? std::string_view("expired") : core::name_of(a.status))
              .add_json("allowed", "[" + allowed + "]"),
          allowed.empty() ? "Nothing changes this state any more." : "The detail lists the changes that it allows.");
}

Standing locked_for(const Context &context, const Uuid &id, std::optional<std::int32_t> version, core::Change change) {
    const auto all = core::transitions();
    if (context.actor == Actor::patient &&
        std::none_of(all.begin(), all.end(), [&](const auto &t) { return t.change == change && t.by_patient; }))
        raise(Code::forbidden, "only staff may do that", Detail().add("appointment_id", id));
    Standing a = locked_appointment(context, id, version);
    const core::Transition *transition = core::transition_of(change, a.status);
    if (transition == nullptr || a.is_dead(now()))
        refuse_transition(context, a, core::name_of(change));
    if (!transition->by_patient && context.actor == Actor::patient)
        raise(Code::forbidden, "only staff may do that", Detail().add("appointment_id", id));
    return a;
}

std::vector<Uuid> used_resources(const Context &context, const Standing &a) {
    std::vector<Uuid> ids{a.patient};
    each_row_of(resources_table, resources_pkey, context, a.id, [&ids](const IndexScan &scan) {
        ids.push_back(scan.get(scan.column<Uuid>("resource_id")));
        return true;
    });
    return ids;
}

bool lock_alive(const Context &context, const Standing &a) {
    const std::vector<Uuid> used = used_resources(context, a);
    std::vector<Uuid> all = used;
    if (a.session)
        all.push_back(*a.session);
    lock_resources(context.tenant_id, std::move(all));
    if (!a.expires)
        return true;
    const std::vector<Uuid> claimed = claimed_resources(context.tenant_id, a.id);
    const auto is_claimed = [&claimed](const Uuid &id) {
        return std::find(claimed.begin(), claimed.end(), id) != claimed.end();
    };
    if (!a.session)
        return std::all_of(used.begin(), used.end(), is_claimed);
    // The provider and the rooms of a session are claimed by the session.
    Spi spi;
    return is_claimed(a.patient) &&
           spi.query_with(seats_statement, with_latest_view, context.tenant_id, a.id)[0].get<std::int64_t>(0) ==
               a.seats;
}

void update_appointment(const Context &context, const Uuid &id, const std::vector<ColumnValue> &values) {
    TableWriter writer("appointments");
    bool done = false;
    each_row_of("appointments", pkey, context, id, [&](const IndexScan &scan) {
        if (done)
            return true;
        done = writer.lock(scan.place());
        if (done)
            writer.update(values);
        return done;
    });
    writer.finish();
}

std::vector<ColumnValue> status_values(const Standing &a, core::Status status,
                                       const std::optional<std::string> &reason) {
    std::vector<ColumnValue> values{column_value("status", core::name_of(status)),
                                    column_value("status_before", core::name_of(a.status)),
                                    column_value("status_reason", reason)};
    if (a.expires)
        values.push_back(column_value("expires_at", std::optional<core::Instant>{}));
    return values;
}

Booked write_booking(const Context &context, const Placement &placed, const std::optional<std::string> &reason,
                     const Beginning &beginning) {
    Booked booked{new_id(), {}};
    do
        booked.code = new_confirmation_code();
    while (is_code_taken(context.tenant_id, booked.code));
    TableWriter writer("appointments", hold_references(context.tenant_id, placed));
    writer.insert({column_value("tenant_id", context.tenant_id),
                   column_value("appointment_id", booked.appointment),
                   column_value("confirmation_code", booked.code),
                   column_value("service_id", placed.service),
                   column_value("provider_id", placed.provider),
                   column_value("location_id", placed.location),
                   column_value("patient_id", placed.patient),
                   column_value("status", core::name_of(beginning.status)),
                   column_value("starts_at", placed.visit.begin),
                   column_value("ends_at", placed.visit.end),
                   column_value("local_starts_at", placed.local_start),
                   column_value("time_zone", placed.zone_name),
                   column_value("capacity", placed.capacity),
                   column_value("overbooked", placed.overbooked),
                   column_value("overridden", placed.overridden),
                   column_value("override_reason", reason),
                   column_value("warnings", placed.warnings),
                   column_value("created_by", context.user()),
                   column_value("updated_by", context.user()),
                   column_value("expires_at", beginning.expires),
                   column_value("seats", placed.seats),
                   column_value("session_id", placed.session)});
    writer.finish();
    write_claims(context, booked.appointment, placed, beginning);
    return booked;
}

void write_claims(const Context &context, const Uuid &appointment, const Placement &placed,
                  const Beginning &beginning) {
    write_resources(context.tenant_id, appointment, placed);
    ClaimOwner owner;
    owner.tenant = context.tenant_id;
    owner.appointment = appointment;
    owner.service = placed.service;
    owner.location = placed.location;
    owner.user = context.user();
    owner.kind = beginning.kind;
    owner.expires = beginning.expires;
    insert_claims(owner, placed.claims, placed.now);
}

void write_move(const Context &context, const Standing &a, const Placement &placed,
                const std::optional<std::string> &reason) {
    update_appointment(context, a.id,
                       {column_value("provider_id", placed.provider), column_value("location_id", placed.location),
                        column_value("starts_at", placed.visit.begin), column_value("ends_at", placed.visit.end),
                        column_value("local_starts_at", placed.local_start),
                        column_value("time_zone", placed.zone_name), column_value("capacity", placed.capacity),
                        column_value("overbooked", placed.overbooked), column_value("overridden", placed.overridden),
                        column_value("override_reason", reason), column_value("warnings", placed.warnings),
                        column_value("out_of_hours", false),
                        column_value("no_show_flagged_at", std::optional<core::Instant>{})});
    delete_resources(context, a.id);
    Beginning same;
    same.status = a.status;
    same.kind = a.status == core::Status::held      ? core::ClaimKind::hold
                : a.status == core::Status::pending ? core::ClaimKind::pending
                                                    : core::ClaimKind::booking;
    same.expires = a.expires;
    write_claims(context, a.id, placed, same);
}

void write_again(const Context &context, const Standing &a, const Placement &placed, const Beginning &beginning,
                 std::vector<ColumnValue> values) {
    const auto has = [&placed](core::Reason reason) {
        return std::find(placed.overridden.begin(), placed.overridden.end(), core::name_of(reason)) !=
               placed.overridden.end();
    };
    values.push_back(column_value("overbooked", placed.overbooked));
    values.push_back(column_value("out_of_hours", has(core::Reason::outside_hours) ||
                                                      has(core::Reason::closed_on_date) ||
                                                      has(core::Reason::window_too_short)));
    values.push_back(column_value("warnings", placed.warnings));
    update_appointment(context, a.id, values);
    delete_resources(context, a.id);
    write_claims(context, a.id, placed, beginning);
}

std::vector<Uuid> lockable_when_freed(const Context &context, const Standing &a) {
    std::vector<Uuid> ids = used_resources(context, a);
    if (a.session)
        ids.push_back(*a.session);
    Spi spi;
    for (const Row row : spi.query(lockable_statement, a.provider, a.location))
        ids.push_back(row.get<Uuid>(0));
    return ids;
}

void tell_freed(const Standing &a) {
    if (a.visit.end <= now() || a.is_dead(now()))
        return;
    // The time of a seat is the session's still; the seat itself is told of by whoever frees it.
    if (!a.session)
        tell_freed({a.id, a.service, a.provider, a.location, a.visit});
}

bool is_late(const Context &context, const Standing &a, core::Instant current) {
    Spi spi;
    const Rows rows = spi.query_with(read_cancel_rules, with_latest_view, context.tenant_id, a.service);
    const core::Duration window = core::minutes(rows[0].get<std::int32_t>(0));
    const bool late = a.visit.begin - current < window;
    if (late && rows[0].get<bool>(1) && !has_permission(context, "appointments:override"))
        raise(
            Code::bad_transition, "the appointment can no longer be cancelled",
            Detail().add("appointment_id", a.id).add("cancel_window_minutes", window.micros / core::micros_per_minute),
            "Cancel before the cancellation window begins, or ask the staff.");
    return late;
}

void write_cancellation(const Context &context, const Standing &a, const std::optional<std::string> &reason,
                        bool late) {
    lock_resources(context.tenant_id, lockable_when_freed(context, a));
    delete_claims(context.tenant_id, a.id);
    std::vector<ColumnValue> values = status_values(a, core::Status::cancelled, reason);
    values.push_back(column_value("cancelled_at", now()));
    values.push_back(column_value("cancel_reason", reason));
    values.push_back(column_value("late_cancellation", late));
    update_appointment(context, a.id, values);
    tell_freed(a);
}

void add_booking(ResultSet &rows, const Uuid &appointment, const std::string &code, core::Status status,
                 const Placement &placed) {
    rows.add(appointment, code, core::name_of(status), placed.provider, placed.location, placed.visit.begin,
             placed.visit.end, placed.local_start, placed.zone_name, placed.other_resources(), placed.warnings, false);
}

Datum in_our_words(FunctionCallInfo fcinfo, Datum (*body)(FunctionCallInfo)) {
    require_writable();
    try {
        return body(fcinfo);
    } catch (const PgError &error) {
        if (error.data != nullptr && error.data->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
            raise(Code::busy);
        if (error.data != nullptr && error.data->sqlerrcode == ERRCODE_EXCLUSION_VIOLATION)
            raise(Code::slot_taken);
        throw;
    }
}

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

void require_right_at(const Context &context, const Uuid &patient, const Uuid &provider, const Uuid &location) {
    if (!may_write_appointment(context, patient, provider, location))
        raise(
            Code::forbidden, "permission \"appointments:write\" is required there",
            Detail().add("permission", "appointments:write").add("provider_id", provider).add("location_id", location));
}

} // namespace pg_clinic::pg
