// Keys of marked tables as hidden columns of queries.
//
// `SELECT name FROM clinic.patients ORDER BY name LIMIT 5` does not emit the key: the plan drops it below the sort, and every row that
// is sorted would be told. So, before a query is planned, keys that its tables or subqueries offer are added to its result as
// junk columns, which leave no statement: then the key comes along to the top. Grouped, distinct and combined queries stay as they are.
#pragma once

#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// The names (char *) of the marked tables that a query reads, each once, in the present memory context.
List *watched_names(const Query &query);

// Adds the columns, in place. For a planner hook, which may change its query.
void add_hidden_keys(Query &query);

} // namespace pg_clinic::pg
