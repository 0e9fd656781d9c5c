// Small help for the hooks of our settings, which run outside the boundary and must not raise.
#pragma once

#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// Memory for a check hook's "extra", which the server frees; null when there is none.
inline void *setting_extra(std::size_t size) noexcept {
#if PG_VERSION_NUM >= 160000
    return guc_malloc(LOG, size);
#else
    return std::malloc(size);
#endif
}

// Sets what the server says when a check hook refuses a value.
inline void refuse_setting(int sqlstate, const char *message, const char *detail, const char *hint) {
    GUC_check_errcode(sqlstate);
    GUC_check_errmsg("%s", message);
    if (detail != nullptr)
        GUC_check_errdetail("%s", detail);
    if (hint != nullptr)
        GUC_check_errhint("%s", hint);
}

} // namespace pg_clinic::pg
