// How a clinic is set up: see diary_setup.hpp. Statements filter by tenant in their first condition; row security says it again.
#include "pg/diary_setup.hpp"

#include <algorithm>

#include "pg/zone_pg.hpp"

namespace pg_clinic::pg {

namespace {

KeptPlan tenant_statement{
    "SELECT status, patient_overlap, allow_several_seats, buffer_before_minutes, buffer_after_minutes,"
    " no_show_policy = 'block_online', no_show_limit, no_show_window_months FROM clinic_data.tenants WHERE tenant_id = "
    "$1"};

KeptPlan service_statement{
    "SELECT status, duration_minutes, min_duration_minutes, max_duration_minutes, step_minutes, anchor,"
    " buffer_before_minutes, buffer_after_minutes, buffers_inside_hours, lead_time_minutes, same_day, horizon_days,"
    " capacity, max_per_day, max_per_week FROM clinic_data.services WHERE tenant_id = $1 AND service_id = $2"};

KeptPlan required_statement{"SELECT resource_class, quantity FROM clinic_data.service_resources"
                            " WHERE tenant_id = $1 AND service_id = $2 ORDER BY resource_class"};

KeptPlan locations_statement{
    "SELECT location_id, time_zone::text, status FROM clinic_data.locations WHERE tenant_id = $1 ORDER BY location_id"};

KeptPlan travel_statement{
    "SELECT from_location_id, to_location_id, minutes FROM clinic_data.travel_times WHERE tenant_id = $1"};

#define CLINIC_PROVIDER_COLUMNS                                                                                        \
    "SELECT p.provider_id, r.status, p.time_zone::text, r.buffer_before_minutes, r.buffer_after_minutes, "             \
    "p.max_per_day,"                                                                                                   \
    " p.max_per_week, s.provider_id IS NOT NULL, s.duration_minutes, s.buffer_before_minutes, s.buffer_after_minutes"

KeptPlan offering_statement{
    CLINIC_PROVIDER_COLUMNS
    " FROM clinic_data.service_providers s"
    " JOIN clinic_data.providers p ON p.tenant_id = s.tenant_id AND p.provider_id = s.provider_id"
    " JOIN clinic_data.resources r ON r.tenant_id = s.tenant_id AND r.resource_id = s.provider_id"
    " WHERE s.tenant_id = $1 AND s.service_id = $2 AND r.status = 'active' ORDER BY p.provider_id"};

KeptPlan named_provider_statement{
    CLINIC_PROVIDER_COLUMNS
    " FROM clinic_data.providers p"
    " JOIN clinic_data.resources r ON r.tenant_id = p.tenant_id AND r.resource_id = p.provider_id"
    " LEFT JOIN clinic_data.service_providers s"
    " ON s.tenant_id = p.tenant_id AND s.provider_id = p.provider_id AND s.service_id = $2"
    " WHERE p.tenant_id = $1 AND p.provider_id = $3"};

KeptPlan all_providers_statement{
    CLINIC_PROVIDER_COLUMNS
    " FROM clinic_data.providers p"
    " JOIN clinic_data.resources r ON r.tenant_id = p.tenant_id AND r.resource_id = p.provider_id"
    " LEFT JOIN clinic_data.service_providers s ON false"
    " WHERE p.tenant_id = $1 AND r.status = 'active' ORDER BY p.provider_id"};

KeptPlan assistants_statement{
    CLINIC_PROVIDER_COLUMNS
    " FROM clinic_data.providers p"
    " JOIN clinic_data.resources r ON r.tenant_id = p.tenant_id AND r.resource_id = p.provider_id"
    " LEFT JOIN clinic_data.service_providers s ON false"
    " WHERE p.tenant_id = $1 AND p.provider_id = ANY ($2) ORDER BY p.provider_id"};

#undef CLINIC_PROVIDER_COLUMNS

KeptPlan resources_statement{
    "SELECT resource_id, resource_class, location_id, status, quantity, buffer_before_minutes, buffer_after_minutes"
    " FROM clinic_data.resources WHERE tenant_id = $1 AND kind IN ('room', 'device')"
    " AND (resource_class = ANY ($2) OR resource_id = ANY ($3))"
    " ORDER BY resource_id"};

KeptPlan participants_statement{
    "SELECT p.role, p.quantity, p.optional, c.resource_id, r.kind = 'provider'"
    " FROM clinic_data.service_participants p"
    " LEFT JOIN clinic_data.service_participant_candidates c"
    " ON c.tenant_id = p.tenant_id AND c.service_id = p.service_id AND c.role = p.role"
    " LEFT JOIN clinic_data.resources r ON r.tenant_id = c.tenant_id AND r.resource_id = c.resource_id"
    " WHERE p.tenant_id = $1 AND p.service_id = $2 ORDER BY p.role COLLATE \"C\", c.resource_id"};

// What holds now, or what was known to hold at an instant: hours and blocks are never rewritten, only retired.
#define CLINIC_HOLDS(n)                                                                                                \
    " AND CASE WHEN " n "::timestamptz IS NULL THEN retired_at IS NULL"                                                \
    " ELSE created_at <= " n " AND (retired_at IS NULL OR retired_at > " n ") END"

KeptPlan rules_statement{
    "SELECT rule_id, resource_id, location_id, rule::text, dtstart_on, start_time, end_time, time_zone::text, "
    "valid_from,"
    " valid_until, service_ids, max_appointments FROM clinic_data.availability_rules"
    " WHERE tenant_id = $1 AND resource_id = ANY ($2) AND valid_from <= $3" CLINIC_HOLDS("$4")};

KeptPlan overrides_statement{
    "SELECT override_id, resource_id, location_id, on_date, kind, start_time, end_time, time_zone::text,"
    " works_on_holidays, service_ids, max_appointments FROM clinic_data.date_overrides"
    " WHERE tenant_id = $1 AND resource_id = ANY ($2) AND on_date <= $3" CLINIC_HOLDS("$4")};

KeptPlan stays_statement{
    "SELECT stay_id, resource_id, from_on, until_on, time_zone::text FROM clinic_data.stays"
    " WHERE tenant_id = $1 AND resource_id = ANY ($2)" CLINIC_HOLDS("$3") " ORDER BY created_at DESC, stay_id DESC"};

KeptPlan holidays_statement{"SELECT holiday_id, location_id, on_date FROM clinic_data.holidays"
                            " WHERE tenant_id = $1 AND location_id = ANY ($2) AND on_date <= $3" CLINIC_HOLDS("$4")};

#define CLINIC_BLOCK_COLUMNS                                                                                           \
    "SELECT block_id, resource_id, location_id, starts_at, ends_at, from_on, until_on, rule::text, start_time, "       \
    "end_time,"                                                                                                        \
    " time_zone::text, service_ids, patient_id FROM clinic_data.blocks WHERE tenant_id = $1" CLINIC_HOLDS(             \
        "$7") " AND "
#define CLINIC_BLOCK_RANGE                                                                                             \
    " AND (starts_at IS NULL OR starts_at < $4 AND ends_at > $3)"                                                      \
    " AND (from_on IS NULL OR from_on <= $6 AND (until_on IS NULL OR until_on >= $5))"

KeptPlan blocks_statement{CLINIC_BLOCK_COLUMNS "resource_id = ANY ($2)" CLINIC_BLOCK_RANGE};
KeptPlan location_blocks_statement{CLINIC_BLOCK_COLUMNS
                                   "resource_id IS NULL AND location_id = ANY ($2)" CLINIC_BLOCK_RANGE};

#undef CLINIC_BLOCK_COLUMNS
#undef CLINIC_BLOCK_RANGE
#undef CLINIC_HOLDS

core::WallWindow wall_window(TimeOfDay start, TimeOfDay end) { return {{start.micros}, {end.micros}}; }

core::Buffers buffers(std::int32_t before, std::int32_t after) { return {core::minutes(before), core::minutes(after)}; }

std::optional<core::Duration> optional_minutes(std::optional<std::int32_t> n) {
    return n ? std::optional(core::minutes(*n)) : std::nullopt;
}

// A date or instant of a table, kept within what the core can count: infinite and far ones are legal there.
core::Day countable(core::Day day) { return std::clamp(day, core::to_day({1, 1, 1}), core::to_day({9999, 12, 31})); }
core::Instant countable(core::Instant t) {
    const auto end_of = [](std::int32_t year) { return core::Instant{core::at(core::to_day({year, 12, 31})).micros}; };
    return std::clamp(t, end_of(0), end_of(9999));
}
template <class T> std::optional<T> countable(const std::optional<T> &value) {
    return value ? std::optional(countable(*value)) : std::nullopt;
}

// Rules are stored as text; the same text comes often, so each backend keeps what it has parsed.
const core::RRule &parsed(const std::string &text) {
    using Cache = std::unordered_map<std::string, core::RRule>;
    static Cache *cache = nullptr;
    constexpr std::size_t most = 4096;
    if (cache == nullptr)
        cache = new Cache;
    if (cache->size() >= most)
        cache->clear();
    const auto it = cache->find(text);
    if (it != cache->end())
        return it->second;
    return cache->emplace(text, core::parse_rrule(text)).first->second;
}

core::Provider provider_of(const Row &row, bool of_service) {
    core::Provider p;
    p.id = row.get<Uuid>(0);
    p.active = row.get<std::string_view>(1) == "active";
    p.zone = &zone_named(row.get<std::string_view>(2));
    p.buffers = buffers(row.get<std::int32_t>(3), row.get<std::int32_t>(4));
    p.max_per_day = row.optional<std::int32_t>(5);
    p.max_per_week = row.optional<std::int32_t>(6);
    p.offers_service = !of_service || row.get<bool>(7);
    p.duration = optional_minutes(row.optional<std::int32_t>(8));
    p.buffer_before = optional_minutes(row.optional<std::int32_t>(9));
    p.buffer_after = optional_minutes(row.optional<std::int32_t>(10));
    return p;
}

std::vector<core::Provider> providers_of(const Rows &rows, bool of_service) {
    std::vector<core::Provider> providers;
    providers.reserve(rows.size());
    for (const Row row : rows)
        providers.push_back(provider_of(row, of_service));
    return providers;
}

core::Block block_of(const Row &row) {
    core::Block b;
    b.id = row.get<Uuid>(0);
    b.resource = row.optional<Uuid>(1).value_or(Uuid{});
    b.location = row.optional<Uuid>(2).value_or(Uuid{});
    b.services = row.optional<std::vector<Uuid>>(11).value_or(core::ServiceFilter{});
    b.kept_for = row.optional<Uuid>(12).value_or(Uuid{});
    if (row.is_null(5)) {
        b.form = core::Block::Form::span;
        b.span = {countable(row.get<core::Instant>(3)), countable(row.get<core::Instant>(4))};
        return b;
    }
    b.from = countable(row.get<core::Day>(5));
    b.until = countable(row.optional<core::Day>(6));
    b.zone = &zone_named(row.get<std::string_view>(10));
    b.form = row.is_null(7) ? core::Block::Form::dates : core::Block::Form::recurring;
    if (!row.is_null(7)) {
        b.rule = parsed(row.get<std::string>(7));
        b.window = wall_window(row.get<TimeOfDay>(8), row.get<TimeOfDay>(9));
    }
    return b;
}

} // namespace

const TenantSetup *DiarySetup::tenant() {
    if (of_tenant_)
        return &*of_tenant_;
    Spi spi;
    const Rows found = spi.query_with(tenant_statement, options_, tenant_);
    if (found.empty())
        return nullptr;
    const Row row = found[0];
    TenantSetup setup;
    core::Tenant &t = setup.tenant;
    t.id = tenant_;
    t.active = row.get<std::string_view>(0) == "active";
    const auto overlap = row.get<std::string_view>(1);
    t.patient_overlap = overlap == "warn"    ? core::PatientOverlap::warn
                        : overlap == "allow" ? core::PatientOverlap::allow
                                             : core::PatientOverlap::forbid;
    t.allow_several_seats = row.get<bool>(2);
    t.buffers = buffers(row.get<std::int32_t>(3), row.get<std::int32_t>(4));
    if (row.get<bool>(5))
        setup.no_show_bar = {row.get<std::int32_t>(6), row.get<std::int32_t>(7)};
    for (const Row location : spi.query_with(locations_statement, options_, tenant_))
        setup.locations.push_back({location.get<Uuid>(0), location.get<std::string_view>(2) == "active",
                                   &zone_named(location.get<std::string_view>(1)), location.get<std::string>(1)});
    if (setup.locations.size() > 1)
        for (const Row way : spi.query_with(travel_statement, options_, tenant_))
            setup.travel[{way.get<Uuid>(0), way.get<Uuid>(1)}] = core::minutes(way.get<std::int32_t>(2));
    rows_ += 1 + setup.locations.size() + setup.travel.size();
    return &of_tenant_.emplace(std::move(setup));
}

const ServiceSetup *DiarySetup::service(const Uuid &id) {
    if (const auto known = services_.find(id); known != services_.end())
        return &known->second;
    Spi spi;
    const Rows found = spi.query_with(service_statement, options_, tenant_, id);
    if (found.empty())
        return nullptr;
    const Row row = found[0];
    ServiceSetup setup;
    core::Service &s = setup.service;
    s.id = id;
    s.active = row.get<std::string_view>(0) == "active";
    s.duration = core::minutes(row.get<std::int32_t>(1));
    s.min_duration = optional_minutes(row.optional<std::int32_t>(2)).value_or(s.duration);
    s.max_duration = optional_minutes(row.optional<std::int32_t>(3)).value_or(s.duration);
    s.step = core::minutes(row.get<std::int32_t>(4));
    s.anchor = row.get<std::string_view>(5) == "midnight" ? core::Anchor::midnight : core::Anchor::window;
    s.buffers = buffers(row.get<std::int32_t>(6), row.get<std::int32_t>(7));
    s.buffers_inside_hours = row.get<bool>(8);
    s.lead_time = core::minutes(row.get<std::int32_t>(9));
    s.same_day = row.get<bool>(10);
    s.horizon_days = row.optional<std::int32_t>(11);
    s.capacity = row.get<std::int32_t>(12);
    s.max_per_day = row.optional<std::int32_t>(13);
    s.max_per_week = row.optional<std::int32_t>(14);
    for (const Row required : spi.query_with(required_statement, options_, tenant_, id))
        s.required.emplace_back(required.get<std::string>(0), required.get<std::int32_t>(1));
    std::vector<Uuid> rooms;
    read_participants(spi, setup, rooms);
    read_resources(spi, setup, rooms);
    rows_ += 1 + setup.resources.size() + setup.assistants.size();
    return &services_.emplace(id, std::move(setup)).first->second;
}

// Who else takes part: roles with their candidates, of whom the providers are read here.
void DiarySetup::read_participants(Spi &spi, ServiceSetup &setup, std::vector<Uuid> &rooms) const {
    std::vector<core::Participants> &roles = setup.service.participants;
    std::vector<Uuid> people;
    for (const Row row : spi.query_with(participants_statement, options_, tenant_, setup.service.id)) {
        auto role = row.get<std::string>(0);
        if (roles.empty() || roles.back().role != role)
            roles.push_back({std::move(role), row.get<std::int32_t>(1), row.get<bool>(2), {}});
        if (const auto candidate = row.optional<Uuid>(3)) {
            roles.back().candidates.push_back(*candidate);
            (row.get<bool>(4) ? people : rooms).push_back(*candidate);
        }
    }
    if (!people.empty())
        setup.assistants = providers_of(spi.query_with(assistants_statement, options_, tenant_, people), true);
}

void DiarySetup::read_resources(Spi &spi, ServiceSetup &setup, const std::vector<Uuid> &rooms) const {
    std::vector<std::string> classes;
    for (const auto &[resource_class, quantity] : setup.service.required)
        classes.push_back(resource_class);
    if (classes.empty() && rooms.empty())
        return;
    for (const Row row : spi.query_with(resources_statement, options_, tenant_, classes, rooms)) {
        core::Resource r;
        r.id = row.get<Uuid>(0);
        r.resource_class = row.get<std::string>(1);
        r.location = row.get<Uuid>(2);
        r.active = row.get<std::string_view>(3) == "active";
        r.quantity = row.get<std::int32_t>(4);
        r.buffers = buffers(row.get<std::int32_t>(5), row.get<std::int32_t>(6));
        setup.resources.push_back(std::move(r));
    }
}

const std::vector<core::Provider> &DiarySetup::offering(const Uuid &service) {
    if (const auto known = offering_.find(service); known != offering_.end())
        return known->second;
    Spi spi;
    auto providers = providers_of(spi.query_with(offering_statement, options_, tenant_, service), true);
    rows_ += 1 + providers.size();
    return offering_.emplace(service, std::move(providers)).first->second;
}

const std::vector<core::Provider> &DiarySetup::everyone() {
    if (!everyone_) {
        Spi spi;
        everyone_ = providers_of(spi.query_with(all_providers_statement, options_, tenant_), false);
        rows_ += everyone_->size();
    }
    return *everyone_;
}

const core::Provider *DiarySetup::provider(const std::optional<Uuid> &service, const Uuid &id) {
    const std::pair key{service.value_or(Uuid{}), id};
    if (const auto known = providers_.find(key); known != providers_.end())
        return &known->second;
    Spi spi;
    const Rows found = spi.query_with(named_provider_statement, options_, tenant_, service, id);
    if (found.empty())
        return nullptr;
    ++rows_;
    return &providers_.emplace(key, provider_of(found[0], service.has_value())).first->second;
}

void DiarySetup::read_books(const std::vector<Uuid> &resources) {
    std::vector<Uuid> missing;
    Books books;
    for (const Uuid &id : resources)
        if (!books_.contains(id) && books.try_emplace(id).second)
            missing.push_back(id);
    if (missing.empty())
        return;
    Spi spi;
    read_rules(spi, books, missing);
    read_holidays(spi, books);
    for (const Row row : spi.query_with(blocks_statement, options_, tenant_, missing, span_.begin, span_.end,
                                        day_before(span_.begin), day_after(span_.end), as_of_))
        books.at(row.get<Uuid>(1)).blocks.push_back(block_of(row));
    for (const auto &[id, book] : books)
        rows_ +=
            1 + book.hours.rules.size() + book.hours.overrides.size() + book.hours.holidays.size() + book.blocks.size();
    books_.merge(books);
}

const Book &DiarySetup::book(const Uuid &resource) const { return books_.at(resource); }

void DiarySetup::read_rules(Spi &spi, Books &books, const std::vector<Uuid> &ids) const {
    const core::Day last = day_after(span_.end);
    for (const Row row : spi.query_with(rules_statement, options_, tenant_, ids, last, as_of_)) {
        core::HoursRule rule;
        rule.id = row.get<Uuid>(0);
        rule.location = row.get<Uuid>(2);
        rule.rule = parsed(row.get<std::string>(3));
        rule.dtstart = row.get<core::Day>(4);
        rule.window = wall_window(row.get<TimeOfDay>(5), row.get<TimeOfDay>(6));
        rule.zone = &zone_named(row.get<std::string_view>(7));
        rule.valid_from = countable(row.get<core::Day>(8));
        rule.valid_until = countable(row.optional<core::Day>(9));
        rule.services = row.optional<std::vector<Uuid>>(10).value_or(core::ServiceFilter{});
        rule.max_appointments = row.optional<std::int32_t>(11);
        books.at(row.get<Uuid>(1)).hours.rules.push_back(std::move(rule));
    }
    for (const Row row : spi.query_with(overrides_statement, options_, tenant_, ids, last, as_of_)) {
        core::DateOverride o;
        o.id = row.get<Uuid>(0);
        o.location = row.optional<Uuid>(2).value_or(Uuid{});
        o.on = countable(row.get<core::Day>(3));
        o.open = row.get<std::string_view>(4) == "open";
        if (o.open) {
            o.window = wall_window(row.get<TimeOfDay>(5), row.get<TimeOfDay>(6));
            o.zone = &zone_named(row.get<std::string_view>(7));
        }
        o.works_on_holidays = row.get<bool>(8);
        o.services = row.optional<std::vector<Uuid>>(9).value_or(core::ServiceFilter{});
        o.max_appointments = row.optional<std::int32_t>(10);
        books.at(row.get<Uuid>(1)).hours.overrides.push_back(std::move(o));
    }
    for (const Row row : spi.query_with(stays_statement, options_, tenant_, ids, as_of_))
        books.at(row.get<Uuid>(1))
            .hours.stays.push_back({row.get<Uuid>(0), countable(row.get<core::Day>(2)),
                                    countable(row.get<core::Day>(3)), &zone_named(row.get<std::string_view>(4))});
}

// Each resource gets the holidays of the locations where it has hours.
void DiarySetup::read_holidays(Spi &spi, Books &books) const {
    std::map<Uuid, std::vector<core::HoursBook *>> books_at;
    for (auto &[resource, book] : books) {
        const auto note = [&books_at, hours = &book.hours](const Uuid &location) {
            auto &there = books_at[location];
            if (there.empty() || there.back() != hours)
                there.push_back(hours);
        };
        for (const core::HoursRule &rule : book.hours.rules)
            note(rule.location);
        for (const core::DateOverride &o : book.hours.overrides)
            if (o.open)
                note(o.location);
    }
    std::vector<Uuid> locations;
    for (auto &[location, there] : books_at) {
        locations.push_back(location);
        std::sort(there.begin(), there.end());
        there.erase(std::unique(there.begin(), there.end()), there.end());
    }
    if (locations.empty())
        return;
    for (const Row row :
         spi.query_with(holidays_statement, options_, tenant_, locations, day_after(span_.end), as_of_)) {
        const core::Holiday holiday{row.get<Uuid>(0), row.get<Uuid>(1), countable(row.get<core::Day>(2))};
        for (core::HoursBook *hours : books_at[holiday.location])
            hours->holidays.push_back(holiday);
    }
}

const std::vector<core::Block> &DiarySetup::location_blocks() {
    if (!location_blocks_) {
        std::vector<Uuid> locations;
        std::vector<core::Block> blocks;
        if (const TenantSetup *setup = tenant())
            for (const core::Location &l : setup->locations)
                locations.push_back(l.id);
        Spi spi;
        for (const Row row : spi.query_with(location_blocks_statement, options_, tenant_, locations, span_.begin,
                                            span_.end, day_before(span_.begin), day_after(span_.end), as_of_))
            blocks.push_back(block_of(row));
        rows_ += blocks.size();
        location_blocks_ = std::move(blocks);
    }
    return *location_blocks_;
}

} // namespace pg_clinic::pg
