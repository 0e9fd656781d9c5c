// Tests only: clinics at random, from a seed: hours, overrides, holidays, stays, blocks, claims, rooms, limits
// and requests, on days with and without a change of the clock. All times are multiples of five minutes, but for
// now.
#pragma once

#include <initializer_list>
#include <random>
#include <vector>

#include "support/clinic.hpp"

namespace pg_clinic::core::test {

class ClinicGenerator {
  public:
    explicit ClinicGenerator(unsigned seed) : random_(seed) {}

    Clinic clinic();

  private:
    std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n)); }
    bool chance(int percent) { return below(100) < percent; }
    Duration ticks(std::int64_t least, std::int64_t most) { return {five_minutes * (least + below(most - least + 1))}; }
    template <class T> T pick(std::initializer_list<T> list) {
        return *(list.begin() + below(static_cast<std::int64_t>(list.size())));
    }
    const Zone *zone() { return pick<const Zone *>({&utc_zone(), &new_york(), &tokyo(), &lord_howe(), &berlin()}); }
    Day date() { return Day{first_.days - 1 + static_cast<std::int32_t>(below(5))}; }
    Id next_id() { return id(++last_id_); }
    Instant instant() { return Instant{at(first_).micros + five_minutes * below(2 * 288)}; }
    ServiceFilter filter() {
        return chance(75)   ? ServiceFilter{}
               : chance(60) ? ServiceFilter{other_service, exam}
                            : ServiceFilter{other_service};
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

    static constexpr std::int64_t five_minutes = 5 * micros_per_minute;

    std::mt19937_64 random_;
    Day first_;
    std::uint32_t last_id_ = 1000;
};

} // namespace pg_clinic::core::test
