// Errors of the engine: the stable codes clients branch on, and the one place that turns them into SQL errors.
//
// Each code is a word with an SQLSTATE and an HTTP status. Errors of the domain have an SQLSTATE of our own class CL (or
// the standard's for the same thing) and a DETAIL that is a JSON object beginning with "reason": the code. Errors of one
// argument have the state that PostgreSQL itself gives them, a DETAIL in words, and the argument's name as COLUMN_NAME.
// Everything here throws SqlError; the boundary makes an ereport of it, marked with the code (engine_word, boundary.hpp).
#pragma once

#include "core/error.hpp"
#include "pg/postgres.hpp"
#include "pg/uuid.hpp"

namespace pg_clinic::pg {

// Any error of the glue, with all an ereport needs.
class SqlError : public std::runtime_error {
  public:
    SqlError(int sqlstate, const char *word, const std::string &message, std::string detail, std::string hint,
             std::string argument)
        : std::runtime_error(message), sqlstate_(sqlstate), word_(word), detail_(std::move(detail)),
          hint_(std::move(hint)), argument_(std::move(argument)) {}

    int sqlstate() const noexcept { return sqlstate_; }
    const char *word() const noexcept { return word_; } // the catalogue's, or null for an error that is in none
    const std::string &detail() const noexcept { return detail_; }
    const std::string &hint() const noexcept { return hint_; }
    const std::string &argument() const noexcept { return argument_; } // whose fault it is; may be empty

    // The same, with that argument where none is named.
    SqlError about(const char *argument) const {
        return SqlError(sqlstate_, word_, what(), detail_, hint_, argument_.empty() ? argument : argument_);
    }

  private:
    int sqlstate_;
    const char *word_;
    std::string detail_;
    std::string hint_;
    std::string argument_;
};

// The stable codes. New ones are added at the end: a code keeps its SQLSTATE for ever, and one that is given up keeps it
// from others (see the catalogue).
enum class Code : std::uint8_t {
    not_found,
    forbidden,
    inactive,
    in_past,
    lead_time,
    horizon,
    closed_on_date,
    outside_hours,
    window_too_short,
    bad_duration,
    off_grid,
    blocked,
    held,
    slot_taken,
    full,
    no_resource,
    patient_conflict,
    duplicate,
    limit,
    stale_version,
    invalid_time_zone,
    nonexistent_local_time,
    bad_transition,
    busy,
    no_context,
    schema_version,
    invalid_token,
    token_expired,
    invalid_credentials,
    invalid_argument,
    missing_argument,
    invalid_text,
    datetime_overflow,
    limit_exceeded,
    rate_limited,
    no_show_policy,
    hold_expired,
    hold_limit,
    not_holder,
    offer_expired,
    too_early,
    idempotency_conflict,
    key_unavailable,
    decryption_failed,
    shredded,
    consent_required,
    must_be_kept
};

struct CodeInfo {
    Code code;
    const char *name;
    const char *sqlstate; // five characters
    int http_status;
    const char *message;
    const char *hint;
};

std::span<const CodeInfo> error_catalogue() noexcept;
const CodeInfo &info(Code code) noexcept;
std::optional<Code> code_named(std::string_view name) noexcept;

// The code of an argument's error by the state that PostgreSQL gives it, such as invalid_argument of 22023.
std::optional<Code> argument_code(int sqlstate) noexcept;
bool is_argument_code(Code code) noexcept;

// Text as a JSON string, quotes included.
std::string json_quoted(std::string_view text);

// The facts of a domain error: members of the JSON object that becomes its DETAIL. Ids and the caller's own input
// only: never names, phones or notes.
class Detail {
  public:
    Detail &add(std::string_view key, std::string_view text);
    Detail &add(std::string_view key, const Uuid &id);
    Detail &add(std::string_view key, std::int64_t number);
    Detail &add_json(std::string_view key, std::string_view json); // json is valid JSON already

    Detail &add_members(std::string_view json_members); // members of a JSON object, without the braces

    const std::string &members() const noexcept { return members_; } // without the braces; may be empty

  private:
    std::string members_;
};

// Raises a domain error. Empty message and hint mean the catalogue's; the detail's "reason" is added here.
[[noreturn]] void raise(Code code, const std::string &message = {}, const Detail &detail = {},
                        const std::string &hint = {});

// Raises an error for what PostgreSQL itself has a state for (ERRCODE_...). argument: whose fault it is, where that is
// known; several between commas.
[[noreturn]] void fail(int sqlstate, const std::string &message, std::string detail = {}, std::string hint = {},
                       std::string argument = {});

// Raises an argument's error of the catalogue, in the same form. An empty message means the catalogue's.
[[noreturn]] void refuse_argument(Code code, const std::string &argument, const std::string &message = {},
                                  const std::string &detail = {}, const std::string &hint = {});

// A core error as SQL sees it; argument: whose fault it is, where that is known.
SqlError to_sql_error(const core::Error &error, const char *argument = "");

// Runs what reads one argument, so that an error names it.
template <class Body> decltype(auto) reading(const char *argument, Body body) {
    try {
        return body();
    } catch (const core::Error &error) {
        throw to_sql_error(error, argument);
    } catch (const SqlError &error) {
        throw error.about(argument);
    }
}

} // namespace pg_clinic::pg
