// Where in a plan the rows of patients pass that leave the statement.
//
// Each scan of a marked table emits its key until some node on the way up drops it; the highest node that still emits it lets through
// what leaves, and nothing else: below a LIMIT, a join or a sort there is more. Where already the scan does not emit it, the scan's own
// tuple has it: then what a sort, limit or aggregate above holds back is told too. Where not even that has it (an index-only
// scan of other columns) rows are counted. What is read is never left out.
//
// In a statement that can tell (audit_reads_telling.hpp) what the scans emit is told.
#pragma once

#include "pg/audit_reads_relations.hpp"

namespace pg_clinic::pg {

// A place where rows pass.
struct Tap {
    enum class Source : std::uint8_t {
        output, // the columns are those of the node's result
        tuple,  // of the tuple that the scan looks at
        none    // there is no key: rows are counted
    };
    PlanState *node;
    std::shared_ptr<const WatchedRelation> relation;
    Source source;
    AttrNumber key, patient, tenant; // numbers of columns there; 0 for none
    bool columns_unread;             // nothing of the row is emitted, as under count(*)
    bool drops_tell = false;         // what the node's own condition drops has been told: counted as well
};

// A scan of a marked table, and the columns of the tuple that it looks at.
struct Scanned {
    PlanState *node;
    std::shared_ptr<const WatchedRelation> relation;
    AttrNumber key, patient, tenant;
};

struct Taps {
    std::vector<Tap> taps;
    std::vector<Scanned> scans;
    bool in_workers = false; // some lie where parallel workers would run them unseen
};

// Rows whose tenant is not known otherwise must emit it too.
Taps find_taps(const QueryDesc &query, bool tenant_needed);

} // namespace pg_clinic::pg
