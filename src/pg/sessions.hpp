// Planned sessions: their seats, read and taken under the session's own lock.
#pragma once

#include "pg/appointments.hpp"

namespace pg_clinic::pg {

// A session as it stands.
struct Session {
    Uuid id, service, provider, location;
    core::Interval visit;
    core::LocalTime local_start;
    std::string zone_name;
    std::int32_t capacity = 0;
    bool scheduled = false;
    std::vector<UsedResource> resources; // the provider first
};

// The session as it is now, in every isolation level; nothing when there is none.
std::optional<Session> read_session(const Uuid &tenant, const Uuid &id);

// The seats that are taken, ascending, and whose they are; not those of holds and requests that are over.
std::vector<std::int32_t> taken_seats(const Uuid &tenant, const Uuid &session);
std::vector<Uuid> seated(const Uuid &tenant, const Uuid &session);

[[noreturn]] void refuse_full(const Session &session, std::size_t taken);

// Locks a session, and somebody who is to get a seat, and reads it; raises not_found.
Session locked_session(const Context &context, const Uuid &id, const Uuid &patient);

// Who is to have seats.
struct Party {
    Uuid patient;
    std::int32_t seats = 1;
    std::optional<Uuid> appointment; // has them already, or had them
    bool override_rules = false;     // rules that may be overridden are
    bool moved = false;              // with the session, to another time: nothing but the patient's own time counts
    bool in_any_case = false;        // not even that: it is warned of
    bool promised = false;      // the seats were offered: the policy on no-shows, which came later, leaves that alone
    std::vector<Uuid> gives_up; // appointments that do not count, since they would be given up for the seats
};

// What a party takes beside its seats: the patient's time. Raises the first reason against it.
Placement place_in_session(const Context &context, const Session &session, const Party &party);

// The same for an appointment that was in the session before: its seats are taken again when they are gone.
Placement place_again_in_session(const Context &context, const Standing &a);

// Who has seats: an appointment, or a slot of the waitlist that offers them.
struct SeatOwner {
    std::optional<Uuid> appointment{}, slot{};
};

// Takes the lowest seats that are free, all or none: raises full. Returns their numbers.
std::vector<std::int32_t> take_seats(const Context &context, const Session &session, const SeatOwner &owner,
                                     std::int32_t seats, std::optional<core::Instant> expires);

// Gives the seats that a slot offers to an appointment, whatever the capacity is by now: they were promised.
// Returns their numbers; none when the offer is over.
std::vector<std::int32_t> take_offered_seats(const Context &context, const Session &session, const Uuid &slot,
                                             const Uuid &appointment, std::optional<core::Instant> expires);

} // namespace pg_clinic::pg
