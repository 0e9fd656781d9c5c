// The line in front of one provider or desk: in which order it is served, and when each turn is expected to begin.
//
// The rule, which the documentation gives to users: who is being served comes first, then who has been called, then the
// others by urgency (higher first), then by due time, then by number. Each turn begins when the one before is expected to
// end, but a visit never before it is due, unless it is urgent. A turn lasts as long as planned; one that already took
// longer ends now. Seats of one session share their turn. Buffers and drives are not counted.
#pragma once

#include <optional>
#include <vector>

#include "core/civil.hpp"
#include "core/id.hpp"

namespace pg_clinic::core {

// Somebody who waits, is being served, or is still expected.
struct Waiting {
    enum class Stage : std::uint8_t { served, called, here, expected };

    Id id;
    Stage stage = Stage::here;
    Instant due;              // the start that was booked, or the arrival of who has none or has lost the place
    std::int32_t urgency = 0; // 0: by due time
    std::int64_t number = 0;  // among equals
    Duration length;
    Instant started; // served: since when
    Id session;      // seats of one session: the same id; nil: alone
};

struct Turn {
    Id id;
    Instant begin;
    Instant end;
    std::int32_t place = 0; // here: 1 for who is next among those who are here; else 0
};

// The turns in the order in which they come.
std::vector<Turn> turns_of(Instant now, std::vector<Waiting> line);

} // namespace pg_clinic::core
