#include "core/itinerary.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

namespace pg_clinic::core {

namespace {

// An id for a stop that is not booked, different from every stored one.
Id id_of_stop(std::size_t step) {
    Id id;
    id.bytes.fill(0xFF);
    id.bytes[15] = static_cast<std::uint8_t>(step);
    return id;
}

template <class T> const T *with_id(const std::vector<T> &list, const Id &id) {
    const auto it = std::find_if(list.begin(), list.end(), [&id](const T &t) { return t.id == id; });
    return it == list.end() ? nullptr : &*it;
}

Duration longest(Duration a, Duration b, Duration c) { return std::max({a, b, c}); }

// The buffers of a stop around one of its resources, as the kernel keeps them.
Buffers buffers_at(const Step &step, const Buffers &own, std::optional<Duration> before,
                   std::optional<Duration> after) {
    const Buffers &t = step.diary->tenant.buffers;
    const Buffers &s = step.diary->service.buffers;
    return {step.request.buffer_before.value_or(before.value_or(longest(t.before, s.before, own.before))),
            step.request.buffer_after.value_or(after.value_or(longest(t.after, s.after, own.after)))};
}

// A claim that a stop would make on a resource, if it uses it.
std::optional<Busy> claim_of(const Step &step, const Slot &stop, std::size_t number, const Id &resource) {
    const Diary &d = *step.diary;
    std::int32_t quantity = 1;
    Buffers buffers;
    if (resource == stop.provider) {
        const Provider *p = with_id(d.providers, resource);
        buffers = buffers_at(step, p->buffers, p->buffer_before, p->buffer_after);
    } else if (std::find(stop.resources.begin(), stop.resources.end(), resource) == stop.resources.end()) {
        return std::nullopt;
    } else if (const Provider *assistant = with_id(d.assistants, resource)) {
        buffers = buffers_at(step, assistant->buffers, assistant->buffer_before, assistant->buffer_after);
    } else {
        const Resource *r = with_id(d.resources, resource);
        buffers = buffers_at(step, r->buffers, std::nullopt, std::nullopt);
        quantity = r->quantity;
    }
    Busy b;
    b.visit = stop.visit;
    b.during = {stop.visit.begin - buffers.before, stop.visit.end + buffers.after};
    b.capacity = d.service.capacity * quantity;
    b.claim = b.appointment = id_of_stop(number);
    b.service = d.service.id;
    b.location = stop.location;
    return b;
}

void add_claims(BusyList &busy, const std::vector<Step> &steps, const std::vector<Slot> &stops, const Id &resource) {
    std::vector<Busy> more;
    for (std::size_t i = 0; i < stops.size(); ++i)
        if (const std::optional<Busy> b = claim_of(steps[i], stops[i], i, resource))
            more.push_back(*b);
    if (more.empty())
        return;
    more.insert(more.end(), busy.claims().begin(), busy.claims().end());
    busy = BusyList(std::move(more));
}

// The least of values over ranges of positions, in constant time.
class RangeLeast {
  public:
    RangeLeast() = default;
    explicit RangeLeast(std::vector<Instant> values) {
        levels_.push_back(std::move(values));
        for (std::size_t width = 1; 2 * width <= levels_[0].size(); width *= 2) {
            const std::vector<Instant> &below = levels_.back();
            std::vector<Instant> level;
            for (std::size_t i = 0; i + width < below.size(); ++i)
                level.push_back(std::min(below[i], below[i + width]));
            levels_.push_back(std::move(level));
        }
    }

    // Of the positions from first to before last; the end of time for none.
    Instant least(std::size_t first, std::size_t last) const {
        if (first >= last)
            return instant_max;
        const auto level = static_cast<std::size_t>(std::bit_width(last - first) - 1);
        const std::vector<Instant> &row = levels_[level];
        return std::min(row[first], row[last - (std::size_t{1} << level)]);
    }

  private:
    std::vector<std::vector<Instant>> levels_;
};

// Walks all itineraries depth first, but only where the end can still be among the first.
class Search {
  public:
    Search(const std::vector<Step> &steps, const ItineraryRules &rules, const Interval &range, std::size_t max_rows,
           Work &work)
        : steps_(steps), rules_(rules), max_rows_(max_rows), work_(work), slots_(steps.size()), ends_(steps.size()) {
        for (std::size_t i = 0; i < steps.size(); ++i)
            slots_[i] = Kernel(*steps[i].diary, steps[i].request, range, work).find();
        for (std::size_t i = steps.size(); i-- > 0;)
            look_ahead(i);
    }

    // All that begin at one instant are found together, as they are ordered by their ends.
    std::vector<Itinerary> run() {
        const std::vector<Slot> &first = slots_.front();
        for (std::size_t i = 0; i < first.size() && all_.size() < max_rows_;) {
            const Instant start = first[i].visit.begin;
            for (; i < first.size() && first[i].visit.begin == start; ++i)
                extend(i);
            std::move(found_.begin(), found_.end(), std::back_inserter(all_));
            found_.clear();
        }
        return std::move(all_);
    }

  private:
    // Positions of the slots of a step that the gap after `end` allows, the way apart.
    std::pair<std::size_t, std::size_t> within_gap(std::size_t step, Instant end) const {
        const std::vector<Slot> &slots = slots_[step];
        const auto position = [&slots](auto before) {
            return static_cast<std::size_t>(std::partition_point(slots.begin(), slots.end(), before) - slots.begin());
        };
        const Instant earliest = end + steps_[step].least_gap;
        const std::size_t from = position([earliest](const Slot &s) { return s.visit.begin < earliest; });
        if (!steps_[step].most_gap)
            return {from, slots.size()};
        const Instant latest = end + *steps_[step].most_gap;
        return {from, position([latest](const Slot &s) { return s.visit.begin <= latest; })};
    }

    // For each slot of a step, the earliest end that a visit going on from it can have; later than in truth never.
    void look_ahead(std::size_t step) {
        std::vector<Instant> ends;
        for (const Slot &slot : slots_[step]) {
            work_.step();
            if (step + 1 == slots_.size()) {
                ends.push_back(slot.visit.end);
            } else {
                const auto [from, until] = within_gap(step + 1, slot.visit.end);
                ends.push_back(ends_[step + 1].least(from, until));
            }
        }
        earliest_end_.resize(slots_.size());
        earliest_end_[step] = ends;
        ends_[step] = RangeLeast(std::move(ends));
    }

    void extend(std::size_t position) {
        work_.step();
        const std::size_t step = stops_.size();
        const Slot &slot = slots_[step][position];
        if (!may_count(earliest_end_[step][position], slot) || !may_follow(slot))
            return;
        std::optional<Slot> stop = in_place(step, slot);
        if (!stop)
            return;
        stops_.push_back(std::move(*stop));
        if (stops_.size() == steps_.size()) {
            keep();
        } else {
            const auto [from, until] = within_gap(stops_.size(), slot.visit.end);
            for (std::size_t i = from; i < until; ++i)
                extend(i);
        }
        stops_.pop_back();
    }

    // Whether a visit that ends then at the earliest can be among those wanted.
    bool may_count(Instant end, const Slot &slot) const {
        if (end == instant_max)
            return false;
        if (found_.size() < max_rows_ - all_.size())
            return true;
        const Itinerary &worst = found_.back();
        if (end != worst.stops.back().visit.end)
            return end < worst.stops.back().visit.end;
        for (std::size_t i = 0; i < stops_.size(); ++i)
            if (const auto order = place(stops_[i]) <=> place(worst.stops[i]); order != 0)
                return order < 0;
        return place(slot) <= place(worst.stops[stops_.size()]);
    }

    bool may_follow(const Slot &slot) const {
        if (stops_.empty())
            return true;
        const Slot &before = stops_.back();
        if (slot.visit.begin < before.visit.end + way_between(*steps_.front().diary, before.location, slot.location))
            return false;
        if (rules_.one_location && slot.location != before.location)
            return false;
        using Providers = ItineraryRules::Providers;
        const auto is_his = [&slot](const Slot &s) { return s.provider == slot.provider; };
        return rules_.providers == Providers::any ||
               (rules_.providers == Providers::same ? is_his(before)
                                                    : std::none_of(stops_.begin(), stops_.end(), is_his));
    }

    // The slot as it is when the stops before are booked, or nothing when it is free no more.
    std::optional<Slot> in_place(std::size_t step, const Slot &slot) const {
        if (!is_touched(step, slot))
            return slot;
        const Step &here = steps_[step];
        Diary diary = with_stops(narrowed(here, slot), steps_, stops_);
        const Interval at_start{slot.visit.begin, slot.visit.begin + Duration{1}};
        const Verdict verdict =
            Kernel(diary, here.request, at_start, work_).judge(0, slot.location, slot.visit.begin, false);
        if (!verdict.free())
            return std::nullopt;
        Slot stop = slot;
        stop.remaining = verdict.remaining;
        stop.resources = verdict.resources;
        stop.missing = verdict.missing;
        return stop;
    }

    // The step with nobody in its diary but who matters for the slot.
    Step narrowed(const Step &step, const Slot &slot) const {
        const Diary &all = *step.diary;
        narrow_.now = all.now;
        narrow_.tenant = all.tenant;
        narrow_.service = all.service;
        narrow_.locations = all.locations;
        narrow_.providers = {*with_id(all.providers, slot.provider)};
        narrow_.resources.clear();
        for (const Resource &r : all.resources)
            if (r.location == slot.location)
                narrow_.resources.push_back(r);
        narrow_.assistants = all.assistants;
        narrow_.patient = all.patient;
        narrow_.travel = all.travel;
        Step result = step;
        result.diary = &narrow_;
        return result;
    }

    // Whether earlier stops use anything that the slot may use: else nothing about it has changed. The patient is free, as
    // the stops come one after the other.
    bool is_touched(std::size_t step, const Slot &slot) const {
        const Diary &d = *steps_[step].diary;
        const auto may_use = [&](const Id &id) {
            const Resource *r = with_id(d.resources, id);
            return id == slot.provider || (r != nullptr && r->location == slot.location) ||
                   with_id(d.assistants, id) != nullptr;
        };
        return std::any_of(stops_.begin(), stops_.end(), [&](const Slot &s) {
            return may_use(s.provider) || std::any_of(s.resources.begin(), s.resources.end(), may_use);
        });
    }

    void keep() {
        const auto comes_first = [](const Itinerary &a, const Itinerary &b) { return in_order(a, b); };
        Itinerary itinerary{stops_};
        found_.insert(std::upper_bound(found_.begin(), found_.end(), itinerary, comes_first), std::move(itinerary));
        if (found_.size() > max_rows_ - all_.size())
            found_.pop_back();
    }

    static std::tuple<const Id &, const Id &> place(const Slot &s) { return std::tie(s.provider, s.location); }

    // Both begin at the same instant.
    static bool in_order(const Itinerary &a, const Itinerary &b) {
        if (a.stops.back().visit.end != b.stops.back().visit.end)
            return a.stops.back().visit.end < b.stops.back().visit.end;
        for (std::size_t i = 0; i < a.stops.size(); ++i)
            if (place(a.stops[i]) != place(b.stops[i]))
                return place(a.stops[i]) < place(b.stops[i]);
        for (std::size_t i = 0; i < a.stops.size(); ++i)
            if (a.stops[i].visit.begin != b.stops[i].visit.begin)
                return a.stops[i].visit.begin < b.stops[i].visit.begin;
        return false;
    }

    const std::vector<Step> &steps_;
    const ItineraryRules rules_;
    const std::size_t max_rows_;
    Work &work_;
    std::vector<std::vector<Slot>> slots_;           // of each step, as the kernel finds them
    std::vector<std::vector<Instant>> earliest_end_; // of a visit that goes on from each slot
    std::vector<RangeLeast> ends_;                   // the same, over ranges
    std::vector<Slot> stops_;                        // of the visit being tried
    std::vector<Itinerary> found_;                   // of those that begin with it, the first ones, in order
    std::vector<Itinerary> all_;
    mutable Diary narrow_; // kept for its memory
};

} // namespace

Duration way_between(const Diary &diary, const Id &from, const Id &to) {
    const auto it = diary.travel.find({from, to});
    return it == diary.travel.end() ? Duration{0} : it->second;
}

Diary with_stops(const Step &step, const std::vector<Step> &steps, const std::vector<Slot> &stops) {
    Diary diary = *step.diary;
    for (Provider &p : diary.providers) {
        add_claims(p.busy, steps, stops, p.id);
        for (std::size_t i = 0; i < stops.size(); ++i)
            if (stops[i].provider == p.id)
                p.visits.push_back(
                    {stops[i].visit.begin, steps[i].diary->service.id, stops[i].location, id_of_stop(i)});
    }
    for (Provider &a : diary.assistants)
        add_claims(a.busy, steps, stops, a.id);
    for (Resource &r : diary.resources)
        add_claims(r.busy, steps, stops, r.id);
    if (diary.patient && !stops.empty()) {
        std::vector<Busy> busy = diary.patient->busy.claims();
        for (std::size_t i = 0; i < stops.size(); ++i) {
            Busy b = *claim_of(steps[i], stops[i], i, stops[i].provider);
            b.during = b.visit;
            busy.push_back(b);
        }
        diary.patient->busy = BusyList(std::move(busy));
    }
    return diary;
}

std::vector<Itinerary> find_itineraries(const std::vector<Step> &steps, const ItineraryRules &rules,
                                        const Interval &range, std::size_t max_rows, Work &work) {
    if (steps.empty() || max_rows == 0)
        return {};
    return Search(steps, rules, range, max_rows, work).run();
}

} // namespace pg_clinic::core
