// A look at one start that settles most of them without a verdict: what a claim or a block is in the way of, and what
// nothing can be in the way of. Internal to the kernel; judge.cpp has the rules that this must agree with.
#pragma once

#include <algorithm>

#include "core/kernel_state.hpp"

namespace pg_clinic::core {

// Whether anything of a list overlaps an interval, for intervals that come in ascending order: each look goes on where
// the one before ended. Items are ascending by begin, latest_end[i] the latest end of items[0..i]; none is empty.
template <class Begin> class OverlapSweep {
  public:
    OverlapSweep(const std::vector<Instant> &latest_end, Begin begin) : latest_end_(latest_end), begin_(begin) {}

    bool overlaps(const Interval &interval) {
        while (passed_ < latest_end_.size() && begin_(passed_) < interval.end)
            ++passed_;
        return passed_ > 0 && latest_end_[passed_ - 1] > interval.begin;
    }

  private:
    const std::vector<Instant> &latest_end_;
    Begin begin_;
    std::size_t passed_ = 0;
};

class QuickLook {
  public:
    enum class Answer : std::uint8_t {
        refused, // whatever else holds
        free,    // with as many seats as the service has, and nothing to choose
        ask      // the verdict has to say
    };

    QuickLook(const Kernel::State &state, std::size_t provider, const Site &site)
        : diary_(state.diary), provider_(diary_.providers[provider]), duration_(state.duration_at(provider_)),
          buffers_(state.provider_buffers(provider_)), busy_(provider_.busy.latest_end(), {&provider_.busy.claims()}),
          blocked_(site.blocked.latest_end(), {&site.blocked.spans()}),
          sole_(diary_.service.capacity == 1 && state.request.ignored.empty()), plain_(is_plain(state, site)),
          first_(first_in_time()), surely_from_(surely_from()), surely_until_(surely_until()) {}

    // The starts must ascend, and lie on the grid of an open window of the site that has room for the visit.
    Answer at(Instant start, const MergedWindow &window) {
        if (start < first_)
            return Answer::refused;
        const Interval during{start - buffers_.before, start + duration_ + buffers_.after};
        if (busy_.overlaps(during))
            return sole_ ? Answer::refused : Answer::ask;
        if (blocked_.overlaps(during))
            return Answer::refused;
        return plain_ && !window.limited && start >= surely_from_ && start < surely_until_ ? Answer::free : Answer::ask;
    }

  private:
    // Nothing but hours, blocks and claims of the provider can be in the way.
    bool is_plain(const Kernel::State &state, const Site &site) const {
        const Service &service = diary_.service;
        const Duration usual = provider_.duration.value_or(service.duration);
        return provider_.offers_service && diary_.tenant.active && service.active && provider_.active &&
               site.location->active && !diary_.patient && service.required.empty() && service.participants.empty() &&
               diary_.travel.empty() && state.request.seats == 1 && duration_ == usual && !service.max_per_day &&
               !service.max_per_week && !provider_.max_per_day && !provider_.max_per_week;
    }

    // Before this a start is past or too soon.
    Instant first_in_time() const {
        return diary_.service.lead_time.micros > 0 ? diary_.now + diary_.service.lead_time : diary_.now;
    }

    // Between these no local calendar has to be asked: none runs two days away from elapsed time.
    Instant surely_from() const { return diary_.service.same_day ? first_ : diary_.now + Duration{3 * micros_per_day}; }
    Instant surely_until() const {
        const auto horizon = diary_.service.horizon_days;
        return horizon ? diary_.now + Duration{(std::min(*horizon, 36'500) - 3) * micros_per_day} : instant_max;
    }

    struct ClaimBegin {
        const std::vector<Busy> *claims;
        Instant operator()(std::size_t i) const { return (*claims)[i].during.begin; }
    };
    struct BlockBegin {
        const std::vector<BlockedSpan> *spans;
        Instant operator()(std::size_t i) const { return (*spans)[i].span.begin; }
    };

    const Diary &diary_;
    const Provider &provider_;
    const Duration duration_;
    const Buffers buffers_;
    OverlapSweep<ClaimBegin> busy_;
    OverlapSweep<BlockBegin> blocked_;
    const bool sole_; // one visit at a time, and every claim counts
    const bool plain_;
    const Instant first_, surely_from_, surely_until_;
};

} // namespace pg_clinic::core
