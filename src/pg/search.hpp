// What searches and bookings share: their arguments checked, and the way from the diary's words to the engine's errors.
#pragma once

#include "core/kernel.hpp"
#include "pg/context.hpp"
#include "pg/datum.hpp"
#include "pg/diary_reader.hpp"

namespace pg_clinic::pg {

// The longest range a search may ask for, in days.
inline constexpr std::int64_t longest_range_days = 366;

// A half-open range of a search. Raises 22004 for nulls, 22008 for infinities, 22023 for an end before the start or
// a range that is too wide.
core::Interval search_range(const Args &args, int start, int end);

// A positive duration of up to seven days; raises 22023.
std::optional<core::Duration> visit_duration(const Args &args, int argument);

// How many seats a party needs, 1 where it is not said; raises 22023.
std::int32_t seats_argument(const Args &args, int argument);

// The instant of a local time: of an ambiguous one the first, unless an offset from UTC tells which. A nonexistent one is
// refused (nonexistent_local_time) unless gap is "shift". Raises 22023 for an offset that does not hold then.
core::Instant instant_of_local(const core::Zone &zone, core::LocalTime local, std::optional<core::Duration> utc_offset,
                               std::string_view gap);

// The patient a caller may ask for: a patient only for themselves. Raises forbidden for another.
std::optional<Uuid> permitted_patient(const Context &context, std::optional<Uuid> patient);

// The verdict that comes closest among the places asked for: the one whose first reason stands last in the order.
struct Refusal {
    core::Finding finding;
    Uuid provider;
    Uuid location;
};

// Raises what a refusal means, with alternatives where another time would help. Ids of rows only for those who
// may read the diary.
[[noreturn]] void raise_refusal(const Context &context, const Refusal &refusal, DiaryQuery query, core::Request request,
                                core::Instant start);

Code code_of(core::Reason reason);

// What a finding says in a sentence; empty: what its code says.
std::string message_of(const core::Finding &finding);

const core::Location *location_in(const core::Diary &diary, const Uuid &location);

} // namespace pg_clinic::pg
