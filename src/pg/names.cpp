// The oids behind the engine's names: see names.hpp.
#include "pg/names.hpp"

extern "C" {
#include "utils/acl.h"
#include "utils/inval.h"
}

namespace pg_clinic::pg {

namespace {

// Each name has one place, which the next of that place takes over.
struct Named {
    char name[NAMEDATALEN];
    Oid oid; // InvalidOid: the place is free
};
constinit Named relations[512] = {};
constinit Oid owner = InvalidOid;
constinit bool watching = false;

void forget(Datum, int, uint32) {
    for (Named &one : relations)
        one.oid = InvalidOid;
    owner = InvalidOid;
}

void watch() {
    if (watching)
        return;
    watching = true;
    for (const int catalog : {RELNAMENSP, NAMESPACENAME, AUTHNAME})
        CacheRegisterSyscacheCallback(catalog, forget, Datum{0});
}

} // namespace

Oid named_relation(const char *name) {
    Named &place = relations[std::hash<std::string_view>()(name) % std::size(relations)];
    if (OidIsValid(place.oid) && std::strcmp(place.name, name) == 0)
        return place.oid;
    watch();
    const Oid schema = get_namespace_oid("clinic_data", true);
    const Oid oid = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
    if (std::strlen(name) < sizeof place.name) {
        std::strcpy(place.name, name);
        place.oid = oid;
    }
    return oid;
}

Oid owner_role() {
    if (!OidIsValid(owner)) {
        watch();
        owner = get_role_oid("clinic_owner", true);
    }
    return owner;
}

} // namespace pg_clinic::pg
