// Sets: zones and gaps, COUNT, UNTIL, RDATE, EXDATE, windows, seeking, and what it may cost.
#include "core/recurrence_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/local_text.hpp"
#include "support/naive_rule.hpp"
#include "support/rounds.hpp"
#include "support/tzif_zone.hpp"

namespace pg_clinic::test {
namespace {

using core::Gap;
using core::Instant;
using core::RecurrenceSpec;
using core::Work;

std::string first(const RecurrenceSpec &spec, const core::Zone &zone, std::int64_t most,
                  core::InstantRange range = {}) {
    Work work;
    return show(core::occurrences(spec, zone, range, most, work), zone);
}

std::string first(const char *dtstart, const char *rule, const char *zone, std::int64_t most, Gap gap = Gap::skip) {
    return first(set_of(dtstart, rule, gap), TzifZone(zone), most);
}

const core::FixedZone &utc_zone() {
    static const core::FixedZone zone(0);
    return zone;
}

std::string wall(const char *dtstart, const char *rule, std::int64_t most) {
    return first(set_of(dtstart, rule), utc_zone(), most);
}

TEST(RecurrenceZone, GapSkipsAndIsNotCounted) {
    EXPECT_EQ(first("20260307T0230", "FREQ=DAILY;COUNT=3", "America/New_York", 9),
              "20260307T023000 20260309T023000 20260310T023000");
    EXPECT_EQ(first("20260307T0230", "FREQ=DAILY;COUNT=3", "America/New_York", 9, Gap::shift),
              "20260307T023000 20260308T033000 20260309T023000");
    EXPECT_EQ(first("20260308T0230", "FREQ=DAILY;COUNT=1", "America/New_York", 9), "20260309T023000");
    EXPECT_EQ(first("20260308T0230", "FREQ=DAILY;UNTIL=20260308", "America/New_York", 9), "");
}

// A shifted time may land on another instance, which is then one, and behind others, which come first.
TEST(RecurrenceZone, ShiftedTimesAreSortedAndMerged) {
    EXPECT_EQ(first("20260308T0100", "FREQ=MINUTELY;INTERVAL=30", "America/New_York", 6, Gap::shift),
              "20260308T010000 20260308T013000 20260308T030000 20260308T033000 20260308T040000 20260308T043000");
    EXPECT_EQ(first("20260308T0115", "FREQ=MINUTELY;INTERVAL=35", "America/New_York", 5, Gap::shift),
              "20260308T011500 20260308T015000 20260308T030000 20260308T032500 20260308T033500");
}

TEST(RecurrenceZone, FirstOfAnAmbiguousPair) {
    const TzifZone zone("America/New_York");
    Work work;
    const auto found = core::occurrences(set_of("20261031T0130", "FREQ=DAILY;COUNT=3"), zone, {}, {}, work);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[1], utc("20261101T0530")); // still daylight time
    // Each wall time once: the repeated hour is not walked twice.
    EXPECT_EQ(first("20261101T0030", "FREQ=HOURLY;COUNT=4", "America/New_York", 9),
              "20261101T003000 20261101T013000 20261101T023000 20261101T033000");
}

TEST(RecurrenceZone, HalfHourAndMidnightAndWholeDayGaps) {
    EXPECT_EQ(first("20261003T0215", "FREQ=DAILY;COUNT=2", "Australia/Lord_Howe", 9),
              "20261003T021500 20261005T021500");
    EXPECT_EQ(first("20261003T0215", "FREQ=DAILY;COUNT=2", "Australia/Lord_Howe", 9, Gap::shift),
              "20261003T021500 20261004T024500");
    EXPECT_EQ(first("20240907T0000", "FREQ=DAILY;COUNT=2", "America/Santiago", 9), "20240907T000000 20240909T000000");
    EXPECT_EQ(first("20240907T0000", "FREQ=DAILY;COUNT=2", "America/Santiago", 9, Gap::shift),
              "20240907T000000 20240908T010000");
    EXPECT_EQ(first("20230427T0000", "FREQ=DAILY;COUNT=2", "Africa/Cairo", 9), "20230427T000000 20230429T000000");
    EXPECT_EQ(first("20111229T1000", "FREQ=DAILY;COUNT=3", "Pacific/Apia", 9),
              "20111229T100000 20111231T100000 20120101T100000");
    EXPECT_EQ(first("20111229T1000", "FREQ=DAILY;COUNT=4", "Pacific/Apia", 9, Gap::shift),
              "20111229T100000 20111231T100000 20120101T100000"); // 30th, moved onto the 31st
    EXPECT_EQ(first("20260101T0230", "FREQ=DAILY;COUNT=2", "Asia/Kolkata", 9), "20260101T023000 20260102T023000");
}

TEST(RecurrenceSet, KeepsTheFractionOfTheStart) {
    RecurrenceSpec spec = set_of("20260101T1200", "FREQ=DAILY;COUNT=2;BYHOUR=9,12");
    spec.dtstart.micros += 250'000;
    EXPECT_EQ(first(spec, utc_zone(), 9), "20260101T120000.250000 20260102T090000.250000");
    Work work;
    EXPECT_TRUE(core::is_occurrence(spec, utc_zone(), {utc("20260102T0900").micros + 250'000}, work));
    EXPECT_FALSE(core::is_occurrence(spec, utc_zone(), utc("20260102T0900"), work));
    spec.dtstart = {local("19990101T1200").micros + 250'000}; // before the epoch
    EXPECT_EQ(first(spec, utc_zone(), 9), "19990101T120000.250000 19990102T090000.250000");
}

TEST(RecurrenceSet, StartCountsOnlyWhenTheRuleYieldsIt) {
    EXPECT_EQ(wall("20260101T0900", "FREQ=WEEKLY;BYDAY=MO;COUNT=2", 9), "20260105T090000 20260112T090000");
}

TEST(RecurrenceSet, UntilForms) {
    EXPECT_EQ(wall("20260101T0900", "FREQ=DAILY;UNTIL=20260103", 9), "20260101T090000 20260102T090000 20260103T090000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=DAILY;UNTIL=20260103T090000", 9),
              "20260101T090000 20260102T090000 20260103T090000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=DAILY;UNTIL=20260103T085959", 9), "20260101T090000 20260102T090000");
    EXPECT_EQ(first("20260101T0900", "FREQ=DAILY;UNTIL=20260102T140000Z", "America/New_York", 9),
              "20260101T090000 20260102T090000");
    EXPECT_EQ(first("20260101T0900", "FREQ=DAILY;UNTIL=20260102T135959Z", "America/New_York", 9), "20260101T090000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=DAILY;UNTIL=20251231", 9), "");
    EXPECT_EQ(wall("20260101T2330", "FREQ=DAILY;UNTIL=20260101", 9), "20260101T233000");
}

TEST(RecurrenceSet, DatesAddedAndRemoved) {
    const TzifZone zone("Europe/Berlin");
    RecurrenceSpec spec = set_of("20260105T0900", "FREQ=WEEKLY;COUNT=4");
    spec.rdates = {local("20251201T1000"), local("20260112T0900"), local("20260329T0230"), local("20260330T0800")};
    spec.rdate_instants = {utc("20260401T0700")};
    spec.exdates = {local("20260119T0900"), local("20260330T0800"), local("20270101T0000")};
    spec.exdate_instants = {utc("20260126T0800")};
    // COUNT counts what EXDATE removes; RDATE is not bound by the start, the count or a rule; EXDATE beats RDATE.
    EXPECT_EQ(first(spec, zone, 20), "20251201T100000 20260105T090000 20260112T090000 20260401T090000");
    EXPECT_EQ(first(spec, zone, 2), "20251201T100000 20260105T090000");
    spec.gap = Gap::shift;
    EXPECT_EQ(first(spec, zone, 20), "20251201T100000 20260105T090000 20260112T090000 20260329T033000 20260401T090000");
    EXPECT_EQ(first(spec, zone, 20, {utc("20260112T0800"), utc("20260401T0700")}), "20260112T090000 20260329T033000");
}

TEST(RecurrenceSet, SeveralRulesAreMerged) {
    RecurrenceSpec spec = set_of("20260101T0900", "FREQ=DAILY;INTERVAL=2;COUNT=3");
    spec.rules.push_back(core::parse_rrule("FREQ=DAILY;INTERVAL=4;COUNT=3"));
    EXPECT_EQ(first(spec, utc_zone(), 9), "20260101T090000 20260103T090000 20260105T090000 20260109T090000");
    spec.exdates = {local("20260101T0900")};
    EXPECT_EQ(first(spec, utc_zone(), 9), "20260103T090000 20260105T090000 20260109T090000");
}

// RFC 5545 §3.8.5.2: without a rule DTSTART is the first instance.
TEST(RecurrenceSet, WithoutARule) {
    RecurrenceSpec spec;
    spec.dtstart = local("20260101T0900");
    EXPECT_EQ(first(spec, utc_zone(), 9), "20260101T090000");
    spec.rdates = {local("20260201T0900"), local("20260101T0900")};
    EXPECT_EQ(first(spec, utc_zone(), 9), "20260101T090000 20260201T090000");
    EXPECT_FALSE(core::is_unbounded(spec));
}

TEST(RecurrenceSet, WindowIsHalfOpenAndMaxCountComesLast) {
    const RecurrenceSpec spec = set_of("20260101T0900", "FREQ=DAILY");
    EXPECT_EQ(first(spec, utc_zone(), 9, {utc("20260102T0900"), utc("20260104T0900")}),
              "20260102T090000 20260103T090000");
    EXPECT_EQ(first(spec, utc_zone(), 1, {utc("20260102T0900"), utc("20260104T0900")}), "20260102T090000");
    EXPECT_EQ(first(spec, utc_zone(), 0), "");
    EXPECT_EQ(first(spec, utc_zone(), 9, {utc("20260104"), utc("20260102")}), "");
    Work work;
    EXPECT_THROW(core::occurrences(spec, utc_zone(), {}, -1, work), core::Error);
    EXPECT_TRUE(core::is_unbounded(spec));
}

TEST(RecurrenceSet, StartOutsideOfTheSupportedRange) {
    Work work;
    RecurrenceSpec spec = set_of("20260101", "FREQ=DAILY");
    for (const std::int64_t micros : {std::int64_t{1} << 62, -(std::int64_t{1} << 62)}) {
        spec.dtstart = {micros};
        try {
            core::occurrences(spec, utc_zone(), {}, 1, work);
            ADD_FAILURE();
        } catch (const core::Error &error) {
            EXPECT_EQ(error.code(), core::ErrorCode::datetime_overflow);
        }
    }
}

TEST(RecurrenceSet, AddedDatesOutsideOfTheSupportedRange) {
    Work work;
    RecurrenceSpec spec = set_of("20260101", "FREQ=DAILY");
    spec.exdate_instants = {core::instant_min, core::instant_max}; // harmless
    EXPECT_EQ(core::occurrences(spec, utc_zone(), {}, 1, work).size(), 1U);
    spec.rdate_instants = {core::instant_max};
    EXPECT_THROW(core::occurrences(spec, utc_zone(), {}, 1, work), core::Error);
    spec.rdate_instants.clear();
    spec.rdates = {{core::instant_min.micros}};
    EXPECT_THROW(core::previous_occurrence(spec, utc_zone(), core::instant_max, work), core::Error);
}

TEST(RecurrenceReadings, MissingPartsComeFromTheStart) {
    EXPECT_EQ(wall("20260115T0900", "FREQ=YEARLY;BYMONTHDAY=1", 3), "20260201T090000 20260301T090000 20260401T090000");
    EXPECT_EQ(wall("20260115T0900", "FREQ=YEARLY;BYWEEKNO=20", 2), "20260514T090000 20270520T090000"); // Thursdays
    EXPECT_EQ(wall("20240229T0900", "FREQ=YEARLY", 2), "20240229T090000 20280229T090000");
    EXPECT_EQ(wall("20260131T0900", "FREQ=MONTHLY", 3), "20260131T090000 20260331T090000 20260531T090000");
    EXPECT_EQ(wall("20260101T093015", "FREQ=DAILY;BYHOUR=8,10", 2), "20260101T103015 20260102T083015");
    // Days that BYMONTHDAY names need no weekday from DTSTART.
    EXPECT_EQ(wall("20260101T0900", "FREQ=YEARLY;BYWEEKNO=2;BYMONTHDAY=10", 2), "20260110T090000 20280110T090000");
}

TEST(RecurrenceReadings, SetPositionsCountTheWholeInterval) {
    // The first interval too: the set of January has the 1st and 2nd, before DTSTART.
    EXPECT_EQ(wall("20260115T0900", "FREQ=MONTHLY;BYMONTHDAY=1,2,20;BYSETPOS=3", 2), "20260120T090000 20260220T090000");
    EXPECT_EQ(wall("20260115T0900", "FREQ=MONTHLY;BYMONTHDAY=1,2,20;BYSETPOS=1", 2), "20260201T090000 20260301T090000");
    EXPECT_EQ(wall("20260107T0900", "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", 2), "20260112T090000 20260119T090000");
    // Times of day are members too.
    EXPECT_EQ(wall("20260101T0900", "FREQ=MONTHLY;BYMONTHDAY=1,2;BYHOUR=8,18;BYSETPOS=-1,2", 3),
              "20260101T180000 20260102T180000 20260201T180000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=HOURLY;BYMINUTE=10,20,30;BYSETPOS=-1", 2), "20260101T093000 20260101T103000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=SECONDLY;BYMINUTE=30;BYSETPOS=2", 2), "");
    EXPECT_EQ(wall("20260101T0900", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366,-366", 2), "");
    EXPECT_EQ(wall("20260101T0900", "FREQ=DAILY;BYHOUR=9,10;BYSETPOS=1,-2", 2), "20260101T090000 20260102T090000");
}

TEST(RecurrenceReadings, CoarserPartsOnlyLimit) {
    EXPECT_EQ(wall("20260101T0000", "FREQ=HOURLY;INTERVAL=5;BYDAY=MO", 6),
              "20260105T040000 20260105T090000 20260105T140000 20260105T190000 20260112T010000 20260112T060000");
    EXPECT_EQ(wall("20260101T0000", "FREQ=DAILY;INTERVAL=2;BYDAY=MO", 2), "20260105T000000 20260119T000000");
}

TEST(RecurrenceReadings, NumberedWeeksMayLieInTheNeighbouringYear) {
    EXPECT_EQ(wall("20240601T0900", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", 3),
              "20241230T090000 20251229T090000 20270104T090000");
    EXPECT_EQ(wall("20200601T0900", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=FR", 2), "20210101T090000 20270101T090000");
    EXPECT_EQ(wall("20200601T0900", "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU", 3),
              "20210103T090000 20220102T090000 20230101T090000");
    EXPECT_EQ(wall("20240601T0900", "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO", 2),
              "20251229T090000 20280103T090000");
    EXPECT_EQ(wall("20210101T0900", "FREQ=YEARLY;BYWEEKNO=53", 2), "20210101T090000 20270101T090000");
    EXPECT_EQ(wall("20240601T0900", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;BYMONTH=12", 2),
              "20241230T090000 20251229T090000");
    EXPECT_EQ(wall("20240101T0900", "FREQ=YEARLY;BYWEEKNO=1;WKST=SU;BYDAY=SU", 3),
              "20241229T090000 20260104T090000 20270103T090000");
}

TEST(RecurrenceReadings, OrdinalsCountWithinMonthOrYear) {
    EXPECT_EQ(wall("20260101T0900", "FREQ=YEARLY;BYDAY=1MO", 2), "20260105T090000 20270104T090000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=YEARLY;BYMONTH=3;BYDAY=1MO", 2), "20260302T090000 20270301T090000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=YEARLY;BYDAY=53TH", 2), "20261231T090000 20321230T090000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=5,6", 2), "20260105T090000 20260406T090000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=YEARLY;BYMONTHDAY=5;BYDAY=1MO", 2), "20260105T090000 20320105T090000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=MONTHLY;BYDAY=6MO", 2), "");
}

TEST(RecurrenceReadings, SkipMergesBeforeCount) {
    const char *both = "FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=BACKWARD;BYMONTHDAY=28,29,30,31;BYMONTH=2;COUNT=3";
    EXPECT_EQ(wall("20260101T0900", both, 9), "20260228T090000 20270228T090000 20280228T090000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=FORWARD;BYMONTHDAY=1,31;COUNT=6", 9),
              "20260101T090000 20260131T090000 20260201T090000 20260301T090000 20260331T090000 20260401T090000");
    // A negative day lies before its month.
    EXPECT_EQ(wall("20260210T0900", "FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=BACKWARD;BYMONTHDAY=-31;COUNT=3", 9),
              "20260301T090000 20260331T090000 20260501T090000");
    EXPECT_EQ(wall("20260210T0900", "FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=FORWARD;BYMONTHDAY=-31;COUNT=3", 9),
              "20260301T090000 20260401T090000 20260501T090000");
    // BYDAY limits what SKIP made.
    EXPECT_EQ(wall("20260101T0900", "FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=FORWARD;BYMONTHDAY=30;BYMONTH=2;BYDAY=SU", 2),
              "20260301T090000 20370301T090000"); // a Sunday in these years
    EXPECT_EQ(wall("20260101T0900", "FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=FORWARD;BYYEARDAY=366", 3),
              "20270101T090000 20280101T090000 20281231T090000");
    EXPECT_EQ(wall("20260101T0900", "FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=BACKWARD;BYYEARDAY=366", 2),
              "20261231T090000 20271231T090000");
    // Limits move nothing: a daily rule knows no 30 February.
    EXPECT_EQ(wall("20260101T0900", "FREQ=DAILY;RSCALE=GREGORIAN;SKIP=FORWARD;BYMONTHDAY=30;BYMONTH=2", 2), "");
}

TEST(RecurrenceSeek, SkippedDaysOfTheIntervalBefore) {
    const RecurrenceSpec spec = set_of("20260130T0900", "FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=FORWARD");
    Work work;
    EXPECT_TRUE(core::is_occurrence(spec, utc_zone(), utc("20260301T0900"), work));
    EXPECT_EQ(core::next_occurrence(spec, utc_zone(), utc("20260228"), work), utc("20260301T0900"));
    EXPECT_EQ(core::previous_occurrence(spec, utc_zone(), utc("20260329"), work), utc("20260301T0900"));
}

// Windows anywhere cost the same: far below what a walk from DTSTART would take.
TEST(RecurrenceSeek, CostsTheSameAnywhere) {
    const TzifZone zone("America/New_York");
    const char *rules[] = {"FREQ=SECONDLY",
                           "FREQ=SECONDLY;INTERVAL=7",
                           "FREQ=MINUTELY;BYDAY=MO",
                           "FREQ=HOURLY;INTERVAL=5",
                           "FREQ=DAILY",
                           "FREQ=DAILY;BYMONTH=1,7",
                           "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU",
                           "FREQ=MONTHLY;BYDAY=-1FR",
                           "FREQ=YEARLY;BYMONTH=5",
                           "FREQ=YEARLY;BYDAY=MO;BYSETPOS=-1",
                           "FREQ=SECONDLY;COUNT=999999999999",
                           "FREQ=HOURLY;COUNT=999999999;BYMINUTE=0,30",
                           "FREQ=DAILY;COUNT=9999999;BYHOUR=9,17",
                           "FREQ=WEEKLY;COUNT=9999999;BYDAY=MO,TU,WE",
                           "FREQ=DAILY;COUNT=9999999;BYDAY=MO,TU,WE,TH,FR",
                           "FREQ=MONTHLY;COUNT=9999999",
                           "FREQ=MONTHLY;COUNT=9999999;BYDAY=2MO",
                           "FREQ=YEARLY;COUNT=9999999"};
    for (const char *rule : rules)
        for (const char *from : {"19970910", "20770910", "90000910"}) {
            Work work;
            const RecurrenceSpec spec = set_of("19970901T0230", rule, Gap::skip);
            const auto found = core::occurrences(spec, zone, {utc(from), core::instant_max}, 3, work);
            EXPECT_EQ(found.size(), 3U) << rule << " " << from;
            EXPECT_LT(work.used(), 60'000U) << rule << " " << from; // COUNT looks at 7 000 gaps on the way
            Work other;
            const auto previous = core::previous_occurrence(spec, zone, utc(from), other);
            EXPECT_EQ(previous && *previous < utc(from), previous.has_value());
            EXPECT_LT(other.used(), 1'500'000U) << rule << " " << from;
        }
}

TEST(RecurrenceSeek, CountIsExactFarAway) {
    // 7 000 years of gaps have dropped one instance each.
    const TzifZone zone("America/New_York");
    const RecurrenceSpec all = set_of("20260101T0230", "FREQ=DAILY;COUNT=30000");
    Work work;
    const auto walked = core::occurrences(all, zone, {}, {}, work);
    ASSERT_EQ(walked.size(), 30'000U);
    EXPECT_EQ(core::previous_occurrence(all, zone, core::instant_max, work), walked.back());
    EXPECT_EQ(core::next_occurrence(all, zone, walked[29'998], work), walked.back());
    EXPECT_EQ(core::next_occurrence(all, zone, walked.back(), work), std::nullopt);
}

// Rules that match nothing, or next to nothing, end soon.
TEST(RecurrenceBudget, SparseAndEmptyRulesAreCheap) {
    const char *empty[] = {"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
                           "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
                           "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
                           "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
                           "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
                           "FREQ=HOURLY;INTERVAL=168;BYDAY=TU",
                           "FREQ=HOURLY;INTERVAL=24;BYHOUR=10",
                           "FREQ=SECONDLY;INTERVAL=2;BYSECOND=1",
                           "FREQ=SECONDLY;INTERVAL=86400;BYMINUTE=1",
                           "FREQ=SECONDLY;INTERVAL=7;BYDAY=MO;BYHOUR=1;BYMINUTE=1;BYSECOND=1",
                           "FREQ=MINUTELY;INTERVAL=1440;BYMONTH=4;BYMONTHDAY=31",
                           "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
                           "FREQ=YEARLY;BYYEARDAY=60;BYMONTH=5",
                           "FREQ=YEARLY;INTERVAL=100;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
                           "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
                           "FREQ=MONTHLY;INTERVAL=12;BYMONTH=6",
                           "FREQ=SECONDLY;INTERVAL=2147483647;BYMONTH=2;BYMONTHDAY=30",
                           "FREQ=HOURLY;BYYEARDAY=366;BYMONTH=11",
                           "FREQ=SECONDLY;BYYEARDAY=-366;BYMONTHDAY=2"};
    const core::FixedZone zone(0);
    for (const char *rule : empty) {
        Work work;
        const RecurrenceSpec spec = set_of("20260105T0900", rule); // a Monday
        EXPECT_EQ(show(core::occurrences(spec, zone, {}, 3, work), zone), "") << rule;
        EXPECT_EQ(core::previous_occurrence(spec, zone, core::instant_max, work), std::nullopt) << rule;
        EXPECT_LT(work.used(), 1'000'000U) << rule;
    }
    const char *sparse[] = {"FREQ=HOURLY;INTERVAL=7;BYMONTH=3", "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=3",
                            "FREQ=MINUTELY;INTERVAL=527040;BYDAY=MO", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
                            "FREQ=SECONDLY;INTERVAL=86399;BYHOUR=1;BYMINUTE=1;BYSECOND=1"};
    for (const char *rule : sparse) {
        Work work;
        const RecurrenceSpec spec = set_of("20260105T0900", rule);
        const auto found = core::occurrences(spec, zone, {}, 3, work);
        ASSERT_EQ(found.size(), 3U) << rule;
        EXPECT_EQ(core::previous_occurrence(spec, zone, found[2], work), found[1]) << rule;
        EXPECT_LT(work.used(), 2'000'000U) << rule;
    }
}

TEST(RecurrenceBudget, EndsInAnErrorNotInAShorterList) {
    Work work(100'000);
    try {
        core::occurrences(set_of("20260101", "FREQ=SECONDLY"), utc_zone(), {}, {}, work);
        ADD_FAILURE();
    } catch (const core::Error &error) {
        EXPECT_EQ(error.code(), core::ErrorCode::limit_exceeded);
    }
}

// Hostile rules: every search ends, by an answer or by the budget.
TEST(RecurrenceBudget, RandomRulesStayBounded) {
    const TzifZone zone("Europe/Berlin");
    RuleGenerator generator(31);
    for (int i = 0; i < pg_clinic::test::rounds(500); ++i) {
        RecurrenceSpec spec;
        const Wall start = generator.dtstart();
        spec.dtstart = {start * core::micros_per_second};
        spec.rules.push_back(generator.rule({}, start));
        if (generator.chance(30))
            spec.rules[0].interval = static_cast<std::int32_t>(1 + generator.below(100'000));
        Work work;
        const Instant from{(start + generator.below(6000LL * 366 * 86'400)) * core::micros_per_second};
        core::occurrences(spec, zone, {from, core::instant_max}, 5, work);
        core::is_occurrence(spec, zone, from, work);
        core::previous_occurrence(spec, zone, from, work);
        EXPECT_LT(work.used(), 60'000'000U) << core::to_text(spec.rules[0]);
    }
}

TEST(RecurrenceSet, ReachesYear9999) {
    Work work;
    const auto found =
        core::previous_occurrence(set_of("20260101T0900", "FREQ=DAILY"), utc_zone(), core::instant_max, work);
    EXPECT_EQ(show(*found, utc_zone()), "99991231T090000");
    EXPECT_EQ(wall("99991230T0900", "FREQ=DAILY", 9), "99991230T090000 99991231T090000");
    EXPECT_EQ(wall("00010101T0000", "FREQ=YEARLY;INTERVAL=5000", 9), "00010101T000000 50010101T000000");
}

TEST(RecurrenceSet, IteratorStartsAnywhere) {
    const RecurrenceSpec spec = set_of("20260101T0900", "FREQ=DAILY;COUNT=3");
    Work work;
    core::RecurrenceIterator iterator(spec, utc_zone(), work, utc("20260102"));
    EXPECT_EQ(iterator.next(), utc("20260102T0900"));
    EXPECT_EQ(iterator.next(), utc("20260103T0900"));
    EXPECT_EQ(iterator.next(), std::nullopt);
    EXPECT_EQ(iterator.next(), std::nullopt);
    core::RecurrenceIterator late(spec, utc_zone(), work, core::instant_max);
    EXPECT_EQ(late.next(), std::nullopt);
}

TEST(RuleDates, LikeTheRuleInDateSpace) {
    Work work;
    const core::RRule weekly = core::parse_rrule("FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20260115T120000Z");
    const core::Day anchor = core::to_day({2026, 1, 1});
    const auto dates = core::rule_dates(weekly, anchor, anchor - 100, anchor + 100, work);
    std::string text;
    for (const core::Day day : dates)
        text += show(core::at(day)).substr(0, 8) + " ";
    EXPECT_EQ(text, "20260101 20260105 20260108 20260112 20260115 ");
    EXPECT_TRUE(core::rule_dates(weekly, anchor, anchor + 100, anchor + 50, work).empty());
    const core::RRule counted = core::parse_rrule("FREQ=DAILY;COUNT=5");
    EXPECT_EQ(core::rule_dates(counted, anchor, anchor + 3, anchor + 30, work).size(), 2U);
    const core::RRule monthly = core::parse_rrule("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3");
    EXPECT_EQ(core::rule_dates(monthly, anchor, anchor + 31, anchor + 900, work).size(), 2U);
    for (const char *rule : {"FREQ=HOURLY", "FREQ=DAILY;BYHOUR=9", "FREQ=DAILY;BYMINUTE=9", "FREQ=DAILY;BYSECOND=9"})
        EXPECT_THROW(core::rule_dates(core::parse_rrule(rule), anchor, anchor, anchor, work), core::Error) << rule;
}

TEST(RuleDates, EqualOccurrencesInUtc) {
    RuleGenerator generator(41);
    for (int i = 0; i < 2000; ++i) {
        const core::Day anchor = core::date_of({generator.dtstart() * core::micros_per_second});
        core::RRule rule = generator.rule({true, false, true, true}, anchor.days * 86'400LL);
        rule.by_hour.clear();
        rule.by_minute.clear();
        rule.by_second.clear();
        if (rule.until && rule.until->kind != core::Until::Kind::date)
            rule.until = core::Until{core::Until::Kind::date, core::at(core::date_of({rule.until->micros})).micros};
        const core::Day begin = anchor + static_cast<std::int32_t>(generator.below(2000)) - 200;
        const core::Day end = begin + static_cast<std::int32_t>(generator.below(400));
        RecurrenceSpec spec;
        spec.dtstart = core::at(anchor);
        spec.rules.push_back(rule);
        Work work;
        std::vector<core::Day> expected;
        for (const Instant t :
             core::occurrences(spec, utc_zone(), {{core::at(begin).micros}, {core::at(end + 1).micros}}, {}, work))
            expected.push_back(core::date_of({t.micros}));
        ASSERT_EQ(core::rule_dates(rule, anchor, begin, end, work), expected) << core::to_text(rule);
    }
}

// For the planner an order of magnitude is enough.
TEST(RecurrenceEstimate, IsNearTheTruth) {
    for (const char *rule :
         {"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=MONTHLY;BYDAY=1MO", "FREQ=MONTHLY;BYMONTHDAY=1,15",
          "FREQ=YEARLY;BYMONTH=6,7", "FREQ=HOURLY;INTERVAL=5;BYDAY=MO", "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,30",
          "FREQ=WEEKLY;INTERVAL=2", "FREQ=DAILY;COUNT=10", "FREQ=DAILY;UNTIL=20260201", "FREQ=YEARLY;BYDAY=20MO",
          "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
          "FREQ=MINUTELY;BYHOUR=9"}) {
        const RecurrenceSpec spec = set_of("20260101T0900", rule);
        const core::InstantRange range{utc("20260101"), utc("20310101")};
        Work work;
        const auto found = static_cast<double>(core::occurrences(spec, utc_zone(), range, {}, work).size());
        const double guess = core::estimate_occurrences(spec, range);
        EXPECT_LT(guess, found * 1.5 + 2) << rule;
        EXPECT_GT(guess, found * 0.6 - 2) << rule;
    }
    EXPECT_EQ(core::estimate_occurrences(set_of("20260101", "FREQ=DAILY"), {utc("20200101"), utc("20210101")}), 0);
}

} // namespace
} // namespace pg_clinic::test
