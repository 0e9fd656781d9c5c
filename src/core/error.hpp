// Errors of the core: the one exception type that leaves it.
//
// A core::Error carries what a PostgreSQL error carries, so that the glue can hand it on unchanged. Texts
// follow PostgreSQL's style: the message starts in lower case and has no full stop; detail and hint are
// sentences. Texts hold ids and the caller's own input, never names, phones or notes of a patient.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace pg_clinic::core {

// What kind of error it is; the glue maps each to one SQLSTATE.
enum class ErrorCode {
    invalid_text,           // 22P02: text that does not parse (a rule, an iCalendar block)
    invalid_parameter,      // 22023: a value outside its domain
    datetime_overflow,      // 22008: a date or time outside the supported range
    invalid_time_zone,      // CL027: an unknown zone
    nonexistent_local_time, // CL028: a local time inside a gap
    limit_exceeded,         // 54000: a stated budget or maximum is used up
    internal                // XX000: a broken promise of our own code
};

class Error : public std::runtime_error {
  public:
    Error(ErrorCode code, const std::string &message, std::string detail = {}, std::string hint = {})
        : std::runtime_error(message), code_(code), detail_(std::move(detail)), hint_(std::move(hint)) {}

    ErrorCode code() const noexcept { return code_; }
    const std::string &detail() const noexcept { return detail_; }
    const std::string &hint() const noexcept { return hint_; }

  private:
    ErrorCode code_;
    std::string detail_;
    std::string hint_;
};

} // namespace pg_clinic::core
