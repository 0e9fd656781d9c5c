// The parser of one RRULE value (RFC 5545 §3.3.10, RFC 7529 §4). Strict: whatever the grammar does not know is refused
// with the part's name and place, so that nothing is ever silently left out of a schedule.
#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

#include "core/calendar_text.hpp"
#include "core/error.hpp"
#include "core/rrule.hpp"

namespace pg_clinic::core {

namespace {

constexpr std::size_t longest_rule = 8192;

enum class Part : std::uint8_t {
    freq,
    until,
    count,
    interval,
    by_second,
    by_minute,
    by_hour,
    by_day,
    by_month_day,
    by_year_day,
    by_week_no,
    by_month,
    by_set_pos,
    wkst,
    rscale,
    skip
};

struct PartName {
    std::string_view name;
    Part part;
};

constexpr std::array<PartName, 16> part_names{{{"FREQ", Part::freq},
                                               {"UNTIL", Part::until},
                                               {"COUNT", Part::count},
                                               {"INTERVAL", Part::interval},
                                               {"BYSECOND", Part::by_second},
                                               {"BYMINUTE", Part::by_minute},
                                               {"BYHOUR", Part::by_hour},
                                               {"BYDAY", Part::by_day},
                                               {"BYMONTHDAY", Part::by_month_day},
                                               {"BYYEARDAY", Part::by_year_day},
                                               {"BYWEEKNO", Part::by_week_no},
                                               {"BYMONTH", Part::by_month},
                                               {"BYSETPOS", Part::by_set_pos},
                                               {"WKST", Part::wkst},
                                               {"RSCALE", Part::rscale},
                                               {"SKIP", Part::skip}}};

constexpr std::array<std::string_view, 7> frequency_names{"SECONDLY", "MINUTELY", "HOURLY", "DAILY",
                                                          "WEEKLY",   "MONTHLY",  "YEARLY"};
constexpr std::array<std::string_view, 7> weekday_names{"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
constexpr std::array<std::string_view, 3> skip_names{"OMIT", "BACKWARD", "FORWARD"};

template <std::size_t size>
std::optional<std::size_t> index_of(const std::array<std::string_view, size> &names, std::string_view name) {
    for (std::size_t i = 0; i < size; ++i)
        if (detail::equal_ignoring_case(names[i], name))
            return i;
    return std::nullopt;
}

template <typename T> void sort_unique(std::vector<T> *values) {
    std::sort(values->begin(), values->end());
    values->erase(std::unique(values->begin(), values->end()), values->end());
}

// What a list of numbers may hold.
struct Domain {
    std::int16_t least, most;
    bool is_signed; // -most to -least as well
    std::size_t digits;
};

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}
    RRule parse();

  private:
    [[noreturn]] void refuse(ErrorCode code, const std::string &problem, std::size_t position, const char *detail,
                             const char *hint = "") const;
    [[noreturn]] void refuse_value(ErrorCode code, std::string_view value, const char *problem, const char *detail,
                                   const char *hint = "") const;
    [[noreturn]] void refuse_pair(Part part, const char *problem, const char *detail, const char *hint = "") const;
    void check_text() const;
    void parse_part(std::size_t begin, std::size_t end);
    void parse_value(Part part, std::string_view value);
    void check_combinations() const;
    void check_time_frame() const;

    std::size_t parse_name(const char *detail, std::optional<std::size_t> found, std::string_view value) const;
    std::int64_t parse_number(std::string_view value, std::int64_t most) const;
    std::vector<std::int16_t> parse_list(std::string_view value, const Domain &domain) const;
    std::int16_t parse_list_number(std::string_view item, const Domain &domain) const;
    std::vector<WeekdayNum> parse_by_day(std::string_view value) const;
    WeekdayNum parse_weekday_num(std::string_view item) const;
    Until parse_until(std::string_view value) const;
    template <typename Use> void each_item(std::string_view value, Use use) const;

    bool has(Part part) const { return positions_[static_cast<std::size_t>(part)] != 0; }
    std::size_t position_of(Part part) const { return positions_[static_cast<std::size_t>(part)]; }

    std::string_view text_;
    RRule rule_;
    std::array<std::size_t, part_names.size()> positions_{}; // 1-based, 0: not there
    std::string_view name_;                                  // of the part being parsed, canonical
    std::size_t position_ = 1;                               // of that part
};

void Parser::refuse(ErrorCode code, const std::string &problem, std::size_t position, const char *detail,
                    const char *hint) const {
    throw Error(code, "invalid recurrence rule: " + problem + " at position " + std::to_string(position), detail, hint);
}

void Parser::refuse_value(ErrorCode code, std::string_view value, const char *problem, const char *detail,
                          const char *hint) const {
    refuse(code, std::string(name_) + " value " + detail::quoted(value) + " " + problem, position_, detail, hint);
}

void Parser::refuse_pair(Part part, const char *problem, const char *detail, const char *hint) const {
    refuse(ErrorCode::invalid_parameter, problem, position_of(part), detail, hint);
}

RRule Parser::parse() {
    check_text();
    constexpr std::string_view prefix = "RRULE:";
    std::size_t begin = detail::equal_ignoring_case(text_.substr(0, prefix.size()), prefix) ? prefix.size() : 0;
    if (begin == text_.size())
        refuse(ErrorCode::invalid_text, "no parts", begin + 1, "A rule names at least its frequency.",
               "For example FREQ=WEEKLY;BYDAY=MO.");
    for (;;) {
        const std::size_t end = std::min(text_.find(';', begin), text_.size());
        parse_part(begin, end);
        if (end == text_.size())
            break;
        begin = end + 1;
    }
    check_combinations();
    return std::move(rule_);
}

void Parser::check_text() const {
    if (text_.size() > longest_rule)
        throw Error(ErrorCode::limit_exceeded, "recurrence rule is too long",
                    "It has " + std::to_string(text_.size()) + " bytes; the most is " + std::to_string(longest_rule) +
                        ".");
    const std::size_t line_break = text_.find_first_of("\r\n");
    if (line_break != std::string_view::npos)
        refuse(ErrorCode::invalid_text, "line break", line_break + 1, "A rule is one line.",
               "Pass several properties as an iCalendar block.");
}

void Parser::parse_part(std::size_t begin, std::size_t end) {
    const std::string_view part = text_.substr(begin, end - begin);
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    position_ = begin + 1;
    if (part.empty())
        refuse(ErrorCode::invalid_text, "empty part", position_,
               "Parts are separated by single semicolons, none before the first or after the last.");
    const auto known = std::find_if(part_names.begin(), part_names.end(), [name](const PartName &candidate) {
        return detail::equal_ignoring_case(candidate.name, name);
    });
    if (known == part_names.end())
        refuse(ErrorCode::invalid_text, "unknown part " + detail::quoted(name), position_,
               "The parts are those of RFC 5545, and RSCALE and SKIP of RFC 7529.",
               "For example FREQ=WEEKLY;BYDAY=MO,TU.");
    name_ = known->name;
    if (equals == std::string_view::npos)
        refuse(ErrorCode::invalid_text, std::string(name_) + " without a value", position_,
               "A part is a name, an equals sign and a value.");
    if (has(known->part))
        refuse(ErrorCode::invalid_text, "duplicate " + std::string(name_), position_,
               "Each part may occur only once (RFC 5545, section 3.3.10).", "Give several values as one list.");
    if (equals + 1 == part.size())
        refuse(ErrorCode::invalid_text, "empty " + std::string(name_), position_, "Every part needs a value.");
    positions_[static_cast<std::size_t>(known->part)] = position_;
    parse_value(known->part, part.substr(equals + 1));
}

void Parser::parse_value(Part part, std::string_view value) {
    switch (part) {
    case Part::freq:
        rule_.freq = static_cast<Frequency>(
            parse_name("The frequencies are SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY and YEARLY.",
                       index_of(frequency_names, value), value));
        return;
    case Part::until:
        rule_.until = parse_until(value);
        return;
    case Part::count:
        rule_.count = parse_number(value, std::numeric_limits<std::int64_t>::max());
        return;
    case Part::interval:
        rule_.interval = static_cast<std::int32_t>(parse_number(value, std::numeric_limits<std::int32_t>::max()));
        return;
    case Part::by_second:
        rule_.by_second = parse_list(value, {0, 60, false, 2});
        for (std::int16_t &second : rule_.by_second)
            second = std::min<std::int16_t>(second, 59); // no leap seconds here: §3.3.12 reads 60 as 59
        sort_unique(&rule_.by_second);
        return;
    case Part::by_minute:
        rule_.by_minute = parse_list(value, {0, 59, false, 2});
        return;
    case Part::by_hour:
        rule_.by_hour = parse_list(value, {0, 23, false, 2});
        return;
    case Part::by_day:
        rule_.by_day = parse_by_day(value);
        return;
    case Part::by_month_day:
        rule_.by_month_day = parse_list(value, {1, 31, true, 2});
        return;
    case Part::by_year_day:
        rule_.by_year_day = parse_list(value, {1, 366, true, 3});
        return;
    case Part::by_week_no:
        rule_.by_week_no = parse_list(value, {1, 53, true, 2});
        return;
    case Part::by_month:
        rule_.by_month = parse_list(value, {1, 12, false, 2});
        return;
    case Part::by_set_pos:
        rule_.by_set_pos = parse_list(value, {1, 366, true, 3});
        return;
    case Part::wkst:
        rule_.wkst = static_cast<Weekday>(
            parse_name("The weekdays are MO, TU, WE, TH, FR, SA and SU.", index_of(weekday_names, value), value));
        return;
    case Part::rscale:
        if (!detail::equal_ignoring_case(value, "GREGORIAN"))
            refuse_value(ErrorCode::invalid_parameter, value, "is not supported",
                         "The only calendar system is GREGORIAN.");
        rule_.rscale_gregorian = true;
        return;
    case Part::skip:
        rule_.skip =
            static_cast<Skip>(parse_name("SKIP is OMIT, BACKWARD or FORWARD.", index_of(skip_names, value), value));
        return;
    }
}

std::size_t Parser::parse_name(const char *detail, std::optional<std::size_t> found, std::string_view value) const {
    if (!found)
        refuse_value(ErrorCode::invalid_text, value, "is unknown", detail);
    return *found;
}

// COUNT and INTERVAL: digits only, at least 1.
std::int64_t Parser::parse_number(std::string_view value, std::int64_t most) const {
    if (!detail::all_digits(value))
        refuse_value(ErrorCode::invalid_text, value, "is not a number", "The value is a positive whole number.");
    std::int64_t number = 0;
    for (const char digit : value)
        if (__builtin_mul_overflow(number, std::int64_t{10}, &number) ||
            __builtin_add_overflow(number, std::int64_t{digit - '0'}, &number))
            number = std::numeric_limits<std::int64_t>::max();
    if (number < 1)
        refuse_value(ErrorCode::invalid_parameter, value, "is out of range", "The least value is 1.");
    if (number > most || value.size() > 18)
        refuse_value(ErrorCode::invalid_parameter, value, "is out of range", "The value is too large.");
    return number;
}

template <typename Use> void Parser::each_item(std::string_view value, Use use) const {
    for (std::size_t begin = 0;;) {
        const std::size_t end = std::min(value.find(',', begin), value.size());
        if (begin == end)
            refuse(ErrorCode::invalid_text, std::string(name_) + " with an empty list item", position_,
                   "List items are separated by single commas.");
        use(value.substr(begin, end - begin));
        if (end == value.size())
            return;
        begin = end + 1;
    }
}

std::vector<std::int16_t> Parser::parse_list(std::string_view value, const Domain &domain) const {
    std::vector<std::int16_t> numbers;
    each_item(value, [&](std::string_view item) { numbers.push_back(parse_list_number(item, domain)); });
    sort_unique(&numbers);
    return numbers;
}

std::int16_t Parser::parse_list_number(std::string_view item, const Domain &domain) const {
    const bool has_sign = item.front() == '+' || item.front() == '-';
    const std::string_view digits = item.substr(has_sign ? 1 : 0);
    if (name_ == "BYMONTH" && (item.back() == 'L' || item.back() == 'l') &&
        detail::all_digits(item.substr(0, item.size() - 1)))
        refuse_value(ErrorCode::invalid_parameter, item, "is a leap month",
                     "The Gregorian calendar has no leap months.");
    if (!detail::all_digits(digits) || (has_sign && !domain.is_signed))
        refuse_value(ErrorCode::invalid_text, item, "is not a number",
                     domain.is_signed ? "List items are whole numbers, a sign may precede them."
                                      : "List items are whole numbers without a sign.");
    int number = domain.most + 1;
    if (digits.size() <= domain.digits) {
        number = 0;
        for (const char digit : digits)
            number = number * 10 + (digit - '0');
    }
    if (number < domain.least || number > domain.most) {
        const std::string range = std::to_string(domain.least) + " to " + std::to_string(domain.most) +
                                  (domain.is_signed ? ", and negative from the end." : ".");
        refuse_value(ErrorCode::invalid_parameter, item, "is out of range", ("The values are " + range).c_str());
    }
    return static_cast<std::int16_t>(item.front() == '-' ? -number : number);
}

std::vector<WeekdayNum> Parser::parse_by_day(std::string_view value) const {
    std::vector<WeekdayNum> days;
    each_item(value, [&](std::string_view item) { days.push_back(parse_weekday_num(item)); });
    sort_unique(&days);
    return days;
}

WeekdayNum Parser::parse_weekday_num(std::string_view item) const {
    constexpr const char *shape = "A weekday is MO, TU, WE, TH, FR, SA or SU, an ordinal may precede it.";
    const std::string_view name = item.substr(item.size() < 2 ? 0 : item.size() - 2);
    const std::optional<std::size_t> day = index_of(weekday_names, name);
    if (!day)
        refuse_value(ErrorCode::invalid_text, item, "is unknown", shape, "For example BYDAY=MO,-1FR.");
    WeekdayNum entry{0, static_cast<Weekday>(*day)};
    const std::string_view ordinal = item.substr(0, item.size() - 2);
    if (ordinal.empty())
        return entry;
    const bool has_sign = ordinal.front() == '+' || ordinal.front() == '-';
    if (!detail::all_digits(ordinal.substr(has_sign ? 1 : 0)))
        refuse_value(ErrorCode::invalid_text, item, "is unknown", shape, "For example BYDAY=MO,-1FR.");
    entry.ordinal = parse_list_number(ordinal, {1, 53, true, 2});
    return entry;
}

Until Parser::parse_until(std::string_view value) const {
    const std::optional<detail::DateTimeText> found = detail::parse_date_time(value);
    if (!found)
        refuse_value(ErrorCode::invalid_text, value, "is not a date or date-time",
                     "A date is eight digits; a time follows after T as six digits, with Z when it is UTC.",
                     "For example UNTIL=20261231T235959Z or UNTIL=20261231.");
    if (!found->valid)
        refuse_value(ErrorCode::invalid_parameter, value, "is out of range", "There is no such date or time.");
    const Until::Kind kind = found->is_date  ? Until::Kind::date
                             : found->is_utc ? Until::Kind::instant
                                             : Until::Kind::local;
    return {kind, found->time.micros};
}

// The combinations that RFC 5545 §3.3.10 and RFC 7529 §4.1 forbid.
void Parser::check_combinations() const {
    if (!has(Part::freq))
        refuse(ErrorCode::invalid_text, "FREQ is missing", 1, "Every rule needs a frequency.",
               "For example FREQ=WEEKLY;BYDAY=MO.");
    if (has(Part::count) && has(Part::until))
        refuse_pair(position_of(Part::count) > position_of(Part::until) ? Part::count : Part::until,
                    position_of(Part::count) > position_of(Part::until) ? "COUNT together with UNTIL"
                                                                        : "UNTIL together with COUNT",
                    "A rule is bounded by one of them.", "Leave one of them out.");
    if (has(Part::skip) && !has(Part::rscale))
        refuse_pair(Part::skip, "SKIP without RSCALE", "SKIP belongs to RSCALE (RFC 7529, section 4.1).",
                    "Add RSCALE=GREGORIAN.");
    check_time_frame();
    const bool other_by_part = has(Part::by_second) || has(Part::by_minute) || has(Part::by_hour) ||
                               has(Part::by_day) || has(Part::by_month_day) || has(Part::by_year_day) ||
                               has(Part::by_week_no) || has(Part::by_month);
    if (has(Part::by_set_pos) && !other_by_part)
        refuse_pair(Part::by_set_pos, "BYSETPOS without another BY part",
                    "BYSETPOS selects from the set another BY part makes.", "For example BYDAY=MO,TU;BYSETPOS=-1.");
}

void Parser::check_time_frame() const {
    const Frequency freq = rule_.freq;
    const bool ordinals = std::any_of(rule_.by_day.begin(), rule_.by_day.end(),
                                      [](const WeekdayNum &entry) { return entry.ordinal != 0; });
    if (has(Part::by_week_no) && freq != Frequency::yearly)
        refuse_pair(Part::by_week_no, "BYWEEKNO outside of a YEARLY rule", "Weeks are numbered within the year.",
                    "Use FREQ=YEARLY.");
    if (ordinals && freq != Frequency::monthly && freq != Frequency::yearly)
        refuse_pair(Part::by_day, "BYDAY with an ordinal outside of a MONTHLY or YEARLY rule",
                    "Weekdays are numbered within the month or year.", "Use BYDAY=MO, or FREQ=MONTHLY.");
    if (ordinals && has(Part::by_week_no))
        refuse_pair(Part::by_day, "BYDAY with an ordinal together with BYWEEKNO", "A week has each weekday once.",
                    "Leave the ordinal out.");
    if (has(Part::by_month_day) && freq == Frequency::weekly)
        refuse_pair(Part::by_month_day, "BYMONTHDAY in a WEEKLY rule", "A week has no days of the month.",
                    "Use BYDAY, or FREQ=MONTHLY.");
    if (has(Part::by_year_day) && (freq == Frequency::daily || freq == Frequency::weekly || freq == Frequency::monthly))
        refuse_pair(Part::by_year_day, "BYYEARDAY in a DAILY, WEEKLY or MONTHLY rule",
                    "Days of the year belong to YEARLY rules, or to those below DAILY.", "Use FREQ=YEARLY.");
}

} // namespace

RRule parse_rrule(std::string_view text) { return Parser(text).parse(); }

} // namespace pg_clinic::core
