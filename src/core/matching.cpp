#include "core/matching.hpp"

#include <algorithm>
#include <limits>

namespace pg_clinic::core {

namespace {

constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t highest_cost = std::int64_t{1} << 40;

// The Hungarian method by shortest augmenting paths. Every row has a column of its own besides, dearer than all the rest
// together: who gets it is not matched. So as many as possible are matched, and a solution always exists.
class Assignment {
  public:
    Assignment(std::size_t rows, std::size_t columns, Work &work)
        : rows_(rows), columns_(columns + rows), work_(work), cost_(rows * columns_, none), row_of_(columns_, rows),
          of_row_(rows), of_column_(columns_) {}

    void set(std::size_t row, std::size_t column, std::int64_t cost) {
        std::int64_t &c = cost_[row * columns_ + column];
        c = std::min(c, cost);
    }

    void solve(std::int64_t dearest) {
        for (std::size_t row = 0; row < rows_; ++row) {
            set(row, columns_ - rows_ + row, dearest);
            add(row);
        }
    }

    std::size_t row_of(std::size_t column) const { return row_of_[column]; } // rows_: none
    std::int64_t cost(std::size_t row, std::size_t column) const { return cost_[row * columns_ + column]; }

  private:
    // Brings one more row in, along the shortest way of exchanges.
    void add(std::size_t added) {
        std::vector<std::int64_t> least(columns_, none);
        std::vector<std::size_t> before(columns_, columns_); // the column from which one came
        std::vector<char> done(columns_, 0);
        std::size_t row = added;
        std::size_t at = columns_;
        for (;;) {
            work_.step(columns_);
            std::int64_t delta = none;
            std::size_t next = columns_;
            for (std::size_t j = 0; j < columns_; ++j) {
                if (done[j])
                    continue;
                const std::int64_t c = cost_[row * columns_ + j];
                if (c != none && c - of_row_[row] - of_column_[j] < least[j]) {
                    least[j] = c - of_row_[row] - of_column_[j];
                    before[j] = at;
                }
                if (least[j] < delta) {
                    delta = least[j];
                    next = j;
                }
            }
            of_row_[added] += delta;
            for (std::size_t j = 0; j < columns_; ++j) {
                if (done[j]) {
                    of_row_[row_of_[j]] += delta;
                    of_column_[j] -= delta;
                } else if (least[j] != none) {
                    least[j] -= delta;
                }
            }
            done[next] = 1;
            at = next;
            if (row_of_[at] == rows_)
                break;
            row = row_of_[at];
        }
        while (at != columns_) {
            const std::size_t from = before[at];
            row_of_[at] = from == columns_ ? added : row_of_[from];
            at = from;
        }
    }

    std::size_t rows_, columns_;
    Work &work_;
    std::vector<std::int64_t> cost_;
    std::vector<std::size_t> row_of_;
    std::vector<std::int64_t> of_row_, of_column_; // the potentials
};

} // namespace

Matching min_cost_matching(std::size_t rows, const std::vector<std::int32_t> &capacities,
                           const std::vector<MatchingEdge> &edges, Work &work) {
    std::int64_t highest = 0;
    for (const MatchingEdge &e : edges) {
        if (e.row >= rows || e.column >= capacities.size() || e.cost < 0 || e.cost > highest_cost)
            throw Error(ErrorCode::invalid_parameter, "an edge of the matching is out of range");
        highest = std::max(highest, e.cost);
    }
    // A column of capacity n is n columns of capacity one.
    std::vector<std::size_t> first(capacities.size() + 1, 0);
    for (std::size_t c = 0; c < capacities.size(); ++c)
        first[c + 1] = first[c] + std::min(rows, static_cast<std::size_t>(std::max(capacities[c], 0)));
    std::vector<std::size_t> column_at(first.back());
    for (std::size_t c = 0; c < capacities.size(); ++c)
        std::fill(column_at.begin() + static_cast<std::ptrdiff_t>(first[c]),
                  column_at.begin() + static_cast<std::ptrdiff_t>(first[c + 1]), c);

    Assignment assignment(rows, column_at.size(), work);
    for (const MatchingEdge &e : edges)
        for (std::size_t j = first[e.column]; j < first[e.column + 1]; ++j)
            assignment.set(e.row, j, e.cost);
    assignment.solve(1 + highest * static_cast<std::int64_t>(rows));

    Matching found;
    found.column_of.resize(rows);
    for (std::size_t j = 0; j < column_at.size(); ++j)
        if (const std::size_t row = assignment.row_of(j); row < rows) {
            found.column_of[row] = column_at[j];
            found.cost += assignment.cost(row, j);
            ++found.size;
        }
    return found;
}

} // namespace pg_clinic::core
