// Moving several appointments at once: each is judged with those moved before it in place and the others out of the way.
#include "pg/booking_arguments.hpp"
#include "pg/clock.hpp"
#include "pg/search.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

// An appointment with where it shall go.
struct Move {
    Standing appointment;
    Wish wish;
};

bool is_movable(const Standing &a) {
    const bool state = a.status == core::Status::held || a.status == core::Status::pending ||
                       a.status == core::Status::booked || a.status == core::Status::confirmed;
    return state && !a.is_dead(now());
}

std::vector<Move> read_moves(const Args &args, const Context &context, const std::vector<Uuid> &ids) {
    const auto starts = args.required<std::vector<core::Instant>>(1, "starts");
    const auto providers = args.required<std::vector<Uuid>>(2, "provider_ids");
    const auto locations = args.required<std::vector<Uuid>>(3, "location_ids");
    if (starts.size() != ids.size() || providers.size() != ids.size() || locations.size() != ids.size())
        throw core::Error(core::ErrorCode::internal, "the moves' arrays differ in length");
    std::vector<Move> moves;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        Standing a = locked_appointment(context, ids[i], std::nullopt);
        if (!is_movable(a))
            refuse_transition(context, a, "move");
        require_right_at(context, a.patient, a.provider, a.location);
        Wish wish = move_wish(context, a, finite(starts[i], "starts"), providers[i] ? providers[i] : a.provider,
                              locations[i] ? locations[i] : a.location);
        wish.request.ignored = ids;
        moves.push_back({std::move(a), std::move(wish)});
    }
    return moves;
}

// The locks of all moves in one call, so that their order holds for them together.
void lock_all(const Context &context, const std::vector<Move> &moves) {
    std::vector<Uuid> all;
    for (const Move &m : moves)
        for (const std::vector<Uuid> &some : {lockable_when_freed(context, m.appointment), claimable(m.wish)})
            all.insert(all.end(), some.begin(), some.end());
    lock_resources(context.tenant_id, std::move(all));
}

// clinic_private.move_appointments(appointment_ids, starts, provider_ids, location_ids)
Datum move_all(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    const auto ids = args.required<std::vector<Uuid>>(0, "appointment_ids");
    ResultSet rows(fcinfo);
    lock_resources(context.tenant_id, ids);
    std::vector<Move> moves = read_moves(args, context, ids);
    lock_all(context, moves);
    for (const Uuid &id : ids)
        delete_claims(context.tenant_id, id);
    for (Move &m : moves) {
        const Placement placed = place(context, m.wish);
        require_right_at(context, m.appointment.patient, placed.provider, placed.location);
        write_move(context, m.appointment, placed, std::nullopt);
        add_booking(rows, m.appointment.id, m.appointment.code, m.appointment.status, placed);
        // From here on it stands in its new place, and counts for those that follow.
        for (Move &other : moves)
            std::erase(other.wish.request.ignored, m.appointment.id);
    }
    // Only what no other step has moved into is free now.
    for (const Move &m : moves)
        tell_freed(m.appointment);
    return rows.done();
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

CLINIC_FUNCTION(clinic_move_appointments) { return in_our_words(fcinfo, move_all); }

// clinic_private.require_booking_right()
CLINIC_FUNCTION(clinic_require_booking_right) {
    require_booking_right(require_context());
    return returning_null(fcinfo);
}
