// Rules in English.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/rrule.hpp"
#include "support/naive_rule.hpp"

namespace pg_clinic::test {
namespace {

struct Description {
    const char *rule, *words;
};

TEST(RRuleDescribe, English) {
    const Description cases[] = {
        {"FREQ=DAILY;COUNT=10", "every day, 10 times"},
        {"FREQ=DAILY;UNTIL=19971224T000000Z", "every day until 24 December 1997 at 00:00 UTC"},
        {"FREQ=DAILY;INTERVAL=2", "every 2 days"},
        {"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0,30", "every weekday at 09:00 and 09:30"},
        {"FREQ=DAILY;INTERVAL=3;BYDAY=SA", "every 3 days if it is a Saturday"},
        {"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"},
        {"FREQ=WEEKLY;INTERVAL=2;UNTIL=20261231;BYDAY=MO,WE",
         "every 2 weeks on Monday and Wednesday until 31 December 2026"},
        {"FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
         "every 2 weeks on Tuesday and Thursday, 8 times (weeks start on Sunday)"},
        {"FREQ=MONTHLY;BYDAY=1MO", "the first Monday of every month"},
        {"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "the last weekday of every month"},
        {"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "the second to last weekday of every month"},
        {"FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
         "every 2 months on the first Sunday and the last Sunday, 10 times"},
        {"FREQ=MONTHLY;BYMONTHDAY=1,15", "the 1st and the 15th of every month"},
        {"FREQ=MONTHLY;BYMONTHDAY=-1", "the last day of every month"},
        {"FREQ=MONTHLY;BYMONTHDAY=-2", "the second to last day of every month"},
        {"FREQ=MONTHLY;BYMONTHDAY=11,12,21,22,23,31",
         "the 11th, the 12th, the 21st to the 23rd and the 31st of every month"},
        {"FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "the 13th of every month if it is a Friday"},
        {"FREQ=MONTHLY", "every month"},
        {"FREQ=YEARLY", "every year"},
        {"FREQ=YEARLY;BYMONTH=6,7", "every year in June and July"},
        {"FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "every Thursday in March"},
        {"FREQ=YEARLY;BYDAY=20MO", "the 20th Monday of every year"},
        {"FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "the fourth Thursday of every November"},
        {"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "every year on Monday in week 20"},
        {"FREQ=YEARLY;BYWEEKNO=1,-1", "every year in week 1 and the last week"},
        {"FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200", "every 3 years on the 1st, the 100th and the 200th day"},
        {"FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
         "every 4 years on the 2nd to the 8th of November if it is a Tuesday"},
        {"FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=FORWARD;BYMONTH=2;BYMONTHDAY=29;UNTIL=20300101",
         "the 29th of every February, moved forward where there is no such day, until 1 January 2030"},
        {"FREQ=HOURLY;INTERVAL=3;UNTIL=20260902T170000", "every 3 hours until 2 September 2026 at 17:00"},
        {"FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12", "every 20 minutes during hours 9 to 12"},
        {"FREQ=SECONDLY;INTERVAL=30;COUNT=1", "every 30 seconds, once"},
        {"FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
         "every day during hours 9 to 16 at minutes 0, 20 and 40"},
        {"FREQ=DAILY;BYHOUR=8;BYMINUTE=5;BYSECOND=9", "every day at 08:05:09"},
        {"FREQ=MONTHLY;BYMONTHDAY=1,2;BYHOUR=8,9;BYMINUTE=0;BYSETPOS=1",
         "the 1st and the 2nd of every month at 08:00 and 09:00, only the first of each month"},
    };
    for (const Description &c : cases)
        EXPECT_EQ(core::describe(core::parse_rrule(c.rule), "en"), c.words) << c.rule;
}

TEST(RRuleDescribe, UnknownLocale) {
    try {
        core::describe(core::parse_rrule("FREQ=DAILY"), "tlh");
        ADD_FAILURE();
    } catch (const core::Error &error) {
        EXPECT_EQ(error.code(), core::ErrorCode::invalid_parameter);
    }
}

// Every rule has words, without holes.
TEST(RRuleDescribe, AnyRule) {
    RuleGenerator generator(6);
    for (int i = 0; i < 3000; ++i) {
        const core::RRule rule = generator.rule({}, generator.dtstart());
        const std::string words = core::describe(rule, "en");
        EXPECT_EQ(words.find("  "), std::string::npos) << words;
        EXPECT_EQ(words.find(" ,"), std::string::npos) << words;
        EXPECT_NE(words.front(), ' ') << words;
        EXPECT_NE(words.back(), ' ') << words;
    }
}

} // namespace
} // namespace pg_clinic::test
