// Dates, times and money as people write them.
#include <gtest/gtest.h>

#include "core/locale_text.hpp"

namespace pg_clinic::test {
namespace {

using core::date_text;
using core::language_chain;
using core::money_text;
using core::time_text;
using core::weekday_text;

core::Day day(std::int32_t year, std::int32_t month, std::int32_t number) {
    return core::to_day({year, month, number});
}

TEST(LocaleText, DatesOfEachLocale) {
    const core::Day d = day(2026, 3, 10);
    EXPECT_EQ(date_text("en-US", d), "Tuesday, March 10, 2026");
    EXPECT_EQ(date_text("EN", d), "Tuesday, March 10, 2026");
    EXPECT_EQ(date_text("en-CA", d), "Tuesday, March 10, 2026");
    EXPECT_EQ(date_text("en-GB", d), "Tuesday 10 March 2026");
    EXPECT_EQ(date_text("en-AU", d), "Tuesday 10 March 2026");
    EXPECT_EQ(date_text("en-IN", d), "Tuesday, 10 March 2026");
    EXPECT_EQ(date_text("hi-IN", d), "मंगलवार, 10 मार्च 2026");
    EXPECT_EQ(date_text("hi", d), "मंगलवार, 10 मार्च 2026");
    EXPECT_EQ(date_text("de-DE", d), "2026-03-10");
    EXPECT_EQ(date_text("", d), "2026-03-10");
    EXPECT_EQ(date_text("hindi", d), "2026-03-10") << "a language that only begins like one that is known";
    EXPECT_EQ(date_text("fr", day(987, 1, 2)), "0987-01-02");
}

TEST(LocaleText, EveryMonthAndWeekdayHasItsName) {
    const char *months[] = {"जनवरी", "फ़रवरी", "मार्च",  "अप्रैल",  "मई",   "जून",
                            "जुलाई",  "अगस्त",  "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"};
    for (std::int32_t month = 1; month <= 12; ++month)
        EXPECT_NE(date_text("hi-IN", day(2027, month, 28)).find(months[month - 1]), std::string::npos) << month;
    const char *days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    const char *dins[] = {"सोमवार", "मंगलवार", "बुधवार", "गुरुवार", "शुक्रवार", "शनिवार", "रविवार"};
    for (std::int32_t i = 0; i < 7; ++i) {
        EXPECT_EQ(weekday_text("en-GB", day(2026, 3, 2 + i)), days[i]);
        EXPECT_EQ(weekday_text("hi", day(2026, 3, 2 + i)), dins[i]);
    }
    EXPECT_EQ(weekday_text("de", day(2026, 3, 2)), "");
}

TEST(LocaleText, TimesOfEachLocale) {
    const auto at = [](std::int64_t hour, std::int64_t minute) { return core::minutes(hour * 60 + minute); };
    EXPECT_EQ(time_text("en-US", at(14, 30)), "2:30 PM");
    EXPECT_EQ(time_text("en-US", at(0, 5)), "12:05 AM");
    EXPECT_EQ(time_text("en-US", at(12, 0)), "12:00 PM");
    EXPECT_EQ(time_text("en-GB", at(9, 0)), "09:00");
    EXPECT_EQ(time_text("en-IN", at(23, 59)), "11:59 pm");
    EXPECT_EQ(time_text("nl", at(23, 59)), "23:59");
    EXPECT_EQ(time_text("hi-IN", at(0, 0)), "रात 12:00 बजे");
    EXPECT_EQ(time_text("hi-IN", at(3, 59)), "रात 3:59 बजे");
    EXPECT_EQ(time_text("hi-IN", at(4, 0)), "सुबह 4:00 बजे");
    EXPECT_EQ(time_text("hi-IN", at(12, 0)), "दोपहर 12:00 बजे");
    EXPECT_EQ(time_text("hi-IN", at(16, 0)), "शाम 4:00 बजे");
    EXPECT_EQ(time_text("hi-IN", at(20, 0)), "रात 8:00 बजे");
}

TEST(LocaleText, MoneyIsGroupedAndRoundedAsTheReaderDoes) {
    EXPECT_EQ(money_text("en-US", "1234.5", "USD"), "$1,234.50");
    EXPECT_EQ(money_text("en-GB", "1234.5", "USD"), "US$1,234.50");
    EXPECT_EQ(money_text("en-GB", "1234567.899", "GBP"), "£1,234,567.90");
    EXPECT_EQ(money_text("en-IN", "12345678", "INR"), "₹1,23,45,678.00");
    EXPECT_EQ(money_text("hi-IN", "123456.5", "INR"), "₹1,23,456.50");
    EXPECT_EQ(money_text("hi-IN", "999", "INR"), "₹999.00");
    EXPECT_EQ(money_text("de", "123456.5", "INR"), "INR 123456.50");
    EXPECT_EQ(money_text("en", "-0.005", "USD"), "-$0.01");
    EXPECT_EQ(money_text("en", "-0.004", "USD"), "$0.00") << "there is no minus nothing";
    EXPECT_EQ(money_text("en", "999.995", "USD"), "$1,000.00");
    EXPECT_EQ(money_text("en", "1500.5", "JPY"), "¥1,501");
    EXPECT_EQ(money_text("en", "1.2345", "KWD"), "KWD 1.235");
    EXPECT_EQ(money_text("en", "000012", "CHF"), "CHF 12.00");
    EXPECT_EQ(money_text("en", "0", "CHF"), "CHF 0.00");
    EXPECT_EQ(money_text("en", "12.", "CHF"), "CHF 12.00");
    for (const char *amount : {"", "-", ".5", "1e5", "1,000", "NaN", "1.2.3", " 1"})
        EXPECT_EQ(money_text("en", amount, "USD"), std::nullopt) << amount;
    for (const char *currency : {"", "usd", "US", "USDX", "U$D"})
        EXPECT_EQ(money_text("en", "1", currency), std::nullopt) << currency;
}

TEST(LocaleText, LanguagesFallBackPartByPart) {
    using Chain = std::vector<std::string>;
    EXPECT_EQ(language_chain("hi"), (Chain{"hi"}));
    EXPECT_EQ(language_chain("hi-IN"), (Chain{"hi-IN", "hi"}));
    EXPECT_EQ(language_chain("zh-Hant-TW"), (Chain{"zh-Hant-TW", "zh-Hant", "zh"}));
    EXPECT_EQ(language_chain("es-419"), (Chain{"es-419", "es"}));
    for (const char *tag :
         {"", "-", "e", "en-", "en--US", "-en", "4n", "en US", "en_US", "abcdefghi", "en-abcdefghi", "हि"})
        EXPECT_TRUE(language_chain(tag).empty()) << tag;
}

} // namespace
} // namespace pg_clinic::test
