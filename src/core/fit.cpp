#include <algorithm>

#include "core/kernel.hpp"

namespace pg_clinic::core {

namespace {

// Claims with the same span and tolerance, as the seats of one session have: counted together.
struct Group {
    Interval span;
    std::int32_t capacity;
    std::int32_t count;
    const Busy *first;
};

bool is_timed(ClaimKind kind) { return kind == ClaimKind::hold || kind == ClaimKind::offer; }

std::vector<Group> overlapping_groups(const BusyList &busy, const Interval &during, const std::vector<Id> &ignored,
                                      bool count_holds) {
    std::vector<Group> groups;
    busy.each_overlapping(during, [&](const Busy &b) {
        const bool skipped = (b.appointment && std::find(ignored.begin(), ignored.end(), b.appointment) != ignored.end()) ||
                             (!count_holds && is_timed(b.kind));
        if (skipped)
            return true;
        for (Group &g : groups)
            if (g.span == b.during && g.capacity == b.capacity) {
                ++g.count;
                return true;
            }
        groups.push_back({b.during, b.capacity, 1, &b});
        return true;
    });
    return groups;
}

} // namespace

Fit fit_claim(const BusyList &busy, const Interval &during, std::int32_t capacity, const std::vector<Id> &ignored,
              bool count_holds) {
    Fit fit;
    fit.remaining = capacity;
    const std::vector<Group> groups = overlapping_groups(busy, during, ignored, count_holds);
    // The number of claims present changes only where one begins, so those instants and the first one decide.
    Instant fullest = instant_max;
    const auto look_at = [&](Instant t) {
        std::int32_t present = 0;
        std::int32_t least = capacity;
        const Busy *earliest = nullptr;
        for (const Group &g : groups) {
            if (!g.span.contains(t))
                continue;
            present += g.count;
            least = std::min(least, g.capacity);
            if (earliest == nullptr || g.first->during < earliest->during ||
                (g.first->during == earliest->during && g.first->claim < earliest->claim))
                earliest = g.first;
        }
        fit.remaining = std::min(fit.remaining, std::max(0, least - present));
        if (present + 1 > least && t < fullest) {
            fullest = t;
            fit.fits = false;
            fit.obstacle = earliest;
            fit.obstacle_is_smaller = least < capacity;
        }
    };
    if (!groups.empty())
        look_at(during.begin);
    for (const Group &g : groups)
        if (g.span.begin > during.begin)
            look_at(g.span.begin);
    return fit;
}

BusyList::BusyList(std::vector<Busy> claims) : claims_(std::move(claims)) {
    std::sort(claims_.begin(), claims_.end(), [](const Busy &a, const Busy &b) {
        return a.during != b.during ? a.during < b.during : a.claim < b.claim;
    });
    latest_end_.reserve(claims_.size());
    Instant latest = instant_min;
    for (const Busy &b : claims_) {
        latest = std::max(latest, b.during.end);
        latest_end_.push_back(latest);
    }
}

std::size_t BusyList::begins_before(Instant t) const noexcept {
    const auto it =
        std::partition_point(claims_.begin(), claims_.end(), [t](const Busy &b) { return b.during.begin < t; });
    return static_cast<std::size_t>(it - claims_.begin());
}

} // namespace pg_clinic::core
