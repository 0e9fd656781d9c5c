// Tests only: local times as short text, YYYYMMDD or YYYYMMDDTHHMM[SS], and lists of them separated by blanks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/recurrence_set.hpp"

namespace pg_clinic::test {

// Midnight, or `hhmmss`, where the text has no time of day.
core::LocalTime local(std::string_view text, std::string_view hhmmss = "000000");
core::Instant utc(std::string_view text);

std::string show(core::LocalTime t);
std::string show(core::Instant t, const core::Zone &zone);
std::string show(const std::vector<core::Instant> &instants, const core::Zone &zone);

// A set of one rule.
core::RecurrenceSpec set_of(std::string_view dtstart, std::string_view rule, core::Gap gap = core::Gap::skip);

} // namespace pg_clinic::test
