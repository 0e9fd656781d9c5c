// Moving the visits of a provider who is away to others: what is free for each of them, as a problem of the core, and its best
// answer. Nothing is written here.
#include <map>
#include <set>

#include "core/matching.hpp"
#include "core/site.hpp"
#include "pg/appointments.hpp"
#include "pg/clock.hpp"
#include "pg/search.hpp"
#include "pg/visibility.hpp"
#include "pg/zone_pg.hpp"

namespace pg_clinic::pg {

namespace {

// What a move costs beside its minutes.
constexpr std::int64_t cost_of_provider = 10;
constexpr std::int64_t cost_of_location = 60;

// A free start, and what it takes.
struct FreePlace {
    core::Slot slot;
    std::int64_t minutes = 0;
    bool passes_over = false; // lead time, horizon or "not on the same day" stand against it
    core::Option option;
};

struct Ban {
    Uuid appointment, provider;
    core::Instant start;
};

// How far a visit may go.
struct Reach {
    std::vector<Uuid> away;    // not to these, nor with these taking part
    std::vector<Uuid> allowed; // only to these; empty: to all
    std::int32_t days = 0;     // later ones
    bool same_time = false;
    bool pass_over = false; // lead time, horizon and "not on the same day" give way, where the caller may do that
    std::vector<Ban> bans;
};

bool has(const std::vector<Uuid> &ids, const Uuid &id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); }

class Planner {
  public:
    Planner(const Context &context, std::vector<Uuid> ids, Reach reach)
        : context_(context), ids_(std::move(ids)), reach_(std::move(reach)),
          passes_over_(reach_.pass_over && has_permission(context, "appointments:override")),
          steps_("visit_appointments", "visit_appointments_appointment_id_key") {
        std::sort(ids_.begin(), ids_.end());
        ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
        for (const Uuid &id : ids_)
            if (std::optional<Standing> a = read_standing(context, id))
                visits_.push_back(std::move(*a));
            else
                raise(Code::not_found, "the appointment does not exist", Detail().add("appointment_id", id));
    }

    void answer(ResultSet &rows) {
        for (const Standing &a : visits_)
            add_visit(a);
        core::Work work = interruptible_work();
        const core::Reassigned best = core::best_reassignment(problem_, work);
        for (std::size_t i = 0; i < visits_.size(); ++i) {
            const Standing &a = visits_[i];
            if (!best.option_of[i]) {
                rows.add(a.id, std::optional<Uuid>{}, std::optional<Uuid>{}, std::optional<core::Instant>{},
                         std::optional<core::Instant>{}, std::optional<std::int32_t>{}, std::optional<std::int32_t>{},
                         false, best.proven, static_cast<std::int32_t>(places_[i].size()));
                continue;
            }
            const FreePlace &p = places_[i][*best.option_of[i]];
            rows.add(a.id, std::optional(p.slot.provider), std::optional(p.slot.location),
                     std::optional(p.slot.visit.begin), std::optional(p.slot.visit.end),
                     std::optional(static_cast<std::int32_t>(p.minutes)),
                     std::optional(static_cast<std::int32_t>(p.option.cost)), p.passes_over, best.proven,
                     static_cast<std::int32_t>(places_[i].size()));
        }
    }

  private:
    // A step of a visit of several services keeps its time and location, so that its gaps hold.
    bool is_step(const Standing &a) {
        steps_.where("tenant_id", BTEqualStrategyNumber, context_.tenant_id);
        steps_.where("appointment_id", BTEqualStrategyNumber, a.id);
        steps_.start(Sight::truth);
        return steps_.next();
    }

    // The starts to look at: the same one, or those of its local day and some later ones.
    core::Interval range_for(const Standing &a, bool stays) const {
        if (reach_.same_time || stays)
            return {a.visit.begin, a.visit.begin + core::Duration{1}};
        const core::Zone &zone = zone_named(a.zone_name);
        const core::Day day = core::local_date(zone, a.visit.begin);
        return {std::max(core::day_span(zone, day).begin, now()), core::day_span(zone, day + reach_.days).end};
    }

    void add_visit(const Standing &a) {
        std::vector<FreePlace> places;
        const bool step = is_step(a);
        const core::Interval range = range_for(a, step);
        if (range.begin < range.end && a.visit.begin >= now()) {
            DiaryQuery query;
            query.tenant = context_.tenant_id;
            query.service = a.service;
            query.patient = a.patient;
            query.range = range;
            query.duration = a.visit.length();
            query.sight = Sight::truth;
            query.count_visits = true;
            core::Diary diary = read_diary(query);
            const core::Service rules = diary.service;
            if (passes_over_) {
                diary.service.lead_time = {};
                diary.service.same_day = true;
                diary.service.horizon_days.reset();
            }
            std::erase_if(diary.providers, [this](const core::Provider &p) {
                return has(reach_.away, p.id) || (!reach_.allowed.empty() && !has(reach_.allowed, p.id));
            });
            leave_out(diary, reach_.away);
            core::Request request;
            request.duration = query.duration;
            request.keeps_duration = true;
            request.seats = a.seats;
            request.ignored = ids_;
            if (step)
                request.location = a.location;
            core::Work work = interruptible_work();
            const core::Kernel kernel(diary, request, range, work);
            for (const core::Slot &slot : kernel.find())
                if (!is_banned(a.id, slot) && may_write_appointment(context_, a.patient, slot.provider, slot.location))
                    places.push_back(place_at(a, diary, rules, kernel, slot));
            keep_nearest(places, diary);
            add_present(a, diary);
        }
        std::vector<core::Option> options;
        for (const FreePlace &p : places)
            options.push_back(p.option);
        problem_.items.push_back(std::move(options));
        places_.push_back(std::move(places));
    }

    bool is_banned(const Uuid &appointment, const core::Slot &slot) const {
        return std::any_of(reach_.bans.begin(), reach_.bans.end(), [&](const Ban &b) {
            return b.appointment == appointment && b.provider == slot.provider && b.start == slot.visit.begin;
        });
    }

    FreePlace place_at(const Standing &a, const core::Diary &diary, const core::Service &rules,
                       const core::Kernel &kernel, const core::Slot &slot) {
        FreePlace p;
        p.slot = slot;
        p.minutes = std::abs((slot.visit.begin - a.visit.begin).micros) / core::micros_per_minute;
        p.passes_over = passes_over(rules, diary.now, slot);
        p.option.cost = p.minutes + (slot.provider != a.provider ? cost_of_provider : 0) +
                        (slot.location != a.location ? cost_of_location : 0);
        const auto provider =
            static_cast<std::size_t>(std::find_if(diary.providers.begin(), diary.providers.end(),
                                                  [&slot](const core::Provider &q) { return q.id == slot.provider; }) -
                                     diary.providers.begin());
        const core::Provider &who = diary.providers[provider];
        const auto widened = [&slot](const core::Buffers &b) {
            return core::Interval{slot.visit.begin - b.before, slot.visit.end + b.after};
        };
        std::vector<core::Use> &uses = p.option.uses;
        const bool group = diary.service.capacity > 1;
        const std::string session = "session " + to_text(diary.service.id) + to_text(who.id) + to_text(slot.location) +
                                    std::to_string(slot.visit.begin.micros);
        const std::size_t share = group ? 1 + resource(session, slot.remaining) : 0;
        uses.push_back({resource("provider " + to_text(who.id), 1), widened(kernel.provider_buffers(provider)), share});
        for (std::int32_t n = 0; group && n < a.seats; ++n)
            uses.push_back({share - 1, slot.visit, 0});
        if (diary.tenant.patient_overlap == core::PatientOverlap::forbid)
            uses.push_back({resource("patient " + to_text(a.patient), 1), slot.visit, 0});
        for (const auto &[resource_class, needed] : diary.service.required) {
            const std::size_t pool =
                resource(pool_name(slot.location, resource_class), rooms_at(diary, slot.location, resource_class));
            core::Buffers widest;
            for (const core::Resource &r : diary.resources)
                if (r.resource_class == resource_class && r.location == slot.location) {
                    const core::Buffers b = kernel.resource_buffers(r);
                    widest = {std::max(widest.before, b.before), std::max(widest.after, b.after)};
                }
            for (std::int32_t n = 0; n < needed; ++n)
                uses.push_back({pool, widened(widest), group ? 1 + resource(session + std::to_string(n), 1) : 0});
        }
        for (const core::VisitLimit &limit : kernel.limits_at(provider, slot.visit.begin))
            uses.push_back({resource("limit " + to_text(who.id) + (limit.of_service ? to_text(diary.service.id) : "") +
                                         (limit.weekly ? "w" : "d") + std::to_string(limit.from.days),
                                     limit.left),
                            {core::Instant{0}, core::Instant{1}},
                            0});
        return p;
    }

    // Whether the service's rules about how far ahead one books would refuse it.
    static bool passes_over(const core::Service &rules, core::Instant current, const core::Slot &slot) {
        const std::int32_t ahead =
            core::local_date(*slot.zone, slot.visit.begin) - core::local_date(*slot.zone, current);
        return slot.visit.begin - current < rules.lead_time || (!rules.same_day && ahead <= 0) ||
               (rules.horizon_days && ahead > *rules.horizon_days);
    }

    static std::string pool_name(const Uuid &location, const std::string &resource_class) {
        return "pool " + to_text(location) + resource_class;
    }

    static std::int32_t rooms_at(const core::Diary &diary, const Uuid &location, const std::string &resource_class) {
        std::int32_t count = 0;
        for (const core::Resource &r : diary.resources)
            if (r.active && r.location == location && r.resource_class == resource_class)
                count += r.quantity;
        return count;
    }

    // Of each provider and day, so many of the nearest as all other visits together can take away: no answer needs more.
    void keep_nearest(std::vector<FreePlace> &places, const core::Diary &diary) const {
        if (places.empty() || visits_.size() < 2)
            return keep_nearest(places, 1);
        core::Duration longest = places.front().option.uses.front().during.length();
        for (const Standing &other : visits_)
            longest = std::max(longest, other.visit.length() + longest_buffers(diary));
        const core::Duration own = places.front().option.uses.front().during.length();
        const std::int64_t each = (longest + own).micros / diary.service.step.micros + 2;
        keep_nearest(places, 1 + static_cast<std::size_t>(each) * (visits_.size() - 1));
    }

    static core::Duration longest_buffers(const core::Diary &diary) {
        core::Duration longest;
        for (const core::Provider &p : diary.providers)
            longest = std::max(longest, p.buffers.before + p.buffers.after);
        return longest + diary.service.buffers.before + diary.service.buffers.after + diary.tenant.buffers.before +
               diary.tenant.buffers.after + core::Duration{core::micros_per_hour};
    }

    static void keep_nearest(std::vector<FreePlace> &places, std::size_t most) {
        std::stable_sort(places.begin(), places.end(), [](const FreePlace &a, const FreePlace &b) {
            return std::tie(a.option.cost, a.slot.visit.begin, a.slot.provider, a.slot.location) <
                   std::tie(b.option.cost, b.slot.visit.begin, b.slot.provider, b.slot.location);
        });
        std::map<std::pair<Uuid, core::Day>, std::size_t> kept;
        std::erase_if(places, [&](const FreePlace &p) {
            return ++kept[{p.slot.provider, core::local_date(*p.slot.zone, p.slot.visit.begin)}] > most;
        });
    }

    // What is in the rooms already, but for the visits that move.
    void add_present(const Standing &a, const core::Diary &diary) {
        if (diary.service.required.empty() || !seen_.emplace(a.service, a.visit.begin).second)
            return;
        for (const core::Resource &r : diary.resources) {
            const std::size_t pool =
                resource(pool_name(r.location, r.resource_class), rooms_at(diary, r.location, r.resource_class));
            for (const core::Busy &b : r.busy.claims()) {
                if (!r.active || has(ids_, b.appointment) || !present_.emplace(b.claim).second)
                    continue;
                // The seats of a session are in one room together.
                const std::string shared =
                    to_text(r.id) + std::to_string(b.during.begin.micros) + "-" + std::to_string(b.during.end.micros);
                problem_.present.push_back({pool, b.during, r.quantity == 1 ? 1 + resource(shared, 1) : 0});
            }
        }
    }

    // The number of something that is limited; the smallest limit that anybody knows of holds.
    std::size_t resource(const std::string &name, std::int32_t capacity) {
        const auto [it, fresh] = numbers_.try_emplace(name, problem_.capacities.size());
        if (fresh)
            problem_.capacities.push_back(capacity);
        else
            problem_.capacities[it->second] = std::min(problem_.capacities[it->second], capacity);
        return it->second;
    }

    const Context &context_;
    std::vector<Uuid> ids_;
    const Reach reach_;
    const bool passes_over_;
    IndexScan steps_;
    std::vector<Standing> visits_;
    core::Reassignment problem_;
    std::vector<std::vector<FreePlace>> places_; // as the problem's items
    std::map<std::string, std::size_t> numbers_;
    std::set<std::pair<Uuid, core::Instant>> seen_;
    std::set<Uuid> present_;
};

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.propose_moves(appointment_ids, away_ids, provider_ids, days, same_time, banned_appointments,
// banned_providers, banned_starts, pass_over)
CLINIC_FUNCTION(clinic_propose_moves) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    Reach reach;
    reach.away = args.get_or<std::vector<Uuid>>(1, {});
    reach.allowed = args.get_or<std::vector<Uuid>>(2, {});
    reach.days = args.get_or<std::int32_t>(3, 0);
    reach.same_time = args.get_or<bool>(4, false);
    const auto appointments = args.get_or<std::vector<Uuid>>(5, {});
    const auto providers = args.get_or<std::vector<Uuid>>(6, {});
    const auto starts = args.get_or<std::vector<core::Instant>>(7, {});
    reach.pass_over = args.get_or<bool>(8, false);
    if (providers.size() != appointments.size() || starts.size() != appointments.size())
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "the lists of banned places must be of one length", {},
             "Each ban is an appointment, a provider and a start.", "banned_appointments");
    for (std::size_t i = 0; i < appointments.size(); ++i)
        reach.bans.push_back({appointments[i], providers[i], starts[i]});
    ResultSet rows(fcinfo);
    Planner(context, args.get_or<std::vector<Uuid>>(0, {}), std::move(reach)).answer(rows);
    return rows.done();
}
