// What this backend keeps of how clinics are set up, and when it forgets it: see diary_setup.hpp.
#include "pg/diary_setup.hpp"

#include <algorithm>

#include "pg/clock.hpp"
#include "pg/context.hpp"
#include "pg/errors.hpp"
#include "pg/fired_row.hpp"

extern "C" {
#include "utils/inval.h"
}

namespace pg_clinic::pg {

namespace {

// Those of one tenant as visitors see it (published ones only), and as all others do.
struct KeptKey {
    Uuid tenant;
    bool public_visitor;
    auto operator<=>(const KeptKey &) const = default;
};
using Kept = std::map<KeptKey, std::shared_ptr<DiarySetup>>;

constexpr std::size_t most_rows = 100'000; // of all that is kept
constexpr std::size_t most_tenants = 256;
constexpr const char *notice_name = "setup_changed";

constinit Kept *kept = nullptr; // lives as long as the process
// The transaction of this backend that changes the setup: it keeps nothing of what it reads, since its abort may come unannounced.
constinit FullTransactionId changing{};
// Set by invalidations, which may come in the middle of a search: what it uses is forgotten before the next one.
constinit bool is_stale = false;
// A type without a use of its own: to invalidate what the server keeps of it is how changes are told to other backends.
constinit Oid notice = InvalidOid;

Oid find_notice() {
    return pg_call([] { return get_relname_relid(notice_name, get_namespace_oid("clinic_private", false)); });
}

// Tables change without row triggers too: TRUNCATE, and whatever ran while triggers were off, which ends by turning them on.
constexpr const char *tables[] = {"tenants",
                                  "locations",
                                  "travel_times",
                                  "services",
                                  "service_providers",
                                  "service_resources",
                                  "service_participants",
                                  "service_participant_candidates",
                                  "providers",
                                  "resources",
                                  "availability_rules",
                                  "date_overrides",
                                  "stays",
                                  "holidays",
                                  "blocks"};
constinit Oid table_oids[std::size(tables)] = {};

void find_relations() {
    notice = find_notice();
    pg_call([] {
        const Oid schema = get_namespace_oid("clinic_data", true);
        for (std::size_t i = 0; i < std::size(tables); ++i)
            table_oids[i] = OidIsValid(schema) ? get_relname_relid(tables[i], schema) : InvalidOid;
    });
}

void at_change(Datum, Oid relation) noexcept {
    is_stale = is_stale || !OidIsValid(relation) || relation == notice ||
               std::find(std::begin(table_oids), std::end(table_oids), relation) != std::end(table_oids);
}

bool is_changing() {
    return FullTransactionIdIsValid(changing) && FullTransactionIdEquals(GetTopFullTransactionIdIfAny(), changing);
}

std::size_t kept_rows() {
    std::size_t count = 0;
    for (const auto &[key, setup] : *kept)
        count += setup->rows();
    return count;
}

} // namespace

std::shared_ptr<DiarySetup> DiarySetup::kept_for(const Uuid &tenant, Sight sight) {
    const Context *context = current_context();
    const bool sees_what_holds = sight == Sight::truth || !IsolationUsesXactSnapshot();
    if (context == nullptr || context->tenant_id != tenant || !sees_what_holds ||
        pg_call([] { return IsInParallelMode(); }) || is_changing())
        return nullptr;
    if (kept == nullptr) {
        pg_call([] { CacheRegisterRelcacheCallback(at_change, Datum{0}); });
        kept = new Kept;
        is_stale = true;
    }
    // A change that was waited for has sent its message before it let go.
    pg_call([] { AcceptInvalidationMessages(); });
    if (is_stale || kept->size() > most_tenants || kept_rows() > most_rows) {
        kept->clear();
        is_stale = false;
        find_relations();
    }
    std::shared_ptr<DiarySetup> &setup = (*kept)[{tenant, context->actor == Actor::public_visitor}];
    if (!setup) {
        const core::Duration over_for{8 * core::micros_per_day};
        setup = std::make_shared<DiarySetup>(tenant, QueryOptions{View::fresh, 0}, std::nullopt,
                                             core::Interval{now() - over_for, end_of_time()});
    }
    return setup;
}

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// BEFORE ROW trigger of the tables that a DiarySetup reads: tells all backends when the change commits. Before, so that no search in
// the middle of the statement keeps a row that this was not called for.
CLINIC_FUNCTION(clinic_setup_changed) {
    const auto *trigger = CALLED_AS_TRIGGER(fcinfo) ? reinterpret_cast<const TriggerData *>(fcinfo->context) : nullptr;
    if (trigger == nullptr || !TRIGGER_FIRED_BEFORE(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
        fail(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "setup_changed must be called as a BEFORE ROW trigger");
    const Datum row_to_write =
        PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple);
    // Patients are resources too, whose time alone is claimed.
    const FiredRow row{trigger->tg_relation, trigger->tg_trigtuple};
    if (std::strcmp(RelationGetRelationName(row.table), "resources") == 0 &&
        value_of<std::string_view>(row, "kind") == "patient")
        return row_to_write;
    is_stale = true;
    const Oid of_all = find_notice();
    pg_call([of_all] {
        changing = GetTopFullTransactionId();
        CacheInvalidateRelcacheByRelid(of_all);
    });
    return row_to_write;
}
