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

constexpr const char *frequencies[] = {"SECONDLY", "MINUTELY", "HOURLY", "DAILY",
                                       "WEEKLY",   "MONTHLY",  "YEARLY"};
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
    text +=
        "T" + padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2);
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

    template <class T, class ToJson>
    void add_list(const char *key, const std::vector<T> &items, ToJson to_json) {
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

// Everything below runs inside one pg_call and may raise as the server does: plain data only, no destructors.

// Appends a value where only the characters of rule values may stand, so that no value can add a part. ISO 8601's
// dashes and colons go, as RRULE writes UNTIL without them.
void append_characters(StringInfo out, const char *text, int length, bool is_until) {
    for (int i = 0; i < length; ++i) {
        const char c = text[i];
        const bool punctuation = c == '-' || c == ':';
        if (is_until && punctuation)
            continue;
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain && c != '+' && c != '.' && !punctuation)
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                            errmsg("a recurrence rule in JSON has a value with an invalid character")));
        appendStringInfoChar(out, c);
    }
}

void append_scalar(StringInfo out, const JsonbValue &value, bool is_until) {
    if (value.type == jbvString) {
        append_characters(out, value.val.string.val, value.val.string.len, is_until);
    } else if (value.type == jbvNumeric) {
        const char *number =
            DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
        append_characters(out, number, static_cast<int>(std::strlen(number)), false);
    } else {
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                 errmsg("a recurrence rule in JSON has a value that is neither a string nor a number")));
    }
}

[[noreturn]] void refuse_shape() {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a recurrence rule in JSON must be an object"),
             errdetail("Its values are strings, numbers, and arrays of them."),
             errhint("For example: {\"freq\": \"WEEKLY\", \"byday\": [\"MO\", \"TH\"]}.")));
    pg_unreachable();
}

const char *rule_text(Jsonb *json) {
    StringInfoData out;
    JsonbValue value;
    bool is_until = false, in_list = false, first_in_list = false;
    initStringInfo(&out);
    if (!JB_ROOT_IS_OBJECT(json))
        refuse_shape();
    JsonbIterator *walk = JsonbIteratorInit(&json->root);
    JsonbIteratorToken token = JsonbIteratorNext(&walk, &value, false);
    while ((token = JsonbIteratorNext(&walk, &value, false)) != WJB_DONE) {
        if (token == WJB_KEY) {
            is_until = value.val.string.len == 5 && pg_strncasecmp(value.val.string.val, "until", 5) == 0;
            if (out.len > 0)
                appendStringInfoChar(&out, ';');
            append_characters(&out, value.val.string.val, value.val.string.len, false);
            appendStringInfoChar(&out, '=');
        } else if (token == WJB_BEGIN_ARRAY && !in_list) {
            in_list = first_in_list = true;
        } else if (token == WJB_END_ARRAY) {
            in_list = false;
        } else if (token == WJB_VALUE || token == WJB_ELEM) {
            if (in_list && !std::exchange(first_in_list, false))
                appendStringInfoChar(&out, ',');
            append_scalar(&out, value, is_until);
        } else if (token != WJB_END_OBJECT) {
            refuse_shape();
        }
    }
    return out.data;
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
    return pg_call([json] { return rule_text(DatumGetJsonbP(json)); });
}

} // namespace pg_clinic::pg
