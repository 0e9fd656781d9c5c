// Expressions that can carry what they see out of a statement past its result: functions of one's own, which may write, count or raise
// notices, and those of the server that do something, such as set_config().
//
// Below such an expression nobody can say that a row that a LIMIT, an OFFSET or a WHERE dropped was not read. So a statement that has
// one, wherever it is, has recorded what its scans emit. The planner sees what was written; what it finds goes along with the plan.
#pragma once

#include "pg/postgres.hpp"

extern "C" {
#include "nodes/plannodes.h"
}

namespace pg_clinic::pg {

// Whether a query that reads marked tables, also in the queries below it, can tell of rows that it does not return.
bool can_tell(const Query &query);

// Whether an expression of a plan, or a list of them, can.
bool can_tell(const List *expressions);

void mark_telling(PlannedStmt &plan);
bool is_telling(const PlannedStmt &plan);

} // namespace pg_clinic::pg
