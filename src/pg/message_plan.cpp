// What messages depend on: see message_plan.hpp.
#include "pg/message_plan.hpp"

#include "pg/clock.hpp"
#include "pg/zone_pg.hpp"

namespace pg_clinic::pg {

namespace {

// 72, 24 and 2 hours before.
std::vector<core::ReminderRule> default_plan() {
    std::vector<core::ReminderRule> rules;
    for (const std::int32_t before : {4320, 1440, 120}) {
        core::ReminderRule rule;
        rule.before_minutes = before;
        rules.push_back(std::move(rule));
    }
    return rules;
}

template <class T> void replace(T &value, const std::optional<T> &by) {
    if (by)
        value = *by;
}

std::optional<core::Duration> time_in(const IndexScan &scan, const char *column) {
    const auto time = scan.optional(scan.column<TimeOfDay>(column));
    return time ? std::optional(core::Duration{time->micros}) : std::nullopt;
}

} // namespace

MessageSettings read_message_settings(const Uuid &tenant, const Uuid &patient, Sight sight) {
    MessageSettings out;
    {
        IndexScan scan("tenants", "tenants_pkey");
        scan.where("tenant_id", BTEqualStrategyNumber, tenant);
        scan.start(sight);
        if (!scan.next())
            return out;
        out.tenant_known = true;
        out.zone = scan.optional(scan.column<std::string>("message_time_zone")).value_or("");
        out.quiet_from = *time_in(scan, "quiet_from");
        out.quiet_until = *time_in(scan, "quiet_until");
        out.delay_minutes = scan.get(scan.column<std::int32_t>("message_delay_minutes"));
        out.channels[1] = scan.get(scan.column<Json>("message_channels")).text;
    }
    IndexScan scan("communication_preferences", "communication_preferences_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("patient_id", BTEqualStrategyNumber, patient);
    scan.start(sight);
    if (scan.next()) {
        replace(out.zone, scan.optional(scan.column<std::string>("time_zone")));
        replace(out.quiet_from, time_in(scan, "quiet_from"));
        replace(out.quiet_until, time_in(scan, "quiet_until"));
        out.channels[0] = scan.get(scan.column<Json>("channels")).text;
    }
    return out;
}

std::string quiet_zone(const MessageSettings &settings, const std::optional<std::string> &visit_zone) {
    return !settings.zone.empty() ? settings.zone : visit_zone.value_or("Etc/UTC");
}

core::QuietHours quiet_hours(const MessageSettings &settings, const std::optional<std::string> &visit_zone) {
    return {&zone_named(quiet_zone(settings, visit_zone)), settings.quiet_from, settings.quiet_until};
}

std::vector<core::ReminderRule> read_reminder_plan(const Uuid &tenant, const Uuid &service, const Uuid &patient,
                                                   Sight sight) {
    IndexScan scan("reminder_plans", "reminder_plans_tenant_id_service_id_patient_id_key");
    const auto find = [&](bool of_service, bool of_patient) {
        scan.where("tenant_id", BTEqualStrategyNumber, tenant);
        if (of_service)
            scan.where("service_id", BTEqualStrategyNumber, service);
        else
            scan.where_null("service_id");
        if (of_patient)
            scan.where("patient_id", BTEqualStrategyNumber, patient);
        else
            scan.where_null("patient_id");
        scan.start(sight);
        return scan.next();
    };
    if (find(true, true) || find(false, true) || find(true, false) || find(false, false))
        return core::read_reminders(scan.get(scan.column<Json>("reminders")).text);
    return default_plan();
}

void Reachable::read_contacts(const Uuid &owner, std::vector<Entry> &entries) const {
    IndexScan scan("patient_contacts", "patient_contacts_tenant_id_patient_id_key");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant_);
    scan.where("patient_id", BTEqualStrategyNumber, owner);
    scan.start(sight_);
    while (scan.next()) {
        // Without its index the contact was shredded.
        if (scan.optional(scan.column<core::Instant>("opted_out_at")) ||
            scan.optional(scan.column<core::Instant>("bounced_at")) ||
            !scan.optional(scan.column<Bytes>("destination_index")))
            continue;
        Entry entry;
        entry.contact.id = scan.get(scan.column<Uuid>("contact_id"));
        entry.contact.channel = scan.get(scan.column<std::string>("channel"));
        entry.contact.verified = scan.optional(scan.column<core::Instant>("verified_at")).has_value();
        entry.contact.created = scan.get(scan.column<core::Instant>("created_at"));
        entry.owner = owner;
        entry.destination = scan.get(scan.column<Bytes>("destination"));
        entries.push_back(std::move(entry));
    }
}

const std::vector<Reachable::Entry> &Reachable::guardians() {
    if (guardians_)
        return *guardians_;
    guardians_.emplace();
    const core::Day today = core::date_of(core::LocalTime{now().micros}); // in UTC
    std::vector<Uuid> people;
    {
        IndexScan scan("dependants", "dependants_patient_id_idx");
        scan.where("tenant_id", BTEqualStrategyNumber, tenant_);
        scan.where("patient_id", BTEqualStrategyNumber, patient_);
        scan.start(sight_);
        while (scan.next())
            if (scan.optional(scan.column<core::Day>("until_on")).value_or(today) >= today)
                people.push_back(scan.get(scan.column<Uuid>("guardian_patient_id")));
    }
    for (const Uuid &guardian : people)
        read_contacts(guardian, *guardians_);
    return *guardians_;
}

const Reachable::Entry *Reachable::best_of(const std::vector<Entry> &entries, const std::vector<std::string> &channels,
                                           const std::optional<std::string> &wanted) const {
    const Entry *best = nullptr;
    for (const Entry &entry : entries)
        if (core::is_fit_contact(entry.contact, channels, wanted) &&
            (best == nullptr || core::is_better_contact(entry.contact, best->contact, channels, wanted)))
            best = &entry;
    return best;
}

Reached Reachable::reach(std::string_view kind, const std::optional<std::string> &wanted) {
    Reached out;
    const std::vector<std::string> channels = core::channels_for(kind, settings_.channels);
    if (channels.empty()) {
        out.not_reached_for = "unwanted";
        return out;
    }
    if (!own_)
        read_contacts(patient_, own_.emplace());
    const Entry *best = best_of(*own_, channels, wanted);
    if (best == nullptr)
        best = best_of(guardians(), channels, wanted);
    if (best == nullptr) {
        out.not_reached_for = "no_contact";
        return out;
    }
    out.channel = best->contact.channel;
    out.contact = best->contact.id;
    out.owner = best->owner;
    out.destination = best->destination;
    return out;
}

} // namespace pg_clinic::pg
