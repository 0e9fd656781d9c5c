// Intervals of the core as tstzrange and tstzmultirange, and back.
#pragma once

#include "core/interval_set.hpp"
#include "pg/datum.hpp"

namespace pg_clinic::pg {

Datum range_datum(const core::Interval &interval);
core::Interval interval_of(Datum range); // unbounded ends become instant_min and instant_max; empty stays empty
Datum multirange_datum(const core::IntervalSet &set);
core::IntervalSet intervals_of(Datum multirange);

// tstzrange, half-open.
template <> struct Sql<core::Interval> {
    static constexpr Oid type = TSTZRANGEOID;
    static core::Interval from(Datum value) { return interval_of(value); }
    static Datum to(const core::Interval &interval) { return range_datum(interval); }
};

} // namespace pg_clinic::pg
