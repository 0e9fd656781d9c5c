// The diary as values: everything the kernel needs to know to judge starts of one service over a range.
//
// The glue reads it (one fetch for many providers); tests build it by hand. Zones are not owned.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/hours.hpp"

namespace pg_clinic::core {

enum class ClaimKind : std::uint8_t { booking, pending, hold, offer, session };

// A live claim on a resource. The reader leaves out what has expired.
struct Busy {
    Interval during; // buffers included
    Interval visit;
    ClaimKind kind = ClaimKind::booking;
    std::int32_t capacity = 1; // how many claims it tolerates at one time, itself included
    bool overbooked = false;
    Id claim;
    Id appointment; // or another owner; nil: none
    Id service;
    Id location;
    std::int32_t seats = 1; // how many places it takes
};

// Claims sorted by begin, for overlap queries in logarithmic time.
class BusyList {
  public:
    BusyList() = default;
    explicit BusyList(std::vector<Busy> claims);

    // Calls visit(const Busy &) for each claim that overlaps the interval, latest begin first, until it returns false.
    template <class Visit> void each_overlapping(const Interval &interval, Visit visit) const {
        for (std::size_t i = begins_before(interval.end); i > 0 && latest_end_[i - 1] > interval.begin; --i)
            if (claims_[i - 1].during.end > interval.begin && !visit(claims_[i - 1]))
                return;
    }

    const std::vector<Busy> &claims() const noexcept { return claims_; } // ascending by begin
    const std::vector<Instant> &latest_end() const noexcept { return latest_end_; }

  private:
    std::size_t begins_before(Instant t) const noexcept;

    std::vector<Busy> claims_;
    std::vector<Instant> latest_end_; // of claims_[0..i]
};

struct Buffers {
    Duration before;
    Duration after;
};

struct Location {
    Id id;
    bool active = true;
    const Zone *zone = nullptr;
    std::string zone_name{}; // as stored
};

// A room or device; its hours may be empty: then it is always open.
struct Resource {
    Id id;
    std::string resource_class;
    Id location;
    bool active = true;
    std::int32_t quantity = 1;
    Buffers buffers;
    HoursBook hours;
    std::vector<Block> blocks;
    BusyList busy;
};

// The appointment behind a claim on a room or device, as far as giving it another one is concerned.
struct Mover {
    bool movable = false; // the engine chose the resource itself, and the patient has not arrived yet
    Id provider, patient;
    std::int32_t capacity = 1; // how many bookings may share it, before the resource's quantity
    Buffers service_buffers;   // the service's own
    bool buffers_inside_hours = false;
};

// Tells what is behind claims; asked only where a room is wanted and none is free. An interface: the glue looks it up.
class Movers {
  public:
    virtual ~Movers() = default;
    // Nothing for a claim that is no appointment's.
    virtual std::optional<Mover> behind(const Busy &claim, const Id &resource) const = 0;
};

// A visit that counts towards limits: held, pending, booked and its later states, completed and no-show.
struct CountedVisit {
    Instant start;
    Id service;
    Id location;
    Id appointment;
};

struct Provider {
    Id id;
    bool active = true;
    bool offers_service = true;
    const Zone *zone = nullptr; // home
    Buffers buffers;
    HoursBook hours;
    std::vector<Block> blocks;
    BusyList busy;
    std::vector<CountedVisit> visits; // any order
    std::optional<std::int32_t> max_per_day, max_per_week;
    // What service_providers sets explicitly.
    std::optional<Duration> duration;
    std::optional<Duration> buffer_before, buffer_after;
};

enum class PatientOverlap : std::uint8_t { forbid, warn, allow };

struct Tenant {
    Id id;
    bool active = true;
    PatientOverlap patient_overlap = PatientOverlap::forbid;
    bool allow_several_seats = false;
    Buffers buffers;
};

enum class Anchor : std::uint8_t { window, midnight };

// Who or what takes part beside the provider and the rooms of the required classes: any `needed` of the candidates, all at
// the visit's location.
struct Participants {
    std::string role;
    std::int32_t needed = 1;
    bool optional = false;      // those who cannot come are missing, and hide no slot
    std::vector<Id> candidates; // of Diary::assistants and Diary::resources, ordered by id
};

// A service; for a search by bare duration a nameless one (nil id) that every window serves.
struct Service {
    Id id;
    bool active = true;
    Duration duration;
    Duration min_duration, max_duration;
    Duration step;
    Anchor anchor = Anchor::window;
    Buffers buffers;
    bool buffers_inside_hours = false;
    Duration lead_time;
    bool same_day = true;
    std::optional<std::int32_t> horizon_days;
    std::int32_t capacity = 1;
    std::optional<std::int32_t> max_per_day, max_per_week;
    std::vector<std::pair<std::string, std::int32_t>> required; // class, how many; ordered by class
    std::vector<Participants> participants;                     // ordered by role
};

struct Patient {
    Id id;
    bool active = true;
    BusyList busy;
    bool missed_too_many = false; // books for themselves, and the tenant's policy on no-shows keeps them from it
};

struct Diary {
    Instant now;
    Tenant tenant;
    Service service;
    std::vector<Location> locations;  // ordered by id
    std::vector<Provider> providers;  // ordered by id
    std::vector<Resource> resources;  // rooms and devices of the required classes or among participants, ordered by id
    std::vector<Provider> assistants; // providers among participants, ordered by id
    std::optional<Patient> patient;
    std::map<std::pair<Id, Id>, Duration> travel; // (from, to)
    std::shared_ptr<const Movers> movers;         // none: nothing moves
};

} // namespace pg_clinic::core
