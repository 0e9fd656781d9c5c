// The keys of encrypted fields: see field_keys.hpp.
#include "pg/field_keys.hpp"

#include "pg/clock.hpp"
#include "pg/errors.hpp"
#include "pg/key_cache.hpp"
#include "pg/master_keys.hpp"
#include "pg/patients.hpp"
#include "pg/scan.hpp"
#include "pg/table_writer.hpp"

namespace pg_clinic::pg {

namespace {

constexpr std::size_t wrapped_bytes = crypto::aead_nonce_bytes + crypto::aead_key_bytes + crypto::aead_tag_bytes;

// A scan that sees what is committed by now can miss a row that somebody changes while it looks: it comes to the new version
// too early and to the old one too late. Looking again finds it.
constexpr int looks = 3;

// How often a writer begins anew because somebody changed the key in between.
constexpr int attempts = 100;

[[noreturn]] void too_much_change() {
    raise(Code::busy, "the keys of encrypted data are being changed at this moment");
}

// ---------------------------------------------------------------------------------------------------------------------
// Wrapping

std::string text_of_bytes(const Uuid &id) {
    return std::string(reinterpret_cast<const char *>(id.bytes.data()), id.bytes.size());
}

// What a wrapped key is bound to.
std::string tenant_binding(const Uuid &tenant, std::string_view kind, std::int32_t key_no, std::string_view master) {
    return "pg_clinic tenant key " + text_of_bytes(tenant) + std::string(kind) + " " + std::to_string(key_no) + " " +
           std::string(master);
}

std::string patient_binding(const Uuid &tenant, const Uuid &patient, std::int32_t key_no, std::int32_t wrapping) {
    return "pg_clinic patient key " + text_of_bytes(tenant) + text_of_bytes(patient) + std::to_string(key_no) + " " +
           std::to_string(wrapping);
}

std::string wrap(crypto::AeadKey wrapping, const std::string &binding, const unsigned char *key) {
    std::string out(wrapped_bytes, '\0');
    crypto::seal(wrapping, binding, std::string_view(reinterpret_cast<const char *>(key), crypto::aead_key_bytes),
                 reinterpret_cast<unsigned char *>(out.data()));
    return out;
}

std::optional<crypto::AeadKey> kept(const std::string &binding, std::string_view wrapped) {
    return key_cache::find(binding + std::string(wrapped));
}

std::optional<crypto::AeadKey> unwrap(crypto::AeadKey wrapping, const std::string &binding, std::string_view wrapped) {
    if (auto known = kept(binding, wrapped))
        return known;
    if (wrapped.size() != wrapped_bytes)
        return std::nullopt;
    unsigned char *place = key_cache::place();
    if (!crypto::open(wrapping, wrapped.substr(0, crypto::aead_nonce_bytes), binding,
                      wrapped.substr(crypto::aead_nonce_bytes, crypto::aead_key_bytes),
                      wrapped.substr(crypto::aead_nonce_bytes + crypto::aead_key_bytes), place)) {
        key_cache::drop(place);
        return std::nullopt;
    }
    return key_cache::keep(binding + std::string(wrapped), place);
}

// A new random key, wiped with this object.
class NewKey {
  public:
    NewKey() : bytes_(key_cache::place()) { crypto::random_fill(bytes_, crypto::aead_key_bytes); }
    ~NewKey() { key_cache::drop(bytes_); }
    NewKey(const NewKey &) = delete;
    NewKey &operator=(const NewKey &) = delete;
    const unsigned char *bytes() const noexcept { return bytes_; }

  private:
    unsigned char *bytes_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Rows

struct TenantKeyRow {
    std::int32_t key_no;
    std::string status;
    std::string master_key_id;
    std::string wrapped;
    ItemPointerData place;
};

std::vector<TenantKeyRow> read_tenant_keys(const Uuid &tenant, const char *kind, std::optional<std::int32_t> key_no) {
    std::vector<TenantKeyRow> found;
    IndexScan scan("encryption_keys", "encryption_keys_pkey");
    const auto number = scan.column<std::int32_t>("key_no");
    const auto status = scan.column<std::string>("status");
    const auto master = scan.column<std::string>("master_key_id");
    const auto wrapped = scan.column<Bytes>("wrapped");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("kind", BTEqualStrategyNumber, std::string(kind));
    if (key_no)
        scan.where("key_no", BTEqualStrategyNumber, *key_no);
    scan.start(Sight::truth);
    while (scan.next())
        found.push_back({scan.get(number), scan.get(status), scan.get(master), scan.get(wrapped).bytes, scan.place()});
    return found;
}

std::optional<TenantKeyRow> current_row(const Uuid &tenant, const char *kind) {
    for (int look = 0; look < looks; ++look) {
        std::optional<TenantKeyRow> newest;
        for (TenantKeyRow &row : read_tenant_keys(tenant, kind, std::nullopt))
            if (row.status == "current" && (!newest || newest->key_no < row.key_no))
                newest = std::move(row);
        if (newest)
            return newest;
    }
    return std::nullopt;
}

struct PatientKeyRow {
    std::int32_t key_no;
    std::int32_t wrapping_key_no;
    std::string wrapped;
    ItemPointerData place;
};

// The newest key of a patient, or the one of that number.
std::optional<PatientKeyRow> patient_row(const Uuid &tenant, const Uuid &patient, std::optional<std::int32_t> key_no) {
    std::optional<PatientKeyRow> newest;
    IndexScan scan("patient_keys", "patient_keys_pkey");
    const auto number = scan.column<std::int32_t>("key_no");
    const auto wrapping = scan.column<std::int32_t>("wrapping_key_no");
    const auto wrapped = scan.column<Bytes>("wrapped");
    for (int look = 0; look < looks && !newest; ++look) {
        scan.where("tenant_id", BTEqualStrategyNumber, tenant);
        scan.where("patient_id", BTEqualStrategyNumber, patient);
        if (key_no)
            scan.where("key_no", BTEqualStrategyNumber, *key_no);
        scan.start(Sight::truth);
        while (scan.next())
            if (!newest || newest->key_no <= scan.get(number))
                newest = {scan.get(number), scan.get(wrapping), scan.get(wrapped).bytes, scan.place()};
    }
    return newest;
}

bool has_tombstone(const Uuid &tenant, const Uuid &patient) {
    IndexScan scan("shredded_patients", "shredded_patients_pkey");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("patient_id", BTEqualStrategyNumber, patient);
    scan.start(Sight::truth);
    return scan.next();
}

// ---------------------------------------------------------------------------------------------------------------------
// Locks

// Our own lock space beside SQL's advisory locks: the fourth field of the tag.
LOCKTAG key_tag(const Uuid &tenant, std::string_view what, std::int32_t number) {
    const std::string name = std::string(what) + std::to_string(number);
    const std::uint64_t key =
        hash_bytes_extended(reinterpret_cast<const unsigned char *>(name.data()), static_cast<int>(name.size()), 0) ^
        std::hash<Uuid>{}(tenant);
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, static_cast<uint32>(key >> 32), static_cast<uint32>(key), 5);
    return tag;
}

// Whether it was free of us before.
bool take_lock(const LOCKTAG &tag, LOCKMODE mode) {
    const LOCKTAG *wanted = &tag;
    return pg_call([wanted, mode] { return LockAcquire(wanted, mode, false, false) == LOCKACQUIRE_OK; });
}

// ---------------------------------------------------------------------------------------------------------------------
// Keys that this command has found

struct Moment {
    TimestampTz statement;
    LocalTransactionId transaction;
    SubTransactionId subtransaction; // its end gives up the locks of who encrypts
    CommandId command;
    std::uint64_t keys; // unwrapped keys lie where they did

    bool operator==(const Moment &) const = default;
};

Moment this_moment() {
#if PG_VERSION_NUM >= 170000
    const LocalTransactionId transaction = MyProc->vxid.lxid;
#else
    const LocalTransactionId transaction = MyProc->lxid;
#endif
    return {GetCurrentStatementStartTimestamp(), transaction, GetCurrentSubTransactionId(), GetCurrentCommandId(false),
            key_cache::generation()};
}

enum class Use : std::uint8_t {
    nothing,
    write_field,
    write_index,
    write_patient,
    read_field,
    read_index,
    read_patient
};

// What a key is looked for by; number: 0 is the current one.
struct Wanted {
    Use use;
    Uuid tenant;
    Uuid patient;
    std::int32_t key_no;

    bool operator==(const Wanted &) const = default;
};

struct Recent {
    Wanted wanted{};
    Moment moment{};
    FieldKey found{};
};
constinit std::array<Recent, 64> recents{};

Recent &recent_of(const Wanted &wanted) {
    const std::size_t hash = std::hash<Uuid>{}(wanted.patient) ^ (std::hash<Uuid>{}(wanted.tenant) * 31) ^
                             (static_cast<std::size_t>(wanted.use) * 7) ^ static_cast<std::size_t>(wanted.key_no);
    return recents[(hash ^ (hash >> 17)) % recents.size()];
}

std::optional<FieldKey> recall(const Wanted &wanted) {
    const Recent &recent = recent_of(wanted);
    if (recent.wanted == wanted && recent.moment == this_moment())
        return recent.found;
    return std::nullopt;
}

FieldKey remember(const Wanted &wanted, const FieldKey &found) {
    recent_of(wanted) = {wanted, this_moment(), found};
    return found;
}

bool is_field(const char *kind) { return std::string_view(kind) == field_kind; }

// ---------------------------------------------------------------------------------------------------------------------
// Using and making keys

std::optional<crypto::AeadKey> unwrapped(const Uuid &tenant, std::string_view kind, const TenantKeyRow &row) {
    if (row.status == "destroyed")
        return std::nullopt;
    const std::string binding = tenant_binding(tenant, kind, row.key_no, row.master_key_id);
    if (auto known = kept(binding, row.wrapped))
        return known;
    return unwrap(master_key_named(row.master_key_id).key, binding, row.wrapped);
}

std::int32_t insert_tenant_key(const Uuid &tenant, const char *kind) {
    std::int32_t key_no = 1;
    for (const TenantKeyRow &row : read_tenant_keys(tenant, kind, std::nullopt))
        key_no = std::max(key_no, row.key_no + 1);
    require_writable();
    const MasterKey &master = current_master_key();
    const NewKey fresh;
    const Bytes wrapped{wrap(master.key, tenant_binding(tenant, kind, key_no, master.id), fresh.bytes())};
    TableWriter writer("encryption_keys");
    writer.insert({column_value("tenant_id", tenant), column_value("kind", std::string(kind)),
                   column_value("key_no", key_no), column_value("status", std::string("current")),
                   column_value("master_key_id", master.id), column_value("wrapped", wrapped),
                   column_value("created_at", now())});
    writer.finish();
    return key_no;
}

// Makes the first key of a tenant, unless somebody else has meanwhile.
void ensure_tenant_key(const Uuid &tenant, const char *kind) {
    require_writable();
    (void)take_lock(key_tag(tenant, kind, 0), ExclusiveLock);
    if (!current_row(tenant, kind))
        (void)insert_tenant_key(tenant, kind);
}

void insert_patient_key(const Uuid &tenant, const Uuid &patient) {
    const FieldKey wrapping = tenant_key_for_writing(tenant, field_kind);
    constexpr std::int32_t key_no = 1;
    const NewKey fresh;
    const Bytes wrapped{wrap(wrapping.key, patient_binding(tenant, patient, key_no, wrapping.key_no), fresh.bytes())};
    TableWriter writer("patient_keys", {"patients"});
    writer.insert({column_value("tenant_id", tenant), column_value("patient_id", patient),
                   column_value("key_no", key_no), column_value("wrapping_key_no", wrapping.key_no),
                   column_value("wrapped", wrapped), column_value("created_at", now())});
    writer.finish();
}

// Makes a patient's key, unless somebody else has meanwhile. One at a time for each patient, and none after shredding: both
// lock the patient's row. False: somebody changed the row, try again.
bool ensure_patient_key(const Uuid &tenant, const Uuid &patient) {
    require_writable();
    switch (lock_patient(tenant, patient, LockTupleNoKeyExclusive)) {
    case PatientLock::nowhere:
        raise(Code::not_found, "patient \"" + to_text(patient) + "\" does not exist",
              Detail().add("object", "patient").add("patient_id", patient));
    case PatientLock::changed:
        return false;
    case PatientLock::outdated:
    case PatientLock::locked:
        break;
    }
    if (has_tombstone(tenant, patient))
        raise(Code::shredded, {}, Detail().add("patient_id", patient));
    if (!patient_row(tenant, patient, std::nullopt))
        insert_patient_key(tenant, patient);
    return true;
}

std::optional<crypto::AeadKey> unwrapped(const Uuid &tenant, const Uuid &patient, const PatientKeyRow &row) {
    const auto wrapping = tenant_key(tenant, field_kind, row.wrapping_key_no);
    if (!wrapping)
        return std::nullopt;
    return unwrap(*wrapping, patient_binding(tenant, patient, row.key_no, row.wrapping_key_no), row.wrapped);
}

[[noreturn]] void cannot_be_unwrapped(const std::string &what) {
    raise(Code::key_unavailable, what + " cannot be unwrapped by the keys there are", {},
          "A master key of the same id but other bytes is in use, or rows of keys come from another database.");
}

} // namespace

FieldKey tenant_key_for_writing(const Uuid &tenant, const char *kind) {
    const Wanted wanted{is_field(kind) ? Use::write_field : Use::write_index, tenant, {}, 0};
    if (const auto known = recall(wanted))
        return *known;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        auto row = current_row(tenant, kind);
        if (!row) {
            ensure_tenant_key(tenant, kind);
            continue;
        }
        // Who has the lock newly looks again: between looking and locking the key may have been retired and destroyed.
        if (take_lock(key_tag(tenant, kind, row->key_no), ShareLock)) {
            const auto again = current_row(tenant, kind);
            if (!again || again->key_no != row->key_no)
                continue;
            row = again;
        }
        const auto key = unwrapped(tenant, kind, *row);
        if (!key)
            cannot_be_unwrapped("a key of the tenant");
        return remember(wanted, {row->key_no, *key});
    }
    too_much_change();
}

FieldKey patient_key_for_writing(const Uuid &tenant, const Uuid &patient) {
    const Wanted wanted{Use::write_patient, tenant, patient, 0};
    if (const auto known = recall(wanted))
        return *known;
    require_writable();
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const auto row = patient_row(tenant, patient, std::nullopt);
        if (!row) {
            (void)ensure_patient_key(tenant, patient);
            continue;
        }
        if (!hold_row("patient_keys", row->place))
            continue;
        const auto key = unwrapped(tenant, patient, *row);
        if (!key)
            cannot_be_unwrapped("the patient's key");
        return remember(wanted, {row->key_no, *key});
    }
    too_much_change();
}

std::optional<crypto::AeadKey> tenant_key(const Uuid &tenant, const char *kind, std::int32_t key_no) {
    const Wanted wanted{is_field(kind) ? Use::read_field : Use::read_index, tenant, {}, key_no};
    if (const auto known = recall(wanted))
        return known->key;
    for (int look = 0; look < looks; ++look)
        for (const TenantKeyRow &row : read_tenant_keys(tenant, kind, key_no))
            if (auto key = unwrapped(tenant, kind, row))
                return remember(wanted, {key_no, *key}).key;
    return std::nullopt;
}

std::optional<crypto::AeadKey> patient_key(const Uuid &tenant, const Uuid &patient, std::int32_t key_no) {
    const Wanted wanted{Use::read_patient, tenant, patient, key_no};
    if (const auto known = recall(wanted))
        return known->key;
    for (int look = 0; look < looks; ++look)
        if (const auto row = patient_row(tenant, patient, key_no))
            if (auto key = unwrapped(tenant, patient, *row))
                return remember(wanted, {key_no, *key}).key;
    return std::nullopt;
}

std::optional<FieldKey> current_tenant_key(const Uuid &tenant, const char *kind) {
    const Wanted wanted{is_field(kind) ? Use::read_field : Use::read_index, tenant, {}, 0};
    if (const auto known = recall(wanted))
        return known;
    const auto row = current_row(tenant, kind);
    if (!row)
        return std::nullopt;
    const auto key = unwrapped(tenant, kind, *row);
    if (!key)
        cannot_be_unwrapped("a key of the tenant");
    return remember(wanted, {row->key_no, *key});
}

std::int32_t add_tenant_key(const Uuid &tenant, const char *kind) {
    require_writable();
    (void)take_lock(key_tag(tenant, kind, 0), ExclusiveLock);
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const auto row = current_row(tenant, kind);
        if (!row)
            return insert_tenant_key(tenant, kind);
        TableWriter writer("encryption_keys");
        const bool locked = writer.lock(row->place);
        if (locked)
            writer.update({column_value("status", std::string("previous")), column_value("retired_at", now())});
        writer.finish();
    }
    too_much_change();
}

bool is_wrapped_tenant_key(const Uuid &tenant, std::string_view kind, std::int32_t key_no,
                           std::string_view master_key_id, std::string_view wrapped) {
    return unwrap(master_key_named(master_key_id).key, tenant_binding(tenant, kind, key_no, master_key_id), wrapped)
        .has_value();
}

std::string rewrap_tenant_key(const Uuid &tenant, std::string_view kind, std::int32_t key_no,
                              std::string_view master_key_id, std::string_view wrapped) {
    const auto key =
        unwrap(master_key_named(master_key_id).key, tenant_binding(tenant, kind, key_no, master_key_id), wrapped);
    if (!key)
        cannot_be_unwrapped("a key of the tenant");
    const MasterKey &master = current_master_key();
    return wrap(master.key, tenant_binding(tenant, kind, key_no, master.id), key->bytes);
}

std::string rewrap_patient_key(const Uuid &tenant, const Uuid &patient, std::int32_t key_no,
                               std::int32_t wrapping_key_no, std::string_view wrapped,
                               std::int32_t new_wrapping_key_no) {
    const auto old_wrapping = tenant_key(tenant, field_kind, wrapping_key_no);
    const auto key = old_wrapping
                         ? unwrap(*old_wrapping, patient_binding(tenant, patient, key_no, wrapping_key_no), wrapped)
                         : std::nullopt;
    if (!key)
        cannot_be_unwrapped("the patient's key");
    const auto wrapping = tenant_key(tenant, field_kind, new_wrapping_key_no);
    if (!wrapping)
        cannot_be_unwrapped("a key of the tenant");
    return wrap(*wrapping, patient_binding(tenant, patient, key_no, new_wrapping_key_no), key->bytes);
}

bool try_key_lock(const Uuid &tenant, std::int32_t key_no) {
    const LOCKTAG tag = key_tag(tenant, field_kind, key_no);
    const LOCKTAG *wanted = &tag;
    return pg_call([wanted] { return LockAcquire(wanted, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL; });
}

std::int32_t destroy_patient_keys(const Uuid &tenant, const Uuid &patient, std::int64_t at_micros,
                                  const std::optional<Uuid> &by, const std::string &reason) {
    require_writable();
    for (int attempt = 0; lock_patient(tenant, patient, LockTupleExclusive) == PatientLock::changed; ++attempt)
        if (attempt == attempts)
            too_much_change();
    std::int32_t removed = 0;
    {
        TableWriter writer("patient_keys");
        for (int attempt = 0; attempt < attempts; ++attempt) {
            const auto row = patient_row(tenant, patient, std::nullopt);
            if (!row)
                break;
            // Waits for who has encrypted with it and is still to commit.
            if (!hold_row("patient_keys", row->place, LockTupleExclusive) || !writer.lock(row->place))
                continue;
            writer.remove();
            ++removed;
        }
        writer.finish();
    }
    if (patient_row(tenant, patient, std::nullopt))
        too_much_change();
    if (!has_tombstone(tenant, patient)) {
        TableWriter writer("shredded_patients");
        writer.insert({column_value("tenant_id", tenant), column_value("patient_id", patient),
                       column_value("shredded_at", core::Instant{at_micros}), column_value("shredded_by", by),
                       column_value("reason", reason)});
        writer.finish();
    }
    return removed;
}

} // namespace pg_clinic::pg
