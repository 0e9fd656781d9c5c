// iCalendar blocks: folding, parameters, several rules and lists of dates, and what is refused.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/recurrence_set.hpp"
#include "support/local_text.hpp"
#include "support/tzif_zone.hpp"

namespace pg_clinic::test {
namespace {

using core::ICalendarBlock;

const core::Zone &zone_named(std::string_view name) {
    static const TzifZone berlin("Europe/Berlin");
    static const TzifZone new_york("America/New_York");
    if (name == "Europe/Berlin")
        return berlin;
    if (name == "America/New_York")
        return new_york;
    throw core::Error(core::ErrorCode::invalid_time_zone, "unknown time zone");
}

ICalendarBlock parse(std::string_view text) { return core::parse_icalendar(text, zone_named); }

std::string refusal(std::string_view text) {
    try {
        parse(text);
        return "accepted";
    } catch (const core::Error &error) {
        return error.what();
    }
}

TEST(ICalendar, ABareBlock) {
    const ICalendarBlock block = parse("DTSTART;TZID=Europe/Berlin:20260105T090000\r\n"
                                       "RRULE:FREQ=WEEKLY;COUNT=3\r\n"
                                       "rrule:FREQ=DAILY;COUNT=1\r\n"
                                       "EXDATE;TZID=Europe/Berlin:20260112T090000,20260119T090000\r\n"
                                       "EXDATE:20260126T080000Z\r\n"
                                       "RDATE;VALUE=DATE:20260201,20260202\r\n");
    EXPECT_EQ(block.tzid, "Europe/Berlin");
    EXPECT_FALSE(block.dtstart_is_date);
    EXPECT_EQ(block.spec.dtstart, local("20260105T0900"));
    ASSERT_EQ(block.spec.rules.size(), 2U);
    EXPECT_EQ(core::to_text(block.spec.rules[1]), "FREQ=DAILY;COUNT=1");
    EXPECT_EQ(block.spec.exdates, (std::vector{local("20260112T0900"), local("20260119T0900")}));
    EXPECT_EQ(block.spec.exdate_instants, std::vector{utc("20260126T0800")});
    EXPECT_EQ(block.spec.rdates, (std::vector{local("20260201"), local("20260202")}));
}

TEST(ICalendar, FoldedLinesAndAnEvent) {
    const ICalendarBlock block = parse("BEGIN:VCALENDAR\n"
                                       "BEGIN:VTIMEZONE\n"
                                       "BEGIN:STANDARD\nDTSTART:19701025T030000\nRRULE:FREQ=YEARLY\nEND:STANDARD\n"
                                       "END:VTIMEZONE\n"
                                       "BEGIN:VEVENT\n"
                                       "SUMMARY;LANGUAGE=\"e;n:\":RRULE and\n  more\n"
                                       "DTST\n ART;TZID=\"Europe\n /Berlin\":2026\n\t0105T090000\n"
                                       "RRULE:FREQ=WEEKLY;\r\n BYDAY=MO,\r\n TU\r\n"
                                       "BEGIN:VALARM\nTRIGGER:-PT15M\nEND:VALARM\n"
                                       "END:VEVENT\n"
                                       "END:VCALENDAR");
    EXPECT_EQ(block.tzid, "Europe/Berlin");
    EXPECT_EQ(block.spec.dtstart, local("20260105T0900"));
    ASSERT_EQ(block.spec.rules.size(), 1U);
    EXPECT_EQ(core::to_text(block.spec.rules[0]), "FREQ=WEEKLY;BYDAY=MO,TU");
}

TEST(ICalendar, ZonesOfDates) {
    const ICalendarBlock block = parse("RDATE;TZID=America/New_York:20260105T090000\n"
                                       "EXDATE;TZID=Europe/Berlin:20260106T090000\n"
                                       "RDATE:20260107T090000\n"
                                       "RDATE;VALUE=PERIOD:20260108T090000Z/PT1H,20260109T090000Z/20260109T100000Z\n"
                                       "DTSTART;TZID=Europe/Berlin:20260105T090000\n");
    EXPECT_EQ(block.spec.rdate_instants,
              (std::vector{utc("20260105T1400"), utc("20260108T0900"), utc("20260109T0900")}));
    EXPECT_EQ(block.spec.exdates, std::vector{local("20260106T0900")});
    EXPECT_EQ(block.spec.rdates, std::vector{local("20260107T0900")});
    EXPECT_EQ(parse("DTSTART:20260105T090000Z\n").tzid, "UTC");
    EXPECT_EQ(parse("DTSTART:20260105T090000\n").tzid, "");
    // The gap policy decides about a time that does not exist in its own zone.
    const std::string gap = "DTSTART:20260105T090000Z\nRDATE;TZID=Europe/Berlin:20260329T023000\n";
    EXPECT_TRUE(parse(gap).spec.rdate_instants.empty());
    EXPECT_EQ(core::parse_icalendar(gap, zone_named, core::Gap::shift).spec.rdate_instants,
              std::vector{utc("20260329T0130")});
}

TEST(ICalendar, DatesIgnoreTimeParts) {
    const ICalendarBlock block =
        parse("DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;BYHOUR=9;BYMINUTE=1;BYSECOND=2\n");
    EXPECT_TRUE(block.dtstart_is_date);
    EXPECT_EQ(block.spec.dtstart, local("20260105"));
    EXPECT_EQ(core::to_text(block.spec.rules[0]), "FREQ=DAILY");
}

TEST(ICalendar, Refusals) {
    const std::string start = "DTSTART:20260105T090000\n";
    const auto says = [](const char *text) { return std::string("invalid iCalendar block: ") + text; };
    EXPECT_EQ(refusal(""), says("DTSTART is missing in line 1"));
    EXPECT_EQ(refusal("RRULE:FREQ=DAILY\n"), says("DTSTART is missing in line 1"));
    EXPECT_EQ(refusal(start + start), says("duplicate DTSTART in line 2"));
    EXPECT_EQ(refusal(start + "RRULE:FREQ=DAILY;COUNT=0\n"),
              "invalid recurrence rule: COUNT value \"0\" is out of range at position 12 in line 2");
    EXPECT_EQ(refusal(start + "SUMMARY:x\n"), says("unknown property \"SUMMARY\" in line 2"));
    EXPECT_EQ(refusal(start + "EXRULE:FREQ=DAILY\n"), says("EXRULE in line 2"));
    EXPECT_EQ(refusal(start + "RECURRENCE-ID:20260105T090000\n"), says("RECURRENCE-ID in line 2"));
    EXPECT_EQ(refusal(start + "nonsense\n"), says("no colon in line 2"));
    EXPECT_EQ(refusal("DTSTART:20260105\n"), says("\"20260105\" is not of the property's type in line 1"));
    EXPECT_EQ(refusal("DTSTART;VALUE=DATE:20260105T090000\n"),
              says("\"20260105T090000\" is not of the property's type in line 1"));
    EXPECT_EQ(refusal("DTSTART:20260230T090000\n"), says("\"20260230T090000\" is out of range in line 1"));
    EXPECT_EQ(refusal("DTSTART:tomorrow\n"), says("\"tomorrow\" is not a date or date-time in line 1"));
    EXPECT_EQ(refusal("DTSTART;TZID=Europe/Berlin:20260105T090000Z\n"), says("TZID with a time in UTC in line 1"));
    EXPECT_EQ(refusal("DTSTART;TZID=:20260105T090000\n"), says("empty or repeated TZID in line 1"));
    EXPECT_EQ(refusal("DTSTART;TZID:20260105T090000\n"), says("parameter \"TZID\" without a value in line 1"));
    EXPECT_EQ(refusal("DTSTART;VALUE=TEXT:20260105T090000\n"), says("VALUE=\"TEXT\" in line 1"));
    EXPECT_EQ(refusal(start + "EXDATE:20260105T090000,\n"), says("\"\" is not a date or date-time in line 2"));
    EXPECT_EQ(refusal(start + "EXDATE;VALUE=PERIOD:20260108T090000Z/PT1H\n"), says("EXDATE of periods in line 2"));
    EXPECT_EQ(refusal(start + "RDATE;VALUE=PERIOD:20260108T090000Z\n"),
              says("period \"20260108T090000Z\" without an end in line 2"));
    EXPECT_EQ(refusal("BEGIN:VEVENT\n" + start), says("END:VEVENT is missing in line 2"));
    EXPECT_EQ(refusal(start + "END:VEVENT\n"), says("END:\"VEVENT\" without BEGIN in line 2"));
    EXPECT_EQ(refusal("BEGIN:VEVENT\n" + start + "END:VEVENT\nBEGIN:VEVENT\n" + start + "END:VEVENT\n"),
              says("more than one event in line 4"));
    EXPECT_EQ(refusal(start + "RDATE;TZID=Mars/Olympus:20260105T090000\n"), "unknown time zone");
    EXPECT_EQ(refusal(std::string(2'000'000, 'x')), "iCalendar block is too long");
}

} // namespace
} // namespace pg_clinic::test
