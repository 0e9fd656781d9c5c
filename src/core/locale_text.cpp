// Dates, times and money as people of a locale write them: see locale_text.hpp.
#include "core/locale_text.hpp"

#include <algorithm>
#include <array>

namespace pg_clinic::core {

namespace {

enum class Style { neutral, american, british, indian, hindi };

constexpr std::array<const char *, 7> english_days{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};
constexpr std::array<const char *, 12> english_months{"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<const char *, 7> hindi_days{"सोमवार", "मंगलवार", "बुधवार", "गुरुवार", "शुक्रवार", "शनिवार", "रविवार"};
constexpr std::array<const char *, 12> hindi_months{"जनवरी", "फ़रवरी", "मार्च",  "अप्रैल",  "मई",   "जून",
                                                    "जुलाई",  "अगस्त",  "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"};

// The part of the day that goes before an hour in Hindi: from each hour on.
struct DayPart {
    std::int64_t from_hour;
    const char *name;
};
constexpr std::array<DayPart, 5> hindi_day_parts{{{0, "रात"}, {4, "सुबह"}, {12, "दोपहर"}, {16, "शाम"}, {20, "रात"}}};

// What is written before an amount. "$" alone is the dollar of the reader's own country.
struct Currency {
    std::string_view code;
    const char *sign; // null: the code
    std::size_t digits;
};
constexpr std::array<Currency, 10> currencies{{{"USD", "US$", 2},
                                               {"GBP", "£", 2},
                                               {"EUR", "€", 2},
                                               {"INR", "₹", 2},
                                               {"AUD", "A$", 2},
                                               {"CAD", "CA$", 2},
                                               {"JPY", "¥", 0},
                                               {"KRW", "₩", 0},
                                               {"KWD", nullptr, 3},
                                               {"BHD", nullptr, 3}}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

Style style_of(std::string_view locale) {
    std::string tag(locale);
    std::transform(tag.begin(), tag.end(), tag.begin(), lower);
    if (tag == "hi" || tag.starts_with("hi-"))
        return Style::hindi;
    if (tag == "en" || tag == "en-us" || tag == "en-ca" || tag == "en-ph")
        return Style::american;
    if (tag == "en-in")
        return Style::indian;
    return tag.starts_with("en-") ? Style::british : Style::neutral;
}

std::string padded(std::int64_t number, std::size_t width) {
    std::string digits = std::to_string(number);
    return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

const char *day_name(Style style, Day day) {
    const auto index = static_cast<std::size_t>(weekday(day));
    return style == Style::hindi ? hindi_days[index] : english_days[index];
}

// Digits with commas: every three, or after the first three every two.
std::string grouped(const std::string &digits, std::size_t second_group) {
    std::string out;
    std::size_t in_group = 0, size = 3;
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
        if (in_group == size) {
            out += ',';
            in_group = 0;
            size = second_group;
        }
        out += *digit;
        ++in_group;
    }
    return {out.rbegin(), out.rend()};
}

// A decimal number taken apart: digits before the point without leading zeros, digits behind it.
struct Decimal {
    bool negative = false;
    std::string whole;
    std::string fraction;
};

std::optional<Decimal> parse_decimal(std::string_view text) {
    Decimal number;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        number.negative = text.front() == '-';
        text.remove_prefix(1);
    }
    const std::size_t point = text.find('.');
    number.whole = text.substr(0, point);
    if (point != std::string_view::npos)
        number.fraction = text.substr(point + 1);
    const auto all_digits = [](const std::string &t) { return std::all_of(t.begin(), t.end(), is_digit); };
    if (number.whole.empty() || !all_digits(number.whole) || !all_digits(number.fraction))
        return std::nullopt;
    number.whole.erase(0, std::min(number.whole.find_first_not_of('0'), number.whole.size() - 1));
    return number;
}

// Rounds half away from zero to so many digits behind the point.
void round_to(Decimal &number, std::size_t digits) {
    const bool up = number.fraction.size() > digits && number.fraction[digits] >= '5';
    number.fraction.resize(digits, '0');
    std::string all = number.whole + number.fraction;
    if (up) {
        auto digit = all.rbegin();
        while (digit != all.rend() && *digit == '9')
            *digit++ = '0';
        if (digit == all.rend())
            all.insert(all.begin(), '1');
        else
            ++*digit;
    }
    number.whole = all.substr(0, all.size() - digits);
    number.fraction = all.substr(all.size() - digits);
    if (all.find_first_not_of('0') == std::string::npos)
        number.negative = false;
}

} // namespace

std::string date_text(std::string_view locale, Day day) {
    const Style style = style_of(locale);
    const CivilDate date = to_civil(day);
    const auto month = static_cast<std::size_t>(date.month - 1);
    const std::string year = std::to_string(date.year), number = std::to_string(date.day);
    switch (style) {
    case Style::american:
        return std::string(day_name(style, day)) + ", " + english_months[month] + " " + number + ", " + year;
    case Style::british:
        return std::string(day_name(style, day)) + " " + number + " " + english_months[month] + " " + year;
    case Style::indian:
        return std::string(day_name(style, day)) + ", " + number + " " + english_months[month] + " " + year;
    case Style::hindi:
        return std::string(day_name(style, day)) + ", " + number + " " + hindi_months[month] + " " + year;
    case Style::neutral:
        break;
    }
    return padded(date.year, 4) + "-" + padded(date.month, 2) + "-" + padded(date.day, 2);
}

std::string weekday_text(std::string_view locale, Day day) {
    const Style style = style_of(locale);
    return style == Style::neutral ? "" : day_name(style, day);
}

std::string time_text(std::string_view locale, Duration time_of_day) {
    const Style style = style_of(locale);
    const std::int64_t minute_of_day = time_of_day.micros / micros_per_minute;
    const std::int64_t hour = minute_of_day / 60;
    const std::string minute = padded(minute_of_day % 60, 2);
    const std::string twelve = std::to_string((hour + 11) % 12 + 1) + ":" + minute;
    switch (style) {
    case Style::american:
        return twelve + (hour < 12 ? " AM" : " PM");
    case Style::indian:
        return twelve + (hour < 12 ? " am" : " pm");
    case Style::hindi: {
        const auto part = std::find_if(hindi_day_parts.rbegin(), hindi_day_parts.rend(),
                                       [hour](const DayPart &p) { return p.from_hour <= hour; });
        return std::string(part->name) + " " + twelve + " बजे";
    }
    case Style::british:
    case Style::neutral:
        break;
    }
    return padded(hour, 2) + ":" + minute;
}

std::optional<std::string> money_text(std::string_view locale, std::string_view amount, std::string_view currency) {
    if (currency.size() != 3 ||
        !std::all_of(currency.begin(), currency.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
        return std::nullopt;
    auto number = parse_decimal(amount);
    if (!number)
        return std::nullopt;
    const Style style = style_of(locale);
    const auto known = std::find_if(currencies.begin(), currencies.end(),
                                    [currency](const Currency &c) { return c.code == currency; });
    round_to(*number, known == currencies.end() ? 2 : known->digits);
    const std::string minus = number->negative ? "-" : "";
    const std::string fraction = number->fraction.empty() ? "" : "." + number->fraction;
    if (style == Style::neutral)
        return minus + std::string(currency) + " " + number->whole + fraction;
    std::string sign = std::string(currency) + " ";
    if (known != currencies.end() && known->sign != nullptr)
        sign = style == Style::american && currency == "USD" ? "$" : known->sign;
    const bool lakhs = style == Style::indian || style == Style::hindi;
    return minus + sign + grouped(number->whole, lakhs ? 2 : 3) + fraction;
}

std::vector<std::string> language_chain(std::string_view tag) {
    constexpr std::size_t longest_part = 8;
    std::vector<std::string> chain;
    std::size_t length = 0;
    for (std::size_t i = 0; i <= tag.size(); ++i) {
        if (i < tag.size() && tag[i] != '-') {
            if (!is_letter(tag[i]) && !(is_digit(tag[i]) && !chain.empty()))
                return {};
            ++length;
            continue;
        }
        if (length == 0 || length > longest_part || (chain.empty() && length < 2))
            return {};
        chain.emplace(chain.begin(), tag.substr(0, i));
        length = 0;
    }
    return chain;
}

} // namespace pg_clinic::core
