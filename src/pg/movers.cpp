// Movers: see movers.hpp.
#include "pg/movers.hpp"

#include <map>

#include "pg/claims.hpp"
#include "pg/table_writer.hpp"

namespace pg_clinic::pg {

namespace {

constexpr const char *uses = "appointment_resources";
constexpr const char *uses_pkey = "appointment_resources_pkey";

class StoredMovers final : public core::Movers {
  public:
    StoredMovers(const Uuid &tenant, Sight sight, core::Instant now) : tenant_(tenant), sight_(sight), now_(now) {}

    std::optional<core::Mover> behind(const core::Busy &claim, const core::Id &resource) const override {
        if (!claim.appointment)
            return std::nullopt;
        const auto [it, is_new] = known_.try_emplace(std::pair(claim.appointment, resource));
        if (is_new)
            it->second = look_up(claim.appointment, resource);
        return it->second;
    }

  private:
    struct ServiceFacts {
        core::Buffers buffers;
        bool inside_hours = false;
    };

    std::optional<core::Mover> look_up(const Uuid &appointment, const Uuid &resource) const {
        IndexScan scan("appointments", "appointments_pkey");
        scan.where("tenant_id", BTEqualStrategyNumber, tenant_);
        scan.where("appointment_id", BTEqualStrategyNumber, appointment);
        scan.start(sight_);
        if (!scan.next())
            return std::nullopt; // the owner of the claim is something else
        const auto status = scan.get(scan.column<std::string>("status"));
        const ServiceFacts service = service_facts(scan.get(scan.column<Uuid>("service_id")));
        core::Mover m;
        m.provider = scan.get(scan.column<Uuid>("provider_id"));
        m.patient = scan.get(scan.column<Uuid>("patient_id"));
        m.capacity = scan.get(scan.column<std::int32_t>("capacity"));
        m.service_buffers = service.buffers;
        m.buffers_inside_hours = service.inside_hours;
        m.movable = (status == "held" || status == "pending" || status == "booked" || status == "confirmed") &&
                    scan.get(scan.column<core::Instant>("starts_at")) >= now_ && !is_pinned(appointment, resource);
        return m;
    }

    bool is_pinned(const Uuid &appointment, const Uuid &resource) const {
        IndexScan scan(uses, uses_pkey);
        scan.where("tenant_id", BTEqualStrategyNumber, tenant_);
        scan.where("appointment_id", BTEqualStrategyNumber, appointment);
        scan.where("resource_id", BTEqualStrategyNumber, resource);
        scan.start(sight_);
        return !scan.next() || scan.get(scan.column<bool>("pinned"));
    }

    ServiceFacts service_facts(const Uuid &service) const {
        const auto [it, is_new] = services_.try_emplace(service);
        if (is_new) {
            IndexScan scan("services", "services_pkey");
            scan.where("tenant_id", BTEqualStrategyNumber, tenant_);
            scan.where("service_id", BTEqualStrategyNumber, service);
            scan.start(sight_);
            if (scan.next()) {
                const auto minutes = [&scan](const char *column) {
                    return core::minutes(scan.get(scan.column<std::int32_t>(column)));
                };
                it->second = {{minutes("buffer_before_minutes"), minutes("buffer_after_minutes")},
                              scan.get(scan.column<bool>("buffers_inside_hours"))};
            }
        }
        return it->second;
    }

    Uuid tenant_;
    Sight sight_;
    core::Instant now_;
    mutable std::map<std::pair<Uuid, Uuid>, std::optional<core::Mover>> known_;
    mutable std::map<Uuid, ServiceFacts> services_;
};

std::int32_t in_minutes(core::Duration d) { return static_cast<std::int32_t>(d.micros / core::micros_per_minute); }

// Notes which resource an appointment uses now.
void note_move(TableWriter &writer, const Uuid &tenant, const core::RoomMove &move, const core::Interval &visit) {
    IndexScan scan(uses, uses_pkey);
    for (bool again = true; again;) {
        again = false;
        scan.where("tenant_id", BTEqualStrategyNumber, tenant);
        scan.where("appointment_id", BTEqualStrategyNumber, move.appointment);
        scan.where("resource_id", BTEqualStrategyNumber, move.from);
        scan.start(Sight::truth);
        while (scan.next()) {
            if (writer.lock(scan.place()))
                writer.remove();
            else
                again = true;
        }
    }
    writer.insert({column_value("tenant_id", tenant), column_value("appointment_id", move.appointment),
                   column_value("resource_id", move.to),
                   column_value("buffer_before_minutes", in_minutes(visit.begin - move.during.begin)),
                   column_value("buffer_after_minutes", in_minutes(move.during.end - visit.end)),
                   column_value("pinned", false)});
}

} // namespace

std::shared_ptr<const core::Movers> stored_movers(const Uuid &tenant, Sight sight, core::Instant now) {
    return std::make_shared<StoredMovers>(tenant, sight, now);
}

void make_room(const Uuid &tenant, const std::vector<core::RoomMove> &moves, core::Instant now) {
    if (moves.empty())
        return;
    std::vector<ClaimMove> claims;
    for (const core::RoomMove &m : moves)
        claims.push_back({m.claim, m.to, m.during, m.capacity});
    const std::vector<std::optional<core::Interval>> visits = move_claims(tenant, claims, now);
    TableWriter writer(uses, {"appointments"});
    for (std::size_t i = 0; i < moves.size(); ++i)
        if (visits[i]) // else it was cancelled meanwhile, and needs no room
            note_move(writer, tenant, moves[i], *visits[i]);
    writer.finish();
}

} // namespace pg_clinic::pg
