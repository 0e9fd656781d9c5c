// The arguments of the recurrence functions: see recurrence_args.hpp.
#include "pg/recurrence_args.hpp"

#include "pg/zone_pg.hpp"

extern "C" {
#include "utils/fmgroids.h"
}

namespace pg_clinic::pg {

namespace {

// Reads a literal with the input function of its type, as the parser would have.
Datum from_literal(const Args &args, int i, Oid input_function, Oid element) {
    const auto text = args.get<std::string>(i);
    const char *chars = text.c_str();
    return pg_call([=] { return OidInputFunctionCall(input_function, const_cast<char *>(chars), element, -1); });
}

Datum time_datum(const Args &args, Form form, int i, Oid input_function) {
    return form == Form::typed ? args.datum(i) : from_literal(args, i, input_function, InvalidOid);
}

std::vector<core::LocalTime> local_times(const Args &args, Form form, int i, const char *name) {
    if (args.is_null(i))
        return {};
    const Datum array = form == Form::typed ? args.datum(i) : from_literal(args, i, F_ARRAY_IN, TIMESTAMPOID);
    auto times = Sql<std::vector<core::LocalTime>>::from(array);
    for (const core::LocalTime t : times)
        finite(t, name);
    return times;
}

// The rules read last, by their text: a table of rules holds the same few texts many times, and reading one costs as much
// as expanding it over a week. Each text has one place, which the next text of that place takes over.
struct KeptRule {
    std::string text;
    core::RRule rule;
};
using KeptRules = std::array<std::unique_ptr<KeptRule>, 2048>;
constexpr std::size_t longest_kept = 128; // bytes of text; longer ones share a place

std::unique_ptr<KeptRule> &place_of(std::string_view text) {
    static constinit KeptRules *all = nullptr;
    if (all == nullptr)
        all = new KeptRules;
    return (*all)[text.size() > longest_kept ? 0 : std::hash<std::string_view>()(text) % all->size()];
}

const core::RRule &kept_rule(std::string_view text) {
    std::unique_ptr<KeptRule> &place = place_of(text);
    if (!place || place->text != text)
        place = std::make_unique<KeptRule>(KeptRule{std::string(text), core::parse_rrule(text)});
    return place->rule;
}

void require(const Args &args, int i, const char *name) {
    if (args.is_null(i))
        fail(ERRCODE_NULL_VALUE_NOT_ALLOWED, std::string("argument \"") + name + "\" must not be null",
             std::string("The argument is ") + name + ".",
             std::string("Pass a value by name, as in ") + name + " => ... .", name);
}

} // namespace

core::Gap gap_argument(const Args &args, int i) {
    const auto gap = args.get_or<std::string_view>(i, "skip");
    if (gap == "skip")
        return core::Gap::skip;
    if (gap == "shift")
        return core::Gap::shift;
    fail(ERRCODE_INVALID_PARAMETER_VALUE, "invalid value for argument \"gap\": \"" + shown(gap) + "\"",
         "It decides what becomes of local times that the zone's clock skips.",
         "Use 'skip' to leave them out, or 'shift' to move them by the length of the gap.", "gap");
}

RuleArguments read_rule(const Args &args, Form form, int rdates, int exdates, int gap) {
    require(args, 0, "rule");
    require(args, 1, "dtstart");
    RuleArguments out{};
    out.zone = reading("tz", [&] { return &zone_named(args.required<std::string_view>(2, "tz")); });
    out.rule = reading("rule", [&] { return &kept_rule(args.get<std::string_view>(0)); });
    out.dtstart = finite(Sql<core::LocalTime>::from(time_datum(args, form, 1, F_TIMESTAMP_IN)), "dtstart");
    out.rdates = local_times(args, form, rdates, "rdates");
    out.exdates = local_times(args, form, exdates, "exdates");
    out.gap = gap_argument(args, gap);
    return out;
}

Recurrence recurrence(RuleArguments &&arguments) {
    Recurrence out{};
    out.zone = arguments.zone;
    out.spec.rules.push_back(*arguments.rule);
    out.spec.dtstart = arguments.dtstart;
    out.spec.rdates = std::move(arguments.rdates);
    out.spec.exdates = std::move(arguments.exdates);
    out.spec.gap = arguments.gap;
    return out;
}

Recurrence rule_argument(const Args &args, Form form, int rdates, int exdates, int gap) {
    return recurrence(read_rule(args, form, rdates, exdates, gap));
}

Recurrence icalendar_argument(const Args &args, int gap, int tz) {
    core::ICalendarBlock block = reading(
        "icalendar", [&] { return core::parse_icalendar(args.required<std::string>(0, "icalendar"), &zone_named); });
    std::string zone = block.tzid;
    if (zone.empty()) {
        if (args.is_null(tz))
            fail(ERRCODE_INVALID_PARAMETER_VALUE, "the times of the iCalendar block have no time zone",
                 "DTSTART has neither a TZID nor a Z.", "Pass the zone of floating times: tz => 'Europe/Vienna'.",
                 "tz");
        zone = args.get<std::string>(tz);
    }
    block.spec.gap = gap_argument(args, gap);
    return {std::move(block.spec), reading("tz", [&] { return &zone_named(zone); })};
}

std::optional<core::Instant> instant_argument(const Args &args, Form form, int i) {
    if (args.is_null(i))
        return std::nullopt;
    return Sql<core::Instant>::from(time_datum(args, form, i, F_TIMESTAMPTZ_IN));
}

core::Instant required_instant(const Args &args, Form form, int i, const char *name) {
    require(args, i, name);
    return *instant_argument(args, form, i);
}

} // namespace pg_clinic::pg
