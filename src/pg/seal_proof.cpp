// Proofs about the sealed log of a tenant: where a record stands, its audit path, that an earlier log became a later one.
#include "pg/errors.hpp"
#include "pg/seal_crypto.hpp"
#include "pg/seal_log.hpp"

namespace pg_clinic::pg {

namespace {

constinit KeptPlan last_size_plan{"SELECT max(h.tree_size) FROM clinic_data.audit_heads AS h WHERE h.tenant_id = $1"};

std::vector<Bytes> as_bytes(const std::vector<core::Digest> &digests) {
    std::vector<Bytes> out;
    for (const core::Digest &digest : digests)
        out.push_back({bytes_of(digest)});
    return out;
}

std::uint64_t size_of(const Args &args, int i, const char *name) {
    const auto value = args.required<std::int64_t>(i, name);
    if (value < 0)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, std::string(name) + " must not be negative", {}, {}, name);
    return static_cast<std::uint64_t>(value);
}

// A tree larger than the log has no proofs, and nothing is damaged.
void require_sealed(Spi &spi, const Uuid &tenant, std::uint64_t size, const char *name) {
    const Rows rows = spi.query_with(last_size_plan, {.view = View::active}, tenant);
    if (size > static_cast<std::uint64_t>(rows[0].optional<std::int64_t>(0).value_or(0)))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, std::string(name) + " must not exceed the size of the log", {}, {}, name);
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;
namespace core = pg_clinic::core;

// clinic_private.sealed_position(tenant_id uuid, transaction_id xid8, audit_id uuid)
CLINIC_FUNCTION(clinic_sealed_position) {
    const Args args(fcinfo);
    const Uuid tenant = args.required<Uuid>(0, "tenant_id");
    const SealOrder record{args.required<Xid8>(1, "transaction_id"), args.required<Uuid>(2, "audit_id")};
    Spi spi;
    const auto position = SealedPositions(spi, View::active, tenant, last_run(spi, View::active, tenant)).find(record);
    return returning(fcinfo, position ? std::optional(static_cast<std::int64_t>(*position)) : std::nullopt);
}

// clinic_private.inclusion_path(tenant_id uuid, audit_position bigint, tree_size bigint)
CLINIC_FUNCTION(clinic_inclusion_path) {
    const Args args(fcinfo);
    const Uuid tenant = args.required<Uuid>(0, "tenant_id");
    const std::uint64_t position = size_of(args, 1, "audit_position"), size = size_of(args, 2, "tree_size");
    std::vector<core::Digest> path;
    {
        Spi spi;
        require_sealed(spi, tenant, size, "tree_size");
        crypto::Sha256 hash;
        LogNodes nodes(spi, View::active, tenant, hash);
        path = reading("audit_position", [&] { return core::inclusion_proof(position, size, nodes, hash); });
    }
    return returning(fcinfo, as_bytes(path));
}

// clinic_private.consistency_path(tenant_id uuid, from_size bigint, to_size bigint)
CLINIC_FUNCTION(clinic_consistency_path) {
    const Args args(fcinfo);
    const Uuid tenant = args.required<Uuid>(0, "tenant_id");
    const std::uint64_t from = size_of(args, 1, "from_size"), to = size_of(args, 2, "to_size");
    std::vector<core::Digest> path;
    {
        Spi spi;
        require_sealed(spi, tenant, to, "to_size");
        crypto::Sha256 hash;
        LogNodes nodes(spi, View::active, tenant, hash);
        path = reading("from_size", [&] { return core::consistency_proof(from, to, nodes, hash); });
    }
    return returning(fcinfo, as_bytes(path));
}

// clinic_private.head_text(tenant_id uuid, tree_size bigint, root_hash bytea, sealed_at timestamptz)
CLINIC_FUNCTION(clinic_head_text) {
    const Args args(fcinfo);
    return returning(fcinfo, head_text({args.required<Uuid>(0, "tenant_id"), size_of(args, 1, "tree_size"),
                                        digest_of(args.required<BytesView>(2, "root_hash").bytes),
                                        finite(args.required<core::Instant>(3, "sealed_at"), "sealed_at")}));
}

// clinic_private.seal_verifies(public_key bytea, head text, signature bytea)
CLINIC_FUNCTION(clinic_seal_verifies) {
    const Args args(fcinfo);
    return BoolGetDatum(crypto::seal_verifies(args.required<BytesView>(0, "public_key").bytes,
                                              args.required<std::string_view>(1, "head"),
                                              args.required<BytesView>(2, "signature").bytes));
}
