// No-shows of a patient, counted past row security: the policy looks at all branches, whoever asks.
#pragma once

#include "core/civil.hpp"
#include "pg/scan.hpp"

namespace pg_clinic::pg {

// How many visits of the patient that began after `since` are no-shows.
std::int32_t count_no_shows(const Uuid &tenant, const Uuid &patient, core::Instant since, Sight sight);

} // namespace pg_clinic::pg
