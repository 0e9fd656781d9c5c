// Lets one observer see each domain error just before it is raised; it must not throw.
#pragma once

#include "pg/errors.hpp"

namespace pg_clinic::pg {

using ErrorObserver = void (*)(Code code, const Detail &detail);

void observe_errors(ErrorObserver observer);

} // namespace pg_clinic::pg
