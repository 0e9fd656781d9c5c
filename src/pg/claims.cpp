// Claims: see claims.hpp.
#include "pg/claims.hpp"

#include "core/kernel.hpp"
#include "pg/clock.hpp"
#include "pg/errors.hpp"
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

TypeCacheEntry *range_type() {
    return pg_call([] { return lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO); });
}

Uuid uuid_or_nil(const NullableValue &v) { return v.is_null ? Uuid{} : Sql<Uuid>::from(v.value); }

// Our own lock space beside SQL's advisory locks: the fourth field of the tag is 1 or 2 there.
LOCKTAG lock_tag(const Uuid &tenant, const Uuid &resource) {
    const std::uint64_t key = std::hash<Uuid>{}(resource) ^ (std::hash<Uuid>{}(tenant) * 0x9E3779B97F4A7C15ULL);
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
    if (name == "hold")
        return core::ClaimKind::hold;
    if (name == "offer")
        return core::ClaimKind::offer;
    return name == "pending" ? core::ClaimKind::pending : core::ClaimKind::booking;
}

Datum range_datum(const core::Interval &interval) {
    TypeCacheEntry *type = range_type();
    return pg_call([type, &interval] {
        const bool no_begin = interval.begin == core::instant_min;
        const bool no_end = interval.end == core::instant_max;
        RangeBound lower{TimestampTzGetDatum(interval.begin.micros), no_begin, !no_begin, true};
        RangeBound upper{TimestampTzGetDatum(interval.end.micros), no_end, false, false};
#if PG_VERSION_NUM >= 160000
        return RangeTypePGetDatum(make_range(type, &lower, &upper, false, nullptr));
#else
        return RangeTypePGetDatum(make_range(type, &lower, &upper, false));
#endif
    });
}

core::Interval interval_of(Datum range) {
    TypeCacheEntry *type = range_type();
    return pg_call([type, range] {
        RangeBound lower, upper;
        bool empty = false;
        range_deserialize(type, DatumGetRangeTypeP(range), &lower, &upper, &empty);
        core::Interval interval{core::instant_min, core::instant_min};
        if (!empty) {
            // Time is counted in microseconds, so ( and ] mean one microsecond later.
            interval.begin =
                lower.infinite ? core::instant_min : core::Instant{DatumGetTimestampTz(lower.val) + !lower.inclusive};
            interval.end =
                upper.infinite ? core::instant_max : core::Instant{DatumGetTimestampTz(upper.val) + upper.inclusive};
        }
        return interval;
    });
}

ClaimReader::ClaimReader(const Uuid &tenant, Sight sight)
    : tenant_(tenant), sight_(sight), calendars_("calendars", "calendars_pkey"),
      claims_("claims", "claims_calendar_no_during_excl"), resource_column_(calendars_.column("resource_id")),
      lane_column_(calendars_.column("lane")), number_column_(calendars_.column("calendar_no")),
      claim_tenant_(claims_.column("tenant_id")), claim_id_(claims_.column("claim_id")), during_(claims_.column("during")),
      starts_at_(claims_.column("starts_at")), ends_at_(claims_.column("ends_at")), kind_(claims_.column("kind")),
      capacity_(claims_.column("capacity")), overbooked_(claims_.column("overbooked")),
      service_(claims_.column("service_id")), location_(claims_.column("location_id")),
      appointment_(claims_.column("appointment_id")), expires_at_(claims_.column("expires_at")) {}

std::vector<Lane> ClaimReader::lanes(const Uuid &resource) {
    calendars_.where(1, BTEqualStrategyNumber, Sql<Uuid>::to(tenant_), UUIDOID);
    calendars_.where(2, BTEqualStrategyNumber, Sql<Uuid>::to(resource), UUIDOID);
    calendars_.start(sight_);
    std::vector<Lane> lanes;
    while (TupleTableSlot *slot = calendars_.next())
        lanes.push_back({Sql<std::int32_t>::from(slot_value(slot, lane_column_).value),
                         Sql<std::int64_t>::from(slot_value(slot, number_column_).value), slot->tts_tid});
    return lanes;
}

std::vector<StoredClaim> ClaimReader::claims(const Uuid &resource, const core::Interval &interval) {
    std::vector<StoredClaim> found;
    const Datum range = range_datum(interval);
    for (const Lane &lane : lanes(resource)) {
        claims_.where(1, BTEqualStrategyNumber, Int64GetDatum(lane.calendar_no), INT8OID);
        claims_.where(2, RANGESTRAT_OVERLAPS, range, ANYRANGEOID);
        claims_.start(sight_);
        while (TupleTableSlot *slot = claims_.next()) {
            StoredClaim claim;
            claim.calendar_no = lane.calendar_no;
            core::Busy &b = claim.busy;
            b.during = interval_of(slot_value(slot, during_).value);
            // The index may be lossy, and a foreign tenant's claim can never count.
            if (!b.during.overlaps(interval) || uuid_or_nil(slot_value(slot, claim_tenant_)) != tenant_)
                continue;
            b.claim = uuid_or_nil(slot_value(slot, claim_id_));
            b.visit = {Sql<core::Instant>::from(slot_value(slot, starts_at_).value),
                       Sql<core::Instant>::from(slot_value(slot, ends_at_).value)};
            b.kind = claim_kind(text_view(slot_value(slot, kind_).value));
            b.capacity = Sql<std::int32_t>::from(slot_value(slot, capacity_).value);
            b.overbooked = Sql<bool>::from(slot_value(slot, overbooked_).value);
            b.service = uuid_or_nil(slot_value(slot, service_));
            b.location = uuid_or_nil(slot_value(slot, location_));
            b.appointment = uuid_or_nil(slot_value(slot, appointment_));
            const NullableValue expires = slot_value(slot, expires_at_);
            if (!expires.is_null)
                claim.expires = Sql<core::Instant>::from(expires.value);
            claim.place = slot->tts_tid;
            found.push_back(std::move(claim));
        }
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
        const std::vector<StoredClaim> present = truth_.claims(claim.resource, claim.during);
        sweep(present);
        const std::vector<Lane> lanes = truth_.lanes(claim.resource);
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
            writer.insert({column_value("tenant_id", owner.tenant),
                           column_value("claim_id", new_id()),
                           column_value("resource_id", c.resource),
                           column_value("calendar_no", lanes.find(spi, c)),
                           {"during", {range_datum(c.during), false}},
                           column_value("starts_at", c.visit.begin),
                           column_value("ends_at", c.visit.end),
                           column_value("kind", std::string_view("booking")),
                           column_value("capacity", c.capacity),
                           column_value("overbooked", c.overbooked),
                           column_value("service_id", owner.service),
                           column_value("location_id", owner.location),
                           column_value("appointment_id", owner.appointment),
                           column_value("created_by", owner.user)});
    }
    writer.finish();
}

void delete_claims(const Uuid &tenant, const Uuid &appointment) {
    TableWriter writer("claims");
    {
        IndexScan scan("claims", "claims_appointment_id_idx");
        for (bool again = true; again;) {
            again = false;
            scan.where(1, BTEqualStrategyNumber, Sql<Uuid>::to(tenant), UUIDOID);
            scan.where(2, BTEqualStrategyNumber, Sql<Uuid>::to(appointment), UUIDOID);
            scan.start(Sight::truth);
            while (const TupleTableSlot *slot = scan.next()) {
                if (writer.lock(slot->tts_tid))
                    writer.remove();
                else
                    again = true; // somebody else wrote it while we waited for the row
            }
        }
    }
    writer.finish();
}

namespace {

NullableValue column_of(HeapTuple tuple, TupleDesc shape, const char *name) {
    const int number = pg_call([=] { return SPI_fnumber(shape, name); });
    if (number <= 0)
        throw core::Error(core::ErrorCode::internal, std::string("the table has no column ") + name);
    return pg_call([=] {
        NullableValue v;
        v.value = heap_getattr(tuple, number, shape, &v.is_null);
        return v;
    });
}

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

// Whether an update takes nothing that was not taken before: same lane, time and life, tolerating no fewer.
bool takes_no_more(HeapTuple before, HeapTuple after, TupleDesc shape) {
    const auto same = [=](const char *name, auto read) {
        const NullableValue a = column_of(before, shape, name), b = column_of(after, shape, name);
        return a.is_null == b.is_null && (a.is_null || read(a.value) == read(b.value));
    };
    const auto as_instant = [](Datum d) { return DatumGetTimestampTz(d); };
    if (!same("tenant_id", &Sql<Uuid>::from) || !same("resource_id", &Sql<Uuid>::from) ||
        !same("calendar_no", [](Datum d) { return DatumGetInt64(d); }) || !same("during", &interval_of) ||
        !same("overbooked", [](Datum d) { return DatumGetBool(d); }) || !same("expires_at", as_instant))
        return false;
    const NullableValue least = column_of(before, shape, "capacity"), now_least = column_of(after, shape, "capacity");
    return !least.is_null && !now_least.is_null && DatumGetInt32(least.value) <= DatumGetInt32(now_least.value);
}

// Refuses a claim written past the engine that the resource has no room for, and clears expired ones out of its way.
// Constraints say the rest.
void refuse_overlap(const Uuid &tenant, const Uuid &resource, HeapTuple tuple, TupleDesc shape, const Uuid &replaced) {
    const NullableValue during = column_of(tuple, shape, "during");
    const NullableValue overbooked = column_of(tuple, shape, "overbooked");
    const NullableValue capacity = column_of(tuple, shape, "capacity");
    if (during.is_null || capacity.is_null || (!overbooked.is_null && DatumGetBool(overbooked.value)))
        return;
    const core::Interval wanted = interval_of(during.value);
    if (wanted.empty())
        return;
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
    const core::Fit fit = core::fit_claim(busy, wanted, DatumGetInt32(capacity.value), {}, true);
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
    HeapTuple tuple = update ? trigger->tg_newtuple : trigger->tg_trigtuple;
    TupleDesc shape = trigger->tg_relation->rd_att;
    const NullableValue tenant = column_of(tuple, shape, "tenant_id");
    const NullableValue resource = column_of(tuple, shape, "resource_id");
    if (!engine_writes && !tenant.is_null && !resource.is_null) {
        const Uuid tenant_id = Sql<Uuid>::from(tenant.value);
        const Uuid resource_id = Sql<Uuid>::from(resource.value);
        lock_resources(tenant_id, {resource_id});
        if (update && takes_no_more(trigger->tg_trigtuple, tuple, shape))
            return PointerGetDatum(tuple);
        Uuid replaced;
        if (update)
            replaced = uuid_or_nil(column_of(trigger->tg_trigtuple, shape, "claim_id"));
        refuse_overlap(tenant_id, resource_id, tuple, shape, replaced);
    }
    return PointerGetDatum(tuple);
}
