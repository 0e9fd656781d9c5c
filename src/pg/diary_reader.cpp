// The diary reader: see diary_reader.hpp. Statements filter by tenant in their first condition; row security says it again.
#include "pg/diary_reader.hpp"

#include <algorithm>

#include "pg/claims.hpp"
#include "pg/clock.hpp"
#include "pg/context.hpp"
#include "pg/diary_setup.hpp"
#include "pg/errors.hpp"
#include "pg/movers.hpp"
#include "pg/no_shows.hpp"
#include "pg/spi.hpp"
#include "pg/visibility.hpp"

namespace pg_clinic::pg {

namespace {

KeptPlan standing_statement{"SELECT resource_id, location_id FROM clinic_data.resources"
                            " WHERE tenant_id = $1 AND resource_id = ANY ($2) AND kind IN ('room', 'device')"};

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

constexpr core::Duration a_week_and_more{8 * core::micros_per_day};

bool may_matter(const core::Block &block, const core::Interval &reach) {
    if (block.form == core::Block::Form::span)
        return block.span.begin < reach.end && block.span.end > reach.begin;
    return block.from <= day_after(reach.end) && (!block.until || *block.until >= day_before(reach.begin));
}

// Appointments of providers that count; those that are cancelled do not.
class VisitReader {
  public:
    VisitReader(const DiaryQuery &query, core::Instant now) : query_(query), now_(now) {}

    std::vector<core::CountedVisit> visits(const Uuid &provider, const core::Interval &starts) {
        scan_.where("tenant_id", BTEqualStrategyNumber, query_.tenant);
        scan_.where("provider_id", BTEqualStrategyNumber, provider);
        scan_.where("starts_at", BTGreaterEqualStrategyNumber, starts.begin);
        scan_.where("starts_at", BTLessStrategyNumber, starts.end);
        scan_.start(query_.sight);
        std::vector<core::CountedVisit> found;
        while (scan_.next())
            if (scan_.get(status_) != "cancelled" && scan_.optional(expires_at_).value_or(core::instant_max) > now_)
                found.push_back(
                    {scan_.get(starts_at_), scan_.get(service_), scan_.get(location_), scan_.get(appointment_)});
        return found;
    }

  private:
    const DiaryQuery &query_;
    const core::Instant now_;
    IndexScan scan_{"appointments", "appointments_provider_id_idx"};
    Column<std::string_view> status_ = scan_.column<std::string_view>("status");
    Column<core::Instant> starts_at_ = scan_.column<core::Instant>("starts_at");
    Column<Uuid> service_ = scan_.column<Uuid>("service_id");
    Column<Uuid> location_ = scan_.column<Uuid>("location_id");
    Column<Uuid> appointment_ = scan_.column<Uuid>("appointment_id");
    Column<core::Instant> expires_at_ = scan_.column<core::Instant>("expires_at");
};

class Reader {
  public:
    explicit Reader(const DiaryQuery &query)
        : query_(query), options_{query.sight == Sight::truth ? View::latest : View::active, 0},
          kept_(DiarySetup::kept_for(query.tenant, query.sight)),
          setup_(kept_ ? kept_ : std::make_shared<DiarySetup>(query.tenant, options_, query.as_of, core::Interval{})) {}

    core::Diary read() {
        diary_.now = now();
        read_tenant();
        read_service();
        read_providers();
        read_patient();
        read_resources();
        measure();
        read_hours_and_blocks();
        read_claims();
        read_visits();
        return std::move(diary_);
    }

    std::vector<ResourceHours> hours_of(const std::vector<Uuid> &resources);
    std::vector<Uuid> claimable_beside();

  private:
    void read_tenant();
    void read_service();
    void read_providers();
    void read_patient();
    void read_resources();
    void measure();
    DiarySetup &books_of(const std::vector<Uuid> &resources);
    core::HoursBook hours_in(const Book &book) const;
    std::vector<core::Block> blocks_in(const std::vector<core::Block> &blocks) const;
    void read_hours_and_blocks();
    void read_claims();
    void read_visits();

    const DiaryQuery &query_;
    const QueryOptions options_;
    const std::shared_ptr<DiarySetup> kept_;  // null: this query may not go by it
    const std::shared_ptr<DiarySetup> setup_; // of all but hours and blocks
    std::shared_ptr<DiarySetup> books_;       // of hours and blocks
    core::Diary diary_;
    core::Interval reach_; // claims and blocks that may matter lie within
    std::optional<TenantSetup::NoShowBar> no_show_bar_;
};

void Reader::read_tenant() {
    const TenantSetup *setup = setup_->tenant();
    if (setup == nullptr)
        raise(Code::not_found, "the tenant does not exist", Detail().add("tenant_id", query_.tenant));
    diary_.tenant = setup->tenant;
    diary_.locations = setup->locations;
    diary_.travel = setup->travel;
    no_show_bar_ = setup->no_show_bar;
    if (query_.location && std::none_of(diary_.locations.begin(), diary_.locations.end(),
                                        [&](const core::Location &l) { return l.id == *query_.location; }))
        raise(Code::not_found, "the location does not exist", Detail().add("location_id", *query_.location));
}

void Reader::read_service() {
    core::Service &s = diary_.service;
    if (!query_.service) {
        s.duration = s.step = s.min_duration = s.max_duration = query_.duration.value_or(core::minutes(30));
        return;
    }
    const ServiceSetup *setup = setup_->service(*query_.service);
    if (setup == nullptr)
        raise(Code::not_found, "the service does not exist", Detail().add("service_id", *query_.service));
    s = setup->service;
    diary_.assistants = setup->assistants;
}

void Reader::read_providers() {
    if (query_.provider) {
        const core::Provider *provider = setup_->provider(query_.service, *query_.provider);
        if (provider == nullptr)
            raise(Code::not_found, "the provider does not exist", Detail().add("provider_id", *query_.provider));
        diary_.providers.push_back(*provider);
    } else {
        diary_.providers = query_.service ? setup_->offering(*query_.service) : setup_->everyone();
    }
    if (query_.among)
        std::erase_if(diary_.providers, [this](const core::Provider &p) {
            return std::find(query_.among->begin(), query_.among->end(), p.id) == query_.among->end();
        });
}

void Reader::read_patient() {
    if (!query_.patient)
        return;
    // What the policies of patients say.
    const Context *context = current_context();
    IndexScan scan("patients", "patients_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, query_.tenant);
    scan.where("patient_id", BTEqualStrategyNumber, *query_.patient);
    scan.start(query_.sight);
    if (!scan.next() || context == nullptr || context->tenant_id != query_.tenant ||
        !sees_patient(*context, *query_.patient))
        raise(Code::not_found, "the patient does not exist", Detail().add("patient_id", *query_.patient));
    core::Patient patient;
    patient.id = *query_.patient;
    patient.active = scan.get(scan.column<std::string_view>("status")) == "active";
    // What staff book is no booking online.
    if (no_show_bar_ && context->actor == Actor::patient)
        patient.missed_too_many =
            count_no_shows(query_.tenant, patient.id, core::months_before(diary_.now, no_show_bar_->months),
                           query_.sight) > no_show_bar_->limit;
    diary_.patient = std::move(patient);
}

void Reader::read_resources() {
    if (query_.service)
        for (const core::Resource &r : setup_->service(*query_.service)->resources)
            if (!query_.location || r.location == *query_.location)
                diary_.resources.push_back(r);
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

// The hours and blocks of these resources within reach: of what is kept where that goes back as far.
DiarySetup &Reader::books_of(const std::vector<Uuid> &resources) {
    const bool suits = kept_ && !query_.as_of && kept_->span().begin <= reach_.begin;
    books_ = suits ? kept_ : std::make_shared<DiarySetup>(query_.tenant, options_, query_.as_of, reach_);
    books_->read_books(resources);
    return *books_;
}

core::HoursBook Reader::hours_in(const Book &book) const {
    const core::Day last = day_after(reach_.end);
    core::HoursBook hours;
    const auto copy = [](const auto &from, auto &to, auto matters) {
        to.reserve(from.size());
        std::copy_if(from.begin(), from.end(), std::back_inserter(to), matters);
    };
    copy(book.hours.rules, hours.rules, [last](const core::HoursRule &r) { return r.valid_from <= last; });
    copy(book.hours.overrides, hours.overrides, [last](const core::DateOverride &o) { return o.on <= last; });
    copy(book.hours.holidays, hours.holidays, [last](const core::Holiday &h) { return h.on <= last; });
    hours.stays = book.hours.stays;
    return hours;
}

std::vector<core::Block> Reader::blocks_in(const std::vector<core::Block> &blocks) const {
    std::vector<core::Block> within;
    std::copy_if(blocks.begin(), blocks.end(), std::back_inserter(within),
                 [this](const core::Block &b) { return may_matter(b, reach_); });
    return within;
}

void Reader::read_hours_and_blocks() {
    std::vector<Uuid> ids;
    for (const std::vector<core::Provider> *people : {&diary_.providers, &diary_.assistants})
        for (const core::Provider &p : *people)
            ids.push_back(p.id);
    for (const core::Resource &r : diary_.resources)
        ids.push_back(r.id);
    DiarySetup &books = books_of(ids);
    const std::vector<core::Block> everywhere = blocks_in(books.location_blocks());
    const auto fill = [&](auto &resource, auto concerned) {
        const Book &book = books.book(resource.id);
        resource.hours = hours_in(book);
        resource.blocks = blocks_in(book.blocks);
        std::copy_if(everywhere.begin(), everywhere.end(), std::back_inserter(resource.blocks), concerned);
    };
    // A location's block concerns every provider while there, and what stands there.
    for (std::vector<core::Provider> *people : {&diary_.providers, &diary_.assistants})
        for (core::Provider &p : *people)
            fill(p, [](const core::Block &) { return true; });
    for (core::Resource &r : diary_.resources)
        fill(r, [&r](const core::Block &b) { return b.location == r.location; });
}

void Reader::read_claims() {
    ClaimReader reader(query_.tenant, query_.sight);
    const auto read = [&](auto &resources) {
        std::vector<Uuid> ids;
        for (const auto &r : resources)
            ids.push_back(r.id);
        std::vector<core::BusyList> busy = reader.busy(ids, reach_, diary_.now);
        for (std::size_t i = 0; i < resources.size(); ++i)
            resources[i].busy = std::move(busy[i]);
    };
    read(diary_.providers);
    read(diary_.assistants);
    read(diary_.resources);
    if (!diary_.resources.empty())
        diary_.movers = stored_movers(query_.tenant, query_.sight, diary_.now);
    if (diary_.patient)
        diary_.patient->busy = reader.busy(diary_.patient->id, reach_, diary_.now);
}

// Appointments that count towards limits, around the range by more than a week.
void Reader::read_visits() {
    const core::Service &s = diary_.service;
    std::optional<VisitReader> reader;
    for (core::Provider &p : diary_.providers) {
        const auto has_maximum = [](const auto &window) { return window.max_appointments.has_value(); };
        const bool wanted = query_.count_visits || s.max_per_day || s.max_per_week || p.max_per_day || p.max_per_week ||
                            std::any_of(p.hours.rules.begin(), p.hours.rules.end(), has_maximum) ||
                            std::any_of(p.hours.overrides.begin(), p.hours.overrides.end(), has_maximum);
        if (!wanted)
            continue;
        if (!reader)
            reader.emplace(query_, diary_.now);
        p.visits = reader->visits(p.id, {query_.range.begin - a_week_and_more, query_.range.end + a_week_and_more});
    }
}

std::vector<ResourceHours> Reader::hours_of(const std::vector<Uuid> &resources) {
    const core::Duration margin{core::micros_per_day};
    reach_ = {query_.range.begin - margin, query_.range.end + margin};
    std::vector<ResourceHours> found(resources.size());
    DiarySetup &books = books_of(resources);
    const std::vector<core::Block> everywhere = blocks_in(books.location_blocks());
    for (std::size_t i = 0; i < resources.size(); ++i) {
        const Book &book = books.book(resources[i]);
        found[i].resource = resources[i];
        found[i].hours = hours_in(book);
        found[i].blocks = blocks_in(book.blocks);
        found[i].blocks.insert(found[i].blocks.end(), everywhere.begin(), everywhere.end());
    }
    Spi spi;
    for (const Row row : spi.query_with(standing_statement, options_, query_.tenant, resources))
        for (ResourceHours &r : found)
            if (r.resource == row.get<Uuid>(0))
                r.stands_at = row.get<Uuid>(1);
    return found;
}

std::vector<Uuid> Reader::claimable_beside() {
    std::vector<Uuid> ids;
    const ServiceSetup *setup = query_.service ? setup_->service(*query_.service) : nullptr;
    if (setup == nullptr)
        return ids;
    const auto &required = setup->service.required;
    for (const core::Resource &r : setup->resources)
        if ((!query_.location || r.location == *query_.location) &&
            std::any_of(required.begin(), required.end(), [&r](const auto &c) { return c.first == r.resource_class; }))
            ids.push_back(r.id);
    for (const core::Participants &role : setup->service.participants)
        ids.insert(ids.end(), role.candidates.begin(), role.candidates.end());
    return ids;
}

} // namespace

core::Diary read_diary(const DiaryQuery &query) { return Reader(query).read(); }

std::vector<std::int32_t> visits_on_day(const DiaryQuery &query, const core::Diary &diary,
                                        const std::vector<std::size_t> &providers, core::Instant t) {
    constexpr core::Duration around{3 * core::micros_per_day}; // a local day, whatever zones a stay brings
    VisitReader reader(query, diary.now);
    std::vector<std::int32_t> counts;
    counts.reserve(providers.size());
    for (const std::size_t p : providers)
        counts.push_back(
            core::count_on_day(diary.providers[p], reader.visits(diary.providers[p].id, {t - around, t + around}), t));
    return counts;
}

std::vector<Uuid> claimable_beside(const DiaryQuery &query) { return Reader(query).claimable_beside(); }

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
