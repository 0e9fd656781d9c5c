#include "support/diary_model.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

namespace pg_clinic::core::test {

namespace {

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

struct ModelWindow {
    std::int64_t begin, end;
    Id location, made_by;
    const Zone *zone;
    bool closed = false;
    ServiceFilter services;
    std::optional<std::int32_t> most;
};

} // namespace

class DiaryModel::Model {
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
                result.push_back(
                    {0, 0, r.location, r.id, zone_of(book, date, r.zone), closed, r.services, r.max_appointments});
                bounds(result.back(), date, r.window);
            }
            for (const DateOverride &o : book.overrides) {
                if (!o.open || o.on.days != date)
                    continue;
                const bool closed = !o.works_on_holidays && holiday(book, o.location, date);
                result.push_back(
                    {0, 0, o.location, o.id, zone_of(book, date, o.zone), closed, o.services, o.max_appointments});
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
    bool closed_at(std::size_t p, const Id &location, std::int64_t t) const {
        return closed_.at({p, location})[index(t)];
    }
    // Whether the provider is at the location, for whatever service.
    bool present_at(std::size_t p, const Id &location, std::int64_t t) const {
        return present_.at({p, location})[index(t)];
    }

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
            bounds(w, date, b.form == Block::Form::dates ? WallWindow{{}, {micros_per_day}} : b.window);
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
        v_.remaining =
            static_cast<std::int32_t>(std::min<std::int64_t>(v_.remaining, std::max<std::int64_t>(0, remaining)));
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

ModelVerdict DiaryModel::Model::judge(std::size_t provider, const Location &location, std::int64_t start) {
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
    if (d_.patient && d_.patient->missed_too_many && q_.ignored.empty())
        say("no_show_policy");
    if (!v_.reasons.empty())
        v_.remaining = 0;
    std::sort(v_.resources.begin(), v_.resources.end());
    return v_;
}

void DiaryModel::Model::hours(std::size_t p, const Location &location) {
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
        for (std::int64_t t = start_; open_at(p, location.id, t) && open_around < needed_end_ - needed_begin_;
             t += tick)
            open_around += tick;
        for (std::int64_t t = start_ - tick; open_at(p, location.id, t) && open_around < needed_end_ - needed_begin_;
             t -= tick)
            open_around += tick;
    }
    say(open_around > 0 && open_around < needed_end_ - needed_begin_ ? "window_too_short" : "outside_hours");
}

void DiaryModel::Model::grid(std::size_t p, const Location &location) {
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

void DiaryModel::Model::blocks(std::size_t p, const Location &location) {
    const Provider &provider = d_.providers[p];
    for (std::int64_t t = busy_begin_; t < busy_end_; t += tick)
        if (blocked_at(provider.blocks, location.id, t))
            return say("blocked");
    // On the way: hours elsewhere ended less than the drive ago when the hours here began, and nothing was open
    // here between.
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

void DiaryModel::Model::overlap(std::size_t p, const Location &location) {
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

void DiaryModel::Model::rooms(const Provider &p, const Location &location) {
    for (const auto &required : d_.service.required) {
        const auto &resource_class = required.first; // named one by one: clang 14 captures no structured bindings
        const auto needed = required.second;
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
            std::sort(rooms.begin(), rooms.end(),
                      [](const Room &a, const Room &b) { return a.remaining > b.remaining; });
            if (rooms[static_cast<std::size_t>(needed - 1)].remaining <= 0 || bookings > 1000)
                break;
            for (std::int32_t i = 0; i < needed; ++i)
                --rooms[static_cast<std::size_t>(i)].remaining;
        }
        leave(bookings);
    }
}

void DiaryModel::Model::patient(const Provider &p) {
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

void DiaryModel::Model::limits(const Provider &p) {
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
    const auto left = [](std::optional<std::int32_t> most, std::int64_t count) {
        return most ? *most - count : 1'000'000;
    };
    const std::int64_t of_service =
        std::min(left(d_.service.max_per_day, service_on_day), left(d_.service.max_per_week, service_in_week));
    const std::int64_t of_provider = std::min(left(p.max_per_day, on_day), left(p.max_per_week, in_week));
    for (const std::int64_t l : {of_service, of_provider})
        if (l <= 0)
            say("limit");
    leave(std::min(of_service, of_provider));
}

DiaryModel::DiaryModel(const Diary &diary, const Request &request, const Interval &range)
    : model_(std::make_unique<Model>(diary, request, range)) {}

DiaryModel::~DiaryModel() = default;

ModelVerdict DiaryModel::judge(std::size_t provider, const Location &location, Instant start) {
    return model_->judge(provider, location, start.micros);
}

} // namespace pg_clinic::core::test
