// A recurrence set: DTSTART, rules, RDATE and EXDATE in a zone, and the search for its instances.
//
// policies.md, "Recurrence", decides every reading. Rules expand in wall time, then each local time becomes an instant.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/rrule.hpp"
#include "core/work.hpp"
#include "core/zone.hpp"

namespace pg_clinic::core {

// What a set is made of. Times are local to the zone unless they are instants.
struct RecurrenceSpec {
    LocalTime dtstart;
    std::vector<RRule> rules;
    std::vector<LocalTime> rdates;       // follow gap
    std::vector<Instant> rdate_instants; // given in UTC
    std::vector<LocalTime> exdates;      // resolved like instances, compared as instants
    std::vector<Instant> exdate_instants;
    Gap gap = Gap::skip;
};

// A half-open window of instants.
struct InstantRange {
    Instant begin = instant_min;
    Instant end = instant_max;
};

// Walks a set in ascending order, without duplicates. Keeps references to spec, zone and work: they outlive it.
class RecurrenceIterator {
  public:
    // Positions before the first instance at or after `from`; instances at `to` or later are neither given nor looked
    // for. Cost does not grow with the distance from DTSTART, but for a rule with COUNT whose number of instances
    // cannot be computed.
    RecurrenceIterator(const RecurrenceSpec &spec, const Zone &zone, Work &work, Instant from = instant_min,
                       Instant to = instant_max);
    ~RecurrenceIterator();
    RecurrenceIterator(const RecurrenceIterator &) = delete;
    RecurrenceIterator &operator=(const RecurrenceIterator &) = delete;

    // The next instance, or nothing when the set is exhausted (year 9999 is reached at least).
    std::optional<Instant> next();

    // Puts the next instances into out, as many as it holds; returns how many. Fewer than fit means the end.
    std::size_t fill(std::span<Instant> out);

    // The last instance before `before`; leaves the iterator at an unspecified place.
    std::optional<Instant> last_before(Instant before);

  private:
    struct State;
    std::optional<Instant> last_from(Instant found, Instant high);
    std::unique_ptr<State> state_;
};

// All instances within range, ascending, at most max_count when given.
std::vector<Instant> occurrences(const RecurrenceSpec &spec, const Zone &zone, InstantRange range,
                                 std::optional<std::int64_t> max_count, Work &work);

// Gives `take` the same in portions, for one rule that no date is added to or taken from: without a list of them all, and
// without what a set costs. What `take` throws ends it. dtstart is supported.
using TakeInstants = void (*)(std::span<const Instant> portion, void *context);
void each_occurrence(const RRule &rule, LocalTime dtstart, Gap gap, const Zone &zone, InstantRange range,
                     std::optional<std::int64_t> max_count, Work &work, TakeInstants take, void *context);

// The first instance after `after`, the last one before `before`.
std::optional<Instant> next_occurrence(const RecurrenceSpec &spec, const Zone &zone, Instant after, Work &work);
std::optional<Instant> previous_occurrence(const RecurrenceSpec &spec, const Zone &zone, Instant before, Work &work);

bool is_occurrence(const RecurrenceSpec &spec, const Zone &zone, Instant t, Work &work);

// True when some rule has neither COUNT nor UNTIL.
bool is_unbounded(const RecurrenceSpec &spec) noexcept;

// A cheap estimate of the number of instances within range, for the planner; never expands.
double estimate_occurrences(const RecurrenceSpec &spec, InstantRange range) noexcept;

// Dates of a rule of DAILY or coarser frequency without time parts, from `begin` to `end` inclusive, in date space (no zone,
// so that nothing vanishes in a gap). For hours and blocks: `anchor` is DTSTART's date. Throws Error
// invalid_parameter for a rule with a finer frequency, BYHOUR, BYMINUTE or BYSECOND. UNTIL with Z is read as its UTC date.
std::vector<Day> rule_dates(const RRule &rule, Day anchor, Day begin, Day end, Work &work);

// The parts of an iCalendar block: lines DTSTART, RRULE, RDATE, EXDATE (folded lines, TZID and VALUE parameters,
// an enclosing BEGIN/END:VEVENT accepted). tzid is empty for floating times, "UTC" for Z.
struct ICalendarBlock {
    RecurrenceSpec spec;
    std::string tzid;
    bool dtstart_is_date = false;
};

// Times in another TZID than DTSTART's are converted through zone_named (owned by the caller; throws for unknown names).
using ZoneLookup = const Zone &(*)(std::string_view name);
// `gap` becomes the set's, and decides for those converted times.
ICalendarBlock parse_icalendar(std::string_view text, ZoneLookup zone_named, Gap gap = Gap::skip);

} // namespace pg_clinic::core
