// What messages of a patient depend on, read by index: plans of reminders, quiet hours, channels and contacts.
//
// The same for whoever plans: the trigger that follows a new booking, and the SQL that plans again. It bypasses row security, so
// callers verify the tenant first.
#pragma once

#include "core/contact_choice.hpp"
#include "core/reminder_times.hpp"
#include "pg/scan.hpp"

namespace pg_clinic::pg {

// Settings of the tenant, and what the patient has chosen instead.
struct MessageSettings {
    bool tenant_known = false;
    std::string zone; // of the quiet hours; empty: that of the visit
    core::Duration quiet_from;
    core::Duration quiet_until;
    std::int32_t delay_minutes = 0;
    std::array<std::string, 2> channels; // the patient's and the tenant's, as JSON
};

MessageSettings read_message_settings(const Uuid &tenant, const Uuid &patient, Sight sight);

// visit_zone: of the visit, where there is one.
std::string quiet_zone(const MessageSettings &settings, const std::optional<std::string> &visit_zone);
core::QuietHours quiet_hours(const MessageSettings &settings, const std::optional<std::string> &visit_zone);

// The plan that counts for a service and a patient: of both, of the patient, of the service, of the tenant, else the default.
std::vector<core::ReminderRule> read_reminder_plan(const Uuid &tenant, const Uuid &service, const Uuid &patient,
                                                   Sight sight);

// Where a patient is reached.
struct Reached {
    std::optional<std::string> channel;
    std::optional<Uuid> contact;
    std::optional<Uuid> owner;             // the patient, or who acts for them
    std::optional<Bytes> destination;      // encrypted
    const char *not_reached_for = nullptr; // unwanted or no_contact
};

// The people of a patient and their contacts, read at first need, for several messages of one patient.
class Reachable {
  public:
    Reachable(const Uuid &tenant, const Uuid &patient, const MessageSettings &settings, Sight sight)
        : tenant_(tenant), patient_(patient), settings_(settings), sight_(sight) {}

    // By the wanted channel if there is a contact, else by preference. A patient without any fit contact is reached by those who act for
    // them. Knows nothing of consent.
    Reached reach(std::string_view kind, const std::optional<std::string> &wanted);

  private:
    struct Entry {
        core::Contact contact;
        Uuid owner;
        Bytes destination;
    };

    const Entry *best_of(const std::vector<Entry> &entries, const std::vector<std::string> &channels,
                         const std::optional<std::string> &wanted) const;
    void read_contacts(const Uuid &owner, std::vector<Entry> &entries) const;
    const std::vector<Entry> &guardians();

    Uuid tenant_;
    Uuid patient_;
    const MessageSettings &settings_;
    Sight sight_;
    std::optional<std::vector<Entry>> own_;
    std::optional<std::vector<Entry>> guardians_;
};

} // namespace pg_clinic::pg
