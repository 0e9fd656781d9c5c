// The messages of a new booking, written in one go when its row is: what plan_reminders and add_notification would write for a visit
// that nothing has been planned for yet. Changes, and what must be merged with an earlier message, are theirs
// (sql/api/52_notifications_3_planning.sql); what both depend on is read by message_plan.cpp.
#include "core/json.hpp"
#include "pg/clock.hpp"
#include "pg/context.hpp"
#include "pg/fired_row.hpp"
#include "pg/message_plan.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"
#include "pg/table_writer.hpp"
#include "pg/visibility.hpp"
#include "pg/zone_pg.hpp"

namespace pg_clinic::pg {

namespace {

using Text = std::optional<std::string>;

KeptPlan add_confirmation{"SELECT clinic_private.add_notification($1, 'confirmation', $2, $3, NULL::jsonb, $4, $5)"};
KeptPlan add_task{
    "INSERT INTO clinic_data.notification_tasks (tenant_id, task_id, after, by_patient, by_system, created_at)"
    " VALUES ($1, $2, pg_catalog.to_jsonb(ROW($1, $3, $4, $5, $6, $7, $8, $9, $10)::clinic_private.appointment_facts), "
    "$11,"
    " $12, $13)"};

// Why a message is not even kept waiting: the patient does not want its kind. Null: it waits for a contact, or has one.
const char *unwanted(const Reached &reached) {
    const bool is = !reached.channel && std::strcmp(reached.not_reached_for, "unwanted") == 0;
    return is ? reached.not_reached_for : nullptr;
}

const char *reason_of(core::NotReminded skipped) {
    switch (skipped) {
    case core::NotReminded::overdue:
        return "overdue";
    case core::NotReminded::coincides:
        return "coincides";
    case core::NotReminded::no:
        break;
    }
    return nullptr;
}

struct Visit {
    Uuid tenant;
    Uuid id; // nil: not a row yet
    Uuid service;
    Uuid patient;
    core::Instant starts;
    core::LocalTime local_starts;
    std::string zone;
};

Visit visit_of(const FiredRow &row) {
    return {*value_of<Uuid>(row, "tenant_id"),          *value_of<Uuid>(row, "appointment_id"),
            *value_of<Uuid>(row, "service_id"),         *value_of<Uuid>(row, "patient_id"),
            *value_of<core::Instant>(row, "starts_at"), *value_of<core::LocalTime>(row, "local_starts_at"),
            *value_of<std::string>(row, "time_zone")};
}

// What differs between the messages of one visit.
struct Message {
    const char *kind;
    core::Instant planned;
    core::Instant due;
    Text wanted_channel;
    Text channel;
    const char *skipped; // why; null: it waits
    std::optional<Json> data;
};

class Writer {
  public:
    // Both rows that they refer to are there: the appointment was written by this statement, and refers to the patient.
    explicit Writer(const Visit &visit)
        : visit_(visit), now_(now()), table_("notifications", {"appointments", "patients"}) {
        AttrNumber guess = 0;
        const auto place = [&]<class T>(const char *column, T *) {
            places_.push_back(table_.place_of(column, Sql<T>::type, ++guess));
        };
        constexpr Uuid *uuid = nullptr;
        constexpr std::string *text = nullptr;
        constexpr core::Instant *instant = nullptr;
        place("tenant_id", uuid);
        place("notification_id", uuid);
        place("kind", text);
        place("recipient", text);
        place("patient_id", uuid);
        place("appointment_id", uuid);
        place("planned_at", instant);
        place("due_at", instant);
        place("expires_at", instant);
        place("wanted_channel", text);
        place("channel", text);
        place("contact_id", uuid);
        place("status", text);
        place("status_reason", text);
        place("message_id", uuid);
        place("data", static_cast<Json *>(nullptr));
        place("sent_at", instant);
        place("delivery", text);
        place("delivery_at", instant);
        place("done_at", instant);
        place("created_at", instant);
    }

    void write(const Message &m) {
        const bool waits = m.skipped == nullptr;
        const NullableValue none;
        table_.insert(places_, {nullable(visit_.tenant),
                                nullable(new_id()),
                                nullable(m.kind),
                                nullable("patient"),
                                nullable(visit_.patient),
                                nullable(visit_.id),
                                nullable(m.planned),
                                nullable(m.due),
                                nullable(visit_.starts),
                                nullable(m.wanted_channel),
                                nullable(m.channel),
                                none,
                                nullable(waits ? "waiting" : "skipped"),
                                waits ? none : nullable(m.skipped),
                                none,
                                waits ? nullable(m.data) : none,
                                none,
                                none,
                                none,
                                waits ? none : nullable(now_),
                                nullable(now_)});
    }

    void finish() { table_.finish(); }

  private:
    const Visit &visit_;
    core::Instant now_;
    TableWriter table_;
    std::vector<TableWriter::Place> places_;
};

std::string transaction_id() {
    return std::to_string(pg_call([] { return U64FromFullTransactionId(GetTopFullTransactionId()); }));
}

// Whether a confirmation of this transaction is waiting already, which tells of this visit too then.
bool is_told_together(const Visit &visit, const std::string &transaction) {
    IndexScan scan("notifications", "notifications_patient_id_idx");
    scan.where("tenant_id", BTEqualStrategyNumber, visit.tenant);
    scan.where("patient_id", BTEqualStrategyNumber, visit.patient);
    // Nothing of this transaction is due before it began, but by a clock that stood elsewhere.
    if (!clock_is_frozen())
        scan.where("due_at", BTGreaterEqualStrategyNumber, core::Instant{GetCurrentTransactionStartTimestamp()});
    scan.start(Sight::truth);
    const auto kind = scan.column<std::string_view>("kind"), status = scan.column<std::string_view>("status");
    const auto data = scan.column<Json>("data");
    while (scan.next()) {
        if (scan.get(kind) != "confirmation" || scan.get(status) != "waiting")
            continue;
        const auto contents = scan.optional(data);
        if (!contents)
            continue;
        const core::JsonValue value = core::parse_json(contents->text);
        const core::JsonValue *of = value.member("transaction");
        if (of != nullptr && of->text == transaction)
            return true;
    }
    return false;
}

std::optional<Message> confirmation_of(const Visit &visit, const MessageSettings &settings, Reachable &people,
                                       bool by_patient) {
    const core::Instant planned = now() + core::minutes(settings.delay_minutes);
    const std::string transaction = transaction_id();
    if (is_told_together(visit, transaction)) {
        const std::string saved = saved_context();
        act_as_system(visit.tenant);
        Spi spi;
        (void)spi.query(add_confirmation, visit.tenant, visit.patient, visit.id, planned, !by_patient);
        restore_context(saved);
        return std::nullopt;
    }
    const core::Instant due =
        by_patient
            ? planned
            : std::max(planned, core::outside_quiet_hours(planned, visit.starts, quiet_hours(settings, visit.zone)));
    Reached reached = people.reach("confirmation", std::nullopt);
    const char *skipped = unwanted(reached);
    return Message{"confirmation",
                   planned,
                   due,
                   std::nullopt,
                   std::move(reached.channel),
                   skipped,
                   Json{"{\"transaction\": \"" + transaction + "\"}"}};
}

std::vector<Message> reminders_of(const Visit &visit, const MessageSettings &settings, Reachable &people, Sight sight) {
    const core::RemindedVisit reminded{visit.starts, visit.local_starts, &zone_named(visit.zone)};
    std::vector<Message> out;
    for (core::Reminder &r :
         core::planned_reminders(read_reminder_plan(visit.tenant, visit.service, visit.patient, sight), reminded,
                                 quiet_hours(settings, visit.zone), now())) {
        Reached reached = people.reach("reminder", r.channel);
        const char *skipped = reason_of(r.skipped);
        if (skipped == nullptr)
            skipped = unwanted(reached);
        out.push_back({"reminder", r.planned, r.due, std::move(r.channel), std::move(reached.channel), skipped, {}});
    }
    return out;
}

void plan_messages(const Visit &visit) {
    const Context *context = current_context();
    const MessageSettings settings = read_message_settings(visit.tenant, visit.patient, Sight::truth);
    if (!settings.tenant_known || visit.starts <= now())
        return;
    Reachable people(visit.tenant, visit.patient, settings, Sight::truth);
    std::vector<Message> messages;
    if (context == nullptr || context->actor != Actor::system) {
        const bool by_patient = context != nullptr && is_own_patient(*context, visit.patient);
        if (auto confirmation = confirmation_of(visit, settings, people, by_patient))
            messages.push_back(std::move(*confirmation));
    }
    for (Message &reminder : reminders_of(visit, settings, people, Sight::truth))
        messages.push_back(std::move(reminder));
    if (messages.empty())
        return;
    Writer writer(visit);
    for (const Message &message : messages)
        writer.write(message);
    writer.finish();
}

// With an old snapshot one does not see what was claimed meanwhile, and reading here would set bookings against each other: it waits.
void leave_for_later(const Visit &visit, const FiredRow &row) {
    const Context *context = current_context();
    const bool by_patient = context != nullptr && is_own_patient(*context, visit.patient);
    const bool by_system = context != nullptr && context->actor == Actor::system;
    const std::string saved = saved_context();
    act_as_system(visit.tenant);
    Spi spi;
    (void)spi.query(add_task, visit.tenant, new_id(), visit.id, visit.patient, *value_of<std::string>(row, "status"),
                    visit.starts, visit.zone, visit.service, *value_of<Uuid>(row, "provider_id"),
                    *value_of<Uuid>(row, "location_id"), by_patient, by_system, now());
    restore_context(saved);
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// AFTER ROW trigger of new rows of clinic_data.appointments, for whoever writes.
CLINIC_FUNCTION(clinic_follow_new_appointment) {
    const FiredRow row = inserted_row(fcinfo, "follow_new_appointment");
    const std::string status = value_of<std::string>(row, "status").value_or("");
    if (status == "booked" || status == "confirmed") {
        const Visit visit = visit_of(row);
        if (XactIsoLevel == XACT_READ_COMMITTED)
            plan_messages(visit);
        else
            leave_for_later(visit, row);
    }
    return PointerGetDatum(nullptr);
}

// clinic_private.planned_reminders(tenant_id, service_id, patient_id, starts_at, local_starts_at, time_zone)
CLINIC_FUNCTION(clinic_planned_reminders) {
    const Args args(fcinfo);
    const Visit visit{args.get<Uuid>(0),
                      Uuid{},
                      args.get<Uuid>(1),
                      args.get<Uuid>(2),
                      finite(args.get<core::Instant>(3), "starts_at"),
                      finite(args.get<core::LocalTime>(4), "local_starts_at"),
                      args.get<std::string>(5)};
    const MessageSettings settings = read_message_settings(visit.tenant, visit.patient, Sight::snapshot);
    Reachable people(visit.tenant, visit.patient, settings, Sight::snapshot);
    ResultSet rows(fcinfo);
    for (const Message &m : reminders_of(visit, settings, people, Sight::snapshot))
        rows.add(m.planned, m.due, m.wanted_channel, m.channel, m.skipped == nullptr ? Text{} : Text(m.skipped));
    return rows.done();
}

// clinic_private.outside_quiet_hours(at, before, time_zone, quiet_from, quiet_until)
CLINIC_FUNCTION(clinic_outside_quiet_hours) {
    const Args args(fcinfo);
    for (const int needed : {0, 2, 3, 4})
        if (args.is_null(needed))
            return returning_null(fcinfo);
    const core::QuietHours quiet{&zone_named(args.get<std::string_view>(2)),
                                 core::Duration{args.get<TimeOfDay>(3).micros},
                                 core::Duration{args.get<TimeOfDay>(4).micros}};
    return returning(fcinfo, core::outside_quiet_hours(finite(args.get<core::Instant>(0), "at"),
                                                       args.optional<core::Instant>(1), quiet));
}

// clinic_private.quiet_hours_of(tenant_id, patient_id, visit_zone)
CLINIC_FUNCTION(clinic_quiet_hours_of) {
    const Args args(fcinfo);
    const MessageSettings settings = read_message_settings(args.required<Uuid>(0, "tenant_id"),
                                                           args.required<Uuid>(1, "patient_id"), Sight::snapshot);
    const std::array<NullableValue, 3> row{nullable(quiet_zone(settings, args.optional<std::string>(2))),
                                           nullable(TimeOfDay{settings.quiet_from.micros}),
                                           nullable(TimeOfDay{settings.quiet_until.micros})};
    return composite(fcinfo, row);
}

// clinic_private.contact_of(tenant_id, patient_id, kind, wanted_channel)
CLINIC_FUNCTION(clinic_contact_of) {
    const Args args(fcinfo);
    const auto tenant = args.required<Uuid>(0, "tenant_id"), patient = args.required<Uuid>(1, "patient_id");
    const MessageSettings settings = read_message_settings(tenant, patient, Sight::snapshot);
    Reachable people(tenant, patient, settings, Sight::snapshot);
    const Reached reached = people.reach(args.required<std::string>(2, "kind"), args.optional<std::string>(3));
    const Text reason = reached.channel ? Text{} : Text(reached.not_reached_for);
    const std::array<NullableValue, 5> row{nullable(reached.channel), nullable(reached.contact),
                                           nullable(reached.owner), nullable(reached.destination), nullable(reason)};
    return composite(fcinfo, row);
}

// clinic_private.message_channels()
CLINIC_FUNCTION(clinic_message_channels) {
    return returning(fcinfo,
                     std::vector<std::string>{std::begin(core::message_channels), std::end(core::message_channels)});
}
