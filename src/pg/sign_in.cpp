// What signing in must know as it is by now: an account's password and lock, live codes, how many were asked for.
//
// Read with everything committed by now, in every isolation level: in a transaction with an old snapshot no failure of
// before would count, and one could guess for ever.
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/login_map.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"

using namespace pg_clinic::pg;
namespace core = pg_clinic::core;

// clinic_private.active_tenant(text)
CLINIC_FUNCTION(clinic_active_tenant) {
    const auto tenant = find_tenant(Args(fcinfo).get<std::string_view>(0));
    return returning(fcinfo, tenant && tenant->active ? std::optional(tenant->tenant_id) : std::nullopt);
}

// clinic_private.is_active_tenant(uuid)
CLINIC_FUNCTION(clinic_is_active_tenant) {
    const auto tenant = find_tenant(Args(fcinfo).get<Uuid>(0));
    return BoolGetDatum(tenant && tenant->active);
}

// clinic_private.saved_context()
CLINIC_FUNCTION(clinic_saved_context) { return returning(fcinfo, saved_context()); }

// clinic_private.restore_context(text)
CLINIC_FUNCTION(clinic_restore_context) {
    restore_context(Args(fcinfo).get<std::string>(0));
    return 0;
}

// clinic_private.account_state(uuid, uuid, timestamptz)
CLINIC_FUNCTION(clinic_account_state) {
    static constinit KeptPlan account{
        "SELECT u.status = 'active' AND u.kind <> 'service', coalesce(c.locked_until > $3, false), c.password_hash"
        "  FROM clinic_data.users AS u"
        "  LEFT JOIN clinic_data.credentials AS c ON c.tenant_id = u.tenant_id AND c.user_id = u.user_id"
        " WHERE u.tenant_id = $1 AND u.user_id = $2"};
    const Args args(fcinfo);
    ResultSet rows(fcinfo);
    bool active = false, locked = false;
    std::optional<std::string> hash;
    if (!args.is_null(1)) {
        Spi spi;
        for (const Row row : spi.query_with(account, {View::latest}, args.get<Uuid>(0), args.get<Uuid>(1),
                                            args.get<core::Instant>(2))) {
            active = row.get<bool>(0);
            locked = row.get<bool>(1);
            hash = row.optional<std::string>(2);
        }
    }
    rows.add(active, locked, hash);
    return rows.done();
}

// clinic_private.live_code(uuid, text, text, timestamptz)
CLINIC_FUNCTION(clinic_live_code) {
    static constinit KeptPlan newest{
        "SELECT o.code_id, o.user_id, pg_catalog.encode(o.code_hash, 'hex'), o.attempts"
        "  FROM clinic_data.one_time_codes AS o"
        " WHERE o.tenant_id = $1 AND o.identifier_hash = pg_catalog.decode($2, 'hex') AND o.purpose = $3"
        "   AND o.used_at IS NULL AND o.expires_at > $4"
        " ORDER BY o.created_at DESC, o.code_id DESC LIMIT 1"};
    const Args args(fcinfo);
    ResultSet rows(fcinfo);
    Spi spi;
    for (const Row row : spi.query_with(newest, {View::latest}, args.get<Uuid>(0), args.get<std::string>(1),
                                        args.get<std::string>(2), args.get<core::Instant>(3)))
        rows.add(row.get<Uuid>(0), row.optional<Uuid>(1), row.get<std::string>(2), row.get<std::int32_t>(3));
    return rows.done();
}

// clinic_private.codes_since(uuid, text, timestamptz)
CLINIC_FUNCTION(clinic_codes_since) {
    static constinit KeptPlan recent{
        "SELECT pg_catalog.count(*), pg_catalog.min(o.created_at)"
        "  FROM clinic_data.one_time_codes AS o"
        " WHERE o.tenant_id = $1 AND o.identifier_hash = pg_catalog.decode($2, 'hex') AND o.created_at > $3"};
    const Args args(fcinfo);
    ResultSet rows(fcinfo);
    Spi spi;
    for (const Row row : spi.query_with(recent, {View::latest}, args.get<Uuid>(0), args.get<std::string>(1),
                                        args.get<core::Instant>(2)))
        rows.add(row.get<std::int64_t>(0), row.optional<core::Instant>(1));
    return rows.done();
}
