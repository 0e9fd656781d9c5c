// The diary reader: see diary_reader.hpp. Statements filter by tenant in their first condition; row security says it again.
#include "pg/diary_reader.hpp"

#include <algorithm>
#include <map>

#include "pg/claims.hpp"
#include "pg/clock.hpp"
#include "pg/context.hpp"
#include "pg/errors.hpp"
#include "pg/movers.hpp"
#include "pg/no_shows.hpp"
#include "pg/spi.hpp"
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
    " AND (resource_class = ANY ($2) OR resource_id = ANY ($4)) AND ($3::uuid IS NULL OR location_id = $3)"
    " ORDER BY resource_id"};

KeptPlan participants_statement{
    "SELECT p.role, p.quantity, p.optional, c.resource_id, r.kind = 'provider'"
    " FROM clinic_data.service_participants p"
    " LEFT JOIN clinic_data.service_participant_candidates c"
    " ON c.tenant_id = p.tenant_id AND c.service_id = p.service_id AND c.role = p.role"
    " LEFT JOIN clinic_data.resources r ON r.tenant_id = c.tenant_id AND r.resource_id = c.resource_id"
    " WHERE p.tenant_id = $1 AND p.service_id = $2 ORDER BY p.role COLLATE \"C\", c.resource_id"};

KeptPlan standing_statement{"SELECT resource_id, location_id FROM clinic_data.resources"
                            " WHERE tenant_id = $1 AND resource_id = ANY ($2) AND kind IN ('room', 'device')"};

KeptPlan patient_statement{"SELECT status FROM clinic_data.patients WHERE tenant_id = $1 AND patient_id = $2"};

KeptPlan missing_statement{
    "SELECT ($2::uuid IS NULL OR EXISTS (SELECT FROM clinic_data.services WHERE tenant_id = $1 AND service_id = $2)),"
    " ($3::uuid IS NULL OR EXISTS (SELECT FROM clinic_data.patients WHERE tenant_id = $1 AND patient_id = $3)),"
    " ($4::uuid IS NULL OR EXISTS (SELECT FROM clinic_data.providers WHERE tenant_id = $1 AND provider_id = $4)),"
    " ($5::uuid IS NULL OR EXISTS (SELECT FROM clinic_data.locations WHERE tenant_id = $1 AND location_id = $5)),"
    " (SELECT n.id FROM pg_catalog.unnest($6::uuid[]) AS n (id) WHERE NOT EXISTS (SELECT FROM clinic_data.resources r"
    " JOIN clinic_data.service_resources s ON s.tenant_id = r.tenant_id AND s.resource_class = r.resource_class"
    " WHERE r.tenant_id = $1 AND r.resource_id = n.id AND s.service_id = $2"
    " AND ($5::uuid IS NULL OR r.location_id = $5))"
    " AND NOT EXISTS (SELECT FROM clinic_data.service_participant_candidates c"
    " WHERE c.tenant_id = $1 AND c.service_id = $2 AND c.resource_id = n.id) LIMIT 1)"};

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

constexpr core::Duration a_week_and_more{8 * core::micros_per_day};

core::Day day_before(core::Instant t) { return core::date_of(core::LocalTime{t.micros}) - 4; }
core::Day day_after(core::Instant t) { return core::date_of(core::LocalTime{t.micros}) + 4; }

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

class Reader {
  public:
    explicit Reader(const DiaryQuery &query)
        : query_(query), options_{query.sight == Sight::truth ? View::latest : View::active, 0} {}

    core::Diary read() {
        diary_.now = now();
        read_tenant();
        read_locations();
        read_service();
        read_providers();
        read_patient();
        read_participants();
        read_resources();
        measure();
        read_hours_and_blocks();
        read_claims();
        read_visits();
        return std::move(diary_);
    }

    std::vector<ResourceHours> hours_of(const std::vector<Uuid> &resources);

  private:
    void read_tenant();
    void read_locations();
    void read_service();
    void read_providers();
    core::Provider provider_of(const Row &row) const;
    void read_patient();
    void read_participants();
    void read_resources();
    void measure();
    void read_hours_and_blocks();
    void read_rules(const std::vector<Uuid> &ids);
    void read_holidays();
    void read_blocks(const std::vector<Uuid> &ids);
    void add_block(const Row &row);
    void read_claims();
    void read_visits();

    template <class... T> Rows rows(KeptPlan &plan, const T &...arguments) {
        return spi_.query_with(plan, options_, arguments...);
    }

    // The hours and blocks of a resource that is being read; null for others.
    struct Book {
        core::HoursBook *hours;
        std::vector<core::Block> *blocks;
    };
    Book *book_of(const Uuid &resource) {
        const auto it = books_.find(resource);
        return it == books_.end() ? nullptr : &it->second;
    }

    const DiaryQuery &query_;
    const QueryOptions options_;
    Spi spi_;
    core::Diary diary_;
    std::unordered_map<Uuid, Book> books_;
    std::vector<Uuid> role_rooms_; // rooms and devices among the candidates of roles
    core::Interval reach_;         // claims and blocks that may matter lie within
    struct NoShowBar {
        std::int32_t limit;
        std::int32_t months;
    };
    std::optional<NoShowBar> no_show_bar_; // under the policy that keeps patients from booking online
};

void Reader::read_tenant() {
    const Rows found = rows(tenant_statement, query_.tenant);
    if (found.empty())
        raise(Code::not_found, "the tenant does not exist", Detail().add("tenant_id", query_.tenant));
    const Row row = found[0];
    core::Tenant &t = diary_.tenant;
    t.id = query_.tenant;
    t.active = row.get<std::string_view>(0) == "active";
    const auto overlap = row.get<std::string_view>(1);
    t.patient_overlap = overlap == "warn"    ? core::PatientOverlap::warn
                        : overlap == "allow" ? core::PatientOverlap::allow
                                             : core::PatientOverlap::forbid;
    t.allow_several_seats = row.get<bool>(2);
    t.buffers = buffers(row.get<std::int32_t>(3), row.get<std::int32_t>(4));
    if (row.get<bool>(5))
        no_show_bar_ = {row.get<std::int32_t>(6), row.get<std::int32_t>(7)};
}

void Reader::read_locations() {
    for (const Row row : rows(locations_statement, query_.tenant))
        diary_.locations.push_back({row.get<Uuid>(0), row.get<std::string_view>(2) == "active",
                                    &zone_named(row.get<std::string_view>(1)), row.get<std::string>(1)});
    if (query_.location && std::none_of(diary_.locations.begin(), diary_.locations.end(),
                                        [&](const core::Location &l) { return l.id == *query_.location; }))
        raise(Code::not_found, "the location does not exist", Detail().add("location_id", *query_.location));
    if (diary_.locations.size() < 2)
        return;
    for (const Row row : rows(travel_statement, query_.tenant))
        diary_.travel[{row.get<Uuid>(0), row.get<Uuid>(1)}] = core::minutes(row.get<std::int32_t>(2));
}

void Reader::read_service() {
    core::Service &s = diary_.service;
    if (!query_.service) {
        s.duration = s.step = s.min_duration = s.max_duration = query_.duration.value_or(core::minutes(30));
        return;
    }
    const Rows found = rows(service_statement, query_.tenant, *query_.service);
    if (found.empty())
        raise(Code::not_found, "the service does not exist", Detail().add("service_id", *query_.service));
    const Row row = found[0];
    s.id = *query_.service;
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
    for (const Row required : rows(required_statement, query_.tenant, *query_.service))
        s.required.emplace_back(required.get<std::string>(0), required.get<std::int32_t>(1));
}

void Reader::read_providers() {
    const Rows found = query_.provider ? rows(named_provider_statement, query_.tenant, query_.service, *query_.provider)
                       : query_.service ? rows(offering_statement, query_.tenant, *query_.service)
                                        : rows(all_providers_statement, query_.tenant);
    if (query_.provider && found.empty())
        raise(Code::not_found, "the provider does not exist", Detail().add("provider_id", *query_.provider));
    for (const Row row : found) {
        core::Provider p = provider_of(row);
        const auto wanted = [&p, this] {
            return std::find(query_.among->begin(), query_.among->end(), p.id) != query_.among->end();
        };
        if (!query_.among || wanted())
            diary_.providers.push_back(std::move(p));
    }
}

core::Provider Reader::provider_of(const Row &row) const {
    core::Provider p;
    p.id = row.get<Uuid>(0);
    p.active = row.get<std::string_view>(1) == "active";
    p.zone = &zone_named(row.get<std::string_view>(2));
    p.buffers = buffers(row.get<std::int32_t>(3), row.get<std::int32_t>(4));
    p.max_per_day = row.optional<std::int32_t>(5);
    p.max_per_week = row.optional<std::int32_t>(6);
    p.offers_service = !query_.service || row.get<bool>(7);
    p.duration = optional_minutes(row.optional<std::int32_t>(8));
    p.buffer_before = optional_minutes(row.optional<std::int32_t>(9));
    p.buffer_after = optional_minutes(row.optional<std::int32_t>(10));
    return p;
}

// Who else takes part: roles with their candidates, of whom the providers are read here.
void Reader::read_participants() {
    if (!query_.service)
        return;
    std::vector<core::Participants> &roles = diary_.service.participants;
    std::vector<Uuid> people;
    for (const Row row : rows(participants_statement, query_.tenant, *query_.service)) {
        auto role = row.get<std::string>(0);
        if (roles.empty() || roles.back().role != role)
            roles.push_back({std::move(role), row.get<std::int32_t>(1), row.get<bool>(2), {}});
        if (const auto candidate = row.optional<Uuid>(3)) {
            roles.back().candidates.push_back(*candidate);
            (row.get<bool>(4) ? people : role_rooms_).push_back(*candidate);
        }
    }
    if (!people.empty())
        for (const Row row : rows(assistants_statement, query_.tenant, people))
            diary_.assistants.push_back(provider_of(row));
}

void Reader::read_patient() {
    if (!query_.patient)
        return;
    const Rows found = rows(patient_statement, query_.tenant, *query_.patient);
    if (found.empty())
        raise(Code::not_found, "the patient does not exist", Detail().add("patient_id", *query_.patient));
    core::Patient patient;
    patient.id = *query_.patient;
    patient.active = found[0].get<std::string_view>(0) == "active";
    // What staff book is no booking online.
    const Context *context = current_context();
    if (no_show_bar_ && context != nullptr && context->actor == Actor::patient)
        patient.missed_too_many =
            count_no_shows(query_.tenant, patient.id, core::months_before(diary_.now, no_show_bar_->months),
                           query_.sight) > no_show_bar_->limit;
    diary_.patient = std::move(patient);
}

void Reader::read_resources() {
    std::vector<std::string> classes;
    for (const auto &[resource_class, quantity] : diary_.service.required)
        classes.push_back(resource_class);
    if (!classes.empty() || !role_rooms_.empty())
        for (const Row row : rows(resources_statement, query_.tenant, classes, query_.location, role_rooms_)) {
            core::Resource r;
            r.id = row.get<Uuid>(0);
            r.resource_class = row.get<std::string>(1);
            r.location = row.get<Uuid>(2);
            r.active = row.get<std::string_view>(3) == "active";
            r.quantity = row.get<std::int32_t>(4);
            r.buffers = buffers(row.get<std::int32_t>(5), row.get<std::int32_t>(6));
            diary_.resources.push_back(std::move(r));
        }
    for (const Uuid &named : query_.named_resources)
        if (std::none_of(diary_.resources.begin(), diary_.resources.end(),
                         [&](const core::Resource &r) { return r.id == named; }) &&
            std::none_of(diary_.assistants.begin(), diary_.assistants.end(),
                         [&](const core::Provider &a) { return a.id == named; }))
            raise(Code::not_found, "the resource is not one that the service can use",
                  Detail().add("resource_id", named),
                  "Name rooms or devices of the classes that the service requires, at the visit's location, or who can "
                  "take part.");
}

// How far around the starts something may matter: the longest visit with its buffers, and the longest drive.
void Reader::measure() {
    core::Duration longest = query_.duration.value_or(diary_.service.duration);
    core::Duration buffer = std::max({diary_.tenant.buffers.before, diary_.tenant.buffers.after,
                                      diary_.service.buffers.before, diary_.service.buffers.after});
    for (const core::Provider &p : diary_.providers) {
        longest = std::max(longest, p.duration.value_or(longest));
        buffer = std::max({buffer, p.buffers.before, p.buffers.after, p.buffer_before.value_or(buffer),
                           p.buffer_after.value_or(buffer)});
    }
    for (const core::Resource &r : diary_.resources)
        buffer = std::max({buffer, r.buffers.before, r.buffers.after});
    for (const core::Provider &a : diary_.assistants)
        buffer = std::max({buffer, a.buffers.before, a.buffers.after});
    core::Duration drive;
    for (const auto &[way, time] : diary_.travel)
        drive = std::max(drive, time);
    const core::Duration reach = longest + buffer + drive + core::Duration{core::micros_per_day};
    reach_ = {query_.range.begin - reach, query_.range.end + reach};
}

void Reader::read_hours_and_blocks() {
    std::vector<Uuid> ids;
    for (core::Provider &p : diary_.providers) {
        ids.push_back(p.id);
        books_[p.id] = {&p.hours, &p.blocks};
    }
    for (core::Resource &r : diary_.resources) {
        ids.push_back(r.id);
        books_[r.id] = {&r.hours, &r.blocks};
    }
    for (core::Provider &a : diary_.assistants)
        if (books_.try_emplace(a.id, Book{&a.hours, &a.blocks}).second)
            ids.push_back(a.id);
    read_rules(ids);
    read_holidays();
    read_blocks(ids);
    // Who both sees patients and takes part has been read once.
    for (core::Provider &a : diary_.assistants)
        for (const core::Provider &p : diary_.providers)
            if (p.id == a.id) {
                a.hours = p.hours;
                a.blocks = p.blocks;
            }
}

void Reader::read_rules(const std::vector<Uuid> &ids) {
    const core::Day last = day_after(reach_.end);
    for (const Row row : rows(rules_statement, query_.tenant, ids, last, query_.as_of)) {
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
        book_of(row.get<Uuid>(1))->hours->rules.push_back(std::move(rule));
    }
    for (const Row row : rows(overrides_statement, query_.tenant, ids, last, query_.as_of)) {
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
        book_of(row.get<Uuid>(1))->hours->overrides.push_back(std::move(o));
    }
    for (const Row row : rows(stays_statement, query_.tenant, ids, query_.as_of))
        book_of(row.get<Uuid>(1))
            ->hours->stays.push_back({row.get<Uuid>(0), countable(row.get<core::Day>(2)),
                                      countable(row.get<core::Day>(3)), &zone_named(row.get<std::string_view>(4))});
}

// Each resource gets the holidays of the locations where it has hours.
void Reader::read_holidays() {
    std::map<Uuid, std::vector<core::HoursBook *>> books_at;
    for (const auto &[resource, book] : books_) {
        const auto note = [&books_at, hours = book.hours](const Uuid &location) {
            auto &books = books_at[location];
            if (books.empty() || books.back() != hours)
                books.push_back(hours);
        };
        for (const core::HoursRule &rule : book.hours->rules)
            note(rule.location);
        for (const core::DateOverride &o : book.hours->overrides)
            if (o.open)
                note(o.location);
    }
    std::vector<Uuid> locations;
    for (auto &[location, books] : books_at) {
        locations.push_back(location);
        std::sort(books.begin(), books.end());
        books.erase(std::unique(books.begin(), books.end()), books.end());
    }
    if (locations.empty())
        return;
    for (const Row row : rows(holidays_statement, query_.tenant, locations, day_after(reach_.end), query_.as_of)) {
        const core::Holiday holiday{row.get<Uuid>(0), row.get<Uuid>(1), countable(row.get<core::Day>(2))};
        for (core::HoursBook *hours : books_at[holiday.location])
            hours->holidays.push_back(holiday);
    }
}

void Reader::read_blocks(const std::vector<Uuid> &ids) {
    const core::Day first = day_before(reach_.begin);
    const core::Day last = day_after(reach_.end);
    for (const Row row :
         rows(blocks_statement, query_.tenant, ids, reach_.begin, reach_.end, first, last, query_.as_of))
        add_block(row);
    std::vector<Uuid> locations;
    for (const core::Location &l : diary_.locations)
        locations.push_back(l.id);
    for (const Row row :
         rows(location_blocks_statement, query_.tenant, locations, reach_.begin, reach_.end, first, last, query_.as_of))
        add_block(row);
}

void Reader::add_block(const Row &row) {
    core::Block b;
    b.id = row.get<Uuid>(0);
    b.resource = row.optional<Uuid>(1).value_or(Uuid{});
    b.location = row.optional<Uuid>(2).value_or(Uuid{});
    b.services = row.optional<std::vector<Uuid>>(11).value_or(core::ServiceFilter{});
    b.kept_for = row.optional<Uuid>(12).value_or(Uuid{});
    if (row.is_null(5)) {
        b.form = core::Block::Form::span;
        b.span = {countable(row.get<core::Instant>(3)), countable(row.get<core::Instant>(4))};
    } else {
        b.from = countable(row.get<core::Day>(5));
        b.until = countable(row.optional<core::Day>(6));
        b.zone = &zone_named(row.get<std::string_view>(10));
        b.form = row.is_null(7) ? core::Block::Form::dates : core::Block::Form::recurring;
        if (!row.is_null(7)) {
            b.rule = parsed(row.get<std::string>(7));
            b.window = wall_window(row.get<TimeOfDay>(8), row.get<TimeOfDay>(9));
        }
    }
    if (b.resource) {
        if (const Book *book = book_of(b.resource))
            book->blocks->push_back(std::move(b));
        return;
    }
    // A location's block concerns every provider while there, and what stands there.
    for (std::vector<core::Provider> *people : {&diary_.providers, &diary_.assistants})
        for (core::Provider &p : *people)
            p.blocks.push_back(b);
    for (core::Resource &r : diary_.resources)
        if (r.location == b.location)
            r.blocks.push_back(b);
}

void Reader::read_claims() {
    ClaimReader reader(query_.tenant, query_.sight);
    for (std::vector<core::Provider> *people : {&diary_.providers, &diary_.assistants})
        for (core::Provider &p : *people)
            p.busy = reader.busy(p.id, reach_, diary_.now);
    for (core::Resource &r : diary_.resources)
        r.busy = reader.busy(r.id, reach_, diary_.now);
    if (!diary_.resources.empty())
        diary_.movers = stored_movers(query_.tenant, query_.sight, diary_.now);
    if (diary_.patient)
        diary_.patient->busy = reader.busy(diary_.patient->id, reach_, diary_.now);
}

// Appointments that count towards limits, around the range by more than a week; cancelled ones do not count.
void Reader::read_visits() {
    const core::Service &s = diary_.service;
    IndexScan scan("appointments", "appointments_provider_id_idx");
    const auto status = scan.column<std::string_view>("status");
    const auto starts_at = scan.column<core::Instant>("starts_at");
    const auto service = scan.column<Uuid>("service_id");
    const auto location = scan.column<Uuid>("location_id");
    const auto appointment = scan.column<Uuid>("appointment_id");
    const auto expires_at = scan.column<core::Instant>("expires_at");
    for (core::Provider &p : diary_.providers) {
        const auto has_maximum = [](const auto &window) { return window.max_appointments.has_value(); };
        const bool wanted = query_.count_visits || s.max_per_day || s.max_per_week || p.max_per_day || p.max_per_week ||
                            std::any_of(p.hours.rules.begin(), p.hours.rules.end(), has_maximum) ||
                            std::any_of(p.hours.overrides.begin(), p.hours.overrides.end(), has_maximum);
        if (!wanted)
            continue;
        scan.where("tenant_id", BTEqualStrategyNumber, query_.tenant);
        scan.where("provider_id", BTEqualStrategyNumber, p.id);
        scan.where("starts_at", BTGreaterEqualStrategyNumber, query_.range.begin - a_week_and_more);
        scan.where("starts_at", BTLessStrategyNumber, query_.range.end + a_week_and_more);
        scan.start(query_.sight);
        while (scan.next())
            if (scan.get(status) != "cancelled" && scan.optional(expires_at).value_or(core::instant_max) > diary_.now)
                p.visits.push_back({scan.get(starts_at), scan.get(service), scan.get(location), scan.get(appointment)});
    }
}

std::vector<ResourceHours> Reader::hours_of(const std::vector<Uuid> &resources) {
    read_locations();
    std::vector<ResourceHours> found(resources.size());
    // Blocks of whole locations are handed to providers, so each resource is read as one.
    diary_.providers.resize(resources.size());
    for (std::size_t i = 0; i < resources.size(); ++i) {
        found[i].resource = diary_.providers[i].id = resources[i];
        books_[resources[i]] = {&found[i].hours, &diary_.providers[i].blocks};
    }
    for (const Row row : rows(standing_statement, query_.tenant, resources))
        for (ResourceHours &r : found)
            if (r.resource == row.get<Uuid>(0))
                r.stands_at = row.get<Uuid>(1);
    const core::Duration margin{core::micros_per_day};
    reach_ = {query_.range.begin - margin, query_.range.end + margin};
    read_rules(resources);
    read_holidays();
    read_blocks(resources);
    for (std::size_t i = 0; i < resources.size(); ++i)
        found[i].blocks = std::move(diary_.providers[i].blocks);
    return found;
}

} // namespace

core::Diary read_diary(const DiaryQuery &query) { return Reader(query).read(); }

std::optional<core::Source> missing_row(const DiaryQuery &query) {
    using Table = core::Source::Table;
    Spi spi;
    const Rows rows = spi.query_with(missing_statement, {View::active, 0}, query.tenant, query.service, query.patient,
                                     query.provider, query.location, query.named_resources);
    const Row row = rows[0];
    if (!row.get<bool>(0))
        return core::Source{Table::services, *query.service};
    if (!row.get<bool>(1))
        return core::Source{Table::patients, *query.patient};
    if (!row.get<bool>(2))
        return core::Source{Table::resources, *query.provider};
    if (!row.get<bool>(3))
        return core::Source{Table::locations, *query.location};
    if (const auto resource = row.optional<Uuid>(4))
        return core::Source{Table::resources, *resource};
    return std::nullopt;
}

std::vector<ResourceHours> read_hours(const Uuid &tenant, const std::vector<Uuid> &resources,
                                      const core::Interval &range, std::optional<core::Instant> as_of) {
    DiaryQuery query;
    query.tenant = tenant;
    query.range = range;
    query.as_of = as_of;
    return Reader(query).hours_of(resources);
}

} // namespace pg_clinic::pg
