// Dates, times and money as people of a locale write them: en-US, en-GB, en-IN and hi-IN, and for every other language a form that
// reads the same everywhere. The tables are our own: nothing depends on the locale of the process.
//
// A locale is a language tag of BCP 47. "en" is en-US, "hi" is hi-IN; English of any other country is written the British way, but
// for those that write the American one.
#pragma once

#include "core/civil.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pg_clinic::core {

// The date with its weekday: Tuesday, March 10, 2026; neutral: 2026-03-10.
std::string date_text(std::string_view locale, Day day);

// The weekday alone; neutral: empty.
std::string weekday_text(std::string_view locale, Day day);

// The time of day to the minute: 2:30 PM, 14:30, 2:30 pm; neutral: 14:30. A time of day is below 24 hours.
std::string time_text(std::string_view locale, Duration time_of_day);

// An amount in decimal digits, with a sign and a point where there are any, rounded half away from zero to the digits that the
// currency (ISO 4217, in capitals) has: $1,234.50, ₹1,23,456.50; neutral: INR 123456.50. Nothing for what is no amount or no code.
std::optional<std::string> money_text(std::string_view locale, std::string_view amount, std::string_view currency);

// The locale and the languages to fall back on, the nearest first: zh-Hant-TW, zh-Hant, zh. Empty for what is no tag.
std::vector<std::string> language_chain(std::string_view tag);

} // namespace pg_clinic::core
