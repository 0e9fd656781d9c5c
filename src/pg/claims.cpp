// Claims: see claims.hpp.
#include "pg/claims.hpp"

#include "core/kernel.hpp"
#include "pg/clock.hpp"
#include "pg/errors.hpp"
#include "pg/fired_row.hpp"
#include "pg/spi.hpp"
#include "pg/table_writer.hpp"

namespace pg_clinic::pg {

namespace {

// True while the engine itself writes claims: it has judged them already. Cleared by unwinding.
constinit bool engine_writes = false;

class EngineWrite {
  public:
    EngineWrite() : before_(std::exchange(engine_writes, true)) {}
    ~EngineWrite() { engine_writes = before_; }
    EngineWrite(const EngineWrite &) = delete;
    EngineWrite &operator=(const EngineWrite &) = delete;

  private:
    bool before_;
};

// Our own lock space beside SQL's advisory locks: the fourth field of the tag is 1 or 2 there.
LOCKTAG lock_tag(const Uuid &tenant, const Uuid &resource) {
    const std::uint64_t key = std::hash<Uuid>{}(resource) ^ (std::hash<Uuid>{}(tenant)*0x9E3779B97F4A7C15ULL);
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, static_cast<uint32>(key >> 32), static_cast<uint32>(key), 3);
    return tag;
}

bool comes_before(const LOCKTAG &a, const LOCKTAG &b) {
    return std::tie(a.locktag_field2, a.locktag_field3) < std::tie(b.locktag_field2, b.locktag_field3);
}

void acquire_all(const std::vector<LOCKTAG> &tags) {
    for (const LOCKTAG &tag : tags) {
        const LOCKTAG *t = &tag;
        pg_call([t] { (void)LockAcquire(t, ExclusiveLock, false, false); });
    }
}

// Takes all, or none when some cannot be had without waiting.
bool acquire_without_waiting(const std::vector<LOCKTAG> &tags) {
    const LOCKTAG *const all = tags.data();
    const std::size_t count = tags.size();
    return pg_call([all, count] {
        for (std::size_t i = 0; i < count; ++i)
            if (LockAcquire(&all[i], ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL) {
                while (i-- > 0)
                    (void)LockRelease(&all[i], ExclusiveLock, false);
                return false;
            }
        return true;
    });
}

} // namespace

core::ClaimKind claim_kind(std::string_view name) {
    for (const auto kind :
         {core::ClaimKind::hold, core::ClaimKind::offer, core::ClaimKind::pending, core::ClaimKind::session})
        if (name == name_of(kind))
            return kind;
    return core::ClaimKind::booking;
}

std::string_view name_of(core::ClaimKind kind) noexcept {
    constexpr std::array<std::string_view, 5> names{"booking", "pending", "hold", "offer", "session"};
    return names[static_cast<std::size_t>(kind)];
}

ClaimReader::ClaimReader(const Uuid &tenant, Sight sight)
    : tenant_(tenant), sight_(sight), calendars_("calendars", "calendars_pkey"),
      claims_("claims", "claims_calendar_no_during_excl"), lane_(calendars_.column<std::int32_t>("lane")),
      number_(calendars_.column<std::int64_t>("calendar_no")),
      calendar_no_(claims_.column<std::int64_t>("calendar_no")), claim_tenant_(claims_.column<Uuid>("tenant_id")),
      claim_id_(claims_.column<Uuid>("claim_id")), during_(claims_.column<core::Interval>("during")),
      starts_at_(claims_.column<core::Instant>("starts_at")), ends_at_(claims_.column<core::Instant>("ends_at")),
      kind_(claims_.column<std::string_view>("kind")), capacity_(claims_.column<std::int32_t>("capacity")),
      seats_(claims_.column<std::int32_t>("seats")), overbooked_(claims_.column<bool>("overbooked")),
      service_(claims_.column<Uuid>("service_id")), location_(claims_.column<Uuid>("location_id")),
      appointment_(claims_.column<Uuid>("appointment_id")), owner_(claims_.column<Uuid>("owner_id")),
      expires_at_(claims_.column<core::Instant>("expires_at")) {}

std::vector<Lane> ClaimReader::lanes(const Uuid &resource) {
    calendars_.where("tenant_id", BTEqualStrategyNumber, tenant_);
    calendars_.where("resource_id", BTEqualStrategyNumber, resource);
    calendars_.start(sight_);
    std::vector<Lane> lanes;
    while (calendars_.next())
        lanes.push_back({calendars_.get(lane_), calendars_.get(number_), calendars_.place()});
    return lanes;
}

// The claim that the scan stands on. The index may be lossy, and a foreign tenant's claim can never count.
std::optional<StoredClaim> ClaimReader::claim_here(const core::Interval &interval) {
    StoredClaim claim;
    core::Busy &b = claim.busy;
    b.during = claims_.get(during_);
    if (!b.during.overlaps(interval) || claims_.get(claim_tenant_) != tenant_)
        return std::nullopt;
    claim.calendar_no = claims_.get(calendar_no_);
    b.claim = claims_.get(claim_id_);
    b.visit = {claims_.get(starts_at_), claims_.get(ends_at_)};
    b.kind = claim_kind(claims_.get(kind_));
    b.capacity = claims_.get(capacity_);
    b.seats = claims_.get(seats_);
    b.overbooked = claims_.get(overbooked_);
    b.service = claims_.optional(service_).value_or(Uuid{});
    b.location = claims_.optional(location_).value_or(Uuid{});
    const auto appointment = claims_.optional(appointment_);
    b.appointment = appointment ? *appointment : claims_.optional(owner_).value_or(Uuid{});
    claim.expires = claims_.optional(expires_at_).value_or(core::instant_max);
    claim.place = claims_.place();
    return claim;
}

std::vector<StoredClaim> ClaimReader::claims(const std::vector<Lane> &lanes, const core::Interval &interval) {
    std::vector<StoredClaim> found;
    for (const Lane &lane : lanes) {
        claims_.where("calendar_no", BTEqualStrategyNumber, lane.calendar_no);
        claims_.where("during", RANGESTRAT_OVERLAPS, interval);
        for (claims_.start(sight_); claims_.next();)
            if (auto claim = claim_here(interval))
                found.push_back(std::move(*claim));
    }
    return found;
}

core::BusyList ClaimReader::busy(const Uuid &resource, const core::Interval &interval, core::Instant now) {
    std::vector<core::Busy> live;
    for (StoredClaim &claim : claims(resource, interval))
        if (claim.expires > now)
            live.push_back(std::move(claim.busy));
    return core::BusyList(std::move(live));
}

// Calendars with numbers next to each other are read in one go: going down the index for each is dearer than its claims.
std::vector<core::BusyList> ClaimReader::busy(const std::vector<Uuid> &resources, const core::Interval &interval,
                                              core::Instant now) {
    constexpr std::int64_t widest_gap = 4; // of numbers that nobody asked for
    struct Calendar {
        std::int64_t number;
        std::size_t resource;
    };
    std::vector<Calendar> calendars;
    for (std::size_t i = 0; i < resources.size(); ++i)
        for (const Lane &lane : lanes(resources[i]))
            calendars.push_back({lane.calendar_no, i});
    std::sort(calendars.begin(), calendars.end(),
              [](const Calendar &a, const Calendar &b) { return a.number < b.number; });
    std::vector<std::vector<core::Busy>> live(resources.size());
    for (auto first = calendars.begin(); first != calendars.end();) {
        auto last = first;
        while (std::next(last) != calendars.end() && std::next(last)->number - last->number <= widest_gap)
            ++last;
        if (first == last) {
            claims_.where("calendar_no", BTEqualStrategyNumber, first->number);
        } else {
            claims_.where("calendar_no", BTGreaterEqualStrategyNumber, first->number);
            claims_.where("calendar_no", BTLessEqualStrategyNumber, last->number);
        }
        claims_.where("during", RANGESTRAT_OVERLAPS, interval);
        for (claims_.start(sight_); claims_.next();) {
            const std::int64_t number = claims_.get(calendar_no_);
            const auto of =
                std::partition_point(first, last, [number](const Calendar &c) { return c.number < number; });
            if (of->number != number)
                continue;
            if (auto claim = claim_here(interval); claim && claim->expires > now)
                live[of->resource].push_back(std::move(claim->busy));
        }
        first = std::next(last);
    }
    std::vector<core::BusyList> lists;
    lists.reserve(live.size());
    for (std::vector<core::Busy> &one : live)
        lists.emplace_back(std::move(one));
    return lists;
}

void lock_resources(const Uuid &tenant, std::vector<Uuid> resources) {
    std::vector<LOCKTAG> tags;
    for (const Uuid &resource : resources)
        tags.push_back(lock_tag(tenant, resource));
    std::sort(tags.begin(), tags.end(), comes_before);
    if (acquire_without_waiting(tags))
        return;
    // From here on a transaction that locks in another order may deadlock with us: the locks are taken in a
    // subtransaction, so that they can be given back, all of them, and tried once more.
    for (int attempt = 1; attempt <= 2; ++attempt) {
        ErrorData *error = subtransaction([&tags] { acquire_all(tags); });
        if (error == nullptr)
            return;
        if (error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED)
            rethrow(error);
    }
    raise(Code::busy);
}

namespace {

KeptPlan lane_statement{"INSERT INTO clinic_data.calendars (tenant_id, resource_id, lane) VALUES ($1, $2, $3)"
                        " RETURNING calendar_no"};

// Finds room for the claims of one appointment, resource by resource.
class LaneFinder {
  public:
    LaneFinder(const Uuid &tenant, core::Instant now, TableWriter &writer)
        : tenant_(tenant), now_(now), writer_(writer), truth_(tenant, Sight::truth) {}

    // The calendar for a claim; makes a lane when all are taken.
    std::int64_t find(Spi &spi, const NewClaim &claim) {
        const std::vector<Lane> lanes = truth_.lanes(claim.resource);
        const std::vector<StoredClaim> present = truth_.claims(lanes, claim.during);
        sweep(present);
        for (const Lane &lane : lanes)
            if ((lane.lane >= first_overbook_lane) == claim.overbooked && is_free(lane, present) &&
                hold_row("calendars", lane.place))
                return lane.calendar_no;
        return add_lane(spi, claim, lanes);
    }

  private:
    bool is_free(const Lane &lane, const std::vector<StoredClaim> &present) const {
        return std::none_of(present.begin(), present.end(), [&](const StoredClaim &c) {
            return c.calendar_no == lane.calendar_no && c.expires > now_;
        });
    }

    // Removes expired claims: they are dead, but the constraint does not know the time.
    void sweep(const std::vector<StoredClaim> &present) {
        for (const StoredClaim &c : present)
            if (c.expires <= now_ && writer_.lock(c.place))
                writer_.remove();
    }

    std::int64_t add_lane(Spi &spi, const NewClaim &claim, const std::vector<Lane> &lanes) {
        std::int32_t number = claim.overbooked ? first_overbook_lane : 1;
        for (const Lane &lane : lanes) // ascending
            if (lane.lane == number)
                ++number;
        const Rows rows = spi.query(lane_statement, tenant_, claim.resource, number);
        return rows[0].get<std::int64_t>(0);
    }

    Uuid tenant_;
    core::Instant now_;
    TableWriter &writer_;
    ClaimReader truth_;
};

} // namespace

void insert_claims(const ClaimOwner &owner, const std::vector<NewClaim> &claims, core::Instant now) {
    const EngineWrite writing;
    Spi spi;
    TableWriter writer("claims", {"appointments", "calendars"});
    {
        LaneFinder lanes(owner.tenant, now, writer);
        for (const NewClaim &c : claims)
            writer.insert({column_value("tenant_id", owner.tenant), column_value("claim_id", new_id()),
                           column_value("resource_id", c.resource), column_value("calendar_no", lanes.find(spi, c)),
                           column_value("during", c.during), column_value("starts_at", c.visit.begin),
                           column_value("ends_at", c.visit.end), column_value("kind", name_of(owner.kind)),
                           column_value("capacity", c.capacity), column_value("seats", c.seats),
                           column_value("overbooked", c.overbooked), column_value("service_id", owner.service),
                           column_value("location_id", owner.location),
                           column_value("appointment_id", owner.appointment), column_value("owner_id", owner.owner),
                           column_value("expires_at", owner.expires), column_value("created_by", owner.user)});
    }
    writer.finish();
}

namespace {

// Calls visit(writer) for each claim of an appointment or another owner that concerns(scan), with its row locked.
template <class Concerns, class Visit>
void each_claim_of(const Uuid &tenant, const char *index, const char *column, const Uuid &id, Concerns concerns,
                   Visit visit) {
    const EngineWrite writing;
    TableWriter writer("claims");
    {
        IndexScan scan("claims", index);
        for (bool again = true; again;) {
            again = false;
            scan.where("tenant_id", BTEqualStrategyNumber, tenant);
            scan.where(column, BTEqualStrategyNumber, id);
            scan.start(Sight::truth);
            while (scan.next()) {
                if (!concerns(scan))
                    continue;
                if (writer.lock(scan.place()))
                    visit(writer);
                else
                    again = true; // somebody else wrote it while we waited for the row
            }
        }
    }
    writer.finish();
}

constexpr auto every_claim = [](const IndexScan &) { return true; };
constexpr auto removal = [](TableWriter &writer) { writer.remove(); };
constexpr const char *by_appointment = "claims_appointment_id_idx";

} // namespace

void delete_claims(const Uuid &tenant, const Uuid &appointment) {
    each_claim_of(tenant, by_appointment, "appointment_id", appointment, every_claim, removal);
}

void delete_claims_of_owner(const Uuid &tenant, const Uuid &owner) {
    each_claim_of(tenant, "claims_owner_id_idx", "owner_id", owner, every_claim, removal);
}

std::vector<Uuid> claimed_resources(const Uuid &tenant, const Uuid &appointment) {
    IndexScan scan("claims", by_appointment);
    const auto resource = scan.column<Uuid>("resource_id");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("appointment_id", BTEqualStrategyNumber, appointment);
    scan.start(Sight::truth);
    std::vector<Uuid> found;
    while (scan.next())
        found.push_back(scan.get(resource));
    return found;
}

void change_claims(const Uuid &tenant, const Uuid &appointment, core::ClaimKind kind,
                   std::optional<core::Instant> expires) {
    // The scan meets the rows that were changed by it again, in their new form; those must be left alone.
    const auto differs = [&](const IndexScan &scan) {
        return scan.get(scan.column<std::string>("kind")) != name_of(kind) ||
               scan.optional(scan.column<core::Instant>("expires_at")) != expires;
    };
    each_claim_of(tenant, by_appointment, "appointment_id", appointment, differs, [&](TableWriter &writer) {
        writer.update({column_value("kind", name_of(kind)), column_value("expires_at", expires)});
    });
}

std::vector<std::optional<core::Interval>> move_claims(const Uuid &tenant, const std::vector<ClaimMove> &moves,
                                                       core::Instant now) {
    const EngineWrite writing;
    struct Taken {
        core::Interval visit;
        std::vector<ColumnValue> same; // what does not change
    };
    std::vector<std::optional<Taken>> taken(moves.size());
    Spi spi;
    TableWriter writer("claims", {"appointments", "calendars"});
    {
        IndexScan scan("claims", "claims_pkey");
        for (std::size_t i = 0; i < moves.size(); ++i) {
            scan.where("tenant_id", BTEqualStrategyNumber, tenant);
            scan.where("claim_id", BTEqualStrategyNumber, moves[i].claim);
            scan.start(Sight::truth);
            if (!scan.next() || !writer.lock(scan.place()))
                continue;
            Taken &t = taken[i].emplace();
            t.visit = {scan.get(scan.column<core::Instant>("starts_at")),
                       scan.get(scan.column<core::Instant>("ends_at"))};
            t.same = {column_value("kind", scan.get(scan.column<std::string>("kind"))),
                      column_value("seats", scan.get(scan.column<std::int32_t>("seats"))),
                      column_value("service_id", scan.optional(scan.column<Uuid>("service_id"))),
                      column_value("location_id", scan.optional(scan.column<Uuid>("location_id"))),
                      column_value("appointment_id", scan.optional(scan.column<Uuid>("appointment_id"))),
                      column_value("expires_at", scan.optional(scan.column<core::Instant>("expires_at"))),
                      column_value("created_at", scan.get(scan.column<core::Instant>("created_at"))),
                      column_value("created_by", scan.optional(scan.column<Uuid>("created_by")))};
            writer.remove();
        }
    }
    LaneFinder lanes(tenant, now, writer);
    std::vector<std::optional<core::Interval>> visits(moves.size());
    for (std::size_t i = 0; i < moves.size(); ++i) {
        if (!taken[i])
            continue;
        const ClaimMove &m = moves[i];
        const core::Interval visit = taken[i]->visit;
        const NewClaim c{m.resource, m.during, visit, m.capacity, false, 1};
        const auto lane = lanes.find(spi, c);
        std::vector<ColumnValue> values = taken[i]->same;
        for (const ColumnValue &v : {column_value("tenant_id", tenant), column_value("claim_id", m.claim),
                                     column_value("resource_id", m.resource), column_value("calendar_no", lane),
                                     column_value("during", m.during), column_value("starts_at", visit.begin),
                                     column_value("ends_at", visit.end), column_value("capacity", m.capacity)})
            values.push_back(v);
        writer.insert(values);
        visits[i] = visit;
    }
    writer.finish();
    return visits;
}

namespace {

// Removes claims that are dead: nobody counts them, but the constraint does not know the time.
void remove_all(const std::vector<ItemPointerData> &places) {
    if (places.empty())
        return;
    TableWriter writer("claims");
    for (const ItemPointerData &place : places)
        if (writer.lock(place))
            writer.remove();
    writer.finish();
}

// Whether an update takes nothing that was not taken before: same lane, time and life, no more seats, tolerating no fewer.
bool takes_no_more(const FiredRow &before, const FiredRow &after) {
    const auto same = [&]<class T>(const char *name, T *) {
        return value_of<T>(before, name) == value_of<T>(after, name);
    };
    if (!same("tenant_id", static_cast<Uuid *>(nullptr)) || !same("resource_id", static_cast<Uuid *>(nullptr)) ||
        !same("calendar_no", static_cast<std::int64_t *>(nullptr)) ||
        !same("during", static_cast<core::Interval *>(nullptr)) || !same("overbooked", static_cast<bool *>(nullptr)) ||
        !same("expires_at", static_cast<core::Instant *>(nullptr)))
        return false;
    const auto least = value_of<std::int32_t>(before, "capacity");
    const auto now_least = value_of<std::int32_t>(after, "capacity");
    const auto seats = value_of<std::int32_t>(before, "seats");
    const auto now_seats = value_of<std::int32_t>(after, "seats");
    return least && now_least && *least <= *now_least && seats && now_seats && *seats >= *now_seats;
}

// Refuses a claim written past the engine that the resource has no room for, and clears expired ones out of its way.
// Constraints say the rest.
void refuse_overlap(const Uuid &tenant, const Uuid &resource, const FiredRow &row, const Uuid &replaced) {
    const auto during = value_of<core::Interval>(row, "during");
    const auto capacity = value_of<std::int32_t>(row, "capacity");
    const auto seats = value_of<std::int32_t>(row, "seats");
    if (!during || !capacity || !seats || value_of<bool>(row, "overbooked").value_or(false) || during->empty())
        return;
    const core::Interval wanted = *during;
    ClaimReader reader(tenant, Sight::truth);
    std::vector<core::Busy> others;
    std::vector<ItemPointerData> dead;
    const core::Instant current = now();
    for (StoredClaim &c : reader.claims(resource, wanted)) {
        if (c.busy.claim == replaced)
            continue;
        if (c.expires > current)
            others.push_back(std::move(c.busy));
        else
            dead.push_back(c.place);
    }
    remove_all(dead);
    const core::BusyList busy(std::move(others));
    const core::Fit fit = core::fit_claim(busy, wanted, *capacity, {}, true, *seats);
    if (!fit.fits)
        raise(Code::slot_taken, {}, Detail().add("resource_id", resource));
}

} // namespace

} // namespace pg_clinic::pg

// BEFORE ROW trigger of clinic_data.claims, for every writer: takes the resource's lock, then refuses what does not fit.
CLINIC_FUNCTION(clinic_claims_guard) {
    using namespace pg_clinic::pg;
    if (!CALLED_AS_TRIGGER(fcinfo))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "claims_guard must be called as a trigger");
    auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!TRIGGER_FIRED_BEFORE(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "claims_guard must be a BEFORE ROW trigger");
    if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
        return PointerGetDatum(trigger->tg_trigtuple);
    const bool update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
    const FiredRow row{trigger->tg_relation, update ? trigger->tg_newtuple : trigger->tg_trigtuple};
    if (!engine_writes) {
        const auto tenant = value_of<Uuid>(row, "tenant_id");
        const auto resource = value_of<Uuid>(row, "resource_id");
        if (tenant && resource) {
            lock_resources(*tenant, {*resource});
            if (update && takes_no_more({row.table, trigger->tg_trigtuple}, row))
                return PointerGetDatum(row.tuple);
            Uuid replaced;
            if (update)
                replaced = value_of<Uuid>({row.table, trigger->tg_trigtuple}, "claim_id").value_or(Uuid{});
            refuse_overlap(*tenant, *resource, row, replaced);
        }
    }
    return PointerGetDatum(row.tuple);
}
