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
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "the detail of an error must be a JSON object", {}, {}, "detail");
    Detail detail;
    if (text != "{}")
        detail.add_members(std::string_view(text).substr(1, text.size() - 2));
    return detail;
}

Datum without_reason(Datum json) {
    return pg_call(
        [json] { return DirectFunctionCall2(jsonb_delete, json, PointerGetDatum(cstring_to_text("reason"))); });
}

// The names of a jsonb object's members that are null, in order.
std::vector<std::string> null_members(Datum json) {
    struct Names {
        JsonbValue *values;
        std::size_t count;
    };
    const Names names = pg_call([json] {
        auto *object = DatumGetJsonbP(json);
        Names found{
            static_cast<JsonbValue *>(palloc(sizeof(JsonbValue) * std::max<std::size_t>(JB_ROOT_COUNT(object), 1))), 0};
        JsonbIterator *iterator = JsonbIteratorInit(&object->root);
        JsonbValue name{}, value{};
        if (!JB_ROOT_IS_OBJECT(object))
            return found;
        (void)JsonbIteratorNext(&iterator, &name, true);
        while (JsonbIteratorNext(&iterator, &name, true) == WJB_KEY) {
            (void)JsonbIteratorNext(&iterator, &value, true);
            if (value.type == jbvNull)
                found.values[found.count++] = name;
        }
        return found;
    });
    std::vector<std::string> out;
    for (const JsonbValue &name : std::span(names.values, names.count))
        out.emplace_back(name.val.string.val, static_cast<std::size_t>(name.val.string.len));
    std::sort(out.begin(), out.end());
    return out;
}

std::string joined(const std::vector<std::string> &texts, std::string_view separator) {
    std::string out;
    for (const std::string &text : texts) {
        out += out.empty() ? std::string_view() : separator;
        out += text;
    }
    return out;
}

} // namespace

// clinic_private.require_arguments(arguments jsonb)
CLINIC_FUNCTION(clinic_require_arguments) {
    const auto missing = null_members(Args(fcinfo).datum(0));
    if (missing.empty())
        return 0;
    refuse_argument(Code::missing_argument, joined(missing, ", "),
                    std::string(missing.size() == 1 ? "argument" : "arguments") + " \"" + joined(missing, "\", \"") +
                        "\" must not be null",
                    {}, "Pass a value by name, as in " + missing.front() + " => ... .");
}

// clinic_private.refuse_argument(argument text, message text, detail text, hint text, code text)
CLINIC_FUNCTION(clinic_refuse_argument) {
    const Args args(fcinfo);
    const auto argument = args.get_or<std::string>(0, {});
    const auto name = args.get_or<std::string>(4, info(Code::invalid_argument).name);
    const auto code = code_named(name);
    if (!code || !is_argument_code(*code))
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "no error code of arguments: \"" + name + "\"", {}, {}, "code");
    refuse_argument(*code, argument, args.get_or<std::string>(1, {}),
                    args.get_or<std::string>(2, "The argument is " + argument + "."), args.get_or<std::string>(3, {}));
}

// clinic_private.raise_error(code text, message text, detail jsonb, hint text)
CLINIC_FUNCTION(clinic_raise_error) {
    const Args args(fcinfo);
    const auto name = args.required<std::string>(0, "code");
    const auto code = code_named(name);
    if (!code)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "unknown error code \"" + name + "\"", {},
             "clinic.error_codes() lists them.", "code");
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
        rows.add(std::string_view(entry.name), std::string_view(entry.sqlstate), std::int32_t{entry.http_status},
                 std::string_view(entry.message), std::string_view(entry.hint));
    return rows.done();
}

} // namespace pg_clinic::pg
