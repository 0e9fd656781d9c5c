// The line in front of a provider or desk, read past row security: a patient's place depends on others, whom the patient may
// not see. What leaves are ids and times; the views show each caller the rows that are theirs to see.
#include "core/waiting_line.hpp"
#include "core/interval_set.hpp"

#include <map>
#include <unordered_map>

#include "pg/clock.hpp"
#include "pg/context.hpp"
#include "pg/result.hpp"
#include "pg/scan.hpp"

namespace pg_clinic::pg {

namespace {

using Stage = core::Waiting::Stage;

// Whose line, on which day.
struct LineQuery {
    Uuid tenant;
    std::optional<Uuid> provider; // none: the tickets of a location that wait for nobody in particular
    Uuid location;
    std::string prefix;
    core::Day on_date;
    core::Interval day;         // the same date as instants
    core::Duration keeps_place; // so long after the start a patient who has not come is waited for
};

// Where a turn comes from.
struct Origin {
    std::optional<Uuid> ticket;
    std::optional<Uuid> appointment;
    std::optional<core::Instant> starts;
};

// A visit of the provider that day.
struct Visit {
    Uuid id;
    core::Interval span;
    std::string status;
    std::optional<core::Instant> started;
    Uuid session; // nil: alone
    bool has_ticket = false;
};

class LineReader {
  public:
    explicit LineReader(const LineQuery &query) : query_(query), now_(now()) {}

    std::vector<core::Waiting> read() {
        if (query_.provider)
            read_visits();
        read_tickets();
        for (const auto &[id, visit] : visits_)
            if (!visit.has_ticket)
                add_visit(visit);
        return std::move(line_);
    }

    const Origin &origin_of(const Uuid &id) const { return origins_.at(id); }

  private:
    // Seats of one session have service and start in common; their first visit names it.
    Uuid session_of(const Uuid &service, core::Instant start, const Uuid &visit) {
        return sessions_.emplace(std::pair(service, start), visit).first->second;
    }

    void read_visits() {
        IndexScan scan("appointments", "appointments_provider_id_idx");
        const auto id = scan.column<Uuid>("appointment_id");
        const auto service = scan.column<Uuid>("service_id");
        const auto status = scan.column<std::string_view>("status");
        const auto starts = scan.column<core::Instant>("starts_at");
        const auto ends = scan.column<core::Instant>("ends_at");
        const auto started = scan.column<core::Instant>("started_at");
        const auto capacity = scan.column<std::int32_t>("capacity");
        scan.where("tenant_id", BTEqualStrategyNumber, query_.tenant);
        scan.where("provider_id", BTEqualStrategyNumber, *query_.provider);
        // What began the evening before may still go on.
        scan.where("starts_at", BTGreaterEqualStrategyNumber,
                   query_.day.begin - core::Duration{core::micros_per_day / 2});
        scan.where("starts_at", BTLessStrategyNumber, query_.day.end);
        scan.start(Sight::snapshot);
        while (scan.next()) {
            Visit v;
            v.id = scan.get(id);
            v.span = {scan.get(starts), scan.get(ends)};
            v.status = scan.get(status);
            v.started = scan.optional(started);
            if (scan.get(capacity) > 1)
                v.session = session_of(scan.get(service), v.span.begin, v.id);
            visits_.emplace(v.id, std::move(v));
        }
    }

    void read_tickets() {
        IndexScan scan("tickets", query_.provider ? "tickets_provider_id_idx"
                                                  : "tickets_tenant_id_location_id_on_date_prefix_number_key");
        scan.where("tenant_id", BTEqualStrategyNumber, query_.tenant);
        if (query_.provider) {
            scan.where("provider_id", BTEqualStrategyNumber, *query_.provider);
            scan.where("on_date", BTEqualStrategyNumber, query_.on_date);
        } else {
            scan.where("location_id", BTEqualStrategyNumber, query_.location);
            scan.where("on_date", BTEqualStrategyNumber, query_.on_date);
            scan.where("prefix", BTEqualStrategyNumber, std::string_view(query_.prefix));
        }
        scan.start(Sight::snapshot);
        while (scan.next())
            add_ticket(scan);
    }

    void add_ticket(const IndexScan &scan) {
        if (!query_.provider && scan.optional(scan.column<Uuid>("provider_id")))
            return;
        const auto appointment = scan.optional(scan.column<Uuid>("appointment_id"));
        const auto visit = appointment ? visits_.find(*appointment) : visits_.end();
        // Who has left or been served is no longer waited for, whatever the visit says.
        if (visit != visits_.end())
            visit->second.has_ticket = true;
        const auto state = scan.get(scan.column<std::string_view>("state"));
        if (state == "done" || state == "left")
            return;
        core::Waiting w;
        w.id = scan.get(scan.column<Uuid>("ticket_id"));
        w.stage = state == "serving" ? Stage::served : state == "called" ? Stage::called : Stage::here;
        w.due = scan.get(scan.column<core::Instant>("due_at"));
        w.urgency = scan.get(scan.column<std::int32_t>("urgency"));
        w.number = scan.get(scan.column<std::int32_t>("number"));
        w.length = core::minutes(scan.get(scan.column<std::int32_t>("expected_minutes")));
        w.started = scan.optional(scan.column<core::Instant>("served_at")).value_or(now_);
        Origin origin{w.id, appointment, std::nullopt};
        if (visit != visits_.end()) {
            w.session = visit->second.session;
            origin.starts = visit->second.span.begin;
        }
        add(w, origin);
    }

    // A visit without a ticket: still expected, or in progress without having been checked in here.
    void add_visit(const Visit &v) {
        core::Waiting w;
        w.id = v.id;
        w.due = v.span.begin;
        w.length = v.span.length();
        w.session = v.session;
        if (v.status == "in_progress") {
            w.stage = Stage::served;
            w.started = v.started.value_or(v.span.begin);
        } else if (v.status == "arrived") {
            w.stage = Stage::here;
        } else if (v.status == "booked" || v.status == "confirmed") {
            if (v.span.begin < query_.day.begin || now_ > v.span.begin + query_.keeps_place)
                return;
            w.stage = Stage::expected;
        } else {
            return;
        }
        add(w, {std::nullopt, v.id, v.span.begin});
    }

    void add(const core::Waiting &w, const Origin &origin) {
        line_.push_back(w);
        origins_.emplace(w.id, origin);
    }

    const LineQuery &query_;
    const core::Instant now_;
    std::map<Uuid, Visit> visits_;
    std::map<std::pair<Uuid, core::Instant>, Uuid> sessions_;
    std::unordered_map<Uuid, Origin> origins_;
    std::vector<core::Waiting> line_;
};

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.waiting_line(provider_id, location_id, prefix, on_date, day_starts_at, day_ends_at, keeps_place_minutes)
CLINIC_FUNCTION(clinic_waiting_line) {
    const Args args(fcinfo);
    const Context &context = require_context();
    LineQuery query;
    query.tenant = context.tenant_id;
    query.provider = args.optional<Uuid>(0);
    query.location = args.required<Uuid>(1, "location_id");
    query.prefix = args.required<std::string>(2, "prefix");
    query.on_date = args.required<core::Day>(3, "on_date");
    query.day = {args.required<core::Instant>(4, "day_starts_at"), args.required<core::Instant>(5, "day_ends_at")};
    query.keeps_place = core::minutes(args.required<std::int32_t>(6, "keeps_place_minutes"));
    ResultSet rows(fcinfo);
    LineReader reader(query);
    for (const core::Turn &turn : core::turns_of(now(), reader.read())) {
        const Origin &origin = reader.origin_of(turn.id);
        rows.add(origin.ticket, origin.appointment, turn.place > 0 ? std::optional(turn.place) : std::nullopt,
                 origin.starts, turn.begin, turn.end);
    }
    return rows.done();
}
