// clinic.occurrences and its kin: the instances of recurrence sets.
//
// Rows are computed one by one as they are asked for, so neither a long expansion nor a LIMIT in the select list costs
// memory or work for rows nobody reads. The budget of core::Work bounds each call; cancel and timeout interrupt it.
#include "pg/recurrence_args.hpp"

namespace pg_clinic::pg {

namespace {

// What clinic.occurrences shall return of a set.
struct Wanted {
    core::InstantRange range;
    std::optional<std::int64_t> max_count;
};

Wanted wanted(const Args &args, Form form, int range_start, int range_end, int max_count) {
    Wanted out;
    out.range.begin = instant_argument(args, form, range_start).value_or(core::instant_min);
    out.range.end = instant_argument(args, form, range_end).value_or(core::instant_max);
    out.max_count = args.optional<std::int32_t>(max_count);
    if (out.range.end < out.range.begin)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "argument \"range_end\" must not lie before \"range_start\"", {}, {},
             "range_end");
    if (out.max_count && *out.max_count < 0)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "argument \"max_count\" must not be negative", {}, {}, "max_count");
    return out;
}

void refuse_endless(const Recurrence &recurrence, const Wanted &want) {
    if (want.range.end != core::instant_max || want.max_count || !core::is_unbounded(recurrence.spec))
        return;
    fail(ERRCODE_INVALID_PARAMETER_VALUE, "the rule has no end, and neither \"range_end\" nor \"max_count\" is given",
         "A rule without COUNT and UNTIL goes on for ever.",
         "Pass range_end or max_count, or add COUNT or UNTIL to the rule.", "range_end");
}

// An expansion under way, alive between the calls of the function.
class Expansion {
  public:
    Expansion(Recurrence recurrence, const Wanted &want)
        : spec_(std::move(recurrence.spec)), end_(want.range.end),
          left_(want.max_count.value_or(std::numeric_limits<std::int64_t>::max())),
          iterator_(spec_, *recurrence.zone, work_, want.range.begin) {}

    std::optional<core::Instant> next() {
        if (left_ == 0)
            return std::nullopt;
        const auto t = iterator_.next();
        if (!t || *t >= end_)
            return std::nullopt;
        --left_;
        return t;
    }

  private:
    core::RecurrenceSpec spec_;
    core::Instant end_;
    std::int64_t left_;
    core::Work work_ = interruptible_work();
    core::RecurrenceIterator iterator_; // refers to spec_ and work_
};

// Returns the next row of the expansion that `start` makes at the first call.
template <class Start> Datum stream(FunctionCallInfo fcinfo, Start start) {
    if (fcinfo->flinfo->fn_extra == nullptr) {
        auto [recurrence, want] = start(Args(fcinfo));
        refuse_endless(recurrence, want);
        FuncCallContext *calls = pg_call([fcinfo] { return init_MultiFuncCall(fcinfo); });
        calls->user_fctx = make_in_context<Expansion>(calls->multi_call_memory_ctx, std::move(recurrence), want);
    }
    FuncCallContext *calls = pg_call([fcinfo] { return per_MultiFuncCall(fcinfo); });
    auto *info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    if (const auto t = static_cast<Expansion *>(calls->user_fctx)->next()) {
        ++calls->call_cntr;
        info->isDone = ExprMultipleResult;
        return Sql<core::Instant>::to(*t);
    }
    pg_call([fcinfo, calls] { end_MultiFuncCall(fcinfo, calls); });
    info->isDone = ExprEndResult;
    return returning_null(fcinfo);
}

Datum occurrences_of_rule(FunctionCallInfo fcinfo, Form form) {
    return stream(fcinfo, [form](const Args &args) {
        return std::pair(rule_argument(args, form, 5, 6, 8), wanted(args, form, 3, 4, 7));
    });
}

// next_occurrence, previous_occurrence and is_occurrence of a rule share one list of arguments.
Recurrence searched_rule(const Args &args, Form form) { return rule_argument(args, form, 4, 5, 6); }

Recurrence searched_icalendar(const Args &args) { return icalendar_argument(args, 2, 3); }

Datum next_of(FunctionCallInfo fcinfo, const Recurrence &recurrence, core::Instant after) {
    core::Work work = interruptible_work();
    if (after == core::instant_max)
        return returning_null(fcinfo);
    return returning(fcinfo, core::next_occurrence(recurrence.spec, *recurrence.zone, after, work));
}

Datum previous_of(FunctionCallInfo fcinfo, const Recurrence &recurrence, core::Instant before) {
    core::Work work = interruptible_work();
    if (before == core::instant_min)
        return returning_null(fcinfo);
    if (before == core::instant_max && core::is_unbounded(recurrence.spec))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "the rule has no end, so it has no last occurrence",
             "A rule without COUNT and UNTIL goes on for ever.", "Pass a finite time as \"before\".", "before");
    return returning(fcinfo, core::previous_occurrence(recurrence.spec, *recurrence.zone, before, work));
}

Datum is_one_of(const Recurrence &recurrence, core::Instant at) {
    core::Work work = interruptible_work();
    if (at == core::instant_min || at == core::instant_max)
        return BoolGetDatum(false);
    return BoolGetDatum(core::is_occurrence(recurrence.spec, *recurrence.zone, at, work));
}

} // namespace

// clinic.occurrences(rule, dtstart, tz, range_start, range_end, rdates, exdates, max_count, gap)
CLINIC_FUNCTION(clinic_occurrences) { return occurrences_of_rule(fcinfo, Form::typed); }
CLINIC_FUNCTION(clinic_occurrences_literal) { return occurrences_of_rule(fcinfo, Form::literal); }

// clinic.occurrences(icalendar, range_start, range_end, max_count, gap, tz)
CLINIC_FUNCTION(clinic_occurrences_icalendar) {
    return stream(fcinfo, [](const Args &args) {
        return std::pair(icalendar_argument(args, 4, 5), wanted(args, Form::typed, 1, 2, 3));
    });
}

// clinic.next_occurrence(rule, dtstart, tz, after, rdates, exdates, gap)
CLINIC_FUNCTION(clinic_next_occurrence) {
    const Args args(fcinfo);
    return next_of(fcinfo, searched_rule(args, Form::typed), required_instant(args, Form::typed, 3, "after"));
}
CLINIC_FUNCTION(clinic_next_occurrence_literal) {
    const Args args(fcinfo);
    return next_of(fcinfo, searched_rule(args, Form::literal), required_instant(args, Form::literal, 3, "after"));
}
CLINIC_FUNCTION(clinic_next_occurrence_icalendar) {
    const Args args(fcinfo);
    return next_of(fcinfo, searched_icalendar(args), required_instant(args, Form::typed, 1, "after"));
}

// clinic.previous_occurrence(rule, dtstart, tz, before, rdates, exdates, gap)
CLINIC_FUNCTION(clinic_previous_occurrence) {
    const Args args(fcinfo);
    return previous_of(fcinfo, searched_rule(args, Form::typed), required_instant(args, Form::typed, 3, "before"));
}
CLINIC_FUNCTION(clinic_previous_occurrence_literal) {
    const Args args(fcinfo);
    return previous_of(fcinfo, searched_rule(args, Form::literal), required_instant(args, Form::literal, 3, "before"));
}
CLINIC_FUNCTION(clinic_previous_occurrence_icalendar) {
    const Args args(fcinfo);
    return previous_of(fcinfo, searched_icalendar(args), required_instant(args, Form::typed, 1, "before"));
}

// clinic.is_occurrence(rule, dtstart, tz, at, rdates, exdates, gap)
CLINIC_FUNCTION(clinic_is_occurrence) {
    const Args args(fcinfo);
    return is_one_of(searched_rule(args, Form::typed), required_instant(args, Form::typed, 3, "at"));
}
CLINIC_FUNCTION(clinic_is_occurrence_literal) {
    const Args args(fcinfo);
    return is_one_of(searched_rule(args, Form::literal), required_instant(args, Form::literal, 3, "at"));
}
CLINIC_FUNCTION(clinic_is_occurrence_icalendar) {
    const Args args(fcinfo);
    return is_one_of(searched_icalendar(args), required_instant(args, Form::typed, 1, "at"));
}

} // namespace pg_clinic::pg
