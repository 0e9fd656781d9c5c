// Locks on the rows of patients: see patients.hpp.
#include "pg/patients.hpp"

#include "pg/boundary.hpp"
#include "pg/errors.hpp"
#include "pg/scan.hpp"
#include "pg/table_writer.hpp"

namespace pg_clinic::pg {

namespace {

// A scan that sees what is committed by now can miss a row that somebody changes while it looks: see field_keys.cpp.
constexpr int looks = 3;

// How often a row is looked for anew because somebody changed it in between.
constexpr int attempts = 100;

} // namespace

PatientLock lock_patient(const Uuid &tenant, const Uuid &patient, LockTupleMode mode) {
    ItemPointerData place;
    bool found = false;
    {
        IndexScan scan("patients", "patients_pkey");
        for (int look = 0; look < looks && !found; ++look) {
            scan.where("tenant_id", BTEqualStrategyNumber, tenant);
            scan.where("patient_id", BTEqualStrategyNumber, patient);
            scan.start(Sight::truth);
            found = scan.next();
            if (found)
                place = scan.place();
        }
    }
    if (!found)
        return PatientLock::nowhere;
    if (!hold_row("patients", place, mode))
        return PatientLock::changed;
    // Who works with one snapshot for all would go on with the record as it was.
    if (IsolationUsesXactSnapshot() && !is_in_snapshot("patients", place))
        return PatientLock::outdated;
    return PatientLock::locked;
}

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;

// clinic_private.hold_patient(tenant_id, patient_id): against being merged or erased, which lock the row for update
CLINIC_FUNCTION(clinic_hold_patient) {
    const Args args(fcinfo);
    const auto tenant = args.required<Uuid>(0, "tenant_id"), patient = args.required<Uuid>(1, "patient_id");
    for (int attempt = 0;; ++attempt) {
        switch (lock_patient(tenant, patient, LockTupleKeyShare)) {
        case PatientLock::nowhere:
        case PatientLock::locked:
            return Datum{};
        case PatientLock::outdated:
            fail(ERRCODE_T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent update");
        case PatientLock::changed:
            if (attempt == attempts)
                raise(Code::busy, "the patient's record is being changed at this moment");
        }
    }
}
