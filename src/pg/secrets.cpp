// Random bytes and codes, comparing hashes of secrets, signing with them. In memory bytea and text have the same form.
#include "pg/crypto.hpp"
#include "pg/datum.hpp"
#include "pg/password.hpp"

namespace pg_clinic::pg {

namespace {

void fill_randomly(void *bytes, std::size_t count) {
    if (!pg_strong_random(bytes, count))
        fail(ERRCODE_INTERNAL_ERROR, "the server's source of random bytes gives none");
}

// A number below the bound, each equally likely: what would favour the small ones is drawn again.
std::uint32_t random_below(std::uint32_t bound) {
    const std::uint32_t usable = std::numeric_limits<std::uint32_t>::max() / bound * bound;
    std::uint32_t number = 0;
    do
        fill_randomly(&number, sizeof number);
    while (number >= usable);
    return number % bound;
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;

// clinic_private.random_bytes(integer)
CLINIC_FUNCTION(clinic_random_bytes) {
    const auto count = Args(fcinfo).get<std::int32_t>(0);
    if (count < 1 || count > 1024)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "count must be between 1 and 1024");
    std::string bytes(static_cast<std::size_t>(count), '\0');
    fill_randomly(bytes.data(), bytes.size());
    return text_datum(bytes);
}

// clinic_private.random_code()
CLINIC_FUNCTION(clinic_random_code) {
    const std::string digits = std::to_string(1'000'000 + random_below(1'000'000));
    return text_datum(std::string_view(digits).substr(1));
}

// clinic_private.same_secret(bytea, bytea)
CLINIC_FUNCTION(clinic_same_secret) {
    const Args args(fcinfo);
    return BoolGetDatum(same_secret(args.get<std::string_view>(0), args.get<std::string_view>(1)));
}

// clinic_private.hmac_sha256(text, text)
CLINIC_FUNCTION(clinic_hmac_sha256) {
    const Args args(fcinfo);
    return text_datum(crypto::hmac_sha256(args.get<std::string_view>(0), args.get<std::string_view>(1)));
}
