// From wall times to instants. Wall times rise, their instants nearly: a time shifted out of a gap may land behind its
// successors, so near a gap instants wait until no later wall time can come before them.
#include "core/rule_stream.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

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

// Finds the wall times that the span showing t shows, less those an earlier span shows too: of an ambiguous pair the
// first counts, and what lies ahead of every earlier span can come before none of their times.
void WallMap::learn(LocalTime t) {
    if (learn_within_span(t))
        return;
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
        offset_micros_ = shows.offset_seconds * micros_per_second;
    }
}

// The same by one look, when t lies so far behind the begin of its span that no earlier one shows any time after it.
bool WallMap::learn_within_span(LocalTime t) {
    if (t < wall_begin || t >= wall_end)
        return false;
    const ZoneSpan span = zone_.span_at({t.micros - zone_reach});
    const bool open = span.begin.micros <= wall_begin.micros - 2 * zone_reach;
    const LocalTime begin = open ? wall_begin : LocalTime{span.begin.micros + 2 * zone_reach};
    const LocalTime end =
        span.end.micros < wall_end.micros + zone_reach ? shifted(span.end, span.offset_seconds) : wall_end;
    if (t < begin || t >= end)
        return false;
    begin_ = begin;
    end_ = end;
    offset_micros_ = span.offset_seconds * micros_per_second;
    return true;
}

RuleStream::RuleStream(const RRule &rule, LocalTime dtstart, Gap gap, const Zone &zone, Work &work)
    : RuleStream(rule, dtstart, gap, zone, work, nullptr) {}

RuleStream::RuleStream(const RRule &rule, LocalTime dtstart, Gap gap, const Zone &zone, Work &work,
                       std::unique_ptr<RuleWalk> walk)
    : map_(zone), any_walk_(std::move(walk)), work_(work), dtstart_(dtstart),
      fraction_(floor_mod(dtstart.micros, micros_per_second)), gap_(gap), count_(rule.count), until_(wall_end),
      until_instant_(instant_max) {
    const Wall start = floor_div(dtstart.micros, micros_per_second);
    if (!any_walk_ && DateWalk::takes(rule))
        walk_ = &date_walk_.emplace(rule, start, work);
    else if (!any_walk_)
        any_walk_ = make_general_walk(rule, start, work);
    if (any_walk_)
        walk_ = any_walk_.get();
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

std::size_t RuleStream::fill(std::span<Instant> out) {
    std::size_t count = 0;
    while (count < out.size()) {
        const std::optional<Instant> t = next();
        if (!t)
            break;
        out[count++] = *t;
        count += fill_plain(out.subspan(count));
    }
    return count;
}

// Goes on after an instance was given out: by addition, as long as wall times are plain, within the bounds and COUNT.
// Leaves to next() whatever comes then.
std::size_t RuleStream::fill_plain(std::span<Instant> out) {
    Instant t;
    if (count_ && left_ < std::ssize(out))
        out = out.first(static_cast<std::size_t>(std::max<std::int64_t>(left_, 0)));
    if (out.empty() || !held_ || !pending_.empty() || !map_.plain(*held_, &t) || t <= *last_)
        return 0;
    Instant end = std::min(map_.end(), to_);
    if (until_instant_ < end)
        end = {until_instant_.micros + 1};
    if (t >= end)
        return 0;
    const std::int64_t shift = fraction_ - map_.offset_micros(); // from wall times to instants
    const Wall before = ceil_div(end.micros - shift, micros_per_second);
    std::size_t count = 0;
    out[count++] = t;
    held_.reset();
    for (std::array<Wall, 64> walls; !held_;) {
        const std::size_t wanted = std::min(walls.size(), out.size() - count + 1);
        const std::size_t found = walk_->fill(std::span(walls).first(wanted), before);
        if (found == 0)
            break;
        // One more than fits, or one that is no longer plain, is held.
        const bool hold = walls[found - 1] >= before || count + found > out.size();
        for (std::size_t i = 0; i < found - (hold ? 1 : 0); ++i)
            out[count++] = {walls[i] * micros_per_second + shift};
        if (hold)
            held_ = LocalTime{walls[found - 1] * micros_per_second + fraction_};
        else if (found < wanted)
            break;
    }
    if (count_)
        left_ -= static_cast<std::int64_t>(count);
    last_ = out[count - 1];
    return count;
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
