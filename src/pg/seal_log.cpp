// The sealed log of a tenant: see seal_log.hpp.
#include "pg/seal_log.hpp"

extern "C" {
#include "common/base64.h"
}

namespace pg_clinic::pg {

namespace {

constexpr std::uint64_t block_leaves = std::uint64_t{1} << least_stored_level;

// The row before the first wanted position may reach into it.
constinit KeptPlan leaves_plan{"SELECT l.first_position, l.leaf_hashes FROM clinic_data.audit_leaves AS l WHERE "
                               "l.tenant_id = $1 AND l.first_position < $3"
                               " AND l.first_position >= coalesce((SELECT max(b.first_position) FROM "
                               "clinic_data.audit_leaves AS b WHERE b.tenant_id = $1"
                               " AND b.first_position <= $2), 0) ORDER BY l.first_position"};
constinit KeptPlan node_plan{
    "SELECT n.hash FROM clinic_data.audit_nodes AS n WHERE n.tenant_id = $1 AND n.level = $2 AND n.node_no = $3"};
constinit KeptPlan at_or_before_plan{
    "SELECT l.first_transaction_id, l.first_audit_id, l.first_position, l.audit_ids FROM clinic_data.audit_leaves AS l"
    " WHERE l.tenant_id = $1 AND l.run_no = $2 AND (l.first_transaction_id, l.first_audit_id) <= ($3, $4)"
    " ORDER BY l.first_transaction_id DESC, l.first_audit_id DESC LIMIT 1"};
constinit KeptPlan after_plan{
    "SELECT l.first_transaction_id, l.first_audit_id FROM clinic_data.audit_leaves AS l"
    " WHERE l.tenant_id = $1 AND l.run_no = $2 AND (l.first_transaction_id, l.first_audit_id) > ($3, $4)"
    " ORDER BY l.first_transaction_id, l.first_audit_id LIMIT 1"};
constinit KeptPlan last_run_plan{"SELECT max(l.run_no) FROM clinic_data.audit_leaves AS l WHERE l.tenant_id = $1"};

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::string to_base64(std::string_view bytes) {
    std::string out(static_cast<std::size_t>(pg_b64_enc_len(static_cast<int>(bytes.size()))), '\0');
#if PG_VERSION_NUM >= 180000
    const auto *in = reinterpret_cast<const uint8 *>(bytes.data());
#else
    const char *in = bytes.data();
#endif
    const int length = pg_b64_encode(in, static_cast<int>(bytes.size()), out.data(), static_cast<int>(out.size()));
    out.resize(static_cast<std::size_t>(std::max(length, 0)));
    return out;
}

// An instant in UTC with microseconds.
std::string utc_text(core::Instant at) {
    std::array<char, 64> text{};
    char *out = text.data();
    const bool good = pg_call([at, out] {
        struct pg_tm tm;
        fsec_t fraction = 0;
        if (timestamp2tm(at.micros, nullptr, &tm, &fraction, nullptr, nullptr) != 0)
            return false;
        pg_snprintf(out, 64, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour,
                    tm.tm_min, tm.tm_sec, static_cast<int>(fraction));
        return true;
    });
    if (!good)
        refuse_argument(Code::datetime_overflow, "sealed_at");
    return text.data();
}

} // namespace

core::Digest digest_of(std::string_view bytes) {
    core::Digest out{};
    if (bytes.size() == out.size())
        std::memcpy(out.data(), bytes.data(), out.size());
    return out;
}

std::string bytes_of(const core::Digest &digest) {
    return std::string(reinterpret_cast<const char *>(digest.data()), digest.size());
}

void log_is_corrupt(const Uuid &tenant, const std::string &what) {
    fail(ERRCODE_DATA_CORRUPTED, "the sealed log of tenant \"" + to_text(tenant) + "\" is damaged: " + what, {},
         "clinic.verify_audit() names the first bad position; keep the database as it is.");
}

std::vector<core::Digest> sealed_leaves(Spi &spi, View view, const Uuid &tenant, std::uint64_t begin,
                                        std::uint64_t end) {
    std::vector<core::Digest> out;
    std::uint64_t wanted = begin;
    const Rows rows = spi.query_with(leaves_plan, {.view = view}, tenant, number(begin), number(end));
    for (const Row row : rows) {
        const auto first = static_cast<std::uint64_t>(row.get<std::int64_t>(0));
        const std::string_view hashes = row.get<BytesView>(1).bytes;
        if (first > wanted)
            break;
        for (std::uint64_t i = wanted - first; i < hashes.size() / digest_bytes && wanted < end; ++i, ++wanted)
            out.push_back(digest_of(hashes.substr(i * digest_bytes, digest_bytes)));
    }
    return out;
}

core::Digest LogNodes::node(unsigned level, std::uint64_t index) {
    if (level >= least_stored_level) {
        const Rows rows =
            spi_.query_with(node_plan, {.view = view_}, tenant_, static_cast<std::int32_t>(level), number(index));
        if (rows.empty())
            log_is_corrupt(tenant_,
                           "node " + std::to_string(index) + " of level " + std::to_string(level) + " is missing");
        return digest_of(rows[0].get<BytesView>(0).bytes);
    }
    const std::uint64_t first = index << level, count = std::uint64_t{1} << level, block = first / block_leaves;
    if (block_ != block) {
        leaves_ = sealed_leaves(spi_, view_, tenant_, block * block_leaves, (block + 1) * block_leaves);
        block_ = block;
    }
    const std::uint64_t within = first % block_leaves;
    if (within + count > leaves_.size())
        log_is_corrupt(tenant_,
                       "the leaf at position " + std::to_string(block * block_leaves + leaves_.size()) + " is missing");
    std::vector<core::Digest> digests(leaves_.begin() + static_cast<std::ptrdiff_t>(within),
                                      leaves_.begin() + static_cast<std::ptrdiff_t>(within + count));
    for (std::size_t size = count; size > 1; size /= 2)
        for (std::size_t i = 0; i < size / 2; ++i)
            digests[i] = hash_.node(digests[2 * i], digests[2 * i + 1]);
    return digests[0];
}

SealedPositions::SealedPositions(Spi &spi, View view, const Uuid &tenant, std::int32_t last_run)
    : spi_(spi), view_(view), tenant_(tenant), runs_(static_cast<std::size_t>(std::max(last_run, 0))) {}

void SealedPositions::load(Stretch &stretch, std::int32_t run, const SealOrder &record) {
    stretch = Stretch{.known = true};
    {
        const Rows rows =
            spi_.query_with(at_or_before_plan, {.view = view_}, tenant_, run, record.transaction_id, record.audit_id);
        if (!rows.empty()) {
            stretch.first = SealOrder{rows[0].get<Xid8>(0), rows[0].get<Uuid>(1)};
            stretch.first_position = static_cast<std::uint64_t>(rows[0].get<std::int64_t>(2));
            stretch.audit_ids = rows[0].get<Bytes>(3).bytes;
        }
    }
    const Rows rows =
        spi_.query_with(after_plan, {.view = view_}, tenant_, run, record.transaction_id, record.audit_id);
    if (!rows.empty())
        stretch.next = SealOrder{rows[0].get<Xid8>(0), rows[0].get<Uuid>(1)};
}

std::optional<std::uint64_t> SealedPositions::find(const SealOrder &record) {
    for (std::size_t i = runs_.size(); i-- > 0;) {
        Stretch &s = runs_[i];
        if (!s.known || (s.first && record < *s.first) || (s.next && record >= *s.next))
            load(s, static_cast<std::int32_t>(i + 1), record);
        for (std::size_t at = 0; at + id_bytes <= s.audit_ids.size(); at += id_bytes)
            if (std::memcmp(s.audit_ids.data() + at, record.audit_id.bytes.data(), id_bytes) == 0)
                return s.first_position + at / id_bytes;
    }
    return std::nullopt;
}

std::int32_t last_run(Spi &spi, View view, const Uuid &tenant) {
    const Rows rows = spi.query_with(last_run_plan, {.view = view}, tenant);
    return rows[0].optional<std::int32_t>(0).value_or(0);
}

std::string head_text(const SealHead &head) {
    return "pg_clinic/audit/" + to_text(head.tenant_id) + "\n" + std::to_string(head.tree_size) + "\n" +
           to_base64(bytes_of(head.root_hash)) + "\nsealed_at " + utc_text(head.sealed_at) + "\n";
}

} // namespace pg_clinic::pg
