// Fuzzes the parser of rules and a little of their expansion. Whatever parses must have a canonical text that parses to
// the same rule; whatever is computed must end within its budget; nothing but core::Error may escape.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.hpp"
#include "core/recurrence_set.hpp"

namespace {

using namespace pg_clinic::core;

void require(bool promise) {
    if (!promise)
        std::abort();
}

// A zone with a gap and a pair, so that both are met.
class SummerZone final : public Zone {
  public:
    ZoneSpan span_at(Instant t) const override {
        const Instant spring{832'000'000 * micros_per_second}; // May 2026
        const Instant autumn{845'000'000 * micros_per_second};
        if (t < spring)
            return {instant_min, spring, 3600};
        return t < autumn ? ZoneSpan{spring, autumn, 7200} : ZoneSpan{autumn, instant_max, 3600};
    }
};

void expand(const RRule &rule, std::size_t seed) {
    const SummerZone zone;
    RecurrenceSpec spec;
    spec.dtstart = {832'000'000 * micros_per_second - static_cast<std::int64_t>(seed % 100) * micros_per_hour};
    spec.rules.push_back(rule);
    spec.gap = seed % 2 == 0 ? Gap::skip : Gap::shift;
    Work work(300'000);
    try {
        Instant last = instant_min;
        for (const Instant t : occurrences(spec, zone, {}, 20, work)) {
            require(last < t);
            last = t;
        }
        if (last != instant_min) {
            require(is_occurrence(spec, zone, last, work));
            require(next_occurrence(spec, zone, {last.micros - 1}, work) == last);
            require(previous_occurrence(spec, zone, {last.micros + 1}, work) == last);
        }
        require(estimate_occurrences(spec, {}) >= 0);
        rule_dates(rule, date_of(spec.dtstart), date_of(spec.dtstart), date_of(spec.dtstart) + 100, work);
    } catch (const Error &error) {
        require(error.code() != ErrorCode::internal);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    RRule rule;
    try {
        rule = parse_rrule(text);
    } catch (const Error &) {
        return 0;
    }
    require(parse_rrule(to_text(rule)) == rule);
    require(!describe(rule, "en").empty());
    expand(rule, size);
    return 0;
}
