#include "support/local_text.hpp"

#include <cstdio>
#include <stdexcept>

#include "core/calendar_text.hpp"

namespace pg_clinic::test {

core::LocalTime local(std::string_view text, std::string_view hhmmss) {
    std::string full(text);
    if (full.size() == 8)
        full += "T" + std::string(hhmmss);
    if (full.size() == 13)
        full += "00";
    const auto found = core::detail::parse_date_time(full);
    if (!found || !found->valid)
        throw std::runtime_error("bad time " + full);
    return found->time;
}

core::Instant utc(std::string_view text) { return {local(text).micros}; }

std::string show(core::LocalTime t) {
    const core::CivilDate date = core::to_civil(core::date_of(t));
    const std::int64_t micros = core::time_of_day(t).micros;
    const auto seconds = static_cast<int>(micros / core::micros_per_second);
    char text[64];
    std::snprintf(text, sizeof text, "%04d%02d%02dT%02d%02d%02d", date.year, date.month, date.day, seconds / 3600,
                  seconds / 60 % 60, seconds % 60);
    std::string result = text;
    if (micros % core::micros_per_second != 0) {
        std::snprintf(text, sizeof text, ".%06d", static_cast<int>(micros % core::micros_per_second));
        result += text;
    }
    return result;
}

std::string show(core::Instant t, const core::Zone &zone) { return show(core::to_local(zone, t)); }

std::string show(const std::vector<core::Instant> &instants, const core::Zone &zone) {
    std::string text;
    for (const core::Instant t : instants)
        text += (text.empty() ? "" : " ") + show(t, zone);
    return text;
}

core::RecurrenceSpec set_of(std::string_view dtstart, std::string_view rule, core::Gap gap) {
    core::RecurrenceSpec spec;
    spec.dtstart = local(dtstart);
    spec.rules.push_back(core::parse_rrule(rule));
    spec.gap = gap;
    return spec;
}

} // namespace pg_clinic::test
