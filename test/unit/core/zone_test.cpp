// Wall times and instants: every transition of real zones, against the raw table, and zones made to be difficult.
#include "core/zone.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/local_text.hpp"
#include "support/tzif_zone.hpp"

namespace pg_clinic::test {
namespace {

using core::Gap;
using core::Instant;
using core::LocalTime;
using core::Resolution;
using core::ZoneSpan;

constexpr std::int64_t second = core::micros_per_second;

LocalTime shift(Instant t, std::int32_t offset) { return {t.micros + offset * second}; }

// Just before, at, and inside of what a transition does to the clock.
void check_transition(const TzifZone &zone, const TzifZone::Transition &change) {
    const LocalTime before = shift(change.at, change.before);
    const LocalTime after = shift(change.at, change.after);
    EXPECT_EQ(core::to_local(zone, {change.at.micros - 1}), LocalTime{before.micros - 1});
    EXPECT_EQ(core::to_local(zone, change.at), after);
    const LocalTime low = std::min(before, after);
    const LocalTime high = std::max(before, after);
    for (const std::int64_t micros : {low.micros, low.micros + (high.micros - low.micros) / 2, high.micros - 1}) {
        const LocalTime t{micros};
        const Resolution found = core::resolve(zone, t);
        if (change.before == change.after) {
            EXPECT_EQ(found.kind, Resolution::Kind::unique);
            continue;
        }
        EXPECT_EQ(found.first.micros, t.micros - change.before * second); // of both kinds
        Instant out{7};
        if (change.after > change.before) {
            EXPECT_EQ(found.kind, Resolution::Kind::nonexistent);
            EXPECT_EQ(found.second, change.at);
            EXPECT_FALSE(core::to_instant(zone, t, Gap::skip, &out));
            EXPECT_EQ(out, Instant{7});
            EXPECT_TRUE(core::to_instant(zone, t, Gap::resume, &out));
            EXPECT_EQ(out, change.at);
            EXPECT_EQ(core::bound_instant(zone, t), change.at);
        } else {
            EXPECT_EQ(found.kind, Resolution::Kind::ambiguous);
            EXPECT_EQ(found.second.micros, t.micros - change.after * second);
            EXPECT_EQ(core::to_local(zone, found.second), t);
            EXPECT_TRUE(core::to_instant(zone, t, Gap::skip, &out));
            EXPECT_EQ(out, found.first);
            EXPECT_EQ(core::bound_instant(zone, t), found.first);
        }
        EXPECT_TRUE(core::to_instant(zone, t, Gap::shift, &out));
        EXPECT_EQ(out, found.first);
    }
    for (const LocalTime t : {LocalTime{low.micros - 1}, high}) {
        const Resolution found = core::resolve(zone, t);
        EXPECT_EQ(found.kind, Resolution::Kind::unique);
        EXPECT_EQ(core::to_local(zone, found.first), t);
        EXPECT_EQ(core::bound_instant(zone, t), found.first);
    }
}

TEST(Zone, EveryTransitionOfTenZones) {
    for (const char *name :
         {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago",
          "Asia/Kolkata", "Pacific/Apia", "Pacific/Kwajalein", "Africa/Casablanca", "Asia/Tehran"}) {
        const TzifZone zone(name);
        int checked = 0;
        for (const TzifZone::Transition &change : zone.transitions()) {
            if (change.at < utc("19700101") || change.at >= utc("20380101"))
                continue;
            check_transition(zone, change);
            ++checked;
        }
        // The years after the table follow its rule; look at them through the spans.
        for (Instant t = utc("20300101"); t < utc("20500101");) {
            const ZoneSpan span = zone.span_at(t);
            ASSERT_TRUE(span.begin <= t && t < span.end) << name;
            if (span.end == core::instant_max)
                break;
            check_transition(zone, {span.end, span.offset_seconds, zone.span_at(span.end).offset_seconds});
            t = span.end;
        }
        EXPECT_FALSE(HasFailure()) << name;
        const bool without_any = std::string_view(name) == "Asia/Kolkata";
        EXPECT_EQ(checked == 0, without_any) << name;
    }
}

TEST(Zone, LocalMeanTimeHasSeconds) {
    const TzifZone zone("Europe/Berlin");
    EXPECT_EQ(core::offset_at(zone, utc("18000101")), 3208); // +0:53:28
    EXPECT_EQ(show(utc("18000101T1200"), zone), "18000101T125328");
    EXPECT_EQ(core::resolve(zone, local("18000101T125328")).first, utc("18000101T1200"));
}

TEST(Zone, ApiaSkipsAWholeDay) {
    const TzifZone zone("Pacific/Apia");
    const Resolution found = core::resolve(zone, local("20111230T1200"));
    EXPECT_EQ(found.kind, Resolution::Kind::nonexistent);
    EXPECT_EQ(show(found.first, zone), "20111231T120000");
    EXPECT_EQ(show(found.second, zone), "20111231T000000");
    EXPECT_EQ(core::resolve(zone, local("20111229T235959")).kind, Resolution::Kind::unique);
    EXPECT_EQ(core::resolve(zone, local("20111231")).kind, Resolution::Kind::unique);
    EXPECT_EQ(core::local_date(zone, utc("20111230T095959")), core::date_of(local("20111229")));
    EXPECT_EQ(core::local_date(zone, utc("20111230T100000")), core::date_of(local("20111231")));
}

// A zone of given changes of offset.
class TableZone final : public core::Zone {
  public:
    TableZone(std::int32_t first, std::vector<std::pair<Instant, std::int32_t>> changes)
        : first_(first), changes_(std::move(changes)) {}
    ZoneSpan span_at(Instant t) const override {
        ZoneSpan span{core::instant_min, core::instant_max, first_};
        for (const auto &[at, offset] : changes_) {
            if (t < at) {
                span.end = at;
                break;
            }
            span.begin = at;
            span.offset_seconds = offset;
        }
        return span;
    }

  private:
    std::int32_t first_;
    std::vector<std::pair<Instant, std::int32_t>> changes_;
};

TEST(Zone, SpansOfEqualOffsetAreNoTransition) {
    const TableZone zone(3600, {{utc("20260101T1000"), 3600}, {utc("20260101T1100"), 3600}});
    for (const char *text : {"20260101T1059", "20260101T1100", "20260101T1159", "20260101T1200", "20260101T1201"})
        EXPECT_EQ(core::resolve(zone, local(text)).kind, Resolution::Kind::unique) << text;
}

// 02:00 jumps to 03:00, and half an hour later the clock goes back by an hour: 02:30 to 03:00 exists after all.
TEST(Zone, GapUndoneAtOnce) {
    const TableZone zone(0, {{utc("20260101T0200"), 3600}, {utc("20260101T0230"), 0}});
    EXPECT_EQ(core::resolve(zone, local("20260101T0215")).kind, Resolution::Kind::nonexistent);
    EXPECT_EQ(core::resolve(zone, local("20260101T0215")).second, utc("20260101T0200"));
    const Resolution late = core::resolve(zone, local("20260101T0245"));
    EXPECT_EQ(late.kind, Resolution::Kind::unique);
    EXPECT_EQ(late.first, utc("20260101T0245"));
    const Resolution twice = core::resolve(zone, local("20260101T0315"));
    EXPECT_EQ(twice.kind, Resolution::Kind::ambiguous);
    EXPECT_EQ(twice.first, utc("20260101T0215"));
    EXPECT_EQ(twice.second, utc("20260101T0315"));
}

TEST(Zone, BoundsNeverRunBackwards) {
    const TableZone zone(0, {{utc("20260101T0200"), 3600}, {utc("20260101T0230"), 0}, {utc("20260101T0300"), -7200}});
    Instant last = core::instant_min;
    for (int minute = 0; minute < 8 * 60; ++minute) {
        const LocalTime t = local("20260101") + core::minutes(minute);
        const Instant bound = core::bound_instant(zone, t);
        EXPECT_LE(last, bound);
        EXPECT_GE(core::to_local(zone, bound), t);
        EXPECT_LT(core::to_local(zone, {bound.micros - 1}), t);
        last = bound;
    }
}

TEST(Zone, FarOffsets) {
    const core::FixedZone zone(100 * 3600); // PostgreSQL allows POSIX zones of up to 167 hours
    EXPECT_EQ(core::resolve(zone, local("20260105T0400")).first, utc("20260101"));
    EXPECT_EQ(core::bound_instant(zone, local("20260105T0400")), utc("20260101"));
}

} // namespace
} // namespace pg_clinic::test
