#include <algorithm>

#include "core/kernel.hpp"

namespace pg_clinic::core {

namespace {

// Claims with the same span and tolerance, as the seats of one session have: counted together.
struct Group {
    Interval span;
    std::int32_t capacity;
    std::int32_t count; // seats
    const Busy *first;  // the lowest claim
    const Busy *held;   // the lowest hold or offer
};

bool is_timed(ClaimKind kind) { return kind == ClaimKind::hold || kind == ClaimKind::offer; }

std::vector<Group> overlapping_groups(const BusyList &busy, const Interval &during, const std::vector<Id> &ignored,
                                      bool count_holds) {
    std::vector<Group> groups;
    busy.each_overlapping(during, [&](const Busy &b) {
        const bool timed = is_timed(b.kind);
        if ((timed && !count_holds) ||
            (b.appointment && std::find(ignored.begin(), ignored.end(), b.appointment) != ignored.end()))
            return true;
        auto group = std::find_if(groups.begin(), groups.end(),
                                  [&](const Group &g) { return g.span == b.during && g.capacity == b.capacity; });
        if (group == groups.end())
            group = groups.insert(groups.end(), {b.during, b.capacity, 0, nullptr, nullptr});
        group->count += b.seats;
        group->first = &b; // claims come in descending order
        if (timed)
            group->held = &b;
        return true;
    });
    std::reverse(groups.begin(), groups.end());
    return groups;
}

// What is there at one instant.
struct Presence {
    std::int32_t count = 0;
    std::int32_t least; // the smallest capacity
    const Busy *earliest = nullptr;
    const Busy *held = nullptr;
};

Presence presence_at(Instant t, const std::vector<Group> &groups, std::int32_t capacity) {
    Presence there{.least = capacity};
    for (const Group &g : groups) {
        if (!g.span.contains(t))
            continue;
        there.count += g.count;
        there.least = std::min(there.least, g.capacity);
        if (there.earliest == nullptr)
            there.earliest = g.first;
        if (there.held == nullptr)
            there.held = g.held;
    }
    return there;
}

// The instants within `during` from which something else is there, ascending. Ends count too: where a claim that
// tolerates few ends, the number of the others may still be too large.
std::vector<Instant> changes(const std::vector<Group> &groups, const Interval &during) {
    std::vector<Instant> instants;
    if (groups.empty())
        return instants;
    instants.push_back(during.begin);
    for (const Group &g : groups) {
        if (g.span.begin > during.begin)
            instants.push_back(g.span.begin);
        if (g.span.end < during.end)
            instants.push_back(g.span.end);
    }
    std::sort(instants.begin(), instants.end());
    return instants;
}

} // namespace

Fit fit_claim(const BusyList &busy, const Interval &during, std::int32_t capacity, const std::vector<Id> &ignored,
              bool count_holds, std::int32_t seats) {
    Fit fit;
    fit.remaining = capacity;
    const std::vector<Group> groups = overlapping_groups(busy, during, ignored, count_holds);
    const auto look_at = [&](Instant t) {
        const Presence there = presence_at(t, groups, capacity);
        fit.remaining = std::min(fit.remaining, std::max(0, there.least - there.count));
        if (there.count + seats <= there.least)
            return;
        fit.fits = false;
        const auto note = [](const Busy *&first, const Busy *claim) { first = first == nullptr ? claim : first; };
        note(fit.obstacle, there.earliest);
        note(there.least < capacity ? fit.smaller : fit.counted, there.earliest);
        note(fit.held, there.held);
    };
    fit.fits = seats <= capacity; // with nobody there
    if (groups.size() == 1)
        look_at(std::max(during.begin, groups.front().span.begin));
    else
        for (Instant t : changes(groups, during))
            look_at(t);
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
