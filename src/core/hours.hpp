// Hours: recurring rules, date overrides, holidays and stays become windows; blocks become closed spans.
//
// policies.md, "Hours, windows, grid", decides. Windows are wall-clock and keep the row that made them.
#pragma once

#include <optional>
#include <vector>

#include "core/id.hpp"
#include "core/interval_set.hpp"
#include "core/rrule.hpp"
#include "core/work.hpp"
#include "core/zone.hpp"

namespace pg_clinic::core {

// A wall-clock window on one date; an end not after its start lies on the next day, 24 h is the end of the day.
struct WallWindow {
    Duration start; // since midnight, in [0, 24 h)
    Duration end;   // since midnight, in [0, 24 h]
};

// Which services something concerns; empty means all.
using ServiceFilter = std::vector<Id>;
bool concerns(const ServiceFilter &services, const Id &service) noexcept;

struct HoursRule {
    Id id;
    Id location;
    RRule rule;
    Day dtstart;
    WallWindow window;
    const Zone *zone = nullptr; // not owned
    Day valid_from;
    std::optional<Day> valid_until; // inclusive
    ServiceFilter services;
    std::optional<std::int32_t> max_appointments;
};

struct DateOverride {
    Id id;
    Id location; // nil: everywhere (closed only)
    Day on;
    bool open = false;
    WallWindow window;
    const Zone *zone = nullptr;
    bool works_on_holidays = false;
    ServiceFilter services;
    std::optional<std::int32_t> max_appointments;
};

struct Holiday {
    Id id;
    Id location;
    Day on;
};

struct Stay {
    Id id;
    Day from;
    Day until; // inclusive
    const Zone *zone = nullptr;
};

// The rules of one resource, and the holidays of the locations where it has hours.
struct HoursBook {
    std::vector<HoursRule> rules;
    std::vector<DateOverride> overrides;
    std::vector<Stay> stays;
    std::vector<Holiday> holidays;

    bool empty() const noexcept { return rules.empty() && overrides.empty(); }
};

// The row that made or closed something.
struct Source {
    enum class Table : std::uint8_t {
        none,
        tenants,
        locations,
        services,
        service_providers,
        resources,
        patients,
        availability_rules,
        date_overrides,
        holidays,
        blocks,
        claims,
        appointments,
        travel_times
    };
    Table table = Table::none;
    Id id;
};
const char *name_of(Source::Table table) noexcept; // "none" has the empty name

// One window on one date, before merging.
struct Window {
    Interval span;
    Id location;
    const Zone *zone = nullptr; // the zone in force (a stay's, where one covers the date)
    Day date;                   // the wall-clock date on which it starts
    Source made_by;
    std::optional<Source> closed_by; // a holiday or an override that closes it
    ServiceFilter services;
    std::optional<std::int32_t> max_appointments;
};

// The zone in which the wall clock of a date is read: that of the stay that covers the date, else home.
const Zone *zone_on(const HoursBook &book, Day date, const Zone *home) noexcept;

// All windows, closed ones included, that overlap `range`, ordered by begin, then location, then source.
std::vector<Window> expand_hours(const HoursBook &book, const Interval &range, Work &work);

// A block, leave or external busy time of a resource or location.
struct Block {
    Id id;
    Id resource; // nil: everybody at the location
    Id location; // nil: everywhere
    ServiceFilter services;
    Id kept_for; // patient; nil: nobody
    enum class Form : std::uint8_t { span, dates, recurring } form = Form::span;
    Interval span;              // span
    Day from;                   // dates, recurring (DTSTART)
    std::optional<Day> until;   // dates, recurring; inclusive
    std::optional<RRule> rule;  // recurring
    WallWindow window;          // recurring
    const Zone *zone = nullptr; // dates, recurring
};

struct Blocked {
    Interval span;
    const Block *block = nullptr; // not owned
};

// The spans of the blocks that overlap `range`, ordered by begin, then block id.
std::vector<Blocked> expand_blocks(const std::vector<Block> &blocks, const Interval &range, Work &work);

// The span of a wall-clock window that starts on a date: bounds inside a gap move to where the clock resumes, of an
// ambiguous pair the first counts. May be empty.
Interval wall_span(const Zone &zone, Day date, const WallWindow &window);

// The local day: midnight to midnight, however long.
Interval day_span(const Zone &zone, Day date);

} // namespace pg_clinic::core
