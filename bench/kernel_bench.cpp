// How long the kernel takes: 50 providers, 8 weeks of five days from 9 to 15, a service of 30 minutes on a grid of 30
// and some 12,300 busy claims; then the same round the clock, where the hours' chain must be followed back to its
// beginning. Prints slots and milliseconds on a processor.
//
//   kernel_bench [ROUNDS [PROVIDERS]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>

#include "core/kernel.hpp"

namespace {

using namespace pg_clinic::core;

Id id(std::uint32_t n) {
    Id i;
    for (std::size_t k = 0; k < 4; ++k)
        i.bytes[15 - k] = static_cast<std::uint8_t>(n >> (8 * k));
    return i;
}

// Central Europe's rule, 1980 to 2060, searched as a table is.
class TableZone final : public Zone {
  public:
    TableZone() {
        for (std::int32_t year = 1980; year <= 2060; ++year)
            for (const std::int32_t month : {3, 10}) {
                const Day last = to_day({year, month, 31});
                const Day sunday = last - (static_cast<std::int32_t>(weekday(last)) + 1) % 7;
                changes_.push_back({at(sunday).micros + micros_per_hour});
            }
    }
    ZoneSpan span_at(Instant t) const override {
        const auto next = std::upper_bound(changes_.begin(), changes_.end(), t);
        const bool summer = (next - changes_.begin()) % 2 == 1;
        return {next == changes_.begin() ? instant_min : *(next - 1), next == changes_.end() ? instant_max : *next,
                summer ? 7200 : 3600};
    }

  private:
    std::vector<Instant> changes_;
};

struct Setting {
    const char *name;
    bool round_the_clock;
    std::optional<std::size_t> max_rows;
};

constexpr std::int32_t weeks = 8;
const Day first_day = to_day({2026, 9, 7}); // a Monday; the clock changes in October

HoursRule rule_of(std::uint32_t n, const Zone &zone, bool round_the_clock) {
    HoursRule r;
    r.id = id(n);
    r.location = id(1);
    r.rule.freq = Frequency::weekly;
    for (int d = 0; d < (round_the_clock ? 7 : 5); ++d)
        r.rule.by_day.push_back({0, static_cast<Weekday>(d)});
    r.dtstart = r.valid_from = to_day({2024, 1, 1});
    r.window = {Duration{round_the_clock ? 0 : 9 * micros_per_hour},
                Duration{(round_the_clock ? 24 : 15) * micros_per_hour}};
    r.zone = &zone;
    return r;
}

Diary make_diary(const Zone &zone, bool round_the_clock, std::uint32_t providers, std::size_t *claims) {
    Diary d;
    d.now = {at(first_day).micros};
    d.service.id = id(2);
    d.service.duration = d.service.min_duration = d.service.max_duration = d.service.step = minutes(30);
    d.service.horizon_days = 365;
    d.service.lead_time = minutes(60);
    d.service.buffers.after = minutes(0);
    d.locations = {{id(1), true, &zone}};
    std::mt19937 random(7);
    std::uint32_t next = 1000;
    for (std::uint32_t n = 0; n < providers; ++n) {
        Provider p;
        p.id = id(100 + n);
        p.zone = &zone;
        p.hours.rules = {rule_of(500 + n, zone, round_the_clock)};
        std::vector<Busy> busy;
        for (std::int32_t day = 0; day < weeks * 7; ++day)
            for (std::int64_t slot = 0; slot < 12 && day % 7 < 5; ++slot) {
                if (random() % 10000 >= 5125)
                    continue;
                Busy b;
                b.visit.begin = {bound_instant(zone, at(first_day + day, minutes(9 * 60 + 30 * slot))).micros};
                b.visit.end = b.visit.begin + minutes(30);
                b.during = b.visit;
                b.claim = b.appointment = id(next++);
                b.service = d.service.id;
                b.location = id(1);
                busy.push_back(b);
            }
        *claims += busy.size();
        p.busy = BusyList(std::move(busy));
        d.providers.push_back(std::move(p));
    }
    return d;
}

double milliseconds_for(const Diary &diary, std::optional<std::size_t> max_rows, std::size_t *slots) {
    const Request request;
    const Interval range{{at(first_day).micros}, {at(first_day + weeks * 7).micros}};
    const std::clock_t begin = std::clock();
    Work work;
    *slots = 0;
    Kernel(diary, request, range, work).each(max_rows, [slots](Slot &&) { ++*slots; });
    return 1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

} // namespace

int main(int argc, char **argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 20;
    const std::uint32_t providers = argc > 2 ? static_cast<std::uint32_t>(std::atoi(argv[2])) : 50;
    const TableZone zone;
    for (const Setting &setting :
         {Setting{"hours 9 to 15", false, {}}, Setting{"hours 9 to 15, 10 rows", false, 10},
          Setting{"round the clock", true, {}}, Setting{"round the clock, 10 rows", true, 10}}) {
        std::size_t claims = 0, slots = 0;
        const Diary diary = make_diary(zone, setting.round_the_clock, providers, &claims);
        std::vector<double> times;
        for (int i = 0; i < rounds; ++i)
            times.push_back(milliseconds_for(diary, setting.max_rows, &slots));
        std::sort(times.begin(), times.end());
        std::printf("%-26s %6zu claims %7zu slots   median %7.2f ms   best %7.2f ms\n", setting.name, claims, slots,
                    times[times.size() / 2], times.front());
    }
}
