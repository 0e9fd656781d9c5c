// What the planner may know about clinic.occurrences: how many rows come, and what they cost.
//
// Only constant arguments are looked at, and the rule is never expanded. Arguments that are wrong give no estimate:
// the error belongs to execution.
#include "core/recurrence_set.hpp"
#include "pg/datum.hpp"
#include "pg/iso_time.hpp"
#include "pg/zone_pg.hpp"

namespace pg_clinic::pg {

namespace {

constexpr double default_rows = 100;

// The arguments of the call as the planner sees them: each a constant, or unknown.
class Call {
  public:
    Call(PlannerInfo *root, FuncExpr *function)
        : arguments_(pg_call([root, function] { return constants(root, function->args); })) {}

    int count() const { return list_length(arguments_); }

    // The argument, when it is a constant that is not null.
    const Const *get(int i) const {
        const auto *constant = static_cast<const Const *>(list_nth(arguments_, i));
        return constant == nullptr || constant->constisnull ? nullptr : constant;
    }

    bool is_null(int i) const {
        const auto *constant = static_cast<const Const *>(list_nth(arguments_, i));
        return constant != nullptr && constant->constisnull;
    }

  private:
    static List *constants(PlannerInfo *root, List *arguments) {
        List *out = NIL;
        ListCell *cell = nullptr;
        foreach (cell, arguments) {
            Node *node = estimate_expression_value(root, static_cast<Node *>(lfirst(cell)));
            out = lappend(out, IsA(node, Const) ? node : nullptr);
        }
        return out;
    }

    List *arguments_;
};

// A constant time: a timestamp of either type, or an untyped literal in ISO form.
std::optional<std::int64_t> micros(const Const *constant) {
    if (constant == nullptr)
        return std::nullopt;
    if (constant->consttype != TEXTOID)
        return DatumGetInt64(constant->constvalue);
    const std::string_view text = text_view(constant->constvalue);
    if (text == "-infinity" || text == "infinity")
        return text.front() == '-' ? core::instant_min.micros : core::instant_max.micros;
    const auto time = parse_iso_time(text);
    return time ? std::optional(time->local.micros - time->offset_seconds.value_or(0) * core::micros_per_second)
                : std::nullopt;
}

// Narrows the range by the constant arguments; false when a bound is unknown, so that an endless rule has no estimate.
bool read_range(const Call &call, int start, int end, core::InstantRange &range) {
    const auto begin_micros = micros(call.get(start)), end_micros = micros(call.get(end));
    if (begin_micros)
        range.begin = {*begin_micros};
    if (end_micros)
        range.end = {*end_micros};
    return (begin_micros || call.is_null(start)) && (end_micros || call.is_null(end));
}

double count_of(const Call &call, int i) {
    if (call.is_null(i))
        return std::numeric_limits<double>::infinity();
    const Const *limit = call.get(i);
    return limit == nullptr ? default_rows : std::max(0, DatumGetInt32(limit->constvalue));
}

std::optional<double> estimate(const Call &call, const core::RecurrenceSpec &spec, int start, int end, int max_count) {
    core::InstantRange range;
    const double limit = count_of(call, max_count);
    if (!read_range(call, start, end, range) && core::is_unbounded(spec))
        return limit < default_rows ? std::optional(limit) : std::nullopt;
    if (range.end == core::instant_max && core::is_unbounded(spec))
        return limit;
    return std::min(limit, core::estimate_occurrences(spec, range));
}

std::optional<double> estimate_rule(const Call &call) {
    const Const *rule = call.get(0);
    const auto dtstart = micros(call.get(1));
    if (rule == nullptr || !dtstart)
        return std::nullopt;
    core::RecurrenceSpec spec;
    spec.dtstart = {*dtstart};
    spec.rules.push_back(core::parse_rrule(text_view(rule->constvalue)));
    return estimate(call, spec, 3, 4, 7);
}

std::optional<double> estimate_icalendar(const Call &call) {
    const Const *block = call.get(0);
    if (block == nullptr)
        return std::nullopt;
    const auto parsed = core::parse_icalendar(text_view(block->constvalue), &zone_named);
    return estimate(call, parsed.spec, 1, 2, 3);
}

std::optional<double> estimate_rows(PlannerInfo *root, Node *node) {
    if (node == nullptr || !IsA(node, FuncExpr))
        return std::nullopt;
    const Call call(root, reinterpret_cast<FuncExpr *>(node));
    std::optional<double> rows;
    try {
        rows = call.count() == 9 ? estimate_rule(call) : estimate_icalendar(call);
    } catch (const core::Error &) {
        return std::nullopt;
    } catch (const SqlError &) {
        return std::nullopt;
    }
    return rows && *rows < 1e12 ? std::optional(std::max(1.0, *rows)) : std::nullopt;
}

} // namespace

// clinic_private.occurrences_support(internal)
CLINIC_FUNCTION(clinic_occurrences_support) {
    auto *request = reinterpret_cast<Node *>(PG_GETARG_POINTER(0));
    if (IsA(request, SupportRequestRows)) {
        auto *rows = reinterpret_cast<SupportRequestRows *>(request);
        if (const auto estimated = estimate_rows(rows->root, rows->node)) {
            rows->rows = *estimated;
            return PointerGetDatum(request);
        }
    } else if (IsA(request, SupportRequestCost)) {
        auto *cost = reinterpret_cast<SupportRequestCost *>(request);
        cost->startup = 0;
        cost->per_tuple = cpu_operator_cost * (100 + 5 * estimate_rows(cost->root, cost->node).value_or(default_rows));
        return PointerGetDatum(request);
    }
    return PointerGetDatum(nullptr);
}

} // namespace pg_clinic::pg
