#include "pg/standing_visits.hpp"

#include <algorithm>
#include <map>

#include "core/appointment_state.hpp"
#include "pg/claims.hpp"
#include "pg/clock.hpp"
#include "pg/diary_reader.hpp"
#include "pg/spi.hpp"

namespace pg_clinic::pg {

namespace {

// One diary is read for the visits of a service at a provider within so long.
constexpr core::Duration longest_stretch{180 * core::micros_per_day};

KeptPlan owner_statement{
    "SELECT c.resource_id, r.kind FROM clinic_data.claims c JOIN clinic_data.resources r"
    " ON r.tenant_id = c.tenant_id AND r.resource_id = c.resource_id WHERE c.tenant_id = $1 AND c.owner_id = $2"
    " ORDER BY c.resource_id"};

class Collector {
  public:
    Collector(const Context &context, const core::Interval &range)
        : context_(context), now_(now()), range_{std::max(range.begin, now_), range.end},
          appointments_("appointments", "appointments_pkey"),
          of_provider_("appointments", "appointments_provider_id_idx"),
          rooms_("appointment_resources", "appointment_resources_pkey") {}

    std::vector<StandingVisit> collect(const std::vector<Uuid> &resources) {
        if (range_.empty())
            return {};
        std::map<Uuid, const core::Busy *> by_owner;
        std::vector<std::vector<StoredClaim>> kept;
        {
            ClaimReader reader(context_.tenant_id, Sight::truth);
            for (const Uuid &resource : resources)
                kept.push_back(reader.claims(resource, range_));
        }
        for (const std::vector<StoredClaim> &claims : kept)
            for (const StoredClaim &c : claims)
                if (c.expires > now_ && c.busy.appointment && c.busy.visit.overlaps(range_))
                    by_owner.emplace(c.busy.appointment, &c.busy);
        std::vector<StandingVisit> visits;
        for (const auto &[id, busy] : by_owner) {
            const bool owned = busy->kind == core::ClaimKind::offer || busy->kind == core::ClaimKind::session;
            if (std::optional<StandingVisit> v = owned ? owners_visit(id, *busy) : appointments_visit(id, *busy))
                visits.push_back(std::move(*v));
        }
        return visits;
    }

    // What the providers' days hold and takes none of their time by itself: what is over, and seats of sessions.
    std::vector<StandingVisit> collect_idle(const std::vector<Uuid> &providers, const core::Interval &range) {
        std::vector<StandingVisit> visits;
        for (const Uuid &provider : providers) {
            of_provider_.where("tenant_id", BTEqualStrategyNumber, context_.tenant_id);
            of_provider_.where("provider_id", BTEqualStrategyNumber, provider);
            of_provider_.where("starts_at", BTGreaterEqualStrategyNumber, range.begin);
            of_provider_.where("starts_at", BTLessStrategyNumber, range.end);
            of_provider_.start(Sight::truth);
            const auto id = of_provider_.column<Uuid>("appointment_id");
            while (of_provider_.next()) {
                StandingVisit v = visit_in(of_provider_, of_provider_.get(id));
                v.kind = v.status == "held"      ? core::ClaimKind::hold
                         : v.status == "pending" ? core::ClaimKind::pending
                                                 : core::ClaimKind::booking;
                const auto status = core::status_named(v.status);
                const bool promised = v.status == "held" || v.status == "pending"; // which end by the clock
                if (v.status == "completed" ||
                    (status && core::occupies(*status) && !promised && (v.seat || v.visit.end <= now_)))
                    visits.push_back(std::move(v));
            }
        }
        return visits;
    }

  private:
    std::optional<StandingVisit> appointments_visit(const Uuid &id, const core::Busy &busy) {
        appointments_.where("tenant_id", BTEqualStrategyNumber, context_.tenant_id);
        appointments_.where("appointment_id", BTEqualStrategyNumber, id);
        appointments_.start(Sight::truth);
        if (!appointments_.next())
            return std::nullopt;
        StandingVisit v = visit_in(appointments_, id);
        v.kind = busy.kind;
        const auto status = core::status_named(v.status);
        if (!status || !core::occupies(*status) || v.visit.end <= now_)
            return std::nullopt;
        read_rooms(v);
        return v;
    }

    // The row where a scan of appointments stands.
    static StandingVisit visit_in(const IndexScan &scan, const Uuid &id) {
        const auto get = [&scan]<class T>(const char *name, T *) { return scan.get(scan.column<T>(name)); };
        constexpr Uuid *uuid = nullptr;
        constexpr core::Instant *instant = nullptr;
        StandingVisit v;
        v.appointment = id;
        v.status = get("status", static_cast<std::string *>(nullptr));
        v.service = get("service_id", uuid);
        v.provider = get("provider_id", uuid);
        v.location = get("location_id", uuid);
        v.patient = get("patient_id", uuid);
        v.visit = {get("starts_at", instant), get("ends_at", instant)};
        v.version = get("version", static_cast<std::int32_t *>(nullptr));
        v.flagged = get("out_of_hours", static_cast<bool *>(nullptr));
        v.seat = scan.optional(scan.column<Uuid>("session_id")).has_value();
        v.overridden = get("overridden", static_cast<std::vector<std::string> *>(nullptr));
        return v;
    }

    void read_rooms(StandingVisit &v) {
        rooms_.where("tenant_id", BTEqualStrategyNumber, context_.tenant_id);
        rooms_.where("appointment_id", BTEqualStrategyNumber, v.appointment);
        rooms_.start(Sight::truth);
        const auto resource = rooms_.column<Uuid>("resource_id");
        const auto pinned = rooms_.column<bool>("pinned");
        while (rooms_.next())
            if (const Uuid room = rooms_.get(resource); room != v.provider) {
                v.rooms.push_back(room);
                v.pinned = v.pinned || rooms_.get(pinned);
            }
    }

    std::optional<StandingVisit> owners_visit(const Uuid &id, const core::Busy &busy) {
        StandingVisit v;
        v.owner = id;
        v.kind = busy.kind;
        v.service = busy.service;
        v.location = busy.location;
        v.visit = busy.visit;
        Spi spi;
        for (const Row row : spi.query_with(owner_statement, {View::latest, 0}, context_.tenant_id, id))
            if (row.get<std::string_view>(1) == "provider")
                v.provider = row.get<Uuid>(0);
            else
                v.rooms.push_back(row.get<Uuid>(0));
        return v.service && v.provider ? std::optional(std::move(v)) : std::nullopt;
    }

    const Context &context_;
    const core::Instant now_;
    const core::Interval range_;
    IndexScan appointments_, of_provider_, rooms_;
};

// A block that keeps the time for the very patient does not stand against the visit.
bool keeps_for(const core::Diary &diary, const core::Finding &finding, const Uuid &patient) {
    if (finding.source.table != core::Source::Table::blocks || !patient)
        return false;
    const auto is_the_block = [&](const core::Block &b) { return b.id == finding.source.id && b.kept_for == patient; };
    const auto has = [&](const std::vector<core::Block> &blocks) {
        return std::any_of(blocks.begin(), blocks.end(), is_the_block);
    };
    return has(diary.providers.front().blocks) || std::any_of(diary.resources.begin(), diary.resources.end(),
                                                              [&](const core::Resource &r) { return has(r.blocks); });
}

// Judges visits of one service at one provider, ordered by start.
void judge(const Context &context, StandingVisit *const *first, StandingVisit *const *last) {
    DiaryQuery query;
    query.tenant = context.tenant_id;
    query.service = (*first)->service;
    query.provider = (*first)->provider;
    query.sight = Sight::truth;
    query.range = (*first)->visit;
    for (auto it = first; it != last; ++it) {
        query.range.end = std::max(query.range.end, (*it)->visit.end);
        query.duration = std::max(query.duration.value_or(core::Duration{}), (*it)->visit.length());
    }
    const core::Diary diary = read_diary(query);
    core::Request request;
    request.duration = query.duration;
    core::Work work = interruptible_work();
    const core::Kernel kernel(diary, request, query.range, work);
    for (auto it = first; it != last; ++it) {
        StandingVisit &v = **it;
        for (core::Finding &f : kernel.judge_standing(0, v.location, v.visit, v.rooms)) {
            const auto passed_over = std::find(v.overridden.begin(), v.overridden.end(), core::name_of(f.reason));
            if (passed_over == v.overridden.end() && !keeps_for(diary, f, v.patient))
                v.findings.push_back(std::move(f));
        }
    }
}

} // namespace

std::vector<StandingVisit> standing_visits(const Context &context, const std::vector<Uuid> &resources,
                                           const core::Interval &range, bool with_idle) {
    Collector collector(context, range);
    std::vector<StandingVisit> visits = collector.collect(resources);
    std::vector<StandingVisit *> order;
    for (StandingVisit &v : visits)
        order.push_back(&v);
    std::stable_sort(order.begin(), order.end(), [](const StandingVisit *a, const StandingVisit *b) {
        return std::tie(a->service, a->provider, a->visit.begin) < std::tie(b->service, b->provider, b->visit.begin);
    });
    StandingVisit *const *const end = order.data() + order.size();
    for (StandingVisit *const *from = order.data(); from != end;) {
        StandingVisit *const *to = from;
        while (to != end && (*to)->service == (*from)->service && (*to)->provider == (*from)->provider &&
               (*to)->visit.begin - (*from)->visit.begin < longest_stretch)
            ++to;
        judge(context, from, to);
        from = to;
    }
    if (with_idle)
        for (StandingVisit &v : collector.collect_idle(resources, range))
            visits.push_back(std::move(v));
    std::stable_sort(visits.begin(), visits.end(), [](const StandingVisit &a, const StandingVisit &b) {
        return std::tie(a.visit.begin, a.appointment, a.owner) < std::tie(b.visit.begin, b.appointment, b.owner);
    });
    return visits;
}

} // namespace pg_clinic::pg
