// The kernel against the naive model on random clinics: every start of a lattice of five minutes, with all
// reasons, what remains and the rooms chosen; and what find, its first rows and first_of_each give.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "support/diary_model.hpp"
#include "support/random_clinic.hpp"
#include "support/rounds.hpp"

namespace pg_clinic::core::test {

namespace {

std::string text(const std::vector<std::string> &reasons) {
    std::string joined;
    for (const std::string &r : reasons)
        joined += r + " ";
    return joined;
}

std::string text(const Verdict &v) {
    std::vector<std::string> names;
    for (const Finding &f : v.findings)
        names.emplace_back(name_of(f.reason));
    return text(names);
}

std::string clock(Instant t) {
    const Day d = date_of(LocalTime{t.micros});
    const CivilDate date = to_civil(d);
    const std::int64_t minute = time_of_day(LocalTime{t.micros}).micros / micros_per_minute;
    std::ostringstream out;
    out << date.year << "-" << date.month << "-" << date.day << " " << minute / 60 << ":" << minute % 60 << "Z";
    return out.str();
}

struct Statistics {
    std::int64_t starts = 0, free = 0;
    std::map<std::string, std::int64_t> reasons;
};

// Judges every start on the lattice with both, and compares what find gives.
void compare(const Clinic &c, Statistics &statistics) {
    Work work;
    const Kernel kernel(c.diary, c.request, c.range, work);
    DiaryModel model(c.diary, c.request, c.range);
    std::set<std::tuple<Instant, Id, Id, std::int32_t>> expected;
    for (std::size_t p = 0; p < c.diary.providers.size(); ++p)
        for (const Location &location : c.diary.locations)
            for (Instant t = c.range.begin; t < c.range.end; t.micros += tick) {
                const Verdict all = kernel.judge(p, location.id, t, true);
                const Verdict first = kernel.judge(p, location.id, t, false);
                const ModelVerdict model_all = model.judge(p, location, t);
                ASSERT_EQ(text(all), text(model_all.reasons))
                    << clock(t) << " provider " << p << " at " << (location.id == here);
                ASSERT_EQ(first.findings.size(), all.findings.empty() ? 0U : 1U);
                ASSERT_TRUE(all.free() || (first.findings[0].reason == all.findings[0].reason &&
                                           first.findings[0].source.id == all.findings[0].source.id))
                    << clock(t);
                ASSERT_TRUE(std::is_sorted(all.findings.begin(), all.findings.end(),
                                           [](const Finding &a, const Finding &b) { return a.reason < b.reason; }))
                    << text(all);
                ASSERT_EQ(all.remaining, model_all.remaining) << clock(t) << " " << text(all);
                ASSERT_EQ(all.patient_overlaps, model_all.patient_overlaps);
                ++statistics.starts;
                for (const std::string &reason : model_all.reasons)
                    ++statistics.reasons[reason];
                if (!all.free())
                    continue;
                ASSERT_EQ(all.resources, model_all.resources) << clock(t);
                ASSERT_EQ(first.resources, all.resources);
                ASSERT_EQ(first.remaining, all.remaining);
                ++statistics.free;
                expected.emplace(t, c.diary.providers[p].id, location.id, all.remaining);
            }
    std::set<std::tuple<Instant, Id, Id, std::int32_t>> found;
    const std::vector<Slot> slots = kernel.find();
    for (const Slot &s : slots)
        found.emplace(s.visit.begin, s.provider, s.location, s.remaining);
    ASSERT_EQ(found.size(), slots.size());
    ASSERT_TRUE(found == expected) << found.size() << " slots found, " << expected.size() << " expected";
    ASSERT_TRUE(std::is_sorted(slots.begin(), slots.end(), [](const Slot &a, const Slot &b) {
        return std::tie(a.visit.begin, a.provider, a.location) < std::tie(b.visit.begin, b.provider, b.location);
    }));
    for (const std::size_t rows : {std::size_t{1}, std::size_t{7}}) {
        const std::vector<Slot> some = kernel.find(rows);
        ASSERT_EQ(some.size(), std::min(rows, slots.size()));
        for (std::size_t i = 0; i < some.size(); ++i)
            ASSERT_TRUE(some[i].visit == slots[i].visit && some[i].provider == slots[i].provider &&
                        some[i].location == slots[i].location);
    }
    const auto first = kernel.first_of_each();
    for (std::size_t p = 0; p < first.size(); ++p) {
        const auto it = std::find_if(slots.begin(), slots.end(),
                                     [&](const Slot &s) { return s.provider == c.diary.providers[p].id; });
        ASSERT_EQ(first[p].has_value(), it != slots.end());
        ASSERT_TRUE(!first[p] || (first[p]->visit == it->visit && first[p]->location == it->location));
    }
    std::vector<std::pair<Id, Id>> earliest, begin_first;
    for (const auto &[provider, slot] : kernel.earliest()) {
        ASSERT_EQ(slot.provider, c.diary.providers[provider].id);
        ASSERT_FALSE(slots.empty());
        ASSERT_EQ(slot.visit.begin, slots.front().visit.begin);
        earliest.emplace_back(slot.provider, slot.location);
    }
    for (const auto &slot : first)
        if (slot && slot->visit.begin == slots.front().visit.begin)
            begin_first.emplace_back(slot->provider, slot->location);
    ASSERT_EQ(earliest, begin_first);
}

} // namespace

TEST(KernelOracle, AgreesWithTheModelOnRandomClinics) {
    Statistics statistics;
    for (unsigned seed = 1; seed <= static_cast<unsigned>(pg_clinic::test::rounds(120)) && !HasFatalFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        compare(ClinicGenerator(seed).clinic(), statistics);
    }
    // The clinics are worth nothing if they never come to a point.
    EXPECT_GT(statistics.free, statistics.starts / 100);
    for (const char *reason : {"not_found", "inactive", "in_past", "lead_time", "horizon", "closed_on_date",
                               "outside_hours", "window_too_short", "bad_duration", "off_grid", "blocked", "held",
                               "slot_taken", "full", "no_resource", "patient_conflict", "duplicate", "limit"})
        EXPECT_GT(statistics.reasons[reason], 20) << reason;
}

} // namespace pg_clinic::core::test
