// Events: what happened to an appointment, one row for each change of its row, whoever makes the change.
#include "pg/clock.hpp"
#include "pg/context.hpp"
#include "pg/fired_row.hpp"
#include "pg/request.hpp"
#include "pg/spi.hpp"
#include "pg/table_writer.hpp"

extern "C" {
#include "utils/json.h"
}

namespace pg_clinic::pg {

namespace {

using Text = std::optional<std::string>;

// The event of a new appointment.
const char *beginning_of(const std::string &status) {
    if (status == "held")
        return "appointment.held";
    return status == "pending" ? "appointment.requested" : "appointment.scheduled";
}

// The event of a change from one state to another.
const char *change_of(const std::string &before, const std::string &after, const Text &cancel_reason) {
    if (after == "cancelled")
        return cancel_reason == "hold_expired" || cancel_reason == "approval_expired" ? "appointment.expired"
                                                                                      : "appointment.cancelled";
    if (before == "cancelled" || before == "no_show")
        return "appointment.reinstated";
    if (after == "pending")
        return "appointment.requested";
    if (after == "booked")
        return before == "held" || before == "pending" ? "appointment.scheduled" : "appointment.updated";
    if (after == "confirmed")
        return before == "booked" ? "appointment.confirmed" : "appointment.updated";
    if (after == "arrived")
        return "appointment.checked_in";
    if (after == "in_progress")
        return "appointment.started";
    return after == "completed" ? "appointment.completed" : "appointment.no_show";
}

// Whether the visit is elsewhere or at another time than before.
bool has_moved(const FiredRow &before, const FiredRow &after) {
    const auto differs = [&]<class T>(const char *name, T *) {
        return value_of<T>(before, name) != value_of<T>(after, name);
    };
    return differs("starts_at", static_cast<core::Instant *>(nullptr)) ||
           differs("ends_at", static_cast<core::Instant *>(nullptr)) ||
           differs("provider_id", static_cast<Uuid *>(nullptr)) || differs("location_id", static_cast<Uuid *>(nullptr));
}

struct Named {
    const char *event = nullptr; // null: nothing has changed
    Text before;
};

Named name_event(const FiredRow &row, const FiredRow *before) {
    const std::string status = value_of<std::string>(row, "status").value_or("");
    if (before == nullptr)
        return {beginning_of(status), std::nullopt};
    // The stamp gives every real change the next version.
    if (value_of<std::int32_t>(*before, "version") == value_of<std::int32_t>(row, "version"))
        return {};
    const Text old = value_of<std::string>(*before, "status");
    if (old != status)
        return {change_of(*old, status, value_of<std::string>(row, "cancel_reason")), old};
    return {has_moved(*before, row) ? "appointment.rescheduled" : "appointment.updated", old};
}

// What only events of holds and requests say: when they die, which the row forgets once they have.
std::optional<Json> deadline_of(const FiredRow &row) {
    const auto expires = value_of<core::Instant>(row, "expires_at");
    if (!expires)
        return std::nullopt;
    const Datum value = Sql<core::Instant>::to(*expires);
    char printed[128 + 1]; // MAXDATELEN, whose header is full of short names
    char *const buffer = printed;
    pg_call([buffer, value] {
        const int utc = 0;
        JsonEncodeDateTime(buffer, value, TIMESTAMPTZOID, &utc);
    });
    return Json{"{\"expires_at\": \"" + std::string(printed) + "\"}"};
}

void write_event(const FiredRow &row, const Named &named) {
    const auto same = [&row]<class T>(const char *name, T *) { return column_value(name, value_of<T>(row, name)); };
    constexpr Uuid *uuid = nullptr;
    constexpr core::Instant *instant = nullptr;
    const bool changed = named.before != value_of<std::string>(row, "status");
    const std::string request = present_request().request_id;
    TableWriter writer("events");
    writer.insert(
        {same("tenant_id", uuid), column_value("event_id", new_id()),
         column_value("name", std::string_view(named.event)),
         column_value("subject_id", value_of<Uuid>(row, "appointment_id")),
         column_value("sequence", value_of<std::int32_t>(row, "version")), column_value("occurred_at", now()),
         column_value("actor_id", value_of<Uuid>(row, "updated_by")),
         column_value("request_id", request.empty() ? Text{} : Text(request)),
         column_value("status", value_of<std::string>(row, "status")), column_value("status_before", named.before),
         column_value("reason", changed ? value_of<std::string>(row, "status_reason") : Text{}),
         same("service_id", uuid), same("provider_id", uuid), same("location_id", uuid), same("patient_id", uuid),
         same("starts_at", instant), same("ends_at", instant), column_value("data", deadline_of(row))});
    writer.finish();
}

KeptPlan distribute_statement{"SELECT clinic_private.distribute_event_to($1, $2, $3, $4, $5)"};

// Whether anybody wants to know of the tenant's events: most have no subscription, no consumer and no listener.
bool has_listeners(const Uuid &tenant) {
    {
        IndexScan scan("tenants", "tenants_pkey");
        scan.where("tenant_id", BTEqualStrategyNumber, tenant);
        scan.start(Sight::truth);
        if (!scan.next())
            return false;
        if (scan.get(scan.column<bool>("consumes_events")) || scan.get(scan.column<bool>("notifies_events")))
            return true;
    }
    IndexScan scan("subscriptions", "subscriptions_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.start(Sight::truth);
    while (scan.next())
        if (scan.get(scan.column<std::string_view>("status")) != "deleted")
            return true;
    return false;
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// AFTER ROW trigger of clinic_data.appointments, for whoever writes.
CLINIC_FUNCTION(clinic_record_appointment_event) {
    if (!CALLED_AS_TRIGGER(fcinfo))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "record_appointment_event must be called as a trigger");
    auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
    const bool update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
    if (!TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
        (!update && !TRIGGER_FIRED_BY_INSERT(trigger->tg_event)))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
             "record_appointment_event must be an AFTER ROW trigger of INSERT and UPDATE");
    const FiredRow row{trigger->tg_relation, update ? trigger->tg_newtuple : trigger->tg_trigtuple};
    const FiredRow old{trigger->tg_relation, trigger->tg_trigtuple};
    if (const Named named = name_event(row, update ? &old : nullptr); named.event != nullptr)
        write_event(row, named);
    return PointerGetDatum(nullptr);
}

// AFTER ROW trigger of new rows of clinic_data.events.
CLINIC_FUNCTION(clinic_distribute_event) {
    const FiredRow row = inserted_row(fcinfo, "distribute_event");
    const auto tenant = value_of<Uuid>(row, "tenant_id");
    if (has_listeners(*tenant)) {
        Spi spi;
        (void)spi.query(distribute_statement, tenant, value_of<Uuid>(row, "event_id"),
                        value_of<std::string>(row, "name"), value_of<Uuid>(row, "subject_id"),
                        value_of<std::int32_t>(row, "sequence"));
    }
    return PointerGetDatum(nullptr);
}
