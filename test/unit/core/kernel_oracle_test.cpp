// The kernel against a naive model of the policies: time is cut into ticks of five minutes, hours and blocks are booleans for
// each tick, and every start is judged by looking at each of its ticks. The model shares with the kernel the values and the
// zones, nothing else.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <sstream>

#include "support/clinic.hpp"

namespace pg_clinic::core::test {

namespace {

constexpr std::int64_t tick = 5 * micros_per_minute;

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

std::int64_t wall_clock(const Zone &zone, std::int64_t t) { // microseconds
    return t + std::int64_t{zone.span_at(Instant{t}).offset_seconds} * micros_per_second;
}
std::int32_t date_at(const Zone &zone, std::int64_t t) {
    return static_cast<std::int32_t>(floor_div(wall_clock(zone, t), micros_per_day));
}
std::int32_t monday_of(std::int32_t date) { return date - static_cast<std::int32_t>(((date + 5) % 7 + 7) % 7); }

// The first instant whose wall clock shows the reading or later.
std::int64_t first_showing(const Zone &zone, std::int64_t reading) {
    std::int64_t t = reading - 15 * micros_per_hour;
    while (wall_clock(zone, t) < reading)
        t += tick;
    return t;
}

template <class T> bool has(const std::vector<T> &list, const T &value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

bool rule_has_date(const RRule &rule, std::int32_t dtstart, std::int32_t date) {
    const auto member = [&](std::int32_t d) {
        if (rule.freq == Frequency::daily)
            return (d - dtstart) % rule.interval == 0;
        bool named = rule.by_day.empty();
        for (const WeekdayNum &w : rule.by_day)
            named = named || static_cast<int>(w.day) == d - monday_of(d);
        return named && (monday_of(d) - monday_of(dtstart)) / 7 % rule.interval == 0;
    };
    if (date < dtstart || !member(date))
        return false;
    std::int64_t before = 0;
    for (std::int32_t d = dtstart; d < date; ++d)
        before += member(d) ? 1 : 0;
    return !rule.count || before < *rule.count;
}

// ---- The model

struct ModelWindow {
    std::int64_t begin, end;
    Id location, made_by;
    const Zone *zone;
    bool closed = false;
    ServiceFilter services;
    std::optional<std::int32_t> most;
};

struct ModelVerdict {
    std::vector<std::string> reasons;
    std::vector<Id> resources;
    std::int32_t remaining = 0;
    bool patient_overlaps = false;
};

class Model {
  public:
    Model(const Diary &diary, const Request &request, Interval range) : d_(diary), q_(request) {
        first_date_ = static_cast<std::int32_t>(floor_div(range.begin.micros, micros_per_day)) - 45;
        last_date_ = static_cast<std::int32_t>(floor_div(range.end.micros, micros_per_day)) + 12;
        for (const Provider &p : d_.providers) {
            windows_.push_back(windows_of(p.hours));
            for (const Location &l : d_.locations) {
                mark_hours(windows_.size() - 1, l.id);
                mark_blocks(p.blocks, l.id);
            }
        }
        for (const Resource &r : d_.resources) {
            room_windows_.push_back(windows_of(r.hours));
            mark_blocks(r.blocks, r.location);
        }
    }

    ModelVerdict judge(std::size_t provider, const Location &location, std::int64_t start);

  private:
    std::vector<ModelWindow> windows_of(const HoursBook &book) const {
        std::vector<ModelWindow> result;
        for (std::int32_t date = first_date_; date <= last_date_; ++date) {
            bool replaced = false;
            for (const DateOverride &o : book.overrides)
                replaced = replaced || (o.open && o.on.days == date);
            for (const HoursRule &r : book.rules) {
                const bool valid = r.valid_from.days <= date && (!r.valid_until || date <= r.valid_until->days);
                if (replaced || !valid || !rule_has_date(r.rule, r.dtstart.days, date))
                    continue;
                bool closed = holiday(book, r.location, date);
                for (const DateOverride &o : book.overrides)
                    closed = closed || (!o.open && o.on.days == date && (!o.location || o.location == r.location));
                result.push_back({0, 0, r.location, r.id, zone_of(book, date, r.zone), closed, r.services, r.max_appointments});
                bounds(result.back(), date, r.window);
            }
            for (const DateOverride &o : book.overrides) {
                if (!o.open || o.on.days != date)
                    continue;
                const bool closed = !o.works_on_holidays && holiday(book, o.location, date);
                result.push_back({0, 0, o.location, o.id, zone_of(book, date, o.zone), closed, o.services, o.max_appointments});
                bounds(result.back(), date, o.window);
            }
        }
        std::erase_if(result, [](const ModelWindow &w) { return w.begin >= w.end; });
        return result;
    }
    static bool holiday(const HoursBook &book, const Id &location, std::int32_t date) {
        return std::any_of(book.holidays.begin(), book.holidays.end(),
                           [&](const Holiday &h) { return h.location == location && h.on.days == date; });
    }
    static const Zone *zone_of(const HoursBook &book, std::int32_t date, const Zone *home) {
        for (const Stay &s : book.stays)
            if (s.from.days <= date && date <= s.until.days)
                return s.zone;
        return home;
    }
    static void bounds(ModelWindow &w, std::int32_t date, const WallWindow &wall) {
        const std::int64_t midnight = std::int64_t{date} * micros_per_day;
        w.begin = first_showing(*w.zone, midnight + wall.start.micros);
        const std::int64_t next = wall.end.micros <= wall.start.micros ? micros_per_day : 0;
        w.end = first_showing(*w.zone, midnight + next + wall.end.micros);
    }

    bool serves(const ServiceFilter &services) const {
        return !d_.service.id || services.empty() || has(services, d_.service.id);
    }
    bool is_ignored(const Busy &b) const { return b.appointment && has(q_.ignored, b.appointment); }

    // One boolean for each tick.
    using Ticks = std::vector<bool>;
    std::size_t index(std::int64_t t) const {
        return static_cast<std::size_t>((t - std::int64_t{first_date_ - 2} * micros_per_day) / tick);
    }
    Ticks no_ticks() const { return Ticks(static_cast<std::size_t>(last_date_ - first_date_ + 6) * 288); }
    void mark(Ticks &ticks, std::int64_t begin, std::int64_t end) const {
        begin = std::max(begin, std::int64_t{first_date_ - 2} * micros_per_day);
        end = std::min(end, std::int64_t{last_date_ + 4} * micros_per_day);
        for (std::int64_t t = begin; t < end; t += tick)
            ticks[index(t)] = true;
    }

    void mark_hours(std::size_t p, const Id &location) {
        Ticks open = no_ticks(), closed = no_ticks(), present = no_ticks();
        for (const ModelWindow &w : windows_[p]) {
            if (w.location != location)
                continue;
            if (!w.closed)
                mark(present, w.begin, w.end);
            if (serves(w.services))
                mark(w.closed ? closed : open, w.begin, w.end);
        }
        open_[{p, location}] = open;
        closed_[{p, location}] = closed;
        present_[{p, location}] = present;
    }
    bool open_at(std::size_t p, const Id &location, std::int64_t t) const { return open_.at({p, location})[index(t)]; }
    bool closed_at(std::size_t p, const Id &location, std::int64_t t) const { return closed_.at({p, location})[index(t)]; }
    // Whether the provider is at the location, for whatever service.
    bool present_at(std::size_t p, const Id &location, std::int64_t t) const { return present_.at({p, location})[index(t)]; }

    void mark_blocks(const std::vector<Block> &blocks, const Id &location) {
        Ticks ticks = no_ticks();
        for (const Block &b : blocks) {
            const bool kept = b.kept_for && d_.patient && d_.patient->id == b.kept_for;
            const bool concerned = b.services.empty() || (d_.service.id && has(b.services, d_.service.id));
            if (!kept && concerned && (!b.location || b.location == location))
                mark_block(ticks, b);
        }
        blocked_[{&blocks, location}] = ticks;
    }
    void mark_block(Ticks &ticks, const Block &b) const {
        if (b.form == Block::Form::span)
            return mark(ticks, b.span.begin.micros, b.span.end.micros);
        for (std::int32_t date = first_date_; date <= last_date_; ++date) {
            if (date < b.from.days || (b.until && date > b.until->days))
                continue;
            if (b.form == Block::Form::recurring && !rule_has_date(*b.rule, b.from.days, date))
                continue;
            ModelWindow w{0, 0, {}, {}, b.zone, false, {}, {}};
            bounds(w, date, b.form == Block::Form::dates ? WallWindow{hm(0), hm(24)} : b.window);
            mark(ticks, w.begin, w.end);
        }
    }
    bool blocked_at(const std::vector<Block> &blocks, const Id &location, std::int64_t t) const {
        return blocked_.at({&blocks, location})[index(t)];
    }

    struct Crowd {
        std::int32_t count = 0, least = 0;
        bool held = false;
    };
    Crowd crowd_at(const BusyList &busy, std::int64_t t, std::int32_t capacity, bool with_holds) const {
        Crowd c{0, capacity, false};
        for (const Busy &b : busy.claims()) {
            const bool timed = b.kind == ClaimKind::hold || b.kind == ClaimKind::offer;
            if (is_ignored(b) || (timed && !with_holds) || !b.during.contains(Instant{t}))
                continue;
            ++c.count;
            c.least = std::min(c.least, b.capacity);
            c.held = c.held || timed;
        }
        return c;
    }

    std::int64_t travel(const Id &from, const Id &to) const {
        const auto it = d_.travel.find({from, to});
        return it == d_.travel.end() ? 0 : it->second.micros;
    }

    bool in_session(const Provider &p, const Busy &b, std::int64_t start, std::int64_t end) const {
        if (!b.appointment || b.service != d_.service.id || b.visit != Interval{Instant{start}, Instant{end}})
            return false;
        return std::any_of(p.busy.claims().begin(), p.busy.claims().end(), [&](const Busy &other) {
            return other.appointment == b.appointment && other.visit == b.visit;
        });
    }

    std::pair<std::int32_t, std::int32_t> day_and_week(const Provider &p, std::int64_t t) const {
        std::int32_t best = date_at(*p.zone, t);
        std::int64_t nearest = -1;
        const std::int32_t around = static_cast<std::int32_t>(floor_div(t, micros_per_day));
        for (int only_home = 1; only_home >= 0; --only_home)
            for (std::int32_t date = around - 2; date <= around + 2; ++date) {
                const Zone *zone = zone_of(p.hours, date, p.zone);
                if ((zone == p.zone) != (only_home == 1) || date_at(*zone, t) != date)
                    continue;
                const std::int64_t of_day = wall_clock(*zone, t) - std::int64_t{date} * micros_per_day;
                const std::int64_t from_noon = std::abs(of_day - micros_per_day / 2);
                if (nearest < 0 || from_noon < nearest) {
                    nearest = from_noon;
                    best = date;
                }
            }
        return {best, monday_of(best)};
    }

    void hours(std::size_t p, const Location &location);
    void grid(std::size_t p, const Location &location);
    void blocks(std::size_t p, const Location &location);
    void overlap(std::size_t p, const Location &location);
    void rooms(const Provider &p, const Location &location);
    void patient(const Provider &p);
    void limits(const Provider &p);

    void say(const std::string &reason) { v_.reasons.push_back(reason); }
    void leave(std::int64_t remaining) {
        v_.remaining = static_cast<std::int32_t>(std::min<std::int64_t>(v_.remaining, std::max<std::int64_t>(0, remaining)));
    }

    const Diary &d_;
    const Request &q_;
    std::int32_t first_date_, last_date_;
    std::vector<std::vector<ModelWindow>> windows_, room_windows_;
    std::map<std::pair<std::size_t, Id>, Ticks> open_, closed_, present_;
    std::map<std::pair<const std::vector<Block> *, Id>, Ticks> blocked_;
    // Of the start being judged.
    ModelVerdict v_;
    std::int64_t start_ = 0, end_ = 0, busy_begin_ = 0, busy_end_ = 0, needed_begin_ = 0, needed_end_ = 0;
};

ModelVerdict Model::judge(std::size_t provider, const Location &location, std::int64_t start) {
    const Provider &p = d_.providers[provider];
    const Service &s = d_.service;
    v_ = {};
    v_.remaining = s.capacity;
    const std::int64_t usual = (p.duration ? *p.duration : s.duration).micros;
    const std::int64_t length = q_.duration ? q_.duration->micros : usual;
    const auto most = [](Duration a, Duration b, Duration c) { return std::max({a.micros, b.micros, c.micros}); };
    std::int64_t before = most(d_.tenant.buffers.before, s.buffers.before, p.buffers.before);
    std::int64_t after = most(d_.tenant.buffers.after, s.buffers.after, p.buffers.after);
    before = q_.buffer_before ? q_.buffer_before->micros : p.buffer_before ? p.buffer_before->micros : before;
    after = q_.buffer_after ? q_.buffer_after->micros : p.buffer_after ? p.buffer_after->micros : after;
    start_ = start;
    end_ = start + length;
    busy_begin_ = start_ - before;
    busy_end_ = end_ + after;
    needed_begin_ = s.buffers_inside_hours ? busy_begin_ : start_;
    needed_end_ = s.buffers_inside_hours ? busy_end_ : end_;

    if (!p.offers_service)
        say("not_found");
    for (const bool active : {d_.tenant.active, s.active, p.active, location.active, !d_.patient || d_.patient->active})
        if (!active)
            say("inactive");
    const std::int64_t now = d_.now.micros;
    const std::int32_t today = date_at(*location.zone, now), date = date_at(*location.zone, start);
    if (start < now)
        say("in_past");
    else if (start - now < s.lead_time.micros || (!s.same_day && date == today))
        say("lead_time");
    if (s.horizon_days && date > today + *s.horizon_days)
        say("horizon");
    hours(provider, location);
    if (s.id && (length < std::min(usual, s.min_duration.micros) || length > std::max(usual, s.max_duration.micros)))
        say("bad_duration");
    grid(provider, location);
    blocks(provider, location);
    overlap(provider, location);
    rooms(p, location);
    patient(p);
    limits(p);
    if (!v_.reasons.empty())
        v_.remaining = 0;
    std::sort(v_.resources.begin(), v_.resources.end());
    return v_;
}

void Model::hours(std::size_t p, const Location &location) {
    bool inside = true, closed = false, otherwise_inside = true;
    for (std::int64_t t = needed_begin_; t < needed_end_; t += tick) {
        const bool open = open_at(p, location.id, t);
        const bool shut = closed_at(p, location.id, t);
        inside = inside && open;
        closed = closed || shut;
        otherwise_inside = otherwise_inside && (open || shut);
    }
    if (inside)
        return;
    const HoursBook &book = d_.providers[p].hours;
    const std::int32_t date = date_at(*location.zone, start_);
    if (!open_at(p, location.id, start_)) {
        closed = closed || holiday(book, location.id, date);
        for (const DateOverride &o : book.overrides)
            closed = closed || (!o.open && o.on.days == date && (!o.location || o.location == location.id));
    }
    if (closed)
        say("closed_on_date");
    if (closed && otherwise_inside)
        return;
    std::int64_t open_around = 0;
    if (open_at(p, location.id, start_)) {
        for (std::int64_t t = start_; open_at(p, location.id, t) && open_around < needed_end_ - needed_begin_; t += tick)
            open_around += tick;
        for (std::int64_t t = start_ - tick; open_at(p, location.id, t) && open_around < needed_end_ - needed_begin_; t -= tick)
            open_around += tick;
    }
    say(open_around > 0 && open_around < needed_end_ - needed_begin_ ? "window_too_short" : "outside_hours");
}

void Model::grid(std::size_t p, const Location &location) {
    if (!open_at(p, location.id, start_))
        return;
    std::int64_t anchor = start_;
    while (open_at(p, location.id, anchor - tick))
        anchor -= tick;
    if (d_.service.anchor == Anchor::midnight) {
        const ModelWindow *first = nullptr;
        for (const ModelWindow &w : windows_[p])
            if (!w.closed && w.location == location.id && serves(w.services) && w.begin == anchor &&
                (first == nullptr || std::pair(w.end, w.made_by) < std::pair(first->end, first->made_by)))
                first = &w;
        anchor = first_showing(*first->zone, std::int64_t{date_at(*first->zone, anchor)} * micros_per_day);
    }
    if ((start_ - anchor) % d_.service.step.micros != 0)
        say("off_grid");
}

void Model::blocks(std::size_t p, const Location &location) {
    const Provider &provider = d_.providers[p];
    for (std::int64_t t = busy_begin_; t < busy_end_; t += tick)
        if (blocked_at(provider.blocks, location.id, t))
            return say("blocked");
    // On the way: hours elsewhere ended less than the drive ago when the hours here began, and nothing was open here between.
    for (std::int64_t t = needed_begin_; t < needed_end_; t += tick)
        for (const auto &[way, time] : d_.travel) {
            if (way.second != location.id)
                continue;
            for (std::int64_t left = t - time.micros; left < t; left += tick) // the last tick there
                for (std::int64_t arrived = left + tick; arrived <= t; arrived += tick)
                    if (present_at(p, way.first, left) && !present_at(p, way.first, left + tick) &&
                        present_at(p, location.id, arrived) && !present_at(p, location.id, arrived - tick) &&
                        t < left + tick + time.micros)
                        return say("blocked");
        }
    if (d_.travel.empty())
        return;
    for (const Busy &b : provider.busy.claims()) {
        if (is_ignored(b) || !b.location || b.location == location.id)
            continue;
        const bool taken = b.during.begin.micros < busy_end_ && busy_begin_ < b.during.end.micros &&
                           (b.capacity == 1 || d_.service.capacity == 1);
        if (!taken && start_ < b.visit.end.micros + travel(b.location, location.id) &&
            b.visit.begin.micros < end_ + travel(location.id, b.location))
            return say("blocked");
    }
}

void Model::overlap(std::size_t p, const Location &location) {
    const Provider &provider = d_.providers[p];
    const std::int32_t capacity = d_.service.capacity;
    bool held = false, taken = false, full = false;
    for (std::int64_t t = busy_begin_; t < busy_end_; t += tick) {
        const Crowd all = crowd_at(provider.busy, t, capacity, true);
        const Crowd booked = crowd_at(provider.busy, t, capacity, false);
        leave(all.least - all.count);
        held = held || (all.held && all.count + 1 > all.least);
        if (booked.count + 1 > booked.least)
            (capacity == 1 || booked.least < capacity ? taken : full) = true;
    }
    std::optional<std::int64_t> windows_leave;
    for (const ModelWindow &w : windows_[p]) {
        if (w.closed || w.location != location.id || !serves(w.services) || start_ < w.begin || start_ >= w.end)
            continue;
        std::int64_t left = 1'000'000;
        if (w.most) {
            left = *w.most;
            for (const CountedVisit &v : provider.visits)
                if (!(v.appointment && has(q_.ignored, v.appointment)) && v.location == w.location &&
                    w.begin <= v.start.micros && v.start.micros < w.end &&
                    (!v.service || w.services.empty() || has(w.services, v.service)))
                    --left;
        }
        windows_leave = std::max(windows_leave.value_or(left), left);
    }
    if (windows_leave)
        leave(*windows_leave);
    if (held)
        say("held");
    if (taken)
        say("slot_taken");
    if (full || (windows_leave && *windows_leave <= 0))
        say("full");
}

void Model::rooms(const Provider &p, const Location &location) {
    for (const auto &[resource_class, needed] : d_.service.required) {
        bool named = false;
        for (const Resource &r : d_.resources)
            named = named || (r.resource_class == resource_class && has(q_.named_resources, r.id));
        struct Room {
            int rank;
            std::size_t index;
            bool usable;
            std::int64_t remaining;
        };
        std::vector<Room> rooms;
        std::int32_t of_session = 0;
        for (std::size_t i = 0; i < d_.resources.size(); ++i) {
            const Resource &r = d_.resources[i];
            if (r.resource_class != resource_class || r.location != location.id ||
                (named && !has(q_.named_resources, r.id)))
                continue;
            const Buffers &tb = d_.tenant.buffers, &sb = d_.service.buffers;
            const Duration before = q_.buffer_before.value_or(std::max({tb.before, sb.before, r.buffers.before}));
            const Duration after = q_.buffer_after.value_or(std::max({tb.after, sb.after, r.buffers.after}));
            const std::int64_t begin = start_ - before.micros, end = end_ + after.micros;
            Room room{1, i, true, 1'000'000};
            bool open = true, session = false, others = false;
            for (std::int64_t t = begin; t < end; t += tick) {
                const bool inside = d_.service.buffers_inside_hours || (start_ <= t && t < end_);
                bool window = r.hours.empty();
                for (const ModelWindow &w : room_windows_[i])
                    window = window || (!w.closed && serves(w.services) && w.begin <= t && t < w.end);
                open = open && (window || !inside);
                room.usable = room.usable && !blocked_at(r.blocks, r.location, t);
                const Crowd c = crowd_at(r.busy, t, d_.service.capacity * r.quantity, true);
                room.remaining = std::min<std::int64_t>(room.remaining, std::max(0, c.least - c.count));
            }
            for (const Busy &b : r.busy.claims()) {
                if (is_ignored(b) || b.during.begin.micros >= end || b.during.end.micros <= begin)
                    continue;
                (in_session(p, b, start_, end_) ? session : others) = true;
            }
            const bool fits = room.remaining > 0;
            room.usable = room.usable && r.active && (open || q_.override_rules) && (fits || q_.overbook);
            room.rank = session ? 0 : !open || !fits ? 3 : others ? 2 : 1;
            of_session += session ? 1 : 0;
            rooms.push_back(room);
        }
        std::erase_if(rooms, [&](const Room &r) { return !r.usable || (of_session >= needed && r.rank != 0); });
        if (static_cast<std::int32_t>(rooms.size()) < needed) {
            say("no_resource");
            continue;
        }
        std::stable_sort(rooms.begin(), rooms.end(), [](const Room &a, const Room &b) { return a.rank < b.rank; });
        for (std::int32_t i = 0; i < needed; ++i)
            v_.resources.push_back(d_.resources[rooms[static_cast<std::size_t>(i)].index].id);
        // Books one after the other, each into the emptiest rooms.
        std::int64_t bookings = 0;
        for (;; ++bookings) {
            std::sort(rooms.begin(), rooms.end(), [](const Room &a, const Room &b) { return a.remaining > b.remaining; });
            if (rooms[static_cast<std::size_t>(needed - 1)].remaining <= 0 || bookings > 1000)
                break;
            for (std::int32_t i = 0; i < needed; ++i)
                --rooms[static_cast<std::size_t>(i)].remaining;
        }
        leave(bookings);
    }
}

void Model::patient(const Provider &p) {
    if (!d_.patient)
        return;
    bool conflict = false, seat = false;
    for (const Busy &b : d_.patient->busy.claims()) {
        if (is_ignored(b) || b.visit.begin.micros >= end_ || b.visit.end.micros <= start_)
            continue;
        (d_.service.id && in_session(p, b, start_, end_) ? seat : conflict) = true;
    }
    if (conflict && d_.tenant.patient_overlap == PatientOverlap::forbid)
        say("patient_conflict");
    v_.patient_overlaps = conflict && d_.tenant.patient_overlap == PatientOverlap::warn;
    if (seat && !d_.tenant.allow_several_seats)
        say("duplicate");
}

void Model::limits(const Provider &p) {
    const auto [day, week] = day_and_week(p, start_);
    std::int64_t on_day = 0, in_week = 0, service_on_day = 0, service_in_week = 0;
    for (const CountedVisit &v : p.visits) {
        if (v.appointment && has(q_.ignored, v.appointment))
            continue;
        const auto [its_day, its_week] = day_and_week(p, v.start.micros);
        on_day += its_day == day ? 1 : 0;
        in_week += its_week == week ? 1 : 0;
        service_on_day += its_day == day && v.service == d_.service.id ? 1 : 0;
        service_in_week += its_week == week && v.service == d_.service.id ? 1 : 0;
    }
    const auto left = [](std::optional<std::int32_t> most, std::int64_t count) { return most ? *most - count : 1'000'000; };
    const std::int64_t of_service =
        std::min(left(d_.service.max_per_day, service_on_day), left(d_.service.max_per_week, service_in_week));
    const std::int64_t of_provider = std::min(left(p.max_per_day, on_day), left(p.max_per_week, in_week));
    for (const std::int64_t l : {of_service, of_provider})
        if (l <= 0)
            say("limit");
    leave(std::min(of_service, of_provider));
}

// ---- Random clinics

class Generator {
  public:
    explicit Generator(unsigned seed) : random_(seed) {}

    Clinic clinic();

  private:
    std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n)); }
    bool chance(int percent) { return below(100) < percent; }
    Duration ticks(std::int64_t least, std::int64_t most) { return {tick * (least + below(most - least + 1))}; }
    template <class T> T pick(std::initializer_list<T> list) {
        return *(list.begin() + below(static_cast<std::int64_t>(list.size())));
    }
    const Zone *zone() { return pick<const Zone *>({&utc_zone(), &new_york(), &tokyo(), &lord_howe(), &berlin()}); }
    Day date() { return Day{first_.days - 1 + static_cast<std::int32_t>(below(5))}; }
    Id next_id() { return id(++last_id_); }
    Instant instant() { return Instant{at(first_).micros + tick * below(2 * 288)}; }
    ServiceFilter filter() {
        return chance(75) ? ServiceFilter{} : chance(60) ? ServiceFilter{other_service, exam} : ServiceFilter{other_service};
    }
    WallWindow wall() {
        WallWindow w{ticks(0, 287), ticks(0, 288)};
        if (chance(60))
            w = {ticks(60, 140), ticks(150, 250)};
        if (chance(10))
            w.end = w.start + ticks(1, 6);
        w.end = std::min(w.end, hm(24));
        if (chance(8))
            w = {hm(0), hm(24)};
        return w;
    }
    RRule rule() {
        RRule r;
        if (chance(60)) {
            r.freq = Frequency::daily;
            r.interval = static_cast<std::int32_t>(pick({1, 1, 1, 2, 3}));
        } else {
            r.freq = Frequency::weekly;
            r.interval = static_cast<std::int32_t>(pick({1, 1, 2}));
            for (int d = 0; d < 7; ++d)
                if (chance(60))
                    r.by_day.push_back({0, static_cast<Weekday>(d)});
            if (r.by_day.empty())
                r.by_day.push_back({0, Weekday::monday});
        }
        if (chance(10))
            r.count = 1 + below(30);
        return r;
    }
    HoursBook book(bool provider);
    std::vector<Block> blocks(int percent);
    Busy random_claim();
    void people(Clinic &c);
    void rooms(Clinic &c);
    void claims(Clinic &c);
    void request(Clinic &c);

    std::mt19937_64 random_;
    Day first_;
    std::uint32_t last_id_ = 1000;
};

HoursBook Generator::book(bool provider) {
    HoursBook b;
    const Zone *home = zone();
    for (std::int64_t n = provider ? 1 + below(4) : below(3); n > 0; --n) {
        HoursRule r;
        r.id = next_id();
        r.location = provider && chance(30) ? there : here;
        r.rule = rule();
        r.dtstart = first_ - static_cast<std::int32_t>(below(25)) - 1;
        r.valid_from = r.dtstart + static_cast<std::int32_t>(chance(20) ? below(26) : 0);
        if (chance(15))
            r.valid_until = r.valid_from + static_cast<std::int32_t>(below(28));
        r.window = wall();
        r.zone = chance(80) ? home : zone();
        r.services = filter();
        if (chance(20))
            r.max_appointments = static_cast<std::int32_t>(below(4));
        b.rules.push_back(r);
    }
    for (std::int64_t n = chance(40) ? 1 + below(2) : 0; n > 0; --n) {
        DateOverride o = open_on(0, date(), chance(50) ? here : there, hm(0), hm(0), *home);
        o.id = next_id();
        o.open = chance(60);
        if (!o.open && chance(40))
            o.location = {};
        o.window = wall();
        o.works_on_holidays = chance(50);
        o.services = o.open ? filter() : ServiceFilter{};
        b.overrides.push_back(o);
    }
    if (chance(25))
        b.holidays.push_back({next_id(), chance(60) ? here : there, date()});
    if (chance(25)) {
        const Day from = date();
        b.stays.push_back({next_id(), from, from + static_cast<std::int32_t>(below(3)), zone()});
    }
    return b;
}

std::vector<Block> Generator::blocks(int percent) {
    std::vector<Block> list;
    while (chance(percent)) {
        Block b;
        b.id = next_id();
        b.form = pick({Block::Form::span, Block::Form::span, Block::Form::dates, Block::Form::recurring});
        b.zone = zone();
        b.services = filter();
        if (chance(25))
            b.location = chance(50) ? here : there;
        if (chance(20))
            b.kept_for = pat;
        b.from = date();
        if (b.form == Block::Form::span) {
            b.span.begin = instant();
            b.span.end = b.span.begin + ticks(1, 40);
        } else if (b.form == Block::Form::dates) {
            b.until = b.from + static_cast<std::int32_t>(below(2));
        } else {
            b.rule = rule();
            b.window = {ticks(0, 287), ticks(0, 287)};
            if (b.window.end < b.window.start && chance(70))
                std::swap(b.window.start, b.window.end);
            if (chance(50))
                b.until = b.from + static_cast<std::int32_t>(below(9));
        }
        list.push_back(b);
    }
    return list;
}

Busy Generator::random_claim() {
    Busy b = claim(0, instant(), ticks(1, 14), static_cast<std::int32_t>(pick({1, 1, 2, 3, 4})),
                   pick({ClaimKind::booking, ClaimKind::booking, ClaimKind::pending, ClaimKind::hold, ClaimKind::offer}));
    b.claim = next_id();
    b.appointment = b.kind == ClaimKind::booking ? next_id() : Id{};
    b.during = {b.visit.begin - ticks(0, 2), b.visit.end + ticks(0, 2)};
    b.service = chance(60) ? exam : other_service;
    b.location = pick({here, here, there, Id{}});
    return b;
}

void Generator::people(Clinic &c) {
    c.diary.providers.clear();
    for (const Id &who : {anna, boris}) {
        if (who == boris && chance(60))
            break;
        Provider &p = c.add_provider(who);
        p.zone = zone();
        p.hours = book(true);
        p.blocks = blocks(45);
        p.active = !chance(3);
        p.offers_service = !chance(3);
        p.buffers = {ticks(0, 2), ticks(0, 2)};
        if (chance(20))
            p.duration = ticks(1, 14);
        if (chance(20))
            p.buffer_before = ticks(0, 3);
        if (chance(20))
            p.buffer_after = ticks(0, 3);
        if (chance(20))
            p.max_per_day = static_cast<std::int32_t>(below(4));
        if (chance(15))
            p.max_per_week = static_cast<std::int32_t>(below(6));
    }
}

void Generator::rooms(Clinic &c) {
    if (chance(55))
        return;
    for (const char *resource_class : {"laser", "room"}) {
        if (chance(50))
            c.service().required.emplace_back(resource_class, static_cast<std::int32_t>(1 + below(2)));
        for (std::int64_t n = 1 + below(3); n > 0; --n) {
            Resource &r = c.add_room(++last_id_, resource_class);
            r.location = chance(85) ? here : there;
            r.active = !chance(5);
            r.quantity = static_cast<std::int32_t>(pick({1, 1, 2}));
            r.buffers = {ticks(0, 2), ticks(0, 2)};
            if (chance(25))
                r.hours = book(false);
            r.blocks = blocks(20);
        }
    }
}

void Generator::claims(Clinic &c) {
    std::vector<std::vector<Busy>> of_room(c.diary.resources.size());
    std::vector<Busy> of_patient;
    for (Provider &p : c.diary.providers) {
        std::vector<Busy> list;
        const Duration length = p.duration.value_or(c.service().duration);
        for (std::int64_t n = below(12); n > 0; --n) {
            Busy b = random_claim();
            const bool seat = chance(50); // of a session as the service would make it
            if (seat) {
                b.visit = {instant(), {}};
                if (chance(50) && !list.empty())
                    b.visit.begin = list.back().visit.begin;
                b.visit.end = b.visit.begin + length;
                b.during = b.visit;
                b.capacity = c.service().capacity;
                b.service = exam;
            }
            list.push_back(b);
            if (b.kind != ClaimKind::offer)
                p.visits.push_back({b.visit.begin, b.service, b.location ? b.location : here, b.appointment});
            for (std::vector<Busy> &room : of_room)
                if (chance(25)) {
                    b.claim = next_id();
                    b.capacity = std::max(1, static_cast<std::int32_t>(b.capacity * (1 + below(2))));
                    room.push_back(b);
                }
            if (c.diary.patient && chance(seat ? 40 : 15)) {
                b.claim = next_id();
                of_patient.push_back(b);
            }
        }
        p.busy = BusyList(std::move(list));
        for (std::int64_t n = below(4); n > 0; --n)
            p.visits.push_back({instant() + hm(24 * (below(9) - 4)), chance(50) ? exam : other_service, here, next_id()});
    }
    for (std::size_t i = 0; i < of_room.size(); ++i) {
        for (std::int64_t n = below(3); n > 0; --n)
            of_room[i].push_back(random_claim());
        c.diary.resources[i].busy = BusyList(std::move(of_room[i]));
    }
    if (c.diary.patient)
        c.diary.patient->busy = BusyList(std::move(of_patient));
}

void Generator::request(Clinic &c) {
    if (chance(15))
        c.request.duration = ticks(1, 20);
    if (chance(10))
        c.request.buffer_before = ticks(0, 3);
    if (chance(10))
        c.request.buffer_after = ticks(0, 3);
    for (const Resource &r : c.diary.resources)
        if (chance(10))
            c.request.named_resources.push_back(r.id);
    for (const Provider &p : c.diary.providers)
        for (const Busy &b : p.busy.claims())
            if (chance(5))
                c.request.ignored.push_back(b.appointment);
    c.request.override_rules = chance(10);
    c.request.overbook = chance(10);
}

Clinic Generator::clinic() {
    Clinic c;
    // Ordinary days, and those on which a clock changes.
    first_ = pick({day(2026, 6, 3), day(2026, 3, 7), day(2026, 10, 31), day(2026, 4, 4), day(2026, 10, 3), day(2026, 3, 28)});
    c.range = {Instant{at(first_).micros}, Instant{at(first_ + 2).micros}};
    c.diary.now = c.range.begin - ticks(0, 600);
    if (chance(30))
        c.diary.now = instant() + Duration{below(3) - 1};
    c.diary.tenant.active = !chance(2);
    c.diary.tenant.buffers = {ticks(0, 1), ticks(0, 1)};
    c.diary.tenant.patient_overlap = pick({PatientOverlap::forbid, PatientOverlap::warn, PatientOverlap::allow});
    c.diary.tenant.allow_several_seats = chance(50);
    c.diary.locations = {{here, !chance(3), zone()}, {there, true, zone()}};
    Service &s = c.service();
    s.id = chance(95) ? exam : Id{};
    s.active = !chance(2);
    s.duration = ticks(1, 14);
    s.min_duration = chance(50) ? s.duration : ticks(1, 4);
    s.max_duration = s.duration + (chance(50) ? Duration{0} : ticks(0, 10));
    s.step = pick({minutes(5), minutes(15), minutes(25), minutes(30), minutes(45), minutes(60)});
    s.anchor = chance(70) ? Anchor::window : Anchor::midnight;
    s.buffers = chance(50) ? Buffers{} : Buffers{ticks(0, 3), ticks(0, 3)};
    s.buffers_inside_hours = chance(25);
    s.lead_time = chance(60) ? Duration{0} : ticks(0, 300);
    s.same_day = !chance(20);
    if (chance(25))
        s.horizon_days = static_cast<std::int32_t>(below(4));
    s.capacity = static_cast<std::int32_t>(pick({1, 1, 1, 2, 3}));
    if (chance(15))
        s.max_per_day = static_cast<std::int32_t>(below(4));
    if (chance(15))
        s.max_per_week = static_cast<std::int32_t>(below(6));
    if (chance(40))
        c.diary.patient = Patient{pat, !chance(3), {}};
    if (chance(30))
        c.diary.travel = {{{here, there}, ticks(1, 12)}, {{there, here}, ticks(1, 12)}};
    people(c);
    rooms(c);
    claims(c);
    request(c);
    return c;
}

std::string text(const std::vector<std::string> &reasons) {
    std::string joined;
    for (const std::string &r : reasons)
        joined += r + " ";
    return joined;
}

std::string text(const Verdict &v) {
    std::vector<std::string> names;
    for (const Finding &f : v.findings)
        names.emplace_back(name_of(f.reason));
    return text(names);
}

std::string clock(Instant t) {
    const Day d = date_of(LocalTime{t.micros});
    const CivilDate date = to_civil(d);
    const std::int64_t minute = time_of_day(LocalTime{t.micros}).micros / micros_per_minute;
    std::ostringstream out;
    out << date.year << "-" << date.month << "-" << date.day << " " << minute / 60 << ":" << minute % 60 << "Z";
    return out.str();
}

struct Statistics {
    std::int64_t starts = 0, free = 0;
    std::map<std::string, std::int64_t> reasons;
};

// Judges every start on the lattice with both, and compares what find gives.
void compare(const Clinic &c, Statistics &statistics) {
    Work work;
    const Kernel kernel(c.diary, c.request, c.range, work);
    Model model(c.diary, c.request, c.range);
    std::set<std::tuple<Instant, Id, Id, std::int32_t>> expected;
    for (std::size_t p = 0; p < c.diary.providers.size(); ++p)
        for (const Location &location : c.diary.locations)
            for (Instant t = c.range.begin; t < c.range.end; t.micros += tick) {
                const Verdict all = kernel.judge(p, location.id, t, true);
                const Verdict first = kernel.judge(p, location.id, t, false);
                const ModelVerdict model_all = model.judge(p, location, t.micros);
                ASSERT_EQ(text(all), text(model_all.reasons)) << clock(t) << " provider " << p << " at " << (location.id == here);
                ASSERT_EQ(first.findings.size(), all.findings.empty() ? 0U : 1U);
                ASSERT_TRUE(all.free() || (first.findings[0].reason == all.findings[0].reason &&
                                           first.findings[0].source.id == all.findings[0].source.id))
                    << clock(t);
                ASSERT_TRUE(std::is_sorted(all.findings.begin(), all.findings.end(), [](const Finding &a, const Finding &b) {
                    return a.reason < b.reason;
                })) << text(all);
                ASSERT_EQ(all.remaining, model_all.remaining) << clock(t) << " " << text(all);
                ASSERT_EQ(all.patient_overlaps, model_all.patient_overlaps);
                ++statistics.starts;
                for (const std::string &reason : model_all.reasons)
                    ++statistics.reasons[reason];
                if (!all.free())
                    continue;
                ASSERT_EQ(all.resources, model_all.resources) << clock(t);
                ASSERT_EQ(first.resources, all.resources);
                ASSERT_EQ(first.remaining, all.remaining);
                ++statistics.free;
                expected.emplace(t, c.diary.providers[p].id, location.id, all.remaining);
            }
    std::set<std::tuple<Instant, Id, Id, std::int32_t>> found;
    const std::vector<Slot> slots = kernel.find();
    for (const Slot &s : slots)
        found.emplace(s.visit.begin, s.provider, s.location, s.remaining);
    ASSERT_EQ(found.size(), slots.size());
    ASSERT_TRUE(found == expected) << found.size() << " slots found, " << expected.size() << " expected";
    ASSERT_TRUE(std::is_sorted(slots.begin(), slots.end(), [](const Slot &a, const Slot &b) {
        return std::tie(a.visit.begin, a.provider, a.location) < std::tie(b.visit.begin, b.provider, b.location);
    }));
    for (const std::size_t rows : {std::size_t{1}, std::size_t{7}}) {
        const std::vector<Slot> some = kernel.find(rows);
        ASSERT_EQ(some.size(), std::min(rows, slots.size()));
        for (std::size_t i = 0; i < some.size(); ++i)
            ASSERT_TRUE(some[i].visit == slots[i].visit && some[i].provider == slots[i].provider &&
                        some[i].location == slots[i].location);
    }
    const auto first = kernel.first_of_each();
    for (std::size_t p = 0; p < first.size(); ++p) {
        const auto it = std::find_if(slots.begin(), slots.end(),
                                     [&](const Slot &s) { return s.provider == c.diary.providers[p].id; });
        ASSERT_EQ(first[p].has_value(), it != slots.end());
        ASSERT_TRUE(!first[p] || (first[p]->visit == it->visit && first[p]->location == it->location));
    }
}

} // namespace

TEST(KernelOracle, AgreesWithTheModelOnRandomClinics) {
    Statistics statistics;
    for (unsigned seed = 1; seed <= 600 && !HasFatalFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        compare(Generator(seed).clinic(), statistics);
    }
    // The clinics are worth nothing if they never come to a point.
    EXPECT_GT(statistics.free, statistics.starts / 100);
    for (const char *reason :
         {"not_found", "inactive", "in_past", "lead_time", "horizon", "closed_on_date", "outside_hours", "window_too_short",
          "bad_duration", "off_grid", "blocked", "held", "slot_taken", "full", "no_resource", "patient_conflict", "duplicate",
          "limit"})
        EXPECT_GT(statistics.reasons[reason], 50) << reason;
}

} // namespace pg_clinic::core::test
