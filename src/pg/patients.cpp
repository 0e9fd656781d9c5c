// Patients' rows, as the functions in SQL that write about patients need them.
#include "pg/boundary.hpp"
#include "pg/errors.hpp"
#include "pg/scan.hpp"
#include "pg/table_writer.hpp"

namespace pg_clinic::pg {

namespace {

// How often a row is looked for anew because somebody changed it in between.
constexpr int attempts = 100;

// Locks the row, if there is one, against being merged or erased, which lock it for update.
void hold_patient(const Uuid &tenant, const Uuid &patient) {
    for (int attempt = 0; attempt < attempts; ++attempt) {
        ItemPointerData place;
        {
            IndexScan scan("patients", "patients_pkey");
            scan.where("tenant_id", BTEqualStrategyNumber, tenant);
            scan.where("patient_id", BTEqualStrategyNumber, patient);
            scan.start(Sight::truth);
            if (!scan.next())
                return;
            place = scan.place();
        }
        if (hold_row("patients", place))
            return;
    }
    raise(Code::busy, "the patient's record is being changed at this moment");
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;

// clinic_private.hold_patient(tenant_id, patient_id)
CLINIC_FUNCTION(clinic_hold_patient) {
    const Args args(fcinfo);
    hold_patient(args.required<Uuid>(0, "tenant_id"), args.required<Uuid>(1, "patient_id"));
    return Datum{};
}
