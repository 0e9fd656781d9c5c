// Ranges: see ranges.hpp.
#include "pg/ranges.hpp"

namespace pg_clinic::pg {

namespace {

TypeCacheEntry *range_type() {
    static TypeCacheEntry *const type = pg_call([] { return lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO); });
    return type;
}

} // namespace

Datum range_datum(const core::Interval &interval) {
    TypeCacheEntry *type = range_type();
    return pg_call([type, &interval] {
        const bool no_begin = interval.begin == core::instant_min;
        const bool no_end = interval.end == core::instant_max;
        RangeBound lower{TimestampTzGetDatum(interval.begin.micros), no_begin, !no_begin, true};
        RangeBound upper{TimestampTzGetDatum(interval.end.micros), no_end, false, false};
#if PG_VERSION_NUM >= 160000
        return RangeTypePGetDatum(make_range(type, &lower, &upper, false, nullptr));
#else
        return RangeTypePGetDatum(make_range(type, &lower, &upper, false));
#endif
    });
}

core::Interval interval_of(Datum range) {
    TypeCacheEntry *type = range_type();
    return pg_call([type, range] {
        RangeBound lower, upper;
        bool empty = false;
        range_deserialize(type, DatumGetRangeTypeP(range), &lower, &upper, &empty);
        core::Interval interval{core::instant_min, core::instant_min};
        if (!empty) {
            // Time is counted in microseconds, so ( and ] mean one microsecond later.
            interval.begin =
                lower.infinite ? core::instant_min : core::Instant{DatumGetTimestampTz(lower.val) + !lower.inclusive};
            const core::Instant last{upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val)};
            interval.end = last == core::instant_max ? last : core::Instant{last.micros + upper.inclusive};
        }
        return interval;
    });
}

core::IntervalSet intervals_of(Datum multirange) {
    TypeCacheEntry *type = range_type();
    struct Ranges {
        RangeType **ranges;
        int32 count;
    };
    const Ranges r = pg_call([type, multirange] {
        Ranges out{nullptr, 0};
        multirange_deserialize(type, DatumGetMultirangeTypeP(multirange), &out.count, &out.ranges);
        return out;
    });
    std::vector<core::Interval> intervals;
    for (int32 i = 0; i < r.count; ++i)
        intervals.push_back(interval_of(RangeTypePGetDatum(r.ranges[i])));
    return core::IntervalSet(std::move(intervals));
}

Datum multirange_datum(const core::IntervalSet &set) {
    const std::vector<core::Interval> &intervals = set.intervals();
    auto **ranges =
        static_cast<RangeType **>(allocate(sizeof(RangeType *) * std::max<std::size_t>(intervals.size(), 1)));
    for (std::size_t i = 0; i < intervals.size(); ++i)
        ranges[i] = DatumGetRangeTypeP(range_datum(intervals[i]));
    TypeCacheEntry *type = range_type();
    const auto count = static_cast<int32>(intervals.size());
    return pg_call([=] { return MultirangeTypePGetDatum(make_multirange(TSTZMULTIRANGEOID, type, count, ranges)); });
}

} // namespace pg_clinic::pg
