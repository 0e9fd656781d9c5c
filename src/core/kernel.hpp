// The kernel: the one function that finds slots, decides bookings and explains refusals.
//
// Find asks it for each start on the grid and keeps the free ones; book asks it for one start under the
// resources' locks and raises the first reason; explain asks it for all reasons. They cannot disagree.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/diary.hpp"
#include "core/precision.hpp"
#include "core/verdict.hpp"
#include "core/work.hpp"

namespace pg_clinic::core {

// What is asked. Ids that are nil leave it open.
struct Request {
    std::optional<Duration> duration; // instead of the service's or provider's
    std::int32_t seats = 1;           // of one party: all or nothing
    bool keeps_duration = false;      // it is that of an appointment being moved: the service's bounds do not matter
    Id location;                      // only at this location
    std::vector<Id> named_resources;  // use these for their classes
    std::vector<Id> ignored;          // appointments being moved: they count neither in overlap nor in limits
    std::optional<Duration> buffer_before; // explicit, instead of the longest default
    std::optional<Duration> buffer_after;
    bool override_rules = false; // staff override: the reasons that may be overridden do not refuse
    bool overbook = false;       // overlap does not refuse
};

struct Slot {
    Interval visit;
    Id provider;
    Id location;
    const Zone *zone = nullptr; // the location's
    std::int32_t remaining = 0;
    std::vector<Id> resources;        // rooms, devices and participants that it would take
    std::vector<std::string> missing; // roles of optional participants that cannot be filled then
};

// A limit on how many visits there may be on one local day or in one ISO week.
struct VisitLimit {
    bool of_service = false; // at the provider; else the provider's own, whatever the service
    bool weekly = false;
    Day from;              // the day, or the first of the week
    std::int32_t left = 0; // how many more
};

class Kernel {
  public:
    // Prepares the windows and blocks that matter for starts within `range`. Keeps references to diary, request and
    // work: they outlive it.
    Kernel(const Diary &diary, const Request &request, Interval range, Work &work);
    ~Kernel();
    Kernel(const Kernel &) = delete;
    Kernel &operator=(const Kernel &) = delete;

    // All free starts within range, ordered by start, then provider, then location; at most max_rows when given,
    // found without looking much further than the last of them.
    std::vector<Slot> find(std::optional<std::size_t> max_rows = std::nullopt) const;

    // The same, handed to visit(Slot &&) one by one, so that the many of a wide search need not all be there at once.
    template <class Visit> void each(std::optional<std::size_t> max_rows, Visit visit) const {
        visit_each(
            max_rows, [](void *to, Slot &&slot) { (*static_cast<Visit *>(to))(std::move(slot)); }, &visit);
    }

    // The first free start of each provider (by index), or nothing.
    std::vector<std::optional<Slot>> first_of_each() const;

    // The providers (by index) that have the earliest free start of all, each with its slot.
    std::vector<std::pair<std::size_t, Slot>> earliest() const;

    // What stands against a start at a provider (by index) and location. `all`: every reason; else the first only.
    // The start must lie within the range given to the constructor.
    Verdict judge(std::size_t provider, const Id &location, Instant start, bool all) const;

    // What of hours, blocks, status and capacity stands against a visit that is there already, with the rooms and devices it
    // uses: all reasons. Its buffers, the grid, other visits, limits and times ahead do not matter. The visit lies within the
    // range given to the constructor.
    std::vector<Finding> judge_standing(std::size_t provider, const Id &location, const Interval &visit,
                                        const std::vector<Id> &resources) const;

    // The locations where a provider has hours, ordered by id; with Request::location just that one.
    std::vector<Id> locations_of(std::size_t provider) const;

    // Length and buffers of a visit at a provider.
    Duration duration_at(std::size_t provider) const;
    Buffers provider_buffers(std::size_t provider) const;
    Buffers provider_buffers(const Provider &assistant) const;
    Buffers resource_buffers(const Resource &resource) const;

    // The provider's free time on both sides of a visit that could be booked; see precision.hpp.
    Gaps gaps_around(std::size_t provider, const Id &location, Instant start) const;

    // How many visits the provider has on the local day of t.
    std::int32_t visits_on_day(std::size_t provider, Instant t) const;

    // The limits that a visit of the provider at t counts towards.
    std::vector<VisitLimit> limits_at(std::size_t provider, Instant t) const;

    // The findings that an override leaves standing, in order.
    std::vector<Finding> standing(const Verdict &verdict) const;

    struct State; // kernel_state.hpp; internal

  private:
    void visit_each(std::optional<std::size_t> max_rows, void (*visit)(void *, Slot &&), void *to) const;

    std::unique_ptr<State> state_;
};

// How many of the visits begin on the provider's local day of t.
std::int32_t count_on_day(const Provider &provider, const std::vector<CountedVisit> &visits, Instant t);

// Whether one more claim over `during`, with a capacity and so many seats, fits among the claims, apart from ignored
// appointments. It does when at every instant the seats taken number at most the smallest capacity of the claims present.
struct Fit {
    bool fits = true;
    std::int32_t remaining = 0;     // how many seats are left
    const Busy *obstacle = nullptr; // when it does not fit: the earliest claim at the first full instant
    // The earliest claim at the first full instant that a claim tolerating fewer than the capacity asked for
    // makes full; at the first one that is full by number alone; the earliest hold or offer at the first full
    // instant that has one.
    const Busy *smaller = nullptr;
    const Busy *counted = nullptr;
    const Busy *held = nullptr;
};
Fit fit_claim(const BusyList &busy, const Interval &during, std::int32_t capacity, const std::vector<Id> &ignored,
              bool count_holds, std::int32_t seats = 1);

} // namespace pg_clinic::core
