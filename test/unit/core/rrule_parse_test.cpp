// The parser: what it refuses, naming part and position, and the canonical text of what it accepts.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/rrule.hpp"
#include "support/naive_rule.hpp"

namespace pg_clinic::test {
namespace {

using core::ErrorCode;
using core::parse_rrule;
using core::to_text;

struct Refusal {
    const char *text;
    ErrorCode code;
    const char *message; // without the common beginning
};

constexpr ErrorCode bad_text = ErrorCode::invalid_text;
constexpr ErrorCode bad_value = ErrorCode::invalid_parameter;

const Refusal refusals[] = {
    {"", bad_text, "no parts at position 1"},
    {"RRULE:", bad_text, "no parts at position 7"},
    {"rrule:FREQ=DAILY;FOO=1", bad_text, "unknown part \"FOO\" at position 18"},
    {"RRULE:RRULE:FREQ=DAILY", bad_text, "unknown part \"RRULE:FREQ\" at position 7"},
    {"EXRULE:FREQ=DAILY", bad_text, "unknown part \"EXRULE:FREQ\" at position 1"},
    {"FREQ=DAILY;FOO=1", bad_text, "unknown part \"FOO\" at position 12"},
    {"FREQ=DAILY;X-FOO=1", bad_text, "unknown part \"X-FOO\" at position 12"},
    {"FREQ=DAILY;BYEASTER=0", bad_text, "unknown part \"BYEASTER\" at position 12"},
    {"FREQ=DAILY;COUNT", bad_text, "COUNT without a value at position 12"},
    {"FREQ=DAILY;COUNT=", bad_text, "empty COUNT at position 12"},
    {"FREQ=", bad_text, "empty FREQ at position 1"},
    {"FREQ=DAILY;", bad_text, "empty part at position 12"},
    {";FREQ=DAILY", bad_text, "empty part at position 1"},
    {"FREQ=DAILY;;COUNT=1", bad_text, "empty part at position 12"},
    {"FREQ=DAILY;COUNT=1;COUNT=1", bad_text, "duplicate COUNT at position 20"},
    {"FREQ=DAILY;freq=DAILY", bad_text, "duplicate FREQ at position 12"},
    {"COUNT=1", bad_text, "FREQ is missing at position 1"},
    {"FREQ=FORTNIGHTLY", bad_text, "FREQ value \"FORTNIGHTLY\" is unknown at position 1"},
    {"FREQ=DAILY ", bad_text, "FREQ value \"DAILY \" is unknown at position 1"},
    {" FREQ=DAILY", bad_text, "unknown part \" FREQ\" at position 1"},
    {"FREQ=DAILY; COUNT=2", bad_text, "unknown part \" COUNT\" at position 12"},
    {"FREQ=DAILY\n", bad_text, "line break at position 11"},
    {"FREQ=DAILY;COUNT=\r\n 2", bad_text, "line break at position 18"},
    {"FREQ=DAILY;COUNT=0", bad_value, "COUNT value \"0\" is out of range at position 12"},
    {"FREQ=DAILY;COUNT=-1", bad_text, "COUNT value \"-1\" is not a number at position 12"},
    {"FREQ=DAILY;COUNT=1.5", bad_text, "COUNT value \"1.5\" is not a number at position 12"},
    {"FREQ=DAILY;COUNT=99999999999999999999", bad_value,
     "COUNT value \"99999999999999999999\" is out of range at position 12"},
    {"FREQ=DAILY;INTERVAL=0", bad_value, "INTERVAL value \"0\" is out of range at position 12"},
    {"FREQ=DAILY;INTERVAL=2147483648", bad_value, "INTERVAL value \"2147483648\" is out of range at position 12"},
    {"FREQ=DAILY;INTERVAL=x", bad_text, "INTERVAL value \"x\" is not a number at position 12"},
    {"FREQ=DAILY;COUNT=2;UNTIL=20260101", bad_value, "UNTIL together with COUNT at position 20"},
    {"FREQ=DAILY;UNTIL=20260101;COUNT=2", bad_value, "COUNT together with UNTIL at position 27"},
    {"FREQ=DAILY;UNTIL=2026", bad_text, "UNTIL value \"2026\" is not a date or date-time at position 12"},
    {"FREQ=DAILY;UNTIL=2026-01-01", bad_text, "UNTIL value \"2026-01-01\" is not a date or date-time at position 12"},
    {"FREQ=DAILY;UNTIL=20260101T00", bad_text, "UNTIL value \"20260101T00\" is not a date or date-time at position 12"},
    {"FREQ=DAILY;UNTIL=20260101Z", bad_text, "UNTIL value \"20260101Z\" is not a date or date-time at position 12"},
    {"FREQ=DAILY;UNTIL=20260230", bad_value, "UNTIL value \"20260230\" is out of range at position 12"},
    {"FREQ=DAILY;UNTIL=20260101T240000", bad_value, "UNTIL value \"20260101T240000\" is out of range at position 12"},
    {"FREQ=DAILY;UNTIL=00000101", bad_value, "UNTIL value \"00000101\" is out of range at position 12"},
    {"FREQ=DAILY;BYSECOND=61", bad_value, "BYSECOND value \"61\" is out of range at position 12"},
    {"FREQ=DAILY;BYSECOND=-1", bad_text, "BYSECOND value \"-1\" is not a number at position 12"},
    {"FREQ=DAILY;BYMINUTE=60", bad_value, "BYMINUTE value \"60\" is out of range at position 12"},
    {"FREQ=DAILY;BYHOUR=24", bad_value, "BYHOUR value \"24\" is out of range at position 12"},
    {"FREQ=DAILY;BYHOUR=9,", bad_text, "BYHOUR with an empty list item at position 12"},
    {"FREQ=DAILY;BYHOUR=,9", bad_text, "BYHOUR with an empty list item at position 12"},
    {"FREQ=DAILY;BYHOUR=9,,10", bad_text, "BYHOUR with an empty list item at position 12"},
    {"FREQ=DAILY;BYHOUR=009", bad_value, "BYHOUR value \"009\" is out of range at position 12"},
    {"FREQ=DAILY;BYMONTH=0", bad_value, "BYMONTH value \"0\" is out of range at position 12"},
    {"FREQ=DAILY;BYMONTH=13", bad_value, "BYMONTH value \"13\" is out of range at position 12"},
    {"FREQ=DAILY;BYMONTH=-1", bad_text, "BYMONTH value \"-1\" is not a number at position 12"},
    {"FREQ=YEARLY;RSCALE=GREGORIAN;BYMONTH=5L", bad_value, "BYMONTH value \"5L\" is a leap month at position 30"},
    {"FREQ=MONTHLY;BYMONTHDAY=0", bad_value, "BYMONTHDAY value \"0\" is out of range at position 14"},
    {"FREQ=MONTHLY;BYMONTHDAY=32", bad_value, "BYMONTHDAY value \"32\" is out of range at position 14"},
    {"FREQ=MONTHLY;BYMONTHDAY=-32", bad_value, "BYMONTHDAY value \"-32\" is out of range at position 14"},
    {"FREQ=MONTHLY;BYMONTHDAY=+-1", bad_text, "BYMONTHDAY value \"+-1\" is not a number at position 14"},
    {"FREQ=MONTHLY;BYMONTHDAY=+", bad_text, "BYMONTHDAY value \"+\" is not a number at position 14"},
    {"FREQ=YEARLY;BYYEARDAY=0", bad_value, "BYYEARDAY value \"0\" is out of range at position 13"},
    {"FREQ=YEARLY;BYYEARDAY=367", bad_value, "BYYEARDAY value \"367\" is out of range at position 13"},
    {"FREQ=YEARLY;BYWEEKNO=0", bad_value, "BYWEEKNO value \"0\" is out of range at position 13"},
    {"FREQ=YEARLY;BYWEEKNO=54", bad_value, "BYWEEKNO value \"54\" is out of range at position 13"},
    {"FREQ=MONTHLY;BYWEEKNO=1", bad_value, "BYWEEKNO outside of a YEARLY rule at position 14"},
    {"FREQ=MONTHLY;BYDAY=XX", bad_text, "BYDAY value \"XX\" is unknown at position 14"},
    {"FREQ=MONTHLY;BYDAY=0MO", bad_value, "BYDAY value \"0\" is out of range at position 14"},
    {"FREQ=MONTHLY;BYDAY=54MO", bad_value, "BYDAY value \"54\" is out of range at position 14"},
    {"FREQ=MONTHLY;BYDAY=1", bad_text, "BYDAY value \"1\" is unknown at position 14"},
    {"FREQ=MONTHLY;BYDAY=MO1", bad_text, "BYDAY value \"MO1\" is unknown at position 14"},
    {"FREQ=MONTHLY;BYDAY=-MO", bad_text, "BYDAY value \"-MO\" is unknown at position 14"},
    {"FREQ=WEEKLY;BYDAY=1MO", bad_value, "BYDAY with an ordinal outside of a MONTHLY or YEARLY rule at position 13"},
    {"FREQ=DAILY;BYDAY=MO,-1FR", bad_value, "BYDAY with an ordinal outside of a MONTHLY or YEARLY rule at position 12"},
    {"FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", bad_value, "BYDAY with an ordinal together with BYWEEKNO at position 24"},
    {"FREQ=WEEKLY;BYMONTHDAY=1", bad_value, "BYMONTHDAY in a WEEKLY rule at position 13"},
    {"FREQ=DAILY;BYYEARDAY=1", bad_value, "BYYEARDAY in a DAILY, WEEKLY or MONTHLY rule at position 12"},
    {"FREQ=WEEKLY;BYYEARDAY=1", bad_value, "BYYEARDAY in a DAILY, WEEKLY or MONTHLY rule at position 13"},
    {"BYYEARDAY=1;FREQ=MONTHLY", bad_value, "BYYEARDAY in a DAILY, WEEKLY or MONTHLY rule at position 1"},
    {"FREQ=MONTHLY;BYSETPOS=1", bad_value, "BYSETPOS without another BY part at position 14"},
    {"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", bad_value, "BYSETPOS value \"0\" is out of range at position 23"},
    {"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", bad_value, "BYSETPOS value \"367\" is out of range at position 23"},
    {"FREQ=WEEKLY;WKST=XX", bad_text, "WKST value \"XX\" is unknown at position 13"},
    {"FREQ=WEEKLY;WKST=MO,TU", bad_text, "WKST value \"MO,TU\" is unknown at position 13"},
    {"FREQ=YEARLY;RSCALE=CHINESE", bad_value, "RSCALE value \"CHINESE\" is not supported at position 13"},
    {"FREQ=YEARLY;SKIP=FORWARD", bad_value, "SKIP without RSCALE at position 13"},
    {"FREQ=YEARLY;SKIP=OMIT", bad_value, "SKIP without RSCALE at position 13"},
    {"FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=SIDEWAYS", bad_text, "SKIP value \"SIDEWAYS\" is unknown at position 30"},
    {"FREQ=DAILY;COUNT=1=2", bad_text, "COUNT value \"1=2\" is not a number at position 12"},
    {"FREQ=DAILY;B\xC3\x9CNDE=1", bad_text, "unknown part \"B??NDE\" at position 12"},
};

TEST(RRuleParse, RefusesWithPartAndPosition) {
    for (const Refusal &refusal : refusals) {
        try {
            parse_rrule(refusal.text);
            ADD_FAILURE() << "accepted " << refusal.text;
        } catch (const core::Error &error) {
            EXPECT_EQ(error.code(), refusal.code) << refusal.text;
            EXPECT_EQ(std::string(error.what()), std::string("invalid recurrence rule: ") + refusal.message);
            EXPECT_FALSE(error.detail().empty()) << refusal.text;
        }
    }
}

TEST(RRuleParse, RefusesOverlongText) {
    std::string text = "FREQ=DAILY;BYHOUR=1";
    while (text.size() <= 8192)
        text += ",1";
    try {
        parse_rrule(text);
        ADD_FAILURE();
    } catch (const core::Error &error) {
        EXPECT_EQ(error.code(), ErrorCode::limit_exceeded);
    }
}

struct Canonical {
    const char *text, *canonical;
};

TEST(RRuleParse, CanonicalText) {
    const Canonical cases[] = {
        {"RRULE:FREQ=DAILY", "FREQ=DAILY"},
        {"rrule:freq=daily;count=010", "FREQ=DAILY;COUNT=10"},
        {"INTERVAL=1;WKST=MO;FREQ=WEEKLY", "FREQ=WEEKLY"},
        {"WKST=su;BYDAY=tu,MO,tu;INTERVAL=2;FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU;WKST=SU"},
        {"FREQ=MONTHLY;BYDAY=MO,+2TU,-1FR", "FREQ=MONTHLY;BYDAY=-1FR,MO,2TU"},
        {"FREQ=MONTHLY;BYMONTHDAY=+15,1,-1", "FREQ=MONTHLY;BYMONTHDAY=-1,1,15"},
        {"FREQ=DAILY;BYSECOND=60,59,0", "FREQ=DAILY;BYSECOND=0,59"},
        {"FREQ=DAILY;UNTIL=19971224t000000z", "FREQ=DAILY;UNTIL=19971224T000000Z"},
        {"FREQ=DAILY;UNTIL=19971224T235960", "FREQ=DAILY;UNTIL=19971224T235959"},
        {"FREQ=DAILY;UNTIL=00010101", "FREQ=DAILY;UNTIL=00010101"},
        {"SKIP=forward;RSCALE=gregorian;FREQ=MONTHLY", "FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=FORWARD"},
        {"FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=OMIT", "FREQ=MONTHLY;RSCALE=GREGORIAN"},
        {"BYSETPOS=-1;BYSECOND=1;BYMINUTE=2;BYHOUR=3;BYDAY=MO;BYMONTHDAY=4;BYYEARDAY=5;BYWEEKNO=6;BYMONTH=7;"
         "INTERVAL=8;COUNT=9;FREQ=YEARLY",
         "FREQ=YEARLY;COUNT=9;INTERVAL=8;BYMONTH=7;BYWEEKNO=6;BYYEARDAY=5;BYMONTHDAY=4;BYDAY=MO;BYHOUR=3;BYMINUTE=2;"
         "BYSECOND=1;BYSETPOS=-1"},
        {"FREQ=SECONDLY;INTERVAL=2147483647;COUNT=999999999999999999",
         "FREQ=SECONDLY;COUNT=999999999999999999;INTERVAL=2147483647"},
        {"FREQ=HOURLY;BYYEARDAY=366,-366", "FREQ=HOURLY;BYYEARDAY=-366,366"},
        {"FREQ=YEARLY;BYDAY=53MO,-53SU", "FREQ=YEARLY;BYDAY=-53SU,53MO"},
    };
    for (const Canonical &c : cases) {
        EXPECT_EQ(to_text(parse_rrule(c.text)), c.canonical);
        EXPECT_EQ(parse_rrule(c.canonical), parse_rrule(c.text));
    }
}

TEST(RRuleParse, RoundTripOfRandomRules) {
    RuleGenerator generator(5);
    for (int i = 0; i < 3000; ++i) {
        const core::RRule rule = generator.rule({}, generator.dtstart());
        const std::string text = to_text(rule);
        ASSERT_EQ(parse_rrule(text), rule) << text;
        ASSERT_EQ(to_text(parse_rrule(text)), text);
    }
}

} // namespace
} // namespace pg_clinic::test
