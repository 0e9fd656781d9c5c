// The module's entry: magic block, settings, callbacks.
#include "pg/audit_changes.hpp"
#include "pg/audit_reads.hpp"
#include "pg/clock.hpp"
#include "pg/context.hpp"
#include "pg/freed_time.hpp"
#include "pg/gateway.hpp"
#include "pg/held_cursors.hpp"
#include "pg/http_errors.hpp"
#include "pg/idempotency.hpp"
#include "pg/list_setting.hpp"
#include "pg/master_keys.hpp"
#include "pg/postgres.hpp"
#include "pg/rate_limit.hpp"
#include "pg/request.hpp"
#include "pg/seal_key.hpp"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "pg_clinic");
#else
PG_MODULE_MAGIC;
#endif

PGDLLEXPORT void _PG_init(void);

// Runs once in each backend that loads the library, or once in the postmaster that preloads it. Nothing here throws:
// only plain calls of the server.
void _PG_init(void) {
    pg_clinic::pg::define_clock_setting();
    pg_clinic::pg::define_context_setting();
    pg_clinic::pg::define_gateway_settings();
    pg_clinic::pg::define_list_setting();
    pg_clinic::pg::define_master_key_settings();
    pg_clinic::pg::define_rate_limit_settings();
    pg_clinic::pg::define_request();
    pg_clinic::pg::define_seal_settings();
    pg_clinic::pg::define_idempotency();
    pg_clinic::pg::define_audit_changes();
    pg_clinic::pg::define_freed_time();
    pg_clinic::pg::install_audit_reads();
    pg_clinic::pg::install_held_cursors();
    pg_clinic::pg::install_http_errors();
    MarkGUCPrefixReserved("clinic");
}
}
