// What the runner of jobs needs of the server: the tenants there are, acting for one of them as the engine itself, and a lock for
// each job and tenant that nobody can take by SQL.
//
// Only clinic_owner's functions call these: clinic.run_jobs() goes through all tenants, and whoever may call that decides.
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/result.hpp"
#include "pg/table_scan.hpp"

namespace pg_clinic::pg {

namespace {

constexpr TableColumn tenant_columns[] = {{"tenant_id", UUIDOID}, {"status", TEXTOID}};

struct KnownTenant {
    Uuid tenant_id;
    bool active;
};

std::vector<KnownTenant> all_tenants() {
    std::vector<KnownTenant> found;
    {
        TableScan scan("tenants", tenant_columns);
        while (scan.next())
            if (const auto id = scan.get<Uuid>(0))
                found.push_back({*id, scan.get<std::string>(1) == "active"});
    }
    std::sort(found.begin(), found.end(),
              [](const KnownTenant &a, const KnownTenant &b) { return a.tenant_id < b.tenant_id; });
    return found;
}

bool exists(const Uuid &tenant) {
    TableScan scan("tenants", tenant_columns, "tenants_pkey", {key_value(tenant)});
    return scan.next();
}

// Our own lock space beside SQL's advisory locks and the resources' locks: the fourth field of the tag.
LOCKTAG job_tag(const Uuid &tenant, std::string_view job) {
    const std::uint64_t key =
        hash_bytes_extended(reinterpret_cast<const unsigned char *>(job.data()), static_cast<int>(job.size()), 0) ^
        std::hash<Uuid>{}(tenant);
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, static_cast<uint32>(key >> 32), static_cast<uint32>(key), 4);
    return tag;
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;

// clinic_private.known_tenants()
CLINIC_FUNCTION(clinic_known_tenants) {
    ResultSet rows(fcinfo);
    for (const KnownTenant &tenant : all_tenants())
        rows.add(tenant.tenant_id, tenant.active);
    return rows.done();
}

// clinic_private.enter_system(uuid): the nil uuid is the database itself, whose rows are no tenant's
CLINIC_FUNCTION(clinic_enter_system) {
    const Uuid tenant_id = Args(fcinfo).required<Uuid>(0, "tenant_id");
    if (tenant_id != Uuid{} && !exists(tenant_id))
        raise(Code::not_found, "tenant \"" + to_text(tenant_id) + "\" does not exist",
              Detail().add("tenant_id", tenant_id));
    enter_context(system_context(tenant_id));
    return 0;
}

// clinic_private.try_job_lock(uuid, text)
CLINIC_FUNCTION(clinic_try_job_lock) {
    const Args args(fcinfo);
    const LOCKTAG tag = job_tag(args.required<Uuid>(0, "tenant_id"), args.required<std::string>(1, "job"));
    const LOCKTAG *wanted = &tag;
    return BoolGetDatum(
        pg_call([wanted] { return LockAcquire(wanted, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL; }));
}
