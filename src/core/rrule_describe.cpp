// A rule in words.
#include "core/error.hpp"
#include "core/rrule.hpp"

namespace pg_clinic::core {

std::string describe(const RRule &rule, std::string_view locale) {
    if (locale != "en")
        throw Error(ErrorCode::invalid_parameter, "unknown locale", "Rules are described in English.", "Use \"en\".");
    return to_text(rule);
}

} // namespace pg_clinic::core
