// A site: one provider at one location, with the windows and blocks that matter for starts within a range.
// Internal to the kernel.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "core/diary.hpp"

namespace pg_clinic::core {

// Overlapping or touching windows that serve the request, as one.
struct MergedWindow {
    Interval span;
    Instant anchor;                       // where the grid begins
    std::span<const Window *const> parts; // ordered by begin; of the site's `serving`
    bool limited = false;                 // some part takes only so many appointments
};

struct BlockedSpan {
    Interval span;
    Source source;
};

// Spans that may overlap, for queries in logarithmic time.
class BlockedSpans {
  public:
    BlockedSpans() = default;
    explicit BlockedSpans(std::vector<BlockedSpan> spans);

    // The first that overlaps the interval, or null.
    const BlockedSpan *first_overlapping(const Interval &interval) const noexcept;

    // Calls visit(BlockedSpan) for each that overlaps the interval, latest begin first.
    template <class Visit> void each_overlapping(const Interval &interval, Visit visit) const {
        for (std::size_t i = spans_.size(); i > 0 && latest_end_[i - 1] > interval.begin; --i)
            if (spans_[i - 1].span.overlaps(interval))
                visit(spans_[i - 1]);
    }

    const std::vector<BlockedSpan> &spans() const noexcept { return spans_; } // ascending by begin
    const std::vector<Instant> &latest_end() const noexcept { return latest_end_; }

  private:
    std::vector<BlockedSpan> spans_;  // ascending by begin
    std::vector<Instant> latest_end_; // of spans_[0..i]
};

struct Site {
    const Location *location = nullptr;
    std::vector<const Window *> serving; // windows that serve the request and are open, ascending
    std::vector<MergedWindow> open;      // the same, merged: disjoint, ascending
    std::vector<const Window *> closed;  // windows that serve the request but are closed, ascending
    IntervalSet hours_when_not_closed;   // open and closed together; empty when none is closed
    BlockedSpans blocked;                // what neither visits nor buffers may reach
    BlockedSpans driving;                // beginnings of windows lost on the way here: not for visits

    const MergedWindow *window_at(Instant t) const noexcept; // the open one that contains t
};

// What one provider does over a range: its windows, and a site for each location.
struct ProviderPlan {
    std::vector<Window> windows;
    std::map<Id, Site> sites;
    // Visits that count, without those ignored, by local date of the zone in force.
    std::map<Day, std::int32_t> on_day, service_on_day;
    std::map<Day, std::int32_t> in_week, service_in_week; // keyed by the Monday
    std::vector<CountedVisit> visits;                     // by start
};

// `range` holds the starts that will be asked for, `reach` how far a visit with its buffers extends from its start.
ProviderPlan plan_provider(const Diary &diary, const Provider &provider, const Interval &range, Duration reach,
                           const std::vector<Id> &ignored, Work &work);

// Whether a block stands against the request at a location.
bool blocks_request(const Block &block, const Diary &diary, const Id &location);

// The local date of an instant in the provider's zone of that date: a stay's zone on the dates it covers, else
// home.
Day provider_date(const Provider &provider, Instant t);

} // namespace pg_clinic::core
