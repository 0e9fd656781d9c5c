// Moments of reminders: plans, quiet hours over midnight and clock changes, against a clock that is asked minute by minute.
#include "core/reminder_times.hpp"

#include <gtest/gtest.h>

#include <random>

#include "core/error.hpp"
#include "support/local_text.hpp"
#include "support/tzif_zone.hpp"

namespace pg_clinic::test {
namespace {

using core::Duration;
using core::Instant;
using core::NotReminded;

constexpr Duration clock_time(int hours, int minutes = 0) { return core::minutes(60 * hours + minutes); }

TEST(ReminderTimes, ReadsPlans) {
    const auto rules =
        core::read_reminders(R"([{"before_minutes": 1440, "channel": "sms"}, {"days_before": 1, "at": "18:05"},
        {"days_before": 0}, {"channel": "email"}, {"before_minutes": "soon"}, 7])");
    ASSERT_EQ(rules.size(), 3U);
    EXPECT_EQ(rules[0].before_minutes, 1440);
    EXPECT_EQ(rules[0].channel, "sms");
    EXPECT_FALSE(rules[1].before_minutes);
    EXPECT_EQ(rules[1].days_before, 1);
    EXPECT_EQ(rules[1].at, clock_time(18, 5));
    EXPECT_FALSE(rules[2].at);
    EXPECT_TRUE(core::read_reminders("[]").empty());
    EXPECT_THROW(core::read_reminders("[{]"), core::Error);
}

TEST(ReminderTimes, DaysBeforeKeepTheWallClock) {
    const TzifZone berlin("Europe/Berlin");
    // The clock springs forward on 29 March: a day before is 23 hours, 1440 minutes are a day and an hour later on the clock.
    const core::RemindedVisit visit{utc("20260329T080000"), local("20260329T100000"), &berlin};
    const core::QuietHours never{&berlin, {}, {}};
    const auto out = core::planned_reminders(
        core::read_reminders(R"([{"before_minutes": 1440}, {"days_before": 1}, {"days_before": 0, "at": "02:30"}])"),
        visit, never, utc("20260301"));
    ASSERT_EQ(out.size(), 3U);
    EXPECT_EQ(show(out[0].planned, berlin), show(utc("20260328T080000"), berlin));
    EXPECT_EQ(out[1].planned, utc("20260328T090000"));
    EXPECT_EQ(out[2].planned, utc("20260329T013000")); // 02:30 does not exist and becomes 03:30
}

TEST(ReminderTimes, EachMomentOnceAndBeforeTheVisit) {
    const core::FixedZone zone(0);
    const core::RemindedVisit visit{utc("20260310T120000"), local("20260310T120000"), &zone};
    const core::QuietHours never{&zone, {}, {}};
    const auto out = core::planned_reminders(
        core::read_reminders(
            R"([{"before_minutes": 60, "channel": "sms"}, {"before_minutes": 120}, {"days_before": 0, "at": "11:00", "channel": "email"},
                {"before_minutes": 0}, {"days_before": 0, "at": "13:00"}])"),
        visit, never, utc("20260310T100000"));
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(out[0].planned, utc("20260310T100000"));
    EXPECT_EQ(out[0].skipped, NotReminded::overdue); // due now is too late
    EXPECT_EQ(out[1].channel, "sms");                // the first rule of a moment counts
    EXPECT_EQ(out[1].skipped, NotReminded::no);
}

TEST(ReminderTimes, OfThoseThatGoOutTogetherTheLastDoes) {
    const core::FixedZone zone(0);
    const core::RemindedVisit visit{utc("20260310T120000"), local("20260310T120000"), &zone};
    const core::QuietHours nights{&zone, clock_time(21), clock_time(8)};
    const auto out = core::planned_reminders(
        core::read_reminders(R"([{"before_minutes": 360}, {"before_minutes": 720}, {"before_minutes": 840}])"), visit,
        nights, utc("20260301"));
    ASSERT_EQ(out.size(), 3U);
    for (const core::Reminder &r : out)
        EXPECT_EQ(r.due, utc("20260310T080000"));
    EXPECT_EQ(out[0].skipped, NotReminded::coincides);
    EXPECT_EQ(out[1].skipped, NotReminded::coincides);
    EXPECT_EQ(out[2].skipped, NotReminded::no);
}

TEST(ReminderTimes, BeforeTheNightWhereItsEndIsTooLate) {
    const core::FixedZone zone(0);
    const core::QuietHours nights{&zone, clock_time(21), clock_time(8)};
    EXPECT_EQ(core::outside_quiet_hours(utc("20260310T050000"), utc("20260310T073000"), nights),
              utc("20260309T205900"));
    EXPECT_EQ(core::outside_quiet_hours(utc("20260310T050000"), std::nullopt, nights), utc("20260310T080000"));
    EXPECT_EQ(core::outside_quiet_hours(utc("20260310T080000"), utc("20260310T081000"), nights),
              utc("20260310T080000"));
}

// Whatever the zone and its changes: nothing goes out while the patient's clock shows quiet hours, except where the clock shows them
// twice; and what is not put off stays where it is.
TEST(ReminderTimes, NothingGoesOutInQuietHours) {
    std::mt19937_64 random(4711); // NOLINT: the same run each time
    const auto up_to = [&random](std::int64_t n) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
    };
    for (const char *name :
         {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"}) {
        const TzifZone zone(name);
        for (int round = 0; round < 1000; ++round) {
            const core::QuietHours quiet{&zone, core::minutes(up_to(1440)), core::minutes(up_to(1440))};
            const Instant at{utc("20250101").micros + up_to(730 * 1440) * core::micros_per_minute};
            const Instant out = core::outside_quiet_hours(at, std::nullopt, quiet);
            const auto is_quiet = [&quiet, &zone](Instant t) {
                const Duration time = core::time_of_day(core::to_local(zone, t));
                return quiet.from > quiet.until ? time >= quiet.from || time < quiet.until
                                                : time >= quiet.from && time < quiet.until;
            };
            if (!is_quiet(at)) {
                EXPECT_EQ(out, at);
                continue;
            }
            EXPECT_GE(out, at);
            // No later than the first moment that is not quiet, give or take what a change of the clock skips or repeats.
            Instant first = at;
            while (is_quiet(first))
                first = first + core::minutes(1);
            EXPECT_LE(out, first + core::minutes(60)) << name << ' ' << show(at, zone);
            EXPECT_GE(out + core::minutes(60), out == at ? at : first) << name << ' ' << show(at, zone);
        }
    }
}

} // namespace
} // namespace pg_clinic::test
