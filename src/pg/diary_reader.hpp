// Reads the diary: rules, blocks and claims of many providers in a handful of statements, as the kernel's values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/kernel.hpp"
#include "pg/scan.hpp"
#include "pg/uuid.hpp"

namespace pg_clinic::pg {

// What is to be read.
struct DiaryQuery {
    Uuid tenant;
    std::optional<Uuid> service;            // none: by bare duration, of every provider or the one named
    std::optional<Uuid> provider;           // none: every active one that offers the service
    std::optional<std::vector<Uuid>> among; // of those, only these
    std::optional<Uuid> location;           // checked to exist
    std::optional<Uuid> patient;
    std::vector<Uuid> named_resources;
    std::optional<core::Duration> duration;
    core::Interval range; // of starts
    Sight sight = Sight::snapshot;
    std::optional<core::Instant> as_of; // hours and blocks as they were known then
    bool count_visits = false;          // read visits even when no limit asks for them (for ties)
};

// Throws SqlError not_found for an unknown service, provider, location, patient or named resource, with its id.
core::Diary read_diary(const DiaryQuery &query);

// How many visits each of these providers of the diary (by index) has on its local day of an instant: what Kernel::visits_on_day
// says where visits were read.
std::vector<std::int32_t> visits_on_day(const DiaryQuery &query, const core::Diary &diary,
                                        const std::vector<std::size_t> &providers, core::Instant t);

// What a visit of the query's service may come to claim beside its provider and patient: rooms and devices of the classes it requires, at
// the query's location when there is one, and all who can take part. None without a service, or for one that is not there.
std::vector<Uuid> claimable_beside(const DiaryQuery &query);

// The first row the query names that does not exist for the caller, or nothing; read_diary would raise not_found for it.
std::optional<core::Source> missing_row(const DiaryQuery &query);

// What read_diary reads of hours and blocks alone, for one or more resources of any kind.
struct ResourceHours {
    Uuid resource;
    Uuid stands_at; // a room's or device's location; nil for others
    core::HoursBook hours;
    std::vector<core::Block> blocks;
};
std::vector<ResourceHours> read_hours(const Uuid &tenant, const std::vector<Uuid> &resources,
                                      const core::Interval &range, std::optional<core::Instant> as_of = std::nullopt);

} // namespace pg_clinic::pg
