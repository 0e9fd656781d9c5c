// The reader of JSON: what it understands, and everything it refuses.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/json.hpp"

namespace pg_clinic::test {
namespace {

using core::JsonValue;
using core::parse_json;
using Kind = core::JsonValue::Kind;

// The error's code, or nothing for a text that is read.
std::optional<core::ErrorCode> refusal(std::string_view text) {
    try {
        parse_json(text);
        return std::nullopt;
    } catch (const core::Error &error) {
        return error.code();
    }
}

TEST(Json, ReadsEveryKind) {
    const JsonValue v =
        parse_json(" { \"a\" : [ 1 , -0.5e+2 , true , false , null ] , \"b\":{}, \"\":\"x\", \"c\":[] }\r\n\t");
    ASSERT_TRUE(v.is_object());
    ASSERT_NE(v.member("a"), nullptr);
    const auto &items = v.member("a")->items;
    ASSERT_EQ(items.size(), 5u);
    EXPECT_EQ(items[0].kind, Kind::number);
    EXPECT_EQ(items[0].text, "1");
    EXPECT_EQ(items[1].text, "-0.5e+2");
    EXPECT_TRUE(items[2].truth);
    EXPECT_EQ(items[3].kind, Kind::boolean);
    EXPECT_FALSE(items[3].truth);
    EXPECT_EQ(items[4].kind, Kind::null);
    EXPECT_TRUE(v.member("b")->is_object());
    EXPECT_EQ(v.member("")->text, "x");
    EXPECT_TRUE(v.member("c")->items.empty());
    EXPECT_EQ(v.member("d"), nullptr);
    EXPECT_EQ(v.names, (std::vector<std::string>{"a", "b", "", "c"}));
}

TEST(Json, KeepsNumbersAsWritten) {
    for (const char *text :
         {"0", "-0", "10", "1e5", "1E-05", "123456789012345678901234567890.000000000000000001", "0.10"})
        EXPECT_EQ(parse_json(text).text, text);
    for (const char *text : {"01", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "0x10", "1_0", "--1", "NaN", "Infinity",
                             "-Infinity", "1 2"})
        EXPECT_TRUE(refusal(text)) << text;
}

TEST(Json, DecodesStrings) {
    EXPECT_EQ(parse_json(R"("\"\\\/\b\f\n\r\t\u0041\u00e4\u20AC\uD83D\ude00")").text,
              "\"\\/\b\f\n\r\tA\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
    EXPECT_EQ(parse_json("\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\x7F\"").text,
              "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\x7F");
    EXPECT_EQ(parse_json(R"("\u0000")").text, std::string(1, '\0'));
    for (const char *text :
         {R"(")", R"("\)", R"("\x41")", R"("\u12")", R"("\u12G4")", R"("\U0041")", R"("\uD800")", R"("\uD800x")",
          R"("\uD800\n")", R"("\uD800\uD800")", R"("\uDC00")", "\"\n\"", "\"\x01\"", "'a'"})
        EXPECT_TRUE(refusal(text)) << text;
    EXPECT_TRUE(refusal(std::string_view("\"\0\"", 3)));
}

TEST(Json, RefusesWhatIsNoUtf8) {
    for (const char *bytes :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
          "\xE2\x82", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"})
        EXPECT_TRUE(refusal("\"" + std::string(bytes) + "\""));
    for (const char *bytes : {"\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
                              "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
        EXPECT_FALSE(refusal("\"" + std::string(bytes) + "\""));
    EXPECT_TRUE(refusal("\xEF\xBB\xBF{}")) << "a byte order mark";
}

TEST(Json, RefusesRepeatedNamesHoweverWritten) {
    EXPECT_TRUE(refusal(R"({"a":1,"a":1})"));
    EXPECT_TRUE(refusal(R"({"sub":1,"b":2,"s\u0075b":3})"));
    EXPECT_TRUE(refusal(R"([{"x":{"a":1,"b":2,"a":3}}])"));
    EXPECT_FALSE(refusal(R"({"a":{"a":1},"A":1})"));
}

TEST(Json, RefusesWhatIsNoValue) {
    for (const char *text : {"",
                             " ",
                             "{",
                             "}",
                             "[",
                             "]",
                             "[1,]",
                             "[,1]",
                             "[1 2]",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{\"a\":1,}",
                             "{,}",
                             "{a:1}",
                             "{1:2}",
                             "{\"a\" 1}",
                             "{\"a\":1 \"b\":2}",
                             "tru",
                             "True",
                             "nul",
                             "nullx",
                             "{}{}",
                             "[] []",
                             "// x\n1",
                             "1\v",
                             "\f1"})
        EXPECT_EQ(refusal(text), core::ErrorCode::invalid_text) << text;
    EXPECT_TRUE(refusal(std::string_view("1\0", 2)));
    EXPECT_TRUE(refusal(std::string_view("\0", 1)));
}

TEST(Json, BoundsTheDepth) {
    const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    EXPECT_FALSE(refusal(nested(32)));
    EXPECT_EQ(refusal(nested(33)), core::ErrorCode::limit_exceeded);
    EXPECT_EQ(refusal(std::string(1'000'000, '[')), core::ErrorCode::limit_exceeded);
    EXPECT_FALSE(refusal("[" + nested(31) + "," + nested(31) + "]"));
    EXPECT_THROW(parse_json("[[1]]", 1), core::Error);
}

TEST(Json, TellsWhereButNotWhat) {
    try {
        parse_json(R"({"secret":"word")");
        FAIL();
    } catch (const core::Error &error) {
        EXPECT_STREQ(error.what(), "invalid JSON: no end of the object at byte 17");
    }
}

} // namespace
} // namespace pg_clinic::test
