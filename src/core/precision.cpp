#include "core/precision.hpp"

#include <algorithm>

#include "core/kernel_state.hpp"

namespace pg_clinic::core {

namespace {

constexpr std::int32_t nothing_left = 50, still_usable = 40, at_most_when_lost = 20;

// The free part of `window` around `busy` that neither claims nor blocks take.
Interval free_around(const Interval &window, const Interval &busy, const BusyList &claims, const Site &site,
                     const Kernel::State &state) {
    Interval around = window;
    const auto end_at = [&](const Interval &taken) {
        if (taken.end <= busy.begin)
            around.begin = std::max(around.begin, taken.end);
        else if (taken.begin >= busy.end)
            around.end = std::min(around.end, taken.begin);
    };
    claims.each_overlapping(window, [&](const Busy &b) {
        if (!state.is_ignored(b.appointment))
            end_at(b.during);
        return true;
    });
    for (const BlockedSpan &b : site.blocked.spans())
        if (b.span.overlaps(window))
            end_at(b.span);
    return around;
}

} // namespace

Gaps gaps_of(const Kernel::State &state, std::size_t provider, const Id &location, Instant start) {
    const Provider &p = state.diary.providers[provider];
    const auto site = state.providers[provider].sites.find(location);
    const MergedWindow *window =
        site == state.providers[provider].sites.end() ? nullptr : site->second.window_at(start);
    if (window == nullptr)
        return {};
    const Buffers buffers = state.provider_buffers(p);
    const Interval busy{start - buffers.before, start + state.duration_at(p) + buffers.after};
    bool joins = false;
    p.busy.each_overlapping(busy, [&](const Busy &b) {
        joins = joins || !state.is_ignored(b.appointment);
        return !joins;
    });
    if (joins)
        return {};
    const Interval around = free_around(window->span, busy, p.busy, site->second, state);
    const auto gap = [](Duration d) { return std::max(d, Duration{0}); };
    return {gap(busy.begin - around.begin), gap(around.end - busy.end)};
}

Precision precision_of(const Gaps &gaps, Duration shortest) noexcept {
    Precision result{0, {}};
    for (const Duration gap : {gaps.before, gaps.after}) {
        if (gap.micros == 0) {
            result.score += nothing_left;
        } else if (gap >= shortest) {
            result.score += still_usable;
        } else {
            result.score += static_cast<std::int32_t>((shortest - gap).micros * at_most_when_lost / shortest.micros);
            result.unusable = result.unusable + gap;
        }
    }
    return result;
}

} // namespace pg_clinic::core
