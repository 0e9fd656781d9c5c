// Internal: the instants of one rule in a zone: wall times mapped, the gap applied, COUNT and UNTIL counted.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/rrule_iterate.hpp"
#include "core/zone.hpp"

namespace pg_clinic::core::detail {

// Maps rising wall times to instants with one look at the zone for each of its spans, not for each time.
class WallMap {
  public:
    explicit WallMap(const Zone &zone) : zone_(zone) {}

    // True when t exists once or is read as the first of a pair, and nothing later maps before it; *out is then the
    // instant. False near a gap, where the caller resolves and sorts.
    bool plain(LocalTime t, Instant *out);

    const Zone &zone() const noexcept { return zone_; }

  private:
    void learn(LocalTime t);

    const Zone &zone_;
    LocalTime begin_{}, end_{}; // wall times known to be plain
    std::int32_t offset_seconds_ = 0;
};

class RuleStream {
  public:
    RuleStream(const RRule &rule, LocalTime dtstart, Gap gap, const Zone &zone, Work &work);

    // Positions before the first instance in [from, to).
    void seek(Instant from, Instant to);
    std::optional<Instant> next();

    // False when seek has to walk from DTSTART on, because nothing but walking counts the instances.
    bool seeks() const noexcept { return seeks_; }

  private:
    void seek_counted(LocalTime from, LocalTime to);
    void seek_walk(LocalTime from, LocalTime to);
    std::int64_t left_of_count(LocalTime from);
    static bool gap_is_alone(const ZoneSpan &before, const ZoneSpan &after);
    std::int64_t vanished_one_by_one(Instant change, LocalTime begin, LocalTime end);
    void fetch();
    bool count_down();
    void take_held();
    Wall wall_of(LocalTime t) const noexcept;

    WallMap map_;
    std::unique_ptr<RuleWalk> walk_;
    Work &work_;
    LocalTime dtstart_;
    std::int64_t fraction_; // of DTSTART's second
    Gap gap_;
    std::optional<std::int64_t> count_;
    LocalTime until_;       // exclusive, wall time
    Instant until_instant_; // inclusive
    bool seeks_ = true;

    Instant from_ = instant_min, to_ = instant_max;
    std::int64_t left_ = 0;         // of COUNT
    std::optional<LocalTime> held_; // the next wall time, not mapped yet
    std::optional<Instant> last_;   // the last instant given out
    std::vector<Instant> pending_;  // a heap: mapped, but a later wall time may still map before them
};

// Bounds of the wall times that can map into [from, to); generous by a change of offset.
LocalTime earliest_wall(const Zone &zone, Instant from);
LocalTime latest_wall(const Zone &zone, Instant to);

} // namespace pg_clinic::core::detail
