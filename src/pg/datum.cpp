// Values between SQL and C++: see datum.hpp.
#include "pg/datum.hpp"

namespace pg_clinic::pg {

namespace {

// The same bounds as core::is_supported, for instants: a day's margin, since a zone moves them by hours.
constexpr std::int64_t first_micros = -63'082'368'000 * core::micros_per_second; // 0001-01-01
constexpr std::int64_t last_micros = 252'455'702'400 * core::micros_per_second;  // 10000-01-02

[[noreturn]] void refuse(const char *name, bool infinite) {
    if (infinite)
        fail(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, std::string("argument \"") + name + "\" must be finite",
             std::string("The argument is ") + name + ".", "Pass a date or time other than infinity.", name);
    fail(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, std::string("argument \"") + name + "\" is out of range", {},
         "Years 1 to 9999 are supported.", name);
}

} // namespace

void *allocate(std::size_t size) {
    // Told to report that there is no memory, the server raises nothing; the gate is for saying so in its words.
    if (AllocSizeIsValid(size))
        if (void *memory = palloc_extended(size, MCXT_ALLOC_NO_OOM))
            return memory;
    return pg_call([size] { return palloc(size); });
}

std::string_view text_view(Datum value) {
    auto *stored = reinterpret_cast<struct varlena *>(DatumGetPointer(value));
    if (VARATT_IS_EXTERNAL(stored) || VARATT_IS_COMPRESSED(stored))
        stored = pg_call([stored] { return pg_detoast_datum_packed(stored); });
    return {VARDATA_ANY(stored), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(stored))};
}

std::string text_of(Datum value) { return std::string(text_view(value)); }

Datum text_datum(std::string_view text) {
    if (text.size() > MaxAllocSize - VARHDRSZ)
        fail(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "text is too long");
    return pg_call(
        [text] { return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size()))); });
}

std::string shown(std::string_view text) {
    constexpr int longest = 64;
    const int given = static_cast<int>(std::min<std::size_t>(text.size(), 2 * longest));
    return std::string(text.substr(0, static_cast<std::size_t>(pg_mbcliplen(text.data(), given, longest))));
}

core::Duration duration_of(const Interval &interval) {
    if (interval.month != 0)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "interval must not contain months or years",
             "A month has no fixed length, and a length of elapsed time is needed here.",
             "Use days, hours, minutes and seconds, such as '90 minutes'; a day counts 24 hours.");
    std::int64_t days = 0, total = 0;
    if (__builtin_mul_overflow(std::int64_t{interval.day}, core::micros_per_day, &days) ||
        __builtin_add_overflow(days, interval.time, &total))
        fail(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, "interval out of range");
    return {total};
}

Json Sql<Json>::from(Datum value) {
    const char *text = pg_call([value] {
        auto *json = DatumGetJsonbP(value);
        return static_cast<const char *>(JsonbToCString(nullptr, &json->root, static_cast<int>(VARSIZE(json))));
    });
    return {text};
}

Datum Sql<Json>::to(const Json &json) {
    const char *text = json.text.c_str();
    return pg_call([text] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); });
}

Elements take_apart(Datum array, Oid type, int length, bool by_value, char align) {
    const auto *stored = reinterpret_cast<const ArrayType *>(DatumGetPointer(array));
    if (!VARATT_IS_EXTENDED(stored) && ARR_NDIM(stored) == 0)
        return {};
    return pg_call([=] {
        Elements e{};
        deconstruct_array(DatumGetArrayTypeP(array), type, length, by_value, align, &e.values, &e.nulls, &e.count);
        return e;
    });
}

Datum put_together(Datum *values, int count, Oid type, int length, bool by_value, char align) {
    return pg_call([=] { return PointerGetDatum(construct_array(values, count, type, length, by_value, align)); });
}

Datum returning_null(FunctionCallInfo fcinfo) {
    fcinfo->isnull = true;
    return 0;
}

core::Instant finite(core::Instant value, const char *name) {
    const bool infinite = value == core::instant_min || value == core::instant_max;
    if (infinite || value.micros < first_micros || value.micros >= last_micros)
        refuse(name, infinite);
    return value;
}

core::LocalTime finite(core::LocalTime value, const char *name) {
    const bool infinite = value.micros == DT_NOBEGIN || value.micros == DT_NOEND;
    if (infinite || !core::is_supported(value))
        refuse(name, infinite);
    return value;
}

core::Day finite(core::Day value, const char *name) {
    const bool infinite = value.days == DATEVAL_NOBEGIN || value.days == DATEVAL_NOEND;
    if (infinite || !core::is_supported(value))
        refuse(name, infinite);
    return value;
}

} // namespace pg_clinic::pg
