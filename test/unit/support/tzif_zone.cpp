// A reader of TZif files, kept apart from the core's own zone code so that it can check it.
#include "support/tzif_zone.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace pg_clinic::test {

using core::Instant;
using core::ZoneSpan;

namespace {

constexpr std::int64_t unix_seconds_of_2000 = 946'684'800;

std::int64_t big_endian(const std::string &bytes, std::size_t at, int size) {
    std::int64_t value = static_cast<signed char>(bytes.at(at));
    for (int i = 1; i < size; ++i)
        value = value * 256 + static_cast<unsigned char>(bytes.at(at + static_cast<std::size_t>(i)));
    return value;
}

std::string read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("no zone file " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string parse_name(const char *&p) {
    std::string name;
    if (*p == '<') {
        while (*p != '>')
            name += *p++;
        ++p;
    } else {
        while ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'))
            name += *p++;
    }
    return name;
}

int parse_int(const char *&p) {
    char *end = nullptr;
    const long value = std::strtol(p, &end, 10);
    p = end;
    return static_cast<int>(value);
}

int parse_seconds(const char *&p) {
    const bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        ++p;
    int seconds = parse_int(p) * 3600;
    for (int unit = 60; *p == ':'; unit /= 60) {
        ++p;
        seconds += parse_int(p) * unit;
    }
    return negative ? -seconds : seconds;
}

PosixDate parse_date(const char *&p) {
    PosixDate date;
    if (*p == 'M') {
        ++p;
        date.month = parse_int(p);
        ++p;
        date.week = parse_int(p);
        ++p;
        date.day = parse_int(p);
    } else {
        date.kind = *p == 'J' ? PosixDate::Kind::julian : PosixDate::Kind::zero_based;
        p += *p == 'J' ? 1 : 0;
        date.day = parse_int(p);
    }
    if (*p == '/') {
        ++p;
        date.seconds = parse_seconds(p);
    }
    return date;
}

core::Day day_of(const PosixDate &date, int year) {
    const core::Day new_year = core::to_day({year, 1, 1});
    if (date.kind == PosixDate::Kind::zero_based)
        return new_year + date.day;
    if (date.kind == PosixDate::Kind::julian)
        return new_year + (date.day - 1 + (core::is_leap_year(year) && date.day >= 60 ? 1 : 0));
    const core::Day first = core::to_day({year, date.month, 1});
    const int weekday = (static_cast<int>(core::weekday(first)) + 1) % 7; // Sunday is 0 in POSIX
    int day = (date.day - weekday + 7) % 7 + (date.week - 1) * 7;
    while (day >= core::days_in_month(year, date.month))
        day -= 7;
    return first + day;
}

Instant instant_of(const PosixDate &date, int year, int offset) {
    const std::int64_t seconds = day_of(date, year).days * 86'400LL + date.seconds - offset;
    return {seconds * core::micros_per_second};
}

} // namespace

PosixRule parse_posix_rule(const std::string &text) {
    PosixRule rule;
    const char *p = text.c_str();
    parse_name(p);
    rule.standard_offset = -parse_seconds(p);
    if (*p == '\0')
        return rule;
    rule.has_daylight = true;
    rule.daylight_offset = rule.standard_offset + 3600;
    parse_name(p);
    if (*p != ',')
        rule.daylight_offset = -parse_seconds(p);
    ++p;
    rule.daylight_begins = parse_date(p);
    ++p;
    rule.daylight_ends = parse_date(p);
    return rule;
}

TzifZone::TzifZone(std::string_view name) {
    const std::string bytes = read_file("/usr/share/zoneinfo/" + std::string(name));
    const auto count = [&](std::size_t header, int i) {
        return static_cast<std::size_t>(big_endian(bytes, header + 20 + static_cast<std::size_t>(i) * 4, 4));
    };
    // The version 1 block is skipped; counts are isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt.
    const std::size_t header =
        44 + count(0, 3) * 5 + count(0, 4) * 6 + count(0, 5) + count(0, 2) * 8 + count(0, 1) + count(0, 0);
    const std::size_t times = count(header, 3);
    const std::size_t types = count(header, 4);
    const std::size_t time_at = header + 44;
    const std::size_t index_at = time_at + times * 8;
    const std::size_t type_at = index_at + times;
    const auto offset = [&](std::size_t type) {
        return static_cast<std::int32_t>(big_endian(bytes, type_at + type * 6, 4));
    };
    first_offset_ = offset(0);
    std::int32_t before = first_offset_;
    for (std::size_t i = 0; i < times; ++i) {
        const std::int64_t seconds = big_endian(bytes, time_at + i * 8, 8) - unix_seconds_of_2000;
        const std::int32_t after = offset(static_cast<unsigned char>(bytes.at(index_at + i)));
        if (seconds > -400'000'000'000)
            transitions_.push_back({{seconds * core::micros_per_second}, before, after});
        before = after;
        if (transitions_.empty())
            first_offset_ = after;
    }
    const std::size_t footer =
        type_at + types * 6 + count(header, 5) + count(header, 2) * 12 + count(header, 1) + count(header, 0) + 1;
    const std::string rule = bytes.substr(footer, bytes.find('\n', footer) - footer);
    has_rule_ = !rule.empty();
    if (has_rule_)
        rule_ = parse_posix_rule(rule);
}

ZoneSpan TzifZone::span_at(Instant t) const {
    const auto after = std::upper_bound(transitions_.begin(), transitions_.end(), t,
                                        [](Instant value, const Transition &x) { return value < x.at; });
    ZoneSpan span{core::instant_min, core::instant_max, first_offset_};
    if (after != transitions_.begin()) {
        span.begin = (after - 1)->at;
        span.offset_seconds = (after - 1)->after;
    }
    if (after != transitions_.end()) {
        span.end = after->at;
        return span;
    }
    if (!has_rule_ || !rule_.has_daylight)
        return span;
    ZoneSpan by_rule = span_by_rule(t);
    by_rule.begin = std::max(by_rule.begin, span.begin);
    return by_rule;
}

ZoneSpan TzifZone::span_by_rule(Instant t) const {
    const int year = core::to_civil(core::date_of(core::LocalTime{t.micros})).year;
    std::vector<std::pair<Instant, int>> changes;
    for (int y = year - 1; y <= year + 1; ++y) {
        changes.emplace_back(instant_of(rule_.daylight_begins, y, rule_.standard_offset), rule_.daylight_offset);
        changes.emplace_back(instant_of(rule_.daylight_ends, y, rule_.daylight_offset), rule_.standard_offset);
    }
    std::sort(changes.begin(), changes.end());
    std::size_t i = 0;
    while (i + 2 < changes.size() && changes[i + 1].first <= t)
        ++i;
    return {changes[i].first, changes[i + 1].first, changes[i].second};
}

} // namespace pg_clinic::test
