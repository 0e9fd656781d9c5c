// The walk by addition against the general one, and instances in portions against instances one by one, over seeded random
// rules: every window, every zone, every way to ask gives the same.
#include "core/date_walk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "core/recurrence_set.hpp"
#include "core/rule_stream.hpp"
#include "support/local_text.hpp"
#include "support/naive_rule.hpp"
#include "support/rounds.hpp"
#include "support/tzif_zone.hpp"

namespace pg_clinic::test {
namespace {

using core::Frequency;
using core::Gap;
using core::Instant;
using core::RRule;
using core::Work;
using core::detail::DateWalk;
using core::detail::RuleStream;
using core::detail::RuleWalk;
using core::detail::wall_day;

constexpr Wall first_wall = -730'119 * wall_day; // 0001-01-01
constexpr Wall wall_end = 2'921'940 * wall_day;  // 10000-01-01

std::int16_t number(RuleGenerator *random, int least, int most) {
    return static_cast<std::int16_t>(least + random->below(most - least + 1));
}

core::Weekday any_weekday(RuleGenerator *random) { return static_cast<core::Weekday>(random->below(7)); }

void add_weekdays(RuleGenerator *random, RRule *rule) {
    for (int day = 0; day < 7; ++day)
        if (random->chance(35))
            rule->by_day.push_back({0, static_cast<core::Weekday>(day)});
}

void add_day_of_month(RuleGenerator *random, RRule *rule) {
    if (random->chance(40)) {
        rule->by_month_day.push_back(number(random, 1, 31));
        if (random->chance(40))
            rule->by_month_day.front() = static_cast<std::int16_t>(-rule->by_month_day.front());
    } else if (random->chance(60)) {
        const std::int16_t nth = number(random, 1, random->chance(90) ? 5 : 53);
        rule->by_day.push_back({static_cast<std::int16_t>(random->chance(40) ? -nth : nth), any_weekday(random)});
    }
}

// A rule that DateWalk takes: what it must do, in every combination.
RRule plain_rule(RuleGenerator *random) {
    RRule rule;
    rule.freq = static_cast<Frequency>(static_cast<int>(Frequency::daily) + random->below(4));
    rule.wkst = any_weekday(random);
    if (random->chance(60))
        rule.interval = number(random, 1, 15);
    if (random->chance(3))
        rule.interval = std::numeric_limits<std::int32_t>::max() - number(random, 0, 20);
    if (rule.freq == Frequency::daily || rule.freq == Frequency::weekly) {
        if (random->chance(60))
            add_weekdays(random, &rule);
    } else if (rule.freq == Frequency::monthly || random->chance(70)) {
        if (rule.freq == Frequency::yearly)
            rule.by_month.push_back(number(random, 1, 12));
        add_day_of_month(random, &rule);
    }
    if (random->chance(30))
        rule.by_hour.push_back(number(random, 0, 23));
    if (random->chance(30))
        rule.by_minute.push_back(number(random, 0, 59));
    if (random->chance(20))
        rule.by_second.push_back(number(random, 0, 59));
    return rule;
}

// Near today, at the ends of the calendar, and on days that are rare.
Wall start(RuleGenerator *random) {
    if (random->chance(10))
        return wall_end - random->below(40 * 366 * wall_day) - 1;
    if (random->chance(10))
        return first_wall + random->below(400 * 366 * wall_day);
    if (random->chance(15))
        return (59 + 1461 * (random->below(40) - 20)) * wall_day + random->below(wall_day); // 29 February
    if (random->chance(15))
        return (30 + 1461 * (random->below(40) - 20)) * wall_day + random->below(wall_day); // 31 January
    return random->dtstart();
}

std::string name_of(const RRule &rule, Wall dtstart) {
    return "DTSTART " + std::to_string(dtstart) + " " + core::to_text(rule);
}

// What a walk gives until the end, at most so many, by a way to ask of the caller's.
template <class Ask> std::vector<Wall> walls_of(Ask ask, std::size_t most) {
    std::vector<Wall> all;
    while (all.size() < most && ask(&all)) {
    }
    all.resize(std::min(all.size(), most));
    return all;
}

std::vector<Wall> by_next(RuleWalk *walk, std::size_t most) {
    return walls_of(
        [walk](std::vector<Wall> *all) {
            const auto t = walk->next();
            if (t)
                all->push_back(*t);
            return t.has_value();
        },
        most);
}

// By portions of random sizes; each ends at the first wall time not before a random one.
std::vector<Wall> by_portions(RuleWalk *walk, RuleGenerator *random, Wall from, std::size_t most) {
    return walls_of(
        [&](std::vector<Wall> *all) {
            std::array<Wall, 70> portion;
            const auto room = static_cast<std::size_t>(1 + random->below(70));
            const Wall before = random->chance(50) ? wall_end : from + random->below(2000 * wall_day);
            const std::size_t found = walk->fill(std::span(portion).first(room), before);
            for (std::size_t i = 0; i < found; ++i) {
                EXPECT_TRUE(i + 1 == found || portion[i] < before);
                all->push_back(portion[i]);
            }
            return found == room || (found > 0 && portion[found - 1] >= before);
        },
        most);
}

TEST(DateWalk, GivesWhatTheGeneralWalkGives) {
    RuleGenerator random(31);
    for (int i = 0; i < rounds(4000); ++i) {
        const RRule rule = plain_rule(&random);
        const Wall dtstart = start(&random);
        ASSERT_TRUE(DateWalk::takes(rule)) << name_of(rule, dtstart);
        Work work;
        DateWalk plain(rule, dtstart, work);
        const auto general = core::detail::make_period_walk(rule, dtstart, work);
        for (int window = 0; window < 4; ++window) {
            Wall from = dtstart - wall_day + random.below(60 * 366 * wall_day);
            if (random.chance(25))
                from = first_wall + random.below(wall_end - first_wall);
            Wall end = random.chance(50) ? wall_end : from + random.below(9000 * wall_day);
            if (random.chance(30)) { // on an instance, to the second
                plain.seek(from, wall_end);
                from = plain.next().value_or(from);
            }
            const auto most = static_cast<std::size_t>(1 + random.below(150));
            general->seek(from, end);
            const std::vector<Wall> expected = by_next(general.get(), most);
            plain.seek(from, end);
            EXPECT_EQ(by_next(&plain, most), expected) << name_of(rule, dtstart) << " from " << from << " to " << end;
            plain.seek(from, end);
            EXPECT_EQ(by_portions(&plain, &random, from, most), expected) << name_of(rule, dtstart);
            general->seek(from, end);
            EXPECT_EQ(by_portions(general.get(), &random, from, most), expected) << name_of(rule, dtstart);
            for (const Wall t : {from, end, dtstart, dtstart + 1})
                EXPECT_EQ(plain.rank(t), general->rank(t)) << name_of(rule, dtstart) << " before " << t;
        }
        ASSERT_FALSE(HasFailure());
    }
}

// Whatever it does not take it must not take: members would be missing. A rule with more than one day or time, or with a part
// it knows nothing of, goes the general way.
TEST(DateWalk, LeavesTheRestToTheGeneralWalk) {
    for (const char *text : {"FREQ=HOURLY",
                             "FREQ=DAILY;BYMONTH=1",
                             "FREQ=DAILY;BYMONTHDAY=1",
                             "FREQ=DAILY;BYHOUR=8,9",
                             "FREQ=DAILY;BYMINUTE=0,30",
                             "FREQ=DAILY;BYSECOND=0,30",
                             "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1",
                             "FREQ=WEEKLY;BYMONTH=1",
                             "FREQ=MONTHLY;BYMONTHDAY=1,15",
                             "FREQ=MONTHLY;BYDAY=MO",
                             "FREQ=MONTHLY;BYDAY=1MO,3MO",
                             "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
                             "FREQ=MONTHLY;BYMONTH=3",
                             "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD",
                             "FREQ=YEARLY;BYMONTHDAY=1",
                             "FREQ=YEARLY;BYDAY=1MO",
                             "FREQ=YEARLY;BYMONTH=1,7",
                             "FREQ=YEARLY;BYMONTH=1;BYDAY=MO",
                             "FREQ=YEARLY;BYYEARDAY=100",
                             "FREQ=YEARLY;BYWEEKNO=10",
                             "FREQ=YEARLY;BYWEEKNO=10;BYMONTH=3"})
        EXPECT_FALSE(DateWalk::takes(core::parse_rrule(text))) << text;
    for (const char *text :
         {"FREQ=DAILY", "FREQ=DAILY;BYDAY=MO,TU", "FREQ=WEEKLY;BYDAY=MO,TU", "FREQ=MONTHLY",
          "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=2",
          "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=OMIT"})
        EXPECT_TRUE(DateWalk::takes(core::parse_rrule(text))) << text;
}

// A rule, plain or not, with COUNT or UNTIL now and then.
RRule any_rule(RuleGenerator *random, Wall dtstart) {
    RRule rule = random->chance(60) ? plain_rule(random) : random->rule({}, dtstart);
    if (rule.count || rule.until || random->chance(40))
        return rule;
    if (random->chance(50))
        rule.count = 1 + random->below(300);
    else
        rule.until =
            core::Until{static_cast<core::Until::Kind>(random->below(3)),
                        (dtstart + random->below(3000 * wall_day)) / wall_day * wall_day * core::micros_per_second};
    return rule;
}

template <class Source> std::vector<Instant> in_portions(Source *source, RuleGenerator *random, std::size_t most) {
    std::vector<Instant> all;
    std::array<Instant, 200> portion;
    for (;;) {
        const auto room = static_cast<std::size_t>(1 + random->below(200));
        const std::size_t found = source->fill(std::span(portion).first(room));
        all.insert(all.end(), portion.begin(), portion.begin() + static_cast<std::ptrdiff_t>(found));
        if (found < room || all.size() >= most)
            break;
    }
    all.resize(std::min(all.size(), most));
    return all;
}

template <class Source> std::vector<Instant> one_by_one(Source *source, std::size_t most) {
    std::vector<Instant> all;
    while (all.size() < most) {
        const std::optional<Instant> t = source->next();
        if (!t)
            break;
        all.push_back(*t);
    }
    return all;
}

struct Window {
    Instant from, to;
};

Window window_near(RuleGenerator *random, Wall dtstart) {
    const Wall from = dtstart - 10 * wall_day + random->below(30 * 366 * wall_day);
    const Instant begin = random->chance(20) ? core::instant_min : Instant{from * core::micros_per_second};
    const Instant end = random->chance(30) ? core::instant_max
                                           : Instant{(from + random->below(1000 * wall_day)) * core::micros_per_second};
    return {begin, end};
}

// In portions, by the walk it chooses, and one by one by the general walk.
void compare_streams(const char *zone_name, std::uint64_t seed) {
    const TzifZone zone(zone_name);
    RuleGenerator random(seed);
    constexpr std::size_t most = 400;
    for (int i = 0; i < rounds(250); ++i) {
        const Wall dtstart = random.chance(70) ? random.dtstart() : start(&random);
        const RRule rule = any_rule(&random, dtstart);
        const core::LocalTime begins{dtstart * core::micros_per_second + (random.chance(20) ? 250'000 : 0)};
        for (const Gap gap : {Gap::skip, Gap::shift}) {
            Work work;
            RuleStream quick(rule, begins, gap, zone, work);
            RuleStream general(rule, begins, gap, zone, work, core::detail::make_general_walk(rule, dtstart, work));
            ASSERT_EQ(quick.seeks(), general.seeks()) << name_of(rule, dtstart);
            for (int j = 0; j < 3; ++j) {
                const Window w = window_near(&random, dtstart);
                general.seek(w.from, w.to);
                const std::vector<Instant> expected = one_by_one(&general, most);
                quick.seek(w.from, w.to);
                ASSERT_EQ(in_portions(&quick, &random, most), expected)
                    << zone_name << " " << name_of(rule, dtstart) << " from " << w.from.micros << " to " << w.to.micros;
                quick.seek(w.from, w.to);
                ASSERT_EQ(one_by_one(&quick, most), expected) << zone_name << " " << name_of(rule, dtstart);
                general.seek(w.from, w.to);
                ASSERT_EQ(in_portions(&general, &random, most), expected) << zone_name << " " << name_of(rule, dtstart);
            }
        }
    }
}

TEST(RuleStream, PortionsInUtc) { compare_streams("UTC", 41); }
TEST(RuleStream, PortionsInBerlin) { compare_streams("Europe/Berlin", 42); }
TEST(RuleStream, PortionsInLordHowe) { compare_streams("Australia/Lord_Howe", 43); }
TEST(RuleStream, PortionsInCasablanca) { compare_streams("Africa/Casablanca", 44); }
TEST(RuleStream, PortionsInApia) { compare_streams("Pacific/Apia", 45); }
TEST(RuleStream, PortionsInSantiago) { compare_streams("America/Santiago", 46); }

// Times of day at which the clock jumps and falls back, every day and every week.
TEST(RuleStream, PortionsThroughGapsAndPairs) {
    const TzifZone zone("America/New_York");
    RuleGenerator random(47);
    for (const char *rule : {"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU", "FREQ=DAILY;COUNT=2000", "FREQ=DAILY;BYHOUR=1,2,3"})
        for (const char *start_text : {"20200101T0230", "20200101T0130", "20200101T0200", "20200101T0300"})
            for (const Gap gap : {Gap::skip, Gap::shift}) {
                const core::RecurrenceSpec set = set_of(start_text, rule, gap);
                const Wall dtstart = set.dtstart.micros / core::micros_per_second;
                Work work;
                RuleStream quick(set.rules[0], set.dtstart, gap, zone, work);
                RuleStream general(set.rules[0], set.dtstart, gap, zone, work,
                                   core::detail::make_general_walk(set.rules[0], dtstart, work));
                quick.seek(core::instant_min, core::instant_max);
                general.seek(core::instant_min, core::instant_max);
                EXPECT_EQ(in_portions(&quick, &random, 3000), one_by_one(&general, 3000)) << rule << " " << start_text;
            }
}

// Sets: portions equal single steps with dates added and removed, and the rule alone equals its set.
TEST(RecurrenceSet, PortionsEqualSingleSteps) {
    const TzifZone zone("Europe/Berlin");
    RuleGenerator random(51);
    constexpr std::size_t most = 500;
    for (int i = 0; i < rounds(400); ++i) {
        const Wall dtstart = random.dtstart();
        core::RecurrenceSpec set;
        set.dtstart = {dtstart * core::micros_per_second};
        set.gap = random.chance(50) ? Gap::skip : Gap::shift;
        for (std::int64_t rules = random.chance(80) ? 1 : random.below(3); rules > 0; --rules)
            set.rules.push_back(any_rule(&random, dtstart));
        const Window w = window_near(&random, dtstart);
        Work work;
        if (random.chance(50)) {
            core::RecurrenceIterator some(set, zone, work);
            for (const Instant t : one_by_one(&some, 40))
                if (random.chance(20))
                    set.exdate_instants.push_back(t);
            for (std::int64_t dates = random.below(4); dates > 0; --dates)
                set.rdates.push_back({(dtstart + random.below(900 * wall_day)) * core::micros_per_second});
        }
        core::RecurrenceIterator single(set, zone, work, w.from, w.to), portions(set, zone, work, w.from, w.to);
        const std::vector<Instant> expected = one_by_one(&single, most);
        ASSERT_EQ(in_portions(&portions, &random, most), expected) << i;
        if (set.rules.size() != 1 || !set.rdates.empty() || !set.exdate_instants.empty())
            continue;
        std::vector<Instant> alone;
        const std::int64_t at_most = random.chance(20) ? random.below(4) : random.below(most);
        core::each_occurrence(
            set.rules[0], set.dtstart, set.gap, zone, {w.from, w.to}, at_most, work,
            [](std::span<const Instant> portion, void *to) {
                auto *all = static_cast<std::vector<Instant> *>(to);
                all->insert(all->end(), portion.begin(), portion.end());
            },
            &alone);
        ASSERT_EQ(alone,
                  std::vector<Instant>(expected.begin(), expected.begin() + std::min(at_most, std::ssize(expected))))
            << name_of(set.rules[0], dtstart);
    }
}

} // namespace
} // namespace pg_clinic::test
