// Logins that a table maps to a clinic user: see login_map.hpp.
#include "pg/login_map.hpp"

#include "pg/datum.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "utils/acl.h"
#include "utils/rel.h"
}

namespace pg_clinic::pg {

namespace {

// A column wanted by name and type.
struct Column {
    const char *name;
    Oid type;
};

// The tuples of a table of clinic_data that belongs to clinic_owner. A missing table, column or other owner means no
// rows: whoever may create a schema must not be able to map a login.
class TableScan {
  public:
    TableScan(const char *table, std::span<const Column> columns) {
        if (columns.size() > max_columns)
            throw core::Error(core::ErrorCode::internal, "too many columns");
        pg_call([this, table, columns] { open(table, columns); });
    }
    TableScan(const TableScan &) = delete;
    TableScan &operator=(const TableScan &) = delete;

    // Left by an exception, the transaction's abort closes scan and table.
    ~TableScan() {
        if (relation_ == nullptr || std::uncaught_exceptions() != exceptions_)
            return;
        systable_endscan(scan_);
        table_close(relation_, AccessShareLock);
    }

    bool next() {
        if (relation_ == nullptr)
            return false;
        tuple_ = pg_call([this] { return systable_getnext(scan_); });
        return tuple_ != nullptr;
    }

    template <class T> std::optional<T> get(std::size_t column) const {
        const NullableValue v = value(column);
        return v.is_null ? std::nullopt : std::optional<T>(Sql<T>::from(v.value));
    }

    // A value of type name.
    std::string name(std::size_t column) const {
        const NullableValue v = value(column);
        return v.is_null ? std::string() : std::string(NameStr(*DatumGetName(v.value)));
    }

  private:
    static constexpr std::size_t max_columns = 8;

    void open(const char *table, std::span<const Column> columns) {
        const Oid schema = get_namespace_oid("clinic_data", true);
        const Oid id = OidIsValid(schema) ? get_relname_relid(table, schema) : InvalidOid;
        if (!OidIsValid(id) || get_rel_relkind(id) != RELKIND_RELATION)
            return;
        Relation relation = table_open(id, AccessShareLock);
        if (relation->rd_rel->relowner != get_role_oid("clinic_owner", true) || !find_columns(relation, columns)) {
            table_close(relation, AccessShareLock);
            return;
        }
        scan_ = systable_beginscan(relation, InvalidOid, false, nullptr, 0, nullptr);
        relation_ = relation;
    }

    bool find_columns(Relation relation, std::span<const Column> columns) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            numbers_[i] = get_attnum(RelationGetRelid(relation), columns[i].name);
            if (numbers_[i] <= 0 ||
                TupleDescAttr(RelationGetDescr(relation), numbers_[i] - 1)->atttypid != columns[i].type)
                return false;
        }
        return true;
    }

    NullableValue value(std::size_t column) const {
        return pg_call([this, column] {
            NullableValue v;
            v.value = heap_getattr(tuple_, numbers_[column], RelationGetDescr(relation_), &v.is_null);
            return v;
        });
    }

    Relation relation_ = nullptr;
    SysScanDesc scan_ = nullptr;
    HeapTuple tuple_ = nullptr;
    AttrNumber numbers_[max_columns] = {};
    int exceptions_ = std::uncaught_exceptions();
};

constexpr Column tenant_columns[] = {{"tenant_id", UUIDOID}, {"slug", TEXTOID}, {"status", TEXTOID}};

template <class Wanted> std::optional<Tenant> scan_tenants(Wanted wanted) {
    TableScan scan("tenants", tenant_columns);
    while (scan.next()) {
        const auto id = scan.get<Uuid>(0);
        const auto slug = scan.get<std::string>(1);
        if (id && slug && wanted(*id, *slug))
            return Tenant{*id, *slug, scan.get<std::string>(2) == "active"};
    }
    return std::nullopt;
}

constexpr Column login_columns[] = {{"login", NAMEOID},           {"active", BOOLOID},  {"tenant_id", UUIDOID},
                                    {"actor", TEXTOID},           {"user_id", UUIDOID}, {"patient_id", UUIDOID},
                                    {"permissions", TEXTARRAYOID}};

// The mapping of one row, or nothing when the row does not make a context.
std::optional<NewContext> read_login(const TableScan &scan) {
    const auto tenant_id = scan.get<Uuid>(2);
    const auto actor = actor_named(scan.get<std::string>(3).value_or(""));
    if (!tenant_id || !actor)
        return std::nullopt;
    NewContext context{.tenant_id = *tenant_id, .actor = *actor, .door = Door::login};
    context.user_id = scan.get<Uuid>(4);
    context.patient_id = scan.get<Uuid>(5);
    for (std::string &permission : scan.get<std::vector<std::string>>(6).value_or(std::vector<std::string>{}))
        if (is_permission(permission))
            context.permissions.push_back(std::move(permission));
    return context;
}

} // namespace

std::optional<Tenant> find_tenant(const Uuid &tenant_id) {
    return scan_tenants([&](const Uuid &id, const std::string &) { return id == tenant_id; });
}

std::optional<Tenant> find_tenant(std::string_view slug_or_id) {
    const auto wanted_id = parse_uuid(slug_or_id);
    return scan_tenants(
        [&](const Uuid &id, const std::string &slug) { return wanted_id ? id == *wanted_id : slug == slug_or_id; });
}

std::string session_login() {
    return pg_call([] { return static_cast<const char *>(GetUserNameFromId(GetSessionUserId(), false)); });
}

std::optional<NewContext> mapped_login() {
    const std::string login = session_login();
    std::optional<NewContext> found;
    {
        TableScan scan("logins", login_columns);
        while (scan.next()) {
            if (scan.name(0) != login || !scan.get<bool>(1).value_or(false))
                continue;
            if (found)
                return std::nullopt;
            found = read_login(scan);
        }
    }
    if (!found)
        return std::nullopt;
    const auto tenant = find_tenant(found->tenant_id);
    return tenant && tenant->active ? found : std::nullopt;
}

std::int32_t count_mappings(std::string_view login) {
    std::int32_t count = 0;
    TableScan scan("logins", login_columns);
    while (scan.next())
        count += scan.name(0) == login && scan.get<bool>(1).value_or(false);
    return count;
}

} // namespace pg_clinic::pg
