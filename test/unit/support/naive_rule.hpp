// Tests only: RFC 5545's definition of a rule, evaluated naively and without the engine's code: every day (or hour,
// minute, second) of the calendar is asked whether it is a member of its interval's set.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "core/recurrence_set.hpp"

namespace pg_clinic::test {

// Wall times in whole seconds since 2000-01-01T00:00:00.
using Wall = std::int64_t;

// The wall times of a rule from dtstart on and before `end`: SKIP, BYSETPOS, UNTIL (unless it is an instant) applied,
// COUNT not.
std::vector<Wall> naive_walls(const core::RRule &rule, Wall dtstart, Wall end);

// The instants of a rule in a zone, by trying every offset near each wall time; COUNT and UNTIL applied.
std::vector<core::Instant> naive_instants(const core::RRule &rule, Wall dtstart, Wall end, const core::Zone &zone,
                                          core::Gap gap);

// What a generated rule should look like.
struct RuleShape {
    bool day_or_coarser = true;
    bool sub_daily = true;
    bool skip = true;
    bool bounds = true; // COUNT and UNTIL
};

class RuleGenerator {
  public:
    explicit RuleGenerator(std::uint64_t seed) : random_(seed) {}
    core::RRule rule(const RuleShape &shape, Wall dtstart);
    Wall dtstart();
    std::int64_t below(std::int64_t end);
    bool chance(int percent) { return below(100) < percent; }

  private:
    std::vector<std::int16_t> numbers(int most_values, int least, int most, bool is_signed);
    void add_by_day(core::RRule *rule);
    void add_skip(core::RRule *rule);
    void add_bounds(core::RRule *rule, Wall dtstart);

    std::mt19937_64 random_;
};

// How far it pays to look for instances of a rule of this frequency.
Wall naive_horizon(const core::RRule &rule, Wall dtstart);

} // namespace pg_clinic::test
