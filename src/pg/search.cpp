#include "pg/search.hpp"

#include "pg/clock.hpp"
#include "pg/local_text.hpp"
#include "pg/spi.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

constexpr core::Duration longest_range{longest_range_days * core::micros_per_day};
// Where alternatives are looked for: most often the first day has enough, at a fraction of the cost.
constexpr core::Duration alternatives_within[] = {{core::micros_per_day}, {14 * core::micros_per_day}};
constexpr std::size_t most_alternatives = 3;

core::Instant required_instant(const Args &args, int argument, const char *name) {
    return finite(args.required<core::Instant>(argument, name), name);
}

// Whether another time could do where this one does not.
bool another_time_may_help(core::Reason reason) {
    switch (reason) {
    case core::Reason::not_found:
    case core::Reason::forbidden:
    case core::Reason::inactive:
    case core::Reason::bad_duration:
    case core::Reason::no_show_policy:
        return false;
    default:
        return true;
    }
}

KeptPlan lengths_statement{
    "SELECT least(coalesce(s.min_duration_minutes, s.duration_minutes), coalesce(p.duration_minutes, "
    "s.duration_minutes)),"
    " greatest(coalesce(s.max_duration_minutes, s.duration_minutes), coalesce(p.duration_minutes, s.duration_minutes))"
    " FROM clinic_data.services s LEFT JOIN clinic_data.service_providers p"
    " ON p.tenant_id = s.tenant_id AND p.service_id = s.service_id AND p.provider_id = $3"
    " WHERE s.tenant_id = $1 AND s.service_id = $2"};

// Which lengths a visit may have, for who asked for another.
void add_lengths(Detail &detail, const DiaryQuery &query, const Uuid &provider) {
    Spi spi;
    for (const Row row : spi.query(lengths_statement, query.tenant, query.service, provider))
        detail.add("min_duration_minutes", row.get<std::int32_t>(0))
            .add("max_duration_minutes", row.get<std::int32_t>(1));
}

std::string as_json(const std::vector<core::Slot> &slots) {
    std::string out = "[";
    for (const core::Slot &slot : slots) {
        Detail one;
        one.add("starts_at", iso_text(*slot.zone, slot.visit.begin)).add("provider_id", slot.provider);
        one.add("location_id", slot.location);
        out += (out.size() > 1 ? ",{" : "{") + one.members() + "}";
    }
    return out + "]";
}

// The next free starts after the wished one, or after now when that is past, as a JSON array.
std::string alternatives(DiaryQuery query, core::Request request, core::Instant start) {
    request.override_rules = request.overbook = false;
    const core::Instant from = std::max(start, now());
    std::string found;
    for (const core::Duration within : alternatives_within) {
        query.range = {from, from + within};
        const core::Diary diary = read_diary(query);
        core::Work work = interruptible_work();
        const core::Kernel kernel(diary, request, query.range, work);
        const std::vector<core::Slot> slots = kernel.find(most_alternatives);
        found = as_json(slots); // while their zones are there
        if (slots.size() == most_alternatives)
            break;
    }
    return found;
}

} // namespace

core::Interval search_range(const Args &args, int start, int end) {
    const core::Interval range{required_instant(args, start, "range_start"), required_instant(args, end, "range_end")};
    if (range.begin > range.end)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "range_end lies before range_start",
             "The range is from range_start to range_end.",
             "The range is half-open: range_start counts, range_end does not.", "range_end");
    if (range.length() > longest_range)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "the range is too wide",
             "A search covers at most " + std::to_string(longest_range_days) + " days.",
             "Ask for one part after the other.", "range_end");
    return range;
}

std::optional<core::Duration> visit_duration(const Args &args, int argument) {
    const auto duration = args.optional<core::Duration>(argument);
    constexpr core::Duration longest{7 * core::micros_per_day};
    if (duration && (duration->micros <= 0 || *duration > longest))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "duration must be positive and at most 7 days",
             "The argument is duration.", "Give an interval such as '45 minutes'.", "duration");
    return duration;
}

std::int32_t seats_argument(const Args &args, int argument) {
    const auto seats = args.get_or<std::int32_t>(argument, 1);
    if (seats < 1 || seats > 1000)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "seats must lie between 1 and 1000",
             "It is " + std::to_string(seats) + ".", "A party takes so many places of a service's capacity at once.",
             "seats");
    return seats;
}

core::Instant instant_of_local(const core::Zone &zone, core::LocalTime local, std::optional<core::Duration> utc_offset,
                               std::string_view gap) {
    if (gap != "refuse" && gap != "shift")
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "gap must be refuse or shift", "It is \"" + std::string(gap) + "\".",
             "A nonexistent local time is refused, or shifted by the offset before the gap.", "gap");
    const core::Resolution r = core::resolve(zone, local);
    if (r.kind == core::Resolution::Kind::nonexistent) {
        if (gap == "refuse")
            raise(Code::nonexistent_local_time, {}, Detail().add("shifted_to", iso_text(zone, r.first)),
                  "Choose another time, or pass gap => 'shift'.");
        return r.first;
    }
    if (!utc_offset)
        return r.first;
    for (const core::Instant t : {r.first, r.second})
        if (core::offset_at(zone, t) * core::micros_per_second == utc_offset->micros)
            return t;
    fail(ERRCODE_INVALID_PARAMETER_VALUE, "the offset from UTC does not hold at that local time",
         "The argument is utc_offset.", "Leave utc_offset out for the first of an ambiguous pair.", "utc_offset");
}

std::optional<Uuid> permitted_patient(const Context &context, std::optional<Uuid> patient) {
    if (context.actor != Actor::patient)
        return patient;
    if (!context.has_patient || (patient && !is_own_patient(context, *patient)))
        raise(Code::forbidden, "a patient may act only for themselves and their dependants");
    return patient ? patient : context.patient_id;
}

Code code_of(core::Reason reason) {
    const auto code = code_named(core::name_of(reason));
    if (!code)
        throw core::Error(core::ErrorCode::internal, "a reason without a code");
    return *code;
}

std::string message_of(const core::Finding &finding) {
    if (finding.reason == core::Reason::not_found && finding.source.table == core::Source::Table::service_providers)
        return "no provider that was asked for offers the service";
    return {};
}

const core::Location *location_in(const core::Diary &diary, const Uuid &location) {
    for (const core::Location &l : diary.locations)
        if (l.id == location)
            return &l;
    return nullptr;
}

void raise_refusal(const Context &context, const Refusal &refusal, DiaryQuery query, core::Request request,
                   core::Instant start) {
    const core::Finding &finding = refusal.finding;
    Detail detail;
    if (!finding.resource_class.empty())
        detail.add("resource_class", finding.resource_class);
    if (finding.source.table != core::Source::Table::none &&
        may_at(context, "appointments:read", refusal.provider, refusal.location)) {
        detail.add("source", core::name_of(finding.source.table));
        if (finding.source.id)
            detail.add("source_id", finding.source.id);
    }
    if (finding.reason == core::Reason::bad_duration)
        add_lengths(detail, query, refusal.provider);
    if (another_time_may_help(finding.reason))
        detail.add_json("alternatives", alternatives(std::move(query), std::move(request), start));
    const std::string message = message_of(finding);
    const char *hint = message.empty() ? "" : "clinic.offer_service says who offers a service.";
    raise(code_of(finding.reason), message, detail, hint);
}

} // namespace pg_clinic::pg
