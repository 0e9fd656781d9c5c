// Visits that stand already, against hours and blocks that may have changed since: see Kernel::judge_standing.
#include <algorithm>

#include "core/kernel_state.hpp"

namespace pg_clinic::core {

namespace {

class StandingJudge {
  public:
    StandingJudge(const Kernel::State &state, std::size_t provider, const Id &location, const Interval &visit)
        : state_(state), diary_(state.diary), provider_(diary_.providers[provider]), visit_(visit) {
        const auto &sites = state.providers[provider].sites;
        const auto it = sites.find(location);
        site_ = it == sites.end() ? nullptr : &it->second;
    }

    std::vector<Finding> run(const std::vector<Id> &resources) {
        require_active(diary_.service.active, {Source::Table::services, diary_.service.id});
        require_active(provider_.active, {Source::Table::resources, provider_.id});
        if (site_ == nullptr) {
            add(Reason::outside_hours);
            return std::move(findings_);
        }
        require_active(site_->location->active, {Source::Table::locations, site_->location->id});
        check_hours();
        site_->blocked.each_overlapping(visit_, [this](const BlockedSpan &b) { add(Reason::blocked, b.source); });
        const auto of_session = [this](const Busy &b) {
            return !b.overbooked && b.service == diary_.service.id && b.visit == visit_;
        };
        if (most_at_once(provider_.busy, of_session) > diary_.service.capacity)
            add(Reason::full, {Source::Table::services, diary_.service.id});
        for (const ResourcePlan &plan : state_.resources)
            if (std::find(resources.begin(), resources.end(), plan.resource->id) != resources.end())
                check_resource(*plan.resource, plan.open);
        return std::move(findings_);
    }

  private:
    void add(Reason reason, Source source = {}, std::string resource_class = {}) {
        findings_.push_back({reason, source, std::move(resource_class)});
    }

    void require_active(bool active, const Source &cause) {
        if (!active)
            add(Reason::inactive, cause);
    }

    void check_hours() {
        const MergedWindow *window = site_->window_at(visit_.begin);
        if (window != nullptr && window->span.contains(visit_))
            return;
        bool closed = false;
        for (const Window *w : site_->closed)
            if (w->span.overlaps(visit_)) {
                add(Reason::closed_on_date, *w->closed_by);
                closed = true;
            }
        if (closed && site_->hours_when_not_closed.covers(visit_))
            return;
        if (window != nullptr && window->span.length() < visit_.length())
            add(Reason::window_too_short, window->parts.front()->made_by);
        else
            add(Reason::outside_hours, window != nullptr ? window->parts.back()->made_by : Source{});
    }

    void check_resource(const Resource &r, const IntervalSet &open) {
        const Source cause{Source::Table::resources, r.id};
        require_active(r.active, cause);
        if (!r.hours.empty() && !open.covers(visit_))
            add(Reason::no_resource, cause, r.resource_class);
        for (const Blocked &b : expand_blocks(r.blocks, visit_, state_.work))
            if (blocks_request(*b.block, diary_, r.location))
                add(Reason::blocked, {Source::Table::blocks, b.block->id});
        const auto counts = [](const Busy &b) { return !b.overbooked; };
        if (most_at_once(r.busy, counts) > static_cast<std::int64_t>(diary_.service.capacity) * r.quantity)
            add(Reason::full, cause);
    }

    // How many of the claims that count are there at one instant of the visit, where they are most.
    template <class Counts> std::int64_t most_at_once(const BusyList &busy, Counts counts) const {
        std::int64_t most = 0;
        busy.each_overlapping(visit_, [&](const Busy &at) {
            const Instant t = std::max(at.during.begin, visit_.begin);
            std::int64_t present = 0;
            busy.each_overlapping({t, t + Duration{1}}, [&](const Busy &b) {
                state_.work.step();
                present += counts(b) ? 1 : 0;
                return true;
            });
            most = std::max(most, present);
            return true;
        });
        return most;
    }

    const Kernel::State &state_;
    const Diary &diary_;
    const Provider &provider_;
    const Interval visit_;
    const Site *site_ = nullptr;
    std::vector<Finding> findings_;
};

} // namespace

std::vector<Finding> Kernel::judge_standing(std::size_t provider, const Id &location, const Interval &visit,
                                            const std::vector<Id> &resources) const {
    return StandingJudge(*state_, provider, location, visit).run(resources);
}

} // namespace pg_clinic::core
