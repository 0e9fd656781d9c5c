#include "pg/placing.hpp"

#include "pg/clock.hpp"
#include "pg/movers.hpp"
#include "pg/search.hpp"

namespace pg_clinic::pg {

namespace {

constexpr core::Duration an_instant{1};

// A place where the visit seems to fit.
struct Candidate {
    Uuid provider;
    Uuid location;
    std::int32_t visits = 0; // of the provider on that day
};

// What looking at all places gave.
struct Survey {
    std::vector<Candidate> candidates; // best first
    std::optional<Refusal> refusal;    // when there is none: the one that comes closest
};

// Thrown to give back the locks of an attempt that failed, by rolling back its subtransaction.
struct Lost {};

void keep_closest(std::optional<Refusal> &closest, const core::Finding &finding, const Uuid &provider,
                  const Uuid &location) {
    if (!closest || finding.reason > closest->finding.reason)
        closest = Refusal{finding, provider, location};
}

// Judges every provider and location that the wish leaves open.
Survey survey(const core::Diary &diary, const core::Kernel &kernel, const Wish &wish) {
    Survey found;
    bool placeless = false;
    const bool all = wish.request.override_rules || wish.request.overbook;
    for (std::size_t p = 0; p < diary.providers.size(); ++p) {
        const Uuid provider = diary.providers[p].id;
        std::vector<Uuid> locations = kernel.locations_of(p);
        if (locations.empty())
            locations.push_back({});
        for (const Uuid &location : locations) {
            const std::vector<core::Finding> standing = kernel.standing(kernel.judge(p, location, wish.start, all));
            if (standing.empty() && location == Uuid{})
                placeless = true;
            else if (standing.empty())
                found.candidates.push_back({provider, location, kernel.visits_on_day(p, wish.start)});
            else
                keep_closest(found.refusal, standing.front(), provider, location);
        }
    }
    std::sort(found.candidates.begin(), found.candidates.end(), [](const Candidate &a, const Candidate &b) {
        return std::tie(a.visits, a.provider, a.location) < std::tie(b.visits, b.provider, b.location);
    });
    if (found.candidates.empty() && placeless)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "without hours near that time, the visit needs a location", {},
             "Pass location_id: an override passes over the hours, which else say where.", "location_id");
    if (diary.providers.empty())
        found.refusal = Refusal{{core::Reason::not_found, {core::Source::Table::service_providers, {}}, {}}, {}, {}};
    return found;
}

// Everything that the visit may come to claim at a location: the rooms and devices are chosen only under the locks.
std::vector<Uuid> lockable(const core::Diary &diary, const Uuid &provider, const Uuid &location) {
    std::vector<Uuid> resources{provider};
    for (const core::Resource &r : diary.resources)
        if (r.location == location)
            resources.push_back(r.id);
    for (const core::Provider &a : diary.assistants)
        resources.push_back(a.id);
    if (diary.patient)
        resources.push_back(diary.patient->id);
    return resources;
}

const core::Provider *assistant_in(const core::Diary &diary, const Uuid &id) {
    const auto it = std::find_if(diary.assistants.begin(), diary.assistants.end(),
                                 [&id](const core::Provider &a) { return a.id == id; });
    return it == diary.assistants.end() ? nullptr : &*it;
}

const core::Resource &resource_in(const core::Diary &diary, const Uuid &id) {
    const auto it = std::find_if(diary.resources.begin(), diary.resources.end(),
                                 [&id](const core::Resource &r) { return r.id == id; });
    return *it;
}

// Says what to claim for a verdict that stands.
Placement placement_of(const core::Diary &diary, const core::Kernel &kernel, const Wish &wish, const Uuid &location_id,
                       const core::Verdict &verdict) {
    const core::Location *location = location_in(diary, location_id);
    Placement placed;
    placed.service = diary.service.id;
    placed.provider = diary.providers.front().id;
    placed.location = location_id;
    placed.zone_name = location->zone_name;
    placed.local_start = core::to_local(*location->zone, wish.start);
    placed.visit = {wish.start, wish.start + kernel.duration_at(0)};
    placed.now = diary.now;
    placed.capacity = diary.service.capacity;
    placed.seats = wish.request.seats;
    placed.moves = verdict.moves;
    bool provider_overbooked = false;
    for (const core::Finding &f : verdict.findings) {
        placed.overridden.emplace_back(core::name_of(f.reason));
        provider_overbooked = provider_overbooked || core::is_overlap(f.reason);
    }
    if (verdict.resources_by_permission)
        placed.overridden.emplace_back(core::name_of(core::Reason::no_resource));
    placed.overbooked = provider_overbooked || !verdict.overbooked.empty();
    const auto use = [&](const Uuid &id, const core::Buffers &b, std::int32_t capacity, bool overbooked) {
        const std::vector<Uuid> &named = wish.request.named_resources;
        placed.resources.push_back(
            {id, b, id == placed.provider || std::find(named.begin(), named.end(), id) != named.end()});
        placed.claims.push_back({id,
                                 {placed.visit.begin - b.before, placed.visit.end + b.after},
                                 placed.visit,
                                 capacity,
                                 overbooked,
                                 placed.seats});
    };
    use(placed.provider, kernel.provider_buffers(0), placed.capacity, provider_overbooked);
    for (const Uuid &id : verdict.resources) {
        const auto &over = verdict.overbooked;
        const bool overbooked = std::find(over.begin(), over.end(), id) != over.end();
        if (const core::Provider *assistant = assistant_in(diary, id)) {
            use(id, kernel.provider_buffers(*assistant), placed.capacity, overbooked);
        } else {
            const core::Resource &r = resource_in(diary, id);
            use(id, kernel.resource_buffers(r), placed.capacity * r.quantity, overbooked);
        }
    }
    if (diary.patient) {
        placed.patient = diary.patient->id;
        placed.claims.push_back(patient_claim(diary, placed.visit));
    }
    if (verdict.patient_overlaps)
        placed.warnings.emplace_back(core::name_of(core::Reason::patient_conflict));
    for (const std::string &role : verdict.missing)
        placed.warnings.push_back("missing_participant: " + role);
    return placed;
}

core::Diary diary_for(const Wish &wish, const DiaryQuery &query) {
    core::Diary diary = read_diary(query);
    if (wish.alone)
        diary.service.capacity = 1;
    leave_out(diary, wish.absent);
    return diary;
}

// Locks what a candidate needs and judges it again, now with nobody else writing. Nothing when it no longer fits.
std::optional<Placement> attempt(const Wish &wish, const core::Diary &seen, const Candidate &candidate,
                                 std::optional<Refusal> &refusal) {
    std::vector<Uuid> resources = lockable(seen, candidate.provider, candidate.location);
    resources.insert(resources.end(), wish.also_lock.begin(), wish.also_lock.end());
    lock_resources(wish.query.tenant, std::move(resources));
    DiaryQuery query = wish.query;
    query.provider = candidate.provider;
    query.location = candidate.location;
    core::Request request = wish.request;
    request.location = candidate.location;
    const core::Diary diary = diary_for(wish, query);
    core::Work work = interruptible_work();
    const core::Kernel kernel(diary, request, query.range, work);
    const bool all = request.override_rules || request.overbook;
    const core::Verdict verdict = kernel.judge(0, candidate.location, wish.start, all);
    const std::vector<core::Finding> standing = kernel.standing(verdict);
    if (standing.empty())
        return placement_of(diary, kernel, wish, candidate.location, verdict);
    refusal = Refusal{standing.front(), candidate.provider, candidate.location};
    return std::nullopt;
}

// As attempt, but gives back the locks when it fails, so that the next candidate's are taken in order.
std::optional<Placement> attempt_reversibly(const Wish &wish, const core::Diary &seen, const Candidate &candidate,
                                            std::optional<Refusal> &refusal) {
    std::optional<Placement> placed;
    try {
        ErrorData *error = subtransaction([&] {
            placed = attempt(wish, seen, candidate, refusal);
            if (!placed)
                throw Lost{};
        });
        if (error != nullptr)
            rethrow(error);
    } catch (const Lost &) {
        placed.reset();
    }
    return placed;
}

Wish completed(Wish wish) {
    wish.query.range = {wish.start, wish.start + an_instant};
    wish.query.sight = Sight::truth;
    wish.query.count_visits = !wish.query.provider;
    wish.query.duration = wish.request.duration;
    wish.request.location = wish.query.location.value_or(Uuid{});
    return wish;
}

// Whether nobody seems to have the named provider at the start, so that it is worth locking before looking.
bool seems_free(const Wish &wish) {
    if (!wish.query.provider)
        return false;
    ClaimReader claims(wish.query.tenant, Sight::truth);
    const core::Instant current = now();
    const std::vector<StoredClaim> there = claims.claims(*wish.query.provider, wish.query.range);
    return std::none_of(there.begin(), there.end(), [&](const StoredClaim &c) {
        const std::vector<Uuid> &moved = wish.request.ignored;
        return c.expires > current && std::find(moved.begin(), moved.end(), c.busy.appointment) == moved.end();
    });
}

// Locks all that a visit at the named provider may come to claim, at any location it leaves open; returns the rooms.
std::vector<Uuid> lock_provider(const Wish &wish) {
    std::vector<Uuid> rooms = claimable_beside(wish.query);
    std::vector<Uuid> all = rooms;
    all.push_back(*wish.query.provider);
    if (wish.query.patient)
        all.push_back(*wish.query.patient);
    all.insert(all.end(), wish.also_lock.begin(), wish.also_lock.end());
    lock_resources(wish.query.tenant, std::move(all));
    return rooms;
}

// The visit at the first place where it fits, when all that it claims is locked: the provider, and these rooms.
std::optional<Placement> placement_among(const Wish &wish, const core::Diary &diary, const core::Kernel &kernel,
                                         const Survey &found, const std::vector<Uuid> &rooms) {
    for (const Candidate &candidate : found.candidates) {
        const bool all = wish.request.override_rules || wish.request.overbook;
        const core::Verdict verdict = kernel.judge(0, candidate.location, wish.start, all);
        const auto locked = [&rooms](const Uuid &id) {
            return std::find(rooms.begin(), rooms.end(), id) != rooms.end();
        };
        if (std::all_of(verdict.resources.begin(), verdict.resources.end(), locked) &&
            std::all_of(verdict.moves.begin(), verdict.moves.end(),
                        [&](const core::RoomMove &m) { return locked(m.from) && locked(m.to); }))
            return placement_of(diary, kernel, wish, candidate.location, verdict);
    }
    return std::nullopt;
}

} // namespace

NewClaim patient_claim(const core::Diary &diary, const core::Interval &visit) {
    constexpr std::int32_t any_number = 1'000'000;
    const bool alone =
        diary.tenant.patient_overlap == core::PatientOverlap::forbid && !diary.tenant.allow_several_seats;
    return {diary.patient->id, visit, visit, alone ? 1 : any_number, false};
}

std::vector<Uuid> Placement::other_resources() const {
    std::vector<Uuid> ids;
    for (std::size_t i = 1; i < resources.size(); ++i)
        ids.push_back(resources[i].resource);
    return ids;
}

void leave_out(core::Diary &diary, const std::vector<Uuid> &absent) {
    const auto is_absent = [&absent](const Uuid &id) {
        return std::find(absent.begin(), absent.end(), id) != absent.end();
    };
    std::erase_if(diary.assistants, [&](const core::Provider &p) { return is_absent(p.id); });
    for (core::Participants &role : diary.service.participants)
        std::erase_if(role.candidates, is_absent);
}

std::vector<Uuid> claimable(const Wish &wish) {
    const core::Diary diary = read_diary(completed(wish).query);
    return lockable(diary, diary.providers.front().id, wish.query.location.value());
}

namespace {

// The first place where the wish fits, its resources locked; raises the first reason.
Placement find_place(const Context &context, const Wish &wish) {
    // A named provider who seems free is locked first, and looked at once. Where others may be preferred, or somebody is in
    // the way already, all are looked at without locks, so that a refusal waits for nobody.
    const bool locked = seems_free(wish);
    const std::vector<Uuid> rooms = locked ? lock_provider(wish) : std::vector<Uuid>{};
    const core::Diary diary = diary_for(wish, wish.query);
    core::Work work = interruptible_work();
    const core::Kernel kernel(diary, wish.request, wish.query.range, work);
    Survey found = survey(diary, kernel, wish);
    if (locked)
        if (const std::optional<Placement> placed = placement_among(wish, diary, kernel, found, rooms))
            return *placed;
    for (const Candidate &candidate : found.candidates) {
        const bool only_one = found.candidates.size() == 1;
        const std::optional<Placement> placed = only_one ? attempt(wish, diary, candidate, found.refusal)
                                                         : attempt_reversibly(wish, diary, candidate, found.refusal);
        if (placed)
            return *placed;
    }
    raise_refusal(context, *found.refusal, wish.query, wish.request, wish.start);
}

} // namespace

Placement place(const Context &context, const Wish &given) {
    Placement placed = find_place(context, completed(given));
    make_room(given.query.tenant, placed.moves, placed.now);
    return placed;
}

} // namespace pg_clinic::pg
