#include "support/random_clinic.hpp"

#include <algorithm>

namespace pg_clinic::core::test {

HoursBook ClinicGenerator::book(bool provider) {
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

std::vector<Block> ClinicGenerator::blocks(int percent) {
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

Busy ClinicGenerator::random_claim() {
    Busy b =
        claim(0, instant(), ticks(1, 14), static_cast<std::int32_t>(pick({1, 1, 2, 3, 4})),
              pick({ClaimKind::booking, ClaimKind::booking, ClaimKind::pending, ClaimKind::hold, ClaimKind::offer}));
    b.claim = next_id();
    b.appointment = b.kind == ClaimKind::booking ? next_id() : Id{};
    b.during = {b.visit.begin - ticks(0, 2), b.visit.end + ticks(0, 2)};
    b.service = chance(60) ? exam : other_service;
    b.location = pick({here, here, there, Id{}});
    return b;
}

void ClinicGenerator::people(Clinic &c) {
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

void ClinicGenerator::rooms(Clinic &c) {
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

void ClinicGenerator::claims(Clinic &c) {
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
            p.visits.push_back(
                {instant() + hm(24 * (below(9) - 4)), chance(50) ? exam : other_service, here, next_id()});
    }
    for (std::size_t i = 0; i < of_room.size(); ++i) {
        for (std::int64_t n = below(3); n > 0; --n)
            of_room[i].push_back(random_claim());
        c.diary.resources[i].busy = BusyList(std::move(of_room[i]));
    }
    if (c.diary.patient)
        c.diary.patient->busy = BusyList(std::move(of_patient));
}

void ClinicGenerator::request(Clinic &c) {
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

Clinic ClinicGenerator::clinic() {
    Clinic c;
    // Ordinary days, and those on which a clock changes.
    first_ = pick(
        {day(2026, 6, 3), day(2026, 3, 7), day(2026, 10, 31), day(2026, 4, 4), day(2026, 10, 3), day(2026, 3, 28)});
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
        c.diary.patient = Patient{pat, !chance(3), {}, chance(3)};
    if (chance(30))
        c.diary.travel = {{{here, there}, ticks(1, 12)}, {{there, here}, ticks(1, 12)}};
    people(c);
    rooms(c);
    claims(c);
    request(c);
    return c;
}

} // namespace pg_clinic::core::test
