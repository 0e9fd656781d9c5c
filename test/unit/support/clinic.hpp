// A clinic built by hand, for the tests of the kernel: short names for dates, zones with tables of their own, and
// a diary with one location, one provider and one service to start from.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/diary.hpp"
#include "core/kernel.hpp"
#include "core/zone.hpp"

namespace pg_clinic::core::test {

inline Id id(std::uint32_t n) {
    Id i;
    for (int k = 0; k < 4; ++k)
        i.bytes[static_cast<std::size_t>(15 - k)] = static_cast<std::uint8_t>(n >> (8 * k));
    return i;
}

inline Day day(int y, int m, int d) { return to_day({y, m, d}); }
inline Duration hm(int h, int m = 0) { return minutes(h * 60 + m); }
inline Instant utc(int y, int m, int d, int h = 0, int mi = 0) { return Instant{at(day(y, m, d), hm(h, mi)).micros}; }
inline Instant local(const Zone &zone, int y, int m, int d, int h = 0, int mi = 0) {
    return bound_instant(zone, at(day(y, m, d), hm(h, mi)));
}

// A zone of a few transitions, each with the offset that holds from then on.
class TableZone final : public Zone {
  public:
    TableZone(std::int32_t first_seconds, std::vector<std::pair<Instant, std::int32_t>> changes)
        : first_(first_seconds), changes_(std::move(changes)) {}
    ZoneSpan span_at(Instant t) const override {
        ZoneSpan span{instant_min, instant_max, first_};
        for (const auto &[begin, offset] : changes_) {
            if (t < begin) {
                span.end = begin;
                break;
            }
            span.begin = begin;
            span.offset_seconds = offset;
        }
        return span;
    }

  private:
    std::int32_t first_;
    std::vector<std::pair<Instant, std::int32_t>> changes_;
};

inline const Zone &utc_zone() {
    static const FixedZone zone(0);
    return zone;
}
inline const Zone &tokyo() {
    static const FixedZone zone(9 * 3600);
    return zone;
}
inline const Zone &new_york() {
    static const TableZone zone(-5 * 3600, {{utc(2026, 3, 8, 7), -4 * 3600},
                                            {utc(2026, 11, 1, 6), -5 * 3600},
                                            {utc(2027, 3, 14, 7), -4 * 3600},
                                            {utc(2027, 11, 7, 6), -5 * 3600}});
    return zone;
}
inline const Zone &berlin() {
    static const TableZone zone(
        3600, {{utc(2026, 3, 29, 1), 7200}, {utc(2026, 10, 25, 1), 3600}, {utc(2027, 3, 28, 1), 7200}});
    return zone;
}
inline const Zone &lord_howe() { // half an hour of summer time
    static const TableZone zone(
        39600, {{utc(2026, 4, 4, 15), 37800}, {utc(2026, 10, 3, 15, 30), 39600}, {utc(2027, 4, 3, 15), 37800}});
    return zone;
}
inline const Zone &apia() { // had no 30 December 2011
    static const TableZone zone(-10 * 3600, {{utc(2011, 12, 30, 10), 14 * 3600}});
    return zone;
}

inline RRule daily(int interval = 1) {
    RRule r;
    r.freq = Frequency::daily;
    r.interval = interval;
    return r;
}
inline RRule weekly(std::initializer_list<Weekday> days, int interval = 1) {
    RRule r;
    r.freq = Frequency::weekly;
    r.interval = interval;
    for (Weekday d : days)
        r.by_day.push_back({0, d});
    return r;
}

inline HoursRule hours(std::uint32_t n, Id location, Duration start, Duration end, const Zone &zone = utc_zone(),
                       RRule rule = daily()) {
    HoursRule h;
    h.id = id(n);
    h.location = location;
    h.rule = std::move(rule);
    h.dtstart = day(2026, 1, 1);
    h.valid_from = day(2026, 1, 1);
    h.window = {start, end};
    h.zone = &zone;
    return h;
}

inline DateOverride closed_on(std::uint32_t n, Day on, Id location = {}) {
    DateOverride o;
    o.id = id(n);
    o.on = on;
    o.location = location;
    return o;
}
inline DateOverride open_on(std::uint32_t n, Day on, Id location, Duration start, Duration end,
                            const Zone &zone = utc_zone()) {
    DateOverride o;
    o.id = id(n);
    o.on = on;
    o.location = location;
    o.open = true;
    o.window = {start, end};
    o.zone = &zone;
    return o;
}

inline Block block_span(std::uint32_t n, Interval span) {
    Block b;
    b.id = id(n);
    b.span = span;
    return b;
}

inline Busy claim(std::uint32_t n, Instant start, Duration length, std::int32_t capacity = 1,
                  ClaimKind kind = ClaimKind::booking) {
    Busy b;
    b.visit = b.during = {start, start + length};
    b.kind = kind;
    b.capacity = capacity;
    b.claim = id(n);
    b.appointment = kind == ClaimKind::booking ? id(100'000 + n) : Id{};
    return b;
}

inline const Id here = id(10), there = id(11);
inline const Id exam = id(20), other_service = id(21);
inline const Id anna = id(30), boris = id(31);
inline const Id pat = id(40);

// Monday 2026-06-01 to Sunday: hours 9 to 12 daily, service of 30 minutes on a grid of 30.
struct Clinic {
    Diary diary;
    Request request;
    Interval range{utc(2026, 6, 1), utc(2026, 6, 2)};

    Clinic() {
        diary.now = utc(2026, 1, 1);
        diary.tenant.id = id(1);
        diary.service.id = exam;
        diary.service.duration = diary.service.min_duration = diary.service.max_duration = minutes(30);
        diary.service.step = minutes(30);
        diary.locations = {{here, true, &utc_zone()}, {there, true, &utc_zone()}};
        add_provider(anna).hours.rules = {hours(50, here, hm(9), hm(12))};
    }

    Provider &add_provider(Id who) {
        Provider p;
        p.id = who;
        p.zone = &utc_zone();
        diary.providers.push_back(p);
        return diary.providers.back();
    }
    Provider &provider() { return diary.providers.front(); }
    Service &service() { return diary.service; }
    Resource &add_room(std::uint32_t n, const std::string &resource_class = "room") {
        Resource r;
        r.id = id(n);
        r.resource_class = resource_class;
        r.location = here;
        diary.resources.push_back(r);
        return diary.resources.back();
    }
    void only_location(const Zone &zone) {
        diary.locations = {{here, true, &zone}};
        provider().zone = &zone;
    }

    std::vector<Slot> find(std::optional<std::size_t> max_rows = std::nullopt) const {
        Work work;
        return Kernel(diary, request, range, work).find(max_rows);
    }
    std::vector<Instant> starts() const {
        std::vector<Instant> result;
        for (const Slot &s : find())
            result.push_back(s.visit.begin);
        return result;
    }
    bool offers(Instant t) const {
        const std::vector<Instant> all = starts();
        return std::find(all.begin(), all.end(), t) != all.end();
    }
    Verdict judge(Instant t, Id location = here, std::size_t who = 0, bool all = true) const {
        Work work;
        return Kernel(diary, request, range, work).judge(who, location, t, all);
    }
    std::string why(Instant t, Id location = here, std::size_t who = 0) const { // all reasons, in order
        std::string text;
        for (const Finding &f : judge(t, location, who).findings)
            text += (text.empty() ? "" : " ") + std::string(name_of(f.reason));
        return text;
    }
    std::vector<std::string> standing(Instant t) const {
        Work work;
        const Kernel kernel(diary, request, range, work);
        std::vector<std::string> names;
        for (const Finding &f : kernel.standing(kernel.judge(0, here, t, true)))
            names.emplace_back(name_of(f.reason));
        return names;
    }
};

} // namespace pg_clinic::core::test
