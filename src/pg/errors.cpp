// The catalogue of domain errors, and how they become SQL errors: see errors.hpp.
#include "pg/errors.hpp"

#include "pg/error_observer.hpp"

namespace pg_clinic::pg {

namespace {

// How the HTTP statuses are chosen. 409: what is wrong lies in the diary, the clock or the rows as they are now; the same
// request may succeed at another moment or after another change, and usually another start does. So every reason for which
// a start is not on offer is a conflict. 422: no change of the diary mends it, the request itself has to change; so also
// bad_duration (no start takes that duration) and a local time that its zone skips. 404, 401, 403, 429 and 503 as HTTP
// has them; forbidden without an identity is 401 (http_errors.cpp).
constexpr CodeInfo catalogue[] = {
    {Code::not_found, "not_found", "CL001", 404, "the requested object does not exist",
     "Check the id; rows of other tenants do not exist for you."},
    {Code::forbidden, "forbidden", "42501", 403, "permission denied", "Ask an administrator for the permission."},
    {Code::inactive, "inactive", "CL002", 409, "the requested object is not active",
     "Choose an active one, or activate it first."},
    {Code::in_past, "in_past", "CL003", 409, "the start lies in the past", "Choose a start after clinic.now()."},
    {Code::lead_time, "lead_time", "CL004", 409, "the start is nearer than the lead time allows",
     "Choose a later start."},
    {Code::horizon, "horizon", "CL005", 409, "the start lies beyond the booking horizon", "Choose an earlier date."},
    {Code::closed_on_date, "closed_on_date", "CL006", 409, "the location or provider is closed on that date",
     "Choose another date."},
    {Code::outside_hours, "outside_hours", "CL007", 409, "the visit does not lie within opening hours",
     "Ask clinic.available_slots for starts."},
    {Code::window_too_short, "window_too_short", "CL008", 409, "the opening window is shorter than the visit",
     "Choose another window, or a shorter service."},
    {Code::bad_duration, "bad_duration", "CL009", 422, "the duration is not one the service allows",
     "Use a positive duration the service offers."},
    {Code::off_grid, "off_grid", "CL010", 409, "the start does not lie on the grid of starts",
     "Ask clinic.available_slots for starts."},
    {Code::blocked, "blocked", "CL011", 409, "the time is blocked", "Choose another time."},
    {Code::held, "held", "CL012", 409, "somebody else holds that time",
     "Choose another time, or try again after the hold ends."},
    {Code::slot_taken, "slot_taken", "CL013", 409, "that time is taken", "Choose one of the alternatives."},
    {Code::full, "full", "CL014", 409, "no place is left at that time", "Choose another time."},
    {Code::no_resource, "no_resource", "CL015", 409, "a required resource is not free", "Choose another time."},
    {Code::patient_conflict, "patient_conflict", "CL016", 409, "the patient has another appointment at that time",
     "Choose another time, or cancel the other appointment."},
    {Code::duplicate, "duplicate", "CL017", 409, "the same entry exists already", "Use the existing entry."},
    {Code::limit, "limit", "CL018", 409, "the limit of appointments is reached", "Choose another day."},
    {Code::stale_version, "stale_version", "CL025", 409, "the row was changed by somebody else",
     "Read it again and repeat the change."},
    {Code::invalid_time_zone, "invalid_time_zone", "CL027", 422, "unknown time zone",
     "Use a name of the IANA database, such as \"Europe/Vienna\" or \"Asia/Kolkata\"."},
    {Code::nonexistent_local_time, "nonexistent_local_time", "CL028", 422, "the local time does not exist in that zone",
     "Choose a time outside the gap, or pass gap => 'shift'."},
    {Code::bad_transition, "bad_transition", "CL029", 409, "the change of state is not allowed",
     "Check the present state."},
    {Code::busy, "busy", "CL030", 409, "other bookings are in the way at this moment", "Try again."},
    {Code::no_context, "no_context", "28000", 401, "no tenant is chosen",
     "Call clinic.use_tenant in the same transaction, or have the login mapped with clinic.map_login."},
    {Code::schema_version, "schema_version", "CL031", 503, "the schema does not fit this version of pg_clinic",
     "Run ALTER EXTENSION pg_clinic UPDATE and CALL clinic.migrate()."},
    {Code::invalid_token, "invalid_token", "28000", 401, "the token is not valid", "Sign in again."},
    {Code::token_expired, "token_expired", "28000", 401, "the token has expired", "Refresh it, or sign in again."},
    {Code::invalid_credentials, "invalid_credentials", "28P01", 401, "the credentials are not right",
     "Check tenant, identifier and password or code; after five failures wait."},
    {Code::invalid_argument, "invalid_argument", "22023", 422, "the value of an argument is not allowed",
     "The detail names the argument."},
    {Code::missing_argument, "missing_argument", "22004", 422, "an argument must not be null",
     "Pass a value by name, as in name => ... ."},
    {Code::invalid_text, "invalid_text", "22P02", 422, "the text of an argument cannot be read",
     "The message says what is expected at which place."},
    {Code::datetime_overflow, "datetime_overflow", "22008", 422, "the date or time is out of range",
     "Years 1 to 9999 are supported."},
    {Code::limit_exceeded, "limit_exceeded", "54000", 422, "the request asks for more than one call computes",
     "Ask for less at a time, several times if need be."},
    {Code::rate_limited, "rate_limited", "CL032", 429, "too many calls",
     "Wait for the seconds that the detail and the header Retry-After give."},
    {Code::no_show_policy, "no_show_policy", "CL019", 409,
     "the patient has missed too many appointments to book online", "Have the staff book it."},
    {Code::hold_expired, "hold_expired", "CL020", 409, "the hold has expired",
     "Hold the time again, or confirm with if_still_free => true."},
    {Code::hold_limit, "hold_limit", "CL021", 409, "the patient holds as many times as the clinic allows",
     "Confirm or release a hold first."},
    {Code::not_holder, "not_holder", "CL022", 403, "there is no such hold of yours",
     "Pass the token that clinic.hold_slot gave to you."},
    {Code::offer_expired, "offer_expired", "CL023", 409, "the offer is over", "Wait for the next offer."},
    {Code::too_early, "too_early", "CL024", 409, "it is too early for that", "Try again at the time in the detail."},
    {Code::idempotency_conflict, "idempotency_conflict", "CL026", 422, "the idempotency key was used for another call",
     "Use a new key for each new request."},
    {Code::key_unavailable, "key_unavailable", "CL040", 503, "the keys of encrypted data are not available",
     "An administrator of the server has to mend clinic.master_key_file or clinic.master_key_command, and reload the "
     "configuration."},
    {Code::decryption_failed, "decryption_failed", "CL041", 500, "the value cannot be decrypted",
     "It is not what was encrypted for this place, or its key was destroyed."},
    {Code::shredded, "shredded", "CL042", 410, "the patient's keys were destroyed",
     "Nothing can be encrypted for this patient any more."},
    {Code::consent_required, "consent_required", "CL043", 409, "the patient has not consented to that",
     "Record a consent with clinic.give_consent, or state the legal basis that needs none."},
    {Code::must_be_kept, "must_be_kept", "CL044", 409, "the law makes us keep that",
     "The detail says what keeps it, and until when."},
};

static_assert(std::size(catalogue) == static_cast<std::size_t>(Code::must_be_kept) + 1);

constexpr Code argument_codes[] = {Code::invalid_argument, Code::missing_argument, Code::invalid_text,
                                   Code::datetime_overflow, Code::limit_exceeded};

int encoded(const char *state) { return MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]); }

SqlError domain_error(Code code, const std::string &message, const Detail &detail, const std::string &hint,
                      const char *argument = "") {
    const CodeInfo &entry = info(code);
    std::string facts = "{\"reason\": \"" + std::string(entry.name) + "\"";
    if (!detail.members().empty())
        facts += ", " + detail.members();
    return SqlError(encoded(entry.sqlstate), entry.name, message.empty() ? entry.message : message, facts + "}",
                    hint.empty() ? entry.hint : hint, argument);
}

// A core error whose code is in the catalogue.
SqlError catalogued(Code code, const core::Error &error, const char *argument) {
    Detail detail;
    if (!error.detail().empty())
        detail.add("explanation", error.detail());
    return domain_error(code, error.what(), detail, error.hint(), argument);
}

constinit ErrorObserver error_observer = nullptr;

SqlError plain_error(int sqlstate, const std::string &message, std::string detail, std::string hint,
                     std::string argument) {
    const auto code = argument_code(sqlstate);
    return SqlError(sqlstate, code ? info(*code).name : nullptr, message, std::move(detail), std::move(hint),
                    std::move(argument));
}

} // namespace

std::span<const CodeInfo> error_catalogue() noexcept { return catalogue; }

const CodeInfo &info(Code code) noexcept { return catalogue[static_cast<std::size_t>(code)]; }

std::optional<Code> code_named(std::string_view name) noexcept {
    for (const CodeInfo &entry : catalogue)
        if (name == entry.name)
            return entry.code;
    return std::nullopt;
}

std::optional<Code> argument_code(int sqlstate) noexcept {
    for (const Code code : argument_codes)
        if (encoded(info(code).sqlstate) == sqlstate)
            return code;
    return std::nullopt;
}

bool is_argument_code(Code code) noexcept {
    return std::find(std::begin(argument_codes), std::end(argument_codes), code) != std::end(argument_codes);
}

std::string json_quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            constexpr char digits[] = "0123456789abcdef";
            out += "\\u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += c;
        }
    }
    return out + "\"";
}

Detail &Detail::add_members(std::string_view json_members) {
    if (!members_.empty())
        members_ += ", ";
    members_ += json_members;
    return *this;
}

Detail &Detail::add_json(std::string_view key, std::string_view json) {
    return add_members(json_quoted(key) + ": " + std::string(json));
}

Detail &Detail::add(std::string_view key, std::string_view text) { return add_json(key, json_quoted(text)); }

Detail &Detail::add(std::string_view key, const Uuid &id) { return add_json(key, json_quoted(to_text(id))); }

Detail &Detail::add(std::string_view key, std::int64_t number) { return add_json(key, std::to_string(number)); }

void observe_errors(ErrorObserver observer) { error_observer = observer; }

void raise(Code code, const std::string &message, const Detail &detail, const std::string &hint) {
    if (error_observer != nullptr)
        error_observer(code, detail);
    throw domain_error(code, message, detail, hint);
}

void fail(int sqlstate, const std::string &message, std::string detail, std::string hint, std::string argument) {
    throw plain_error(sqlstate, message, std::move(detail), std::move(hint), std::move(argument));
}

void refuse_argument(Code code, const std::string &argument, const std::string &message, const std::string &detail,
                     const std::string &hint) {
    const CodeInfo &entry = info(code);
    throw SqlError(encoded(entry.sqlstate), entry.name, message.empty() ? entry.message : message, detail, hint,
                   argument);
}

SqlError to_sql_error(const core::Error &error, const char *argument) {
    const auto plain = [&error, argument](int sqlstate) {
        return plain_error(sqlstate, error.what(), error.detail(), error.hint(), argument);
    };
    switch (error.code()) {
    case core::ErrorCode::invalid_text:
        return plain(ERRCODE_INVALID_TEXT_REPRESENTATION);
    case core::ErrorCode::invalid_parameter:
        return plain(ERRCODE_INVALID_PARAMETER_VALUE);
    case core::ErrorCode::datetime_overflow:
        return plain(ERRCODE_DATETIME_FIELD_OVERFLOW);
    case core::ErrorCode::limit_exceeded:
        return plain(ERRCODE_PROGRAM_LIMIT_EXCEEDED);
    case core::ErrorCode::invalid_time_zone:
        return catalogued(Code::invalid_time_zone, error, argument);
    case core::ErrorCode::nonexistent_local_time:
        return catalogued(Code::nonexistent_local_time, error, argument);
    case core::ErrorCode::internal:
        break;
    }
    return plain(ERRCODE_INTERNAL_ERROR);
}

} // namespace pg_clinic::pg
