// Refused attempts: see audit_reads_refusals.hpp.
#include "pg/audit_reads_refusals.hpp"

#include "pg/audit_spool.hpp"
#include "pg/boundary.hpp"
#include "pg/error_observer.hpp"

namespace pg_clinic::pg {

namespace {

// What names something of a patient in the details of an error, and the table that has it.
constexpr std::array<std::pair<std::string_view, const char *>, 11> objects{{
    {"patient_id", "patients"},
    {"appointment_id", "appointments"},
    {"entry_id", "waitlist_entries"},
    {"offer_id", "waitlist_offers"},
    {"series_id", "series"},
    {"visit_id", "visits"},
    {"ticket_id", "tickets"},
    {"charge_id", "appointment_charges"},
    {"notification_id", "notifications"},
    {"contact_id", "patient_contacts"},
    {"hold_id", "holds"},
}};

// The id that a member of the details gives.
std::optional<Uuid> id_in(const std::string &members, std::string_view key) {
    const std::string start = "\"" + std::string(key) + "\": \"";
    const std::size_t place = members.find(start);
    return place == std::string::npos ? std::nullopt
                                      : parse_uuid(std::string_view(members).substr(place + start.size(), 36));
}

void note(Code code, const Detail &detail) {
    if ((code != Code::forbidden && code != Code::not_found) || !IsTransactionState() ||
        IsAbortedTransactionBlockState())
        return;
    SpoolRecord record;
    for (const auto &[key, table] : objects)
        if (const auto id = id_in(detail.members(), key)) {
            record.table_name = table;
            record.row_id = to_text(*id);
            if (key == "patient_id")
                record.patient_ids = {*id};
            break;
        }
    if (!record.table_name && code == Code::not_found)
        return;
    record.origin = present_origin();
    record.origin.reason = info(code).name;
    record.audit_class = "security";
    record.action = "denied";
    write_spool_quietly({&record, 1});
}

} // namespace

void install_refusals() { observe_errors(&note); }

} // namespace pg_clinic::pg
