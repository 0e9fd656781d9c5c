// Errors of the engine: the stable codes clients branch on, and the one place that turns them into SQL errors.
//
// A domain error has a code (a word), an SQLSTATE of our own class CL, and a DETAIL that is a JSON object beginning
// with "reason": the code. Everything here throws SqlError; the boundary makes an ereport of it.
#pragma once

#include "core/error.hpp"
#include "pg/postgres.hpp"
#include "pg/uuid.hpp"

namespace pg_clinic::pg {

// Any error of the glue, with all an ereport needs.
class SqlError : public std::runtime_error {
  public:
    SqlError(int sqlstate, const std::string &message, std::string detail = {}, std::string hint = {})
        : std::runtime_error(message), sqlstate_(sqlstate), detail_(std::move(detail)), hint_(std::move(hint)) {}

    int sqlstate() const noexcept { return sqlstate_; }
    const std::string &detail() const noexcept { return detail_; }
    const std::string &hint() const noexcept { return hint_; }

  private:
    int sqlstate_;
    std::string detail_;
    std::string hint_;
};

// The stable codes, in the order of their SQLSTATEs. New ones are added at the end: a code keeps its number for ever.
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
    no_show_policy,
    hold_expired,
    hold_limit,
    not_holder,
    offer_expired,
    too_early,
    stale_version,
    idempotency_conflict,
    invalid_time_zone,
    nonexistent_local_time,
    bad_transition,
    busy,
    no_context,
    schema_version,
    invalid_token,
    token_expired,
    rate_limited,
    invalid_credentials
};

struct CodeInfo {
    Code code;
    const char *name;
    const char *sqlstate; // five characters
    const char *message;
    const char *hint;
};

std::span<const CodeInfo> error_catalogue() noexcept;
const CodeInfo &info(Code code) noexcept;
std::optional<Code> code_named(std::string_view name) noexcept;

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

// Raises a plain SQL error, for what PostgreSQL itself has a state for (ERRCODE_...).
[[noreturn]] void fail(int sqlstate, const std::string &message, std::string detail = {}, std::string hint = {});

// A core error as SQL sees it.
SqlError to_sql_error(const core::Error &error);

} // namespace pg_clinic::pg
