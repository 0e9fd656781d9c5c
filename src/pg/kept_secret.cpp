// The engine's own secrets: see kept_secret.hpp.
//
// A sealed one is "sealed <id of the master key>:<nonce, ciphertext and tag in base64url>". No secret begins so: private keys
// are PEM, shared ones base64url, those of webhooks begin with "whsec_", and addresses and numbers have no space.
#include "pg/kept_secret.hpp"

#include "core/base64url.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/errors.hpp"
#include "pg/master_keys.hpp"

namespace pg_clinic::pg {

namespace {

constexpr std::string_view prefix = "sealed ";

std::string binding(std::string_view place, std::string_view master) {
    return "pg_clinic secret " + std::string(master) + " " + std::string(place);
}

} // namespace

std::string keep_secret(std::string_view secret, std::string_view place) {
    if (!is_master_key_configured()) {
        if (secret.starts_with(prefix))
            fail(ERRCODE_INVALID_PARAMETER_VALUE, "a secret cannot begin as a sealed one does");
        return std::string(secret);
    }
    const MasterKey &master = current_master_key();
    return std::string(prefix) + master.id + ":" +
           core::to_base64url(crypto::sealed_text(master.key, binding(place, master.id), secret));
}

std::optional<std::string> opened_kept_secret(std::string_view kept, std::string_view place) {
    if (!kept.starts_with(prefix))
        return std::string(kept);
    const std::size_t colon = kept.rfind(':');
    if (colon == std::string_view::npos || colon < prefix.size())
        return std::nullopt;
    const std::string_view id = kept.substr(prefix.size(), colon - prefix.size());
    const auto sealed = core::from_base64url(kept.substr(colon + 1));
    return sealed ? crypto::opened_text(master_key_named(id).key, binding(place, id), *sealed) : std::nullopt;
}

std::string open_kept_secret(std::string_view kept, std::string_view place) {
    auto secret = opened_kept_secret(kept, place);
    if (!secret)
        raise(Code::decryption_failed);
    return std::move(*secret);
}

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;

// clinic_private.keep_secret(secret, place)
CLINIC_FUNCTION(clinic_keep_secret) {
    const Args args(fcinfo);
    return text_datum(keep_secret(args.get<std::string_view>(0), args.get<std::string_view>(1)));
}

// clinic_private.open_kept_secret(kept, place)
CLINIC_FUNCTION(clinic_open_kept_secret) {
    const Args args(fcinfo);
    return text_datum(open_kept_secret(args.get<std::string_view>(0), args.get<std::string_view>(1)));
}

// clinic_private.opened_kept_secret(kept, place)
CLINIC_FUNCTION(clinic_opened_kept_secret) {
    const Args args(fcinfo);
    const auto secret = opened_kept_secret(args.get<std::string_view>(0), args.get<std::string_view>(1));
    return secret ? text_datum(*secret) : returning_null(fcinfo);
}
