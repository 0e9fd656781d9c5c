// The engine against the naive evaluator of RFC 5545's definition, over seeded random rules.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/recurrence_set.hpp"
#include "support/naive_rule.hpp"
#include "support/rounds.hpp"
#include "support/tzif_zone.hpp"

namespace pg_clinic::test {
namespace {

using core::Gap;
using core::Instant;
using core::RecurrenceSpec;
using core::RRule;
using core::Work;

std::string show(Instant t) {
    const core::LocalTime local{t.micros};
    const core::CivilDate d = core::to_civil(core::date_of(local));
    const auto s = static_cast<int>(core::time_of_day(local).micros / core::micros_per_second);
    char text[40];
    std::snprintf(text, sizeof text, "%04d%02d%02dT%02d%02d%02d", d.year, d.month, d.day, s / 3600, s / 60 % 60,
                  s % 60);
    return text;
}

std::string show(const std::vector<Instant> &all) {
    std::string text = std::to_string(all.size()) + ":";
    for (std::size_t i = 0; i < std::min<std::size_t>(all.size(), 12); ++i)
        text += " " + show(all[i]);
    return text;
}

// A case: a rule, its start and how far it is looked at.
struct Case {
    RecurrenceSpec spec;
    Wall dtstart = 0;
    Wall end = 0;
    std::string text;
};

Case random_case(RuleGenerator *generator, const RuleShape &shape) {
    Case c;
    c.dtstart = generator->dtstart();
    c.spec.dtstart = {c.dtstart * core::micros_per_second};
    c.spec.rules.push_back(generator->rule(shape, c.dtstart));
    c.end = naive_horizon(c.spec.rules[0], c.dtstart);
    c.text = "DTSTART:" + show(Instant{c.spec.dtstart.micros}) + " " + core::to_text(c.spec.rules[0]);
    return c;
}

void compare_in_wall_time(std::uint64_t seed, int rules, const RuleShape &shape) {
    const core::FixedZone utc(0);
    RuleGenerator generator(seed);
    for (int i = 0; i < rounds(rules); ++i) {
        const Case c = random_case(&generator, shape);
        const std::vector<Instant> expected = naive_instants(c.spec.rules[0], c.dtstart, c.end, utc, Gap::skip);
        Work work;
        const std::vector<Instant> found = core::occurrences(
            c.spec, utc, {core::instant_min, Instant{c.end * core::micros_per_second}}, std::nullopt, work);
        ASSERT_EQ(found, expected) << c.text << "\nfound " << show(found) << "\nnaive " << show(expected);
    }
}

TEST(RRuleNaive, DaysAndCoarser) { compare_in_wall_time(1, 2000, {true, false, false, true}); }
TEST(RRuleNaive, DaysAndCoarserWithSkip) { compare_in_wall_time(2, 1500, {true, false, true, true}); }
TEST(RRuleNaive, BelowADay) { compare_in_wall_time(3, 700, {false, true, false, true}); }

// Zones: gaps and pairs of every kind, around the years the generator starts rules in.
void compare_in_zone(const char *name, std::uint64_t seed, int rules) {
    const TzifZone zone(name);
    RuleGenerator generator(seed);
    for (int i = 0; i < rounds(rules); ++i) {
        const Case c = random_case(&generator, {});
        for (const Gap gap : {Gap::skip, Gap::shift}) {
            RecurrenceSpec spec = c.spec;
            spec.gap = gap;
            // The naive list is cut at a wall time; compare what lies safely before the cut.
            const Instant cut{(c.end - 3 * 86'400) * core::micros_per_second};
            std::vector<Instant> expected = naive_instants(spec.rules[0], c.dtstart, c.end, zone, gap);
            expected.erase(std::lower_bound(expected.begin(), expected.end(), cut), expected.end());
            Work work;
            const std::vector<Instant> found =
                core::occurrences(spec, zone, {core::instant_min, cut}, std::nullopt, work);
            ASSERT_EQ(found, expected) << name << " " << c.text << (gap == Gap::skip ? " skip" : " shift") << "\nfound "
                                       << show(found) << "\nnaive " << show(expected);
        }
    }
}

TEST(RRuleNaive, NewYork) { compare_in_zone("America/New_York", 11, 150); }
TEST(RRuleNaive, Berlin) { compare_in_zone("Europe/Berlin", 12, 150); }
TEST(RRuleNaive, LordHowe) { compare_in_zone("Australia/Lord_Howe", 13, 150); }
TEST(RRuleNaive, Santiago) { compare_in_zone("America/Santiago", 14, 150); }
TEST(RRuleNaive, Cairo) { compare_in_zone("Africa/Cairo", 15, 150); }
TEST(RRuleNaive, Apia) { compare_in_zone("Pacific/Apia", 16, 150); }
TEST(RRuleNaive, Casablanca) { compare_in_zone("Africa/Casablanca", 17, 150); }

// Seeking anywhere gives what expanding from DTSTART and filtering gives; so do next, previous and is.
TEST(RRuleNaive, SeekEqualsFilter) {
    const TzifZone zone("Europe/Berlin");
    RuleGenerator generator(21);
    for (int i = 0; i < rounds(600); ++i) {
        Case c = random_case(&generator, {});
        c.spec.gap = generator.chance(50) ? Gap::skip : Gap::shift;
        Work work;
        const Instant end{c.end * core::micros_per_second};
        const std::vector<Instant> all = core::occurrences(c.spec, zone, {core::instant_min, end}, std::nullopt, work);
        for (int j = 0; j < 4; ++j) {
            const Wall length = c.end - c.dtstart;
            Instant from{(c.dtstart + generator.below(length)) * core::micros_per_second};
            if (!all.empty() && generator.chance(60))
                from = all[static_cast<std::size_t>(generator.below(std::ssize(all)))];
            const Instant to = std::min(end, Instant{from.micros + generator.below(length) * core::micros_per_second});
            const auto low = std::lower_bound(all.begin(), all.end(), from);
            const auto high = std::lower_bound(low, all.end(), to);
            EXPECT_EQ(core::occurrences(c.spec, zone, {from, to}, std::nullopt, work), std::vector<Instant>(low, high))
                << c.text;
            const auto previous = core::previous_occurrence(c.spec, zone, from, work);
            EXPECT_EQ(previous, low == all.begin() ? std::nullopt : std::optional(*(low - 1))) << c.text;
            EXPECT_EQ(core::is_occurrence(c.spec, zone, from, work), low != all.end() && *low == from) << c.text;
            const auto after = std::upper_bound(all.begin(), all.end(), from);
            const auto next = core::next_occurrence(c.spec, zone, from, work);
            if (after != all.end())
                EXPECT_EQ(next, *after) << c.text;
            else
                EXPECT_TRUE(!next || *next >= end) << c.text;
        }
        ASSERT_FALSE(HasFailure());
    }
}

} // namespace
} // namespace pg_clinic::test
