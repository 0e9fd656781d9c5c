// The parser of an iCalendar block: the properties of RFC 5545 that make a recurrence set, bare or within a VEVENT.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "core/calendar_text.hpp"
#include "core/recurrence_set.hpp"

namespace pg_clinic::core {

namespace {

constexpr std::size_t longest_block = 1024 * 1024;

// One unfolded content line (§3.1): NAME;PARAM=VALUE:value.
struct Line {
    std::size_t number = 0; // of its first physical line
    std::string_view name, value;
    std::string_view tzid; // empty: none given
    std::string_view type; // VALUE, empty: the default
    std::string text;      // what the views refer to
};

class BlockParser {
  public:
    BlockParser(std::string_view text, ZoneLookup zone_named, Gap gap) : text_(text), zone_named_(zone_named) {
        block_.spec.gap = gap;
    }
    ICalendarBlock parse();

  private:
    [[noreturn]] void refuse(ErrorCode code, const std::string &problem, const char *detail,
                             const char *hint = "") const;
    bool next_line();
    void split_line();
    void split_parameter(std::string_view parameter);
    void take_line();
    bool take_component();
    void take_property();
    void take_dtstart();
    void take_rule();
    void take_dates(bool excluded);
    void take_date(std::string_view item, bool excluded);
    detail::DateTimeText parse_value(std::string_view item) const;
    std::string_view start_of_period(std::string_view item) const;
    void resolve_dates();
    void drop_time_parts();

    // A date of RDATE or EXDATE, kept until DTSTART's zone is known.
    struct Date {
        detail::DateTimeText value;
        std::string tzid;
        bool excluded = false;
    };

    std::string_view text_;
    ZoneLookup zone_named_;
    std::size_t position_ = 0;
    std::size_t line_number_ = 0;
    Line line_;
    ICalendarBlock block_;
    bool has_dtstart_ = false;
    std::vector<std::string> open_; // components, the outermost first
    std::size_t events_ = 0;
    std::vector<Date> dates_;
};

void BlockParser::refuse(ErrorCode code, const std::string &problem, const char *detail, const char *hint) const {
    throw Error(code, "invalid iCalendar block: " + problem + " in line " + std::to_string(line_.number), detail, hint);
}

ICalendarBlock BlockParser::parse() {
    if (text_.size() > longest_block)
        throw Error(ErrorCode::limit_exceeded, "iCalendar block is too long",
                    "It has " + std::to_string(text_.size()) + " bytes; the most is " + std::to_string(longest_block) +
                        ".");
    while (next_line())
        take_line();
    line_.number = std::max<std::size_t>(line_number_, 1);
    if (!open_.empty())
        refuse(ErrorCode::invalid_text, "END:" + open_.back() + " is missing", "Every component that begins must end.");
    if (!has_dtstart_)
        refuse(ErrorCode::invalid_text, "DTSTART is missing", "A recurrence set starts from DTSTART.",
               "For example DTSTART;TZID=Europe/Berlin:20260105T090000.");
    resolve_dates();
    if (block_.dtstart_is_date)
        drop_time_parts();
    return std::move(block_);
}

// Reads the next content line and unfolds it: a line that begins with a space or tab continues the one before.
bool BlockParser::next_line() {
    line_.text.clear();
    bool any = false;
    while (position_ < text_.size()) {
        const bool continues = text_[position_] == ' ' || text_[position_] == '\t';
        if (any && !continues)
            break;
        const std::size_t end = std::min(text_.find('\n', position_), text_.size());
        std::string_view piece = text_.substr(position_, end - position_);
        if (!piece.empty() && piece.back() == '\r')
            piece.remove_suffix(1);
        position_ = std::min(end + 1, text_.size());
        ++line_number_;
        if (piece.empty() && !any)
            continue;
        if (!any)
            line_.number = line_number_;
        else
            piece.remove_prefix(1);
        line_.text.append(piece);
        any = true;
    }
    return any;
}

// Splits at the colons and semicolons that stand outside of quotes (§3.2).
void BlockParser::split_line() {
    const std::string_view text = line_.text;
    line_.tzid = line_.type = {};
    std::size_t begin = 0;
    bool in_quotes = false;
    bool named = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        in_quotes ^= text[i] == '"';
        if (in_quotes || (text[i] != ';' && text[i] != ':'))
            continue;
        if (named)
            split_parameter(text.substr(begin, i - begin));
        else
            line_.name = text.substr(0, i);
        named = true;
        begin = i + 1;
        if (text[i] == ':') {
            line_.value = text.substr(begin);
            return;
        }
    }
    line_.name = text;
    refuse(ErrorCode::invalid_text, "no colon", "A content line is a name, parameters, a colon and a value.",
           "A rule alone is expanded from its first local time in a zone: pass rule, dtstart and tz.");
}

void BlockParser::split_parameter(std::string_view parameter) {
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos)
        refuse(ErrorCode::invalid_text, "parameter " + detail::quoted(parameter) + " without a value",
               "A parameter is a name, an equals sign and a value.");
    std::string_view value = parameter.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
    const std::string_view name = parameter.substr(0, equals);
    const bool is_tzid = detail::equal_ignoring_case(name, "TZID");
    if (!is_tzid && !detail::equal_ignoring_case(name, "VALUE"))
        return;
    std::string_view &target = is_tzid ? line_.tzid : line_.type;
    if (value.empty() || !target.empty())
        refuse(ErrorCode::invalid_text, (is_tzid ? "empty or repeated TZID" : "empty or repeated VALUE"),
               "Each parameter may be given once, with a value.");
    target = value;
}

void BlockParser::take_line() {
    split_line();
    if (take_component())
        return;
    const bool within_event = !open_.empty() && detail::equal_ignoring_case(open_.back(), "VEVENT");
    if (open_.empty() || within_event)
        take_property();
}

// BEGIN and END. Only VEVENT holds properties that matter; a VCALENDAR around it, and a VTIMEZONE or VALARM beside or
// in it, whose DTSTART and RRULE mean something else, are passed over.
bool BlockParser::take_component() {
    if (detail::equal_ignoring_case(line_.name, "BEGIN")) {
        if (detail::equal_ignoring_case(line_.value, "VEVENT") && (++events_ > 1 || has_dtstart_))
            refuse(ErrorCode::invalid_text, "more than one event", "A block describes one recurrence set.");
        if (open_.size() >= 8)
            refuse(ErrorCode::invalid_text, "components nested too deeply", "An event needs no such nesting.");
        open_.emplace_back(line_.value);
        return true;
    }
    if (!detail::equal_ignoring_case(line_.name, "END"))
        return false;
    if (open_.empty() || !detail::equal_ignoring_case(open_.back(), line_.value))
        refuse(ErrorCode::invalid_text, "END:" + detail::quoted(line_.value) + " without BEGIN",
               "Components end in the reverse order of their beginning.");
    open_.pop_back();
    return true;
}

void BlockParser::take_property() {
    const auto is = [this](std::string_view name) { return detail::equal_ignoring_case(line_.name, name); };
    if (is("DTSTART"))
        take_dtstart();
    else if (is("RRULE"))
        take_rule();
    else if (is("RDATE"))
        take_dates(false);
    else if (is("EXDATE"))
        take_dates(true);
    else if (is("EXRULE"))
        refuse(ErrorCode::invalid_text, "EXRULE", "RFC 5545 has withdrawn exception rules.",
               "List the dates as EXDATE.");
    else if (is("RECURRENCE-ID"))
        refuse(ErrorCode::invalid_text, "RECURRENCE-ID", "The event overrides one instance of another.",
               "Pass the event that has the rule.");
    else if (open_.empty())
        refuse(ErrorCode::invalid_text, "unknown property " + detail::quoted(line_.name),
               "A block has DTSTART, RRULE, RDATE and EXDATE.", "Enclose an event in BEGIN:VEVENT and END:VEVENT.");
}

void BlockParser::take_dtstart() {
    if (has_dtstart_)
        refuse(ErrorCode::invalid_text, "duplicate DTSTART", "A recurrence set has one start.");
    has_dtstart_ = true;
    const detail::DateTimeText start = parse_value(line_.value);
    block_.spec.dtstart = start.time;
    block_.dtstart_is_date = start.is_date;
    block_.tzid = start.is_utc ? "UTC" : std::string(line_.tzid);
}

// Names the line in the error of a rule, whose positions count within the value.
void BlockParser::take_rule() {
    try {
        block_.spec.rules.push_back(parse_rrule(line_.value));
    } catch (const Error &error) {
        throw Error(error.code(), std::string(error.what()) + " in line " + std::to_string(line_.number),
                    error.detail(), error.hint());
    }
}

void BlockParser::take_dates(bool excluded) {
    std::string_view rest = line_.value;
    for (;;) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        take_date(rest.substr(0, comma), excluded);
        if (comma == rest.size())
            return;
        rest.remove_prefix(comma + 1);
    }
}

void BlockParser::take_date(std::string_view item, bool excluded) {
    const bool is_period = detail::equal_ignoring_case(line_.type, "PERIOD");
    if (is_period && excluded)
        refuse(ErrorCode::invalid_text, "EXDATE of periods", "EXDATE lists dates or date-times.");
    dates_.push_back({parse_value(is_period ? start_of_period(item) : item), std::string(line_.tzid), excluded});
}

// The start of a period (§3.3.9) is the instance; its end or duration must only be there.
std::string_view BlockParser::start_of_period(std::string_view item) const {
    const std::size_t slash = item.find('/');
    if (slash == std::string_view::npos || slash + 1 == item.size())
        refuse(ErrorCode::invalid_text, "period " + detail::quoted(item) + " without an end",
               "A period is a start, a slash, and an end or a duration.");
    return item.substr(0, slash);
}

// A value of the line's type, DATE-TIME unless VALUE says DATE. Z excludes TZID (§3.2.19).
detail::DateTimeText BlockParser::parse_value(std::string_view item) const {
    const bool wants_date = detail::equal_ignoring_case(line_.type, "DATE");
    if (!wants_date && !line_.type.empty() && !detail::equal_ignoring_case(line_.type, "DATE-TIME") &&
        !detail::equal_ignoring_case(line_.type, "PERIOD"))
        refuse(ErrorCode::invalid_text, "VALUE=" + detail::quoted(line_.type), "The types are DATE and DATE-TIME.");
    const std::optional<detail::DateTimeText> value = detail::parse_date_time(item);
    if (!value)
        refuse(ErrorCode::invalid_text, detail::quoted(item) + " is not a date or date-time",
               "A date is eight digits; a time follows after T as six digits, with Z when it is UTC.");
    if (!value->valid)
        refuse(ErrorCode::invalid_parameter, detail::quoted(item) + " is out of range",
               "There is no such date or time.");
    if (value->is_date != wants_date)
        refuse(ErrorCode::invalid_text, detail::quoted(item) + " is not of the property's type",
               wants_date ? "VALUE=DATE announces dates." : "A date without a time needs VALUE=DATE.",
               "For example DTSTART;VALUE=DATE:20260105.");
    if (value->is_utc && !line_.tzid.empty())
        refuse(ErrorCode::invalid_text, "TZID with a time in UTC", "A time that ends in Z has its zone already.",
               "Leave out either the Z or the TZID.");
    return *value;
}

// Local times of DTSTART's own zone stay local; those of another zone, and of UTC, become instants.
void BlockParser::resolve_dates() {
    for (const Date &date : dates_) {
        RecurrenceSpec &spec = block_.spec;
        const bool own_zone = date.tzid.empty() || date.value.is_date || date.tzid == block_.tzid;
        Instant instant{date.value.time.micros};
        if (!date.value.is_utc && own_zone)
            (date.excluded ? spec.exdates : spec.rdates).push_back(date.value.time);
        else if (date.value.is_utc || to_instant(zone_named_(date.tzid), date.value.time, spec.gap, &instant))
            (date.excluded ? spec.exdate_instants : spec.rdate_instants).push_back(instant);
    }
}

// With a DATE as DTSTART the time parts are to be ignored (§3.3.10).
void BlockParser::drop_time_parts() {
    for (RRule &rule : block_.spec.rules) {
        rule.by_hour.clear();
        rule.by_minute.clear();
        rule.by_second.clear();
    }
}

} // namespace

ICalendarBlock parse_icalendar(std::string_view text, ZoneLookup zone_named, Gap gap) {
    return BlockParser(text, zone_named, gap).parse();
}

} // namespace pg_clinic::core
