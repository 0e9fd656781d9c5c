// Itineraries: a visit of several services one after the other, each where the kernel finds it free with the earlier ones in
// place, with bounded gaps and the way between locations kept free for the patient.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/kernel.hpp"

namespace pg_clinic::core {

// One service of the visit. The diaries of all steps are of the same tenant, moment and patient.
struct Step {
    const Diary *diary = nullptr; // not owned
    Request request;
    Duration least_gap;               // between the end of the step before and this start; the way counts too
    std::optional<Duration> most_gap; // none: no bound
};

struct ItineraryRules {
    enum class Providers : std::uint8_t { any, same, different } providers = Providers::any;
    bool one_location = false;
};

struct Itinerary {
    std::vector<Slot> stops; // one for each step
};

// The first itineraries whose stops all start within range, at most max_rows, ordered by the start of the first stop, the end
// of the last, then the providers and locations step by step, then the starts.
std::vector<Itinerary> find_itineraries(const std::vector<Step> &steps, const ItineraryRules &rules,
                                        const Interval &range, std::size_t max_rows, Work &work);

// How long the patient needs between two stops.
Duration way_between(const Diary &diary, const Id &from, const Id &to);

// The diary of a step with the stops of earlier steps in place: their claims, and what counts towards limits.
Diary with_stops(const Step &step, const std::vector<Step> &steps, const std::vector<Slot> &stops);

} // namespace pg_clinic::core
