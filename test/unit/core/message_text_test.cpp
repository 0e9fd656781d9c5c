// Texts with variables.
#include <gtest/gtest.h>

#include "core/message_text.hpp"

namespace pg_clinic::test {
namespace {

using core::message_names;
using core::MessageValue;
using Names = std::vector<std::string>;

std::string filled(std::string_view text) {
    const MessageValue values[] = {{"name", "Lena"}, {"code", "{{name}}"}, {"empty", ""}, {"hindi", "मंगलवार"}};
    return core::message_text(text, values);
}

TEST(MessageText, PutsValuesIn) {
    EXPECT_EQ(filled("Dear {{name}},"), "Dear Lena,");
    EXPECT_EQ(filled("{{ name }}{{name}}"), "LenaLena");
    EXPECT_EQ(filled("{{hindi}} को"), "मंगलवार को");
    EXPECT_EQ(filled("[{{empty}}{{unknown}}]"), "[]");
    EXPECT_EQ(filled(""), "");
}

TEST(MessageText, ValuesAreNoTemplates) { EXPECT_EQ(filled("{{code}}"), "{{name}}"); }

TEST(MessageText, WhatIsNoVariableStays) {
    EXPECT_EQ(filled("a {{ b"), "a {{ b");
    EXPECT_EQ(filled("a }} b"), "a }} b");
    EXPECT_EQ(filled("{{Name}} {{1a}} {{}}"), "{{Name}} {{1a}} {{}}");
    EXPECT_EQ(filled("{{{name}}}"), "{{{name}}}");
    EXPECT_EQ(filled("{{x {{name}}"), "{{x Lena");
}

TEST(MessageText, NamesInOrderEachOnce) {
    EXPECT_EQ(message_names("{{b}} {{ a }} {{b}}"), (Names{"b", "a"}));
    EXPECT_EQ(message_names("none"), Names{});
    EXPECT_EQ(message_names("{ {a} }"), Names{});
    for (const char *text : {"{{", "{{a", "{{A}}", "{{a b}}", "{{}}", "a}}", "{{{a}}}", "{{a-b}}"})
        EXPECT_EQ(message_names(text), std::nullopt) << text;
    const std::string longest(60, 'a');
    EXPECT_TRUE(message_names("{{" + longest + "}}"));
    EXPECT_FALSE(message_names("{{" + longest + "a}}"));
}

} // namespace
} // namespace pg_clinic::test
