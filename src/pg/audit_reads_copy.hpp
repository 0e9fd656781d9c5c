// COPY of a marked table: it scans the table past the executor. It is made COPY of the query that reads the same columns of the same
// rows, which is watched as every query is. pg_dump reads tables so.
#pragma once

namespace pg_clinic::pg {

// Installs the hook; for _PG_init.
void install_copied_tables();

} // namespace pg_clinic::pg
