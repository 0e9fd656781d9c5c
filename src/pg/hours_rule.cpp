// Rules that may be stored as opening hours: whole days, and at least one of them.
#include "core/recurrence_set.hpp"
#include "pg/datum.hpp"

namespace pg_clinic::pg {

namespace {

const char *finer_part(const core::RRule &rule) {
    if (rule.freq < core::Frequency::daily)
        return "FREQ";
    if (!rule.by_hour.empty())
        return "BYHOUR";
    if (!rule.by_minute.empty())
        return "BYMINUTE";
    return rule.by_second.empty() ? nullptr : "BYSECOND";
}

bool matches_ever(const core::RRule &rule, core::Day anchor) {
    const core::RecurrenceSpec spec{core::at(anchor), {rule}, {}, {}, {}, {}, core::Gap::skip};
    const core::FixedZone utc(0);
    core::Work work = interruptible_work();
    return core::RecurrenceIterator(spec, utc, work).next().has_value();
}

// True when some DTSTART gives the rule a date: its end and its interval are left out of account.
bool matches_from_somewhere(core::RRule rule) {
    rule.count.reset();
    rule.until.reset();
    rule.interval = 1;
    return matches_ever(rule, core::to_day({2000, 1, 1}));
}

} // namespace

// clinic.is_hours_rule(text)
CLINIC_FUNCTION(clinic_is_hours_rule) {
    try {
        const core::RRule rule = core::parse_rrule(Args(fcinfo).get<std::string_view>(0));
        return BoolGetDatum(finer_part(rule) == nullptr && matches_from_somewhere(rule));
    } catch (const core::Error &) {
        return BoolGetDatum(false);
    }
}

// clinic_private.check_hours_rule(rule text, dtstart date)
CLINIC_FUNCTION(clinic_check_hours_rule) {
    const Args args(fcinfo);
    const auto text = args.required<std::string>(0, "rule");
    const core::Day dtstart = finite(args.required<core::Day>(1, "dtstart"), "dtstart");
    const core::RRule rule = reading("rule", [&] { return core::parse_rrule(text); });
    if (const char *part = finer_part(rule))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, std::string("a rule of opening hours names days, not times: ") + part,
             "The time of day comes from the window, not from the rule.",
             "Use FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, without BYHOUR, BYMINUTE and BYSECOND.", "rule");
    if (!matches_ever(rule, dtstart))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "the rule never matches: \"" + core::to_text(rule) + "\"",
             "It has no date on or after its first day.", "Check BYMONTH, BYMONTHDAY, BYDAY and UNTIL.", "rule");
    return BoolGetDatum(true);
}

} // namespace pg_clinic::pg
