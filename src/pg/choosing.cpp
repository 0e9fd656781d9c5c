// Choosing among providers: slots with what they leave of the provider's time, and the first one of each provider.
#include <map>

#include "pg/clock.hpp"
#include "pg/local_text.hpp"
#include "pg/result.hpp"
#include "pg/search.hpp"
#include "pg/spi.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

// The shortest time, with its buffers, that a visit of any service takes at each provider.
KeptPlan shortest_statement{
    "SELECT p.provider_id, min(coalesce(p.duration_minutes, s.duration_minutes)"
    " + coalesce(p.buffer_before_minutes, greatest(t.buffer_before_minutes, s.buffer_before_minutes, "
    "r.buffer_before_minutes))"
    " + coalesce(p.buffer_after_minutes, greatest(t.buffer_after_minutes, s.buffer_after_minutes, "
    "r.buffer_after_minutes)))"
    " FROM clinic_data.service_providers p"
    " JOIN clinic_data.services s ON s.tenant_id = p.tenant_id AND s.service_id = p.service_id AND s.status = 'active'"
    " JOIN clinic_data.resources r ON r.tenant_id = p.tenant_id AND r.resource_id = p.provider_id"
    " JOIN clinic_data.tenants t ON t.tenant_id = p.tenant_id"
    " WHERE p.tenant_id = $1 AND p.provider_id = ANY ($2) GROUP BY p.provider_id"};

// Scores slots of one diary.
class Scorer {
  public:
    Scorer(const core::Diary &diary, const core::Kernel &kernel) : diary_(diary), kernel_(kernel) {
        std::vector<Uuid> ids;
        for (const core::Provider &p : diary.providers)
            ids.push_back(p.id);
        Spi spi;
        for (const Row row : spi.query_with(shortest_statement, {View::active, 0}, diary.tenant.id, ids))
            shortest_[row.get<Uuid>(0)] = core::minutes(row.get<std::int32_t>(1));
    }

    core::Precision score(const core::Slot &slot) const {
        const auto it = std::lower_bound(diary_.providers.begin(), diary_.providers.end(), slot.provider,
                                         [](const core::Provider &p, const Uuid &id) { return p.id < id; });
        const auto index = static_cast<std::size_t>(it - diary_.providers.begin());
        const auto known = shortest_.find(slot.provider);
        return core::precision_of(kernel_.gaps_around(index, slot.location, slot.visit.begin),
                                  known == shortest_.end() ? slot.visit.length() : known->second);
    }

  private:
    const core::Diary &diary_;
    const core::Kernel &kernel_;
    std::map<Uuid, core::Duration> shortest_;
};

// How many claims of a provider begin within the range: claims and not appointments, since how busy somebody is does not
// depend on what the caller may read.
std::int64_t bookings_within(const core::Provider &provider, const core::Interval &range) {
    const std::vector<core::Busy> &claims = provider.busy.claims();
    return std::count_if(claims.begin(), claims.end(),
                         [&range](const core::Busy &b) { return range.contains(b.visit.begin); });
}

// Visits of a patient that the caller may see, by provider.
struct Seen {
    std::int64_t visits = 0;
    core::Instant last = core::instant_min;
};

std::map<Uuid, Seen> seen_by(const Context &context, const Uuid &patient) {
    std::map<Uuid, Seen> seen;
    IndexScan scan("appointments", "appointments_patient_id_idx");
    const auto provider = scan.column<Uuid>("provider_id");
    const auto location = scan.column<Uuid>("location_id");
    const auto status = scan.column<std::string_view>("status");
    const auto starts_at = scan.column<core::Instant>("starts_at");
    const auto expires_at = scan.column<core::Instant>("expires_at");
    scan.where("tenant_id", BTEqualStrategyNumber, context.tenant_id);
    scan.where("patient_id", BTEqualStrategyNumber, patient);
    // As it is, like all that a booking looks at: so it takes no part in serialisable conflict detection.
    scan.start(Sight::truth);
    const core::Instant current = now();
    while (scan.next()) {
        const std::string_view state = scan.get(status);
        if (state == "held" || state == "cancelled" || state == "no_show" ||
            scan.optional(expires_at).value_or(core::instant_max) <= current ||
            !sees_appointment(context, patient, scan.get(provider), scan.get(location)))
            continue;
        Seen &one = seen[scan.get(provider)];
        ++one.visits;
        one.last = std::max(one.last, scan.get(starts_at));
    }
    return seen;
}

std::int32_t in_minutes(core::Duration d) { return static_cast<std::int32_t>(d.micros / core::micros_per_minute); }

struct Search {
    DiaryQuery query;
    core::Request request;
};

// service_id, range_start, range_end, provider_ids, location_id, patient_id, duration
Search read_search(const Args &args, const Context &context) {
    Search s;
    s.query.tenant = context.tenant_id;
    s.query.service = args.required<Uuid>(0, "service_id");
    s.query.range = search_range(args, 1, 2);
    s.query.among = args.optional<std::vector<Uuid>>(3);
    s.query.location = args.optional<Uuid>(4);
    s.query.patient = permitted_patient(context, args.optional<Uuid>(5));
    s.query.duration = visit_duration(args, 6);
    s.request.duration = s.query.duration;
    s.request.location = s.query.location.value_or(Uuid{});
    return s;
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.scored_slots(service_id, range_start, range_end, provider_ids, location_id, patient_id, duration, max_rows)
CLINIC_FUNCTION(clinic_scored_slots) {
    const Args args(fcinfo);
    const Context &context = require_context();
    const Search s = read_search(args, context);
    const auto max_rows = args.optional<std::int32_t>(7);
    ResultSet rows(fcinfo);
    const core::Diary diary = read_diary(s.query);
    core::Work work = interruptible_work();
    const core::Kernel kernel(diary, s.request, s.query.range, work);
    const Scorer scorer(diary, kernel);
    for (const core::Slot &slot :
         kernel.find(max_rows ? std::optional(static_cast<std::size_t>(std::max(0, *max_rows))) : std::nullopt)) {
        work.step();
        const core::Location *location = location_in(diary, slot.location);
        const core::LocalTime local = core::to_local(*location->zone, slot.visit.begin);
        const core::Precision precision = scorer.score(slot);
        rows.add(slot.provider, slot.location, slot.visit.begin, slot.visit.end, core::date_of(local),
                 TimeOfDay{core::time_of_day(local).micros},
                 offset_text(core::offset_at(*location->zone, slot.visit.begin)), location->zone_name, slot.remaining,
                 precision.score, in_minutes(precision.unusable), slot.missing);
    }
    return rows.done();
}

// clinic_private.first_slots(service_id, range_start, range_end, provider_ids, location_id, patient_id, duration, latest,
// of_each)
CLINIC_FUNCTION(clinic_first_slots) {
    const Args args(fcinfo);
    const Context &context = require_context();
    Search s = read_search(args, context);
    s.query.count_visits = true;
    if (args.get_or<bool>(7, false))
        s.query.sight = Sight::truth;
    const bool of_each = args.get_or<bool>(8, true);
    ResultSet rows(fcinfo);
    // The earliest slot of all is mostly near: parts of the range are searched until one has it.
    const core::Instant end = s.query.range.end;
    core::Duration length = of_each ? s.query.range.length() : core::Duration{4 * core::micros_per_day};
    for (bool done = false; !done;) {
        core::Interval &part = s.query.range;
        part.end = end - part.begin > length ? part.begin + length : end;
        const core::Diary diary = read_diary(s.query);
        core::Work work = interruptible_work();
        const core::Kernel kernel(diary, s.request, part, work);
        const Scorer scorer(diary, kernel);
        const std::vector<std::optional<core::Slot>> first = kernel.first_of_each();
        for (std::size_t p = 0; p < first.size(); ++p)
            if (const std::optional<core::Slot> &slot = first[p]) {
                rows.add(slot->provider, slot->location, slot->visit.begin, slot->visit.end,
                         bookings_within(diary.providers[p], part), kernel.visits_on_day(p, slot->visit.begin),
                         scorer.score(*slot).score);
                done = true;
            }
        done = done || part.end == end;
        part.begin = part.end;
        length.micros *= 4;
    }
    return rows.done();
}

// clinic_private.seen_providers(patient_id)
CLINIC_FUNCTION(clinic_seen_providers) {
    const Args args(fcinfo);
    const Context &context = require_context();
    ResultSet rows(fcinfo);
    if (const auto patient = permitted_patient(context, args.optional<Uuid>(0)))
        for (const auto &[provider, seen] : seen_by(context, *patient))
            rows.add(provider, seen.visits, seen.last);
    return rows.done();
}
