// The engine's arithmetic as pure functions over tstzmultirange, for anybody's own tables.
#include "core/hours.hpp"
#include "core/recurrence_set.hpp"
#include "pg/ranges.hpp"
#include "pg/result.hpp"
#include "pg/search.hpp"
#include "pg/zone_pg.hpp"

namespace pg_clinic::pg {

namespace {

core::Duration length_argument(const Args &args, int argument, const char *name, bool may_be_zero) {
    const auto d = args.required<core::Duration>(argument, name);
    if (d.micros < 0 || (d.micros == 0 && !may_be_zero))
        fail(ERRCODE_INVALID_PARAMETER_VALUE,
             std::string(name) + (may_be_zero ? " must not be negative" : " must be positive"),
             std::string("The argument is ") + name + ".", "Give an interval such as '30 minutes'.", name);
    return d;
}

void require_bounded(const core::IntervalSet &set, const char *name) {
    const auto &all = set.intervals();
    if (!all.empty() && (all.front().begin == core::instant_min || all.back().end == core::instant_max))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, std::string(name) + " must be bounded",
             std::string("The argument is ") + name + ".", "Intersect it with the range that is wanted.", name);
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic.rule_hours(rule, dtstart, start_time, end_time, tz, range_start, range_end)
CLINIC_FUNCTION(clinic_rule_hours) {
    const Args args(fcinfo);
    core::HoursBook book;
    core::HoursRule rule;
    rule.rule = reading("rule", [&] { return core::parse_rrule(args.required<std::string>(0, "rule")); });
    rule.dtstart = finite(args.required<core::Day>(1, "dtstart"), "dtstart");
    rule.window = {{args.required<TimeOfDay>(2, "start_time").micros},
                   {args.required<TimeOfDay>(3, "end_time").micros}};
    if (rule.window.start.micros >= core::micros_per_day)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "start_time must lie before 24:00", "The argument is start_time.",
             "A window may end at 24:00; the next begins at 00:00 of the next day.", "start_time");
    rule.zone = reading("tz", [&] { return &zone_named(args.required<std::string>(4, "tz")); });
    rule.valid_from = rule.dtstart;
    const core::Interval range = search_range(args, 5, 6);
    book.rules.push_back(std::move(rule));
    core::Work work = interruptible_work();
    std::vector<core::Interval> spans;
    for (const core::Window &w : core::expand_hours(book, range, work))
        spans.push_back(w.span);
    return multirange_datum(core::IntervalSet(std::move(spans)));
}

// clinic.free_time(open, busy, buffer_before, buffer_after)
CLINIC_FUNCTION(clinic_free_time) {
    const Args args(fcinfo);
    const core::IntervalSet open = intervals_of(args.datum(0));
    const core::IntervalSet busy = intervals_of(args.datum(1));
    const core::Duration before = length_argument(args, 2, "buffer_before", true);
    const core::Duration after = length_argument(args, 3, "buffer_after", true);
    return multirange_datum(open.subtracted(busy.widened(before, after)));
}

// clinic.cut_slots(free, duration, step, open, anchor)
CLINIC_FUNCTION(clinic_cut_slots) {
    const Args args(fcinfo);
    ResultSet rows(fcinfo);
    if (args.is_null(0))
        return rows.done();
    const core::IntervalSet free = intervals_of(args.datum(0));
    const core::Duration duration = length_argument(args, 1, "duration", false);
    const core::Duration step = args.is_null(2) ? duration : length_argument(args, 2, "step", false);
    const core::IntervalSet open = args.is_null(3) ? free : intervals_of(args.datum(3));
    const auto anchor = args.optional<core::Instant>(4);
    if (anchor)
        (void)finite(*anchor, "anchor");
    require_bounded(free, "free");
    require_bounded(open, "open");
    core::Work work = interruptible_work(10'000'000);
    for (const core::Interval &window : open.intervals())
        core::GridStarts(window, window, duration, step, anchor.value_or(window.begin)).each([&](core::Instant start) {
            work.step();
            const core::Interval slot{start, start + duration};
            if (free.covers(slot))
                rows.add_datums(std::array{NullableValue{range_datum(slot), false}});
            return true;
        });
    return rows.done();
}

// clinic.local_instant(local_time, time_zone, utc_offset, gap)
CLINIC_FUNCTION(clinic_local_instant) {
    const Args args(fcinfo);
    const auto local = finite(args.required<core::LocalTime>(0, "local_time"), "local_time");
    const core::Zone &zone = reading(
        "time_zone", [&]() -> const core::Zone & { return zone_named(args.required<std::string>(1, "time_zone")); });
    return returning(
        fcinfo, instant_of_local(zone, local, args.optional<core::Duration>(2), args.get_or<std::string>(3, "refuse")));
}
