// Appointments as rows: read as they stand, under their own lock, and written with their resources and claims.
//
// Every change of a booking's life goes through here: booking, holds, changes of state.
#pragma once

#include "core/appointment_state.hpp"
#include "pg/placing.hpp"
#include "pg/result.hpp"
#include "pg/table_writer.hpp"

namespace pg_clinic::pg {

// An appointment as it stands.
struct Standing {
    Uuid id, service, provider, location, patient;
    core::Status status = core::Status::booked;
    std::optional<core::Status> status_before;
    std::string code;
    core::Interval visit;
    core::LocalTime local_start;
    std::string zone_name;
    std::optional<core::Instant> expires;
    std::vector<std::string> warnings;
    std::int32_t version = 0;
    std::int32_t seats = 1;
    std::optional<Uuid> session; // in which it has its seats

    // Held or pending beyond its deadline: it takes no time any more, whatever its row says.
    bool is_dead(core::Instant now) const { return expires && *expires <= now; }
};

// Reads an appointment as it is now, in every isolation level, if it is there and the caller may see it.
std::optional<Standing> read_standing(const Context &context, const Uuid &id);

// Locks and reads an appointment; raises not_found, stale_version.
Standing locked_appointment(const Context &context, const Uuid &id, std::optional<std::int32_t> version);

// The same, when the change is one that its state allows; raises bad_transition with the changes it does allow.
Standing locked_for(const Context &context, const Uuid &id, std::optional<std::int32_t> version, core::Change change);
[[noreturn]] void refuse_transition(const Context &context, const Standing &a, std::string_view wanted);

// Its patient, and the provider, rooms and devices it uses.
std::vector<Uuid> used_resources(const Context &context, const Standing &a);

// Locks what an appointment with a deadline takes, which was alive when the statement began. False when its time ended while we
// waited for the locks, and somebody by whose clock it had ended took of it: then it has lost claims or seats.
bool lock_alive(const Context &context, const Standing &a);

// In which state a new appointment begins.
struct Beginning {
    core::Status status = core::Status::booked;
    core::ClaimKind kind = core::ClaimKind::booking;
    std::optional<core::Instant> expires;
};

struct Booked {
    Uuid appointment;
    std::string code;
};

// Writes a new appointment with its resources and claims. The locks of the placement are held.
Booked write_booking(const Context &context, const Placement &placed, const std::optional<std::string> &reason,
                     const Beginning &beginning);

// Moves an appointment: its old claims are deleted already, the new place is locked.
void write_move(const Context &context, const Standing &a, const Placement &placed,
                const std::optional<std::string> &reason);

// Puts an appointment without claims back into its time, with further columns to set.
void write_again(const Context &context, const Standing &a, const Placement &placed, const Beginning &beginning,
                 std::vector<ColumnValue> values);

// Resources and claims for an appointment that has none.
void write_claims(const Context &context, const Uuid &appointment, const Placement &placed, const Beginning &beginning);

void update_appointment(const Context &context, const Uuid &id, const std::vector<ColumnValue> &values);

// The columns of a change of state.
std::vector<ColumnValue> status_values(const Standing &a, core::Status status,
                                       const std::optional<std::string> &reason);

// Whether a cancellation comes inside the window; raises bad_transition where the tenant refuses those.
bool is_late(const Context &context, const Standing &a, core::Instant current);

// Cancels an appointment that is locked: takes the locks of its resources, deletes its claims, tells the waitlist.
void write_cancellation(const Context &context, const Standing &a, const std::optional<std::string> &reason, bool late);

// What an offer of the freed time to somebody else may claim, and what the appointment itself uses: to be locked.
std::vector<Uuid> lockable_when_freed(const Context &context, const Standing &a);

// Tells the waitlist that the time of an appointment is free again, in the transaction that frees it.
void tell_freed(const Standing &a);

// The row of book_appointment and its kin.
void add_booking(ResultSet &rows, const Uuid &appointment, const std::string &code, core::Status status,
                 const Placement &placed);

// Runs one change. What a writer past the engine can do to it in mid-writing is said in the engine's words: neither a
// deadlock nor a violated constraint reaches the caller.
Datum in_our_words(FunctionCallInfo fcinfo, Datum (*body)(FunctionCallInfo));

// Whether the caller may book, move or cancel at all; where, and for whom, is seen when the place is known.
void require_booking_right(const Context &context);

// Whether the caller may write an appointment there; raises forbidden.
void require_right_at(const Context &context, const Uuid &patient, const Uuid &provider, const Uuid &location);

} // namespace pg_clinic::pg
