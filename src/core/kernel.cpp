#include "core/kernel.hpp"

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <tuple>

#include "core/kernel_state.hpp"
#include "core/quick_look.hpp"

namespace pg_clinic::core {

namespace {

// Starts are looked for in growing stretches when only the first few are wanted.
constexpr Duration first_stretch{2 * micros_per_day};

Duration longest(std::initializer_list<Duration> durations) { return std::max(durations); }

ResourcePlan plan_resource(const Kernel::State &state, const Resource &resource, Duration reach) {
    const Diary &diary = state.diary;
    ResourcePlan plan;
    plan.resource = &resource;
    plan.buffers = state.resource_buffers(resource);
    // Others may have to make room, up to a day away.
    const Duration wide = reach + longest({plan.buffers.before, plan.buffers.after}) + Duration{micros_per_day};
    const Interval span{state.range.begin - wide, state.range.end + wide};
    std::vector<Interval> open, blocked;
    if (!resource.hours.empty())
        plan.windows = expand_hours(resource.hours, span, state.work);
    for (const Window &w : plan.windows)
        if (!w.closed_by && (!diary.service.id || concerns(w.services, diary.service.id)))
            open.push_back(w.span);
    plan.blocks = expand_blocks(resource.blocks, span, state.work);
    for (const Blocked &b : plan.blocks)
        if (blocks_request(*b.block, diary, resource.location))
            blocked.push_back(b.span);
    plan.open = IntervalSet(std::move(open));
    plan.blocked = IntervalSet(std::move(blocked));
    return plan;
}

bool comes_before(const Slot &a, const Slot &b) {
    return std::tie(a.visit.begin, a.provider, a.location) < std::tie(b.visit.begin, b.provider, b.location);
}

} // namespace

Kernel::State::State(const Diary &d, const Request &q, Interval r, Work &w) : diary(d), request(q), range(r), work(w) {
    Duration reach{micros_per_day};
    for (const Provider &p : diary.providers) {
        const Buffers b = provider_buffers(p);
        reach = std::max(reach, duration_at(p) + b.before + b.after);
    }
    for (const Provider &a : diary.assistants) {
        const Buffers b = provider_buffers(a);
        for (const Provider &p : diary.providers)
            reach = std::max(reach, duration_at(p) + b.before + b.after);
    }
    for (const auto &[way, time] : diary.travel)
        longest_travel = std::max(longest_travel, time);
    providers.reserve(diary.providers.size());
    for (const Provider &p : diary.providers)
        providers.push_back(plan_provider(diary, p, range, reach, request.ignored, work));
    for (const Resource &resource : diary.resources)
        resources.push_back(plan_resource(*this, resource, reach));
    for (const Provider &assistant : diary.assistants)
        assistants.push_back(plan_provider(diary, assistant, range, reach, request.ignored, work));
}

Duration Kernel::State::duration_at(const Provider &provider) const {
    return request.duration.value_or(provider.duration.value_or(diary.service.duration));
}

Buffers Kernel::State::provider_buffers(const Provider &p) const {
    const Buffers &t = diary.tenant.buffers;
    const Buffers &s = diary.service.buffers;
    const Duration before = p.buffer_before.value_or(longest({t.before, s.before, p.buffers.before}));
    const Duration after = p.buffer_after.value_or(longest({t.after, s.after, p.buffers.after}));
    return {request.buffer_before.value_or(before), request.buffer_after.value_or(after)};
}

Buffers Kernel::State::resource_buffers(const Resource &r) const {
    const Buffers &t = diary.tenant.buffers;
    const Buffers &s = diary.service.buffers;
    return {request.buffer_before.value_or(longest({t.before, s.before, r.buffers.before})),
            request.buffer_after.value_or(longest({t.after, s.after, r.buffers.after}))};
}

bool Kernel::State::is_ignored(const Id &appointment) const {
    return appointment &&
           std::find(request.ignored.begin(), request.ignored.end(), appointment) != request.ignored.end();
}

bool Kernel::State::is_named(const Id &resource) const {
    return std::find(request.named_resources.begin(), request.named_resources.end(), resource) !=
           request.named_resources.end();
}

bool Kernel::State::names_class(const std::string &resource_class) const {
    return std::any_of(diary.resources.begin(), diary.resources.end(),
                       [&](const Resource &r) { return r.resource_class == resource_class && is_named(r.id); });
}

Kernel::Kernel(const Diary &diary, const Request &request, Interval range, Work &work)
    : state_(std::make_unique<State>(diary, request, range, work)) {}

Kernel::~Kernel() = default;

namespace {

// Calls found(Slot, Site) for the free starts of one provider within a stretch, in ascending order for each location,
// until it returns false.
template <class Found>
void search(const Kernel &kernel, const Kernel::State &state, std::size_t provider, const Interval &stretch,
            Found found) {
    const Provider &p = state.diary.providers[provider];
    const Service &service = state.diary.service;
    const Duration duration = state.duration_at(p);
    const Buffers buffers = state.provider_buffers(p);
    if (duration.micros <= 0)
        return;
    for (const auto &entry : state.providers[provider].sites) {
        const Id &location = entry.first; // named one by one: clang 14 captures no structured bindings
        const Site &site = entry.second;
        if (state.request.location && state.request.location != location)
            continue;
        QuickLook quick(state, provider, site);
        for (const MergedWindow &window : site.open) {
            // Only starts that fit the window are worth asking for; the verdict would refuse the others.
            Interval inside = window.span;
            if (service.buffers_inside_hours)
                inside = {inside.begin + buffers.before, inside.end - buffers.after};
            const bool go_on =
                GridStarts(inside, stretch, duration, service.step, window.anchor).each([&](Instant start) {
                    state.work.step();
                    Slot slot{{start, start + duration}, p.id, location, site.location->zone, service.capacity, {}, {}};
                    switch (quick.at(start, window)) {
                    case QuickLook::Answer::refused:
                        return true;
                    case QuickLook::Answer::free:
                        break;
                    case QuickLook::Answer::ask:
                        Verdict verdict = kernel.judge(provider, location, start, false);
                        if (!verdict.free())
                            return true;
                        slot.remaining = verdict.remaining;
                        slot.resources = std::move(verdict.resources);
                        slot.missing = std::move(verdict.missing);
                    }
                    return found(std::move(slot), site);
                });
            if (!go_on)
                break;
        }
    }
}

// Cuts range into stretches, the first short, each twice as long as the one before, until done() is true.
template <class Visit> void in_growing_stretches(const Interval &range, Visit visit) {
    Duration length = first_stretch;
    Instant from = range.begin;
    while (from < range.end) {
        const Instant until = range.end - from > length ? from + length : range.end;
        if (!visit(Interval{from, until}))
            return;
        from = until;
        length.micros *= 2;
    }
}

} // namespace

namespace {

// Free starts in little room: sorted, and only then made slots of.
class FoundStarts {
  public:
    void add(Slot &&slot, const Site &site, std::size_t provider) {
        Start s{slot.visit.begin, &site, static_cast<std::uint32_t>(provider), slot.remaining, none};
        if (!slot.resources.empty() || !slot.missing.empty()) {
            s.more = static_cast<std::uint32_t>(more_.size());
            more_.push_back({std::move(slot.resources), std::move(slot.missing)});
        }
        starts_.push_back(s);
    }

    std::size_t size() const { return starts_.size(); }

    // By time; those of one time stay as they come, by provider, then location, as the diary has them in order. Starts
    // lie on few instants, so that a place for each stretch of time finds nearly all of them at once.
    void sort() {
        order_.resize(starts_.size());
        if (starts_.size() < 2)
            return;
        const auto [first, last] = std::minmax_element(
            starts_.begin(), starts_.end(), [](const Start &a, const Start &b) { return a.begin < b.begin; });
        const Instant from = first->begin;
        const auto width = (last->begin - from).micros / static_cast<std::int64_t>(starts_.size()) + 1;
        const auto place = [&](const Start &s) { return static_cast<std::size_t>((s.begin - from).micros / width); };
        std::vector<std::uint32_t> ends(place(*last) + 1);
        for (const Start &s : starts_)
            ++ends[place(s)];
        std::partial_sum(ends.begin(), ends.end(), ends.begin());
        for (std::size_t i = starts_.size(); i-- > 0;)
            order_[--ends[place(starts_[i])]] = static_cast<std::uint32_t>(i);
        // What shares a place is in the order in which it came, and seldom of several times.
        const auto earlier = [this](std::uint32_t a, std::uint32_t b) { return starts_[a].begin < starts_[b].begin; };
        for (std::size_t i = 0; i < ends.size(); ++i) {
            const auto begin = order_.begin() + ends[i];
            const auto end = i + 1 < ends.size() ? order_.begin() + ends[i + 1] : order_.end();
            if (!std::is_sorted(begin, end, earlier))
                std::stable_sort(begin, end, earlier);
        }
    }

    template <class Visit> void each(const Kernel::State &state, std::size_t most, Visit visit) {
        for (const std::uint32_t i : order_) {
            if (most-- == 0)
                return;
            const Start &s = starts_[i];
            const Provider &provider = state.diary.providers[s.provider];
            const Location &location = *s.site->location;
            Slot slot{{s.begin, s.begin + state.duration_at(provider)},
                      provider.id,
                      location.id,
                      location.zone,
                      s.remaining,
                      {},
                      {}};
            if (s.more != none) {
                slot.resources = std::move(more_[s.more].resources);
                slot.missing = std::move(more_[s.more].missing);
            }
            visit(std::move(slot));
        }
    }

  private:
    static constexpr std::uint32_t none = ~0U;
    struct Start {
        Instant begin;
        const Site *site;
        std::uint32_t provider;
        std::int32_t remaining;
        std::uint32_t more; // resources and missing roles, of those that have any
    };
    struct More {
        std::vector<Id> resources;
        std::vector<std::string> missing;
    };
    std::vector<Start> starts_;
    std::vector<More> more_;
    std::vector<std::uint32_t> order_; // of starts_, by sort()
};

} // namespace

void Kernel::visit_each(std::optional<std::size_t> max_rows, void (*visit)(void *, Slot &&), void *to) const {
    std::size_t left = max_rows.value_or(~std::size_t{0});
    const auto hand_out = [&](const Interval &stretch) {
        FoundStarts found;
        for (std::size_t p = 0; p < state_->diary.providers.size(); ++p)
            search(*this, *state_, p, stretch, [&found, p](Slot &&slot, const Site &site) {
                found.add(std::move(slot), site, p);
                return true;
            });
        found.sort();
        found.each(*state_, left, [&](Slot &&slot) { visit(to, std::move(slot)); });
        left -= std::min(left, found.size());
        return left > 0;
    };
    if (max_rows)
        in_growing_stretches(state_->range, hand_out);
    else
        hand_out(state_->range);
}

std::vector<Slot> Kernel::find(std::optional<std::size_t> max_rows) const {
    std::vector<Slot> slots;
    each(max_rows, [&slots](Slot &&slot) { slots.push_back(std::move(slot)); });
    return slots;
}

std::vector<std::optional<Slot>> Kernel::first_of_each() const {
    std::vector<std::optional<Slot>> first(state_->diary.providers.size());
    in_growing_stretches(state_->range, [&](const Interval &stretch) {
        bool missing = false;
        for (std::size_t p = 0; p < first.size(); ++p) {
            if (first[p])
                continue;
            search(*this, *state_, p, stretch, [&](Slot &&slot, const Site &) {
                if (!first[p] || comes_before(slot, *first[p]))
                    first[p] = std::move(slot);
                return false;
            });
            missing = missing || !first[p];
        }
        return missing;
    });
    return first;
}

std::vector<std::pair<std::size_t, Slot>> Kernel::earliest() const {
    std::vector<std::pair<std::size_t, Slot>> best;
    in_growing_stretches(state_->range, [&](const Interval &stretch) {
        Interval until = stretch; // what begins later than what is found does not matter
        for (std::size_t p = 0; p < state_->providers.size(); ++p) {
            std::optional<Slot> first;
            search(*this, *state_, p, until, [&](Slot &&slot, const Site &) {
                if (!first || comes_before(slot, *first))
                    first = std::move(slot);
                return false;
            });
            if (!first)
                continue;
            if (!best.empty() && first->visit.begin < best.front().second.visit.begin)
                best.clear();
            until.end = first->visit.begin + Duration{1};
            best.emplace_back(p, std::move(*first));
        }
        return best.empty();
    });
    return best;
}

Verdict Kernel::judge(std::size_t provider, const Id &location, Instant start, bool all) const {
    return judge_start(*state_, provider, location, start, all);
}

std::vector<Id> Kernel::locations_of(std::size_t provider) const {
    if (state_->request.location)
        return {state_->request.location};
    std::vector<Id> locations;
    const HoursBook &book = state_->diary.providers[provider].hours;
    for (const HoursRule &rule : book.rules)
        locations.push_back(rule.location);
    for (const DateOverride &o : book.overrides)
        if (o.open)
            locations.push_back(o.location);
    std::sort(locations.begin(), locations.end());
    locations.erase(std::unique(locations.begin(), locations.end()), locations.end());
    return locations;
}

Duration Kernel::duration_at(std::size_t provider) const {
    return state_->duration_at(state_->diary.providers[provider]);
}

Buffers Kernel::provider_buffers(std::size_t provider) const {
    return state_->provider_buffers(state_->diary.providers[provider]);
}

Buffers Kernel::provider_buffers(const Provider &assistant) const { return state_->provider_buffers(assistant); }

Gaps Kernel::gaps_around(std::size_t provider, const Id &location, Instant start) const {
    return gaps_of(*state_, provider, location, start);
}

Buffers Kernel::resource_buffers(const Resource &resource) const { return state_->resource_buffers(resource); }

std::int32_t Kernel::visits_on_day(std::size_t provider, Instant t) const {
    const auto &on_day = state_->providers[provider].on_day;
    const auto it = on_day.find(provider_date(state_->diary.providers[provider], t));
    return it == on_day.end() ? 0 : it->second;
}

std::vector<VisitLimit> Kernel::limits_at(std::size_t provider, Instant t) const {
    const Provider &who = state_->diary.providers[provider];
    const Service &service = state_->diary.service;
    const ProviderPlan &plan = state_->providers[provider];
    const Day date = provider_date(who, t);
    std::vector<VisitLimit> limits;
    const auto add = [&](bool of_service, bool weekly, std::optional<std::int32_t> most, const auto &counts) {
        if (!most)
            return;
        const Day from = weekly ? iso_week_start(date) : date;
        limits.push_back({of_service, weekly, from, visits_left(counts, from, most)});
    };
    add(true, false, service.max_per_day, plan.service_on_day);
    add(true, true, service.max_per_week, plan.service_in_week);
    add(false, false, who.max_per_day, plan.on_day);
    add(false, true, who.max_per_week, plan.in_week);
    return limits;
}

std::vector<Finding> Kernel::standing(const Verdict &verdict) const {
    std::vector<Finding> left;
    for (const Finding &f : verdict.findings) {
        const bool waived = (state_->request.override_rules && may_be_overridden(f.reason)) ||
                            (state_->request.overbook && is_overlap(f.reason));
        if (!waived)
            left.push_back(f);
    }
    return left;
}

} // namespace pg_clinic::core
