// Rooms that others make free: the kernel against all assignments, tried one by one on a lattice of five minutes.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/clinic.hpp"
#include "support/diary_model.hpp"
#include "support/rounds.hpp"

namespace pg_clinic::core::test {

namespace {

class MoverTable final : public Movers {
  public:
    std::optional<Mover> behind(const Busy &claim, const Id &) const override {
        const auto it = by_appointment.find(claim.appointment);
        return it == by_appointment.end() ? std::nullopt : std::optional(it->second);
    }
    std::map<Id, Mover> by_appointment;
};

Instant june(int h, int m = 0) { return utc(2026, 6, 1, h, m); }

struct Pools : Clinic {
    std::shared_ptr<MoverTable> table = std::make_shared<MoverTable>();

    Pools() {
        service().required = {{"room", 1}};
        diary.movers = table;
    }
    // Somebody else's visit in a room, chosen by the engine or not.
    void stands(Resource &room, std::uint32_t n, Instant start, Duration length, bool movable = true,
                std::int32_t capacity = 1) {
        Busy b = claim(n, start, length, capacity * room.quantity);
        b.service = other_service;
        b.location = here;
        std::vector<Busy> all = room.busy.claims();
        all.push_back(b);
        room.busy = BusyList(std::move(all));
        Mover &m = table->by_appointment[b.appointment];
        m.movable = movable;
        m.provider = boris;
        m.capacity = capacity;
    }
};

std::vector<Id> ids(std::initializer_list<std::uint32_t> list) {
    std::vector<Id> all;
    for (const std::uint32_t n : list)
        all.push_back(id(n));
    return all;
}

} // namespace

TEST(KernelPool, OneMakesRoomForAnother) {
    Pools c;
    c.service().duration = c.service().min_duration = c.service().max_duration = hm(2);
    c.add_room(60);
    c.add_room(61);
    c.stands(c.diary.resources[0], 70, june(9), hm(1));
    c.stands(c.diary.resources[1], 71, june(10), hm(1));
    EXPECT_EQ(c.why(june(9)), "") << "one of the two goes to the other's room";
    const Verdict v = c.judge(june(9));
    ASSERT_EQ(v.moves.size(), 1U);
    EXPECT_EQ(v.moves[0].appointment, id(100'070));
    EXPECT_EQ(v.moves[0].to, id(61));
    EXPECT_EQ(v.resources, ids({60}));
    EXPECT_EQ(v.remaining, 1);
    EXPECT_TRUE(c.offers(june(9)));
    c.table->by_appointment[id(100'070)].movable = false;
    EXPECT_EQ(c.judge(june(9)).moves[0].appointment, id(100'071)) << "the other one then";
    c.table->by_appointment[id(100'071)].movable = false;
    EXPECT_EQ(c.why(june(9)), "no_resource");
    EXPECT_FALSE(c.offers(june(9)));
}

TEST(KernelPool, ARoomThatIsFreeNeedsNoMove) {
    Pools c;
    c.add_room(60);
    c.add_room(61);
    c.stands(c.diary.resources[0], 70, june(9), hm(1));
    EXPECT_TRUE(c.judge(june(9)).moves.empty());
    EXPECT_EQ(c.judge(june(9)).resources, ids({61}));
}

TEST(KernelPool, NobodyIsMovedOutOfHoursOrUnderABlock) {
    Pools c;
    c.add_room(60);
    c.add_room(61);
    c.request.named_resources = ids({60});
    c.stands(c.diary.resources[0], 70, june(9), hm(1));
    EXPECT_EQ(c.why(june(9)), "") << "what was named must not move, what stands there may";
    c.diary.resources[1].hours.rules = {hours(62, here, hm(9, 30), hm(12))};
    EXPECT_EQ(c.why(june(9)), "no_resource");
    c.diary.resources[1].hours.rules[0].window.start = hm(9);
    EXPECT_EQ(c.why(june(9)), "");
    c.diary.resources[1].hours.rules[0].services = {exam};
    EXPECT_EQ(c.why(june(9)), "no_resource") << "open, but not for that service";
    c.diary.resources[1].hours = {};
    c.diary.resources[1].blocks = {block_span(90, {june(9, 45), june(10)})};
    EXPECT_EQ(c.why(june(9)), "no_resource");
    c.diary.resources[1].blocks[0].services = {exam};
    EXPECT_EQ(c.why(june(9)), "");
    c.diary.resources[1].active = false;
    EXPECT_EQ(c.why(june(9)), "no_resource");
}

TEST(KernelPool, SessionsMoveAsAWhole) {
    Pools c;
    c.add_room(60);
    c.add_room(61);
    c.request.named_resources = ids({60});
    c.stands(c.diary.resources[0], 70, june(9), hm(1), true, 5);
    c.stands(c.diary.resources[0], 71, june(9), hm(1), true, 5);
    EXPECT_EQ(c.judge(june(9)).moves.size(), 2U);
    EXPECT_EQ(c.judge(june(9)).moves[0].to, id(61));
    EXPECT_EQ(c.judge(june(9)).moves[1].to, id(61));
    c.table->by_appointment[id(100'071)].movable = false;
    EXPECT_EQ(c.why(june(9)), "no_resource") << "one seat's room was named: all stay";
}

TEST(KernelPool, OverbookingComesAfterMaking) {
    Pools c;
    c.request.overbook = true;
    c.service().duration = c.service().min_duration = c.service().max_duration = hm(2);
    c.add_room(60);
    c.add_room(61);
    c.stands(c.diary.resources[0], 70, june(9), hm(1));
    c.stands(c.diary.resources[1], 71, june(10), hm(1));
    EXPECT_EQ(c.judge(june(9)).overbooked, ids({}));
    EXPECT_EQ(c.judge(june(9)).moves.size(), 1U);
    c.stands(c.diary.resources[1], 72, june(9), hm(1));
    EXPECT_EQ(c.judge(june(9)).moves.size(), 0U);
    EXPECT_EQ(c.judge(june(9)).overbooked.size(), 1U);
}

TEST(KernelPool, PartiesAreAllOrNothing) {
    Clinic c;
    c.service().capacity = 5;
    c.service().required = {{"room", 1}};
    c.add_room(60);
    Busy b = claim(70, june(9), minutes(30), 5);
    b.seats = 3;
    b.service = exam;
    c.provider().busy = BusyList({b});
    c.diary.resources[0].busy = BusyList({b});
    EXPECT_EQ(c.judge(june(9)).remaining, 2);
    c.request.seats = 2;
    EXPECT_EQ(c.why(june(9)), "");
    c.request.seats = 3;
    EXPECT_EQ(c.why(june(9)), "full no_resource");
    EXPECT_EQ(c.why(june(10)), "");
    EXPECT_EQ(c.judge(june(10)).remaining, 5);
    c.request.seats = 6;
    EXPECT_EQ(c.why(june(10)), "full no_resource") << "more than the service ever takes";
    c.request.seats = 5;
    c.provider().max_per_day = 1;
    EXPECT_EQ(c.why(june(10)), "") << "limits count visits, not seats";
    EXPECT_EQ(c.judge(june(10)).remaining, 5);
}

namespace {

// A pool at random, and what there is to know of it.
struct RandomPool {
    Pools clinic;
    std::vector<Busy> movable, fixed;
    std::vector<std::size_t> home_of_movable, room_of_fixed;
};

class PoolClinic {
  public:
    explicit PoolClinic(unsigned seed) : random_(seed) {}

    RandomPool make() {
        RandomPool p;
        Pools &c = p.clinic;
        c.service().duration = c.service().min_duration = c.service().max_duration = minutes(5 * (2 + below(10)));
        c.service().step = minutes(5);
        c.service().buffers = {minutes(5 * below(2)), minutes(5 * below(2))};
        c.service().buffers_inside_hours = chance(20);
        c.service().required[0].second = chance(15) ? 2 : 1;
        c.diary.tenant.buffers = {minutes(5 * below(2)), minutes(0)};
        const int rooms = 1 + below(4);
        for (int n = 0; n < rooms; ++n) {
            Resource &r = c.add_room(static_cast<std::uint32_t>(60 + n));
            r.quantity = chance(20) ? 2 : 1;
            r.active = !chance(5);
            r.buffers = {minutes(5 * below(2)), minutes(5 * below(3))};
            if (chance(25))
                r.hours.rules = {hours(static_cast<std::uint32_t>(500 + n), here, hm(9) + minutes(5 * below(12)),
                                       hm(11) + minutes(5 * below(12)))};
            if (chance(25)) {
                const Instant begin = june(9) + minutes(5 * below(36));
                r.blocks = {
                    block_span(static_cast<std::uint32_t>(600 + n), {begin, begin + minutes(5 * (1 + below(6)))})};
                if (chance(30))
                    r.blocks[0].services = {chance(50) ? exam : other_service};
            }
        }
        for (int n = below(6); n > 0; --n)
            visit(p, static_cast<std::uint32_t>(700 + n), chance(20));
        return p;
    }

  private:
    int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
    bool chance(int percent) { return below(100) < percent; }

    // Lays a visit of another service wherever there is room at present.
    void visit(RandomPool &p, std::uint32_t n, bool fixed) {
        Pools &c = p.clinic;
        const Buffers of_service{minutes(5 * below(3)), minutes(0)};
        const Instant start = june(9) + minutes(5 * below(30));
        const Duration length = minutes(5 * (2 + below(8)));
        const int first = below(static_cast<int>(c.diary.resources.size()));
        for (std::size_t k = 0; k < c.diary.resources.size(); ++k) {
            const std::size_t r = (static_cast<std::size_t>(first) + k) % c.diary.resources.size();
            Resource &room = c.diary.resources[r];
            Busy b = claim(n, start, length, room.quantity);
            b.service = other_service;
            const Buffers &t = c.diary.tenant.buffers;
            b.during = {start - std::max({t.before, of_service.before, room.buffers.before}),
                        start + length + std::max({t.after, of_service.after, room.buffers.after})};
            if (!fit_claim(room.busy, b.during, b.capacity, {}, true).fits)
                continue;
            std::vector<Busy> all = room.busy.claims();
            all.push_back(b);
            room.busy = BusyList(std::move(all));
            Mover &m = c.table->by_appointment[b.appointment];
            m.movable = !fixed;
            m.provider = boris;
            m.service_buffers = of_service;
            m.buffers_inside_hours = c.diary.service.buffers_inside_hours;
            (fixed ? p.fixed : p.movable).push_back(b);
            (fixed ? p.room_of_fixed : p.home_of_movable).push_back(r);
            return;
        }
    }

    std::mt19937_64 random_;
};

// Whether a visit may be in a room if nobody else were, by looking at every tick; and the time that it takes there.
struct Stay {
    bool may = true;
    std::int64_t begin = 0, end = 0;
};
Stay stay_in(const Pools &c, const Resource &r, Instant start, Instant end, const Buffers &service, const Id &which,
             bool inside) {
    const Buffers &t = c.diary.tenant.buffers;
    Stay s;
    s.begin = start.micros - std::max({t.before, service.before, r.buffers.before}).micros;
    s.end = end.micros + std::max({t.after, service.after, r.buffers.after}).micros;
    s.may = r.active;
    for (std::int64_t at = s.begin; at < s.end; at += tick) {
        const bool counts = inside || (start.micros <= at && at < end.micros);
        const std::int64_t time = at - june(0).micros;
        if (counts && !r.hours.rules.empty() &&
            (time < r.hours.rules[0].window.start.micros || time >= r.hours.rules[0].window.end.micros))
            s.may = false;
        for (const Block &b : r.blocks)
            if (b.span.begin.micros <= at && at < b.span.end.micros && (b.services.empty() || b.services[0] == which))
                s.may = false;
    }
    return s;
}

// The fewest moves with which the visit finds its rooms; nothing when it cannot.
std::optional<int> fewest_moves(const RandomPool &p, Instant start) {
    const Pools &c = p.clinic;
    const auto &rooms = c.diary.resources;
    const std::size_t needed = static_cast<std::size_t>(c.diary.service.required[0].second);
    const std::size_t count = p.movable.size() + needed;
    std::vector<std::vector<Stay>> stays(count);
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t r = 0; r < rooms.size(); ++r) {
            if (i >= p.movable.size()) {
                stays[i].push_back(stay_in(c, rooms[r], start, start + c.diary.service.duration,
                                           c.diary.service.buffers, exam, c.diary.service.buffers_inside_hours));
                continue;
            }
            const Busy &b = p.movable[i];
            const Mover &m = c.table->by_appointment.at(b.appointment);
            stays[i].push_back(stay_in(c, rooms[r], b.visit.begin, b.visit.end, m.service_buffers, other_service,
                                       m.buffers_inside_hours));
            if (r == p.home_of_movable[i])
                stays[i][r].may = true;
        }
    std::optional<int> best;
    std::vector<std::size_t> at(count, 0);
    for (;;) {
        bool good = true;
        int moves = 0;
        for (std::size_t i = 0; i < count; ++i) {
            good = good && stays[i][at[i]].may;
            moves += i < p.movable.size() && at[i] != p.home_of_movable[i] ? 1 : 0;
            if (i > p.movable.size() && at[i] == at[i - 1])
                good = false;
        }
        for (std::size_t r = 0; good && r < rooms.size(); ++r)
            for (std::int64_t t = june(7).micros; good && t < june(15).micros; t += tick) {
                int there = 0;
                for (std::size_t i = 0; i < count; ++i)
                    there += at[i] == r && stays[i][r].begin <= t && t < stays[i][r].end ? 1 : 0;
                for (std::size_t i = 0; i < p.fixed.size(); ++i)
                    there += p.room_of_fixed[i] == r && p.fixed[i].during.contains(Instant{t}) ? 1 : 0;
                good = there <= rooms[r].quantity;
            }
        if (good && (!best || moves < *best))
            best = moves;
        std::size_t i = 0;
        while (i < count && ++at[i] == rooms.size())
            at[i++] = 0;
        if (i == count)
            return best;
    }
}

} // namespace

TEST(KernelPool, AcceptsWhatSomeAssignmentFits) {
    int accepted = 0, by_moves = 0, refused = 0;
    for (unsigned seed = 1; seed <= static_cast<unsigned>(pg_clinic::test::rounds(300)); ++seed) {
        const RandomPool p = PoolClinic(seed).make();
        Work work;
        const Kernel kernel(p.clinic.diary, p.clinic.request, p.clinic.range, work);
        const std::vector<Slot> slots = kernel.find();
        const Duration length = p.clinic.diary.service.duration;
        const Buffers around = p.clinic.diary.service.buffers_inside_hours ? kernel.provider_buffers(0) : Buffers{};
        for (Instant t = june(9, static_cast<int>(seed % 12) * 5); t <= june(12) - length; t = t + minutes(35)) {
            if (t - around.before < june(9) || t + length + around.after > june(12))
                continue;
            const std::optional<int> fewest = fewest_moves(p, t);
            const Verdict v = kernel.judge(0, here, t, true);
            ASSERT_EQ(v.free(), fewest.has_value()) << "seed " << seed << " " << (t - june(0)).micros / 60'000'000;
            ASSERT_EQ(std::any_of(slots.begin(), slots.end(), [t](const Slot &s) { return s.visit.begin == t; }),
                      v.free());
            if (!v.free()) {
                ++refused;
                continue;
            }
            ASSERT_EQ(static_cast<int>(v.moves.size()), *fewest) << "seed " << seed;
            ++accepted;
            by_moves += *fewest > 0 ? 1 : 0;
        }
    }
    EXPECT_GT(accepted, 200);
    EXPECT_GT(refused, 100);
    EXPECT_GT(by_moves, 10);
}

} // namespace pg_clinic::core::test
