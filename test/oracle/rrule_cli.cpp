// Expands rules for the oracle. Reads lines of tab-separated fields: rule, dtstart (YYYYMMDDTHHMMSS, local), zone ("-"
// for wall time), from, to (local, in wall time; "-" for open) and max; writes the occurrences, as local times and
// separated by blanks, or "error: ..." as one line each.
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/calendar_text.hpp"
#include "core/recurrence_set.hpp"
#include "support/tzif_zone.hpp"

namespace {

using namespace pg_clinic;

core::LocalTime local_time(const std::string &text) {
    const auto found = core::detail::parse_date_time(text);
    if (!found || !found->valid)
        throw core::Error(core::ErrorCode::invalid_text, "bad time " + text);
    return found->time;
}

std::string text_of(core::LocalTime t) {
    const core::CivilDate date = core::to_civil(core::date_of(t));
    const auto seconds = static_cast<int>(core::time_of_day(t).micros / core::micros_per_second);
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%04d%02d%02dT%02d%02d%02d", date.year, date.month, date.day, seconds / 3600,
                  seconds / 60 % 60, seconds % 60);
    return buffer;
}

const core::Zone &zone_named(const std::string &name) {
    static std::map<std::string, std::unique_ptr<core::Zone>> zones;
    auto &zone = zones[name];
    if (!zone)
        zone = name == "-" ? std::unique_ptr<core::Zone>(std::make_unique<core::FixedZone>(0))
                           : std::make_unique<test::TzifZone>(name);
    return *zone;
}

std::string answer(const std::string &line) {
    std::vector<std::string> fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, '\t');)
        fields.push_back(field);
    if (fields.size() != 6)
        return "error: six fields expected";
    core::RecurrenceSpec spec;
    spec.dtstart = local_time(fields[1]);
    spec.rules.push_back(core::parse_rrule(fields[0]));
    const core::Zone &zone = zone_named(fields[2]);
    core::InstantRange range;
    if (fields[3] != "-")
        range.begin = core::bound_instant(zone, local_time(fields[3]));
    if (fields[4] != "-")
        range.end = core::bound_instant(zone, local_time(fields[4]));
    core::Work work;
    std::string text;
    for (const core::Instant t : core::occurrences(spec, zone, range, std::stoll(fields[5]), work))
        text += (text.empty() ? "" : " ") + text_of(core::to_local(zone, t));
    return text;
}

} // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        try {
            std::cout << answer(line) << '\n';
        } catch (const std::exception &error) {
            std::cout << "error: " << error.what() << '\n';
        }
    }
}
