#include "core/pool.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <unordered_set>

namespace pg_clinic::core {

namespace {

constexpr std::size_t nowhere = PoolPiece::nowhere;
using Places = std::vector<std::size_t>; // the resource of each piece

// The load's first instant at which the places taken are too many, among others that overlap it.
std::optional<Instant> first_overfull(const std::vector<PoolLoad> &others, const PoolLoad &load) {
    std::optional<Instant> first;
    // Only where something begins can there be more than before.
    const auto look_at = [&](Instant t) {
        if (!load.during.contains(t) || (first && *first <= t))
            return;
        std::int64_t taken = load.seats;
        std::int32_t least = load.capacity;
        for (const PoolLoad &o : others)
            if (o.during.contains(t)) {
                taken += o.seats;
                least = std::min(least, o.capacity);
            }
        if (taken > least)
            first = t;
    };
    look_at(load.during.begin);
    for (const PoolLoad &o : others)
        look_at(o.during.begin);
    return first;
}

const PoolLoad &load_on(const PoolPiece &piece, std::size_t resource) { return *piece.on[resource]; }

// What a piece would meet on a resource: what is fixed there, and the other pieces placed there.
std::vector<PoolLoad> met_by(const Pool &pool, const Places &places, std::size_t piece, std::size_t resource) {
    const Interval &during = load_on(pool.pieces[piece], resource).during;
    std::vector<PoolLoad> loads;
    const auto add = [&](const PoolLoad &load) {
        if (load.during.overlaps(during))
            loads.push_back(load);
    };
    for (const PoolLoad &load : pool.fixed[resource])
        add(load);
    for (std::size_t i = 0; i < places.size(); ++i)
        if (places[i] == resource && i != piece)
            add(load_on(pool.pieces[i], resource));
    return loads;
}

// Whether the piece could lie on a resource, for all that has a place.
bool has_room(const Pool &pool, const Places &places, std::size_t piece, std::size_t resource) {
    for (std::size_t i = 0; i < places.size(); ++i)
        if (i != piece && places[i] == resource && pool.pieces[i].owner == pool.pieces[piece].owner)
            return false;
    return fits_among(met_by(pool, places, piece, resource), load_on(pool.pieces[piece], resource));
}

std::vector<std::size_t> in_order(std::size_t count) {
    std::vector<std::size_t> all(count);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

// Looks for an assignment that moves at most so many pieces: places what has no place, and what had to make way for it.
//
// It finds one when there is one. Whatever an assignment holds on a resource fits there, so where a piece that is placed as
// in that assignment makes an instant overfull, some piece there lies elsewhere in it; each of them is tried.
class Displacement {
  public:
    Displacement(const Pool &pool, Work &work, std::int64_t patience)
        : pool_(pool), work_(work), patience_(patience), places_(pool.pieces.size(), nowhere),
          settled_(pool.pieces.size(), false) {
        for (std::size_t i = 0; i < pool.pieces.size(); ++i) {
            places_[i] = pool.pieces[i].home;
            if (places_[i] == nowhere)
                homeless_.push_back(i);
        }
        std::reverse(homeless_.begin(), homeless_.end()); // the last is placed first
    }

    bool search(std::size_t moves) { return place_next(homeless_, moves); }
    std::int64_t patience() const { return patience_; }
    bool impatient() const { return patience_ < 0; }
    const Places &places() const { return places_; }

  private:
    bool place_next(const std::vector<std::size_t> &pending, std::size_t moves) {
        if (pending.empty())
            return true;
        std::vector<std::size_t> rest = pending;
        const std::size_t piece = rest.back();
        rest.pop_back();
        settled_[piece] = true;
        for (std::size_t r = 0; r < pool_.fixed.size() && !impatient(); ++r) {
            if (!pool_.pieces[piece].on[r] || r == pool_.pieces[piece].home)
                continue;
            places_[piece] = r;
            if (make_way(piece, rest, moves))
                return true;
        }
        places_[piece] = nowhere;
        settled_[piece] = false;
        return false;
    }

    // Takes away what the piece cannot lie beside, in every way, and goes on.
    bool make_way(std::size_t piece, std::vector<std::size_t> &pending, std::size_t moves) {
        work_.step(pool_.pieces.size());
        if (--patience_ < 0)
            return false;
        const std::vector<std::size_t> candidates = in_the_way(piece);
        if (candidates.empty())
            return has_room(pool_, places_, piece, places_[piece]) && place_next(pending, moves);
        if (moves == 0)
            return false;
        for (const std::size_t c : candidates) {
            const std::size_t there = places_[c];
            places_[c] = nowhere;
            pending.push_back(c);
            if (make_way(piece, pending, moves - 1))
                return true;
            pending.pop_back();
            places_[c] = there;
        }
        return false;
    }

    // Pieces of which at least one must go; none when all fits, or when nothing that is in the way may go.
    std::vector<std::size_t> in_the_way(std::size_t piece) const {
        const std::size_t r = places_[piece];
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < places_.size(); ++i)
            if (i != piece && places_[i] == r && pool_.pieces[i].owner == pool_.pieces[piece].owner && !settled_[i])
                return {i};
        const auto overfull = first_overfull(met_by(pool_, places_, piece, r), load_on(pool_.pieces[piece], r));
        if (overfull)
            for (std::size_t i = 0; i < places_.size(); ++i)
                if (places_[i] == r && !settled_[i] && load_on(pool_.pieces[i], r).during.contains(*overfull))
                    found.push_back(i);
        return found;
    }

    const Pool &pool_;
    Work &work_;
    std::int64_t patience_;
    Places places_; // nowhere: waits for a place
    std::vector<bool> settled_;
    std::vector<std::size_t> homeless_;
};

// Looks through all assignments in order of time, never twice from what is the same as seen from there on: the same things
// still going on, on resources of which it does not matter which is which.
class Sweep {
  public:
    Sweep(const Pool &pool, Work &work) : pool_(pool), work_(work), order_(in_order(pool.pieces.size())) {
        places_.assign(pool.pieces.size(), nowhere);
        std::vector<Instant> begin(pool.pieces.size(), instant_max);
        for (std::size_t i = 0; i < pool.pieces.size(); ++i)
            for (const auto &load : pool.pieces[i].on)
                if (load)
                    begin[i] = std::min(begin[i], load->during.begin);
        std::stable_sort(order_.begin(), order_.end(),
                         [&](std::size_t a, std::size_t b) { return begin[a] < begin[b]; });
        from_.assign(order_.size() + 1, instant_max);
        last_of_owner_.assign(order_.size(), 0);
        std::map<std::size_t, std::size_t> last;
        for (std::size_t k = 0; k < order_.size(); ++k)
            last[pool.pieces[order_[k]].owner] = k;
        for (std::size_t k = order_.size(); k-- > 0;) {
            from_[k] = begin[order_[k]];
            last_of_owner_[order_[k]] = last[pool.pieces[order_[k]].owner];
        }
        distinguish_resources();
    }

    std::optional<Places> run() {
        if (place(0))
            return places_;
        return std::nullopt;
    }

  private:
    // Resources are alike from a step on when what comes may do the same on them, and nothing fixed there tells them apart.
    void distinguish_resources() {
        const std::size_t resources = pool_.fixed.size();
        kind_.assign(order_.size() + 1, std::vector<std::size_t>(resources));
        for (std::size_t r = 0; r < resources; ++r) {
            const bool shared = std::any_of(pool_.fixed[r].begin(), pool_.fixed[r].end(),
                                            [](const PoolLoad &l) { return l.capacity > 1; });
            kind_.back()[r] = shared ? r + 1 : 0;
        }
        for (std::size_t k = order_.size(); k-- > 0;) {
            using Mark = std::tuple<std::size_t, bool, Interval, std::int32_t>;
            std::map<Mark, std::size_t> numbers;
            for (std::size_t r = 0; r < resources; ++r) {
                const auto &load = pool_.pieces[order_[k]].on[r];
                const bool may = load && fits_among(pool_.fixed[r], *load);
                const Mark mark{kind_[k + 1][r], may, may ? load->during : Interval{}, may ? load->capacity : 0};
                kind_[k][r] = numbers.try_emplace(mark, numbers.size()).first->second;
            }
        }
    }

    bool place(std::size_t step) {
        if (step == order_.size())
            return true;
        std::string seen = situation(step);
        if (hopeless_.count(seen) != 0)
            return false;
        const std::size_t piece = order_[step];
        const PoolPiece &p = pool_.pieces[piece];
        if (p.home != nowhere && try_on(step, piece, p.home))
            return true;
        for (std::size_t r = 0; r < pool_.fixed.size(); ++r)
            if (r != p.home && p.on[r] && try_on(step, piece, r))
                return true;
        work_.step(1000); // what is remembered takes memory
        hopeless_.insert(std::move(seen));
        return false;
    }

    bool try_on(std::size_t step, std::size_t piece, std::size_t resource) {
        work_.step(pool_.pieces.size());
        if (!has_room(pool_, places_, piece, resource))
            return false;
        places_[piece] = resource;
        if (place(step + 1))
            return true;
        places_[piece] = nowhere;
        return false;
    }

    // All that matters for what comes, as bytes.
    std::string situation(std::size_t step) const {
        std::vector<std::string> resources(pool_.fixed.size());
        for (std::size_t r = 0; r < resources.size(); ++r)
            put(resources[r], static_cast<std::int64_t>(kind_[step][r]));
        std::vector<std::vector<std::string>> going_on(resources.size());
        for (std::size_t k = 0; k < step; ++k) {
            const std::size_t i = order_[k];
            const PoolLoad &load = load_on(pool_.pieces[i], places_[i]);
            const bool sibling_comes = last_of_owner_[i] >= step;
            if (load.during.end <= from_[step] && !sibling_comes)
                continue;
            std::string one;
            put(one, std::max(load.during.begin, from_[step]).micros);
            put(one, std::max(load.during.end, from_[step]).micros);
            put(one, load.seats);
            put(one, load.capacity);
            put(one, sibling_comes ? static_cast<std::int64_t>(pool_.pieces[i].owner) : -1);
            going_on[places_[i]].push_back(std::move(one));
        }
        for (std::size_t r = 0; r < resources.size(); ++r) {
            std::sort(going_on[r].begin(), going_on[r].end());
            put(resources[r], static_cast<std::int64_t>(going_on[r].size()));
            for (const std::string &one : going_on[r])
                resources[r] += one;
        }
        std::sort(resources.begin(), resources.end());
        std::string all;
        put(all, static_cast<std::int64_t>(step));
        for (const std::string &one : resources)
            all += one;
        return all;
    }

    static void put(std::string &out, std::int64_t value) {
        out.append(reinterpret_cast<const char *>(&value), sizeof value);
    }

    const Pool &pool_;
    Work &work_;
    std::vector<std::size_t> order_;             // pieces by the earliest that they can begin
    std::vector<Instant> from_;                  // by step: what comes begins no earlier
    std::vector<std::size_t> last_of_owner_;     // by piece: the last step of its owner
    std::vector<std::vector<std::size_t>> kind_; // by step, then resource
    Places places_;
    std::unordered_set<std::string> hopeless_;
};

// Whether all that lies at one instant could lie somewhere, if nothing else were in the world: no assignment without that.
class Crowd {
  public:
    Crowd(const Pool &pool, Instant t) : pool_(pool), room_(pool.fixed.size()), guests_(pool.fixed.size()) {
        for (std::size_t r = 0; r < room_.size(); ++r) {
            std::int64_t most = 1;
            for (const PoolPiece &p : pool.pieces)
                if (p.on[r])
                    most = std::max<std::int64_t>(most, p.on[r]->capacity);
            for (const PoolLoad &l : pool.fixed[r])
                if (l.during.contains(t))
                    most -= l.seats;
            room_[r] = most;
        }
    }

    bool seat(std::size_t piece) {
        tried_.assign(room_.size(), false);
        return seat_or_move(piece);
    }

  private:
    bool seat_or_move(std::size_t piece) {
        for (std::size_t r = 0; r < room_.size(); ++r) {
            if (!pool_.pieces[piece].on[r] || tried_[r] || room_[r] <= 0)
                continue;
            tried_[r] = true;
            if (static_cast<std::int64_t>(guests_[r].size()) < room_[r]) {
                guests_[r].push_back(piece);
                return true;
            }
            for (std::size_t &guest : guests_[r])
                if (const std::size_t other = guest; seat_or_move(other)) {
                    guest = piece;
                    return true;
                }
        }
        return false;
    }

    const Pool &pool_;
    std::vector<std::int64_t> room_; // places for pieces, at the most
    std::vector<std::vector<std::size_t>> guests_;
    std::vector<bool> tried_;
};

// While a piece lies anywhere, it lies there at these instants.
std::optional<Interval> core_of(const PoolPiece &piece) {
    Interval common{instant_min, instant_max};
    for (const auto &load : piece.on)
        if (load)
            common = {std::max(common.begin, load->during.begin), std::min(common.end, load->during.end)};
    return common.begin == instant_min || common.empty() ? std::nullopt : std::optional(common);
}

} // namespace

bool may_be_arranged(const Pool &pool, Work &work) {
    std::vector<std::optional<Interval>> cores;
    for (const PoolPiece &p : pool.pieces)
        cores.push_back(core_of(p));
    std::vector<Instant> instants;
    for (std::size_t n = 0; n < pool.pieces.size(); ++n) {
        if (pool.pieces[n].home != nowhere || !cores[n])
            continue;
        instants.push_back(cores[n]->begin);
        for (const auto &c : cores)
            if (c && cores[n]->contains(c->begin))
                instants.push_back(c->begin);
        for (const auto &on_resource : pool.fixed)
            for (const PoolLoad &l : on_resource)
                if (cores[n]->contains(l.during.begin))
                    instants.push_back(l.during.begin);
    }
    std::sort(instants.begin(), instants.end());
    instants.erase(std::unique(instants.begin(), instants.end()), instants.end());
    for (const Instant t : instants) {
        work.step(pool.pieces.size());
        Crowd crowd(pool, t);
        for (std::size_t i = 0; i < pool.pieces.size(); ++i)
            if (cores[i] && cores[i]->contains(t) && !crowd.seat(i))
                return false;
    }
    return true;
}

namespace {

// Sends pieces home that moved without need, one after the other.
void send_home(const Pool &pool, Places &places) {
    for (bool again = true; again;) {
        again = false;
        for (std::size_t i = 0; i < places.size(); ++i) {
            const PoolPiece &p = pool.pieces[i];
            if (p.home == nowhere || places[i] == p.home)
                continue;
            if (has_room(pool, places, i, p.home)) {
                places[i] = p.home;
                again = true;
            }
        }
    }
}

} // namespace

bool fits_among(const std::vector<PoolLoad> &others, const PoolLoad &load) { return !first_overfull(others, load); }

std::optional<Places> arrange(const Pool &pool, Work &work) {
    constexpr std::int64_t at_first = 200, patience = 20'000; // places tried
    if (!may_be_arranged(pool, work))
        return std::nullopt;
    // Mostly a move or two will do, and mostly they are found at once.
    std::size_t moves = 0;
    for (; moves <= 2; ++moves) {
        Displacement few(pool, work, at_first);
        if (few.search(moves))
            return few.places();
        if (few.impatient())
            break;
    }
    std::optional<Places> some = Sweep(pool, work).run();
    if (!some)
        return std::nullopt;
    send_home(pool, *some);
    std::size_t enough = 0;
    for (std::size_t i = 0; i < some->size(); ++i)
        if (pool.pieces[i].home != nowhere && (*some)[i] != pool.pieces[i].home)
            ++enough;
    for (std::int64_t left = patience; moves < enough && left > 0; ++moves) {
        Displacement fewest(pool, work, left);
        if (fewest.search(moves))
            return fewest.places();
        left = fewest.patience();
    }
    return some;
}

} // namespace pg_clinic::core
