// Zone rules from the server's tzdata: see zone_pg.hpp.
//
// A zone is read once per backend into a table of spans up to the year 2500. All tzdata rules of the far future
// repeat after 400 years (the Gregorian cycle, a whole number of weeks), and the last explicit transitions lie in 2087,
// so a later instant is moved back by whole cycles into the years 2100 to 2499.
#include "pg/zone_pg.hpp"

#include "pg/datum.hpp"

namespace pg_clinic::pg {

namespace {

using core::Instant;
using core::ZoneSpan;

constexpr std::int64_t unix_epoch_seconds = 946'684'800; // 2000-01-01 in Unix time
constexpr std::int64_t first_second = -211'000'000'000;  // about 4700 BC: before any transition
constexpr std::int64_t cycle_micros = std::int64_t{146'097} * core::micros_per_day;
constexpr std::int64_t table_end_micros = std::int64_t{182'622} * core::micros_per_day; // 2500-01-01

Instant from_unix(pg_time_t seconds) { return {(seconds - unix_epoch_seconds) * core::micros_per_second}; }

class PgZone final : public core::Zone {
  public:
    explicit PgZone(pg_tz *zone) : name_(pg_get_timezone_name(zone)), spans_(read_spans(zone)) {}

    const std::string &name() const { return name_; }

    ZoneSpan span_at(Instant t) const override {
        if (t.micros < table_end_micros || spans_.back().end == core::instant_max)
            return find(t);
        const std::int64_t shift = ((t.micros - table_end_micros) / cycle_micros + 1) * cycle_micros;
        ZoneSpan span = find({t.micros - shift});
        span.begin.micros = later(span.begin.micros, shift);
        span.end.micros = later(span.end.micros, shift);
        return span;
    }

  private:
    // t + shift, but no further than the end of time.
    static std::int64_t later(std::int64_t t, std::int64_t shift) {
        std::int64_t sum = 0;
        return __builtin_add_overflow(t, shift, &sum) ? core::instant_max.micros : sum;
    }

    // Walks the transitions up to the first one after the table's end.
    static std::vector<ZoneSpan> read_spans(const pg_tz *zone) {
        std::vector<ZoneSpan> spans;
        Instant begin = core::instant_min;
        pg_time_t t = first_second;
        while (begin.micros < table_end_micros) {
            long before = 0, after = 0;
            int before_dst = 0, after_dst = 0;
            pg_time_t boundary = 0;
            const int found = pg_next_dst_boundary(&t, &before, &before_dst, &boundary, &after, &after_dst, zone);
            const Instant end = found == 1 ? from_unix(boundary) : core::instant_max;
            append(spans, {begin, end, static_cast<std::int32_t>(before)});
            if (found != 1)
                break;
            begin = end;
            t = boundary;
        }
        return spans;
    }

    // Adds a span, joined to the last one when only names or flags changed between them.
    static void append(std::vector<ZoneSpan> &spans, const ZoneSpan &span) {
        if (!spans.empty() && spans.back().offset_seconds == span.offset_seconds)
            spans.back().end = span.end;
        else
            spans.push_back(span);
    }

    // The span of the table that holds t. Callers walk through time, so the last one found is tried first.
    const ZoneSpan &find(Instant t) const {
        const ZoneSpan &last = spans_[last_];
        if (last.begin <= t && t < last.end)
            return last;
        const auto after = std::upper_bound(spans_.begin(), spans_.end(), t,
                                            [](Instant wanted, const ZoneSpan &s) { return wanted < s.begin; });
        last_ = static_cast<std::size_t>(after - spans_.begin()) - 1;
        return spans_[last_];
    }

    std::string name_;
    std::vector<ZoneSpan> spans_;
    mutable std::size_t last_ = 0;
};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string upper(std::string_view text) {
    std::string out(text);
    for (char &c : out)
        c = upper(c);
    return out;
}

constexpr std::string_view in_capitals[] = {"CET",   "CST6CDT", "EET", "EST", "EST5EDT", "GB",      "GMT",  "GMT+0",
                                            "GMT-0", "GMT0",    "HST", "MET", "MST",     "MST7MDT", "NZ",   "NZ-CHAT",
                                            "PRC",   "PST8PDT", "ROC", "ROK", "UCT",     "UTC",     "W-SU", "WET"};

bool is_in_capitals(std::string_view name) {
    return std::find(std::begin(in_capitals), std::end(in_capitals), name) != std::end(in_capitals);
}

// A POSIX string always has a digit; the server keeps each one it has read for ever. The names of files with digits are
// those in capitals, and Etc/GMT+1 and the like.
bool may_be_posix(std::string_view folded) {
    constexpr std::string_view fixed = "ETC/GMT";
    if (folded.find_first_of("0123456789") == std::string_view::npos)
        return false;
    return !is_in_capitals(folded) && !(folded.starts_with(fixed) && folded.size() <= fixed.size() + 3);
}

// True for text that could name a tzdata file and is none of those that mean no zone in particular.
bool is_plausible(std::string_view folded) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-";
    constexpr std::string_view refused[] = {"FACTORY", "LOCALTIME", "POSIXRULES", "POSIX", "RIGHT"};
    if (folded.empty() || folded.size() > TZ_STRLEN_MAX || folded.front() == '/' ||
        folded.find_first_not_of(allowed) != std::string_view::npos || may_be_posix(folded))
        return false;
    const std::string_view first = folded.substr(0, folded.find('/'));
    return std::find(std::begin(refused), std::end(refused), first) == std::end(refused);
}

// Tells a zone read from a file from one made of a POSIX string. The server spells a file's zone as the file is
// spelled, and a POSIX string in capitals; the few files spelled in capitals are listed.
bool is_file_name(std::string_view spelled) {
    const bool mixed = std::any_of(spelled.begin(), spelled.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    return mixed || is_in_capitals(spelled);
}

// The zones of this backend by folded name; never taken down, since references to them are handed out. Most calls name the
// zone that the call before named.
struct Zones {
    std::unordered_map<std::string, std::unique_ptr<PgZone>> by_name;
    std::string last_name; // as it was given
    const PgZone *last = nullptr;
};

Zones &zones() {
    static constinit Zones *all = nullptr;
    if (all == nullptr)
        all = new Zones;
    return *all;
}

const PgZone *look_up(std::string_view name) {
    const std::string folded = upper(name);
    if (!is_plausible(folded))
        return nullptr;
    auto &known = zones().by_name;
    if (const auto found = known.find(folded); found != known.end())
        return found->second.get();
    const char *text = folded.c_str();
    pg_tz *zone = pg_call([text]() -> pg_tz * {
        pg_tz *found = pg_tzset(text);
        return found != nullptr && pg_tz_acceptable(found) ? found : nullptr;
    });
    if (zone == nullptr || !is_file_name(pg_get_timezone_name(zone)))
        return nullptr;
    return known.emplace(folded, std::make_unique<PgZone>(zone)).first->second.get();
}

const PgZone *find_zone(std::string_view name) {
    Zones &all = zones();
    if (all.last != nullptr && all.last_name == name)
        return all.last;
    const PgZone *found = look_up(name);
    if (found != nullptr) {
        all.last = nullptr;
        all.last_name = name;
        all.last = found;
    }
    return found;
}

const PgZone &require_zone(std::string_view name) {
    if (const PgZone *zone = find_zone(name))
        return *zone;
    const std::string text = shown(name);
    raise(Code::invalid_time_zone, "unknown time zone \"" + text + "\"", Detail().add("time_zone", text));
}

} // namespace

const core::Zone &zone_named(std::string_view name) { return require_zone(name); }

std::string canonical_zone_name(std::string_view name) { return require_zone(name).name(); }

bool is_zone_name(std::string_view name) { return find_zone(name) != nullptr; }

// clinic.is_time_zone(text)
CLINIC_FUNCTION(clinic_is_time_zone) { return BoolGetDatum(is_zone_name(Args(fcinfo).get<std::string_view>(0))); }

// clinic.canonical_time_zone(text)
CLINIC_FUNCTION(clinic_canonical_time_zone) {
    return reading("name", [&] { return text_datum(canonical_zone_name(Args(fcinfo).get<std::string_view>(0))); });
}

} // namespace pg_clinic::pg
