// Which contact of a patient a message takes.
#include "core/contact_choice.hpp"

#include <gtest/gtest.h>

namespace pg_clinic::test {
namespace {

using core::Contact;

Contact contact(std::uint8_t number, const char *channel, bool verified = false, std::int64_t created = 0) {
    Contact out;
    out.id.bytes[15] = number;
    out.channel = channel;
    out.verified = verified;
    out.created = {created};
    return out;
}

TEST(ContactChoice, ChannelsOfTheNearestSourceThatHasAny) {
    const std::vector<std::string> sources{R"({"recall": []})", R"({"reminder": ["email"], "*": ["voice", "sms"]})"};
    EXPECT_EQ(core::channels_for("reminder", sources), std::vector<std::string>{"email"});
    EXPECT_EQ(core::channels_for("change", sources), (std::vector<std::string>{"voice", "sms"}));
    EXPECT_TRUE(core::channels_for("recall", sources).empty());
    EXPECT_EQ(core::channels_for("change", std::vector<std::string>{"", "{}"}),
              (std::vector<std::string>{"sms", "whatsapp", "email", "push", "voice"}));
    const std::vector<std::string> all{R"({"*": ["push"]})", R"({"reminder": ["email"]})"};
    EXPECT_EQ(core::channels_for("reminder", all), std::vector<std::string>{"push"});
}

TEST(ContactChoice, WantedThenPreferredThenVerifiedThenNewer) {
    const std::vector<std::string> order{"email", "sms"};
    const std::optional<std::string> none, voice = "voice";
    const auto better = [&order](const Contact &a, const Contact &b, const std::optional<std::string> &wanted) {
        EXPECT_NE(core::is_better_contact(a, b, order, wanted), core::is_better_contact(b, a, order, wanted));
        return core::is_better_contact(a, b, order, wanted);
    };
    EXPECT_TRUE(better(contact(1, "email"), contact(2, "sms", true), none));
    EXPECT_TRUE(better(contact(1, "voice"), contact(2, "email", true), voice));
    EXPECT_TRUE(better(contact(1, "sms", true), contact(2, "sms", false, 9), none));
    EXPECT_TRUE(better(contact(1, "sms", true, 9), contact(2, "sms", true, 8), none));
    EXPECT_TRUE(better(contact(2, "sms", true, 9), contact(1, "sms", true, 9), none));
    EXPECT_FALSE(core::is_fit_contact(contact(1, "voice"), order, none));
    EXPECT_TRUE(core::is_fit_contact(contact(1, "voice"), order, voice));
    EXPECT_TRUE(core::is_fit_contact(contact(1, "sms"), order, voice));
}

} // namespace
} // namespace pg_clinic::test
