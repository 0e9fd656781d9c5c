#include <algorithm>
#include <limits>

#include "core/assignment.hpp"
#include "core/kernel_state.hpp"
#include "core/room_pool.hpp"

namespace pg_clinic::core {

namespace {

// Judges one start. The checks run in the order of the reasons.
class Judge {
  public:
    Judge(const Kernel::State &state, std::size_t provider, const Id &location, Instant start, bool all)
        : state_(state), diary_(state.diary), provider_(diary_.providers[provider]), plan_(state.providers[provider]),
          start_(start), all_(all), duration_(state.duration_at(provider_)),
          buffers_(state.provider_buffers(provider_)), visit_{start, start + duration_},
          busy_{visit_.begin - buffers_.before, visit_.end + buffers_.after} {
        const auto it = plan_.sites.find(location);
        site_ = it == plan_.sites.end() ? nullptr : &it->second;
    }

    Verdict run() {
        verdict_.remaining = diary_.service.capacity;
        check();
        if (!verdict_.free())
            verdict_.remaining = 0;
        if (!all_ && verdict_.findings.size() > 1)
            verdict_.findings.resize(1);
        return std::move(verdict_);
    }

  private:
    void check() {
        if (!check_active() || done())
            return;
        check_time();
        if (done())
            return;
        const MergedWindow *window = site_->window_at(start_);
        check_hours(window);
        if (done() || !check_duration() || done())
            return;
        check_grid(window);
        if (done())
            return;
        check_blocks();
        if (done())
            return;
        check_overlap(window);
        if (done())
            return;
        check_resources();
        if (done())
            return;
        check_patient();
        if (done())
            return;
        check_limits();
        if (done())
            return;
        check_no_show_policy();
    }

    void add(Reason reason, Source source = {}, std::string resource_class = {}) {
        verdict_.findings.push_back({reason, source, std::move(resource_class)});
    }
    bool done() const { return !all_ && !verdict_.findings.empty(); }

    // Returns false when nothing more can be said, the location being unknown.
    bool check_active() {
        if (!provider_.offers_service)
            add(Reason::not_found, {Source::Table::service_providers, provider_.id});
        if (!diary_.tenant.active)
            add(Reason::inactive, {Source::Table::tenants, diary_.tenant.id});
        if (!diary_.service.active)
            add(Reason::inactive, {Source::Table::services, diary_.service.id});
        if (!provider_.active)
            add(Reason::inactive, {Source::Table::resources, provider_.id});
        if (site_ != nullptr && !site_->location->active)
            add(Reason::inactive, {Source::Table::locations, site_->location->id});
        if (diary_.patient && !diary_.patient->active)
            add(Reason::inactive, {Source::Table::patients, diary_.patient->id});
        if (site_ == nullptr) {
            check_past();
            add(Reason::outside_hours);
        }
        return site_ != nullptr;
    }

    void check_past() {
        if (start_ < diary_.now)
            add(Reason::in_past);
    }

    void check_time() {
        const Service &service = diary_.service;
        const Source cause{Source::Table::services, service.id};
        check_past();
        // What has begun is past, not "too soon".
        const Duration ahead = start_ - diary_.now;
        if (ahead.micros >= 0 && (ahead < service.lead_time || (!service.same_day && days_ahead() <= 0)))
            add(Reason::lead_time, cause);
        // Dates are asked for only where they can matter: no local calendar runs two days away from elapsed time.
        if (service.horizon_days && ahead.micros / micros_per_day > *service.horizon_days - 3 &&
            days_ahead() > *service.horizon_days)
            add(Reason::horizon, cause);
    }

    // From today to the date of the start, by the location's calendar.
    std::int32_t days_ahead() const {
        const Zone &zone = *site_->location->zone;
        return local_date(zone, start_) - local_date(zone, diary_.now);
    }

    Interval needed_inside_hours() const { return diary_.service.buffers_inside_hours ? busy_ : visit_; }

    void check_hours(const MergedWindow *window) {
        const Interval needed = needed_inside_hours();
        if (window != nullptr && window->span.contains(needed))
            return;
        const std::size_t before = verdict_.findings.size();
        check_closed(window);
        const bool closed = verdict_.findings.size() > before;
        if (closed && site_->hours_when_not_closed.covers(needed))
            return;
        // Say "too short" when even the whole window could not hold the visit.
        const MergedWindow *around = window;
        if (around != nullptr && around->span.length() < needed.length())
            add(Reason::window_too_short, around->parts.front()->made_by);
        else
            add(Reason::outside_hours, around != nullptr ? around->parts.back()->made_by : Source{});
    }

    // The holiday or override that closes the start, if one does.
    void check_closed(const MergedWindow *window) {
        if (window != nullptr && window->span.contains(start_) && !closed_part_of_visit())
            return;
        if (const Window *closed = closed_part_of_visit()) {
            add(Reason::closed_on_date, *closed->closed_by);
            return;
        }
        const Day date = local_date(*site_->location->zone, start_);
        for (const Holiday &h : provider_.hours.holidays)
            if (h.location == site_->location->id && h.on == date) {
                add(Reason::closed_on_date, {Source::Table::holidays, h.id});
                return;
            }
        for (const DateOverride &o : provider_.hours.overrides)
            if (!o.open && o.on == date && (!o.location || o.location == site_->location->id)) {
                add(Reason::closed_on_date, {Source::Table::date_overrides, o.id});
                return;
            }
    }

    const Window *closed_part_of_visit() const {
        const Interval needed = needed_inside_hours();
        for (const Window *w : site_->closed)
            if (w->span.overlaps(needed))
                return w;
        return nullptr;
    }

    // Returns false when the visit has no length, so that nothing more can be said.
    bool check_duration() {
        const Service &service = diary_.service;
        const Duration usual = provider_.duration.value_or(service.duration);
        const bool bounded = service.id && !state_.request.keeps_duration;
        const Duration least = bounded ? std::min(service.min_duration, usual) : Duration{1};
        const Duration most = bounded ? std::max(service.max_duration, usual) : duration_;
        if (duration_.micros <= 0 || duration_ < least || duration_ > most)
            add(Reason::bad_duration, {Source::Table::services, service.id});
        return duration_.micros > 0;
    }

    void check_grid(const MergedWindow *window) {
        if (window != nullptr && !on_grid(start_, diary_.service.step, window->anchor))
            add(Reason::off_grid, window->parts.front()->made_by);
    }

    void check_blocks() {
        if (const BlockedSpan *blocked = site_->blocked.first_overlapping(busy_))
            add(Reason::blocked, blocked->source);
        else if (const BlockedSpan *lost = site_->driving.first_overlapping(needed_inside_hours()))
            add(Reason::blocked, lost->source);
        else
            check_driving();
    }

    // Time to drive from the visit before and to the visit after, when they are elsewhere.
    void check_driving() {
        if (diary_.travel.empty())
            return;
        if (const Busy *in_the_way = elsewhere(provider_.busy, busy_))
            add(Reason::blocked, {Source::Table::travel_times, in_the_way->location});
    }

    // The claim at another location that leaves no time to drive; none where it is taken anyway, by that claim over during.
    const Busy *elsewhere(const BusyList &busy, const Interval &during) const {
        const Id here = site_->location->id;
        const Duration furthest = state_.longest_travel;
        const Busy *in_the_way = nullptr;
        busy.each_overlapping({visit_.begin - furthest, visit_.end + furthest}, [&](const Busy &b) {
            if (b.location == here || !b.location || state_.is_ignored(b.appointment))
                return true;
            // Claims that leave no room beside them are slot_taken; a session elsewhere may have seats, but not
            // here.
            const bool taken = b.during.overlaps(during) && std::min(b.capacity, diary_.service.capacity) == 1;
            if (!taken && visit_.begin < b.visit.end + travel(b.location, here) &&
                b.visit.begin < visit_.end + travel(here, b.location))
                in_the_way = &b;
            return true;
        });
        return in_the_way;
    }

    Duration travel(const Id &from, const Id &to) const {
        const auto it = diary_.travel.find({from, to});
        return it == diary_.travel.end() ? Duration{0} : it->second;
    }

    void check_overlap(const MergedWindow *window) {
        const std::int32_t capacity = diary_.service.capacity;
        const std::int32_t seats = state_.request.seats;
        const Fit all = fit_claim(provider_.busy, busy_, capacity, state_.request.ignored, true, seats);
        const std::int32_t in_windows = left_in_windows(window);
        verdict_.remaining = std::min({verdict_.remaining, all.remaining, as_seats(in_windows)});
        if (all.held != nullptr)
            add(Reason::held, {Source::Table::claims, all.held->claim});
        if (done())
            return;
        // Without a hold at a full instant, the bookings alone are what is in the way.
        const Fit booked = all.held == nullptr
                               ? all
                               : fit_claim(provider_.busy, busy_, capacity, state_.request.ignored, false, seats);
        const Busy *taken = capacity > 1 ? booked.smaller : booked.obstacle;
        if (taken != nullptr)
            add(Reason::slot_taken, {Source::Table::claims, taken->claim});
        if (capacity > 1 && booked.counted != nullptr)
            add(Reason::full, {Source::Table::claims, booked.counted->claim});
        else if (seats > capacity)
            add(Reason::full, {Source::Table::services, diary_.service.id});
        else if (in_windows <= 0)
            add(Reason::full, window->parts.front()->made_by);
    }

    // What a limit of visits leaves, in seats: a party is one visit.
    std::int32_t as_seats(std::int32_t visits) const {
        return visits <= 0 ? visits : std::max(visits, state_.request.seats);
    }

    // How many more appointments the windows around the start take, by the one that takes most.
    std::int32_t left_in_windows(const MergedWindow *window) const {
        constexpr std::int32_t unlimited = std::numeric_limits<std::int32_t>::max();
        if (window == nullptr || !window->limited)
            return unlimited;
        std::int32_t most = 0;
        for (const Window *part : window->parts)
            if (part->span.contains(start_))
                most =
                    std::max(most, part->max_appointments ? *part->max_appointments - visits_within(*part) : unlimited);
        return most;
    }

    std::int32_t visits_within(const Window &part) const {
        const auto &visits = plan_.visits;
        auto it = std::partition_point(visits.begin(), visits.end(),
                                       [&](const CountedVisit &v) { return v.start < part.span.begin; });
        std::int32_t count = 0;
        for (; it != visits.end() && it->start < part.span.end; ++it)
            if (it->location == part.location && (!it->service || concerns(part.services, it->service)))
                ++count;
        return count;
    }

    // A room, device or participant that may be chosen, with what makes it preferable.
    struct Candidate {
        enum class Rank : std::uint8_t { of_session, empty, shared, only_by_permission };
        Id id;
        const ResourcePlan *plan = nullptr; // of a room or device
        Rank rank = Rank::empty;
        PoolLoad load;        // what the visit would be there
        bool would_do = true; // if nobody were there
        bool usable = true;
        bool open = true;
        bool fits = true; // beside what is there
        std::int32_t remaining = 0;
    };

    // A class or role to be filled; candidates are the usable ones, best first.
    struct Need {
        const std::string *name;
        std::int32_t needed;
        bool optional = false;
        Id obstacle; // of a class whose resources are named: the last that cannot be used
        std::vector<Candidate> candidates{};
        std::optional<RoomsMade> made{}; // others make room: then nothing is to be chosen
    };

    void check_resources() {
        const Service &service = diary_.service;
        if (service.required.empty() && service.participants.empty())
            return;
        std::vector<Need> needs;
        for (const auto &[resource_class, needed] : service.required)
            needs.push_back(need_of({&resource_class, needed, false, {}}, candidates_of(resource_class)));
        for (const bool optional : {false, true})
            for (const Participants &p : service.participants)
                if (p.optional == optional)
                    needs.push_back(need_of({&p.role, p.needed, optional, {}}, candidates_of(p)));
        choose_for(needs);
        std::sort(verdict_.resources.begin(), verdict_.resources.end());
    }

    Need need_of(Need need, std::vector<Candidate> candidates) const {
        const auto of_session = [](const Candidate &c) { return c.rank == Candidate::Rank::of_session; };
        // A session stays in its rooms: a seat in another would be a visit without its provider.
        if (std::count_if(candidates.begin(), candidates.end(), of_session) >= need.needed)
            std::erase_if(candidates, [&](const Candidate &c) { return !of_session(c); });
        const auto fitting = [](const Candidate &c) { return c.usable && c.fits; };
        if (std::count_if(candidates.begin(), candidates.end(), fitting) < need.needed)
            need.made = made_room(*need.name, need.needed, candidates);
        if (need.made)
            return need;
        if (!candidates.empty() && state_.names_class(*need.name))
            need.obstacle = last_unusable(candidates);
        std::erase_if(candidates, [](const Candidate &c) { return !c.usable; });
        std::stable_sort(candidates.begin(), candidates.end(),
                         [](const Candidate &a, const Candidate &b) { return a.rank < b.rank; });
        need.candidates = std::move(candidates);
        return need;
    }

    // Fills the needs in order, nobody twice. What is missing for one of them is taken from no other, but chosen differently
    // where that helps.
    void choose_for(const std::vector<Need> &needs) {
        std::vector<Demand> demands;
        for (const Need &need : needs) {
            Demand demand{need.made ? 0 : need.needed, {}};
            for (const Candidate &c : need.candidates)
                demand.candidates.push_back(c.id);
            // Without participants the classes share nothing.
            if (diary_.service.participants.empty() && demand.candidates.size() > static_cast<std::size_t>(need.needed))
                demand.candidates.resize(static_cast<std::size_t>(need.needed));
            demands.push_back(std::move(demand));
        }
        const std::vector<std::vector<Id>> chosen = assign(demands);
        for (std::size_t i = 0; i < needs.size(); ++i) {
            const Need &need = needs[i];
            if (need.made) {
                take(*need.made);
                continue;
            }
            const bool filled = static_cast<std::int32_t>(chosen[i].size()) == need.needed;
            if (!filled && need.optional)
                verdict_.missing.push_back(*need.name);
            else if (!filled)
                add(Reason::no_resource, need.obstacle ? Source{Source::Table::resources, need.obstacle} : Source{},
                    *need.name);
            if (done())
                return;
            for (const Candidate &c : need.candidates)
                if (std::find(chosen[i].begin(), chosen[i].end(), c.id) != chosen[i].end())
                    choose(c);
            if (filled && !need.optional)
                verdict_.remaining =
                    std::min(verdict_.remaining, bookings_that_fit(need.candidates, need.needed, verdict_.remaining));
        }
    }

    // Whether others can make room, of rooms and devices.
    std::optional<RoomsMade> made_room(const std::string &resource_class, std::int32_t needed,
                                       const std::vector<Candidate> &candidates) const {
        RoomWish wish{resource_class, site_->location->id, visit_, needed, {}, {}};
        for (const Candidate &c : candidates)
            if (c.would_do && c.plan != nullptr)
                wish.choices.push_back({c.plan, c.load});
        provider_.busy.each_overlapping(visit_, [&](const Busy &b) {
            if (b.visit == visit_)
                wish.staying.push_back(b.appointment);
            return true;
        });
        return make_room(state_, wish);
    }

    void take(const RoomsMade &made) {
        verdict_.resources.insert(verdict_.resources.end(), made.resources.begin(), made.resources.end());
        verdict_.moves.insert(verdict_.moves.end(), made.moves.begin(), made.moves.end());
        verdict_.remaining = std::min(verdict_.remaining, made.remaining);
    }

    void choose(const Candidate &candidate) {
        verdict_.resources.push_back(candidate.id);
        if (!candidate.fits)
            verdict_.overbooked.push_back(candidate.id);
        if (!candidate.open || !candidate.fits)
            verdict_.resources_by_permission = true;
    }

    std::vector<Candidate> candidates_of(const std::string &resource_class) const {
        std::vector<Candidate> candidates;
        const bool named = state_.names_class(resource_class);
        for (const ResourcePlan &plan : state_.resources) {
            const Resource &r = *plan.resource;
            if (r.resource_class == resource_class && r.location == site_->location->id &&
                (!named || state_.is_named(r.id)))
                candidates.push_back(judge_resource(plan));
        }
        return candidates;
    }

    // The candidates of a role. The provider takes part already.
    std::vector<Candidate> candidates_of(const Participants &participants) const {
        const std::vector<Id> &ids = participants.candidates;
        const bool named = std::any_of(ids.begin(), ids.end(), [this](const Id &id) { return state_.is_named(id); });
        const auto wanted = [&](const Id &id) {
            return std::binary_search(ids.begin(), ids.end(), id) && (!named || state_.is_named(id));
        };
        std::vector<Candidate> candidates;
        for (std::size_t i = 0; i < diary_.assistants.size(); ++i)
            if (wanted(diary_.assistants[i].id) && diary_.assistants[i].id != provider_.id)
                candidates.push_back(judge_assistant(i));
        for (const ResourcePlan &plan : state_.resources)
            if (wanted(plan.resource->id) && plan.resource->location == site_->location->id)
                candidates.push_back(judge_resource(plan));
        std::sort(candidates.begin(), candidates.end(),
                  [](const Candidate &a, const Candidate &b) { return a.id < b.id; });
        return candidates;
    }

    static Id last_unusable(const std::vector<Candidate> &candidates) {
        const auto it =
            std::find_if(candidates.rbegin(), candidates.rend(), [](const Candidate &c) { return !c.usable; });
        return it == candidates.rend() ? Id{} : it->id;
    }

    // How many bookings, up to `most`, find `needed` different resources each.
    static std::int32_t bookings_that_fit(const std::vector<Candidate> &candidates, std::int32_t needed,
                                          std::int32_t most) {
        for (; most > 0; --most) {
            std::int64_t places = 0;
            for (const Candidate &c : candidates)
                places += std::min(c.remaining, most);
            if (places >= std::int64_t{most} * needed)
                break;
        }
        return most;
    }

    Candidate judge_resource(const ResourcePlan &plan) const {
        const Resource &r = *plan.resource;
        const Interval during{visit_.begin - plan.buffers.before, visit_.end + plan.buffers.after};
        const bool open = r.hours.empty() || plan.open.covers(diary_.service.buffers_inside_hours ? during : visit_);
        Candidate candidate =
            judge_candidate(r.id, r.busy, during, r.quantity, open, r.active && !plan.blocked.overlaps(during));
        candidate.plan = &plan;
        return candidate;
    }

    // A provider who takes part must be there, at the visit's location, and come in time.
    Candidate judge_assistant(std::size_t i) const {
        const Provider &p = diary_.assistants[i];
        const Site &site = state_.assistants[i].sites.at(site_->location->id);
        const Buffers buffers = state_.provider_buffers(p);
        const Interval during{visit_.begin - buffers.before, visit_.end + buffers.after};
        const Interval needed = diary_.service.buffers_inside_hours ? during : visit_;
        const MergedWindow *window = site.window_at(start_);
        const bool open = window != nullptr && window->span.contains(needed);
        const bool can_come = p.active && site.blocked.first_overlapping(during) == nullptr &&
                              site.driving.first_overlapping(needed) == nullptr &&
                              (diary_.travel.empty() || elsewhere(p.busy, during) == nullptr);
        return judge_candidate(p.id, p.busy, during, 1, open, can_come);
    }

    Candidate judge_candidate(const Id &id, const BusyList &busy, const Interval &during, std::int32_t quantity,
                              bool open, bool can_come) const {
        Candidate candidate;
        candidate.load = {during, state_.request.seats, diary_.service.capacity * quantity};
        const Fit fit =
            fit_claim(busy, during, candidate.load.capacity, state_.request.ignored, true, candidate.load.seats);
        candidate.id = id;
        candidate.would_do = can_come && (open || state_.request.override_rules);
        candidate.usable = candidate.would_do && (fit.fits || state_.request.overbook);
        candidate.open = open;
        candidate.fits = fit.fits;
        candidate.remaining = fit.remaining;
        candidate.rank = open && fit.fits ? Candidate::Rank::empty : Candidate::Rank::only_by_permission;
        busy.each_overlapping(during, [&](const Busy &b) {
            if (state_.is_ignored(b.appointment))
                return true;
            if (b.visit == visit_ && b.service == diary_.service.id && in_session_of_provider(b.appointment)) {
                candidate.rank = Candidate::Rank::of_session;
                return false;
            }
            candidate.rank = std::max(candidate.rank, Candidate::Rank::shared);
            return true;
        });
        return candidate;
    }

    // Whether the appointment is one of the provider's at this very time.
    bool in_session_of_provider(const Id &appointment) const {
        bool found = false;
        provider_.busy.each_overlapping(visit_, [&](const Busy &b) {
            found = appointment && b.appointment == appointment && b.visit == visit_;
            return !found;
        });
        return found;
    }

    void check_patient() {
        if (!diary_.patient)
            return;
        const Busy *conflict = nullptr;
        const Busy *seat = nullptr;
        diary_.patient->busy.each_overlapping(visit_, [&](const Busy &b) {
            if (state_.is_ignored(b.appointment))
                return true;
            if (!b.visit.overlaps(visit_))
                return true;
            const bool same_session = diary_.service.id && b.service == diary_.service.id && b.visit == visit_ &&
                                      in_session_of_provider(b.appointment);
            // A seat in the very session is no overlap with another visit: its own rule decides.
            (same_session ? seat : conflict) = &b;
            return true;
        });
        if (conflict != nullptr) {
            if (diary_.tenant.patient_overlap == PatientOverlap::forbid)
                add(Reason::patient_conflict, {Source::Table::claims, conflict->claim});
            verdict_.patient_overlaps = diary_.tenant.patient_overlap == PatientOverlap::warn;
        }
        if (!done() && seat != nullptr && !diary_.tenant.allow_several_seats)
            add(Reason::duplicate, {Source::Table::appointments, seat->appointment});
    }

    void check_limits() {
        const Service &service = diary_.service;
        const bool limited =
            service.max_per_day || service.max_per_week || provider_.max_per_day || provider_.max_per_week;
        if (!limited)
            return;
        const Day date = provider_date(provider_, start_);
        const Day week = iso_week_start(date);
        const std::int32_t of_service = std::min(visits_left(plan_.service_on_day, date, service.max_per_day),
                                                 visits_left(plan_.service_in_week, week, service.max_per_week));
        const std::int32_t of_provider = std::min(visits_left(plan_.on_day, date, provider_.max_per_day),
                                                  visits_left(plan_.in_week, week, provider_.max_per_week));
        if (of_service <= 0)
            add(Reason::limit, {Source::Table::services, service.id});
        if (of_provider <= 0)
            add(Reason::limit, {Source::Table::resources, provider_.id});
        verdict_.remaining = std::min({verdict_.remaining, as_seats(of_service), as_seats(of_provider)});
    }

    // What is moved was booked already.
    void check_no_show_policy() {
        if (diary_.patient && diary_.patient->missed_too_many && state_.request.ignored.empty())
            add(Reason::no_show_policy, {Source::Table::patients, diary_.patient->id});
    }

    const Kernel::State &state_;
    const Diary &diary_;
    const Provider &provider_;
    const ProviderPlan &plan_;
    const Site *site_ = nullptr;
    const Instant start_;
    const bool all_;
    const Duration duration_;
    const Buffers buffers_;
    const Interval visit_;
    const Interval busy_; // the visit with the provider's buffers
    Verdict verdict_;
};

} // namespace

std::int32_t visits_left(const std::map<Day, std::int32_t> &counts, Day key, std::optional<std::int32_t> most) {
    if (!most)
        return std::numeric_limits<std::int32_t>::max();
    const auto it = counts.find(key);
    return *most - (it == counts.end() ? 0 : it->second);
}

Verdict judge_start(const Kernel::State &state, std::size_t provider, const Id &location, Instant start, bool all) {
    return Judge(state, provider, location, start, all).run();
}

} // namespace pg_clinic::core
