// Itineraries: a visit of several services, read as one diary for each step and searched by the core.
#include "core/itinerary.hpp"

#include "pg/result.hpp"
#include "pg/search.hpp"

namespace pg_clinic::pg {

namespace {

constexpr std::int32_t most_rows = 1000;

// The arguments that have one element for each step, by position; nil, 0 and -1 leave something open.
struct StepArrays {
    std::vector<Uuid> services, providers, locations;
    std::vector<std::int32_t> durations, least_gaps, most_gaps;
};

StepArrays read_arrays(const Args &args) {
    StepArrays a{args.required<std::vector<Uuid>>(0, "service_ids"),
                 args.required<std::vector<Uuid>>(1, "provider_ids"),
                 args.required<std::vector<Uuid>>(2, "location_ids"),
                 args.required<std::vector<std::int32_t>>(3, "durations"),
                 args.required<std::vector<std::int32_t>>(4, "least_gaps"),
                 args.required<std::vector<std::int32_t>>(5, "most_gaps")};
    const std::size_t n = a.services.size();
    if (a.providers.size() != n || a.locations.size() != n || a.durations.size() != n || a.least_gaps.size() != n ||
        a.most_gaps.size() != n)
        throw core::Error(core::ErrorCode::internal, "the steps' arrays differ in length");
    return a;
}

std::optional<Uuid> given(const Uuid &id) { return id ? std::optional(id) : std::nullopt; }

core::ItineraryRules read_rules(const Args &args) {
    using Providers = core::ItineraryRules::Providers;
    core::ItineraryRules rules;
    const auto providers = args.get_or<std::string>(9, "any");
    if (providers != "any" && providers != "same" && providers != "different")
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "providers must be any, same or different",
             "It is \"" + providers + "\".", "same: one provider for all steps; different: another for each.",
             "providers");
    rules.providers = providers == "same"        ? Providers::same
                      : providers == "different" ? Providers::different
                                                 : Providers::any;
    rules.one_location = args.get_or<bool>(10, false);
    return rules;
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.itineraries(service_ids, provider_ids, location_ids, durations, least_gaps, most_gaps, range_start,
// range_end, patient_id, providers, one_location, max_rows)
CLINIC_FUNCTION(clinic_itineraries) {
    const Args args(fcinfo);
    const Context &context = require_context();
    const StepArrays arrays = read_arrays(args);
    const core::Interval range = search_range(args, 6, 7);
    const std::optional<Uuid> patient = permitted_patient(context, args.optional<Uuid>(8));
    const core::ItineraryRules rules = read_rules(args);
    const auto max_rows = args.get_or<std::int32_t>(11, 10);
    if (max_rows < 0 || max_rows > most_rows)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "max_rows must lie between 0 and 1000",
             "It is " + std::to_string(max_rows) + ".", "Itineraries come in order: the first ones are the best.",
             "max_rows");
    ResultSet rows(fcinfo);
    std::vector<core::Diary> diaries(arrays.services.size());
    std::vector<core::Step> steps;
    for (std::size_t i = 0; i < arrays.services.size(); ++i) {
        DiaryQuery query;
        query.tenant = context.tenant_id;
        query.service = arrays.services[i];
        query.provider = given(arrays.providers[i]);
        query.location = given(arrays.locations[i]);
        query.patient = patient;
        if (arrays.durations[i] > 0)
            query.duration = core::minutes(arrays.durations[i]);
        query.range = range;
        diaries[i] = read_diary(query);
        core::Step step;
        step.diary = &diaries[i];
        step.request.duration = query.duration;
        step.request.location = arrays.locations[i];
        step.least_gap = core::minutes(arrays.least_gaps[i]);
        if (arrays.most_gaps[i] >= 0)
            step.most_gap = core::minutes(arrays.most_gaps[i]);
        steps.push_back(std::move(step));
    }
    core::Work work = interruptible_work();
    std::int32_t itinerary = 0;
    for (const core::Itinerary &found :
         core::find_itineraries(steps, rules, range, static_cast<std::size_t>(max_rows), work)) {
        ++itinerary;
        for (std::size_t i = 0; i < found.stops.size(); ++i) {
            const core::Slot &stop = found.stops[i];
            rows.add(itinerary, static_cast<std::int32_t>(i + 1), arrays.services[i], stop.provider, stop.location,
                     stop.visit.begin, stop.visit.end, stop.missing);
        }
    }
    return rows.done();
}
