// The CHECK constraints and defaults of a table, compiled once a backend: the executor reads them from the catalog's text anew for each
// statement, and a TableWriter is a statement of one row mostly.
#pragma once

#include <memory>

#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// What has been compiled for one table. Used by writers until they finish; forgotten when the table, a type or a function changes.
class RowRules {
  public:
    explicit RowRules(Relation table);
    ~RowRules();
    RowRules(const RowRules &) = delete;
    RowRules &operator=(const RowRules &) = delete;

    // In the order of the table's constraints, as the executor keeps them; null when it has none.
    ExprState **checks() const { return checks_; }

    // The default of a column, counted from 0: its own, its identity's or its domain's; null for a generated one and one that is
    // gone.
    ExprState *default_of(Relation table, int column);

  private:
    MemoryContext memory_;
    ExprState **checks_;
    ExprState **defaults_; // made at first use
};

// Those of an open table.
std::shared_ptr<RowRules> row_rules(Relation table);

// To be called when an error may have left an expression half evaluated: functions keep what they were doing.
void discard_row_rules() noexcept;

} // namespace pg_clinic::pg
