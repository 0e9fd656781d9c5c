// Encrypted fields as SQL has them: encrypting, decrypting, blind indexes.
#include "core/encrypted_field.hpp"
#include "pg/datum.hpp"
#include "pg/field_keys.hpp"
#include "pg/key_cache.hpp"

namespace pg_clinic::pg {

namespace {

// A new value of type bytea or text of that size.
struct Varlena {
    explicit Varlena(std::size_t size) : value(static_cast<varlena *>(allocate(VARHDRSZ + size))) {
        SET_VARSIZE(value, VARHDRSZ + size);
    }
    unsigned char *bytes() const { return reinterpret_cast<unsigned char *>(VARDATA(value)); }

    varlena *value;
};

// The first five arguments.
core::FieldPlace place_of(const Args &args) {
    return {args.required<Uuid>(0, "tenant_id"), args.optional<Uuid>(1).value_or(Uuid{}),
            args.required<std::string_view>(2, "table_name"), args.required<std::string_view>(3, "column_name"),
            args.required<std::string_view>(4, "row_id")};
}

Datum encrypt(core::KeyScope scope, const core::FieldPlace &place, const FieldKey &key, std::string_view text) {
    const Varlena out(core::least_field_bytes + text.size());
    core::encrypted_field_header(scope, key.key_no).copy(VARDATA(out.value), core::field_header_bytes);
    crypto::seal(key.key, core::FieldAssociatedData(scope, key.key_no, place).bytes(), text,
                 out.bytes() + core::field_header_bytes);
    return PointerGetDatum(out.value);
}

// The text; nothing for anything that is not what was encrypted for this place.
std::optional<Datum> decrypt(bool of_patient, const core::FieldPlace &place, std::string_view bytes) {
    const auto field = core::read_encrypted_field(bytes);
    if (!field || (field->scope == core::KeyScope::patient) != of_patient)
        return std::nullopt;
    const auto key = of_patient ? patient_key(place.tenant, place.patient, field->key_no)
                                : tenant_key(place.tenant, field_kind, field->key_no);
    if (!key)
        return std::nullopt;
    const Varlena out(field->ciphertext.size());
    if (!crypto::open(*key, field->nonce, core::FieldAssociatedData(field->scope, field->key_no, place).bytes(),
                      field->ciphertext, field->tag, out.bytes()))
        return std::nullopt;
    return PointerGetDatum(out.value);
}

// The key of one blind index, derived once for each backend.
crypto::AeadKey index_key(const Uuid &tenant, const FieldKey &base, std::string_view name) {
    const std::string_view base_bytes(reinterpret_cast<const char *>(base.key.bytes), crypto::aead_key_bytes);
    const std::string kept = "pg_clinic blind index " + std::to_string(base.key.serial) + " " + std::string(name);
    if (const auto known = key_cache::find(kept))
        return *known;
    unsigned char *place = key_cache::place();
    const std::string salt(reinterpret_cast<const char *>(tenant.bytes.data()), tenant.bytes.size());
    crypto::hkdf_sha256(base_bytes, salt, "pg_clinic blind index " + std::string(name), place);
    return key_cache::keep(kept, place);
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.encrypt_field(tenant_id, patient_id, table_name, column_name, row_id, plaintext)
CLINIC_FUNCTION(clinic_encrypt_field) {
    const Args args(fcinfo);
    const core::FieldPlace place = place_of(args);
    if (args.is_null(5))
        return returning_null(fcinfo);
    const auto plain = args.get<std::string_view>(5);
    if (args.is_null(1))
        return encrypt(core::KeyScope::tenant, place, tenant_key_for_writing(place.tenant, field_kind), plain);
    return encrypt(core::KeyScope::patient, place, patient_key_for_writing(place.tenant, place.patient), plain);
}

// clinic_private.decrypt_field(tenant_id, patient_id, table_name, column_name, row_id, ciphertext)
CLINIC_FUNCTION(clinic_decrypt_field) {
    const Args args(fcinfo);
    const core::FieldPlace place = place_of(args);
    if (args.is_null(5))
        return returning_null(fcinfo);
    const auto plain = decrypt(!args.is_null(1), place, args.get<std::string_view>(5));
    if (!plain)
        raise(Code::decryption_failed);
    return *plain;
}

// clinic_private.decrypted_field(tenant_id, patient_id, table_name, column_name, row_id, ciphertext)
CLINIC_FUNCTION(clinic_decrypted_field) {
    const Args args(fcinfo);
    const core::FieldPlace place = place_of(args);
    const auto plain = args.is_null(5) ? std::nullopt : decrypt(!args.is_null(1), place, args.get<std::string_view>(5));
    return plain ? *plain : returning_null(fcinfo);
}

// clinic_private.blind_index(tenant_id, index_name, normalised)
CLINIC_FUNCTION(clinic_blind_index) {
    const Args args(fcinfo);
    const auto tenant = args.required<Uuid>(0, "tenant_id");
    const auto name = args.required<std::string_view>(1, "index_name");
    if (args.is_null(2))
        return returning_null(fcinfo);
    auto base = current_tenant_key(tenant, index_kind);
    if (!base) {
        // What was never indexed is not found.
        if (pg_call([] { return XactReadOnly || RecoveryInProgress(); }))
            return returning_null(fcinfo);
        base = tenant_key_for_writing(tenant, index_kind);
    }
    const crypto::AeadKey key = index_key(tenant, *base, name);
    unsigned char hash[32];
    crypto::hmac_sha256_into(std::string_view(reinterpret_cast<const char *>(key.bytes), crypto::aead_key_bytes),
                             args.get<std::string_view>(2), hash);
    return text_datum(std::string_view(reinterpret_cast<const char *>(hash), 8));
}

// clinic.is_encrypted(bytea)
CLINIC_FUNCTION(clinic_is_encrypted) {
    return BoolGetDatum(core::read_encrypted_field(Args(fcinfo).get<std::string_view>(0)).has_value());
}
