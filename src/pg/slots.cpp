// Searching: slots, the first of them, why one is refused, what a wished time collides with, hours and blocks as rows.
#include "pg/audit_reads.hpp"
#include "pg/holds.hpp"
#include "pg/local_text.hpp"
#include "pg/result.hpp"
#include "pg/search.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

// The arguments that available_slots and first_available share, by position.
struct Search {
    DiaryQuery query;
    core::Request request;
};

Search read_search(const Args &args, const Context &context) {
    Search s;
    s.query.tenant = context.tenant_id;
    s.query.service = args.optional<Uuid>(0);
    s.query.range = search_range(args, 1, 2);
    s.query.provider = args.optional<Uuid>(3);
    s.query.location = args.optional<Uuid>(4);
    s.query.patient = permitted_patient(context, args.optional<Uuid>(5));
    s.query.duration = visit_duration(args, 6);
    s.query.named_resources = args.get_or<std::vector<Uuid>>(7, {});
    if (!s.query.service && !s.query.duration)
        fail(ERRCODE_NULL_VALUE_NOT_ALLOWED, "either service_id or duration must be given", "Both are null.",
             "Without a service the search is for free time of that duration.", "service_id, duration");
    s.request.duration = s.query.duration;
    s.request.location = s.query.location.value_or(Uuid{});
    s.request.named_resources = s.query.named_resources;
    s.request.seats = seats_argument(args, 9);
    return s;
}

// Writes slots as rows. What many of them share is put into the server's form once.
class SlotWriter {
  public:
    SlotWriter(ResultSet &rows, const core::Diary &diary) : rows_(rows), diary_(diary) {}

    // `more` are columns that only some searches have.
    template <class... T> void add(const core::Slot &slot, const T &...more) {
        const Place &place = place_of(slot.location);
        const std::int32_t offset = core::offset_at(*place.location->zone, slot.visit.begin);
        const core::LocalTime local{slot.visit.begin.micros + offset * core::micros_per_second};
        rows_.add(slot.provider, place.id, slot.visit.begin, slot.visit.end, core::date_of(local),
                  TimeOfDay{core::time_of_day(local).micros}, text_of(offset), place.zone_name, slot.remaining,
                  more...);
    }

  private:
    struct Place {
        const core::Location *location;
        Made<Uuid> id;
        Made<std::string> zone_name;
    };

    const Place &place_of(const Uuid &location) {
        for (const Place &known : places_)
            if (known.location->id == location)
                return known;
        const core::Location *found = location_in(diary_, location);
        places_.push_back({found, {Sql<Uuid>::to(found->id)}, {text_datum(found->zone_name)}});
        return places_.back();
    }

    Made<std::string> text_of(std::int32_t offset) {
        for (const auto &[known, text] : offsets_)
            if (known == offset)
                return text;
        offsets_.push_back({offset, {text_datum(offset_text(offset))}});
        return offsets_.back().second;
    }

    ResultSet &rows_;
    const core::Diary &diary_;
    std::vector<Place> places_;
    std::vector<std::pair<std::int32_t, Made<std::string>>> offsets_;
};

std::optional<std::size_t> limit_argument(const Args &args, int argument) {
    const auto max_rows = args.optional<std::int32_t>(argument);
    if (max_rows && *max_rows < 0)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "max_rows must not be negative",
             "It is " + std::to_string(*max_rows) + ".", "Leave max_rows out for all slots.", "max_rows");
    return max_rows ? std::optional(static_cast<std::size_t>(*max_rows)) : std::nullopt;
}

// Writes the free starts that a search asks for, and, where it wants them, what the caller holds among them.
Datum find_slots(FunctionCallInfo fcinfo, bool with_held) {
    const Args args(fcinfo);
    const Context &context = require_context();
    const Search s = read_search(args, context);
    const std::optional<std::size_t> limit = limit_argument(args, 8);
    ResultSet rows(fcinfo);
    const core::Diary diary = read_diary(s.query);
    core::Work work = interruptible_work();
    const core::Kernel kernel(diary, s.request, s.query.range, work);
    const auto full = [&] { return limit && rows.size() >= *limit; };
    const std::vector<OwnHold> held = with_held ? own_holds(context, s.query) : std::vector<OwnHold>{};
    auto next = held.begin();
    const auto place_of = [](const core::Slot &slot) {
        return std::tie(slot.visit.begin, slot.provider, slot.location);
    };
    SlotWriter writer(rows, diary);
    // The caller's holds up to a place; to the last one without.
    const auto add_held = [&](const core::Slot *before) {
        for (; next != held.end() && !full() && (before == nullptr || place_of(next->slot) < place_of(*before)); ++next)
            if (location_in(diary, next->slot.location) != nullptr)
                writer.add(next->slot, std::optional(next->expires_at));
    };
    kernel.each(limit, [&](const core::Slot &slot) {
        work.step();
        add_held(&slot);
        if (full())
            return;
        if (with_held)
            writer.add(slot, std::optional<core::Instant>{});
        else
            writer.add(slot);
    });
    add_held(nullptr);
    return rows.done();
}

// Earlier first; then fewer visits that local day, then the lower id.
struct Contender {
    core::Slot slot;
    std::int32_t visits = 0;
    bool operator<(const Contender &other) const {
        return std::tie(slot.visit.begin, visits, slot.provider, slot.location) <
               std::tie(other.slot.visit.begin, other.visits, other.slot.provider, other.slot.location);
    }
};

// The first of each provider.
std::vector<Contender> contenders(const core::Kernel &kernel) {
    std::vector<Contender> found;
    const std::vector<std::optional<core::Slot>> first = kernel.first_of_each();
    for (std::size_t p = 0; p < first.size(); ++p)
        if (first[p])
            found.push_back({*first[p], kernel.visits_on_day(p, first[p]->visit.begin)});
    std::sort(found.begin(), found.end());
    return found;
}

// The first of all.
std::optional<core::Slot> winner(const core::Kernel &kernel, const core::Diary &diary, const DiaryQuery &query) {
    std::vector<std::pair<std::size_t, core::Slot>> earliest = kernel.earliest();
    if (earliest.empty())
        return std::nullopt;
    if (earliest.size() == 1)
        return std::move(earliest.front().second);
    std::vector<std::size_t> providers;
    for (const auto &[provider, slot] : earliest)
        providers.push_back(provider);
    const std::vector<std::int32_t> visits =
        visits_on_day(query, diary, providers, earliest.front().second.visit.begin);
    std::optional<Contender> best;
    for (std::size_t i = 0; i < earliest.size(); ++i)
        if (Contender next{std::move(earliest[i].second), visits[i]}; !best || next < *best)
            best = std::move(next);
    return std::move(best->slot);
}

// A provider and location with what stands against a start there.
struct Place {
    Uuid provider;
    Uuid location; // nil: the provider has no hours anywhere
    std::vector<core::Finding> findings;
};

// All places where the start is refused. The one that comes closest, whose first reason stands last in the order, comes
// first: a booking that leaves the place open raises that reason.
std::vector<Place> places(const core::Diary &diary, const core::Kernel &kernel, core::Instant start) {
    std::vector<Place> refused;
    for (std::size_t p = 0; p < diary.providers.size(); ++p) {
        std::vector<Uuid> locations = kernel.locations_of(p);
        if (locations.empty())
            locations.push_back({});
        for (const Uuid &location : locations) {
            core::Verdict verdict = kernel.judge(p, location, start, true);
            if (!verdict.free())
                refused.push_back({diary.providers[p].id, location, std::move(verdict.findings)});
        }
    }
    std::stable_sort(refused.begin(), refused.end(), [](const Place &a, const Place &b) {
        return a.findings.front().reason > b.findings.front().reason;
    });
    return refused;
}

// What explain_slot says of one provider and location.
void add_findings(ResultSet &rows, const Context &context, std::optional<Uuid> provider, std::optional<Uuid> location,
                  const std::vector<core::Finding> &findings) {
    const bool may_see_rows = may_at(context, "appointments:read", provider, location);
    std::int32_t step = 0;
    for (const core::Finding &f : findings) {
        const bool has_row = may_see_rows && f.source.table != core::Source::Table::none;
        std::string message = message_of(f);
        if (message.empty())
            message = info(code_of(f.reason)).message;
        if (!f.resource_class.empty())
            message += ": " + f.resource_class;
        rows.add(provider, location, ++step, std::string(core::name_of(f.reason)),
                 has_row ? std::optional<std::string>(core::name_of(f.source.table)) : std::nullopt,
                 has_row && f.source.id ? std::optional<Uuid>(f.source.id) : std::nullopt, message);
    }
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic.available_slots(service_id, range_start, range_end, provider_id, location_id, patient_id, duration, resource_ids,
// max_rows, seats)
CLINIC_FUNCTION(clinic_available_slots) { return find_slots(fcinfo, true); }

// clinic_private.free_slots(the same)
CLINIC_FUNCTION(clinic_free_slots) { return find_slots(fcinfo, false); }

// clinic.first_available(service_id, range_start, range_end, provider_id, location_id, patient_id, duration, resource_ids,
// per_provider, seats)
CLINIC_FUNCTION(clinic_first_available) {
    const Args args(fcinfo);
    const Context &context = require_context();
    Search s = read_search(args, context);
    const bool per_provider = args.get_or<bool>(8, false);
    s.query.count_visits = per_provider;
    ResultSet rows(fcinfo);
    // The earliest slot is mostly near, so parts of the range are searched, each longer than the one before, until one has
    // it. The first of each provider may be anywhere.
    const core::Instant end = s.query.range.end;
    core::Duration length = per_provider ? s.query.range.length() : core::Duration{2 * core::micros_per_day};
    for (bool found = false; !found;) {
        core::Interval &part = s.query.range;
        part.end = std::min(end, part.begin + length);
        const core::Diary diary = read_diary(s.query);
        core::Work work = interruptible_work();
        const core::Kernel kernel(diary, s.request, part, work);
        SlotWriter writer(rows, diary);
        if (per_provider) {
            for (const Contender &c : contenders(kernel))
                writer.add(c.slot);
        } else if (const std::optional<core::Slot> first = winner(kernel, diary, s.query)) {
            writer.add(*first);
            found = true;
        }
        found = found || part.end == end;
        part.begin = part.end;
        length = core::Duration{length.micros * 4};
    }
    return rows.done();
}

// clinic.explain_slot(service_id, starts_at, provider_id, location_id, patient_id, duration, resource_ids, seats)
CLINIC_FUNCTION(clinic_explain_slot) {
    const Args args(fcinfo);
    const Context &context = require_context();
    DiaryQuery query;
    query.tenant = context.tenant_id;
    query.service = args.required<Uuid>(0, "service_id");
    const core::Instant start = finite(args.required<core::Instant>(1, "starts_at"), "starts_at");
    query.provider = args.optional<Uuid>(2);
    query.location = args.optional<Uuid>(3);
    query.patient = args.optional<Uuid>(4);
    query.duration = visit_duration(args, 5);
    query.named_resources = args.get_or<std::vector<Uuid>>(6, {});
    query.range = {start, start + core::Duration{1}};
    ResultSet rows(fcinfo);
    if (context.actor == Actor::patient && query.patient && *query.patient != context.patient_id) {
        add_findings(rows, context, query.provider, query.location, {{core::Reason::forbidden, {}, {}}});
        return rows.done();
    }
    query.patient = permitted_patient(context, query.patient);
    if (const auto missing = missing_row(query)) {
        add_findings(rows, context, query.provider, query.location, {{core::Reason::not_found, *missing, {}}});
        return rows.done();
    }
    const core::Diary diary = read_diary(query);
    core::Request request;
    request.duration = query.duration;
    request.location = query.location.value_or(Uuid{});
    request.named_resources = query.named_resources;
    request.seats = seats_argument(args, 7);
    core::Work work = interruptible_work();
    const core::Kernel kernel(diary, request, query.range, work);
    if (diary.providers.empty())
        add_findings(rows, context, std::nullopt, query.location,
                     {{core::Reason::not_found, {core::Source::Table::service_providers, {}}, {}}});
    for (const Place &place : places(diary, kernel, start))
        add_findings(rows, context, place.provider, place.location ? std::optional<Uuid>(place.location) : std::nullopt,
                     place.findings);
    return rows.done();
}

namespace {

// Whether there is an open window at the location that overlaps the interval: the resource is there then.
bool is_there(const std::vector<core::Window> &windows, const Uuid &location, const core::Interval &when) {
    return std::any_of(windows.begin(), windows.end(), [&](const core::Window &w) {
        return !w.closed_by && w.location == location && w.span.overlaps(when);
    });
}

// Rows of find_conflicts for one resource.
class ConflictWriter {
  public:
    ConflictWriter(ResultSet &rows, const Context &context, const core::Interval &visit)
        : rows_(rows),
          may_see_rows_(context.all_locations && may_at(context, "appointments:read", std::nullopt, std::nullopt)),
          visit_(visit) {}

    void claims(const Uuid &resource, const core::BusyList &busy, const core::Buffers &buffers) {
        const core::Interval wide{visit_.begin - buffers.before, visit_.end + buffers.after};
        std::vector<const core::Busy *> found;
        busy.each_overlapping(wide, [&found](const core::Busy &b) {
            found.push_back(&b);
            return true;
        });
        for (auto it = found.rbegin(); it != found.rend(); ++it)
            add(resource, (*it)->visit.overlaps(visit_), "claims", (*it)->claim, (*it)->appointment, (*it)->during,
                wide);
    }

    // concerned(block) says whether the resource is where the block holds.
    template <class Concerned>
    void blocks(const Uuid &resource, const std::vector<core::Block> &blocks, const core::Buffers &buffers,
                const core::Diary &diary, core::Work &work, Concerned concerned) {
        const core::Interval wide{visit_.begin - buffers.before, visit_.end + buffers.after};
        for (const core::Blocked &b : core::expand_blocks(blocks, wide, work)) {
            if (b.block->location && !concerned(*b.block))
                continue;
            const bool kept = b.block->kept_for && diary.patient && diary.patient->id == b.block->kept_for;
            if (!kept && core::concerns(b.block->services, diary.service.id))
                add(resource, b.span.overlaps(visit_), "blocks", b.block->id, {}, b.span, wide);
        }
    }

    void record() const { record_reads("appointments", appointments_, {}); }

  private:
    void add(const Uuid &resource, bool hard, const char *source, const Uuid &id, const Uuid &appointment,
             const core::Interval &busy, const core::Interval &wide) {
        const auto shown = [this](const Uuid &value) {
            return may_see_rows_ && value ? std::optional<Uuid>(value) : std::nullopt;
        };
        if (const auto seen = shown(appointment))
            appointments_.push_back(*seen);
        rows_.add(std::string(hard ? "hard" : "buffer"), resource, std::string(source), shown(id), shown(appointment),
                  busy.begin, busy.end, std::max(busy.begin, wide.begin), std::min(busy.end, wide.end));
    }

    ResultSet &rows_;
    const bool may_see_rows_;
    const core::Interval visit_;
    std::vector<Uuid> appointments_ = {};
};

} // namespace

// clinic.find_conflicts(service_id, starts_at, provider_id, patient_id, duration, resource_ids)
CLINIC_FUNCTION(clinic_find_conflicts) {
    const Args args(fcinfo);
    const Context &context = require_context();
    DiaryQuery query;
    query.tenant = context.tenant_id;
    query.service = args.required<Uuid>(0, "service_id");
    const core::Instant start = finite(args.required<core::Instant>(1, "starts_at"), "starts_at");
    query.provider = args.required<Uuid>(2, "provider_id");
    query.patient = permitted_patient(context, args.optional<Uuid>(3));
    query.duration = visit_duration(args, 4);
    query.named_resources = args.get_or<std::vector<Uuid>>(5, {});
    query.range = {start, start + core::Duration{1}};
    ResultSet rows(fcinfo);
    const core::Diary diary = read_diary(query);
    core::Request request;
    request.duration = query.duration;
    core::Work work = interruptible_work();
    const core::Kernel kernel(diary, request, query.range, work);
    const core::Interval visit{start, start + kernel.duration_at(0)};
    ConflictWriter writer(rows, context, visit);
    const core::Provider &provider = diary.providers.front();
    writer.claims(provider.id, provider.busy, kernel.provider_buffers(0));
    const std::vector<core::Window> windows = core::expand_hours(provider.hours, visit, work);
    writer.blocks(provider.id, provider.blocks, kernel.provider_buffers(0), diary, work,
                  [&](const core::Block &b) { return is_there(windows, b.location, visit); });
    for (const core::Resource &r : diary.resources) {
        const auto &named = query.named_resources;
        if (std::find(named.begin(), named.end(), r.id) == named.end())
            continue;
        writer.claims(r.id, r.busy, kernel.resource_buffers(r));
        writer.blocks(r.id, r.blocks, kernel.resource_buffers(r), diary, work,
                      [&r](const core::Block &b) { return b.location == r.location; });
    }
    if (diary.patient)
        writer.claims(diary.patient->id, diary.patient->busy, {});
    writer.record();
    return rows.done();
}

// clinic.open_hours(resource_ids, range_start, range_end, location_id, service_id)
CLINIC_FUNCTION(clinic_open_hours) {
    const Args args(fcinfo);
    const Context &context = require_context();
    const auto resources = args.required<std::vector<Uuid>>(0, "resource_ids");
    const core::Interval range = search_range(args, 1, 2);
    const auto location = args.optional<Uuid>(3);
    const auto service = args.optional<Uuid>(4);
    ResultSet rows(fcinfo);
    core::Work work = interruptible_work();
    for (const ResourceHours &r : read_hours(context.tenant_id, resources, range))
        for (const core::Window &w : core::expand_hours(r.hours, range, work)) {
            if (w.closed_by || (location && w.location != *location) ||
                (service && !core::concerns(w.services, *service)))
                continue;
            const bool by_rule = w.made_by.table == core::Source::Table::availability_rules;
            rows.add(r.resource, w.location, w.span.begin, w.span.end,
                     by_rule ? std::optional<Uuid>(w.made_by.id) : std::nullopt,
                     by_rule ? std::nullopt : std::optional<Uuid>(w.made_by.id));
        }
    return rows.done();
}

// clinic.blocked_times(resource_ids, range_start, range_end, location_id)
CLINIC_FUNCTION(clinic_blocked_times) {
    const Args args(fcinfo);
    const Context &context = require_context();
    const auto resources = args.required<std::vector<Uuid>>(0, "resource_ids");
    const core::Interval range = search_range(args, 1, 2);
    const auto location = args.optional<Uuid>(3);
    ResultSet rows(fcinfo);
    core::Work work = interruptible_work();
    for (const ResourceHours &r : read_hours(context.tenant_id, resources, range)) {
        const std::vector<core::Window> windows = core::expand_hours(r.hours, range, work);
        for (const core::Blocked &b : core::expand_blocks(r.blocks, range, work)) {
            if (location && b.block->location && b.block->location != *location)
                continue;
            // A block of a whole location concerns what stands there, and who is there.
            if (!b.block->resource && !(r.stands_at ? r.stands_at == b.block->location
                                                    : location || is_there(windows, b.block->location, b.span)))
                continue;
            const bool show_patient = b.block->kept_for && sees_patient(context, b.block->kept_for);
            rows.add(r.resource, b.block->id, b.span.begin, b.span.end,
                     show_patient ? std::optional<Uuid>(b.block->kept_for) : std::nullopt);
        }
    }
    return rows.done();
}
