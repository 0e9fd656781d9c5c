// From wall times to instants. Wall times rise, their instants nearly: a time shifted out of a gap may land behind its
// successors, so near a gap instants wait until no later wall time can come before them.
#include "core/rule_stream.hpp"

#include <algorithm>
#include <functional>

namespace pg_clinic::core::detail {

namespace {

constexpr std::int64_t zone_reach = 8 * micros_per_day; // further than any offset from UTC
constexpr LocalTime wall_end{expansion_end.days * micros_per_day};
constexpr LocalTime wall_begin{-730'119 * micros_per_day}; // 0001-01-01

LocalTime shifted(Instant t, std::int32_t offset_seconds) noexcept {
    return {t.micros + offset_seconds * micros_per_second};
}

// The least and the greatest offset of the spans near t.
std::pair<std::int32_t, std::int32_t> offsets_near(const Zone &zone, Instant t) {
    ZoneSpan span = zone.span_at({t.micros - zone_reach});
    std::pair<std::int32_t, std::int32_t> range{span.offset_seconds, span.offset_seconds};
    while (span.end <= Instant{t.micros + zone_reach} && span.end != instant_max) {
        span = zone.span_at(span.end);
        range.first = std::min(range.first, span.offset_seconds);
        range.second = std::max(range.second, span.offset_seconds);
    }
    return range;
}

} // namespace

LocalTime earliest_wall(const Zone &zone, Instant from) {
    if (from.micros <= wall_begin.micros + zone_reach)
        return wall_begin;
    if (from.micros >= wall_end.micros + zone_reach)
        return wall_end;
    return shifted(from, offsets_near(zone, from).first);
}

LocalTime latest_wall(const Zone &zone, Instant to) {
    if (to.micros <= wall_begin.micros - zone_reach)
        return wall_begin;
    if (to.micros >= wall_end.micros - zone_reach)
        return wall_end;
    return shifted(to, offsets_near(zone, to).second);
}

bool WallMap::plain(LocalTime t, Instant *out) {
    if (t < begin_ || t >= end_)
        learn(t);
    if (t < begin_ || t >= end_)
        return false;
    *out = {t.micros - offset_seconds_ * micros_per_second};
    return true;
}

// Finds the wall times that the span showing t shows, less those an earlier span shows too: of an ambiguous pair the
// first counts, and what lies ahead of every earlier span can come before none of their times.
void WallMap::learn(LocalTime t) {
    const Resolution found = resolve(zone_, t);
    if (found.kind == Resolution::Kind::nonexistent)
        return;
    const ZoneSpan shows = zone_.span_at(found.first);
    LocalTime begin = wall_begin;
    LocalTime end = wall_end;
    if (shows.begin.micros > begin.micros - zone_reach) {
        begin = shifted(shows.begin, shows.offset_seconds);
        ZoneSpan earlier = zone_.span_at({shows.begin.micros - zone_reach});
        while (earlier.end <= shows.begin) {
            begin = std::max(begin, shifted(earlier.end, earlier.offset_seconds));
            earlier = zone_.span_at(earlier.end);
        }
    }
    if (shows.end.micros < end.micros + zone_reach)
        end = shifted(shows.end, shows.offset_seconds);
    if (begin <= t && t < end) {
        begin_ = begin;
        end_ = end;
        offset_seconds_ = shows.offset_seconds;
    }
}

RuleStream::RuleStream(const RRule &rule, LocalTime dtstart, Gap gap, const Zone &zone, Work &work)
    : map_(zone), work_(work), dtstart_(dtstart), fraction_(floor_mod(dtstart.micros, micros_per_second)), gap_(gap),
      count_(rule.count), until_(wall_end), until_instant_(instant_max) {
    walk_ = make_rule_walk(rule, floor_div(dtstart.micros, micros_per_second), work);
    if (rule.until) {
        switch (rule.until->kind) {
        case Until::Kind::instant:
            until_instant_ = {rule.until->micros};
            until_ = latest_wall(zone, Instant{rule.until->micros + 1});
            break;
        case Until::Kind::local:
            until_ = {rule.until->micros + 1};
            break;
        case Until::Kind::date:
            until_ = {rule.until->micros + micros_per_day};
            break;
        }
    }
    seeks_ = !count_ || walk_->rank(wall_of(dtstart)).has_value();
}

void RuleStream::seek(Instant from, Instant to) {
    from_ = from;
    to_ = to;
    held_.reset();
    last_.reset();
    pending_.clear();
    const LocalTime begin = std::max(earliest_wall(map_.zone(), from), dtstart_);
    const LocalTime end = std::min(latest_wall(map_.zone(), to), until_);
    if (count_)
        seek_counted(begin, end);
    else
        seek_walk(begin, end);
}

void RuleStream::seek_walk(LocalTime from, LocalTime to) {
    walk_->seek(wall_of(from), wall_of(to));
    fetch();
}

void RuleStream::seek_counted(LocalTime from, LocalTime to) {
    left_ = *count_;
    if (from <= dtstart_ || !seeks_) {
        seek_walk(dtstart_, to);
        return;
    }
    left_ = left_of_count(from);
    if (left_ > 0)
        seek_walk(from, to);
}

// What COUNT leaves for the wall times from `from` on. Those in a gap that skip drops are not counted: the gaps
// between DTSTART and `from` are few, and the rule is counted in each.
std::int64_t RuleStream::left_of_count(LocalTime from) {
    const auto rank = [this](LocalTime t) { return walk_->rank(wall_of(t)).value_or(0); };
    std::int64_t vanished = 0;
    const Zone &zone = map_.zone();
    ZoneSpan span = zone.span_at({dtstart_.micros - zone_reach});
    while (gap_ == Gap::skip && span.end.micros < from.micros + zone_reach) {
        work_.step();
        const ZoneSpan next = zone.span_at(span.end);
        const LocalTime begin = std::max(shifted(span.end, span.offset_seconds), dtstart_);
        const LocalTime end = std::min(shifted(span.end, next.offset_seconds), from);
        if (begin < end) {
            const std::int64_t before = rank(begin);
            if (before - vanished >= *count_)
                return 0;
            vanished += gap_is_alone(span, next) ? rank(end) - before : vanished_one_by_one(span.end, begin, end);
        }
        span = next;
    }
    return *count_ - rank(from) + vanished;
}

// True when no other change of offset is near that might show what the gap between two spans jumps over.
bool RuleStream::gap_is_alone(const ZoneSpan &before, const ZoneSpan &after) {
    const bool long_before = before.begin == instant_min || before.begin.micros < before.end.micros - zone_reach;
    const bool long_after = after.end == instant_max || after.end.micros > before.end.micros + zone_reach;
    return long_before && long_after;
}

// The instances within [begin, end) that really vanish in the gap at `change`.
std::int64_t RuleStream::vanished_one_by_one(Instant change, LocalTime begin, LocalTime end) {
    std::int64_t vanished = 0;
    walk_->seek(wall_of(begin), wall_of(end));
    while (const std::optional<Wall> wall = walk_->next()) {
        const Resolution found = resolve(map_.zone(), {*wall * micros_per_second + fraction_});
        if (found.kind == Resolution::Kind::nonexistent && found.second == change)
            ++vanished;
    }
    return vanished;
}

// Gives out pending instants as soon as no wall time to come can map before them.
std::optional<Instant> RuleStream::next() {
    for (;;) {
        Instant t;
        if (!pending_.empty() && (!held_ || pending_.front() < bound_instant(map_.zone(), *held_))) {
            std::pop_heap(pending_.begin(), pending_.end(), std::greater<>());
            t = pending_.back();
            pending_.pop_back();
        } else if (!held_) {
            return std::nullopt;
        } else if (pending_.empty() && map_.plain(*held_, &t)) {
            if (!count_down())
                continue;
            fetch();
        } else {
            take_held();
            continue;
        }
        if (t >= to_ || t > until_instant_) {
            pending_.clear();
            held_.reset();
            return std::nullopt;
        }
        if (t >= from_ && (!last_ || *last_ < t)) {
            last_ = t;
            return t;
        }
    }
}

// Puts the held wall time among the pending instants, unless the gap drops it, which COUNT does not count.
void RuleStream::take_held() {
    Instant t;
    if (to_instant(map_.zone(), *held_, gap_, &t)) {
        if (!count_down())
            return;
        pending_.push_back(t);
        std::push_heap(pending_.begin(), pending_.end(), std::greater<>());
    }
    fetch();
}

// Uses up one of COUNT; false, and no more wall times, when none is left.
bool RuleStream::count_down() {
    if (!count_ || left_-- > 0)
        return true;
    held_.reset();
    return false;
}

void RuleStream::fetch() {
    held_.reset();
    if (const std::optional<Wall> wall = walk_->next())
        held_ = LocalTime{*wall * micros_per_second + fraction_};
}

// The first second of the walk at or after t; the fraction is DTSTART's.
Wall RuleStream::wall_of(LocalTime t) const noexcept { return ceil_div(t.micros - fraction_, micros_per_second); }

} // namespace pg_clinic::core::detail
