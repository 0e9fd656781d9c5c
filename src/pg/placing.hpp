// Placing a visit: chooses provider, location and rooms, takes their locks, judges under them, and says what to claim.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/kernel.hpp"
#include "pg/claims.hpp"
#include "pg/context.hpp"
#include "pg/diary_reader.hpp"

namespace pg_clinic::pg {

// What is wished for. Ids that are absent are chosen.
struct Wish {
    DiaryQuery query; // range is set by place()
    core::Request request;
    core::Instant start;
    std::vector<Uuid> absent{};  // providers who take no part
    bool alone = false;          // shares its time with nobody, whatever the service's capacity
    std::vector<Uuid> also_lock; // further resources that the same transaction will touch
};

// A resource of the visit, with the buffers kept around it.
struct UsedResource {
    Uuid resource;
    core::Buffers buffers;
    bool pinned = true; // named by the caller, not chosen: it stays
};

// Where and how the visit fits. The locks of all its resources are held.
struct Placement {
    Uuid service;
    Uuid provider;
    Uuid location;
    Uuid patient;
    std::optional<Uuid> session; // in which it has seats
    std::string zone_name;
    core::LocalTime local_start;
    core::Interval visit;
    core::Instant now;
    std::int32_t capacity = 1;
    std::int32_t seats = 1;
    bool overbooked = false;
    std::vector<std::string> overridden;
    std::vector<std::string> warnings;
    std::vector<UsedResource> resources; // the provider first, then rooms, devices and participants
    std::vector<NewClaim> claims;        // those of the resources and of the patient
    std::vector<core::RoomMove> moves;   // what made room for it

    // The resources beside the provider.
    std::vector<Uuid> other_resources() const;
};

// Takes providers out of those who may take part beside the visit's own.
void leave_out(core::Diary &diary, const std::vector<Uuid> &absent);

// What a visit at the wished provider and location may come to claim, to be locked together with other resources.
std::vector<Uuid> claimable(const Wish &wish);

// The claim of the patient's time, by the tenant's rule.
NewClaim patient_claim(const core::Diary &diary, const core::Interval &visit);

// Raises the first reason when the visit fits nowhere. Where others have to make room for it, they have, when it returns.
Placement place(const Context &context, const Wish &wish);

} // namespace pg_clinic::pg
