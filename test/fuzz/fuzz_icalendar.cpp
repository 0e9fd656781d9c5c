// Fuzzes the parser of iCalendar blocks: it accepts or throws core::Error, and what it accepts can be expanded.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.hpp"
#include "core/recurrence_set.hpp"

namespace {

using namespace pg_clinic::core;

const Zone &zone_named(std::string_view name) {
    static const FixedZone utc(0);
    static const FixedZone west(-5 * 3600);
    if (name.size() > 40)
        throw Error(ErrorCode::invalid_time_zone, "unknown time zone");
    return name == "UTC" ? utc : west;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    try {
        const ICalendarBlock block =
            parse_icalendar(std::string_view(reinterpret_cast<const char *>(data), size), zone_named);
        Work work(100'000);
        occurrences(block.spec, zone_named("UTC"), {}, 10, work);
        previous_occurrence(block.spec, zone_named("UTC"), instant_max, work);
    } catch (const Error &) {
        return 0;
    }
    return 0;
}
