// The type clinic.rrule: a recurrence rule, stored as its canonical text in the layout of type text.
//
// Equal rules have equal texts, so comparison and hashing look at bytes only.
#include "core/rrule.hpp"
#include "pg/datum.hpp"
#include "pg/rrule_json.hpp"

namespace pg_clinic::pg {

namespace {

Datum rrule_datum(std::string_view text) { return text_datum(core::to_text(core::parse_rrule(text))); }

int compare(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    return args.get<std::string_view>(0).compare(args.get<std::string_view>(1));
}

Datum describe(FunctionCallInfo fcinfo) {
    const Args args(fcinfo);
    const core::RRule rule = reading("rule", [&] { return core::parse_rrule(args.required<std::string>(0, "rule")); });
    return text_datum(core::describe(rule, args.get_or<std::string>(1, "en")));
}

} // namespace

// Input: any legal text of a rule.
CLINIC_FUNCTION(clinic_rrule_in) { return rrule_datum(PG_GETARG_CSTRING(0)); }

// Output: the canonical text.
CLINIC_FUNCTION(clinic_rrule_out) {
    const std::string_view text = Args(fcinfo).get<std::string_view>(0);
    return pg_call([text] { return CStringGetDatum(pnstrdup(text.data(), text.size())); });
}

// Binary input: the text.
CLINIC_FUNCTION(clinic_rrule_recv) {
    auto *message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
    const char *text = pg_call([message] {
        int length = 0;
        return const_cast<const char *>(pq_getmsgtext(message, message->len - message->cursor, &length));
    });
    return rrule_datum(text);
}

// Binary output: the canonical text.
CLINIC_FUNCTION(clinic_rrule_send) {
    const std::string_view text = Args(fcinfo).get<std::string_view>(0);
    return pg_call([text] {
        StringInfoData out;
        pq_begintypsend(&out);
        pq_sendtext(&out, text.data(), static_cast<int>(text.size()));
        return PointerGetDatum(pq_endtypsend(&out));
    });
}

CLINIC_FUNCTION(clinic_rrule_eq) { return BoolGetDatum(compare(fcinfo) == 0); }
CLINIC_FUNCTION(clinic_rrule_ne) { return BoolGetDatum(compare(fcinfo) != 0); }
CLINIC_FUNCTION(clinic_rrule_lt) { return BoolGetDatum(compare(fcinfo) < 0); }
CLINIC_FUNCTION(clinic_rrule_le) { return BoolGetDatum(compare(fcinfo) <= 0); }
CLINIC_FUNCTION(clinic_rrule_gt) { return BoolGetDatum(compare(fcinfo) > 0); }
CLINIC_FUNCTION(clinic_rrule_ge) { return BoolGetDatum(compare(fcinfo) >= 0); }

// Three-way comparison for btree.
CLINIC_FUNCTION(clinic_rrule_cmp) {
    const int order = compare(fcinfo);
    return Int32GetDatum(order < 0 ? -1 : order > 0 ? 1 : 0);
}

CLINIC_FUNCTION(clinic_rrule_hash) {
    const std::string_view text = Args(fcinfo).get<std::string_view>(0);
    return hash_any(reinterpret_cast<const unsigned char *>(text.data()), static_cast<int>(text.size()));
}

CLINIC_FUNCTION(clinic_rrule_hash_extended) {
    const std::string_view text = Args(fcinfo).get<std::string_view>(0);
    const auto seed = static_cast<std::uint64_t>(Args(fcinfo).get<std::int64_t>(1));
    return hash_any_extended(reinterpret_cast<const unsigned char *>(text.data()), static_cast<int>(text.size()), seed);
}

// Cast from text.
CLINIC_FUNCTION(clinic_rrule_from_text) { return rrule_datum(Args(fcinfo).get<std::string_view>(0)); }

// Cast to jsonb.
CLINIC_FUNCTION(clinic_rrule_to_jsonb) {
    return Sql<Json>::to({rrule_to_json(core::parse_rrule(Args(fcinfo).get<std::string_view>(0)))});
}

// Cast from jsonb.
CLINIC_FUNCTION(clinic_rrule_from_jsonb) { return rrule_datum(rrule_text_from_json(Args(fcinfo).datum(0))); }

// clinic.describe_rrule(clinic.rrule, text) and clinic.describe_rrule(text, text)
CLINIC_FUNCTION(clinic_describe_rrule) { return describe(fcinfo); }

// clinic.is_rrule(text)
CLINIC_FUNCTION(clinic_is_rrule) {
    try {
        core::parse_rrule(Args(fcinfo).get<std::string_view>(0));
        return BoolGetDatum(true);
    } catch (const core::Error &) {
        return BoolGetDatum(false);
    }
}

} // namespace pg_clinic::pg
