// Recurrence rules as JSON: see rrule_json.hpp.
#include "pg/rrule_json.hpp"

#include "pg/boundary.hpp"
#include "pg/errors.hpp"

extern "C" {
#include "lib/stringinfo.h"
#include "utils/numeric.h"
}

namespace pg_clinic::pg {

namespace {

constexpr const char *frequencies[] = {"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"};
constexpr const char *weekdays[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
constexpr const char *skips[] = {"OMIT", "BACKWARD", "FORWARD"};

template <class Enum> std::string name_of(const char *const *names, Enum value) {
    return json_quoted(names[static_cast<std::size_t>(value)]);
}

std::string padded(std::int64_t number, std::size_t width) {
    std::string digits = std::to_string(number);
    return std::string(digits.size() < width ? width - digits.size() : 0, '0') + digits;
}

// UNTIL in the extended format of ISO 8601, as jCal writes times.
std::string until_text(const core::Until &until) {
    const core::LocalTime t{until.micros};
    const core::CivilDate date = core::to_civil(core::date_of(t));
    std::string text = padded(date.year, 4) + "-" + padded(date.month, 2) + "-" + padded(date.day, 2);
    if (until.kind == core::Until::Kind::date)
        return text;
    const std::int64_t seconds = core::time_of_day(t).micros / core::micros_per_second;
    text += "T" + padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2);
    return until.kind == core::Until::Kind::instant ? text + "Z" : text;
}

// Collects the members of the object.
class Members {
  public:
    void add(const char *key, const std::string &json) {
        text_ += (text_.empty() ? "{" : ", ") + json_quoted(key) + ": " + json;
    }

    void add_numbers(const char *key, const std::vector<std::int16_t> &numbers) {
        add_list(key, numbers, [](std::int16_t n) { return std::to_string(n); });
    }

    template <class T, class ToJson> void add_list(const char *key, const std::vector<T> &items, ToJson to_json) {
        if (items.size() == 1)
            return add(key, to_json(items.front()));
        std::string list;
        for (const T &item : items)
            list += (list.empty() ? "" : ", ") + to_json(item);
        if (!items.empty())
            add(key, "[" + list + "]");
    }

    std::string object() const { return text_ + "}"; }

  private:
    std::string text_;
};

std::string weekday_json(const core::WeekdayNum &entry) {
    const std::string ordinal = entry.ordinal == 0 ? "" : std::to_string(entry.ordinal);
    return json_quoted(ordinal + weekdays[static_cast<std::size_t>(entry.day)]);
}

// Everything below, to the end of this namespace, runs inside one pg_call: plain data only, no destructors.

// What the JSON turned out to be: the text of a rule, or the reason why it has none.
enum class Problem : std::uint8_t { none, shape, character, scalar };

struct RuleText {
    const char *text;
    Problem problem;
};

// Appends a value where only the characters of rule values may stand, so that no value can add a part. ISO 8601's
// dashes and colons go, as RRULE writes UNTIL without them.
bool append_characters(StringInfo out, std::string_view text, bool is_until) {
    for (const char c : text) {
        const bool punctuation = c == '-' || c == ':';
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (is_until && punctuation)
            continue;
        if (!plain && !punctuation && c != '+' && c != '.')
            return false;
        appendStringInfoChar(out, c);
    }
    return true;
}

std::string_view string_of(const JsonbValue &value) {
    return {value.val.string.val, static_cast<std::size_t>(value.val.string.len)};
}

Problem append_scalar(StringInfo out, const JsonbValue &value, bool is_until) {
    std::string_view text;
    if (value.type == jbvString)
        text = string_of(value);
    else if (value.type == jbvNumeric)
        text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
    else
        return Problem::scalar;
    return append_characters(out, text, is_until && value.type == jbvString) ? Problem::none : Problem::character;
}

// Writes the members of a JSON object as the parts of a rule.
class RuleWriter {
  public:
    RuleWriter() { initStringInfo(&out_); }

    Problem take(JsonbIteratorToken token, const JsonbValue &value) {
        switch (token) {
        case WJB_KEY:
            return begin_part(string_of(value));
        case WJB_BEGIN_ARRAY:
            first_in_list_ = true;
            return std::exchange(in_list_, true) ? Problem::shape : Problem::none;
        case WJB_END_ARRAY:
            in_list_ = false;
            return Problem::none;
        case WJB_VALUE:
        case WJB_ELEM:
            if (in_list_ && !std::exchange(first_in_list_, false))
                appendStringInfoChar(&out_, ',');
            return append_scalar(&out_, value, is_until_);
        default:
            return token == WJB_END_OBJECT ? Problem::none : Problem::shape;
        }
    }

    const char *text() const { return out_.data; }

  private:
    Problem begin_part(std::string_view key) {
        is_until_ = key.size() == 5 && pg_strncasecmp(key.data(), "until", 5) == 0;
        if (out_.len > 0)
            appendStringInfoChar(&out_, ';');
        const bool legal = append_characters(&out_, key, false);
        appendStringInfoChar(&out_, '=');
        return legal ? Problem::none : Problem::character;
    }

    StringInfoData out_;
    bool is_until_ = false;
    bool in_list_ = false;
    bool first_in_list_ = false;
};

RuleText rule_text(Jsonb *json) {
    if (!JB_ROOT_IS_OBJECT(json))
        return {nullptr, Problem::shape};
    RuleWriter writer;
    JsonbValue value;
    JsonbIterator *walk = JsonbIteratorInit(&json->root);
    JsonbIteratorToken token = JsonbIteratorNext(&walk, &value, false);
    while ((token = JsonbIteratorNext(&walk, &value, false)) != WJB_DONE)
        if (const Problem problem = writer.take(token, value); problem != Problem::none)
            return {nullptr, problem};
    return {writer.text(), Problem::none};
}

} // namespace

std::string rrule_to_json(const core::RRule &rule) {
    Members out;
    out.add("freq", name_of(frequencies, rule.freq));
    if (rule.rscale_gregorian)
        out.add("rscale", "\"GREGORIAN\"");
    if (rule.skip != core::Skip::omit)
        out.add("skip", name_of(skips, rule.skip));
    if (rule.until)
        out.add("until", json_quoted(until_text(*rule.until)));
    if (rule.count)
        out.add("count", std::to_string(*rule.count));
    if (rule.interval != 1)
        out.add("interval", std::to_string(rule.interval));
    out.add_numbers("bymonth", rule.by_month);
    out.add_numbers("byweekno", rule.by_week_no);
    out.add_numbers("byyearday", rule.by_year_day);
    out.add_numbers("bymonthday", rule.by_month_day);
    out.add_list("byday", rule.by_day, weekday_json);
    out.add_numbers("byhour", rule.by_hour);
    out.add_numbers("byminute", rule.by_minute);
    out.add_numbers("bysecond", rule.by_second);
    out.add_numbers("bysetpos", rule.by_set_pos);
    if (rule.wkst != core::Weekday::monday)
        out.add("wkst", name_of(weekdays, rule.wkst));
    return out.object();
}

std::string rrule_text_from_json(Datum json) {
    const RuleText rule = pg_call([json] { return rule_text(DatumGetJsonbP(json)); });
    if (rule.problem == Problem::none)
        return rule.text;
    const char *what = rule.problem == Problem::character
                           ? "a recurrence rule in JSON has a value with an invalid character"
                       : rule.problem == Problem::scalar
                           ? "a recurrence rule in JSON has a value that is neither a string nor a number"
                           : "a recurrence rule in JSON must be an object";
    fail(ERRCODE_INVALID_PARAMETER_VALUE, what, "Its values are strings, numbers, and arrays of them.",
         "For example: {\"freq\": \"WEEKLY\", \"byday\": [\"MO\", \"TH\"]}.", "rule");
}

} // namespace pg_clinic::pg
