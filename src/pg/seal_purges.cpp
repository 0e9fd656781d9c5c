// The purges of a sealed log: see seal_purges.hpp.
#include "pg/seal_purges.hpp"

#include "core/audit_leaf.hpp"
#include "pg/crypto.hpp"

#include <algorithm>

namespace pg_clinic::pg {

namespace {

// Records of this class explain why others are gone: no purge may take them.
constexpr std::string_view kept_for_ever = "retention";

// The first record that tells of a purge is the one that counts.
constinit KeptPlan purges_plan{
    "SELECT p.purge_id, r.audit_id, p.class, p.record_count, p.leaves_digest, p.keep_months, coalesce((SELECT "
    "d.keep_months FROM clinic_private.default_retention() AS d WHERE d.class = p.class), (SELECT max(d.keep_months) "
    "FROM clinic_private.default_retention() AS d)), r.recorded_at, clinic_private.months_before(r.recorded_at, "
    "p.keep_months) FROM clinic_data.audit_purges AS p JOIN clinic_data.audit_records AS r ON r.tenant_id = "
    "p.tenant_id AND r.class = 'retention' AND r.action = 'purge' AND r.row_id = p.purge_id::text"
    " WHERE p.tenant_id = $1 AND p.keep_months BETWEEN 12 AND 1200 AND r.after ->> 'class' = p.class"
    " AND r.after ->> 'keep_months' = p.keep_months::text AND r.after ->> 'record_count' = p.record_count::text"
    " AND r.after ->> 'leaves_digest' = encode(p.leaves_digest, 'hex') AND r.recorded_at <= clock_timestamp()"
    " ORDER BY r.transaction_id, r.audit_id"};
constinit KeptPlan periods_plan{
    "SELECT r.audit_id, r.row_id, r.recorded_at, CASE WHEN r.after ->> 'keep_months' ~ '^[0-9]{1,4}$' THEN (r.after "
    "->> 'keep_months')::integer END FROM clinic_data.audit_records AS r WHERE r.tenant_id = $1 AND r.class = "
    "'retention' AND r.table_name = 'retention_classes' AND r.row_id IS NOT NULL AND (r.action = 'delete' OR r.after "
    "? 'keep_months') ORDER BY r.recorded_at, r.transaction_id, r.audit_id"};
constinit KeptPlan stubs_plan{"SELECT p.audit_id, p.purge_id, p.transaction_id, p.recorded_at, p.class, "
                              "p.content_digest FROM clinic_data.purged_audit_records AS p"
                              " WHERE p.tenant_id = $1 AND p.audit_id = ANY ($2)"};

// How large the log was at that time, as far as is proven.
std::uint64_t size_at(const std::vector<SizeAt> &evidence, core::Instant time) {
    const auto later = std::upper_bound(evidence.begin(), evidence.end(), time,
                                        [](core::Instant at, const SizeAt &head) { return at < head.sealed_at; });
    return later == evidence.begin() ? 0 : std::prev(later)->size;
}

LogProblem gone(std::uint64_t position, const Uuid &audit_id, const char *why) {
    return {"missing", position, position + 1, audit_id, std::string("the record is gone, ") + why};
}

LogProblem wrong(const char *kind, const Uuid &purge, const char *why) {
    return {kind, std::nullopt, std::nullopt, purge, why};
}

} // namespace

LogPurges::LogPurges(Spi &spi, const Uuid &tenant, const std::vector<SizeAt> &evidence) : spi_(spi), tenant_(tenant) {
    read_purges(evidence);
    read_periods();
}

void LogPurges::read_purges(const std::vector<SizeAt> &evidence) {
    const Rows rows = spi_.query_with(purges_plan, {.view = View::active}, tenant_);
    for (const Row row : rows) {
        const auto before = row.get<core::Instant>(8);
        const auto [at, is_new] = purges_.emplace(row.get<Uuid>(0), Purge{.audit_id = row.get<Uuid>(1),
                                                                          .of_class = row.get<std::string>(2),
                                                                          .told_of = row.get<std::int64_t>(3),
                                                                          .left = row.get<std::int64_t>(3),
                                                                          .told = row.get<Bytes>(4).bytes,
                                                                          .keep_months = row.get<std::int32_t>(5),
                                                                          .default_months = row.get<std::int32_t>(6),
                                                                          .recorded_at = row.get<core::Instant>(7),
                                                                          .before = before,
                                                                          .aged_size = size_at(evidence, before)});
        if (is_new)
            purges_told_.emplace(at->second.audit_id, &at->second);
    }
}

void LogPurges::read_periods() {
    const Rows rows = spi_.query_with(periods_plan, {.view = View::active}, tenant_);
    for (const Row row : rows) {
        periods_told_.emplace(row.get<Uuid>(0), periods_.size());
        periods_.push_back({row.get<std::string>(1), row.get<core::Instant>(2), row.optional<std::int32_t>(3)});
    }
}

void LogPurges::read(const std::vector<Uuid> &gone) {
    stubs_.clear();
    if (gone.empty())
        return;
    const Rows rows = spi_.query_with(stubs_plan, {.view = View::active}, tenant_, gone);
    for (const Row row : rows) {
        const auto purge = purges_.find(row.get<Uuid>(1));
        if (purge == purges_.end())
            continue;
        const core::AuditStub stub{.tenant_id = tenant_,
                                   .audit_id = row.get<Uuid>(0),
                                   .transaction_id = row.get<Xid8>(2).value,
                                   .recorded_at = row.get<core::Instant>(3),
                                   .audit_class = row.get<std::string_view>(4),
                                   .content_digest = row.get<BytesView>(5).bytes};
        stubs_.emplace(stub.audit_id,
                       Stub{&purge->second, row.get<Xid8>(2), stub.recorded_at, std::string(stub.audit_class),
                            digest_of(core::leaf_hash(stub, &crypto::sha256))});
    }
}

LogPurges::Taken LogPurges::take(std::uint64_t position, const Uuid &audit_id, const core::Digest &leaf) {
    const auto refuse = [&](const char *why) { return Taken{.problem = gone(position, audit_id, why)}; };
    const auto at = stubs_.find(audit_id);
    if (at == stubs_.end())
        return refuse("and no purge tells of it");
    const Stub &stub = at->second;
    Purge &purge = *stub.purge;
    if (stub.leaf != leaf)
        return refuse("and what is left of it does not have the leaf that was sealed");
    if (stub.audit_class != purge.of_class)
        return refuse("and its purge was of another class");
    if (stub.audit_class == kept_for_ever)
        return refuse("which no purge may take");
    if (stub.recorded_at >= purge.before)
        return refuse("purged before its time");
    if (position >= purge.aged_size)
        return refuse("purged before its time, as far as heads prove that it was sealed");
    if (purge.left <= 0)
        return refuse("and its purge tells of fewer");
    if (!purge.found)
        purge.found.emplace();
    purge.found->add(bytes_of(leaf));
    if (--purge.left == 0 && bytes_of(std::exchange(purge.found, std::nullopt)->finish()) != purge.told)
        return {.problem = wrong("missing", purge.audit_id,
                                 "records are gone that are not those which the purge of this record tells of")};
    ++taken_;
    return {.order = SealOrder{stub.transaction_id, audit_id}};
}

void LogPurges::met(std::uint64_t position, const Uuid &audit_id) {
    if (const auto at = purges_told_.find(audit_id); at != purges_told_.end())
        at->second->position = position;
    if (const auto at = periods_told_.find(audit_id); at != periods_told_.end())
        periods_[at->second].position = position;
}

// How long the class of a purge had to be kept when it was made. A purge cannot be dated back to before its period was set: what was
// sealed before it counts too.
std::int32_t LogPurges::months_at(const Purge &purge) const {
    std::int32_t months = purge.default_months;
    for (const Period &period : periods_) {
        if (!period.position || period.of_class != purge.of_class)
            continue;
        const bool sealed_before = purge.position && *period.position < *purge.position;
        if (period.recorded_at <= purge.recorded_at ||
            (sealed_before && period.recorded_at > purge.recorded_at + longest_transaction))
            months = period.keep_months.value_or(purge.default_months);
    }
    return months;
}

std::optional<LogProblem> LogPurges::check_end(const std::vector<SizeAt> &heads) const {
    for (const auto &[id, purge] : purges_) {
        if (purge.left > 0)
            return wrong("missing", purge.audit_id, "fewer records are gone than the purge of this record tells of");
        if (purge.keep_months < months_at(purge))
            return wrong("missing", purge.audit_id,
                         "records are gone that had to be kept longer, as the audit tells, than the purge of this "
                         "record says");
        if (!purge.position)
            continue;
        const auto seal = std::upper_bound(heads.begin(), heads.end(), *purge.position,
                                           [](std::uint64_t at, const SizeAt &head) { return at < head.size; });
        if (seal != heads.end() && purge.recorded_at > seal->sealed_at + clock_tolerance)
            return wrong("missing", purge.audit_id, "records are gone by a purge that is dated after its seal");
    }
    return std::nullopt;
}

std::optional<LogProblem> LogPurges::check_waiting() const {
    for (const auto &[id, purge] : purges_)
        if (!purge.position)
            return wrong("unsealed", purge.audit_id,
                         "records are gone, and the purge of this record is not sealed yet");
    return std::nullopt;
}

} // namespace pg_clinic::pg
