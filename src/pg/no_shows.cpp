// No-shows: see no_shows.hpp.
#include "pg/no_shows.hpp"

#include "pg/clock.hpp"
#include "pg/datum.hpp"

namespace pg_clinic::pg {

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
