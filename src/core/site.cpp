#include "core/site.hpp"

#include <algorithm>
#include <tuple>

namespace pg_clinic::core {

namespace {

constexpr Duration one_day{micros_per_day};

bool serves(const Window &window, const Service &service) {
    return !service.id || concerns(window.services, service.id);
}

// All windows of the provider for starts within range. A window that touches the one before it belongs to the same grid,
// so the expansion goes back until it finds where the chain of windows begins: the grid must not depend on the range
// that is asked for.
std::vector<Window> windows_with_their_beginning(const HoursBook &book, const Service &service, const Interval &range,
                                                 Duration reach, Work &work) {
    const Interval wanted{range.begin - one_day, range.end + reach + one_day};
    for (Duration back = one_day;; back.micros *= 4) {
        const Instant from = wanted.begin - back;
        std::vector<Window> windows = expand_hours(book, {from, wanted.end}, work);
        std::map<Id, Instant> chain_end; // where the chain that reaches from the edge ends, by location
        bool edge_reached = false;
        for (const Window &w : windows) {
            if (w.closed_by || !serves(w, service))
                continue;
            const auto chain = chain_end.find(w.location);
            if (w.span.begin <= from) {
                Instant &end = chain_end.try_emplace(w.location, w.span.end).first->second;
                end = std::max(end, w.span.end);
            } else if (chain != chain_end.end() && w.span.begin <= chain->second) {
                chain->second = std::max(chain->second, w.span.end);
            }
        }
        for (const auto &[location, end] : chain_end)
            edge_reached = edge_reached || end >= wanted.begin;
        if (!edge_reached || from.micros < at(to_day({1900, 1, 1})).micros)
            return windows;
    }
}

Instant anchor_of(const Window &first, const Service &service) {
    if (service.anchor == Anchor::window)
        return first.span.begin;
    return day_span(*first.zone, local_date(*first.zone, first.span.begin)).begin;
}

void merge_windows(Site &site, const Service &service) {
    std::vector<Interval> all;
    for (const MergedWindow &m : site.open)
        all.push_back(m.span);
    for (const Window *w : site.closed)
        all.push_back(w->span);
    site.hours_when_not_closed = IntervalSet(std::move(all));
    for (MergedWindow &m : site.open)
        m.anchor = anchor_of(*m.parts.front(), service);
}

// Distributes the windows, which come ordered by begin, over the sites.
void add_windows(ProviderPlan &plan, const Service &service) {
    for (const Window &w : plan.windows) {
        const auto it = plan.sites.find(w.location);
        if (it == plan.sites.end() || !serves(w, service))
            continue;
        Site &site = it->second;
        if (w.closed_by) {
            site.closed.push_back(&w);
        } else if (!site.open.empty() && w.span.begin <= site.open.back().span.end) {
            MergedWindow &m = site.open.back();
            m.span.end = std::max(m.span.end, w.span.end);
            m.parts.push_back(&w);
        } else {
            site.open.push_back({w.span, {}, {&w}});
        }
    }
    for (auto &[location, site] : plan.sites)
        merge_windows(site, service);
}

// Time lost on the way from a window at another location that ends shortly before one here begins.
void add_driving_between_windows(ProviderPlan &plan, const Diary &diary) {
    if (diary.travel.empty())
        return;
    for (const Window &here : plan.windows) {
        const auto site = plan.sites.find(here.location);
        if (site == plan.sites.end() || here.closed_by)
            continue;
        for (const Window &there : plan.windows) {
            if (there.closed_by || there.location == here.location || there.span.end > here.span.begin)
                continue;
            const auto travel = diary.travel.find({there.location, here.location});
            if (travel == diary.travel.end() || there.span.end + travel->second <= here.span.begin)
                continue;
            site->second.blocked.push_back({{here.span.begin, there.span.end + travel->second},
                                            {Source::Table::travel_times, there.location}});
        }
    }
}

bool blocks_request(const Block &block, const Diary &diary) {
    if (block.kept_for && diary.patient && diary.patient->id == block.kept_for)
        return false;
    return diary.service.id ? concerns(block.services, diary.service.id) : block.services.empty();
}

void add_blocks(ProviderPlan &plan, const Diary &diary, const Provider &provider, const Interval &range, Work &work) {
    for (const Blocked &b : expand_blocks(provider.blocks, range, work)) {
        if (!blocks_request(*b.block, diary))
            continue;
        for (auto &[location, site] : plan.sites)
            if (!b.block->location || b.block->location == location)
                site.blocked.push_back({b.span, {Source::Table::blocks, b.block->id}});
    }
}

void finish_blocks(Site &site) {
    std::sort(site.blocked.begin(), site.blocked.end(), [](const BlockedSpan &a, const BlockedSpan &b) {
        return std::tie(a.span, a.source.id) < std::tie(b.span, b.source.id);
    });
    Instant latest = instant_min;
    for (const BlockedSpan &b : site.blocked) {
        latest = std::max(latest, b.span.end);
        site.blocked_until.push_back(latest);
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

const MergedWindow *Site::window_at(Instant t) const noexcept {
    const auto it =
        std::partition_point(open.begin(), open.end(), [t](const MergedWindow &m) { return m.span.end <= t; });
    return it != open.end() && it->span.begin <= t ? &*it : nullptr;
}

Day provider_date(const Provider &provider, Instant t) {
    const Day home = local_date(*provider.zone, t);
    for (const Stay &stay : provider.hours.stays)
        if (stay.from <= home && home <= stay.until)
            return local_date(*stay.zone, t);
    return home;
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
    for (auto &[location, site] : plan.sites)
        finish_blocks(site);
    count_visits(plan, diary, provider, ignored);
    return plan;
}

const BlockedSpan *first_blocked(const Site &site, const Interval &interval) noexcept {
    const auto begin_before = std::partition_point(site.blocked.begin(), site.blocked.end(), [&](const BlockedSpan &b) {
        return b.span.begin < interval.end;
    });
    const BlockedSpan *found = nullptr;
    for (auto i = static_cast<std::size_t>(begin_before - site.blocked.begin());
         i > 0 && site.blocked_until[i - 1] > interval.begin; --i)
        if (site.blocked[i - 1].span.end > interval.begin)
            found = &site.blocked[i - 1];
    return found;
}

} // namespace pg_clinic::core
