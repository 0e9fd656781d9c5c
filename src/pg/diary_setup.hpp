// How a clinic is set up, as the kernel's values: the tenant, its locations, services, who offers them, rooms, hours and blocks.
//
// Searches and bookings of a day want the same few rows, so each backend keeps what it has read of them until any of these rows
// changes. Whoever changes one (row triggers, for every writer) says so by the server's own invalidation messages, which go out
// when the change commits and before its locks are released. Hence: whoever learnt of a commit, or got a lock that the
// change held, never judges by what was kept before it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/diary.hpp"
#include "pg/scan.hpp"
#include "pg/spi.hpp"
#include "pg/uuid.hpp"

namespace pg_clinic::pg {

struct TenantSetup {
    core::Tenant tenant;
    struct NoShowBar {
        std::int32_t limit;
        std::int32_t months;
    };
    std::optional<NoShowBar> no_show_bar; // under the policy that keeps patients from booking online
    std::vector<core::Location> locations;
    std::map<std::pair<Uuid, Uuid>, core::Duration> travel;
};

struct ServiceSetup {
    core::Service service;
    std::vector<core::Provider> assistants; // providers among participants; without hours and blocks
    std::vector<core::Resource> resources;  // rooms and devices it can use, at all locations; without hours and blocks
};

// Hours and blocks of one resource, those of its locations not among them.
struct Book {
    core::HoursBook hours;
    std::vector<core::Block> blocks;
};

class DiarySetup {
  public:
    // span: blocks that are over before it, or begin after it, are left out; as_of: hours and blocks as they were known then.
    DiarySetup(const Uuid &tenant, QueryOptions options, std::optional<core::Instant> as_of, const core::Interval &span)
        : tenant_(tenant), options_(options), as_of_(as_of), span_(span) {}
    DiarySetup(const DiarySetup &) = delete;
    DiarySetup &operator=(const DiarySetup &) = delete;

    // What is kept for this backend, when the caller may go by it: one with a context of the tenant, who sees what is committed by
    // now. Null for others.
    static std::shared_ptr<DiarySetup> kept_for(const Uuid &tenant, Sight sight);

    const core::Interval &span() const { return span_; }

    // All of these read what is not there yet. References stay valid as long as this object. Null: there is no such row.
    const TenantSetup *tenant();
    const ServiceSetup *service(const Uuid &id);
    const std::vector<core::Provider> &offering(const Uuid &service); // active ones
    const std::vector<core::Provider> &everyone();                    // active ones
    const core::Provider *provider(const std::optional<Uuid> &service, const Uuid &id);
    void read_books(const std::vector<Uuid> &resources);
    const Book &book(const Uuid &resource) const; // that has been read
    const std::vector<core::Block> &location_blocks();

    std::size_t rows() const { return rows_; } // how many it holds, roughly

  private:
    using Books = std::unordered_map<Uuid, Book>;
    void read_participants(Spi &spi, ServiceSetup &s, std::vector<Uuid> &rooms) const;
    void read_resources(Spi &spi, ServiceSetup &s, const std::vector<Uuid> &rooms) const;
    void read_rules(Spi &spi, Books &books, const std::vector<Uuid> &ids) const;
    void read_holidays(Spi &spi, Books &books) const;

    const Uuid tenant_;
    const QueryOptions options_;
    const std::optional<core::Instant> as_of_;
    const core::Interval span_;
    std::optional<TenantSetup> of_tenant_;
    std::unordered_map<Uuid, ServiceSetup> services_;
    std::unordered_map<Uuid, std::vector<core::Provider>> offering_;
    std::optional<std::vector<core::Provider>> everyone_;
    std::map<std::pair<Uuid, Uuid>, core::Provider> providers_; // by service (nil: none) and id
    Books books_;
    std::optional<std::vector<core::Block>> location_blocks_;
    std::size_t rows_ = 0;
};

// The last instant that dates of tables are counted to.
inline core::Instant end_of_time() { return core::Instant{core::at(core::to_day({9999, 12, 31})).micros}; }

// Days around an instant that no zone's date of it leaves.
inline core::Day day_before(core::Instant t) { return core::date_of(core::LocalTime{t.micros}) - 4; }
inline core::Day day_after(core::Instant t) { return core::date_of(core::LocalTime{t.micros}) + 4; }

} // namespace pg_clinic::pg
