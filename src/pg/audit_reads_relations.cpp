// Marked tables: see audit_reads_relations.hpp.
#include "pg/audit_reads_relations.hpp"

#include "pg/boundary.hpp"

extern "C" {
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "utils/inval.h"
}

namespace pg_clinic::pg {

namespace {

using Known = std::unordered_map<Oid, std::shared_ptr<const WatchedRelation>>;
constinit Known *known = nullptr; // lives as long as the backend

void forget(Datum, Oid) {
    if (known != nullptr)
        known->clear();
}

// The arguments of the mark of a table, in the present memory context.
struct Mark {
    bool found;
    const char *name, *key, *patient;
};

bool is_mark(Oid function) {
    char *name = get_func_name(function);
    if (name == nullptr || std::strcmp(name, "audit_reads") != 0)
        return false;
    const Oid schema = get_func_namespace(function);
    return schema == get_namespace_oid("clinic_private", true) || schema == get_namespace_oid("clinic", true);
}

Mark find_mark(Oid relation) {
    const Relation table = RelationIdGetRelation(relation);
    Mark mark{};
    if (!RelationIsValid(table))
        return mark;
    // A copy: looking up functions may renew what is known of the table.
    if (const TriggerDesc *triggers = CopyTriggerDesc(table->trigdesc))
        for (int i = 0; i < triggers->numtriggers && !mark.found; ++i)
            if (const Trigger &trigger = triggers->triggers[i]; trigger.tgnargs == 3 && is_mark(trigger.tgfoid))
                mark = {true, pstrdup(trigger.tgargs[0]), pstrdup(trigger.tgargs[1]), pstrdup(trigger.tgargs[2])};
    RelationClose(table);
    return mark;
}

AttrNumber uuid_column(Oid relation, const char *name) {
    const AttrNumber number = *name == '\0' ? AttrNumber{0} : get_attnum(relation, name);
    return number > 0 && get_atttype(relation, number) == UUIDOID ? number : AttrNumber{0};
}

struct Found {
    Mark mark;
    Oid root;
    AttrNumber key, patient, tenant;
};

Found find(Oid relation) {
    Found found{find_mark(relation), relation, 0, 0, 0};
    if (!found.mark.found && get_rel_relispartition(relation)) {
        ListCell *cell = nullptr;
        foreach (cell, get_partition_ancestors(relation)) {
            found.root = lfirst_oid(cell);
            found.mark = find_mark(found.root);
            if (found.mark.found)
                break;
        }
    }
    if (found.mark.found) {
        found.key = uuid_column(relation, found.mark.key);
        found.patient = uuid_column(relation, found.mark.patient);
        found.tenant = uuid_column(relation, "tenant_id");
    }
    return found;
}

} // namespace

std::shared_ptr<const WatchedRelation> watched_relation(Oid relation) {
    if (relation < FirstNormalObjectId)
        return nullptr;
    if (known == nullptr)
        known = new Known;
    if (const auto place = known->find(relation); place != known->end())
        return place->second;
    const Found found = pg_call([relation] { return find(relation); });
    std::shared_ptr<const WatchedRelation> watched;
    if (found.mark.found)
        watched = std::make_shared<const WatchedRelation>(
            WatchedRelation{found.mark.name, found.root, found.key, found.patient, found.tenant});
    (*known)[relation] = watched;
    return watched;
}

void define_watched_relations() { CacheRegisterRelcacheCallback(forget, 0); }

} // namespace pg_clinic::pg
