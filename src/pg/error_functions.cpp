// The error catalogue as SQL sees it: raising for code in SQL, and listing.
#include "pg/datum.hpp"
#include "pg/errors.hpp"
#include "pg/result.hpp"

namespace pg_clinic::pg {

namespace {

// The members of a jsonb object but for "reason", which the catalogue adds.
Detail detail_from(const Json &json) {
    const std::string &text = json.text;
    if (text.empty() || text.front() != '{')
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "the detail of an error must be a JSON object");
    Detail detail;
    if (text != "{}")
        detail.add_members(std::string_view(text).substr(1, text.size() - 2));
    return detail;
}

Datum without_reason(Datum json) {
    return pg_call(
        [json] { return DirectFunctionCall2(jsonb_delete, json, PointerGetDatum(cstring_to_text("reason"))); });
}

} // namespace

// clinic_private.raise_error(code text, message text, detail jsonb, hint text)
CLINIC_FUNCTION(clinic_raise_error) {
    const Args args(fcinfo);
    const auto name = args.required<std::string>(0, "code");
    const auto code = code_named(name);
    if (!code)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "unknown error code \"" + name + "\"", {},
             "clinic.error_codes() lists them.");
    const auto json = args.is_null(2) ? std::nullopt : std::optional(Sql<Json>::from(args.datum(2)));
    Detail detail;
    if (json)
        detail = json->text.starts_with('{') ? detail_from(Sql<Json>::from(without_reason(args.datum(2))))
                                             : detail_from(*json);
    raise(*code, args.get_or<std::string>(1, {}), detail, args.get_or<std::string>(3, {}));
}

// clinic.error_codes()
CLINIC_FUNCTION(clinic_error_codes) {
    ResultSet rows(fcinfo);
    for (const CodeInfo &entry : error_catalogue())
        rows.add(std::string_view(entry.name), std::string_view(entry.sqlstate), std::string_view(entry.message),
                 std::string_view(entry.hint));
    return rows.done();
}

} // namespace pg_clinic::pg
