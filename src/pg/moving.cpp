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

// The places that appointments shall have, arrays of one length.
struct Places {
    std::vector<Uuid> ids;
    std::vector<core::Instant> starts;
    std::vector<Uuid> providers, locations; // nil: as before
};

// What holds for all moves.
struct Manner {
    std::vector<Uuid> absent;          // providers who take no part
    std::vector<Uuid> passing;         // appointments for which rules about how far ahead one books give way
    std::optional<std::string> reason; // why they do
};

Places read_places(const Args &args) {
    Places p{args.required<std::vector<Uuid>>(0, "appointment_ids"),
             args.required<std::vector<core::Instant>>(1, "starts"),
             args.required<std::vector<Uuid>>(2, "provider_ids"), args.required<std::vector<Uuid>>(3, "location_ids")};
    if (p.starts.size() != p.ids.size() || p.providers.size() != p.ids.size() || p.locations.size() != p.ids.size())
        throw core::Error(core::ErrorCode::internal, "the moves' arrays differ in length");
    return p;
}

// The locks of all moves in one call, so that their order holds for them together.
void lock_all(const Context &context, const std::vector<Move> &moves) {
    std::vector<Uuid> all;
    for (const Move &m : moves)
        for (const std::vector<Uuid> &some : {lockable_when_freed(context, m.appointment), claimable(m.wish)})
            all.insert(all.end(), some.begin(), some.end());
    lock_resources(context.tenant_id, std::move(all));
}

// Raises what was passed over and is no rule about how far ahead one books.
void require_ahead_only(const Placement &placed) {
    for (const std::string &reason : placed.overridden)
        if (reason != core::name_of(core::Reason::lead_time) && reason != core::name_of(core::Reason::horizon))
            raise(code_named(reason).value_or(Code::forbidden));
}

// Carries moves out one after the other. at: which one is at work, for whoever catches an error.
class MoveRun {
  public:
    MoveRun(const Context &context, const Places &places, const Manner &manner, std::size_t &at)
        : context_(context), manner_(manner), at_(at) {
        lock_resources(context.tenant_id, places.ids);
        for (at_ = 0; at_ < places.ids.size(); ++at_)
            add(places);
        lock_all(context, moves_);
    }

    // Calls done with each appointment and its new place.
    template <class Done> void carry_out(Done done) {
        for (const Move &m : moves_)
            delete_claims(context_.tenant_id, m.appointment.id);
        for (at_ = 0; at_ < moves_.size(); ++at_) {
            const Move &m = moves_[at_];
            const Placement placed = place(context_, m.wish);
            require_right_at(context_, m.appointment.patient, placed.provider, placed.location);
            require_ahead_only(placed);
            write_move(context_, m.appointment, placed, placed.overridden.empty() ? std::nullopt : manner_.reason);
            done(m.appointment, placed);
            // From here on it stands in its new place, and counts for those that follow.
            for (Move &other : moves_)
                std::erase(other.wish.request.ignored, m.appointment.id);
        }
    }

    // Only what no other step has moved into is free now.
    void tell_all_freed() const {
        for (const Move &m : moves_)
            tell_freed(m.appointment);
    }

  private:
    void add(const Places &places) {
        Standing a = locked_appointment(context_, places.ids[at_], std::nullopt);
        if (!is_movable(a))
            refuse_transition(context_, a, "move");
        require_right_at(context_, a.patient, a.provider, a.location);
        const Uuid &provider = places.providers[at_];
        const Uuid &location = places.locations[at_];
        Wish wish = move_wish(context_, a, finite(places.starts[at_], "starts"), provider ? provider : a.provider,
                              location ? location : a.location);
        wish.request.ignored = places.ids;
        wish.request.override_rules =
            std::find(manner_.passing.begin(), manner_.passing.end(), a.id) != manner_.passing.end();
        wish.absent = manner_.absent;
        moves_.push_back({std::move(a), std::move(wish)});
    }

    const Context &context_;
    const Manner &manner_;
    std::size_t &at_;
    std::vector<Move> moves_;
};

// clinic_private.move_appointments(appointment_ids, starts, provider_ids, location_ids)
Datum move_all(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    const Places places = read_places(args);
    const Manner manner;
    ResultSet rows(fcinfo);
    std::size_t at = 0;
    MoveRun run(context, places, manner, at);
    run.carry_out(
        [&rows](const Standing &a, const Placement &placed) { add_booking(rows, a.id, a.code, a.status, placed); });
    run.tell_all_freed();
    return rows.done();
}

// Thrown to take a trial back.
struct TakenBack {};

// Whether an error says that a visit does not fit where it was to go, or is no longer to be moved.
bool is_refusal(const SqlError &error) {
    const std::optional<Code> code = error.word() == nullptr ? std::nullopt : code_named(error.word());
    return code && (*code <= Code::limit || *code == Code::no_show_policy || *code == Code::bad_transition);
}

struct Moved {
    Uuid appointment;
    std::vector<Uuid> resources;
};

// clinic_private.try_moves(appointment_ids, starts, provider_ids, location_ids, absent_ids, passing_ids, reason, keep)
Datum try_all(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const Context &context = require_context();
    require_booking_right(context);
    const Places places = read_places(args);
    const Manner manner{args.get_or<std::vector<Uuid>>(4, {}), args.get_or<std::vector<Uuid>>(5, {}),
                        args.optional<std::string>(6)};
    if (!manner.passing.empty()) {
        require_permission(context, "appointments:override");
        require_reason(manner.reason);
    }
    const bool keep = args.get_or<bool>(7, false);
    ResultSet rows(fcinfo);
    std::size_t at = 0;
    std::vector<Moved> moved;
    std::optional<std::string> refused;
    try {
        ErrorData *error = subtransaction([&] {
            MoveRun run(context, places, manner, at);
            run.carry_out([&moved](const Standing &a, const Placement &placed) {
                moved.push_back({a.id, placed.other_resources()});
            });
            if (!keep)
                throw TakenBack{};
            run.tell_all_freed();
        });
        if (error != nullptr)
            rethrow(error);
    } catch (const TakenBack &) {
        // Nothing is written; what was found out stays.
    } catch (const SqlError &error) {
        if (!is_refusal(error) || at >= places.ids.size())
            throw;
        refused = error.word();
    }
    if (refused)
        rows.add(places.ids[at], std::optional<std::vector<Uuid>>{}, refused);
    else
        for (const Moved &m : moved)
            rows.add(m.appointment, std::optional(m.resources), std::optional<std::string>{});
    return rows.done();
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

CLINIC_FUNCTION(clinic_move_appointments) { return in_our_words(fcinfo, move_all); }

CLINIC_FUNCTION(clinic_try_moves) { return in_our_words(fcinfo, try_all); }

// clinic_private.require_booking_right()
CLINIC_FUNCTION(clinic_require_booking_right) {
    require_booking_right(require_context());
    return returning_null(fcinfo);
}
