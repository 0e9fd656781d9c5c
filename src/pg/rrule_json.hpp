// Recurrence rules as JSON: the "recur" object of jCal (RFC 7265 §3.6.10), with RFC 7529's rscale and skip.
#pragma once

#include "core/rrule.hpp"
#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// {"freq": "WEEKLY", "interval": 2, "byday": ["MO", "-1SU"], "until": "2026-12-31"}. A list of one is a plain value.
std::string rrule_to_json(const core::RRule &rule);

// The text of a rule from such an object; raises for anything but an object of strings, numbers and lists of them.
// The text is not checked: parse_rrule does that.
std::string rrule_text_from_json(Datum json);

} // namespace pg_clinic::pg
