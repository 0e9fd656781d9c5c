#include "core/room_pool.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "core/site.hpp"

namespace pg_clinic::core {

namespace {

constexpr Duration one_day{micros_per_day};

// Claims that move together: that of an appointment, or those of a session's seats on one resource.
struct Unit {
    std::vector<const Busy *> claims;
    Mover mover;
    std::size_t home = 0; // index among the resources of the pool
    bool movable = true;

    const Busy &first() const { return *claims.front(); }
};

class RoomPool {
  public:
    RoomPool(const Kernel::State &state, const RoomWish &wish) : state_(state), wish_(wish) {
        for (const ResourcePlan &plan : state.resources)
            if (plan.resource->resource_class == wish.resource_class && plan.resource->location == wish.location)
                plans_.push_back(&plan);
        for (const ResourcePlan *plan : plans_) {
            longest_.before = std::max(longest_.before, plan->buffers.before);
            longest_.after = std::max(longest_.after, plan->buffers.after);
        }
        wanted_ = wish.visit;
        for (const RoomWish::Choice &c : wish.choices)
            wanted_ = {std::min(wanted_.begin, c.load.during.begin), std::max(wanted_.end, c.load.during.end)};
        limits_ = {wish.visit.begin - one_day, wish.visit.end + one_day};
    }

    std::optional<RoomsMade> run() {
        if (static_cast<std::int32_t>(wish_.choices.size()) < wish_.needed || crowded())
            return std::nullopt;
        // What is there at that time is looked at first: mostly it settles the matter.
        gather(wanted_);
        if (!any_movable() || !may_be_arranged(pool(), state_.work))
            return std::nullopt;
        gather_affected();
        const Pool all = pool();
        const auto places = arrange(all, state_.work);
        if (!places)
            return std::nullopt;
        return outcome(all, *places);
    }

  private:
    // Whether too few units are left at some instant, where each visit takes one: then nothing helps, wherever they lie.
    bool crowded() const {
        for (const RoomWish::Choice &c : wish_.choices)
            if (c.load.capacity > c.plan->resource->quantity)
                return false;
        bool shared = false;
        std::vector<std::vector<Interval>> visits(plans_.size());
        std::vector<Instant> instants{wish_.visit.begin};
        for (std::size_t r = 0; r < plans_.size() && !shared; ++r)
            plans_[r]->resource->busy.each_overlapping(wish_.visit, [&](const Busy &b) {
                shared = shared || b.capacity > plans_[r]->resource->quantity;
                if (!state_.is_ignored(b.appointment) && !b.overbooked) {
                    visits[r].push_back(b.visit);
                    if (wish_.visit.contains(b.visit.begin))
                        instants.push_back(b.visit.begin);
                }
                return !shared;
            });
        return !shared && std::any_of(instants.begin(), instants.end(), [&](Instant t) {
            std::int64_t left = 0;
            for (std::size_t r = 0; r < plans_.size(); ++r) {
                const auto there =
                    std::count_if(visits[r].begin(), visits[r].end(), [t](const Interval &v) { return v.contains(t); });
                left += std::max<std::int64_t>(0, plans_[r]->resource->quantity - there);
            }
            return left < wish_.needed;
        });
    }

    bool any_movable() const {
        return std::any_of(units_.begin(), units_.end(), [](const Unit &u) { return u.movable; });
    }

    // What may have to move: what is there, what stands beside that, and so on.
    void gather_affected() {
        Interval reached = wanted_;
        for (bool again = true; again;) {
            again = false;
            gather(reached);
            for (const Unit &u : units_) {
                const Interval wide = widest(u);
                if (u.movable && (wide.begin < reached.begin || wide.end > reached.end)) {
                    reached = {std::min(reached.begin, wide.begin), std::max(reached.end, wide.end)};
                    again = true;
                }
            }
        }
    }

    // Wherever it lies, it lies within.
    Interval widest(const Unit &u) const {
        const Interval &v = u.first().visit;
        const Interval &d = u.first().during;
        const Buffers &s = u.mover.service_buffers;
        return {std::min(d.begin, v.begin - std::max(longest_.before, s.before)),
                std::max(d.end, v.end + std::max(longest_.after, s.after))};
    }

    // All claims that overlap the interval, as units.
    void gather(const Interval &interval) {
        units_.clear();
        loads_.assign(plans_.size(), {});
        using Session = std::tuple<std::size_t, Interval, Id, Id>;
        std::map<Session, std::size_t> sessions;
        for (std::size_t r = 0; r < plans_.size(); ++r)
            plans_[r]->resource->busy.each_overlapping(interval, [&](const Busy &b) {
                state_.work.step();
                if (state_.is_ignored(b.appointment))
                    return true;
                loads_[r].push_back({b.during, b.seats, b.capacity});
                Unit u{{&b}, {}, r, false};
                if (const auto mover = state_.diary.movers->behind(b, plans_[r]->resource->id)) {
                    u.mover = *mover;
                    u.movable = may_move(b, u);
                }
                if (u.mover.capacity > 1) {
                    const auto [it, is_new] =
                        sessions.try_emplace(Session{r, b.visit, b.service, u.mover.provider}, units_.size());
                    if (!is_new) {
                        Unit &session = units_[it->second];
                        session.claims.push_back(&b);
                        session.movable = session.movable && u.movable;
                        return true;
                    }
                }
                units_.push_back(std::move(u));
                return true;
            });
        for (Unit &u : units_)
            u.movable = u.movable && fits_at_home(u);
    }

    bool may_move(const Busy &b, const Unit &u) const {
        const auto &staying = wish_.staying;
        return u.mover.movable && b.appointment && !b.overbooked && limits_.contains(widest(u)) &&
               std::find(staying.begin(), staying.end(), b.appointment) == staying.end();
    }

    std::int32_t seats_of(const Unit &u) const {
        std::int32_t seats = 0;
        for (const Busy *b : u.claims)
            seats += b->seats;
        return seats;
    }

    std::int32_t capacity_of(const Unit &u) const {
        std::int32_t least = u.first().capacity;
        for (const Busy *b : u.claims)
            least = std::min(least, b->capacity);
        return least;
    }

    Interval during_of(const Unit &u) const {
        Interval during = u.first().during;
        for (const Busy *b : u.claims)
            during = {std::min(during.begin, b->during.begin), std::max(during.end, b->during.end)};
        return during;
    }

    // What stands beyond a capacity already stays where it is.
    bool fits_at_home(const Unit &u) const {
        const PoolLoad load{during_of(u), seats_of(u), capacity_of(u)};
        std::vector<PoolLoad> others;
        for (const PoolLoad &l : loads_[u.home])
            if (l.during.overlaps(load.during))
                others.push_back(l);
        for (const Busy *b : u.claims)
            std::erase_if(others, [&, done = false](const PoolLoad &l) mutable {
                const bool own = !done && l.during == b->during && l.seats == b->seats && l.capacity == b->capacity;
                done = done || own;
                return own;
            });
        return fits_among(others, load);
    }

    // What the unit would be on a resource, or nothing where it may not lie.
    std::optional<PoolLoad> on(const Unit &u, std::size_t r) const {
        if (r == u.home)
            return PoolLoad{during_of(u), seats_of(u), capacity_of(u)};
        const ResourcePlan &plan = *plans_[r];
        const Interval &visit = u.first().visit;
        const Buffers buffers = buffers_on(u, *plan.resource);
        const Interval during{visit.begin - buffers.before, visit.end + buffers.after};
        if (!plan.resource->active || !limits_.contains(during) || is_blocked(u, plan, during) ||
            !is_open(u, plan, u.mover.buffers_inside_hours ? during : visit))
            return std::nullopt;
        return PoolLoad{during, seats_of(u), u.mover.capacity * plan.resource->quantity};
    }

    // The longest of the defaults there, where it is that at home; what was set explicitly stays.
    Buffers buffers_on(const Unit &u, const Resource &there) const {
        const Buffers &t = state_.diary.tenant.buffers;
        const Buffers &s = u.mover.service_buffers;
        const Buffers &home = plans_[u.home]->resource->buffers;
        const Busy &b = u.first();
        const auto choose = [](Duration stamped, Duration tenant, Duration service, Duration here, Duration other) {
            return stamped == std::max({tenant, service, here}) ? std::max({tenant, service, other}) : stamped;
        };
        return {choose(b.visit.begin - b.during.begin, t.before, s.before, home.before, there.buffers.before),
                choose(b.during.end - b.visit.end, t.after, s.after, home.after, there.buffers.after)};
    }

    bool is_blocked(const Unit &u, const ResourcePlan &plan, const Interval &during) const {
        return std::any_of(plan.blocks.begin(), plan.blocks.end(), [&](const Blocked &b) {
            return b.span.overlaps(during) && !(b.block->kept_for && b.block->kept_for == u.mover.patient) &&
                   (!b.block->location || b.block->location == plan.resource->location) &&
                   concerns(b.block->services, u.first().service);
        });
    }

    static bool is_open(const Unit &u, const ResourcePlan &plan, const Interval &needed) {
        if (plan.resource->hours.empty())
            return true;
        std::vector<Interval> open;
        for (const Window &w : plan.windows)
            if (!w.closed_by && w.span.overlaps(needed) && concerns(w.services, u.first().service))
                open.push_back(w.span);
        return IntervalSet(std::move(open)).covers(needed);
    }

    // Units that move are pieces, in their order, and the visit's own ones come last.
    Pool pool() const {
        Pool pool;
        pool.fixed.resize(plans_.size());
        std::map<std::tuple<Id, Interval, Id, Id>, std::size_t> owners;
        const auto owner_of = [&](const Unit &u) {
            const bool session = u.mover.capacity > 1;
            return owners
                .try_emplace(
                    {session ? Id{} : u.first().appointment, u.first().visit, u.first().service, u.mover.provider},
                    owners.size())
                .first->second;
        };
        for (const Unit &u : units_)
            if (!u.movable)
                for (const Busy *b : u.claims)
                    pool.fixed[u.home].push_back({b->during, b->seats, b->capacity});
        for (const Unit &u : units_) {
            if (!u.movable)
                continue;
            state_.work.step(plans_.size());
            PoolPiece piece;
            piece.home = u.home;
            piece.owner = owner_of(u);
            for (std::size_t r = 0; r < plans_.size(); ++r) {
                std::optional<PoolLoad> load = on(u, r);
                if (load && r != u.home && (!fits_among(pool.fixed[r], *load) || has_fixed_sibling(u, r)))
                    load.reset();
                piece.on.push_back(load);
            }
            pool.pieces.push_back(std::move(piece));
        }
        PoolPiece own;
        own.owner = owners.size();
        own.on.resize(plans_.size());
        for (const RoomWish::Choice &c : wish_.choices)
            for (std::size_t r = 0; r < plans_.size(); ++r)
                if (plans_[r] == c.plan && fits_among(pool.fixed[r], c.load))
                    own.on[r] = c.load;
        for (std::int32_t i = 0; i < wish_.needed; ++i)
            pool.pieces.push_back(own);
        return pool;
    }

    // Whether a resource of the same appointment that does not move is there: an appointment uses different ones.
    bool has_fixed_sibling(const Unit &u, std::size_t r) const {
        return std::any_of(units_.begin(), units_.end(), [&](const Unit &o) {
            return !o.movable && o.home == r && o.first().appointment == u.first().appointment;
        });
    }

    RoomsMade outcome(const Pool &pool, const std::vector<std::size_t> &places) const {
        RoomsMade made;
        std::size_t i = 0;
        for (const Unit &u : units_) {
            if (!u.movable)
                continue;
            const std::size_t r = places[i];
            if (r != u.home)
                for (const Busy *b : u.claims)
                    made.moves.push_back({b->claim, b->appointment, plans_[u.home]->resource->id,
                                          plans_[r]->resource->id, pool.pieces[i].on[r]->during,
                                          pool.pieces[i].on[r]->capacity});
            ++i;
        }
        std::sort(made.moves.begin(), made.moves.end(),
                  [](const RoomMove &a, const RoomMove &b) { return a.claim < b.claim; });
        made.remaining = std::numeric_limits<std::int32_t>::max();
        for (const std::size_t own = i; i < places.size(); ++i) {
            const std::size_t r = places[i];
            made.resources.push_back(plans_[r]->resource->id);
            std::vector<PoolLoad> others = pool.fixed[r];
            for (std::size_t k = 0; k < own; ++k)
                if (places[k] == r)
                    others.push_back(*pool.pieces[k].on[r]);
            PoolLoad load = *pool.pieces[i].on[r];
            while (load.seats < load.capacity && fits_among(others, {load.during, load.seats + 1, load.capacity}))
                ++load.seats;
            made.remaining = std::min(made.remaining, load.seats);
        }
        return made;
    }

    const Kernel::State &state_;
    const RoomWish &wish_;
    std::vector<const ResourcePlan *> plans_;
    Buffers longest_;
    Interval wanted_; // the visit with its buffers
    Interval limits_; // what reaches beyond stays
    std::vector<Unit> units_;
    std::vector<std::vector<PoolLoad>> loads_; // by resource, all claims
};

} // namespace

std::optional<RoomsMade> make_room(const Kernel::State &state, const RoomWish &wish) {
    if (state.diary.movers == nullptr)
        return std::nullopt;
    return RoomPool(state, wish).run();
}

} // namespace pg_clinic::core
