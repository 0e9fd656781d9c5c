// The recurrence set: rules, RDATE and EXDATE merged in ascending order, and the searches over it.
#include "core/recurrence_set.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "core/rule_stream.hpp"

namespace pg_clinic::core {

namespace {

using detail::RuleStream;

void sort_unique(std::vector<Instant> *instants) {
    std::sort(instants->begin(), instants->end());
    instants->erase(std::unique(instants->begin(), instants->end()), instants->end());
}

// Dates of RDATE or EXDATE as instants, sorted.
std::vector<Instant> instants_of(const std::vector<LocalTime> &locals, const std::vector<Instant> &instants,
                                 const Zone &zone, Gap gap, Work &work) {
    std::vector<Instant> all = instants;
    for (const LocalTime t : locals) {
        work.step();
        Instant instant;
        if (to_instant(zone, t, gap, &instant))
            all.push_back(instant);
    }
    sort_unique(&all);
    return all;
}

// Nothing outside of the supported years comes in, infinity least of all, so no arithmetic overflows.
void check(const RecurrenceSpec &spec) {
    if (!is_supported(spec.dtstart))
        throw Error(ErrorCode::datetime_overflow, "start of recurrence out of range",
                    "A recurrence starts in the years 1 to 9999.");
    const bool rdates_in_range =
        std::all_of(spec.rdates.begin(), spec.rdates.end(), [](LocalTime t) { return is_supported(t); }) &&
        std::all_of(spec.rdate_instants.begin(), spec.rdate_instants.end(),
                    [](Instant t) { return is_supported(LocalTime{t.micros}); });
    if (!rdates_in_range)
        throw Error(ErrorCode::datetime_overflow, "added date of recurrence out of range",
                    "Dates lie in the years 1 to 9999.");
}

} // namespace

struct RecurrenceIterator::State {
    State(const RecurrenceSpec &spec, const Zone &zone, Work &work);

    void seek(Instant from, Instant to);
    std::optional<Instant> next();
    std::size_t fill(std::span<Instant> out);
    std::optional<Instant> first_within(Instant from, Instant to);

    Work &work;
    std::vector<std::unique_ptr<RuleStream>> streams;
    std::vector<std::optional<Instant>> heads; // of the streams
    std::vector<Instant> rdates, exdates;
    std::size_t rdate = 0;
    Instant end = instant_max;
    Instant earliest = instant_min; // no instance lies before
    bool seeks = true;              // every rule seeks by arithmetic
};

// A set without any rule has DTSTART itself as an instance (RFC 5545 §3.8.5.2); with a rule, only if that yields it.
RecurrenceIterator::State::State(const RecurrenceSpec &spec, const Zone &zone, Work &work_) : work(work_) {
    check(spec);
    rdates = instants_of(spec.rdates, spec.rdate_instants, zone, spec.gap, work);
    exdates = instants_of(spec.exdates, spec.exdate_instants, zone, spec.gap, work);
    if (spec.rules.empty()) {
        Instant start;
        if (to_instant(zone, spec.dtstart, spec.gap, &start))
            rdates.insert(std::lower_bound(rdates.begin(), rdates.end(), start), start);
    }
    for (const RRule &rule : spec.rules) {
        streams.push_back(std::make_unique<RuleStream>(rule, spec.dtstart, spec.gap, zone, work));
        seeks = seeks && streams.back()->seeks();
    }
    heads.resize(streams.size());
    earliest = {spec.dtstart.micros - 8 * micros_per_day};
    if (!rdates.empty())
        earliest = std::min(earliest, rdates.front());
}

void RecurrenceIterator::State::seek(Instant from, Instant to) {
    end = to;
    rdate = static_cast<std::size_t>(std::lower_bound(rdates.begin(), rdates.end(), from) - rdates.begin());
    for (std::size_t i = 0; i < streams.size(); ++i) {
        streams[i]->seek(from, to);
        heads[i] = streams[i]->next();
    }
}

// The least of all heads that EXDATE does not remove; equal heads move on together.
std::optional<Instant> RecurrenceIterator::State::next() {
    for (;;) {
        std::optional<Instant> least;
        if (rdate < rdates.size() && rdates[rdate] < end)
            least = rdates[rdate];
        for (const std::optional<Instant> &head : heads)
            if (head && (!least || *head < *least))
                least = head;
        if (!least)
            return std::nullopt;
        work.step(1 + streams.size());
        while (rdate < rdates.size() && rdates[rdate] == *least)
            ++rdate;
        for (std::size_t i = 0; i < streams.size(); ++i)
            if (heads[i] == least)
                heads[i] = streams[i]->next();
        if (!std::binary_search(exdates.begin(), exdates.end(), *least))
            return least;
    }
}

// A rule alone has nothing to be merged with.
std::size_t RecurrenceIterator::State::fill(std::span<Instant> out) {
    const bool alone = streams.size() == 1 && rdates.empty() && exdates.empty();
    std::size_t count = 0;
    while (count < out.size()) {
        const std::optional<Instant> t = next();
        if (!t)
            break;
        out[count++] = *t;
        if (!alone || count == out.size() || !heads.front())
            continue;
        out[count++] = *heads.front();
        count += streams.front()->fill(out.subspan(count));
        heads.front() = streams.front()->next();
    }
    return count;
}

std::optional<Instant> RecurrenceIterator::State::first_within(Instant from, Instant to) {
    seek(from, to);
    return next();
}

RecurrenceIterator::RecurrenceIterator(const RecurrenceSpec &spec, const Zone &zone, Work &work, Instant from,
                                       Instant to)
    : state_(std::make_unique<State>(spec, zone, work)) {
    state_->seek(from, to);
}

RecurrenceIterator::~RecurrenceIterator() = default;

std::optional<Instant> RecurrenceIterator::next() { return state_->next(); }

std::size_t RecurrenceIterator::fill(std::span<Instant> out) { return state_->fill(out); }

std::vector<Instant> occurrences(const RecurrenceSpec &spec, const Zone &zone, InstantRange range,
                                 std::optional<std::int64_t> max_count, Work &work) {
    if (max_count && *max_count < 0)
        throw Error(ErrorCode::invalid_parameter, "maximum number of occurrences must not be negative");
    std::vector<Instant> found;
    RecurrenceIterator iterator(spec, zone, work, range.begin, range.end);
    while (!max_count || std::ssize(found) < *max_count) {
        const std::optional<Instant> t = iterator.next();
        if (!t)
            break;
        found.push_back(*t);
    }
    return found;
}

void each_occurrence(const RRule &rule, LocalTime dtstart, Gap gap, const Zone &zone, InstantRange range,
                     std::optional<std::int64_t> max_count, Work &work, TakeInstants take, void *context) {
    std::int64_t left = max_count.value_or(std::numeric_limits<std::int64_t>::max());
    if (left <= 0)
        return;
    RuleStream stream(rule, dtstart, gap, zone, work);
    stream.seek(range.begin, range.end);
    std::array<Instant, 32> portion; // most calls of many have fewer
    for (std::size_t wanted = 0, found = 0; found == wanted && left > 0; left -= static_cast<std::int64_t>(found)) {
        wanted = static_cast<std::size_t>(std::min(left, std::ssize(portion)));
        found = stream.fill(std::span(portion).first(wanted));
        if (found > 0)
            take(std::span(portion).first(found), context);
    }
}

std::optional<Instant> next_occurrence(const RecurrenceSpec &spec, const Zone &zone, Instant after, Work &work) {
    if (after == instant_max)
        return std::nullopt;
    return RecurrenceIterator(spec, zone, work, {after.micros + 1}).next();
}

bool is_occurrence(const RecurrenceSpec &spec, const Zone &zone, Instant t, Work &work) {
    if (t == instant_max)
        return false;
    return RecurrenceIterator(spec, zone, work, t, {t.micros + 1}).next().has_value();
}

std::optional<Instant> previous_occurrence(const RecurrenceSpec &spec, const Zone &zone, Instant before, Work &work) {
    return RecurrenceIterator(spec, zone, work, instant_min, instant_min).last_before(before);
}

// Looks back over windows that double until one holds an instance, then halves that window towards its last one. A
// rule whose COUNT only walking can tell is walked once instead.
std::optional<Instant> RecurrenceIterator::last_before(Instant before) {
    constexpr Instant latest{(detail::expansion_end.days + 8) * micros_per_day};
    const Instant past_rdates{state_->rdates.empty() ? instant_min.micros : state_->rdates.back().micros + 1};
    Instant high = std::min(before, std::max(latest, past_rdates));
    if (!state_->seeks) {
        std::optional<Instant> last;
        state_->seek(instant_min, high);
        while (const std::optional<Instant> t = state_->next())
            last = t;
        return last;
    }
    for (std::int64_t reach = micros_per_hour; high > state_->earliest; reach *= 2) {
        const bool all = reach > high.micros - state_->earliest.micros;
        const Instant low = all ? state_->earliest : Instant{high.micros - reach};
        if (const std::optional<Instant> found = state_->first_within(low, high))
            return last_from(*found, high);
        high = low;
    }
    return std::nullopt;
}

// The last instance before high; the iterator stands behind `found`, which is one.
std::optional<Instant> RecurrenceIterator::last_from(Instant found, Instant high) {
    constexpr int walk_at_most = 16; // a few steps cost less than a seek
    for (;;) {
        for (int i = 0; i < walk_at_most; ++i) {
            const std::optional<Instant> t = state_->next();
            if (!t)
                return found;
            found = *t;
        }
        for (;;) {
            const Instant middle{found.micros + (high.micros - found.micros) / 2 + 1};
            if (middle >= high)
                return found;
            if (const std::optional<Instant> t = state_->first_within(middle, high)) {
                found = *t;
                break;
            }
            high = middle;
        }
    }
}

bool is_unbounded(const RecurrenceSpec &spec) noexcept {
    return std::any_of(spec.rules.begin(), spec.rules.end(),
                       [](const RRule &rule) { return !rule.count && !rule.until; });
}

} // namespace pg_clinic::core
