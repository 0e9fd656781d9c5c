// clinic.occurrences and its kin: the instances of recurrence sets.
//
// In a select list rows are computed one by one as they are asked for, so that a LIMIT there costs no work for rows nobody
// reads. In FROM the server keeps all rows in a tuplestore before anybody reads one; there they are put into it in portions,
// and a row costs no call. The budget of core::Work bounds each call; cancel and timeout interrupt it.
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

void refuse_endless(bool unbounded, const Wanted &want) {
    if (want.range.end != core::instant_max || want.max_count || !unbounded)
        return;
    fail(ERRCODE_INVALID_PARAMETER_VALUE, "the rule has no end, and neither \"range_end\" nor \"max_count\" is given",
         "A rule without COUNT and UNTIL goes on for ever.",
         "Pass range_end or max_count, or add COUNT or UNTIL to the rule.", "range_end");
}

// An expansion under way, alive between the calls of the function.
class Expansion {
  public:
    Expansion(Recurrence recurrence, const Wanted &want)
        : spec_(std::move(recurrence.spec)), left_(want.max_count.value_or(std::numeric_limits<std::int64_t>::max())),
          iterator_(spec_, *recurrence.zone, work_, want.range.begin, want.range.end) {}

    std::optional<core::Instant> next() {
        if (left_ == 0)
            return std::nullopt;
        const auto t = iterator_.next();
        if (t)
            --left_;
        return t;
    }

    std::size_t fill(std::span<core::Instant> out) {
        const std::size_t count =
            iterator_.fill(out.first(static_cast<std::size_t>(std::min<std::int64_t>(left_, std::ssize(out)))));
        left_ -= static_cast<std::int64_t>(count);
        return count;
    }

  private:
    core::RecurrenceSpec spec_;
    std::int64_t left_;
    core::Work work_ = interruptible_work();
    core::RecurrenceIterator iterator_; // refers to spec_ and work_
};

// The rows of a call in FROM. Without any there is no tuplestore, which the server takes for none.
class Rows {
  public:
    explicit Rows(ReturnSetInfo *info) : info_(info) { info->returnMode = SFRM_Materialize; }

    void add(std::span<const core::Instant> portion) {
        pg_call([this, portion] {
            if (info_->setResult == nullptr)
                begin();
            if (portion.size() == 1)
                put_one(portion.front());
            else
                put_many(portion);
        });
    }

  private:
    void begin() {
        MemoryContext caller = MemoryContextSwitchTo(info_->econtext->ecxt_per_query_memory);
        info_->setResult = tuplestore_begin_heap((info_->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
        MemoryContextSwitchTo(caller);
    }

    void put_one(core::Instant t) {
        Datum value = TimestampTzGetDatum(t.micros);
        bool null = false;
        tuplestore_putvalues(info_->setResult, info_->expectedDesc, &value, &null);
    }

    // The columns of a tuple are one value of eight bytes, never null: only they change from row to row.
    void put_many(std::span<const core::Instant> portion) {
        if (tuple_ == nullptr) {
            Datum value = TimestampTzGetDatum(portion.front().micros);
            bool null = false;
            tuple_ = heap_form_tuple(info_->expectedDesc, &value, &null);
        }
        char *value = reinterpret_cast<char *>(tuple_->t_data) + tuple_->t_data->t_hoff;
        for (const core::Instant t : portion) {
            std::memcpy(value, &t.micros, sizeof t.micros);
            tuplestore_puttuple(info_->setResult, tuple_);
        }
    }

    ReturnSetInfo *info_;
    HeapTuple tuple_ = nullptr;
};

// Where the rows go when the call stands in FROM; null when it stands in a select list.
ReturnSetInfo *called_in_from(FunctionCallInfo fcinfo) {
    auto *info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    const bool in_from = info != nullptr && IsA(info, ReturnSetInfo) &&
                         (info->allowedModes & SFRM_Materialize_Preferred) != 0 && info->expectedDesc != nullptr;
    return in_from ? info : nullptr;
}

// Returns all rows.
Datum put(FunctionCallInfo fcinfo, ReturnSetInfo *info, Recurrence recurrence, const Wanted &want) {
    Rows rows(info);
    Expansion expansion(std::move(recurrence), want);
    std::array<core::Instant, 128> portion;
    for (std::size_t count = portion.size(); count == portion.size();)
        if ((count = expansion.fill(portion)) > 0)
            rows.add(std::span(portion).first(count));
    return returning_null(fcinfo);
}

Datum put(FunctionCallInfo fcinfo, ReturnSetInfo *info, const RuleArguments &rule, const Wanted &want) {
    Rows rows(info);
    core::Work work = interruptible_work();
    core::each_occurrence(
        *rule.rule, rule.dtstart, rule.gap, *rule.zone, want.range, want.max_count, work,
        [](std::span<const core::Instant> portion, void *to) { static_cast<Rows *>(to)->add(portion); }, &rows);
    return returning_null(fcinfo);
}

// Returns the next row of the expansion that `start` makes at the first call.
template <class Start> Datum stream(FunctionCallInfo fcinfo, Start start) {
    if (fcinfo->flinfo->fn_extra == nullptr) {
        auto [recurrence, want] = start();
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
    struct Call {
        RuleArguments rule;
        Wanted want;
    };
    const auto read = [fcinfo, form] {
        const Args args(fcinfo);
        Call call{read_rule(args, form, 5, 6, 8), wanted(args, form, 3, 4, 7)};
        refuse_endless(!call.rule.rule->count && !call.rule.rule->until, call.want);
        return call;
    };
    if (ReturnSetInfo *info = called_in_from(fcinfo)) {
        Call call = read();
        return call.rule.alone() ? put(fcinfo, info, call.rule, call.want)
                                 : put(fcinfo, info, recurrence(std::move(call.rule)), call.want);
    }
    return stream(fcinfo, [&] {
        Call call = read();
        return std::pair(recurrence(std::move(call.rule)), call.want);
    });
}

Datum occurrences_of_icalendar(FunctionCallInfo fcinfo) {
    const auto read = [fcinfo] {
        const Args args(fcinfo);
        std::pair call{icalendar_argument(args, 4, 5), wanted(args, Form::typed, 1, 2, 3)};
        refuse_endless(core::is_unbounded(call.first.spec), call.second);
        return call;
    };
    if (ReturnSetInfo *info = called_in_from(fcinfo)) {
        auto [set, want] = read();
        return put(fcinfo, info, std::move(set), want);
    }
    return stream(fcinfo, read);
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
CLINIC_FUNCTION(clinic_occurrences_icalendar) { return occurrences_of_icalendar(fcinfo); }

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
