// Which tables hold rows of patients, whose reads leave records: those with the trigger clinic_private.audit_reads or clinic.audit_reads.
//
// The trigger does nothing. Its arguments say what a record needs: the table's name, its key column and its patient column (both of
// type uuid; the patient column may be empty). So a mark follows its table through renaming, dump and restore; what it says is
// known to each backend until something about a table changes.
#pragma once

#include "pg/postgres.hpp"

#include <memory>
#include <string>

namespace pg_clinic::pg {

struct WatchedRelation {
    std::string name;
    Oid root;                        // the marked table itself, of a partition the one above it
    AttrNumber key, patient, tenant; // 0: there is none, or none of type uuid
};

// Null for all other relations. The relation is locked by the caller's statement.
std::shared_ptr<const WatchedRelation> watched_relation(Oid relation);

// For _PG_init.
void define_watched_relations();

} // namespace pg_clinic::pg
