// The setting of lists: see list_setting.hpp. The lists themselves are SQL, and read it there.
#include "pg/list_setting.hpp"

#include "pg/postgres.hpp"

namespace pg_clinic::pg {

namespace {

constinit int max_list_days = 90;

} // namespace

void define_list_setting() {
    DefineCustomIntVariable("clinic.max_list_days", "The longest range that clinic.list_appointments lists, in days.",
                            "Lists of one patient are not limited.", &max_list_days, 90, 1, 3660, PGC_SUSET, 0, nullptr,
                            nullptr, nullptr);
}

} // namespace pg_clinic::pg
