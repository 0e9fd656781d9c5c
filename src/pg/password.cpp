// Passwords: see password.hpp.
#include "pg/password.hpp"

#include "pg/datum.hpp"

extern "C" {
#include "catalog/dependency.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "utils/catcache.h"
#include "utils/syscache.h"
}

namespace pg_clinic::pg {

namespace {

constexpr std::int32_t bcrypt_cost = 12;

// What a password is compared with when there is none to compare with: a salt of that cost, and the hash of nothing.
constexpr const char *nobodys_hash = "$2a$12$eIVtUJx4T2YqVZ1gVwZsOu8vJkLmNpQrStUvWxYzAbCdEfGhIjKlM";

// Common passwords of ten characters and more, in lower case.
constexpr std::string_view common_passwords[] = {
    "0123456789",   "0987654321",    "1234567890",   "12345678910", "123456789a",  "1q2w3e4r5t",   "1q2w3e4r5t6y",
    "1qaz2wsx3edc", "a123456789",    "abc1234567",   "abcd123456",  "abcdefghij",  "admin12345",   "administrator",
    "changeme123",  "clinic12345",   "doctor1234",   "football123", "football12",  "hospital123",  "iloveyou123",
    "letmein123",   "letmein1234",   "monkey12345",  "p@ssw0rd123", "passw0rd123", "password12",   "password123",
    "password1234", "password12345", "qazwsxedc123", "qwerty1234",  "qwerty12345", "qwerty123456", "qwertyuiop",
    "q1w2e3r4t5",   "sunshine123",   "superman123",  "test123456",  "testtest123", "welcome123",   "welcome1234",
    "zaq12wsxcde3"};

bool same_letters(std::string_view a, std::string_view lower) noexcept {
    return a.size() == lower.size() && std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) {
               return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
           });
}

// The C function of this name and these arguments that belongs to pgcrypto. Only superusers make C functions, so the
// extension's owner cannot add another one.
Oid pgcrypto_function(const char *name, std::span<const Oid> arguments) {
    const Oid found = pg_call([name, arguments] {
        const Oid extension = get_extension_oid("pgcrypto", true);
        Oid function = InvalidOid;
        CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
        for (int i = 0; OidIsValid(extension) && i < list->n_members; ++i) {
            auto *candidate = reinterpret_cast<Form_pg_proc>(GETSTRUCT(&list->members[i]->tuple));
            if (candidate->prolang == ClanguageId && candidate->pronargs == static_cast<int>(arguments.size()) &&
                std::memcmp(candidate->proargtypes.values, arguments.data(), arguments.size_bytes()) == 0 &&
                getExtensionOfObject(ProcedureRelationId, candidate->oid) == extension)
                function = candidate->oid;
        }
        ReleaseSysCacheList(list);
        return function;
    });
    if (!OidIsValid(found))
        fail(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "the extension pgcrypto is missing or was altered",
             std::string("Its function ") + name + " was not found.", "Run CREATE EXTENSION pgcrypto.");
    return found;
}

std::string crypt(std::string_view password, std::string_view salt) {
    constexpr Oid arguments[] = {TEXTOID, TEXTOID};
    const Oid function = pgcrypto_function("crypt", arguments);
    const Datum first = text_datum(password), second = text_datum(salt);
    return text_of(pg_call([=] { return OidFunctionCall2(function, first, second); }));
}

} // namespace

bool same_secret(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size())
        return false;
    volatile unsigned char difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
    return difference == 0;
}

std::string hash_password(std::string_view password) {
    if (password.size() > longest_password)
        throw core::Error(core::ErrorCode::internal, "a password is longer than bcrypt can take");
    constexpr Oid arguments[] = {TEXTOID, INT4OID};
    const Oid function = pgcrypto_function("gen_salt", arguments);
    const Datum algorithm = text_datum("bf");
    const std::string salt =
        text_of(pg_call([=] { return OidFunctionCall2(function, algorithm, Int32GetDatum(bcrypt_cost)); }));
    return crypt(password, salt);
}

bool password_matches(std::string_view password, const std::optional<std::string> &hash) {
    const std::string expected = hash.value_or(nobodys_hash);
    const std::string given = crypt(password.substr(0, longest_password), expected);
    return same_secret(given, expected) && hash && password.size() <= longest_password;
}

bool is_common_password(std::string_view password) noexcept {
    return password.find_first_not_of(password.substr(0, 1)) == std::string_view::npos ||
           std::any_of(std::begin(common_passwords), std::end(common_passwords),
                       [password](std::string_view common) { return same_letters(password, common); });
}

} // namespace pg_clinic::pg

using namespace pg_clinic::pg;

// clinic_private.hash_password(text)
CLINIC_FUNCTION(clinic_hash_password) {
    return returning(fcinfo, hash_password(Args(fcinfo).get<std::string_view>(0)));
}

// clinic_private.password_matches(text, text)
CLINIC_FUNCTION(clinic_password_matches) {
    const Args args(fcinfo);
    return returning(fcinfo, password_matches(args.get_or<std::string_view>(0, {}), args.optional<std::string>(1)));
}

// clinic_private.password_fault(text)
CLINIC_FUNCTION(clinic_password_fault) {
    const auto password = Args(fcinfo).get<std::string_view>(0);
    if (password.size() < shortest_password || password.size() > longest_password)
        return returning(fcinfo, "must have " + std::to_string(shortest_password) + " to " +
                                     std::to_string(longest_password) + " bytes");
    if (is_common_password(password))
        return returning(fcinfo, std::string("is one of the commonest"));
    return returning_null(fcinfo);
}
