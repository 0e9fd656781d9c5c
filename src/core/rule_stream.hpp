// Internal: the instants of one rule in a zone: wall times mapped, the gap applied, COUNT and UNTIL counted.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/date_walk.hpp"
#include "core/zone.hpp"

namespace pg_clinic::core::detail {

// Maps rising wall times to instants with one look at the zone for each of its spans, not for each time.
class WallMap {
  public:
    explicit WallMap(const Zone &zone) : zone_(zone) {}

    // True when t exists once or is read as the first of a pair, and nothing later maps before it; *out is then the
    // instant. False near a gap, where the caller resolves and sorts.
    bool plain(LocalTime t, Instant *out) {
        if (t < begin_ || t >= end_)
            learn(t);
        *out = {t.micros - offset_micros_};
        return begin_ <= t && t < end_;
    }

    // Of the stretch in which the last time was plain: where it ends, and what its times are ahead of UTC.
    Instant end() const noexcept { return {end_.micros - offset_micros_}; }
    std::int64_t offset_micros() const noexcept { return offset_micros_; }

    const Zone &zone() const noexcept { return zone_; }

  private:
    void learn(LocalTime t);
    bool learn_within_span(LocalTime t);

    const Zone &zone_;
    LocalTime begin_{}, end_{}; // wall times known to be plain
    std::int64_t offset_micros_ = 0;
};

class RuleStream {
  public:
    RuleStream(const RRule &rule, LocalTime dtstart, Gap gap, const Zone &zone, Work &work);
    RuleStream(const RuleStream &) = delete;
    RuleStream &operator=(const RuleStream &) = delete;

    // Of the same rule, by a walk of the caller's.
    RuleStream(const RRule &rule, LocalTime dtstart, Gap gap, const Zone &zone, Work &work,
               std::unique_ptr<RuleWalk> walk);

    // Positions before the first instance in [from, to).
    void seek(Instant from, Instant to);
    std::optional<Instant> next();

    // Puts the next instances into out, as many as it holds; returns how many. Fewer than fit means the end.
    std::size_t fill(std::span<Instant> out);

    // False when seek has to walk from DTSTART on, because nothing but walking counts the instances.
    bool seeks() const noexcept { return seeks_; }

  private:
    void seek_counted(LocalTime from, LocalTime to);
    void seek_walk(LocalTime from, LocalTime to);
    std::int64_t left_of_count(LocalTime from);
    static bool gap_is_alone(const ZoneSpan &before, const ZoneSpan &after);
    std::int64_t vanished_one_by_one(Instant change, LocalTime begin, LocalTime end);
    std::size_t fill_plain(std::span<Instant> out);
    void fetch();
    bool count_down();
    void take_held();
    Wall wall_of(LocalTime t) const noexcept;

    WallMap map_;
    std::optional<DateWalk> date_walk_;  // one of the two
    std::unique_ptr<RuleWalk> any_walk_; // is the walk
    RuleWalk *walk_;
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
