// Claims: the time that is taken. Their locks, their reading past the executor, and their writing.
//
// Engine writers lock the resources first, look with Sight::truth, then insert; the exclusion constraint is the proof.
#pragma once

#include <optional>
#include <vector>

#include "core/diary.hpp"
#include "pg/ranges.hpp"
#include "pg/scan.hpp"
#include "pg/uuid.hpp"

namespace pg_clinic::pg {

// Overbooked claims live in lanes of their own, from this number on.
inline constexpr std::int32_t first_overbook_lane = 50001;

struct Lane {
    std::int32_t lane = 0;
    std::int64_t calendar_no = 0;
    ItemPointerData place{}; // of its row
};

// A claim as stored.
struct StoredClaim {
    core::Busy busy;
    std::int64_t calendar_no = 0;
    core::Instant expires = core::instant_max;
    ItemPointerData place{}; // of its row
};

// A claim to be written. The lane is chosen by the writer.
struct NewClaim {
    Uuid resource;
    core::Interval during;
    core::Interval visit;
    std::int32_t capacity = 1;
    bool overbooked = false;
    std::int32_t seats = 1;
};

// What all claims of one appointment share.
struct ClaimOwner {
    Uuid tenant;
    std::optional<Uuid> appointment; // either this one
    std::optional<Uuid> owner;       // or what it is that is no appointment
    Uuid service;
    Uuid location;
    std::optional<Uuid> user;
    core::ClaimKind kind = core::ClaimKind::booking;
    std::optional<core::Instant> expires;
};

// Reads lanes and claims of many resources of one tenant.
class ClaimReader {
  public:
    ClaimReader(const Uuid &tenant, Sight sight);

    std::vector<Lane> lanes(const Uuid &resource);

    // The claims of a resource, all whose lanes are given, that overlap the interval, expired ones included.
    std::vector<StoredClaim> claims(const std::vector<Lane> &lanes, const core::Interval &interval);
    std::vector<StoredClaim> claims(const Uuid &resource, const core::Interval &interval) {
        return claims(lanes(resource), interval);
    }

    // The live ones, for the kernel.
    core::BusyList busy(const Uuid &resource, const core::Interval &interval, core::Instant now);

    // The same of many, in their order.
    std::vector<core::BusyList> busy(const std::vector<Uuid> &resources, const core::Interval &interval,
                                     core::Instant now);

  private:
    std::optional<StoredClaim> claim_here(const core::Interval &interval);

    Uuid tenant_;
    Sight sight_;
    IndexScan calendars_;
    IndexScan claims_;
    Column<std::int32_t> lane_;
    Column<std::int64_t> number_, calendar_no_;
    Column<Uuid> claim_tenant_, claim_id_;
    Column<core::Interval> during_;
    Column<core::Instant> starts_at_, ends_at_;
    Column<std::string_view> kind_;
    Column<std::int32_t> capacity_, seats_;
    Column<bool> overbooked_;
    Column<Uuid> service_, location_, appointment_, owner_;
    Column<core::Instant> expires_at_;
};

// Takes the locks of the resources to the end of the transaction, in ascending order. A deadlock (with a foreign
// transaction, or with another that books several times) is retried once, then raises busy.
void lock_resources(const Uuid &tenant, std::vector<Uuid> resources);

// Writes the claims, each into the first lane that is free; the resources are locked, and the appointment was written or
// locked by this transaction. Expired claims in the way are deleted first. An overlap that the caller overlooked ends in the
// exclusion constraint's error.
void insert_claims(const ClaimOwner &owner, const std::vector<NewClaim> &claims, core::Instant now);

// Deletes the claims of an appointment, or of another owner.
void delete_claims(const Uuid &tenant, const Uuid &appointment);
void delete_claims_of_owner(const Uuid &tenant, const Uuid &owner);

// What an appointment has claims of, now.
std::vector<Uuid> claimed_resources(const Uuid &tenant, const Uuid &appointment);

// Turns the claims of an appointment into another kind with another deadline: the time stays taken throughout.
void change_claims(const Uuid &tenant, const Uuid &appointment, core::ClaimKind kind,
                   std::optional<core::Instant> expires);

// A claim that goes to another resource.
struct ClaimMove {
    Uuid claim;
    Uuid resource;
    core::Interval during;
    std::int32_t capacity = 1;
};

// Moves claims, all at once. The visit of each; nothing for one that is gone.
std::vector<std::optional<core::Interval>> move_claims(const Uuid &tenant, const std::vector<ClaimMove> &moves,
                                                       core::Instant now);

core::ClaimKind claim_kind(std::string_view name);
std::string_view name_of(core::ClaimKind kind) noexcept;

} // namespace pg_clinic::pg
