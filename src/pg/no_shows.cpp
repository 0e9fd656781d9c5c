// No-shows: see no_shows.hpp.
#include "pg/no_shows.hpp"

#include "pg/clock.hpp"
#include "pg/datum.hpp"
#include "pg/fired_row.hpp"
#include "pg/spi.hpp"

namespace pg_clinic::pg {

namespace {

KeptPlan charge_statement{"SELECT clinic_private.charge_for($1, $2, $3, $4, 'prepayment')"};

// Whether bookings of the tenant are charged at all; few are.
bool charges_bookings(const Uuid &tenant) {
    IndexScan scan("tenants", "tenants_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.start(Sight::truth);
    return scan.next() && scan.get(scan.column<std::string_view>("no_show_policy")) == "prepayment";
}

} // namespace

std::int32_t count_no_shows(const Uuid &tenant, const Uuid &patient, core::Instant since, Sight sight) {
    IndexScan scan("appointments", "appointments_patient_id_idx");
    const auto status = scan.column<std::string_view>("status");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("patient_id", BTEqualStrategyNumber, patient);
    scan.where("starts_at", BTGreaterStrategyNumber, since);
    scan.start(sight);
    std::int32_t count = 0;
    while (scan.next())
        if (scan.get(status) == "no_show")
            ++count;
    return count;
}

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.count_no_shows(tenant_id, patient_id, months)
CLINIC_FUNCTION(clinic_count_no_shows) {
    const Args args(fcinfo);
    const auto tenant = args.required<Uuid>(0, "tenant_id");
    const auto patient = args.required<Uuid>(1, "patient_id");
    const core::Instant since = core::months_before(now(), args.required<std::int32_t>(2, "months"));
    return Sql<std::int32_t>::to(count_no_shows(tenant, patient, since, Sight::truth));
}

// AFTER ROW trigger of new rows of clinic_data.appointments.
CLINIC_FUNCTION(clinic_charge_new_booking) {
    const FiredRow row = inserted_row(fcinfo, "charge_new_booking");
    const std::string status = value_of<std::string>(row, "status").value_or("");
    const auto tenant = value_of<Uuid>(row, "tenant_id");
    // A hold is no booking yet.
    if ((status == "pending" || status == "booked" || status == "confirmed") && charges_bookings(*tenant)) {
        Spi spi;
        (void)spi.query(charge_statement, tenant, value_of<Uuid>(row, "appointment_id"),
                        value_of<Uuid>(row, "service_id"), value_of<Uuid>(row, "patient_id"));
    }
    return PointerGetDatum(nullptr);
}
