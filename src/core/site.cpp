#include "core/site.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "core/kernel.hpp"

namespace pg_clinic::core {

namespace {

constexpr Duration one_day{micros_per_day};

bool serves(const Window &window, const Service &service) {
    return !service.id || concerns(window.services, service.id);
}

// No window begins before this.
Instant earliest_window(const HoursBook &book, const Interval &range) {
    Day first = date_of(LocalTime{range.end.micros});
    for (const HoursRule &rule : book.rules)
        first = std::min(first, std::max(rule.valid_from, rule.dtstart));
    for (const DateOverride &o : book.overrides)
        if (o.open)
            first = std::min(first, o.on);
    return Instant{at(first - 3).micros}; // whatever the zone
}

// Whether the windows that serve the request and reach back over `from` touch one another up to `wanted`.
bool chain_reaches(const std::vector<Window> &windows, const Service &service, Instant from, Instant wanted) {
    std::map<Id, Instant> chain_end; // by location
    for (const Window &w : windows) {
        if (w.closed_by || !serves(w, service))
            continue;
        if (w.span.begin <= from) {
            Instant &end = chain_end.try_emplace(w.location, w.span.end).first->second;
            end = std::max(end, w.span.end);
        } else if (const auto chain = chain_end.find(w.location);
                   chain != chain_end.end() && w.span.begin <= chain->second) {
            chain->second = std::max(chain->second, w.span.end);
        }
    }
    return std::any_of(chain_end.begin(), chain_end.end(), [wanted](const auto &c) { return c.second >= wanted; });
}

// All windows of the provider for starts within range. A window that touches the one before it belongs to the
// same grid, so the expansion goes back until it finds where the chain of windows begins: the grid must not
// depend on the range that is asked for.
std::vector<Window> windows_with_their_beginning(const HoursBook &book, const Service &service, const Interval &range,
                                                 Duration reach, Work &work) {
    const Interval wanted{range.begin - one_day, range.end + reach + one_day};
    const Instant earliest = earliest_window(book, wanted);
    for (Duration back = one_day;; back.micros *= 4) {
        const Instant from = std::max(wanted.begin - back, earliest);
        std::vector<Window> windows = expand_hours(book, {from, wanted.end}, work);
        if (from == earliest || !chain_reaches(windows, service, from, wanted.begin))
            return windows;
    }
}

Instant anchor_of(const Window &first, const Service &service) {
    if (service.anchor == Anchor::window)
        return first.span.begin;
    return day_span(*first.zone, local_date(*first.zone, first.span.begin)).begin;
}

// Makes one of the windows that overlap or touch.
void merge_windows(Site &site, const Service &service) {
    site.open.reserve(site.serving.size());
    for (std::size_t i = 0, first = 0; i < site.serving.size(); ++i) {
        const Window &w = *site.serving[i];
        if (site.open.empty() || w.span.begin > site.open.back().span.end) {
            first = i;
            site.open.push_back({w.span, anchor_of(w, service), {}});
        }
        MergedWindow &m = site.open.back();
        m.span.end = std::max(m.span.end, w.span.end);
        m.parts = {&site.serving[first], i - first + 1};
        m.limited = m.limited || w.max_appointments;
    }
    if (site.closed.empty())
        return; // no two of the open ones touch: they cover nothing that one of them does not
    std::vector<Interval> all;
    all.reserve(site.open.size() + site.closed.size());
    for (const MergedWindow &m : site.open)
        all.push_back(m.span);
    for (const Window *w : site.closed)
        all.push_back(w->span);
    site.hours_when_not_closed = IntervalSet(std::move(all));
}

// Distributes the windows, which come ordered by begin, over the sites.
void add_windows(ProviderPlan &plan, const Service &service) {
    for (const Window &w : plan.windows) {
        const auto it = plan.sites.find(w.location);
        if (it == plan.sites.end() || !serves(w, service))
            continue;
        Site &site = it->second;
        (w.closed_by ? site.closed : site.serving).push_back(&w);
    }
    for (auto &[location, site] : plan.sites)
        merge_windows(site, service);
}

// The provider's hours by location, for whatever service: where the provider is.
std::map<Id, IntervalSet> presence(const ProviderPlan &plan) {
    std::map<Id, std::vector<Interval>> spans;
    for (const Window &w : plan.windows)
        if (!w.closed_by)
            spans[w.location].push_back(w.span);
    std::map<Id, IntervalSet> result;
    for (auto &[location, list] : spans)
        result.emplace(location, IntervalSet(std::move(list)));
    return result;
}

// Time lost on the way from hours at another location that end shortly before some here begin.
void add_driving_between_windows(ProviderPlan &plan, const Diary &diary) {
    if (diary.travel.empty())
        return;
    const std::map<Id, IntervalSet> present = presence(plan);
    for (auto &[here, site] : plan.sites) {
        std::vector<BlockedSpan> lost;
        for (const auto &[there, hours_there] : present) {
            const auto travel = diary.travel.find({there, here});
            const auto hours_here = present.find(here);
            if (there == here || travel == diary.travel.end() || hours_here == present.end())
                continue;
            const auto &left = hours_there.intervals();
            for (const Interval &arrival : hours_here->second.intervals()) {
                const auto next = std::partition_point(left.begin(), left.end(),
                                                       [&](const Interval &i) { return i.end <= arrival.begin; });
                if (next != left.begin() && std::prev(next)->end + travel->second > arrival.begin)
                    lost.push_back(
                        {{arrival.begin, std::prev(next)->end + travel->second}, {Source::Table::travel_times, there}});
            }
        }
        site.driving = BlockedSpans(std::move(lost));
    }
}

void add_blocks(ProviderPlan &plan, const Diary &diary, const Provider &provider, const Interval &range, Work &work) {
    const std::vector<Blocked> blocks = expand_blocks(provider.blocks, range, work);
    for (auto &[location, site] : plan.sites) {
        std::vector<BlockedSpan> spans;
        for (const Blocked &b : blocks)
            if (blocks_request(*b.block, diary, location))
                spans.push_back({b.span, {Source::Table::blocks, b.block->id}});
        site.blocked = BlockedSpans(std::move(spans));
    }
}

void count_visits(ProviderPlan &plan, const Diary &diary, const Provider &provider, const std::vector<Id> &ignored) {
    for (const CountedVisit &v : provider.visits) {
        if (v.appointment && std::find(ignored.begin(), ignored.end(), v.appointment) != ignored.end())
            continue;
        const Day date = provider_date(provider, v.start);
        const Day week = iso_week_start(date);
        ++plan.on_day[date];
        ++plan.in_week[week];
        if (v.service == diary.service.id) {
            ++plan.service_on_day[date];
            ++plan.service_in_week[week];
        }
        plan.visits.push_back(v);
    }
    std::sort(plan.visits.begin(), plan.visits.end(),
              [](const CountedVisit &a, const CountedVisit &b) { return a.start < b.start; });
}

} // namespace

bool blocks_request(const Block &block, const Diary &diary, const Id &location) {
    if (block.kept_for && diary.patient && diary.patient->id == block.kept_for)
        return false;
    if (block.location && block.location != location)
        return false;
    return diary.service.id ? concerns(block.services, diary.service.id) : block.services.empty();
}

BlockedSpans::BlockedSpans(std::vector<BlockedSpan> spans) : spans_(std::move(spans)) {
    std::stable_sort(spans_.begin(), spans_.end(),
                     [](const BlockedSpan &a, const BlockedSpan &b) { return a.span < b.span; });
    latest_end_.reserve(spans_.size());
    for (const BlockedSpan &b : spans_)
        latest_end_.push_back(latest_end_.empty() ? b.span.end : std::max(latest_end_.back(), b.span.end));
}

const BlockedSpan *BlockedSpans::first_overlapping(const Interval &interval) const noexcept {
    const auto begins_later = std::partition_point(spans_.begin(), spans_.end(),
                                                   [&](const BlockedSpan &b) { return b.span.begin < interval.end; });
    const BlockedSpan *found = nullptr;
    for (auto i = static_cast<std::size_t>(begins_later - spans_.begin()); i > 0 && latest_end_[i - 1] > interval.begin;
         --i)
        if (spans_[i - 1].span.end > interval.begin)
            found = &spans_[i - 1];
    return found;
}

const MergedWindow *Site::window_at(Instant t) const noexcept {
    const auto it =
        std::partition_point(open.begin(), open.end(), [t](const MergedWindow &m) { return m.span.end <= t; });
    return it != open.end() && it->span.begin <= t ? &*it : nullptr;
}

// The date d whose zone shows d at t. Where a stay begins or ends, two dates can claim an instant (the last
// evening there and the night at home): the one whose clock is nearer to noon is the one in whose hours it lies.
// The home date where none does.
Day provider_date(const Provider &provider, Instant t) {
    const LocalTime home = to_local(*provider.zone, t);
    if (provider.hours.stays.empty())
        return date_of(home);
    constexpr Duration noon{12 * micros_per_hour};
    std::optional<LocalTime> best;
    const auto consider = [&](const Zone *zone) {
        const LocalTime local = to_local(*zone, t);
        const auto from_noon = [noon](LocalTime l) { return std::abs((time_of_day(l) - noon).micros); };
        if (zone_on(provider.hours, date_of(local), provider.zone) == zone &&
            (!best || from_noon(local) < from_noon(*best)))
            best = local;
    };
    consider(provider.zone);
    for (const Stay &stay : provider.hours.stays)
        consider(stay.zone);
    return date_of(best.value_or(home));
}

std::int32_t count_on_day(const Provider &provider, const std::vector<CountedVisit> &visits, Instant t) {
    const Day date = provider_date(provider, t);
    return static_cast<std::int32_t>(std::count_if(
        visits.begin(), visits.end(), [&](const CountedVisit &v) { return provider_date(provider, v.start) == date; }));
}

ProviderPlan plan_provider(const Diary &diary, const Provider &provider, const Interval &range, Duration reach,
                           const std::vector<Id> &ignored, Work &work) {
    ProviderPlan plan;
    plan.windows = windows_with_their_beginning(provider.hours, diary.service, range, reach, work);
    for (const Location &location : diary.locations) {
        Site site;
        site.location = &location;
        plan.sites.emplace(location.id, std::move(site));
    }
    add_windows(plan, diary.service);
    add_driving_between_windows(plan, diary);
    add_blocks(plan, diary, provider, {range.begin - reach, range.end + reach}, work);
    count_visits(plan, diary, provider, ignored);
    return plan;
}

} // namespace pg_clinic::core
